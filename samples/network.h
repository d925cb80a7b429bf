/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * network.h: a convolutional network as its inventor thinks of it, before any framework wrote it
 * down.
 *
 *     network_create, network_conv, network_add, ...   the layers, each numbered as it is added
 *     network_fit(n, ...)                              batch normalisation and classifier from pictures
 *     network_copy, then faults (fault.h)              what a conversion got wrong
 *     style_write(n, style, ...)                       the ONNX file that a framework makes (style.h)
 *
 * Everything is NCHW here: weights [M][C/group][kh][kw], pads top, left, bottom, right.
 */
#ifndef SAMPLES_NETWORK_H
#define SAMPLES_NETWORK_H

#include "fetafix/model.h"

typedef enum layer_kind {
    LAYER_INPUT,
    LAYER_CONV,   /* with batch normalisation or bias, and activation */
    LAYER_NORM,   /* batch normalisation on its own (pre-activation networks), then activation */
    LAYER_ADD,    /* residual sum of two layers, then activation */
    LAYER_CONCAT, /* along the channels */
    LAYER_MAX_POOL,
    LAYER_AVERAGE_POOL,
    LAYER_GLOBAL_POOL, /* average over height and width */
    LAYER_DENSE,       /* with bias, on [C,H,W] in this order, then activation */
    LAYER_RESIZE,      /* twice as high and wide */
    LAYER_DECONV,      /* transposed convolution: as LAYER_CONV, weights [C][M][kh][kw] */
} layer_kind;

typedef enum activation { LINEAR, RELU, RELU6, LEAKY_RELU, PRELU, SWISH, HARD_SWISH, GELU, GELU_TANH } activation;

#define LAYER_INPUTS 4

typedef struct layer {
    layer_kind kind;
    char name[64]; /* "block2.expand": styles make their own names from it */
    int n_in, in[LAYER_INPUTS];
    int channels, height, width; /* of the output */
    int kernel[2], stride[2], pads[4], group;
    activation act;
    float act_max;                            /* RELU6: 6, unless a fault says otherwise */
    float alpha, *slope;                      /* LEAKY_RELU; PRELU: [channels] */
    bool ceil_mode, count_pad;                /* of pools: the size rounded up; padding counted in the average */
    const char *mode, *coordinates, *nearest; /* LAYER_RESIZE: as ONNX names them */
    int output_padding;                       /* LAYER_DECONV */
    bool batchnorm;                           /* else bias */
    float epsilon;
    int64_t n_weight;
    float *weight, *bias;                   /* bias[channels]: NULL with batch normalisation */
    float *scale, *shift, *mean, *variance; /* of batch normalisation, [channels] */
} layer;

typedef struct network {
    char name[64];
    int n_layers, classes;
    int least_opset; /* that can say it */
    bool normalises; /* the picture's values by channel, as torchvision's Inception does in front of all layers */
    size_t capacity;
    layer *layers; /* topological order; 0 is the input */
    ff_rng rng;    /* weights are drawn from it */
} network;

network *network_create(const char *name, int channels, int height, int width, uint64_t seed);
network *network_copy(const network *n);
void network_destroy(network *n);

/* Each returns the number of the new layer. Weights are drawn with He's deviation; `same` pads like
 * TensorFlow (odd pixel at the end), else symmetrically by kernel/2. */
int network_conv(network *n, int in, const char *name, int channels, int kernel, int stride, int group, bool same,
                 activation act);
/* A window of kh x kw with given pads (top and left, bottom and right alike). */
int network_conv_window(network *n, int in, const char *name, int channels, int kh, int kw, int stride, int pad_h,
                        int pad_w, activation act);
int network_norm(network *n, int in, const char *name, activation act);
int network_add(network *n, int a, int b, const char *name, activation act);
int network_concat(network *n, const int *in, int n_in, const char *name);
int network_max_pool(network *n, int in, const char *name, int kernel, int stride, int pad);
int network_average_pool(network *n, int in, const char *name, int kernel, int stride, int pad);
int network_global_pool(network *n, int in, const char *name);
/* Either pool with all it may have; sizes are rounded up with ceil_mode. */
int network_pool(network *n, layer_kind kind, int in, const char *name, int kernel, int stride, int pad, bool ceil_mode,
                 bool count_pad);
/* mode "nearest" or "linear"; coordinates "asymmetric", "half_pixel", "align_corners"; nearest
 * "floor" or "ceil". */
int network_resize(network *n, int in, const char *name, const char *mode, const char *coordinates,
                   const char *nearest);
/* Twice as high and wide: 3x3, stride 2, one pixel of padding and of output padding. */
int network_deconv(network *n, int in, const char *name, int channels, activation act);
int network_dense(network *n, int in, const char *name, int classes);

/* Heights and widths anew, after a window was changed. False when two layers that are added or
 * joined do not fit any more, or a dense layer has another number of inputs. */
bool network_measure(network *n);

/* The output channel that weight k of a layer belongs to. */
int layer_channel(const layer *l, int64_t k);

/* The number of a layer; the name must exist. */
int network_find(const network *n, const char *name);

/* The small classifier of the samples: 64x64 colour pictures, inverted residuals as in MobileNetV2.
 */
network *network_small(int classes, uint64_t seed);

/* The paper's networks (zoo.c). size: pixels a side (0: the original 224 or 299); width: share of
 * the channels, 1 for all; depth: share of the repeated blocks, 1 for all. */
typedef struct zoo_scale {
    int size;
    double width, depth;
} zoo_scale;
network *network_mobilenet_v2(zoo_scale scale, int classes, uint64_t seed);
network *network_resnet101(zoo_scale scale, int version, int classes, uint64_t seed); /* version 1 or 2 */
network *network_inception_v3(zoo_scale scale, int classes, uint64_t seed);

#endif
