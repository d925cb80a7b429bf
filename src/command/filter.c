/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The words behind a view's name, turned into SQL:
 *
 *     nodes op=Conv differs            rows whose column is, or that hold a text; known words
 *     nodes op=Conv,Gemm or node=*add  one of several; a pattern; or, not
 *     layers isolated>0.01             = != < <= > >=, and ~ for "holds"
 *     images wrong by target_margin up top 10
 *     findings type=WB show id,summary
 *     layers 12                        the row of that number
 *
 * Case does not matter in texts. What other tools say is understood too: where, and, limit N, order by.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "command/nearest.h"
#include "fetafix/command_say.h"
#include "fetafix/command_sql.h"
#include "fetafix/command_views.h"

/* Words of the field that are no column. */
static const struct {
    const char *view, *word, *condition;
} known[] = {
    {"nodes", "differs", "status not in ('equal', 'equivalent')"},
    {"pairs", "differs", "status not in ('equal', 'equivalent')"},
    {"nodes", "diff", "status not in ('equal', 'equivalent')"},
    {"pairs", "diff", "status not in ('equal', 'equivalent')"},
    {"nodes", "different", "status not in ('equal', 'equivalent')"},
    {"pairs", "different", "status not in ('equal', 'equivalent')"},
    {"pairs", "missing", "status = 'source-only'"},
    {"pairs", "added", "status = 'target-only'"},
    {"images", "right", "not wrong"},
    {"images", "fixed", "fixed_by is not null"},
    {"layers", "scored", "rank is not null"},
};

typedef struct asked {
    const ff_view *view;
    const ff_column *columns;
    int n_columns;
    bool ordered; /* the command has an order of its own: a number says how many */
    ff_buf where, order, shown;
    bool either, negated;    /* `or`, `not` stand before the next condition */
    int64_t top;             /* -1: all */
    const ff_column *column; /* of the first text that was asked for by COLUMN=VALUE, to look whether there is one */
    char *value;
    const ff_column *by; /* first column of the order that was asked for */
} asked;

static int unknown_column(const asked *a, const char *name, size_t n)
{
    const char *names[64];
    char *word = ff_strndup(name, n);
    for (int i = 0; i < a->n_columns && i < (int)FF_COUNT(names); i++)
        names[i] = a->columns[i].name;
    const char *near = ff_nearest(word, names, (size_t)a->n_columns);
    int code =
        near ? ff_fail(FF_ERR_USAGE, "%s: there is no column '%s'; did you mean '%s'?", a->view->name, word, near)
             : ff_fail(FF_ERR_USAGE, "%s: there is no column '%s'; see `help %s`", a->view->name, word, a->view->name);
    free(word);
    return code;
}

static const ff_column *column_of(const asked *a, const char *name, size_t n)
{
    for (int i = 0; i < a->n_columns; i++) {
        if (strlen(a->columns[i].name) == n && memcmp(a->columns[i].name, name, n) == 0)
            return &a->columns[i];
    }
    return NULL;
}

static void begin_condition(asked *a)
{
    if (a->where.len)
        ff_buf_puts(&a->where, a->either ? " or " : " and ");
    ff_buf_puts(&a->where, a->negated ? "not (" : "(");
    a->either = a->negated = false;
}

static void end_condition(asked *a)
{
    ff_buf_putc(&a->where, ')');
}

/* The text of one column holds the word, whatever its case. */
static void put_holds(ff_buf *b, const char *column, const char *word)
{
    ff_buf_puts(b, "instr(lower(coalesce(");
    ff_sql_put_name(b, column);
    ff_buf_puts(b, ", '')), lower(");
    ff_sql_put_text(b, word);
    ff_buf_puts(b, ")) > 0");
}

