/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Operators that move elements or change dimensions, and keep them all. */
#include "model/ops/infer.h"

static int infer_reshape(ff_infer *c)
{
    int64_t want[FF_MAX_RANK], total = UNKNOWN, known;
    bool allow_zero = ff_node_int(c->node, "allowzero", 0) != 0;
    const ff_shape *x = &c->in[0];
    int n, open = -1, code;
    bool copied_unknown = false;

    infer_type(c, 0, x->dtype);
    if ((code = infer_list(c, "shape", 1, want, FF_MAX_RANK, &n)))
        return code;
    if (n == UNKNOWN && c->in[1].rank == 1 && c->in[1].dims[0] >= 0 &&
        c->in[1].dims[0] <= FF_MAX_RANK) { /* the rank is known at least */
        for (n = 0; n < c->in[1].dims[0]; n++)
            want[n] = UNKNOWN;
        infer_set(c, 0, x->dtype, n, want);
        return FF_OK;
    }
    if (n < 0)
        return FF_OK;
    for (int i = 0; i < n; i++) {
        if (want[i] == -1) {
            if (open >= 0)
                return infer_fail("the new shape has -1 twice");
            open = i;
        } else if (want[i] < -1) {
            return infer_fail("the new shape holds %lld", (long long)want[i]);
        } else if (want[i] == 0 && !allow_zero) {
            if (x->rank >= 0 && i >= x->rank)
                return infer_fail("the new shape copies dimension %d of %d", i, x->rank);
            want[i] = x->rank >= 0 ? x->dims[i] : UNKNOWN;
            copied_unknown |= want[i] < 0;
        }
    }
    if (x->rank >= 0 && (code = infer_product(x->dims, 0, x->rank, &total)))
        return code;
    int64_t held = open >= 0 ? want[open] : 0;
    if (open >= 0)
        want[open] = 1;
    code = infer_product(want, 0, n, &known);
    if (open >= 0)
        want[open] = held;
    if (code)
        return code;
    if (open >= 0) {
        if (copied_unknown) {
            /* Unknown dims that are copied cancel out when each stands on both sides. */
            int64_t left = 1, right = 1;
            bool cancels = x->rank >= 0;
            for (int i = 0; i < n; i++)
                if (i != open && want[i] >= 0)
                    cancels &= !__builtin_mul_overflow(right, want[i], &right);
            for (int i = 0; i < x->rank; i++) {
                bool copied = i < n && i != open && want[i] < 0;
                if (x->dims[i] >= 0)
                    cancels &= !__builtin_mul_overflow(left, x->dims[i], &left);
                else
                    cancels &= copied;
            }
            if (cancels && right > 0 && left % right == 0)
                want[open] = left / right;
        } else if (total >= 0) {
            if (known == 0 ? total != 0 : total % known != 0)
                return infer_fail("%lld elements do not fill the new shape", (long long)total);
            want[open] = known == 0 ? 0 : total / known;
        }
    } else if (total >= 0 && known >= 0 && total != known) {
        return infer_fail("%lld elements cannot be reshaped to %lld", (long long)total, (long long)known);
    }
    infer_set(c, 0, x->dtype, n, want);
    return FF_OK;
}

static int infer_flatten(ff_infer *c)
{
    const ff_shape *x = &c->in[0];
    int64_t axis = ff_node_int(c->node, "axis", 1), dims[2];
    int code;

    infer_type(c, 0, x->dtype);
    if (x->rank < 0)
        return FF_OK;
    if (axis < -(int64_t)x->rank || axis > x->rank)
        return infer_fail("axis %lld of a tensor of %d dimensions", (long long)axis, x->rank);
    if (axis < 0)
        axis += x->rank;
    if ((code = infer_product(x->dims, 0, (int)axis, &dims[0])) ||
        (code = infer_product(x->dims, (int)axis, x->rank, &dims[1])))
        return code;
    infer_set(c, 0, x->dtype, 2, dims);
    return FF_OK;
}

