/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DepthToSpace and SpaceToDepth move elements only: so do a Reshape, a Transpose and a Reshape, as other converters write
 * them (formulas: ONNX DepthToSpace, SpaceToDepth). */
#include "canon/rewrite.h"

/* x seen as `dims`, its axes permuted by `perm`, seen as what n makes. */
static bool become_moves(cg_graph *g, cg_node *n, const int64_t *dims, const int *perm, const cg_rule *self)
{
    enum { RANK = 6 };
    cg_value *x = n->in[0], *y = n->out[0];
    ff_shape split = {.dtype = x->shape.dtype, .rank = RANK}, moved = split;
    int64_t order[RANK];
    for (int i = 0; i < RANK; i++) {
        split.dims[i] = dims[i];
        moved.dims[i] = dims[perm[i]];
        order[i] = perm[i];
    }
    cg_value *a = cg_value_create(g, &split), *b = cg_value_create(g, &moved);
    cg_inherit_reshaped(a, x);
    cg_inherit_transposed(b, a, perm);
    cg_node *first = cg_insert_before(g, n, "Reshape", n->primary, 1);
    cg_node *last = cg_insert_after(g, n, "Reshape", n->primary, 1);
    cg_absorb(first, n->origins, n->n_origins);
    cg_absorb(last, n->origins, n->n_origins);
    cg_set_in(first, 0, x);
    cg_set_out(g, first, 0, a);
    cg_set_ints(g, first, "shape", split.dims, RANK, n->primary);
    cg_set_in(n, 0, a);
    cg_set_out(g, n, 0, b);
    n->op = "Transpose";
    n->n_attrs = 0;
    cg_set_ints(g, n, "perm", order, RANK, n->primary);
    cg_set_in(last, 0, b);
    cg_set_out(g, last, 0, y);
    cg_set_ints(g, last, "shape", y->shape.dims, y->shape.rank, n->primary);
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

static bool depth_to_space(cg_graph *g, cg_node *n, const cg_rule *self)
{
    const ff_shape *s = &n->in[0]->shape;
    int64_t b = cg_int(n, "blocksize", 0);
    if (!cg_is(n, "DepthToSpace") || n->n_in != 1 || b < 1 || s->rank != 4 || !cg_shape_static(s) ||
        !cg_shape_static(&n->out[0]->shape) || s->dims[1] % (b * b) != 0)
        return false;
    int64_t c = s->dims[1] / (b * b);
    if (cg_text_is(n, "mode", "CRD"))
        return become_moves(g, n, (const int64_t[]){s->dims[0], c, b, b, s->dims[2], s->dims[3]},
                            (const int[]){0, 1, 4, 2, 5, 3}, self);
    return become_moves(g, n, (const int64_t[]){s->dims[0], b, b, c, s->dims[2], s->dims[3]},
                        (const int[]){0, 3, 4, 1, 5, 2}, self);
}

static bool space_to_depth(cg_graph *g, cg_node *n, const cg_rule *self)
{
    const ff_shape *s = &n->in[0]->shape;
    int64_t b = cg_int(n, "blocksize", 0);
    if (!cg_is(n, "SpaceToDepth") || n->n_in != 1 || b < 1 || s->rank != 4 || !cg_shape_static(s) ||
        !cg_shape_static(&n->out[0]->shape) || s->dims[2] % b != 0 || s->dims[3] % b != 0)
        return false;
    return become_moves(g, n, (const int64_t[]){s->dims[0], s->dims[1], s->dims[2] / b, b, s->dims[3] / b, b},
                        (const int[]){0, 3, 5, 1, 2, 4}, self);
}

const cg_rule cg_block_rules[] = {
    {"depth-to-space", "DepthToSpace is a Reshape, a Transpose and a Reshape", depth_to_space},
    {"space-to-depth", "SpaceToDepth is a Reshape, a Transpose and a Reshape", space_to_depth},
    {NULL, NULL, NULL},
};
