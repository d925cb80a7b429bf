/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A batch normalisation that the view has folded into a layer, as the model keeps it. */
#ifndef FF_FAULTS_BATCH_NORM_BATCH_NORM_H
#define FF_FAULTS_BATCH_NORM_BATCH_NORM_H

#include "fetafix/faults.h"

typedef enum ff_norm_constant {
    FF_NORM_SCALE,
    FF_NORM_SHIFT,
    FF_NORM_MEAN,
    FF_NORM_VARIANCE,
    FF_NORM_CONSTANTS
} ff_norm_constant;

typedef struct ff_norm {
    const ff_node *node; /* its input k + 1 is constant k */
    double epsilon;
    const ff_tensor *constants[FF_NORM_CONSTANTS]; /* one number a channel each */
} ff_norm;

/* The one batch normalisation among the origins of a node; false: there is none, or several. */
bool ff_norm_of(const ff_canon *c, const ff_cnode *n, ff_norm *out);
/* What multiplies and what is added for each channel along the first axis, under whichever roles the node has them. */
bool ff_norm_params(const ff_cnode *n, const ff_cparam **scale, const ff_cparam **shift);
/* Do both sides store the same numbers for the parameter, whatever is folded in behind? */
bool ff_norm_same_stored(const ff_subject *s, const ff_cparam *a, const ff_cparam *b);
/* A batch normalisation stored on both sides for the same layer: what differs there is its own constants. */
bool ff_norm_both(const ff_subject *s, const ff_cnode *source, const ff_cnode *target, ff_norm *a, ff_norm *b);

#endif
