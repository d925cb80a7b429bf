/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of the layer analysis share. Private to analyse.c and slabs.c. */
#ifndef FF_EXAMINE_ANALYSIS_H
#define FF_EXAMINE_ANALYSIS_H

#include <stdatomic.h>

#include "examine/kruskal.h"
#include "examine/layers.h"

typedef struct analysis {
    const ff_subject *s;
    const ff_analysis_options *o;
    const ff_task *task;
    ff_layers layers;
    ff_runners source, target;
    ff_store *source_store, *target_store; /* where a later pass over the images begins */
    atomic_llong source_runs, target_runs;
    ff_layer_scores *scores;
} analysis;

/* Which images: similar (labels agree) first, then dissimilar. */
typedef struct sample {
    int n_similar, n_dissimilar;
    int *images;
} sample;

/* Squares of one image at one layer: of the difference, and of the Source's activation. */
typedef struct layer_sums {
    double entire, source, isolated, reference;
} layer_sums;

/* Goes on adding, so that parts one after the other give what the whole would, bit for bit. */
void add_distance(const float *source, const float *target, int64_t n, double *distance, double *norm);
/* Bytes for differences at a time: half the budget, since each pass over the images costs
 * their runs, and two gigabytes at the most. */
uint64_t analysis_memory(const analysis *a);
/* The activations of an image were all there is to run on this worker. */
void activations_done(analysis *a, ff_activations *s, ff_activations *t);
/* Flagged elements and effects of each layer under one sample. errors, [image][layer] (or NULL), gets the
 * sums of the layers that are not the same by construction. */
int test_layers(analysis *a, const sample *p, ff_kruskal_sum *by_layer, layer_sums *errors) FF_MUST_USE;

/* `isolated` layers of the Target, each fed with what the Source's reads: `s` has that, and what comes out there. Adds
 * isolated and reference to at[layer]. */
int isolate_layers(analysis *a, ff_activations *s, ff_activations *t, int worker, int image, const bool *isolated,
                   layer_sums *at) FF_MUST_USE;

/* Do both sides provably compute the same bits there? */
bool same_values(const analysis *a, int layer);
/* The share of the dissimilar images whose answer comes right when the Source's activation is put in at a layer. */
int test_causes(analysis *a, const sample *p) FF_MUST_USE;

#endif
