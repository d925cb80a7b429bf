/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edits of nodes: attributes, inputs, whole nodes, who reads what. */
#include <stdlib.h>
#include <string.h>

#include "model/edit/work.h"

/* A copy to be changed; node_complete() must follow. */
static part *clone_node(const part *old)
{
    part *p = part_create(PART_NODE);
    const doc_node *o = &old->node;
    doc_node *n = &p->node;

    n->name = ff_strdup(o->name);
    n->op = ff_strdup(o->op);
    n->domain = ff_strdup(o->domain);
    n->domain_written = o->domain_written;
    n->long_domain = o->long_domain;
    n->n_inputs = o->n_inputs;
    n->n_outputs = o->n_outputs;
    n->inputs = ff_alloc_array((size_t)o->n_inputs + 1, sizeof *n->inputs);
    n->outputs = ff_alloc_array((size_t)o->n_outputs + 1, sizeof *n->outputs);
    for (int i = 0; i < o->n_inputs; i++)
        n->inputs[i] = ff_strdup(o->inputs[i]);
    for (int i = 0; i < o->n_outputs; i++)
        n->outputs[i] = ff_strdup(o->outputs[i]);
    n->attrs = ff_alloc_array((size_t)o->n_attrs + 2, sizeof *n->attrs); /* room for one more */
    for (; n->n_attrs < o->n_attrs; n->n_attrs++)
        attr_share(&n->attrs[n->n_attrs], &o->attrs[n->n_attrs]);
    if (o->rest.len)
        ff_buf_add(&n->rest, o->rest.data, o->rest.len);
    return p;
}

static int find_attr(const doc_node *n, const char *name)
{
    for (int i = 0; i < n->n_attrs; i++)
        if (strcmp(n->attrs[i].pub.name, name) == 0)
            return i;
    return -1;
}

int edit_set_attr(struct work *w, const edit *e)
{
    int at, code = work_find_node(w, e->target, &at);

    if (code)
        return code;
    if (e->attr.pub.type < FF_ATTR_FLOAT || e->attr.pub.type > FF_ATTR_GRAPHS || e->attr.pub.name[0] == '\0')
        return misfit("an attribute of this kind cannot be set");
    part *p = clone_node(w->slots[at].p);
    int i = find_attr(&p->node, e->attr.pub.name);
    if (i >= 0)
        attr_finish(&p->node.attrs[i]);
    else
        i = p->node.n_attrs++;
    attr_share(&p->node.attrs[i], &e->attr);
    node_complete(&p->node);
    if (p->node.n_inner != w->slots[at].p->node.n_inner) {
        w->slots[at].id = w->next_id; /* inner nodes are numbered behind their owner */
        w->next_id += 1 + p->node.n_inner;
    }
    work_replace(w, at, p);
    return FF_OK;
}

int edit_remove_attr(struct work *w, const edit *e)
{
    int at, code = work_find_node(w, e->target, &at);

    if (code)
        return code;
    int i = find_attr(&w->slots[at].p->node, e->second);
    if (i < 0)
        return misfit("node '%s' has no attribute '%s'", e->target, e->second);
    part *p = clone_node(w->slots[at].p);
    attr_finish(&p->node.attrs[i]);
    p->node.n_attrs--;
    memmove(&p->node.attrs[i], &p->node.attrs[i + 1], (size_t)(p->node.n_attrs - i) * sizeof p->node.attrs[0]);
    memset(&p->node.attrs[p->node.n_attrs], 0, sizeof p->node.attrs[0]);
    node_complete(&p->node);
    work_replace(w, at, p);
    return FF_OK;
}

int edit_set_node_input(struct work *w, const edit *e)
{
    int at, code = work_find_node(w, e->target, &at);

    if (code)
        return code;
    if (e->index < 0 || e->index > 1024)
        return misfit("input %d of node '%s'", e->index, e->target);
    part *p = clone_node(w->slots[at].p);
    doc_node *n = &p->node;
    if (e->index >= n->n_inputs) {
        n->inputs = ff_realloc_array(n->inputs, (size_t)e->index + 1, sizeof *n->inputs);
        while (n->n_inputs <= e->index)
            n->inputs[n->n_inputs++] = ff_strdup("");
    }
    free(n->inputs[e->index]);
    n->inputs[e->index] = ff_strdup(e->second);
    while (n->n_inputs > 0 && n->inputs[n->n_inputs - 1][0] == '\0')
        free(n->inputs[--n->n_inputs]);
    node_complete(n);
    work_replace(w, at, p);
    return FF_OK;
}

static void add_node(struct work *w, int at, part *p)
{
    work_insert(w, at, part_ref(p), w->next_id);
    w->next_id += 1 + p->node.n_inner;
}

int edit_insert_node(struct work *w, const edit *e)
{
    int last = -1, after;
    const doc_node *n = &e->node->node;

    if (e->second != NULL) {
        int code = work_find_node(w, e->second, &last);
        if (code)
            return code;
    }
    for (int i = 0; i < n->n_inputs + n->n_captures; i++) {
        after = work_producer(w, i < n->n_inputs ? n->inputs[i] : n->captures[i - n->n_inputs]);
        last = after > last ? after : last;
    }
    for (size_t i = 0; last < 0 && i < w->n; i++)
        if (w->slots[i].p->field == PART_NODE)
            last = (int)i - 1, i = w->n;
    add_node(w, last + 1, e->node);
    return FF_OK;
}

