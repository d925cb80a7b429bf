/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The steps of alignment one after the other, and the public result. */
#include <stdlib.h>
#include <string.h>

#include "align/matcher.h"

static bool takes_in(const ff_cnode *n, const char *label)
{
    for (int i = 0; i < n->n_origins; i++)
        if (strcmp(n->origins[i]->label, label) == 0)
            return true;
    return n->primary && strcmp(n->primary->label, label) == 0;
}

/* The node that a label means: the one that it is primary of, else the one that took it in. */
static int find(const ff_canon *c, const char *label)
{
    for (int i = 0; i < c->n_nodes; i++)
        if (c->nodes[i].primary && strcmp(c->nodes[i].primary->label, label) == 0)
            return i;
    for (int i = 0; i < c->n_nodes; i++)
        if (takes_in(&c->nodes[i], label))
            return i;
    return -1;
}

bool matcher_forbidden(const matcher *m, int s, int t)
{
    for (int i = 0; i < m->n_pins; i++)
        if (m->pins[i].forbid && takes_in(&m->s->nodes[s], m->pins[i].source) &&
            takes_in(&m->t->nodes[t], m->pins[i].target))
            return true;
    return false;
}

void matcher_pair(matcher *m, int s, int t, double confidence, const char *reason)
{
    m->of_s[s] = t;
    m->of_t[t] = s;
    m->confidence[s] = confidence;
    m->reason[s] = reason;
}

static bool same_shape(const ff_shape *a, const ff_shape *b)
{
    return a->rank == b->rank && a->rank >= 0 && memcmp(a->dims, b->dims, (size_t)a->rank * sizeof a->dims[0]) == 0;
}

static bool same_attr(const ff_cattr *a, const ff_cattr *b)
{
    if (!b || a->type != b->type || a->n != b->n)
        return false;
    if (a->type == FF_CATTR_TEXT)
        return strcmp(a->text, b->text) == 0;
    for (int i = 0; i < a->n; i++)
        if (a->type == FF_CATTR_INTS ? a->ints[i] != b->ints[i] : a->reals[i] != b->reals[i])
            return false;
    return true;
}

static double attribute_share(const ff_cnode *a, const ff_cnode *b)
{
    int same = 0, count = a->n_attrs > b->n_attrs ? a->n_attrs : b->n_attrs;
    for (int i = 0; i < a->n_attrs; i++)
        same += same_attr(&a->attrs[i], ff_cnode_attr(b, a->attrs[i].name));
    return count > 0 ? (double)same / count : 1;
}

/* +1 for each neighbour whose pair is the other's neighbour too, -1 for each whose is not. */
static double neighbours(const matcher *m, const ff_cnode *a, const ff_cnode *b)
{
    enum { MOST = 256 };
    double score = 0;
    for (int i = 0; i < a->n_inputs; i++) {
        int p = matcher_maker(m->s, m->of_s, a->inputs[i]);
        bool found = false;
        if (p >= 0 && m->of_s[p] < 0)
            continue;
        for (int k = 0; k < b->n_inputs && !found; k++) {
            int q = matcher_maker(m->t, m->of_t, b->inputs[k]);
            found = p < 0 ? q < 0 : q == m->of_s[p];
        }
        score += found ? 1 : -1;
    }
    if (a->n_outputs < 1 || b->n_outputs < 1)
        return score;
    int readers[MOST], others[MOST], n = matcher_readers(m->s, m->of_s, a->outputs[0], false, readers, MOST),
                                     n_others = matcher_readers(m->t, m->of_t, b->outputs[0], false, others, MOST);
    for (int i = 0; i < n; i++) {
        int u = m->of_s[readers[i]];
        bool found = false;
        for (int k = 0; k < n_others && !found; k++)
            found = others[k] == u;
        if (u >= 0)
            score += found ? 1 : -1;
    }
    return score;
}

/* One pooling in place of another is that layer changed, not two layers. */
static bool both_pools(const char *a, const char *b)
{
    return (strcmp(a, "MaxPool") == 0 && strcmp(b, "AveragePool") == 0) ||
           (strcmp(a, "AveragePool") == 0 && strcmp(b, "MaxPool") == 0) ||
           (strcmp(a, "GlobalMaxPool") == 0 && strcmp(b, "GlobalAveragePool") == 0) ||
           (strcmp(a, "GlobalAveragePool") == 0 && strcmp(b, "GlobalMaxPool") == 0);
}

