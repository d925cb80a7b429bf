/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "writer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

void write_layer(writer *w, int number)
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
