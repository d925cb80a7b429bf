/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Separable resizing with half-pixel centres: output d samples s = (d + 0.5)*in/out - 0.5.
 *
 *     bilinear   the two neighbours of s, clamped: a + (b - a)*f
 *     bicubic    four neighbours, Keys' kernel with a = -0.75 (as torch and OpenCV)
 *     nearest    floor((d + 0.5)*in/out)
 *     antialias  bilinear and bicubic (then a = -0.5, as Pillow) widen by in/out when shrinking; weights
 *                beyond the border are dropped and the rest normalised
 *
 * Positions are computed in double, weights and sums are float32. First along rows, then down columns.
 */
#include "images/resample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What output position d reads: taps first[d], ... with `width` weights each. Two taps that are the
 * plain bilinear ones are one fraction. */
typedef struct taps {
    int n;      /* outputs */
    int count;  /* weights an output */
    bool lerp;  /* a + (b - a)*f with index[2*d], index[2*d + 1] and weight[d] = f */
    int *index; /* n * count source positions, clamped */
    float *weight;
} taps;

static double keys(double x, double a)
{
    x = fabs(x);
    if (x < 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    if (x < 2)
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
    return 0;
}

static double triangle(double x)
{
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

static int clamp(int64_t i, int n)
{
    return i < 0 ? 0 : i >= n ? n - 1 : (int)i;
}

static void taps_finish(taps *t)
{
    free(t->index);
    free(t->weight);
}

static void taps_lerp(taps *t, int in)
{
    t->lerp = true;
    for (int d = 0; d < t->n; d++) {
        double s = (d + 0.5) * in / t->n - 0.5, low = floor(s);
        t->weight[2 * d] = (float)(s - low);
        t->index[2 * d] = clamp((int64_t)low, in);
        t->index[2 * d + 1] = clamp((int64_t)low + 1, in);
    }
}

static void taps_kernel(taps *t, int in, ff_resize kernel, bool antialias)
{
    double step = (double)in / t->n, widen = antialias && step > 1 ? step : 1;
    for (int d = 0; d < t->n; d++) {
        double s = (d + 0.5) * step - 0.5, sum = 0;
        int64_t first = (int64_t)ceil(s - (t->count / 2.0));
        float *weight = t->weight + (size_t)d * (size_t)t->count;
        int *index = t->index + (size_t)d * (size_t)t->count;
        for (int pass = 0; pass < 2; pass++)
            for (int k = 0; k < t->count; k++) {
                double x = ((double)(first + k) - s) / widen;
                double w = kernel == FF_RESIZE_BICUBIC ? keys(x, antialias ? -0.5 : -0.75) : triangle(x);
                bool outside = first + k < 0 || first + k >= in;
                if (antialias && outside)
                    w = 0;
                if (pass == 0)
                    sum += w;
                else {
                    weight[k] = (float)(w / sum);
                    index[k] = clamp(first + k, in);
                }
            }
    }
}

static int taps_init(taps *t, int in, int out, ff_resize kernel, bool antialias)
{
    bool shrinks = antialias && in > out;
    int reach = kernel == FF_RESIZE_BICUBIC ? 2 : 1;
    t->n = out;
    if (kernel == FF_RESIZE_NEAREST)
        t->count = 1;
    else if (shrinks)
        t->count = 2 * (int)ceil(reach * ((double)in / out)) + 1;
    else
        t->count = 2 * reach;
    size_t total = (size_t)out * (size_t)t->count;
    t->index = ff_try_alloc(total * sizeof *t->index);
    t->weight = ff_try_alloc(total * sizeof *t->weight);
    if (!t->index || !t->weight)
        return FF_ERR_NOMEM;
    if (kernel == FF_RESIZE_NEAREST) {
        for (int d = 0; d < out; d++) {
            t->index[d] = clamp((int64_t)floor((d + 0.5) * in / out), in);
            t->weight[d] = 1;
        }
    } else if (kernel == FF_RESIZE_BILINEAR && !shrinks) {
        taps_lerp(t, in);
    } else {
        taps_kernel(t, in, kernel, antialias);
    }
    return FF_OK;
}

/* One row of the picture to one row of floats. */
static void across(const taps *t, const uint8_t *in, float *out)
{
    if (t->lerp) {
        for (int d = 0; d < t->n; d++, out += 3) {
            const uint8_t *a = in + 3 * (size_t)t->index[2 * d];
            const uint8_t *b = in + 3 * (size_t)t->index[2 * d + 1];
            float f = t->weight[2 * d];
            for (int c = 0; c < 3; c++)
                out[c] = (float)a[c] + ((float)b[c] - (float)a[c]) * f;
        }
        return;
    }
    for (int d = 0; d < t->n; d++, out += 3) {
        const int *index = t->index + (size_t)d * (size_t)t->count;
        const float *weight = t->weight + (size_t)d * (size_t)t->count;
        float sum[3] = {0, 0, 0};
        for (int k = 0; k < t->count; k++) {
            const uint8_t *p = in + 3 * (size_t)index[k];
            for (int c = 0; c < 3; c++)
                sum[c] += weight[k] * (float)p[c];
        }
        memcpy(out, sum, sizeof sum);
    }
}

/* Rows are resized across when first asked for and kept while the window that reads them moves on. */
typedef struct window {
    const ff_image *image;
    const taps *across;
    int slots;
    int *row; /* source row in each slot, -1 none */
    float *data;
} window;

static const float *window_row(window *w, int y)
{
    int slot = y % w->slots;
    float *row = w->data + (size_t)slot * 3 * (size_t)w->across->n;
    if (w->row[slot] != y) {
        across(w->across, w->image->rgb + (size_t)y * 3 * (size_t)w->image->width, row);
        w->row[slot] = y;
    }
    return row;
}

static void down(window *w, const taps *t, int d, float *out)
{
    size_t n = 3 * (size_t)w->across->n;
    if (t->lerp) {
        const float *a = window_row(w, t->index[2 * d]);
        const float *b = window_row(w, t->index[2 * d + 1]);
        float f = t->weight[2 * d];
        for (size_t i = 0; i < n; i++)
            out[i] = a[i] + (b[i] - a[i]) * f;
        return;
    }
    memset(out, 0, n * sizeof *out);
    for (int k = 0; k < t->count; k++) {
        float weight = t->weight[(size_t)d * (size_t)t->count + (size_t)k];
        if (weight == 0)
            continue;
        const float *a = window_row(w, t->index[(size_t)d * (size_t)t->count + (size_t)k]);
        for (size_t i = 0; i < n; i++)
            out[i] += weight * a[i];
    }
}

int resample(const ff_image *image, int width, int height, ff_resize kernel, bool antialias, float *out)
{
    taps x = {0}, y = {0};
    window w = {.image = image, .across = &x};
    size_t n = 3 * (size_t)width;
    int code = taps_init(&x, image->width, width, kernel, antialias);
    if (code == FF_OK)
        code = taps_init(&y, image->height, height, kernel, antialias);
    if (code != FF_OK)
        goto out;
    w.slots = y.count + 1;
    w.row = ff_alloc_array((size_t)w.slots, sizeof *w.row);
    for (int i = 0; i < w.slots; i++)
        w.row[i] = -1;
    w.data = ff_try_alloc((size_t)w.slots * n * sizeof *w.data);
    if (!w.data) {
        code = FF_ERR_NOMEM;
        goto out;
    }
    for (int d = 0; d < height; d++)
        down(&w, &y, d, out + (size_t)d * n);
    if (kernel == FF_RESIZE_BICUBIC) /* overshoots, which 8 bits could not hold */
        for (size_t i = 0; i < n * (size_t)height; i++)
            out[i] = out[i] < 0 ? 0 : out[i] > 255 ? 255 : out[i];
out:
    free(w.row);
    free(w.data);
    taps_finish(&x);
    taps_finish(&y);
    return code;
}
