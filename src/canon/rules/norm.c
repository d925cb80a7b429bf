/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Layer normalisation, whatever it is written as: (x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon), times a scale
 * and plus a shift by constants. One form: LayerNormalization(x, scale, bias) over the last axes with an epsilon inside
 * the root, between Transposes where it is written over others. An epsilon outside the root is another function and
 * stays as it is.
 */
#include <math.h>

#include "canon/rewrite.h"

/* The axes reduced, a bit each; 0: it is no mean, or they are dropped. */
static unsigned axes_of(const cg_node *mean)
{
    const ff_cattr *axes = mean ? cg_attr(mean, "axes") : NULL;
    if (!cg_is(mean, "ReduceMean") || mean->n_in != 1 || !axes || axes->n < 1 || cg_int(mean, "keepdims", 1) != 1)
        return 0;
    unsigned all = 0;
    for (int k = 0; k < axes->n; k++)
        if (axes->ints[k] < 0 || axes->ints[k] >= mean->in[0]->shape.rank)
            return 0;
        else
            all |= 1u << axes->ints[k];
    return all;
}

/* The axes of a shape with those of a layer normalisation last; how many come before those. */
static int with_last(int rank, unsigned axes, int *perm)
{
    int n = 0;
    for (int i = 0; i < rank; i++)
        if (!(axes >> i & 1))
            perm[n++] = i;
    int first = n;
    for (int i = 0; i < rank; i++)
        if (axes >> i & 1)
            perm[n++] = i;
    return first;
}

/* What is normalised, over which of its axes; what follows the mean sees it through a Transpose, or `moved` is NULL. */
typedef struct subject {
    cg_value *x;
    unsigned axes;
    const cg_node *moved;
} subject;

/* The axes behind the Transpose of those before it. */
static unsigned moved_axes(const subject *s)
{
    const ff_cattr *perm = s->moved ? cg_attr(s->moved, "perm") : NULL;
    unsigned axes = 0;
    for (int i = 0; perm && i < perm->n; i++)
        axes |= (s->axes >> perm->ints[i] & 1) << i;
    return perm ? axes : s->axes;
}

/* v = x - mean(x). */
static bool is_centred(const cg_value *v, subject *s)
{
    const cg_node *sub = v ? v->producer : NULL, *moved = NULL;
    const ff_cattr *perm = cg_is(sub, "Transpose") ? cg_attr(sub, "perm") : NULL;
    if (perm && perm->n == v->shape.rank && sub->in[0]) {
        moved = sub;
        sub = sub->in[0]->producer;
    }
    if (!cg_is(sub, "Sub") || sub->n_in != 2 || !sub->in[0] || !sub->in[1])
        return false;
    const cg_node *mean = sub->in[1]->producer;
    subject found = {sub->in[0], axes_of(mean), moved};
    if (!found.axes || mean->in[0] != found.x ||
        (s->x && (s->x != found.x || s->axes != found.axes || s->moved != moved)))
        return false;
    *s = found;
    return true;
}

/* v = mean(centred^2) + epsilon. */
static bool is_variance(const cg_value *v, subject *s, double *epsilon, const ff_node **by)
{
    const cg_node *add = v ? v->producer : NULL;
    if (!cg_is(add, "Add") || add->n_in != 2)
        return false;
    int k = cg_uniform(add->in[0], epsilon) ? 0 : 1;
    if (!cg_uniform(add->in[k], epsilon) || *epsilon < 0)
        return false;
    const cg_node *mean = add->in[1 - k]->producer,
                  *square = axes_of(mean) == moved_axes(s) ? mean->in[0]->producer : NULL;
    double two;
    bool pow = cg_is(square, "Pow") && square->n_in == 2 && cg_uniform(square->in[1], &two) && two == 2;
    bool product = cg_is(square, "Mul") && square->n_in == 2 && square->in[0] == square->in[1];
    *by = add->primary;
    return (pow || product) && is_centred(square->in[0], s);
}

/* v itself, or what it is a product of, with a constant. */
static const cg_value *without_scale(const cg_value *v, cg_value **scale)
{
    const cg_node *n = v ? v->producer : NULL;
    for (int k = 0; cg_is(n, "Mul") && n->n_in == 2 && !*scale && k < 2; k++)
        if (n->in[k] && n->in[k]->constant && n->in[1 - k] && !n->in[1 - k]->constant) {
            *scale = n->in[k];
            return n->in[1 - k];
        }
    return v;
}

