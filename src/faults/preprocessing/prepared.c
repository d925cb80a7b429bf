/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Preprocessing that a model does by itself: scale, mean, deviation and channel order may stand in the spec or as the
 * first nodes of the graph. What counts is both together, value = factor * pixel + shift of each channel. */
#include "faults/detect.h"
#include "fetafix/examine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 3, MOST_NODES = 8 };
#define PIXEL_MOST 255

/* What pixels have become at a value. */
typedef struct prepared {
    int channel[CHANNELS]; /* of the picture: red, green, blue */
    double factor[CHANNELS], shift[CHANNELS];
} prepared;

/* What a side makes of pixels: by its spec (at 0), and behind each of the first nodes. */
typedef struct path {
    int n, nodes[MOST_NODES];
    prepared at[MOST_NODES + 1];
} path;

static prepared by_spec(const ff_pre *p)
{
    prepared r;
    for (int c = 0; c < CHANNELS; c++) {
        r.channel[c] = p->bgr ? CHANNELS - 1 - c : c;
        r.factor[c] = 1 / (p->scale * p->std[c]);
        r.shift[c] = -p->mean[c] / p->std[c];
    }
    return r;
}

static bool scale_and_shift(const ff_cnode *n, prepared *p)
{
    const ff_cparam *scale = ff_cnode_param(n, "scale"), *shift = ff_cnode_param(n, "shift");
    if (strcmp(n->op, "Affine") != 0 || !scale || !shift || scale->tensor->count != CHANNELS ||
        shift->tensor->count != CHANNELS)
        return false;
    for (int c = 0; c < CHANNELS; c++) {
        double s = ff_tensor_get_real(scale->tensor, c);
        p->factor[c] *= s;
        p->shift[c] = p->shift[c] * s + ff_tensor_get_real(shift->tensor, c);
    }
    return true;
}

static bool reorder(const ff_cnode *n, prepared *p)
{
    const ff_cattr *axis = ff_cnode_attr(n, "axis");
    const ff_tensor *t = n->n_params == 1 ? n->params[0].tensor : NULL;
    prepared before = *p;
    if (strcmp(n->op, "Gather") != 0 || !axis || axis->n != 1 || axis->ints[0] != 1 || !t || t->count != CHANNELS)
        return false;
    for (int c = 0; c < CHANNELS; c++) {
        int64_t from = (int64_t)ff_tensor_get_real(t, c);
        from += from < 0 ? CHANNELS : 0;
        if (from < 0 || from >= CHANNELS)
            return false;
        p->channel[c] = before.channel[from];
        p->factor[c] = before.factor[from];
        p->shift[c] = before.shift[from];
    }
    return true;
}

/* Node by node from the input on, as long as nothing else reads what they make. */
static path follow(const ff_side *side)
{
    const ff_canon *c = side->canon;
    path p = {.at = {by_spec(&side->pre)}};
    const ff_cvalue *v = &c->values[c->inputs[0]];
    while (p.n < MOST_NODES && v->n_users == 1) {
        const ff_cnode *n = &c->nodes[v->users[0]];
        prepared next = p.at[p.n];
        if (n->n_inputs != 1 || n->n_outputs != 1 || (!scale_and_shift(n, &next) && !reorder(n, &next)))
            break;
        p.nodes[p.n++] = n->id;
        p.at[p.n] = next;
        v = &c->values[n->outputs[0]];
    }
    return p;
}

/* How far two such values are apart, against their range. */
static double distance_of(const prepared *a, const prepared *b)
{
    double most = 0;
    for (int c = 0; c < CHANNELS; c++) {
        double apart = PIXEL_MOST * fabs(a->factor[c] - b->factor[c]) + fabs(a->shift[c] - b->shift[c]);
        double range = PIXEL_MOST * fabs(a->factor[c]);
        if (a->channel[c] != b->channel[c] || !(apart <= range * FF_SAME_VALUES))
            return INFINITY;
        most = fmax(most, apart / range);
    }
    return most;
}

/* The value at which a path ends behind its first n nodes. */
static const ff_cvalue *end_of(const ff_canon *c, const path *p, int n)
{
    return &c->values[n ? c->nodes[p->nodes[n - 1]].outputs[0] : c->inputs[0]];
}

/* Do the same layers go on from there? Else what one side has there, the other may have too, in a form not known here. */
static bool go_on_alike(const ff_subject *s, const ff_cvalue *x, const ff_cvalue *y)
{
    for (int i = 0; i < x->n_users; i++) {
        int pair = s->alignment ? s->alignment->of_source[x->users[i]] : -1, partner = -1;
        if (pair >= 0)
            partner = s->alignment->pairs[pair].target;
        bool reads = false;
        for (int k = 0; k < y->n_users; k++)
            reads = reads || y->users[k] == partner;
        if (!reads)
            return false;
    }
    return x->n_users == y->n_users;
}

static const ff_node **mark(ff_detection *d, bool source, const path *p, int n, int *count)
{
    const ff_canon *c = source ? d->subject->source.canon : d->subject->target.canon;
    bool **marks = source ? &d->prepared_source : &d->prepared_target;
    *marks = ff_alloc_array((size_t)c->n_nodes + 1, sizeof **marks);
    for (int i = 0; i < n; i++)
        (*marks)[p->nodes[i]] = true;
    return ff_cnodes_origins(c, p->nodes, n, count);
}

bool ff_detect_prepared(ff_detection *d)
{
    const ff_subject *s = d->subject;
    const ff_canon *a = s->source.canon, *b = s->target.canon;
    if (!a || !b || a->n_inputs != 1 || b->n_inputs != 1)
        return false;
    path source = follow(&s->source), target = follow(&s->target);
    for (int n = 1; n <= source.n + target.n; n++) /* as few nodes as will do */
        for (int i = n < source.n ? n : source.n; i >= 0 && n - i <= target.n; i--) {
            double distance = distance_of(&source.at[i], &target.at[n - i]);
            if (!isfinite(distance) || !go_on_alike(s, end_of(a, &source, i), end_of(b, &target, n - i)))
                continue;
            ff_same *same =
                ff_detection_add_same(d, "prepared-in-graph",
                                      "a model scales or reorders the pixels by itself, the other is fed so", distance);
            same->source_nodes = mark(d, true, &source, i, &same->n_source_nodes);
            same->target_nodes = mark(d, false, &target, n - i, &same->n_target_nodes);
            return true;
        }
    return false;
}

bool ff_is_prepared(const ff_detection *d, bool source, int cnode)
{
    const bool *marks = source ? d->prepared_source : d->prepared_target;
    return marks && cnode >= 0 && marks[cnode];
}
