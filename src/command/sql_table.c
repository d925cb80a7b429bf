/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A table of columns as a read-only virtual table of SQLite. Most begin with a number by which their
 * rows are sorted (pair, layer, image, ...): a join on it is a binary search, else all rows are read.
 */
#include "command/sql_table.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "fetafix/command_sql.h"

typedef struct source {
    sqlite3_vtab base; /* first: SQLite's pointer is ours */
    const ff_table *table;
    bool sorted; /* by the first column, a number that is never missing */
} source;

typedef struct cursor {
    sqlite3_vtab_cursor base;
    const ff_table *table;
    int row, end;
} cursor;

static bool is_sorted(const ff_table *t)
{
    if (ff_table_column(t, 0)->type != FF_COL_INT)
        return false;
    for (int i = 0; i < ff_table_rows(t); i++) {
        if (ff_table_empty(t, i, 0) || (i && ff_table_int(t, i, 0) < ff_table_int(t, i - 1, 0)))
            return false;
    }
    return true;
}

static int connect_table(sqlite3 *db, void *table, int argc, const char *const *argv, sqlite3_vtab **out, char **error)
{
    /* The words come back with a result, so that whole columns keep their type. */
    static const char *const types[] = {"INTEGER", "REAL", "TEXT", "BOOLEAN"};
    const ff_table *t = table;
    ff_buf sql = {0};
    (void)argc;
    (void)argv;
    (void)error;
    ff_buf_puts(&sql, "CREATE TABLE t(");
    for (int i = 0; i < ff_table_columns(t); i++) {
        const ff_column *c = ff_table_column(t, i);
        ff_buf_puts(&sql, i ? ", " : "");
        ff_sql_put_name(&sql, c->name);
        ff_buf_printf(&sql, " %s", types[c->type]);
    }
    ff_buf_puts(&sql, ")");
    int rc = sqlite3_declare_vtab(db, sql.data);
    ff_buf_finish(&sql);
    if (rc != SQLITE_OK)
        return rc;
    source *s = ff_alloc(sizeof *s);
    s->table = t;
    s->sorted = is_sorted(t);
    *out = &s->base;
    return SQLITE_OK;
}

static int disconnect_table(sqlite3_vtab *v)
{
    free(v);
    return SQLITE_OK;
}

static int best_index(sqlite3_vtab *v, sqlite3_index_info *info)
{
    const source *s = (const source *)v;
    int rows = ff_table_rows(s->table);
    info->estimatedCost = rows + 1;
    info->estimatedRows = rows;
    for (int i = 0; s->sorted && i < info->nConstraint; i++) {
        if (info->aConstraint[i].usable && info->aConstraint[i].iColumn == 0 &&
            info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_EQ) {
            info->idxNum = 1;
            info->aConstraintUsage[i].argvIndex = 1; /* compared again: it may not be a number */
            info->estimatedCost = 20;
            info->estimatedRows = 10;
            break;
        }
    }
    return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *v, sqlite3_vtab_cursor **out)
{
    cursor *c = ff_alloc(sizeof *c);
    c->table = ((source *)v)->table;
    *out = &c->base;
    return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *v)
{
    free(v);
    return SQLITE_OK;
}

/* The first row whose number is not below. */
static int lower_bound(const ff_table *t, int64_t number)
{
    int low = 0, high = ff_table_rows(t);
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (ff_table_int(t, middle, 0) < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int filter(sqlite3_vtab_cursor *v, int index, const char *text, int argc, sqlite3_value **argv)
{
    cursor *c = (cursor *)v;
    (void)text;
    c->row = 0;
    c->end = ff_table_rows(c->table);
    if (index == 1 && argc == 1 && sqlite3_value_type(argv[0]) == SQLITE_INTEGER) {
        int64_t number = sqlite3_value_int64(argv[0]);
        c->row = lower_bound(c->table, number);
        if (number < INT64_MAX)
            c->end = lower_bound(c->table, number + 1);
    }
    return SQLITE_OK;
}

static int next(sqlite3_vtab_cursor *v)
{
    ((cursor *)v)->row++;
    return SQLITE_OK;
}

static int at_end(sqlite3_vtab_cursor *v)
{
    return ((cursor *)v)->row >= ((cursor *)v)->end;
}

static int column(sqlite3_vtab_cursor *v, sqlite3_context *out, int k)
{
    const cursor *c = (const cursor *)v;
    if (k < 0 || ff_table_empty(c->table, c->row, k))
        return SQLITE_OK;
    switch (ff_table_column(c->table, k)->type) {
    case FF_COL_INT:
    case FF_COL_BOOL:
        sqlite3_result_int64(out, ff_table_int(c->table, c->row, k));
        break;
    case FF_COL_REAL:
        sqlite3_result_double(out, ff_table_real(c->table, c->row, k));
        break;
    case FF_COL_TEXT:
        sqlite3_result_text(out, ff_table_text(c->table, c->row, k), -1, SQLITE_TRANSIENT);
        break;
    }
    return SQLITE_OK;
}

static int row_id(sqlite3_vtab_cursor *v, sqlite3_int64 *out)
{
    *out = ((cursor *)v)->row;
    return SQLITE_OK;
}

/* Without xCreate the module's name is the table's, and nothing has to be created. */
static const sqlite3_module module = {
    .xConnect = connect_table,
    .xBestIndex = best_index,
    .xDisconnect = disconnect_table,
    .xOpen = open_cursor,
    .xClose = close_cursor,
    .xFilter = filter,
    .xNext = next,
    .xEof = at_end,
    .xColumn = column,
    .xRowid = row_id,
};

/* Declares its columns at once: that is a CREATE TABLE, which the authorizer of queries would refuse. */
int sql_table_add(sqlite3 *db, const char *name, const ff_table *t)
{
    ff_buf sql = {0};
    sqlite3_stmt *st = NULL;
    ff_buf_puts(&sql, "SELECT 1 FROM ");
    ff_sql_put_name(&sql, name);
    int rc = sqlite3_create_module(db, name, &module, (void *)t);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(db, sql.data, -1, &st, NULL);
    sqlite3_finalize(st);
    ff_buf_finish(&sql);
    return rc == SQLITE_OK ? FF_OK : ff_fail(FF_ERR_NOMEM, "query: out of memory");
}
