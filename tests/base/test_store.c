/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What holds things: memory, arenas, maps, keys, tables, random numbers, files. */
#include "fetafix/base.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static void say_and_go_on(void)
{
    (void)!write(STDOUT_FILENO, "", 0);
    _exit(77); /* the handler ran */
}

static void memory(void **state)
{
    (void)state;
    unsigned char *p = ff_try_alloc(1000);
    assert_int_equal((uintptr_t)p % 64, 0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(p[i], 0);
    free(p);
    assert_null(ff_try_alloc(SIZE_MAX / 2));
    assert_non_null(strstr(ff_error(), "memory"));
    free(ff_alloc(0));
    free(ff_alloc_array(0, 8));
    assert_true(ff_memory_total() > (1 << 20) && ff_memory_peak() > (1 << 16));
    int *a = NULL;
    size_t room = 0;
    for (int i = 0; i < 1000; i++) {
        ff_grow(&a, &room, (size_t)i + 1, sizeof *a);
        assert_int_equal(a[i], 0);
        a[i] = i + 1;
    }
    for (int i = 0; i < 1000; i++)
        assert_int_equal(a[i], i + 1);
    free(a);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static void out_of_memory_ends_the_process(void **state)
{
    (void)state;
    if (SANITIZED) /* its allocator reports such a size by itself */
        skip();
    for (int handler = 0; handler < 2; handler++) {
        pid_t child = fork();
        if (child == 0) {
            ff_set_oom_handler(handler ? say_and_go_on : NULL);
            volatile size_t many = SIZE_MAX / 2;
            free(ff_alloc_array(many, 8));
            _exit(0);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), handler ? 77 : 5);
    }
}

static void arenas(void **state)
{
    (void)state;
    for (int debug = 0; debug < 2; debug++) {
        if (debug)
            setenv("FETAFIX_ARENA_DEBUG", "1", 1);
        ff_arena *a = ff_arena_create();
        char *pieces[500];
        for (size_t i = 0; i < 500; i++) {
            size_t n = i * i % 20011;
            pieces[i] = ff_arena_alloc(a, n);
            assert_int_equal((uintptr_t)pieces[i] % 16, 0);
            size_t zeros = 0;
            while (zeros < n && pieces[i][zeros] == 0)
                zeros++;
            assert_int_equal(zeros, n);
            memset(pieces[i], (int)i, n);
        }
        for (size_t i = 0; i < 500; i++)
            for (size_t k = 0; k < i * i % 20011; k += 97)
                assert_int_equal((unsigned char)pieces[i][k], i % 256);
        assert_string_equal(ff_arena_printf(a, "%d-%s", 3, "x"), "3-x");
        assert_string_equal(ff_arena_strdup(a, "abc"), "abc");
        assert_null(ff_arena_strdup(a, NULL));
        ff_arena_destroy(a);
    }
    unsetenv("FETAFIX_ARENA_DEBUG");
    ff_arena_destroy(NULL);
}

static void maps(void **state)
{
    ff_map *m = ff_map_create();
    char name[32];
    (void)state;
    assert_null(ff_map_get(m, "nothing"));
    for (intptr_t i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "name %d", (int)i);
        ff_map_put(m, name, (void *)(i + 1));
    }
    for (intptr_t i = 0; i < 5000; i += 2) {
        snprintf(name, sizeof name, "name %d", (int)i);
        assert_ptr_equal(ff_map_remove(m, name), (void *)(i + 1));
        assert_null(ff_map_remove(m, name));
    }
    ff_map_put(m, "name 1", (void *)-1);
    ff_map_put(m, "name 0", (void *)-2); /* comes back at the end */
    assert_int_equal(ff_map_size(m), 2501);
    size_t cursor = 0, n = 0;
    const char *at;
    void *value, *last = NULL;
    while (ff_map_next(m, &cursor, &at, &value)) {
        if (n < 2500) {
            snprintf(name, sizeof name, "name %d", (int)(2 * n + 1));
            assert_string_equal(at, name);
        }
        last = value;
        n++;
    }
    assert_int_equal(n, 2501);
    assert_ptr_equal(last, (void *)-2);
    assert_ptr_equal(ff_map_get(m, "name 1"), (void *)-1);
    /* Many removals and additions do not make it grow without end. */
    for (int i = 0; i < 100000; i++) {
        ff_map_put(m, "comes and goes", m);
        ff_map_remove(m, "comes and goes");
    }
    assert_int_equal(ff_map_size(m), 2501);
    ff_map_destroy(m, NULL);

    /* Against a plain array, with names that come and go at random. */
    intptr_t held[300] = {0};
    ff_rng r = {5};
    m = ff_map_create();
    for (intptr_t i = 1; i < 60000; i++) {
        int k = (int)ff_rng_below(&r, 300);
        snprintf(name, sizeof name, "%d", k);
        if (ff_map_get(m, name) != (void *)held[k])
            fail_msg("'%s' is not what was put", name);
        if (held[k] && i % 3) {
            if (ff_map_remove(m, name) != (void *)held[k])
                fail_msg("'%s' could not be removed", name);
            held[k] = 0;
        } else {
            ff_map_put(m, name, (void *)i);
            held[k] = i;
        }
    }
    n = 0;
    for (int k = 0; k < 300; k++)
        n += held[k] != 0;
    assert_int_equal(ff_map_size(m), n);
    ff_map_destroy(m, NULL);

    /* A key and a name with the same bytes are two things. */
    m = ff_map_create();
    ff_key k = ff_key_of("x", 1);
    memcpy(k.bytes, "0123456789abcdef0123456789abcde", 32);
    ff_map_put_key(m, &k, strdup("key"));
    ff_map_put(m, "0123456789abcdef0123456789abcde", strdup("name"));
    assert_string_equal(ff_map_get_key(m, &k), "key");
    assert_string_equal(ff_map_get(m, "0123456789abcdef0123456789abcde"), "name");
    free(ff_map_remove_key(m, &k));
    assert_null(ff_map_get_key(m, &k));
    ff_map_destroy(m, free);
    ff_map_destroy(NULL, free);
}

