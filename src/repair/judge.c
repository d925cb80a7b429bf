/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Is an edited Target better? Exact, and no more run than needed. */
#include "fetafix/repair.h"
#include "fetafix/examine.h"
#include "repair/decide.h"
#include "repair/judge.h"
#include "repair/known.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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
        judge_conclude(v, q->limit, "at least %d wrong, known from before", k->wrong);
        return;
    }
    v->distance = k->distance;
    v->complete = true;
    v->state = ff_state_create(q->model, q->pre, k->labels, k->wrong, k->distance, key);
    bool same = base && ff_key_equal(&base->outputs, key);
    if (same)
        v->verdict = FF_VERDICT_SAME;
    if (base && !same)
        judge_count_moves(j, base->labels, k->labels, judge_offset(j, k->labels), v);
    judge_conclude(v, q->limit,
                   same ? "the outputs are the same on every image (%d wrong)" : "%d wrong, known from before",
                   k->wrong);
}

/* What passes is what the next ones are cut from: its activations are kept as they come. */
static int evaluate_in_chain(ff_judge *j, const question *q, const subject_plan *p, const ff_task *task,
                             ff_judgement *v)
{
    ff_plan *before = j->store_plan ? ff_plan_ref(j->store_plan) : NULL;
    ff_key base = j->store_base, feed = j->store_feed;
    keep_for(j, p->plan, p->feed, &p->key);
    int rc = judge_evaluate(j, q, p, task, v);
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
        rc = q->share > 1 ? evaluate_in_chain(j, q, &p, task, &v) : judge_evaluate(j, q, &p, task, &v);
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
