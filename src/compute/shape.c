/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shape.c: operators that only look at shapes or make tensors from attributes; no element moves. */
#include "kernel.h"

#include <stdlib.h>
#include <string.h>

int ff_k_identity(ff_call *c)
{
    const ff_tensor *x = ff_in(c, 0); /* sequences and optional values too */
    return x ? ff_pass(c, 0, x) : ff_fail(FF_ERR_GRAPH, "input 0 is missing");
}

int ff_k_reshape(ff_call *c)
{
    const ff_tensor *x;
    int64_t shape[FF_MAX_RANK], known = 1;
    int n, open = -1;
    bool given, keep_zero = ff_node_int(c->node, "allowzero", 0);
    int rc = ff_need(c, 0, 0, -1, &x);
    if (rc || (rc = ff_list_argument(c, "shape", 1, FF_MAX_RANK, shape, &n, &given)))
        return rc;
    if (!given)
        return ff_fail(FF_ERR_GRAPH, "no shape is given");
    for (int i = 0; i < n; i++) {
        if (shape[i] == 0 && !keep_zero) {
            if (i >= x->rank)
                return ff_fail(FF_ERR_GRAPH, "entry %d of the shape copies a dimension that is not there", i);
            shape[i] = x->dims[i];
        }
        if (shape[i] == -1) {
            if (open >= 0)
                return ff_fail(FF_ERR_GRAPH, "the shape has more than one -1");
            open = i;
        } else if (shape[i] < 0 || __builtin_mul_overflow(known, shape[i], &known)) {
            return ff_fail(FF_ERR_GRAPH, "the shape has an entry of %lld", (long long)shape[i]);
        }
    }
    if (open >= 0) {
        if (known == 0 || x->count % known)
            return ff_fail(FF_ERR_GRAPH, "%lld elements cannot be shaped to a multiple of %lld", (long long)x->count,
                           (long long)known);
        shape[open] = x->count / known;
    }
    return ff_pass_reshaped(c, 0, x, n, shape);
}

int ff_k_flatten(ff_call *c)
{
    const ff_tensor *x;
    int rc = ff_need(c, 0, 0, -1, &x);
    if (rc)
        return rc;
    int64_t axis = ff_node_int(c->node, "axis", 1);
    if (axis < -(int64_t)x->rank || axis > x->rank)
        return ff_fail(FF_ERR_GRAPH, "axis %lld is out of range for rank %d", (long long)axis, x->rank);
    if (axis < 0)
        axis += x->rank;
    int64_t dims[2] = {ff_span(x->dims, 0, (int)axis), ff_span(x->dims, (int)axis, x->rank)};
    return ff_pass_reshaped(c, 0, x, 2, dims);
}

int ff_k_squeeze(ff_call *c)
{
    const ff_tensor *x;
    int64_t list[FF_MAX_RANK], dims[FF_MAX_RANK];
    int axes[FF_MAX_RANK], n, rank = 0;
    bool given, drop[FF_MAX_RANK] = {false};
    int rc = ff_need(c, 0, 0, -1, &x);
    if (rc || (rc = ff_list_argument(c, "axes", 1, FF_MAX_RANK, list, &n, &given)) ||
        (rc = ff_axes(list, n, x->rank, axes)))
        return rc;
    for (int i = 0; i < n; i++) {
        if (x->dims[axes[i]] != 1)
            return ff_fail(FF_ERR_GRAPH, "axis %d has length %lld", axes[i], (long long)x->dims[axes[i]]);
        drop[axes[i]] = true;
    }
    for (int i = 0; i < x->rank; i++)
        if (!(given ? drop[i] : x->dims[i] == 1))
            dims[rank++] = x->dims[i];
    return ff_pass_reshaped(c, 0, x, rank, dims);
}

int ff_k_unsqueeze(ff_call *c)
{
    const ff_tensor *x;
    int64_t list[FF_MAX_RANK], dims[FF_MAX_RANK];
    int axes[FF_MAX_RANK], n;
    bool given, fresh[FF_MAX_RANK] = {false};
    int rc = ff_need(c, 0, 0, -1, &x);
    if (rc || (rc = ff_list_argument(c, "axes", 1, FF_MAX_RANK, list, &n, &given)))
        return rc;
    int rank = x->rank + n;
    if (!given || rank > FF_MAX_RANK)
        return ff_fail(FF_ERR_GRAPH, given ? "too many axes" : "no axes are given");
    if ((rc = ff_axes(list, n, rank, axes)))
        return rc;
    for (int i = 0; i < n; i++)
        fresh[axes[i]] = true;
    for (int i = 0, k = 0; i < rank; i++)
        dims[i] = fresh[i] ? 1 : x->dims[k++];
    return ff_pass_reshaped(c, 0, x, rank, dims);
}

