/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FETAFIX_COMMAND_SQL_TABLE_H
#define FETAFIX_COMMAND_SQL_TABLE_H

#include "fetafix/base.h"

/* A table as a virtual table of the database; it is borrowed until that is closed. */
struct sqlite3;
int sql_table_add(struct sqlite3 *db, const char *name, const ff_table *t) FF_MUST_USE;

#endif
