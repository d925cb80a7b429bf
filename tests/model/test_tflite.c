/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TFLite files: what they compute, what is written back into them, and what is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fetafix/compute.h"
#include "fetafix/model.h"
#include "tflite_writer.h"

enum { FLOAT = 0, INT32 = 2, INT8 = 9, CONV = 3, DEPTHWISE = 4, CUSTOM = 32, RESHAPE = 22, ADD = 0 };

static ff_model *parse(const ff_buf *b)
{
    ff_model *m = NULL;
    if (ff_model_parse(b->data, b->len, NULL, &m) != FF_OK)
        fail_msg("%s", ff_error());
    return m;
}

static ff_tensor *run(const ff_model *m, ff_dtype type, int rank, const int64_t *dims, const void *data)
{
    ff_tensor *x, *y = NULL;
    assert_int_equal(ff_tensor_create(type, rank, dims, &x), FF_OK);
    memcpy(x->data, data, x->bytes);
    if (ff_interpret(ff_model_graph(m), (const ff_tensor *const *)&x, NULL, NULL, &y) != FF_OK)
        fail_msg("%s", ff_error());
    ff_tensor_unref(x);
    return y;
}

/* An image of 3 x 3 and two channels, windows of 2 x 2 that move by 2, SAME: the odd row and column come last. */
static const float image[] = {1, -2, 3, 4, -5, 6, 7, 8, -9, 1, 2, 3, -4, 5, 6, -7, 8, 9};
static const float weight[] = {.5F, 1, -1, 2, 1, 0, .25F, -.5F, 1, 1, 1, 1, -2, .5F, 0, 3};
static const float bias[] = {.5F, -1};

static void conv_by_hand(const float *w, bool depthwise, float *y)
{
    for (int row = 0; row < 2; row++)
        for (int column = 0; column < 2; column++)
            for (int o = 0; o < 2; o++) {
                float sum = bias[o];
                for (int i = 0; i < 2; i++)
                    for (int j = 0; j < 2; j++)
                        for (int c = 0; c < 2; c++) {
                            int r = 2 * row + i, k = 2 * column + j;
                            if (r > 2 || k > 2 || (depthwise && c != o))
                                continue;
                            sum += image[(r * 3 + k) * 2 + c] *
                                   (depthwise ? w[(i * 2 + j) * 2 + c] : w[((o * 2 + i) * 2 + j) * 2 + c]);
                        }
                y[(row * 2 + column) * 2 + o] = sum < 0 ? 0 : sum > 6 ? 6 : sum;
            }
}

static void put_conv(ff_buf *b, bool depthwise)
{
    const tiny_tensor tensors[] = {
        {"image", FLOAT, 4, {1, 3, 3, 2}},
        {"kernel", FLOAT, 4, {depthwise ? 1 : 2, 2, 2, 2}, weight, depthwise ? 32 : sizeof weight},
        {"bias", FLOAT, 1, {2}, bias, sizeof bias},
        {"result", FLOAT, 4, {1, 2, 2, 2}},
    };
    tiny_op op = {.code = CONV, .n_in = 3, .in = {0, 1, 2}, .n_out = 1, .out = {3}};
    if (depthwise) {
        op.code = DEPTHWISE;
        op.options_type = 2;
        op.options = "-4441";
        op.n_values = 4;
        memcpy(op.values, (int64_t[]){2, 2, 1, 3}, 4 * sizeof(int64_t));
    } else {
        op.options_type = 1;
        op.options = "-441";
        op.n_values = 3;
        memcpy(op.values, (int64_t[]){2, 2, 3}, 3 * sizeof(int64_t));
    }
    put_model(b, 4, tensors, 1, &op, 0, 3);
}

static void check_conv(const ff_model *m, const float *w, bool depthwise)
{
    float want[8];
    ff_tensor *y = run(m, FF_FLOAT, 4, (const int64_t[]){1, 3, 3, 2}, image);
    conv_by_hand(w, depthwise, want);
    assert_int_equal(y->count, 8);
    assert_int_equal(y->dims[3], 2);
    for (int i = 0; i < 8; i++)
        assert_true(fabsf(((const float *)y->data)[i] - want[i]) < 1e-5F);
    ff_tensor_unref(y);
}

