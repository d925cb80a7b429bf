/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A value of the Source's as the Target can read it: what is there already, else the Source's nodes copied, in the
 * Target's types and opset. */
#include <stdlib.h>
#include <string.h>

#include "faults/mend/mend.h"

enum { DEEPEST = 48 };

void mend_job_start(mend_job *j, const mender *m, const mend_state *t, ff_patch *patch, const char *stem,
                    const bool *barred)
{
    *j = (mend_job){.m = m, .t = t, .patch = patch, .stem = stem, .barred = barred};
    j->names = ff_alloc_array((size_t)m->source->n_values + 1, sizeof *j->names);
}

void mend_job_finish(mend_job *j)
{
    for (size_t i = 0; i < j->n_owned; i++)
        free(j->owned[i]);
    free(j->owned);
    free(j->names);
}

const char *mend_fresh(mend_job *j, const char *hint)
{
    char *stem = ff_asprintf("%s_%s_%d", j->stem, hint, j->n_names++);
    ff_grow(&j->owned, &j->capacity, j->n_owned + 1, sizeof *j->owned);
    j->owned[j->n_owned] = ff_model_fresh_name(j->t->run->model, stem);
    free(stem);
    return j->owned[j->n_owned++];
}

/* The type in which the Target has its real numbers. */
static ff_dtype real_type(const mend_run *r)
{
    ff_dtype half = FF_FLOAT;
    for (int i = 0; i < r->n_values; i++) {
        ff_dtype type = r->at[i] && !r->fixed[i] ? ff_plan_shape(r->plan, ff_model_value(r->model, i))->dtype : 0;
        if (type == FF_FLOAT)
            return FF_FLOAT;
        if (ff_dtype_is_half(type))
            half = type;
    }
    return half;
}

static const char *constant(mend_job *j, const ff_tensor *t)
{
    const ff_graph *g = ff_model_graph(j->t->run->model);
    ff_dtype type = t->dtype == FF_FLOAT ? real_type(j->t->run) : t->dtype;
    ff_tensor *own;
    if (ff_tensor_convert(t, type, &own) != FF_OK)
        return NULL;
    const char *name = NULL;
    for (int i = 0; i < g->n_initializers && !name; i++)
        if (!g->initializers[i]->is_input && ff_tensor_equal(g->initializers[i]->initializer, own))
            name = g->initializers[i]->name;
    if (!name) {
        name = mend_fresh(j, "constant");
        ff_patch_set_initializer(j->patch, name, own);
    }
    ff_tensor_unref(own);
    return name;
}

static const char *insert(mend_job *j, const char *op, int n_inputs, const char *const *inputs, int n_attrs,
                          const ff_attr *attrs)
{
    const char *out = mend_fresh(j, op);
    ff_patch_insert_node(j->patch,
                         &(ff_node_spec){.name = out,
                                         .op = op,
                                         .domain = "",
                                         .n_inputs = n_inputs,
                                         .n_outputs = 1,
                                         .n_attrs = n_attrs,
                                         .inputs = inputs,
                                         .outputs = &out,
                                         .attrs = attrs},
                         NULL);
    return out;
}

static const char *transposed(mend_job *j, const char *name, const int *perm, int rank)
{
    int64_t order[FF_MAX_RANK];
    bool identity = true;
    for (int i = 0; i < rank; i++) {
        order[i] = perm[i];
        identity = identity && perm[i] == i;
    }
    const ff_attr a = {.name = "perm", .type = FF_ATTR_INTS, .n = (size_t)rank, .ints = order};
    return identity ? name : insert(j, "Transpose", 1, &name, 1, &a);
}

static const char *reshaped(mend_job *j, const char *name, int rank, const int64_t *dims)
{
    ff_tensor *t;
    if (ff_tensor_create(FF_INT64, 1, (const int64_t[]){rank}, &t) != FF_OK)
        return NULL;
    for (int i = 0; i < rank; i++)
        ff_tensor_set_int(t, i, dims[i]);
    const char *inputs[2] = {name, constant(j, t)};
    ff_tensor_unref(t);
    return insert(j, "Reshape", 2, inputs, 0, NULL);
}

/* From the one shape in the one layout to the other. */
static const char *adapted(mend_job *j, const char *name, const ff_shape *from, const ff_shape *to, const int *perm,
                           int rank, const int64_t *dims)
{
    if (from->rank == to->rank && from->rank == rank + 1 && from->dims[0] == 1 && to->dims[0] == 1) {
        int whole[FF_MAX_RANK] = {0};
        for (int i = 0; i < rank; i++)
            whole[i + 1] = perm[i] + 1;
        return transposed(j, name, whole, rank + 1);
    }
    if (from->rank != rank)
        name = reshaped(j, name, rank, dims);
    if (name)
        name = transposed(j, name, perm, rank);
    return name && to->rank != rank ? reshaped(j, name, to->rank, to->dims) : name;
}

