/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Decoded pictures of a dataset, shared by all its feeds: a search over specs decodes each once. */
#ifndef FETAFIX_IMAGES_PICTURE_H
#define FETAFIX_IMAGES_PICTURE_H

#include "fetafix/images.h"

typedef struct picture {
    atomic_int refs;
    ff_image image;
} picture;

/* What the set is made of when it is no pictures, else NULL. */
const struct arrays *dataset_arrays(const ff_dataset *d);

/* A new reference to picture i, decoded now or earlier. From any thread. */
int dataset_picture(const ff_dataset *d, int i, picture **out) FF_MUST_USE;
void picture_unref(picture *p);

#endif
