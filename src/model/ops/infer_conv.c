/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Convolutions and pooling: everything with a window. */
#include "model/ops/infer.h"

#define MAX_SPATIAL (FF_MAX_RANK - 2)

struct window {
    int n; /* spatial dimensions */
    int64_t kernel[MAX_SPATIAL], stride[MAX_SPATIAL], dilation[MAX_SPATIAL];
    int64_t begin[MAX_SPATIAL], end[MAX_SPATIAL]; /* pads; with auto_pad: 0 */
    bool same, valid, ceil;
};

static int read_list(const ff_infer *c, const char *attr, int n, int64_t least, int64_t otherwise, int64_t *v)
{
    const int64_t *given;
    size_t k = ff_node_ints(c->node, attr, &given);

    if (k != 0 && k != (size_t)n)
        return infer_fail("'%s' has %zu entries, not %d", attr, k, n);
    for (int i = 0; i < n; i++) {
        v[i] = k ? given[i] : otherwise;
        if (v[i] < least || v[i] > INT32_MAX)
            return infer_fail("'%s' holds %lld", attr, (long long)v[i]);
    }
    return FF_OK;
}

static int read_window(const ff_infer *c, int n, struct window *w)
{
    int64_t pads[2 * MAX_SPATIAL];
    const char *auto_pad = ff_node_string(c->node, "auto_pad", "NOTSET");
    int code;

    memset(w, 0, sizeof *w);
    w->n = n;
    w->same = strcmp(auto_pad, "SAME_UPPER") == 0 || strcmp(auto_pad, "SAME_LOWER") == 0;
    w->valid = strcmp(auto_pad, "VALID") == 0;
    if (!w->same && !w->valid && strcmp(auto_pad, "NOTSET") != 0 && auto_pad[0] != '\0')
        return infer_fail("auto_pad '%s' is not known", auto_pad);
    w->ceil = ff_node_int(c->node, "ceil_mode", 0) != 0;
    /* Negative pads crop; exporters write them. */
    if ((code = read_list(c, "strides", n, 1, 1, w->stride)) ||
        (code = read_list(c, "dilations", n, 1, 1, w->dilation)) ||
        (code = read_list(c, "pads", 2 * n, -INT32_MAX, 0, pads)))
        return code;
    for (int i = 0; i < n && !w->same && !w->valid; i++) {
        w->begin[i] = pads[i];
        w->end[i] = pads[n + i];
    }
    return FF_OK;
}

/* ONNX operators, Conv, MaxPool and AveragePool, "output_shape". With ceil_mode the last window
 * must begin inside the input or its left padding. */
static int window_size(const struct window *w, int i, int64_t in, int64_t *out)
{
    int64_t extent = (w->kernel[i] - 1) * w->dilation[i] + 1, stride = w->stride[i];

    if (in < 0 || w->kernel[i] < 0) {
        *out = UNKNOWN;
        return FF_OK;
    }
    if (w->same) {
        *out = in / stride + (in % stride != 0);
        return FF_OK;
    }
    int64_t room = in + w->begin[i] + w->end[i] - extent;
    if (room < 0)
        return infer_fail("a window of %lld does not fit the padded size %lld", (long long)extent,
                          (long long)(room + extent));
    *out = room / stride + 1;
    if (w->ceil && room % stride != 0 && *out * stride < in + w->begin[i])
        ++*out;
    return FF_OK;
}

static int check_kernel_shape(const ff_infer *c, int n, const int64_t *of_weights, int64_t *kernel)
{
    const int64_t *given;
    size_t k = ff_node_ints(c->node, "kernel_shape", &given);

    if (k != 0 && k != (size_t)n)
        return infer_fail("'kernel_shape' has %zu entries, not %d", k, n);
    for (int i = 0; i < n; i++) {
        int code = infer_equal(k ? given[i] : UNKNOWN, of_weights ? of_weights[i] : UNKNOWN, "kernel_shape and weights",
                               &kernel[i]);
        if (code)
            return code;
        if (kernel[i] == 0 || kernel[i] > INT32_MAX)
            return infer_fail("a kernel of size %lld", (long long)kernel[i]);
    }
    return FF_OK;
}

