/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the answer of a lesson may be. */
#ifndef FETAFIX_LESSONS_ANSWER_H
#define FETAFIX_LESSONS_ANSWER_H

#include "fetafix/lessons.h"

/* The words of a part: FF_ERR_INPUT when they are none (no such type). */
int lesson_part_check(const ff_lesson_part *p) FF_MUST_USE;

#endif
