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
    if (conv && (!plain || l->group != 1) && !(number && w->s->group_lost == number))
        attrs[count++] = int_attr("group", l->group);
    bool average = l->kind == LAYER_AVERAGE_POOL && l->count_pad && !l->ceil_mode;
    bool zero_pooled = l->kind == LAYER_MAX_POOL && w->s->zero_pooled == number;
    bool swapped = number && w->s->swapped_pads == number;
    if (!zero && ((w->s->pads == PADS_NODE && (conv || average)) || zero_pooled || swapped))
        *x = pad_node(w, l, number, *x, 0);
    else if (w->s->pads == PADS_AUTO && l->kind != LAYER_DECONV && !l->ceil_mode && is_same_upper(l, from))
        attrs[count++] = text_attr("auto_pad", "SAME_UPPER");
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
    ff_attr attrs[] = {float_attr("epsilon", l->epsilon), float_attr("momentum", 0.0f), int_attr("training_mode", 1)};
    if (!w->s->calibrate_batch)
        return node(w, "BatchNormalization", name_of(w, l, "BatchNorm"), in, 5, attrs, 1);
    const char *out[] = {say(w, "%s/y", l->name), say(w, "%s/mean", l->name), say(w, "%s/variance", l->name)};
    ff_node_spec spec = {.name = l->name,
                         .op = "BatchNormalization",
                         .domain = "",
                         .n_inputs = 5,
                         .inputs = in,
                         .n_outputs = 3,
                         .outputs = out,
                         .n_attrs = 3,
                         .attrs = attrs};
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
    ff_attr attrs[8];
    bool turned = l->kind == LAYER_DECONV;
    int n_attrs = window_attrs(w, l, number, &x, !turned, attrs);
    int64_t channels = l->channels, in_channels = w->n->layers[l->in[0]].channels / l->group;
    int64_t dims[] = {channels, in_channels, l->kernel[0], l->kernel[1]};
    if (turned) {
        dims[0] = in_channels;
        dims[1] = channels;
        attrs[n_attrs++] = ints_attr(w, "output_padding", (int[]){l->output_padding, l->output_padding}, 2);
    }
    float *k = ff_arena_alloc(w->arena, (size_t)channels * sizeof *k);
    float *d = ff_arena_alloc(w->arena, (size_t)channels * sizeof *d);
    float *folded = NULL;
    affine_of(l, k, d);
    bool fold = l->batchnorm && w->s->norm == NORM_FOLDED && !w->s->calibrate_batch;
    if (fold) {
        folded = ff_alloc_array((size_t)l->n_weight, sizeof *folded);
        for (int64_t i = 0; i < l->n_weight; i++)
            folded[i] = l->weight[i] * k[layer_channel(l, i)];
    }
    bool bias = fold || !l->batchnorm;
    bool bias_input = bias && w->s->bias == BIAS_INPUT;
    const char *in[] = {x, weight(w, l, "weight", 4, dims, folded ? folded : l->weight), NULL};
    if (bias_input)
        in[2] = initializer(w, weight_name(w, l, "bias"), 1, &channels, d);
    free(folded);
    x = node(w, turned ? "ConvTranspose" : "Conv", name_of(w, l, turned ? "conv_transpose" : "Conv2D"), in,
             bias_input ? 3 : 2, attrs, n_attrs);
    if (bias && !bias_input)
        x = binary(w, "Add", name_of(w, l, "BiasAdd"), x,
                   initializer(w, weight_name(w, l, "bias"), 4, (int64_t[]){1, channels, 1, 1}, d));
    if (!bias)
        x = write_norm(w, l, x);
    return activate(w, l, x);
}

static const char *write_pool(writer *w, const layer *l, int number, const char *x)
{
    ff_attr attrs[8];
    bool max = l->kind == LAYER_MAX_POOL, node_pads = w->s->pads == PADS_NODE && !l->ceil_mode;
    int n_attrs = window_attrs(w, l, number, &x, false, attrs);
    if (l->ceil_mode)
        attrs[n_attrs++] = int_attr("ceil_mode", 1);
    if (l->count_pad && !node_pads)
        attrs[n_attrs++] = int_attr("count_include_pad", 1);
    return unary(w, max ? "MaxPool" : "AveragePool", name_of(w, l, max ? "MaxPool" : "AvgPool"), x, attrs, n_attrs);
}

