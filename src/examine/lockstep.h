/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the passes of both models in lockstep share. Private to lockstep.c and lockstep_pass.c. */
#ifndef FF_EXAMINE_LOCKSTEP_H
#define FF_EXAMINE_LOCKSTEP_H

#include "examine/noise.h"
#include "fetafix/examine.h"

/* A Source value and the Target's that corresponds to it, by cvalue; -1: the elements lie alike. */
typedef struct lock_place {
    int source, target;
    const ff_value *source_value, *target_value;
} lock_place;

typedef struct lockstep {
    const ff_subject *s;
    double epsilon; /* of the type in which the Target computes */
    int n_places;
    lock_place *places;
    int *of_source, *of_target; /* place of an original value, by its id; -1 */
    int n_answers;              /* outputs of the Target and what they should be */
    lock_place *answers;
} lockstep;

/* An input off the data: what no sample reaches is seen there. */
typedef struct lock_probe {
    const char *name;
    enum { LOCK_NOISE, LOCK_SCALE, LOCK_STEPS } kind;
    double by; /* deviations of the noise, factor; steps a deviation, so that there are ties */
} lock_probe;
extern const lock_probe lock_probes[];
extern const int lock_n_probes;

typedef struct lock_pass {
    const lockstep *l;
    ff_runner *source, *target;
    int sample;
    const lock_probe *probe; /* NULL: the sample as it is */
    uint64_t seed;
    const ff_task *task;
} lock_pass;

/* Feeds each part of the Target with the Source's values: found[place]. */
int lock_run_parts(const lock_pass *p, ff_evidence *found) FF_MUST_USE;
/* Runs the whole Target, with the Source's values where `cut` (by place) says so: found[answer]. */
int lock_run_whole(const lock_pass *p, const bool *cut, ff_evidence *found) FF_MUST_USE;

#endif
