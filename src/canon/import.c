/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The model's main graph as it stands: one node for each that depends on an input, constants as
 * inputs, attributes with the defaults of the model's own opset. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "canon/rewrite.h"

static const cg_rule constants_rule = {"constant-folding", "an operand computed from constants only is that constant",
                                       NULL};

typedef struct importer {
    cg_graph *g;
    const ff_graph *graph;
    cg_value **of; /* by ff_value id */
} importer;

/* Original nodes that lead from initializers to this constant, one chain, nearest last. */
static int foldable_chain(const ff_value *v, const ff_node **chain, int max)
{
    int n = 0;
    while (v && v->producer && n < max) {
        const ff_node *p = v->producer;
        chain[n++] = p;
        v = p->n_inputs > 0 ? p->inputs[0] : NULL;
    }
    return n;
}

static cg_value *constant_input(importer *m, const ff_node *node, int i, const ff_tensor *t)
{
    cg_value *v = cg_constant(m->g, ff_tensor_ref(t), NULL);
    v->original = node->inputs[i];
    v->reader = node;
    v->reader_input = i;
    cg_layout_init(&v->layout, t->rank, t->dims);
    return v;
}

static void record_chain(importer *m, cg_node *n, const ff_value *v)
{
    const ff_node *chain[64];
    int count = foldable_chain(v, chain, 64);
    if (count == 0 || (count == 1 && strcmp(chain[0]->op, "Constant") == 0))
        return;
    cg_node wrap = {.origins = chain, .n_origins = count};
    cg_record_rule(m->g, &constants_rule, n, &wrap, 0);
}

/* ---------------------------------------------------------------------------- attributes */

/* s: the value as the tables write a default. */
static void set_fallback(cg_graph *g, cg_node *n, const struct ff_attr_fact *f, const char *s)
{
    if (f->type == FF_ATTR_INT) {
        cg_set_int(g, n, f->name, strtoll(s, NULL, 10), n->primary);
    } else if (f->type == FF_ATTR_FLOAT) {
        cg_set_real(g, n, f->name, (float)strtod(s, NULL), n->primary);
    } else if (f->type == FF_ATTR_STRING) {
        size_t len = strlen(s);
        bool quoted = len >= 2 && s[0] == '"';
        char *text = ff_strndup(quoted ? s + 1 : s, quoted ? len - 2 : len);
        cg_set_text(g, n, f->name, text, n->primary);
        free(text);
    } else if (f->type == FF_ATTR_INTS) {
        int64_t v[2 * FF_MAX_RANK];
        int count = 0;
        for (const char *p = s; *p && count < 2 * FF_MAX_RANK;) {
            char *end;
            int64_t x = strtoll(p, &end, 10);
            if (end == p) {
                p++;
                continue;
            }
            v[count++] = x;
            p = end;
        }
        cg_set_ints(g, n, f->name, v, count, n->primary);
    }
}

/* A text is spelled as the newest opset does. */
static const char *newest_text(const ff_node *n, const ff_attr *a)
{
    return *n->domain ? a->s : ff_op_text(n->op, a->name, a->s, n->opset, INT_MAX);
}

static void set_attr(cg_graph *g, cg_node *n, const ff_attr *a)
{
    switch (a->type) {
    case FF_ATTR_INT:
        cg_set_int(g, n, a->name, a->i, n->primary);
        break;
    case FF_ATTR_INTS:
        cg_set_ints(g, n, a->name, a->ints, (int)a->n, n->primary);
        break;
    case FF_ATTR_FLOAT:
        cg_set_real(g, n, a->name, a->f, n->primary);
        break;
    case FF_ATTR_FLOATS: {
        double *v = ff_alloc_array(a->n + 1, sizeof *v);
        for (size_t i = 0; i < a->n; i++)
            v[i] = a->floats[i];
        cg_set_reals(g, n, a->name, v, (int)a->n, n->primary);
        free(v);
        break;
    }
    case FF_ATTR_STRING:
        cg_set_text(g, n, a->name, a->s ? newest_text(n->primary, a) : "", n->primary);
        break;
    case FF_ATTR_TENSOR: { /* equal text, equal tensor */
        char hex[65] = "";
        if (a->t)
            ff_key_hex(ff_tensor_key(a->t), hex);
        cg_set_text(g, n, a->name, hex, n->primary);
        break;
    }
    default: {
        char *text = ff_attr_format(a);
        cg_set_text(g, n, a->name, text, n->primary);
        free(text);
    }
    }
}

/* Rules of the families pool and forms see to these, and say so where it tells two models apart. */
static bool left_to_rules(const ff_node *n, const char *attr)
{
    return strcmp(n->op, "AveragePool") == 0 || strcmp(n->op, "MaxPool") == 0 ||
           strcmp(attr, "noop_with_empty_axes") == 0 || strcmp(attr, "saturate") == 0;
}

