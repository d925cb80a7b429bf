/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Shapes and constants. The nodes are taken in order; one whose inputs are all constant is computed
 * now, by its reference kernel, so that the shapes behind it are known too (Shape, Gather, Concat,
 * Reshape chains vanish, weights behind DequantizeLinear or Transpose become one tensor).
 */
#include "exec/plan.h"

#include <stdlib.h>
#include <string.h>

typedef struct folded {
    ff_item item;
    int n;
    ff_tensor *out[];
} folded;

static void folded_destroy(ff_item *item)
{
    folded *f = (folded *)item;

    for (int i = 0; i < f->n; i++)
        ff_tensor_unref(f->out[i]);
    free(f);
}

struct fold_context {
    const ff_kernel *kernel;
    const ff_node *node;
    const ff_tensor **in;
    ff_plan *plan;
};

static const ff_tensor *constant_of(void *context, const ff_value *v)
{
    const ff_plan *p = context;

    return p->values[v->id].constant;
}

static int fold_make(void *context, ff_item **out)
{
    const struct fold_context *x = context;
    const ff_node *n = x->node;
    folded *f = ff_alloc(sizeof *f + (size_t)n->n_outputs * sizeof(ff_tensor *));
    ff_task task = {.cancel = x->plan->cancel};
    ff_kernel_env env = {.task = &task,
                         .memory_limit = plan_memory_left(x->plan, x->plan->constant_bytes),
                         .rounds_left = &x->plan->rounds_left};
    int code;

    f->item.destroy = folded_destroy;
    f->n = n->n_outputs;
    if (node_has_graphs(n))
        code = graphs_run_node(x->kernel, n, x->in, f->out, constant_of, x->plan, &env);
    else
        code = ff_kernel_run(x->kernel, n, x->in, n->n_inputs, f->out, n->n_outputs, &env);
    if (code != FF_OK) {
        folded_destroy(&f->item);
        return code;
    }
    *out = &f->item;
    return FF_OK;
}

struct captures {
    ff_plan *plan;
    bool constant, live;
    ff_hasher *hasher;
};

static void check_capture(void *context, const ff_value *v)
{
    struct captures *c = context;
    const pvalue *x = &c->plan->values[v->id];

    if (!x->constant)
        c->constant = false;
    if (!x->live)
        c->live = false;
    if (c->hasher && x->constant)
        ff_hasher_add(c->hasher, ff_tensor_key(x->constant), sizeof(ff_key));
}

static void mark_live(void *context, const ff_value *v)
{
    bool *live = context;

    live[v->id] = true;
}

/* live[] by value: what leads to the values that are set already. */
static void find_live(const ff_plan *p, bool *live)
{
    const ff_graph *g = ff_model_graph(p->model);

    for (int i = g->n_nodes - 1; i >= 0; i--) {
        const ff_node *n = g->nodes[i];
        bool any = false;
        for (int o = 0; o < n->n_outputs; o++)
            any |= n->outputs[o] && live[n->outputs[o]->id];
        if (!any)
            continue;
        for (int k = 0; k < n->n_inputs; k++)
            if (n->inputs[k])
                live[n->inputs[k]->id] = true;
        node_captures(n, mark_live, live);
    }
}

static int set_constant(ff_plan *p, const ff_value *v, const ff_tensor *t)
{
    pvalue *x = &p->values[v->id];

    x->constant = ff_tensor_ref(t);
    x->shape.dtype = t->dtype;
    x->shape.rank = t->rank;
    memcpy(x->shape.dims, t->dims, sizeof x->shape.dims);
    return FF_OK;
}

/* Shape and Size of a value whose shape is known need not wait for its data. */
static int shape_constant(const ff_node *n, const ff_shape *in, ff_tensor **out)
{
    int64_t from = ff_node_int(n, "start", 0), to = ff_node_int(n, "end", in->rank);
    bool size = strcmp(n->op, "Size") == 0;

    from = from < 0 ? from + in->rank : from;
    to = to < 0 ? to + in->rank : to;
    from = from < 0 ? 0 : from > in->rank ? in->rank : from;
    to = to < from ? from : to > in->rank ? in->rank : to;
    int64_t dims[1] = {to - from};
    int code = ff_tensor_create(FF_INT64, size ? 0 : 1, dims, out);
    if (code != FF_OK)
        return code;
    if (size)
        ff_tensor_set_int(*out, 0, shape_count(in));
    else
        for (int64_t i = from; i < to; i++)
            ff_tensor_set_int(*out, i - from, in->dims[i]);
    return FF_OK;
}

