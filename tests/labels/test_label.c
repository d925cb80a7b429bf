/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Real models run over photographs: the labels and outputs that ONNX Runtime gives. */
#include "fetafix/labels.h"
#include "images/real.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define SPEC_128 "size=128x128 resize=bilinear antialias=off order=rgb scale=128 mean=1 std=1"

enum { WORKERS = 2 };

typedef struct bench {
    ff_model *model;
    ff_plan *plan;
    ff_dataset *set;
    ff_feed *feed;
    ff_pool *pool;
    ff_runner *runners[WORKERS];
} bench;

static bool bench_init(bench *b, const char *model)
{
    const char *real = real_data();
    ff_pre p;
    if (!real)
        return false;
    char *path = ff_asprintf("%s/cases/dev4_equivalences_only/%s", real, model);
    char *list = ff_asprintf("%s/cases/dev4_equivalences_only/images.txt", real);
    ff_plan_options o = {0};
    assert_int_equal(ff_model_load(path, &b->model), FF_OK);
    assert_int_equal(ff_dataset_open(list, 0, &b->set), FF_OK);
    if (ff_plan_create(b->model, &o, &b->plan) != FF_OK)
        fail_msg("%s: %s", path, ff_error());
    assert_int_equal(ff_pre_parse(SPEC_128, &p), FF_OK);
    assert_int_equal(ff_feed_create(b->set, &p, ff_plan_input_shape(b->plan, 0), 1 << 28, &b->feed), FF_OK);
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(ff_runner_create(b->plan, &b->runners[i]), FF_OK);
    b->pool = ff_pool_create(WORKERS, NULL);
    free(path);
    free(list);
    return true;
}

static void bench_finish(bench *b)
{
    for (int i = 0; i < WORKERS; i++)
        ff_runner_destroy(b->runners[i]);
    ff_pool_destroy(b->pool);
    ff_feed_destroy(b->feed);
    ff_dataset_destroy(b->set);
    ff_plan_unref(b->plan);
    ff_model_unref(b->model);
}

static void labels_of_onnx_runtime(void **state)
{
    bench b = {0};
    (void)state;
    if (!bench_init(&b, "source.onnx"))
        skip();
    ff_progress progress = {.total = 0};
    ff_task task = {b.pool, NULL, &progress};
    ff_labels *l = ff_labels_create(ff_dataset_count(b.set));
    assert_int_equal(l->at[0].top[0], FF_LABEL_UNKNOWN);
    if (ff_label_run(b.runners, b.feed, NULL, 0, NULL, true, &task, l) != FF_OK)
        fail_msg("%s", ff_error());
    assert_true(progress.done == 150 && l->width == 1001 && !l->error);

    char *path = ff_asprintf("%s/cases/dev4_equivalences_only/labels.csv", real_data()), *text, *rest = NULL;
    size_t size;
    assert_int_equal(ff_read_file(path, 1 << 20, &text, &size), FF_OK);
    free(path);
    strtok_r(text, "\n", &rest);
    for (int i = 0; i < 150; i++) {
        char *line = strtok_r(NULL, "\n", &rest), *comma = strchr(strchr(line, ',') + 1, ',');
        int top1 = atoi(comma + 1);
        double margin;
        assert_int_equal(sscanf(comma, ",%*d,%*d,%*d,%*d,%*d,%lf", &margin), 1);
        assert_int_equal(l->at[i].top[0], top1);
        assert_true(fabs(l->at[i].margin - margin) < 1e-3 * (1 + margin));
    }
    free(text);

    path = ff_asprintf("%s/cases/dev4_equivalences_only/ref_src_out_first4.f32", real_data());
    assert_int_equal(ff_read_file(path, 1 << 20, &text, &size), FF_OK);
    free(path);
    assert_int_equal(size, 4 * 1001 * 4);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 1001; k++)
            assert_true(fabsf(((float *)text)[i * 1001 + k] - l->at[i].output[k]) < 1e-3f);
    free(text);
    ff_labels_destroy(l);
    bench_finish(&b);
}

/* The same bits alone or with others, in any order, with one worker or two. */
static void results_do_not_depend_on_the_run(void **state)
{
    bench b = {0};
    int some[] = {17, 3, 99};
    (void)state;
    if (!bench_init(&b, "target.onnx"))
        skip();
    ff_task two = {b.pool, NULL, NULL};
    ff_labels *a = ff_labels_create(150), *c = ff_labels_create(150);
    assert_int_equal(ff_label_run(b.runners, b.feed, some, 3, NULL, true, &two, a), FF_OK);
    assert_int_equal(ff_label_run(b.runners, b.feed, some + 1, 2, NULL, true, NULL, c), FF_OK);
    assert_int_equal(a->at[0].top[0], FF_LABEL_UNKNOWN);
    for (int i = 1; i < 3; i++) {
        const ff_label *x = &a->at[some[i]], *y = &c->at[some[i]];
        assert_memory_equal(x->top, y->top, sizeof x->top);
        assert_memory_equal(x->output, y->output, 1001 * sizeof(float));
    }
    assert_int_equal(ff_labels_wrong(a, c, 0), 0);
    ff_cancel cancel = {true};
    ff_task stop = {b.pool, &cancel, NULL};
    assert_int_equal(ff_label_run(b.runners, b.feed, NULL, 0, NULL, false, &stop, a), FF_ERR_CANCELLED);
    ff_labels_destroy(a);
    ff_labels_destroy(c);
    bench_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_of_onnx_runtime),
        cmocka_unit_test(results_do_not_depend_on_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
