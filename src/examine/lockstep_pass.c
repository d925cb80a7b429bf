/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One sample through both models. What rounding explains is measured in the Source: parts of it are fed with their own
 * values, moved by their last bit, or the whole of it is run with everything moved. */
#include "examine/lockstep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NOISE_RUNS = 2 };

const lock_probe lock_probes[] = {
    {"noise as large as the data", LOCK_NOISE, 1},
    {"noise ten times as large as the data", LOCK_NOISE, 10},
    {"the data with the sign turned", LOCK_SCALE, -1},
    {"the data a ten thousandth as large", LOCK_SCALE, 1e-4},
    {"zeros", LOCK_SCALE, 0},
    {"rounded data, so that there are ties", LOCK_STEPS, 2},
};
const int lock_n_probes = FF_COUNT(lock_probes);

typedef enum step { CLEAN, MOVE_PARTS, MOVE_WHOLE, COMPARE_PARTS, COMPARE_WHOLE } step;

typedef struct pass {
    const lock_pass *p;
    const lockstep *l;
    step step;
    uint64_t lot;
    const bool *cut;
    /* By place, then by answer: the Source's values, and what rounding does to them. */
    ff_tensor **wanted;
    ff_noise *noises;
    ff_evidence *found;
} pass;

static bool of_target(const pass *p)
{
    return p->step >= COMPARE_PARTS;
}

static int place_of(const pass *p, const ff_value *v)
{
    return (of_target(p) ? p->l->of_target : p->l->of_source)[v->id];
}

static bool is_answer(const pass *p, const ff_value *v)
{
    for (int i = 0; i < p->l->n_answers; i++)
        if ((of_target(p) ? p->l->answers[i].target_value : p->l->answers[i].source_value) == v)
            return true;
    return false;
}

/* ------------------------------------------------------------------------------------- values */

/* As float32; a new reference, NULL for what are no numbers. */
static ff_tensor *numbers(const ff_tensor *t)
{
    ff_tensor *out;
    if (t->dtype >= FF_SEQUENCE || t->dtype == FF_STRING || ff_tensor_convert(t, FF_FLOAT, &out) != FF_OK)
        return NULL;
    return out;
}

static ff_tensor *moved(const pass *p, int at, const ff_tensor *t)
{
    ff_tensor *from = ff_dtype_is_float(t->dtype) ? numbers(t) : NULL, *to, *out = NULL;
    if (!from)
        return NULL;
    if (ff_tensor_create_unset(FF_FLOAT, t->rank, t->dims, &to) == FF_OK) {
        const float *x = from->data;
        float *y = to->data;
        for (int64_t i = 0; i < t->count; i++)
            y[i] = ff_noise_move(x[i], p->l->epsilon, ff_noise_lot(p->lot, (uint64_t)at, (uint64_t)i));
        if (ff_tensor_convert(to, t->dtype, &out) != FF_OK)
            out = NULL;
        ff_tensor_unref(to);
    }
    ff_tensor_unref(from);
    return out;
}

/* The Source's values as the Target has them at a place; a new reference, NULL: they cannot be brought there. */
static ff_tensor *bring(const pass *p, const lock_place *x, const ff_tensor *wanted)
{
    const ff_subject *s = p->l->s;
    const ff_shape *shape = ff_plan_shape(s->target.observe, x->target_value);
    ff_tensor *canonical, *out = NULL;
    if (!wanted)
        return NULL;
    if (x->source < 0)
        return ff_tensor_ref(wanted);
    if (ff_cvalue_from_original(&s->source.canon->values[x->source], wanted, &canonical) != FF_OK)
        return NULL;
    if (ff_cvalue_to_original(&s->target.canon->values[x->target], shape, canonical, &out) != FF_OK)
        out = NULL;
    ff_tensor_unref(canonical);
    return out;
}

/* ------------------------------------------------------------------------------------- comparing */

static double difference(const pass *p, const ff_noise *n, float a, float b, ff_evidence *e)
{
    if (isfinite(a) && isfinite(b)) {
        double d = (double)b - a;
        e->difference += d * d;
        e->norm += (double)a * a;
        return d == 0 ? 0 : fabs(d) / ff_noise_bound(n, a, p->l->epsilon);
    }
    if ((isnan(a) && isnan(b)) || a == b)
        return 0;
    e->unbounded = true;
    return 0;
}

