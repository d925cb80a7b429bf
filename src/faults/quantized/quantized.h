/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Constants and activations that the Target keeps as integers with a scale and a zero point: which of the three is
 * wrong, and what it should be. */
#ifndef FF_FAULTS_QUANTIZED_QUANTIZED_H
#define FF_FAULTS_QUANTIZED_QUANTIZED_H

#include "faults/causes.h"

/* A stored weight or bias: real = (q - zero) * scale. The scale and the zero point are one for all, or one for each index
 * of an axis of q. */
/* A layer over integers: where it has its constant operand and its bias (its own unit is that of input 1 times that of the
 * constant; -1: it takes none), and the scale of its result. */
typedef struct ff_integer_layer {
    const char *op;
    int weight, bias, result;
} ff_integer_layer;
const ff_integer_layer *ff_integer_layer_of(const ff_node *n); /* NULL: it is none */

typedef struct ff_quantized {
    const ff_node *node;         /* the DequantizeLinear, QLinearConv or QLinearMatMul that has the three as inputs */
    const ff_node *layer;        /* which reads the numbers */
    int input;                   /* as which of its inputs */
    int at_q, at_scale, at_zero; /* which of node's; at_zero may be beyond the inputs: zero then. at_scale -1: a bias in
                                  * units of the scales of both operands */
    const ff_tensor *q, *scale, *zero, *times; /* zero and times may be NULL; times: the other operand's scale */
    int axis;                                  /* -1: one for all */
    double low, high;                          /* of q's type */
    const ff_node *moves[4]; /* from q to the layer, that put its elements elsewhere (Transpose) or see other dims */
    int n_moves;
} ff_quantized;
/* Numbers of the layer's parameter in the places and dims of q; the caller owns *out. */
int ff_quantized_places(const ff_plan *plan, const ff_quantized *w, const ff_cparam *param, const ff_tensor *numbers,
                        ff_tensor **out) FF_MUST_USE;
/* Is the constant kept so, and nothing folded into what was dequantised? */
bool ff_quantized_find(const ff_plan *plan, const ff_cparam *param, ff_quantized *out);
int64_t ff_quantized_channels(const ff_quantized *w);
int64_t ff_quantized_channel(const ff_quantized *w, int64_t element);
double ff_quantized_scale(const ff_quantized *w, int64_t channel);
double ff_quantized_zero(const ff_quantized *w, int64_t channel);

/* The unit of a layer's quantised bias by channel: the scale of what it reads times that of its weights. The weights' is
 * the one that they should have, where their integers are right under another; what is read has the one with which it
 * was made, with `as_made`. False: `bias` is none, or its layer's operands are not quantised. */
bool ff_quantized_unit(const ff_subject *s, int source_cnode, int target_cnode, const ff_quantized *bias, bool as_made,
                       double *unit);
/* Is each of the Source's values, in the places of q, within half a step of what is there with these scales and zero
 * points, or nearer than `slack` times itself? */
bool ff_quantized_fits(const ff_quantized *w, const ff_tensor *wanted, const double *scale, const double *zero,
                       double slack);

/* Of the Source's values, in the places of q. FF_CAUSE_QUANTIZED (each is within half a step of the value that is there: the
 * rounding of a quantisation), FF_CAUSE_QUANTIZATION_SCALE or _ZERO_POINT (the integers are right under another
 * scale or zero point, which are given by channel), or FF_NO_CAUSE (the integers themselves are others). `unit`: of a bias,
 * or NULL. */
ff_cause_id ff_quantized_cause(const ff_quantized *w, const ff_tensor *wanted, const double *unit, double *scale,
                               double *zero);

/* A QuantizeLinear and the DequantizeLinear behind it, that only the Target has. */
typedef struct ff_quantized_activation {
    const ff_cnode *quantize, *dequantize;
    double scale, zero, low, high; /* low, high: the smallest and the largest real value it can hold */
    double read_scale, read_zero;  /* with which it is dequantised: the same, but for a fault */
    ff_dtype type;
} ff_quantized_activation;
/* False when the nodes are anything else than one such pair, with one scale for all. */
bool ff_quantized_activation_find(const ff_subject *s, const int *target_nodes, int n, ff_quantized_activation *out);
/* Nor does calibration waste two bits of eight. */
#define FF_COARSE 4.0
/* What the scale and the zero point should be for values from `low` to `high`. The cause where they are not so:
 * FF_CAUSE_ACTIVATION_ZERO_POINT (the scale can stay) or FF_CAUSE_ACTIVATION_SCALE. */
ff_cause_id ff_quantized_fit(const ff_quantized_activation *a, double low, double high, double *scale, double *zero);

#endif
