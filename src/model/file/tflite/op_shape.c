/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Operators that move elements and leave them as they are: they take integers and real numbers alike. */
#include "model/file/tflite/tflite.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_PARTS = 256 };

/* The first input in the file's layout. Where the result has another scale than the input, elements are not left as they
 * are after all: they go through real numbers. */
static bool same_scale(const tfl_tensor *x, const tfl_tensor *y)
{
    if (!tfl_quantized(x) || !tfl_quantized(y))
        return !tfl_quantized(x) && !tfl_quantized(y);
    return x->shape.dtype == y->shape.dtype && x->scales.n == 1 && y->scales.n == 1 &&
           tfl_scale(x, 0) == tfl_scale(y, 0) && tfl_zero(x, 0) == tfl_zero(y, 0);
}

typedef struct moved {
    tfl_tensor *x, *y;
    bool raw;
    const char *value;
} moved;

static bool begin_with(tfl_op *op, int i, moved *m)
{
    m->x = tfl_in(op, i);
    m->y = tfl_out(op, 0);
    if (!m->x || !m->y) {
        tfl_fail(op, "it has no input");
        return false;
    }
    m->raw = !tfl_quantized(m->x) || !tfl_quantized(m->y) || same_scale(m->x, m->y);
    m->value = m->raw ? tfl_value(op, m->x, TFL_LAST) : tfl_real(op, m->x, TFL_LAST);
    return op->r->code == FF_OK;
}

static bool begin(tfl_op *op, moved *m)
{
    return begin_with(op, 0, m);
}

static const char *last_name(tfl_op *op, const moved *m, int i)
{
    return tfl_name(op, i, TFL_LAST, m->raw ? NULL : "moved");
}

static void finish(tfl_op *op, const moved *m, int i, const char *value)
{
    if (m->raw)
        tfl_set(op, i, TFL_LAST, value);
    else
        tfl_set_real(op, i, TFL_LAST, value, TFL_NONE);
}

static void make(tfl_op *op, const moved *m, const char *onnx, int n_inputs, const char *const *inputs, int n_attrs,
                 const ff_attr *attrs)
{
    if (op->r->code == FF_OK)
        finish(op, m, 0, builder_node(op->r->b, onnx, last_name(op, m, 0), n_inputs, inputs, n_attrs, attrs));
}

static const char *ints_name(tfl_op *op, const char *what)
{
    return ff_arena_printf(op->r->names, "%s/%s", op->name, what);
}

/* An integer input as int64: constants at once, others behind Cast. */
static const char *as_long(tfl_op *op, int i, const char *what)
{
    tfl_tensor *t = tfl_in(op, i);
    ff_attr to = attr_int("to", FF_INT64);
    const ff_tensor *c = t ? tfl_constant(op->r, t) : NULL;
    ff_tensor *wide;
    if (t == NULL || op->r->code)
        return "";
    if (c == NULL)
        return t->shape.dtype == FF_INT64
                   ? tfl_value(op, t, TFL_LAST)
                   : builder_unary(op->r->b, "Cast", ints_name(op, what), tfl_value(op, t, TFL_LAST), 1, &to);
    op->r->code = ff_tensor_convert(c, FF_INT64, &wide);
    return op->r->code ? "" : builder_constant(op->r->b, ints_name(op, what), wide);
}

void tfl_make_reshape(tfl_op *op)
{
    moved m;
    int64_t dims[FF_MAX_RANK];
    if (!begin(op, &m))
        return;
    tfl_tensor *shape = tfl_in(op, 1);
    fb_vector given = fb_list(&op->options, 0, 4);
    const char *inputs[] = {m.value, ""};
    if (shape && !tfl_constant(op->r, shape)) {
        inputs[1] = as_long(op, 1, "shape");
    } else {
        int n = 0;
        if (shape) {
            if (!tfl_ints(op, 1, FF_MAX_RANK, &n, dims))
                return;
        } else if (given.f && given.n <= FF_MAX_RANK) {
            for (n = 0; n < (int)given.n; n++)
                dims[n] = fb_get(&given, (uint32_t)n, 4);
            if (n == 1 && dims[0] == 0) /* how old files write a scalar */
                n = 0;
        } else {
            n = m.y->shape.rank;
            memcpy(dims, m.y->shape.dims, sizeof dims);
        }
        inputs[1] = builder_ints(op->r->b, ints_name(op, "shape"), n, dims);
    }
    make(op, &m, "Reshape", 2, inputs, 0, NULL);
}

