/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Layers of several inputs, and arithmetic with numbers of the config. */
#include "model/file/keras/keras.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The shape of two that broadcast. */
static ff_shape broadcast(const ff_shape *a, const ff_shape *b)
{
    ff_shape s = a->rank >= b->rank ? *a : *b;
    const ff_shape *other = a->rank >= b->rank ? b : a;
    for (int i = 0; i < other->rank; i++) {
        int64_t *at = &s.dims[s.rank - other->rank + i];
        if (*at == 1 || (*at < 0 && other->dims[i] > 1))
            *at = other->dims[i];
    }
    return s;
}

static int put(keras_layer *l, const char *y, const ff_shape *shape)
{
    l->outputs[0] = (keras_value){y, *shape, false};
    l->n_outputs = 1;
    return FF_OK;
}

static int concatenate(keras_layer *l)
{
    ff_shape shape = l->inputs[0].shape;
    int64_t axis = config_int(l->config, "axis", -1);
    const char *inputs[64];
    axis += axis < 0 ? shape.rank : 0;
    if (axis < 0 || axis >= shape.rank || l->n_inputs > 64)
        return keras_fail(l, "its axis is none of the input's");
    shape.dims[axis] = 0;
    for (int i = 0; i < l->n_inputs; i++) {
        const ff_shape *x = &l->inputs[i].shape;
        inputs[i] = l->inputs[i].name;
        if (x->rank != shape.rank)
            return keras_fail(l, "inputs of different rank");
        shape.dims[axis] = x->dims[axis] < 0 || shape.dims[axis] < 0 ? -1 : shape.dims[axis] + x->dims[axis];
    }
    ff_attr a = attr_int("axis", axis);
    return put(l, builder_node(l->r->b, "Concat", l->name, l->n_inputs, inputs, 1, &a), &shape);
}

int keras_emit_merge(keras_layer *l)
{
    static const char *const ops[][2] = {{"Add", "Add"},     {"Subtract", "Sub"}, {"Multiply", "Mul"},
                                         {"Average", "Add"}, {"Maximum", "Max"},  {"Minimum", "Min"}};
    const char *op = NULL;
    if (l->n_inputs < 1)
        return keras_fail(l, "no input");
    if (strcmp(l->class, "Concatenate") == 0)
        return concatenate(l);
    if (l->n_inputs == 1) /* Keras 3 writes x + 1 as an operation of the same name */
        return keras_emit_arithmetic(l);
    for (size_t i = 0; i < FF_COUNT(ops); i++)
        if (strcmp(ops[i][0], l->class) == 0)
            op = ops[i][1];
    bool mean = strcmp(l->class, "Average") == 0;
    const char *y = l->inputs[0].name;
    ff_shape shape = l->inputs[0].shape;
    for (int i = 1; i < l->n_inputs; i++) {
        shape = broadcast(&shape, &l->inputs[i].shape);
        y = builder_binary(l->r->b, op,
                           i + 1 < l->n_inputs || mean ? keras_sub(l, "partial") : builder_keep(l->r->b, l->name), y,
                           l->inputs[i].name);
    }
    if (mean)
        y = builder_binary(l->r->b, "Mul", l->name, y, builder_real(l->r->b, keras_sub(l, "share"), 1.0 / l->n_inputs));
    return put(l, y, &shape);
}

/* The first number in what a layer was called with. */
static const json_t *number_in(const json_t *j, int depth)
{
    const json_t *found = json_is_number(j) ? j : NULL, *v;
    const char *key;
    size_t i;
    if (depth > 8 || found)
        return found;
    /* A reference to a value has numbers of its own, which are none of the arithmetic. */
    if (json_is_object(j) && strcmp(config_text(j, "class_name", ""), "__keras_tensor__") == 0)
        return NULL;
    if (json_is_array(j) && json_is_string(json_array_get(j, 0)))
        return NULL;
    json_array_foreach(j, i, v)
    {
        if (!found)
            found = number_in(v, depth + 1);
    }
    json_object_foreach((json_t *)(uintptr_t)j, key, v)
    {
        if (!found)
            found = number_in(v, depth + 1);
    }
    return found;
}

