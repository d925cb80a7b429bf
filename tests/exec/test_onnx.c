/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The conformance models of ONNX (Debian package libonnx-testdata; skipped without) as plans: with
 * reference kernels the same bits as the interpreter, fast within rounding of it, observed or not,
 * and no disagreement about what can run at all.
 */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "fetafix/compute.h"
#include "fetafix/exec.h"

#define ROOT "/usr/share/libonnx-testdata/data"

enum { MANY = 64 };

static int compared, fast, refused;

static bool close_enough(const ff_tensor *a, const ff_tensor *b)
{
    double scale = 0;

    if (a->dtype != b->dtype || a->rank != b->rank || a->count != b->count ||
        memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims) != 0)
        return false;
    if (!ff_dtype_is_float(a->dtype))
        return a->dtype > FF_BFLOAT16 || ff_tensor_equal(a, b);
    for (int64_t i = 0; i < a->count; i++)
        if (isfinite(ff_tensor_get_real(b, i)))
            scale = fmax(scale, fabs(ff_tensor_get_real(b, i)));
    for (int64_t i = 0; i < a->count; i++) {
        double x = ff_tensor_get_real(a, i), y = ff_tensor_get_real(b, i);
        if (isnan(x) != isnan(y) || (x != y && fabs(x - y) > 1e-6 + 1e-5 * scale))
            return false;
    }
    return true;
}

static bool all_equal(ff_tensor *const *a, ff_tensor *const *b, int n)
{
    for (int i = 0; i < n; i++)
        if (!a[i] != !b[i] || (a[i] && !ff_tensor_equal(a[i], b[i])))
            return false;
    return true;
}

static void drop(ff_tensor **t)
{
    for (int i = 0; i < MANY; i++) {
        ff_tensor_unref(t[i]);
        t[i] = NULL;
    }
}

static int run(const ff_model *m, bool reference, bool observe, ff_tensor *const *in, ff_tensor **out)
{
    const ff_graph *g = ff_model_graph(m);
    ff_shape feeds[MANY] = {0};
    const char *outputs[MANY];
    ff_plan *p;
    ff_runner *r;

    for (int i = 0; i < g->n_inputs; i++) {
        feeds[i].dtype = in[i]->dtype;
        feeds[i].rank = in[i]->rank;
        memcpy(feeds[i].dims, in[i]->dims, sizeof feeds[i].dims);
    }
    for (int i = 0; i < g->n_outputs; i++)
        outputs[i] = g->outputs[i]->name;
    ff_plan_options o = {
        .reference = reference, .observe = observe, .feeds = feeds, .outputs = outputs, .n_outputs = g->n_outputs};
    int code = ff_plan_create(m, &o, &p);
    if (code != FF_OK)
        return code;
    code = ff_runner_create(p, &r);
    if (code == FF_OK) {
        code = ff_run(r, (const ff_tensor *const *)in, NULL, NULL, 0, out);
        ff_runner_destroy(r);
    }
    ff_plan_unref(p);
    return code;
}

static void one(const char *set, const char *test)
{
    char *folder = ff_asprintf("%s/%s/%s", ROOT, set, test);
    char *path = ff_path_join(folder, "model.onnx");
    ff_tensor *in[MANY] = {0}, *want[MANY] = {0}, *have[MANY] = {0};
    ff_model *m = NULL;
    int code = access(path, R_OK) == 0 ? ff_model_load(path, &m) : FF_ERR_INPUT;
    const ff_graph *g = code == FF_OK ? ff_model_graph(m) : NULL;
    bool usable = g && g->n_inputs <= MANY && g->n_outputs <= MANY;

    for (int i = 0; usable && i < g->n_inputs; i++) {
        char *pb = ff_asprintf("%s/test_data_set_0/input_%d.pb", folder, i);
        /* Sequences and the like are the kernels' own test's business. */
        usable = access(pb, R_OK) == 0 && ff_tensor_load_pb(pb, &in[i]) == FF_OK &&
                 in[i]->dtype == g->inputs[i]->declared.dtype;
        free(pb);
    }
    if (usable) {
        code = ff_interpret(g, (const ff_tensor *const *)in, NULL, NULL, want);
        for (int kind = 0; kind < 4; kind++) {
            int other = run(m, kind < 2, kind & 1, in, have);
            if ((code == FF_OK) != (other == FF_OK))
                fail_msg("%s/%s, kind %d: %d, the interpreter %d (%s)", set, test, kind, other, code, ff_error());
            refused += code != FF_OK;
            if (code == FF_OK && kind < 2 && !all_equal(have, want, g->n_outputs))
                fail_msg("%s/%s: not what the interpreter computes", set, test);
            for (int i = 0; code == FF_OK && kind >= 2 && i < g->n_outputs; i++)
                if (!close_enough(have[i], want[i]))
                    fail_msg("%s/%s, output %d, kind %d: too far from the reference", set, test, i, kind);
            compared += code == FF_OK;
            fast += code == FF_OK && kind >= 2 && !all_equal(have, want, g->n_outputs);
            drop(have);
        }
    }
    drop(in);
    drop(want);
    ff_model_unref(m);
    free(path);
    free(folder);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void test_conformance(void **state)
{
    static const char *const sets[] = {"node", "pytorch-converted", "pytorch-operator", "simple"};

    if (access(ROOT, R_OK) != 0)
        skip();
    for (size_t i = 0; i < FF_COUNT(sets); i++) {
        char *folder = ff_path_join(ROOT, sets[i]);
        struct dirent **entries;
        int n = scandir(folder, &entries, NULL, by_name);
        for (int k = 0; k < n; k++) {
            /* Random values are drawn anew for each plan where no seed is given. */
            if (entries[k]->d_name[0] != '.')
                one(sets[i], entries[k]->d_name);
            free(entries[k]);
        }
        if (n >= 0)
            free(entries);
        free(folder);
    }
    assert_true(compared > 2000);
    assert_true(fast > 20); /* some do differ in the last bits: the fast path was taken */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_conformance)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
