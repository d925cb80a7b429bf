/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Operator by operator: what plans compute against the reference kernels, by normalised error; and
 * what cannot run is said, naming the node. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "graph.h"

#define LIMIT 3e-6

/* Runs the net fast and by reference, fused and not. */
static void compare(const char *what, net *n, name y)
{
    net_output(n, y);
    ff_model *m = net_model(n);
    ff_tensor *out[3] = {0};

    for (int i = 0; i < 3; i++) {
        ff_plan_options o = {.reference = i == 2, .observe = i == 1};
        ff_plan *p;
        ff_runner *r;
        const ff_tensor *feeds[4];
        if (ff_plan_create(m, &o, &p) != FF_OK)
            fail_msg("%s: %s", what, ff_error());
        for (int k = 0; k < ff_plan_inputs(p); k++)
            feeds[k] = random_tensor((uint64_t)k + 5, ff_plan_input_shape(p, k));
        assert_int_equal(ff_runner_create(p, &r), FF_OK);
        if (ff_run(r, feeds, NULL, NULL, 0, &out[i]) != FF_OK)
            fail_msg("%s: %s", what, ff_error());
        for (int k = 0; k < ff_plan_inputs(p); k++)
            ff_tensor_unref(feeds[k]);
        const ff_shape *s = ff_plan_shape(p, ff_plan_output(p, 0));
        assert_int_equal(s->rank, out[i]->rank);
        assert_memory_equal(s->dims, out[i]->dims, (size_t)s->rank * sizeof *s->dims);
        ff_runner_destroy(r);
        ff_plan_unref(p);
    }
    if (!ff_tensor_equal(out[0], out[1]))
        fail_msg("%s: the two kinds of plan differ by %g", what, tensor_error(out[0], out[1]));
    if (!(tensor_error(out[0], out[2]) < LIMIT))
        fail_msg("%s: %g from the reference", what, tensor_error(out[0], out[2]));
    for (int i = 0; i < 3; i++)
        ff_tensor_unref(out[i]);
    ff_model_unref(m);
}

static net start(void)
{
    return (net){.opset = 13, .edit = -1, .rng = {42}};
}

static const int64_t image[4] = {1, 12, 17, 15};

static void conv_case(const char *what, int rank, const int64_t *in, const int64_t *weights, bool bias, const char *a,
                      const char *b, const char *c)
{
    net n = start();
    name x = net_input(&n, rank, in), w = net_weights(&n, 0.3, 0, rank, weights);
    const char *inputs = bias ? names3(x, w, net_weights(&n, 1, 0, 1, weights)) : names(x, w);

    compare(what, &n, net_node(&n, "Conv", inputs, a, b, c, NULL));
}

static void test_conv(void **state)
{
    const int64_t w3[4] = {20, 12, 3, 3}, w1[4] = {20, 12, 1, 1}, dw[4] = {12, 1, 3, 3}, mult[4] = {24, 1, 5, 5},
                  g3[4] = {21, 4, 3, 3}, odd[4] = {7, 12, 2, 4}, in1[3] = {1, 6, 40}, k1[3] = {10, 6, 3},
                  in3[5] = {1, 4, 6, 7, 8}, k3[5] = {5, 4, 3, 2, 3}, batch[4] = {3, 12, 9, 9};

    conv_case("3x3", 4, image, w3, true, "pads=1,1,1,1", NULL, NULL);
    conv_case("3x3 without bias", 4, image, w3, false, "strides=2,2", NULL, NULL);
    conv_case("3x3 asymmetric", 4, image, w3, true, "pads=0,2,1,0", "strides=2,1", NULL);
    conv_case("1x1", 4, image, w1, true, NULL, NULL, NULL);
    conv_case("1x1 strided", 4, image, w1, true, "strides=2,2", NULL, NULL);
    conv_case("depthwise", 4, image, dw, true, "group=:12", "pads=1,1,1,1", NULL);
    conv_case("depthwise strided", 4, image, dw, false, "group=:12", "strides=2,2", "pads=0,0,1,1");
    conv_case("depthwise multiplier", 4, image, mult, true, "group=:12", "pads=2,2,2,2", NULL);
    conv_case("grouped", 4, image, g3, true, "group=:3", "pads=1,1,1,1", NULL);
    conv_case("dilated", 4, image, w3, true, "dilations=2,3", "pads=2,3,2,3", NULL);
    conv_case("even kernel", 4, image, odd, true, "auto_pad='SAME_UPPER", NULL, NULL);
    conv_case("same lower", 4, image, odd, true, "auto_pad='SAME_LOWER", "strides=2,2", NULL);
    conv_case("valid", 4, image, odd, true, "auto_pad='VALID", NULL, NULL);
    conv_case("wide pads", 4, image, w3, true, "pads=4,5,4,6", NULL, NULL);
    conv_case("1-D", 3, in1, k1, true, "pads=1,1", "strides=2", NULL);
    conv_case("3-D", 5, in3, k3, true, "pads=1,0,1,1,1,1", NULL, NULL);
    conv_case("batch", 4, batch, w3, true, "pads=1,1,1,1", NULL, NULL);
}

