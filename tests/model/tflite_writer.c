/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tflite_writer.h"

#include <string.h>

static void put_zeros(ff_buf *b, size_t n)
{
    static const char zeros[64];
    ff_buf_add(b, zeros, n);
}

static void align(ff_buf *b, size_t to)
{
    put_zeros(b, (to - b->len % to) % to);
}

static void store(ff_buf *b, size_t at, int width, uint64_t v)
{
    for (int i = 0; i < width; i++)
        b->data[at + (size_t)i] = (char)(v >> 8 * i);
}

static int width_of(char c)
{
    return c == '-' ? 0 : c == 'o' ? 4 : c - '0';
}

size_t put_table(ff_buf *b, const char *fields)
{
    int n = (int)strlen(fields), size = 4, places[64] = {0};
    for (int i = 0; i < n; i++) {
        int w = width_of(fields[i]);
        if (w) {
            size = (size + w - 1) / w * w;
            places[i] = size;
            size += w;
        }
    }
    align(b, 8);
    size_t vtable = b->len;
    put_zeros(b, 4 + 2 * (size_t)n);
    align(b, 8);
    size_t table = b->len;
    for (int left = size; left > 0; left -= 64)
        put_zeros(b, (size_t)(left < 64 ? left : 64));
    store(b, vtable, 2, 4 + 2 * (uint64_t)n);
    store(b, vtable + 2, 2, (uint64_t)size);
    for (int i = 0; i < n; i++)
        store(b, vtable + 4 + 2 * (size_t)i, 2, (uint64_t)places[i]);
    store(b, table, 4, table - vtable);
    return table;
}

static size_t place(const ff_buf *b, size_t table, int field)
{
    uint32_t back = 0;
    for (int i = 3; i >= 0; i--)
        back = back << 8 | (uint8_t)b->data[table + (size_t)i];
    size_t entry = table - back + 4 + 2 * (size_t)field;
    return table + (uint8_t)b->data[entry] + ((size_t)(uint8_t)b->data[entry + 1] << 8);
}

void set_number(ff_buf *b, size_t table, int field, int width, int64_t v)
{
    store(b, place(b, table, field), width, (uint64_t)v);
}

void set_real(ff_buf *b, size_t table, int field, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, 4);
    store(b, place(b, table, field), 4, bits);
}

static void link_place(ff_buf *b, size_t at)
{
    store(b, at, 4, b->len - at);
}

/* A table begins behind its vtable: it is linked once it is put, by where it is. */
static void link_table(ff_buf *b, size_t at, size_t table)
{
    store(b, at, 4, table - at);
}

void link_field(ff_buf *b, size_t table, int field)
{
    link_place(b, place(b, table, field));
}

/* The length of a vector, so that its elements are aligned to 16 bytes. */
static void begin_vector(ff_buf *b, size_t table, int field, uint64_t n)
{
    align(b, 16);
    put_zeros(b, 12);
    link_field(b, table, field);
    put_zeros(b, 4);
    store(b, b->len - 4, 4, n);
}

void put_bytes(ff_buf *b, size_t table, int field, const void *bytes, size_t n)
{
    begin_vector(b, table, field, n);
    ff_buf_add(b, bytes, n);
    put_zeros(b, 1); /* behind texts */
}

void put_numbers(ff_buf *b, size_t table, int field, int width, int n, const int64_t *v)
{
    begin_vector(b, table, field, (uint64_t)n);
    for (int i = 0; i < n; i++) {
        put_zeros(b, (size_t)width);
        store(b, b->len - (size_t)width, width, (uint64_t)v[i]);
    }
}

void put_reals(ff_buf *b, size_t table, int field, int n, const float *v)
{
    begin_vector(b, table, field, (uint64_t)n);
    ff_buf_add(b, v, (size_t)n * 4);
}

size_t put_list(ff_buf *b, size_t table, int field, int n)
{
    begin_vector(b, table, field, (uint64_t)n);
    size_t list = b->len;
    for (int i = 0; i < n; i++)
        put_zeros(b, 4);
    return list;
}

