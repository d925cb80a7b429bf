/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a detector found out and a strategy needs to know; never shown. Shared by localize and repair. */
#ifndef FF_FAULTS_HINT_H
#define FF_FAULTS_HINT_H

#include "fetafix/faults.h"

/* Pointers go into the canonical views and models of the subject that was localised. */
typedef struct ff_hint {
    int source_cnode, target_cnode; /* -1: there is none */

    /* WB: the constant on both sides; NULL where a side has none. */
    const ff_cparam *source_param, *target_param;
    bool normalisation; /* of a batch normalisation: what multiplies (these) and what is added differ at once */

    /* LH, and CG for a Pad node: the attribute on both sides; NULL where a side has none. `next`: another one of the same
     * node that is part of the finding; owned. */
    const ff_cattr *source_attr, *target_attr;
    struct ff_hint *next;

    /* TSS: the Target's cvalue `cvalue` holds the wanted values with axes in another order: wanted axis i
     * is axis perm[i] of what is there. `node` is the original node to be corrected, when one is. */
    int cvalue;
    int rank;
    int perm[FF_MAX_RANK];
    const ff_node *node;

    /* LH that is found from the weights: attributes that no canonical node has, pointed at from above. */
    ff_cattr made[2];
    double numbers[2];
    int64_t whole[2];
    /* LH of a reduction over other axes: those that `node` should have. What lies behind it could not be compared. */
    int n_reduced;
    int64_t reduced[FF_MAX_RANK];
    /* TSS of a normalisation channel by channel: the axis that the finding's nodes should have. */
    int axis;

    /* The edit that was found with the finding; owned. Strategies are not asked then. */
    ff_patch *mended;

    /* ID: the input and the shape it should have. */
    const ff_value *input;
    ff_shape shape;

    /* CG: outputs in the wanted order (names of the Target). */
    int n_outputs;
    const char **outputs;

    /* CG: node target_cnode (-1: the output) reads `exit` where its counterpart reads `source_exit`. How many nodes
     * without a counterpart make them on both sides. */
    int source_exit, exit;
    int n_wanted, n_region;
    bool bypass; /* the finding's nodes of the Target each hand on another form of one input: it is read instead */

    /* WB of an activation's quantisation: the smallest and the largest value that the Source has there. */
    double low, high;
} ff_hint;

#endif
