/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Values of small integer tensors, as far as shapes are computed with them: exporters write
 * Shape -> Gather -> Mul -> Concat -> Reshape and the like. Not a second set of kernels: what is
 * not here is simply not known.
 */
#include "model/ops/infer.h"

#define MAX_COUNT 4096

static bool is_int(const ff_tensor *t)
{
    return t != NULL && (t->dtype == FF_INT64 || t->dtype == FF_INT32) && t->count <= MAX_COUNT;
}

static ff_tensor *make(ff_dtype t, int rank, const int64_t *dims)
{
    int64_t count;
    ff_tensor *r = NULL;

    if (ff_dims_count(t, rank, dims, &count) || count > MAX_COUNT || ff_tensor_create(t, rank, dims, &r))
        return NULL;
    return r;
}

static ff_tensor *eval_constant(const ff_node *n)
{
    const ff_attr *a = ff_node_attr(n, "value");

    if (a != NULL && a->type == FF_ATTR_TENSOR)
        return a->t->count <= MAX_COUNT ? ff_tensor_ref(a->t) : NULL;
    ff_tensor *r = NULL;
    if ((a = ff_node_attr(n, "value_int")) && a->type == FF_ATTR_INT) {
        if ((r = make(FF_INT64, 0, NULL)))
            ff_tensor_set_int(r, 0, a->i);
    } else if ((a = ff_node_attr(n, "value_ints")) && a->type == FF_ATTR_INTS) {
        int64_t k = (int64_t)a->n;
        r = make(FF_INT64, 1, &k);
        for (int64_t i = 0; r && i < k; i++)
            ff_tensor_set_int(r, i, a->ints[i]);
    } else if ((a = ff_node_attr(n, "value_float")) && a->type == FF_ATTR_FLOAT) {
        if ((r = make(FF_FLOAT, 0, NULL)))
            ff_tensor_set_real(r, 0, (double)a->f);
    } else if ((a = ff_node_attr(n, "value_floats")) && a->type == FF_ATTR_FLOATS) {
        int64_t k = (int64_t)a->n;
        r = make(FF_FLOAT, 1, &k);
        for (int64_t i = 0; r && i < k; i++)
            ff_tensor_set_real(r, i, (double)a->floats[i]);
    }
    return r;
}

static ff_tensor *eval_shape(const ff_node *n, const ff_shape *x)
{
    int64_t start = ff_node_int(n, "start", 0), end = ff_node_int(n, "end", x->rank);

    if (x->rank < 0)
        return NULL;
    start = start < -x->rank ? 0 : start < 0 ? start + x->rank : start > x->rank ? x->rank : start;
    end = end < -x->rank ? 0 : end < 0 ? end + x->rank : end > x->rank ? x->rank : end;
    int64_t k = end > start ? end - start : 0;
    for (int64_t i = 0; i < k; i++)
        if (x->dims[start + i] < 0)
            return NULL;
    ff_tensor *r = make(FF_INT64, 1, &k);
    for (int64_t i = 0; r && i < k; i++)
        ff_tensor_set_int(r, i, x->dims[start + i]);
    return r;
}

static ff_tensor *eval_gather(const ff_node *n, const ff_tensor *x, const ff_tensor *at)
{
    if (!is_int(at) || x->rank != 1 || ff_node_int(n, "axis", 0) > 0)
        return NULL;
    ff_tensor *r = make(x->dtype, at->rank, at->dims);
    for (int64_t i = 0; r && i < at->count; i++) {
        int64_t k = ff_tensor_get_int(at, i);
        k += k < 0 ? x->count : 0;
        if (k < 0 || k >= x->count) {
            ff_tensor_unref(r);
            return NULL;
        }
        ff_tensor_set_int(r, i, ff_tensor_get_int(x, k));
    }
    return r;
}

static ff_tensor *eval_concat(const ff_node *n, const ff_tensor *const *in)
{
    int64_t count = 0, k = 0;

    for (int i = 0; i < n->n_inputs; i++) {
        if (!is_int(in[i]) || in[i]->rank != 1 || in[i]->dtype != in[0]->dtype)
            return NULL;
        count += in[i]->count;
    }
    ff_tensor *r = make(in[0]->dtype, 1, &count);
    for (int i = 0; r && i < n->n_inputs; i++)
        for (int64_t j = 0; j < in[i]->count; j++)
            ff_tensor_set_int(r, k++, ff_tensor_get_int(in[i], j));
    return r;
}

