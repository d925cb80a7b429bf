/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Einsum of two operands is a product of matrices: the axes of each brought into the order (of both and the result,
 * its own, summed over), each group but the first joined to one axis.
 */
#include <string.h>

#include "canon/rewrite.h"

/* Axes by their letters. */
typedef struct letters {
    int n;
    char at[FF_MAX_RANK];
} letters;

static bool has(const letters *l, char c)
{
    return memchr(l->at, c, (size_t)l->n) != NULL;
}

/* "abc,cde->abde"; no dots, and no letter twice in one operand. */
static bool read_equation(const char *text, letters out[3])
{
    int part = 0;
    memset(out, 0, 3 * sizeof *out);
    for (; *text; text++) {
        if (*text == ' ')
            continue;
        if (*text == ',' && part == 0) {
            part = 1;
        } else if (text[0] == '-' && text[1] == '>' && part == 1) {
            part = 2;
            text++;
        } else if (((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z')) && out[part].n < FF_MAX_RANK &&
                   !has(&out[part], *text)) {
            out[part].at[out[part].n++] = *text;
        } else {
            return false;
        }
    }
    return part == 2;
}

static void add(letters *l, char c)
{
    l->at[l->n++] = c;
}

static void append(letters *l, const letters *more)
{
    memcpy(l->at + l->n, more->at, (size_t)more->n);
    l->n += more->n;
}

static int64_t extent(const letters *of, const ff_shape *s, char c)
{
    const char *at = memchr(of->at, c, (size_t)of->n);
    return at ? s->dims[at - of->at] : 1;
}

static int64_t extents(const letters *of, const ff_shape *s, const letters *group)
{
    int64_t n = 1;
    for (int i = 0; i < group->n; i++)
        n *= extent(of, s, group->at[i]);
    return n;
}

/* v with its axes in another order; `to` has the same letters as `from`. */
static cg_value *ordered(cg_graph *g, cg_node *at, cg_value *v, const letters *from, const letters *to)
{
    int perm[FF_MAX_RANK];
    int64_t ints[FF_MAX_RANK];
    bool same = true;
    ff_shape shape = v->shape;
    for (int i = 0; i < to->n; i++) {
        perm[i] = (int)((const char *)memchr(from->at, to->at[i], (size_t)from->n) - from->at);
        ints[i] = perm[i];
        shape.dims[i] = v->shape.dims[perm[i]];
        same &= perm[i] == i;
    }
    if (same)
        return v;
    if (v->constant)
        return cg_constant_transposed(g, v, perm);
    cg_value *out = cg_value_create(g, &shape);
    cg_inherit_transposed(out, v, perm);
    cg_node *t = cg_insert_before(g, at, "Transpose", at->primary, 1);
    cg_set_ints(g, t, "perm", ints, to->n, at->primary);
    cg_set_in(t, 0, v);
    cg_set_out(g, t, 0, out);
    return out;
}

/* v with the axes behind the first `kept` joined to two, of these sizes. */
static cg_value *joined(cg_graph *g, cg_node *at, cg_value *v, int kept, int64_t rows, int64_t columns)
{
    ff_shape shape = v->shape;
    shape.rank = kept + 2;
    shape.dims[kept] = rows;
    shape.dims[kept + 1] = columns;
    if (cg_shape_same(&shape, &v->shape))
        return v;
    return v->constant ? cg_constant_reshaped(g, v, shape.rank, shape.dims)
                       : cg_reshape_before(g, at, v, &shape, at->primary);
}

/* Letters of both operands and the result, of one operand and the result, of the operands alone. */
typedef struct groups {
    letters both, left, right, summed;
} groups;

static bool sort_letters(const letters e[3], int left, groups *out)
{
    const letters *a = &e[left], *b = &e[1 - left], *y = &e[2];
    *out = (groups){0};
    for (int i = 0; i < y->n; i++) {
        char c = y->at[i];
        if (!has(a, c) && !has(b, c))
            return false;
        add(has(a, c) && has(b, c) ? &out->both : has(a, c) ? &out->left : &out->right, c);
    }
    for (int i = 0; i < a->n; i++) {
        if (!has(y, a->at[i]) && !has(b, a->at[i]))
            return false; /* a sum over one operand alone */
        if (!has(y, a->at[i]))
            add(&out->summed, a->at[i]);
    }
    for (int i = 0; i < b->n; i++)
        if (!has(y, b->at[i]) && !has(a, b->at[i]))
            return false;
    return out->summed.n > 0;
}

static bool product(cg_graph *g, cg_node *n, const cg_rule *self)
{
    const ff_cattr *equation = cg_is(n, "Einsum") && n->n_in == 2 && n->in[1] ? cg_attr(n, "equation") : NULL;
    letters e[3];
    groups s;
    if (!equation || equation->type != FF_CATTR_TEXT || !read_equation(equation->text, e) ||
        (n->in[0]->constant && n->in[1]->constant))
        return false;
    for (int i = 0; i < 2; i++)
        if (!cg_shape_static(&n->in[i]->shape) || n->in[i]->shape.rank != e[i].n)
            return false;
    if (!cg_shape_static(&n->out[0]->shape) || n->out[0]->shape.rank != e[2].n)
        return false;
    /* On the left is the operand whose own axes come first in the result, and never a constant. */
    int left = 0;
    for (int i = e[2].n - 1; i >= 0; i--)
        if (has(&e[0], e[2].at[i]) != has(&e[1], e[2].at[i]))
            left = has(&e[1], e[2].at[i]);
    left = n->in[0]->constant ? 1 : n->in[1]->constant ? 0 : left;
    if (!sort_letters(e, left, &s) || s.both.n + 2 > FF_MAX_RANK)
        return false;
    const ff_shape *sa = &n->in[left]->shape, *sb = &n->in[1 - left]->shape;
    for (int i = 0; i < e[0].n; i++) /* an axis of size 1 that is broadcast */
        if (has(&e[1], e[0].at[i]) && n->in[0]->shape.dims[i] != extent(&e[1], &n->in[1]->shape, e[0].at[i]))
            return false;
    letters a = s.both, b = s.both, y = s.both;
    append(&a, &s.left);
    append(&a, &s.summed);
    append(&b, &s.summed);
    append(&b, &s.right);
    append(&y, &s.left);
    append(&y, &s.right);
    int64_t rows = extents(&e[left], sa, &s.left), depth = extents(&e[left], sa, &s.summed),
            columns = extents(&e[1 - left], sb, &s.right);
    ff_shape matrices = {.dtype = n->out[0]->shape.dtype, .rank = s.both.n + 2}, split = matrices;
    for (int i = 0; i < s.both.n; i++)
        matrices.dims[i] = extent(&e[left], sa, s.both.at[i]);
    matrices.dims[s.both.n] = rows;
    matrices.dims[s.both.n + 1] = columns;
    split.rank = y.n;
    for (int i = 0; i < y.n; i++)
        split.dims[i] = has(&e[left], y.at[i]) ? extent(&e[left], sa, y.at[i]) : extent(&e[1 - left], sb, y.at[i]);

    cg_record_rule(g, self, n, NULL, 1e-7);
    cg_value *x = ordered(g, n, n->in[left], &e[left], &a), *w = ordered(g, n, n->in[1 - left], &e[1 - left], &b);
    x = x ? joined(g, n, x, s.both.n, rows, depth) : NULL;
    w = w ? joined(g, n, w, s.both.n, depth, columns) : NULL;
    if (!x || !w)
        return false;
    /* What it gives, seen in the order of the product. */
    cg_value *out = n->out[0];
    int64_t back[FF_MAX_RANK];
    int perm[FF_MAX_RANK], inverse[FF_MAX_RANK];
    for (int i = 0; i < y.n; i++)
        perm[i] = (int)((const char *)memchr(y.at, e[2].at[i], (size_t)y.n) - y.at);
    cg_invert_perm(inverse, perm, y.n);
    cg_value *unordered = cg_value_create(g, &split);
    cg_inherit_transposed(unordered, out, inverse);
    for (int i = 0; i < y.n; i++)
        back[i] = perm[i];
    cg_node *t = cg_insert_after(g, n, "Transpose", n->primary, 1);
    cg_set_ints(g, t, "perm", back, y.n, n->primary);
    cg_set_in(t, 0, unordered);
    cg_set_out(g, t, 0, out);
    cg_set_out(g, n, 0, unordered);
    n->op = "MatMul";
    n->n_attrs = 0;
    cg_set_in(n, 0, x);
    cg_set_in(n, 1, w);
    cg_reshape_after(g, n, &matrices, n->primary);
    return true;
}

const cg_rule cg_einsum_rules[] = {
    {"einsum-matmul", "Einsum of two operands is a product of matrices", product},
    {NULL, NULL, NULL},
};