static int infer_squeeze(ff_infer *c)
{
    const ff_shape *x = &c->in[0];
    int64_t axes[FF_MAX_RANK], dims[FF_MAX_RANK];
    unsigned drop = 0;
    int n, code, at, rank = 0;

    infer_type(c, 0, x->dtype);
    if ((code = infer_list(c, "axes", 1, axes, FF_MAX_RANK, &n)))
        return code;
    if (x->rank < 0 || n == UNKNOWN)
        return FF_OK;
    for (int i = 0; i < n; i++) {
        if ((code = infer_axis(axes[i], x->rank, &at)))
            return code;
        if (x->dims[at] >= 0 && x->dims[at] != 1)
            return infer_fail("dimension %d is %lld and cannot be squeezed", at, (long long)x->dims[at]);
        drop |= 1u << at;
    }
    for (int i = 0; i < x->rank; i++) {
        if (n == ABSENT && x->dims[i] < 0)
            return FF_OK; /* may be 1 or not */
        if (n == ABSENT ? x->dims[i] != 1 : !(drop >> i & 1))
            dims[rank++] = x->dims[i];
    }
    infer_set(c, 0, x->dtype, rank, dims);
    return FF_OK;
}

static int infer_unsqueeze(ff_infer *c)
{
    const ff_shape *x = &c->in[0];
    int64_t axes[FF_MAX_RANK], dims[FF_MAX_RANK];
    unsigned put = 0;
    int n, code, at, from = 0;

    infer_type(c, 0, x->dtype);
    if ((code = infer_list(c, "axes", 1, axes, FF_MAX_RANK, &n)))
        return code;
    if (n == ABSENT)
        return infer_fail("'axes' is missing");
    if (x->rank < 0 || n < 0)
        return FF_OK;
    if (x->rank + n > FF_MAX_RANK)
        return infer_fail("more than %d dimensions", FF_MAX_RANK);
    for (int i = 0; i < n; i++) {
        if ((code = infer_axis(axes[i], x->rank + n, &at)))
            return code;
        if (put >> at & 1)
            return infer_fail("axis %d stands there twice", at);
        put |= 1u << at;
    }
    for (int i = 0; i < x->rank + n; i++)
        dims[i] = put >> i & 1 ? 1 : x->dims[from++];
    infer_set(c, 0, x->dtype, x->rank + n, dims);
    return FF_OK;
}

static int infer_transpose(ff_infer *c)
{
    const ff_shape *x = &c->in[0];
    const int64_t *perm;
    int64_t dims[FF_MAX_RANK];
    unsigned seen = 0;
    const ff_attr *a = ff_node_attr(c->node, "perm");
    size_t n = ff_node_ints(c->node, "perm", &perm);

    infer_type(c, 0, x->dtype);
    if (x->rank < 0)
        return FF_OK;
    if (a != NULL && n != (size_t)x->rank)
        return infer_fail("'perm' has %zu entries for %d dimensions", n, x->rank);
    for (int i = 0; i < x->rank; i++) {
        int64_t p = a ? perm[i] : x->rank - 1 - i;
        if (p < 0 || p >= x->rank || (seen >> p & 1))
            return infer_fail("'perm' is not a permutation");
        seen |= 1u << p;
        dims[i] = x->dims[p];
    }
    infer_set(c, 0, x->dtype, x->rank, dims);
    return FF_OK;
}

static int64_t clamp(int64_t v, int64_t rank)
{
    v = v < 0 ? v + rank : v;
    return v < 0 ? 0 : v > rank ? rank : v;
}

static int infer_shape(ff_infer *c)
{
    int64_t rank = c->in[0].rank, n = UNKNOWN;

    if (rank >= 0) {
        int64_t start = clamp(ff_node_int(c->node, "start", 0), rank);
        int64_t end = clamp(ff_node_int(c->node, "end", rank), rank);
        n = end > start ? end - start : 0;
    }
    infer_set(c, 0, FF_INT64, 1, &n);
    return FF_OK;
}

static int infer_size(ff_infer *c)
{
    infer_set(c, 0, FF_INT64, 0, NULL);
    return FF_OK;
}

static int infer_expand(ff_infer *c)
{
    ff_shape want = {.dtype = c->in[0].dtype}, s;
    int n, code = infer_list(c, NULL, 1, want.dims, FF_MAX_RANK, &n);

    infer_type(c, 0, c->in[0].dtype);
    if (code || n < 0)
        return code;
    want.rank = n;
    for (int i = 0; i < n; i++)
        if (want.dims[i] < 0)
            return infer_fail("the new shape holds %lld", (long long)want.dims[i]);
    if ((code = infer_broadcast(&c->in[0], &want, &s)) == FF_OK)
        infer_copy(c, 0, &s);
    return code;
}