/* Upsample to 9, Resize from 10 on; which coordinates it reads can be said from 11 on. */
static const char *write_resize(writer *w, const layer *l, const char *x)
{
    float scales[] = {1, 1, 2, 2};
    int opset = w->s->opset;
    ff_attr attrs[] = {text_attr("mode", l->mode), text_attr("coordinate_transformation_mode", l->coordinates),
                       text_attr("nearest_mode", l->nearest)};
    /* For twice the size these two read the same pixels. */
    if (w->s->centres && !strcmp(l->mode, "nearest") && !strcmp(l->coordinates, "asymmetric") &&
        !strcmp(l->nearest, "floor")) {
        attrs[1] = text_attr("coordinate_transformation_mode", "half_pixel");
        attrs[2] = text_attr("nearest_mode", "round_prefer_floor");
    }
    if (opset < 9) {
        attrs[1] = (ff_attr){.name = "scales",
                             .type = FF_ATTR_FLOATS,
                             .n = 4,
                             .floats = memcpy(ff_arena_alloc(w->arena, sizeof scales), scales, sizeof scales)};
        return unary(w, "Upsample", name_of(w, l, "Upsample"), x, attrs, 2);
    }
    const char *by = initializer(w, weight_name(w, l, "scales"), 1, (int64_t[]){4}, scales);
    if (opset < 11)
        return node(w, opset < 10 ? "Upsample" : "Resize", name_of(w, l, "Resize"), (const char *[]){x, by}, 2, attrs,
                    1);
    /* Before 13 the region of interest has to be there, though nobody reads it. */
    const char *roi = opset < 13 ? initializer(w, weight_name(w, l, "roi"), 1, (int64_t[]){0}, scales) : "";
    return node(w, "Resize", name_of(w, l, "Resize"), (const char *[]){x, roi, by}, 3, attrs, 3);
}

/* [N,C,1,1] (or [N,C], as ReduceMean without kept axes gives) */
static const char *write_global_pool(writer *w, const layer *l, const char *x)
{
    const layer *from = &w->n->layers[l->in[0]];
    int size[] = {from->height, from->width};
    bool other = w->s->other_axes && l == &w->n->layers[w->s->other_axes];
    int64_t over[] = {other ? 1 : 2, other ? 2 : 3};
    ff_attr attrs[] = {ints_attr(w, "axes", (int[]){(int)over[0], (int)over[1]}, 2), int_attr("keepdims", 1)};
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
                    (const char *[]){x, ints_initializer(w, weight_name(w, l, "axes"), over, 2)}, 2, &attrs[1], 1);
    }
    return x;
}

static const char *write_flat(writer *w, const layer *l, const char *x)
{
    const layer *from = &w->n->layers[l->in[0]];
    if (from->kind == LAYER_DENSE)
        return x;
    bool picture = from->height * from->width > 1;
    if (picture && w->s->flat_nhwc) {
        ff_attr perm = ints_attr(w, "perm", (int[]){0, 2, 3, 1}, 4);
        x = unary(w, "Transpose", name_of(w, l, "Transpose"), x, &perm, 1);
    }
    ff_attr axes = ints_attr(w, "axes", (int[]){2, 3}, 2);
    switch (picture && w->s->flat == FLAT_SQUEEZE ? FLAT_RESHAPE : w->s->flat) {
    case FLAT_FLATTEN:
        return unary(w, "Flatten", name_of(w, l, "flatten"), x, NULL, 0);
    case FLAT_RESHAPE:
        return binary(w, "Reshape", name_of(w, l, "Reshape"), x,
                      ints_initializer(w, weight_name(w, l, "shape"),
                                       (int64_t[]){-1, from->channels * from->height * from->width}, 2));
    case FLAT_SQUEEZE:
        if (w->s->opset < 13)
            return unary(w, "Squeeze", name_of(w, l, "Squeeze"), x, &axes, 1);
        return binary(w, "Squeeze", name_of(w, l, "Squeeze"), x,
                      ints_initializer(w, weight_name(w, l, "squeeze_axes"), (int64_t[]){2, 3}, 2));
    }
    return x;
}

static int dense_attrs(const writer *w, const layer *l, ff_attr *attrs)
{
    static const char *const names[] = {"alpha", "beta"};
    const int scaled[] = {w->s->dense_scaled, w->s->bias_scaled};
    int n = 0;
    for (int i = 0; i < 2; i++)
        if (scaled[i] && l == &w->n->layers[scaled[i]])
            attrs[n++] = (ff_attr){.name = names[i], .type = FF_ATTR_FLOAT, .f = 0.5f};
    return n;
}

