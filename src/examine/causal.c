/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which layers are the cause: the Source's activation is put into the Target at one layer after the other, and the
 * answer judged. Layers are taken from the last to the first, so that a run can end early: where all that follows goes
 * through a later layer, and the Source's bits come out there, the answer is the one that was found for that layer. What
 * lies beside or before the layer is computed once an image, and kept. */
#include "examine/analysis.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

typedef struct causal_job {
    analysis *a;
    const sample *p;
    int *order;       /* layers, the last in the Target's graph first */
    int *meet;        /* by layer: the next layer through which all goes that it reaches; -1: none */
    ff_store **store; /* by worker: values of one image */
    bool *right;      /* [image][layer] */
} causal_job;

/* ------------------------------------------------------------------------------ places to meet */

static int place(const ff_layer *l)
{
    const ff_node *producer = l->target->original->producer;
    return producer ? producer->index : -1;
}

typedef struct spread {
    const ff_graph *g;
    int *last;     /* by value: the last node that reads it; INT_MAX: the model's user */
    bool *reached; /* by value */
} spread;

static bool reads_reached(const spread *s, const ff_node *n)
{
    for (int i = 0; i < n->n_inputs; i++)
        if (n->inputs[i] && s->reached[n->inputs[i]->id])
            return true;
    for (int i = 0; i < n->n_captures; i++)
        if (s->reached[n->captures[i]->id])
            return true;
    return false;
}

/* The values through which all goes that starts at `from` are those at which nothing else that it reached is alive.
 * Calls visit(context, v) with each in order, until it says true. */
static void walk_meetings(const spread *s, const ff_value *from, bool (*visit)(void *, const ff_value *), void *context)
{
    int n_values = ff_model_values(s->g->model), start = from->producer ? from->producer->index : -1;
    for (int i = 0; i < n_values; i++)
        s->reached[i] = false;
    s->reached[from->id] = true;
    int alive = s->last[from->id];
    for (int i = start + 1; i < s->g->n_nodes && i <= alive; i++) {
        const ff_node *n = s->g->nodes[i];
        if (!reads_reached(s, n))
            continue;
        const ff_value *only = NULL;
        int made = 0, longest = alive;
        for (int o = 0; o < n->n_outputs; o++) {
            const ff_value *v = n->outputs[o];
            if (!v || s->last[v->id] < 0)
                continue;
            s->reached[v->id] = true;
            longest = s->last[v->id] > longest ? s->last[v->id] : longest;
            only = v;
            made++;
        }
        if (made == 1 && alive <= i && visit(context, only))
            return;
        alive = longest;
    }
}

typedef struct seeker {
    const ff_layers *l;
    int found;
} seeker;

static bool is_layer(void *context, const ff_value *v)
{
    seeker *s = context;
    for (int i = 0; i < s->l->count; i++)
        if (s->l->at[i].target->original == v && !s->l->at[i].misfit) {
            s->found = i;
            return true;
        }
    return false;
}

static void read_last(int *last, const ff_value *v, int at)
{
    if (v && last[v->id] < at)
        last[v->id] = at;
}

static void find_meetings(causal_job *job)
{
    const ff_layers *l = &job->a->layers;
    const ff_plan *p = job->a->s->target.observe;
    const ff_model *m = ff_plan_model(p);
    size_t n = (size_t)ff_model_values(m) + 1;
    spread s = {ff_model_graph(m), ff_alloc_array(n, sizeof(int)), ff_alloc_array(n, sizeof(bool))};
    for (size_t i = 0; i < n; i++)
        s.last[i] = -1;
    for (int i = 0; i < s.g->n_nodes; i++) {
        for (int k = 0; k < s.g->nodes[i]->n_inputs; k++)
            read_last(s.last, s.g->nodes[i]->inputs[k], i);
        for (int k = 0; k < s.g->nodes[i]->n_captures; k++)
            read_last(s.last, s.g->nodes[i]->captures[k], i);
    }
    for (int i = 0; i < ff_plan_outputs(p); i++)
        read_last(s.last, ff_plan_output(p, i), INT_MAX);
    for (int i = 0; i < l->count; i++) {
        seeker seek = {l, -1};
        if (!l->at[i].misfit)
            walk_meetings(&s, l->at[i].target->original, is_layer, &seek);
        job->meet[i] = seek.found;
    }
    free(s.last);
    free(s.reached);
}

