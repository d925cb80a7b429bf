/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pooling and normalisation. */
#include "model/file/keras/keras.h"

#include <string.h>

enum { MOST_SPATIAL = 3 };

static void put(keras_layer *l, const char *y, const ff_shape *shape)
{
    l->outputs[0] = (keras_value){y, *shape, false};
    l->n_outputs = 1;
}

/* Max- and AveragePooling of 1 to 3 dims: averages never count the padding. */
int keras_emit_pool(keras_layer *l)
{
    ff_shape shape = l->inputs[0].shape;
    int n = shape.rank - 2, first = keras_channels_last(l) ? 1 : 2;
    int64_t kernel[MOST_SPATIAL], strides[MOST_SPATIAL];
    bool same = strcmp(config_text(l->config, "padding", "valid"), "same") == 0;
    if (n < 1 || n > MOST_SPATIAL)
        return keras_fail(l, "an input of %d dimensions", shape.rank);
    if (!config_ints(l->config, "pool_size", n, 2, kernel))
        return keras_fail(l, "pool_size is not %d numbers", n);
    if (json_is_null(json_object_get(l->config, "strides")) || !json_object_get(l->config, "strides"))
        memcpy(strides, kernel, sizeof kernel);
    else if (!config_ints(l->config, "strides", n, 1, strides))
        return keras_fail(l, "strides are not %d numbers", n);
    for (int i = 0; i < n; i++) {
        if (kernel[i] < 1 || strides[i] < 1)
            return keras_fail(l, "pool_size and strides must be positive");
        int64_t *size = &shape.dims[first + i];
        if (*size >= 0)
            *size = same ? (*size + strides[i] - 1) / strides[i] : (*size - kernel[i]) / strides[i] + 1;
    }
    ff_attr attrs[] = {attr_ints("kernel_shape", n, kernel), attr_ints("strides", n, strides),
                       attr_text("auto_pad", same ? "SAME_UPPER" : "VALID")};
    const char *x = keras_to_first(l, l->inputs[0].name, n + 2);
    const char *y = builder_unary(l->r->b, strncmp(l->class, "Max", 3) == 0 ? "MaxPool" : "AveragePool",
                                  keras_channels_last(l) ? keras_sub(l, l->class) : builder_keep(l->r->b, l->name), x,
                                  FF_COUNT(attrs), attrs);
    put(l, keras_to_last(l, y, n + 2, l->name), &shape);
    return FF_OK;
}

int keras_emit_global_pool(keras_layer *l)
{
    const ff_shape *x = &l->inputs[0].shape;
    int n = x->rank - 2, first = keras_channels_last(l) ? 1 : 2;
    bool keep = config_bool(l->config, "keepdims", false), most = strncmp(l->class, "GlobalMax", 9) == 0;
    int64_t axes[MOST_SPATIAL];
    ff_shape shape = *x;
    if (n < 1 || n > MOST_SPATIAL)
        return keras_fail(l, "an input of %d dimensions", x->rank);
    if (l->inputs[0].masked)
        return keras_fail(l, "steps that are masked are not supported here");
    shape.rank = keep ? x->rank : 2;
    for (int i = 0; i < n; i++) {
        axes[i] = first + i;
        shape.dims[first + i] = 1;
    }
    if (!keep)
        shape.dims[1] = x->dims[keras_channels_last(l) ? x->rank - 1 : 1];
    ff_attr attrs[] = {attr_ints("axes", n, axes), attr_int("keepdims", keep)};
    put(l, builder_unary(l->r->b, most ? "ReduceMax" : "ReduceMean", l->name, l->inputs[0].name, 2, attrs), &shape);
    return FF_OK;
}

/* The axis that a normalisation names, from 0; -1: not one. */
static int axis_of(const keras_layer *l, int rank)
{
    int64_t axis = config_int(l->config, "axis", -1);
    const json_t *j = json_object_get(l->config, "axis");
    if (json_is_array(j) && json_array_size(j) != 1)
        return -1;
    return axis < -rank || axis >= rank ? -1 : (int)(axis < 0 ? axis + rank : axis);
}

/* A parameter of a normalisation; where the layer has none, numbers that change nothing. NULL: failed. */
static const char *parameter(keras_layer *l, const char *role, bool has, int index, int64_t n, float otherwise)
{
    ff_tensor *t;
    if (has)
        return keras_weight_constant(l, NULL, role, index, NULL, 1, &n);
    l->code = ff_tensor_create(FF_FLOAT, 1, &n, &t);
    if (l->code)
        return NULL;
    for (int64_t i = 0; i < n; i++)
        ((float *)t->data)[i] = otherwise;
    return builder_constant(l->r->b, keras_sub(l, role), t);
}

int keras_emit_batch_norm(keras_layer *l)
{
    ff_shape shape = l->inputs[0].shape;
    builder *b = l->r->b;
    int axis = axis_of(l, shape.rank);
    if (axis < 1)
        return keras_fail(l, "normalisation over this axis is not supported");
    bool scale = config_bool(l->config, "scale", true), center = config_bool(l->config, "center", true);
    int64_t n = shape.dims[axis], there[FF_MAX_RANK] = {0, axis}, back[FF_MAX_RANK] = {0};
    for (int i = 2, k = 1; i < shape.rank; i++, k++) {
        k += k == axis;
        there[i] = k;
    }
    for (int i = 0; i < shape.rank; i++)
        back[there[i]] = i;
    bool moved = axis != 1;
    const char *x = l->inputs[0].name;
    if (moved)
        x = builder_transpose(b, keras_sub(l, "to_channels_first"), x, shape.rank, there);
    int first = scale + center;
    const char *inputs[] = {x, parameter(l, "gamma", scale, 0, n, 1), parameter(l, "beta", center, scale, n, 0),
                            parameter(l, "moving_mean", true, first, n, 0),
                            parameter(l, "moving_variance", true, first + 1, n, 1)};
    if (!inputs[1] || !inputs[2] || !inputs[3] || !inputs[4])
        return l->code;
    ff_attr epsilon = attr_real("epsilon", config_real(l->config, "epsilon", 1e-3));
    const char *y = builder_node(b, "BatchNormalization", moved ? keras_sub(l, l->class) : builder_keep(b, l->name), 5,
                                 inputs, 1, &epsilon);
    put(l, moved ? builder_transpose(b, l->name, y, shape.rank, back) : y, &shape);
    l->outputs[0].masked = l->inputs[0].masked;
    return FF_OK;
}

int keras_emit_layer_norm(keras_layer *l)
{
    ff_shape shape = l->inputs[0].shape;
    int axis = axis_of(l, shape.rank);
    bool scale = config_bool(l->config, "scale", true), center = config_bool(l->config, "center", true);
    if (axis < 1 || axis != shape.rank - 1)
        return keras_fail(l, "only normalisation over the last axis is supported");
    const char *inputs[] = {l->inputs[0].name, parameter(l, "gamma", scale, 0, shape.dims[axis], 1),
                            parameter(l, "beta", center, scale, shape.dims[axis], 0)};
    if (!inputs[1] || !inputs[2])
        return l->code;
    ff_attr attrs[] = {attr_int("axis", -1), attr_real("epsilon", config_real(l->config, "epsilon", 1e-3))};
    put(l, builder_node(l->r->b, "LayerNormalization", l->name, 3, inputs, 2, attrs), &shape);
    l->outputs[0].masked = l->inputs[0].masked;
    return FF_OK;
}
