/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reshapes: merged, and moved towards the outputs as far as they go. */
#include <string.h>

#include "canon/rewrite.h"

bool cg_elementwise(const cg_node *n)
{
    static const char *const unary[] = {
        "Clip",      "Relu",  "Sigmoid", "HardSigmoid", "HardSwish",  "Swish",    "Gelu", "Tanh",
        "LeakyRelu", "Elu",   "Selu",    "Celu",        "Softplus",   "Softsign", "Mish", "ThresholdedRelu",
        "Erf",       "Exp",   "Log",     "Sqrt",        "Reciprocal", "Neg",      "Abs",  "Floor",
        "Ceil",      "Round", "Sign",    "Sin",         "Cos",        "Cast",     "Not",  "Scale",
        NULL};
    if (cg_is(n, "QuantizeLinear") || cg_is(n, "DequantizeLinear")) {
        for (int i = 1; i < n->n_in; i++)
            if (n->in[i] && !(n->in[i]->constant && n->in[i]->constant->count == 1))
                return false;
        return true;
    }
    if (n->n_in != 1)
        return false;
    for (int i = 0; unary[i]; i++)
        if (strcmp(n->op, unary[i]) == 0)
            return true;
    return false;
}

cg_value *cg_reshape_before(cg_graph *g, cg_node *at, cg_value *v, const ff_shape *shape, const ff_node *by)
{
    ff_shape typed = *shape;
    typed.dtype = v->shape.dtype;
    cg_value *out = cg_value_create(g, &typed);
    cg_inherit_reshaped(out, v);
    cg_node *r = cg_insert_before(g, at, "Reshape", by, 1);
    cg_set_ints(g, r, "shape", shape->dims, shape->rank, by);
    cg_set_in(r, 0, v);
    cg_set_out(g, r, 0, out);
    return out;
}

cg_node *cg_reshape_after(cg_graph *g, cg_node *n, const ff_shape *inner, const ff_node *by)
{
    cg_value *y = n->out[0];
    ff_shape typed = *inner;
    typed.dtype = y->shape.dtype;
    cg_value *before = cg_value_create(g, &typed);
    cg_inherit_reshaped(before, y);
    cg_node *after = cg_insert_after(g, n, "Reshape", by, 1);
    cg_set_ints(g, after, "shape", y->shape.dims, y->shape.rank, by);
    cg_set_out(g, n, 0, before);
    cg_set_in(after, 0, before);
    cg_set_out(g, after, 0, y);
    return after;
}

int cg_wide_axes(const ff_shape *s, int *axes)
{
    int n = 0;
    for (int i = 0; i < s->rank; i++)
        if (s->dims[i] != 1)
            axes[n++] = i;
    return n;
}

bool cg_only_units_differ(const ff_shape *a, const ff_shape *b)
{
    int of_a[FF_MAX_RANK], of_b[FF_MAX_RANK], n = cg_wide_axes(a, of_a);
    if (n != cg_wide_axes(b, of_b))
        return false;
    for (int i = 0; i < n; i++)
        if (a->dims[of_a[i]] != b->dims[of_b[i]])
            return false;
    return true;
}

static cg_node *reshape_of(const cg_value *v)
{
    return v && v->producer && cg_is(v->producer, "Reshape") && v->producer->n_in == 1 ? v->producer : NULL;
}

static bool twice(cg_graph *g, cg_node *n, const cg_rule *self)
{
    cg_node *p = cg_is(n, "Reshape") && n->n_in == 1 ? reshape_of(n->in[0]) : NULL;
    if (!p)
        return false;
    cg_record_rule(g, self, n, p, 0);
    cg_value *x = p->in[0];
    bool alone = cg_only_user(p->out[0]) != NULL;
    cg_set_in(n, 0, x);
    if (alone)
        cg_remove(g, p, n);
    return true;
}

/* A Reshape behind n takes the place of `p` before it; n's inputs and p's end are the caller's. */
static cg_node *reshape_behind(cg_graph *g, cg_node *n, const cg_node *p, const cg_rule *self)
{
    cg_record_rule(g, self, n, p, 0);
    return cg_reshape_after(g, n, &p->in[0]->shape, p->primary);
}

