/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TSS: the Transpose is corrected, so that what reads it sees the Source's order. */
#include "fetafix/examine.h"
#include "faults/strategy.h"

#include <stdlib.h>
#include <string.h>

/* perm of an original Transpose as written, or the reversal that is its default. */
static bool written_perm(const ff_plan *plan, const ff_node *n, int *perm, int *rank)
{
    const ff_shape *s = ff_plan_shape(plan, n->inputs[0]);
    const int64_t *given;
    size_t count = ff_node_ints(n, "perm", &given);
    if (s->rank < 1 || (count && (int)count != s->rank))
        return false;
    *rank = s->rank;
    for (int i = 0; i < s->rank; i++)
        perm[i] = count ? (int)given[i] : s->rank - 1 - i;
    return true;
}

int ff_fix_structure(ff_proposing *p, const ff_finding *f)
{
    const ff_subject *s = p->subject;
    const ff_hint *h = f->hint;
    if (h->target_param) /* lost before a dense layer: its columns are what is smallest to change */
        return ff_fix_weights(p, f);
    if (h->target_cnode < 0 || !h->node)
        return FF_OK;
    const ff_plan *plan = s->target.canon->plan;
    int perm[FF_MAX_RANK], rank, axis[FF_MAX_RANK], back[FF_MAX_RANK];
    if (!written_perm(plan, h->node, perm, &rank) || rank != h->rank)
        return FF_OK;
    /* The correction is of canonical axes; the node's output may have them in another order. */
    const ff_cvalue *out = &s->target.canon->values[h->cvalue];
    if (out->original != h->node->outputs[0] || !ff_cvalue_axes(out, ff_plan_shape(plan, out->original), axis))
        for (int i = 0; i < rank; i++)
            axis[i] = i;
    ff_perm_invert(axis, rank, back);
    int64_t corrected[FF_MAX_RANK];
    for (int i = 0; i < rank; i++)
        corrected[i] = perm[axis[h->perm[back[i]]]];
    ff_patch *patch = ff_patch_create();
    ff_attr a = {.name = "perm", .type = FF_ATTR_INTS, .n = (size_t)rank, .ints = corrected};
    ff_patch_set_attr(patch, ff_node_address(h->node), &a);
    char *label = ff_visible(h->node->label), *value = ff_attr_format(&a);
    ff_proposing_add(p, f, NULL, patch, ff_asprintf("set %s of '%s'", value, label));
    free(label);
    free(value);
    return FF_OK;
}
