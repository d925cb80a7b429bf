/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions about one place: detail, layer, diff, weights; and about one image: why. */
#include "command/look.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "command/batch.h"
#include "command/print.h"
#include "command/views.h"

static const char *text_at(const ff_table *t, int row, const char *column)
{
    return ff_table_text(t, row, ff_table_find(t, column));
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

/* ---------------------------------------------------------------------------------------- places
 */

static int find_layer(const ff_snapshot *s, const char *word, int *pair)
{
    int64_t number;
    int row = ff_parse_int(word, &number) ? row_of(s->layers, "layer", number) : -1;
    int k = ff_table_find(s->layers, "pair");
    if (row < 0 || ff_table_empty(s->layers, row, k))
        return ff_table_rows(s->layers)
                   ? ff_fail(FF_ERR_USAGE, "there is no layer '%s'; they are 1 to %d", word,
                             ff_table_rows(s->layers))
                   : ff_fail(FF_ERR_USAGE, "layers are numbered by `localize`");
    *pair = (int)ff_table_int(s->layers, row, k);
    return FF_OK;
}

static int find_node(const ff_snapshot *s, const char *name, int *pair)
{
    int label = ff_table_find(s->nodes, "node"), k = ff_table_find(s->nodes, "pair");
    int n = ff_table_rows(s->nodes), found = -1, other = -1;
    for (int i = 0; i < n; i++) {
        const char *have = ff_table_text(s->nodes, i, label);
        int at = (int)ff_table_int(s->nodes, i, k);
        if (strcmp(have, name) == 0) {
            *pair = at;
            return FF_OK;
        }
        if (!strstr(have, name) || (found >= 0 && at == ff_table_int(s->nodes, found, k)))
            continue;
        if (found >= 0)
            other = i;
        else
            found = i;
    }
    if (other >= 0)
        return ff_fail(FF_ERR_USAGE, "'%s' fits several nodes, as '%s' and '%s'", name,
                       ff_table_text(s->nodes, found, label), ff_table_text(s->nodes, other, label));
    if (found >= 0) {
        *pair = (int)ff_table_int(s->nodes, found, k);
        return FF_OK;
    }
    const char **names = ff_alloc_array((size_t)n + 1, sizeof *names);
    for (int i = 0; i < n; i++)
        names[i] = ff_table_text(s->nodes, i, label);
    const char *near = ff_nearest(name, names, (size_t)n);
    int code = near ? ff_fail(FF_ERR_USAGE, "there is no node '%s'; did you mean '%s'?", name, near)
                    : ff_fail(FF_ERR_USAGE, "there is no node '%s'; see `nodes`", name);
    free(names);
    return code;
}

int look_place(const ff_snapshot *s, int n, char **words, int *used, int *pair)
{
    int64_t number;
    *used = 1;
    if (n > 1 && strcmp(words[0], "layer") == 0) {
        *used = 2;
        return find_layer(s, words[1], pair);
    }
    if (words[0][0] == 'L' && ff_parse_int(words[0] + 1, &number) && find_layer(s, words[0] + 1, pair) == FF_OK)
        return FF_OK;
    if (n > 1 && strcmp(words[0], "pair") == 0) {
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

/*
 * The detail of a pair, made by the engine. Where the front end does not wait, *out is NULL and the
 * line is run again when the job has ended.
 */
static int get_detail(ff_context *c, int pair, const ff_detail **out)
{
    *out = ff_session_detail(c->session, pair);
    if (*out)
        return FF_OK;
    int64_t job =
        ff_session_post(c->session, &(ff_request){.kind = FF_JOB_DETAIL, .number = pair});
    if (!c->wait && !c->again) {
        free(c->later);
        c->later = ff_strdup(c->line);
        c->later_job = job;
        return FF_OK;
    }
    int code = batch_wait(c, job);
    if (code)
        return code;
    *out = ff_session_detail(c->session, pair);
    return *out ? FF_OK : ff_fail(FF_ERR_USAGE, "there is no detail of pair %d yet", pair);
}

/* -------------------------------------------------------------------------------------- sections
 */

/* Tables under one another: in JSON one object with a list each. */
typedef struct section {
    const char *name;
    const char *sql; /* over the views and the detail's tables */
} section;

enum { DETAIL_TABLES = 5 };

static void add_detail(const ff_detail *d, views *v)
{
    const sql_source tables[DETAIL_TABLES] = {{"attributes", d->attributes},
                                              {"origins", d->origins},
                                              {"weights", d->weights},
                                              {"histogram", d->histogram},
                                              {"worst", d->worst}};
    for (int i = 0; i < DETAIL_TABLES; i++)
        v->at[v->n++] = tables[i];
}
static_assert(DETAIL_TABLES + 12 < VIEWS_MAX, "VIEWS_MAX is too small");

static void print_section(ff_format format, const char *name, const ff_table *t, bool only,
                          bool *first, ff_buf *out)
{
    if (format == FF_FORMAT_JSON && !only) {
        ff_buf_printf(out, "%s\"%s\": ", *first ? "{" : ",\n", name);
        ff_table_print(t, format, 0, out);
        if (out->len && out->data[out->len - 1] == '\n')
            out->data[--out->len] = '\0';
    } else if (format == FF_FORMAT_JSON || ff_table_rows(t)) {
        if (!only)
            ff_buf_printf(out, "%s%s%s\n", *first ? "" : "\n", format == FF_FORMAT_CSV ? "#" : "",
                          name);
        ff_table_print(t, format, 0, out);
    } else {
        return;
    }
    *first = false;
}

static int print_sections(ff_context *c, const ff_snapshot *s, const ff_detail *d,
                          const section *sections, int n)
{
    views v;
    ff_buf b = {0};
    bool first = true;
    int code = FF_OK;
    sql_limits limits = view_limits(c);
    views_open(s, &v);
    if (d)
        add_detail(d, &v);
    for (int i = 0; i < n && !code; i++) {
        sql_result r;
        code = sql_run(v.at, v.n, sections[i].sql, &limits, &r);
        if (!code)
            print_section(c->format, sections[i].name, r.table, n == 1, &first, &b);
        sql_finish(&r);
    }
    if (!code && c->format == FF_FORMAT_JSON && n > 1)
        ff_buf_puts(&b, "}\n");
    if (!code)
        c->print(c->sink, b.len ? b.data : "nothing differs here\n");
    views_close(&v);
    ff_buf_finish(&b);
    return code;
}

/* -------------------------------------------------------------------------------------- commands
 */

#define WEIGHTS                                                                                    \
    "select role, shape, count, different, relative, max_abs, cause from weights"
#define WORST(limit)                                                                               \
    "select role, \"index\", source, target, difference from worst order by abs(difference) desc " \
    "limit " limit

static int print_layer(ff_context *c, const ff_snapshot *s, const ff_detail *d)
{
    char *pair = ff_asprintf("select pair, layer, status, source_summary, target_summary, note, source, "
                             "target from pairs where pair = %d", d->pair);
    char *scores = ff_asprintf("select rank, isolated, causal, entire, kw, effect from layers where "
                               "pair = %d", d->pair);
    char *findings = ff_asprintf("select id, status, summary, step, before, after from findings "
                                 "where pair = %d", d->pair);
    const section all[] = {
        {"pair", pair},
        {"scores", scores},
        {"findings", findings},
        {"attributes", "select name, source, target, same from attributes where not same"},
        {"weights", WEIGHTS},
        {"nodes", "select side, label, op, role, shape from origins"},
    };
    int code = print_sections(c, s, d, all, FF_COUNT(all));
    free(pair);
    free(scores);
    free(findings);
    return code;
}

static int print_detail(ff_context *c, const ff_snapshot *s, const ff_detail *d)
{
    static const section all[] = {
        {"attributes", "select * from attributes"},
        {"nodes", "select * from origins"},
        {"weights", "select * from weights"},
        {"worst", "select * from worst"},
    };
    return print_sections(c, s, d, all, FF_COUNT(all));
}

/* diff PLACE [NAME]...: these attributes, or all that differ. */
static int print_diff(ff_context *c, const ff_snapshot *s, const ff_detail *d, int argc, char **argv)
{
    ff_buf sql = {0};
    int k = ff_table_find(d->attributes, "name"), rows = ff_table_rows(d->attributes), code = FF_OK;
    ff_buf_puts(&sql, "select name, source, target, same from attributes where ");
    for (int i = 0; i < argc && !code; i++) {
        const char **names = ff_alloc_array((size_t)rows + 1, sizeof *names);
        bool found = false;
        for (int r = 0; r < rows; r++) {
            names[r] = ff_table_text(d->attributes, r, k);
            found |= strcmp(names[r], argv[i]) == 0;
        }
        const char *near = found ? NULL : ff_nearest(argv[i], names, (size_t)rows);
        if (!found)
            code = near ? ff_fail(FF_ERR_USAGE, "there is no attribute '%s' here; did you mean '%s'?",
                                  argv[i], near)
                        : ff_fail(FF_ERR_USAGE, "there is no attribute '%s' here; see `detail %d`",
                                  argv[i], d->pair);
        ff_buf_puts(&sql, i ? " or name = " : "name = ");
        sql_put_text(&sql, argv[i]);
        free(names);
    }
    if (!argc)
        ff_buf_puts(&sql, "not same");
    if (!code)
        code = print_sections(c, s, d, &(section){"attributes", sql.data}, 1);
    ff_buf_finish(&sql);
    return code;
}

/* weights PLACE [worst N] */
static int print_weights(ff_context *c, const ff_snapshot *s, const ff_detail *d, int argc,
                         char **argv)
{
    int64_t n;
    if (argc == 0)
        return print_sections(c, s, d, &(section){"weights", WEIGHTS}, 1);
    if (argc != 2 || strcmp(argv[0], "worst") != 0 || !ff_parse_int(argv[1], &n) || n < 1)
        return ff_fail(FF_ERR_USAGE, "expected: weights NODE | layer N [worst N]");
    char *worst = ff_asprintf(WORST("%lld"), (long long)n);
    const section both[] = {{"weights", WEIGHTS}, {"worst", worst}};
    int code = print_sections(c, s, d, both, FF_COUNT(both));
    free(worst);
    return code;
}

int prompt_look(ff_context *c, int argc, char **argv)
{
    if (!c->session)
        return ff_fail(FF_ERR_USAGE, "no case is open: give SOURCE TARGET --images DIR|LIST");
    const ff_snapshot *s = ff_session_snapshot(c->session);
    const ff_detail *d = NULL;
    int pair = -1, used = 0, code;
    bool layer = strcmp(argv[0], "layer") == 0;
    if (layer)
        code = find_layer(s, argv[(used = 1)], &pair);
    else if ((code = look_place(s, argc - 1, argv + 1, &used, &pair)) == FF_OK &&
             argc - 1 > used && strcmp(argv[0], "detail") == 0)
        code = ff_fail(FF_ERR_USAGE, "expected: detail NODE | layer N");
    if (!code)
        code = get_detail(c, pair, &d);
    if (!code && d) {
        int n = argc - 1 - used;
        char **rest = argv + 1 + used;
        code = layer                                ? print_layer(c, s, d)
               : strcmp(argv[0], "diff") == 0       ? print_diff(c, s, d, n, rest)
               : strcmp(argv[0], "weights") == 0    ? print_weights(c, s, d, n, rest)
                                                    : print_detail(c, s, d);
    }
    ff_detail_unref(d);
    ff_snapshot_unref(s);
    return code;
}

/* ----------------------------------------------------------------------------------------- images
 */

/* By number, name, or a part of one name only. */
static int find_image(const ff_snapshot *s, const char *word, int *row)
{
    const ff_table *t = s->images_table;
    int name = ff_table_find(t, "name"), found = -1, n = ff_table_rows(t);
    bool several = false;
    int64_t number;
    if (ff_parse_int(word, &number) && (*row = row_of(t, "image", number)) >= 0)
        return FF_OK;
    for (int i = 0; i < n; i++) {
        const char *have = ff_table_text(t, i, name);
        if (strcmp(have, word) == 0) {
            *row = i;
            return FF_OK;
        }
        if (strstr(have, word)) {
            several |= found >= 0;
            found = i;
        }
    }
    *row = found;
    if (found >= 0 && !several)
        return FF_OK;
    if (several)
        return ff_fail(FF_ERR_USAGE, "'%s' fits several images, as '%s'", word,
                       ff_table_text(t, found, name));
    const char **names = ff_alloc_array((size_t)n + 1, sizeof *names);
    for (int i = 0; i < n; i++)
        names[i] = ff_table_text(t, i, name);
    const char *near = ff_nearest(word, names, (size_t)n);
    int code = near ? ff_fail(FF_ERR_USAGE, "there is no image '%s'; did you mean '%s'?", word, near)
                    : ff_fail(FF_ERR_USAGE, "there is no image '%s'; see `images`", word);
    free(names);
    return code;
}

/* The answer in a sentence: text only, the tables below hold it too. */
static void say_why(ff_context *c, const ff_snapshot *s, int row)
{
    const ff_table *t = s->images_table;
    int step = ff_table_find(t, "fixed_by"), wrong = ff_table_find(t, "wrong");
    int source = ff_table_find(t, "source"), initial = ff_table_find(t, "initial");
    if (!ff_table_empty(t, row, step))
        say(c, "%s: put right by step %lld\n", text_at(t, row, "name"),
            (long long)ff_table_int(t, row, step));
    else if (!ff_table_int(t, row, wrong))
        say(c, "%s: both models give it class %lld\n", text_at(t, row, "name"),
            (long long)ff_table_int(t, row, source));
    else if (ff_table_int(t, row, initial) == ff_table_int(t, row, source))
        say(c, "%s: wrong since a step was taken; it was right at first\n", text_at(t, row, "name"));
    else
        say(c, "%s: wrong; the Source is ahead by %.4g, the open findings are below\n",
            text_at(t, row, "name"), ff_table_real(t, row, ff_table_find(t, "source_margin")));
}

int prompt_why(ff_context *c, int argc, char **argv)
{
    if (!c->session)
        return ff_fail(FF_ERR_USAGE, "no case is open: give SOURCE TARGET --images DIR|LIST");
    if (argc == 3 && strcmp(argv[1], "image") != 0)
        return ff_fail(FF_ERR_USAGE, "expected: why image IMAGE");
    const ff_snapshot *s = ff_session_snapshot(c->session);
    int row, code = find_image(s, argv[argc - 1], &row);
    if (!code) {
        const ff_table *t = s->images_table;
        long long image = (long long)ff_table_int(t, row, ff_table_find(t, "image"));
        int fixed = ff_table_find(t, "fixed_by"), wrong = ff_table_find(t, "wrong");
        char *labels = ff_asprintf(
            "select source, source_name, source_margin, target, target_name, target_margin, initial "
            "from images where image = %lld", image);
        char *best = ff_asprintf("select a.place, a.class as source, b.class as target from labels a "
                                 "join labels b on b.image = a.image and b.place = a.place and b.side = "
                                 "'target' where a.image = %lld and a.side = 'source'", image);
        char *cause = ff_table_empty(t, row, fixed)
                          ? ff_asprintf("select type, layer, summary from findings where status != "
                                        "'repaired' and %d", ff_table_int(t, row, wrong) != 0)
                          : ff_asprintf("select state, summary, wrong from states where step = %lld and "
                                        "state in (with recursive way(n) as (select state from states where "
                                        "current union select parent from states, way where state = n) "
                                        "select n from way)",
                                        (long long)ff_table_int(t, row, fixed));
        const section all[] = {{"labels", labels}, {"best", best},
                               {ff_table_empty(t, row, fixed) ? "open" : "step", cause}};
        if (c->format == FF_FORMAT_TEXT)
            say_why(c, s, row);
        code = print_sections(c, s, NULL, all, FF_COUNT(all));
        free(labels);
        free(best);
        free(cause);
    }
    ff_snapshot_unref(s);
    return code;
}
