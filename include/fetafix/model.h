/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetafix/model.h: models, whatever format their file has, as immutable values.
 *
 *     ff_model_load("m.onnx", &m)            file -> model (checked, indexed)
 *     ff_patch_set_attr(p, ...), ...         describe edits
 *     ff_model_apply(m, p, &m2, &inverse)    a new model; m stays as it was
 *     ff_model_save(m2, "out.onnx", force)   everything nobody edited is kept as it was
 *     ff_model_unref(m)
 *
 * A model is never changed after it was made: an edit gives another model that shares tensors,
 * names and nodes with the first. So any number of threads may read one, and undo is a pointer.
 * This is the original; the canonical view is fetafix/canon.h.
 */
#ifndef FETAFIX_MODEL_H
#define FETAFIX_MODEL_H

#include "fetafix/base.h"

/* ----------------------------------------------------------------------------------- tensors */

/* The numbers are those of TensorProto.DataType (ONNX IR specification). */
typedef enum ff_dtype {
    FF_UNDEFINED = 0,
    FF_FLOAT = 1,
    FF_UINT8 = 2,
    FF_INT8 = 3,
    FF_UINT16 = 4,
    FF_INT16 = 5,
    FF_INT32 = 6,
    FF_INT64 = 7,
    FF_STRING = 8,
    FF_BOOL = 9,
    FF_FLOAT16 = 10,
    FF_DOUBLE = 11,
    FF_UINT32 = 12,
    FF_UINT64 = 13,
    FF_COMPLEX64 = 14,
    FF_COMPLEX128 = 15,
    FF_BFLOAT16 = 16,
    FF_FLOAT8E4M3FN = 17,
    FF_FLOAT8E4M3FNUZ = 18,
    FF_FLOAT8E5M2 = 19,
    FF_FLOAT8E5M2FNUZ = 20,
    FF_UINT4 = 21, /* two to a byte in files, one to a byte in ff_tensor */
    FF_INT4 = 22,
    FF_DTYPE_COUNT
} ff_dtype;

/* Beside the element types of files: a list of values (ONNX's sequence: rank 1, data is `ff_tensor **`,
 * each a reference of its own), and an optional value that is absent (rank 1, no elements). Only
 * operators on sequences and control flow see them. */
#define FF_SEQUENCE ((ff_dtype)64)
#define FF_ABSENT   ((ff_dtype)65)

const char *ff_dtype_name(ff_dtype t); /* "float32", "int8", ... */
size_t ff_dtype_size(ff_dtype t);      /* bytes of an element in ff_tensor; 0 undefined */
bool ff_dtype_is_float(ff_dtype t);    /* float, double, float16, bfloat16, float8 */
bool ff_dtype_is_half(ff_dtype t);     /* float16, bfloat16 */

#define FF_MAX_RANK 12

/* A dense tensor: row-major, 64-byte aligned, native byte order, immutable once it is shared.
 * FF_STRING: data is `char **`. Rank 0 is a scalar (count 1). count may be 0. */
typedef struct ff_tensor {
    ff_dtype dtype;
    int rank;
    int64_t dims[FF_MAX_RANK];
    int64_t count;
    size_t bytes;
    void *data;
    struct ff_tensor_private *priv; /* references, content key */
} ff_tensor;

/* Zero-filled. FF_ERR_NOMEM when it cannot be had; FF_ERR_GRAPH for a negative dimension, a rank
 * above FF_MAX_RANK or a product that overflows. */
int ff_tensor_create(ff_dtype t, int rank, const int64_t *dims, ff_tensor **out) FF_MUST_USE;
/* The same, not zeroed: for one that is overwritten at once. */
int ff_tensor_create_unset(ff_dtype t, int rank, const int64_t *dims, ff_tensor **out) FF_MUST_USE;
/* A view with other dims (same count) that shares data with t. */
int ff_tensor_reshape(const ff_tensor *t, int rank, const int64_t *dims, ff_tensor **out) FF_MUST_USE;
/* Bytes that hang on t: its elements, the texts of strings, the tensors of a sequence. */
uint64_t ff_tensor_memory(const ff_tensor *t);
ff_tensor *ff_tensor_ref(const ff_tensor *t);
void ff_tensor_unref(const ff_tensor *t);
/* Content key over type, dims and bytes; computed once, on demand, from any thread. Not for
 * tensors that are still being written. */
