/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a model and a patch to another model. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "model/patch.h"

#define misfit(...) ff_fail(FF_ERR_GRAPH, __VA_ARGS__)

/* The fields of the graph while edits are made; holds a reference on each part. */
struct work {
    const ff_model *m;
    slot *slots;
    size_t n, capacity;
    int next_id;
    bool edited; /* by something else than a splice */
};

static void insert_slot(struct work *w, int at, part *p, int id)
{
    ff_grow(&w->slots, &w->capacity, w->n + 1, sizeof *w->slots);
    memmove(w->slots + at + 1, w->slots + at, (w->n - (size_t)at) * sizeof *w->slots);
    w->slots[at] = (slot){p, id};
    w->n++;
}

static void remove_slot(struct work *w, int at)
{
    part_unref(w->slots[at].p);
    memmove(w->slots + at, w->slots + at + 1, (w->n - (size_t)at - 1) * sizeof *w->slots);
    w->n--;
}

static void replace_slot(struct work *w, int at, part *p)
{
    part_unref(w->slots[at].p);
    w->slots[at].p = p;
}

static int find(const struct work *w, uint32_t field, const char *name)
{
    for (size_t i = 0; name[0] != '\0' && i < w->n; i++)
        if (w->slots[i].p->field == field && strcmp(part_name(w->slots[i].p), name) == 0)
            return (int)i;
    return -1;
}

static int find_initializer(const struct work *w, const char *name)
{
    int i = find(w, PART_INITIALIZER, name);
    return i >= 0 ? i : find(w, PART_SPARSE, name);
}

/* Where a new field of a kind goes: behind the last of its kind, else at the end. */
static int behind(const struct work *w, uint32_t field)
{
    for (size_t i = w->n; i > 0; i--)
        if (w->slots[i - 1].p->field == field)
            return (int)i;
    return (int)w->n;
}

static int find_node(const struct work *w, const char *output, int *at)
{
    *at = find(w, PART_NODE, output);
    return *at >= 0 ? FF_OK : misfit("no node makes '%s' as its first output", output);
}

/* The slot of the node that makes a value, by any of its outputs; -1: none. */
static int producer(const struct work *w, const char *name)
{
    for (size_t i = 0; name[0] != '\0' && i < w->n; i++)
        if (w->slots[i].p->field == PART_NODE)
            for (int j = 0; j < w->slots[i].p->node.n_outputs; j++)
                if (strcmp(w->slots[i].p->node.outputs[j], name) == 0)
                    return (int)i;
    return -1;
}

static bool node_reads(const doc_node *n, const char *name)
{
    for (int i = 0; i < n->n_inputs; i++)
        if (strcmp(n->inputs[i], name) == 0)
            return true;
    for (int i = 0; i < n->n_captures; i++)
        if (strcmp(n->captures[i], name) == 0)
            return true;
    return false;
}

static int check_unread(const struct work *w, const char *name)
{
    for (size_t i = 0; i < w->n; i++) {
        const part *p = w->slots[i].p;
        if (p->field == PART_NODE && node_reads(&p->node, name))
            return misfit("'%s' is still read by node '%s'", name, part_name(p));
        if (p->field == PART_OUTPUT && strcmp(p->value.name, name) == 0)
            return misfit("'%s' is a graph output", name);
    }
    return FF_OK;
}

static void drop_named(struct work *w, uint32_t field, const char *name)
{
    int at;

    while ((at = find(w, field, name)) >= 0)
        remove_slot(w, at);
}

static part *value_part(uint32_t field, const doc_value *v, const part *old)
{
    part *p = part_create(field);
    doc_value *r = &p->value;
    bool same_rank = old && old->value.shape.rank == v->shape.rank;

    r->name = ff_strdup(v->name);
    r->shape = v->shape;
    for (int i = 0; i < v->shape.rank; i++) {
        if (v->shape.dims[i] >= 0)
            continue;
        if (r->dim_params == NULL)
            r->dim_params = ff_alloc_array((size_t)v->shape.rank, sizeof *r->dim_params);
        const char *kept = same_rank && old->value.dim_params ? old->value.dim_params[i] : NULL;
        if (kept != NULL || !same_rank || old->value.shape.dims[i] >= 0)
            r->dim_params[i] = ff_strdup(kept ? kept : "N");
    }
    if (old != NULL) { /* documentation, metadata and what else the field held */
        ff_buf b = {0};
        wire_field f, g;
        part_emit(old, &b);
        const uint8_t *data = (const uint8_t *)b.data;
        size_t at = 0;
        if (wire_step(data, b.len, &at, &f))
            for (at = f.body; wire_step(data, f.end, &at, &g);)
                if (g.number >= 3)
                    ff_buf_add(&r->rest, data + g.start, g.end - g.start);
        ff_buf_finish(&b);
    }
    return p;
}

