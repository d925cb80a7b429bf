/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TensorProto in all its forms of storage, and external data. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/graph/document.h"

#define FIELD(n) ((uint64_t)1 << (n))

enum {
    TENSOR_DIMS = 1,
    TENSOR_TYPE = 2,
    TENSOR_FLOAT = 4,
    TENSOR_INT32 = 5,
    TENSOR_STRING = 6,
    TENSOR_INT64 = 7,
    TENSOR_NAME = 8,
    TENSOR_RAW = 9,
    TENSOR_DOUBLE = 10,
    TENSOR_UINT64 = 11,
    TENSOR_EXTERNAL = 13,
    TENSOR_LOCATION = 14,
};

static const uint64_t data_fields = FIELD(TENSOR_FLOAT) | FIELD(TENSOR_INT32) | FIELD(TENSOR_INT64) |
                                    FIELD(TENSOR_RAW) | FIELD(TENSOR_DOUBLE) | FIELD(TENSOR_UINT64);

/* Where the elements of a tensor of this type stand when they are not raw. */
static uint32_t typed_field(ff_dtype t)
{
    switch (t) {
    case FF_FLOAT:
    case FF_COMPLEX64:
        return TENSOR_FLOAT;
    case FF_DOUBLE:
    case FF_COMPLEX128:
        return TENSOR_DOUBLE;
    case FF_INT64:
        return TENSOR_INT64;
    case FF_UINT32:
    case FF_UINT64:
        return TENSOR_UINT64;
    case FF_STRING:
        return TENSOR_STRING;
    default:
        return TENSOR_INT32;
    }
}

static bool is_nibble(ff_dtype t)
{
    return t == FF_UINT4 || t == FF_INT4;
}

static void unpack_nibble(ff_tensor *t, int64_t byte, uint8_t v)
{
    for (int64_t i = 2 * byte; i < 2 * byte + 2 && i < t->count; i++, v >>= 4)
        ff_tensor_set_int(t, i, v & 15);
}

/* Bytes of a tensor in raw_data or in an external file. */
static uint64_t raw_size(ff_dtype t, int64_t count)
{
    return is_nibble(t) ? ((uint64_t)count + 1) / 2 : (uint64_t)count * ff_dtype_size(t);
}

static void fill_raw(ff_tensor *t, const uint8_t *raw)
{
    if (is_nibble(t->dtype)) {
        for (int64_t i = 0; i < (t->count + 1) / 2; i++)
            unpack_nibble(t, i, raw[i]);
        return;
    }
    size_t unit = ff_dtype_unit(t->dtype);
    ff_copy_little_endian(t->data, raw, t->bytes / unit, unit);
}

struct shape {
    ff_dtype dtype;
    int rank;
    int64_t dims[FF_MAX_RANK], count;
};

static int read_shape(const Onnx__TensorProto *m, struct shape *s)
{
    s->dtype = (ff_dtype)m->data_type;
    if (m->data_type <= 0 || m->data_type >= FF_DTYPE_COUNT)
        return ff_fail(FF_ERR_INPUT, "element type %d is not known", m->data_type);
    if (m->segment != NULL)
        return ff_fail(FF_ERR_INPUT, "segmented tensors are not supported");
    if (m->n_dims > FF_MAX_RANK)
        return ff_fail(FF_ERR_INPUT, "%zu dimensions (at most %d are supported)", m->n_dims, FF_MAX_RANK);
    s->rank = (int)m->n_dims;
    for (int i = 0; i < s->rank; i++)
        s->dims[i] = m->dims[i];
    return ff_dims_count(s->dtype, s->rank, s->dims, &s->count) ? FF_ERR_INPUT : FF_OK;
}

/* Where the data stands: the last raw_data field, and how many elements the typed fields hold. */
struct place {
    wire_field raw;
    bool has_raw;
    uint64_t elements; /* in the typed field for this type */
    bool has_other;    /* data in a typed field of another type */
    int chunks;        /* fields that make up the elements */
    wire_field chunk;  /* the last of them */
};