/* A pattern with * in it; the other signs of GLOB stand for themselves. */
static void put_pattern(ff_buf *b, const char *column, const char *word)
{
    ff_buf pattern = {0};
    for (; *word; word++)
        ff_buf_printf(&pattern, strchr("[?", *word) ? "[%c]" : "%c", *word);
    ff_buf_puts(b, "lower(coalesce(");
    ff_sql_put_name(b, column);
    ff_buf_puts(b, ", '')) glob lower(");
    ff_sql_put_text(b, pattern.data);
    ff_buf_putc(b, ')');
    ff_buf_finish(&pattern);
}

static int put_value(asked *a, const ff_column *c, const char *value)
{
    int64_t number;
    double real;
    static const char *const yes[] = {"yes", "true", "1"}, *const no[] = {"no", "false", "0"};
    switch (c->type) {
    case FF_COL_TEXT:
        ff_sql_put_text(&a->where, value);
        return FF_OK;
    case FF_COL_BOOL:
        for (size_t i = 0; i < FF_COUNT(yes); i++) {
            if (strcmp(value, yes[i]) == 0 || strcmp(value, no[i]) == 0) {
                ff_buf_puts(&a->where, strcmp(value, yes[i]) == 0 ? "1" : "0");
                return FF_OK;
            }
        }
        return ff_fail(FF_ERR_USAGE, "%s: '%s' is yes or no, not '%s'", a->view->name, c->name, value);
    default:
        if (!ff_parse_int(value, &number) && !ff_parse_real(value, &real))
            return ff_fail(FF_ERR_USAGE, "%s: '%s' is a number, '%s' is none", a->view->name, c->name, value);
        ff_buf_puts(&a->where, value);
        return FF_OK;
    }
}

/* The column is this value: whole, by a pattern, or one of "a,b,c". */
static int put_is(asked *a, const ff_column *c, const char *value)
{
    bool text = c->type == FF_COL_TEXT;
    if (text && strchr(value, '*')) {
        put_pattern(&a->where, c->name, value);
        return FF_OK;
    }
    if (text && !a->value) {
        a->column = c;
        a->value = ff_strdup(value);
    }
    const char *whole = text && strchr(value, ',') ? value : NULL; /* "[0,0,1,1]" is one value */
    int code = FF_OK;
    ff_sql_put_name(&a->where, c->name);
    ff_buf_puts(&a->where, text ? " collate nocase in (" : " in (");
    if (whole && !(code = put_value(a, c, whole)))
        ff_buf_puts(&a->where, ", ");
    for (bool first = true; !code && *value; first = false) {
        size_t n = strcspn(value, ",");
        char *one = ff_strndup(value, n);
        ff_buf_puts(&a->where, first ? "" : ", ");
        code = put_value(a, c, one);
        free(one);
        value += n + (value[n] == ',');
    }
    ff_buf_putc(&a->where, ')');
    return code;
}

static const char *const operators[] = {"!=", "<=", ">=", "==", "=", "<", ">", "~"};

/* How long the operator at the start is; 0: there is none. */
static size_t operator_at(const char *s)
{
    for (size_t i = 0; i < FF_COUNT(operators); i++) {
        if (strncmp(s, operators[i], strlen(operators[i])) == 0)
            return strlen(operators[i]);
    }
    return 0;
}

/* COLUMN OP VALUE in one word. */
static int add_comparison(asked *a, const char *word, size_t name)
{
    const ff_column *c = column_of(a, word, name);
    if (!c)
        return unknown_column(a, word, name);
    const char *op = word + name;
    size_t n = operator_at(op);
    if (!n)
        return ff_fail(FF_ERR_USAGE, "%s: expected %s=VALUE, not '%s'", a->view->name, c->name, word);
    const char *value = op + n;
    bool is = *op == '=', is_not = *op == '!';
    int code = FF_OK;
    begin_condition(a);
    if (*op == '~') {
        put_holds(&a->where, c->name, value);
    } else if (!*value) { /* COLUMN=: it is empty */
        if (!is && !is_not)
            return ff_fail(FF_ERR_USAGE, "%s: '%s' needs a value", a->view->name, word);
        ff_sql_put_name(&a->where, c->name);
        ff_buf_puts(&a->where, is_not ? " is not null" : " is null");
    } else if (is || is_not) {
        ff_buf_puts(&a->where, is_not ? "not coalesce(" : "");
        code = put_is(a, c, value);
        ff_buf_puts(&a->where, is_not ? ", 0)" : "");
    } else {
        ff_sql_put_name(&a->where, c->name);
        ff_buf_printf(&a->where, " %.*s ", (int)n, op);
        code = put_value(a, c, value);
    }
    end_condition(a);
    return code;
}

