/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CG: what a user of the Target reads as its answer is not what the Source's answer corresponds to. Found by width
 * and by comparing values over a few images, not by names. */
#include "localize/detect.h"
#include "localize/runners.h"

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

/* Mean distance of each output of the plan from the Source's answer; INFINITY where widths do not fit. */
static int measure(const ff_subject *s, const ff_plan *plan, const ff_task *task, double *distance)
{
    int n = ff_plan_outputs(plan), images = s->source.labels->count < IMAGES ? s->source.labels->count : IMAGES;
    bool source_soft = ff_is_probabilities(ff_plan_output(s->source.score, 0));
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
            rc = ff_output_row(out[k], ff_feed_shape(s->target.feed), &v);
            if (rc != FF_OK)
                break;
            int64_t width = s->source.labels->width;
            int offset = v->count == width ? 0 : (int)(width - v->count);
            distance[k] += offset < -1 || offset > 1
                               ? INFINITY
                               : ff_output_distance(s->source.labels->at[i].output, width, source_soft, v->data,
                                                    v->count, ff_is_probabilities(ff_plan_output(plan, k)), offset);
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

int ff_detect_outputs(ff_detection *d)
{
    const ff_subject *s = d->subject;
    const ff_graph *g = ff_model_graph(s->target.model);
    const char *given = ff_subject_options_of(s)->target_output;
    if (given || g->n_outputs < 2 || g->n_outputs > OUTPUTS || !s->target.feed || s->target.error)
        return FF_OK;
    const char *names[OUTPUTS];
    double distance[OUTPUTS] = {0};
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
    rc = measure(s, plan, d->task, distance);
    int best = 0;
    for (int i = 1; i < g->n_outputs; i++)
        if (distance[i] < distance[best])
            best = i;
    /* A copy of the answer is as good as the answer. */
    bool wrong = rc == FF_OK && best != 0 && isfinite(distance[best]) &&
                 !ff_key_equal(ff_plan_key(plan, g->outputs[0]), ff_plan_key(plan, g->outputs[best]));
    if (wrong) {
        ff_finding *f = ff_detection_add(d, FF_CG, "outputs-reordered", "outputs");
        char *first = ff_visible(names[0]), *answer = ff_visible(names[best]);
        const ff_node *nodes[] = {g->outputs[0]->producer};
        f->target_nodes = ff_nodes_copy(nodes, nodes[0] ? 1 : 0);
        f->n_target_nodes = nodes[0] ? 1 : 0;
        bool redundant = count_of(ff_plan_shape(plan, g->outputs[0])) != s->source.labels->width;
        f->summary = ff_asprintf("the first output '%s' is not the Source's answer: that is '%s'", first, answer);
        f->explanation = ff_asprintf(
            "Who reads the Target's first output gets %s. Converters that trace a graph keep intermediate results as "
            "outputs, or sort outputs. The repair makes '%s' the output.",
            redundant ? "an intermediate result" : "another output of the network", answer);
        json_t *j = json_object(), *list = json_array();
        for (int i = 0; i < g->n_outputs; i++)
            json_array_append_new(list, json_string(names[i]));
        json_object_set_new(j, "outputs", list);
        json_object_set_new(j, "answer", json_string(names[best]));
        ff_finding_set_details(f, j);
        f->hint->n_outputs = 1;
        f->hint->outputs = ff_alloc_array(1, sizeof *f->hint->outputs);
        f->hint->outputs[0] = names[best];
        free(first);
        free(answer);
    }
    ff_plan_unref(plan);
    return rc;
}
