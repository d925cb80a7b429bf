/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A model run over a set of images. */
#include "labels/rank.h"
#include "labels/values.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

typedef struct run {
    ff_runner *const *runners;
    ff_feed *feed;
    const int *ids;
    ff_store *store;
    ff_keep keep;
    const ff_task *task;
    ff_labels *labels;
    int64_t *widths; /* per place in ids; -1: the model could not run */
    char **errors;
} run;

ff_form *ff_form_copy(const ff_form *f)
{
    ff_form *copy = f ? ff_alloc(sizeof *copy) : NULL;
    if (f)
        *copy = *f;
    return copy;
}

void ff_label_drop(ff_label *l)
{
    free(l->output);
    free(l->form);
    l->output = NULL;
    l->form = NULL;
}

static void cannot_run(ff_label *l)
{
    for (int k = 0; k < FF_TOP; k++)
        l->top[k] = -1;
    l->margin = 0;
    l->verdict = FF_BY_LABEL;
    ff_label_drop(l);
}

int ff_label_fill(ff_tensor *const *outputs, int n, int64_t repeats, ff_keep keep, ff_label *l, int64_t *width)
{
    if (n > FF_MOST_OUTPUTS)
        return ff_fail(FF_ERR_GRAPH, "%d outputs are read, at most %d can be compared", n, FF_MOST_OUTPUTS);
    ff_form form = {.n = n};
    for (int i = 0; i < n; i++) {
        values_describe(outputs[i], repeats, &form.at[i]);
        form.width += form.at[i].count;
    }
    ff_label_drop(l);
    l->verdict = FF_BY_LABEL;
    rank_values(outputs[0], outputs[0]->dtype == FF_STRING ? 0 : form.at[0].count, l);
    if (keep != FF_KEEP_NOTHING) {
        l->output = ff_alloc_array((size_t)form.width + 1, sizeof *l->output);
        float *to = l->output;
        for (int i = 0; i < n; to += form.at[i++].count)
            values_copy(outputs[i], form.at[i].count, to);
    }
    if (keep == FF_KEEP_FORM)
        l->form = ff_form_copy(&form);
    *width = form.width;
    return FF_OK;
}

static int run_one(void *context, int64_t k, int worker)
{
    run *r = context;
    ff_runner *runner = r->runners[worker];
    const ff_plan *plan = ff_runner_plan(runner);
    int id = r->ids ? r->ids[k] : (int)k, n = ff_plan_outputs(plan), code;
    ff_label *l = &r->labels->at[id];
    ff_feeds feeds;
    ff_tensor **outputs = ff_alloc_array((size_t)n, sizeof *outputs);
    ff_hooks hooks = {.cancel = r->task ? r->task->cancel : NULL};

    code = ff_feed_take(r->feed, id, &feeds);
    if (code != FF_OK)
        goto out;
    code = ff_run(runner, feeds.at, &hooks, r->store, id, outputs);
    if (code == FF_OK)
        code = ff_label_fill(outputs, n, ff_feed_repeats(r->feed), r->keep, l, &r->widths[k]);
    if (code == FF_ERR_GRAPH) {
        r->errors[k] = ff_strdup(ff_error());
        r->widths[k] = -1;
        cannot_run(l);
        code = FF_OK;
    }
    if (code == FF_OK && r->task)
        ff_progress_add(r->task->progress, 1);
out:
    for (int i = 0; i < n; i++)
        ff_tensor_unref(outputs[i]);
    free(outputs);
    ff_feeds_drop(&feeds);
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
        plain[k].form = NULL;
    }
    ff_share_parts(r->task, n, r->ids, &(ff_part){plain, sizeof *plain}, 1);
    size_t width = r->keep ? (size_t)widest(r, n) : 0;
    ff_form *forms = ff_alloc_array((r->keep == FF_KEEP_FORM ? (size_t)n : 0) + 1, sizeof *forms);
    if (r->keep == FF_KEEP_FORM) {
        for (int k = 0; k < n; k++)
            if (r->labels->at[r->ids ? r->ids[k] : k].form)
                forms[k] = *r->labels->at[r->ids ? r->ids[k] : k].form;
        ff_share_parts(r->task, n, r->ids, &(ff_part){forms, sizeof *forms}, 1);
    }
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
        ff_label_drop(l);
        *l = plain[k];
        if (r->keep == FF_KEEP_FORM && r->widths[k] >= 0)
            l->form = ff_form_copy(&forms[k]);
        if (width && r->widths[k] >= 0) {
            l->output = ff_alloc_array((size_t)r->widths[k], sizeof *l->output);
            memcpy(l->output, outputs + (size_t)k * width, (size_t)r->widths[k] * sizeof *l->output);
        }
    }
    free(forms);
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

int ff_label_run(ff_runner *const *runners, ff_feed *feed, const int *ids, int n, ff_store *store, ff_keep keep,
                 const ff_task *task, ff_labels *l)
{
    if (!ids)
        n = ff_dataset_count(ff_feed_dataset(feed));
    assert(l->count == ff_dataset_count(ff_feed_dataset(feed)));
    run r = {runners, feed, ids, store, keep, task, l, NULL, NULL};
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
