/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Chains: which nodes are computed in one go with a convolution (or a product with a constant matrix).
 * In front of it a Pad with zeros, with or without a Transpose behind it; after it, in this order,
 * scalings and shifts by constants (BatchNormalization, Mul, Add, Sub), one residual Add, clips (Relu,
 * Clip, Max, Min). A value that somebody else reads too, or that is a graph output, ends a chain.
 */
#include "exec/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_op(const ff_node *n, const char *op)
{
    return !*n->domain && strcmp(n->op, op) == 0;
}

static const ff_tensor *constant_input(const ff_plan *p, const ff_node *n, int i)
{
    if (i >= n->n_inputs || !n->inputs[i])
        return NULL;
    return p->values[n->inputs[i]->id].constant;
}

static bool has_input(const ff_node *n, int i)
{
    return i < n->n_inputs && n->inputs[i];
}

static bool plain_float(const ff_plan *p, int value)
{
    const pvalue *x = &p->values[value];

    return !x->constant && x->fixed && x->shape.dtype == FF_FLOAT && shape_count(&x->shape) > 0;
}

static bool float_tensor(const ff_tensor *t)
{
    return t && t->dtype == FF_FLOAT && t->count > 0;
}

bool plan_per_channel(const ff_tensor *t, const ff_shape *shape, int axis, double *out)
{
    int64_t channels = shape->dims[axis];

    if (!float_tensor(t) || t->rank > shape->rank)
        return false;
    for (int i = 0; i < t->rank; i++) {
        int at = shape->rank - t->rank + i;
        if (t->dims[i] != 1 && (at != axis || t->dims[i] != channels))
            return false;
    }
    for (int64_t c = 0; c < channels; c++)
        out[c] = ((const float *)t->data)[t->count == 1 ? 0 : c];
    return true;
}

/* The only reader of a value that nobody else can see, or NULL. */
static const ff_node *only_reader(const ff_value *v)
{
    if (v->n_users != 1 || v->is_output || v->users[0].node->graph != v->graph)
        return NULL;
    return v->users[0].node;
}

bool plan_clip_of(const ff_plan *p, const ff_node *n, int *input, float *low, float *high)
{
    const ff_tensor *t;
    int x = 0;

    *low = -INFINITY;
    *high = INFINITY;
    if (n->n_inputs < 1 || n->n_outputs < 1 || !n->inputs[0] || !n->outputs[0])
        return false;
    if (is_op(n, "Relu")) {
        *low = 0;
    } else if (is_op(n, "Clip")) {
        *low = ff_node_float(n, "min", *low);
        *high = ff_node_float(n, "max", *high);
        for (int i = 1; i <= 2; i++) {
            if (!has_input(n, i))
                continue;
            t = constant_input(p, n, i);
            if (!float_tensor(t) || t->count != 1)
                return false;
            *(i == 1 ? low : high) = *(const float *)t->data;
        }
    } else if ((is_op(n, "Max") || is_op(n, "Min")) && n->n_inputs == 2 && n->inputs[1]) {
        x = constant_input(p, n, 0) ? 1 : 0;
        t = constant_input(p, n, 1 - x);
        if (!float_tensor(t) || t->count != 1 || t->rank > p->values[n->inputs[x]->id].shape.rank)
            return false;
        *(is_op(n, "Max") ? low : high) = *(const float *)t->data;
    } else {
        return false;
    }
    if (!(*low <= *high)) /* NaN, too */
        return false;
    *input = n->inputs[x]->id;
    return plain_float(p, *input);
}

/* ---------------------------------------------------------------------------------- geometry */

static int64_t at_or(const int64_t *a, size_t n, size_t i, int64_t otherwise)
{
    return i < n ? a[i] : otherwise;
}

