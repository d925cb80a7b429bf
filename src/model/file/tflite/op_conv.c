/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Convolutions, pooling and dense layers. */
#include "model/file/tflite/tflite.h"

#include <string.h>

enum { SAME, VALID, MOST_ATTRS = 8 };

/* How a window moves over the two axes of an image. */
typedef struct window {
    int64_t kernel[2], strides[2], dilations[2], pads[4];
    bool automatic; /* SAME over a size that is not known: resolved at run time */
} window;

/* of: the tensor that the padding is counted for, its size in the file's layout. */
static void pad_same(window *w, const tfl_tensor *of, int64_t padding)
{
    if (padding != SAME)
        return;
    for (int i = 0; i < 2; i++) {
        int64_t n = of->shape.dims[1 + i];
        w->automatic |= n < 0;
        int64_t total = ((n + w->strides[i] - 1) / w->strides[i] - 1) * w->strides[i] +
                        (w->kernel[i] - 1) * w->dilations[i] + 1 - n;
        total = total > 0 ? total : 0;
        w->pads[i] = total / 2;
        w->pads[2 + i] = total - total / 2;
    }
}

static bool window_fits(tfl_op *op, const window *w)
{
    for (int i = 0; i < 2; i++)
        if (w->kernel[i] < 1 || w->kernel[i] > 1 << 24 || w->strides[i] < 1 || w->strides[i] > 1 << 24 ||
            w->dilations[i] < 1 || w->dilations[i] > 1 << 24) {
            tfl_fail(op, "a window of %lld with stride %lld and dilation %lld", (long long)w->kernel[i],
                     (long long)w->strides[i], (long long)w->dilations[i]);
            return false;
        }
    return true;
}

static int window_attrs(const window *w, bool dilated, ff_attr *a)
{
    int n = 0;
    a[n++] = attr_ints("kernel_shape", 2, w->kernel);
    a[n++] = attr_ints("strides", 2, w->strides);
    if (dilated)
        a[n++] = attr_ints("dilations", 2, w->dilations);
    if (w->automatic)
        a[n++] = attr_text("auto_pad", "SAME_UPPER");
    else
        a[n++] = attr_ints("pads", 4, w->pads);
    return n;
}

static bool image_operands(tfl_op *op, tfl_tensor **x, tfl_tensor **w, tfl_tensor **y)
{
    *x = tfl_in(op, 0);
    *w = tfl_in(op, 1);
    *y = tfl_out(op, 0);
    if (!*x || !*w || !*y || (*x)->shape.rank != 4 || (*w)->shape.rank != 4) {
        tfl_fail(op, "it needs an image and weights of rank 4");
        return false;
    }
    for (int i = 0; i < 4; i++)
        if ((*w)->shape.dims[i] < 1) {
            tfl_fail(op, "weights of size %lld", (long long)(*w)->shape.dims[i]);
            return false;
        }
    return true;
}

static bool is_byte(const tfl_tensor *t)
{
    return tfl_quantized(t) && (t->shape.dtype == FF_UINT8 || t->shape.dtype == FF_INT8);
}

/* Weights as real numbers: as they are, or behind DequantizeLinear, whose axis `axis` is once they are turned. */
static const char *real_weight(tfl_op *op, tfl_tensor *w, const int *perm, int axis, int rank, const int64_t *dims)
{
    const char *value = w->data || w->constant ? tfl_weight(op, w, perm, rank, dims) : NULL;
    if (value == NULL) {
        int64_t order[4];
        for (int i = 0; i < 4; i++)
            order[i] = perm ? perm[i] : i;
        value = tfl_real(op, w, TFL_LAST);
        return perm ? builder_transpose(op->r->b, ff_arena_printf(op->r->names, "%s/turned", w->name), value, 4, order)
                    : value;
    }
    if (!tfl_quantized(w))
        return value;
    ff_attr a = attr_int("axis", axis);
    const char *inputs[] = {value, tfl_scale_of(op, w), tfl_zero_of(op, w)};
    return builder_node(op->r->b, "DequantizeLinear", ff_arena_printf(op->r->names, "%s/real", w->name), 3, inputs,
                        w->scales.n > 1, &a);
}

static const char *real_bias(tfl_op *op, int i)
{
    tfl_tensor *t = tfl_in(op, i);
    return t ? tfl_real(op, t, TFL_LAST) : "";
}