static void pool_case(const char *op, const char *a, const char *b, const char *c, const char *d)
{
    net n = start();
    char what[160];

    snprintf(what, sizeof what, "%s %s %s %s %s", op, a ? a : "", b ? b : "", c ? c : "", d ? d : "");
    name x = net_input(&n, 4, image);
    x = net_node(&n, op, x.s, a, b, c, d, NULL);
    compare(what, &n, x);
}

static void test_pool(void **state)
{
    static const char *const ops[] = {"MaxPool", "AveragePool"};

    for (int i = 0; i < 2; i++) {
        pool_case(ops[i], "kernel_shape=3,3", NULL, NULL, NULL);
        pool_case(ops[i], "kernel_shape=3,3", "strides=2,2", "pads=1,1,1,1", NULL);
        pool_case(ops[i], "kernel_shape=3,2", "strides=2,2", "pads=0,1,2,0", NULL);
        pool_case(ops[i], "kernel_shape=3,3", "strides=2,2", "ceil_mode=:1", NULL);
        pool_case(ops[i], "kernel_shape=2,2", "strides=3,3", "ceil_mode=:1", "pads=1,1,0,0");
        pool_case(ops[i], "kernel_shape=3,3", "strides=2,2", "auto_pad='SAME_UPPER", NULL);
        pool_case(ops[i], "kernel_shape=17,15", NULL, NULL, NULL);
    }
    pool_case("MaxPool", "kernel_shape=3,3", "dilations=2,2", NULL, NULL);
    pool_case("AveragePool", "kernel_shape=3,3", "count_include_pad=:1", "pads=1,1,1,1", NULL);
    pool_case("GlobalAveragePool", NULL, NULL, NULL, NULL);
    pool_case("GlobalMaxPool", NULL, NULL, NULL, NULL);
    pool_case("ReduceMean", "axes=2,3", NULL, NULL, NULL);
    pool_case("ReduceMean", "axes=2,3", "keepdims=:0", NULL, NULL);
    pool_case("ReduceMean", "axes=-1", NULL, NULL, NULL);
}

/* op of an image, behind a convolution so that it comes in oneDNN's layout. */
static void unary_case(const char *op, const char *more, const char *a, const char *b)
{
    net n = start();
    const int64_t w[4] = {10, 12, 1, 1};
    char what[96], inputs[64];
    name x = net_input(&n, 4, image);

    x = net_node(&n, "Conv", names(x, net_weights(&n, 0.3, 0, 4, w)), NULL);
    name y = net_node(&n, "Sigmoid", x.s, NULL); /* ends the chain */
    x = net_node(&n, "Mul", names(x, y), NULL);
    snprintf(inputs, sizeof inputs, "%s%s%s", x.s, *more ? " " : "", more);
    snprintf(what, sizeof what, "%s %s", op, a ? a : "");
    compare(what, &n, net_node(&n, op, inputs, a, b, NULL));
}

