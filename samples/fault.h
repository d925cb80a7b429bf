/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fault.h: what conversions get wrong, applied to a network before a style writes it down.
 * Structural faults (Transpose, Pad, outputs) are traits of the style instead.
 */
#ifndef SAMPLES_FAULT_H
#define SAMPLES_FAULT_H

#include "network.h"

/* Batch normalisation into weights and bias of every layer, as converters do before they quantise.
 */
void network_fold(network *n);

/* Weights through int8 (symmetric, 127 levels a side) and back; scale for the whole tensor or per
 * output channel. */
void fault_int8(layer *l, bool per_channel);
/* Weights through bfloat16 (nearest even). */
void fault_bfloat16(layer *l);
/* The bias lost (zeros). */
void fault_bias_lost(layer *l);
/* Pads moved so that the window shifts: same sums, the other way round. */
void fault_pads_shifted(layer *l);
/* One class more, in front, that never wins. */
void fault_background(network *n);
/* Weights through float16 (nearest even); int8 with a scale so small that the largest fifth is cut
 * off. */
void fault_float16(layer *l);
void fault_saturated(layer *l);
/* Kernels read column by column. */
void fault_kernel_turned(layer *l);
/* The weights times a factor; the bias stays. */
void fault_scaled(layer *l, float factor);
/* Upper bound of Relu6. */
void fault_clip(layer *l, float max);

#endif
