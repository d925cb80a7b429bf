/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first place where a Target computes another thing: Source values are put in at its sites until what lies behind
 * comes right. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "faults/mend/mend.h"

enum { SITES = 16, CANDIDATES = 6, FORMS = 2 };
/* Places that cost no more than this beyond the cheapest are told apart by what they bring. */
#define SLACK 1.5

typedef struct candidate {
    const ff_value *v;
    double score;
} candidate;

/* Values from which a wrong output is reached through values that hold nothing of the Source's. */
static bool *wrong_values(const mender *m, const mend_state *t)
{
    const ff_graph *g = ff_model_graph(t->run->model);
    bool *in = ff_alloc_array((size_t)t->run->n_values + 1, sizeof *in);
    for (int i = 0; i < m->n_outputs; i++) {
        const ff_value *v = ff_model_find_value(t->run->model, m->outputs[i].target);
        if (v && !mend_output_right(m, t->run, i) && t->match[v->id].source < 0)
            in[v->id] = true;
    }
    for (int i = g->n_nodes - 1; i >= 0; i--) {
        const ff_node *n = g->nodes[i];
        bool wanted = false;
        for (int k = 0; k < n->n_outputs; k++)
            wanted = wanted || (n->outputs[k] && in[n->outputs[k]->id]);
        for (int k = 0; wanted && k < n->n_inputs; k++) {
            const ff_value *x = n->inputs[k];
            if (x && x->graph == g && x->producer && !t->run->fixed[x->id] && t->match[x->id].source < 0)
                in[x->id] = true;
        }
    }
    return in;
}

/* The nodes from which v is made, down to values for which stop[id] holds; -1: too many. */
static int collect(const ff_model *m, const ff_value *v, const bool *stop, const ff_node **nodes)
{
    const ff_graph *g = ff_model_graph(m);
    bool *in = ff_alloc_array((size_t)ff_model_values(m) + 1, sizeof *in);
    int n_nodes = 0;
    in[v->id] = true;
    for (int i = g->n_nodes - 1; i >= 0 && n_nodes >= 0; i--) {
        const ff_node *n = g->nodes[i];
        bool wanted = false;
        for (int k = 0; k < n->n_outputs; k++)
            wanted = wanted || (n->outputs[k] && in[n->outputs[k]->id]);
        if (!wanted)
            continue;
        if (n_nodes == MEND_REGION) {
            n_nodes = -1;
            break;
        }
        nodes[n_nodes++] = n;
        for (int k = 0; k < n->n_inputs; k++)
            if (n->inputs[k] && !stop[n->inputs[k]->id])
                in[n->inputs[k]->id] = true;
    }
    for (int i = 0; i < n_nodes / 2; i++) { /* in the order of the graph */
        const ff_node *n = nodes[i];
        nodes[i] = nodes[n_nodes - 1 - i];
        nodes[n_nodes - 1 - i] = n;
    }
    free(in);
    return n_nodes;
}

static bool fill_nodes(const mender *m, const mend_state *t, mend_place *p)
{
    bool *held = ff_alloc_array((size_t)t->run->n_values + 1, sizeof *held);
    bool *known = ff_alloc_array((size_t)m->source->n_values + 1, sizeof *known);
    for (int i = 0; i < t->run->n_values; i++)
        held[i] = t->run->fixed[i] || t->match[i].source >= 0;
    for (int i = 0; i < m->source->n_values; i++)
        known[i] = m->source->fixed[i] || t->covered[i];
    p->n_target = p->behind ? 0 : collect(t->run->model, p->site, held, p->target_nodes);
    p->n_source = !p->behind && known[p->source->id] ? 0 : collect(m->source->model, p->source, known, p->source_nodes);
    free(held);
    free(known);
    return p->n_target >= 0 && p->n_source >= 0;
}

static int by_score(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->v->id - y->v->id;
}

static double place_of(const ff_value *v)
{
    return v->producer ? (v->producer->index + 1.0) / (v->graph->n_nodes + 1.0) : 0;
}

static bool is_output_of(const mender *m, const ff_value *v, const ff_value *u)
{
    for (int i = 0; i < m->n_outputs; i++)
        if (strcmp(m->outputs[i].target, v->name) == 0 && m->outputs[i].source == u)
            return true;
    return false;
}

