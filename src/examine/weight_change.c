/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See fetafix/examine.h. Each question is asked of all elements: a cause is named only when it explains the
 * whole tensor, with a tolerance for the last bits where something was folded. */
#include "fetafix/examine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LEVELS = 256 };

/* Relative distance below which two constants are one, and where a refolding of
 * batch normalisation rounded intermediate results. */
#define ROUNDING        1e-6
#define ROUNDING_FOLDED 1e-5

typedef float round_fn(float);

static float round_half(float x)
{
    return ff_half_to_float(ff_float_to_half(x));
}

static float round_bfloat(float x)
{
    return ff_bfloat16_to_float(ff_float_to_bfloat16(x));
}

/* Some converters cut the low half off instead of rounding. */
static float truncate_bfloat(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    u &= 0xffff0000u;
    memcpy(&x, &u, sizeof x);
    return x;
}

static int64_t per_axis(const ff_tensor *t, int axis, int64_t *inner)
{
    *inner = 1;
    for (int i = axis + 1; i < t->rank; i++)
        *inner *= t->dims[i];
    return t->dims[axis];
}

/* Does T come out of S by a rounding of each element? */
static bool explained_by(const float *s, const float *t, int64_t n, round_fn *f, double slack, double scale)
{
    for (int64_t i = 0; i < n; i++)
        if (f(s[i]) != t[i] && !(fabs((double)f(s[i]) - t[i]) <= slack * (fabs((double)t[i]) + scale)))
            return false;
    return true;
}

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

/* The different values among v[start + k*inner + j], ascending; -1 when there are more than MAX_LEVELS. */
static int collect_levels(const float *v, int64_t outer, int64_t stride, int64_t inner, float *levels)
{
    int n = 0;
    for (int64_t k = 0; k < outer; k++)
        for (int64_t j = 0; j < inner; j++) {
            float x = v[k * stride + j];
            int low = 0, high = n;
            while (low < high) {
                int middle = (low + high) / 2;
                if (levels[middle] < x)
                    low = middle + 1;
                else
                    high = middle;
            }
            if (low < n && levels[low] == x)
                continue;
            if (n == MAX_LEVELS || !isfinite(x))
                return -1;
            memmove(levels + low + 1, levels + low, (size_t)(n - low) * sizeof *levels);
            levels[low] = x;
            n++;
        }
    return n;
}

/* The step of which all levels are whole multiples within the 8-bit range, or 0. */
static double find_step(const float *levels, int n, double slack)
{
    if (n < 2)
        return 0;
    double largest = fmax(fabs(levels[0]), fabs(levels[n - 1])), gap = INFINITY;
    for (int i = 1; i < n; i++)
        gap = fmin(gap, (double)levels[i] - levels[i - 1]);
    const double candidates[] = {largest / 127, largest / 128, ((double)levels[n - 1] - levels[0]) / 255, gap};
    for (size_t c = 0; c < FF_COUNT(candidates); c++) {
        double step = candidates[c];
        if (!(step > 0) || largest / step > 255.5)
            continue;
        bool whole = true;
        for (int i = 0; i < n && whole; i++) {
            double k = levels[i] / step;
            whole = fabs(k - rint(k)) <= 2e-3 + slack * fabs(k);
        }
        if (whole)
            return step;
    }
    return 0;
}

/* Evidence against chance: k values on a grid of half-width 2e-3 happen by chance with 0.004^k. Few levels in
 * a fine grid prove nothing. */
static bool near_source(const float *s, const float *t, int64_t outer, int64_t stride, int64_t inner, double step)
{
    int64_t far = 0;
    for (int64_t k = 0; k < outer; k++)
        for (int64_t j = 0; j < inner; j++)
            far += !(fabs((double)s[k * stride + j] - t[k * stride + j]) <= 0.51 * step);
    return far <= outer * inner / 20; /* saturated ends may lie further away */
}

/* Levels that were rounded to bfloat16 afterwards are whole multiples of a step no more, but each lies within a
 * rounding of one, and no two of the same. */
static double find_rounded_step(const float *levels, int n)
{
    double largest = fmax(fabs(levels[0]), fabs(levels[n - 1]));
    for (int i = 0; i < n; i++)
        if (round_bfloat(levels[i]) != levels[i])
            return 0;
    /* The largest level was rounded too: the step is known to one part in 256 only. */
    for (int tenths = 1264; tenths <= 1285; tenths++) {
        double step = largest / (tenths / 10.0);
        double last = -INFINITY;
        bool fits = n >= 16;
        for (int i = 0; i < n && fits; i++) {
            double k = rint(levels[i] / step);
            fits = k > last && fabs(levels[i] - k * step) <= fabs((double)levels[i]) / 256;
            last = k;
        }
        if (fits)
            return step;
    }
    return 0;
}

