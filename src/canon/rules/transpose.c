/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Layout. Transposes move towards the outputs through everything that does not care for the order
 * of axes, until they meet one that undoes them; Pads move below them. What cannot move stays and
 * shows. An input that is NHWC becomes an NCHW input with a Transpose behind it.
 */
#include <stdlib.h>
#include <string.h>

#include "canon/rewrite.h"

static cg_node *transpose_of(const cg_value *v)
{
    cg_node *p = v ? v->producer : NULL;
    const ff_cattr *a = p && cg_is(p, "Transpose") ? cg_attr(p, "perm") : NULL;
    return a && a->n == v->shape.rank ? p : NULL;
}

static void perm_of(const cg_node *t, int *perm)
{
    const ff_cattr *a = cg_attr(t, "perm");
    for (int i = 0; i < a->n; i++)
        perm[i] = (int)a->ints[i];
}

/* Does transposing by perm leave the axes that are not of size 1 in order? Then it is a Reshape. */
static bool only_units_move(const ff_shape *s, const int *perm)
{
    int last = -1;
    for (int i = 0; i < s->rank; i++) {
        if (s->dims[perm[i]] == 1)
            continue;
        if (perm[i] < last)
            return false;
        last = perm[i];
    }
    return true;
}

static bool units(cg_graph *g, cg_node *n, const cg_rule *self)
{
    int perm[FF_MAX_RANK];
    if (!cg_is(n, "Transpose") || !transpose_of(n->out[0]) || !cg_shape_static(&n->in[0]->shape))
        return false;
    perm_of(n, perm);
    if (!only_units_move(&n->in[0]->shape, perm))
        return false;
    cg_drop_attr(g, n, "perm");
    n->op = "Reshape";
    cg_set_ints(g, n, "shape", n->out[0]->shape.dims, n->out[0]->shape.rank, n->primary);
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

static bool twice(cg_graph *g, cg_node *n, const cg_rule *self)
{
    cg_node *p = cg_is(n, "Transpose") && transpose_of(n->out[0]) ? transpose_of(n->in[0]) : NULL;
    if (!p)
        return false;
    int first[FF_MAX_RANK], second[FF_MAX_RANK], both[FF_MAX_RANK], rank = n->in[0]->shape.rank;
    bool identity = true;
    perm_of(p, first);
    perm_of(n, second);
    for (int i = 0; i < rank; i++) {
        both[i] = first[second[i]];
        identity = identity && both[i] == i;
    }
    cg_record_rule(g, self, n, p, 0);
    cg_value *x = p->in[0];
    if (identity) {
        cg_replace_value(g, n->out[0], x);
        cg_remove(g, n, NULL);
    } else {
        cg_set_in(n, 0, x);
        cg_set_perm(g, n, both, rank, n->primary);
        if (p->primary)
            cg_absorb(n, p->origins, p->n_origins);
    }
    if (!cg_used(p->out[0]))
        cg_remove(g, p, NULL);
    return true;
}

/* Transpose(Pad(x)) = Pad(Transpose(x)): pads stay beside their convolution. */
static bool above_pad(cg_graph *g, cg_node *n, const cg_rule *self)
{
    cg_node *pad = cg_is(n, "Transpose") && transpose_of(n->out[0]) ? cg_feeder(n, 0, "Pad") : NULL;
    const ff_cattr *p = pad && pad->n_in == 1 ? cg_attr(pad, "pads") : NULL;
    int rank = n->in[0] ? n->in[0]->shape.rank : 0, perm[FF_MAX_RANK];
    if (!p || p->n != 2 * rank)
        return false;
    perm_of(n, perm);
    int64_t pads[2 * FF_MAX_RANK];
    for (int i = 0; i < rank; i++) {
        pads[i] = p->ints[perm[i]];
        pads[rank + i] = p->ints[rank + perm[i]];
    }
    cg_value *x = pad->in[0], *y = n->out[0];
    ff_shape shape = cg_permuted(&x->shape, perm);
    cg_value *middle = cg_value_create(g, &shape);
    cg_inherit_transposed(middle, x, perm);
    cg_record_rule(g, self, n, pad, 0);
    cg_node *below = cg_insert_after(g, n, "Pad", pad->primary, 1);
    below->attrs = pad->attrs;
    below->n_attrs = pad->n_attrs;
    cg_set_ints(g, below, "pads", pads, 2 * rank, pad->primary);
    cg_set_in(n, 0, x);
    cg_set_out(g, n, 0, middle);
    cg_set_in(below, 0, middle);
    cg_set_out(g, below, 0, y);
    cg_remove(g, pad, below);
    return true;
}

/* Operators whose inputs and output have axes that may all be permuted alike, attributes apart. */
static bool indifferent(const cg_node *n)
{
    static const char *const ops[] = {"Add",       "Sub",        "Mul",       "Div",        "Pow",      "Min",
                                      "Max",       "Sum",        "Mean",      "Concat",     "Slice",    "ReduceMean",
                                      "ReduceSum", "ReduceMax",  "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
                                      "Softmax",   "LogSoftmax", "PRelu",     "Where",      NULL};
    for (int i = 0; ops[i]; i++)
        if (strcmp(n->op, ops[i]) == 0)
            return true;
    return cg_elementwise(n) || (cg_is(n, "Resize") && n->formed);
}

static void map_axis(cg_graph *g, cg_node *n, const char *name, const int *perm)
{
    const ff_cattr *a = cg_attr(n, name);
    int64_t axes[FF_MAX_RANK];
    if (!a || a->n > FF_MAX_RANK)
        return;
    for (int i = 0; i < a->n; i++)
        axes[i] = perm[a->ints[i]];
    cg_set_ints(g, n, name, axes, a->n, a->node);
}

static void swap_ints(int64_t *v, int i, int j)
{
    int64_t t = v[i];
    v[i] = v[j];
    v[j] = t;
}

/* What is listed for each axis of the transposed data, for those before. */
static void unpermute_lists(cg_graph *g, cg_node *n, const int *perm, int rank)
{
    const ff_cattr *scales = cg_attr(n, "scales"), *sizes = cg_attr(n, "sizes");
    double reals[FF_MAX_RANK];
    int64_t ints[FF_MAX_RANK];
    for (int i = 0; i < rank; i++) {
        reals[perm[i]] = scales->reals[i];
        ints[perm[i]] = sizes->ints[i];
    }
    cg_set_reals(g, n, "scales", reals, rank, scales->node);
    cg_set_ints(g, n, "sizes", ints, rank, sizes->node);
}

/* Sorts the axes of a node, and starts, ends and steps with them. */
static void sort_axes(cg_graph *g, cg_node *n)
{
    static const char *const lists[] = {"axes", "starts", "ends", "steps"};
    int64_t v[4][FF_MAX_RANK];
    int present[4], count = 0;
    for (int k = 0; k < 4; k++) {
        const ff_cattr *a = cg_attr(n, lists[k]);
        present[k] = a != NULL;
        if (k == 0 && !a)
            return;
        if (k == 0)
            count = a->n;
        for (int i = 0; a && i < count; i++)
            v[k][i] = a->ints[i];
    }
    for (int i = 1; i < count; i++)
        for (int j = i; j > 0 && v[0][j] < v[0][j - 1]; j--)
            for (int k = 0; k < 4; k++)
                if (present[k])
                    swap_ints(v[k], j, j - 1);
    for (int k = 0; k < 4; k++)
        if (present[k])
            cg_set_ints(g, n, lists[k], v[k], count, cg_attr(n, lists[k])->node);
}

/* What input i is to be before the Transpose: its own producer's input, a transposed constant, or a
 * Reshape where only axes of size 1 move. Dry: only asks whether it can be done. */
static bool untransposed(cg_graph *g, cg_node *n, int i, const int *perm, int rank, bool dry, cg_value **out)
{
    cg_value *v = n->in[i];
    cg_node *t = transpose_of(v);
    int inverse[FF_MAX_RANK], own[FF_MAX_RANK];
    if (!v)
        return false;
    cg_invert_perm(inverse, perm, rank);
    if (t && v->shape.rank == rank) {
        perm_of(t, own);
        if (memcmp(own, perm, (size_t)rank * sizeof perm[0]) == 0) {
            *out = t->in[0];
            return true;
        }
    }
    if (v->constant) {
        if (v->shape.rank > rank || v->shape.rank < 0)
            return false;
        if (dry || v->constant->count == 1) {
            *out = v;
            return true;
        }
        int64_t dims[FF_MAX_RANK];
        for (int k = 0; k < rank; k++)
            dims[k] = k < rank - v->shape.rank ? 1 : v->shape.dims[k - (rank - v->shape.rank)];
        cg_value *full = cg_constant_reshaped(g, v, rank, dims);
        *out = full ? cg_constant_transposed(g, full, inverse) : NULL;
        return *out != NULL;
    }
    if (!cg_shape_static(&v->shape) || v->shape.rank != rank || !only_units_move(&v->shape, inverse))
        return false;
    if (dry)
        return true;
    ff_shape shape = cg_permuted(&v->shape, inverse);
    *out = cg_reshape_before(g, n, v, &shape, n->primary);
    return true;
}

/* f(T(x), T(y), c) = T(f(x, y, T'(c))). */
static bool move_down(cg_graph *g, cg_node *n, const cg_rule *self)
{
    cg_node *t = NULL;
    for (int i = 0; i < n->n_in && !t; i++)
        t = transpose_of(n->in[i]);
    if (!t || n->n_out != 1 || !indifferent(n) || !cg_shape_static(&n->out[0]->shape))
        return false;
    int perm[FF_MAX_RANK], rank = t->out[0]->shape.rank;
    if (n->out[0]->shape.rank != rank || (cg_is(n, "PRelu") && t != transpose_of(n->in[0])))
        return false;
    perm_of(t, perm);
    if (cg_attr(n, "over"))
        return false; /* a softmax over several axes depends on no order, but needs them contiguous
                       */
    cg_value *in;
    for (int i = 0; i < n->n_in; i++)
        if (!untransposed(g, n, i, perm, rank, true, &in))
            return false;
    cg_record_rule(g, self, n, t, 0);
    const ff_node *by = t->primary;
    for (int i = 0; i < n->n_in; i++) {
        if (!untransposed(g, n, i, perm, rank, false, &in))
            return false;
        cg_node *old = n->in[i]->producer;
        cg_set_in(n, i, in);
        if (old && cg_is(old, "Transpose") && !old->dead && !cg_used(old->out[0]))
            cg_remove(g, old, NULL);
    }
    map_axis(g, n, "axis", perm);
    map_axis(g, n, "axes", perm);
    sort_axes(g, n);
    if (cg_is(n, "Resize"))
        unpermute_lists(g, n, perm, rank);
    cg_node *after = cg_transpose_after(g, n, perm, by);
    if (by)
        cg_absorb(after, &by, 1);
    return true;
}

/* Axes of size 1 come and go around a Transpose: heads of attention with and without a batch, query, key and value cut
 * from one. In the view it has four axes, or as near to that as it gets. */
static bool nearer_four(const ff_shape *a, const ff_shape *b)
{
    return abs(a->rank - 4) < abs(b->rank - 4);
}

/* x is transposed to `out`, and what comes is seen as y, which differs by axes of size 1 alone: `before` is x with those
 * axes where y has them, `order` what transposes it to y. */
static void units_as_in(const ff_shape *x, const int *perm, const ff_shape *out, const ff_shape *y, ff_shape *before,
                        int *order)
{
    int axes[FF_MAX_RANK], from[FF_MAX_RANK], to[FF_MAX_RANK], wide = cg_wide_axes(x, axes);
    cg_wide_axes(out, from);
    cg_wide_axes(y, to);
    *before = *y;
    for (int i = 0; i < y->rank; i++)
        order[i] = i;
    for (int i = 0; i < wide; i++) {
        before->dims[to[i]] = x->dims[axes[i]];
        for (int k = 0; k < wide; k++)
            if (axes[k] == perm[from[i]])
                order[to[i]] = to[k];
    }
}

/* Reshape(Transpose(x)) = Transpose(Reshape(x)) where the Reshape adds or drops axes of size 1, which stay where they
 * are. */
static bool above_units(cg_graph *g, cg_node *n, const cg_rule *self)
{
    cg_node *t = cg_is(n, "Reshape") && n->n_in == 1 ? cg_feeder(n, 0, "Transpose") : NULL;
    if (!t || !transpose_of(n->in[0]) || !cg_shape_static(&t->in[0]->shape) ||
        !nearer_four(&n->out[0]->shape, &n->in[0]->shape) || !cg_only_units_differ(&n->in[0]->shape, &n->out[0]->shape))
        return false;
    int perm[FF_MAX_RANK], order[FF_MAX_RANK];
    ff_shape before;
    perm_of(t, perm);
    if (only_units_move(&t->in[0]->shape, perm))
        return false; /* a Reshape itself */
    units_as_in(&t->in[0]->shape, perm, &n->in[0]->shape, &n->out[0]->shape, &before, order);
    cg_record_rule(g, self, n, t, 0);
    cg_value *reshaped = cg_reshape_before(g, n, t->in[0], &before, n->primary);
    cg_drop_attr(g, n, "shape");
    n->op = "Transpose";
    n->primary = t->primary;
    cg_set_perm(g, n, order, before.rank, t->primary);
    cg_set_in(n, 0, reshaped);
    cg_remove(g, t, n);
    return true;
}

/* A Transpose that moves axes of size 1 besides, before a product: they are where it leaves them (one head alone). */
static bool fixed_units(cg_graph *g, cg_node *n, const cg_rule *self)
{
    cg_node *user = cg_is(n, "Transpose") && transpose_of(n->out[0]) ? cg_only_user(n->out[0]) : NULL;
    if (!cg_is(user, "MatMul") || !cg_shape_static(&n->in[0]->shape))
        return false;
    int perm[FF_MAX_RANK], order[FF_MAX_RANK];
    ff_shape before, *y = &n->out[0]->shape;
    perm_of(n, perm);
    if (only_units_move(&n->in[0]->shape, perm))
        return false;
    units_as_in(&n->in[0]->shape, perm, y, y, &before, order);
    if (cg_shape_same(&before, &n->in[0]->shape))
        return false;
    cg_record_rule(g, self, n, NULL, 0);
    cg_set_in(n, 0, cg_reshape_before(g, n, n->in[0], &before, n->primary));
    cg_set_perm(g, n, order, before.rank, n->primary);
    return true;
}

/* Transpose(Reshape(x)) = Reshape(Transpose(x)) likewise. */
static bool below_units(cg_graph *g, cg_node *n, const cg_rule *self)
{
    cg_node *r = cg_is(n, "Transpose") && transpose_of(n->out[0]) ? cg_feeder(n, 0, "Reshape") : NULL;
    if (!r || r->n_in != 1 || !cg_shape_static(&r->in[0]->shape) || !nearer_four(&r->in[0]->shape, &n->in[0]->shape) ||
        !cg_only_units_differ(&r->in[0]->shape, &n->in[0]->shape))
        return false;
    const ff_shape *x = &r->in[0]->shape;
    int perm[FF_MAX_RANK], axes[FF_MAX_RANK], dropped[FF_MAX_RANK], to[FF_MAX_RANK], order[FF_MAX_RANK];
    int wide = cg_wide_axes(x, axes);
    cg_wide_axes(&n->in[0]->shape, dropped);
    cg_wide_axes(&n->out[0]->shape, to);
    perm_of(n, perm);
    if (only_units_move(&n->in[0]->shape, perm))
        return false; /* a Reshape itself */
    for (int i = 0; i < x->rank; i++)
        order[i] = i;
    for (int i = 0; i < wide; i++)
        for (int k = 0; k < wide; k++)
            if (dropped[k] == perm[to[i]])
                order[axes[i]] = axes[k];
    ff_shape after = cg_permuted(x, order);
    cg_record_rule(g, self, n, r, 0);
    cg_node *below = cg_reshape_after(g, n, &after, r->primary);
    cg_set_in(n, 0, r->in[0]);
    cg_set_perm(g, n, order, x->rank, n->primary);
    cg_remove(g, r, below);
    return true;
}

/* A dense layer over the channels of transposed data is a 1x1 convolution before the Transpose. */
static bool dense_on_channels(cg_graph *g, cg_node *n, const cg_rule *self)
{
    cg_node *t = cg_is(n, "Gemm") && n->formed ? transpose_of(n->in[0]) : NULL;
    int perm[FF_MAX_RANK], rank = n->in[0]->shape.rank;
    if (!t || rank < 3 || !cg_shape_static(&n->in[0]->shape) || !cg_shape_static(&n->out[0]->shape))
        return false;
    perm_of(t, perm);
    if (perm[0] != 0 || perm[rank - 1] != 1)
        return false;
    int64_t dims[FF_MAX_RANK] = {n->in[1]->shape.dims[0], n->in[1]->shape.dims[1]}, ones[FF_MAX_RANK],
            zeros[2 * FF_MAX_RANK] = {0};
    for (int i = 0; i < rank - 2; i++)
        dims[2 + i] = ones[i] = 1;
    cg_value *w = cg_constant_reshaped(g, n->in[1], rank, dims);
    if (!w)
        return false;
    cg_record_rule(g, self, n, t, 0);
    cg_set_in(n, 0, t->in[0]);
    cg_set_in(n, 1, w);
    n->op = "Conv";
    cg_set_ints(g, n, "kernel_shape", ones, rank - 2, n->primary);
    cg_set_ints(g, n, "strides", ones, rank - 2, n->primary);
    cg_set_ints(g, n, "dilations", ones, rank - 2, n->primary);
    cg_set_ints(g, n, "pads", zeros, 2 * (rank - 2), n->primary);
    cg_set_int(g, n, "group", 1, n->primary);
    cg_absorb(cg_transpose_after(g, n, perm, t->primary), t->origins, t->n_origins);
    if (!cg_used(t->out[0]))
        cg_remove(g, t, NULL);
    return true;
}

/* A graph input of four axes whose channels are not the first: seen as NCHW from here on. */
static bool input_layout(cg_graph *g, cg_node *n, const cg_rule *self)
{
    for (int i = 0; i < n->n_in; i++) {
        cg_value *x = n->in[i];
        if (!x || x->input < 0 || x->shape.rank != 4 || !cg_shape_static(&x->shape) || x->outputs > 0 ||
            !ff_layout_identity(&x->layout))
            continue;
        int channels = 0, found = 0;
        for (int k = 1; k < 4; k++) {
            if (x->shape.dims[k] == 1 || x->shape.dims[k] == 3 || x->shape.dims[k] == 4) {
                channels = k;
                found++;
            }
        }
        if (found != 1 || channels == 1)
            continue;
        int order[4] = {0, channels}, inverse[4], at = 2;
        for (int k = 1; k < 4; k++)
            if (k != channels)
                order[at++] = k;
        cg_invert_perm(inverse, order, 4);
        ff_shape shape = cg_permuted(&x->shape, order);
        cg_value *v = cg_value_create(g, &shape);
        cg_inherit_transposed(v, x, order);
        v->input = x->input;
        x->input = -1;
        g->inputs[v->input] = v;
        cg_node *t = cg_insert_after(g, NULL, "Transpose", NULL, 1);
        cg_set_perm(g, t, inverse, 4, NULL);
        cg_set_in(t, 0, v);
        cg_set_out(g, t, 0, x);
        cg_record_rule(g, self, n, NULL, 0);
        return true;
    }
    return false;
}

/* Is `to` another shape, that of `from` with its axis a, of size 1, at place b? */
static bool unit_moved(const ff_shape *from, const ff_shape *to, int a, int b)
{
    if (from->rank != to->rank || from->dims[a] != 1 || to->dims[b] != 1 || cg_shape_same(from, to))
        return false;
    for (int i = 0, k = 0; i < from->rank; i++, k++) {
        i += i == a;
        k += k == b;
        if (i < from->rank && from->dims[i] != to->dims[k])
            return false;
    }
    return true;
}

static bool all_moved(const cg_node *n, int a, int b)
{
    for (int i = 0; i < n->n_in; i++) {
        const cg_node *r = cg_feeder(n, i, "Reshape");
        if (!r || r->n_in != 1 || !cg_shape_static(&r->in[0]->shape) ||
            !unit_moved(&r->in[0]->shape, &n->in[i]->shape, a, b))
            return false;
    }
    return true;
}

/* Single rows (channels, ...) that are joined along another axis than they came from: joined along that one, then
 * transposed. */
static bool joined_elsewhere(cg_graph *g, cg_node *n, const cg_rule *self)
{
    cg_value *y = n->out[0];
    int rank = y->shape.rank, b = (int)cg_int(n, "axis", -1), a = rank - 1;
    if (!cg_is(n, "Concat") || n->n_in < 2 || b < 0 || b >= rank || !cg_shape_static(&y->shape))
        return false;
    while (a >= 0 && (a == b || !all_moved(n, a, b)))
        a--;
    if (a < 0)
        return false;
    int perm[FF_MAX_RANK];
    for (int i = 0, k = 0; i < rank; i++) {
        k += k == a;
        perm[i] = i == b ? a : k++;
    }
    cg_record_rule(g, self, n, NULL, 0);
    for (int i = 0; i < n->n_in; i++) {
        cg_node *r = n->in[i]->producer;
        cg_set_in(n, i, r->in[0]);
        cg_remove(g, r, n);
    }
    cg_set_int(g, n, "axis", a, n->primary);
    cg_transpose_after(g, n, perm, n->primary);
    return true;
}

const cg_rule cg_layout_rules[] = {
    {"input-layout", "an input whose channels come last is fed the same numbers in another order", input_layout},
    {"transpose-units", "a Transpose that moves only axes of size 1 is a Reshape", units},
    {"transpose-twice", "two Transposes in a row are one, or none", twice},
    {"transpose-units-after", "axes of size 1 added or dropped after a Transpose are so before it", above_units},
    {"transpose-units-before", "axes of size 1 added or dropped before a Transpose are so after it", below_units},
    {"transpose-units-fixed", "axes of size 1 moved by a Transpose or by a Reshape before it", fixed_units},
    {"transpose-pad", "padding before or after a Transpose", above_pad},
    {"concat-units", "single rows or channels joined along another axis, then transposed", joined_elsewhere},
    {"dense-on-channels", "a dense layer over channels is a 1x1 convolution", dense_on_channels},
    {"transpose-order", "an operation before or after a Transpose", move_down},
    {NULL, NULL, NULL},
};
