/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * LH: a mean (maximum, sum) over other axes than in the Source, as one over height and width that was written for the other
 * layout. Nothing behind it has the right shape, so that it is looked for by what it reads and not by its place among the
 * layers, and before those who would blame a Transpose in front of it or all that lies behind.
 */
#include "fetafix/examine.h"
#include "faults/detect.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 64 };

/* Names of one reduction, in the view of the Source and in a file. */
static const struct {
    const char *view, *global, *written;
} families[] = {
    {"ReduceMean", "GlobalAveragePool", "ReduceMean"},
    {"ReduceMax", "GlobalMaxPool", "ReduceMax"},
    {"ReduceSum", NULL, "ReduceSum"},
    {"ReduceMin", NULL, "ReduceMin"},
    {"ReduceL2", NULL, "ReduceL2"},
};

/* Axes as a set, a bit each. */
static unsigned set_of(const int64_t *axes, int64_t n, int rank)
{
    unsigned set = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t a = axes[i] < 0 ? axes[i] + rank : axes[i];
        if (a < 0 || a >= rank)
            return 0;
        set |= 1u << a;
    }
    return set;
}

/* The axes of its input that a node of the Source's view reduces; 0: it is none of the family. */
static unsigned reduced_by_view(const ff_canon *c, const ff_cnode *n, size_t family)
{
    int rank = n->n_inputs == 1 ? c->values[n->inputs[0]].shape.rank : 0;
    const ff_cattr *axes = ff_cnode_attr(n, "axes");
    if (rank < 3 || rank > FF_MAX_RANK)
        return 0;
    if (families[family].global && strcmp(n->op, families[family].global) == 0)
        return ((1u << rank) - 1) & ~3u;
    return strcmp(n->op, families[family].view) == 0 && axes && axes->type == FF_CATTR_INTS
               ? set_of(axes->ints, axes->n, rank)
               : 0;
}

/* The same for a node as it is written. */
static unsigned reduced_as_written(const ff_plan *p, const ff_node *n, size_t family)
{
    if (*n->domain || strcmp(n->op, families[family].written) != 0 || !n->inputs[0])
        return 0;
    int rank = ff_plan_shape(p, n->inputs[0])->rank;
    const ff_tensor *t = n->n_inputs > 1 && n->inputs[1] ? ff_plan_constant(p, n->inputs[1]) : NULL;
    if (rank < 1 || rank > FF_MAX_RANK)
        return 0;
    if (t)
        return t->dtype == FF_INT64 ? set_of(t->data, t->count, rank) : 0;
    const int64_t *given = NULL;
    int64_t n_given = (int64_t)ff_node_ints(n, "axes", &given);
    return set_of(given, n_given, rank);
}

/* Transposes between the two layouts of pictures change places only. */
static bool moves_layout(const int64_t *perm, int rank)
{
    bool to_back = perm[0] == 0 && perm[rank - 1] == 1, to_front = perm[0] == 0 && perm[1] == rank - 1;
    for (int i = 1; i < rank; i++) {
        to_back = to_back && (i == rank - 1 || perm[i] == i + 1);
        to_front = to_front && (i == 1 || perm[i] == i - 1);
    }
    return to_back || to_front;
}

/* What a node reads that the view took out since it does nothing; NULL: it does something. */
static const ff_value *idles_on(const ff_canon *c, const ff_node *n)
{
    const ff_value *read = NULL;
    for (int i = 0; i < n->n_inputs; i++)
        if (n->inputs[i] && !ff_plan_constant(c->plan, n->inputs[i])) {
            if (read)
                return NULL;
            read = n->inputs[i];
        }
    return ff_canon_of(c, n) < 0 && strcmp(n->op, "Transpose") != 0 ? read : NULL;
}

/* Where the axes of `from` are in `v`, which is read from it, at most through Transposes between layouts and nodes that
 * do nothing. */
static bool axes_from(const ff_canon *c, const ff_value *from, const ff_value *v, int rank, int *place)
{
    const int64_t *perm;
    if (v == from) {
        for (int i = 0; i < rank; i++)
            place[i] = i;
        return true;
    }
    const ff_node *n = v->producer;
    int before[FF_MAX_RANK];
    const ff_value *idle = n ? idles_on(c, n) : NULL;
    if (idle)
        return axes_from(c, from, idle, rank, place);
    if (!n || *n->domain || strcmp(n->op, "Transpose") != 0 || !n->inputs[0] ||
        (int)ff_node_ints(n, "perm", &perm) != rank || !moves_layout(perm, rank) ||
        !axes_from(c, from, n->inputs[0], rank, before))
        return false;
    for (int i = 0; i < rank; i++)
        for (int k = 0; k < rank; k++)
            if (perm[k] == before[i])
                place[i] = k;
    return true;
}

