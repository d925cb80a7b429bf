/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Regions compared by what they compute: the values at which they begin are put into both models. */
#include "fetafix/examine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Pictures whose activations are put in; then draws, near zero and as far out as an exponential bears. */
enum { IMAGES = 4, DRAWS = 2 };
#define FAR 80.0

typedef struct probe {
    const ff_apart *apart;
    const ff_subject *s;
    bool target; /* which side runs */
    int n_ends;
    const int *ends;                   /* Source cvalues */
    const int *counterparts;           /* Target cvalues */
    int exit;                          /* cvalue of the side that runs */
    bool drawn;                        /* values are given to the Source too, not taken from it */
    ff_tensor *values[FF_REGION_MOST]; /* at the ends, canonical */
    ff_tensor *held[FF_REGION_MOST];   /* the same in the form of the side that runs */
    ff_tensor *result;                 /* canonical */
} probe;

static const ff_canon *canon_of(const probe *p)
{
    return p->target ? p->s->target.canon : p->s->source.canon;
}

static const ff_cvalue *end_of(const probe *p, int i)
{
    return &canon_of(p)->values[p->target ? p->counterparts[i] : p->ends[i]];
}

static bool takes(const probe *p)
{
    return !p->target && !p->drawn;
}

static bool ask(void *context, const ff_value *v)
{
    const probe *p = context;
    if (canon_of(p)->values[p->exit].original == v)
        return true;
    for (int i = 0; takes(p) && i < p->n_ends; i++)
        if (end_of(p, i)->original == v)
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
    bool complete = true;
    int rc = FF_OK;
    if (canon_of(p)->values[p->exit].original == v)
        rc = take(&canon_of(p)->values[p->exit], t, &p->result);
    for (int i = 0; takes(p) && i < p->n_ends && rc == FF_OK; i++) {
        if (end_of(p, i)->original == v)
            rc = take(end_of(p, i), t, &p->values[i]);
        complete = complete && p->values[i];
    }
    return rc != FF_OK ? rc : complete && p->result ? FF_STOP : FF_OK;
}

static const ff_tensor *inject(void *context, const ff_value *v)
{
    probe *p = context;
    const ff_plan *plan = p->target ? p->s->target.observe : p->s->source.observe;
    for (int i = 0; i < p->n_ends; i++) {
        const ff_cvalue *at = end_of(p, i);
        if (at->original != v || !p->values[i])
            continue;
        const ff_shape *shape = ff_plan_shape(plan, v);
        if (!p->held[i] &&
            (shape->dtype != FF_FLOAT || ff_cvalue_to_original(at, shape, p->values[i], &p->held[i]) != FF_OK))
            return NULL;
        return p->held[i];
    }
    return NULL;
}

static void drop(ff_tensor **at, int n)
{
    for (int i = 0; i < n; i++) {
        ff_tensor_unref(at[i]);
        at[i] = NULL;
    }
}

static int run_side(probe *p, ff_runner *runner, int image, const ff_task *task)
{
    const ff_subject *s = p->s;
    ff_feeds feeds;
    int rc = ff_feed_take(p->target ? s->target.feed : s->source.feed, image, &feeds);
    if (rc != FF_OK)
        return rc;
    ff_hooks hooks = {.context = p,
                      .ask = ask,
                      .give = give,
                      .inject = takes(p) ? NULL : inject,
                      .cancel = task ? task->cancel : NULL};
    const ff_tensor *at[FF_MOST_INPUTS];
    memcpy(at, feeds.at, sizeof at);
    const ff_model *model = p->target ? s->target.model : s->source.model;
    for (int i = 0; hooks.inject && i < feeds.n; i++) {
        const ff_tensor *other = inject(p, ff_model_graph(model)->inputs[i]);
        at[i] = other ? other : at[i];
    }
    int n = ff_plan_outputs(p->target ? s->target.observe : s->source.observe);
    ff_tensor **out = ff_alloc_array((size_t)n + 1, sizeof *out);
    rc = ff_run(runner, at, &hooks, NULL, image, out);
    drop(out, n);
    free(out);
    drop(p->held, p->n_ends);
    ff_feeds_drop(&feeds);
    return rc == FF_STOP ? FF_OK : rc;
}