static int squeeze(const ff_shape *s, int64_t *dims)
{
    int n = 0;
    for (int i = 0; i < s->rank; i++)
        if (s->dims[i] != 1)
            dims[n++] = s->dims[i];
    return n;
}

static const char *to_layout(mend_job *j, const char *name, const ff_shape *from, const mend_layout *l,
                             const ff_shape *to)
{
    int64_t dims[FF_MAX_RANK];
    if (ff_same_axes(from, to) && l->flat)
        return name;
    if (l->flat)
        return reshaped(j, name, to->rank, to->dims);
    int rank = squeeze(from, dims);
    return adapted(j, name, from, to, l->perm, rank, dims);
}

static const char *from_layout(mend_job *j, const char *name, const ff_shape *have, const mend_layout *l,
                               const ff_shape *want)
{
    mend_layout back = {.flat = l->flat, .rank = l->rank};
    for (int i = 0; i < l->rank; i++)
        back.perm[l->perm[i]] = i;
    return to_layout(j, name, have, &back, want);
}

static bool same_layout(const mend_layout *a, const mend_layout *b)
{
    return a->flat == b->flat &&
           (a->flat || (a->rank == b->rank && memcmp(a->perm, b->perm, (size_t)a->rank * sizeof a->perm[0]) == 0));
}

/* A value of the Target's that holds v: with `l`, in this layout and shape only. */
static const ff_value *holder(const mend_job *j, const ff_value *v, const mend_layout *l, const ff_shape *shape)
{
    const mend_run *r = j->t->run;
    const ff_value *best = NULL;
    for (int i = 0; i < r->n_values; i++) {
        const ff_value *w = ff_model_value(r->model, i);
        if (j->t->match[i].source != v->id || (j->barred && j->barred[i]))
            continue;
        const ff_shape *own = ff_plan_shape(r->plan, w);
        if (l && (!same_layout(l, &j->t->match[i].layout) || !ff_same_axes(own, shape)))
            continue;
        bool plain = j->t->match[i].layout.flat && ff_same_axes(own, ff_plan_shape(j->m->source->plan, v));
        if (!best || plain)
            best = w;
        if (plain)
            break;
    }
    return best;
}

static const char *name_of(const mend_job *j, const ff_value *w)
{
    return w == j->renamed ? j->renamed_to : w->name;
}

/* Softmax over one axis where the opset takes everything from the axis on. */
static const char *softmax_by_axis(mend_job *j, const ff_node *n, const char *input)
{
    const ff_shape *shape = ff_plan_shape(j->m->source->plan, n->inputs[0]);
    int rank = shape->rank, perm[FF_MAX_RANK];
    int64_t axis = ff_node_int(n, "axis", -1);
    axis += axis < 0 ? rank : 0;
    if (n->opset < 13 || axis < 0 || axis >= rank)
        return NULL;
    for (int i = 0; i < rank; i++)
        perm[i] = i;
    perm[axis] = rank - 1;
    perm[rank - 1] = (int)axis;
    const ff_attr a = {.name = "axis", .type = FF_ATTR_INT, .i = rank - 1};
    const char *in = transposed(j, input, perm, rank);
    return transposed(j, insert(j, n->op, 1, &in, 1, &a), perm, rank);
}

/* The node in simpler ones that the opset has. */
static const char *written(mend_job *j, const char *input, const ff_written *rows, int count)
{
    enum { MOST = 16 };
    const char *made[MOST] = {input};
    for (int i = 0; i < count && i + 1 < MOST; i++) {
        ff_tensor *t;
        const char *inputs[2] = {made[rows[i].a], rows[i].b >= 0 ? made[rows[i].b] : NULL};
        if (rows[i].b == FF_NUMBER && ff_tensor_create(FF_FLOAT, 0, NULL, &t) == FF_OK) {
            ff_tensor_set_real(t, 0, rows[i].number);
            inputs[1] = constant(j, t);
            ff_tensor_unref(t);
        }
        made[i + 1] = insert(j, rows[i].op, rows[i].b == FF_ALONE ? 1 : 2, inputs, 0, NULL);
    }
    return made[count < MOST ? count : 0];
}

