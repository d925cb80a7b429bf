/* SPDX-License-Identifier: GPL-3.0-or-later */
/* QLinearConv and QLinearMatMul are Conv and MatMul of dequantised operands whose result is quantised (a value right
 * between two steps may be rounded the other way): so the
 * specification defines them, and so other converters write them (QDQ). */
#include "canon/rewrite.h"

/* (q - zero) * scale, for each index of `axis` its own or one for all. NULL: it does not fit. */
static cg_value *dequantized(cg_graph *g, const cg_value *q, const cg_value *scale, const cg_value *zero, int axis)
{
    const ff_tensor *s = scale->constant, *z = zero ? zero->constant : NULL;
    int64_t channels = axis < q->constant->rank ? q->constant->dims[axis] : 1, inner = 1;
    for (int i = axis + 1; i < q->constant->rank; i++)
        inner *= q->constant->dims[i];
    if ((s->count != 1 && s->count != channels) || (z && z->count != 1 && z->count != channels))
        return NULL;
    ff_tensor *t = cg_reals(g, q->constant);
    if (!t)
        return NULL;
    double *v = t->data;
    for (int64_t i = 0; i < t->count; i++) {
        int64_t c = i / inner % channels;
        double offset = z ? ff_tensor_get_real(z, z->count == 1 ? 0 : c) : 0;
        v[i] = (v[i] - offset) * ff_tensor_get_real(s, s->count == 1 ? 0 : c);
    }
    cg_value *r = cg_constant(g, t, q);
    r->folded = true;
    return r;
}

/* The bias is stored in units of the scales of both operands. */
static cg_value *real_bias(cg_graph *g, const cg_value *bias, const cg_value *x_scale, const cg_value *w_scale)
{
    const ff_tensor *s = w_scale->constant;
    ff_tensor *t = cg_reals(g, bias->constant);
    if (!t)
        return NULL;
    double *v = t->data, x = ff_tensor_get_real(x_scale->constant, 0);
    for (int64_t i = 0; i < t->count; i++)
        v[i] *= x * ff_tensor_get_real(s, s->count == t->count ? i : 0);
    cg_value *r = cg_constant(g, t, bias);
    r->folded = true;
    return r;
}

static bool constants(const cg_node *n, int from, int to)
{
    for (int i = from; i < to; i++)
        if (!n->in[i] || !n->in[i]->constant || n->in[i]->constant->count < 1)
            return false;
    return true;
}

static cg_value *real_value(cg_graph *g, const cg_value *like)
{
    ff_shape shape = like->shape;
    shape.dtype = FF_FLOAT;
    return cg_value_create(g, &shape);
}

/* Inputs 0..2 are one operand with its scale and zero point, 3..5 the constant one, 6 and 7 the result's. */
static bool become_real(cg_graph *g, cg_node *n, const cg_rule *self, const char *op, cg_value *weight, cg_value *bias)
{
    cg_value *in[8], *y = n->out[0];
    for (int i = 0; i < 8; i++)
        in[i] = n->in[i];
    cg_node *before = cg_insert_before(g, n, "DequantizeLinear", n->primary, 3);
    cg_node *after = cg_insert_after(g, n, "QuantizeLinear", n->primary, 3);
    cg_value *x = real_value(g, in[0]), *result = real_value(g, y);
    cg_set_inputs(g, n, 0);
    cg_set_inputs(g, n, bias ? 3 : 2);
    for (int i = 0; i < 3; i++)
        cg_set_in(before, i, in[i]);
    cg_set_out(g, before, 0, x);
    cg_set_int(g, before, "axis", 1, n->primary);
    cg_set_in(n, 0, x);
    cg_set_in(n, 1, weight);
    if (bias)
        cg_set_in(n, 2, bias);
    cg_set_out(g, n, 0, result);
    cg_set_in(after, 0, result);
    cg_set_in(after, 1, in[6]);
    cg_set_in(after, 2, in[7]);
    cg_set_out(g, after, 0, y);
    cg_set_int(g, after, "axis", 1, n->primary);
    n->op = op;
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

static bool conv(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if (!cg_is(n, "QLinearConv") || n->n_in < 8 || n->in[0]->constant || !constants(n, 1, 8) ||
        n->in[1]->constant->count != 1)
        return false;
    bool biased = n->n_in > 8 && n->in[8];
    if (biased && !n->in[8]->constant)
        return false;
    cg_value *w = dequantized(g, n->in[3], n->in[4], n->in[5], 0);
    cg_value *b = w && biased ? real_bias(g, n->in[8], n->in[1], n->in[4]) : NULL;
    return w && (b || !biased) && become_real(g, n, self, "Conv", w, b);
}

static bool matmul(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if (!cg_is(n, "QLinearMatMul") || n->n_in != 8 || n->in[0]->constant || !constants(n, 1, 8) ||
        n->in[1]->constant->count != 1 || n->in[3]->constant->rank != 2)
        return false;
    cg_value *w = dequantized(g, n->in[3], n->in[4], n->in[5], 1);
    return w && become_real(g, n, self, "MatMul", w, NULL);
}

const cg_rule cg_quantized_rules[] = {
    {"qlinear-conv", "QLinearConv is Conv between DequantizeLinear and QuantizeLinear, but for ties", conv},
    {"qlinear-matmul", "QLinearMatMul is MatMul between DequantizeLinear and QuantizeLinear, but for ties", matmul},
    {NULL, NULL, NULL},
};
