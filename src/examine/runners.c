/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetafix/examine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int ff_runners_init(ff_runners *r, const ff_plan *p, const ff_task *task)
{
    int n = task && task->pool ? ff_pool_threads(task->pool) : 1;
    r->n = 0;
    r->at = ff_alloc_array((size_t)n, sizeof *r->at);
    for (; r->n < n; r->n++) {
        int rc = ff_runner_create(p, &r->at[r->n]);
        if (rc != FF_OK) {
            ff_runners_finish(r);
            return rc;
        }
    }
    return FF_OK;
}

void ff_runners_finish(ff_runners *r)
{
    for (int i = 0; i < r->n; i++)
        ff_runner_destroy(r->at[i]);
    free(r->at);
    r->at = NULL;
    r->n = 0;
}

double ff_runners_flops(const ff_runners *r)
{
    double sum = 0;
    for (int i = 0; i < r->n; i++)
        sum += ff_runner_flops(r->at[i]);
    return sum;
}

int ff_model_read_output(const ff_model *m, const char *name, const ff_value **out)
{
    const ff_graph *g = ff_model_graph(m);
    if (!name) {
        if (g->n_outputs == 0)
            return ff_fail(FF_ERR_INPUT, "'%s': no graph output", ff_model_path(m));
        *out = g->outputs[0];
        return FF_OK;
    }
    const ff_value *v = ff_model_find_value(m, name);
    if (!v)
        return ff_fail(FF_ERR_USAGE, "'%s': no output '%s'", ff_model_path(m), name);
    *out = v;
    return FF_OK;
}

bool ff_is_probabilities(const ff_value *v)
{
    static const char *const through[] = {"Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Dropout", "Cast"};
    for (int steps = 0; v && v->producer && steps < 16; steps++) {
        const ff_node *n = v->producer;
        if (*n->domain)
            return false;
        if (strcmp(n->op, "Softmax") == 0)
            return true;
        bool passes = false;
        for (size_t i = 0; i < FF_COUNT(through); i++)
            passes |= strcmp(n->op, through[i]) == 0;
        if (!passes || n->n_inputs == 0)
            return false;
        v = n->inputs[0];
    }
    return false;
}

static const char *output_name(const ff_canon *c, int i)
{
    const ff_value *v = c->values[c->outputs[i]].original;
    return v ? v->name : "";
}

static int output_named(const ff_canon *c, const char *name)
{
    for (int i = 0; i < c->n_outputs; i++)
        if (strcmp(output_name(c, i), name) == 0)
            return i;
    return -1;
}

int ff_output_pairs(const ff_subject *s, int pairs[2 * FF_MOST_OUTPUT_PAIRS])
{
    const ff_canon *sc = s->source.canon, *tc = s->target.canon;
    const ff_subject_options *o = ff_subject_options_of(s);
    int n = 0, most = o->source_output || o->target_output || tc->n_outputs == 0
                          ? sc->n_outputs > 0 && tc->n_outputs > 0
                          : sc->n_outputs;
    for (int i = 0; i < most && n < FF_MOST_OUTPUT_PAIRS; i++) {
        int k = most > 1 ? output_named(tc, output_name(sc, i)) : i;
        if (k < 0 && i < tc->n_outputs && output_named(sc, output_name(tc, i)) < 0)
            k = i;
        if (k < 0 || (most > 1 && sc->values[sc->outputs[i]].producer < 0)) /* a constant, or an input as it is */
            continue;
        pairs[2 * n] = sc->outputs[i];
        pairs[2 * n++ + 1] = tc->outputs[k];
    }
    return n;
}

/* Largest value and sum of exp(x - largest), for a softmax on the fly. */
static void soft_constants(const float *x, int64_t n, double *largest, double *sum)
{
    *largest = -INFINITY;
    for (int64_t i = 0; i < n; i++)
        if (x[i] > *largest)
            *largest = x[i];
    *sum = 0;
    for (int64_t i = 0; i < n; i++)
        *sum += exp(x[i] - *largest);
}

double ff_output_distance(const float *s, int64_t n, bool s_soft, const float *t, int64_t m, bool t_soft, int offset)
{
    if (!s || !t || (n != m && n - m != offset && m - n != -offset))
        return INFINITY;
    bool soften_s = !s_soft && t_soft, soften_t = s_soft && !t_soft;
    double ls = 0, ss = 1, lt = 0, st = 1, distance = 0, norm = 0;
    if (soften_s)
        soft_constants(s, n, &ls, &ss);
    if (soften_t)
        soft_constants(t, m, &lt, &st);
    for (int64_t k = 0; k < m; k++) {
        if (k + offset < 0 || k + offset >= n)
            continue;
        double x = s[k + offset], y = t[k];
        if (soften_s)
            x = exp(x - ls) / ss;
        if (soften_t)
            y = exp(y - lt) / st;
        distance += (y - x) * (y - x);
        norm += x * x;
    }
    double d = norm > 0 ? sqrt(distance / norm) : distance > 0 ? INFINITY : 0;
    return isnan(d) ? INFINITY : d;
}
