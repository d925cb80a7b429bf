/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repair/tune_pre.h"

#include <math.h>
#include <stdlib.h>

enum {
    SAMPLE = 12,       /* images */
    FEWEST_RUNS = 120, /* of the model: ten specs */
    MOST_RUNS = 2400,
    DEPTH = 2, /* properties changed at once */
};
#define WORK      4e11 /* operations: seconds */
#define AGREEMENT 1e-4 /* of the outputs: nothing better is looked for */

typedef struct tuning {
    const ff_shared *shared;
    ff_model *model;
    const ff_task *task; /* its progress is ours: */
    ff_progress *progress;
    int offset;
    int images[SAMPLE], n_images;
    int64_t runs, most_runs;
    double flops;

    /* Of the shape that was run last. */
    ff_plan *plan;
    ff_shape shape;
    ff_runners runners;

    ff_tuned *all; /* every spec that was tried; one that cannot run has all images wrong */
    size_t capacity;
    int n;
} tuning;

static void drop_plan(tuning *t)
{
    ff_runners_finish(&t->runners);
    ff_plan_unref(t->plan);
    t->runners = (ff_runners){0};
    t->plan = NULL;
}

static int need_plan(tuning *t, const ff_pre *pre)
{
    const ff_subject_options *o = ff_shared_options(t->shared);
    const ff_graph *g = ff_model_graph(t->model);
    ff_shape shape;
    if (g->n_inputs != 1)
        return ff_fail(FF_ERR_GRAPH, "%d inputs where one image is fed", g->n_inputs);
    int rc = ff_pre_input_shape(pre, &g->inputs[0]->declared, &shape);
    if (rc != FF_OK || (t->plan && ff_same_shape(&shape, &t->shape)))
        return rc;
    drop_plan(t);
    ff_plan_options p = {.reference = o->reference,
                         .feeds = &shape,
                         .output = ff_comparator_output(o->comparator, o->target_output),
                         .cancel = t->task->cancel};
    rc = ff_plan_create(t->model, &p, &t->plan);
    if (rc != FF_OK)
        return rc;
    t->shape = shape;
    rc = ff_runners_init(&t->runners, t->plan, t->task);
    if (rc == FF_OK && !t->most_runs) {
        double runs = WORK / fmax(1, ff_plan_flops(t->plan));
        t->most_runs = runs < FEWEST_RUNS ? FEWEST_RUNS : runs > MOST_RUNS ? MOST_RUNS : (int64_t)runs;
    }
    return rc;
}

static int run_sample(tuning *t, const ff_pre *pre, ff_tuned *out)
{
    const ff_subject_options *o = ff_shared_options(t->shared);
    const ff_labels *source = ff_shared_source(t->shared)->labels;
    const ff_dataset *set = ff_shared_set(t->shared);
    ff_feed *feed = NULL;
    ff_labels *l = ff_labels_create(ff_dataset_count(set));
    int rc = need_plan(t, pre);
    if (rc == FF_OK)
        rc = ff_feed_create(set, pre, &t->shape, 0, &feed);
    if (rc == FF_OK)
        rc = ff_label_run(t->runners.at, feed, t->images, t->n_images, NULL,
                          ff_comparator_keep(o->comparator, FF_KEEP_OUTPUT), t->task, l);
    if (rc == FF_OK && l->error)
        rc = ff_fail(FF_ERR_GRAPH, "%s", l->error);
    if (rc == FF_OK)
        rc = ff_labels_compare(o->comparator, set, source, l, t->offset, t->images, t->n_images, t->task);
    if (rc == FF_OK) {
        t->runs += t->n_images;
        if (t->progress)
            ff_progress_add(t->progress, t->n_images);
        t->flops += ff_plan_flops(t->plan) * t->n_images;
        bool soft = ff_is_probabilities(ff_plan_output(t->plan, 0));
        for (int i = 0; i < t->n_images; i++) {
            const ff_label *a = &source->at[t->images[i]], *b = &l->at[t->images[i]];
            out->wrong += ff_label_wrong(a, b, t->offset);
            if (a->output && b->output)
                out->distance += ff_output_distance(a->output, source->width, ff_shared_source_soft(t->shared),
                                                    b->output, l->width, soft, t->offset) /
                                 t->n_images;
        }
    }
    ff_feed_destroy(feed);
    ff_labels_destroy(l);
    return rc;
}

