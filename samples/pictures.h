/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pictures.h: drawn pictures as files. */
#ifndef SAMPLES_PICTURES_H
#define SAMPLES_PICTURES_H

#include "fetafix/base.h"

/* Makes the folder unless it is there. */
int make_folder(const char *path) FF_MUST_USE;
/* Draws the first pictures of a series into FOLDER/images (JPEG, every third PNG) and lists them in
 * FOLDER/SERIES.txt. */
int write_pictures(const char *folder, const char *series, int count) FF_MUST_USE;

#endif
