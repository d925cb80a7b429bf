/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "writer.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *say(writer *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char text[512];
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return ff_arena_strdup(w->arena, text);
}

/* The name of a node or value of a layer, as the style's makers write it. */
const char *name_of(writer *w, const layer *l, const char *what)
{
    switch (w->s->names) {
    case NAMES_TORCH:
        return say(w, "/%s/%s/%s", w->n->name, l->name, what);
    case NAMES_TF:
        return say(w, "model/%s/%s", l->name, what);
    case NAMES_TFLITE:
        return say(w, "model/%s/%s;model/%s/BiasAdd", l->name, what, l->name);
    case NAMES_LOST:
        return say(w, "%s__%d", what, ++w->counter);
    }
    return "";
}

const char *weight_name(writer *w, const layer *l, const char *what)
{
    switch (w->s->names) {
    case NAMES_TORCH:
        return say(w, "%s.%s", l->name, what);
    case NAMES_TF:
        return say(w, "model/%s/%s/ReadVariableOp:0", l->name, what);
    case NAMES_TFLITE:
        return say(w, "model/%s/%s/ReadVariableOp;model/%s", l->name, what, l->name);
    case NAMES_LOST:
        return say(w, "const_fold_opt__%d", ++w->counter);
    }
    return "";
}

ff_attr ints_attr(writer *w, const char *name, const int *values, int count)
{
    int64_t *ints = ff_arena_alloc(w->arena, (size_t)count * sizeof *ints);
    for (int i = 0; i < count; i++)
        ints[i] = values[i];
    return (ff_attr){.name = name, .type = FF_ATTR_INTS, .n = (size_t)count, .ints = ints};
}

ff_attr int_attr(const char *name, int64_t value)
{
    return (ff_attr){.name = name, .type = FF_ATTR_INT, .i = value};
}

ff_attr float_attr(const char *name, float value)
{
    return (ff_attr){.name = name, .type = FF_ATTR_FLOAT, .f = value};
}

ff_attr text_attr(const char *name, const char *text)
{
    return (ff_attr){.name = name, .type = FF_ATTR_STRING, .s = text, .s_len = strlen(text)};
}

const char *node(writer *w, const char *op, const char *name, const char *const *in, int n_in, const ff_attr *attrs,
                 int n_attrs)
{
    const char *out = w->s->names == NAMES_TORCH ? say(w, "%s_output_0", name) : say(w, "%s:0", name);
    ff_node_spec spec = {.name = name,
                         .op = op,
                         .domain = "",
                         .n_inputs = n_in,
                         .inputs = in,
                         .n_outputs = 1,
                         .outputs = &out,
                         .n_attrs = n_attrs,
                         .attrs = attrs};
    ff_patch_insert_node(w->patch, &spec, NULL);
    return out;
}

const char *unary(writer *w, const char *op, const char *name, const char *in, const ff_attr *attrs, int n_attrs)
{
    return node(w, op, name, &in, 1, attrs, n_attrs);
}

const char *binary(writer *w, const char *op, const char *name, const char *a, const char *b)
{
    return node(w, op, name, (const char *[]){a, b}, 2, NULL, 0);
}

static const ff_tensor *tensor_of(writer *w, ff_dtype type, int rank, const int64_t *dims, const void *data)
{
    ff_tensor *t;
    if (ff_tensor_create(type, rank, dims, &t) != FF_OK) {
        w->failed = true;
        return NULL;
    }
    memcpy(t->data, data, t->bytes);
    return t;
}

const char *initializer(writer *w, const char *name, int rank, const int64_t *dims, const float *data)
{
    const ff_tensor *t = tensor_of(w, FF_FLOAT, rank, dims, data);
    if (t)
        ff_patch_set_initializer(w->patch, name, t);
    ff_tensor_unref(t);
    return name;
}

const char *ints_initializer(writer *w, const char *name, const int64_t *data, int count)
{
    const ff_tensor *t = tensor_of(w, FF_INT64, 1, (int64_t[]){count}, data);
    if (t)
        ff_patch_set_initializer(w->patch, name, t);
    ff_tensor_unref(t);
    return name;
}

const char *scalar(writer *w, const char *name, float value)
{
    return initializer(w, name, 0, NULL, &value);
}

