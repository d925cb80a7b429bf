/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The search for a preprocessing under which the Target agrees better: promising specs, from a sample of the images. */
#ifndef REPAIR_TUNE_PRE_H
#define REPAIR_TUNE_PRE_H

#include "fetafix/repair.h"
#include "fetafix/examine.h"

typedef struct ff_tuned {
    ff_pre pre;
    int wrong;       /* of the sample */
    double distance; /* mean over the sample */
} ff_tuned;

/* Begins at the `n_bases` specs and follows ff_pre_candidates from whatever is best so far: fewer changes first, again
 * from the start after each improvement. Ends when nothing better is near or after a fixed number of runs, which
 * depends on the model's size alone, so that the same case gives the same answer. The best `max` come out, the
 * best first; returns how many in *n. Specs under which the model cannot run are passed over. */
int ff_tune_pre(const ff_shared *h, ff_model *m, const ff_pre *bases, int n_bases, int offset, const ff_task *task,
                ff_tuned *best, int max, int *n, double *flops) FF_MUST_USE;

#endif
