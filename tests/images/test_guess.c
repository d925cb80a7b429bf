/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Guessed preprocessing: real models, and small ones made here that show one trait each. */
#include "fetafix/images.h"
#include "real.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void real_models(void **state)
{
    /* What can be told from the file; dev2, dev4 and dev6 were quantised for x/128 - 1, nearly tf. */
    static const struct {
        const char *path;
        double scale;
        int side;
    } models[] = {
        {"dev1_pp_torch_to_tf/source.onnx", 255, 128},          {"dev1_pp_torch_to_tf/target.onnx", 127.5, 128},
        {"dev2_wb_tf_to_tflite/source.onnx", 127.5, 128},       {"dev3_pp_id_tss_torch_to_keras/source.onnx", 255, 224},
        {"dev5_cg_lh_tflite_to_keras/source.onnx", 127.5, 224}, {"dev5_cg_lh_tflite_to_keras/target.onnx", 127.5, 224},
    };
    const char *real = real_data();
    (void)state;
    if (!real)
        skip();
    for (size_t i = 0; i < FF_COUNT(models); i++) {
        char *path = ff_asprintf("%s/cases/%s", real, models[i].path);
        ff_model *m;
        ff_pre p;
        const char *why = NULL;
        assert_int_equal(ff_model_load(path, &m), FF_OK);
        ff_pre_guess(m, &p, &why);
        int side = p.shorter ? p.crop_width : p.width;
        if (p.scale != models[i].scale || side != models[i].side || !why || !*why)
            fail_msg("%s: scale %g side %d because %s", models[i].path, p.scale, side, why);
        ff_model_unref(m);
        free(path);
    }
}

/* ------------------------------------------------------- models made here, as protobuf fields */

static void put_number(ff_buf *b, int field, uint64_t v)
{
    ff_buf_putc(b, (char)(field << 3));
    for (; v >= 128; v >>= 7)
        ff_buf_putc(b, (char)(v | 128));
    ff_buf_putc(b, (char)v);
}

static void put_bytes(ff_buf *b, int field, const char *data, size_t n)
{
    size_t left = n;
    ff_buf_putc(b, (char)(field << 3 | 2));
    for (; left >= 128; left >>= 7)
        ff_buf_putc(b, (char)(left | 128));
    ff_buf_putc(b, (char)left);
    ff_buf_add(b, data, n);
}

static void put_text(ff_buf *b, int field, const char *s)
{
    put_bytes(b, field, s, strlen(s));
}

static void put_message(ff_buf *b, int field, ff_buf *inner)
{
    put_bytes(b, field, inner->data ? inner->data : "", inner->len);
    ff_buf_finish(inner);
}

/* ValueInfoProto of a float32 or uint8 picture. */
static void put_value(ff_buf *graph, int field, const char *name, int type, const int *dims)
{
    ff_buf shape = {0}, tensor = {0}, whole = {0}, value = {0};
    for (int i = 0; i < 4; i++) {
        ff_buf dim = {0};
        put_number(&dim, 1, (uint64_t)dims[i]);
        put_message(&shape, 1, &dim);
    }
    put_number(&tensor, 1, (uint64_t)type);
    put_message(&tensor, 2, &shape);
    put_message(&whole, 1, &tensor);
    put_text(&value, 1, name);
    put_message(&value, 2, &whole);
    put_message(graph, field, &value);
}

/* Operators "Op" in a chain from x to y; Sub and Div take the constant "c" too. */
static ff_model *chain(const char *producer, int type, const int *dims, const char *const *ops, int n,
                       const char *node_name)
{
    ff_buf graph = {0}, model = {0}, opset = {0}, constant = {0};
    char in[16] = "x", out[16];
    for (int i = 0; i < n; i++) {
        ff_buf node = {0};
        snprintf(out, sizeof out, i + 1 < n ? "t%d" : "y", i);
        put_text(&node, 1, in);
        if (strcmp(ops[i], "Sub") == 0 || strcmp(ops[i], "Div") == 0)
            put_text(&node, 1, "c");
        put_text(&node, 2, out);
        put_text(&node, 3, node_name);
        put_text(&node, 4, ops[i]);
        put_message(&graph, 1, &node);
        strcpy(in, out);
    }
    put_text(&graph, 2, "g");
    put_number(&constant, 2, FF_FLOAT);
    put_text(&constant, 8, "c");
    put_bytes(&constant, 9, "\0\0\x80\x3F", 4);
    put_message(&graph, 5, &constant);
    put_value(&graph, 11, "x", type, dims);
    put_value(&graph, 12, "y", type, dims);
    put_number(&model, 1, 8);
    put_text(&model, 2, producer);
    put_message(&model, 7, &graph);
    put_number(&opset, 2, 13);
    put_message(&model, 8, &opset);
    ff_model *m = NULL;
    if (ff_model_parse(model.data, model.len, NULL, &m) != FF_OK)
        fail_msg("%s", ff_error());
    ff_buf_finish(&model);
    return m;
}

