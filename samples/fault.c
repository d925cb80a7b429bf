/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fault.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void network_fold(network *n)
{
    for (int i = 0; i < n->n_layers; i++) {
        layer *l = &n->layers[i];
        if (!l->batchnorm || (l->kind != LAYER_CONV && l->kind != LAYER_DECONV))
            continue;
        l->bias = ff_alloc_array((size_t)l->channels, sizeof(float));
        float *factor = ff_alloc_array((size_t)l->channels, sizeof(float));
        for (int c = 0; c < l->channels; c++) {
            double s = l->scale[c] / sqrt((double)l->variance[c] + l->epsilon);
            factor[c] = (float)s;
            l->bias[c] = (float)(l->shift[c] - s * l->mean[c]);
        }
        for (int64_t k = 0; k < l->n_weight; k++)
            l->weight[k] *= factor[layer_channel(l, k)];
        free(factor);
        l->batchnorm = false;
    }
}

void fault_int8(layer *l, bool per_channel)
{
    int64_t groups = per_channel ? l->channels : 1, size = l->n_weight / groups;
    for (int64_t g = 0; g < groups; g++) {
        float *w = l->weight + g * size, largest = 0;
        for (int64_t k = 0; k < size; k++)
            largest = fmaxf(largest, fabsf(w[k]));
        float scale = largest > 0 ? largest / 127 : 1;
        for (int64_t k = 0; k < size; k++)
            w[k] = nearbyintf(w[k] / scale) * scale;
    }
}

void fault_bfloat16(layer *l)
{
    for (int64_t k = 0; k < l->n_weight; k++)
        l->weight[k] = ff_bfloat16_to_float(ff_float_to_bfloat16(l->weight[k]));
}

void fault_float16(layer *l)
{
    for (int64_t k = 0; k < l->n_weight; k++)
        l->weight[k] = ff_half_to_float(ff_float_to_half(l->weight[k]));
}

void fault_saturated(layer *l)
{
    float largest = 0;
    for (int64_t k = 0; k < l->n_weight; k++)
        largest = fmaxf(largest, fabsf(l->weight[k]));
    float scale = largest > 0 ? 0.8f * largest / 127 : 1;
    for (int64_t k = 0; k < l->n_weight; k++)
        l->weight[k] = fminf(fmaxf(nearbyintf(l->weight[k] / scale), -127), 127) * scale;
}

void fault_kernel_turned(layer *l)
{
    int64_t size = l->kernel[0] * l->kernel[1];
    float *kept = ff_alloc_array((size_t)size, sizeof *kept);
    for (int64_t from = 0; from < l->n_weight; from += size) {
        memcpy(kept, l->weight + from, (size_t)size * sizeof *kept);
        for (int64_t k = 0; k < size; k++)
            l->weight[from + k] = kept[k % l->kernel[0] * l->kernel[1] + k / l->kernel[0]];
    }
    free(kept);
}

void fault_background(network *n)
{
    layer *l = &n->layers[n->n_layers - 1];
    int64_t inputs = l->n_weight / l->channels;
    float *weight = ff_alloc_array((size_t)(l->n_weight + inputs), sizeof *weight);
    float *bias = ff_alloc_array((size_t)l->channels + 1, sizeof *bias);
    memcpy(weight + inputs, l->weight, (size_t)l->n_weight * sizeof *weight);
    memcpy(bias + 1, l->bias, (size_t)l->channels * sizeof *bias);
    bias[0] = -100;
    free(l->weight);
    free(l->bias);
    l->weight = weight;
    l->bias = bias;
    l->n_weight += inputs;
    n->classes = ++l->channels;
}

void fault_bias_lost(layer *l)
{
    memset(l->bias, 0, (size_t)l->channels * sizeof *l->bias);
}

void fault_pads_shifted(layer *l)
{
    for (int axis = 0; axis < 2; axis++) {
        int total = l->pads[axis] + l->pads[axis + 2];
        l->pads[axis] = l->pads[axis + 2] == 0 ? 0 : l->pads[axis + 2];
        l->pads[axis + 2] = total - l->pads[axis];
        if (l->pads[axis] == l->pads[axis + 2]) {
            l->pads[axis] = total;
            l->pads[axis + 2] = 0;
        }
    }
}

void fault_scaled(layer *l, float factor)
{
    for (int64_t k = 0; k < l->n_weight; k++)
        l->weight[k] *= factor;
}

void fault_clip(layer *l, float max)
{
    l->act_max = max;
}
