/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * qlinear.c: the operators over integers of ONNX Runtime's own domain. Each is the plain operator of its dequantised
 * operands, quantised; of QGemm the sums are exact. Where the result lies right between two steps, ONNX Runtime rounds
 * either way, as its instruction set has it.
 */
#include "kernel.h"

#include <string.h>

/* Input i with the scale and the zero point behind it, as real numbers. */
static int dequantize(ff_call *c, int i, ff_tensor **out)
{
    const ff_node node = ff_standard_node("DequantizeLinear");
    const ff_tensor *in[] = {ff_in(c, i), ff_in(c, i + 1), ff_in(c, i + 2)};
    if (!in[0] || !in[1])
        return ff_fail(FF_ERR_GRAPH, "input %d is missing", in[0] ? i + 1 : i);
    if (in[1]->count != 1)
        return ff_fail(FF_ERR_GRAPH, "%lld scales where one is allowed", (long long)in[1]->count);
    return ff_run_inner(c, &node, in, 3, out);
}

/* With the scale in input i, in the type of the operands. */
static int quantize(ff_call *c, const ff_tensor *y, int i, const ff_tensor *operand)
{
    const ff_node node = ff_standard_node("QuantizeLinear");
    const ff_tensor *in[] = {y, ff_in(c, i), ff_in(c, i + 1)};
    ff_tensor *zero = NULL;
    int rc = in[1] && in[1]->count == 1 ? FF_OK : ff_fail(FF_ERR_GRAPH, "the result has no scale");
    if (!rc && !in[2] && !(rc = ff_tensor_create(operand->dtype, 0, NULL, &zero)))
        in[2] = zero; /* 0, in the type of the result */
    if (!rc)
        rc = ff_run_inner(c, &node, in, 3, &c->out[0]);
    ff_tensor_unref(zero);
    return rc;
}

int ff_k_qlinear(ff_call *c)
{
    enum { MOST = 64 };
    const ff_qlinear *q = ff_qlinear_find(c->node);
    const ff_tensor *in[1 + MOST] = {0};
    ff_tensor *real[MOST] = {0}, *y = NULL;
    int n = ff_qlinear_operands(q, c->node), rc = FF_OK;
    if (n < 1 || n > MOST)
        return ff_fail(FF_ERR_GRAPH, "%d operands", n);
    if (ff_node_int(c->node, "channels_last", 0))
        return ff_fail(FF_ERR_UNSUPPORTED, "'channels_last' is not supported");
    for (int i = 0; i < q->lead; i++)
        in[i] = ff_in(c, i);
    for (int i = 0; i < n && !rc; i++) {
        rc = dequantize(c, q->first + 3 * i, &real[i]);
        in[q->lead + i] = real[i];
    }
    const ff_node plain = ff_qlinear_plain(q, c->node);
    if (!rc)
        rc = ff_run_inner(c, &plain, in, q->lead + n, &y);
    if (!rc)
        rc = quantize(c, y, q->scale, c->in[q->first]);
    ff_tensor_unref(y);
    for (int i = 0; i < n; i++)
        ff_tensor_unref(real[i]);
    return rc;
}

/* A minus its zero point, as float64; B has one for each column where there are several. */
static int centre(const ff_tensor *x, const ff_tensor *zero, bool columns_first, ff_tensor **out)
{
    int rc = ff_tensor_convert(x, FF_DOUBLE, out);
    int64_t columns = x->rank == 2 ? x->dims[columns_first ? 0 : 1] : 0;
    if (rc || !zero)
        return rc;
    if (zero->count != 1 && zero->count != columns)
        return ff_fail(FF_ERR_GRAPH, "%lld zero points for %lld columns", (long long)zero->count, (long long)columns);
    for (int64_t i = 0; i < x->count; i++) {
        int64_t at = columns_first ? i / x->dims[1] : i % columns;
        ((double *)(*out)->data)[i] -= ff_tensor_get_real(zero, zero->count == 1 ? 0 : at);
    }
    return FF_OK;
}

static int real_product(ff_call *c, const ff_tensor *sums, const ff_tensor *a, const ff_tensor *b, double alpha)
{
    ff_tensor *y;
    int rc = ff_out(c, 0, FF_FLOAT, sums->rank, sums->dims, &y);
    for (int64_t i = 0; !rc && i < y->count; i++) {
        double s = ff_tensor_get_real(b, b->count == 1 ? 0 : i % sums->dims[1]);
        ((float *)y->data)[i] = (float)(((const double *)sums->data)[i] * alpha * ff_tensor_get_real(a, 0) * s);
    }
    return rc;
}

int ff_k_qgemm(ff_call *c)
{
    const ff_tensor *t, *in[3] = {0}, *to = ff_in(c, 7);
    ff_tensor *a = NULL, *b = NULL, *bias = NULL, *sums = NULL, *y;
    int rc = FF_OK, n = ff_in(c, 6) ? 3 : 2;
    for (int i = 0; i < 6 && !rc; i++)
        rc = ff_need(c, i, i % 3 ? 0 : 2, i % 3 ? 1 : 2, &t);
    if (rc)
        return rc;
    /* The standard's Gemm over whole numbers; alpha belongs to the scale. */
    ff_node gemm = *c->node;
    ff_attr attrs[2];
    gemm.domain = "";
    gemm.op = "Gemm";
    gemm.opset = 13;
    gemm.n_attrs = 0;
    for (int i = 0; i < c->node->n_attrs; i++)
        if (strncmp(c->node->attrs[i].name, "trans", 5) == 0 && gemm.n_attrs < 2)
            attrs[gemm.n_attrs++] = c->node->attrs[i];
    gemm.attrs = attrs;
    double alpha = ff_node_float(c->node, "alpha", 1);
    bool columns_first = ff_node_int(c->node, "transB", 0) != 0;
    if (c->in[1]->count != 1)
        rc = ff_fail(FF_ERR_GRAPH, "A has %lld scales", (long long)c->in[1]->count);
    else if (!(rc = centre(c->in[0], c->in[2], false, &a)) && !(rc = centre(c->in[3], c->in[5], columns_first, &b)) &&
             n > 2)
        rc = ff_tensor_convert(c->in[6], FF_DOUBLE, &bias);
    in[0] = a;
    in[1] = b;
    in[2] = bias;
    if (!rc)
        rc = ff_run_inner(c, &gemm, in, n, &sums);
    if (!rc && c->in[4]->count != 1 && c->in[4]->count != sums->dims[1])
        rc = ff_fail(FF_ERR_GRAPH, "B has %lld scales", (long long)c->in[4]->count);
    if (!rc && !to)
        rc = real_product(c, sums, c->in[1], c->in[4], alpha);
    else if (!rc && !(rc = ff_need(c, 8, 0, 1, &t)) && !(rc = ff_out(c, 0, t->dtype, 2, sums->dims, &y)))
        rc = ff_requantize(y, sums->data, alpha, c->in[1], c->in[4], to, t, 1);
    ff_tensor_unref(sums);
    ff_tensor_unref(bias);
    ff_tensor_unref(a);
    ff_tensor_unref(b);
    return rc;
}
