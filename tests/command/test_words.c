/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command table, lines into words, completion, keys, tables as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include "fetafix/command_sql.h"
#include "fetafix/command.h"

static void free_words(char **words, int n)
{
    for (int i = 0; i < n; i++)
        free(words[i]);
    free(words);
}

static void expect_words(const char *line, int n, const char *const *expected)
{
    char **words;
    int count;
    assert_int_equal(ff_line_split(line, &words, &count), FF_OK);
    assert_int_equal(count, n);
    for (int i = 0; i < n; i++)
        assert_string_equal(words[i], expected[i]);
    free_words(words, count);
}

static void test_split(void **state)
{
    (void)state;
    expect_words("", 0, NULL);
    expect_words("  # only a comment", 0, NULL);
    expect_words("save out.onnx", 2, (const char *const[]){"save", "out.onnx"});
    expect_words(" save\t'a b' \"c\\\"d\" e\\ f # g", 4, (const char *const[]){"save", "a b", "c\"d", "e f"});
    expect_words("a '' b#c", 3, (const char *const[]){"a", "", "b#c"});
    char **words;
    int n;
    assert_int_equal(ff_line_split("save 'a", &words, &n), FF_ERR_USAGE);
}

static bool completes(const char *line, const char *word)
{
    int n;
    ff_context c = {0};
    char **found = ff_command_complete(&c, line, &n);
    bool there = false;
    for (int i = 0; i < n; i++) {
        there |= strcmp(found[i], word) == 0;
        if (i)
            assert_true(strcmp(found[i - 1], found[i]) <= 0);
    }
    free_words(found, n);
    return there;
}

static void test_complete(void **state)
{
    (void)state;
    assert_true(completes("", "undo"));
    assert_true(completes("un", "undo"));
    assert_false(completes("un", "redo"));
    assert_true(completes("explain ", "TSS"));
    assert_true(completes("explain W", "WB"));
    assert_true(completes("save x --f", "--force"));
    assert_true(completes("help acc", "accept"));
    assert_false(completes("nonsense ", "undo"));
    /* Verbs of the shell that ask of models are for the prompt too, those that open a case are not. */
    assert_true(completes("ben", "bench"));
    assert_false(completes("expl", "explore"));
    assert_true(completes("matrix --lim", "--limit"));
    assert_false(completes("matrix --cau", "--causal"));
    assert_true(completes("compare a b --comparator co", "cosine"));
    assert_true(completes("run m --pre tf-", "tf-imagenet"));
    assert_true(completes("set format c", "csv"));
}

static void test_table(void **state)
{
    (void)state;
    const ff_command *row, *last = NULL;
    for (int i = 0; (row = ff_command_at(i)); i++) {
        if (last)
            assert_true(strcmp(last->name, row->name) < 0);
        assert_true(row->summary && *row->summary);
        assert_true(row->run || row->shell);
        assert_ptr_equal(ff_command_find(row->name), row);
        last = row;
    }
    assert_non_null(last);
    assert_string_equal(ff_command_find("und")->name, "undo");
    assert_null(ff_command_find("re")); /* redo, reject, repair, ... */
    assert_null(ff_command_find("nonsense"));
}

/* Every key leads to a command that exists, and is bound once. */
static void test_keys(void **state)
{
    (void)state;
    const ff_binding *b, *other;
    for (int i = 0; (b = ff_binding_at(i)); i++) {
        char **words;
        int n;
        assert_int_equal(ff_line_split(b->line, &words, &n), FF_OK);
        assert_true(n > 0);
        if (!ff_command_find(words[0]))
            fail_msg("key %s leads to '%s'", b->key, words[0]);
        assert_string_equal(ff_command_find(words[0])->name, words[0]);
        free_words(words, n);
        for (int k = 0; k < i && (other = ff_binding_at(k)); k++)
            assert_string_not_equal(b->key, other->key);
        assert_string_equal(ff_command_for_key(b->key), b->line);
    }
    assert_null(ff_command_for_key("no such key"));
}

/* Keys that the table of commands names are bound to that command. */
static void test_keys_of_commands(void **state)
{
    (void)state;
    const ff_command *row;
    for (int i = 0; (row = ff_command_at(i)); i++) {
        char **keys;
        int n;
        assert_int_equal(ff_line_split(row->keys ? row->keys : "", &keys, &n), FF_OK);
        for (int k = 0; k < n; k++) {
            const char *line = ff_command_for_key(keys[k]);
            if (!line || strncmp(line, row->name, strlen(row->name)) != 0)
                fail_msg("'%s' says it has key %s, which runs '%s'", row->name, keys[k], line ? line : "nothing");
        }
        free_words(keys, n);
    }
}

static void test_print(void **state)
{
    (void)state;
    static const ff_column columns[] = {
        {"n", FF_COL_INT, "number"},
        {"x", FF_COL_REAL, "real"},
        {"name", FF_COL_TEXT, "text"},
        {"on", FF_COL_BOOL, "switch"},
    };
    ff_table *t = ff_table_create("t", columns, FF_COUNT(columns));
    for (int i = 0; i < 2; i++) {
        ff_table_add_row(t);
        ff_table_set_int(t, i, "n", 10 * i);
        ff_table_set_text(t, i, "name", i ? "say \"a\",b\nc" : "Übung");
    }
    ff_table_set_real(t, 0, "x", 0.5);
    ff_table_set_bool(t, 1, "on", true);
    ff_buf b = {0};
    ff_table_print(t, FF_FORMAT_TEXT, 0, &b);
    assert_string_equal(b.data, " n    x  name          on\n"
                                " 0  0.5  Übung         \n"
                                "10       say \"a\",b; c  yes\n");
    ff_buf_clear(&b);
    ff_table_print(t, FF_FORMAT_CSV, 0, &b);
    assert_string_equal(b.data, "n,x,name,on\n0,0.5,Übung,\n10,,\"say \"\"a\"\",b\nc\",true\n");
    ff_buf_clear(&b);
    ff_table_print(t, FF_FORMAT_JSON, 0, &b);
    assert_string_equal(b.data, "[\n {\"n\": 0, \"x\": 0.5, \"name\": \"Übung\", \"on\": null},\n"
                                " {\"n\": 10, \"x\": null, \"name\": \"say \\\"a\\\",b\\nc\", \"on\": true}\n]\n");
    /* A narrow screen cuts text, never numbers. */
    ff_buf_clear(&b);
    ff_table_print(t, FF_FORMAT_TEXT, 24, &b);
    assert_non_null(strstr(b.data, "10"));
    assert_null(strstr(b.data, "; c"));
    ff_buf_finish(&b);
    ff_table_unref(t);
}

/* A query that would not end does when it is told to. */
static void test_query_cancelled(void **state)
{
    (void)state;
    ff_cancel cancel = {.set = true};
    ff_sql_limits limits = ff_sql_usual;
    limits.cancel = &cancel;
    ff_sql_result r;
    int code = ff_sql_run(
        NULL, 0, "with recursive a(x) as (select 1 union all select x + 1 from a) select count(*) from a", &limits, &r);
    assert_int_equal(code, FF_ERR_CANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_complete),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_keys_of_commands),
        cmocka_unit_test(test_print),
        cmocka_unit_test(test_query_cancelled),
    };
    return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
