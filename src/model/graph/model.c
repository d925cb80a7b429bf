/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Models: their life, and what is asked of them. */
#include <stdlib.h>
#include <string.h>

#include "model/graph/graph.h"

ff_model *ff_model_ref(const ff_model *m)
{
    ff_model *r = (ff_model *)m;

    if (r != NULL)
        atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
    return r;
}

void ff_model_unref(const ff_model *m)
{
    ff_model *r = (ff_model *)m;

    if (r == NULL || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1)
        return;
    free(r->values);
    free(r->nodes);
    names_finish(&r->value_names);
    names_finish(&r->labels);
    ff_arena_destroy(r->arena);
    doc_graph_unref(r->main);
    doc_model_unref(r->doc);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

const char *ff_model_path(const ff_model *m)
{
    return m->doc->path;
}

const ff_graph *ff_model_graph(const ff_model *m)
{
    return m->graph;
}

int64_t ff_model_ir_version(const ff_model *m)
{
    return m->doc->ir_version;
}

int ff_model_opset(const ff_model *m, const char *domain)
{
    if (domain == NULL || strcmp(domain, "ai.onnx") == 0)
        domain = "";
    for (int i = 0; i < m->doc->n_opsets; i++)
        if (strcmp(m->doc->opsets[i].domain, domain) == 0)
            return m->doc->opsets[i].version;
    return domain[0] == '\0' && m->doc->n_opsets == 0 ? 1 : 0; /* before IR version 3 */
}

const char *ff_model_producer(const ff_model *m)
{
    return m->doc->producer;
}

int ff_model_values(const ff_model *m)
{
    return (int)m->n_values;
}

const ff_value *ff_model_value(const ff_model *m, int id)
{
    return id >= 0 && (size_t)id < m->n_values ? m->values[id] : NULL;
}

const ff_value *ff_model_find_value(const ff_model *m, const char *name)
{
    return names_get(&m->value_names, name);
}

const ff_node *ff_model_find_node(const ff_model *m, const char *label)
{
    return names_get(&m->labels, label);
}

const ff_node *ff_model_node_by_id(const ff_model *m, int id)
{
    return id >= 0 && id < m->next_id ? m->nodes[id] : NULL;
}

doc_graph *graph_doc(const ff_graph *g)
{
    return ((const graph_impl *)g)->doc;
}
