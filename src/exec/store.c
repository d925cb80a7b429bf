/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Checkpoints. What is kept are whole cuts of a plan: all values that are alive between two steps,
 * so that a run whose edit lies behind the cut starts there. Cuts are chosen one after the other by
 * the work they save, over edits anywhere in the network, for a byte.
 */
#include "exec/plan.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* All samples of one value. */
typedef struct series {
    ff_key key;
    bool chosen; /* of the present base state; others give way when room is short */
    int n, capacity;
    kept **at; /* by sample */
    struct series *next;
} series;

struct ff_store {
    pthread_mutex_t lock;
    uint64_t budget, bytes;
    ff_map *by_key;
    series *all;
    bool owned; /* the samples are of `inputs` */
    ff_key inputs;
    ff_store *behind;
};

ff_store *ff_store_create(uint64_t budget_bytes)
{
    ff_store *s = ff_alloc(sizeof *s);

    pthread_mutex_init(&s->lock, NULL);
    s->budget = budget_bytes;
    s->by_key = ff_map_create();
    return s;
}

void kept_unref(kept *k)
{
    if (k && atomic_fetch_sub(&k->refs, 1) == 1) {
        free(k->data);
        free(k);
    }
}

static void clear(ff_store *s, series *x)
{
    for (int i = 0; i < x->n; i++)
        if (x->at[i]) {
            s->bytes -= x->at[i]->bytes;
            kept_unref(x->at[i]);
        }
    free(x->at);
    x->at = NULL;
    x->n = x->capacity = 0;
}

