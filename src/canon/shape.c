/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reshapes: merged, and moved towards the outputs as far as they go. */
#include <string.h>

#include "canon/rewrite.h"

bool cg_elementwise(const cg_node *n)
{
    static const char *const unary[] = {"Clip",       "Relu",     "Sigmoid", "HardSigmoid",
                                        "HardSwish",  "Swish",    "Gelu",    "Tanh",
                                        "LeakyRelu",  "Elu",      "Selu",    "Celu",
                                        "Softplus",   "Softsign", "Mish",    "ThresholdedRelu",
                                        "Erf",        "Exp",      "Log",     "Sqrt",
                                        "Reciprocal", "Neg",      "Abs",     "Floor",
                                        "Ceil",       "Round",    "Sign",    "Sin",
                                        "Cos",        "Cast",     "Not",     NULL};
    if (n->n_in != 1)
        return false;
    for (int i = 0; unary[i]; i++)
        if (strcmp(n->op, unary[i]) == 0)
            return true;
    return false;
}

static cg_node *reshape_of(const cg_value *v)
{
    return v && v->producer && cg_is(v->producer, "Reshape") && v->producer->n_in == 1 ? v->producer
                                                                                       : NULL;
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
    cg_value *y = n->out[0];
    ff_shape shape = p->in[0]->shape;
    shape.dtype = y->shape.dtype;
    cg_value *before = cg_value_create(g, &shape);
    cg_inherit_reshaped(before, y);
    cg_record_rule(g, self, n, p, 0);
    cg_node *after = cg_insert_after(g, n, "Reshape", p->primary, 1);
    cg_set_ints(g, after, "shape", y->shape.dims, y->shape.rank, p->primary);
    cg_set_out(g, n, 0, before);
    cg_set_in(after, 0, before);
    cg_set_out(g, after, 0, y);
    return after;
}

/* Same batch and channels, and nothing but axes of size 1 besides: [1,C,1,1] and [1,C]. */
static bool keeps_channels(const ff_shape *a, const ff_shape *b)
{
    return a->rank >= 2 && b->rank >= 2 && a->dims[0] == b->dims[0] && a->dims[1] == b->dims[1];
}

/* f(Reshape(x)) = Reshape(f(x)). */
static bool move_down(cg_graph *g, cg_node *n, const cg_rule *self)
{
    cg_node *p = reshape_of(n->in[0]);
    if (!p || n->n_out != 1 || !cg_only_user(p->out[0]) || !cg_shape_static(&p->in[0]->shape))
        return false;
    cg_value *x = p->in[0];
    bool ok =
        cg_elementwise(n) || (cg_is(n, "Affine") && keeps_channels(&x->shape, &p->out[0]->shape));
    if (cg_is(n, "Softmax") || cg_is(n, "LogSoftmax")) {
        /* The axis must be the same one: the only one above 1, or one of size 1. */
        int64_t axis = cg_int(n, "axis", -1), size = cg_shape_count(&x->shape);
        int64_t along = axis < 0 ? 0 : n->in[0]->shape.dims[axis];
        /* Over a single element it makes ones of everything, wherever that axis is. */
        if (axis < 0 || cg_attr(n, "over") || (along != size && along != 1))
            return false;
        for (int i = 0; i < x->shape.rank && !ok; i++) {
            if (x->shape.dims[i] == along) {
                cg_set_int(g, n, "axis", i, n->primary);
                ok = true;
            }
        }
    }
    if (!ok)
        return false;
    cg_node *after = reshape_behind(g, n, p, self);
    cg_set_in(n, 0, x);
    cg_remove(g, p, after);
    return true;
}

/* Reshape(x) + Reshape(y) of one shape = Reshape(x + y). */
static bool move_down_binary(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if ((!cg_is(n, "Add") && !cg_is(n, "Mul") && !cg_is(n, "Sub") && !cg_is(n, "Div")) ||
        n->n_in != 2)
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

static int wide_axes(const ff_shape *s, int *axes)
{
    int n = 0;
    for (int i = 0; i < s->rank; i++)
        if (s->dims[i] != 1)
            axes[n++] = i;
    return n;
}

/* Reshape(x) + c = Reshape(x + c') where the Reshape only moves axes of size 1. */
static bool move_down_constant(cg_graph *g, cg_node *n, const cg_rule *self)
{
    bool any =
        cg_is(n, "Add") || cg_is(n, "Mul") || cg_is(n, "Sub") || cg_is(n, "Div") || cg_is(n, "Pow");
    if (!any || n->n_in != 2 || !n->in[1])
        return false;
    int k = n->in[1]->constant ? 1 : 0;
    cg_value *c = n->in[k], *y = n->out[0];
    cg_node *p = reshape_of(n->in[1 - k]);
    if (!p || !c->constant || !cg_only_user(p->out[0]) || !cg_shape_static(&p->in[0]->shape) ||
        !cg_shape_same(&p->out[0]->shape, &y->shape))
        return false;
    cg_value *x = p->in[0];
    int from[FF_MAX_RANK], to[FF_MAX_RANK], wide = wide_axes(&y->shape, from);
    if (wide_axes(&x->shape, to) != wide)
        return false;
    int64_t dims[FF_MAX_RANK];
    for (int i = 0; i < x->shape.rank; i++)
        dims[i] = 1;
    for (int i = 0; i < wide; i++) {
        int own = from[i] - (y->shape.rank - c->shape.rank);
        if (x->shape.dims[to[i]] != y->shape.dims[from[i]])
            return false;
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

const cg_rule cg_shape_rules[] = {
    {"reshape-twice", "two Reshapes in a row are the second", twice},
    {"reshape-order", "an operation on single elements before or after a Reshape", move_down},
    {"reshape-order-constant", "arithmetic with a constant before or after a Reshape",
     move_down_constant},
    {"reshape-order-two", "an operation on two values reshaped alike", move_down_binary},
    {NULL, NULL, NULL},
};