/* --------------------------------------------------------------------------------- numbers by lot */

/* What a value can be at all, by the node that makes it: no more is drawn. */
static void bounds_of(const ff_canon *c, int cvalue, int depth, double *low, double *high)
{
    static const char *const shares[] = {"Sigmoid", "HardSigmoid", "Softmax", NULL};
    static const char *const positive[] = {"Exp", "Sqrt", "Abs", "Softplus", "ReduceL1", "ReduceL2", NULL};
    static const char *const selecting[] = {"Reshape",     "Transpose",         "Slice",         "Concat", "MaxPool",
                                            "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "Expand", "Gather",
                                            NULL};
    *low = -INFINITY;
    *high = INFINITY;
    if (c->values[cvalue].producer < 0 || depth > 16)
        return;
    const ff_cnode *n = &c->nodes[c->values[cvalue].producer];
    const ff_cattr *min = ff_cnode_attr(n, "min"), *max = ff_cnode_attr(n, "max");
    if (strcmp(n->op, "Clip") == 0 && min && max && min->n == 1 && max->n == 1) {
        *low = min->reals[0];
        *high = max->reals[0];
    }
    for (int i = 0; shares[i]; i++)
        if (strcmp(n->op, shares[i]) == 0) {
            *low = 0;
            *high = 1;
        }
    for (int i = 0; positive[i]; i++)
        if (strcmp(n->op, positive[i]) == 0)
            *low = 0;
    for (int i = 0; selecting[i] && n->n_inputs > 0; i++) {
        if (strcmp(n->op, selecting[i]) != 0)
            continue;
        *low = INFINITY;
        *high = -INFINITY;
        for (int k = 0; k < n->n_inputs; k++) {
            double a, b;
            bounds_of(c, n->inputs[k], depth + 1, &a, &b);
            *low = fmin(*low, a);
            *high = fmax(*high, b);
        }
    }
}

static double draw(ff_rng *r, bool far, double low, double high)
{
    double v = ff_rng_normal(r);
    if (far)
        v = fmax(-FAR, fmin(FAR, v * FAR / 2));
    if (v < low)
        v = isinf(low) || low + fabs(v) > high ? low : low + fabs(v);
    return fmin(v, high);
}

/* False: not all are real numbers. */
static bool draw_values(probe *p, bool far, ff_rng *r)
{
    const ff_canon *c = p->s->source.canon;
    for (int i = 0; i < p->n_ends; i++) {
        const ff_cvalue *v = &c->values[p->ends[i]];
        double low, high;
        if (v->shape.dtype != FF_FLOAT || v->shape.rank < 0)
            return false;
        if (ff_tensor_create(FF_FLOAT, v->shape.rank, v->shape.dims, &p->values[i]) != FF_OK)
            return false;
        bounds_of(c, p->ends[i], 0, &low, &high);
        float *x = p->values[i]->data;
        for (int64_t k = 0; k < p->values[i]->count; k++)
            x[k] = (float)draw(r, far, low, high);
    }
    return true;
}

/* ------------------------------------------------------------------------------------- distances */

/* Adds |y - x|^2 and |x|^2; what is no number on both sides says nothing. */
static void add(const ff_tensor *x, const ff_tensor *y, double *d, double *norm)
{
    if (!x || !y || x->count != y->count) {
        *d = INFINITY;
        return;
    }
    const float *a = x->data, *b = y->data;
    for (int64_t k = 0; k < x->count; k++) {
        if ((!isfinite(a[k]) && !isfinite(b[k]) && (isnan(a[k]) || isnan(b[k]) || a[k] == b[k])))
            continue;
        *d += ((double)b[k] - a[k]) * ((double)b[k] - a[k]);
        if (isfinite(a[k]))
            *norm += (double)a[k] * a[k];
    }
}

static double ratio(double d, double norm)
{
    return isfinite(d) && norm > 0 ? sqrt(d / norm) : d > 0 || !isfinite(d) ? INFINITY : 0;
}

