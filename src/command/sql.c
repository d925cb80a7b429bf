/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <ctype.h>
#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "command/sql_table.h"
#include "fetafix/command_sql.h"

const ff_sql_limits ff_sql_usual = {.steps = 50000000, .memory = 256u << 20, .rows = 100000};

enum { STEPS_A_LOOK = 10000 };

/* ------------------------------------------------------------------------------------ bounds */

typedef struct run {
    const ff_sql_source *sources;
    int n_sources;
    const ff_sql_limits *limits;
    int64_t steps;
    sqlite3_int64 memory; /* in use before */
    const char *why;      /* it was ended */
} run;

static int authorize(void *context, int action, const char *a, const char *b, const char *database, const char *trigger)
{
    (void)context;
    (void)database;
    (void)trigger;
    if (action == SQLITE_FUNCTION)
        return b && strcmp(b, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
    /* sqlite_schema and the pragma_... functions say nothing of a session. */
    if (action == SQLITE_READ && a)
        return strncmp(a, "sqlite_", 7) && strncmp(a, "pragma_", 7) ? SQLITE_OK : SQLITE_DENY;
    return action == SQLITE_SELECT || action == SQLITE_RECURSIVE ? SQLITE_OK : SQLITE_DENY;
}

static int look(void *context)
{
    run *r = context;
    r->steps += STEPS_A_LOOK;
    if (r->limits->cancel && atomic_load(&r->limits->cancel->set))
        r->why = "interrupted";
    else if (r->steps > r->limits->steps)
        r->why = "it takes too long; narrow it with WHERE or join on equal columns";
    else if (sqlite3_memory_used() - r->memory > (sqlite3_int64)r->limits->memory)
        r->why = "it needs too much memory; narrow it with WHERE";
    return r->why != NULL;
}

static int open_database(run *r, sqlite3 **out)
{
    static const int limits[][2] = {
        {SQLITE_LIMIT_LENGTH, 1000000},          {SQLITE_LIMIT_SQL_LENGTH, 65536},   {SQLITE_LIMIT_COLUMN, 200},
        {SQLITE_LIMIT_EXPR_DEPTH, 200},          {SQLITE_LIMIT_COMPOUND_SELECT, 50}, {SQLITE_LIMIT_ATTACHED, 0},
        {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200},
    };
    sqlite3 *db = NULL;
    int rc = sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY, NULL);
    if (rc == SQLITE_OK) /* no files of its own beside a large sort */
        rc = sqlite3_exec(db, "PRAGMA temp_store=MEMORY", NULL, NULL, NULL);
    int code = rc == SQLITE_OK ? FF_OK : ff_fail(FF_ERR_NOMEM, "query: out of memory");
    for (int i = 0; !code && i < r->n_sources; i++)
        code = sql_table_add(db, r->sources[i].name, r->sources[i].table);
    if (code) {
        sqlite3_close(db);
        return code;
    }
    for (size_t i = 0; i < FF_COUNT(limits); i++)
        sqlite3_limit(db, limits[i][0], limits[i][1]);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_set_authorizer(db, authorize, NULL);
    r->memory = sqlite3_memory_used();
    sqlite3_progress_handler(db, STEPS_A_LOOK, look, r);
    *out = db;
    return FF_OK;
}

/* ------------------------------------------------------------------------------------ errors */

static const char *near_table(const run *r, const char *name)
{
    const char *names[32];
    size_t n = 0;
    for (int i = 0; i < r->n_sources && n < FF_COUNT(names); i++)
        names[n++] = r->sources[i].name;
    return ff_nearest(name, names, n);
}

static const char *near_column(const run *r, const char *name)
{
    const char *names[256], *dot = strrchr(name, '.');
    size_t n = 0;
    for (int i = 0; i < r->n_sources; i++) {
        const ff_table *t = r->sources[i].table;
        for (int k = 0; k < ff_table_columns(t) && n < FF_COUNT(names); k++)
            names[n++] = ff_table_column(t, k)->name;
    }
    return ff_nearest(dot ? dot + 1 : name, names, n);
}

