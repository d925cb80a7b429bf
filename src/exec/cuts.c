/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which values of a plan are worth keeping. What is kept are whole cuts: all values that are alive between two steps, so
 * that a run whose edit lies behind the cut starts there. Cuts are chosen one after the other by the work they save for a
 * byte. */
#include "exec/plan.h"

#include <stdlib.h>
#include <string.h>

#define MAX_CUTS 1000

typedef struct cut {
    double before;  /* work that a run from here saves */
    uint64_t bytes; /* of one sample */
    int step;
    bool chosen;
} cut;

static uint64_t value_bytes(const pvalue *x)
{
    if (x->n_reps && x->reps[0].kind == REP_BUFFER)
        return x->reps[0].bytes;
    return (uint64_t)shape_count(&x->shape) * ff_dtype_size(x->shape.dtype);
}

/* The bytes behind a view are those of what is seen. */
static int viewed(const ff_plan *p, int value)
{
    while (p->values[value].step >= 0 &&
           (p->steps[p->values[value].step].kind == STEP_VIEW || p->steps[p->values[value].step].kind == STEP_RESHAPE))
        value = p->steps[p->values[value].step].in[0].value;
    return value;
}

static bool keepable(const pvalue *x)
{
    return x->has_key && x->fixed && dtype_is_bytes(x->shape.dtype);
}

/* Work saved over an edit whose place is drawn by work, with the cuts chosen so far and one more. */
static double gain(const cut *cuts, int n, double total, int more)
{
    double sum = 0, next = total;

    for (int i = n - 1; i >= 0; i--)
        if (cuts[i].chosen || i == more) {
            sum += cuts[i].before * (next - cuts[i].before);
            next = cuts[i].before;
        }
    return sum;
}

/* The same over runs that go on behind given steps. */
static double gain_at(const cut *cuts, int n, const int *steps, int n_steps, int more)
{
    double sum = 0;

    for (int k = 0; k < n_steps; k++) {
        double before = 0;
        for (int i = 0; i < n && cuts[i].step <= steps[k]; i++)
            if (cuts[i].chosen || i == more)
                before = cuts[i].before;
        sum += before;
    }
    return sum;
}

static int by_bytes(const void *a, const void *b)
{
    const cut *x = a, *y = b;

    return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

static int by_step(const void *a, const void *b)
{
    return ((const cut *)a)->step - ((const cut *)b)->step;
}

/* For each value of the plan the last step of a whole run that reads it; -1: not part of one. */
static int *last_reads(const ff_plan *p)
{
    int *last = ff_alloc_array((size_t)p->n_values + 1, sizeof *last);
    bool *need = ff_alloc_array((size_t)p->n_values + 1, sizeof *need);

    for (int i = 0; i < p->n_values; i++)
        last[i] = -1;
    for (int i = 0; i < p->n_outputs; i++) {
        need[p->outputs[i]] = true;
        int v = viewed(p, p->outputs[i]);
        last[v] = p->n_steps;
    }
    for (int i = p->n_steps - 1; i >= 0; i--) {
        const step *s = &p->steps[i];
        bool run = false;
        for (int o = 0; o < s->n_out; o++)
            run |= s->out[o].value >= 0 && need[s->out[o].value] && p->values[s->out[o].value].step == i;
        for (int k = 0; run && k < s->n_in + s->n_captures; k++) {
            if (s->in[k].value < 0)
                continue;
            need[s->in[k].value] = true;
            int v = viewed(p, s->in[k].value);
            if (s->kind != STEP_VIEW && s->kind != STEP_RESHAPE && last[v] < i)
                last[v] = i;
        }
    }
    free(need);
    return last;
}

static void choose(cut *cuts, int n, double total, int samples, uint64_t budget, const int *ends, int n_ends)
{
    uint64_t used = 0;

    for (int round = 0; round < 64; round++) {
        double have = ends ? gain_at(cuts, n, ends, n_ends, -1) : gain(cuts, n, total, -1), best = 0;
        int chosen = -1;
        for (int i = 0; i < n; i++) {
            if (cuts[i].chosen || used + cuts[i].bytes * (uint64_t)samples > budget)
                continue;
            double with = ends ? gain_at(cuts, n, ends, n_ends, i) : gain(cuts, n, total, i);
            double g = (with - have) / (double)cuts[i].bytes;
            if (g > best) {
                best = g;
                chosen = i;
            }
        }
        if (chosen < 0)
            break;
        cuts[chosen].chosen = true;
        used += cuts[chosen].bytes * (uint64_t)samples;
    }
}

bool *cuts_choose(const ff_plan *p, int samples, uint64_t budget, const int *ends, int n_ends)
{
    int *last = last_reads(p), n = 0, capacity = 64;
    int alive = 0; /* values that cannot be kept */
    cut *cuts = ff_alloc_array((size_t)capacity, sizeof *cuts);
    uint64_t bytes = 0;
    double work = 0;

    /* Every place between two steps: how much is alive there. Feeds cost nothing. */
    int *dying = ff_alloc_array((size_t)p->n_steps + 2, sizeof *dying);
    int *next = ff_alloc_array((size_t)p->n_values + 1, sizeof *next);
    for (int i = 0; i <= p->n_steps; i++)
        dying[i] = -1;
    for (int i = 0; i < p->n_steps; i++) {
        const step *t = &p->steps[i];
        bool made = false;
        for (int o = 0; o < t->n_out; o++) {
            int v = t->out[o].value;
            if (v < 0 || last[v] < 0 || p->values[v].step != i)
                continue;
            made = true;
            bytes += value_bytes(&p->values[v]);
            alive += !keepable(&p->values[v]);
            next[v] = dying[last[v]];
            dying[last[v]] = v;
        }
        for (int v = dying[i]; v >= 0; v = next[v]) {
            bytes -= value_bytes(&p->values[v]);
            alive -= !keepable(&p->values[v]);
        }
        if (!made)
            continue;
        work += t->flops;
        if (alive || bytes == 0 || work <= 0 || i == p->n_steps - 1)
            continue;
        /* The last place before the next work is as good and may be smaller. */
        if (n && cuts[n - 1].before == work && cuts[n - 1].bytes <= bytes)
            continue;
        if (n && cuts[n - 1].before == work)
            n--;
        if (n == capacity) {
            capacity *= 2;
            cuts = ff_realloc_array(cuts, (size_t)capacity, sizeof *cuts);
        }
        cuts[n++] = (cut){work, bytes, i, false};
    }
    if (n > MAX_CUTS) { /* only the narrow places, so that the choice stays quick */
        qsort(cuts, (size_t)n, sizeof *cuts, by_bytes);
        n = MAX_CUTS;
        qsort(cuts, (size_t)n, sizeof *cuts, by_step);
    }
    choose(cuts, n, work, samples > 0 ? samples : 1, budget, ends, n_ends);
    bool *chosen = ff_alloc_array((size_t)p->n_values + 1, sizeof *chosen);
    for (int c = 0; c < n; c++)
        for (int v = 0; cuts[c].chosen && v < p->n_values; v++)
            chosen[v] |= last[v] > cuts[c].step && p->values[v].step >= 0 && p->values[v].step <= cuts[c].step;
    free(dying);
    free(next);
    free(cuts);
    free(last);
    return chosen;
}
