/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a node is, as far as plans care. Private to src/exec. */
#ifndef FF_EXEC_MATCH_H
#define FF_EXEC_MATCH_H

#include <string.h>

#include "exec/plan.h"

static inline bool match_op(const ff_node *n, const char *op)
{
    return !*n->domain && strcmp(n->op, op) == 0;
}

static inline bool match_input(const ff_node *n, int i)
{
    return i < n->n_inputs && n->inputs[i];
}

/* The only reader of a value that nobody else can see, or NULL. */
const ff_node *match_only_reader(const ff_value *v);
const ff_tensor *match_constant(const ff_plan *p, const ff_node *n, int input); /* NULL: it is none */
/* A float32 value of known shape, not empty, not constant. */
bool match_float_value(const ff_plan *p, int value);
bool match_float_tensor(const ff_tensor *t); /* NULL is none */
/* Values of t, which is constant, along `axis` of a value of that shape; false when it varies along
 * another axis. out has the axis' length. */
bool match_per_channel(const ff_tensor *t, const ff_shape *shape, int axis, double *out);
/* low and high of a Relu, Clip, Max or Min with constants, and the input that is clipped. */
bool match_clip(const ff_plan *p, const ff_node *n, int *input, float *low, float *high);
/* Strides, dilations and pads of a node with a window; false where they make no sense. */
bool match_window(const ff_node *n, int spatial, const int64_t *in, const int64_t *kernel, int64_t *strides,
                  int64_t *dilations, int64_t *begin, int64_t *end);
int64_t match_window_out(int64_t in, int64_t kernel, int64_t stride, int64_t dilation, int64_t pads);
/* Pads (2 * rank) of a node that pads with zeros; NULL when it does anything else. */
const int64_t *match_zero_pads(const ff_plan *p, const ff_node *n, int rank);
bool match_permutation(const ff_node *n, int rank, int *perm); /* of a Transpose */
/* Max, average and global pools, and means over all spatial axes. *input is the value that is
 * pooled: what a Pad with zeros in front of an average pool reads, where its padding can be the
 * pool's own. */
bool match_pool(const ff_plan *p, const ff_node *n, dnn_pool *out, int *input);
/* Whether a node only shows its input with other dims, or permuted. */
typedef enum view_kind { VIEW_NONE, VIEW_RESHAPE, VIEW_PERMUTE } view_kind;
view_kind match_view(const ff_plan *p, const ff_node *n, int perm[FF_MAX_RANK]);

#endif
