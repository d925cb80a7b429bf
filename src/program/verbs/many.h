/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Many models over the same images: what `matrix` and `compare` with several Targets share. Each model
 * labels the images once, with its own preprocessing.
 */
#ifndef FETAFIX_PROGRAM_MANY_H
#define FETAFIX_PROGRAM_MANY_H

#include "fetafix/command.h"
#include "fetafix/compare.h"

typedef struct entrant {
    char *path; /* of MODEL or MODEL@SPEC */
    char *spec; /* of the preprocessing, in full; NULL: there is none (arrays), or the model is not loaded */
    char *producer;
    int opset;
    ff_key sha256;
    ff_labels *labels;
} entrant;

typedef struct many {
    entrant *at;
    int n, images;
    const char *samples; /* what they are: "images" or "samples" */
    int *wrong, *offset; /* [n * n], row against column; the diagonal stays 0 */
    ff_dataset *set;
    ff_comparator *comparator; /* the row is its Source, the column its Target */
    ff_task task;
} many;

/* Which pairs are compared: those of the first model, or all. */
typedef enum many_pairs { MANY_FIRST, MANY_ALL } many_pairs;

/* Labels the images (or the samples of --input) with every model that a word names: MODEL, or MODEL@SPEC for one with
 * a preprocessing of its own; else the spec `pre[i]`; else (NULL) it is guessed from the model and noted. Outputs to
 * be written are checked first. many_finish also after a failure. */
int many_label(ff_context *c, char **words, const char *const *pre, int n, many_pairs pairs, many *out) FF_MUST_USE;
/* On how many samples a Target differs from a Source, by the comparator. *offset: how its classes are counted. */
int many_wrong(many *m, const ff_labels *source, ff_labels *target, int *offset, int *wrong) FF_MUST_USE;
/* What is counted: "labels that differ, of 120 images". `from` (may be "") comes behind what differs. */
void many_print_count(const many *m, const char *from, ff_buf *out);
void many_finish(many *m);

/* A model as members of a JSON object: "path", "sha256", "opset", "producer", "preprocessing", "width", "error". */
void many_print_model(const entrant *e, ff_buf *out);

#endif
