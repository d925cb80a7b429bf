/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A Keras file as a model, and its weights written back. */
#include "model/file/keras/keras.h"

#include <stdlib.h>
#include <string.h>

#include "model/file/format.h"

enum { MOST_OUTPUTS = 64, MOST_INPUTS = 64 };

/* What the writer needs, hung on the document. */
typedef struct notes {
    hdf5_file *arrays;
    int n_origins;
    keras_origin *origins;
    ff_arena *names;
} notes;

static void release_notes(void *context)
{
    notes *n = context;
    hdf5_destroy(n->arrays);
    ff_arena_destroy(n->names);
    free(n->origins);
    free(n);
}

/* ------------------------------------------------------------------------------------- the containers */

/* The parts of a file: the text of the network, and the arrays with the folder where they begin. */
typedef struct parts {
    json_t *config; /* {"class_name", "config"}; NULL: there is none */
    hdf5_file *arrays;
    const char *folder;
    bool by_number, newer;
    char *producer;
} parts;

static void parts_finish(parts *p)
{
    json_decref(p->config);
    hdf5_destroy(p->arrays);
    free(p->producer);
}

static int parse_config(const char *text, size_t size, json_t **out)
{
    json_error_t error;
    *out = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (*out == NULL) /* names may stand twice in files that are none the worse for it */
        *out = json_loadb(text, size, JSON_ALLOW_NUL, &error);
    return *out ? FF_OK : ff_fail(FF_ERR_INPUT, "its network is no JSON: line %d: %s", error.line, error.text);
}

static int read_h5(const format_input *in, parts *p)
{
    int code = hdf5_read(in->data, in->size, &p->arrays);
    if (code)
        return code;
    const char *text = hdf5_text(p->arrays, "", "model_config"), *version = hdf5_text(p->arrays, "", "keras_version");
    p->folder = "model_weights";
    p->newer = version && atoi(version) >= 3;
    p->producer = ff_asprintf("keras %s", version ? version : "?");
    return text ? parse_config(text, strlen(text), &p->config)
                : ff_fail(FF_ERR_INPUT, "it holds weights without a network (no 'model_config')");
}

static int take_entry(void *context, const char *name, const uint8_t *bytes, size_t size)
{
    parts *p = context;
    json_t *j;
    if (strcmp(name, "config.json") == 0)
        return p->config ? FF_OK : parse_config((const char *)bytes, size, &p->config);
    if (strcmp(name, "model.weights.h5") == 0)
        return p->arrays ? FF_OK : hdf5_read(bytes, size, &p->arrays);
    if (strcmp(name, "metadata.json") == 0 && !p->producer && parse_config((const char *)bytes, size, &j) == FF_OK) {
        p->producer = ff_asprintf("keras %s", config_text(j, "keras_version", "3"));
        json_decref(j);
    }
    return FF_OK;
}

static int read_keras(const format_input *in, parts *p)
{
    p->folder = "";
    p->by_number = p->newer = true;
    int code = ff_zip_read(in->path, in->data, in->size, (uint64_t)in->size * 64 + (1 << 20), take_entry, p);
    if (code)
        return code;
    if (!p->producer)
        p->producer = ff_strdup("keras 3");
    if (!p->config || !p->arrays)
        return ff_fail(FF_ERR_INPUT, "a ZIP file without %s", p->config ? "model.weights.h5" : "config.json");
    return FF_OK;
}

/* ------------------------------------------------------------------------------------------- inputs */

/* [null, 28, 28, 1], with the batch. */
static bool shape_of(const json_t *j, ff_dtype type, ff_shape *s)
{
    if (!json_is_array(j) || json_array_size(j) < 1 || json_array_size(j) > FF_MAX_RANK)
        return false;
    *s = (ff_shape){.dtype = type, .rank = (int)json_array_size(j)};
    for (int i = 0; i < s->rank; i++) {
        const json_t *d = json_array_get(j, (size_t)i);
        json_int_t v = json_is_integer(d) ? json_integer_value(d) : -1;
        s->dims[i] = v < 0 || v > INT32_MAX ? -1 : v;
    }
    return true;
}

/* The shape that a layer's config says it is fed with. */
static bool declared_shape(const json_t *config, ff_shape *s)
{
    static const char *const names[] = {"batch_input_shape", "batch_shape"};
    const char *text = config_text(config, "dtype", "float32");
    ff_dtype type = strcmp(text, "int32") == 0 ? FF_INT32 : strcmp(text, "int64") == 0 ? FF_INT64 : FF_FLOAT;
    for (size_t i = 0; i < FF_COUNT(names); i++)
        if (shape_of(json_object_get(config, names[i]), type, s))
            return true;
    const json_t *inner = json_object_get(json_object_get(config, "layer"), "config"); /* of a wrapper */
    return inner && declared_shape(inner, s);
}

