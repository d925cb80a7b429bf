/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Session files that are damaged, foreign, hostile or in use end in one line, never in anything
 * else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include "session/history/store.h"

static char folder[] = "/tmp/fetafix-store-XXXXXX";
static char path[64];

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/a.fetafix", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void make_session(void)
{
    store *s;
    bool existed;
    unlink(path);
    assert_int_equal(db_open(path, &s, &existed), FF_OK);
    assert_false(existed);
    assert_int_equal(db_set(s, "colour", "green"), FF_OK);
    char *big = ff_alloc(40000);
    memset(big, 'x', 39999);
    assert_int_equal(db_set(s, "big", big), FF_OK);
    free(big);
    db_close(s);
}

static void test_keeps(void **state)
{
    (void)state;
    make_session();
    store *s;
    bool existed;
    char *value, *missing;
    assert_int_equal(db_open(path, &s, &existed), FF_OK);
    assert_true(existed);
    assert_int_equal(db_get(s, "colour", &value), FF_OK);
    assert_string_equal(value, "green");
    assert_int_equal(db_get(s, "nothing", &missing), FF_OK);
    assert_null(missing);
    free(value);
    db_close(s);
}

static void test_rolls_back(void **state)
{
    (void)state;
    make_session();
    store *s;
    bool existed;
    char *value;
    assert_int_equal(db_open(path, &s, &existed), FF_OK);
    assert_int_equal(db_begin(s), FF_OK);
    assert_int_equal(db_set(s, "colour", "red"), FF_OK);
    db_rollback(s);
    assert_int_equal(db_get(s, "colour", &value), FF_OK);
    assert_string_equal(value, "green");
    free(value);
    db_close(s);
}

static void expect_refused(const char *about)
{
    store *s = NULL;
    bool existed;
    int code = db_open(path, &s, &existed);
    if (code == FF_OK)
        db_close(s);
    assert_int_equal(code, FF_ERR_INPUT);
    if (!strstr(ff_error(), about))
        fail_msg("'%s' does not say '%s'", ff_error(), about);
    assert_null(strchr(ff_error(), '\n'));
}

static void write_bytes(const void *data, size_t n)
{
    assert_int_equal(ff_write_file(path, data, n, true), FF_OK);
}

static void test_foreign(void **state)
{
    (void)state;
    write_bytes("This is a letter, and a long one: it has no end.\n", 49);
    expect_refused("not a FetaFix session");
    unlink(path);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE t(x)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    expect_refused("not a FetaFix session");
}

static void run_sql(const char *sql)
{
    sqlite3 *db;
    make_session();
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void test_hostile_schema(void **state)
{
    (void)state;
    run_sql("CREATE TRIGGER t AFTER INSERT ON setting BEGIN DELETE FROM state; END");
    expect_refused("damaged");
    run_sql("CREATE VIEW v AS SELECT * FROM setting");
    expect_refused("damaged");
    run_sql("DROP TABLE decision");
    expect_refused("damaged");
    run_sql("PRAGMA user_version=77");
    expect_refused("version 77");
}

/* An empty file is what is left when a session was killed before its first commit. */
static void test_empty(void **state)
{
    (void)state;
    write_bytes("", 0);
    store *s;
    bool existed;
    assert_int_equal(db_open(path, &s, &existed), FF_OK);
    assert_false(existed);
    db_close(s);
}

/* Cut anywhere and flipped anywhere: refused in one line or opened, never a crash. */
static void test_damage(void **state)
{
    (void)state;
    make_session();
    char *data;
    size_t size;
    int refused = 0;
    assert_int_equal(ff_read_file(path, 1 << 30, &data, &size), FF_OK);
    ff_rng rng = {.state = 5};
    for (int i = 0; i < 200; i++) {
        size_t n = i % 2 ? size : 1 + ff_rng_below(&rng, size - 1);
        char *copy = ff_alloc(size);
        memcpy(copy, data, size);
        for (int k = 0; i % 2 && k < 1 + i % 7; k++)
            copy[ff_rng_below(&rng, i % 4 == 1 ? 4096 : size)] ^= (char)(1 << ff_rng_below(&rng, 8));
        write_bytes(copy, n);
        store *s;
        bool existed;
        char *value = NULL;
        int code = db_open(path, &s, &existed);
        if (code) {
            assert_int_equal(code, FF_ERR_INPUT);
            assert_null(strchr(ff_error(), '\n'));
            refused++;
        } else {
            code = db_get(s, "colour", &value);
            assert_true(code == FF_OK || code == FF_ERR_INPUT);
            free(value);
            db_close(s);
        }
        free(copy);
    }
    free(data);
    assert_true(refused > 100);
}

static void test_two_processes(void **state)
{
    (void)state;
    make_session();
    store *s;
    bool existed;
    assert_int_equal(db_open(path, &s, &existed), FF_OK);
    pid_t child = fork();
    if (child == 0) {
        store *mine;
        int code = db_open(path, &mine, &existed);
        _exit(code == FF_ERR_INPUT && strstr(ff_error(), "another process") ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    db_close(s);
    assert_int_equal(db_open(path, &s, &existed), FF_OK);
    db_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps),          cmocka_unit_test(test_rolls_back), cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_hostile_schema), cmocka_unit_test(test_empty),      cmocka_unit_test(test_damage),
        cmocka_unit_test(test_two_processes),
    };
    return cmocka_run_group_tests_name("store", tests, set_up, tear_down);
}
