/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "exec/plan.h"

#include <stdlib.h>
#include <string.h>

static void destroy(ff_plan *p)
{
    for (int i = 0; i < p->n_steps; i++) {
        step *s = &p->steps[i];
        if (s->prim)
            ff_cache_unref(&s->prim->item);
        if (s->weights)
            ff_cache_unref(&s->weights->item);
        ff_tensor_unref(s->bias);
        free(s->in);
        free(s->out);
        free(s->hidden);
    }
    for (int i = 0; i < p->n_chains; i++) {
        for (int k = 0; k < p->chains[i].n_links; k++) {
            free(p->chains[i].links[k].scale);
            free(p->chains[i].links[k].shift);
        }
        free(p->chains[i].links);
        ff_tensor_unref(p->chains[i].made);
    }
    for (size_t i = 0; i < p->n_memos; i++)
        ff_cache_unref(p->memos[i]);
    for (int i = 0; i < p->n_values; i++) {
        ff_tensor_unref(p->values[i].constant);
        free(p->values[i].reps);
    }
    free(p->memos);
    free(p->values);
    free(p->steps);
    free(p->chains);
    free(p->chain_of);
    free(p->link_of);
    free(p->inputs);
    free(p->outputs);
    free(p->node_flops);
    ff_model_unref(p->model);
    free(p);
}

void plan_keep(ff_plan *p, ff_item *item)
{
    ff_grow(&p->memos, &p->memos_capacity, p->n_memos + 1, sizeof *p->memos);
    p->memos[p->n_memos++] = item;
}

int plan_check_cancel(const ff_plan *p)
{
    return ff_check_cancel(&(ff_task){.cancel = p->cancel});
}

uint64_t plan_memory_left(const ff_plan *p, uint64_t used)
{
    uint64_t left = used < p->memory_limit ? p->memory_limit - used : 1;

    return left < FF_KERNEL_MEMORY_LIMIT ? left : FF_KERNEL_MEMORY_LIMIT;
}

static int add_output(ff_plan *p, const char *name)
{
    const ff_graph *g = ff_model_graph(p->model);
    const ff_value *v = name ? ff_model_find_value(p->model, name) : NULL;

    if (name && !v)
        return ff_fail(FF_ERR_USAGE, "the model has no value '%s'", name);
    if (!name && g->n_outputs == 0)
        return ff_fail(FF_ERR_GRAPH, "the model has no outputs");
    p->outputs[p->n_outputs++] = name ? v->id : g->outputs[0]->id;
    return FF_OK;
}

static void count_flops(ff_plan *p)
{
    const ff_graph *g = ff_model_graph(p->model);

    for (int i = 0; i < g->n_nodes; i++) {
        const ff_node *n = g->nodes[i];
        ff_shape *in = ff_alloc_array((size_t)n->n_inputs + 1, sizeof *in);
        ff_shape *out = ff_alloc_array((size_t)n->n_outputs + 1, sizeof *out);
        bool known = true, live = false;
        for (int k = 0; k < n->n_inputs; k++)
            if (n->inputs[k]) {
                in[k] = p->values[n->inputs[k]->id].shape;
                known &= shape_fixed(&in[k]);
            }
        for (int k = 0; k < n->n_outputs; k++)
            if (n->outputs[k]) {
                const pvalue *x = &p->values[n->outputs[k]->id];
                out[k] = x->shape;
                known &= shape_fixed(&out[k]);
                live |= x->live && !x->constant;
            }
        if (known && live)
            p->node_flops[i] = ff_node_flops(n, in, out);
        free(in);
        free(out);
    }
}

/* What a whole run costs: the steps that the wanted values need. */
static void sum_flops(ff_plan *p)
{
    bool *need = ff_alloc_array((size_t)p->n_values + 1, sizeof *need);

    for (int i = 0; i < p->n_outputs; i++)
        need[p->outputs[i]] = true;
    for (int i = p->n_steps - 1; i >= 0; i--) {
        const step *s = &p->steps[i];
        bool run = false;
        for (int o = 0; o < s->n_out; o++)
            run |= s->out[o].value >= 0 && need[s->out[o].value] && p->values[s->out[o].value].step == i;
        if (!run)
            continue;
        p->flops += s->flops;
        for (int k = 0; k < s->n_in + s->n_captures; k++)
            if (s->in[k].value >= 0)
                need[s->in[k].value] = true;
    }
    free(need);
}

