/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Primitives, made once for all who compute the same. */
#include "exec/dnn_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void copy_query(dnn_layout *out, const_dnnl_primitive_desc_t pd, dnnl_query_t what)
{
    const dnn_layout *l = dnnl_primitive_desc_query_md(pd, what, 0);

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
    const dnn_layout *bias = dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 1);
    if (bias)
        p->bias = *bias;
    copy_query(&p->dst, pd, dnnl_query_dst_md);
    copy_query(&p->scratch, pd, dnnl_query_scratchpad_md);
    p->scratch_bytes = dnnl_memory_desc_get_size(&p->scratch);
    if (dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, (void *)&impl) == dnnl_success && impl)
        snprintf(p->impl, sizeof p->impl, "%s", impl);
    dnnl_status_t s = dnnl_primitive_create(&p->primitive, pd);
    dnnl_primitive_desc_destroy(pd);
    if (s != dnnl_success) {
        free(p);
        return dnn_failed(s, what);
    }
    *out = &p->item;
    return FF_OK;
}

/* From an operation descriptor; destroys attr. */
static int make_from(const_dnnl_op_desc_t op, dnnl_primitive_attr_t attr, const char *what, ff_item **out)
{
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s = dnnl_primitive_desc_create(&pd, op, attr, dnn_engine(), NULL);

    dnnl_primitive_attr_destroy(attr);
    if (s != dnnl_success)
        return dnn_failed(s, what);
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

void dnn_begin_key(ff_hasher *h, const char *what)
{
    ff_hasher_init(h);
    ff_hasher_add_str(h, what);
}

static int any_layout(dnn_layout *out, int rank, const int64_t *dims)
{
    return dnn_layout_tagged(out, rank, dims, dnnl_format_tag_any);
}

int dnn_weight_dims(const dnn_conv *c, int64_t dims[6])
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
    dnn_layout src, weights, bias, dst;
    int64_t wdims[6];
    int code;

    int wrank = dnn_weight_dims(c, wdims);
    if ((code = any_layout(&src, c->rank, c->src)) != FF_OK || (code = any_layout(&weights, wrank, wdims)) != FF_OK ||
        (code = any_layout(&bias, 1, &c->weights[0])) != FF_OK || (code = any_layout(&dst, c->rank, c->dst)) != FF_OK)
        return code;
    dnnl_primitive_attr_t attr = make_attr();
    if (c->sum || c->clip) {
        dnnl_post_ops_t ops = NULL;
        dnnl_post_ops_create(&ops);
        if (c->sum)
            dnnl_post_ops_append_sum(ops, 1.0f);
        if (c->clip)
            dnnl_post_ops_append_eltwise(ops, 1.0f, clip_alg(c->low, c->high), is_relu(c->low, c->high) ? 0 : c->low,
                                         is_relu(c->low, c->high) ? 0 : c->high);
        dnnl_primitive_attr_set_post_ops(attr, ops);
        dnnl_post_ops_destroy(ops);
    }
    dnnl_dims_t strides, dilates, begin, end;
    int64_t d[3];
    for (int i = 0; i < c->rank - 2; i++)
        d[i] = c->dilations[i] - 1;
    dnn_copy_dims(strides, c->rank - 2, c->strides);
    dnn_copy_dims(dilates, c->rank - 2, d);
    dnn_copy_dims(begin, c->rank - 2, c->pads_begin);
    dnn_copy_dims(end, c->rank - 2, c->pads_end);
    dnnl_convolution_desc_t op;
    dnnl_status_t s =
        dnnl_dilated_convolution_forward_desc_init(&op, dnnl_forward_inference, dnnl_convolution_direct, &src, &weights,
                                                   c->bias ? &bias : NULL, &dst, strides, dilates, begin, end);
    if (s != dnnl_success) {
        dnnl_primitive_attr_destroy(attr);
        return dnn_failed(s, "convolution");
    }
    return make_from(&op, attr, "convolution", out);
}

int dnn_conv_get(const dnn_conv *c, dnn_prim **out)
{
    ff_hasher h;

    dnn_begin_key(&h, "conv");
    ff_hasher_add(&h, c, sizeof *c);
    ff_key key = ff_hasher_done(&h);
    return ff_cache_get(&key, conv_make, (void *)c, (ff_item **)out);
}