static void test_elementwise(void **state)
{
    static const char *const plain[] = {
        "Relu", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish",         "Identity", "Dropout", "Abs",
        "Neg",  "Exp",     "Elu",  "LeakyRelu",   "GlobalAveragePool", "Flatten",  "Clip"};

    for (size_t i = 0; i < FF_COUNT(plain); i++) {
        net n = start();
        const int64_t w[4] = {10, 12, 1, 1};
        n.opset = 14;
        name x = net_input(&n, 4, image);
        x = net_node(&n, "Conv", names(x, net_weights(&n, 0.3, 0, 4, w)), NULL);
        compare(plain[i], &n, net_node(&n, plain[i], x.s, NULL));
    }
    unary_case("Transpose", "", "perm=0,2,3,1", NULL);
    unary_case("Transpose", "", "perm=3,1,0,2", NULL);
    unary_case("Flatten", "", "axis=:2", NULL);
    unary_case("Softmax", "", "axis=:1", NULL);
    unary_case("Softmax", "", "axis=:-1", NULL);
    unary_case("ReduceMean", "", "axes=1", NULL);
}

static void binary_case(const char *op, int rank, const int64_t *dims, bool constant, bool swap)
{
    net n = start();
    const int64_t w[4] = {10, 12, 1, 1};
    char what[96];
    name x = net_input(&n, 4, image);
    name b = constant ? net_weights(&n, 0.2, 2, rank, dims) : net_input(&n, rank, dims);

    x = net_node(&n, "Conv", names(x, net_weights(&n, 0.3, 0, 4, w)), NULL);
    x = net_node(&n, "Sigmoid", x.s, NULL);
    if (strcmp(op, "Div") == 0 && !constant)
        b = net_node(&n, "Exp", b.s, NULL);
    snprintf(what, sizeof what, "%s rank %d %s %s", op, rank, constant ? "constant" : "", swap ? "swapped" : "");
    compare(what, &n, net_node(&n, op, swap ? names(b, x) : names(x, b), NULL));
}

static void test_binary(void **state)
{
    static const char *const ops[] = {"Add", "Sub", "Mul", "Div", "Max", "Min"};
    const int64_t full[4] = {1, 10, 17, 15}, channel[4] = {1, 10, 1, 1}, row[1] = {15}, plane[3] = {10, 1, 1};

    for (size_t i = 0; i < FF_COUNT(ops); i++)
        for (int k = 0; k < 4; k++) {
            binary_case(ops[i], 4, full, k & 1, k & 2);
            binary_case(ops[i], 4, channel, k & 1, k & 2);
            binary_case(ops[i], 1, row, k & 1, k & 2);
            binary_case(ops[i], 3, plane, k & 1, k & 2);
            binary_case(ops[i], 0, NULL, k & 1, k & 2);
        }
}

static void test_normalisation(void **state)
{
    for (int i = 0; i < 2; i++) {
        net n = start();
        const int64_t c = 12, w[4] = {12, 12, 1, 1};
        char in[96];
        name x = net_input(&n, 4, image), s = net_weights(&n, 0.2, 1, 1, &c), b = net_weights(&n, 0.2, 0, 1, &c),
             m = net_weights(&n, 0.2, 0, 1, &c), v = net_weights(&n, 0.01, 1, 1, &c);
        if (i)
            x = net_node(&n, "Conv", names(x, net_weights(&n, 0.3, 0, 4, w)), NULL);
        snprintf(in, sizeof in, "%s %s %s %s %s", x.s, s.s, b.s, m.s, v.s);
        compare(i ? "BatchNormalization after Conv" : "BatchNormalization", &n,
                net_node(&n, "BatchNormalization", in, "epsilon=.0.01", NULL));
    }
}