static void test_conv(void **state)
{
    for (int depthwise = 0; depthwise < 2; depthwise++) {
        ff_buf b = {0};
        put_conv(&b, depthwise);
        ff_model *m = parse(&b);
        assert_string_equal(ff_model_format(m), "TFLite");
        assert_string_equal(ff_model_graph(m)->inputs[0]->name, "image");
        assert_string_equal(ff_model_graph(m)->outputs[0]->name, "result");
        check_conv(m, weight, depthwise);
        ff_model_unref(m);
        ff_buf_finish(&b);
    }
}

/* Twice the numbers, in the order that the model has them. */
static ff_model *doubled(const ff_model *m, const char *name)
{
    const ff_value *v = ff_model_find_value(m, name);
    ff_tensor *t;
    ff_model *edited = NULL;
    ff_patch *p = ff_patch_create();
    assert_non_null(v);
    assert_int_equal(ff_tensor_create(v->initializer->dtype, v->initializer->rank, v->initializer->dims, &t), FF_OK);
    for (int64_t i = 0; i < t->count; i++)
        ff_tensor_set_real(t, i, 2 * ff_tensor_get_real(v->initializer, i));
    ff_patch_set_initializer(p, name, t);
    assert_int_equal(ff_model_apply(m, p, &edited, NULL), FF_OK);
    ff_patch_destroy(p);
    ff_tensor_unref(t);
    return edited;
}

static void test_write_back(void **state)
{
    for (int depthwise = 0; depthwise < 2; depthwise++) {
        float twice[16];
        ff_buf b = {0};
        put_conv(&b, depthwise);
        ff_model *m = parse(&b), *edited = doubled(m, "kernel");
        ff_buf out = {0};
        for (int i = 0; i < 16; i++)
            twice[i] = 2 * weight[i];
        check_conv(edited, twice, depthwise);
        assert_int_equal(ff_model_serialize(edited, &out.data, &out.len), FF_OK);
        assert_int_equal(out.len, b.len); /* in place: nothing else moved */
        int changed = 0;
        for (size_t i = 0; i < b.len; i++)
            changed += b.data[i] != out.data[i];
        assert_in_range(changed, 1, depthwise ? 32 : 64);
        ff_model *again = parse(&out);
        check_conv(again, twice, depthwise);
        char *same;
        size_t size;
        assert_int_equal(ff_model_serialize(m, &same, &size), FF_OK);
        assert_int_equal(size, b.len);
        assert_memory_equal(same, b.data, size);
        free(same);
        ff_model_unref(again);
        ff_model_unref(edited);
        ff_model_unref(m);
        free(out.data);
        ff_buf_finish(&b);
    }
}

/* Integers with a scale for each filter, and a clamp in integers: RELU6 of a scale of 0.05 ends at zero point + 120. */
static void test_integers(void **state)
{
    static const int8_t x[] = {10, -20, 30, 40}, w[] = {7, -3, 127, 5};
    static const int32_t offsets[] = {100, -200};
    static const float sx = .1F, sw[] = {.02F, .011F}, sy = .05F, sb[] = {.002F, .0011F};
    static const int64_t zx = -5, zw[] = {0, 0}, zy = -100;
    const tiny_tensor tensors[] = {
        {"x", INT8, 4, {1, 1, 2, 2}, NULL, 0, 1, 0, &sx, &zx},
        {"w", INT8, 4, {2, 1, 1, 2}, w, sizeof w, 2, 0, sw, zw},
        {"b", INT32, 1, {2}, offsets, sizeof offsets, 2, 0, sb, zw},
        {"y", INT8, 4, {1, 1, 2, 2}, NULL, 0, 1, 0, &sy, &zy},
    };
    const tiny_op op = {.code = CONV,
                        .options_type = 1,
                        .n_in = 3,
                        .in = {0, 1, 2},
                        .n_out = 1,
                        .out = {3},
                        .options = "-441",
                        .n_values = 3,
                        .values = {1, 1, 3}};
    ff_buf b = {0};
    put_model(&b, 4, tensors, 1, &op, 0, 3);
    ff_model *m = parse(&b);
    ff_tensor *y = run(m, FF_INT8, 4, (const int64_t[]){1, 1, 2, 2}, x);
    for (int pixel = 0; pixel < 2; pixel++)
        for (int o = 0; o < 2; o++) {
            int sum = offsets[o];
            for (int c = 0; c < 2; c++)
                sum += (x[pixel * 2 + c] + 5) * w[o * 2 + c];
            int v = (int)rintf((float)sum * (sx * sw[o] / sy)) - 100;
            v = v < -100 ? -100 : v > 20 ? 20 : v;
            assert_int_equal(((const int8_t *)y->data)[pixel * 2 + o], v);
        }
    ff_tensor_unref(y);
    ff_model_unref(m);
    ff_buf_finish(&b);
}

