/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Operators that take each element by itself, and changes of type. */
#include "model/file/tflite/tflite.h"

#include <stdlib.h>
#include <string.h>

/* The option that says the activation; the operators of arithmetic have it first. */
static int activation_of(tfl_op *op)
{
    int code = op->row->code;
    return code == 0 || code == 18 || code == 41 || code == 42 ? (int)tfl_option(op, 0, 1, 0) : TFL_NONE;
}

static const char *unary(tfl_op *op, const char *onnx, int n, const ff_attr *attrs)
{
    tfl_tensor *x = tfl_in(op, 0);
    if (x == NULL) {
        tfl_fail(op, "it has no input");
        return "";
    }
    tfl_layout l = tfl_layout_of(x);
    const char *from = tfl_real(op, x, l);
    return builder_unary(op->r->b, onnx, tfl_last_name(op, 0, l, "real", TFL_NONE, false), from, n, attrs);
}

static void finish_unary(tfl_op *op, const char *value)
{
    tfl_tensor *x = tfl_in(op, 0);
    if (x && op->r->code == FF_OK) {
        /* The layout it had before tfl_real() gave it another value: the same. */
        tfl_layout l = tfl_layout_of(x);
        tfl_set_real(op, 0, l, value, TFL_NONE);
    }
}

void tfl_make_unary(tfl_op *op)
{
    finish_unary(op, unary(op, op->row->onnx, 0, NULL));
}

void tfl_make_leaky(tfl_op *op)
{
    ff_attr a = attr_real("alpha", (double)fb_real(&op->options, 0, 0));
    finish_unary(op, unary(op, "LeakyRelu", 1, &a));
}

void tfl_make_rsqrt(tfl_op *op)
{
    tfl_tensor *x = tfl_in(op, 0);
    if (x == NULL)
        return;
    tfl_layout l = tfl_layout_of(x);
    const char *root = builder_unary(op->r->b, "Sqrt", tfl_name(op, 0, l, "root"), tfl_real(op, x, l), 0, NULL);
    finish_unary(
        op, builder_unary(op->r->b, "Reciprocal", tfl_last_name(op, 0, l, "real", TFL_NONE, false), root, 0, NULL));
}

void tfl_make_square(tfl_op *op)
{
    tfl_tensor *x = tfl_in(op, 0);
    if (x == NULL)
        return;
    tfl_layout l = tfl_layout_of(x);
    const char *v = tfl_real(op, x, l);
    finish_unary(op, builder_binary(op->r->b, "Mul", tfl_last_name(op, 0, l, "real", TFL_NONE, false), v, v));
}

/* RELU6, RELU_N1_TO_1, RELU_0_TO_1. */
void tfl_make_clip(tfl_op *op)
{
    tfl_tensor *x = tfl_in(op, 0);
    if (x == NULL)
        return;
    tfl_layout l = tfl_layout_of(x);
    builder *b = op->r->b;
    double low = op->row->code == 20 ? -1 : 0, high = op->row->code == 21 ? 6 : 1;
    const char *inputs[] = {tfl_real(op, x, l), builder_real(b, "low", low), builder_real(b, "high", high)};
    finish_unary(op, builder_node(b, "Clip", tfl_last_name(op, 0, l, "real", TFL_NONE, false), 3, inputs, 0, NULL));
}

/* Can it be an operand with channels in front? A constant of one element or of the last axis can, reshaped. */
static bool goes_first(const tfl_tensor *t)
{
    bool constant = t->data || t->constant;
    return t->shape.rank == 4 || (constant && t->shape.rank <= 1);
}