/* TFOpLambda and Keras 3's operations: a value and a number, or two values. */
int keras_emit_arithmetic(keras_layer *l)
{
    static const char *const ops[][2] = {
        {"math.add", "Add"},       {"__operators__.add", "Add"}, {"Add", "Add"},        {"math.subtract", "Sub"},
        {"Subtract", "Sub"},       {"math.multiply", "Mul"},     {"Multiply", "Mul"},   {"math.truediv", "Div"},
        {"math.divide", "Div"},    {"TrueDivide", "Div"},        {"Divide", "Div"},     {"nn.relu", "Relu"},
        {"nn.sigmoid", "Sigmoid"}, {"math.sigmoid", "Sigmoid"},  {"math.tanh", "Tanh"}, {"nn.relu6", "relu6"},
        {"Relu", "Relu"},          {"Relu6", "relu6"},
    };
    const char *function = strcmp(l->class, "TFOpLambda") == 0 ? config_text(l->config, "function", "?") : l->class;
    const char *op = NULL;
    for (size_t i = 0; i < FF_COUNT(ops); i++)
        if (strcmp(ops[i][0], function) == 0)
            op = ops[i][1];
    if (!op || l->n_inputs < 1 || l->n_inputs > 2)
        return keras_fail(l, "the function '%s' is not supported", function);
    ff_shape shape = l->inputs[0].shape;
    if (strcmp(op, "relu6") == 0) {
        json_t *six = json_string("relu6");
        const char *y = keras_activation(l, six, l->inputs[0].name, l->name);
        json_decref(six);
        return y ? put(l, y, &shape) : l->code;
    }
    if (strcmp(op, "Relu") == 0 || strcmp(op, "Sigmoid") == 0 || strcmp(op, "Tanh") == 0)
        return put(l, builder_unary(l->r->b, op, l->name, l->inputs[0].name, 0, NULL), &shape);
    const char *y;
    if (l->n_inputs == 2) {
        shape = broadcast(&shape, &l->inputs[1].shape);
        y = l->inputs[1].name;
    } else {
        const json_t *number = number_in(l->call, 0);
        if (!number)
            return keras_fail(l, "the function '%s' of one value is not supported", function);
        y = builder_real(l->r->b, keras_sub(l, "number"), json_number_value(number));
    }
    return put(l, builder_binary(l->r->b, op, l->name, l->inputs[0].name, y), &shape);
}

/* x * scale + offset; numbers, or one a channel of the last axis. */
int keras_emit_rescaling(keras_layer *l)
{
    builder *b = l->r->b;
    const char *y = builder_binary(b, "Mul", keras_sub(l, "Mul"), l->inputs[0].name,
                                   builder_real(b, keras_sub(l, "scale"), config_real(l->config, "scale", 1)));
    if (json_is_array(json_object_get(l->config, "scale")) || json_is_array(json_object_get(l->config, "offset")))
        return keras_fail(l, "a scale for each channel is not supported");
    y = builder_binary(b, "Add", l->name, y,
                       builder_real(b, keras_sub(l, "offset"), config_real(l->config, "offset", 0)));
    return put(l, y, &l->inputs[0].shape);
}

/* (x - mean) / max(sqrt(variance), epsilon) over the last axis; the numbers are weights. */
int keras_emit_normalization(keras_layer *l)
{
    builder *b = l->r->b;
    int64_t axis = config_int(l->config, "axis", -1);
    if (axis != -1 && axis != l->inputs[0].shape.rank - 1)
        return keras_fail(l, "normalisation over this axis is not supported");
    const char *mean = keras_weight_constant(l, NULL, "mean", 0, NULL, -1, NULL);
    const char *variance = mean ? keras_weight_constant(l, NULL, "variance", 1, NULL, -1, NULL) : NULL;
    if (!variance)
        return l->code;
    const char *y = builder_binary(b, "Sub", keras_sub(l, "Sub"), l->inputs[0].name, mean);
    const char *root = builder_unary(b, "Sqrt", keras_sub(l, "Sqrt"), variance, 0, NULL);
    root = builder_binary(b, "Max", keras_sub(l, "Max"), root, builder_real(b, keras_sub(l, "epsilon"), 1e-7));
    return put(l, builder_binary(b, "Div", l->name, y, root), &l->inputs[0].shape);
}
