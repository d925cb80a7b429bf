/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Is an edited Target better? Exact, and no more run than needed (DESIGN.md section 6). */
#include "fetafix/repair.h"
#include "localize/runners.h"
#include "repair/decide.h"
#include "repair/judge.h"
#include "repair/known.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FEEDS = 4 };

struct ff_judge {
    ff_shared *shared;
    const ff_labels *source;
    const ff_comparator *comparator;
    int offset;
    bool offset_settled; /* the Target ran at first */
    uint64_t memory;
    known_results *known;
    struct {
        ff_feed *feed;
        ff_pre pre;
        int n;
        ff_shape shapes[FF_MOST_INPUTS];
    } feeds[FEEDS]; /* most recently used first */
    /* Activations kept for the base: valid for one feed only. */
    ff_store *store;
    ff_key store_feed, store_base, base;
    ff_plan *store_plan;
    /* By image: the judgement that last broke it; these run first. */
    int64_t *broke, judgements;
};

static ff_key output_key(const ff_plan *plan, ff_feed *feed)
{
    ff_hasher h;
    ff_hasher_init(&h);
    ff_hasher_add(&h, ff_plan_output_key(plan), sizeof(ff_key));
    ff_hasher_add(&h, ff_feed_key(feed), sizeof(ff_key));
    return ff_hasher_done(&h);
}

/* One whose width differs from the Source's by one and that nobody could run at first. */
int judge_offset(const ff_judge *j, const ff_labels *l)
{
    int64_t difference = j->source->width - l->width;
    if (difference == 0)
        return 0;
    if (j->offset == 0 && (difference == 1 || difference == -1)) {
        /* A verdict is given at once and must not change with what other images say: a first class more or less. */
        if (!ff_comparator_by_label(j->comparator))
            return j->offset_settled ? 0 : (int)difference;
        return ff_labels_offset(j->source, l);
    }
    return j->offset;
}

int ff_judge_create(const ff_subject *s, uint64_t memory, ff_judge **out)
{
    ff_judge *j = ff_alloc(sizeof *j);
    j->shared = ff_subject_shared(s);
    j->source = ff_shared_source(j->shared)->labels;
    j->comparator = ff_shared_options(j->shared)->comparator;
    j->offset = s->offset;
    j->offset_settled = !s->target.error;
    j->memory = memory ? memory : (uint64_t)512 << 20;
    j->known = known_create();
    j->broke = ff_alloc_array((size_t)j->source->count + 1, sizeof *j->broke);
    /* A Target that comes to compute what the Source computes is not run at all. */
    const ff_side *source = ff_shared_source(j->shared);
    ff_key same = output_key(source->score, source->feed);
    known_put(j->known, &same, j->source, 0, 0);
    /* The subject has run the Target already. */
    const ff_labels *l = s->target.labels;
    bool outputs = s->target.score && s->target.feed && !s->target.error && ff_comparator_by_label(j->comparator);
    for (int i = 0; outputs && i < l->count; i++)
        outputs = l->at[i].output != NULL;
    if (outputs) {
        bool soft = ff_is_probabilities(ff_plan_output(s->target.score, 0));
        double sum = 0;
        for (int i = 0; i < l->count; i++)
            sum += ff_output_distance(j->source->at[i].output, j->source->width, ff_shared_source_soft(j->shared),
                                      l->at[i].output, l->width, soft, s->offset);
        ff_key key = output_key(s->target.score, s->target.feed);
        known_put(j->known, &key, l, s->wrong, sum / l->count);
    }
    *out = j;
    return FF_OK;
}

void ff_judge_destroy(ff_judge *j)
{
    if (!j)
        return;
    known_destroy(j->known);
    free(j->broke);
    for (int i = 0; i < FEEDS; i++)
        ff_feed_destroy(j->feeds[i].feed);
    ff_store_destroy(j->store);
    ff_plan_unref(j->store_plan);
    ff_shared_unref(j->shared);
    free(j);
}

static bool same_shapes(const ff_shape *a, const ff_shape *b, int n)
{
    for (int i = 0; i < n; i++)
        if (!ff_same_shape(&a[i], &b[i]))
            return false;
    return true;
}

static int get_feed(ff_judge *j, const ff_pre *pre, const ff_model *m, const ff_shape *shapes, ff_feed **out)
{
    int n = ff_model_graph(m)->n_inputs;
    int at = 0;
    while (at < FEEDS && j->feeds[at].feed &&
           !(j->feeds[at].n == n && same_shapes(j->feeds[at].shapes, shapes, n) &&
             j->feeds[at].pre.layout == pre->layout && ff_pre_equal(&j->feeds[at].pre, pre)))
        at++;
    ff_feed *feed = at < FEEDS ? j->feeds[at].feed : NULL;
    if (!feed) {
        int rc = ff_feed_create_for(ff_shared_set(j->shared), pre, m, j->memory / 8, &feed);
        if (rc != FF_OK)
            return rc;
        at = at < FEEDS ? at : FEEDS - 1;
        ff_feed_destroy(j->feeds[at].feed);
    }
    memmove(j->feeds + 1, j->feeds, (size_t)at * sizeof j->feeds[0]);
    j->feeds[0].feed = feed;
    j->feeds[0].pre = *pre;
    j->feeds[0].n = n;
    memcpy(j->feeds[0].shapes, shapes, (size_t)n * sizeof *shapes);
    *out = feed;
    return FF_OK;
}

