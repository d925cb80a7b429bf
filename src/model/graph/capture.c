/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the subgraphs of a node take from around them. */
#include <stdlib.h>
#include <string.h>

#include "model/graph/document.h"
#include "model/graph/names.h"

static void add_capture(doc_node *n, name_table *seen, size_t *capacity, const char *name)
{
    void **place = names_place(seen, name);

    if (*place != NULL)
        return;
    *place = n;
    ff_grow(&n->captures, capacity, (size_t)n->n_captures + 1, sizeof *n->captures);
    n->captures[n->n_captures++] = ff_strdup(name);
}

static void capture(doc_node *n, const doc_graph *g, name_table *seen, size_t *capacity)
{
    name_table here;

    names_init(&here, (size_t)g->n_slots);
    for (int i = 0; i < g->n_slots; i++) {
        const part *p = g->slots[i].p;
        if (p->field == PART_INPUT)
            *names_place(&here, p->value.name) = n;
        else if (p->field == PART_INITIALIZER || p->field == PART_SPARSE)
            *names_place(&here, p->init.name) = n;
        for (int j = 0; p->field == PART_NODE && j < p->node.n_outputs; j++)
            *names_place(&here, p->node.outputs[j]) = n;
    }
    for (int i = 0; i < g->n_slots; i++) {
        const part *p = g->slots[i].p;
        if (p->field == PART_OUTPUT && names_get(&here, p->value.name) == NULL)
            add_capture(n, seen, capacity, p->value.name);
        if (p->field != PART_NODE)
            continue;
        n->n_inner += 1 + p->node.n_inner;
        for (int j = 0; j < p->node.n_inputs; j++)
            if (p->node.inputs[j][0] && names_get(&here, p->node.inputs[j]) == NULL)
                add_capture(n, seen, capacity, p->node.inputs[j]);
        for (int j = 0; j < p->node.n_captures; j++)
            if (names_get(&here, p->node.captures[j]) == NULL)
                add_capture(n, seen, capacity, p->node.captures[j]);
    }
    names_finish(&here);
}

void node_complete(doc_node *n)
{
    size_t capacity = 0;
    name_table seen = {0};

    n->public_attrs = ff_alloc_array((size_t)n->n_attrs + 1, sizeof *n->public_attrs);
    for (int i = 0; i < n->n_attrs; i++) {
        const doc_attr *a = &n->attrs[i];
        n->public_attrs[i] = a->pub;
        size_t graphs = a->graphs == NULL ? 0 : a->pub.type == FF_ATTR_GRAPHS ? a->pub.n : 1;
        if (graphs && !n->has_graphs)
            names_init(&seen, 16);
        n->has_graphs |= graphs > 0;
        for (size_t j = 0; j < graphs; j++)
            capture(n, a->graphs[j], &seen, &capacity);
    }
    names_finish(&seen);
}
