/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * conv.c: Conv and ConvTranspose of one to three spatial axes. Sums are taken in double, in the
 * order input channel, kernel position: the same bits on every run.
 */
#include "kernel.h"

#include <stdlib.h>
#include <string.h>

int ff_conv_init(const ff_call *c, const ff_tensor *x, const ff_tensor *w, ff_conv *v)
{
    if (x->rank < 3 || x->rank > 5 || w->rank != x->rank)
        return ff_fail(FF_ERR_GRAPH, "input of rank %d with weights of rank %d", x->rank, w->rank);
    v->batch = x->dims[0];
    v->channels = x->dims[1];
    v->filters = w->dims[0];
    v->group = ff_node_int(c->node, "group", 1);
    if (v->group < 1 || v->channels % v->group || v->filters % v->group || w->dims[1] != v->channels / v->group)
        return ff_fail(FF_ERR_GRAPH, "%lld channels in %lld groups with %lld filters of %lld channels",
                       (long long)v->channels, (long long)v->group, (long long)v->filters, (long long)w->dims[1]);
    int64_t positions; /* of the kernel: must not overflow in an empty tensor either */
    int rc = ff_count(w->rank - 2, w->dims + 2, &positions);
    return rc ? rc : ff_window_init(c, x->rank - 2, x->dims + 2, w->dims + 2, &v->window);
}

int ff_conv_out(ff_call *c, const ff_conv *v, ff_dtype t, ff_tensor **y)
{
    int64_t dims[FF_MAX_RANK] = {v->batch, v->filters};
    memcpy(dims + 2, v->window.out, (size_t)v->window.spatial * sizeof *dims);
    return ff_out(c, 0, t, v->window.spatial + 2, dims, y);
}

/* One axis of the loop nest: the output positions [from, to) whose input lies inside. */
typedef struct axis {
    int64_t in, out, kernel, stride, dilation, begin;
} axis;

static void axes_of(const ff_window *w, axis a[3])
{
    for (int k = 0; k < 3; k++) {
        int i = k - (3 - w->spatial);
        a[k] = i < 0 ? (axis){1, 1, 1, 1, 1, 0}
                     : (axis){w->in[i], w->out[i], w->kernel[i], w->stride[i], w->dilation[i], w->begin[i]};
    }
}

/* Outputs o with 0 <= o * stride + shift < in, where shift = k * dilation - begin. */
static void range(const axis *a, int64_t k, int64_t *from, int64_t *to, int64_t *shift)
{
    int64_t s = k * a->dilation - a->begin;
    *shift = s;
    *from = s >= 0 ? 0 : (-s + a->stride - 1) / a->stride;
    int64_t last = a->in - 1 - s;
    *to = last < 0 ? 0 : last / a->stride + 1;
    if (*to > a->out)
        *to = a->out;
}

/* y += w * x, one kernel position over one plane. `forward`: y is the output of a Conv; otherwise x
 * and y change places, which is what ConvTranspose does. */
FF_WIDEST static void position(const axis a[3], const int64_t k[3], double weight, const double *x, double *y,
                               bool forward)
{
    int64_t from[3], to[3], shift[3];
    for (int i = 0; i < 3; i++)
        range(&a[i], k[i], &from[i], &to[i], &shift[i]);
    int64_t n = to[2] - from[2], step = a[2].stride;
    if (n <= 0)
        return;
    for (int64_t od = from[0]; od < to[0]; od++) {
        int64_t id = od * a[0].stride + shift[0];
        for (int64_t oh = from[1]; oh < to[1]; oh++) {
            int64_t ih = oh * a[1].stride + shift[1];
            int64_t in = (id * a[1].in + ih) * a[2].in + from[2] * step + shift[2];
            int64_t out = (od * a[1].out + oh) * a[2].out + from[2];
            if (!forward) {
                double *to_row = y + in;
                const double *row = x + out;
                for (int64_t i = 0; i < n; i++)
                    to_row[i * step] += weight * row[i];
            } else if (step == 1) {
                double *to_row = y + out;
                const double *row = x + in;
                for (int64_t i = 0; i < n; i++)
                    to_row[i] += weight * row[i];
            } else {
                double *to_row = y + out;
                const double *row = x + in;
                for (int64_t i = 0; i < n; i++)
                    to_row[i] += weight * row[i * step];
            }
        }
    }
}

