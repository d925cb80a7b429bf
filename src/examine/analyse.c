/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the error begins: layer scores. The images of a sample run through
 * both sides; nothing is kept but sums, and for Kruskal-Wallis as many elements at a time as the memory allows
 * (slabs.c). */
#include "examine/analysis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLE = 100, REPEATS = 3 };

uint64_t analysis_memory(const analysis *a)
{
    const uint64_t most = (uint64_t)2 << 30;
    return a->o->memory && a->o->memory / 2 < most ? a->o->memory / 2 : most;
}

void activations_done(analysis *a, ff_activations *s, ff_activations *t)
{
    atomic_fetch_add(&a->source_runs, s->runs);
    atomic_fetch_add(&a->target_runs, t->runs);
    ff_activations_finish(s);
    ff_activations_finish(t);
}

static void sample_finish(sample *p)
{
    free(p->images);
}

static void draw(const analysis *a, uint64_t seed, sample *out)
{
    const ff_subject *s = a->s;
    int count = s->target.labels->count, most = a->o->sample > 0 ? a->o->sample : SAMPLE;
    int *right = ff_alloc_array((size_t)count + 1, sizeof *right),
        *wrong = ff_alloc_array((size_t)count + 1, sizeof *wrong);
    int n_right = 0, n_wrong = 0;
    for (int i = 0; i < count; i++) {
        if (!ff_label_wrong(&s->source.labels->at[i], &s->target.labels->at[i], s->offset))
            right[n_right++] = i;
        else
            wrong[n_wrong++] = i;
    }
    out->images = ff_alloc_array((size_t)(2 * most) + 1, sizeof *out->images);
    out->n_similar = ff_sample(seed, right, n_right, most, out->images);
    out->n_dissimilar = ff_sample(seed + 1, wrong, n_wrong, most, out->images + out->n_similar);
    free(right);
    free(wrong);
}

/* --------------------------------------------------------- entire and isolated: sums per layer */

typedef struct sum_job {
    analysis *a;
    const sample *p;
    bool entire;    /* else those are known already */
    bool *isolated; /* layers that are run by themselves */
    layer_sums *at; /* [image of the sample][layer] */
} sum_job;

void add_distance(const float *x, const float *y, int64_t n, double *distance, double *norm)
{
    double d = *distance, sum = *norm;
    for (int64_t i = 0; i < n; i++) {
        double e = (double)y[i] - x[i];
        d += e * e;
        sum += (double)x[i] * x[i];
    }
    *distance = d;
    *norm = sum;
}

static void add_tensors(const ff_tensor *s, const ff_tensor *t, double *distance, double *norm)
{
    add_distance(s->data, t->data, s->count, distance, norm);
}

int isolate_layers(analysis *a, ff_activations *s, ff_activations *t, int worker, int image, const bool *isolated,
                   layer_sums *at)
{
    const ff_layers *l = &a->layers;
    int rc = FF_OK;
    t->inject = s;
    t->wanted = isolated;
    for (t->round = 0; t->round < l->rounds && rc == FF_OK; t->round++) {
        bool any = false;
        for (int i = 0; i < l->count && !any; i++)
            any = isolated[i] && l->at[i].round == t->round;
        if (!any)
            continue;
        ff_activations_clear(t);
        rc = ff_activations_run(t, a->target.at[worker], image, a->task, NULL);
        int64_t start = ff_now_ns();
        for (int i = 0; i < l->count && rc == FF_OK; i++)
            if (isolated[i] && l->at[i].round == t->round && s->out[i] && t->out[i])
                add_tensors(s->out[i], t->out[i], &at[i].isolated, &at[i].reference);
        ff_spend("analysis", "distances", ff_now_ns() - start, 1);
    }
    return rc;
}

static int sum_image(void *context, int64_t index, int worker)
{
    sum_job *job = context;
    analysis *a = job->a;
    const ff_layers *l = &a->layers;
    layer_sums *at = job->at + index * l->count;
    ff_activations s, t;
    ff_activations_init(&s, l, false);
    ff_activations_init(&t, l, true);
    s.inputs = job->isolated;
    s.wanted = job->entire ? NULL : job->isolated;
    s.store = a->source_store;
    t.store = a->target_store;
    int image = job->p->images[index];
    int rc = ff_activations_run(&s, a->source.at[worker], image, a->task, NULL);
    if (rc == FF_OK && job->entire)
        rc = ff_activations_run(&t, a->target.at[worker], image, a->task, NULL);
    int64_t start = ff_now_ns();
    for (int i = 0; i < l->count && rc == FF_OK && job->entire; i++)
        if (s.out[i] && t.out[i])
            add_tensors(s.out[i], t.out[i], &at[i].entire, &at[i].source);
    ff_spend("analysis", "distances", ff_now_ns() - start, 1);
    if (rc == FF_OK)
        rc = isolate_layers(a, &s, &t, worker, image, job->isolated, at);
    activations_done(a, &s, &t);
    if (rc == FF_OK && a->task && a->task->progress)
        ff_progress_add(a->task->progress, 1);
    return rc;
}

