/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The views of a session: tables of a snapshot under the names that commands, SQL, help and the
 * manual share. A new view is a row in views.c.
 */
#ifndef FETAFIX_COMMAND_VIEWS_H
#define FETAFIX_COMMAND_VIEWS_H

#include "command/sql.h"
#include "fetafix/command.h"

enum { VIEWS_MAX = 24 };

/* All views over a snapshot; what had to be made is freed by views_close. */
typedef struct views {
    sql_source at[VIEWS_MAX];
    int n;
    const ff_table *made;
} views;
void views_open(const ff_snapshot *s, views *out);
void views_close(views *v);

const ff_view *view_find(const char *name); /* NULL: none */
bool views_need_localized(const char *sql);
int views_list(ff_context *c); /* names, rows, what they are */
void view_help(const ff_view *v, ff_buf *out);

/* Prints the rows that words ask for: COLUMN=VALUE TEXT by COLUMN top N show COLUMN,... */
int view_print(ff_context *c, const ff_view *v, const char *order, int argc, char **argv);
/* SQL over the views, printed. */
int view_query(ff_context *c, const char *sql, const char *shown);
/* Limits for this front end: Ctrl-C ends a query, and the explorer waits for none for long. */
sql_limits view_limits(const ff_context *c);

#endif
