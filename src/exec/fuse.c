/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Chains: which nodes are computed in one go with a convolution (or a product with a constant
 * matrix). In front of it a Pad with zeros, with or without a Transpose behind it; after it, in
 * this order, scalings and shifts by constants (BatchNormalization, Mul, Add, Sub), one residual
 * Add, clips (Relu, Clip, Max, Min). A value that somebody else reads too, or that is a graph
 * output, ends a chain.
 */
#include "exec/match.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Takes a Pad in front of the convolution into its pads. */
static void absorb_pad(const ff_plan *p, chain *c, const ff_value *x)
{
    const ff_node *reader = c->base, *n = x->producer;
    int rank = c->conv.rank, identity[5] = {0, 1, 2, 3, 4}, perm[FF_MAX_RANK];
    const int *at = identity;
    bool permuted = false;

    if (!n || match_only_reader(x) != reader)
        return;
    if (match_permutation(n, rank, perm) && n->inputs[0] && n->inputs[0]->producer &&
        match_only_reader(n->inputs[0]) == n) {
        permuted = true;
        at = perm;
        n = n->inputs[0]->producer;
    }
    const int64_t *pads = match_zero_pads(p, n, rank);
    if (!pads)
        return;
    for (int i = 0; i < 2; i++)
        if (pads[at[i]] || pads[at[i] + rank])
            return;
    const ff_shape *in = &p->values[n->inputs[0]->id].shape;
    for (int i = 0; i < rank; i++)
        if (in->dims[at[i]] < 1)
            return;
    for (int i = 2; i < rank; i++) {
        c->conv.src[i] = in->dims[at[i]];
        c->conv.pads_begin[i - 2] += pads[at[i]];
        c->conv.pads_end[i - 2] += pads[at[i] + rank];
    }
    c->input = n->inputs[0]->id;
    c->before[c->n_before++] = n->outputs[0]->id;
    if (permuted) {
        c->permuted = true;
        memcpy(c->perm, perm, sizeof perm);
        c->before[c->n_before++] = x->id;
    }
}

/* ------------------------------------------------------------------------------------- bases */

static chain_link *first_link(chain *c, const ff_node *n)
{
    c->base = n;
    c->links = ff_alloc(sizeof *c->links);
    c->n_links = 1;
    c->links[0] = (chain_link){.node = n, .value = n->outputs[0]->id, .residual = -1};
    return &c->links[0];
}

static bool conv_base(const ff_plan *p, const ff_node *n, chain *c)
{
    const ff_tensor *w = match_constant(p, n, 1), *b = match_constant(p, n, 2);

    if (!match_op(n, "Conv") || !match_input(n, 0) || !n->outputs[0] || !match_float_tensor(w) ||
        (match_input(n, 2) && !match_float_tensor(b)))
        return false;
    const ff_shape *x = &p->values[n->inputs[0]->id].shape, *y = &p->values[n->outputs[0]->id].shape;
    dnn_conv *v = &c->conv;
    if (!match_float_value(p, n->inputs[0]->id) || !match_float_value(p, n->outputs[0]->id) || x->rank < 3 ||
        x->rank > 5 || w->rank != x->rank || y->rank != x->rank)
        return false;
    v->rank = x->rank;
    v->group = ff_node_int(n, "group", 1);
    memcpy(v->src, x->dims, sizeof v->src);
    memcpy(v->dst, y->dims, sizeof v->dst);
    memcpy(v->weights, w->dims, sizeof v->weights);
    if (v->group < 1 || w->dims[0] % v->group || w->dims[1] * v->group != x->dims[1] || y->dims[1] != w->dims[0] ||
        y->dims[0] != x->dims[0] || (b && b->count != w->dims[0]) ||
        !match_window(n, v->rank - 2, x->dims + 2, w->dims + 2, v->strides, v->dilations, v->pads_begin, v->pads_end))
        return false;
    for (int i = v->rank; i < 5; i++)
        v->src[i] = v->dst[i] = v->weights[i] = 0;
    for (int i = 0; i < v->rank - 2; i++)
        if (match_window_out(v->src[i + 2], v->weights[i + 2], v->strides[i], v->dilations[i],
                             v->pads_begin[i] + v->pads_end[i]) != v->dst[i + 2])
            return false;
    c->weights = w;
    c->channels = (int)w->dims[0];
    c->axis = 1;
    c->input = n->inputs[0]->id;
    chain_link *l = first_link(c, n);
    if (b) {
        l->shift = ff_alloc_array((size_t)c->channels, sizeof(double));
        for (int i = 0; i < c->channels; i++)
            l->shift[i] = ((const float *)b->data)[i];
    }
    absorb_pad(p, c, n->inputs[0]);
    return true;
}

