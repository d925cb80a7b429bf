/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetafix/align.h: which Source node corresponds to which Target node.
 *
 *     ff_align(source_canon, target_canon, pins, n, &alignment)
 *
 * One-to-one over canonical nodes, independent of names. Anchors by weights (relative distance, up to
 * a permutation of axes), then order along the graph, then what lies between anchors.
 */
#ifndef FETAFIX_ALIGN_H
#define FETAFIX_ALIGN_H

#include "fetafix/canon.h"

/* The user's word on a pair, by original node labels. */
typedef struct ff_pin {
    const char *source, *target;
    bool forbid; /* these two never */
} ff_pin;

typedef struct ff_pair {
    int source, target; /* canonical nodes; -1: has no counterpart */
    double confidence;  /* 0..1; 1: weights equal or pinned */
    const char *reason; /* static: "equal weights", "order", "pinned", "missing in the Target" */
    bool pinned;
} ff_pair;

typedef struct ff_alignment {
    const ff_canon *source, *target;
    int n_pairs;
    const ff_pair *pairs;             /* in the order of the Source's graph; Target-only nodes where they belong */
    const int *of_source, *of_target; /* pair of a canonical node */
    const int *value_of_source;       /* Target cvalue that corresponds to a Source cvalue, or -1 */
} ff_alignment;

/* The canons must outlive the alignment. FF_ERR_USAGE: a pin names a node that is not there (with the
 * nearest name) or one that is pinned to another. */
int ff_align(const ff_canon *source, const ff_canon *target, const ff_pin *pins, int n_pins,
             ff_alignment **out) FF_MUST_USE;
/* Does the pin's Target node take part in the view? A repair may have taken it out. */
bool ff_pin_applies(const ff_canon *target, const ff_pin *pin);
void ff_alignment_destroy(ff_alignment *a);

#endif
