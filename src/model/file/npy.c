/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tensors alone in a file: TensorProto (the ONNX test data) and NPY (format 1.0 to 3.0). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/graph/document.h"

#define MAX_FILE ((uint64_t)8 << 30)

int ff_tensor_load_pb(const char *path, ff_tensor **out)
{
    char *data;
    size_t size;
    bool external = false;
    int code = ff_read_file(path, MAX_FILE, &data, &size);

    if (code)
        return code;
    code = wire_scan(&onnx__tensor_proto__descriptor, (const uint8_t *)data, size, "not an ONNX tensor");
    if (code == FF_OK) {
        reader r = {.o = origin_create((const uint8_t *)data, size, false), .data = (const uint8_t *)data};
        code = read_tensor(&r, 0, size, out, NULL, NULL, &external);
        origin_unref(r.o);
    }
    free(data);
    return code ? ff_fail_prefix(code, "'%s'", path) : FF_OK;
}

int ff_tensor_save_pb(const ff_tensor *t, const char *name, const char *path, bool force)
{
    ff_buf b = {0};

    tensor_emit(t, name, NULL, &b);
    int code = ff_write_file(path, b.data, b.len, force);
    ff_buf_finish(&b);
    return code;
}

static const struct {
    char code[4];
    ff_dtype dtype;
} npy_types[] = {
    {"f4", FF_FLOAT},  {"f8", FF_DOUBLE}, {"f2", FF_FLOAT16},   {"u1", FF_UINT8},       {"i1", FF_INT8},
    {"u2", FF_UINT16}, {"i2", FF_INT16},  {"u4", FF_UINT32},    {"i4", FF_INT32},       {"u8", FF_UINT64},
    {"i8", FF_INT64},  {"b1", FF_BOOL},   {"c8", FF_COMPLEX64}, {"c16", FF_COMPLEX128},
};

/* The value of a key in the header, a Python dictionary literal. */
static const char *npy_value(const char *header, const char *key)
{
    char quoted[32];
    const char *s;

    for (const char *quote = "'\""; *quote; quote++) {
        snprintf(quoted, sizeof quoted, "%c%s%c", *quote, key, *quote);
        if ((s = strstr(header, quoted)) == NULL)
            continue;
        s += strlen(quoted);
        s += strspn(s, " ");
        if (*s != ':')
            continue;
        s++;
        return s + strspn(s, " ");
    }
    return NULL;
}

struct npy {
    ff_dtype dtype;
    bool swapped, fortran;
    int rank;
    int64_t dims[FF_MAX_RANK];
};

static int npy_header(const char *header, struct npy *h)
{
    const char *descr = npy_value(header, "descr"), *order = npy_value(header, "fortran_order");
    const char *shape = npy_value(header, "shape");

    if (descr == NULL || order == NULL || shape == NULL || (*descr != '\'' && *descr != '"') || *shape != '(')
        return ff_fail(FF_ERR_INPUT, "malformed NPY header");
    char byte_order = descr[1];
    size_t n = strcspn(descr + 1, "'\"");
    for (size_t i = 0; i < FF_COUNT(npy_types); i++)
        if (n == strlen(npy_types[i].code) + 1 && strncmp(descr + 2, npy_types[i].code, n - 1) == 0)
            h->dtype = npy_types[i].dtype;
    if (h->dtype == FF_UNDEFINED || strchr("<>|=", byte_order) == NULL)
        return ff_fail(FF_ERR_INPUT, "NPY element type '%.*s' is not supported", (int)(n < 20 ? n : 20), descr + 1);
    h->swapped = byte_order == '>';
    h->fortran = strncmp(order, "True", 4) == 0;
    for (shape++; *shape != ')';) {
        char digits[24];
        size_t k = strspn(shape, "0123456789");
        if (k == 0 || k >= sizeof digits || h->rank == FF_MAX_RANK)
            return ff_fail(FF_ERR_INPUT, "malformed NPY shape");
        memcpy(digits, shape, k);
        digits[k] = '\0';
        if (!ff_parse_int(digits, &h->dims[h->rank++]))
            return ff_fail(FF_ERR_INPUT, "malformed NPY shape");
        shape += k;
        shape += strspn(shape, "L ");
        if (*shape == ',')
            shape++;
        else if (*shape != ')')
            return ff_fail(FF_ERR_INPUT, "malformed NPY shape");
        shape += strspn(shape, " ");
    }
    return FF_OK;
}