double matcher_score(const matcher *m, int s, int t)
{
    const ff_cnode *a = &m->s->nodes[s], *b = &m->t->nodes[t];
    bool pools = both_pools(a->op, b->op);
    if ((strcmp(a->op, b->op) != 0 && !pools) || a->n_outputs < 1 || b->n_outputs < 1 || matcher_forbidden(m, s, t))
        return MATCH_INCOMPATIBLE;
    const ff_shape *sa = &m->s->values[a->outputs[0]].shape, *sb = &m->t->values[b->outputs[0]].shape;
    double score = same_shape(sa, sb) ? 2 : sa->rank == sb->rank ? 0.75 : 0.5;
    score += attribute_share(a, b) - (pools ? 1 : 0);
    double d = matcher_distance(m, s, t);
    if (d >= 0)
        score += 1 + 4 * (d < 1 ? 1 - d : 0);
    else if (ff_cnode_param(a, "weight"))
        score -= 0.5; /* weights of other shapes */
    return score + neighbours(m, a, b);
}

bool ff_pin_applies(const ff_canon *target, const ff_pin *pin)
{
    return find(target, pin->target) >= 0;
}

/* A label that no node of the view answers to. */
static int unknown(const ff_canon *c, const char *side, const char *label)
{
    const ff_graph *g = ff_model_graph(ff_plan_model(c->plan));
    const char **names = ff_alloc_array((size_t)c->n_nodes + 1, sizeof *names);
    int code = FF_OK;
    for (int i = 0; i < g->n_nodes && !code; i++)
        if (strcmp(g->nodes[i]->label, label) == 0)
            code = ff_fail(FF_ERR_USAGE, "node '%s' of the %s is not compared: it cannot change a result", label, side);
    for (int i = 0; i < c->n_nodes; i++)
        names[i] = c->nodes[i].primary ? c->nodes[i].primary->label : c->nodes[i].op;
    const char *near = code ? NULL : ff_nearest(label, names, (size_t)c->n_nodes);
    if (!code)
        code = near ? ff_fail(FF_ERR_USAGE, "the %s has no node '%s'; did you mean '%s'?", side, label, near)
                    : ff_fail(FF_ERR_USAGE, "the %s has no node '%s'", side, label);
    free(names);
    return code;
}

static int apply_pins(matcher *m)
{
    for (int i = 0; i < m->n_pins; i++) {
        int s = find(m->s, m->pins[i].source), t = find(m->t, m->pins[i].target);
        if (s < 0)
            return unknown(m->s, "Source", m->pins[i].source);
        if (t < 0)
            return unknown(m->t, "Target", m->pins[i].target);
        if (m->pins[i].forbid)
            continue;
        if (m->of_s[s] >= 0 || m->of_t[t] >= 0)
            return ff_fail(FF_ERR_USAGE, "'%s' or '%s' is pinned to another node", m->pins[i].source,
                           m->pins[i].target);
        matcher_pair(m, s, t, 1, "pinned");
        m->pinned[s] = true;
    }
    return FF_OK;
}

/* --------------------------------------------------------------------------------- result */

typedef struct row {
    ff_pair pair;
    double key; /* place along the Source */
    int tie;
} row;

static int by_place(const void *a, const void *b)
{
    const row *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->tie - y->tie;
}

/* Source nodes in order; a Target-only node comes after what it reads. */
static row *rows(const matcher *m, int *count)
{
    int n = m->s->n_nodes, k = m->t->n_nodes;
    row *r = ff_alloc_array((size_t)(n + k) + 1, sizeof *r);
    double *place = ff_alloc_array((size_t)k + 1, sizeof *place);
    int c = 0;
    for (int s = 0; s < n; s++) {
        ff_pair p = {.source = s,
                     .target = m->of_s[s],
                     .confidence = m->confidence[s],
                     .reason = m->reason[s],
                     .pinned = m->pinned[s]};
        if (p.target < 0)
            p.reason = "missing in the Target";
        else
            place[p.target] = s;
        r[c++] = (row){p, s, -1};
    }
    for (int t = 0; t < k; t++) {
        if (m->of_t[t] >= 0)
            continue;
        double key = -0.5;
        for (int i = 0; i < m->t->nodes[t].n_inputs; i++) {
            int p = m->t->values[m->t->nodes[t].inputs[i]].producer;
            double after = p < 0 ? -0.5 : m->of_t[p] >= 0 ? place[p] + 0.5 : place[p];
            key = after > key ? after : key;
        }
        place[t] = key;
        ff_pair p = {.source = -1, .target = t, .reason = "missing in the Source"};
        r[c++] = (row){p, key, t};
    }
    qsort(r, (size_t)c, sizeof *r, by_place);
    free(place);
    *count = c;
    return r;
}

