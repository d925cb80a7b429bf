/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runners. A run asks the hooks, works back from what is wanted to what must be computed (injected
 * and kept values cut the graph), and takes the steps in order. Representations of values are made
 * when a step reads them.
 */
#include "exec/runner.h"

#include <stdlib.h>
#include <string.h>

int ff_runner_create(const ff_plan *p, ff_runner **out)
{
    ff_runner *r = ff_alloc(sizeof *r);
    size_t at = 0;

    dnn_enter_thread();
    r->plan = ff_plan_ref(p);
    r->scratch_bytes = p->scratch_bytes;
    r->values = ff_alloc_array((size_t)p->n_values + 1, sizeof *r->values);
    r->shows = ff_alloc_array((size_t)p->n_values + 1, sizeof *r->shows);
    r->reps = ff_alloc_array((size_t)p->n_values + 1, sizeof *r->reps);
    r->steps = ff_alloc_array((size_t)p->n_steps + 1, sizeof *r->steps);
    r->expiring = ff_alloc_array((size_t)p->n_steps + 1, sizeof *r->expiring);
    r->next_expiring = ff_alloc_array((size_t)p->n_values + 1, sizeof *r->next_expiring);
    for (int i = 0; i < p->n_values; i++)
        r->n_reps += (size_t)p->values[i].n_reps;
    r->all_reps = ff_alloc_array(r->n_reps + 1, sizeof *r->all_reps);
    for (int i = 0; i < p->n_steps; i++)
        r->expiring[i] = -1;
    for (int i = 0; i < p->n_values; i++) {
        int last = p->values[i].last_use;
        r->reps[i] = r->all_reps + at;
        at += (size_t)p->values[i].n_reps;
        if (last >= 0 && last < p->n_steps) {
            r->next_expiring[i] = r->expiring[last];
            r->expiring[last] = i;
        }
    }
    r->arena_bytes = p->arena_bytes + 64;
    r->arena = arena_take(&r->arena_bytes);
    r->scratch = ff_try_alloc(p->scratch_bytes + 64);
    if (!r->arena || !r->scratch) {
        ff_runner_destroy(r);
        return FF_ERR_NOMEM;
    }
    if (!p->reference && dnnl_stream_create(&r->stream, dnn_engine(), dnnl_stream_default_flags) != dnnl_success) {
        ff_runner_destroy(r);
        return ff_fail(FF_ERR_INTERNAL, "oneDNN gives no stream");
    }
    *out = r;
    return FF_OK;
}

static void finish_run(ff_runner *r)
{
    for (int i = 0; i < r->plan->n_values; i++) {
        ff_tensor_unref(r->values[i].tensor);
        if (r->values[i].kept)
            kept_unref(r->values[i].kept);
        memset(&r->values[i], 0, sizeof r->values[i]);
        for (int k = 0; k < r->plan->values[i].n_reps; k++)
            r->reps[i][k].valid &= r->plan->values[i].constant != NULL;
    }
}

static void spend(void *context, const char *op, long calls, double ms)
{
    (void)context;
    ff_spend("run", op, (int64_t)(ms * 1e6), calls);
}

void ff_runner_destroy(ff_runner *r)
{
    if (!r)
        return;
    ff_runner_profile(r, spend, NULL);
    finish_run(r);
    for (size_t i = 0; i < r->n_reps; i++) {
        dnnl_memory_destroy(r->all_reps[i].memory);
        if (r->all_reps[i].reorder.prim)
            ff_cache_unref(&r->all_reps[i].reorder.prim->item);
        free(r->all_reps[i].spare);
    }
    for (int i = 0; i < r->plan->n_values; i++)
        if (r->shows[i].prim)
            ff_cache_unref(&r->shows[i].prim->item);
    for (int i = 0; i < r->plan->n_steps; i++) {
        dnnl_memory_destroy(r->steps[i].weights);
        dnnl_memory_destroy(r->steps[i].bias);
        dnnl_memory_destroy(r->steps[i].scratch);
    }
    if (r->stream)
        dnnl_stream_destroy(r->stream);
    arena_give(r->arena, r->arena_bytes);
    free(r->scratch);
    free(r->values);
    free(r->shows);
    free(r->reps);
    free(r->all_reps);
    free(r->steps);
    free(r->expiring);
    free(r->next_expiring);
    ff_plan_unref(r->plan);
    free(r);
}

/* --------------------------------------------------------------------------------------- steps */

