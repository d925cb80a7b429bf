/* SPDX-License-Identifier: GPL-3.0-or-later */
/* support.c: arguments, outputs, shapes and broadcasting for the kernels. */
#include "kernel.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------- arguments */

int ff_need(const ff_call *c, int i, int low, int high, const ff_tensor **out)
{
    const ff_tensor *t = ff_in(c, i);
    if (!t)
        return ff_fail(FF_ERR_GRAPH, "input %d is missing", i);
    if (t->dtype == FF_SEQUENCE || t->dtype == FF_ABSENT)
        return ff_fail(FF_ERR_GRAPH, "input %d is %s, not a tensor", i,
                       t->dtype == FF_SEQUENCE ? "a sequence" : "absent");
    if (t->rank < low || (high >= 0 && t->rank > high)) {
        if (low == high)
            return ff_fail(FF_ERR_GRAPH, "input %d has rank %d, not %d", i, t->rank, low);
        return ff_fail(FF_ERR_GRAPH, "input %d has rank %d", i, t->rank);
    }
    *out = t;
    return FF_OK;
}

int ff_axis(int64_t axis, int rank, int *out)
{
    if (axis < -(int64_t)rank || axis >= rank)
        return ff_fail(FF_ERR_GRAPH, "axis %lld is out of range for rank %d", (long long)axis, rank);
    *out = (int)(axis < 0 ? axis + rank : axis);
    return FF_OK;
}

int ff_axes(const int64_t *axes, int n, int rank, int *out)
{
    bool seen[FF_MAX_RANK] = {false};
    for (int i = 0; i < n; i++) {
        int axis, rc = ff_axis(axes[i], rank, &axis);
        if (rc)
            return rc;
        if (seen[axis])
            return ff_fail(FF_ERR_GRAPH, "axis %d is given twice", axis);
        seen[axis] = true;
        out[i] = axis;
    }
    return FF_OK;
}

int ff_int_list(const ff_tensor *t, int max, int64_t *out, int *n)
{
    if (!ff_is_numeric(t->dtype))
        return ff_fail(FF_ERR_GRAPH, "a list of numbers has type %s", ff_dtype_name(t->dtype));
    if (t->rank > 1 || t->count > max)
        return ff_fail(FF_ERR_GRAPH, "a list of %lld numbers (rank %d) where at most %d fit", (long long)t->count,
                       t->rank, max);
    for (int64_t i = 0; i < t->count; i++)
        out[i] = ff_tensor_get_int(t, i);
    *n = (int)t->count;
    return FF_OK;
}

int ff_list_argument(const ff_call *c, const char *name, int input, int max, int64_t *out, int *n, bool *given)
{
    *given = false;
    *n = 0;
    const ff_attr *a = ff_node_attr(c->node, name);
    if (a) {
        if (a->type != FF_ATTR_INTS && !(a->type == FF_ATTR_INT))
            return ff_fail(FF_ERR_GRAPH, "attribute '%s' is not a list of integers", name);
        size_t count = a->type == FF_ATTR_INT ? 1 : a->n;
        if (count > (size_t)max)
            return ff_fail(FF_ERR_GRAPH, "attribute '%s' has %zu entries where at most %d fit", name, count, max);
        for (size_t i = 0; i < count; i++)
            out[i] = a->type == FF_ATTR_INT ? a->i : a->ints[i];
        *n = (int)count;
        *given = true;
        return FF_OK;
    }
    const ff_tensor *t = input >= 0 ? ff_in(c, input) : NULL;
    if (!t)
        return FF_OK;
    int rc = ff_int_list(t, max, out, n);
    if (rc)
        return ff_fail_prefix(rc, "%s", name);
    *given = true;
    return FF_OK;
}

int ff_scalar_int(const ff_tensor *t, const char *what, int64_t *out)
{
    if (t->count != 1 || !ff_is_numeric(t->dtype))
        return ff_fail(FF_ERR_GRAPH, "%s is not one number", what);
    *out = ff_tensor_get_int(t, 0);
    return FF_OK;
}

int ff_scalar_real(const ff_tensor *t, const char *what, double *out)
{
    if (t->count != 1 || !ff_is_numeric(t->dtype))
        return ff_fail(FF_ERR_GRAPH, "%s is not one number", what);
    *out = ff_tensor_get_real(t, 0);
    return FF_OK;
}

int ff_dtype_argument(const ff_call *c, const char *name, ff_dtype otherwise, ff_dtype *out)
{
    int64_t t = ff_node_int(c->node, name, otherwise);
    if (t <= FF_UNDEFINED || t >= FF_DTYPE_COUNT || t == FF_COMPLEX64 || t == FF_COMPLEX128)
        return ff_fail(FF_ERR_GRAPH, "attribute '%s' names no usable type (%lld)", name, (long long)t);
    *out = (ff_dtype)t;
    return FF_OK;
}