static bool better(const ff_tuned *a, const ff_tuned *b)
{
    return a->wrong != b->wrong ? a->wrong < b->wrong : a->distance < b->distance;
}

static int try_spec(tuning *t, const ff_pre *pre)
{
    for (int i = 0; i < t->n; i++)
        if (t->all[i].pre.layout == pre->layout && ff_pre_equal(&t->all[i].pre, pre))
            return FF_OK;
    int rc = ff_check_cancel(t->task);
    if (rc != FF_OK)
        return rc;
    ff_tuned now = {.pre = *pre};
    rc = run_sample(t, pre, &now);
    if (rc == FF_ERR_GRAPH || rc == FF_ERR_UNSUPPORTED) {
        drop_plan(t);
        now.wrong = t->n_images;
        now.distance = INFINITY;
        rc = FF_OK;
    }
    if (rc != FF_OK)
        return rc;
    ff_grow(&t->all, &t->capacity, (size_t)t->n + 1, sizeof *t->all);
    t->all[t->n++] = now;
    return FF_OK;
}

static int best_of(const tuning *t)
{
    int best = 0;
    for (int i = 1; i < t->n; i++)
        if (better(&t->all[i], &t->all[best]))
            best = i;
    return best;
}

/* Everything that is `depth` changes away from the best. */
static int look_around(tuning *t, int depth)
{
    ff_pre base = t->all[best_of(t)].pre;
    ff_pre_candidate *c;
    int n = ff_pre_candidates(&base, &c), rc = FF_OK;
    for (int i = 0; i < n && rc == FF_OK && t->runs < t->most_runs; i++)
        if (c[i].changes == depth)
            rc = try_spec(t, &c[i].pre);
    free(c);
    return rc;
}

/* Of two equals the one that was tried first. */
static void sort_out(const tuning *t, ff_tuned *best, int max, int *n)
{
    *n = 0;
    for (int i = 0; i < t->n; i++) {
        int at = *n;
        while (at > 0 && better(&t->all[i], &best[at - 1]))
            at--;
        if (at >= max || !isfinite(t->all[i].distance))
            continue;
        for (int k = *n < max ? (*n)++ : max - 1; k > at; k--)
            best[k] = best[k - 1];
        best[at] = t->all[i];
    }
}

int ff_tune_pre(const ff_shared *h, ff_model *m, const ff_pre *bases, int n_bases, int offset, const ff_task *task,
                ff_tuned *best, int max, int *n, double *flops)
{
    int count = ff_dataset_count(ff_shared_set(h)), rc = FF_OK;
    ff_task quiet = task ? *task : (ff_task){0};
    quiet.progress = NULL;
    ff_progress *progress = task ? task->progress : NULL;
    tuning t = {.shared = h, .model = m, .offset = offset, .task = &quiet, .progress = progress};
    int *ids = ff_alloc_array((size_t)count + 1, sizeof *ids);
    for (int i = 0; i < count; i++)
        ids[i] = i;
    t.n_images = ff_sample(ff_shared_options(h)->seed, ids, count, SAMPLE, t.images);
    free(ids);
    if (progress)
        ff_progress_start(progress, "searching for a preprocessing", 0);
    for (int i = 0; i < n_bases && rc == FF_OK; i++)
        rc = try_spec(&t, &bases[i]);
    for (int depth = 1; depth <= DEPTH && rc == FF_OK;) {
        int before = best_of(&t);
        if (t.all[before].wrong == 0 && t.all[before].distance < AGREEMENT)
            break;
        rc = look_around(&t, depth);
        depth = best_of(&t) == before ? depth + 1 : 1;
        if (t.runs >= t.most_runs)
            break;
    }
    if (rc == FF_OK) {
        sort_out(&t, best, max, n);
        *flops = t.flops;
    }
    if (progress)
        ff_progress_finish(progress);
    drop_plan(&t);
    free(t.all);
    return rc;
}
