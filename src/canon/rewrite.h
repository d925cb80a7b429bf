/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rewrite.h: the graph that the rules rewrite, private to src/canon.
 *
 *     cg_import(plan, &g)     every node of the model as it stands, constants as values
 *     cg_rewrite(g)           the rules, until none fires
 *     cg_freeze(g, &canon)    the public view
 *     cg_destroy(g)
 *
 * A node's constants are inputs whose value has `constant`; no two nodes share such a value, so
 * that a rule may replace it. Activations say which value of the model carries their numbers,
 * constants which input of which original node they come from. Folded constants are kept as float64
 * until the end.
 */
#ifndef FETAFIX_CANON_REWRITE_H
#define FETAFIX_CANON_REWRITE_H

#include "fetafix/canon.h"

typedef struct cg_node cg_node;
typedef struct cg_value cg_value;
typedef struct cg_graph cg_graph;

struct cg_value {
    ff_shape shape;
    cg_node *producer;         /* NULL: graph input or constant */
    int input;                 /* number of the graph input, or -1 */
    const ff_tensor *constant; /* the graph holds the reference */
    const ff_value *original;
    ff_layout layout;
    const ff_node *reader; /* constants: the original node that reads it, at input reader_input */
    int reader_input;
    bool folded;
    cg_node **users; /* one entry a use */
    int n_users;
    size_t users_capacity;
    int outputs; /* how often it is a graph output */
    int id;      /* set by freezing */
};

struct cg_node {
    const char *op;
    int n_in, n_out;
    cg_value **in;  /* NULL entries: left out */
    cg_value **out; /* NULL entries: not wanted */
    ff_cattr *attrs;
    int n_attrs;
    const ff_node *primary;
    const ff_node **origins;
    int n_origins;
    size_t origins_capacity;
    cg_node *prev, *next; /* topological order */
    cg_node *into;        /* dead: the node that took it in */
    cg_node *made;        /* the node made before it: all nodes, dead ones too */
    bool dead;
    bool formed; /* its one spelling was found (where the attributes do not tell) */
    int id;
};

typedef struct cg_record {
    const char *rule, *meaning;
    cg_node *node;
    int n_nodes;
    const ff_node **nodes;
    double deviation;
} cg_record;

struct cg_graph {
    ff_arena *arena;
    ff_plan *plan;
    cg_node *first, *last, *made;
    int n_nodes;
    int n_inputs, n_outputs;
    cg_value **inputs, **outputs;
    cg_value **values;
    size_t n_values, values_capacity;
    const ff_tensor **tensors;
    size_t n_tensors, tensors_capacity;
    cg_record *records;
    size_t n_records, records_capacity;
    int code; /* failure inside a rule: FF_ERR_NOMEM */
};

/* A rule looks at one node and may rewrite around it. True: it fired (and recorded itself). */
typedef struct cg_rule {
    const char *name, *meaning;
    bool (*apply)(cg_graph *g, cg_node *n, const struct cg_rule *self);
} cg_rule;

/* One table a file, ended by a row without name; listed in rules.c by stage. */
extern const cg_rule cg_form_rules[], cg_noop_rules[], cg_late_noop_rules[], cg_pad_rules[], cg_activation_rules[],
    cg_written_rules[], cg_affine_rules[], cg_linear_rules[], cg_pool_rules[], cg_shape_rules[], cg_layout_rules[],
    cg_grouped_rules[], cg_select_rules[], cg_resize_rules[], cg_norm_rules[], cg_attention_rules[],
    cg_sequence_rules[], cg_quantized_rules[], cg_fused_rules[], cg_einsum_rules[], cg_sum_rules[], cg_block_rules[],
    cg_regroup_rules[], cg_omitted_rules[];

int cg_import(ff_plan *p, bool ends_only, cg_graph **out) FF_MUST_USE;
int cg_rewrite(cg_graph *g) FF_MUST_USE;
int cg_freeze(cg_graph *g, ff_canon **out) FF_MUST_USE;
void cg_destroy(cg_graph *g);

/* ------------------------------------------------------------------------------- graph.c */

cg_value *cg_value_create(cg_graph *g, const ff_shape *shape);
/* Takes the caller's reference of t. `like` (may be NULL) gives provenance. */
cg_value *cg_constant(cg_graph *g, const ff_tensor *t, const cg_value *like);
/* The tensor as float64 (new tensor that may be written, owned by the graph with cg_constant), or
 * NULL with g->code set. dims may be NULL with rank -1: those of t. */
