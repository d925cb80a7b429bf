/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A model put together node by node: a patch over a model that has inputs only. */
#include "model/file/builder.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_INPUTS = 64 };

struct builder {
    ff_arena *names;
    ff_map *taken; /* names of values */
    ff_patch *patch;
    int n_inputs, n_outputs;
    const char *inputs[MOST_INPUTS];
    ff_shape shapes[MOST_INPUTS];
    bool too_many;
    size_t capacity;
    const char **outputs;
    ff_shape *output_shapes;
    const char *last; /* the node made last: the next one comes behind it */
};

builder *builder_create(void)
{
    builder *b = ff_alloc(sizeof *b);
    b->names = ff_arena_create();
    b->taken = ff_map_create();
    b->patch = ff_patch_create();
    return b;
}

void builder_destroy(builder *b)
{
    if (b == NULL)
        return;
    ff_arena_destroy(b->names);
    ff_map_destroy(b->taken, NULL);
    ff_patch_destroy(b->patch);
    free(b->outputs);
    free(b->output_shapes);
    free(b);
}

const char *builder_name(builder *b, const char *stem)
{
    const char *name = *stem ? stem : "value";
    if (ff_map_get(b->taken, name) == NULL) {
        name = ff_arena_strdup(b->names, name);
        ff_map_put(b->taken, name, (void *)name);
        return name;
    }
    /* Counted from the last one of this stem, so that a thousand layers of one name stay cheap. */
    const char *counter = ff_arena_printf(b->names, "\x01%s", stem);
    uintptr_t n = (uintptr_t)ff_map_get(b->taken, counter);
    do
        name = ff_arena_printf(b->names, "%s_%llu", *stem ? stem : "value", (unsigned long long)++n);
    while (ff_map_get(b->taken, name) != NULL);
    ff_map_put(b->taken, counter, (void *)n);
    ff_map_put(b->taken, name, (void *)name);
    return name;
}

const char *builder_keep(builder *b, const char *text)
{
    return ff_arena_strdup(b->names, text);
}

const char *builder_input(builder *b, const char *name, const ff_shape *shape)
{
    if (b->n_inputs == MOST_INPUTS) {
        b->too_many = true;
        return "";
    }
    b->shapes[b->n_inputs] = *shape;
    return b->inputs[b->n_inputs++] = builder_name(b, name);
}

const char *builder_constant(builder *b, const char *stem, ff_tensor *t)
{
    const char *name = builder_name(b, stem);
    ff_patch_set_initializer(b->patch, name, t);
    ff_tensor_unref(t);
    return name;
}

/* Small tensors of a fixed size: that they cannot be had is no case of its own. */
static ff_tensor *small(ff_dtype type, int rank, int64_t n)
{
    ff_tensor *t = NULL;
    if (ff_tensor_create(type, rank, &n, &t) != FF_OK)
        abort();
    return t;
}

const char *builder_ints(builder *b, const char *stem, int n, const int64_t *v)
{
    ff_tensor *t = small(FF_INT64, 1, n);
    for (int i = 0; i < n; i++)
        ((int64_t *)t->data)[i] = v[i];
    return builder_constant(b, stem, t);
}

const char *builder_int(builder *b, const char *stem, int64_t v)
{
    ff_tensor *t = small(FF_INT64, 0, 0);
    *(int64_t *)t->data = v;
    return builder_constant(b, stem, t);
}

const char *builder_real(builder *b, const char *stem, double v)
{
    ff_tensor *t = small(FF_FLOAT, 0, 0);
    *(float *)t->data = (float)v;
    return builder_constant(b, stem, t);
}

