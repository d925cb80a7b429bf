/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "exec/dnn.h"

#include <math.h>
#include <omp.h>
#include <pthread.h>
#include <stdio.h>
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

static int failed(dnnl_status_t status, const char *what)
{
    if (status == dnnl_out_of_memory)
        return ff_fail(FF_ERR_NOMEM, "out of memory in oneDNN (%s)", what);
    return ff_fail(FF_ERR_INTERNAL, "oneDNN refuses a %s (status %d)", what, (int)status);
}

/* ----------------------------------------------------------------------------------- layouts */

static const dnnl_format_tag_t plain_tags[] = {
    dnnl_format_tag_undef, dnnl_a,        dnnl_ab,        dnnl_abc,        dnnl_abcd,
    dnnl_abcde,            dnnl_abcdef,   dnnl_abcdefg,   dnnl_abcdefgh,   dnnl_abcdefghi,
    dnnl_abcdefghij,       dnnl_abcdefghijk, dnnl_abcdefghijkl,
};

static void copy_dims(dnnl_dims_t out, int rank, const int64_t *dims)
{
    memset(out, 0, sizeof(dnnl_dims_t));
    for (int i = 0; i < rank; i++)
        out[i] = dims[i];
}

static int tagged(ff_layout *out, int rank, const int64_t *dims, dnnl_format_tag_t tag)
{
    dnnl_dims_t d;

    memset(out, 0, sizeof *out);
    copy_dims(d, rank, dims);
    dnnl_status_t s = dnnl_memory_desc_init_by_tag(out, rank, d, dnnl_f32, tag);
    return s == dnnl_success ? FF_OK : failed(s, "layout");
}

int dnn_layout_plain(ff_layout *out, int rank, const int64_t *dims)
{
    return tagged(out, rank, dims, plain_tags[rank]);
}

int dnn_layout_permute(ff_layout *out, const ff_layout *in, const int *perm)
{
    int to[DNNL_MAX_NDIMS] = {0};

    /* oneDNN says where an axis goes, ONNX where it comes from. */
    for (int i = 0; i < in->ndims; i++)
        to[perm[i]] = i;
    memset(out, 0, sizeof *out);
    dnnl_status_t s = dnnl_memory_desc_permute_axes(out, in, to);
    return s == dnnl_success ? FF_OK : failed(s, "permutation");
}

bool dnn_layout_reshape(ff_layout *out, const ff_layout *in, int rank, const int64_t *dims)
{
    dnnl_dims_t d;
    ff_layout l;

    memset(&l, 0, sizeof l);
    copy_dims(d, rank, dims);
    if (dnnl_memory_desc_reshape(&l, in, rank, d) != dnnl_success)
        return false;
    *out = l;
    return true;
}

bool dnn_layout_region(ff_layout *out, const ff_layout *in, const int64_t *dims,
                       const int64_t *offsets)
{
    dnnl_dims_t d, o;
    ff_layout l;

    memset(&l, 0, sizeof l);
    copy_dims(d, in->ndims, dims);
    copy_dims(o, in->ndims, offsets);
    if (dnnl_memory_desc_init_submemory(&l, in, d, o) != dnnl_success)
        return false;
    *out = l;
    return true;
}

bool dnn_layout_equal(const ff_layout *a, const ff_layout *b)
{
    return dnnl_memory_desc_equal(a, b) != 0;
}

size_t dnn_layout_bytes(const ff_layout *l)
{
    return dnnl_memory_desc_get_size(l);
}

bool dnn_layout_dense(const ff_layout *l)
{
    size_t n = sizeof(float);

    for (int i = 0; i < l->ndims; i++)
        n *= (size_t)l->dims[i];
    return n == dnn_layout_bytes(l);
}

static void add_layout(ff_hasher *h, const ff_layout *l)
{
    ff_hasher_add_u64(h, (uint64_t)l->ndims);
    for (int i = 0; i < l->ndims; i++) {
        ff_hasher_add_u64(h, (uint64_t)l->dims[i]);
        ff_hasher_add_u64(h, (uint64_t)l->padded_dims[i]);
        ff_hasher_add_u64(h, (uint64_t)l->padded_offsets[i]);
        ff_hasher_add_u64(h, (uint64_t)l->format_desc.blocking.strides[i]);
    }
    ff_hasher_add_u64(h, (uint64_t)l->offset0);
    const dnnl_blocking_desc_t *b = &l->format_desc.blocking;
    ff_hasher_add_u64(h, (uint64_t)l->format_kind);
    ff_hasher_add_u64(h, (uint64_t)b->inner_nblks);
    for (int i = 0; i < b->inner_nblks; i++) {
        ff_hasher_add_u64(h, (uint64_t)b->inner_blks[i]);
        ff_hasher_add_u64(h, (uint64_t)b->inner_idxs[i]);
    }
}

