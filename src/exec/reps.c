/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What there is of a value, in the form in which it is wanted. */
#include "exec/runner.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Runners come and go with the candidates that are tried, and touching fresh pages costs more than
 * many a run: arenas are handed on. */
#define SPARE_ARENAS 8
#define SPARE_LIMIT  (UINT64_C(256) << 20)
static pthread_mutex_t spare_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    void *data;
    size_t size;
} spares[SPARE_ARENAS];

void *arena_take(size_t *size)
{
    void *data = NULL;
    int best = -1;

    pthread_mutex_lock(&spare_lock);
    for (int i = 0; i < SPARE_ARENAS; i++)
        if (spares[i].data && spares[i].size >= *size && spares[i].size <= *size * 4 &&
            (best < 0 || spares[i].size < spares[best].size))
            best = i;
    if (best >= 0) {
        data = spares[best].data;
        *size = spares[best].size;
        spares[best].data = NULL;
    }
    pthread_mutex_unlock(&spare_lock);
    return data ? data : ff_try_alloc(*size);
}

void arena_give(void *data, size_t size)
{
    int at = -1;
    uint64_t total = 0;

    if (!data)
        return;
    pthread_mutex_lock(&spare_lock);
    for (int i = 0; i < SPARE_ARENAS; i++) {
        total += spares[i].data ? spares[i].size : 0;
        if (!spares[i].data)
            at = i;
    }
    if (at < 0 && size <= SPARE_LIMIT) { /* one makes way */
        at = 0;
        total -= spares[0].size;
        free(spares[0].data);
        spares[0].data = NULL;
    }
    if (at >= 0 && total + size <= SPARE_LIMIT) {
        spares[at].data = data;
        spares[at].size = size;
        data = NULL;
    }
    pthread_mutex_unlock(&spare_lock);
    free(data);
}

int runner_need_scratch(ff_runner *r, size_t bytes)
{
    if (bytes <= r->scratch_bytes)
        return FF_OK;
    void *grown = ff_try_alloc(bytes + 64);
    if (!grown)
        return FF_ERR_NOMEM;
    free(r->scratch);
    r->scratch = grown;
    r->scratch_bytes = bytes;
    return FF_OK;
}

static int reorder(ff_runner *r, const dnn_prim *p, const dnn_layout *from, const void *source, const dnn_layout *to,
                   void *target)
{
    dnnl_memory_t a = NULL, b = NULL, s = NULL;
    int code;

    if ((code = runner_need_scratch(r, p->scratch_bytes)) != FF_OK || (code = dnn_memory(from, &a)) != FF_OK ||
        (code = dnn_memory(to, &b)) != FF_OK || (code = dnn_memory(&p->scratch, &s)) != FF_OK)
        goto done;
    dnnl_memory_set_data_handle(a, (void *)source);
    dnnl_memory_set_data_handle(b, target);
    dnnl_memory_set_data_handle(s, r->scratch);
    dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, a}, {DNNL_ARG_TO, b}, {DNNL_ARG_SCRATCHPAD, s}};
    code = dnn_execute(p, r->stream, args, 3);
done:
    dnnl_memory_destroy(a);
    dnnl_memory_destroy(b);
    dnnl_memory_destroy(s);
    return code;
}

/* The reorder that was used here last, most often for the same layouts: making one takes longer than
 * running it. */
static int reorder_of(live_reorder *l, const dnn_layout *from, const dnn_layout *to)
{
    dnn_prim *prim;

    if (l->prim && dnn_layout_equal(&l->from, from))
        return FF_OK;
    int code = dnn_reorder_get(from, to, &prim);
    if (code != FF_OK)
        return code;
    if (l->prim)
        ff_cache_unref(&l->prim->item);
    l->prim = prim;
    l->from = *from;
    return FF_OK;
}

static int plain_of(const ff_plan *p, int value, dnn_layout *out)
{
    const ff_shape *s = &p->values[value].shape;

    return dnn_layout_plain(out, s->rank, s->dims);
}

