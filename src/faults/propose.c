/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ff_propose asks the strategies that the table of causes names, and puts the proposals in the order in which they are tried. */
#include "faults/strategy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
        rank = isnan(scores->at[i].entire) ? rank : scores->at[i].rank;
    return rank;
}

/* The first proposal of each finding with this type and cause; a finding that has none is left out. */
static void add_group(ff_proposing *p, const ff_findings *f, const ff_finding *head, int n_single)
{
    int *members = ff_alloc_array((size_t)n_single + 1, sizeof *members), n = 0;
    for (int k = 0; k < n_single; k++) {
        const char *id = p->list->at[k].findings[0];
        bool fits =
            n == 0 || strcmp(p->list->at[members[n - 1]].findings[0], id) != 0; /* variants follow one another */
        for (int i = 0; i < f->count && fits; i++)
            if (strcmp(f->at[i].id, id) == 0)
                fits = f->at[i].cause == head->cause;
        if (fits && p->list->at[k].n_findings == 1)
            members[n++] = k;
    }
    if (n < 2) {
        free(members);
        return;
    }
    ff_proposal *g =
        ff_proposing_add(p, head, NULL, NULL, ff_asprintf("all %d repairs of the cause '%s'", n, head->cause->name));
    free(g->id);
    g->id = ff_asprintf(FF_GROUP "%s:%s", ff_fault_type_name(head->type), head->cause->name);
    g->pair = -1;
    g->members = members;
    g->n_members = n;
    g->n_findings = n;
    free(g->findings[0]);
    g->findings = ff_realloc_array(g->findings, (size_t)n, sizeof *g->findings);
    for (int i = 0; i < n; i++)
        g->findings[i] = ff_strdup(p->list->at[members[i]].findings[0]);
}

static void add_groups(ff_proposing *p, const ff_findings *f, int n_single)
{
    for (int i = 0; i < f->count; i++) {
        bool first = f->at[i].type >= FF_WB;
        for (int k = 0; k < i && first; k++)
            first = f->at[k].cause != f->at[i].cause;
        if (first)
            add_group(p, f, &f->at[i], n_single);
    }
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
        const ff_patch *mended = finding->hint ? finding->hint->mended : NULL;
        if (mended)
            ff_proposing_add(&p, finding, NULL, ff_patch_copy(mended), ff_strdup(finding->summary));
        for (size_t k = 0; !mended && k < FF_COUNT(finding->cause->fix) && finding->cause->fix[k] && rc == FF_OK; k++)
            rc = finding->cause->fix[k](&p, finding);
    }
    free(order);
    int n_single = p.list->count;
    if (rc == FF_OK && s->wrong > 0 && ff_dataset_is_pictures(s->set))
        rc = ff_search_preprocessing(&p);
    if (rc == FF_OK)
        add_groups(&p, f, n_single);
    if (rc != FF_OK) {
        ff_proposals_destroy(p.list);
        return rc;
    }
    *out = p.list;
    return FF_OK;
}
