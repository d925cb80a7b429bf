/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reductions, products, softmax, and images of another size. */
#include "model/file/tflite/tflite.h"

#include <stdlib.h>
#include <string.h>

static const char *sub(tfl_op *op, const char *what)
{
    return ff_arena_printf(op->r->names, "%s/%s", op->name, what);
}

void tfl_make_softmax(tfl_op *op)
{
    tfl_tensor *x = tfl_in(op, 0);
    builder *b = op->r->b;
    if (!x)
        return;
    bool log = op->row->code == 50;
    double beta = log ? 1 : (double)fb_real(&op->options, 0, 0);
    const char *v = tfl_real(op, x, TFL_LAST);
    if (beta != 1)
        v = builder_binary(b, "Mul", sub(op, "scaled"), v, builder_real(b, "beta", beta));
    ff_attr axis = attr_int("axis", -1);
    v = builder_unary(b, op->row->onnx, tfl_last_name(op, 0, TFL_LAST, "real", TFL_NONE, false), v, 1, &axis);
    tfl_set_real(op, 0, TFL_LAST, v, TFL_NONE);
}

void tfl_make_l2(tfl_op *op)
{
    tfl_tensor *x = tfl_in(op, 0);
    if (!x)
        return;
    ff_attr a[] = {attr_int("axis", -1), attr_int("p", 2)};
    const char *name = tfl_last_name(op, 0, TFL_LAST, "real", TFL_NONE, false);
    tfl_set_real(op, 0, TFL_LAST, builder_unary(op->r->b, "LpNormalization", name, tfl_real(op, x, TFL_LAST), 2, a),
                 TFL_NONE);
}

/* Over the rows and columns of an image that is turned already, the reduction stays turned. */
void tfl_make_reduce(tfl_op *op)
{
    static const int to_first[] = {0, 2, 3, 1};
    tfl_tensor *x = tfl_in(op, 0), *y = tfl_out(op, 0);
    int64_t axes[FF_MAX_RANK];
    int n;
    bool keep = tfl_option(op, 0, 1, 0) != 0, image = true;
    builder *b = op->r->b;
    if (!x || !y || !tfl_ints(op, 1, FF_MAX_RANK, &n, axes))
        return;
    for (int i = 0; i < n; i++) {
        axes[i] = tfl_axis(op, x, axes[i]);
        image &= axes[i] == 1 || axes[i] == 2;
    }
    if (op->r->code)
        return;
    image &= n == 2 && tfl_layout_of(x) == TFL_FIRST;
    tfl_layout l = image ? TFL_FIRST : TFL_LAST, to = image && keep ? TFL_FIRST : TFL_LAST;
    for (int i = 0; i < n && image; i++)
        axes[i] = to_first[axes[i]];
    bool boolean = x->shape.dtype == FF_BOOL;
    const char *v = tfl_real(op, x, l), *last = tfl_last_name(op, 0, to, "real", TFL_NONE, false);
    ff_attr a[] = {attr_int("keepdims", keep), attr_ints("axes", n, axes)};
    if (boolean) { /* REDUCE_ANY, REDUCE_ALL */
        ff_attr number = attr_int("to", FF_INT32), truth = attr_int("to", FF_BOOL);
        v = builder_unary(b, "Cast", sub(op, "number"), v, 1, &number);
        v = builder_unary(b, op->row->onnx, sub(op, "reduced"), v, 2, a);
        tfl_set(op, 0, TFL_LAST, builder_unary(b, "Cast", last, v, 1, &truth));
        return;
    }
    if (strcmp(op->row->onnx, "ReduceSum") == 0) { /* opset 13 has its axes as an input */
        const char *inputs[] = {v, builder_ints(b, sub(op, "axes"), n, axes)};
        v = builder_node(b, "ReduceSum", last, 2, inputs, 1, a);
    } else {
        v = builder_unary(b, op->row->onnx, last, v, n ? 2 : 1, a);
    }
    tfl_set_real(op, 0, to, v, TFL_NONE);
}

