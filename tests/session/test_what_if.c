/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edits of one's own: counted, kept, dropped, resumed; pictures of activations; jobs that are cancelled one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include "session_case.h"

static int try_edit(ff_session *s, int pair, const char *words)
{
    return session_case_run(s, (ff_request){.kind = FF_JOB_WHAT_IF, .number = pair, .id = words});
}

/* What the edit that is looked at leaves wrong; the test fails when there is none. */
static int looked_at(ff_session *s, bool keepable)
{
    const ff_snapshot *now = ff_session_snapshot(s);
    assert_non_null(now->what_if.summary);
    assert_int_equal(now->what_if.keepable, keepable);
    assert_int_equal(now->what_if.wrong, now->wrong - now->what_if.fixed + now->what_if.broken);
    int wrong = now->what_if.wrong;
    ff_snapshot_unref(now);
    return wrong;
}

/* The Target as it is now counts the same from its file, in a case of its own. */
static void check_saved(ff_session *s, const char *pre)
{
    char *file = session_case_path("edited.onnx");
    int wrong = session_case_wrong(s);
    if (session_case_run(s, (ff_request){.kind = FF_JOB_SAVE, .path = file, .force = true}))
        fail_msg("%s", ff_error());
    ff_session_options o = session_case_options(NULL);
    o.target = file;
    o.target_pre = pre;
    ff_session *fresh = session_case_open(&o);
    assert_int_equal(session_case_wrong(fresh), wrong);
    ff_session_close(fresh);
    free(file);
}

static void test_attribute(void **state)
{
    (void)state;
    ff_session_options o = session_case_options(NULL);
    ff_session *s = session_case_open(&o);
    session_case_do(s, FF_JOB_LOCALIZE);
    int initial = session_case_wrong(s);
    assert_int_equal(try_edit(s, 0, "pads=0,0,1,1"), FF_OK);
    int tried = looked_at(s, true);
    assert_true(tried > initial);
    assert_int_equal(session_case_wrong(s), initial); /* nothing was changed yet */
    session_case_do(s, FF_JOB_KEEP);
    assert_int_equal(session_case_wrong(s), tried);
    assert_int_equal(session_case_state(s), 1);
    check_saved(s, o.target_pre);
    const ff_snapshot *now = ff_session_snapshot(s);
    assert_null(now->what_if.summary);
    bool found = false; /* it is a fault now, as any other */
    for (int i = 0; i < ff_table_rows(now->findings); i++)
        found = found || strstr(ff_table_text(now->findings, i, ff_table_find(now->findings, "summary")), "pads");
    assert_true(found);
    ff_snapshot_unref(now);
    session_case_do(s, FF_JOB_REPAIR); /* the search goes on from there, and undoes what was broken */
    assert_int_equal(session_case_wrong(s), 0);
    ff_session_close(s);
}

static void test_weights_and_inject(void **state)
{
    (void)state;
    ff_session_options o = session_case_options(NULL);
    ff_session *s = session_case_open(&o);
    session_case_do(s, FF_JOB_LOCALIZE);
    assert_int_equal(try_edit(s, 0, "weights"), FF_OK);
    int swapped = looked_at(s, true);
    /* The first layer reads the same as the Source's: its weights or its activation are one thing. */
    assert_int_equal(try_edit(s, 0, "inject"), FF_OK);
    assert_int_equal(looked_at(s, false), swapped);
    assert_int_equal(session_case_run(s, (ff_request){.kind = FF_JOB_KEEP}), FF_ERR_USAGE);
    assert_int_equal(try_edit(s, 14, "inject"), FF_OK); /* the Source's answers */
    assert_int_equal(looked_at(s, false), 0);
    session_case_do(s, FF_JOB_DROP);
    assert_int_equal(session_case_run(s, (ff_request){.kind = FF_JOB_DROP}), FF_ERR_USAGE);
    assert_int_equal(session_case_run(s, (ff_request){.kind = FF_JOB_KEEP}), FF_ERR_USAGE);
    ff_request force = {.kind = FF_JOB_ACCEPT, .id = "WB:Conv_0/weight", .force = true};
    if (session_case_run(s, force))
        fail_msg("%s", ff_error());
    assert_int_equal(session_case_wrong(s), swapped);
    ff_session_close(s);
}