/* The column that numbers the rows: it is shown first. */
static const ff_column *key_of(const asked *a)
{
    const ff_column *c = column_of(a, a->view->shown, strcspn(a->view->shown, " "));
    return c && c->type == FF_COL_INT ? c : NULL;
}

/* A word alone: a column that is yes or no, a known word, a row's number, or a text that some column holds. */
static int add_word(asked *a, const char *word)
{
    const ff_column *c = column_of(a, word, strlen(word));
    int64_t number;
    bool is_number = ff_parse_int(word, &number) && number >= 0 && (*word != '0' || !word[1]);
    if (c && c->type != FF_COL_BOOL)
        return ff_fail(FF_ERR_USAGE, "%s: '%s' is a column; expected %s=VALUE, or `by %s`", a->view->name, word, word,
                       word);
    if (is_number && a->ordered) {
        a->top = number;
        return FF_OK;
    }
    begin_condition(a);
    bool known_word = false;
    for (size_t i = 0; !c && !known_word && i < FF_COUNT(known); i++) {
        known_word = strcmp(known[i].view, a->view->name) == 0 && strcmp(known[i].word, word) == 0;
        if (known_word)
            ff_buf_puts(&a->where, known[i].condition);
    }
    if (c) {
        ff_sql_put_name(&a->where, c->name);
    } else if (!known_word && is_number && key_of(a)) {
        ff_sql_put_name(&a->where, key_of(a)->name);
        ff_buf_printf(&a->where, " = %lld", (long long)number);
    } else if (!known_word) {
        ff_buf_puts(&a->where, "0");
        for (int i = 0; i < a->n_columns; i++) {
            if (a->columns[i].type != FF_COL_TEXT)
                continue;
            ff_buf_puts(&a->where, " or ");
            put_holds(&a->where, a->columns[i].name, word);
        }
    }
    end_condition(a);
    return FF_OK;
}

/* Reals are asked for by size: the largest first. Counts and names go up. */
static int add_order(asked *a, const char *names, const char *direction)
{
    ff_buf_clear(&a->order);
    while (*names) {
        size_t n = strcspn(names, ",");
        const ff_column *c = column_of(a, names, n);
        if (!c)
            return unknown_column(a, names, n);
        bool down = direction ? *direction == 'd' : c->type == FF_COL_REAL;
        a->by = a->order.len ? a->by : c;
        ff_sql_put_name(&a->order, c->name);
        ff_buf_puts(&a->order, " is null, ");
        ff_sql_put_name(&a->order, c->name);
        ff_buf_puts(&a->order, down ? " desc, " : ", ");
        names += n + (names[n] == ',');
    }
    ff_buf_puts(&a->order, "rowid");
    return FF_OK;
}

static int add_shown(asked *a, const char *list)
{
    while (*list) {
        size_t n = strcspn(list, ",");
        const ff_column *c = column_of(a, list, n);
        if (!c)
            return unknown_column(a, list, n);
        ff_buf_printf(&a->shown, "%s%s", a->shown.len ? " " : "", c->name);
        list += n + (list[n] == ',');
    }
    return FF_OK;
}

