/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Does a canonical view compute what the model computes? The view is written out again as a model
 * of opset 20, both run on the same random numbers, and every value of the view is compared with
 * the original value that it claims to carry.
 */
#ifndef FETAFIX_TESTS_CANON_EVALUATE_H
#define FETAFIX_TESTS_CANON_EVALUATE_H

#include "fetafix/canon.h"

/* Largest difference of any value relative to the largest element of that value; NAN and the
 * message set when something cannot be run. *compared: how many values (may be NULL). */
double canon_error(const ff_model *m, const ff_canon *c, uint64_t seed, int *compared);
/* The view of a model by the plain C kernels' plan, or NULL with the message set. */
ff_canon *canon_of_model(const ff_model *m);
/* In words, a line a node, for comparing two views: operator, attributes, values read. Caller
 * frees. */
char *canon_text(const ff_canon *c);
/* Largest relative distance of the constants of two views with equal text; INFINITY when they do
 * not match. */
double canon_distance(const ff_canon *a, const ff_canon *b);

#endif
