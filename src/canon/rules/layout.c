/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How canonical data lies in original data, and how that changes under transposes and reshapes.
 *
 * Axes of size 1 never matter and are left out. Any chain of transposes and reshapes is one layout
 * as long as each reshape cuts the axes at places where they can be cut: [6] -> [2,3] can, [2,3] ->
 * [3,2] after a transpose cannot.
 */
#include <string.h>

#include "canon/rewrite.h"

void cg_layout_init(ff_layout *l, int rank, const int64_t *dims)
{
    *l = (ff_layout){0};
    for (int i = 0; i < rank; i++) {
        if (dims[i] == 1)
            continue;
        l->perm[l->rank] = l->rank;
        l->dims[l->rank++] = dims[i];
    }
}

/* Axis j of the permuted data becomes two, of sizes p and the rest. */
static bool split(ff_layout *l, int j, int64_t p)
{
    if (l->rank == FF_MAX_RANK)
        return false;
    int a = l->perm[j];
    int64_t q = l->dims[a] / p;
    memmove(l->dims + a + 1, l->dims + a, (size_t)(l->rank - a) * sizeof l->dims[0]);
    l->dims[a] = p;
    l->dims[a + 1] = q;
    for (int i = 0; i < l->rank; i++)
        l->perm[i] += l->perm[i] > a;
    memmove(l->perm + j + 1, l->perm + j, (size_t)(l->rank - j) * sizeof l->perm[0]);
    l->perm[j + 1] = a + 1;
    l->rank++;
    return true;
}

/* Cuts the axes so that each canonical axis is a run of them: axis i starts at first[i]. */
static bool refine(ff_layout *l, int rank, const int64_t *dims, int *first)
{
    int j = 0;
    for (int i = 0; i < rank; i++) {
        first[i] = j;
        int64_t have = 1;
        while (have < dims[i]) {
            if (j == l->rank)
                return false;
            int64_t t = l->dims[l->perm[j]];
            if (dims[i] % have != 0)
                return false;
            int64_t need = dims[i] / have;
            if (need % t != 0) {
                if (t % need != 0 || !split(l, j, need))
                    return false;
                t = need;
            }
            have *= t;
            j++;
        }
    }
    first[rank] = j;
    return j == l->rank;
}

bool cg_layout_transpose(ff_layout *l, int rank, const int64_t *dims, const int *perm)
{
    ff_layout r = *l;
    int first[FF_MAX_RANK + 1], moved[FF_MAX_RANK], n = 0;
    if (!refine(&r, rank, dims, first))
        return false;
    for (int i = 0; i < rank; i++)
        for (int j = first[perm[i]]; j < first[perm[i] + 1]; j++)
            moved[n++] = r.perm[j];
    memcpy(r.perm, moved, (size_t)n * sizeof moved[0]);
    *l = r;
    return true;
}

bool cg_layout_reshape(ff_layout *l, int rank, const int64_t *dims, int new_rank, const int64_t *new_dims)
{
    int first[FF_MAX_RANK + 1];
    ff_layout r = *l;
    (void)rank;
    (void)dims;
    if (!refine(&r, new_rank, new_dims, first))
        return false;
    *l = r;
    return true;
}

void cg_inherit(cg_value *v, const cg_value *from)
{
    v->original = from->original;
    v->layout = from->layout;
}

void cg_inherit_transposed(cg_value *v, const cg_value *from, const int *perm)
{
    cg_inherit(v, from);
    if (v->original && !cg_layout_transpose(&v->layout, from->shape.rank, from->shape.dims, perm))
        v->original = NULL;
}

void cg_inherit_reshaped(cg_value *v, const cg_value *from)
{
    cg_inherit(v, from);
    if (v->original && !cg_layout_reshape(&v->layout, from->shape.rank, from->shape.dims, v->shape.rank, v->shape.dims))
        v->original = NULL;
}

void cg_invert_perm(int *inverse, const int *perm, int rank)
{
    for (int i = 0; i < rank; i++)
        inverse[perm[i]] = i;
}

ff_shape cg_permuted(const ff_shape *s, const int *perm)
{
    ff_shape r = *s;
    for (int i = 0; i < s->rank; i++)
        r.dims[i] = s->dims[perm[i]];
    return r;
}

