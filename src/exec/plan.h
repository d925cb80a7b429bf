/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a plan is made of. Private to src/exec.
 *
 *     plan.c          puts it together; queries
 *     resolve.c       shapes of all values, constants folded
 *     match.c         what a node is: its constants, window, clip, pool
 *     fuse.c          chains: a convolution with what is computed in one go with it
 *     weights.c       weights of chains
 *     keys.c          names of values by content
 *     build*.c        steps and the layouts between them: of chains, of single primitives
 *     buffers.c       where in a runner's arena each value lies
 *     run.c, reps.c   runners
 *     graphs.c        nodes with subgraphs
 *     store.c         checkpoints
 *     cuts.c          which values are worth one
 *     cache.c         what plans share: primitives, packed weights, folded constants
 *     dnn*.c          oneDNN
 *
 * A value has *representations*: bytes in some layout. The first is the one its step writes; others
 * are made from it where a consumer wants another. Besides, any value can be had as a plain tensor.
 *
 * Which chains there are depends on the graph alone, never on the kind of plan or on what is
 * observed, and the value behind every link of a chain has one definition: a convolution with
 * folded weights, plus the residual, clipped. So a score plan, which computes the end of the chain
 * only, and an observe plan, which can show every link, give the same bits.
 */
#ifndef FF_EXEC_PLAN_H
#define FF_EXEC_PLAN_H

#include "exec/dnn.h"
#include "fetafix/compute.h"
#include "fetafix/exec.h"

typedef enum rep_kind {
    REP_TENSOR, /* the bytes of the plain tensor */
    REP_BUFFER, /* a place in the arena */
    REP_ALIAS,  /* another value's bytes, seen otherwise */
} rep_kind;

typedef struct rep {
    rep_kind kind;
    dnn_layout layout;
    size_t bytes;
    size_t offset;  /* REP_BUFFER */
    int value, rep; /* REP_ALIAS */
    bool placed;    /* has an offset; constants in another layout have not */
} rep;

typedef struct pvalue {
    const ff_value *value; /* NULL: made by the plan */
    ff_shape shape;
    bool fixed;  /* all dims known */
    bool live;   /* an output depends on it (observe: some graph output does) */
    bool wanted; /* an output of the plan */
    bool has_key;
    ff_key key;
    const ff_tensor *constant; /* owned */
    int feed;                  /* plan input, or -1 */
    int step, own;             /* steps that make it: fused, and by its node alone; or -1 */
    int last_use;              /* the last step that may read it; INT_MAX for outputs */
    int n_reps, reps_capacity;
    rep *reps;
} pvalue;

typedef struct port {
    int value, rep; /* rep -1: as a plain tensor */
} port;

typedef enum step_kind {
    STEP_NODE,    /* reference kernel on tensors */
    STEP_RESHAPE, /* tensor with other dims */
    STEP_VIEW,    /* alias: nothing to do */
    STEP_CONV,    /* in[0] source, in[1] residual when fused */
    STEP_SIMPLE,  /* one source, one destination: pool, clip */
    STEP_BINARY,  /* two sources */
    STEP_PRODUCT, /* two sources: matrices */
    STEP_CONCAT,  /* n sources */
} step_kind;

typedef struct step {
    step_kind kind;
    const ff_node *node; /* the last of those computed: for messages */
    const char *op;      /* what takes the time: for profiles */
    int n_in, n_out;
    port *in;     /* value -1: input left out; constants too (STEP_NODE) */
    port *out;    /* value -1: output not wanted */
    int n_hidden; /* values computed on the way and not kept: an injected one rules this step out */
    int *hidden;
    dnn_prim *prim;
    dnn_packed *weights;
    const ff_tensor *bias;
    bool in_place; /* the residual's bytes become the result's */
    const ff_kernel *kernel;
    int n_captures; /* values that subgraphs read from outside, after the n_in inputs */
    double flops;
} step;

/* A node of a chain, and the value behind it: y = clip(conv(x, W * scale) + shift + residual). */
typedef struct chain_link {
    const ff_node *node;
    int value;
    double *scale; /* per output channel; NULL: ones */
    double *shift; /* NULL: none */
    int residual;  /* value, or -1 */
    bool clip;
    float low, high;
} chain_link;

typedef struct chain {
    const ff_node *base;
    dnn_conv conv;   /* geometry; bias, sum and clip are the links' */
    bool dense;      /* Gemm or MatMul: rows are positions of a 1x1 convolution */
    bool transposed; /* dense: the weights are [K, N] */
    const ff_tensor *weights;
    const ff_tensor *made; /* owned: weights that are not in the model */
    int channels, axis;    /* axis of the channels in the chain's values */
    int input;             /* value read, after what was absorbed */
    bool permuted;         /* a Transpose between an absorbed Pad and the convolution */
    int perm[FF_MAX_RANK];
    int n_before; /* values absorbed in front: of Pad, Transpose */
    int before[2];
    int n_links;
    chain_link *links;
    int last, bare; /* links: the last live one, the last before the clips */
    bool split;     /* the clips are steps of their own */
    int view;       /* the plan's value that the convolution reads; -1 not made yet */
} chain;

