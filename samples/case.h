/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * case.h: the teaching conversions. A case is one row: styles of both sides, preprocessing, and what the
 * conversion got wrong.
 *
 *     FOLDER/NAME/source.onnx, target.onnx
 *     FOLDER/NAME/case.json     styles, preprocessing of both sides, the injected faults
 *
 * The pictures are shared: FOLDER/images.txt and FOLDER/validate.txt list FOLDER/images/.
 */
#ifndef SAMPLES_CASE_H
#define SAMPLES_CASE_H

#include "network.h"

const char *case_at(int i, const char **summary); /* names from 0 until NULL */
/* Writes a case of the fitted network n. */
int case_write(int i, const network *n, const char *folder) FF_MUST_USE;

#endif