static uint64_t count_varints(const uint8_t *p, size_t n)
{
    uint64_t r = 0;

    for (size_t i = 0; i < n; i++)
        r += p[i] < 128;
    return r;
}

static void find_data(const uint8_t *data, size_t size, ff_dtype t, struct place *p)
{
    uint32_t typed = typed_field(t);
    wire_field f;

    *p = (struct place){0};
    for (size_t at = 0; wire_step(data, size, &at, &f);) {
        if (f.number == TENSOR_RAW) {
            p->raw = f;
            p->has_raw = true;
        } else if (f.number == typed) {
            size_t n = f.end - f.body;
            p->chunk = f;
            p->chunks++;
            if (typed == TENSOR_STRING || f.type != WIRE_BYTES)
                p->elements++;
            else if (typed == TENSOR_FLOAT)
                p->elements += n / 4;
            else if (typed == TENSOR_DOUBLE)
                p->elements += n / 8;
            else
                p->elements += count_varints(data + f.body, n);
        } else if (f.number < 64 && (data_fields | FIELD(TENSOR_STRING)) >> f.number & 1) {
            p->has_other |= f.end > f.body;
        }
    }
}

static bool next_varint(const uint8_t *data, size_t *at, size_t end, uint64_t *v)
{
    uint64_t r = 0;

    for (int shift = 0; *at < end; shift += 7) {
        uint8_t c = data[(*at)++];
        r |= shift < 64 ? (uint64_t)(c & 127) << shift : 0;
        if (c < 128) {
            *v = r;
            return true;
        }
    }
    return false;
}

static void set_varint(ff_tensor *t, int64_t i, uint64_t v)
{
    switch (t->dtype) {
    case FF_FLOAT16:
    case FF_BFLOAT16: /* bit patterns */
        ((uint16_t *)t->data)[i] = (uint16_t)v;
        break;
    case FF_FLOAT8E4M3FN:
    case FF_FLOAT8E4M3FNUZ:
    case FF_FLOAT8E5M2:
    case FF_FLOAT8E5M2FNUZ:
        ((uint8_t *)t->data)[i] = (uint8_t)v;
        break;
    case FF_UINT4:
    case FF_INT4:
        unpack_nibble(t, i, (uint8_t)v);
        break;
    default:
        ff_tensor_set_int(t, i, (int64_t)v);
    }
}

static void fill_typed(ff_tensor *t, const uint8_t *data, size_t size)
{
    uint32_t typed = typed_field(t->dtype);
    char *to = t->data;
    int64_t i = 0;
    uint64_t v;
    wire_field f;

    for (size_t at = 0; wire_step(data, size, &at, &f);) {
        if (f.number != typed)
            continue;
        if (typed == TENSOR_STRING) {
            ((char **)t->data)[i++] = ff_strndup((const char *)data + f.body, f.end - f.body);
        } else if (typed == TENSOR_FLOAT || typed == TENSOR_DOUBLE) {
            size_t unit = typed == TENSOR_FLOAT ? 4 : 8;
            ff_copy_little_endian(to, data + f.body, (f.end - f.body) / unit, unit);
            to += f.end - f.body;
        } else if (f.type == WIRE_VARINT) {
            set_varint(t, i++, f.value);
        } else {
            for (size_t p = f.body; next_varint(data, &p, f.end, &v);)
                set_varint(t, i++, v);
        }
    }
}

