/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The faults that the simulator puts in, one row a kind, grouped by what users report of
 * converters. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"

/* Where a fault is put in. */
typedef struct scene {
    const network *original;
    network *n;
    style *target;
    ff_rng *rng;
    int at;
    layer *l;          /* n's, at `at` */
    const layer *from; /* what it reads */
} scene;

/* --------------------------------------------------------------------- which layers they fit */

static bool has_weights(const scene *c)
{
    return c->l->kind == LAYER_CONV || c->l->kind == LAYER_DENSE || c->l->kind == LAYER_DECONV;
}

static bool has_folded_norm(const scene *c)
{
    return c->l->kind == LAYER_CONV && !c->l->batchnorm && c->original->layers[c->at].batchnorm;
}

static bool has_norm(const scene *c)
{
    return c->l->kind == LAYER_NORM || has_folded_norm(c);
}

static bool has_channels(const scene *c)
{
    return c->l->kind == LAYER_CONV;
}

static bool has_square_kernel(const scene *c)
{
    return c->l->kind == LAYER_CONV && c->l->kernel[0] > 1;
}

static bool has_padding(const scene *c)
{
    return c->l->kind == LAYER_CONV && c->l->pads[0] + c->l->pads[2] > 0;
}

static bool has_bound(const scene *c)
{
    return c->l->act == RELU6;
}

static bool has_relu(const scene *c)
{
    return c->l->kind == LAYER_CONV && c->l->act == RELU;
}

static bool has_leak(const scene *c)
{
    return c->l->act == LEAKY_RELU;
}

static bool has_slopes(const scene *c)
{
    return c->l->act == PRELU;
}

static bool has_gelu(const scene *c)
{
    return c->l->act == GELU || c->l->act == GELU_TANH;
}

/* Does rounding up make a difference, and can what follows live with another size? */
static bool has_ceil(const scene *c)
{
    if (!c->l->ceil_mode)
        return false;
    network *other = network_copy(c->n);
    other->layers[c->at].ceil_mode = false;
    bool fits = network_measure(other) && other->layers[c->at].height != c->l->height;
    network_destroy(other);
    return fits;
}

static bool has_padded_average(const scene *c)
{
    return c->l->kind == LAYER_AVERAGE_POOL && c->l->pads[0] > 0;
}

/* Can be below zero, so that zeros are no padding for a maximum. */
static bool has_padded_maximum(const scene *c)
{
    bool signed_input = c->from->kind == LAYER_CONV && c->from->act != RELU && c->from->act != RELU6;
    return c->l->kind == LAYER_MAX_POOL && c->l->pads[0] > 0 && !c->l->ceil_mode && signed_input &&
           !c->target->zero_pooled;
}

static bool is_resize(const scene *c)
{
    return c->l->kind == LAYER_RESIZE;
}

static bool is_linear_resize(const scene *c)
{
    return is_resize(c) && !strcmp(c->l->mode, "linear") && c->target->opset >= 11;
}

static bool is_nearest_resize(const scene *c)
{
    return is_resize(c) && !strcmp(c->l->mode, "nearest") && c->target->opset >= 11;
}

static bool is_concat(const scene *c)
{
    const layer *a = &c->n->layers[c->l->in[0]], *b = &c->n->layers[c->l->in[1]];
    return c->l->kind == LAYER_CONCAT && a->channels == b->channels && !c->target->concat_swapped;
}

static bool is_flattened(const scene *c)
{
    return c->l->kind == LAYER_DENSE && c->from->height * c->from->width > 1 && c->from->channels > 1 &&
           c->target->flat_nhwc && c->target->dense != DENSE_CONV && !c->target->order_lost;
}

static bool can_be_output(const scene *c)
{
    return !c->target->input_hcw && c->l->kind == LAYER_CONV && !c->target->extra_output;
}

static bool has_groups(const scene *c)
{
    return c->l->kind == LAYER_CONV && c->l->group > 1;
}

