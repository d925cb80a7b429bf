/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetafix/canon.h: the canonical view of a model, only for comparing (DESIGN.md section 4).
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

/* A tensor of the view, and where the original model has it. */
typedef struct ff_cvalue {
    int id;
    int producer;             /* node, or -1: a graph input */
    ff_shape shape;           /* canonical */
    const ff_value *original; /* the value of the model that carries the same numbers, or NULL */
    int perm[FF_MAX_RANK];    /* canonical axis i is axis perm[i] of the original (identity: perm[i] == i) */
    int original_rank;        /* when it differs from shape.rank, the original is the same row-major
                                 data after perm (axes of size 1 dropped or added) */
    int n_users;
    const int *users;         /* nodes, ascending */
} ff_cvalue;

/* A constant operand by its role. */
typedef struct ff_cparam {
    const char *role;         /* "weight", "bias", "scale", "shift", "slope", "operand", ... */
    const ff_tensor *tensor;  /* effective value in the canonical form (float32 where the model is) */
    const ff_value *original; /* the input of `node` in the model from which it comes; NULL: no such
                                 input (a bias that is absent: tensor of zeros) */
    const ff_node *node;      /* the original node that reads it, as Conv */
    bool folded;              /* other original constants went in (batch normalisation, Mul, Add) */
} ff_cparam;

/* Canonical attribute: every one the operator has, defaults made explicit, axes positive. */
typedef struct ff_cattr {
    const char *name;  /* ONNX's own name: "pads", "strides", "min", "axis" */
    enum { FF_CATTR_INTS, FF_CATTR_REALS, FF_CATTR_TEXT } type;
    int n;             /* elements; a scalar has one */
    const int64_t *ints;
    const double *reals;
    const char *text;
    const ff_node *node; /* the original node that decides it (a Pad node, a Clip, the Conv itself) */
} ff_cattr;

typedef struct ff_cnode {
    int id;             /* topological order */
    const char *op;     /* canonical operator: Conv, ConvTranspose, Gemm, Affine (per-channel scale and
                           shift), Clip, MaxPool, AveragePool, Add, Mul, Concat, Softmax, Transpose, Reshape,
                           Resize, ... ; any other keeps its ONNX name */
    int n_inputs;       /* activations only */
    const int *inputs;  /* cvalue ids */
    int n_outputs;
    const int *outputs; /* cvalue ids */
    int n_params;
    const ff_cparam *params;
    int n_attrs;
    const ff_cattr *attrs; /* sorted by name */
    const ff_node *primary;       /* the original node it stands for */
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
    double deviation;    /* largest relative change of a number by refolding; 0 exact */
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
void ff_canon_destroy(ff_canon *c);
/* The canonical node that took the original node in, or -1. */
int ff_canon_of(const ff_canon *c, const ff_node *original);
const ff_cattr *ff_cnode_attr(const ff_cnode *n, const char *name);
const ff_cparam *ff_cnode_param(const ff_cnode *n, const char *role);
char *ff_cattr_format(const ff_cattr *a); /* "[0,0,1,1]", "6"; the caller frees */
/* One line: "Conv 32 3x3 s2 p0,0,1,1"; the caller frees. */
char *ff_cnode_describe(const ff_canon *c, const ff_cnode *n);
/* The original tensor brought into the canonical form of v (transposed, reshaped); new reference. */
int ff_cvalue_from_original(const ff_cvalue *v, const ff_tensor *t, ff_tensor **out) FF_MUST_USE;
/* And back, as for injection. */
int ff_cvalue_to_original(const ff_cvalue *v, const ff_shape *original, const ff_tensor *t,
                          ff_tensor **out) FF_MUST_USE;
/* All rules, for documentation and tests: i from 0 until NULL. */
const char *ff_canon_rule_at(int i, const char **meaning);

#endif