static int add_input(keras_reader *r, const char *name, const json_t *config, keras_value *inputs, int *n)
{
    ff_shape s;
    if (*n == MOST_INPUTS)
        return ff_fail(FF_ERR_INPUT, "more than %d inputs", MOST_INPUTS);
    if (!declared_shape(config, &s))
        return ff_fail(FF_ERR_INPUT, "input '%s' has no shape", name);
    builder_input(r->b, name, &s);
    inputs[(*n)++] = (keras_value){builder_keep(r->b, name), s, false};
    return FF_OK;
}

/* A Sequential's first layer says what it is fed, or the model itself does; a nested model's does it for all. */
static int sequential_input(keras_reader *r, const json_t *config, keras_value *inputs, int *n)
{
    const json_t *layers = json_is_array(config) ? config : json_object_get(config, "layers");
    const json_t *first = json_array_get(layers, 0), *c = json_object_get(first, "config");
    const json_t *nested = json_array_get(json_object_get(c, "layers"), 0);
    ff_shape s;
    if (!declared_shape(c, &s) && nested)
        c = json_object_get(nested, "config");
    if (!declared_shape(c, &s) && shape_of(json_object_get(config, "build_input_shape"), FF_FLOAT, &s))
        c = json_object_get(config, "build_input_shape") ? NULL : c;
    if (c)
        return add_input(r, "input", c, inputs, n);
    builder_input(r->b, "input", &s);
    inputs[(*n)++] = (keras_value){builder_keep(r->b, "input"), s, false};
    return FF_OK;
}

static const json_t *layer_named(const json_t *layers, const char *name)
{
    const json_t *layer;
    size_t i;
    json_array_foreach(
        layers, i,
        layer) if (strcmp(config_text(layer, "name", config_text(json_object_get(layer, "config"), "name", "")),
                          name) == 0) return layer;
    return NULL;
}

static int functional_inputs(keras_reader *r, const json_t *config, keras_value *inputs, int *n)
{
    const char *names[MOST_INPUTS];
    int count = keras_reference_names(json_object_get(config, "input_layers"), names, MOST_INPUTS);
    for (int i = 0; i < count; i++) {
        const json_t *layer = layer_named(json_object_get(config, "layers"), names[i]);
        int code = add_input(r, names[i], json_object_get(layer, "config"), inputs, n);
        if (code)
            return code;
    }
    return FF_OK;
}

/* ------------------------------------------------------------------------------------------- reading */

/* Names of the outputs: of the layers that make them. */
static void add_outputs(keras_reader *r, const keras_value *outputs, int n)
{
    for (int i = 0; i < n; i++)
        builder_output(r->b, outputs[i].name, builder_keep(r->b, outputs[i].name), &outputs[i].shape);
}

static int build(keras_reader *r, const parts *p)
{
    const char *class = config_text(p->config, "class_name", "?");
    const json_t *config = json_object_get(p->config, "config");
    keras_value inputs[MOST_INPUTS], outputs[MOST_OUTPUTS];
    int n_inputs = 0, n_outputs = 0;
    bool sequential = strcmp(class, "Sequential") == 0;
    int code =
        sequential ? sequential_input(r, config, inputs, &n_inputs) : functional_inputs(r, config, inputs, &n_inputs);
    if (code == FF_OK)
        code = keras_network(r, class, config, p->folder, n_inputs, inputs, outputs, MOST_OUTPUTS, &n_outputs);
    if (code == FF_OK)
        add_outputs(r, outputs, n_outputs);
    return code;
}

/* Origins are noted by name, since the builder goes. */
static notes *notes_of(keras_reader *r, parts *p)
{
    notes *n = ff_alloc(sizeof *n);
    n->names = ff_arena_create();
    n->arrays = p->arrays;
    p->arrays = NULL;
    n->n_origins = r->n_origins;
    n->origins = r->origins;
    r->origins = NULL;
    for (int i = 0; i < n->n_origins; i++)
        n->origins[i].constant = ff_arena_strdup(n->names, n->origins[i].constant);
    return n;
}

static int read_file(const format_input *in, int (*container)(const format_input *in, parts *p), ff_model **out)
{
    parts p = {0};
    ff_model *m = NULL;
    int code = container(in, &p);
    if (code == FF_OK) {
        keras_reader r = {.b = builder_create(),
                          .arrays = p.arrays,
                          .by_number = p.by_number,
                          .newer = p.newer,
                          .constants = ff_map_create()};
        code = build(&r, &p);
        if (code) {
            builder_destroy(r.b);
        } else {
            notes *n = notes_of(&r, &p);
            code = builder_finish(r.b, p.producer, &m);
            if (code)
                release_notes(n);
            else
                doc_set_notes(m, n, release_notes);
        }
        free(r.origins);
        ff_map_destroy(r.constants, NULL);
    }
    parts_finish(&p);
    if (code == FF_OK)
        *out = m;
    return code;
}

