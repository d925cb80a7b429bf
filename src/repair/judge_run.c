/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An edited Target run over the images, in the order in which they decide, until enough is known. */
#include "repair/decide.h"
#include "repair/judge.h"

#include <math.h>
#include <stdlib.h>

typedef struct evaluation {
    ff_judge *judge;
    const subject_plan *plan;
    ff_runners runners;
    ff_store *store;
    bool soft;
    int offset;
    const ff_task *task;
    const int *images; /* of the present wave */
    ff_labels *labels;
    double *distance, *flops; /* by image */
    int64_t *width;           /* of the output, by image */
} evaluation;

/* The label, the verdict where one is needed, and the distance of a sample from what the plan gave for it. */
static int weigh(evaluation *e, int image, ff_tensor *const *outputs)
{
    const ff_judge *j = e->judge;
    const ff_label *source = &j->source->at[image];
    ff_label *label = &e->labels->at[image];
    double distance = NAN;
    int rc = ff_label_fill(outputs, ff_plan_outputs(e->plan->plan), ff_feed_repeats(e->plan->feed),
                           ff_comparator_keep(j->comparator, FF_KEEP_OUTPUT), label, &e->width[image]);
    if (rc == FF_OK && !ff_comparator_by_label(j->comparator))
        rc = ff_compare(j->comparator, source, label, e->offset, ff_dataset_name(ff_shared_set(j->shared), image),
                        e->task ? e->task->cancel : NULL, &distance);
    if (isnan(distance))
        distance = ff_output_distance(source->output, j->source->width, ff_shared_source_soft(j->shared), label->output,
                                      e->width[image], e->soft, e->offset);
    e->distance[image] = distance;
    ff_label_drop(label);
    return rc;
}

static int run_image(void *context, int64_t index, int worker)
{
    evaluation *e = context;
    int image = e->images[index], n = ff_plan_outputs(e->plan->plan);
    ff_runner *runner = e->runners.at[worker];
    ff_feeds feeds;
    int rc = ff_feed_take(e->plan->feed, image, &feeds);
    if (rc != FF_OK)
        return rc;
    ff_tensor **outputs = ff_alloc_array((size_t)n + 1, sizeof *outputs);
    ff_hooks hooks = {.cancel = e->task ? e->task->cancel : NULL};
    double before = ff_runner_flops(runner);
    rc = ff_run(runner, feeds.at, &hooks, e->store, image, outputs);
    ff_feeds_drop(&feeds);
    if (rc == FF_OK)
        rc = weigh(e, image, outputs);
    e->flops[image] = ff_runner_flops(runner) - before;
    for (int i = 0; i < n; i++)
        ff_tensor_unref(outputs[i]);
    free(outputs);
    return rc;
}

static int run_wave(void *context, const int *images, int n)
{
    evaluation *e = context;
    e->images = images;
    const ff_part parts[] = {{e->labels->at, sizeof e->labels->at[0], true},
                             {e->distance, sizeof e->distance[0], true},
                             {e->flops, sizeof e->flops[0], true},
                             {e->width, sizeof e->width[0], true}};
    int rc = ff_share_for(e->task, n, images, run_image, e, parts, FF_COUNT(parts));
    if (rc == FF_OK && e->task && e->task->progress)
        ff_progress_add(e->task->progress, n);
    return rc;
}

static bool wrong_at(void *context, int image)
{
    evaluation *e = context;
    return ff_decide_wrong(e->judge->source, &e->labels->at[image], image, e->offset);
}

static int64_t elements(const ff_shape *s)
{
    int64_t n = 1;
    for (int i = 0; i < s->rank; i++)
        n *= s->dims[i];
    return s->rank < 0 ? 0 : n;
}

/* Elements of a sample's outputs; 0: the plan cannot tell. */
static int64_t width_of(const subject_plan *p)
{
    int64_t width = 0, repeats = ff_feed_repeats(p->feed);
    for (int i = 0; i < ff_plan_outputs(p->plan); i++) {
        const ff_shape *shape = ff_plan_shape(p->plan, ff_plan_output(p->plan, i));
        int64_t n = elements(shape);
        if (repeats > 1 && shape->rank > 0 && shape->dims[0] == repeats)
            n /= repeats;
        width += n;
    }
    return width;
}

void judge_conclude(ff_judgement *v, int limit, const char *format, ...)
{
    if (v->verdict != FF_VERDICT_SAME)
        v->verdict = v->wrong <= limit ? FF_VERDICT_BETTER : FF_VERDICT_WORSE;
    va_list args;
    va_start(args, format);
    ff_buf b = {0};
    ff_buf_vprintf(&b, format, args);
    va_end(args);
    v->why = ff_buf_steal(&b);
}

void judge_count_moves(const ff_judge *j, const ff_labels *base, const ff_labels *now, int offset, ff_judgement *v)
{
    for (int i = 0; i < now->count; i++) {
        if (now->at[i].top[0] == FF_LABEL_UNKNOWN)
            continue;
        bool before = ff_decide_wrong(j->source, &base->at[i], i, judge_offset(j, base));
        bool after = ff_decide_wrong(j->source, &now->at[i], i, offset);
        v->fixed += before && !after;
        v->broken += !before && after;
    }
}

