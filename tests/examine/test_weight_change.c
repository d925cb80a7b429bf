/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What became of a constant, told from the numbers: every sub-cause made on purpose and found again. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fetafix/examine.h"

static ff_tensor *random_tensor(ff_rng *rng, int rank, const int64_t *dims)
{
    ff_tensor *t;
    assert_int_equal(ff_tensor_create(FF_FLOAT, rank, dims, &t), FF_OK);
    for (int64_t i = 0; i < t->count; i++)
        ((float *)t->data)[i] = (float)(0.1 * ff_rng_normal(rng));
    return t;
}

static ff_tensor *copy(const ff_tensor *t)
{
    ff_tensor *c;
    assert_int_equal(ff_tensor_create(FF_FLOAT, t->rank, t->dims, &c), FF_OK);
    memcpy(c->data, t->data, t->bytes);
    return c;
}

static void expect(const ff_tensor *s, const ff_tensor *t, const ff_tensor *raw, bool folded, const char *cause)
{
    ff_weight_change c;
    assert_int_equal(ff_weight_compare(s, t, raw, folded, &c), FF_OK);
    assert_string_equal(c.cause, cause);
}

/* Symmetric int8: step = largest / 127 over [from, to). */
static void quantise(float *v, int64_t n)
{
    float largest = 0;
    for (int64_t i = 0; i < n; i++)
        largest = fmaxf(largest, fabsf(v[i]));
    float step = largest / 127;
    for (int64_t i = 0; i < n; i++)
        v[i] = step > 0 ? rintf(v[i] / step) * step : 0;
}

/* Unsigned with a zero point, as of dynamic quantisation. */
static void quantise_unsigned(float *v, int64_t n)
{
    float low = 0, high = 0;
    for (int64_t i = 0; i < n; i++) {
        low = fminf(low, v[i]);
        high = fmaxf(high, v[i]);
    }
    float step = (high - low) / 255, zero = rintf(-low / step);
    for (int64_t i = 0; i < n; i++)
        v[i] = (fminf(fmaxf(rintf(v[i] / step) + zero, 0), 255) - zero) * step;
}

static const int64_t shapes[][4] = {{32, 16, 1, 1}, {16, 1, 3, 3}, {8, 3, 3, 3}, {24, 12, 3, 3}, {10, 64, 1, 1}};

static void roundings(void **state)
{
    ff_rng rng = {3};
    for (size_t k = 0; k < FF_COUNT(shapes); k++) {
        ff_tensor *s = random_tensor(&rng, 4, shapes[k]), *t = copy(s);
        float *a = s->data, *b = t->data;
        expect(s, t, NULL, false, "equal");
        for (int64_t i = 0; i < s->count; i++)
            b[i] = a[i] * (1 + 1e-7f);
        expect(s, t, NULL, false, "rounding");
        for (int64_t i = 0; i < s->count; i++)
            b[i] = ff_half_to_float(ff_float_to_half(a[i]));
        expect(s, t, NULL, false, "float16");
        for (int64_t i = 0; i < s->count; i++)
            b[i] = ff_bfloat16_to_float(ff_float_to_bfloat16(a[i]));
        expect(s, t, NULL, false, "bfloat16");
        memcpy(b, a, s->bytes);
        quantise(b, s->count);
        expect(s, t, NULL, false, "int8-per-tensor");
        memcpy(b, a, s->bytes);
        quantise_unsigned(b, s->count);
        expect(s, t, NULL, false, "int8-per-tensor");
        memcpy(b, a, s->bytes);
        int64_t n = s->count / s->dims[0];
        for (int64_t c = 0; c < s->dims[0]; c++)
            quantise(b + c * n, n);
        expect(s, t, NULL, false, "int8-per-channel");
        for (int64_t i = 0; i < s->count; i++)
            b[i] = a[i] + (float)(0.002 * ff_rng_normal(&rng));
        expect(s, t, NULL, false, "different");
        memcpy(b, a, s->bytes);
        b[s->count / 2] += 0.01f; /* one element among many */
        expect(s, t, NULL, false, "different");
        ff_tensor_unref(s);
        ff_tensor_unref(t);
    }
}

/* Batch normalisation folded on one side: the levels are those of what was stored, the last bits are noise. */
static void folded(void **state)
{
    ff_rng rng = {5};
    ff_tensor *raw = random_tensor(&rng, 4, shapes[3]), *s = copy(raw), *t = copy(raw), *stored = copy(raw);
    int64_t n = raw->count / raw->dims[0];
    quantise(stored->data, raw->count);
    for (int64_t c = 0; c < raw->dims[0]; c++) {
        double factor = exp(ff_rng_normal(&rng));
        for (int64_t i = c * n; i < (c + 1) * n; i++) {
            ((float *)s->data)[i] = (float)(((float *)raw->data)[i] * factor);
            ((float *)t->data)[i] = (float)(((float *)stored->data)[i] * factor) * (1 + 2e-7f);
        }
    }
    expect(s, t, stored, true, "int8-per-tensor");
    for (int64_t i = 0; i < s->count; i++)
        ((float *)t->data)[i] = ((float *)s->data)[i] * (1 + 1e-6f * (float)ff_rng_normal(&rng));
    expect(s, t, raw, true, "rounding");
    ff_tensor_unref(raw);
    ff_tensor_unref(s);
    ff_tensor_unref(t);
    ff_tensor_unref(stored);
}

static void moved(void **state)
{
    ff_rng rng = {9};
    ff_tensor *s = random_tensor(&rng, 4, (const int64_t[]){6, 4, 3, 3}), *t, *u = copy(s), *empty;
    assert_int_equal(ff_tensor_transpose(s, (const int[]){0, 1, 3, 2}, &t), FF_OK);
    ff_weight_change c;
    assert_int_equal(ff_weight_compare(s, t, NULL, false, &c), FF_OK);
    assert_string_equal(c.cause, "permuted");
    assert_int_equal(c.perm[2], 3);
    float *v = u->data, first = v[0];
    v[0] = v[7];
    v[7] = first;
    expect(s, u, NULL, false, "permuted");
    int64_t n = s->count / s->dims[0];
    for (int64_t i = 0; i < s->count; i++)
        v[i] = ((float *)s->data)[i] * (1 + 0.1f * (float)(i / n));
    expect(s, u, NULL, false, "scaled");
    assert_int_equal(ff_tensor_create(FF_FLOAT, s->rank, s->dims, &empty), FF_OK);
    expect(s, empty, NULL, false, "missing");
    expect(empty, s, NULL, false, "added");
    ff_tensor *other = random_tensor(&rng, 1, (const int64_t[]){5});
    expect(s, other, NULL, false, "shape-differs");
    ff_tensor_unref(s);
    ff_tensor_unref(t);
    ff_tensor_unref(u);
    ff_tensor_unref(empty);
    ff_tensor_unref(other);
}

/* Noise of any size is never taken for a quantisation. */
static void no_false_cause(void **state)
{
    ff_rng rng = {11};
    for (int round = 0; round < 200; round++) {
        ff_tensor *s = random_tensor(&rng, 4, shapes[round % (int)FF_COUNT(shapes)]), *t = copy(s);
        double size = pow(10, -1 - (double)ff_rng_below(&rng, 4));
        for (int64_t i = 0; i < s->count; i++)
            ((float *)t->data)[i] *= (float)(1 + size * ff_rng_normal(&rng));
        expect(s, t, NULL, round % 2, "different");
        ff_tensor_unref(s);
        ff_tensor_unref(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roundings),
        cmocka_unit_test(folded),
        cmocka_unit_test(moved),
        cmocka_unit_test(no_false_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
