/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A runner, and the values in it as representations and tensors. Private to run.c and reps.c. */
#ifndef FF_EXEC_RUNNER_H
#define FF_EXEC_RUNNER_H

#include "exec/plan.h"

/* A reorder to one layout, kept from run to run. */
typedef struct live_reorder {
    dnn_prim *prim; /* NULL: none yet */
    dnn_layout from;
} live_reorder;

/* A representation in this runner. */
typedef struct live_rep {
    bool valid;
    void *data;  /* when valid */
    void *spare; /* owned: room for values that come from outside and have no place */
    dnnl_memory_t memory;
    void *handle; /* the memory's */
    live_reorder reorder;
} live_rep;

/* A value in this run. */
typedef struct live_value {
    bool needed, asked, injected, available;
    bool touched;      /* injected, or made of what is (said where there is a store) */
    ff_tensor *tensor; /* plain, when there is one */
    uint64_t counted;  /* bytes of it in the runner's tensor_bytes */
    kept *kept;
} live_value;

typedef struct live_step {
    bool chosen;
    dnnl_memory_t weights, bias, scratch;
    long calls;
    int64_t ns;
} live_step;

struct ff_runner {
    ff_plan *plan;
    char *arena, *scratch;
    size_t arena_bytes, scratch_bytes;
    dnnl_stream_t stream;
    live_value *values;
    live_reorder *shows; /* by value: to a plain tensor */
    live_rep **reps;     /* by value */
    live_rep *all_reps;
    size_t n_reps;
    live_step *steps;
    int *expiring; /* first value whose last use is this step, then next_expiring */
    int *next_expiring;
    double flops;
    long shown; /* activations for `give`: made plain in show_ns */
    int64_t show_ns;
    uint64_t tensor_bytes; /* made by kernels in this run and alive */
    int64_t rounds_left;   /* of loops in this run */
    const ff_hooks *hooks;
};

/* Bytes for a runner's values, from an earlier runner where there are some: *size may come out
 * larger. */
void *arena_take(size_t *size);
void arena_give(void *data, size_t size);

int runner_need_scratch(ff_runner *r, size_t bytes) FF_MUST_USE;
/* Makes a representation of a value valid, from whatever there is of it. */
int runner_rep(ff_runner *r, int value, int at) FF_MUST_USE;
/* Says where the bytes of a representation are. */
int runner_set_data(ff_runner *r, int value, int at, void *data) FF_MUST_USE;
/* The value as a plain tensor (borrowed: the runner keeps it until its last use). */
int runner_tensor(ff_runner *r, int value, const ff_tensor **out) FF_MUST_USE;

#endif
