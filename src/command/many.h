/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Many models over the same images: what `matrix` and `compare` with several Targets share. Each model
 * labels the images once, with its own preprocessing.
 */
#ifndef FETAFIX_COMMAND_MANY_H
#define FETAFIX_COMMAND_MANY_H

#include "fetafix/command.h"
#include "fetafix/data.h"

typedef struct entrant {
    char *path; /* of MODEL or MODEL@SPEC */
    char *spec; /* of the preprocessing, in full; NULL until the model is loaded */
    char *producer;
    int opset;
    ff_key sha256;
    ff_labels *labels;
} entrant;

typedef struct many {
    entrant *at;
    int n, images;
    int *wrong, *offset; /* [n * n], row against column; the diagonal stays 0 */
} many;

/* Labels the images with every model that a word names: MODEL, or MODEL@SPEC for one with a preprocessing
 * of its own; else the spec `pre[i]`; else (NULL) it is guessed from the model and noted. Outputs to be
 * written are checked first. many_finish also after a failure. */
int many_label(ff_context *c, char **words, const char *const *pre, int n, many *out) FF_MUST_USE;
void many_finish(many *m);

/* A model as members of a JSON object: "path", "sha256", "opset", "producer", "preprocessing", "width", "error". */
void many_print_model(const entrant *e, ff_buf *out);

/* matrix_page.c: the matrix as one HTML page, a heat map that needs nothing else. */
void matrix_page(const many *m, ff_buf *out);
/* rank.c */
int compare_many(ff_context *c, int argc, char **argv) FF_MUST_USE;

#endif
