/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "localize/kruskal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LANES = 32,      /* elements that are sorted at once */
    MOST_ROWS = 512, /* above this the tile leaves the cache: one element at a time */
};

ff_kruskal ff_kruskal_from(double rank_sum, int64_t n1, int64_t n2, double ties)
{
    double n = (double)(n1 + n2);
    double other = n * (n + 1) / 2 - rank_sum;
    double h = 12 / (n * (n + 1)) * (rank_sum * rank_sum / (double)n1 + other * other / (double)n2) - 3 * (n + 1);
    double correction = 1 - ties / (n * n * n - n);
    if (!(correction > 0) || n < 2)
        return (ff_kruskal){0};
    h = fmax(0, h / correction);
    return (ff_kruskal){.h = h, .effect = h * (n + 1) / (n * n - 1)};
}

static int compare(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    if (isnan(x) || isnan(y))
        return isnan(x) - isnan(y);
    return x < y ? -1 : x > y;
}

/* Mid-rank of v among n sorted values, from 1. */
static double mid_rank(const float *sorted, int n, float v)
{
    int below = 0, high = n;
    while (below < high) {
        int m = (below + high) / 2;
        if (compare(&sorted[m], &v) < 0)
            below = m + 1;
        else
            high = m;
    }
    int upto = below;
    while (upto < n && compare(&sorted[upto], &v) == 0)
        upto++;
    return (below + 1 + upto) / 2.0;
}

ff_kruskal ff_kruskal_sorted(const float *a, int n1, const float *b, int n2, float *scratch)
{
    int n = n1 + n2;
    if (n1 < 1 || n2 < 1)
        return (ff_kruskal){0};
    memcpy(scratch, a, (size_t)n1 * sizeof *a);
    memcpy(scratch + n1, b, (size_t)n2 * sizeof *b);
    qsort(scratch, (size_t)n, sizeof *scratch, compare);
    double ties = 0, sum = 0;
    for (int i = 0; i < n;) {
        int k = i;
        while (k < n && compare(&scratch[k], &scratch[i]) == 0)
            k++;
        double t = k - i;
        ties += t * t * t - t;
        i = k;
    }
    for (int i = 0; i < n1; i++)
        sum += mid_rank(scratch, n, a[i]);
    return ff_kruskal_from(sum, n1, n2, ties);
}

/* Sorts each of LANES columns of v[0..n-1] by merge exchange (Knuth, volume 3, algorithm 5.2.2M): which elements are
 * compared does not depend on the values, so that the compiler makes vectors of the lanes, for the machine at hand. */
#ifndef __SANITIZE_THREAD__ /* its runtime is not there yet when the loader chooses a clone */
__attribute__((target_clones("avx512f", "avx2", "default"), optimize("O3")))
#endif
static void sort_lanes(float (*v)[LANES], int n)
{
    int top = 1;
    while (top * 2 < n)
        top *= 2;
    for (int p = n > 1 ? top : 0; p > 0; p /= 2)
        for (int q = top, r = 0, d = p;; d = q - p, q /= 2, r = p) {
            for (int i = 0; i < n - d; i++) {
                if ((i & p) != r)
                    continue;
                float *restrict x = v[i], *restrict y = v[i + d];
                for (int k = 0; k < LANES; k++) {
                    float low = x[k] < y[k] ? x[k] : y[k], high = x[k] < y[k] ? y[k] : x[k];
                    x[k] = low;
                    y[k] = high;
                }
            }
            if (q == p)
                break;
        }
}

/* Rank sum of column k of the first n1 sorted rows among all n1 + n2, and the sum of t^3 - t. */
static void merge_ranks(float (*v)[LANES], int n1, int n2, int k, double *rank_sum, double *ties)
{
    int i = 0, j = n1, n = n1 + n2;
    int64_t twice = 0, cubes = 0, before = 0;
    while (i < n1 || j < n) {
        float x = i < n1 && (j == n || v[i][k] <= v[j][k]) ? v[i][k] : v[j][k];
        int64_t first = 0, second = 0;
        for (; i < n1 && v[i][k] == x; i++)
            first++;
        for (; j < n && v[j][k] == x; j++)
            second++;
        int64_t t = first + second;
        twice += first * (2 * before + t + 1);
        cubes += t * t * t - t;
        before += t;
    }
    *rank_sum = (double)twice / 2;
    *ties = (double)cubes;
}

static float finite_value(float v)
{
    return isnan(v) ? INFINITY : v;
}

static void by_sorting(const float *const *rows, int n1, int n2, size_t elements, ff_kruskal_sum *sum)
{
    float *a = malloc(2 * (size_t)(n1 + n2) * sizeof *a);
    if (!a)
        abort(); /* some kilobytes */
    for (size_t k = 0; k < elements; k++) {
        for (int i = 0; i < n1 + n2; i++)
            a[i] = finite_value(rows[i][k]);
        bool constant = true, other = false;
        for (int i = 1; i < n1; i++)
            constant = constant && a[i] == a[0];
        for (int i = n1; i < n1 + n2; i++)
            other = other || a[i] != a[0];
        ff_kruskal r = ff_kruskal_sorted(a, n1, a + n1, n2, a + n1 + n2);
        sum->flagged += constant ? other : r.h > FF_KRUSKAL_CRITICAL;
        sum->effect += r.effect;
    }
    free(a);
}

void ff_kruskal_columns(const float *const *rows, int n1, int n2, size_t elements, ff_kruskal_sum *sum)
{
    int n = n1 + n2;
    if (n1 < 1 || n2 < 1)
        return;
    sum->elements += (int64_t)elements;
    if (n > MOST_ROWS) {
        by_sorting(rows, n1, n2, elements, sum);
        return;
    }
    float tile[MOST_ROWS][LANES];
    for (size_t from = 0; from < elements; from += LANES) {
        size_t width = elements - from < LANES ? elements - from : LANES;
        bool any = false; /* elements without any difference are common: nothing to count */
        for (int i = 0; i < n; i++)
            for (size_t k = 0; k < LANES; k++) {
                tile[i][k] = k < width ? finite_value(rows[i][from + k]) : 0;
                any = any || tile[i][k] != 0;
            }
        if (!any)
            continue;
        sort_lanes(tile, n1);
        sort_lanes(tile + n1, n2);
        for (size_t k = 0; k < width; k++) {
            bool constant = tile[0][k] == tile[n1 - 1][k];
            bool other = tile[n1][k] != tile[0][k] || tile[n - 1][k] != tile[0][k];
            double rank_sum, ties;
            merge_ranks(tile, n1, n2, (int)k, &rank_sum, &ties);
            ff_kruskal r = ff_kruskal_from(rank_sum, n1, n2, ties);
            sum->flagged += constant ? other : r.h > FF_KRUSKAL_CRITICAL;
            sum->effect += r.effect;
        }
    }
}
