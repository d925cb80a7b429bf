/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "network.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static layer *append(network *n, layer_kind kind, const char *name)
{
    ff_grow(&n->layers, &n->capacity, (size_t)n->n_layers + 1, sizeof *n->layers);
    layer *l = &n->layers[n->n_layers++];
    *l = (layer){.kind = kind, .group = 1, .act_max = 6, .epsilon = 1e-3f, .alpha = 0.2f};
    snprintf(l->name, sizeof l->name, "%s", name);
    return l;
}

network *network_create(const char *name, int channels, int height, int width, uint64_t seed)
{
    network *n = ff_alloc(sizeof *n);
    snprintf(n->name, sizeof n->name, "%s", name);
    n->rng.state = seed;
    n->least_opset = 7;
    layer *l = append(n, LAYER_INPUT, "input");
    l->channels = channels;
    l->height = height;
    l->width = width;
    return n;
}

static float *copy_floats(const float *a, int64_t count)
{
    if (!a)
        return NULL;
    float *b = ff_alloc_array((size_t)count, sizeof *b);
    memcpy(b, a, (size_t)count * sizeof *b);
    return b;
}

network *network_copy(const network *n)
{
    network *copy = ff_alloc(sizeof *copy);
    *copy = *n;
    copy->capacity = 0;
    copy->layers = NULL;
    ff_grow(&copy->layers, &copy->capacity, (size_t)n->n_layers, sizeof *copy->layers);
    for (int i = 0; i < n->n_layers; i++) {
        const layer *from = &n->layers[i];
        layer *to = &copy->layers[i];
        *to = *from;
        to->weight = copy_floats(from->weight, from->n_weight);
        to->bias = copy_floats(from->bias, from->channels);
        to->scale = copy_floats(from->scale, from->channels);
        to->shift = copy_floats(from->shift, from->channels);
        to->mean = copy_floats(from->mean, from->channels);
        to->variance = copy_floats(from->variance, from->channels);
        to->slope = copy_floats(from->slope, from->channels);
    }
    return copy;
}

void network_destroy(network *n)
{
    if (!n)
        return;
    for (int i = 0; i < n->n_layers; i++) {
        layer *l = &n->layers[i];
        free(l->weight);
        free(l->bias);
        free(l->scale);
        free(l->shift);
        free(l->mean);
        free(l->variance);
        free(l->slope);
    }
    free(n->layers);
    free(n);
}

static float *filled(int count, float value)
{
    float *a = ff_alloc_array((size_t)count, sizeof *a);
    for (int i = 0; i < count; i++)
        a[i] = value;
    return a;
}

/* Height and width of a layer that reads one. */
static void measure(const network *n, layer *l)
{
    const layer *from = &n->layers[l->in[0]];
    for (int axis = 0; axis < 2; axis++) {
        int size = axis ? from->width : from->height, *out = axis ? &l->width : &l->height;
        int total = l->pads[axis] + l->pads[axis + 2];
        switch (l->kind) {
        case LAYER_CONV:
        case LAYER_MAX_POOL:
        case LAYER_AVERAGE_POOL:
            *out = (size + total - l->kernel[axis] + (l->ceil_mode ? l->stride[axis] - 1 : 0)) / l->stride[axis] + 1;
            /* No window begins behind the picture. */
            if (l->ceil_mode && (*out - 1) * l->stride[axis] >= size + l->pads[axis])
                --*out;
            break;
        case LAYER_DECONV:
            *out = l->stride[axis] * (size - 1) + l->output_padding + l->kernel[axis] - total;
            break;
        case LAYER_RESIZE:
            *out = 2 * size;
            break;
        case LAYER_GLOBAL_POOL:
        case LAYER_DENSE:
            *out = 1;
            break;
        default:
            *out = size;
        }
    }
}

bool network_measure(network *n)
{
    for (int i = 1; i < n->n_layers; i++) {
        layer *l = &n->layers[i];
        const layer *from = &n->layers[l->in[0]];
        measure(n, l);
        for (int k = 1; k < l->n_in; k++)
            if (n->layers[l->in[k]].height != from->height || n->layers[l->in[k]].width != from->width)
                return false;
        if (l->kind == LAYER_DENSE && l->n_weight != (int64_t)l->channels * from->channels * from->height * from->width)
            return false;
    }
    return true;
}

static void draw_norm(network *n, layer *l)
{
    l->batchnorm = true;
    l->scale = filled(l->channels, 1);
    l->shift = filled(l->channels, 0);
    l->mean = filled(l->channels, 0);
    l->variance = filled(l->channels, 1);
    for (int c = 0; c < l->channels; c++) {
        l->scale[c] = (float)(0.8 + 0.4 * ff_rng_real(&n->rng));
        l->shift[c] = (float)(0.3 * ff_rng_normal(&n->rng) + (l->act == LINEAR ? 0 : 0.5));
    }
}

