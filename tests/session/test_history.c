/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Steps of several repairs: taken as one, undone as one, taken apart, resumed. Two states side by side. A way exported
 * as a script and typed again leads to the same model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include "fetafix/command.h"
#include "session_case.h"

/* The id of the only group; the caller frees. */
static char *group_of(ff_session *s)
{
    const ff_snapshot *now = ff_session_snapshot(s);
    char *id = NULL;
    for (int i = 0; i < ff_table_rows(now->proposals); i++) {
        if (strncmp(ff_table_text_at(now->proposals, i, "id"), "group:", 6) != 0)
            continue;
        assert_null(id);
        id = ff_strdup(ff_table_text_at(now->proposals, i, "id"));
        char *lines = ff_strdup(ff_table_text_at(now->proposals, i, "findings")), *rest = NULL;
        int n = 0;
        for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
            n++;
        assert_int_equal(n, 6);
        assert_int_equal(ff_table_int_at(now->proposals, i, "members", 0), 6);
        free(lines);
    }
    ff_snapshot_unref(now);
    assert_non_null(id);
    return id;
}

static void count_findings(ff_session *s, const char *status, int step, int expected)
{
    const ff_snapshot *now = ff_session_snapshot(s);
    int n = 0;
    for (int i = 0; i < ff_table_rows(now->findings); i++)
        n += strcmp(ff_table_text_at(now->findings, i, "status"), status) == 0 &&
             (step < 0 || ff_table_int_at(now->findings, i, "step", 0) == step);
    ff_snapshot_unref(now);
    assert_int_equal(n, expected);
}

static char *model_of(ff_session *s, int64_t state)
{
    const ff_snapshot *now = ff_session_snapshot(s);
    char *key = ff_strdup(ff_table_text_at(now->states, (int)state, "model"));
    ff_snapshot_unref(now);
    return key;
}

/* Searching takes no groups: six findings, six steps at most, each a single one. */
static void test_search_is_single(void **state)
{
    (void)state;
    ff_session_options o = session_case_options(NULL);
    ff_session *s = session_case_open(&o);
    session_case_do(s, FF_JOB_REPAIR);
    const ff_snapshot *now = ff_session_snapshot(s);
    for (int i = 0; i < ff_table_rows(now->steps); i++)
        assert_null(strstr(ff_table_text_at(now->steps, i, "proposal"), "group:"));
    ff_snapshot_unref(now);
    ff_session_close(s);
}

static void test_group(void **state)
{
    (void)state;
    char *path = session_case_path("group.fetafix");
    ff_session_options o = session_case_options(path);
    ff_session *s = session_case_open(&o);
    session_case_do(s, FF_JOB_LOCALIZE);
    int initial = session_case_wrong(s);
    char *group = group_of(s);
    assert_int_equal(session_case_run(s, (ff_request){.kind = FF_JOB_EVALUATE, .id = group}), FF_OK);
    assert_int_equal(session_case_run(s, (ff_request){.kind = FF_JOB_ACCEPT, .id = group}), FF_OK);
    assert_int_equal(session_case_wrong(s), 0);
    assert_int_equal(session_case_state(s), 1);
    count_findings(s, "repaired", 1, 6);
    char *whole = model_of(s, 1);

    /* Taken back as one, and again. */
    session_case_do(s, FF_JOB_UNDO);
    assert_int_equal(session_case_wrong(s), initial);
    count_findings(s, "undone", -1, 6);
    session_case_do(s, FF_JOB_REDO);
    assert_int_equal(session_case_state(s), 1);

    /* The session knows it when it is taken up again. */
    ff_session_close(s);
    s = session_case_open(&o);
    assert_int_equal(session_case_state(s), 1);
    count_findings(s, "repaired", 1, 6);

    /* Apart: six steps on a branch of their own, the same model. */
    session_case_do(s, FF_JOB_SPLIT);
    assert_int_equal(session_case_state(s), 7);
    assert_int_equal(session_case_wrong(s), 0);
    for (int step = 1; step <= 6; step++)
        count_findings(s, "repaired", step, 1);
    char *parts = model_of(s, 7);
    assert_string_equal(whole, parts);
    assert_int_equal(session_case_run(s, (ff_request){.kind = FF_JOB_SPLIT}), FF_ERR_USAGE);

    /* A group set aside leaves its members. */
    assert_int_equal(session_case_run(s, (ff_request){.kind = FF_JOB_GOTO, .number = 0}), FF_OK);
    assert_int_equal(session_case_run(s, (ff_request){.kind = FF_JOB_SPLIT, .id = group}), FF_OK);
    session_case_do(s, FF_JOB_REPAIR);
    assert_int_equal(session_case_wrong(s), 0);
    ff_session_close(s);
    s = session_case_open(&o); /* the log with all of that can be told again */
    assert_int_equal(session_case_wrong(s), 0);
    ff_session_close(s);
    free(whole);
    free(parts);
    free(group);
    free(path);
}

