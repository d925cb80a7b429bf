/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside of models and graphs, for graph.c and model.c. */
#ifndef FETAFIX_MODEL_GRAPH_H
#define FETAFIX_MODEL_GRAPH_H

#include <pthread.h>

#include "model/graph/document.h"
#include "model/graph/names.h"

struct ff_model {
    atomic_int refs;
    doc_model *doc;
    doc_graph *main;
    ff_arena *arena; /* the index: graphs, nodes, values */
    ff_graph *graph;
    ff_value **values;
    size_t n_values, values_capacity;
    ff_node **nodes; /* by id; NULL where there is none */
    int next_id;
    name_table value_names; /* of the main graph */
    name_table labels;      /* node by label */
    bool reordered;         /* the main graph's order is not the file's */
    pthread_mutex_t lock;
    bool has_key, has_name;
    ff_key key;
};

typedef struct graph_impl {
    ff_graph pub;
    doc_graph *doc;
} graph_impl;

/* Part of the i-th node, and its slot number, of the main graph's sorted order. */
typedef struct node_impl {
    ff_node pub;
    part *p;
} node_impl;

#endif
