/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetafix/compute.h: arithmetic. One reference kernel in plain C for each operator behind one
 * registry, and oneDNN primitives for the few where that pays (src/compute/fast.h, used by exec).
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
    /* Runs a subgraph (If, Loop, Scan bodies). Inputs are bound in the order of graph->inputs, values of
     * the enclosing graphs are looked up by the caller who made this environment. */
    int (*run_graph)(struct ff_kernel_env *env, const ff_graph *g, const ff_tensor *const *in,
                     int n_in, ff_tensor **out, int n_out);
    void *context;
    const ff_task *task; /* cancel is asked by kernels that loop */
} ff_kernel_env;

typedef struct ff_kernel {
    const char *domain, *op;
    int since; /* first opset this row serves; the next row of the same operator ends it */
    /* in[i] NULL: left out. Sets out[i] (n_out entries, NULL on entry) to new tensors. */
    int (*run)(const ff_node *node, const ff_tensor *const *in, int n_in, ff_tensor **out, int n_out,
               ff_kernel_env *env);
} ff_kernel;

/* FF_ERR_UNSUPPORTED names operator, node and opset. */
int ff_kernel_find(const ff_node *node, const ff_kernel **out) FF_MUST_USE;
const ff_kernel *ff_kernel_at(int i); /* all rows: i from 0 until NULL */
/* Checks the inputs against the operator (through its shape inference) and calls the kernel. On
 * failure no output stays allocated. Errors name the node. */
int ff_kernel_run(const ff_kernel *k, const ff_node *node, const ff_tensor *const *in, int n_in,
                  ff_tensor **out, int n_out, ff_kernel_env *env) FF_MUST_USE;
/* Floating-point (multiply and add count two) operations of one node at these shapes. */
double ff_node_flops(const ff_node *node, const ff_shape *in, const ff_shape *out);
/* What results may depend on, to be kept with them: "onednn 2.6.3 avx512_core" or "reference". */
const char *ff_compute_backend(bool reference);

#endif
