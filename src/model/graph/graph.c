/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a document to the graph that everybody reads: values with producers and users, nodes
 * sorted. */
#include <stdlib.h>
#include <string.h>

#include "model/graph/graph.h"

/* Names that can be seen: of this graph, then of those around it. */
struct scope {
    name_table here;
    const struct scope *outer;
    ff_graph *graph;
};

struct use {
    ff_value *value;
    ff_node *node;
    int input;
};

struct build {
    ff_model *m;
    struct use *uses;
    size_t n_uses, uses_capacity;
    ff_node **nodes; /* all, inner ones behind their owner */
    size_t n_nodes, nodes_capacity;
};

static ff_value *new_value(struct build *b, ff_graph *g, const char *name)
{
    ff_value *v = ff_arena_alloc(b->m->arena, sizeof *v);

    v->id = (int)b->m->n_values;
    v->name = name;
    v->graph = g;
    v->declared.rank = -1;
    ff_grow(&b->m->values, &b->m->values_capacity, b->m->n_values + 1, sizeof *b->m->values);
    b->m->values[b->m->n_values++] = v;
    return v;
}

static ff_value *lookup(const struct scope *s, const char *name)
{
    for (; s != NULL; s = s->outer) {
        ff_value *v = names_get(&s->here, name);
        if (v != NULL)
            return v;
    }
    return NULL;
}

static int define(struct build *b, struct scope *s, const char *name, ff_value **out)
{
    void **place = names_place(&s->here, name);

    if (*place != NULL)
        return ff_fail(FF_ERR_INPUT, "the value '%s' is defined twice", name);
    *out = *place = new_value(b, s->graph, name);
    return FF_OK;
}

static int add_inputs(struct build *b, struct scope *s, const doc_graph *d)
{
    int code = FF_OK;

    for (int i = 0; i < d->n_slots && code == FF_OK; i++) {
        const part *p = d->slots[i].p;
        ff_value *v;
        if (p->field != PART_INPUT)
            continue;
        code = define(b, s, p->value.name, &v);
        if (code)
            break;
        v->is_input = true;
        v->declared = p->value.shape;
        v->dim_params = (const char *const *)p->value.dim_params;
    }
    return code;
}

static int add_initializers(struct build *b, struct scope *s, const doc_graph *d)
{
    int n = 0;

    for (int i = 0; i < d->n_slots; i++)
        n += d->slots[i].p->init.tensor != NULL &&
             (d->slots[i].p->field == PART_INITIALIZER || d->slots[i].p->field == PART_SPARSE);
    const ff_value **all = ff_arena_alloc(b->m->arena, ((size_t)n + 1) * sizeof *all);
    s->graph->initializers = all;
    for (int i = 0; i < d->n_slots; i++) {
        const part *p = d->slots[i].p;
        if (p->field != PART_INITIALIZER && p->field != PART_SPARSE)
            continue;
        ff_value *v = names_get(&s->here, p->init.name);
        if (v != NULL && v->initializer != NULL)
            return ff_fail(FF_ERR_INPUT, "the initializer '%s' stands there twice", p->init.name);
        if (v == NULL) {
            int code = define(b, s, p->init.name, &v);
            if (code)
                return code;
        }
        v->is_input = false;
        v->initializer = p->init.tensor;
        v->declared.dtype = p->init.tensor->dtype;
        v->declared.rank = p->init.tensor->rank;
        memcpy(v->declared.dims, p->init.tensor->dims, sizeof v->declared.dims);
        all[s->graph->n_initializers++] = v;
    }
    return FF_OK;
}

static int list_inputs(struct build *b, struct scope *s, const doc_graph *d)
{
    int n = 0;

    for (int i = 0; i < d->n_slots; i++)
        n += d->slots[i].p->field == PART_INPUT;
    const ff_value **all = ff_arena_alloc(b->m->arena, ((size_t)n + 1) * sizeof *all);
    s->graph->inputs = all;
    for (int i = 0; i < d->n_slots; i++)
        if (d->slots[i].p->field == PART_INPUT) {
            const ff_value *v = names_get(&s->here, d->slots[i].p->value.name);
            if (v->is_input)
                all[s->graph->n_inputs++] = v;
        }
    return FF_OK;
}

