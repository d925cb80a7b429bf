/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The Target in lockstep with the Source: each part of it between two places that correspond is fed with the Source's
 * values, so that what differs behind it is its own. Then the whole of it is run with the Source's values at the places
 * that differ: where all answers are right now, nothing else is wrong.
 */
#include "examine/lockstep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 3, MANY_SAMPLES = 64 };

typedef struct work {
    const lockstep *l;
    ff_runners source, target;
    const ff_task *task;
    int samples, passes;
    bool whole;         /* the whole is run as well, with the places that differ put right */
    const bool *cut;    /* NULL: part by part */
    size_t width;       /* of found, for each pass */
    ff_evidence *found; /* [pass][place or answer] */
} work;

static int one_pass(void *context, int64_t index, int worker)
{
    work *w = context;
    bool of_data = index < w->samples;
    ff_evidence *found = w->found + (size_t)index * w->width;
    lock_pass p = {.l = w->l,
                   .source = w->source.at[worker],
                   .target = w->target.at[worker],
                   .sample = of_data ? (int)index : 0,
                   .probe = of_data ? NULL : &lock_probes[index - w->samples],
                   .seed = w->l->s->seed + 77 + 16 * (uint64_t)index,
                   .task = w->task};
    int code = w->cut ? lock_run_whole(&p, w->cut, found) : lock_run_parts(&p, found);
    if (of_data || code == FF_OK || code == FF_ERR_CANCELLED || code == FF_ERR_NOMEM)
        return code;
    /* Off the data a model may well not run, as where it looks something up. */
    memset(found, 0, w->width * sizeof *found);
    return FF_OK;
}

static void merge(const work *w, size_t at, ff_evidence *e)
{
    for (int k = 0; k < w->passes; k++) {
        const ff_evidence *x = &w->found[(size_t)k * w->width + at];
        if (k < w->samples) {
            e->ratio = fmax(e->ratio, x->unbounded ? INFINITY : x->ratio);
            e->difference += x->difference;
            e->norm += x->norm;
            e->samples += x->samples;
            e->values += x->values;
        } else if (x->ratio > e->probed) {
            e->probed = x->ratio;
            e->probe = lock_probes[k - w->samples].name;
        }
    }
    e->relative = e->norm > 0 ? sqrt(e->difference / e->norm) : e->difference > 0 ? INFINITY : 0;
}

static int run_passes(work *w, const bool *cut, int width, ff_evidence *out)
{
    w->cut = cut;
    w->width = (size_t)width;
    w->found = ff_try_alloc((w->width * (size_t)w->passes + 1) * sizeof *w->found);
    int code =
        w->found ? ff_pool_for(w->task ? w->task->pool : NULL, w->passes, one_pass, w, w->task ? w->task->cancel : NULL)
                 : FF_ERR_NOMEM;
    for (int i = 0; i < width && code == FF_OK; i++)
        merge(w, (size_t)i, &out[i]);
    free(w->found);
    return code;
}

/* ------------------------------------------------------------------------------------- places */

static void add_place(lockstep *l, int source, int target)
{
    const ff_subject *s = l->s;
    if (source < 0 || target < 0)
        return;
    const ff_value *a = s->source.canon->values[source].original, *b = s->target.canon->values[target].original;
    if (!a || !b || l->of_source[a->id] >= 0 || l->of_target[b->id] >= 0 || !a->producer != !b->producer)
        return;
    const ff_shape *x = ff_plan_shape(s->source.observe, a), *y = ff_plan_shape(s->target.observe, b);
    if (!ff_dtype_is_float(x->dtype) || !ff_dtype_is_float(y->dtype) || ff_plan_constant(s->source.observe, a) ||
        ff_plan_constant(s->target.observe, b))
        return;
    l->of_source[a->id] = l->of_target[b->id] = l->n_places;
    l->places[l->n_places++] = (lock_place){source, target, a, b};
}

static int *none(const ff_model *m)
{
    size_t n = (size_t)ff_model_values(m) + 1;
    int *at = ff_alloc_array(n, sizeof *at);
    memset(at, -1, n * sizeof *at);
    return at;
}

static int cvalue_of(const ff_canon *c, const ff_value *v)
{
    for (int i = 0; i < c->n_outputs; i++)
        if (c->values[c->outputs[i]].original == v)
            return c->outputs[i];
    return -1;
}