static int check_bias(const ff_infer *c, int i, int64_t channels)
{
    int64_t n;
    int code = infer_want_rank(c, i, 1);

    if (code || infer_rank(c, i) != 1)
        return code;
    return infer_equal(c->in[i].dims[0], channels, "size of the bias and output channels", &n);
}

/* Where Conv, ConvInteger, QLinearConv and DeformConv have their inputs. */
static int infer_conv(ff_infer *c)
{
    const char *op = c->node->op;
    bool qlinear = strcmp(op, "QLinearConv") == 0, integer = strcmp(op, "ConvInteger") == 0;
    bool deform = strcmp(op, "DeformConv") == 0;
    int weights = qlinear ? 3 : 1, bias = qlinear ? 8 : deform ? 3 : integer ? -1 : 2;
    const ff_shape *x = &c->in[0], *w = &c->in[weights];
    int64_t group = ff_node_int(c->node, "group", 1), dims[FF_MAX_RANK], channels;
    ff_dtype type = integer ? FF_INT32 : qlinear ? c->in[7].dtype : x->dtype;
    struct window win;
    int code;

    if (!qlinear && !integer && (code = infer_same_type(c, 0, weights)))
        return code;
    if ((code = infer_want_min_rank(c, 0, 3)) || (code = infer_want_min_rank(c, weights, 3)))
        return code;
    int rank = x->rank >= 0 ? x->rank : w->rank;
    infer_type(c, 0, type);
    if (rank < 0)
        return FF_OK;
    if (x->rank >= 0 && w->rank >= 0 && x->rank != w->rank)
        return infer_fail("the input has %d dimensions and the weights have %d", x->rank, w->rank);
    if (group < 1)
        return infer_fail("'group' is %lld", (long long)group);
    int n = rank - 2;
    if ((code = read_window(c, n, &win)) ||
        (code = check_kernel_shape(c, n, w->rank >= 0 ? w->dims + 2 : NULL, win.kernel)))
        return code;
    dims[0] = x->rank >= 0 ? x->dims[0] : UNKNOWN;
    dims[1] = w->rank >= 0 ? w->dims[0] : UNKNOWN;
    if (w->rank >= 0) {
        int64_t each;
        if (w->dims[1] > 0 && __builtin_mul_overflow(w->dims[1], group, &each))
            return infer_fail("'group' is %lld", (long long)group);
        if (x->rank >= 0 && w->dims[1] >= 0 &&
            (code = infer_equal(x->dims[1], w->dims[1] * group, "channels of the input and of the weights", &channels)))
            return code;
        if (w->dims[0] >= 0 && w->dims[0] % group != 0)
            return infer_fail("%lld output channels in %lld groups", (long long)w->dims[0], (long long)group);
    }
    if (bias >= 0 && (code = check_bias(c, bias, dims[1])))
        return code;
    for (int i = 0; i < n; i++)
        if ((code = window_size(&win, i, x->rank >= 0 ? x->dims[2 + i] : UNKNOWN, &dims[2 + i])))
            return code;
    infer_set(c, 0, type, rank, dims);
    return FF_OK;
}