static bool is_one_of(const char *word, const char *const *words, size_t n)
{
    for (size_t i = 0; word && i < n; i++) {
        if (strcmp(words[i], word) == 0)
            return true;
    }
    return false;
}
#define IS(word, ...)                                                                                                  \
    is_one_of(word, (const char *const[]){__VA_ARGS__}, FF_COUNT(((const char *const[]){__VA_ARGS__})))

/* by COLUMN [up | down], at argv[*i]; *i moves to the last word. */
static int take_order(asked *a, int argc, char **argv, int *i)
{
    if (!IS(argv[*i], "by") && *i + 1 < argc && IS(argv[*i + 1], "by"))
        ++*i; /* order by */
    if (*i + 1 >= argc)
        return ff_fail(FF_ERR_USAGE, "%s: expected: by COLUMN [up | down]", a->view->name);
    const char *names = argv[++*i], *direction = *i + 1 < argc ? argv[*i + 1] : NULL;
    bool down = IS(direction, "down", "desc", "descending");
    if (!down && !IS(direction, "up", "asc", "ascending"))
        return add_order(a, names, NULL);
    ++*i;
    return add_order(a, names, down ? "down" : "up");
}

/* COLUMN = VALUE in several words, or COLUMN VALUE: as one. NULL: it is none of them. */
static char *join_comparison(const asked *a, int argc, char **argv, int *i)
{
    const char *word = argv[*i], *next = *i + 1 < argc ? argv[*i + 1] : NULL;
    const char *value = *i + 2 < argc ? argv[*i + 2] : NULL;
    const ff_column *c = column_of(a, word, strlen(word));
    size_t n = next ? operator_at(next) : 0;
    if (!c || !next)
        return NULL;
    if (n && !next[n] && value) {
        *i += 2;
        return ff_asprintf("%s%s%s", word, next, value);
    }
    if (!n && (c->type == FF_COL_BOOL || next[strcspn(next, "=!<>~")] || IS(next, "by", "top", "show", "and", "or")))
        return NULL;
    ++*i;
    return ff_asprintf("%s%s%s", word, n ? "" : "=", next);
}

/* One clause at argv[*i]; *i moves to its last word. */
static int take(asked *a, int argc, char **argv, int *i)
{
    const char *word = argv[*i], *next = *i + 1 < argc ? argv[*i + 1] : NULL;
    int64_t number;
    bool show = IS(word, "show", "columns"), top = IS(word, "top");
    bool counts = IS(word, "limit", "head", "first") && next && ff_parse_int(next, &number);
    bool orders = IS(word, "order", "sort", "sorted") && next && (IS(next, "by") || column_of(a, next, strlen(next)));
    size_t name = strcspn(word, "=!<>~");
    if (IS(word, "where", "and", "or", "not")) {
        a->either |= *word == 'o';
        a->negated ^= *word == 'n';
        return FF_OK;
    }
    if (IS(word, "by") || orders)
        return take_order(a, argc, argv, i);
    if (!show && !top && !counts) {
        char *joined = word[name] ? NULL : join_comparison(a, argc, argv, i);
        int code = joined       ? add_comparison(a, joined, strcspn(joined, "=!<>~"))
                   : word[name] ? add_comparison(a, word, name)
                                : add_word(a, word);
        free(joined);
        return code;
    }
    if (!next)
        return ff_fail(FF_ERR_USAGE, "%s: expected: %s", a->view->name, show ? "show COLUMN,..." : "top N");
    ++*i;
    if (show)
        return add_shown(a, next);
    return ff_parse_int(next, &a->top) && a->top >= 1
               ? FF_OK
               : ff_fail(FF_ERR_USAGE, "%s: %s '%s': a whole number from 1 is expected", a->view->name, word, next);
}

/* The view's table, as long as `v` is open. */
static const ff_table *open_table(ff_context *c, const asked *a, ff_views *v, const ff_snapshot **s)
{
    *s = ff_session_snapshot(c->session);
    ff_views_open(*s, v);
    for (int i = 0; i < v->n; i++) {
        if (strcmp(v->at[i].name, a->view->name) == 0)
            return v->at[i].table;
    }
    return NULL;
}

