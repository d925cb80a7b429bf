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
    *l = (layer){.kind = kind, .group = 1, .act_max = 6, .epsilon = 1e-3f};
    snprintf(l->name, sizeof l->name, "%s", name);
    return l;
}

network *network_create(const char *name, int channels, int height, int width, uint64_t seed)
{
    network *n = ff_alloc(sizeof *n);
    snprintf(n->name, sizeof n->name, "%s", name);
    n->rng.state = seed;
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

/* Output size of a window along one axis. */
static int window(int size, int kernel, int stride, int before, int after)
{
    return (size + before + after - kernel) / stride + 1;
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

/* The window of l (kernel, stride, pads) is set: sizes, weights and statistics follow. */
static int finish_conv(network *n, layer *l, int in)
{
    const layer *from = &n->layers[in];
    int per_group = from->channels / l->group;
    assert(from->channels % l->group == 0 && l->channels % l->group == 0);
    l->n_in = 1;
    l->in[0] = in;
    l->height = window(from->height, l->kernel[0], l->stride[0], l->pads[0], l->pads[2]);
    l->width = window(from->width, l->kernel[1], l->stride[1], l->pads[1], l->pads[3]);
    assert(l->height > 0 && l->width > 0);
    int64_t per_channel = (int64_t)per_group * l->kernel[0] * l->kernel[1];
    l->n_weight = l->channels * per_channel;
    l->weight = ff_alloc_array((size_t)l->n_weight, sizeof(float));
    double deviation = sqrt(2.0 / (double)per_channel);
    for (int64_t i = 0; i < l->n_weight; i++)
        l->weight[i] = (float)(deviation * ff_rng_normal(&n->rng));
    draw_norm(n, l);
    return n->n_layers - 1;
}

int network_conv(network *n, int in, const char *name, int channels, int kernel, int stride, int group,
                 bool same, activation act)
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

int network_conv_window(network *n, int in, const char *name, int channels, int kh, int kw, int stride,
                        int pad_h, int pad_w, activation act)
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

static int pool(network *n, layer_kind kind, int in, const char *name, int kernel, int stride, int pad)
{
    int number = join(n, kind, name, &in, 1);
    layer *l = &n->layers[number];
    for (int axis = 0; axis < 2; axis++) {
        l->kernel[axis] = kernel;
        l->stride[axis] = stride;
        l->pads[axis] = l->pads[axis + 2] = pad;
    }
    l->height = window(l->height, kernel, stride, pad, pad);
    l->width = window(l->width, kernel, stride, pad, pad);
    return number;
}

int network_max_pool(network *n, int in, const char *name, int kernel, int stride, int pad)
{
    return pool(n, LAYER_MAX_POOL, in, name, kernel, stride, pad);
}

int network_average_pool(network *n, int in, const char *name, int kernel, int stride, int pad)
{
    return pool(n, LAYER_AVERAGE_POOL, in, name, kernel, stride, pad);
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
    assert(from->height == 1 && from->width == 1);
    l->n_weight = (int64_t)classes * from->channels;
    l->weight = ff_alloc_array((size_t)l->n_weight, sizeof(float));
    for (int64_t i = 0; i < l->n_weight; i++)
        l->weight[i] = (float)(ff_rng_normal(&n->rng) / sqrt(from->channels));
    l->channels = n->classes = classes;
    l->bias = filled(classes, 0);
    return number;
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
