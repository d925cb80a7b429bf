/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "random.h"

#include <stdio.h>
#include <string.h>

static int pick(ff_rng *r, int n)
{
    return (int)ff_rng_below(r, (uint64_t)n);
}

static const char *numbered(char *buffer, size_t size, const char *stem, int number)
{
    snprintf(buffer, size, "%s%d", stem, number);
    return buffer;
}

static int plain_block(network *n, ff_rng *r, int x, int number)
{
    char name[64];
    static const activation acts[] = {RELU, RELU6, LINEAR, LEAKY_RELU, PRELU, SWISH, HARD_SWISH, GELU, GELU_TANH};
    int kernel = pick(r, 3) == 0 ? 1 : 3, stride = n->layers[x].height >= 8 && pick(r, 3) == 0 ? 2 : 1;
    return network_conv(n, x, numbered(name, sizeof name, "conv", number), 8 + 4 * pick(r, 4), kernel, stride, 1,
                        pick(r, 2), acts[pick(r, (int)FF_COUNT(acts))]);
}

static int grouped_block(network *n, ff_rng *r, int x, int number)
{
    char name[64];
    return network_conv(n, x, numbered(name, sizeof name, "grouped", number), 8 + 4 * pick(r, 2), 3, 1,
                        2 + 2 * pick(r, 2), pick(r, 2), RELU);
}

static int pool_block(network *n, ff_rng *r, int x, int number)
{
    char name[64];
    bool max = pick(r, 2), ceil_mode = pick(r, 3) == 0;
    if (n->layers[x].height < 6)
        return plain_block(n, r, x, number);
    int kernel = 2 + pick(r, 2), stride = n->layers[x].height >= 8 ? 2 : 1;
    return network_pool(n, max ? LAYER_MAX_POOL : LAYER_AVERAGE_POOL, x, numbered(name, sizeof name, "pool", number),
                        kernel, stride, kernel / 2 * pick(r, 2), ceil_mode, !max && pick(r, 2));
}

/* Down and up again, as decoders do. */
static int scaling_block(network *n, ff_rng *r, int x, int number)
{
    static const struct {
        const char *mode, *coordinates, *nearest;
    } ways[] = {{"nearest", "asymmetric", "floor"},
                {"linear", "asymmetric", "floor"},
                {"linear", "half_pixel", "floor"},
                {"linear", "align_corners", "floor"}};
    char name[64];
    int way = pick(r, (int)FF_COUNT(ways) + 1);
    x = network_conv(n, x, numbered(name, sizeof name, "down", number), 8, 3, 2, 1, pick(r, 2), RELU);
    if (way == (int)FF_COUNT(ways))
        return network_deconv(n, x, numbered(name, sizeof name, "deconv", number), 8, RELU);
    return network_resize(n, x, numbered(name, sizeof name, "resize", number), ways[way].mode, ways[way].coordinates,
                          ways[way].nearest);
}

static int residual_block(network *n, ff_rng *r, int x, int number)
{
    char name[64];
    int channels = n->layers[x].channels;
    int y = network_conv(n, x, numbered(name, sizeof name, "resa", number), 8, 3, 1, 1, true, RELU);
    y = network_conv(n, y, numbered(name, sizeof name, "resb", number), channels, 1, 1, 1, true, LINEAR);
    return network_add(n, x, y, numbered(name, sizeof name, "sum", number), RELU);
}

static int inverted_block(network *n, ff_rng *r, int x, int number)
{
    char name[64];
    int channels = n->layers[x].channels, stride = n->layers[x].height >= 8 && pick(r, 2) ? 2 : 1;
    int y = network_conv(n, x, numbered(name, sizeof name, "expand", number), 2 * channels, 1, 1, 1, true, RELU6);
    y = network_conv(n, y, numbered(name, sizeof name, "depthwise", number), 2 * channels, 3, stride, 2 * channels,
                     pick(r, 2), RELU6);
    y = network_conv(n, y, numbered(name, sizeof name, "project", number), channels, 1, 1, 1, true, LINEAR);
    return stride == 1 ? network_add(n, x, y, numbered(name, sizeof name, "skip", number), LINEAR) : y;
}