static const char *write_dense(writer *w, const layer *l, const char *x)
{
    const layer *from = &w->n->layers[l->in[0]];
    int64_t out = l->channels, in = l->n_weight / out, area = from->height * from->width;
    bool whole = w->s->dense == DENSE_CONV && from->kind != LAYER_DENSE;
    bool by_pixel = area > 1 && w->s->flat_nhwc && !w->s->order_lost && !whole;
    float *straight = ff_alloc_array((size_t)l->n_weight, sizeof *straight); /* [out][in] */
    for (int64_t i = 0; i < l->n_weight; i++) {
        int64_t column = i % in;
        if (by_pixel)
            column = column % area * from->channels + column / area;
        straight[i / in * in + column] = l->weight[i];
    }
    float *turned = ff_alloc_array((size_t)l->n_weight, sizeof *turned); /* [in][out] */
    for (int64_t i = 0; i < l->n_weight; i++)
        turned[i % in * out + i / in] = straight[i];
    ff_attr attrs[3];
    int n_attrs = dense_attrs(w, l, attrs);
    attrs[n_attrs] = int_attr("transB", 1);
    const char *bias_name = weight_name(w, l, "bias");
    switch (w->s->dense == DENSE_CONV && !whole ? DENSE_GEMM : w->s->dense) {
    case DENSE_GEMM: {
        x = write_flat(w, l, x);
        const char *args[] = {x, weight(w, l, "weight", 2, (int64_t[]){out, in}, straight),
                              initializer(w, bias_name, 1, &out, l->bias)};
        x = node(w, "Gemm", name_of(w, l, "Gemm"), args, 3, attrs, n_attrs + 1);
        break;
    }
    case DENSE_GEMM_PLAIN: {
        x = write_flat(w, l, x);
        const char *args[] = {x, weight(w, l, "kernel", 2, (int64_t[]){in, out}, turned),
                              initializer(w, bias_name, 1, &out, l->bias)};
        x = node(w, "Gemm", name_of(w, l, "MatMul"), args, 3, attrs, n_attrs);
        break;
    }
    case DENSE_MATMUL:
        x = write_flat(w, l, x);
        x = binary(w, "MatMul", name_of(w, l, "MatMul"), x, weight(w, l, "kernel", 2, (int64_t[]){in, out}, turned));
        x = binary(w, "Add", name_of(w, l, "BiasAdd"), x, initializer(w, bias_name, 1, &out, l->bias));
        break;
    case DENSE_CONV: {
        const char *args[] = {
            x, weight(w, l, "weight", 4, (int64_t[]){out, from->channels, from->height, from->width}, l->weight),
            initializer(w, bias_name, 1, &out, l->bias)};
        x = node(w, "Conv", name_of(w, l, "Conv2D"), args, 3, NULL, 0);
        x = binary(w, "Reshape", name_of(w, l, "Reshape"), x,
                   ints_initializer(w, weight_name(w, l, "shape"), (int64_t[]){-1, out}, 2));
        break;
    }
    }
    free(straight);
    free(turned);
    return activate(w, l, x);
}

/* A node that does nothing, of a kind that depends on the place. */
static const char *idle(writer *w, const layer *l, int number, const char *x)
{
    ff_attr to = int_attr("to", FF_FLOAT);
    if (!w->s->idle_nodes || number % 4 == 3)
        return x;
    if (number % 4 == 2)
        return unary(w, "Cast", name_of(w, l, "Cast"), x, &to, 1);
    return unary(w, number % 4 ? "Dropout" : "Identity", name_of(w, l, "idle"), x, NULL, 0);
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
    case LAYER_DECONV:
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
        if (w->s->concat_swapped == number) {
            const char *first = in[0];
            in[0] = in[1];
            in[1] = first;
        }
        x = node(w, "Concat", name_of(w, l, "concat"), in, l->n_in, &axis, 1);
        break;
    }
    case LAYER_MAX_POOL:
    case LAYER_AVERAGE_POOL:
        x = write_pool(w, l, number, in[0]);
        break;
    case LAYER_RESIZE:
        x = write_resize(w, l, in[0]);
        break;
    case LAYER_GLOBAL_POOL:
        x = write_global_pool(w, l, in[0]);
        break;
    case LAYER_DENSE:
        x = write_dense(w, l, in[0]);
        break;
    }
    w->value[number] = idle(w, l, number, x);
    if (w->s->input == INPUT_NHWC && w->s->transposes == TRANSPOSE_AROUND &&
        (l->kind == LAYER_CONV || l->kind == LAYER_DECONV || l->kind == LAYER_MAX_POOL ||
         l->kind == LAYER_AVERAGE_POOL)) {
        w->value[number] = in_layout(w, number, true);
        w->nhwc[number] = true;
    }
}
