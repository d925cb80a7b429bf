/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a model read from TFLite keeps of its file for the writer: which tensor each constant came from. */
#ifndef FETAFIX_MODEL_TFLITE_NOTES_H
#define FETAFIX_MODEL_TFLITE_NOTES_H

#include "model/file/tflite/tflite.h"

typedef struct tfl_notes {
    ff_arena *names;
    int n_origins;
    tfl_origin *origins;
    ff_map *by_constant; /* name -> origin */
} tfl_notes;

tfl_notes *tfl_notes_create(tfl_reader *r);
void tfl_notes_release(void *notes);
int tfl_write(const ff_model *m, ff_buf *out) FF_MUST_USE;
int tfl_can_hold(const ff_model *m) FF_MUST_USE;

#endif
