/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parts of the two canonical graphs that have no counterpart: seen from where matched nodes read what they make. */
#ifndef LOCALIZE_REGION_H
#define LOCALIZE_REGION_H

#include "fetafix/localize.h"

enum { FF_REGION_MOST = 256 }; /* nodes of a region, and values at which it begins */

/* Relative distance at which two regions compute the same, but for the order of their operations. */
#define FF_SAME_VALUES 1e-5

/* Nodes that are to be taken for unmatched as well, by cnode of either side; NULL: none. */
typedef struct ff_apart {
    const ff_subject *subject;
    const bool *source, *target;
} ff_apart;

/* The Target cvalue that corresponds to a Source cvalue, made by a pair of the same operator (or an input); -1. */
int ff_region_counterpart(const ff_subject *s, int source_cvalue);
int ff_region_counterpart_in(const ff_apart *apart, int source_cvalue);
/* The pair of a node has the same operator on both sides, and as many inputs; a Transpose moves the same axes
 * of the same dims, a Reshape makes the same dims. */
bool ff_region_matched(const ff_subject *s, bool source, int cnode);
bool ff_region_matched_in(const ff_apart *apart, bool source, int cnode);
/* Behind the place where a Target breaks nothing is known: forms could not be made equal there. */
bool ff_region_computed(const ff_subject *s, int target_cvalue);
/* The unmatched nodes from which a cvalue is made, down to values that have a counterpart: at most `max` node ids are
 * written, ascending; returns how many there are. */
int ff_region_nodes(const ff_subject *s, bool source, int cvalue, int *nodes, int max);
/* The same, and where it begins: `nodes` and `ends` hold FF_REGION_MOST. */
void ff_region_collect(const ff_apart *apart, bool source, int cvalue, int *nodes, int *n_nodes, int *ends,
                       int *n_ends);
/* Past unmatched nodes that hand on what they read in the same order: Reshape, Identity. */
int ff_region_before_reshapes(const ff_subject *s, bool source, int cvalue);

/* Does the Target make `target_cvalue` out of the Source's values as the Source makes `source_cvalue`? The values at
 * which both regions begin are put in: the Source's, over the first few images, and then numbers drawn by lot, so that
 * what no image reaches (a bound) is seen too. *distance: relative, INFINITY where it cannot be told. */
int ff_region_distance(const ff_subject *s, int source_cvalue, int target_cvalue, const ff_task *task,
                       double *distance) FF_MUST_USE;
int ff_region_distance_in(const ff_apart *apart, int source_cvalue, int target_cvalue, const ff_task *task,
                          double *distance) FF_MUST_USE;

/* What values the Source's `source_cvalue` has over the first few images. count 0: it cannot be told. */
typedef struct ff_region_range {
    double low, high;
    int64_t count, outside; /* elements; those below `floor` or above `ceiling` */
} ff_region_range;
int ff_region_measure(const ff_subject *s, int source_cvalue, double floor, double ceiling, const ff_task *task,
                      ff_region_range *out) FF_MUST_USE;

#endif
