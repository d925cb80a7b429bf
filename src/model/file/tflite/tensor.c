/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tensors of the file: their numbers, and their values in either layout, as stored and as real numbers. */
#include "model/file/tflite/tflite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int64_t to_first[] = {0, 3, 1, 2}, to_last[] = {0, 2, 3, 1};

/* Constants may be this many times larger than the file: float16 and sparse ones are. */
enum { MOST_GROWTH = 64 };

static tfl_tensor *operand(tfl_op *op, const fb_vector *v, int i)
{
    int64_t k = i >= 0 && (uint32_t)i < v->n ? fb_get(v, (uint32_t)i, 4) : -1;
    if (k >= op->r->n_tensors)
        tfl_fail(op, "tensor %lld is not in the file", (long long)k);
    return k < 0 || k >= op->r->n_tensors ? NULL : &op->r->tensors[k];
}

tfl_tensor *tfl_in(tfl_op *op, int i)
{
    return operand(op, &op->inputs, i);
}

tfl_tensor *tfl_out(tfl_op *op, int i)
{
    tfl_tensor *t = operand(op, &op->outputs, i);
    if (t == NULL)
        tfl_fail(op, "it has no output %d", i);
    return t;
}

bool tfl_quantized(const tfl_tensor *t)
{
    ff_dtype d = t->shape.dtype;
    return t->scales.n > 0 && (d == FF_UINT8 || d == FF_INT8 || d == FF_INT16 || d == FF_INT32 || d == FF_INT64);
}

double tfl_scale(const tfl_tensor *t, uint32_t i)
{
    return (double)fb_get_real(&t->scales, t->scales.n == 1 ? 0 : i);
}

int64_t tfl_zero(const tfl_tensor *t, uint32_t i)
{
    return fb_get(&t->zeros, t->zeros.n == 1 ? 0 : i, 8);
}

int64_t tfl_axis(tfl_op *op, const tfl_tensor *t, int64_t axis)
{
    if (axis < 0)
        axis += t->shape.rank;
    if (axis < 0 || axis >= t->shape.rank) {
        tfl_fail(op, "axis %lld of a tensor of rank %d", (long long)axis, t->shape.rank);
        return 0;
    }
    return axis;
}

int64_t tfl_option(tfl_op *op, int field, int width, int64_t otherwise)
{
    return fb_int(&op->options, field, width, otherwise);
}

/* ------------------------------------------------------------------------------------------- constants */

static void unpack_half_bytes(const uint8_t *from, int8_t *to, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        int v = from[i / 2] >> (i % 2 ? 4 : 0) & 15;
        to[i] = (int8_t)(v > 7 ? v - 16 : v);
    }
}

const ff_tensor *tfl_constant(tfl_reader *r, tfl_tensor *t)
{
    ff_tensor *made = NULL;
    if (t->constant || t->data == NULL || r->code)
        return r->code ? NULL : t->constant;
    size_t unit = ff_dtype_unit(t->shape.dtype);
    uint64_t count = 1;
    for (int i = 0; i < t->shape.rank; i++)
        if (t->shape.dims[i] < 0 || __builtin_mul_overflow(count, (uint64_t)t->shape.dims[i], &count))
            count = UINT64_MAX / 64;
    uint64_t want = t->half_byte ? (count + 1) / 2 : count * unit;
    if (unit == 0 || t->shape.dtype == FF_STRING || count > UINT64_MAX / 64 - 1 || want != t->bytes)
        r->code =
            ff_fail(unit ? FF_ERR_INPUT : FF_ERR_UNSUPPORTED, "tensor '%s': %llu bytes for %llu elements of %s",
                    t->name, (unsigned long long)t->bytes, (unsigned long long)count, ff_dtype_name(t->shape.dtype));
    else if ((r->made += count * unit) > (uint64_t)r->file.size * MOST_GROWTH)
        r->code = ff_fail(FF_ERR_INPUT, "the constants are larger than the file can hold");
    else
        r->code = ff_tensor_create_unset(t->shape.dtype, t->shape.rank, t->shape.dims, &made);
    if (r->code == FF_OK && t->half_byte)
        unpack_half_bytes(t->data, made->data, (int64_t)count);
    else if (r->code == FF_OK && count)
        ff_copy_little_endian(made->data, t->data, count, unit);
    t->constant = made;
    return made;
}

