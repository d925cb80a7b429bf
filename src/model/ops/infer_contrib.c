/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Operators of ONNX Runtime's own domain: over integers, as its static quantiser writes them (QOperator format), and what
 * its optimiser makes one of. */
#include "model/ops/infer.h"

static const ff_qlinear qlinears[] = {
    /* lead, first, operands, scale of the result */
    {"QLinearAdd", "Add", 0, 0, 2, 6},
    {"QLinearMul", "Mul", 0, 0, 2, 6},
    {"QLinearSigmoid", "Sigmoid", 0, 0, 1, 3},
    {"QLinearLeakyRelu", "LeakyRelu", 0, 0, 1, 3},
    {"QLinearSoftmax", "Softmax", 0, 0, 1, 3},
    {"QLinearAveragePool", "AveragePool", 0, 0, 1, 3},
    {"QLinearGlobalAveragePool", "GlobalAveragePool", 0, 0, 1, 3},
    {"QLinearConcat", "Concat", 0, 2, -1, 0},
    {"QLinearWhere", "Where", 1, 1, 2, 7},
};

const ff_qlinear *ff_qlinear_find(const ff_node *n)
{
    for (size_t i = 0; strcmp(n->domain, FF_CONTRIB) == 0 && i < FF_COUNT(qlinears); i++)
        if (strcmp(qlinears[i].op, n->op) == 0)
            return &qlinears[i];
    return NULL;
}

int ff_qlinear_operands(const ff_qlinear *q, const ff_node *n)
{
    return q->operands >= 0 ? q->operands : (n->n_inputs - q->first) / 3;
}

ff_node ff_qlinear_plain(const ff_qlinear *q, const ff_node *n)
{
    ff_node plain = *n;
    plain.domain = "";
    plain.op = q->plain;
    plain.opset = strcmp(q->plain, "Softmax") == 0 ? (int)ff_node_int(n, "opset", 13) : 13;
    return plain;
}

static int infer_qlinear(ff_infer *c)
{
    enum { MOST = 64 };
    const ff_qlinear *q = ff_qlinear_find(c->node);
    int n = ff_qlinear_operands(q, c->node);
    ff_shape in[1 + MOST];
    if (n > MOST || (q->operands < 0 && (c->n_in - q->first) % 3 != 0))
        return infer_fail("%d inputs", c->n_in);
    if (ff_node_int(c->node, "channels_last", 0))
        return infer_fail("'channels_last' is not supported");
    for (int i = 0; i < q->lead; i++)
        in[i] = c->in[i];
    for (int i = 0; i < n; i++) {
        int code = infer_same_type(c, q->first, q->first + 3 * i);
        if (code)
            return code;
        in[q->lead + i] = c->in[q->first + 3 * i];
        in[q->lead + i].dtype = FF_FLOAT;
    }
    ff_node plain = ff_qlinear_plain(q, c->node);
    ff_infer real = *c;
    real.node = &plain;
    real.in = in;
    real.in_data = NULL;
    real.n_in = q->lead + n;
    int code = ff_op_find("", plain.op, plain.opset)->infer(&real);
    c->out[0].dtype = c->in[q->first].dtype;
    return code;
}

/* A, its scale and zero point, B with its own, C, and the result's where it is quantised. */
static int infer_qgemm(ff_infer *c)
{
    int64_t dims[2];
    int code = infer_matrix_product(c, 0, 3, dims);
    if (!code)
        infer_set(c, 0, infer_has(c, 7) ? c->in[0].dtype : FF_FLOAT, 2, dims);
    return code;
}

static int infer_plain(ff_infer *c, const char *op)
{
    ff_node plain = *c->node;
    plain.domain = "";
    plain.op = op;
    plain.opset = 13;
    ff_infer as = *c;
    as.node = &plain;
    as.n_in = c->n_in < 3 ? c->n_in : 3;
    return ff_op_find("", op, 13)->infer(&as);
}

static int infer_fused_conv(ff_infer *c)
{
    return infer_plain(c, "Conv");
}

static int infer_fused_gemm(ff_infer *c)
{
    return infer_plain(c, "Gemm");
}

/* Operands transposed in their last two axes. */
static int infer_fused_matmul(ff_infer *c)
{
    static const char *const names[] = {"transA", "transB"};
    ff_shape in[2] = {c->in[0], c->in[1]};
    if (ff_node_int(c->node, "transBatchA", 0) || ff_node_int(c->node, "transBatchB", 0))
        return infer_fail("'transBatchA' and 'transBatchB' are not supported");
    for (int i = 0; i < 2; i++) {
        int r = in[i].rank;
        if (r >= 2 && ff_node_int(c->node, names[i], 0)) {
            int64_t last = in[i].dims[r - 1];
            in[i].dims[r - 1] = in[i].dims[r - 2];
            in[i].dims[r - 2] = last;
        }
    }
    ff_infer as = *c;
    as.in = in;
    as.in_data = NULL;
    return infer_plain(&as, "MatMul");
}

