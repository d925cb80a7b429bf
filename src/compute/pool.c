/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pool.c: Max, Average and Lp pooling over windows or whole planes, and MaxUnpool. */
#include "kernel.h"

#include <math.h>
#include <string.h>

enum pool { POOL_MAX, POOL_AVERAGE, POOL_LP };

/* The part of window `o` along axis k that lies inside the input: kernel positions [from, to). */
static void inside(const ff_window *w, int k, int64_t o, int64_t *start, int64_t *from, int64_t *to)
{
    int64_t s = o * w->stride[k] - w->begin[k], d = w->dilation[k];
    *start = s;
    *from = s >= 0 ? 0 : (-s + d - 1) / d;
    *to = w->in[k] > s ? (w->in[k] - s + d - 1) / d : 0;
    if (*to > w->kernel[k])
        *to = w->kernel[k];
}

/* Elements an average divides by: those inside, or with count_include_pad those inside the padded
 * input (a window that ceil_mode lets hang over the end counts no further). */
static int64_t divisor(const ff_window *w, const int64_t *at, bool include)
{
    int64_t n = 1;
    for (int k = 0; k < w->spatial; k++) {
        int64_t start, from, to;
        inside(w, k, at[k], &start, &from, &to);
        if (include) {
            int64_t room = w->in[k] + w->end[k] - start, d = w->dilation[k];
            int64_t fit = (room + d - 1) / d;
            n *= fit < w->kernel[k] ? fit : w->kernel[k];
        } else {
            n *= to > from ? to - from : 0;
        }
    }
    return n;
}

/* One window of one plane. *where gets the offset of the largest element in the plane. */
static double window(const ff_window *w, const int64_t *at, const int64_t *strides, const double *x, enum pool kind,
                     double p, int64_t *where)
{
    int64_t start[FF_MAX_RANK], from[FF_MAX_RANK], dims[FF_MAX_RANK], steps[FF_MAX_RANK], base = 0;
    double best = kind == POOL_MAX ? -INFINITY : 0;
    *where = -1;
    for (int k = 0; k < w->spatial; k++) {
        int64_t to;
        inside(w, k, at[k], &start[k], &from[k], &to);
        dims[k] = to - from[k];
        if (dims[k] <= 0)
            return best;
        steps[k] = strides[k] * w->dilation[k];
        base += (start[k] + from[k] * w->dilation[k]) * strides[k];
    }
    ff_walk walk;
    ff_walk_start(&walk, w->spatial, dims);
    ff_walk_operand(&walk, steps);
    do {
        double v = x[base + walk.at[0]];
        if (kind == POOL_AVERAGE) {
            best += v;
        } else if (kind == POOL_LP) {
            best += p == 2 ? v * v : pow(fabs(v), p);
        } else if (*where < 0 || v > best || v != v) {
            best = v;
            *where = base + walk.at[0];
            if (v != v)
                return v;
        }
    } while (ff_walk_next(&walk));
    return best;
}

/* Offset in a plane, row-major, to the column-major numbering of storage_order 1. */
static int64_t column_major(const ff_window *w, int64_t offset)
{
    int64_t index = 0, scale[FF_MAX_RANK], s = 1;
    for (int k = 0; k < w->spatial; k++) {
        scale[k] = s;
        s *= w->in[k];
    }
    for (int k = w->spatial - 1; k >= 0; k--) {
        index += offset % w->in[k] * scale[k];
        offset /= w->in[k];
    }
    return index;
}

static int pool(ff_call *c, enum pool kind, const ff_window *w, bool include, double p)
{
    const ff_tensor *x = c->in[0];
    ff_tensor *y, *indices = NULL;
    kview vx = {0}, vy = {0};
    int64_t dims[FF_MAX_RANK] = {x->dims[0], x->dims[1]}, strides[FF_MAX_RANK], at = 0;
    memcpy(dims + 2, w->out, (size_t)w->spatial * sizeof *dims);
    int rc = ff_out(c, 0, x->dtype, x->rank, dims, &y);
    if (rc || (kind == POOL_MAX && ff_wants(c, 1) && (rc = ff_out(c, 1, FF_INT64, x->rank, dims, &indices))))
        return rc;
    if ((rc = kview_read(x, KWORK_DOUBLE, &vx)) || (rc = kview_write(y, KWORK_DOUBLE, &vy)))
        goto done;
    bool columns = ff_node_int(c->node, "storage_order", 0);
    int64_t plane = ff_span(w->in, 0, w->spatial), planes = x->dims[0] * x->dims[1];
    ff_strides(w->spatial, w->in, strides);
    for (int64_t n = 0; y->count && n < planes; n++) {
        ff_walk walk;
        if ((rc = ff_cancel_check(c)))
            goto done;
        ff_walk_start(&walk, w->spatial, w->out);
        do {
            int64_t where;
            double v = window(w, walk.index, strides, vx.d + n * plane, kind, p, &where);
            if (kind == POOL_AVERAGE) {
                int64_t count = divisor(w, walk.index, include);
                v = count ? v / (double)count : 0;
            } else if (kind == POOL_LP) {
                v = p == 2 ? sqrt(v) : pow(v, 1 / p);
            }
            vy.d[at] = v;
            if (indices)
                ((int64_t *)indices->data)[at] = where < 0 ? 0 : n * plane + (columns ? column_major(w, where) : where);
            at++;
        } while (ff_walk_next(&walk));
    }
    kview_store(&vy);
done:
    kview_finish(&vx);
    kview_finish(&vy);
    return rc;
}

