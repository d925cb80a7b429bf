/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Operator facts, and shape inference against the official node tests. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fetafix/model.h"
#include "support.h"

#define MAX_IO 64

static int n_known, n_open, n_unknown_op, n_failed;

static int load_all(const char *folder, const char *kind, ff_tensor **t)
{
    int n = 0;

    for (; n < MAX_IO; n++) {
        char *path = ff_asprintf("%s/test_data_set_0/%s_%d.pb", folder, kind, n);
        int code = access(path, R_OK) == 0 ? ff_tensor_load_pb(path, &t[n]) : FF_ERR_INPUT;
        free(path);
        if (code)
            break;
    }
    return n;
}

static void compare(const char *name, const ff_shape *s, const ff_tensor *t)
{
    bool known = s->rank >= 0;

    /* The expected bfloat16 outputs are stored as uint16. */
    bool stored = s->dtype == FF_BFLOAT16 && t->dtype == FF_UINT16;
    if (s->dtype != FF_UNDEFINED && s->dtype != t->dtype && !stored) {
        print_error("%s: type %s, not %s\n", name, ff_dtype_name(s->dtype), ff_dtype_name(t->dtype));
        n_failed++;
    }
    if (s->rank >= 0 && s->rank != t->rank) {
        print_error("%s: rank %d, not %d\n", name, s->rank, t->rank);
        n_failed++;
        return;
    }
    for (int i = 0; i < s->rank; i++) {
        known &= s->dims[i] >= 0;
        if (s->dims[i] >= 0 && s->dims[i] != t->dims[i]) {
            print_error("%s: dimension %d is %lld, not %lld\n", name, i, (long long)s->dims[i], (long long)t->dims[i]);
            n_failed++;
        }
    }
    n_known += known;
    n_open += !known;
}

static void check_case(const char *folder, const char *name)
{
    ff_tensor *feed[MAX_IO] = {0}, *want[MAX_IO] = {0};
    ff_shape in[MAX_IO] = {0}, out[MAX_IO];
    const ff_tensor *data[MAX_IO] = {0};
    char *path = ff_path_join(folder, "model.onnx");
    ff_model *m = NULL;

    if (ff_model_load(path, &m))
        fail_msg("%s", ff_error());
    free(path);
    const ff_graph *g = ff_model_graph(m);
    const ff_node *n = g->nodes[0];
    const ff_op *op = g->n_nodes == 1 ? ff_op_find(n->domain, n->op, n->opset) : NULL;
    n_unknown_op += g->n_nodes == 1 && op == NULL && n->domain[0] == '\0';
    if (g->n_nodes == 1 && op == NULL && n->domain[0] == '\0')
        print_message("%s: %s-%d is not in the table\n", name, n->op, n->opset);
    int n_feed = op && op->infer ? load_all(folder, "input", feed) : 0;
    int n_want = op && op->infer ? load_all(folder, "output", want) : 0;
    if (op != NULL && op->infer != NULL && n_feed == g->n_inputs && n_want == g->n_outputs) {
        for (int i = 0; i < n->n_inputs; i++)
            for (int j = 0; j < n_feed; j++)
                if (n->inputs[i] == g->inputs[j]) {
                    data[i] = feed[j];
                    in[i].dtype = feed[j]->dtype;
                    in[i].rank = feed[j]->rank;
                    memcpy(in[i].dims, feed[j]->dims, sizeof in[i].dims);
                }
        for (int i = 0; i < n->n_outputs; i++)
            out[i] = (ff_shape){.rank = -1};
        assert_true(n->n_inputs >= op->min_inputs);
        assert_true(op->max_inputs < 0 || n->n_inputs <= op->max_inputs);
        ff_infer c = {n, n->n_inputs, n->n_outputs, in, data, out};
        if (op->infer(&c)) {
            print_error("%s: %s\n", name, ff_error());
            n_failed++;
        } else {
            for (int i = 0; i < n->n_outputs; i++)
                for (int j = 0; j < n_want; j++)
                    if (n->outputs[i] == g->outputs[j])
                        compare(name, &out[i], want[j]);
        }
        if (g->n_nodes == 1) { /* with nothing known but the declaration it must not fail either */
            ff_shape *shapes = ff_alloc_array((size_t)ff_model_values(m), sizeof *shapes);
            if (ff_model_infer(m, NULL, shapes)) {
                print_error("%s: declared: %s\n", name, ff_error());
                n_failed++;
            }
            free(shapes);
        }
    }
    for (int i = 0; i < MAX_IO; i++) {
        ff_tensor_unref(feed[i]);
        ff_tensor_unref(want[i]);
    }
    ff_model_unref(m);
}