void tfl_make_arg(tfl_op *op)
{
    tfl_tensor *x = tfl_in(op, 0), *y = tfl_out(op, 0);
    int64_t axis;
    int n;
    if (!x || !y || !tfl_ints(op, 1, 1, &n, &axis) || n != 1)
        return;
    bool wide = y->shape.dtype == FF_INT64;
    ff_attr a[] = {attr_int("axis", tfl_axis(op, x, axis)), attr_int("keepdims", 0)},
            to = attr_int("to", y->shape.dtype);
    const char *v =
        builder_unary(op->r->b, op->row->onnx, wide ? op->name : sub(op, "long"), tfl_real(op, x, TFL_LAST), 2, a);
    tfl_set(op, 0, TFL_LAST, wide ? v : builder_unary(op->r->b, "Cast", op->name, v, 1, &to));
}

void tfl_make_batch_matmul(tfl_op *op)
{
    tfl_tensor *t[] = {tfl_in(op, 0), tfl_in(op, 1)};
    const char *v[2];
    if (!t[0] || !t[1])
        return;
    for (int i = 0; i < 2; i++) {
        int rank = t[i]->shape.rank;
        v[i] = tfl_real(op, t[i], TFL_LAST);
        if (!tfl_option(op, i, 1, 0))
            continue;
        int64_t perm[FF_MAX_RANK];
        if (rank < 2) {
            tfl_fail(op, "an operand of rank %d", rank);
            return;
        }
        for (int k = 0; k < rank; k++)
            perm[k] = k;
        perm[rank - 1] = rank - 2;
        perm[rank - 2] = rank - 1;
        v[i] = builder_transpose(op->r->b, sub(op, "turned"), v[i], rank, perm);
    }
    tfl_set_real(
        op, 0, TFL_LAST,
        builder_binary(op->r->b, "MatMul", tfl_last_name(op, 0, TFL_LAST, "real", TFL_NONE, false), v[0], v[1]),
        TFL_NONE);
}

/* RESIZE_BILINEAR has two deprecated options in front. */
void tfl_make_resize(tfl_op *op)
{
    bool linear = op->row->code == 23;
    bool corners = tfl_option(op, linear ? 2 : 0, 1, 0) != 0, half = tfl_option(op, linear ? 3 : 1, 1, 0) != 0;
    tfl_tensor *x = tfl_in(op, 0);
    int64_t size[2];
    int n, k = 0;
    ff_attr a[3];
    if (!x || x->shape.rank != 4 || !tfl_ints(op, 1, 2, &n, size) || n != 2 || (corners && half)) {
        tfl_fail(op, "it needs an image, a constant size, and one way to place the pixels");
        return;
    }
    for (int i = 0; i < 4; i++)
        if (x->shape.dims[i] < 0 && i) {
            tfl_fail(op, "the size of '%s' is open", x->name);
            return;
        }
    a[k++] = attr_text("mode", linear ? "linear" : "nearest");
    a[k++] = attr_text("coordinate_transformation_mode", corners ? "align_corners"
                                                         : half  ? "half_pixel"
                                                                 : "asymmetric");
    if (!linear)
        a[k++] = attr_text("nearest_mode", corners || half ? "round_prefer_ceil" : "floor");
    builder *b = op->r->b;
    ff_tensor *scales;
    op->r->code = ff_tensor_create(FF_FLOAT, 1, (const int64_t[]){4}, &scales);
    if (op->r->code)
        return;
    for (int i = 0; i < 4; i++)
        ff_tensor_set_real(scales, i, i < 2 ? 1 : (double)size[i - 2] / (double)x->shape.dims[i - 1]);
    /* Sizes rather than scales, where the batch is known: nothing is rounded. */
    const char *inputs[] = {tfl_real(op, x, TFL_FIRST), "", "", ""};
    if (x->shape.dims[0] >= 0) {
        ff_tensor_unref(scales);
        inputs[3] = builder_ints(b, sub(op, "size"), 4,
                                 (const int64_t[]){x->shape.dims[0], x->shape.dims[3], size[0], size[1]});
    } else {
        inputs[2] = builder_constant(b, sub(op, "scales"), scales);
    }
    const char *last = tfl_last_name(op, 0, TFL_FIRST, "real", TFL_NONE, false);
    if (op->r->code == FF_OK)
        tfl_set_real(op, 0, TFL_FIRST, builder_node(b, "Resize", last, 4, inputs, k, a), TFL_NONE);
}
