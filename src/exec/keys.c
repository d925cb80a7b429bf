/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keys of values. They name what is really computed, so that they do not depend on how it is
 * written: a Pad in front of a convolution and its pads, BatchNormalization and the weights it is
 * folded into, Max then Min and Clip, Flatten and Reshape have equal keys where they are computed
 * alike.
 */
#include "exec/match.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void add_key(ff_hasher *h, const ff_key *k)
{
    ff_hasher_add(h, k ? (const void *)k : (const void *)&(ff_key){0}, sizeof *k);
}

static void add_graph(ff_hasher *h, const ff_graph *g);

static void add_attr(ff_hasher *h, const ff_attr *a)
{
    ff_hasher_add_str(h, a->name);
    ff_hasher_add_u64(h, (uint64_t)a->type);
    ff_hasher_add_u64(h, a->n);
    switch (a->type) {
    case FF_ATTR_FLOAT:
        ff_hasher_add(h, &a->f, sizeof a->f);
        break;
    case FF_ATTR_INT:
        ff_hasher_add_u64(h, (uint64_t)a->i);
        break;
    case FF_ATTR_STRING:
        ff_hasher_add_u64(h, a->s_len);
        ff_hasher_add(h, a->s, a->s_len);
        break;
    case FF_ATTR_TENSOR:
        if (a->t)
            add_key(h, ff_tensor_key(a->t));
        break;
    case FF_ATTR_GRAPH:
        if (a->g)
            add_graph(h, a->g);
        break;
    case FF_ATTR_FLOATS:
        ff_hasher_add(h, a->floats, a->n * sizeof *a->floats);
        break;
    case FF_ATTR_INTS:
        ff_hasher_add(h, a->ints, a->n * sizeof *a->ints);
        break;
    case FF_ATTR_STRINGS:
        for (size_t i = 0; i < a->n; i++)
            ff_hasher_add_str(h, a->strings[i]);
        break;
    case FF_ATTR_TENSORS:
        for (size_t i = 0; i < a->n; i++)
            add_key(h, ff_tensor_key(a->tensors[i]));
        break;
    case FF_ATTR_GRAPHS:
        for (size_t i = 0; i < a->n; i++)
            add_graph(h, a->graphs[i]);
        break;
    case FF_ATTR_OTHER:
        break;
    }
}