/* Same batch and channels, and nothing but axes of size 1 besides: [1,C,1,1] and [1,C]. */
static bool keeps_channels(const ff_shape *a, const ff_shape *b)
{
    return a->rank >= 2 && b->rank >= 2 && a->dims[0] == b->dims[0] && a->dims[1] == b->dims[1];
}

/* The axis of x that axis `axis` of its Reshape y is; -1: it is none of them. An axis of size 1 is any such axis. */
static int axis_before(const ff_shape *x, const ff_shape *y, int axis)
{
    int of_x[FF_MAX_RANK], of_y[FF_MAX_RANK], n;
    if (y->dims[axis] == 1) {
        for (int i = 0; i < x->rank; i++)
            if (x->dims[i] == 1)
                return i;
        return -1;
    }
    if (!cg_only_units_differ(x, y))
        return -1;
    cg_wide_axes(x, of_x);
    n = cg_wide_axes(y, of_y);
    for (int i = 0; i < n; i++)
        if (of_y[i] == axis)
            return of_x[i];
    return -1;
}

/* Along the last axis only, which both have. */
static bool keeps_last(const cg_node *n, const ff_shape *x)
{
    const ff_shape *y = &n->in[0]->shape;
    return n->formed && x->rank > 0 && y->rank > 0 && cg_int(n, "axis", 0) == -1 &&
           x->dims[x->rank - 1] == y->dims[y->rank - 1];
}

/* f(Reshape(x)) = Reshape(f(x)). */
static bool move_down(cg_graph *g, cg_node *n, const cg_rule *self)
{
    cg_node *p = reshape_of(n->in[0]);
    if (!p || n->n_out != 1 || !cg_only_user(p->out[0]) || !cg_shape_static(&p->in[0]->shape))
        return false;
    cg_value *x = p->in[0];
    bool ok = cg_elementwise(n) || (cg_is(n, "Affine") && keeps_channels(&x->shape, &p->out[0]->shape));
    if (cg_is(n, "Softmax") || cg_is(n, "LogSoftmax")) {
        int64_t axis = cg_int(n, "axis", -1);
        int own = axis < 0 || cg_attr(n, "over") ? -1 : axis_before(&x->shape, &n->in[0]->shape, (int)axis);
        if (own < 0)
            return false;
        cg_set_int(g, n, "axis", own, n->primary);
        ok = true;
    }
    ok = ok || (cg_is(n, "LayerNormalization") && keeps_last(n, &x->shape));
    if (!ok)
        return false;
    cg_node *after = reshape_behind(g, n, p, self);
    cg_set_in(n, 0, x);
    cg_remove(g, p, after);
    return true;
}

/* Slice(Reshape(x)) = Reshape(Slice(x)) along an axis that both have, where the Reshape does not add axes. */
static bool slice(cg_graph *g, cg_node *n, const cg_rule *self)
{
    cg_node *p = cg_is(n, "Slice") && n->formed && n->n_in == 1 ? reshape_of(n->in[0]) : NULL;
    const ff_cattr *axes = p ? cg_attr(n, "axes") : NULL;
    if (!axes || axes->n != 1 || !cg_shape_static(&p->in[0]->shape) || n->in[0]->shape.dims[axes->ints[0]] == 1 ||
        p->in[0]->shape.rank < n->in[0]->shape.rank)
        return false;
    cg_value *x = p->in[0];
    int own = axis_before(&x->shape, &n->in[0]->shape, (int)axes->ints[0]);
    if (own < 0)
        return false;
    ff_shape cut = x->shape;
    cut.dims[own] = n->out[0]->shape.dims[axes->ints[0]];
    cg_set_int(g, n, "axes", own, n->primary);
    cg_record_rule(g, self, n, p, 0);
    cg_reshape_after(g, n, &cut, p->primary);
    cg_set_in(n, 0, x);
    cg_remove_unread(g, p->out[0], NULL);
    return true;
}

