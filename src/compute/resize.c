/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resize.c: Resize and Upsample. Interpolation is separable: for each axis a list of source
 * positions and weights for every output position is made once, then the axes are resized one after
 * the other.
 */
#include "kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct options {
    enum { NEAREST, LINEAR, CUBIC } mode;
    const char *transform, *nearest, *policy;
    double cubic_a, extrapolation;
    bool exclude_outside, antialias;
} options;

/* The weights of one axis: output o sums weight[o * taps + t] * in[source[o * taps + t]]. */
typedef struct axis_plan {
    int64_t in, out, taps;
    int64_t *source;
    double *weight;
    bool *outside; /* tf_crop_and_resize: the extrapolation value */
} axis_plan;

static void plan_finish(axis_plan *p)
{
    free(p->source);
    free(p->weight);
    free(p->outside);
    *p = (axis_plan){0};
}

/* Position in the input of output o (formulas of the Resize operator). Taken in float32, as other
 * runtimes do: where a position is an exact half, it decides which pixel is the nearest. */
static float original(const options *p, float o, float scale, float in, float out, float start, float end)
{
    const char *t = p->transform;
    if (!strcmp(t, "asymmetric"))
        return o / scale;
    if (!strcmp(t, "align_corners"))
        return out == 1 ? 0 : o * (in - 1) / (out - 1);
    if (!strcmp(t, "pytorch_half_pixel"))
        return out > 1 ? (o + 0.5f) / scale - 0.5f : 0;
    if (!strcmp(t, "tf_half_pixel_for_nn"))
        return (o + 0.5f) / scale;
    if (!strcmp(t, "tf_crop_and_resize"))
        return out > 1 ? start * (in - 1) + o * (end - start) * (in - 1) / (out - 1) : 0.5f * (start + end) * (in - 1);
    if (!strcmp(t, "half_pixel_symmetric")) {
        float adjustment = out / (scale * in);
        float centre = in / 2, offset = centre * (1 - adjustment);
        return offset + (o + 0.5f) / scale - 0.5f;
    }
    return (o + 0.5f) / scale - 0.5f; /* half_pixel */
}

static bool known_transform(const char *t)
{
    static const char *const all[] = {"half_pixel",          "asymmetric",           "align_corners",
                                      "pytorch_half_pixel",  "tf_half_pixel_for_nn", "tf_crop_and_resize",
                                      "half_pixel_symmetric"};
    for (size_t i = 0; i < FF_COUNT(all); i++)
        if (!strcmp(all[i], t))
            return true;
    return false;
}

static double nearest(const options *p, double x, bool down)
{
    const char *m = p->nearest;
    if (!strcmp(m, "simple")) /* Upsample, and Resize of opset 10 */
        return down ? ceil(x) : floor(x);
    if (!strcmp(m, "floor"))
        return floor(x);
    if (!strcmp(m, "ceil"))
        return ceil(x);
    if (!strcmp(m, "round_prefer_ceil"))
        return floor(x + 0.5);
    return ceil(x - 0.5); /* round_prefer_floor */
}