static void test_preprocessing(void **state)
{
    (void)state;
    ff_session_options o = session_case_options(NULL);
    ff_session *s = session_case_open(&o);
    assert_int_equal(try_edit(s, -1, "order=bgr scale=255"), FF_OK); /* localises by itself */
    int tried = looked_at(s, true);
    session_case_do(s, FF_JOB_KEEP);
    assert_int_equal(session_case_wrong(s), tried);
    const ff_snapshot *now = ff_session_snapshot(s);
    assert_non_null(now->target_pre_repaired);
    char *pre = ff_strdup(now->target_pre_repaired);
    ff_snapshot_unref(now);
    assert_non_null(strstr(pre, "order=bgr scale=255"));
    check_saved(s, pre);
    free(pre);
    ff_session_close(s);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        int pair;
        const char *words, *says;
    } wrong[] = {
        {0, "pads=1,2,3", "4 numbers"}, {0, "pads=a", "whole numbers"}, {0, "colour=red", "no attribute"},
        {0, "", "NAME=VALUE"},          {0, "=3", "NAME=VALUE"},        {99, "weights", "no pair"},
        {99, "inject", "no pair"},      {-1, "scale=zero", "scale"},    {1, "weights", "no weights"},
        {0, "group=5", NULL},           {0, "strides=0", NULL},
    };
    ff_session_options o = session_case_options(NULL);
    ff_session *s = session_case_open(&o);
    session_case_do(s, FF_JOB_LOCALIZE);
    for (size_t i = 0; i < FF_COUNT(wrong); i++) {
        int code = try_edit(s, wrong[i].pair, wrong[i].words);
        if (wrong[i].says) {
            assert_int_equal(code, FF_ERR_USAGE);
            assert_non_null(strstr(ff_error(), wrong[i].says));
            continue;
        }
        assert_int_equal(code, FF_OK); /* an edit, but not of a model that runs */
        const ff_snapshot *now = ff_session_snapshot(s);
        assert_int_equal(now->what_if.wrong, -1);
        assert_false(now->what_if.keepable);
        assert_true(*now->what_if.verdict);
        ff_snapshot_unref(now);
        assert_int_equal(session_case_run(s, (ff_request){.kind = FF_JOB_KEEP}), FF_ERR_USAGE);
    }
    ff_session_close(s);
}

/* Kept, undone, taken up from the file and finished: as if it had never been left. */
static void test_resume(void **state)
{
    (void)state;
    char *path = session_case_path("kept.fetafix");
    ff_session_options o = session_case_options(path);
    ff_session *s = session_case_open(&o);
    session_case_do(s, FF_JOB_STEP);
    assert_int_equal(try_edit(s, 2, "pads=2,0,0,2"), FF_OK);
    int tried = looked_at(s, true);
    session_case_do(s, FF_JOB_KEEP);
    session_case_do(s, FF_JOB_UNDO);
    session_case_do(s, FF_JOB_REDO);
    session_case_do(s, FF_JOB_STEP);
    int stepped = session_case_wrong(s);
    assert_true(stepped < tried);
    ff_session_close(s);
    s = session_case_open(&(ff_session_options){.path = path});
    assert_int_equal(session_case_wrong(s), stepped);
    assert_int_equal(session_case_state(s), 3);
    session_case_do(s, FF_JOB_REPAIR);
    assert_int_equal(session_case_wrong(s), 0);
    ff_session_close(s);
    free(path);
}