int ff_k_pool(ff_call *c) /* MaxPool, AveragePool, LpPool */
{
    const ff_tensor *x;
    ff_window w;
    int rc = ff_need(c, 0, 3, FF_MAX_RANK, &x);
    if (rc || (rc = ff_window_init(c, x->rank - 2, x->dims + 2, NULL, &w)))
        return rc;
    enum pool kind = *c->node->op == 'M' ? POOL_MAX : *c->node->op == 'A' ? POOL_AVERAGE : POOL_LP;
    bool include = kind == POOL_AVERAGE && ff_node_int(c->node, "count_include_pad", 0);
    return pool(c, kind, &w, include, (double)ff_node_int(c->node, "p", 2));
}

int ff_k_global_pool(ff_call *c)
{
    const ff_tensor *x;
    ff_window w = {0};
    int rc = ff_need(c, 0, 2, FF_MAX_RANK, &x);
    if (rc)
        return rc;
    w.spatial = x->rank - 2;
    for (int k = 0; k < w.spatial; k++) {
        w.in[k] = w.kernel[k] = x->dims[2 + k];
        w.out[k] = w.stride[k] = w.dilation[k] = 1;
        if (!w.in[k])
            return ff_fail(FF_ERR_GRAPH, "axis %d is empty", 2 + k);
    }
    const char *op = c->node->op + strlen("Global");
    enum pool kind = *op == 'M' ? POOL_MAX : *op == 'A' ? POOL_AVERAGE : POOL_LP;
    return pool(c, kind, &w, false, (double)ff_node_int(c->node, "p", 2));
}

/* MaxUnpool: values go back to where the indices say they came from. */
int ff_k_max_unpool(ff_call *c)
{
    const ff_tensor *x, *indices, *shape = ff_in(c, 2);
    ff_tensor *y;
    int64_t dims[FF_MAX_RANK], small[FF_MAX_RANK];
    const int64_t *kernel, *strides, *pads;
    int n, rc = ff_need(c, 0, 3, FF_MAX_RANK, &x);
    if (rc || (rc = ff_need(c, 1, x->rank, x->rank, &indices)))
        return rc;
    if (indices->dtype != FF_INT64 || !ff_same_dims(x, indices))
        return ff_fail(FF_ERR_GRAPH, "the indices do not fit the values");
    size_t spatial = (size_t)x->rank - 2, have = ff_node_ints(c->node, "kernel_shape", &kernel),
           stepped = ff_node_ints(c->node, "strides", &strides), padded = ff_node_ints(c->node, "pads", &pads);
    if (have != spatial || (stepped && stepped != spatial) || (padded && padded != 2 * spatial))
        return ff_fail(FF_ERR_GRAPH, "kernel_shape, strides or pads do not fit rank %d", x->rank);
    /* The indices count within the inferred shape, also when a larger one is asked for. */
    small[0] = x->dims[0];
    small[1] = x->dims[1];
    for (size_t k = 0; k < spatial; k++) {
        int64_t step = stepped ? strides[k] : 1, total = padded ? pads[k] + pads[spatial + k] : 0;
        if (step < 1 || step > INT32_MAX || kernel[k] < 1 || kernel[k] > INT32_MAX || total < 0 || total > INT32_MAX ||
            x->dims[2 + k] > INT32_MAX)
            return ff_fail(FF_ERR_GRAPH, "kernel_shape, strides or pads are out of range");
        small[2 + k] = (x->dims[2 + k] - 1) * step - total + kernel[k];
    }
    memcpy(dims, small, sizeof small);
    if (shape) {
        if ((rc = ff_int_list(shape, FF_MAX_RANK, dims, &n)))
            return rc;
        if (n != x->rank)
            return ff_fail(FF_ERR_GRAPH, "output_shape has %d entries", n);
    }
    int64_t count;
    if ((rc = ff_count(x->rank, small, &count)) || (rc = ff_out(c, 0, x->dtype, x->rank, dims, &y)))
        return rc;
    for (int64_t i = 0; i < x->count; i++) {
        int64_t from = ((int64_t *)indices->data)[i], to = 0, scale = 1;
        if (from < 0 || from >= count)
            return ff_fail(FF_ERR_GRAPH, "index %lld of %lld", (long long)from, (long long)count);
        for (int k = x->rank - 1; k >= 0; k--) {
            int64_t index = from % small[k];
            from /= small[k];
            if (index >= dims[k])
                return ff_fail(FF_ERR_GRAPH, "an index lies outside the output");
            to += index * scale;
            scale *= dims[k];
        }
        ff_move(y, to, x, i, 1);
    }
    return FF_OK;
}