/* The axes of what `b` reads that it would reduce if it were the Source's node `a`; 0: they do not read the same. */
static unsigned wanted_of(const ff_subject *s, const ff_cnode *a, unsigned reduced, const ff_node *b)
{
    int at = ff_region_counterpart(s, a->inputs[0]), axis[FF_MAX_RANK], place[FF_MAX_RANK];
    const ff_cvalue *y = at >= 0 ? &s->target.canon->values[at] : NULL;
    if (!y || !y->original || !ff_region_computed(s, at) ||
        !ff_cvalue_axes(y, ff_plan_shape(s->target.canon->plan, y->original), axis) ||
        y->shape.rank != s->source.canon->values[a->inputs[0]].shape.rank ||
        !axes_from(s->target.canon, y->original, b->inputs[0], y->shape.rank, place))
        return 0;
    unsigned wanted = 0;
    for (int i = 0; i < y->shape.rank; i++)
        if (reduced & 1u << i)
            wanted |= 1u << place[axis[i]];
    return wanted;
}

static int list_of(unsigned set, int64_t *axes, int rank)
{
    int n = 0;
    for (int i = 0; i < rank; i++)
        if (set & 1u << i)
            axes[n++] = i;
    return n;
}

static char *words_of(unsigned set, int rank)
{
    int64_t axes[FF_MAX_RANK];
    ff_cattr a = {.type = FF_CATTR_INTS, .n = list_of(set, axes, rank), .ints = axes};
    return ff_cattr_format(&a);
}

static void report(ff_detection *d, const ff_cnode *a, const ff_node *b, unsigned wanted, unsigned has)
{
    const ff_subject *s = d->subject;
    int pair = s->alignment->of_source[a->id], rank = ff_plan_shape(s->target.canon->plan, b->inputs[0])->rank;
    char *label = ff_cnode_label(s->source.canon, a->id), *what = ff_asprintf("%s/axes", label);
    ff_finding *f = ff_detection_add(d, FF_CAUSE_AXIS_DIFFERS, what);
    ff_finding_set_nodes(s, f, a->id, ff_canon_of(s->target.canon, b));
    ff_hint *h = f->hint;
    f->pair = pair;
    h->node = b;
    h->n_reduced = list_of(wanted, h->reduced, rank);
    char *shown = ff_visible(b->label), *x = words_of(wanted, rank), *y = words_of(has, rank);
    f->summary = ff_asprintf("axes of '%s': %s would be those of the Source, the Target has %s", shown, x, y);
    f->explanation = ff_asprintf(
        "'%s' takes its %s over axes that are others than in the Source: they were written for another layout (height and "
        "width are axes 2 and 3 behind the channels, 1 and 2 before them), or one was lost. What comes out has another "
        "shape or another meaning. The repair sets the axes.",
        shown, b->op + strlen("Reduce"));
    ff_finding_set_difference(f, "axes", json_string(x), json_string(y));
    free(label);
    free(what);
    free(shown);
    free(x);
    free(y);
}

/* Those of one family that read the same value: equals belong together, then what is left does, in order. */
static void compare(ff_detection *d, size_t family)
{
    const ff_subject *s = d->subject;
    const ff_canon *sc = s->source.canon;
    const ff_graph *g = ff_model_graph(s->target.model);
    bool *taken = ff_alloc_array((size_t)g->n_nodes + 1, sizeof *taken),
         *matched = ff_alloc_array((size_t)sc->n_nodes + 1, sizeof *matched);
    for (int equal = 1; equal >= 0; equal--)
        for (int i = 0; i < sc->n_nodes; i++) {
            const ff_cnode *a = &sc->nodes[i];
            unsigned reduced = reduced_by_view(sc, a, family);
            for (int k = 0; reduced && k < g->n_nodes && !matched[i]; k++) {
                const ff_node *b = g->nodes[k];
                unsigned has = taken[k] ? 0 : reduced_as_written(s->target.canon->plan, b, family);
                unsigned wanted = has ? wanted_of(s, a, reduced, b) : 0;
                if (!wanted || (equal && wanted != has))
                    continue;
                taken[k] = matched[i] = true;
                if (!equal)
                    report(d, a, b, wanted, has);
            }
        }
    free(taken);
    free(matched);
}

bool ff_reduction_found(const ff_detection *d, bool source, const int *cnodes, int n)
{
    const ff_canon *c = source ? d->subject->source.canon : d->subject->target.canon;
    for (int i = 0; i < d->findings->count; i++) {
        const ff_hint *h = d->findings->at[i].hint;
        for (int k = 0; k < n && h->n_reduced; k++) {
            const ff_cnode *x = &c->nodes[cnodes[k]];
            if (x->id == (source ? h->source_cnode : h->target_cnode))
                return true;
            /* What brings the layout that it is written for. */
            for (int m = 0; !source && m < x->n_origins && strcmp(x->op, "Transpose") == 0; m++)
                if (x->origins[m]->outputs[0] == h->node->inputs[0])
                    return true;
        }
    }
    return false;
}

int ff_detect_reduction(ff_detection *d)
{
    if (!d->subject->alignment)
        return FF_OK;
    for (size_t i = 0; i < FF_COUNT(families); i++)
        compare(d, i);
    return FF_OK;
}
