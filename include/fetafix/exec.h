/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetafix/exec.h: graphs to plans, plans to results.
 *
 *     ff_plan_create(model, &options, &plan)      shapes fixed, constants folded, primitives made
 *     ff_runner_create(plan, &runner)             one per worker: buffers and scratchpad
 *     ff_run(runner, feeds, &hooks, &outputs)     one sample
 *     ff_runner_destroy, ff_plan_unref
 *
 * Every value of a plan has a **key**: SHA-256 over the operator, its effective attributes, the
 * keys of its inputs and the contents of its constants, down to the graph input (by position, type
 * and dims). Equal keys mean bit-equal values for the same sample, in whatever model they occur. So
 * suffix re-execution, checkpoints, undo, parts that Source and Target share, and edits that change
 * nothing are all one mechanism: what has a known key need not be run.
 *
 * A result depends on the model, the sample and the backend only: not on batch, threads, hooks,
 * checkpoints or timing.
 */
#ifndef FETAFIX_EXEC_H
#define FETAFIX_EXEC_H

#include "fetafix/model.h"

typedef struct ff_plan ff_plan;
typedef struct ff_runner ff_runner;
typedef struct ff_store ff_store;

#define FF_EVERY_OUTPUT "*"
typedef struct ff_plan_options {
    bool reference;        /* plain C kernels for everything */
    bool observe;          /* unfused: every value of the main graph can be observed and injected */
    const ff_shape *feeds; /* one per graph input; NULL: as declared, symbolic dims 1 */
    const char *output;    /* the output that is read; NULL: the first; FF_EVERY_OUTPUT: all of them */
    int n_outputs;         /* or: these values are the outputs (any value of the main graph) */
    const char *const *outputs;
    /* Bytes for folded constants, and for the values of a run; 0: half of the machine's memory. A
     * model that asks for more is FF_ERR_GRAPH. */
    uint64_t memory_limit;
    ff_cancel *cancel; /* asked while the plan is made */
} ff_plan_options;

/* FF_ERR_UNSUPPORTED, FF_ERR_GRAPH (shapes do not fit, or are beyond the memory limit: names the
 * node) or FF_ERR_NOMEM. Plans are
 * immutable; primitives and packed weights are shared among plans through a process-wide cache. */
int ff_plan_create(const ff_model *m, const ff_plan_options *options, ff_plan **out) FF_MUST_USE;
ff_plan *ff_plan_ref(const ff_plan *p);
void ff_plan_unref(const ff_plan *p);

const ff_model *ff_plan_model(const ff_plan *p);
int ff_plan_inputs(const ff_plan *p);
const ff_shape *ff_plan_input_shape(const ff_plan *p, int i);
int ff_plan_outputs(const ff_plan *p);
const ff_value *ff_plan_output(const ff_plan *p, int i);
/* Shape of any value; rank -1 where it depends on data. */
const ff_shape *ff_plan_shape(const ff_plan *p, const ff_value *v);
/* The folded tensor of a value that does not depend on the inputs, else NULL (borrowed). */
const ff_tensor *ff_plan_constant(const ff_plan *p, const ff_value *v);
const ff_key *ff_plan_key(const ff_plan *p, const ff_value *v);
/* Names what v is as a function of `from`, which its operator reads, however large. Where two plans agree in it,
 * and the same bits come for `from`, v has the same bits. False: v depends on more than that and
 * constants, is further away, or such things are not known of its operator. */
bool ff_plan_local_key(const ff_plan *p, const ff_value *v, const ff_value *from, ff_key *out);
const ff_key *ff_plan_output_key(const ff_plan *p); /* over all outputs: the state of the model */
double ff_plan_flops(const ff_plan *p);             /* of one whole run */
double ff_plan_node_flops(const ff_plan *p, const ff_node *n);

/* For ff_pool_create's `enter`: one OpenMP thread for this thread. Plans and runs see to it
 * themselves; a pool that does it first saves threads that would never be used. */
