/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Operators that choose, order and scatter elements. */
#include "model/ops/infer.h"

static int want_index(const ff_infer *c, int i)
{
    ff_dtype t = c->in[i].dtype;

    return t == FF_INT64 || t == FF_INT32 ? FF_OK : infer_fail("input %d is %s, not an index", i, ff_dtype_name(t));
}

static int infer_gather(ff_infer *c)
{
    const ff_shape *x = &c->in[0], *at = &c->in[1];
    int64_t dims[2 * FF_MAX_RANK];
    int axis, n = 0, code = want_index(c, 1);

    infer_type(c, 0, x->dtype);
    if (code || x->rank < 0)
        return code;
    if ((code = infer_axis(ff_node_int(c->node, "axis", 0), x->rank, &axis)) || at->rank < 0)
        return code;
    for (int i = 0; i < axis; i++)
        dims[n++] = x->dims[i];
    for (int i = 0; i < at->rank; i++)
        dims[n++] = at->dims[i];
    for (int i = axis + 1; i < x->rank; i++)
        dims[n++] = x->dims[i];
    if (n > FF_MAX_RANK)
        return infer_fail("more than %d dimensions", FF_MAX_RANK);
    infer_set(c, 0, x->dtype, n, dims);
    return FF_OK;
}

static int infer_gather_elements(ff_infer *c)
{
    const ff_shape *x = &c->in[0], *at = &c->in[1];
    int axis, code = want_index(c, 1);

    infer_set(c, 0, x->dtype, at->rank, at->dims);
    if (code || x->rank < 0)
        return code;
    if ((code = infer_axis(ff_node_int(c->node, "axis", 0), x->rank, &axis)))
        return code;
    if (at->rank >= 0 && at->rank != x->rank)
        return infer_fail("inputs of %d and %d dimensions", x->rank, at->rank);
    for (int i = 0; i < at->rank; i++)
        if (i != axis && at->dims[i] >= 0 && x->dims[i] >= 0 && at->dims[i] > x->dims[i])
            return infer_fail("the indices are larger than the input in dimension %d", i);
    return FF_OK;
}

static int infer_gather_nd(ff_infer *c)
{
    const ff_shape *x = &c->in[0], *at = &c->in[1];
    int64_t batch = ff_node_int(c->node, "batch_dims", 0), dims[2 * FF_MAX_RANK], k;
    int n = 0, code = want_index(c, 1);

    infer_type(c, 0, x->dtype);
    if (code || (code = infer_want_min_rank(c, 0, 1)) || (code = infer_want_min_rank(c, 1, 1)) || x->rank < 0 ||
        at->rank < 0)
        return code;
    if (batch < 0 || batch >= at->rank || batch >= x->rank)
        return infer_fail("'batch_dims' is %lld", (long long)batch);
    int64_t depth = at->dims[at->rank - 1];
    if (depth < 0)
        return FF_OK;
    if (depth < 1 || depth > x->rank - batch)
        return infer_fail("indices of %lld entries into %d dimensions", (long long)depth, x->rank);
    for (int i = 0; i < at->rank - 1; i++) {
        if (i < batch && (code = infer_equal(at->dims[i], x->dims[i], "batch dimensions", &k)))
            return code;
        dims[n++] = at->dims[i];
    }
    for (int i = (int)(batch + depth); i < x->rank; i++)
        dims[n++] = x->dims[i];
    if (n > FF_MAX_RANK)
        return infer_fail("more than %d dimensions", FF_MAX_RANK);
    infer_set(c, 0, x->dtype, n, dims);
    return FF_OK;
}

