/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SQL over tables. Each query has a database of its own, empty and in memory, in which the tables
 * given are virtual tables; it never sees the session's file. Only SELECT passes the authorizer.
 */
#ifndef FETAFIX_COMMAND_SQL_H
#define FETAFIX_COMMAND_SQL_H

#include "fetafix/base.h"

typedef struct sql_source {
    const char *name; /* of the table in SQL */
    const ff_table *table;
} sql_source;

/* Bounds of one query; what goes beyond them ends it with FF_ERR_USAGE that says so. */
typedef struct sql_limits {
    int64_t steps;     /* of SQLite's virtual machine */
    uint64_t memory;   /* bytes */
    int rows;          /* of the result; what is beyond is dropped */
    ff_cancel *cancel; /* or NULL */
} sql_limits;
extern const sql_limits sql_usual;

typedef struct sql_result {
    ff_table *table;
    bool more; /* there were rows beyond the limit */
    ff_column *columns;
    ff_arena *names;
} sql_result;

/* FF_ERR_USAGE: not one SELECT, or names what is unknown and suggests the nearest. */
int sql_run(const sql_source *sources, int n, const char *sql, const sql_limits *limits, sql_result *out) FF_MUST_USE;
void sql_finish(sql_result *r); /* a zeroed one is fine */

/* Text and names quoted for SQL. */
void sql_put_text(ff_buf *out, const char *s);
void sql_put_name(ff_buf *out, const char *s);

/* sql_table.c: a table as a virtual table of the database; it is borrowed until that is closed. */
struct sqlite3;
int sql_table_add(struct sqlite3 *db, const char *name, const ff_table *t) FF_MUST_USE;

#endif