int edit_remove_node(struct work *w, const edit *e)
{
    int at, code = work_find_node(w, e->target, &at);

    if (code)
        return code;
    const part *p = w->slots[at].p;
    for (int i = 0; i < p->node.n_outputs && code == FF_OK; i++)
        if (p->node.outputs[i][0] != '\0')
            code = work_check_unread(w, p->node.outputs[i]);
    if (code == FF_OK)
        work_remove(w, at);
    return code;
}

int edit_replace_node(struct work *w, const edit *e)
{
    int at, code = work_find_node(w, e->target, &at);

    if (code)
        return code;
    work_replace(w, at, part_ref(e->node));
    w->slots[at].id = w->next_id;
    w->next_id += 1 + e->node->node.n_inner;
    return FF_OK;
}

static int redirect_graph(const doc_graph *g, const char *from, const char *to, doc_graph **out);

/* *out: a copy of the node that reads `to` wherever it read `from`; NULL: it did not. */
static int redirect_node(const part *old, const char *from, const char *to, part **out)
{
    *out = NULL;
    if (!doc_node_reads(&old->node, from))
        return FF_OK;
    part *p = clone_node(old);
    doc_node *n = &p->node;
    for (int i = 0; i < n->n_inputs; i++)
        if (strcmp(n->inputs[i], from) == 0) {
            free(n->inputs[i]);
            n->inputs[i] = ff_strdup(to);
        }
    for (int i = 0; i < n->n_attrs; i++) {
        doc_attr *a = &n->attrs[i];
        size_t k = a->graphs == NULL ? 0 : a->pub.type == FF_ATTR_GRAPHS ? a->pub.n : 1;
        for (size_t j = 0; j < k; j++) {
            doc_graph *g;
            int code = redirect_graph(a->graphs[j], from, to, &g);
            if (code) {
                node_complete(n);
                part_unref(p);
                return code;
            }
            if (g == NULL)
                continue;
            doc_graph_unref(a->graphs[j]);
            a->graphs[j] = g;
            origin_unref(a->raw.o);
            a->raw = (span){0};
        }
    }
    node_complete(n);
    *out = p;
    return FF_OK;
}

static bool defines(const doc_graph *g, const char *name)
{
    for (int i = 0; i < g->n_slots; i++) {
        const part *p = g->slots[i].p;
        if ((p->field == PART_INPUT || p->field == PART_INITIALIZER || p->field == PART_SPARSE) &&
            strcmp(part_name(p), name) == 0)
            return true;
        for (int j = 0; p->field == PART_NODE && j < p->node.n_outputs; j++)
            if (strcmp(p->node.outputs[j], name) == 0)
                return true;
    }
    return false;
}

static int redirect_graph(const doc_graph *g, const char *from, const char *to, doc_graph **out)
{
    *out = NULL;
    if (defines(g, from))
        return FF_OK; /* its own value of that name */
    doc_graph *r = doc_graph_create(g->n_slots);
    bool changed = false;
    int code = FF_OK;
    r->name = ff_strdup(g->name);
    r->intact = false;
    for (int i = 0; i < g->n_slots && code == FF_OK; i++) {
        part *p = g->slots[i].p, *q = NULL;
        if (p->field == PART_NODE)
            code = redirect_node(p, from, to, &q);
        if (p->field == PART_OUTPUT && strcmp(p->value.name, from) == 0)
            code = misfit("a subgraph hands on '%s' as its output", from);
        changed |= q != NULL;
        r->slots[r->n_slots++] = (slot){q ? q : part_ref(p), g->slots[i].id};
    }
    if (code == FF_OK && changed && defines(g, to))
        code = misfit("a subgraph has its own '%s'", to);
    if (code || !changed)
        doc_graph_unref(r);
    else
        *out = r;
    return code;
}

/* Nodes from which `to` is computed keep what they read: else it would come to depend on itself. */
static bool *ancestors(const struct work *w, const char *to)
{
    bool *above = ff_alloc(w->n + 1);
    int *stack = ff_alloc_array(w->n + 1, sizeof *stack), depth = 0;
    name_table makers;

    names_init(&makers, w->n);
    for (size_t i = 0; i < w->n; i++)
        for (int j = 0; w->slots[i].p->field == PART_NODE && j < w->slots[i].p->node.n_outputs; j++)
            *names_place(&makers, w->slots[i].p->node.outputs[j]) = &w->slots[i];
    const slot *s = names_get(&makers, to);
    if (s != NULL) {
        above[s - w->slots] = true;
        stack[depth++] = (int)(s - w->slots);
    }
    while (depth > 0) {
        const doc_node *n = &w->slots[stack[--depth]].p->node;
        for (int i = 0; i < n->n_inputs + n->n_captures; i++) {
            const char *name = i < n->n_inputs ? n->inputs[i] : n->captures[i - n->n_inputs];
            s = name[0] ? names_get(&makers, name) : NULL;
            if (s != NULL && !above[s - w->slots]) {
                above[s - w->slots] = true;
                stack[depth++] = (int)(s - w->slots);
            }
        }
    }
    names_finish(&makers);
    free(stack);
    return above;
}

int edit_redirect(struct work *w, const edit *e)
{
    bool *above = ancestors(w, e->second);
    int code = FF_OK;

    for (size_t i = 0; i < w->n && code == FF_OK; i++) {
        part *p = NULL;
        if (w->slots[i].p->field != PART_NODE || above[i])
            continue;
        code = redirect_node(w->slots[i].p, e->target, e->second, &p);
        if (p != NULL)
            work_replace(w, (int)i, p);
    }
    free(above);
    return code;
}