static int infer_conv_transpose(ff_infer *c)
{
    const ff_shape *x = &c->in[0], *w = &c->in[1];
    int64_t group = ff_node_int(c->node, "group", 1), dims[FF_MAX_RANK], extra[MAX_SPATIAL], k;
    const int64_t *shape;
    struct window win;
    int code;

    if ((code = infer_same_type(c, 0, 1)) || (code = infer_want_min_rank(c, 0, 3)) ||
        (code = infer_want_min_rank(c, 1, 3)))
        return code;
    infer_type(c, 0, x->dtype);
    if (x->rank < 0 || w->rank < 0)
        return FF_OK;
    if (x->rank != w->rank)
        return infer_fail("the input has %d dimensions and the weights have %d", x->rank, w->rank);
    if (group < 1)
        return infer_fail("'group' is %lld", (long long)group);
    int n = x->rank - 2;
    size_t n_shape = ff_node_ints(c->node, "output_shape", &shape);
    if ((code = read_window(c, n, &win)) || (code = check_kernel_shape(c, n, w->dims + 2, win.kernel)) ||
        (code = read_list(c, "output_padding", n, 0, 0, extra)) ||
        (code = infer_equal(x->dims[1], w->dims[0], "channels of the input and of the weights", &k)))
        return code;
    if (w->dims[0] >= 0 && w->dims[0] % group != 0)
        return infer_fail("%lld input channels in %lld groups", (long long)w->dims[0], (long long)group);
    /* Some writers give the batch and the channels in output_shape too. */
    if (n_shape == (size_t)n + 2)
        shape += 2;
    else if (n_shape != 0 && n_shape != (size_t)n)
        return infer_fail("'output_shape' has %zu entries, not %d", n_shape, n);
    dims[0] = x->dims[0];
    dims[1] = UNKNOWN;
    if (w->dims[1] >= 0 && __builtin_mul_overflow(w->dims[1], group, &dims[1]))
        return infer_fail("'group' is %lld", (long long)group);
    if ((code = check_bias(c, 2, dims[1])))
        return code;
    for (int i = 0; i < n; i++) {
        int64_t in = x->dims[2 + i], *out = &dims[2 + i];
        *out = UNKNOWN;
        if (n_shape) {
            *out = shape[i];
        } else if (in >= 0 && win.kernel[i] >= 0) {
            int64_t full;
            if (__builtin_mul_overflow(in - 1, win.stride[i], &full) || full > MAX_DIM)
                return infer_fail("the output size overflows");
            *out = win.same ? full + win.stride[i]
                            : full + extra[i] + (win.kernel[i] - 1) * win.dilation[i] + 1 - win.begin[i] - win.end[i];
        } else {
            continue;
        }
        if (*out < 0 || (*out == 0 && in > 0))
            return infer_fail("the output size would be %lld", (long long)*out);
    }
    infer_set(c, 0, x->dtype, x->rank, dims);
    return FF_OK;
}

static int infer_pool(ff_infer *c)
{
    const ff_shape *x = &c->in[0];
    int64_t dims[FF_MAX_RANK];
    struct window win;
    int code = infer_want_min_rank(c, 0, 3);

    if (code)
        return code;
    infer_type(c, 0, x->dtype);
    infer_type(c, 1, FF_INT64);
    const ff_attr *kernel = ff_node_attr(c->node, "kernel_shape");
    if (kernel == NULL || kernel->type != FF_ATTR_INTS)
        return infer_fail("attribute 'kernel_shape' is missing");
    if (x->rank < 0)
        return FF_OK;
    int n = x->rank - 2;
    if ((code = read_window(c, n, &win)) || (code = check_kernel_shape(c, n, NULL, win.kernel)))
        return code;
    dims[0] = x->dims[0];
    dims[1] = x->dims[1];
    for (int i = 0; i < n; i++) {
        if (win.kernel[i] < 1)
            return infer_fail("'kernel_shape' holds %lld", (long long)win.kernel[i]);
        if ((code = window_size(&win, i, x->dims[2 + i], &dims[2 + i])))
            return code;
    }
    infer_set(c, 0, x->dtype, x->rank, dims);
    infer_set(c, 1, FF_INT64, x->rank, dims);
    return FF_OK;
}

static int infer_global_pool(ff_infer *c)
{
    ff_shape s = c->in[0];
    int code = infer_want_min_rank(c, 0, 2);

    for (int i = 2; i < s.rank; i++)
        s.dims[i] = 1;
    if (code == FF_OK)
        infer_copy(c, 0, &s);
    return code;
}

static int infer_max_unpool(ff_infer *c)
{
    const ff_shape *x = &c->in[0];
    int64_t dims[FF_MAX_RANK], given[FF_MAX_RANK];
    struct window win;
    int n_given, code;

    infer_type(c, 0, x->dtype);
    if ((code = infer_want_min_rank(c, 0, 3)) || x->rank < 0)
        return code;
    if ((code = read_window(c, x->rank - 2, &win)) || (code = check_kernel_shape(c, x->rank - 2, NULL, win.kernel)) ||
        (code = infer_list(c, NULL, 2, given, FF_MAX_RANK, &n_given)))
        return code;
    if (n_given >= 0 && n_given != x->rank)
        return infer_fail("'output_shape' has %d entries, not %d", n_given, x->rank);
    for (int i = 0; i < x->rank; i++) {
        dims[i] = x->dims[i];
        if (n_given == UNKNOWN || (i >= 2 && n_given < 0 && (x->dims[i] < 0 || win.kernel[i - 2] < 0)))
            dims[i] = UNKNOWN;
        else if (n_given >= 0)
            dims[i] = given[i];
        else if (i >= 2) {
            if (__builtin_mul_overflow(x->dims[i] - 1, win.stride[i - 2], &dims[i]) || dims[i] > MAX_DIM)
                return infer_fail("the output size overflows");
            dims[i] += win.kernel[i - 2] - win.begin[i - 2] - win.end[i - 2];
        }
        if (dims[i] < UNKNOWN)
            return infer_fail("the output size would be %lld", (long long)dims[i]);
    }
    infer_set(c, 0, x->dtype, x->rank, dims);
    return FF_OK;
}

