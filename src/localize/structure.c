/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TSS: axes in another order. In the canonical view every Transpose that has a counterpart or undoes itself is gone
 * or aligned; what is left on one side, or permutes otherwise, yields the right shape at best and the wrong order. */
#include "localize/axes.h"
#include "localize/detect.h"

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
        if (strcmp(d->findings->at[i].cause, "outputs-reordered") == 0)
            answer = d->findings->at[i].hint->outputs[0];
    if (v->n_users)
        return false;
    for (int i = 0; i < tc->n_outputs; i++)
        if (tc->outputs[i] == v->id && (answer ? v->original && strcmp(v->original->name, answer) == 0
                                               : i < d->subject->source.canon->n_outputs))
            return false;
    return true;
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
    if (harmless(tc, b, correction, rank))
        return;
    bool input = reads_input(tc, b);
    char *label = ff_cnode_label(tc, b->id), *shown_have = print_perm(have, rank), *shown_want = print_perm(want, rank);
    char *what = a || !input ? ff_pair_label(s, pair) : ff_strdup("input");
    ff_finding *f = ff_detection_add(d, FF_TSS, input ? "input-axes-permuted" : "axes-permuted", what);
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
        if (b)
            report(d, i, a, b);
    }
    return FF_OK;
}