/* Strides, dilations and pads of a node with a window; false where they make no sense. */
static bool window(const ff_node *n, int spatial, const int64_t *in, const int64_t *kernel,
                   int64_t *strides, int64_t *dilations, int64_t *begin, int64_t *end)
{
    const int64_t *s = NULL, *d = NULL, *pads = NULL;
    size_t ns = ff_node_ints(n, "strides", &s), nd = ff_node_ints(n, "dilations", &d),
           np = ff_node_ints(n, "pads", &pads);
    const char *mode = ff_node_string(n, "auto_pad", "NOTSET");
    bool same = strncmp(mode, "SAME_", 5) == 0, valid = strcmp(mode, "VALID") == 0;

    for (int i = 0; i < spatial; i++) {
        strides[i] = at_or(s, ns, (size_t)i, 1);
        dilations[i] = at_or(d, nd, (size_t)i, 1);
        if (strides[i] < 1 || dilations[i] < 1 || kernel[i] < 1 || in[i] < 1 ||
            strides[i] > INT32_MAX || dilations[i] > INT32_MAX || kernel[i] > INT32_MAX)
            return false;
        begin[i] = same || valid ? 0 : at_or(pads, np, (size_t)i, 0);
        end[i] = same || valid ? 0 : at_or(pads, np, (size_t)(i + spatial), 0);
        if (same) {
            int64_t out = (in[i] + strides[i] - 1) / strides[i];
            int64_t total = (out - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1 - in[i];
            total = total < 0 ? 0 : total;
            begin[i] = strcmp(mode, "SAME_LOWER") == 0 ? total - total / 2 : total / 2;
            end[i] = total - begin[i];
        }
        if (begin[i] < 0 || end[i] < 0 || begin[i] > INT32_MAX || end[i] > INT32_MAX)
            return false;
    }
    return true;
}

static int64_t window_out(int64_t in, int64_t kernel, int64_t stride, int64_t dilation, int64_t pads)
{
    int64_t room = in + pads - ((kernel - 1) * dilation + 1);

    return room < 0 ? 0 : room / stride + 1;
}

/* Pads (2 * rank) of a node that pads with zeros; NULL when it does anything else. */
static const int64_t *zero_pads(const ff_plan *p, const ff_node *n, int rank)
{
    const int64_t *pads = NULL;

    if (!is_op(n, "Pad") || strcmp(ff_node_string(n, "mode", "constant"), "constant") != 0 ||
        n->n_inputs < 1 || !n->inputs[0] || !plain_float(p, n->inputs[0]->id))
        return NULL;
    if (has_input(n, 3) || (has_input(n, 2) && !constant_input(p, n, 2)) ||
        (has_input(n, 1) && !constant_input(p, n, 1)))
        return NULL;
    if (has_input(n, 2)) {
        const ff_tensor *t = constant_input(p, n, 2);
        if (t->dtype != FF_FLOAT || t->count != 1 || *(const float *)t->data != 0)
            return NULL;
    } else if (ff_node_float(n, "value", 0) != 0) {
        return NULL;
    }
    if (has_input(n, 1)) {
        const ff_tensor *t = constant_input(p, n, 1);
        if (t->dtype != FF_INT64 || t->count != 2 * rank)
            return NULL;
        pads = t->data;
    } else if (ff_node_ints(n, "pads", &pads) != (size_t)(2 * rank)) {
        return NULL;
    }
    for (int i = 0; i < 2 * rank; i++)
        if (pads[i] < 0 || pads[i] > INT32_MAX)
            return NULL;
    return pads;
}

static bool perm_of(const ff_node *n, int rank, int *perm)
{
    const int64_t *ints = NULL;
    size_t k = ff_node_ints(n, "perm", &ints);

    if (!is_op(n, "Transpose") || (k && k != (size_t)rank))
        return false;
    for (int i = 0; i < rank; i++) {
        int64_t from = k ? ints[i] : rank - 1 - i;
        if (from < 0 || from >= rank)
            return false;
        perm[i] = (int)from;
    }
    return true;
}

/* Takes a Pad in front of the convolution into its pads. */
static void absorb_pad(const ff_plan *p, chain *c, const ff_value *x)
{
    const ff_node *reader = c->base, *n = x->producer;
    int rank = c->conv.rank, identity[5] = {0, 1, 2, 3, 4}, perm[FF_MAX_RANK];
    const int *at = identity;
    bool permuted = false;

    if (!n || only_reader(x) != reader)
        return;
    if (perm_of(n, rank, perm) && n->inputs[0] && n->inputs[0]->producer &&
        only_reader(n->inputs[0]) == n) {
        permuted = true;
        at = perm;
        n = n->inputs[0]->producer;
    }
    const int64_t *pads = zero_pads(p, n, rank);
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
    const ff_tensor *w = constant_input(p, n, 1), *b = constant_input(p, n, 2);

    if (!is_op(n, "Conv") || !has_input(n, 0) || !n->outputs[0] || !float_tensor(w) ||
        (has_input(n, 2) && !float_tensor(b)))
        return false;
    const ff_shape *x = &p->values[n->inputs[0]->id].shape, *y = &p->values[n->outputs[0]->id].shape;
    dnn_conv *v = &c->conv;
    if (!plain_float(p, n->inputs[0]->id) || !plain_float(p, n->outputs[0]->id) || x->rank < 3 ||
        x->rank > 5 || w->rank != x->rank || y->rank != x->rank)
        return false;
    v->rank = x->rank;
    v->group = ff_node_int(n, "group", 1);
    memcpy(v->src, x->dims, sizeof v->src);
    memcpy(v->dst, y->dims, sizeof v->dst);
    memcpy(v->weights, w->dims, sizeof v->weights);
    if (v->group < 1 || w->dims[0] % v->group || w->dims[1] * v->group != x->dims[1] ||
        y->dims[1] != w->dims[0] || y->dims[0] != x->dims[0] || (b && b->count != w->dims[0]) ||
        !window(n, v->rank - 2, x->dims + 2, w->dims + 2, v->strides, v->dilations, v->pads_begin,
                v->pads_end))
        return false;
    for (int i = v->rank; i < 5; i++)
        v->src[i] = v->dst[i] = v->weights[i] = 0;
    for (int i = 0; i < v->rank - 2; i++)
        if (window_out(v->src[i + 2], v->weights[i + 2], v->strides[i], v->dilations[i],
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
    bool gemm = is_op(n, "Gemm");
    const ff_tensor *w = constant_input(p, n, 1), *b = gemm ? constant_input(p, n, 2) : NULL;

    if ((!gemm && !is_op(n, "MatMul")) || !has_input(n, 0) || !n->outputs[0] || !float_tensor(w) ||
        w->rank != 2 || (has_input(n, 2) && !float_tensor(b)) ||
        (gemm && ff_node_int(n, "transA", 0)))
        return false;
    const ff_shape *x = &p->values[n->inputs[0]->id].shape, *y = &p->values[n->outputs[0]->id].shape;
    if (!plain_float(p, n->inputs[0]->id) || !plain_float(p, n->outputs[0]->id) || x->rank < 2 ||
        y->rank != x->rank)
        return false;
    c->dense = true;
    c->transposed = !gemm || !ff_node_int(n, "transB", 0);
    int64_t in = w->dims[c->transposed ? 0 : 1], out = w->dims[c->transposed ? 1 : 0];
    if (x->dims[x->rank - 1] != in || y->dims[y->rank - 1] != out)
        return false;
    int64_t rows = shape_count(x) / in;
    dnn_conv *v = &c->conv;
    *v = (dnn_conv){.rank = 4, .group = 1, .src = {1, in, rows, 1}, .dst = {1, out, rows, 1},
                    .weights = {out, in, 1, 1}, .strides = {1, 1}, .dilations = {1, 1}};
    c->weights = w;
    c->channels = (int)out;
    c->axis = y->rank - 1;
    c->input = n->inputs[0]->id;
    double alpha = gemm ? ff_node_float(n, "alpha", 1) : 1;
    double beta = gemm ? ff_node_float(n, "beta", 1) : 1;
    double *shift = NULL;
    if (b) {
        shift = ff_alloc_array((size_t)out, sizeof(double));
        if (!plan_per_channel(b, y, c->axis, shift)) {
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

static bool affine_of(const ff_plan *p, const chain *c, const ff_node *n, int value, double *scale,
                      double *shift);

/* A scaling and shift per channel that no convolution is in front of: a depthwise 1x1 convolution with
 * weights of ones, to be scaled, so that what follows can be fused into it. */
static bool affine_base(ff_plan *p, const ff_node *n, chain *c)
{
    bool batch_norm = is_op(n, "BatchNormalization");

    if (!batch_norm && !is_op(n, "Mul") && !is_op(n, "Add") && !is_op(n, "Sub"))
        return false;
    int first = !batch_norm && constant_input(p, n, 0) ? 1 : 0;
    if (!has_input(n, first) || !n->outputs[0] || !plain_float(p, n->inputs[first]->id) ||
        !plain_float(p, n->outputs[0]->id))
        return false;
    c->input = n->inputs[first]->id;
    const ff_shape *x = &p->values[c->input].shape;
    if (x->rank < 4 || x->rank > 5 || x->dims[1] > INT32_MAX)
        return false;
    const int64_t channels = x->dims[1];
    c->conv = (dnn_conv){.rank = x->rank, .group = channels, .weights = {channels, 1, 1, 1, x->rank > 4},
                         .strides = {1, 1, 1}, .dilations = {1, 1, 1}};
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
static bool affine_of(const ff_plan *p, const chain *c, const ff_node *n, int value, double *scale,
                      double *shift)
{
    const ff_shape *s = &p->values[value].shape;

    for (int i = 0; i < c->channels; i++) {
        scale[i] = 1;
        shift[i] = 0;
    }
    if (is_op(n, "BatchNormalization") && n->n_inputs >= 5 && c->axis == 1 && !c->dense) {
        double v[4] = {0};
        const float *of[4];
        if (n->inputs[0]->id != value || ff_node_int(n, "training_mode", 0) ||
            !ff_node_int(n, "spatial", 1))
            return false;
        for (int o = 1; o < n->n_outputs; o++)
            if (n->outputs[o])
                return false;
        for (int i = 0; i < 4; i++) {
            const ff_tensor *t = constant_input(p, n, i + 1);
            if (!float_tensor(t) || t->count != c->channels)
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
    const ff_tensor *t = constant_input(p, n, second ? 0 : 1);
    const ff_shape *out = &p->values[n->outputs[0]->id].shape;
    if (!t || out->rank != s->rank || memcmp(out->dims, s->dims, (size_t)s->rank * sizeof *s->dims))
        return false;
    if (is_op(n, "Mul"))
        return plan_per_channel(t, s, c->axis, scale);
    if (is_op(n, "Add"))
        return plan_per_channel(t, s, c->axis, shift);
    if (is_op(n, "Sub") && !second && plan_per_channel(t, s, c->axis, shift)) {
        for (int i = 0; i < c->channels; i++)
            shift[i] = -shift[i];
        return true;
    }
    return false;
}

/* The other operand of an Add of two values of one shape, or -1. */
static int residual_of(const ff_plan *p, const ff_node *n, int value)
{
    if (!is_op(n, "Add") || n->n_inputs != 2 || !n->inputs[0] || !n->inputs[1])
        return -1;
    int other = n->inputs[n->inputs[0]->id == value]->id;
    const ff_shape *a = &p->values[value].shape, *b = &p->values[other].shape;
    if (other == value || !plain_float(p, other) || a->rank != b->rank ||
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
    *l = (chain_link){.node = n, .value = n->outputs[0]->id, .residual = last->residual,
                      .clip = last->clip, .low = last->low, .high = last->high};
    if (!plain_float(p, l->value))
        return false;
    if (plan_clip_of(p, n, &input, &low, &high) && input == last->value) {
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
        while ((next = only_reader(ff_model_value(p->model, c->links[c->n_links - 1].value))) &&
               next_link(p, c, next, &l)) {
            c->links = ff_realloc_array(c->links, (size_t)c->n_links + 1, sizeof *c->links);
            c->links[c->n_links] = l;
            p->chain_of[next->index] = number;
            p->link_of[next->index] = c->n_links++;
        }
    }
}

/* ----------------------------------------------------------------------------------- weights */

typedef struct memo {
    ff_item item;
    ff_key content;
} memo;

static void memo_destroy(ff_item *item)
{
    free(item);
}

/* W' = W * scale, as [O, ...]. */
static float *effective_weights(const chain *c, const chain_link *l)
{
    const float *w = c->weights->data;
    int64_t n = c->weights->count, per = n / c->channels;
    float *out = ff_try_alloc((size_t)n * sizeof *out);

    for (int64_t o = 0; out && o < c->channels; o++)
        for (int64_t i = 0; i < per; i++) {
            float v = c->transposed ? w[i * c->channels + o] : w[o * per + i];
            out[o * per + i] = l->scale ? (float)(v * l->scale[o]) : v;
        }
    return out;
}

struct memo_context {
    const chain *c;
    const chain_link *l;
    float *made;
};

static int memo_make(void *context, ff_item **out)
{
    struct memo_context *x = context;

    x->made = effective_weights(x->c, x->l);
    if (!x->made)
        return FF_ERR_NOMEM;
    memo *m = ff_alloc(sizeof *m);
    m->item.destroy = memo_destroy;
    ff_hasher h;
    ff_hasher_init(&h);
    ff_hasher_add_str(&h, "effective weights");
    ff_hasher_add(&h, x->c->conv.weights, sizeof x->c->conv.weights);
    ff_hasher_add(&h, x->made, (size_t)x->c->weights->count * sizeof *x->made);
    m->content = ff_hasher_done(&h);
    *out = &m->item;
    return FF_OK;
}

int chain_weights(const chain *c, const chain_link *l, link_weights *out)
{
    struct memo_context x = {c, l, NULL};
    ff_hasher h;

    *out = (link_weights){.chain = c, .link = l};
    ff_hasher_init(&h);
    ff_hasher_add_str(&h, "scaled");
    ff_hasher_add(&h, ff_tensor_key(c->weights), sizeof(ff_key));
    ff_hasher_add_u64(&h, c->transposed);
    ff_hasher_add_u64(&h, l->scale != NULL);
    if (l->scale)
        ff_hasher_add(&h, l->scale, (size_t)c->channels * sizeof *l->scale);
    ff_hasher_add(&h, c->conv.weights, sizeof c->conv.weights);
    ff_key key = ff_hasher_done(&h);
    int code = ff_cache_get(&key, memo_make, &x, &out->memo);
    out->owned = x.made;
    if (code == FF_OK)
        out->key = ((memo *)out->memo)->content;
    return code;
}

const float *link_weights_data(void *link_weights_)
{
    link_weights *w = link_weights_;

    if (!w->owned && (w->link->scale || w->chain->transposed))
        w->owned = effective_weights(w->chain, w->link);
    else if (!w->owned)
        return w->chain->weights->data;
    return w->owned;
}

void link_weights_finish(link_weights *w)
{
    ff_cache_unref(w->memo);
    free(w->owned);
    memset(w, 0, sizeof *w);
}

/* -------------------------------------------------------------------------------------- pool */

static bool spatial_mean(const ff_plan *p, const ff_node *n, int rank)
{
    const int64_t *axes = NULL;
    size_t k = ff_node_ints(n, "axes", &axes);
    unsigned seen = 0;

    if (!is_op(n, "ReduceMean") || !ff_node_int(n, "keepdims", 1))
        return false;
    if (has_input(n, 1)) {
        const ff_tensor *t = constant_input(p, n, 1);
        if (!t || t->dtype != FF_INT64)
            return false;
        axes = t->data;
        k = (size_t)t->count;
    }
    for (size_t i = 0; i < k; i++) {
        int64_t a = axes[i] < 0 ? axes[i] + rank : axes[i];
        if (a < 2 || a >= rank)
            return false;
        seen |= 1u << a;
    }
    return seen == (1u << rank) - 4;
}

bool plan_pool_of(const ff_plan *p, const ff_node *n, dnn_pool *out)
{
    memset(out, 0, sizeof *out);
    if (n->n_inputs < 1 || !n->inputs[0] || n->n_outputs < 1 || !n->outputs[0] ||
        (n->n_outputs > 1 && n->outputs[1]))
        return false;
    const ff_shape *x = &p->values[n->inputs[0]->id].shape, *y = &p->values[n->outputs[0]->id].shape;
    if (!plain_float(p, n->inputs[0]->id) || !plain_float(p, n->outputs[0]->id) || x->rank < 3 ||
        x->rank > 5 || y->rank != x->rank)
        return false;
    int spatial = x->rank - 2;
    out->rank = x->rank;
    memcpy(out->dst, y->dims, (size_t)x->rank * sizeof *out->dst);
    if (is_op(n, "GlobalAveragePool") || is_op(n, "GlobalMaxPool") || spatial_mean(p, n, x->rank)) {
        out->kind = is_op(n, "GlobalMaxPool") ? DNN_POOL_MAX : DNN_POOL_MEAN;
        for (int i = 0; i < spatial; i++) {
            out->kernel[i] = x->dims[i + 2];
            out->strides[i] = 1;
        }
        return true;
    }
    bool max = is_op(n, "MaxPool");
    const int64_t *kernel = NULL;
    int64_t dilations[3];
    bool padded = false;
    if ((!max && !is_op(n, "AveragePool")) ||
        ff_node_ints(n, "kernel_shape", &kernel) != (size_t)spatial ||
        !window(n, spatial, x->dims + 2, kernel, out->strides, dilations, out->pads_begin,
                out->pads_end))
        return false;
    for (int i = 0; i < spatial; i++) {
        int64_t stride = out->strides[i];
        if (dilations[i] != 1 || kernel[i] > INT16_MAX)
            return false;
        out->kernel[i] = kernel[i];
        /* ceil_mode: the last window may hang over the end. */
        int64_t end = (y->dims[i + 2] - 1) * stride + kernel[i] - x->dims[i + 2] - out->pads_begin[i];
        bool over = end > out->pads_end[i];
        if (over && !max && ff_node_int(n, "count_include_pad", 0))
            return false;
        if (over)
            out->pads_end[i] = end;
        if (window_out(x->dims[i + 2], kernel[i], stride, 1,
                       out->pads_begin[i] + out->pads_end[i]) != y->dims[i + 2] ||
            out->pads_begin[i] >= kernel[i] || out->pads_end[i] >= kernel[i])
            return false;
        padded |= out->pads_begin[i] || out->pads_end[i];
    }
    out->kind = max ? DNN_POOL_MAX
                : padded && ff_node_int(n, "count_include_pad", 0) ? DNN_POOL_MEAN_PADDED
                                                                    : DNN_POOL_MEAN;
    return true;
}
