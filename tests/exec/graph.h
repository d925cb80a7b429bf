/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small models for tests, written as ONNX files in memory. */
#ifndef FETAFIX_TESTS_EXEC_GRAPH_H
#define FETAFIX_TESTS_EXEC_GRAPH_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fetafix/exec.h"

typedef struct net {
    ff_buf graph; /* fields of GraphProto */
    int64_t opset;
    int n_names;
    int n_weights, edit; /* weights number `edit` are scaled */
    ff_rng rng;
} net;

typedef struct name {
    char s[16];
} name;

static inline void wire_varint(ff_buf *b, uint64_t v)
{
    for (; v >= 128; v >>= 7)
        ff_buf_putc(b, (char)(v | 128));
    ff_buf_putc(b, (char)v);
}

static inline void wire_int(ff_buf *b, int field, int64_t v)
{
    wire_varint(b, (uint64_t)field << 3);
    wire_varint(b, (uint64_t)v);
}

static inline void wire_bytes(ff_buf *b, int field, const void *data, size_t n)
{
    wire_varint(b, (uint64_t)field << 3 | 2);
    wire_varint(b, n);
    ff_buf_add(b, data, n);
}

static inline void wire_text(ff_buf *b, int field, const char *s)
{
    wire_bytes(b, field, s, strlen(s));
}

/* Moves `part` into a field of b. */
static inline void wire_part(ff_buf *b, int field, ff_buf *part)
{
    wire_bytes(b, field, part->data ? part->data : "", part->len);
    ff_buf_finish(part);
}

static inline name net_name(net *n, const char *stem)
{
    name x;

    snprintf(x.s, sizeof x.s, "%.6s%d", stem, n->n_names++ % 100000);
    return x;
}

static inline name net_tensor(net *n, ff_dtype type, int rank, const int64_t *dims, const void *data)
{
    name x = net_name(n, "w");
    ff_buf t = {0};
    size_t bytes = ff_dtype_size(type);

    for (int i = 0; i < rank; i++) {
        wire_int(&t, 1, dims[i]);
        bytes *= (size_t)dims[i];
    }
    wire_int(&t, 2, type);
    wire_text(&t, 8, x.s);
    wire_bytes(&t, 9, data, bytes);
    wire_part(&n->graph, 5, &t);
    return x;
}

/* Random normal weights. */
static inline name net_weights(net *n, double scale, double mean, int rank, const int64_t *dims)
{
    size_t count = 1;

    for (int i = 0; i < rank; i++)
        count *= (size_t)dims[i];
    float *data = ff_alloc_array(count + 1, sizeof *data);
    double factor = n->n_weights++ == n->edit ? 1.5 : 1;
    for (size_t i = 0; i < count; i++)
        data[i] = (float)(factor * (mean + scale * ff_rng_normal(&n->rng)));
    name x = net_tensor(n, FF_FLOAT, rank, dims, data);
    free(data);
    return x;
}

static inline name net_scalar(net *n, float v)
{
    return net_tensor(n, FF_FLOAT, 0, NULL, &v);
}

static inline name net_ints(net *n, int64_t count, const int64_t *v)
{
    return net_tensor(n, FF_INT64, 1, &count, v);
}

static inline void value_info(ff_buf *b, int field, const char *s, ff_dtype type, int rank, const int64_t *dims)
{
    ff_buf info = {0}, t = {0}, tensor = {0}, shape = {0};

    for (int i = 0; i < rank; i++) {
        ff_buf dim = {0};
        if (dims[i] >= 0)
            wire_int(&dim, 1, dims[i]);
        wire_part(&shape, 1, &dim);
    }
    wire_int(&tensor, 1, type);
    if (rank >= 0)
        wire_part(&tensor, 2, &shape);
    wire_part(&t, 1, &tensor);
    wire_text(&info, 1, s);
    wire_part(&info, 2, &t);
    wire_part(b, field, &info);
}

static inline name net_input(net *n, int rank, const int64_t *dims)
{
    name x = net_name(n, "x");

    value_info(&n->graph, 11, x.s, FF_FLOAT, rank, dims);
    return x;
}