/* Some bytes of the value, in whatever layout they are. */
static int any_source(ff_runner *r, int value, dnn_layout *layout, const void **data)
{
    const pvalue *x = &r->plan->values[value];
    live_value *v = &r->values[value];

    for (int i = 0; i < x->n_reps; i++)
        if (r->reps[value][i].valid) {
            *layout = x->reps[i].layout;
            *data = r->reps[value][i].data;
            return FF_OK;
        }
    if (v->kept && !v->kept->plain) {
        *layout = v->kept->layout;
        *data = v->kept->data;
        return FF_OK;
    }
    if (v->kept || v->tensor || x->constant) {
        *data = v->kept ? v->kept->data : v->tensor ? v->tensor->data : x->constant->data;
        return plain_of(r->plan, value, layout);
    }
    if (x->n_reps && x->reps[0].kind == REP_ALIAS) {
        int code = runner_rep(r, value, 0);
        *layout = x->reps[0].layout;
        *data = r->reps[value][0].data;
        return code;
    }
    return ff_fail(FF_ERR_INTERNAL, "value '%s' was not computed", x->value ? x->value->name : "");
}

int runner_tensor(ff_runner *r, int value, const ff_tensor **out)
{
    const pvalue *x = &r->plan->values[value];
    live_value *v = &r->values[value];
    dnn_layout from, plain;
    const void *data;
    int code;

    if (x->constant) {
        *out = x->constant;
        return FF_OK;
    }
    if (v->tensor) {
        *out = v->tensor;
        return FF_OK;
    }
    if (v->kept && v->kept->plain) { /* any type */
        code = ff_tensor_create_unset(x->shape.dtype, x->shape.rank, x->shape.dims, &v->tensor);
        if (code == FF_OK)
            memcpy(v->tensor->data, v->kept->data, v->kept->bytes);
        *out = v->tensor;
        return code;
    }
    if (!x->n_reps)
        return ff_fail(FF_ERR_INTERNAL, "value '%s' was not computed", x->value ? x->value->name : "");
    ff_tensor *t;
    if ((code = any_source(r, value, &from, &data)) != FF_OK || (code = plain_of(r->plan, value, &plain)) != FF_OK ||
        (code = ff_tensor_create_unset(FF_FLOAT, x->shape.rank, x->shape.dims, &t)) != FF_OK)
        return code;
    if (dnn_layout_equal(&from, &plain)) {
        memcpy(t->data, data, t->bytes);
    } else if ((code = reorder_of(&r->shows[value], &from, &plain)) == FF_OK) {
        code = reorder(r, r->shows[value].prim, &from, data, &plain, t->data);
    }
    if (code != FF_OK) {
        ff_tensor_unref(t);
        return code;
    }
    v->tensor = t;
    *out = t;
    return FF_OK;
}

static int room(ff_runner *r, int value, int at, void **out)
{
    const rep *y = &r->plan->values[value].reps[at];
    live_rep *l = &r->reps[value][at];

    if (y->kind == REP_BUFFER && y->placed) {
        *out = r->arena + y->offset;
        return FF_OK;
    }
    if (!l->spare)
        l->spare = ff_try_alloc(y->bytes);
    *out = l->spare;
    return l->spare ? FF_OK : FF_ERR_NOMEM;
}

int runner_set_data(ff_runner *r, int value, int at, void *data)
{
    live_rep *l = &r->reps[value][at];
    int code;

    if (!l->memory && (code = dnn_memory(&r->plan->values[value].reps[at].layout, &l->memory)) != FF_OK)
        return code;
    if (l->handle != data) {
        dnnl_memory_set_data_handle(l->memory, data);
        l->handle = data;
    }
    l->data = data;
    l->valid = true;
    return FF_OK;
}

int runner_rep(ff_runner *r, int value, int at)
{
    const pvalue *x = &r->plan->values[value];
    const rep *y = &x->reps[at];
    live_value *v = &r->values[value];
    live_rep *l = &r->reps[value][at];
    dnn_layout from;
    const void *data = NULL;
    void *to;
    int code;

    if (l->valid)
        return FF_OK;
    if (y->kind == REP_ALIAS && !v->injected && !v->kept && r->steps[x->step].chosen) {
        code = runner_rep(r, y->value, y->rep);
        return code == FF_OK ? runner_set_data(r, value, at, r->reps[y->value][y->rep].data) : code;
    }
    if ((code = any_source(r, value, &from, &data)) != FF_OK)
        return code;
    if (dnn_layout_equal(&from, &y->layout)) /* only read from now on: no copy */
        return runner_set_data(r, value, at, (void *)data);
    if ((code = room(r, value, at, &to)) != FF_OK)
        return code;
    if ((code = reorder_of(&l->reorder, &from, &y->layout)) != FF_OK ||
        (code = reorder(r, l->reorder.prim, &from, data, &y->layout, to)) != FF_OK)
        return code;
    return runner_set_data(r, value, at, to);
}
