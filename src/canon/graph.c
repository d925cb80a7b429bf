/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The mutable graph: nodes in a doubly linked list in topological order, values with their users.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "canon/rewrite.h"

cg_value *cg_value_create(cg_graph *g, const ff_shape *shape)
{
    cg_value *v = ff_arena_alloc(g->arena, sizeof *v);
    v->shape = *shape;
    v->input = -1;
    v->reader_input = -1;
    ff_grow(&g->values, &g->values_capacity, g->n_values + 1, sizeof *g->values);
    g->values[g->n_values++] = v;
    return v;
}

cg_value *cg_constant(cg_graph *g, const ff_tensor *t, const cg_value *like)
{
    ff_shape shape = {.dtype = t->dtype, .rank = t->rank};
    memcpy(shape.dims, t->dims, sizeof shape.dims);
    cg_value *v = cg_value_create(g, &shape);
    v->constant = t;
    ff_grow(&g->tensors, &g->tensors_capacity, g->n_tensors + 1, sizeof *g->tensors);
    g->tensors[g->n_tensors++] = t;
    if (like) {
        v->original = like->original;
        v->layout = like->layout;
        v->reader = like->reader;
        v->reader_input = like->reader_input;
        v->folded = like->folded;
    }
    return v;
}

ff_tensor *cg_reals_new(cg_graph *g, int rank, const int64_t *dims)
{
    ff_tensor *t = NULL;
    int code = ff_tensor_create(FF_DOUBLE, rank, dims, &t);
    if (code) {
        g->code = code;
        return NULL;
    }
    return t;
}

ff_tensor *cg_reals(cg_graph *g, const ff_tensor *t)
{
    ff_tensor *r = cg_reals_new(g, t->rank, t->dims);
    if (!r)
        return NULL;
    double *d = r->data;
    for (int64_t i = 0; i < t->count; i++)
        d[i] = ff_tensor_get_real(t, i);
    return r;
}

static cg_node *node_create(cg_graph *g, const char *op, const ff_node *primary, int n_in)
{
    cg_node *n = ff_arena_alloc(g->arena, sizeof *n);
    n->op = op;
    n->primary = primary;
    n->n_in = n_in;
    n->in = ff_arena_alloc(g->arena, (size_t)(n_in + 1) * sizeof *n->in);
    n->made = g->made;
    g->made = n;
    g->n_nodes++;
    return n;
}

cg_node *cg_insert_after(cg_graph *g, cg_node *at, const char *op, const ff_node *primary, int n_in)
{
    cg_node *n = node_create(g, op, primary, n_in);
    n->prev = at;
    n->next = at ? at->next : g->first;
    *(n->prev ? &n->prev->next : &g->first) = n;
    *(n->next ? &n->next->prev : &g->last) = n;
    return n;
}

cg_node *cg_insert_before(cg_graph *g, cg_node *at, const char *op, const ff_node *primary, int n_in)
{
    return cg_insert_after(g, at->prev, op, primary, n_in);
}

static void drop_use(cg_value *v, const cg_node *n)
{
    for (int i = 0; i < v->n_users; i++) {
        if (v->users[i] == n) {
            memmove(v->users + i, v->users + i + 1, (size_t)(v->n_users - i - 1) * sizeof *v->users);
            v->n_users--;
            return;
        }
    }
}

void cg_set_in(cg_node *n, int i, cg_value *v)
{
    if (n->in[i])
        drop_use(n->in[i], n);
    n->in[i] = v;
    if (v) {
        ff_grow(&v->users, &v->users_capacity, (size_t)v->n_users + 1, sizeof *v->users);
        v->users[v->n_users++] = n;
    }
}

void cg_set_inputs(cg_graph *g, cg_node *n, int count)
{
    for (int i = count; i < n->n_in; i++)
        cg_set_in(n, i, NULL);
    if (count > n->n_in) {
        cg_value **in = ff_arena_alloc(g->arena, (size_t)(count + 1) * sizeof *in);
        memcpy(in, n->in, (size_t)n->n_in * sizeof *in);
        n->in = in;
    }
    n->n_in = count;
}

void cg_become(cg_graph *g, cg_node *n, const char *op, int n_in, cg_value *const *in)
{
    cg_set_inputs(g, n, 0);
    cg_set_inputs(g, n, n_in);
    for (int i = 0; i < n_in; i++)
        cg_set_in(n, i, in[i]);
    n->op = op;
    n->n_attrs = 0;
}

