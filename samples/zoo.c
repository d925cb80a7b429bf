/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The networks of the paper, layer by layer as torchvision and Keras define them, at any size: scaled down
 * they keep their shape and their traps (uneven padding, branches, pre-activation).
 */
#include <math.h>
#include <stdio.h>

#include "network.h"

/* Channels at this width, a multiple of 8. */
static int wide(zoo_scale s, int channels)
{
    int scaled = (int)(channels * s.width / 8 + 0.5) * 8;
    return scaled < 8 ? 8 : scaled;
}

static int deep(zoo_scale s, int blocks)
{
    int scaled = (int)(blocks * s.depth + 0.5);
    return scaled < 1 ? 1 : scaled;
}

static const char *name2(char *buffer, size_t size, const char *stem, const char *part)
{
    snprintf(buffer, size, "%s.%s", stem, part);
    return buffer;
}

network *network_mobilenet_v2(zoo_scale s, int classes, uint64_t seed)
{
    static const struct {
        int expand, channels, repeats, stride;
    } stages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                  {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
    int size = s.size ? s.size : 224;
    network *n = network_create("mobilenet_v2", 3, size, size, seed);
    int x = network_conv(n, 0, "stem", wide(s, 32), 3, 2, 1, false, RELU6), block = 0;
    for (size_t stage = 0; stage < FF_COUNT(stages); stage++) {
        for (int r = 0; r < deep(s, stages[stage].repeats); r++) {
            char stem[32], name[64];
            int in = x, from = n->layers[in].channels, hidden = from * stages[stage].expand;
            int stride = r == 0 ? stages[stage].stride : 1, to = wide(s, stages[stage].channels);
            snprintf(stem, sizeof stem, "block%d", ++block);
            if (hidden != from)
                x = network_conv(n, x, name2(name, sizeof name, stem, "expand"), hidden, 1, 1, 1, false, RELU6);
            x = network_conv(n, x, name2(name, sizeof name, stem, "depthwise"), hidden, 3, stride, hidden, false,
                             RELU6);
            x = network_conv(n, x, name2(name, sizeof name, stem, "project"), to, 1, 1, 1, false, LINEAR);
            if (stride == 1 && from == to)
                x = network_add(n, in, x, name2(name, sizeof name, stem, "add"), LINEAR);
        }
    }
    x = network_conv(n, x, "head", wide(s, 1280), 1, 1, 1, false, RELU6);
    x = network_global_pool(n, x, "pool");
    network_dense(n, x, "classifier", classes);
    return n;
}

/* What training makes of a residual network: a branch adds little to what it is added to, so that rounding all of its
 * layers changes few labels. */
static int branch_end(network *n, int x, const char *name, int channels)
{
    x = network_conv(n, x, name, channels, 1, 1, 1, false, LINEAR);
    layer *l = &n->layers[x];
    for (int c = 0; c < l->channels; c++) {
        l->scale[c] *= 0.2F;
        l->shift[c] *= 0.2F;
    }
    return x;
}

/* Bottleneck of version 1: normalisation after each convolution, activation after the sum. */
static int bottleneck_v1(network *n, int x, const char *stem, int channels, int stride, bool shortcut)
{
    char name[64];
    int in = x;
    x = network_conv(n, x, name2(name, sizeof name, stem, "conv1"), channels, 1, 1, 1, false, RELU);
    x = network_conv(n, x, name2(name, sizeof name, stem, "conv2"), channels, 3, stride, 1, false, RELU);
    x = branch_end(n, x, name2(name, sizeof name, stem, "conv3"), 4 * channels);
    if (shortcut)
        in = network_conv(n, in, name2(name, sizeof name, stem, "downsample"), 4 * channels, 1, stride, 1, false,
                          LINEAR);
    return network_add(n, x, in, name2(name, sizeof name, stem, "add"), RELU);
}

/* Bottleneck of version 2: activation before the convolutions, the sum as it is. */
static int bottleneck_v2(network *n, int x, const char *stem, int channels, int stride, bool shortcut)
{
    char name[64];
    int in = x, active = network_norm(n, x, name2(name, sizeof name, stem, "preact"), RELU);
    x = network_conv(n, active, name2(name, sizeof name, stem, "conv1"), channels, 1, 1, 1, false, RELU);
    x = network_conv(n, x, name2(name, sizeof name, stem, "conv2"), channels, 3, stride, 1, true, RELU);
    x = branch_end(n, x, name2(name, sizeof name, stem, "conv3"), 4 * channels);
    if (shortcut)
        in = network_conv(n, active, name2(name, sizeof name, stem, "shortcut"), 4 * channels, 1, stride, 1, false,
                          LINEAR);
    else if (stride != 1)
        in = network_max_pool(n, in, name2(name, sizeof name, stem, "pool"), 1, stride, 0);
    return network_add(n, in, x, name2(name, sizeof name, stem, "add"), LINEAR);
}

network *network_resnet101(zoo_scale s, int version, int classes, uint64_t seed)
{
    static const int repeats[] = {3, 4, 23, 3}, channels[] = {64, 128, 256, 512};
    int size = s.size ? s.size : 224;
    network *n = network_create(version == 1 ? "resnet101" : "resnet101v2", 3, size, size, seed);
    int x = network_conv(n, 0, "conv1", wide(s, 64), 7, 2, 1, false, version == 1 ? RELU : LINEAR);
    x = network_max_pool(n, x, "pool1", 3, 2, 1);
    for (int stage = 0; stage < 4; stage++) {
        int blocks = deep(s, repeats[stage]);
        for (int b = 0; b < blocks; b++) {
            char stem[32];
            /* Keras strides version 2 in a stage's last block, torchvision version 1 in its first. */
            bool strided = version == 1 ? b == 0 && stage > 0 : b == blocks - 1 && stage < 3;
            bool shortcut = b == 0;
            snprintf(stem, sizeof stem, "layer%d.%d", stage + 1, b);
            x = (version == 1 ? bottleneck_v1 : bottleneck_v2)(n, x, stem, wide(s, channels[stage]), strided ? 2 : 1,
                                                               shortcut);
        }
    }
    if (version == 2)
        x = network_norm(n, x, "post", RELU);
    x = network_global_pool(n, x, "avgpool");
    network_dense(n, x, "fc", classes);
    return n;
}

/* Shorthands for Inception: c(onvolution) k x l, stride 1, padded to keep the size. */
typedef struct inception {
    network *n;
    zoo_scale s;
    const char *block;
} inception;

static int conv(inception *i, int in, const char *part, int channels, int kh, int kw)
{
    char name[64];
    return network_conv_window(i->n, in, name2(name, sizeof name, i->block, part), wide(i->s, channels), kh, kw, 1,
                               kh / 2, kw / 2, RELU);
}

static int shrink(inception *i, int in, const char *part, int channels)
{
    char name[64];
    return network_conv_window(i->n, in, name2(name, sizeof name, i->block, part), wide(i->s, channels), 3, 3, 2, 0, 0,
                               RELU);
}

static int pooled(inception *i, int in, int channels)
{
    char name[64];
    int x = network_average_pool(i->n, in, name2(name, sizeof name, i->block, "pool"), 3, 1, 1);
    return conv(i, x, "branch_pool", channels, 1, 1);
}

static int concat(inception *i, const int *in, int count)
{
    char name[64];
    return network_concat(i->n, in, count, name2(name, sizeof name, i->block, "concat"));
}

static int block_a(inception *i, int x, int pool_channels)
{
    int a = conv(i, x, "branch1x1", 64, 1, 1);
    int b = conv(i, conv(i, x, "branch5x5_1", 48, 1, 1), "branch5x5_2", 64, 5, 5);
    int c = conv(i, conv(i, x, "branch3x3dbl_1", 64, 1, 1), "branch3x3dbl_2", 96, 3, 3);
    c = conv(i, c, "branch3x3dbl_3", 96, 3, 3);
    return concat(i, (int[]){a, b, c, pooled(i, x, pool_channels)}, 4);
}

static int block_b(inception *i, int x)
{
    char name[64];
    int a = shrink(i, x, "branch3x3", 384);
    int b = conv(i, conv(i, x, "branch3x3dbl_1", 64, 1, 1), "branch3x3dbl_2", 96, 3, 3);
    b = shrink(i, b, "branch3x3dbl_3", 96);
    int p = network_max_pool(i->n, x, name2(name, sizeof name, i->block, "pool"), 3, 2, 0);
    return concat(i, (int[]){a, b, p}, 3);
}

static int block_c(inception *i, int x, int narrow)
{
    int a = conv(i, x, "branch1x1", 192, 1, 1);
    int b = conv(i, conv(i, x, "branch7x7_1", narrow, 1, 1), "branch7x7_2", narrow, 1, 7);
    b = conv(i, b, "branch7x7_3", 192, 7, 1);
    int c = conv(i, conv(i, x, "branch7x7dbl_1", narrow, 1, 1), "branch7x7dbl_2", narrow, 7, 1);
    c = conv(i, conv(i, c, "branch7x7dbl_3", narrow, 1, 7), "branch7x7dbl_4", narrow, 7, 1);
    c = conv(i, c, "branch7x7dbl_5", 192, 1, 7);
    return concat(i, (int[]){a, b, c, pooled(i, x, 192)}, 4);
}

static int block_d(inception *i, int x)
{
    char name[64];
    int a = shrink(i, conv(i, x, "branch3x3_1", 192, 1, 1), "branch3x3_2", 320);
    int b = conv(i, conv(i, x, "branch7x7x3_1", 192, 1, 1), "branch7x7x3_2", 192, 1, 7);
    b = shrink(i, conv(i, b, "branch7x7x3_3", 192, 7, 1), "branch7x7x3_4", 192);
    int p = network_max_pool(i->n, x, name2(name, sizeof name, i->block, "pool"), 3, 2, 0);
    return concat(i, (int[]){a, b, p}, 3);
}

static int block_e(inception *i, int x)
{
    char name[64];
    int a = conv(i, x, "branch1x1", 320, 1, 1);
    int b = conv(i, x, "branch3x3_1", 384, 1, 1);
    int b2[] = {conv(i, b, "branch3x3_2a", 384, 1, 3), conv(i, b, "branch3x3_2b", 384, 3, 1)};
    b = network_concat(i->n, b2, 2, name2(name, sizeof name, i->block, "branch3x3"));
    int c = conv(i, conv(i, x, "branch3x3dbl_1", 448, 1, 1), "branch3x3dbl_2", 384, 3, 3);
    int c2[] = {conv(i, c, "branch3x3dbl_3a", 384, 1, 3), conv(i, c, "branch3x3dbl_3b", 384, 3, 1)};
    c = network_concat(i->n, c2, 2, name2(name, sizeof name, i->block, "branch3x3dbl"));
    return concat(i, (int[]){a, b, c, pooled(i, x, 192)}, 4);
}

network *network_inception_v3(zoo_scale s, int classes, uint64_t seed)
{
    static const int pool_channels[] = {32, 64, 64}, narrow[] = {128, 160, 160, 192};
    int size = s.size ? s.size : 299;
    network *n = network_create("inception_v3", 3, size, size, seed);
    inception i = {n, s, ""};
    int x = network_conv_window(n, 0, "Conv2d_1a_3x3", wide(s, 32), 3, 3, 2, 0, 0, RELU);
    x = network_conv_window(n, x, "Conv2d_2a_3x3", wide(s, 32), 3, 3, 1, 0, 0, RELU);
    x = network_conv_window(n, x, "Conv2d_2b_3x3", wide(s, 64), 3, 3, 1, 1, 1, RELU);
    x = network_max_pool(n, x, "maxpool1", 3, 2, 0);
    x = network_conv_window(n, x, "Conv2d_3b_1x1", wide(s, 80), 1, 1, 1, 0, 0, RELU);
    x = network_conv_window(n, x, "Conv2d_4a_3x3", wide(s, 192), 3, 3, 1, 0, 0, RELU);
    x = network_max_pool(n, x, "maxpool2", 3, 2, 0);
    static const char *const a[] = {"Mixed_5b", "Mixed_5c", "Mixed_5d"};
    static const char *const c[] = {"Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"};
    static const char *const e[] = {"Mixed_7b", "Mixed_7c"};
    for (int k = 0; k < deep(s, 3); k++) {
        i.block = a[k];
        x = block_a(&i, x, pool_channels[k]);
    }
    i.block = "Mixed_6a";
    x = block_b(&i, x);
    for (int k = 0; k < deep(s, 4); k++) {
        i.block = c[k];
        x = block_c(&i, x, narrow[k]);
    }
    i.block = "Mixed_7a";
    x = block_d(&i, x);
    for (int k = 0; k < deep(s, 2); k++) {
        i.block = e[k];
        x = block_e(&i, x);
    }
    x = network_global_pool(n, x, "avgpool");
    network_dense(n, x, "fc", classes);
    return n;
}