static bool is_written_mean(const scene *c)
{
    return c->l->kind == LAYER_GLOBAL_POOL && c->target->pool == POOL_REDUCE_MEAN && c->from->channels > 1;
}

static bool is_gemm(const scene *c)
{
    return c->l->kind == LAYER_DENSE && (c->target->dense == DENSE_GEMM || c->target->dense == DENSE_GEMM_PLAIN) &&
           !c->target->dense_scaled && !c->target->bias_scaled;
}

static bool is_input(const scene *c)
{
    return c->l->kind == LAYER_INPUT && c->target->input == INPUT_NHWC && !c->target->input_perm[1] &&
           !c->target->input_hcw;
}

/* Which output is the answer is seen from what comes out: not of a Target that takes no picture. */
static bool is_fed_alone(const scene *c)
{
    return is_input(c) && !c->target->extra_output;
}

/* Not the last, which is what the network answers. */
static bool is_plain_norm(const scene *c)
{
    return c->l->kind == LAYER_NORM && c->l->act == LINEAR && c->at + 1 < c->n->n_layers;
}

/* ------------------------------------------------------------------------------ what they do */

static void int8_per_tensor(scene *c)
{
    fault_int8(c->l, false);
}

static void int8_per_channel(scene *c)
{
    fault_int8(c->l, true);
}

static void int8_saturated(scene *c)
{
    fault_saturated(c->l);
}

static void to_bfloat16(scene *c)
{
    fault_bfloat16(c->l);
}

static void to_float16(scene *c)
{
    fault_float16(c->l);
}

static void bias_lost(scene *c)
{
    float *bias = c->l->bias ? c->l->bias : c->l->shift;
    memset(bias, 0, (size_t)c->l->channels * sizeof *bias);
}

static void channels_permuted(scene *c)
{
    int64_t size = c->l->n_weight / c->l->channels;
    for (int64_t k = 0; k < size; k++) {
        float first = c->l->weight[k];
        c->l->weight[k] = c->l->weight[size + k];
        c->l->weight[size + k] = first;
    }
}

static void noise(scene *c)
{
    for (int64_t k = 0; k < c->l->n_weight; k++)
        c->l->weight[k] *= (float)(1 + 0.05 * ff_rng_normal(c->rng));
}

static void kernel_turned(scene *c)
{
    fault_kernel_turned(c->l);
}

/* The layer's weights and bias from the original's, with batch normalisation folded as the fault
 * has it. */
static void fold_otherwise(scene *c, bool mean, bool root, float epsilon)
{
    const layer *o = &c->original->layers[c->at];
    for (int64_t k = 0; k < o->n_weight; k++) {
        int i = layer_channel(o, k);
        double v = (double)o->variance[i] + epsilon;
        c->l->weight[k] = (float)(o->weight[k] * o->scale[i] / (root ? sqrt(v) : v));
    }
    for (int i = 0; i < o->channels; i++) {
        double v = (double)o->variance[i] + epsilon;
        c->l->bias[i] = (float)(o->shift[i] - (mean ? o->scale[i] / (root ? sqrt(v) : v) * o->mean[i] : 0));
    }
}

static void mean_forgotten(scene *c)
{
    fold_otherwise(c, false, true, c->original->layers[c->at].epsilon);
}

static void root_forgotten(scene *c)
{
    fold_otherwise(c, true, false, c->original->layers[c->at].epsilon);
}

static void other_epsilon(scene *c)
{
    if (c->l->kind == LAYER_NORM)
        c->l->epsilon = 1e-5f;
    else
        fold_otherwise(c, true, true, 1e-5f);
}

