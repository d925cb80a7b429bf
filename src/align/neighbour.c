/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Neighbours of what is paired: inputs of a pair, and readers of a pair, belong together. */
#include <stdlib.h>
#include <string.h>

#include "align/matcher.h"

static bool passed_over(const ff_canon *c, const int *paired, int node)
{
    const ff_cnode *n = &c->nodes[node];
    return paired[node] < 0 && n->n_inputs == 1 && n->n_outputs == 1 &&
           (strcmp(n->op, "QuantizeLinear") == 0 || strcmp(n->op, "DequantizeLinear") == 0);
}

int matcher_maker(const ff_canon *c, const int *paired, int cvalue)
{
    int node = c->values[cvalue].producer;
    while (node >= 0 && passed_over(c, paired, node))
        node = c->values[c->nodes[node].inputs[0]].producer;
    return node;
}

static int add_once(int *list, int count, int max, int node)
{
    for (int i = 0; i < count; i++)
        if (list[i] == node)
            return count;
    if (count < max)
        list[count++] = node;
    return count;
}

int matcher_readers(const ff_canon *c, const int *paired, int cvalue, bool own, int *out, int max)
{
    enum { DEEP = 64 };
    int waiting[DEEP] = {cvalue}, n = 1, count = 0;
    while (n > 0) {
        const ff_cvalue *v = &c->values[waiting[--n]];
        for (int i = 0; i < v->n_users; i++) {
            bool over = passed_over(c, paired, v->users[i]);
            if (!over || own)
                count = add_once(out, count, max, v->users[i]);
            if (over && n < DEEP)
                waiting[n++] = c->nodes[v->users[i]].outputs[0];
        }
    }
    return count;
}

/* Unpaired nodes beside `node`: producers of its inputs, or users of its outputs. */
static int beside(const ff_canon *c, const int *paired, int node, bool users, int *out, int max)
{
    const ff_cnode *n = &c->nodes[node];
    int count = 0, all[256], n_all;
    for (int i = 0; i < n->n_outputs && users; i++) {
        n_all = matcher_readers(c, paired, n->outputs[i], true, all, FF_COUNT(all));
        for (int k = 0; k < n_all; k++)
            if (paired[all[k]] < 0)
                count = add_once(out, count, max, all[k]);
    }
    for (int i = 0; i < n->n_inputs && !users; i++) {
        int direct = c->values[n->inputs[i]].producer, behind = matcher_maker(c, paired, n->inputs[i]);
        if (direct >= 0 && paired[direct] < 0)
            count = add_once(out, count, max, direct);
        if (behind >= 0 && paired[behind] < 0)
            count = add_once(out, count, max, behind);
    }
    return count;
}

/* Pairs the nodes of the two lists, the most alike first. */
static bool pair_lists(matcher *m, const int *a, int n_a, const int *b, int n_b)
{
    bool any = false;
    for (;;) {
        double best = 2.5;
        int s = -1, t = -1;
        for (int i = 0; i < n_a; i++) {
            for (int j = 0; j < n_b; j++) {
                if (m->of_s[a[i]] >= 0 || m->of_t[b[j]] >= 0)
                    continue;
                double score = matcher_score(m, a[i], b[j]) + (i == j ? 0.25 : 0);
                if (score > best) {
                    best = score;
                    s = a[i];
                    t = b[j];
                }
            }
        }
        if (s < 0)
            return any;
        matcher_pair(m, s, t, best > 6 ? 0.95 : 0.5 + best * 0.07, "neighbours");
        any = true;
    }
}

bool matcher_neighbours(matcher *m)
{
    enum { MAX = 64 };
    int a[MAX], b[MAX];
    bool any = false, again = true;
    while (again) {
        again = false;
        for (int k = 0; k < m->s->n_nodes; k++) {
            int s = m->order_s[k], t = m->of_s[s];
            if (t < 0)
                continue;
            for (int users = 0; users < 2; users++) {
                int n_a = beside(m->s, m->of_s, s, users, a, MAX);
                int n_b = n_a ? beside(m->t, m->of_t, t, users, b, MAX) : 0;
                if (n_b && pair_lists(m, a, n_a, b, n_b))
                    again = any = true;
            }
        }
    }
    return any;
}

/* Do the producers of all inputs, and the users of the output, correspond? */
static bool same_neighbours(const matcher *m, int s, int t)
{
    const ff_cnode *a = &m->s->nodes[s], *b = &m->t->nodes[t];
    if (a->n_inputs != b->n_inputs || a->n_outputs < 1 || b->n_outputs < 1)
        return false;
    const ff_cvalue *va = &m->s->values[a->outputs[0]], *vb = &m->t->values[b->outputs[0]];
    if (va->shape.rank != vb->shape.rank ||
        (va->shape.rank > 0 &&
         memcmp(va->shape.dims, vb->shape.dims, (size_t)va->shape.rank * sizeof va->shape.dims[0]) != 0))
        return false;
    for (int i = 0; i < a->n_inputs; i++) {
        int pa = m->s->values[a->inputs[i]].producer, pb = m->t->values[b->inputs[i]].producer;
        if ((pa < 0) != (pb < 0) || (pa >= 0 && m->of_s[pa] != pb))
            return false;
    }
    if ((va->n_users == 0) != (vb->n_users == 0))
        return false;
    for (int i = 0; i < va->n_users; i++) {
        bool found = false;
        for (int k = 0; k < vb->n_users && !found; k++)
            found = m->of_s[va->users[i]] == vb->users[k];
        if (!found)
            return false;
    }
    return true;
}

bool matcher_between(matcher *m)
{
    bool any = false;
    for (int s = 0; s < m->s->n_nodes; s++) {
        for (int t = 0; t < m->t->n_nodes && m->of_s[s] < 0; t++) {
            if (m->of_t[t] >= 0 || matcher_forbidden(m, s, t) || !same_neighbours(m, s, t))
                continue;
            matcher_pair(m, s, t, 0.4, "between the same neighbours");
            any = true;
        }
    }
    return any;
}