void tfl_make_squeeze(tfl_op *op)
{
    moved m;
    int64_t axes[FF_MAX_RANK];
    if (!begin(op, &m))
        return;
    fb_vector given = fb_list(&op->options, 0, 4);
    int n = (int)(given.n < FF_MAX_RANK ? given.n : FF_MAX_RANK);
    for (int i = 0; i < n; i++)
        axes[i] = fb_get(&given, (uint32_t)i, 4);
    const char *inputs[] = {m.value, n ? builder_ints(op->r->b, ints_name(op, "axes"), n, axes) : ""};
    make(op, &m, "Squeeze", n ? 2 : 1, inputs, 0, NULL);
}

void tfl_make_expand(tfl_op *op)
{
    moved m;
    int64_t axes[1];
    int n;
    if (!begin(op, &m) || !tfl_ints(op, 1, 1, &n, axes) || n != 1)
        return;
    const char *inputs[] = {m.value, builder_ints(op->r->b, ints_name(op, "axes"), 1, axes)};
    make(op, &m, "Unsqueeze", 2, inputs, 0, NULL);
}

void tfl_make_transpose(tfl_op *op)
{
    moved m;
    int64_t perm[FF_MAX_RANK];
    int n;
    if (!begin(op, &m) || !tfl_ints(op, 1, FF_MAX_RANK, &n, perm))
        return;
    for (int i = 0; i < n; i++)
        perm[i] = tfl_axis(op, m.x, perm[i]);
    ff_attr a = attr_ints("perm", n, perm);
    make(op, &m, "Transpose", 1, &m.value, 1, &a);
}

void tfl_make_concat(tfl_op *op)
{
    static const int moved_axis[] = {0, 2, 3, 1};
    tfl_tensor *y = tfl_out(op, 0), *x[MOST_PARTS];
    const char *inputs[MOST_PARTS];
    int n = (int)(op->inputs.n < MOST_PARTS ? op->inputs.n : MOST_PARTS);
    int activation = (int)tfl_option(op, 1, 1, 0);
    bool first = false, raw = activation == TFL_NONE;
    if (!y || n < 1 || op->inputs.n > MOST_PARTS) {
        tfl_fail(op, "%u inputs", op->inputs.n);
        return;
    }
    for (int i = 0; i < n; i++) {
        if (!(x[i] = tfl_in(op, i))) {
            tfl_fail(op, "input %d is left out", i);
            return;
        }
        first |= tfl_layout_of(x[i]) == TFL_FIRST;
        raw &= same_scale(x[i], y);
    }
    for (int i = 0; i < n; i++)
        first &= x[i]->shape.rank == 4;
    tfl_layout l = first ? TFL_FIRST : TFL_LAST;
    int64_t axis = tfl_axis(op, x[0], tfl_option(op, 0, 4, 0));
    ff_attr a = attr_int("axis", first ? moved_axis[axis & 3] : axis);
    for (int i = 0; i < n; i++)
        inputs[i] = raw ? tfl_value(op, x[i], l) : tfl_real(op, x[i], l);
    const char *name = raw ? tfl_name(op, 0, l, NULL) : tfl_last_name(op, 0, l, "joined", activation, false);
    if (op->r->code)
        return;
    const char *value = builder_node(op->r->b, "Concat", name, n, inputs, 1, &a);
    if (raw)
        tfl_set(op, 0, l, value);
    else
        tfl_set_real(op, 0, l, value, activation);
}