/* Makes the nodes in the order of the file, with their outputs. */
static int add_nodes(struct build *b, struct scope *s, const doc_graph *d, int *next_id, node_impl ***out)
{
    int n = 0;

    for (int i = 0; i < d->n_slots; i++)
        n += d->slots[i].p->field == PART_NODE;
    node_impl **nodes = ff_arena_alloc(b->m->arena, ((size_t)n + 1) * sizeof *nodes);
    s->graph->n_nodes = n;
    s->graph->nodes = (const ff_node *const *)nodes;
    n = 0;
    for (int i = 0; i < d->n_slots; i++) {
        part *p = d->slots[i].p;
        if (p->field != PART_NODE)
            continue;
        const doc_node *dn = &p->node;
        node_impl *ni = ff_arena_alloc(b->m->arena, sizeof *ni);
        ff_node *node = &ni->pub;
        ni->p = p;
        node->id = next_id ? *next_id : d->slots[i].id;
        if (next_id)
            *next_id += 1 + dn->n_inner;
        node->name = dn->name;
        node->op = dn->op;
        node->domain = dn->domain;
        node->opset = ff_model_opset(b->m, dn->domain);
        if (node->opset < 1 && strcmp(dn->domain, FF_CONTRIB) == 0)
            node->opset = 1; /* there is no other; some files do not say so */
        if (node->opset < 17 && !*dn->domain && strcmp(dn->op, "LayerNormalization") == 0)
            node->opset = 17; /* ONNX Runtime's optimiser writes it into models of any opset */
        node->graph = s->graph;
        node->n_inputs = dn->n_inputs;
        node->n_outputs = dn->n_outputs;
        node->n_attrs = dn->n_attrs;
        node->attrs = dn->public_attrs;
        const ff_value **outs = ff_arena_alloc(b->m->arena, ((size_t)dn->n_outputs + 1) * sizeof *outs);
        node->outputs = outs;
        for (int j = 0; j < dn->n_outputs; j++) {
            ff_value *v;
            if (dn->outputs[j][0] == '\0')
                continue;
            int code = define(b, s, dn->outputs[j], &v);
            if (code)
                return code;
            v->producer = node;
            v->producer_output = j;
            outs[j] = v;
        }
        nodes[n++] = ni;
    }
    *out = nodes;
    return FF_OK;
}

/* The k-th name a node reads: its inputs, then what its subgraphs capture; NULL at the end. */
static const char *reads(const node_impl *n, int k)
{
    const doc_node *d = &n->p->node;

    if (k < d->n_inputs)
        return d->inputs[k];
    return k - d->n_inputs < d->n_captures ? d->captures[k - d->n_inputs] : NULL;
}

static const ff_node *made_by(const struct scope *s, const char *name)
{
    const ff_value *v = name[0] ? names_get(&s->here, name) : NULL;
    return v ? v->producer : NULL;
}

static const char *shown(const ff_node *n)
{
    if (n->name[0] != '\0')
        return n->name;
    for (int i = 0; i < n->n_outputs; i++)
        if (n->outputs[i] != NULL)
            return n->outputs[i]->name;
    return "";
}

/* Sorts by depth-first search in the order of the file: a file that is sorted stays as it is, else
 * a node moves to just before its first reader. */
static int sort_nodes(struct scope *s, node_impl **nodes, int n, bool *moved)
{
    bool sorted = true;
    const char *name;

    for (int i = 0; i < n; i++)
        nodes[i]->pub.index = i;
    for (int i = 0; i < n && sorted; i++)
        for (int k = 0; (name = reads(nodes[i], k)) != NULL; k++) {
            const ff_node *p = made_by(s, name);
            sorted &= p == NULL || p->index < i;
        }
    if (sorted)
        return FF_OK;
    *moved = true;
    node_impl **order = ff_alloc_array((size_t)n, sizeof *order);
    int *stack = ff_alloc_array((size_t)n, sizeof *stack), code = FF_OK, done = 0;
    int *next = ff_alloc_array((size_t)n, sizeof *next);
    char *state = ff_alloc((size_t)n); /* 0 new, 1 on the stack, 2 placed */
    for (int i = 0; i < n && code == FF_OK; i++) {
        int depth = 0;
        if (state[i] != 0)
            continue;
        stack[depth++] = i;
        state[i] = 1;
        while (depth > 0 && code == FF_OK) {
            int at = stack[depth - 1];
            const ff_node *p = NULL;
            while ((name = reads(nodes[at], next[at])) != NULL) {
                next[at]++;
                p = made_by(s, name);
                if (p != NULL && state[p->index] != 2)
                    break;
                p = NULL;
            }
            if (p == NULL) {
                state[at] = 2;
                order[done++] = nodes[at];
                depth--;
            } else if (state[p->index] == 1) {
                code = ff_fail(FF_ERR_INPUT, "the graph has a cycle through nodes '%s' and '%s'", shown(p),
                               shown(&nodes[at]->pub));
            } else {
                state[p->index] = 1;
                stack[depth++] = p->index;
            }
        }
    }
    if (code == FF_OK)
        for (int i = 0; i < n; i++) {
            nodes[i] = order[i];
            nodes[i]->pub.index = i;
        }
    free(order);
    free(stack);
    free(next);
    free(state);
    return code;
}

