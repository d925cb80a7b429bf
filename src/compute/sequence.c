/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sequence.c: lists of tensors (FF_SEQUENCE) and values that may be absent (FF_ABSENT). */
#include "kernel.h"

#include <stdlib.h>
#include <string.h>

static int need_sequence(const ff_call *c, const ff_tensor **s)
{
    *s = ff_in(c, 0);
    if (!*s || (*s)->dtype != FF_SEQUENCE)
        return ff_fail(FF_ERR_GRAPH, "input 0 is not a sequence");
    return FF_OK;
}

static ff_tensor **items(const ff_tensor *s)
{
    return s->data;
}

/* The position in input i: from -n to last; `otherwise` when it is left out. */
static int position(const ff_call *c, int i, int64_t n, int64_t last, int64_t otherwise, int64_t *out)
{
    const ff_tensor *t = ff_in(c, i);
    int64_t at = otherwise;
    int rc = t ? ff_scalar_int(t, "the position", &at) : FF_OK;
    if (rc)
        return rc;
    if (at < -n || at > last)
        return ff_fail(FF_ERR_GRAPH, "position %lld in a sequence of %lld", (long long)at, (long long)n);
    *out = at < 0 ? at + n : at;
    return FF_OK;
}

/* A loop may make a sequence longer and longer: what it holds is bounded like one tensor. */
static int check_total(const ff_call *c, const ff_tensor *s)
{
    uint64_t bytes = 0;
    for (int64_t i = 0; i < s->count; i++)
        bytes += items(s)[i]->bytes + sizeof(ff_tensor);
    return bytes > INT64_MAX ? ff_check_size(c, -1, 1) : ff_check_size(c, (int64_t)bytes, 1);
}

int ff_k_sequence_empty(ff_call *c)
{
    ff_tensor *s;
    return ff_out(c, 0, FF_SEQUENCE, 1, &(int64_t){0}, &s);
}

int ff_k_sequence_construct(ff_call *c)
{
    ff_tensor *s;
    const ff_tensor *t;
    int rc = ff_out(c, 0, FF_SEQUENCE, 1, &(int64_t){c->n_in}, &s);
    for (int i = 0; i < c->n_in && !rc; i++)
        if (!(rc = ff_need(c, i, 0, -1, &t)))
            items(s)[i] = ff_tensor_ref(t);
    return rc;
}

int ff_k_sequence_insert(ff_call *c)
{
    const ff_tensor *s, *t;
    ff_tensor *y;
    int64_t at = 0;
    int rc = need_sequence(c, &s);
    if (rc || (rc = ff_need(c, 1, 0, -1, &t)) || (rc = position(c, 2, s->count, s->count, s->count, &at)) ||
        (rc = ff_out(c, 0, FF_SEQUENCE, 1, &(int64_t){s->count + 1}, &y)))
        return rc;
    for (int64_t i = 0; i < y->count; i++)
        items(y)[i] = ff_tensor_ref(i == at ? t : items(s)[i < at ? i : i - 1]);
    return check_total(c, y);
}

int ff_k_sequence_erase(ff_call *c)
{
    const ff_tensor *s;
    ff_tensor *y;
    int64_t at = 0;
    int rc = need_sequence(c, &s);
    if (rc || (rc = position(c, 1, s->count, s->count - 1, -1, &at)) ||
        (rc = ff_out(c, 0, FF_SEQUENCE, 1, &(int64_t){s->count - 1}, &y)))
        return rc;
    for (int64_t i = 0; i < y->count; i++)
        items(y)[i] = ff_tensor_ref(items(s)[i < at ? i : i + 1]);
    return FF_OK;
}

int ff_k_sequence_at(ff_call *c)
{
    const ff_tensor *s;
    int64_t at = 0;
    int rc = need_sequence(c, &s);
    if (rc || (rc = position(c, 1, s->count, s->count - 1, 0, &at)))
        return rc;
    return ff_pass(c, 0, items(s)[at]);
}

int ff_k_sequence_length(ff_call *c)
{
    const ff_tensor *s;
    ff_tensor *y;
    int rc = need_sequence(c, &s);
    if (!rc && !(rc = ff_out(c, 0, FF_INT64, 0, NULL, &y)))
        *(int64_t *)y->data = s->count;
    return rc;
}

/* Every input that is a sequence gives one item a round, the others go in whole. */
int ff_k_sequence_map(ff_call *c)
{
    const ff_tensor *s;
    const ff_attr *a = ff_node_attr(c->node, "body");
    int rc = need_sequence(c, &s);
    if (rc)
        return rc;
    if (!a || a->type != FF_ATTR_GRAPH || !a->g || !c->env->run_graph)
        return ff_fail(FF_ERR_GRAPH, "attribute 'body' is not a graph that can be run");
    if (a->g->n_inputs != c->n_in || a->g->n_outputs != c->n_out)
        return ff_fail(FF_ERR_GRAPH, "the body takes %d inputs and makes %d outputs", a->g->n_inputs, a->g->n_outputs);
    for (int i = 0; i < c->n_in; i++)
        if (!c->in[i] || (c->in[i]->dtype == FF_SEQUENCE && c->in[i]->count != s->count))
            return ff_fail(FF_ERR_GRAPH, "input %d does not have %lld items", i, (long long)s->count);
    const ff_tensor **in = ff_alloc_array((size_t)c->n_in + 1, sizeof *in);
    ff_tensor **made = ff_alloc_array((size_t)c->n_out + 1, sizeof *made), *y;
    for (int k = 0; k < c->n_out && !rc; k++)
        rc = ff_out(c, k, FF_SEQUENCE, 1, &s->count, &y);
    for (int64_t i = 0; i < s->count && !rc; i++) {
        for (int k = 0; k < c->n_in; k++)
            in[k] = c->in[k]->dtype == FF_SEQUENCE ? items(c->in[k])[i] : c->in[k];
        if ((rc = ff_next_round(c)) || (rc = c->env->run_graph(c->env, a->g, in, c->n_in, made, c->n_out)))
            break;
        for (int k = 0; k < c->n_out; k++) {
            items(c->out[k])[i] = made[k];
            if (made[k]->dtype == FF_SEQUENCE || made[k]->dtype == FF_ABSENT)
                rc = ff_fail(FF_ERR_GRAPH, "the body makes a value that is not a tensor");
        }
    }
    free(in);
    free(made);
    return rc;
}

