/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The order along the graph. Nodes are listed depth first from the outputs, branches in the order
 * of their structure rather than of the file, so that permuted branches come out alike; what is not
 * yet paired is then aligned like two sequences (Needleman and Wunsch, 1970).
 */
#include <stdlib.h>
#include <string.h>

#include "align/matcher.h"

#define ROUNDS 4 /* how far a node's structure looks */
#define WINDOW 2000

static uint64_t mix(uint64_t h, uint64_t v)
{
    h ^= v + 0x9e3779b97f4a7c15ull + (h << 6) + (h >> 2);
    h *= 0xff51afd7ed558ccdull;
    return h ^ (h >> 33);
}

static uint64_t colour_of(const ff_canon *c, const ff_cnode *n)
{
    uint64_t h = 1;
    for (const char *s = n->op; *s; s++)
        h = mix(h, (unsigned char)*s);
    for (int i = 0; i < n->n_outputs; i++) {
        const ff_shape *s = &c->values[n->outputs[i]].shape;
        for (int k = 0; k < s->rank; k++)
            h = mix(h, (uint64_t)s->dims[k]);
    }
    const ff_cparam *w = ff_cnode_param(n, "weight");
    for (int i = 0; w && i < w->tensor->rank; i++)
        h = mix(h, (uint64_t)w->tensor->dims[i]);
    return h;
}

/* Colours of nodes by what leads to them, ROUNDS deep. The caller frees. */
static uint64_t *colours(const ff_canon *c)
{
    size_t n = (size_t)c->n_nodes + 1;
    uint64_t *now = ff_alloc_array(n, sizeof *now), *next = ff_alloc_array(n, sizeof *next);
    for (int i = 0; i < c->n_nodes; i++)
        now[i] = colour_of(c, &c->nodes[i]);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < c->n_nodes; i++) {
            uint64_t sum = 0; /* order does not count */
            for (int k = 0; k < c->nodes[i].n_inputs; k++) {
                int p = c->values[c->nodes[i].inputs[k]].producer;
                sum += mix(7, p < 0 ? 3 : now[p]);
            }
            next[i] = mix(now[i], sum);
        }
        uint64_t *t = now;
        now = next;
        next = t;
    }
    free(next);
    return now;
}

/* Depth-first order, without recursion: graphs may be thousands deep. */
static void list(const ff_canon *c, const uint64_t *colour, int *order)
{
    int *stack = ff_alloc_array((size_t)c->n_nodes + 1, sizeof *stack), depth, count = 0;
    char *state = ff_alloc((size_t)c->n_nodes + 1); /* 0 new, 1 open, 2 listed */
    for (int o = c->n_outputs - 1 + c->n_nodes; o >= 0; o--) {
        /* From the outputs first; whatever they do not reach, from the end of the graph. */
        int root = o >= c->n_nodes ? c->values[c->outputs[o - c->n_nodes]].producer : o;
        if (root < 0 || state[root])
            continue;
        depth = 0;
        stack[depth++] = root;
        while (depth > 0) {
            int n = stack[depth - 1], best = -1;
            state[n] = 1;
            for (int k = 0; k < c->nodes[n].n_inputs; k++) {
                int p = c->values[c->nodes[n].inputs[k]].producer;
                if (p >= 0 && !state[p] && (best < 0 || colour[p] < colour[best]))
                    best = p;
            }
            if (best >= 0) {
                stack[depth++] = best;
                continue;
            }
            state[n] = 2;
            order[count++] = n;
            depth--;
        }
    }
    free(state);
    free(stack);
}

void matcher_sort(matcher *m)
{
    uint64_t *cs = colours(m->s), *ct = colours(m->t);
    list(m->s, cs, m->order_s);
    list(m->t, ct, m->order_t);
    free(cs);
    free(ct);
}

/* Aligns the n nodes at `a` with the k nodes at `b`. */
static bool align_sequences(matcher *m, const int *a, int n, const int *b, int k)
{
    /* best[i][j]: of the first i and j; what a pair scores above 1.5 is gained. */
    size_t width = (size_t)k + 1;
    float *best = ff_alloc_array(((size_t)n + 1) * width, sizeof *best);
    float *gain = ff_alloc_array(((size_t)n + 1) * width, sizeof *gain);
    for (int i = 1; i <= n; i++) {
        for (int j = 1; j <= k; j++) {
            size_t at = (size_t)i * width + (size_t)j;
            gain[at] = (float)(matcher_score(m, a[i - 1], b[j - 1]) - 1.5);
            float up = best[at - width], left = best[at - 1], pair = best[at - width - 1] + gain[at];
            best[at] = up > left ? up : left;
            if (gain[at] > 0 && pair >= best[at])
                best[at] = pair;
        }
    }
    bool any = false;
    for (int i = n, j = k; i > 0 && j > 0;) {
        size_t at = (size_t)i * width + (size_t)j;
        if (gain[at] > 0 && best[at] == best[at - width - 1] + gain[at]) {
            float score = gain[at] + 1.5f;
            matcher_pair(m, a[i - 1], b[j - 1], score > 6 ? 0.85 : 0.4 + 0.07 * (double)score, "order");
            any = true;
            i--;
            j--;
        } else if (best[at] == best[at - width]) {
            i--;
        } else {
            j--;
        }
    }
    free(gain);
    free(best);
    return any;
}

/* What is not paired yet, in order; the count. */
static int unpaired(const int *order, const int *of, int n, int *out)
{
    int count = 0;
    for (int i = 0; i < n; i++)
        if (of[order[i]] < 0)
            out[count++] = order[i];
    return count;
}

/* The table of all against all grows with the square: sequences beyond WINDOW nodes are aligned piece by
 * piece, each piece of one against the piece at the same share of the other. */
bool matcher_along(matcher *m)
{
    int *a = ff_alloc_array((size_t)m->s->n_nodes + 1, sizeof *a);
    int *b = ff_alloc_array((size_t)m->t->n_nodes + 1, sizeof *b);
    int n = unpaired(m->order_s, m->of_s, m->s->n_nodes, a);
    int k = unpaired(m->order_t, m->of_t, m->t->n_nodes, b);
    int64_t pieces = (n > k ? n : k) / WINDOW + 1;
    bool any = false;
    for (int64_t i = 0; i < pieces; i++) {
        int from = (int)(i * n / pieces), to = (int)((i + 1) * n / pieces);
        int start = (int)(i * k / pieces), end = (int)((i + 1) * k / pieces);
        any = align_sequences(m, a + from, to - from, b + start, end - start) || any;
    }
    free(b);
    free(a);
    return any;
}
