/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Small files that ask for the impossible: well-formed graphs with absurd shapes, sizes, windows
 * and loops end in an error that names the node, before memory is taken.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph.h"

static const int64_t image[4] = {1, 4, 12, 12};

static net start(void)
{
    return (net){.opset = 13, .edit = -1, .rng = {5}};
}

/* Plans and runs on generated input; returns the code. */
static int attempt(const ff_model *m, bool reference, bool observe)
{
    ff_plan_options o = {.reference = reference, .observe = observe};
    ff_plan *p;
    ff_runner *r = NULL;
    ff_tensor *feeds[4] = {NULL}, *out = NULL;
    int code = ff_plan_create(m, &o, &p);

    if (code != FF_OK)
        return code;
    assert_true(ff_plan_inputs(p) <= 4);
    for (int i = 0; i < ff_plan_inputs(p); i++)
        feeds[i] = random_tensor((uint64_t)i, ff_plan_input_shape(p, i));
    code = ff_runner_create(p, &r);
    if (code == FF_OK)
        code = ff_run(r, (const ff_tensor *const *)feeds, NULL, NULL, 0, &out);
    ff_tensor_unref(out);
    for (int i = 0; i < 4; i++)
        ff_tensor_unref(feeds[i]);
    ff_runner_destroy(r);
    ff_plan_unref(p);
    return code;
}

/* No mode gets through; the error names `said`, and little memory was touched. */
static void impossible(net *n, name y, const char *said)
{
    ff_model *m;

    net_output(n, y);
    int code = net_try(n, &m);
    if (code != FF_OK) {
        assert_int_equal(code, FF_ERR_INPUT);
        assert_non_null(strstr(ff_error(), said));
        return;
    }
    for (int mode = 0; mode < 3; mode++) {
        uint64_t before = ff_memory_peak();
        code = attempt(m, mode == 0, mode == 2);
        if (code != FF_ERR_GRAPH || !strstr(ff_error(), said))
            fail_msg("mode %d: %d '%s', not '%s'", mode, code, ff_error(), said);
        assert_true(ff_memory_peak() - before < 64 << 20);
    }
    ff_model_unref(m);
}

/* One node that reads the image and integer tensors. */
static void test_gigabytes(void **state)
{
    static const struct {
        const char *op;
        int count;
        int64_t v[8];
    } cases[] = {
        {"Tile", 4, {1 << 10, 1 << 10, 1 << 10, 1}},
        {"Tile", 4, {INT64_C(1) << 40, INT64_C(1) << 40, 1, 1}},
        {"Tile", 4, {INT64_MAX, 1, 1, 1}},
        {"Tile", 4, {-1, 1, 1, 1}},
        {"Expand", 5, {INT64_C(1) << 33, 1, 4, 12, 12}},
        {"Expand", 5, {INT64_C(1) << 62, 1, 4, 12, 12}},
        {"Expand", 5, {-3, 1, 4, 12, 12}},
        {"Pad", 8, {0, 0, 1 << 20, 1 << 20, 0, 0, 0, 0}},
        {"Pad", 8, {0, 0, -20, 0, 0, 0, 0, 0}},
        {"Pad", 8, {0, INT64_MAX, 0, 0, 0, INT64_MAX, 0, 0}},
        {"Reshape", 3, {-1, -1, 4}},
        {"Reshape", 3, {1, 4, INT64_MAX}},
        {"Reshape", 2, {INT64_C(1) << 32, INT64_C(1) << 32}},
        {"Reshape", 2, {-2, 8}},
    };

    for (size_t i = 0; i < FF_COUNT(cases); i++) {
        net n = start();
        name x = net_input(&n, 4, image);
        name y = net_node(&n, cases[i].op, names(x, net_ints(&n, cases[i].count, cases[i].v)), NULL);
        impossible(&n, y, y.s);
    }
}

