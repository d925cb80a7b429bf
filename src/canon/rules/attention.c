/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Attention and dense layers over sequences: rows in a matrix or along their own axes, query, key and value of one
 * dense layer or of three, scores scaled before or after the product.
 */
#include <math.h>
#include <string.h>

#include "canon/rewrite.h"

/* The axes that a last axis of this width was cut into, numbered from `first`; false: not by them alone. */
static bool cut_from(const ff_shape *s, int64_t width, int *first)
{
    int64_t n = 1;
    for (*first = s->rank; *first > 0 && n < width; n *= s->dims[*first])
        --*first;
    return n == width;
}

/* Dense(Reshape(x)) = Reshape(Dense(x)) where the rows keep the axes that they have before the Reshape: a Flatten at the
 * end of a network of pictures has one row and is left alone. */
static bool rows(cg_graph *g, cg_node *n, const cg_rule *self)
{
    cg_node *p = cg_is(n, "Gemm") && n->formed ? cg_feeder(n, 0, "Reshape") : NULL;
    if (!p || p->n_in != 1)
        return false;
    cg_value *x = p->in[0], *y = n->out[0];
    const ff_shape *in = &x->shape, *flat = &n->in[0]->shape;
    int first;
    if (!cg_shape_static(in) || !cg_shape_static(&y->shape) || y->shape.rank < 1 || in->rank < 2 || flat->rank < 2 ||
        !cut_from(in, flat->dims[flat->rank - 1], &first) || first + 1 == flat->rank ||
        cg_shape_count(in) == in->dims[0] * flat->dims[flat->rank - 1])
        return false;
    ff_shape shape = *in;
    shape.rank = first + 1;
    shape.dims[first] = flat->dims[flat->rank - 1];
    cg_record_rule(g, self, n, p, 0);
    cg_set_in(n, 0, shape.rank == in->rank ? x : cg_reshape_before(g, n, x, &shape, p->primary));
    shape.dims[first] = y->shape.dims[y->shape.rank - 1];
    cg_remove(g, p, cg_reshape_after(g, n, &shape, p->primary));
    return true;
}

/* Rows of a constant, those whose place along the axis of size `dims[axis]` is from..to-1: dims is how all rows are
 * numbered. */
static cg_value *part(cg_graph *g, const cg_value *c, const ff_shape *dims, int axis, int64_t from, int64_t to)
{
    const ff_tensor *t = c->constant;
    int64_t inner = 1, size = dims->dims[axis];
    for (int i = axis + 1; i < dims->rank; i++)
        inner *= dims->dims[i];
    int64_t kept[2] = {t->dims[0] / size * (to - from), t->rank > 1 ? t->dims[1] : 1}, width = t->count / t->dims[0];
    ff_tensor *r = cg_reals_new(g, t->rank, kept);
    if (!r)
        return NULL;
    double *at = r->data;
    for (int64_t row = 0; row < t->dims[0]; row++) {
        int64_t place = row / inner % size;
        for (int64_t i = 0; place >= from && place < to && i < width; i++)
            *at++ = ff_tensor_get_real(t, row * width + i);
    }
    cg_value *v = cg_constant(g, r, c);
    v->folded = true;
    return v;
}

static bool all_sliced(const cg_value *v)
{
    for (int i = 0; i < v->n_users; i++)
        if (!cg_is(v->users[i], "Slice") || !v->users[i]->formed)
            return false;
    return !v->outputs;
}

/* A slice of what a dense layer makes is a dense layer with some of its rows; so it is where they were cut into several
 * axes: query, key and value of each head. */
static bool slice(cg_graph *g, cg_node *n, const cg_rule *self)
{
    cg_node *p = cg_is(n, "Slice") && n->formed && n->n_in == 1 ? n->in[0]->producer : NULL;
    cg_node *r = p && cg_is(p, "Reshape") && p->n_in == 1 ? p : NULL;
    const ff_cattr *axes = cg_attr(n, "axes"), *starts = cg_attr(n, "starts"), *ends = cg_attr(n, "ends"),
                   *steps = cg_attr(n, "steps");
    p = r && cg_only_user(r->in[0]) ? r->in[0]->producer : p;
    if (!p || !cg_is(p, "Gemm") || !p->formed || !axes || axes->n != 1 || steps->ints[0] != 1 ||
        !cg_shape_static(&n->in[0]->shape))
        return false;
    /* All who read it take a part: otherwise the whole would be computed besides. */
    cg_value *whole = n->in[0];
    int64_t from = starts->ints[0], to = ends->ints[0];
    int axis = (int)axes->ints[0], first;
    if (!all_sliced(whole) || !cut_from(&whole->shape, p->in[1]->shape.dims[0], &first) || axis < first)
        return false;
    ff_shape dims = {.rank = whole->shape.rank - first}, rows = p->out[0]->shape;
    memcpy(dims.dims, whole->shape.dims + first, (size_t)dims.rank * sizeof dims.dims[0]);
    cg_value *w = part(g, p->in[1], &dims, axis - first, from, to);
    cg_value *b = w ? part(g, p->in[2], &dims, axis - first, from, to) : NULL;
    if (!b)
        return false;
    cg_record_rule(g, self, n, p, 0);
    n->op = "Gemm";
    n->n_attrs = 0;
    n->primary = p->primary;
    cg_absorb(n, p->origins, p->n_origins);
    if (r) {
        rows.dims[rows.rank - 1] = w->shape.dims[0];
        cg_absorb(cg_reshape_after(g, n, &rows, r->primary), r->origins, r->n_origins);
    }
    cg_set_inputs(g, n, 3);
    cg_set_in(n, 0, p->in[0]);
    cg_set_in(n, 1, w);
    cg_set_in(n, 2, b);
    if (r && !cg_used(whole))
        cg_remove(g, r, n);
    if (!cg_used(p->out[0]))
        cg_remove(g, p, n);
    return true;
}

