/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fused.c: what ONNX Runtime's optimiser makes one of, in its own domain: the operators of the standard in a row. */
#include "kernel.h"

#include <string.h>

ff_node ff_standard_node(const char *op)
{
    return (ff_node){.domain = "", .op = op, .label = op, .opset = 13};
}

int ff_run_inner(ff_call *c, const ff_node *node, const ff_tensor *const *in, int n_in, ff_tensor **out)
{
    const ff_kernel *k;
    ff_call inner = {.node = node, .in = in, .n_in = n_in, .out = out, .n_out = 1, .env = c->env, .text = c->text};
    int rc = ff_kernel_find(node, &k);
    return rc ? rc : k->run(&inner);
}

int ff_k_bias_gelu(ff_call *c)
{
    const ff_node add = ff_standard_node("Add");
    ff_node gelu = ff_standard_node("Gelu");
    gelu.opset = 20;
    ff_tensor *sum = NULL;
    int rc = ff_run_inner(c, &add, c->in, 2, &sum);
    if (!rc)
        rc = ff_run_inner(c, &gelu, (const ff_tensor *const[]){sum}, 1, &c->out[0]);
    ff_tensor_unref(sum);
    return rc;
}

/* The activation of FusedConv and FusedGemm with its parameters. */
static int activate(ff_call *c, const ff_tensor *x)
{
    static const char *const names[][2] = {{"alpha", "beta"}, {"min", "max"}};
    const char *op = ff_node_string(c->node, "activation", "");
    const ff_attr *given = ff_node_attr(c->node, "activation_params");
    float params[2] = {0};
    int n = given && given->type == FF_ATTR_FLOATS ? (int)(given->n < 2 ? given->n : 2) : 0;
    for (int i = 0; i < n; i++)
        params[i] = given->floats[i];
    if (!given && ff_node_attr(c->node, "activation_alpha")) {
        params[n++] = (float)ff_node_float(c->node, "activation_alpha", 0);
        if (ff_node_attr(c->node, "activation_beta"))
            params[n++] = (float)ff_node_float(c->node, "activation_beta", 0);
    }
    ff_node node = ff_standard_node(op);
    ff_attr attrs[2] = {0};
    bool clip = strcmp(op, "Clip") == 0;
    node.opset = clip ? 6 : 13; /* bounds as attributes */
    for (int i = 0; i < n; i++)
        attrs[i] = (ff_attr){.name = names[clip][i], .type = FF_ATTR_FLOAT, .f = params[i]};
    node.attrs = attrs;
    node.n_attrs = n;
    return ff_run_inner(c, &node, &x, 1, &c->out[0]);
}

int ff_k_fused_layer(ff_call *c) /* FusedConv, FusedGemm */
{
    ff_node layer = *c->node;
    const ff_node add = ff_standard_node("Add");
    ff_tensor *y = NULL, *sum = NULL;
    layer.domain = "";
    layer.op = c->node->op + strlen("Fused");
    layer.opset = 13;
    int rc = ff_run_inner(c, &layer, c->in, c->n_in < 3 ? c->n_in : 3, &y);
    if (!rc && ff_in(c, 3)) {
        rc = ff_run_inner(c, &add, (const ff_tensor *const[]){y, c->in[3]}, 2, &sum);
        ff_tensor_unref(y);
        y = sum;
    }
    if (!rc && *ff_node_string(c->node, "activation", ""))
        rc = activate(c, y);
    else if (!rc)
        rc = ff_pass(c, 0, y);
    ff_tensor_unref(y);
    return rc;
}

/* Operand i, its last two axes changed about where the attribute says so. */
static int oriented(ff_call *c, int i, const char *name, ff_tensor **out)
{
    const ff_tensor *x;
    int perm[FF_MAX_RANK], rc = ff_need(c, i, 1, -1, &x);
    if (rc)
        return rc;
    for (int k = 0; k < x->rank; k++)
        perm[k] = k;
    if (ff_node_int(c->node, name, 0) && x->rank > 1) {
        perm[x->rank - 1] = x->rank - 2;
        perm[x->rank - 2] = x->rank - 1;
    }
    return ff_tensor_transpose(x, perm, out);
}

int ff_k_fused_matmul(ff_call *c)
{
    const ff_node node = ff_standard_node("MatMul");
    ff_tensor *in[2] = {0}, *y = NULL, *scaled;
    double alpha = ff_node_float(c->node, "alpha", 1);
    if (ff_node_int(c->node, "transBatchA", 0) || ff_node_int(c->node, "transBatchB", 0))
        return ff_fail(FF_ERR_UNSUPPORTED, "'transBatchA' and 'transBatchB' are not supported");
    int rc = oriented(c, 0, "transA", &in[0]);
    if (!rc)
        rc = oriented(c, 1, "transB", &in[1]);
    if (!rc)
        rc = ff_run_inner(c, &node, (const ff_tensor *const[]){in[0], in[1]}, 2, &y);
    if (!rc && !(rc = ff_out_like(c, 0, y, &scaled)))
        for (int64_t i = 0; i < y->count; i++)
            ff_tensor_set_real(scaled, i, ff_tensor_get_real(y, i) * alpha);
    ff_tensor_unref(y);
    ff_tensor_unref(in[0]);
    ff_tensor_unref(in[1]);
    return rc;
}
