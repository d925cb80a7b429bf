/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dense layers: Gemm over the last axis, weight [N,K], bias [N], whatever they were written as. */
#include <math.h>
#include <string.h>

#include "canon/rewrite.h"

static cg_value *zeros(cg_graph *g, int64_t n, const ff_node *reader)
{
    ff_tensor *t = cg_reals_new(g, 1, &n);
    if (!t)
        return NULL;
    cg_value *v = cg_constant(g, t, NULL);
    v->reader = reader;
    return v;
}

static cg_value *times(cg_graph *g, const cg_value *c, double factor)
{
    ff_tensor *t = cg_reals(g, c->constant);
    if (!t)
        return NULL;
    for (int64_t i = 0; i < t->count; i++)
        ((double *)t->data)[i] *= factor;
    cg_value *v = cg_constant(g, t, c);
    v->folded = v->folded || factor != 1;
    return v;
}

/* A constant that broadcasts along the last axis only, as [n]. */
static cg_value *last_axis(cg_graph *g, const cg_value *c, int64_t n)
{
    const ff_tensor *t = c->constant;
    for (int i = 0; i < t->rank - 1; i++)
        if (t->dims[i] != 1)
            return NULL;
    if (t->count == n)
        return cg_constant_reshaped(g, c, 1, &n);
    if (t->count != 1)
        return NULL;
    ff_tensor *r = cg_reals_new(g, 1, &n);
    if (!r)
        return NULL;
    for (int64_t i = 0; i < n; i++)
        ((double *)r->data)[i] = ff_tensor_get_real(t, 0);
    cg_value *v = cg_constant(g, r, c);
    v->folded = true;
    return v;
}

