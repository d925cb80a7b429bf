/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "style.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    style style;
} styles[] = {
    {"torch", {.producer = "pytorch 1.13.1", .opset = 13, .ir_version = 7, .names = NAMES_TORCH,
               .softmax = false}},
    {"tf2onnx", {.producer = "tf2onnx 1.14.0", .opset = 13, .ir_version = 7, .names = NAMES_TF,
                 .input = INPUT_NHWC, .pads = PADS_AUTO, .clip = CLIP_MIN_MAX, .bias = BIAS_ADD,
                 .pool = POOL_REDUCE_MEAN, .flat = FLAT_SQUEEZE, .dense = DENSE_MATMUL,
                 .softmax = true, .symbolic_batch = true}},
    {"keras", {.producer = "tf2onnx 1.9.3", .opset = 11, .ir_version = 6, .names = NAMES_TF,
               .input = INPUT_NHWC, .pads = PADS_NODE, .pool = POOL_GLOBAL, .flat = FLAT_SQUEEZE,
               .dense = DENSE_GEMM_PLAIN, .softmax = true, .symbolic_batch = true}},
    {"tflite", {.producer = "tf2onnx 1.14.0", .opset = 13, .ir_version = 7, .names = NAMES_TFLITE,
                .input = INPUT_NHWC, .pads = PADS_NODE, .norm = NORM_MUL_ADD, .clip = CLIP_MIN_MAX,
                .pool = POOL_REDUCE_MEAN, .flat = FLAT_RESHAPE, .dense = DENSE_CONV,
                .softmax = true}},
    {"onnx-tf", {.producer = "tf2onnx 1.14.0", .opset = 12, .ir_version = 7, .names = NAMES_LOST,
                 .input = INPUT_NHWC, .transposes = TRANSPOSE_AROUND, .pads = PADS_NODE,
                 .bias = BIAS_ADD, .pool = POOL_REDUCE_MEAN, .flat = FLAT_RESHAPE,
                 .dense = DENSE_MATMUL, .weights = WEIGHTS_TRANSPOSE, .softmax = true}},
    {"unfolded", {.producer = "keras2onnx 1.7.0", .opset = 9, .ir_version = 5, .names = NAMES_TF,
                  .input = INPUT_NHWC, .pads = PADS_AUTO, .norm = NORM_NODE, .pool = POOL_AVERAGE,
                  .flat = FLAT_FLATTEN, .dense = DENSE_MATMUL, .weights = WEIGHTS_IDENTITY,
                  .softmax = true}},
};

const char *style_at(int i)
{
    return i >= 0 && i < (int)FF_COUNT(styles) ? styles[i].name : NULL;
}

const style *style_find(const char *name)
{
    for (size_t i = 0; i < FF_COUNT(styles); i++)
        if (!strcmp(styles[i].name, name))
            return &styles[i].style;
    return NULL;
}

/* ------------------------------------------------------------------------------------ writer */

typedef struct writer {
    const network *n;
    const style *s;
    ff_patch *patch;
    ff_arena *arena;
    const char **value; /* name of each layer's value */
    bool *nhwc;         /* is it laid out NHWC? */
    int counter;        /* for lost names */
    bool failed;
} writer;

static const char *say(writer *w, const char *format, ...) FF_PRINTF(2, 3);
static const char *say(writer *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char text[512];
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return ff_arena_strdup(w->arena, text);
}

/* The name of a node or value of a layer, as the style's makers write it. */
static const char *name_of(writer *w, const layer *l, const char *what)
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

static const char *weight_name(writer *w, const layer *l, const char *what)
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

static ff_attr ints_attr(writer *w, const char *name, const int *values, int count)
{
    int64_t *ints = ff_arena_alloc(w->arena, (size_t)count * sizeof *ints);
    for (int i = 0; i < count; i++)
        ints[i] = values[i];
    return (ff_attr){.name = name, .type = FF_ATTR_INTS, .n = (size_t)count, .ints = ints};
}

static ff_attr int_attr(const char *name, int64_t value)
{
    return (ff_attr){.name = name, .type = FF_ATTR_INT, .i = value};
}

static ff_attr float_attr(const char *name, float value)
{
    return (ff_attr){.name = name, .type = FF_ATTR_FLOAT, .f = value};
}

