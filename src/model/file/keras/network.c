/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Networks of layers: Sequential ones, and Functional ones, where each layer names the values that it is called with as
 * (layer, call, output). Either may be a layer of another. */
#include "model/file/keras/keras.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_DEPTH = 16,
    MOST_LAYERS = 20000,
    MOST_ARGUMENTS = 64,
    MOST_OUTPUTS = 8, /* of one layer */
};

/* What a layer made when it was called for the n-th time. */
typedef struct call {
    const char *layer;
    int number, n_outputs;
    keras_value outputs[MOST_OUTPUTS];
} call;

typedef struct network {
    keras_reader *r;
    int n_calls;
    size_t capacity;
    call *calls;
    ff_map *classes; /* .keras: how many layers of each class came before, for their paths */
    const char *path;
} network;

static bool is_network(const char *class)
{
    return strcmp(class, "Sequential") == 0 || strcmp(class, "Functional") == 0 || strcmp(class, "Model") == 0;
}

/* Has a class of the user's the form of a network? Then it is read as one. */
static bool looks_like_network(const char *class, const json_t *config)
{
    return is_network(class) || (json_is_array(json_object_get(config, "layers")) &&
                                 json_is_array(json_object_get(config, "output_layers")));
}

/* Keras 3 names the folders of weights by class: "SeparableConv2D" is separable_conv2d, the second separable_conv2d_1. */
static char *folder_of(network *n, const char *class)
{
    ff_buf b = {0};
    for (const char *p = class; *p; p++) {
        bool upper = isupper((unsigned char)*p);
        bool after = p > class && (islower((unsigned char)p[-1]) || isdigit((unsigned char)p[-1]));
        bool before = p > class && p[1] && islower((unsigned char)p[1]) && isupper((unsigned char)p[-1]);
        if (upper && ((after && (islower((unsigned char)p[-1]) || (p[1] && islower((unsigned char)p[1])))) || before))
            ff_buf_putc(&b, '_');
        ff_buf_putc(&b, (char)tolower((unsigned char)*p));
    }
    uintptr_t count = (uintptr_t)ff_map_get(n->classes, b.data);
    ff_map_put(n->classes, b.data, (void *)(count + 1));
    char *path =
        count ? ff_asprintf("%s%slayers/%s_%llu", n->path, *n->path ? "/" : "", b.data, (unsigned long long)count)
              : ff_asprintf("%s%slayers/%s", n->path, *n->path ? "/" : "", b.data);
    ff_buf_finish(&b);
    return path;
}

/* Where the weights of a layer are. A .h5 has a group for each layer of the outermost network. */
static char *path_of(network *n, const char *class, const char *name)
{
    if (n->r->by_number)
        return folder_of(n, class);
    return n->r->depth == 1 ? ff_asprintf("%s%s%s", n->path, *n->path ? "/" : "", name) : ff_strdup(n->path);
}

static const keras_value *value_of(const network *n, const char *layer, int64_t number, int64_t output)
{
    for (int i = 0; i < n->n_calls; i++)
        if (n->calls[i].number == number && output >= 0 && output < n->calls[i].n_outputs &&
            strcmp(n->calls[i].layer, layer) == 0)
            return &n->calls[i].outputs[output];
    return NULL;
}

static call *add_call(network *n, const char *layer)
{
    int number = 0;
    for (int i = 0; i < n->n_calls; i++)
        number += strcmp(n->calls[i].layer, layer) == 0;
    ff_grow(&n->calls, &n->capacity, (size_t)n->n_calls + 1, sizeof *n->calls);
    call *c = &n->calls[n->n_calls++];
    *c = (call){.layer = layer, .number = number};
    return c;
}

/* ------------------------------------------------------------------------------------ references */

/* One value that is named: ["conv", 0, 0, ...]. */
typedef struct reference {
    const char *layer;
    int64_t number, output;
} reference;

