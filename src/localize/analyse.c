/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the error begins: layer scores (DESIGN.md section 2, FACTS.md section 6). The images of a sample run through
 * both sides; nothing is kept but sums, and for Kruskal-Wallis as many elements at a time as the memory allows. */
#include "localize/kruskal.h"
#include "localize/layers.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLE = 100, REPEATS = 3 };
#define SLAB ((uint64_t)1 << 30) /* bytes of differences at a time, at most */

typedef struct analysis {
    const ff_subject *s;
    const ff_analysis_options *o;
    const ff_task *task;
    ff_layers layers;
    ff_runners source, target;
    ff_store *source_store, *target_store; /* where a later pass over the images begins */
    atomic_llong source_runs, target_runs;
    ff_layer_scores *scores;
} analysis;

/* The activations of an image were all there is to run on this worker. */
static void activations_done(analysis *a, ff_activations *s, ff_activations *t)
{
    atomic_fetch_add(&a->source_runs, s->runs);
    atomic_fetch_add(&a->target_runs, t->runs);
    ff_activations_finish(s);
    ff_activations_finish(t);
}

/* Which images: similar (labels agree) first, then dissimilar. */
typedef struct sample {
    int n_similar, n_dissimilar;
    int *images;
} sample;

static void sample_finish(sample *p)
{
    free(p->images);
}