/* -------------------------------------------------------------------------------- primitives */

static void prim_destroy(ff_item *item)
{
    dnn_prim *p = (dnn_prim *)item;

    dnnl_primitive_destroy(p->primitive);
    free(p);
}

static dnnl_primitive_attr_t make_attr(void)
{
    dnnl_primitive_attr_t attr = NULL;

    if (dnnl_primitive_attr_create(&attr) != dnnl_success)
        return NULL;
    dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
    return attr;
}

static void copy_query(ff_layout *out, const_dnnl_primitive_desc_t pd, dnnl_query_t what)
{
    const ff_layout *l = dnnl_primitive_desc_query_md(pd, what, 0);

    memset(out, 0, sizeof *out);
    if (l)
        *out = *l;
}

/* Takes pd over. */
static int make_primitive(dnnl_primitive_desc_t pd, const char *what, ff_item **out)
{
    dnn_prim *p = ff_alloc(sizeof *p);
    const char *impl = NULL;

    p->item.destroy = prim_destroy;
    copy_query(&p->src, pd, dnnl_query_src_md);
    copy_query(&p->weights, pd, dnnl_query_weights_md);
    const ff_layout *bias = dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 1);
    if (bias)
        p->bias = *bias;
    copy_query(&p->dst, pd, dnnl_query_dst_md);
    copy_query(&p->scratch, pd, dnnl_query_scratchpad_md);
    p->scratch_bytes = dnnl_memory_desc_get_size(&p->scratch);
    if (dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, (void *)&impl) == dnnl_success &&
        impl)
        snprintf(p->impl, sizeof p->impl, "%s", impl);
    dnnl_status_t s = dnnl_primitive_create(&p->primitive, pd);
    dnnl_primitive_desc_destroy(pd);
    if (s != dnnl_success) {
        free(p);
        return failed(s, what);
    }
    *out = &p->item;
    return FF_OK;
}

/* From an operation descriptor; destroys attr. */
static int make_from(const_dnnl_op_desc_t op, dnnl_primitive_attr_t attr, const char *what,
                     ff_item **out)
{
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s = dnnl_primitive_desc_create(&pd, op, attr, dnn_engine(), NULL);

    dnnl_primitive_attr_destroy(attr);
    if (s != dnnl_success)
        return failed(s, what);
    return make_primitive(pd, what, out);
}

static bool is_relu(float low, float high)
{
    return low == 0 && isinf(high);
}

static dnnl_alg_kind_t clip_alg(float low, float high)
{
    return is_relu(low, high) ? dnnl_eltwise_relu : dnnl_eltwise_clip;
}

static void begin_key(ff_hasher *h, const char *what)
{
    ff_hasher_init(h);
    ff_hasher_add_str(h, what);
}

static int any_layout(ff_layout *out, int rank, const int64_t *dims)
{
    return tagged(out, rank, dims, dnnl_format_tag_any);
}

/* ONNX's weights with the group as an axis of its own. */
static int weight_dims(const dnn_conv *c, int64_t dims[6])
{
    if (c->group == 1) {
        memcpy(dims, c->weights, (size_t)c->rank * sizeof *dims);
        return c->rank;
    }
    dims[0] = c->group;
    dims[1] = c->weights[0] / c->group;
    memcpy(dims + 2, c->weights + 1, (size_t)(c->rank - 1) * sizeof *dims);
    return c->rank + 1;
}

static int conv_make(void *context, ff_item **out)
{
    const dnn_conv *c = context;
    ff_layout src, weights, bias, dst;
    int64_t wdims[6];
    int code;

    int wrank = weight_dims(c, wdims);
    if ((code = any_layout(&src, c->rank, c->src)) != FF_OK ||
        (code = any_layout(&weights, wrank, wdims)) != FF_OK ||
        (code = any_layout(&bias, 1, &c->weights[0])) != FF_OK ||
        (code = any_layout(&dst, c->rank, c->dst)) != FF_OK)
        return code;
    dnnl_primitive_attr_t attr = make_attr();
    if (c->sum || c->clip) {
        dnnl_post_ops_t ops = NULL;
        dnnl_post_ops_create(&ops);
        if (c->sum)
            dnnl_post_ops_append_sum(ops, 1.0f);
        if (c->clip)
            dnnl_post_ops_append_eltwise(ops, 1.0f, clip_alg(c->low, c->high),
                                         is_relu(c->low, c->high) ? 0 : c->low,
                                         is_relu(c->low, c->high) ? 0 : c->high);
        dnnl_primitive_attr_set_post_ops(attr, ops);
        dnnl_post_ops_destroy(ops);
    }
    dnnl_dims_t strides, dilates, begin, end;
    int64_t d[3];
    for (int i = 0; i < c->rank - 2; i++)
        d[i] = c->dilations[i] - 1;
    copy_dims(strides, c->rank - 2, c->strides);
    copy_dims(dilates, c->rank - 2, d);
    copy_dims(begin, c->rank - 2, c->pads_begin);
    copy_dims(end, c->rank - 2, c->pads_end);
    dnnl_convolution_desc_t op;
    dnnl_status_t s = dnnl_dilated_convolution_forward_desc_init(
        &op, dnnl_forward_inference, dnnl_convolution_direct, &src, &weights,
        c->bias ? &bias : NULL, &dst, strides, dilates, begin, end);
    if (s != dnnl_success) {
        dnnl_primitive_attr_destroy(attr);
        return failed(s, "convolution");
    }
    return make_from(&op, attr, "convolution", out);
}