/* Fills out[] as the operator's own inference says. */
static int infer(const ff_plan *p, const ff_node *n, ff_shape *out)
{
    const ff_op *op = ff_op_find(n->domain, n->op, n->opset);
    int n_in = n->n_inputs, code = FF_OK;

    for (int i = 0; i < n->n_outputs; i++)
        out[i] = (ff_shape){.dtype = FF_UNDEFINED, .rank = -1};
    if (!op)
        return FF_OK;
    if (n_in < op->min_inputs || (op->max_inputs >= 0 && n_in > op->max_inputs) || n->n_outputs < op->min_outputs ||
        (op->max_outputs >= 0 && n->n_outputs > op->max_outputs))
        return ff_fail(FF_ERR_GRAPH, "it has %d inputs and %d outputs", n_in, n->n_outputs);
    if (!op->infer)
        return FF_OK;
    ff_shape *in = ff_alloc_array((size_t)n_in + 1, sizeof *in);
    const ff_tensor **data = ff_alloc_array((size_t)n_in + 1, sizeof *data);
    for (int i = 0; i < n_in; i++) {
        in[i] = (ff_shape){.dtype = FF_UNDEFINED, .rank = -1};
        if (n->inputs[i]) {
            in[i] = p->values[n->inputs[i]->id].shape;
            data[i] = p->values[n->inputs[i]->id].constant;
        }
    }
    ff_infer c = {.node = n, .n_in = n_in, .n_out = n->n_outputs, .in = in, .in_data = data, .out = out};
    code = op->infer(&c);
    free(in);
    free(data);
    return code;
}

static int name_node(int code, const ff_node *n)
{
    char *shown = ff_visible(n->label);

    if (!strstr(ff_error(), shown))
        ff_fail_prefix(code, "node '%s' (%s)", shown, n->op);
    free(shown);
    return code;
}

static int too_large(const ff_node *n, uint64_t bytes)
{
    return ff_fail(FF_ERR_GRAPH, "node '%s' (%s) would need %.1f GiB", n->label, n->op, (double)bytes / (1 << 30));
}

static uint64_t shape_bytes(const ff_shape *s)
{
    uint64_t size = ff_dtype_size(s->dtype);
    int64_t n = shape_fixed(s) ? shape_count(s) : 0;
    uint64_t bytes;

    return __builtin_mul_overflow((uint64_t)n, size, &bytes) ? UINT64_MAX : bytes;
}

static int resolve_node(ff_plan *p, const ff_node *n)
{
    pvalue *values = p->values;
    struct captures c = {.plan = p, .constant = true, .live = true};
    const ff_kernel *kernel = NULL;
    ff_shape shapes[16], *out = shapes;
    bool live = false;
    int code;

    for (int o = 0; o < n->n_outputs; o++)
        live |= n->outputs[o] && values[n->outputs[o]->id].live;
    for (int i = 0; i < n->n_inputs; i++)
        if (n->inputs[i])
            check_capture(&c, n->inputs[i]);
    node_captures(n, check_capture, &c);
    if (n->n_outputs > 16)
        out = ff_alloc_array((size_t)n->n_outputs, sizeof *out);
    code = infer(p, n, out);
    for (int o = 0; o < n->n_outputs && code == FF_OK; o++)
        if (n->outputs[o])
            values[n->outputs[o]->id].shape = out[o];
    if (!live || code != FF_OK)
        goto done;
    if (!c.live) {
        code = ff_fail(FF_ERR_GRAPH, "an input of it cannot be computed");
        goto done;
    }
    const ff_value *first = n->n_inputs ? n->inputs[0] : NULL;
    if ((strcmp(n->op, "Shape") == 0 || strcmp(n->op, "Size") == 0) && !*n->domain && first && n->n_outputs == 1 &&
        n->outputs[0] && shape_fixed(&values[first->id].shape)) {
        ff_tensor *t;
        if ((code = shape_constant(n, &values[first->id].shape, &t)) == FF_OK) {
            set_constant(p, n->outputs[0], t);
            ff_tensor_unref(t);
        }
        goto done;
    }
    if ((code = ff_kernel_find(n, &kernel)) != FF_OK || (code = ff_node_check_values(n)) != FF_OK ||
        (code = graphs_check(n)) != FF_OK)
        goto done;
    uint64_t bytes = 0;
    for (int o = 0; o < n->n_outputs; o++) {
        uint64_t b = n->outputs[o] ? shape_bytes(&values[n->outputs[o]->id].shape) : 0;
        if (b > p->memory_limit) {
            code = too_large(n, b);
            goto done;
        }
        bytes = b > UINT64_MAX - bytes ? UINT64_MAX : bytes + b;
    }
    if (!c.constant)
        goto done;
    if (bytes > p->memory_limit / 2 || p->constant_bytes + bytes > p->memory_limit / 2) {
        code = too_large(n, bytes);
        goto done;
    }
    const ff_tensor **in = ff_alloc_array((size_t)n->n_inputs + 1, sizeof *in);
    const ff_key **keys = ff_alloc_array((size_t)n->n_inputs + 1, sizeof *keys);
    for (int i = 0; i < n->n_inputs; i++)
        if (n->inputs[i]) {
            in[i] = values[n->inputs[i]->id].constant;
            keys[i] = ff_tensor_key(in[i]);
        }
    struct fold_context x = {kernel, n, in, p};
    ff_hasher h;
    ff_hasher_init(&h);
    ff_key key = plan_node_key(n, keys, "fold");
    ff_hasher_add(&h, &key, sizeof key);
    c.hasher = &h;
    node_captures(n, check_capture, &c);
    ff_hasher_add_u64(&h, (uint64_t)n->n_outputs);
    for (int o = 0; o < n->n_outputs; o++)
        ff_hasher_add_u64(&h, n->outputs[o] != NULL);
    key = ff_hasher_done(&h);
    ff_item *item = NULL;
    code = ff_cache_get(&key, fold_make, &x, &item);
    free(in);
    free(keys);
    if (code == FF_OK) {
        const folded *f = (const folded *)item;
        plan_keep(p, item);
        for (int o = 0; o < n->n_outputs; o++)
            if (n->outputs[o] && f->out[o]) {
                set_constant(p, n->outputs[o], f->out[o]);
                p->constant_bytes += ff_tensor_memory(f->out[o]);
            }
    }
done:
    if (out != shapes)
        free(out);
    return code == FF_OK ? FF_OK : name_node(code, n);
}

