/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "exec/cache.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static ff_item **buckets;
static size_t n_buckets, n_items;

static void start(void)
{
    pthread_mutexattr_t a;

    pthread_mutexattr_init(&a);
    pthread_mutexattr_settype(&a, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&lock, &a);
    pthread_mutexattr_destroy(&a);
}

static size_t bucket_of(const ff_key *k, size_t n)
{
    uint64_t v;

    memcpy(&v, k->bytes, sizeof v);
    return (size_t)(v & (n - 1));
}

static void insert(ff_item *item)
{
    if (n_items >= n_buckets) {
        size_t n = n_buckets ? n_buckets * 2 : 256;
        ff_item **grown = ff_alloc_array(n, sizeof *grown);
        for (size_t i = 0; i < n_buckets; i++)
            for (ff_item *at = buckets[i], *next; at; at = next) {
                next = at->next;
                at->next = grown[bucket_of(&at->key, n)];
                grown[bucket_of(&at->key, n)] = at;
            }
        free(buckets);
        buckets = grown;
        n_buckets = n;
    }
    ff_item **b = &buckets[bucket_of(&item->key, n_buckets)];
    item->next = *b;
    *b = item;
    n_items++;
}

int ff_cache_get(const ff_key *key, int (*make)(void *, ff_item **), void *context, ff_item **out)
{
    ff_item *item = NULL;
    int code = FF_OK;

    pthread_once(&once, start);
    pthread_mutex_lock(&lock);
    if (n_buckets)
        for (item = buckets[bucket_of(key, n_buckets)]; item; item = item->next)
            if (ff_key_equal(&item->key, key))
                break;
    if (!item) {
        code = make(context, &item);
        if (code == FF_OK) {
            item->key = *key;
            item->refs = 0;
            insert(item);
        }
    }
    if (code == FF_OK) {
        item->refs++;
        *out = item;
    }
    pthread_mutex_unlock(&lock);
    return code;
}

void ff_cache_ref(ff_item *item)
{
    pthread_mutex_lock(&lock);
    item->refs++;
    pthread_mutex_unlock(&lock);
}

void ff_cache_unref(ff_item *item)
{
    if (!item)
        return;
    pthread_mutex_lock(&lock);
    assert(item->refs > 0);
    if (--item->refs == 0) {
        ff_item **at = &buckets[bucket_of(&item->key, n_buckets)];
        while (*at != item)
            at = &(*at)->next;
        *at = item->next;
        n_items--;
        if (n_items == 0) {
            free(buckets);
            buckets = NULL;
            n_buckets = 0;
        }
        item->destroy(item);
    }
    pthread_mutex_unlock(&lock);
}

size_t ff_cache_size(void)
{
    pthread_once(&once, start);
    pthread_mutex_lock(&lock);
    size_t n = n_items;
    pthread_mutex_unlock(&lock);
    return n;
}