static bool is_reference(const json_t *j, reference *out)
{
    if (!json_is_array(j) || json_array_size(j) < 3 || !json_is_string(json_array_get(j, 0)) ||
        !json_is_integer(json_array_get(j, 1)) || !json_is_integer(json_array_get(j, 2)))
        return false;
    *out = (reference){json_string_value(json_array_get(j, 0)), json_integer_value(json_array_get(j, 1)),
                       json_integer_value(json_array_get(j, 2))};
    return true;
}

/* All of them in order, however they are nested; Keras 3 wraps them in objects with a "keras_history". */
static void collect(const json_t *j, int depth, reference *out, int *n)
{
    reference one;
    const json_t *v;
    const char *key;
    size_t i;
    if (depth > MOST_DEPTH || *n == MOST_ARGUMENTS)
        return;
    if (is_reference(j, &one)) {
        out[(*n)++] = one;
        collect(json_array_get(j, 3), depth + 1, out, n);
        return;
    }
    json_array_foreach(j, i, v) collect(v, depth + 1, out, n);
    json_object_foreach((json_t *)(uintptr_t)j, key, v) collect(v, depth + 1, out, n);
}

int keras_reference_names(const json_t *j, const char **names, int most)
{
    reference refs[MOST_ARGUMENTS];
    int n = 0;
    collect(j, 0, refs, &n);
    for (int i = 0; i < n && i < most; i++)
        names[i] = refs[i].layer;
    return n < most ? n : most;
}

/* The values of references. FF_OK; *ready false: one is not made yet. */
static int resolve(const network *n, const reference *refs, int count, keras_value *out, bool *ready)
{
    *ready = true;
    for (int i = 0; i < count; i++) {
        const keras_value *v = value_of(n, refs[i].layer, refs[i].number, refs[i].output);
        if (v)
            out[i] = *v;
        else
            *ready = false;
    }
    return FF_OK;
}

/* ----------------------------------------------------------------------------------------- layers */

/* Calls a layer once; what it makes is noted under its name. */
static int call_layer(network *n, const char *class, const char *name, const char *path, const json_t *config,
                      const json_t *with, int n_inputs, const keras_value *inputs)
{
    keras_layer l = {.r = n->r,
                     .class = class,
                     .name = name,
                     .path = path,
                     .config = config,
                     .call = with,
                     .n_inputs = n_inputs,
                     .inputs = inputs};
    int code;
    if (looks_like_network(class, config))
        code = keras_network(n->r, class, config, path, n_inputs, inputs, l.outputs, MOST_OUTPUTS, &l.n_outputs);
    else
        code = keras_emit(&l);
    if (code)
        return code;
    call *c = add_call(n, name);
    c->n_outputs = l.n_outputs;
    memcpy(c->outputs, l.outputs, sizeof c->outputs);
    return FF_OK;
}

static int sequential(network *n, const json_t *config, int n_inputs, const keras_value *inputs, keras_value *outputs,
                      int *n_outputs)
{
    /* Keras 1 and 2.0 wrote the list of layers alone. */
    const json_t *layers = json_is_array(config) ? config : json_object_get(config, "layers"), *layer;
    keras_value at = n_inputs ? inputs[0] : (keras_value){0};
    size_t i;
    int code = n_inputs == 1 ? FF_OK : ff_fail(FF_ERR_INPUT, "a Sequential model with %d inputs", n_inputs);
    json_array_foreach(layers, i, layer)
    {
        const char *class = config_text(layer, "class_name", "?");
        const json_t *c = json_object_get(layer, "config");
        const char *name = config_text(c, "name", class);
        if (code || strcmp(class, "InputLayer") == 0)
            continue;
        char *path = path_of(n, class, name);
        code = call_layer(n, class, name, path, c, NULL, 1, &at);
        if (code == FF_OK)
            at = n->calls[n->n_calls - 1].outputs[0];
        free(path);
    }
    *n_outputs = 1;
    outputs[0] = at;
    return code;
}

/* A layer of a Functional network in the making: which of its calls have been made. */
typedef struct pending {
    const json_t *layer;
    const char *class, *name;
    char *path;
    size_t done;
} pending;