static int infer_scatter_elements(ff_infer *c)
{
    const ff_shape *x = &c->in[0], *at = &c->in[1], *by = &c->in[2];
    int64_t k;
    int axis, code;

    if ((code = want_index(c, 1)) || (code = infer_same_type(c, 0, 2)))
        return code;
    if (x->rank >= 0 && (code = infer_axis(ff_node_int(c->node, "axis", 0), x->rank, &axis)))
        return code;
    if ((x->rank >= 0 && at->rank >= 0 && x->rank != at->rank) ||
        (at->rank >= 0 && by->rank >= 0 && by->rank != at->rank))
        return infer_fail("data, indices and updates differ in rank");
    for (int i = 0; i < at->rank && by->rank >= 0; i++)
        if ((code = infer_equal(at->dims[i], by->dims[i], "indices and updates", &k)))
            return code;
    for (int i = 0; i < at->rank && x->rank >= 0; i++)
        if (i != axis && at->dims[i] >= 0 && x->dims[i] >= 0 && at->dims[i] > x->dims[i])
            return infer_fail("the indices are larger than the data in dimension %d", i);
    return infer_same(c);
}

static int infer_scatter_nd(ff_infer *c)
{
    const ff_shape *x = &c->in[0], *at = &c->in[1], *by = &c->in[2];
    int64_t k;
    int code;

    if ((code = want_index(c, 1)) || (code = infer_same_type(c, 0, 2)) || (code = infer_want_min_rank(c, 0, 1)) ||
        (code = infer_want_min_rank(c, 1, 1)))
        return code;
    int64_t depth = at->rank >= 0 ? at->dims[at->rank - 1] : UNKNOWN;
    if (x->rank >= 0 && depth >= 0) {
        if (depth > x->rank)
            return infer_fail("indices of %lld entries into %d dimensions", (long long)depth, x->rank);
        if (by->rank >= 0 && by->rank != at->rank - 1 + x->rank - depth)
            return infer_fail("updates of %d dimensions", by->rank);
        for (int i = 0; i < by->rank; i++) {
            int64_t d = i < at->rank - 1 ? at->dims[i] : x->dims[i - (at->rank - 1) + depth];
            if ((code = infer_equal(by->dims[i], d, "dimensions of the updates", &k)))
                return code;
        }
    }
    return infer_same(c);
}

static int infer_one_hot(ff_infer *c)
{
    const ff_shape *at = &c->in[0];
    const ff_tensor *depth = infer_data(c, 1);
    int64_t dims[FF_MAX_RANK + 1];
    int axis, code;

    infer_type(c, 0, c->in[2].dtype);
    if (at->rank < 0)
        return FF_OK;
    if (at->rank == FF_MAX_RANK)
        return infer_fail("more than %d dimensions", FF_MAX_RANK);
    if ((code = infer_axis(ff_node_int(c->node, "axis", -1), at->rank + 1, &axis)))
        return code;
    for (int i = 0; i <= at->rank; i++)
        dims[i] = i == axis ? UNKNOWN : at->dims[i - (i > axis)];
    if (depth != NULL) {
        if (depth->count != 1)
            return infer_fail("the depth must be one number");
        dims[axis] = ff_tensor_get_int(depth, 0);
        if (dims[axis] < 0)
            return infer_fail("the depth is %lld", (long long)dims[axis]);
    }
    infer_set(c, 0, c->in[2].dtype, at->rank + 1, dims);
    return FF_OK;
}

static int infer_top_k(ff_infer *c)
{
    ff_shape s = c->in[0];
    int64_t k[1];
    int n, axis, code;

    infer_type(c, 0, s.dtype);
    infer_type(c, 1, FF_INT64);
    if (c->node->opset < 10) {
        k[0] = ff_node_int(c->node, "k", -1);
        n = 1;
    } else if ((code = infer_list(c, NULL, 1, k, 1, &n))) {
        return code;
    }
    if (n == 0 || (n == 1 && k[0] < 0))
        return infer_fail("k must be one number, 0 or more");
    if (s.rank < 0)
        return FF_OK;
    if ((code = infer_axis(ff_node_int(c->node, "axis", -1), s.rank, &axis)))
        return code;
    if (n == 1 && s.dims[axis] >= 0 && k[0] > s.dims[axis])
        return infer_fail("k is %lld of %lld", (long long)k[0], (long long)s.dims[axis]);
    s.dims[axis] = n == 1 ? k[0] : UNKNOWN;
    infer_copy(c, 0, &s);
    s.dtype = FF_INT64;
    infer_copy(c, 1, &s);
    return FF_OK;
}