static int by_name(const void *a, const void *b)
{
    const ff_attr *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

/* Whether the attribute says what its absence would say. */
static bool is_default(const ff_op *op, const ff_attr *a)
{
    const struct ff_attr_fact *f = op ? op->attrs : NULL;

    while (f && f->name && strcmp(f->name, a->name) != 0)
        f++;
    if (!f || !f->name || !f->fallback || f->type != a->type)
        return false;
    if (a->type == FF_ATTR_FLOAT)
        return strtof(f->fallback, NULL) == a->f;
    if (a->type != FF_ATTR_INT && a->type != FF_ATTR_STRING && a->type != FF_ATTR_INTS)
        return false;
    char *text = ff_attr_format(a);
    /* ff_attr_format may or may not write the name in front. */
    const char *from = strncmp(text, a->name, strlen(a->name)) == 0 && text[strlen(a->name)] == '='
                           ? text + strlen(a->name) + 1
                           : text;
    bool same = strcmp(from, f->fallback) == 0;
    free(text);
    return same;
}

static void add_node(ff_hasher *h, const ff_node *n)
{
    /* Operators that mean the same in every opset from 7 on, so that opsets can share results. */
    static const char *const steady[] = {
        "Add",           "Sub",   "Mul",       "Div", "Relu",     "Sigmoid", "Tanh",   "Exp",
        "Log",           "Sqrt",  "Abs",       "Neg", "Concat",   "Conv",    "MatMul", "GlobalAveragePool",
        "GlobalMaxPool", "Gemm",  "Max",       "Min", "Pow",      "Erf",     "Floor",  "Ceil",
        "Gather",        "PRelu", "LeakyRelu", "Elu", "Softplus", "Sum",
    };
    const ff_op *op = ff_op_find(n->domain, n->op, n->opset);
    uint64_t since = op ? (uint64_t)op->since : (uint64_t)n->opset;

    for (size_t i = 0; i < FF_COUNT(steady); i++)
        if (match_op(n, steady[i]))
            since = 0;
    ff_hasher_add_str(h, n->domain);
    ff_hasher_add_str(h, n->op);
    ff_hasher_add_u64(h, since);
    const ff_attr **sorted = ff_alloc_array((size_t)n->n_attrs + 1, sizeof *sorted);
    for (int i = 0; i < n->n_attrs; i++)
        sorted[i] = &n->attrs[i];
    qsort(sorted, (size_t)n->n_attrs, sizeof *sorted, by_name);
    for (int i = 0; i < n->n_attrs; i++)
        if (!is_default(op, sorted[i]))
            add_attr(h, sorted[i]);
    free(sorted);
}

static void add_graph(ff_hasher *h, const ff_graph *g)
{
    ff_hasher_add_u64(h, (uint64_t)g->n_inputs);
    for (int i = 0; i < g->n_inputs; i++)
        ff_hasher_add_str(h, g->inputs[i]->name);
    ff_hasher_add_u64(h, (uint64_t)g->n_initializers);
    for (int i = 0; i < g->n_initializers; i++) {
        ff_hasher_add_str(h, g->initializers[i]->name);
        if (g->initializers[i]->initializer)
            add_key(h, ff_tensor_key(g->initializers[i]->initializer));
    }
    ff_hasher_add_u64(h, (uint64_t)g->n_nodes);
    for (int i = 0; i < g->n_nodes; i++) {
        const ff_node *n = g->nodes[i];
        add_node(h, n);
        ff_hasher_add_u64(h, (uint64_t)n->n_inputs);
        for (int k = 0; k < n->n_inputs; k++)
            ff_hasher_add_str(h, n->inputs[k] ? n->inputs[k]->name : NULL);
        ff_hasher_add_u64(h, (uint64_t)n->n_outputs);
        for (int k = 0; k < n->n_outputs; k++)
            ff_hasher_add_str(h, n->outputs[k] ? n->outputs[k]->name : NULL);
    }
    ff_hasher_add_u64(h, (uint64_t)g->n_outputs);
    for (int i = 0; i < g->n_outputs; i++)
        ff_hasher_add_str(h, g->outputs[i]->name);
}

ff_key plan_node_key(const ff_node *n, const ff_key *const *in, const char *backend)
{
    ff_hasher h;

    ff_hasher_init(&h);
    ff_hasher_add_str(&h, backend);
    add_node(&h, n);
    ff_hasher_add_u64(&h, (uint64_t)n->n_inputs);
    for (int i = 0; i < n->n_inputs; i++)
        add_key(&h, in[i]);
    return ff_hasher_done(&h);
}

static const ff_key *key_of(const ff_plan *p, int value)
{
    const pvalue *x = &p->values[value];

    return x->constant ? ff_tensor_key(x->constant) : x->has_key ? &x->key : NULL;
}

static void set_key(ff_plan *p, int value, ff_key key)
{
    p->values[value].key = key;
    p->values[value].has_key = true;
}

static ff_key permuted_key(const ff_key *in, const int *perm, int rank)
{
    ff_hasher h;

    ff_hasher_init(&h);
    ff_hasher_add_str(&h, "permute");
    add_key(&h, in);
    for (int i = 0; i < rank; i++)
        ff_hasher_add_u64(&h, (uint64_t)perm[i]);
    return ff_hasher_done(&h);
}

/* What a clip is applied to, so that clips of clips can be named as one. */
typedef struct clipped {
    bool is;
    ff_key root;
    float low, high;
} clipped;

static float clamp(float x, float low, float high)
{
    x = x > low ? x : low;
    return x < high ? x : high;
}

static void clip_key(ff_plan *p, clipped *clips, int value, int input, float low, float high)
{
    clipped c = {true, p->values[input].key, low, high};
    ff_hasher h;

    if (clips[input].is) {
        c.root = clips[input].root;
        c.low = clamp(clips[input].low, low, high);
        c.high = clamp(clips[input].high, low, high);
    }
    c.low = c.low == 0 ? 0 : c.low; /* -0 and 0 clip alike */
    c.high = c.high == 0 ? 0 : c.high;
    clips[value] = c;
    ff_hasher_init(&h);
    ff_hasher_add_str(&h, "clip");
    add_key(&h, &c.root);
    ff_hasher_add(&h, &c.low, sizeof c.low);
    ff_hasher_add(&h, &c.high, sizeof c.high);
    set_key(p, value, ff_hasher_done(&h));
}

/* What a link computes from the chain's input, whose name is `in`; NULL: from whatever comes, however large. */
static int conv_key(const ff_plan *p, const chain *c, const chain_link *l, const ff_key *in, link_weights *w,
                    ff_key *out)
{
    static const ff_key any;
    const ff_shape *shape = &p->values[l->value].shape;
    dnn_conv conv = c->conv;
    ff_hasher h;

    int code = chain_weights(c, l, w);
    if (code != FF_OK)
        return code;
    ff_hasher_init(&h);
    ff_hasher_add_str(&h, "conv");
    add_key(&h, in ? in : &any);
    add_key(&h, &w->key);
    for (int i = 2; i < conv.rank && !in; i++)
        conv.src[i] = conv.dst[i] = 0;
    ff_hasher_add(&h, &conv, sizeof conv);
    ff_hasher_add_u64(&h, l->shift != NULL);
    for (int i = 0; l->shift && i < c->channels; i++) {
        float b = (float)l->shift[i];
        ff_hasher_add(&h, &b, sizeof b);
    }
    ff_hasher_add_u64(&h, (uint64_t)shape->rank);
    for (int i = 0; i < shape->rank && in; i++)
        ff_hasher_add_u64(&h, (uint64_t)shape->dims[i]);
    if (l->residual >= 0)
        add_key(&h, &p->values[l->residual].key);
    *out = ff_hasher_done(&h);
    return FF_OK;
}

static int link_key(ff_plan *p, const chain *c, const chain_link *l, clipped *clips)
{
    const pvalue *x = &p->values[c->input];
    link_weights w;
    ff_key key;

    if (l->clip) {
        float low, high;
        int input;
        if (match_clip(p, l->node, &input, &low, &high))
            clip_key(p, clips, l->value, input, low, high);
        return FF_OK;
    }
    ff_key in = x->key;
    if (c->permuted)
        in = permuted_key(&in, c->perm, x->shape.rank);
    int code = conv_key(p, c, l, &in, &w, &key);
    if (code != FF_OK)
        return code;
    set_key(p, l->value, key);
    ff_cache_ref(w.memo);
    plan_keep(p, w.memo);
    link_weights_finish(&w);
    return FF_OK;
}

bool ff_plan_local_key(const ff_plan *p, const ff_value *v, const ff_value *from, ff_key *out)
{
    const ff_node *n = v->producer;
    link_weights w;

    if (!n || n->graph != ff_model_graph(p->model) || p->chain_of[n->index] < 0)
        return false;
    const chain *c = &p->chains[p->chain_of[n->index]];
    const chain_link *l = &c->links[p->link_of[n->index]];
    if (l->value != v->id || l->clip || l->residual >= 0 || c->permuted || c->n_before > 0 || c->input != from->id)
        return false;
    if (conv_key(p, c, l, NULL, &w, out) != FF_OK)
        return false;
    link_weights_finish(&w);
    return true;
}

struct capture_keys {
    const ff_plan *plan;
    ff_hasher *hasher;
};

static void add_capture(void *context, const ff_value *v)
{
    struct capture_keys *c = context;

    add_key(c->hasher, key_of(c->plan, v->id));
}

static void node_keys(ff_plan *p, const ff_node *n, const char *backend)
{
    const ff_key **in = ff_alloc_array((size_t)n->n_inputs + 1, sizeof *in);
    ff_hasher h;

    for (int i = 0; i < n->n_inputs; i++)
        in[i] = n->inputs[i] ? key_of(p, n->inputs[i]->id) : NULL;
    ff_key base = plan_node_key(n, in, backend);
    for (int o = 0; o < n->n_outputs; o++) {
        if (!n->outputs[o])
            continue;
        struct capture_keys c = {p, &h};
        ff_hasher_init(&h);
        add_key(&h, &base);
        ff_hasher_add_u64(&h, (uint64_t)o);
        node_captures(n, add_capture, &c);
        set_key(p, n->outputs[o]->id, ff_hasher_done(&h));
    }
    free(in);
}

int plan_make_keys(ff_plan *p)
{
    const ff_graph *g = ff_model_graph(p->model);
    const char *backend = ff_compute_backend(p->reference);
    clipped *clips = ff_alloc_array((size_t)p->n_values + 1, sizeof *clips);
    int code = FF_OK, perm[FF_MAX_RANK];
    ff_hasher h;

    for (int i = 0; i < p->n_inputs; i++) {
        const pvalue *x = &p->values[p->inputs[i]];
        ff_hasher_init(&h);
        ff_hasher_add_str(&h, "input");
        ff_hasher_add_str(&h, backend);
        ff_hasher_add_u64(&h, (uint64_t)i);
        ff_hasher_add_u64(&h, (uint64_t)x->shape.dtype);
        ff_hasher_add_u64(&h, (uint64_t)x->shape.rank);
        for (int k = 0; k < x->shape.rank; k++)
            ff_hasher_add_u64(&h, (uint64_t)x->shape.dims[k]);
        set_key(p, p->inputs[i], ff_hasher_done(&h));
    }
    for (int i = 0; i < g->n_nodes && code == FF_OK; i++) {
        const ff_node *n = g->nodes[i];
        const ff_value *v = n->n_outputs ? n->outputs[0] : NULL;
        bool live = false;
        for (int o = 0; o < n->n_outputs; o++)
            live |= n->outputs[o] && p->values[n->outputs[o]->id].live && !p->values[n->outputs[o]->id].constant;
        if (!live)
            continue;
        float low, high;
        int input;
        dnn_pool pool;
        view_kind view = match_view(p, n, perm);
        if (p->chain_of[i] >= 0) {
            chain *c = &p->chains[p->chain_of[i]];
            code = link_key(p, c, &c->links[p->link_of[i]], clips);
        } else if (view == VIEW_PERMUTE) {
            set_key(p, v->id, permuted_key(key_of(p, n->inputs[0]->id), perm, p->values[v->id].shape.rank));
        } else if (view == VIEW_RESHAPE) {
            const ff_shape *a = &p->values[n->inputs[0]->id].shape, *b = &p->values[v->id].shape;
            const ff_key *from = key_of(p, n->inputs[0]->id);
            if (a->rank == b->rank && !memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims)) {
                set_key(p, v->id, *from);
                clips[v->id] = clips[n->inputs[0]->id];
            } else {
                ff_hasher_init(&h);
                ff_hasher_add_str(&h, "reshape");
                add_key(&h, from);
                ff_hasher_add(&h, b->dims, (size_t)b->rank * sizeof *b->dims);
                set_key(p, v->id, ff_hasher_done(&h));
            }
        } else if (!p->reference && match_clip(p, n, &input, &low, &high)) {
            clip_key(p, clips, v->id, input, low, high);
        } else if (!p->reference && match_pool(p, n, &pool, &input)) {
            ff_hasher_init(&h);
            ff_hasher_add_str(&h, "pool");
            add_key(&h, key_of(p, input));
            ff_hasher_add(&h, &pool, sizeof pool);
            set_key(p, v->id, ff_hasher_done(&h));
        } else {
            node_keys(p, n, backend);
        }
    }
    free(clips);
    if (code != FF_OK)
        return code;
    ff_hasher_init(&h);
    for (int i = 0; i < p->n_outputs; i++)
        add_key(&h, key_of(p, p->outputs[i]));
    p->output_key = ff_hasher_done(&h);
    return FF_OK;
}
