/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FETAFIX_LABELS_VALUES_H
#define FETAFIX_LABELS_VALUES_H

#include "fetafix/labels.h"

/* How one output lies among the numbers of a sample; `repeats`: ff_feed_repeats. */
void values_describe(const ff_tensor *t, int64_t repeats, ff_output_form *out);
/* `count` numbers, as values_describe has it. */
void values_copy(const ff_tensor *t, int64_t count, float *to);

#endif
