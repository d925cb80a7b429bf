/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sums of three, in one order. It comes last of all rules: what can become a bias is one by then. */
#include "canon/rewrite.h"

/* (a + c) + b = (a + b) + c: a constant is added last. */
static bool constant_last(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if (!cg_is(n, "Add") || n->n_in != 2 || !n->in[1] || n->in[0]->constant || n->in[1]->constant)
        return false;
    for (int k = 0; k < 2; k++) {
        cg_node *p = cg_feeder(n, k, "Add");
        if (!p || p->n_in != 2 || !p->in[1])
            continue;
        int at = p->in[0]->constant ? 0 : 1;
        cg_value *a = p->in[1 - at], *b = n->in[1 - k], *c = p->in[at];
        if (!c->constant || a->constant || !cg_shape_static(&n->out[0]->shape) ||
            !cg_shape_same(&a->shape, &n->out[0]->shape) || !cg_shape_same(&b->shape, &n->out[0]->shape))
            continue;
        cg_record_rule(g, self, n, p, 1e-7);
        cg_value *sum = cg_value_create(g, &n->out[0]->shape);
        cg_node *inner = cg_insert_before(g, n, "Add", n->primary, 2);
        cg_absorb(inner, n->origins, n->n_origins);
        cg_set_out(g, inner, 0, sum);
        cg_set_in(inner, 0, a);
        cg_set_in(inner, 1, b);
        cg_set_in(n, k, sum);
        cg_set_in(n, 1 - k, c);
        n->primary = p->primary;
        cg_remove(g, p, n);
        return true;
    }
    return false;
}

const cg_rule cg_sum_rules[] = {
    {"sum-order", "a constant added before or after another value", constant_last},
    {NULL, NULL, NULL},
};