static bool int8_per_tensor(const float *s, const float *t, int64_t n, const float *raw, double slack,
                            ff_weight_change *out)
{
    float levels[MAX_LEVELS];
    int count = collect_levels(t, 1, n, n, levels);
    double step = count > 0 ? find_step(levels, count, slack) : 0;
    if (count > 0 && !(step > 0) && n >= 3 * count)
        step = find_rounded_step(levels, count);
    bool direct = step > 0;
    if (!direct && raw) { /* scaled per channel afterwards: look at what was stored */
        count = collect_levels(raw, 1, n, n, levels);
        step = count > 0 ? find_step(levels, count, slack) : 0;
    }
    if (!(step > 0) || count < 4 || n < 8 || (direct && !near_source(s, t, 1, n, n, step)))
        return false;
    out->cause = "int8-per-tensor";
    out->step = step;
    out->levels = count;
    return true;
}

static bool int8_per_channel(const float *s, const float *t, const ff_tensor *shape, double slack,
                             ff_weight_change *out)
{
    for (int axis = 0; axis < shape->rank; axis++) {
        int64_t inner, channels = per_axis(shape, axis, &inner);
        int64_t outer = shape->count / (channels * inner);
        if (channels < 2 || outer * inner < 4)
            continue;
        int most = 0;
        int64_t good = 0, empty = 0;
        for (int64_t c = 0; c < channels; c++) {
            float levels[MAX_LEVELS];
            int count = collect_levels(t + c * inner, outer, channels * inner, inner, levels);
            if (count >= 0 && count < 2) { /* a channel of zeros says nothing */
                empty++;
                continue;
            }
            double step = count > 0 ? find_step(levels, count, slack) : 0;
            if (!(step > 0) || !near_source(s + c * inner, t + c * inner, outer, channels * inner, inner, step))
                break;
            good++;
            most = count > most ? count : most;
        }
        if (good + empty == channels && good * 2 > channels && most >= 3) {
            out->cause = "int8-per-channel";
            out->axis = axis;
            out->levels = most;
            return true;
        }
    }
    return false;
}

/* T = factor of the channel times S. */
static bool scaled_per_channel(const float *s, const float *t, const ff_tensor *shape, ff_weight_change *out)
{
    for (int axis = 0; axis < shape->rank; axis++) {
        int64_t inner, channels = per_axis(shape, axis, &inner), outer = shape->count / (channels * inner);
        if (outer * inner < 2)
            continue;
        bool fits = true;
        for (int64_t c = 0; c < channels && fits; c++) {
            double dot = 0, norm = 0;
            for (int64_t k = 0; k < outer; k++)
                for (int64_t j = 0; j < inner; j++) {
                    int64_t i = (k * channels + c) * inner + j;
                    dot += (double)s[i] * t[i];
                    norm += (double)s[i] * s[i];
                }
            double factor = norm > 0 ? dot / norm : 0;
            for (int64_t k = 0; k < outer && fits; k++)
                for (int64_t j = 0; j < inner && fits; j++) {
                    int64_t i = (k * channels + c) * inner + j;
                    fits = fabs(factor * s[i] - t[i]) <= 1e-5 * fabs(t[i]) + 1e-12;
                }
        }
        if (fits) {
            out->cause = "scaled";
            out->axis = axis;
            return true;
        }
    }
    return false;
}

/* Tries all orders of the axes: T holds S's elements laid down in another order of axes (of the same dims or not,
 * as a HWIO kernel read as OIHW). */
static int permuted_axes(const ff_tensor *source, const float *t, ff_weight_change *out, bool *found)
{
    *found = false;
    int rank = source->rank, perm[FF_MAX_RANK];
    if (rank < 2 || rank > 5)
        return FF_OK;
    int total = 1;
    for (int i = 2; i <= rank; i++)
        total *= i;
    for (int code = 1; code < total && !*found; code++) {
        int left[FF_MAX_RANK], c = code;
        for (int i = 0; i < rank; i++)
            left[i] = i;
        int radix = total;
        for (int i = 0; i < rank; i++) {
            radix /= rank - i;
            int k = c / radix;
            c %= radix;
            perm[i] = left[k];
            memmove(left + k, left + k + 1, (size_t)(rank - 1 - i - k) * sizeof *left);
        }
        ff_tensor *moved;
        int rc = ff_tensor_transpose(source, perm, &moved);
        if (rc != FF_OK)
            return rc;
        if (memcmp(moved->data, t, (size_t)source->count * sizeof(float)) == 0) {
            memcpy(out->perm, perm, sizeof perm);
            out->cause = "permuted";
            *found = true;
        }
        ff_tensor_unref(moved);
    }
    return FF_OK;
}

static int permuted_elements(const float *s, const float *t, int64_t n, ff_weight_change *out, bool *found)
{
    float *a = ff_try_alloc((size_t)n * sizeof *a), *b = ff_try_alloc((size_t)n * sizeof *b);
    if (!a || !b) {
        free(a);
        free(b);
        return FF_ERR_NOMEM;
    }
    memcpy(a, s, (size_t)n * sizeof *a);
    memcpy(b, t, (size_t)n * sizeof *b);
    qsort(a, (size_t)n, sizeof *a, compare_floats);
    qsort(b, (size_t)n, sizeof *b, compare_floats);
    *found = memcmp(a, b, (size_t)n * sizeof *a) == 0;
    if (*found) {
        out->cause = "permuted";
        out->perm[0] = -1;
    }
    free(a);
    free(b);
    return FF_OK;
}

