/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a detector found out and a strategy needs to know; never shown. Shared by localize and repair. */
#ifndef LOCALIZE_HINT_H
#define LOCALIZE_HINT_H

#include "fetafix/localize.h"

/* Pointers go into the canonical views and models of the subject that was localised. */
typedef struct ff_hint {
    int source_cnode, target_cnode; /* -1: there is none */

    /* WB: the constant on both sides; NULL where a side has none. */
    const ff_cparam *source_param, *target_param;

    /* LH, and CG for a Pad node: the attribute on both sides; NULL where a side has none. */
    const ff_cattr *source_attr, *target_attr;

    /* TSS: the Target's cvalue `cvalue` holds the wanted values with axes in another order: wanted axis i
     * is axis perm[i] of what is there. `node` is the original node to be corrected, when one is. */
    int cvalue;
    int rank;
    int perm[FF_MAX_RANK];
    const ff_node *node;

    /* TSS in a dense layer: element i of the wanted flat vector is element order[i] of what is there. */
    int64_t n_order;
    int64_t *order;

    /* ID: the input and the shape it should have. */
    const ff_value *input;
    ff_shape shape;

    /* CG: outputs in the wanted order (names of the Target), or nodes of a region. */
    int n_outputs;
    const char **outputs;
    int n_region;  /* canonical nodes of the Target's region */
    int *region;
    int n_wanted;  /* canonical nodes of the Source's region */
    int *wanted;
    int entry, exit;               /* Target cvalues before and after the region */
    int source_entry, source_exit; /* the Source's */
} ff_hint;

#endif
