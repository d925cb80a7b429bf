/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * random.h: the conversion simulator. Random networks, written in random styles, with faults of which the
 * truth is known: what localisation is measured against.
 */
#ifndef SAMPLES_RANDOM_H
#define SAMPLES_RANDOM_H

#include "fault.h"
#include "style.h"

/* A small network of random kind: plain, residual, inverted residual, branching, pre-activation; 3x16x16 to
 * 3x24x24 in, statistics of batch normalisation drawn, not measured. */
network *network_random(uint64_t seed);

/* Any combination of traits that says the same network; names carry the layers' names when `named`. */
style style_random(ff_rng *r, bool named);

/* A fault put in. */
typedef struct seeded_fault {
    char type[4];       /* "WB", "LH", "CG", "TSS" */
    char layer[64];     /* where; "" for the input and outputs */
    char what[64];
} seeded_fault;

/* Damages n (folded) or the target style at random; false when the kind drawn does not fit the network, and
 * nothing was changed. Layers in used[] (n_layers flags) are left alone, and the one taken is flagged. */
bool fault_random(network *n, style *target, ff_rng *r, bool *used, seeded_fault *out);

#endif
