/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random classifiers, written the way different converters write them. The structure seed decides
 * the layers and their weights, the style seed only how they are written: padding as attribute, Pad
 * node or auto_pad; batch normalisation folded, as a node or as Mul and Add; NCHW or NHWC;
 * constants behind other nodes; activations whole or in parts; the opset; names. Two styles of one
 * structure compute the same.
 */
#ifndef FETAFIX_TESTS_CANON_RANDOM_NET_H
#define FETAFIX_TESTS_CANON_RANDOM_NET_H

#include "fetafix/model.h"

/* Style 0 is the plainest. `fault` (NULL: none) names one thing that is done wrong in the layer
 * number `at` of its kind; it is cleared when that layer does not exist or cannot have it:
 * "weights" (bfloat16), "pads" (one row moved to the other side), "clip", "missing-clip". */
typedef struct net_fault {
    const char *kind;
    int at;
    char node[64]; /* out: the node that has it */
} net_fault;
int random_net(uint64_t structure, uint64_t style, net_fault *fault, ff_model **out) FF_MUST_USE;

#endif