/* Concat of the items, along an axis of their own when new_axis is 1. */
int ff_k_concat_from_sequence(ff_call *c)
{
    const ff_tensor *s;
    int rc = need_sequence(c, &s);
    if (rc)
        return rc;
    if (!s->count || s->count > INT32_MAX)
        return ff_fail(FF_ERR_GRAPH, "a sequence of %lld items", (long long)s->count);
    bool fresh = ff_node_int(c->node, "new_axis", 0);
    ff_tensor **parts = ff_alloc_array((size_t)s->count, sizeof *parts);
    for (int64_t i = 0; i < s->count && !rc; i++) {
        const ff_tensor *t = items(s)[i];
        int64_t dims[FF_MAX_RANK];
        int axis;
        if (!fresh || t->dtype == FF_SEQUENCE) {
            parts[i] = ff_tensor_ref(t);
        } else if (t->rank == FF_MAX_RANK) {
            rc = ff_fail(FF_ERR_GRAPH, "the output would have rank %d", t->rank + 1);
        } else if (!(rc = ff_axis(ff_node_int(c->node, "axis", 0), t->rank + 1, &axis))) {
            for (int k = 0; k <= t->rank; k++)
                dims[k] = k == axis ? 1 : t->dims[k < axis ? k : k - 1];
            rc = ff_tensor_reshape(t, t->rank + 1, dims, &parts[i]);
        }
    }
    if (!rc) {
        ff_call concat = *c;
        concat.in = (const ff_tensor *const *)parts;
        concat.n_in = (int)s->count;
        rc = ff_k_concat(&concat);
    }
    for (int64_t i = 0; i < s->count; i++)
        ff_tensor_unref(parts[i]);
    free(parts);
    return rc;
}

/* Pieces of one length (a number; the last may be shorter), of given lengths (a list), or of length
 * 1, whose axis is dropped when keepdims is 0. */
int ff_k_split_to_sequence(ff_call *c)
{
    const ff_tensor *x, *split = ff_in(c, 1);
    ff_tensor *s;
    int64_t dims[FF_MAX_RANK], one = 1, pieces, start = 0;
    int axis, rc = ff_need(c, 0, 1, -1, &x);
    if (rc || (rc = ff_axis(ff_node_int(c->node, "axis", 0), x->rank, &axis)))
        return rc;
    int64_t length = x->dims[axis];
    bool drop = !split && !ff_node_int(c->node, "keepdims", 1), list = split && split->rank == 1;
    if (split && (!ff_is_integer(split->dtype) || split->rank > 1))
        return ff_fail(FF_ERR_GRAPH, "split is not a number or a list");
    if (split && !list)
        one = ff_tensor_get_int(split, 0);
    if (one < 1)
        return ff_fail(FF_ERR_GRAPH, "pieces of length %lld", (long long)one);
    pieces = list ? split->count : length / one + (length % one != 0);
    if ((rc = ff_check_size(c, pieces, sizeof(ff_tensor) + sizeof(void *))) ||
        (rc = ff_out(c, 0, FF_SEQUENCE, 1, &pieces, &s)))
        return rc;
    for (int64_t i = 0; i < pieces; i++) {
        int64_t n = list ? ff_tensor_get_int(split, i) : length - start < one ? length - start : one;
        if (n < 0 || n > length - start)
            return ff_fail(FF_ERR_GRAPH, "the pieces do not sum to %lld", (long long)length);
        int rank = 0;
        for (int k = 0; k < x->rank; k++)
            if (!drop || k != axis)
                dims[rank++] = k == axis ? n : x->dims[k];
        if ((rc = ff_tensor_create(x->dtype, rank, dims, &items(s)[i])))
            return rc;
        int64_t outer = ff_span(x->dims, 0, axis), inner = ff_span(x->dims, axis + 1, x->rank);
        for (int64_t o = 0; items(s)[i]->count && o < outer; o++)
            ff_move(items(s)[i], o * n * inner, x, (o * length + start) * inner, n * inner);
        start += n;
    }
    return start == length ? FF_OK : ff_fail(FF_ERR_GRAPH, "the pieces do not sum to %lld", (long long)length);
}

/* ------------------------------------------------------------------------- optional values */

int ff_k_optional(ff_call *c)
{
    ff_tensor *y;
    return ff_in(c, 0) ? ff_pass(c, 0, c->in[0]) : ff_out(c, 0, FF_ABSENT, 1, &(int64_t){0}, &y);
}

int ff_k_optional_has_element(ff_call *c)
{
    const ff_tensor *x = ff_in(c, 0);
    ff_tensor *y;
    int rc = ff_out(c, 0, FF_BOOL, 0, NULL, &y);
    if (!rc)
        *(uint8_t *)y->data = x && x->dtype != FF_ABSENT;
    return rc;
}

int ff_k_optional_get_element(ff_call *c)
{
    const ff_tensor *x = ff_in(c, 0);
    if (!x || x->dtype == FF_ABSENT)
        return ff_fail(FF_ERR_GRAPH, "the optional value is absent");
    return ff_pass(c, 0, x);
}
