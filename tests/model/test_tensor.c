/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Element types, conversion, transposition, and tensors alone in files. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fetafix/model.h"
#include "support.h"

static ff_tensor *make(ff_dtype t, int rank, const int64_t *dims)
{
    ff_tensor *r;

    if (ff_tensor_create(t, rank, dims, &r))
        fail_msg("%s", ff_error());
    return r;
}

static void test_half(void **state)
{
    assert_int_equal(ff_float_to_half(1.0f), 0x3c00);
    assert_int_equal(ff_float_to_half(-2.0f), 0xc000);
    assert_int_equal(ff_float_to_half(65504.0f), 0x7bff);
    assert_int_equal(ff_float_to_half(65519.996f), 0x7bff);
    assert_int_equal(ff_float_to_half(65520.0f), 0x7c00);
    assert_int_equal(ff_float_to_half(0x1p-24f), 1);
    assert_int_equal(ff_float_to_half(0x1p-25f), 0); /* a tie goes to even */
    assert_int_equal(ff_float_to_half(0x1.8p-25f), 1);
    assert_int_equal(ff_float_to_half(2049.0f), 0x6800); /* 2048 */
    assert_int_equal(ff_float_to_half(2051.0f), 0x6802); /* 2052 */
    for (uint32_t h = 0; h < 65536; h++) {
        float f = ff_half_to_float((uint16_t)h);
        if (isnan(f))
            assert_true((ff_float_to_half(f) & 0x7fff) > 0x7c00);
        else
            assert_int_equal(ff_float_to_half(f), h);
        float b = ff_bfloat16_to_float((uint16_t)h);
        if (!isnan(b))
            assert_int_equal(ff_float_to_bfloat16(b), h);
    }
    assert_int_equal(ff_float_to_bfloat16(0x1.01p0f), 0x3f80); /* ties to even */
    assert_int_equal(ff_float_to_bfloat16(0x1.03p0f), 0x3f82);
}

/* The small formats: known values, and each code comes back. */
static void test_float8(void **state)
{
    int64_t one = 1;

    for (ff_dtype d = FF_FLOAT8E4M3FN; d <= FF_FLOAT8E5M2FNUZ; d++) {
        ff_tensor *t = make(d, 1, &one);
        static const double largest[] = {448, 240, 57344, 57344};
        ff_tensor_set_real(t, 0, 1e9);
        assert_true(ff_tensor_get_real(t, 0) == largest[d - FF_FLOAT8E4M3FN]);
        ff_tensor_set_real(t, 0, NAN);
        assert_true(isnan(ff_tensor_get_real(t, 0)));
        for (int code = 0; code < 256; code++) {
            *(uint8_t *)t->data = (uint8_t)code;
            double v = ff_tensor_get_real(t, 0);
            ff_tensor_set_real(t, 0, v);
            if (isfinite(v))
                assert_int_equal(*(uint8_t *)t->data, code);
        }
        ff_tensor_unref(t);
    }
}

static void test_convert(void **state)
{
    int64_t dims[] = {4};
    ff_tensor *t = make(FF_FLOAT, 1, dims), *r, *s;
    const float v[] = {1.5f, -2.75f, 300.0f, 0.0f};

    memcpy(t->data, v, sizeof v);
    assert_int_equal(ff_tensor_convert(t, FF_INT32, &r), FF_OK);
    const int32_t whole[] = {1, -2, 300, 0};
    assert_memory_equal(r->data, whole, sizeof whole);
    ff_tensor_unref(r);
    assert_int_equal(ff_tensor_convert(t, FF_UINT8, &r), FF_OK);
    const uint8_t bytes[] = {1, 254, 44, 0};
    assert_memory_equal(r->data, bytes, sizeof bytes);
    ff_tensor_unref(r);
    assert_int_equal(ff_tensor_convert(t, FF_BOOL, &r), FF_OK);
    const uint8_t flags[] = {1, 1, 1, 0};
    assert_memory_equal(r->data, flags, sizeof flags);
    ff_tensor_unref(r);
    assert_int_equal(ff_tensor_convert(t, FF_STRING, &s), FF_OK);
    assert_string_equal(((char **)s->data)[1], "-2.75");
    assert_int_equal(ff_tensor_convert(s, FF_FLOAT, &r), FF_OK);
    assert_true(ff_tensor_equal(r, t));
    ff_tensor_unref(r);
    ff_tensor_unref(s);
    assert_int_equal(ff_tensor_convert(t, FF_FLOAT, &r), FF_OK);
    assert_ptr_equal(r, t);
    ff_tensor_unref(r);
    ff_tensor_unref(t);

    /* One rounding, not two: the double lies just above a tie of float16 that float would round to.
     */
    t = make(FF_DOUBLE, 1, dims);
    ff_tensor_set_real(t, 0, 1 + 0x1p-11 + 0x1p-40);
    assert_int_equal(ff_tensor_convert(t, FF_FLOAT16, &r), FF_OK);
    assert_int_equal(((uint16_t *)r->data)[0], 0x3c01);
    ff_tensor_unref(r);
    ff_tensor_unref(t);
}

