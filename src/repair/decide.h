/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The exact early decision, apart from any model: in which order the images run, and when enough is known. */
#ifndef REPAIR_DECIDE_H
#define REPAIR_DECIDE_H

#include "fetafix/labels.h"

/* All images 0..count-1: those that `base` gets wrong first, then by smallest margin there; equals by number. */
void ff_decide_order(const ff_labels *source, const ff_labels *base, int offset, int *order);
/* Of order[0..n-1], those in which something went wrong lately come earlier: by last[image], largest first; 0: never. Equals
 * stay in order. */
void ff_decide_recent_first(const int64_t *last, int *order, int n);
bool ff_decide_wrong(const ff_labels *source, const ff_label *target, int image, int offset);

/* How many images are run before it is asked whether that decides: as many as will be needed in any case, `least` at
 * least, and one in `grow` of those that were run before (0: no more): where asking costs, as among processes, the few
 * that run in vain cost less. */
typedef struct ff_wave {
    int least, grow;
} ff_wave;

/* Runs images in the order given until the outcome is certain: `wrong_at(context, image)` is asked in waves through
 * `run(context, images, n)` first. Stops after the image at which more than `limit` wrong ones were counted. What is
 * returned depends on the order and the answers only, not on the waves. */
typedef struct ff_decision {
    int run, wrong; /* images up to the deciding one; wrong ones among them */
    bool complete;  /* every image was run */
} ff_decision;
int ff_decide(const int *order, int count, int limit, ff_wave wave, int (*run)(void *context, const int *images, int n),
              bool (*wrong_at)(void *context, int image), void *context, ff_decision *out) FF_MUST_USE;

#endif