/* What the activation needs: slopes, an opset. */
static void draw_activation(network *n, layer *l)
{
    if (l->act == PRELU) {
        l->slope = ff_alloc_array((size_t)l->channels, sizeof *l->slope);
        for (int c = 0; c < l->channels; c++)
            l->slope[c] = (float)(0.1 + 0.3 * ff_rng_real(&n->rng));
    }
    if ((l->act == GELU || l->act == GELU_TANH) && n->least_opset < 9)
        n->least_opset = 9;
}

/* The window of l (kernel, stride, pads) is set: sizes, weights and statistics follow. */
static int finish_conv(network *n, layer *l, int in)
{
    const layer *from = &n->layers[in];
    int per_group = from->channels / l->group;
    assert(from->channels % l->group == 0 && l->channels % l->group == 0);
    l->n_in = 1;
    l->in[0] = in;
    measure(n, l);
    assert(l->height > 0 && l->width > 0);
    int64_t per_channel = (int64_t)per_group * l->kernel[0] * l->kernel[1];
    l->n_weight = l->channels * per_channel;
    l->weight = ff_alloc_array((size_t)l->n_weight, sizeof(float));
    double deviation = sqrt(2.0 / (double)per_channel);
    for (int64_t i = 0; i < l->n_weight; i++)
        l->weight[i] = (float)(deviation * ff_rng_normal(&n->rng));
    draw_norm(n, l);
    draw_activation(n, l);
    return n->n_layers - 1;
}

int network_conv(network *n, int in, const char *name, int channels, int kernel, int stride, int group, bool same,
                 activation act)
{
    layer *l = append(n, LAYER_CONV, name);
    const layer *from = &n->layers[in];
    l->channels = channels;
    l->group = group;
    l->act = act;
    for (int axis = 0; axis < 2; axis++) {
        int size = axis ? from->width : from->height;
        int total = 2 * (kernel / 2);
        if (same) {
            int out = (size + stride - 1) / stride;
            total = (out - 1) * stride + kernel - size;
            total = total > 0 ? total : 0;
        }
        l->kernel[axis] = kernel;
        l->stride[axis] = stride;
        l->pads[axis] = total / 2;
        l->pads[axis + 2] = total - total / 2;
    }
    return finish_conv(n, l, in);
}

int network_conv_window(network *n, int in, const char *name, int channels, int kh, int kw, int stride, int pad_h,
                        int pad_w, activation act)
{
    layer *l = append(n, LAYER_CONV, name);
    l->channels = channels;
    l->act = act;
    l->kernel[0] = kh;
    l->kernel[1] = kw;
    l->stride[0] = l->stride[1] = stride;
    l->pads[0] = l->pads[2] = pad_h;
    l->pads[1] = l->pads[3] = pad_w;
    return finish_conv(n, l, in);
}

int network_norm(network *n, int in, const char *name, activation act)
{
    layer *l = append(n, LAYER_NORM, name);
    const layer *from = &n->layers[in];
    l->n_in = 1;
    l->in[0] = in;
    l->channels = from->channels;
    l->height = from->height;
    l->width = from->width;
    l->act = act;
    draw_norm(n, l);
    return n->n_layers - 1;
}

static int join(network *n, layer_kind kind, const char *name, const int *in, int n_in)
{
    layer *l = append(n, kind, name);
    const layer *from = &n->layers[in[0]];
    l->n_in = n_in;
    for (int i = 0; i < n_in; i++) {
        l->in[i] = in[i];
        l->channels += n->layers[in[i]].channels;
    }
    l->height = from->height;
    l->width = from->width;
    return n->n_layers - 1;
}

int network_add(network *n, int a, int b, const char *name, activation act)
{
    int number = join(n, LAYER_ADD, name, (int[]){a, b}, 2);
    n->layers[number].channels = n->layers[a].channels;
    n->layers[number].act = act;
    return number;
}

int network_concat(network *n, const int *in, int n_in, const char *name)
{
    return join(n, LAYER_CONCAT, name, in, n_in);
}

