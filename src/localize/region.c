/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "localize/region.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES = 4, MOST = 256 };

bool ff_region_matched(const ff_subject *s, bool source, int cnode)
{
    const ff_alignment *a = s->alignment;
    int pair = (source ? a->of_source : a->of_target)[cnode];
    if (pair < 0)
        return false;
    const ff_pair *p = &a->pairs[pair];
    return p->source >= 0 && p->target >= 0 &&
           strcmp(s->source.canon->nodes[p->source].op, s->target.canon->nodes[p->target].op) == 0;
}

int ff_region_counterpart(const ff_subject *s, int source_cvalue)
{
    /* Not value_of_source: a fault above may have changed the shape, the place is the same. */
    const ff_canon *sc = s->source.canon, *tc = s->target.canon;
    int producer = sc->values[source_cvalue].producer;
    if (producer < 0) {
        for (int i = 0; i < sc->n_inputs && i < tc->n_inputs; i++)
            if (sc->inputs[i] == source_cvalue)
                return tc->inputs[i];
        return -1;
    }
    if (!ff_region_matched(s, true, producer))
        return -1;
    const ff_cnode *a = &sc->nodes[producer];
    const ff_cnode *b = &tc->nodes[s->alignment->pairs[s->alignment->of_source[producer]].target];
    for (int i = 0; i < a->n_outputs && i < b->n_outputs; i++)
        if (a->outputs[i] == source_cvalue)
            return b->outputs[i];
    return -1;
}

static bool boundary(const ff_subject *s, bool source, int cvalue)
{
    const ff_canon *c = source ? s->source.canon : s->target.canon;
    int producer = c->values[cvalue].producer;
    return producer < 0 || ff_region_matched(s, source, producer);
}