static bool dense_base(const ff_plan *p, const ff_node *n, chain *c)
{
    bool gemm = match_op(n, "Gemm");
    const ff_tensor *w = match_constant(p, n, 1), *b = gemm ? match_constant(p, n, 2) : NULL;

    if ((!gemm && !match_op(n, "MatMul")) || !match_input(n, 0) || !n->outputs[0] || !match_float_tensor(w) ||
        w->rank != 2 || (match_input(n, 2) && !match_float_tensor(b)) || (gemm && ff_node_int(n, "transA", 0)))
        return false;
    const ff_shape *x = &p->values[n->inputs[0]->id].shape, *y = &p->values[n->outputs[0]->id].shape;
    if (!match_float_value(p, n->inputs[0]->id) || !match_float_value(p, n->outputs[0]->id) || x->rank < 2 ||
        y->rank != x->rank)
        return false;
    c->dense = true;
    c->transposed = !gemm || !ff_node_int(n, "transB", 0);
    int64_t in = w->dims[c->transposed ? 0 : 1], out = w->dims[c->transposed ? 1 : 0];
    if (x->dims[x->rank - 1] != in || y->dims[y->rank - 1] != out)
        return false;
    int64_t rows = shape_count(x) / in;
    dnn_conv *v = &c->conv;
    *v = (dnn_conv){.rank = 4,
                    .group = 1,
                    .src = {1, in, rows, 1},
                    .dst = {1, out, rows, 1},
                    .weights = {out, in, 1, 1},
                    .strides = {1, 1},
                    .dilations = {1, 1}};
    c->weights = w;
    c->channels = (int)out;
    c->axis = y->rank - 1;
    c->input = n->inputs[0]->id;
    double alpha = gemm ? ff_node_float(n, "alpha", 1) : 1;
    double beta = gemm ? ff_node_float(n, "beta", 1) : 1;
    double *shift = NULL;
    if (b) {
        shift = ff_alloc_array((size_t)out, sizeof(double));
        if (!match_per_channel(b, y, c->axis, shift)) {
            free(shift);
            return false;
        }
        for (int64_t i = 0; i < out; i++)
            shift[i] *= beta;
    }
    chain_link *l = first_link(c, n);
    l->shift = shift;
    if (alpha != 1) {
        l->scale = ff_alloc_array((size_t)out, sizeof(double));
        for (int64_t i = 0; i < out; i++)
            l->scale[i] = alpha;
    }
    return true;
}

/* ------------------------------------------------------------------------------------- links */

static bool affine_of(const ff_plan *p, const chain *c, const ff_node *n, int value, double *scale, double *shift);

/* A scaling and shift per channel that no convolution is in front of: a depthwise 1x1 convolution
 * with weights of ones, to be scaled, so that what follows can be fused into it. */
