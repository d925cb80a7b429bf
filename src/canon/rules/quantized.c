/* SPDX-License-Identifier: GPL-3.0-or-later */
/* QLinearConv, QLinearMatMul and their kin are operators of dequantised operands whose result is quantised (a value right
 * between two steps may be rounded the other way): so the specification defines them, and so other converters write
 * them (QDQ). */
#include <string.h>

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

/* A DequantizeLinear or a QuantizeLinear with these operands: all but absent zero points. */
static void set_operands(cg_graph *g, cg_node *n, cg_value *x, cg_value *scale, cg_value *zero, cg_value *y)
{
    cg_set_in(n, 0, x);
    cg_set_in(n, 1, scale);
    if (zero)
        cg_set_in(n, 2, zero);
    else
        cg_set_inputs(g, n, 2);
    cg_set_out(g, n, 0, y);
    cg_set_int(g, n, "axis", 1, n->primary);
}

/* What an operand is as real numbers: a constant, or by a DequantizeLinear before n. NULL: it does not fit. */
static cg_value *real_operand(cg_graph *g, cg_node *n, int at)
{
    cg_value *x = n->in[at], *scale = n->in[at + 1], *zero = at + 2 < n->n_in ? n->in[at + 2] : NULL;
    if (x->constant)
        return dequantized(g, x, scale, zero, x->constant->rank);
    cg_value *y = real_value(g, x);
    set_operands(g, cg_insert_before(g, n, "DequantizeLinear", n->primary, 3), x, scale, zero, y);
    return y;
}

/* n is `op` of these, and what it gave comes from a QuantizeLinear with the scale and the zero point. */
static void become_real(cg_graph *g, cg_node *n, const cg_rule *self, const char *op, int n_in, cg_value *const *in,
                        cg_value *scale, cg_value *zero)
{
    cg_value *y = n->out[0], *result = real_value(g, y);
    cg_node *after = cg_insert_after(g, n, "QuantizeLinear", n->primary, 3);
    cg_set_inputs(g, n, 0);
    cg_set_inputs(g, n, n_in);
    for (int i = 0; i < n_in; i++)
        cg_set_in(n, i, in[i]);
    cg_set_out(g, n, 0, result);
    set_operands(g, after, result, scale, zero, y);
    n->op = op;
    cg_record_rule(g, self, n, NULL, 0);
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
    if (!w || (biased && !b))
        return false;
    cg_value *in[] = {real_operand(g, n, 0), w, b};
    become_real(g, n, self, "Conv", biased ? 3 : 2, in, n->in[6], n->in[7]);
    return true;
}

static bool matmul(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if (!cg_is(n, "QLinearMatMul") || n->n_in != 8 || n->in[0]->constant || !constants(n, 1, 8) ||
        n->in[1]->constant->count != 1 || n->in[3]->constant->rank != 2)
        return false;
    cg_value *w = dequantized(g, n->in[3], n->in[4], n->in[5], 1);
    if (!w)
        return false;
    cg_value *in[] = {real_operand(g, n, 0), w};
    become_real(g, n, self, "MatMul", 2, in, n->in[6], n->in[7]);
    return true;
}

