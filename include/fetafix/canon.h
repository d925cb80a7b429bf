/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetafix/canon.h: the canonical view of a model, only for comparing.
 *
 *     ff_canon_create(plan, &canon)      a graph in one normal form, with a map back
 *     ff_canon_destroy(canon)
 *
 * Rewrites that hold for every input are undone here: two models that differ only by them have equal
 * canonical views. Every application is recorded as "equivalent (rule, where)". A rule whose condition
 * cannot be proved from the graph does not fire. The view is in NCHW; weights are constants, whatever
 * they are wrapped in.
 */
#ifndef FETAFIX_CANON_H
#define FETAFIX_CANON_H

#include "fetafix/exec.h"

/* How canonical data lies in original data: the original's row-major elements seen as `dims`, axes
 * permuted (axis i is axis perm[i] of dims), seen as the canonical shape. For an activation that is
 * NHWC in the model: dims = its shape, perm = 0,3,1,2. Identity: perm[i] == i. */
typedef struct ff_layout {
    int rank;
    int64_t dims[FF_MAX_RANK];
    int perm[FF_MAX_RANK];
} ff_layout;
bool ff_layout_identity(const ff_layout *l); /* the same elements in the same order */
/* The original tensor brought into the canonical shape; new reference. FF_ERR_GRAPH: other count. */
int ff_layout_apply(const ff_layout *l, const ff_tensor *original, int rank, const int64_t *dims,
                    ff_tensor **out) FF_MUST_USE;
/* And back: canonical data into the original's shape. */
int ff_layout_invert(const ff_layout *l, const ff_tensor *canonical, int rank, const int64_t *dims,
                     ff_tensor **out) FF_MUST_USE;

/* A tensor of the view, and where the original model has it. */
typedef struct ff_cvalue {
    int id;
    int producer;             /* node, or -1: a graph input */
    ff_shape shape;           /* canonical */
    const ff_value *original; /* the value of the model that carries the same numbers, or NULL */
    ff_layout layout;         /* how: meaningless without `original` */
    int n_users;
    const int *users; /* nodes, ascending; a node that reads it twice is there once */
} ff_cvalue;

/* A constant operand by its role. */
typedef struct ff_cparam {
    const char *role;         /* "weight", "bias", "scale", "shift", "slope"; "operand": the second of two (either,
                                 where order does not count); "operand N": input N of the operator */
    const ff_tensor *tensor;  /* effective value in the canonical form, float32 where it is real */
    const ff_value *original; /* the value of the model that `node` reads and that this comes from (an
                                 initializer, or what a chain of foldable nodes makes); NULL: there is
                                 none (a bias that is absent: zeros) */
    const ff_node *node;      /* the original node that reads it: the Conv, or an Add that became its bias */
    int input;                /* which input of `node`; -1 when original is NULL */
    ff_layout layout;         /* original -> tensor, by position (MatMul's [K,N] is transposed here) */
    bool folded;              /* other constants went in (batch normalisation, Mul, Add): the numbers of
                                 `original` are not those of `tensor` */
} ff_cparam;

/* Canonical attribute: every one the operator has, defaults made explicit, axes positive. */
typedef struct ff_cattr {
    const char *name; /* ONNX's own name: "pads", "strides", "min", "axis" */
    enum { FF_CATTR_INTS, FF_CATTR_REALS, FF_CATTR_TEXT } type;
    int n; /* elements; a scalar has one */
    const int64_t *ints;
    const double *reals;
    const char *text;
    const ff_node *node; /* the original node that decides it (a Pad node, a Clip, the Conv itself) */
} ff_cattr;

