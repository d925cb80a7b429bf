/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Is an edited Target better? Exact, and no more run than needed (DESIGN.md section 6). */
#include "fetafix/repair.h"
#include "localize/runners.h"
#include "repair/decide.h"
#include "repair/tune_pre.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FEEDS = 4 };

/* What is known of one computation over one feed. */
typedef struct known {
    ff_labels *labels; /* without outputs */
    int wrong;
    double distance;
} known;

struct ff_judge {
    ff_shared *shared;
    const ff_labels *source;
    int offset;
    uint64_t memory;
    ff_map *known;      /* by output key */
    struct {
        ff_feed *feed;
        ff_pre pre;
        ff_shape shape;
    } feeds[FEEDS];     /* most recently used first */
    /* Activations kept for the base: valid for one feed only. */
    ff_store *store;
    ff_key store_feed, store_base;
};

static void known_destroy(void *p)
{
    known *k = p;
    ff_labels_destroy(k->labels);
    free(k);
}

static ff_key output_key(const ff_plan *plan, ff_feed *feed)
{
    ff_hasher h;
    ff_hasher_init(&h);
    ff_hasher_add(&h, ff_plan_output_key(plan), sizeof(ff_key));
    ff_hasher_add(&h, ff_feed_key(feed), sizeof(ff_key));
    return ff_hasher_done(&h);
}

static void remember(ff_judge *j, const ff_key *key, const ff_labels *labels, int wrong, double distance)
{
    if (ff_map_get_key(j->known, key))
        return;
    known *k = ff_alloc(sizeof *k);
    k->labels = ff_labels_create(labels->count);
    k->labels->width = labels->width;
    for (int i = 0; i < labels->count; i++) {
        k->labels->at[i] = labels->at[i];
        k->labels->at[i].output = NULL;
    }
    k->wrong = wrong;
    k->distance = distance;
    ff_map_put_key(j->known, key, k);
}

/* One whose width differs from the Source's by one and that nobody could run at first. */
static int settle_offset(const ff_judge *j, const ff_labels *l)
{
    int64_t difference = j->source->width - l->width;
    if (difference == 0)
        return 0;
    if (j->offset == 0 && (difference == 1 || difference == -1))
        return ff_labels_offset(j->source, l);
    return j->offset;
}

int ff_judge_create(const ff_subject *s, uint64_t memory, ff_judge **out)
{
    ff_judge *j = ff_alloc(sizeof *j);
    j->shared = ff_subject_shared(s);
    j->source = ff_shared_source(j->shared)->labels;
    j->offset = s->offset;
    j->memory = memory ? memory : (uint64_t)512 << 20;
    j->known = ff_map_create();
    /* The subject has run the Target already. */
    const ff_labels *l = s->target.labels;
    bool outputs = s->target.score && s->target.feed && !s->target.error;
    for (int i = 0; outputs && i < l->count; i++)
        outputs = l->at[i].output != NULL;
    if (outputs) {
        bool soft = ff_is_probabilities(ff_plan_output(s->target.score, 0));
        double sum = 0;
        for (int i = 0; i < l->count; i++)
            sum += ff_output_distance(j->source->at[i].output, j->source->width,
                                      ff_shared_source_soft(j->shared), l->at[i].output, l->width, soft,
                                      s->offset);
        ff_key key = output_key(s->target.score, s->target.feed);
        remember(j, &key, l, s->wrong, sum / l->count);
    }
    *out = j;
    return FF_OK;
}

void ff_judge_destroy(ff_judge *j)
{
    if (!j)
        return;
    ff_map_destroy(j->known, known_destroy);
    for (int i = 0; i < FEEDS; i++)
        ff_feed_destroy(j->feeds[i].feed);
    ff_store_destroy(j->store);
    ff_shared_unref(j->shared);
    free(j);
}

static bool same_shape(const ff_shape *a, const ff_shape *b)
{
    return a->dtype == b->dtype && a->rank == b->rank &&
           memcmp(a->dims, b->dims, (size_t)(a->rank > 0 ? a->rank : 0) * sizeof a->dims[0]) == 0;
}