ff_tensor *cg_reals(cg_graph *g, const ff_tensor *t);
ff_tensor *cg_reals_new(cg_graph *g, int rank, const int64_t *dims);
/* A node before (after) `at`, with one output of that shape; origins taken over by the caller. */
cg_node *cg_insert_before(cg_graph *g, cg_node *at, const char *op, const ff_node *primary, int n_in);
cg_node *cg_insert_after(cg_graph *g, cg_node *at, const char *op, const ff_node *primary, int n_in);
void cg_set_in(cg_node *n, int i, cg_value *v);
void cg_set_inputs(cg_graph *g, cg_node *n, int count); /* longer (NULL) or shorter */
/* n computes `op` of these, without attributes. */
void cg_become(cg_graph *g, cg_node *n, const char *op, int n_in, cg_value *const *in);
void cg_set_out(cg_graph *g, cg_node *n, int i, cg_value *v);
/* All users and graph outputs of `from` read `to`. */
void cg_replace_value(cg_graph *g, cg_value *from, cg_value *to);
/* Takes the node out; its outputs must be unused. `into` (may be NULL) takes its origins. */
void cg_remove(cg_graph *g, cg_node *n, cg_node *into);
/* Takes out what led to v alone, if nothing reads v any more. */
void cg_remove_unread(cg_graph *g, cg_value *v, cg_node *into);
void cg_absorb(cg_node *n, const ff_node *const *origins, int count);
/* The only reader of v, or NULL when there are several or it is a graph output. */
cg_node *cg_only_user(const cg_value *v);
bool cg_is(const cg_node *n, const char *op);
/* The producer of input i when it is `op` and nobody else reads that value. */
cg_node *cg_feeder(const cg_node *n, int i, const char *op);
bool cg_used(const cg_value *v);

/* What it gives stays as it was when the node is changed. */
const ff_cattr *cg_attr(const cg_node *n, const char *name);
int64_t cg_int(const cg_node *n, const char *name, int64_t otherwise);
double cg_real(const cg_node *n, const char *name, double otherwise);
bool cg_text_is(const cg_node *n, const char *name, const char *text);
void cg_set_ints(cg_graph *g, cg_node *n, const char *name, const int64_t *v, int count, const ff_node *by);
void cg_set_int(cg_graph *g, cg_node *n, const char *name, int64_t v, const ff_node *by);
void cg_set_reals(cg_graph *g, cg_node *n, const char *name, const double *v, int count, const ff_node *by);
void cg_set_real(cg_graph *g, cg_node *n, const char *name, double v, const ff_node *by);
void cg_set_text(cg_graph *g, cg_node *n, const char *name, const char *v, const ff_node *by);
void cg_drop_attr(cg_graph *g, cg_node *n, const char *name);

/* Records an application: nodes are the origins of `n` and of each of the others (may be dead). */
void cg_record_rule(cg_graph *g, const cg_rule *rule, cg_node *n, const cg_node *other, double deviation);
/* True (and value in *v) when all elements of a real constant are the same. */
bool cg_uniform(const cg_value *v, double *value);
/* Expands a constant that broadcasts against `shape` along axis 1 only into [C] (float64); NULL
 * when it varies along another axis (or for lack of memory, g->code). */
ff_tensor *cg_per_channel(cg_graph *g, const cg_value *c, const ff_shape *shape);
/* Input `i` as an integer list: attribute-like constants. False when it is not constant. */
bool cg_const_ints(const cg_value *v, int64_t *out, int max, int *count);
int64_t cg_shape_count(const ff_shape *s);
bool cg_shape_static(const ff_shape *s);
bool cg_shape_same(const ff_shape *a, const ff_shape *b);
/* Is every element >= 0, whatever the input? */
bool cg_non_negative(const cg_value *v);

/* ------------------------------------------------------------------------------ layout.c */

void cg_layout_init(ff_layout *l, int rank, const int64_t *dims);
/* Layouts after the canonical data (of shape `dims`) is transposed, or seen as other dims. False
 * when it cannot be written as one layout. */
bool cg_layout_transpose(ff_layout *l, int rank, const int64_t *dims, const int *perm);
bool cg_layout_reshape(ff_layout *l, int rank, const int64_t *dims, int new_rank, const int64_t *new_dims);
/* v carries the numbers of `from` transposed (axis i of v is axis perm[i] of from), or reshaped. */
void cg_inherit(cg_value *v, const cg_value *from);
void cg_inherit_transposed(cg_value *v, const cg_value *from, const int *perm);
void cg_inherit_reshaped(cg_value *v, const cg_value *from);
void cg_invert_perm(int *inverse, const int *perm, int rank);
ff_shape cg_permuted(const ff_shape *s, const int *perm);
void cg_set_perm(cg_graph *g, cg_node *transpose, const int *perm, int rank, const ff_node *by);
/* x as a Transpose before n gives it. */
cg_value *cg_transpose_before(cg_graph *g, cg_node *n, cg_value *x, const int *perm);
/* What n gives is from now on made by a Transpose behind it; n itself gives it as it is before that. */
cg_node *cg_transpose_after(cg_graph *g, cg_node *n, const int *perm, const ff_node *by);
/* The constant transposed (reshaped), provenance kept; NULL with g->code set. */
cg_value *cg_constant_transposed(cg_graph *g, const cg_value *c, const int *perm);
cg_value *cg_constant_reshaped(cg_graph *g, const cg_value *c, int rank, const int64_t *dims);

/* --------------------------------------------------------------------------------- shape.c */

bool cg_elementwise(const cg_node *n); /* one input, element by element */
/* v in another shape, by a Reshape before `at`. */
cg_value *cg_reshape_before(cg_graph *g, cg_node *at, cg_value *v, const ff_shape *shape, const ff_node *by);
/* n gives `inner` from now on, a Reshape behind it what n gave; returns the Reshape. */
cg_node *cg_reshape_after(cg_graph *g, cg_node *n, const ff_shape *inner, const ff_node *by);
/* The axes that are not of size 1; returns how many. */
int cg_wide_axes(const ff_shape *s, int *axes);
/* The same axes in the same order, but for those of size 1. */
bool cg_only_units_differ(const ff_shape *a, const ff_shape *b);

#endif
