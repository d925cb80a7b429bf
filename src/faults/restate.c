/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A node as another opset writes it. See strategy.h. */
#include "faults/strategy.h"

#include <stdlib.h>
#include <string.h>

/* Operators some of whose attributes became inputs (from opset `since` on), and their places among the inputs. */
typedef struct form {
    const char *op;
    int since;
    struct {
        const char *name;
        int input;
        ff_attr_type type; /* of the attribute; the input is a scalar (FLOAT), a list (INTS) or a list of one (INT) */
    } moved[3];
} form;

static const form forms[] = {
    {"Clip", 11, {{"min", 1, FF_ATTR_FLOAT}, {"max", 2, FF_ATTR_FLOAT}}},
    {"Pad", 11, {{"pads", 1, FF_ATTR_INTS}, {"value", 2, FF_ATTR_FLOAT}}},
    {"Dropout", 12, {{"ratio", 1, FF_ATTR_FLOAT}}},
    {"Slice", 10, {{"starts", 1, FF_ATTR_INTS}, {"ends", 2, FF_ATTR_INTS}, {"axes", 3, FF_ATTR_INTS}}},
    {"TopK", 10, {{"k", 1, FF_ATTR_INT}}},
    {"Squeeze", 13, {{"axes", 1, FF_ATTR_INTS}}},
    {"Unsqueeze", 13, {{"axes", 1, FF_ATTR_INTS}}},
    {"Split", 13, {{"split", 1, FF_ATTR_INTS}}},
    {"ReduceSum", 13, {{"axes", 1, FF_ATTR_INTS}}},
    {"ReduceMean", 18, {{"axes", 1, FF_ATTR_INTS}}},
    {"ReduceMax", 18, {{"axes", 1, FF_ATTR_INTS}}},
    {"ReduceMin", 18, {{"axes", 1, FF_ATTR_INTS}}},
    {"ReduceProd", 18, {{"axes", 1, FF_ATTR_INTS}}},
    {"ReduceL2", 18, {{"axes", 1, FF_ATTR_INTS}}},
};

static const form *form_of(const ff_node *n)
{
    for (size_t i = 0; i < FF_COUNT(forms); i++)
        if (strcmp(forms[i].op, n->op) == 0)
            return &forms[i];
    return NULL;
}

static bool takes(const ff_op *op, const char *attr)
{
    for (const struct ff_attr_fact *a = op->attrs; a && a->name; a++)
        if (strcmp(a->name, attr) == 0)
            return true;
    return false;
}

static bool is_softmax(const ff_node *n)
{
    return strcmp(n->op, "Softmax") == 0 || strcmp(n->op, "LogSoftmax") == 0 || strcmp(n->op, "Hardmax") == 0;
}

/* The axis as every opset understands it. */
static int64_t softmax_axis(const ff_plan *plan, const ff_node *n)
{
    int rank = ff_plan_shape(plan, n->inputs[0])->rank;
    int64_t axis = ff_node_int(n, "axis", n->opset < 13 ? 1 : -1);
    return axis < 0 ? axis + rank : axis;
}

/* What the two forms mean otherwise, whatever their attributes. */
static bool same_meaning(const ff_plan *plan, const ff_node *n, int opset)
{
    bool apart = (n->opset < 13) != (opset < 13);
    if (is_softmax(n)) /* before 13 everything from the axis on is one row: the same for the last axis */
        return !apart || softmax_axis(plan, n) == ff_plan_shape(plan, n->inputs[0])->rank - 1;
    if (strcmp(n->op, "Resize") == 0 || strcmp(n->op, "Upsample") == 0)
        return (n->opset < 10) == (opset < 10) && (n->opset < 11) == (opset < 11);
    if (strcmp(n->op, "BatchNormalization") == 0)
        return n->n_outputs == 1 && n->opset >= 9 && opset >= 9;
    if (strcmp(n->op, "Split") == 0)
        return (n->opset < 18) == (opset < 18);
    if (strcmp(n->op, "GroupNormalization") == 0) /* scale and bias: one a group, then one a channel */
        return (n->opset < 21) == (opset < 21);
    if (strcmp(n->op, "Pad") == 0)
        return n->n_inputs < 4 || opset >= 18;
    return true;
}

/* Is what the attribute says (NULL: what leaving it out says) the value that stands as `text` in the tables? */
static bool says(const ff_node *n, const ff_op *op, const struct ff_attr_fact *f, const char *text)
{
    const ff_attr *a = ff_node_attr(n, f->name);

    if (!a) {
        for (const struct ff_attr_fact *own = op ? op->attrs : NULL; own && own->name; own++)
            if (strcmp(own->name, f->name) == 0)
                return own->fallback && strcmp(own->fallback, text) == 0;
        return true; /* its opset has it neither: their meanings are compared by others */
    }
    switch (a->type) {
    case FF_ATTR_INT:
        return a->i == strtoll(text, NULL, 10);
    case FF_ATTR_FLOAT:
        return a->f == strtof(text, NULL);
    case FF_ATTR_STRING:
        return strcmp(a->s, text) == 0;
    default:
        return false;
    }
}

/* The attributes that only one of the opsets has. Going back they must say what leaving them out means there; going
 * forward they are written out where the new default is another thing. */
static bool restate_newer(const ff_node *n, int opset, const ff_op *to, ff_restated *r)
{
    const ff_op *from = ff_op_find(n->domain, n->op, n->opset);
    const struct ff_attr_fact *f;
    const char *meant;
    ff_node there = *n;

    there.opset = opset;
    for (int i = 0; (f = ff_op_later_attr(&there, i, &meant)) != NULL; i++)
        if (!says(n, from, f, meant))
            return false;
    for (int i = 0; (f = ff_op_later_attr(n, i, &meant)) != NULL; i++) {
        if (!takes(to, f->name) || strcmp(meant, f->fallback) == 0)
            continue;
        if (f->type != FF_ATTR_STRING)
            return false;
        r->attrs[r->n_attrs++] = (ff_attr){.name = f->name, .type = FF_ATTR_STRING, .s = meant, .s_len = strlen(meant)};
    }
    return true;
}

