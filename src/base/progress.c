/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a long call is at. */
#include "fetafix/base.h"

#include <time.h>

int64_t ff_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void ff_progress_start(ff_progress *p, const char *stage, int64_t total)
{
    if (!p)
        return;
    atomic_store(&p->done, 0);
    atomic_store(&p->total, total);
    atomic_store(&p->started_ns, ff_now_ns());
    atomic_store(&p->stage, stage);
}

void ff_progress_add(ff_progress *p, int64_t n)
{
    if (p)
        atomic_fetch_add(&p->done, n);
}

void ff_progress_finish(ff_progress *p)
{
    if (p)
        atomic_store(&p->stage, NULL);
}