/* SPLIT: axis, value; SPLIT_V: value, sizes, axis. */
void tfl_make_split(tfl_op *op)
{
    bool sized = op->row->code == 102;
    moved m;
    int64_t axis, sizes[MOST_PARTS];
    int one, n = (int)op->outputs.n;
    const char *outputs[MOST_PARTS];
    if (!begin_with(op, sized ? 0 : 1, &m) || !tfl_ints(op, sized ? 2 : 0, 1, &one, &axis) || n < 1 || n > MOST_PARTS)
        return;
    axis = tfl_axis(op, m.x, axis);
    if (sized) {
        int parts;
        if (!tfl_ints(op, 1, MOST_PARTS, &parts, sizes) || parts != n) {
            tfl_fail(op, "%d results", n);
            return;
        }
    } else {
        for (int i = 0; i < n; i++)
            sizes[i] = m.x->shape.dims[axis] / n;
    }
    if (op->r->code || m.x->shape.dims[axis] < 0) {
        tfl_fail(op, "the axis that is split has no fixed size");
        return;
    }
    ff_attr a = attr_int("axis", axis);
    const char *inputs[] = {m.value, builder_ints(op->r->b, ints_name(op, "sizes"), n, sizes)};
    builder_node_of(op->r->b, "", "Split", last_name(op, &m, 0), 2, inputs, 1, &a, n, outputs);
    for (int i = 0; i < n; i++)
        finish(op, &m, i, outputs[i]);
}

void tfl_make_pack(tfl_op *op)
{
    tfl_tensor *y = tfl_out(op, 0), *x;
    const char *inputs[MOST_PARTS];
    int n = (int)op->inputs.n;
    if (!y || n < 1 || n > MOST_PARTS) {
        tfl_fail(op, "%d inputs", n);
        return;
    }
    int64_t axis = tfl_axis(op, y, tfl_option(op, 1, 4, 0));
    moved m = {.y = y, .raw = true};
    for (int i = 0; i < n; i++)
        m.raw &= (x = tfl_in(op, i)) && same_scale(x, y);
    const char *axes = builder_ints(op->r->b, ints_name(op, "axes"), 1, &axis);
    for (int i = 0; i < n && op->r->code == FF_OK; i++) {
        x = tfl_in(op, i);
        const char *parts[] = {m.raw ? tfl_value(op, x, TFL_LAST) : tfl_real(op, x, TFL_LAST), axes};
        inputs[i] = builder_node(op->r->b, "Unsqueeze", ints_name(op, "part"), 2, parts, 0, NULL);
    }
    ff_attr a = attr_int("axis", axis);
    make(op, &m, "Concat", n, inputs, 1, &a);
}

void tfl_make_unpack(tfl_op *op)
{
    moved m;
    int n = (int)op->outputs.n;
    const char *parts[MOST_PARTS];
    int64_t sizes[MOST_PARTS];
    if (!begin(op, &m) || n < 1 || n > MOST_PARTS)
        return;
    int64_t axis = tfl_axis(op, m.x, tfl_option(op, 1, 4, 0));
    ff_attr a = attr_int("axis", axis);
    for (int i = 0; i < n; i++)
        sizes[i] = 1;
    const char *inputs[] = {m.value, builder_ints(op->r->b, ints_name(op, "sizes"), n, sizes)};
    const char *axes = builder_ints(op->r->b, ints_name(op, "axes"), 1, &axis);
    builder_node_of(op->r->b, "", "Split", ints_name(op, "parts"), 2, inputs, 1, &a, n, parts);
    for (int i = 0; i < n; i++) {
        const char *squeezed[] = {parts[i], axes};
        finish(op, &m, i, builder_node(op->r->b, "Squeeze", last_name(op, &m, i), 2, squeezed, 0, NULL));
    }
}

/* n x 2, before and after; ONNX wants all before, then all after. */
static const char *pads_of(tfl_op *op, const moved *m, bool symmetric)
{
    int64_t given[2 * FF_MAX_RANK], pads[2 * FF_MAX_RANK];
    int n;
    if (!tfl_ints(op, 1, 2 * FF_MAX_RANK, &n, given))
        return "";
    int rank = n / 2;
    if (rank != m->x->shape.rank || symmetric)
        tfl_fail(op, symmetric ? "symmetric padding is not supported" : "pads for another rank");
    for (int i = 0; i < rank; i++) {
        pads[i] = given[2 * i];
        pads[rank + i] = given[2 * i + 1];
    }
    return builder_ints(op->r->b, ints_name(op, "pads"), 2 * rank, pads);
}

