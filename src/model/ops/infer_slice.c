/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Operators that cut, join, pad and resample. */
#include "model/ops/infer.h"

#include <math.h>

static int infer_concat(ff_infer *c)
{
    ff_shape s = c->in[0];
    int axis, code;

    if (ff_node_attr(c->node, "axis") == NULL)
        return infer_fail("attribute 'axis' is missing");
    for (int i = 0; i < c->n_in; i++) {
        if (!infer_has(c, i))
            continue;
        if ((code = infer_same_type(c, 0, i)))
            return code;
        if (c->in[i].rank < 0 || s.rank < 0)
            s.rank = UNKNOWN;
        else if (c->in[i].rank != s.rank)
            return infer_fail("inputs of %d and %d dimensions", s.rank, c->in[i].rank);
    }
    infer_copy(c, 0, &s);
    if (s.rank < 0)
        return FF_OK;
    if ((code = infer_axis(ff_node_int(c->node, "axis", 0), s.rank, &axis)))
        return code;
    for (int i = 1; i < c->n_in; i++)
        for (int j = 0; j < s.rank; j++) {
            int64_t d = c->in[i].dims[j];
            if (j == axis) {
                if (d < 0 || s.dims[j] < 0)
                    s.dims[j] = UNKNOWN;
                else if (__builtin_add_overflow(s.dims[j], d, &s.dims[j]))
                    return infer_fail("the output size overflows");
            } else if ((code = infer_equal(s.dims[j], d, "dimensions beside the axis", &s.dims[j]))) {
                return code;
            }
        }
    infer_copy(c, 0, &s);
    return FF_OK;
}

#define MAX_PARTS 4096

static int infer_split(ff_infer *c)
{
    ff_shape s = c->in[0];
    int64_t parts[MAX_PARTS], sum = 0, total;
    int n, axis, code;

    for (int i = 0; i < c->n_out; i++)
        infer_type(c, i, s.dtype);
    if ((code = infer_list(c, "split", 1, parts, MAX_PARTS, &n)) || s.rank < 0)
        return code;
    if ((code = infer_axis(ff_node_int(c->node, "axis", 0), s.rank, &axis)))
        return code;
    total = s.dims[axis];
    if (n >= 0) {
        if (n != c->n_out)
            return infer_fail("'split' has %d entries for %d outputs", n, c->n_out);
        for (int i = 0; i < n; i++)
            if (parts[i] < 0 || __builtin_add_overflow(sum, parts[i], &sum))
                return infer_fail("'split' holds %lld", (long long)parts[i]);
        if (total >= 0 && sum != total)
            return infer_fail("'split' adds up to %lld, the dimension is %lld", (long long)sum, (long long)total);
    } else if (n == ABSENT && c->n_out > 0) {
        int64_t want = ff_node_int(c->node, "num_outputs", c->n_out), k = c->n_out;
        if (want != k)
            return infer_fail("'num_outputs' is %lld for %lld outputs", (long long)want, (long long)k);
        if (c->node->opset < 18 && total >= 0 && total % k != 0)
            return infer_fail("%lld does not split into %lld equal parts", (long long)total, (long long)k);
        int64_t each = total < 0 ? UNKNOWN : total / k + (total % k != 0);
        for (int i = 0; i < c->n_out && i < MAX_PARTS; i++) { /* the last may be smaller */
            parts[i] = each;
            if (i == c->n_out - 1 && total >= 0)
                parts[i] = total - each * (k - 1);
            if (total >= 0 && parts[i] < 0)
                return infer_fail("%lld does not split into %lld parts", (long long)total, (long long)k);
        }
    }
    for (int i = 0; i < c->n_out; i++) {
        s.dims[axis] = n == UNKNOWN || i >= MAX_PARTS ? UNKNOWN : parts[i];
        infer_copy(c, i, &s);
    }
    return FF_OK;
}