static void test_official_nodes(void **state)
{
    char *folder = test_onnx_data("node");
    struct dirent *e;

    if (folder == NULL)
        skip();
    DIR *d = opendir(folder);
    while ((e = readdir(d)) != NULL)
        if (strncmp(e->d_name, "test_", 5) == 0) {
            char *path = ff_path_join(folder, e->d_name);
            check_case(path, e->d_name);
            free(path);
        }
    closedir(d);
    free(folder);
    print_message("%d outputs known, %d depend on data, %d operators unknown, %d failed\n", n_known, n_open,
                  n_unknown_op, n_failed);
    assert_int_equal(n_failed, 0);
    assert_int_equal(n_unknown_op, 0);
    assert_true(n_known > 600);
}

/* Real networks: every value of a network with fixed input has a known shape. */
static void test_real_networks(void **state)
{
    static const char *const cases[] = {"dev1_pp_torch_to_tf",           "dev2_wb_tf_to_tflite",
                                        "dev3_pp_id_tss_torch_to_keras", "dev4_equivalences_only",
                                        "dev5_cg_lh_tflite_to_keras",    "dev6_opset_separate_weights"};
    char *folder = test_data("cases");

    if (folder == NULL)
        skip();
    for (size_t i = 0; i < 2 * FF_COUNT(cases); i++) {
        char *path = ff_asprintf("%s/%s/%s.onnx", folder, cases[i / 2], i % 2 ? "target" : "source");
        ff_model *m;
        assert_int_equal(ff_model_load(path, &m), FF_OK);
        const ff_graph *g = ff_model_graph(m);
        ff_shape feed = g->inputs[0]->declared;
        feed.dims[0] = 1;
        ff_shape *shapes = ff_alloc_array((size_t)ff_model_values(m), sizeof *shapes);
        if (ff_model_infer(m, &feed, shapes))
            fail_msg("%s: %s", path, ff_error());
        for (int v = 0; v < ff_model_values(m); v++) {
            if (shapes[v].rank < 0)
                fail_msg("%s: '%s' is unknown", path, ff_model_value(m, v)->name);
            for (int j = 0; j < shapes[v].rank; j++)
                if (shapes[v].dims[j] < 0)
                    fail_msg("%s: a dimension of '%s' is unknown", path, ff_model_value(m, v)->name);
        }
        free(shapes);
        ff_model_unref(m);
        free(path);
    }
    free(folder);
}

static const char *fallback(const char *type, int opset, const char *attr)
{
    const ff_op *op = ff_op_find("", type, opset);

    assert_non_null(op);
    for (const struct ff_attr_fact *a = op->attrs; a->name != NULL; a++)
        if (strcmp(a->name, attr) == 0)
            return a->fallback ? a->fallback : "none";
    return NULL;
}

static void test_versions(void **state)
{
    assert_string_equal(fallback("Softmax", 12, "axis"), "1");
    assert_string_equal(fallback("Softmax", 13, "axis"), "-1");
    assert_string_equal(fallback("Softmax", 21, "axis"), "-1");
    assert_string_equal(fallback("Clip", 10, "max"), "3.4028235e+38");
    assert_null(fallback("Clip", 11, "max"));
    assert_string_equal(fallback("Squeeze", 12, "axes"), "none");
    assert_null(fallback("Squeeze", 13, "axes"));
    assert_null(fallback("AveragePool", 9, "ceil_mode"));
    assert_string_equal(fallback("AveragePool", 10, "ceil_mode"), "0");
    assert_null(ff_op_find("", "Resize", 9));
    assert_non_null(ff_op_find("ai.onnx", "Resize", 10));
    assert_null(ff_op_find("", "GroupNormalization", 17));
    assert_null(ff_op_find("", "NoSuchOperator", 17));
    assert_null(ff_op_find("com.microsoft", "Relu", 17));
    assert_int_equal(ff_op_find("", "ReduceMean", 17)->max_inputs, 1);
    assert_int_equal(ff_op_find("", "ReduceMean", 18)->max_inputs, 2);
}

static void test_table(void **state)
{
    int n = 0, types = 0;
    const ff_op *o, *before = NULL;

    for (; (o = ff_op_at(n)) != NULL; n++) {
        assert_true(o->min_inputs >= 0 && (o->max_inputs == -1 || o->max_inputs >= o->min_inputs));
        assert_true(o->max_outputs == -1 || o->max_outputs >= o->min_outputs);
        assert_true(o->since >= 1 && o->since <= 24);
        assert_ptr_equal(ff_op_find(o->domain, o->type, o->since), o);
        bool same = before && strcmp(before->type, o->type) == 0;
        assert_true(!same || before->since < o->since);
        types += !same;
        before = o;
    }
    print_message("%d operators in %d rows\n", types, n);
    assert_true(types >= 190);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_official_nodes),
        cmocka_unit_test(test_real_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