static int infer_roi(ff_infer *c)
{
    bool align = c->node->op[0] == 'R';
    int64_t dims[4] = {UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN};
    int code;

    if ((code = infer_want_rank(c, 0, 4)) || (code = infer_want_rank(c, 1, 2)))
        return code;
    if (align) {
        dims[2] = ff_node_int(c->node, "output_height", 1);
        dims[3] = ff_node_int(c->node, "output_width", 1);
    } else {
        const int64_t *shape;
        if (ff_node_ints(c->node, "pooled_shape", &shape) != 2)
            return infer_fail("attribute 'pooled_shape' needs 2 entries");
        dims[2] = shape[0];
        dims[3] = shape[1];
    }
    if (dims[2] < 1 || dims[3] < 1)
        return infer_fail("the output size must be positive");
    if (c->in[1].rank == 2)
        dims[0] = c->in[1].dims[0];
    if (c->in[0].rank == 4)
        dims[1] = c->in[0].dims[1];
    infer_set(c, 0, c->in[0].dtype, 4, dims);
    return FF_OK;
}

static int infer_col2im(ff_infer *c)
{
    int64_t image[MAX_SPATIAL], block[MAX_SPATIAL], dims[FF_MAX_RANK], k;
    int n, n_block, code;

    if ((code = infer_want_rank(c, 0, 3)) || (code = infer_list(c, NULL, 1, image, MAX_SPATIAL, &n)) ||
        (code = infer_list(c, NULL, 2, block, MAX_SPATIAL, &n_block)))
        return code;
    infer_type(c, 0, c->in[0].dtype);
    if (n < 0 || n_block < 0)
        return FF_OK;
    if (n != n_block)
        return infer_fail("image_shape and block_shape have %d and %d entries", n, n_block);
    if ((code = infer_product(block, 0, n, &k)))
        return code;
    dims[0] = dims[1] = UNKNOWN;
    if (c->in[0].rank == 3) {
        dims[0] = c->in[0].dims[0];
        if (k < 1 || (c->in[0].dims[1] >= 0 && c->in[0].dims[1] % k != 0))
            return infer_fail("the input's columns do not hold whole blocks");
        dims[1] = c->in[0].dims[1] < 0 ? UNKNOWN : c->in[0].dims[1] / k;
    }
    for (int i = 0; i < n; i++) {
        dims[2 + i] = image[i];
        if (image[i] < 0)
            return infer_fail("image_shape holds %lld", (long long)image[i]);
    }
    infer_set(c, 0, c->in[0].dtype, n + 2, dims);
    return FF_OK;
}

static const struct ff_attr_fact no_attrs[] = {{0}};
static const struct ff_attr_fact average_pool_7[] = {
    {"auto_pad", FF_ATTR_STRING, "NOTSET"}, {"count_include_pad", FF_ATTR_INT, "0"},
    {"kernel_shape", FF_ATTR_INTS, NULL},   {"pads", FF_ATTR_INTS, NULL},
    {"strides", FF_ATTR_INTS, NULL},        {0}};
static const struct ff_attr_fact average_pool_10[] = {{"auto_pad", FF_ATTR_STRING, "NOTSET"},
                                                      {"ceil_mode", FF_ATTR_INT, "0"},
                                                      {"count_include_pad", FF_ATTR_INT, "0"},
                                                      {"kernel_shape", FF_ATTR_INTS, NULL},
                                                      {"pads", FF_ATTR_INTS, NULL},
                                                      {"strides", FF_ATTR_INTS, NULL},
                                                      {0}};