void cg_set_out(cg_graph *g, cg_node *n, int i, cg_value *v)
{
    if (i >= n->n_out) {
        cg_value **out = ff_arena_alloc(g->arena, (size_t)(i + 1) * sizeof *out);
        if (n->n_out > 0)
            memcpy(out, n->out, (size_t)n->n_out * sizeof *out);
        n->out = out;
        n->n_out = i + 1;
    }
    n->out[i] = v;
    if (v)
        v->producer = n;
}

void cg_replace_value(cg_graph *g, cg_value *from, cg_value *to)
{
    if (!to->original && !to->constant && cg_shape_same(&from->shape, &to->shape))
        cg_inherit(to, from);
    while (from->n_users > 0) {
        cg_node *u = from->users[0];
        for (int i = 0; i < u->n_in; i++) {
            if (u->in[i] == from) {
                cg_set_in(u, i, to);
                break;
            }
        }
    }
    for (int i = 0; i < g->n_outputs; i++) {
        if (g->outputs[i] == from) {
            g->outputs[i] = to;
            from->outputs--;
            to->outputs++;
        }
    }
}

void cg_absorb(cg_node *n, const ff_node *const *origins, int count)
{
    for (int i = 0; i < count; i++) {
        bool known = false;
        for (int k = 0; k < n->n_origins && !known; k++)
            known = n->origins[k] == origins[i];
        if (known)
            continue;
        ff_grow(&n->origins, &n->origins_capacity, (size_t)n->n_origins + 1, sizeof *n->origins);
        n->origins[n->n_origins++] = origins[i];
    }
}

void cg_remove(cg_graph *g, cg_node *n, cg_node *into)
{
    for (int i = 0; i < n->n_in; i++)
        cg_set_in(n, i, NULL);
    *(n->prev ? &n->prev->next : &g->first) = n->next;
    *(n->next ? &n->next->prev : &g->last) = n->prev;
    n->dead = true;
    n->into = into;
    g->n_nodes--;
    if (into)
        cg_absorb(into, n->origins, n->n_origins);
}

void cg_remove_unread(cg_graph *g, cg_value *v, cg_node *into)
{
    cg_node *p = v->producer;
    if (!p || p->dead || p == into)
        return;
    for (int i = 0; i < p->n_out; i++)
        if (p->out[i] && cg_used(p->out[i]))
            return;
    int n = p->n_in;
    cg_value **in = ff_alloc_array((size_t)n + 1, sizeof *in);
    memcpy(in, p->in, (size_t)n * sizeof *in);
    cg_remove(g, p, into);
    for (int i = 0; i < n; i++)
        if (in[i])
            cg_remove_unread(g, in[i], into);
    free(in);
}

bool cg_used(const cg_value *v)
{
    return v->n_users > 0 || v->outputs > 0;
}

cg_node *cg_only_user(const cg_value *v)
{
    return v->n_users == 1 && v->outputs == 0 ? v->users[0] : NULL;
}

bool cg_is(const cg_node *n, const char *op)
{
    return n && strcmp(n->op, op) == 0;
}

cg_node *cg_feeder(const cg_node *n, int i, const char *op)
{
    if (i >= n->n_in || !n->in[i])
        return NULL;
    cg_node *p = n->in[i]->producer;
    return p && cg_is(p, op) && cg_only_user(n->in[i]) ? p : NULL;
}

/* ---------------------------------------------------------------------------- attributes */

const ff_cattr *cg_attr(const cg_node *n, const char *name)
{
    for (int i = 0; i < n->n_attrs; i++)
        if (strcmp(n->attrs[i].name, name) == 0)
            return &n->attrs[i];
    return NULL;
}

int64_t cg_int(const cg_node *n, const char *name, int64_t otherwise)
{
    const ff_cattr *a = cg_attr(n, name);
    return a && a->type == FF_CATTR_INTS && a->n == 1 ? a->ints[0] : otherwise;
}

double cg_real(const cg_node *n, const char *name, double otherwise)
{
    const ff_cattr *a = cg_attr(n, name);
    return a && a->type == FF_CATTR_REALS && a->n == 1 ? a->reals[0] : otherwise;
}

bool cg_text_is(const cg_node *n, const char *name, const char *text)
{
    const ff_cattr *a = cg_attr(n, name);
    return a && a->type == FF_CATTR_TEXT && strcmp(a->text, text) == 0;
}