static void keys(void **state)
{
    char hex[65];
    ff_key k = ff_key_of("abc", 3), back;
    ff_hasher h;
    (void)state;
    ff_key_hex(&k, hex); /* FIPS 180-2, appendix B.1 */
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_true(ff_key_parse(hex, &back) && ff_key_equal(&k, &back));
    hex[63] = 'g';
    assert_false(ff_key_parse(hex, &back));
    assert_false(ff_key_parse("ba78", &back));
    ff_hasher_init(&h);
    ff_hasher_add_u64(&h, 0x0807060504030201);
    k = ff_hasher_done(&h);
    back = ff_key_of("\1\2\3\4\5\6\7\10", 8);
    assert_true(ff_key_equal(&k, &back));
    ff_key three[3];
    const char *strings[3] = {NULL, "", "a"};
    for (int i = 0; i < 3; i++) {
        ff_hasher_init(&h);
        ff_hasher_add_str(&h, strings[i]);
        three[i] = ff_hasher_done(&h);
    }
    assert_false(ff_key_equal(&three[0], &three[1]));
    assert_false(ff_key_equal(&three[1], &three[2]));
}

static void tables(void **state)
{
    static const ff_column columns[] = {{"id", FF_COL_INT, "number"},
                                        {"score", FF_COL_REAL, "share"},
                                        {"name", FF_COL_TEXT, "name"},
                                        {"kept", FF_COL_BOOL, "kept?"}};
    ff_table *t = ff_table_create("layers", columns, 4);
    char text[] = "copied";
    (void)state;
    for (int i = 0; i < 100; i++)
        assert_int_equal(ff_table_add_row(t), i);
    ff_table_set_int(t, 3, "id", 42);
    ff_table_set_real(t, 3, "score", 0.5);
    ff_table_set_text(t, 3, "name", text);
    ff_table_set_bool(t, 99, "kept", true);
    text[0] = 'x';
    const ff_table *shared = ff_table_ref(t);
    ff_table_unref(t);
    assert_string_equal(ff_table_name(shared), "layers");
    assert_int_equal(ff_table_rows(shared), 100);
    assert_int_equal(ff_table_columns(shared), 4);
    assert_int_equal(ff_table_find(shared, "name"), 2);
    assert_int_equal(ff_table_find(shared, "none"), -1);
    assert_string_equal(ff_table_column(shared, 1)->name, "score");
    assert_int_equal(ff_table_int(shared, 3, 0), 42);
    assert_true(ff_table_real(shared, 3, 0) == 42 && ff_table_real(shared, 3, 1) == 0.5);
    assert_string_equal(ff_table_text(shared, 3, 2), "copied");
    assert_int_equal(ff_table_int(shared, 99, 3), 1);
    assert_true(ff_table_empty(shared, 4, 0) && !ff_table_empty(shared, 3, 0));
    assert_string_equal(ff_table_text(shared, 0, 2), "");

    assert_int_equal(ff_table_int_at(shared, 3, "id", -7), 42);
    assert_int_equal(ff_table_int_at(shared, 4, "id", -7), -7); /* empty, no such column, no such row */
    assert_int_equal(ff_table_int_at(shared, 3, "none", -7), -7);
    assert_int_equal(ff_table_int_at(shared, 100, "id", -7), -7);
    assert_int_equal(ff_table_int_at(shared, -1, "id", -7), -7);
    assert_true(ff_table_real_at(shared, 3, "score") == 0.5);
    assert_true(isnan(ff_table_real_at(shared, 2, "score")));
    assert_string_equal(ff_table_text_at(shared, 3, "name"), "copied");
    assert_string_equal(ff_table_text_at(shared, 100, "name"), "");
    assert_int_equal(ff_table_row_of_int(shared, "id", 42), 3);
    assert_int_equal(ff_table_row_of_int(shared, "id", 0), -1); /* an empty cell is no 0 */
    assert_int_equal(ff_table_row_of_text(shared, "name", "copied"), 3);
    assert_int_equal(ff_table_row_of_text(shared, "none", "copied"), -1);
    ff_table_unref(shared);
    ff_table_unref(NULL);
}