/* Reshape(x) + Reshape(y) of one shape = Reshape(x + y). */
static bool move_down_binary(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if ((!cg_is(n, "Add") && !cg_is(n, "Mul") && !cg_is(n, "Sub") && !cg_is(n, "Div")) || n->n_in != 2)
        return false;
    cg_node *a = reshape_of(n->in[0]), *b = reshape_of(n->in[1]);
    if (!a || !b || a == b || !cg_only_user(a->out[0]) || !cg_only_user(b->out[0]) ||
        !cg_shape_static(&a->in[0]->shape) || !cg_shape_same(&a->in[0]->shape, &b->in[0]->shape) ||
        !cg_shape_same(&a->out[0]->shape, &b->out[0]->shape))
        return false;
    cg_node *after = reshape_behind(g, n, a, self);
    cg_set_in(n, 0, a->in[0]);
    cg_set_in(n, 1, b->in[0]);
    cg_remove(g, a, after);
    cg_remove(g, b, after);
    return true;
}

/* Reshape(x) + c = Reshape(x + c') where the Reshape only moves axes of size 1. */
static bool move_down_constant(cg_graph *g, cg_node *n, const cg_rule *self)
{
    bool any = cg_is(n, "Add") || cg_is(n, "Mul") || cg_is(n, "Sub") || cg_is(n, "Div") || cg_is(n, "Pow");
    if (!any || n->n_in != 2 || !n->in[1])
        return false;
    int k = n->in[1]->constant ? 1 : 0;
    cg_value *c = n->in[k], *y = n->out[0];
    cg_node *p = reshape_of(n->in[1 - k]);
    if (!p || !c->constant || !cg_only_user(p->out[0]) || !cg_shape_static(&p->in[0]->shape) ||
        !cg_shape_same(&p->out[0]->shape, &y->shape))
        return false;
    cg_value *x = p->in[0];
    int from[FF_MAX_RANK], to[FF_MAX_RANK], wide = cg_wide_axes(&y->shape, from);
    if (!cg_only_units_differ(&x->shape, &y->shape))
        return false;
    cg_wide_axes(&x->shape, to);
    int64_t dims[FF_MAX_RANK];
    for (int i = 0; i < x->shape.rank; i++)
        dims[i] = 1;
    for (int i = 0; i < wide; i++) {
        int own = from[i] - (y->shape.rank - c->shape.rank);
        dims[to[i]] = own >= 0 ? c->shape.dims[own] : 1;
    }
    cg_value *moved = c->constant->count == 1 ? c : cg_constant_reshaped(g, c, x->shape.rank, dims);
    if (!moved || (moved == c && c->shape.rank > x->shape.rank))
        return false;
    cg_node *after = reshape_behind(g, n, p, self);
    cg_set_in(n, 1 - k, x);
    cg_set_in(n, k, moved);
    cg_remove(g, p, after);
    return true;
}

/* Reshape(x) + c = Reshape(x + c') where the Reshape cuts the last axis and c has a number for each element of it: the
 * bias of all heads. */
static bool move_down_last(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if ((!cg_is(n, "Add") && !cg_is(n, "Mul")) || n->n_in != 2 || !n->in[1])
        return false;
    int k = n->in[1]->constant ? 1 : 0;
    cg_value *c = n->in[k], *y = n->out[0];
    cg_node *p = reshape_of(n->in[1 - k]);
    if (!p || !c->constant || c->constant->count == 1 || !cg_only_user(p->out[0]) ||
        !cg_shape_static(&p->in[0]->shape) || !cg_shape_same(&p->out[0]->shape, &y->shape) || p->in[0]->shape.rank < 1)
        return false;
    const ff_shape *x = &p->in[0]->shape;
    int64_t last = x->dims[x->rank - 1], own = 1;
    if (c->constant->count != last)
        return false;
    for (int i = 0; i < c->shape.rank; i++) { /* ones in front, then the axes themselves */
        int at = y->shape.rank - c->shape.rank + i;
        if (c->shape.dims[i] == 1 && own == 1)
            continue;
        if (at < 0 || c->shape.dims[i] != y->shape.dims[at])
            return false;
        own *= c->shape.dims[i];
    }
    cg_value *flat = cg_constant_reshaped(g, c, 1, &last);
    if (!flat)
        return false;
    cg_node *after = reshape_behind(g, n, p, self);
    cg_set_in(n, 1 - k, p->in[0]);
    cg_set_in(n, k, flat);
    cg_remove(g, p, after);
    return true;
}