/* --------------------------------------------------------------------------------- outputs */

int ff_check_size(const ff_call *c, int64_t n, size_t size)
{
    uint64_t limit = c->env->memory_limit ? c->env->memory_limit : FF_KERNEL_MEMORY_LIMIT;
    uint64_t bytes;
    if (n < 0 || __builtin_mul_overflow((uint64_t)n, (uint64_t)size, &bytes) || bytes > limit) {
        c->env->over_limit = true;
        return ff_fail(FF_ERR_NOMEM, "%lld elements are beyond the memory limit of %llu MiB", (long long)n,
                       (unsigned long long)(limit >> 20));
    }
    return FF_OK;
}

void *ff_scratch(const ff_call *c, int64_t n, size_t size)
{
    if (ff_check_size(c, n, size))
        return NULL;
    return ff_try_alloc(n ? (size_t)n * size : 1);
}

int ff_out(ff_call *c, int i, ff_dtype t, int rank, const int64_t *dims, ff_tensor **out)
{
    int64_t count;
    if (rank > FF_MAX_RANK)
        return ff_fail(FF_ERR_GRAPH, "the output would have rank %d", rank);
    int rc = ff_count(rank, dims, &count);
    if (rc || (rc = ff_check_size(c, count, ff_dtype_size(t) + (t == FF_STRING ? c->text : 0))))
        return rc;
    if (i >= c->n_out)
        return ff_fail(FF_ERR_GRAPH, "the node has no output %d", i);
    if ((rc = ff_tensor_create(t, rank, dims, &c->out[i])))
        return rc;
    *out = c->out[i];
    return FF_OK;
}

int ff_out_like(ff_call *c, int i, const ff_tensor *t, ff_tensor **out)
{
    return ff_out(c, i, t->dtype, t->rank, t->dims, out);
}

int ff_pass(ff_call *c, int i, const ff_tensor *t)
{
    if (i >= c->n_out)
        return ff_fail(FF_ERR_GRAPH, "the node has no output %d", i);
    c->out[i] = ff_tensor_ref(t);
    return FF_OK;
}

int ff_pass_reshaped(ff_call *c, int i, const ff_tensor *t, int rank, const int64_t *dims)
{
    int64_t count;
    if (rank > FF_MAX_RANK)
        return ff_fail(FF_ERR_GRAPH, "the output would have rank %d", rank);
    int rc = ff_count(rank, dims, &count);
    if (rc)
        return rc;
    if (count != t->count)
        return ff_fail(FF_ERR_GRAPH, "%lld elements do not fit a shape of %lld", (long long)t->count, (long long)count);
    if (i >= c->n_out)
        return ff_fail(FF_ERR_GRAPH, "the node has no output %d", i);
    return ff_tensor_reshape(t, rank, dims, &c->out[i]);
}

int ff_next_round(const ff_call *c)
{
    if (c->env->rounds_left && --*c->env->rounds_left < 0)
        return ff_fail(FF_ERR_GRAPH, "the loops of the model do not end");
    return ff_check_cancel(c->env->task);
}

int ff_cancel_check(const ff_call *c)
{
    return ff_check_cancel(c->env->task);
}

/* ---------------------------------------------------------------------------------- shapes */

int ff_count(int rank, const int64_t *dims, int64_t *count)
{
    /* A zero anywhere makes the product zero, but the others must not overflow either. */
    int64_t n = 1;
    bool empty = false;
    for (int i = 0; i < rank; i++) {
        if (dims[i] < 0)
            return ff_fail(FF_ERR_GRAPH, "dimension %d would be %lld", i, (long long)dims[i]);
        if (dims[i] == 0)
            empty = true;
        else if (__builtin_mul_overflow(n, dims[i], &n))
            return ff_fail(FF_ERR_GRAPH, "the number of elements overflows");
    }
    *count = empty ? 0 : n;
    return FF_OK;
}

/* Unsigned, because the lengths of an empty tensor may overflow where nothing is read. */
void ff_strides(int rank, const int64_t *dims, int64_t *strides)
{
    uint64_t n = 1;
    for (int i = rank - 1; i >= 0; i--) {
        strides[i] = (int64_t)n;
        n *= (uint64_t)dims[i];
    }
}

int64_t ff_span(const int64_t *dims, int from, int to)
{
    uint64_t n = 1;
    for (int i = from; i < to; i++)
        n *= (uint64_t)dims[i];
    return (int64_t)n;
}