/* Constants of gigabytes that nobody wrote. */
static void test_constants(void **state)
{
    const int64_t huge[3] = {1 << 20, 1 << 20, 1 << 10}, over[2] = {INT64_MAX, INT64_MAX}, negative[2] = {4, -4},
                  from = 0, to = INT64_MAX, step = 1, zero = 0, depth = INT64_C(1) << 40;
    float values[2] = {0, 1};
    int64_t two = 2;
    net n = start();
    name y = net_node(&n, "ConstantOfShape", net_ints(&n, 3, huge).s, NULL);
    impossible(&n, y, y.s);
    /* Ten dimensions: each element that is not zero takes 80 bytes. */
    n = start();
    const int64_t deep[10] = {64, 64, 64, 16, 1, 1, 1, 1, 1, 1};
    float full = 1;
    name ones = net_node(&n, "Expand", names(net_tensor(&n, FF_FLOAT, 0, NULL, &full), net_ints(&n, 10, deep)), NULL);
    y = net_node(&n, "NonZero", ones.s, NULL);
    net_output(&n, y);
    ff_model *thick = net_model(&n);
    ff_plan_options narrow = {.memory_limit = 64 << 20};
    ff_plan *none;
    assert_int_equal(ff_plan_create(thick, &narrow, &none), FF_ERR_GRAPH);
    assert_non_null(strstr(ff_error(), y.s));
    ff_model_unref(thick);
    n = start();
    y = net_node(&n, "ConstantOfShape", net_ints(&n, 2, over).s, NULL);
    impossible(&n, y, y.s);
    n = start();
    y = net_node(&n, "ConstantOfShape", net_ints(&n, 2, negative).s, NULL);
    impossible(&n, y, y.s);
    n = start();
    name a = net_tensor(&n, FF_INT64, 0, NULL, &from), b = net_tensor(&n, FF_INT64, 0, NULL, &to),
         c = net_tensor(&n, FF_INT64, 0, NULL, &step);
    y = net_node(&n, "Range", names3(a, b, c), NULL);
    impossible(&n, y, y.s);
    n = start();
    a = net_tensor(&n, FF_INT64, 0, NULL, &from);
    b = net_tensor(&n, FF_INT64, 0, NULL, &to);
    c = net_tensor(&n, FF_INT64, 0, NULL, &zero); /* never gets there */
    y = net_node(&n, "Range", names3(a, b, c), NULL);
    impossible(&n, y, y.s);
    n = start();
    a = net_ints(&n, 1, &from);
    b = net_tensor(&n, FF_INT64, 0, NULL, &depth);
    c = net_tensor(&n, FF_FLOAT, 1, &two, values);
    y = net_node(&n, "OneHot", names3(a, b, c), NULL);
    impossible(&n, y, y.s);
    /* Doubled again and again: each step is within the limit, the sum is not. */
    n = start();
    const int64_t start_size[1] = {1 << 20};
    y = net_node(&n, "ConstantOfShape", net_ints(&n, 1, start_size).s, NULL);
    for (int i = 0; i < 40; i++)
        y = net_node(&n, "Concat", names(y, y), "axis=:0", NULL);
    net_output(&n, y);
    ff_model *m = net_model(&n);
    ff_plan_options o = {.memory_limit = 64 << 20};
    ff_plan *p;
    assert_int_equal(ff_plan_create(m, &o, &p), FF_ERR_GRAPH);
    assert_non_null(strstr(ff_error(), "Concat"));
    ff_model_unref(m);
}

static void test_resize(void **state)
{
    const float scales[][4] = {{1, 1, 1e6f, 1e6f}, {1, 1, -1, 1}, {1, 1, __builtin_nanf(""), 1}};
    const int64_t four = 4;

    for (int i = 0; i < 3; i++) {
        net n = start();
        name x = net_input(&n, 4, image), s = net_tensor(&n, FF_FLOAT, 1, &four, scales[i]);
        char inputs[64];
        snprintf(inputs, sizeof inputs, "%s - %s", x.s, s.s);
        name y = net_node(&n, "Resize", inputs, NULL);
        impossible(&n, y, y.s);
    }
}

/* Attributes of windows. */
static void test_windows(void **state)
{
    static const char *const conv[] = {
        "strides=0,1",
        "strides=-1,1",
        "strides=1",
        "dilations=0,1",
        "dilations=1000000000000,1",
        "pads=-20,0,0,0",
        "pads=4611686018427387904,0,4611686018427387904,0",
        "pads=100000,100000,100000,100000",
        "kernel_shape=3",
        "kernel_shape=5,5",
        "kernel_shape=0,0",
        "group=:0",
        "group=:-1",
        "group=:3",
        "group=:9223372036854775807",
        "auto_pad='SIDEWAYS",
    };
    static const char *const pool[] = {
        "kernel_shape=0,2",       "kernel_shape=-2,2",  "kernel_shape=2",
        "kernel_shape=1000,1000", "kernel_shape=2,2,2", "kernel_shape=9223372036854775807,1",
    };
    const int64_t w[4] = {4, 4, 3, 3};

    for (size_t i = 0; i < FF_COUNT(conv); i++) {
        net n = start();
        name x = net_input(&n, 4, image);
        name y = net_node(&n, "Conv", names(x, net_weights(&n, 1, 0, 4, w)), conv[i], NULL);
        impossible(&n, y, y.s);
    }
    for (size_t i = 0; i < FF_COUNT(pool); i++)
        for (int k = 0; k < 2; k++) {
            net n = start();
            name x = net_input(&n, 4, image);
            name y = net_node(&n, k ? "MaxPool" : "AveragePool", x.s, pool[i], NULL);
            impossible(&n, y, y.s);
        }
}