static int candidates_for(const mender *m, const mend_state *t, const ff_value *v, candidate *out)
{
    size_t capacity = 0;
    candidate *all = NULL;
    int n = 0;
    const ff_shape *shape = ff_plan_shape(t->run->plan, v);
    for (int i = 0; i < m->source->n_values && shape->rank >= 0; i++) {
        const ff_value *u = ff_model_value(m->source->model, i);
        mend_layout l;
        if (!m->source->at[i] || m->source->fixed[i] ||
            mend_layouts(ff_plan_shape(m->source->plan, u), shape, &l, 1) < 1)
            continue;
        double score = t->covered[i] ? 0 : 2;
        score += is_output_of(m, v, u) ? 6 : 0;
        score += strcmp(v->name, u->name) == 0 ? 3 : 0;
        score -= 2 * fabs(place_of(v) - place_of(u));
        if (v->producer && u->producer && strcmp(v->producer->op, u->producer->op) == 0) {
            score += 4;
            for (int k = 0; k < v->producer->n_inputs; k++)
                for (int j = 0; j < u->producer->n_inputs; j++)
                    if (v->producer->inputs[k] && u->producer->inputs[j] &&
                        t->match[v->producer->inputs[k]->id].source == u->producer->inputs[j]->id) {
                        score += 2;
                        break;
                    }
        }
        ff_grow(&all, &capacity, (size_t)n + 1, sizeof *all);
        all[n++] = (candidate){u, score};
    }
    if (n > 1)
        qsort(all, (size_t)n, sizeof *all, by_score);
    n = n < CANDIDATES ? n : CANDIDATES;
    if (n)
        memcpy(out, all, (size_t)n * sizeof *out);
    free(all);
    return n;
}

/* Hands on what it reads: that its result comes right says nothing. */
static bool moves_only(const ff_node *n)
{
    static const char *const ops[] = {"Reshape", "Transpose", "Identity", "Flatten",
                                      "Squeeze", "Unsqueeze", "Cast",     "Dropout"};
    for (size_t i = 0; n && i < FF_COUNT(ops); i++)
        if (strcmp(n->op, ops[i]) == 0)
            return true;
    return false;
}

/* Puts the Source's value in and notes what comes right behind it; returns how much, -1: it cannot be put in. */
static int put_in(mender *m, const mend_state *t, mend_run *r, mend_place *p)
{
    if (mend_run_values(m, r, true, p->site, p->source, &p->layout) != FF_OK)
        return -1;
    bool *behind = mend_behind(r->model, p->site), *after = mend_behind(m->source->model, p->source);
    mend_match *match = ff_alloc_array((size_t)r->n_values + 1, sizeof *match);
    int gain = 0;
    mend_match_values(m, r, behind, t->match, match);
    p->gained = ff_alloc_array((size_t)r->n_values + 1, sizeof *p->gained);
    p->gains = ff_alloc_array((size_t)r->n_values + 1, sizeof *p->gains);
    p->n_gained = p->n_right = 0;
    for (int i = 0; i < r->n_values; i++) {
        const ff_value *w = ff_model_value(r->model, i);
        int s = match[i].source;
        if (!behind[i] || w == p->site || s < 0 || t->match[i].source == s || !m->source->sketch[s].varied)
            continue;
        p->gained[p->n_gained] = w;
        p->gains[p->n_gained++] = match[i];
        gain += after[s] && s != p->source->id && !t->covered[s] && !moves_only(w->producer);
    }
    for (int i = 0; i < m->n_outputs; i++)
        p->n_right += mend_output_right(m, r, i);
    if (p->n_right < t->n_right)
        gain = 0;
    free(behind);
    free(after);
    free(match);
    return gain;
}

void mend_place_finish(mend_place *p)
{
    free(p->gained);
    free(p->gains);
    p->gained = NULL;
    p->gains = NULL;
}

static double cost_of(const mend_place *p)
{
    return p->n_target + p->n_source;
}

