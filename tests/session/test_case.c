/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A session from loading to the end of the search: steps, undo and redo, resumption, refusals. */
#include <poll.h>
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

#include "fetafix/session.h"
#include "session_case.h"

static char *path; /* of the session file */

static void test_repair(void **state)
{
    (void)state;
    ff_session_options o = session_case_options(NULL);
    ff_session *s = session_case_open(&o);
    int initial = session_case_wrong(s);
    assert_true(initial > 0);
    session_case_do(s, FF_JOB_LOCALIZE);
    const ff_snapshot *now = ff_session_snapshot(s);
    assert_int_equal(ff_table_rows(now->findings), 6);
    assert_true(ff_table_rows(now->layers) >= 7);
    assert_int_equal(ff_table_rows(now->images_table), 60);
    assert_non_null(now->next);
    ff_snapshot_unref(now);
    session_case_do(s, FF_JOB_REPAIR);
    session_case_do(s, FF_JOB_VALIDATE);
    now = ff_session_snapshot(s);
    assert_int_equal(now->wrong, 0);
    assert_int_equal(now->initial, initial);
    assert_true(now->searched);
    assert_int_equal(now->validation_images, 30);
    assert_int_equal(now->validation_wrong, 0);
    int status = ff_table_find(now->findings, "status");
    for (int i = 0; i < ff_table_rows(now->findings); i++)
        assert_string_equal(ff_table_text(now->findings, i, status), "repaired");
    ff_snapshot_unref(now);
    ff_session_close(s);
}

/* The same counts going back as coming, and a branch beside the first. */
static void test_history(void **state)
{
    (void)state;
    ff_session_options o = session_case_options(NULL);
    ff_session *s = session_case_open(&o);
    int initial = session_case_wrong(s);
    session_case_do(s, FF_JOB_STEP);
    int first = session_case_wrong(s);
    assert_true(first < initial);
    session_case_do(s, FF_JOB_STEP);
    int second = session_case_wrong(s);
    int64_t tip = session_case_state(s);
    session_case_do(s, FF_JOB_UNDO);
    assert_int_equal(session_case_wrong(s), first);
    session_case_do(s, FF_JOB_UNDO);
    assert_int_equal(session_case_wrong(s), initial);
    assert_int_equal(session_case_run(s, (ff_request){.kind = FF_JOB_UNDO}), FF_ERR_USAGE);
    session_case_do(s, FF_JOB_REDO);
    session_case_do(s, FF_JOB_REDO);
    assert_int_equal(session_case_wrong(s), second);
    assert_int_equal(session_case_state(s), tip);
    assert_int_equal(session_case_run(s, (ff_request){.kind = FF_JOB_REDO}), FF_ERR_USAGE);
    assert_int_equal(session_case_run(s, (ff_request){.kind = FF_JOB_GOTO, .number = 0}), FF_OK);
    /* The repair that would come next is set aside, another is taken. */
    session_case_do(s, FF_JOB_REJECT);
    session_case_do(s, FF_JOB_STEP);
    assert_true(session_case_wrong(s) < initial);
    assert_true(session_case_state(s) > tip);
    session_case_do(s, FF_JOB_REPAIR);
    assert_int_equal(session_case_wrong(s), 0);
    ff_session_close(s);
}

static char *proposals_of(ff_session *s)
{
    const ff_snapshot *now = ff_session_snapshot(s);
    ff_buf b = {0};
    ff_buf_printf(&b, "%lld %d %s\n", (long long)now->state, now->wrong, now->next ? now->next : "-");
    for (int i = 0; i < ff_table_rows(now->proposals); i++)
        ff_buf_printf(&b, "%s %s\n", ff_table_text(now->proposals, i, 0),
                      ff_table_text(now->proposals, i, ff_table_find(now->proposals, "status")));
    for (int i = 0; i < ff_table_rows(now->findings); i++)
        ff_buf_printf(&b, "%s %s\n", ff_table_text(now->findings, i, 0),
                      ff_table_text(now->findings, i, ff_table_find(now->findings, "status")));
    for (int i = 0; i < ff_table_rows(now->layers); i++)
        ff_buf_printf(&b, "%.17g\n", ff_table_real(now->layers, i, ff_table_find(now->layers, "isolated")));
    ff_snapshot_unref(now);
    return ff_buf_steal(&b);
}

