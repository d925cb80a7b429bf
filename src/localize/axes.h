/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which axis of the original data is which axis of the canonical data. */
#ifndef LOCALIZE_AXES_H
#define LOCALIZE_AXES_H

#include "fetafix/canon.h"

/* axis[i] is the original's axis that canonical axis i of v comes from. False where axes were merged or split,
 * the ranks differ, or v has no original. Axes of size 1 are matched in order. */
bool ff_cvalue_axes(const ff_cvalue *v, const ff_shape *original, int *axis);
/* out[in[i]] = i */
void ff_perm_invert(const int *in, int rank, int *out);
bool ff_perm_identity(const int *perm, int rank);
/* The permutation a canonical Transpose makes: false when n is none. */
bool ff_cnode_perm(const ff_cnode *n, int *perm, int *rank);

#endif