/* A model under a spec, ready to run. FF_ERR_GRAPH: it cannot. */
typedef struct subject_plan {
    ff_plan *plan;
    ff_feed *feed; /* the judge's */
    ff_key key;
} subject_plan;

static int prepare(ff_judge *j, ff_model *m, const ff_pre *pre, const ff_task *task, subject_plan *out)
{
    const ff_subject_options *o = ff_shared_options(j->shared);
    ff_shape shapes[FF_MOST_INPUTS];
    int rc = ff_feed_shapes(ff_shared_set(j->shared), pre, m, shapes);
    if (rc != FF_OK)
        return rc;
    ff_plan_options p = {.reference = o->reference,
                         .feeds = shapes,
                         .output = ff_comparator_output(o->comparator, o->target_output),
                         .cancel = task ? task->cancel : NULL};
    ff_plan *plan;
    rc = ff_plan_create(m, &p, &plan);
    if (rc != FF_OK)
        return rc;
    rc = get_feed(j, pre, m, shapes, &out->feed);
    if (rc != FF_OK) {
        ff_plan_unref(plan);
        return rc;
    }
    out->plan = plan;
    out->key = output_key(plan, out->feed);
    return FF_OK;
}

bool judge_is_of_model(int rc)
{
    return rc == FF_ERR_GRAPH || rc == FF_ERR_UNSUPPORTED;
}

/* Activations of the base are worth keeping from now on. */
static void keep_for(ff_judge *j, const ff_plan *plan, ff_feed *feed, const ff_key *key)
{
    if (j->store && ff_key_equal(&j->store_base, key))
        return;
    if (j->store && !ff_key_equal(&j->store_feed, ff_feed_key(feed))) {
        ff_store_destroy(j->store);
        j->store = NULL;
    }
    if (!j->store)
        j->store = ff_store_create(j->memory / 2);
    ff_store_set_behind(j->store, ff_shared_kept(j->shared, feed, plan));
    j->store_feed = *ff_feed_key(feed);
    j->store_base = *key;
    plan = ff_plan_ref(plan);
    ff_plan_unref(j->store_plan);
    j->store_plan = (ff_plan *)plan;
    ff_store_choose(j->store, plan, ff_dataset_count(ff_shared_set(j->shared)));
}

static void keep_for_base(ff_judge *j, const ff_state *base, const ff_task *task)
{
    if (ff_key_equal(&j->base, &base->outputs))
        return;
    subject_plan p;
    int rc = prepare(j, base->model, &base->pre, task, &p);
    if (rc != FF_ERR_CANCELLED)
        j->base = base->outputs;
    if (rc == FF_OK) {
        keep_for(j, p.plan, p.feed, &p.key);
        ff_plan_unref(p.plan);
    }
}

/* ----------------------------------------------------------------------- running the images */

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
    int rc = ff_label_fill(outputs, ff_plan_outputs(e->plan->plan), ff_feed_shape(e->plan->feed),
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
    const ff_shape *input = ff_feed_shape(p->feed);
    int64_t width = 0;
    for (int i = 0; i < ff_plan_outputs(p->plan); i++) {
        const ff_shape *shape = ff_plan_shape(p->plan, ff_plan_output(p->plan, i));
        int64_t n = elements(shape);
        if (input->rank > 0 && input->dims[0] > 1 && shape->rank > 0 && shape->dims[0] == input->dims[0])
            n /= input->dims[0];
        width += n;
    }
    return width;
}

static void conclude(ff_judgement *v, int limit, const char *format, ...) FF_PRINTF(3, 4);
static void conclude(ff_judgement *v, int limit, const char *format, ...)
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

static void count_moves(const ff_judge *j, const ff_labels *base, const ff_labels *now, int offset, ff_judgement *v)
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

/* What is asked about a model. */
typedef struct question {
    const ff_state *base;
    ff_model *model;
    const ff_pre *pre;
    int limit;
    bool complete;
    int share; /* 1: over all images; else over one in so many */
} question;

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

static int evaluate(ff_judge *j, const question *q, const subject_plan *p, const ff_task *task, ff_judgement *v)
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
        count_moves(j, q->base->labels, e.labels, e.offset, v);
    conclude(v, limit, "%s%d wrong after %d of %d images", v->complete ? "" : "at least ", v->wrong, d.run, count);