static void import_attributes(cg_graph *g, cg_node *n, const ff_node *node)
{
    const ff_op *op = ff_op_find(node->domain, node->op, node->opset);
    for (const struct ff_attr_fact *f = op ? op->attrs : NULL; f && f->name; f++)
        if (f->fallback && !ff_node_attr(node, f->name))
            set_fallback(g, n, f, f->fallback);
    const struct ff_attr_fact *later;
    const char *meant;
    for (int i = 0; (later = ff_op_later_attr(node, i, &meant)) != NULL; i++)
        if (!ff_node_attr(node, later->name) && !left_to_rules(node, later->name))
            set_fallback(g, n, later, meant);
    for (int i = 0; i < node->n_attrs; i++)
        set_attr(g, n, &node->attrs[i]);
}

/* --------------------------------------------------------------------------------- nodes */

static bool all_constant(const ff_plan *p, const ff_node *node)
{
    for (int i = 0; i < node->n_outputs; i++)
        if (node->outputs[i] && !ff_plan_constant(p, node->outputs[i]))
            return false;
    return true;
}

static bool read_by_inner_graph(const ff_value *v, const ff_graph *main)
{
    for (int i = 0; i < v->n_users; i++)
        if (v->users[i].node->graph != main)
            return true;
    return false;
}

static cg_value *activation(importer *m, const ff_value *v)
{
    const ff_shape *s = ff_plan_shape(m->g->plan, v);
    cg_value *r = cg_value_create(m->g, s);
    if (cg_shape_static(s)) {
        r->original = v;
        cg_layout_init(&r->layout, s->rank, s->dims);
    }
    r->outputs += read_by_inner_graph(v, m->graph); /* no rule may take it away */
    m->of[v->id] = r;
    return r;
}

static void import_node(importer *m, const ff_node *node)
{
    cg_graph *g = m->g;
    int n_in = node->n_inputs;
    while (n_in > 0 && !node->inputs[n_in - 1])
        n_in--;
    cg_node *n = cg_insert_after(g, g->last, node->op, node, n_in);
    cg_absorb(n, &node, 1);
    for (int i = 0; i < n_in; i++) {
        const ff_value *v = node->inputs[i];
        if (!v)
            continue;
        const ff_tensor *t = ff_plan_constant(g->plan, v);
        if (t) {
            cg_set_in(n, i, constant_input(m, node, i, t));
            record_chain(m, n, v);
        } else {
            cg_set_in(n, i, m->of[v->id] ? m->of[v->id] : activation(m, v));
        }
    }
    for (int i = 0; i < node->n_outputs; i++)
        if (node->outputs[i])
            cg_set_out(g, n, i, activation(m, node->outputs[i]));
    import_attributes(g, n, node);
}

/* Is there an output that no node reads? */
static bool has_end(const ff_graph *g)
{
    for (int i = 0; i < g->n_outputs; i++)
        if (!g->outputs[i]->n_users)
            return true;
    return false;
}

int cg_import(ff_plan *p, bool ends_only, cg_graph **out)
{
    const ff_model *model = ff_plan_model(p);
    const ff_graph *graph = ff_model_graph(model);
    cg_graph *g = ff_alloc(sizeof *g);
    g->arena = ff_arena_create();
    g->plan = ff_plan_ref(p);
    importer m = {.g = g, .graph = graph};
    m.of = ff_alloc_array((size_t)ff_model_values(model) + 1, sizeof(cg_value *));

    g->n_inputs = graph->n_inputs;
    g->inputs = ff_arena_alloc(g->arena, (size_t)(g->n_inputs + 1) * sizeof *g->inputs);
    for (int i = 0; i < g->n_inputs; i++) {
        g->inputs[i] = activation(&m, graph->inputs[i]);
        g->inputs[i]->input = i;
    }
    for (int i = 0; i < graph->n_nodes; i++)
        if (!all_constant(p, graph->nodes[i]))
            import_node(&m, graph->nodes[i]);

    bool all = !ends_only || !has_end(graph);
    g->outputs = ff_arena_alloc(g->arena, (size_t)(graph->n_outputs + 1) * sizeof *g->outputs);
    for (int i = 0; i < graph->n_outputs; i++) {
        const ff_value *v = graph->outputs[i];
        if (!all && v->n_users)
            continue;
        const ff_tensor *t = ff_plan_constant(p, v);
        cg_value *r = m.of[v->id];
        if (t) {
            r = cg_constant(g, ff_tensor_ref(t), NULL);
            r->original = v;
            cg_layout_init(&r->layout, t->rank, t->dims);
        } else if (!r) {
            r = activation(&m, v);
        }
        g->outputs[g->n_outputs++] = r;
        r->outputs++;
    }
    free(m.of);
    *out = g;
    return FF_OK;
}
