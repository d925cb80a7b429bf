/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetafix/compare.h: when does a Target's sample agree with the Source's?
 *
 *     ff_comparator_create("tolerance:abs=1e-4", &c)
 *     ff_labels_compare(c, source, target, offset, ...)    a verdict on each sample
 *     ff_compare(c, s, t, offset, ...)                     on one
 *
 * By default the labels decide (the greatest output), and nothing here is needed. Any other comparator looks at what
 * both models gave for a sample and writes into the Target's ff_label: its verdict, a score (its own number), and a
 * margin (how far from the other verdict, greater is safer). From then on counting, ordering by margin, early decision
 * and reports are the same for all (ff_label_wrong). `distance` (smaller is nearer, 0 equal) is what the search lowers
 * at the same count.
 *
 * A comparator is a row of a family's table (src/compare/label.c, numeric.c, ...), a family one file and one row of
 * src/compare/families.c.
 */
#ifndef FETAFIX_COMPARE_H
#define FETAFIX_COMPARE_H

#include "fetafix/labels.h"

typedef struct ff_comparator ff_comparator;

/* NAME[:VALUE][,KEY=VALUE]...: "top-k:5", "tolerance:abs=1e-4,rel=1e-3". NULL: top-1. FF_ERR_USAGE names the word that
 * is wrong; FF_ERR_INPUT: a file that it needs. Immutable: any number of threads may use one. */
int ff_comparator_create(const char *spec, ff_comparator **out) FF_MUST_USE;
void ff_comparator_destroy(ff_comparator *c);
/* As it was given; "top-1" for NULL. */
const char *ff_comparator_spec(const ff_comparator *c);
/* Labels decide: outputs need not be kept, and ff_compare is not called. True for NULL. */
bool ff_comparator_by_label(const ff_comparator *c);
/* What is counted, in words: "labels differ", "outputs are out of tolerance". */
const char *ff_comparator_wrong(const ff_comparator *c);
/* The output a plan must read: `chosen` (may be NULL: the first) or FF_EVERY_OUTPUT. */
const char *ff_comparator_output(const ff_comparator *c, const char *chosen);
/* What ff_label_run must keep: FF_KEEP_FORM unless labels decide; then `otherwise`. */
ff_keep ff_comparator_keep(const ff_comparator *c, ff_keep otherwise);

/* Judges the Target's sample, whose output and form are there (a Target that could not run has none: it differs).
 * `offset`: class k of the Target is class k + offset of the Source. `name`: of the sample, for errors. `distance` (may
 * be NULL) is NAN where the comparator has no better one than ff_output_distance of the values. Fails only with what
 * an external program or a file does. */
int ff_compare(const ff_comparator *c, const ff_label *source, ff_label *target, int offset, const char *name,
               ff_cancel *cancel, double *distance) FF_MUST_USE;
/* All samples at `ids` (NULL: all); nothing where labels decide. Outputs stay. */
int ff_labels_compare(const ff_comparator *c, const ff_dataset *set, const ff_labels *source, ff_labels *target,
                      int offset, const int *ids, int n, const ff_task *task) FF_MUST_USE;

/* All comparators, for help and documentation: from 0 until NULL. */
const char *ff_comparator_at(int i, const char **usage, const char **summary);

#endif
