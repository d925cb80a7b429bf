/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kruskal-Wallis over every element of the layers, as many at a time as the memory allows: a slab of differences, a row
 * an image, which is tested tile by tile. */
#include "examine/analysis.h"

#include <stdlib.h>
#include <string.h>

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
    bool *wanted, *isolated; /* by layer: it has a segment; its first one, and may err by itself */
    int64_t width;
    float *values;        /* [image][column]: Target - Source */
    ff_kruskal_sum *sums; /* by tile, added up in order */
    layer_sums *errors;   /* [image][layer], or NULL: not wanted */
} slab;

static int fill_row(void *context, int64_t index, int worker)
{
    slab *b = context;
    analysis *a = b->a;
    ff_activations s, t;
    ff_activations_init(&s, &a->layers, false);
    ff_activations_init(&t, &a->layers, true);
    s.wanted = t.wanted = b->wanted;
    s.inputs = b->errors ? b->isolated : NULL;
    s.store = a->source_store;
    t.store = a->target_store;
    int image = b->p->images[index];
    int rc = ff_activations_run(&s, a->source.at[worker], image, a->task, NULL);
    if (rc == FF_OK)
        rc = ff_activations_run(&t, a->target.at[worker], image, a->task, NULL);
    float *row = b->values + index * b->width;
    int64_t start = ff_now_ns();
    for (int i = 0; i < b->n_segments && rc == FF_OK; i++) {
        const segment *g = &b->segments[i];
        if (!s.out[g->layer] || !t.out[g->layer]) {
            rc = ff_fail(FF_ERR_INTERNAL, "an activation was not given");
            break;
        }
        const float *x = s.out[g->layer]->data, *y = t.out[g->layer]->data;
        for (int64_t k = g->from; k < g->to; k++)
            row[g->column + k - g->from] = y[k] - x[k];
        if (b->errors) {
            layer_sums *e = &b->errors[index * a->layers.count + g->layer];
            add_distance(x + g->from, y + g->from, g->to - g->from, &e->entire, &e->source);
        }
    }
    ff_spend("analysis", "distances", ff_now_ns() - start, 1);
    if (rc == FF_OK && b->errors)
        rc = isolate_layers(a, &s, &t, worker, image, b->isolated, b->errors + index * a->layers.count);
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
    int n = b->p->n_similar + b->p->n_dissimilar, *rows = ff_alloc_array((size_t)n + 1, sizeof *rows);
    for (int i = 0; i < n; i++)
        rows[i] = ff_share_owner(task, b->p->images, i);
    ff_team_deal(team, b->values, n, rows, columns);
    free(rows);
    free(columns);
    return owners;
}