static bool is_root(const cg_node *r)
{
    double c;
    return cg_is(r, "Sqrt") || (cg_is(r, "Pow") && r->n_in == 2 && cg_uniform(r->in[1], &c) && c == 0.5);
}

/* What v is 1 / sqrt of: Reciprocal, Div or Pow. */
static const cg_value *under_inverse_root(const cg_value *v)
{
    double c;
    const cg_node *r = v ? v->producer : NULL;
    if (!r || !r->in[0])
        return NULL;
    if (cg_is(r, "Pow") && r->n_in == 2 && cg_uniform(r->in[1], &c) && c == -0.5)
        return r->in[0];
    if (cg_is(r, "Reciprocal"))
        r = r->in[0]->producer;
    else if (cg_is(r, "Div") && r->n_in == 2 && r->in[1] && cg_uniform(r->in[0], &c) && c == 1)
        r = r->in[1]->producer;
    else
        return NULL;
    return is_root(r) ? r->in[0] : NULL;
}

/* Div(., Sqrt(v)) or Mul(., 1 / Sqrt(v)), with a constant on either side: v, and what is divided. */
static const cg_value *under_root(const cg_node *n, const cg_value **divided, cg_value **scale)
{
    for (int k = 0; k < 2; k++) {
        const cg_value *by = n->in[1 - k];
        *scale = NULL;
        *divided = without_scale(n->in[k], scale);
        if (cg_is(n, "Mul"))
            by = under_inverse_root(without_scale(by, scale));
        else
            by = k == 0 && by && is_root(by->producer) ? by->producer->in[0] : NULL; /* a / b is not b / a */
        if (by)
            return by;
    }
    return NULL;
}

static cg_value *filled(cg_graph *g, const ff_shape *x, int axis, double c, const ff_node *reader)
{
    ff_tensor *t = cg_reals_new(g, x->rank - axis, x->dims + axis);
    if (!t)
        return NULL;
    for (int64_t i = 0; i < t->count; i++)
        ((double *)t->data)[i] = c;
    cg_value *v = cg_constant(g, t, NULL);
    v->reader = reader;
    return v;
}

