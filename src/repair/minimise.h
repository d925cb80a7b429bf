/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Delta debugging over steps 0..n-1: which can be left out while the outcome stays as good? Zeller's idea,
 * restricted to complements: pieces are left out, larger ones after one that went and smaller ones after one that
 * did not, until no single step can be.
 *
 * A piece that cannot be left out shows it soon, one that can is seen on all images only. So all this is done on a
 * share of the images first, and what is left is judged on all of them once; if that fails, it begins again with a
 * larger share. What was not good on a share is not good. */
#ifndef REPAIR_MINIMISE_H
#define REPAIR_MINIMISE_H

#include <stdbool.h>

typedef struct ff_minimise ff_minimise;

/* `first` (one flag a step): these are tried to be left out all at once before anything else. */
ff_minimise *ff_minimise_create(int n, const bool *first);
void ff_minimise_destroy(ff_minimise *m);
/* The next subset to be judged (ascending), on one image in *share; false: what is kept is minimal. */
bool ff_minimise_next(ff_minimise *m, const int **subset, int *n, int *share);
void ff_minimise_report(ff_minimise *m, bool good);
const int *ff_minimise_kept(const ff_minimise *m, int *n);

#endif
