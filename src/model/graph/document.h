/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A model as a document: the parts of its file in their order, each with what it means and the
 * bytes it came from. Parts are immutable and counted, so that models share them; an edit makes new
 * parts for what it touches and leaves the rest. The graph that the public header shows (values,
 * users, sorted nodes) is an index built over a document (graph.c).
 *
 * Bytes are written back as they were read, so nothing that this program does not understand is
 * lost. Payloads of large tensors are not kept twice: an origin holds the bytes of a file without
 * them, and puts the tensors' bytes back when it writes.
 */
#ifndef FETAFIX_MODEL_DOCUMENT_H
#define FETAFIX_MODEL_DOCUMENT_H

#include "model/file/onnx.pb-c.h"
#include "model/graph/tensor.h"
#include "model/file/wire.h"

/* ---------------------------------------------------------------------------------- origins */

typedef struct origin origin;
/* While loading, `data` (borrowed) is the whole file; origin_seal() copies what must stay.
 * disposable: it is heap memory whose holes may be wiped, so that a model is not in memory twice.
 */
origin *origin_create(const uint8_t *data, size_t size, bool disposable);
origin *origin_ref(origin *o);
void origin_unref(origin *o);
const uint8_t *origin_data(const origin *o); /* NULL once sealed */
/* The bytes [at, at + t->bytes) are those of t. Called in ascending order. */
void origin_add_hole(origin *o, size_t at, const ff_tensor *t);
void origin_seal(origin *o);
void origin_emit(const origin *o, size_t start, size_t end, ff_buf *b);
size_t origin_size(const origin *o);

typedef struct span {
    origin *o; /* NULL: made or edited here, not from a file */
    size_t start, end;
} span;

/* ------------------------------------------------------------------------------------ parts */

typedef struct doc_graph doc_graph;

typedef struct doc_attr {
    ff_attr pub;        /* g and graphs are NULL here: the index makes them; all else owned */
    int32_t wire_type;  /* AttributeProto.type, or 0 */
    doc_graph **graphs; /* pub.n of them, or one for FF_ATTR_GRAPH */
    span raw;           /* content of the AttributeProto */
} doc_attr;

typedef struct doc_node {
    char *name, *op, *domain; /* domain "" also when the file says ai.onnx */
    int n_inputs, n_outputs, n_attrs;
    char **inputs, **outputs; /* "" where left out */
    doc_attr *attrs;
    ff_attr *public_attrs; /* the same, as an index without subgraphs shows them */
    bool has_graphs;
    int n_inner;    /* nodes in its subgraphs, at any depth */
    int n_captures; /* names its subgraphs take from around them */
    char **captures;
    /* What the schema says besides inputs, outputs, name, op, domain and attributes, ready to be
     * written: documentation, metadata, fields unknown to us. Empty for nodes made here. */
    ff_buf rest;
    bool domain_written; /* the file has the field, as "ai.onnx" when `long_domain` */
    bool long_domain;
} doc_node;

typedef struct doc_value { /* graph input, graph output, value_info */
    char *name;
    ff_shape shape;
    char **dim_params; /* shape.rank entries, NULL where none; or NULL */
    ff_buf rest;       /* of an edited one: documentation, metadata, unknown fields */
} doc_value;

typedef struct doc_initializer {
    char *name;
    ff_tensor *tensor;
    bool sparse;
    ff_buf rest; /* documentation, metadata, unknown fields */
} doc_initializer;

enum { /* GraphProto's field numbers */
       PART_NODE = 1,
       PART_NAME = 2,
       PART_INITIALIZER = 5,
       PART_INPUT = 11,
       PART_OUTPUT = 12,
       PART_VALUE_INFO = 13,
       PART_QUANTIZATION = 14, /* kept as bytes */
       PART_SPARSE = 15,
};

typedef struct part {
    atomic_int refs;
    uint32_t field;
    /* Whole field with its tag. o NULL: written from the content below. */
    span raw;
    union {
        doc_node node;
        doc_value value;
        doc_initializer init;
        char *name;
    };
    atomic_bool has_key;
    ff_key key;
} part;