static int scratch_memory(ff_runner *r, int at, dnnl_memory_t *out)
{
    live_step *l = &r->steps[at];
    const dnn_prim *p = r->plan->steps[at].prim;
    int code = FF_OK;

    if (!l->scratch)
        code = dnn_memory(&p->scratch, &l->scratch);
    if (code == FF_OK)
        dnnl_memory_set_data_handle(l->scratch, r->scratch);
    *out = l->scratch;
    return code;
}

static int run_primitive(ff_runner *r, int at)
{
    const step *s = &r->plan->steps[at];
    live_step *l = &r->steps[at];
    const port *o = &s->out[0];
    dnnl_exec_arg_t few[8], *args = few;
    dnnl_memory_t scratch;
    void *to = r->arena + r->plan->values[o->value].reps[o->rep].offset;
    int n = 0, code;

    for (int i = 0; i < s->n_in; i++)
        if (s->in[i].value >= 0 && (code = runner_rep(r, s->in[i].value, s->in[i].rep)) != FF_OK)
            return code;
    if ((code = runner_need_scratch(r, s->prim->scratch_bytes)) != FF_OK ||
        (code = scratch_memory(r, at, &scratch)) != FF_OK)
        return code;
    if (s->kind == STEP_CONV && s->in[1].value >= 0) {
        const void *residual = r->reps[s->in[1].value][s->in[1].rep].data;
        if (residual != to)
            memcpy(to, residual, r->plan->values[o->value].reps[o->rep].bytes);
    }
    if ((code = runner_set_data(r, o->value, o->rep, to)) != FF_OK)
        return code;
    if (s->n_in > 6)
        args = ff_alloc_array((size_t)s->n_in + 2, sizeof *args);
    args[n++] = (dnnl_exec_arg_t){DNNL_ARG_DST, r->reps[o->value][o->rep].memory};
    args[n++] = (dnnl_exec_arg_t){DNNL_ARG_SCRATCHPAD, scratch};
    if (s->kind == STEP_CONV) {
        if (!l->weights) {
            if ((code = dnn_memory(&s->weights->layout, &l->weights)) != FF_OK)
                return code;
            dnnl_memory_set_data_handle(l->weights, s->weights->data);
        }
        if (s->bias && !l->bias) {
            if ((code = dnn_memory(&s->prim->bias, &l->bias)) != FF_OK)
                return code;
            dnnl_memory_set_data_handle(l->bias, s->bias->data);
        }
        args[n++] = (dnnl_exec_arg_t){DNNL_ARG_SRC, r->reps[s->in[0].value][s->in[0].rep].memory};
        args[n++] = (dnnl_exec_arg_t){DNNL_ARG_WEIGHTS, l->weights};
        if (s->bias)
            args[n++] = (dnnl_exec_arg_t){DNNL_ARG_BIAS, l->bias};
    } else {
        for (int i = 0; i < s->n_in; i++) {
            int name = s->kind == STEP_CONCAT ? DNNL_ARG_MULTIPLE_SRC + i : DNNL_ARG_SRC;
            if (i == 1 && s->kind == STEP_BINARY)
                name = DNNL_ARG_SRC_1;
            else if (i == 1 && s->kind == STEP_PRODUCT)
                name = DNNL_ARG_WEIGHTS;
            args[n++] = (dnnl_exec_arg_t){name, r->reps[s->in[i].value][s->in[i].rep].memory};
        }
    }
    code = dnn_execute(s->prim, r->stream, args, n);
    if (args != few)
        free(args);
    return code;
}

static const ff_tensor *lookup(void *context, const ff_value *v)
{
    const ff_runner *r = context;
    const ff_tensor *c = r->plan->values[v->id].constant;

    return c ? c : r->values[v->id].tensor;
}

