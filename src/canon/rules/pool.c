/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Poolings and reductions over whole pictures. */
#include <string.h>

#include "canon/rewrite.h"

/* ReduceMean (ReduceMax) over all spatial axes. */
static bool reduction(cg_graph *g, cg_node *n, const cg_rule *self)
{
    bool mean = cg_is(n, "ReduceMean"), max = cg_is(n, "ReduceMax");
    const ff_cattr *axes = cg_attr(n, "axes");
    int rank = n->in[0]->shape.rank;
    if ((!mean && !max) || n->n_in != 1 || rank < 3 || !axes || axes->n != rank - 2 || cg_int(n, "keepdims", 0) != 1)
        return false;
    for (int i = 0; i < axes->n; i++)
        if (axes->ints[i] != i + 2)
            return false;
    n->op = mean ? "GlobalAveragePool" : "GlobalMaxPool";
    n->n_attrs = 0;
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

static bool whole_window(cg_graph *g, cg_node *n, const cg_rule *self)
{
    bool average = cg_is(n, "AveragePool"), max = cg_is(n, "MaxPool");
    const ff_cattr *k = cg_attr(n, "kernel_shape"), *p = cg_attr(n, "pads"), *d = cg_attr(n, "dilations");
    const ff_shape *in = &n->in[0]->shape, *out = &n->out[0]->shape;
    if ((!average && !max) || !k || !p || !d || !cg_shape_static(in) || !cg_shape_static(out) || k->n != in->rank - 2 ||
        cg_attr(n, "auto_pad") || (n->n_out > 1 && n->out[1] && cg_used(n->out[1])))
        return false;
    for (int i = 0; i < k->n; i++)
        if (k->ints[i] != in->dims[2 + i] || out->dims[2 + i] != 1 || p->ints[i] != 0 || p->ints[k->n + i] != 0 ||
            (d->ints[i] != 1 && k->ints[i] != 1))
            return false;
    n->op = average ? "GlobalAveragePool" : "GlobalMaxPool";
    n->n_attrs = 0;
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

/* A pooling of 1x1 windows in steps of one hands its input on. */
static bool trivial(cg_graph *g, cg_node *n, const cg_rule *self)
{
    bool pool = cg_is(n, "AveragePool") || cg_is(n, "MaxPool"),
         global = cg_is(n, "GlobalAveragePool") || cg_is(n, "GlobalMaxPool");
    const ff_cattr *k = cg_attr(n, "kernel_shape");
    if ((!pool && !global) || (n->n_out > 1 && n->out[1] && cg_used(n->out[1])) || !cg_shape_static(&n->in[0]->shape) ||
        !cg_shape_same(&n->in[0]->shape, &n->out[0]->shape))
        return false;
    for (int i = 0; pool && (!k || i < k->n); i++)
        if (!k || k->ints[i] != 1)
            return false;
    for (int i = 2; global && i < n->in[0]->shape.rank; i++)
        if (n->in[0]->shape.dims[i] != 1)
            return false;
    const ff_cattr *s = cg_attr(n, "strides"), *p = cg_attr(n, "pads");
    for (int i = 0; pool && s && i < s->n; i++)
        if (s->ints[i] != 1 && n->in[0]->shape.dims[2 + i] != 1)
            return false;
    for (int i = 0; pool && p && i < p->n; i++)
        if (p->ints[i] != 0)
            return false;
    cg_record_rule(g, self, n, NULL, 0);
    cg_replace_value(g, n->out[0], n->in[0]);
    cg_remove(g, n, NULL);
    return true;
}

/* The steps with which n takes single elements of its input; false: it does another thing. */
static bool takes_every(const cg_node *n, int spatial, int64_t *steps)
{
    const ff_cattr *k = cg_attr(n, "kernel_shape"), *s = cg_attr(n, "strides"), *p = cg_attr(n, "pads"),
                   *axes = cg_attr(n, "axes"), *starts = cg_attr(n, "starts"), *ends = cg_attr(n, "ends"),
                   *by = cg_attr(n, "steps");
    for (int i = 0; i < spatial; i++)
        steps[i] = 1;
    if (cg_is(n, "Slice") && n->formed && n->n_in == 1 && axes && starts && ends && by) {
        for (int i = 0; i < axes->n; i++) {
            if (axes->ints[i] < 2 || starts->ints[i] != 0 || by->ints[i] < 1 ||
                ends->ints[i] != n->in[0]->shape.dims[axes->ints[i]])
                return false;
            steps[axes->ints[i] - 2] = by->ints[i];
        }
        return true;
    }
    if ((!cg_is(n, "MaxPool") && !cg_is(n, "AveragePool")) || !k || !s || !p || k->n != spatial ||
        cg_attr(n, "auto_pad") || (n->n_out > 1 && n->out[1] && cg_used(n->out[1])))
        return false;
    for (int i = 0; i < spatial; i++) {
        if (k->ints[i] != 1 || p->ints[i] != 0 || p->ints[i + spatial] != 0)
            return false;
        steps[i] = s->ints[i];
    }
    return true;
}

/* A 1x1 convolution of every second element is one in steps of two. */
static bool subsampled(cg_graph *g, cg_node *n, const cg_rule *self)
{
    cg_node *p = cg_is(n, "Conv") ? n->in[0]->producer : NULL;
    const ff_cattr *k = cg_attr(n, "kernel_shape"), *s = cg_attr(n, "strides"), *pads = cg_attr(n, "pads");
    int spatial = n->in[0]->shape.rank - 2;
    int64_t steps[FF_MAX_RANK];
    if (!p || !k || !s || !pads || k->n != spatial || !cg_shape_static(&n->in[0]->shape) ||
        !takes_every(p, spatial, steps))
        return false;
    for (int i = 0; i < spatial; i++) {
        if (k->ints[i] != 1 || pads->ints[i] != 0 || pads->ints[i + spatial] != 0)
            return false;
        steps[i] *= s->ints[i];
    }
    cg_set_ints(g, n, "strides", steps, spatial, p->primary);
    cg_record_rule(g, self, n, p, 0);
    cg_set_in(n, 0, p->in[0]);
    if (!cg_used(p->out[0]))
        cg_remove(g, p, n);
    else
        cg_absorb(n, p->origins, p->n_origins);
    return true;
}

const cg_rule cg_pool_rules[] = {
    {"reduce-global", "a mean (maximum) over the picture is global pooling", reduction},
    {"window-global", "a pooling whose window is the whole picture is global pooling", whole_window},
    {"trivial-pool", "a pooling of single elements", trivial},
    {"subsampled-conv", "every second element taken before a 1x1 convolution, or by it", subsampled},
    {NULL, NULL, NULL},
};
