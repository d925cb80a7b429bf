/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sparse constants. A tensor lists its levels from the outermost; each is dense, or says where its entries stand. */
#include "model/file/tflite/tflite.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_LEVELS = 2 * FF_MAX_RANK };
enum { SPARSITY_ORDER, SPARSITY_BLOCKS, SPARSITY_LEVELS };

typedef struct level {
    bool sparse;
    int64_t size;       /* dense */
    fb_vector segments; /* sparse: where the entries of each parent begin */
    fb_vector indices;
    int segment_width, index_width;
} level;

typedef struct expansion {
    int n, n_blocks, rank;
    level levels[MOST_LEVELS];
    int64_t order[MOST_LEVELS], blocks[FF_MAX_RANK], block_size[FF_MAX_RANK], at[MOST_LEVELS];
    const ff_tensor *from;
    ff_tensor *to;
    int64_t next; /* element of `from` */
    bool bad;
} expansion;

/* Unions of vectors: 1 int32, 2 uint16, 3 uint8. */
static fb_vector numbers(const fb_table *t, int type_field, int *width)
{
    static const int widths[] = {0, 4, 2, 1};
    int64_t type = fb_int(t, type_field, 1, 0);
    if (type < 1 || type > 3)
        return (fb_vector){0};
    *width = widths[type];
    fb_table inner = fb_sub(t, type_field + 1);
    return fb_list(&inner, 0, (size_t)*width);
}

static int64_t unsigned_at(const fb_vector *v, int64_t i, int width)
{
    if (i < 0 || i >= (int64_t)v->n)
        return -1;
    int64_t x = fb_get(v, (uint32_t)i, width);
    return width == 4 ? x : x & (width == 2 ? 0xffff : 0xff);
}

/* Puts one element: blocked axes have an index of the block and one within. */
static void put(expansion *e)
{
    int64_t index[FF_MAX_RANK] = {0}, place = 0;
    for (int i = 0; i < e->n; i++) {
        int64_t axis = e->order[i];
        if (axis < e->rank)
            index[axis] += e->at[i] * e->block_size[axis];
        else
            index[e->blocks[axis - e->rank]] += e->at[i];
    }
    for (int a = 0; a < e->rank; a++) {
        e->bad |= index[a] < 0 || index[a] >= e->to->dims[a];
        place = e->bad ? 0 : place * e->to->dims[a] + index[a];
    }
    size_t unit = ff_dtype_size(e->to->dtype);
    e->bad |= e->next >= e->from->count;
    if (!e->bad)
        memcpy((char *)e->to->data + (size_t)place * unit, (const char *)e->from->data + (size_t)e->next * unit, unit);
    e->next++;
}

static void expand(expansion *e, int depth, int64_t parent)
{
    if (depth == e->n) {
        put(e);
        return;
    }
    const level *l = &e->levels[depth];
    int64_t from = 0, end = l->size;
    if (l->sparse) {
        from = unsigned_at(&l->segments, parent, l->segment_width);
        end = unsigned_at(&l->segments, parent + 1, l->segment_width);
        e->bad |= from < 0 || end < from || end > (int64_t)l->indices.n;
    }
    for (int64_t i = from; i < end && !e->bad; i++) {
        e->at[depth] = l->sparse ? unsigned_at(&l->indices, i, l->index_width) : i;
        expand(e, depth + 1, l->sparse ? i : parent * l->size + i);
    }
}

static bool read_levels(expansion *e, const fb_table *sparsity)
{
    fb_vector order = fb_list(sparsity, SPARSITY_ORDER, 4), blocks = fb_list(sparsity, SPARSITY_BLOCKS, 4);
    fb_vector levels = fb_list(sparsity, SPARSITY_LEVELS, 4);
    e->n = (int)(levels.n < MOST_LEVELS + 1 ? levels.n : MOST_LEVELS + 1);
    e->n_blocks = (int)(blocks.n < FF_MAX_RANK + 1 ? blocks.n : FF_MAX_RANK + 1);
    if (e->n > MOST_LEVELS || e->n_blocks > FF_MAX_RANK || e->n != e->rank + e->n_blocks || (int)order.n != e->n)
        return false;
    for (int a = 0; a < e->rank; a++)
        e->block_size[a] = 1;
    for (int i = 0; i < e->n_blocks; i++) {
        e->blocks[i] = fb_get(&blocks, (uint32_t)i, 4);
        if (e->blocks[i] < 0 || e->blocks[i] >= e->rank)
            return false;
    }
    for (int i = 0; i < e->n; i++) {
        fb_table t = fb_at(&levels, (uint32_t)i);
        level *l = &e->levels[i];
        e->order[i] = fb_get(&order, (uint32_t)i, 4);
        l->sparse = fb_int(&t, 0, 1, 0) == 1;
        l->size = fb_int(&t, 1, 4, 0);
        if (e->order[i] < 0 || e->order[i] >= e->n || (!l->sparse && l->size < 1))
            return false;
        if (l->sparse) {
            l->segments = numbers(&t, 2, &l->segment_width);
            l->indices = numbers(&t, 4, &l->index_width);
        } else if (e->order[i] >= e->rank) {
            e->block_size[e->blocks[e->order[i] - e->rank]] = l->size;
        }
    }
    return true;
}

/* The numbers of a sparse constant are as many as its bytes hold, whatever its shape says. */
static ff_tensor *stored(tfl_reader *r, tfl_tensor *t)
{
    size_t unit = ff_dtype_unit(t->shape.dtype);
    ff_tensor *made = NULL;
    int64_t n = unit ? (int64_t)(t->bytes / unit) : 0;
    r->code = ff_tensor_create(t->shape.dtype, 1, &n, &made);
    if (r->code == FF_OK && n)
        ff_copy_little_endian(made->data, t->data, (size_t)n, unit);
    return made;
}

void tfl_make_densify(tfl_op *op)
{
    tfl_reader *r = op->r;
    tfl_tensor *x = tfl_in(op, 0), *y = tfl_out(op, 0);
    uint64_t count = 1;
    if (!x || !y || x->data == NULL || y->constant || y->data || y->values[0] || ff_dtype_unit(x->shape.dtype) == 0) {
        tfl_fail(op, "it needs a constant");
        return;
    }
    for (int i = 0; i < x->shape.rank; i++)
        if (__builtin_mul_overflow(count, (uint64_t)x->shape.dims[i], &count))
            count = UINT64_MAX / 16;
    if (count > (uint64_t)r->file.size * 16 ||
        (r->made += count * ff_dtype_unit(x->shape.dtype)) > (uint64_t)r->file.size * 64) {
        tfl_fail(op, "the constants are larger than the file can hold");
        return;
    }
    fb_table sparsity = fb_sub(&x->table, 6);
    expansion e = {.rank = x->shape.rank};
    ff_tensor *from = stored(r, x);
    if (from && r->code == FF_OK)
        r->code = ff_tensor_create(x->shape.dtype, x->shape.rank, x->shape.dims, &e.to);
    if (r->code == FF_OK && (sparsity.f == NULL || !read_levels(&e, &sparsity)))
        tfl_fail(op, "its levels do not fit its shape");
    if (r->code == FF_OK) {
        e.from = from;
        expand(&e, 0, 0);
        if (e.bad || e.next != from->count)
            tfl_fail(op, "its levels do not fit its numbers");
    }
    ff_tensor_unref(from);
    if (r->code) {
        ff_tensor_unref(e.to);
        return;
    }
    y->constant = e.to;
    y->shape.dtype = x->shape.dtype;
    y->source = (int)(x - r->tensors);
    y->is_sparse = true;
}