/* An output that holds something of the Source's from which more is made there. */
static bool behind_output(const mender *m, const mend_state *t, mend_place *out)
{
    for (int i = 0; i < m->n_outputs; i++) {
        const ff_value *v = ff_model_find_value(t->run->model, m->outputs[i].target);
        if (!v || !v->producer || mend_output_right(m, t->run, i) || t->match[v->id].source < 0)
            continue;
        *out = (mend_place){.site = v,
                            .source = m->outputs[i].source,
                            .layout = {.flat = true},
                            .behind = true,
                            .n_right = t->n_right + 1};
        if (fill_nodes(m, t, out) && out->n_source > 0)
            return true;
    }
    return false;
}

/* Where nothing can be put in (the Target has another number of elements there): the first node whose counterpart has
 * the same operator on the same values. */
static bool by_operator(const mender *m, const mend_state *t, const bool *wrong, mend_place *out)
{
    const ff_graph *g = ff_model_graph(t->run->model), *h = ff_model_graph(m->source->model);
    for (int i = 0; i < g->n_nodes; i++) {
        const ff_node *n = g->nodes[i];
        const ff_value *v = n->n_outputs ? n->outputs[0] : NULL;
        bool reads = v && wrong[v->id];
        for (int k = 0; reads && k < n->n_inputs; k++)
            reads = !n->inputs[k] || t->run->fixed[n->inputs[k]->id] || t->match[n->inputs[k]->id].source >= 0;
        for (int j = 0; reads && j < h->n_nodes; j++) {
            const ff_node *p = h->nodes[j];
            bool same = strcmp(p->op, n->op) == 0 && p->n_inputs > 0 && n->n_inputs > 0 && p->outputs[0] &&
                        p->inputs[0] && n->inputs[0] && t->match[n->inputs[0]->id].source == p->inputs[0]->id;
            if (!same)
                continue;
            *out = (mend_place){.site = v, .source = p->outputs[0], .layout = {.flat = true}, .n_right = t->n_right};
            out->n_target = out->n_source = 1;
            out->target_nodes[0] = n;
            out->source_nodes[0] = p;
            return true;
        }
    }
    return false;
}

int mend_place_find(mender *m, const mend_state *t, mend_place *out, bool *found)
{
    *found = behind_output(m, t, out);
    if (*found)
        return FF_OK;
    bool *wrong = wrong_values(m, t);
    const ff_graph *g = ff_model_graph(t->run->model);
    mend_run *r;
    int code = mend_run_create(m, t->run->model, true, &r), sites = 0;
    int best_gain = 0, best_right = 0;
    for (int i = 0; code == FF_OK && i < g->n_nodes && sites < SITES && m->budget > 0; i++) {
        const ff_node *n = g->nodes[i];
        const ff_value *v = n->n_outputs ? n->outputs[0] : NULL;
        if (!v || !wrong[v->id] || n->n_captures)
            continue;
        candidate list[CANDIDATES];
        int n_list = candidates_for(m, t, v, list);
        sites += n_list > 0;
        for (int c = 0; c < n_list && m->budget > 0; c++) {
            mend_layout forms[FORMS];
            int n_forms =
                mend_layouts(ff_plan_shape(m->source->plan, list[c].v), ff_plan_shape(t->run->plan, v), forms, FORMS);
            for (int f = 0; f < n_forms; f++) {
                mend_place p = {.site = v, .source = list[c].v, .layout = forms[f]};
                code = ff_check_cancel(m->task);
                if (code != FF_OK || !fill_nodes(m, t, &p))
                    break;
                if (*found && cost_of(&p) > cost_of(out) + SLACK)
                    break;
                int gain = put_in(m, t, r, &p);
                bool any = gain > 0 || (gain == 0 && p.n_right > t->n_right), better = any && !*found;
                if (any && *found) {
                    bool cheaper = cost_of(&p) + SLACK < cost_of(out);
                    better = cheaper || p.n_right > best_right || (p.n_right == best_right && gain > best_gain) ||
                             (p.n_right == best_right && gain == best_gain && cost_of(&p) < cost_of(out));
                }
                if (better) {
                    if (*found)
                        mend_place_finish(out);
                    *out = p;
                    *found = true;
                    best_gain = gain;
                    best_right = p.n_right;
                } else {
                    mend_place_finish(&p);
                }
            }
        }
    }
    if (code == FF_OK)
        mend_run_destroy(r);
    if (code == FF_OK && !*found)
        *found = by_operator(m, t, wrong, out);
    free(wrong);
    return code;
}
