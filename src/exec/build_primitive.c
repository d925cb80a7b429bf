/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Steps of single nodes that one primitive computes, in the layout that their inputs come in:
 * pools, clips, functions of one value, of two, products, concatenations. What oneDNN has only a
 * reference implementation for is left to the plain kernels.
 */
#include "exec/build.h"

#include <string.h>
#include <stdlib.h>

/* A pool of `input`: of what the node reads, or of what a Pad that became the pool's own reads. */
static int build_pool(ff_plan *p, const ff_node *n, const dnn_pool *pool, int input)
{
    dnn_prim *prim;
    int code = dnn_pool_get(pool, &p->values[input].reps[0].layout, &prim);

    if (code != FF_OK || (code = build_simple(p, n, input, prim)) != FF_OK || input == n->inputs[0]->id)
        return code;
    step *s = &p->steps[p->n_steps - 1];
    s->hidden = ff_alloc(sizeof *s->hidden);
    s->hidden[s->n_hidden++] = n->inputs[0]->id;
    return p->observe ? build_node(p, n, true) : FF_OK;
}

/* A constant of fewer axes than what it is combined with, with ones in front; -1 on failure. */
static int widened(ff_plan *p, const ff_tensor *t, int rank)
{
    int64_t dims[FF_MAX_RANK];
    ff_tensor *wide;

    for (int i = 0; i < rank; i++)
        dims[i] = i < rank - t->rank ? 1 : t->dims[i - (rank - t->rank)];
    if (ff_tensor_reshape(t, rank, dims, &wide) != FF_OK)
        return -1;
    int value = build_value(p, rank, dims);
    p->values[value].constant = wide;
    return value;
}

/* The value of a floating-point operand with known layout, as wide as the result where `full`; -1:
 * it is something else. May move p->values. */
static int operand(ff_plan *p, const ff_value *v, const ff_shape *out, bool full)
{
    const pvalue *x = &p->values[v->id];
    int value = v->id;

    if (match_float_tensor(x->constant) && x->constant->rank < out->rank &&
        (value = widened(p, x->constant, out->rank)) < 0)
        return -1;
    x = &p->values[value];
    if (!build_representable(x) || x->shape.rank != out->rank)
        return -1;
    for (int i = 0; i < out->rank; i++)
        if (x->shape.dims[i] != out->dims[i] && (full || x->shape.dims[i] != 1))
            return -1;
    if (x->constant && build_tensor_rep(p, value) != FF_OK)
        return -1;
    return p->values[value].n_reps ? value : -1;
}

static bool eltwise_alg(const ff_node *n, dnnl_alg_kind_t *alg, float *alpha)
{
    static const struct {
        const char *op;
        dnnl_alg_kind_t alg;
        float alpha; /* 0: none */
    } table[] = {
        {"Sigmoid", dnnl_eltwise_logistic, 0},   {"Tanh", dnnl_eltwise_tanh, 0},           {"Elu", dnnl_eltwise_elu, 1},
        {"LeakyRelu", dnnl_eltwise_relu, 0.01f}, {"HardSwish", dnnl_eltwise_hardswish, 0},
    };

    if (match_op(n, "Gelu")) {
        bool tanh = strcmp(ff_node_string(n, "approximate", "none"), "tanh") == 0;
        *alg = tanh ? dnnl_eltwise_gelu_tanh : dnnl_eltwise_gelu_erf;
        *alpha = 0;
        return true;
    }
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

/* clip(alpha x + beta, 0, 1): two steps, which oneDNN is fast at. */
static int build_hard_sigmoid(ff_plan *p, const ff_node *n)
{
    const ff_shape shape = p->values[n->inputs[0]->id].shape; /* the values move */
    dnn_prim *line, *clip;
    int code = dnn_eltwise_get(dnnl_eltwise_linear, &p->values[n->inputs[0]->id].reps[0].layout,
                               ff_node_float(n, "alpha", 0.2f), ff_node_float(n, "beta", 0.5f), &line);

    if (code != FF_OK)
        return code;
    if ((code = dnn_clip_get(&line->dst, 0, 1, &clip)) != FF_OK) {
        ff_cache_unref(&line->item);
        return code;
    }
    int between = build_value(p, shape.rank, shape.dims);
    step *s = build_step(p, STEP_SIMPLE, n, 1, 1);
    s->prim = line;
    s->in[0] = (port){n->inputs[0]->id, 0};
    s->out[0] = (port){between, build_rep(p, between, REP_BUFFER, &line->dst)};
    build_makes(p, between);
    return build_simple(p, n, between, clip);
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
    if (x->constant || !build_representable(x) || !x->n_reps)
        return FF_OK;
    const dnn_layout *l = &x->reps[0].layout;
    if (match_op(n, "HardSigmoid")) {
        *done = true;
        return build_hard_sigmoid(p, n);
    }
    if (eltwise_alg(n, &alg, &alpha))
        code = dnn_eltwise_get(alg, l, alpha, 0, &prim);
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
    } table[] = {
        {"Add", dnnl_binary_add}, {"Mul", dnnl_binary_mul}, {"Sub", dnnl_binary_sub}, {"Div", dnnl_binary_div}};

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
    const ff_value *big = n->inputs[0], *small = n->inputs[1];
    const ff_shape out = p->values[n->outputs[0]->id].shape;
    dnn_prim *prim;
    int a, b;

    *done = false;
    if ((alg == dnnl_binary_add || alg == dnnl_binary_mul) &&
        (p->values[big->id].constant || operand(p, big, &out, true) < 0)) {
        big = n->inputs[1];
        small = n->inputs[0];
    }
    if (p->values[big->id].constant || (a = operand(p, big, &out, true)) < 0 ||
        (b = operand(p, small, &out, false)) < 0)
        return FF_OK;
    const int64_t *dims = p->values[b].shape.dims;
    const dnn_layout la = p->values[a].reps[0].layout;
    dnn_layout lb = p->values[b].reps[0].layout, like;
    dnn_layout_like(&like, out.rank, dims, &la);
    if (memcmp(p->values[a].shape.dims, dims, (size_t)out.rank * sizeof *dims) == 0)
        lb = like;
    int code = dnn_binary_get(alg, &la, &lb, &prim);
    if (code == FF_OK && dnn_is_slow(prim) && !dnn_layout_equal(&lb, &like)) {
        ff_cache_unref(&prim->item);
        lb = like;
        code = dnn_binary_get(alg, &la, &lb, &prim);
    }
    if (code != FF_OK)
        return code;
    *done = !dnn_is_slow(prim);
    if (*done)
        build_two(p, n, STEP_BINARY, prim, (port){a, 0}, (port){b, build_rep_for(p, b, &lb)});
    else
        ff_cache_unref(&prim->item);
    return FF_OK;
}

