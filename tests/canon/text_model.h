/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Models written as text, for the tests of canon and align. Statements end with ';':
 *
 *     opset 13
 *     input x 1,3,8,8
 *     float w 4,3,3,3 random        (or numbers; the last one repeats; "-": a scalar)
 *     int a 2 2,3
 *     y,z = Conv(x,w) pads=[1,1,1,1] group=1 alpha=0.5 mode=constant
 *     y = com.microsoft.QLinearAdd(...)
 *     output y
 */
#ifndef FETAFIX_TESTS_CANON_TEXT_MODEL_H
#define FETAFIX_TESTS_CANON_TEXT_MODEL_H

#include <stdlib.h>
#include <string.h>

#include "fetafix/model.h"

/* What went wrong is printed by the caller: ff_error(). `random` numbers come from the seed. */
int text_model(const char *text, uint64_t seed, ff_model **out) FF_MUST_USE;

/* The pieces, for graphs made by a program. */
typedef struct text_builder {
    int opset;
    ff_rng rng;
    ff_patch *patch;
    char *inputs[8];
    ff_shape shapes[8];
    int n_inputs;
    char *outputs[16];
    int n_outputs;
} text_builder;
int text_statement(text_builder *b, const char *s) FF_MUST_USE;
int text_build(text_builder *b, ff_model **out) FF_MUST_USE; /* frees what b holds */

#endif