/* The operator itself: an axis from the end (the rank may be another on the other side), a shift that is there. */
static bool form(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if (!cg_is(n, "LayerNormalization") || n->formed || n->n_in < 2 || !n->in[1] || !n->in[1]->constant ||
        !cg_shape_static(&n->in[0]->shape))
        return false;
    for (int i = 1; i < n->n_out; i++)
        if (n->out[i] && cg_used(n->out[i]))
            return false;
    const ff_shape *x = &n->in[0]->shape;
    int64_t axis = cg_int(n, "axis", -1);
    axis += axis < 0 ? x->rank : 0;
    bool bias = n->n_in > 2 && n->in[2];
    if (axis < 0 || axis >= x->rank || (bias && !n->in[2]->constant))
        return false;
    int64_t size = 1;
    for (int i = (int)axis; i < x->rank; i++)
        size *= x->dims[i];
    if (n->in[1]->constant->count != size || (bias && n->in[2]->constant->count != size))
        return false;
    cg_value *shift = bias ? n->in[2] : filled(g, x, (int)axis, 0, n->primary);
    if (!shift)
        return false;
    double epsilon = cg_real(n, "epsilon", (double)1e-5f);
    cg_set_inputs(g, n, 3);
    cg_set_in(n, 2, shift);
    cg_set_int(g, n, "axis", axis - x->rank, n->primary);
    cg_set_real(g, n, "epsilon", (float)epsilon, n->primary);
    cg_drop_attr(g, n, "stash_type");
    n->formed = true;
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

/* Each element of a constant that broadcasts to the shape of `like`, in that shape; NULL: it does not. */
static cg_value *spread(cg_graph *g, const cg_value *c, const cg_value *like)
{
    const ff_tensor *t = c->constant;
    bool scalar = t->count == 1;
    for (int i = 0; i < t->rank && !scalar; i++) {
        int k = like->shape.rank - t->rank + i;
        if (t->dims[i] != (k < 0 ? 1 : like->shape.dims[k]))
            return NULL;
    }
    if (!scalar)
        return t->count == like->constant->count ? cg_constant_reshaped(g, c, like->shape.rank, like->shape.dims)
                                                 : NULL;
    ff_tensor *r = cg_reals_new(g, like->constant->rank, like->constant->dims);
    if (!r)
        return NULL;
    for (int64_t i = 0; i < r->count; i++)
        ((double *)r->data)[i] = ff_tensor_get_real(t, 0);
    cg_value *v = cg_constant(g, r, c);
    v->folded = true;
    return v;
}

/* A constant of the operand's axes in the order of perm; NULL stays NULL, and so does a number for all. */
static bool reorder(cg_graph *g, cg_value **c, const int *perm, int rank)
{
    int64_t dims[FF_MAX_RANK];
    if (!*c || (*c)->constant->count == 1)
        return true;
    int missing = rank - (*c)->constant->rank;
    for (int i = 0; i < rank; i++)
        dims[i] = i < missing ? 1 : (*c)->constant->dims[i - missing];
    cg_value *full = missing >= 0 ? cg_constant_reshaped(g, *c, rank, dims) : NULL;
    *c = full ? cg_constant_transposed(g, full, perm) : NULL;
    return *c != NULL;
}

/* n reads x transposed, and what it makes is transposed back. Returns the transposed x. */
static cg_value *between_transposes(cg_graph *g, cg_node *n, cg_value *x, const int *perm)
{
    int inverse[FF_MAX_RANK];
    cg_invert_perm(inverse, perm, x->shape.rank);
    cg_value *moved = cg_transpose_before(g, n, x, perm);
    cg_transpose_after(g, n, inverse, n->primary);
    return moved;
}

/* n becomes the normalisation of s, times `scale` and plus `shift` (each may be NULL). */
static bool become(cg_graph *g, cg_node *n, const subject *s, double epsilon, const ff_node *by, cg_value *scale,
                   cg_value *shift, const cg_rule *self)
{
    cg_value *x = s->x;
    unsigned axes = s->axes;
    int perm[FF_MAX_RANK], rank = x->shape.rank, axis = with_last(rank, axes, perm);
    const ff_shape *y = s->moved ? &s->moved->out[0]->shape : &x->shape;
    if (!cg_shape_static(&x->shape) || !ff_dtype_is_float(x->shape.dtype) || !cg_shape_same(y, &n->out[0]->shape))
        return false;
    int order[FF_MAX_RANK], inverse[FF_MAX_RANK];
    for (int i = 0; s->moved && i < rank; i++)
        order[i] = (int)cg_attr(s->moved, "perm")->ints[i];
    if (s->moved) {
        cg_invert_perm(inverse, order, rank);
        if (!reorder(g, &scale, inverse, rank) || !reorder(g, &shift, inverse, rank))
            return false;
    }
    bool last = axes >> axis == (1u << (rank - axis)) - 1;
    ff_shape shape = cg_permuted(&x->shape, perm);
    if (!last && (!reorder(g, &scale, perm, rank) || !reorder(g, &shift, perm, rank)))
        return false;
    cg_value *one = filled(g, &shape, axis, 1, n->primary), *zero = filled(g, &shape, axis, 0, n->primary);
    if (!one || !zero)
        return false;
    scale = scale ? spread(g, scale, one) : one;
    shift = shift ? spread(g, shift, one) : zero;
    if (!scale || !shift)
        return false;
    cg_value *old[] = {n->in[0], n->in[1]};
    if (s->moved)
        cg_absorb(cg_transpose_after(g, n, order, s->moved->primary), s->moved->origins, s->moved->n_origins);
    x = last ? x : between_transposes(g, n, x, perm);
    cg_become(g, n, "LayerNormalization", 3, (cg_value *const[]){x, scale, shift});
    n->formed = true;
    cg_set_int(g, n, "axis", axis - rank, n->primary);
    cg_set_real(g, n, "epsilon", (float)epsilon, by);
    for (int i = 0; i < 2; i++)
        cg_remove_unread(g, old[i], n);
    cg_record_rule(g, self, n, NULL, 1e-7);
    return true;
}

static bool written(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if ((!cg_is(n, "Div") && !cg_is(n, "Mul")) || n->n_in != 2 || !n->in[1])
        return false;
    subject s = {0};
    double epsilon;
    cg_value *scale;
    const cg_value *divided, *inner = under_root(n, &divided, &scale);
    const ff_node *by;
    return inner && is_centred(divided, &s) && is_variance(inner, &s, &epsilon, &by) &&
           become(g, n, &s, epsilon, by, scale, NULL, self);
}

/* x * f + (shift - mean * f), f = scale / sqrt(variance + epsilon): normalisation as that of a batch is written. */
static bool folded(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if ((!cg_is(n, "Add") && !cg_is(n, "Sub")) || n->n_in != 2 || !n->in[1])
        return false;
    for (int k = 0; k < (cg_is(n, "Add") ? 2 : 1); k++) {
        const cg_node *scaled = n->in[k]->producer, *rest = n->in[1 - k]->producer;
        cg_value *shift = NULL, *x = NULL, *scale = NULL;
        if (cg_is(n, "Add")) {
            if (!cg_is(rest, "Sub") || rest->n_in != 2 || !rest->in[1] || !rest->in[0] || !rest->in[0]->constant)
                continue;
            shift = rest->in[0];
            rest = rest->in[1]->producer;
        }
        if (!cg_is(scaled, "Mul") || !cg_is(rest, "Mul") || scaled->n_in != 2 || rest->n_in != 2)
            continue;
        int at = rest->in[0] == scaled->in[0] || rest->in[1] == scaled->in[0] ? 0 : 1;
        const cg_value *f = scaled->in[at], *mean = rest->in[rest->in[0] == f];
        x = scaled->in[1 - at];
        subject s = {.x = x};
        s.axes = mean && (rest->in[0] == f || rest->in[1] == f) ? axes_of(mean->producer) : 0;
        if (!s.axes || mean->producer->in[0] != x)
            continue;
        const cg_value *inner = under_inverse_root(without_scale(f, &scale));
        double epsilon;
        const ff_node *by;
        if (inner && is_variance(inner, &s, &epsilon, &by) && become(g, n, &s, epsilon, by, scale, shift, self))
            return true;
    }
    return false;
}

/* a op b, element by element; provenance of b where a is neutral. */
static cg_value *combine(cg_graph *g, const cg_value *a, cg_value *b, bool mul)
{
    double c;
    if (cg_uniform(a, &c) && c == (mul ? 1 : 0))
        return b;
    ff_tensor *t = cg_reals(g, a->constant);
    if (!t)
        return NULL;
    for (int64_t i = 0; i < t->count; i++) {
        double v = ff_tensor_get_real(b->constant, i), *d = (double *)t->data + i;
        *d = mul ? *d * v : *d + v;
    }
    cg_value *v = cg_constant(g, t, a);
    v->folded = true;
    return v;
}

static bool absorb(cg_graph *g, cg_node *n, const cg_rule *self)
{
    bool mul = cg_is(n, "Mul");
    if ((!mul && !cg_is(n, "Add")) || n->n_in != 2 || !n->in[1])
        return false;
    int k = n->in[1]->constant ? 1 : 0;
    cg_node *p = cg_feeder(n, 1 - k, "LayerNormalization");
    if (!p || !p->formed || !n->in[k]->constant || !cg_shape_same(&p->out[0]->shape, &n->out[0]->shape))
        return false;
    cg_value *c = spread(g, n->in[k], p->in[1]), *scale = p->in[1], *shift = p->in[2];
    if (!c)
        return false;
    double zero = 1;
    bool plain = cg_uniform(shift, &zero) && zero == 0;
    if (mul) {
        scale = combine(g, scale, c, true);
        shift = plain ? shift : combine(g, shift, c, true);
    } else {
        shift = combine(g, shift, c, false);
    }
    if (!scale || !shift)
        return false;
    /* No two nodes share a constant. */
    if (scale == shift)
        return false;
    cg_record_rule(g, self, p, n, 0);
    cg_set_in(p, 1, scale);
    cg_set_in(p, 2, shift);
    cg_value *out = n->out[0];
    cg_remove(g, n, p);
    cg_set_out(g, p, 0, out);
    return true;
}

const cg_rule cg_norm_rules[] = {
    {"layernorm-form", "LayerNormalization with its axis from the end and its shift", form},
    {"layernorm-written", "LayerNormalization written out", written},
    {"layernorm-folded", "LayerNormalization written as one factor and one shift", folded},
    {"layernorm-affine", "a scale and a shift by constants belong to the LayerNormalization before", absorb},
    {NULL, NULL, NULL},
};