/* Gemm of dequantised A and constant B, with a bias in units of both scales; quantised, or real as it is. */
static bool gemm(cg_graph *g, cg_node *n, const cg_rule *self)
{
    bool biased = n->n_in > 6 && n->in[6], real = n->n_in < 8;
    if (!cg_is(n, "QGemm") || n->n_in < 6 || n->in[0]->constant || !constants(n, 1, 6) ||
        n->in[1]->constant->count != 1 || n->in[3]->constant->rank != 2 || (biased && !n->in[6]->constant) ||
        (!real && (n->n_in < 9 || !constants(n, 7, 9))))
        return false;
    cg_value *w = dequantized(g, n->in[3], n->in[4], n->in[5], cg_int(n, "transB", 0) ? 0 : 1);
    cg_value *b = w && biased ? real_bias(g, n->in[6], n->in[1], n->in[4]) : NULL;
    if (!w || (biased && !b))
        return false;
    cg_value *in[] = {real_operand(g, n, 0), w, b};
    cg_set_real(g, n, "beta", cg_real(n, "alpha", 1), n->primary); /* alpha stands before the sum with the bias, too */
    if (!real) {
        become_real(g, n, self, "Gemm", biased ? 3 : 2, in, n->in[7], n->in[8]);
        return true;
    }
    cg_set_inputs(g, n, 0);
    cg_set_inputs(g, n, biased ? 3 : 2);
    for (int i = 0; i < n->n_in; i++)
        cg_set_in(n, i, in[i]);
    n->op = "Gemm";
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

/* The others, operand by operand. */
static bool plain(cg_graph *g, cg_node *n, const cg_rule *self)
{
    enum { MOST = 64 };
    const ff_qlinear *q = n->primary && cg_is(n, n->primary->op) ? ff_qlinear_find(n->primary) : NULL;
    int count = q ? ff_qlinear_operands(q, n->primary) : 0;
    cg_value *in[1 + MOST];
    if (!q || count > MOST || n->n_in <= q->scale || n->n_in <= q->first + 3 * (count - 1) + 1 || !n->in[q->scale] ||
        !n->in[q->scale]->constant)
        return false;
    for (int i = 0; i < count; i++) {
        int at = q->first + 3 * i;
        if (!n->in[at] || !constants(n, at + 1, at + 2) || n->in[at + 1]->constant->count != 1 ||
            (at + 2 < n->n_in && n->in[at + 2] && !n->in[at + 2]->constant))
            return false;
    }
    for (int i = 0; i < q->lead; i++)
        in[i] = n->in[i];
    for (int i = 0; i < count; i++)
        if (!(in[q->lead + i] = real_operand(g, n, q->first + 3 * i)))
            return false;
    cg_value *zero = q->scale + 1 < n->n_in ? n->in[q->scale + 1] : NULL;
    cg_drop_attr(g, n, "channels_last");
    become_real(g, n, self, q->plain, q->lead + count, in, n->in[q->scale], zero);
    return true;
}

static bool same_number(const cg_value *a, const cg_value *b)
{
    if (!a || !b)
        return a == b;
    return a->constant && b->constant && a->constant->count == 1 && b->constant->count == 1 &&
           ff_tensor_get_real(a->constant, 0) == ff_tensor_get_real(b->constant, 0);
}

/* Do all read v with the numbers with which n does? */
static bool read_alike(const cg_value *v, const cg_node *n)
{
    for (int i = 0; i < v->n_users; i++) {
        const cg_node *u = v->users[i];
        if (!cg_is(u, "DequantizeLinear") || u->n_in != n->n_in || !same_number(u->in[1], n->in[1]) ||
            (n->n_in > 2 && !same_number(u->in[2], n->in[2])))
            return false;
    }
    return v->outputs == 0;
}

/* What takes numbers from among its input's is over what was dequantised already: one step keeps their order. */
static bool select_real(cg_graph *g, cg_node *n, const cg_rule *self)
{
    static const char *const ops[] = {"MaxPool", "GlobalMaxPool", "Slice", "Gather", NULL};
    cg_node *m = cg_is(n, "DequantizeLinear") && cg_elementwise(n) ? n->in[0]->producer : NULL;
    if (!m || !ff_any_of(m->op, ops) || m->n_out != 1 || !m->in[0] || m->in[0]->constant || !read_alike(n->in[0], n) ||
        !(ff_tensor_get_real(n->in[1]->constant, 0) > 0))
        return false;
    cg_value *v = m->out[0], *y = real_value(g, v), *x = real_value(g, m->in[0]);
    cg_node *before = cg_insert_before(g, m, "DequantizeLinear", n->primary, 3);
    cg_inherit(y, n->out[0]);
    set_operands(g, before, m->in[0], n->in[1], n->n_in > 2 ? n->in[2] : NULL, x);
    cg_record_rule(g, self, m, n, 0);
    cg_set_in(m, 0, x);
    cg_set_out(g, m, 0, y);
    while (v->n_users) {
        cg_node *reader = v->users[0];
        cg_replace_value(g, reader->out[0], y);
        cg_remove(g, reader, before);
    }
    return true;
}

/* Quantised again with the numbers that it was dequantised with: the same integers. */
static bool again(cg_graph *g, cg_node *n, const cg_rule *self)
{
    cg_node *d = cg_is(n, "QuantizeLinear") && cg_elementwise(n) ? n->in[0]->producer : NULL;
    bool zero = n->n_in > 2, whole = d && cg_is(d, "DequantizeLinear") && cg_elementwise(d) && !d->in[0]->constant;
    if (!whole || d->in[0]->shape.dtype != n->out[0]->shape.dtype || !same_number(n->in[1], d->in[1]) ||
        zero != (d->n_in > 2) || (zero && !same_number(n->in[2], d->in[2])))
        return false;
    cg_record_rule(g, self, n, d, 0);
    cg_value *x = d->in[0];
    cg_replace_value(g, n->out[0], x);
    cg_remove(g, n, d);
    cg_remove_unread(g, d->out[0], NULL);
    return true;
}

const cg_rule cg_quantized_rules[] = {
    {"qlinear-conv", "QLinearConv is Conv between DequantizeLinear and QuantizeLinear, but for ties", conv},
    {"qlinear-matmul", "QLinearMatMul is MatMul between DequantizeLinear and QuantizeLinear, but for ties", matmul},
    {"qgemm", "QGemm is Gemm between DequantizeLinear and QuantizeLinear, but for ties", gemm},
    {"qlinear", "an operator over integers is the operator between DequantizeLinear and QuantizeLinear, but for ties",
     plain},
    {"requantized", "quantised again with the same scale and zero point, an activation stays as it is", again},
    {"select-dequantized", "numbers chosen among integers are those chosen among what they stand for", select_real},
    {NULL, NULL, NULL},
};
