/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing a constant where a node reads it, whatever it is wrapped in. See strategy.h. */
#include "faults/strategy.h"

#include <stdlib.h>
#include <string.h>

static bool is(const ff_node *n, const char *op)
{
    return !*n->domain && strcmp(n->op, op) == 0;
}

void ff_insert_transpose(ff_patch *p, const char *input, const char *output, const int *perm, int rank)
{
    int64_t order[FF_MAX_RANK];
    for (int i = 0; i < rank; i++)
        order[i] = perm[i];
    ff_attr a = {.name = "perm", .type = FF_ATTR_INTS, .n = (size_t)rank, .ints = order};
    ff_patch_insert_node(p,
                         &(ff_node_spec){.name = output,
                                         .op = "Transpose",
                                         .domain = "",
                                         .n_inputs = 1,
                                         .n_outputs = 1,
                                         .n_attrs = 1,
                                         .inputs = &input,
                                         .outputs = &output,
                                         .attrs = &a},
                         NULL);
}

static bool read_once(const ff_value *v)
{
    return v->n_users == 1 && !v->is_output && v->graph->owner == NULL;
}

static bool holds_float(ff_dtype t)
{
    return t == FF_FLOAT || t == FF_DOUBLE;
}

/* Follows v back to where it is stored and writes there. *done false: there is no such place. */
static int follow(const ff_plan *plan, ff_patch *p, const ff_value *v, const ff_tensor *wanted, bool *done)
{
    *done = false;
    if (!v || !read_once(v))
        return FF_OK;
    if (v->initializer && !v->producer) {
        if (v->initializer->dtype != wanted->dtype)
            return FF_OK;
        ff_patch_set_initializer(p, v->name, wanted);
        *done = true;
        return FF_OK;
    }
    const ff_node *n = v->producer;
    if (!n || n->n_outputs != 1)
        return FF_OK;
    if (is(n, "Constant")) {
        const ff_attr *old = ff_node_attr(n, "value");
        if (!old || old->type != FF_ATTR_TENSOR || old->t->dtype != wanted->dtype)
            return FF_OK;
        ff_attr a = {.name = "value", .type = FF_ATTR_TENSOR, .t = wanted};
        ff_patch_set_attr(p, ff_node_address(n), &a);
        *done = true;
        return FF_OK;
    }
    if (n->n_inputs < 1 || !n->inputs[0])
        return FF_OK;
    const ff_value *in = n->inputs[0];
    const ff_tensor *before = ff_plan_constant(plan, in);
    ff_tensor *inner = NULL;
    int rc = FF_OK;
    if (is(n, "Identity") || is(n, "Dropout")) {
        inner = ff_tensor_ref(wanted);
    } else if (is(n, "Transpose")) {
        const int64_t *perm;
        int inverse[FF_MAX_RANK];
        size_t given = ff_node_ints(n, "perm", &perm);
        for (int i = 0; i < wanted->rank; i++)
            inverse[given ? perm[i] : wanted->rank - 1 - i] = i;
        rc = ff_tensor_transpose(wanted, inverse, &inner);
    } else if (before && (is(n, "Reshape") || is(n, "Squeeze") || is(n, "Unsqueeze") || is(n, "Flatten"))) {
        rc = ff_tensor_reshape(wanted, before->rank, before->dims, &inner);
    } else if (before && is(n, "Cast") && holds_float(before->dtype) && holds_float(wanted->dtype)) {
        rc = ff_tensor_convert(wanted, before->dtype, &inner);
    }
    if (rc != FF_OK || !inner)
        return rc;
    rc = follow(plan, p, in, inner, done);
    ff_tensor_unref(inner);
    return rc;
}

/* v has lost its only reader: what made it goes too. */
static void remove_unread(ff_patch *p, const ff_value *v)
{
    if (!v || !read_once(v))
        return;
    if (v->producer) {
        const ff_node *n = v->producer;
        for (int i = 0; i < n->n_outputs; i++)
            if (n->outputs[i] && n->outputs[i] != v && (n->outputs[i]->n_users || n->outputs[i]->is_output))
                return;
        ff_patch_remove_node(p, ff_node_address(n));
        for (int i = 0; i < n->n_inputs; i++)
            remove_unread(p, n->inputs[i]);
    } else if (v->initializer) {
        ff_patch_remove_initializer(p, v->name);
    }
}

int ff_write_constant(const ff_plan *plan, ff_patch *p, const ff_node *reader, int input, const ff_tensor *wanted,
                      const char *stem)
{
    const ff_value *v = input < reader->n_inputs ? reader->inputs[input] : NULL;
    ff_tensor *value = NULL;
    ff_dtype type = wanted->dtype;
    if (v) {
        const ff_tensor *old = ff_plan_constant(plan, v);
        type = old ? old->dtype : ff_plan_shape(plan, v)->dtype;
    }
    int rc = ff_tensor_convert(wanted, type, &value);
    if (rc != FF_OK)
        return rc;
    bool done = false;
    if (v)
        rc = follow(plan, p, v, value, &done);
    if (rc == FF_OK && !done) {
        char *name = ff_model_fresh_name(ff_plan_model(plan), stem);
        ff_patch_set_initializer(p, name, value);
        ff_patch_set_node_input(p, ff_node_address(reader), input, name);
        free(name);
        remove_unread(p, v);
    }
    ff_tensor_unref(value);
    return rc;
}

const struct ff_attr_fact *ff_node_attr_fact(const ff_node *n, const char *name)
{
    const ff_op *op = ff_op_find(n->domain, n->op, n->opset);
    for (const struct ff_attr_fact *a = op ? op->attrs : NULL; a && a->name; a++)
        if (strcmp(a->name, name) == 0)
            return a;
    return NULL;
}

int ff_write_axes(const ff_plan *plan, ff_patch *p, const ff_node *n, const int64_t *axes, int count)
{
    if (ff_node_attr_fact(n, "axes")) {
        const ff_attr a = {.name = "axes", .type = FF_ATTR_INTS, .n = (size_t)count, .ints = axes};
        ff_patch_set_attr(p, ff_node_address(n), &a);
        return FF_OK;
    }
    ff_tensor *t;
    int rc = ff_tensor_create(FF_INT64, 1, (const int64_t[]){count}, &t);
    if (rc != FF_OK)
        return rc;
    memcpy(t->data, axes, t->bytes);
    char *stem = ff_asprintf("%s_axes_repaired", ff_node_address(n));
    rc = ff_write_constant(plan, p, n, 1, t, stem);
    free(stem);
    ff_tensor_unref(t);
    return rc;
}
