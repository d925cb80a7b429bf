/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The views of a session: tables of a snapshot under the names that commands, SQL, help and the
 * manual share. A new view is a row in views.c.
 */
#ifndef FETAFIX_COMMAND_VIEWS_H
#define FETAFIX_COMMAND_VIEWS_H

#include "fetafix/command_sql.h"
#include "fetafix/command.h"

enum { FF_VIEWS_MAX = 24 };

/* All views over a snapshot; what had to be made is freed by views_close. */
typedef struct ff_views {
    ff_sql_source at[FF_VIEWS_MAX];
    int n;
    const ff_table *made;
} ff_views;
void ff_views_open(const ff_snapshot *s, ff_views *out);
void ff_views_close(ff_views *v);

const ff_view *ff_view_find(const char *name); /* NULL: none */
bool ff_views_need_localized(const char *sql);

/* Prints the rows that words ask for: COLUMN=VALUE TEXT by COLUMN top N show COLUMN,... */
int ff_view_print(ff_context *c, const ff_view *v, const char *order, int argc, char **argv);
/* SQL over the views, printed. */
int ff_view_query(ff_context *c, const char *sql, const char *shown);
/* Limits for this front end: Ctrl-C ends a query, and the explorer waits for none for long. */
ff_sql_limits ff_view_limits(const ff_context *c);

#endif