int ff_broadcast(int rank_a, const int64_t *a, int rank_b, const int64_t *b, int *rank, int64_t *out)
{
    int n = rank_a > rank_b ? rank_a : rank_b;
    int64_t dims[FF_MAX_RANK] = {0}; /* out may be a or b */
    for (int i = 0; i < n; i++) {
        int ia = i - (n - rank_a), ib = i - (n - rank_b);
        int64_t da = ia < 0 ? 1 : a[ia], db = ib < 0 ? 1 : b[ib];
        if (da != db && da != 1 && db != 1)
            return ff_fail(FF_ERR_GRAPH, "dimensions %lld and %lld do not broadcast", (long long)da, (long long)db);
        dims[i] = da == 1 ? db : da;
    }
    memcpy(out, dims, (size_t)n * sizeof *out);
    *rank = n;
    return FF_OK;
}

void ff_broadcast_strides(const ff_tensor *t, int rank, int64_t *strides)
{
    int64_t own[FF_MAX_RANK];
    ff_strides(t->rank, t->dims, own);
    for (int i = 0; i < rank; i++) {
        int k = i - (rank - t->rank);
        strides[i] = k < 0 || t->dims[k] == 1 ? 0 : own[k];
    }
}

void ff_walk_start(ff_walk *w, int rank, const int64_t *dims)
{
    memset(w, 0, sizeof *w);
    w->rank = rank;
    if (rank)
        memcpy(w->dims, dims, (size_t)rank * sizeof *dims);
}

int ff_walk_operand(ff_walk *w, const int64_t *strides)
{
    if (w->rank)
        memcpy(w->strides[w->n], strides, (size_t)w->rank * sizeof *strides);
    return w->n++;
}

/* -------------------------------------------------------------------------------- movement */

void ff_move(ff_tensor *dst, int64_t d, const ff_tensor *src, int64_t s, int64_t n)
{
    if (n <= 0)
        return;
    if (dst->dtype == FF_STRING) {
        char **to = dst->data;
        char *const *from = src->data;
        for (int64_t i = 0; i < n; i++) {
            free(to[d + i]);
            to[d + i] = ff_strdup(from[s + i]);
        }
        return;
    }
    size_t size = ff_dtype_size(dst->dtype);
    memmove((char *)dst->data + (size_t)d * size, (const char *)src->data + (size_t)s * size, (size_t)n * size);
}

/* One row of n elements of `size` bytes, read `stride` elements apart. */
static void move_row(char *to, const char *from, size_t size, int64_t stride, int64_t n)
{
    if (stride == 1) {
        memcpy(to, from, (size_t)n * size);
        return;
    }
    switch (size) {
    case 1:
        for (int64_t i = 0; i < n; i++)
            to[i] = from[i * stride];
        break;
    case 4:
        for (int64_t i = 0; i < n; i++)
            ((uint32_t *)to)[i] = ((const uint32_t *)from)[i * stride];
        break;
    case 8:
        for (int64_t i = 0; i < n; i++)
            ((uint64_t *)to)[i] = ((const uint64_t *)from)[i * stride];
        break;
    default:
        for (int64_t i = 0; i < n; i++)
            memcpy(to + (size_t)i * size, from + i * stride * (int64_t)size, size);
    }
}

void ff_move_strided(ff_tensor *dst, const ff_tensor *src, int64_t offset, const int64_t *strides)
{
    if (!dst->count)
        return;
    if (!dst->rank) {
        ff_move(dst, 0, src, offset, 1);
        return;
    }
    int last = dst->rank - 1;
    int64_t row = dst->dims[last], at = 0;
    size_t size = ff_dtype_size(dst->dtype);
    ff_walk w;
    ff_walk_start(&w, last, dst->dims);
    ff_walk_operand(&w, strides);
    do {
        int64_t from = offset + w.at[0];
        if (dst->dtype == FF_STRING) {
            for (int64_t i = 0; i < row; i++)
                ff_move(dst, at + i, src, from + i * strides[last], 1);
        } else {
            move_row((char *)dst->data + (size_t)at * size, (const char *)src->data + from * (int64_t)size, size,
                     strides[last], row);
        }
        at += row;
    } while (ff_walk_next(&w));
}

void ff_set_string(ff_tensor *t, int64_t i, const char *s)
{
    char **to = t->data;
    free(to[i]);
    to[i] = ff_strdup(s ? s : "");
}

const char *ff_get_string(const ff_tensor *t, int64_t i)
{
    const char *s = ((char *const *)t->data)[i];
    return s ? s : "";
}
