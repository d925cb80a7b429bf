/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keras files (.h5 of Keras 1 to 3, .keras) as models. The network is in a JSON text, the numbers are arrays by layer:
 *
 *     file.c        the two containers; which array is which weight of which layer
 *     config.c      reading the JSON without trusting it
 *     network.c     Sequential and Functional, nested ones too: layers called in order
 *     layers.c      one row a class of layers; conv.c, recurrent.c, shape.c, merge.c, activation.c: what they emit
 *     origin.c      where each constant's numbers stand in the file, and back
 *
 * A layer is emitted with its own data format: around a convolution of channels-last data stand Transposes.
 */
#ifndef MODEL_FILE_KERAS_KERAS_H
#define MODEL_FILE_KERAS_KERAS_H

#include <jansson.h>

#include "model/file/builder.h"
#include "model/file/hdf5.h"

/* ------------------------------------------------------------------------------------------- config */

/* Members of an object; the fallback where there is none of that type. */
const char *config_text(const json_t *c, const char *name, const char *fallback);
int64_t config_int(const json_t *c, const char *name, int64_t fallback);
double config_real(const json_t *c, const char *name, double fallback);
bool config_bool(const json_t *c, const char *name, bool fallback);
/* n numbers: a list of n, or one that stands for all. False: something else. */
bool config_ints(const json_t *c, const char *name, int n, int64_t fallback, int64_t *out);
/* A class name: of an activation or a layer, as a text or as an object with "class_name" (or "name"). */
const char *config_class(const json_t *c, const char *fallback);

/* ------------------------------------------------------------------------------------------ weights */

/* A view of an array's numbers: seen as dims, axes permuted, then the blocks of axis 0 in another order. */
typedef struct origin_piece {
    const hdf5_array *array; /* NULL: `count` zeros, which the file has no place for */
    int64_t count;
    int rank;
    int64_t dims[FF_MAX_RANK];
    int perm[FF_MAX_RANK];
    int n_order; /* 0: as they are */
    int order[4];
} origin_piece;

/* A constant of the model, put together from pieces one behind the other. */
typedef struct keras_origin {
    const char *constant;
    int n_pieces;
    origin_piece pieces[3];
} keras_origin;

/* Which form of the numbers is wanted. */
ff_tensor *origin_tensor(const keras_origin *o, int rank, const int64_t *dims); /* float32; NULL: memory is short */
/* The pieces' arrays as they must be for the constant to be t; new tensors, NULL for zeros. FF_ERR_INPUT: it cannot be said. */
int origin_invert(const keras_origin *o, const ff_tensor *t, ff_tensor *out[3]) FF_MUST_USE;
/* The whole array, its axes permuted (NULL: as they are). */
origin_piece origin_of(const hdf5_array *a, const int *perm);

/* ---------------------------------------------------------------------------------------- reading */

typedef struct keras_value {
    const char *name;
    ff_shape shape; /* with the batch, -1 where open */
    bool masked;    /* steps of it are to be left out, which is not supported by what looks at steps */
} keras_value;

typedef struct keras_reader {
    builder *b;
    const hdf5_file *arrays;
    bool by_number; /* .keras: weights are numbered, not named */
    bool newer;     /* Keras 3 wrote it: some layers mean something else there */
    int n_origins;
    size_t capacity;
    keras_origin *origins;
    ff_map *constants; /* of weights that were made already: a layer that is called twice has one of each */
    int depth;
} keras_reader;

/* A layer as it is called. */
typedef struct keras_layer {
    keras_reader *r;
    const char *class, *name;
    const char *path; /* where its weights are: of a .h5 the group of the outermost layer, of a .keras its own */
    const json_t *config, *call; /* call: what it was called with besides values, or NULL */
    int n_inputs;
    const keras_value *inputs;
    int n_outputs;
    keras_value outputs[8]; /* filled by the layer */
    int code;               /* of the failure, where one of the functions below gave NULL */
} keras_layer;

/* Weight `role` ("kernel"), which is number `index` of the layer's; NULL: there is none. `part`: of a wrapped layer
 * ("forward_layer"), else NULL. */
const hdf5_array *keras_weight(const keras_layer *l, const char *part, const char *role, int index);
/* From here on NULL means failure: l->code and the error are set. A constant from pieces, dims as given. */
const char *keras_constant(keras_layer *l, const char *role, int n_pieces, const origin_piece *pieces, int rank,
                           const int64_t *dims);
/* A weight that must be there, axes permuted, seen as dims (rank -1: as they are). */
const char *keras_weight_constant(keras_layer *l, const char *part, const char *role, int index, const int *perm,
                                  int rank, const int64_t *dims);
int keras_fail(keras_layer *l, const char *format, ...) FF_PRINTF(2, 3); /* FF_ERR_UNSUPPORTED, names the layer */
/* Name of a helper node: "conv/Transpose"; of the reader's memory. */
const char *keras_sub(keras_layer *l, const char *what);

bool keras_channels_last(const keras_layer *l);
/* Data of the layer's own format with the channels at axis 1, and back. */
const char *keras_to_first(keras_layer *l, const char *x, int rank);
const char *keras_to_last(keras_layer *l, const char *x, int rank, const char *name);

/* x behind an activation as a config names it. */
const char *keras_activation(keras_layer *l, const json_t *activation, const char *x, const char *name);
/* ONNX's name of an activation inside a recurrent cell; NULL: it has none. alpha, beta: NAN where it has none. */
const char *keras_cell_activation(const keras_reader *r, const char *name, double *alpha, double *beta);

typedef struct keras_class {
    const char *name;
    int (*emit)(keras_layer *l);
} keras_class;
int keras_emit(keras_layer *l); /* looks the class up; FF_ERR_UNSUPPORTED names it and the layer */

int keras_emit_conv(keras_layer *l);
int keras_emit_depthwise(keras_layer *l);
int keras_emit_separable(keras_layer *l);
int keras_emit_transposed(keras_layer *l);
int keras_emit_dense(keras_layer *l);
int keras_emit_pool(keras_layer *l);
int keras_emit_global_pool(keras_layer *l);
int keras_emit_batch_norm(keras_layer *l);
int keras_emit_layer_norm(keras_layer *l);
int keras_emit_embedding(keras_layer *l);
int keras_emit_recurrent(keras_layer *l);
int keras_emit_bidirectional(keras_layer *l);
int keras_emit_time_distributed(keras_layer *l);
int keras_emit_activation(keras_layer *l);
int keras_emit_merge(keras_layer *l);
int keras_emit_arithmetic(keras_layer *l);
int keras_emit_identity(keras_layer *l);
int keras_emit_flatten(keras_layer *l);
int keras_emit_reshape(keras_layer *l);
int keras_emit_permute(keras_layer *l);
int keras_emit_repeat(keras_layer *l);
int keras_emit_pad(keras_layer *l);
int keras_emit_crop(keras_layer *l);
int keras_emit_upsample(keras_layer *l);
int keras_emit_rescaling(keras_layer *l);
int keras_emit_normalization(keras_layer *l);

/* The layers that a config names as inputs or outputs, at most `most`; how many. */
int keras_reference_names(const json_t *j, const char **names, int most);
/* A model's config called with n inputs; its outputs go to `outputs` (at most `most`). `path` as of keras_layer. */
int keras_network(keras_reader *r, const char *class, const json_t *config, const char *path, int n_inputs,
                  const keras_value *inputs, keras_value *outputs, int most, int *n_outputs);

#endif
