/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nodes that hand their input on unchanged. */
#include <string.h>

#include "canon/rewrite.h"

/* Takes n out: whoever read its output reads its input 0. */
static bool bypass(cg_graph *g, cg_node *n, const cg_rule *self)
{
    cg_value *in = n->in[0], *out = n->out[0];
    if (!in->original)
        cg_inherit(in, out);
    cg_record_rule(g, self, n, NULL, 0);
    cg_replace_value(g, out, in);
    cg_remove(g, n, NULL);
    return true;
}

static bool passes(const cg_node *n)
{
    return n->n_in > 0 && n->n_out > 0 && n->in[0] && n->out[0] && !n->in[0]->constant;
}

static bool only_first_output(const cg_node *n)
{
    for (int i = 1; i < n->n_out; i++)
        if (n->out[i] && cg_used(n->out[i]))
            return false;
    return passes(n);
}

static bool identity(cg_graph *g, cg_node *n, const cg_rule *self)
{
    return cg_is(n, "Identity") && passes(n) && bypass(g, n, self);
}

static bool dropout(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if (!cg_is(n, "Dropout") || !only_first_output(n))
        return false;
    /* From opset 12 an input may switch training on. */
    if (n->n_in > 2 && n->in[2]) {
        double training;
        if (!cg_uniform(n->in[2], &training) || training != 0)
            return false;
    }
    return bypass(g, n, self);
}

static bool cast(cg_graph *g, cg_node *n, const cg_rule *self)
{
    return cg_is(n, "Cast") && passes(n) && n->in[0]->shape.dtype == n->out[0]->shape.dtype &&
           n->in[0]->shape.dtype != FF_UNDEFINED && bypass(g, n, self);
}

static bool zero_pad(cg_graph *g, cg_node *n, const cg_rule *self)
{
    const ff_cattr *pads = cg_attr(n, "pads");
    if (!cg_is(n, "Pad") || n->n_in != 1 || !pads || !passes(n))
        return false;
    for (int i = 0; i < pads->n; i++)
        if (pads->ints[i] != 0)
            return false;
    return bypass(g, n, self);
}

static bool lone_concat(cg_graph *g, cg_node *n, const cg_rule *self)
{
    return (cg_is(n, "Concat") || cg_is(n, "Sum") || cg_is(n, "Max") || cg_is(n, "Min") || cg_is(n, "Mean")) &&
           n->n_in == 1 && passes(n) && bypass(g, n, self);
}

static bool same_shape(cg_graph *g, cg_node *n, const cg_rule *self)
{
    return (cg_is(n, "Reshape") || cg_is(n, "Expand") || cg_is(n, "Tile") || cg_is(n, "Slice")) && n->n_in == 1 &&
           passes(n) && cg_shape_static(&n->in[0]->shape) && cg_shape_same(&n->in[0]->shape, &n->out[0]->shape) &&
           !(cg_is(n, "Slice") && cg_attr(n, "axes") && cg_attr(n, "axes")->n > 0) && bypass(g, n, self);
}

/* Zeros that are added, one a channel, to what a layer makes are its bias: where a fault cleared them, that is the place
 * to write the Source's to. What no layer takes as its bias goes with the last rules. */
static bool may_be_bias(const cg_value *zeros, const cg_value *v)
{
    static const char *const layers[] = {"MatMul", "Gemm", "Einsum", "Conv", "ConvTranspose", NULL};
    static const char *const moves[] = {"Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", NULL};
    const cg_node *n = v->producer;
    while (n && ff_any_of(n->op, moves) && n->in[0])
        n = n->in[0]->producer;
    return n && ff_any_of(n->op, layers) && zeros->constant->count > 1;
}

/* x*1, x+0, x-0, x/1 where the constant does not make the result larger. */
static bool take_out_neutral(cg_graph *g, cg_node *n, const cg_rule *self, bool biases)
{
    double c;
    if (n->n_in != 2 || n->n_out < 1)
        return false;
    bool commutes = cg_is(n, "Add") || cg_is(n, "Mul");
    if (!commutes && !cg_is(n, "Sub") && !cg_is(n, "Div") && !cg_is(n, "Pow"))
        return false;
    for (int k = commutes ? 0 : 1; k < 2; k++) {
        double unit = cg_is(n, "Add") || cg_is(n, "Sub") ? 0 : 1;
        if (!cg_uniform(n->in[k], &c) || c != unit || !n->in[1 - k] || n->in[1 - k]->constant)
            continue;
        if (!cg_shape_same(&n->in[1 - k]->shape, &n->out[0]->shape))
            continue;
        cg_value *in = n->in[1 - k];
        if (!biases && cg_is(n, "Add") && may_be_bias(n->in[k], in))
            continue;
        cg_record_rule(g, self, n, NULL, 0);
        cg_replace_value(g, n->out[0], in);
        cg_remove(g, n, NULL);
        return true;
    }
    return false;
}

static bool neutral(cg_graph *g, cg_node *n, const cg_rule *self)
{
    return take_out_neutral(g, n, self, false);
}

static bool zero_bias(cg_graph *g, cg_node *n, const cg_rule *self)
{
    return cg_is(n, "Add") && take_out_neutral(g, n, self, true);
}

const cg_rule cg_late_noop_rules[] = {
    {"zero-shift", "zeros added to what a layer makes", zero_bias},
    {NULL, NULL, NULL},
};

const cg_rule cg_noop_rules[] = {
    {"identity", "Identity hands its input on", identity},
    {"dropout", "Dropout does nothing at inference", dropout},
    {"cast-same-type", "a Cast to the type the value has", cast},
    {"zero-pad", "padding by nothing", zero_pad},
    {"lone-input", "Concat, Sum, Min or Max of one input", lone_concat},
    {"same-shape", "a Reshape, Expand, Tile or Slice to the shape the value has", same_shape},
    {"neutral-operand", "multiplying by one, adding zero", neutral},
    {NULL, NULL, NULL},
};
