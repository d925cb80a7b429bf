/* SPDX-License-Identifier: GPL-3.0-or-later */
/* control.c: If, Loop and Scan. Their bodies are run by the environment of the call. */
#include "kernel.h"

#include <stdlib.h>
#include <string.h>

static int body_of(const ff_call *c, const char *name, const ff_graph **g)
{
    const ff_attr *a = ff_node_attr(c->node, name);
    if (!a || a->type != FF_ATTR_GRAPH || !a->g)
        return ff_fail(FF_ERR_GRAPH, "attribute '%s' is not a graph", name);
    if (!c->env->run_graph)
        return ff_fail(FF_ERR_UNSUPPORTED, "inner graphs cannot be run here");
    *g = a->g;
    return FF_OK;
}

static void drop(ff_tensor **t, int n)
{
    for (int i = 0; t && i < n; i++) {
        ff_tensor_unref(t[i]);
        t[i] = NULL;
    }
}

int ff_k_if(ff_call *c)
{
    const ff_tensor *condition;
    const ff_graph *g = NULL;
    int64_t truth;
    int rc = ff_need(c, 0, 0, -1, &condition);
    if (rc || (rc = ff_scalar_int(condition, "the condition", &truth)) ||
        (rc = body_of(c, truth ? "then_branch" : "else_branch", &g)))
        return rc;
    if (g->n_outputs != c->n_out)
        return ff_fail(FF_ERR_GRAPH, "the branch makes %d outputs, the node %d", g->n_outputs, c->n_out);
    return c->env->run_graph(c->env, g, NULL, 0, c->out, c->n_out);
}

/* ------------------------------------------------------------------- stacked scan outputs */

/* What a body made in each round, to be joined along a new axis. */
typedef struct stack {
    ff_tensor **rounds;
    size_t n, capacity;
    uint64_t bytes;
} stack;

static int stack_push(const ff_call *c, stack *s, ff_tensor *t)
{
    s->bytes += ff_tensor_memory(t) + sizeof *t;
    ff_grow(&s->rounds, &s->capacity, s->n + 1, sizeof *s->rounds);
    s->rounds[s->n++] = t; /* owned from here on */
    return ff_check_size(c, (int64_t)s->bytes, 1);
}

static void stack_finish(stack *s)
{
    drop(s->rounds, (int)s->n);
    free(s->rounds);
}

/* Output `slot` with the rounds along `axis`, backwards if asked. */
static int stack_join(ff_call *c, int slot, const stack *s, int64_t asked_axis, bool backwards)
{
    ff_tensor *y;
    int64_t dims[FF_MAX_RANK + 1];
    if (!s->n)
        return ff_fail(FF_ERR_GRAPH, "no round was run, so that output %d has no shape", slot);
    const ff_tensor *first = s->rounds[0];
    if (first->dtype == FF_SEQUENCE || first->dtype == FF_ABSENT)
        return ff_fail(FF_ERR_GRAPH, "output %d joins values that are not tensors", slot);
    int axis, rank = first->rank + 1, rc = ff_axis(asked_axis, rank, &axis);
    if (rc)
        return rc;
    for (size_t i = 1; i < s->n; i++)
        if (s->rounds[i]->dtype != first->dtype || !ff_same_dims(s->rounds[i], first))
            return ff_fail(FF_ERR_GRAPH, "output %d changes its shape from round to round", slot);
    if (rank > FF_MAX_RANK)
        return ff_fail(FF_ERR_GRAPH, "output %d would have rank %d", slot, rank);
    for (int k = 0, i = 0; k < rank; k++)
        dims[k] = k == axis ? (int64_t)s->n : first->dims[i++];
    if ((rc = ff_out(c, slot, first->dtype, rank, dims, &y)) || !y->count)
        return rc;
    int64_t outer = ff_span(dims, 0, axis), inner = ff_span(dims, axis + 1, rank), n = (int64_t)s->n;
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < n; i++)
            ff_move(y, (o * n + i) * inner, s->rounds[backwards ? n - 1 - i : i], o * inner, inner);
    return FF_OK;
}