static part *initializer_part(const char *name, const ff_tensor *t, const part *old)
{
    part *p = part_create(PART_INITIALIZER);

    p->init.name = ff_strdup(name);
    p->init.tensor = ff_tensor_ref(t);
    if (old != NULL && old->init.rest.len)
        ff_buf_add(&p->init.rest, old->init.rest.data, old->init.rest.len);
    return p;
}

static bool same_dims(const ff_tensor *a, const ff_tensor *b)
{
    return a->dtype == b->dtype && a->rank == b->rank &&
           memcmp(a->dims, b->dims, (size_t)a->rank * sizeof a->dims[0]) == 0;
}

static int set_initializer(struct work *w, const edit *e)
{
    int at = find_initializer(w, e->target), input = find(w, PART_INPUT, e->target);

    if (e->target[0] == '\0')
        return misfit("an initializer needs a name");
    if (at < 0) {
        if (producer(w, e->target) >= 0)
            return misfit("'%s' is made by a node", e->target);
        if (input >= 0)
            return misfit("'%s' is a graph input", e->target);
        insert_slot(w, behind(w, PART_INITIALIZER), initializer_part(e->target, e->tensor, NULL),
                    -1);
        return FF_OK;
    }
    const part *old = w->slots[at].p;
    bool same = same_dims(old->init.tensor, e->tensor);
    replace_slot(w, at, initializer_part(e->target, e->tensor, old));
    if (same)
        return FF_OK;
    drop_named(w, PART_VALUE_INFO, e->target);
    /* The declaration beside it (IR before 4). */
    if ((input = find(w, PART_INPUT, e->target)) >= 0) {
        doc_value v = {.name = e->target};
        v.shape.dtype = e->tensor->dtype;
        v.shape.rank = e->tensor->rank;
        memcpy(v.shape.dims, e->tensor->dims, sizeof v.shape.dims);
        replace_slot(w, input, value_part(PART_INPUT, &v, w->slots[input].p));
    }
    return FF_OK;
}

static int remove_initializer(struct work *w, const edit *e)
{
    int at = find_initializer(w, e->target), code;

    if (at < 0)
        return misfit("there is no initializer '%s'", e->target);
    if ((code = check_unread(w, e->target)))
        return code;
    remove_slot(w, at);
    drop_named(w, PART_INPUT, e->target);
    drop_named(w, PART_VALUE_INFO, e->target);
    return FF_OK;
}

/* ------------------------------------------------------------------------------------ nodes */

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

static int set_attr(struct work *w, const edit *e)
{
    int at, code = find_node(w, e->target, &at);

    if (code)
        return code;
    if (e->attr.pub.type < FF_ATTR_FLOAT || e->attr.pub.type > FF_ATTR_GRAPHS ||
        e->attr.pub.name[0] == '\0')
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
    replace_slot(w, at, p);
    return FF_OK;
}

static int remove_attr(struct work *w, const edit *e)
{
    int at, code = find_node(w, e->target, &at);

    if (code)
        return code;
    int i = find_attr(&w->slots[at].p->node, e->second);
    if (i < 0)
        return misfit("node '%s' has no attribute '%s'", e->target, e->second);
    part *p = clone_node(w->slots[at].p);
    attr_finish(&p->node.attrs[i]);
    p->node.n_attrs--;
    memmove(&p->node.attrs[i], &p->node.attrs[i + 1],
            (size_t)(p->node.n_attrs - i) * sizeof p->node.attrs[0]);
    memset(&p->node.attrs[p->node.n_attrs], 0, sizeof p->node.attrs[0]);
    node_complete(&p->node);
    replace_slot(w, at, p);
    return FF_OK;
}