static inline void net_output(net *n, name x)
{
    value_info(&n->graph, 12, x.s, FF_FLOAT, -1, NULL);
}

/* Attributes: "pads=1,1,0,0" ints, "axis=:1" an int, "epsilon=.0.001" a float, "mode='edge" a
 * string. */
static inline void wire_attr(ff_buf *node, const char *text)
{
    ff_buf a = {0};
    const char *at = strchr(text, '=');

    wire_bytes(&a, 1, text, (size_t)(at - text));
    at++;
    if (*at == ':') {
        wire_int(&a, 3, atoll(at + 1));
        wire_int(&a, 20, FF_ATTR_INT);
    } else if (*at == '.') {
        float f = strtof(at + 1, NULL);
        wire_varint(&a, 2 << 3 | 5);
        ff_buf_add(&a, &f, 4);
        wire_int(&a, 20, FF_ATTR_FLOAT);
    } else if (*at == '\'') {
        wire_text(&a, 4, at + 1);
        wire_int(&a, 20, FF_ATTR_STRING);
    } else {
        for (char *end; *at; at = *end ? end + 1 : end)
            wire_int(&a, 8, strtoll(at, &end, 10));
        wire_int(&a, 20, FF_ATTR_INTS);
    }
    wire_part(node, 5, &a);
}

/* A node with one output. inputs: names separated by blanks, "-" for one left out; then attributes
 * up to NULL. */
static inline name net_node(net *n, const char *op, const char *inputs, ...)
{
    name x = net_name(n, op);
    ff_buf node = {0};
    va_list args;

    for (const char *at = inputs; *at;) {
        size_t len = strcspn(at, " ");
        wire_bytes(&node, 1, at, len == 1 && *at == '-' ? 0 : len);
        at += len + (at[len] != 0);
    }
    wire_text(&node, 2, x.s);
    wire_text(&node, 3, x.s);
    wire_text(&node, 4, op);
    va_start(args, inputs);
    for (const char *a; (a = va_arg(args, const char *));)
        wire_attr(&node, a);
    va_end(args);
    wire_part(&n->graph, 1, &node);
    return x;
}

static inline const char *names(name a, name b)
{
    static char s[64];

    snprintf(s, sizeof s, "%s %s", a.s, b.s);
    return s;
}

static inline const char *names3(name a, name b, name c)
{
    static char s[64];

    snprintf(s, sizeof s, "%s %s %s", a.s, b.s, c.s);
    return s;
}

static inline int net_try(net *n, ff_model **out)
{
    ff_buf model = {0}, opset = {0};

    wire_int(&model, 1, 7);
    wire_text(&n->graph, 2, "test");
    wire_part(&model, 7, &n->graph);
    wire_text(&opset, 1, "");
    wire_int(&opset, 2, n->opset);
    wire_part(&model, 8, &opset);
    int code = ff_model_parse(model.data, model.len, NULL, out);
    ff_buf_finish(&model);
    return code;
}

static inline ff_model *net_model(net *n)
{
    ff_model *m = NULL;

    if (net_try(n, &m) != FF_OK) {
        fprintf(stderr, "test model: %s\n", ff_error());
        abort();
    }
    return m;
}

static inline ff_tensor *random_tensor(uint64_t seed, const ff_shape *s)
{
    ff_rng rng = {seed};
    ff_tensor *t;

    if (ff_tensor_create(FF_FLOAT, s->rank, s->dims, &t) != FF_OK)
        abort();
    for (int64_t i = 0; i < t->count; i++)
        ((float *)t->data)[i] = (float)ff_rng_normal(&rng);
    return t;
}

/* |a - b| / |b|, L2. */
static inline double tensor_error(const ff_tensor *a, const ff_tensor *b)
{
    double d = 0, n = 0;

    if (a->count != b->count)
        return INFINITY;
    for (int64_t i = 0; i < b->count; i++) {
        double x = ff_tensor_get_real(a, i), y = ff_tensor_get_real(b, i);
        d += (x - y) * (x - y);
        n += y * y;
    }
    return n > 0 ? __builtin_sqrt(d / n) : d > 0 ? INFINITY : 0;
}

#endif