const ff_key *ff_tensor_key(const ff_tensor *t);
bool ff_tensor_equal(const ff_tensor *a, const ff_tensor *b); /* type, dims and bits */
/* Element conversion with ONNX Cast semantics (round to nearest even, saturation of float8 only).
 * Same type gives another reference. */
int ff_tensor_convert(const ff_tensor *t, ff_dtype to, ff_tensor **out) FF_MUST_USE;
/* Transposed copy: axis i of the result is axis perm[i] of t. */
int ff_tensor_transpose(const ff_tensor *t, const int *perm, ff_tensor **out) FF_MUST_USE;
bool ff_same_dims(const ff_tensor *a, const ff_tensor *b);
/* Numeric and bool types; of complex numbers the real part; 0 of what holds no numbers. */
double ff_tensor_get_real(const ff_tensor *t, int64_t i);
int64_t ff_tensor_get_int(const ff_tensor *t, int64_t i);
void ff_tensor_set_real(ff_tensor *t, int64_t i, double v);
void ff_tensor_set_int(ff_tensor *t, int64_t i, int64_t v);
float ff_half_to_float(uint16_t h);
uint16_t ff_float_to_half(float f); /* nearest even */
float ff_bfloat16_to_float(uint16_t h);
uint16_t ff_float_to_bfloat16(float f);
/* "[1,3,224,224]", "?" for -1. */
void ff_buf_dims(ff_buf *b, int rank, const int64_t *dims);
/* "float32[1,3,224,224]"; the caller frees. */
char *ff_tensor_describe(const ff_tensor *t);
/* TensorProto files (test data: input_0.pb) and NPY files. */
int ff_tensor_load_pb(const char *path, ff_tensor **out) FF_MUST_USE;
int ff_tensor_load_npy(const char *path, ff_tensor **out) FF_MUST_USE;
int ff_tensor_parse_npy(const uint8_t *data, size_t size, ff_tensor **out) FF_MUST_USE;
int ff_tensor_save_pb(const ff_tensor *t, const char *name, const char *path, bool force) FF_MUST_USE;
int ff_tensor_save_npy(const ff_tensor *t, const char *path, bool force) FF_MUST_USE;

/* ------------------------------------------------------------------------------------- graph */

/* What is known of a value before a run. rank -1: unknown; a dim of -1: unknown or symbolic. */
typedef struct ff_shape {
    ff_dtype dtype;
    int rank;
    int64_t dims[FF_MAX_RANK];
} ff_shape;
bool ff_same_axes(const ff_shape *a, const ff_shape *b); /* rank and dims */
bool ff_same_order(const ff_shape *a,
                   const ff_shape *b); /* dims but for those of size 1: the same elements, one by one */
bool ff_same_shape(const ff_shape *a, const ff_shape *b); /* the type too */

typedef enum ff_attr_type { /* numbers of AttributeProto.AttributeType */
                            FF_ATTR_FLOAT = 1,
                            FF_ATTR_INT = 2,
                            FF_ATTR_STRING = 3,
                            FF_ATTR_TENSOR = 4,
                            FF_ATTR_GRAPH = 5,
                            FF_ATTR_FLOATS = 6,
                            FF_ATTR_INTS = 7,
                            FF_ATTR_STRINGS = 8,
                            FF_ATTR_TENSORS = 9,
                            FF_ATTR_GRAPHS = 10,
                            FF_ATTR_OTHER = 99, /* sparse tensors, types: kept, not understood */
} ff_attr_type;

typedef struct ff_graph ff_graph;
typedef struct ff_node ff_node;
typedef struct ff_value ff_value;
typedef struct ff_model ff_model;

typedef struct ff_attr {
    const char *name;
    ff_attr_type type;
    int64_t i;
    float f;
    const char *s; /* NUL-terminated; s_len may be longer when the string holds NULs */
    size_t s_len;
    size_t n; /* elements of ints, floats, strings, tensors or graphs */
    const int64_t *ints;
    const float *floats;
    const char *const *strings;
    const ff_tensor *t;
    const ff_tensor *const *tensors;
    const ff_graph *g;
    const ff_graph *const *graphs;
} ff_attr;

