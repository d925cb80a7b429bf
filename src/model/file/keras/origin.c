/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers of a Keras file in the order that ONNX wants, and back. */
#include "model/file/keras/keras.h"

#include <stdlib.h>
#include <string.h>

origin_piece origin_of(const hdf5_array *a, const int *perm)
{
    origin_piece p = {.array = a, .count = a->tensor->count, .rank = a->tensor->rank};
    for (int i = 0; i < p.rank; i++) {
        p.dims[i] = a->tensor->dims[i];
        p.perm[i] = perm ? perm[i] : i;
    }
    return p;
}

/* Where element i of the piece stands in its array. */
static int64_t place_of(const origin_piece *p, int64_t i)
{
    int64_t sizes[FF_MAX_RANK], strides[FF_MAX_RANK], at = 0, stride = 1;
    for (int a = p->rank - 1; a >= 0; a--) {
        strides[a] = stride;
        stride *= p->dims[a];
    }
    for (int a = 0; a < p->rank; a++)
        sizes[a] = p->dims[p->perm[a]];
    for (int a = p->rank - 1; a >= 0; a--) {
        int64_t index = i % sizes[a];
        i /= sizes[a];
        if (a == 0 && p->n_order && sizes[0] == p->n_order)
            index = p->order[index];
        at += index * strides[p->perm[a]];
    }
    return at;
}

ff_tensor *origin_tensor(const keras_origin *o, int rank, const int64_t *dims)
{
    ff_tensor *t, *real;
    if (ff_tensor_create(FF_FLOAT, rank, dims, &t) != FF_OK)
        return NULL;
    float *to = t->data;
    int64_t room = t->count;
    for (int k = 0; k < o->n_pieces; k++) {
        const origin_piece *p = &o->pieces[k];
        if (p->count > room)
            break;
        room -= p->count;
        if (p->array) {
            if (ff_tensor_convert(p->array->tensor, FF_FLOAT, &real) != FF_OK) {
                ff_tensor_unref(t);
                return NULL;
            }
            for (int64_t i = 0; i < p->count; i++)
                to[i] = ((const float *)real->data)[place_of(p, i)];
            ff_tensor_unref(real);
        }
        to += p->count;
    }
    return t;
}

int origin_invert(const keras_origin *o, const ff_tensor *t, ff_tensor *out[3])
{
    ff_tensor *real;
    int64_t total = 0;
    int code = FF_OK;
    memset(out, 0, 3 * sizeof *out);
    for (int k = 0; k < o->n_pieces; k++)
        total += o->pieces[k].count;
    if (t->count != total)
        return ff_fail(FF_ERR_INPUT, "'%s' has %lld numbers in the file, not %lld", o->constant, (long long)total,
                       (long long)t->count);
    code = ff_tensor_convert(t, FF_FLOAT, &real);
    if (code)
        return code;
    const float *from = real->data;
    for (int k = 0; k < o->n_pieces && code == FF_OK; k++) {
        const origin_piece *p = &o->pieces[k];
        if (p->array)
            code = ff_tensor_create(FF_FLOAT, p->array->tensor->rank, p->array->tensor->dims, &out[k]);
        for (int64_t i = 0; i < p->count && code == FF_OK; i++)
            if (p->array)
                ((float *)out[k]->data)[place_of(p, i)] = from[i];
            else if (from[i] != 0)
                code = ff_fail(FF_ERR_INPUT, "the file has no place for a part of '%s'", o->constant);
        from += p->count;
    }
    ff_tensor_unref(real);
    for (int k = 0; k < 3 && code; k++) {
        ff_tensor_unref(out[k]);
        out[k] = NULL;
    }
    return code;
}
