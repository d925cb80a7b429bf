/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The first layer that diverges, by bisection. A cut parts the network: behind it is what has been
 * computed, and the values that cross it are all that the rest depends on. Where both models agree in
 * them, everything wrong lies after the cut; so the place where agreement ends is found in log2 of the
 * number of cuts, each a run of both models that stops at the cut.
 */
#include <math.h>
#include <stdlib.h>

#include "examine/layers.h"

/* Folding rounds by 1e-6 and that adds up along a network; the mildest fault, float16, is at 2e-4. */
#define AGREES 1e-4

/* What one side of a cut is watched for. */
typedef struct watch {
    int n, left;
    const ff_cvalue **values;
    ff_tensor **seen;
} watch;

typedef struct bisection {
    const ff_subject *s;
    const ff_task *task;
    ff_runner *source, *target;
    int image;
    watch a, b;
    int *last_use; /* by Source value: the last node that reads it; n_nodes: an output */
    double error;  /* at the last cut that was looked at */
    int runs;
} bisection;

static void watch_init(watch *w, int most)
{
    w->values = ff_alloc_array((size_t)most + 1, sizeof *w->values);
    w->seen = ff_alloc_array((size_t)most + 1, sizeof *w->seen);
}

static void watch_clear(watch *w)
{
    for (int i = 0; i < w->n; i++)
        ff_tensor_unref(w->seen[i]);
    w->n = 0;
}

static void watch_finish(watch *w)
{
    watch_clear(w);
    free(w->values);
    free(w->seen);
}

static void watch_add(watch *w, const ff_cvalue *v)
{
    w->values[w->n] = v;
    w->seen[w->n++] = NULL;
}

static bool ask(void *context, const ff_value *v)
{
    const watch *w = context;
    for (int i = 0; i < w->n; i++)
        if (w->values[i]->original == v)
            return true;
    return false;
}

static int give(void *context, const ff_value *v, const ff_tensor *t)
{
    watch *w = context;
    for (int i = 0; i < w->n; i++) {
        if (w->values[i]->original != v || w->seen[i])
            continue;
        ff_tensor *f;
        int rc = ff_tensor_convert(t, FF_FLOAT, &f);
        if (rc == FF_OK)
            rc = ff_cvalue_from_original(w->values[i], f, &w->seen[i]);
        ff_tensor_unref(f);
        if (rc != FF_OK)
            return rc;
        w->left--;
    }
    return w->left ? FF_OK : FF_STOP;
}

static int run(bisection *b, bool target, watch *w)
{
    const ff_side *side = target ? &b->s->target : &b->s->source;
    ff_feeds feeds;
    int rc = ff_feed_take(side->feed, b->image, &feeds);
    if (rc != FF_OK)
        return rc;
    w->left = w->n;
    ff_hooks hooks = {.context = w, .ask = ask, .give = give, .cancel = b->task ? b->task->cancel : NULL};
    int n = ff_plan_outputs(side->observe);
    ff_tensor **out = ff_alloc_array((size_t)n + 1, sizeof *out);
    rc = ff_run(target ? b->target : b->source, feeds.at, &hooks, NULL, b->image, out);
    for (int i = 0; i < n; i++)
        ff_tensor_unref(out[i]);
    free(out);
    ff_feeds_drop(&feeds);
    return rc == FF_STOP ? FF_OK : rc;
}

static double distance(const ff_tensor *a, const ff_tensor *b)
{
    const float *x = a->data, *y = b->data;
    double difference = 0, norm = 0;
    for (int64_t i = 0; i < a->count; i++) {
        double d = (double)y[i] - x[i];
        difference += d * d;
        norm += (double)x[i] * x[i];
    }
    if (!isfinite(difference))
        return INFINITY;
    return norm > 0 ? sqrt(difference / norm) : difference > 0 ? INFINITY : 0;
}

/* --------------------------------------------------------------------------------------- cuts */

static void find_last_uses(bisection *b)
{
    const ff_canon *c = b->s->source.canon;
    for (int v = 0; v < c->n_values; v++) {
        b->last_use[v] = -1;
        for (int i = 0; i < c->values[v].n_users; i++)
            if (c->values[v].users[i] > b->last_use[v])
                b->last_use[v] = c->values[v].users[i];
    }
    for (int i = 0; i < c->n_outputs; i++)
        b->last_use[c->outputs[i]] = c->n_nodes;
}