/* ------------------------------------------------------------------------------------- the scale */

/* Mul or Div of an activation by one number for all elements. */
static bool scales(const cg_node *n, double *factor, int *input)
{
    if (!n || n->n_in != 2 || n->n_out != 1 || !n->in[0] || !n->in[1])
        return false;
    bool mul = cg_is(n, "Mul"), div = cg_is(n, "Div");
    for (int k = div ? 1 : 0; k < 2 && (mul || div); k++) {
        if (!n->in[k]->constant || n->in[k]->constant->count != 1 || n->in[1 - k]->constant ||
            !cg_shape_same(&n->in[1 - k]->shape, &n->out[0]->shape) || !cg_uniform(n->in[k], factor) ||
            !isfinite(*factor) || *factor == 0)
            continue;
        *factor = div ? 1 / *factor : *factor;
        *input = 1 - k;
        return true;
    }
    return false;
}

/* A product of two activations. */
static bool is_scores(const cg_node *n)
{
    return cg_is(n, "MatMul") && n->n_in == 2 && n->in[0] && n->in[1] && !n->in[0]->constant && !n->in[1]->constant;
}

/* MatMul of two activations, then one number: a Scale with that factor. */
static bool after(cg_graph *g, cg_node *n, const cg_rule *self)
{
    double factor;
    int input;
    if (!scales(n, &factor, &input) || !n->in[input]->producer || !is_scores(n->in[input]->producer) ||
        !cg_only_user(n->in[input]))
        return false;
    cg_value *x = n->in[input];
    cg_become(g, n, "Scale", 1, &x);
    cg_set_real(g, n, "factor", (float)factor, n->primary);
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

/* The scaling on the way to input k of a product, through what does not care for it. */
static cg_node *scaled_before(cg_node *n, int k, double *factor, int *input)
{
    cg_value *v = n->in[k];
    for (int steps = 0; v && v->producer && steps < 8; steps++) {
        cg_node *p = v->producer;
        if (!cg_only_user(v))
            return NULL;
        if (scales(p, factor, input))
            return p;
        if ((!cg_is(p, "Transpose") && !cg_is(p, "Reshape")) || p->n_in < 1)
            return NULL;
        v = p->in[0];
    }
    return NULL;
}

/* (c q) k = c (q k). */
static bool before(cg_graph *g, cg_node *n, const cg_rule *self)
{
    double factor = 1;
    int input = 0, path = 0;
    cg_node *s = NULL;
    if (!is_scores(n) || !cg_shape_static(&n->out[0]->shape))
        return false;
    for (int k = 0; k < 2 && !s; k++)
        s = scaled_before(n, path = k, &factor, &input);
    if (!s)
        return false;
    cg_node *next = cg_only_user(n->out[0]);
    const ff_node *by = s->primary;
    cg_record_rule(g, self, n, s, 0);
    if (cg_is(next, "Scale")) {
        cg_set_real(g, next, "factor", (float)(cg_real(next, "factor", 1) * factor), by);
    } else {
        cg_value *y = n->out[0], *raw = cg_value_create(g, &y->shape);
        next = cg_insert_after(g, n, "Scale", by, 1);
        cg_set_real(g, next, "factor", (float)factor, by);
        cg_set_out(g, n, 0, raw);
        cg_set_in(next, 0, raw);
        cg_set_out(g, next, 0, y);
    }
    /* On the way they are no longer the numbers of the model. */
    for (cg_node *p = n; p != s; p = p->in[path]->producer, path = 0)
        if (p->in[path] != s->out[0])
            p->in[path]->original = NULL;
    cg_replace_value(g, s->out[0], s->in[input]);
    cg_remove(g, s, next);
    return true;
}

/* Matrices numbered along one axis are so along two, the first of size 1: heads with and without a batch. */
static bool batch(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if (!is_scores(n) || n->in[0]->shape.rank != 3 || n->in[1]->shape.rank != 3 || !cg_shape_static(&n->in[0]->shape) ||
        !cg_shape_static(&n->in[1]->shape) || !cg_shape_static(&n->out[0]->shape))
        return false;
    cg_value *const of[] = {n->in[0], n->in[1], n->out[0]};
    ff_shape four[3];
    for (int i = 0; i < 3; i++) {
        four[i] = (ff_shape){.rank = 4, .dims = {1}};
        memcpy(four[i].dims + 1, of[i]->shape.dims, 3 * sizeof four[i].dims[0]);
    }
    cg_record_rule(g, self, n, NULL, 0);
    for (int i = 0; i < 2; i++)
        cg_set_in(n, i, cg_reshape_before(g, n, of[i], &four[i], n->primary));
    cg_reshape_after(g, n, &four[2], n->primary);
    return true;
}

const cg_rule cg_attention_rules[] = {
    {"attention-scale", "one number that multiplies the product of two values", after},
    {"attention-scale-before", "one factor of a product scaled, or the product", before},
    {NULL, NULL, NULL},
};

const cg_rule cg_sequence_rules[] = {
    {"dense-rows", "a dense layer over the rows of a sequence, or of it as a matrix", rows},
    {"dense-parts", "parts of one dense layer are dense layers", slice},
    {"matmul-batch", "matrices numbered along one axis, or along two of which one is of size 1", batch},
    {NULL, NULL, NULL},
};
