/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * quantize.c: QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear and the integer products.
 * q = saturate(round half to even(x / scale) + zero point), x = (q - zero point) * scale.
 * Given its operands each gives the bits that its definition gives. What a float layer hands to QuantizeLinear depends on
 * how the layer sums: a value between two steps may fall on either, in every runtime.
 */
#include "kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool limits(ff_dtype t, double *low, double *high)
{
    static const struct {
        ff_dtype t;
        double low, high;
    } all[] = {
        {FF_UINT8, 0, 255},
        {FF_INT8, -128, 127},
        {FF_UINT16, 0, 65535},
        {FF_INT16, -32768, 32767},
        {FF_UINT4, 0, 15},
        {FF_INT4, -8, 7},
        {FF_INT32, -2147483648.0, 2147483647.0},
    };
    for (size_t i = 0; i < FF_COUNT(all); i++)
        if (all[i].t == t) {
            *low = all[i].low;
            *high = all[i].high;
            return true;
        }
    return false;
}

static double saturate(double v, double low, double high)
{
    v = nearbyint(v);
    return v < low || v != v ? low : v > high ? high : v;
}

/* Which scale serves element i: one for all, one a slice of `axis`, or one a block along it. */
typedef struct grain {
    int64_t axis_length, inner, block, scales; /* scales: along the axis */
    bool single;
} grain;

static int grain_of(const ff_call *c, const ff_tensor *x, const ff_tensor *scale, grain *g)
{
    int axis;
    int64_t block = ff_node_int(c->node, "block_size", 0);
    *g = (grain){.single = scale->count == 1 && scale->rank <= 1, .inner = 1};
    if (g->single && (scale->rank == 0 || !x->rank || c->node->opset < 13))
        return FF_OK;
    int rc = ff_axis(ff_node_int(c->node, "axis", 1), x->rank, &axis);
    if (rc)
        return g->single ? FF_OK : rc;
    g->axis_length = x->dims[axis];
    g->inner = ff_span(x->dims, axis + 1, x->rank);
    if (block == 0) {
        if (g->single)
            return FF_OK;
        if (scale->rank != 1 || scale->count != g->axis_length)
            return ff_fail(FF_ERR_GRAPH, "%lld scales for an axis of %lld", (long long)scale->count,
                           (long long)g->axis_length);
        g->block = 1;
        g->scales = 0; /* one list for all outer indices */
        return FF_OK;
    }
    if (block < 0 || scale->rank != x->rank)
        return ff_fail(FF_ERR_GRAPH, "block_size %lld with scales of rank %d", (long long)block, scale->rank);
    for (int k = 0; k < x->rank; k++) {
        int64_t want = k == axis ? (x->dims[k] + block - 1) / block : x->dims[k];
        if (scale->dims[k] != want)
            return ff_fail(FF_ERR_GRAPH, "%lld scales along axis %d, not %lld", (long long)scale->dims[k], k,
                           (long long)want);
    }
    g->single = false;
    g->block = block;
    g->scales = scale->dims[axis];
    return FF_OK;
}

static int64_t scale_index(const grain *g, int64_t i)
{
    if (g->single)
        return 0;
    int64_t along = i / g->inner % g->axis_length;
    if (!g->scales)
        return along;
    int64_t outer = i / g->inner / g->axis_length;
    return (outer * g->scales + along / g->block) * g->inner + i % g->inner;
}

/* How many elements from i on have the same scale. */
static int64_t span_of(const grain *g, int64_t i, int64_t count)
{
    if (g->single)
        return count - i;
    return g->scales ? 1 : g->inner - i % g->inner;
}

/* Bytes, n of them in one scale. All bounds are whole, so that cutting off before rounding is the same; what is no number
 * becomes the lowest. Within 2^22 adding and taking away 1.5 * 2^23 rounds half to even. */
