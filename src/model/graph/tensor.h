/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside of tensors, for the files of this layer. */
#ifndef FETAFIX_MODEL_TENSOR_H
#define FETAFIX_MODEL_TENSOR_H

#include "fetafix/model.h"

struct ff_tensor_private {
    atomic_int refs;
    const ff_tensor *owner; /* of the data, when this is a view; else NULL */
    atomic_bool has_key;
    ff_key key;
};

/* No dimension is larger, in an empty tensor either: sums of a few cannot overflow. */
#define MAX_DIM ((int64_t)1 << 48)

/* Number of elements; FF_ERR_GRAPH for a negative dimension, a rank above FF_MAX_RANK, or when
 * elements times element size do not fit in 2^62 bytes. */
int ff_dims_count(ff_dtype t, int rank, const int64_t *dims, int64_t *count) FF_MUST_USE;

double ff_float8_to_double(ff_dtype t, uint8_t code);
/* Nearest even; beyond the largest finite value: that value (as Cast with saturate=1). */
uint8_t ff_double_to_float8(ff_dtype t, double v);
uint16_t ff_double_to_half(double v);
uint16_t ff_double_to_bfloat16(double v);

/* Elements between files (little-endian) and memory, n elements of `size` bytes each. */
void ff_copy_little_endian(void *to, const void *from, size_t n, size_t size);
/* Unit that has a byte order: complex64 is two of 4 bytes. */
size_t ff_dtype_unit(ff_dtype t);

#endif
