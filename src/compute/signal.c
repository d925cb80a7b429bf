/* SPDX-License-Identifier: GPL-3.0-or-later */
/* signal.c: DFT, STFT, MelWeightMatrix and window functions. */
#include "kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TAU 6.283185307179586476925286766559

/* y[bins] (pairs) = transform of n complex numbers; x is read `x_step` doubles apart and holds
 * `parts` (1 or 2) numbers each; entries from `have` on are zero. */
static void transform(const double *x, int64_t x_step, int parts, int64_t have, int64_t n, int64_t bins, bool inverse,
                      const double *circle, double *y, int64_t y_step)
{
    for (int64_t k = 0; k < bins; k++) {
        double re = 0, im = 0;
        int64_t turn = 0; /* t * k mod n */
        for (int64_t t = 0; t < n && t < have; t++) {
            double a = x[t * x_step], b = parts == 2 ? x[t * x_step + 1] : 0;
            double cosine = circle[2 * turn], sine = inverse ? circle[2 * turn + 1] : -circle[2 * turn + 1];
            re += a * cosine - b * sine;
            im += a * sine + b * cosine;
            turn += k;
            turn = turn >= n ? turn - n : turn;
        }
        y[k * y_step] = inverse ? re / (double)n : re;
        y[k * y_step + 1] = inverse ? im / (double)n : im;
    }
}

/* The real signal of n numbers whose transform begins with these `have` complex numbers: the others are their
 * conjugates, mirrored at n / 2, or zero where x ends before that. */
static void transform_to_real(const double *x, int64_t x_step, int parts, int64_t have, int64_t n, const double *circle,
                              double *y, int64_t y_step)
{
    for (int64_t k = 0; k < n; k++) {
        double sum = 0;
        int64_t turn = 0; /* t * k mod n */
        for (int64_t t = 0; t <= n / 2 && t < have; t++) {
            double a = x[t * x_step], b = parts == 2 ? x[t * x_step + 1] : 0;
            bool alone = t == 0 || 2 * t == n;
            sum += alone ? a * circle[2 * turn] : 2 * (a * circle[2 * turn] - b * circle[2 * turn + 1]);
            turn += k;
            turn = turn >= n ? turn - n : turn;
        }
        y[k * y_step] = sum / (double)n;
    }
}

static double *unit_circle(const ff_call *c, int64_t n)
{
    double *circle = ff_scratch(c, n, 2 * sizeof *circle);
    for (int64_t i = 0; circle && i < n; i++) {
        circle[2 * i] = cos(TAU * (double)i / (double)n);
        circle[2 * i + 1] = sin(TAU * (double)i / (double)n);
    }
    return circle;
}

int ff_k_dft(ff_call *c)
{
    const ff_tensor *x, *length = ff_in(c, 1), *t = ff_in(c, 2);
    ff_tensor *y;
    kview vx = {0}, vy = {0};
    double *circle = NULL;
    int axis, rc = ff_need(c, 0, 2, -1, &x);
    if (rc)
        return rc;
    int64_t asked = c->node->opset < 20 ? ff_node_int(c->node, "axis", 1) : -2, n, dims[FF_MAX_RANK];
    bool inverse = ff_node_int(c->node, "inverse", 0), onesided = ff_node_int(c->node, "onesided", 0);
    if ((c->node->opset >= 20 && t && (rc = ff_scalar_int(t, "axis", &asked))) || (rc = ff_axis(asked, x->rank, &axis)))
        return rc;
    int parts = (int)x->dims[x->rank - 1];
    if (axis == x->rank - 1 || (x->dims[x->rank - 1] != 1 && x->dims[x->rank - 1] != 2))
        return ff_fail(FF_ERR_GRAPH, "the last axis does not hold real or complex numbers");
    bool to_real = inverse && onesided;
    n = to_real ? 2 * (x->dims[axis] - 1) : x->dims[axis];
    if ((length && (rc = ff_scalar_int(length, "dft_length", &n))))
        return rc;
    if (n < 1 || n > INT32_MAX)
        return ff_fail(FF_ERR_GRAPH, "a transform of length %lld", (long long)n);
    memcpy(dims, x->dims, sizeof dims);
    dims[axis] = onesided && !inverse ? n / 2 + 1 : n;
    dims[x->rank - 1] = to_real ? 1 : 2;
    if ((rc = ff_out(c, 0, x->dtype, x->rank, dims, &y)) || !y->count)
        return rc;
    if (!(circle = unit_circle(c, n))) {
        rc = FF_ERR_NOMEM;
        goto done;
    }
    if ((rc = kview_read(x, KWORK_DOUBLE, &vx)) || (rc = kview_write(y, KWORK_DOUBLE, &vy)))
        goto done;
    int64_t inner = ff_span(x->dims, axis + 1, x->rank - 1), outer = ff_span(x->dims, 0, axis);
    for (int64_t r = 0; r < outer * inner; r++) {
        int64_t o = r / inner, i = r % inner;
        if ((rc = ff_cancel_check(c)))
            goto done;
        const double *from = vx.d + (o * x->dims[axis] * inner + i) * parts;
        if (to_real)
            transform_to_real(from, inner * parts, parts, x->dims[axis], n, circle, vy.d + o * n * inner + i, inner);
        else
            transform(from, inner * parts, parts, x->dims[axis], n, dims[axis], inverse, circle,
                      vy.d + (o * dims[axis] * inner + i) * 2, inner * 2);
    }
    kview_store(&vy);
done:
    free(circle);
    kview_finish(&vx);
    kview_finish(&vy);
    return rc;
}