static void test_resume(void **state)
{
    (void)state;
    unlink(path);
    ff_session_options o = session_case_options(path);
    ff_session *s = session_case_open(&o);
    session_case_do(s, FF_JOB_STEP);
    session_case_do(s, FF_JOB_REJECT);
    char *before = proposals_of(s);
    ff_session_close(s);
    /* The path alone is enough. */
    ff_session_options again = {.path = path};
    s = session_case_open(&again);
    char *after = proposals_of(s);
    assert_string_equal(before, after);
    ff_session_close(s);
    free(before);
    free(after);
    /* Also when the models are gone: the session has their bytes. */
    const char *target = o.target;
    char *away = ff_asprintf("%s.away", target);
    assert_int_equal(rename(target, away), 0);
    s = session_case_open(&again);
    session_case_do(s, FF_JOB_REPAIR);
    assert_int_equal(session_case_wrong(s), 0);
    ff_session_close(s);
    assert_int_equal(rename(away, target), 0);
    free(away);
}

static void expect_load(const ff_session_options *o, int code, const char *about)
{
    ff_session *s;
    assert_int_equal(ff_session_open(o, &s), FF_OK);
    assert_int_equal(ff_session_wait(s, 1), code);
    if (!strstr(ff_error(), about))
        fail_msg("'%s' does not say '%s'", ff_error(), about);
    ff_session_close(s);
}

static void test_refusals(void **state)
{
    (void)state;
    unlink(path);
    ff_session_options o = session_case_options(path);
    ff_session *s = session_case_open(&o);
    ff_session *second;
    /* One process may hold it once. */
    pid_t child = fork();
    if (child == 0)
        _exit(ff_session_open(&o, &second) == FF_ERR_INPUT ? 0 : 1);
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    ff_session_close(s);
    ff_session_options other = o;
    other.target = o.source;
    expect_load(&other, FF_ERR_INPUT, "another Target");
    other = o;
    other.source_pre = "torch";
    expect_load(&other, FF_ERR_USAGE, "--source-pre");
    other = o;
    other.images = o.validate;
    expect_load(&other, FF_ERR_USAGE, "images");
    other = session_case_options(NULL);
    other.images = "/nonexistent";
    expect_load(&other, FF_ERR_INPUT, "nonexistent");
    other = session_case_options(NULL);
    other.target = o.images;
    expect_load(&other, FF_ERR_INPUT, "photos.txt");
}

/* Cells of every table flipped one after the other: a clear error or a session that works. */
static void test_hostile(void **state)
{
    (void)state;
    unlink(path);
    ff_session_options o = session_case_options(path);
    ff_session *s = session_case_open(&o);
    session_case_do(s, FF_JOB_STEP);
    ff_session_close(s);
    char *data;
    size_t size;
    assert_int_equal(ff_read_file(path, 1 << 30, &data, &size), FF_OK);
    ff_rng rng = {.state = 77};
    for (int i = 0; i < 60; i++) {
        char *copy = ff_alloc(size);
        memcpy(copy, data, size);
        for (int k = 0; k < 8; k++)
            copy[100 + ff_rng_below(&rng, size - 100)] ^= (char)(1 << ff_rng_below(&rng, 8));
        assert_int_equal(ff_write_file(path, copy, size, true), FF_OK);
        free(copy);
        ff_session_options again = {.path = path};
        int code = ff_session_open(&again, &s);
        if (code == FF_OK) {
            code = ff_session_wait(s, 1);
            ff_session_close(s);
        }
        if (code)
            assert_null(strchr(ff_error(), '\n'));
        assert_true(code == FF_OK || code == FF_ERR_INPUT || code == FF_ERR_USAGE || code == FF_ERR_GRAPH ||
                    code == FF_ERR_UNSUPPORTED);
    }
    free(data);
}

static void test_cancel(void **state)
{
    (void)state;
    ff_session_options o = session_case_options(NULL);
    ff_session *s = session_case_open(&o);
    int64_t a = ff_session_post(s, &(ff_request){.kind = FF_JOB_REPAIR});
    int64_t b = ff_session_post(s, &(ff_request){.kind = FF_JOB_VALIDATE});
    ff_session_cancel(s, true);
    int code = ff_session_wait(s, a);
    assert_true(code == FF_ERR_CANCELLED || code == FF_OK);
    assert_int_equal(ff_session_wait(s, b), FF_ERR_CANCELLED);
    session_case_do(s, FF_JOB_REPAIR); /* goes on */
    assert_int_equal(session_case_wrong(s), 0);
    ff_session_close(s);
}

