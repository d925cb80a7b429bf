/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Steps, in the order in which they run, and the layouts of what flows between them. Convolutions
 * choose their layouts; pools, clips, sums follow the layout they find; reference kernels read and
 * write plain tensors; Transposes and Reshapes move nothing where the layout allows it.
 */
#include "exec/build.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --------------------------------------------------------------------------- values and steps */

int build_rep(ff_plan *p, int value, rep_kind kind, const dnn_layout *l)
{
    pvalue *x = &p->values[value];

    if (x->n_reps == x->reps_capacity) {
        x->reps_capacity = x->reps_capacity ? x->reps_capacity * 2 : 2;
        x->reps = ff_realloc_array(x->reps, (size_t)x->reps_capacity, sizeof *x->reps);
    }
    x->reps[x->n_reps] = (rep){.kind = kind, .layout = *l, .bytes = dnn_layout_bytes(l)};
    return x->n_reps++;
}

int build_rep_for(ff_plan *p, int value, const dnn_layout *l)
{
    const pvalue *x = &p->values[value];

    for (int i = 0; i < x->n_reps; i++)
        if (dnn_layout_equal(&x->reps[i].layout, l))
            return i;
    return build_rep(p, value, REP_BUFFER, l);
}

bool build_representable(const pvalue *x)
{
    return x->fixed && x->shape.dtype == FF_FLOAT && x->shape.rank >= 1 && shape_count(&x->shape) > 0;
}

int build_tensor_rep(ff_plan *p, int value)
{
    const pvalue *x = &p->values[value];
    dnn_layout l;

    if (p->reference || !build_representable(x) || x->n_reps)
        return FF_OK;
    int code = dnn_layout_plain(&l, x->shape.rank, x->shape.dims);
    if (code == FF_OK)
        build_rep(p, value, REP_TENSOR, &l);
    return code;
}

int build_value(ff_plan *p, int rank, const int64_t *dims)
{
    if (p->n_values == p->values_capacity) {
        p->values_capacity = p->values_capacity + p->values_capacity / 2 + 64;
        p->values = ff_realloc_array(p->values, (size_t)p->values_capacity, sizeof *p->values);
    }
    pvalue *x = &p->values[p->n_values];
    *x = (pvalue){
        .shape = {.dtype = FF_FLOAT, .rank = rank}, .fixed = true, .live = true, .feed = -1, .step = -1, .own = -1};
    memcpy(x->shape.dims, dims, (size_t)rank * sizeof *dims);
    return p->n_values++;
}

step *build_step(ff_plan *p, step_kind kind, const ff_node *n, int n_in, int n_out)
{
    if (p->n_steps == p->steps_capacity) {
        p->steps_capacity = p->steps_capacity * 2 + 64;
        p->steps = ff_realloc_array(p->steps, (size_t)p->steps_capacity, sizeof *p->steps);
    }
    step *s = &p->steps[p->n_steps++];
    *s = (step){.kind = kind, .node = n, .op = n->op, .n_in = n_in, .n_out = n_out};
    s->in = ff_alloc_array((size_t)n_in + 1, sizeof *s->in);
    s->out = ff_alloc_array((size_t)n_out + 1, sizeof *s->out);
    return s;
}

void build_makes(ff_plan *p, int value)
{
    p->values[value].step = p->n_steps - 1;
}

/* -------------------------------------------------------------------------------------- views */

void build_alias(ff_plan *p, const ff_node *n, int to, int from, int from_rep, const dnn_layout *l)
{
    int r = build_rep(p, to, REP_ALIAS, l);

    p->values[to].reps[r].value = from;
    p->values[to].reps[r].rep = from_rep;
    step *s = build_step(p, STEP_VIEW, n, 1, 1);
    s->in[0] = (port){from, from_rep};
    s->out[0] = (port){to, r};
    build_makes(p, to);
}

/* A value with other dims, the same bytes. */
static int reshape(ff_plan *p, const ff_node *n, int to, int from)
{
    const pvalue *x = &p->values[from], *y = &p->values[to];
    dnn_layout l;

    if (x->n_reps && x->reps[0].kind != REP_TENSOR && y->shape.rank >= 1 &&
        dnn_layout_reshape(&l, &x->reps[0].layout, y->shape.rank, y->shape.dims)) {
        build_alias(p, n, to, from, 0, &l);
        return FF_OK;
    }
    step *s = build_step(p, STEP_RESHAPE, n, 1, 1);
    s->in[0] = (port){from, -1};
    s->out[0] = (port){to, -1};
    build_makes(p, to);
    return build_tensor_rep(p, to);
}

int build_permute(ff_plan *p, const ff_node *n, int to, int from, const int *perm)
{
    dnn_layout l;
    int code = dnn_layout_permute(&l, &p->values[from].reps[0].layout, perm);

    if (code == FF_OK)
        build_alias(p, n, to, from, 0, &l);
    return code;
}

/* --------------------------------------------------------------------------------------- nodes */