/* An empty scan output where the body declares its shape. */
static int empty_join(ff_call *c, int slot, const ff_value *v, int64_t axis)
{
    ff_tensor *y;
    int64_t dims[FF_MAX_RANK] = {0};
    const ff_shape *s = &v->declared;
    int rank = s->rank < 0 ? 1 : s->rank + 1, at;
    if (s->dtype == FF_UNDEFINED || rank > FF_MAX_RANK)
        return ff_fail(FF_ERR_GRAPH, "no round was run, so that output %d has no type", slot);
    int rc = ff_axis(axis, rank, &at);
    if (rc)
        return rc;
    for (int k = 0, i = 0; s->rank >= 0 && k < rank; k++)
        dims[k] = k == at ? 0 : s->dims[i] < 0 ? (i++, 0) : s->dims[i++];
    return ff_out(c, slot, s->dtype, rank, dims, &y);
}

/* ------------------------------------------------------------------------------------ Loop */

int ff_k_loop(ff_call *c)
{
    const ff_tensor *count = ff_in(c, 0), *condition = ff_in(c, 1);
    const ff_graph *g = NULL;
    int64_t rounds = INT64_MAX, truth = 1,
            limit = c->env->iteration_limit ? c->env->iteration_limit : FF_KERNEL_ITERATION_LIMIT;
    int rc;
    if ((count && (rc = ff_scalar_int(count, "the trip count", &rounds))) ||
        (condition && (rc = ff_scalar_int(condition, "the condition", &truth))) || (rc = body_of(c, "body", &g)))
        return rc;
    int carried = c->n_in > 2 ? c->n_in - 2 : 0, scans = g->n_outputs - 1 - carried;
    if (scans < 0 || c->n_out > carried + scans || g->n_inputs != carried + 2)
        return ff_fail(FF_ERR_GRAPH, "the body takes %d inputs and makes %d outputs", g->n_inputs, g->n_outputs);
    ff_tensor **state = ff_alloc_array((size_t)carried + 1, sizeof *state);
    ff_tensor **made = ff_alloc_array((size_t)g->n_outputs + 1, sizeof *made);
    const ff_tensor **in = ff_alloc_array((size_t)carried + 2, sizeof *in);
    stack *stacks = ff_alloc_array((size_t)scans + 1, sizeof *stacks);
    for (int i = 0; i < carried; i++)
        state[i] = c->in[2 + i] ? ff_tensor_ref(c->in[2 + i]) : NULL;
    for (int64_t i = 0; i < rounds && truth && !rc; i++) {
        ff_tensor *number = NULL, *going = NULL;
        if (i >= limit) {
            rc = ff_fail(FF_ERR_GRAPH, "the loop does not end within %lld rounds", (long long)limit);
            break;
        }
        if ((rc = ff_next_round(c)) || (rc = ff_tensor_create(FF_INT64, 0, NULL, &number)) ||
            (rc = ff_tensor_create(FF_BOOL, 0, NULL, &going))) {
            ff_tensor_unref(number);
            break;
        }
        *(int64_t *)number->data = i;
        *(uint8_t *)going->data = truth != 0;
        in[0] = number;
        in[1] = going;
        for (int k = 0; k < carried; k++)
            in[2 + k] = state[k];
        rc = c->env->run_graph(c->env, g, in, carried + 2, made, g->n_outputs);
        ff_tensor_unref(number);
        ff_tensor_unref(going);
        if (rc)
            break;
        rc = ff_scalar_int(made[0], "the condition", &truth);
        ff_tensor_unref(made[0]);
        for (int k = 0; k < carried; k++) {
            ff_tensor_unref(state[k]);
            state[k] = made[1 + k];
        }
        for (int k = 0; k < scans; k++) {
            int rc2 = stack_push(c, &stacks[k], made[1 + carried + k]);
            rc = rc ? rc : rc2;
        }
    }
    for (int k = 0; k < carried && !rc; k++) {
        if (k < c->n_out && state[k])
            c->out[k] = ff_tensor_ref(state[k]);
    }
    for (int k = 0; k < scans && carried + k < c->n_out && !rc; k++)
        rc = stacks[k].n ? stack_join(c, carried + k, &stacks[k], 0, false)
                         : empty_join(c, carried + k, g->outputs[1 + carried + k], 0);
    drop(state, carried);
    for (int k = 0; k < scans; k++)
        stack_finish(&stacks[k]);
    free(state);
    free(made);
    free(in);
    free(stacks);
    return rc;
}

