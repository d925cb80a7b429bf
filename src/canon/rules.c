/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tables of rules and the order of trying.
 *
 * A new rule is a row in one of the tables (see noop.c, the shortest, as an example). Rules of an
 * earlier stage run to the end before those of the next, and again after each that fires there:
 * activations are recognised before their constants are folded into a neighbour, pads find their
 * convolution before transposes move.
 */
#include <string.h>

#include "canon/rewrite.h"

static const cg_rule unused_rule = {"unused-node", "nothing reads what it makes", NULL};
static const cg_rule fold_rule = {"constant-folding", "an operand computed from constants only is that constant", NULL};

static const cg_rule *const early[] = {cg_quantized_rules,
                                       cg_fused_rules,
                                       cg_einsum_rules,
                                       cg_form_rules,
                                       cg_omitted_rules,
                                       cg_noop_rules,
                                       cg_activation_rules,
                                       cg_written_rules,
                                       cg_norm_rules,
                                       cg_attention_rules,
                                       NULL};
static const cg_rule *const middle[] = {
    cg_pad_rules, cg_pool_rules, cg_grouped_rules, cg_select_rules, cg_resize_rules, cg_block_rules, NULL};
static const cg_rule *const late[] = {cg_layout_rules, cg_regroup_rules, cg_shape_rules, NULL};
static const cg_rule *const weights[] = {cg_affine_rules, cg_linear_rules, NULL};
static const cg_rule *const last[] = {cg_sequence_rules, cg_late_noop_rules, cg_sum_rules, NULL};
static const cg_rule *const *const stages[] = {early, middle, late, weights, last};

const char *ff_canon_rule_at(int i, const char **meaning)
{
    const cg_rule *found = NULL;
    if (i == 0)
        found = &unused_rule;
    else if (i == 1)
        found = &fold_rule;
    i -= 2;
    for (size_t s = 0; s < FF_COUNT(stages) && !found && i >= 0; s++)
        for (int t = 0; stages[s][t] && !found; t++)
            for (const cg_rule *r = stages[s][t]; r->name && !found; r++)
                if (i-- == 0)
                    found = r;
    if (found && meaning)
        *meaning = found->meaning;
    return found ? found->name : NULL;
}

static void remove_unused(cg_graph *g)
{
    for (cg_node *n = g->last, *prev; n; n = prev) {
        bool used = false;
        prev = n->prev;
        for (int i = 0; i < n->n_out && !used; i++)
            used = n->out[i] && cg_used(n->out[i]);
        if (used)
            continue;
        cg_record_rule(g, &unused_rule, n, NULL, 0);
        cg_remove(g, n, NULL);
    }
}

static bool try_stage(cg_graph *g, const cg_rule *const *tables, long *left)
{
    bool any = false;
    for (cg_node *n = g->first, *next; n && *left > 0 && !g->code; n = next) {
        bool fired = false;
        bool whole = n->n_in > 0 && n->in[0] && n->n_out > 0 && n->out[0];
        for (int t = 0; whole && tables[t] && !n->dead && !fired; t++)
            for (const cg_rule *r = tables[t]; r->name && !fired && !g->code; r++)
                fired = r->apply(g, n, r);
        if (fired) {
            any = true;
            --*left;
        }
        /* The rule may have taken out any node: go on from a live one. */
        if (!n->dead) {
            next = fired ? n : n->next;
        } else {
            next = n->next;
            while (next && next->dead)
                next = next->next;
        }
    }
    return any;
}

int cg_rewrite(cg_graph *g)
{
    /* Every rule makes the graph smaller or moves something one way; the bound is a promise that a
     * mistake in a rule cannot hang the program. */
    long left = 1000 + 200L * g->n_nodes;
    remove_unused(g);
    for (size_t s = 0; s < FF_COUNT(stages) && left > 0;) {
        if (try_stage(g, stages[s], &left))
            s = 0;
        else
            s++;
    }
    if (!g->code)
        remove_unused(g);
    if (g->code)
        return g->code;
    if (left <= 0)
        return ff_fail(FF_ERR_INTERNAL, "the rules of the canonical view do not come to an end");
    return FF_OK;
}