/* The values that cross the cut before Source node `at`, on both sides; false where one of them has no
 * counterpart. */
static bool look_at(bisection *b, int at)
{
    const ff_canon *c = b->s->source.canon, *d = b->s->target.canon;
    watch_clear(&b->a);
    watch_clear(&b->b);
    for (int v = 0; v < c->n_values; v++) {
        const ff_cvalue *x = &c->values[v];
        if (x->producer >= at || b->last_use[v] < at)
            continue;
        int other = b->s->alignment->value_of_source[v];
        const ff_cvalue *y = other >= 0 ? &d->values[other] : NULL;
        if (!y || !x->original || !y->original || !ff_cvalues_alike(x, y))
            return false;
        watch_add(&b->a, x);
        watch_add(&b->b, y);
    }
    return b->a.n > 0;
}

static int agrees(bisection *b, int cut, bool *yes)
{
    look_at(b, cut);
    int rc = run(b, false, &b->a);
    if (rc == FF_OK)
        rc = run(b, true, &b->b);
    b->runs++;
    b->error = 0;
    for (int i = 0; i < b->a.n && rc == FF_OK; i++) {
        if (!b->a.seen[i] || !b->b.seen[i])
            return ff_fail(FF_ERR_INTERNAL, "an activation was not given");
        b->error = fmax(b->error, distance(b->a.seen[i], b->b.seen[i]));
    }
    *yes = b->error <= AGREES;
    return rc;
}

/* ---------------------------------------------------------------------------------- bisection */

static int bisect(bisection *b, ff_divergence *out)
{
    int n = b->s->source.canon->n_nodes, count = 0, rc;
    int *cuts = ff_alloc_array((size_t)n + 2, sizeof *cuts);
    bool yes;
    for (int i = 0; i <= n; i++)
        if (look_at(b, i))
            cuts[count++] = i;
    if (count == 0) {
        free(cuts);
        return FF_OK;
    }
    /* before: agrees (-1: nothing is known to); after: does not. */
    int before = -1, after = count - 1;
    rc = agrees(b, cuts[after], &yes);
    if (rc == FF_OK && !yes) {
        double error = b->error;
        while (after - before > 1 && rc == FF_OK) {
            int middle = before + (after - before) / 2;
            rc = agrees(b, cuts[middle], &yes);
            if (yes) {
                before = middle;
            } else {
                after = middle;
                error = b->error;
            }
        }
        out->found = rc == FF_OK;
        out->pair = cuts[after] == 0 ? -1 : b->s->alignment->of_source[before < 0 ? 0 : cuts[before]];
        out->last = cuts[after] == 0 ? -1 : b->s->alignment->of_source[cuts[after] - 1];
        out->error = error;
    }
    out->runs = b->runs;
    free(cuts);
    return rc;
}

/* The first image whose labels differ; the first of all when none does. */
static int image_of(const ff_subject *s)
{
    for (int i = 0; i < s->target.labels->count; i++)
        if (s->target.labels->at[i].top[0] + s->offset != s->source.labels->at[i].top[0])
            return i;
    return 0;
}

int ff_bisect(const ff_subject *s, const ff_task *task, ff_divergence *out)
{
    *out = (ff_divergence){.pair = -1, .last = -1, .image = -1};
    if (!s->alignment || !s->target.observe || !s->target.feed || s->target.error || s->target.labels->count < 1)
        return FF_OK;
    int values = s->source.canon->n_values;
    bisection b = {.s = s, .task = task, .image = image_of(s)};
    watch_init(&b.a, values);
    watch_init(&b.b, values);
    b.last_use = ff_alloc_array((size_t)values + 1, sizeof *b.last_use);
    find_last_uses(&b);
    out->image = b.image;
    int rc = ff_runner_create(s->source.observe, &b.source);
    if (rc == FF_OK)
        rc = ff_runner_create(s->target.observe, &b.target);
    if (rc == FF_OK)
        rc = bisect(&b, out);
    ff_runner_destroy(b.source);
    ff_runner_destroy(b.target);
    watch_finish(&b.a);
    watch_finish(&b.b);
    free(b.last_use);
    return rc;
}
