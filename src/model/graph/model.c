/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Models: from files and back, and what is asked of them. */
#include <stdlib.h>
#include <string.h>

#include "model/graph/graph.h"

#define MAX_FILE  ((uint64_t)8 << 30)
#define MAX_SAVED ((size_t)INT32_MAX) /* protobuf's limit for a message */

enum { MODEL_GRAPH = 7 };

static int read_header(doc_model *d, const uint8_t *data, size_t size)
{
    /* Functions and training graphs are kept as bytes; nothing here looks into them. */
    uint64_t skip = (uint64_t)1 << MODEL_GRAPH | (uint64_t)1 << 20 | (uint64_t)1 << 25;
    Onnx__ModelProto *m = wire_unpack(&onnx__model_proto__descriptor, data, size, skip);

    if (m == NULL)
        return FF_ERR_INPUT;
    d->ir_version = m->ir_version;
    const char *name = m->producer_name ? m->producer_name : "";
    const char *version = m->producer_version ? m->producer_version : "";
    d->producer = ff_asprintf("%s%s%s", name, *name && *version ? " " : "", version);
    d->opsets = ff_alloc_array(m->n_opset_import + 1, sizeof *d->opsets);
    for (size_t i = 0; i < m->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *o = m->opset_import[i];
        const char *domain = o->domain && strcmp(o->domain, "ai.onnx") != 0 ? o->domain : "";
        int64_t v = o->version < 0 ? 0 : o->version > INT32_MAX ? INT32_MAX : o->version;
        d->opsets[d->n_opsets++] = (struct opset){ff_strdup(domain), (int)v};
    }
    onnx__model_proto__free_unpacked(m, NULL);
    return FF_OK;
}

/* disposable: data is heap memory that nobody else reads afterwards. */
static int read_model(const uint8_t *data, size_t size, bool disposable, const char *folder, const char *path,
                      ff_model **out)
{
    doc_model *d = ff_alloc(sizeof *d);
    doc_graph *g = NULL;
    reader r = {.o = origin_create(data, size, disposable), .data = data, .folder = folder};
    size_t start = 0, end = 0;
    wire_field f;

    atomic_init(&d->refs, 1);
    d->path = ff_strdup(path);
    int code = wire_scan(&onnx__model_proto__descriptor, data, size, "not an ONNX model");
    if (code == FF_OK)
        code = read_header(d, data, size);
    if (code)
        goto done;
    for (size_t at = 0; wire_step(data, size, &at, &f);) {
        if (f.number == MODEL_GRAPH) {
            start = f.body;
            end = f.end;
        } else {
            ff_buf_add(end ? &d->after : &d->before, data + f.start, f.end - f.start);
        }
    }
    if (end == 0) {
        code = ff_fail(FF_ERR_INPUT, "not an ONNX model: it has no graph");
        goto done;
    }
    code = read_graph(&r, start, end, &g);
    if (code)
        goto done;
    int64_t id = 0;
    for (int i = 0; i < g->n_slots; i++)
        if (g->slots[i].p->field == PART_NODE) {
            g->slots[i].id = (int)id;
            id += 1 + g->slots[i].p->node.n_inner;
        }
    if (id > INT32_MAX / 2) {
        code = ff_fail(FF_ERR_INPUT, "too many nodes");
        goto done;
    }
    origin_seal(r.o);
    code = model_index(d, g, (int)id, out);
done:
    doc_graph_unref(g);
    doc_model_unref(d);
    origin_unref(r.o);
    return code;
}

int ff_model_parse(const void *data, size_t size, const char *folder, ff_model **out)
{
    ff_model *m;
    int code = read_model(data, size, false, folder, "", &m);

    if (code)
        return code;
    m->key = ff_key_of(data, size);
    m->has_key = true;
    *out = m;
    return FF_OK;
}

int ff_model_load(const char *path, ff_model **out)
{
    char *data;
    size_t size;
    ff_model *m;
    int code = ff_read_file(path, MAX_FILE, &data, &size);

    if (code)
        return code;
    char *folder = ff_path_dirname(path);
    ff_key key = ff_key_of(data, size); /* before reading wipes it */
    code = read_model((const uint8_t *)data, size, true, folder, path, &m);
    if (code == FF_OK) {
        m->key = key;
        m->has_key = true;
        *out = m;
    } else {
        code = ff_fail_prefix(code, "'%s'", path);
    }
    free(folder);
    free(data);
    return code;
}

