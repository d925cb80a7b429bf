/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Network inputs of a dataset: pictures under one spec, kept within a budget, or samples of arrays. */
#include "images/arrays.h"
#include "images/picture.h"

#include <pthread.h>
#include <stdlib.h>

struct ff_feed {
    const ff_dataset *set;
    ff_pre pre;
    int n; /* inputs */
    ff_shape shapes[FF_MOST_INPUTS];
    int arrays[FF_MOST_INPUTS]; /* of the set, by input */
    ff_key key;
    bool has_key;
    pthread_mutex_t mutex;
    ff_tensor **kept;
    uint64_t bytes, budget;
};

int ff_feed_create(const ff_dataset *d, const ff_pre *p, const ff_shape *shape, uint64_t budget, ff_feed **out)
{
    ff_shape s;
    int code = ff_pre_input_shape(p, shape, &s);
    if (code != FF_OK)
        return code;
    ff_feed *f = ff_alloc(sizeof *f);
    f->set = d;
    f->pre = *p;
    f->n = 1;
    f->shapes[0] = s;
    f->budget = budget;
    pthread_mutex_init(&f->mutex, NULL);
    f->kept = ff_alloc_array((size_t)ff_dataset_count(d), sizeof *f->kept);
    *out = f;
    return FF_OK;
}

int ff_feed_shapes(const ff_dataset *d, const ff_pre *p, const ff_model *m, ff_shape out[FF_MOST_INPUTS])
{
    const ff_graph *g = ff_model_graph(m);
    const arrays *a = dataset_arrays(d);
    if (!a && g->n_inputs != 1)
        return ff_fail(FF_ERR_GRAPH, "the model has %d inputs, an image is one", g->n_inputs);
    if (!a)
        return ff_pre_input_shape(p, &g->inputs[0]->declared, out);
    if (g->n_inputs > FF_MOST_INPUTS)
        return ff_fail(FF_ERR_GRAPH, "the model has %d inputs, more than %d", g->n_inputs, FF_MOST_INPUTS);
    for (int i = 0; i < g->n_inputs; i++) {
        int array, code = arrays_of_input(a, m, i, &array);
        if (!code)
            code = arrays_shape(a, array, g->inputs[i], &out[i]);
        if (code)
            return code;
    }
    return FF_OK;
}

int ff_feed_create_for(const ff_dataset *d, const ff_pre *p, const ff_model *m, uint64_t budget, ff_feed **out)
{
    ff_shape shapes[FF_MOST_INPUTS];
    int code = ff_feed_shapes(d, p, m, shapes), n = ff_model_graph(m)->n_inputs;
    const arrays *a = dataset_arrays(d);
    if (!code && !a)
        return ff_feed_create(d, p, shapes, budget, out);
    if (code)
        return code;
    ff_feed *f = ff_alloc(sizeof *f);
    f->set = d;
    f->pre = *p;
    f->n = n;
    for (int i = 0; i < n && !code; i++) {
        f->shapes[i] = shapes[i];
        code = arrays_of_input(a, m, i, &f->arrays[i]);
    }
    pthread_mutex_init(&f->mutex, NULL);
    f->kept = ff_alloc_array((size_t)ff_dataset_count(d), sizeof *f->kept);
    *out = f;
    return code;
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
    const arrays *a = dataset_arrays(f->set);
    if (a)
        return arrays_sample(a, f->arrays[0], i, &f->shapes[0], out);
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
    code = ff_pre_apply(&f->pre, &p->image, &f->shapes[0], &t);
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

int ff_feed_take(ff_feed *f, int i, ff_feeds *out)
{
    ff_tensor *t;
    *out = (ff_feeds){0};
    int code = f->n ? ff_feed_get(f, i, &t) : FF_OK;
    if (!code && f->n)
        out->at[out->n++] = t;
    while (!code && out->n < f->n) {
        code = arrays_sample(dataset_arrays(f->set), f->arrays[out->n], i, &f->shapes[out->n], &t);
        if (!code)
            out->at[out->n++] = t;
    }
    if (code)
        ff_feeds_drop(out);
    return code;
}

void ff_feeds_drop(ff_feeds *f)
{
    for (int i = 0; i < f->n; i++)
        ff_tensor_unref(f->at[i]);
    *f = (ff_feeds){0};
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
        ff_hasher_add_str(&h, dataset_arrays(f->set) ? NULL : spec);
        for (int i = 0; i < f->n; i++) {
            ff_hasher_add_u64(&h, (uint64_t)f->arrays[i]);
            ff_hasher_add_u64(&h, (uint64_t)f->shapes[i].dtype);
            for (int k = 0; k < f->shapes[i].rank; k++)
                ff_hasher_add_u64(&h, (uint64_t)f->shapes[i].dims[k]);
        }
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

int64_t ff_feed_repeats(const ff_feed *f)
{
    const arrays *a = dataset_arrays(f->set);
    const ff_shape *s = &f->shapes[0];
    bool batch = f->n > 0 && s->rank > 0 && (!a || a->at[f->arrays[0]]->rank == s->rank);
    return batch && s->dims[0] > 1 ? s->dims[0] : 1;
}

const ff_shape *ff_feed_shape(const ff_feed *f)
{
    return &f->shapes[0];
}
