/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tensors: life, content key, single elements, words. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "model/graph/tensor.h"

int ff_dims_count(ff_dtype t, int rank, const int64_t *dims, int64_t *count)
{
    uint64_t limit = (uint64_t)1 << 62, n = 1, size = ff_dtype_size(t);
    bool empty = false;

    if (size == 0)
        return ff_fail(FF_ERR_GRAPH, "a tensor needs a known element type");
    if (rank < 0 || rank > FF_MAX_RANK)
        return ff_fail(FF_ERR_GRAPH, "a tensor of %d dimensions (at most %d are supported)", rank, FF_MAX_RANK);
    for (int i = 0; i < rank; i++) {
        if (dims[i] < 0)
            return ff_fail(FF_ERR_GRAPH, "dimension %d of a tensor is %lld", i, (long long)dims[i]);
        if (dims[i] > MAX_DIM)
            return ff_fail(FF_ERR_GRAPH, "dimension %d of a tensor is %lld: the size overflows", i, (long long)dims[i]);
        empty |= dims[i] == 0;
    }
    for (int i = 0; i < rank && !empty; i++) {
        if ((uint64_t)dims[i] > limit / size / n) {
            ff_buf b = {0};
            ff_buf_dims(&b, rank, dims);
            int code = ff_fail(FF_ERR_GRAPH, "the tensor size %s overflows", b.data);
            ff_buf_finish(&b);
            return code;
        }
        n *= (uint64_t)dims[i];
    }
    *count = empty ? 0 : (int64_t)n;
    return FF_OK;
}

int ff_tensor_create_unset(ff_dtype t, int rank, const int64_t *dims, ff_tensor **out)
{
    int64_t count;
    int code = ff_dims_count(t, rank, dims, &count);

    if (code)
        return code;
    size_t bytes = (size_t)count * ff_dtype_size(t);
    void *data = ff_try_alloc_unset(bytes);
    if (data == NULL)
        return FF_ERR_NOMEM;
    ff_tensor *r = ff_alloc(sizeof *r);
    r->priv = ff_alloc(sizeof *r->priv);
    atomic_init(&r->priv->refs, 1);
    r->dtype = t;
    r->rank = rank;
    for (int i = 0; i < rank; i++)
        r->dims[i] = dims[i];
    r->count = count;
    r->bytes = bytes;
    r->data = data;
    *out = r;
    return FF_OK;
}

int ff_tensor_create(ff_dtype t, int rank, const int64_t *dims, ff_tensor **out)
{
    int code = ff_tensor_create_unset(t, rank, dims, out);

    if (code == FF_OK)
        memset((*out)->data, 0, (*out)->bytes);
    return code;
}

uint64_t ff_tensor_memory(const ff_tensor *t)
{
    uint64_t bytes = t->bytes;

    for (int64_t i = 0; t->dtype == FF_STRING && i < t->count; i++) {
        const char *s = ((char *const *)t->data)[i];
        bytes += s ? strlen(s) + 1 : 0;
    }
    for (int64_t i = 0; t->dtype == FF_SEQUENCE && i < t->count; i++) {
        const ff_tensor *part = ((ff_tensor *const *)t->data)[i];
        bytes += part ? ff_tensor_memory(part) : 0;
    }
    return bytes;
}

int ff_tensor_reshape(const ff_tensor *t, int rank, const int64_t *dims, ff_tensor **out)
{
    int64_t count;
    int code = ff_dims_count(t->dtype, rank, dims, &count);

    if (code)
        return code;
    if (count != t->count) {
        char *from = ff_tensor_describe(t);
        ff_buf b = {0};
        ff_buf_dims(&b, rank, dims);
        code = ff_fail(FF_ERR_GRAPH, "%s cannot be reshaped to %s", from, b.data);
        ff_buf_finish(&b);
        free(from);
        return code;
    }
    ff_tensor *r = ff_alloc(sizeof *r);
    r->priv = ff_alloc(sizeof *r->priv);
    atomic_init(&r->priv->refs, 1);
    r->priv->owner = ff_tensor_ref(t->priv->owner ? t->priv->owner : t);
    r->dtype = t->dtype;
    r->rank = rank;
    for (int i = 0; i < rank; i++)
        r->dims[i] = dims[i];
    r->count = count;
    r->bytes = t->bytes;
    r->data = t->data;
    *out = r;
    return FF_OK;
}

ff_tensor *ff_tensor_ref(const ff_tensor *t)
{
    ff_tensor *r = (ff_tensor *)t;

    if (r != NULL)
        atomic_fetch_add_explicit(&r->priv->refs, 1, memory_order_relaxed);
    return r;
}