/* Does leaving out this attribute, which opset `opset` does not have, say the same there? */
static bool is_implied(const ff_node *n, int opset, const ff_attr *a)
{
    const struct ff_attr_fact *f;
    const char *meant;
    ff_node there = *n;

    there.opset = opset;
    for (int i = 0; (f = ff_op_later_attr(&there, i, &meant)) != NULL; i++)
        if (strcmp(f->name, a->name) == 0)
            return says(n, NULL, f, meant);
    return false;
}

/* Spelled as that opset does; every attribute must be one that it knows. */
static bool is_known_there(const ff_node *n, int opset, ff_restated *r)
{
    ff_node there = *n;

    for (int i = 0; i < r->n_attrs; i++)
        if (r->attrs[i].type == FF_ATTR_STRING && r->attrs[i].s) {
            r->attrs[i].s = ff_op_text(n->op, r->attrs[i].name, r->attrs[i].s, n->opset, opset);
            r->attrs[i].s_len = strlen(r->attrs[i].s);
        }
    there.opset = opset;
    there.n_attrs = r->n_attrs;
    there.attrs = r->attrs;
    return ff_node_check(&there, NULL) == FF_OK;
}

static int input_of_attr(const ff_attr *a, ff_attr_type type, ff_tensor **out)
{
    int64_t n = type == FF_ATTR_INTS ? (int64_t)a->n : 1;
    int rc = ff_tensor_create(type == FF_ATTR_FLOAT ? FF_FLOAT : FF_INT64, type == FF_ATTR_FLOAT ? 0 : 1, &n, out);
    for (int64_t i = 0; rc == FF_OK && i < n; i++) {
        if (type == FF_ATTR_FLOAT)
            ff_tensor_set_real(*out, i, a->f);
        else
            ff_tensor_set_int(*out, i, type == FF_ATTR_INT ? a->i : a->ints[i]);
    }
    return rc;
}

static bool attr_of_input(const ff_tensor *t, ff_restated *r, const char *name, ff_attr_type type)
{
    ff_attr *a = &r->attrs[r->n_attrs];
    *a = (ff_attr){.name = name, .type = type};
    if (!t || t->count > FF_MAX_RANK * 2 || (type != FF_ATTR_INTS && t->count != 1))
        return false;
    if (type == FF_ATTR_FLOAT)
        a->f = (float)ff_tensor_get_real(t, 0);
    else if (type == FF_ATTR_INT)
        a->i = ff_tensor_get_int(t, 0);
    int64_t *ints = r->ints[r->n_moved++];
    for (int64_t i = 0; type == FF_ATTR_INTS && i < t->count; i++)
        ints[i] = ff_tensor_get_int(t, i);
    a->ints = ints;
    a->n = type == FF_ATTR_INTS ? (size_t)t->count : 0;
    r->n_attrs++;
    return true;
}

bool ff_restate(const ff_plan *plan, const ff_node *n, int opset, ff_restated *r)
{
    const ff_op *op = ff_op_find(n->domain, n->op, opset);
    const form *f = form_of(n);
    bool to_inputs = f && n->opset < f->since && opset >= f->since,
         to_attrs = f && n->opset >= f->since && opset < f->since;
    *r = (ff_restated){.n_inputs = n->n_inputs};
    if (!op || *n->domain || n->n_attrs + 4 > FF_RESTATED || !same_meaning(plan, n, opset))
        return false;
    for (int i = 0; i < n->n_attrs; i++) {
        const ff_attr *a = &n->attrs[i];
        int k = 0;
        if (is_softmax(n) && strcmp(a->name, "axis") == 0)
            continue;
        while (k < 3 && (!to_inputs || !f->moved[k].name || strcmp(f->moved[k].name, a->name) != 0))
            k++;
        if (k < 3 && a->type == f->moved[k].type) {
            int at = f->moved[k].input;
            if (input_of_attr(a, a->type, &r->constants[at]) != FF_OK)
                goto fail;
            r->n_inputs = at >= r->n_inputs ? at + 1 : r->n_inputs;
        } else if (takes(op, a->name)) {
            r->attrs[r->n_attrs++] = *a;
        } else if (strcmp(a->name, "is_test") != 0 && strcmp(a->name, "consumed_inputs") != 0 &&
                   !is_implied(n, opset, a)) {
            goto fail;
        }
    }
    if (is_softmax(n))
        r->attrs[r->n_attrs++] = (ff_attr){.name = "axis", .type = FF_ATTR_INT, .i = softmax_axis(plan, n)};
    for (int k = 0; k < 3 && to_attrs && f->moved[k].name; k++) {
        int at = f->moved[k].input;
        if (at < n->n_inputs && n->inputs[at] &&
            !attr_of_input(ff_plan_constant(plan, n->inputs[at]), r, f->moved[k].name, f->moved[k].type))
            goto fail;
        r->n_inputs = at < r->n_inputs ? at : r->n_inputs;
    }
    if (!restate_newer(n, opset, op, r) || !is_known_there(n, opset, r))
        goto fail;
    return true;
fail:
    ff_restated_finish(r);
    return false;
}

void ff_restated_finish(ff_restated *r)
{
    for (size_t i = 0; i < FF_COUNT(r->constants); i++)
        ff_tensor_unref(r->constants[i]);
    *r = (ff_restated){0};
}
