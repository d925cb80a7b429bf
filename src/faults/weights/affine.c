/* SPDX-License-Identifier: GPL-3.0-or-later */
/* WB of a scale and shift that the Target writes as arithmetic (Mul, Div, Add, Sub in a row, as for normalising the
 * input): one constant that multiplies and one that is added are chosen so that all together do what the Source does. A
 * node that it takes and is not there comes behind the others. */
#include "faults/weights/weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LINKS = 12 };
#define NEAR 1e-5 /* the chain as it is here against the view */

/* x * by, or x + by; by[c] is what the node does to channel c, its constant `sign * by` or, of a Div, 1 / by. */
typedef struct link {
    const ff_node *node; /* NULL: none yet */
    int input;           /* of the constant */
    const ff_tensor *constant;
    bool multiplies, divides, changed, fixed;
    double sign, *by;
} link;

typedef struct chain {
    int n;
    int64_t channels;
    link at[MOST_LINKS];
} chain;

static bool is(const ff_node *n, const char *op)
{
    return !*n->domain && strcmp(n->op, op) == 0;
}

static double *numbers(int64_t channels, const ff_tensor *t, double fixed)
{
    double *by = ff_alloc_array((size_t)channels + 1, sizeof *by);
    for (int64_t c = 0; c < channels; c++)
        by[c] = t ? ff_tensor_get_real(t, t->count == 1 ? 0 : c) : fixed;
    return by;
}

static bool add(chain *h, link l, double *by)
{
    if (h->n == MOST_LINKS) {
        free(by);
        return false;
    }
    l.by = by;
    h->at[h->n++] = l;
    return true;
}

/* One node of the origins. False: it is none of these. */
static bool take(chain *h, const ff_plan *plan, const ff_node *n)
{
    bool mul = is(n, "Mul"), div = is(n, "Div"), plus = is(n, "Add"), minus = is(n, "Sub");
    if (is(n, "Neg"))
        return add(h, (link){.multiplies = true, .fixed = true}, numbers(h->channels, NULL, -1));
    if (!mul && !div && !plus && !minus)
        return is(n, "Identity") || is(n, "Cast") || is(n, "Transpose") || is(n, "Reshape") || is(n, "Unsqueeze");
    int input = ff_plan_constant(plan, n->inputs[1]) ? 1 : 0;
    const ff_tensor *t = ff_plan_constant(plan, n->inputs[input]);
    if (!t || (t->count != h->channels && t->count != 1) || (div && input == 0))
        return false;
    if (minus && input == 0 && /* constant - x */
        !add(h, (link){.multiplies = true, .fixed = true}, numbers(h->channels, NULL, -1)))
        return false;
    link l = {.node = n, .input = input, .constant = t, .multiplies = mul || div, .divides = div, .sign = 1};
    if (minus && input == 1)
        l.sign = -1;
    double *by = numbers(h->channels, t, 0);
    for (int64_t c = 0; c < h->channels; c++)
        by[c] = div ? 1 / by[c] : l.sign * by[c];
    return add(h, l, by);
}

static void compose(const chain *h, int64_t c, double *scale, double *shift)
{
    *scale = 1;
    *shift = 0;
    for (int i = 0; i < h->n; i++) {
        if (h->at[i].multiplies)
            *scale *= h->at[i].by[c];
        *shift = h->at[i].multiplies ? *shift * h->at[i].by[c] : *shift + h->at[i].by[c];
    }
}

/* The last link of the kind that can be changed: a new one where there is none. NULL: no room for it. */
static link *last(chain *h, bool multiplies)
{
    for (int i = h->n - 1; i >= 0; i--)
        if (!h->at[i].fixed && h->at[i].multiplies == multiplies)
            return &h->at[i];
    link new = {.multiplies = multiplies, .sign = 1};
    return add(h, new, numbers(h->channels, NULL, multiplies)) ? &h->at[h->n - 1] : NULL;
}

/* Sets the two links of channel c. False: there is no such link, or no number does it. */
static bool solve(chain *h, int64_t c, double wanted_scale, double wanted_shift)
{
    double scale, shift;
    compose(h, c, &scale, &shift);
    if (fabs(scale - wanted_scale) > 1e-7 * fabs(wanted_scale)) {
        link *m = last(h, true);
        if (!m || scale == 0)
            return false;
        m->by[c] *= wanted_scale / scale;
        m->changed = true;
        compose(h, c, &scale, &shift);
    }
    if (fabs(shift - wanted_shift) > 1e-7 * (fabs(wanted_shift) + fabs(wanted_scale))) {
        link *a = last(h, false);
        double behind = 1;
        for (link *l = a; a && l < h->at + h->n; l++)
            behind *= l->multiplies ? l->by[c] : 1;
        if (!a || behind == 0)
            return false;
        a->by[c] += (wanted_shift - shift) / behind;
        a->changed = true;
    }
    return true;
}

