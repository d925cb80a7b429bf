/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A hash map that keeps the order of insertion: entries in an array, an open-addressed index over it. */
#include "fetafix/base.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

typedef struct entry {
    uint64_t hash;
    void *bytes; /* the name (NUL-terminated) or the key's 32 bytes; NULL: removed */
    size_t size;
    bool is_key;
    void *value;
} entry;

struct ff_map {
    entry *entries;
    size_t used, capacity; /* used counts removed entries too */
    size_t live;
    uint32_t *index; /* entry number + 1, or 0; a power of two of slots, at most half full */
    size_t slots;
};

static uint64_t seed;

static void make_seed(void)
{
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed)
        seed = UINT64_C(0x9E3779B97F4A7C15) ^ (uint64_t)ff_now_ns();
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)(a ^ b) * UINT64_C(0xD6E8FEB86659FD93);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Names come from files, so the hash is keyed: nobody can choose names that all collide. The order
 * of iteration does not depend on it. */
static uint64_t hash_of(const void *bytes, size_t n)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_seed);
    const unsigned char *p = bytes;
    uint64_t h = mix(seed, n);
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        h = mix(h + seed, word);
    }
    uint64_t rest = 0;
    memcpy(&rest, p, n);
    return mix(h + seed, rest);
}

ff_map *ff_map_create(void)
{
    return ff_alloc(sizeof(ff_map));
}

void ff_map_destroy(ff_map *m, void (*free_value)(void *))
{
    if (!m)
        return;
    for (size_t i = 0; i < m->used; i++) {
        if (m->entries[i].bytes && free_value)
            free_value(m->entries[i].value);
        free(m->entries[i].bytes);
    }
    free(m->entries);
    free(m->index);
    free(m);
}

static entry *find(const ff_map *m, const void *bytes, size_t size, bool is_key, uint64_t hash)
{
    if (m->slots == 0)
        return NULL;
    for (size_t s = hash & (m->slots - 1); m->index[s]; s = (s + 1) & (m->slots - 1)) {
        entry *e = &m->entries[m->index[s] - 1];
        if (e->hash == hash && e->size == size && e->is_key == is_key && memcmp(e->bytes, bytes, size) == 0)
            return e;
    }
    return NULL;
}

static void index_add(ff_map *m, uint64_t hash, size_t number)
{
    size_t s = hash & (m->slots - 1);
    while (m->index[s])
        s = (s + 1) & (m->slots - 1);
    m->index[s] = (uint32_t)number + 1;
}

/* Drops removed entries and makes the index anew with room for one more. */
static void rebuild(ff_map *m)
{
    size_t live = 0;
    for (size_t i = 0; i < m->used; i++)
        if (m->entries[i].bytes)
            m->entries[live++] = m->entries[i];
    m->used = live;
    size_t slots = 16;
    while (slots < 4 * (live + 1))
        slots *= 2;
    free(m->index);
    m->slots = slots;
    m->index = ff_alloc_array(slots, sizeof *m->index);
    for (size_t i = 0; i < live; i++)
        index_add(m, m->entries[i].hash, i);
}

static void put(ff_map *m, const void *bytes, size_t size, bool is_key, void *value)
{
    uint64_t hash = hash_of(bytes, size);
    entry *e = find(m, bytes, size, is_key, hash);
    if (e) {
        e->value = value;
        return;
    }
    if (2 * (m->used + 1) > m->slots)
        rebuild(m);
    assert(m->used < UINT32_MAX - 1);
    ff_grow(&m->entries, &m->capacity, m->used + 1, sizeof *m->entries);
    char *copy = ff_alloc(size + 1);
    memcpy(copy, bytes, size);
    m->entries[m->used] = (entry){hash, copy, size, is_key, value};
    index_add(m, hash, m->used);
    m->used++;
    m->live++;
}

static void *get(const ff_map *m, const void *bytes, size_t size, bool is_key)
{
    entry *e = find(m, bytes, size, is_key, hash_of(bytes, size));
    return e ? e->value : NULL;
}

/* Empties a slot of the index and moves up what linear probing had put behind it, so that no probe
 * ever passes over removed entries. */
static void index_remove(ff_map *m, size_t hole)
{
    size_t mask = m->slots - 1;
    for (size_t s = (hole + 1) & mask; m->index[s]; s = (s + 1) & mask) {
        size_t home = m->entries[m->index[s] - 1].hash & mask;
        if (((s - home) & mask) >= ((s - hole) & mask)) {
            m->index[hole] = m->index[s];
            hole = s;
        }
    }
    m->index[hole] = 0;
}

static void *take(ff_map *m, const void *bytes, size_t size, bool is_key)
{
    entry *e = find(m, bytes, size, is_key, hash_of(bytes, size));
    if (!e)
        return NULL;
    size_t s = e->hash & (m->slots - 1);
    while (m->index[s] != (uint32_t)(e - m->entries) + 1)
        s = (s + 1) & (m->slots - 1);
    index_remove(m, s);
    free(e->bytes);
    e->bytes = NULL; /* a gap in the order of insertion, closed when the index is made anew */
    m->live--;
    return e->value;
}

void *ff_map_get(const ff_map *m, const char *name)
{
    return get(m, name, strlen(name), false);
}

void ff_map_put(ff_map *m, const char *name, void *value)
{
    put(m, name, strlen(name), false, value);
}

void *ff_map_remove(ff_map *m, const char *name)
{
    return take(m, name, strlen(name), false);
}

void *ff_map_get_key(const ff_map *m, const ff_key *key)
{
    return get(m, key->bytes, sizeof key->bytes, true);
}

void ff_map_put_key(ff_map *m, const ff_key *key, void *value)
{
    put(m, key->bytes, sizeof key->bytes, true, value);
}

void *ff_map_remove_key(ff_map *m, const ff_key *key)
{
    return take(m, key->bytes, sizeof key->bytes, true);
}

size_t ff_map_size(const ff_map *m)
{
    return m->live;
}

bool ff_map_next(const ff_map *m, size_t *cursor, const char **name, void **value)
{
    while (*cursor < m->used) {
        const entry *e = &m->entries[(*cursor)++];
        if (!e->bytes)
            continue;
        if (name)
            *name = e->is_key ? NULL : e->bytes;
        if (value)
            *value = e->value;
        return true;
    }
    return false;
}