/* Ranks and dimensions that do not fit. */
static void test_misfits(void **state)
{
    static const char *const unary[][2] = {
        {"Transpose", "perm=0,0,1,2"},    {"Transpose", "perm=0,1"},        {"Transpose", "perm=3,2,1,9"},
        {"Softmax", "axis=:4"},           {"Flatten", "axis=:9"},           {"ReduceMean", "axes=7"},
        {"DepthToSpace", "blocksize=:0"}, {"DepthToSpace", "blocksize=:3"},
    };
    const int64_t matrix[2] = {11, 4}, kernel[3] = {4, 4, 3}, other[4] = {4, 5, 3, 3}, two = 2;
    const float scale[2] = {1, 1};

    for (size_t i = 0; i < FF_COUNT(unary); i++) {
        net n = start();
        name x = net_input(&n, 4, image);
        name y = net_node(&n, unary[i][0], x.s, unary[i][1], NULL);
        impossible(&n, y, y.s);
    }
    net n = start();
    name x = net_input(&n, 4, image);
    name y = net_node(&n, "MatMul", names(x, net_weights(&n, 1, 0, 2, matrix)), NULL);
    impossible(&n, y, y.s);
    n = start();
    x = net_input(&n, 4, image);
    y = net_node(&n, "Conv", names(x, net_weights(&n, 1, 0, 3, kernel)), NULL);
    impossible(&n, y, y.s);
    n = start();
    x = net_input(&n, 4, image);
    y = net_node(&n, "Conv", names(x, net_weights(&n, 1, 0, 4, other)), NULL);
    impossible(&n, y, y.s);
    n = start();
    x = net_input(&n, 4, image);
    name s = net_tensor(&n, FF_FLOAT, 1, &two, scale);
    char inputs[96];
    snprintf(inputs, sizeof inputs, "%s %s %s %s %s", x.s, s.s, s.s, s.s, s.s);
    y = net_node(&n, "BatchNormalization", inputs, NULL);
    impossible(&n, y, y.s);
    n = start();
    x = net_input(&n, 4, image);
    y = net_node(&n, "Add", "nowhere nothing", NULL);
    impossible(&n, y, "nowhere");
}

/* Inputs that are too large, or whose declared shape is absurd. */
static void test_inputs(void **state)
{
    const int64_t large[4] = {1, 1 << 20, 1 << 20, 1 << 10}, over[4] = {INT64_MAX, INT64_MAX, 3, 3};

    net n = start();
    name x = net_input(&n, 4, large), y = net_node(&n, "Relu", x.s, NULL);
    impossible(&n, y, x.s);
    n = start();
    x = net_input(&n, 4, over);
    y = net_node(&n, "Relu", x.s, NULL);
    impossible(&n, y, x.s);
}

/* A Loop around `op` whose body says for ever that it goes on. */
static name net_loop(net *n, int depth)
{
    name x = net_name(n, "loop");
    ff_buf node = {0}, attr = {0};
    net body = start();
    ff_buf truth = {0};
    char one = 1;

    body.n_names = 1000 * (depth + 1);
    value_info(&body.graph, 11, "i", FF_INT64, 0, NULL);
    value_info(&body.graph, 11, "go", FF_BOOL, 0, NULL);
    name inner = depth ? net_loop(&body, depth - 1) : (name){""};
    name on = net_node(&body, "Identity", "go", NULL);
    if (depth)
        net_node(&body, "Identity", inner.s, NULL);
    net_output(&body, on);
    name last = net_node(&body, "Identity", "i", NULL);
    net_output(&body, last);
    wire_text(&body.graph, 2, "body");

    wire_int(&truth, 2, FF_BOOL);
    wire_bytes(&truth, 9, &one, 1);
    wire_text(&truth, 8, depth ? "always" : "ever");
    wire_part(&n->graph, 5, &truth);
    wire_text(&node, 1, "");
    wire_text(&node, 1, depth ? "always" : "ever");
    wire_text(&node, 2, x.s);
    wire_text(&node, 3, x.s);
    wire_text(&node, 4, "Loop");
    wire_text(&attr, 1, "body");
    wire_part(&attr, 6, &body.graph);
    wire_int(&attr, 20, FF_ATTR_GRAPH);
    wire_part(&node, 5, &attr);
    wire_part(&n->graph, 1, &node);
    return x;
}