static int compare_once(probe *p, ff_runner *source, ff_runner *target, int source_cvalue, int target_cvalue, int image,
                        const ff_task *task, double *d, double *norm)
{
    p->target = false;
    p->exit = source_cvalue;
    int rc = run_side(p, source, image, task);
    ff_tensor *wanted = p->result;
    p->result = NULL;
    p->target = true;
    p->exit = target_cvalue;
    if (rc == FF_OK)
        rc = run_side(p, target, image, task);
    if (rc == FF_OK)
        add(wanted, p->result, d, norm);
    ff_tensor_unref(wanted);
    drop(p->values, p->n_ends);
    drop(&p->result, 1);
    return rc;
}

int ff_region_distance_in(const ff_apart *apart, int source_cvalue, int target_cvalue, const ff_task *task,
                          double *distance)
{
    const ff_subject *s = apart->subject;
    *distance = INFINITY;
    if (!s->target.observe || !s->target.feed || s->target.error)
        return FF_OK;
    int nodes[FF_REGION_MOST], ends[FF_REGION_MOST], counterparts[FF_REGION_MOST], n, n_ends;
    ff_region_collect(apart, true, source_cvalue, nodes, &n, ends, &n_ends);
    for (int i = 0; i < n_ends; i++) {
        counterparts[i] = ff_region_counterpart_in(apart, ends[i]);
        if (counterparts[i] < 0 || !s->source.canon->values[ends[i]].original ||
            !s->target.canon->values[counterparts[i]].original)
            return FF_OK;
    }
    if (!s->source.canon->values[source_cvalue].original || !s->target.canon->values[target_cvalue].original)
        return FF_OK;
    probe p = {.apart = apart, .s = s, .n_ends = n_ends, .ends = ends, .counterparts = counterparts};
    ff_runner *source = NULL, *target = NULL;
    int rc = ff_runner_create(s->source.observe, &source);
    if (rc == FF_OK)
        rc = ff_runner_create(s->target.observe, &target);
    double d = 0, norm = 0, worst = 0;
    int images = s->source.labels->count < IMAGES ? s->source.labels->count : IMAGES;
    for (int i = 0; i < images && rc == FF_OK && isfinite(d); i++)
        rc = compare_once(&p, source, target, source_cvalue, target_cvalue, i, task, &d, &norm);
    worst = ratio(d, norm);
    ff_rng r = {s->seed + 1};
    for (int k = 0; k < DRAWS && rc == FF_OK && n_ends > 0 && worst < FF_SAME_VALUES; k++) {
        p.drawn = true;
        d = norm = 0;
        if (!draw_values(&p, k > 0, &r))
            break;
        rc = compare_once(&p, source, target, source_cvalue, target_cvalue, 0, task, &d, &norm);
        worst = fmax(worst, ratio(d, norm));
    }
    drop(p.values, n_ends);
    ff_runner_destroy(source);
    ff_runner_destroy(target);
    if (rc == FF_OK)
        *distance = worst;
    return rc;
}

int ff_region_distance(const ff_subject *s, int source_cvalue, int target_cvalue, const ff_task *task, double *distance)
{
    return ff_region_distance_in(&(ff_apart){.subject = s}, source_cvalue, target_cvalue, task, distance);
}

int ff_region_measure(const ff_subject *s, int source_cvalue, double floor, double ceiling, const ff_task *task,
                      ff_region_range *out)
{
    ff_region_range r = {.low = INFINITY, .high = -INFINITY};
    ff_apart apart = {.subject = s};
    probe p = {.apart = &apart, .s = s, .exit = source_cvalue};
    int images = s->source.labels->count < IMAGES ? s->source.labels->count : IMAGES;
    *out = (ff_region_range){0};
    if (!s->source.canon->values[source_cvalue].original)
        return FF_OK;
    ff_runner *runner = NULL;
    int rc = ff_runner_create(s->source.observe, &runner);
    for (int i = 0; i < images && rc == FF_OK; i++) {
        rc = run_side(&p, runner, i, task);
        const float *v = p.result ? p.result->data : NULL;
        for (int64_t k = 0; v && k < p.result->count; k++) {
            r.low = v[k] < r.low ? v[k] : r.low;
            r.high = v[k] > r.high ? v[k] : r.high;
            r.outside += v[k] < floor || v[k] > ceiling;
        }
        r.count += v ? p.result->count : 0;
        drop(&p.result, 1);
    }
    if (rc == FF_OK && r.count)
        *out = r;
    ff_runner_destroy(runner);
    return rc;
}
