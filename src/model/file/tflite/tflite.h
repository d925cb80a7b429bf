/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * TFLite files as models with ONNX's operators. read.c walks the file, tensor.c has its tensors and their values in the
 * two layouts, op_*.c make nodes of operators, rows.h says which function makes which, write.c brings edits back.
 *
 * A tensor of rank 4 has two values: in the file's layout (channels last), and with channels in front, as ONNX's
 * convolutions want them. Each is made from the other when it is first asked for, so that a chain of convolutions has no
 * Transpose between. Quantised tensors keep their integers; their real values are made the same way.
 */
#ifndef FETAFIX_MODEL_TFLITE_H
#define FETAFIX_MODEL_TFLITE_H

#include "model/file/builder.h"
#include "model/file/format.h"
#include "model/file/tflite/flatbuffer.h"

typedef enum tfl_layout { TFL_LAST, TFL_FIRST } tfl_layout;

typedef struct tfl_tensor {
    fb_table table;
    const char *name;
    ff_shape shape;      /* as stored; -1 where the file leaves a size open */
    const uint8_t *data; /* NULL: computed */
    size_t bytes;
    uint32_t buffer;
    bool half_byte; /* two elements in a byte */
    bool is_variable, is_input, is_output, is_sparse;
    fb_vector scales, zeros;
    int axis;                           /* of the scales, where there are several */
    int source;                         /* the constant whose numbers these are, in another type; else -1 */
    ff_tensor *constant;                /* its numbers, once asked for */
    const char *values[2], *reals[2];   /* by layout; NULL: not made yet */
    const char *scale_name, *zero_name; /* constants, once asked for */
} tfl_tensor;

/* Which tensor of the file a constant came from: the tensor's axes in the order `perm`, then reshaped. */
typedef struct tfl_origin {
    const char *constant;
    int tensor, rank, perm[FF_MAX_RANK];
    bool read_only;
} tfl_origin;

typedef struct tfl_reader {
    fb_file file;
    ff_arena *names;
    builder *b;
    int n_tensors;
    tfl_tensor *tensors;
    fb_vector buffers, codes;
    int n_origins;
    size_t capacity;
    tfl_origin *origins;
    uint64_t made; /* bytes of constants */
    int code;      /* the first failure */
} tfl_reader;

typedef struct tfl_op tfl_op;

typedef struct tfl_row {
    int code;
    const char *name;
    void (*make)(tfl_op *op);
    const char *onnx; /* for functions that serve several */
    int options;      /* number in the union BuiltinOptions; 0: none is read */
} tfl_row;

struct tfl_op {
    tfl_reader *r;
    const tfl_row *row;
    int index;
    fb_table options; /* f NULL: all defaults */
    fb_vector inputs, outputs;
    const char *name; /* of the first output */
};

const tfl_row *tfl_row_find(int code);

/* Fails the reading; the first message stays. */
void tfl_fail(tfl_op *op, const char *format, ...) FF_PRINTF(2, 3);

