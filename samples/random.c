/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "random.h"

#include <math.h>
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
    static const activation acts[] = {RELU, RELU6, LINEAR};
    int kernel = pick(r, 3) == 0 ? 1 : 3, stride = n->layers[x].height >= 8 && pick(r, 3) == 0 ? 2 : 1;
    return network_conv(n, x, numbered(name, sizeof name, "conv", number), 8 + 4 * pick(r, 4), kernel, stride, 1,
                        pick(r, 2), acts[pick(r, 3)]);
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
        branches[b] = network_conv(n, x, numbered(name, sizeof name, stem, b), 8 + 4 * pick(r, 2), kernel, 1, 1, true, RELU);
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
        static int (*const kinds[])(network *, ff_rng *, int, int) = {plain_block, residual_block, inverted_block,
                                                                    branching_block, preact_block};
        x = kinds[pick(r, 5)](n, r, x, ++number);
    }
    x = network_global_pool(n, x, "pool");
    network_dense(n, x, "classifier", 10);
    draw_statistics(n);
    return n;
}

style style_random(ff_rng *r, bool named)
{
    static const int opsets[] = {9, 10, 11, 12, 13, 15, 17};
    style s = {.producer = "simulator", .ir_version = 8};
    s.opset = opsets[pick(r, (int)FF_COUNT(opsets))];
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
    s.softmax = true;
    s.symbolic_batch = pick(r, 2);
    return s;
}

/* ------------------------------------------------------------------------------------ faults */

static bool in_conv(network *n, ff_rng *r, const bool *used, int *where, bool (*fits)(const layer *))
{
    int found[256], count = 0;
    for (int i = 1; i < n->n_layers && count < 256; i++)
        if (!used[i] && fits(&n->layers[i]))
            found[count++] = i;
    if (!count)
        return false;
    *where = found[pick(r, count)];
    return true;
}

static bool has_weights(const layer *l)
{
    return l->kind == LAYER_CONV || l->kind == LAYER_DENSE;
}

static bool has_padding(const layer *l)
{
    return l->kind == LAYER_CONV && l->pads[0] + l->pads[2] > 0;
}

static bool has_bound(const layer *l)
{
    return l->act == RELU6;
}

static bool has_activation(const layer *l)
{
    return l->kind == LAYER_CONV && l->act == RELU;
}

bool fault_random(network *n, style *target, ff_rng *r, bool *used, seeded_fault *out)
{
    static const char *const whats[] = {"int8 per tensor", "int8 per channel", "bfloat16", "bias lost",
                                        "channels permuted", "noise", "pads shifted", "bound changed",
                                        "activation lost", "output added", "input transposed"};
    int kind = pick(r, (int)FF_COUNT(whats)), where = 0;
    bool (*fits)(const layer *) = kind <= 5 ? has_weights : kind == 6 ? has_padding : kind == 7 ? has_bound : has_activation;
    if (kind <= 8 && !in_conv(n, r, used, &where, fits))
        return false;
    if (kind == 9 && (target->extra_output || !in_conv(n, r, used, &where, has_weights)))
        return false;
    if (kind == 9 && n->layers[where].kind == LAYER_DENSE)
        return false;
    if (kind == 10 && (target->input != INPUT_NHWC || target->input_perm[1]))
        return false;
    layer *l = &n->layers[where];
    int64_t per_channel = l->channels ? l->n_weight / l->channels : 0;
    switch (kind) {
    case 0:
    case 1:
        fault_int8(l, kind == 1);
        break;
    case 2:
        fault_bfloat16(l);
        break;
    case 3:
        fault_bias_lost(l);
        break;
    case 4:
        for (int64_t k = 0; k < per_channel; k++) {
            float first = l->weight[k];
            l->weight[k] = l->weight[per_channel + k];
            l->weight[per_channel + k] = first;
        }
        break;
    case 5:
        for (int64_t k = 0; k < l->n_weight; k++)
            l->weight[k] *= (float)(1 + 0.05 * ff_rng_normal(r));
        break;
    case 6:
        fault_pads_shifted(l);
        break;
    case 7:
        fault_clip(l, (float)(1 + pick(r, 4)));
        break;
    case 8:
        l->act = LINEAR;
        break;
    case 9:
        target->extra_output = where;
        break;
    case 10:
        memcpy(target->input_perm, (int[]){0, 3, 2, 1}, sizeof target->input_perm);
        break;
    }
    used[where] = kind != 10;
    *out = (seeded_fault){""};
    snprintf(out->type, sizeof out->type, "%s", kind <= 5 ? "WB" : kind <= 7 ? "LH" : kind <= 9 ? "CG" : "TSS");
    snprintf(out->layer, sizeof out->layer, "%s", kind == 10 ? "" : l->name);
    snprintf(out->what, sizeof out->what, "%s", whats[kind]);
    return true;
}