/* x, w and the result are bytes, and the sums exact: QLinearConv. */
static void quantized_conv(tfl_op *op, tfl_tensor *x, tfl_tensor *w, tfl_tensor *y, const int *perm, int activation,
                           int n_attrs, const ff_attr *attrs)
{
    tfl_tensor *bias = tfl_in(op, 2);
    const char *inputs[] = {tfl_value(op, x, TFL_FIRST),
                            tfl_scale_of(op, x),
                            tfl_zero_of(op, x),
                            tfl_weight(op, w, perm, -1, NULL),
                            tfl_scale_of(op, w),
                            tfl_zero_of(op, w),
                            tfl_scale_of(op, y),
                            tfl_zero_of(op, y),
                            bias ? tfl_value(op, bias, TFL_LAST) : ""};
    const char *name = tfl_last_name(op, 0, TFL_FIRST, "conv", activation, true);
    if (op->r->code)
        return;
    const char *value = builder_node(op->r->b, "QLinearConv", name, bias ? 9 : 8, inputs, n_attrs, attrs);
    tfl_set_quantized(op, 0, TFL_FIRST, value, activation);
}

static void make_conv(tfl_op *op, const int *perm, window *win, int64_t padding, int64_t group, int activation)
{
    tfl_tensor *x, *w, *y, *bias = tfl_in(op, 2);
    ff_attr attrs[MOST_ATTRS];
    if (op->r->code || !image_operands(op, &x, &w, &y) || !window_fits(op, win))
        return;
    pad_same(win, x, padding);
    int n = window_attrs(win, true, attrs);
    attrs[n++] = attr_int("group", group);
    if (is_byte(x) && is_byte(y) && is_byte(w) && w->data && x->scales.n == 1 && y->scales.n == 1 &&
        (!bias || bias->shape.dtype == FF_INT32) && activation != TFL_TANH) {
        quantized_conv(op, x, w, y, perm, activation, n, attrs);
        return;
    }
    const char *inputs[] = {tfl_real(op, x, TFL_FIRST), real_weight(op, w, perm, 0, -1, NULL), real_bias(op, 2)};
    const char *name = tfl_last_name(op, 0, TFL_FIRST, "conv", activation, false);
    if (op->r->code)
        return;
    const char *value = builder_node(op->r->b, "Conv", name, bias ? 3 : 2, inputs, n, attrs);
    tfl_set_real(op, 0, TFL_FIRST, value, activation);
}

void tfl_make_conv(tfl_op *op)
{
    static const int perm[] = {0, 3, 1, 2};
    tfl_tensor *x, *w, *y;
    if (!image_operands(op, &x, &w, &y))
        return;
    window win = {.kernel = {w->shape.dims[1], w->shape.dims[2]},
                  .strides = {tfl_option(op, 2, 4, 0), tfl_option(op, 1, 4, 0)},
                  .dilations = {tfl_option(op, 5, 4, 1), tfl_option(op, 4, 4, 1)}};
    int64_t channels = x->shape.dims[3], of = w->shape.dims[3];
    if (channels < 0 || channels % of) {
        tfl_fail(op, "%lld channels for weights of %lld", (long long)channels, (long long)of);
        return;
    }
    make_conv(op, perm, &win, tfl_option(op, 0, 1, SAME), channels / of, (int)tfl_option(op, 3, 1, 0));
}

void tfl_make_depthwise(tfl_op *op)
{
    static const int perm[] = {3, 0, 1, 2};
    tfl_tensor *x, *w, *y;
    if (!image_operands(op, &x, &w, &y))
        return;
    window win = {.kernel = {w->shape.dims[1], w->shape.dims[2]},
                  .strides = {tfl_option(op, 2, 4, 0), tfl_option(op, 1, 4, 0)},
                  .dilations = {tfl_option(op, 6, 4, 1), tfl_option(op, 5, 4, 1)}};
    int64_t channels = x->shape.dims[3];
    if (channels < 1 || w->shape.dims[0] != 1 || w->shape.dims[3] % channels) {
        tfl_fail(op, "%lld channels for weights of %lld", (long long)channels, (long long)w->shape.dims[3]);
        return;
    }
    make_conv(op, perm, &win, tfl_option(op, 0, 1, SAME), channels, (int)tfl_option(op, 4, 1, 0));
}

