/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A detector is a function that looks at the subject and adds findings and equivalences; it runs where the table of
 * causes names it. To add one, follow src/faults/preprocessing/find.c. */
#ifndef FF_FAULTS_DETECT_H
#define FF_FAULTS_DETECT_H

#include <jansson.h>

#include "faults/causes.h"
#include "faults/hint.h"

typedef struct ff_detection {
    const ff_subject *subject;
    const ff_task *task;
    ff_findings *findings;
    ff_sames *sames;
    size_t capacity, sames_capacity;
    bool *prepared_source, *prepared_target; /* by cnode: it does what the other side's spec says; NULL: none does */
    bool half_source; /* the Source computes in half precision: what is nearer than its rounding is the same */
} ff_detection;

int ff_detect_preprocessing(ff_detection *d);
/* For the detector of preprocessing: is what differs in scale, mean, deviation and channel order made up for by the first
 * nodes of the graphs? Then it is said, and these nodes are nobody's fault. */
bool ff_detect_prepared(ff_detection *d);
bool ff_is_prepared(const ff_detection *d, bool source, int cnode);
int ff_detect_reduction(ff_detection *d);
int ff_detect_dense(ff_detection *d);
int ff_detect_input(ff_detection *d);
int ff_detect_normalisation(ff_detection *d);
int ff_detect_structure(ff_detection *d);
int ff_detect_weights(ff_detection *d);
int ff_detect_hyper(ff_detection *d);
int ff_detect_precision(ff_detection *d);
int ff_detect_outputs(ff_detection *d);
int ff_detect_graph(ff_detection *d);
int ff_detect_error(ff_detection *d);
int ff_detect_joint(ff_detection *d);
int ff_detect_mend(ff_detection *d);
int ff_detect_tested(ff_detection *d);
int ff_detect_sames(ff_detection *d);
/* Forgets the findings from number `from` on. */
void ff_detection_drop(ff_detection *d, int from);
void ff_detection_remove(ff_detection *d, int i); /* one of them */
/* For the detector of weights: is a folded scale or shift to blame for what it found at the pair, which are the findings
 * from number `from` on? Then that is said in their place. */
int ff_detect_norm(ff_detection *d, int pair, int from);
/* The same for the constants of a batch normalisation, which change weight and bias at once. */
int ff_detect_statistics(ff_detection *d, int pair, int from);
/* Is a reduction over other axes, which was found, among the nodes? */
bool ff_reduction_found(const ff_detection *d, bool source, const int *cnodes, int n);
/* Is one of the attributes (NULL behind the last) of a Gemm at the pair to blame for how it uses its numbers? */
bool ff_dense_found(const ff_detection *d, int pair, const char *const *attributes);
/* Findings of LH from number `from` on that one node has by several attributes are made one. */
void ff_detection_join_attributes(ff_detection *d, int from);
/* For the detector of graphs: what the Source reads as x passes a quantisation before the Target reads it as y.
 * *taken: that is so, and was spoken of. */
int ff_detect_quantized_activation(ff_detection *d, int pair, int input, int x, int y, bool *taken);

/* A new finding with an empty hint (cnodes -1). `what` follows the type in the id. The pointer is good until
 * the next one is added. */
ff_finding *ff_detection_add(ff_detection *d, ff_cause_id cause, const char *what);
ff_same *ff_detection_add_same(ff_detection *d, const char *rule, const char *meaning, double deviation);
/* The original nodes of the canonical nodes given (-1: none) become the finding's. */
void ff_finding_set_nodes(const ff_subject *s, ff_finding *f, int source_cnode, int target_cnode);
/* Takes over `details`. */
void ff_finding_set_details(ff_finding *f, json_t *details);
/* Details that say which attribute has which values; both are taken over. */
void ff_finding_set_difference(ff_finding *f, const char *attribute, json_t *source, json_t *target);
/* The original nodes of n canonical ones, one after the other; the caller frees. NULL for none. */
const ff_node **ff_cnodes_origins(const ff_canon *c, const int *nodes, int n, int *count);
/* A copy of node pointers, NULL for none. */
const ff_node **ff_nodes_copy(const ff_node *const *nodes, int n);
/* The label of a canonical node for ids and sentences, made visible; the caller frees. */
char *ff_cnode_label(const ff_canon *c, int cnode);
/* The label by which a pair is known for good: the Source's, else "+" and the Target's. Caller frees. */
char *ff_pair_label(const ff_subject *s, int pair);
json_t *ff_json_shape(const ff_tensor *t);
json_t *ff_json_real(double v); /* null for what JSON cannot say */

#endif
