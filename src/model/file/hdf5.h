/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an HDF5 file holds, as far as Keras' files need it: arrays of numbers by path, and texts beside them. All is read
 * at once, by libhdf5 in a process of its own, so that a hostile file can break nothing else.
 *
 *     hdf5_read(bytes, size, &file)       hdf5_array(file, "model_weights/conv/conv/kernel:0")
 *     hdf5_write(bytes, size, n, paths, tensors, &copy)      the same file with other numbers in some arrays
 */
#ifndef MODEL_FILE_HDF5_H
#define MODEL_FILE_HDF5_H

#include "fetafix/model.h"

typedef struct hdf5_array {
    const char *path;  /* "model_weights/conv/conv/kernel:0": groups and name, no slash in front */
    ff_tensor *tensor; /* float16, float32, float64, integers, bool as uint8 */
} hdf5_array;

typedef struct hdf5_file {
    int n_arrays, n_texts;
    hdf5_array *arrays; /* in the order of their creation where the file knows it, else by name */
    struct hdf5_text {
        const char *path, *name, *text; /* an attribute of the group (path "": the root) that is one text */
    } * texts;
    ff_arena *memory;
} hdf5_file;

bool hdf5_probe(const uint8_t *bytes, size_t size);
/* Bounded: depth 32, 100,000 objects, arrays of at most `size` * 64 bytes together; links out of the file are not followed. */
int hdf5_read(const void *bytes, size_t size, hdf5_file **out) FF_MUST_USE;
void hdf5_destroy(hdf5_file *f);
const char *hdf5_text(const hdf5_file *f, const char *path, const char *name); /* NULL: there is none */
/* Arrays that are there, with the same number of elements, get other numbers (in the file's own type); everything else stays. */
int hdf5_write(const void *bytes, size_t size, int n, const char *const *paths, const ff_tensor *const *tensors,
               ff_buf *out) FF_MUST_USE;

#endif