/* Slices along one axis, as the padding code of exporters does. */
static ff_tensor *eval_slice(const ff_node *n, const ff_tensor *const *in, const ff_shape *out)
{
    const ff_tensor *x = in[0];
    const int64_t *starts = NULL, *axes = NULL;
    int64_t start, axis = 0, step = 1;

    if (n->n_inputs >= 3) {
        if (!is_int(in[1]) || in[1]->count != 1)
            return NULL;
        start = ff_tensor_get_int(in[1], 0);
        if (n->n_inputs > 3 && n->inputs[3] != NULL) {
            if (!is_int(in[3]) || in[3]->count != 1)
                return NULL;
            axis = ff_tensor_get_int(in[3], 0);
        }
        if (n->n_inputs > 4 && n->inputs[4] != NULL) {
            if (!is_int(in[4]) || in[4]->count != 1)
                return NULL;
            step = ff_tensor_get_int(in[4], 0);
        }
    } else {
        if (ff_node_ints(n, "starts", &starts) != 1)
            return NULL;
        start = starts[0];
        axis = ff_node_ints(n, "axes", &axes) == 1 ? axes[0] : 0;
    }
    axis += axis < 0 ? x->rank : 0;
    if (axis < 0 || axis >= x->rank || out->rank != x->rank)
        return NULL;
    int64_t d = x->dims[axis], inner = 1, first;
    first = start < 0 ? start + d : start;
    int64_t high = step > 0 ? d : d - 1;
    first = first < 0 ? 0 : first > high ? high : first;
    for (int i = (int)axis + 1; i < x->rank; i++)
        inner *= x->dims[i];
    ff_tensor *r = make(x->dtype, out->rank, out->dims);
    for (int64_t i = 0; r && i < r->count; i++) {
        int64_t a = i / inner % r->dims[axis], outer = i / inner / r->dims[axis];
        int64_t from = (outer * d + first + a * step) * inner + i % inner;
        ff_tensor_set_int(r, i, ff_tensor_get_int(x, from));
    }
    return r;
}

static bool arithmetic(char op, int64_t a, int64_t b, int64_t *r)
{
    switch (op) {
    case 'A':
        return !__builtin_add_overflow(a, b, r);
    case 'S':
        return !__builtin_sub_overflow(a, b, r);
    case 'M':
        return !__builtin_mul_overflow(a, b, r);
    case 'D':
        if (b == 0 || (a == INT64_MIN && b == -1))
            return false;
        *r = a / b;
        return true;
    case 'E':
        *r = a == b;
        return true;
    default:
        return false;
    }
}

static ff_tensor *eval_binary(const ff_node *n, const ff_tensor *a, const ff_tensor *b)
{
    char op = strcmp(n->op, "Max") == 0 ? '>' : strcmp(n->op, "Min") == 0 ? '<' : n->op[0];
    const ff_tensor *large = a->count >= b->count && a->rank >= b->rank ? a : b;

    if (!is_int(a) || !is_int(b) || a->dtype != b->dtype || (a->count != b->count && a->count != 1 && b->count != 1) ||
        (a->count > 1 && b->count > 1 && a->rank != b->rank) || large->count == 0 || (a->rank > 1 && b->rank > 1))
        return NULL;
    ff_tensor *r = make(op == 'E' ? FF_BOOL : a->dtype, large->rank, large->dims);
    for (int64_t i = 0; r && i < r->count; i++) {
        int64_t x = ff_tensor_get_int(a, a->count == 1 ? 0 : i);
        int64_t y = ff_tensor_get_int(b, b->count == 1 ? 0 : i), v = 0;
        bool known = true;
        if (op == '>')
            v = x > y ? x : y;
        else if (op == '<')
            v = x < y ? x : y;
        else
            known = arithmetic(op, x, y, &v);
        if (!known) {
            ff_tensor_unref(r);
            return NULL;
        }
        ff_tensor_set_int(r, i, v);
    }
    return r;
}

static ff_tensor *eval_where(const ff_tensor *cond, const ff_tensor *a, const ff_tensor *b)
{
    if (!is_int(a) || !is_int(b) || a->dtype != b->dtype || cond->dtype != FF_BOOL || cond->rank != 1 ||
        (a->count != 1 && a->count != cond->count) || a->rank > 1 || b->rank > 1 ||
        (b->count != 1 && b->count != cond->count))
        return NULL;
    ff_tensor *r = make(a->dtype, 1, cond->dims);
    for (int64_t i = 0; r && i < r->count; i++) {
        const ff_tensor *t = ff_tensor_get_int(cond, i) ? a : b;
        ff_tensor_set_int(r, i, ff_tensor_get_int(t, t->count == 1 ? 0 : i));
    }
    return r;
}