static int set_feeds(ff_plan *p, const ff_shape *feeds)
{
    const ff_graph *g = ff_model_graph(p->model);

    for (int i = 0; i < g->n_inputs; i++) {
        const ff_value *v = g->inputs[i];
        pvalue *x = &p->values[v->id];
        x->shape = feeds && feeds[i].dtype != FF_UNDEFINED ? feeds[i] : v->declared;
        for (int k = 0; k < x->shape.rank; k++)
            if (x->shape.dims[k] < 0)
                x->shape.dims[k] = 1;
        if (!shape_fixed(&x->shape))
            return ff_fail(FF_ERR_GRAPH, "input '%s' has no shape", v->name);
        if (shape_bytes(&x->shape) > p->memory_limit / 2)
            return ff_fail(FF_ERR_GRAPH, "input '%s' would need %.1f GiB", v->name,
                           (double)shape_bytes(&x->shape) / (1 << 30));
        x->feed = i;
        p->inputs[i] = v->id;
    }
    return FF_OK;
}

int plan_resolve(ff_plan *p, const ff_shape *feeds)
{
    const ff_graph *g = ff_model_graph(p->model);
    size_t n = (size_t)p->n_values;
    bool *required = ff_alloc_array(n + 1, sizeof *required);
    bool *live = ff_alloc_array(n + 1, sizeof *live);
    int code = set_feeds(p, feeds);

    for (int i = 0; i < p->n_outputs; i++)
        required[p->outputs[i]] = live[p->outputs[i]] = true;
    for (int i = 0; p->observe && i < g->n_outputs; i++)
        live[g->outputs[i]->id] = true;
    find_live(p, required);
    find_live(p, live);
    for (size_t i = 0; i < n; i++) {
        const ff_value *v = ff_model_value(p->model, (int)i);
        p->values[i].live = live[i];
        if (v->initializer && p->values[i].feed < 0)
            set_constant(p, v, v->initializer);
    }
    for (int i = 0; i < g->n_nodes && code == FF_OK && (code = plan_check_cancel(p)) == FF_OK; i++) {
        const ff_node *node = g->nodes[i];
        bool needed = false;
        code = resolve_node(p, node);
        for (int o = 0; o < node->n_outputs; o++)
            needed |= node->outputs[o] && required[node->outputs[o]->id];
        if (code != FF_OK && !needed) { /* what nobody asked for may be broken */
            code = FF_OK;
            for (int o = 0; o < node->n_outputs; o++)
                if (node->outputs[o]) {
                    p->values[node->outputs[o]->id].live = false;
                    p->values[node->outputs[o]->id].shape = (ff_shape){.rank = -1};
                }
        }
    }
    /* Constants have taken the place of what led to them. */
    for (size_t i = 0; i < n; i++) {
        live[i] = p->values[i].wanted;
        p->values[i].fixed = shape_fixed(&p->values[i].shape);
    }
    for (int i = 0; p->observe && i < g->n_outputs; i++)
        live[g->outputs[i]->id] = true;
    for (int i = g->n_nodes - 1; i >= 0; i--) {
        const ff_node *node = g->nodes[i];
        bool any = false;
        for (int o = 0; o < node->n_outputs; o++)
            any |= node->outputs[o] && live[node->outputs[o]->id] && p->values[node->outputs[o]->id].live &&
                   !p->values[node->outputs[o]->id].constant;
        for (int k = 0; any && k < node->n_inputs; k++)
            if (node->inputs[k])
                live[node->inputs[k]->id] = true;
        if (any)
            node_captures(node, mark_live, live);
    }
    for (size_t i = 0; i < n; i++)
        p->values[i].live &= live[i];
    free(required);
    free(live);
    return code;
}
