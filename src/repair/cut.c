/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repair/cut.h"

#include <stdlib.h>
#include <string.h>

typedef struct cut {
    const ff_plan *plan;
    const ff_model *model;
    bool *wanted;  /* by index of the main graph's nodes */
    bool *settled; /* by id of the value: an input of the part, or walked already */
    ff_patch *patch;
} cut;

/* Walks back from v to the inputs. */
static int want(cut *c, const ff_value *v)
{
    if (!v || c->settled[v->id])
        return FF_OK;
    c->settled[v->id] = true;
    const ff_tensor *t = ff_plan_constant(c->plan, v);
    if (t) {
        ff_patch_set_initializer(c->patch, v->name, t);
        return FF_OK;
    }
    const ff_node *n = v->producer;
    if (!n)
        return ff_fail(FF_ERR_GRAPH, "it needs '%s' as well", v->name);
    if (n->n_captures || *n->domain)
        return ff_fail(FF_ERR_GRAPH, "node '%s' (%s) cannot be cut out", n->label, n->op);
    c->wanted[n->index] = true;
    for (int i = 0; i < n->n_inputs; i++) {
        int rc = want(c, n->inputs[i]);
        if (rc != FF_OK)
            return rc;
    }
    return FF_OK;
}

static const char **names_of(const ff_value *const *values, int n)
{
    const char **names = ff_alloc_array((size_t)n + 1, sizeof *names);
    for (int i = 0; i < n; i++)
        names[i] = values[i] ? values[i]->name : NULL;
    return names;
}

static void copy_nodes(cut *c)
{
    const ff_graph *g = ff_model_graph(c->model);
    for (int i = 0; i < g->n_nodes; i++) {
        const ff_node *n = g->nodes[i];
        if (!c->wanted[n->index])
            continue;
        const char **in = names_of(n->inputs, n->n_inputs), **out = names_of(n->outputs, n->n_outputs);
        ff_patch_insert_node(c->patch,
                             &(ff_node_spec){.name = n->name,
                                             .op = n->op,
                                             .domain = n->domain,
                                             .n_inputs = n->n_inputs,
                                             .n_outputs = n->n_outputs,
                                             .n_attrs = n->n_attrs,
                                             .inputs = in,
                                             .outputs = out,
                                             .attrs = n->attrs},
                             NULL);
        free(in);
        free(out);
    }
}

int ff_cut(const ff_plan *plan, int n_inputs, const char *const *inputs, const char *output, ff_model **out)
{
    const ff_model *m = ff_plan_model(plan);
    cut c = {.plan = plan, .model = m, .patch = ff_patch_create()};
    ff_model *empty = NULL;
    ff_shape *shapes = ff_alloc_array((size_t)n_inputs + 1, sizeof *shapes);
    int rc = FF_OK;
    c.wanted = ff_alloc_array((size_t)ff_model_graph(m)->n_nodes + 1, sizeof *c.wanted);
    c.settled = ff_alloc_array((size_t)ff_model_values(m) + 1, sizeof *c.settled);
    for (int i = 0; i < n_inputs && rc == FF_OK; i++) {
        const ff_value *v = ff_model_find_value(m, inputs[i]);
        if (!v) {
            rc = ff_fail(FF_ERR_GRAPH, "there is no value '%s'", inputs[i]);
            break;
        }
        c.settled[v->id] = true;
        shapes[i] = *ff_plan_shape(plan, v);
    }
    const ff_value *end = ff_model_find_value(m, output);
    if (rc == FF_OK && (!end || c.settled[end->id]))
        rc = ff_fail(FF_ERR_GRAPH, "there is no value '%s'", output);
    if (rc == FF_OK)
        rc = want(&c, end);
    if (rc == FF_OK)
        rc = ff_model_create("FetaFix", ff_model_ir_version(m), ff_model_opset(m, ""), "part", n_inputs, inputs, shapes,
                             &empty);
    if (rc == FF_OK) {
        copy_nodes(&c);
        ff_patch_add_output(c.patch, output, ff_plan_shape(plan, end));
        rc = ff_model_apply(empty, c.patch, out, NULL);
    }
    ff_model_unref(empty);
    ff_patch_destroy(c.patch);
    free(c.wanted);
    free(c.settled);
    free(shapes);
    return rc;
}