/* Output `output` of a copy of the node; `first` (may be NULL) is read in place of its first input. */
static const char *copied(mend_job *j, const ff_node *n, int output, const char *first)
{
    ff_restated r;
    int opset = ff_model_opset(j->t->run->model, ""), count;
    if (*n->domain || n->n_captures || j->depth >= DEEPEST)
        return NULL;
    j->depth++;
    const char *result = NULL;
    if (ff_restate(j->m->source->plan, n, opset, &r)) {
        const char **inputs = ff_alloc_array((size_t)r.n_inputs + 1, sizeof *inputs);
        const char **outputs = ff_alloc_array((size_t)n->n_outputs + 1, sizeof *outputs);
        bool good = true;
        for (int i = 0; i < r.n_inputs && good; i++) {
            if ((size_t)i < FF_COUNT(r.constants) && r.constants[i])
                good = (inputs[i] = constant(j, r.constants[i])) != NULL;
            else if (i == 0 && first)
                inputs[i] = first;
            else if (i < n->n_inputs && n->inputs[i])
                good = (inputs[i] = mend_bring(j, n->inputs[i])) != NULL;
        }
        for (int i = 0; i < n->n_outputs && good; i++)
            if (n->outputs[i])
                outputs[i] = n->outputs[i] == j->last ? j->last_name : mend_fresh(j, n->op);
        if (good)
            ff_patch_insert_node(j->patch,
                                 &(ff_node_spec){.name = outputs[output],
                                                 .op = n->op,
                                                 .domain = "",
                                                 .n_inputs = r.n_inputs,
                                                 .n_outputs = n->n_outputs,
                                                 .n_attrs = r.n_attrs,
                                                 .inputs = inputs,
                                                 .outputs = outputs,
                                                 .attrs = r.attrs},
                                 NULL);
        for (int i = 0; i < n->n_outputs && good && !first; i++)
            if (n->outputs[i])
                j->names[n->outputs[i]->id] = (char *)outputs[i];
        result = good ? outputs[output] : NULL;
        free(inputs);
        free(outputs);
        ff_restated_finish(&r);
    } else {
        const ff_written *rows = ff_write_out(j->m->source->plan, n, opset, &count);
        bool softmax = strcmp(n->op, "Softmax") == 0 || strcmp(n->op, "LogSoftmax") == 0;
        const char *input = !rows && !softmax ? NULL : first ? first : mend_bring(j, n->inputs[0]);
        if (input)
            result = rows ? written(j, input, rows, count) : softmax_by_axis(j, n, input);
    }
    j->depth--;
    if (result && j->n_copied < MEND_REGION)
        j->copied[j->n_copied++] = n;
    return result;
}

const char *mend_bring(mend_job *j, const ff_value *v)
{
    if (j->names[v->id])
        return j->names[v->id];
    const ff_plan *plan = j->m->source->plan;
    const ff_tensor *t = ff_plan_constant(plan, v);
    const char *name = NULL;
    if (t)
        name = constant(j, t);
    const ff_value *w = t ? NULL : holder(j, v, NULL, NULL);
    if (w)
        name = from_layout(j, name_of(j, w), ff_plan_shape(j->t->run->plan, w), &j->t->match[w->id].layout,
                           ff_plan_shape(plan, v));
    if (!name && v->producer)
        name = copied(j, v->producer, v->producer_output, NULL);
    j->names[v->id] = (char *)name;
    return name;
}

/* One input, element by element: it can stand in any layout. */
static bool is_unary(const ff_node *n)
{
    static const char *const ops[] = {"Relu", "Sigmoid",     "Tanh",      "Erf",      "Exp",      "Log",  "Sqrt",
                                      "Abs",  "Neg",         "LeakyRelu", "Elu",      "Selu",     "Clip", "Softplus",
                                      "Gelu", "HardSigmoid", "HardSwish", "Softsign", "Identity", "Mish", "Celu"};
    for (size_t i = 0; n && !*n->domain && i < FF_COUNT(ops); i++)
        if (strcmp(n->op, ops[i]) == 0)
            return true;
    return false;
}

const char *mend_bring_laid(mend_job *j, const ff_value *v, const mend_layout *l, const ff_shape *shape)
{
    const ff_shape *own = ff_plan_shape(j->m->source->plan, v);
    const ff_value *w = holder(j, v, l, shape);
    if (w)
        return name_of(j, w);
    bool plain = l->flat && ff_same_axes(own, shape);
    if (!plain && !j->names[v->id] && !holder(j, v, NULL, NULL) && is_unary(v->producer) &&
        !ff_plan_constant(j->m->source->plan, v->producer->inputs[0])) {
        const char *first = mend_bring_laid(j, v->producer->inputs[0], l, shape);
        return first ? copied(j, v->producer, v->producer_output, first) : NULL;
    }
    const char *name = mend_bring(j, v);
    return name ? to_layout(j, name, own, l, shape) : NULL;
}
