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

int build_rep(ff_plan *p, int value, rep_kind kind, const ff_layout *l)
{
    pvalue *x = &p->values[value];

    if (x->n_reps == x->reps_capacity) {
        x->reps_capacity = x->reps_capacity ? x->reps_capacity * 2 : 2;
        x->reps = ff_realloc_array(x->reps, (size_t)x->reps_capacity, sizeof *x->reps);
    }
    x->reps[x->n_reps] = (rep){.kind = kind, .layout = *l, .bytes = dnn_layout_bytes(l)};
    return x->n_reps++;
}

int build_rep_for(ff_plan *p, int value, const ff_layout *l)
{
    const pvalue *x = &p->values[value];

    for (int i = 0; i < x->n_reps; i++)
        if (dnn_layout_equal(&x->reps[i].layout, l))
            return i;
    return build_rep(p, value, REP_BUFFER, l);
}

static bool representable(const pvalue *x)
{
    return x->fixed && x->shape.dtype == FF_FLOAT && x->shape.rank >= 1 &&
           shape_count(&x->shape) > 0;
}

/* Gives a value that is made as a tensor its first representation. */
static int add_tensor_rep(ff_plan *p, int value)
{
    const pvalue *x = &p->values[value];
    ff_layout l;

    if (p->reference || !representable(x) || x->n_reps)
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
    *x = (pvalue){.shape = {.dtype = FF_FLOAT, .rank = rank},
                  .fixed = true,
                  .live = true,
                  .feed = -1,
                  .step = -1,
                  .own = -1};
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

void build_alias(ff_plan *p, const ff_node *n, int to, int from, int from_rep, const ff_layout *l)
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
    ff_layout l;

    if (x->n_reps && x->reps[0].kind != REP_TENSOR && y->shape.rank >= 1 &&
        dnn_layout_reshape(&l, &x->reps[0].layout, y->shape.rank, y->shape.dims)) {
        build_alias(p, n, to, from, 0, &l);
        return FF_OK;
    }
    step *s = build_step(p, STEP_RESHAPE, n, 1, 1);
    s->in[0] = (port){from, -1};
    s->out[0] = (port){to, -1};
    build_makes(p, to);
    return add_tensor_rep(p, to);
}

