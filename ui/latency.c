/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "latency.h"

#include <stdlib.h>
#include <string.h>

#include "fetafix/base.h"

void ui_latency_key(ui_latency *l)
{
    if (!l->key_ns)
        l->key_ns = ff_now_ns();
}

void ui_latency_painted(ui_latency *l)
{
    int64_t now = ff_now_ns();
    if (l->paints++ == 0)
        l->first_paint_us = (now - l->started_ns) / 1000;
    if (!l->key_ns)
        return;
    int64_t us = (now - l->key_ns) / 1000;
    l->us[l->count++ % UI_LATENCY_KEPT] = (int32_t)(us > INT32_MAX ? INT32_MAX : us);
    l->key_ns = 0;
}

static int compare(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

double ui_latency_at(const ui_latency *l, double share)
{
    int64_t n = l->count < UI_LATENCY_KEPT ? l->count : UI_LATENCY_KEPT;
    if (n == 0)
        return 0;
    int32_t *sorted = ff_alloc_array((size_t)n, sizeof *sorted);
    memcpy(sorted, l->us, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, compare);
    int64_t i = (int64_t)(share * (double)(n - 1) + 0.5);
    double ms = sorted[i] / 1000.0;
    free(sorted);
    return ms;
}
