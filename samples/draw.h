/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * draw.h: pictures for the samples. Twelve classes that differ in shape, texture and colour; place, size,
 * rotation, light, background and noise vary from picture to picture. The same seed draws the same picture.
 */
#ifndef SAMPLES_DRAW_H
#define SAMPLES_DRAW_H

#include "fetafix/images.h"

#define DRAW_CLASSES 12

/* "red-disc"; label in 0..DRAW_CLASSES-1. */
const char *draw_class_name(int label);
/* A picture of the class, of some size between 72 and 128 pixels a side. */
void draw_picture(int label, uint64_t seed, ff_image *out);
/* The label and seed of the i-th picture of a named series ("train", "test", ...): series never share
 * a picture. Labels go round. */
void draw_series(const char *series, int i, ff_image *out, int *label);

#endif