static double relative(double distance, double norm)
{
    if (!(norm > 0))
        return distance > 0 ? INFINITY : 0;
    return sqrt(distance / norm);
}

/* Own errors of the layers that may have one, and entire errors; `rest`: of layers that were not tested only. */
static int sum_errors(analysis *a, const sample *p, bool rest, layer_sums *at)
{
    int n = p->n_similar + p->n_dissimilar, count = a->layers.count;
    bool any = !rest;
    sum_job job = {a, p, !rest, ff_alloc_array((size_t)count + 1, sizeof(bool)), at};
    for (int i = 0; i < count; i++) {
        job.isolated[i] = a->layers.at[i].round >= 0 && (!rest || same_values(a, i));
        any |= job.isolated[i];
    }
    if (!any) {
        free(job.isolated);
        return FF_OK;
    }
    if (a->task && a->task->progress)
        ff_progress_start(a->task->progress, "comparing activations", n);
    const ff_part part = {at, (size_t)count * sizeof *at};
    int rc = ff_share_for(a->task, n, p->images, sum_image, &job, &part, 1);
    free(job.isolated);
    return rc;
}

static void score_errors(analysis *a, const sample *p, const layer_sums *at)
{
    int n = p->n_similar + p->n_dissimilar, count = a->layers.count;
    for (int i = 0; i < count; i++) {
        layer_sums total = {0};
        for (int k = 0; k < n; k++) {
            const layer_sums *x = &at[(size_t)k * (size_t)count + (size_t)i];
            total.entire += x->entire;
            total.source += x->source;
            total.isolated += x->isolated;
            total.reference += x->reference;
        }
        const ff_layer *l = &a->layers.at[i];
        ff_layer_score *score = &a->scores->at[i];
        if (!l->misfit)
            score->entire = relative(total.entire, total.source);
        else if (!l->follows)
            score->entire = score->isolated = INFINITY;
        if (l->same)
            score->isolated = 0;
        else if (l->round >= 0)
            score->isolated = relative(total.isolated, total.reference);
    }
}

/* -------------------------------------------------------------------------------------- ranks */

typedef struct entry {
    int layer;
    double key;
} entry;

static int by_key(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (isnan(x->key) || isnan(y->key)) {
        if (isnan(x->key) != isnan(y->key))
            return isnan(x->key) ? 1 : -1;
    } else if (x->key != y->key) {
        return x->key > y->key ? -1 : 1;
    }
    return x->layer - y->layer;
}

/* Largest key first; ties in the order of the network. */
static void rank(entry *e, int n, double *ranks)
{
    qsort(e, (size_t)n, sizeof *e, by_key);
    for (int i = 0; i < n; i++)
        ranks[e[i].layer] += i + 1;
}

static void rank_by(ff_layer_scores *scores, double (*key)(const ff_layer_score *))
{
    entry *e = ff_alloc_array((size_t)scores->count + 1, sizeof *e);
    double *ranks = ff_alloc_array((size_t)scores->count + 1, sizeof *ranks);
    for (int i = 0; i < scores->count; i++)
        e[i] = (entry){i, key(&scores->at[i])};
    rank(e, scores->count, ranks);
    for (int i = 0; i < scores->count; i++)
        scores->at[i].rank = (int)ranks[i];
    free(e);
    free(ranks);
}

/* What a layer does wrong by itself; where that could not be found out, what arrives. */
static double own_error(const ff_layer_score *s)
{
    return isnan(s->isolated) ? s->entire : s->isolated;
}

/* Three samples of similar images, ranks summed (the smallest sum first). */
static int analyse_paper(analysis *a)
{
    int repeats = a->o->repeats > 0 ? a->o->repeats : REPEATS, count = a->layers.count, rc = FF_OK;
    double *ranks = ff_alloc_array((size_t)count + 1, sizeof *ranks);
    double *share = ff_alloc_array((size_t)count + 1, sizeof *share),
           *effect = ff_alloc_array((size_t)count + 1, sizeof *effect);
    entry *e = ff_alloc_array((size_t)count + 1, sizeof *e);
    int done = 0;
    for (int r = 0; r < repeats && rc == FF_OK; r++) {
        sample p;
        draw(a, a->s->seed + 1000 * (uint64_t)r, &p);
        if (p.n_similar > 0 && p.n_dissimilar > 0) {
            ff_kruskal_sum *sums = ff_alloc_array((size_t)count + 1, sizeof *sums);
            rc = test_layers(a, &p, sums, NULL);
            for (int i = 0; i < count && rc == FF_OK; i++) {
                double x = sums[i].elements ? (double)sums[i].flagged / (double)sums[i].elements : 0;
                share[i] += x;
                effect[i] += sums[i].elements ? sums[i].effect / (double)sums[i].elements : 0;
                e[i] = (entry){i, x};
            }
            if (rc == FF_OK) {
                rank(e, count, ranks);
                done++;
            }
            free(sums);
        }
        sample_finish(&p);
    }
    for (int i = 0; i < count && rc == FF_OK; i++) {
        a->scores->at[i].kw = done ? share[i] / done : NAN;
        a->scores->at[i].effect = done ? effect[i] / done : NAN;
        e[i] = (entry){i, -ranks[i]};
    }
    if (rc == FF_OK) {
        memset(ranks, 0, (size_t)count * sizeof *ranks);
        rank(e, count, ranks);
        for (int i = 0; i < count; i++)
            a->scores->at[i].rank = (int)ranks[i];
    }
    free(ranks);
    free(share);
    free(effect);
    free(e);
    return rc;
}