static void all_positions(const axis a[3], const double *w, const double *x, double *y, bool forward)
{
    int64_t k[3];
    for (k[0] = 0; k[0] < a[0].kernel; k[0]++)
        for (k[1] = 0; k[1] < a[1].kernel; k[1]++)
            for (k[2] = 0; k[2] < a[2].kernel; k[2]++, w++)
                position(a, k, *w, x, y, forward);
}

int ff_conv_compute(const ff_call *c, const ff_conv *v, const double *x, const double *w, const double *bias, double *y)
{
    axis a[3];
    axes_of(&v->window, a);
    int64_t in = a[0].in * a[1].in * a[2].in, out = a[0].out * a[1].out * a[2].out,
            kernel = a[0].kernel * a[1].kernel * a[2].kernel, channels = v->channels / v->group,
            filters = v->filters / v->group;
    if (!out || !v->filters)
        return FF_OK;
    bool pointwise = kernel == 1 && in == out; /* a matrix product when nothing is left out */
    for (int k = 0; k < 3; k++)
        pointwise &= a[k].stride == 1 && a[k].begin == 0;
    for (int64_t n = 0; n < v->batch; n++)
        for (int64_t g = 0; g < v->group; g++) {
            const double *xg = x + (n * v->channels + g * channels) * in;
            const double *wg = w + g * filters * channels * kernel;
            double *yg = y + (n * v->filters + g * filters) * out;
            int rc = ff_cancel_check(c);
            if (rc)
                return rc;
            for (int64_t m = 0; m < filters; m++)
                for (int64_t i = 0; i < out; i++)
                    yg[m * out + i] = bias ? bias[g * filters + m] : 0;
            if (pointwise) {
                ff_matrix_product(filters, channels, out, wg, xg, yg);
                continue;
            }
            for (int64_t m = 0; m < filters; m++)
                for (int64_t i = 0; i < channels; i++)
                    all_positions(a, wg + (m * channels + i) * kernel, xg + i * in, yg + m * out, true);
        }
    return FF_OK;
}

static int check_bias(const ff_tensor *b, int64_t filters)
{
    if (b && (b->rank != 1 || b->count != filters))
        return ff_fail(FF_ERR_GRAPH, "a bias of %lld elements for %lld filters", (long long)b->count,
                       (long long)filters);
    return FF_OK;
}

int ff_k_conv(ff_call *c)
{
    const ff_tensor *x, *w, *b = ff_in(c, 2);
    ff_tensor *y;
    ff_conv v;
    kview vx = {0}, vw = {0}, vb = {0}, vy = {0};
    int rc = ff_need(c, 0, 3, 5, &x);
    if (rc || (rc = ff_need(c, 1, 3, 5, &w)) || (rc = ff_conv_init(c, x, w, &v)) || (rc = check_bias(b, v.filters)) ||
        (rc = ff_conv_out(c, &v, x->dtype, &y)))
        return rc;
    if ((rc = kview_read(x, KWORK_DOUBLE, &vx)) || (rc = kview_read(w, KWORK_DOUBLE, &vw)) ||
        (b && (rc = kview_read(b, KWORK_DOUBLE, &vb))) || (rc = kview_write(y, KWORK_DOUBLE, &vy)))
        goto done;
    if (!(rc = ff_conv_compute(c, &v, vx.d, vw.d, b ? vb.d : NULL, vy.d)))
        kview_store(&vy);
done:
    kview_finish(&vx);
    kview_finish(&vw);
    kview_finish(&vb);
    kview_finish(&vy);
    return rc;
}

/* --------------------------------------------------------------------------- ConvTranspose */

static int numbers(const ff_call *c, const char *name, int n, int64_t lowest, int64_t otherwise, int64_t *out,
                   bool *given)
{
    const int64_t *list;
    size_t have = ff_node_ints(c->node, name, &list);
    if (given)
        *given = have > 0;
    if (have && have != (size_t)n)
        return ff_fail(FF_ERR_GRAPH, "%s has %zu entries, not %d", name, have, n);
    for (int i = 0; i < n; i++) {
        out[i] = have ? list[i] : otherwise;
        if (out[i] < lowest || out[i] > INT32_MAX)
            return ff_fail(FF_ERR_GRAPH, "%s has an entry of %lld", name, (long long)out[i]);
    }
    return FF_OK;
}

