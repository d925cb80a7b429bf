/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Convolutions and dense layers. Kernels are [spatial..., in, out] in the file and [out, in, spatial...] in ONNX. */
#include "model/file/keras/keras.h"

#include <string.h>

enum { MOST_SPATIAL = 3 };

bool keras_channels_last(const keras_layer *l)
{
    return strcmp(config_text(l->config, "data_format", "channels_last"), "channels_first") != 0;
}

const char *keras_to_first(keras_layer *l, const char *x, int rank)
{
    int64_t perm[FF_MAX_RANK] = {0, rank - 1};
    for (int i = 2; i < rank; i++)
        perm[i] = i - 1;
    return keras_channels_last(l) && rank > 2
               ? builder_transpose(l->r->b, keras_sub(l, "to_channels_first"), x, rank, perm)
               : x;
}

const char *keras_to_last(keras_layer *l, const char *x, int rank, const char *name)
{
    int64_t perm[FF_MAX_RANK] = {0};
    for (int i = 1; i < rank; i++)
        perm[i] = i + 1 < rank ? i + 1 : 1;
    return keras_channels_last(l) && rank > 2 ? builder_transpose(l->r->b, name, x, rank, perm) : x;
}

/* What a convolution slides over. */
typedef struct window {
    int n; /* spatial dims */
    int64_t kernel[MOST_SPATIAL], strides[MOST_SPATIAL], dilations[MOST_SPATIAL], pads[2 * MOST_SPATIAL];
    int64_t sizes[MOST_SPATIAL]; /* of the input, -1: open */
    int64_t channels;            /* of the input */
    bool same, causal;
} window;

/* From a layer that slides over its input; the rank decides how many dims that are. */
static int window_of(keras_layer *l, window *w)
{
    const ff_shape *x = &l->inputs[0].shape;
    const char *padding = config_text(l->config, "padding", "valid");
    int first = keras_channels_last(l) ? 1 : 2;
    w->n = x->rank - 2;
    if (w->n < 1 || w->n > MOST_SPATIAL)
        return keras_fail(l, "an input of %d dimensions", x->rank);
    w->channels = x->dims[keras_channels_last(l) ? x->rank - 1 : 1];
    for (int i = 0; i < w->n; i++)
        w->sizes[i] = x->dims[first + i];
    if (!config_ints(l->config, "kernel_size", w->n, 1, w->kernel) ||
        !config_ints(l->config, "strides", w->n, 1, w->strides) ||
        !config_ints(l->config, "dilation_rate", w->n, 1, w->dilations))
        return keras_fail(l, "kernel_size, strides and dilation_rate are not %d numbers", w->n);
    for (int i = 0; i < w->n; i++)
        if (w->kernel[i] < 1 || w->strides[i] < 1 || w->dilations[i] < 1)
            return keras_fail(l, "kernel_size, strides and dilation_rate must be positive");
    w->same = strcmp(padding, "same") == 0;
    w->causal = strcmp(padding, "causal") == 0;
    if (!w->same && !w->causal && strcmp(padding, "valid") != 0)
        return keras_fail(l, "padding '%s' is not supported", padding);
    memset(w->pads, 0, sizeof w->pads);
    if (w->causal)
        w->pads[0] = w->dilations[0] * (w->kernel[0] - 1);
    return FF_OK;
}

/* The shape behind it, in the layer's own format. */
static ff_shape shape_behind(const keras_layer *l, const window *w, int64_t channels)
{
    ff_shape s = l->inputs[0].shape;
    int first = keras_channels_last(l) ? 1 : 2;
    s.dims[keras_channels_last(l) ? s.rank - 1 : 1] = channels;
    for (int i = 0; i < w->n; i++) {
        int64_t reach = w->dilations[i] * (w->kernel[i] - 1) + 1, size = w->sizes[i];
        if (size >= 0)
            s.dims[first + i] = w->same     ? (size + w->strides[i] - 1) / w->strides[i]
                                : w->causal ? (size - 1) / w->strides[i] + 1
                                            : (size - reach) / w->strides[i] + 1;
    }
    return s;
}

static int window_attrs(const window *w, ff_attr attrs[8])
{
    int n = 0;
    attrs[n++] = attr_ints("kernel_shape", w->n, w->kernel);
    attrs[n++] = attr_ints("strides", w->n, w->strides);
    if (w->same)
        attrs[n++] = attr_text("auto_pad", "SAME_UPPER");
    else
        attrs[n++] = attr_ints("pads", 2 * w->n, w->pads);
    return n;
}

/* Is there a bias, and which? False: failed. */
static bool bias_of(keras_layer *l, int index, int64_t n, const char **bias)
{
    *bias = NULL;
    if (!config_bool(l->config, "use_bias", true))
        return true;
    *bias = keras_weight_constant(l, NULL, "bias", index, NULL, 1, &n);
    return *bias != NULL;
}

