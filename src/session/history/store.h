/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The session file: one SQLite database with a schema of our own, held by one process at a time.
 *
 * The rollback journal is used, not the write-ahead log: a session stays a single file between two
 * commits, and a process that is killed leaves at most a journal beside it, which the next one
 * rolls back. The exclusive lock is the kernel's, so it goes away with the process whatever ends
 * it.
 */
#ifndef FETAFIX_SESSION_HISTORY_STORE_H
#define FETAFIX_SESSION_HISTORY_STORE_H

#include <sqlite3.h>

#include "fetafix/base.h"

#define STORE_APPLICATION 0x46657446 /* "FetF" */
#define STORE_VERSION     1

typedef struct store store;

/* path NULL: in memory. *existed: the file holds a session already. A file that is no session, of
 * another version, damaged, with a foreign schema or held by another process is FF_ERR_INPUT. */
int db_open(const char *path, store **out, bool *existed) FF_MUST_USE;
/* The same for the processes of a team (NULL: this one alone): the first of them has the file, the others a copy in
 * memory. All of them call it, and all fail where it does. */
int db_open_team(const char *path, ff_team *team, store **out, bool *existed) FF_MUST_USE;
void db_close(store *s); /* NULL is fine */

/*
 * Values are bound by one letter each: i int64_t, d double (NAN binds NULL), s text (NULL binds
 * NULL), b blob (const void *, size_t).
 */
int db_run(store *s, const char *sql, const char *types, ...) FF_MUST_USE;
/* Rows: db_query, then db_next until *row is false; the statement is finalised by
 * db_next at the end and on failure, or by sqlite3_finalize. */
int db_query(store *s, sqlite3_stmt **out, const char *sql, const char *types, ...) FF_MUST_USE;
int db_next(store *s, sqlite3_stmt **statement, bool *row) FF_MUST_USE;

int db_begin(store *s) FF_MUST_USE;
int db_commit(store *s) FF_MUST_USE;
void db_rollback(store *s);

/* Copies of a cell; NULL for NULL. The caller frees. */
char *db_text(sqlite3_stmt *statement, int column);

int db_set(store *s, const char *setting, const char *value) FF_MUST_USE;
/* NULL when the setting is not there; the caller frees. */
int db_get(store *s, const char *setting, char **value) FF_MUST_USE;
/* "session 'x.fetafix': what" as FF_ERR_INPUT: content that no FetaFix wrote. */
int db_damaged(const store *s, const char *what) FF_MUST_USE;

#endif