static int fill_external(reader *r, const Onnx__TensorProto *m, ff_tensor **out, const struct shape *s)
{
    const char *location = NULL;
    int64_t offset = 0, length = -1;

    for (size_t i = 0; i < m->n_external_data; i++) {
        const char *key = m->external_data[i]->key, *value = m->external_data[i]->value;
        if (key == NULL || value == NULL)
            continue;
        if (strcmp(key, "location") == 0)
            location = value;
        else if (strcmp(key, "offset") == 0 && (!ff_parse_int(value, &offset) || offset < 0))
            return ff_fail(FF_ERR_INPUT, "external data offset '%s' is not a number", value);
        else if (strcmp(key, "length") == 0 && (!ff_parse_int(value, &length) || length < 0))
            return ff_fail(FF_ERR_INPUT, "external data length '%s' is not a number", value);
    }
    if (location == NULL || *location == '\0')
        return ff_fail(FF_ERR_INPUT, "external data without a location");
    if (s->dtype == FF_STRING)
        return ff_fail(FF_ERR_INPUT, "strings cannot be external data");
    if (r->folder == NULL)
        return ff_fail(FF_ERR_INPUT, "external data '%s' needs a model that lies in a folder", location);
    uint64_t want = raw_size(s->dtype, s->count);
    if (length >= 0 && (uint64_t)length != want)
        return ff_fail(FF_ERR_INPUT, "external data of %lld bytes for a tensor of %llu bytes", (long long)length,
                       (unsigned long long)want);
    /* The size of the file is looked at before memory is taken. */
    int code = read_external(r->folder, location, (uint64_t)offset, want, 0, NULL);
    if (code)
        return code;
    ff_tensor *t;
    code = ff_tensor_create(s->dtype, s->rank, s->dims, &t);
    if (code)
        return code;
    uint8_t *raw = want ? ff_try_alloc(want) : NULL;
    if (want && raw == NULL)
        code = FF_ERR_NOMEM;
    else
        code = read_external(r->folder, location, (uint64_t)offset, want, want, raw);
    if (code == FF_OK && want)
        fill_raw(t, raw);
    free(raw);
    if (code) {
        ff_tensor_unref(t);
        return code;
    }
    *out = t;
    return FF_OK;
}

static int fill_internal(reader *r, size_t start, size_t end, const struct shape *s, ff_tensor **out)
{
    const uint8_t *data = r->data + start;
    size_t size = end - start;
    uint64_t want = raw_size(s->dtype, s->count);
    struct place p;

    find_data(data, size, s->dtype, &p);
    if (p.has_raw && p.raw.end == p.raw.body && want > 0 && p.elements > 0)
        p.has_raw = false; /* some writers leave an empty raw_data beside typed data */
    if (p.has_raw && s->dtype == FF_STRING)
        return ff_fail(FF_ERR_INPUT, "strings cannot be raw data");
    if (p.has_raw) {
        if (p.raw.end - p.raw.body != want)
            return ff_fail(FF_ERR_INPUT, "%zu bytes of data for dims that need %llu", p.raw.end - p.raw.body,
                           (unsigned long long)want);
    } else {
        uint64_t elements = is_nibble(s->dtype) ? want : (uint64_t)s->count;
        if (s->dtype == FF_COMPLEX64 || s->dtype == FF_COMPLEX128)
            elements *= 2;
        if (p.elements != elements)
            return ff_fail(FF_ERR_INPUT, "%llu elements of data for dims that need %llu%s",
                           (unsigned long long)p.elements, (unsigned long long)elements,
                           p.has_other ? " (the data has another type)" : "");
    }
    ff_tensor *t;
    int code = ff_tensor_create(s->dtype, s->rank, s->dims, &t);
    if (code)
        return code;
    if (p.has_raw) {
        fill_raw(t, data + p.raw.body);
        if (!is_nibble(s->dtype))
            origin_add_hole(r->o, start + p.raw.body, t);
    } else {
        fill_typed(t, data, size);
        if (p.chunks == 1 && p.chunk.type == WIRE_BYTES &&
            (p.chunk.number == TENSOR_FLOAT || p.chunk.number == TENSOR_DOUBLE))
            origin_add_hole(r->o, start + p.chunk.body, t);
    }
    *out = t;
    return FF_OK;
}