static int64_t count_of(const ff_shape *s)
{
    int64_t n = s->rank < 0 ? -1 : 1;
    for (int i = 0; i < s->rank; i++)
        n *= s->dims[i];
    return n;
}

static int *corresponding_values(const matcher *m)
{
    int *of = ff_alloc_array((size_t)m->s->n_values + 1, sizeof *of);
    for (int i = 0; i < m->s->n_values; i++)
        of[i] = -1;
    for (int i = 0; i < m->s->n_inputs && i < m->t->n_inputs; i++)
        of[m->s->inputs[i]] = m->t->inputs[i];
    for (int s = 0; s < m->s->n_nodes; s++) {
        const ff_cnode *a = &m->s->nodes[s], *b = m->of_s[s] >= 0 ? &m->t->nodes[m->of_s[s]] : NULL;
        for (int i = 0; b && i < a->n_outputs && i < b->n_outputs; i++)
            of[a->outputs[i]] = b->outputs[i];
    }
    for (int i = 0; i < m->s->n_values; i++)
        if (of[i] >= 0 && count_of(&m->s->values[i].shape) != count_of(&m->t->values[of[i]].shape))
            of[i] = -1;
    return of;
}

static ff_alignment *result(const matcher *m)
{
    ff_alignment *a = ff_alloc(sizeof *a);
    int count = 0;
    row *r = rows(m, &count);
    ff_pair *pairs = ff_alloc_array((size_t)count + 1, sizeof *pairs);
    int *of_s = ff_alloc_array((size_t)m->s->n_nodes + 1, sizeof *of_s);
    int *of_t = ff_alloc_array((size_t)m->t->n_nodes + 1, sizeof *of_t);
    for (int i = 0; i < count; i++) {
        pairs[i] = r[i].pair;
        if (pairs[i].source >= 0)
            of_s[pairs[i].source] = i;
        if (pairs[i].target >= 0)
            of_t[pairs[i].target] = i;
    }
    free(r);
    *a = (ff_alignment){.source = m->s,
                        .target = m->t,
                        .n_pairs = count,
                        .pairs = pairs,
                        .of_source = of_s,
                        .of_target = of_t,
                        .value_of_source = corresponding_values(m)};
    return a;
}

static void fill(int *v, int n)
{
    for (int i = 0; i < n; i++)
        v[i] = -1;
}

int ff_align(const ff_canon *source, const ff_canon *target, const ff_pin *pins, int n_pins, ff_alignment **out)
{
    size_t n = (size_t)source->n_nodes + 1, k = (size_t)target->n_nodes + 1;
    matcher m = {.s = source, .t = target, .pins = pins, .n_pins = n_pins};
    m.of_s = ff_alloc_array(n, sizeof(int));
    m.of_t = ff_alloc_array(k, sizeof(int));
    m.order_s = ff_alloc_array(n, sizeof(int));
    m.order_t = ff_alloc_array(k, sizeof(int));
    m.confidence = ff_alloc_array(n, sizeof(double));
    m.reason = ff_alloc_array(n, sizeof(char *));
    m.pinned = ff_alloc_array(n, sizeof(bool));
    fill(m.of_s, (int)n);
    fill(m.of_t, (int)k);
    m.weighted_s = ff_alloc_array(n, sizeof(int));
    m.weighted_t = ff_alloc_array(k, sizeof(int));
    int code = apply_pins(&m);
    if (!code)
        code = matcher_measure(&m);
    if (!code) {
        matcher_sort(&m);
        matcher_anchor(&m);
        do
            matcher_neighbours(&m);
        while (matcher_along(&m) || matcher_between(&m));
        *out = result(&m);
    }
    free(m.of_s);
    free(m.of_t);
    free(m.order_s);
    free(m.order_t);
    free(m.confidence);
    free(m.reason);
    free(m.pinned);
    free(m.distance);
    free(m.weighted_s);
    free(m.weighted_t);
    return code;
}

void ff_alignment_destroy(ff_alignment *a)
{
    if (!a)
        return;
    free((void *)a->pairs);
    free((void *)a->of_source);
    free((void *)a->of_target);
    free((void *)a->value_of_source);
    free(a);
}