static int infer_slice(ff_infer *c)
{
    ff_shape s = c->in[0];
    int64_t starts[FF_MAX_RANK], ends[FF_MAX_RANK], axes[FF_MAX_RANK], steps[FF_MAX_RANK];
    int n, n_ends, n_axes, n_steps, code, axis;
    unsigned seen = 0;

    if ((code = infer_list(c, "starts", 1, starts, FF_MAX_RANK, &n)) ||
        (code = infer_list(c, "ends", 2, ends, FF_MAX_RANK, &n_ends)) ||
        (code = infer_list(c, "axes", 3, axes, FF_MAX_RANK, &n_axes)) ||
        (code = infer_list(c, NULL, c->node->opset < 10 ? -1 : 4, steps, FF_MAX_RANK, &n_steps)))
        return code;
    infer_type(c, 0, s.dtype);
    if (n == ABSENT || n_ends == ABSENT)
        return infer_fail("'starts' or 'ends' is missing");
    if (s.rank < 0)
        return FF_OK;
    if (n_axes == UNKNOWN || (n_axes == ABSENT && n == UNKNOWN)) {
        for (int i = 0; i < s.rank; i++)
            s.dims[i] = UNKNOWN;
        infer_copy(c, 0, &s);
        return FF_OK;
    }
    int count = n_axes >= 0 ? n_axes : n;
    if ((n >= 0 && n != count) || (n_ends >= 0 && n_ends != count) || (n_steps >= 0 && n_steps != count))
        return infer_fail("starts, ends, axes and steps differ in length");
    if (n_axes == ABSENT && count > s.rank)
        return infer_fail("%d starts for %d dimensions", count, s.rank);
    for (int i = 0; i < count; i++) {
        if ((code = infer_axis(n_axes >= 0 ? axes[i] : i, s.rank, &axis)))
            return code;
        if (seen >> axis & 1)
            return infer_fail("axis %d stands there twice", axis);
        seen |= 1u << axis;
        int64_t d = s.dims[axis], step = n_steps >= 0 ? steps[i] : 1;
        if (n_steps >= 0 && step == 0)
            return infer_fail("a step of 0");
        if (n < 0 || n_ends < 0 || n_steps == UNKNOWN || d < 0) {
            s.dims[axis] = UNKNOWN;
            continue;
        }
        int64_t from = starts[i] < 0 ? starts[i] + d : starts[i];
        int64_t to = ends[i] < 0 ? (ends[i] < -d ? -1 : ends[i] + d) : ends[i];
        int64_t low = 0, high = step > 0 ? d : d - 1;
        from = from < low ? low : from > high ? high : from;
        low = step > 0 ? 0 : -1;
        to = to < low ? low : to > high ? high : to;
        if (step > 0)
            s.dims[axis] = to > from ? (to - from - 1) / step + 1 : 0;
        else
            s.dims[axis] = from > to ? (int64_t)((uint64_t)(from - to - 1) / ((uint64_t)0 - (uint64_t)step)) + 1 : 0;
    }
    infer_copy(c, 0, &s);
    return FF_OK;
}

static int infer_pad(ff_infer *c)
{
    ff_shape s = c->in[0];
    int64_t pads[2 * FF_MAX_RANK], axes[FF_MAX_RANK];
    int n, n_axes, code, axis;

    infer_type(c, 0, s.dtype);
    if ((code = infer_list(c, "pads", 1, pads, 2 * FF_MAX_RANK, &n)) ||
        (code = infer_list(c, NULL, 3, axes, FF_MAX_RANK, &n_axes)))
        return code;
    if (n == ABSENT)
        return infer_fail("'pads' is missing");
    if (s.rank < 0)
        return FF_OK;
    int count = n_axes >= 0 ? n_axes : s.rank;
    if (n >= 0 && n_axes != UNKNOWN && n != 2 * count)
        return infer_fail("'pads' has %d entries for %d dimensions", n, count);
    for (int i = 0; i < s.rank && (n < 0 || n_axes == UNKNOWN); i++)
        s.dims[i] = UNKNOWN;
    for (int i = 0; i < count && n >= 0 && n_axes != UNKNOWN; i++) {
        if ((code = infer_axis(n_axes >= 0 ? axes[i] : i, s.rank, &axis)))
            return code;
        int64_t d = s.dims[axis];
        if (d < 0)
            continue;
        if (__builtin_add_overflow(d, pads[i], &d) || __builtin_add_overflow(d, pads[count + i], &d) || d < 0)
            return infer_fail("pads %lld and %lld of a dimension of %lld", (long long)pads[i],
                              (long long)pads[count + i], (long long)s.dims[axis]);
        s.dims[axis] = d;
    }
    infer_copy(c, 0, &s);
    return FF_OK;
}

