/* SPDX-License-Identifier: GPL-3.0-or-later */
/* splitmix64 (Steele, Lea, Flood 2014). Integer and exact arithmetic only: the same everywhere. */
#include "fetafix/base.h"

#include <assert.h>

uint64_t ff_rng_next(ff_rng *r)
{
    uint64_t z = r->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

uint64_t ff_rng_below(ff_rng *r, uint64_t n)
{
    assert(n > 0);
    /* Values at the top that would make the small remainders more frequent are drawn again. */
    uint64_t limit = UINT64_MAX - UINT64_MAX % n;
    uint64_t v;
    do
        v = ff_rng_next(r);
    while (v >= limit);
    return v % n;
}

double ff_rng_real(ff_rng *r)
{
    return (double)(ff_rng_next(r) >> 11) * 0x1p-53;
}

double ff_rng_normal(ff_rng *r)
{
    /* The sum of twelve uniforms: no logarithm or cosine, whose last bits differ between machines. */
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += ff_rng_real(r);
    return sum;
}

void ff_rng_shuffle(ff_rng *r, int *a, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)ff_rng_below(r, i);
        int t = a[i - 1];
        a[i - 1] = a[j];
        a[j] = t;
    }
}