/* Statistics of a batch, not those of the training. */
static void other_statistics(scene *c)
{
    if (c->l->kind != LAYER_NORM) {
        float *factor = ff_alloc_array((size_t)c->l->channels, sizeof *factor);
        for (int i = 0; i < c->l->channels; i++) {
            factor[i] = (float)(1 + 0.1 * ff_rng_normal(c->rng));
            c->l->bias[i] += (float)(0.1 * ff_rng_normal(c->rng));
        }
        for (int64_t k = 0; k < c->l->n_weight; k++)
            c->l->weight[k] *= factor[layer_channel(c->l, k)];
        free(factor);
        return;
    }
    for (int i = 0; i < c->l->channels; i++) {
        c->l->mean[i] += (float)(0.1 * ff_rng_normal(c->rng));
        c->l->variance[i] *= (float)(0.8 + 0.4 * ff_rng_real(c->rng));
    }
}

static void pads_shifted(scene *c)
{
    fault_pads_shifted(c->l);
}

static void bound_changed(scene *c)
{
    fault_clip(c->l, (float)(1 + ff_rng_below(c->rng, 4)));
}

static void activation_lost(scene *c)
{
    c->l->act = LINEAR;
}

static void leak_changed(scene *c)
{
    c->l->alpha = 0.01f;
}

static void slopes_changed(scene *c)
{
    for (int i = 0; i < c->l->channels; i++)
        c->l->slope[i] = 0.25f + 0.01f * (float)i;
}

static void gelu_changed(scene *c)
{
    c->l->act = c->l->act == GELU ? GELU_TANH : GELU;
}

static void ceil_dropped(scene *c)
{
    c->l->ceil_mode = false;
    network_measure(c->n);
}

static void padding_counted(scene *c)
{
    c->l->count_pad = !c->l->count_pad;
}

static void padded_with_zeros(scene *c)
{
    c->target->zero_pooled = c->at;
}

static void coordinates_changed(scene *c)
{
    c->l->coordinates = !strcmp(c->l->coordinates, "half_pixel") ? "asymmetric" : "half_pixel";
}

static void rounding_changed(scene *c)
{
    c->l->nearest = "ceil";
}

static void branches_swapped(scene *c)
{
    c->target->concat_swapped = c->at;
}

static void order_lost(scene *c)
{
    c->target->order_lost = true;
}

static void output_added(scene *c)
{
    c->target->extra_output = c->at;
}

static void input_transposed(scene *c)
{
    memcpy(c->target->input_perm, (int[]){0, 3, 2, 1}, sizeof c->target->input_perm);
}

static void input_declared_otherwise(scene *c)
{
    c->target->input_hcw = true;
}

static void group_lost(scene *c)
{
    c->target->group_lost = c->at;
}

static void axes_of_other_layout(scene *c)
{
    c->target->other_axes = c->at;
}

static void dense_scaled(scene *c)
{
    c->target->dense_scaled = c->at;
}

static void bias_scaled(scene *c)
{
    c->target->bias_scaled = c->at;
}

/* Nothing is written for a layer of this kind; who read it reads what it read. */
static void norm_lost(scene *c)
{
    for (int i = c->at + 1; i < c->n->n_layers; i++)
        for (int k = 0; k < c->n->layers[i].n_in; k++)
            if (c->n->layers[i].in[k] == c->at)
                c->n->layers[i].in[k] = c->l->in[0];
    c->l->kind = LAYER_INPUT;
}

