/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A model run over a set of images. */
#include "data/rank.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

typedef struct run {
    ff_runner *const *runners;
    ff_feed *feed;
    const int *ids;
    ff_store *store;
    bool keep_outputs;
    const ff_task *task;
    ff_labels *labels;
    int64_t *widths; /* per place in ids; -1: the model could not run */
    char **errors;
} run;

/* The elements of one image: all of them, or the first row where the model fixes a batch. */
static int64_t width_of(const run *r, const ff_tensor *output)
{
    int64_t batch = ff_feed_shape(r->feed)->dims[0];
    if (batch > 1 && output->rank > 0 && output->dims[0] == batch)
        return output->count / batch;
    return output->count;
}

static void keep_output(const ff_tensor *t, int64_t width, ff_label *l)
{
    free(l->output);
    l->output = ff_alloc_array((size_t)width, sizeof *l->output);
    if (t->dtype == FF_FLOAT && width > 0)
        memcpy(l->output, t->data, (size_t)width * sizeof *l->output);
    else
        for (int64_t i = 0; i < width; i++)
            l->output[i] = (float)ff_tensor_get_real(t, i);
}

static void cannot_run(ff_label *l)
{
    for (int k = 0; k < FF_TOP; k++)
        l->top[k] = -1;
    l->margin = 0;
    free(l->output);
    l->output = NULL;
}

static int run_one(void *context, int64_t k, int worker)
{
    run *r = context;
    ff_runner *runner = r->runners[worker];
    const ff_plan *plan = ff_runner_plan(runner);
    int id = r->ids ? r->ids[k] : (int)k, n = ff_plan_outputs(plan), code;
    ff_label *l = &r->labels->at[id];
    ff_tensor *input = NULL, **outputs = ff_alloc_array((size_t)n, sizeof *outputs);
    ff_hooks hooks = {.cancel = r->task ? r->task->cancel : NULL};

    code = ff_feed_get(r->feed, id, &input);
    if (code != FF_OK)
        goto out;
    const ff_tensor *feeds[1] = {input};
    code = ff_run(runner, feeds, &hooks, r->store, id, outputs);
    if (code == FF_OK && outputs[0]->dtype == FF_STRING)
        code = ff_fail(FF_ERR_GRAPH, "its first output holds text, not numbers");
    if (code == FF_ERR_GRAPH) {
        r->errors[k] = ff_strdup(ff_error());
        r->widths[k] = -1;
        cannot_run(l);
        code = FF_OK;
    } else if (code == FF_OK) {
        r->widths[k] = width_of(r, outputs[0]);
        rank_values(outputs[0], r->widths[k], l);
        if (r->keep_outputs) {
            keep_output(outputs[0], r->widths[k], l);
        } else {
            free(l->output);
            l->output = NULL;
        }
    }
    if (code == FF_OK && r->task)
        ff_progress_add(r->task->progress, 1);
out:
    for (int i = 0; i < n; i++)
        ff_tensor_unref(outputs[i]);
    free(outputs);
    ff_tensor_unref(input);
    return code;
}

static int64_t widest(const run *r, int n)
{
    int64_t width = 0;
    for (int k = 0; k < n; k++)
        width = r->widths[k] > width ? r->widths[k] : width;
    return width;
}

/* In a team: the labels that the others worked out, then the outputs, whose width is known by then. */
static void share_labels(run *r, int n)
{
    if (!r->task || !r->task->team)
        return;
    ff_label *plain = ff_alloc_array((size_t)n + 1, sizeof *plain);
    for (int k = 0; k < n; k++) {
        plain[k] = r->labels->at[r->ids ? r->ids[k] : k];
        plain[k].output = NULL;
    }
    ff_share_parts(r->task, n, r->ids, &(ff_part){plain, sizeof *plain}, 1);
    size_t width = r->keep_outputs ? (size_t)widest(r, n) : 0;
    float *outputs = ff_alloc_array((size_t)n * width + 1, sizeof *outputs);
    for (int k = 0; k < n; k++) {
        const ff_label *l = &r->labels->at[r->ids ? r->ids[k] : k];
        if (width && ff_share_mine(r->task, r->ids, k) && l->output)
            memcpy(outputs + (size_t)k * width, l->output, (size_t)r->widths[k] * sizeof *outputs);
    }
    ff_share_parts(r->task, n, r->ids, &(ff_part){outputs, width * sizeof *outputs}, 1);
    for (int k = 0; k < n; k++) {
        ff_label *l = &r->labels->at[r->ids ? r->ids[k] : k];
        if (ff_share_mine(r->task, r->ids, k))
            continue;
        free(l->output);
        *l = plain[k];
        if (width && r->widths[k] >= 0) {
            l->output = ff_alloc_array((size_t)r->widths[k], sizeof *l->output);
            memcpy(l->output, outputs + (size_t)k * width, (size_t)r->widths[k] * sizeof *l->output);
        }
    }
    free(outputs);
    free(plain);
}

/* The first image's, which in a team may be another process's. */
static char *first_error(const run *r, int n)
{
    int code = FF_OK, k = 0;
    while (k < n && !r->errors[k])
        k++;
    if (k < n)
        code = ff_fail(FF_ERR_GRAPH, "%s", r->errors[k]);
    code = ff_team_agree(r->task ? r->task->team : NULL, code, k);
    return code ? ff_strdup(ff_error()) : NULL;
}

int ff_label_run(ff_runner *const *runners, ff_feed *feed, const int *ids, int n, ff_store *store,
                 bool keep_outputs, const ff_task *task, ff_labels *l)
{
    const ff_plan *plan = ff_runner_plan(runners[0]);
    if (!ids)
        n = ff_dataset_count(ff_feed_dataset(feed));
    assert(l->count == ff_dataset_count(ff_feed_dataset(feed)));
    if (ff_plan_inputs(plan) != 1) {
        free(l->error);
        l->error = ff_asprintf("the model has %d inputs; pictures feed one", ff_plan_inputs(plan));
        for (int k = 0; k < n; k++)
            cannot_run(&l->at[ids ? ids[k] : k]);
        return FF_OK;
    }
    run r = {runners, feed, ids, store, keep_outputs, task, l, NULL, NULL};
    r.widths = ff_alloc_array((size_t)n, sizeof *r.widths);
    r.errors = ff_alloc_array((size_t)n, sizeof *r.errors);
    int code = ff_share_for(task, n, ids, run_one, &r, &(ff_part){r.widths, sizeof *r.widths}, 1);
    if (code == FF_OK) {
        share_labels(&r, n);
        char *error = first_error(&r, n);
        for (int k = 0; k < n; k++)
            if (r.widths[k] >= 0)
                l->width = r.widths[k];
        /* An error of an earlier call stays until all images were run again. */
        if (error || !ids) {
            free(l->error);
            l->error = error;
        }
    }
    for (int k = 0; k < n; k++)
        free(r.errors[k]);
    free(r.errors);
    free(r.widths);
    return code;
}