/* The window of the convolution whose transpose this is: its `in` is our output. */
static int transposed_window(const ff_call *c, const ff_tensor *x, const ff_tensor *w, ff_window *v)
{
    int n = x->rank - 2, rc;
    int64_t pads[2 * FF_MAX_RANK], extra[FF_MAX_RANK], shape[FF_MAX_RANK];
    bool shaped;
    memset(v, 0, sizeof *v);
    v->spatial = n;
    const char *mode = ff_node_string(c->node, "auto_pad", "NOTSET");
    bool same = !strncmp(mode, "SAME_", 5);
    if ((rc = numbers(c, "strides", n, 1, 1, v->stride, NULL)) ||
        (rc = numbers(c, "dilations", n, 1, 1, v->dilation, NULL)) ||
        (rc = numbers(c, "pads", 2 * n, 0, 0, pads, NULL)) || (rc = numbers(c, "output_padding", n, 0, 0, extra, NULL)))
        return rc;
    const int64_t *list;
    size_t have = ff_node_ints(c->node, "output_shape", &list);
    /* Some writers give batch and channels too. */
    shaped = have > 0;
    if (shaped && have != (size_t)n && have != (size_t)n + 2)
        return ff_fail(FF_ERR_GRAPH, "output_shape has %zu entries", have);
    for (int i = 0; i < n; i++) {
        v->kernel[i] = w->dims[2 + i];
        v->out[i] = x->dims[2 + i];
        if (v->kernel[i] < 1 || v->kernel[i] > INT32_MAX || v->out[i] > INT32_MAX)
            return ff_fail(FF_ERR_GRAPH, "a kernel of %lld on an axis of %lld", (long long)v->kernel[i],
                           (long long)v->out[i]);
        int64_t full;
        if (__builtin_mul_overflow(v->out[i] - 1, v->stride[i], &full))
            return ff_fail(FF_ERR_GRAPH, "the output overflows");
        full += extra[i] + (v->kernel[i] - 1) * v->dilation[i] + 1;
        v->begin[i] = pads[i];
        v->end[i] = pads[n + i];
        if (shaped || same) {
            shape[i] = shaped ? list[have - (size_t)n + (size_t)i] : v->out[i] * v->stride[i];
            if (shape[i] < 0 || shape[i] > INT32_MAX)
                return ff_fail(FF_ERR_GRAPH, "output_shape has an entry of %lld", (long long)shape[i]);
            int64_t total = full > shape[i] ? full - shape[i] : 0;
            v->begin[i] = !strcmp(mode, "SAME_UPPER") ? total / 2 : total - total / 2;
            v->in[i] = shape[i];
        } else {
            v->in[i] = full - v->begin[i] - v->end[i];
        }
        if (v->in[i] < 0)
            return ff_fail(FF_ERR_GRAPH, "axis %d would have length %lld", 2 + i, (long long)v->in[i]);
    }
    return FF_OK;
}

int ff_k_conv_transpose(ff_call *c)
{
    const ff_tensor *x, *w, *b = ff_in(c, 2);
    ff_tensor *y;
    ff_window v;
    kview vx = {0}, vw = {0}, vb = {0}, vy = {0};
    axis a[3];
    int rc = ff_need(c, 0, 3, 5, &x);
    if (rc || (rc = ff_need(c, 1, x->rank, x->rank, &w)))
        return rc;
    int64_t group = ff_node_int(c->node, "group", 1);
    if (group < 1 || w->dims[0] != x->dims[1] || x->dims[1] % group)
        return ff_fail(FF_ERR_GRAPH, "%lld channels in %lld groups with weights for %lld", (long long)x->dims[1],
                       (long long)group, (long long)w->dims[0]);
    int64_t filters = w->dims[1], channels = x->dims[1] / group, all;
    if (__builtin_mul_overflow(filters, group, &all))
        return ff_fail(FF_ERR_GRAPH, "the output overflows");
    if ((rc = check_bias(b, all)) || (rc = transposed_window(c, x, w, &v)))
        return rc;
    int64_t dims[FF_MAX_RANK] = {x->dims[0], all};
    memcpy(dims + 2, v.in, (size_t)v.spatial * sizeof *dims);
    if ((rc = ff_out(c, 0, x->dtype, x->rank, dims, &y)) || (rc = kview_read(x, KWORK_DOUBLE, &vx)) ||
        (rc = kview_read(w, KWORK_DOUBLE, &vw)) || (b && (rc = kview_read(b, KWORK_DOUBLE, &vb))) ||
        (rc = kview_write(y, KWORK_DOUBLE, &vy)))
        goto done;
    axes_of(&v, a);
    int64_t small = a[0].out * a[1].out * a[2].out, large = a[0].in * a[1].in * a[2].in,
            kernel = a[0].kernel * a[1].kernel * a[2].kernel;
    for (int64_t n = 0; y->count && n < x->dims[0]; n++)
        for (int64_t m = 0; m < all; m++) {
            double *to = vy.d + (n * all + m) * large;
            int64_t g = m / filters;
            if ((rc = ff_cancel_check(c)))
                goto done;
            for (int64_t i = 0; i < large; i++)
                to[i] = b ? vb.d[m] : 0;
            for (int64_t i = 0; i < channels; i++)
                all_positions(a, vw.d + ((g * channels + i) * filters + m % filters) * kernel,
                              vx.d + (n * x->dims[1] + g * channels + i) * small, to, false);
        }
    kview_store(&vy);
done:
    kview_finish(&vx);
    kview_finish(&vw);
    kview_finish(&vb);
    kview_finish(&vy);
    return rc;
}