static int run_node(ff_runner *r, const step *s)
{
    const ff_tensor *few_in[16], **in = few_in;
    ff_tensor *few_out[16], **out = few_out;
    ff_task task = {.cancel = r->hooks ? r->hooks->cancel : NULL};
    ff_kernel_env env = {
        .task = &task, .memory_limit = plan_memory_left(r->plan, r->tensor_bytes), .rounds_left = &r->rounds_left};
    int code = FF_OK;

    if (s->n_in > 16)
        in = ff_alloc_array((size_t)s->n_in, sizeof *in);
    if (s->n_out > 16)
        out = ff_alloc_array((size_t)s->n_out, sizeof *out);
    memset(out, 0, (size_t)s->n_out * sizeof *out);
    for (int i = 0; i < s->n_in + s->n_captures && code == FF_OK; i++) {
        const ff_tensor *t = NULL;
        if (s->in[i].value >= 0)
            code = runner_tensor(r, s->in[i].value, &t);
        if (i < s->n_in)
            in[i] = t;
    }
    if (code == FF_OK && node_has_graphs(s->node))
        code = graphs_run_node(s->kernel, s->node, in, out, lookup, r, &env);
    else if (code == FF_OK)
        code = ff_kernel_run(s->kernel, s->node, in, s->n_in, out, s->n_out, &env);
    for (int i = 0; code == FF_OK && i < s->n_out; i++) {
        live_value *v = s->out[i].value >= 0 ? &r->values[s->out[i].value] : NULL;
        if (v && !v->injected && !v->kept && !v->tensor) {
            v->tensor = out[i];
            v->counted = ff_tensor_memory(out[i]);
            r->tensor_bytes += v->counted;
        } else
            ff_tensor_unref(out[i]);
    }
    if (in != few_in)
        free(in);
    if (out != few_out)
        free(out);
    return code;
}

static int run_step(ff_runner *r, int at)
{
    const step *s = &r->plan->steps[at];
    const ff_tensor *t;
    int code;

    switch (s->kind) {
    case STEP_VIEW:
        return FF_OK; /* seen when it is read */
    case STEP_RESHAPE:
        if ((code = runner_tensor(r, s->in[0].value, &t)) != FF_OK)
            return code;
        const ff_shape *to = &r->plan->values[s->out[0].value].shape;
        return ff_tensor_reshape(t, to->rank, to->dims, &r->values[s->out[0].value].tensor);
    case STEP_NODE:
        return run_node(r, s);
    default:
        if ((code = run_primitive(r, at)) == FF_ERR_INTERNAL)
            ff_fail_prefix(code, "node '%s' (%s)", s->node->label, s->node->op);
        return code;
    }
}

/* ----------------------------------------------------------------------------------------- runs */

/* The step that makes the value in this run. */
static int way_of(const ff_runner *r, int value)
{
    const pvalue *x = &r->plan->values[value];

    if (x->step < 0 || x->own < 0)
        return x->step;
    const step *s = &r->plan->steps[x->step];
    bool altering = r->hooks && r->hooks->alter; /* what is hidden in a fused step may become another */
    for (int i = 0; i < s->n_hidden; i++)
        if (r->values[s->hidden[i]].injected || (altering && r->values[s->hidden[i]].asked))
            return x->own;
    return x->step;
}

static int ask(ff_runner *r, const ff_hooks *h)
{
    const ff_plan *p = r->plan;

    for (int i = -p->n_inputs; i < p->n_steps; i++) {
        const step *s = i >= 0 ? &p->steps[i] : NULL;
        for (int o = 0; o < (s ? s->n_out : 1); o++) {
            int value = s ? s->out[o].value : p->inputs[i + p->n_inputs];
            if (value < 0 || !p->values[value].value || (s && p->values[value].step != i))
                continue;
            const pvalue *x = &p->values[value];
            live_value *v = &r->values[value];
            const ff_tensor *t;
            if (h->ask)
                v->asked = h->ask(h->context, x->value);
            if (!h->inject || !p->observe || !(t = h->inject(h->context, x->value)))
                continue;
            if (x->fixed && (t->dtype != x->shape.dtype || t->rank != x->shape.rank ||
                             memcmp(t->dims, x->shape.dims, (size_t)t->rank * sizeof *t->dims)))
                return ff_fail(FF_ERR_GRAPH, "the tensor injected for '%s' has another shape", x->value->name);
            ff_tensor_unref(v->tensor); /* a feed */
            v->tensor = ff_tensor_ref(t);
            v->injected = true;
        }
    }
    return FF_OK;
}

/* What an injected value reaches is not what its key says. */
static void touch(ff_runner *r)
{
    const ff_plan *p = r->plan;

    for (int i = 0; i < p->n_values; i++)
        r->values[i].touched = r->values[i].injected;
    for (int i = 0; i < p->n_steps; i++) {
        const step *s = &p->steps[i];
        bool touched = false;
        for (int k = 0; k < s->n_in + s->n_captures && !touched; k++)
            touched = s->in[k].value >= 0 && r->values[s->in[k].value].touched;
        for (int o = 0; touched && o < s->n_out; o++)
            if (s->out[o].value >= 0)
                r->values[s->out[o].value].touched = true;
    }
}

