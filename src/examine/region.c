/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetafix/examine.h"

#include <stdlib.h>
#include <string.h>

static bool same_ints(const ff_cnode *a, const ff_cnode *b, const char *name)
{
    const ff_cattr *x = ff_cnode_attr(a, name), *y = ff_cnode_attr(b, name);
    return !x || !y ? x == y
                    : x->n == y->n && (x->n < 1 || memcmp(x->ints, y->ints, (size_t)x->n * sizeof x->ints[0]) == 0);
}

/* What only moves elements is its axes and dims: another order is another node. */
static bool same_move(const ff_subject *s, const ff_cnode *a, const ff_cnode *b)
{
    if (strcmp(a->op, "Transpose") == 0)
        return same_ints(a, b, "perm") && a->n_inputs == 1 && b->n_inputs == 1 &&
               ff_same_axes(&s->source.canon->values[a->inputs[0]].shape, &s->target.canon->values[b->inputs[0]].shape);
    return strcmp(a->op, "Reshape") != 0 || same_ints(a, b, "shape");
}

bool ff_region_matched_in(const ff_apart *apart, bool source, int cnode)
{
    const ff_subject *s = apart->subject;
    const ff_alignment *a = s->alignment;
    int pair = (source ? a->of_source : a->of_target)[cnode];
    if (pair < 0)
        return false;
    const ff_pair *p = &a->pairs[pair];
    if (p->source < 0 || p->target < 0 || (apart->source && apart->source[p->source]) ||
        (apart->target && apart->target[p->target]))
        return false;
    const ff_cnode *x = &s->source.canon->nodes[p->source], *y = &s->target.canon->nodes[p->target];
    return strcmp(x->op, y->op) == 0 && x->n_inputs == y->n_inputs && same_move(s, x, y);
}

bool ff_region_matched(const ff_subject *s, bool source, int cnode)
{
    return ff_region_matched_in(&(ff_apart){.subject = s}, source, cnode);
}

int ff_region_counterpart_in(const ff_apart *apart, int source_cvalue)
{
    /* Not value_of_source: a fault above may have changed the shape, the place is the same. */
    const ff_subject *s = apart->subject;
    const ff_canon *sc = s->source.canon, *tc = s->target.canon;
    int producer = sc->values[source_cvalue].producer;
    if (producer < 0) {
        for (int i = 0; i < sc->n_inputs && i < tc->n_inputs; i++)
            if (sc->inputs[i] == source_cvalue)
                return tc->inputs[i];
        return -1;
    }
    if (!ff_region_matched_in(apart, true, producer))
        return -1;
    const ff_cnode *a = &sc->nodes[producer];
    const ff_cnode *b = &tc->nodes[s->alignment->pairs[s->alignment->of_source[producer]].target];
    for (int i = 0; i < a->n_outputs && i < b->n_outputs; i++)
        if (a->outputs[i] == source_cvalue)
            return b->outputs[i];
    return -1;
}

bool ff_region_computed(const ff_subject *s, int target_cvalue)
{
    const ff_shape *shape = &s->target.canon->values[target_cvalue].shape;
    if (!s->target.error)
        return true;
    for (int i = 0; i < shape->rank; i++)
        if (shape->dims[i] < 0)
            return false;
    return shape->rank >= 0;
}

int ff_region_counterpart(const ff_subject *s, int source_cvalue)
{
    return ff_region_counterpart_in(&(ff_apart){.subject = s}, source_cvalue);
}

static int compare_ints(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

typedef struct walk {
    const ff_apart *apart;
    const ff_canon *c;
    bool source, *seen;
    int *nodes, *n_nodes, *ends, *n_ends;
} walk;

/* Back over unmatched nodes; values at which it stops go to `ends`. */
static void walk_back(const walk *w, int cvalue)
{
    int node = w->c->values[cvalue].producer;
    if (node < 0 || ff_region_matched_in(w->apart, w->source, node)) {
        for (int i = 0; i < *w->n_ends; i++)
            if (w->ends[i] == cvalue)
                return;
        if (*w->n_ends < FF_REGION_MOST)
            w->ends[(*w->n_ends)++] = cvalue;
        return;
    }
    if (w->seen[node] || *w->n_nodes == FF_REGION_MOST)
        return;
    w->seen[node] = true;
    w->nodes[(*w->n_nodes)++] = node;
    for (int i = 0; i < w->c->nodes[node].n_inputs; i++)
        walk_back(w, w->c->nodes[node].inputs[i]);
}

void ff_region_collect(const ff_apart *apart, bool source, int cvalue, int *nodes, int *n_nodes, int *ends, int *n_ends)
{
    const ff_canon *c = source ? apart->subject->source.canon : apart->subject->target.canon;
    bool *seen = ff_alloc_array((size_t)c->n_nodes + 1, sizeof *seen);
    *n_nodes = *n_ends = 0;
    walk_back(&(walk){apart, c, source, seen, nodes, n_nodes, ends, n_ends}, cvalue);
    qsort(nodes, (size_t)*n_nodes, sizeof *nodes, compare_ints);
    free(seen);
}

int ff_region_nodes(const ff_subject *s, bool source, int cvalue, int *nodes, int max)
{
    int all[FF_REGION_MOST], ends[FF_REGION_MOST], n, n_ends;
    ff_region_collect(&(ff_apart){.subject = s}, source, cvalue, all, &n, ends, &n_ends);
    for (int i = 0; i < n && i < max; i++)
        nodes[i] = all[i];
    return n < max ? n : max;
}

int ff_region_before_reshapes(const ff_subject *s, bool source, int cvalue)
{
    const ff_canon *c = source ? s->source.canon : s->target.canon;
    for (;;) {
        int node = c->values[cvalue].producer;
        if (node < 0 || ff_region_matched(s, source, node) || c->nodes[node].n_inputs != 1 ||
            (strcmp(c->nodes[node].op, "Reshape") != 0 && strcmp(c->nodes[node].op, "Identity") != 0))
            return cvalue;
        cvalue = c->nodes[node].inputs[0];
    }
}