/* Dims of a constant with one number a channel, or of the old one where it can hold the new numbers. */
static int dims_of(const ff_put *p, const chain *h, const link *l, int64_t *dims)
{
    const ff_cvalue *v = &p->s->target.canon->values[p->node->outputs[0]];
    bool alike = l->constant != NULL;
    for (int64_t c = 1; c < h->channels; c++)
        alike = alike && l->by[c] == l->by[0];
    if (l->constant && (l->constant->count == h->channels || alike)) {
        memcpy(dims, l->constant->dims, (size_t)l->constant->rank * sizeof *dims);
        return l->constant->rank;
    }
    /* The axis of the channels, and those behind it. */
    int rank = ff_layout_identity(&v->layout) ? ff_plan_shape(p->plan, v->original)->rank - 1 : 1;
    for (int i = 0; i < rank; i++)
        dims[i] = i ? 1 : h->channels;
    return rank;
}

static int write_link(ff_put *p, const chain *h, const link *l)
{
    const ff_value *y = p->s->target.canon->values[p->node->outputs[0]].original;
    int64_t dims[FF_MAX_RANK];
    ff_tensor *t;
    int rc = ff_tensor_create(FF_FLOAT, dims_of(p, h, l, dims), dims, &t);
    if (rc != FF_OK)
        return rc;
    for (int64_t c = 0; c < t->count; c++)
        ff_tensor_set_real(t, c, l->divides ? 1 / l->by[c] : l->sign * l->by[c]);
    if (l->node) {
        char *stem = ff_asprintf("%s_repaired", l->node->inputs[l->input]->name);
        rc = ff_write_constant(p->plan, p->patch, l->node, l->input, t, stem);
        free(stem);
    } else {
        rc = ff_put_behind(p, y, l->multiplies ? "Mul" : "Add", t);
    }
    ff_tensor_unref(t);
    return rc;
}

static bool is_as_in_the_view(const chain *h, const ff_cparam *scale, const ff_cparam *shift)
{
    for (int64_t c = 0; c < h->channels; c++) {
        double s, t, a = ff_tensor_get_real(scale->tensor, c), b = ff_tensor_get_real(shift->tensor, c);
        compose(h, c, &s, &t);
        if (!(fabs(s - a) <= NEAR * fabs(a)) || !(fabs(t - b) <= NEAR * (fabs(b) + fabs(a))))
            return false;
    }
    return true;
}

int ff_put_affine(ff_put *p, const ff_cparam *scale, const ff_cparam *shift)
{
    const ff_cparam *now_scale = ff_cnode_param(p->node, "scale"), *now_shift = ff_cnode_param(p->node, "shift");
    if (!now_scale || !now_shift)
        return FF_OK;
    const ff_cparam *a = scale ? scale : now_scale, *b = shift ? shift : now_shift;
    chain h = {.channels = now_scale->tensor->count};
    bool known = a->tensor->count == h.channels && b->tensor->count == h.channels;
    for (int i = 0; i < p->node->n_origins && known; i++)
        known = take(&h, p->plan, p->node->origins[i]);
    const ff_value *y = p->s->target.canon->values[p->node->outputs[0]].original;
    known = known && is_as_in_the_view(&h, now_scale, now_shift) && y && !y->is_output;
    for (int64_t c = 0; c < h.channels && known; c++)
        known = solve(&h, c, ff_tensor_get_real(a->tensor, c), ff_tensor_get_real(b->tensor, c));
    int rc = FF_OK, new = 0;
    for (int i = 0; i < h.n; i++)
        new += !h.at[i].node &&h.at[i].changed;
    known = known && new < 2; /* else the Source's nodes would have to be put in */
    for (int i = 0; i < h.n; i++) {
        if (known && h.at[i].changed && rc == FF_OK)
            rc = write_link(p, &h, &h.at[i]);
        free(h.at[i].by);
    }
    p->made = known && rc == FF_OK;
    return rc;
}