int read_tensor(reader *r, size_t start, size_t end, ff_tensor **out, char **name, ff_buf *rest, bool *external)
{
    const uint8_t *data = r->data + start;
    struct shape s = {0};
    ff_tensor *t = NULL;
    uint64_t skip = data_fields | FIELD(TENSOR_STRING);
    Onnx__TensorProto *m = wire_unpack(&onnx__tensor_proto__descriptor, data, end - start, skip);

    if (m == NULL)
        return FF_ERR_INPUT;
    bool outside = m->has_data_location && m->data_location != 0;
    int code = read_shape(m, &s);
    if (code == FF_OK)
        code = outside ? fill_external(r, m, &t, &s) : fill_internal(r, start, end, &s, &t);
    if (code)
        code = ff_fail_prefix(code, "tensor '%s'", m->name ? m->name : "");
    else {
        *out = t;
        *external = outside;
        if (name != NULL)
            *name = ff_strdup(m->name ? m->name : "");
        skip |= FIELD(TENSOR_DIMS) | FIELD(TENSOR_TYPE) | FIELD(TENSOR_NAME) | FIELD(TENSOR_EXTERNAL) |
                FIELD(TENSOR_LOCATION);
        wire_field f;
        for (size_t at = 0; rest != NULL && wire_step(data, end - start, &at, &f);)
            if (f.number >= 64 || !(skip >> f.number & 1))
                ff_buf_add(rest, data + f.start, f.end - f.start);
    }
    onnx__tensor_proto__free_unpacked(m, NULL);
    return code;
}

/* The dense form; the file's bytes are kept as they are by the caller. */
int read_sparse(reader *r, size_t start, size_t end, ff_tensor **out, char **name)
{
    const uint8_t *data = r->data + start;
    ff_tensor *values = NULL, *indices = NULL, *t = NULL;
    bool external = false, outside = false;
    char *of_values = NULL;
    int code = FF_OK;
    wire_field f;
    Onnx__SparseTensorProto *m =
        wire_unpack(&onnx__sparse_tensor_proto__descriptor, data, end - start, FIELD(1) | FIELD(2));

    if (m == NULL)
        return FF_ERR_INPUT;
    for (size_t at = 0; code == FF_OK && wire_step(data, end - start, &at, &f);) {
        if (f.number == 1)
            code = read_tensor(r, start + f.body, start + f.end, &values, &of_values, NULL, &external);
        else if (f.number == 2)
            code = read_tensor(r, start + f.body, start + f.end, &indices, NULL, NULL, &external);
        outside |= external;
    }
    if (code == FF_OK && outside)
        code = ff_fail(FF_ERR_INPUT, "sparse tensors with external data are not supported");
    if (code)
        goto done;
    int rank = m->n_dims > FF_MAX_RANK ? -1 : (int)m->n_dims;
    int64_t nonzero = values ? values->count : 0, count = 0;
    if (values == NULL || rank < 0 || values->dtype == FF_STRING ||
        ff_dims_count(values->dtype, rank, m->dims, &count) || (indices == NULL && nonzero > 0) ||
        (indices != NULL && (indices->dtype != FF_INT64 ||
                             !((indices->rank == 1 && indices->count == nonzero) ||
                               (indices->rank == 2 && indices->dims[0] == nonzero && indices->dims[1] == rank))))) {
        code = ff_fail(FF_ERR_INPUT, "malformed sparse tensor '%s'", of_values ? of_values : "");
        goto done;
    }
    /* A dense copy of a nearly empty tensor could be of any size. */
    if ((uint64_t)count * ff_dtype_size(values->dtype) > ((uint64_t)64 << 20) + 256 * (uint64_t)(end - start)) {
        code = ff_fail(FF_ERR_INPUT, "sparse tensor '%s' is too large to be made dense", of_values);
        goto done;
    }
    code = ff_tensor_create(values->dtype, rank, m->dims, &t);
    for (int64_t i = 0; code == FF_OK && i < nonzero; i++) {
        const int64_t *at = indices->data;
        int64_t flat = 0;
        bool inside = true;
        if (indices->rank == 1) {
            flat = at[i];
            inside = flat >= 0 && flat < count;
        } else {
            for (int j = 0; j < rank; j++) {
                int64_t k = at[i * rank + j];
                inside = inside && k >= 0 && k < m->dims[j];
                flat = inside ? flat * m->dims[j] + k : 0;
            }
        }
        if (!inside) {
            code = ff_fail(FF_ERR_INPUT, "an index of sparse tensor '%s' is out of range", of_values);
            break;
        }
        size_t size = ff_dtype_size(t->dtype);
        memcpy((char *)t->data + (size_t)flat * size, (char *)values->data + (size_t)i * size, size);
    }
    if (code == FF_OK) {
        *out = t;
        *name = of_values;
        t = NULL;
        of_values = NULL;
    }
done:
    free(of_values);
    ff_tensor_unref(t);
    ff_tensor_unref(values);
    ff_tensor_unref(indices);
    onnx__sparse_tensor_proto__free_unpacked(m, NULL);
    return code;
}