ff_model *ff_model_ref(const ff_model *m)
{
    ff_model *r = (ff_model *)m;

    if (r != NULL)
        atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
    return r;
}

void ff_model_unref(const ff_model *m)
{
    ff_model *r = (ff_model *)m;

    if (r == NULL || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1)
        return;
    free(r->values);
    free(r->nodes);
    names_finish(&r->value_names);
    names_finish(&r->labels);
    ff_arena_destroy(r->arena);
    doc_graph_unref(r->main);
    doc_model_unref(r->doc);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

int ff_model_serialize(const ff_model *m, char **data, size_t *size)
{
    ff_buf b = {0}, graph = {0};

    doc_graph_emit(m->main, &graph);
    if (graph.len > MAX_SAVED || graph.len + m->doc->before.len + m->doc->after.len > MAX_SAVED) {
        ff_buf_finish(&graph);
        return ff_fail(FF_ERR_INPUT, "the model is larger than 2 GiB");
    }
    ff_buf_add(&b, m->doc->before.data ? m->doc->before.data : "", m->doc->before.len);
    wire_put_bytes(&b, MODEL_GRAPH, graph.data ? graph.data : "", graph.len);
    ff_buf_add(&b, m->doc->after.data ? m->doc->after.data : "", m->doc->after.len);
    ff_buf_finish(&graph);
    *size = b.len;
    *data = ff_buf_steal(&b);
    return FF_OK;
}

int ff_model_save(const ff_model *m, const char *path, bool force)
{
    char *data;
    size_t size;
    int code = ff_model_serialize(m, &data, &size);

    if (code)
        return ff_fail_prefix(code, "'%s'", path);
    code = ff_write_file(path, data, size, force);
    free(data);
    return code;
}

const char *ff_model_path(const ff_model *m)
{
    return m->doc->path;
}

const ff_key *ff_model_sha256(const ff_model *m)
{
    ff_model *w = (ff_model *)m;

    pthread_mutex_lock(&w->lock);
    if (!w->has_key) {
        ff_buf b = {0}, graph = {0};
        ff_hasher h;
        doc_graph_emit(m->main, &graph);
        wire_put_tag(&b, MODEL_GRAPH, WIRE_BYTES);
        wire_put_varint(&b, graph.len);
        ff_hasher_init(&h);
        ff_hasher_add(&h, m->doc->before.data ? m->doc->before.data : "", m->doc->before.len);
        ff_hasher_add(&h, b.data, b.len);
        ff_hasher_add(&h, graph.data ? graph.data : "", graph.len);
        ff_hasher_add(&h, m->doc->after.data ? m->doc->after.data : "", m->doc->after.len);
        w->key = ff_hasher_done(&h);
        w->has_key = true;
        ff_buf_finish(&b);
        ff_buf_finish(&graph);
    }
    pthread_mutex_unlock(&w->lock);
    return &m->key;
}

const ff_graph *ff_model_graph(const ff_model *m)
{
    return m->graph;
}

int64_t ff_model_ir_version(const ff_model *m)
{
    return m->doc->ir_version;
}

int ff_model_opset(const ff_model *m, const char *domain)
{
    if (domain == NULL || strcmp(domain, "ai.onnx") == 0)
        domain = "";
    for (int i = 0; i < m->doc->n_opsets; i++)
        if (strcmp(m->doc->opsets[i].domain, domain) == 0)
            return m->doc->opsets[i].version;
    return domain[0] == '\0' && m->doc->n_opsets == 0 ? 1 : 0; /* before IR version 3 */
}

const char *ff_model_producer(const ff_model *m)
{
    return m->doc->producer;
}

int ff_model_values(const ff_model *m)
{
    return (int)m->n_values;
}

const ff_value *ff_model_value(const ff_model *m, int id)
{
    return id >= 0 && (size_t)id < m->n_values ? m->values[id] : NULL;
}

const ff_value *ff_model_find_value(const ff_model *m, const char *name)
{
    return names_get(&m->value_names, name);
}

const ff_node *ff_model_find_node(const ff_model *m, const char *label)
{
    return names_get(&m->labels, label);
}

const ff_node *ff_model_node_by_id(const ff_model *m, int id)
{
    return id >= 0 && id < m->next_id ? m->nodes[id] : NULL;
}

doc_graph *graph_doc(const ff_graph *g)
{
    return ((const graph_impl *)g)->doc;
}
