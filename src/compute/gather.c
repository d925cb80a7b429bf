/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gather.c: reading and writing elements at places that other tensors name. */
#include "kernel.h"

#include <string.h>

/* Index i of `t` (int32 or int64), negative ones counted from the end of an axis of n. */
static int index_at(const ff_tensor *t, int64_t i, int64_t n, int64_t *out)
{
    int64_t v = t->dtype == FF_INT32 ? ((const int32_t *)t->data)[i] : ((const int64_t *)t->data)[i];
    if (v < -n || v >= n)
        return ff_fail(FF_ERR_GRAPH, "index %lld is out of range for an axis of %lld", (long long)v, (long long)n);
    *out = v < 0 ? v + n : v;
    return FF_OK;
}

static int need_indices(const ff_call *c, int i, int low, int high, const ff_tensor **t)
{
    int rc = ff_need(c, i, low, high, t);
    if (!rc && (*t)->dtype != FF_INT32 && (*t)->dtype != FF_INT64)
        rc = ff_fail(FF_ERR_GRAPH, "indices of type %s", ff_dtype_name((*t)->dtype));
    return rc;
}

int ff_k_gather(ff_call *c)
{
    const ff_tensor *x, *indices;
    ff_tensor *y;
    int64_t dims[2 * FF_MAX_RANK];
    int axis, rank = 0, rc = ff_need(c, 0, 1, -1, &x);
    if (rc || (rc = need_indices(c, 1, 0, -1, &indices)) ||
        (rc = ff_axis(ff_node_int(c->node, "axis", 0), x->rank, &axis)))
        return rc;
    for (int k = 0; k < axis; k++)
        dims[rank++] = x->dims[k];
    for (int k = 0; k < indices->rank; k++)
        dims[rank++] = indices->dims[k];
    for (int k = axis + 1; k < x->rank; k++)
        dims[rank++] = x->dims[k];
    if ((rc = ff_out(c, 0, x->dtype, rank, dims, &y)) || !y->count)
        return rc;
    int64_t outer = ff_span(x->dims, 0, axis), inner = ff_span(x->dims, axis + 1, x->rank);
    for (int64_t i = 0; i < indices->count; i++) {
        int64_t from = 0;
        if ((rc = index_at(indices, i, x->dims[axis], &from)))
            return rc;
        for (int64_t o = 0; o < outer; o++)
            ff_move(y, (o * indices->count + i) * inner, x, (o * x->dims[axis] + from) * inner, inner);
    }
    return FF_OK;
}

int ff_k_gather_elements(ff_call *c)
{
    const ff_tensor *x, *indices;
    ff_tensor *y;
    int axis, rc = ff_need(c, 0, 1, -1, &x);
    if (rc || (rc = need_indices(c, 1, x->rank, x->rank, &indices)) ||
        (rc = ff_axis(ff_node_int(c->node, "axis", 0), x->rank, &axis)))
        return rc;
    for (int k = 0; k < x->rank; k++)
        if (k != axis && indices->dims[k] > x->dims[k])
            return ff_fail(FF_ERR_GRAPH, "indices reach beyond axis %d", k);
    if ((rc = ff_out(c, 0, x->dtype, x->rank, indices->dims, &y)) || !y->count)
        return rc;
    int64_t strides[FF_MAX_RANK], i = 0;
    ff_strides(x->rank, x->dims, strides);
    ff_walk w;
    ff_walk_start(&w, x->rank, indices->dims);
    ff_walk_operand(&w, strides);
    do {
        int64_t from = 0;
        if ((rc = index_at(indices, i, x->dims[axis], &from)))
            return rc;
        ff_move(y, i++, x, w.at[0] + (from - w.index[axis]) * strides[axis], 1);
    } while (ff_walk_next(&w));
    return FF_OK;
}

/* The offset in x that the last axis of `indices` names in entry i, after `batch` leading dims. */
static int tuple_offset(const ff_tensor *x, const ff_tensor *indices, int batch, int64_t i, int64_t *offset)
{
    int64_t depth = indices->dims[indices->rank - 1], at = 0;
    for (int64_t k = 0; k < depth; k++) {
        int64_t v = 0;
        int rc = index_at(indices, i * depth + k, x->dims[batch + k], &v);
        if (rc)
            return rc;
        at = at * x->dims[batch + k] + v;
    }
    *offset = at;
    return FF_OK;
}

