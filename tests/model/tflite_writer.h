/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tiny .tflite files for tests: FlatBuffers written front to back, parents before what they point to. */
#ifndef FETAFIX_TESTS_MODEL_TFLITE_WRITER_H
#define FETAFIX_TESTS_MODEL_TFLITE_WRITER_H

#include "fetafix/base.h"

/* A table at the end of the file; one character a field: '-' absent, '1' '2' '4' '8' a number of as many bytes, 'o' an
 * offset that put_*() fills later. Returns where it is. */
size_t put_table(ff_buf *b, const char *fields);
void set_number(ff_buf *b, size_t table, int field, int width, int64_t v);
void set_real(ff_buf *b, size_t table, int field, float v);
/* What stands at the end of the file from now on is the field's. */
void link_field(ff_buf *b, size_t table, int field);
void put_numbers(ff_buf *b, size_t table, int field, int width, int n, const int64_t *v);
void put_reals(ff_buf *b, size_t table, int field, int n, const float *v);
void put_bytes(ff_buf *b, size_t table, int field, const void *bytes, size_t n);
/* A vector of n tables; table i is linked by link_entry(b, vector, i) right before it is put. */
size_t put_list(ff_buf *b, size_t table, int field, int n);
void link_entry(ff_buf *b, size_t list, int i);

/* A model of one graph. Numbers of types and operators are the schema's. */
typedef struct tiny_tensor {
    const char *name;
    int type, rank;
    int32_t dims[4];
    const void *data; /* NULL: computed */
    size_t bytes;
    int n_scales, axis;
    const float *scales;
    const int64_t *zeros;
} tiny_tensor;

typedef struct tiny_op {
    int code, options_type; /* options are put by `options`, NULL: none */
    int n_in, n_out;
    int64_t in[5], out[4];
    const char *options; /* fields as put_table() has them */
    int n_values;
    int64_t values[8]; /* of the fields that are there, in their order */
    const char *custom;
} tiny_op;

void put_model(ff_buf *b, int n_tensors, const tiny_tensor *tensors, int n_ops, const tiny_op *ops, int input,
               int output);

#endif