static bool matmul(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if (!cg_is(n, "MatMul") || n->n_in != 2 || n->in[0]->constant || !n->in[1] || !n->in[1]->constant ||
        n->in[1]->shape.rank != 2 || n->in[0]->shape.rank < 2 || !ff_dtype_is_float(n->in[1]->shape.dtype))
        return false;
    static const int swap[2] = {1, 0};
    cg_value *w = cg_constant_transposed(g, n->in[1], swap);
    cg_value *b = w ? zeros(g, w->shape.dims[0], n->primary) : NULL;
    if (!b)
        return false;
    cg_set_inputs(g, n, 3);
    cg_set_in(n, 1, w);
    cg_set_in(n, 2, b);
    n->op = "Gemm";
    n->formed = true;
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

/* transA is a Transpose before. */
static bool transposed_rows(cg_graph *g, cg_node *n, const cg_rule *self)
{
    cg_value *x = cg_is(n, "Gemm") && !n->formed && cg_int(n, "transA", 0) != 0 ? n->in[0] : NULL;
    if (!x || x->constant || x->shape.rank != 2)
        return false;
    static const int swap[2] = {1, 0};
    cg_set_in(n, 0, cg_transpose_before(g, n, x, swap));
    cg_set_int(g, n, "transA", 0, n->primary);
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

static bool gemm(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if (!cg_is(n, "Gemm") || n->formed || n->n_in < 2 || n->in[0]->constant || !n->in[1] || !n->in[1]->constant ||
        cg_int(n, "transA", 0) != 0 || n->in[1]->shape.rank != 2)
        return false;
    double alpha = cg_real(n, "alpha", 1), beta = cg_real(n, "beta", 1);
    bool transposed = cg_int(n, "transB", 0) != 0;
    static const int swap[2] = {1, 0};
    cg_value *w = transposed ? n->in[1] : cg_constant_transposed(g, n->in[1], swap);
    if (!w)
        return false;
    int64_t outputs = w->shape.dims[0];
    cg_value *b = NULL;
    if (n->n_in > 2 && n->in[2]) {
        b = n->in[2]->constant ? last_axis(g, n->in[2], outputs) : NULL;
        if (b && beta != 1)
            b = times(g, b, beta);
    } else {
        b = zeros(g, outputs, n->primary);
    }
    if (b && alpha != 1)
        w = times(g, w, alpha);
    if (!b || !w)
        return false;
    cg_set_inputs(g, n, 3);
    cg_set_in(n, 1, w);
    cg_set_in(n, 2, b);
    n->n_attrs = 0;
    n->formed = true;
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

/* Gemm over the last axis + a constant along it. */
static bool bias(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if (!cg_is(n, "Add") || n->n_in != 2 || !n->in[1])
        return false;
    int k = n->in[1]->constant ? 1 : 0;
    cg_node *p = cg_feeder(n, 1 - k, "Gemm");
    if (!p || !p->formed || !n->in[k]->constant || !cg_shape_same(&n->in[1 - k]->shape, &n->out[0]->shape))
        return false;
    double zero = 1;
    bool none = cg_uniform(p->in[2], &zero) && zero == 0;
    cg_value *b = last_axis(g, n->in[k], p->in[1]->shape.dims[0]);
    if (!b)
        return false;
    if (!none) {
        cg_value *sum = times(g, p->in[2], 1);
        if (!sum)
            return false;
        for (int64_t i = 0; i < sum->constant->count; i++)
            ((double *)sum->constant->data)[i] += ff_tensor_get_real(b->constant, i);
        sum->folded = true;
        b = sum;
    }
    cg_set_in(p, 2, b);
    cg_record_rule(g, self, p, n, 0);
    cg_value *out = n->out[0];
    cg_remove(g, n, p);
    cg_set_out(g, p, 0, out);
    return true;
}

/* A convolution whose window is the whole picture is a dense layer; so is 1x1 on 1x1. */
static bool whole_window(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if (!cg_is(n, "Conv") || n->n_in != 3 || !n->in[1] || !n->in[1]->constant || !n->in[2]->constant ||
        cg_int(n, "group", 1) != 1)
        return false;
    cg_value *x = n->in[0], *y = n->out[0], *w = n->in[1];
    const ff_cattr *pads = cg_attr(n, "pads"), *dilations = cg_attr(n, "dilations");
    if (!cg_shape_static(&x->shape) || !cg_shape_static(&y->shape) || x->shape.rank < 3 || !pads || !dilations)
        return false;
    for (int i = 0; i < pads->n; i++)
        if (pads->ints[i] != 0)
            return false;
    for (int i = 2; i < x->shape.rank; i++)
        if (x->shape.dims[i] != w->shape.dims[i] || y->shape.dims[i] != 1 ||
            (dilations->ints[i - 2] != 1 && w->shape.dims[i] != 1))
            return false;
    int64_t outputs = w->shape.dims[0];
    int64_t weight_dims[2] = {outputs, w->constant->count / outputs};
    ff_shape flat = {.dtype = x->shape.dtype, .rank = 2, .dims = {x->shape.dims[0], weight_dims[1]}};
    ff_shape dense = {.dtype = y->shape.dtype, .rank = 2, .dims = {x->shape.dims[0], outputs}};
    cg_value *matrix = cg_constant_reshaped(g, w, 2, weight_dims);
    if (!matrix)
        return false;
    cg_value *xf = cg_value_create(g, &flat), *yf = cg_value_create(g, &dense);
    cg_inherit_reshaped(xf, x);
    cg_inherit_reshaped(yf, y);
    cg_node *before = cg_insert_before(g, n, "Reshape", n->primary, 1);
    cg_set_in(before, 0, x);
    cg_set_out(g, before, 0, xf);
    cg_set_ints(g, before, "shape", flat.dims, 2, n->primary);
    cg_node *after = cg_insert_after(g, n, "Reshape", n->primary, 1);
    cg_set_in(after, 0, yf);
    cg_set_out(g, after, 0, y);
    cg_set_ints(g, after, "shape", y->shape.dims, y->shape.rank, n->primary);
    cg_set_in(n, 0, xf);
    cg_set_in(n, 1, matrix);
    cg_set_out(g, n, 0, yf);
    n->op = "Gemm";
    n->formed = true;
    n->n_attrs = 0;
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

/* Gemm over the columns of a flattened Transpose: the columns can be in the order before it. */
static bool flattened_transpose(cg_graph *g, cg_node *n, const cg_rule *self)
{
    cg_node *r = cg_is(n, "Gemm") && n->formed ? cg_feeder(n, 0, "Reshape") : NULL;
    cg_node *t = r ? cg_feeder(r, 0, "Transpose") : NULL;
    const ff_cattr *perm = t ? cg_attr(t, "perm") : NULL;
    if (!perm || perm->n < 2 || perm->ints[0] != 0 || n->in[0]->shape.rank != 2)
        return false;
    cg_value *x = t->in[0];
    int rank = x->shape.rank;
    if (!cg_shape_static(&x->shape) || rank != perm->n || n->in[0]->shape.dims[0] != x->shape.dims[0])
        return false;
    /* Columns run over the transposed axes: axis j there is axis perm[j] of x. */
    int64_t split[FF_MAX_RANK] = {n->in[1]->shape.dims[0]};
    int order[FF_MAX_RANK];
    for (int j = 1; j < rank; j++) {
        split[j] = x->shape.dims[perm->ints[j]];
        order[perm->ints[j]] = j;
    }
    order[0] = 0;
    cg_value *w = cg_constant_reshaped(g, n->in[1], rank, split);
    w = w ? cg_constant_transposed(g, w, order) : NULL;
    w = w ? cg_constant_reshaped(g, w, 2, n->in[1]->shape.dims) : NULL;
    if (!w)
        return false;
    cg_set_in(n, 1, w);
    cg_record_rule(g, self, n, t, 0);
    cg_value *flat = cg_value_create(g, &n->in[0]->shape);
    cg_inherit_reshaped(flat, x);
    cg_set_in(r, 0, x);
    cg_set_in(n, 0, flat);
    cg_set_out(g, r, 0, flat);
    cg_remove(g, t, NULL);
    return true;
}

const cg_rule cg_linear_rules[] = {
    {"matmul-gemm", "MatMul by a constant matrix is a dense layer", matmul},
    {"gemm-transposed", "transA of Gemm is a Transpose before", transposed_rows},
    {"gemm-form", "alpha, beta, transB and the bias of Gemm are in its weights", gemm},
    {"matmul-bias", "Add of a constant after a dense layer is its bias", bias},
    {"conv-gemm", "a convolution whose window covers its whole input is a dense layer", whole_window},
    {"flatten-order", "a Transpose before Flatten and a dense layer is an order of its columns", flattened_transpose},
    {NULL, NULL, NULL},
};
