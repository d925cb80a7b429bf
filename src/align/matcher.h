/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * matcher.h: what the steps of alignment share, private to src/align.
 *
 *     pins, then anchors by weights (anchor.c), then neighbours of what is paired and the order
 * along the graph in turns (order.c, neighbour.c); align.c drives them and makes the public result.
 */
#ifndef FETAFIX_ALIGN_MATCHER_H
#define FETAFIX_ALIGN_MATCHER_H

#include "fetafix/align.h"

typedef struct matcher {
    const ff_canon *s, *t;
    int *of_s, *of_t;    /* the other side's node, or -1 */
    double *confidence;  /* by Source node */
    const char **reason; /* by Source node, static */
    bool *pinned;        /* by Source node */
    const ff_pin *pins;
    int n_pins;
    /* Of weights, between the nodes that have some: -1 not comparable. */
    float *distance;
    int *weighted_s, *weighted_t; /* node to its place among those; -1: it has no weight */
    int columns;
    int *order_s, *order_t; /* node ids in an order that does not depend on the file's */
} matcher;

#define MATCH_INCOMPATIBLE (-1e9)

/* Who made a value; the unpaired QuantizeLinear and DequantizeLinear behind it are passed over, so that a layer's
 * neighbours are the same layers whether or not they are quantised. -1: an input of the graph. */
int matcher_maker(const ff_canon *c, const int *paired, int cvalue);
/* Who reads it, likewise, each once; with `own` those passed over as well. How many, at most `max`. */
int matcher_readers(const ff_canon *c, const int *paired, int cvalue, bool own, int *out, int max);

void matcher_pair(matcher *m, int s, int t, double confidence, const char *reason);
bool matcher_forbidden(const matcher *m, int s, int t);
/* How alike two nodes are: operator, shapes, attributes, weights, and what their neighbours are
 * paired with. MATCH_INCOMPATIBLE where they can never be a pair. */
double matcher_score(const matcher *m, int s, int t);
double matcher_distance(const matcher *m, int s, int t); /* of the weights; -1 */

int matcher_measure(matcher *m) FF_MUST_USE; /* anchor.c: makes the distances, which the matcher owns */
void matcher_anchor(matcher *m);             /* anchor.c */
bool matcher_neighbours(matcher *m);         /* neighbour.c: true when a pair was made */
bool matcher_between(matcher *m);            /* neighbour.c: other operators between the same neighbours */
void matcher_sort(matcher *m);               /* order.c: fills order_s, order_t */
bool matcher_along(matcher *m);              /* order.c: dynamic programming */

#endif