/* Name of the node before the activation: the layer's, where there is none. */
static const char *last_name(keras_layer *l, const json_t *activation)
{
    bool plain = !activation || json_is_null(activation) || strcmp(config_class(activation, "linear"), "linear") == 0;
    return plain ? builder_keep(l->r->b, l->name) : keras_sub(l, "linear");
}

/* Behind the node: back to the layer's format, and its activation, under its name. */
static int finish(keras_layer *l, const char *y, const ff_shape *shape)
{
    const json_t *activation = json_object_get(l->config, "activation");
    y = keras_to_last(l, y, shape->rank, last_name(l, activation));
    y = keras_activation(l, activation, y, l->name);
    if (!y)
        return l->code;
    l->outputs[0] = (keras_value){y, *shape, l->inputs[0].masked};
    l->n_outputs = 1;
    return FF_OK;
}

/* Name of the node itself: the layer's, where nothing stands behind it. */
static const char *core_name(keras_layer *l)
{
    return keras_sub(l, l->class);
}

int keras_emit_conv(keras_layer *l)
{
    window w;
    ff_attr attrs[8];
    const char *bias;
    int code = window_of(l, &w);
    if (code)
        return code;
    int64_t filters = config_int(l->config, "filters", 0), groups = config_int(l->config, "groups", 1);
    int perm[FF_MAX_RANK] = {w.n + 1, w.n};
    for (int i = 0; i < w.n; i++)
        perm[2 + i] = i;
    const hdf5_array *kernel = keras_weight(l, NULL, "kernel", 0);
    if (kernel && kernel->tensor->rank != w.n + 2)
        return keras_fail(l, "its kernel has %d dimensions", kernel->tensor->rank);
    const char *x = keras_to_first(l, l->inputs[0].name, w.n + 2);
    const char *inputs[] = {x, keras_weight_constant(l, NULL, "kernel", 0, perm, -1, NULL), NULL};
    if (!inputs[1] || !bias_of(l, 1, filters, &bias))
        return l->code;
    inputs[2] = bias;
    int n = window_attrs(&w, attrs);
    attrs[n++] = attr_ints("dilations", w.n, w.dilations);
    attrs[n++] = attr_int("group", groups);
    const char *y = builder_node(l->r->b, "Conv", core_name(l), bias ? 3 : 2, inputs, n, attrs);
    ff_shape shape = shape_behind(l, &w, filters);
    return finish(l, y, &shape);
}

/* The convolution of each channel by itself: kernel [spatial..., C, M] as [C*M, 1, spatial...]. NULL: failed. */
static const char *depthwise(keras_layer *l, const window *w, const char *x, bool with_bias, int64_t *channels)
{
    ff_attr attrs[8];
    const char *bias = NULL;
    const hdf5_array *kernel = keras_weight(l, NULL, "depthwise_kernel", 0);
    if (!kernel)
        kernel = keras_weight(l, NULL, "kernel", 0);
    if (!kernel || kernel->tensor->rank != w->n + 2 || kernel->tensor->dims[w->n] != w->channels) {
        keras_fail(l, "the file has no 'depthwise_kernel' that fits");
        return NULL;
    }
    int perm[FF_MAX_RANK] = {w->n, w->n + 1};
    int64_t dims[FF_MAX_RANK] = {w->channels * kernel->tensor->dims[w->n + 1], 1};
    for (int i = 0; i < w->n; i++) {
        perm[2 + i] = i;
        dims[2 + i] = kernel->tensor->dims[i];
    }
    *channels = dims[0];
    origin_piece p = origin_of(kernel, perm);
    const char *inputs[] = {x, keras_constant(l, "depthwise_kernel", 1, &p, w->n + 2, dims), NULL};
    if (!inputs[1] || (with_bias && !bias_of(l, 1, *channels, &bias)))
        return NULL;
    inputs[2] = bias;
    int n = window_attrs(w, attrs);
    attrs[n++] = attr_ints("dilations", w->n, w->dilations);
    attrs[n++] = attr_int("group", w->channels);
    return builder_node(l->r->b, "Conv", with_bias ? core_name(l) : keras_sub(l, "depthwise"), bias ? 3 : 2, inputs, n,
                        attrs);
}

int keras_emit_depthwise(keras_layer *l)
{
    window w;
    int64_t channels;
    int code = window_of(l, &w);
    if (code)
        return code;
    const char *y = depthwise(l, &w, keras_to_first(l, l->inputs[0].name, w.n + 2), true, &channels);
    if (!y)
        return l->code;
    ff_shape shape = shape_behind(l, &w, channels);
    return finish(l, y, &shape);
}

