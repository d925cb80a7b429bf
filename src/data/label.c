/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Outputs to labels, over a set of images. */
#include "fetafix/data.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

ff_labels *ff_labels_create(int count)
{
    ff_labels *l = ff_alloc(sizeof *l);
    l->count = count;
    l->at = ff_alloc_array((size_t)count, sizeof *l->at);
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < FF_TOP; k++)
            l->at[i].top[k] = -1;
        l->at[i].top[0] = FF_LABEL_UNKNOWN;
    }
    return l;
}

void ff_labels_destroy(ff_labels *l)
{
    if (!l)
        return;
    for (int i = 0; i < l->count; i++)
        free(l->at[i].output);
    free(l->at);
    free(l->error);
    free(l);
}

/* Is a before b? NaN is below everything; of equals the lower index comes first, which the caller
 * sees to by asking in ascending order. */
static bool above(float a, float b)
{
    return isnan(b) ? !isnan(a) : a > b;
}

static float margin_of(float first, float second)
{
    if (isnan(first))
        return 0;
    if (isnan(second))
        return FLT_MAX;
    float d = first - second; /* infinities: a finite number that JSON and CSV can hold */
    return isnan(d) ? 0 : d > FLT_MAX ? FLT_MAX : d;
}

/* Of `count` values that value(context, i) gives. */
static void rank_values(const ff_tensor *t, int64_t count, ff_label *out)
{
    const float *direct = t->dtype == FF_FLOAT ? t->data : NULL;
    float best[FF_TOP];
    int n = 0;
    for (int64_t i = 0; i < count && i < INT32_MAX; i++) {
        float v = direct ? direct[i] : (float)ff_tensor_get_real(t, i);
        if (n == FF_TOP && !above(v, best[FF_TOP - 1]))
            continue;
        int k = n < FF_TOP ? n++ : FF_TOP - 1;
        for (; k > 0 && above(v, best[k - 1]); k--) {
            best[k] = best[k - 1];
            out->top[k] = out->top[k - 1];
        }
        best[k] = v;
        out->top[k] = (int)i;
    }
    for (int k = n; k < FF_TOP; k++)
        out->top[k] = -1;
    out->margin = n > 1 ? margin_of(best[0], best[1]) : 0;
}

void ff_label_of(const ff_tensor *output, ff_label *out)
{
    rank_values(output, output->dtype == FF_STRING ? 0 : output->count, out);
}

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
        for (int t = 0; t < FF_TOP; t++)
            l->top[t] = -1;
        l->margin = 0;
        free(l->output);
        l->output = NULL;
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

int ff_label_run(ff_runner *const *runners, ff_feed *feed, const int *ids, int n, ff_store *store,
                 bool keep_outputs, const ff_task *task, ff_labels *l)
{
    const ff_plan *plan = ff_runner_plan(runners[0]);
    if (!ids)
        n = ff_dataset_count(ff_feed_dataset(feed));
    assert(l->count == ff_dataset_count(ff_feed_dataset(feed)));
    if (ff_plan_inputs(plan) != 1)
        return ff_fail(FF_ERR_GRAPH, "the model has %d inputs; pictures feed one",
                       ff_plan_inputs(plan));
    run r = {runners, feed, ids, store, keep_outputs, task, l, NULL, NULL};
    r.widths = ff_alloc_array((size_t)n, sizeof *r.widths);
    r.errors = ff_alloc_array((size_t)n, sizeof *r.errors);
    int code = ff_pool_for(task ? task->pool : NULL, n, run_one, &r, task ? task->cancel : NULL);
    if (code == FF_OK) {
        char *error = NULL;
        for (int k = 0; k < n; k++) {
            if (r.widths[k] >= 0)
                l->width = r.widths[k];
            if (r.errors[k] && !error)
                error = ff_strdup(r.errors[k]);
        }
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

/* The label an image counts with, offset added; -1: none. Two images that have none do not agree. */
static bool agrees(const ff_label *source, const ff_label *target, int offset)
{
    return source->top[0] >= 0 && target->top[0] >= 0 && source->top[0] == target->top[0] + offset;
}

int ff_labels_wrong(const ff_labels *source, const ff_labels *target, int offset)
{
    int wrong = 0;
    for (int i = 0; i < source->count && i < target->count; i++) {
        const ff_label *s = &source->at[i], *t = &target->at[i];
        if (s->top[0] != FF_LABEL_UNKNOWN && t->top[0] != FF_LABEL_UNKNOWN)
            wrong += !agrees(s, t, offset);
    }
    return wrong;
}

int ff_labels_offset(const ff_labels *source, const ff_labels *target)
{
    int64_t d = source->width - target->width;
    if ((d != 1 && d != -1) || source->width == 0 || target->width == 0)
        return 0;
    return ff_labels_wrong(source, target, (int)d) < ff_labels_wrong(source, target, 0) ? (int)d : 0;
}

static int compare_ints(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

int ff_sample(uint64_t seed, const int *ids, int n_ids, int n, int *out)
{
    if (n_ids <= 0 || n <= 0)
        return 0;
    ff_rng r = {seed};
    int *all = ff_alloc_array((size_t)n_ids, sizeof *all);
    memcpy(all, ids, (size_t)n_ids * sizeof *all);
    int taken = n < n_ids ? n : n_ids;
    for (int i = 0; i < taken; i++) {
        int j = i + (int)ff_rng_below(&r, (uint64_t)(n_ids - i)), v = all[j];
        all[j] = all[i];
        all[i] = v;
    }
    qsort(all, (size_t)taken, sizeof *all, compare_ints);
    memcpy(out, all, (size_t)taken * sizeof *out);
    free(all);
    return taken;
}