/* An order by what no row has is none. */
static void note_unknown(ff_context *c, const asked *a)
{
    ff_views v;
    const ff_snapshot *s;
    const ff_table *t = open_table(c, a, &v, &s);
    int k = t ? ff_table_find(t, a->by->name) : -1, rows = k >= 0 ? ff_table_rows(t) : 0;
    bool known_somewhere = rows == 0;
    for (int i = 0; i < rows; i++)
        known_somewhere |= !ff_table_empty(t, i, k);
    if (!known_somewhere)
        ff_note(c, "%s: no row has a value for '%s'%s", a->view->name, a->by->name,
                strcmp(a->by->name, "causal") == 0 ? "; it is computed with --causal yes" : "");
    ff_views_close(&v);
    ff_snapshot_unref(s);
}

/* Where the answer may be empty for a slip: the value that was meant, or the values there are. */
static void note_missing(ff_context *c, const asked *a)
{
    enum { MOST = 12, LONGEST = 16 };
    ff_views v;
    const ff_snapshot *s;
    const ff_table *t = open_table(c, a, &v, &s);
    int k = t ? ff_table_find(t, a->column->name) : -1, rows = k >= 0 ? ff_table_rows(t) : 0;
    const char **values = ff_alloc_array((size_t)rows + 1, sizeof *values);
    size_t n = 0;
    bool found = false, brief = true;
    ff_buf list = {0};
    for (int i = 0; i < rows && !found; i++) {
        const char *value = ff_table_text(t, i, k);
        found = strcasecmp(value, a->value) == 0 || strchr(a->value, ',');
        if (*value && !is_one_of(value, values, n)) {
            brief &= strlen(value) <= LONGEST;
            ff_buf_printf(&list, "%s%s", n ? ", " : "", value);
            values[n++] = value;
        }
    }
    const char *near = found ? NULL : place_nearest(a->value, values, n);
    if (near)
        ff_note(c, "%s: no row has %s '%s'; did you mean '%s'?", a->view->name, a->column->name, a->value, near);
    else if (!found && n && n <= MOST && brief)
        ff_note(c, "%s: no row has %s '%s'; there are: %s", a->view->name, a->column->name, a->value, list.data);
    ff_buf_finish(&list);
    free(values);
    ff_views_close(&v);
    ff_snapshot_unref(s);
}

int ff_view_print(ff_context *c, const ff_view *v, const char *order, int argc, char **argv)
{
    asked a = {.view = v, .top = -1, .ordered = order != NULL};
    a.columns = ff_view_columns(v, &a.n_columns);
    int code = order ? add_order(&a, order, NULL) : FF_OK;
    a.by = NULL;
    for (int i = 1; !code && i < argc; i++)
        code = take(&a, argc, argv, &i);
    if (!code) {
        ff_buf sql = {0};
        ff_buf_puts(&sql, "select * from ");
        ff_sql_put_name(&sql, v->name);
        if (a.where.len)
            ff_buf_printf(&sql, " where %s", a.where.data);
        ff_buf_printf(&sql, " order by %s", a.order.len ? a.order.data : "rowid");
        if (a.top >= 0)
            ff_buf_printf(&sql, " limit %lld", (long long)a.top);
        code = ff_view_query(c, sql.data, a.shown.len ? a.shown.data : c->format == FF_FORMAT_TEXT ? v->shown : NULL);
        ff_buf_finish(&sql);
        if (!code && a.value)
            note_missing(c, &a);
        if (!code && a.by)
            note_unknown(c, &a);
    }
    free(a.value);
    ff_buf_finish(&a.where);
    ff_buf_finish(&a.order);
    ff_buf_finish(&a.shown);
    return code;
}