/* The Source's value that an output of the Target should be. */
static const ff_value *answer_of(const ff_subject *s, const ff_value *v, int i)
{
    const ff_graph *g = ff_model_graph(s->source.model);
    const ff_value *read = ff_plan_output(s->source.observe, 0);
    if (v == ff_plan_output(s->target.observe, 0))
        return read;
    for (int k = 0; k < g->n_outputs; k++)
        if (strcmp(g->outputs[k]->name, v->name) == 0 && g->outputs[k] != read)
            return g->outputs[k];
    bool same = g->n_outputs == ff_model_graph(s->target.model)->n_outputs;
    return same && g->outputs[i] != read ? g->outputs[i] : NULL;
}

static void find_answers(lockstep *l)
{
    const ff_subject *s = l->s;
    const ff_graph *g = ff_model_graph(s->target.model);
    l->answers = ff_alloc_array((size_t)g->n_outputs + 1, sizeof *l->answers);
    for (int i = 0; i < g->n_outputs; i++) {
        const ff_value *a = answer_of(s, g->outputs[i], i);
        if (!a || ff_plan_constant(s->source.observe, a) || ff_plan_constant(s->target.observe, g->outputs[i]))
            continue;
        int x = cvalue_of(s->source.canon, a), y = cvalue_of(s->target.canon, g->outputs[i]);
        bool correspond = x >= 0 && y >= 0 && s->alignment->value_of_source[x] == y;
        l->answers[l->n_answers++] = (lock_place){correspond ? x : -1, correspond ? y : -1, a, g->outputs[i]};
    }
}

static void find_places(lockstep *l)
{
    const ff_subject *s = l->s;
    l->of_source = none(s->source.model);
    l->of_target = none(s->target.model);
    l->places = ff_alloc_array((size_t)s->source.canon->n_values + 1, sizeof *l->places);
    for (int i = 0; i < s->source.canon->n_inputs && i < s->target.canon->n_inputs; i++)
        if (s->alignment->value_of_source[s->source.canon->inputs[i]] == s->target.canon->inputs[i])
            add_place(l, s->source.canon->inputs[i], s->target.canon->inputs[i]);
    for (int i = 0; i < s->source.canon->n_values; i++)
        add_place(l, i, s->alignment->value_of_source[i]);
}

/* Of the coarsest type in which the Target computes. */
static double epsilon_of(const ff_subject *s)
{
    double e = ldexp(1, -23);
    for (int i = 0; i < ff_model_values(s->target.model); i++) {
        const ff_value *v = ff_model_value(s->target.model, i);
        bool computed = v->graph == ff_model_graph(s->target.model) && !ff_plan_constant(s->target.observe, v);
        ff_dtype t = computed ? ff_plan_shape(s->target.observe, v)->dtype : FF_FLOAT;
        e = fmax(e, t == FF_BFLOAT16 ? ldexp(1, -8) : t == FF_FLOAT16 ? ldexp(1, -10) : 0);
    }
    return e;
}

bool ff_lockstep_possible(const ff_subject *s)
{
    return s->alignment && s->source.observe && s->target.observe && s->target.feed && !s->target.error &&
           s->source.labels->count > 0;
}

/* ------------------------------------------------------------------------------------- results */

/* The nodes of the parts before the places that differ, back to the places before those. */
static bool *mark_parts(const ff_graph *g, const lockstep *l, bool target, const bool *differs)
{
    bool *in = ff_alloc_array((size_t)g->n_nodes + 1, sizeof *in);
    const int *of = target ? l->of_target : l->of_source;
    for (int i = 0; i < l->n_places; i++) {
        const ff_value *v = target ? l->places[i].target_value : l->places[i].source_value;
        if (differs[i] && v->producer && v->graph == g)
            in[v->producer->index] = true;
    }
    for (int i = g->n_nodes - 1; i >= 0; i--) {
        const ff_node *n = g->nodes[i];
        for (int k = 0; in[i] && k < n->n_inputs + n->n_captures; k++) {
            const ff_value *x = k < n->n_inputs ? n->inputs[k] : n->captures[k - n->n_inputs];
            if (x && x->producer && x->graph == g && of[x->id] < 0)
                in[x->producer->index] = true;
        }
    }
    return in;
}