/* The image layout stays where the operand is already turned. */
void tfl_make_pad(tfl_op *op)
{
    tfl_tensor *x = tfl_in(op, 0), *y = tfl_out(op, 0), *v = tfl_in(op, 2);
    moved m = {.x = x, .y = y};
    if (!x || !y || !tfl_in(op, 1)) {
        tfl_fail(op, "it needs a tensor and pads");
        return;
    }
    m.raw = !tfl_quantized(x) || same_scale(x, y);
    tfl_layout l = tfl_layout_of(x);
    int64_t given[2 * FF_MAX_RANK], pads[2 * FF_MAX_RANK];
    int n;
    if (!tfl_ints(op, 1, 2 * FF_MAX_RANK, &n, given) || n != 2 * x->shape.rank) {
        tfl_fail(op, "pads for another rank");
        return;
    }
    static const int from[] = {0, 3, 1, 2};
    for (int i = 0; i < n / 2; i++) {
        int a = l == TFL_FIRST ? from[i] : i;
        pads[i] = given[2 * a];
        pads[n / 2 + i] = given[2 * a + 1];
    }
    const char *inputs[] = {m.raw ? tfl_value(op, x, l) : tfl_real(op, x, l),
                            builder_ints(op->r->b, ints_name(op, "pads"), n, pads), ""};
    int n_inputs = 2;
    if (v && op->inputs.n > 2) {
        inputs[n_inputs++] = m.raw ? tfl_value(op, v, TFL_LAST) : tfl_real(op, v, TFL_LAST);
    } else if (m.raw && tfl_quantized(x)) {
        inputs[n_inputs++] = tfl_zero_of(op, x);
    }
    if (op->r->code)
        return;
    const char *value =
        builder_node(op->r->b, "Pad", tfl_name(op, 0, l, m.raw ? NULL : "padded"), n_inputs, inputs, 0, NULL);
    if (m.raw)
        tfl_set(op, 0, l, value);
    else
        tfl_set_real(op, 0, l, value, TFL_NONE);
}

void tfl_make_mirror(tfl_op *op)
{
    moved m;
    ff_attr mode = attr_text("mode", "reflect");
    if (!begin(op, &m))
        return;
    const char *inputs[] = {m.value, pads_of(op, &m, tfl_option(op, 0, 1, 0) != 0)};
    make(op, &m, "Pad", 2, inputs, 1, &mode);
}

void tfl_make_slice(tfl_op *op)
{
    moved m;
    int64_t begins[FF_MAX_RANK], sizes[FF_MAX_RANK], ends[FF_MAX_RANK], axes[FF_MAX_RANK];
    int n, k;
    if (!begin(op, &m) || !tfl_ints(op, 1, FF_MAX_RANK, &n, begins) || !tfl_ints(op, 2, FF_MAX_RANK, &k, sizes))
        return;
    if (n != k || n != m.x->shape.rank) {
        tfl_fail(op, "%d begins and %d sizes", n, k);
        return;
    }
    for (int i = 0; i < n; i++) {
        axes[i] = i;
        if (sizes[i] < 0 || __builtin_add_overflow(begins[i], sizes[i], &ends[i]))
            ends[i] = INT64_MAX;
    }
    const char *inputs[] = {m.value, builder_ints(op->r->b, ints_name(op, "starts"), n, begins),
                            builder_ints(op->r->b, ints_name(op, "ends"), n, ends),
                            builder_ints(op->r->b, ints_name(op, "axes"), n, axes)};
    make(op, &m, "Slice", 4, inputs, 0, NULL);
}