/* Stored as numbers of the shorter type and scaled per channel afterwards, as by a batch normalisation that was not
 * folded: `raw` is what is stored (in whatever order), `most` the largest relative error of such a rounding, `least` that
 * of numbers next to zero. */
static bool stored_short(const float *s, const float *t, const float *raw, int64_t n, round_fn *f, double most,
                         double least)
{
    double scaled = 0, stored = 0;
    for (int64_t i = 0; raw && i < n; i++) {
        scaled += (double)t[i] * t[i];
        stored += (double)raw[i] * raw[i];
    }
    least *= stored > 0 ? 8 * sqrt(scaled / stored) : 1; /* channels are scaled unlike */
    for (int64_t i = 0; raw && i < n; i++)
        if (f(raw[i]) != raw[i] || !(fabs((double)t[i] - s[i]) <= most * fabs((double)s[i]) + least))
            return false;
    return raw != NULL;
}

static bool all_zero(const float *v, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (v[i] != 0)
            return false;
    return true;
}

static int classify(const ff_tensor *source, const float *s, const float *t, const float *raw, bool folded,
                    double largest, ff_weight_change *out)
{
    int64_t n = source->count;
    double slack = folded ? 1e-5 : 1e-6;
    double floor = folded ? largest : 0;
    if (all_zero(t, n)) {
        out->cause = "missing";
        return FF_OK;
    }
    if (all_zero(s, n)) {
        out->cause = "added";
        return FF_OK;
    }
    double exact = folded ? 1e-6 : 0;
    if (explained_by(s, t, n, round_half, exact, floor * exact)) {
        out->cause = "float16";
        return FF_OK;
    }
    if (explained_by(s, t, n, round_bfloat, exact, floor * exact) ||
        explained_by(s, t, n, truncate_bfloat, exact, floor * exact)) {
        out->cause = "bfloat16";
        return FF_OK;
    }
    bool half = stored_short(s, t, raw, n, round_half, 0x1.01p-11, 0x1p-25);
    if (half || stored_short(s, t, raw, n, truncate_bfloat, 0x1.01p-7, 1e-12)) {
        out->cause = half ? "float16" : "bfloat16";
        return FF_OK;
    }
    if (int8_per_tensor(s, t, n, raw, slack, out) || int8_per_channel(s, t, source, slack, out))
        return FF_OK;
    if (scaled_per_channel(s, t, source, out))
        return FF_OK;
    bool found = false;
    int rc = permuted_axes(source, t, out, &found);
    if (rc == FF_OK && !found && n > 1)
        rc = permuted_elements(s, t, n, out, &found);
    return rc;
}

int ff_weight_compare(const ff_tensor *source, const ff_tensor *target, const ff_tensor *raw, bool folded,
                      ff_weight_change *out)
{
    ff_weight_change c = {.cause = "different", .axis = -1, .n = target->count};
    for (int i = 0; i < FF_MAX_RANK; i++)
        c.perm[i] = i;
    if (source->count != target->count) {
        c.cause = "shape-differs";
        c.relative = 1;
        c.n_different = c.n;
        *out = c;
        return FF_OK;
    }
    ff_tensor *a = NULL, *b = NULL, *r = NULL;
    int rc = ff_tensor_convert(source, FF_FLOAT, &a);
    if (rc == FF_OK)
        rc = ff_tensor_convert(target, FF_FLOAT, &b);
    if (rc == FF_OK && raw && raw->count == target->count && raw->dtype != FF_STRING)
        rc = ff_tensor_convert(raw, FF_FLOAT, &r);
    if (rc != FF_OK)
        goto out;

    const float *s = a->data, *t = b->data;
    if (memcmp(s, t, (size_t)c.n * sizeof *s) == 0) {
        c.cause = "equal";
        goto done;
    }
    double distance = 0, norm = 0, largest = 0;
    for (int64_t i = 0; i < c.n; i++) {
        double d = (double)t[i] - s[i];
        c.n_different += t[i] != s[i];
        distance += d * d;
        norm += (double)s[i] * s[i];
        if (!(fabs(d) <= c.max_abs))
            c.max_abs = fabs(d);
        largest = fmax(largest, fabs((double)s[i]));
    }
    c.relative = norm > 0 ? sqrt(distance / norm) : distance > 0 ? INFINITY : 0;
    if (isnan(c.relative))
        c.relative = INFINITY;
    double bound = folded ? ROUNDING_FOLDED : ROUNDING;
    if (c.n_different == 0)
        c.cause = "equal"; /* +0 and -0 */
    else if (c.relative < bound && c.max_abs < bound * largest)
        c.cause = "rounding";
    else
        rc = classify(a, s, t, r ? r->data : NULL, folded, largest, &c);
done:
    if (rc == FF_OK)
        *out = c;
out:
    ff_tensor_unref(a);
    ff_tensor_unref(b);
    ff_tensor_unref(r);
    return rc;
}