static const struct ff_attr_fact no_attrs[] = {{0}};
static const struct ff_attr_fact gelu[] = {{"approximate", FF_ATTR_STRING, "none"}, {0}};
static const struct ff_attr_fact fused_matmul[] = {
    {"alpha", FF_ATTR_FLOAT, "1"}, {"transA", FF_ATTR_INT, "0"}, {"transB", FF_ATTR_INT, "0"}, {0}};
static const struct ff_attr_fact fused_conv[] = {{"activation", FF_ATTR_STRING, NULL},
                                                 {"activation_params", FF_ATTR_FLOATS, NULL},
                                                 {"auto_pad", FF_ATTR_STRING, "NOTSET"},
                                                 {"dilations", FF_ATTR_INTS, NULL},
                                                 {"group", FF_ATTR_INT, "1"},
                                                 {"kernel_shape", FF_ATTR_INTS, NULL},
                                                 {"pads", FF_ATTR_INTS, NULL},
                                                 {"strides", FF_ATTR_INTS, NULL},
                                                 {0}};
static const struct ff_attr_fact fused_gemm[] = {{"activation", FF_ATTR_STRING, NULL},
                                                 {"activation_alpha", FF_ATTR_FLOAT, NULL},
                                                 {"activation_beta", FF_ATTR_FLOAT, NULL},
                                                 {"alpha", FF_ATTR_FLOAT, "1"},
                                                 {"beta", FF_ATTR_FLOAT, "1"},
                                                 {"transA", FF_ATTR_INT, "0"},
                                                 {"transB", FF_ATTR_INT, "0"},
                                                 {0}};
static const struct ff_attr_fact leaky_relu[] = {{"alpha", FF_ATTR_FLOAT, "0.01"}, {0}};
static const struct ff_attr_fact softmax[] = {{"axis", FF_ATTR_INT, "-1"}, {"opset", FF_ATTR_INT, NULL}, {0}};
static const struct ff_attr_fact concat[] = {{"axis", FF_ATTR_INT, NULL}, {0}};
static const struct ff_attr_fact global_pool[] = {{"channels_last", FF_ATTR_INT, "0"}, {0}};
static const struct ff_attr_fact average_pool[] = {
    {"auto_pad", FF_ATTR_STRING, "NOTSET"}, {"ceil_mode", FF_ATTR_INT, "0"},
    {"channels_last", FF_ATTR_INT, "0"},    {"count_include_pad", FF_ATTR_INT, "0"},
    {"kernel_shape", FF_ATTR_INTS, NULL},   {"pads", FF_ATTR_INTS, NULL},
    {"strides", FF_ATTR_INTS, NULL},        {0}};
static const struct ff_attr_fact gemm[] = {
    {"alpha", FF_ATTR_FLOAT, "1"}, {"transA", FF_ATTR_INT, "0"}, {"transB", FF_ATTR_INT, "0"}, {0}};

const ff_op ff_ops_contrib[] = {
    /* since, inputs, outputs */
    {FF_CONTRIB, "BiasGelu", 1, 2, 2, 1, 1, infer_same, gelu},
    {FF_CONTRIB, "FusedConv", 1, 2, 4, 1, 1, infer_fused_conv, fused_conv},
    {FF_CONTRIB, "FusedGemm", 1, 2, 3, 1, 1, infer_fused_gemm, fused_gemm},
    {FF_CONTRIB, "FusedMatMul", 1, 2, 2, 1, 1, infer_fused_matmul, fused_matmul},
    {FF_CONTRIB, "Gelu", 1, 1, 1, 1, 1, infer_same, gelu},
    {FF_CONTRIB, "QGemm", 1, 6, 9, 1, 1, infer_qgemm, gemm},
    {FF_CONTRIB, "QLinearAdd", 1, 2, 8, 1, 1, infer_qlinear, no_attrs},
    {FF_CONTRIB, "QLinearAveragePool", 1, 2, 5, 1, 1, infer_qlinear, average_pool},
    {FF_CONTRIB, "QLinearConcat", 1, 3, -1, 1, 1, infer_qlinear, concat},
    {FF_CONTRIB, "QLinearGlobalAveragePool", 1, 2, 5, 1, 1, infer_qlinear, global_pool},
    {FF_CONTRIB, "QLinearLeakyRelu", 1, 2, 5, 1, 1, infer_qlinear, leaky_relu},
    {FF_CONTRIB, "QLinearMul", 1, 2, 8, 1, 1, infer_qlinear, no_attrs},
    {FF_CONTRIB, "QLinearSigmoid", 1, 2, 5, 1, 1, infer_qlinear, no_attrs},
    {FF_CONTRIB, "QLinearSoftmax", 1, 2, 5, 1, 1, infer_qlinear, softmax},
    {FF_CONTRIB, "QLinearWhere", 1, 3, 9, 1, 1, infer_qlinear, no_attrs},
    {0},
};