struct capture_list {
    int *values;
    size_t n, capacity;
};

static void add_capture(void *context, const ff_value *v)
{
    struct capture_list *c = context;

    for (size_t i = 0; i < c->n; i++)
        if (c->values[i] == v->id)
            return;
    ff_grow(&c->values, &c->capacity, c->n + 1, sizeof *c->values);
    c->values[c->n++] = v->id;
}

int build_node(ff_plan *p, const ff_node *n, bool own)
{
    struct capture_list captures = {0};
    const ff_kernel *k;
    int code = ff_kernel_find(n, &k);

    if (code != FF_OK)
        return code;
    node_captures(n, add_capture, &captures);
    step *s = build_step(p, STEP_NODE, n, n->n_inputs + (int)captures.n, n->n_outputs);
    s->kernel = k;
    s->n_in = n->n_inputs;
    s->n_captures = (int)captures.n;
    for (int i = 0; i < n->n_inputs; i++)
        s->in[i] = (port){n->inputs[i] ? n->inputs[i]->id : -1, -1};
    for (int i = 0; i < s->n_captures; i++)
        s->in[s->n_in + i] = (port){captures.values[i], -1};
    free(captures.values);
    s->flops = p->node_flops[n->index];
    for (int o = 0; o < n->n_outputs && code == FF_OK; o++) {
        s->out[o] = (port){n->outputs[o] ? n->outputs[o]->id : -1, -1};
        if (!n->outputs[o])
            continue;
        if (own)
            p->values[n->outputs[o]->id].own = p->n_steps - 1;
        else
            build_makes(p, n->outputs[o]->id);
        code = build_tensor_rep(p, n->outputs[o]->id);
    }
    return code;
}

int build_simple(ff_plan *p, const ff_node *n, int from, dnn_prim *prim)
{
    int to = n->outputs[0]->id;
    step *s = build_step(p, STEP_SIMPLE, n, 1, 1);

    s->prim = prim;
    s->flops = p->node_flops[n->index];
    s->in[0] = (port){from, build_rep_for(p, from, &prim->src)};
    s->out[0] = (port){to, build_rep(p, to, REP_BUFFER, &prim->dst)};
    build_makes(p, to);
    return FF_OK;
}

/* --------------------------------------------------------------------------------------- plan */

static int build(ff_plan *p, const ff_node *n, const bool *absorbed)
{
    int perm[FF_MAX_RANK];

    if (p->chain_of[n->index] >= 0)
        return build_link(p, &p->chains[p->chain_of[n->index]], p->link_of[n->index]);
    const ff_value *y = n->n_outputs ? n->outputs[0] : NULL;
    if (y && absorbed[y->id] && !p->observe && !p->values[y->id].wanted)
        return FF_OK;
    view_kind view = match_view(p, n, perm);
    if (view == VIEW_RESHAPE)
        return reshape(p, n, y->id, n->inputs[0]->id);
    if (p->reference || !y || !build_representable(&p->values[y->id])) /* its shape may be unknown */
        return build_node(p, n, false);
    if (view == VIEW_PERMUTE && p->values[n->inputs[0]->id].n_reps)
        return build_permute(p, n, y->id, n->inputs[0]->id, perm);
    bool done = false;
    int code = build_primitive(p, n, &done);
    if (code != FF_OK || done)
        return code;
    return build_node(p, n, false);
}

int plan_build_steps(ff_plan *p)
{
    const ff_graph *g = ff_model_graph(p->model);
    bool *absorbed = ff_alloc_array((size_t)p->n_values + 1, sizeof *absorbed);
    int code = FF_OK;

    for (int i = 0; i < p->n_inputs && code == FF_OK; i++)
        code = build_tensor_rep(p, p->inputs[i]);
    for (int i = 0; i < p->n_chains; i++) {
        if ((code = build_finish_chain(p, &p->chains[i])) != FF_OK)
            break;
        const chain *c = &p->chains[i];
        bool seen = false; /* a value behind the Pad is an output itself */
        for (int k = c->n_before - 1; k >= 0; k--) {
            seen |= p->values[c->before[k]].wanted;
            absorbed[c->before[k]] = !seen;
        }
    }
    for (int i = 0; i < g->n_nodes && !p->reference; i++) {
        dnn_pool pool;
        int input;
        if (match_pool(p, g->nodes[i], &pool, &input) && input != g->nodes[i]->inputs[0]->id)
            absorbed[g->nodes[i]->inputs[0]->id] = true;
    }
    for (int i = 0; i < g->n_nodes && code == FF_OK && (code = plan_check_cancel(p)) == FF_OK; i++) {
        bool live = false;
        for (int o = 0; o < g->nodes[i]->n_outputs; o++) {
            const ff_value *v = g->nodes[i]->outputs[o];
            live |= v && p->values[v->id].live && !p->values[v->id].constant;
        }
        if (live)
            code = build(p, g->nodes[i], absorbed);
    }
    free(absorbed);
    return code;
}