void tfl_make_strided_slice(tfl_op *op)
{
    moved m;
    int64_t begins[FF_MAX_RANK], ends[FF_MAX_RANK], steps[FF_MAX_RANK], axes[FF_MAX_RANK], gone[FF_MAX_RANK];
    int n, k, s, shrunk = 0;
    int64_t begin_mask = tfl_option(op, 0, 4, 0), end_mask = tfl_option(op, 1, 4, 0), shrink = tfl_option(op, 4, 4, 0);
    if (!begin(op, &m) || !tfl_ints(op, 1, FF_MAX_RANK, &n, begins) || !tfl_ints(op, 2, FF_MAX_RANK, &k, ends) ||
        !tfl_ints(op, 3, FF_MAX_RANK, &s, steps))
        return;
    if (n != k || n != s || n > m.x->shape.rank || tfl_option(op, 2, 4, 0) || tfl_option(op, 3, 4, 0)) {
        tfl_fail(op, "ellipsis and new axes are not supported");
        return;
    }
    bool offset = tfl_option(op, 5, 1, 0) != 0;
    for (int i = 0; i < n; i++) {
        axes[i] = i;
        bool back = steps[i] < 0;
        if (offset && !(end_mask >> i & 1))
            ends[i] += begins[i];
        if (begin_mask >> i & 1)
            begins[i] = back ? INT64_MAX : 0;
        if (end_mask >> i & 1)
            ends[i] = back ? INT64_MIN + 1 : INT64_MAX;
        if (shrink >> i & 1) {
            steps[i] = 1;
            ends[i] = begins[i] == -1 ? INT64_MAX : begins[i] + 1;
            gone[shrunk++] = i;
        }
    }
    builder *b = op->r->b;
    const char *inputs[] = {
        m.value, builder_ints(b, ints_name(op, "starts"), n, begins), builder_ints(b, ints_name(op, "ends"), n, ends),
        builder_ints(b, ints_name(op, "axes"), n, axes), builder_ints(b, ints_name(op, "steps"), n, steps)};
    if (shrunk == 0) {
        make(op, &m, "Slice", 5, inputs, 0, NULL);
        return;
    }
    const char *squeezed[] = {builder_node(b, "Slice", ints_name(op, "slice"), 5, inputs, 0, NULL),
                              builder_ints(b, ints_name(op, "gone"), shrunk, gone)};
    make(op, &m, "Squeeze", 2, squeezed, 0, NULL);
}

void tfl_make_gather(tfl_op *op)
{
    moved m;
    tfl_tensor *indices = tfl_in(op, 1);
    if (!begin(op, &m) || !indices)
        return;
    if (tfl_option(op, 1, 4, 0) != 0) {
        tfl_fail(op, "batch_dims is not supported");
        return;
    }
    ff_attr a = attr_int("axis", tfl_axis(op, m.x, tfl_option(op, 0, 4, 0)));
    const char *inputs[] = {m.value, as_long(op, 1, "indices")};
    make(op, &m, "Gather", 2, inputs, 1, &a);
}

void tfl_make_gather_nd(tfl_op *op)
{
    moved m;
    if (!begin(op, &m) || !tfl_in(op, 1))
        return;
    const char *inputs[] = {m.value, as_long(op, 1, "indices")};
    make(op, &m, "GatherND", 2, inputs, 0, NULL);
}

void tfl_make_shape(tfl_op *op)
{
    tfl_tensor *x = tfl_in(op, 0), *y = tfl_out(op, 0);
    if (!x || !y)
        return;
    bool wide = y->shape.dtype == FF_INT64;
    ff_attr to = attr_int("to", y->shape.dtype);
    const char *v =
        builder_unary(op->r->b, "Shape", wide ? op->name : ints_name(op, "long"), tfl_value(op, x, TFL_LAST), 0, NULL);
    tfl_set(op, 0, TFL_LAST, wide ? v : builder_unary(op->r->b, "Cast", op->name, v, 1, &to));
}

void tfl_make_tile(tfl_op *op)
{
    moved m;
    if (!begin(op, &m) || !tfl_in(op, 1))
        return;
    const char *inputs[] = {m.value, as_long(op, 1, "repeats")};
    make(op, &m, op->row->onnx, 2, inputs, 0, NULL);
}

/* FILL: dims, value. */
void tfl_make_fill(tfl_op *op)
{
    moved m;
    if (!begin_with(op, 1, &m) || !tfl_in(op, 0))
        return;
    const char *inputs[] = {m.value, as_long(op, 0, "dims")};
    make(op, &m, "Expand", 2, inputs, 0, NULL);
}

/* DEPTH_TO_SPACE, SPACE_TO_DEPTH: the order of channels is that of DCR. */
void tfl_make_space(tfl_op *op)
{
    tfl_tensor *x = tfl_in(op, 0);
    if (!x || x->shape.rank != 4) {
        tfl_fail(op, "it needs an image of rank 4");
        return;
    }
    ff_attr block = attr_int("blocksize", tfl_option(op, 0, 4, 0));
    tfl_set(op, 0, TFL_FIRST,
            builder_unary(op->r->b, op->row->onnx, tfl_name(op, 0, TFL_FIRST, NULL), tfl_value(op, x, TFL_FIRST), 1,
                          &block));
}