static void need(ff_runner *r, int value, ff_store *store, int sample)
{
    const pvalue *x = &r->plan->values[value];
    live_value *v = &r->values[value];

    if (v->needed || x->constant)
        return; /* constants stay from run to run */
    v->needed = true;
    if (store && x->has_key && x->fixed && x->feed < 0 && !v->touched)
        v->kept = store_get(store, &x->key, sample);
}

static void choose(ff_runner *r, ff_store *store, int sample)
{
    const ff_plan *p = r->plan;

    for (int i = 0; i < p->n_outputs; i++)
        need(r, p->outputs[i], store, sample);
    for (int i = 0; i < p->n_values; i++)
        if (r->values[i].asked)
            need(r, i, store, sample);
    for (int i = p->n_steps - 1; i >= 0; i--) {
        const step *s = &p->steps[i];
        bool run = false;
        for (int o = 0; o < s->n_out && !run; o++) {
            int value = s->out[o].value;
            run = value >= 0 && r->values[value].needed && !r->values[value].injected && !r->values[value].kept &&
                  way_of(r, value) == i;
        }
        r->steps[i].chosen = run;
        for (int k = 0; run && k < s->n_in + s->n_captures; k++)
            if (s->in[k].value >= 0)
                need(r, s->in[k].value, store, sample);
    }
}

/* Readers of the value see another tensor from here on. */
static int replace(ff_runner *r, int value, ff_tensor *by)
{
    const pvalue *x = &r->plan->values[value];
    live_value *v = &r->values[value];

    if (by->dtype != x->shape.dtype || (x->fixed && (by->rank != x->shape.rank ||
                                                     memcmp(by->dims, x->shape.dims, (size_t)by->rank * sizeof *by->dims)))) {
        ff_tensor_unref(by);
        return ff_fail(FF_ERR_GRAPH, "the tensor put in for '%s' has another shape", x->value->name);
    }
    ff_tensor_unref(v->tensor);
    v->tensor = by;
    v->injected = true;
    for (int i = 0; i < x->n_reps; i++)
        r->reps[value][i].valid = false;
    return FF_OK;
}

static int give(ff_runner *r, int value)
{
    const ff_tensor *t;
    const ff_value *v = r->plan->values[value].value;
    const ff_hooks *h = r->hooks;

    if (!r->values[value].asked)
        return FF_OK;
    int64_t start = ff_now_ns();
    int code = runner_tensor(r, value, &t);
    r->show_ns += ff_now_ns() - start;
    r->shown++;
    r->values[value].asked = false;
    if (code == FF_OK && h->give)
        code = h->give(h->context, v, t);
    ff_tensor *by = code == FF_OK && h->alter && r->plan->observe ? h->alter(h->context, v, t) : NULL;
    return by ? replace(r, value, by) : code;
}

static void keep(ff_runner *r, int value, ff_store *store, int sample)
{
    const pvalue *x = &r->plan->values[value];
    const live_value *v = &r->values[value];

    if (!x->has_key || !x->fixed || v->kept || v->touched)
        return;
    if (x->n_reps && x->reps[0].kind == REP_BUFFER && r->reps[value][0].valid) {
        if (store_wants(store, &x->key, sample, x->reps[0].bytes))
            store_put(store, &x->key, sample, &x->reps[0].layout, r->reps[value][0].data, x->reps[0].bytes);
    } else if (x->value && dtype_is_bytes(x->shape.dtype)) {
        size_t bytes = (size_t)shape_count(&x->shape) * ff_dtype_size(x->shape.dtype);
        const ff_tensor *t;
        if (store_wants(store, &x->key, sample, bytes) && runner_tensor(r, value, &t) == FF_OK)
            store_put(store, &x->key, sample, NULL, t->data, t->bytes);
    }
}