bool tfl_ints(tfl_op *op, int i, int most, int *n, int64_t *v)
{
    tfl_tensor *t = tfl_in(op, i);
    const ff_tensor *c = t ? tfl_constant(op->r, t) : NULL;
    if (c == NULL || c->count > most || !(c->dtype == FF_INT32 || c->dtype == FF_INT64)) {
        if (t)
            tfl_fail(op, "input %d is no constant of at most %d integers", i, most);
        return false;
    }
    *n = (int)c->count;
    for (int k = 0; k < *n; k++)
        v[k] = ff_tensor_get_int(c, k);
    return true;
}

const char *tfl_weight(tfl_op *op, tfl_tensor *t, const int *perm, int rank, const int64_t *dims)
{
    tfl_reader *r = op->r;
    const ff_tensor *c = tfl_constant(r, t);
    ff_tensor *turned = NULL, *shaped = NULL;
    int identity[FF_MAX_RANK];
    if (c == NULL) {
        tfl_fail(op, "'%s' is no constant", t->name);
        return "";
    }
    for (int i = 0; i < c->rank; i++)
        identity[i] = i;
    perm = perm ? perm : identity;
    r->code = ff_tensor_transpose(c, perm, &turned);
    if (r->code == FF_OK)
        r->code = rank >= 0 ? ff_tensor_reshape(turned, rank, dims, &shaped) : FF_OK;
    if (r->code) {
        ff_tensor_unref(turned);
        return "";
    }
    if (shaped)
        ff_tensor_unref(turned);
    ff_grow(&r->origins, &r->capacity, (size_t)r->n_origins + 1, sizeof *r->origins);
    tfl_origin *o = &r->origins[r->n_origins++];
    *o = (tfl_origin){.tensor = t->source >= 0 ? t->source : (int)(t - r->tensors),
                      .rank = c->rank,
                      .read_only = t->is_sparse || t->half_byte};
    memcpy(o->perm, perm, (size_t)c->rank * sizeof *perm);
    o->constant = builder_constant(r->b, t->name, shaped ? shaped : turned);
    return o->constant;
}

/* --------------------------------------------------------------------------------------- scales and names */

const char *tfl_name(tfl_op *op, int i, tfl_layout l, const char *what)
{
    const tfl_tensor *t = tfl_out(op, i);
    if (t == NULL)
        return "";
    if (what == NULL) /* the output itself keeps the name for its own layout */
        return l == TFL_FIRST && t->is_output ? ff_arena_printf(op->r->names, "%s/channels_first", t->name) : t->name;
    return ff_arena_printf(op->r->names, "%s/%s", t->name, what);
}

const char *tfl_last_name(tfl_op *op, int i, tfl_layout l, const char *what, int activation, bool integers)
{
    const tfl_tensor *t = tfl_out(op, i);
    int64_t low, high;
    if (t == NULL)
        return "";
    bool more = integers ? tfl_clamps(t, activation, &low, &high) : activation != TFL_NONE || tfl_quantized(t);
    return tfl_name(op, i, l, more ? what : NULL);
}

static const char *scales_of(tfl_op *op, tfl_tensor *t, bool zero)
{
    ff_tensor *made;
    int64_t n = t->scales.n;
    op->r->code = ff_tensor_create(zero ? t->shape.dtype : FF_FLOAT, n == 1 ? 0 : 1, &n, &made);
    if (op->r->code)
        return "";
    for (int64_t i = 0; i < n; i++)
        if (zero)
            ff_tensor_set_int(made, i, tfl_zero(t, (uint32_t)i));
        else
            ff_tensor_set_real(made, i, tfl_scale(t, (uint32_t)i));
    return builder_constant(op->r->b, ff_arena_printf(op->r->names, "%s/%s", t->name, zero ? "zero_point" : "scale"),
                            made);
}

const char *tfl_scale_of(tfl_op *op, tfl_tensor *t)
{
    if (t->scale_name == NULL && op->r->code == FF_OK)
        t->scale_name = scales_of(op, t, false);
    return t->scale_name ? t->scale_name : "";
}

const char *tfl_zero_of(tfl_op *op, tfl_tensor *t)
{
    if (t->zero_name == NULL && op->r->code == FF_OK)
        t->zero_name = scales_of(op, t, true);
    return t->zero_name ? t->zero_name : "";
}

