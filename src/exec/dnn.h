/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The part of oneDNN that plans use, behind a small interface: descriptors of memory, primitives
 * found by what they compute, and their execution. Everything is float32, inference only.
 *
 * Primitives are made for one OpenMP thread, with a scratchpad of the caller's, and are shared by
 * all plans and threads. Convolutions choose the layouts; the others follow the layout they are
 * given.
 */
#ifndef FF_EXEC_DNN_H
#define FF_EXEC_DNN_H

#include <oneapi/dnnl/dnnl.h>

#include "exec/cache.h"

typedef dnnl_memory_desc_t dnn_layout;

/* Row-major. 1 <= rank <= 12, no dim 0. */
int dnn_layout_plain(dnn_layout *out, int rank, const int64_t *dims) FF_MUST_USE;
/* Axis i of the result is axis perm[i] of `in`; no data moves. */
int dnn_layout_permute(dnn_layout *out, const dnn_layout *in, const int *perm) FF_MUST_USE;
/* The same bytes seen with other dims; false where the layout does not allow it. */
bool dnn_layout_reshape(dnn_layout *out, const dnn_layout *in, int rank, const int64_t *dims);
/* Other dims in the same order of axes, with the same blocks. */
void dnn_layout_like(dnn_layout *out, int rank, const int64_t *dims, const dnn_layout *like);
bool dnn_layout_equal(const dnn_layout *a, const dnn_layout *b);
size_t dnn_layout_bytes(const dnn_layout *l);

typedef struct dnn_prim {
    ff_item item;
    dnnl_primitive_t primitive;
    dnn_layout src, weights, bias, dst, scratch;
    size_t scratch_bytes;
    char impl[48]; /* name of the implementation */
} dnn_prim;

/* A convolution with what is fused after it, in this order: bias, + dst ("sum"), clip. */
typedef struct dnn_conv {
    int rank;                           /* 3 to 5 */
    int64_t src[5], weights[5], dst[5]; /* weights as in ONNX: [O, I/group, ...] */
    int64_t strides[3], dilations[3], pads_begin[3], pads_end[3];
    int64_t group;
    int64_t bias, sum, clip; /* booleans, of one size so that the struct has no holes */
    float low, high;
} dnn_conv;
int dnn_conv_get(const dnn_conv *c, dnn_prim **out) FF_MUST_USE;

typedef enum dnn_pool_kind { DNN_POOL_MAX, DNN_POOL_MEAN, DNN_POOL_MEAN_PADDED } dnn_pool_kind;
typedef struct dnn_pool {
    int64_t kind, rank;
    int64_t dst[5];
    int64_t kernel[3], strides[3], pads_begin[3], pads_end[3];
} dnn_pool;
int dnn_pool_get(const dnn_pool *p, const dnn_layout *src, dnn_prim **out) FF_MUST_USE;

int dnn_eltwise_get(dnnl_alg_kind_t alg, const dnn_layout *src, float alpha, float beta, dnn_prim **out) FF_MUST_USE;
int dnn_softmax_get(const dnn_layout *src, int axis, dnn_prim **out) FF_MUST_USE;
int dnn_clip_get(const dnn_layout *src, float low, float high, dnn_prim **out) FF_MUST_USE;
/* dst has the layout of a; b may have dims of 1. */
int dnn_binary_get(dnnl_alg_kind_t alg, const dnn_layout *a, const dnn_layout *b, dnn_prim **out) FF_MUST_USE;
/* Products of the matrices in the last two axes, into a plain layout of `dims`. */
int dnn_matmul_get(const dnn_layout *a, const dnn_layout *b, const int64_t *dims, dnn_prim **out) FF_MUST_USE;
/* Whether oneDNN has only its reference implementation for it: slower than a plain loop. */
bool dnn_is_slow(const dnn_prim *p);
int dnn_concat_get(const dnn_layout *parts, int n, int axis, dnn_prim **out) FF_MUST_USE;
int dnn_reorder_get(const dnn_layout *from, const dnn_layout *to, dnn_prim **out) FF_MUST_USE;

/* Weights in a primitive's layout, shared by content. */
typedef struct dnn_packed {
    ff_item item;
    dnn_layout layout;
    void *data;
} dnn_packed;
/* `data` is called for the plain weights, whose content has `key`, when nobody has packed them yet;
 * NULL (message set) is a failure. */
int dnn_pack_weights(const dnn_conv *c, const dnn_prim *p, const ff_key *key, const float *(*data)(void *context),
                     void *context, dnn_packed **out) FF_MUST_USE;

dnnl_engine_t dnn_engine(void);
int dnn_memory(const dnn_layout *l, dnnl_memory_t *out) FF_MUST_USE; /* without data */
int dnn_execute(const dnn_prim *p, dnnl_stream_t stream, const dnnl_exec_arg_t *args, int n) FF_MUST_USE;
/* One OpenMP thread for what this thread does from now on. */
void dnn_enter_thread(void);

#endif