static void refuse(const ff_buf *b, int code, const char *words)
{
    ff_model *m = NULL;
    assert_int_equal(ff_model_parse(b->data, b->len, NULL, &m), code);
    if (strstr(ff_error(), words) == NULL)
        fail_msg("'%s' does not say '%s'", ff_error(), words);
    assert_null(strchr(ff_error(), '\n'));
}

static void test_custom(void **state)
{
    static const struct {
        const char *custom, *words;
    } cases[] = {{"MyDetector", "'MyDetector'"}, {"edgetpu-custom-op", "Edge TPU"}};
    for (size_t i = 0; i < FF_COUNT(cases); i++) {
        const tiny_tensor tensors[] = {{"x", FLOAT, 1, {4}}, {"y", FLOAT, 1, {4}}};
        const tiny_op op = {.code = CUSTOM, .custom = cases[i].custom, .n_in = 1, .in = {0}, .n_out = 1, .out = {1}};
        ff_buf b = {0};
        put_model(&b, 2, tensors, 1, &op, 0, 1);
        refuse(&b, FF_ERR_UNSUPPORTED, cases[i].words);
        ff_buf_finish(&b);
    }
}

/* An operator that reads what it makes, and one whose operands are not there. */
static void test_cycle(void **state)
{
    const tiny_tensor tensors[] = {{"x", FLOAT, 1, {4}}, {"y", FLOAT, 1, {4}}};
    tiny_op op = {.code = ADD, .n_in = 2, .in = {0, 1}, .n_out = 1, .out = {1}};
    ff_buf b = {0};
    put_model(&b, 2, tensors, 1, &op, 0, 1);
    refuse(&b, FF_ERR_UNSUPPORTED, "read before it is made");
    ff_buf_clear(&b);
    op.in[1] = 77;
    put_model(&b, 2, tensors, 1, &op, 0, 1);
    refuse(&b, FF_ERR_UNSUPPORTED, "tensor 77");
    ff_buf_finish(&b);
}

static void look(const char *data, size_t size)
{
    ff_model *m = NULL;
    char *bytes;
    size_t n;
    /* A copy of that very size: reading past its end is seen. */
    char *copy = malloc(size ? size : 1);
    memcpy(copy, data, size);
    uint64_t before = ff_memory_peak();
    if (ff_model_parse(copy, size, NULL, &m) == FF_OK) {
        if (ff_model_serialize(m, &bytes, &n) == FF_OK)
            free(bytes);
        ff_model_unref(m);
    } else {
        assert_int_not_equal(ff_error()[0], '\0');
    }
    assert_true(ff_memory_peak() - before < (uint64_t)256 << 20);
    free(copy);
}

static void test_damaged(void **state)
{
    uint64_t random = 88172645463325252U;
    for (int depthwise = 0; depthwise < 2; depthwise++) {
        ff_buf b = {0};
        put_conv(&b, depthwise);
        for (size_t n = 0; n < b.len; n++)
            look(b.data, n);
        for (int round = 0; round < 6000; round++) {
            char *copy = malloc(b.len);
            memcpy(copy, b.data, b.len);
            for (int k = 0; k <= round % 4; k++) {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                size_t at = 8 + random % (b.len - 8);
                if (round & 8)
                    copy[at] = (char)(random >> 32);
                else
                    copy[at] ^= (char)(1 << (random >> 40 & 7));
                if (round & 16 && at + 4 < b.len) /* an offset or a size out of all measure */
                    memset(copy + at, round & 32 ? 0xff : 0x7f, 4);
            }
            look(copy, b.len);
            free(copy);
        }
        ff_buf_finish(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv),   cmocka_unit_test(test_write_back), cmocka_unit_test(test_integers),
        cmocka_unit_test(test_custom), cmocka_unit_test(test_cycle),      cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests_name("tflite", tests, NULL, NULL);
}