static double cubic(double d, double a)
{
    d = fabs(d);
    if (d <= 1)
        return ((a + 2) * d - (a + 3)) * d * d + 1;
    return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

static double triangle(double d)
{
    d = fabs(d);
    return d < 1 ? 1 - d : 0;
}

static int plan_axis(const ff_call *c, const options *p, int64_t in, int64_t out, double scale, double start,
                     double end, axis_plan *a)
{
    /* With antialiasing the filter is stretched by the reduction, so that every input counts. */
    double stretch = p->antialias && scale < 1 && p->mode != NEAREST ? scale : 1;
    double support = (p->mode == CUBIC ? 2 : 1) / stretch;
    if (support > 1e6)
        return ff_fail(FF_ERR_NOMEM, "a scale of %g with antialiasing", scale);
    int64_t taps = p->mode == NEAREST ? 1 : 2 * (int64_t)ceil(support), cells;
    *a = (axis_plan){.in = in, .out = out, .taps = taps};
    if (__builtin_mul_overflow(out, taps, &cells))
        return ff_fail(FF_ERR_NOMEM, "the weights overflow");
    a->source = ff_scratch(c, cells, sizeof *a->source);
    a->weight = ff_scratch(c, cells, sizeof *a->weight);
    a->outside = ff_scratch(c, out, sizeof *a->outside);
    if (!a->source || !a->weight || !a->outside)
        return FF_ERR_NOMEM;
    bool crop = !strcmp(p->transform, "tf_crop_and_resize");
    for (int64_t o = 0; o < out; o++) {
        int64_t *source = a->source + o * taps;
        double *weight = a->weight + o * taps, sum = 0;
        double x = original(p, (float)o, (float)scale, (float)in, (float)out, (float)start, (float)end);
        a->outside[o] = crop && (x < 0 || x > (double)(in - 1));
        if (!(fabs(x) < 1e15))
            return ff_fail(FF_ERR_GRAPH, "a scale of %g", scale);
        int64_t first = taps == 1 ? (int64_t)nearest(p, x, scale < 1) : (int64_t)floor(x) - taps / 2 + 1;
        for (int64_t t = 0; t < taps; t++) {
            int64_t s = first + t;
            double d = (x - (double)s) * stretch;
            weight[t] = taps == 1 ? 1 : p->mode == CUBIC ? cubic(d, p->cubic_a) : triangle(d);
            /* Beyond the border its pixel is repeated, unless it is to be left out. */
            if (p->exclude_outside && (s < 0 || s >= in))
                weight[t] = 0;
            sum += weight[t];
            source[t] = s < 0 ? 0 : s >= in ? in - 1 : s;
        }
        for (int64_t t = 0; t < taps && sum != 0; t++)
            weight[t] /= sum;
    }
    return FF_OK;
}

/* One axis of from[outer, in, inner] to to[outer, out, inner]. */
static void resize_axis(const axis_plan *a, int64_t outer, int64_t inner, const double *from, double *to)
{
    for (int64_t r = 0; r < outer; r++)
        for (int64_t o = 0; o < a->out; o++) {
            double *row = to + (r * a->out + o) * inner;
            for (int64_t t = 0; t < a->taps; t++) {
                double w = a->weight[o * a->taps + t];
                const double *source = from + (r * a->in + a->source[o * a->taps + t]) * inner;
                if (w != 0)
                    for (int64_t i = 0; i < inner; i++)
                        row[i] += w * source[i];
            }
        }
}

static int interpolate(ff_call *c, const ff_tensor *x, ff_tensor *y, const options *p, const axis_plan *plans)
{
    int64_t dims[FF_MAX_RANK], cells;
    kview vx = {0};
    double *now = NULL;
    int rc = kview_read(x, KWORK_DOUBLE, &vx);
    if (rc)
        return rc;
    memcpy(dims, x->dims, sizeof dims);
    const double *from = vx.d;
    for (int k = 0; k < x->rank; k++) {
        if (!plans[k].source)
            continue;
        int64_t outer = ff_span(dims, 0, k), inner = ff_span(dims, k + 1, x->rank);
        dims[k] = plans[k].out;
        double *next = (rc = ff_count(x->rank, dims, &cells)) ? NULL : ff_scratch(c, cells, sizeof *next);
        if (!next || (rc = ff_cancel_check(c))) {
            rc = rc ? rc : FF_ERR_NOMEM;
            free(next);
            goto done;
        }
        resize_axis(&plans[k], outer, inner, from, next);
        free(now);
        from = now = next;
    }
    /* Values outside of a cropped region. */
    ff_walk w;
    ff_walk_start(&w, x->rank, y->dims);
    int64_t i = 0;
    bool real = ff_dtype_is_float(y->dtype);
    do {
        double v = from[i];
        for (int k = 0; k < x->rank; k++)
            if (plans[k].outside && plans[k].outside[w.index[k]])
                v = p->extrapolation;
        if (real)
            ff_tensor_set_real(y, i, v);
        else
            ff_tensor_set_int(y, i, (int64_t)v); /* truncated, as the casts of the reference are */
        i++;
    } while (ff_walk_next(&w));
done:
    free(now);
    kview_finish(&vx);
    return rc;
}

/* What the node asks for: scale and output length of each axis. */
static int targets(const ff_call *c, const ff_tensor *x, const options *p, double *scales, int64_t *dims)
{
    const ff_tensor *st = NULL, *zt = NULL;
    const ff_attr *a = NULL;
    int64_t list[FF_MAX_RANK], sizes[FF_MAX_RANK];
    int axes[FF_MAX_RANK], n = x->rank, m, rc;
    bool given;
    if ((rc = ff_list_argument(c, "axes", -1, FF_MAX_RANK, list, &n, &given)) || (rc = ff_axes(list, n, x->rank, axes)))
        return rc;
    if (!given)
        for (n = 0; n < x->rank; n++)
            axes[n] = n;
    if (!strcmp(c->node->op, "Upsample") || c->node->opset < 11) {
        a = ff_node_attr(c->node, "scales");
        st = a ? NULL : ff_in(c, 1);
    } else {
        st = ff_in(c, 2);
        zt = ff_in(c, 3);
    }
    if (zt && zt->count == 0)
        zt = NULL;
    if (st && st->count == 0)
        st = NULL;
    for (int k = 0; k < x->rank; k++) {
        scales[k] = 1;
        dims[k] = x->dims[k];
    }
    if (zt) {
        if ((rc = ff_int_list(zt, FF_MAX_RANK, sizes, &m)))
            return rc;
        if (m != n)
            return ff_fail(FF_ERR_GRAPH, "%d sizes for %d axes", m, n);
        bool larger = !strcmp(p->policy, "not_larger"), smaller = !strcmp(p->policy, "not_smaller");
        double common = larger ? INFINITY : 0;
        for (int i = 0; i < n; i++) {
            int64_t in = x->dims[axes[i]];
            if (sizes[i] < 0 || sizes[i] > INT32_MAX || (!in && sizes[i]))
                return ff_fail(FF_ERR_GRAPH, "a size of %lld", (long long)sizes[i]);
            scales[axes[i]] = in ? (double)sizes[i] / (double)in : 1;
            common = larger ? fmin(common, scales[axes[i]]) : fmax(common, scales[axes[i]]);
            dims[axes[i]] = sizes[i];
        }
        for (int i = 0; i < n && (larger || smaller); i++) {
            scales[axes[i]] = common;
            dims[axes[i]] = (int64_t)floor(common * (double)x->dims[axes[i]] + 0.5);
        }
        return FF_OK;
    }
    bool floats = a && a->type == FF_ATTR_FLOATS;
    if (!floats && (!st || !ff_is_numeric(st->dtype)))
        return ff_fail(FF_ERR_GRAPH, "neither scales nor sizes are given");
    if ((floats ? (int64_t)a->n : st->count) != n)
        return ff_fail(FF_ERR_GRAPH, "%lld scales for %d axes", (long long)(floats ? (int64_t)a->n : st->count), n);
    for (int i = 0; i < n; i++) {
        double s = floats ? a->floats[i] : ff_tensor_get_real(st, i);
        double out = floor(s * (double)x->dims[axes[i]]);
        if (!(s > 0) || !(out <= INT32_MAX))
            return ff_fail(FF_ERR_GRAPH, "a scale of %g", s);
        scales[axes[i]] = s;
        dims[axes[i]] = (int64_t)out;
    }
    return FF_OK;
}

int ff_k_resize(ff_call *c)
{
    const ff_tensor *x, *roi = NULL;
    ff_tensor *y;
    double scales[FF_MAX_RANK];
    int64_t dims[FF_MAX_RANK], list[FF_MAX_RANK];
    int axes[FF_MAX_RANK], n;
    bool given, old = !strcmp(c->node->op, "Upsample") || c->node->opset < 11;
    axis_plan plans[FF_MAX_RANK];
    memset(plans, 0, sizeof plans);
    int rc = ff_need(c, 0, 1, -1, &x);
    if (rc)
        return rc;
    const char *mode = ff_node_string(c->node, "mode", "nearest");
    options p = {
        .mode = !strcmp(mode, "nearest") ? NEAREST
                : !strcmp(mode, "cubic") ? CUBIC
                                         : LINEAR,
        .transform = old ? "asymmetric" : ff_node_string(c->node, "coordinate_transformation_mode", "half_pixel"),
        .nearest = old ? "simple" : ff_node_string(c->node, "nearest_mode", "round_prefer_floor"),
        .policy = ff_node_string(c->node, "keep_aspect_ratio_policy", "stretch"),
        .cubic_a = ff_node_float(c->node, "cubic_coeff_a", -0.75f),
        .extrapolation = ff_node_float(c->node, "extrapolation_value", 0),
        .exclude_outside = ff_node_int(c->node, "exclude_outside", 0),
        .antialias = ff_node_int(c->node, "antialias", 0),
    };
    if (p.mode == LINEAR && strcmp(mode, "linear") && strcmp(mode, "bilinear"))
        return ff_fail(FF_ERR_GRAPH, "mode '%s' is not known", mode);
    if (!known_transform(p.transform))
        return ff_fail(FF_ERR_GRAPH, "coordinate_transformation_mode '%s' is not known", p.transform);
    if ((rc = targets(c, x, &p, scales, dims)) ||
        (rc = ff_list_argument(c, "axes", -1, FF_MAX_RANK, list, &n, &given)) || (rc = ff_axes(list, n, x->rank, axes)))
        return rc;
    if (!given)
        for (n = 0; n < x->rank; n++)
            axes[n] = n;
    bool crop = !strcmp(p.transform, "tf_crop_and_resize");
    if (crop) {
        roi = ff_in(c, 1);
        if (!roi || roi->count != 2 * n || !ff_is_numeric(roi->dtype))
            return ff_fail(FF_ERR_GRAPH, "roi does not have %d numbers", 2 * n);
    }
    if ((rc = ff_out(c, 0, x->dtype, x->rank, dims, &y)) || !y->count)
        return rc;
    if (!x->count)
        return ff_fail(FF_ERR_GRAPH, "nothing to resize");
    for (int i = 0; i < n && !rc; i++) {
        int k = axes[i];
        if (crop || scales[k] != 1 || dims[k] != x->dims[k])
            rc = plan_axis(c, &p, x->dims[k], dims[k], scales[k], crop ? ff_tensor_get_real(roi, i) : 0,
                           crop ? ff_tensor_get_real(roi, n + i) : 1, &plans[k]);
    }
    if (!rc)
        rc = interpolate(c, x, y, &p, plans);
    for (int k = 0; k < x->rank; k++)
        plan_finish(&plans[k]);
    return rc;
}
