/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetafix/images.h: photographs and other samples to network inputs.
 *
 *     ff_dataset_open("photos/", 0, &set)            a folder or a LIST
 *     ff_pre_parse("tf", &spec)                      preset or spec text
 *     ff_feed_create(set, &spec, shape, ...)         image i -> tensor, decoded and kept within a budget
 */
#ifndef FETAFIX_IMAGES_H
#define FETAFIX_IMAGES_H

#include "fetafix/model.h"

/* ------------------------------------------------------------------------------------ images */

/* 8-bit RGB, rows top down, 3*width bytes a row. */
typedef struct ff_image {
    int width, height;
    uint8_t *rgb;
} ff_image;

/* JPEG (grey, YCbCr, RGB, CMYK, YCCK) and PNG (grey, palette, RGB, alpha, 16 bit, interlaced) by
 * content, not by name. Alpha is dropped, 16 bit loses its low byte, EXIF orientation is ignored,
 * CMYK as R = C*K/255 of the inverted values. At most 100 million pixels and 256 MiB of file. */
int ff_image_load(const char *path, ff_image *out) FF_MUST_USE;
int ff_image_decode(const void *data, size_t size, ff_image *out) FF_MUST_USE;
void ff_image_finish(ff_image *image);
/* Appends the file's bytes; the same picture gives the same bytes. */
int ff_image_encode_png(const ff_image *image, ff_buf *out) FF_MUST_USE;
int ff_image_save_png(const ff_image *image, const char *path, bool force) FF_MUST_USE;
int ff_image_save_jpeg(const ff_image *image, int quality, const char *path, bool force) FF_MUST_USE;

/* ----------------------------------------------------------------------------- preprocessing */

typedef enum ff_resize { FF_RESIZE_BILINEAR, FF_RESIZE_NEAREST, FF_RESIZE_BICUBIC } ff_resize;
typedef enum ff_image_layout { FF_LAYOUT_AUTO, FF_LAYOUT_NCHW, FF_LAYOUT_NHWC } ff_image_layout;

/* Pixel values 0..255 in; y = (x/scale - mean)/std per channel out, float32 throughout, in this
 * order of operations. Resize first (size, or the shorter side with the other in proportion), then
 * crop from the centre, then normalise, then lay out. Without antialias bilinear is
 * s = (d + 0.5)*in/out - 0.5, neighbours clamped, a + (b - a)*f, horizontally then vertically, not
 * rounded to 8 bits; with it the triangle widens by in/out when shrinking. Bicubic: Keys' kernel,
 * a = -0.75, or -0.5 with antialias; clamped to 0..255. Nearest: floor((d + 0.5)*in/out). */
typedef struct ff_pre {
    int width, height;           /* size=WxH; 0 (size=auto): the model's */
    int shorter;                 /* size=short:N (0: squash to width x height, or to the crop) */
    int crop_width, crop_height; /* crop=WxH from the centre, zero-padded when larger; 0: none, or
                                    with `shorter` (crop=auto) the model's size */
    ff_resize resize;
    bool antialias;
    bool bgr; /* order=bgr: mean and std are given in the order of the output */
    double scale;
    double mean[3], std[3];
    ff_image_layout layout;
} ff_pre;

/* A preset name (torch tf tf-imagenet caffe unit raw; a model default such as torch-inception) or a
 * spec, or a preset followed by words that change it: "tf size=299x299 order=bgr". FF_ERR_USAGE
 * names the word and suggests. */
int ff_pre_parse(const char *text, ff_pre *out) FF_MUST_USE;
char *ff_pre_print(const ff_pre *p);                 /* full spec, parses back to the same; the caller frees */
bool ff_pre_equal(const ff_pre *a, const ff_pre *b); /* same result on every image */
/* What `to` changed against `from`, of geometry, resize kernel, pixel values and layout, is changed in *onto as well. */
void ff_pre_carry(const ff_pre *from, const ff_pre *to, ff_pre *onto);
const char *ff_pre_preset_at(int i, const char **spec); /* names from 0 until NULL */
/* A guess from input name, shape, producer and first layers of the model; *why in words (static). */
void ff_pre_guess(const ff_model *m, ff_pre *out, const char **why);
/* Does neither the model nor the spec say how large its picture is? *height, *width: the dims that would. */
bool ff_pre_size_open(const ff_pre *p, const ff_model *m, int *height, int *width);
/* Where that is so: the size of the other model's picture, if that is said. `guessed`: how much is cut off may follow. */
void ff_pre_take_size(ff_pre *p, const ff_model *m, const ff_pre *of, const ff_model *other, bool guessed);
/* Where nothing gives it: the first of the usual sizes (224 before all) that the model's operators take, as where it is
 * flattened before a dense layer. True: it was so. */
