/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How steps are added to a plan. Private to build*.c. */
#ifndef FF_EXEC_BUILD_H
#define FF_EXEC_BUILD_H

#include "exec/match.h"

/* Returns the representation's number. */
int build_rep(ff_plan *p, int value, rep_kind kind, const dnn_layout *l);
/* The representation of that layout, added when there is none. */
int build_rep_for(ff_plan *p, int value, const dnn_layout *l);
int build_value(ff_plan *p, int rank, const int64_t *dims); /* of the plan's own; may move p->values */
step *build_step(ff_plan *p, step_kind kind, const ff_node *n, int n_in, int n_out); /* may move p->steps */
/* The last step made is the one that makes `value`. */
void build_makes(ff_plan *p, int value);
/* `to` becomes another view of a representation of `from`. */
void build_alias(ff_plan *p, const ff_node *n, int to, int from, int from_rep, const dnn_layout *l);
int build_permute(ff_plan *p, const ff_node *n, int to, int from, const int *perm) FF_MUST_USE;
/* By its reference kernel; `own`: beside the step that computes more than this node. */
int build_node(ff_plan *p, const ff_node *n, bool own) FF_MUST_USE;
/* One source, one destination. Takes the primitive over. */
int build_simple(ff_plan *p, const ff_node *n, int from, dnn_prim *prim) FF_MUST_USE;
int build_clip(ff_plan *p, const ff_node *n, int input, float low, float high) FF_MUST_USE;

/* Whether a value can have layouts: float32, of known shape, not empty, at least one axis. */
bool build_representable(const pvalue *x);
/* Gives a value that is made as a tensor its first representation. */
int build_tensor_rep(ff_plan *p, int value) FF_MUST_USE;
/* build_primitive.c: *done is false where no primitive is worth it. */
int build_primitive(ff_plan *p, const ff_node *n, bool *done) FF_MUST_USE;
/* build_chain.c: where a chain ends in this plan, and whether its clips are separate. */
int build_finish_chain(ff_plan *p, chain *c) FF_MUST_USE;
int build_link(ff_plan *p, chain *c, int i) FF_MUST_USE;

#endif
