/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetafix/labels.h: what models answer, as labels.
 *
 *     ff_label_model(m, output, pre, set, ...)   a model over a set: top-5, margin and output of each sample
 *     ff_labels_wrong(source, target, offset)    on how many a Target is wrong
 *     ff_labels_write_csv(...)                   both side by side
 */
#ifndef FETAFIX_LABELS_H
#define FETAFIX_LABELS_H

#include "fetafix/exec.h"
#include "fetafix/images.h"

/* Class names, one a line. NULL outside the file. */
typedef struct ff_names ff_names;
int ff_names_load(const char *path, ff_names **out) FF_MUST_USE;
void ff_names_destroy(ff_names *n);
const char *ff_names_at(const ff_names *n, int label);
/* The class of this name, or of the only name that begins with this word ("n01440764" of "n01440764 tench"); -1. */
int ff_names_find(const ff_names *n, const char *name);

#define FF_TOP 5
/* One output among the numbers of a sample: `dims` without the batch where the sample is repeated to fill one. A list of
 * tensors is their numbers one after the other, a text one number that stands for it, a complex number two. */
typedef struct ff_output_form {
    bool whole; /* integers: labels or token ids, not scores; booleans and text, too */
    bool text;
    int rank;
    int64_t count, dims[FF_MAX_RANK];
    uint64_t structure; /* of a list: equal for members of the same shapes; 0: a tensor */
    uint64_t exact;     /* over what float32 does not hold: equal where whole numbers and texts are */
} ff_output_form;
/* How the outputs of one sample lie one behind the other. */
#define FF_MOST_OUTPUTS 64
typedef struct ff_form {
    int n;
    int64_t width; /* of all together */
    ff_output_form at[FF_MOST_OUTPUTS];
} ff_form;
/* Does a Target's sample agree with the Source's? By the labels; where another comparator decides (compare.h), it
 * has written down what it found. */
typedef enum ff_verdict_of { FF_BY_LABEL, FF_AGREES, FF_DIFFERS } ff_verdict_of;
/* What one model says of one image. Ties: lowest index; NaN ranks below everything. */
typedef struct ff_label {
    int top[FF_TOP]; /* -1 where there are fewer classes, and where the model could not run */
    float margin;    /* value of top[0] minus value of top[1], always finite; 0 with one class. With a verdict: how
                         far from the other verdict */
    float *output;   /* `width` values flattened per image, or NULL (kept on request) */
    ff_form *form;   /* of `output`, or NULL (kept on request) */
    ff_verdict_of verdict;
    float score; /* with a verdict: the comparator's number */
} ff_label;
typedef enum ff_keep {
    FF_KEEP_NOTHING,
    FF_KEEP_OUTPUT,
    FF_KEEP_FORM, /* and the output */
} ff_keep;
typedef struct ff_labels {
    int count;
    int64_t width; /* elements of the output per image (of all outputs that are read) */
    ff_label *at;  /* by image number; top[0] == FF_LABEL_UNKNOWN: not run yet */
    char *error;   /* why the model cannot run, or NULL */
} ff_labels;
#define FF_LABEL_UNKNOWN (-2)

ff_labels *ff_labels_create(int count);
void ff_labels_destroy(ff_labels *l);
/* Fills l->at[ids[k]] for k < n (ids NULL: all images) from the plan's first output. `runners`: one per
 * pool worker, made by the caller. A model that cannot run is not a failure here: l->error is set and
 * top is -1. Progress counts images. */
int ff_label_run(ff_runner *const *runners, ff_feed *feed, const int *ids, int n, ff_store *store, ff_keep keep,
                 const ff_task *task, ff_labels *l) FF_MUST_USE;
/* The label of one sample from what a plan gave for it; `repeats`: ff_feed_repeats of its feed. Takes the place of what
 * *l held. FF_ERR_GRAPH: more outputs than FF_MOST_OUTPUTS. */
int ff_label_fill(ff_tensor *const *outputs, int n, int64_t repeats, ff_keep keep, ff_label *l,
                  int64_t *width) FF_MUST_USE;
/* The numbers of one output of any type, one after the other, as ff_output_form says. */
int ff_output_values(const ff_tensor *output, int64_t repeats, ff_tensor **out) FF_MUST_USE;
void ff_label_drop(ff_label *l);         /* output and form */
ff_form *ff_form_copy(const ff_form *f); /* NULL: NULL */
/* The plan of a model for the samples of a set (ff_feed_shapes). */
int ff_label_plan(const ff_model *m, const char *output, const ff_pre *p, const ff_dataset *set, bool reference,
                  const ff_task *task, ff_plan **out) FF_MUST_USE;
/* Is the output that is read one number a class (one axis beside the batch, of two elements or more)? True where the
 * model does not tell. */
bool ff_label_is_classes(const ff_model *m, const char *output, const ff_pre *p, const ff_dataset *set);
/* Everything at once: labels of all images of a set. A model that cannot run gives labels with `error`; an
 * operator that is not supported is a failure. memory: bytes for kept pictures; kept: what runs of this or other
 * models over the set left on the way (ff_store_for), or NULL. */
int ff_label_model(const ff_model *m, const char *output, const ff_pre *p, const ff_dataset *set, bool reference,
                   uint64_t memory, ff_store *kept, ff_keep keep, const ff_task *task, ff_labels **out) FF_MUST_USE;
/* Top-5 and margin of one output. */
void ff_label_of(const ff_tensor *output, ff_label *out);
/* Is the Target wrong on this image? Its verdict; without one, target label + offset against source label. An image
 * that the Target cannot label is wrong. */
bool ff_label_wrong(const ff_label *source, const ff_label *target, int offset);
/* Number of images on which the Target is wrong, of those that both ran. */
int ff_labels_wrong(const ff_labels *source, const ff_labels *target, int offset);
/* The class offset (0, or -1/+1 when the widths differ by one) that agrees on most images. */
int ff_labels_offset(const ff_labels *source, const ff_labels *target);
/* A seeded sample of n out of the ids given (all when fewer), ascending. Returns how many. */
int ff_sample(uint64_t seed, const int *ids, int n_ids, int n, int *out);
/* `image,source1,...,source5,source_margin,target1,...,target5,target_margin`. */
int ff_labels_write_csv(const ff_dataset *d, const ff_labels *source, const ff_labels *target, const char *path,
                        bool force) FF_MUST_USE;

#endif