static void matrix_case(const char *op, int rank, const int64_t *in, const int64_t *b, int c_rank, const int64_t *c,
                        const char *a1, const char *a2, const char *a3)
{
    net n = start();
    char what[128];
    name x = net_input(&n, rank, in), w = net_weights(&n, 0.3, 0, 2, b);
    const char *inputs = c_rank >= 0 ? names3(x, w, net_weights(&n, 1, 0, c_rank, c)) : names(x, w);

    snprintf(what, sizeof what, "%s %s %s %s", op, a1 ? a1 : "", a2 ? a2 : "", a3 ? a3 : "");
    compare(what, &n, net_node(&n, op, inputs, a1, a2, a3, NULL));
}

static void test_matrix(void **state)
{
    const int64_t a[2] = {1, 40}, rows[2] = {7, 40}, at[2] = {40, 7}, b[2] = {40, 33}, bt[2] = {33, 40}, c[2] = {1, 33},
                  full[2] = {7, 33}, column[2] = {7, 1}, a3[3] = {2, 5, 40}, a4[4] = {2, 3, 5, 40};

    matrix_case("Gemm", 2, a, b, -1, NULL, NULL, NULL, NULL);
    matrix_case("Gemm", 2, a, bt, 1, bt, "transB=:1", NULL, NULL);
    matrix_case("Gemm", 2, rows, b, 2, c, "alpha=.0.5", "beta=.2", NULL);
    matrix_case("Gemm", 2, rows, b, 2, full, NULL, NULL, NULL);
    matrix_case("Gemm", 2, rows, b, 2, column, NULL, NULL, NULL);
    matrix_case("Gemm", 2, rows, b, 0, NULL, NULL, NULL, NULL);
    matrix_case("Gemm", 2, at, bt, 1, bt, "transA=:1", "transB=:1", "alpha=.3");
    matrix_case("MatMul", 2, rows, b, -1, NULL, NULL, NULL, NULL);
    matrix_case("MatMul", 3, a3, b, -1, NULL, NULL, NULL, NULL);
    matrix_case("MatMul", 4, a4, b, -1, NULL, NULL, NULL, NULL);
    net n = start();
    name x = net_input(&n, 2, rows), y = net_input(&n, 2, b);
    compare("MatMul of two inputs", &n, net_node(&n, "MatMul", names(x, y), NULL));
}

/* More sources than a primitive takes. */
static void test_many_parts(void **state)
{
    const int64_t small[3] = {1, 2, 3};
    enum { PARTS = 1500 };
    net n = start();
    name x = net_input(&n, 3, small);
    char inputs[PARTS * 8] = "";

    for (int i = 0; i < PARTS; i++) {
        strcat(inputs, i ? " " : "");
        strcat(inputs, x.s);
    }
    compare("Concat of many", &n, net_node(&n, "Concat", inputs, "axis=:1", NULL));
}

/* Nodes between convolutions, whose values have whatever layout the convolutions chose. */
static void test_between_convolutions(void **state)
{
    static const char *const ones[] = {"HardSigmoid", "Elu", "Sigmoid"};
    const int64_t w[4] = {16, 12, 1, 1}, wide[4] = {16, 16, 3, 3}, channel[3] = {16, 1, 1}, columns[1] = {15},
                  pads[8] = {0, 0, 1, 1, 0, 0, 1, 2};

    for (int i = 0; i < 24; i++) {
        net n = start();
        name x = net_input(&n, 4, image);
        x = net_node(&n, "Conv", names(x, net_weights(&n, 0.3, 0, 4, w)), NULL);
        name s = net_node(&n, "GlobalAveragePool", x.s, NULL), y;
        s = net_node(&n, "Sigmoid", s.s, NULL); /* never near zero */
        if (i < 3)
            y = net_node(&n, ones[i], x.s, NULL);
        else if (i < 6)
            y = net_node(&n, i == 3 ? "Mul" : i == 4 ? "Div" : "Sub", names(x, s), NULL);
        else if (i < 10)
            y = net_node(&n, i % 2 ? "Div" : "Sub", names(x, net_scalar(&n, 0.7f)), NULL);
        else if (i < 12)
            y = net_node(&n, i % 2 ? "Div" : "Mul", names(x, net_weights(&n, 0.1, 1, 3, channel)), NULL);
        else if (i < 14)
            y = net_node(&n, i % 2 ? "Add" : "Div", names(x, net_weights(&n, 0.1, 1, 1, columns)), NULL);
        else if (i < 16)
            y = net_node(&n, "Div", i % 2 ? names(net_scalar(&n, 2), s) : names(x, s), NULL);
        else if (i < 20)
            y = net_node(&n, "Softmax", x.s, i < 17 ? "axis=:1" : i < 18 ? "axis=:3" : "axis=:-2", NULL);
        else
            y = net_node(&n, "AveragePool", net_node(&n, "Pad", names(x, net_ints(&n, 8, pads)), NULL).s,
                         "kernel_shape=3,3", i % 2 ? "strides=1,1" : "strides=2,2",
                         i < 22 ? "pads=0,0,0,0" : "pads=0,1,0,0", NULL);
        compare(i < 20 ? "between convolutions" : "a pool with its Pad", &n,
                net_node(&n, "Conv", names(y, net_weights(&n, 0.1, 0, 4, wide)), "pads=1,1,1,1", NULL));
    }
}