out:
    ff_labels_destroy(e.labels);
    free(e.distance);
    free(e.flops);
    free(e.width);
    free(order);
    ff_runners_finish(&e.runners);
    return rc;
}

void judge_broken(const ff_judge *j, ff_judgement *v)
{
    v->wrong = ff_dataset_count(ff_shared_set(j->shared));
    v->verdict = FF_VERDICT_BROKEN;
    v->why = ff_strdup(ff_error());
    v->distance = INFINITY;
}

/* What was found out before. */
static void recall(const ff_judge *j, const question *q, const known *k, const ff_key *key, ff_judgement *v)
{
    const ff_state *base = q->base;
    v->wrong = k->wrong;
    if (!k->labels) {
        conclude(v, q->limit, "at least %d wrong, known from before", k->wrong);
        return;
    }
    v->distance = k->distance;
    v->complete = true;
    v->state = ff_state_create(q->model, q->pre, k->labels, k->wrong, k->distance, key);
    bool same = base && ff_key_equal(&base->outputs, key);
    if (same)
        v->verdict = FF_VERDICT_SAME;
    if (base && !same)
        count_moves(j, base->labels, k->labels, judge_offset(j, k->labels), v);
    conclude(v, q->limit, same ? "the outputs are the same on every image (%d wrong)" : "%d wrong, known from before",
             k->wrong);
}

/* What passes is what the next ones are cut from: its activations are kept as they come. */
static int evaluate_in_chain(ff_judge *j, const question *q, const subject_plan *p, const ff_task *task,
                             ff_judgement *v)
{
    ff_plan *before = j->store_plan ? ff_plan_ref(j->store_plan) : NULL;
    ff_key base = j->store_base, feed = j->store_feed;
    keep_for(j, p->plan, p->feed, &p->key);
    int rc = evaluate(j, q, p, task, v);
    if ((rc != FF_OK || v->verdict != FF_VERDICT_BETTER) && before && ff_key_equal(&feed, &j->store_feed))
        keep_for(j, before, p->feed, &base);
    ff_plan_unref(before);
    return rc;
}

static int answer(ff_judge *j, const question *q, const ff_task *task, ff_judgement *out)
{
    ff_judgement v = {.distance = NAN};
    int count = ff_dataset_count(ff_shared_set(j->shared));
    subject_plan p;
    int rc = prepare(j, q->model, q->pre, task, &p);
    if (judge_is_of_model(rc)) {
        judge_broken(j, &v);
        *out = v;
        return FF_OK;
    }
    if (rc != FF_OK)
        return rc;
    const known *k = known_get(j->known, &p.key);
    if (k && (k->labels || (!q->complete && k->wrong > q->limit))) {
        v.verdict = FF_VERDICT_BETTER;
        recall(j, q, k, &p.key, &v);
    } else {
        if (q->base)
            keep_for_base(j, q->base, task);
        v.flops_full = ff_plan_flops(p.plan) * count;
        rc = q->share > 1 ? evaluate_in_chain(j, q, &p, task, &v) : evaluate(j, q, &p, task, &v);
        if (judge_is_of_model(rc)) {
            ff_judgement_finish(&v);
            judge_broken(j, &v);
            rc = FF_OK;
        }
    }
    ff_plan_unref(p.plan);
    if (rc == FF_OK)
        *out = v;
    else
        ff_judgement_finish(&v);
    return rc;
}

int ff_judge_model(ff_judge *j, const ff_state *base, ff_model *m, const ff_pre *pre, int limit, bool complete,
                   const ff_task *task, ff_judgement *out)
{
    const question q = {base, m, pre, limit, complete, 1};
    return answer(j, &q, task, out);
}

int ff_judge_hardest(ff_judge *j, const ff_state *base, ff_model *m, const ff_pre *pre, int limit, int share,
                     const ff_task *task, ff_judgement *out)
{
    const question q = {base, m, pre, limit, false, share};
    return answer(j, &q, task, out);
}

int ff_judge_state(ff_judge *j, ff_model *m, const ff_pre *pre, const ff_task *task, ff_state **out)
{
    ff_judgement v;
    int rc = ff_judge_model(j, NULL, m, pre, INT_MAX, true, task, &v);
    if (rc != FF_OK)
        return rc;
    if (!v.state) {
        int count = ff_dataset_count(ff_shared_set(j->shared));
        ff_labels *l = ff_labels_create(count);
        l->error = ff_strdup(v.why);
        for (int i = 0; i < count; i++)
            for (int k = 0; k < FF_TOP; k++)
                l->at[i].top[k] = -1;
        v.state = ff_state_create(m, pre, l, count, INFINITY, NULL);
        ff_labels_destroy(l);
    }
    keep_for_base(j, v.state, task);
    *out = v.state;
    v.state = NULL;
    ff_judgement_finish(&v);
    return FF_OK;
}

const ff_shared *judge_shared(const ff_judge *j)
{
    return j->shared;
}
