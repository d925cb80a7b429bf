/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Constants and activations that the Target keeps as integers with a scale and a zero point: which of the three is
 * wrong, and what it should be. */
#ifndef LOCALIZE_QUANTIZED_H
#define LOCALIZE_QUANTIZED_H

#include "fetafix/localize.h"

/* A stored weight: real = (q - zero) * scale. The scale and the zero point are one for all, or one for each index of
 * an axis of q. */
typedef struct ff_quantized {
    const ff_node *node;         /* the DequantizeLinear, QLinearConv or QLinearMatMul that has the three as inputs */
    int at_q, at_scale, at_zero; /* which; at_zero may be beyond the inputs: zero then */
    const ff_tensor *q, *scale, *zero; /* zero may be NULL */
    int axis;                          /* -1: one for all */
    double low, high;                  /* of q's type */
} ff_quantized;
/* Is the constant kept so, and nothing folded into what was dequantised? */
bool ff_quantized_find(const ff_plan *plan, const ff_cparam *param, ff_quantized *out);
int64_t ff_quantized_channels(const ff_quantized *w);
int64_t ff_quantized_channel(const ff_quantized *w, int64_t element);
double ff_quantized_scale(const ff_quantized *w, int64_t channel);
double ff_quantized_zero(const ff_quantized *w, int64_t channel);

/* Of the Source's values, in the places of q. Static: "grid" (each is within half a step of the value that is there: the
 * rounding of a quantisation), "quantization-scale", "quantization-zero-point" (the integers are right under another
 * scale or zero point, which are given by channel), or NULL (the integers themselves are others). */
const char *ff_quantized_cause(const ff_quantized *w, const ff_tensor *wanted, double *scale, double *zero);

/* A QuantizeLinear and the DequantizeLinear behind it, that only the Target has. */
typedef struct ff_quantized_activation {
    const ff_cnode *quantize, *dequantize;
    double scale, zero, low, high; /* low, high: the smallest and the largest real value it can hold */
    bool is_signed;
    ff_dtype type;
} ff_quantized_activation;
/* False when the nodes are anything else than one such pair, with one scale for all. */
bool ff_quantized_activation_find(const ff_subject *s, const int *target_nodes, int n, ff_quantized_activation *out);
/* What the scale and the zero point should be for values from `low` to `high`. */
void ff_quantized_fit(const ff_quantized_activation *a, double low, double high, double *scale, double *zero);

#endif
