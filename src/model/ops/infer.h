/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the files infer_FAMILY.c: shape inference and the table rows of a family of operators.
 *
 * An operator is added by one row in its family's table and, when no function there fits, one
 * function. The arity was checked against the row before `infer` is called; every output starts as
 * unknown. Functions say what they know and fail (FF_ERR_GRAPH, without naming the node) on what
 * contradicts the operator.
 */
#ifndef FETAFIX_MODEL_INFER_H
#define FETAFIX_MODEL_INFER_H

#include <string.h>

#include "fetafix/model.h"
#include "model/graph/tensor.h"

#define UNKNOWN (-1) /* a dimension, a rank, or the length of a list */
#define ABSENT  (-2) /* a list that is not given */

extern const ff_op ff_ops_contrib[], ff_ops_conv[], ff_ops_control[], ff_ops_elementwise[], ff_ops_generate[],
    ff_ops_index[], ff_ops_matrix[], ff_ops_norm[], ff_ops_quant[], ff_ops_reduce[], ff_ops_rnn[], ff_ops_shape[],
    ff_ops_slice[], ff_ops_text[];

#define infer_fail(...) ff_fail(FF_ERR_GRAPH, __VA_ARGS__)

static inline bool infer_has(const ff_infer *c, int i)
{
    return i < c->n_in && c->in[i].dtype != FF_UNDEFINED;
}

/* Rank of input i; UNKNOWN also when it is left out. */
static inline int infer_rank(const ff_infer *c, int i)
{
    return infer_has(c, i) ? c->in[i].rank : UNKNOWN;
}

static inline const ff_tensor *infer_data(const ff_infer *c, int i)
{
    return i < c->n_in && c->in_data ? c->in_data[i] : NULL;
}

/* Outputs that nobody wants are beyond n_out. */
void infer_set(ff_infer *c, int output, ff_dtype t, int rank, const int64_t *dims);
void infer_copy(ff_infer *c, int output, const ff_shape *s);
void infer_type(ff_infer *c, int output, ff_dtype t);
/* out[0] is in[0]. */
int infer_same(ff_infer *c);
int infer_same_type(const ff_infer *c, int a, int b) FF_MUST_USE;
int infer_want_rank(const ff_infer *c, int i, int rank) FF_MUST_USE;
int infer_want_min_rank(const ff_infer *c, int i, int rank) FF_MUST_USE;
/* Negative axes count from the end. */
int infer_axis(int64_t axis, int rank, int *out) FF_MUST_USE;
/* Dimensions that must agree: the known one, or a contradiction. */
int infer_equal(int64_t a, int64_t b, const char *what, int64_t *out) FF_MUST_USE;
/* Rows and columns of the product of inputs a and b, matrices that node attributes transA and transB turn. */
int infer_matrix_product(const ff_infer *c, int a, int b, int64_t dims[2]) FF_MUST_USE;
int infer_broadcast(const ff_shape *a, const ff_shape *b, ff_shape *out) FF_MUST_USE;
/* The product of dims[from..to); UNKNOWN when one is. */
int infer_product(const int64_t *dims, int from, int to, int64_t *out) FF_MUST_USE;
/* Whole numbers given by attribute (name may be NULL) or else by input (index -1: never): *n is
 * their number, UNKNOWN (an input whose value is not known) or ABSENT. */
int infer_list(const ff_infer *c, const char *attr, int input, int64_t *v, int max, int *n) FF_MUST_USE;
/* Element type given by an INT attribute. */
int infer_dtype_attr(const ff_infer *c, const char *attr, ff_dtype otherwise, ff_dtype *out) FF_MUST_USE;

/* Evaluates a node whose inputs are all known and small, where that helps shapes. *out (n_out
 * entries) stays NULL where it does not. */
void infer_evaluate(const ff_node *n, const ff_tensor *const *in, const ff_shape *in_shapes, const ff_shape *out_shapes,
                    ff_tensor **out);

#endif