static void traits(void **state)
{
    static const int nchw[] = {1, 3, 299, 299}, nhwc[] = {1, 200, 100, 3};
    static const struct {
        const char *producer;
        int type;
        const int *dims;
        const char *ops[2];
        const char *node;
        double scale;
        bool bgr;
        int shorter, width, height;
    } made[] = {
        {"", FF_FLOAT, nchw, {"Relu", "Relu"}, "n", 255, false, 342, 0, 0},
        {"pytorch", FF_FLOAT, nchw, {"Relu", "Relu"}, "n", 255, false, 342, 0, 0},
        {"", FF_FLOAT, nhwc, {"Relu", "Relu"}, "n", 127.5, false, 0, 100, 200},
        {"tf2onnx", FF_FLOAT, nhwc, {"Sub", "Relu"}, "n", 1, false, 0, 100, 200},
        {"pytorch", FF_FLOAT, nchw, {"Identity", "Div"}, "n", 1, false, 0, 299, 299},
        {"tf2onnx", FF_UINT8, nhwc, {"Identity", "Identity"}, "n", 1, false, 0, 100, 200},
        {"tf2onnx", FF_FLOAT, nhwc, {"Relu", "Relu"}, "vgg16/block1_conv1", 1, true, 0, 100, 200},
        {"keras2onnx", FF_FLOAT, nchw, {"Relu", "Relu"}, "n", 127.5, false, 0, 299, 299},
    };
    (void)state;
    for (size_t i = 0; i < FF_COUNT(made); i++) {
        ff_model *m = chain(made[i].producer, made[i].type, made[i].dims, made[i].ops, 2, made[i].node);
        ff_pre p;
        const char *why = "";
        ff_pre_guess(m, &p, &why);
        if (p.scale != made[i].scale || p.bgr != made[i].bgr || p.shorter != made[i].shorter ||
            p.width != made[i].width || p.height != made[i].height || !*why)
            fail_msg("row %d: scale %g because %s", (int)i, p.scale, why);
        ff_model_unref(m);
    }
}

/* An input that leaves its height and width open; flattened before a dense layer for pictures of `side`, or pooled. */
static ff_model *open_size(int64_t side)
{
    const char *name = "x";
    ff_shape shape = {FF_FLOAT, 4, {-1, 3, -1, -1}};
    ff_model *empty, *m;
    ff_tensor *w;
    ff_patch *p = ff_patch_create();
    assert_int_equal(ff_model_create("pytorch 1.13", 7, 13, "n", 1, &name, &shape, &empty), FF_OK);
    assert_int_equal(ff_tensor_create(FF_FLOAT, 2, (const int64_t[]){side ? 3 * side * side : 3, 2}, &w), FF_OK);
    ff_patch_set_initializer(p, "w", w);
    static const char *const names[] = {"x", "p", "f", "w", "y"};
    const struct {
        const char *op;
        int from, to, inputs;
    } nodes[] = {{side ? "Identity" : "GlobalAveragePool", 0, 1, 1}, {"Flatten", 1, 2, 1}, {"MatMul", 2, 4, 2}};
    for (size_t i = 0; i < FF_COUNT(nodes); i++)
        ff_patch_insert_node(p,
                             &(ff_node_spec){.op = nodes[i].op,
                                             .name = nodes[i].op,
                                             .domain = "",
                                             .n_inputs = nodes[i].inputs,
                                             .n_outputs = 1,
                                             .inputs = names + nodes[i].from,
                                             .outputs = names + nodes[i].to},
                             NULL);
    ff_patch_add_output(p, "y", &(ff_shape){FF_FLOAT, 2, {-1, 2}});
    if (ff_model_apply(empty, p, &m, NULL) != FF_OK)
        fail_msg("%s", ff_error());
    ff_patch_destroy(p);
    ff_tensor_unref(w);
    ff_model_unref(empty);
    return m;
}

static void sizes_left_open(void **state)
{
    ff_model *small = open_size(96), *any = open_size(0);
    ff_pre p, q;
    (void)state;
    ff_pre_guess(small, &p, NULL); /* what its operators take */
    assert_true(ff_pre_assume_size(&p, small, true));
    assert_true(p.crop_width == 96 && p.crop_height == 96 && p.shorter == 110);
    assert_false(ff_pre_assume_size(&p, small, true));
    ff_pre_guess(any, &q, NULL); /* what the other model has, else the usual */
    ff_pre_take_size(&q, any, &p, small, true);
    assert_true(q.crop_width == 96 && q.shorter == 110);
    assert_int_equal(ff_pre_parse("tf", &q), FF_OK);
    assert_true(ff_pre_assume_size(&q, any, false));
    assert_true(q.width == 224 && q.height == 224);
    assert_int_equal(ff_pre_parse("tf size=40x50", &q), FF_OK); /* what is said */
    assert_false(ff_pre_assume_size(&q, any, false));
    ff_pre_take_size(&q, any, &p, small, false);
    assert_true(q.width + q.height == 90);
    ff_model_unref(small);
    ff_model_unref(any);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(real_models), cmocka_unit_test(traits),
                                       cmocka_unit_test(sizes_left_open)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
