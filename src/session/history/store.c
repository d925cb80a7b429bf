/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/history/store.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct store {
    sqlite3 *db;
    char *path; /* "memory" when there is no file */
};

/* The whole schema. A file whose objects differ from these by one byte is refused: so no trigger,
 * view or index of somebody else's ever runs. */
static const char *const schema[] = {
    "CREATE TABLE setting(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE model(role TEXT PRIMARY KEY, path TEXT NOT NULL, absolute TEXT NOT NULL,"
    " sha256 TEXT NOT NULL, bytes BLOB) WITHOUT ROWID",
    "CREATE TABLE image(image INTEGER PRIMARY KEY, name TEXT NOT NULL)",
    "CREATE TABLE state(state INTEGER PRIMARY KEY, parent INTEGER, decision INTEGER,"
    " proposal TEXT, type TEXT, summary TEXT, findings TEXT, patch BLOB, pre TEXT NOT NULL,"
    " wrong INTEGER NOT NULL, distance REAL, model TEXT NOT NULL, error TEXT)",
    "CREATE TABLE part(state INTEGER NOT NULL, position INTEGER NOT NULL, id TEXT NOT NULL,"
    " type TEXT NOT NULL, summary TEXT NOT NULL, findings TEXT NOT NULL, patch BLOB, pre TEXT,"
    " PRIMARY KEY(state, position)) WITHOUT ROWID",
    "CREATE TABLE label(owner INTEGER PRIMARY KEY, width INTEGER NOT NULL, labels BLOB NOT NULL)",
    "CREATE TABLE decision(decision INTEGER PRIMARY KEY, outcome TEXT NOT NULL,"
    " from_state INTEGER NOT NULL, to_state INTEGER, proposal TEXT, type TEXT, summary TEXT,"
    " findings TEXT, verdict INTEGER, wrong_before INTEGER, wrong_after INTEGER, phase TEXT,"
    " previous INTEGER NOT NULL, subset INTEGER NOT NULL)",
    "CREATE TABLE listing(state INTEGER PRIMARY KEY, proposals TEXT NOT NULL,"
    " findings TEXT NOT NULL, open TEXT NOT NULL)",
    "CREATE TABLE finding(position INTEGER PRIMARY KEY, id TEXT NOT NULL, state INTEGER NOT NULL,"
    " type TEXT NOT NULL, cause TEXT NOT NULL, summary TEXT NOT NULL, explanation TEXT NOT NULL,"
    " source_nodes TEXT NOT NULL, target_nodes TEXT NOT NULL, magnitude REAL,"
    " source INTEGER NOT NULL, details TEXT NOT NULL)",
    "CREATE TABLE layer(position INTEGER PRIMARY KEY, pair INTEGER NOT NULL, rank INTEGER NOT NULL,"
    " kw REAL, effect REAL, entire REAL, isolated REAL, causal REAL, elements INTEGER NOT NULL)",
    "CREATE TABLE pin(position INTEGER PRIMARY KEY, source TEXT NOT NULL, target TEXT NOT NULL,"
    " forbid INTEGER NOT NULL)",
};

static int fail_sqlite(const store *s, int code)
{
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return ff_fail(FF_ERR_NOMEM, "session '%s': out of memory", s->path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ff_fail(FF_ERR_INPUT, "session '%s' is in use by another process", s->path);
    case SQLITE_NOTADB:
        return ff_fail(FF_ERR_INPUT, "'%s' is not a FetaFix session", s->path);
    case SQLITE_CORRUPT:
        return ff_fail(FF_ERR_INPUT, "session '%s' is damaged", s->path);
    case SQLITE_FULL:
        return ff_fail(FF_ERR_INPUT, "session '%s': no space left", s->path);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
        return ff_fail(FF_ERR_INPUT, "session '%s' cannot be opened for writing", s->path);
    default:
        return ff_fail(FF_ERR_INPUT, "session '%s': %s", s->path, sqlite3_errmsg(s->db));
    }
}

int db_damaged(const store *s, const char *what)
{
    return ff_fail(FF_ERR_INPUT, "session '%s' is damaged: %s", s->path, what);
}

static int bind(store *s, sqlite3_stmt *st, const char *types, va_list args)
{
    for (int i = 0; types && types[i]; i++) {
        int rc = SQLITE_OK;
        switch (types[i]) {
        case 'i':
            rc = sqlite3_bind_int64(st, i + 1, va_arg(args, int64_t));
            break;
        case 'd': {
            double v = va_arg(args, double);
            rc = isnan(v) ? sqlite3_bind_null(st, i + 1) : sqlite3_bind_double(st, i + 1, v);
            break;
        }
        case 's':
            rc = sqlite3_bind_text(st, i + 1, va_arg(args, const char *), -1, SQLITE_TRANSIENT);
            break;
        case 'b': {
            const void *data = va_arg(args, const void *);
            size_t size = va_arg(args, size_t);
            rc = data ? sqlite3_bind_blob64(st, i + 1, data, size, SQLITE_TRANSIENT) : sqlite3_bind_null(st, i + 1);
            break;
        }
        }
        if (rc != SQLITE_OK)
            return fail_sqlite(s, rc);
    }
    return FF_OK;
}