/* signal[batch, samples, 1 or 2] to [batch, frames, bins, 2]. */
int ff_k_stft(ff_call *c)
{
    const ff_tensor *x, *t, *window = ff_in(c, 2);
    ff_tensor *y;
    kview vx = {0}, vw = {0}, vy = {0};
    int64_t step, n = 0;
    double *circle = NULL, *frame = NULL;
    int rc = ff_need(c, 0, 2, 3, &x);
    if (rc || (rc = ff_need(c, 1, 0, 1, &t)) || (rc = ff_scalar_int(t, "frame_step", &step)))
        return rc;
    int parts = x->rank == 3 ? (int)x->dims[2] : 1;
    if (x->rank == 3 && x->dims[2] != 1 && x->dims[2] != 2)
        return ff_fail(FF_ERR_GRAPH, "the last axis does not hold real or complex numbers");
    bool onesided = ff_node_int(c->node, "onesided", 1) && parts == 1;
    if (window && window->rank != 1)
        return ff_fail(FF_ERR_GRAPH, "a window of rank %d", window->rank);
    if (ff_in(c, 3))
        rc = ff_scalar_int(ff_in(c, 3), "frame_length", &n);
    else if (window)
        n = window->count;
    if (rc)
        return rc;
    if (n < 1 || n > x->dims[1] || step < 1 || (window && window->count != n))
        return ff_fail(FF_ERR_GRAPH, "frames of %lld by steps of %lld over %lld samples", (long long)n, (long long)step,
                       (long long)x->dims[1]);
    int64_t dims[4] = {x->dims[0], (x->dims[1] - n) / step + 1, onesided ? n / 2 + 1 : n, 2};
    if ((rc = ff_out(c, 0, x->dtype, 4, dims, &y)) || !y->count)
        return rc;
    circle = unit_circle(c, n);
    frame = ff_scratch(c, n, 2 * sizeof *frame);
    if (!circle || !frame) {
        rc = FF_ERR_NOMEM;
        goto done;
    }
    if ((rc = kview_read(x, KWORK_DOUBLE, &vx)) || (window && (rc = kview_read(window, KWORK_DOUBLE, &vw))) ||
        (rc = kview_write(y, KWORK_DOUBLE, &vy)))
        goto done;
    for (int64_t r = 0; r < dims[0] * dims[1]; r++) {
        const double *from = vx.d + (r / dims[1] * x->dims[1] + r % dims[1] * step) * parts;
        if ((rc = ff_cancel_check(c)))
            goto done;
        for (int64_t i = 0; i < n * parts; i++)
            frame[i] = from[i] * (window ? vw.d[i / parts] : 1);
        transform(frame, parts, parts, n, n, dims[2], false, circle, vy.d + r * dims[2] * 2, 2);
    }
    kview_store(&vy);
done:
    free(circle);
    free(frame);
    kview_finish(&vx);
    kview_finish(&vw);
    kview_finish(&vy);
    return rc;
}

