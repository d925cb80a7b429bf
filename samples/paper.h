/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * paper.h: the fifteen conversions of the paper's Table 2, built from what is known of them: the network, both
 * frameworks' ways of writing it, the preprocessing of each, and the real faults of its row.
 */
#ifndef SAMPLES_PAPER_H
#define SAMPLES_PAPER_H

#include "network.h"

#define PAPER_CONVERSIONS 15

/* A row of the paper's table: faults localised and repaired by type, discrepancy in percent. */
typedef struct paper_row {
    const char *network, *conversion;
    const char *localised; /* "PP 1/1 LH 6/0" */
    double initial, final;
} paper_row;
const paper_row *paper_row_at(int i); /* 0..14 */

/* How large the networks are built. */
typedef struct paper_scale {
    double width, depth; /* shares of channels and of repeated blocks */
    double size;         /* share of the pixels a side */
    int classes, pictures, calibration;
} paper_scale;
extern const paper_scale paper_full, paper_small;

/* Writes FOLDER/NN/{source.onnx,target.onnx,case.json} (NN from 01) with the pictures FOLDER/images.txt and
 * FOLDER/validate.txt, which the caller has made. Networks are fitted once and kept in *cache (of
 * PAPER_NETWORKS entries, NULL at first). */
#define PAPER_NETWORKS 5
int paper_write(int i, const paper_scale *scale, network **cache, const char *folder) FF_MUST_USE;
/* Preprocessing of both sides of a conversion, as specs. */
/* Which network conversion i is of, 0..PAPER_NETWORKS-1: conversions of one have the same weights. */
int paper_network(int i);
void paper_preprocessing(int i, const char **source, const char **target);

#endif
