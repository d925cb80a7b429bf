/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shape inference over a graph, and what the operators' functions have in common. */
#include <stdlib.h>

#include "model/ops/infer.h"

void infer_set(ff_infer *c, int output, ff_dtype t, int rank, const int64_t *dims)
{
    if (output >= c->n_out)
        return;
    ff_shape *o = &c->out[output];
    o->dtype = t;
    o->rank = rank;
    for (int i = 0; i < rank; i++)
        o->dims[i] = dims[i];
}

void infer_copy(ff_infer *c, int output, const ff_shape *s)
{
    if (output < c->n_out)
        c->out[output] = *s;
}

void infer_type(ff_infer *c, int output, ff_dtype t)
{
    infer_set(c, output, t, UNKNOWN, NULL);
}

int infer_same(ff_infer *c)
{
    infer_copy(c, 0, &c->in[0]);
    return FF_OK;
}

int infer_same_type(const ff_infer *c, int a, int b)
{
    if (infer_has(c, a) && infer_has(c, b) && c->in[a].dtype != c->in[b].dtype)
        return infer_fail("inputs %d and %d have types %s and %s", a, b, ff_dtype_name(c->in[a].dtype),
                          ff_dtype_name(c->in[b].dtype));
    return FF_OK;
}

int infer_want_rank(const ff_infer *c, int i, int rank)
{
    int r = infer_rank(c, i);

    if (r >= 0 && r != rank)
        return infer_fail("input %d has %d dimensions, not %d", i, r, rank);
    return FF_OK;
}

int infer_want_min_rank(const ff_infer *c, int i, int rank)
{
    int r = infer_rank(c, i);

    if (r >= 0 && r < rank)
        return infer_fail("input %d has %d dimensions, fewer than %d", i, r, rank);
    return FF_OK;
}

int infer_axis(int64_t axis, int rank, int *out)
{
    if (axis < -(int64_t)rank || axis >= rank)
        return infer_fail("axis %lld of a tensor of %d dimensions", (long long)axis, rank);
    *out = (int)(axis < 0 ? axis + rank : axis);
    return FF_OK;
}

int infer_equal(int64_t a, int64_t b, const char *what, int64_t *out)
{
    if (a >= 0 && b >= 0 && a != b)
        return infer_fail("%s: %lld and %lld do not agree", what, (long long)a, (long long)b);
    *out = a >= 0 ? a : b;
    return FF_OK;
}

int infer_broadcast(const ff_shape *a, const ff_shape *b, ff_shape *out)
{
    ff_shape r = {.dtype = a->dtype, .rank = UNKNOWN};

    if (a->rank >= 0 && b->rank >= 0) {
        r.rank = a->rank > b->rank ? a->rank : b->rank;
        for (int i = 0; i < r.rank; i++) {
            int ia = i - (r.rank - a->rank), ib = i - (r.rank - b->rank);
            int64_t x = ia < 0 ? 1 : a->dims[ia], y = ib < 0 ? 1 : b->dims[ib];
            if (x == y || y == 1)
                r.dims[i] = x;
            else if (x == 1 || x < 0)
                r.dims[i] = y;
            else if (y < 0)
                r.dims[i] = x;
            else {
                ff_buf s = {0};
                ff_buf_dims(&s, a->rank, a->dims);
                ff_buf_puts(&s, " and ");
                ff_buf_dims(&s, b->rank, b->dims);
                int code = infer_fail("the shapes %s do not broadcast", s.data);
                ff_buf_finish(&s);
                return code;
            }
        }
    }
    *out = r;
    return FF_OK;
}

int infer_product(const int64_t *dims, int from, int to, int64_t *out)
{
    int64_t n = 1;
    bool unknown = false;

    for (int i = from; i < to; i++) {
        if (dims[i] == 0) {
            *out = 0;
            return FF_OK;
        }
        unknown |= dims[i] < 0;
        if (dims[i] > 0 && __builtin_mul_overflow(n, dims[i], &n))
            return infer_fail("the product of the dimensions overflows");
    }
    *out = unknown ? UNKNOWN : n;
    return FF_OK;
}

int infer_list(const ff_infer *c, const char *attr, int input, int64_t *v, int max, int *n)
{
    const ff_attr *a = attr ? ff_node_attr(c->node, attr) : NULL;

    *n = ABSENT;
    if (a != NULL && a->type == FF_ATTR_INTS) {
        if (a->n > (size_t)max)
            return infer_fail("'%s' has %zu entries", attr, a->n);
        *n = (int)a->n;
        for (int i = 0; i < *n; i++)
            v[i] = a->ints[i];
        return FF_OK;
    }
    if (input < 0 || !infer_has(c, input))
        return FF_OK;
    const ff_tensor *t = infer_data(c, input);
    if (c->in[input].rank > 1)
        return infer_fail("input %d must have one dimension", input);
    *n = UNKNOWN;
    if (t == NULL)
        return FF_OK;
    if (t->dtype != FF_INT64 && t->dtype != FF_INT32)
        return infer_fail("input %d must be int64", input);
    if (t->count > max)
        return infer_fail("input %d has %lld entries", input, (long long)t->count);
    *n = (int)t->count;
    for (int i = 0; i < *n; i++)
        v[i] = ff_tensor_get_int(t, i);
    return FF_OK;
}

int infer_dtype_attr(const ff_infer *c, const char *attr, ff_dtype otherwise, ff_dtype *out)
{
    int64_t t = ff_node_int(c->node, attr, otherwise);

    if (t <= FF_UNDEFINED || t >= FF_DTYPE_COUNT)
        return infer_fail("'%s' is %lld, not an element type", attr, (long long)t);
    *out = (ff_dtype)t;
    return FF_OK;
}

