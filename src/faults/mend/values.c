/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All values of a model on a few samples, and which of the Source's values each of the Target's holds. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "faults/mend/mend.h"

enum { LOOKED_AT = 512, VARIED = 8 };

typedef struct recording {
    mend_run *run;
    int sample;
    const ff_value *site;
    const ff_tensor *given;
} recording;

static bool ask(void *context, const ff_value *v)
{
    const recording *r = context;
    return v->id < r->run->n_values;
}

static int give(void *context, const ff_value *v, const ff_tensor *t)
{
    recording *r = context;
    ff_tensor **at = &r->run->at[r->sample * r->run->n_values + v->id];
    if (*at || t->dtype == FF_STRING || t->dtype >= FF_SEQUENCE || t->dtype == FF_COMPLEX64 ||
        t->dtype == FF_COMPLEX128)
        return FF_OK;
    return ff_tensor_convert(t, FF_FLOAT, at);
}

static const ff_tensor *inject(void *context, const ff_value *v)
{
    const recording *r = context;
    return v == r->site ? r->given : NULL;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void sketch(mend_run *r, int id)
{
    mend_sketch *k = &r->sketch[id];
    double seen[LOOKED_AT], sizes[LOOKED_AT];
    int n = 0, n_sizes = 0, different = 0;
    *k = (mend_sketch){.low = INFINITY, .high = -INFINITY, .whole = true};
    for (int s = 0; s < r->n_samples; s++) {
        const ff_tensor *t = r->at[s * r->n_values + id];
        if (!t)
            return;
        const float *x = t->data;
        int64_t step = 1 + t->count * r->n_samples / LOOKED_AT;
        for (int64_t i = 0; i < t->count && n < LOOKED_AT; i += step) {
            seen[n++] = x[i];
            if (x[i] != 0 && isfinite(x[i]))
                sizes[n_sizes++] = fabs((double)x[i]);
        }
    }
    const ff_tensor *first = r->at[id];
    const float *x = first->data;
    for (int64_t i = 0; i < first->count; i++) {
        double v = isfinite(x[i]) ? x[i] : 0;
        k->low = fmin(k->low, v);
        k->high = fmax(k->high, v);
        k->mean += v / (double)first->count;
        k->size += fabs(v) / (double)first->count;
        k->whole = k->whole && v == floor(v);
    }
    qsort(seen, (size_t)n, sizeof *seen, by_size);
    qsort(sizes, (size_t)n_sizes, sizeof *sizes, by_size);
    for (int i = 0; i < n; i++)
        different += i == 0 || seen[i] != seen[i - 1];
    k->varied = different >= VARIED;
    k->unit = n_sizes ? sizes[n_sizes / 4] : 0;
}

int mend_run_create(mender *m, const ff_model *model, bool target, mend_run **out)
{
    ff_shape shapes[FF_MOST_INPUTS];
    const ff_subject_options *o = ff_subject_options_of(m->s);
    mend_run *r = ff_alloc(sizeof *r);
    int code = ff_feed_shapes(m->s->set, target ? &m->s->target.pre : &m->s->source.pre, model, shapes);
    ff_plan_options options = {.observe = true, .reference = o->reference, .feeds = shapes, .output = FF_EVERY_OUTPUT};
    r->model = ff_model_ref(model);
    r->n_values = ff_model_values(model);
    r->n_samples = m->n_samples;
    if (code == FF_OK)
        code = ff_plan_create(model, &options, &r->plan);
    if (code == FF_OK)
        code = ff_runner_create(r->plan, &r->runner);
    if (code != FF_OK) {
        mend_run_destroy(r);
        return code;
    }
    r->at = ff_alloc_array((size_t)(r->n_values * r->n_samples) + 1, sizeof *r->at);
    r->sketch = ff_alloc_array((size_t)r->n_values + 1, sizeof *r->sketch);
    r->fixed = ff_alloc_array((size_t)r->n_values + 1, sizeof *r->fixed);
    for (int i = 0; i < r->n_values; i++)
        r->fixed[i] = ff_plan_constant(r->plan, ff_model_value(model, i)) != NULL;
    *out = r;
    return FF_OK;
}

static void forget(mend_run *r)
{
    for (int i = 0; r->at && i < r->n_values * r->n_samples; i++) {
        ff_tensor_unref(r->at[i]);
        r->at[i] = NULL;
    }
}

int mend_run_values(mender *m, mend_run *r, bool target, const ff_value *site, const ff_value *source,
                    const mend_layout *layout)
{
    const ff_side *side = target ? &m->s->target : &m->s->source;
    int n = ff_plan_outputs(r->plan), code = FF_OK;
    ff_tensor **outputs = ff_alloc_array((size_t)n + 1, sizeof *outputs);
    forget(r);
    m->budget -= ff_plan_flops(r->plan) * r->n_samples + 1e5;
    for (int s = 0; s < r->n_samples && code == FF_OK; s++) {
        recording rec = {.run = r, .sample = s, .site = site};
        ff_tensor *laid = NULL, *given = NULL;
        ff_feeds feeds;
        if (site) {
            const ff_shape *shape = ff_plan_shape(r->plan, site);
            const ff_tensor *t = m->source->at[s * m->source->n_values + source->id];
            code = t ? mend_lay(t, layout, shape, &laid) : ff_fail(FF_ERR_GRAPH, "'%s' has no numbers", source->name);
            if (code == FF_OK)
                code = ff_tensor_convert(laid, shape->dtype, &given);
            ff_tensor_unref(laid);
            rec.given = given;
        }
        if (code == FF_OK)
            code = ff_feed_take(side->feed, m->samples[s], &feeds);
        if (code == FF_OK) {
            ff_hooks hooks = {.context = &rec,
                              .ask = ask,
                              .give = give,
                              .inject = site ? inject : NULL,
                              .cancel = m->task ? m->task->cancel : NULL};
            code = ff_run(r->runner, feeds.at, &hooks, NULL, m->samples[s], outputs);
            for (int i = 0; i < n; i++) {
                ff_tensor_unref(outputs[i]);
                outputs[i] = NULL;
            }
            ff_feeds_drop(&feeds);
        }
        ff_tensor_unref(given);
    }
    free(outputs);
    for (int i = 0; i < r->n_values && code == FF_OK; i++)
        sketch(r, i);
    return code;
}

void mend_run_destroy(mend_run *r)
{
    if (!r)
        return;
    forget(r);
    free(r->at);
    free(r->sketch);
    free(r->fixed);
    ff_runner_destroy(r->runner);
    ff_plan_unref(r->plan);
    ff_model_unref(r->model);
    free(r);
}

/* --------------------------------------------------------------------------------- layouts */

static int squeezed(const ff_shape *s, int64_t *dims)
{
    int n = 0;
    for (int i = 0; i < s->rank; i++)
        if (s->dims[i] != 1)
            dims[n++] = s->dims[i];
    return n;
}

static int64_t count_of(const ff_shape *s)
{
    int64_t n = s->rank < 0 ? -1 : 1;
    for (int i = 0; i < s->rank && n >= 0; i++)
        n = s->dims[i] < 0 ? -1 : n * s->dims[i];
    return n;
}

static void permute(const int64_t *from, const int64_t *to, int n, int at, mend_layout *now, unsigned used,
                    mend_layout *out, int *count, int max)
{
    if (at == n) {
        bool identity = true;
        for (int i = 0; i < n; i++)
            identity = identity && now->perm[i] == i;
        if (!identity && *count < max)
            out[(*count)++] = *now;
        return;
    }
    for (int i = 0; i < n; i++)
        if (!(used & (1u << i)) && from[i] == to[at]) {
            now->perm[at] = i;
            permute(from, to, n, at + 1, now, used | (1u << i), out, count, max);
        }
}

int mend_layouts(const ff_shape *source, const ff_shape *target, mend_layout *out, int max)
{
    int64_t a[FF_MAX_RANK], b[FF_MAX_RANK];
    int n = 0;
    if (count_of(source) < 0 || count_of(source) != count_of(target) || max < 1)
        return 0;
    int rank = squeezed(source, a), other = squeezed(target, b);
    bool same = rank == other && memcmp(a, b, (size_t)rank * sizeof *a) == 0;
    mend_layout now = {.rank = rank};
    if (same)
        out[n++] = (mend_layout){.flat = true};
    if (rank == other && rank > 1 && rank <= 5)
        permute(a, b, rank, 0, &now, 0, out, &n, max);
    if (!same && n < max)
        out[n++] = (mend_layout){.flat = true};
    return n;
}

int mend_lay(const ff_tensor *source, const mend_layout *l, const ff_shape *shape, ff_tensor **out)
{
    if (l->flat)
        return ff_tensor_reshape(source, shape->rank, shape->dims, out);
    ff_shape s = {.rank = source->rank};
    int64_t dims[FF_MAX_RANK];
    memcpy(s.dims, source->dims, sizeof s.dims);
    int rank = squeezed(&s, dims);
    ff_tensor *a, *b;
    if (rank != l->rank)
        return ff_fail(FF_ERR_GRAPH, "a tensor of %d axes in a layout of %d", rank, l->rank);
    int code = ff_tensor_reshape(source, rank, dims, &a);
    if (code != FF_OK)
        return code;
    code = ff_tensor_transpose(a, l->perm, &b);
    ff_tensor_unref(a);
    if (code != FF_OK)
        return code;
    code = ff_tensor_reshape(b, shape->rank, shape->dims, out);
    ff_tensor_unref(b);
    return code;
}

/* --------------------------------------------------------------------------------- what holds what */

static bool near(double t, double s, double unit, double tolerance)
{
    if (isnan(s) || isnan(t))
        return isnan(s) && isnan(t);
    if (isinf(s) || isinf(t))
        return s == t;
    return fabs(t - s) <= tolerance * (fabs(s) + unit);
}

static bool same_numbers(const ff_tensor *t, const ff_tensor *s, double unit, double tolerance)
{
    const float *x = t->data, *y = s->data;
    for (int64_t i = 0; i < t->count; i++)
        if (!near(x[i], y[i], unit, tolerance))
            return false;
    return true;
}

bool mend_holds(const mender *m, const mend_run *r, int id, int source, const mend_layout *l)
{
    double unit = m->source->sketch[source].unit;
    for (int k = 0; k < r->n_samples; k++) {
        const ff_tensor *t = r->at[k * r->n_values + id], *s = m->source->at[k * m->source->n_values + source];
        if (!t || !s || t->count != s->count)
            return false;
        if (l->flat) {
            if (!same_numbers(t, s, unit, m->tolerance))
                return false;
            continue;
        }
        ff_shape shape = {.rank = t->rank};
        memcpy(shape.dims, t->dims, sizeof shape.dims);
        ff_tensor *laid;
        if (mend_lay(s, l, &shape, &laid) != FF_OK)
            return false;
        bool same = same_numbers(t, laid, unit, m->tolerance);
        ff_tensor_unref(laid);
        if (!same)
            return false;
    }
    return true;
}

bool mend_output_right(const mender *m, const mend_run *r, int output)
{
    const ff_value *v = ff_model_find_value(r->model, m->outputs[output].target);
    const mend_layout flat = {.flat = true};
    return v && mend_holds(m, r, v->id, m->outputs[output].source->id, &flat);
}

static bool close_sketches(const mend_sketch *a, const mend_sketch *b, double tolerance)
{
    double slack = 10 * tolerance * (fmax(fabs(b->low), fabs(b->high)) + b->unit) + 1e-30;
    return fabs(a->low - b->low) <= slack && fabs(a->high - b->high) <= slack && fabs(a->mean - b->mean) <= slack &&
           fabs(a->size - b->size) <= slack;
}

/* How much speaks for it that the Target's value is the Source's, beside its numbers. */
static double likeness(const ff_value *t, const ff_value *s, const mend_match *match)
{
    double score = strcmp(t->name, s->name) == 0 ? 3 : 0;
    const ff_node *n = t->producer, *p = s->producer;
    if (!n || !p)
        return score + (!n && !p ? 4 : 0);
    score += strcmp(n->op, p->op) == 0 ? 4 : 0;
    for (int i = 0; i < n->n_inputs && i < p->n_inputs; i++)
        if (n->inputs[i] && p->inputs[i] && match[n->inputs[i]->id].source == p->inputs[i]->id)
            score += 2;
    return score;
}

static int input_index(const ff_value *v)
{
    const ff_graph *g = ff_model_graph(v->graph->model);
    for (int i = 0; i < g->n_inputs; i++)
        if (g->inputs[i] == v)
            return i;
    return -1;
}

/* Few different numbers tell nothing: the same operator must have made them of what corresponds. */
static bool same_by_structure(const ff_value *t, const ff_value *s, const mend_match *match)
{
    const ff_node *n = t->producer, *p = s->producer;
    if (!n || !p)
        return !n && !p && input_index(t) == input_index(s) && input_index(t) >= 0;
    if (strcmp(n->op, p->op) != 0)
        return false;
    for (int i = 0; i < n->n_inputs; i++) {
        const ff_value *x = n->inputs[i];
        bool found = !x || match[x->id].source < 0;
        for (int k = 0; k < p->n_inputs && !found; k++)
            found = p->inputs[k] && match[x->id].source == p->inputs[k]->id;
        if (!found)
            return false;
    }
    return n->n_inputs > 0;
}

static void match_one(const mender *m, const mend_run *r, const ff_value *v, mend_match *match)
{
    enum { FORMS = 6 };
    const ff_model *source = m->source->model;
    const ff_shape *shape = ff_plan_shape(r->plan, v);
    mend_layout forms[FORMS];
    double best = -1;
    match[v->id] = (mend_match){.source = -1};
    if (r->fixed[v->id] || !r->at[v->id])
        return;
    ff_shape own = *shape;
    own.rank = r->at[v->id]->rank;
    memcpy(own.dims, r->at[v->id]->dims, sizeof own.dims);
    for (int i = 0; i < m->source->n_values; i++) {
        const ff_tensor *t = m->source->at[i];
        const ff_value *u = ff_model_value(source, i);
        if (!t || m->source->fixed[i] || t->count != r->at[v->id]->count ||
            !close_sketches(&r->sketch[v->id], &m->source->sketch[i], m->tolerance))
            continue;
        if (!m->source->sketch[i].varied && !same_by_structure(v, u, match))
            continue;
        double score = likeness(v, u, match) + 1e-6 * (m->source->n_values - i);
        if (score <= best)
            continue;
        ff_shape other = {.rank = t->rank};
        memcpy(other.dims, t->dims, sizeof other.dims);
        int n = mend_layouts(&other, &own, forms, FORMS);
        for (int k = 0; k < n; k++)
            if (mend_holds(m, r, v->id, i, &forms[k])) {
                match[v->id] = (mend_match){.source = i, .layout = forms[k]};
                best = score;
                break;
            }
    }
}

void mend_match_values(const mender *m, const mend_run *r, const bool *behind, const mend_match *base,
                       mend_match *match)
{
    const ff_graph *g = ff_model_graph(r->model);
    for (int i = 0; i < r->n_values; i++)
        match[i] = base ? base[i] : (mend_match){.source = -1};
    for (int i = 0; i < g->n_inputs; i++)
        if (!behind || behind[g->inputs[i]->id])
            match_one(m, r, g->inputs[i], match);
    for (int i = 0; i < g->n_nodes; i++)
        for (int k = 0; k < g->nodes[i]->n_outputs; k++)
            if (g->nodes[i]->outputs[k] && (!behind || behind[g->nodes[i]->outputs[k]->id]))
                match_one(m, r, g->nodes[i]->outputs[k], match);
}

bool *mend_behind(const ff_model *m, const ff_value *v)
{
    const ff_graph *g = ff_model_graph(m);
    bool *in = ff_alloc_array((size_t)ff_model_values(m) + 1, sizeof *in);
    in[v->id] = true;
    for (int i = 0; i < g->n_nodes; i++) {
        const ff_node *n = g->nodes[i];
        bool reads = false;
        for (int k = 0; k < n->n_inputs; k++)
            reads = reads || (n->inputs[k] && in[n->inputs[k]->id]);
        for (int k = 0; k < n->n_captures; k++)
            reads = reads || in[n->captures[k]->id];
        for (int k = 0; reads && k < n->n_outputs; k++)
            if (n->outputs[k])
                in[n->outputs[k]->id] = true;
    }
    return in;
}

int mend_state_create(mender *m, const ff_model *target, mend_state **out)
{
    mend_run *r;
    int code = mend_run_create(m, target, true, &r);
    if (code == FF_OK && (code = mend_run_values(m, r, true, NULL, NULL, NULL)) != FF_OK)
        mend_run_destroy(r);
    if (code != FF_OK)
        return code;
    mend_state *t = ff_alloc(sizeof *t);
    t->run = r;
    t->match = ff_alloc_array((size_t)r->n_values + 1, sizeof *t->match);
    t->covered = ff_alloc_array((size_t)m->source->n_values + 1, sizeof *t->covered);
    mend_match_values(m, r, NULL, NULL, t->match);
    for (int i = 0; i < r->n_values; i++)
        if (t->match[i].source >= 0)
            t->covered[t->match[i].source] = true;
    for (int i = 0; i < m->source->n_values; i++)
        t->n_covered += t->covered[i] && m->source->sketch[i].varied;
    for (int i = 0; i < m->n_outputs; i++)
        t->n_right += mend_output_right(m, r, i);
    *out = t;
    return FF_OK;
}

void mend_state_destroy(mend_state *t)
{
    if (!t)
        return;
    mend_run_destroy(t->run);
    free(t->match);
    free(t->covered);
    free(t);
}
