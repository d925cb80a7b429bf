/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of strategies, and ff_propose, which puts the proposals in the order in which they are tried. */
#include "repair/strategy.h"

#include <limits.h>
#include <stdlib.h>

static const ff_strategy strategies[] = {
    {FF_PP, ff_fix_preprocessing},
    {FF_ID, ff_fix_input},
    {FF_TSS, ff_fix_structure},
    {FF_CG, ff_fix_outputs},
    {FF_WB, ff_fix_weights},
    {FF_LH, ff_fix_hyper},
    {FF_CG, ff_fix_hyper},
    {FF_CG, ff_fix_region},
};

typedef struct ranked {
    int finding, group, rank;
} ranked;

static int by_rank(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return x->finding < y->finding ? -1 : 1;
}

/* A layer that has no score of its own goes with the nearest scored one before it in the network. */
static int rank_of(const ff_layer_scores *scores, int pair)
{
    int rank = 0;
    for (int i = 0; i < scores->count && scores->at[i].pair <= pair; i++)
        rank = scores->at[i].rank;
    return rank;
}

int ff_propose(const ff_subject *s, const ff_findings *f, const ff_layer_scores *scores, ff_proposals **out)
{
    ff_proposing p = {.subject = s, .list = ff_alloc(sizeof(ff_proposals))};
    ranked *order = ff_alloc_array((size_t)f->count + 1, sizeof *order);
    for (int i = 0; i < f->count; i++) {
        order[i].finding = i; /* findings are in order already: PP ID TSS, outputs, down the network */
        order[i].group = f->at[i].type <= FF_TSS ? f->at[i].type : f->at[i].pair < 0 ? 10 : 11;
        order[i].rank = scores && order[i].group == 11 ? rank_of(scores, f->at[i].pair) : 0;
    }
    qsort(order, (size_t)f->count, sizeof *order, by_rank);
    int rc = FF_OK;
    for (int i = 0; i < f->count && rc == FF_OK; i++) {
        const ff_finding *finding = &f->at[order[i].finding];
        for (size_t k = 0; k < FF_COUNT(strategies) && rc == FF_OK; k++)
            if (strategies[k].type == finding->type)
                rc = strategies[k].propose(&p, finding);
    }
    free(order);
    for (int i = 0; i < f->count && rc == FF_OK; i++)
        if (f->at[i].type == FF_PP)
            rc = ff_search_preprocessing(&p, &f->at[i]);
    if (rc != FF_OK) {
        ff_proposals_destroy(p.list);
        return rc;
    }
    *out = p.list;
    return FF_OK;
}
