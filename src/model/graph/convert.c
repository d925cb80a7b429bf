/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tensors of another element type or another order of axes. */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/graph/tensor.h"

static bool is_integer(ff_dtype t)
{
    return (t >= FF_UINT8 && t <= FF_INT64) || t == FF_BOOL || t == FF_UINT32 || t == FF_UINT64 || t == FF_UINT4 ||
           t == FF_INT4;
}

/* The shortest decimal that reads back as the same number. */
static char *real_to_string(double v, bool single)
{
    char s[40];

    if (isnan(v))
        return ff_strdup("NaN");
    if (isinf(v))
        return ff_strdup(v < 0 ? "-INF" : "INF");
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(s, sizeof s, "%.*g", digits, v);
        if (single ? strtof(s, NULL) == (float)v : strtod(s, NULL) == v)
            break;
    }
    return ff_strdup(s);
}

static int string_to_real(const char *s, double *v)
{
    char *end;

    if (s == NULL || *s == '\0')
        return ff_fail(FF_ERR_GRAPH, "cannot cast the string '' to a number");
    *v = strtod(s, &end); /* also reads "inf", "NaN" in any case */
    if (*end != '\0')
        return ff_fail(FF_ERR_GRAPH, "cannot cast the string '%.60s' to a number", s);
    return FF_OK;
}

static int convert_strings(const ff_tensor *t, ff_tensor *r)
{
    for (int64_t i = 0; i < t->count; i++) {
        if (r->dtype == FF_STRING) {
            char **s = &((char **)r->data)[i];
            if (is_integer(t->dtype)) {
                long long v = ff_tensor_get_int(t, i);
                *s = t->dtype == FF_UINT64 ? ff_asprintf("%llu", (unsigned long long)v) : ff_asprintf("%lld", v);
            } else {
                *s = real_to_string(ff_tensor_get_real(t, i), t->dtype != FF_DOUBLE);
            }
            continue;
        }
        const char *s = ((char **)t->data)[i];
        int64_t whole;
        double v = 0;
        if (is_integer(r->dtype) && s != NULL && ff_parse_int(s, &whole)) {
            ff_tensor_set_int(r, i, whole);
            continue;
        }
        int code = string_to_real(s, &v);
        if (code)
            return code;
        ff_tensor_set_real(r, i, r->dtype == FF_FLOAT ? strtof(s, NULL) : v);
    }
    return FF_OK;
}

int ff_tensor_convert(const ff_tensor *t, ff_dtype to, ff_tensor **out)
{
    if (t->dtype == to) {
        *out = ff_tensor_ref(t);
        return FF_OK;
    }
    if (to == FF_COMPLEX64 || to == FF_COMPLEX128 || t->dtype == FF_COMPLEX64 || t->dtype == FF_COMPLEX128 ||
        ff_dtype_size(to) == 0)
        return ff_fail(FF_ERR_UNSUPPORTED, "casting %s to %s is not supported", ff_dtype_name(t->dtype),
                       ff_dtype_name(to));
    ff_tensor *r;
    int code = ff_tensor_create(to, t->rank, t->dims, &r);
    if (code)
        return code;
    if (to == FF_STRING || t->dtype == FF_STRING) {
        code = convert_strings(t, r);
    } else if (t->dtype == FF_FLOAT && to == FF_FLOAT16) {
        for (int64_t i = 0; i < t->count; i++)
            ((uint16_t *)r->data)[i] = ff_float_to_half(((const float *)t->data)[i]);
    } else if (t->dtype == FF_FLOAT16 && to == FF_FLOAT) {
        for (int64_t i = 0; i < t->count; i++)
            ((float *)r->data)[i] = ff_half_to_float(((const uint16_t *)t->data)[i]);
    } else if (t->dtype == FF_UINT64 && ff_dtype_is_float(to)) {
        for (int64_t i = 0; i < t->count; i++) {
            uint64_t v = ((const uint64_t *)t->data)[i];
            if (to == FF_FLOAT)
                ((float *)r->data)[i] = (float)v;
            else
                ff_tensor_set_real(r, i, (double)v);
        }
    } else if (is_integer(t->dtype)) {
        for (int64_t i = 0; i < t->count; i++)
            ff_tensor_set_int(r, i, ff_tensor_get_int(t, i));
    } else {
        for (int64_t i = 0; i < t->count; i++)
            ff_tensor_set_real(r, i, ff_tensor_get_real(t, i));
    }
    if (code) {
        ff_tensor_unref(r);
        return code;
    }
    *out = r;
    return FF_OK;
}

#define COPY_ROW(type)                                                                                                 \
    do {                                                                                                               \
        const type *s = (const type *)from;                                                                            \
        type *d = (type *)to;                                                                                          \
        for (int64_t k = 0; k < n; k++)                                                                                \
            d[k] = s[k * step];                                                                                        \
    } while (0)

struct pair {
    uint64_t a, b;
};

static void copy_row(void *to, const void *from, int64_t n, int64_t step, size_t size)
{
    switch (size) {
    case 1:
        COPY_ROW(uint8_t);
        break;
    case 2:
        COPY_ROW(uint16_t);
        break;
    case 4:
        COPY_ROW(uint32_t);
        break;
    case 8:
        COPY_ROW(uint64_t);
        break;
    default:
        COPY_ROW(struct pair);
        break;
    }
}

int ff_tensor_transpose(const ff_tensor *t, const int *perm, ff_tensor **out)
{
    int64_t dims[FF_MAX_RANK], stride[FF_MAX_RANK], step[FF_MAX_RANK], at[FF_MAX_RANK] = {0};
    size_t size = ff_dtype_size(t->dtype);
    unsigned seen = 0;
    ff_tensor *r;

    for (int i = 0; i < t->rank; i++) {
        if (perm[i] < 0 || perm[i] >= t->rank || (seen & 1u << perm[i]))
            return ff_fail(FF_ERR_GRAPH, "not a permutation of %d axes", t->rank);
        seen |= 1u << perm[i];
        dims[i] = t->dims[perm[i]];
    }
    int code = ff_tensor_create(t->dtype, t->rank, dims, &r);
    if (code)
        return code;
    int64_t n = 1;
    for (int i = t->rank - 1; i >= 0; i--) {
        stride[i] = n;
        n *= t->dims[i];
    }
    for (int i = 0; i < t->rank; i++)
        step[i] = stride[perm[i]];
    int64_t row = t->rank > 0 ? dims[t->rank - 1] : 1;
    int64_t row_step = t->rank > 0 ? step[t->rank - 1] : 1, from = 0;
    for (int64_t done = 0; done < t->count; done += row) {
        copy_row((char *)r->data + (size_t)done * size, (const char *)t->data + (size_t)from * size, row, row_step,
                 size);
        for (int i = t->rank - 2; i >= 0; i--) {
            from += step[i];
            if (++at[i] < dims[i])
                break;
            from -= step[i] * dims[i];
            at[i] = 0;
        }
    }
    if (t->dtype == FF_STRING)
        for (int64_t i = 0; i < r->count; i++)
            ((char **)r->data)[i] = ff_strdup(((char **)r->data)[i]);
    *out = r;
    return FF_OK;
}