static int infer_center_crop_pad(ff_infer *c)
{
    ff_shape s = c->in[0];
    int64_t want[FF_MAX_RANK];
    const int64_t *axes;
    int n, code, axis;
    size_t n_axes = ff_node_ints(c->node, "axes", &axes);

    if ((code = infer_list(c, NULL, 1, want, FF_MAX_RANK, &n)))
        return code;
    infer_type(c, 0, s.dtype);
    if (s.rank < 0 || n < 0)
        return FF_OK;
    if (n != (n_axes ? (int)n_axes : s.rank))
        return infer_fail("the shape has %d entries", n);
    for (int i = 0; i < n; i++) {
        if ((code = infer_axis(n_axes ? axes[i] : i, s.rank, &axis)))
            return code;
        if (want[i] < 0)
            return infer_fail("the shape holds %lld", (long long)want[i]);
        s.dims[axis] = want[i];
    }
    infer_copy(c, 0, &s);
    return FF_OK;
}

/* ONNX Resize: sizes or scales, on all axes or (18 and later) on some of them. */
static int infer_resize(ff_infer *c)
{
    bool upsample = c->node->op[0] == 'U';
    int scales_at = upsample || c->node->opset < 11 ? 1 : 2;
    ff_shape s = c->in[0];
    const ff_tensor *scales = infer_data(c, scales_at);
    const ff_attr *given = upsample ? ff_node_attr(c->node, "scales") : NULL;
    int64_t sizes[FF_MAX_RANK];
    const int64_t *axes;
    int n_sizes, code, axis;
    size_t n_axes = ff_node_ints(c->node, "axes", &axes);

    infer_type(c, 0, s.dtype);
    if ((code = infer_list(c, NULL, scales_at == 2 ? 3 : -1, sizes, FF_MAX_RANK, &n_sizes)))
        return code;
    if (s.rank < 0)
        return FF_OK;
    if (n_axes > (size_t)s.rank)
        return infer_fail("'axes' has %zu entries", n_axes);
    int n = n_axes ? (int)n_axes : s.rank;
    double ratio[FF_MAX_RANK];
    int n_scales = ABSENT;
    if (given != NULL && given->type == FF_ATTR_FLOATS)
        n_scales = (int)given->n;
    else if (infer_has(c, scales_at))
        n_scales = scales ? (int)scales->count : UNKNOWN;
    if (n_sizes == 0)
        n_sizes = ABSENT; /* an empty tensor stands for none */
    if (n_scales == 0 || n_sizes != ABSENT)
        n_scales = n_sizes != ABSENT ? 0 : ABSENT;
    if (n_sizes == ABSENT && n_scales == ABSENT)
        return infer_fail("neither sizes nor scales are given");
    if ((n_sizes >= 0 && n_sizes != n) || (n_sizes == ABSENT && n_scales >= 0 && n_scales != n))
        return infer_fail("%d sizes or scales for %d axes", n_sizes >= 0 ? n_sizes : n_scales, n);
    const char *policy = ff_node_string(c->node, "keep_aspect_ratio_policy", "stretch");
    bool keep = n_sizes >= 0 && strcmp(policy, "stretch") != 0;
    double common = 0;
    for (int i = 0; i < n; i++) {
        if ((code = infer_axis(n_axes ? axes[i] : i, s.rank, &axis)))
            return code;
        if (n_sizes == ABSENT && n_scales >= 0) {
            ratio[i] = given ? (double)given->floats[i] : ff_tensor_get_real(scales, i);
            if (!(ratio[i] > 0) || !(ratio[i] < 1e9))
                return infer_fail("a scale of %g", ratio[i]);
        } else if (n_sizes >= 0) {
            if (sizes[i] < 0 || (sizes[i] == 0 && s.dims[axis] > 0))
                return infer_fail("a size of %lld", (long long)sizes[i]);
            if (keep && s.dims[axis] < 0)
                n_sizes = UNKNOWN;
            double r = s.dims[axis] > 0 ? (double)sizes[i] / (double)s.dims[axis] : 0;
            bool larger = strcmp(policy, "not_larger") != 0;
            if (i == 0 || (larger ? r > common : r < common))
                common = r;
        }
    }
    for (int i = 0; i < n; i++) {
        if ((code = infer_axis(n_axes ? axes[i] : i, s.rank, &axis)))
            return code;
        int64_t *d = &s.dims[axis];
        if (n_sizes >= 0)
            *d = keep ? (int64_t)floor((double)*d * common + 0.5) : sizes[i];
        else if (n_sizes == ABSENT && n_scales >= 0 && *d >= 0) {
            double size = floor((double)*d * ratio[i]);
            if (size > 1e15)
                return infer_fail("a size of %g", size);
            *d = (int64_t)size;
        } else {
            *d = UNKNOWN;
        }
    }
    infer_copy(c, 0, &s);
    return FF_OK;
}