static int add_graph(struct build *b, doc_graph *d, const ff_node *owner, const struct scope *outer, int *next_id,
                     ff_graph **out);

static void add_use(struct build *b, ff_value *v, ff_node *node, int input)
{
    ff_grow(&b->uses, &b->uses_capacity, b->n_uses + 1, sizeof *b->uses);
    b->uses[b->n_uses++] = (struct use){v, node, input};
    v->n_users++;
}

/* Subgraphs belong to a model, so a node that has some gets attributes of its own. */
static int add_subgraphs(struct build *b, struct scope *s, node_impl *ni)
{
    const doc_node *d = &ni->p->node;
    int next_id = ni->pub.id + 1;
    ff_attr *attrs = ff_arena_alloc(b->m->arena, (size_t)d->n_attrs * sizeof *attrs);

    for (int i = 0; i < d->n_attrs; i++) {
        const doc_attr *a = &d->attrs[i];
        attrs[i] = a->pub;
        if (a->graphs == NULL)
            continue;
        size_t n = a->pub.type == FF_ATTR_GRAPHS ? a->pub.n : 1;
        const ff_graph **graphs = ff_arena_alloc(b->m->arena, (n + 1) * sizeof *graphs);
        for (size_t j = 0; j < n; j++) {
            ff_graph *g;
            int code = add_graph(b, a->graphs[j], &ni->pub, s, &next_id, &g);
            if (code)
                return ff_fail_prefix(code, "in '%s' of node '%s'", a->pub.name, shown(&ni->pub));
            graphs[j] = g;
        }
        if (a->pub.type == FF_ATTR_GRAPHS)
            attrs[i].graphs = graphs;
        else
            attrs[i].g = graphs[0];
    }
    ni->pub.attrs = attrs;
    return FF_OK;
}

static int connect(struct build *b, struct scope *s, node_impl *ni)
{
    const doc_node *d = &ni->p->node;
    ff_node *node = &ni->pub;
    const ff_value **in = ff_arena_alloc(b->m->arena, ((size_t)d->n_inputs + 1) * sizeof *in);
    const ff_value **captured = ff_arena_alloc(b->m->arena, ((size_t)d->n_captures + 1) * sizeof *captured);

    ff_grow(&b->nodes, &b->nodes_capacity, b->n_nodes + 1, sizeof *b->nodes);
    b->nodes[b->n_nodes++] = node;
    node->inputs = in;
    node->captures = captured;
    for (int i = 0; i < d->n_inputs; i++) {
        if (d->inputs[i][0] == '\0')
            continue;
        ff_value *v = lookup(s, d->inputs[i]);
        if (v == NULL)
            return ff_fail(FF_ERR_INPUT, "node '%s' (%s) reads '%s', which nothing defines", shown(node), node->op,
                           d->inputs[i]);
        in[i] = v;
        add_use(b, v, node, i);
    }
    for (int i = 0; i < d->n_captures; i++) {
        const ff_value *v = lookup(s, d->captures[i]);
        if (v == NULL)
            return ff_fail(FF_ERR_INPUT,
                           "a subgraph of node '%s' (%s) reads '%s', which nothing "
                           "defines",
                           shown(node), node->op, d->captures[i]);
        captured[node->n_captures++] = v;
    }
    return d->has_graphs ? add_subgraphs(b, s, ni) : FF_OK;
}

static int add_outputs(struct build *b, struct scope *s, const doc_graph *d)
{
    int n = 0;

    for (int i = 0; i < d->n_slots; i++) {
        const part *p = d->slots[i].p;
        n += p->field == PART_OUTPUT;
        ff_value *v = p->field == PART_VALUE_INFO ? names_get(&s->here, p->value.name) : NULL;
        if (v != NULL && v->declared.rank < 0 && v->initializer == NULL)
            v->declared = p->value.shape;
    }
    const ff_value **all = ff_arena_alloc(b->m->arena, ((size_t)n + 1) * sizeof *all);
    s->graph->outputs = all;
    for (int i = 0; i < d->n_slots; i++) {
        const part *p = d->slots[i].p;
        if (p->field != PART_OUTPUT)
            continue;
        ff_value *v = names_get(&s->here, p->value.name);
        if (v == NULL) /* bodies may hand on what lies around them */
            v = lookup(s, p->value.name);
        if (v == NULL)
            return ff_fail(FF_ERR_INPUT, "the graph output '%s' is made by nothing", p->value.name);
        if (v->graph == s->graph)
            v->is_output = true;
        if (v->declared.rank < 0 && v->initializer == NULL)
            v->declared = p->value.shape;
        all[s->graph->n_outputs++] = v;
    }
    return FF_OK;
}