struct pool_context {
    const dnn_pool *pool;
    const dnn_layout *src;
};

static int pool_make(void *context, ff_item **out)
{
    const struct pool_context *x = context;
    const dnn_pool *p = x->pool;
    static const dnnl_alg_kind_t algs[] = {dnnl_pooling_max, dnnl_pooling_avg_exclude_padding,
                                           dnnl_pooling_avg_include_padding};
    dnn_layout dst;
    dnnl_dims_t strides, kernel, begin, end;
    int n = (int)p->rank - 2, code = any_layout(&dst, (int)p->rank, p->dst);

    if (code != FF_OK)
        return code;
    dnn_copy_dims(strides, n, p->strides);
    dnn_copy_dims(kernel, n, p->kernel);
    dnn_copy_dims(begin, n, p->pads_begin);
    dnn_copy_dims(end, n, p->pads_end);
    dnnl_pooling_desc_t op;
    dnnl_status_t s = dnnl_pooling_forward_desc_init(&op, dnnl_forward_inference, algs[p->kind], x->src, &dst, strides,
                                                     kernel, begin, end);
    if (s != dnnl_success)
        return dnn_failed(s, "pooling");
    return make_from(&op, make_attr(), "pooling", out);
}

int dnn_pool_get(const dnn_pool *p, const dnn_layout *src, dnn_prim **out)
{
    struct pool_context x = {p, src};
    ff_hasher h;

    dnn_begin_key(&h, "pool");
    ff_hasher_add(&h, p, sizeof *p);
    dnn_hash_layout(&h, src);
    ff_key key = ff_hasher_done(&h);
    return ff_cache_get(&key, pool_make, &x, (ff_item **)out);
}

struct layouts_context {
    const dnn_layout *a, *b;
    float alpha, beta;
    dnnl_alg_kind_t alg;
    int n, axis;
    const int64_t *dims;
};

static int eltwise_make(void *context, ff_item **out)
{
    const struct layouts_context *x = context;
    dnnl_eltwise_desc_t op;
    dnnl_status_t s = dnnl_eltwise_forward_desc_init(&op, dnnl_forward_inference, x->alg, x->a, x->alpha, x->beta);

    if (s != dnnl_success)
        return dnn_failed(s, "elementwise operation");
    return make_from(&op, make_attr(), "elementwise operation", out);
}

int dnn_eltwise_get(dnnl_alg_kind_t alg, const dnn_layout *src, float alpha, float beta, dnn_prim **out)
{
    struct layouts_context x = {.a = src, .alpha = alpha, .beta = beta, .alg = alg};
    ff_hasher h;

    dnn_begin_key(&h, "eltwise");
    ff_hasher_add_u64(&h, (uint64_t)alg);
    ff_hasher_add(&h, &alpha, sizeof alpha);
    ff_hasher_add(&h, &beta, sizeof beta);
    dnn_hash_layout(&h, src);
    ff_key key = ff_hasher_done(&h);
    return ff_cache_get(&key, eltwise_make, &x, (ff_item **)out);
}

int dnn_clip_get(const dnn_layout *src, float low, float high, dnn_prim **out)
{
    bool relu = is_relu(low, high);

    return dnn_eltwise_get(clip_alg(low, high), src, relu ? 0 : low, relu ? 0 : high, out);
}

static int softmax_make(void *context, ff_item **out)
{
    const struct layouts_context *x = context;
    dnnl_softmax_desc_t op;
    dnnl_status_t s = dnnl_softmax_forward_desc_init(&op, dnnl_forward_inference, x->a, x->axis);

    if (s != dnnl_success)
        return dnn_failed(s, "softmax");
    return make_from(&op, make_attr(), "softmax", out);
}

int dnn_softmax_get(const dnn_layout *src, int axis, dnn_prim **out)
{
    struct layouts_context x = {.a = src, .axis = axis};
    ff_hasher h;

    dnn_begin_key(&h, "softmax");
    ff_hasher_add_u64(&h, (uint64_t)axis);
    dnn_hash_layout(&h, src);
    ff_key key = ff_hasher_done(&h);
    return ff_cache_get(&key, softmax_make, &x, (ff_item **)out);
}