#define QUANTIZE_BYTES(name, type)                                                                                     \
    FF_WIDEST static void name(const float *x, float scale, float zero, float low, float high, int64_t n, type *y)     \
    {                                                                                                                  \
        const float magic = 0x1.8p23f;                                                                                 \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            float q = x[i] / scale;                                                                                    \
            q = q >= low - zero ? q : low - zero;                                                                      \
            q = q <= high - zero ? q : high - zero;                                                                    \
            q = (q + magic) - magic;                                                                                   \
            y[i] = (type)(int)(q + zero);                                                                              \
        }                                                                                                              \
    }
QUANTIZE_BYTES(quantize_unsigned, uint8_t)
QUANTIZE_BYTES(quantize_signed, int8_t)

/* An integer of nine bits times a float32: float32 arithmetic rounds the exact product. */
#define DEQUANTIZE_BYTES(name, type)                                                                                   \
    FF_WIDEST static void name(const type *x, float scale, int zero, int64_t n, float *y)                              \
    {                                                                                                                  \
        for (int64_t i = 0; i < n; i++)                                                                                \
            y[i] = (float)(x[i] - zero) * scale;                                                                       \
    }
DEQUANTIZE_BYTES(dequantize_unsigned, uint8_t)
DEQUANTIZE_BYTES(dequantize_signed, int8_t)

static int zero_point(const ff_call *c, const ff_tensor *scale, const ff_tensor **zero)
{
    *zero = ff_in(c, 2);
    if (*zero && (*zero)->count != scale->count)
        return ff_fail(FF_ERR_GRAPH, "%lld zero points for %lld scales", (long long)(*zero)->count,
                       (long long)scale->count);
    return FF_OK;
}

/* What QuantizeLinear and DequantizeLinear read. */
typedef struct operands {
    const ff_tensor *x, *scale, *zero;
    kview vx, vs, vz; /* vz: only with a zero point */
    grain g;
} operands;

static int operands_find(const ff_call *c, operands *o)
{
    int rc;
    *o = (operands){0};
    if ((rc = ff_need(c, 0, 0, -1, &o->x)) || (rc = ff_need(c, 1, 0, -1, &o->scale)) ||
        (rc = zero_point(c, o->scale, &o->zero)))
        return rc;
    return grain_of(c, o->x, o->scale, &o->g);
}

static int operands_read(operands *o, int work)
{
    int rc;
    if ((rc = kview_read(o->x, work, &o->vx)) || (rc = kview_read(o->scale, work, &o->vs)))
        return rc;
    return o->zero ? kview_read(o->zero, KWORK_DOUBLE, &o->vz) : FF_OK;
}

static double zero_at(const operands *o, int64_t k)
{
    return o->zero ? o->vz.d[k] : 0;
}

static void operands_finish(operands *o)
{
    kview_finish(&o->vx);
    kview_finish(&o->vs);
    kview_finish(&o->vz);
}

int ff_k_quantize(ff_call *c)
{
    operands o;
    ff_tensor *y;
    int rc = operands_find(c, &o);
    if (rc)
        return rc;
    int64_t asked = ff_node_int(c->node, "output_dtype", 0);
    ff_dtype t = o.zero ? o.zero->dtype : asked > 0 && asked < FF_DTYPE_COUNT ? (ff_dtype)asked : FF_UINT8;
    double low = 0, high = 0;
    bool eight = ff_dtype_is_float(t); /* float8: rounding and saturation are the type's own */
    if (!limits(t, &low, &high) && !eight)
        return ff_fail(FF_ERR_GRAPH, "type %s is not allowed", ff_dtype_name(t));
    if ((rc = ff_out(c, 0, t, o.x->rank, o.x->dims, &y)) || (rc = operands_read(&o, KWORK_FLOAT)))
        goto done;
    for (int64_t i = 0, n; i < o.x->count && (t == FF_UINT8 || t == FF_INT8); i += n) {
        int64_t k = scale_index(&o.g, i);
        float scale = o.vs.f[k], zero = (float)zero_at(&o, k), least = (float)low, most = (float)high;
        n = span_of(&o.g, i, o.x->count);
        if (t == FF_UINT8)
            quantize_unsigned(o.vx.f + i, scale, zero, least, most, n, (uint8_t *)y->data + i);
        else
            quantize_signed(o.vx.f + i, scale, zero, least, most, n, (int8_t *)y->data + i);
    }
    for (int64_t i = 0; i < o.x->count && t != FF_UINT8 && t != FF_INT8; i++) {
        int64_t k = scale_index(&o.g, i);
        /* The division is one of float32, so that halves fall where the standard has them. */
        float q = o.vx.f[i] / o.vs.f[k];
        if (eight)
            ff_tensor_set_real(y, i, (double)q + zero_at(&o, k));
        else
            ff_tensor_set_int(y, i, (int64_t)saturate(nearbyint(q) + zero_at(&o, k), low, high));
    }
done:
    operands_finish(&o);
    return rc;
}