static void compare(const pass *p, const ff_noise *n, const ff_tensor *wanted, const ff_tensor *t, bool real,
                    ff_evidence *e)
{
    ff_tensor *x = numbers(t);
    e->samples++;
    if (!x || !wanted || x->count != wanted->count) {
        e->ratio = INFINITY;
        ff_tensor_unref(x);
        return;
    }
    const float *a = wanted->data, *b = x->data;
    int64_t others = 0;
    for (int64_t i = 0; i < x->count; i++) {
        double ratio = difference(p, n, a[i], b[i], e);
        others += ratio > 0;
        if (real)
            e->ratio = fmax(e->ratio, ratio);
    }
    /* Noise tips numbers of what has no fractions over a step, too. */
    if (!real && others > n->tipped)
        e->ratio = INFINITY;
    e->values += x->count;
    ff_tensor_unref(x);
}

/* ------------------------------------------------------------------------------------- hooks */

static bool ask(void *context, const ff_value *v)
{
    const pass *p = context;
    return p->step == MOVE_PARTS || p->step == MOVE_WHOLE || place_of(p, v) >= 0 || is_answer(p, v);
}

static void note(pass *p, int i, const ff_tensor *t)
{
    ff_tensor *x = numbers(t);
    if (!x)
        return;
    if (p->step == CLEAN && !p->wanted[i])
        p->wanted[i] = ff_tensor_ref(x);
    else if (p->step != CLEAN && p->wanted[i] && p->wanted[i]->count == x->count)
        ff_noise_add(&p->noises[i], p->wanted[i]->data, x->data, x->count, p->l->epsilon);
    ff_tensor_unref(x);
}

static int give(void *context, const ff_value *v, const ff_tensor *t)
{
    pass *p = context;
    const lockstep *l = p->l;
    int at = place_of(p, v);
    if (at >= 0 && (p->step == CLEAN || p->step == MOVE_PARTS))
        note(p, at, t);
    for (int i = 0; i < l->n_answers; i++) {
        bool target = of_target(p);
        const lock_place *x = &l->answers[i];
        if ((target ? x->target_value : x->source_value) != v)
            continue;
        int k = l->n_places + i;
        if (p->step == CLEAN || p->step == MOVE_WHOLE)
            note(p, k, t);
        if (p->step != COMPARE_WHOLE)
            continue;
        ff_tensor *wanted = bring(p, x, p->wanted[k]);
        compare(p, &p->noises[k], wanted, t, ff_dtype_is_float(t->dtype), &p->found[i]);
        ff_tensor_unref(wanted);
    }
    return FF_OK;
}

/* The Source's value at a place of the Target. */
static ff_tensor *put_in(pass *p, int at, const ff_value *v, const ff_tensor *t)
{
    ff_tensor *wanted = bring(p, &p->l->places[at], p->wanted[at]), *out = NULL;
    bool fits = wanted && wanted->count == t->count;
    if (p->step == COMPARE_PARTS && v->producer)
        compare(p, &p->noises[at], wanted, t, true, &p->found[at]);
    ff_tensor *laid = NULL;
    if (fits && ff_tensor_reshape(wanted, t->rank, t->dims, &laid) == FF_OK &&
        ff_tensor_convert(laid, t->dtype, &out) != FF_OK)
        out = NULL;
    ff_tensor_unref(laid);
    ff_tensor_unref(wanted);
    return out;
}

static ff_tensor *alter(void *context, const ff_value *v, const ff_tensor *t)
{
    pass *p = context;
    int at = place_of(p, v);
    switch (p->step) {
    case CLEAN:
        return NULL;
    case MOVE_PARTS:
        if (at >= 0 && p->wanted[at] && p->wanted[at]->count == t->count && t->dtype == FF_FLOAT)
            return moved(p, at, p->wanted[at]);
        return moved(p, p->l->n_places + v->id, t);
    case MOVE_WHOLE:
        return moved(p, p->l->n_places + v->id, t);
    case COMPARE_PARTS:
        return at >= 0 ? put_in(p, at, v, t) : NULL;
    case COMPARE_WHOLE:
        /* What is fed belongs there, whatever the sample was turned into. */
        return at >= 0 && (p->cut[at] || (!v->producer && p->p->probe)) ? put_in(p, at, v, t) : NULL;
    }
    return NULL;
}

