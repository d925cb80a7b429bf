/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How one constant became another: the sub-cause of a WB finding, from the numbers alone. */
#ifndef LOCALIZE_WEIGHT_CAUSE_H
#define LOCALIZE_WEIGHT_CAUSE_H

#include "fetafix/model.h"

typedef struct ff_weight_change {
    /* Static: "equal" "rounding" "float16" "bfloat16" "int8-per-tensor" "int8-per-channel" "permuted" "scaled"
     * "missing" "added" "different" "shape-differs". */
    const char *cause;
    double relative; /* |T - S| / |S|, L2 */
    double max_abs;  /* largest difference */
    int64_t n, n_different;
    double step;           /* int8 per tensor: the distance of neighbouring levels, else 0 */
    int levels;            /* int8: number of different values */
    int axis;              /* int8 per channel and scaled: the channel axis; -1 */
    int perm[FF_MAX_RANK]; /* permuted by axes: T's axis i is S's axis perm[i]; perm[0] -1: by elements */
} ff_weight_change;

/* Compares float tensors of any float type. `raw` (may be NULL) is the Target's constant before anything
 * was folded in, in which quantisation is easier to see. `folded`: one side went through a refolding, which
 * rounds in the last bits (a wider idea of rounding). FF_ERR_NOMEM only. */
int ff_weight_compare(const ff_tensor *source, const ff_tensor *target, const ff_tensor *raw, bool folded,
                      ff_weight_change *out) FF_MUST_USE;

#endif