static const struct ff_attr_fact average_pool_19[] = {
    {"auto_pad", FF_ATTR_STRING, "NOTSET"},  {"ceil_mode", FF_ATTR_INT, "0"},
    {"count_include_pad", FF_ATTR_INT, "0"}, {"dilations", FF_ATTR_INTS, NULL},
    {"kernel_shape", FF_ATTR_INTS, NULL},    {"pads", FF_ATTR_INTS, NULL},
    {"strides", FF_ATTR_INTS, NULL},         {0}};
static const struct ff_attr_fact col2_im_18[] = {
    {"dilations", FF_ATTR_INTS, NULL}, {"pads", FF_ATTR_INTS, NULL}, {"strides", FF_ATTR_INTS, NULL}, {0}};
static const struct ff_attr_fact conv_1[] = {{"auto_pad", FF_ATTR_STRING, "NOTSET"},
                                             {"dilations", FF_ATTR_INTS, NULL},
                                             {"group", FF_ATTR_INT, "1"},
                                             {"kernel_shape", FF_ATTR_INTS, NULL},
                                             {"pads", FF_ATTR_INTS, NULL},
                                             {"strides", FF_ATTR_INTS, NULL},
                                             {0}};
static const struct ff_attr_fact conv_transpose_1[] = {{"auto_pad", FF_ATTR_STRING, "NOTSET"},
                                                       {"dilations", FF_ATTR_INTS, NULL},
                                                       {"group", FF_ATTR_INT, "1"},
                                                       {"kernel_shape", FF_ATTR_INTS, NULL},
                                                       {"output_padding", FF_ATTR_INTS, NULL},
                                                       {"output_shape", FF_ATTR_INTS, NULL},
                                                       {"pads", FF_ATTR_INTS, NULL},
                                                       {"strides", FF_ATTR_INTS, NULL},
                                                       {0}};
static const struct ff_attr_fact deform_conv_19[] = {{"dilations", FF_ATTR_INTS, NULL},
                                                     {"group", FF_ATTR_INT, "1"},
                                                     {"kernel_shape", FF_ATTR_INTS, NULL},
                                                     {"offset_group", FF_ATTR_INT, "1"},
                                                     {"pads", FF_ATTR_INTS, NULL},
                                                     {"strides", FF_ATTR_INTS, NULL},
                                                     {0}};
static const struct ff_attr_fact global_lp_pool_2[] = {{"p", FF_ATTR_INT, "2"}, {0}};
static const struct ff_attr_fact lp_pool_2[] = {
    {"auto_pad", FF_ATTR_STRING, "NOTSET"}, {"kernel_shape", FF_ATTR_INTS, NULL}, {"p", FF_ATTR_INT, "2"},
    {"pads", FF_ATTR_INTS, NULL},           {"strides", FF_ATTR_INTS, NULL},      {0}};
static const struct ff_attr_fact lp_pool_18[] = {{"auto_pad", FF_ATTR_STRING, "NOTSET"},
                                                 {"ceil_mode", FF_ATTR_INT, "0"},
                                                 {"dilations", FF_ATTR_INTS, NULL},
                                                 {"kernel_shape", FF_ATTR_INTS, NULL},
                                                 {"p", FF_ATTR_INT, "2"},
                                                 {"pads", FF_ATTR_INTS, NULL},
                                                 {"strides", FF_ATTR_INTS, NULL},
                                                 {0}};
static const struct ff_attr_fact max_pool_1[] = {{"auto_pad", FF_ATTR_STRING, "NOTSET"},
                                                 {"kernel_shape", FF_ATTR_INTS, NULL},
                                                 {"pads", FF_ATTR_INTS, NULL},
                                                 {"strides", FF_ATTR_INTS, NULL},
                                                 {0}};
static const struct ff_attr_fact max_pool_8[] = {
    {"auto_pad", FF_ATTR_STRING, "NOTSET"}, {"kernel_shape", FF_ATTR_INTS, NULL}, {"pads", FF_ATTR_INTS, NULL},
    {"storage_order", FF_ATTR_INT, "0"},    {"strides", FF_ATTR_INTS, NULL},      {0}};