int build_permute(ff_plan *p, const ff_node *n, int to, int from, const int *perm)
{
    ff_layout l;
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
        code = add_tensor_rep(p, n->outputs[o]->id);
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

/* A pool of `input`: of what the node reads, or of what a Pad that became the pool's own reads. */
static int build_pool(ff_plan *p, const ff_node *n, const dnn_pool *pool, int input)
{
    dnn_prim *prim;
    int code = dnn_pool_get(pool, &p->values[input].reps[0].layout, &prim);

    if (code != FF_OK || (code = build_simple(p, n, input, prim)) != FF_OK ||
        input == n->inputs[0]->id)
        return code;
    step *s = &p->steps[p->n_steps - 1];
    s->hidden = ff_alloc(sizeof *s->hidden);
    s->hidden[s->n_hidden++] = n->inputs[0]->id;
    return p->observe ? build_node(p, n, true) : FF_OK;
}

/* A floating-point operand with known layout, as wide as the result where `full`. */
static bool operand(ff_plan *p, const ff_value *v, const ff_shape *out, bool full)
{
    pvalue *x = &p->values[v->id];

    if (!representable(x) || x->shape.rank != out->rank)
        return false;
    for (int i = 0; i < out->rank; i++)
        if (x->shape.dims[i] != out->dims[i] && (full || x->shape.dims[i] != 1))
            return false;
    return x->constant ? add_tensor_rep(p, v->id) == FF_OK : x->n_reps > 0;
}

static bool eltwise_alg(const ff_node *n, dnnl_alg_kind_t *alg, float *alpha)
{
    static const struct {
        const char *op;
        dnnl_alg_kind_t alg;
        float alpha; /* 0: none */
    } table[] = {
        {"Sigmoid", dnnl_eltwise_logistic, 0},
        {"Tanh", dnnl_eltwise_tanh, 0},
        {"Elu", dnnl_eltwise_elu, 1},
        {"LeakyRelu", dnnl_eltwise_relu, 0.01f},
        {"HardSwish", dnnl_eltwise_hardswish, 0},
    };

    for (size_t i = 0; i < FF_COUNT(table); i++)
        if (match_op(n, table[i].op)) {
            *alg = table[i].alg;
            *alpha = table[i].alpha != 0 ? ff_node_float(n, "alpha", table[i].alpha) : 0;
            return true;
        }
    return false;
}

/* The axis of a Softmax, where it is one axis. */
static bool softmax_axis(const ff_node *n, int rank, int *out)
{
    int64_t axis = ff_node_int(n, "axis", n->opset < 13 ? 1 : -1);

    axis = axis < 0 ? axis + rank : axis;
    *out = (int)axis;
    return axis >= 0 && axis < rank && (n->opset >= 13 || axis == rank - 1);
}

/* Functions of one value, where oneDNN has them: element by element, and Softmax. */
static int build_function(ff_plan *p, const ff_node *n, bool *done)
{
    dnnl_alg_kind_t alg;
    dnn_prim *prim;
    float alpha;
    int axis, code;

    *done = false;
    if (n->n_inputs != 1 || !n->inputs[0])
        return FF_OK;
    const pvalue *x = &p->values[n->inputs[0]->id];
    if (x->constant || !representable(x) || !x->n_reps)
        return FF_OK;
    const ff_layout *l = &x->reps[0].layout;
    if (eltwise_alg(n, &alg, &alpha))
        code = dnn_eltwise_get(alg, l, alpha, 0, &prim);
    else if (match_op(n, "HardSigmoid"))
        code = dnn_hard_sigmoid_get(l, ff_node_float(n, "alpha", 0.2f),
                                    ff_node_float(n, "beta", 0.5f), &prim);
    else if (match_op(n, "Softmax") && softmax_axis(n, x->shape.rank, &axis))
        code = dnn_softmax_get(l, axis, &prim);
    else
        return FF_OK;
    if (code != FF_OK)
        return code;
    if ((*done = !dnn_is_slow(prim)))
        return build_simple(p, n, n->inputs[0]->id, prim);
    ff_cache_unref(&prim->item);
    return FF_OK;
}

static bool binary_alg(const ff_node *n, dnnl_alg_kind_t *alg)
{
    static const struct {
        const char *op;
        dnnl_alg_kind_t alg;
    } table[] = {{"Add", dnnl_binary_add},
                 {"Mul", dnnl_binary_mul},
                 {"Sub", dnnl_binary_sub},
                 {"Div", dnnl_binary_div}};

    for (size_t i = 0; i < FF_COUNT(table); i++)
        if (match_op(n, table[i].op)) {
            *alg = table[i].alg;
            return n->n_inputs == 2 && n->inputs[0] && n->inputs[1] && n->outputs[0];
        }
    return false;
}

/* The step of a node with two sources, whose primitive it takes over. */
static void build_two(ff_plan *p, const ff_node *n, step_kind kind, dnn_prim *prim, port a, port b)
{
    int to = n->outputs[0]->id;
    step *s = build_step(p, kind, n, 2, 1);

    s->prim = prim;
    s->flops = p->node_flops[n->index];
    s->in[0] = a;
    s->in[1] = b;
    s->out[0] = (port){to, build_rep(p, to, REP_BUFFER, &prim->dst)};
    build_makes(p, to);
}

static int build_binary(ff_plan *p, const ff_node *n, dnnl_alg_kind_t alg, bool *done)
{
    const ff_value *a = n->inputs[0], *b = n->inputs[1];
    const ff_shape *out = &p->values[n->outputs[0]->id].shape;
    dnn_prim *prim;

    *done = false;
    if ((alg == dnnl_binary_add || alg == dnnl_binary_mul) &&
        (p->values[a->id].constant || !operand(p, a, out, true))) {
        const ff_value *swap = a;
        a = b;
        b = swap;
    }
    if (p->values[a->id].constant || !operand(p, a, out, true) || !operand(p, b, out, false))
        return FF_OK;
    const ff_shape *small = &p->values[b->id].shape;
    const ff_layout la = p->values[a->id].reps[0].layout, *lb = &p->values[b->id].reps[0].layout;
    ff_layout like;
    dnn_layout_like(&like, out->rank, small->dims, &la);
    if (memcmp(p->values[a->id].shape.dims, small->dims, (size_t)out->rank * sizeof *out->dims) == 0)
        lb = &like;
    int code = dnn_binary_get(alg, &la, lb, &prim);
    if (code == FF_OK && dnn_is_slow(prim) && !dnn_layout_equal(lb, &like)) {
        ff_cache_unref(&prim->item);
        lb = &like;
        code = dnn_binary_get(alg, &la, lb, &prim);
    }
    if (code != FF_OK)
        return code;
    *done = !dnn_is_slow(prim);
    if (*done)
        build_two(p, n, STEP_BINARY, prim, (port){a->id, 0},
                  (port){b->id, build_rep_for(p, b->id, lb)});
    else
        ff_cache_unref(&prim->item);
    return FF_OK;
}

/* A product of two values. What oneDNN reads badly is laid out plainly for it. */
static int build_product(ff_plan *p, const ff_node *n, bool *done)
{
    const ff_shape *out = &p->values[n->outputs[0]->id].shape;
    ff_layout l[2];
    dnn_prim *prim;
    int code = FF_OK;

    *done = false;
    if (n->n_inputs != 2 || out->rank < 2 || out->rank > 4)
        return FF_OK;
    for (int i = 0; i < 2; i++) {
        const pvalue *x = n->inputs[i] ? &p->values[n->inputs[i]->id] : NULL;
        if (!x || x->constant || !representable(x) || !x->n_reps || x->shape.rank != out->rank ||
            memcmp(x->shape.dims, out->dims, (size_t)(out->rank - 2) * sizeof *out->dims) != 0)
            return FF_OK;
        l[i] = x->reps[0].layout;
    }
    if ((code = dnn_matmul_get(&l[0], &l[1], out->dims, &prim)) != FF_OK)
        return code;
    for (int i = 0; i < 2 && dnn_is_slow(prim); i++) {
        const ff_shape *s = &p->values[n->inputs[i]->id].shape;
        ff_cache_unref(&prim->item);
        if ((code = dnn_layout_plain(&l[i], s->rank, s->dims)) != FF_OK ||
            (code = dnn_matmul_get(&l[0], &l[1], out->dims, &prim)) != FF_OK)
            return code;
    }
    *done = !dnn_is_slow(prim);
    if (*done)
        build_two(p, n, STEP_PRODUCT, prim,
                  (port){n->inputs[0]->id, build_rep_for(p, n->inputs[0]->id, &l[0])},
                  (port){n->inputs[1]->id, build_rep_for(p, n->inputs[1]->id, &l[1])});
    else
        ff_cache_unref(&prim->item);
    return FF_OK;
}

static int build_concat(ff_plan *p, const ff_node *n, bool *done)
{
    const ff_shape *out = &p->values[n->outputs[0]->id].shape;
    int64_t axis = ff_node_int(n, "axis", 0);
    dnn_prim *prim;

    *done = false;
    axis = axis < 0 ? axis + out->rank : axis;
    if (n->n_inputs < 2 || axis < 0 || axis >= out->rank)
        return FF_OK;
    for (int i = 0; i < n->n_inputs; i++) {
        const pvalue *x = n->inputs[i] ? &p->values[n->inputs[i]->id] : NULL;
        if (!x || x->constant || !representable(x) || !x->n_reps || x->shape.rank != out->rank)
            return FF_OK;
    }
    ff_layout *parts = ff_alloc_array((size_t)n->n_inputs, sizeof *parts);
    for (int i = 0; i < n->n_inputs; i++)
        parts[i] = p->values[n->inputs[i]->id].reps[0].layout;
    int code = dnn_concat_get(parts, n->n_inputs, (int)axis, &prim);
    free(parts);
    if (code != FF_OK)
        return code;
    int to = n->outputs[0]->id;
    step *s = build_step(p, STEP_CONCAT, n, n->n_inputs, 1);
    s->prim = prim;
    for (int i = 0; i < n->n_inputs; i++)
        s->in[i] = (port){n->inputs[i]->id, 0};
    s->out[0] = (port){to, build_rep(p, to, REP_BUFFER, &prim->dst)};
    build_makes(p, to);
    *done = true;
    return FF_OK;
}

/* --------------------------------------------------------------------------------------- plan */

static int build(ff_plan *p, const ff_node *n, const bool *absorbed)
{
    int perm[FF_MAX_RANK], input, code;
    dnnl_alg_kind_t alg;
    float low, high;
    dnn_pool pool;
    bool done;

    if (p->chain_of[n->index] >= 0)
        return build_link(p, &p->chains[p->chain_of[n->index]], p->link_of[n->index]);
    const ff_value *y = n->n_outputs ? n->outputs[0] : NULL;
    if (y && absorbed[y->id] && !p->observe && !p->values[y->id].wanted)
        return FF_OK;
    view_kind view = match_view(p, n, perm);
    if (view == VIEW_RESHAPE)
        return reshape(p, n, y->id, n->inputs[0]->id);
    if (p->reference || !y || !representable(&p->values[y->id])) /* its shape may be unknown */
        return build_node(p, n, false);
    if (view == VIEW_PERMUTE && p->values[n->inputs[0]->id].n_reps)
        return build_permute(p, n, y->id, n->inputs[0]->id, perm);
    if (match_clip(p, n, &input, &low, &high) && p->values[input].n_reps)
        return build_clip(p, n, input, low, high);
    if (match_pool(p, n, &pool, &input) && p->values[input].n_reps)
        return build_pool(p, n, &pool, input);
    if (binary_alg(n, &alg))
        code = build_binary(p, n, alg, &done);
    else if (match_op(n, "Concat"))
        code = build_concat(p, n, &done);
    else if (match_op(n, "MatMul"))
        code = build_product(p, n, &done);
    else
        code = build_function(p, n, &done);
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
        code = add_tensor_rep(p, p->inputs[i]);
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