void cg_set_perm(cg_graph *g, cg_node *transpose, const int *perm, int rank, const ff_node *by)
{
    int64_t v[FF_MAX_RANK];
    for (int i = 0; i < rank; i++)
        v[i] = perm[i];
    cg_set_ints(g, transpose, "perm", v, rank, by);
}

cg_value *cg_transpose_before(cg_graph *g, cg_node *n, cg_value *x, const int *perm)
{
    ff_shape shape = cg_permuted(&x->shape, perm);
    cg_value *moved = cg_value_create(g, &shape);
    cg_inherit_transposed(moved, x, perm);
    cg_node *before = cg_insert_before(g, n, "Transpose", n->primary, 1);
    cg_set_perm(g, before, perm, x->shape.rank, n->primary);
    cg_set_in(before, 0, x);
    cg_set_out(g, before, 0, moved);
    return moved;
}

cg_node *cg_transpose_after(cg_graph *g, cg_node *n, const int *perm, const ff_node *by)
{
    int inverse[FF_MAX_RANK];
    cg_value *y = n->out[0];
    cg_invert_perm(inverse, perm, y->shape.rank);
    ff_shape shape = cg_permuted(&y->shape, inverse);
    cg_value *before = cg_value_create(g, &shape);
    cg_inherit_transposed(before, y, inverse);
    cg_node *after = cg_insert_after(g, n, "Transpose", by, 1);
    cg_set_perm(g, after, perm, y->shape.rank, by);
    cg_set_out(g, n, 0, before);
    cg_set_in(after, 0, before);
    cg_set_out(g, after, 0, y);
    return after;
}

cg_value *cg_constant_transposed(cg_graph *g, const cg_value *c, const int *perm)
{
    ff_tensor *t = NULL;
    int code = ff_tensor_transpose(c->constant, perm, &t);
    if (code) {
        g->code = code;
        return NULL;
    }
    cg_value *v = cg_constant(g, t, c);
    cg_inherit_transposed(v, c, perm);
    return v;
}

cg_value *cg_constant_reshaped(cg_graph *g, const cg_value *c, int rank, const int64_t *dims)
{
    ff_tensor *t = NULL;
    int code = ff_tensor_reshape(c->constant, rank, dims, &t);
    if (code) {
        g->code = code;
        return NULL;
    }
    cg_value *v = cg_constant(g, t, c);
    cg_inherit_reshaped(v, c);
    return v;
}

/* -------------------------------------------------------------------------------- public */

bool ff_layout_identity(const ff_layout *l)
{
    for (int i = 0; i < l->rank; i++)
        if (l->perm[i] != i)
            return false;
    return true;
}

/* data seen as `from`, transposed by perm, seen as `to`. */
static int carry(const ff_tensor *t, int rank, const int64_t *from, const int *perm, int to_rank, const int64_t *to,
                 ff_tensor **out)
{
    int64_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= from[i];
    if (count != t->count)
        return ff_fail(FF_ERR_GRAPH, "a tensor of %lld elements does not fit a layout of %lld", (long long)t->count,
                       (long long)count);
    ff_tensor *seen = NULL, *moved = NULL;
    int code = ff_tensor_reshape(t, rank, from, &seen);
    if (!code)
        code = ff_tensor_transpose(seen, perm, &moved);
    if (!code)
        code = ff_tensor_reshape(moved, to_rank, to, out);
    ff_tensor_unref(seen);
    ff_tensor_unref(moved);
    return code;
}

int ff_layout_apply(const ff_layout *l, const ff_tensor *original, int rank, const int64_t *dims, ff_tensor **out)
{
    return carry(original, l->rank, l->dims, l->perm, rank, dims, out);
}

int ff_layout_invert(const ff_layout *l, const ff_tensor *canonical, int rank, const int64_t *dims, ff_tensor **out)
{
    int64_t permuted[FF_MAX_RANK];
    int inverse[FF_MAX_RANK];
    for (int i = 0; i < l->rank; i++)
        permuted[i] = l->dims[l->perm[i]];
    cg_invert_perm(inverse, l->perm, l->rank);
    return carry(canonical, l->rank, permuted, inverse, rank, dims, out);
}