static int test_slab(slab *b, ff_kruskal_sum *by_layer)
{
    analysis *a = b->a;
    const ff_part errors = {b->errors, (size_t)a->layers.count * sizeof *b->errors};
    int rc = ff_share_for(a->task, b->p->n_similar + b->p->n_dissimilar, b->p->images, fill_row, b, &errors,
                          b->errors ? 1 : 0);
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

bool same_values(const analysis *a, int layer)
{
    const ff_side *s = &a->s->source, *t = &a->s->target;
    const ff_layer *l = &a->layers.at[layer];
    const ff_key *x = ff_plan_key(s->observe, l->source->original), *y = ff_plan_key(t->observe, l->target->original);
    return x && y && ff_key_equal(x, y) && ff_key_equal(ff_feed_key(s->feed), ff_feed_key(t->feed)) &&
           ff_layout_identity(&l->source->layout) && ff_layout_identity(&l->target->layout);
}

/* How far the layers have been dealt with. */
typedef struct progress {
    int layer;
    int64_t from;
} progress;

/* The next elements, `capacity` of them at most; false: there are none. */
static bool next_slab(slab *b, int64_t capacity, progress *at)
{
    const ff_layers *l = &b->a->layers;
    b->n_segments = 0;
    b->width = 0;
    memset(b->wanted, 0, (size_t)l->count * sizeof *b->wanted);
    memset(b->isolated, 0, (size_t)l->count * sizeof *b->isolated);
    while (at->layer < l->count && b->width < capacity) {
        const ff_layer *layer = &l->at[at->layer];
        if (layer->misfit || (at->from == 0 && same_values(b->a, at->layer))) {
            at->layer++;
            continue;
        }
        int64_t left = layer->elements - at->from, room = capacity - b->width, take = left < room ? left : room;
        b->segments[b->n_segments++] = (segment){at->layer, at->from, at->from + take, b->width};
        b->wanted[at->layer] = true;
        b->isolated[at->layer] = at->from == 0 && layer->round >= 0;
        b->width += take;
        at->from += take;
        if (at->from == layer->elements)
            *at = (progress){at->layer + 1, 0};
    }
    return b->width > 0;
}

/* Of the slab's layers, the one that is made first, or last. */
static const ff_layer *made(const slab *b, bool target, bool last)
{
    const ff_layer *found = NULL;
    int best = 0;
    for (int i = 0; i < b->n_segments; i++) {
        const ff_layer *l = &b->a->layers.at[b->segments[i].layer];
        const ff_node *n = target ? l->target->original->producer : l->source->original->producer;
        if (n && (!found || (n->index > best) == last)) {
            found = l;
            best = n->index;
        }
    }
    return found;
}

/* Each slab is a pass over the images: it begins where the last one ended, and the Target's first where it parts from the
 * Source. */
static void keep_ends(slab *b, int64_t capacity, bool target, ff_store *store, const ff_plan *plan)
{
    const ff_value **ends = NULL;
    size_t size = 0;
    int n = 0;
    for (progress at = {0}; next_slab(b, capacity, &at);) {
        const ff_layer *first = n == 0 ? made(b, target, false) : NULL, *last = made(b, target, true);
        const ff_cvalue *in = !first ? NULL : target ? first->target_in : first->source_in;
        ff_grow(&ends, &size, (size_t)n + 2, sizeof *ends);
        if (in)
            ends[n++] = in->original;
        if (last)
            ends[n++] = target ? last->target->original : last->source->original;
    }
    ff_store_choose_for(store, plan, b->p->n_similar + b->p->n_dissimilar, ends, n > 0 ? n - 1 : 0);
    free(ends);
}

int test_layers(analysis *a, const sample *p, ff_kruskal_sum *by_layer, layer_sums *errors)
{
    const ff_layers *l = &a->layers;
    int n = p->n_similar + p->n_dissimilar;
    int64_t total = 0, capacity = (int64_t)(analysis_memory(a) / ((uint64_t)n * sizeof(float)));
    for (int i = 0; i < l->count; i++) {
        if (l->at[i].misfit)
            continue;
        if (same_values(a, i))
            by_layer[i].elements = l->at[i].elements; /* no difference, nothing flagged */
        else
            total += l->at[i].elements;
    }
    if (total == 0)
        return FF_OK;
    capacity = capacity < TILE ? TILE : capacity > total ? total : capacity;
    slab b = {.a = a, .p = p, .errors = errors};
    b.values = ff_try_alloc((size_t)n * (size_t)capacity * sizeof *b.values);
    if (!b.values)
        return FF_ERR_NOMEM;
    b.segments = ff_alloc_array((size_t)l->count + 1, sizeof *b.segments);
    b.wanted = ff_alloc_array((size_t)l->count + 1, sizeof *b.wanted);
    b.isolated = ff_alloc_array((size_t)l->count + 1, sizeof *b.isolated);
    if (a->task && a->task->progress)
        ff_progress_start(a->task->progress, "testing activations", total);
    keep_ends(&b, capacity, false, a->source_store, a->s->source.observe);
    keep_ends(&b, capacity, true, a->target_store, a->s->target.observe);
    int rc = FF_OK;
    for (progress at = {0}; rc == FF_OK && next_slab(&b, capacity, &at);)
        rc = test_slab(&b, by_layer);
    free(b.values);
    free(b.segments);
    free(b.wanted);
    free(b.isolated);
    return rc;
}