static int dequantize_bytes(operands *o, ff_tensor *y)
{
    float *v = y->data;
    int rc = kview_read(o->scale, KWORK_FLOAT, &o->vs);
    if (rc == FF_OK && o->zero)
        rc = kview_read(o->zero, KWORK_DOUBLE, &o->vz);
    for (int64_t i = 0, n; rc == FF_OK && i < o->x->count; i += n) {
        int64_t k = scale_index(&o->g, i);
        n = span_of(&o->g, i, o->x->count);
        if (o->x->dtype == FF_UINT8)
            dequantize_unsigned((const uint8_t *)o->x->data + i, o->vs.f[k], (int)zero_at(o, k), n, v + i);
        else
            dequantize_signed((const int8_t *)o->x->data + i, o->vs.f[k], (int)zero_at(o, k), n, v + i);
    }
    return rc;
}

int ff_k_dequantize(ff_call *c)
{
    operands o;
    ff_tensor *y;
    int rc = operands_find(c, &o);
    if (rc)
        return rc;
    if ((rc = ff_out(c, 0, o.scale->dtype, o.x->rank, o.x->dims, &y)))
        goto done;
    if (y->dtype == FF_FLOAT && (o.x->dtype == FF_UINT8 || o.x->dtype == FF_INT8)) {
        rc = dequantize_bytes(&o, y);
        goto done;
    }
    if ((rc = operands_read(&o, KWORK_DOUBLE)))
        goto done;
    for (int64_t i = 0; i < o.x->count; i++) {
        int64_t k = scale_index(&o.g, i);
        /* The difference becomes a float32 first: that matters for integers of 32 bits. */
        ff_tensor_set_real(y, i, (float)(o.vx.d[i] - zero_at(&o, k)) * o.vs.d[k]);
    }
done:
    operands_finish(&o);
    return rc;
}

/* Scale and zero point from the range of x, which is made to hold 0. */
int ff_k_dynamic_quantize(ff_call *c)
{
    const ff_tensor *x;
    ff_tensor *y, *scale = NULL, *zero = NULL;
    int rc = ff_need(c, 0, 0, -1, &x);
    if (rc || (rc = ff_out(c, 0, FF_UINT8, x->rank, x->dims, &y)) ||
        (ff_wants(c, 1) && (rc = ff_out(c, 1, FF_FLOAT, 0, NULL, &scale))) ||
        (ff_wants(c, 2) && (rc = ff_out(c, 2, FF_UINT8, 0, NULL, &zero))))
        return rc;
    float low = 0, high = 0;
    for (int64_t i = 0; i < x->count; i++) {
        float v = (float)ff_tensor_get_real(x, i);
        low = v < low ? v : low;
        high = v > high ? v : high;
    }
    float step = (high - low) / 255;
    if (step == 0)
        step = 1;
    double z = saturate(-low / step, 0, 255);
    for (int64_t i = 0; i < x->count; i++) {
        float q = (float)ff_tensor_get_real(x, i) / step;
        ((uint8_t *)y->data)[i] = (uint8_t)saturate(nearbyint(q) + z, 0, 255);
    }
    if (scale)
        *(float *)scale->data = step;
    if (zero)
        *(uint8_t *)zero->data = (uint8_t)z;
    return FF_OK;
}

