/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Anchors: layers whose weights are nearer to each other than to those of any other layer. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "align/matcher.h"

#define SAMPLE 4096 /* elements compared of each pair of tensors */

static const ff_tensor *weight_of(const ff_cnode *n)
{
    static const char *const roles[] = {"weight", "scale", "operand"};
    for (size_t i = 0; i < FF_COUNT(roles); i++) {
        const ff_cparam *p = ff_cnode_param(n, roles[i]);
        if (p && p->tensor->dtype == FF_FLOAT)
            return p->tensor;
    }
    return NULL;
}

/* |a - b| / max(|a|, |b|), L2, over a regular sample. 0 equal, about 1.4 unrelated. */
static float relative_distance(const ff_tensor *a, const ff_tensor *b)
{
    const float *x = a->data, *y = b->data;
    int64_t step = a->count / SAMPLE + 1;
    double difference = 0, xx = 0, yy = 0;
    for (int64_t i = 0; i < a->count; i += step) {
        double d = (double)x[i] - y[i];
        difference += d * d;
        xx += (double)x[i] * x[i];
        yy += (double)y[i] * y[i];
    }
    double norm = xx > yy ? xx : yy;
    double r = norm > 0 ? sqrt(difference / norm) : 0;
    return isfinite(r) ? (float)r : 2;
}

/* Numbers the nodes with weights; the count. */
static int number_weights(const ff_canon *c, int *of)
{
    int count = 0;
    for (int i = 0; i < c->n_nodes; i++)
        of[i] = weight_of(&c->nodes[i]) ? count++ : -1;
    return count;
}

int matcher_measure(matcher *m)
{
    size_t rows = (size_t)number_weights(m->s, m->weighted_s);
    m->columns = number_weights(m->t, m->weighted_t);
    m->distance = ff_try_alloc((rows * (size_t)m->columns + 1) * sizeof(float));
    if (!m->distance)
        return FF_ERR_NOMEM;
    for (int i = 0; i < m->s->n_nodes; i++) {
        const ff_cnode *a = &m->s->nodes[i];
        const ff_tensor *wa = weight_of(a);
        for (int j = 0; wa && j < m->t->n_nodes; j++) {
            if (m->weighted_t[j] < 0)
                continue;
            const ff_cnode *b = &m->t->nodes[j];
            float *d = &m->distance[(size_t)m->weighted_s[i] * (size_t)m->columns + (size_t)m->weighted_t[j]];
            const ff_tensor *wb = strcmp(a->op, b->op) == 0 ? weight_of(b) : NULL;
            bool alike =
                wb && wa->rank == wb->rank && memcmp(wa->dims, wb->dims, (size_t)wa->rank * sizeof wa->dims[0]) == 0;
            *d = alike ? relative_distance(wa, wb) : -1;
        }
    }
    return FF_OK;
}

double matcher_distance(const matcher *m, int s, int t)
{
    int i = m->weighted_s[s], j = m->weighted_t[t];
    return i < 0 || j < 0 ? -1 : m->distance[(size_t)i * (size_t)m->columns + (size_t)j];
}

/* The nearest free partner of a node and how far the second nearest is. */
static int nearest(const matcher *m, int node, bool source, double *best, double *second)
{
    int found = -1, n = source ? m->t->n_nodes : m->s->n_nodes;
    *best = *second = 10;
    if ((source ? m->weighted_s : m->weighted_t)[node] < 0)
        return -1;
    for (int k = 0; k < n; k++) {
        int s = source ? node : k, t = source ? k : node;
        double d = matcher_distance(m, s, t);
        if (d < 0 || (source ? m->of_t[t] : m->of_s[s]) >= 0 || matcher_forbidden(m, s, t))
            continue;
        if (d < *best) {
            *second = *best;
            *best = d;
            found = k;
        } else if (d < *second) {
            *second = d;
        }
    }
    return found;
}

/* int8 weights are about 0.01 away, bfloat16 0.004; unrelated ones more than 1. Another candidate
 * as near (shared or constant kernels) leaves the decision to the neighbours. */
void matcher_anchor(matcher *m)
{
    for (int s = 0; s < m->s->n_nodes; s++) {
        double best, second, back, back_second;
        int t = m->of_s[s] < 0 ? nearest(m, s, true, &best, &second) : -1;
        if (t < 0 || best > 0.4 || second < 2 * best + 0.05)
            continue;
        if (nearest(m, t, false, &back, &back_second) != s || back_second < 2 * back + 0.05)
            continue;
        const ff_tensor *w = weight_of(&m->s->nodes[s]);
        if (w->count < 8)
            continue;
        matcher_pair(m, s, t, best < 1e-6 ? 1 : 1 - best / 2, best < 1e-6 ? "equal weights" : "near weights");
    }
}