static void test_endless(void **state)
{
    for (int depth = 0; depth < 3; depth += 2) {
        net n = start();
        name y = net_loop(&n, depth);
        net_output(&n, y);
        ff_model *m = net_model(&n);
        int64_t began = ff_now_ns();
        assert_int_equal(attempt(m, true, false), FF_ERR_GRAPH);
        assert_non_null(strstr(ff_error(), y.s));
        assert_true(ff_now_ns() - began < INT64_C(60000000000));
        ff_model_unref(m);
    }
}

/* A Loop over `first` whose body doubles what it carries by `op`. */
static name net_doubling(net *n, name first, ff_dtype type, const char *op, const char *attribute)
{
    name y = net_name(n, "loop");
    ff_buf node = {0}, attr = {0};
    net body = start();

    body.n_names = 1000;
    value_info(&body.graph, 11, "i", FF_INT64, 0, NULL);
    value_info(&body.graph, 11, "go", FF_BOOL, 0, NULL);
    value_info(&body.graph, 11, "s", type, 1, (const int64_t[]){-1});
    net_output(&body, net_node(&body, "Identity", "go", NULL));
    net_output(&body, net_node(&body, op, "s s", attribute, NULL));
    wire_text(&body.graph, 2, "body");
    wire_text(&node, 1, "");
    wire_text(&node, 1, "");
    wire_text(&node, 1, first.s);
    wire_text(&node, 2, y.s);
    wire_text(&node, 3, y.s);
    wire_text(&node, 4, "Loop");
    wire_text(&attr, 1, "body");
    wire_part(&attr, 6, &body.graph);
    wire_int(&attr, 20, FF_ATTR_GRAPH);
    wire_part(&node, 5, &attr);
    wire_part(&n->graph, 1, &node);
    return y;
}

static name net_text(net *n, const char *s)
{
    name x = net_name(n, "t");
    ff_buf t = {0};

    wire_int(&t, 1, 1);
    wire_int(&t, 2, FF_STRING);
    wire_bytes(&t, 6, s, strlen(s));
    wire_text(&t, 8, x.s);
    wire_part(&n->graph, 5, &t);
    return x;
}

/* What a file of a few bytes grows into: texts and tensors that double in every round. */
static void doubles(net *n, name y)
{
    ff_plan_options o = {.memory_limit = 64 << 20};
    ff_plan *p;

    net_output(n, y);
    ff_model *m = net_model(n);
    uint64_t before = ff_memory_peak();
    assert_int_equal(ff_plan_create(m, &o, &p), FF_ERR_GRAPH);
    assert_non_null(strstr(ff_error(), y.s));
    assert_non_null(strstr(ff_error(), "memory limit"));
#ifndef __SANITIZE_ADDRESS__ /* which keeps what was freed for a while */
    assert_true(ff_memory_peak() - before < 200 << 20);
#else
    (void)before;
#endif
    ff_model_unref(m);
}

static void test_doubling(void **state)
{
    const float one = 1;
    const int64_t n_one = 1, million = 1 << 20;
    net n = start();
    n.opset = 20;
    doubles(&n, net_doubling(&n, net_text(&n, "ab"), FF_STRING, "StringConcat", NULL));
    n = start();
    doubles(&n, net_doubling(&n, net_tensor(&n, FF_FLOAT, 1, &n_one, &one), FF_FLOAT, "Concat", "axis=:0"));
    n = start();
    doubles(&n, net_doubling(&n, net_text(&n, "ab"), FF_STRING, "Concat", "axis=:0"));
    /* One text of a kilobyte, a million times. */
    char *text = ff_alloc(1025);
    memset(text, 'x', 1024);
    static const char *const copies[] = {"Expand", "Tile"};
    for (size_t i = 0; i < FF_COUNT(copies); i++) {
        n = start();
        name s = net_text(&n, text), shape = net_ints(&n, 1, &million);
        doubles(&n, net_node(&n, copies[i], names(s, shape), NULL));
    }
    free(text);
}

/* The same one, stopped from outside. */
static void test_cancelled(void **state)
{
    ff_cancel cancel = {true};
    ff_plan_options o = {.cancel = &cancel};
    net n = start();
    name y = net_loop(&n, 1);
    ff_plan *p;

    net_output(&n, y);
    ff_model *m = net_model(&n);
    assert_int_equal(ff_plan_create(m, &o, &p), FF_ERR_CANCELLED);
    ff_model_unref(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gigabytes), cmocka_unit_test(test_constants), cmocka_unit_test(test_resize),
        cmocka_unit_test(test_windows),   cmocka_unit_test(test_misfits),   cmocka_unit_test(test_inputs),
        cmocka_unit_test(test_endless),   cmocka_unit_test(test_doubling),  cmocka_unit_test(test_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