static void test_moves(void **state)
{
    const int64_t other[4] = {1, 5, 17, 15}, below[4] = {1, 12, 3, 15}, w[4] = {10, 12, 1, 1};
    const int64_t pads[8] = {0, 0, 1, 2, 0, 0, 0, 3}, channels[8] = {0, 1, 0, 0, 0, 2, 0, 0},
                  crop[8] = {0, 0, -1, 0, 0, 0, 0, -2}, shape[3] = {1, 10, -1}, flat[2] = {0, -1}, last[1] = {3},
                  axes2[2] = {0, 4};
    static const char *const modes[] = {"mode='constant", "mode='edge", "mode='reflect"};

    for (int i = 0; i < 2; i++) {
        net n = start();
        name x = net_input(&n, 4, image), y = net_input(&n, 4, i ? below : other);
        compare("Concat", &n, net_node(&n, "Concat", names3(x, y, x), i ? "axis=:2" : "axis=:-3", NULL));
    }
    for (int i = 0; i < 9; i++) {
        const int64_t *p = i / 3 == 0 ? pads : i / 3 == 1 ? channels : crop;
        net n = start();
        name x = net_input(&n, 4, image);
        x = net_node(&n, "Conv", names(x, net_weights(&n, 0.3, 0, 4, w)), NULL);
        x = net_node(&n, "Pad", names(x, net_ints(&n, 8, p)), modes[i % 3], NULL);
        compare(modes[i % 3], &n, net_node(&n, "MaxPool", x.s, "kernel_shape=2,2", NULL));
    }
    for (int i = 0; i < 4; i++) {
        static const char *const ops[] = {"Reshape", "Reshape", "Unsqueeze", "Squeeze"};
        net n = start();
        name x = net_input(&n, 4, image);
        x = net_node(&n, "Conv", names(x, net_weights(&n, 0.3, 0, 4, w)), NULL);
        if (i == 3)
            x = net_node(&n, "ReduceMean", x.s, "axes=3", NULL);
        name s = i == 0   ? net_ints(&n, 3, shape)
                 : i == 1 ? net_ints(&n, 2, flat)
                 : i == 2 ? net_ints(&n, 2, axes2)
                          : net_ints(&n, 1, last);
        compare(ops[i], &n, net_node(&n, ops[i], names(x, s), NULL));
    }
}