static int compare_ints(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Walks back over unmatched nodes; values at which it stops go to `ends`. */
static void walk(const ff_subject *s, bool source, int cvalue, bool *seen, int *nodes, int *n_nodes, int *ends, int *n_ends)
{
    const ff_canon *c = source ? s->source.canon : s->target.canon;
    if (boundary(s, source, cvalue)) {
        for (int i = 0; i < *n_ends; i++)
            if (ends[i] == cvalue)
                return;
        if (*n_ends < MOST)
            ends[(*n_ends)++] = cvalue;
        return;
    }
    int node = c->values[cvalue].producer;
    if (seen[node] || *n_nodes == MOST)
        return;
    seen[node] = true;
    nodes[(*n_nodes)++] = node;
    for (int i = 0; i < c->nodes[node].n_inputs; i++)
        walk(s, source, c->nodes[node].inputs[i], seen, nodes, n_nodes, ends, n_ends);
}

static void collect(const ff_subject *s, bool source, int cvalue, int *nodes, int *n_nodes, int *ends, int *n_ends)
{
    const ff_canon *c = source ? s->source.canon : s->target.canon;
    bool *seen = ff_alloc_array((size_t)c->n_nodes + 1, sizeof *seen);
    *n_nodes = *n_ends = 0;
    walk(s, source, cvalue, seen, nodes, n_nodes, ends, n_ends);
    qsort(nodes, (size_t)*n_nodes, sizeof *nodes, compare_ints);
    free(seen);
}

int ff_region_nodes(const ff_subject *s, bool source, int cvalue, int *nodes, int max)
{
    int all[MOST], ends[MOST], n, n_ends;
    collect(s, source, cvalue, all, &n, ends, &n_ends);
    for (int i = 0; i < n && i < max; i++)
        nodes[i] = all[i];
    return n < max ? n : max;
}

/* ----------------------------------------------------------------------- by values, with injection */

typedef struct probe {
    const ff_subject *s;
    bool target;
    int n_ends;
    const int *ends;         /* Source cvalues */
    const int *counterparts; /* Target cvalues */
    int exit;                /* cvalue of the side that runs */
    ff_tensor *values[MOST]; /* at the ends, canonical, from the Source */
    ff_tensor *held[MOST];   /* the same in the Target's form */
    ff_tensor *result;       /* canonical */
} probe;

static bool ask(void *context, const ff_value *v)
{
    const probe *p = context;
    const ff_canon *c = p->target ? p->s->target.canon : p->s->source.canon;
    if (c->values[p->exit].original == v)
        return true;
    for (int i = 0; !p->target && i < p->n_ends; i++)
        if (c->values[p->ends[i]].original == v)
            return true;
    return false;
}

static int take(const ff_cvalue *v, const ff_tensor *t, ff_tensor **out)
{
    ff_tensor *f;
    if (*out)
        return FF_OK;
    int rc = ff_tensor_convert(t, FF_FLOAT, &f);
    if (rc != FF_OK)
        return rc;
    rc = ff_cvalue_from_original(v, f, out);
    ff_tensor_unref(f);
    return rc;
}

static int give(void *context, const ff_value *v, const ff_tensor *t)
{
    probe *p = context;
    const ff_canon *c = p->target ? p->s->target.canon : p->s->source.canon;
    int rc = FF_OK;
    if (c->values[p->exit].original == v)
        rc = take(&c->values[p->exit], t, &p->result);
    for (int i = 0; !p->target && i < p->n_ends && rc == FF_OK; i++)
        if (c->values[p->ends[i]].original == v)
            rc = take(&c->values[p->ends[i]], t, &p->values[i]);
    return rc;
}

static const ff_tensor *inject(void *context, const ff_value *v)
{
    probe *p = context;
    const ff_canon *c = p->s->target.canon;
    for (int i = 0; i < p->n_ends; i++) {
        const ff_cvalue *at = &c->values[p->counterparts[i]];
        if (at->original != v || !p->values[i])
            continue;
        const ff_shape *shape = ff_plan_shape(p->s->target.observe, v);
        if (!p->held[i] && (shape->dtype != FF_FLOAT ||
                            ff_cvalue_to_original(at, shape, p->values[i], &p->held[i]) != FF_OK))
            return NULL;
        return p->held[i];
    }
    return NULL;
}

static void probe_clear(probe *p)
{
    for (int i = 0; i < p->n_ends; i++) {
        ff_tensor_unref(p->values[i]);
        ff_tensor_unref(p->held[i]);
        p->values[i] = p->held[i] = NULL;
    }
    ff_tensor_unref(p->result);
    p->result = NULL;
}

static int run_side(probe *p, ff_runner *runner, int image, const ff_task *task)
{
    const ff_subject *s = p->s;
    ff_feeds feeds;
    int rc = ff_feed_take(p->target ? s->target.feed : s->source.feed, image, &feeds);
    if (rc != FF_OK)
        return rc;
    ff_hooks hooks = {.context = p, .ask = ask, .give = give, .inject = p->target ? inject : NULL,
                      .cancel = task ? task->cancel : NULL};
    const ff_tensor *at[FF_MOST_INPUTS];
    memcpy(at, feeds.at, sizeof at);
    for (int i = 0; p->target && i < feeds.n; i++) {
        const ff_tensor *other = inject(p, ff_model_graph(s->target.model)->inputs[i]);
        at[i] = other ? other : at[i];
    }
    int n = ff_plan_outputs(p->target ? s->target.observe : s->source.observe);
    ff_tensor **out = ff_alloc_array((size_t)n + 1, sizeof *out);
    rc = ff_run(runner, at, &hooks, NULL, image, out);
    for (int i = 0; i < n; i++)
        ff_tensor_unref(out[i]);
    free(out);
    ff_feeds_drop(&feeds);
    return rc;
}

int ff_region_distance(const ff_subject *s, int source_cvalue, int target_cvalue, const ff_task *task, double *distance)
{
    *distance = INFINITY;
    if (!s->target.observe || !s->target.feed || s->target.error)
        return FF_OK;
    int nodes[MOST], ends[MOST], counterparts[MOST], n, n_ends;
    collect(s, true, source_cvalue, nodes, &n, ends, &n_ends);
    probe a = {.s = s, .n_ends = n_ends, .ends = ends, .counterparts = counterparts, .exit = source_cvalue};
    for (int i = 0; i < n_ends; i++) {
        counterparts[i] = ff_region_counterpart(s, ends[i]);
        if (counterparts[i] < 0 || !s->source.canon->values[ends[i]].original ||
            !s->target.canon->values[counterparts[i]].original)
            return FF_OK;
    }
    if (!s->source.canon->values[source_cvalue].original || !s->target.canon->values[target_cvalue].original)
        return FF_OK;
    ff_runner *source = NULL, *target = NULL;
    int rc = ff_runner_create(s->source.observe, &source);
    if (rc == FF_OK)
        rc = ff_runner_create(s->target.observe, &target);
    double d = 0, norm = 0;
    int images = s->source.labels->count < IMAGES ? s->source.labels->count : IMAGES;
    for (int i = 0; i < images && rc == FF_OK; i++) {
        a.target = false;
        a.exit = source_cvalue;
        rc = run_side(&a, source, i, task);
        ff_tensor *wanted = a.result;
        a.result = NULL;
        a.target = true;
        a.exit = target_cvalue;
        if (rc == FF_OK)
            rc = run_side(&a, target, i, task);
        if (rc == FF_OK && wanted && a.result && wanted->count == a.result->count) {
            const float *x = wanted->data, *y = a.result->data;
            for (int64_t k = 0; k < wanted->count; k++) {
                d += ((double)y[k] - x[k]) * ((double)y[k] - x[k]);
                norm += (double)x[k] * x[k];
            }
        } else {
            d = INFINITY;
        }
        ff_tensor_unref(wanted);
        probe_clear(&a);
    }
    ff_runner_destroy(source);
    ff_runner_destroy(target);
    if (rc == FF_OK)
        *distance = isfinite(d) && norm > 0 ? sqrt(d / norm) : d > 0 || !isfinite(d) ? INFINITY : 0;
    return rc;
}

int ff_region_measure(const ff_subject *s, int source_cvalue, double floor, double ceiling, const ff_task *task,
                      ff_region_range *out)
{
    ff_region_range r = {.low = INFINITY, .high = -INFINITY};
    probe a = {.s = s, .exit = source_cvalue};
    int images = s->source.labels->count < IMAGES ? s->source.labels->count : IMAGES;
    *out = (ff_region_range){0};
    if (!s->source.canon->values[source_cvalue].original)
        return FF_OK;
    ff_runner *runner = NULL;
    int rc = ff_runner_create(s->source.observe, &runner);
    for (int i = 0; i < images && rc == FF_OK; i++) {
        rc = run_side(&a, runner, i, task);
        const float *v = a.result ? a.result->data : NULL;
        for (int64_t k = 0; v && k < a.result->count; k++) {
            r.low = v[k] < r.low ? v[k] : r.low;
            r.high = v[k] > r.high ? v[k] : r.high;
            r.outside += v[k] < floor || v[k] > ceiling;
        }
        r.count += v ? a.result->count : 0;
        probe_clear(&a);
    }
    if (rc == FF_OK && r.count)
        *out = r;
    ff_runner_destroy(runner);
    return rc;
}