/* Every output has a counterpart, and is right by `answers`. */
static bool all_right(const lockstep *l, const ff_evidence *answers)
{
    bool right = l->n_answers == ff_model_graph(l->s->target.model)->n_outputs;
    for (int i = 0; i < l->n_answers; i++)
        right = right && answers[i].samples > 0 && answers[i].ratio <= 1;
    return right;
}

/* The Target as it is. One sample tells most Targets that are wrong from those that are not. */
static int run_untouched(work *w, const bool *none, ff_lockstep *out)
{
    const lockstep *l = w->l;
    int samples = w->samples, passes = w->passes;
    ff_evidence *answers = ff_alloc_array((size_t)l->n_answers + 1, sizeof *answers);
    w->samples = w->passes = 1;
    int code = run_passes(w, none, l->n_answers, answers);
    w->samples = samples;
    w->passes = passes;
    if (code == FF_OK && all_right(l, answers)) {
        memset(answers, 0, (size_t)l->n_answers * sizeof *answers);
        code = run_passes(w, none, l->n_answers, answers);
    }
    out->agree = code == FF_OK && all_right(l, answers);
    for (int i = 0; i < l->n_answers && out->agree; i++)
        out->answers[i] = answers[i];
    free(answers);
    return code;
}

static int run(work *w, ff_lockstep *out)
{
    const lockstep *l = w->l;
    ff_evidence *at = ff_alloc_array((size_t)l->n_places + 1, sizeof *at);
    bool *cut = ff_alloc_array((size_t)l->n_places + 1, sizeof *cut);
    out->answers = ff_alloc_array((size_t)l->n_answers + 1, sizeof *out->answers);
    out->n_answers = l->n_answers;
    int code = run_untouched(w, cut, out);
    if (code == FF_OK)
        code = run_passes(w, NULL, l->n_places, at);
    for (int i = 0; i < l->n_places && code == FF_OK; i++) {
        out->at[l->places[i].target] = at[i];
        out->at[l->places[i].target].source = l->places[i].source;
        cut[i] = at[i].ratio > 1;
        out->differ += cut[i];
    }
    if (code == FF_OK && w->whole && out->differ > 0 && !out->agree)
        code = run_passes(w, cut, l->n_answers, out->answers);
    out->complete = code == FF_OK && (w->whole || out->agree) && all_right(l, out->answers);
    out->in_source = mark_parts(ff_model_graph(l->s->source.model), l, false, cut);
    out->in_target = mark_parts(ff_model_graph(l->s->target.model), l, true, cut);
    free(at);
    free(cut);
    return code;
}

int ff_lockstep_run(const ff_subject *s, ff_lockstep_extent extent, const ff_task *task, ff_lockstep **out)
{
    lockstep l = {.s = s, .epsilon = epsilon_of(s)};
    int most = extent == FF_LOCKSTEP_MANY ? MANY_SAMPLES : SAMPLES,
        n = s->source.labels->count < most ? s->source.labels->count : most;
    work w = {.l = &l, .task = task, .samples = n, .passes = n + (extent == FF_LOCKSTEP_ALL ? lock_n_probes : 0)};
    w.whole = extent != FF_LOCKSTEP_PARTS;
    ff_lockstep *found = ff_alloc(sizeof *found);
    find_places(&l);
    find_answers(&l);
    found->n = s->target.canon->n_values;
    found->at = ff_alloc_array((size_t)found->n + 1, sizeof *found->at);
    int code = ff_runners_init(&w.source, s->source.observe, task);
    if (code == FF_OK)
        code = ff_runners_init(&w.target, s->target.observe, task);
    if (code == FF_OK)
        code = run(&w, found);
    ff_runners_finish(&w.source);
    ff_runners_finish(&w.target);
    free(l.places);
    free(l.answers);
    free(l.of_source);
    free(l.of_target);
    if (code == FF_OK)
        *out = found;
    else
        ff_lockstep_destroy(found);
    return code;
}

void ff_lockstep_destroy(ff_lockstep *l)
{
    if (!l)
        return;
    free(l->at);
    free(l->answers);
    free(l->in_source);
    free(l->in_target);
    free(l);
}