static void random_numbers(void **state)
{
    ff_rng r = {1234567}, s = {99};
    double mean = 0, square = 0;
    int seen[6] = {0}, a[10];
    (void)state;
    /* The published values of splitmix64 for this seed. */
    assert_true(ff_rng_next(&r) == UINT64_C(6457827717110365317));
    assert_true(ff_rng_next(&r) == UINT64_C(3203168211198807973));
    for (int i = 0; i < 60000; i++)
        seen[ff_rng_below(&r, 6)]++;
    for (int i = 0; i < 6; i++)
        assert_true(seen[i] > 9500 && seen[i] < 10500);
    for (int i = 0; i < 20000; i++) {
        double u = ff_rng_real(&r), v = ff_rng_normal(&r);
        assert_true(u >= 0 && u < 1);
        mean += v / 20000;
        square += v * v / 20000;
    }
    assert_true(mean > -0.03 && mean < 0.03 && square > 0.95 && square < 1.05);
    for (int i = 0; i < 10; i++)
        a[i] = i;
    ff_rng_shuffle(&s, a, 10);
    int bits = 0, moved = 0;
    for (int i = 0; i < 10; i++) {
        bits |= 1 << a[i];
        moved += a[i] != i;
    }
    assert_true(bits == 1023 && moved > 3);
}

static void files(void **state)
{
    char folder[] = "/tmp/fetafix-files-XXXXXX", *data = NULL;
    size_t size = 0;
    struct stat st;
    (void)state;
    assert_non_null(mkdtemp(folder));
    char *path = ff_path_join(folder, "a.txt"), *fifo = ff_path_join(folder, "fifo");
    assert_int_equal(ff_write_file(path, "one", 3, false), FF_OK);
    assert_int_equal(ff_write_file(path, "two", 3, false), FF_ERR_USAGE);
    assert_non_null(strstr(ff_error(), "--force"));
    assert_int_equal(ff_read_file(path, 100, &data, &size), FF_OK);
    assert_int_equal(size, 3);
    assert_string_equal(data, "one");
    free(data);
    data = NULL;
    assert_int_equal(ff_write_file(path, "", 0, true), FF_OK);
    assert_int_equal(ff_read_file(path, 0, &data, &size), FF_OK);
    assert_int_equal(size, 0);
    assert_string_equal(data, "");
    free(data);
    data = NULL;
    assert_int_equal(ff_write_file(path, "four", 4, true), FF_OK);
    assert_int_equal(ff_read_file(path, 3, &data, &size), FF_ERR_INPUT);
    assert_non_null(strstr(ff_error(), "limit"));
    assert_int_equal(ff_read_file(folder, 100, &data, &size), FF_ERR_INPUT);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(ff_read_file(fifo, 100, &data, &size), FF_ERR_INPUT); /* and does not hang */
    unlink(fifo);
    assert_int_equal(ff_read_file(fifo, 100, &data, &size), FF_ERR_INPUT);
    assert_non_null(strstr(ff_error(), "no such file"));
    assert_null(data);
    assert_int_equal(ff_write_file(folder, "x", 1, true), FF_ERR_INPUT);
    assert_int_equal(ff_write_file("/dev/null", "x", 1, false), FF_OK);
    assert_int_equal(stat("/dev/null", &st), 0);
    assert_true(S_ISCHR(st.st_mode)); /* written to, not replaced */
    if (access("/dev/full", W_OK) == 0)
        assert_int_equal(ff_write_file("/dev/full", "x", 1, false), FF_ERR_INPUT);
    char *far = ff_path_join(folder, "none/b");
    assert_int_equal(ff_write_file(far, "x", 1, true), FF_ERR_INPUT);
    free(far);
    unlink(path);
    assert_int_equal(rmdir(folder), 0); /* nothing was left beside it */
    free(fifo);
    free(path);

    static const char *const joins[][3] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"a", "/b", "/b"}, {"", "b", "b"}};
    static const char *const parts[][3] = {{"a/b", "a", "b"}, {"/b", "/", "b"}, {"b", ".", "b"}, {"a/b/", "a/b", ""}};
    for (size_t i = 0; i < 4; i++) {
        char *s = ff_path_join(joins[i][0], joins[i][1]), *d = ff_path_dirname(parts[i][0]);
        assert_string_equal(s, joins[i][2]);
        assert_string_equal(d, parts[i][1]);
        assert_string_equal(ff_path_basename(parts[i][0]), parts[i][2]);
        free(s);
        free(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory),         cmocka_unit_test(out_of_memory_ends_the_process),
        cmocka_unit_test(arenas),         cmocka_unit_test(maps),
        cmocka_unit_test(keys),           cmocka_unit_test(tables),
        cmocka_unit_test(random_numbers), cmocka_unit_test(files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