static int branching_block(network *n, ff_rng *r, int x, int number)
{
    char name[64];
    int branches[4], count = 2 + pick(r, 2);
    for (int b = 0; b < count; b++) {
        char stem[32];
        snprintf(stem, sizeof stem, "branch%d_", number);
        int kernel = b == 0 ? 1 : 3;
        branches[b] =
            network_conv(n, x, numbered(name, sizeof name, stem, b), 8 + 4 * pick(r, 2), kernel, 1, 1, true, RELU);
    }
    if (pick(r, 2)) {
        int p = network_average_pool(n, x, numbered(name, sizeof name, "avgpool", number), 3, 1, 1);
        branches[count++] = network_conv(n, p, numbered(name, sizeof name, "poolproj", number), 8, 1, 1, 1, true, RELU);
    }
    return network_concat(n, branches, count, numbered(name, sizeof name, "concat", number));
}

static int preact_block(network *n, ff_rng *r, int x, int number)
{
    char name[64];
    int channels = n->layers[x].channels;
    int y = network_norm(n, x, numbered(name, sizeof name, "preact", number), RELU);
    y = network_conv(n, y, numbered(name, sizeof name, "pre", number), channels, 3, 1, 1, true, LINEAR);
    return network_add(n, x, y, numbered(name, sizeof name, "presum", number), LINEAR);
}

/* Statistics as training would leave them: nothing dead, nothing overflowing. */
static void draw_statistics(network *n)
{
    for (int i = 0; i < n->n_layers; i++) {
        layer *l = &n->layers[i];
        for (int c = 0; l->batchnorm && c < l->channels; c++) {
            l->mean[c] = (float)(0.2 * ff_rng_normal(&n->rng));
            l->variance[c] = (float)(0.5 + ff_rng_real(&n->rng));
        }
        if (l->kind == LAYER_DENSE)
            for (int c = 0; c < l->channels; c++)
                l->bias[c] = (float)(0.1 * ff_rng_normal(&n->rng));
    }
}

network *network_random(uint64_t seed)
{
    ff_rng rng = {seed}, *r = &rng;
    int size = 16 + 4 * pick(r, 3), number = 0;
    network *n = network_create("net", 3, size, size, seed ^ 0x5eed);
    int x = network_conv(n, 0, "stem", 8 + 4 * pick(r, 3), 3, 1 + pick(r, 2), 1, pick(r, 2), pick(r, 2) ? RELU : RELU6);
    if (pick(r, 3) == 0)
        x = network_max_pool(n, x, "maxpool", 3, 2, 1);
    int blocks = 2 + pick(r, 4);
    for (int b = 0; b < blocks; b++) {
        static int (*const kinds[])(network *, ff_rng *, int, int) = {plain_block,     residual_block, inverted_block,
                                                                      branching_block, preact_block,   grouped_block,
                                                                      pool_block,      scaling_block};
        x = kinds[pick(r, (int)FF_COUNT(kinds))](n, r, x, ++number);
    }
    if (pick(r, 3))
        x = network_global_pool(n, x, "pool");
    if (pick(r, 3) == 0) {
        x = network_dense(n, x, "hidden", 16);
        n->layers[x].act = RELU;
    }
    network_dense(n, x, "classifier", 10);
    draw_statistics(n);
    return n;
}

style style_random(ff_rng *r, int least_opset, bool named)
{
    style s = {.producer = "simulator", .ir_version = 8};
    s.opset = least_opset + pick(r, 22 - least_opset);
    s.names = named ? (pick(r, 2) ? NAMES_TORCH : NAMES_TF) : (int)pick(r, 4);
    s.input = (int)pick(r, 2);
    s.transposes = s.input == INPUT_NHWC && pick(r, 3) == 0 ? TRANSPOSE_AROUND : TRANSPOSE_ONCE;
    s.pads = (int)pick(r, 4);
    s.norm = (int)pick(r, 3);
    s.bias = (int)pick(r, 2);
    s.clip = (int)pick(r, 2);
    s.pool = (int)pick(r, 3);
    s.flat = (int)pick(r, 3);
    s.dense = (int)pick(r, 4);
    s.weights = (int)pick(r, 4);
    s.composite = (int)pick(r, 2);
    s.flat_nhwc = pick(r, 2);
    s.centres = pick(r, 2);
    s.idle_nodes = pick(r, 3) == 0;
    s.softmax = pick(r, 3) > 0;
    s.softmax_default = pick(r, 2);
    s.symbolic_batch = pick(r, 2);
    return s;
}
