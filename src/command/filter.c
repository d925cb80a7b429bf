/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The words behind a view's name, turned into SQL:
 *
 *     nodes op=Conv differs            rows whose column is, or that hold a text; known words
 *     layers isolated>0.01             = != < <= > >=, and ~ for "holds"
 *     images wrong by target_margin up top 10
 *     findings type=WB show id,summary
 */
#include <stdlib.h>
#include <string.h>

#include "command/views.h"

/* Words of the field that are no column. */
static const struct {
    const char *view, *word, *condition;
} known[] = {
    {"nodes", "differs", "status not in ('equal', 'equivalent')"},
    {"pairs", "differs", "status not in ('equal', 'equivalent')"},
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
    ff_buf where, order, shown;
    int64_t top; /* -1: all */
} asked;

static int unknown_column(const asked *a, const char *name, size_t n)
{
    const char *names[64];
    char *word = ff_strndup(name, n);
    for (int i = 0; i < a->n_columns && i < (int)FF_COUNT(names); i++)
        names[i] = a->columns[i].name;
    const char *near = ff_nearest(word, names, (size_t)a->n_columns);
    int code = near ? ff_fail(FF_ERR_USAGE, "%s: there is no column '%s'; did you mean '%s'?",
                              a->view->name, word, near)
                    : ff_fail(FF_ERR_USAGE, "%s: there is no column '%s'; see `help %s`",
                              a->view->name, word, a->view->name);
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

static void put_and(ff_buf *b)
{
    if (b->len)
        ff_buf_puts(b, " and ");
}

/* The text of one column holds the word, whatever its case. */
static void put_holds(ff_buf *b, const char *column, const char *word)
{
    ff_buf_puts(b, "instr(lower(coalesce(");
    sql_put_name(b, column);
    ff_buf_puts(b, ", '')), lower(");
    sql_put_text(b, word);
    ff_buf_puts(b, ")) > 0");
}

static int add_value(asked *a, const ff_column *c, const char *value)
{
    int64_t number;
    double real;
    static const char *const yes[] = {"yes", "true", "1"}, *const no[] = {"no", "false", "0"};
    switch (c->type) {
    case FF_COL_TEXT:
        sql_put_text(&a->where, value);
        return FF_OK;
    case FF_COL_BOOL:
        for (size_t i = 0; i < FF_COUNT(yes); i++) {
            if (strcmp(value, yes[i]) == 0 || strcmp(value, no[i]) == 0) {
                ff_buf_puts(&a->where, strcmp(value, yes[i]) == 0 ? "1" : "0");
                return FF_OK;
            }
        }
        return ff_fail(FF_ERR_USAGE, "%s: '%s' is yes or no, not '%s'", a->view->name, c->name,
                       value);
    default:
        if (!ff_parse_int(value, &number) && !ff_parse_real(value, &real))
            return ff_fail(FF_ERR_USAGE, "%s: '%s' is a number, '%s' is none", a->view->name,
                           c->name, value);
        ff_buf_puts(&a->where, value);
        return FF_OK;
    }
}

/* COLUMN OP VALUE in one word. */
static int add_comparison(asked *a, const char *word, size_t name)
{
    static const char *const operators[] = {"!=", "<=", ">=", "=", "<", ">", "~"};
    const ff_column *c = column_of(a, word, name);
    if (!c)
        return unknown_column(a, word, name);
    const char *op = NULL, *value = word + name;
    for (size_t i = 0; !op && i < FF_COUNT(operators); i++) {
        if (strncmp(value, operators[i], strlen(operators[i])) == 0)
            op = operators[i];
    }
    if (!op)
        return ff_fail(FF_ERR_USAGE, "%s: expected %s=VALUE, not '%s'", a->view->name, c->name,
                       word);
    value += strlen(op);
    put_and(&a->where);
    if (*op == '~') {
        put_holds(&a->where, c->name, value);
        return FF_OK;
    }
    sql_put_name(&a->where, c->name);
    if (!*value) { /* COLUMN=: it is empty */
        if (strcmp(op, "=") != 0 && strcmp(op, "!=") != 0)
            return ff_fail(FF_ERR_USAGE, "%s: '%s' needs a value", a->view->name, word);
        ff_buf_puts(&a->where, *op == '!' ? " is not null" : " is null");
        return FF_OK;
    }
    ff_buf_printf(&a->where, " %s ", strcmp(op, "=") == 0 ? "is" : strcmp(op, "!=") == 0 ? "is not" : op);
    return add_value(a, c, value);
}

/* A word alone: a column that is yes or no, a known word, or a text that some column holds. */
static void add_word(asked *a, const char *word)
{
    const ff_column *c = column_of(a, word, strlen(word));
    put_and(&a->where);
    if (c && c->type == FF_COL_BOOL) {
        sql_put_name(&a->where, c->name);
        return;
    }
    for (size_t i = 0; i < FF_COUNT(known); i++) {
        if (strcmp(known[i].view, a->view->name) == 0 && strcmp(known[i].word, word) == 0) {
            ff_buf_printf(&a->where, "%s", known[i].condition);
            return;
        }
    }
    ff_buf_puts(&a->where, "(0");
    for (int i = 0; i < a->n_columns; i++) {
        if (a->columns[i].type != FF_COL_TEXT)
            continue;
        ff_buf_puts(&a->where, " or ");
        put_holds(&a->where, a->columns[i].name, word);
    }
    ff_buf_puts(&a->where, ")");
}

/* Reals are asked for by size: the largest first. Counts and names go up. */
static int add_order(asked *a, const char *name, const char *direction)
{
    const ff_column *c = column_of(a, name, strlen(name));
    if (!c)
        return unknown_column(a, name, strlen(name));
    bool down = direction ? strcmp(direction, "down") == 0 : c->type == FF_COL_REAL;
    ff_buf_clear(&a->order);
    sql_put_name(&a->order, c->name);
    ff_buf_puts(&a->order, " is null, ");
    sql_put_name(&a->order, c->name);
    ff_buf_puts(&a->order, down ? " desc, rowid" : ", rowid");
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

/* One clause at argv[*i]; *i moves to its last word. */
static int take(asked *a, int argc, char **argv, int *i)
{
    const char *word = argv[*i], *next = *i + 1 < argc ? argv[*i + 1] : NULL;
    bool order = strcmp(word, "by") == 0, show = strcmp(word, "show") == 0;
    bool top = strcmp(word, "top") == 0;
    size_t name = strcspn(word, "=!<>~");
    if (!order && !show && !top) {
        if (word[name])
            return add_comparison(a, word, name);
        add_word(a, word);
        return FF_OK;
    }
    if (!next)
        return ff_fail(FF_ERR_USAGE, "%s: expected: %s", a->view->name,
                       order  ? "by COLUMN [up | down]"
                       : show ? "show COLUMN,..."
                              : "top N");
    ++*i;
    if (show)
        return add_shown(a, next);
    if (top)
        return ff_parse_int(next, &a->top) && a->top >= 1
                   ? FF_OK
                   : ff_fail(FF_ERR_USAGE, "%s: top '%s': a whole number from 1 is expected",
                             a->view->name, next);
    const char *direction = *i + 1 < argc ? argv[*i + 1] : NULL;
    if (direction && strcmp(direction, "up") != 0 && strcmp(direction, "down") != 0)
        direction = NULL;
    *i += direction != NULL;
    return add_order(a, next, direction);
}

int view_print(ff_context *c, const ff_view *v, const char *order, int argc, char **argv)
{
    asked a = {.view = v, .top = -1};
    a.columns = ff_view_columns(v, &a.n_columns);
    int code = order ? add_order(&a, order, NULL) : FF_OK;
    for (int i = 1; !code && i < argc; i++)
        code = take(&a, argc, argv, &i);
    if (!code) {
        ff_buf sql = {0};
        ff_buf_puts(&sql, "select * from ");
        sql_put_name(&sql, v->name);
        if (a.where.len)
            ff_buf_printf(&sql, " where %s", a.where.data);
        ff_buf_printf(&sql, " order by %s", a.order.len ? a.order.data : "rowid");
        if (a.top >= 0)
            ff_buf_printf(&sql, " limit %lld", (long long)a.top);
        code = view_query(c, sql.data,
                          a.shown.len                      ? a.shown.data
                          : c->format == FF_FORMAT_TEXT ? v->shown
                                                           : NULL);
        ff_buf_finish(&sql);
    }
    ff_buf_finish(&a.where);
    ff_buf_finish(&a.order);
    ff_buf_finish(&a.shown);
    return code;
}