part *part_create(uint32_t field);
part *part_ref(part *p);
void part_unref(part *p);
/* The field as it stands in a file, tag included. */
void part_emit(const part *p, ff_buf *b);
/* Content key of the emitted bytes. */
const ff_key *part_key(part *p);
/* What identifies it among its kind: first output, or name; "" for others. */
const char *part_name(const part *p);

/* A node with its number. */
typedef struct slot {
    part *p;
    int id; /* of a node; its inner nodes follow: id + 1 ... id + n_inner; else -1 */
} slot;

struct doc_graph {
    atomic_int refs;
    char *name;
    int n_slots;
    slot *slots; /* in the order of the file */
    bool intact; /* every part still has its bytes */
};

doc_graph *doc_graph_create(int n_slots);
doc_graph *doc_graph_ref(doc_graph *g);
void doc_graph_unref(doc_graph *g);
void doc_graph_emit(const doc_graph *g, ff_buf *b);

/* The file around the main graph. */
typedef struct doc_model {
    atomic_int refs;
    char *path, *producer;
    int64_t ir_version;
    int n_opsets;
    struct opset {
        char *domain;
        int version;
    } * opsets;
    ff_buf before, after; /* bytes of the fields in front of and behind the graph */
    /* Of the file (format.h): its format; where that keeps them, its bytes and the main graph as it was read. */
    const struct ff_format *format;
    char *file;
    size_t file_size;
    doc_graph *main_read;
    void *notes;
    void (*release_notes)(void *notes);
} doc_model;

void doc_model_unref(doc_model *d);
doc_model *doc_model_ref(doc_model *d);

void attr_finish(doc_attr *a);
/* A deep copy of what a caller made; tensors and graphs are shared. */
void attr_copy(doc_attr *to, const ff_attr *from);
void attr_share(doc_attr *to, const doc_attr *from);
/* Content of an AttributeProto, of a NodeProto, of a TensorProto. */
void attr_emit(const doc_attr *a, ff_buf *b);
void node_emit(const doc_node *n, ff_buf *b);
void tensor_emit(const ff_tensor *t, const char *name, const ff_buf *rest, ff_buf *b);
void value_emit(const doc_value *v, ff_buf *b);
/* Completes a node whose fields are set: captures, inner nodes, public attributes. */
void node_complete(doc_node *n);

/* ---------------------------------------------------------------------------------- reading */

typedef struct reader {
    origin *o;
    const uint8_t *data;
    const char *folder; /* of external data; NULL: refused */
    uint64_t external;  /* bytes of external data read so far */
    int depth;
} reader;

/* Each reads the content [start, end) of a message that wire_scan() accepted. */
int read_graph(reader *r, size_t start, size_t end, doc_graph **out) FF_MUST_USE;
int read_node(reader *r, size_t start, size_t end, doc_node *out) FF_MUST_USE;
int read_attr(reader *r, size_t start, size_t end, doc_attr *out) FF_MUST_USE;
/* *external: its bytes came from another file (so its own bytes cannot be written back). */
int read_tensor(reader *r, size_t start, size_t end, ff_tensor **out, char **name, ff_buf *rest,
                bool *external) FF_MUST_USE;
int read_sparse(reader *r, size_t start, size_t end, ff_tensor **out, char **name) FF_MUST_USE;
int read_value(const uint8_t *data, size_t size, doc_value *out) FF_MUST_USE;
/* Reads the first `want` of the `length` bytes at `offset` of `location` below `folder`. All
 * `length` must be there (so want 0 only checks). Nothing outside the folder is opened. */
int read_external(const char *folder, const char *location, uint64_t offset, uint64_t length, uint64_t want,
                  void *to) FF_MUST_USE;

/* ------------------------------------------------------------------------------------ index */

/* Node numbers as in the slots, all below next_id. */
int model_index(doc_model *d, doc_graph *g, int next_id, ff_model **out) FF_MUST_USE;
doc_graph *graph_doc(const ff_graph *g);

#endif