/* A product of two values. What oneDNN reads badly is laid out plainly for it. */
static int build_product(ff_plan *p, const ff_node *n, bool *done)
{
    const ff_shape *out = &p->values[n->outputs[0]->id].shape;
    dnn_layout l[2];
    dnn_prim *prim;
    int code = FF_OK;

    *done = false;
    if (n->n_inputs != 2 || out->rank < 2 || out->rank > 4)
        return FF_OK;
    for (int i = 0; i < 2; i++) {
        const pvalue *x = n->inputs[i] ? &p->values[n->inputs[i]->id] : NULL;
        if (!x || x->constant || !build_representable(x) || !x->n_reps || x->shape.rank != out->rank ||
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
        build_two(p, n, STEP_PRODUCT, prim, (port){n->inputs[0]->id, build_rep_for(p, n->inputs[0]->id, &l[0])},
                  (port){n->inputs[1]->id, build_rep_for(p, n->inputs[1]->id, &l[1])});
    else
        ff_cache_unref(&prim->item);
    return FF_OK;
}

/* oneDNN numbers its arguments, and there is room for so many sources. */
enum { MOST_PARTS = DNNL_ARG_MULTIPLE_DST - DNNL_ARG_MULTIPLE_SRC };

static int build_concat(ff_plan *p, const ff_node *n, bool *done)
{
    const ff_shape *out = &p->values[n->outputs[0]->id].shape;
    int64_t axis = ff_node_int(n, "axis", 0);
    dnn_prim *prim;

    *done = false;
    axis = axis < 0 ? axis + out->rank : axis;
    if (n->n_inputs < 2 || n->n_inputs > MOST_PARTS || axis < 0 || axis >= out->rank)
        return FF_OK;
    for (int i = 0; i < n->n_inputs; i++) {
        const pvalue *x = n->inputs[i] ? &p->values[n->inputs[i]->id] : NULL;
        if (!x || x->constant || !build_representable(x) || !x->n_reps || x->shape.rank != out->rank)
            return FF_OK;
    }
    dnn_layout *parts = ff_alloc_array((size_t)n->n_inputs, sizeof *parts);
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

int build_primitive(ff_plan *p, const ff_node *n, bool *done)
{
    dnnl_alg_kind_t alg;
    float low, high;
    dnn_pool pool;
    int input;

    *done = true;
    if (match_clip(p, n, &input, &low, &high) && p->values[input].n_reps)
        return build_clip(p, n, input, low, high);
    if (match_pool(p, n, &pool, &input) && p->values[input].n_reps)
        return build_pool(p, n, &pool, input);
    if (binary_alg(n, &alg))
        return build_binary(p, n, alg, done);
    if (match_op(n, "Concat"))
        return build_concat(p, n, done);
    if (match_op(n, "MatMul"))
        return build_product(p, n, done);
    return build_function(p, n, done);
}