/* ------------------------------------------------------------------------------------ Scan */

/* Entry i of an attribute that lists one number for each scan input or output. */
static int64_t listed(const ff_call *c, const char *name, int i)
{
    const int64_t *list;
    size_t n = ff_node_ints(c->node, name, &list);
    return (size_t)i < n ? list[i] : 0;
}

/* Slice `i` along `axis`, that axis dropped. */
static int slice_of(const ff_tensor *x, int axis, int64_t i, ff_tensor **out)
{
    int64_t dims[FF_MAX_RANK];
    int rank = 0;
    for (int k = 0; k < x->rank; k++)
        if (k != axis)
            dims[rank++] = x->dims[k];
    int rc = ff_tensor_create(x->dtype, rank, dims, out);
    if (rc)
        return rc;
    int64_t outer = ff_span(x->dims, 0, axis), inner = ff_span(x->dims, axis + 1, x->rank);
    for (int64_t o = 0; (*out)->count && o < outer; o++)
        ff_move(*out, o * inner, x, (o * x->dims[axis] + i) * inner, inner);
    return FF_OK;
}

/* One sequence: inputs in[0..n) are states then scan inputs; results go to out. */
static int scan_one(ff_call *c, const ff_graph *g, const ff_tensor *const *inputs, int n, int scans,
                    const char *directions, const char *axes_name, ff_tensor **state, stack *stacks)
{
    int states = n - scans, rc = FF_OK;
    int64_t length = -1, limit = c->env->iteration_limit ? c->env->iteration_limit : FF_KERNEL_ITERATION_LIMIT;
    int *axes = ff_alloc_array((size_t)scans + 1, sizeof *axes);
    ff_tensor **cut = ff_alloc_array((size_t)scans + 1, sizeof *cut);
    ff_tensor **made = ff_alloc_array((size_t)g->n_outputs + 1, sizeof *made);
    const ff_tensor **in = ff_alloc_array((size_t)n + 1, sizeof *in);
    for (int k = 0; k < states; k++)
        state[k] = ff_tensor_ref(inputs[k]);
    for (int k = 0; k < scans && !rc; k++) {
        const ff_tensor *x = inputs[states + k];
        if ((rc = ff_axis(axes_name ? listed(c, axes_name, k) : 0, x->rank, &axes[k])))
            break;
        if (length >= 0 && x->dims[axes[k]] != length)
            rc = ff_fail(FF_ERR_GRAPH, "scan inputs of %lld and %lld entries", (long long)length,
                         (long long)x->dims[axes[k]]);
        length = x->dims[axes[k]];
    }
    if (!rc && length > limit)
        rc = ff_fail(FF_ERR_GRAPH, "a scan over %lld entries", (long long)length);
    for (int64_t i = 0; i < length && !rc; i++) {
        if ((rc = ff_next_round(c)))
            break;
        for (int k = 0; k < states; k++)
            in[k] = state[k];
        for (int k = 0; k < scans && !rc; k++) {
            rc = slice_of(inputs[states + k], axes[k], listed(c, directions, k) ? length - 1 - i : i, &cut[k]);
            in[states + k] = cut[k];
        }
        if (!rc)
            rc = c->env->run_graph(c->env, g, in, n, made, g->n_outputs);
        drop(cut, scans);
        if (rc)
            break;
        for (int k = 0; k < states; k++) {
            ff_tensor_unref(state[k]);
            state[k] = made[k];
        }
        for (int k = states; k < g->n_outputs; k++) {
            int rc2 = stack_push(c, &stacks[k - states], made[k]);
            rc = rc ? rc : rc2;
        }
    }
    free(axes);
    free(cut);
    free(made);
    free(in);
    return rc;
}

