/* SPDX-License-Identifier: GPL-3.0-or-later */
/* view.c: tensors of any element type as arrays of one work type. */
#include "kernel.h"

#include <stdlib.h>

bool ff_is_numeric(ff_dtype t)
{
    return t != FF_UNDEFINED && t != FF_STRING && t != FF_COMPLEX64 && t != FF_COMPLEX128 && t < FF_DTYPE_COUNT;
}

bool ff_is_integer(ff_dtype t)
{
    return ff_is_numeric(t) && !ff_dtype_is_float(t) && t != FF_BOOL;
}

kwork kwork_of(ff_dtype t)
{
    if (t == FF_DOUBLE)
        return KWORK_DOUBLE;
    if (t == FF_UINT64)
        return KWORK_UINT;
    return ff_dtype_is_float(t) ? KWORK_FLOAT : KWORK_INT;
}

static ff_dtype native(kwork w)
{
    static const ff_dtype types[] = {FF_FLOAT, FF_DOUBLE, FF_INT64, FF_UINT64};
    return types[w];
}

/* Element loops for the pairs that occur often; everything else goes element by element. */
static void widen(const ff_tensor *t, kview *v)
{
    int64_t n = t->count;
    if (t->dtype == FF_FLOAT && v->work == KWORK_DOUBLE) {
        const float *from = t->data;
        for (int64_t i = 0; i < n; i++)
            v->d[i] = from[i];
        return;
    }
    if ((t->dtype == FF_UINT8 || t->dtype == FF_INT8) && v->work == KWORK_DOUBLE) {
        const uint8_t *from = t->data;
        bool is_signed = t->dtype == FF_INT8;
        for (int64_t i = 0; i < n; i++)
            v->d[i] = is_signed ? (int8_t)from[i] : from[i];
        return;
    }
    switch (v->work) {
    case KWORK_FLOAT:
        for (int64_t i = 0; i < n; i++)
            v->f[i] = (float)ff_tensor_get_real(t, i);
        break;
    case KWORK_DOUBLE:
        for (int64_t i = 0; i < n; i++)
            v->d[i] = ff_tensor_get_real(t, i);
        break;
    case KWORK_INT:
    case KWORK_UINT:
        for (int64_t i = 0; i < n; i++)
            v->i[i] = ff_tensor_get_int(t, i);
        break;
    }
}

int kview_read(const ff_tensor *t, kwork w, kview *v)
{
    *v = (kview){.work = w, .count = t->count};
    if (!ff_is_numeric(t->dtype))
        return ff_fail(FF_ERR_GRAPH, "type %s has no arithmetic", ff_dtype_name(t->dtype));
    if (t->dtype == native(w)) {
        v->p = t->data;
        return FF_OK;
    }
    size_t size = w == KWORK_FLOAT ? 4 : 8;
    if (!(v->own = ff_try_alloc(t->count ? (size_t)t->count * size : 1)))
        return FF_ERR_NOMEM;
    v->p = v->own;
    widen(t, v);
    return FF_OK;
}

int kview_write(ff_tensor *t, kwork w, kview *v)
{
    *v = (kview){.work = w, .count = t->count, .out = t};
    if (!ff_is_numeric(t->dtype))
        return ff_fail(FF_ERR_GRAPH, "type %s has no arithmetic", ff_dtype_name(t->dtype));
    if (t->dtype == native(w)) {
        v->p = t->data;
        return FF_OK;
    }
    size_t size = w == KWORK_FLOAT ? 4 : 8;
    if (!(v->own = ff_try_alloc(t->count ? (size_t)t->count * size : 1)))
        return FF_ERR_NOMEM;
    v->p = v->own;
    return FF_OK;
}

void kview_store(kview *v)
{
    if (v->own && v->out) {
        ff_tensor *t = v->out;
        switch (v->work) {
        case KWORK_FLOAT:
            for (int64_t i = 0; i < v->count; i++)
                ff_tensor_set_real(t, i, v->f[i]);
            break;
        case KWORK_DOUBLE:
            if (t->dtype == FF_FLOAT) {
                float *to = t->data;
                for (int64_t i = 0; i < v->count; i++)
                    to[i] = (float)v->d[i];
                break;
            }
            for (int64_t i = 0; i < v->count; i++)
                ff_tensor_set_real(t, i, v->d[i]);
            break;
        case KWORK_INT:
        case KWORK_UINT:
            for (int64_t i = 0; i < v->count; i++)
                ff_tensor_set_int(t, i, v->i[i]);
            break;
        }
    }
    kview_finish(v);
}

void kview_finish(kview *v)
{
    free(v->own);
    *v = (kview){0};
}