static const char *operand(tfl_op *op, tfl_tensor *t, tfl_layout l)
{
    if (l == TFL_LAST || t->shape.rank == 4)
        return tfl_real(op, t, l);
    if (tfl_quantized(t)) { /* a constant of one axis, turned as a real number */
        const char *v = tfl_real(op, t, TFL_LAST);
        int64_t dims[] = {-1, 1, 1};
        return t->shape.rank
                   ? builder_reshape(op->r->b, ff_arena_printf(op->r->names, "%s/column", t->name), v, 3, dims)
                   : v;
    }
    int64_t dims[] = {t->shape.dims[0], 1, 1};
    return t->shape.rank ? tfl_weight(op, t, NULL, 3, dims) : tfl_value(op, t, TFL_LAST);
}

static bool binary_operands(tfl_op *op, tfl_tensor **x, tfl_tensor **y, tfl_layout *l)
{
    *x = tfl_in(op, 0);
    *y = tfl_in(op, 1);
    if (!*x || !*y) {
        tfl_fail(op, "it needs two operands");
        return false;
    }
    bool first = tfl_layout_of(*x) == TFL_FIRST || tfl_layout_of(*y) == TFL_FIRST;
    *l = first && goes_first(*x) && goes_first(*y) ? TFL_FIRST : TFL_LAST;
    return true;
}

void tfl_make_binary(tfl_op *op)
{
    tfl_tensor *x, *y;
    tfl_layout l;
    builder *b = op->r->b;
    int activation = activation_of(op), code = op->row->code;
    if (!binary_operands(op, &x, &y, &l))
        return;
    const char *left = operand(op, x, l), *right = operand(op, y, l), *value;
    const char *last = tfl_last_name(op, 0, l, "real", activation, false);
    bool integers = x->shape.dtype == FF_INT32 || x->shape.dtype == FF_INT64;
    if (op->r->code)
        return;
    if (code == 90 && !integers) { /* FLOOR_DIV */
        value = builder_binary(b, "Div", tfl_name(op, 0, l, "quotient"), left, right);
        value = builder_unary(b, "Floor", last, value, 0, NULL);
    } else if (code == 90 || code == 95) { /* over integers: (x - floor_mod) / y; FLOOR_MOD: x - floor(x / y) * y */
        if (integers) {
            const char *rest = builder_binary(b, "Mod", code == 95 ? last : tfl_name(op, 0, l, "rest"), left, right);
            value = code == 95
                        ? rest
                        : builder_binary(b, "Div", last,
                                         builder_binary(b, "Sub", tfl_name(op, 0, l, "whole"), left, rest), right);
        } else {
            value = builder_binary(b, "Div", tfl_name(op, 0, l, "quotient"), left, right);
            value = builder_unary(b, "Floor", tfl_name(op, 0, l, "floor"), value, 0, NULL);
            value = builder_binary(b, "Sub", last, left,
                                   builder_binary(b, "Mul", tfl_name(op, 0, l, "whole"), value, right));
        }
    } else if (code == 99) { /* SQUARED_DIFFERENCE */
        value = builder_binary(b, "Sub", tfl_name(op, 0, l, "difference"), left, right);
        value = builder_binary(b, "Mul", last, value, value);
    } else {
        value = builder_binary(b, op->row->onnx, last, left, right);
    }
    tfl_set_real(op, 0, l, value, activation);
}

void tfl_make_compare(tfl_op *op)
{
    tfl_tensor *x, *y;
    tfl_layout l;
    if (!binary_operands(op, &x, &y, &l))
        return;
    bool unequal = op->row->code == 72;
    const char *left = operand(op, x, l), *right = operand(op, y, l);
    const char *value =
        builder_binary(op->r->b, op->row->onnx, tfl_name(op, 0, l, unequal ? "equal" : NULL), left, right);
    if (unequal)
        value = builder_unary(op->r->b, "Not", tfl_name(op, 0, l, NULL), value, 0, NULL);
    tfl_set(op, 0, l, value);
}