/* ------------------------------------------------------------------------------------------------ values */

tfl_layout tfl_layout_of(const tfl_tensor *t)
{
    return t->shape.rank == 4 && t->values[TFL_LAST] == NULL && t->values[TFL_FIRST] ? TFL_FIRST : TFL_LAST;
}

const char *tfl_value(tfl_op *op, tfl_tensor *t, tfl_layout l)
{
    static const int first[] = {0, 3, 1, 2};
    if (t == NULL || op->r->code)
        return "";
    if (t->values[l])
        return t->values[l];
    if (l == TFL_FIRST && t->shape.rank != 4) {
        tfl_fail(op, "'%s' is of rank %d, not 4", t->name, t->shape.rank);
        return "";
    }
    if (t->data || t->constant) {
        t->values[l] = tfl_weight(op, t, l == TFL_FIRST ? first : NULL, -1, NULL);
    } else if (t->values[!l]) {
        const char *name = l == TFL_LAST ? t->name : ff_arena_printf(op->r->names, "%s/channels_first", t->name);
        t->values[l] = builder_transpose(op->r->b, name, t->values[!l], 4, l == TFL_FIRST ? to_first : to_last);
    } else {
        tfl_fail(op, "'%s' is read before it is made", t->name);
    }
    return t->values[l] ? t->values[l] : "";
}

/* Where ONNX's QuantizeLinear has no type for it: its definition, in real numbers. */
static const char *dequantize_by_hand(tfl_op *op, tfl_tensor *t, const char *x, const char *name)
{
    ff_attr to = attr_int("to", FF_FLOAT);
    builder *b = op->r->b;
    const char *real = builder_unary(b, "Cast", ff_arena_printf(op->r->names, "%s/cast", t->name), x, 1, &to);
    return builder_binary(b, "Mul", name, real, tfl_scale_of(op, t));
}

static bool has_linear(const tfl_tensor *t)
{
    return t->shape.dtype == FF_UINT8 || t->shape.dtype == FF_INT8 || t->shape.dtype == FF_INT32;
}

const char *tfl_real(tfl_op *op, tfl_tensor *t, tfl_layout l)
{
    const char *x = tfl_value(op, t, l);
    if (t == NULL || op->r->code || !tfl_quantized(t))
        return x;
    if (t->reals[l])
        return t->reals[l];
    const char *name = ff_arena_printf(op->r->names, "%s/real%s", t->name, l == TFL_FIRST ? "_channels_first" : "");
    if (!has_linear(t)) {
        if ((t->scales.n != 1 && t->shape.rank != 1) || tfl_zero(t, 0) != 0)
            tfl_fail(op, "'%s' has %u scales and the zero point %lld in 16 bits", t->name, t->scales.n,
                     (long long)tfl_zero(t, 0));
        t->reals[l] = dequantize_by_hand(op, t, x, name);
        return t->reals[l];
    }
    static const int moved[] = {0, 2, 3, 1};
    ff_attr axis = attr_int("axis", l == TFL_FIRST && t->axis < 4 ? moved[t->axis] : t->axis);
    const char *inputs[] = {x, tfl_scale_of(op, t), tfl_zero_of(op, t)};
    t->reals[l] = builder_node(op->r->b, "DequantizeLinear", name, 3, inputs, t->scales.n > 1, &axis);
    return t->reals[l];
}

/* ----------------------------------------------------------------------------------------------- results */

void tfl_set(tfl_op *op, int i, tfl_layout l, const char *value)
{
    tfl_tensor *t = tfl_out(op, i);
    if (t == NULL || op->r->code)
        return;
    if (t->values[0] || t->values[1] || t->data) {
        tfl_fail(op, "'%s' is made twice", t->name);
        return;
    }
    t->values[l] = value;
}

static const char *activate(tfl_op *op, const char *x, const char *name, int activation)
{
    builder *b = op->r->b;
    switch (activation) {
    case TFL_NONE:
        return x;
    case TFL_RELU:
        return builder_unary(b, "Relu", name, x, 0, NULL);
    case TFL_TANH:
        return builder_unary(b, "Tanh", name, x, 0, NULL);
    case TFL_RELU6:
    case TFL_RELU_N1_TO_1: {
        const char *low = builder_real(b, "low", activation == TFL_RELU6 ? 0 : -1);
        const char *inputs[] = {x, low, builder_real(b, "high", activation == TFL_RELU6 ? 6 : 1)};
        return builder_node(b, "Clip", name, 3, inputs, 0, NULL);
    }
    default:
        tfl_fail(op, "activation %d is not supported", activation);
        return x;
    }
}