void ff_tensor_unref(const ff_tensor *t)
{
    ff_tensor *r = (ff_tensor *)t;

    if (r == NULL || atomic_fetch_sub_explicit(&r->priv->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (r->priv->owner != NULL) {
        ff_tensor_unref(r->priv->owner);
    } else {
        if (r->dtype == FF_STRING)
            for (int64_t i = 0; i < r->count; i++)
                free(((char **)r->data)[i]);
        if (r->dtype == FF_SEQUENCE)
            for (int64_t i = 0; i < r->count; i++)
                ff_tensor_unref(((ff_tensor **)r->data)[i]);
        free(r->data);
    }
    free(r->priv);
    free(r);
}

static const char *string_at(const ff_tensor *t, int64_t i)
{
    const char *s = ((char **)t->data)[i];
    return s ? s : "";
}

const ff_key *ff_tensor_key(const ff_tensor *t)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct ff_tensor_private *priv = t->priv;
    ff_hasher h;

    if (atomic_load_explicit(&priv->has_key, memory_order_acquire))
        return &priv->key;
    ff_hasher_init(&h);
    ff_hasher_add_u64(&h, t->dtype);
    ff_hasher_add_u64(&h, (uint64_t)t->rank);
    for (int i = 0; i < t->rank; i++)
        ff_hasher_add_u64(&h, (uint64_t)t->dims[i]);
    if (t->dtype == FF_STRING)
        for (int64_t i = 0; i < t->count; i++)
            ff_hasher_add_str(&h, string_at(t, i));
    else if (t->dtype == FF_SEQUENCE)
        for (int64_t i = 0; i < t->count; i++)
            ff_hasher_add(&h, ff_tensor_key(((ff_tensor **)t->data)[i]), sizeof(ff_key));
    else
        ff_hasher_add(&h, t->data, t->bytes);
    ff_key key = ff_hasher_done(&h);
    pthread_mutex_lock(&lock);
    if (!atomic_load_explicit(&priv->has_key, memory_order_relaxed)) {
        priv->key = key;
        atomic_store_explicit(&priv->has_key, true, memory_order_release);
    }
    pthread_mutex_unlock(&lock);
    return &priv->key;
}

bool ff_tensor_equal(const ff_tensor *a, const ff_tensor *b)
{
    if (a == b)
        return true;
    if (a->dtype != b->dtype || a->rank != b->rank ||
        (a->rank > 0 && memcmp(a->dims, b->dims, (size_t)a->rank * sizeof a->dims[0]) != 0))
        return false;
    if (a->dtype == FF_SEQUENCE) {
        for (int64_t i = 0; i < a->count; i++)
            if (!ff_tensor_equal(((ff_tensor **)a->data)[i], ((ff_tensor **)b->data)[i]))
                return false;
        return true;
    }
    if (a->dtype != FF_STRING)
        return a->bytes == 0 || memcmp(a->data, b->data, a->bytes) == 0;
    for (int64_t i = 0; i < a->count; i++)
        if (strcmp(string_at(a, i), string_at(b, i)) != 0)
            return false;
    return true;
}

static bool same(int rank_a, const int64_t *a, int rank_b, const int64_t *b)
{
    return rank_a == rank_b && (rank_a <= 0 || memcmp(a, b, (size_t)rank_a * sizeof *a) == 0);
}

bool ff_same_dims(const ff_tensor *a, const ff_tensor *b)
{
    return same(a->rank, a->dims, b->rank, b->dims);
}

bool ff_same_order(const ff_shape *a, const ff_shape *b)
{
    int i = 0, k = 0;
    for (;;) {
        while (i < a->rank && a->dims[i] == 1)
            i++;
        while (k < b->rank && b->dims[k] == 1)
            k++;
        if (i >= a->rank || k >= b->rank)
            return i >= a->rank && k >= b->rank;
        if (a->dims[i++] != b->dims[k++])
            return false;
    }
}

bool ff_same_axes(const ff_shape *a, const ff_shape *b)
{
    return same(a->rank, a->dims, b->rank, b->dims);
}

bool ff_same_shape(const ff_shape *a, const ff_shape *b)
{
    return a->dtype == b->dtype && ff_same_axes(a, b);
}

double ff_tensor_get_real(const ff_tensor *t, int64_t i)
{
    switch (t->dtype) {
    case FF_FLOAT:
        return ((const float *)t->data)[i];
    case FF_DOUBLE:
        return ((const double *)t->data)[i];
    case FF_FLOAT16:
        return ff_half_to_float(((const uint16_t *)t->data)[i]);
    case FF_BFLOAT16:
        return ff_bfloat16_to_float(((const uint16_t *)t->data)[i]);
    case FF_FLOAT8E4M3FN:
    case FF_FLOAT8E4M3FNUZ:
    case FF_FLOAT8E5M2:
    case FF_FLOAT8E5M2FNUZ:
        return ff_float8_to_double(t->dtype, ((const uint8_t *)t->data)[i]);
    case FF_COMPLEX64:
        return ((const float *)t->data)[2 * i];
    case FF_COMPLEX128:
        return ((const double *)t->data)[2 * i];
    case FF_UINT64:
        return (double)((const uint64_t *)t->data)[i];
    default:
        return (double)ff_tensor_get_int(t, i);
    }
}

/* C's conversion where it is defined; NaN gives 0, the rest the nearest 64-bit number. */
static int64_t real_to_int(double v)
{
    if (v != v)
        return 0;
    if (v >= 0x1p63)
        return v < 0x1p64 ? (int64_t)(uint64_t)v : INT64_MAX;
    return v < -0x1p63 ? INT64_MIN : (int64_t)v;
}

int64_t ff_tensor_get_int(const ff_tensor *t, int64_t i)
{
    switch (t->dtype) {
    case FF_UINT8:
    case FF_UINT4:
        return ((const uint8_t *)t->data)[i];
    case FF_INT8:
    case FF_INT4:
        return ((const int8_t *)t->data)[i];
    case FF_BOOL:
        return ((const uint8_t *)t->data)[i] != 0;
    case FF_UINT16:
        return ((const uint16_t *)t->data)[i];
    case FF_INT16:
        return ((const int16_t *)t->data)[i];
    case FF_INT32:
        return ((const int32_t *)t->data)[i];
    case FF_UINT32:
        return ((const uint32_t *)t->data)[i];
    case FF_INT64:
    case FF_UINT64:
        return ((const int64_t *)t->data)[i];
    case FF_FLOAT:
    case FF_DOUBLE:
    case FF_FLOAT16:
    case FF_BFLOAT16:
    case FF_FLOAT8E4M3FN:
    case FF_FLOAT8E4M3FNUZ:
    case FF_FLOAT8E5M2:
    case FF_FLOAT8E5M2FNUZ:
    case FF_COMPLEX64:
    case FF_COMPLEX128:
        return real_to_int(ff_tensor_get_real(t, i));
    default: /* text, sequences, nothing at all */
        return 0;
    }
}

void ff_tensor_set_real(ff_tensor *t, int64_t i, double v)
{
    switch (t->dtype) {
    case FF_FLOAT:
        ((float *)t->data)[i] = (float)v;
        break;
    case FF_DOUBLE:
        ((double *)t->data)[i] = v;
        break;
    case FF_FLOAT16:
        ((uint16_t *)t->data)[i] = ff_double_to_half(v);
        break;
    case FF_BFLOAT16:
        ((uint16_t *)t->data)[i] = ff_double_to_bfloat16(v);
        break;
    case FF_FLOAT8E4M3FN:
    case FF_FLOAT8E4M3FNUZ:
    case FF_FLOAT8E5M2:
    case FF_FLOAT8E5M2FNUZ:
        ((uint8_t *)t->data)[i] = ff_double_to_float8(t->dtype, v);
        break;
    case FF_COMPLEX64:
        ((float *)t->data)[2 * i] = (float)v;
        ((float *)t->data)[2 * i + 1] = 0;
        break;
    case FF_COMPLEX128:
        ((double *)t->data)[2 * i] = v;
        ((double *)t->data)[2 * i + 1] = 0;
        break;
    case FF_BOOL:
        ((uint8_t *)t->data)[i] = v != 0;
        break;
    default:
        ff_tensor_set_int(t, i, real_to_int(v));
        break;
    }
}

void ff_tensor_set_int(ff_tensor *t, int64_t i, int64_t v)
{
    switch (t->dtype) {
    case FF_UINT8:
    case FF_INT8:
        ((uint8_t *)t->data)[i] = (uint8_t)v;
        break;
    case FF_UINT4:
        ((uint8_t *)t->data)[i] = (uint8_t)v & 15;
        break;
    case FF_INT4:
        ((int8_t *)t->data)[i] = (int8_t)(((v & 15) ^ 8) - 8);
        break;
    case FF_BOOL:
        ((uint8_t *)t->data)[i] = v != 0;
        break;
    case FF_UINT16:
    case FF_INT16:
        ((uint16_t *)t->data)[i] = (uint16_t)v;
        break;
    case FF_INT32:
    case FF_UINT32:
        ((uint32_t *)t->data)[i] = (uint32_t)v;
        break;
    case FF_INT64:
    case FF_UINT64:
        ((int64_t *)t->data)[i] = v;
        break;
    case FF_FLOAT:
        ((float *)t->data)[i] = (float)v; /* not by way of double: one rounding */
        break;
    case FF_DOUBLE:
    case FF_FLOAT16:
    case FF_BFLOAT16:
    case FF_FLOAT8E4M3FN:
    case FF_FLOAT8E4M3FNUZ:
    case FF_FLOAT8E5M2:
    case FF_FLOAT8E5M2FNUZ:
    case FF_COMPLEX64:
    case FF_COMPLEX128:
        ff_tensor_set_real(t, i, (double)v);
        break;
    default: /* text, sequences, nothing at all */
        break;
    }
}

void ff_buf_dims(ff_buf *b, int rank, const int64_t *dims)
{
    ff_buf_putc(b, '[');
    for (int i = 0; i < rank; i++)
        if (dims[i] < 0)
            ff_buf_puts(b, i ? ",?" : "?");
        else
            ff_buf_printf(b, i ? ",%lld" : "%lld", (long long)dims[i]);
    ff_buf_putc(b, ']');
}

char *ff_tensor_describe(const ff_tensor *t)
{
    ff_buf b = {0};

    ff_buf_puts(&b, ff_dtype_name(t->dtype));
    ff_buf_dims(&b, t->rank, t->dims);
    return ff_buf_steal(&b);
}