/* --------------------------------------------------------------------------------- Col2Im */

/* x[batch, channels * block, positions] summed up into an image: what ConvTranspose does after its
 * matrix product. */
int ff_k_col2im(ff_call *c)
{
    const ff_tensor *x, *image, *block;
    ff_tensor *y;
    ff_window v = {0};
    kview vx = {0}, vy = {0};
    axis a[3];
    int64_t pads[2 * FF_MAX_RANK], dims[FF_MAX_RANK];
    int n, m, rc = ff_need(c, 0, 3, 3, &x);
    if (rc || (rc = ff_need(c, 1, 1, 1, &image)) || (rc = ff_need(c, 2, 1, 1, &block)) ||
        (rc = ff_int_list(image, 3, v.in, &n)) || (rc = ff_int_list(block, 3, v.kernel, &m)))
        return rc;
    if (n != m || n < 1)
        return ff_fail(FF_ERR_GRAPH, "image_shape has %d entries, block_shape %d", n, m);
    v.spatial = n;
    if ((rc = numbers(c, "strides", n, 1, 1, v.stride, NULL)) ||
        (rc = numbers(c, "dilations", n, 1, 1, v.dilation, NULL)) || (rc = numbers(c, "pads", 2 * n, 0, 0, pads, NULL)))
        return rc;
    int64_t kernel = 1, positions = 1;
    for (int i = 0; i < n; i++) {
        if (v.in[i] < 1 || v.in[i] > INT32_MAX || v.kernel[i] < 1 || v.kernel[i] > INT32_MAX)
            return ff_fail(FF_ERR_GRAPH, "an image of %lld in blocks of %lld", (long long)v.in[i],
                           (long long)v.kernel[i]);
        v.begin[i] = pads[i];
        int64_t room = v.in[i] + pads[i] + pads[n + i] - (v.kernel[i] - 1) * v.dilation[i] - 1;
        v.out[i] = room < 0 ? 0 : room / v.stride[i] + 1;
        if (__builtin_mul_overflow(kernel, v.kernel[i], &kernel) ||
            __builtin_mul_overflow(positions, v.out[i], &positions))
            return ff_fail(FF_ERR_GRAPH, "the number of elements overflows");
        dims[2 + i] = v.in[i];
    }
    if (x->dims[2] != positions || x->dims[1] % kernel)
        return ff_fail(FF_ERR_GRAPH, "%lld x %lld columns for blocks of %lld at %lld positions", (long long)x->dims[1],
                       (long long)x->dims[2], (long long)kernel, (long long)positions);
    dims[0] = x->dims[0];
    dims[1] = x->dims[1] / kernel;
    if ((rc = ff_out(c, 0, x->dtype, n + 2, dims, &y)) || !y->count)
        return rc;
    if ((rc = kview_read(x, KWORK_DOUBLE, &vx)) || (rc = kview_write(y, KWORK_DOUBLE, &vy)))
        goto done;
    axes_of(&v, a);
    int64_t plane = a[0].in * a[1].in * a[2].in;
    for (int64_t r = 0; r < x->dims[0] * x->dims[1]; r++) {
        int64_t q = r % kernel;
        int64_t k[3] = {q / (a[1].kernel * a[2].kernel), q / a[2].kernel % a[1].kernel, q % a[2].kernel};
        if ((rc = ff_cancel_check(c)))
            goto done;
        position(a, k, 1, vx.d + r * positions, vy.d + r / kernel * plane, false);
    }
    kview_store(&vy);
done:
    kview_finish(&vx);
    kview_finish(&vy);
    return rc;
}