int network_pool(network *n, layer_kind kind, int in, const char *name, int kernel, int stride, int pad, bool ceil_mode,
                 bool count_pad)
{
    if (ceil_mode && n->least_opset < 10)
        n->least_opset = 10;
    int number = join(n, kind, name, &in, 1);
    layer *l = &n->layers[number];
    for (int axis = 0; axis < 2; axis++) {
        l->kernel[axis] = kernel;
        l->stride[axis] = stride;
        l->pads[axis] = l->pads[axis + 2] = pad;
    }
    l->ceil_mode = ceil_mode;
    l->count_pad = count_pad;
    measure(n, l);
    return number;
}

int network_max_pool(network *n, int in, const char *name, int kernel, int stride, int pad)
{
    return network_pool(n, LAYER_MAX_POOL, in, name, kernel, stride, pad, false, false);
}

int network_average_pool(network *n, int in, const char *name, int kernel, int stride, int pad)
{
    return network_pool(n, LAYER_AVERAGE_POOL, in, name, kernel, stride, pad, false, false);
}

int network_resize(network *n, int in, const char *name, const char *mode, const char *coordinates, const char *nearest)
{
    int number = join(n, LAYER_RESIZE, name, &in, 1);
    layer *l = &n->layers[number];
    l->mode = mode;
    l->coordinates = coordinates;
    l->nearest = nearest;
    measure(n, l);
    if (n->least_opset < 11 && (strcmp(coordinates, "asymmetric") != 0 || strcmp(nearest, "floor") != 0))
        n->least_opset = 11;
    return number;
}

int network_deconv(network *n, int in, const char *name, int channels, activation act)
{
    layer *l = append(n, LAYER_DECONV, name);
    l->channels = channels;
    l->act = act;
    l->kernel[0] = l->kernel[1] = 3;
    l->stride[0] = l->stride[1] = 2;
    l->pads[0] = l->pads[1] = l->pads[2] = l->pads[3] = l->output_padding = 1;
    return finish_conv(n, l, in);
}

int network_global_pool(network *n, int in, const char *name)
{
    int number = join(n, LAYER_GLOBAL_POOL, name, &in, 1);
    n->layers[number].height = n->layers[number].width = 1;
    return number;
}

int network_dense(network *n, int in, const char *name, int classes)
{
    int number = join(n, LAYER_DENSE, name, &in, 1);
    layer *l = &n->layers[number];
    const layer *from = &n->layers[in];
    int inputs = from->channels * from->height * from->width;
    l->n_weight = (int64_t)classes * inputs;
    l->weight = ff_alloc_array((size_t)l->n_weight, sizeof(float));
    for (int64_t i = 0; i < l->n_weight; i++)
        l->weight[i] = (float)(ff_rng_normal(&n->rng) / sqrt(inputs));
    l->channels = n->classes = classes;
    l->height = l->width = 1;
    l->bias = filled(classes, 0);
    return number;
}

int layer_channel(const layer *l, int64_t k)
{
    if (l->kind == LAYER_DECONV)
        return (int)(k / (l->kernel[0] * l->kernel[1]) % l->channels);
    return (int)(k / (l->n_weight / l->channels));
}

int network_find(const network *n, const char *name)
{
    for (int i = 0; i < n->n_layers; i++)
        if (!strcmp(n->layers[i].name, name))
            return i;
    assert(!"no such layer");
    return -1;
}

network *network_small(int classes, uint64_t seed)
{
    static const struct {
        int expand, channels, stride;
    } blocks[] = {{2, 24, 2}, {3, 24, 1}, {3, 40, 2}, {3, 40, 1}, {3, 64, 2}, {3, 64, 1}};

    network *n = network_create("small", 3, 64, 64, seed);
    int x = network_conv(n, 0, "stem", 24, 3, 2, 1, true, RELU6);
    for (size_t b = 0; b < FF_COUNT(blocks); b++) {
        char name[64];
        int in = x, wide = n->layers[in].channels * blocks[b].expand;
        snprintf(name, sizeof name, "block%zu.expand", b + 1);
        x = network_conv(n, x, name, wide, 1, 1, 1, true, RELU6);
        snprintf(name, sizeof name, "block%zu.depthwise", b + 1);
        x = network_conv(n, x, name, wide, 3, blocks[b].stride, wide, true, RELU6);
        snprintf(name, sizeof name, "block%zu.project", b + 1);
        x = network_conv(n, x, name, blocks[b].channels, 1, 1, 1, true, LINEAR);
        if (blocks[b].stride == 1 && n->layers[in].channels == blocks[b].channels) {
            snprintf(name, sizeof name, "block%zu.add", b + 1);
            x = network_add(n, in, x, name, LINEAR);
        }
    }
    x = network_conv(n, x, "head", 384, 1, 1, 1, true, RELU6);
    x = network_global_pool(n, x, "pool");
    network_dense(n, x, "classifier", classes);
    return n;
}
