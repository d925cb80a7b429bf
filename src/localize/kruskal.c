/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "localize/kruskal.h"

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

#ifndef __SANITIZE_THREAD__ /* its runtime is not there yet when the loader chooses a clone */
#define VECTORS __attribute__((target_clones("avx512f", "avx2", "default"), optimize("O3")))
#else
#define VECTORS
#endif

/* GNU C's vectors: a loop over plain doubles becomes jumps. */
enum { WIDTH = 8 };
typedef double vector __attribute__((vector_size(8 * WIDTH), may_alias));
typedef int64_t places __attribute__((vector_size(8 * WIDTH), may_alias));

/* Sorts each of LANES columns of v[0..n-1] by merge exchange (Knuth, volume 3, algorithm 5.2.2M): which elements are
 * compared does not depend on the values, so that the compiler makes vectors of the lanes, for the machine at hand. */
VECTORS static void sort_lanes(double (*v)[LANES], int n)
{
    int top = 1;
    while (top * 2 < n)
        top *= 2;
    for (int p = n > 1 ? top : 0; p > 0; p /= 2)
        for (int q = top, r = 0, d = p;; d = q - p, q /= 2, r = p) {
            for (int i = 0; i < n - d; i++) {
                if ((i & p) != r)
                    continue;
                vector *x = (vector *)v[i], *y = (vector *)v[i + d];
                for (int k = 0; k < LANES / WIDTH; k++) {
                    vector low = x[k], high = y[k];
                    places keep = low < high;
                    x[k] = (vector)((keep & (places)low) | (~keep & (places)high));
                    y[k] = (vector)((keep & (places)high) | (~keep & (places)low));
                }
            }
            if (q == p)
                break;
        }
}

/* A key holds a value and, in its last bit, whether it is of the first group: a float as a double leaves the low 29
 * bits of the mantissa at zero, and the one bit changes the order among equal values only. An infinity, whose bits
 * would become a NaN, is the next power of two instead. */
VECTORS static void key_lanes(const float *values, uint64_t first, double *keys)
{
    uint64_t bits[LANES];
    for (int k = 0; k < LANES; k++) {
        double d = isnan(values[k]) ? INFINITY : values[k];
        d = d > FLT_MAX ? 0x1p128 : d;
        d = d < -FLT_MAX ? -0x1p128 : d;
        keys[k] = d + 0.0; /* no negative zero */
    }
    memcpy(bits, keys, sizeof bits);
    for (int k = 0; k < LANES; k++)
        bits[k] |= first;
    memcpy(keys, bits, sizeof bits);
}

/* Which keys differ in more than the group. */
VECTORS static void note_lanes(const double *keys, const double *reference, uint64_t *differs)
{
    uint64_t x[LANES], y[LANES];
    memcpy(x, keys, sizeof x);
    memcpy(y, reference, sizeof y);
    for (int k = 0; k < LANES; k++)
        differs[k] |= (x[k] ^ y[k]) >> 1;
}

/* Of each sorted column the rank sum of the first group, and the sum of t^3 - t. A value at place i (from 0) that
 * joins a run of equal ones, which starts at b and has f of the first group so far, moves the mid-rank of the run by
 * one half: twice the rank sum grows by f, and by 2b + t + 1 (t = i - b + 1) if the value is of the first group itself.
 * The numbers are integers far below 2^53: exact. */
VECTORS static void rank_lanes(double (*v)[LANES], int n, double *rank_sum, double *ties)
{
    double start[LANES] = {0}, firsts[LANES] = {0}, twice[LANES] = {0}, cubes[LANES] = {0};
    uint64_t run[LANES];
    memset(run, 0xff, sizeof run);
    for (int i = 0; i < n; i++) {
        uint64_t bits[LANES];
        memcpy(bits, v[i], sizeof bits);
        for (int k = 0; k < LANES; k++) {
            uint64_t value = bits[k] & ~(uint64_t)1;
            double first = bits[k] & 1 ? 1 : 0;
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
    double tile[MOST_ROWS][LANES] __attribute__((aligned(8 * WIDTH)));
    for (size_t from = 0; from < elements; from += LANES) {
        size_t width = elements - from < LANES ? elements - from : LANES;
        bool any = false; /* elements without any difference are common: nothing to count */
        for (int i = 0; i < n && !any; i++)
            for (size_t k = 0; k < width; k++)
                any = any || rows[i][from + k] != 0;
        if (!any)
            continue;
        /* Where the first group is constant, any other value of the second flags. */
        uint64_t varies[LANES] = {0}, other[LANES] = {0};
        for (int i = 0; i < n; i++) {
            float values[LANES] = {0};
            __builtin_prefetch(rows[i] + from + (elements - from > LANES ? LANES : 0)); /* a row is far from the next */
            memcpy(values, rows[i] + from, width == LANES ? sizeof values : width * sizeof *values);
            key_lanes(values, i < n1, tile[i]);
            note_lanes(tile[i], tile[0], i < n1 ? varies : other);
        }
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
