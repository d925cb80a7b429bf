/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One spelling for each operator, whatever the opset: configuration inputs become attributes, axes
 * are positive, defaults and automatic pads are written out, old names give way to new ones.
 * Each rule makes its node such that it does not fire again.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "canon/rewrite.h"

#define MAX_INTS (4 * FF_MAX_RANK)

static int64_t positive(int64_t axis, int rank)
{
    return axis < 0 ? axis + rank : axis;
}

static int compare_ints(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bool window_op(const cg_node *n)
{
    return cg_is(n, "Conv") || cg_is(n, "ConvTranspose") || cg_is(n, "MaxPool") || cg_is(n, "AveragePool") ||
           cg_is(n, "LpPool");
}

/* Fills in kernel_shape, strides and dilations where they are left out. */
static bool window_defaults(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if (!window_op(n) || n->n_in < 1 || !n->in[0] || n->in[0]->shape.rank < 3)
        return false;
    int spatial = n->in[0]->shape.rank - 2;
    bool changed = false;
    int64_t ones[FF_MAX_RANK], zeros[2 * FF_MAX_RANK] = {0};
    for (int i = 0; i < spatial; i++)
        ones[i] = 1;
    const ff_cattr *k = cg_attr(n, "kernel_shape");
    if ((!k || k->n != spatial) && n->n_in > 1 && n->in[1] && n->in[1]->shape.rank == spatial + 2) {
        cg_set_ints(g, n, "kernel_shape", n->in[1]->shape.dims + 2, spatial, n->primary);
        changed = true;
    }
    static const char *const names[] = {"strides", "dilations"};
    for (int i = 0; i < 2; i++) {
        const ff_cattr *a = cg_attr(n, names[i]);
        if (!a || a->n != spatial) {
            cg_set_ints(g, n, names[i], ones, spatial, n->primary);
            changed = true;
        }
    }
    const ff_cattr *pads = cg_attr(n, "pads");
    if ((!pads || pads->n != 2 * spatial) && (!cg_attr(n, "auto_pad") || cg_text_is(n, "auto_pad", "NOTSET"))) {
        cg_set_ints(g, n, "pads", zeros, 2 * spatial, n->primary);
        changed = true;
    }
    if ((cg_is(n, "Conv") || cg_is(n, "ConvTranspose")) && !cg_attr(n, "group")) {
        cg_set_int(g, n, "group", 1, n->primary);
        changed = true;
    }
    if (changed)
        cg_record_rule(g, self, n, NULL, 0);
    return changed;
}

static bool auto_pad(cg_graph *g, cg_node *n, const cg_rule *self)
{
    const ff_cattr *a = cg_attr(n, "auto_pad");
    if (!window_op(n) || !a || a->type != FF_CATTR_TEXT)
        return false;
    if (strcmp(a->text, "NOTSET") == 0 || a->text[0] == 0) {
        cg_drop_attr(g, n, "auto_pad");
        return true;
    }
    const ff_shape *in = &n->in[0]->shape, *out = n->out[0] ? &n->out[0]->shape : NULL;
    const ff_cattr *k = cg_attr(n, "kernel_shape"), *s = cg_attr(n, "strides"), *d = cg_attr(n, "dilations");
    if (!out || !cg_shape_static(in) || !cg_shape_static(out) || in->rank < 3 || !k || !s || !d ||
        k->n != in->rank - 2 || s->n != k->n || d->n != k->n)
        return false;
    bool valid = strcmp(a->text, "VALID") == 0, lower = strcmp(a->text, "SAME_LOWER") == 0;
    int64_t pads[2 * FF_MAX_RANK] = {0};
    for (int i = 0; i < k->n && !valid; i++) {
        int64_t extent = (k->ints[i] - 1) * d->ints[i] + 1, total;
        if (cg_is(n, "ConvTranspose")) {
            const ff_cattr *extra = cg_attr(n, "output_padding");
            total = s->ints[i] * (in->dims[2 + i] - 1) + extent - out->dims[2 + i] +
                    (extra && i < extra->n ? extra->ints[i] : 0);
        } else {
            total = (out->dims[2 + i] - 1) * s->ints[i] + extent - in->dims[2 + i];
        }
        total = total > 0 ? total : 0;
        pads[i] = lower ? total - total / 2 : total / 2;
        pads[k->n + i] = total - pads[i];
    }
    cg_set_ints(g, n, "pads", pads, 2 * k->n, n->primary);
    cg_drop_attr(g, n, "auto_pad");
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

/* output_shape gives pads; output_padding of zeros is the default. */
static bool transposed_conv(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if (!cg_is(n, "ConvTranspose") || !n->out[0])
        return false;
    const ff_cattr *k = cg_attr(n, "kernel_shape");
    bool changed = false;
    if (k && !cg_attr(n, "output_padding")) {
        int64_t zeros[FF_MAX_RANK] = {0};
        cg_set_ints(g, n, "output_padding", zeros, k->n, n->primary);
        changed = true;
    }
    if (cg_attr(n, "output_shape") && k) {
        const ff_cattr *s = cg_attr(n, "strides"), *d = cg_attr(n, "dilations"), *extra = cg_attr(n, "output_padding");
        const ff_shape *in = &n->in[0]->shape, *out = &n->out[0]->shape;
        if (!s || !d || !cg_shape_static(in) || !cg_shape_static(out) || cg_attr(n, "auto_pad"))
            return changed;
        int64_t pads[2 * FF_MAX_RANK] = {0};
        for (int i = 0; i < k->n; i++) {
            int64_t total = s->ints[i] * (in->dims[2 + i] - 1) + extra->ints[i] + (k->ints[i] - 1) * d->ints[i] + 1 -
                            out->dims[2 + i];
            pads[i] = total - total / 2;
            pads[k->n + i] = total / 2;
        }
        cg_set_ints(g, n, "pads", pads, 2 * k->n, n->primary);
        cg_drop_attr(g, n, "output_shape");
        changed = true;
    }
    if (changed)
        cg_record_rule(g, self, n, NULL, 0);
    return changed;
}

/* Attributes that cannot matter in this node, or whose default this opset leaves unsaid. */
static bool pool_attributes(cg_graph *g, cg_node *n, const cg_rule *self)
{
    bool max = cg_is(n, "MaxPool"), average = cg_is(n, "AveragePool"), changed = false;
    if (!max && !average)
        return false;
    const ff_cattr *k = cg_attr(n, "kernel_shape"), *s = cg_attr(n, "strides"), *p = cg_attr(n, "pads"),
                   *d = cg_attr(n, "dilations");
    if (!k || !s || !p || !d)
        return false;
    if (cg_attr(n, "storage_order") && (n->n_out < 2 || !n->out[1])) {
        cg_drop_attr(g, n, "storage_order");
        changed = true;
    }
    if (!cg_attr(n, "ceil_mode")) {
        cg_set_int(g, n, "ceil_mode", 0, n->primary);
        changed = true;
    }
    /* Rounding up is rounding down where the windows fit exactly. */
    if (cg_int(n, "ceil_mode", 0) != 0 && cg_shape_static(&n->in[0]->shape)) {
        bool exact = true;
        for (int i = 0; i < k->n; i++)
            exact = exact && (n->in[0]->shape.dims[2 + i] + p->ints[i] + p->ints[k->n + i] -
                              ((k->ints[i] - 1) * d->ints[i] + 1)) %
                                     s->ints[i] ==
                                 0;
        if (exact) {
            cg_set_int(g, n, "ceil_mode", 0, n->primary);
            changed = true;
        }
    }
    if (average) {
        int64_t sum = 0;
        for (int i = 0; i < p->n; i++)
            sum += p->ints[i];
        int64_t want = sum == 0 && cg_int(n, "ceil_mode", 0) == 0 ? 0 : cg_int(n, "count_include_pad", 0);
        if (!cg_attr(n, "count_include_pad") || cg_int(n, "count_include_pad", 0) != want) {
            cg_set_int(g, n, "count_include_pad", want, n->primary);
            changed = true;
        }
    }
    if (changed)
        cg_record_rule(g, self, n, NULL, 0);
    return changed;
}

/* Conv without a bias has one of zeros. */
static bool zero_bias(cg_graph *g, cg_node *n, const cg_rule *self)
{
    (void)self;
    bool conv = cg_is(n, "Conv"), transpose = cg_is(n, "ConvTranspose");
    if ((!conv && !transpose) || n->n_in < 2 || !n->in[1] || n->in[1]->shape.rank < 3 || (n->n_in > 2 && n->in[2]))
        return false;
    int64_t channels = conv ? n->in[1]->shape.dims[0] : n->in[1]->shape.dims[1] * cg_int(n, "group", 1);
    ff_tensor *t = cg_reals_new(g, 1, &channels);
    if (!t)
        return false;
    cg_value *b = cg_constant(g, t, NULL);
    b->reader = n->primary;
    cg_set_inputs(g, n, 3);
    cg_set_in(n, 2, b);
    return true;
}

/* ---------------------------------------------------------------------- inputs to attributes */

/* Takes inputs from `first` on out once their values are attributes. */
static void drop_inputs(cg_graph *g, cg_node *n, int first)
{
    if (n->n_in > first)
        cg_set_inputs(g, n, first);
}

static bool constant_from(const cg_node *n, int first)
{
    for (int i = first; i < n->n_in; i++)
        if (n->in[i] && !n->in[i]->constant)
            return false;
    return true;
}

static double bound(double v)
{
    /* Before opset 11 the default was the largest float. */
    return v >= (double)3.4028234e38f ? INFINITY : v <= (double)-3.4028234e38f ? -INFINITY : v;
}

static bool clip_bounds(cg_graph *g, cg_node *n, const cg_rule *self)
{
    double min = -INFINITY, max = INFINITY;
    if (!cg_is(n, "Clip") || !constant_from(n, 1) ||
        (n->n_in == 1 && cg_attr(n, "min") && cg_attr(n, "max") &&
         bound(cg_real(n, "min", min)) == cg_real(n, "min", min) &&
         bound(cg_real(n, "max", max)) == cg_real(n, "max", max)))
        return false;
    if (n->n_in > 1) {
        if ((n->in[1] && !cg_uniform(n->in[1], &min)) || (n->n_in > 2 && n->in[2] && !cg_uniform(n->in[2], &max)))
            return false;
    } else {
        min = cg_real(n, "min", min);
        max = cg_real(n, "max", max);
    }
    drop_inputs(g, n, 1);
    cg_set_real(g, n, "min", bound(min), n->primary);
    cg_set_real(g, n, "max", bound(max), n->primary);
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

static bool pad_amounts(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if (!cg_is(n, "Pad") || n->n_in < 1 || !n->in[0] || !constant_from(n, 1) ||
        (n->n_in == 1 && cg_attr(n, "pads") && cg_attr(n, "value") && cg_attr(n, "mode")))
        return false;
    int rank = n->in[0]->shape.rank, count = 0, n_axes = 0;
    int64_t given[MAX_INTS], pads[MAX_INTS] = {0}, axes[MAX_INTS];
    double value = cg_real(n, "value", 0);
    if (rank < 0)
        return false;
    if (n->n_in > 1) {
        if (!cg_const_ints(n->in[1], given, MAX_INTS, &count) ||
            (n->n_in > 2 && n->in[2] && n->in[2]->constant->count > 0 && !cg_uniform(n->in[2], &value)))
            return false;
    } else {
        const ff_cattr *a = cg_attr(n, "pads");
        a = a ? a : cg_attr(n, "paddings");
        if (!a || a->n > MAX_INTS)
            return false;
        count = a->n;
        memcpy(given, a->ints, (size_t)count * sizeof given[0]);
    }
    if (n->n_in > 3 && n->in[3]) {
        if (!cg_const_ints(n->in[3], axes, rank, &n_axes))
            return false;
    } else {
        for (n_axes = 0; n_axes < rank; n_axes++)
            axes[n_axes] = n_axes;
    }
    if (count != 2 * n_axes)
        return false;
    for (int i = 0; i < n_axes; i++) {
        int64_t axis = positive(axes[i], rank);
        if (axis < 0 || axis >= rank)
            return false;
        pads[axis] = given[i];
        pads[rank + axis] = given[n_axes + i];
    }
    drop_inputs(g, n, 1);
    cg_drop_attr(g, n, "paddings");
    cg_set_ints(g, n, "pads", pads, 2 * rank, n->primary);
    cg_set_real(g, n, "value", value, n->primary);
    if (!cg_attr(n, "mode"))
        cg_set_text(g, n, "mode", "constant", n->primary);
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

static bool is_reduction(const cg_node *n)
{
    return strncmp(n->op, "Reduce", 6) == 0;
}

static bool reduce_axes(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if (!is_reduction(n) || n->n_in < 1 || !n->in[0] || n->in[0]->shape.rank < 0 || !constant_from(n, 1))
        return false;
    int rank = n->in[0]->shape.rank, count = 0;
    int64_t axes[MAX_INTS];
    const ff_cattr *a = cg_attr(n, "axes");
    bool sorted = a != NULL && n->n_in == 1 && !cg_attr(n, "noop_with_empty_axes") && cg_attr(n, "keepdims");
    for (int i = 0; a && i < a->n; i++)
        sorted = sorted && a->ints[i] >= 0 && (i == 0 || a->ints[i] > a->ints[i - 1]);
    if (sorted)
        return false;
    if (n->n_in > 1 && n->in[1]) {
        if (!cg_const_ints(n->in[1], axes, rank, &count))
            return false;
    } else if (a && a->n <= rank) {
        count = a->n;
        memcpy(axes, a->ints, (size_t)count * sizeof axes[0]);
    }
    if (count == 0) {
        if (cg_int(n, "noop_with_empty_axes", 0) != 0)
            return false;
        for (count = 0; count < rank; count++)
            axes[count] = count;
    }
    for (int i = 0; i < count; i++)
        axes[i] = positive(axes[i], rank);
    qsort(axes, (size_t)count, sizeof axes[0], compare_ints);
    drop_inputs(g, n, 1);
    cg_drop_attr(g, n, "noop_with_empty_axes");
    cg_set_ints(g, n, "axes", axes, count, n->primary);
    if (!cg_attr(n, "keepdims"))
        cg_set_int(g, n, "keepdims", 1, n->primary);
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

/* Without keepdims: with them, and a Reshape. */
static bool reduce_keepdims(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if (!is_reduction(n) || n->n_in != 1 || !cg_attr(n, "axes") || cg_int(n, "keepdims", 1) != 0 ||
        !cg_shape_static(&n->out[0]->shape) || !cg_shape_static(&n->in[0]->shape))
        return false;
    const ff_cattr *axes = cg_attr(n, "axes");
    cg_value *old = n->out[0];
    ff_shape kept = n->in[0]->shape;
    kept.dtype = old->shape.dtype;
    for (int i = 0; i < axes->n; i++)
        kept.dims[axes->ints[i]] = 1;
    cg_node *r = cg_insert_after(g, n, "Reshape", n->primary, 1);
    cg_value *v = cg_value_create(g, &kept);
    cg_inherit_reshaped(v, old);
    cg_set_int(g, n, "keepdims", 1, n->primary);
    cg_set_out(g, n, 0, v);
    cg_set_in(r, 0, v);
    cg_set_out(g, r, 0, old);
    cg_set_ints(g, r, "shape", old->shape.dims, old->shape.rank, n->primary);
    cg_absorb(r, n->origins, n->n_origins);
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

/* Flatten, Squeeze, Unsqueeze and Reshape are one when the shapes are known. */
static bool reshape(cg_graph *g, cg_node *n, const cg_rule *self)
{
    bool already = cg_is(n, "Reshape") && n->n_in == 1;
    if (already || n->n_in < 1 || !n->in[0] || !n->out[0] || !cg_shape_static(&n->out[0]->shape) ||
        !cg_shape_static(&n->in[0]->shape) ||
        (!cg_is(n, "Reshape") && !cg_is(n, "Flatten") && !cg_is(n, "Squeeze") && !cg_is(n, "Unsqueeze")))
        return false;
    drop_inputs(g, n, 1);
    n->op = "Reshape";
    cg_drop_attr(g, n, "axes");
    cg_drop_attr(g, n, "axis");
    cg_drop_attr(g, n, "allowzero");
    cg_set_ints(g, n, "shape", n->out[0]->shape.dims, n->out[0]->shape.rank, n->primary);
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

/* Softmax before opset 13 is over everything from `axis` on. */
static bool softmax_axis(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if ((!cg_is(n, "Softmax") && !cg_is(n, "LogSoftmax") && !cg_is(n, "Hardmax")) || n->formed)
        return false;
    const ff_shape *s = &n->in[0]->shape;
    if (!cg_shape_static(s) || s->rank < 1)
        return false;
    /* QLinearSoftmax says which one's meaning it has. */
    bool coerced = cg_int(n, "opset", n->primary->opset) < 13;
    int64_t axis = positive(cg_int(n, "axis", coerced ? 1 : -1), s->rank), over[FF_MAX_RANK];
    int count = 0;
    if (axis < 0 || axis > s->rank)
        return false;
    for (int64_t i = axis; i < s->rank && (coerced || i == axis); i++)
        if (s->dims[i] != 1)
            over[count++] = i;
    n->formed = true;
    cg_drop_attr(g, n, "opset");
    cg_set_int(g, n, "axis", count > 0 ? over[0] : axis, n->primary);
    if (count > 1)
        cg_set_ints(g, n, "over", over, count, n->primary);
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

static bool axis_positive(cg_graph *g, cg_node *n, const cg_rule *self)
{
    int64_t axis = cg_int(n, "axis", 0);
    int rank = n->out && n->out[0] ? n->out[0]->shape.rank : -1;
    if (axis >= 0 || rank < 0)
        return false;
    if (cg_is(n, "LayerNormalization"))
        return false;
    if (!cg_is(n, "Concat")) {
        if (n->n_in < 1 || !n->in[0])
            return false;
        rank = n->in[0]->shape.rank;
    }
    if (rank < 0 || axis + rank < 0)
        return false;
    cg_set_int(g, n, "axis", axis + rank, n->primary);
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

static bool transpose_perm(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if (!cg_is(n, "Transpose") || cg_attr(n, "perm") || n->in[0]->shape.rank < 0)
        return false;
    int rank = n->in[0]->shape.rank;
    int64_t perm[FF_MAX_RANK];
    for (int i = 0; i < rank; i++)
        perm[i] = rank - 1 - i;
    cg_set_ints(g, n, "perm", perm, rank, n->primary);
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

/* How values out of range are cast to 8-bit floats, which nothing here is. */
static bool saturate(cg_graph *g, cg_node *n, const cg_rule *self)
{
    ff_dtype to = n->out[0]->shape.dtype;
    if (!cg_attr(n, "saturate") || (to >= FF_FLOAT8E4M3FN && to <= FF_FLOAT8E5M2FNUZ) ||
        (!cg_is(n, "Cast") && !cg_is(n, "CastLike") && !cg_is(n, "QuantizeLinear")))
        return false;
    cg_drop_attr(g, n, "saturate");
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

static bool sum_is_add(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if (!cg_is(n, "Sum") || n->n_in != 2)
        return false;
    n->op = "Add";
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

const cg_rule cg_form_rules[] = {
    {"window-defaults", "kernel shape, strides, dilations, pads and group left out have their defaults",
     window_defaults},
    {"auto-pad", "automatic padding is explicit padding of that amount", auto_pad},
    {"output-shape", "an output shape is explicit padding", transposed_conv},
    {"pool-attributes", "an attribute that cannot matter here, or its default", pool_attributes},
    {"zero-bias", "no bias is a bias of zeros", zero_bias},
    {"clip-bounds", "bounds as attributes or as constant inputs", clip_bounds},
    {"pad-amounts", "pads as attributes or as constant inputs", pad_amounts},
    {"reduce-axes", "axes as attributes or as constant inputs", reduce_axes},
    {"reduce-keepdims", "axes dropped by the reduction or by a Reshape after it", reduce_keepdims},
    {"reshape", "Flatten, Squeeze, Unsqueeze and Reshape to the same shape", reshape},
    {"softmax-axis", "the axes that the softmax runs over under this opset", softmax_axis},
    {"negative-axis", "an axis counted from the end", axis_positive},
    {"transpose-default", "Transpose without perm reverses the axes", transpose_perm},
    {"saturate", "an attribute that speaks of 8-bit floats alone", saturate},
    {"sum-add", "Sum of two is Add", sum_is_add},
    {NULL, NULL, NULL},
};
