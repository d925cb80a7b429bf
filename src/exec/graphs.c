/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Subgraphs (bodies of If, Loop, Scan): interpreted node by node with the reference kernels. Shapes may
 * change from one iteration to the next.
 */
#include "exec/plan.h"

#include <stdlib.h>

bool node_has_graphs(const ff_node *n)
{
    for (int i = 0; i < n->n_attrs; i++)
        if (n->attrs[i].type == FF_ATTR_GRAPH || n->attrs[i].type == FF_ATTR_GRAPHS)
            return true;
    return false;
}

/* Whether `outer` is g or one of the graphs around it. */
static bool encloses(const ff_graph *outer, const ff_graph *g)
{
    while (g && g != outer)
        g = g->owner ? g->owner->graph : NULL;
    return g != NULL;
}

static void graph_captures(const ff_graph *g, const ff_graph *outside,
                           void (*visit)(void *, const ff_value *), void *context);

static void captures_of(const ff_node *n, const ff_graph *outside,
                        void (*visit)(void *, const ff_value *), void *context)
{
    for (int i = 0; i < n->n_attrs; i++) {
        const ff_attr *a = &n->attrs[i];
        if (a->type == FF_ATTR_GRAPH && a->g)
            graph_captures(a->g, outside, visit, context);
        for (size_t k = 0; a->type == FF_ATTR_GRAPHS && k < a->n; k++)
            graph_captures(a->graphs[k], outside, visit, context);
    }
}

static void visit_outer(const ff_value *v, const ff_graph *outside,
                        void (*visit)(void *, const ff_value *), void *context)
{
    if (v && encloses(v->graph, outside))
        visit(context, v);
}

static void graph_captures(const ff_graph *g, const ff_graph *outside,
                           void (*visit)(void *, const ff_value *), void *context)
{
    for (int i = 0; i < g->n_nodes; i++) {
        for (int k = 0; k < g->nodes[i]->n_inputs; k++)
            visit_outer(g->nodes[i]->inputs[k], outside, visit, context);
        captures_of(g->nodes[i], outside, visit, context);
    }
    for (int i = 0; i < g->n_outputs; i++)
        visit_outer(g->outputs[i], outside, visit, context);
}

void node_captures(const ff_node *n, void (*visit)(void *, const ff_value *), void *context)
{
    captures_of(n, n->graph, visit, context);
}

static int check_graph(const ff_graph *g)
{
    for (int i = 0; i < g->n_nodes; i++) {
        const ff_kernel *k;
        int code = ff_kernel_find(g->nodes[i], &k);
        if (code == FF_OK)
            code = graphs_check(g->nodes[i]);
        if (code != FF_OK)
            return code;
    }
    return FF_OK;
}

int graphs_check(const ff_node *n)
{
    int code = FF_OK;

    for (int i = 0; i < n->n_attrs && code == FF_OK; i++) {
        const ff_attr *a = &n->attrs[i];
        if (a->type == FF_ATTR_GRAPH && a->g)
            code = check_graph(a->g);
        for (size_t k = 0; a->type == FF_ATTR_GRAPHS && k < a->n && code == FF_OK; k++)
            code = check_graph(a->graphs[k]);
    }
    return code;
}

/* One running graph: its values so far, and where to look for those of the graphs around it. */
typedef struct frame {
    ff_kernel_env env; /* first: kernels hand it back */
    const ff_graph *graph; /* NULL: the outermost, which `lookup` knows */
    ff_tensor **values;    /* by value id */
    const struct frame *outer;
    const ff_tensor *(*lookup)(void *, const ff_value *);
    void *context;
} frame;

static const ff_tensor *find(const frame *f, const ff_value *v)
{
    if (v->initializer && v->graph && !v->is_input)
        return v->initializer;
    for (; f; f = f->outer) {
        if (f->lookup) {
            const ff_tensor *t = f->lookup(f->context, v);
            return t ? t : v->initializer;
        }
        if (f->values[v->id])
            return f->values[v->id];
    }
    return v->initializer;
}

static int run_graph(ff_kernel_env *env, const ff_graph *g, const ff_tensor *const *in, int n_in,
                     ff_tensor **out, int n_out);

static int run_node(frame *f, const ff_node *n)
{
    const ff_kernel *k;
    int code = ff_kernel_find(n, &k);

    if (code == FF_OK)
        code = ff_check_cancel(f->env.task);
    if (code != FF_OK)
        return code;
    const ff_tensor **in = ff_alloc_array((size_t)n->n_inputs + 1, sizeof *in);
    ff_tensor **out = ff_alloc_array((size_t)n->n_outputs + 1, sizeof *out);
    for (int i = 0; i < n->n_inputs && code == FF_OK; i++)
        if (n->inputs[i] && !(in[i] = find(f, n->inputs[i])))
            code = ff_fail(FF_ERR_GRAPH, "node '%s' (%s): input '%s' has no value", n->label, n->op,
                           n->inputs[i]->name);
    if (code == FF_OK)
        code = ff_kernel_run(k, n, in, n->n_inputs, out, n->n_outputs, &f->env);
    for (int i = 0; i < n->n_outputs; i++) {
        if (code == FF_OK && n->outputs[i] && out[i])
            f->values[n->outputs[i]->id] = out[i];
        else if (code == FF_OK)
            ff_tensor_unref(out[i]);
    }
    free(in);
    free(out);
    return code;
}

static int run_graph(ff_kernel_env *env, const ff_graph *g, const ff_tensor *const *in, int n_in,
                     ff_tensor **out, int n_out)
{
    const frame *outer = (const frame *)env;
    size_t n = (size_t)ff_model_values(g->model);
    frame f = {.env = *env, .graph = g, .outer = outer};
    int code = FF_OK;

    if (n_in > g->n_inputs || n_out > g->n_outputs)
        return ff_fail(FF_ERR_GRAPH, "subgraph '%s' has %d inputs and %d outputs, not %d and %d",
                       g->name ? g->name : "", g->n_inputs, g->n_outputs, n_in, n_out);
    f.values = ff_alloc_array(n + 1, sizeof *f.values);
    for (int i = 0; i < n_in; i++)
        if (in[i])
            f.values[g->inputs[i]->id] = ff_tensor_ref(in[i]);
    for (int i = 0; i < g->n_nodes && code == FF_OK; i++)
        code = run_node(&f, g->nodes[i]);
    for (int i = 0; i < n_out && code == FF_OK; i++) {
        const ff_tensor *t = find(&f, g->outputs[i]);
        if (!t)
            code = ff_fail(FF_ERR_GRAPH, "subgraph output '%s' has no value", g->outputs[i]->name);
        else
            out[i] = ff_tensor_ref(t);
    }
    if (code != FF_OK)
        for (int i = 0; i < n_out; i++) {
            ff_tensor_unref(out[i]);
            out[i] = NULL;
        }
    for (size_t i = 0; i < n; i++)
        ff_tensor_unref(f.values[i]);
    free(f.values);
    return code;
}

int graphs_run_node(const ff_kernel *k, const ff_node *n, const ff_tensor *const *in, ff_tensor **out,
                    const ff_tensor *(*lookup)(void *, const ff_value *), void *context,
                    const ff_task *task)
{
    frame f = {.env = {.run_graph = run_graph, .task = task}, .lookup = lookup, .context = context};

    return ff_kernel_run(k, n, in, n->n_inputs, out, n->n_outputs, &f.env);
}