static int infer_tile(ff_infer *c)
{
    ff_shape s = c->in[0];
    int64_t repeats[FF_MAX_RANK];
    int n, code = infer_list(c, NULL, 1, repeats, FF_MAX_RANK, &n);

    if (code)
        return code;
    if (s.rank >= 0 && n >= 0 && n != s.rank)
        return infer_fail("%d repeats for %d dimensions", n, s.rank);
    for (int i = 0; i < s.rank; i++) {
        if (n < 0 || s.dims[i] < 0) {
            s.dims[i] = UNKNOWN;
            continue;
        }
        if (repeats[i] < 0 || __builtin_mul_overflow(s.dims[i], repeats[i], &s.dims[i]))
            return infer_fail("cannot repeat %lld times", (long long)repeats[i]);
    }
    infer_copy(c, 0, &s);
    return FF_OK;
}

static int block(ff_infer *c, bool to_space)
{
    ff_shape s = c->in[0];
    int64_t b = ff_node_int(c->node, "blocksize", 0);
    int code = infer_want_rank(c, 0, 4);

    if (code)
        return code;
    if (b < 1 || b > 65535)
        return infer_fail("'blocksize' is %lld", (long long)b);
    for (int i = 1; i < s.rank; i++) {
        int64_t by = i == 1 ? b * b : b;
        if (s.dims[i] < 0)
            continue;
        if ((i == 1) == to_space) {
            if (s.dims[i] % by != 0)
                return infer_fail("dimension %d, %lld, is not a multiple of %lld", i, (long long)s.dims[i],
                                  (long long)by);
            s.dims[i] /= by;
        } else if (__builtin_mul_overflow(s.dims[i], by, &s.dims[i])) {
            return infer_fail("the output size overflows");
        }
    }
    infer_copy(c, 0, &s);
    return FF_OK;
}

static int infer_depth_to_space(ff_infer *c)
{
    return block(c, true);
}

static int infer_space_to_depth(ff_infer *c)
{
    return block(c, false);
}

static const struct ff_attr_fact no_attrs[] = {{0}};
static const struct ff_attr_fact depth_to_space_1[] = {{"blocksize", FF_ATTR_INT, NULL}, {0}};
static const struct ff_attr_fact depth_to_space_11[] = {
    {"blocksize", FF_ATTR_INT, NULL}, {"mode", FF_ATTR_STRING, "DCR"}, {0}};
static const struct ff_attr_fact flatten_1[] = {{"axis", FF_ATTR_INT, "1"}, {0}};
static const struct ff_attr_fact reshape_14[] = {{"allowzero", FF_ATTR_INT, "0"}, {0}};
static const struct ff_attr_fact shape_15[] = {{"end", FF_ATTR_INT, NULL}, {"start", FF_ATTR_INT, "0"}, {0}};
static const struct ff_attr_fact squeeze_1[] = {{"axes", FF_ATTR_INTS, NULL}, {0}};
static const struct ff_attr_fact transpose_1[] = {{"perm", FF_ATTR_INTS, NULL}, {0}};

const ff_op ff_ops_shape[] = {
    /* since, inputs, outputs */
    {"", "DepthToSpace", 1, 1, 1, 1, 1, infer_depth_to_space, depth_to_space_1},
    {"", "DepthToSpace", 11, 1, 1, 1, 1, infer_depth_to_space, depth_to_space_11},
    {"", "Expand", 8, 2, 2, 1, 1, infer_expand, no_attrs},
    {"", "Flatten", 1, 1, 1, 1, 1, infer_flatten, flatten_1},
    {"", "Reshape", 5, 2, 2, 1, 1, infer_reshape, no_attrs},
    {"", "Reshape", 14, 2, 2, 1, 1, infer_reshape, reshape_14},
    {"", "Shape", 1, 1, 1, 1, 1, infer_shape, no_attrs},
    {"", "Shape", 15, 1, 1, 1, 1, infer_shape, shape_15},
    {"", "Size", 1, 1, 1, 1, 1, infer_size, no_attrs},
    {"", "SpaceToDepth", 1, 1, 1, 1, 1, infer_space_to_depth, depth_to_space_1},
    {"", "Squeeze", 1, 1, 1, 1, 1, infer_squeeze, squeeze_1},
    {"", "Squeeze", 13, 1, 2, 1, 1, infer_squeeze, no_attrs},
    {"", "Tile", 6, 2, 2, 1, 1, infer_tile, no_attrs},
    {"", "Transpose", 1, 1, 1, 1, 1, infer_transpose, transpose_1},
    {"", "Unsqueeze", 1, 1, 1, 1, 1, infer_unsqueeze, squeeze_1},
    {"", "Unsqueeze", 13, 2, 2, 1, 1, infer_unsqueeze, no_attrs},
    {0},
};