int keras_emit_separable(keras_layer *l)
{
    window w;
    int64_t channels, filters = config_int(l->config, "filters", 0);
    int code = window_of(l, &w);
    if (code)
        return code;
    const char *y = depthwise(l, &w, keras_to_first(l, l->inputs[0].name, w.n + 2), false, &channels), *bias;
    int perm[FF_MAX_RANK] = {w.n + 1, w.n};
    for (int i = 0; i < w.n; i++)
        perm[2 + i] = i;
    const hdf5_array *kernel = keras_weight(l, NULL, "pointwise_kernel", 1);
    if (y && kernel && kernel->tensor->rank != w.n + 2)
        return keras_fail(l, "its pointwise kernel has %d dimensions", kernel->tensor->rank);
    const char *inputs[] = {y, y ? keras_weight_constant(l, NULL, "pointwise_kernel", 1, perm, -1, NULL) : NULL, NULL};
    if (!y || !inputs[1] || !bias_of(l, 2, filters, &bias))
        return l->code;
    inputs[2] = bias;
    y = builder_node(l->r->b, "Conv", core_name(l), bias ? 3 : 2, inputs, 0, NULL);
    ff_shape shape = shape_behind(l, &w, filters);
    return finish(l, y, &shape);
}

/* Sizes of a transposed convolution: the gradient of the convolution whose stride and padding it names. */
static void transposed_sizes(keras_layer *l, window *w, int64_t extra[MOST_SPATIAL], ff_shape *shape)
{
    int first = keras_channels_last(l) ? 1 : 2;
    int64_t given[MOST_SPATIAL];
    bool has = json_object_get(l->config, "output_padding") &&
               !json_is_null(json_object_get(l->config, "output_padding")) &&
               config_ints(l->config, "output_padding", w->n, 0, given);
    for (int i = 0; i < w->n; i++) {
        int64_t reach = w->dilations[i] * (w->kernel[i] - 1) + 1, s = w->strides[i];
        extra[i] = has ? given[i] : reach < s ? s - reach : 0;
        if (w->same && has) {
            w->pads[i] = w->pads[w->n + i] = w->kernel[i] / 2;
        } else if (w->same && reach > s) {
            w->pads[i] = (reach - s) / 2;
            w->pads[w->n + i] = reach - s - w->pads[i];
        }
        if (w->sizes[i] >= 0)
            shape->dims[first + i] = (w->sizes[i] - 1) * s + reach - w->pads[i] - w->pads[w->n + i] + extra[i];
    }
}

int keras_emit_transposed(keras_layer *l)
{
    window w;
    const char *bias;
    int64_t extra[MOST_SPATIAL], filters = config_int(l->config, "filters", 0);
    int code = window_of(l, &w);
    if (code)
        return code;
    ff_shape shape = l->inputs[0].shape;
    transposed_sizes(l, &w, extra, &shape);
    shape.dims[keras_channels_last(l) ? shape.rank - 1 : 1] = filters;
    /* [spatial..., out, in] as [in, out, spatial...] */
    int perm[FF_MAX_RANK] = {w.n + 1, w.n};
    for (int i = 0; i < w.n; i++)
        perm[2 + i] = i;
    const hdf5_array *kernel = keras_weight(l, NULL, "kernel", 0);
    if (kernel && kernel->tensor->rank != w.n + 2)
        return keras_fail(l, "its kernel has %d dimensions", kernel->tensor->rank);
    const char *inputs[] = {keras_to_first(l, l->inputs[0].name, w.n + 2),
                            keras_weight_constant(l, NULL, "kernel", 0, perm, -1, NULL), NULL};
    if (!inputs[1] || !bias_of(l, 1, filters, &bias))
        return l->code;
    inputs[2] = bias;
    ff_attr attrs[] = {attr_ints("kernel_shape", w.n, w.kernel), attr_ints("strides", w.n, w.strides),
                       attr_ints("pads", 2 * w.n, w.pads), attr_ints("dilations", w.n, w.dilations),
                       attr_ints("output_padding", w.n, extra)};
    const char *y = builder_node(l->r->b, "ConvTranspose", core_name(l), bias ? 3 : 2, inputs, FF_COUNT(attrs), attrs);
    return finish(l, y, &shape);
}

int keras_emit_dense(keras_layer *l)
{
    ff_shape shape = l->inputs[0].shape;
    int64_t units = config_int(l->config, "units", 0);
    const char *bias;
    const char *kernel = keras_weight_constant(l, NULL, "kernel", 0, NULL, -1, NULL);
    if (shape.rank < 1)
        return keras_fail(l, "an input without dimensions");
    if (!kernel || !bias_of(l, 1, units, &bias))
        return l->code;
    const json_t *activation = json_object_get(l->config, "activation");
    const char *product = bias ? keras_sub(l, "MatMul") : last_name(l, activation);
    const char *y = builder_binary(l->r->b, "MatMul", product, l->inputs[0].name, kernel);
    if (bias)
        y = builder_binary(l->r->b, "Add", last_name(l, activation), y, bias);
    shape.dims[shape.rank - 1] = units;
    y = keras_activation(l, activation, y, l->name);
    if (!y)
        return l->code;
    l->outputs[0] = (keras_value){y, shape, l->inputs[0].masked};
    l->n_outputs = 1;
    return FF_OK;
}