int ff_k_gather_nd(ff_call *c)
{
    const ff_tensor *x, *indices;
    ff_tensor *y;
    int64_t dims[2 * FF_MAX_RANK], batch = ff_node_int(c->node, "batch_dims", 0);
    int rank, rc = ff_need(c, 0, 1, -1, &x);
    if (rc || (rc = need_indices(c, 1, 1, -1, &indices)))
        return rc;
    int64_t depth = indices->dims[indices->rank - 1];
    if (batch < 0 || batch >= indices->rank || depth < 0 || depth > x->rank - batch)
        return ff_fail(FF_ERR_GRAPH, "%lld batch dims and tuples of %lld for rank %d", (long long)batch,
                       (long long)depth, x->rank);
    for (int k = 0; k < batch; k++)
        if (x->dims[k] != indices->dims[k])
            return ff_fail(FF_ERR_GRAPH, "batch axis %d differs", k);
    memcpy(dims, indices->dims, sizeof indices->dims);
    rank = indices->rank - 1;
    for (int k = (int)(batch + depth); k < x->rank; k++)
        dims[rank++] = x->dims[k];
    if ((rc = ff_out(c, 0, x->dtype, rank, dims, &y)) || !y->count)
        return rc;
    int64_t batches = ff_span(x->dims, 0, (int)batch), tuples = ff_span(indices->dims, 0, indices->rank - 1),
            slice = ff_span(x->dims, (int)(batch + depth), x->rank), block = ff_span(x->dims, (int)batch, x->rank);
    for (int64_t i = 0; i < tuples; i++) {
        int64_t at = 0;
        if ((rc = tuple_offset(x, indices, (int)batch, i, &at)))
            return rc;
        ff_move(y, i * slice, x, i / (tuples / batches) * block + at * slice, slice);
    }
    return FF_OK;
}

/* ----------------------------------------------------------------------------------- scatter */

/* y[to..] (op)= updates[from..] */
static int combine(ff_tensor *y, int64_t to, const ff_tensor *updates, int64_t from, int64_t n, const char *op)
{
    if (!strcmp(op, "none")) {
        ff_move(y, to, updates, from, n);
        return FF_OK;
    }
    bool add = !strcmp(op, "add"), mul = !strcmp(op, "mul"), max = !strcmp(op, "max"), min = !strcmp(op, "min");
    if ((!add && !mul && !max && !min) || !ff_is_numeric(y->dtype))
        return ff_fail(FF_ERR_GRAPH, "reduction '%s' on %s", op, ff_dtype_name(y->dtype));
    for (int64_t i = 0; i < n; i++) {
        if (ff_dtype_is_float(y->dtype)) {
            double a = ff_tensor_get_real(y, to + i), b = ff_tensor_get_real(updates, from + i);
            ff_tensor_set_real(y, to + i, add ? a + b : mul ? a * b : max ? (b > a ? b : a) : b < a ? b : a);
        } else {
            int64_t a = ff_tensor_get_int(y, to + i), b = ff_tensor_get_int(updates, from + i);
            bool less = y->dtype == FF_UINT64 ? (uint64_t)b < (uint64_t)a : b < a;
            int64_t v = add   ? (int64_t)((uint64_t)a + (uint64_t)b)
                        : mul ? (int64_t)((uint64_t)a * (uint64_t)b)
                        : max ? (less ? a : b)
                              : (less ? b : a);
            ff_tensor_set_int(y, to + i, v);
        }
    }
    return FF_OK;
}

static int scatter_inputs(ff_call *c, const ff_tensor **x, const ff_tensor **indices, const ff_tensor **updates,
                          ff_tensor **y)
{
    int rc = ff_need(c, 0, 1, -1, x);
    if (rc || (rc = need_indices(c, 1, 1, -1, indices)) || (rc = ff_need(c, 2, 0, -1, updates)))
        return rc;
    if ((*updates)->dtype != (*x)->dtype)
        return ff_fail(FF_ERR_GRAPH, "types %s and %s differ", ff_dtype_name((*x)->dtype),
                       ff_dtype_name((*updates)->dtype));
    if ((rc = ff_out_like(c, 0, *x, y)))
        return rc;
    ff_move(*y, 0, *x, 0, (*x)->count);
    return FF_OK;
}