static int set_node_input(struct work *w, const edit *e)
{
    int at, code = find_node(w, e->target, &at);

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
    replace_slot(w, at, p);
    return FF_OK;
}

static void add_node(struct work *w, int at, part *p)
{
    insert_slot(w, at, part_ref(p), w->next_id);
    w->next_id += 1 + p->node.n_inner;
}

static int insert_node(struct work *w, const edit *e)
{
    int last = -1, after;
    const doc_node *n = &e->node->node;

    if (e->second != NULL) {
        int code = find_node(w, e->second, &last);
        if (code)
            return code;
    }
    for (int i = 0; i < n->n_inputs + n->n_captures; i++) {
        after = producer(w, i < n->n_inputs ? n->inputs[i] : n->captures[i - n->n_inputs]);
        last = after > last ? after : last;
    }
    for (size_t i = 0; last < 0 && i < w->n; i++)
        if (w->slots[i].p->field == PART_NODE)
            last = (int)i - 1, i = w->n;
    add_node(w, last + 1, e->node);
    return FF_OK;
}

static int remove_node(struct work *w, const edit *e)
{
    int at, code = find_node(w, e->target, &at);

    if (code)
        return code;
    const part *p = w->slots[at].p;
    for (int i = 0; i < p->node.n_outputs && code == FF_OK; i++)
        if (p->node.outputs[i][0] != '\0')
            code = check_unread(w, p->node.outputs[i]);
    if (code == FF_OK)
        remove_slot(w, at);
    return code;
}

static int replace_node(struct work *w, const edit *e)
{
    int at, code = find_node(w, e->target, &at);

    if (code)
        return code;
    replace_slot(w, at, part_ref(e->node));
    w->slots[at].id = w->next_id;
    w->next_id += 1 + e->node->node.n_inner;
    return FF_OK;
}

static int redirect_graph(const doc_graph *g, const char *from, const char *to, doc_graph **out);

