/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TSS: axes in another order. In the canonical view every Transpose that has a counterpart or undoes itself is gone
 * or aligned; what is left on one side, or permutes otherwise, yields the right shape at best and the wrong order. */
#include "fetafix/examine.h"
#include "faults/detect.h"

#include <stdlib.h>
#include <string.h>

static json_t *json_perm(const int *perm, int rank)
{
    json_t *a = json_array();
    for (int i = 0; i < rank; i++)
        json_array_append_new(a, json_integer(perm[i]));
    return a;
}

static char *print_perm(const int *perm, int rank)
{
    ff_buf b = {0};
    ff_buf_putc(&b, '[');
    for (int i = 0; i < rank; i++)
        ff_buf_printf(&b, "%s%d", i ? "," : "", perm[i]);
    ff_buf_putc(&b, ']');
    return ff_buf_steal(&b);
}

/* The last original Transpose that went into a canonical one. */
static const ff_node *last_transpose(const ff_cnode *n)
{
    for (int i = n->n_origins - 1; i >= 0; i--)
        if (!*n->origins[i]->domain && strcmp(n->origins[i]->op, "Transpose") == 0)
            return n->origins[i];
    return NULL;
}

static bool reads_input(const ff_canon *c, const ff_cnode *n)
{
    for (int steps = 0; n->n_inputs > 0 && steps < 8; steps++) {
        const ff_cvalue *v = &c->values[n->inputs[0]];
        if (v->producer < 0)
            return true;
        n = &c->nodes[v->producer];
        if (strcmp(n->op, "Pad") != 0 && strcmp(n->op, "Transpose") != 0)
            return false;
    }
    return false;
}

/* Is it written right behind the input, whatever it was moved past in the canonical view? */
static bool written_at_input(const ff_node *transpose)
{
    const ff_value *v = transpose ? transpose->inputs[0] : NULL;
    return v && v->is_input;
}

/* Only axes of size 1 apart, or one value for all? Then no order is lost. */
static bool harmless(const ff_canon *c, const ff_cnode *n, const int *correction, int rank)
{
    const ff_shape *s = &c->values[n->outputs[0]].shape;
    int last = -1;
    if (s->rank != rank)
        return false;
    for (int i = 0; i < rank; i++) {
        if (s->dims[correction[i]] == 1)
            continue;
        if (correction[i] < last)
            return false;
        last = correction[i];
    }
    return true;
}

/* Read by nobody but who takes an output of the graph that is not the answer, or that the Source does not have? The
 * detector of outputs speaks of it, where it does harm. */
static bool only_redundant_output(const ff_detection *d, const ff_cvalue *v)
{
    const ff_canon *tc = d->subject->target.canon;
    const char *answer = NULL;
    for (int i = 0; i < d->findings->count; i++)
        if (ff_caused_by(&d->findings->at[i], FF_CAUSE_OUTPUTS_REORDERED))
            answer = d->findings->at[i].hint->outputs[0];
    if (v->n_users)
        return false;
    for (int i = 0; i < tc->n_outputs; i++)
        if (tc->outputs[i] == v->id &&
            (answer ? v->original && strcmp(v->original->name, answer) == 0 : i < d->subject->source.canon->n_outputs))
            return false;
    return true;
}

static bool corresponds(const ff_subject *s, int x, int y)
{
    int at = ff_region_counterpart(s, x);
    return at >= 0 && at == y;
}

/* Is b all that is between what it reads and a reader of what it makes, and a (NULL: nothing) all that is there in the
 * Source? Else the place is compared as a whole, by the detector of graphs. */
static bool alone_before(const ff_subject *s, const ff_cnode *a, const ff_cnode *b, int x, int y)
{
    x = ff_region_before_reshapes(s, true, x);
    y = ff_region_before_reshapes(s, false, y);
    if (y != b->outputs[0] || (a && x != a->outputs[0]))
        return false;
    if (a)
        x = ff_region_before_reshapes(s, true, a->inputs[0]);
    return corresponds(s, x, ff_region_before_reshapes(s, false, b->inputs[0]));
}