static int set_up(void **state)
{
    int rc = session_case_set_up(state);
    path = session_case_path("case.fetafix");
    return rc;
}

static int tear_down(void **state)
{
    free(path);
    return session_case_tear_down(state);
}

/* How many layers have a value in a column. */
static int scored(ff_session *s, const char *column)
{
    const ff_snapshot *now = ff_session_snapshot(s);
    int n = 0, at = ff_table_find(now->layers, column);
    for (int i = 0; i < ff_table_rows(now->layers); i++)
        n += !ff_table_empty(now->layers, i, at);
    ff_snapshot_unref(now);
    return n;
}

/* Layers are scored again where the Target is not as it came; the causal column on demand. */
static void test_measure(void **state)
{
    (void)state;
    ff_session_options o = session_case_options(NULL);
    ff_session *s = session_case_open(&o);
    assert_int_equal(session_case_run(s, (ff_request){.kind = FF_JOB_MEASURE}), FF_ERR_USAGE);
    int layers = scored(s, "entire");
    assert_true(layers > 1);
    assert_int_equal(scored(s, "causal"), 0);
    assert_int_equal(session_case_run(s, (ff_request){.kind = FF_JOB_MEASURE, .number = 1}), FF_OK);
    assert_true(scored(s, "causal") > 0);
    assert_int_equal(scored(s, "entire_now"), 0);
    session_case_do(s, FF_JOB_REPAIR);
    assert_int_equal(session_case_run(s, (ff_request){.kind = FF_JOB_MEASURE}), FF_OK);
    assert_int_equal(scored(s, "entire_now"), layers);
    const ff_snapshot *now = ff_session_snapshot(s);
    for (int i = 0; i < layers; i++) { /* nothing is left of what was off */
        assert_true(ff_table_real(now->layers, i, ff_table_find(now->layers, "entire")) > 1e-3);
        assert_true(ff_table_real(now->layers, i, ff_table_find(now->layers, "entire_now")) < 1e-5);
    }
    ff_snapshot_unref(now);
    session_case_do(s, FF_JOB_UNDO);
    assert_int_equal(scored(s, "entire_now"), 0);
    ff_session_close(s);
}

/* Where the models part is known of the Target as it came, and found out for any state on demand. */
static void test_bisect(void **state)
{
    (void)state;
    ff_session_options o = session_case_options(NULL);
    ff_session *s = session_case_open(&o);
    session_case_do(s, FF_JOB_LOCALIZE);
    const ff_snapshot *now = ff_session_snapshot(s);
    assert_string_equal(now->parting, now->divergence);
    assert_true(now->parting_pair >= 0);
    ff_snapshot_unref(now);
    session_case_do(s, FF_JOB_REPAIR);
    now = ff_session_snapshot(s);
    assert_null(now->parting);
    ff_snapshot_unref(now);
    session_case_do(s, FF_JOB_BISECT);
    now = ff_session_snapshot(s);
    assert_string_equal(now->parting, "nowhere: the outputs agree");
    assert_int_equal(now->parting_pair, -1);
    assert_non_null(now->divergence);
    ff_snapshot_unref(now);
    session_case_do(s, FF_JOB_UNDO);
    now = ff_session_snapshot(s);
    assert_null(now->parting); /* another state */
    ff_snapshot_unref(now);
    ff_session_close(s);
}

/* What each kind of job is called, and that labels are written by the engine: in its turn, never beside a step. */
static void test_jobs(void **state)
{
    (void)state;
    for (int i = 0; i < FF_JOB_KINDS; i++) {
        assert_string_not_equal(ff_job((ff_job_kind)i)->doing, "working");
        const char *command = ff_job((ff_job_kind)i)->command;
        assert_true(!command || ff_job_of_command(command) == (ff_job_kind)i);
    }
    assert_int_equal(ff_job_of_command("no such command"), FF_JOB_KINDS);

    ff_session_options o = session_case_options(NULL);
    ff_session *s = session_case_open(&o);
    char *before = session_case_path("before.csv"), *after = session_case_path("after.csv");
    int64_t first = ff_session_post(s, &(ff_request){.kind = FF_JOB_LABELS, .path = before});
    int64_t step = ff_session_post(s, &(ff_request){.kind = FF_JOB_STEP});
    int64_t last = ff_session_post(s, &(ff_request){.kind = FF_JOB_LABELS, .path = after});
    assert_int_equal(ff_session_wait(s, last), FF_OK);
    assert_int_equal(ff_session_wait(s, step), FF_OK);
    assert_int_equal(ff_session_wait(s, first), FF_OK);
    assert_int_equal(session_case_run(s, (ff_request){.kind = FF_JOB_LABELS, .path = after}),
                     FF_ERR_USAGE); /* is there */
    assert_int_equal(session_case_run(s, (ff_request){.kind = FF_JOB_LABELS}), FF_ERR_USAGE);
    char *a, *b;
    size_t a_size, b_size;
    assert_int_equal(ff_read_file(before, 1 << 20, &a, &a_size), FF_OK);
    assert_int_equal(ff_read_file(after, 1 << 20, &b, &b_size), FF_OK);
    assert_true(a_size > 60 && b_size > 60);
    assert_true(a_size != b_size || memcmp(a, b, a_size) != 0); /* a step lies between */
    free(a);
    free(b);
    ff_session_close(s);
    free(before);
    free(after);
}