struct ff_plan {
    atomic_int refs;
    const ff_model *model;
    bool reference, observe;
    int n_values, values_capacity; /* the model's, then the plan's own */
    pvalue *values;
    int n_steps, steps_capacity;
    step *steps;
    int n_chains;
    chain *chains;
    int *chain_of, *link_of; /* by index of the node in the main graph; -1 */
    int n_inputs, n_outputs;
    int *inputs, *outputs; /* values */
    ff_key output_key;
    double *node_flops; /* by index in the main graph */
    size_t n_memos, memos_capacity;
    ff_item **memos; /* keeps what was worked out in the cache, for the next plan */
    double flops;
    size_t arena_bytes, scratch_bytes;
    uint64_t memory_limit, constant_bytes; /* the latter without initializers */
    int64_t rounds_left;                   /* of loops, while constants are folded */
    ff_cancel *cancel;                     /* while the plan is made */
};

/* plan.c: the plan takes the reference. */
void plan_keep(ff_plan *p, ff_item *item);
/* resolve.c: fills shape, fixed, live, constant of all values. */
int plan_resolve(ff_plan *p, const ff_shape *feeds);
/* fuse.c */
void plan_find_chains(ff_plan *p);
/* weights.c */
/* A chain's weights at a link, scaled, as [O, I, ...]: named by content, the data only when needed.
 */
typedef struct link_weights {
    const chain *chain;
    const chain_link *link;
    ff_item *memo;
    ff_key key;
    float *owned;
} link_weights;
int chain_weights(const chain *c, const chain_link *l, link_weights *out) FF_MUST_USE;
const float *link_weights_data(void *link_weights); /* NULL: out of memory, message set */
void link_weights_finish(link_weights *w);
/* keys.c */
int plan_make_keys(ff_plan *p);
ff_key plan_node_key(const ff_node *n, const ff_key *const *in, const char *backend);
/* build.c */
int plan_build_steps(ff_plan *p);
/* buffers.c: FF_ERR_GRAPH beyond the limit, before memory is taken. */
int plan_place_buffers(ff_plan *p);
/* graphs.c */
bool node_has_graphs(const ff_node *n);
/* Calls visit for each value of an enclosing graph that the node's subgraphs read. */
void node_captures(const ff_node *n, void (*visit)(void *context, const ff_value *v), void *context);
int graphs_check(const ff_node *n); /* every operator inside has a kernel */
/* Runs a node with subgraphs; lookup gives the tensors of the enclosing graph's values. */
int graphs_run_node(const ff_kernel *k, const ff_node *n, const ff_tensor *const *in, ff_tensor **out,
                    const ff_tensor *(*lookup)(void *context, const ff_value *v), void *context,
                    const ff_kernel_env *limits);
/* What a kernel may still take where `used` bytes are taken. */
uint64_t plan_memory_left(const ff_plan *p, uint64_t used);
int plan_check_cancel(const ff_plan *p); /* while it is made */

static inline int64_t shape_count(const ff_shape *s)
{
    int64_t n = 1;

    for (int i = 0; i < s->rank; i++)
        if (__builtin_mul_overflow(n, s->dims[i], &n))
            return INT64_MAX;
    return n;
}

static inline bool shape_fixed(const ff_shape *s)
{
    if (s->rank < 0 || s->dtype == FF_UNDEFINED)
        return false;
    for (int i = 0; i < s->rank; i++)
        if (s->dims[i] < 0)
            return false;
    return true;
}

/* Whether a tensor's data are its elements (not pointers to strings or to other tensors). */
static inline bool dtype_is_bytes(ff_dtype t)
{
    return t != FF_STRING && t < FF_DTYPE_COUNT;
}

/* cuts.c: which values of p are worth keeping for `samples` samples within a budget of bytes; by value, the caller frees
 * it. `ends`: the steps up to which was run, and behind which runs will go on; NULL:
 * anywhere. */
bool *cuts_choose(const ff_plan *p, int samples, uint64_t budget, const int *ends, int n_ends);

/* store.c, for runners. Entries are immutable and counted. */
typedef struct kept {
    atomic_int refs;
    dnn_layout layout;
    bool plain; /* a tensor's bytes: layout is unused */
    size_t bytes;
    void *data;
} kept;
bool store_wants(ff_store *s, const ff_key *key, int sample, size_t bytes);
kept *store_get(ff_store *s, const ff_key *key, int sample); /* new reference or NULL */
void store_put(ff_store *s, const ff_key *key, int sample, const dnn_layout *layout, const void *data, size_t bytes);
void kept_unref(kept *k);

#endif
