/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * interpret.c: a graph run node by node. Values are kept in a table by their id, which is unique
 * over the model, so that inner graphs see the values of outer ones; a value is dropped after the
 * last node that reads it.
 */
#include "kernel.h"

#include <stdlib.h>
#include <string.h>

typedef struct frame {
    const struct frame *outer;
    const ff_tensor *const *scope; /* of the outermost frame: values of the caller, or NULL */
    ff_tensor **values;            /* by id; only those of this graph */
    int *last_use;                 /* by id: index of the last node of this graph that needs it */
    const ff_kernel_env *limits;
    uint64_t bytes; /* of the values */
    int depth;
} frame;

enum { MAX_DEPTH = 32 };

static int run_frame(frame *f, const ff_graph *g, const ff_tensor *const *feeds, int n_feeds, ff_tensor **out,
                     int n_out);

static const ff_tensor *lookup(const frame *f, const ff_value *v)
{
    for (const frame *at = f; at; at = at->outer) {
        if (at->values[v->id])
            return at->values[v->id];
        if (!at->outer && at->scope && at->scope[v->id])
            return at->scope[v->id];
    }
    return v->initializer;
}

/* The run_graph of every node's environment. */
static int run_inner(ff_kernel_env *env, const ff_graph *g, const ff_tensor *const *in, int n_in, ff_tensor **out,
                     int n_out)
{
    const frame *outer = env->context;
    if (outer->depth >= MAX_DEPTH)
        return ff_fail(FF_ERR_GRAPH, "graphs are nested more than %d deep", MAX_DEPTH);
    frame f = {.outer = outer, .limits = outer->limits, .depth = outer->depth + 1};
    return run_frame(&f, g, in, n_in, out, n_out);
}

/* For every value of g the index of the last node that reads it, itself or in an inner graph. */
static void find_last_uses(const ff_graph *g, int *last_use)
{
    for (int i = 0; i < g->n_nodes; i++)
        for (int k = 0; k < g->nodes[i]->n_outputs; k++) {
            const ff_value *v = g->nodes[i]->outputs[k];
            if (!v)
                continue;
            last_use[v->id] = i;
            for (int u = 0; u < v->n_users; u++) {
                const ff_node *user = v->users[u].node;
                while (user && user->graph != g)
                    user = user->graph->owner;
                if (user && user->index > last_use[v->id])
                    last_use[v->id] = user->index;
            }
        }
    for (int i = 0; i < g->n_outputs; i++)
        if (g->outputs[i])
            last_use[g->outputs[i]->id] = g->n_nodes;
}

/* What one more output may take: the limit less what the graphs around hold. */
static uint64_t memory_left(const frame *f)
{
    uint64_t limit = f->limits && f->limits->memory_limit ? f->limits->memory_limit : FF_KERNEL_MEMORY_LIMIT;
    for (const frame *at = f; at; at = at->outer)
        limit = at->bytes < limit ? limit - at->bytes : 1;
    return limit;
}

static int run_node(frame *f, const ff_node *node)
{
    const ff_kernel *k;
    int rc = ff_kernel_find(node, &k);
    if (rc)
        return rc;
    ff_kernel_env env = {.run_graph = run_inner, .context = f, .memory_limit = memory_left(f)};
    if (f->limits) {
        env.task = f->limits->task;
        env.iteration_limit = f->limits->iteration_limit;
        env.rounds_left = f->limits->rounds_left;
    }
    const ff_tensor **in = ff_alloc_array((size_t)node->n_inputs + 1, sizeof *in);
    ff_tensor **out = ff_alloc_array((size_t)node->n_outputs + 1, sizeof *out);
    for (int i = 0; i < node->n_inputs && !rc; i++) {
        if (!node->inputs[i])
            continue;
        in[i] = lookup(f, node->inputs[i]);
        if (!in[i])
            rc = ff_fail(FF_ERR_GRAPH, "node '%s': input '%s' has no value", node->label, node->inputs[i]->name);
    }
    if (!rc)
        rc = ff_kernel_run(k, node, in, node->n_inputs, out, node->n_outputs, &env);
    for (int i = 0; i < node->n_outputs && !rc; i++) {
        if (node->outputs[i]) {
            f->values[node->outputs[i]->id] = out[i];
            f->bytes += ff_tensor_memory(out[i]);
        } else
            ff_tensor_unref(out[i]);
    }
    free(in);
    free(out);
    return rc;
}

static void drop_dead(frame *f, const ff_node *node)
{
    const struct {
        int n;
        const ff_value *const *values;
    } sides[] = {{node->n_inputs, node->inputs}, {node->n_outputs, node->outputs}};
    for (int s = 0; s < 2; s++)
        for (int i = 0; i < sides[s].n; i++) {
            const ff_value *v = sides[s].values[i];
            if (v && v->graph == node->graph && f->values[v->id] && f->last_use[v->id] == node->index) {
                f->bytes -= ff_tensor_memory(f->values[v->id]);
                ff_tensor_unref(f->values[v->id]);
                f->values[v->id] = NULL;
            }
        }
}

static int run_frame(frame *f, const ff_graph *g, const ff_tensor *const *feeds, int n_feeds, ff_tensor **out,
                     int n_out)
{
    size_t n = (size_t)ff_model_values(g->model);
    int rc = FF_OK;
    memset(out, 0, (size_t)n_out * sizeof *out); /* a loop passes the same array every round */
    if (n_feeds != g->n_inputs || n_out != g->n_outputs)
        return ff_fail(FF_ERR_GRAPH, "graph '%s' takes %d inputs and makes %d outputs, not %d and %d", g->name,
                       g->n_inputs, g->n_outputs, n_feeds, n_out);
    f->values = ff_alloc_array(n + 1, sizeof *f->values);
    f->last_use = ff_alloc_array(n + 1, sizeof *f->last_use);
    for (size_t i = 0; i < n; i++)
        f->last_use[i] = -1;
    find_last_uses(g, f->last_use);
    for (int i = 0; i < n_feeds; i++) {
        if (!feeds[i])
            continue;
        f->values[g->inputs[i]->id] = ff_tensor_ref(feeds[i]);
        if (f->outer) /* what a loop carries is nobody else's */
            f->bytes += ff_tensor_memory(feeds[i]);
    }
    for (int i = 0; i < g->n_nodes && !rc; i++) {
        if ((rc = ff_check_cancel(f->limits ? f->limits->task : NULL)) || (rc = run_node(f, g->nodes[i])))
            break;
        drop_dead(f, g->nodes[i]);
    }
    for (int i = 0; i < n_out && !rc; i++) {
        const ff_tensor *t = g->outputs[i] ? lookup(f, g->outputs[i]) : NULL;
        if (!t)
            rc = ff_fail(FF_ERR_GRAPH, "output %d of graph '%s' has no value", i, g->name);
        else
            out[i] = ff_tensor_ref(t);
    }
    if (rc)
        for (int i = 0; i < n_out; i++) {
            ff_tensor_unref(out[i]);
            out[i] = NULL;
        }
    for (size_t i = 0; i < n; i++)
        ff_tensor_unref(f->values[i]);
    free(f->values);
    free(f->last_use);
    return rc;
}

int ff_interpret(const ff_graph *g, const ff_tensor *const *feeds, const ff_tensor *const *scope,
                 const ff_kernel_env *env, ff_tensor **out)
{
    frame f = {.scope = scope, .limits = env};
    return run_frame(&f, g, feeds, g->n_inputs, out, g->n_outputs);
}
