/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A case small enough to be repaired in a blink, made from nothing: source.onnx, target.onnx
 * (several layers with rounded or disturbed weights), photos/ with PNG files, photos.txt,
 * validation/.
 */
#ifndef FETAFIX_TESTS_SMALL_CASE_H
#define FETAFIX_TESTS_SMALL_CASE_H

#include "fetafix/labels.h"

int small_case_make(const char *folder) FF_MUST_USE;
/* Preprocessing of both models. */
#define SMALL_CASE_PRE "size=16x16 crop=none scale=127.5 mean=1,1,1 std=1,1,1"

#endif