static const struct {
    const char *what, *types;
    bool (*fits)(const scene *c);
    void (*apply)(scene *c);
    bool alone; /* the Target does not run any more: what else is wrong behind it cannot be seen */
} kinds[] = {
    {"int8 per tensor", "WB", has_weights, int8_per_tensor},
    {"int8 per channel", "WB", has_weights, int8_per_channel},
    {"int8 saturated", "WB", has_weights, int8_saturated},
    {"bfloat16", "WB", has_weights, to_bfloat16},
    {"float16", "WB", has_weights, to_float16},
    {"bias lost", "WB", has_weights, bias_lost},
    {"channels permuted", "WB", has_channels, channels_permuted},
    {"kernel turned", "WB", has_square_kernel, kernel_turned},
    {"noise", "WB", has_weights, noise},
    {"mean forgotten", "WB", has_folded_norm, mean_forgotten},
    {"root forgotten", "WB", has_folded_norm, root_forgotten},
    {"other epsilon", "WB LH", has_norm, other_epsilon},
    {"other statistics", "WB", has_norm, other_statistics},
    {"pads shifted", "LH CG", has_padding, pads_shifted},
    {"bound changed", "LH CG", has_bound, bound_changed},
    {"leak changed", "LH", has_leak, leak_changed},
    {"slopes changed", "WB", has_slopes, slopes_changed},
    {"ceil_mode dropped", "LH", has_ceil, ceil_dropped},
    {"padding counted", "LH CG", has_padded_average, padding_counted},
    {"coordinates changed", "LH", is_linear_resize, coordinates_changed},
    {"rounding changed", "LH", is_nearest_resize, rounding_changed},
    {"activation lost", "CG LH", has_relu, activation_lost},
    {"gelu changed", "LH CG", has_gelu, gelu_changed},
    {"padded with zeros", "CG LH", has_padded_maximum, padded_with_zeros},
    {"branches swapped", "TSS CG", is_concat, branches_swapped},
    {"output added", "CG", can_be_output, output_added},
    {"order lost", "TSS", is_flattened, order_lost},
    {"input transposed", "TSS ID", is_input, input_transposed},
    {"input declared otherwise", "ID", is_fed_alone, input_declared_otherwise},
    {"normalisation lost", "CG WB", is_plain_norm, norm_lost},
    {"alpha changed", "LH", is_gemm, dense_scaled},
    {"beta changed", "LH", is_gemm, bias_scaled},
    {"group lost", "LH", has_groups, group_lost, true},
    {"axes of the other layout", "LH", is_written_mean, axes_of_other_layout, true},
};

const char *fault_kind_at(int i)
{
    return i >= 0 && i < (int)FF_COUNT(kinds) ? kinds[i].what : NULL;
}

static bool put_in(int kind, scene *c, bool *used, seeded_fault *out)
{
    int found[256], count = 0;
    for (int i = 0; kinds[kind].alone && i < c->n->n_layers; i++)
        if (used[i])
            return false;
    for (c->at = 0; c->at < c->n->n_layers && count < (int)FF_COUNT(found); c->at++) {
        c->l = &c->n->layers[c->at];
        c->from = &c->n->layers[c->l->in[0]];
        if (!used[c->at] && kinds[kind].fits(c))
            found[count++] = c->at;
    }
    if (!count)
        return false;
    c->at = found[ff_rng_below(c->rng, (uint64_t)count)];
    c->l = &c->n->layers[c->at];
    *out = (seeded_fault){.types = kinds[kind].types, .what = kinds[kind].what, .breaks = kinds[kind].alone};
    if (c->l->kind != LAYER_INPUT)
        snprintf(out->layer, sizeof out->layer, "%s", c->l->name);
    kinds[kind].apply(c);
    used[c->at] = true;
    for (int i = 0; kinds[kind].alone && i < c->n->n_layers; i++)
        used[i] = true;
    return true;
}

bool fault_seed(const char *kind, const network *original, network *n, style *target, ff_rng *r, bool *used,
                seeded_fault *out)
{
    scene c = {.original = original, .n = n, .target = target, .rng = r};
    for (int i = 0; i < (int)FF_COUNT(kinds); i++)
        if (!strcmp(kinds[i].what, kind))
            return put_in(i, &c, used, out);
    return false;
}

bool fault_random(const network *original, network *n, style *target, ff_rng *r, bool *used, seeded_fault *out)
{
    scene c = {.original = original, .n = n, .target = target, .rng = r};
    return put_in((int)ff_rng_below(r, FF_COUNT(kinds)), &c, used, out);
}
