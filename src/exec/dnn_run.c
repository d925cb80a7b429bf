/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Engine, memory and execution; packed weights. */
#include "exec/dnn_private.h"

#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static dnnl_engine_t engine;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void start(void)
{
    if (dnnl_engine_create(&engine, dnnl_cpu, 0) != dnnl_success)
        engine = NULL;
}

dnnl_engine_t dnn_engine(void)
{
    pthread_once(&once, start);
    return engine;
}

void dnn_enter_thread(void)
{
    omp_set_num_threads(1);
}

int dnn_failed(dnnl_status_t status, const char *what)
{
    if (status == dnnl_out_of_memory)
        return ff_fail(FF_ERR_NOMEM, "out of memory in oneDNN (%s)", what);
    return ff_fail(FF_ERR_INTERNAL, "oneDNN refuses the %s (status %d)", what, (int)status);
}

int dnn_memory(const dnn_layout *l, dnnl_memory_t *out)
{
    dnnl_status_t s = dnnl_memory_create(out, l, dnn_engine(), DNNL_MEMORY_NONE);

    return s == dnnl_success ? FF_OK : dnn_failed(s, "memory object");
}

int dnn_execute(const dnn_prim *p, dnnl_stream_t stream, const dnnl_exec_arg_t *args, int n)
{
    dnnl_status_t s = dnnl_primitive_execute(p->primitive, stream, n, args);

    return s == dnnl_success ? FF_OK : dnn_failed(s, "execution");
}

struct pack_context {
    const dnn_conv *conv;
    const dnn_prim *prim;
    const float *(*data)(void *);
    void *context;
};

static void packed_destroy(ff_item *item)
{
    free(((dnn_packed *)item)->data);
    free(item);
}

static int pack_make(void *context, ff_item **out)
{
    const struct pack_context *x = context;
    dnn_layout plain;
    int64_t dims[6];
    dnn_prim *reorder = NULL;
    dnnl_memory_t from = NULL, to = NULL, scratch = NULL;
    dnnl_stream_t stream = NULL;
    void *pad = NULL;
    int code;

    const float *data = x->data(x->context);
    if (!data)
        return FF_ERR_NOMEM;
    dnn_packed *k = ff_alloc(sizeof *k);
    k->item.destroy = packed_destroy;
    k->layout = x->prim->weights;
    int rank = dnn_weight_dims(x->conv, dims);
    if ((code = dnn_layout_plain(&plain, rank, dims)) != FF_OK)
        goto failed;
    k->data = ff_try_alloc(dnn_layout_bytes(&k->layout));
    if (!k->data) {
        code = FF_ERR_NOMEM;
        goto failed;
    }
    if ((code = dnn_reorder_get(&plain, &k->layout, &reorder)) != FF_OK ||
        (code = dnn_memory(&plain, &from)) != FF_OK || (code = dnn_memory(&k->layout, &to)) != FF_OK ||
        (code = dnn_memory(&reorder->scratch, &scratch)) != FF_OK)
        goto failed;
    pad = ff_try_alloc(reorder->scratch_bytes ? reorder->scratch_bytes : 64);
    if (!pad || dnnl_stream_create(&stream, dnn_engine(), dnnl_stream_default_flags) != dnnl_success) {
        code = ff_fail(FF_ERR_NOMEM, "out of memory for packed weights");
        goto failed;
    }
    dnnl_memory_set_data_handle(from, (void *)data);
    dnnl_memory_set_data_handle(to, k->data);
    dnnl_memory_set_data_handle(scratch, pad);
    dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}, {DNNL_ARG_SCRATCHPAD, scratch}};
    if ((code = dnn_execute(reorder, stream, args, 3)) != FF_OK)
        goto failed;
    dnnl_stream_wait(stream);
    *out = &k->item;
    k = NULL;
failed:
    if (stream)
        dnnl_stream_destroy(stream);
    dnnl_memory_destroy(from);
    dnnl_memory_destroy(to);
    dnnl_memory_destroy(scratch);
    free(pad);
    if (reorder)
        ff_cache_unref(&reorder->item);
    if (k)
        packed_destroy(&k->item);
    return code;
}

int dnn_pack_weights(const dnn_conv *c, const dnn_prim *p, const ff_key *key, const float *(*data)(void *),
                     void *context, dnn_packed **out)
{
    struct pack_context x = {c, p, data, context};
    ff_hasher h;

    dnn_begin_key(&h, "packed");
    ff_hasher_add(&h, key, sizeof *key);
    ff_hasher_add_u64(&h, (uint64_t)c->group);
    dnn_hash_layout(&h, &p->weights);
    ff_key k = ff_hasher_done(&h);
    return ff_cache_get(&k, pack_make, &x, (ff_item **)out);
}
