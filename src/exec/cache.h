/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Things that plans share within the process, found by content: primitives, packed weights, folded
 * constants. An item lives as long as somebody holds it; plans of an edited model find what the
 * plan before the edit still holds.
 */
#ifndef FF_EXEC_CACHE_H
#define FF_EXEC_CACHE_H

#include "fetafix/base.h"

/* First member of everything that is cached. */
typedef struct ff_item {
    ff_key key;
    int refs; /* under the cache's lock */
    void (*destroy)(struct ff_item *item);
    struct ff_item *next;
} ff_item;

/* The item of this key, made by `make` when there is none (under the cache's lock, which is
 * recursive: makers may ask for other items). make fills in `destroy`. One more reference. */
int ff_cache_get(const ff_key *key, int (*make)(void *context, ff_item **out), void *context,
                 ff_item **out) FF_MUST_USE;
void ff_cache_ref(ff_item *item);
void ff_cache_unref(ff_item *item); /* NULL is fine */
size_t ff_cache_size(void);         /* items alive: for tests */

#endif
