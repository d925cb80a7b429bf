/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reshapes that cut or join axes behind a Transpose, as channels are shuffled in NHWC: the Transpose moves below.
 *
 * Transposed axes and new axes fall into blocks of equal size. Within a block the order is what the Transpose made it;
 * the blocks are put in the order of the data before it, and a Transpose of whole blocks goes behind the Reshape.
 */
#include "canon/rewrite.h"

typedef struct block {
    int from, count;         /* transposed axes */
    int new_from, new_count; /* axes of the result */
    int first;               /* the first axis of the data before the Transpose that is in it */
} block;

/* The smallest blocks whose sizes agree; their number, 0 where there are none. */
static int cut_into_blocks(const ff_shape *a, const ff_shape *b, block *out)
{
    int n = 0;
    for (int i = 0, j = 0; i < a->rank && j < b->rank;) {
        block *k = &out[n++];
        *k = (block){.from = i, .new_from = j};
        int64_t x = a->dims[i++], y = b->dims[j++];
        if (x < 1 || y < 1)
            return 0;
        while (x != y) {
            if (x < y && i < a->rank)
                x *= a->dims[i++];
            else if (y < x && j < b->rank)
                y *= b->dims[j++];
            else
                return 0;
        }
        if (j == b->rank) /* ones at the end */
            while (i < a->rank && a->dims[i] == 1)
                i++;
        if (i == a->rank)
            while (j < b->rank && b->dims[j] == 1)
                j++;
        k->count = i - k->from;
        k->new_count = j - k->new_from;
    }
    return n > 0 && out[n - 1].from + out[n - 1].count == a->rank &&
                   out[n - 1].new_from + out[n - 1].new_count == b->rank
               ? n
               : 0;
}

static int wide(const ff_shape *s, int from, int count)
{
    int n = 0;
    for (int i = from; i < from + count; i++)
        n += s->dims[i] != 1;
    return n;
}

/* Is any axis cut or joined? Axes of size 1 alone move the other way (transpose-units-before). */
static bool regroups(const ff_shape *a, const ff_shape *b, const block *blocks, int count)
{
    for (int k = 0; k < count; k++)
        if (wide(a, blocks[k].from, blocks[k].count) > 1 || wide(b, blocks[k].new_from, blocks[k].new_count) > 1)
            return true;
    return false;
}

static cg_node *transposed(cg_graph *g, cg_node *at, const cg_node *like, cg_value *in, const int *perm, int rank)
{
    int64_t order[FF_MAX_RANK];
    ff_shape shape = in->shape;
    for (int i = 0; i < rank; i++) {
        order[i] = perm[i];
        shape.dims[i] = in->shape.dims[perm[i]];
    }
    cg_node *t = cg_insert_before(g, at, "Transpose", like->primary, 1);
    cg_absorb(t, like->origins, like->n_origins);
    cg_set_ints(g, t, "perm", order, rank, like->primary);
    cg_value *v = cg_value_create(g, &shape);
    cg_inherit_transposed(v, in, perm);
    cg_set_in(t, 0, in);
    cg_set_out(g, t, 0, v);
    return t;
}

static bool regroup(cg_graph *g, cg_node *n, const cg_rule *self)
{
    cg_node *t = cg_is(n, "Reshape") && n->n_in == 1 ? n->in[0]->producer : NULL;
    const ff_cattr *perm = t && cg_is(t, "Transpose") ? cg_attr(t, "perm") : NULL;
    const ff_shape *a = &n->in[0]->shape, *b = &n->out[0]->shape;
    block blocks[FF_MAX_RANK];
    if (!perm || perm->n != a->rank || !cg_shape_static(a) || !cg_shape_static(b))
        return false;
    int count = cut_into_blocks(a, b, blocks), order[FF_MAX_RANK];
    bool sorted = true;
    for (int k = 0; k < count; k++) {
        blocks[k].first = a->rank;
        for (int i = blocks[k].from; i < blocks[k].from + blocks[k].count; i++)
            blocks[k].first = perm->ints[i] < blocks[k].first ? (int)perm->ints[i] : blocks[k].first;
        int at = k;
        for (; at > 0 && blocks[order[at - 1]].first > blocks[k].first; at--)
            order[at] = order[at - 1];
        order[at] = k;
        sorted = sorted && at == k;
    }
    if (count == 0 || sorted || !regroups(a, b, blocks, count))
        return false;
    /* `before` transposes into the blocks in order, `after` puts the blocks where they are to be. */
    int before[FF_MAX_RANK], after[FF_MAX_RANK], at = 0, n_before = 0;
    ff_shape joined = {.dtype = b->dtype, .rank = b->rank};
    bool identity = true;
    for (int k = 0; k < count; k++) {
        const block *o = &blocks[order[k]];
        for (int i = 0; i < o->count; i++, n_before++) {
            before[n_before] = (int)perm->ints[o->from + i];
            identity = identity && before[n_before] == n_before;
        }
        for (int i = 0; i < o->new_count; i++, at++) {
            joined.dims[at] = b->dims[o->new_from + i];
            after[o->new_from + i] = at;
        }
    }
    cg_value *x = t->in[0], *y = n->out[0], *v = cg_value_create(g, &joined);
    cg_record_rule(g, self, n, t, 0);
    if (!identity)
        x = transposed(g, n, t, x, before, a->rank)->out[0];
    cg_inherit_reshaped(v, x);
    cg_node *r = cg_insert_before(g, n, "Reshape", n->primary, 1);
    cg_absorb(r, n->origins, n->n_origins);
    cg_set_ints(g, r, "shape", joined.dims, joined.rank, n->primary);
    cg_set_in(r, 0, x);
    cg_set_out(g, r, 0, v);
    int64_t perm_after[FF_MAX_RANK];
    for (int i = 0; i < b->rank; i++)
        perm_after[i] = after[i];
    n->op = "Transpose";
    n->n_attrs = 0;
    n->primary = t->primary;
    cg_absorb(n, t->origins, t->n_origins);
    cg_set_ints(g, n, "perm", perm_after, b->rank, t->primary);
    cg_set_in(n, 0, v);
    cg_set_out(g, n, 0, y);
    if (!cg_used(t->out[0]))
        cg_remove(g, t, NULL);
    return true;
}

const cg_rule cg_regroup_rules[] = {
    {"transpose-reshape", "axes cut or joined before or after a Transpose", regroup},
    {NULL, NULL, NULL},
};