static const char *node(writer *w, const char *op, const char *name, const char *const *in, int n_in,
                        const ff_attr *attrs, int n_attrs)
{
    const char *out = w->s->names == NAMES_TORCH ? say(w, "%s_output_0", name) : say(w, "%s:0", name);
    ff_node_spec spec = {.name = name, .op = op, .domain = "", .n_inputs = n_in, .inputs = in,
                         .n_outputs = 1, .outputs = &out, .n_attrs = n_attrs, .attrs = attrs};
    ff_patch_insert_node(w->patch, &spec, NULL);
    return out;
}

static const char *unary(writer *w, const char *op, const char *name, const char *in,
                         const ff_attr *attrs, int n_attrs)
{
    return node(w, op, name, &in, 1, attrs, n_attrs);
}

static const char *binary(writer *w, const char *op, const char *name, const char *a, const char *b)
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

static const char *initializer(writer *w, const char *name, int rank, const int64_t *dims, const float *data)
{
    const ff_tensor *t = tensor_of(w, FF_FLOAT, rank, dims, data);
    if (t)
        ff_patch_set_initializer(w->patch, name, t);
    ff_tensor_unref(t);
    return name;
}

static const char *ints_initializer(writer *w, const char *name, const int64_t *data, int count)
{
    const ff_tensor *t = tensor_of(w, FF_INT64, 1, (int64_t[]){count}, data);
    if (t)
        ff_patch_set_initializer(w->patch, name, t);
    ff_tensor_unref(t);
    return name;
}

static const char *scalar(writer *w, const char *name, float value)
{
    return initializer(w, name, 0, NULL, &value);
}

