/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A loop over images (or anything else with a number) shared out over the processes of a team, and within each over
 * its pool. Afterwards all of them have what any of them worked out. */
#include "fetafix/base.h"

#include <stdlib.h>
#include <string.h>

typedef struct share {
    ff_pool_fn *fn;
    void *context;
    const int64_t *mine; /* indices of the whole loop */
    atomic_llong failed; /* lowest of them that failed */
} share;

static int run_mine(void *context, int64_t index, int worker)
{
    share *s = context;
    int64_t i = s->mine[index];
    int code = s->fn(s->context, i, worker);
    long long lowest = atomic_load(&s->failed);
    while (code != FF_OK && i < lowest && !atomic_compare_exchange_weak(&s->failed, &lowest, i))
        ;
    return code;
}

/* An image always goes to the same process: it has it decoded, and the activations it kept of it. */
static int owner(const ff_team *t, const int *ids, int64_t i)
{
    return (int)((ids ? ids[i] : i) % ff_team_size(t));
}

/* What a rank sends: how it went, then a record for each index of its own, with all parts of it side by side. */
typedef struct outcome {
    int code;
    int64_t place;
} outcome;

static char *element(const ff_part *p, const int *ids, int64_t i)
{
    return (char *)p->at + (size_t)(p->by_id ? ids[i] : i) * p->size;
}

/* One message for all parts and for how it went: what the processes wait for one another is the number of messages. */
static int exchange(ff_team *t, outcome own, int64_t n, const int *ids, const ff_part *parts, int n_parts)
{
    int rank = ff_team_rank(t), size = ff_team_size(t), code = FF_OK;
    size_t stride = sizeof own, width = 0;
    for (int p = 0; p < n_parts; p++)
        width += parts[p].size;
    stride = width > stride ? width : stride;
    int *counts = ff_alloc_array((size_t)size, sizeof *counts);
    for (int r = 0; r < size; r++)
        counts[r] = 1;
    for (int64_t i = 0; i < n; i++)
        counts[owner(t, ids, i)]++;
    char *mine = ff_alloc_array((size_t)counts[rank], stride), *all = ff_alloc_array((size_t)(n + size), stride);
    char *to = mine + stride, **at = ff_alloc_array((size_t)size, sizeof *at);
    memcpy(mine, &own, sizeof own);
    for (int64_t i = 0; i < n; i++) {
        if (owner(t, ids, i) != rank)
            continue;
        char *field = to;
        for (int p = 0; p < n_parts; field += parts[p++].size)
            memcpy(field, element(&parts[p], ids, i), parts[p].size);
        to += stride;
    }
    ff_team_gather(t, mine, counts, stride, all);
    at[0] = all;
    for (int r = 1; r < size; r++)
        at[r] = at[r - 1] + (size_t)counts[r - 1] * stride;
    for (int r = 0; r < size; r++, at[r - 1] += stride) {
        outcome there;
        memcpy(&there, at[r], sizeof there);
        code = code == FF_OK ? there.code : code;
    }
    for (int64_t i = 0; i < n && code == FF_OK; i++) {
        int from = owner(t, ids, i);
        char *field = at[from];
        for (int p = 0; p < n_parts && from != rank; field += parts[p++].size)
            memcpy(element(&parts[p], ids, i), field, parts[p].size);
        at[from] += stride;
    }
    free(counts);
    free(mine);
    free(all);
    free(at);
    return code == FF_OK ? FF_OK : ff_team_agree(t, own.code, own.place);
}

int ff_share_owner(const ff_task *task, const int *ids, int64_t i)
{
    return owner(task ? task->team : NULL, ids, i);
}

bool ff_share_mine(const ff_task *task, const int *ids, int64_t i)
{
    ff_team *t = task ? task->team : NULL;
    return !t || owner(t, ids, i) == ff_team_rank(t);
}

void ff_share_parts(const ff_task *task, int64_t n, const int *ids, const ff_part *parts, int n_parts)
{
    ff_team *t = task ? task->team : NULL;
    int code = t ? exchange(t, (outcome){FF_OK, n}, n, ids, parts, n_parts) : FF_OK;
    (void)code; /* nobody failed */
}

int ff_share_for(const ff_task *task, int64_t n, const int *ids, ff_pool_fn *fn, void *context, const ff_part *parts,
                 int n_parts)
{
    ff_team *t = task ? task->team : NULL;
    ff_pool *pool = task ? task->pool : NULL;
    ff_cancel *cancel = task ? task->cancel : NULL;
    if (!t)
        return ff_pool_for(pool, n, fn, context, cancel);
    int64_t *mine = ff_alloc_array((size_t)n + 1, sizeof *mine), n_mine = 0;
    for (int64_t i = 0; i < n; i++)
        if (ff_share_mine(task, ids, i))
            mine[n_mine++] = i;
    share s = {.fn = fn, .context = context, .mine = mine, .failed = n};
    int code = ff_pool_for(pool, n_mine, run_mine, &s, cancel);
    code = exchange(t, (outcome){code, atomic_load(&s.failed)}, n, ids, parts, n_parts);
    free(mine);
    return code;
}