/* What a shape is computed from vanishes; what depends on data does not. */
static void test_dynamic(void **state)
{
    net n = start();
    const int64_t first[1] = {0}, minus[1] = {-1};
    name x = net_input(&n, 4, image);
    name s = net_node(&n, "Shape", x.s, NULL);
    name b = net_node(&n, "Gather", names(s, net_ints(&n, 1, first)), "axis=:0", NULL);
    name to = net_node(&n, "Concat", names(b, net_ints(&n, 1, minus)), "axis=:0", NULL);
    name y = net_node(&n, "Reshape", names(x, to), NULL);
    net_output(&n, y);
    ff_model *m = net_model(&n);
    ff_plan *p;
    assert_int_equal(ff_plan_create(m, NULL, &p), FF_OK);
    assert_non_null(ff_plan_constant(p, ff_model_find_value(m, to.s)));
    assert_int_equal(ff_plan_shape(p, ff_model_find_value(m, y.s))->dims[1], 12 * 17 * 15);
    ff_plan_unref(p);
    ff_model_unref(m);

    n = start();
    x = net_input(&n, 4, image);
    y = net_node(&n, "Relu", x.s, NULL);
    y = net_node(&n, "NonZero", y.s, NULL);
    net_output(&n, y);
    m = net_model(&n);
    assert_int_equal(ff_plan_create(m, NULL, &p), FF_OK);
    ff_runner *r;
    ff_tensor *t = random_tensor(1, ff_plan_input_shape(p, 0)), *out;
    const ff_tensor *feed = t;
    int64_t positive = 0;
    for (int64_t i = 0; i < t->count; i++)
        positive += ((float *)t->data)[i] > 0;
    assert_int_equal(ff_runner_create(p, &r), FF_OK);
    assert_int_equal(ff_run(r, &feed, NULL, NULL, 0, &out), FF_OK);
    assert_int_equal(out->dims[1], positive);
    ff_tensor_unref(out);
    ff_tensor_unref(t);
    ff_runner_destroy(r);
    ff_plan_unref(p);
    ff_model_unref(m);
}

static void refused(net *n, name y, int expected, const char *said)
{
    ff_model *m = NULL;
    ff_plan *p = NULL;

    net_output(n, y);
    int code = net_try(n, &m);
    if (code == FF_OK)
        code = ff_plan_create(m, NULL, &p);
    if (code != expected || !strstr(ff_error(), said))
        fail_msg("%d '%s', not %d '%s'", code, ff_error(), expected, said);
    assert_null(p);
    ff_model_unref(m);
}

static void test_refused(void **state)
{
    const int64_t w[4] = {8, 5, 3, 3}, k[2] = {11, 4}, other[4] = {1, 12, 4, 15}, huge[3] = {1 << 20, 1 << 20, 1 << 10},
                  wide[8] = {0, 0, 1 << 20, 1 << 20, 0, 0, 0, 0};
    net n = start();
    name x = net_input(&n, 4, image), y;

    y = net_node(&n, "Conv", names(x, net_weights(&n, 1, 0, 4, w)), NULL);
    refused(&n, y, FF_ERR_GRAPH, y.s);
    n = start();
    x = net_input(&n, 4, image);
    y = net_node(&n, "MatMul", names(x, net_weights(&n, 1, 0, 2, k)), NULL);
    refused(&n, y, FF_ERR_GRAPH, y.s);
    n = start();
    x = net_input(&n, 4, image);
    y = net_node(&n, "Add", names(x, net_weights(&n, 1, 0, 4, other)), NULL);
    refused(&n, y, FF_ERR_GRAPH, y.s);
    /* More memory than there is, said before it is taken. */
    n = start();
    x = net_input(&n, 4, image);
    y = net_node(&n, "ConstantOfShape", net_ints(&n, 3, huge).s, NULL);
    refused(&n, y, FF_ERR_GRAPH, y.s);
    n = start();
    x = net_input(&n, 4, image);
    y = net_node(&n, "Pad", names(x, net_ints(&n, 8, wide)), NULL);
    refused(&n, y, FF_ERR_GRAPH, y.s);
    n = start();
    x = net_input(&n, 4, image);
    y = net_node(&n, "NoSuchOperator", x.s, NULL);
    refused(&n, y, FF_ERR_UNSUPPORTED, y.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv),          cmocka_unit_test(test_pool),
        cmocka_unit_test(test_elementwise),   cmocka_unit_test(test_binary),
        cmocka_unit_test(test_normalisation), cmocka_unit_test(test_matrix),
        cmocka_unit_test(test_many_parts),    cmocka_unit_test(test_between_convolutions),
        cmocka_unit_test(test_moves),         cmocka_unit_test(test_dynamic),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