static int analyse_exact(analysis *a)
{
    int count = a->layers.count;
    sample p;
    draw(a, a->s->seed, &p);
    int n = p.n_similar + p.n_dissimilar, rc = FF_OK;
    bool tested = p.n_similar > 0 && p.n_dissimilar > 0;
    layer_sums *at = ff_alloc_array((size_t)n * (size_t)count + 1, sizeof *at);
    if (tested) {
        ff_kruskal_sum *sums = ff_alloc_array((size_t)count + 1, sizeof *sums);
        rc = test_layers(a, &p, sums, at);
        for (int i = 0; i < count && rc == FF_OK; i++) {
            if (a->layers.at[i].misfit)
                continue;
            double share = sums[i].elements ? (double)sums[i].flagged / (double)sums[i].elements : 0;
            a->scores->at[i].kw = fmax(0, share - 0.05);
            a->scores->at[i].effect = sums[i].elements ? sums[i].effect / (double)sums[i].elements : 0;
        }
        free(sums);
    }
    if (rc == FF_OK)
        rc = sum_errors(a, &p, tested, at);
    if (rc == FF_OK)
        score_errors(a, &p, at);
    free(at);
    if (rc == FF_OK && a->o->causal)
        rc = test_causes(a, &p);
    sample_finish(&p);
    if (rc == FF_OK)
        rank_by(a->scores, own_error);
    return rc;
}

static void open_stores(analysis *a)
{
    uint64_t memory = analysis_memory(a);
    a->source_store = ff_store_create(memory / 8 * 3);
    a->target_store = ff_store_create(memory / 8 * 3);
    if (ff_key_equal(ff_feed_key(a->s->source.feed), ff_feed_key(a->s->target.feed)))
        ff_store_set_behind(a->target_store, a->source_store);
}

int ff_analyse(const ff_subject *s, const ff_analysis_options *o, const ff_task *task, ff_layer_scores **out)
{
    static const ff_analysis_options defaults;
    analysis a = {.s = s, .o = o ? o : &defaults, .task = task};
    a.scores = ff_alloc(sizeof *a.scores);
    int rc = FF_OK;
    if (s->alignment && s->target.observe && s->target.feed && !s->target.error)
        ff_layers_init(&a.layers, s, a.o->core_ops);
    a.scores->count = a.layers.count;
    a.scores->at = ff_alloc_array((size_t)a.layers.count + 1, sizeof *a.scores->at);
    for (int i = 0; i < a.layers.count; i++)
        a.scores->at[i] = (ff_layer_score){.pair = a.layers.at[i].pair,
                                           .kw = NAN,
                                           .effect = NAN,
                                           .entire = NAN,
                                           .isolated = NAN,
                                           .causal = NAN,
                                           .elements = a.layers.at[i].elements};
    if (a.layers.count > 0) {
        rc = ff_runners_init(&a.source, s->source.observe, task);
        if (rc == FF_OK)
            rc = ff_runners_init(&a.target, s->target.observe, task);
        if (rc == FF_OK)
            open_stores(&a);
        if (rc == FF_OK)
            rc = a.o->paper ? analyse_paper(&a) : analyse_exact(&a);
        a.scores->flops = ff_runners_flops(&a.source) + ff_runners_flops(&a.target);
        a.scores->flops_full = (double)atomic_load(&a.source_runs) * ff_plan_flops(s->source.observe) +
                               (double)atomic_load(&a.target_runs) * ff_plan_flops(s->target.observe);
        ff_store_destroy(a.source_store);
        ff_store_destroy(a.target_store);
        ff_runners_finish(&a.source);
        ff_runners_finish(&a.target);
        if (task && task->progress)
            ff_progress_finish(task->progress);
    }
    ff_layers_finish(&a.layers);
    if (rc != FF_OK) {
        ff_layer_scores_destroy(a.scores);
        return rc;
    }
    *out = a.scores;
    return FF_OK;
}

void ff_layer_scores_destroy(ff_layer_scores *s)
{
    if (!s)
        return;
    free(s->at);
    free(s);
}