void link_entry(ff_buf *b, size_t list, int i)
{
    link_place(b, list + 4 * (size_t)i);
}

static size_t put_entry(ff_buf *b, size_t list, int i, const char *fields)
{
    size_t table = put_table(b, fields);
    link_table(b, list + 4 * (size_t)i, table);
    return table;
}

static size_t put_field_table(ff_buf *b, size_t table, int field, const char *fields)
{
    size_t inner = put_table(b, fields);
    link_table(b, place(b, table, field), inner);
    return inner;
}

static void put_tensor(ff_buf *b, size_t list, int i, const tiny_tensor *t)
{
    size_t table = put_entry(b, list, i, t->n_scales ? "o14oo" : "o14o");
    int64_t dims[4];
    for (int k = 0; k < t->rank; k++)
        dims[k] = t->dims[k];
    set_number(b, table, 1, 1, t->type);
    set_number(b, table, 2, 4, t->data ? i + 1 : 0);
    put_numbers(b, table, 0, 4, t->rank, dims);
    put_bytes(b, table, 3, t->name, strlen(t->name));
    if (t->n_scales) {
        size_t q = put_field_table(b, table, 4, "--oo--4");
        put_reals(b, q, 2, t->n_scales, t->scales);
        put_numbers(b, q, 3, 8, t->n_scales, t->zeros);
        set_number(b, q, 6, 4, t->axis);
    }
}

static void put_op(ff_buf *b, size_t list, int i, const tiny_op *o)
{
    size_t table = put_entry(b, list, i, o->options ? "4oo1o" : "4oo");
    set_number(b, table, 0, 4, i);
    put_numbers(b, table, 1, 4, o->n_in, o->in);
    put_numbers(b, table, 2, 4, o->n_out, o->out);
    if (o->options == NULL)
        return;
    set_number(b, table, 3, 1, o->options_type);
    size_t options = put_field_table(b, table, 4, o->options);
    for (int k = 0, v = 0; o->options[k] && v < o->n_values; k++)
        if (o->options[k] != '-') {
            set_number(b, options, k, width_of(o->options[k]), o->values[v]);
            v++;
        }
}

void put_model(ff_buf *b, int n_tensors, const tiny_tensor *tensors, int n_ops, const tiny_op *ops, int input,
               int output)
{
    int64_t in = input, out = output;
    ff_buf_add(b, "\0\0\0\0TFL3", 8);
    size_t root = put_table(b, "4oooo");
    store(b, 0, 4, root);
    set_number(b, root, 0, 4, 3);
    size_t codes = put_list(b, root, 1, n_ops);
    for (int i = 0; i < n_ops; i++) {
        size_t code = put_entry(b, codes, i, ops[i].custom ? "1o-4" : "1--4");
        set_number(b, code, 0, 1, ops[i].code < 127 ? ops[i].code : 127);
        set_number(b, code, 3, 4, ops[i].code);
        if (ops[i].custom)
            put_bytes(b, code, 1, ops[i].custom, strlen(ops[i].custom));
    }
    size_t graphs = put_list(b, root, 2, 1), graph = put_entry(b, graphs, 0, "oooo");
    size_t list = put_list(b, graph, 0, n_tensors);
    for (int i = 0; i < n_tensors; i++)
        put_tensor(b, list, i, &tensors[i]);
    put_numbers(b, graph, 1, 4, 1, &in);
    put_numbers(b, graph, 2, 4, 1, &out);
    list = put_list(b, graph, 3, n_ops);
    for (int i = 0; i < n_ops; i++)
        put_op(b, list, i, &ops[i]);
    put_bytes(b, root, 3, "tiny", 4);
    list = put_list(b, root, 4, n_tensors + 1);
    for (int i = 0; i <= n_tensors; i++) {
        const tiny_tensor *t = i ? &tensors[i - 1] : NULL;
        size_t buffer = put_entry(b, list, i, t && t->data ? "o" : "-");
        if (t && t->data)
            put_bytes(b, buffer, 0, t->data, t->bytes);
    }
}
