/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SQL over tables. Each query has a database of its own, empty and in memory, in which the tables
 * given are virtual tables; it never sees the session's file. Only SELECT passes the authorizer.
 */
#ifndef FETAFIX_COMMAND_SQL_H
#define FETAFIX_COMMAND_SQL_H

#include "fetafix/base.h"

typedef struct ff_sql_source {
    const char *name; /* of the table in SQL */
    const ff_table *table;
} ff_sql_source;

/* Bounds of one query; what goes beyond them ends it with FF_ERR_USAGE that says so. */
typedef struct ff_sql_limits {
    int64_t steps;     /* of SQLite's virtual machine */
    uint64_t memory;   /* bytes */
    int rows;          /* of the result; what is beyond is dropped */
    ff_cancel *cancel; /* or NULL */
} ff_sql_limits;
extern const ff_sql_limits ff_sql_usual;

typedef struct ff_sql_result {
    ff_table *table;
    bool more; /* there were rows beyond the limit */
    ff_column *columns;
    ff_arena *names;
} ff_sql_result;

/* FF_ERR_USAGE: not one SELECT, or names what is unknown and suggests the nearest. */
int ff_sql_run(const ff_sql_source *sources, int n, const char *sql, const ff_sql_limits *limits,
               ff_sql_result *out) FF_MUST_USE;
void ff_sql_finish(ff_sql_result *r); /* a zeroed one is fine */

/* Text and names quoted for SQL. */
void ff_sql_put_text(ff_buf *out, const char *s);
void ff_sql_put_name(ff_buf *out, const char *s);

#endif
