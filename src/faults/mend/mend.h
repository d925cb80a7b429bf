/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mending: where the repairs of the other families leave a Target wrong, the place is found by execution and the least
 * edit that makes it right is looked for. Everything here speaks of the original models.
 *
 *     values.c   all values of a model on a few samples, and which Source value a Target value holds
 *     place.c    the first place that computes another thing: a site in the Target, the Source's value for it
 *     bring.c    the Source's values as the Target can read them: what is there, else nodes copied
 *     edits.c    edits of a place, the least first
 *     find.c     the detector: places one after the other until every output is right */
#ifndef FF_FAULTS_MEND_H
#define FF_FAULTS_MEND_H

#include "fetafix/examine.h"
#include "faults/causes.h"
#include "faults/detect.h"
#include "faults/strategy.h"

enum { MEND_SAMPLES = 4, MEND_REGION = 64 };

/* How a Source value's elements lie in the Target's: one after the other (flat), or the axes of more than one element
 * permuted: axis i of the Target's is axis perm[i] of the Source's, both without axes of one element. */
typedef struct mend_layout {
    bool flat;
    int rank, perm[FF_MAX_RANK];
} mend_layout;

typedef struct mend_sketch {
    double low, high, mean, size; /* over the first sample; `size`: mean magnitude */
    double unit;                  /* a small one among the magnitudes: what differences are measured by */
    bool whole, varied;           /* as many different numbers as tell it from others */
} mend_sketch;

/* A model run over the samples. */
typedef struct mend_run {
    ff_model *model;
    ff_plan *plan;
    ff_runner *runner;
    int n_values, n_samples;
    ff_tensor **at;      /* float32, by sample * n_values + id; NULL: not a number, or not computed */
    mend_sketch *sketch; /* by id */
    bool *fixed;         /* by id: does not depend on the inputs */
} mend_run;

typedef struct mend_match {
    int source; /* id of the Source's value; -1: none */
    mend_layout layout;
} mend_match;

typedef struct mend_state { /* a Target on the way */
    mend_run *run;
    mend_match *match; /* by id of the Target's value */
    bool *covered;     /* by id of the Source's value: some value of the Target holds it */
    int n_covered;     /* those that tell something */
    int n_right;       /* outputs that are right */
} mend_state;

typedef struct mender {
    const ff_subject *s;
    const ff_task *task;
    int n_samples, samples[MEND_SAMPLES];
    double tolerance;
    mend_run *source;
    int n_outputs;
    struct {
        const char *target; /* name in the Target: outputs keep theirs */
        const ff_value *source;
    } outputs[FF_MOST_OUTPUTS];
    double budget; /* operations that may still be spent */
} mender;

typedef struct mend_place {
    const ff_value *site, *source; /* the Target's value, and what should stand there */
    mend_layout layout;
    bool behind; /* the site is right, and an output: what lacks is behind it */
    int n_target, n_source;
    const ff_node *target_nodes[MEND_REGION], *source_nodes[MEND_REGION]; /* graph order */
    /* what came right behind it: values of the Target by name with their match */
    int n_gained;
    const ff_value **gained;
    mend_match *gains;
    int n_right;
} mend_place;

typedef struct mend_edit {
    ff_patch *patch;
    ff_cause_id cause;
    const ff_node *source_node, *node;  /* what it is about; either may be NULL */
    char *summary, *explanation, *what; /* `what`: for the id */
    char *attribute, *source_text, *target_text;
} mend_edit;
void mend_edit_finish(mend_edit *e);

/* values.c */
int mend_run_create(mender *m, const ff_model *model, bool target, mend_run **out) FF_MUST_USE;
/* Runs it, `site` (may be NULL) being what `source` says in this layout; takes the place of the values that it had. */
int mend_run_values(mender *m, mend_run *r, bool target, const ff_value *site, const ff_value *source,
                    const mend_layout *layout) FF_MUST_USE;
void mend_run_destroy(mend_run *r);
int mend_state_create(mender *m, const ff_model *target, mend_state **out) FF_MUST_USE;
void mend_state_destroy(mend_state *s);
/* Layouts in which elements of the one shape can lie in the other, flat first; returns how many (<= max). */
int mend_layouts(const ff_shape *source, const ff_shape *target, mend_layout *out, int max);
/* A tensor of the Source's in the Target's layout and shape. */
int mend_lay(const ff_tensor *source, const mend_layout *l, const ff_shape *shape, ff_tensor **out) FF_MUST_USE;
/* Does value `id` of the run hold the Source's value in this layout, on every sample? */
bool mend_holds(const mender *m, const mend_run *r, int id, int source, const mend_layout *l);
bool mend_output_right(const mender *m, const mend_run *r, int output);
/* Finds what each value of the run holds. Values that do not lie behind `behind` (may be NULL) are taken from `base`. */
void mend_match_values(const mender *m, const mend_run *r, const bool *behind, const mend_match *base,
                       mend_match *match);
bool *mend_behind(const ff_model *m, const ff_value *v); /* by id: depends on v, which is in; caller frees */

/* place.c. false: there is none. */
int mend_place_find(mender *m, const mend_state *t, mend_place *out, bool *found) FF_MUST_USE;
void mend_place_finish(mend_place *p);

/* bring.c: names are of the patch's model after it; owned by the job. */
typedef struct mend_job {
    const mender *m;
    const mend_state *t;
    ff_patch *patch;
    const char *stem;
    const bool *barred; /* by id of the Target's value: lies behind what is mended, cannot be read */
    int n_names, depth, n_copied;
    const ff_node *copied[MEND_REGION];
    char **names;            /* by id of the Source's value: what carries it, in the Source's layout */
    const ff_value *renamed; /* this value of the Target is called `renamed_to` from now on */
    const char *renamed_to;
    const ff_value *last; /* a copy that makes this value of the Source's calls it `last_name` */
    const char *last_name;
    char **owned;
    size_t n_owned, capacity;
} mend_job;
void mend_job_start(mend_job *j, const mender *m, const mend_state *t, ff_patch *patch, const char *stem,
                    const bool *barred);
void mend_job_finish(mend_job *j);
const char *mend_fresh(mend_job *j, const char *hint);
/* The name of what carries Source value v in the Source's layout; NULL: it cannot be had. */
const char *mend_bring(mend_job *j, const ff_value *v);
/* The same as the Target has it: in this layout and shape. */
const char *mend_bring_laid(mend_job *j, const ff_value *v, const mend_layout *l, const ff_shape *shape);

/* edits.c: calls take(context, edit) for one edit after the other, the least first, until it returns true (the edit is
 * taken over then). */
int mend_edits(mender *m, const mend_state *t, const mend_place *p, bool (*take)(void *, mend_edit *),
               void *context) FF_MUST_USE;

#endif