static bool alone(const ff_subject *s, const ff_cnode *a, const ff_cnode *b)
{
    const ff_canon *sc = s->source.canon, *tc = s->target.canon;
    for (int t = 0; t < tc->n_nodes; t++) {
        const ff_cnode *reader = &tc->nodes[t];
        if (!ff_region_matched(s, false, t))
            continue;
        const ff_cnode *other = &sc->nodes[s->alignment->pairs[s->alignment->of_target[t]].source];
        for (int i = 0; i < reader->n_inputs; i++)
            for (int k = 0; k < other->n_inputs; k++)
                if (alone_before(s, a, b, other->inputs[k], reader->inputs[i]))
                    return true;
    }
    int outputs[2 * FF_MOST_OUTPUT_PAIRS], n = ff_output_pairs(s, outputs);
    for (int i = 0; i < n; i++)
        if (alone_before(s, a, b, outputs[2 * i], outputs[2 * i + 1]))
            return true;
    return false;
}

static void report(ff_detection *d, int pair, const ff_cnode *a, const ff_cnode *b)
{
    const ff_subject *s = d->subject;
    const ff_canon *tc = s->target.canon;
    if (!a && only_redundant_output(d, &tc->values[b->outputs[0]]))
        return;
    int have[FF_MAX_RANK], want[FF_MAX_RANK], inverse[FF_MAX_RANK], correction[FF_MAX_RANK], rank, n;
    if (!ff_cnode_perm(b, have, &rank))
        return;
    for (int i = 0; i < rank; i++)
        want[i] = i;
    if (a && (!ff_cnode_perm(a, want, &n) || n != rank))
        return;
    if (memcmp(want, have, (size_t)rank * sizeof want[0]) == 0)
        return;
    ff_perm_invert(have, rank, inverse);
    for (int i = 0; i < rank; i++)
        correction[i] = inverse[want[i]];
    bool itself = !b->primary || strcmp(b->primary->op, "Transpose") == 0; /* not what another operator amounts to */
    if (harmless(tc, b, correction, rank) || (!s->target.error && (!itself || !alone(s, a, b))))
        return;
    bool input = reads_input(tc, b) || written_at_input(last_transpose(b));
    char *label = ff_cnode_label(tc, b->id), *shown_have = print_perm(have, rank), *shown_want = print_perm(want, rank);
    char *what = a || !input ? ff_pair_label(s, pair) : ff_strdup("input");
    ff_finding *f = ff_detection_add(d, input ? FF_CAUSE_INPUT_AXES_PERMUTED : FF_CAUSE_AXES_PERMUTED, what);
    ff_finding_set_nodes(s, f, a ? a->id : -1, b->id);
    f->pair = pair;
    f->hint->cvalue = b->outputs[0];
    f->hint->rank = rank;
    memcpy(f->hint->perm, correction, sizeof correction);
    f->hint->node = last_transpose(b);
    f->summary = ff_asprintf("'%s' puts the axes %sin another order than the Source: %s instead of %s (as NCHW)", label,
                             input ? "of the input " : "", shown_have, shown_want);
    f->explanation = ff_strdup(
        "A Transpose that the conversion put in (or kept) yields a tensor of the right shape whose elements are in the "
        "wrong places, as when height and width are swapped or channels are read as columns. The repair corrects the "
        "permutation, so that the layers behind see what the Source's see.");
    json_t *j = json_object();
    json_object_set_new(j, "source", json_perm(want, rank));
    json_object_set_new(j, "target", json_perm(have, rank));
    if (f->hint->node) {
        const int64_t *written;
        size_t count = ff_node_ints(f->hint->node, "perm", &written);
        json_t *as = json_array();
        for (size_t i = 0; i < count; i++)
            json_array_append_new(as, json_integer(written[i]));
        json_object_set_new(j, "written", as);
    }
    ff_finding_set_details(f, j);
    free(label);
    free(shown_have);
    free(shown_want);
    free(what);
}

/* Runs after the detector of outputs. */
int ff_detect_structure(ff_detection *d)
{
    const ff_subject *s = d->subject;
    if (!s->alignment)
        return FF_OK;
    for (int i = 0; i < s->alignment->n_pairs; i++) {
        const ff_pair *p = &s->alignment->pairs[i];
        const ff_cnode *a = p->source >= 0 ? &s->source.canon->nodes[p->source] : NULL;
        const ff_cnode *b = p->target >= 0 ? &s->target.canon->nodes[p->target] : NULL;
        if (b && ff_region_computed(s, b->outputs[0]) && !ff_reduction_found(d, false, &b->id, 1))
            report(d, i, a, b);
    }
    return FF_OK;
}