static int h5_read(const format_input *in, ff_model **out)
{
    return read_file(in, read_h5, out);
}

static int keras_read(const format_input *in, ff_model **out)
{
    return read_file(in, read_keras, out);
}

static bool keras_probe(const uint8_t *data, size_t size)
{
    /* A ZIP file whose first entry is one of Keras' own. */
    static const char *const entries[] = {"metadata.json", "config.json", "model.weights.h5"};
    for (size_t i = 0; i < FF_COUNT(entries); i++)
        if (size > 64 && memcmp(data, "PK\3\4", 4) == 0 && memcmp(data + 30, entries[i], strlen(entries[i])) == 0)
            return true;
    return false;
}

/* ------------------------------------------------------------------------------------------- writing */

typedef struct changes {
    int n;
    size_t capacity;
    const char **paths;
    const ff_tensor **tensors;
} changes;

static void changes_finish(changes *c)
{
    for (int i = 0; i < c->n; i++)
        ff_tensor_unref(c->tensors[i]);
    free(c->paths);
    free(c->tensors);
}

static int add_change(changes *c, const keras_origin *o, const ff_tensor *t)
{
    ff_tensor *pieces[3];
    int code = origin_invert(o, t, pieces);
    for (int k = 0; k < o->n_pieces && code == FF_OK; k++) {
        if (!pieces[k])
            continue;
        size_t other = c->capacity;
        ff_grow(&c->paths, &c->capacity, (size_t)c->n + 1, sizeof *c->paths);
        if (c->capacity != other)
            c->tensors = ff_realloc_array(c->tensors, c->capacity, sizeof *c->tensors);
        c->paths[c->n] = o->pieces[k].array->path;
        c->tensors[c->n++] = pieces[k];
    }
    return code;
}

/* The part of the same kind and name in a graph; NULL: there is none. */
static const part *part_of(const doc_graph *g, const part *p)
{
    for (int i = 0; i < g->n_slots; i++)
        if (g->slots[i].p == p ||
            (g->slots[i].p->field == p->field && strcmp(part_name(g->slots[i].p), part_name(p)) == 0))
            return g->slots[i].p;
    return NULL;
}

static const keras_origin *origin_named(const notes *n, const char *constant)
{
    for (int i = 0; i < n->n_origins; i++)
        if (strcmp(n->origins[i].constant, constant) == 0)
            return &n->origins[i];
    return NULL;
}

/* The arrays that differ from what was read. Fails where anything but weights was changed. */
static int changes_of(const ff_model *m, changes *c)
{
    const notes *n = m->doc->notes;
    const doc_graph *was = m->doc->main_read, *now = m->main;
    int nodes = 0, code = FF_OK;
    for (int i = 0; i < was->n_slots; i++)
        nodes += was->slots[i].p->field == PART_NODE;
    for (int i = 0; i < now->n_slots && code == FF_OK; i++) {
        const part *p = now->slots[i].p, *before = part_of(was, p);
        nodes -= p->field == PART_NODE;
        if (p == before || p->field == PART_VALUE_INFO || p->field == PART_OUTPUT)
            continue;
        const keras_origin *o = before && p->field == PART_INITIALIZER ? origin_named(n, part_name(p)) : NULL;
        if (o)
            code = add_change(c, o, p->init.tensor);
        else
            code = ff_fail(FF_ERR_USAGE,
                           "a Keras file takes other weights, not other layers or settings ('%s'): write an .onnx file",
                           part_name(p));
    }
    if (code == FF_OK && nodes != 0)
        code = ff_fail(FF_ERR_USAGE, "a Keras file takes other weights, not fewer layers: write an .onnx file");
    return code;
}

static int can_hold(const ff_model *m)
{
    changes c = {0};
    int code = changes_of(m, &c);
    changes_finish(&c);
    return code;
}

static int h5_write(const ff_model *m, ff_buf *out)
{
    changes c = {0};
    int code = changes_of(m, &c);
    if (code == FF_OK && c.n == 0)
        ff_buf_add(out, m->doc->file, m->doc->file_size);
    else if (code == FF_OK)
        code = hdf5_write(m->doc->file, m->doc->file_size, c.n, c.paths, c.tensors, out);
    changes_finish(&c);
    return code;
}

const ff_format h5_format = {
    .name = "Keras HDF5",
    .extensions = {".h5", ".hdf5"},
    .keeps_file = true,
    .probe = hdf5_probe,
    .read = h5_read,
    .write = h5_write,
    .can_hold = can_hold,
};

const ff_format keras_format = {
    .name = "Keras",
    .extensions = {".keras"},
    .probe = keras_probe,
    .read = keras_read,
};
