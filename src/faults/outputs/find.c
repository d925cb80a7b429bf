/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CG: what a user of the Target reads as its answer is not what the Source's answer corresponds to. Found by width
 * and by comparing values over a few images, not by names. */
#include "faults/detect.h"
#include "fetafix/examine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES = 8, OUTPUTS = 64 };

static int64_t count_of(const ff_shape *s)
{
    int64_t n = 1;
    for (int i = 0; i < s->rank; i++)
        n *= s->dims[i];
    return s->rank < 0 ? 0 : n;
}

/* The answers of the Source: one output, or all that a comparator reads. */
static int answers(const ff_subject *s)
{
    const ff_labels *l = s->source.labels;
    return l->count && l->at[0].form ? l->at[0].form->n : 1;
}

/* Answer i of the Source to a sample. */
static const float *answer(const ff_subject *s, const ff_label *l, int i, int64_t *width)
{
    const float *v = l->output;
    for (int k = 0; k < i; k++)
        v += l->form->at[k].count;
    *width = l->form ? l->form->at[i].count : s->source.labels->width;
    return v;
}

/* Sum of the distances of each output k of the plan from each answer i of the Source, [k * answers + i]; INFINITY where
 * widths do not fit (a class more or less is no reason, where there is one answer). */
static int measure(const ff_subject *s, const ff_plan *plan, const ff_task *task, double *distance)
{
    int n = ff_plan_outputs(plan), images = s->source.labels->count < IMAGES ? s->source.labels->count : IMAGES;
    int n_answers = answers(s);
    ff_runner *runner;
    int rc = ff_runner_create(plan, &runner);
    if (rc != FF_OK)
        return rc;
    ff_tensor **out = ff_alloc_array((size_t)n + 1, sizeof *out);
    for (int i = 0; i < images && rc == FF_OK; i++) {
        ff_feeds feeds;
        rc = ff_feed_take(s->target.feed, i, &feeds);
        if (rc != FF_OK)
            break;
        ff_hooks hooks = {.cancel = task ? task->cancel : NULL};
        rc = ff_run(runner, feeds.at, &hooks, NULL, i, out);
        ff_feeds_drop(&feeds);
        for (int k = 0; k < n && rc == FF_OK; k++) {
            ff_tensor *v = NULL;
            rc = ff_output_values(out[k], ff_feed_repeats(s->target.feed), &v);
            if (rc != FF_OK)
                break;
            for (int a = 0; a < n_answers; a++) {
                int64_t width;
                const float *wanted = answer(s, &s->source.labels->at[i], a, &width);
                int offset = v->count == width ? 0 : (int)(width - v->count);
                bool fits = wanted && (n_answers == 1 ? offset >= -1 && offset <= 1 : offset == 0);
                distance[k * n_answers + a] +=
                    fits ? ff_output_distance(wanted, width, ff_is_probabilities(ff_plan_output(s->source.score, a)),
                                              v->data, v->count, ff_is_probabilities(ff_plan_output(plan, k)), offset)
                         : INFINITY;
            }
            ff_tensor_unref(v);
        }
        for (int k = 0; k < n; k++) {
            ff_tensor_unref(out[k]);
            out[k] = NULL;
        }
    }
    free(out);
    ff_runner_destroy(runner);
    return rc;
}

/* Which output of the Target is which answer: the nearest pair first, each output once. False: there are too few, or they
 * are in order. */
static bool assign(const ff_plan *plan, const ff_graph *g, const ff_plan *source, int n_answers, const double *distance,
                   int *of)
{
    bool taken[OUTPUTS] = {false}, other = false;
    int named = 0;
    for (int i = 0; i < n_answers; i++) {
        bool same = n_answers > 1 && i < g->n_outputs && i < ff_plan_outputs(source) &&
                    strcmp(g->outputs[i]->name, ff_plan_output(source, i)->name) == 0;
        of[i] = same ? i : -1; /* of a faulty network the values may say anything */
        if (same)
            taken[i] = true;
        named += same;
    }
    for (int round = named; round < n_answers; round++) {
        int best = -1, to = -1;
        for (int k = 0; k < g->n_outputs; k++)
            for (int i = 0; i < n_answers; i++)
                if (!taken[k] && of[i] < 0 && isfinite(distance[k * n_answers + i]) &&
                    (best < 0 || distance[k * n_answers + i] < distance[best * n_answers + to])) {
                    best = k;
                    to = i;
                }
        if (best < 0)
            return false;
        /* A copy of the answer is as good as the answer; of two that are as near, the one in its place. */
        if (best != to && to < g->n_outputs && !taken[to] &&
            (ff_key_equal(ff_plan_key(plan, g->outputs[to]), ff_plan_key(plan, g->outputs[best])) ||
             distance[to * n_answers + to] <= distance[best * n_answers + to]))
            best = to;
        of[to] = best;
        taken[best] = true;
        other |= best != to;
    }
    return other;
}

static void set_answers(ff_finding *f, const char *const *names, const int *of, int n)
{
    f->hint->n_outputs = n;
    f->hint->outputs = ff_alloc_array((size_t)n, sizeof *f->hint->outputs);
    for (int i = 0; i < n; i++)
        f->hint->outputs[i] = names[of[i]];
}