int dnn_conv_get(const dnn_conv *c, dnn_prim **out)
{
    ff_hasher h;

    begin_key(&h, "conv");
    ff_hasher_add(&h, c, sizeof *c);
    ff_key key = ff_hasher_done(&h);
    return ff_cache_get(&key, conv_make, (void *)c, (ff_item **)out);
}

struct pool_context {
    const dnn_pool *pool;
    const ff_layout *src;
};

static int pool_make(void *context, ff_item **out)
{
    const struct pool_context *x = context;
    const dnn_pool *p = x->pool;
    static const dnnl_alg_kind_t algs[] = {dnnl_pooling_max, dnnl_pooling_avg_exclude_padding,
                                           dnnl_pooling_avg_include_padding};
    ff_layout dst;
    dnnl_dims_t strides, kernel, begin, end;
    int n = (int)p->rank - 2, code = any_layout(&dst, (int)p->rank, p->dst);

    if (code != FF_OK)
        return code;
    copy_dims(strides, n, p->strides);
    copy_dims(kernel, n, p->kernel);
    copy_dims(begin, n, p->pads_begin);
    copy_dims(end, n, p->pads_end);
    dnnl_pooling_desc_t op;
    dnnl_status_t s =
        dnnl_pooling_forward_desc_init(&op, dnnl_forward_inference, algs[p->kind], x->src, &dst,
                                       strides, kernel, begin, end);
    if (s != dnnl_success)
        return failed(s, "pooling");
    return make_from(&op, make_attr(), "pooling", out);
}

int dnn_pool_get(const dnn_pool *p, const ff_layout *src, dnn_prim **out)
{
    struct pool_context x = {p, src};
    ff_hasher h;

    begin_key(&h, "pool");
    ff_hasher_add(&h, p, sizeof *p);
    add_layout(&h, src);
    ff_key key = ff_hasher_done(&h);
    return ff_cache_get(&key, pool_make, &x, (ff_item **)out);
}

struct layouts_context {
    const ff_layout *a, *b;
    float alpha, beta;
    dnnl_alg_kind_t alg;
    int n, axis;
};

static int eltwise_make(void *context, ff_item **out)
{
    const struct layouts_context *x = context;
    dnnl_eltwise_desc_t op;
    dnnl_status_t s = dnnl_eltwise_forward_desc_init(&op, dnnl_forward_inference, x->alg, x->a,
                                                     x->alpha, x->beta);

    if (s != dnnl_success)
        return failed(s, "elementwise operation");
    return make_from(&op, make_attr(), "elementwise operation", out);
}

int dnn_eltwise_get(dnnl_alg_kind_t alg, const ff_layout *src, float alpha, float beta,
                    dnn_prim **out)
{
    struct layouts_context x = {.a = src, .alpha = alpha, .beta = beta, .alg = alg};
    ff_hasher h;

    begin_key(&h, "eltwise");
    ff_hasher_add_u64(&h, (uint64_t)alg);
    ff_hasher_add(&h, &alpha, sizeof alpha);
    ff_hasher_add(&h, &beta, sizeof beta);
    add_layout(&h, src);
    ff_key key = ff_hasher_done(&h);
    return ff_cache_get(&key, eltwise_make, &x, (ff_item **)out);
}

int dnn_clip_get(const ff_layout *src, float low, float high, dnn_prim **out)
{
    bool relu = is_relu(low, high);

    return dnn_eltwise_get(clip_alg(low, high), src, relu ? 0 : low, relu ? 0 : high, out);
}

static int binary_make(void *context, ff_item **out)
{
    const struct layouts_context *x = context;
    dnnl_binary_desc_t op;
    dnnl_status_t s = dnnl_binary_desc_init(&op, x->alg, x->a, x->b, x->a);

    if (s != dnnl_success)
        return failed(s, "binary operation");
    return make_from(&op, make_attr(), "binary operation", out);
}