/* A named edge. Made by a node, a graph input, or an initializer. */
struct ff_value {
    int id; /* dense within the model, subgraphs included: 0..ff_model_values()-1 */
    const char *name;
    ff_shape declared;             /* from inputs, outputs, value_info and initializers; rank -1 else */
    const char *const *dim_params; /* of a graph input: name per symbolic dim, else NULL entries; or NULL */
    const ff_graph *graph;         /* where it is defined */
    const ff_node *producer;       /* NULL: graph input or initializer */
    int producer_output;
    const ff_tensor *initializer; /* NULL when it has none; a graph input may have one as default */
    bool is_input, is_output;     /* of its graph (an input that only names an initializer: false) */
    int n_users;                  /* node inputs that read it, inner graphs included, in graph order */
    const struct ff_use {
        const ff_node *node;
        int input;
    } * users;
};

struct ff_node {
    int id;             /* stable under edits: kept by nodes that stay, new numbers for new nodes */
    int index;          /* position in its graph's order */
    const char *name;   /* as in the file; may be "" or not unique */
    const char *label;  /* never empty, unique within the model: the name, else made from op and output */
    const char *op;     /* op_type */
    const char *domain; /* "" for the default domain (also when the file says ai.onnx) */
    int opset;          /* of its domain */
    const ff_graph *graph;
    int n_inputs, n_outputs, n_attrs;
    const ff_value *const *inputs;  /* NULL entries: optional input left out */
    const ff_value *const *outputs; /* NULL entries: output not wanted */
    const ff_attr *attrs;
    int n_captures; /* values of the enclosing graphs that its subgraphs read, each once */
    const ff_value *const *captures;
};

struct ff_graph {
    const char *name;
    const ff_model *model;
    const ff_node *owner; /* node whose attribute this graph is; NULL for the main graph */
    int n_nodes, n_inputs, n_outputs, n_initializers;
    const ff_node *const *nodes;   /* topologically sorted, otherwise in the order of the file */
    const ff_value *const *inputs; /* those that must be fed (inputs that name an initializer are left out) */
    const ff_value *const *outputs;
    const ff_value *const *initializers;
};

/* ------------------------------------------------------------------------------------- model */

/* Loading refuses, before memory is taken: truncated or overlong fields, nesting deeper than 32,
 * dims that overflow or disagree with the data, external data outside the model's folder or its
 * file, cycles, undefined or doubly defined values, files above 8 GiB. */
int ff_model_load(const char *path, ff_model **out) FF_MUST_USE; /* the format is known by the content */
/* From memory; `folder` is where external data is looked for (NULL: refused). */
int ff_model_parse(const void *data, size_t size, const char *folder, ff_model **out) FF_MUST_USE;
/* A model with inputs only (at most 64), to be filled by a patch. A dim of -1 is symbolic ("N"). */
int ff_model_create(const char *producer, int64_t ir_version, int opset, const char *graph, int n_inputs,
                    const char *const *names, const ff_shape *shapes, ff_model **out) FF_MUST_USE;
ff_model *ff_model_ref(const ff_model *m);
void ff_model_unref(const ff_model *m);
const char *ff_model_format(const ff_model *m);    /* "ONNX" */
const char *ff_model_extension(const ff_model *m); /* ".onnx": the usual one of its format */
bool ff_path_is_model(const char *path);           /* by its extension */
/* The bytes of the model file, in the format that it was read from. Unedited models that a canonical serialiser wrote come out byte for
 * byte. The caller frees. Models above 2 GiB are FF_ERR_INPUT. External data is taken in. */
int ff_model_serialize(const ff_model *m, char **data, size_t *size) FF_MUST_USE;
/* The extension says the format (every model can be written as ONNX); without a known one it is the model's own. */
int ff_model_save(const ff_model *m, const char *path, bool force) FF_MUST_USE;

const char *ff_model_path(const ff_model *m);     /* "" when it was parsed from memory */
const ff_key *ff_model_sha256(const ff_model *m); /* of the file's bytes; of the serialised form for an edited model */
const ff_graph *ff_model_graph(const ff_model *m);
int64_t ff_model_ir_version(const ff_model *m);
int ff_model_opset(const ff_model *m, const char *domain); /* 0 when not imported */
const char *ff_model_producer(const ff_model *m);          /* "pytorch 1.13.1"; "" unknown */
int ff_model_values(const ff_model *m);                    /* number of values, for side arrays */
const ff_value *ff_model_value(const ff_model *m, int id);
const ff_value *ff_model_find_value(const ff_model *m, const char *name); /* main graph; NULL */
const ff_node *ff_model_find_node(const ff_model *m, const char *label);  /* by label or name; NULL */
const ff_node *ff_model_node_by_id(const ff_model *m, int id);            /* NULL when it is gone */