static int infer_grid_sample(ff_infer *c)
{
    ff_shape x = c->in[0], grid = c->in[1];
    int64_t k;
    int code = infer_want_min_rank(c, 0, 3);

    infer_type(c, 0, x.dtype);
    if (code || x.rank < 0 || grid.rank < 0)
        return code;
    if (grid.rank != x.rank)
        return infer_fail("the grid has %d dimensions, not %d", grid.rank, x.rank);
    if ((code = infer_equal(x.dims[0], grid.dims[0], "batch", &x.dims[0])) ||
        (code = infer_equal(grid.dims[x.rank - 1], x.rank - 2, "coordinates", &k)))
        return code;
    for (int i = 2; i < x.rank; i++)
        x.dims[i] = grid.dims[i - 1];
    infer_copy(c, 0, &x);
    return FF_OK;
}

static int infer_affine_grid(ff_infer *c)
{
    int64_t size[6], dims[6];
    int n, code;

    infer_type(c, 0, c->in[0].dtype);
    if ((code = infer_list(c, NULL, 1, size, 5, &n)) || (code = infer_want_rank(c, 0, 3)) || n < 0)
        return code;
    if (n != 4 && n != 5)
        return infer_fail("'size' has %d entries", n);
    dims[0] = size[0];
    for (int i = 2; i < n; i++)
        dims[i - 1] = size[i];
    dims[n - 1] = n - 2;
    for (int i = 0; i < n; i++)
        if (dims[i] < 0)
            return infer_fail("'size' holds %lld", (long long)dims[i]);
    infer_set(c, 0, c->in[0].dtype, n, dims);
    return FF_OK;
}

static const struct ff_attr_fact no_attrs[] = {{0}};
static const struct ff_attr_fact affine_grid_20[] = {{"align_corners", FF_ATTR_INT, "0"}, {0}};
static const struct ff_attr_fact center_crop_pad_18[] = {{"axes", FF_ATTR_INTS, NULL}, {0}};
static const struct ff_attr_fact concat_4[] = {{"axis", FF_ATTR_INT, NULL}, {0}};
static const struct ff_attr_fact grid_sample_16[] = {{"align_corners", FF_ATTR_INT, "0"},
                                                     {"mode", FF_ATTR_STRING, "bilinear"},
                                                     {"padding_mode", FF_ATTR_STRING, "zeros"},
                                                     {0}};
static const struct ff_attr_fact grid_sample_20[] = {{"align_corners", FF_ATTR_INT, "0"},
                                                     {"mode", FF_ATTR_STRING, "linear"},
                                                     {"padding_mode", FF_ATTR_STRING, "zeros"},
                                                     {0}};
static const struct ff_attr_fact pad_2[] = {
    {"mode", FF_ATTR_STRING, "constant"}, {"pads", FF_ATTR_INTS, NULL}, {"value", FF_ATTR_FLOAT, "0"}, {0}};