/* An end of Shape's slice: clamped to 0..rank. */
static int64_t clamp_end(int64_t v, int rank)
{
    if (v < 0)
        v += rank;
    return v < 0 ? 0 : v > rank ? rank : v;
}

int ff_k_shape(ff_call *c)
{
    const ff_tensor *x;
    ff_tensor *y;
    int rc = ff_need(c, 0, 0, -1, &x);
    if (rc)
        return rc;
    int64_t start = clamp_end(ff_node_int(c->node, "start", 0), x->rank);
    int64_t end = clamp_end(ff_node_int(c->node, "end", x->rank), x->rank);
    int64_t n = end > start ? end - start : 0;
    if ((rc = ff_out(c, 0, FF_INT64, 1, &n, &y)))
        return rc;
    for (int64_t i = 0; i < n; i++)
        ((int64_t *)y->data)[i] = x->dims[start + i];
    return FF_OK;
}

int ff_k_size(ff_call *c)
{
    const ff_tensor *x;
    ff_tensor *y;
    int rc = ff_need(c, 0, 0, -1, &x);
    if (rc || (rc = ff_out(c, 0, FF_INT64, 0, NULL, &y)))
        return rc;
    *(int64_t *)y->data = x->count;
    return FF_OK;
}

int ff_k_constant(ff_call *c)
{
    const ff_attr *a = ff_node_attr(c->node, "value");
    ff_tensor *y;
    int rc = FF_OK;
    if (a && a->type == FF_ATTR_TENSOR && a->t)
        return ff_pass(c, 0, a->t);
    if ((a = ff_node_attr(c->node, "value_float")) && a->type == FF_ATTR_FLOAT) {
        if (!(rc = ff_out(c, 0, FF_FLOAT, 0, NULL, &y)))
            *(float *)y->data = a->f;
    } else if ((a = ff_node_attr(c->node, "value_int")) && a->type == FF_ATTR_INT) {
        if (!(rc = ff_out(c, 0, FF_INT64, 0, NULL, &y)))
            *(int64_t *)y->data = a->i;
    } else if ((a = ff_node_attr(c->node, "value_string")) && a->type == FF_ATTR_STRING) {
        if (!(rc = ff_out(c, 0, FF_STRING, 0, NULL, &y)))
            ff_set_string(y, 0, a->s);
    } else if ((a = ff_node_attr(c->node, "value_floats")) && a->type == FF_ATTR_FLOATS) {
        if (!(rc = ff_out(c, 0, FF_FLOAT, 1, &(int64_t){(int64_t)a->n}, &y)) && a->n)
            memcpy(y->data, a->floats, a->n * sizeof(float));
    } else if ((a = ff_node_attr(c->node, "value_ints")) && a->type == FF_ATTR_INTS) {
        if (!(rc = ff_out(c, 0, FF_INT64, 1, &(int64_t){(int64_t)a->n}, &y)) && a->n)
            memcpy(y->data, a->ints, a->n * sizeof(int64_t));
    } else if ((a = ff_node_attr(c->node, "value_strings")) && a->type == FF_ATTR_STRINGS) {
        if (!(rc = ff_out(c, 0, FF_STRING, 1, &(int64_t){(int64_t)a->n}, &y)))
            for (size_t i = 0; i < a->n; i++)
                ff_set_string(y, (int64_t)i, a->strings[i]);
    } else {
        return ff_fail(FF_ERR_UNSUPPORTED, "no value that is understood (sparse?)");
    }
    return rc;
}

int ff_k_constant_of_shape(ff_call *c)
{
    const ff_tensor *shape;
    int64_t dims[FF_MAX_RANK];
    int n;
    ff_tensor *y;
    int rc = ff_need(c, 0, 0, 1, &shape);
    if (rc || (rc = ff_int_list(shape, FF_MAX_RANK, dims, &n)))
        return rc;
    const ff_attr *a = ff_node_attr(c->node, "value");
    const ff_tensor *value = a && a->type == FF_ATTR_TENSOR ? a->t : NULL;
    if (value && value->count != 1)
        return ff_fail(FF_ERR_GRAPH, "value has %lld elements", (long long)value->count);
    if ((rc = ff_out(c, 0, value ? value->dtype : FF_FLOAT, n, dims, &y)) || !value || !y->count)
        return rc;
    ff_move_strided(y, value, 0, (int64_t[FF_MAX_RANK]){0});
    return FF_OK;
}

