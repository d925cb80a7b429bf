/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The numbers of one output, whatever it is: a list of values gives those of its members one after the other, a complex
 * number two, a text one that stands for it. */
#include "labels/values.h"

#include <string.h>

static int64_t numbers_each(const ff_tensor *t)
{
    return t->dtype == FF_COMPLEX64 || t->dtype == FF_COMPLEX128 ? 2 : 1;
}

static int64_t numbers(const ff_tensor *t)
{
    int64_t n = 0;
    if (t->dtype != FF_SEQUENCE)
        return t->dtype == FF_ABSENT ? 0 : t->count * numbers_each(t);
    for (int64_t i = 0; i < t->count; i++)
        n += numbers(((ff_tensor *const *)t->data)[i]);
    return n;
}

static uint64_t mix(uint64_t key, uint64_t v)
{
    key = (key ^ v) * UINT64_C(0x9E3779B97F4A7C15);
    return key ^ key >> 29;
}

static uint64_t text_key(const char *s)
{
    uint64_t key = UINT64_C(0xCBF29CE484222325);
    for (; s && *s; s++)
        key = (key ^ (uint8_t)*s) * UINT64_C(0x100000001B3);
    return key;
}

static bool is_whole(ff_dtype t)
{
    return !ff_dtype_is_float(t) && t != FF_COMPLEX64 && t != FF_COMPLEX128 && t != FF_SEQUENCE;
}

static uint64_t exact_key(uint64_t key, const ff_tensor *t, int64_t count)
{
    if (t->dtype == FF_SEQUENCE) {
        for (int64_t i = 0; i < t->count; i++) {
            const ff_tensor *part = ((ff_tensor *const *)t->data)[i];
            key = exact_key(key, part, part->count);
        }
    } else if (t->dtype == FF_STRING) {
        for (int64_t i = 0; i < count; i++)
            key = mix(key, text_key(((char *const *)t->data)[i]));
    } else if (is_whole(t->dtype) && t->dtype != FF_ABSENT) {
        for (int64_t i = 0; i < count; i++)
            key = mix(key, (uint64_t)ff_tensor_get_int(t, i));
    }
    return key;
}

static uint64_t structure(uint64_t key, const ff_tensor *t)
{
    if (t->dtype == FF_ABSENT)
        return mix(key, 1);
    for (int64_t i = 0; t->dtype == FF_SEQUENCE && i < t->count; i++) {
        const ff_tensor *part = ((ff_tensor *const *)t->data)[i];
        key = mix(key, (uint64_t)part->rank + 2);
        for (int d = 0; d < part->rank; d++)
            key = mix(key, (uint64_t)part->dims[d]);
        key = structure(key, part);
    }
    return key;
}

void values_describe(const ff_tensor *t, int64_t repeats, ff_output_form *out)
{
    *out = (ff_output_form){.whole = is_whole(t->dtype), .text = t->dtype == FF_STRING};
    bool list = t->dtype == FF_SEQUENCE || t->dtype == FF_ABSENT;
    out->count = numbers(t);
    if (list) {
        out->rank = 1;
        out->dims[0] = out->count;
        out->structure = mix(structure(0, t), (uint64_t)t->count);
    } else {
        out->rank = t->rank;
        memcpy(out->dims, t->dims, sizeof out->dims);
        if (repeats > 1 && t->rank > 0 && t->dims[0] == repeats) {
            out->dims[0] = 1;
            out->count /= repeats;
        }
    }
    out->exact = exact_key(0, t, list ? t->count : out->count / numbers_each(t));
}

static void copy_numbers(const ff_tensor *t, int64_t count, float *to)
{
    if (t->dtype == FF_FLOAT && count > 0) {
        memcpy(to, t->data, (size_t)count * sizeof *to);
    } else if (t->dtype == FF_SEQUENCE) {
        for (int64_t i = 0; i < t->count; i++) {
            const ff_tensor *part = ((ff_tensor *const *)t->data)[i];
            int64_t n = numbers(part);
            copy_numbers(part, n, to);
            to += n;
        }
    } else if (t->dtype == FF_COMPLEX64) {
        copy_numbers(&(ff_tensor){.dtype = FF_FLOAT, .data = t->data}, count, to);
    } else if (t->dtype == FF_COMPLEX128) {
        copy_numbers(&(ff_tensor){.dtype = FF_DOUBLE, .data = t->data}, count, to);
    } else if (t->dtype == FF_STRING) {
        for (int64_t i = 0; i < count; i++)
            to[i] = (float)(text_key(((char *const *)t->data)[i]) & 0xFFFFFF);
    } else {
        for (int64_t i = 0; i < count; i++)
            to[i] = (float)ff_tensor_get_real(t, i);
    }
}

void values_copy(const ff_tensor *t, int64_t count, float *to)
{
    copy_numbers(t, count, to);
}

int ff_output_values(const ff_tensor *output, int64_t repeats, ff_tensor **out)
{
    ff_output_form form;
    values_describe(output, repeats, &form);
    int code = ff_tensor_create_unset(FF_FLOAT, 1, &form.count, out);
    if (code == FF_OK)
        copy_numbers(output, form.count, (*out)->data);
    return code;
}