int dnn_binary_get(dnnl_alg_kind_t alg, const ff_layout *a, const ff_layout *b, dnn_prim **out)
{
    struct layouts_context x = {.a = a, .b = b, .alg = alg};
    ff_hasher h;

    begin_key(&h, "binary");
    ff_hasher_add_u64(&h, (uint64_t)alg);
    add_layout(&h, a);
    add_layout(&h, b);
    ff_key key = ff_hasher_done(&h);
    return ff_cache_get(&key, binary_make, &x, (ff_item **)out);
}

static int concat_make(void *context, ff_item **out)
{
    const struct layouts_context *x = context;
    dnnl_primitive_attr_t attr = make_attr();
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s =
        dnnl_concat_primitive_desc_create(&pd, NULL, x->n, x->axis, x->a, attr, dnn_engine());

    dnnl_primitive_attr_destroy(attr);
    if (s != dnnl_success)
        return failed(s, "concatenation");
    return make_primitive(pd, "concatenation", out);
}

int dnn_concat_get(const ff_layout *parts, int n, int axis, dnn_prim **out)
{
    struct layouts_context x = {.a = parts, .n = n, .axis = axis};
    ff_hasher h;

    begin_key(&h, "concat");
    ff_hasher_add_u64(&h, (uint64_t)axis);
    for (int i = 0; i < n; i++)
        add_layout(&h, &parts[i]);
    ff_key key = ff_hasher_done(&h);
    return ff_cache_get(&key, concat_make, &x, (ff_item **)out);
}

static int reorder_make(void *context, ff_item **out)
{
    const struct layouts_context *x = context;
    dnnl_primitive_attr_t attr = make_attr();
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s = dnnl_reorder_primitive_desc_create(&pd, x->a, dnn_engine(), x->b,
                                                         dnn_engine(), attr);

    dnnl_primitive_attr_destroy(attr);
    if (s != dnnl_success)
        return failed(s, "reorder");
    return make_primitive(pd, "reorder", out);
}

int dnn_reorder_get(const ff_layout *from, const ff_layout *to, dnn_prim **out)
{
    struct layouts_context x = {.a = from, .b = to};
    ff_hasher h;

    begin_key(&h, "reorder");
    add_layout(&h, from);
    add_layout(&h, to);
    ff_key key = ff_hasher_done(&h);
    return ff_cache_get(&key, reorder_make, &x, (ff_item **)out);
}

/* --------------------------------------------------------------------------------- execution */

int dnn_memory(const ff_layout *l, dnnl_memory_t *out)
{
    dnnl_status_t s = dnnl_memory_create(out, l, dnn_engine(), DNNL_MEMORY_NONE);

    return s == dnnl_success ? FF_OK : failed(s, "memory object");
}

int dnn_execute(const dnn_prim *p, dnnl_stream_t stream, const dnnl_exec_arg_t *args, int n)
{
    dnnl_status_t s = dnnl_primitive_execute(p->primitive, stream, n, args);

    return s == dnnl_success ? FF_OK : failed(s, "execution");
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
    ff_layout plain;
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
    int rank = weight_dims(x->conv, dims);
    if ((code = dnn_layout_plain(&plain, rank, dims)) != FF_OK)
        goto failed;
    k->data = ff_try_alloc(dnn_layout_bytes(&k->layout));
    if (!k->data) {
        code = FF_ERR_NOMEM;
        goto failed;
    }
    if ((code = dnn_reorder_get(&plain, &k->layout, &reorder)) != FF_OK ||
        (code = dnn_memory(&plain, &from)) != FF_OK ||
        (code = dnn_memory(&k->layout, &to)) != FF_OK ||
        (code = dnn_memory(&reorder->scratch, &scratch)) != FF_OK)
        goto failed;
    pad = ff_try_alloc(reorder->scratch_bytes ? reorder->scratch_bytes : 64);
    if (!pad || dnnl_stream_create(&stream, dnn_engine(), dnnl_stream_default_flags) !=
                    dnnl_success) {
        code = ff_fail(FF_ERR_NOMEM, "out of memory for packed weights");
        goto failed;
    }
    dnnl_memory_set_data_handle(from, (void *)data);
    dnnl_memory_set_data_handle(to, k->data);
    dnnl_memory_set_data_handle(scratch, pad);
    dnnl_exec_arg_t args[] = {
        {DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}, {DNNL_ARG_SCRATCHPAD, scratch}};
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

int dnn_pack_weights(const dnn_conv *c, const dnn_prim *p, const ff_key *key,
                     const float *(*data)(void *), void *context, dnn_packed **out)
{
    struct pack_context x = {c, p, data, context};
    ff_hasher h;

    begin_key(&h, "packed");
    ff_hasher_add(&h, key, sizeof *key);
    ff_hasher_add_u64(&h, (uint64_t)c->group);
    add_layout(&h, &p->weights);
    ff_key k = ff_hasher_done(&h);
    return ff_cache_get(&k, pack_make, &x, (ff_item **)out);
}
