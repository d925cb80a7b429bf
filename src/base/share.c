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

static void exchange(ff_team *t, int64_t n, const int *ids, const int *counts, const ff_part *part)
{
    int rank = ff_team_rank(t), size = ff_team_size(t);
    char *mine = ff_alloc_array((size_t)counts[rank] + 1, part->size);
    char *all = ff_alloc_array((size_t)n + 1, part->size), **at = ff_alloc_array((size_t)size, sizeof *at);
    size_t k = 0;
    for (int64_t i = 0; i < n; i++)
        if (owner(t, ids, i) == rank)
            memcpy(mine + k++ * part->size, (char *)part->at + (size_t)(part->by_id ? ids[i] : i) * part->size,
                   part->size);
    ff_team_gather(t, mine, counts, part->size, all);
    at[0] = all;
    for (int r = 1; r < size; r++)
        at[r] = at[r - 1] + (size_t)counts[r - 1] * part->size;
    for (int64_t i = 0; i < n; i++) {
        int from = owner(t, ids, i);
        if (from != rank)
            memcpy((char *)part->at + (size_t)(part->by_id ? ids[i] : i) * part->size, at[from], part->size);
        at[from] += part->size;
    }
    free(mine);
    free(all);
    free(at);
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
    if (!t)
        return;
    int *counts = ff_alloc_array((size_t)ff_team_size(t), sizeof *counts);
    for (int64_t i = 0; i < n; i++)
        counts[owner(t, ids, i)]++;
    for (int p = 0; p < n_parts; p++)
        exchange(t, n, ids, counts, &parts[p]);
    free(counts);
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
    code = ff_team_agree(t, code, atomic_load(&s.failed));
    if (code == FF_OK)
        ff_share_parts(task, n, ids, parts, n_parts);
    free(mine);
    return code;
}