static int infer_nonzero(ff_infer *c)
{
    int64_t dims[2] = {c->in[0].rank, UNKNOWN}; /* the count depends on the data */

    infer_set(c, 0, FF_INT64, 2, dims);
    return FF_OK;
}

static int infer_compress(ff_infer *c)
{
    ff_shape s = c->in[0];
    const ff_attr *a = ff_node_attr(c->node, "axis");
    int axis = 0, code;

    if (c->in[1].dtype != FF_BOOL || (code = infer_want_rank(c, 1, 1)))
        return infer_fail("the condition must be a list of bool");
    if (a == NULL)
        s.rank = s.rank < 0 ? UNKNOWN : 1;
    else if (s.rank >= 0 && (code = infer_axis(a->i, s.rank, &axis)))
        return code;
    if (s.rank > 0)
        s.dims[axis] = UNKNOWN;
    infer_copy(c, 0, &s);
    return FF_OK;
}

static int infer_unique(ff_infer *c)
{
    ff_shape s = c->in[0];
    const ff_attr *a = ff_node_attr(c->node, "axis");
    int64_t n = UNKNOWN;
    int axis = 0, code;

    if (a == NULL)
        s.rank = 1;
    else if (s.rank >= 0 && (code = infer_axis(a->i, s.rank, &axis)))
        return code;
    if (s.rank > 0)
        s.dims[axis] = UNKNOWN;
    infer_copy(c, 0, &s);
    for (int i = 1; i < 4; i++)
        infer_set(c, i, FF_INT64, 1, &n);
    return FF_OK;
}

static int infer_reverse_sequence(ff_infer *c)
{
    int64_t batch = ff_node_int(c->node, "batch_axis", 1), time = ff_node_int(c->node, "time_axis", 0);
    int64_t k;
    int code;

    if ((code = infer_want_min_rank(c, 0, 2)) || (code = infer_want_rank(c, 1, 1)))
        return code;
    if (batch < 0 || batch > 1 || time < 0 || time > 1 || batch == time)
        return infer_fail("batch_axis and time_axis must be 0 and 1");
    if (c->in[0].rank >= 0 && c->in[1].rank == 1 &&
        (code = infer_equal(c->in[0].dims[batch], c->in[1].dims[0], "batch", &k)))
        return code;
    return infer_same(c);
}

static int infer_trilu(ff_infer *c)
{
    int code = infer_want_min_rank(c, 0, 2);

    return code ? code : infer_same(c);
}

static int infer_cumsum(ff_infer *c)
{
    const ff_tensor *t = infer_data(c, 1);
    int axis, code;

    if (t != NULL && c->in[0].rank >= 0) {
        if (t->count != 1)
            return infer_fail("the axis must be one number");
        if ((code = infer_axis(ff_tensor_get_int(t, 0), c->in[0].rank, &axis)))
            return code;
    }
    return infer_same(c);
}

static int infer_nms(ff_infer *c)
{
    int64_t dims[2] = {UNKNOWN, 3};
    int code;

    if ((code = infer_want_rank(c, 0, 3)) || (code = infer_want_rank(c, 1, 3)))
        return code;
    infer_set(c, 0, FF_INT64, 2, dims);
    return FF_OK;
}