/* a0 - a1 cos(2 pi i / N) + a2 cos(4 pi i / N) */
int ff_k_window(ff_call *c)
{
    const ff_tensor *t;
    ff_tensor *y;
    ff_dtype type;
    int64_t n;
    int rc = ff_need(c, 0, 0, 1, &t);
    if (rc || (rc = ff_scalar_int(t, "size", &n)) || (rc = ff_dtype_argument(c, "output_datatype", FF_FLOAT, &type)))
        return rc;
    if (!ff_is_numeric(type))
        return ff_fail(FF_ERR_GRAPH, "type %s is not allowed", ff_dtype_name(type));
    if ((rc = ff_out(c, 0, type, 1, &n, &y)))
        return rc;
    const char *op = c->node->op;
    const double *a = !strcmp(op, "HannWindow")      ? (const double[]){0.5, 0.5, 0}
                      : !strcmp(op, "HammingWindow") ? (const double[]){25.0 / 46, 21.0 / 46, 0}
                                                     : (const double[]){0.42, 0.5, 0.08};
    double period = (double)(ff_node_int(c->node, "periodic", 1) ? n : n - 1);
    for (int64_t i = 0; i < n; i++) {
        double turn = period > 0 ? TAU * (double)i / period : 0;
        ff_tensor_set_real(y, i, a[0] - a[1] * cos(turn) + a[2] * cos(2 * turn));
    }
    return FF_OK;
}

/* Triangular filters at equal steps of the mel scale, 2595 log10(1 + f / 700). */
int ff_k_mel_weights(ff_call *c)
{
    const ff_tensor *t[5];
    ff_tensor *y;
    ff_dtype type;
    int64_t bins, length, rate;
    double low, high;
    int rc;
    for (int i = 0; i < 5; i++)
        if ((rc = ff_need(c, i, 0, 1, &t[i])))
            return rc;
    if ((rc = ff_scalar_int(t[0], "num_mel_bins", &bins)) || (rc = ff_scalar_int(t[1], "dft_length", &length)) ||
        (rc = ff_scalar_int(t[2], "sample_rate", &rate)) || (rc = ff_scalar_real(t[3], "lower_edge_hertz", &low)) ||
        (rc = ff_scalar_real(t[4], "upper_edge_hertz", &high)) ||
        (rc = ff_dtype_argument(c, "output_datatype", FF_FLOAT, &type)))
        return rc;
    if (bins < 1 || length < 1 || length > INT32_MAX || rate < 1 || !(low >= 0) || !(high >= low) || !(high <= 1e9) ||
        !ff_is_numeric(type))
        return ff_fail(FF_ERR_GRAPH, "%lld bins, length %lld, rate %lld, %g to %g hertz", (long long)bins,
                       (long long)length, (long long)rate, low, high);
    int64_t dims[2] = {length / 2 + 1, bins};
    if ((rc = ff_out(c, 0, type, 2, dims, &y)))
        return rc;
    double mel_low = 2595 * log10(1 + low / 700), mel_high = 2595 * log10(1 + high / 700),
           step = (mel_high - mel_low) / (double)(bins + 2);
    for (int64_t i = 0; i < bins; i++) {
        int64_t edge[3];
        for (int k = 0; k < 3; k++) {
            double hertz = 700 * (pow(10, ((double)(i + k) * step + mel_low) / 2595) - 1);
            edge[k] = (int64_t)floor((double)(length + 1) * hertz / (double)rate);
            if (edge[k] >= dims[0] + (k == 2))
                return ff_fail(FF_ERR_GRAPH, "%g hertz lies beyond the spectrum", hertz);
        }
        if (edge[1] == edge[0])
            ff_tensor_set_real(y, edge[1] * bins + i, 1);
        for (int64_t j = edge[0]; edge[1] > edge[0] && j <= edge[1]; j++)
            ff_tensor_set_real(y, j * bins + i, (double)(j - edge[0]) / (double)(edge[1] - edge[0]));
        for (int64_t j = edge[1]; j < edge[2]; j++)
            ff_tensor_set_real(y, j * bins + i, (double)(edge[2] - j) / (double)(edge[2] - edge[1]));
    }
    return FF_OK;
}