/* -------------------------------------------------------------------------------- external */

static bool is_plain_relative(const char *location)
{
    if (location[0] == '/')
        return false;
    for (const char *p = location; *p != '\0';) {
        size_t n = strcspn(p, "/");
        if (n == 2 && p[0] == '.' && p[1] == '.')
            return false;
        p += n;
        p += *p == '/';
    }
    return true;
}

int read_external(const char *folder, const char *location, uint64_t offset, uint64_t length, uint64_t want, void *to)
{
    int code = FF_OK, fd = -1;
    char *path = NULL, *real = NULL, *root = NULL;
    struct stat st;

    if (!is_plain_relative(location))
        return ff_fail(FF_ERR_INPUT, "external data '%s' lies outside the model's folder", location);
    path = ff_path_join(folder, location);
    root = realpath(folder, NULL);
    real = realpath(path, NULL);
    size_t n = root ? strlen(root) : 0;
    if (root == NULL || real == NULL) {
        code = ff_fail(FF_ERR_INPUT, "external data '%s': %s", location, strerror(errno));
        goto done;
    }
    /* A link may lead anywhere: what counts is where it ends. */
    if (strncmp(real, root, n) != 0 || (n > 1 && real[n] != '/')) {
        code = ff_fail(FF_ERR_INPUT, "external data '%s' lies outside the model's folder", location);
        goto done;
    }
    fd = open(real, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0) {
        code = ff_fail(FF_ERR_INPUT, "external data '%s': %s", location, strerror(errno));
        goto done;
    }
    if (!S_ISREG(st.st_mode)) {
        code = ff_fail(FF_ERR_INPUT, "external data '%s' is not a regular file", location);
        goto done;
    }
    if (offset > (uint64_t)st.st_size || length > (uint64_t)st.st_size - offset) {
        code =
            ff_fail(FF_ERR_INPUT, "external data '%s': %llu bytes at offset %llu, but the file ends at %llu", location,
                    (unsigned long long)length, (unsigned long long)offset, (unsigned long long)st.st_size);
        goto done;
    }
    for (uint64_t got = 0; got < want;) {
        size_t chunk = want - got < 1 << 30 ? (size_t)(want - got) : 1 << 30;
        ssize_t k = pread(fd, (char *)to + got, chunk, (off_t)(offset + got));
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0) {
            code = ff_fail(FF_ERR_INPUT, "external data '%s': %s", location,
                           k < 0 ? strerror(errno) : "the file became shorter");
            break;
        }
        got += (uint64_t)k;
    }
done:
    if (fd >= 0)
        close(fd);
    free(path);
    free(real);
    free(root);
    return code;
}