static bool affine_base(ff_plan *p, const ff_node *n, chain *c)
{
    bool batch_norm = match_op(n, "BatchNormalization");

    if (!batch_norm && !match_op(n, "Mul") && !match_op(n, "Add") && !match_op(n, "Sub"))
        return false;
    int first = !batch_norm && match_constant(p, n, 0) ? 1 : 0;
    if (!match_input(n, first) || !n->outputs[0] || !match_float_value(p, n->inputs[first]->id) ||
        !match_float_value(p, n->outputs[0]->id))
        return false;
    /* One number for all is fast in any layout, and says nothing of where the channels are. */
    const ff_tensor *t = batch_norm ? NULL : match_constant(p, n, 1 - first);
    if (t && t->count == 1)
        return false;
    c->input = n->inputs[first]->id;
    const ff_shape *x = &p->values[c->input].shape;
    if (x->rank < 4 || x->rank > 5 || x->dims[1] > INT32_MAX)
        return false;
    const int64_t channels = x->dims[1];
    c->conv = (dnn_conv){.rank = x->rank,
                         .group = channels,
                         .weights = {channels, 1, 1, 1, x->rank > 4},
                         .strides = {1, 1, 1},
                         .dilations = {1, 1, 1}};
    memcpy(c->conv.src, x->dims, (size_t)x->rank * sizeof *x->dims);
    memcpy(c->conv.dst, x->dims, (size_t)x->rank * sizeof *x->dims);
    for (int i = x->rank - 2; i < 3; i++)
        c->conv.strides[i] = c->conv.dilations[i] = 0;
    c->channels = (int)channels;
    c->axis = 1;
    double *scale = ff_alloc_array((size_t)channels, sizeof *scale);
    double *shift = ff_alloc_array((size_t)channels, sizeof *shift);
    ff_tensor *ones = NULL;
    dnn_prim *prim;
    dnn_conv spec = c->conv;
    spec.bias = 1;
    if (!affine_of(p, c, n, c->input, scale, shift) || dnn_conv_get(&spec, &prim) != FF_OK)
        goto no;
    plan_keep(p, &prim->item);
    if (strstr(prim->impl, "ref") || strstr(prim->impl, "gemm") ||
        ff_tensor_create(FF_FLOAT, x->rank, c->conv.weights, &ones) != FF_OK)
        goto no;
    for (int64_t i = 0; i < channels; i++)
        ((float *)ones->data)[i] = 1;
    c->weights = c->made = ones;
    chain_link *l = first_link(c, n);
    l->scale = scale;
    l->shift = shift;
    return true;
no:
    free(scale);
    free(shift);
    return false;
}

static double *copy_or(const double *from, int n, double otherwise)
{
    double *d = ff_alloc_array((size_t)n, sizeof *d);

    for (int i = 0; i < n; i++)
        d[i] = from ? from[i] : otherwise;
    return d;
}

/* The scale and shift per channel that n applies to `value`; false when it does something else. */
static bool affine_of(const ff_plan *p, const chain *c, const ff_node *n, int value, double *scale, double *shift)
{
    const ff_shape *s = &p->values[value].shape;

    for (int i = 0; i < c->channels; i++) {
        scale[i] = 1;
        shift[i] = 0;
    }
    if (match_op(n, "BatchNormalization") && n->n_inputs >= 5 && c->axis == 1 && !c->dense) {
        double v[4] = {0};
        const float *of[4];
        if (n->inputs[0]->id != value || ff_node_int(n, "training_mode", 0) || !ff_node_int(n, "spatial", 1))
            return false;
        for (int o = 1; o < n->n_outputs; o++)
            if (n->outputs[o])
                return false;
        for (int i = 0; i < 4; i++) {
            const ff_tensor *t = match_constant(p, n, i + 1);
            if (!match_float_tensor(t) || t->count != c->channels)
                return false;
            of[i] = t->data;
        }
        double epsilon = ff_node_float(n, "epsilon", 1e-5f);
        for (int k = 0; k < c->channels; k++) {
            for (int i = 0; i < 4; i++)
                v[i] = of[i][k];
            scale[k] = v[0] / sqrt(v[3] + epsilon);
            shift[k] = v[1] - v[2] * scale[k];
        }
        return true;
    }
    if (n->n_inputs != 2 || !n->inputs[0] || !n->inputs[1])
        return false;
    bool second = n->inputs[1]->id == value;
    const ff_tensor *t = match_constant(p, n, second ? 0 : 1);
    const ff_shape *out = &p->values[n->outputs[0]->id].shape;
    if (!t || out->rank != s->rank || memcmp(out->dims, s->dims, (size_t)s->rank * sizeof *s->dims))
        return false;
    if (match_op(n, "Mul"))
        return match_per_channel(t, s, c->axis, scale);
    if (match_op(n, "Add"))
        return match_per_channel(t, s, c->axis, shift);
    if (match_op(n, "Sub") && !second && match_per_channel(t, s, c->axis, shift)) {
        for (int i = 0; i < c->channels; i++)
            shift[i] = -shift[i];
        return true;
    }
    return false;
}

