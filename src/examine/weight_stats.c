/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers about the constants of one pair, for whoever looks at it. */
#include "fetafix/examine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void summarise(const float *v, int64_t n, double *min, double *max, double *mean, double *sd)
{
    double sum = 0, squares = 0;
    *min = INFINITY;
    *max = -INFINITY;
    for (int64_t i = 0; i < n; i++) {
        sum += v[i];
        *min = fmin(*min, v[i]);
        *max = fmax(*max, v[i]);
    }
    *mean = n ? sum / (double)n : 0;
    for (int64_t i = 0; i < n; i++)
        squares += (v[i] - *mean) * (v[i] - *mean);
    *sd = n ? sqrt(squares / (double)n) : 0;
    if (n == 0)
        *min = *max = 0;
}

static void fill(const float *v, int64_t n, double low, double high, int64_t *bins)
{
    for (int64_t i = 0; i < n; i++) {
        double at = high > low ? 64 * (v[i] - low) / (high - low) : 0;
        if (isfinite(at))
            bins[at < 0 ? 0 : at > 63 ? 63 : (int)at]++;
    }
}

/* Keeps the largest differences, the largest first. */
static void note_worst(ff_weight_stats *w, int64_t index, double s, double t)
{
    double d = fabs(t - s);
    int at = w->n_worst;
    while (at > 0 && fabs(w->worst_target[at - 1] - w->worst_source[at - 1]) < d)
        at--;
    if (at == FF_WORST || d == 0)
        return;
    int tail = (w->n_worst < FF_WORST ? w->n_worst : FF_WORST - 1) - at;
    memmove(w->worst + at + 1, w->worst + at, (size_t)tail * sizeof w->worst[0]);
    memmove(w->worst_source + at + 1, w->worst_source + at, (size_t)tail * sizeof w->worst_source[0]);
    memmove(w->worst_target + at + 1, w->worst_target + at, (size_t)tail * sizeof w->worst_target[0]);
    w->worst[at] = index;
    w->worst_source[at] = s;
    w->worst_target[at] = t;
    w->n_worst += w->n_worst < FF_WORST;
}

static int stats_of(const ff_subject *s, const ff_cparam *a, const ff_cparam *b, ff_weight_stats *w)
{
    const ff_cparam *any = a ? a : b;
    *w = (ff_weight_stats){.role = any->role, .count = any->tensor->count, .cause = a ? "missing" : "added"};
    ff_tensor *x = NULL, *y = NULL;
    int rc = a ? ff_tensor_convert(a->tensor, FF_FLOAT, &x) : FF_OK;
    if (rc == FF_OK && b)
        rc = ff_tensor_convert(b->tensor, FF_FLOAT, &y);
    if (rc == FF_OK && a && b) {
        ff_weight_change c;
        const ff_tensor *raw = b->folded && b->original ? ff_plan_constant(s->target.canon->plan, b->original) : NULL;
        rc = ff_weight_compare(a->tensor, b->tensor, raw, a->folded || b->folded, &c);
        if (rc == FF_OK) {
            w->cause = c.cause;
            w->relative = c.relative;
            w->max_abs = c.max_abs;
            w->n_different = c.n_different;
        }
    }
    if (rc == FF_OK) {
        w->low = INFINITY;
        w->high = -INFINITY;
        if (x) {
            summarise(x->data, x->count, &w->source_min, &w->source_max, &w->source_mean, &w->source_sd);
            w->low = fmin(w->low, w->source_min);
            w->high = fmax(w->high, w->source_max);
        }
        if (y) {
            summarise(y->data, y->count, &w->target_min, &w->target_max, &w->target_mean, &w->target_sd);
            w->low = fmin(w->low, w->target_min);
            w->high = fmax(w->high, w->target_max);
        }
        if (x)
            fill(x->data, x->count, w->low, w->high, w->source_histogram);
        if (y)
            fill(y->data, y->count, w->low, w->high, w->target_histogram);
        if (x && y && x->count == y->count)
            for (int64_t i = 0; i < x->count; i++)
                note_worst(w, i, ((const float *)x->data)[i], ((const float *)y->data)[i]);
    }
    ff_tensor_unref(x);
    ff_tensor_unref(y);
    return rc;
}

int ff_weight_stats_of(const ff_subject *s, int pair, ff_weight_stats *stats, int max, int *n_stats)
{
    int n = 0, rc = FF_OK;
    if (!s->alignment || pair < 0 || pair >= s->alignment->n_pairs)
        return ff_fail(FF_ERR_USAGE, "no pair %d", pair);
    const ff_pair *p = &s->alignment->pairs[pair];
    const ff_cnode *a = p->source >= 0 ? &s->source.canon->nodes[p->source] : NULL;
    const ff_cnode *b = p->target >= 0 ? &s->target.canon->nodes[p->target] : NULL;
    for (int i = 0; a && i < a->n_params && n < max && rc == FF_OK; i++)
        rc = stats_of(s, &a->params[i], b ? ff_cnode_param(b, a->params[i].role) : NULL, &stats[n++]);
    for (int i = 0; b && i < b->n_params && n < max && rc == FF_OK; i++)
        if (!a || !ff_cnode_param(a, b->params[i].role))
            rc = stats_of(s, NULL, &b->params[i], &stats[n++]);
    if (rc == FF_OK)
        *n_stats = n;
    return rc;
}
