/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Operators that work element by element. */
#include "model/ops/infer.h"

static int infer_is(ff_infer *c)
{
    infer_set(c, 0, FF_BOOL, c->in[0].rank, c->in[0].dims);
    return FF_OK;
}

static int infer_clip(ff_infer *c)
{
    for (int i = 1; i < c->n_in; i++) {
        int code = infer_same_type(c, 0, i);
        int64_t count = 1;
        if (code)
            return code;
        if (infer_rank(c, i) > 0 && (code = infer_product(c->in[i].dims, 0, c->in[i].rank, &count)))
            return code;
        if (count >= 0 && count != 1)
            return infer_fail("the bounds must be scalars");
    }
    return infer_same(c);
}

static int infer_binary(ff_infer *c)
{
    ff_shape s;
    int code = infer_same_type(c, 0, 1);

    if (code || (code = infer_broadcast(&c->in[0], &c->in[1], &s)))
        return code;
    infer_copy(c, 0, &s);
    return FF_OK;
}

/* The exponent may have another type. */
static int infer_pow(ff_infer *c)
{
    ff_shape s;
    int code = infer_broadcast(&c->in[0], &c->in[1], &s);

    if (code == FF_OK)
        infer_copy(c, 0, &s);
    return code;
}

/* The slope broadcasts to the input, not the other way. */
static int infer_prelu(ff_infer *c)
{
    ff_shape s;
    int code = infer_same_type(c, 0, 1);

    if (code || (code = infer_broadcast(&c->in[0], &c->in[1], &s)))
        return code;
    if (s.rank >= 0 && s.rank != c->in[0].rank)
        return infer_fail("the slope has more dimensions than the input");
    for (int i = 0; i < s.rank; i++)
        if (c->in[0].dims[i] >= 0 && s.dims[i] != c->in[0].dims[i])
            return infer_fail("the slope does not broadcast to the input");
    return infer_same(c);
}

static int infer_compare(ff_infer *c)
{
    int code = infer_binary(c);

    if (code == FF_OK && c->n_out > 0)
        c->out[0].dtype = FF_BOOL;
    return code;
}

static int infer_variadic(ff_infer *c)
{
    ff_shape s = c->in[0];

    for (int i = 1; i < c->n_in; i++) {
        ff_shape both;
        int code = infer_same_type(c, 0, i);
        if (code || (code = infer_broadcast(&s, &c->in[i], &both)))
            return code;
        s = both;
    }
    infer_copy(c, 0, &s);
    return FF_OK;
}

static int infer_where(ff_infer *c)
{
    ff_shape s, all;
    int code = infer_same_type(c, 1, 2);

    if (c->in[0].dtype != FF_BOOL)
        return infer_fail("the condition is %s, not bool", ff_dtype_name(c->in[0].dtype));
    if (code || (code = infer_broadcast(&c->in[1], &c->in[2], &s)) || (code = infer_broadcast(&s, &c->in[0], &all)))
        return code;
    infer_copy(c, 0, &all);
    return FF_OK;
}

static int infer_cast(ff_infer *c)
{
    ff_dtype to;

    if (ff_node_attr(c->node, "to") == NULL)
        return infer_fail("attribute 'to' is missing");
    int code = infer_dtype_attr(c, "to", FF_UNDEFINED, &to);
    if (code == FF_OK)
        infer_set(c, 0, to, c->in[0].rank, c->in[0].dims);
    return code;
}

static int infer_cast_like(ff_infer *c)
{
    infer_set(c, 0, c->in[1].dtype, c->in[0].rank, c->in[0].dims);
    return FF_OK;
}

static const struct ff_attr_fact no_attrs[] = {{0}};
static const struct ff_attr_fact bit_shift_11[] = {{"direction", FF_ATTR_STRING, NULL}, {0}};
static const struct ff_attr_fact cast_6[] = {{"to", FF_ATTR_INT, NULL}, {0}};
static const struct ff_attr_fact cast_19[] = {{"saturate", FF_ATTR_INT, "1"}, {"to", FF_ATTR_INT, NULL}, {0}};
static const struct ff_attr_fact cast_24[] = {
    {"round_mode", FF_ATTR_STRING, "up"}, {"saturate", FF_ATTR_INT, "1"}, {"to", FF_ATTR_INT, NULL}, {0}};
static const struct ff_attr_fact cast_like_24[] = {
    {"round_mode", FF_ATTR_STRING, "up"}, {"saturate", FF_ATTR_INT, "1"}, {0}};
static const struct ff_attr_fact cast_like_19[] = {{"saturate", FF_ATTR_INT, "1"}, {0}};
static const struct ff_attr_fact celu_12[] = {{"alpha", FF_ATTR_FLOAT, "1"}, {0}};
static const struct ff_attr_fact clip_6[] = {
    {"max", FF_ATTR_FLOAT, "3.4028235e+38"}, {"min", FF_ATTR_FLOAT, "-3.4028235e+38"}, {0}};
static const struct ff_attr_fact gelu_20[] = {{"approximate", FF_ATTR_STRING, "none"}, {0}};
static const struct ff_attr_fact hard_sigmoid_6[] = {
    {"alpha", FF_ATTR_FLOAT, "0.2"}, {"beta", FF_ATTR_FLOAT, "0.5"}, {0}};
static const struct ff_attr_fact is_inf_10[] = {
    {"detect_negative", FF_ATTR_INT, "1"}, {"detect_positive", FF_ATTR_INT, "1"}, {0}};
