/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetafix/compute.h: arithmetic. One reference kernel in plain C for each operator behind one
 * registry, and oneDNN primitives for the few where that pays (src/exec/dnn.h).
 *
 *     ff_kernel_find(node, &k)                 greatest version not above the node's opset
 *     ff_kernel_run(k, node, in, n, out, m)    allocates the outputs and computes them
 *
 * A kernel is a pure function of its inputs and attributes (random operators use their `seed`). It
 * keeps no state, runs on the calling thread, and may be called from many threads at once.
 */
#ifndef FETAFIX_COMPUTE_H
#define FETAFIX_COMPUTE_H

#include "fetafix/model.h"

/* Where a kernel finds what is outside its own inputs. Any member may be NULL. */
typedef struct ff_kernel_env {
    /* Runs a subgraph (If, Loop, Scan bodies). Inputs are bound in the order of graph->inputs,
     * values of the enclosing graphs are looked up by the caller who made this environment. */
    int (*run_graph)(struct ff_kernel_env *env, const ff_graph *g, const ff_tensor *const *in, int n_in,
                     ff_tensor **out, int n_out);
    void *context;
    const ff_task *task; /* cancel is asked by kernels that loop */
    /* Bounds on what a small model may ask for; 0: the defaults below. */
    uint64_t memory_limit;   /* bytes of one output */
    int64_t iteration_limit; /* rounds of one Loop or Scan */
    int64_t *rounds_left;    /* of all loops together, inner ones included; counted down; NULL: no limit */
    bool over_limit;         /* set by kernels: they asked for more than memory_limit */
} ff_kernel_env;
#define FF_KERNEL_MEMORY_LIMIT    (UINT64_C(2) << 30)
#define FF_KERNEL_ITERATION_LIMIT (INT64_C(1) << 20)

/* One call of a kernel. */
typedef struct ff_kernel_call {
    const ff_node *node;
    const ff_tensor *const *in; /* NULL: left out */
    int n_in;
    ff_tensor **out; /* NULL on entry, set to new tensors */
    int n_out;
    ff_kernel_env *env; /* never NULL inside a kernel */
    uint64_t text;      /* bytes of the longest strings of the inputs together: what a string made of them may take */
} ff_kernel_call;

typedef struct ff_kernel {
    const char *domain, *op;
    int since; /* first opset this row serves; the next row of the same operator ends it */
    /* Checks ranks, types, indices and sizes itself: nothing is written out of bounds whatever the
     * inputs are. */
    int (*run)(ff_kernel_call *call);
} ff_kernel;

/* FF_ERR_UNSUPPORTED names operator, node and opset. */
int ff_kernel_find(const ff_node *node, const ff_kernel **out) FF_MUST_USE;
const ff_kernel *ff_kernel_at(int i); /* all rows: i from 0 until NULL */
/* Calls the kernel, which checks its inputs. On failure no output stays allocated. Errors name the
 * node; what a model asks for beyond the limits is FF_ERR_GRAPH. `env` may be NULL. */
int ff_kernel_run(const ff_kernel *k, const ff_node *node, const ff_tensor *const *in, int n_in, ff_tensor **out,
                  int n_out, ff_kernel_env *env) FF_MUST_USE;
/* Runs a graph node by node with the reference kernels. feeds[i] belongs to g->inputs[i], out[]
 * gets g->n_outputs new references. `scope`: the values of the enclosing graphs by their id
 * (ff_model_values() entries, NULL entries where there is none; borrowed), NULL for a main graph: a
 * caller who runs the main graph itself serves its nodes' ff_kernel_env.run_graph with this. Of
 * `env` (may be NULL) the task and the limits are taken. */
int ff_interpret(const ff_graph *g, const ff_tensor *const *feeds, const ff_tensor *const *scope,
                 const ff_kernel_env *env, ff_tensor **out) FF_MUST_USE;
/* Floating-point (multiply and add count two) operations of one node at these shapes. */
double ff_node_flops(const ff_node *node, const ff_shape *in, const ff_shape *out);
/* What results may depend on, to be kept with them: "onednn 2.6.3 avx512_core" or "reference". */
const char *ff_compute_backend(bool reference);

#endif