/* The other operand of an Add of two values of one shape, or -1. */
static int residual_of(const ff_plan *p, const ff_node *n, int value)
{
    if (!match_op(n, "Add") || n->n_inputs != 2 || !n->inputs[0] || !n->inputs[1])
        return -1;
    int other = n->inputs[n->inputs[0]->id == value]->id;
    const ff_shape *a = &p->values[value].shape, *b = &p->values[other].shape;
    if (other == value || !match_float_value(p, other) || a->rank != b->rank ||
        memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims) != 0)
        return -1;
    return other;
}

static float clamp(float x, float low, float high)
{
    x = x > low ? x : low;
    return x < high ? x : high;
}

/* The link that n, the only reader of the last one, adds; false when the chain ends there. */
static bool next_link(const ff_plan *p, const chain *c, const ff_node *n, chain_link *l)
{
    const chain_link *last = &c->links[c->n_links - 1];
    float low, high;
    int input;

    if (n->n_outputs < 1 || !n->outputs[0] || p->chain_of[n->index] >= 0)
        return false;
    *l = (chain_link){.node = n,
                      .value = n->outputs[0]->id,
                      .residual = last->residual,
                      .clip = last->clip,
                      .low = last->low,
                      .high = last->high};
    if (!match_float_value(p, l->value))
        return false;
    if (match_clip(p, n, &input, &low, &high) && input == last->value) {
        l->low = last->clip ? clamp(last->low, low, high) : low;
        l->high = last->clip ? clamp(last->high, low, high) : high;
        l->clip = true;
        l->scale = last->scale ? copy_or(last->scale, c->channels, 1) : NULL;
        l->shift = last->shift ? copy_or(last->shift, c->channels, 0) : NULL;
        return true;
    }
    if (last->clip || last->residual >= 0)
        return false;
    l->scale = copy_or(NULL, c->channels, 1);
    l->shift = copy_or(NULL, c->channels, 0);
    if (affine_of(p, c, n, last->value, l->scale, l->shift)) {
        bool unit = true;
        for (int i = 0; i < c->channels; i++) {
            unit &= l->scale[i] == 1;
            l->shift[i] += l->scale[i] * (last->shift ? last->shift[i] : 0);
            l->scale[i] *= last->scale ? last->scale[i] : 1;
        }
        if (unit && !last->scale) {
            free(l->scale);
            l->scale = NULL;
        }
        return true;
    }
    free(l->scale);
    free(l->shift);
    l->scale = l->shift = NULL;
    l->residual = c->dense ? -1 : residual_of(p, n, last->value);
    if (l->residual < 0)
        return false;
    l->scale = last->scale ? copy_or(last->scale, c->channels, 1) : NULL;
    l->shift = last->shift ? copy_or(last->shift, c->channels, 0) : NULL;
    return true;
}

void plan_find_chains(ff_plan *p)
{
    const ff_graph *g = ff_model_graph(p->model);

    for (int i = 0; i < g->n_nodes; i++)
        p->chain_of[i] = p->link_of[i] = -1;
    if (p->reference)
        return;
    p->chains = ff_alloc_array((size_t)g->n_nodes + 1, sizeof *p->chains);
    /* From the end: of two branches that meet in an Add, the later one takes it. Then what no
     * convolution has taken, from the front. */
    for (int k = 0; k < 2 * g->n_nodes; k++) {
        int i = k < g->n_nodes ? g->n_nodes - 1 - k : k - g->n_nodes;
        const ff_node *n = g->nodes[i];
        chain *c = &p->chains[p->n_chains];
        memset(c, 0, sizeof *c);
        if (n->n_outputs < 1 || !n->outputs[0] || p->chain_of[i] >= 0)
            continue;
        if (k < g->n_nodes ? !conv_base(p, n, c) && !dense_base(p, n, c) : !affine_base(p, n, c))
            continue;
        int number = p->n_chains++;
        p->chain_of[i] = number;
        p->link_of[i] = 0;
        chain_link l;
        const ff_node *next;
        while ((next = match_only_reader(ff_model_value(p->model, c->links[c->n_links - 1].value))) &&
               next_link(p, c, next, &l)) {
            c->links = ff_realloc_array(c->links, (size_t)c->n_links + 1, sizeof *c->links);
            c->links[c->n_links] = l;
            p->chain_of[next->index] = number;
            p->link_of[next->index] = c->n_links++;
        }
    }
}