void ff_exec_enter_thread(void);

/* Any hook may be NULL. Values are plain row-major tensors, valid during the call (ref to keep).
 * ask and inject are called when the run starts, in the order of the graph; give as values come. */
typedef struct ff_hooks {
    void *context;
    /* Is this value wanted? Asked once a run for each value that does not depend on constants
     * alone. An observe plan computes what is asked for, even if no output needs it; a score plan
     * asks only for what it computes anyway. Graph inputs are asked for, too. */
    bool (*ask)(void *context, const ff_value *v);
    /* A value that was asked for. Non-OK ends the run with that code; FF_STOP ends it with FF_OK
     * (outputs stay NULL). */
    int (*give)(void *context, const ff_value *v, const ff_tensor *t);
    /* The tensor to put in place of v's (same type and dims; borrowed until the run ends), or NULL.
     * Observe plans only. When everything a node makes is injected or not needed, the node does not
     * run. `give` sees injected values too. */
    const ff_tensor *(*inject)(void *context, const ff_value *v);
    /* Right behind `give`, for each value that was asked for: the tensor that readers see from here on in place of t
     * (same type and dims; a new reference, taken over), or NULL: t itself. So each node can be fed with other values
     * than those that the nodes before it made. Observe plans only, without a store. */
    ff_tensor *(*alter)(void *context, const ff_value *v, const ff_tensor *t);
    ff_cancel *cancel; /* asked between two nodes */
} ff_hooks;
#define FF_STOP 1

int ff_runner_create(const ff_plan *p, ff_runner **out) FF_MUST_USE;
void ff_runner_destroy(ff_runner *r);
const ff_plan *ff_runner_plan(const ff_runner *r); /* borrowed */
/* One sample. feeds: one tensor per plan input, matching type and dims. outputs: ff_plan_outputs()
 * new references. `store` and `sample` (number of the image): where kept activations are read and
 * written; NULL for none. Of what is injected, and all that it reaches, nothing is read or kept. */
int ff_run(ff_runner *r, const ff_tensor *const *feeds, const ff_hooks *hooks, ff_store *store, int sample,
           ff_tensor **outputs) FF_MUST_USE;
/* Floating-point operations really run by this runner since it was made. */
double ff_runner_flops(const ff_runner *r);
/* Milliseconds per operator type, for benches: calls report(context, op, calls, ms) for each, and for
 * "(activations shown)". When a runner ends it is added to ff_spend's "run". */
void ff_runner_profile(const ff_runner *r, void (*report)(void *, const char *, long, double), void *context);

/* Checkpoints: activations by (key, sample) within a budget of bytes. Thread-safe. What is kept is
 * chosen by cost and size at narrow points of the plan that is `kept for`. */
ff_store *ff_store_create(uint64_t budget_bytes);
void ff_store_destroy(ff_store *s);
/* Chooses the values of p worth keeping for `samples` images within the budget (cost saved per
 * byte); what was kept and is still useful stays. Called when a new base state is reached. */
void ff_store_choose(ff_store *s, const ff_plan *p, int samples);
/* The same for runs that go on from what was run to make ends[0], and so on. */
void ff_store_choose_for(ff_store *s, const ff_plan *p, int samples, const ff_value *const *ends, int n);
/* The store for a run of p on samples out of `inputs`: s, where it is about those, else NULL (of NULL, too). The first who
 * asks says whose samples they are, and has the choice made for its plan: what it leaves there, others start from. */
ff_store *ff_store_for(ff_store *s, const ff_key *inputs, const ff_plan *p, int samples);
/* What `behind` keeps of the same samples is read where s has nothing (borrowed; NULL: not any more). */
void ff_store_set_behind(ff_store *s, ff_store *behind);
/* Drops what is kept of the samples; what is worth keeping stays chosen. */
void ff_store_empty(ff_store *s);
uint64_t ff_store_bytes(const ff_store *s);

#endif