static const struct ff_attr_fact pad_11[] = {{"mode", FF_ATTR_STRING, "constant"}, {0}};
static const struct ff_attr_fact resize_10[] = {{"mode", FF_ATTR_STRING, "nearest"}, {0}};
static const struct ff_attr_fact resize_11[] = {{"coordinate_transformation_mode", FF_ATTR_STRING, "half_pixel"},
                                                {"cubic_coeff_a", FF_ATTR_FLOAT, "-0.75"},
                                                {"exclude_outside", FF_ATTR_INT, "0"},
                                                {"extrapolation_value", FF_ATTR_FLOAT, "0"},
                                                {"mode", FF_ATTR_STRING, "nearest"},
                                                {"nearest_mode", FF_ATTR_STRING, "round_prefer_floor"},
                                                {0}};
static const struct ff_attr_fact resize_18[] = {{"antialias", FF_ATTR_INT, "0"},
                                                {"axes", FF_ATTR_INTS, NULL},
                                                {"coordinate_transformation_mode", FF_ATTR_STRING, "half_pixel"},
                                                {"cubic_coeff_a", FF_ATTR_FLOAT, "-0.75"},
                                                {"exclude_outside", FF_ATTR_INT, "0"},
                                                {"extrapolation_value", FF_ATTR_FLOAT, "0"},
                                                {"keep_aspect_ratio_policy", FF_ATTR_STRING, "stretch"},
                                                {"mode", FF_ATTR_STRING, "nearest"},
                                                {"nearest_mode", FF_ATTR_STRING, "round_prefer_floor"},
                                                {0}};
static const struct ff_attr_fact slice_1[] = {
    {"axes", FF_ATTR_INTS, NULL}, {"ends", FF_ATTR_INTS, NULL}, {"starts", FF_ATTR_INTS, NULL}, {0}};
static const struct ff_attr_fact split_2[] = {{"axis", FF_ATTR_INT, "0"}, {"split", FF_ATTR_INTS, NULL}, {0}};
static const struct ff_attr_fact split_13[] = {{"axis", FF_ATTR_INT, "0"}, {0}};
static const struct ff_attr_fact split_18[] = {{"axis", FF_ATTR_INT, "0"}, {"num_outputs", FF_ATTR_INT, NULL}, {0}};
static const struct ff_attr_fact upsample_7[] = {
    {"mode", FF_ATTR_STRING, "nearest"}, {"scales", FF_ATTR_FLOATS, NULL}, {0}};

const ff_op ff_ops_slice[] = {
    /* since, inputs, outputs */
    {"", "AffineGrid", 20, 2, 2, 1, 1, infer_affine_grid, affine_grid_20},
    {"", "CenterCropPad", 18, 2, 2, 1, 1, infer_center_crop_pad, center_crop_pad_18},
    {"", "Concat", 4, 1, -1, 1, 1, infer_concat, concat_4},
    {"", "GridSample", 16, 2, 2, 1, 1, infer_grid_sample, grid_sample_16},
    {"", "GridSample", 20, 2, 2, 1, 1, infer_grid_sample, grid_sample_20},
    {"", "Pad", 2, 1, 1, 1, 1, infer_pad, pad_2},
    {"", "Pad", 11, 2, 3, 1, 1, infer_pad, pad_11},
    {"", "Pad", 18, 2, 4, 1, 1, infer_pad, pad_11},
    {"", "Resize", 10, 2, 2, 1, 1, infer_resize, resize_10},
    {"", "Resize", 11, 3, 4, 1, 1, infer_resize, resize_11},
    {"", "Resize", 13, 1, 4, 1, 1, infer_resize, resize_11},
    {"", "Resize", 18, 1, 4, 1, 1, infer_resize, resize_18},
    {"", "Slice", 1, 1, 1, 1, 1, infer_slice, slice_1},
    {"", "Slice", 10, 3, 5, 1, 1, infer_slice, no_attrs},
    {"", "Split", 2, 1, 1, 1, -1, infer_split, split_2},
    {"", "Split", 13, 1, 2, 1, -1, infer_split, split_13},
    {"", "Split", 18, 1, 2, 1, -1, infer_split, split_18},
    {"", "Upsample", 7, 1, 1, 1, 1, infer_resize, upsample_7},
    {"", "Upsample", 9, 2, 2, 1, 1, infer_resize, resize_10},
    {0},
};