static void test_transpose(void **state)
{
    int64_t dims[] = {2, 3, 4};
    int perm[] = {2, 0, 1}, back[] = {1, 2, 0}, wrong[] = {0, 0, 1};
    ff_tensor *t = make(FF_INT32, 3, dims), *r, *q;

    for (int i = 0; i < 24; i++)
        ff_tensor_set_int(t, i, i);
    assert_int_equal(ff_tensor_transpose(t, perm, &r), FF_OK);
    for (int a = 0; a < 4; a++)
        for (int b = 0; b < 2; b++)
            for (int c = 0; c < 3; c++)
                assert_int_equal(ff_tensor_get_int(r, (a * 2 + b) * 3 + c), (b * 3 + c) * 4 + a);
    assert_int_equal(ff_tensor_transpose(r, back, &q), FF_OK);
    assert_true(ff_tensor_equal(t, q));
    assert_true(ff_key_equal(ff_tensor_key(t), ff_tensor_key(q)));
    assert_false(ff_key_equal(ff_tensor_key(t), ff_tensor_key(r)));
    assert_int_equal(ff_tensor_transpose(t, wrong, &q), FF_ERR_GRAPH);
    ff_tensor_unref(q);
    ff_tensor_unref(r);
    int64_t flat[] = {24};
    assert_int_equal(ff_tensor_reshape(t, 1, flat, &r), FF_OK);
    ff_tensor_unref(t); /* the view keeps the data */
    assert_int_equal(ff_tensor_get_int(r, 23), 23);
    char *s = ff_tensor_describe(r);
    assert_string_equal(s, "int32[24]");
    free(s);
    ff_tensor_unref(r);
}

static void test_sizes(void **state)
{
    int64_t huge[] = {1 << 30, 1 << 30, 1 << 30}, negative[] = {-1}, empty[] = {0, 5};
    ff_tensor *t;

    assert_int_equal(ff_tensor_create(FF_FLOAT, 3, huge, &t), FF_ERR_GRAPH);
    assert_int_equal(ff_tensor_create(FF_FLOAT, 1, negative, &t), FF_ERR_GRAPH);
    assert_int_equal(ff_tensor_create(FF_FLOAT, FF_MAX_RANK + 1, huge, &t), FF_ERR_GRAPH);
    t = make(FF_FLOAT, 2, empty);
    assert_int_equal(t->count, 0);
    ff_tensor_unref(t);
    t = make(FF_INT64, 0, NULL);
    assert_int_equal(t->count, 1);
    assert_int_equal((uintptr_t)t->data % 64, 0);
    ff_tensor_unref(t);
}

/* All types through both file formats. */
static void test_files(void **state)
{
    char root[] = "/tmp/fetafix-tensor-XXXXXX";
    int64_t dims[] = {3, 5};

    assert_non_null(mkdtemp(root));
    char *pb = ff_path_join(root, "t.pb"), *npy = ff_path_join(root, "t.npy");
    for (ff_dtype d = FF_FLOAT; d < FF_DTYPE_COUNT; d++) {
        ff_tensor *t = make(d, 2, dims), *r;
        for (int i = 0; i < 15; i++)
            if (d == FF_STRING)
                ((char **)t->data)[i] = ff_asprintf("text %d", i);
            else
                ff_tensor_set_int(t, i, i - 7 * (d == FF_INT4 || d == FF_FLOAT));
        assert_int_equal(ff_tensor_save_pb(t, "t", pb, true), FF_OK);
        if (ff_tensor_load_pb(pb, &r))
            fail_msg("%s", ff_error());
        assert_true(ff_tensor_equal(t, r));
        ff_tensor_unref(r);
        if (ff_tensor_save_npy(t, npy, true) == FF_OK) {
            if (ff_tensor_load_npy(npy, &r))
                fail_msg("%s", ff_error());
            assert_true(ff_tensor_equal(t, r));
            ff_tensor_unref(r);
        }
        ff_tensor_unref(t);
    }
    /* Column-major, big-endian, format 2.0. */
    static const char header[] = "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }\n";
    ff_buf b = {0};
    ff_tensor *r;
    ff_buf_add(&b, "\x93NUMPY\x02\x00", 8);
    ff_buf_putc(&b, (char)(sizeof header - 1));
    ff_buf_add(&b, "\0\0\0", 3);
    ff_buf_add(&b, header, sizeof header - 1);
    ff_buf_add(&b, "\0\1\0\2\0\3\0\4\0\5\0\6", 12);
    assert_int_equal(ff_write_file(npy, b.data, b.len, true), FF_OK);
    assert_int_equal(ff_tensor_load_npy(npy, &r), FF_OK);
    const int16_t rows[] = {1, 3, 5, 2, 4, 6};
    assert_memory_equal(r->data, rows, sizeof rows);
    ff_tensor_unref(r);
    for (size_t n = 0; n < b.len; n++) {
        assert_int_equal(ff_write_file(npy, b.data, n, true), FF_OK);
        assert_int_equal(ff_tensor_load_npy(npy, &r), FF_ERR_INPUT);
    }
    ff_buf_finish(&b);
    unlink(pb);
    unlink(npy);
    rmdir(root);
    free(pb);
    free(npy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half),      cmocka_unit_test(test_float8), cmocka_unit_test(test_convert),
        cmocka_unit_test(test_transpose), cmocka_unit_test(test_sizes),  cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
