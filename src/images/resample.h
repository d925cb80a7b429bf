/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Resizing of 8-bit pictures to float32 ones that are not rounded. */
#ifndef FETAFIX_IMAGES_RESAMPLE_H
#define FETAFIX_IMAGES_RESAMPLE_H

#include "fetafix/images.h"

/* out: height rows of width interleaved RGB floats in 0..255. */
int resample(const ff_image *image, int width, int height, ff_resize kernel, bool antialias, float *out);

#endif