static int get_feed(ff_judge *j, const ff_pre *pre, const ff_shape *shape, ff_feed **out)
{
    int at = 0;
    while (at < FEEDS && j->feeds[at].feed &&
           !(same_shape(&j->feeds[at].shape, shape) && j->feeds[at].pre.layout == pre->layout &&
             ff_pre_equal(&j->feeds[at].pre, pre)))
        at++;
    ff_feed *feed = at < FEEDS ? j->feeds[at].feed : NULL;
    if (!feed) {
        int rc = ff_feed_create(ff_shared_set(j->shared), pre, shape, j->memory / 8, &feed);
        if (rc != FF_OK)
            return rc;
        at = at < FEEDS ? at : FEEDS - 1;
        ff_feed_destroy(j->feeds[at].feed);
    }
    memmove(j->feeds + 1, j->feeds, (size_t)at * sizeof j->feeds[0]);
    j->feeds[0].feed = feed;
    j->feeds[0].pre = *pre;
    j->feeds[0].shape = *shape;
    *out = feed;
    return FF_OK;
}

/* A model under a spec, ready to run. FF_ERR_GRAPH: it cannot. */
typedef struct subject_plan {
    ff_plan *plan;
    ff_feed *feed; /* the judge's */
    ff_key key;
} subject_plan;

static int prepare(ff_judge *j, ff_model *m, const ff_pre *pre, subject_plan *out)
{
    const ff_subject_options *o = ff_shared_options(j->shared);
    const ff_graph *g = ff_model_graph(m);
    const char *output = o->target_output;
    if (g->n_inputs != 1)
        return ff_fail(FF_ERR_GRAPH, "%d inputs where one image is fed", g->n_inputs);
    ff_shape shape;
    int rc = ff_pre_input_shape(pre, &g->inputs[0]->declared, &shape);
    if (rc != FF_OK)
        return rc;
    ff_plan_options p = {.reference = o->reference, .feeds = &shape, .output = output};
    ff_plan *plan;
    rc = ff_plan_create(m, &p, &plan);
    if (rc != FF_OK)
        return rc;
    rc = get_feed(j, pre, &shape, &out->feed);
    if (rc != FF_OK) {
        ff_plan_unref(plan);
        return rc;
    }
    out->plan = plan;
    out->key = output_key(plan, out->feed);
    return FF_OK;
}

static bool belongs_to_model(int rc)
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
    j->store_feed = *ff_feed_key(feed);
    j->store_base = *key;
    ff_store_choose(j->store, plan, ff_dataset_count(ff_shared_set(j->shared)));
}

