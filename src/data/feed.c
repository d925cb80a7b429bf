/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Network inputs of a dataset under one spec, kept within a budget. */
#include "data/picture.h"

#include <pthread.h>
#include <stdlib.h>

struct ff_feed {
    const ff_dataset *set;
    ff_pre pre;
    ff_shape shape;
    ff_key key;
    bool has_key;
    pthread_mutex_t mutex;
    ff_tensor **kept;
    uint64_t bytes, budget;
};

int ff_feed_create(const ff_dataset *d, const ff_pre *p, const ff_shape *shape, uint64_t budget,
                   ff_feed **out)
{
    ff_shape s;
    int code = ff_pre_input_shape(p, shape, &s);
    if (code != FF_OK)
        return code;
    ff_feed *f = ff_alloc(sizeof *f);
    f->set = d;
    f->pre = *p;
    f->shape = s;
    f->budget = budget;
    pthread_mutex_init(&f->mutex, NULL);
    f->kept = ff_alloc_array((size_t)ff_dataset_count(d), sizeof *f->kept);
    *out = f;
    return FF_OK;
}

void ff_feed_destroy(ff_feed *f)
{
    if (!f)
        return;
    for (int i = 0; i < ff_dataset_count(f->set); i++)
        ff_tensor_unref(f->kept[i]);
    free(f->kept);
    pthread_mutex_destroy(&f->mutex);
    free(f);
}

int ff_feed_get(ff_feed *f, int i, ff_tensor **out)
{
    picture *p;
    ff_tensor *t = NULL;
    pthread_mutex_lock(&f->mutex);
    if (f->kept[i])
        t = ff_tensor_ref(f->kept[i]);
    pthread_mutex_unlock(&f->mutex);
    if (t) {
        *out = t;
        return FF_OK;
    }
    int code = dataset_picture(f->set, i, &p);
    if (code != FF_OK)
        return code;
    int64_t start = ff_now_ns();
    code = ff_pre_apply(&f->pre, &p->image, &f->shape, &t);
    ff_spend("preprocess", "", ff_now_ns() - start, 1);
    picture_unref(p);
    if (code != FF_OK)
        return ff_fail_prefix(code, "'%s'", ff_dataset_path(f->set, i));
    pthread_mutex_lock(&f->mutex);
    /* First come, first kept: see dataset_picture. */
    if (!f->kept[i] && f->bytes <= f->budget && t->bytes <= f->budget - f->bytes) {
        f->kept[i] = ff_tensor_ref(t);
        f->bytes += t->bytes;
    }
    pthread_mutex_unlock(&f->mutex);
    *out = t;
    return FF_OK;
}

const ff_key *ff_feed_key(const ff_feed *f)
{
    ff_feed *mine = (ff_feed *)f;
    const ff_key *set = ff_dataset_key(f->set);
    pthread_mutex_lock(&mine->mutex);
    if (!mine->has_key) {
        ff_hasher h;
        char *spec = ff_pre_print(&f->pre);
        ff_hasher_init(&h);
        ff_hasher_add_str(&h, spec);
        ff_hasher_add_u64(&h, (uint64_t)f->shape.dtype);
        for (int i = 0; i < f->shape.rank; i++)
            ff_hasher_add_u64(&h, (uint64_t)f->shape.dims[i]);
        ff_hasher_add(&h, set->bytes, sizeof set->bytes);
        mine->key = ff_hasher_done(&h);
        mine->has_key = true;
        free(spec);
    }
    pthread_mutex_unlock(&mine->mutex);
    return &mine->key;
}

const ff_dataset *ff_feed_dataset(const ff_feed *f)
{
    return f->set;
}

const ff_shape *ff_feed_shape(const ff_feed *f)
{
    return &f->shape;
}
