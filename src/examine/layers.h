/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pairs of core layers whose activations are compared, and one image run through one side with an eye on them. */
#ifndef FF_EXAMINE_LAYERS_H
#define FF_EXAMINE_LAYERS_H

#include "fetafix/examine.h"

typedef struct ff_layer {
    int pair;
    const ff_cvalue *source, *target;       /* the outputs; both have an original */
    const ff_cvalue *source_in, *target_in; /* what they read; NULL where it cannot be injected */
    int64_t elements;
    bool misfit;  /* the outputs have other dims: they cannot be compared by elements */
    bool follows; /* a misfit because of what it reads: the doing of a layer before it */
    bool same;    /* what both make of one input is the same by construction: no error of its own */
    int round;    /* in which run it is isolated; -1: not */
} ff_layer;

typedef struct ff_layers {
    const ff_subject *subject;
    int count, rounds;
    ff_layer *at; /* in the order of the network */
} ff_layers;

bool ff_cvalues_alike(const ff_cvalue *a, const ff_cvalue *b); /* the same elements, one by one */
/* `core_ops`: canonical or ONNX operator names between commas; NULL: Conv, ConvTranspose and Gemm. */
void ff_layers_init(ff_layers *l, const ff_subject *s, const char *core_ops);
void ff_layers_finish(ff_layers *l);

/* Canonical float32 activations of one run, by layer; NULL where they were not asked for. */
typedef struct ff_activations {
    const ff_layers *layers;
    bool target;           /* which side is watched */
    const bool *inputs;    /* by layer: what it reads is wanted too (Source); NULL: of none */
    const bool *wanted;    /* by layer; NULL: all */
    ff_tensor **out, **in; /* by layer */
    /* Target only: values by layer that replace what layer k reads (`round` says which layers), or its output. */
    const struct ff_activations *inject;
    int round;         /* -1: none */
    int inject_output; /* -1, or the layer whose output is replaced by the Source's */
    int meet;          /* with a label: -1, or the layer at which the run ends if the Source's bits come out there */
    bool met;          /* it did: no label was filled in */
    ff_store *store;   /* or NULL */
    ff_tensor **held;  /* injected tensors in original form, by layer */
    int runs;          /* so far */
    int left;          /* values still to come, to stop early */
} ff_activations;

void ff_activations_init(ff_activations *a, const ff_layers *l, bool target);
void ff_activations_clear(ff_activations *a);
void ff_activations_finish(ff_activations *a);
/* Runs image `image`; `label` (may be NULL) gets what the model says and the comparator's verdict, without output;
 * else the run ends when all is there. */
int ff_activations_run(ff_activations *a, ff_runner *runner, int image, const ff_task *task,
                       ff_label *label) FF_MUST_USE;

#endif