/* Moving away drops what was looked at: it was counted for another state. */
static void test_moves(void **state)
{
    (void)state;
    ff_session_options o = session_case_options(NULL);
    ff_session *s = session_case_open(&o);
    session_case_do(s, FF_JOB_LOCALIZE);
    assert_int_equal(try_edit(s, 0, "weights"), FF_OK);
    looked_at(s, true);
    session_case_do(s, FF_JOB_STEP);
    const ff_snapshot *now = ff_session_snapshot(s);
    assert_null(now->what_if.summary);
    ff_snapshot_unref(now);
    ff_session_close(s);
}

static void test_picture(void **state)
{
    (void)state;
    ff_session_options o = session_case_options(NULL);
    ff_session *s = session_case_open(&o);
    session_case_do(s, FF_JOB_LOCALIZE);
    ff_request r = {.kind = FF_JOB_PICTURE, .number = 0, .other = 3};
    assert_null(ff_session_picture(s, 0, 3));
    if (session_case_run(s, r))
        fail_msg("%s", ff_error());
    const ff_picture *p = ff_session_picture(s, 0, 3);
    assert_non_null(p);
    assert_in_range(p->width, 1, FF_THUMB);
    assert_in_range(p->height, 1, FF_THUMB);
    assert_int_equal(p->channels, 12);
    assert_int_equal(p->rows * p->columns, 16 * 16);
    double most = 0;
    for (int c = 0; c < p->channels; c++)
        most = fmax(most, p->error[c]);
    assert_true(most > 0.01); /* weights are off by an eighth */
    ff_picture_unref(p);
    session_case_do(s, FF_JOB_REPAIR);
    assert_null(ff_session_picture(s, 0, 3)); /* it was of another state */
    if (session_case_run(s, r))
        fail_msg("%s", ff_error());
    p = ff_session_picture(s, 0, 3);
    for (int c = 0; c < p->channels; c++)
        assert_true(p->error[c] < 1e-6);
    assert_memory_equal(p->source, p->target, sizeof(float) * 12 * 16 * 16);
    ff_picture_unref(p);
    assert_int_equal(session_case_run(s, (ff_request){.kind = FF_JOB_PICTURE, .number = 0, .other = 60}), FF_ERR_USAGE);
    assert_int_equal(session_case_run(s, (ff_request){.kind = FF_JOB_PICTURE, .number = 99, .other = 0}), FF_ERR_USAGE);
    ff_session_close(s);
}

static void test_jobs(void **state)
{
    (void)state;
    ff_session_options o = session_case_options(NULL);
    ff_session *s;
    ff_job_info jobs[8];
    if (ff_session_open(&o, &s))
        fail_msg("%s", ff_error());
    int64_t first = ff_session_post(s, &(ff_request){.kind = FF_JOB_LOCALIZE});
    int64_t dropped = ff_session_post(s, &(ff_request){.kind = FF_JOB_REPAIR});
    int64_t last = ff_session_post(s, &(ff_request){.kind = FF_JOB_STEP});
    int n = ff_session_jobs(s, jobs, 8);
    assert_true(n >= 3); /* loading takes longer than this */
    assert_int_equal(jobs[n - 1].job, last);
    assert_int_equal(jobs[n - 2].kind, FF_JOB_REPAIR);
    assert_false(jobs[n - 1].running);
    ff_session_cancel_job(s, dropped);
    assert_int_equal(ff_session_wait(s, first), FF_OK);
    assert_int_equal(ff_session_wait(s, dropped), FF_ERR_CANCELLED);
    assert_int_equal(ff_session_wait(s, last), FF_OK);
    assert_int_equal(session_case_state(s), 1); /* one step, no repair to the end */
    assert_int_equal(ff_session_jobs(s, jobs, 8), 0);
    ff_session_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attribute),     cmocka_unit_test(test_weights_and_inject),
        cmocka_unit_test(test_preprocessing), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_resume),        cmocka_unit_test(test_moves),
        cmocka_unit_test(test_picture),       cmocka_unit_test(test_jobs),
    };
    return cmocka_run_group_tests(tests, session_case_set_up, session_case_tear_down);
}
