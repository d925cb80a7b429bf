/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CG: what the Target computes in half precision, in float32: Casts go to float32, constants are widened. Where one is
 * the rounding of the Source's, it is the Source's. */
#include "fetafix/faults.h"
#include "faults/strategy.h"

#include <stdlib.h>
#include <string.h>

/* Relative distance of numbers that were rounded to half precision, perhaps twice. */
#define ROUNDED 2e-3

/* What the Source stores for it, where other constants are folded in on both sides and it is the same but for rounding. */
static ff_tensor *stored_there(const ff_subject *s, const ff_cparam *mine, const ff_cparam *wanted, const ff_tensor *t)
{
    const ff_tensor *x = wanted->original ? ff_plan_constant(s->source.canon->plan, wanted->original) : NULL;
    ff_weight_change c;
    ff_tensor *out;
    if (!mine->folded || !wanted->folded || !x || x->dtype != FF_FLOAT || !ff_same_dims(x, t) ||
        ff_weight_compare(x, t, NULL, false, &c) != FF_OK || !(c.relative < ROUNDED) ||
        ff_tensor_reshape(x, t->rank, t->dims, &out) != FF_OK)
        return NULL;
    return out;
}

/* The Source's numbers in the Target's form; NULL: those of the Target are not their rounding, or cannot be told. */
static ff_tensor *unrounded(const ff_subject *s, const ff_value *v, const ff_tensor *t)
{
    for (int i = 0; i < s->alignment->n_pairs; i++) {
        const ff_pair *p = &s->alignment->pairs[i];
        if (p->source < 0 || p->target < 0)
            continue;
        const ff_cnode *a = &s->source.canon->nodes[p->source], *b = &s->target.canon->nodes[p->target];
        for (int k = 0; k < b->n_params; k++) {
            const ff_cparam *mine = &b->params[k], *wanted = ff_cnode_param(a, mine->role);
            ff_weight_change c;
            ff_tensor *flat, *out;
            if (mine->original == v && wanted && (out = stored_there(s, mine, wanted, t)))
                return out;
            if (mine->original != v || mine->folded || ff_cparam_is_part(s->target.canon, mine) || !wanted ||
                wanted->tensor->count != t->count || wanted->tensor->dtype != FF_FLOAT ||
                ff_weight_compare(wanted->tensor, mine->tensor, NULL, wanted->folded, &c) != FF_OK ||
                (strcmp(c.cause, "float16") != 0 && strcmp(c.cause, "bfloat16") != 0) ||
                ff_cparam_to_original(mine, wanted->tensor, &flat) != FF_OK)
                continue;
            int rc = ff_tensor_reshape(flat, t->rank, t->dims, &out);
            ff_tensor_unref(flat);
            if (rc == FF_OK)
                return out;
        }
    }
    return NULL;
}

static bool rounds_to(const ff_tensor *x, const ff_tensor *half)
{
    const float *from = x->data;
    const uint16_t *to = half->data;
    if (x->dtype != FF_FLOAT || x->count != half->count)
        return false;
    for (int64_t i = 0; i < x->count; i++)
        if (to[i] != (half->dtype == FF_FLOAT16 ? ff_float_to_half(from[i]) : ff_float_to_bfloat16(from[i])))
            return false;
    return true;
}

/* A constant of the Source of which this is the rounding, element by element, whatever it is for; NULL: none. */
static ff_tensor *same_rounded(const ff_subject *s, const ff_tensor *t)
{
    for (int i = 0; i < ff_model_values(s->source.model); i++) {
        const ff_tensor *x = ff_plan_constant(s->source.canon->plan, ff_model_value(s->source.model, i));
        ff_tensor *out;
        if (x && rounds_to(x, t) && ff_tensor_reshape(x, t->rank, t->dims, &out) == FF_OK)
            return out;
    }
    return NULL;
}

/* The tensor of v in float32. */
static int widen(const ff_subject *s, const ff_value *v, const ff_tensor *t, ff_tensor **out)
{
    *out = unrounded(s, v, t);
    *out = *out ? *out : same_rounded(s, t);
    return *out ? FF_OK : ff_tensor_convert(t, FF_FLOAT, out);
}