/* In which order the images are run, and how many of them. */
static int choose_images(const ff_judge *j, const question *q, int *order)
{
    enum { FEWEST = 16 };
    int count = ff_dataset_count(ff_shared_set(j->shared)), n = count, first = 0;
    const ff_labels *base = q->base ? q->base->labels : j->source;
    int offset = q->base ? judge_offset(j, base) : 0;
    ff_decide_order(j->source, base, offset, order);
    if (q->share > 1) {
        n = count / q->share > FEWEST ? count / q->share : FEWEST;
        n = n < count ? n : count;
    }
    while (first < n && ff_decide_wrong(j->source, &base->at[order[first]], order[first], offset))
        first++;
    if (q->base)
        ff_decide_recent_first(j->broke, order + first, n - first);
    return n;
}

/* What was seen of the images order[0..run-1] is remembered for the order of later judgements. */
static void remember_broken(ff_judge *j, const ff_state *base, const evaluation *e, const int *order, int run)
{
    int offset = judge_offset(j, base->labels);
    j->judgements++;
    for (int i = 0; i < run; i++)
        if (wrong_at((void *)e, order[i]) && !ff_decide_wrong(j->source, &base->labels->at[order[i]], order[i], offset))
            j->broke[order[i]] = j->judgements;
}

int judge_evaluate(ff_judge *j, const question *q, const subject_plan *p, const ff_task *task, ff_judgement *v)
{
    int count = ff_dataset_count(ff_shared_set(j->shared)), limit = q->limit;
    evaluation e = {.judge = j, .plan = p, .task = task};
    int rc = ff_runners_init(&e.runners, p->plan, task);
    if (rc != FF_OK)
        return rc;
    bool own = j->store && ff_key_equal(&j->store_feed, ff_feed_key(p->feed));
    e.store = own ? j->store : ff_shared_kept(j->shared, p->feed, p->plan);
    e.soft = ff_is_probabilities(ff_plan_output(p->plan, 0));
    e.labels = ff_labels_create(count);
    e.distance = ff_alloc_array((size_t)count, sizeof *e.distance);
    e.flops = ff_alloc_array((size_t)count, sizeof *e.flops);
    e.width = ff_alloc_array((size_t)count, sizeof *e.width);
    int *order = ff_alloc_array((size_t)count, sizeof *order);
    e.labels->width = width_of(p);
    e.offset = j->source->width == e.labels->width     ? 0
               : ff_comparator_by_label(j->comparator) ? j->offset
                                                       : judge_offset(j, e.labels);
    int n = choose_images(j, q, order), processes = ff_team_size(task ? task->team : NULL);
    ff_wave wave = {e.runners.n * processes, processes > 1 ? 4 : 0};
    if (task && task->progress)
        ff_progress_start(task->progress, "evaluating", n);
    ff_decision d;
    rc = ff_decide(order, n, q->complete || limit > count ? count : limit, wave, run_wave, wrong_at, &e, &d);
    if (task && task->progress)
        ff_progress_finish(task->progress);
    if (rc != FF_OK)
        goto out;

    if (e.labels->width <= 0 && d.run > 0) /* the plan could not tell */
        e.labels->width = e.width[order[0]];
    /* Images that ran in the last wave beyond the deciding one are not looked at. */
    for (int i = d.run; i < count; i++)
        e.labels->at[order[i]].top[0] = FF_LABEL_UNKNOWN;
    v->images_run = d.run;
    v->complete = d.run == count;
    for (int i = 0; i < count; i++)
        v->flops += e.flops[i];
    v->wrong = d.wrong;
    if (q->base)
        remember_broken(j, q->base, &e, order, d.run);
    if (v->complete) {
        int offset = judge_offset(j, e.labels);
        if (offset != e.offset) {
            j->offset = e.offset = offset;
            v->wrong = ff_labels_wrong(j->source, e.labels, offset);
        }
        double sum = 0;
        for (int i = 0; i < count; i++)
            sum += e.distance[i];
        v->distance = sum / count;
        known_put(j->known, &p->key, e.labels, v->wrong, v->distance);
        v->state = ff_state_create(q->model, q->pre, e.labels, v->wrong, v->distance, &p->key);
    }
    if (!v->complete && j->source->width == e.labels->width) /* else the offset may come to be another */
        known_put_bound(j->known, &p->key, v->wrong);
    if (q->base)
        judge_count_moves(j, q->base->labels, e.labels, e.offset, v);
    judge_conclude(v, limit, "%s%d wrong after %d of %d images", v->complete ? "" : "at least ", v->wrong, d.run,
                   count);
out:
    ff_labels_destroy(e.labels);
    free(e.distance);
    free(e.flops);
    free(e.width);
    free(order);
    ff_runners_finish(&e.runners);
    return rc;
}
