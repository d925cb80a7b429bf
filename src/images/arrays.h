/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Samples that are no pictures: the tensors of an NPY or NPZ file, cut along their first axis. */
#ifndef FETAFIX_IMAGES_ARRAYS_H
#define FETAFIX_IMAGES_ARRAYS_H

#include "fetafix/images.h"

typedef struct arrays {
    int n;         /* of them: inputs of the model */
    int64_t count; /* samples */
    char **names;  /* keys of the NPZ; "" of an NPY */
    ff_tensor **at;
} arrays;

/* *out stays NULL, with FF_OK, where the file is neither. */
int arrays_load(const char *path, arrays **out) FF_MUST_USE;
void arrays_destroy(arrays *a);
/* Which array is input i of m: by name, else the only one, else in order. FF_ERR_GRAPH. */
int arrays_of_input(const arrays *a, const ff_model *m, int i, int *out) FF_MUST_USE;
/* The shape of input i under a sample of that array. */
int arrays_shape(const arrays *a, int array, const ff_value *input, ff_shape *out) FF_MUST_USE;
/* Sample `sample` of an array in this shape and type. */
int arrays_sample(const arrays *a, int array, int64_t sample, const ff_shape *shape, ff_tensor **out) FF_MUST_USE;

#endif