/* ---- tensor.c: operands and results. An index of -1 is one left out. */
tfl_tensor *tfl_in(tfl_op *op, int i);  /* NULL: left out */
tfl_tensor *tfl_out(tfl_op *op, int i); /* NULL only after a failure */
bool tfl_quantized(const tfl_tensor *t);
double tfl_scale(const tfl_tensor *t, uint32_t i);
int64_t tfl_zero(const tfl_tensor *t, uint32_t i);
/* Its numbers; NULL: it is computed, or a failure. Belongs to the tensor. */
const ff_tensor *tfl_constant(tfl_reader *r, tfl_tensor *t);
/* The integers of a constant input, at most `most`; false: it is no constant (that fails) or has more. */
bool tfl_ints(tfl_op *op, int i, int most, int *n, int64_t *v);
/* A constant with its axes in another order and then other dims, which notes where it came from. */
const char *tfl_weight(tfl_op *op, tfl_tensor *t, const int *perm, int rank, const int64_t *dims);
/* The value as stored, in a layout (TFL_FIRST: rank 4); "" left out or failed. */
const char *tfl_value(tfl_op *op, tfl_tensor *t, tfl_layout l);
/* The same as real numbers. */
const char *tfl_real(tfl_op *op, tfl_tensor *t, tfl_layout l);
/* Which layout an operator that does not mind takes: the one that the tensor has. */
tfl_layout tfl_layout_of(const tfl_tensor *t);
void tfl_set(tfl_op *op, int i, tfl_layout l, const char *value);
/* A real result: behind it come the activation and, where the tensor is quantised, QuantizeLinear. */
void tfl_set_real(tfl_op *op, int i, tfl_layout l, const char *value, int activation);
/* Integers of the result: the activation is a clamp. */
void tfl_set_quantized(tfl_op *op, int i, tfl_layout l, const char *value, int activation);
bool tfl_clamps(const tfl_tensor *t, int activation, int64_t *low, int64_t *high);
/* The name for a node: of the tensor where the node makes it, else with `what` behind. */
const char *tfl_name(tfl_op *op, int i, tfl_layout l, const char *what);
const char *tfl_last_name(tfl_op *op, int i, tfl_layout l, const char *what, int activation, bool integers);
const char *tfl_scale_of(tfl_op *op, tfl_tensor *t);
const char *tfl_zero_of(tfl_op *op, tfl_tensor *t);
int64_t tfl_axis(tfl_op *op, const tfl_tensor *t, int64_t axis); /* not negative; fails out of range */

enum { TFL_NONE, TFL_RELU, TFL_RELU_N1_TO_1, TFL_RELU6, TFL_TANH, TFL_SIGN_BIT };
int64_t tfl_option(tfl_op *op, int field, int width, int64_t otherwise);

/* ---- op_*.c */
void tfl_make_conv(tfl_op *op);
void tfl_make_depthwise(tfl_op *op);
void tfl_make_transpose_conv(tfl_op *op);
void tfl_make_fully_connected(tfl_op *op);
void tfl_make_pool(tfl_op *op);
void tfl_make_unary(tfl_op *op);
void tfl_make_binary(tfl_op *op);
void tfl_make_compare(tfl_op *op);
void tfl_make_square(tfl_op *op);
void tfl_make_rsqrt(tfl_op *op);
void tfl_make_leaky(tfl_op *op);
void tfl_make_clip(tfl_op *op);
void tfl_make_prelu(tfl_op *op);
void tfl_make_softmax(tfl_op *op);
void tfl_make_l2(tfl_op *op);
void tfl_make_reduce(tfl_op *op);
void tfl_make_arg(tfl_op *op);
void tfl_make_cast(tfl_op *op);
void tfl_make_quantize(tfl_op *op);
void tfl_make_dequantize(tfl_op *op);
void tfl_make_reshape(tfl_op *op);
void tfl_make_squeeze(tfl_op *op);
void tfl_make_expand(tfl_op *op);
void tfl_make_transpose(tfl_op *op);
void tfl_make_concat(tfl_op *op);
void tfl_make_split(tfl_op *op);
void tfl_make_pack(tfl_op *op);
void tfl_make_unpack(tfl_op *op);
void tfl_make_pad(tfl_op *op);
void tfl_make_mirror(tfl_op *op);
void tfl_make_slice(tfl_op *op);
void tfl_make_strided_slice(tfl_op *op);
void tfl_make_gather(tfl_op *op);
void tfl_make_gather_nd(tfl_op *op);
void tfl_make_shape(tfl_op *op);
void tfl_make_tile(tfl_op *op);
void tfl_make_fill(tfl_op *op);
void tfl_make_select(tfl_op *op);
void tfl_make_space(tfl_op *op);
void tfl_make_resize(tfl_op *op);
void tfl_make_batch_matmul(tfl_op *op);
void tfl_make_densify(tfl_op *op);
void tfl_make_lstm(tfl_op *op);
void tfl_make_svdf(tfl_op *op);

#endif
