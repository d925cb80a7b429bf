/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reductions. */
#include "model/ops/infer.h"

static int infer_reduce(ff_infer *c)
{
    const ff_shape *x = &c->in[0];
    bool keep = ff_node_int(c->node, "keepdims", 1) != 0;
    int64_t axes[FF_MAX_RANK], dims[FF_MAX_RANK];
    unsigned gone = 0;
    int n, code, at, rank = 0;

    infer_type(c, 0, x->dtype);
    if ((code = infer_list(c, "axes", 1, axes, FF_MAX_RANK, &n)) || x->rank < 0)
        return code;
    if (n == UNKNOWN) {
        for (int i = 0; i < x->rank; i++)
            dims[i] = UNKNOWN;
        if (keep)
            infer_set(c, 0, x->dtype, x->rank, dims);
        return FF_OK;
    }
    for (int i = 0; i < n; i++) {
        if ((code = infer_axis(axes[i], x->rank, &at)))
            return code;
        gone |= 1u << at;
    }
    if (n <= 0 && ff_node_int(c->node, "noop_with_empty_axes", 0) == 0)
        gone = ~0u;
    for (int i = 0; i < x->rank; i++)
        if (!(gone >> i & 1))
            dims[rank++] = x->dims[i];
        else if (keep)
            dims[rank++] = 1;
    infer_set(c, 0, x->dtype, rank, dims);
    return FF_OK;
}

static int infer_arg(ff_infer *c)
{
    const ff_shape *x = &c->in[0];
    bool keep = ff_node_int(c->node, "keepdims", 1) != 0;
    int64_t dims[FF_MAX_RANK];
    int axis, rank = 0, code;

    infer_type(c, 0, FF_INT64);
    if (x->rank < 0)
        return FF_OK;
    if ((code = infer_axis(ff_node_int(c->node, "axis", 0), x->rank, &axis)))
        return code;
    if (x->dims[axis] == 0)
        return infer_fail("dimension %d is empty", axis);
    for (int i = 0; i < x->rank; i++)
        if (i != axis)
            dims[rank++] = x->dims[i];
        else if (keep)
            dims[rank++] = 1;
    infer_set(c, 0, FF_INT64, rank, dims);
    return FF_OK;
}

static const struct ff_attr_fact arg_max_1[] = {{"axis", FF_ATTR_INT, "0"}, {"keepdims", FF_ATTR_INT, "1"}, {0}};
static const struct ff_attr_fact arg_max_12[] = {
    {"axis", FF_ATTR_INT, "0"}, {"keepdims", FF_ATTR_INT, "1"}, {"select_last_index", FF_ATTR_INT, "0"}, {0}};
static const struct ff_attr_fact reduce_l1_1[] = {{"axes", FF_ATTR_INTS, NULL}, {"keepdims", FF_ATTR_INT, "1"}, {0}};
static const struct ff_attr_fact reduce_l1_18[] = {
    {"keepdims", FF_ATTR_INT, "1"}, {"noop_with_empty_axes", FF_ATTR_INT, "0"}, {0}};

const ff_op ff_ops_reduce[] = {
    /* since, inputs, outputs */
    {"", "ArgMax", 1, 1, 1, 1, 1, infer_arg, arg_max_1},
    {"", "ArgMax", 12, 1, 1, 1, 1, infer_arg, arg_max_12},
    {"", "ArgMin", 1, 1, 1, 1, 1, infer_arg, arg_max_1},
    {"", "ArgMin", 12, 1, 1, 1, 1, infer_arg, arg_max_12},
    {"", "ReduceL1", 1, 1, 1, 1, 1, infer_reduce, reduce_l1_1},
    {"", "ReduceL1", 18, 1, 2, 1, 1, infer_reduce, reduce_l1_18},
    {"", "ReduceL2", 1, 1, 1, 1, 1, infer_reduce, reduce_l1_1},
    {"", "ReduceL2", 18, 1, 2, 1, 1, infer_reduce, reduce_l1_18},
    {"", "ReduceLogSum", 1, 1, 1, 1, 1, infer_reduce, reduce_l1_1},
    {"", "ReduceLogSum", 18, 1, 2, 1, 1, infer_reduce, reduce_l1_18},
    {"", "ReduceLogSumExp", 1, 1, 1, 1, 1, infer_reduce, reduce_l1_1},
    {"", "ReduceLogSumExp", 18, 1, 2, 1, 1, infer_reduce, reduce_l1_18},
    {"", "ReduceMax", 1, 1, 1, 1, 1, infer_reduce, reduce_l1_1},
    {"", "ReduceMax", 18, 1, 2, 1, 1, infer_reduce, reduce_l1_18},
    {"", "ReduceMean", 1, 1, 1, 1, 1, infer_reduce, reduce_l1_1},
    {"", "ReduceMean", 18, 1, 2, 1, 1, infer_reduce, reduce_l1_18},
    {"", "ReduceMin", 1, 1, 1, 1, 1, infer_reduce, reduce_l1_1},
    {"", "ReduceMin", 18, 1, 2, 1, 1, infer_reduce, reduce_l1_18},
    {"", "ReduceProd", 1, 1, 1, 1, 1, infer_reduce, reduce_l1_1},
    {"", "ReduceProd", 18, 1, 2, 1, 1, infer_reduce, reduce_l1_18},
    {"", "ReduceSum", 1, 1, 1, 1, 1, infer_reduce, reduce_l1_1},
    {"", "ReduceSum", 13, 1, 2, 1, 1, infer_reduce, reduce_l1_18},
    {"", "ReduceSumSquare", 1, 1, 1, 1, 1, infer_reduce, reduce_l1_1},
    {"", "ReduceSumSquare", 18, 1, 2, 1, 1, infer_reduce, reduce_l1_18},
    {0},
};