/* Makes the calls of one layer that can be made; *some: at least one was. */
static int advance(network *n, pending *p, bool *some, bool *all)
{
    const json_t *nodes = json_object_get(p->layer, "inbound_nodes");
    while (p->done < json_array_size(nodes)) {
        const json_t *with = json_array_get(nodes, p->done);
        reference refs[MOST_ARGUMENTS];
        keras_value inputs[MOST_ARGUMENTS];
        int count = 0;
        bool ready;
        collect(with, 0, refs, &count);
        int code = resolve(n, refs, count, inputs, &ready);
        if (code || !ready) {
            *all = false;
            return code;
        }
        code = call_layer(n, p->class, p->name, p->path, json_object_get(p->layer, "config"), with, count, inputs);
        if (code)
            return code;
        p->done++;
        *some = true;
    }
    return FF_OK;
}

static int input_of(network *n, const json_t *config, const char *name, int n_inputs, const keras_value *inputs)
{
    reference refs[MOST_ARGUMENTS];
    int count = 0;
    collect(json_object_get(config, "input_layers"), 0, refs, &count);
    for (int i = 0; i < count && i < n_inputs; i++)
        if (strcmp(refs[i].layer, name) == 0) {
            call *c = add_call(n, name);
            c->n_outputs = 1;
            c->outputs[0] = inputs[i];
            return FF_OK;
        }
    return ff_fail(FF_ERR_INPUT, "'%s' is none of the model's inputs", name);
}

static int functional(network *n, const json_t *config, int n_inputs, const keras_value *inputs, keras_value *outputs,
                      int most, int *n_outputs)
{
    const json_t *layers = json_object_get(config, "layers"), *layer;
    size_t count = json_array_size(layers), i;
    int code = count > MOST_LAYERS ? ff_fail(FF_ERR_INPUT, "more than %d layers", MOST_LAYERS) : FF_OK;
    pending *all = ff_alloc_array(count + 1, sizeof *all);
    json_array_foreach(layers, i, layer)
    {
        pending *p = &all[i];
        p->layer = layer;
        p->class = config_text(layer, "class_name", "?");
        p->name = config_text(layer, "name", config_text(json_object_get(layer, "config"), "name", p->class));
        if (code == FF_OK)
            p->path = path_of(n, p->class, p->name);
        if (code == FF_OK && strcmp(p->class, "InputLayer") == 0)
            code = input_of(n, config, p->name, n_inputs, inputs);
    }
    /* Mostly they stand in an order in which they can be called; a layer that is called twice need not. */
    for (bool some = true, done = false; some && !done && code == FF_OK;) {
        some = false;
        done = true;
        for (i = 0; i < count && code == FF_OK; i++)
            if (strcmp(all[i].class, "InputLayer") != 0)
                code = advance(n, &all[i], &some, &done);
    }
    reference refs[MOST_ARGUMENTS];
    bool ready = true;
    int found = 0;
    collect(json_object_get(config, "output_layers"), 0, refs, &found);
    if (code == FF_OK && (found < 1 || found > most))
        code = ff_fail(FF_ERR_INPUT, "a model with %d outputs", found);
    if (code == FF_OK)
        code = resolve(n, refs, found, outputs, &ready);
    if (code == FF_OK && !ready)
        code = ff_fail(FF_ERR_INPUT, "an output hangs on a layer that is never called");
    *n_outputs = found;
    for (i = 0; i < count; i++)
        free(all[i].path);
    free(all);
    return code;
}

int keras_network(keras_reader *r, const char *class, const json_t *config, const char *path, int n_inputs,
                  const keras_value *inputs, keras_value *outputs, int most, int *n_outputs)
{
    network n = {.r = r, .path = path, .classes = ff_map_create()};
    int code;
    if (++r->depth > MOST_DEPTH)
        code = ff_fail(FF_ERR_INPUT, "networks are nested deeper than %d", MOST_DEPTH);
    else if (strcmp(class, "Sequential") == 0 || json_is_array(config))
        code = sequential(&n, config, n_inputs, inputs, outputs, n_outputs);
    else
        code = functional(&n, config, n_inputs, inputs, outputs, most, n_outputs);
    r->depth--;
    ff_map_destroy(n.classes, NULL);
    free(n.calls);
    return code;
}