static const struct ff_attr_fact leaky_relu_6[] = {{"alpha", FF_ATTR_FLOAT, "0.01"}, {0}};
static const struct ff_attr_fact mod_10[] = {{"fmod", FF_ATTR_INT, "0"}, {0}};
static const struct ff_attr_fact selu_6[] = {
    {"alpha", FF_ATTR_FLOAT, "1.6732632"}, {"gamma", FF_ATTR_FLOAT, "1.050701"}, {0}};
static const struct ff_attr_fact shrink_9[] = {{"bias", FF_ATTR_FLOAT, "0"}, {"lambd", FF_ATTR_FLOAT, "0.5"}, {0}};

const ff_op ff_ops_elementwise[] = {
    /* since, inputs, outputs */
    {"", "Abs", 6, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "Acos", 7, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "Acosh", 9, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "Add", 7, 2, 2, 1, 1, infer_binary, no_attrs},
    {"", "And", 7, 2, 2, 1, 1, infer_compare, no_attrs},
    {"", "Asin", 7, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "Asinh", 9, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "Atan", 7, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "Atanh", 9, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "BitShift", 11, 2, 2, 1, 1, infer_binary, bit_shift_11},
    {"", "BitwiseAnd", 18, 2, 2, 1, 1, infer_binary, no_attrs},
    {"", "BitwiseNot", 18, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "BitwiseOr", 18, 2, 2, 1, 1, infer_binary, no_attrs},
    {"", "BitwiseXor", 18, 2, 2, 1, 1, infer_binary, no_attrs},
    {"", "Cast", 6, 1, 1, 1, 1, infer_cast, cast_6},
    {"", "Cast", 19, 1, 1, 1, 1, infer_cast, cast_19},
    {"", "Cast", 24, 1, 1, 1, 1, infer_cast, cast_24},
    {"", "CastLike", 15, 2, 2, 1, 1, infer_cast_like, no_attrs},
    {"", "CastLike", 19, 2, 2, 1, 1, infer_cast_like, cast_like_19},
    {"", "CastLike", 24, 2, 2, 1, 1, infer_cast_like, cast_like_24},
    {"", "Ceil", 6, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "Celu", 12, 1, 1, 1, 1, infer_same, celu_12},
    {"", "Clip", 6, 1, 1, 1, 1, infer_clip, clip_6},
    {"", "Clip", 11, 1, 3, 1, 1, infer_clip, no_attrs},
    {"", "Cos", 7, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "Cosh", 9, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "Div", 7, 2, 2, 1, 1, infer_binary, no_attrs},
    {"", "Elu", 6, 1, 1, 1, 1, infer_same, celu_12},
    {"", "Equal", 7, 2, 2, 1, 1, infer_compare, no_attrs},
    {"", "Erf", 9, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "Exp", 6, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "Floor", 6, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "Gelu", 20, 1, 1, 1, 1, infer_same, gelu_20},
    {"", "Greater", 7, 2, 2, 1, 1, infer_compare, no_attrs},
    {"", "GreaterOrEqual", 12, 2, 2, 1, 1, infer_compare, no_attrs},
    {"", "HardSigmoid", 6, 1, 1, 1, 1, infer_same, hard_sigmoid_6},
    {"", "HardSwish", 14, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "Identity", 1, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "IsInf", 10, 1, 1, 1, 1, infer_is, is_inf_10},
    {"", "IsNaN", 9, 1, 1, 1, 1, infer_is, no_attrs},
    {"", "LeakyRelu", 6, 1, 1, 1, 1, infer_same, leaky_relu_6},
    {"", "Less", 7, 2, 2, 1, 1, infer_compare, no_attrs},
    {"", "LessOrEqual", 12, 2, 2, 1, 1, infer_compare, no_attrs},
    {"", "Log", 6, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "Max", 6, 1, -1, 1, 1, infer_variadic, no_attrs},
    {"", "Mean", 6, 1, -1, 1, 1, infer_variadic, no_attrs},
    {"", "Min", 6, 1, -1, 1, 1, infer_variadic, no_attrs},
    {"", "Mish", 18, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "Mod", 10, 2, 2, 1, 1, infer_binary, mod_10},
    {"", "Mul", 7, 2, 2, 1, 1, infer_binary, no_attrs},
    {"", "Neg", 6, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "Not", 1, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "Or", 7, 2, 2, 1, 1, infer_compare, no_attrs},
    {"", "PRelu", 7, 2, 2, 1, 1, infer_prelu, no_attrs},
    {"", "Pow", 7, 2, 2, 1, 1, infer_pow, no_attrs},
    {"", "Reciprocal", 6, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "Relu", 6, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "Round", 11, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "Selu", 6, 1, 1, 1, 1, infer_same, selu_6},
    {"", "Shrink", 9, 1, 1, 1, 1, infer_same, shrink_9},
    {"", "Sigmoid", 6, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "Sign", 9, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "Sin", 7, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "Sinh", 9, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "Softplus", 1, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "Softsign", 1, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "Sqrt", 6, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "Sub", 7, 2, 2, 1, 1, infer_binary, no_attrs},
    {"", "Sum", 6, 1, -1, 1, 1, infer_variadic, no_attrs},
    {"", "Tan", 7, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "Tanh", 6, 1, 1, 1, 1, infer_same, no_attrs},
    {"", "ThresholdedRelu", 10, 1, 1, 1, 1, infer_same, celu_12},
    {"", "Where", 9, 3, 3, 1, 1, infer_where, no_attrs},
    {"", "Xor", 7, 2, 2, 1, 1, infer_compare, no_attrs},
    {0},
};
