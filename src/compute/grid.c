/* SPDX-License-Identifier: GPL-3.0-or-later */
/* grid.c: reading images at places between pixels: GridSample, RoiAlign, AffineGrid. */
#include "kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ----------------------------------------------------------------------------- GridSample */

typedef struct sampler {
    enum { NEAREST, LINEAR, CUBIC } mode;
    enum { ZEROS, BORDER, REFLECTION } padding;
    bool align;
    int spatial, taps;
} sampler;

/* Mirrors x between low and high as often as it takes. */
static double reflect(double x, double low, double high)
{
    double range = high - low, beyond = x < low ? low - x : x > high ? x - high : 0;
    if (beyond == 0 || range <= 0)
        return range <= 0 ? low : x;
    double times = floor(beyond / range), rest = beyond - times * range;
    bool even = fmod(times, 2) == 0;
    return (x < low) == even ? low + rest : high - rest;
}

/* Pixel index of position i along an axis of n after padding; -1: zero. */
static int64_t pixel(const sampler *s, int64_t i, int64_t n)
{
    if (i >= 0 && i < n)
        return i;
    if (s->padding == ZEROS)
        return -1;
    if (s->padding == REFLECTION) {
        double r = reflect((double)i, s->align ? 0 : -0.5, s->align ? (double)n - 1 : (double)n - 0.5);
        i = (int64_t)r;
    }
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

static double cubic(double d)
{
    const double a = -0.75;
    d = fabs(d);
    if (d <= 1)
        return ((a + 2) * d - (a + 3)) * d * d + 1;
    return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

/* Pixels and weights along one axis for a coordinate in [-1, 1]. */
static void taps(const sampler *s, double g, int64_t n, int64_t *index, double *weight)
{
    double x = s->align ? (g + 1) / 2 * (double)(n - 1) : ((g + 1) * (double)n - 1) / 2;
    double low = s->align ? 0 : -0.5, high = s->align ? (double)n - 1 : (double)n - 0.5;
    if (x != x)
        x = 0;
    x = fmax(-1e9, fmin(1e9, x));
    if (s->mode == NEAREST)
        x = nearbyint(x);
    /* The cubic filter pads each of its pixels instead. */
    if (s->mode != CUBIC && (x < low || x > high)) {
        if (s->padding == BORDER)
            x = fmax(0, fmin((double)n - 1, x));
        else if (s->padding == REFLECTION)
            x = reflect(x, low, high);
    }
    if (s->mode == NEAREST) {
        index[0] = pixel(s, (int64_t)nearbyint(x), n);
        weight[0] = 1;
        return;
    }
    int64_t first = (int64_t)floor(x) - (s->mode == CUBIC);
    for (int t = 0; t < s->taps; t++) {
        double d = x - (double)(first + t);
        index[t] = pixel(s, first + t, n);
        weight[t] = s->mode == CUBIC ? cubic(d) : 1 - fabs(d);
    }
}

static int sampler_of(const ff_call *c, int spatial, sampler *s)
{
    const char *mode = ff_node_string(c->node, "mode", "linear"),
               *padding = ff_node_string(c->node, "padding_mode", "zeros");
    if (!strcmp(mode, "nearest"))
        s->mode = NEAREST;
    else if (!strcmp(mode, "linear") || !strcmp(mode, "bilinear"))
        s->mode = LINEAR;
    else if (!strcmp(mode, "cubic") || !strcmp(mode, "bicubic"))
        s->mode = CUBIC;
    else
        return ff_fail(FF_ERR_GRAPH, "mode '%s' is not known", mode);
    if (!strcmp(padding, "zeros"))
        s->padding = ZEROS;
    else if (!strcmp(padding, "border"))
        s->padding = BORDER;
    else if (!strcmp(padding, "reflection"))
        s->padding = REFLECTION;
    else
        return ff_fail(FF_ERR_GRAPH, "padding_mode '%s' is not known", padding);
    s->align = ff_node_int(c->node, "align_corners", 0);
    s->spatial = spatial;
    s->taps = s->mode == NEAREST ? 1 : s->mode == LINEAR ? 2 : 4;
    return FF_OK;
}

/* x[batch, channels, in...], grid[batch, out..., spatial] with the last axis of x first. */
int ff_k_grid_sample(ff_call *c)
{
    enum { SPATIAL = 3 };
    const ff_tensor *x, *grid;
    ff_tensor *y;
    kview vx = {0}, vg = {0};
    sampler s = {0};
    int64_t dims[FF_MAX_RANK], strides[FF_MAX_RANK];
    int rc = ff_need(c, 0, 3, 2 + SPATIAL, &x);
    if (rc || (rc = ff_need(c, 1, x->rank, x->rank, &grid)) || (rc = sampler_of(c, x->rank - 2, &s)))
        return rc;
    int n = s.spatial;
    if (grid->dims[0] != x->dims[0] || grid->dims[n + 1] != n)
        return ff_fail(FF_ERR_GRAPH, "the grid does not fit the input");
    dims[0] = x->dims[0];
    dims[1] = x->dims[1];
    memcpy(dims + 2, grid->dims + 1, (size_t)n * sizeof *dims);
    if ((rc = ff_out(c, 0, x->dtype, x->rank, dims, &y)) || !y->count)
        return rc;
    if (!x->count)
        return ff_fail(FF_ERR_GRAPH, "nothing to sample");
    if ((rc = kview_read(x, KWORK_DOUBLE, &vx)) || (rc = kview_read(grid, KWORK_DOUBLE, &vg)))
        goto done;
    ff_strides(n, x->dims + 2, strides);
    int64_t points = ff_span(dims, 2, x->rank), plane = ff_span(x->dims, 2, x->rank);
    int combinations = 1;
    for (int k = 0; k < n; k++)
        combinations *= s.taps;
    for (int64_t b = 0; b < dims[0]; b++)
        for (int64_t p = 0; p < points; p++) {
            int64_t index[SPATIAL][4];
            double weight[SPATIAL][4];
            for (int k = 0; k < n; k++)
                taps(&s, vg.d[(b * points + p) * n + (n - 1 - k)], x->dims[2 + k], index[k], weight[k]);
            for (int64_t ch = 0; ch < dims[1]; ch++) {
                const double *from = vx.d + (b * dims[1] + ch) * plane;
                double sum = 0;
                for (int m = 0; m < combinations; m++) {
                    int64_t at = 0;
                    double w = 1;
                    for (int k = n - 1, rest = m; k >= 0; k--, rest /= s.taps) {
                        int t = rest % s.taps;
                        at = index[k][t] < 0 || at < 0 ? -1 : at + index[k][t] * strides[k];
                        w *= weight[k][t];
                    }
                    if (at >= 0)
                        sum += w * from[at];
                }
                ff_tensor_set_real(y, (b * dims[1] + ch) * points + p, sum);
            }
        }
done:
    kview_finish(&vx);
    kview_finish(&vg);
    return rc;
}

/* -------------------------------------------------------------------------------- RoiAlign */

typedef struct corner {
    int64_t at[4];
    double weight[4];
} corner;

/* The four pixels around (y, x); all weights 0 outside of the image. */
static corner corners(double y, double x, int64_t height, int64_t width)
{
    corner c = {{0}, {0}};
    if (!(y >= -1 && y <= (double)height && x >= -1 && x <= (double)width))
        return c;
    y = fmax(y, 0);
    x = fmax(x, 0);
    int64_t y0 = (int64_t)y, x0 = (int64_t)x, y1 = y0 + 1, x1 = x0 + 1;
    if (y0 >= height - 1)
        y = (double)(y0 = y1 = height - 1);
    if (x0 >= width - 1)
        x = (double)(x0 = x1 = width - 1);
    double ly = y - (double)y0, lx = x - (double)x0;
    return (corner){{y0 * width + x0, y0 * width + x1, y1 * width + x0, y1 * width + x1},
                    {(1 - ly) * (1 - lx), (1 - ly) * lx, ly * (1 - lx), ly * lx}};
}

int ff_k_roi_align(ff_call *c)
{
    enum { MOST = 4096 }; /* samples along one axis of a bin */
    const ff_tensor *x, *rois, *batches;
    ff_tensor *y;
    kview vx = {0};
    int rc = ff_need(c, 0, 4, 4, &x);
    if (rc || (rc = ff_need(c, 1, 2, 2, &rois)) || (rc = ff_need(c, 2, 1, 1, &batches)))
        return rc;
    if (rois->dims[1] != 4 || batches->count != rois->dims[0] || !ff_dtype_is_float(rois->dtype) ||
        !ff_is_integer(batches->dtype))
        return ff_fail(FF_ERR_GRAPH, "rois and batch_indices do not fit");
    int64_t out_h = ff_node_int(c->node, "output_height", 1), out_w = ff_node_int(c->node, "output_width", 1),
            ratio = ff_node_int(c->node, "sampling_ratio", 0);
    double scale = ff_node_float(c->node, "spatial_scale", 1);
    bool half = c->node->opset >= 16 &&
                strcmp(ff_node_string(c->node, "coordinate_transformation_mode", "half_pixel"), "output_half_pixel"),
         max = !strcmp(ff_node_string(c->node, "mode", "avg"), "max");
    int64_t dims[4] = {rois->dims[0], x->dims[1], out_h, out_w}, height = x->dims[2], width = x->dims[3];
    if (out_h < 1 || out_w < 1 || ratio < 0 || ratio > MOST)
        return ff_fail(FF_ERR_GRAPH, "output %lld x %lld, sampling_ratio %lld", (long long)out_h, (long long)out_w,
                       (long long)ratio);
    if ((rc = ff_out(c, 0, x->dtype, 4, dims, &y)) || !y->count)
        return rc;
    if (!x->count)
        return ff_fail(FF_ERR_GRAPH, "nothing to sample");
    if ((rc = kview_read(x, KWORK_DOUBLE, &vx)))
        return rc;
    for (int64_t r = 0; r < dims[0] && !rc; r++) {
        int64_t b = ff_tensor_get_int(batches, r);
        double v[4];
        if (b < 0 || b >= x->dims[0]) {
            rc = ff_fail(FF_ERR_GRAPH, "batch index %lld of %lld", (long long)b, (long long)x->dims[0]);
            break;
        }
        for (int k = 0; k < 4; k++)
            v[k] = ff_tensor_get_real(rois, 4 * r + k) * scale - (half ? 0.5 : 0);
        double roi_w = v[2] - v[0], roi_h = v[3] - v[1];
        if (!half) {
            roi_w = fmax(roi_w, 1);
            roi_h = fmax(roi_h, 1);
        }
        double bin_h = roi_h / (double)out_h, bin_w = roi_w / (double)out_w;
        double asked_h = ratio ? (double)ratio : ceil(bin_h), asked_w = ratio ? (double)ratio : ceil(bin_w);
        if (!(asked_h <= MOST && asked_w <= MOST)) {
            rc = ff_fail(FF_ERR_GRAPH, "region %lld is too large to be sampled", (long long)r);
            break;
        }
        int64_t n_h = asked_h > 0 ? (int64_t)asked_h : 0, n_w = asked_w > 0 ? (int64_t)asked_w : 0;
        for (int64_t i = 0; i < dims[1] * out_h * out_w; i++) {
            int64_t ch = i / (out_h * out_w), ph = i / out_w % out_h, pw = i % out_w;
            const double *plane = vx.d + (b * dims[1] + ch) * height * width;
            double result = 0;
            bool first = true;
            if ((rc = ff_cancel_check(c)))
                break;
            for (int64_t iy = 0; iy < n_h; iy++)
                for (int64_t ix = 0; ix < n_w; ix++) {
                    corner k = corners(v[1] + ((double)ph + ((double)iy + 0.5) / (double)n_h) * bin_h,
                                       v[0] + ((double)pw + ((double)ix + 0.5) / (double)n_w) * bin_w, height, width);
                    double sum = 0, top = -INFINITY;
                    for (int q = 0; q < 4; q++) {
                        sum += k.weight[q] * plane[k.at[q]];
                        top = fmax(top, k.weight[q] * plane[k.at[q]]);
                    }
                    result = !max ? result + sum : first ? top : fmax(result, top);
                    first = false;
                }
            if (!max && n_h > 0 && n_w > 0)
                result /= (double)(n_h * n_w);
            ff_tensor_set_real(y, r * dims[1] * out_h * out_w + i, result);
        }
    }
    kview_finish(&vx);
    return rc;
}

/* ------------------------------------------------------------------------------ AffineGrid */

/* theta[batch, n, n + 1] and size = {batch, channels, out...}: a grid for GridSample. */
int ff_k_affine_grid(ff_call *c)
{
    const ff_tensor *theta, *size;
    ff_tensor *y;
    int64_t shape[FF_MAX_RANK], dims[FF_MAX_RANK];
    int m, rc = ff_need(c, 0, 3, 3, &theta);
    if (rc || (rc = ff_need(c, 1, 1, 1, &size)) || (rc = ff_int_list(size, FF_MAX_RANK, shape, &m)))
        return rc;
    int n = m - 2;
    bool align = ff_node_int(c->node, "align_corners", 0);
    if ((n != 2 && n != 3) || theta->dims[0] != shape[0] || theta->dims[1] != n || theta->dims[2] != n + 1 ||
        !ff_dtype_is_float(theta->dtype))
        return ff_fail(FF_ERR_GRAPH, "theta does not fit the size");
    dims[0] = shape[0];
    memcpy(dims + 1, shape + 2, (size_t)n * sizeof *dims);
    dims[n + 1] = n;
    if ((rc = ff_out(c, 0, theta->dtype, n + 2, dims, &y)) || !y->count)
        return rc;
    ff_walk w;
    ff_walk_start(&w, n + 1, dims);
    int64_t at = 0;
    do {
        double p[4] = {0, 0, 0, 1}; /* x, y (, z), 1 */
        for (int k = 0; k < n; k++) {
            double o = (double)w.index[n - k], d = (double)dims[n - k];
            p[k] = align ? (d > 1 ? 2 * o / (d - 1) - 1 : 0) : (2 * o + 1) / d - 1;
        }
        p[n] = 1;
        for (int r = 0; r < n; r++) {
            double v = 0;
            for (int k = 0; k <= n; k++)
                v += ff_tensor_get_real(theta, (w.index[0] * n + r) * (n + 1) + k) * p[k];
            ff_tensor_set_real(y, at++, v);
        }
    } while (ff_walk_next(&w));
    return FF_OK;
}

/* ------------------------------------------------------------------------------ MaxRoiPool */

/* The largest element in each bin of regions {batch, x1, y1, x2, y2}; 0 where a bin is empty. */
int ff_k_max_roi_pool(ff_call *c)
{
    const ff_tensor *x, *rois;
    ff_tensor *y;
    const int64_t *shape;
    int rc = ff_need(c, 0, 4, 4, &x);
    if (rc || (rc = ff_need(c, 1, 2, 2, &rois)))
        return rc;
    if (ff_node_ints(c->node, "pooled_shape", &shape) != 2 || shape[0] < 1 || shape[1] < 1 || rois->dims[1] != 5 ||
        !ff_dtype_is_float(rois->dtype) || !ff_dtype_is_float(x->dtype))
        return ff_fail(FF_ERR_GRAPH, "pooled_shape or the regions do not fit");
    double scale = ff_node_float(c->node, "spatial_scale", 1);
    int64_t dims[4] = {rois->dims[0], x->dims[1], shape[0], shape[1]}, height = x->dims[2], width = x->dims[3];
    if ((rc = ff_out(c, 0, x->dtype, 4, dims, &y)) || !y->count)
        return rc;
    for (int64_t i = 0; i < y->count; i++) {
        int64_t r = i / (dims[1] * dims[2] * dims[3]), ch = i / (dims[2] * dims[3]) % dims[1],
                bin[2] = {i / dims[3] % dims[2], i % dims[3]}, size[2] = {height, width}, from[2], to[2];
        double b = ff_tensor_get_real(rois, 5 * r);
        if (!(b >= 0 && b < (double)x->dims[0]))
            return ff_fail(FF_ERR_GRAPH, "batch index %g of %lld", b, (long long)x->dims[0]);
        for (int k = 0; k < 2; k++) { /* rows, columns */
            double start = round(ff_tensor_get_real(rois, 5 * r + 2 - k) * scale),
                   end = round(ff_tensor_get_real(rois, 5 * r + 4 - k) * scale);
            double step = fmax(end - start + 1, 1) / (double)dims[2 + k];
            double low = floor((double)bin[k] * step) + start, high = ceil((double)(bin[k] + 1) * step) + start;
            from[k] = (int64_t)fmin(fmax(low, 0), (double)size[k]);
            to[k] = (int64_t)fmin(fmax(high, 0), (double)size[k]);
        }
        double best = from[0] < to[0] && from[1] < to[1] ? -INFINITY : 0;
        const int64_t plane = ((int64_t)b * dims[1] + ch) * height;
        for (int64_t p = from[0]; p < to[0]; p++)
            for (int64_t q = from[1]; q < to[1]; q++)
                best = fmax(best, ff_tensor_get_real(x, (plane + p) * width + q));
        ff_tensor_set_real(y, i, best);
    }
    return FF_OK;
}

/* ------------------------------------------------------------------------------ DeformConv */

/* Value at (y, x) with zeros around the image. */
static double bilinear(const double *plane, int64_t height, int64_t width, double y, double x)
{
    if (!(y > -1 && x > -1 && y < (double)height && x < (double)width))
        return 0;
    int64_t y0 = (int64_t)floor(y), x0 = (int64_t)floor(x);
    double ly = y - (double)y0, lx = x - (double)x0, sum = 0;
    for (int k = 0; k < 4; k++) {
        int64_t p = y0 + k / 2, q = x0 + k % 2;
        if (p >= 0 && p < height && q >= 0 && q < width)
            sum += plane[p * width + q] * (k / 2 ? ly : 1 - ly) * (k % 2 ? lx : 1 - lx);
    }
    return sum;
}

/* A convolution whose kernel positions are moved by offset[batch, groups * kernel * 2, out...] (y,
 * x) and weighted by mask[batch, groups * kernel, out...]. Two spatial axes. */
int ff_k_deform_conv(ff_call *c)
{
    const ff_tensor *t[5] = {NULL}; /* X, W, offset, B, mask */
    ff_tensor *y;
    kview v[5] = {{{0}}}, vy = {0};
    ff_conv g;
    int rc;
    for (int i = 0; i < 5; i++) {
        t[i] = ff_in(c, i);
        if ((i < 3 || t[i]) && (rc = ff_need(c, i, i == 3 ? 1 : 4, i == 3 ? 1 : 4, &t[i])))
            return rc;
    }
    if ((rc = ff_conv_init(c, t[0], t[1], &g)))
        return rc;
    const ff_window *w = &g.window;
    int64_t parts = ff_node_int(c->node, "offset_group", 1), kernel = w->kernel[0] * w->kernel[1], want[2];
    if (parts < 1 || parts > g.channels || g.channels % parts || (t[3] && t[3]->count != g.filters) ||
        __builtin_mul_overflow(parts, kernel, &want[1]) || __builtin_mul_overflow(want[1], 2, &want[0]))
        return ff_fail(FF_ERR_GRAPH, "offset_group or the bias does not fit");
    for (int i = 2; i < 5; i += 2)
        if (t[i] && (t[i]->dims[0] != g.batch || t[i]->dims[1] != want[i / 4] || t[i]->dims[2] != w->out[0] ||
                     t[i]->dims[3] != w->out[1]))
            return ff_fail(FF_ERR_GRAPH, "input %d does not fit the output", i);
    if ((rc = ff_conv_out(c, &g, t[0]->dtype, &y)) || !y->count)
        return rc;
    for (int i = 0; i < 5; i++)
        if (t[i] && (rc = kview_read(t[i], KWORK_DOUBLE, &v[i])))
            goto done;
    if ((rc = kview_write(y, KWORK_DOUBLE, &vy)))
        goto done;
    int64_t plane = w->out[0] * w->out[1], image = w->in[0] * w->in[1], channels = g.channels / g.group;
    for (int64_t r = 0; r < g.batch * g.filters; r++) {
        int64_t n = r / g.filters, m = r % g.filters, first = m / (g.filters / g.group) * channels;
        if ((rc = ff_cancel_check(c)))
            goto done;
        for (int64_t p = 0; p < plane; p++) {
            double sum = t[3] ? v[3].d[m] : 0;
            for (int64_t i = 0; i < channels * kernel; i++) {
                int64_t ch = first + i / kernel, k = i % kernel, part = ch / (g.channels / parts);
                const double *offset = v[2].d + ((n * parts + part) * kernel + k) * 2 * plane + p;
                double at_y = (double)(p / w->out[1] * w->stride[0] - w->begin[0] + k / w->kernel[1] * w->dilation[0]) +
                              offset[0],
                       at_x = (double)(p % w->out[1] * w->stride[1] - w->begin[1] + k % w->kernel[1] * w->dilation[1]) +
                              offset[plane];
                double weight = v[1].d[m * channels * kernel + i];
                if (t[4])
                    weight *= v[4].d[((n * parts + part) * kernel + k) * plane + p];
                sum += weight * bilinear(v[0].d + (n * g.channels + ch) * image, w->in[0], w->in[1], at_y, at_x);
            }
            vy.d[r * plane + p] = sum;
        }
    }
    kview_store(&vy);
done:
    for (int i = 0; i < 5; i++)
        kview_finish(&v[i]);
    kview_finish(&vy);
    return rc;
}