static int matmul_make(void *context, ff_item **out)
{
    const struct layouts_context *x = context;
    dnn_layout dst;
    dnnl_matmul_desc_t op;
    int code = dnn_layout_plain(&dst, x->a->ndims, x->dims);

    if (code != FF_OK)
        return code;
    dnnl_status_t s = dnnl_matmul_desc_init(&op, x->a, x->b, NULL, &dst);
    if (s != dnnl_success)
        return dnn_failed(s, "product");
    return make_from(&op, make_attr(), "product", out);
}

int dnn_matmul_get(const dnn_layout *a, const dnn_layout *b, const int64_t *dims, dnn_prim **out)
{
    struct layouts_context x = {.a = a, .b = b, .dims = dims};
    ff_hasher h;

    dnn_begin_key(&h, "product");
    dnn_hash_layout(&h, a);
    dnn_hash_layout(&h, b);
    ff_key key = ff_hasher_done(&h);
    return ff_cache_get(&key, matmul_make, &x, (ff_item **)out);
}

bool dnn_is_slow(const dnn_prim *p)
{
    return strstr(p->impl, "ref") != NULL;
}

static int binary_make(void *context, ff_item **out)
{
    const struct layouts_context *x = context;
    dnnl_binary_desc_t op;
    dnnl_status_t s = dnnl_binary_desc_init(&op, x->alg, x->a, x->b, x->a);

    if (s != dnnl_success)
        return dnn_failed(s, "binary operation");
    return make_from(&op, make_attr(), "binary operation", out);
}

int dnn_binary_get(dnnl_alg_kind_t alg, const dnn_layout *a, const dnn_layout *b, dnn_prim **out)
{
    struct layouts_context x = {.a = a, .b = b, .alg = alg};
    ff_hasher h;

    dnn_begin_key(&h, "binary");
    ff_hasher_add_u64(&h, (uint64_t)alg);
    dnn_hash_layout(&h, a);
    dnn_hash_layout(&h, b);
    ff_key key = ff_hasher_done(&h);
    return ff_cache_get(&key, binary_make, &x, (ff_item **)out);
}

static int concat_make(void *context, ff_item **out)
{
    const struct layouts_context *x = context;
    dnnl_primitive_attr_t attr = make_attr();
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s = dnnl_concat_primitive_desc_create(&pd, NULL, x->n, x->axis, x->a, attr, dnn_engine());

    dnnl_primitive_attr_destroy(attr);
    if (s != dnnl_success)
        return dnn_failed(s, "concatenation");
    return make_primitive(pd, "concatenation", out);
}

int dnn_concat_get(const dnn_layout *parts, int n, int axis, dnn_prim **out)
{
    struct layouts_context x = {.a = parts, .n = n, .axis = axis};
    ff_hasher h;

    dnn_begin_key(&h, "concat");
    ff_hasher_add_u64(&h, (uint64_t)axis);
    for (int i = 0; i < n; i++)
        dnn_hash_layout(&h, &parts[i]);
    ff_key key = ff_hasher_done(&h);
    return ff_cache_get(&key, concat_make, &x, (ff_item **)out);
}

static int reorder_make(void *context, ff_item **out)
{
    const struct layouts_context *x = context;
    dnnl_primitive_attr_t attr = make_attr();
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s = dnnl_reorder_primitive_desc_create(&pd, x->a, dnn_engine(), x->b, dnn_engine(), attr);

    dnnl_primitive_attr_destroy(attr);
    if (s != dnnl_success)
        return dnn_failed(s, "reorder");
    return make_primitive(pd, "reorder", out);
}

int dnn_reorder_get(const dnn_layout *from, const dnn_layout *to, dnn_prim **out)
{
    struct layouts_context x = {.a = from, .b = to};
    ff_hasher h;

    dnn_begin_key(&h, "reorder");
    dnn_hash_layout(&h, from);
    dnn_hash_layout(&h, to);
    ff_key key = ff_hasher_done(&h);
    return ff_cache_get(&key, reorder_make, &x, (ff_item **)out);
}