static int fail(const run *r, sqlite3 *db)
{
    const char *message = sqlite3_errmsg(db), *near = NULL;
    int rc = sqlite3_errcode(db) & 0xff;
    if (r->why && strcmp(r->why, "interrupted") == 0)
        return ff_fail(FF_ERR_CANCELLED, "interrupted");
    if (r->why)
        return ff_fail(FF_ERR_USAGE, "query: %s", r->why);
    if (rc == SQLITE_NOMEM)
        return ff_fail(FF_ERR_NOMEM, "query: out of memory");
    if (rc == SQLITE_AUTH || strstr(message, "not authorized") || strstr(message, "prohibited") ||
        strstr(message, "may not be modified"))
        return ff_fail(FF_ERR_USAGE, "query: only SELECT from the session's views; see `help views`");
    if (strncmp(message, "no such table: ", 15) == 0)
        near = near_table(r, message + 15);
    else if (strncmp(message, "no such column: ", 16) == 0)
        near = near_column(r, message + 16);
    return near ? ff_fail(FF_ERR_USAGE, "query: %s; did you mean '%s'?", message, near)
                : ff_fail(FF_ERR_USAGE, "query: %s", message);
}

/* ------------------------------------------------------------------------------------ result */

/* Rows as SQLite has them, before it is known what type each column is. */
typedef struct rows {
    sqlite3_value **cells;
    size_t count, capacity;
    int columns, n;
} rows;

static void rows_finish(rows *all)
{
    for (size_t i = 0; i < all->count; i++)
        sqlite3_value_free(all->cells[i]);
    free(all->cells);
}

static void add_row(rows *all, sqlite3_stmt *st)
{
    ff_grow(&all->cells, &all->capacity, all->count + (size_t)all->columns, sizeof *all->cells);
    for (int k = 0; k < all->columns; k++)
        all->cells[all->count++] = sqlite3_value_dup(sqlite3_column_value(st, k));
    all->n++;
}

static sqlite3_value *cell(const rows *all, int row, int k)
{
    return all->cells[(size_t)row * (size_t)all->columns + (size_t)k];
}

/* A column of a view keeps its type; another is what all its values are. */
static ff_column_type type_of(const rows *all, sqlite3_stmt *st, int k)
{
    static const char *const types[] = {"INTEGER", "REAL", "TEXT", "BOOLEAN"};
    const char *declared = sqlite3_column_decltype(st, k);
    for (int i = 0; declared && i < (int)FF_COUNT(types); i++) {
        if (strcmp(types[i], declared) == 0)
            return (ff_column_type)i;
    }
    ff_column_type type = FF_COL_INT;
    bool any = false;
    for (int i = 0; i < all->n; i++) {
        int have = sqlite3_value_type(cell(all, i, k));
        any |= have != SQLITE_NULL;
        if (have == SQLITE_TEXT || have == SQLITE_BLOB ||
            (have == SQLITE_FLOAT && !isfinite(sqlite3_value_double(cell(all, i, k)))))
            return FF_COL_TEXT;
        if (have == SQLITE_FLOAT)
            type = FF_COL_REAL;
    }
    return any ? type : FF_COL_TEXT;
}

/* Names as in the query, made visible and each once: JSON needs that. */
static const char *name_of(ff_sql_result *r, sqlite3_stmt *st, int k)
{
    const char *name = sqlite3_column_name(st, k);
    char *shown = ff_visible(name ? name : "");
    const char *unique = ff_arena_strdup(r->names, shown);
    for (int again = 2, i = 0; i < k; i++) {
        if (strcmp(r->columns[i].name, unique) == 0) {
            unique = ff_arena_printf(r->names, "%s_%d", shown, again++);
            i = -1;
        }
    }
    free(shown);
    return unique;
}