typedef struct ff_cnode {
    int id;            /* topological order */
    const char *op;    /* canonical operator; any that is not named here keeps its ONNX name:
                           Conv, ConvTranspose  weight (as ONNX), bias (always there)
                           Gemm                 over the last axis: weight [N,K], bias [N] (one that does not
                                                fit keeps its attributes: transA, alpha, ...)
                           Affine               per channel (axis 1): scale [C], shift [C]
                           Clip                 min, max (infinite when absent): Relu, Relu6, Min, Max
                           GlobalAveragePool, GlobalMaxPool; AveragePool, MaxPool: explicit pads
                           Reshape              shape: Flatten, Squeeze, Unsqueeze, Reshape
                           Add, Mul, ...        with a constant that is not per channel: "operand"
                           HardSigmoid, HardSwish, Swish, Gelu: written out or not
                           LayerNormalization   scale, bias over the last axes; axis, epsilon: written out or not
                           Scale                factor: of a product of two activations (attention) */
    int n_inputs;      /* activations only */
    const int *inputs; /* cvalue ids */
    int n_outputs;
    const int *outputs; /* cvalue ids */
    int n_params;
    const ff_cparam *params;
    int n_attrs;
    const ff_cattr *attrs;  /* sorted by name */
    const ff_node *primary; /* the original node it stands for */
    int n_origins;
    const ff_node *const *origins; /* all original nodes absorbed, primary included, graph order */
} ff_cnode;

/* One application of a rule. */
typedef struct ff_equivalence {
    const char *rule;    /* static short name: "pad-into-conv", "batchnorm-fold", "relu6-clip" */
    const char *meaning; /* static, one line in words */
    int cnode;           /* node of the view it ended in, or -1 (removed altogether) */
    int n_nodes;
    const ff_node *const *nodes;
    double deviation; /* largest relative change of a number by refolding; 0 exact */
} ff_equivalence;

typedef struct ff_canon {
    const ff_plan *plan;
    int n_nodes, n_values, n_inputs, n_outputs, n_equivalences;
    const ff_cnode *nodes;
    const ff_cvalue *values;
    const int *inputs, *outputs; /* cvalue ids */
    const ff_equivalence *equivalences;
    struct ff_canon_private *priv;
} ff_canon;

/* From a plan (its shapes and folded constants). References the plan. */
int ff_canon_create(ff_plan *p, ff_canon **out) FF_MUST_USE;
/* The same, for comparing two models: an output that nodes read as well (an intermediate result that a conversion left
 * exposed) is none of the view, where others are: it keeps no rule from its work. */
int ff_canon_create_ends(ff_plan *p, ff_canon **out) FF_MUST_USE;
void ff_canon_destroy(ff_canon *c);
/* The canonical node that took the original node in, or -1. */
int ff_canon_of(const ff_canon *c, const ff_node *original);
const ff_cattr *ff_cnode_attr(const ff_cnode *n, const char *name);
const ff_cparam *ff_cnode_param(const ff_cnode *n, const char *role);
char *ff_cattr_format(const ff_cattr *a); /* "[0,0,1,1]", "6"; the caller frees */
/* One line: "Conv 32 3x3 s2 p0,0,1,1"; the caller frees. */
char *ff_cnode_describe(const ff_canon *c, const ff_cnode *n);
/* The original's tensor brought into the canonical form of v; new reference. */
int ff_cvalue_from_original(const ff_cvalue *v, const ff_tensor *t, ff_tensor **out) FF_MUST_USE;
/* And back, as for injection: the shape is that of the original value. */
int ff_cvalue_to_original(const ff_cvalue *v, const ff_shape *original, const ff_tensor *t,
                          ff_tensor **out) FF_MUST_USE;
/* The same for a parameter: as for writing a Source's weights into a Target (not when `folded`). */
int ff_cparam_to_original(const ff_cparam *p, const ff_tensor *canonical, ff_tensor **out) FF_MUST_USE;
/* Rows of a larger constant of the model (query, key or value of one matrix for all three). */
bool ff_cparam_is_part(const ff_canon *c, const ff_cparam *p);
/* All rules, for documentation and tests: i from 0 until NULL. */
const char *ff_canon_rule_at(int i, const char **meaning);

#endif
