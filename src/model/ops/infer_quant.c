/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Quantisation. */
#include "model/ops/infer.h"

/* Scale: one number, one entry along the axis, or (21, block_size) the input's rank with blocks. */
static int check_scale(const ff_infer *c)
{
    const ff_shape *x = &c->in[0], *scale = &c->in[1];
    int64_t size = ff_node_int(c->node, "block_size", 0), k;
    int axis, code;

    if (x->rank < 0 || scale->rank < 0 || scale->rank == 0)
        return FF_OK;
    if (scale->rank == 1 && size == 0) {
        if (scale->dims[0] == 1)
            return FF_OK;
        if (c->node->opset < 13)
            return infer_fail("the scale must be one number");
        if ((code = infer_axis(ff_node_int(c->node, "axis", 1), x->rank, &axis)))
            return code;
        return infer_equal(scale->dims[0], x->dims[axis], "scale and axis", &k);
    }
    if (c->node->opset < 21 || scale->rank != x->rank)
        return infer_fail("a scale of %d dimensions", scale->rank);
    return infer_axis(ff_node_int(c->node, "axis", 1), x->rank, &axis);
}

static int infer_quantize(ff_infer *c)
{
    int64_t asked = ff_node_int(c->node, "output_dtype", 0);
    ff_dtype t = asked > 0 && asked < FF_DTYPE_COUNT ? (ff_dtype)asked : FF_UINT8;
    int code = check_scale(c);

    if (infer_has(c, 2)) {
        if (asked > 0 && t != c->in[2].dtype)
            return infer_fail("'output_dtype' and the zero point differ in type");
        t = c->in[2].dtype;
    }
    if (code == FF_OK)
        infer_set(c, 0, t, c->in[0].rank, c->in[0].dims);
    return code;
}

static int infer_dequantize(ff_infer *c)
{
    int code = infer_same_type(c, 0, 2);

    if (code || (code = check_scale(c)))
        return code;
    int64_t want = ff_node_int(c->node, "output_dtype", FF_UNDEFINED);
    if (want != FF_UNDEFINED && want != (int64_t)c->in[1].dtype)
        return ff_fail(FF_ERR_UNSUPPORTED, "output_dtype is not the type of the scale");
    infer_set(c, 0, c->node->opset < 19 ? FF_FLOAT : c->in[1].dtype, c->in[0].rank, c->in[0].dims);
    return FF_OK;
}

static int infer_dynamic_quantize(ff_infer *c)
{
    infer_set(c, 0, FF_UINT8, c->in[0].rank, c->in[0].dims);
    infer_set(c, 1, FF_FLOAT, 0, NULL);
    infer_set(c, 2, FF_UINT8, 0, NULL);
    return FF_OK;
}

static const struct ff_attr_fact no_attrs[] = {{0}};
static const struct ff_attr_fact dequantize_linear_13[] = {{"axis", FF_ATTR_INT, "1"}, {0}};
static const struct ff_attr_fact dequantize_linear_21[] = {
    {"axis", FF_ATTR_INT, "1"}, {"block_size", FF_ATTR_INT, "0"}, {0}};
static const struct ff_attr_fact quantize_linear_19[] = {
    {"axis", FF_ATTR_INT, "1"}, {"saturate", FF_ATTR_INT, "1"}, {0}};
static const struct ff_attr_fact quantize_linear_21[] = {{"axis", FF_ATTR_INT, "1"},
                                                         {"block_size", FF_ATTR_INT, "0"},
                                                         {"output_dtype", FF_ATTR_INT, "0"},
                                                         {"saturate", FF_ATTR_INT, "1"},
                                                         {0}};

static const struct ff_attr_fact dequantize_linear_23[] = {
    {"axis", FF_ATTR_INT, "1"}, {"block_size", FF_ATTR_INT, "0"}, {"output_dtype", FF_ATTR_INT, "0"}, {0}};
static const struct ff_attr_fact quantize_linear_23[] = {
    {"axis", FF_ATTR_INT, "1"},      {"block_size", FF_ATTR_INT, "0"}, {"output_dtype", FF_ATTR_INT, "0"},
    {"precision", FF_ATTR_INT, "0"}, {"saturate", FF_ATTR_INT, "1"},   {0}};

const ff_op ff_ops_quant[] = {
    /* since, inputs, outputs */
    {"", "DequantizeLinear", 10, 2, 3, 1, 1, infer_dequantize, no_attrs},
    {"", "DequantizeLinear", 13, 2, 3, 1, 1, infer_dequantize, dequantize_linear_13},
    {"", "DequantizeLinear", 21, 2, 3, 1, 1, infer_dequantize, dequantize_linear_21},
    {"", "DequantizeLinear", 23, 2, 3, 1, 1, infer_dequantize, dequantize_linear_23},
    {"", "DynamicQuantizeLinear", 11, 1, 1, 3, 3, infer_dynamic_quantize, no_attrs},
    {"", "QuantizeLinear", 10, 2, 3, 1, 1, infer_quantize, no_attrs},
    {"", "QuantizeLinear", 13, 2, 3, 1, 1, infer_quantize, dequantize_linear_13},
    {"", "QuantizeLinear", 19, 2, 3, 1, 1, infer_quantize, quantize_linear_19},
    {"", "QuantizeLinear", 21, 2, 3, 1, 1, infer_quantize, quantize_linear_21},
    {"", "QuantizeLinear", 23, 2, 3, 1, 1, infer_quantize, quantize_linear_23},
    {0},
};