static void draw(const analysis *a, uint64_t seed, sample *out)
{
    const ff_subject *s = a->s;
    int count = s->target.labels->count, most = a->o->sample > 0 ? a->o->sample : SAMPLE;
    int *right = ff_alloc_array((size_t)count + 1, sizeof *right), *wrong = ff_alloc_array((size_t)count + 1, sizeof *wrong);
    int n_right = 0, n_wrong = 0;
    for (int i = 0; i < count; i++) {
        int label = s->target.labels->at[i].top[0];
        if (label >= 0 && label + s->offset == s->source.labels->at[i].top[0])
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

typedef struct layer_sums {
    double entire, source, isolated, reference;
} layer_sums;

typedef struct sum_job {
    analysis *a;
    const sample *p;
    layer_sums *at; /* [image of the sample][layer] */
} sum_job;

static void add_distance(const ff_tensor *s, const ff_tensor *t, double *distance, double *norm)
{
    const float *x = s->data, *y = t->data;
    double d = 0, n = 0;
    for (int64_t i = 0; i < s->count; i++) {
        double e = (double)y[i] - x[i];
        d += e * e;
        n += (double)x[i] * x[i];
    }
    *distance += d;
    *norm += n;
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
    s.inputs = true;
    s.store = a->source_store;
    t.store = a->target_store;
    int image = job->p->images[index];
    int rc = ff_activations_run(&s, a->source.at[worker], image, a->task, NULL);
    if (rc == FF_OK)
        rc = ff_activations_run(&t, a->target.at[worker], image, a->task, NULL);
    int64_t start = ff_now_ns();
    for (int i = 0; i < l->count && rc == FF_OK; i++)
        if (s.out[i] && t.out[i])
            add_distance(s.out[i], t.out[i], &at[i].entire, &at[i].source);
    ff_spend("analysis", "distances", ff_now_ns() - start, 1);
    for (int round = 0; round < l->rounds && rc == FF_OK; round++) {
        ff_activations_clear(&t);
        t.inject = &s;
        t.round = round;
        rc = ff_activations_run(&t, a->target.at[worker], image, a->task, NULL);
        for (int i = 0; i < l->count && rc == FF_OK; i++)
            if (l->at[i].round == round && s.out[i] && t.out[i])
                add_distance(s.out[i], t.out[i], &at[i].isolated, &at[i].reference);
    }
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

static int sum_errors(analysis *a, const sample *p)
{
    int n = p->n_similar + p->n_dissimilar, count = a->layers.count;
    sum_job job = {a, p, ff_alloc_array((size_t)n * (size_t)count + 1, sizeof(layer_sums))};
    if (a->task && a->task->progress)
        ff_progress_start(a->task->progress, "comparing activations", n);
    const ff_part part = {job.at, (size_t)count * sizeof *job.at};
    int rc = ff_share_for(a->task, n, p->images, sum_image, &job, &part, 1);
    for (int i = 0; i < count && rc == FF_OK; i++) {
        layer_sums total = {0};
        for (int k = 0; k < n; k++) {
            const layer_sums *x = &job.at[(size_t)k * (size_t)count + (size_t)i];
            total.entire += x->entire;
            total.source += x->source;
            total.isolated += x->isolated;
            total.reference += x->reference;
        }
        a->scores->at[i].entire = relative(total.entire, total.source);
        if (a->layers.at[i].round >= 0)
            a->scores->at[i].isolated = relative(total.isolated, total.reference);
    }
    free(job.at);
    return rc;
}

/* ------------------------------------------------------------- Kruskal-Wallis, a slab at a time */

/* Elements [from, to) of a layer, at `column` of the slab. */
typedef struct segment {
    int layer;
    int64_t from, to, column;
} segment;

typedef struct slab {
    analysis *a;
    const sample *p;
    int n_segments;
    segment *segments;
    bool *wanted;
    int64_t width;
    float *values; /* [image][column]: Target - Source */
    ff_kruskal_sum *sums; /* by tile, added up in order */
} slab;

static int fill_row(void *context, int64_t index, int worker)
{
    slab *b = context;
    analysis *a = b->a;
    ff_activations s, t;
    ff_activations_init(&s, &a->layers, false);
    ff_activations_init(&t, &a->layers, true);
    s.wanted = t.wanted = b->wanted;
    s.store = a->source_store;
    t.store = a->target_store;
    int image = b->p->images[index];
    int rc = ff_activations_run(&s, a->source.at[worker], image, a->task, NULL);
    if (rc == FF_OK)
        rc = ff_activations_run(&t, a->target.at[worker], image, a->task, NULL);
    float *row = b->values + index * b->width;
    for (int i = 0; i < b->n_segments && rc == FF_OK; i++) {
        const segment *g = &b->segments[i];
        if (!s.out[g->layer] || !t.out[g->layer]) {
            rc = ff_fail(FF_ERR_INTERNAL, "an activation was not given");
            break;
        }
        const float *x = s.out[g->layer]->data, *y = t.out[g->layer]->data;
        for (int64_t k = g->from; k < g->to; k++)
            row[g->column + k - g->from] = y[k] - x[k];
    }
    activations_done(a, &s, &t);
    return rc;
}

enum { TILE = 8192 };

typedef struct tile {
    int segment;
    int64_t from;
    size_t n;
} tile;

typedef struct tile_job {
    const slab *b;
    const tile *tiles;
    ff_kruskal_sum *sums;
} tile_job;

static int test_tile(void *context, int64_t index, int worker)
{
    (void)worker;
    const tile_job *j = context;
    const slab *b = j->b;
    int n = b->p->n_similar + b->p->n_dissimilar;
    const float **rows = ff_alloc_array((size_t)n + 1, sizeof *rows);
    for (int i = 0; i < n; i++)
        rows[i] = b->values + i * b->width + j->tiles[index].from;
    int64_t start = ff_now_ns();
    ff_kruskal_columns(rows, b->p->n_similar, b->p->n_dissimilar, j->tiles[index].n, &j->sums[index]);
    ff_spend("analysis", "Kruskal-Wallis", ff_now_ns() - start, 1);
    free(rows);
    return FF_OK;
}

/* In a team a process ran its images only, and tests its elements only, of all images: each gets the columns of its
 * tiles. owners[i]: whose tile i is; consecutive ones are one process's, so that its columns are one range. */
static int *deal_tiles(slab *b, const tile *tiles, size_t n_tiles)
{
    const ff_task *task = b->a->task;
    ff_team *team = task ? task->team : NULL;
    size_t size = (size_t)ff_team_size(team);
    int *owners = ff_alloc_array(n_tiles + 1, sizeof *owners), *columns = ff_alloc_array(size, sizeof *columns);
    for (size_t i = 0; i < n_tiles; i++) {
        owners[i] = (int)(i * size / n_tiles);
        columns[owners[i]] += (int)tiles[i].n;
    }
    for (int i = 0; team && i < b->p->n_similar + b->p->n_dissimilar; i++)
        ff_team_scatter(team, ff_share_owner(task, b->p->images, i), b->values + i * b->width, columns);
    free(columns);
    return owners;
}

static int test_slab(slab *b, ff_kruskal_sum *by_layer)
{
    analysis *a = b->a;
    int rc = ff_share_for(a->task, b->p->n_similar + b->p->n_dissimilar, b->p->images, fill_row, b, NULL, 0);
    if (rc != FF_OK)
        return rc;
    size_t n_tiles = 0, capacity = 0;
    tile *tiles = NULL;
    for (int i = 0; i < b->n_segments; i++) {
        const segment *g = &b->segments[i];
        for (int64_t k = 0; k < g->to - g->from; k += TILE) {
            ff_grow(&tiles, &capacity, n_tiles + 1, sizeof *tiles);
            int64_t left = g->to - g->from - k;
            tiles[n_tiles++] = (tile){i, g->column + k, (size_t)(left < TILE ? left : TILE)};
        }
    }
    tile_job job = {b, tiles, ff_alloc_array(n_tiles + 1, sizeof(ff_kruskal_sum))};
    int *owners = deal_tiles(b, tiles, n_tiles);
    const ff_part part = {job.sums, sizeof *job.sums};
    rc = ff_share_for(a->task, (int64_t)n_tiles, owners, test_tile, &job, &part, 1);
    free(owners);
    for (size_t i = 0; i < n_tiles && rc == FF_OK; i++) {
        ff_kruskal_sum *sum = &by_layer[b->segments[tiles[i].segment].layer];
        sum->elements += job.sums[i].elements;
        sum->flagged += job.sums[i].flagged;
        sum->effect += job.sums[i].effect;
    }
    if (rc == FF_OK && a->task && a->task->progress)
        ff_progress_add(a->task->progress, b->width);
    free(job.sums);
    free(tiles);
    return rc;
}

/* Do both sides provably compute the same bits here? */
static bool same_values(const analysis *a, int layer)
{
    const ff_side *s = &a->s->source, *t = &a->s->target;
    const ff_layer *l = &a->layers.at[layer];
    const ff_key *x = ff_plan_key(s->observe, l->source->original), *y = ff_plan_key(t->observe, l->target->original);
    return x && y && ff_key_equal(x, y) && ff_key_equal(ff_feed_key(s->feed), ff_feed_key(t->feed)) &&
           ff_layout_identity(&l->source->layout) && ff_layout_identity(&l->target->layout);
}

/* Share of flagged elements and mean effect of each layer under one sample. */
static int test_layers(analysis *a, const sample *p, ff_kruskal_sum *by_layer)
{
    const ff_layers *l = &a->layers;
    int n = p->n_similar + p->n_dissimilar;
    uint64_t memory = a->o->memory && a->o->memory < SLAB ? a->o->memory : SLAB;
    int64_t total = 0, capacity = (int64_t)(memory / ((uint64_t)n * sizeof(float)));
    for (int i = 0; i < l->count; i++) {
        if (same_values(a, i))
            by_layer[i].elements = l->at[i].elements; /* no difference, nothing flagged */
        else
            total += l->at[i].elements;
    }
    if (total == 0)
        return FF_OK;
    capacity = capacity < TILE ? TILE : capacity > total ? total : capacity;
    slab b = {.a = a, .p = p};
    b.values = ff_try_alloc((size_t)n * (size_t)capacity * sizeof *b.values);
    if (!b.values)
        return FF_ERR_NOMEM;
    b.segments = ff_alloc_array((size_t)l->count + 1, sizeof *b.segments);
    b.wanted = ff_alloc_array((size_t)l->count + 1, sizeof *b.wanted);
    if (a->task && a->task->progress)
        ff_progress_start(a->task->progress, "testing activations", total);
    int layer = 0, rc = FF_OK;
    int64_t from = 0;
    while (layer < l->count && rc == FF_OK) {
        b.n_segments = 0;
        b.width = 0;
        memset(b.wanted, 0, (size_t)l->count * sizeof *b.wanted);
        while (layer < l->count && b.width < capacity) {
            if (from == 0 && same_values(a, layer)) {
                layer++;
                continue;
            }
            int64_t left = l->at[layer].elements - from, room = capacity - b.width;
            int64_t take = left < room ? left : room;
            b.segments[b.n_segments++] = (segment){layer, from, from + take, b.width};
            b.wanted[layer] = true;
            b.width += take;
            from += take;
            if (from == l->at[layer].elements) {
                layer++;
                from = 0;
            }
        }
        if (b.width > 0)
            rc = test_slab(&b, by_layer);
    }
    free(b.values);
    free(b.segments);
    free(b.wanted);
    return rc;
}

/* ------------------------------------------------------------------------------------- causal */

typedef struct causal_job {
    analysis *a;
    const sample *p;
    bool *right; /* [image][layer] */
} causal_job;

static int causal_image(void *context, int64_t index, int worker)
{
    causal_job *job = context;
    analysis *a = job->a;
    const ff_layers *l = &a->layers;
    int image = job->p->images[job->p->n_similar + index];
    ff_activations s, t;
    ff_activations_init(&s, l, false);
    ff_activations_init(&t, l, true);
    int rc = ff_activations_run(&s, a->source.at[worker], image, a->task, NULL);
    for (int i = 0; i < l->count && rc == FF_OK; i++) {
        ff_activations_clear(&t);
        t.inject = &s;
        t.inject_output = i;
        ff_tensor *output = NULL, *values = NULL;
        rc = ff_activations_run(&t, a->target.at[worker], image, a->task, &output);
        if (rc == FF_OK)
            rc = ff_output_row(output, ff_feed_shape(a->s->target.feed), &values);
        if (rc == FF_OK) {
            ff_label label;
            ff_label_of(values, &label);
            job->right[index * l->count + i] =
                label.top[0] >= 0 && label.top[0] + a->s->offset == a->s->source.labels->at[image].top[0];
        }
        ff_tensor_unref(output);
        ff_tensor_unref(values);
    }
    activations_done(a, &s, &t);
    if (rc == FF_OK && a->task && a->task->progress)
        ff_progress_add(a->task->progress, 1);
    return rc;
}

static int test_causes(analysis *a, const sample *p)
{
    int n = p->n_dissimilar, count = a->layers.count;
    if (n == 0)
        return FF_OK;
    causal_job job = {a, p, ff_alloc_array((size_t)n * (size_t)count + 1, sizeof(bool))};
    if (a->task && a->task->progress)
        ff_progress_start(a->task->progress, "looking for causes", n);
    const ff_part part = {job.right, (size_t)count * sizeof *job.right};
    int rc = ff_share_for(a->task, n, p->images + p->n_similar, causal_image, &job, &part, 1);
    for (int i = 0; i < count && rc == FF_OK; i++) {
        int right = 0;
        for (int k = 0; k < n; k++)
            right += job.right[(size_t)k * (size_t)count + (size_t)i];
        a->scores->at[i].causal = (double)right / n;
    }
    free(job.right);
    return rc;
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
    double *share = ff_alloc_array((size_t)count + 1, sizeof *share), *effect = ff_alloc_array((size_t)count + 1, sizeof *effect);
    entry *e = ff_alloc_array((size_t)count + 1, sizeof *e);
    int done = 0;
    for (int r = 0; r < repeats && rc == FF_OK; r++) {
        sample p;
        draw(a, a->s->seed + 1000 * (uint64_t)r, &p);
        if (p.n_similar > 0 && p.n_dissimilar > 0) {
            ff_kruskal_sum *sums = ff_alloc_array((size_t)count + 1, sizeof *sums);
            rc = test_layers(a, &p, sums);
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
    int rc = sum_errors(a, &p);
    if (rc == FF_OK && p.n_similar > 0 && p.n_dissimilar > 0) {
        ff_kruskal_sum *sums = ff_alloc_array((size_t)count + 1, sizeof *sums);
        rc = test_layers(a, &p, sums);
        for (int i = 0; i < count && rc == FF_OK; i++) {
            double share = sums[i].elements ? (double)sums[i].flagged / (double)sums[i].elements : 0;
            a->scores->at[i].kw = fmax(0, share - 0.05);
            a->scores->at[i].effect = sums[i].elements ? sums[i].effect / (double)sums[i].elements : 0;
        }
        free(sums);
    }
    if (rc == FF_OK && a->o->causal)
        rc = test_causes(a, &p);
    sample_finish(&p);
    if (rc == FF_OK)
        rank_by(a->scores, own_error);
    return rc;
}

static void open_stores(analysis *a)
{
    uint64_t memory = a->o->memory && a->o->memory < SLAB ? a->o->memory : SLAB;
    int images = 2 * (a->o->sample > 0 ? a->o->sample : SAMPLE), count = a->s->target.labels->count;
    a->source_store = ff_store_create(memory / 4);
    a->target_store = ff_store_create(memory / 4);
    ff_store_choose(a->source_store, a->s->source.observe, images < count ? images : count);
    ff_store_choose(a->target_store, a->s->target.observe, images < count ? images : count);
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
        a.scores->at[i] = (ff_layer_score){.pair = a.layers.at[i].pair, .kw = NAN, .effect = NAN, .entire = NAN,
                                           .isolated = NAN, .causal = NAN, .elements = a.layers.at[i].elements};
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
