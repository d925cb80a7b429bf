/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Labels with outputs as a run keeps them. */
#ifndef TESTS_COMPARE_SAMPLE_H
#define TESTS_COMPARE_SAMPLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "fetafix/compare.h"

/* One output, float32, of shape dims. */
static inline void make_sample(ff_label *l, int rank, const int64_t *dims, const float *values)
{
    ff_tensor *t;
    int64_t width;
    *l = (ff_label){0};
    assert_int_equal(ff_tensor_create(FF_FLOAT, rank, dims, &t), FF_OK);
    memcpy(t->data, values, t->bytes);
    assert_int_equal(ff_label_fill(&t, 1, 1, FF_KEEP_FORM, l, &width), FF_OK);
    ff_tensor_unref(t);
}

static inline void make_row(ff_label *l, int64_t n, const float *values)
{
    make_sample(l, 2, (int64_t[]){1, n}, values);
}

#endif