int ff_k_scatter_elements(ff_call *c) /* Scatter too */
{
    const ff_tensor *x, *indices, *updates;
    ff_tensor *y;
    int axis, rc = scatter_inputs(c, &x, &indices, &updates, &y);
    if (rc || (rc = ff_axis(ff_node_int(c->node, "axis", 0), x->rank, &axis)))
        return rc;
    if (indices->rank != x->rank || !ff_same_dims(indices, updates))
        return ff_fail(FF_ERR_GRAPH, "indices and updates do not fit");
    for (int k = 0; k < x->rank; k++)
        if (k != axis && indices->dims[k] > x->dims[k])
            return ff_fail(FF_ERR_GRAPH, "indices reach beyond axis %d", k);
    if (!indices->count)
        return FF_OK;
    const char *op = ff_node_string(c->node, "reduction", "none");
    int64_t strides[FF_MAX_RANK], i = 0;
    ff_strides(x->rank, x->dims, strides);
    ff_walk w;
    ff_walk_start(&w, x->rank, indices->dims);
    ff_walk_operand(&w, strides);
    do {
        int64_t to = 0;
        if ((rc = index_at(indices, i, x->dims[axis], &to)) ||
            (rc = combine(y, w.at[0] + (to - w.index[axis]) * strides[axis], updates, i, 1, op)))
            return rc;
        i++;
    } while (ff_walk_next(&w));
    return FF_OK;
}

int ff_k_scatter_nd(ff_call *c)
{
    const ff_tensor *x, *indices, *updates;
    ff_tensor *y;
    int rc = scatter_inputs(c, &x, &indices, &updates, &y);
    if (rc)
        return rc;
    int64_t depth = indices->dims[indices->rank - 1];
    if (depth > x->rank)
        return ff_fail(FF_ERR_GRAPH, "tuples of %lld for rank %d", (long long)depth, x->rank);
    int lead = indices->rank - 1;
    bool fits = updates->rank == lead + x->rank - depth;
    for (int k = 0; fits && k < updates->rank; k++)
        fits = updates->dims[k] == (k < lead ? indices->dims[k] : x->dims[depth + k - lead]);
    if (!fits)
        return ff_fail(FF_ERR_GRAPH, "the updates do not fit the indices");
    if (!updates->count)
        return FF_OK;
    const char *op = ff_node_string(c->node, "reduction", "none");
    int64_t tuples = ff_span(indices->dims, 0, lead), slice = ff_span(x->dims, (int)depth, x->rank);
    for (int64_t i = 0; i < tuples; i++) {
        int64_t at = 0;
        if ((rc = tuple_offset(x, indices, 0, i, &at)) || (rc = combine(y, at * slice, updates, i * slice, slice, op)))
            return rc;
    }
    return FF_OK;
}

/* OneHot: indices may be of any number type; those out of range give a row of off values. */
int ff_k_one_hot(ff_call *c)
{
    const ff_tensor *indices, *depth, *values;
    ff_tensor *y;
    int64_t dims[FF_MAX_RANK + 1], n;
    int axis, rc = ff_need(c, 0, 0, FF_MAX_RANK - 1, &indices);
    if (rc || (rc = ff_need(c, 1, 0, 1, &depth)) || (rc = ff_need(c, 2, 1, 1, &values)) ||
        (rc = ff_scalar_int(depth, "depth", &n)) ||
        (rc = ff_axis(ff_node_int(c->node, "axis", -1), indices->rank + 1, &axis)))
        return rc;
    if (n < 0 || values->count != 2 || !ff_is_numeric(indices->dtype))
        return ff_fail(FF_ERR_GRAPH, "depth %lld, %lld values", (long long)n, (long long)values->count);
    for (int k = 0, i = 0; k <= indices->rank; k++)
        dims[k] = k == axis ? n : indices->dims[i++];
    if ((rc = ff_out(c, 0, values->dtype, indices->rank + 1, dims, &y)) || !y->count)
        return rc;
    ff_move_strided(y, values, 0, (int64_t[FF_MAX_RANK]){0});
    int64_t inner = ff_span(dims, axis + 1, indices->rank + 1);
    for (int64_t i = 0; i < indices->count; i++) {
        int64_t v = ff_tensor_get_int(indices, i);
        if (v >= -n && v < n)
            ff_move(y, (i / inner * n + (v < 0 ? v + n : v)) * inner + i % inner, values, 1, 1);
    }
    return FF_OK;
}