void builder_node_of(builder *b, const char *domain, const char *op, const char *name, int n_inputs,
                     const char *const *inputs, int n_attrs, const ff_attr *attrs, int n_outputs, const char **outputs)
{
    for (int i = 0; i < n_outputs; i++) {
        char *stem = i ? ff_asprintf("%s:%d", name, i) : ff_strdup(name);
        outputs[i] = builder_name(b, stem);
        free(stem);
    }
    ff_node_spec spec = {.name = outputs[0],
                         .op = op,
                         .domain = domain,
                         .n_inputs = n_inputs,
                         .n_outputs = n_outputs,
                         .n_attrs = n_attrs,
                         .inputs = inputs,
                         .outputs = outputs,
                         .attrs = attrs};
    ff_patch_insert_node(b->patch, &spec, b->last);
    b->last = outputs[0];
}

const char *builder_node(builder *b, const char *op, const char *name, int n_inputs, const char *const *inputs,
                         int n_attrs, const ff_attr *attrs)
{
    const char *output;
    builder_node_of(b, "", op, name, n_inputs, inputs, n_attrs, attrs, 1, &output);
    return output;
}

const char *builder_unary(builder *b, const char *op, const char *name, const char *x, int n_attrs,
                          const ff_attr *attrs)
{
    return builder_node(b, op, name, 1, &x, n_attrs, attrs);
}

const char *builder_binary(builder *b, const char *op, const char *name, const char *x, const char *y)
{
    const char *inputs[] = {x, y};
    return builder_node(b, op, name, 2, inputs, 0, NULL);
}

const char *builder_transpose(builder *b, const char *name, const char *x, int rank, const int64_t *perm)
{
    ff_attr a = attr_ints("perm", rank, perm);
    return builder_unary(b, "Transpose", name, x, 1, &a);
}

const char *builder_reshape(builder *b, const char *name, const char *x, int rank, const int64_t *dims)
{
    char *stem = ff_asprintf("%s/shape", name);
    const char *inputs[] = {x, builder_ints(b, stem, rank, dims)};
    free(stem);
    return builder_node(b, "Reshape", name, 2, inputs, 0, NULL);
}

void builder_output(builder *b, const char *value, const char *name, const ff_shape *shape)
{
    size_t other = b->capacity;
    ff_grow(&b->outputs, &b->capacity, (size_t)b->n_outputs + 1, sizeof *b->outputs);
    if (other != b->capacity)
        b->output_shapes = ff_realloc_array(b->output_shapes, b->capacity, sizeof *b->output_shapes);
    /* The output is a name of its own: an input, or what other nodes read, may be one as well. */
    b->outputs[b->n_outputs] = strcmp(value, name) == 0 ? value : builder_unary(b, "Identity", name, value, 0, NULL);
    b->output_shapes[b->n_outputs++] = *shape;
}

int builder_finish(builder *b, const char *producer, ff_model **out)
{
    ff_model *empty = NULL;
    int code = b->too_many ? ff_fail(FF_ERR_INPUT, "more than %d inputs", MOST_INPUTS) : FF_OK;
    if (code == FF_OK)
        code = ff_model_create(producer, BUILDER_IR, BUILDER_OPSET, "main", b->n_inputs, b->inputs, b->shapes, &empty);
    for (int i = 0; i < b->n_outputs; i++)
        ff_patch_add_output(b->patch, b->outputs[i], &b->output_shapes[i]);
    if (code == FF_OK)
        code = ff_model_apply(empty, b->patch, out, NULL);
    ff_model_unref(empty);
    builder_destroy(b);
    return code;
}

ff_attr attr_int(const char *name, int64_t v)
{
    return (ff_attr){.name = name, .type = FF_ATTR_INT, .i = v};
}

ff_attr attr_real(const char *name, double v)
{
    return (ff_attr){.name = name, .type = FF_ATTR_FLOAT, .f = (float)v};
}

ff_attr attr_text(const char *name, const char *v)
{
    return (ff_attr){.name = name, .type = FF_ATTR_STRING, .s = v, .s_len = strlen(v)};
}

ff_attr attr_ints(const char *name, int n, const int64_t *v)
{
    return (ff_attr){.name = name, .type = FF_ATTR_INTS, .n = (size_t)n, .ints = v};
}
