/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A strategy turns a finding into proposals, which are edits of the original Target that touch nothing else; the table
 * of causes names it. To add one, follow src/faults/preprocessing/fix.c. */
#ifndef FF_FAULTS_STRATEGY_H
#define FF_FAULTS_STRATEGY_H

#include "fetafix/faults.h"
#include "faults/causes.h"
#include "faults/hint.h"

typedef struct ff_proposing {
    const ff_subject *subject;
    ff_proposals *list;
    size_t capacity;
} ff_proposing;

/* A strategy adds any number of proposals, the best first; none when it does not know how (FF_OK all the same). */
int ff_fix_preprocessing(ff_proposing *p, const ff_finding *f);
int ff_search_preprocessing(ff_proposing *p); /* comes after all others */
int ff_fix_input(ff_proposing *p, const ff_finding *f);
int ff_fix_structure(ff_proposing *p, const ff_finding *f);
int ff_fix_normalisation(ff_proposing *p, const ff_finding *f);
int ff_fix_quantized(ff_proposing *p, const ff_finding *f); /* before ff_fix_weights, which makes floats of it */
int ff_fix_norm(ff_proposing *p, const ff_finding *f);
int ff_fix_weights(ff_proposing *p, const ff_finding *f);
int ff_fix_hyper(ff_proposing *p, const ff_finding *f);
int ff_fix_reduction(ff_proposing *p, const ff_finding *f);
int ff_fix_precision(ff_proposing *p, const ff_finding *f);
int ff_fix_outputs(ff_proposing *p, const ff_finding *f);
int ff_fix_region(ff_proposing *p, const ff_finding *f);
/* The finding's nodes of the Target are passed by. False: they cannot be. */
bool ff_fix_bypass(ff_proposing *p, const ff_finding *f);
/* For a finding of a pair of nodes: the Source's node in place of the Target's. */
int ff_fix_by_copy(ff_proposing *p, const ff_finding *f);

/* A proposal for the finding; `variant` (may be NULL) tells alternatives apart. Takes over `patch` (may be NULL)
 * and `summary`. Good until the next one is added. */
ff_proposal *ff_proposing_add(ff_proposing *p, const ff_finding *f, const char *variant, ff_patch *patch,
                              char *summary);

/* By which a node is addressed in patches: its first output that is wanted. */
const char *ff_node_address(const ff_node *n);

/* A Transpose of `input` that gives `output` (a fresh name, also the node's). */
void ff_insert_transpose(ff_patch *p, const char *input, const char *output, const int *perm, int rank);

/* Makes input `input` of `reader` have the constant value `wanted` (dims as the value has them; converted to its
 * type), and nothing else: an initializer that is read once is replaced; Constant, Identity, Transpose, Reshape
 * and the like are followed back; what others read too, or what cannot hold the value, is left and a new
 * initializer takes its place (nodes that nobody reads any more go). `stem`: for its name. `input` may be one that
 * the node does not have yet. */
int ff_write_constant(const ff_plan *plan, ff_patch *p, const ff_node *reader, int input, const ff_tensor *wanted,
                      const char *stem) FF_MUST_USE;

/* The attribute of a node's operator in the node's own version; NULL: it has none such (any more). */
const struct ff_attr_fact *ff_node_attr_fact(const ff_node *n, const char *name);
/* Sets the axes of a node that has them as an attribute, or from a later opset on as its second input. */
int ff_write_axes(const ff_plan *plan, ff_patch *p, const ff_node *n, const int64_t *axes, int count) FF_MUST_USE;

/* A node in the form that another opset gives its operator: Clip's bounds, axes, pads and the like are attributes in one
 * and inputs in the other. Input i is constants[i] where there is one, else the node's own. */
enum { FF_RESTATED = 24 };
typedef struct ff_restated {
    int n_inputs, n_attrs, n_moved;
    ff_tensor *constants[4];
    ff_attr attrs[FF_RESTATED]; /* texts and values are the node's, or `ints` */
    int64_t ints[3][2 * FF_MAX_RANK];
} ff_restated;
/* false: it cannot be said in that opset (nothing is to be freed then). */
bool ff_restate(const ff_plan *plan, const ff_node *n, int opset, ff_restated *out);
void ff_restated_finish(ff_restated *r);

/* A node of one input in simpler ones, for an opset that does not have its operator: row i makes value i + 1 out of the
 * values a and b, where 0 is what the node reads. NULL: no such form is known. */
enum { FF_ALONE = -1, FF_NUMBER = -2 }; /* b: none, or `number` */
typedef struct ff_written {
    const char *op;
    int a, b;
    double number;
} ff_written;
const ff_written *ff_write_out(const ff_plan *plan, const ff_node *n, int opset, int *count);

#endif