/* The answers are in their places; what comes behind them, where the Source has nothing, is not asked for. */
static void report_redundant(ff_detection *d, const ff_graph *g, const char *const *names, const int *of, int n_answers)
{
    const ff_node *producers[OUTPUTS];
    int n = 0;
    ff_buf shown = {0};
    json_t *j = json_object(), *list = json_array();
    for (int i = n_answers; i < g->n_outputs; i++) {
        char *name = ff_visible(names[i]);
        ff_buf_printf(&shown, "%s'%s'", i > n_answers ? ", " : "", name);
        json_array_append_new(list, json_string(name));
        free(name);
        if (g->outputs[i]->producer)
            producers[n++] = g->outputs[i]->producer;
    }
    bool several = g->n_outputs > n_answers + 1;
    ff_finding *f = ff_detection_add(d, FF_CAUSE_OUTPUTS_REDUNDANT, "outputs");
    f->target_nodes = ff_nodes_copy(producers, n);
    f->n_target_nodes = n;
    f->summary = ff_asprintf("output%s %s: the Source has none such", several ? "s" : "", shown.data);
    f->explanation =
        ff_strdup("Converters that trace a graph keep intermediate results as outputs, or give the answer "
                  "twice. No label changes by that, but it is computed and handed out each time. The repair "
                  "leaves the Source's outputs.");
    json_object_set_new(j, "redundant", list);
    ff_finding_set_details(f, j);
    set_answers(f, names, of, n_answers);
    ff_buf_finish(&shown);
}

static bool in_order(const int *of, int n)
{
    for (int i = 0; i < n; i++)
        if (of[i] != i)
            return false;
    return true;
}

int ff_detect_outputs(ff_detection *d)
{
    const ff_subject *s = d->subject;
    const ff_graph *g = ff_model_graph(s->target.model);
    const char *given = ff_subject_options_of(s)->target_output;
    if (given || g->n_outputs < 2 || g->n_outputs > OUTPUTS || !s->target.feed || s->target.error)
        return FF_OK;
    const char *names[OUTPUTS];
    int n_answers = answers(s), of[FF_MOST_OUTPUTS];
    for (int i = 0; i < g->n_outputs; i++)
        names[i] = g->outputs[i]->name;
    ff_shape feeds[FF_MOST_INPUTS];
    for (int i = 0; i < ff_plan_inputs(s->target.score); i++)
        feeds[i] = *ff_plan_input_shape(s->target.score, i);
    ff_plan_options o = {.cancel = d->task ? d->task->cancel : NULL,
                         .reference = ff_subject_options_of(s)->reference,
                         .feeds = feeds,
                         .n_outputs = g->n_outputs,
                         .outputs = names};
    ff_plan *plan;
    int rc = ff_plan_create(s->target.model, &o, &plan);
    if (rc != FF_OK)
        return rc == FF_ERR_GRAPH ? FF_OK : rc;
    double *distance = ff_alloc_array((size_t)(g->n_outputs * n_answers), sizeof *distance);
    rc = measure(s, plan, d->task, distance);
    bool moved = rc == FF_OK && assign(plan, g, s->source.score, n_answers, distance, of);
    if (rc == FF_OK && !moved && in_order(of, n_answers) && g->n_outputs > n_answers &&
        ff_model_graph(s->source.model)->n_outputs == n_answers) {
        report_redundant(d, g, names, of, n_answers);
    } else if (moved) {
        int place = 0; /* the first that is not where it should be */
        while (of[place] == place)
            place++;
        int best = of[place];
        ff_finding *f = ff_detection_add(d, FF_CAUSE_OUTPUTS_REORDERED, "outputs");
        char *first = ff_visible(place < g->n_outputs ? names[place] : "none"), *right = ff_visible(names[best]);
        const ff_node *nodes[] = {place < g->n_outputs ? g->outputs[place]->producer : NULL};
        f->target_nodes = ff_nodes_copy(nodes, nodes[0] ? 1 : 0);
        f->n_target_nodes = nodes[0] ? 1 : 0;
        bool redundant = n_answers == 1 && count_of(ff_plan_shape(plan, g->outputs[0])) != s->source.labels->width;
        f->summary = n_answers == 1
                         ? ff_asprintf("the first output '%s' is not the Source's answer: that is '%s'", first, right)
                         : ff_asprintf("output %d '%s' is not the Source's: that is '%s'", place, first, right);
        f->explanation = ff_asprintf(
            "Who reads the Target's %s output gets %s. Converters that trace a graph keep intermediate results as "
            "outputs, or sort outputs. The repair makes '%s' the output.",
            place ? "further" : "first", redundant ? "an intermediate result" : "another output of the network", right);
        json_t *j = json_object(), *list = json_array();
        for (int i = 0; i < g->n_outputs; i++)
            json_array_append_new(list, json_string(names[i]));
        json_object_set_new(j, "outputs", list);
        json_object_set_new(j, "answer", json_string(names[best]));
        ff_finding_set_details(f, j);
        set_answers(f, names, of, n_answers);
        free(first);
        free(right);
    }
    free(distance);
    ff_plan_unref(plan);
    return rc;
}