void tfl_make_prelu(tfl_op *op)
{
    tfl_tensor *x, *y;
    tfl_layout l;
    if (!binary_operands(op, &x, &y, &l))
        return;
    const char *last = tfl_last_name(op, 0, TFL_LAST, "real", TFL_NONE, false);
    tfl_set_real(op, 0, TFL_LAST,
                 builder_binary(op->r->b, "PRelu", last, tfl_real(op, x, TFL_LAST), tfl_real(op, y, TFL_LAST)),
                 TFL_NONE);
}

void tfl_make_select(tfl_op *op)
{
    tfl_tensor *t[3];
    for (int i = 0; i < 3; i++)
        if (!(t[i] = tfl_in(op, i))) {
            tfl_fail(op, "it needs three operands");
            return;
        }
    const char *inputs[] = {tfl_value(op, t[0], TFL_LAST), tfl_real(op, t[1], TFL_LAST), tfl_real(op, t[2], TFL_LAST)};
    const char *last = tfl_last_name(op, 0, TFL_LAST, "real", TFL_NONE, false);
    tfl_set_real(op, 0, TFL_LAST, builder_node(op->r->b, "Where", last, 3, inputs, 0, NULL), TFL_NONE);
}

/* -------------------------------------------------------------------------------------------------- types */

void tfl_make_cast(tfl_op *op)
{
    tfl_tensor *x = tfl_in(op, 0), *y = tfl_out(op, 0);
    if (!x || !y)
        return;
    tfl_layout l = tfl_layout_of(x);
    ff_attr to = attr_int("to", y->shape.dtype);
    tfl_set(op, 0, l, builder_unary(op->r->b, "Cast", tfl_name(op, 0, l, NULL), tfl_value(op, x, l), 1, &to));
}

/* From real numbers, or from other integers: what they mean is quantised again. */
void tfl_make_quantize(tfl_op *op)
{
    tfl_tensor *x = tfl_in(op, 0), *y = tfl_out(op, 0);
    if (!x || !y || !tfl_quantized(y)) {
        tfl_fail(op, "its result has no scale");
        return;
    }
    tfl_layout l = tfl_layout_of(x);
    tfl_set_real(op, 0, l, tfl_real(op, x, l), TFL_NONE);
}

/* Of a constant of float16: the constant itself, as float32. */
void tfl_make_dequantize(tfl_op *op)
{
    tfl_tensor *x = tfl_in(op, 0), *y = tfl_out(op, 0);
    ff_tensor *real = NULL;
    if (!x || !y)
        return;
    if ((x->data || x->constant) && x->shape.dtype == FF_FLOAT16) {
        const ff_tensor *half = tfl_constant(op->r, x);
        if (y->data || y->constant || y->values[0] || y->values[1])
            tfl_fail(op, "'%s' is made twice", y->name);
        if (half && op->r->code == FF_OK)
            op->r->code = ff_tensor_convert(half, FF_FLOAT, &real);
        if (real == NULL)
            return;
        y->constant = real;
        y->is_sparse = x->is_sparse;
        y->source = x->source >= 0 ? x->source : (int)(x - op->r->tensors);
        return;
    }
    tfl_layout l = tfl_layout_of(x);
    if (tfl_quantized(x)) {
        /* The node gets the result's name: it is what the file says. */
        const char *inputs[] = {tfl_value(op, x, l), tfl_scale_of(op, x), tfl_zero_of(op, x)};
        ff_attr axis = attr_int("axis", l == TFL_FIRST ? (const int[]){0, 2, 3, 1}[x->axis & 3] : x->axis);
        if (x->shape.dtype == FF_INT16)
            tfl_set(op, 0, l, tfl_real(op, x, l));
        else
            tfl_set(op, 0, l,
                    builder_node(op->r->b, "DequantizeLinear", tfl_name(op, 0, l, NULL), 3, inputs, x->scales.n > 1,
                                 &axis));
        return;
    }
    ff_attr to = attr_int("to", FF_FLOAT);
    tfl_set(op, 0, l, builder_unary(op->r->b, "Cast", tfl_name(op, 0, l, NULL), tfl_value(op, x, l), 1, &to));
}
