/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nodes with subgraphs (If, Loop, Scan), whose bodies are interpreted with the reference kernels.
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

void node_captures(const ff_node *n, void (*visit)(void *, const ff_value *), void *context)
{
    for (int i = 0; i < n->n_captures; i++)
        visit(context, n->captures[i]);
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

/* What a body sees of the graph around it. */
typedef struct scope {
    const ff_tensor **values; /* by id */
} scope;

static int run_graph(ff_kernel_env *env, const ff_graph *g, const ff_tensor *const *in, int n_in, ff_tensor **out,
                     int n_out)
{
    const scope *s = env->context;

    if (n_in != g->n_inputs || n_out != g->n_outputs)
        return ff_fail(FF_ERR_GRAPH, "a subgraph has %d inputs and %d outputs, not %d and %d", g->n_inputs,
                       g->n_outputs, n_in, n_out);
    return ff_interpret(g, in, s->values, env, out);
}

int graphs_run_node(const ff_kernel *k, const ff_node *n, const ff_tensor *const *in, ff_tensor **out,
                    const ff_tensor *(*lookup)(void *context, const ff_value *v), void *context,
                    const ff_kernel_env *limits)
{
    scope s;
    ff_kernel_env env = *limits;

    env.run_graph = run_graph;
    env.context = &s;
    s.values = ff_alloc_array((size_t)ff_model_values(n->graph->model) + 1, sizeof *s.values);
    for (int i = 0; i < n->n_captures; i++)
        s.values[n->captures[i]->id] = lookup(context, n->captures[i]);
    int code = ff_kernel_run(k, n, in, n->n_inputs, out, n->n_outputs, &env);
    free(s.values);
    return code;
}