static void limits(ff_dtype t, int64_t *low, int64_t *high)
{
    *low = t == FF_UINT8 ? 0 : t == FF_INT8 ? -128 : t == FF_INT16 ? -32768 : INT32_MIN;
    *high = t == FF_UINT8 ? 255 : t == FF_INT8 ? 127 : t == FF_INT16 ? 32767 : INT32_MAX;
}

bool tfl_clamps(const tfl_tensor *t, int activation, int64_t *low, int64_t *high)
{
    int64_t least, greatest, zero = tfl_zero(t, 0);
    double scale = tfl_scale(t, 0);
    limits(t->shape.dtype, &least, &greatest);
    *low = least;
    *high = greatest;
    if (activation == TFL_NONE || activation == TFL_TANH || !(scale > 0))
        return false;
    double from = activation == TFL_RELU_N1_TO_1 ? -1 : 0, to = activation == TFL_RELU6 ? 6 : 1;
    double bottom = (double)zero + nearbyint(from / scale), top = (double)zero + nearbyint(to / scale);
    if (bottom > (double)least)
        *low = (int64_t)fmin(bottom, (double)greatest);
    if (activation != TFL_RELU && top < (double)greatest)
        *high = (int64_t)fmax(top, (double)least);
    return *low > least || *high < greatest;
}

static const char *whole(tfl_op *op, ff_dtype type, const char *what, int64_t v)
{
    ff_tensor *t;
    op->r->code = ff_tensor_create(type, 0, NULL, &t);
    if (op->r->code)
        return "";
    ff_tensor_set_int(t, 0, v);
    return builder_constant(op->r->b, what, t);
}

void tfl_set_quantized(tfl_op *op, int i, tfl_layout l, const char *value, int activation)
{
    tfl_tensor *t = tfl_out(op, i);
    int64_t low, high;
    if (t == NULL || op->r->code)
        return;
    if (tfl_clamps(t, activation, &low, &high)) {
        const char *inputs[] = {value, whole(op, t->shape.dtype, "low", low), whole(op, t->shape.dtype, "high", high)};
        value = builder_node(op->r->b, "Clip", tfl_name(op, i, l, NULL), 3, inputs, 0, NULL);
    }
    tfl_set(op, i, l, value);
}

static const char *quantize_by_hand(tfl_op *op, tfl_tensor *t, const char *x, const char *name)
{
    builder *b = op->r->b;
    ff_attr to = attr_int("to", t->shape.dtype);
    int64_t low, high;
    limits(t->shape.dtype, &low, &high);
    const char *stem = ff_arena_printf(op->r->names, "%s/quantize", t->name);
    const char *steps = builder_binary(b, "Div", stem, x, tfl_scale_of(op, t));
    const char *inputs[] = {builder_unary(b, "Round", stem, steps, 0, NULL), builder_real(b, "low", (double)low),
                            builder_real(b, "high", (double)high)};
    return builder_unary(b, "Cast", name, builder_node(b, "Clip", stem, 3, inputs, 0, NULL), 1, &to);
}

void tfl_set_real(tfl_op *op, int i, tfl_layout l, const char *value, int activation)
{
    tfl_tensor *t = tfl_out(op, i);
    if (t == NULL || op->r->code)
        return;
    bool integers = tfl_quantized(t);
    value = activate(op, value, tfl_name(op, i, l, integers ? "activation" : NULL), activation);
    if (integers && (t->scales.n != 1 || (!has_linear(t) && tfl_zero(t, 0) != 0)))
        tfl_fail(op, "'%s' is quantised in a way that results are not", t->name);
    if (op->r->code)
        return;
    if (integers && has_linear(t) && t->shape.dtype != FF_INT32) {
        const char *inputs[] = {value, tfl_scale_of(op, t), tfl_zero_of(op, t)};
        value = builder_node(op->r->b, "QuantizeLinear", tfl_name(op, i, l, NULL), 3, inputs, 0, NULL);
    } else if (integers) {
        value = quantize_by_hand(op, t, value, tfl_name(op, i, l, NULL));
    }
    tfl_set(op, i, l, value);
}