/* Reshape(x) + b = Reshape(x + b') where the Reshape only drops axes of size 1: b gets them instead. */
static bool move_down_broadcast(cg_graph *g, cg_node *n, const cg_rule *self)
{
    bool any = cg_is(n, "Add") || cg_is(n, "Mul") || cg_is(n, "Sub") || cg_is(n, "Div");
    for (int k = 0; any && n->n_in == 2 && k < 2; k++) {
        cg_node *p = reshape_of(n->in[k]);
        cg_value *b = n->in[1 - k], *y = n->out[0];
        if (!p || !b || b->constant || !cg_only_user(p->out[0]) || !cg_shape_static(&p->in[0]->shape) ||
            !cg_shape_static(&b->shape) || !cg_shape_same(&p->out[0]->shape, &y->shape) ||
            p->in[0]->shape.rank <= y->shape.rank || !cg_only_units_differ(&p->in[0]->shape, &y->shape))
            continue;
        cg_value *x = p->in[0];
        ff_shape shape = {.rank = x->shape.rank};
        int from[FF_MAX_RANK], to[FF_MAX_RANK], wide = cg_wide_axes(&y->shape, from);
        cg_wide_axes(&x->shape, to);
        for (int i = 0; i < shape.rank; i++)
            shape.dims[i] = 1;
        for (int i = 0; i < wide; i++) {
            int own = from[i] - (y->shape.rank - b->shape.rank);
            shape.dims[to[i]] = own >= 0 ? b->shape.dims[own] : 1;
        }
        cg_value *spread = cg_reshape_before(g, n, b, &shape, p->primary);
        cg_node *after = reshape_behind(g, n, p, self);
        cg_set_in(n, k, x);
        cg_set_in(n, 1 - k, spread);
        cg_remove(g, p, after);
        return true;
    }
    return false;
}

/* The shape to which a value of shape v and the other input of n broadcast. */
static bool broadcasts_to_output(const cg_node *n, const cg_value *expanded, const ff_shape *v)
{
    const ff_shape *y = &n->out[0]->shape;
    const cg_value *other = n->in[n->in[0] == expanded];
    if (n->in[0] == n->in[1] || !other || !cg_shape_static(y) || !cg_shape_static(&other->shape))
        return false;
    for (int i = 0; i < y->rank; i++) {
        int a = i - (y->rank - v->rank), b = i - (y->rank - other->shape.rank);
        if ((a < 0 || v->dims[a] != y->dims[i]) && (b < 0 || other->shape.dims[b] != y->dims[i]))
            return false;
    }
    return true;
}

/* Expand before what would do the same by itself. */
static bool expand(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if (!cg_is(n, "Expand") || n->in[0]->constant || n->out[0]->outputs || !n->out[0]->n_users ||
        !cg_shape_static(&n->in[0]->shape))
        return false;
    for (int i = 0; i < n->out[0]->n_users; i++) {
        const cg_node *u = n->out[0]->users[i];
        bool any = cg_is(u, "Add") || cg_is(u, "Mul") || cg_is(u, "Sub") || cg_is(u, "Div");
        if (!any || u->n_in != 2 || !broadcasts_to_output(u, n->out[0], &n->in[0]->shape))
            return false;
    }
    cg_record_rule(g, self, n, NULL, 0);
    cg_replace_value(g, n->out[0], n->in[0]);
    cg_remove(g, n, NULL);
    return true;
}

const cg_rule cg_shape_rules[] = {
    {"reshape-twice", "two Reshapes in a row are the second", twice},
    {"reshape-order", "an operation on single elements before or after a Reshape", move_down},
    {"reshape-order-slice", "a part along one axis before or after a Reshape that leaves it", slice},
    {"reshape-order-constant", "arithmetic with a constant before or after a Reshape", move_down_constant},
    {"reshape-order-last", "arithmetic with a number for each element of the last axis, whole or cut into several",
     move_down_last},
    {"reshape-order-two", "an operation on two values reshaped alike", move_down_binary},
    {"reshape-order-units", "arithmetic of two values before or after axes of size 1 are dropped", move_down_broadcast},
    {"expand-broadcast", "Expand before arithmetic that broadcasts by itself", expand},
    {NULL, NULL, NULL},
};