/* ------------------------------------------------------------------------------------- runs */

static int run_plan(pass *p, step what, const ff_tensor *const *feeds)
{
    ff_runner *runner = what >= COMPARE_PARTS ? p->p->target : p->p->source;
    const ff_task *task = p->p->task;
    int n = ff_plan_outputs(ff_runner_plan(runner));
    ff_tensor **out = ff_alloc_array((size_t)n + 1, sizeof *out);
    ff_hooks hooks = {.context = p, .ask = ask, .give = give, .alter = alter, .cancel = task ? task->cancel : NULL};
    p->step = what;
    int code = ff_run(runner, feeds, &hooks, NULL, 0, out);
    for (int i = 0; i < n && code == FF_OK; i++)
        ff_tensor_unref(out[i]);
    free(out);
    return code;
}

/* What a probe makes of a sample's input; a new reference. */
static ff_tensor *probed(const ff_tensor *t, const lock_probe *p, ff_rng *r)
{
    ff_tensor *out;
    if (!p || t->dtype != FF_FLOAT || ff_tensor_create_unset(FF_FLOAT, t->rank, t->dims, &out) != FF_OK)
        return ff_tensor_ref(t);
    const float *from = t->data;
    float *to = out->data;
    double square = 0;
    for (int64_t i = 0; i < t->count; i++)
        square += (double)from[i] * from[i];
    double scale = t->count ? sqrt(square / (double)t->count) : 0;
    scale = scale > 0 && isfinite(scale) ? scale : 1;
    for (int64_t i = 0; i < t->count; i++)
        to[i] = (float)(p->kind == LOCK_NOISE   ? ff_rng_normal(r) * p->by * scale
                        : p->kind == LOCK_SCALE ? from[i] * p->by
                                                : rint(from[i] * p->by / scale) * scale / p->by);
    return out;
}

static int run_source(pass *p, step moving)
{
    const ff_subject *s = p->l->s;
    ff_feeds feeds;
    ff_rng r = {p->p->seed};
    const ff_tensor *at[FF_MOST_INPUTS];
    int code = ff_feed_take(s->source.feed, p->p->sample, &feeds);
    if (code)
        return code;
    for (int i = 0; i < feeds.n; i++)
        at[i] = probed(feeds.at[i], p->p->probe, &r);
    code = run_plan(p, CLEAN, at);
    for (int i = 0; i < NOISE_RUNS && code == FF_OK; i++) {
        p->lot = p->p->seed + 1 + (uint64_t)i;
        code = run_plan(p, moving, at);
    }
    for (int i = 0; i < feeds.n; i++)
        ff_tensor_unref(at[i]);
    ff_feeds_drop(&feeds);
    for (int i = 0; i < p->l->n_places + p->l->n_answers; i++)
        if (p->wanted[i])
            ff_noise_settle(&p->noises[i], p->wanted[i]->data, p->wanted[i]->count);
    return code;
}

static int run_pass(const lock_pass *p, const bool *cut, ff_evidence *found)
{
    const lockstep *l = p->l;
    int n = l->n_places + l->n_answers;
    pass x = {.p = p, .l = l, .cut = cut, .found = found};
    ff_feeds feeds;
    x.wanted = ff_alloc_array((size_t)n + 1, sizeof *x.wanted);
    x.noises = ff_try_alloc(((size_t)n + 1) * sizeof *x.noises);
    int code = x.noises ? run_source(&x, cut ? MOVE_WHOLE : MOVE_PARTS) : FF_ERR_NOMEM;
    if (code == FF_OK)
        code = ff_feed_take(l->s->target.feed, p->sample, &feeds);
    if (code == FF_OK) {
        code = run_plan(&x, cut ? COMPARE_WHOLE : COMPARE_PARTS, feeds.at);
        ff_feeds_drop(&feeds);
    }
    for (int i = 0; i < n; i++)
        ff_tensor_unref(x.wanted[i]);
    free(x.wanted);
    free(x.noises);
    return code;
}

int lock_run_parts(const lock_pass *p, ff_evidence *found)
{
    return run_pass(p, NULL, found);
}

int lock_run_whole(const lock_pass *p, const bool *cut, ff_evidence *found)
{
    return run_pass(p, cut, found);
}
