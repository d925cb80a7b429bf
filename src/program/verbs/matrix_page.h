/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FETAFIX_PROGRAM_MATRIX_PAGE_H
#define FETAFIX_PROGRAM_MATRIX_PAGE_H

#include "program/verbs/many.h"

/* The matrix as one HTML page, a heat map that needs nothing else. */
void matrix_page(const many *m, ff_buf *out);

#endif