static const struct ff_attr_fact max_pool_10[] = {
    {"auto_pad", FF_ATTR_STRING, "NOTSET"}, {"ceil_mode", FF_ATTR_INT, "0"},
    {"dilations", FF_ATTR_INTS, NULL},      {"kernel_shape", FF_ATTR_INTS, NULL},
    {"pads", FF_ATTR_INTS, NULL},           {"storage_order", FF_ATTR_INT, "0"},
    {"strides", FF_ATTR_INTS, NULL},        {0}};
static const struct ff_attr_fact max_roi_pool_1[] = {
    {"pooled_shape", FF_ATTR_INTS, NULL}, {"spatial_scale", FF_ATTR_FLOAT, "1"}, {0}};
static const struct ff_attr_fact max_unpool_9[] = {
    {"kernel_shape", FF_ATTR_INTS, NULL}, {"pads", FF_ATTR_INTS, NULL}, {"strides", FF_ATTR_INTS, NULL}, {0}};
static const struct ff_attr_fact roi_align_10[] = {
    {"mode", FF_ATTR_STRING, "avg"},      {"output_height", FF_ATTR_INT, "1"},   {"output_width", FF_ATTR_INT, "1"},
    {"sampling_ratio", FF_ATTR_INT, "0"}, {"spatial_scale", FF_ATTR_FLOAT, "1"}, {0}};
static const struct ff_attr_fact roi_align_16[] = {{"coordinate_transformation_mode", FF_ATTR_STRING, "half_pixel"},
                                                   {"mode", FF_ATTR_STRING, "avg"},
                                                   {"output_height", FF_ATTR_INT, "1"},
                                                   {"output_width", FF_ATTR_INT, "1"},
                                                   {"sampling_ratio", FF_ATTR_INT, "0"},
                                                   {"spatial_scale", FF_ATTR_FLOAT, "1"},
                                                   {0}};

const ff_op ff_ops_conv[] = {
    /* since, inputs, outputs */
    {"", "AveragePool", 7, 1, 1, 1, 1, infer_pool, average_pool_7},
    {"", "AveragePool", 10, 1, 1, 1, 1, infer_pool, average_pool_10},
    {"", "AveragePool", 19, 1, 1, 1, 1, infer_pool, average_pool_19},
    {"", "Col2Im", 18, 3, 3, 1, 1, infer_col2im, col2_im_18},
    {"", "Conv", 1, 2, 3, 1, 1, infer_conv, conv_1},
    {"", "ConvInteger", 10, 2, 4, 1, 1, infer_conv, conv_1},
    {"", "ConvTranspose", 1, 2, 3, 1, 1, infer_conv_transpose, conv_transpose_1},
    {"", "DeformConv", 19, 3, 5, 1, 1, infer_conv, deform_conv_19},
    {"", "GlobalAveragePool", 1, 1, 1, 1, 1, infer_global_pool, no_attrs},
    {"", "GlobalLpPool", 2, 1, 1, 1, 1, infer_global_pool, global_lp_pool_2},
    {"", "GlobalMaxPool", 1, 1, 1, 1, 1, infer_global_pool, no_attrs},
    {"", "LpPool", 2, 1, 1, 1, 1, infer_pool, lp_pool_2},
    {"", "LpPool", 18, 1, 1, 1, 1, infer_pool, lp_pool_18},
    {"", "MaxPool", 1, 1, 1, 1, 1, infer_pool, max_pool_1},
    {"", "MaxPool", 8, 1, 1, 1, 2, infer_pool, max_pool_8},
    {"", "MaxPool", 10, 1, 1, 1, 2, infer_pool, max_pool_10},
    {"", "MaxRoiPool", 1, 2, 2, 1, 1, infer_roi, max_roi_pool_1},
    {"", "MaxUnpool", 9, 2, 3, 1, 1, infer_max_unpool, max_unpool_9},
    {"", "QLinearConv", 10, 8, 9, 1, 1, infer_conv, conv_1},
    {"", "RoiAlign", 10, 3, 3, 1, 1, infer_roi, roi_align_10},
    {"", "RoiAlign", 16, 3, 3, 1, 1, infer_roi, roi_align_16},
    {0},
};