static ff_tensor *eval_constant_of_shape(const ff_node *n, const ff_tensor *x)
{
    const ff_attr *a = ff_node_attr(n, "value");

    if (!is_int(x) || x->rank != 1 || x->count > FF_MAX_RANK || a == NULL || a->type != FF_ATTR_TENSOR ||
        a->t->count != 1 || !is_int(a->t))
        return NULL;
    int64_t dims[FF_MAX_RANK];
    for (int i = 0; i < (int)x->count; i++)
        dims[i] = ff_tensor_get_int(x, i);
    ff_tensor *r = make(a->t->dtype, (int)x->count, dims);
    for (int64_t i = 0; r && i < r->count; i++)
        ff_tensor_set_int(r, i, ff_tensor_get_int(a->t, 0));
    return r;
}

static ff_tensor *reshaped(const ff_tensor *x, const ff_shape *out)
{
    ff_tensor *r = NULL;
    int64_t count;

    for (int i = 0; i < out->rank; i++)
        if (out->dims[i] < 0)
            return NULL;
    if (out->rank < 0 || ff_dims_count(x->dtype, out->rank, out->dims, &count) || count != x->count ||
        ff_tensor_reshape(x, out->rank, out->dims, &r))
        return NULL;
    return r;
}

static ff_tensor *transposed(const ff_node *n, const ff_tensor *x)
{
    const int64_t *perm;
    size_t k = ff_node_ints(n, "perm", &perm);
    int p[FF_MAX_RANK];
    ff_tensor *r = NULL;

    if (k != 0 && k != (size_t)x->rank)
        return NULL;
    for (int i = 0; i < x->rank; i++)
        p[i] = k ? (int)perm[i] : x->rank - 1 - i;
    return ff_tensor_transpose(x, p, &r) ? NULL : r;
}

void infer_evaluate(const ff_node *n, const ff_tensor *const *in, const ff_shape *in_shapes, const ff_shape *out_shapes,
                    ff_tensor **out)
{
    static const char *const same_data[] = {"Reshape", "Squeeze", "Unsqueeze", "Flatten"};
    static const char *const pairs[] = {"Add", "Sub", "Mul", "Div", "Equal", "Max", "Min"};
    const char *op = n->op;

    if (n->n_outputs < 1 || n->domain[0] != '\0')
        return;
    if (strcmp(op, "Constant") == 0)
        out[0] = eval_constant(n);
    if (n->n_inputs < 1)
        return;
    if (strcmp(op, "Shape") == 0)
        out[0] = eval_shape(n, &in_shapes[0]);
    if (in[0] == NULL || in[0]->count > MAX_COUNT)
        return;
    if (strcmp(op, "Identity") == 0)
        out[0] = ff_tensor_ref(in[0]);
    else if (strcmp(op, "Cast") == 0 && in[0]->dtype != FF_STRING && out_shapes[0].dtype != FF_STRING)
        out[0] = ff_tensor_convert(in[0], out_shapes[0].dtype, &out[0]) ? NULL : out[0];
    else if (strcmp(op, "Transpose") == 0)
        out[0] = transposed(n, in[0]);
    for (size_t i = 0; i < FF_COUNT(same_data); i++)
        if (strcmp(op, same_data[i]) == 0)
            out[0] = reshaped(in[0], &out_shapes[0]);
    if (!is_int(in[0]) && in[0]->dtype != FF_BOOL)
        return;
    if (strcmp(op, "Concat") == 0)
        out[0] = eval_concat(n, in);
    else if (strcmp(op, "Slice") == 0)
        out[0] = eval_slice(n, in, &out_shapes[0]);
    else if (strcmp(op, "ConstantOfShape") == 0)
        out[0] = eval_constant_of_shape(n, in[0]);
    if (n->n_inputs < 2 || in[1] == NULL)
        return;
    if (strcmp(op, "Gather") == 0 && is_int(in[0]))
        out[0] = eval_gather(n, in[0], in[1]);
    for (size_t i = 0; i < FF_COUNT(pairs) && n->n_inputs == 2; i++)
        if (strcmp(op, pairs[i]) == 0)
            out[0] = eval_binary(n, in[0], in[1]);
    if (n->n_inputs == 3 && in[2] != NULL && strcmp(op, "Where") == 0)
        out[0] = eval_where(in[0], in[1], in[2]);
}
