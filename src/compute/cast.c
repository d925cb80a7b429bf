/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cast.c: Cast and CastLike between numbers, and between numbers and their text. */
#include "kernel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Text as NumPy and the specification write it: the shortest digits that read back as the value. */
static void number_text(const ff_tensor *x, int64_t i, char text[64])
{
    if (x->dtype == FF_BOOL) {
        snprintf(text, 64, "%s", ((const uint8_t *)x->data)[i] ? "True" : "False");
        return;
    }
    if (!ff_dtype_is_float(x->dtype)) {
        if (x->dtype == FF_UINT64)
            snprintf(text, 64, "%llu", (unsigned long long)ff_tensor_get_int(x, i));
        else
            snprintf(text, 64, "%lld", (long long)ff_tensor_get_int(x, i));
        return;
    }
    double v = ff_tensor_get_real(x, i);
    if (isnan(v) || isinf(v)) {
        snprintf(text, 64, "%s", isnan(v) ? "NaN" : v > 0 ? "INF" : "-INF");
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, 64, "%.*g", digits, v);
        double back = strtod(text, NULL);
        if (back == v || (x->dtype != FF_DOUBLE && (float)back == (float)v))
            break;
    }
}

static int from_text(const char *s, ff_tensor *y, int64_t i)
{
    char *end;
    while (*s == ' ')
        s++;
    if (ff_is_integer(y->dtype) && !strpbrk(s, ".eEnNiI")) {
        long long v = strtoll(s, &end, 10);
        if (end != s && !*end) {
            ff_tensor_set_int(y, i, v);
            return FF_OK;
        }
    }
    double v = strtod(s, &end);
    if (end == s || *end) {
        char *shown = ff_visible_n(s, strlen(s) < 40 ? strlen(s) : 40);
        int rc = ff_fail(FF_ERR_GRAPH, "'%s' is not a number", shown);
        free(shown);
        return rc;
    }
    ff_tensor_set_real(y, i, v);
    return FF_OK;
}

static int cast(ff_call *c, const ff_tensor *x, ff_dtype to)
{
    ff_tensor *y;
    if (x->dtype == to)
        return ff_pass(c, 0, x);
    int rc = ff_check_size(c, x->count, ff_dtype_size(to));
    if (rc)
        return rc;
    if (x->dtype != FF_STRING && to != FF_STRING) {
        if (!ff_is_numeric(x->dtype) || !ff_is_numeric(to))
            return ff_fail(FF_ERR_GRAPH, "no conversion from %s to %s", ff_dtype_name(x->dtype), ff_dtype_name(to));
        return ff_tensor_convert(x, to, &c->out[0]);
    }
    if ((rc = ff_out(c, 0, to, x->rank, x->dims, &y)))
        return rc;
    for (int64_t i = 0; i < x->count && !rc; i++) {
        if (to == FF_STRING) {
            char text[64];
            number_text(x, i, text);
            ff_set_string(y, i, text);
        } else {
            rc = from_text(ff_get_string(x, i), y, i);
        }
    }
    return rc;
}

int ff_k_cast(ff_call *c)
{
    const ff_tensor *x;
    ff_dtype to;
    int rc = ff_need(c, 0, 0, -1, &x);
    return rc || (rc = ff_dtype_argument(c, "to", FF_UNDEFINED, &to)) ? rc : cast(c, x, to);
}

int ff_k_cast_like(ff_call *c)
{
    const ff_tensor *x, *like;
    int rc = ff_need(c, 0, 0, -1, &x);
    return rc || (rc = ff_need(c, 1, 0, -1, &like)) ? rc : cast(c, x, like->dtype);
}
