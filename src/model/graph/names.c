/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fetafix/base.h"
#include "model/graph/names.h"

static uint64_t hash(const char *s)
{
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a, then mixed */

    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 0x100000001b3u;
    return h ^ h >> 29;
}

void names_init(name_table *n, size_t expected)
{
    n->capacity = 64;
    while (n->capacity < expected * 2)
        n->capacity *= 2;
    n->used = 0;
    n->at = ff_alloc_array(n->capacity, sizeof *n->at);
}

void names_finish(name_table *n)
{
    free(n->at);
    *n = (name_table){0};
}

static struct name_entry *find(const name_table *n, const char *name)
{
    for (size_t i = hash(name) & (n->capacity - 1);; i = (i + 1) & (n->capacity - 1))
        if (n->at[i].name == NULL || strcmp(n->at[i].name, name) == 0)
            return &n->at[i];
}

void **names_place(name_table *n, const char *name)
{
    struct name_entry *e = find(n, name);

    if (e->name != NULL)
        return &e->value;
    if (2 * (n->used + 1) > n->capacity) {
        name_table old = *n;
        names_init(n, old.capacity);
        for (size_t i = 0; i < old.capacity; i++)
            if (old.at[i].name != NULL)
                *find(n, old.at[i].name) = old.at[i];
        n->used = old.used;
        names_finish(&old);
        e = find(n, name);
    }
    e->name = name;
    n->used++;
    return &e->value;
}

void *names_get(const name_table *n, const char *name)
{
    return n->capacity ? find(n, name)->value : NULL;
}
