/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Resize and its forerunner Upsample: effective scales, and only the attributes that matter in this
 * mode. */
#include <math.h>
#include <string.h>

#include "canon/rewrite.h"

/* Which element of `size` the nearest neighbour at `i` is, enlarged `scale` times; formulas: ONNX Resize. -1: another
 * way of counting. */
static int64_t nearest(const cg_node *n, int64_t i, int64_t size, int64_t out, int64_t scale)
{
    double x;
    if (cg_text_is(n, "coordinate_transformation_mode", "asymmetric"))
        x = (double)i / (double)scale;
    else if (cg_text_is(n, "coordinate_transformation_mode", "half_pixel") ||
             cg_text_is(n, "coordinate_transformation_mode", "half_pixel_symmetric") ||
             (cg_text_is(n, "coordinate_transformation_mode", "pytorch_half_pixel") && out > 1))
        x = ((double)i + 0.5) / (double)scale - 0.5;
    else
        return -1;
    if (cg_text_is(n, "nearest_mode", "floor"))
        x = floor(x);
    else if (cg_text_is(n, "nearest_mode", "ceil"))
        x = ceil(x);
    else if (cg_text_is(n, "nearest_mode", "round_prefer_floor"))
        x = ceil(x - 0.5);
    else if (cg_text_is(n, "nearest_mode", "round_prefer_ceil"))
        x = floor(x + 0.5);
    else
        return -1;
    return x < 0 ? 0 : x > (double)size - 1 ? size - 1 : (int64_t)x;
}

/* Each element once for each of its copies? So do several pairs of attributes say, for whole factors. */
static bool repeats(const cg_node *n, const ff_shape *in, const ff_shape *out)
{
    for (int axis = 0; axis < in->rank; axis++) {
        if (in->dims[axis] < 1 || out->dims[axis] % in->dims[axis] != 0)
            return false;
        int64_t scale = out->dims[axis] / in->dims[axis];
        for (int64_t i = 0; scale > 1 && i < out->dims[axis]; i++)
            if (nearest(n, i, in->dims[axis], out->dims[axis], scale) != i / scale)
                return false;
    }
    return true;
}

/* half_pixel but for sizes that are one, or that the factor does not give exactly? */
static bool counts_as_half_pixel(const cg_node *n, const double *scales, const ff_shape *in, const ff_shape *out)
{
    bool torch = cg_text_is(n, "coordinate_transformation_mode", "pytorch_half_pixel"),
         symmetric = cg_text_is(n, "coordinate_transformation_mode", "half_pixel_symmetric");
    for (int i = 0; i < in->rank; i++)
        if ((torch && out->dims[i] == 1 && in->dims[i] != 1) ||
            (symmetric && (double)in->dims[i] * scales[i] != (double)out->dims[i]))
            return false;
    return torch || symmetric;
}

static bool resize(cg_graph *g, cg_node *n, const cg_rule *self)
{
    bool old = cg_is(n, "Upsample");
    if ((!old && !cg_is(n, "Resize")) || n->formed)
        return false;
    const ff_shape *in = &n->in[0]->shape, *out = &n->out[0]->shape;
    if (!cg_shape_static(in) || !cg_shape_static(out) || in->rank != out->rank)
        return false;
    for (int i = 1; i < n->n_in; i++)
        if (n->in[i] && !n->in[i]->constant)
            return false;
    bool crop = cg_text_is(n, "coordinate_transformation_mode", "tf_crop_and_resize");
    if (crop)
        return false;
    if (cg_attr(n, "keep_aspect_ratio_policy") && !cg_text_is(n, "keep_aspect_ratio_policy", "stretch"))
        return false;
    /* Upsample and Resize 10 have their scales at input 1 (or an attribute), from 11 on at input 2.
     */
    bool early = old || n->primary->opset < 11;
    const cg_value *v = early ? (n->n_in > 1 ? n->in[1] : NULL) : (n->n_in > 2 ? n->in[2] : NULL);
    const ff_cattr *a = cg_attr(n, "scales"), *axes = cg_attr(n, "axes");
    double scales[FF_MAX_RANK];
    int count = axes ? axes->n : in->rank;
    bool given = (v && v->constant && v->constant->count == count) || (a && a->n == count);
    for (int i = 0; i < in->rank; i++) {
        if (in->dims[i] < 1)
            return false;
        scales[i] = given ? 1 : (double)out->dims[i] / (double)in->dims[i];
    }
    for (int k = 0; given && k < count; k++) {
        int64_t i = axes ? axes->ints[k] : k;
        i = i < 0 ? i + in->rank : i;
        if (i < 0 || i >= in->rank)
            return false;
        scales[i] = v && v->constant && v->constant->count == count ? ff_tensor_get_real(v->constant, k) : a->reals[k];
    }
    cg_set_inputs(g, n, 1);
    n->op = "Resize";
    n->formed = true;
    cg_drop_attr(g, n, "axes");
    cg_set_reals(g, n, "scales", scales, in->rank, n->primary);
    cg_set_ints(g, n, "sizes", out->dims, out->rank, n->primary);
    if (early) {
        cg_set_text(g, n, "coordinate_transformation_mode", "asymmetric", n->primary);
        cg_set_text(g, n, "nearest_mode", "floor", n->primary);
    }
    if (cg_text_is(n, "mode", "nearest") && repeats(n, in, out)) {
        bool whole = true;
        for (int i = 0; i < in->rank; i++)
            whole = whole && scales[i] == (double)(out->dims[i] / in->dims[i]);
        if (whole) {
            cg_set_text(g, n, "coordinate_transformation_mode", "asymmetric", n->primary);
            cg_set_text(g, n, "nearest_mode", "floor", n->primary);
        }
    }
    if (counts_as_half_pixel(n, scales, in, out))
        cg_set_text(g, n, "coordinate_transformation_mode", "half_pixel", n->primary);
    bool cubic = cg_text_is(n, "mode", "cubic");
    if (!cg_text_is(n, "mode", "nearest"))
        cg_drop_attr(g, n, "nearest_mode");
    if (!cubic)
        cg_drop_attr(g, n, "cubic_coeff_a");
    if (!cubic && cg_int(n, "antialias", 0) == 0)
        cg_set_int(g, n, "exclude_outside", 0, n->primary); /* nothing lies outside */
    if (!cg_attr(n, "antialias") && cg_attr(n, "nearest_mode") == NULL)
        cg_set_int(g, n, "antialias", 0, n->primary);
    if (cg_attr(n, "nearest_mode"))
        cg_drop_attr(g, n, "antialias");
    cg_drop_attr(g, n, "extrapolation_value");
    cg_drop_attr(g, n, "keep_aspect_ratio_policy");
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

/* Enlarging nothing, whatever the mode: the coordinates are those of the elements. */
static bool same_size(cg_graph *g, cg_node *n, const cg_rule *self)
{
    const ff_cattr *s = cg_attr(n, "scales");
    if (!cg_is(n, "Resize") || !n->formed || !s || !cg_shape_same(&n->in[0]->shape, &n->out[0]->shape))
        return false;
    for (int i = 0; i < s->n; i++)
        if (s->reals[i] != 1)
            return false;
    cg_record_rule(g, self, n, NULL, 0);
    cg_replace_value(g, n->out[0], n->in[0]);
    cg_remove(g, n, NULL);
    return true;
}

const cg_rule cg_resize_rules[] = {
    {"resize-form", "scales or sizes, and attributes that do not count in this mode", resize},
    {"resize-same", "a Resize to the size the value has", same_size},
    {NULL, NULL, NULL},
};
