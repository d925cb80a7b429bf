/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Life of a document's parts. */
#include <stdlib.h>
#include <string.h>

#include "model/graph/document.h"

static void free_strings(char **s, int n)
{
    for (int i = 0; s != NULL && i < n; i++)
        free(s[i]);
    free(s);
}

void attr_finish(doc_attr *a)
{
    free((char *)a->pub.name);
    free((char *)a->pub.s);
    free((int64_t *)a->pub.ints);
    free((float *)a->pub.floats);
    if (a->pub.strings != NULL)
        free_strings((char **)a->pub.strings, (int)a->pub.n);
    ff_tensor_unref(a->pub.t);
    for (size_t i = 0; a->pub.tensors != NULL && i < a->pub.n; i++)
        ff_tensor_unref(a->pub.tensors[i]);
    free((void *)a->pub.tensors);
    size_t graphs = a->pub.type == FF_ATTR_GRAPHS ? a->pub.n : 1;
    for (size_t i = 0; a->graphs != NULL && i < graphs; i++)
        doc_graph_unref(a->graphs[i]);
    free(a->graphs);
    origin_unref(a->raw.o);
    memset(a, 0, sizeof *a);
}

static void *copy_bytes(const void *p, size_t n)
{
    void *r = ff_alloc(n ? n : 1);

    if (n != 0)
        memcpy(r, p, n);
    return r;
}

static void copy_plain(ff_attr *to, const ff_attr *from)
{
    *to = (ff_attr){
        .name = ff_strdup(from->name ? from->name : ""), .type = from->type, .i = from->i, .f = from->f, .n = from->n};
    if (from->s != NULL) {
        to->s_len = from->s_len ? from->s_len : strlen(from->s);
        char *s = ff_alloc(to->s_len + 1);
        memcpy(s, from->s, to->s_len);
        to->s = s;
    }
    if (from->ints != NULL)
        to->ints = copy_bytes(from->ints, from->n * sizeof *from->ints);
    if (from->floats != NULL)
        to->floats = copy_bytes(from->floats, from->n * sizeof *from->floats);
    if (from->strings != NULL) {
        char **s = ff_alloc_array(from->n ? from->n : 1, sizeof *s);
        for (size_t i = 0; i < from->n; i++)
            s[i] = ff_strdup(from->strings[i]);
        to->strings = (const char *const *)s;
    }
    if (from->t != NULL)
        to->t = ff_tensor_ref(from->t);
    if (from->tensors != NULL) {
        const ff_tensor **t = ff_alloc_array(from->n ? from->n : 1, sizeof *t);
        for (size_t i = 0; i < from->n; i++)
            t[i] = ff_tensor_ref(from->tensors[i]);
        to->tensors = t;
    }
}

void attr_copy(doc_attr *to, const ff_attr *from)
{
    *to = (doc_attr){0};
    copy_plain(&to->pub, from);
    if (from->type == FF_ATTR_GRAPH && from->g != NULL) {
        to->graphs = ff_alloc(sizeof *to->graphs);
        to->graphs[0] = doc_graph_ref(graph_doc(from->g));
    } else if (from->type == FF_ATTR_GRAPHS && from->graphs != NULL) {
        to->graphs = ff_alloc_array(from->n ? from->n : 1, sizeof *to->graphs);
        for (size_t i = 0; i < from->n; i++)
            to->graphs[i] = doc_graph_ref(graph_doc(from->graphs[i]));
    }
}

void attr_share(doc_attr *to, const doc_attr *from)
{
    *to = (doc_attr){.wire_type = from->wire_type, .raw = from->raw};
    copy_plain(&to->pub, &from->pub);
    if (from->raw.o != NULL)
        origin_ref(from->raw.o);
    if (from->graphs != NULL) {
        size_t n = from->pub.type == FF_ATTR_GRAPHS ? from->pub.n : 1;
        to->graphs = ff_alloc_array(n ? n : 1, sizeof *to->graphs);
        for (size_t i = 0; i < n; i++)
            to->graphs[i] = doc_graph_ref(from->graphs[i]);
    }
}

part *part_create(uint32_t field)
{
    part *p = ff_alloc(sizeof *p);

    atomic_init(&p->refs, 1);
    p->field = field;
    return p;
}

part *part_ref(part *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

static void node_finish(doc_node *n)
{
    free(n->name);
    free(n->op);
    free(n->domain);
    free_strings(n->inputs, n->n_inputs);
    free_strings(n->outputs, n->n_outputs);
    free_strings(n->captures, n->n_captures);
    for (int i = 0; i < n->n_attrs; i++)
        attr_finish(&n->attrs[i]);
    free(n->attrs);
    free(n->public_attrs);
    ff_buf_finish(&n->rest);
}

void part_unref(part *p)
{
    if (p == NULL || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
        return;
    switch (p->field) {
    case PART_NODE:
        node_finish(&p->node);
        break;
    case PART_INITIALIZER:
    case PART_SPARSE:
        free(p->init.name);
        ff_tensor_unref(p->init.tensor);
        ff_buf_finish(&p->init.rest);
        break;
    case PART_INPUT:
    case PART_OUTPUT:
    case PART_VALUE_INFO:
        if (p->value.dim_params != NULL)
            free_strings(p->value.dim_params, p->value.shape.rank);
        free(p->value.name);
        ff_buf_finish(&p->value.rest);
        break;
    case PART_NAME:
        free(p->name);
        break;
    }
    origin_unref(p->raw.o);
    free(p);
}

const char *part_name(const part *p)
{
    switch (p->field) {
    case PART_NODE:
        for (int i = 0; i < p->node.n_outputs; i++)
            if (p->node.outputs[i][0] != '\0')
                return p->node.outputs[i];
        return "";
    case PART_INITIALIZER:
    case PART_SPARSE:
        return p->init.name;
    case PART_INPUT:
    case PART_OUTPUT:
    case PART_VALUE_INFO:
        return p->value.name;
    default:
        return "";
    }
}

doc_graph *doc_graph_create(int n_slots)
{
    doc_graph *g = ff_alloc(sizeof *g);

    atomic_init(&g->refs, 1);
    g->slots = ff_alloc_array((size_t)n_slots + 1, sizeof *g->slots);
    g->intact = true;
    return g;
}

doc_graph *doc_graph_ref(doc_graph *g)
{
    atomic_fetch_add_explicit(&g->refs, 1, memory_order_relaxed);
    return g;
}

void doc_graph_unref(doc_graph *g)
{
    if (g == NULL || atomic_fetch_sub_explicit(&g->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (int i = 0; i < g->n_slots; i++)
        part_unref(g->slots[i].p);
    free(g->slots);
    free(g->name);
    free(g);
}

doc_model *doc_model_ref(doc_model *d)
{
    atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
    return d;
}

void doc_model_unref(doc_model *d)
{
    if (d == NULL || atomic_fetch_sub_explicit(&d->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (int i = 0; i < d->n_opsets; i++)
        free(d->opsets[i].domain);
    free(d->opsets);
    free(d->path);
    free(d->producer);
    ff_buf_finish(&d->before);
    ff_buf_finish(&d->after);
    if (d->release_notes)
        d->release_notes(d->notes);
    doc_graph_unref(d->main_read);
    free(d->file);
    free(d);
}