/* Inputs: the size of the result, weights OHWI, the image, the bias. */
void tfl_make_transpose_conv(tfl_op *op)
{
    static const int perm[] = {3, 0, 1, 2};
    tfl_tensor *w = tfl_in(op, 1), *x = tfl_in(op, 2), *y = tfl_out(op, 0), *bias = tfl_in(op, 3);
    int64_t size[4];
    int n_size, activation = (int)tfl_option(op, 3, 1, 0);
    ff_attr attrs[MOST_ATTRS];
    if (!w || !x || !y || w->shape.rank != 4 || x->shape.rank != 4 || !tfl_ints(op, 0, 4, &n_size, size) ||
        n_size != 4) {
        tfl_fail(op, "it needs a size, an image and weights of rank 4");
        return;
    }
    window win = {.kernel = {w->shape.dims[1], w->shape.dims[2]},
                  .strides = {tfl_option(op, 2, 4, 0), tfl_option(op, 1, 4, 0)},
                  .dilations = {1, 1}};
    if (!window_fits(op, &win))
        return;
    tfl_tensor whole = *y; /* the padding is counted for the result */
    memcpy(whole.shape.dims, size, sizeof size);
    pad_same(&win, &whole, tfl_option(op, 0, 1, SAME));
    int64_t extra[2];
    for (int i = 0; i < 2; i++) { /* the rows and columns that the strides do not reach */
        extra[i] =
            size[1 + i] + win.pads[i] + win.pads[2 + i] - (x->shape.dims[1 + i] - 1) * win.strides[i] - win.kernel[i];
        if (x->shape.dims[1 + i] < 0 || extra[i] < 0) {
            tfl_fail(op, "a result of %lld from an image of %lld", (long long)size[1 + i],
                     (long long)x->shape.dims[1 + i]);
            return;
        }
    }
    int n = window_attrs(&win, false, attrs);
    attrs[n++] = attr_ints("output_padding", 2, extra);
    const char *inputs[] = {tfl_real(op, x, TFL_FIRST), real_weight(op, w, perm, 1, -1, NULL), real_bias(op, 3)};
    const char *name = tfl_last_name(op, 0, TFL_FIRST, "conv", activation, false);
    if (op->r->code)
        return;
    tfl_set_real(op, 0, TFL_FIRST, builder_node(op->r->b, "ConvTranspose", name, bias ? 3 : 2, inputs, n, attrs),
                 activation);
}

/* --------------------------------------------------------------------------------------------------- pools */

/* The mean of the integers as stored, rounded half away from zero. */
static const char *integer_mean(tfl_op *op, tfl_tensor *x, const char *name, int n, const ff_attr *attrs)
{
    builder *b = op->r->b;
    ff_attr real = attr_int("to", FF_FLOAT), integer = attr_int("to", x->shape.dtype);
    const char *stem = tfl_name(op, 0, TFL_FIRST, "mean");
    const char *mean = builder_unary(b, "Cast", stem, tfl_value(op, x, TFL_FIRST), 1, &real);
    mean = builder_unary(b, "AveragePool", stem, mean, n, attrs);
    const char *size = x->shape.dtype == FF_UINT8 ? mean : builder_unary(b, "Abs", stem, mean, 0, NULL);
    size = builder_binary(b, "Add", stem, size, builder_real(b, "half", 0.5));
    size = builder_unary(b, "Floor", stem, size, 0, NULL);
    if (x->shape.dtype != FF_UINT8)
        size = builder_binary(b, "Mul", stem, size, builder_unary(b, "Sign", stem, mean, 0, NULL));
    return builder_unary(b, "Cast", name, size, 1, &integer);
}

void tfl_make_pool(tfl_op *op)
{
    tfl_tensor *x = tfl_in(op, 0), *y = tfl_out(op, 0);
    int activation = (int)tfl_option(op, 5, 1, 0);
    bool mean = strcmp(op->row->onnx, "AveragePool") == 0;
    ff_attr attrs[MOST_ATTRS];
    if (!x || !y || x->shape.rank != 4) {
        tfl_fail(op, "it needs an image of rank 4");
        return;
    }
    window w = {.kernel = {tfl_option(op, 4, 4, 0), tfl_option(op, 3, 4, 0)},
                .strides = {tfl_option(op, 2, 4, 0), tfl_option(op, 1, 4, 0)},
                .dilations = {1, 1}};
    if (!window_fits(op, &w))
        return;
    pad_same(&w, x, tfl_option(op, 0, 1, SAME));
    int n = window_attrs(&w, false, attrs);
    if (is_byte(x)) { /* its scale is the result's */
        const char *name = tfl_last_name(op, 0, TFL_FIRST, "pool", activation, true);
        const char *value = mean ? integer_mean(op, x, name, n, attrs)
                                 : builder_unary(op->r->b, op->row->onnx, name, tfl_value(op, x, TFL_FIRST), n, attrs);
        tfl_set_quantized(op, 0, TFL_FIRST, value, activation);
        return;
    }
    const char *name = tfl_last_name(op, 0, TFL_FIRST, "pool", activation, false);
    tfl_set_real(op, 0, TFL_FIRST, builder_unary(op->r->b, op->row->onnx, name, tfl_real(op, x, TFL_FIRST), n, attrs),
                 activation);
}