int ff_plan_create(const ff_model *m, const ff_plan_options *options, ff_plan **out)
{
    static const ff_plan_options none;
    const ff_plan_options *o = options ? options : &none;
    const ff_graph *g = ff_model_graph(m);
    int code = FF_OK;

    dnn_enter_thread();
    ff_plan *p = ff_alloc(sizeof *p);
    p->refs = 1;
    p->model = ff_model_ref(m);
    p->reference = o->reference;
    p->observe = o->observe;
    p->memory_limit = o->memory_limit ? o->memory_limit : ff_memory_total() / 2;
    p->rounds_left = FF_KERNEL_ITERATION_LIMIT;
    p->cancel = o->cancel;
    p->n_values = p->values_capacity = ff_model_values(m);
    p->values = ff_alloc_array((size_t)p->n_values + 1, sizeof *p->values);
    for (int i = 0; i < p->n_values; i++) {
        p->values[i].value = ff_model_value(m, i);
        p->values[i].shape.rank = -1;
        p->values[i].feed = p->values[i].step = p->values[i].own = -1;
    }
    p->n_inputs = g->n_inputs;
    p->inputs = ff_alloc_array((size_t)g->n_inputs + 1, sizeof *p->inputs);
    bool every = !o->n_outputs && o->output && strcmp(o->output, FF_EVERY_OUTPUT) == 0;
    int n_outputs = every ? ff_model_graph(m)->n_outputs : o->n_outputs ? o->n_outputs : 1;
    p->outputs = ff_alloc_array((size_t)n_outputs + 1, sizeof *p->outputs);
    p->chain_of = ff_alloc_array((size_t)g->n_nodes + 1, sizeof *p->chain_of);
    p->link_of = ff_alloc_array((size_t)g->n_nodes + 1, sizeof *p->link_of);
    p->node_flops = ff_alloc_array((size_t)g->n_nodes + 1, sizeof *p->node_flops);
    if (every && n_outputs == 0)
        code = ff_fail(FF_ERR_GRAPH, "the model has no outputs");
    for (int i = 0; i < n_outputs && code == FF_OK; i++)
        code = add_output(p, every ? ff_model_graph(m)->outputs[i]->name : o->n_outputs ? o->outputs[i] : o->output);
    for (int i = 0; i < p->n_outputs; i++)
        p->values[p->outputs[i]].wanted = true;
    if (code == FF_OK)
        code = plan_resolve(p, o->feeds);
    if (code == FF_OK) {
        plan_find_chains(p);
        count_flops(p);
        code = plan_make_keys(p);
    }
    if (code == FF_OK)
        code = plan_build_steps(p);
    if (code == FF_OK)
        code = plan_place_buffers(p);
    if (code != FF_OK) {
        destroy(p);
        return code;
    }
    sum_flops(p);
    p->cancel = NULL; /* was for making it */
    *out = p;
    return FF_OK;
}

ff_plan *ff_plan_ref(const ff_plan *p)
{
    ff_plan *q = (ff_plan *)p;

    if (q)
        atomic_fetch_add(&q->refs, 1);
    return q;
}

void ff_plan_unref(const ff_plan *p)
{
    ff_plan *q = (ff_plan *)p;

    if (q && atomic_fetch_sub(&q->refs, 1) == 1)
        destroy(q);
}

const ff_model *ff_plan_model(const ff_plan *p)
{
    return p->model;
}

int ff_plan_inputs(const ff_plan *p)
{
    return p->n_inputs;
}

const ff_shape *ff_plan_input_shape(const ff_plan *p, int i)
{
    return &p->values[p->inputs[i]].shape;
}

int ff_plan_outputs(const ff_plan *p)
{
    return p->n_outputs;
}

const ff_value *ff_plan_output(const ff_plan *p, int i)
{
    return p->values[p->outputs[i]].value;
}

const ff_shape *ff_plan_shape(const ff_plan *p, const ff_value *v)
{
    static const ff_shape unknown = {.rank = -1};

    return p->values[v->id].fixed ? &p->values[v->id].shape : &unknown;
}

const ff_tensor *ff_plan_constant(const ff_plan *p, const ff_value *v)
{
    return p->values[v->id].constant;
}

const ff_key *ff_plan_key(const ff_plan *p, const ff_value *v)
{
    const pvalue *x = &p->values[v->id];

    return x->constant ? ff_tensor_key(x->constant) : x->has_key ? &x->key : NULL;
}

const ff_key *ff_plan_output_key(const ff_plan *p)
{
    return &p->output_key;
}

double ff_plan_flops(const ff_plan *p)
{
    return p->flops;
}

double ff_plan_node_flops(const ff_plan *p, const ff_node *n)
{
    return n->graph == ff_model_graph(p->model) ? p->node_flops[n->index] : 0;
}

void ff_exec_enter_thread(void)
{
    dnn_enter_thread();
}