const ff_attr *ff_node_attr(const ff_node *n, const char *name); /* as written; NULL when absent */
/* With the default given; the type must match, else the default. */
int64_t ff_node_int(const ff_node *n, const char *name, int64_t otherwise);
float ff_node_float(const ff_node *n, const char *name, float otherwise);
const char *ff_node_string(const ff_node *n, const char *name, const char *otherwise);
/* Number of elements (0: absent); *ints borrowed. */
size_t ff_node_ints(const ff_node *n, const char *name, const int64_t **ints);
/* "pads=[0,0,1,1]" without the name; the caller frees. */
char *ff_attr_format(const ff_attr *a);

/* ------------------------------------------------------------------------------------- edits */

/* An ordered list of edits, applied all or none. Nodes are addressed by the name of their first
 * output that is not empty (unique in a model), values by name; main graph only. Everything is
 * copied in, tensors are shared. */
typedef struct ff_patch ff_patch;

/* A node to be made. NULL or "" in inputs: left out. */
typedef struct ff_node_spec {
    const char *name, *op, *domain;
    int n_inputs, n_outputs, n_attrs;
    const char *const *inputs;
    const char *const *outputs;
    const ff_attr *attrs;
} ff_node_spec;

ff_patch *ff_patch_create(void);
ff_patch *ff_patch_copy(const ff_patch *p);
void ff_patch_destroy(ff_patch *p);
void ff_patch_append(ff_patch *p, const ff_patch *more);
int ff_patch_length(const ff_patch *p);

void ff_patch_set_initializer(ff_patch *p, const char *name, const ff_tensor *t); /* replaces or adds */
void ff_patch_remove_initializer(ff_patch *p, const char *name);                  /* must have no users left */
void ff_patch_set_attr(ff_patch *p, const char *node_output, const ff_attr *a);
void ff_patch_remove_attr(ff_patch *p, const char *node_output, const char *attr);
void ff_patch_set_node_input(ff_patch *p, const char *node_output, int index, const char *value);
/* Placed as early as its inputs allow, after `after_output`'s node when that is not NULL. */
void ff_patch_insert_node(ff_patch *p, const ff_node_spec *n, const char *after_output);
void ff_patch_remove_node(ff_patch *p, const char *node_output); /* outputs must have no users left */
/* Outputs that others read must be among the new node's. */
void ff_patch_replace_node(ff_patch *p, const char *node_output, const ff_node_spec *n);
/* All readers of `from` (graph outputs excluded) read `to`, but for the nodes that `to` itself is
 * computed from: so a node can be inserted and then be read instead of its input. */
void ff_patch_redirect(ff_patch *p, const char *from, const char *to);
/* A dim of -1 keeps a symbolic dim of the old shape when the rank is the same, else "N". */
void ff_patch_set_input_shape(ff_patch *p, const char *input, ff_dtype t, int rank, const int64_t *dims);
void ff_patch_set_outputs(ff_patch *p, int n, const char *const *names); /* subset and order of graph outputs */
void ff_patch_add_output(ff_patch *p, const char *value, const ff_shape *shape);
/* Removes nodes and initializers that nothing reads any more (what was dead before the patch stays).
 * Reversible like the others. */
void ff_patch_remove_dead(ff_patch *p);

/* The edited model and, when asked for, the patch that leads back (a model equal field by field).
 * The result is topologically sorted with as little movement as possible, names are unique, every
 * operator is known in its opset with the right number of inputs; value_info that an edit made
 * untrue is dropped (it comes back with the inverse). A patch that does not fit is FF_ERR_GRAPH. */