static int widen_node(const ff_subject *s, const ff_node *n, ff_patch *patch)
{
    const ff_attr *to = strcmp(n->op, "Cast") == 0 ? ff_node_attr(n, "to") : NULL, *value = ff_node_attr(n, "value");
    if (to && ff_dtype_is_half((ff_dtype)to->i)) {
        ff_attr a = {.name = "to", .type = FF_ATTR_INT, .i = FF_FLOAT};
        ff_patch_set_attr(patch, ff_node_address(n), &a);
    }
    if (!value || value->type != FF_ATTR_TENSOR || !ff_dtype_is_half(value->t->dtype))
        return FF_OK;
    ff_tensor *t;
    int rc = widen(s, n->outputs[0], value->t, &t);
    if (rc == FF_OK) {
        ff_attr a = {.name = "value", .type = FF_ATTR_TENSOR, .t = t};
        ff_patch_set_attr(patch, ff_node_address(n), &a);
        ff_tensor_unref(t);
    }
    return rc;
}

/* Outputs in half precision become float32. A graph has one output at any time: another value is one meanwhile. */
static void widen_outputs(const ff_graph *g, ff_patch *patch)
{
    const char **names = ff_alloc_array((size_t)g->n_outputs + 2, sizeof *names);
    const ff_value *other = NULL;
    int n = 0;
    for (int i = 0; i < g->n_nodes && !other; i++)
        for (int k = 0; k < g->nodes[i]->n_outputs && !other; k++)
            other = g->nodes[i]->outputs[k] && !g->nodes[i]->outputs[k]->is_output ? g->nodes[i]->outputs[k] : NULL;
    for (int i = 0; i < g->n_outputs; i++)
        if (!ff_dtype_is_half(g->outputs[i]->declared.dtype))
            names[n++] = g->outputs[i]->name;
    if (n < g->n_outputs && other) {
        names[n++] = other->name;
        ff_patch_add_output(patch, other->name, &(ff_shape){.dtype = FF_FLOAT, .rank = -1});
        ff_patch_set_outputs(patch, n, names);
        for (int i = 0; i < g->n_outputs; i++) {
            ff_shape shape = g->outputs[i]->declared;
            if (ff_dtype_is_half(shape.dtype)) {
                shape.dtype = FF_FLOAT;
                ff_patch_add_output(patch, g->outputs[i]->name, &shape);
            }
            names[i] = g->outputs[i]->name;
        }
        ff_patch_set_outputs(patch, g->n_outputs, names);
    }
    free(names);
}

static int widen_all(const ff_subject *s, ff_patch *patch)
{
    const ff_graph *g = ff_model_graph(s->target.model);
    int rc = FF_OK;
    for (int i = 0; i < g->n_inputs; i++) {
        const ff_shape *d = &g->inputs[i]->declared;
        if (ff_dtype_is_half(d->dtype))
            ff_patch_set_input_shape(patch, g->inputs[i]->name, FF_FLOAT, d->rank, d->dims);
    }
    for (int i = 0; i < g->n_initializers && rc == FF_OK; i++) {
        const ff_value *v = g->initializers[i];
        ff_tensor *t;
        if (!v->initializer || !ff_dtype_is_half(v->initializer->dtype))
            continue;
        rc = widen(s, v, v->initializer, &t);
        if (rc == FF_OK) {
            ff_patch_set_initializer(patch, v->name, t);
            ff_tensor_unref(t);
        }
    }
    for (int i = 0; i < g->n_nodes && rc == FF_OK; i++)
        rc = widen_node(s, g->nodes[i], patch);
    widen_outputs(g, patch);
    return rc;
}

int ff_fix_precision(ff_proposing *p, const ff_finding *f)
{
    const ff_subject *s = p->subject;
    if (!ff_caused_by(f, FF_CAUSE_HALF_PRECISION) || !s->alignment)
        return FF_OK;
    ff_patch *patch = ff_patch_create();
    int rc = widen_all(s, patch);
    if (rc == FF_OK)
        ff_proposing_add(p, f, NULL, patch, ff_strdup("compute in float32 throughout, as the Source does"));
    else
        ff_patch_destroy(patch);
    return rc;
}