/* Who only looks is served between the trials of a search, not after it. */
static void test_looks(void **state)
{
    (void)state;
    ff_session_options o = session_case_options(NULL);
    ff_session *s = session_case_open(&o);
    int64_t repair = ff_session_post(s, &(ff_request){.kind = FF_JOB_REPAIR});
    int64_t picture = ff_session_post(s, &(ff_request){.kind = FF_JOB_PICTURE, .number = 1, .other = 2});
    int64_t detail = ff_session_post(s, &(ff_request){.kind = FF_JOB_DETAIL, .number = 0});
    assert_int_equal(ff_session_wait(s, detail), FF_OK);
    assert_int_equal(ff_session_wait(s, repair), FF_OK);
    assert_int_equal(ff_session_wait(s, picture), FF_OK);
    int64_t ended[3] = {0};
    int n = 0;
    ff_event e;
    while (n < 3) { /* the last one is told after who waits for it went on */
        struct pollfd p = {.fd = ff_session_fd(s), .events = POLLIN};
        assert_true(poll(&p, 1, 60000) > 0);
        while (n < 3 && ff_session_poll_event(s, &e)) {
            if (e.type == FF_EVENT_DONE && e.kind != FF_JOB_LOAD)
                ended[n++] = e.job;
            ff_event_finish(&e);
        }
    }
    assert_int_equal(ended[0], picture);
    assert_int_equal(ended[1], detail);
    assert_int_equal(ended[2], repair);
    assert_int_equal(session_case_wrong(s), 0);
    ff_session_close(s);
}

/* The first proposal that nobody tried and that was not judged, or NULL; `rejected` counts those that were. */
static char *unjudged(ff_session *s, int *rejected)
{
    const ff_snapshot *now = ff_session_snapshot(s);
    const ff_table *t = now->proposals;
    char *id = NULL;
    *rejected = 0;
    for (int i = 0; i < ff_table_rows(t); i++) {
        const char *status = ff_table_text(t, i, ff_table_find(t, "status"));
        *rejected += strcmp(status, "rejected") == 0;
        if (strcmp(status, "untried") == 0 && !id)
            id = ff_strdup(ff_table_text(t, i, ff_table_find(t, "id")));
    }
    ff_snapshot_unref(now);
    return id;
}

/* While nobody asks for anything, all that may be tried next is judged: the search for a preprocessing too, which stands
 * last, however many were rejected before it. */
static void test_speculation(void **state)
{
    (void)state;
    ff_session_options o = session_case_options(NULL);
    o.speculate = true;
    ff_session *s = session_case_open(&o);
    session_case_do(s, FF_JOB_LOCALIZE);
    for (int rejected = 0; rejected < 4;) {
        char *left;
        while ((left = unjudged(s, &rejected))) {
            free(left);
            struct pollfd p = {.fd = ff_session_fd(s), .events = POLLIN};
            assert_true(poll(&p, 1, 60000) > 0);
            ff_event e;
            while (ff_session_poll_event(s, &e))
                ff_event_finish(&e);
        }
        session_case_do(s, FF_JOB_REJECT);
    }
    ff_session_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_repair),      cmocka_unit_test(test_history), cmocka_unit_test(test_resume),
        cmocka_unit_test(test_refusals),    cmocka_unit_test(test_hostile), cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_jobs),        cmocka_unit_test(test_looks),   cmocka_unit_test(test_measure),
        cmocka_unit_test(test_speculation), cmocka_unit_test(test_bisect),
    };
    return cmocka_run_group_tests_name("case", tests, set_up, tear_down);
}