/* ------------------------------------------------------------------------------------------- dense layers */

static bool last_is(const tfl_tensor *t, int64_t n)
{
    return t->shape.rank == 2 && t->shape.dims[1] == n;
}

static void quantized_dense(tfl_op *op, const char *x, tfl_tensor *from, tfl_tensor *w, tfl_tensor *y, const char *name,
                            int activation, const char **value)
{
    tfl_tensor *bias = tfl_in(op, 2);
    ff_attr turned = attr_int("transB", 1);
    const char *inputs[] = {x,
                            tfl_scale_of(op, from),
                            tfl_zero_of(op, from),
                            tfl_weight(op, w, NULL, -1, NULL),
                            tfl_scale_of(op, w),
                            tfl_zero_of(op, w),
                            bias ? tfl_value(op, bias, TFL_LAST) : "",
                            tfl_scale_of(op, y),
                            tfl_zero_of(op, y)};
    (void)activation;
    builder_node_of(op->r->b, "com.microsoft", "QGemm", name, 9, inputs, 1, &turned, 1, value);
}

void tfl_make_fully_connected(tfl_op *op)
{
    tfl_tensor *x = tfl_in(op, 0), *w = tfl_in(op, 1), *bias = tfl_in(op, 2), *y = tfl_out(op, 0);
    int activation = (int)tfl_option(op, 0, 1, 0);
    builder *b = op->r->b;
    if (!x || !w || !y || w->shape.rank != 2 || w->shape.dims[0] < 1 || w->shape.dims[1] < 1) {
        tfl_fail(op, "it needs a tensor and weights of rank 2");
        return;
    }
    if (tfl_option(op, 1, 1, 0) != 0) {
        tfl_fail(op, "shuffled weights are not supported");
        return;
    }
    int64_t in = w->shape.dims[1], out = w->shape.dims[0];
    bool integers = is_byte(x) && is_byte(w) && is_byte(y) && w->data && x->scales.n == 1 && y->scales.n == 1 &&
                    activation != TFL_TANH && (!bias || bias->shape.dtype == FF_INT32);
    bool flat = y->shape.rank == 2;
    const char *rows = integers ? tfl_value(op, x, TFL_LAST) : tfl_real(op, x, TFL_LAST), *value = "";
    if (!last_is(x, in))
        rows = builder_reshape(b, tfl_name(op, 0, TFL_LAST, "rows"), rows, 2, (const int64_t[]){-1, in});
    const char *name =
        flat ? tfl_last_name(op, 0, TFL_LAST, "product", activation, integers) : tfl_name(op, 0, TFL_LAST, "product");
    if (integers) {
        quantized_dense(op, rows, x, w, y, name, activation, &value);
    } else {
        ff_attr turned = attr_int("transB", 1);
        const char *inputs[] = {rows, real_weight(op, w, NULL, 0, -1, NULL), real_bias(op, 2)};
        if (!(w->data || w->constant))
            inputs[1] = tfl_real(op, w, TFL_LAST);
        value = builder_node(b, "Gemm", name, bias ? 3 : 2, inputs, 1, &turned);
    }
    if (!flat) { /* keep_num_dims */
        int64_t dims[FF_MAX_RANK], rank = x->shape.rank;
        for (int i = 0; i + 1 < rank; i++)
            dims[i] = x->shape.dims[i] < 0 ? i == 0 ? -1 : 0 : x->shape.dims[i];
        dims[rank > 0 ? rank - 1 : 0] = out;
        value = builder_reshape(b, tfl_last_name(op, 0, TFL_LAST, "shaped", activation, integers), value,
                                rank > 0 ? (int)rank : 1, dims);
    }
    if (integers)
        tfl_set_quantized(op, 0, TFL_LAST, value, activation);
    else
        tfl_set_real(op, 0, TFL_LAST, value, activation);
}