int ff_tensor_parse_npy(const uint8_t *data, size_t size, ff_tensor **out)
{
    struct npy h = {0};
    int64_t count;
    ff_tensor *t;

    if (size < 10 || memcmp(data, "\x93NUMPY", 6) != 0 || data[6] < 1 || data[6] > 3)
        return ff_fail(FF_ERR_INPUT, "not an NPY file");
    size_t at = data[6] == 1 ? 10 : 12, n = data[8] | (size_t)data[9] << 8;
    if (data[6] > 1 && size >= 12)
        n |= (size_t)data[10] << 16 | (size_t)data[11] << 24;
    if (at > size || n > size - at)
        return ff_fail(FF_ERR_INPUT, "truncated NPY file");
    char *header = ff_strndup((const char *)data + at, n);
    int code = npy_header(header, &h);
    free(header);
    at += n;
    if (code)
        return code;
    if (ff_dims_count(h.dtype, h.rank, h.dims, &count))
        return FF_ERR_INPUT;
    if (size - at != (uint64_t)count * ff_dtype_size(h.dtype))
        return ff_fail(FF_ERR_INPUT, "%zu bytes of data for a shape that needs %llu", size - at,
                       (unsigned long long)count * ff_dtype_size(h.dtype));
    int64_t dims[FF_MAX_RANK];
    int perm[FF_MAX_RANK];
    for (int i = 0; i < h.rank; i++) { /* column-major data is the transposed array */
        dims[i] = h.fortran ? h.dims[h.rank - 1 - i] : h.dims[i];
        perm[i] = h.rank - 1 - i;
    }
    code = ff_tensor_create(h.dtype, h.rank, dims, &t);
    if (code)
        return code;
    size_t unit = ff_dtype_unit(h.dtype);
    ff_copy_little_endian(t->data, data + at, t->bytes / unit, unit);
    for (uint8_t *p = t->data; h.swapped && p < (uint8_t *)t->data + t->bytes; p += unit)
        for (size_t j = 0; j < unit / 2; j++) {
            uint8_t c = p[j];
            p[j] = p[unit - 1 - j];
            p[unit - 1 - j] = c;
        }
    if (h.fortran && h.rank > 1) {
        ff_tensor *turned = NULL;
        code = ff_tensor_transpose(t, perm, &turned);
        ff_tensor_unref(t);
        if (code)
            return code;
        t = turned;
    }
    *out = t;
    return FF_OK;
}

int ff_tensor_load_npy(const char *path, ff_tensor **out)
{
    char *data;
    size_t size;
    int code = ff_read_file(path, MAX_FILE, &data, &size);

    if (code)
        return code;
    code = ff_tensor_parse_npy((const uint8_t *)data, size, out);
    free(data);
    return code ? ff_fail_prefix(code, "'%s'", path) : FF_OK;
}

int ff_tensor_save_npy(const ff_tensor *t, const char *path, bool force)
{
    const char *type = NULL;
    ff_buf b = {0}, header = {0};

    for (size_t i = 0; i < FF_COUNT(npy_types); i++)
        if (npy_types[i].dtype == t->dtype)
            type = npy_types[i].code;
    if (type == NULL)
        return ff_fail(FF_ERR_USAGE, "'%s': NPY cannot hold %s", path, ff_dtype_name(t->dtype));
    size_t unit = ff_dtype_unit(t->dtype);
    ff_buf_printf(&header, "{'descr': '%c%s', 'fortran_order': False, 'shape': (", unit == 1 ? '|' : '<', type);
    for (int i = 0; i < t->rank; i++)
        ff_buf_printf(&header, "%s%lld", i ? ", " : "", (long long)t->dims[i]);
    ff_buf_puts(&header, t->rank == 1 ? ",), }" : "), }");
    while ((10 + header.len + 1) % 64 != 0)
        ff_buf_putc(&header, ' ');
    ff_buf_putc(&header, '\n');
    ff_buf_add(&b, "\x93NUMPY\x01\x00", 8);
    ff_buf_putc(&b, (char)(header.len & 255));
    ff_buf_putc(&b, (char)(header.len >> 8));
    ff_buf_add(&b, header.data, header.len);
    size_t at = b.len;
    ff_grow(&b.data, &b.capacity, at + t->bytes + 1, 1);
    ff_copy_little_endian(b.data + at, t->data, t->bytes / unit, unit);
    b.len = at + t->bytes;
    int code = ff_write_file(path, b.data, b.len, force);
    ff_buf_finish(&b);
    ff_buf_finish(&header);
    return code;
}