static int add_graph(struct build *b, doc_graph *d, const ff_node *owner, const struct scope *outer, int *next_id,
                     ff_graph **out)
{
    graph_impl *gi = ff_arena_alloc(b->m->arena, sizeof *gi);
    struct scope s = {.outer = outer, .graph = &gi->pub};
    node_impl **nodes = NULL;
    bool moved = false;
    int code;

    gi->doc = d;
    gi->pub.name = d->name;
    gi->pub.model = b->m;
    gi->pub.owner = owner;
    names_init(&s.here, (size_t)d->n_slots);
    if ((code = add_inputs(b, &s, d)) || (code = add_initializers(b, &s, d)) || (code = list_inputs(b, &s, d)) ||
        (code = add_nodes(b, &s, d, next_id, &nodes)) || (code = sort_nodes(&s, nodes, gi->pub.n_nodes, &moved)))
        goto done;
    for (int i = 0; i < gi->pub.n_nodes; i++)
        if ((code = connect(b, &s, nodes[i])))
            goto done;
    if ((code = add_outputs(b, &s, d)))
        goto done;
    *out = &gi->pub;
    if (owner == NULL) {
        b->m->value_names = s.here;
        b->m->reordered = moved;
        return FF_OK;
    }
done:
    names_finish(&s.here);
    return code;
}

static void share_out_uses(struct build *b)
{
    struct ff_use *all = ff_arena_alloc(b->m->arena, (b->n_uses + 1) * sizeof *all);

    for (size_t i = 0; i < b->m->n_values; i++) {
        b->m->values[i]->users = all;
        all += b->m->values[i]->n_users;
        b->m->values[i]->n_users = 0;
    }
    for (size_t i = 0; i < b->n_uses; i++) {
        const struct use *u = &b->uses[i];
        ((struct ff_use *)u->value->users)[u->value->n_users++] = (struct ff_use){u->node, u->input};
    }
}

/* The first node of a name has it as label; the others are told apart by their output. */
static void label_nodes(struct build *b)
{
    name_table counters;

    names_init(&b->m->labels, b->n_nodes);
    names_init(&counters, 16);
    for (size_t i = 0; i < b->n_nodes; i++) {
        ff_node *n = b->nodes[i];
        void **place = n->name[0] ? names_place(&b->m->labels, n->name) : NULL;
        if (place != NULL && *place == NULL) {
            *place = n;
            n->label = n->name;
        }
    }
    for (size_t i = 0; i < b->n_nodes; i++) {
        ff_node *n = b->nodes[i];
        if (n->label != NULL)
            continue;
        const char *output = "";
        for (int j = 0; j < n->n_outputs && output[0] == '\0'; j++)
            output = n->outputs[j] ? n->outputs[j]->name : "";
        const char *stem = ff_arena_printf(b->m->arena, "%s:%s", n->name[0] ? n->name : n->op, output);
        const char *label = stem;
        void **place = names_place(&b->m->labels, label);
        while (*place != NULL) {
            uintptr_t *count = (uintptr_t *)names_place(&counters, stem);
            label = ff_arena_printf(b->m->arena, "%s#%u", stem, (unsigned)++*count + 1);
            place = names_place(&b->m->labels, label);
        }
        *place = n;
        n->label = label;
    }
    names_finish(&counters);
}

int model_index(doc_model *d, doc_graph *g, int next_id, ff_model **out)
{
    ff_model *m = ff_alloc(sizeof *m);
    struct build b = {.m = m};

    atomic_init(&m->refs, 1);
    pthread_mutex_init(&m->lock, NULL);
    m->doc = doc_model_ref(d);
    m->main = doc_graph_ref(g);
    m->arena = ff_arena_create();
    m->next_id = next_id;
    int code = add_graph(&b, g, NULL, NULL, NULL, &m->graph);
    if (code == FF_OK) {
        share_out_uses(&b);
        label_nodes(&b);
        m->nodes = ff_alloc_array((size_t)next_id + 1, sizeof(ff_node *));
        for (size_t i = 0; i < b.n_nodes; i++)
            m->nodes[b.nodes[i]->id] = b.nodes[i];
        *out = m;
    }
    free(b.uses);
    free(b.nodes);
    if (code)
        ff_model_unref(m);
    return code;
}
