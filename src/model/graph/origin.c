/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes a document was read from; when they are kept, without the payloads that tensors hold already. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "model/graph/document.h"

/* Payloads below this stay where they are: a hole costs more than it saves. */
#define MIN_HOLE 4096

struct hole {
    size_t at, hidden; /* bytes of the holes before this one */
    ff_tensor *t;
};

struct origin {
    atomic_int refs;
    const uint8_t *data; /* the caller's, until sealed */
    size_t size;
    bool disposable;
    uint8_t *kept; /* sealed: the bytes without the holes */
    struct hole *holes;
    size_t n_holes, capacity;
};

origin *origin_create(const uint8_t *data, size_t size, bool disposable)
{
    origin *o = ff_alloc(sizeof *o);

    atomic_init(&o->refs, 1);
    o->data = data;
    o->size = size;
    o->disposable = disposable;
    return o;
}

origin *origin_ref(origin *o)
{
    atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
    return o;
}

void origin_unref(origin *o)
{
    if (o == NULL || atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < o->n_holes; i++)
        ff_tensor_unref(o->holes[i].t);
    free(o->holes);
    free(o->kept);
    free(o);
}

const uint8_t *origin_data(const origin *o)
{
    return o->data;
}

size_t origin_size(const origin *o)
{
    return o->size;
}

void origin_add_hole(origin *o, size_t at, const ff_tensor *t)
{
    if (t->bytes < MIN_HOLE || ff_dtype_unit(t->dtype) == 0 || t->dtype == FF_STRING)
        return;
    if (o->n_holes && at < o->holes[o->n_holes - 1].at + o->holes[o->n_holes - 1].t->bytes)
        return;
    ff_grow(&o->holes, &o->capacity, o->n_holes + 1, sizeof *o->holes);
    const struct hole *last = o->n_holes ? &o->holes[o->n_holes - 1] : NULL;
    size_t hidden = last ? last->hidden + last->t->bytes : 0;
    o->holes[o->n_holes++] = (struct hole){at, hidden, ff_tensor_ref(t)};
    if (o->disposable) { /* nobody reads them again: the whole pages among them go back */
        uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)(o->data + at);
        uintptr_t first = (from + page - 1) / page * page, end = (from + t->bytes) / page * page;
        if (end > first)
            madvise((void *)first, end - first, MADV_DONTNEED);
    }
}

void origin_seal(origin *o)
{
    size_t hidden = 0, from = 0, to = 0;

    for (size_t i = 0; i < o->n_holes; i++)
        hidden += o->holes[i].t->bytes;
    o->kept = ff_alloc(o->size - hidden + 1);
    for (size_t i = 0; i <= o->n_holes; i++) {
        size_t end = i < o->n_holes ? o->holes[i].at : o->size;
        memcpy(o->kept + to, o->data + from, end - from);
        to += end - from;
        from = i < o->n_holes ? end + o->holes[i].t->bytes : end;
    }
    o->data = NULL;
}

void origin_emit(const origin *o, size_t start, size_t end, ff_buf *b)
{
    size_t low = 0, high = o->n_holes, hidden = 0;

    if (o->data != NULL) {
        ff_buf_add(b, o->data + start, end - start);
        return;
    }
    while (low < high) { /* the first hole that ends behind start */
        size_t middle = (low + high) / 2;
        if (o->holes[middle].at + o->holes[middle].t->bytes <= start)
            low = middle + 1;
        else
            high = middle;
    }
    if (low > 0)
        hidden = o->holes[low - 1].hidden + o->holes[low - 1].t->bytes;
    for (size_t i = low; start < end; i++) {
        size_t stop = i < o->n_holes && o->holes[i].at < end ? o->holes[i].at : end;
        ff_buf_add(b, o->kept + start - hidden, stop - start);
        start = stop;
        if (start < end) { /* a hole never straddles the end of a part */
            const ff_tensor *t = o->holes[i].t;
            size_t at = b->len;
            ff_grow(&b->data, &b->capacity, b->len + t->bytes + 1, 1);
            ff_copy_little_endian(b->data + at, t->data, t->bytes / ff_dtype_unit(t->dtype), ff_dtype_unit(t->dtype));
            b->len += t->bytes;
            b->data[b->len] = '\0';
            start += t->bytes;
            hidden += t->bytes;
        }
    }
}
