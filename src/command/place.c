/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "command/nearest.h"
#include "fetafix/command_place.h"

/* ----------------------------------------------------------------------------------------- by name */

/* Ways in which a word may mean a name, the strictest first. */
enum { WHOLE, ANY_CASE, PIECES, PART, WAYS };

static bool fits(int way, const char *name, const char *word)
{
    switch (way) {
    case WHOLE:
        return strcmp(name, word) == 0;
    case ANY_CASE:
        return strcasecmp(name, word) == 0;
    case PIECES:
        return ff_name_holds(name, word);
    default:
        return strcasestr(name, word) != NULL;
    }
}

/* What is looked for: rows of a table by the text of a column. Rows of one `thing` are the same. */
typedef struct wanted {
    const char *what, *list; /* "node"; the command that lists them */
    const ff_table *table;
    int column, thing; /* thing -1: the row itself */
    /* Of several that fit, the one that this chooses; NULL: none. */
    bool (*prefers)(const ff_table *t, int row);
    const char *side; /* nodes of this side only; NULL: of both */
} wanted;

static int64_t thing_of(const wanted *w, int row)
{
    return w->thing < 0 || ff_table_empty(w->table, row, w->thing) ? row : ff_table_int(w->table, row, w->thing);
}

static int several(const wanted *w, const char *word, const int *rows, int n)
{
    ff_buf b = {0};
    for (int i = 0; i < n && i < 3; i++)
        ff_buf_printf(&b, "%s'%s'", i ? ", " : "", ff_table_text(w->table, rows[i], w->column));
    int code = ff_fail(FF_ERR_USAGE, "'%s' fits more than one %s: %s%s", word, w->what, b.data, n > 3 ? ", ..." : "");
    ff_buf_finish(&b);
    return code;
}

static bool is_of_side(const wanted *w, int row)
{
    return !w->side || strcmp(ff_table_text(w->table, row, ff_table_find(w->table, "side")), w->side) == 0;
}

static int none(const wanted *w, const char *word)
{
    int rows = ff_table_rows(w->table);
    size_t n = 0;
    const char **names = ff_alloc_array((size_t)rows + 1, sizeof *names);
    for (int i = 0; i < rows; i++) {
        if (is_of_side(w, i))
            names[n++] = ff_table_text(w->table, i, w->column);
    }
    const char *near = place_nearest(word, names, n);
    int code = near ? ff_fail(FF_ERR_USAGE, "there is no %s '%s'; did you mean '%s'?", w->what, word, near)
                    : ff_fail(FF_ERR_USAGE, "there is no %s '%s'; see `%s`", w->what, word, w->list);
    free(names);
    return code;
}

/* The rows that fit in one way, each thing once; `only` where it is given: those that it chooses. */
static int collect(const wanted *w, int way, const char *word, bool (*only)(const ff_table *t, int row), int *rows)
{
    int n = 0;
    for (int i = 0; i < ff_table_rows(w->table); i++) {
        bool new =
            is_of_side(w, i) && fits(way, ff_table_text(w->table, i, w->column), word) && (!only || only(w->table, i));
        for (int k = 0; new &&k < n; k++)
            new = thing_of(w, rows[k]) != thing_of(w, i);
        if (new)
            rows[n++] = i;
    }
    return n;
}

static int find(const wanted *w, const char *word, int *row)
{
    size_t most = (size_t)ff_table_rows(w->table) + 1;
    int *rows = ff_alloc_array(2 * most, sizeof *rows), *better = rows + most, *found = rows;
    int n = 0, code = FF_OK;
    for (int way = 0; way < WAYS && n == 0 && *word; way++) {
        n = collect(w, way, word, NULL, rows);
        int preferred = n > 1 && w->prefers ? collect(w, way, word, w->prefers, better) : 0;
        if (preferred) {
            n = preferred;
            found = better;
        }
    }
    if (n == 0)
        code = none(w, word);
    else if (n > 1)
        code = several(w, word, found, n);
    else
        *row = found[0];
    free(rows);
    return code;
}

static int row_of(const ff_table *t, const char *column, int64_t number)
{
    int k = ff_table_find(t, column);
    for (int i = 0; i < ff_table_rows(t); i++) {
        if (!ff_table_empty(t, i, k) && ff_table_int(t, i, k) == number)
            return i;
    }
    return -1;
}

/* -------------------------------------------------------------------------------------------- rows */

/* Of the nodes that make a core layer, the one that gives it its name. */
static bool is_primary(const ff_table *nodes, int row)
{
    return !ff_table_empty(nodes, row, ff_table_find(nodes, "layer")) &&
           strcmp(ff_table_text(nodes, row, ff_table_find(nodes, "role")), "primary") == 0;
}