/* Expand: broadcasting both ways between the input and a shape. */
int ff_k_expand(ff_call *c)
{
    const ff_tensor *x, *shape;
    int64_t dims[FF_MAX_RANK], strides[FF_MAX_RANK];
    int n, rank;
    ff_tensor *y;
    int rc = ff_need(c, 0, 0, -1, &x);
    if (rc || (rc = ff_need(c, 1, 0, 1, &shape)) || (rc = ff_int_list(shape, FF_MAX_RANK, dims, &n)) ||
        (rc = ff_broadcast(x->rank, x->dims, n, dims, &rank, dims)) || (rc = ff_out(c, 0, x->dtype, rank, dims, &y)))
        return rc;
    ff_broadcast_strides(x, rank, strides);
    ff_move_strided(y, x, 0, strides);
    return FF_OK;
}

/* Range(start, limit, delta): ceil((limit - start) / delta) numbers. */
int ff_k_range(ff_call *c)
{
    const ff_tensor *in[3];
    ff_tensor *y;
    int64_t n;
    int rc;
    for (int i = 0; i < 3; i++) {
        if ((rc = ff_need(c, i, 0, 1, &in[i])))
            return rc;
        if (in[i]->count != 1 || !ff_is_numeric(in[i]->dtype) || in[i]->dtype != in[0]->dtype)
            return ff_fail(FF_ERR_GRAPH, "input %d is not one number of the common type", i);
    }
    if (ff_dtype_is_float(in[0]->dtype)) {
        double start = ff_tensor_get_real(in[0], 0), limit = ff_tensor_get_real(in[1], 0),
               delta = ff_tensor_get_real(in[2], 0);
        double steps = (limit - start) / delta;
        if (!(steps > -1e300 && steps < 9e15))
            return ff_fail(FF_ERR_GRAPH, "a range from %g to %g by %g", start, limit, delta);
        n = steps > 0 ? (int64_t)steps + ((double)(int64_t)steps < steps) : 0;
        if ((rc = ff_out(c, 0, in[0]->dtype, 1, &n, &y)))
            return rc;
        for (int64_t i = 0; i < n; i++)
            ff_tensor_set_real(y, i, start + (double)i * delta);
        return FF_OK;
    }
    int64_t start = ff_tensor_get_int(in[0], 0), limit = ff_tensor_get_int(in[1], 0),
            delta = ff_tensor_get_int(in[2], 0);
    if (delta == 0)
        return ff_fail(FF_ERR_GRAPH, "a range by steps of 0");
    /* Unsigned differences cannot overflow. */
    uint64_t far = 0, step = delta > 0 ? (uint64_t)delta : 0 - (uint64_t)delta;
    if (delta > 0 && limit > start)
        far = (uint64_t)limit - (uint64_t)start;
    else if (delta < 0 && limit < start)
        far = (uint64_t)start - (uint64_t)limit;
    uint64_t steps = far / step + (far % step != 0);
    n = steps > INT64_MAX ? INT64_MAX : (int64_t)steps;
    if ((rc = ff_out(c, 0, in[0]->dtype, 1, &n, &y)))
        return rc;
    for (int64_t i = 0; i < n; i++)
        ff_tensor_set_int(y, i, (int64_t)((uint64_t)start + (uint64_t)i * (uint64_t)delta));
    return FF_OK;
}

/* EyeLike: ones on the k-th diagonal. */
int ff_k_eye_like(ff_call *c)
{
    const ff_tensor *x;
    ff_tensor *y;
    ff_dtype type;
    int rc = ff_need(c, 0, 2, 2, &x);
    if (rc || (rc = ff_dtype_argument(c, "dtype", x->dtype, &type)) || (rc = ff_out(c, 0, type, 2, x->dims, &y)))
        return rc;
    if (!ff_is_numeric(type))
        return ff_fail(FF_ERR_GRAPH, "type %s is not allowed", ff_dtype_name(type));
    int64_t k = ff_node_int(c->node, "k", 0);
    if (k > INT32_MAX || k < INT32_MIN)
        return FF_OK; /* beside the matrix */
    for (int64_t i = 0; i < x->dims[0]; i++)
        if (i + k >= 0 && i + k < x->dims[1])
            ff_tensor_set_int(y, i * x->dims[1] + i + k, 1);
    return FF_OK;
}
