/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * style.h: how a framework or converter writes a network down. A style is a set of traits; the
 * named ones follow what converters do, and any other combination is a conversion that somebody
 * might write.
 */
#ifndef SAMPLES_STYLE_H
#define SAMPLES_STYLE_H

#include "network.h"

/* Constants of so many elements or more are stored as int8, where a converter does that. */
enum { INT8_LEAST = 1024 };

typedef struct style {
    const char *producer;
    int opset;
    int ir_version;
    enum { NAMES_TORCH, NAMES_TF, NAMES_TFLITE, NAMES_LOST } names;
    enum { INPUT_NCHW, INPUT_NHWC } input;
    enum { TRANSPOSE_ONCE, TRANSPOSE_AROUND } transposes; /* with INPUT_NHWC: after the input, or around each layer */
    enum {
        PADS_EXPLICIT,
        PADS_AUTO,
        PADS_NODE,
        PADS_OMITTED
    } pads; /* AUTO where SAME says the same; OMITTED: defaults left out */
    enum { NORM_FOLDED, NORM_NODE, NORM_MUL_ADD } norm;
    enum { BIAS_INPUT, BIAS_ADD } bias;
    enum { CLIP_NATIVE, CLIP_MIN_MAX } clip; /* Clip with attributes or inputs as the opset has it */
    enum { POOL_GLOBAL, POOL_REDUCE_MEAN, POOL_AVERAGE } pool;
    enum { FLAT_FLATTEN, FLAT_RESHAPE, FLAT_SQUEEZE } flat;
    enum { DENSE_GEMM, DENSE_GEMM_PLAIN, DENSE_MATMUL, DENSE_CONV } dense; /* GEMM: transB=1 */
    enum {
        WEIGHTS_DIRECT,
        WEIGHTS_CONSTANT,
        WEIGHTS_IDENTITY,
        WEIGHTS_TRANSPOSE,
        WEIGHTS_DEQUANTIZE, /* large ones as int8 behind DequantizeLinear (which rounds them), others behind Identity */
    } weights;
    enum {
        WRITTEN_NOT,
        WRITTEN_OUT
    } composite;          /* HardSwish and Gelu: one operator (where the opset has it), or several */
    bool flat_nhwc;       /* [C,H,W] before a dense layer is flattened pixel by pixel, the columns of the
                        layer follow */
    bool centres;         /* nearest neighbours by the centres of pixels, where that is the same */
    bool idle_nodes;      /* Identity, Dropout, Cast here and there */
    bool softmax_default; /* no axis is written */
    bool softmax;
    bool symbolic_batch;

    /* For fitting: batch normalisation in training mode, its statistics as further outputs, batch
     * size. */
    int calibrate_batch;

    /* Structural faults. */
    int input_perm[4];  /* with INPUT_NHWC: instead of 0,3,1,2 (all zero: none) */
    bool input_hcw;     /* with INPUT_NHWC: declared [N,H,C,W], transposed from that */
    int extra_output;   /* layer whose value is also a graph output, placed first; 0: none */
    bool order_lost;    /* flat_nhwc without the columns */
    int concat_swapped; /* layer whose first two inputs change places; 0: none */
    int zero_pooled;    /* maximum pooling that is padded with zeros by a Pad node; 0: none */
    int group_lost;     /* convolution in groups that does not say so; 0: none */
    int other_axes;     /* mean over a picture, written for the other layout; 0: none */
    int dense_scaled;   /* dense layer with alpha = 0.5; 0: none */
    int bias_scaled;    /* dense layer with beta = 0.5; 0: none */
    int swapped_pads;   /* layer that a Pad node pads, on the other side; 0: none */
} style;

/* "torch", "tf2onnx", "keras", "tflite", "onnx-tf", "unfolded"; NULL when there is none. */
const style *style_find(const char *name);
const char *style_at(int i); /* names from 0 until NULL */

int style_write(const network *n, const style *s, ff_model **out) FF_MUST_USE;
/* The same into FOLDER/NAME, overwriting. */
int style_save(const network *n, const style *s, const char *folder, const char *name) FF_MUST_USE;

#endif
