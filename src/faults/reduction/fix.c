/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LH: a reduction gets the axes that it should have, and with it the Squeeze that drops the same ones. */
#include "faults/strategy.h"

#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* The axes that a node has as an attribute or as its second input, ascending from 0; their number, -1: not known. */
static int axes_of(const ff_plan *plan, const ff_node *n, int rank, int64_t *axes)
{
    const int64_t *given;
    int64_t count = (int64_t)ff_node_ints(n, "axes", &given);
    if (n->n_inputs > 1 && n->inputs[1]) {
        const ff_tensor *t = ff_plan_constant(plan, n->inputs[1]);
        if (!t || t->dtype != FF_INT64)
            return -1;
        given = t->data;
        count = t->count;
    }
    if (count > rank)
        return -1;
    for (int64_t i = 0; i < count; i++)
        axes[i] = given[i] < 0 ? given[i] + rank : given[i];
    qsort(axes, (size_t)count, sizeof *axes, by_value);
    return (int)count;
}

int ff_fix_reduction(ff_proposing *p, const ff_finding *f)
{
    const ff_hint *h = f->hint;
    if (!h->n_reduced)
        return FF_OK;
    const ff_plan *plan = p->subject->target.canon->plan;
    const ff_node *n = h->node;
    int rank = ff_plan_shape(plan, n->inputs[0])->rank;
    int64_t had[FF_MAX_RANK], dropped[FF_MAX_RANK];
    int n_had = axes_of(plan, n, rank, had);
    ff_patch *patch = ff_patch_create();
    int rc = ff_write_axes(plan, patch, n, h->reduced, h->n_reduced);
    for (int i = 0; rc == FF_OK && n_had > 0 && i < n->outputs[0]->n_users; i++) {
        const ff_node *next = n->outputs[0]->users[i].node;
        if (!*next->domain && strcmp(next->op, "Squeeze") == 0 && axes_of(plan, next, rank, dropped) == n_had &&
            memcmp(had, dropped, (size_t)n_had * sizeof *had) == 0)
            rc = ff_write_axes(plan, patch, next, h->reduced, h->n_reduced);
    }
    if (rc != FF_OK) {
        ff_patch_destroy(patch);
        return rc;
    }
    char *label = ff_visible(n->label);
    ff_cattr a = {.type = FF_CATTR_INTS, .n = h->n_reduced, .ints = h->reduced};
    char *axes = ff_cattr_format(&a);
    ff_proposing_add(p, f, NULL, patch, ff_asprintf("set axes of '%s' to %s", label, axes));
    free(label);
    free(axes);
    return FF_OK;
}