int ff_model_apply(const ff_model *m, const ff_patch *p, ff_model **out, ff_patch **inverse) FF_MUST_USE;
/* A name that no value (node) of the model has: `stem`, else stem_1, stem_2, ... Caller frees. */
char *ff_model_fresh_name(const ff_model *m, const char *stem);
/* Binary form (patch.proto), self-contained. The caller frees. */
int ff_patch_serialize(const ff_patch *p, char **data, size_t *size) FF_MUST_USE;
int ff_patch_parse(const void *data, size_t size, ff_patch **out) FF_MUST_USE;
/* One line an edit, in words: "set pads of 'Conv_3' to [0,0,1,1]". The caller frees. */
char *ff_patch_describe(const ff_patch *p);

/* --------------------------------------------------------------------------------- operators */

/* Facts of an operator at an opset: the row with the greatest version not above it. The table has all
 * the operators of the default domain that opsets 7 to 22 have, and what 23 and 24 changed of them; a version that only allows more
 * element types has no row of its own. */
typedef struct ff_infer ff_infer;
typedef struct ff_op {
    const char *domain, *type;
    int since;
    int min_inputs, max_inputs; /* max -1: variadic */
    int min_outputs, max_outputs;
    /* Fills out[] from in[]; leaves rank -1 (or dims -1) where it cannot know, as when a dim depends
     * on data. FF_ERR_GRAPH when the shapes contradict the operator; the message does not name the
     * node. The caller has checked the numbers of inputs and outputs and set every out[] to
     * rank -1. NULL for operators of which nothing is known before a run (sequences, optionals,
     * Scan). Used by the kernels too. */
    int (*infer)(ff_infer *c);
    const struct ff_attr_fact { /* ends with name NULL */
        const char *name;
        ff_attr_type type;
        const char *fallback; /* default as ff_attr_format writes it; NULL: none */
    } * attrs;
} ff_op;

/* An operator over integers of ONNX Runtime's own domain (com.microsoft): `plain` of the operands dequantised, and the
 * result quantised. */
#define FF_CONTRIB "com.microsoft"
typedef struct ff_qlinear {
    const char *op, *plain;
    int lead;            /* inputs of `plain` before the operands, which are no integers */
    int first, operands; /* operand i is at first + 3 * i, its scale and its zero point behind it; -1: up to the end */
    int scale;           /* of the result; its zero point behind it */
} ff_qlinear;
const ff_qlinear *
ff_qlinear_find(const ff_node *n); /* NULL: it is none, or is stored as integers by the standard's own */
/* The node as if its operands were real. It borrows from `n`; names of inputs and outputs are not its own. */
ff_node ff_qlinear_plain(const ff_qlinear *q, const ff_node *n);
int ff_qlinear_operands(const ff_qlinear *q, const ff_node *n);

struct ff_infer {
    const ff_node *node;
    int n_in, n_out;
    const ff_shape *in;              /* dtype FF_UNDEFINED: input left out */
    const ff_tensor *const *in_data; /* the tensor where it is known (constants), else NULL */
    ff_shape *out;
};

/* NULL when the operator is not known at this opset. */
const ff_op *ff_op_find(const char *domain, const char *type, int opset);
/* Iterates over all rows: i from 0 until NULL. */
const ff_op *ff_op_at(int i);
/* FF_ERR_UNSUPPORTED when an attribute has a text that the operator does not know at its opset. */
int ff_node_check_values(const ff_node *n) FF_MUST_USE;
/* Can the node be written: is every attribute one that its operator has at this opset, of that type and with a text
 * that it knows? FF_ERR_GRAPH says what is not, and which opset brought it. What `before` (may be NULL) has as well is
 * not asked. */
int ff_node_check(const ff_node *n, const ff_node *before) FF_MUST_USE;
/* How opset `to` spells the text of an attribute that opset `from` calls `text`. */
const char *ff_op_text(const char *op, const char *attr, const char *text, int from, int to);
/* Attributes (i from 0 until NULL) that the operator has in a newer opset only, where leaving it out means one value:
 * *meant, written as a default is. */
const struct ff_attr_fact *ff_op_later_attr(const ff_node *n, int i, const char **meant);
/* Infers all values of the main graph; shapes[] has ff_model_values() entries and is filled from
 * the declared shapes, `feeds` (may be NULL: one per graph input, dtype FF_UNDEFINED: as declared)
 * and the operators. Values of small constants are followed through Shape, Gather, Concat and the
 * like. A contradiction is FF_ERR_GRAPH and names the node. */
int ff_model_infer(const ff_model *m, const ff_shape *feeds, ff_shape *shapes) FF_MUST_USE;

#endif