/* ---------------------------------------------------------------------------- integer products */

/* x - zero in double. The zero point is one number or one for each slice of `axis` (as the rows of
 * A or the columns of B of a matrix product). */
static int centred(const ff_tensor *x, const ff_tensor *zero, int axis, kview *v)
{
    if (!ff_is_integer(x->dtype) || x->dtype == FF_INT64 || x->dtype == FF_UINT64)
        return ff_fail(FF_ERR_GRAPH, "type %s is not allowed", ff_dtype_name(x->dtype));
    int rc = kview_read(x, KWORK_DOUBLE, v);
    if (rc || !zero)
        return rc;
    if (zero->count == 1 && ff_is_numeric(zero->dtype)) {
        double z = ff_tensor_get_real(zero, 0);
        for (int64_t i = 0; i < x->count; i++)
            v->d[i] -= z;
        return FF_OK;
    }
    int64_t n = x->rank ? x->dims[axis] : 1, inner = x->rank ? ff_span(x->dims, axis + 1, x->rank) : 1;
    if (!ff_is_numeric(zero->dtype) || (zero->count != 1 && zero->count != n))
        return ff_fail(FF_ERR_GRAPH, "%lld zero points for an axis of %lld", (long long)zero->count, (long long)n);
    for (int64_t i = 0; i < x->count; i++)
        v->d[i] -= ff_tensor_get_real(zero, zero->count == 1 ? 0 : i / inner % n);
    return FF_OK;
}

/* As QUANTIZE_BYTES does it, within 2^51; signed and unsigned bytes have the same low bits. */
FF_WIDEST static void requantize_bytes(const double *x, double factor, double zero, double low, double high, int64_t n,
                                       uint8_t *y)
{
    const double magic = 0x1.8p52;
    for (int64_t i = 0; i < n; i++) {
        double q = x[i] * factor;
        q = q >= low - zero ? q : low - zero;
        q = q <= high - zero ? q : high - zero;
        q = (q + magic) - magic;
        y[i] = (uint8_t)(int)(q + zero);
    }
}

int ff_requantize(ff_tensor *y, const double *sums, double alpha, const ff_tensor *a, const ff_tensor *b,
                  const ff_tensor *to, const ff_tensor *zero, int axis)
{
    double low = 0, high = 0;
    if (!limits(y->dtype, &low, &high))
        return ff_fail(FF_ERR_GRAPH, "type %s is not allowed", ff_dtype_name(y->dtype));
    int64_t n = y->rank ? y->dims[axis] : 1, inner = y->rank ? ff_span(y->dims, axis + 1, y->rank) : 1;
    if (a->count != 1 || (b->count != 1 && b->count != n) || to->count != 1 || zero->count != 1 ||
        !ff_is_numeric(a->dtype) || !ff_is_numeric(b->dtype) || !ff_is_numeric(to->dtype))
        return ff_fail(FF_ERR_GRAPH, "scales or zero points do not fit");
    double scale_a = ff_tensor_get_real(a, 0), scale_y = ff_tensor_get_real(to, 0), z = ff_tensor_get_real(zero, 0);
    bool bytes = y->dtype == FF_UINT8 || y->dtype == FF_INT8;
    for (int64_t i = 0, span; i < y->count; i += span) {
        double s = ff_tensor_get_real(b, b->count == 1 ? 0 : i / inner % n), factor = alpha * scale_a * s / scale_y;
        span = b->count == 1 ? y->count : inner;
        if (bytes)
            requantize_bytes(sums + i, factor, z, low, high, span, (uint8_t *)y->data + i);
        else
            for (int64_t k = i; k < i + span; k++)
                ff_tensor_set_int(y, k, (int64_t)saturate(nearbyint(sums[k] * factor) + z, low, high));
    }
    return FF_OK;
}

