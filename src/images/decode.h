/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The two decoders behind ff_image_decode, and the limits they share. */
#ifndef FETAFIX_IMAGES_DECODE_H
#define FETAFIX_IMAGES_DECODE_H

#include "fetafix/images.h"

#define MAX_PIXELS     100000000
#define MAX_IMAGE_FILE (UINT64_C(256) << 20)

/* Each takes a whole file in memory; failures are FF_ERR_INPUT or FF_ERR_NOMEM. */
int jpeg_decode(const uint8_t *data, size_t size, ff_image *out);
int png_decode(const uint8_t *data, size_t size, ff_image *out);

/* Refuses sizes out of bounds, and sizes that `least_bytes` (what an encoder needs at the very least
 * for so many pixels) shows to be untrue; else takes the memory. */
int image_begin(const char *format, uint64_t width, uint64_t height, uint64_t least_bytes, size_t file_size,
                ff_image *out);

#endif
