/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Operators that ONNX Runtime's optimiser made one of are taken apart again. */
#include <string.h>

#include "canon/rewrite.h"

static bool contrib(const cg_node *n, const char *op)
{
    return cg_is(n, op) && n->primary && strcmp(n->primary->domain, FF_CONTRIB) == 0;
}

/* What n gave comes from a new node behind it, which reads what n gives now. */
static cg_node *follow(cg_graph *g, cg_node *n, const char *op, int n_in)
{
    cg_value *y = n->out[0], *between = cg_value_create(g, &y->shape);
    cg_node *next = cg_insert_after(g, n, op, n->primary, n_in);
    cg_set_out(g, n, 0, between);
    cg_set_in(next, 0, between);
    cg_set_out(g, next, 0, y);
    return next;
}

static bool bias_gelu(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if (!contrib(n, "BiasGelu") || n->n_in != 2)
        return false;
    cg_record_rule(g, self, n, NULL, 0);
    cg_node *gelu = follow(g, n, "Gelu", 1);
    cg_set_text(g, gelu, "approximate", "none", n->primary);
    cg_drop_attr(g, n, "approximate");
    n->op = "Add";
    return true;
}

static void put_real(cg_graph *g, cg_node *n, const char *name, const cg_node *from, const char *list, int i,
                     const char *single)
{
    const ff_cattr *a = cg_attr(from, list), *s = cg_attr(from, single);
    if (a && i < a->n)
        cg_set_real(g, n, name, a->reals[i], from->primary);
    else if (s)
        cg_set_real(g, n, name, s->reals[0], from->primary);
}

static bool layer(cg_graph *g, cg_node *n, const cg_rule *self)
{
    static const char *const plain[] = {"Relu", "Tanh", "Sigmoid", "LeakyRelu", "HardSigmoid", "Clip", NULL};
    bool conv = contrib(n, "FusedConv");
    const ff_cattr *activation = cg_attr(n, "activation");
    if ((!conv && !contrib(n, "FusedGemm")) || (activation && !ff_any_of(activation->text, plain)))
        return false;
    cg_record_rule(g, self, n, NULL, 0);
    cg_node *last = n;
    if (n->n_in > 3 && n->in[3]) {
        last = follow(g, n, "Add", 2);
        cg_set_in(last, 1, n->in[3]);
    }
    if (activation) {
        bool clip = strcmp(activation->text, "Clip") == 0, parameters = clip || activation->text[0] != 'R';
        int which = 0;
        while (strcmp(plain[which], activation->text) != 0)
            which++;
        cg_node *next = follow(g, last, plain[which], 1);
        if (parameters) {
            put_real(g, next, clip ? "min" : "alpha", n, "activation_params", 0, "activation_alpha");
            put_real(g, next, clip ? "max" : "beta", n, "activation_params", 1, "activation_beta");
        }
    }
    static const char *const own[] = {"activation", "activation_params", "activation_alpha", "activation_beta"};
    for (size_t i = 0; i < FF_COUNT(own); i++)
        cg_drop_attr(g, n, own[i]);
    if (n->n_in > 3)
        cg_set_inputs(g, n, 3);
    n->op = conv ? "Conv" : "Gemm";
    return true;
}

/* Input i, its last two axes changed about by a Transpose before n. */
static void turn(cg_graph *g, cg_node *n, int i)
{
    cg_value *x = n->in[i];
    int perm[FF_MAX_RANK], rank = x->shape.rank;
    for (int k = 0; k < rank; k++)
        perm[k] = k;
    perm[rank - 1] = rank - 2;
    perm[rank - 2] = rank - 1;
    cg_set_in(n, i, cg_transpose_before(g, n, x, perm));
}

static bool matmul(cg_graph *g, cg_node *n, const cg_rule *self)
{
    static const char *const names[] = {"transA", "transB"};
    if (!contrib(n, "FusedMatMul") || n->n_in != 2 || cg_int(n, "transBatchA", 0) || cg_int(n, "transBatchB", 0))
        return false;
    for (int i = 0; i < 2; i++)
        if (cg_int(n, names[i], 0) && (n->in[i]->shape.rank < 2 || !cg_shape_static(&n->in[i]->shape)))
            return false;
    cg_record_rule(g, self, n, NULL, 0);
    for (int i = 0; i < 2; i++)
        if (cg_int(n, names[i], 0))
            turn(g, n, i);
    double alpha = cg_real(n, "alpha", 1);
    if (alpha != 1)
        cg_set_real(g, follow(g, n, "Scale", 1), "factor", alpha, n->primary);
    static const char *const own[] = {"alpha", "transA", "transB", "transBatchA", "transBatchB"};
    for (size_t i = 0; i < FF_COUNT(own); i++)
        cg_drop_attr(g, n, own[i]);
    n->op = "MatMul";
    return true;
}

const cg_rule cg_fused_rules[] = {
    {"bias-gelu", "BiasGelu is Add and Gelu", bias_gelu},
    {"fused-layer", "a layer with an activation of its own is the layer and the activation", layer},
    {"fused-matmul", "FusedMatMul is MatMul of transposed operands times a number", matmul},
    {NULL, NULL, NULL},
};