static int needs(const ff_call *c, int n)
{
    const ff_tensor *t;
    for (int i = 0; i < n; i++) {
        int rc = ff_need(c, i, 0, -1, &t);
        if (rc)
            return rc;
    }
    return FF_OK;
}

int ff_k_matmul_integer(ff_call *c) /* MatMulInteger, QLinearMatMul */
{
    bool linear = !strcmp(c->node->op, "QLinearMatMul");
    int rc = needs(c, linear ? 8 : 2);
    if (rc)
        return rc;
    const ff_tensor *a = c->in[0], *b = c->in[linear ? 3 : 1];
    ff_tensor *y;
    ff_matmul m;
    kview va = {0}, vb = {0};
    double *sums = NULL;
    if ((rc = ff_matmul_init(a, b, &m)) || (rc = ff_out(c, 0, linear ? c->in[7]->dtype : FF_INT32, m.rank, m.dims, &y)))
        return rc;
    if ((rc = centred(a, linear ? c->in[2] : ff_in(c, 2), a->rank > 1 ? a->rank - 2 : 0, &va)) ||
        (rc = centred(b, linear ? c->in[5] : ff_in(c, 3), b->rank - 1, &vb)))
        goto done;
    if (!(sums = ff_scratch(c, y->count, sizeof *sums))) {
        rc = FF_ERR_NOMEM;
        goto done;
    }
    if ((rc = ff_matmul_compute(c, &m, va.d, vb.d, sums)))
        goto done;
    if (linear)
        rc = ff_requantize(y, sums, 1, c->in[1], c->in[4], c->in[6], c->in[7], y->rank ? y->rank - 1 : 0);
    else
        for (int64_t i = 0; i < y->count; i++) /* wraps around at 32 bits */
            ((int32_t *)y->data)[i] = (int32_t)(uint32_t)(int64_t)fmod(sums[i], 4294967296.0);
done:
    free(sums);
    kview_finish(&va);
    kview_finish(&vb);
    return rc;
}

int ff_k_conv_integer(ff_call *c) /* ConvInteger, QLinearConv */
{
    bool linear = !strcmp(c->node->op, "QLinearConv");
    int rc = needs(c, linear ? 8 : 2);
    if (rc)
        return rc;
    const ff_tensor *x = c->in[0], *w = c->in[linear ? 3 : 1], *bias = linear ? ff_in(c, 8) : NULL;
    ff_tensor *y;
    ff_conv v;
    kview vx = {0}, vw = {0}, vb = {0};
    double *sums = NULL;
    if ((rc = ff_conv_init(c, x, w, &v)) || (rc = ff_conv_out(c, &v, linear ? c->in[7]->dtype : FF_INT32, &y)))
        return rc;
    if (bias && (bias->rank != 1 || bias->count != v.filters))
        return ff_fail(FF_ERR_GRAPH, "a bias of %lld elements", (long long)bias->count);
    if ((rc = centred(x, linear ? c->in[2] : ff_in(c, 2), 1, &vx)) ||
        (rc = centred(w, linear ? c->in[5] : ff_in(c, 3), 0, &vw)) ||
        (bias && (rc = kview_read(bias, KWORK_DOUBLE, &vb))))
        goto done;
    if (!(sums = ff_scratch(c, y->count, sizeof *sums))) {
        rc = FF_ERR_NOMEM;
        goto done;
    }
    if ((rc = ff_conv_compute(c, &v, vx.d, vw.d, bias ? vb.d : NULL, sums)))
        goto done;
    if (linear)
        rc = ff_requantize(y, sums, 1, c->in[1], c->in[4], c->in[6], c->in[7], 1);
    else
        for (int64_t i = 0; i < y->count; i++)
            ((int32_t *)y->data)[i] = (int32_t)(uint32_t)(int64_t)fmod(sums[i], 4294967296.0);
done:
    free(sums);
    kview_finish(&vx);
    kview_finish(&vw);
    kview_finish(&vb);
    return rc;
}
