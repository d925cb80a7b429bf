/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Findings that make up for one another: branches joined in another order and the columns of the layer behind permuted
 * alike, a sum in another order, a kernel turned between two Transposes. Each differs by itself; the part of the network
 * that holds them all computes the same, and then none is a fault.
 *
 * Parts are seen from a matched node behind them, back to matched nodes before, with the nodes of the findings taken for
 * unmatched, and compared by values (region.h). What stays within rounding is left to those who find it.
 */
#include "faults/detect.h"
#include "fetafix/examine.h"

#include <stdlib.h>
#include <string.h>

enum { PARTS = 16 }; /* compared at most: each costs a few runs */

typedef struct joint {
    ff_detection *d;
    int n;                   /* findings */
    bool **source, **target; /* by finding: its nodes on either side; NULL: not one that could be made up for */
    bool *apart_source, *apart_target;
    bool *same, *differs; /* by finding: a part that holds it computes the same, or does not */
    int compared;
} joint;

static void mark_region(const ff_subject *s, bool source, int cvalue, bool *at)
{
    int nodes[FF_REGION_MOST], n = cvalue < 0 ? 0 : ff_region_nodes(s, source, cvalue, nodes, FF_REGION_MOST);
    for (int i = 0; i < n; i++)
        at[nodes[i]] = true;
}

static void take_finding(joint *j, int i)
{
    const ff_subject *s = j->d->subject;
    const ff_finding *f = &j->d->findings->at[i];
    const ff_hint *h = f->hint;
    if (f->pair < 0 || !f->cause->may_cancel)
        return;
    j->source[i] = ff_alloc_array((size_t)s->source.canon->n_nodes + 1, sizeof(bool));
    j->target[i] = ff_alloc_array((size_t)s->target.canon->n_nodes + 1, sizeof(bool));
    bool region = h->source_exit >= 0 && (h->n_wanted || h->n_region);
    if (region) {
        mark_region(s, true, h->source_exit, j->source[i]);
        mark_region(s, false, h->exit, j->target[i]);
        return;
    }
    if (h->source_cnode >= 0)
        j->source[i][h->source_cnode] = j->apart_source[h->source_cnode] = true;
    if (h->target_cnode >= 0)
        j->target[i][h->target_cnode] = j->apart_target[h->target_cnode] = true;
}

static bool holds(const bool *marked, const int *nodes, int n)
{
    for (int i = 0; marked && i < n; i++)
        if (marked[nodes[i]])
            return true;
    return false;
}

/* Worth comparing: findings of several places, or a kernel of another size under other attributes. */
static bool could_be_same(const joint *j, const bool *in)
{
    int first = -1;
    bool shape = false, attribute = false, several = false;
    for (int i = 0; i < j->n; i++) {
        if (!in[i])
            continue;
        const ff_finding *f = &j->d->findings->at[i];
        several = several || (first >= 0 && j->d->findings->at[first].pair != f->pair);
        first = first < 0 ? i : first;
        shape = shape || ff_caused_by(f, FF_CAUSE_SHAPE_DIFFERS);
        attribute = attribute || f->type == FF_LH;
    }
    return several || (shape && attribute);
}

/* Matched readers read x in the Source and y in the Target. */
static int compare_part(joint *j, int x, int y)
{
    const ff_subject *s = j->d->subject;
    const ff_apart apart = {s, j->apart_source, j->apart_target};
    int a[FF_REGION_MOST], b[FF_REGION_MOST], ends[FF_REGION_MOST], n_a, n_b, n_ends, rc = FF_OK;
    ff_region_collect(&apart, true, x, a, &n_a, ends, &n_ends);
    ff_region_collect(&apart, false, y, b, &n_b, ends, &n_ends);
    if (n_a == FF_REGION_MOST || n_b == FF_REGION_MOST || (n_a == 0 && n_b == 0))
        return FF_OK;
    bool *in = ff_alloc_array((size_t)j->n + 1, sizeof *in);
    for (int i = 0; i < j->n; i++)
        in[i] = holds(j->source[i], a, n_a) || holds(j->target[i], b, n_b);
    double distance = 1;
    if (could_be_same(j, in) && j->compared++ < PARTS)
        rc = ff_region_distance_in(&apart, x, y, j->d->task, &distance);
    for (int i = 0; i < j->n; i++) {
        j->same[i] = j->same[i] || (in[i] && distance < FF_SAME_VALUES);
        j->differs[i] = j->differs[i] || (in[i] && distance >= FF_SAME_VALUES);
    }
    free(in);
    return rc;
}

static int compare_parts(joint *j)
{
    const ff_subject *s = j->d->subject;
    const ff_canon *sc = s->source.canon, *tc = s->target.canon;
    const ff_apart apart = {s, j->apart_source, j->apart_target};
    int rc = FF_OK;
    for (int i = 0; i < s->alignment->n_pairs && rc == FF_OK; i++) {
        const ff_pair *p = &s->alignment->pairs[i];
        if (p->source < 0 || !ff_region_matched_in(&apart, true, p->source))
            continue;
        const ff_cnode *a = &sc->nodes[p->source], *b = &tc->nodes[p->target];
        for (int k = 0; k < a->n_inputs && rc == FF_OK; k++)
            rc = compare_part(j, a->inputs[k], b->inputs[k]);
    }
    int outputs[2 * FF_MOST_OUTPUT_PAIRS], n = ff_output_pairs(s, outputs);
    for (int i = 0; i < n && rc == FF_OK; i++)
        rc = compare_part(j, outputs[2 * i], outputs[2 * i + 1]);
    return rc;
}

static void forget(joint *j)
{
    for (int i = j->n - 1; i >= 0; i--) {
        if (!j->same[i] || j->differs[i])
            continue;
        const ff_finding *f = &j->d->findings->at[i];
        ff_same *same = ff_detection_add_same(j->d, "same-values", "differences that make up for one another", 0);
        same->source_nodes = ff_nodes_copy(f->source_nodes, same->n_source_nodes = f->n_source_nodes);
        same->target_nodes = ff_nodes_copy(f->target_nodes, same->n_target_nodes = f->n_target_nodes);
        ff_detection_remove(j->d, i);
    }
}

int ff_detect_joint(ff_detection *d)
{
    const ff_subject *s = d->subject;
    if (!s->alignment || s->target.error || !s->target.canon)
        return FF_OK;
    size_t n = (size_t)d->findings->count + 1;
    joint j = {.d = d,
               .n = d->findings->count,
               .source = ff_alloc_array(n, sizeof *j.source),
               .target = ff_alloc_array(n, sizeof *j.target),
               .same = ff_alloc_array(n, sizeof(bool)),
               .differs = ff_alloc_array(n, sizeof(bool))};
    j.apart_source = ff_alloc_array((size_t)s->source.canon->n_nodes + 1, sizeof(bool));
    j.apart_target = ff_alloc_array((size_t)s->target.canon->n_nodes + 1, sizeof(bool));
    int candidates = 0, rc = FF_OK;
    for (int i = 0; i < j.n; i++) {
        take_finding(&j, i);
        candidates += j.source[i] != NULL;
    }
    if (candidates > 1)
        rc = compare_parts(&j);
    if (rc == FF_OK)
        forget(&j);
    for (int i = 0; i < j.n; i++) {
        free(j.source[i]);
        free(j.target[i]);
    }
    free(j.source);
    free(j.target);
    free(j.same);
    free(j.differs);
    free(j.apart_source);
    free(j.apart_target);
    return rc;
}