static const struct ff_attr_fact no_attrs[] = {{0}};
static const struct ff_attr_fact compress_9[] = {{"axis", FF_ATTR_INT, NULL}, {0}};
static const struct ff_attr_fact cum_sum_11[] = {{"exclusive", FF_ATTR_INT, "0"}, {"reverse", FF_ATTR_INT, "0"}, {0}};
static const struct ff_attr_fact gather_1[] = {{"axis", FF_ATTR_INT, "0"}, {0}};
static const struct ff_attr_fact gather_nd_12[] = {{"batch_dims", FF_ATTR_INT, "0"}, {0}};
static const struct ff_attr_fact non_max_suppression_10[] = {{"center_point_box", FF_ATTR_INT, "0"}, {0}};
static const struct ff_attr_fact one_hot_9[] = {{"axis", FF_ATTR_INT, "-1"}, {0}};
static const struct ff_attr_fact reverse_sequence_10[] = {
    {"batch_axis", FF_ATTR_INT, "1"}, {"time_axis", FF_ATTR_INT, "0"}, {0}};
static const struct ff_attr_fact scatter_elements_16[] = {
    {"axis", FF_ATTR_INT, "0"}, {"reduction", FF_ATTR_STRING, "none"}, {0}};
static const struct ff_attr_fact scatter_nd_16[] = {{"reduction", FF_ATTR_STRING, "none"}, {0}};
static const struct ff_attr_fact top_k_1[] = {{"axis", FF_ATTR_INT, "-1"}, {"k", FF_ATTR_INT, NULL}, {0}};
static const struct ff_attr_fact top_k_11[] = {
    {"axis", FF_ATTR_INT, "-1"}, {"largest", FF_ATTR_INT, "1"}, {"sorted", FF_ATTR_INT, "1"}, {0}};
static const struct ff_attr_fact trilu_14[] = {{"upper", FF_ATTR_INT, "1"}, {0}};
static const struct ff_attr_fact unique_11[] = {{"axis", FF_ATTR_INT, NULL}, {"sorted", FF_ATTR_INT, "1"}, {0}};

const ff_op ff_ops_index[] = {
    /* since, inputs, outputs */
    {"", "Compress", 9, 2, 2, 1, 1, infer_compress, compress_9},
    {"", "CumSum", 11, 2, 2, 1, 1, infer_cumsum, cum_sum_11},
    {"", "Gather", 1, 2, 2, 1, 1, infer_gather, gather_1},
    {"", "GatherElements", 11, 2, 2, 1, 1, infer_gather_elements, gather_1},
    {"", "GatherND", 11, 2, 2, 1, 1, infer_gather_nd, no_attrs},
    {"", "GatherND", 12, 2, 2, 1, 1, infer_gather_nd, gather_nd_12},
    {"", "NonMaxSuppression", 10, 2, 5, 1, 1, infer_nms, non_max_suppression_10},
    {"", "NonZero", 9, 1, 1, 1, 1, infer_nonzero, no_attrs},
    {"", "OneHot", 9, 3, 3, 1, 1, infer_one_hot, one_hot_9},
    {"", "ReverseSequence", 10, 2, 2, 1, 1, infer_reverse_sequence, reverse_sequence_10},
    {"", "Scatter", 9, 3, 3, 1, 1, infer_scatter_elements, gather_1},
    {"", "ScatterElements", 11, 3, 3, 1, 1, infer_scatter_elements, gather_1},
    {"", "ScatterElements", 16, 3, 3, 1, 1, infer_scatter_elements, scatter_elements_16},
    {"", "ScatterND", 11, 3, 3, 1, 1, infer_scatter_nd, no_attrs},
    {"", "ScatterND", 16, 3, 3, 1, 1, infer_scatter_nd, scatter_nd_16},
    {"", "TopK", 1, 1, 1, 2, 2, infer_top_k, top_k_1},
    {"", "TopK", 10, 2, 2, 2, 2, infer_top_k, one_hot_9},
    {"", "TopK", 11, 2, 2, 2, 2, infer_top_k, top_k_11},
    {"", "Trilu", 14, 1, 2, 1, 1, infer_trilu, trilu_14},
    {"", "Unique", 11, 1, 1, 1, 4, infer_unique, unique_11},
    {0},
};
