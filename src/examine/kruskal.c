/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "examine/kruskal.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LANES = 16,      /* elements that are sorted at once */
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

/* Clones are gcc's on x86. The thread sanitizer's runtime is not there yet when the loader chooses one. */
#if defined(__x86_64__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__)
#define VECTORS __attribute__((target_clones("avx512f", "avx2", "default"), optimize("O3")))
#else
#define VECTORS
#endif

/* A key holds a value and, in its last bit, whether it is of the first group. The bits of a float, those of a negative
 * one turned, are in the order of the values. NaN counts as infinity, and there is no negative zero. */
VECTORS static bool key_lanes(const float *const *rows, size_t from, size_t width, int n1, int n,
                              int64_t (*keys)[LANES], uint64_t *varies, uint64_t *other)
{
    uint64_t any[LANES] = {0};
    for (int i = 0; i < n; i++) {
        float padded[LANES] = {0};
        const float *values = rows[i] + from;
        uint64_t *differs = i < n1 ? varies : other;
        int64_t first = i < n1;
        if (width == LANES)
            __builtin_prefetch(values + LANES); /* a row is far from the next */
        else
            values = memcpy(padded, values, width * sizeof *values);
        for (int k = 0; k < LANES; k++) {
            float value = isnan(values[k]) ? INFINITY : values[k] + 0.0f;
            int32_t bits;
            memcpy(&bits, &value, sizeof bits);
            bits ^= (int32_t)((uint32_t)(bits >> 31) >> 1);
            keys[i][k] = (int64_t)bits * 2 + first;
            differs[k] |= (uint64_t)(keys[i][k] ^ keys[0][k]) >> 1;
            any[k] |= (uint64_t)keys[i][k] >> 1;
        }
    }
    for (int k = 0; k < LANES; k++)
        any[0] |= any[k];
    return any[0] != 0;
}

/* GNU C's vectors: a loop over plain numbers becomes jumps. */
enum { WIDTH = 8 };
typedef int64_t vector __attribute__((vector_size(8 * WIDTH), may_alias));

/* Sorts each of LANES columns of v[0..n-1] by merge exchange (Knuth, volume 3, algorithm 5.2.2M): which elements are
 * compared does not depend on the values, so that the compiler makes vectors of the lanes, for the machine at hand. */
VECTORS static void sort_lanes(int64_t (*v)[LANES], int n)
{
    int top = 1;
    while (top * 2 < n)
        top *= 2;
    for (int p = n > 1 ? top : 0; p > 0; p /= 2)
        for (int q = top, r = 0, d = p;; d = q - p, q /= 2, r = p) {
            for (int from = r; from < n - d; from += 2 * p)
                for (int i = from; i < from + p && i < n - d; i++) {
                    vector *x = (vector *)v[i], *y = (vector *)v[i + d];
                    for (int k = 0; k < LANES / WIDTH; k++) {
                        vector low = x[k], high = y[k], swap = (low ^ high) & (high < low);
                        x[k] = low ^ swap;
                        y[k] = high ^ swap;
                    }
                }
            if (q == p)
                break;
        }
}

/* Of each sorted column the rank sum of the first group, and the sum of t^3 - t. A value at place i (from 0) that
 * joins a run of equal ones, which starts at b and has f of the first group so far, moves the mid-rank of the run by
 * one half: twice the rank sum grows by f, and by 2b + t + 1 (t = i - b + 1) if the value is of the first group itself.
 * The numbers are integers far below 2^53: exact. */
VECTORS static void rank_lanes(int64_t (*v)[LANES], int n, double *rank_sum, double *ties)
{
    double start[LANES] = {0}, firsts[LANES] = {0}, twice[LANES] = {0}, cubes[LANES] = {0};
    int64_t run[LANES];
    for (int k = 0; k < LANES; k++)
        run[k] = INT64_MAX;
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < LANES; k++) {
            int64_t value = v[i][k] >> 1;
            double first = v[i][k] & 1 ? 1 : 0;
            bool same = value == run[k];
            double b = same ? start[k] : i, f = same ? firsts[k] : 0, t = i - b;
            twice[k] += f + first * (i + b + 2);
            cubes[k] += 3 * t * (t + 1);
            start[k] = b;
            firsts[k] = f + first;
            run[k] = value;
        }
    }
    for (int k = 0; k < LANES; k++) {
        rank_sum[k] = twice[k] / 2;
        ties[k] = cubes[k];
    }
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
    int64_t tile[MOST_ROWS][LANES] __attribute__((aligned(64)));
    for (size_t from = 0; from < elements; from += LANES) {
        size_t width = elements - from < LANES ? elements - from : LANES;
        /* Where the first group is constant, any other value of the second flags. */
        uint64_t varies[LANES] = {0}, other[LANES] = {0};
        if (!key_lanes(rows, from, width, n1, n, tile, varies, other))
            continue; /* elements without any difference are common: nothing to count */
        double rank_sum[LANES], ties[LANES];
        sort_lanes(tile, n);
        rank_lanes(tile, n, rank_sum, ties);
        for (size_t k = 0; k < width; k++) {
            ff_kruskal r = ff_kruskal_from(rank_sum[k], n1, n2, ties[k]);
            sum->flagged += varies[k] ? r.h > FF_KRUSKAL_CRITICAL : other[k] != 0;
            sum->effect += r.effect;
        }
    }
}
