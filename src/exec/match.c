/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a node is, as far as plans care: its constants, window, clip, pool. */
#include "exec/match.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const ff_node *match_only_reader(const ff_value *v)
{
    if (v->n_users != 1 || v->is_output || v->users[0].node->graph != v->graph)
        return NULL;
    return v->users[0].node;
}

const ff_tensor *match_constant(const ff_plan *p, const ff_node *n, int i)
{
    if (i >= n->n_inputs || !n->inputs[i])
        return NULL;
    return p->values[n->inputs[i]->id].constant;
}

bool match_float_value(const ff_plan *p, int value)
{
    const pvalue *x = &p->values[value];

    return !x->constant && x->fixed && x->shape.dtype == FF_FLOAT && shape_count(&x->shape) > 0;
}

bool match_float_tensor(const ff_tensor *t)
{
    return t && t->dtype == FF_FLOAT && t->count > 0;
}

bool match_per_channel(const ff_tensor *t, const ff_shape *shape, int axis, double *out)
{
    int64_t channels = shape->dims[axis];

    if (!match_float_tensor(t) || t->rank > shape->rank)
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

bool match_clip(const ff_plan *p, const ff_node *n, int *input, float *low, float *high)
{
    const ff_tensor *t;
    int x = 0;

    *low = -INFINITY;
    *high = INFINITY;
    if (n->n_inputs < 1 || n->n_outputs < 1 || !n->inputs[0] || !n->outputs[0])
        return false;
    if (match_op(n, "Relu")) {
        *low = 0;
    } else if (match_op(n, "Clip")) {
        *low = ff_node_float(n, "min", *low);
        *high = ff_node_float(n, "max", *high);
        for (int i = 1; i <= 2; i++) {
            if (!match_input(n, i))
                continue;
            t = match_constant(p, n, i);
            if (!match_float_tensor(t) || t->count != 1)
                return false;
            *(i == 1 ? low : high) = *(const float *)t->data;
        }
    } else if ((match_op(n, "Max") || match_op(n, "Min")) && n->n_inputs == 2 && n->inputs[1]) {
        x = match_constant(p, n, 0) ? 1 : 0;
        t = match_constant(p, n, 1 - x);
        if (!match_float_tensor(t) || t->count != 1 || t->rank > p->values[n->inputs[x]->id].shape.rank)
            return false;
        *(match_op(n, "Max") ? low : high) = *(const float *)t->data;
    } else {
        return false;
    }
    if (!(*low <= *high)) /* NaN, too */
        return false;
    *input = n->inputs[x]->id;
    return match_float_value(p, *input);
}

static int64_t at_or(const int64_t *a, size_t n, size_t i, int64_t otherwise)
{
    return i < n ? a[i] : otherwise;
}

bool match_window(const ff_node *n, int spatial, const int64_t *in, const int64_t *kernel, int64_t *strides,
                  int64_t *dilations, int64_t *begin, int64_t *end)
{
    const int64_t *s = NULL, *d = NULL, *pads = NULL;
    size_t ns = ff_node_ints(n, "strides", &s), nd = ff_node_ints(n, "dilations", &d),
           np = ff_node_ints(n, "pads", &pads);
    const char *mode = ff_node_string(n, "auto_pad", "NOTSET");
    bool same = strncmp(mode, "SAME_", 5) == 0, valid = strcmp(mode, "VALID") == 0;

    for (int i = 0; i < spatial; i++) {
        strides[i] = at_or(s, ns, (size_t)i, 1);
        dilations[i] = at_or(d, nd, (size_t)i, 1);
        if (strides[i] < 1 || dilations[i] < 1 || kernel[i] < 1 || in[i] < 1 || strides[i] > INT32_MAX ||
            dilations[i] > INT32_MAX || kernel[i] > INT32_MAX)
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

int64_t match_window_out(int64_t in, int64_t kernel, int64_t stride, int64_t dilation, int64_t pads)
{
    int64_t room = in + pads - ((kernel - 1) * dilation + 1);

    return room < 0 ? 0 : room / stride + 1;
}

const int64_t *match_zero_pads(const ff_plan *p, const ff_node *n, int rank)
{
    const int64_t *pads = NULL;

    if (!match_op(n, "Pad") || strcmp(ff_node_string(n, "mode", "constant"), "constant") != 0 || n->n_inputs < 1 ||
        !n->inputs[0] || !match_float_value(p, n->inputs[0]->id))
        return NULL;
    if (match_input(n, 3) || (match_input(n, 2) && !match_constant(p, n, 2)) ||
        (match_input(n, 1) && !match_constant(p, n, 1)))
        return NULL;
    if (match_input(n, 2)) {
        const ff_tensor *t = match_constant(p, n, 2);
        if (t->dtype != FF_FLOAT || t->count != 1 || *(const float *)t->data != 0)
            return NULL;
    } else if (ff_node_float(n, "value", 0) != 0) {
        return NULL;
    }
    if (match_input(n, 1)) {
        const ff_tensor *t = match_constant(p, n, 1);
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

bool match_permutation(const ff_node *n, int rank, int *perm)
{
    const int64_t *ints = NULL;
    size_t k = ff_node_ints(n, "perm", &ints);

    if (!match_op(n, "Transpose") || (k && k != (size_t)rank))
        return false;
    for (int i = 0; i < rank; i++) {
        int64_t from = k ? ints[i] : rank - 1 - i;
        if (from < 0 || from >= rank)
            return false;
        perm[i] = (int)from;
    }
    return true;
}

static bool spatial_mean(const ff_plan *p, const ff_node *n, int rank)
{
    const int64_t *axes = NULL;
    size_t k = ff_node_ints(n, "axes", &axes);
    unsigned seen = 0;

    if (!match_op(n, "ReduceMean") || !ff_node_int(n, "keepdims", 1))
        return false;
    if (match_input(n, 1)) {
        const ff_tensor *t = match_constant(p, n, 1);
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

/* Exporters pad by a node of its own before an average pool that counts padding. Zeros that are
 * counted are the pool's own padding. */
static void absorb_pool_pads(const ff_plan *p, const ff_node *n, dnn_pool *pool, int *input)
{
    const ff_value *x = n->inputs[0];
    const int rank = (int)pool->rank;
    const int64_t *pads = x->producer && match_only_reader(x) == n ? match_zero_pads(p, x->producer, rank) : NULL;

    if (!pads || pads[0] || pads[1] || pads[rank] || pads[rank + 1])
        return;
    for (int i = 0; i < rank - 2; i++)
        if (pool->pads_begin[i] + pads[i + 2] >= pool->kernel[i] ||
            pool->pads_end[i] + pads[i + 2 + rank] >= pool->kernel[i])
            return;
    for (int i = 0; i < rank - 2; i++) {
        pool->pads_begin[i] += pads[i + 2];
        pool->pads_end[i] += pads[i + 2 + rank];
    }
    pool->kind = DNN_POOL_MEAN_PADDED;
    *input = x->producer->inputs[0]->id;
}

bool match_pool(const ff_plan *p, const ff_node *n, dnn_pool *out, int *input)
{
    memset(out, 0, sizeof *out);
    if (n->n_inputs < 1 || !n->inputs[0] || n->n_outputs < 1 || !n->outputs[0] || (n->n_outputs > 1 && n->outputs[1]))
        return false;
    const ff_shape *x = &p->values[n->inputs[0]->id].shape, *y = &p->values[n->outputs[0]->id].shape;
    if (!match_float_value(p, n->inputs[0]->id) || !match_float_value(p, n->outputs[0]->id) || x->rank < 3 ||
        x->rank > 5 || y->rank != x->rank)
        return false;
    int spatial = x->rank - 2;
    *input = n->inputs[0]->id;
    out->rank = x->rank;
    memcpy(out->dst, y->dims, (size_t)x->rank * sizeof *out->dst);
    if (match_op(n, "GlobalAveragePool") || match_op(n, "GlobalMaxPool") || spatial_mean(p, n, x->rank)) {
        out->kind = match_op(n, "GlobalMaxPool") ? DNN_POOL_MAX : DNN_POOL_MEAN;
        for (int i = 0; i < spatial; i++) {
            out->kernel[i] = x->dims[i + 2];
            out->strides[i] = 1;
        }
        return true;
    }
    bool max = match_op(n, "MaxPool");
    const int64_t *kernel = NULL;
    int64_t dilations[3];
    bool padded = false, hangs_over = false, counts = ff_node_int(n, "count_include_pad", 0);
    if ((!max && !match_op(n, "AveragePool")) || ff_node_ints(n, "kernel_shape", &kernel) != (size_t)spatial ||
        !match_window(n, spatial, x->dims + 2, kernel, out->strides, dilations, out->pads_begin, out->pads_end))
        return false;
    for (int i = 0; i < spatial; i++) {
        int64_t stride = out->strides[i];
        if (dilations[i] != 1 || kernel[i] > INT16_MAX)
            return false;
        out->kernel[i] = kernel[i];
        /* ceil_mode: the last window may hang over the end. */
        int64_t end = (y->dims[i + 2] - 1) * stride + kernel[i] - x->dims[i + 2] - out->pads_begin[i];
        bool over = end > out->pads_end[i];
        if (over && !max && counts)
            return false;
        if (over)
            out->pads_end[i] = end;
        hangs_over |= over;
        if (match_window_out(x->dims[i + 2], kernel[i], stride, 1, out->pads_begin[i] + out->pads_end[i]) !=
                y->dims[i + 2] ||
            out->pads_begin[i] >= kernel[i] || out->pads_end[i] >= kernel[i])
            return false;
        padded |= out->pads_begin[i] || out->pads_end[i];
    }
    out->kind = max ? DNN_POOL_MAX : padded && counts ? DNN_POOL_MEAN_PADDED : DNN_POOL_MEAN;
    if (!max && !hangs_over && (counts || !padded))
        absorb_pool_pads(p, n, out, input);
    return true;
}

/* Whether a Dropout's third input may ask for training. */
static bool trains(const ff_plan *p, const ff_node *n)
{
    const ff_tensor *t = match_constant(p, n, 2);

    return match_input(n, 2) && !(t && t->dtype == FF_BOOL && t->count == 1 && !*(bool *)t->data);
}

static bool pads_nothing(const ff_plan *p, const ff_node *n, int rank)
{
    const int64_t *pads = match_zero_pads(p, n, rank);

    for (int i = 0; pads && i < 2 * rank; i++)
        if (pads[i])
            return false;
    return pads != NULL;
}

view_kind match_view(const ff_plan *p, const ff_node *n, int perm[FF_MAX_RANK])
{
    static const char *const reshapes[] = {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"};

    if (*n->domain || n->n_inputs < 1 || !n->inputs[0] || n->n_outputs < 1 || !n->outputs[0])
        return VIEW_NONE;
    const pvalue *x = &p->values[n->inputs[0]->id], *y = &p->values[n->outputs[0]->id];
    if (x->constant || !x->fixed || !y->fixed || shape_count(&x->shape) != shape_count(&y->shape) ||
        x->shape.dtype != y->shape.dtype)
        return VIEW_NONE;
    if (match_op(n, "Transpose")) {
        const int64_t *ints = NULL;
        size_t k = ff_node_ints(n, "perm", &ints);
        int rank = x->shape.rank;
        if ((k && k != (size_t)rank) || y->shape.rank != rank)
            return VIEW_NONE;
        for (int i = 0; i < rank; i++) {
            perm[i] = k ? (int)ints[i] : rank - 1 - i;
            if (perm[i] < 0 || perm[i] >= rank)
                return VIEW_NONE;
        }
        return VIEW_PERMUTE;
    }
    for (size_t i = 0; i < FF_COUNT(reshapes); i++)
        if (strcmp(n->op, reshapes[i]) == 0)
            return VIEW_RESHAPE;
    if (strcmp(n->op, "Dropout") == 0 && (n->n_outputs < 2 || !n->outputs[1]) && !trains(p, n))
        return VIEW_RESHAPE;
    if (x->shape.rank == y->shape.rank && pads_nothing(p, n, x->shape.rank))
        return VIEW_RESHAPE;
    return VIEW_NONE;
}
