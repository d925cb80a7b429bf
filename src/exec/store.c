/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checkpoints: activations by key and sample, of the values that cuts.c chooses. */
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

void store_put(ff_store *s, const ff_key *key, int sample, const dnn_layout *layout, const void *data, size_t bytes)
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

/* NULL ends: runs go on from anywhere. */
static void choose(ff_store *s, const ff_plan *p, int samples, const int *ends, int n_ends)
{
    bool *chosen = cuts_choose(p, samples, s->budget, ends, n_ends);

    pthread_mutex_lock(&s->lock);
    for (series *x = s->all; x; x = x->next)
        x->chosen = false;
    for (int v = 0; v < p->n_values; v++) {
        if (!chosen[v])
            continue;
        const ff_key *key = &p->values[v].key;
        series *x = ff_map_get_key(s->by_key, key);
        if (!x) {
            x = ff_alloc(sizeof *x);
            x->key = *key;
            x->next = s->all;
            s->all = x;
            ff_map_put_key(s->by_key, &x->key, x);
        }
        x->chosen = true;
    }
    pthread_mutex_unlock(&s->lock);
    free(chosen);
}

void ff_store_choose(ff_store *s, const ff_plan *p, int samples)
{
    choose(s, p, samples, NULL, 0);
}

void ff_store_choose_for(ff_store *s, const ff_plan *p, int samples, const ff_value *const *ends, int n)
{
    int *steps = ff_alloc_array((size_t)n + 1, sizeof *steps);

    for (int i = 0; i < n; i++)
        steps[i] = p->values[ends[i]->id].step;
    choose(s, p, samples, steps, n);
    free(steps);
}
