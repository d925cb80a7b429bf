/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parts of a tensor: Split, Slice and Gather of neighbours are Slices with positive numbers. */
#include <string.h>

#include "canon/rewrite.h"

static bool ints_of(const cg_node *n, int input, const char *name, int64_t *out, int *count)
{
    const ff_cattr *a = cg_attr(n, name);
    if (n->n_in > input && n->in[input])
        return cg_const_ints(n->in[input], out, FF_MAX_RANK, count);
    if (!a || a->n > FF_MAX_RANK)
        return false;
    *count = a->n;
    memcpy(out, a->ints, (size_t)a->n * sizeof out[0]);
    return true;
}

static int64_t clamp(int64_t v, int64_t lo, int64_t hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

/* Formula: ONNX Slice; what is cut from an axis of size d is [start, end) in steps. */
static bool slice(cg_graph *g, cg_node *n, const cg_rule *self)
{
    const ff_shape *in = &n->in[0]->shape;
    if (!cg_is(n, "Slice") || n->formed || !cg_shape_static(in) || !cg_shape_static(&n->out[0]->shape))
        return false;
    int64_t starts[FF_MAX_RANK], ends[FF_MAX_RANK], axes[FF_MAX_RANK], steps[FF_MAX_RANK];
    int count = 0, n_ends = 0, n_axes = 0, n_steps = 0;
    if (!ints_of(n, 1, "starts", starts, &count) || !ints_of(n, 2, "ends", ends, &n_ends) || n_ends != count)
        return false;
    if ((n->n_in > 3 && n->in[3]) || cg_attr(n, "axes")) {
        if (!ints_of(n, 3, "axes", axes, &n_axes) || n_axes != count)
            return false;
    } else {
        for (int i = 0; i < count; i++)
            axes[i] = i;
    }
    if (n->n_in > 4 && n->in[4]) {
        if (!ints_of(n, 4, "steps", steps, &n_steps) || n_steps != count)
            return false;
    } else {
        for (int i = 0; i < count; i++)
            steps[i] = 1;
    }
    int64_t full[4][FF_MAX_RANK];
    bool cut[FF_MAX_RANK] = {false};
    for (int i = 0; i < count; i++) {
        int64_t axis = axes[i] < 0 ? axes[i] + in->rank : axes[i];
        if (axis < 0 || axis >= in->rank || steps[i] == 0 || cut[axis])
            return false;
        int64_t d = in->dims[axis], a = starts[i] < 0 ? starts[i] + d : starts[i], b = ends[i];
        bool forward = steps[i] > 0;
        b = b < 0 ? b + d : b;
        a = forward ? clamp(a, 0, d) : clamp(a, 0, d - 1);
        b = forward ? clamp(b, 0, d) : clamp(b, -1, d - 1);
        if (forward && a == 0 && b == d && steps[i] == 1)
            continue;
        cut[axis] = true;
        full[1][axis] = a;
        full[2][axis] = b;
        full[3][axis] = steps[i];
    }
    int k = 0;
    for (int axis = 0; axis < in->rank; axis++) {
        if (!cut[axis])
            continue;
        full[0][k] = axis;
        for (int j = 1; j < 4; j++)
            full[j][k] = full[j][axis];
        k++;
    }
    static const char *const names[] = {"axes", "starts", "ends", "steps"};
    cg_set_inputs(g, n, 1);
    for (int j = 0; j < 4; j++)
        cg_set_ints(g, n, names[j], full[j], k, n->primary);
    n->formed = true;
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

static void make_slice(cg_graph *g, cg_node *n, int64_t axis, int64_t start, int64_t end)
{
    int64_t step = 1;
    n->op = "Slice";
    n->formed = true;
    cg_set_ints(g, n, "axes", &axis, 1, n->primary);
    cg_set_ints(g, n, "starts", &start, 1, n->primary);
    cg_set_ints(g, n, "ends", &end, 1, n->primary);
    cg_set_ints(g, n, "steps", &step, 1, n->primary);
}

static bool split(cg_graph *g, cg_node *n, const cg_rule *self)
{
    const ff_shape *in = &n->in[0]->shape;
    if (!cg_is(n, "Split") || !cg_shape_static(in))
        return false;
    int64_t axis = cg_int(n, "axis", 0), at = 0;
    axis = axis < 0 ? axis + in->rank : axis;
    if (axis < 0 || axis >= in->rank)
        return false;
    for (int i = 0; i < n->n_out; i++)
        if (!n->out[i] || n->out[i]->shape.rank != in->rank || n->out[i]->shape.dims[axis] < 0)
            return false;
    cg_node *last = n;
    for (int i = 0; i < n->n_out; i++) {
        cg_node *s = cg_insert_after(g, last, "Slice", n->primary, 1);
        int64_t size = n->out[i]->shape.dims[axis];
        cg_absorb(s, n->origins, n->n_origins);
        cg_set_in(s, 0, n->in[0]);
        cg_set_out(g, s, 0, n->out[i]);
        make_slice(g, s, axis, at, at + size);
        at += size;
        last = s;
    }
    cg_record_rule(g, self, n, NULL, 0);
    cg_remove(g, n, n->next);
    return true;
}

/* Gather of consecutive indices is a Slice, of one index without its axis a Slice and a Reshape. */
static bool gather(cg_graph *g, cg_node *n, const cg_rule *self)
{
    const ff_shape *in = &n->in[0]->shape;
    if (!cg_is(n, "Gather") || n->n_in != 2 || n->in[0]->constant || !n->in[1] || !n->in[1]->constant ||
        n->in[1]->shape.rank > 1 || !cg_shape_static(in) || !cg_shape_static(&n->out[0]->shape))
        return false;
    const ff_tensor *t = n->in[1]->constant;
    int64_t axis = cg_int(n, "axis", 0);
    axis = axis < 0 ? axis + in->rank : axis;
    if (t->count < 1 || axis < 0 || axis >= in->rank || (t->dtype != FF_INT64 && t->dtype != FF_INT32))
        return false;
    int64_t first = ff_tensor_get_int(t, 0);
    first = first < 0 ? first + in->dims[axis] : first;
    for (int64_t i = 1; i < t->count; i++) {
        int64_t v = ff_tensor_get_int(t, i);
        if ((v < 0 ? v + in->dims[axis] : v) != first + i)
            return false;
    }
    bool drops = t->rank == 0;
    int64_t count = t->count;
    cg_value *y = n->out[0];
    cg_set_inputs(g, n, 1);
    cg_drop_attr(g, n, "axis");
    make_slice(g, n, axis, first, first + count);
    if (drops) {
        ff_shape kept = *in;
        kept.dims[axis] = 1;
        cg_value *v = cg_value_create(g, &kept);
        cg_inherit_reshaped(v, y);
        cg_node *r = cg_insert_after(g, n, "Reshape", n->primary, 1);
        cg_absorb(r, n->origins, n->n_origins);
        cg_set_out(g, n, 0, v);
        cg_set_in(r, 0, v);
        cg_set_out(g, r, 0, y);
        cg_set_ints(g, r, "shape", y->shape.dims, y->shape.rank, n->primary);
    }
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

static bool is_recurrent(const cg_node *n)
{
    return n && (cg_is(n, "LSTM") || cg_is(n, "GRU") || cg_is(n, "RNN"));
}

/* The last step of all hidden states is the second output: where every sequence is of full length and
 * is read forwards. */
static bool last_state(cg_graph *g, cg_node *n, const cg_rule *self)
{
    cg_node *r = cg_is(n, "Slice") && n->formed ? n->in[0]->producer : NULL;
    const ff_cattr *axes = cg_attr(n, "axes"), *starts = cg_attr(n, "starts"), *ends = cg_attr(n, "ends");
    const ff_shape *in = &n->in[0]->shape;
    if (!is_recurrent(r) || r->out[0] != n->in[0] || in->rank != 4 || !cg_shape_static(in) || in->dims[1] != 1 ||
        (r->n_in > 4 && r->in[4]) || cg_int(r, "layout", 0) != 0 || cg_text_is(r, "direction", "reverse") || !axes ||
        axes->n != 1 || axes->ints[0] != 0 || starts->ints[0] != in->dims[0] - 1 || ends->ints[0] != in->dims[0])
        return false;
    cg_value *last = r->n_out > 1 ? r->out[1] : NULL;
    if (!last) {
        ff_shape shape = {.dtype = in->dtype, .rank = 3, .dims = {in->dims[1], in->dims[2], in->dims[3]}};
        last = cg_value_create(g, &shape);
        cg_inherit_reshaped(last, n->out[0]);
        cg_set_out(g, r, 1, last);
    }
    static const char *const names[] = {"axes", "starts", "ends", "steps"};
    for (size_t i = 0; i < FF_COUNT(names); i++)
        cg_drop_attr(g, n, names[i]);
    n->op = "Reshape";
    cg_set_in(n, 0, last);
    cg_set_ints(g, n, "shape", n->out[0]->shape.dims, n->out[0]->shape.rank, n->primary);
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

const cg_rule cg_select_rules[] = {
    {"slice-form", "starts, ends, axes and steps as attributes or inputs, counted from either end", slice},
    {"split-slices", "the parts of a Split are Slices", split},
    {"gather-slice", "Gather of consecutive indices is a Slice", gather},
    {"last-state", "the last of all hidden states is the output that holds the last alone", last_state},
    {NULL, NULL, NULL},
};