/* A weight the way the style wraps it. */
static const char *weight(writer *w, const layer *l, const char *what, int rank, const int64_t *dims,
                          const float *data)
{
    const char *name = weight_name(w, l, what);
    switch (w->s->weights) {
    case WEIGHTS_DIRECT:
        return initializer(w, name, rank, dims, data);
    case WEIGHTS_CONSTANT: {
        const ff_tensor *t = tensor_of(w, FF_FLOAT, rank, dims, data);
        ff_attr value = {.name = "value", .type = FF_ATTR_TENSOR, .t = t};
        const char *out = t ? node(w, "Constant", say(w, "%s/Constant", name), NULL, 0, &value, 1) : "";
        ff_tensor_unref(t);
        return out;
    }
    case WEIGHTS_IDENTITY:
        return unary(w, "Identity", say(w, "%s/Identity", name),
                     initializer(w, name, rank, dims, data), NULL, 0);
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
static const char *in_layout(writer *w, int layer_number, bool nhwc)
{
    if (w->nhwc[layer_number] == nhwc)
        return w->value[layer_number];
    ff_attr perm = ints_attr(w, "perm", nhwc ? (int[]){0, 2, 3, 1} : (int[]){0, 3, 1, 2}, 4);
    return unary(w, "Transpose",
                 name_of(w, &w->n->layers[layer_number], say(w, "Transpose_%d", ++w->counter)),
                 w->value[layer_number], &perm, 1);
}

/* -------------------------------------------------------------------------------------- layers */

static const char *activate(writer *w, const layer *l, const char *x)
{
    if (l->act == LINEAR)
        return x;
    if (l->act == RELU)
        return unary(w, "Relu", name_of(w, l, "Relu"), x, NULL, 0);
    if (w->s->clip == CLIP_MIN_MAX) {
        const char *zero = scalar(w, weight_name(w, l, "relu6_min"), 0);
        const char *six = scalar(w, weight_name(w, l, "relu6_max"), l->act_max);
        x = binary(w, "Max", name_of(w, l, "Relu6_max"), x, zero);
        return binary(w, "Min", name_of(w, l, "Relu6"), x, six);
    }
    if (w->s->opset < 11)
        return unary(w, "Clip", name_of(w, l, "Relu6"), x,
                     (ff_attr[]){float_attr("min", 0), float_attr("max", l->act_max)}, 2);
    const char *in[] = {x, scalar(w, weight_name(w, l, "clip_min"), 0),
                        scalar(w, weight_name(w, l, "clip_max"), l->act_max)};
    return node(w, "Clip", name_of(w, l, "Clip"), in, 3, NULL, 0);
}

static bool is_same_upper(const layer *l, const layer *from)
{
    for (int axis = 0; axis < 2; axis++) {
        int size = axis ? from->width : from->height;
        int out = (size + l->stride[axis] - 1) / l->stride[axis];
        int total = (out - 1) * l->stride[axis] + l->kernel[axis] - size;
        total = total > 0 ? total : 0;
        if (l->pads[axis] != total / 2 || l->pads[axis + 2] != total - total / 2)
            return false;
    }
    return true;
}

/* Pads as a node of its own; `value` 0 for convolutions. */
static const char *pad_node(writer *w, const layer *l, int number, const char *x, float value)
{
    const int *p = l->pads;
    int64_t pads[8] = {0, 0, p[0], p[1], 0, 0, p[2], p[3]};
    if (w->s->swapped_pads == number && number)
        memcpy(pads, (int64_t[]){0, 0, p[2], p[3], 0, 0, p[0], p[1]}, sizeof pads);
    if (w->s->opset < 11) {
        int ints[8];
        for (int i = 0; i < 8; i++)
            ints[i] = (int)pads[i];
        ff_attr attrs[] = {ints_attr(w, "pads", ints, 8), float_attr("value", value)};
        return unary(w, "Pad", name_of(w, l, "Pad"), x, attrs, 2);
    }
    const char *in[] = {x, ints_initializer(w, weight_name(w, l, "pads"), pads, 8),
                        value != 0 ? scalar(w, weight_name(w, l, "pad_value"), value) : NULL};
    return node(w, "Pad", name_of(w, l, "Pad"), in, value != 0 ? 3 : 2, NULL, 0);
}

/* Attributes of a window (kernel, strides, pads); pads may become a node before x. */
static int window_attrs(writer *w, const layer *l, int number, const char **x, bool conv, ff_attr *attrs)
{
    const layer *from = &w->n->layers[l->in[0]];
    bool zero = !l->pads[0] && !l->pads[1] && !l->pads[2] && !l->pads[3];
    bool plain = w->s->pads == PADS_OMITTED;
    int count = 0;
    attrs[count++] = ints_attr(w, "kernel_shape", l->kernel, 2);
    if (!plain || l->stride[0] != 1 || l->stride[1] != 1)
        attrs[count++] = ints_attr(w, "strides", l->stride, 2);
    if (conv && !plain)
        attrs[count++] = ints_attr(w, "dilations", (int[]){1, 1}, 2);
    if (conv && (!plain || l->group != 1))
        attrs[count++] = int_attr("group", l->group);
    if (w->s->pads == PADS_NODE && !zero && conv)
        *x = pad_node(w, l, number, *x, 0);
    else if (w->s->pads == PADS_AUTO && is_same_upper(l, from))
        attrs[count++] = (ff_attr){.name = "auto_pad", .type = FF_ATTR_STRING, .s = "SAME_UPPER", .s_len = 10};
    else if (!zero || !plain)
        attrs[count++] = ints_attr(w, "pads", l->pads, 4);
    return count;
}

/* y = x * k + d by channel, as two nodes. */
static const char *mul_add(writer *w, const layer *l, const char *x, const float *k, const float *d)
{
    int64_t dims[] = {1, l->channels, 1, 1};
    x = binary(w, "Mul", name_of(w, l, "mul"), x, initializer(w, weight_name(w, l, "mul"), 4, dims, k));
    return binary(w, "Add", name_of(w, l, "add"), x, initializer(w, weight_name(w, l, "add"), 4, dims, d));
}

static const char *norm_node(writer *w, const layer *l, const char *x)
{
    int64_t dims[] = {l->channels};
    const char *in[] = {x, initializer(w, weight_name(w, l, "gamma"), 1, dims, l->scale),
                        initializer(w, weight_name(w, l, "beta"), 1, dims, l->shift),
                        initializer(w, weight_name(w, l, "moving_mean"), 1, dims, l->mean),
                        initializer(w, weight_name(w, l, "moving_variance"), 1, dims, l->variance)};
    ff_attr attrs[] = {float_attr("epsilon", l->epsilon), float_attr("momentum", 0.0f),
                       int_attr("training_mode", 1)};
    if (!w->s->calibrate_batch)
        return node(w, "BatchNormalization", name_of(w, l, "BatchNorm"), in, 5, attrs, 1);
    const char *out[] = {say(w, "%s/y", l->name), say(w, "%s/mean", l->name), say(w, "%s/variance", l->name)};
    ff_node_spec spec = {.name = l->name, .op = "BatchNormalization", .domain = "", .n_inputs = 5, .inputs = in,
                         .n_outputs = 3, .outputs = out, .n_attrs = 3, .attrs = attrs};
    ff_patch_insert_node(w->patch, &spec, NULL);
    ff_shape shape = {FF_FLOAT, 1, {l->channels}};
    ff_patch_add_output(w->patch, out[1], &shape);
    ff_patch_add_output(w->patch, out[2], &shape);
    return out[0];
}

/* The two numbers a channel that batch normalisation comes down to. */
static void affine_of(const layer *l, float *k, float *d)
{
    for (int c = 0; c < l->channels; c++) {
        double s = l->batchnorm ? l->scale[c] / sqrt((double)l->variance[c] + l->epsilon) : 1;
        k[c] = (float)s;
        d[c] = l->batchnorm ? (float)(l->shift[c] - s * l->mean[c]) : l->bias[c];
    }
}

static const char *write_norm(writer *w, const layer *l, const char *x)
{
    float *k = ff_arena_alloc(w->arena, (size_t)l->channels * sizeof *k);
    float *d = ff_arena_alloc(w->arena, (size_t)l->channels * sizeof *d);
    affine_of(l, k, d);
    bool apart = w->s->norm == NORM_MUL_ADD && !w->s->calibrate_batch;
    return apart ? mul_add(w, l, x, k, d) : norm_node(w, l, x);
}

static const char *write_conv(writer *w, const layer *l, int number, const char *x)
{
    ff_attr attrs[6];
    int n_attrs = window_attrs(w, l, number, &x, true, attrs);
    int64_t channels = l->channels;
    int64_t dims[] = {channels, w->n->layers[l->in[0]].channels / l->group, l->kernel[0], l->kernel[1]};
    int64_t per_channel = l->n_weight / channels;
    float *k = ff_arena_alloc(w->arena, (size_t)channels * sizeof *k);
    float *d = ff_arena_alloc(w->arena, (size_t)channels * sizeof *d);
    float *folded = NULL;
    affine_of(l, k, d);
    bool fold = l->batchnorm && w->s->norm == NORM_FOLDED && !w->s->calibrate_batch;
    if (fold) {
        folded = ff_alloc_array((size_t)l->n_weight, sizeof *folded);
        for (int64_t i = 0; i < l->n_weight; i++)
            folded[i] = l->weight[i] * k[i / per_channel];
    }
    bool bias = fold || !l->batchnorm;
    bool bias_input = bias && w->s->bias == BIAS_INPUT;
    const char *in[] = {x, weight(w, l, "weight", 4, dims, folded ? folded : l->weight), NULL};
    if (bias_input)
        in[2] = initializer(w, weight_name(w, l, "bias"), 1, &channels, d);
    free(folded);
    x = node(w, "Conv", name_of(w, l, "Conv2D"), in, bias_input ? 3 : 2, attrs, n_attrs);
    if (bias && !bias_input)
        x = binary(w, "Add", name_of(w, l, "BiasAdd"), x,
                   initializer(w, weight_name(w, l, "bias"), 4, (int64_t[]){1, channels, 1, 1}, d));
    if (!bias)
        x = write_norm(w, l, x);
    return activate(w, l, x);
}

static const char *write_pool(writer *w, const layer *l, int number, const char *x)
{
    ff_attr attrs[6];
    bool max = l->kind == LAYER_MAX_POOL;
    int n_attrs = window_attrs(w, l, number, &x, false, attrs);
    return unary(w, max ? "MaxPool" : "AveragePool", name_of(w, l, max ? "MaxPool" : "AvgPool"), x, attrs, n_attrs);
}

/* [N,C,1,1] (or [N,C], as ReduceMean without kept axes gives) */
static const char *write_global_pool(writer *w, const layer *l, const char *x)
{
    const layer *from = &w->n->layers[l->in[0]];
    int size[] = {from->height, from->width};
    ff_attr attrs[] = {ints_attr(w, "axes", (int[]){2, 3}, 2), int_attr("keepdims", 1)};
    ff_attr kernel = ints_attr(w, "kernel_shape", size, 2);
    switch (w->s->pool) {
    case POOL_GLOBAL:
        return unary(w, "GlobalAveragePool", name_of(w, l, "GlobalAveragePool"), x, NULL, 0);
    case POOL_AVERAGE:
        return unary(w, "AveragePool", name_of(w, l, "AvgPool"), x, &kernel, 1);
    case POOL_REDUCE_MEAN:
        if (w->s->opset < 18)
            return unary(w, "ReduceMean", name_of(w, l, "Mean"), x, attrs, 2);
        return node(w, "ReduceMean", name_of(w, l, "Mean"),
                    (const char *[]){x, ints_initializer(w, weight_name(w, l, "axes"), (int64_t[]){2, 3}, 2)}, 2,
                    &attrs[1], 1);
    }
    return x;
}

static const char *write_flat(writer *w, const layer *l, const char *x)
{
    ff_attr axes = ints_attr(w, "axes", (int[]){2, 3}, 2);
    switch (w->s->flat) {
    case FLAT_FLATTEN:
        return unary(w, "Flatten", name_of(w, l, "flatten"), x, NULL, 0);
    case FLAT_RESHAPE:
        return binary(w, "Reshape", name_of(w, l, "Reshape"), x,
                      ints_initializer(w, weight_name(w, l, "shape"),
                                       (int64_t[]){-1, w->n->layers[l->in[0]].channels}, 2));
    case FLAT_SQUEEZE:
        if (w->s->opset < 13)
            return unary(w, "Squeeze", name_of(w, l, "Squeeze"), x, &axes, 1);
        return binary(w, "Squeeze", name_of(w, l, "Squeeze"), x,
                      ints_initializer(w, weight_name(w, l, "squeeze_axes"), (int64_t[]){2, 3}, 2));
    }
    return x;
}

static const char *write_dense(writer *w, const layer *l, const char *x)
{
    int64_t out = l->channels, in = w->n->layers[l->in[0]].channels;
    float *turned = ff_alloc_array((size_t)l->n_weight, sizeof *turned); /* [in][out] */
    for (int64_t i = 0; i < l->n_weight; i++)
        turned[i % in * out + i / in] = l->weight[i];
    ff_attr trans = int_attr("transB", 1);
    const char *bias_name = weight_name(w, l, "bias");
    switch (w->s->dense) {
    case DENSE_GEMM: {
        x = write_flat(w, l, x);
        const char *args[] = {x, weight(w, l, "weight", 2, (int64_t[]){out, in}, l->weight),
                              initializer(w, bias_name, 1, &out, l->bias)};
        x = node(w, "Gemm", name_of(w, l, "Gemm"), args, 3, &trans, 1);
        break;
    }
    case DENSE_GEMM_PLAIN: {
        x = write_flat(w, l, x);
        const char *args[] = {x, weight(w, l, "kernel", 2, (int64_t[]){in, out}, turned),
                              initializer(w, bias_name, 1, &out, l->bias)};
        x = node(w, "Gemm", name_of(w, l, "MatMul"), args, 3, NULL, 0);
        break;
    }
    case DENSE_MATMUL:
        x = write_flat(w, l, x);
        x = binary(w, "MatMul", name_of(w, l, "MatMul"), x,
                   weight(w, l, "kernel", 2, (int64_t[]){in, out}, turned));
        x = binary(w, "Add", name_of(w, l, "BiasAdd"), x, initializer(w, bias_name, 1, &out, l->bias));
        break;
    case DENSE_CONV: {
        const char *args[] = {x, weight(w, l, "weight", 4, (int64_t[]){out, in, 1, 1}, l->weight),
                              initializer(w, bias_name, 1, &out, l->bias)};
        x = node(w, "Conv", name_of(w, l, "Conv2D"), args, 3, NULL, 0);
        x = binary(w, "Reshape", name_of(w, l, "Reshape"), x,
                   ints_initializer(w, weight_name(w, l, "shape"), (int64_t[]){-1, out}, 2));
        break;
    }
    }
    free(turned);
    return x;
}

static void write_layer(writer *w, int number)
{
    const layer *l = &w->n->layers[number];
    const char *in[LAYER_INPUTS];
    for (int i = 0; i < l->n_in; i++)
        in[i] = in_layout(w, l->in[i], false);
    const char *x = "";
    switch (l->kind) {
    case LAYER_INPUT:
        return;
    case LAYER_CONV:
        x = write_conv(w, l, number, in[0]);
        break;
    case LAYER_NORM:
        x = activate(w, l, write_norm(w, l, in[0]));
        break;
    case LAYER_ADD:
        x = activate(w, l, binary(w, "Add", name_of(w, l, "add"), in[0], in[1]));
        break;
    case LAYER_CONCAT: {
        ff_attr axis = int_attr("axis", 1);
        x = node(w, "Concat", name_of(w, l, "concat"), in, l->n_in, &axis, 1);
        break;
    }
    case LAYER_MAX_POOL:
    case LAYER_AVERAGE_POOL:
        x = write_pool(w, l, number, in[0]);
        break;
    case LAYER_GLOBAL_POOL:
        x = write_global_pool(w, l, in[0]);
        break;
    case LAYER_DENSE:
        x = write_dense(w, l, in[0]);
        break;
    }
    w->value[number] = x;
    if (w->s->input == INPUT_NHWC && w->s->transposes == TRANSPOSE_AROUND &&
        (l->kind == LAYER_CONV || l->kind == LAYER_MAX_POOL || l->kind == LAYER_AVERAGE_POOL)) {
        w->value[number] = in_layout(w, number, true);
        w->nhwc[number] = true;
    }
}

static void write_outputs(writer *w)
{
    const network *n = w->n;
    const char *x = w->value[n->n_layers - 1];
    if (w->s->softmax) {
        ff_attr axis = int_attr("axis", w->s->opset < 13 ? 1 : -1);
        x = unary(w, "Softmax", w->s->names == NAMES_TORCH ? "/Softmax" : "predictions", x, &axis, 1);
    }
    if (w->s->extra_output) {
        const layer *l = &n->layers[w->s->extra_output];
        ff_shape shape = {FF_FLOAT, 4, {-1, l->channels, l->height, l->width}};
        if (w->nhwc[w->s->extra_output])
            shape = (ff_shape){FF_FLOAT, 4, {-1, l->height, l->width, l->channels}};
        ff_patch_add_output(w->patch, w->value[w->s->extra_output], &shape);
    }
    const layer *last = &n->layers[n->n_layers - 1];
    int64_t batch = w->s->calibrate_batch ? w->s->calibrate_batch : w->s->symbolic_batch ? -1 : 1;
    ff_shape shape = {FF_FLOAT, 2, {batch, last->channels}};
    if (last->kind != LAYER_DENSE)
        shape = (ff_shape){FF_FLOAT, 4, {batch, last->channels, last->height, last->width}};
    ff_patch_add_output(w->patch, x, &shape);
}

int style_write(const network *n, const style *s, ff_model **out)
{
    const layer *image = &n->layers[0];
    int64_t batch = s->calibrate_batch ? s->calibrate_batch : s->symbolic_batch ? -1 : 1;
    ff_shape input = {FF_FLOAT, 4, {batch, image->channels, image->height, image->width}};
    if (s->input_hcw)
        input = (ff_shape){FF_FLOAT, 4, {batch, image->height, image->channels, image->width}};
    else if (s->input == INPUT_NHWC)
        input = (ff_shape){FF_FLOAT, 4, {batch, image->height, image->width, image->channels}};
    const char *input_name = s->names == NAMES_TORCH ? "input" : "input_1:0";

    ff_model *empty = NULL;
    int status = ff_model_create(s->producer, s->ir_version, s->opset, n->name, 1, &input_name, &input, &empty);
    if (status != FF_OK)
        return status;

    writer w = {.n = n, .s = s, .patch = ff_patch_create(), .arena = ff_arena_create()};
    w.value = ff_alloc_array((size_t)n->n_layers, sizeof *w.value);
    w.nhwc = ff_alloc_array((size_t)n->n_layers, sizeof *w.nhwc);
    w.value[0] = input_name;
    if (s->input == INPUT_NHWC) {
        static const int to_nchw[] = {0, 3, 1, 2};
        bool wrong = s->input_perm[1] || s->input_perm[2] || s->input_perm[3];
        static const int from_hcw[] = {0, 2, 1, 3};
        ff_attr perm = ints_attr(&w, "perm", s->input_hcw ? from_hcw : wrong ? s->input_perm : to_nchw, 4);
        w.value[0] = unary(&w, "Transpose", name_of(&w, image, "Transpose"), input_name, &perm, 1);
    }
    for (int i = 1; i < n->n_layers; i++)
        write_layer(&w, i);
    write_outputs(&w);

    status = w.failed ? FF_ERR_NOMEM : ff_model_apply(empty, w.patch, out, NULL);
    free(w.value);
    free(w.nhwc);
    ff_arena_destroy(w.arena);
    ff_patch_destroy(w.patch);
    ff_model_unref(empty);
    return status;
}