/* Opset 8: input 0 holds sequence lengths, axis 0 of everything is the batch. */
static int scan_batches(ff_call *c, const ff_graph *g, int scans)
{
    int n = c->n_in - 1, states = n - scans, outputs = g->n_outputs, rc = FF_OK;
    if (ff_in(c, 0))
        return ff_fail(FF_ERR_UNSUPPORTED, "sequence_lens of opset 8");
    stack *joined = ff_alloc_array((size_t)outputs + 1, sizeof *joined);
    stack *stacks = ff_alloc_array((size_t)outputs + 1, sizeof *stacks);
    ff_tensor **state = ff_alloc_array((size_t)states + 1, sizeof *state);
    ff_tensor **part = ff_alloc_array((size_t)n + 1, sizeof *part);
    int64_t batch = c->in[1]->rank ? c->in[1]->dims[0] : 0;
    for (int k = 0; k < n && !rc; k++)
        if (c->in[1 + k]->rank < 1 || c->in[1 + k]->dims[0] != batch)
            rc = ff_fail(FF_ERR_GRAPH, "input %d has another batch", 1 + k);
    for (int64_t b = 0; b < batch && !rc; b++) {
        for (int k = 0; k < n && !rc; k++)
            rc = slice_of(c->in[1 + k], 0, b, &part[k]);
        if (!rc)
            rc = scan_one(c, g, (const ff_tensor *const *)part, n, scans, "directions", NULL, state, stacks);
        for (int k = 0; k < states && !rc; k++) {
            rc = stack_push(c, &joined[k], state[k]);
            state[k] = NULL;
        }
        for (int k = states; k < outputs && !rc; k++) {
            ff_tensor *whole = c->out[k];
            c->out[k] = NULL;
            rc = stack_join(c, k, &stacks[k - states], 0, false);
            if (!rc)
                rc = stack_push(c, &joined[k], c->out[k]);
            c->out[k] = whole;
        }
        for (int k = 0; k < outputs; k++) {
            stack_finish(&stacks[k]);
            stacks[k] = (stack){0};
        }
        drop(part, n);
    }
    for (int k = 0; k < outputs && !rc; k++)
        rc = stack_join(c, k, &joined[k], 0, false);
    drop(state, states);
    drop(part, n);
    for (int k = 0; k < outputs; k++) {
        stack_finish(&joined[k]);
        stack_finish(&stacks[k]);
    }
    free(joined);
    free(stacks);
    free(state);
    free(part);
    return rc;
}

int ff_k_scan(ff_call *c)
{
    const ff_graph *g = NULL;
    int64_t asked = ff_node_int(c->node, "num_scan_inputs", 0);
    int rc = body_of(c, "body", &g), first = c->node->opset < 9;
    if (rc)
        return rc;
    int n = c->n_in - first, scans = asked < 1 || asked > n ? 0 : (int)asked, states = n - scans;
    if (scans < 1 || g->n_inputs != n || c->n_out != g->n_outputs || g->n_outputs < states)
        return ff_fail(FF_ERR_GRAPH, "%lld scan inputs of %d, a body with %d inputs and %d outputs", (long long)asked,
                       n, g->n_inputs, g->n_outputs);
    for (int i = first; i < c->n_in; i++)
        if (!c->in[i])
            return ff_fail(FF_ERR_GRAPH, "input %d is missing", i);
    if (first)
        return scan_batches(c, g, scans);
    ff_tensor **state = ff_alloc_array((size_t)states + 1, sizeof *state);
    stack *stacks = ff_alloc_array((size_t)g->n_outputs + 1, sizeof *stacks);
    rc = scan_one(c, g, c->in, n, scans, "scan_input_directions", "scan_input_axes", state, stacks);
    for (int k = 0; k < states && !rc; k++)
        c->out[k] = ff_tensor_ref(state[k]);
    for (int k = 0; k + states < g->n_outputs && !rc; k++) {
        int64_t axis = listed(c, "scan_output_axes", k);
        rc = stacks[k].n ? stack_join(c, states + k, &stacks[k], axis, listed(c, "scan_output_directions", k))
                         : empty_join(c, states + k, g->outputs[states + k], axis);
    }
    drop(state, states);
    for (int k = 0; k < g->n_outputs; k++)
        stack_finish(&stacks[k]);
    free(state);
    free(stacks);
    return rc;
}
