/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repair/known.h"

#include <stdlib.h>

struct known_results {
    ff_map *map;
};

known_results *known_create(void)
{
    known_results *r = ff_alloc(sizeof *r);
    r->map = ff_map_create();
    return r;
}

static void one_destroy(void *p)
{
    known *k = p;
    ff_labels_destroy(k->labels);
    free(k);
}

void known_destroy(known_results *r)
{
    if (!r)
        return;
    ff_map_destroy(r->map, one_destroy);
    free(r);
}

const known *known_get(const known_results *r, const ff_key *key)
{
    return ff_map_get_key(r->map, key);
}

static known *need(known_results *r, const ff_key *key)
{
    known *k = ff_map_get_key(r->map, key);
    if (!k) {
        k = ff_alloc(sizeof *k);
        ff_map_put_key(r->map, key, k);
    }
    return k;
}

void known_put(known_results *r, const ff_key *key, const ff_labels *labels, int wrong, double distance)
{
    known *k = need(r, key);
    if (k->labels)
        return;
    k->labels = ff_labels_create(labels->count);
    k->labels->width = labels->width;
    for (int i = 0; i < labels->count; i++) {
        k->labels->at[i] = labels->at[i];
        k->labels->at[i].output = NULL;
        k->labels->at[i].form = NULL;
    }
    k->wrong = wrong;
    k->distance = distance;
}

void known_put_bound(known_results *r, const ff_key *key, int wrong)
{
    known *k = need(r, key);
    if (!k->labels && k->wrong < wrong)
        k->wrong = wrong;
}