/* *out: a copy of the node that reads `to` wherever it read `from`; NULL: it did not. */
static int redirect_node(const part *old, const char *from, const char *to, part **out)
{
    *out = NULL;
    if (!node_reads(&old->node, from))
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

static int redirect(struct work *w, const edit *e)
{
    bool *above = ancestors(w, e->second);
    int code = FF_OK;

    for (size_t i = 0; i < w->n && code == FF_OK; i++) {
        part *p = NULL;
        if (w->slots[i].p->field != PART_NODE || above[i])
            continue;
        code = redirect_node(w->slots[i].p, e->target, e->second, &p);
        if (p != NULL)
            replace_slot(w, (int)i, p);
    }
    free(above);
    return code;
}

/* ------------------------------------------------------------------------ inputs and outputs */

static int set_input_shape(struct work *w, const edit *e)
{
    int at = find(w, PART_INPUT, e->target);

    if (at < 0)
        return misfit("there is no graph input '%s'", e->target);
    if (e->value.shape.rank < 0 || e->value.shape.rank > FF_MAX_RANK)
        return misfit("input '%s' needs a shape", e->target);
    replace_slot(w, at, value_part(PART_INPUT, &e->value, w->slots[at].p));
    return FF_OK;
}

static int set_outputs(struct work *w, const edit *e)
{
    part **chosen = ff_alloc_array((size_t)e->n_names + 1, sizeof *chosen);
    int code = FF_OK, next = 0;

    if (e->n_names < 1)
        code = misfit("a graph needs an output");
    for (int i = 0; i < e->n_names && code == FF_OK; i++) {
        int at = find(w, PART_OUTPUT, e->names[i]);
        if (at < 0)
            code = misfit("there is no graph output '%s'", e->names[i]);
        for (int j = 0; j < i && code == FF_OK; j++)
            if (strcmp(e->names[i], e->names[j]) == 0)
                code = misfit("output '%s' stands there twice", e->names[i]);
        if (code == FF_OK)
            chosen[i] = part_ref(w->slots[at].p);
    }
    for (size_t i = 0; i < w->n && code == FF_OK; i++)
        if (w->slots[i].p->field == PART_OUTPUT) {
            if (next < e->n_names)
                replace_slot(w, (int)i, part_ref(chosen[next++]));
            else
                remove_slot(w, (int)i--);
        }
    for (int i = 0; i < e->n_names; i++)
        part_unref(chosen[i]);
    free(chosen);
    return code;
}

static int add_output(struct work *w, const edit *e)
{
    if (find(w, PART_OUTPUT, e->target) >= 0)
        return misfit("'%s' is a graph output already", e->target);
    insert_slot(w, behind(w, PART_OUTPUT), value_part(PART_OUTPUT, &e->value, NULL), -1);
    return FF_OK;
}

/* The names that outputs are computed from, and the outputs: as keys of a table. */
static void find_live(const slot *slots, size_t n, name_table *live)
{
    name_table makers;
    size_t depth = 0, capacity = 0;
    const char **stack = NULL;

    names_init(live, n);
    names_init(&makers, n);
    for (size_t i = 0; i < n; i++)
        for (int j = 0; slots[i].p->field == PART_NODE && j < slots[i].p->node.n_outputs; j++)
            *names_place(&makers, slots[i].p->node.outputs[j]) = slots[i].p;
    for (size_t i = 0; i < n; i++)
        if (slots[i].p->field == PART_OUTPUT) {
            ff_grow(&stack, &capacity, depth + 1, sizeof *stack);
            stack[depth++] = slots[i].p->value.name;
        }
    while (depth > 0) {
        const char *name = stack[--depth];
        void **place = names_place(live, name);
        const part *p = names_get(&makers, name);
        if (*place != NULL)
            continue;
        *place = live;
        for (int i = 0; p && i < p->node.n_inputs + p->node.n_captures; i++) {
            const char *s =
                i < p->node.n_inputs ? p->node.inputs[i] : p->node.captures[i - p->node.n_inputs];
            if (s[0] != '\0' && names_get(live, s) == NULL) {
                ff_grow(&stack, &capacity, depth + 1, sizeof *stack);
                stack[depth++] = s;
            }
        }
    }
    free(stack);
    names_finish(&makers);
}

static bool any_live(const part *p, const name_table *live)
{
    if (p->field != PART_NODE)
        return names_get(live, part_name(p)) != NULL;
    for (int i = 0; i < p->node.n_outputs; i++)
        if (p->node.outputs[i][0] && names_get(live, p->node.outputs[i]) != NULL)
            return true;
    return false;
}

/* What was dead in the model before the patch is not ours to remove. */
static int remove_dead(struct work *w)
{
    name_table now, then;

    find_live(w->slots, w->n, &now);
    find_live(w->m->main->slots, (size_t)w->m->main->n_slots, &then);
    for (size_t i = 0; i < w->n; i++) {
        const part *p = w->slots[i].p;
        uint32_t field = p->field;
        if (field != PART_NODE && field != PART_INITIALIZER && field != PART_SPARSE)
            continue;
        const char *name = part_name(p);
        bool old = ff_model_find_value(w->m, name) != NULL;
        if (any_live(p, &now) || (old && !any_live(p, &then)))
            continue;
        char *copy = ff_strdup(name);
        remove_slot(w, (int)i--);
        if (field != PART_NODE) {
            for (size_t j = 0; j <= i && i != SIZE_MAX; j++)
                if (w->slots[j].p->field == PART_INPUT &&
                    strcmp(part_name(w->slots[j].p), copy) == 0)
                    i--;
            drop_named(w, PART_INPUT, copy);
        }
        free(copy);
    }
    names_finish(&now);
    names_finish(&then);
    return FF_OK;
}

static bool id_is_free(const struct work *w, int id, int n)
{
    for (size_t i = 0; i < w->n; i++) {
        const slot *s = &w->slots[i];
        if (s->p->field == PART_NODE && id < s->id + 1 + s->p->node.n_inner && s->id < id + n)
            return false;
    }
    return id >= 0;
}

static int find_out(const struct work *w, const struct splice_out *o, int shift)
{
    int hint = o->index - shift;

    if (hint >= 0 && (size_t)hint < w->n && o->p != NULL && w->slots[hint].p == o->p)
        return hint;
    const ff_key *key = o->p ? part_key(o->p) : &o->key;
    if (hint >= 0 && (size_t)hint < w->n && ff_key_equal(part_key(w->slots[hint].p), key))
        return hint;
    for (size_t i = 0; i < w->n; i++)
        if ((o->p && w->slots[i].p == o->p) || ff_key_equal(part_key(w->slots[i].p), key))
            return (int)i;
    return -1;
}

static int splice(struct work *w, const edit *e)
{
    for (int i = 0; i < e->n_out; i++) {
        int at = find_out(w, &e->out[i], i);
        if (at < 0)
            return misfit("a field that is to be taken back is not there any more");
        remove_slot(w, at);
    }
    for (int i = 0; i < e->n_in; i++) {
        const struct splice_in *s = &e->in[i];
        int at = (size_t)s->index < w->n ? s->index : (int)w->n, id = -1;
        if (s->p->field == PART_NODE) {
            int n = 1 + s->p->node.n_inner;
            id = s->id;
            if (id > INT_MAX - n || !id_is_free(w, id, n) || id + n > w->next_id) {
                id = w->next_id;
                w->next_id += n;
            }
        }
        insert_slot(w, at, part_ref(s->p), id);
    }
    return FF_OK;
}

static int apply_edit(struct work *w, const edit *e)
{
    w->edited |= e->kind != EDIT_SPLICE;
    if (w->next_id > INT_MAX / 2)
        return misfit("too many nodes");
    switch (e->kind) {
    case EDIT_SET_INITIALIZER:
        return set_initializer(w, e);
    case EDIT_REMOVE_INITIALIZER:
        return remove_initializer(w, e);
    case EDIT_SET_ATTR:
        return set_attr(w, e);
    case EDIT_REMOVE_ATTR:
        return remove_attr(w, e);
    case EDIT_SET_NODE_INPUT:
        return set_node_input(w, e);
    case EDIT_INSERT_NODE:
        return insert_node(w, e);
    case EDIT_REMOVE_NODE:
        return remove_node(w, e);
    case EDIT_REPLACE_NODE:
        return replace_node(w, e);
    case EDIT_REDIRECT:
        return redirect(w, e);
    case EDIT_SET_INPUT_SHAPE:
        return set_input_shape(w, e);
    case EDIT_SET_OUTPUTS:
        return set_outputs(w, e);
    case EDIT_ADD_OUTPUT:
        return add_output(w, e);
    case EDIT_REMOVE_DEAD:
        return remove_dead(w);
    default:
        return splice(w, e);
    }
}

/* --------------------------------------------------------------------------- the whole patch */

static int build(const struct work *w, ff_model **out)
{
    doc_graph *g = doc_graph_create((int)w->n);

    g->name = ff_strdup(w->m->main->name);
    for (size_t i = 0; i < w->n; i++)
        g->slots[g->n_slots++] = (slot){part_ref(w->slots[i].p), w->slots[i].id};
    int code = model_index(w->m->doc, g, w->next_id, out);
    doc_graph_unref(g);
    return code ? ff_fail_prefix(FF_ERR_GRAPH, "the edited graph is not valid") : FF_OK;
}

/* Nodes that are not the old model's must be what their operator allows. */
static int check_nodes(const struct work *w, const ff_model *r)
{
    for (int i = 0; i < r->graph->n_nodes; i++) {
        const node_impl *n = (const node_impl *)r->graph->nodes[i];
        const node_impl *o = (const node_impl *)ff_model_node_by_id(w->m, n->pub.id);
        if (o != NULL && o->p == n->p)
            continue;
        const ff_node *p = &n->pub;
        const ff_op *op = ff_op_find(p->domain, p->op, p->opset);
        if (op == NULL && (p->domain[0] == '\0' || p->opset == 0) &&
            !(o != NULL && strcmp(o->pub.op, p->op) == 0))
            return misfit("node '%s': operator %s is not known in opset %d", p->label, p->op,
                          p->opset);
        if (op == NULL)
            continue;
        if (p->n_inputs < op->min_inputs || (op->max_inputs >= 0 && p->n_inputs > op->max_inputs))
            return misfit("node '%s': %s does not take %d inputs in opset %d", p->label, p->op,
                          p->n_inputs, p->opset);
        if (p->n_outputs < op->min_outputs ||
            (op->max_outputs >= 0 && p->n_outputs > op->max_outputs))
            return misfit("node '%s': %s does not have %d outputs in opset %d", p->label, p->op,
                          p->n_outputs, p->opset);
        for (int j = 0; j < op->min_inputs; j++)
            if (p->inputs[j] == NULL)
                return misfit("node '%s': input %d of %s is missing", p->label, j, p->op);
    }
    return FF_OK;
}

/* Puts the nodes of the file in the order of the graph. */
static void sort_slots(struct work *w, const ff_model *r)
{
    int next = 0;

    for (size_t i = 0; i < w->n; i++)
        if (w->slots[i].p->field == PART_NODE) {
            const node_impl *n = (const node_impl *)r->graph->nodes[next++];
            w->slots[i] = (slot){n->p, n->pub.id};
        }
}

static bool same_shape(const ff_shape *a, const ff_shape *b)
{
    return a->dtype == b->dtype && a->rank == b->rank &&
           (a->rank <= 0 || memcmp(a->dims, b->dims, (size_t)a->rank * sizeof a->dims[0]) == 0);
}

/* tainted[value id of r]: its shape may be another than in the old model. */
static bool find_tainted(const struct work *w, const ff_model *r, bool *tainted)
{
    bool any = false;

    for (size_t i = 0; i < r->n_values; i++) {
        const ff_value *v = r->values[i];
        if (v->graph != r->graph || v->producer != NULL)
            continue;
        const ff_value *o = ff_model_find_value(w->m, v->name);
        tainted[i] = o == NULL || o->producer != NULL || !same_shape(&v->declared, &o->declared);
    }
    for (int i = 0; i < r->graph->n_nodes; i++) {
        const node_impl *n = (const node_impl *)r->graph->nodes[i];
        const node_impl *o = (const node_impl *)ff_model_node_by_id(w->m, n->pub.id);
        bool t = o == NULL || o->p != n->p;
        for (int j = 0; j < n->pub.n_inputs && !t; j++)
            t = n->pub.inputs[j] && tainted[n->pub.inputs[j]->id];
        for (int j = 0; j < n->pub.n_captures && !t; j++)
            t = tainted[n->pub.captures[j]->id];
        for (int j = 0; j < n->pub.n_outputs; j++)
            if (t && n->pub.outputs[j])
                any = tainted[n->pub.outputs[j]->id] = true;
    }
    return any;
}

static bool agrees(const ff_shape *declared, const ff_shape *inferred)
{
    if (inferred->rank < 0 || declared->rank < 0)
        return false;
    if (declared->rank != inferred->rank || declared->dtype != inferred->dtype)
        return false;
    for (int i = 0; i < declared->rank; i++)
        if (declared->dims[i] >= 0 && declared->dims[i] != inferred->dims[i])
            return false;
    return true;
}

static bool contradicts(const ff_shape *declared, const ff_shape *inferred)
{
    if (inferred->rank < 0 || declared->rank < 0)
        return false;
    if (declared->rank != inferred->rank || declared->dtype != inferred->dtype)
        return true;
    for (int i = 0; i < declared->rank; i++)
        if (declared->dims[i] >= 0 && inferred->dims[i] >= 0 &&
            declared->dims[i] != inferred->dims[i])
            return true;
    return false;
}

/* Drops the declarations of shapes that the edits made untrue (or that cannot be shown to be true
 * any more). *changed: the slots are others now. */
static int drop_untrue(struct work *w, const ff_model *r, bool *changed)
{
    bool *tainted = ff_alloc(r->n_values + 1);
    ff_shape *shapes = NULL;
    int code = FF_OK;

    for (size_t i = 0; i < w->n; i++) { /* of values that are gone */
        const part *p = w->slots[i].p;
        if (p->field == PART_VALUE_INFO && ff_model_find_value(r, p->value.name) == NULL &&
            ff_model_find_value(w->m, p->value.name) != NULL) {
            remove_slot(w, (int)i--);
            *changed = true;
        }
    }
    if (!find_tainted(w, r, tainted))
        goto done;
    /* What the tainted values were declared as must not help to infer them. */
    struct work bare = {.m = w->m, .next_id = w->next_id};
    ff_model *b = NULL;
    for (size_t i = 0; i < w->n; i++) {
        const part *p = w->slots[i].p;
        const ff_value *v =
            p->field == PART_VALUE_INFO ? ff_model_find_value(r, p->value.name) : NULL;
        if (p->field == PART_OUTPUT)
            v = ff_model_find_value(r, p->value.name);
        if (v != NULL && tainted[v->id] && v->producer != NULL) {
            if (p->field == PART_VALUE_INFO)
                continue;
            doc_value unknown = {.name = p->value.name, .shape = {.rank = -1}};
            insert_slot(&bare, (int)bare.n, value_part(PART_OUTPUT, &unknown, NULL), -1);
            continue;
        }
        insert_slot(&bare, (int)bare.n, part_ref(w->slots[i].p), w->slots[i].id);
    }
    code = build(&bare, &b);
    if (code == FF_OK) {
        shapes = ff_alloc_array(b->n_values + 1, sizeof *shapes);
        if (ff_model_infer(b, NULL, shapes) != FF_OK) /* it cannot run; nothing is known */
            for (size_t i = 0; i < b->n_values; i++)
                shapes[i] = (ff_shape){.rank = -1};
    }
    for (size_t i = 0; i < w->n && code == FF_OK; i++) {
        part *p = w->slots[i].p;
        if (p->field != PART_VALUE_INFO && p->field != PART_OUTPUT)
            continue;
        const ff_value *v = ff_model_find_value(r, p->value.name);
        const ff_value *in_bare = ff_model_find_value(b, p->value.name);
        if (v == NULL || in_bare == NULL || !tainted[v->id] || v->producer == NULL)
            continue;
        if (p->field == PART_VALUE_INFO && !agrees(&p->value.shape, &shapes[in_bare->id])) {
            remove_slot(w, (int)i--);
            *changed = true;
        } else if (p->field == PART_OUTPUT && contradicts(&p->value.shape, &shapes[in_bare->id])) {
            doc_value d = {.name = p->value.name, .shape = shapes[in_bare->id]};
            replace_slot(w, (int)i, value_part(PART_OUTPUT, &d, p));
            *changed = true;
        }
    }
    for (size_t i = 0; i < bare.n; i++)
        part_unref(bare.slots[i].p);
    free(bare.slots);
    ff_model_unref(b);
done:
    free(shapes);
    free(tainted);
    return code;
}

int ff_model_apply(const ff_model *m, const ff_patch *p, ff_model **out, ff_patch **inverse)
{
    struct work w = {.m = m, .next_id = m->next_id};
    ff_model *r = NULL;
    int code = FF_OK;

    ff_grow(&w.slots, &w.capacity, (size_t)m->main->n_slots + 16, sizeof *w.slots);
    for (int i = 0; i < m->main->n_slots; i++)
        w.slots[w.n++] = (slot){part_ref(m->main->slots[i].p), m->main->slots[i].id};
    for (size_t i = 0; i < p->n && code == FF_OK; i++) {
        code = apply_edit(&w, p->edits[i]);
        if (code && p->n > 1)
            code = ff_fail_prefix(code, "edit %zu", i + 1);
    }
    if (code == FF_OK)
        code = build(&w, &r);
    if (code == FF_OK && w.edited)
        code = check_nodes(&w, r);
    if (code == FF_OK && w.edited) {
        bool changed = r->reordered;
        if (r->reordered)
            sort_slots(&w, r);
        code = drop_untrue(&w, r, &changed);
        if (code == FF_OK && changed) {
            ff_model_unref(r);
            r = NULL;
            code = build(&w, &r);
        }
    }
    if (code == FF_OK) {
        if (inverse != NULL) {
            *inverse = ff_patch_create();
            patch_add_splice(*inverse, w.slots, (int)w.n, m->main->slots, m->main->n_slots);
        }
        *out = r;
        r = NULL;
    }
    for (size_t i = 0; i < w.n; i++)
        part_unref(w.slots[i].p);
    free(w.slots);
    ff_model_unref(r);
    return code;
}