static void set_cell(ff_table *t, int row, const ff_column *c, sqlite3_value *v)
{
    if (!v || sqlite3_value_type(v) == SQLITE_NULL)
        return;
    switch (c->type) {
    case FF_COL_INT:
        ff_table_set_int(t, row, c->name, sqlite3_value_int64(v));
        break;
    case FF_COL_BOOL:
        ff_table_set_bool(t, row, c->name, sqlite3_value_int(v) != 0);
        break;
    case FF_COL_REAL:
        ff_table_set_real(t, row, c->name, sqlite3_value_double(v));
        break;
    case FF_COL_TEXT: {
        /* Lines of a list stay apart; other control characters become visible. */
        const char *text = (const char *)sqlite3_value_text(v);
        ff_buf b = {0};
        ff_buf_puts(&b, "");
        while (text) {
            size_t n = strcspn(text, "\n");
            char *shown = ff_visible_n(text, n);
            ff_buf_puts(&b, shown);
            free(shown);
            if (text[n])
                ff_buf_putc(&b, '\n');
            text = text[n] ? text + n + 1 : NULL;
        }
        ff_table_set_text(t, row, c->name, b.data);
        ff_buf_finish(&b);
        break;
    }
    }
}

static void make_table(const rows *all, sqlite3_stmt *st, ff_sql_result *out)
{
    out->names = ff_arena_create();
    out->columns = ff_alloc_array((size_t)all->columns + 1, sizeof *out->columns);
    for (int k = 0; k < all->columns; k++)
        out->columns[k] = (ff_column){name_of(out, st, k), type_of(all, st, k), ""};
    out->table = ff_table_create("query", out->columns, all->columns);
    for (int i = 0; i < all->n; i++) {
        int row = ff_table_add_row(out->table);
        for (int k = 0; k < all->columns; k++)
            set_cell(out->table, row, &out->columns[k], cell(all, i, k));
    }
}

static int read_rows(run *r, sqlite3 *db, sqlite3_stmt *st, ff_sql_result *out)
{
    rows all = {.columns = sqlite3_column_count(st)};
    int rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW && all.n < r->limits->rows)
        add_row(&all, st);
    int code = rc == SQLITE_ROW || rc == SQLITE_DONE ? FF_OK : fail(r, db);
    if (!code) {
        out->more = rc == SQLITE_ROW;
        make_table(&all, st, out);
    }
    rows_finish(&all);
    return code;
}

int ff_sql_run(const ff_sql_source *sources, int n, const char *sql, const ff_sql_limits *limits, ff_sql_result *out)
{
    run r = {.sources = sources, .n_sources = n, .limits = limits ? limits : &ff_sql_usual};
    sqlite3 *db;
    sqlite3_stmt *st = NULL;
    const char *tail = NULL;
    *out = (ff_sql_result){0};
    int code = open_database(&r, &db);
    if (code)
        return code;
    if (sqlite3_prepare_v2(db, sql, -1, &st, &tail) != SQLITE_OK)
        code = fail(&r, db);
    else if (!st)
        code = ff_fail(FF_ERR_USAGE, "query: nothing is asked; as: query select * from findings");
    while (!code && isspace((unsigned char)*tail))
        tail++;
    if (!code && sqlite3_column_count(st) == 0)
        code = ff_fail(FF_ERR_USAGE, "query: only SELECT from the session's views; see `help views`");
    if (!code && *tail)
        code = ff_fail(FF_ERR_USAGE, "query: one statement at a time");
    if (!code)
        code = read_rows(&r, db, st, out);
    sqlite3_finalize(st);
    sqlite3_close(db);
    return code;
}

void ff_sql_finish(ff_sql_result *r)
{
    ff_table_unref(r->table);
    ff_arena_destroy(r->names);
    free(r->columns);
    *r = (ff_sql_result){0};
}
