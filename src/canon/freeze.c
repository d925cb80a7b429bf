/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the rewritten graph to the public view. */
#include <stdlib.h>
#include <string.h>

#include "canon/rewrite.h"

struct ff_canon_private {
    ff_arena *arena;
    const ff_tensor **tensors;
    size_t n_tensors, capacity;
    int *of_node; /* by ff_node id: canonical node or -1 */
    int n_of_node;
};

/* Names of a node's constant operands, by input. */
static const char *role_of(const cg_node *n, int i)
{
    static const struct {
        const char *op, *roles[6];
    } table[] = {
        {"Conv", {NULL, "weight", "bias"}},
        {"ConvTranspose", {NULL, "weight", "bias"}},
        {"Gemm", {NULL, "weight", "bias"}},
        {"Affine", {NULL, "scale", "shift"}},
        {"PRelu", {NULL, "slope"}},
        {"LayerNormalization", {NULL, "scale", "bias"}},
        {"InstanceNormalization", {NULL, "scale", "bias"}},
        {"GroupNormalization", {NULL, "scale", "bias"}},
        {"BatchNormalization", {NULL, "scale", "bias", "mean", "variance"}},
        {"Gather", {"data", "indices"}},
    };
    static const char *const numbered[] = {"operand 0", "operand 1", "operand 2", "operand 3",
                                           "operand 4", "operand 5", "operand 6", "operand 7"};
    static const char *const commutative[] = {"Add", "Mul", "Min", "Max", "Sum", "Mean", NULL};
    bool raw = strcmp(n->op, "Gemm") == 0 && !n->formed; /* as ONNX has it */
    for (size_t k = 0; k < FF_COUNT(table) && !raw; k++)
        if (strcmp(n->op, table[k].op) == 0 && i < 6 && table[k].roles[i])
            return table[k].roles[i];
    bool either = false;
    for (int k = 0; commutative[k]; k++)
        either = either || strcmp(n->op, commutative[k]) == 0;
    if (n->n_in == 2 && (i == 1 || either))
        return "operand";
    return i < 8 ? numbered[i] : "operand 8"; /* and on */
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const ff_cattr *)a)->name, ((const ff_cattr *)b)->name);
}

static int by_index(const void *a, const void *b)
{
    const ff_node *x = *(const ff_node *const *)a, *y = *(const ff_node *const *)b;
    return (x->index > y->index) - (x->index < y->index);
}

static const ff_tensor *keep(struct ff_canon_private *p, ff_tensor *t)
{
    ff_grow(&p->tensors, &p->capacity, p->n_tensors + 1, sizeof *p->tensors);
    p->tensors[p->n_tensors++] = t;
    return t;
}

static int freeze_param(struct ff_canon_private *p, const cg_node *n, int i, ff_cparam *out)
{
    const cg_value *v = n->in[i];
    ff_tensor *t = NULL;
    if (ff_dtype_is_float(v->constant->dtype)) {
        int code = ff_tensor_convert(v->constant, FF_FLOAT, &t);
        if (code)
            return code;
    } else {
        t = ff_tensor_ref(v->constant);
    }
    *out = (ff_cparam){
        .role = role_of(n, i),
        .tensor = keep(p, t),
        .original = v->original,
        .node = v->reader ? v->reader : n->primary,
        .input = v->original ? v->reader_input : -1,
        .layout = v->layout,
        .folded = v->folded,
    };
    return FF_OK;
}

/* An optional input left out before one that is there: the view counts activations only, so it says
 * which is which. */
static void note_omitted(cg_graph *g, cg_node *n)
{
    int64_t omitted[FF_MAX_RANK];
    int count = 0;
    for (int i = 0; i < n->n_in && count < FF_MAX_RANK; i++)
        if (!n->in[i])
            omitted[count++] = i;
    if (count > 0)
        cg_set_ints(g, n, "omitted", omitted, count, n->primary);
}

static void freeze_attributes(ff_arena *a, const cg_node *n, ff_cnode *out)
{
    ff_cattr *attrs = ff_arena_alloc(a, (size_t)(n->n_attrs + 1) * sizeof *attrs);
    for (int i = 0; i < n->n_attrs; i++) {
        attrs[i] = n->attrs[i];
        size_t count = (size_t)attrs[i].n + 1;
        attrs[i].name = ff_arena_strdup(a, attrs[i].name);
        if (attrs[i].type == FF_CATTR_INTS)
            attrs[i].ints =
                memcpy(ff_arena_alloc(a, count * sizeof(int64_t)), attrs[i].ints, (count - 1) * sizeof(int64_t));
        else if (attrs[i].type == FF_CATTR_REALS)
            attrs[i].reals =
                memcpy(ff_arena_alloc(a, count * sizeof(double)), attrs[i].reals, (count - 1) * sizeof(double));
        else
            attrs[i].text = ff_arena_strdup(a, attrs[i].text);
    }
    if (n->n_attrs > 1)
        qsort(attrs, (size_t)n->n_attrs, sizeof *attrs, by_name);
    out->n_attrs = n->n_attrs;
    out->attrs = attrs;
}