static int prepare(store *s, sqlite3_stmt **out, const char *sql, const char *types, va_list args)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);
    if (rc != SQLITE_OK)
        return fail_sqlite(s, rc);
    int code = bind(s, st, types, args);
    if (code) {
        sqlite3_finalize(st);
        return code;
    }
    *out = st;
    return FF_OK;
}

int db_run(store *s, const char *sql, const char *types, ...)
{
    sqlite3_stmt *st;
    va_list args;
    va_start(args, types);
    int code = prepare(s, &st, sql, types, args);
    va_end(args);
    if (code)
        return code;
    int rc;
    do
        rc = sqlite3_step(st);
    while (rc == SQLITE_ROW);
    if (rc != SQLITE_DONE)
        code = fail_sqlite(s, rc);
    sqlite3_finalize(st);
    return code;
}

int db_query(store *s, sqlite3_stmt **out, const char *sql, const char *types, ...)
{
    va_list args;
    va_start(args, types);
    int code = prepare(s, out, sql, types, args);
    va_end(args);
    return code;
}

int db_next(store *s, sqlite3_stmt **statement, bool *row)
{
    int rc = sqlite3_step(*statement);
    *row = rc == SQLITE_ROW;
    if (*row)
        return FF_OK;
    int code = rc == SQLITE_DONE ? FF_OK : fail_sqlite(s, rc);
    sqlite3_finalize(*statement);
    *statement = NULL;
    return code;
}

int db_begin(store *s)
{
    return db_run(s, "BEGIN", NULL);
}

int db_commit(store *s)
{
    return db_run(s, "COMMIT", NULL);
}