/* As int8 with a scale a channel (four axes) or one for all, and a node that makes numbers of them again. */
static const char *dequantized(writer *w, const char *name, int rank, const int64_t *dims, const float *data)
{
    int64_t n = 1, groups = rank == 4 ? dims[0] : 1;
    for (int i = 0; i < rank; i++)
        n *= dims[i];
    int8_t *levels = ff_alloc_array((size_t)n, sizeof *levels), *zero = ff_alloc_array((size_t)groups, sizeof *zero);
    float *scales = ff_alloc_array((size_t)groups, sizeof *scales);
    for (int64_t g = 0; g < groups; g++) {
        const float *from = data + g * (n / groups);
        float largest = 0;
        for (int64_t k = 0; k < n / groups; k++)
            largest = fmaxf(largest, fabsf(from[k]));
        scales[g] = largest > 0 ? largest / 127 : 1;
        for (int64_t k = 0; k < n / groups; k++)
            levels[g * (n / groups) + k] = (int8_t)nearbyintf(from[k] / scales[g]);
    }
    const char *in[] = {say(w, "%s_quant", name), say(w, "%s_scale", name), say(w, "%s_zero_point", name)};
    const struct {
        ff_dtype type;
        int rank;
        const int64_t *dims;
        const void *data;
    } parts[] = {
        {FF_INT8, rank, dims, levels}, {FF_FLOAT, rank == 4, &groups, scales}, {FF_INT8, rank == 4, &groups, zero}};
    for (size_t i = 0; i < FF_COUNT(parts); i++) {
        const ff_tensor *t = tensor_of(w, parts[i].type, parts[i].rank, parts[i].dims, parts[i].data);
        if (t)
            ff_patch_set_initializer(w->patch, in[i], t);
        ff_tensor_unref(t);
    }
    free(levels);
    free(zero);
    free(scales);
    ff_attr axis = int_attr("axis", 0);
    return node(w, "DequantizeLinear", say(w, "%s/DequantizeLinear", name), in, 3, &axis, rank == 4);
}

/* A weight the way the style wraps it. */
const char *weight(writer *w, const layer *l, const char *what, int rank, const int64_t *dims, const float *data)
{
    const char *name = weight_name(w, l, what);
    int kind = w->s->weights;
    if (kind == WEIGHTS_DEQUANTIZE && l->n_weight >= INT8_LEAST)
        return dequantized(w, name, rank, dims, data);
    switch (kind) {
    case WEIGHTS_DIRECT:
        return initializer(w, name, rank, dims, data);
    case WEIGHTS_CONSTANT: {
        const ff_tensor *t = tensor_of(w, FF_FLOAT, rank, dims, data);
        ff_attr value = {.name = "value", .type = FF_ATTR_TENSOR, .t = t};
        const char *out = t ? node(w, "Constant", say(w, "%s/Constant", name), NULL, 0, &value, 1) : "";
        ff_tensor_unref(t);
        return out;
    }
    case WEIGHTS_DEQUANTIZE:
    case WEIGHTS_IDENTITY:
        return unary(w, "Identity", say(w, "%s/Identity", name), initializer(w, name, rank, dims, data), NULL, 0);
    case WEIGHTS_TRANSPOSE: {
        if (rank != 4)
            return initializer(w, name, rank, dims, data);
        /* Kept as HWIO, as TensorFlow does, with a Transpose back. */
        const ff_tensor *t = tensor_of(w, FF_FLOAT, rank, dims, data);
        ff_tensor *turned = NULL;
        if (!t || ff_tensor_transpose(t, (int[]){2, 3, 1, 0}, &turned) != FF_OK)
            w->failed = true;
        else
            ff_patch_set_initializer(w->patch, name, turned);
        ff_tensor_unref(t);
        ff_tensor_unref(turned);
        ff_attr perm = ints_attr(w, "perm", (int[]){3, 2, 0, 1}, 4);
        return unary(w, "Transpose", say(w, "%s/Transpose", name), name, &perm, 1);
    }
    }
    return name;
}

/* The value of a layer in the layout asked for. */
const char *in_layout(writer *w, int layer_number, bool nhwc)
{
    if (w->nhwc[layer_number] == nhwc)
        return w->value[layer_number];
    ff_attr perm = ints_attr(w, "perm", nhwc ? (int[]){0, 2, 3, 1} : (int[]){0, 3, 1, 2}, 4);
    return unary(w, "Transpose", name_of(w, &w->n->layers[layer_number], say(w, "Transpose_%d", ++w->counter)),
                 w->value[layer_number], &perm, 1);
}