/* ------------------------------------------------------------------------- a whole graph */

struct state {
    ff_shape *shapes;
    const ff_tensor **data; /* by value id; references held */
    bool stale;             /* feeds differ: declared shapes of inner values may be untrue */
};

static void fill_from_declared(ff_shape *s, const ff_shape *declared)
{
    if (s->dtype == FF_UNDEFINED)
        s->dtype = declared->dtype;
    if (s->rank < 0)
        *s = (ff_shape){.dtype = s->dtype, .rank = declared->rank};
    if (s->rank != declared->rank)
        return;
    for (int i = 0; i < s->rank; i++)
        if (s->dims[i] <= 0 && declared->dims[i] > 0 && s->dims[i] != 0)
            s->dims[i] = declared->dims[i];
}

static int infer_node(struct state *s, const ff_node *n)
{
    const ff_op *op = ff_op_find(n->domain, n->op, n->opset);
    ff_shape in_few[8], out_few[8], *in = in_few, *out = out_few;
    const ff_tensor *data_few[8], **data = data_few;
    ff_tensor *made_few[8] = {0}, **made = made_few;
    int code = FF_OK;

    if (n->n_inputs > 8) {
        in = ff_alloc_array((size_t)n->n_inputs, sizeof *in);
        data = ff_alloc_array((size_t)n->n_inputs, sizeof *data);
    }
    if (n->n_outputs > 8) {
        out = ff_alloc_array((size_t)n->n_outputs, sizeof *out);
        made = ff_alloc_array((size_t)n->n_outputs, sizeof *made);
    }
    for (int i = 0; i < n->n_inputs; i++) {
        const ff_value *v = n->inputs[i];
        in[i] = v ? s->shapes[v->id] : (ff_shape){.rank = UNKNOWN};
        data[i] = v ? s->data[v->id] : NULL;
    }
    for (int i = 0; i < n->n_outputs; i++)
        out[i] = (ff_shape){.rank = UNKNOWN};
    if (op != NULL) {
        if (n->n_inputs < op->min_inputs || (op->max_inputs >= 0 && n->n_inputs > op->max_inputs))
            code = infer_fail("%d inputs are not allowed", n->n_inputs);
        else if (op->max_outputs >= 0 && n->n_outputs > op->max_outputs)
            code = infer_fail("%d outputs are not allowed", n->n_outputs);
        for (int i = 0; code == FF_OK && i < op->min_inputs; i++)
            if (n->inputs[i] == NULL)
                code = infer_fail("input %d is missing", i);
        for (int i = 0; code == FF_OK && i < n->n_inputs; i++)
            for (int j = 0; j < in[i].rank; j++)
                if (in[i].dims[j] > MAX_DIM)
                    code = infer_fail("a dimension of %lld", (long long)in[i].dims[j]);
        bool typed = true; /* what a function could rely on */
        for (int i = 0; i < op->min_inputs && i < n->n_inputs; i++)
            typed &= in[i].dtype != FF_UNDEFINED;
        ff_infer c = {n, n->n_inputs, n->n_outputs, in, data, out};
        if (code == FF_OK && op->infer != NULL && typed)
            code = op->infer(&c);
    }
    for (int i = 0; code == FF_OK && i < n->n_outputs; i++) {
        int64_t count;
        if (out[i].rank >= 0)
            code = infer_product(out[i].dims, 0, out[i].rank, &count);
    }
    if (code) {
        code = ff_fail_prefix(code, "node '%s' (%s)", n->label, n->op);
    } else {
        infer_evaluate(n, data, in, out, made);
        for (int i = 0; i < n->n_outputs; i++) {
            const ff_value *v = n->outputs[i];
            if (v == NULL) {
                ff_tensor_unref(made[i]);
                continue;
            }
            if (!s->stale)
                fill_from_declared(&out[i], &v->declared);
            else if (out[i].dtype == FF_UNDEFINED)
                out[i].dtype = v->declared.dtype;
            s->shapes[v->id] = out[i];
            s->data[v->id] = made[i];
        }
    }
    if (in != in_few) {
        free(in);
        free(data);
    }
    if (out != out_few) {
        free(out);
        free(made);
    }
    return code;
}

int ff_model_infer(const ff_model *m, const ff_shape *feeds, ff_shape *shapes)
{
    const ff_graph *g = ff_model_graph(m);
    int n = ff_model_values(m), code = FF_OK;
    struct state s = {.shapes = ff_alloc_array((size_t)n + 1, sizeof *shapes),
                      .data = ff_alloc_array((size_t)n + 1, sizeof *s.data)};

    for (int i = 0; i < n; i++) {
        const ff_value *v = ff_model_value(m, i);
        s.shapes[i] = v->declared;
        if (v->initializer && v->graph == g && v->initializer->count <= 4096)
            s.data[i] = ff_tensor_ref(v->initializer);
    }
    for (int i = 0; feeds != NULL && i < g->n_inputs; i++) {
        const ff_value *v = g->inputs[i];
        if (feeds[i].dtype == FF_UNDEFINED)
            continue;
        s.stale |= !ff_same_shape(&feeds[i], &v->declared);
        s.shapes[v->id] = feeds[i];
    }
    for (int i = 0; i < g->n_nodes && code == FF_OK; i++)
        code = infer_node(&s, g->nodes[i]);
    for (int i = 0; i < n; i++)
        ff_tensor_unref(s.data[i]);
    free(s.data);
    if (code == FF_OK && n > 0)
        memcpy(shapes, s.shapes, (size_t)n * sizeof *shapes);
    free(s.shapes);
    return code;
}
