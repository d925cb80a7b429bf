/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the Source's numbers are put in for one parameter of a layer. */
#ifndef FF_FAULTS_WEIGHTS_WEIGHTS_H
#define FF_FAULTS_WEIGHTS_WEIGHTS_H

#include "faults/strategy.h"

typedef struct ff_put {
    const ff_subject *s;
    const ff_plan *plan;
    const ff_cnode *node;           /* the Target's */
    const ff_cparam *mine, *wanted; /* the Target's and the Source's; either may be NULL */
    char *stem;                     /* for the names of new constants */
    ff_patch *patch;
    bool made; /* the patch does it */
} ff_put;

/* FF_ERR_GRAPH, or `made` not set: it is not known how. */
int ff_put_weights(ff_put *p);
/* A batch normalisation that stands by itself comes to multiply and add what is wanted; NULL: what it does now. */
int ff_put_norm(ff_put *p, const ff_node *bn, const ff_cparam *scale, const ff_cparam *shift);
/* The same for a scale and shift that is written as arithmetic. */
int ff_put_affine(ff_put *p, const ff_cparam *scale, const ff_cparam *shift);
/* `op` with a constant behind y, which is no output: all read it who read y. */
int ff_put_behind(ff_put *p, const ff_value *y, const char *op, const ff_tensor *constant);
char *ff_put_stem(const ff_put *p);
/* A float32 copy that may be written. */
int ff_tensor_writable(const ff_tensor *t, ff_tensor **out);

#endif