/* Attributes are never moved or taken away in place: what cg_attr gave stays readable as it was. */
static void copy_attrs(cg_graph *g, cg_node *n)
{
    ff_cattr *attrs = ff_arena_alloc(g->arena, ((size_t)n->n_attrs + 1) * sizeof *attrs);
    if (n->n_attrs > 0)
        memcpy(attrs, n->attrs, (size_t)n->n_attrs * sizeof *attrs);
    n->attrs = attrs;
}

/* The slot of the attribute, emptied; `name` must be static or belong to the model. */
static ff_cattr *slot(cg_graph *g, cg_node *n, const char *name, const ff_node *by)
{
    copy_attrs(g, n);
    ff_cattr *a = (ff_cattr *)cg_attr(n, name);
    a = a ? a : &n->attrs[n->n_attrs++];
    *a = (ff_cattr){.name = name, .node = by};
    return a;
}

void cg_set_ints(cg_graph *g, cg_node *n, const char *name, const int64_t *v, int count, const ff_node *by)
{
    int64_t *copy = ff_arena_alloc(g->arena, (size_t)(count + 1) * sizeof *copy);
    memcpy(copy, v, (size_t)count * sizeof *copy);
    ff_cattr *a = slot(g, n, name, by);
    a->type = FF_CATTR_INTS;
    a->n = count;
    a->ints = copy;
}

void cg_set_int(cg_graph *g, cg_node *n, const char *name, int64_t v, const ff_node *by)
{
    cg_set_ints(g, n, name, &v, 1, by);
}

void cg_set_reals(cg_graph *g, cg_node *n, const char *name, const double *v, int count, const ff_node *by)
{
    double *copy = ff_arena_alloc(g->arena, (size_t)(count + 1) * sizeof *copy);
    memcpy(copy, v, (size_t)count * sizeof *copy);
    ff_cattr *a = slot(g, n, name, by);
    a->type = FF_CATTR_REALS;
    a->n = count;
    a->reals = copy;
}

void cg_set_real(cg_graph *g, cg_node *n, const char *name, double v, const ff_node *by)
{
    cg_set_reals(g, n, name, &v, 1, by);
}

void cg_set_text(cg_graph *g, cg_node *n, const char *name, const char *v, const ff_node *by)
{
    char *copy = ff_arena_strdup(g->arena, v);
    ff_cattr *a = slot(g, n, name, by);
    a->type = FF_CATTR_TEXT;
    a->n = 1;
    a->text = copy;
}

void cg_drop_attr(cg_graph *g, cg_node *n, const char *name)
{
    for (int i = 0; i < n->n_attrs; i++) {
        if (strcmp(n->attrs[i].name, name) == 0) {
            copy_attrs(g, n);
            memmove(n->attrs + i, n->attrs + i + 1, (size_t)(n->n_attrs - i - 1) * sizeof *n->attrs);
            n->n_attrs--;
            return;
        }
    }
}

/* ------------------------------------------------------------------------------- records */

void cg_record_rule(cg_graph *g, const cg_rule *rule, cg_node *n, const cg_node *other, double deviation)
{
    ff_grow(&g->records, &g->records_capacity, g->n_records + 1, sizeof *g->records);
    cg_record *r = &g->records[g->n_records++];
    int count = (n ? n->n_origins : 0) + (other ? other->n_origins : 0);
    *r = (cg_record){.rule = rule->name, .meaning = rule->meaning, .node = n, .deviation = deviation};
    r->nodes = ff_arena_alloc(g->arena, (size_t)(count + 1) * sizeof *r->nodes);
    for (int i = 0; n && i < n->n_origins; i++)
        r->nodes[r->n_nodes++] = n->origins[i];
    for (int i = 0; other && i < other->n_origins; i++) {
        bool known = false;
        for (int k = 0; k < r->n_nodes && !known; k++)
            known = r->nodes[k] == other->origins[i];
        if (!known)
            r->nodes[r->n_nodes++] = other->origins[i];
    }
}

/* ----------------------------------------------------------------------------- constants */

bool cg_uniform(const cg_value *v, double *value)
{
    const ff_tensor *t = v ? v->constant : NULL;
    if (!t || t->count < 1 || t->dtype == FF_STRING)
        return false;
    double first = ff_tensor_get_real(t, 0);
    for (int64_t i = 1; i < t->count; i++)
        if (ff_tensor_get_real(t, i) != first)
            return false;
    *value = first;
    return true;
}