void ff_store_destroy(ff_store *s)
{
    if (!s)
        return;
    for (series *x = s->all, *next; x; x = next) {
        next = x->next;
        clear(s, x);
        free(x);
    }
    ff_map_destroy(s->by_key, NULL);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

void ff_store_empty(ff_store *s)
{
    pthread_mutex_lock(&s->lock);
    for (series *x = s->all; x; x = x->next)
        clear(s, x);
    pthread_mutex_unlock(&s->lock);
}

uint64_t ff_store_bytes(const ff_store *s)
{
    ff_store *t = (ff_store *)s;

    pthread_mutex_lock(&t->lock);
    uint64_t bytes = t->bytes;
    pthread_mutex_unlock(&t->lock);
    return bytes;
}

ff_store *ff_store_for(ff_store *s, const ff_key *inputs, const ff_plan *p, int samples)
{
    if (!s || (s->owned && !ff_key_equal(&s->inputs, inputs)))
        return NULL;
    if (!s->owned)
        ff_store_choose(s, p, samples);
    s->owned = true;
    s->inputs = *inputs;
    return s;
}

void ff_store_set_behind(ff_store *s, ff_store *behind)
{
    s->behind = behind;
}

/* Under the lock: room for more bytes, at the cost of what is not of the present state. */
static bool make_room(ff_store *s, size_t bytes)
{
    for (series *x = s->all; x && s->bytes + bytes > s->budget; x = x->next)
        if (!x->chosen)
            clear(s, x);
    return s->bytes + bytes <= s->budget;
}

kept *store_get(ff_store *s, const ff_key *key, int sample)
{
    kept *k = NULL;

    pthread_mutex_lock(&s->lock);
    const series *x = ff_map_get_key(s->by_key, key);
    if (x && sample >= 0 && sample < x->n)
        k = x->at[sample];
    if (k)
        atomic_fetch_add(&k->refs, 1);
    pthread_mutex_unlock(&s->lock);
    return k || !s->behind ? k : store_get(s->behind, key, sample);
}

bool store_wants(ff_store *s, const ff_key *key, int sample, size_t bytes)
{
    pthread_mutex_lock(&s->lock);
    const series *x = ff_map_get_key(s->by_key, key);
    bool wants = x && x->chosen && sample >= 0 && (sample >= x->n || !x->at[sample]) && bytes <= s->budget;
    pthread_mutex_unlock(&s->lock);
    kept *there = wants && s->behind ? store_get(s->behind, key, sample) : NULL;
    kept_unref(there);
    return wants && !there;
}

void store_put(ff_store *s, const ff_key *key, int sample, const ff_layout *layout, const void *data, size_t bytes)
{
    kept *k = ff_alloc(sizeof *k);

    k->refs = 1;
    k->plain = !layout;
    if (layout)
        k->layout = *layout;
    k->bytes = bytes;
    k->data = ff_try_alloc_unset(bytes);
    if (!k->data) { /* one checkpoint less */
        free(k);
        return;
    }
    memcpy(k->data, data, bytes);
    pthread_mutex_lock(&s->lock);
    series *x = ff_map_get_key(s->by_key, key);
    bool put = x && x->chosen && (sample >= x->n || !x->at[sample]) && make_room(s, bytes);
    if (put) {
        if (sample >= x->capacity) {
            int capacity = sample + sample / 2 + 16;
            x->at = ff_realloc_array(x->at, (size_t)capacity, sizeof *x->at);
            memset(x->at + x->capacity, 0, (size_t)(capacity - x->capacity) * sizeof *x->at);
            x->capacity = capacity;
        }
        if (sample >= x->n)
            x->n = sample + 1;
        x->at[sample] = k;
        s->bytes += bytes;
    }
    pthread_mutex_unlock(&s->lock);
    if (!put)
        kept_unref(k);
}

/* ---------------------------------------------------------------------------------------- choice
 */

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

/* Work saved over an edit whose place is drawn by work, with the cuts chosen so far and one more.
 */
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

void ff_store_choose(ff_store *s, const ff_plan *p, int samples)
{
    int *last = last_reads(p), n = 0, capacity = 64;
    int alive = 0; /* values that cannot be kept */
    cut *cuts = ff_alloc_array((size_t)capacity, sizeof *cuts);
    uint64_t bytes = 0, used = 0;
    double work = 0;

    /* Every place between two steps: how much is alive there. Feeds cost nothing. */
    int *ends = ff_alloc_array((size_t)p->n_steps + 2, sizeof *ends);
    int *next = ff_alloc_array((size_t)p->n_values + 1, sizeof *next);
    for (int i = 0; i <= p->n_steps; i++)
        ends[i] = -1;
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
            next[v] = ends[last[v]];
            ends[last[v]] = v;
        }
        for (int v = ends[i]; v >= 0; v = next[v]) {
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
    double total = work;
    for (int round = 0; round < 64; round++) {
        double have = gain(cuts, n, total, -1), best = 0;
        int chosen = -1;
        for (int i = 0; i < n; i++) {
            uint64_t need = cuts[i].bytes * (uint64_t)(samples > 0 ? samples : 1);
            if (cuts[i].chosen || used + need > s->budget)
                continue;
            double g = (gain(cuts, n, total, i) - have) / (double)cuts[i].bytes;
            if (g > best) {
                best = g;
                chosen = i;
            }
        }
        if (chosen < 0)
            break;
        cuts[chosen].chosen = true;
        used += cuts[chosen].bytes * (uint64_t)(samples > 0 ? samples : 1);
    }

    pthread_mutex_lock(&s->lock);
    for (series *x = s->all; x; x = x->next)
        x->chosen = false;
    for (int c = 0; c < n; c++) {
        if (!cuts[c].chosen)
            continue;
        for (int v = 0; v < p->n_values; v++) {
            const pvalue *x = &p->values[v];
            if (last[v] <= cuts[c].step || x->step < 0 || x->step > cuts[c].step)
                continue;
            series *y = ff_map_get_key(s->by_key, &x->key);
            if (!y) {
                y = ff_alloc(sizeof *y);
                y->key = x->key;
                y->next = s->all;
                s->all = y;
                ff_map_put_key(s->by_key, &y->key, y);
            }
            y->chosen = true;
        }
    }
    pthread_mutex_unlock(&s->lock);
    free(ends);
    free(next);
    free(cuts);
    free(last);
}