static void keep_for_base(ff_judge *j, const ff_state *base)
{
    if (j->store && ff_key_equal(&j->store_base, &base->outputs))
        return;
    subject_plan p;
    if (prepare(j, base->model, &base->pre, &p) == FF_OK) {
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

static int run_image(void *context, int64_t index, int worker)
{
    evaluation *e = context;
    int image = e->images[index];
    ff_runner *runner = e->runners.at[worker];
    ff_tensor *feed, *output = NULL;
    int rc = ff_feed_get(e->plan->feed, image, &feed);
    if (rc != FF_OK)
        return rc;
    ff_hooks hooks = {.cancel = e->task ? e->task->cancel : NULL};
    double before = ff_runner_flops(runner);
    const ff_tensor *feeds[] = {feed};
    rc = ff_run(runner, feeds, &hooks, e->store, image, &output);
    ff_tensor_unref(feed);
    if (rc != FF_OK)
        return rc;
    ff_tensor *values = NULL;
    rc = ff_output_row(output, ff_feed_shape(e->plan->feed), &values);
    ff_tensor_unref(output);
    if (rc != FF_OK)
        return rc;
    ff_label_of(values, &e->labels->at[image]);
    e->labels->at[image].output = NULL;
    e->flops[image] = ff_runner_flops(runner) - before;
    e->distance[image] = ff_output_distance(
        e->judge->source->at[image].output, e->judge->source->width, ff_shared_source_soft(e->judge->shared),
        values->data, values->count, e->soft, e->offset);
    e->width[image] = values->count;
    ff_tensor_unref(values);
    return FF_OK;
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

static void count_moves(const ff_judge *j, const ff_labels *base, const ff_labels *now, int offset,
                        ff_judgement *v)
{
    for (int i = 0; i < now->count; i++) {
        if (now->at[i].top[0] == FF_LABEL_UNKNOWN)
            continue;
        bool before = ff_decide_wrong(j->source, &base->at[i], i, settle_offset(j, base));
        bool after = ff_decide_wrong(j->source, &now->at[i], i, offset);
        v->fixed += before && !after;
        v->broken += !before && after;
    }
}

static int evaluate(ff_judge *j, const ff_state *base, ff_model *m, const ff_pre *pre, const subject_plan *p,
                    int limit, bool complete, const ff_task *task, ff_judgement *v)
{
    int count = ff_dataset_count(ff_shared_set(j->shared));
    evaluation e = {.judge = j, .plan = p, .task = task};
    int rc = ff_runners_init(&e.runners, p->plan, task);
    if (rc != FF_OK)
        return rc;
    if (j->store && ff_key_equal(&j->store_feed, ff_feed_key(p->feed)))
        e.store = j->store;
    e.soft = ff_is_probabilities(ff_plan_output(p->plan, 0));
    e.labels = ff_labels_create(count);
    e.distance = ff_alloc_array((size_t)count, sizeof *e.distance);
    e.flops = ff_alloc_array((size_t)count, sizeof *e.flops);
    e.width = ff_alloc_array((size_t)count, sizeof *e.width);
    int *order = ff_alloc_array((size_t)count, sizeof *order);
    const ff_value *output = ff_plan_output(p->plan, 0);
    const ff_shape *shape = ff_plan_shape(p->plan, output), *input = ff_feed_shape(p->feed);
    e.labels->width = elements(shape);
    if (input->dims[0] > 1 && shape->rank > 0 && shape->dims[0] == input->dims[0])
        e.labels->width /= input->dims[0];
    e.offset = j->source->width == e.labels->width ? 0 : j->offset;
    ff_decide_order(j->source, base ? base->labels : j->source, base ? settle_offset(j, base->labels) : 0,
                    order);
    int wave = 2 * e.runners.n * ff_team_size(task ? task->team : NULL);
    if (complete || limit >= count) {
        limit = complete ? limit : count;
        wave = count;
    }
    if (task && task->progress)
        ff_progress_start(task->progress, "evaluating", count);
    ff_decision d;
    rc = ff_decide(order, count, complete ? count : limit, wave, run_wave, wrong_at, &e, &d);
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
    v->complete = d.complete;
    for (int i = 0; i < d.run; i++)
        v->flops += e.flops[order[i]];
    v->wrong = d.wrong;
    if (d.complete) {
        int offset = settle_offset(j, e.labels);
        if (offset != e.offset) {
            j->offset = e.offset = offset;
            v->wrong = ff_labels_wrong(j->source, e.labels, offset);
        }
        double sum = 0;
        for (int i = 0; i < count; i++)
            sum += e.distance[i];
        v->distance = sum / count;
        remember(j, &p->key, e.labels, v->wrong, v->distance);
        v->state = ff_state_create(m, pre, e.labels, v->wrong, v->distance, &p->key);
    }
    if (base)
        count_moves(j, base->labels, e.labels, e.offset, v);
    conclude(v, limit, "%s%d wrong after %d of %d images", d.complete ? "" : "at least ", v->wrong, d.run, count);
out:
    ff_labels_destroy(e.labels);
    free(e.distance);
    free(e.flops);
    free(e.width);
    free(order);
    ff_runners_finish(&e.runners);
    return rc;
}

static void broken(ff_judgement *v)
{
    v->verdict = FF_VERDICT_BROKEN;
    v->why = ff_strdup(ff_error());
    v->distance = INFINITY;
}

int ff_judge_model(ff_judge *j, const ff_state *base, ff_model *m, const ff_pre *pre, int limit,
                   bool complete, const ff_task *task, ff_judgement *out)
{
    ff_judgement v = {.distance = NAN};
    int count = ff_dataset_count(ff_shared_set(j->shared));
    subject_plan p;
    int rc = prepare(j, m, pre, &p);
    if (belongs_to_model(rc)) {
        v.wrong = count;
        broken(&v);
        *out = v;
        return FF_OK;
    }
    if (rc != FF_OK)
        return rc;
    v.flops_full = ff_plan_flops(p.plan) * count;
    const known *k = ff_map_get_key(j->known, &p.key);
    if (k) {
        v.wrong = k->wrong;
        v.distance = k->distance;
        v.complete = true;
        v.state = ff_state_create(m, pre, k->labels, k->wrong, k->distance, &p.key);
        bool same = base && ff_key_equal(&base->outputs, &p.key);
        if (same)
            v.verdict = FF_VERDICT_SAME;
        else
            v.verdict = FF_VERDICT_BETTER;
        if (base && !same)
            count_moves(j, base->labels, k->labels, settle_offset(j, k->labels), &v);
        conclude(&v, limit, same ? "the outputs are the same on every image (%d wrong)" : "%d wrong, known from before",
                 k->wrong);
    } else {
        if (base)
            keep_for_base(j, base);
        rc = evaluate(j, base, m, pre, &p, limit, complete, task, &v);
        if (belongs_to_model(rc)) {
            ff_judgement_finish(&v);
            v.wrong = count;
            broken(&v);
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
    keep_for_base(j, v.state);
    *out = v.state;
    v.state = NULL;
    ff_judgement_finish(&v);
    return FF_OK;
}

/* Where the Target is fed what the Source is, nothing but the labels that differ speaks for another spec. Among many,
 * one puts some label right by chance: it is the cause only when the outputs come much nearer as well. */
static bool by_chance(const ff_state *base, const ff_proposal *p, const ff_judgement *v)
{
    return base->pre.layout == p->pre.layout && ff_pre_equal(&base->pre, &p->pre) &&
           !(v->distance < 0.5 * base->distance);
}

/* The most promising specs on all images; the best of them is the judgement. */
static int judge_search(ff_judge *j, const ff_state *base, const ff_proposal *p, const ff_task *task,
                        ff_judgement *out)
{
    enum { CONFIRMED = 3 };
    ff_tuned found[CONFIRMED + 1]; /* the base may be among them */
    int n = 0, limit = base->wrong - 1;
    double flops = 0, flops_full = 0;
    const ff_pre bases[] = {base->pre, p->pre};
    ff_judgement best = {.verdict = FF_VERDICT_WORSE, .wrong = base->wrong, .distance = NAN};
    int rc = ff_tune_pre(j->shared, base->model, bases, 2, settle_offset(j, base->labels), task, found,
                         CONFIRMED + 1, &n, &flops);
    flops_full = flops;
    for (int i = 0, confirmed = 0; i < n && confirmed < CONFIRMED && limit >= 0 && rc == FF_OK; i++) {
        if (found[i].pre.layout == base->pre.layout && ff_pre_equal(&found[i].pre, &base->pre))
            continue;
        confirmed++;
        ff_judgement v;
        rc = ff_judge_model(j, base, base->model, &found[i].pre, limit, false, task, &v);
        if (rc != FF_OK)
            break;
        flops += v.flops;
        flops_full += v.flops_full;
        if (v.verdict == FF_VERDICT_BETTER && v.wrong <= limit && v.state && !by_chance(base, p, &v)) {
            ff_judgement_finish(&best);
            best = v;
            limit = v.wrong - 1;
        } else {
            ff_judgement_finish(&v);
        }
    }
    if (rc != FF_OK) {
        ff_judgement_finish(&best);
        return rc;
    }
    if (!best.why)
        best.why = ff_strdup("no preprocessing was found under which fewer labels differ");
    best.flops = flops;
    best.flops_full = flops_full;
    *out = best;
    return FF_OK;
}

int ff_judge_proposal(ff_judge *j, const ff_state *base, const ff_proposal *p, bool complete,
                      const ff_task *task, ff_judgement *out)
{
    if (p->search_pre)
        return judge_search(j, base, p, task, out);
    ff_model *m;
    int rc = ff_proposal_apply(p, base->model, &m);
    if (belongs_to_model(rc)) {
        *out = (ff_judgement){.wrong = ff_dataset_count(ff_shared_set(j->shared))};
        broken(out);
        return FF_OK;
    }
    if (rc != FF_OK)
        return rc;
    rc = ff_judge_model(j, base, m, p->has_pre ? &p->pre : &base->pre, base->wrong - 1, complete, task, out);
    ff_model_unref(m);
    return rc;
}
