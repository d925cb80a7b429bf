/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Real networks against the outputs that are given with them; skipped where there are none. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>
#include <cmocka.h>

#include "graph.h"

static const char *const cases[] = {
    "dev1_pp_torch_to_tf",    "dev2_wb_tf_to_tflite",       "dev3_pp_id_tss_torch_to_keras",
    "dev4_equivalences_only", "dev5_cg_lh_tflite_to_keras", "dev6_opset_separate_weights",
};

static char *path_of(const char *one, const char *file)
{
    const char *root = getenv("FETAFIX_DATA");

    return ff_asprintf("%s/cases/%s/%s", root && *root ? root : TEST_DATA, one, file);
}

/* Little-endian floats; count in *n. */
static float *floats(const char *one, const char *format, const char *side, size_t *n)
{
    char file[64], *data = NULL;

    snprintf(file, sizeof file, format, side);
    char *path = path_of(one, file);
    if (ff_read_file(path, 1 << 28, &data, n) != FF_OK)
        fail_msg("%s", ff_error());
    free(path);
    *n /= sizeof(float);
    return (float *)data;
}

static double worst(const ff_tensor *t, const float *want)
{
    double most = 0, scale = 0;

    for (int64_t i = 0; i < t->count; i++) {
        most = fmax(most, fabs((double)((float *)t->data)[i] - want[i]));
        scale = fmax(scale, fabs((double)want[i]));
    }
    return most / scale;
}

static void one_model(const char *one, const char *file, const char *in, const char *out)
{
    char *path = path_of(one, file);
    ff_model *m;
    ff_store *store = ff_store_create(8 << 20);
    size_t n_in, n_out;
    float *given = floats(one, "ref_%s_in_first2.f32", in, &n_in),
          *want = floats(one, "ref_%s_out_first4.f32", out, &n_out);

    if (ff_model_load(path, &m) != FF_OK)
        fail_msg("%s", ff_error());
    ff_plan *score;
    assert_int_equal(ff_plan_create(m, NULL, &score), FF_OK);
    ff_store_choose(store, score, 2);
    ff_tensor *x, *first[2] = {0};
    const ff_shape *s = ff_plan_input_shape(score, 0);
    assert_int_equal(ff_tensor_create(FF_FLOAT, s->rank, s->dims, &x), FF_OK);
    assert_int_equal(x->count * 2, n_in);
    /* Score, score again from the checkpoints, observe, reference (one image: it takes its time).
     */
    for (int kind = 0; kind < 4; kind++) {
        ff_plan_options o = {.observe = kind == 2, .reference = kind == 3};
        ff_plan *p;
        ff_runner *r;
        if (ff_plan_create(m, &o, &p) != FF_OK)
            fail_msg("%s", ff_error());
        assert_int_equal(ff_runner_create(p, &r), FF_OK);
        for (int i = 0; i < (kind == 3 ? 1 : 2); i++) {
            const ff_tensor *feed = x;
            ff_tensor *y;
            memcpy(x->data, given + i * x->count, x->bytes);
            if (ff_run(r, &feed, NULL, kind < 2 ? store : NULL, i, &y) != FF_OK)
                fail_msg("%s", ff_error());
            assert_int_equal(y->count * 4, n_out);
            double error = worst(y, want + i * y->count);
            if (!(error < 2e-5))
                fail_msg("%s/%s image %d: %g off", one, file, i, error);
            if (kind == 0)
                first[i] = ff_tensor_ref(y);
            else if (kind < 3)
                assert_true(ff_tensor_equal(first[i], y));
            ff_tensor_unref(y);
        }
        if (kind == 1) /* nothing was left to do but the end */
            assert_true(ff_runner_flops(r) < ff_plan_flops(p));
        ff_runner_destroy(r);
        ff_plan_unref(p);
    }
    ff_tensor_unref(first[0]);
    ff_tensor_unref(first[1]);
    ff_tensor_unref(x);
    ff_plan_unref(score);
    ff_store_destroy(store);
    ff_model_unref(m);
    free(given);
    free(want);
    free(path);
}

static void test_outputs(void **state)
{
    for (size_t i = 0; i < FF_COUNT(cases); i++) {
        char *path = path_of(cases[i], "source.onnx");
        bool there = access(path, R_OK) == 0;
        free(path);
        if (!there)
            skip();
        one_model(cases[i], "source.onnx", "source", "src");
        one_model(cases[i], "target.onnx", "target", "tgt");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_outputs)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
