/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The format that models are kept in: the fields around the main graph, which read.c and write.c know. */
#include <stdlib.h>
#include <string.h>

#include "model/file/format.h"

#define MAX_SAVED ((size_t)INT32_MAX) /* protobuf's limit for a message */

enum { MODEL_GRAPH = 7 };

/* Begins with the tag of a field of ModelProto. */
static bool is_model(const uint8_t *data, size_t size)
{
    static const uint8_t tags[] = {0x08, 0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72};

    return size > 1 && memchr(tags, data[0], sizeof tags) != NULL;
}

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

static int read_model(const format_input *in, ff_model **out)
{
    doc_model *d = ff_alloc(sizeof *d);
    doc_graph *g = NULL;
    reader r = {.o = origin_create(in->data, in->size, in->disposable), .data = in->data, .folder = in->folder};
    size_t start = 0, end = 0;
    wire_field f;

    atomic_init(&d->refs, 1);
    d->path = ff_strdup(in->path);
    int code = wire_scan(&onnx__model_proto__descriptor, in->data, in->size, "not an ONNX model");
    if (code == FF_OK)
        code = read_header(d, in->data, in->size);
    if (code)
        goto done;
    for (size_t at = 0; wire_step(in->data, in->size, &at, &f);) {
        if (f.number == MODEL_GRAPH) {
            start = f.body;
            end = f.end;
        } else {
            ff_buf_add(end ? &d->after : &d->before, in->data + f.start, f.end - f.start);
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

static int write_model(const ff_model *m, ff_buf *out)
{
    ff_buf graph = {0};

    doc_graph_emit(m->main, &graph);
    if (graph.len > MAX_SAVED || graph.len + m->doc->before.len + m->doc->after.len > MAX_SAVED) {
        ff_buf_finish(&graph);
        return ff_fail(FF_ERR_INPUT, "the model is larger than 2 GiB");
    }
    ff_buf_add(out, m->doc->before.data ? m->doc->before.data : "", m->doc->before.len);
    wire_put_bytes(out, MODEL_GRAPH, graph.data ? graph.data : "", graph.len);
    ff_buf_add(out, m->doc->after.data ? m->doc->after.data : "", m->doc->after.len);
    ff_buf_finish(&graph);
    return FF_OK;
}

/* Without the copy that writing needs, and without its limit. */
static void hash_model(const ff_model *m, ff_hasher *h)
{
    ff_buf tag = {0}, graph = {0};

    doc_graph_emit(m->main, &graph);
    wire_put_tag(&tag, MODEL_GRAPH, WIRE_BYTES);
    wire_put_varint(&tag, graph.len);
    ff_hasher_add(h, m->doc->before.data ? m->doc->before.data : "", m->doc->before.len);
    ff_hasher_add(h, tag.data, tag.len);
    ff_hasher_add(h, graph.data ? graph.data : "", graph.len);
    ff_hasher_add(h, m->doc->after.data ? m->doc->after.data : "", m->doc->after.len);
    ff_buf_finish(&tag);
    ff_buf_finish(&graph);
}

const ff_format onnx_format = {
    .name = "ONNX",
    .extensions = {".onnx"},
    .probe = is_model,
    .read = read_model,
    .write = write_model,
    .hash = hash_model,
};
