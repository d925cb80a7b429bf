/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "examine/noise.h"

#include <math.h>

static int step_of(double x)
{
    int e;
    if (!(x > 0) || !isfinite(x))
        return x > 0 ? FF_NOISE_STEPS - 1 : 0;
    frexp(x, &e);
    int step = (e + 3 * FF_NOISE_STEPS / 2) / 3;
    return step < 0 ? 0 : step >= FF_NOISE_STEPS ? FF_NOISE_STEPS - 1 : step;
}

float ff_noise_move(float x, double epsilon, uint64_t lot)
{
    if (!isfinite(x) || x == floorf(x))
        return x;
    return (float)(x * (1 + (lot & 1 ? epsilon : -epsilon)));
}

uint64_t ff_noise_lot(uint64_t seed, uint64_t value, uint64_t element)
{
    uint64_t v = seed ^ (value * UINT64_C(0x9e3779b97f4a7c15)) ^ (element * UINT64_C(0xc2b2ae3d27d4eb4f));
    v ^= v >> 29;
    v *= UINT64_C(0xbf58476d1ce4e5b9);
    return (v ^ v >> 32) >> 17;
}

void ff_noise_add(ff_noise *n, const float *clean, const float *moved, int64_t count, double epsilon)
{
    for (int64_t i = 0; i < count; i++) {
        double x = fabs((double)clean[i]), d = fabs((double)moved[i] - clean[i]);
        n->tipped += d != 0;
        d -= 2 * epsilon * x;
        if (d > 0 && isfinite(d)) {
            int at = step_of(x);
            n->most[at] = fmax(n->most[at], d);
        }
    }
}

void ff_noise_settle(ff_noise *n, const float *clean, int64_t count)
{
    int64_t in[FF_NOISE_STEPS] = {0}, below = 0;
    int lowest = 0;
    for (int64_t i = 0; i < count; i++)
        in[step_of(fabs((double)clean[i]))]++;
    while (lowest < FF_NOISE_STEPS - 1 && (below += in[lowest]) < (count + 9) / 10)
        lowest++;
    double most = 0;
    for (int i = 0; i < FF_NOISE_STEPS; i++)
        n->most[i] = most = fmax(most, n->most[i]);
    for (int i = 0; i < lowest; i++)
        n->most[i] = n->most[lowest];
}

double ff_noise_bound(const ff_noise *n, double x, double epsilon)
{
    int at = step_of(fabs(x)) + 1;
    double most = n->most[at < FF_NOISE_STEPS ? at : FF_NOISE_STEPS - 1];
    return FF_NOISE_SAFETY * (most + epsilon * fabs(x)) + 1e-38;
}