void db_rollback(store *s)
{
    if (!sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

char *db_text(sqlite3_stmt *statement, int column)
{
    return ff_strdup((const char *)sqlite3_column_text(statement, column));
}

int db_set(store *s, const char *setting, const char *value)
{
    return db_run(s, "INSERT OR REPLACE INTO setting VALUES(?,?)", "ss", setting, value);
}

int db_get(store *s, const char *setting, char **value)
{
    sqlite3_stmt *st;
    int code = db_query(s, &st, "SELECT value FROM setting WHERE name=?", "s", setting);
    if (code)
        return code;
    bool row;
    code = db_next(s, &st, &row);
    if (code)
        return code;
    *value = row ? db_text(st, 0) : NULL;
    if (row)
        sqlite3_finalize(st);
    return FF_OK;
}

/* One integer that a statement yields. */
static int integer(store *s, const char *sql, int64_t *out)
{
    sqlite3_stmt *st;
    int code = db_query(s, &st, sql, NULL);
    if (code)
        return code;
    bool row;
    code = db_next(s, &st, &row);
    if (code)
        return code;
    *out = row ? sqlite3_column_int64(st, 0) : 0;
    if (row)
        sqlite3_finalize(st);
    return FF_OK;
}

/* Every object in the file is one of ours, word for word, and none is missing. */
static int check_schema(store *s)
{
    sqlite3_stmt *st;
    bool row;
    size_t seen = 0;
    int code = db_query(s, &st, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL", NULL);
    while (!code && !(code = db_next(s, &st, &row)) && row) {
        const char *sql = (const char *)sqlite3_column_text(st, 0);
        bool known = false;
        for (size_t i = 0; sql && i < FF_COUNT(schema); i++)
            known |= strcmp(sql, schema[i]) == 0;
        if (!known) {
            sqlite3_finalize(st);
            return db_damaged(s, "its tables are not those of a session");
        }
        seen++;
    }
    if (code)
        return code;
    if (seen != FF_COUNT(schema))
        return db_damaged(s, "tables are missing");
    return FF_OK;
}

static int check_integrity(store *s)
{
    sqlite3_stmt *st;
    bool row;
    int code = db_query(s, &st, "PRAGMA quick_check(1)", NULL);
    if (code || (code = db_next(s, &st, &row)))
        return code;
    bool fine = row && strcmp((const char *)sqlite3_column_text(st, 0), "ok") == 0;
    if (row)
        sqlite3_finalize(st);
    return fine ? FF_OK : db_damaged(s, "its pages do not fit together");
}

/* The lock is taken by the first write and kept, as locking_mode is EXCLUSIVE. */
static int set_up(store *s, bool *existed)
{
    static const char *const pragmas[] = {
        "PRAGMA locking_mode=EXCLUSIVE", "PRAGMA journal_mode=DELETE", "PRAGMA synchronous=FULL",
        "PRAGMA trusted_schema=OFF",     "PRAGMA cell_size_check=ON",  "PRAGMA foreign_keys=OFF",
    };
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    int code = FF_OK;
    for (size_t i = 0; !code && i < FF_COUNT(pragmas); i++)
        code = db_run(s, pragmas[i], NULL);
    if (code || (code = db_run(s, "BEGIN EXCLUSIVE", NULL)))
        return code;
    int64_t application, version, objects;
    if ((code = integer(s, "PRAGMA application_id", &application)) ||
        (code = integer(s, "PRAGMA user_version", &version)) ||
        (code = integer(s, "SELECT count(*) FROM sqlite_schema", &objects)))
        goto rollback;
    *existed = objects > 0;
    if (!*existed && (application == 0 || application == STORE_APPLICATION)) {
        for (size_t i = 0; !code && i < FF_COUNT(schema); i++)
            code = db_run(s, schema[i], NULL);
        ff_buf sql = {0};
        ff_buf_printf(&sql, "PRAGMA application_id=%d", STORE_APPLICATION);
        if (!code)
            code = db_run(s, sql.data, NULL);
        ff_buf_clear(&sql);
        ff_buf_printf(&sql, "PRAGMA user_version=%d", STORE_VERSION);
        if (!code)
            code = db_run(s, sql.data, NULL);
        ff_buf_finish(&sql);
    } else if (application != STORE_APPLICATION) {
        code = ff_fail(FF_ERR_INPUT, "'%s' is not a FetaFix session", s->path);
    } else if (version != STORE_VERSION) {
        code = ff_fail(FF_ERR_INPUT, "session '%s' is of version %lld, this program reads %d", s->path,
                       (long long)version, STORE_VERSION);
    } else if (!(code = check_schema(s))) {
        code = check_integrity(s);
    }
    if (!code)
        code = db_commit(s);
rollback:
    if (code)
        db_rollback(s);
    return code;
}

/* `name` in messages; `bytes`: of a file that is looked at in memory. */
static int open_store(const char *file, const char *name, const void *bytes, uint64_t size, store **out, bool *existed)
{
    store *s = ff_alloc(sizeof *s);
    s->path = ff_strdup(name ? name : "memory");
    bool found = false;
    int rc = sqlite3_open_v2(file ? file : ":memory:", &s->db,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, NULL);
    if (rc == SQLITE_OK && size) {
        unsigned char *copy = sqlite3_malloc64(size); /* SQLite's from here on, on failure too */
        if (copy)
            memcpy(copy, bytes, size);
        rc = copy ? sqlite3_deserialize(s->db, "main", copy, (sqlite3_int64)size, (sqlite3_int64)size,
                                        SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE)
                  : SQLITE_NOMEM;
    }
    int code = rc == SQLITE_OK ? set_up(s, &found) : fail_sqlite(s, rc);
    if (code) {
        db_close(s);
        return code;
    }
    *existed = found;
    *out = s;
    return FF_OK;
}

int db_open(const char *path, store **out, bool *existed)
{
    struct stat info;
    if (path && stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return ff_fail(FF_ERR_INPUT, "'%s' is not a FetaFix session", path);
    return open_store(path, path, NULL, 0, out, existed);
}

int db_open_team(const char *path, ff_team *team, store **out, bool *existed)
{
    bool first = ff_team_rank(team) == 0;
    int code = first ? db_open(path, out, existed) : FF_OK;
    code = ff_team_agree(team, code, 0);
    if (code || !team)
        return code;
    unsigned char *bytes = NULL;
    sqlite3_int64 size = 0;
    if (first && *existed)
        bytes = sqlite3_serialize((*out)->db, "main", &size, 0);
    ff_team_tell(team, 0, &size, sizeof size);
    if (!first)
        bytes = sqlite3_malloc64((sqlite3_uint64)size + 1);
    code = ff_team_agree(team, bytes || !size ? FF_OK : ff_fail(FF_ERR_NOMEM, "session '%s': out of memory", path), 0);
    if (!code)
        ff_team_tell(team, 0, bytes, (size_t)size);
    if (!code && !first)
        code = open_store(NULL, path, bytes, (uint64_t)size, out, existed);
    sqlite3_free(bytes);
    return ff_team_agree(team, code, 0);
}

void db_close(store *s)
{
    if (!s)
        return;
    sqlite3_close(s->db);
    free(s->path);
    free(s);
}