bool ff_pre_assume_size(ff_pre *p, const ff_model *m, bool guessed);
/* What a search for a better spec tries: normalisation, channel order, geometry
 * and resize kernel changed from `base`, one by one first, then two at a time, and so on; the final
 * size and the layout stay. Without base itself and without two that are the same but for rounding.
 * Returns how many; the caller frees *out. */
typedef struct ff_pre_candidate {
    ff_pre pre;
    int changes;     /* of the four, how many */
    char words[160]; /* "normalisation tf, order BGR" */
} ff_pre_candidate;
int ff_pre_candidates(const ff_pre *base, ff_pre_candidate **out);
/* Applies p for an input of this shape ([N,3,H,W] or [N,H,W,3]; an N of -1 is 1; grey when C is 1, by
 * luminance and the first mean and std). Where the model fixes N > 1, all N are this picture, and
 * ff_label_run reads the first row (ff_feed_repeats): N times the work, but no label depends on its neighbours.
 * Integer inputs take the nearest whole number in their range. FF_ERR_GRAPH when the shape does
 * not take an image of p's size. */
int ff_pre_apply(const ff_pre *p, const ff_image *image, const ff_shape *shape, ff_tensor **out) FF_MUST_USE;
/* The shape an input takes under p: dims that are -1 filled in, layout resolved (auto: NCHW unless
 * only the last dim is 3 or, failing that, 1). Where neither p nor the model gives a size: 224. */
int ff_pre_input_shape(const ff_pre *p, const ff_shape *declared, ff_shape *out) FF_MUST_USE;

/* ---------------------------------------------------------------------------------- datasets */

typedef struct ff_dataset ff_dataset;
/* A folder (its JPEG and PNG files by extension, sorted by bytes, not recursive; when it has none, those of the
 * folders in it, each named by the class of its pictures), a LIST (one path a line relative to the list's folder,
 * optionally with a blank or tab and the class behind it; # comments and empty lines skipped), or the samples of an
 * NPY or NPZ file (by content; keys are names of inputs, the first axis counts samples, which are named "#12").
 * limit 0: all; else the first `limit`. An empty set is FF_ERR_INPUT. No picture is decoded yet, but each file must
 * exist. */
int ff_dataset_open(const char *path, int limit, ff_dataset **out) FF_MUST_USE;
void ff_dataset_destroy(ff_dataset *d);
int ff_dataset_count(const ff_dataset *d);
bool ff_dataset_is_pictures(const ff_dataset *d); /* else preprocessing has no meaning */
const char *ff_dataset_path(const ff_dataset *d, int i);
const char *ff_dataset_name(const ff_dataset *d, int i); /* file name, made visible */
const char *ff_dataset_truth(const ff_dataset *d,
                             int i);               /* class as written (a number or a name), visible; NULL: not given */
const ff_key *ff_dataset_key(const ff_dataset *d); /* over names and contents, on first use */

/* The shape of each input of the model as the samples feed it: under a spec, which takes a model with one input, or as
 * the arrays have it. FF_ERR_GRAPH: they do not fit. */
#define FF_MOST_INPUTS 16
int ff_feed_shapes(const ff_dataset *d, const ff_pre *p, const ff_model *m, ff_shape out[FF_MOST_INPUTS]) FF_MUST_USE;

/* Network inputs of a dataset (borrowed, outlives the feed) under one spec. Thread-safe; tensors are
 * kept within `budget` bytes. Decoded pictures are kept by the dataset, for all its feeds, within
 * 128 MiB. */
typedef struct ff_feed ff_feed;
int ff_feed_create(const ff_dataset *d, const ff_pre *p, const ff_shape *shape, uint64_t budget,
                   ff_feed **out) FF_MUST_USE;
/* The same for whatever the model takes. */
int ff_feed_create_for(const ff_dataset *d, const ff_pre *p, const ff_model *m, uint64_t budget,
                       ff_feed **out) FF_MUST_USE;
void ff_feed_destroy(ff_feed *f);
int ff_feed_get(ff_feed *f, int i, ff_tensor **out) FF_MUST_USE; /* a new reference: the first input */
/* All inputs of sample i, for ff_run. */
typedef struct ff_feeds {
    int n;
    const ff_tensor *at[FF_MOST_INPUTS];
} ff_feeds;
int ff_feed_take(ff_feed *f, int i, ff_feeds *out) FF_MUST_USE;
void ff_feeds_drop(ff_feeds *f);
/* Key of (spec, shape, dataset): states with the same plan output key and feed key have the same labels. */
const ff_key *ff_feed_key(const ff_feed *f);
const ff_dataset *ff_feed_dataset(const ff_feed *f);
/* How often a sample stands in the first input, to fill a batch that the model fixes: of outputs as long, the first row is
 * read. 1: a sample is all there is, whatever the first axis means. */
int64_t ff_feed_repeats(const ff_feed *f);
const ff_shape *ff_feed_shape(const ff_feed *f); /* of the first input, as ff_feed_shapes has it */

#endif