static int run_all(ff_runner *r, ff_store *store, int sample)
{
    const ff_plan *p = r->plan;
    ff_cancel *cancel = r->hooks ? r->hooks->cancel : NULL;
    int code = FF_OK;

    for (int i = 0; i < p->n_inputs && code == FF_OK; i++)
        code = give(r, p->inputs[i]);
    for (int i = 0; i < p->n_steps && code == FF_OK; i++) {
        const step *s = &p->steps[i];
        live_step *l = &r->steps[i];
        if (l->chosen) {
            if (cancel && atomic_load(&cancel->set))
                return ff_check_cancel(&(ff_task){.cancel = cancel});
            int64_t start = ff_now_ns();
            code = run_step(r, i);
            l->ns += ff_now_ns() - start;
            l->calls++;
            r->flops += s->flops;
        }
        for (int o = 0; o < s->n_out && code == FF_OK; o++) {
            int value = s->out[o].value;
            if (value < 0)
                continue;
            live_value *v = &r->values[value];
            if (l->chosen && store)
                keep(r, value, store, sample);
            if (v->asked && (l->chosen || v->injected || v->kept) && p->values[value].value)
                code = give(r, value);
        }
        for (int v = r->expiring[i]; v >= 0; v = r->next_expiring[v]) {
            if (r->values[v].asked)
                continue;
            ff_tensor_unref(r->values[v].tensor);
            r->values[v].tensor = NULL;
            r->tensor_bytes -= r->values[v].counted;
            r->values[v].counted = 0;
        }
    }
    return code;
}

int ff_run(ff_runner *r, const ff_tensor *const *feeds, const ff_hooks *hooks, ff_store *store, int sample,
           ff_tensor **outputs)
{
    const ff_plan *p = r->plan;
    int code = FF_OK;

    dnn_enter_thread();
    for (int i = 0; i < p->n_inputs; i++) {
        const ff_shape *s = &p->values[p->inputs[i]].shape;
        const ff_tensor *t = feeds[i];
        if (t->dtype != s->dtype || t->rank != s->rank ||
            memcmp(t->dims, s->dims, (size_t)t->rank * sizeof *t->dims) != 0) {
            char *text = ff_tensor_describe(t);
            code = ff_fail(FF_ERR_GRAPH, "input '%s' is fed %s", p->values[p->inputs[i]].value->name, text);
            free(text);
            return code;
        }
    }
    r->hooks = hooks;
    r->tensor_bytes = 0;
    r->rounds_left = FF_KERNEL_ITERATION_LIMIT;
    for (int i = 0; i < p->n_inputs; i++)
        r->values[p->inputs[i]].tensor = ff_tensor_ref(feeds[i]);
    if (hooks && (hooks->ask || hooks->inject))
        code = ask(r, hooks);
    if (code == FF_OK) {
        if (store && hooks && hooks->inject)
            touch(r);
        choose(r, store, sample);
        code = run_all(r, store, sample);
    }
    ff_tensor **made = ff_alloc_array((size_t)p->n_outputs + 1, sizeof *made);
    for (int i = 0; i < p->n_outputs && code == FF_OK; i++) {
        const ff_tensor *t;
        code = runner_tensor(r, p->outputs[i], &t);
        made[i] = code == FF_OK ? ff_tensor_ref(t) : NULL;
    }
    for (int i = 0; i < p->n_outputs; i++) {
        if (code == FF_OK)
            outputs[i] = made[i];
        else
            ff_tensor_unref(made[i]);
    }
    if (code == FF_STOP) {
        memset(outputs, 0, (size_t)p->n_outputs * sizeof *outputs);
        code = FF_OK;
    }
    free(made);
    finish_run(r);
    r->hooks = NULL;
    return code;
}

const ff_plan *ff_runner_plan(const ff_runner *r)
{
    return r->plan;
}

double ff_runner_flops(const ff_runner *r)
{
    return r->flops;
}

void ff_runner_profile(const ff_runner *r, void (*report)(void *, const char *, long, double), void *context)
{
    const ff_plan *p = r->plan;
    struct {
        const char *op;
        long calls;
        int64_t ns;
    } *sums = ff_alloc_array((size_t)p->n_steps + 1, sizeof *sums);
    int n = 0;

    for (int i = 0; i < p->n_steps; i++) {
        int k = 0;
        if (!r->steps[i].calls)
            continue;
        while (k < n && strcmp(sums[k].op, p->steps[i].op) != 0)
            k++;
        sums[k].op = p->steps[i].op;
        sums[k].calls += r->steps[i].calls;
        sums[k].ns += r->steps[i].ns;
        n = k == n ? n + 1 : n;
    }
    for (int i = 0; i < n; i++)
        report(context, sums[i].op, sums[i].calls, (double)sums[i].ns / 1e6);
    if (r->shown)
        report(context, "(activations shown)", r->shown, (double)r->show_ns / 1e6);
    free(sums);
}
