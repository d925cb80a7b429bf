/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FETAFIX_LABELS_RANK_H
#define FETAFIX_LABELS_RANK_H

#include "fetafix/labels.h"

/* Top-5 and margin of the first `count` elements of a numeric tensor; touches nothing else of *out. */
void rank_values(const ff_tensor *t, int64_t count, ff_label *out);

#endif