static int freeze_node(struct ff_canon_private *p, const cg_node *n, ff_cnode *out)
{
    ff_arena *a = p->arena;
    int *inputs = ff_arena_alloc(a, (size_t)(n->n_in + 1) * sizeof *inputs);
    int *outputs = ff_arena_alloc(a, (size_t)(n->n_out + 1) * sizeof *outputs);
    ff_cparam *params = ff_arena_alloc(a, (size_t)(n->n_in + 1) * sizeof *params);
    *out = (ff_cnode){.id = n->id, .op = ff_arena_strdup(a, n->op), .primary = n->primary};
    for (int i = 0; i < n->n_in; i++) {
        if (!n->in[i])
            continue;
        if (!n->in[i]->constant) {
            inputs[out->n_inputs++] = n->in[i]->id;
            continue;
        }
        int code = freeze_param(p, n, i, &params[out->n_params]);
        if (code)
            return code;
        out->n_params++;
    }
    for (int i = 0; i < n->n_out; i++)
        if (n->out[i])
            outputs[out->n_outputs++] = n->out[i]->id;
    out->inputs = inputs;
    out->outputs = outputs;
    out->params = params;
    freeze_attributes(a, n, out);
    const ff_node **origins = ff_arena_alloc(a, (size_t)(n->n_origins + 1) * sizeof *origins);
    if (n->n_origins > 0)
        memcpy(origins, n->origins, (size_t)n->n_origins * sizeof *origins);
    if (n->n_origins > 1)
        qsort(origins, (size_t)n->n_origins, sizeof *origins, by_index);
    out->origins = origins;
    out->n_origins = n->n_origins;
    if (out->n_origins == 0 && n->primary) /* made beside the node that primary became */
        origins[out->n_origins++] = n->primary;
    return FF_OK;
}

/* A node that stands for nothing in the model (the Transpose of an NHWC input that meets no other)
 * speaks for the one that reads it. */
static void name_nameless(cg_graph *g)
{
    for (cg_node *n = g->last; n; n = n->prev) {
        if (n->primary)
            continue;
        for (int i = 0; i < n->n_out && !n->primary; i++)
            for (int k = 0; n->out[i] && k < n->out[i]->n_users && !n->primary; k++)
                n->primary = n->out[i]->users[k]->primary;
    }
}