static int find_node(const ff_snapshot *s, const char *name, int *pair)
{
    const ff_table *t = s->nodes;
    int row = 0, k = ff_table_find(t, "pair");
    wanted w = {.what = "node",
                .list = "nodes",
                .table = t,
                .column = ff_table_find(t, "node"),
                .thing = k,
                .prefers = is_primary};
    int code = find(&w, name, &row);
    if (!code)
        *pair = (int)ff_table_int(t, row, k);
    return code;
}

int ff_place_node(const ff_snapshot *s, const char *side, const char *word, const char **name)
{
    wanted w = {.what = strcmp(side, "source") == 0 ? "node of the Source" : "node of the Target",
                .list = "nodes",
                .table = s->nodes,
                .column = ff_table_find(s->nodes, "node"),
                .thing = -1,
                .prefers = is_primary,
                .side = side};
    int row = 0, code = find(&w, word, &row);
    *name = code ? NULL : ff_table_text(s->nodes, row, w.column);
    return code;
}

static int find_layer(const ff_snapshot *s, const char *word, int *pair)
{
    int64_t number;
    int row = ff_parse_int(word, &number) ? row_of(s->layers, "layer", number) : -1;
    int k = ff_table_find(s->layers, "pair");
    if (row < 0 || ff_table_empty(s->layers, row, k))
        return ff_table_rows(s->layers)
                   ? ff_fail(FF_ERR_USAGE, "there is no layer '%s'; they are 1 to %d", word, ff_table_rows(s->layers))
                   : ff_fail(FF_ERR_USAGE, "layers are numbered by `localize`");
    *pair = (int)ff_table_int(s->layers, row, k);
    return FF_OK;
}

static bool is_number(const char *word)
{
    int64_t number;
    return ff_parse_int(word, &number);
}

/* "L12" and "12" */
static const char *layer_number(const char *word)
{
    const char *digits = *word == 'L' || *word == 'l' ? word + 1 : word;
    return is_number(digits) ? digits : NULL;
}

int ff_place_layer(const ff_snapshot *s, int n, char **words, int *used, int *pair)
{
    *used = n > 1 && strcmp(words[0], "layer") == 0 ? 2 : 1;
    const char *word = words[*used - 1], *number = layer_number(word);
    int code = number ? find_layer(s, number, pair) : find_node(s, word, pair);
    if (code || number)
        return code;
    int k = ff_table_find(s->layers, "pair"), row = row_of(s->layers, "pair", *pair);
    return row >= 0 && !ff_table_empty(s->layers, row, k)
               ? FF_OK
               : ff_fail(FF_ERR_USAGE, "'%s' is no core layer; see `detail %s`", word, word);
}

int ff_place_pair(const ff_snapshot *s, int n, char **words, int *used, int *pair)
{
    int64_t number;
    *used = 1;
    if (n > 1 && strcmp(words[0], "layer") == 0)
        return ff_place_layer(s, n, words, used, pair);
    if (!is_number(words[0]) && layer_number(words[0]) && find_layer(s, words[0] + 1, pair) == FF_OK)
        return FF_OK;
    if (n > 1 && (strcmp(words[0], "pair") == 0 || strcmp(words[0], "node") == 0)) {
        words++;
        *used = 2;
    }
    if (!ff_parse_int(words[0], &number))
        return find_node(s, words[0], pair);
    if (row_of(s->pairs, "pair", number) < 0)
        return ff_fail(FF_ERR_USAGE, "there is no pair %s; see `pairs`", words[0]);
    *pair = (int)number;
    return FF_OK;
}

int ff_place_image(const ff_snapshot *s, const char *word, int *row)
{
    const ff_table *t = s->images_table;
    int64_t number;
    wanted w = {.what = "image", .list = "images", .table = t, .column = ff_table_find(t, "name"), .thing = -1};
    if (ff_parse_int(word, &number) && (*row = row_of(t, "image", number)) >= 0)
        return FF_OK;
    return find(&w, word, row);
}

int ff_place_repair(const ff_snapshot *s, const char *word, int *row)
{
    const ff_table *t = s->proposals;
    int64_t number;
    wanted w = {.what = "open repair", .list = "proposals", .table = t, .column = ff_table_find(t, "id"), .thing = -1};
    if (ff_parse_int(word, &number)) {
        *row = row_of(t, "number", number);
        return *row >= 0 ? FF_OK
               : ff_table_rows(t)
                   ? ff_fail(FF_ERR_USAGE, "there is no open repair %s; they are 1 to %d, see `proposals`", word,
                             ff_table_rows(t))
                   : ff_fail(FF_ERR_USAGE, "there is no open repair");
    }
    return find(&w, word, row);
}