ff_tensor *cg_per_channel(cg_graph *g, const cg_value *c, const ff_shape *shape)
{
    const ff_tensor *t = c->constant;
    if (!t || shape->rank < 2 || t->rank > shape->rank || t->dtype == FF_STRING || shape->dims[1] < 1)
        return NULL;
    int64_t channels = shape->dims[1], inner = 1, own = 1;
    for (int i = t->rank - 1; i >= 0; i--) {
        int axis = i + shape->rank - t->rank;
        if (t->dims[i] < 1 || (axis == 1 && t->dims[i] != 1 && t->dims[i] != channels))
            return NULL;
        inner *= axis > 1 ? t->dims[i] : 1;
        own = axis == 1 ? t->dims[i] : own;
    }
    /* Along other axes it must not vary. */
    for (int64_t i = own * inner == t->count && inner == 1 ? t->count : 0; i < t->count; i++)
        if (ff_tensor_get_real(t, i) != ff_tensor_get_real(t, i / inner % own * inner))
            return NULL;
    ff_tensor *r = cg_reals_new(g, 1, &channels);
    if (!r)
        return NULL;
    double *d = r->data;
    for (int64_t i = 0; i < channels; i++)
        d[i] = ff_tensor_get_real(t, own == 1 ? 0 : i * inner);
    return r;
}

bool cg_const_ints(const cg_value *v, int64_t *out, int max, int *count)
{
    const ff_tensor *t = v ? v->constant : NULL;
    if (!t || t->count > max || (t->dtype != FF_INT64 && t->dtype != FF_INT32))
        return false;
    for (int64_t i = 0; i < t->count; i++)
        out[i] = ff_tensor_get_int(t, i);
    *count = (int)t->count;
    return true;
}

/* -------------------------------------------------------------------------------- shapes */

bool cg_shape_static(const ff_shape *s)
{
    if (s->rank < 0)
        return false;
    for (int i = 0; i < s->rank; i++)
        if (s->dims[i] < 0)
            return false;
    return true;
}

int64_t cg_shape_count(const ff_shape *s)
{
    int64_t n = 1;
    for (int i = 0; i < s->rank; i++)
        n *= s->dims[i];
    return n;
}

bool cg_shape_same(const ff_shape *a, const ff_shape *b)
{
    return a->rank == b->rank && a->rank >= 0 && memcmp(a->dims, b->dims, (size_t)a->rank * sizeof a->dims[0]) == 0;
}

static bool non_negative(const cg_value *v, int depth)
{
    if (v->constant) {
        for (int64_t i = 0; i < v->constant->count; i++)
            if (!(ff_tensor_get_real(v->constant, i) >= 0))
                return false;
        return true;
    }
    const cg_node *n = v->producer;
    if (!n || depth > 16)
        return false;
    static const char *const always[] = {"Relu", "Sigmoid", "HardSigmoid", "Softmax", "Abs", "Exp", NULL};
    static const char *const passes[] = {"MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "Transpose",
                                         "Reshape", "Concat",      "Identity",          "Add",           "Mul",
                                         "Max",     NULL};
    for (int i = 0; always[i]; i++)
        if (cg_is(n, always[i]))
            return true;
    if (cg_is(n, "Clip"))
        return cg_real(n, "min", -INFINITY) >= 0;
    for (int i = 0; passes[i]; i++) {
        if (!cg_is(n, passes[i]))
            continue;
        for (int k = 0; k < n->n_in; k++)
            if (!n->in[k] || !non_negative(n->in[k], depth + 1))
                return false;
        return n->n_in > 0;
    }
    return false;
}

bool cg_non_negative(const cg_value *v)
{
    return non_negative(v, 0);
}

void cg_destroy(cg_graph *g)
{
    if (!g)
        return;
    for (cg_node *n = g->made; n; n = n->made) {
        free(n->origins);
    }
    for (size_t i = 0; i < g->n_values; i++)
        free(g->values[i]->users);
    for (size_t i = 0; i < g->n_tensors; i++)
        ff_tensor_unref(g->tensors[i]);
    free(g->values);
    free(g->tensors);
    free(g->records);
    ff_arena_destroy(g->arena);
    ff_plan_unref(g->plan);
    free(g);
}