static int compare_int(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void freeze_value(struct ff_canon_private *p, const cg_value *v, ff_cvalue *out)
{
    int *users = ff_arena_alloc(p->arena, (size_t)(v->n_users + 1) * sizeof *users);
    *out = (ff_cvalue){.id = v->id,
                       .producer = v->producer ? v->producer->id : -1,
                       .shape = v->shape,
                       .original = v->original,
                       .layout = v->layout,
                       .users = users};
    int ids = 0;
    for (int i = 0; i < v->n_users; i++)
        users[ids++] = v->users[i]->id;
    if (ids > 1)
        qsort(users, (size_t)ids, sizeof *users, compare_int);
    for (int i = 0; i < ids; i++)
        if (i == 0 || users[i] != users[i - 1])
            users[out->n_users++] = users[i];
}

static cg_node *live(cg_node *n)
{
    while (n && n->dead)
        n = n->into;
    return n;
}

static void number(cg_value *v, const cg_value **order, int *count)
{
    if (v->id >= 0)
        return;
    v->id = (*count)++;
    order[v->id] = v;
}

int cg_freeze(cg_graph *g, ff_canon **out)
{
    ff_canon *c = ff_alloc(sizeof *c);
    struct ff_canon_private *p = c->priv = ff_alloc(sizeof *p);
    p->arena = ff_arena_create();
    c->plan = ff_plan_ref(g->plan);
    name_nameless(g);

    const cg_value **order = ff_alloc_array(g->n_values + 1, sizeof *order);
    int count = 0, id = 0, code = FF_OK;
    for (size_t i = 0; i < g->n_values; i++)
        g->values[i]->id = -1;
    for (int i = 0; i < g->n_inputs; i++)
        number(g->inputs[i], order, &count);
    for (cg_node *n = g->first; n; n = n->next) {
        note_omitted(g, n);
        n->id = id++;
        for (int i = 0; i < n->n_out; i++)
            if (n->out[i])
                number(n->out[i], order, &count);
    }
    for (cg_node *n = g->first; n; n = n->next) /* values of enclosing scopes, if ever */
        for (int i = 0; i < n->n_in; i++)
            if (n->in[i] && !n->in[i]->constant)
                number(n->in[i], order, &count);
    for (int i = 0; i < g->n_outputs; i++)
        number(g->outputs[i], order, &count);

    ff_cvalue *values = ff_arena_alloc(p->arena, (size_t)(count + 1) * sizeof *values);
    ff_cnode *nodes = ff_arena_alloc(p->arena, (size_t)(id + 1) * sizeof *nodes);
    for (int i = 0; i < count; i++)
        freeze_value(p, order[i], &values[i]);
    free(order);
    for (cg_node *n = g->first; n && !code; n = n->next)
        code = freeze_node(p, n, &nodes[n->id]);
    c->values = values;
    c->n_values = count;
    c->nodes = nodes;
    c->n_nodes = id;
    if (code) {
        ff_canon_destroy(c);
        return code;
    }

    int *inputs = ff_arena_alloc(p->arena, (size_t)(g->n_inputs + 1) * sizeof *inputs);
    int *outputs = ff_arena_alloc(p->arena, (size_t)(g->n_outputs + 1) * sizeof *outputs);
    for (int i = 0; i < g->n_inputs; i++)
        inputs[i] = g->inputs[i]->id;
    for (int i = 0; i < g->n_outputs; i++)
        outputs[i] = g->outputs[i]->id;
    c->inputs = inputs;
    c->n_inputs = g->n_inputs;
    c->outputs = outputs;
    c->n_outputs = g->n_outputs;

    ff_equivalence *e = ff_arena_alloc(p->arena, (g->n_records + 1) * sizeof *e);
    for (size_t i = 0; i < g->n_records; i++) {
        const cg_record *r = &g->records[i];
        const ff_node **list = ff_arena_alloc(p->arena, (size_t)(r->n_nodes + 1) * sizeof *list);
        memcpy(list, r->nodes, (size_t)r->n_nodes * sizeof *list);
        cg_node *end = live(r->node);
        e[i] = (ff_equivalence){r->rule, r->meaning, end ? end->id : -1, r->n_nodes, list, r->deviation};
    }
    c->equivalences = e;
    c->n_equivalences = (int)g->n_records;

    for (int i = 0; i < c->n_nodes; i++)
        for (int k = 0; k < nodes[i].n_origins; k++)
            p->n_of_node = nodes[i].origins[k]->id >= p->n_of_node ? nodes[i].origins[k]->id + 1 : p->n_of_node;
    p->of_node = ff_alloc_array((size_t)p->n_of_node + 1, sizeof(int));
    for (int i = 0; i < p->n_of_node; i++)
        p->of_node[i] = -1;
    for (const cg_node *n = g->last; n; n = n->prev)
        for (int k = 0; k < n->n_origins; k++) {
            int *of = &p->of_node[n->origins[k]->id];
            if (*of < 0 || n->primary == n->origins[k])
                *of = n->id;
        }
    *out = c;
    return FF_OK;
}

bool ff_cparam_is_part(const ff_canon *c, const ff_cparam *p)
{
    const ff_tensor *whole = p && p->original ? ff_plan_constant(c->plan, p->original) : NULL;
    return whole && p->folded && p->tensor->rank > 0 && whole->count > p->tensor->count &&
           whole->count % (p->tensor->count / p->tensor->dims[0]) == 0;
}

static int create(ff_plan *plan, bool ends_only, ff_canon **out)
{
    cg_graph *g = NULL;
    int code = cg_import(plan, ends_only, &g);
    if (!code)
        code = cg_rewrite(g);
    if (!code)
        code = cg_freeze(g, out);
    cg_destroy(g);
    return code;
}

int ff_canon_create(ff_plan *plan, ff_canon **out)
{
    return create(plan, false, out);
}

int ff_canon_create_ends(ff_plan *plan, ff_canon **out)
{
    return create(plan, true, out);
}

void ff_canon_destroy(ff_canon *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->priv->n_tensors; i++)
        ff_tensor_unref(c->priv->tensors[i]);
    free(c->priv->tensors);
    free(c->priv->of_node);
    ff_arena_destroy(c->priv->arena);
    free(c->priv);
    ff_plan_unref((ff_plan *)c->plan);
    free(c);
}

int ff_canon_of(const ff_canon *c, const ff_node *original)
{
    return original->id >= 0 && original->id < c->priv->n_of_node ? c->priv->of_node[original->id] : -1;
}