/* Insertion: they are nearly in order. */
static void order_layers(causal_job *job)
{
    const ff_layers *l = &job->a->layers;
    for (int i = 0; i < l->count; i++) {
        int k = i;
        for (; k > 0 && place(&l->at[job->order[k - 1]]) < place(&l->at[i]); k--)
            job->order[k] = job->order[k - 1];
        job->order[k] = i;
    }
}

/* ---------------------------------------------------------------------------------------- runs */

static int causal_image(void *context, int64_t index, int worker)
{
    causal_job *job = context;
    analysis *a = job->a;
    const ff_layers *l = &a->layers;
    int image = job->p->images[job->p->n_similar + index];
    bool *right = job->right + index * l->count;
    ff_activations s, t;
    ff_activations_init(&s, l, false);
    ff_activations_init(&t, l, true);
    t.inject = &s;
    t.store = job->store[worker];
    int rc = ff_activations_run(&s, a->source.at[worker], image, a->task, NULL);
    for (int k = 0; k < l->count && rc == FF_OK; k++) {
        int i = job->order[k];
        if (l->at[i].misfit || same_values(a, i))
            continue; /* nothing is changed: it stays wrong */
        ff_activations_clear(&t);
        t.inject_output = i;
        t.meet = job->meet[i];
        ff_label label = {0};
        rc = ff_activations_run(&t, a->target.at[worker], image, a->task, &label);
        right[i] = t.met ? right[t.meet] : !ff_label_wrong(&a->s->source.labels->at[image], &label, a->s->offset);
        ff_label_drop(&label);
    }
    ff_store_empty(job->store[worker]);
    activations_done(a, &s, &t);
    if (rc == FF_OK && a->task && a->task->progress)
        ff_progress_add(a->task->progress, 1);
    return rc;
}

int test_causes(analysis *a, const sample *p)
{
    int n = p->n_dissimilar, count = a->layers.count, workers = a->target.n;
    if (n == 0)
        return FF_OK;
    causal_job job = {.a = a,
                      .p = p,
                      .order = ff_alloc_array((size_t)count + 1, sizeof(int)),
                      .meet = ff_alloc_array((size_t)count + 1, sizeof(int)),
                      .store = ff_alloc_array((size_t)workers + 1, sizeof(ff_store *)),
                      .right = ff_alloc_array((size_t)n * (size_t)count + 1, sizeof(bool))};
    order_layers(&job);
    find_meetings(&job);
    for (int i = 0; i < workers; i++) {
        job.store[i] = ff_store_create(analysis_memory(a) / 4 / (uint64_t)workers);
        ff_store_choose(job.store[i], a->s->target.observe, 1);
    }
    if (a->task && a->task->progress)
        ff_progress_start(a->task->progress, "looking for causes", n);
    const ff_part part = {job.right, (size_t)count * sizeof *job.right};
    int rc = ff_share_for(a->task, n, p->images + p->n_similar, causal_image, &job, &part, 1);
    for (int i = 0; i < count && rc == FF_OK; i++) {
        int right = 0;
        for (int k = 0; k < n; k++)
            right += job.right[(size_t)k * (size_t)count + (size_t)i];
        a->scores->at[i].causal = a->layers.at[i].misfit ? NAN : (double)right / n;
    }
    for (int i = 0; i < workers; i++)
        ff_store_destroy(job.store[i]);
    free(job.order);
    free(job.meet);
    free(job.store);
    free(job.right);
    return rc;
}
