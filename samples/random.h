/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * random.h: the conversion simulator. Random networks, written in random styles, with faults of
 * which the truth is known: what localisation is measured against.
 */
#ifndef SAMPLES_RANDOM_H
#define SAMPLES_RANDOM_H

#include "fault.h"
#include "style.h"

/* A small network of random kind: plain, residual, inverted residual, branching, pre-activation,
 * grouped, with pools, resizing and dense heads of many kinds; 3x16x16 to 3x24x24 in, statistics of
 * batch normalisation drawn, not measured. */
network *network_random(uint64_t seed);

/* Any combination of traits that says the same network; names carry the layers' names when `named`.
 */
style style_random(ff_rng *r, int least_opset, bool named);

/* A fault put in. */
typedef struct seeded_fault {
    const char *types; /* "WB", "LH", "CG", "TSS", in the order of preference: "LH CG" may be either */
    char layer[64];    /* where; "" for the input and outputs */
    const char *what;
    bool breaks; /* the Target does not run any more */
} seeded_fault;

/* What can be put in (seed.c): the name of kind i, NULL behind the last. */
const char *fault_kind_at(int i);
/* Damages n or the target style by a fault of the kind at a random layer that it fits; false when
 * there is none, and nothing was changed. Layers in used[] (n_layers flags) are left alone, and the
 * one taken is flagged. `original`: the network before it was folded. */
bool fault_seed(const char *kind, const network *original, network *n, style *target, ff_rng *r, bool *used,
                seeded_fault *out);
/* A random kind. */
bool fault_random(const network *original, network *n, style *target, ff_rng *r, bool *used, seeded_fault *out);

#endif
