/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kruskal-Wallis over two groups, exact, with ties (Kruskal and Wallis 1952):
 *
 *     H = 12/(N(N+1)) * sum(R_g^2/n_g) - 3(N+1), divided by 1 - sum(t^3-t)/(N^3-N)
 *
 * and the share of it that can be reached: epsilon squared = H(N+1)/(N^2-1). */
#ifndef FF_EXAMINE_KRUSKAL_H
#define FF_EXAMINE_KRUSKAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FF_KRUSKAL_CRITICAL 3.841459 /* 5% of chi-square with one degree of freedom */

typedef struct ff_kruskal {
    double h;      /* 0 when all values are equal */
    double effect; /* epsilon squared, 0..1 */
} ff_kruskal;

/* From what sorting gives: the rank sum of the first group (mid-ranks) and the sum of t^3 - t. */
ff_kruskal ff_kruskal_from(double rank_sum, int64_t n1, int64_t n2, double ties);
/* By sorting. `scratch` holds n1 + n2 floats. NaN ranks above everything. */
ff_kruskal ff_kruskal_sorted(const float *a, int n1, const float *b, int n2, float *scratch);

typedef struct ff_kruskal_sum {
    int64_t elements, flagged;
    double effect; /* sum over elements */
} ff_kruskal_sum;
/* Elements side by side: rows[i][k] is the value of element k in observation i; the first n1 rows are the similar
 * group, the next n2 the dissimilar one. Where all similar values are equal, an element is flagged if any dissimilar
 * one is another; else if H is above the critical value. Adds to *sum. */
void ff_kruskal_columns(const float *const *rows, int n1, int n2, size_t elements, ff_kruskal_sum *sum);

#endif