static void test_compare(void **state)
{
    (void)state;
    ff_session_options o = session_case_options(NULL);
    ff_session *s = session_case_open(&o);
    session_case_do(s, FF_JOB_STEP);
    session_case_do(s, FF_JOB_STEP);
    assert_int_equal(session_case_run(s, (ff_request){.kind = FF_JOB_COMPARE, .number = 0, .other = 2}), FF_OK);
    const ff_comparison *k = ff_session_comparison(s);
    const ff_snapshot *now = ff_session_snapshot(s);
    assert_non_null(k);
    assert_false(k->same_model);
    assert_int_equal(ff_table_int_at(k->states, 0, "wrong", 0), now->initial);
    assert_int_equal(ff_table_int_at(k->states, 1, "wrong", 0), now->wrong);
    int gained = 0;
    for (int i = 0; i < ff_table_rows(k->images); i++) {
        const char *right = ff_table_text_at(k->images, i, "right");
        assert_true(ff_table_int_at(k->images, i, "a", 0) != ff_table_int_at(k->images, i, "b", 0));
        gained += strcmp(right, "b") == 0;
        gained -= strcmp(right, "a") == 0;
    }
    assert_int_equal(gained, now->initial - now->wrong);
    ff_snapshot_unref(now);
    assert_int_equal(ff_table_rows(k->edits), 2);
    assert_int_equal(ff_table_int_at(k->edits, 0, "state", 0), 2);
    ff_comparison_unref(k);

    /* Another branch: what both have is not listed. */
    session_case_do(s, FF_JOB_UNDO);
    session_case_do(s, FF_JOB_REJECT);
    session_case_do(s, FF_JOB_STEP);
    assert_int_equal(session_case_run(s, (ff_request){.kind = FF_JOB_COMPARE, .number = 2, .other = 3}), FF_OK);
    k = ff_session_comparison(s);
    assert_int_equal(ff_table_rows(k->edits), 2);
    assert_int_equal(ff_table_int_at(k->edits, 0, "state", 0), 2);
    assert_int_equal(ff_table_int_at(k->edits, 1, "state", 0), 3);
    ff_comparison_unref(k);
    assert_int_equal(session_case_run(s, (ff_request){.kind = FF_JOB_COMPARE, .number = 3, .other = 3}), FF_OK);
    k = ff_session_comparison(s);
    assert_true(k->same_model);
    assert_int_equal(ff_table_rows(k->images) + ff_table_rows(k->edits), 0);
    ff_comparison_unref(k);
    assert_int_equal(session_case_run(s, (ff_request){.kind = FF_JOB_COMPARE, .number = 0, .other = 9}), FF_ERR_USAGE);
    ff_session_close(s);
}

static void no_text(void *sink, const char *text)
{
    (void)sink;
    (void)text;
}

static void type_lines(ff_session *s, char *lines)
{
    ff_context c = {.session = s, .wait = true, .quiet = true, .print = no_text, .note = no_text};
    char *rest = NULL;
    for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (ff_command_run(&c, line))
            fail_msg("%s: %s", line, ff_error());
    }
}

/* `minimal`: the end is a state with the essential repairs alone. */
static void export_and_type(bool minimal)
{
    char *path = session_case_path(minimal ? "minimal.script" : "way.script"), *text;
    size_t size;
    ff_session_options o = session_case_options(NULL);
    o.minimal = minimal;
    ff_session *s = session_case_open(&o);
    session_case_do(s, FF_JOB_REPAIR);
    char *reached = model_of(s, session_case_state(s));
    assert_int_equal(session_case_run(s, (ff_request){.kind = FF_JOB_EXPORT_SCRIPT, .path = path}), FF_OK);
    assert_true(session_case_run(s, (ff_request){.kind = FF_JOB_EXPORT_SCRIPT, .path = path}) != FF_OK); /* is there */
    ff_session_close(s);
    assert_int_equal(ff_read_file(path, 1 << 20, &text, &size), FF_OK);
    s = session_case_open(&o);
    type_lines(s, text);
    char *again = model_of(s, session_case_state(s));
    assert_string_equal(again, reached);
    ff_session_close(s);
    free(again);
    free(reached);
    free(text);
    free(path);
}

static void test_script(void **state)
{
    (void)state;
    export_and_type(false);
    export_and_type(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search_is_single),
        cmocka_unit_test(test_group),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_script),
    };
    return cmocka_run_group_tests_name("history", tests, session_case_set_up, session_case_tear_down);
}
