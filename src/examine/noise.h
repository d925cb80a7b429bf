/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What rounding explains. A model is run again with its values moved by their last bit; how far a value comes out from
 * where it was, by the magnitude of its elements, is its noise. One bound a tensor would let everything pass beside a
 * mask of -10000. */
#ifndef FF_EXAMINE_NOISE_H
#define FF_EXAMINE_NOISE_H

#include "fetafix/model.h"

enum {
    FF_NOISE_STEPS = 96,  /* of magnitudes, a factor of 8 each */
    FF_NOISE_SAFETY = 4,  /* so many times the measured noise is rounding still: benign pairs stay below 3 */
};

typedef struct ff_noise {
    double most[FF_NOISE_STEPS]; /* largest change beyond the bits that were moved, of elements of this magnitude */
    int64_t tipped;              /* elements of a value without fractions that became others */
} ff_noise;

/* x moved up or down by lot. Whole numbers are exact and stay: ids, masks, factors of two. */
float ff_noise_move(float x, double epsilon, uint64_t lot);
uint64_t ff_noise_lot(uint64_t seed, uint64_t value, uint64_t element);
/* Notes how far moved values came out from those that did not move. */
void ff_noise_add(ff_noise *n, const float *clean, const float *moved, int64_t count, double epsilon);
/* When all is noted: small elements are few, so that they count with those of the tensor's smallest tenth. */
void ff_noise_settle(ff_noise *n, const float *clean, int64_t count);
/* The largest difference from x that rounding explains. */
double ff_noise_bound(const ff_noise *n, double x, double epsilon);

#endif
