/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parts of a document to bytes: as they were read, or anew in the order of the field numbers. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "model/graph/document.h"

/* Appends the fields of `rest` whose numbers lie in [from, to). */
static void put_rest(const ff_buf *rest, uint32_t from, uint32_t to, ff_buf *b)
{
    const uint8_t *data = (const uint8_t *)rest->data;
    wire_field f;

    for (size_t at = 0; wire_step(data, rest->len, &at, &f);)
        if (f.number >= from && f.number < to)
            ff_buf_add(b, data + f.start, f.end - f.start);
}

/* A message of any length: the body is written behind, then its length put in front. */
static void put_nested(ff_buf *b, uint32_t field, const ff_buf *body)
{
    wire_put_bytes(b, field, body->data ? body->data : "", body->len);
}

static void put_payload(const ff_tensor *t, ff_buf *b)
{
    size_t unit = ff_dtype_unit(t->dtype), at = 0;

    if (t->dtype == FF_UINT4 || t->dtype == FF_INT4) {
        wire_put_tag(b, 9, WIRE_BYTES);
        wire_put_varint(b, ((uint64_t)t->count + 1) / 2);
        for (int64_t i = 0; i < t->count; i += 2) {
            int64_t low = ff_tensor_get_int(t, i) & 15;
            int64_t high = i + 1 < t->count ? ff_tensor_get_int(t, i + 1) & 15 : 0;
            ff_buf_putc(b, (char)(low | high << 4));
        }
        return;
    }
    wire_put_tag(b, 9, WIRE_BYTES);
    wire_put_varint(b, t->bytes);
    at = b->len;
    ff_grow(&b->data, &b->capacity, at + t->bytes + 1, 1);
    ff_copy_little_endian(b->data + at, t->data, t->bytes / unit, unit);
    b->len = at + t->bytes;
    b->data[b->len] = '\0';
}

void tensor_emit(const ff_tensor *t, const char *name, const ff_buf *rest, ff_buf *b)
{
    static const ff_buf nothing;

    rest = rest ? rest : &nothing;
    for (int i = 0; i < t->rank; i++) {
        wire_put_tag(b, 1, WIRE_VARINT);
        wire_put_varint(b, (uint64_t)t->dims[i]);
    }
    wire_put_tag(b, 2, WIRE_VARINT);
    wire_put_varint(b, (uint64_t)t->dtype);
    if (t->dtype == FF_STRING)
        for (int64_t i = 0; i < t->count; i++) {
            const char *s = ((char **)t->data)[i];
            wire_put_bytes(b, 6, s ? s : "", s ? strlen(s) : 0);
        }
    if (name != NULL && name[0] != '\0')
        wire_put_bytes(b, 8, name, strlen(name));
    if (t->dtype != FF_STRING)
        put_payload(t, b);
    put_rest(rest, 10, UINT32_MAX, b);
}

void attr_emit(const doc_attr *a, ff_buf *b)
{
    const ff_attr *p = &a->pub;
    Onnx__AttributeProto m = ONNX__ATTRIBUTE_PROTO__INIT;
    ProtobufCBinaryData *strings = NULL;
    ff_buf nested = {0}, light = {0};

    if (a->raw.o != NULL) {
        origin_emit(a->raw.o, a->raw.start, a->raw.end, b);
        return;
    }
    m.name = (char *)p->name;
    m.has_type = true;
    m.type = (Onnx__AttributeProto__AttributeType)p->type;
    switch (p->type) {
    case FF_ATTR_FLOAT:
        m.has_f = true;
        m.f = p->f;
        break;
    case FF_ATTR_INT:
        m.has_i = true;
        m.i = p->i;
        break;
    case FF_ATTR_STRING:
        m.has_s = true;
        m.s = (ProtobufCBinaryData){p->s_len, (uint8_t *)p->s};
        break;
    case FF_ATTR_FLOATS:
        m.n_floats = p->n;
        m.floats = (float *)p->floats;
        break;
    case FF_ATTR_INTS:
        m.n_ints = p->n;
        m.ints = (int64_t *)p->ints;
        break;
    case FF_ATTR_STRINGS:
        strings = ff_alloc_array(p->n + 1, sizeof *strings);
        for (size_t i = 0; i < p->n; i++)
            strings[i] = (ProtobufCBinaryData){strlen(p->strings[i]), (uint8_t *)p->strings[i]};
        m.n_strings = p->n;
        m.strings = strings;
        break;
    default:
        break;
    }
    wire_put_message(&light, &m.base);
    put_rest(&light, 0, 5, b);
    switch (p->type) {
    case FF_ATTR_TENSOR:
        tensor_emit(p->t, NULL, NULL, &nested);
        put_nested(b, 5, &nested);
        break;
    case FF_ATTR_GRAPH:
        doc_graph_emit(a->graphs[0], &nested);
        put_nested(b, 6, &nested);
        break;
    case FF_ATTR_TENSORS:
        for (size_t i = 0; i < p->n; i++) {
            ff_buf_clear(&nested);
            tensor_emit(p->tensors[i], NULL, NULL, &nested);
            put_nested(b, 10, &nested);
        }
        break;
    case FF_ATTR_GRAPHS:
        for (size_t i = 0; i < p->n; i++) {
            ff_buf_clear(&nested);
            doc_graph_emit(a->graphs[i], &nested);
            put_nested(b, 11, &nested);
        }
        break;
    default:
        break;
    }
    put_rest(&light, 5, UINT32_MAX, b);
    free(strings);
    ff_buf_finish(&nested);
    ff_buf_finish(&light);
}

void node_emit(const doc_node *n, ff_buf *b)
{
    ff_buf nested = {0};

    for (int i = 0; i < n->n_inputs; i++)
        wire_put_bytes(b, 1, n->inputs[i], strlen(n->inputs[i]));
    for (int i = 0; i < n->n_outputs; i++)
        wire_put_bytes(b, 2, n->outputs[i], strlen(n->outputs[i]));
    if (n->name[0] != '\0')
        wire_put_bytes(b, 3, n->name, strlen(n->name));
    wire_put_bytes(b, 4, n->op, strlen(n->op));
    for (int i = 0; i < n->n_attrs; i++) {
        ff_buf_clear(&nested);
        attr_emit(&n->attrs[i], &nested);
        put_nested(b, 5, &nested);
    }
    put_rest(&n->rest, 6, 7, b);
    if (n->long_domain)
        wire_put_bytes(b, 7, "ai.onnx", 7);
    else if (n->domain_written || n->domain[0] != '\0')
        wire_put_bytes(b, 7, n->domain, strlen(n->domain));
    put_rest(&n->rest, 8, UINT32_MAX, b);
    ff_buf_finish(&nested);
}

void value_emit(const doc_value *v, ff_buf *b)
{
    Onnx__ValueInfoProto m = ONNX__VALUE_INFO_PROTO__INIT;
    Onnx__TypeProto type = ONNX__TYPE_PROTO__INIT;
    Onnx__TypeProto__Tensor tensor = ONNX__TYPE_PROTO__TENSOR__INIT;
    Onnx__TensorShapeProto shape = ONNX__TENSOR_SHAPE_PROTO__INIT;
    Onnx__TensorShapeProto__Dimension dims[FF_MAX_RANK], *pointers[FF_MAX_RANK];

    m.name = v->name;
    if (v->shape.dtype != FF_UNDEFINED) {
        m.type = &type;
        type.value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
        type.tensor_type = &tensor;
        tensor.has_elem_type = true;
        tensor.elem_type = (int32_t)v->shape.dtype;
    }
    if (v->shape.rank >= 0) {
        tensor.shape = &shape;
        shape.n_dim = (size_t)v->shape.rank;
        shape.dim = pointers;
    }
    for (int i = 0; i < v->shape.rank; i++) {
        onnx__tensor_shape_proto__dimension__init(&dims[i]);
        pointers[i] = &dims[i];
        if (v->shape.dims[i] >= 0) {
            dims[i].value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            dims[i].dim_value = v->shape.dims[i];
        } else if (v->dim_params != NULL && v->dim_params[i] != NULL) {
            dims[i].value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
            dims[i].dim_param = v->dim_params[i];
        }
    }
    wire_put_message(b, &m.base);
    put_rest(&v->rest, 3, UINT32_MAX, b);
}

void part_emit(const part *p, ff_buf *b)
{
    ff_buf body = {0};

    if (p->raw.o != NULL) {
        origin_emit(p->raw.o, p->raw.start, p->raw.end, b);
        return;
    }
    switch (p->field) {
    case PART_NODE:
        node_emit(&p->node, &body);
        break;
    case PART_INITIALIZER:
        tensor_emit(p->init.tensor, p->init.name, &p->init.rest, &body);
        break;
    case PART_NAME:
        ff_buf_puts(&body, p->name);
        break;
    default: /* sparse initializers are never made here */
        value_emit(&p->value, &body);
        break;
    }
    put_nested(b, p->field, &body);
    ff_buf_finish(&body);
}

const ff_key *part_key(part *p)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    ff_buf b = {0};

    if (atomic_load_explicit(&p->has_key, memory_order_acquire))
        return &p->key;
    part_emit(p, &b);
    ff_key key = ff_key_of(b.data, b.len);
    ff_buf_finish(&b);
    pthread_mutex_lock(&lock);
    if (!atomic_load_explicit(&p->has_key, memory_order_relaxed)) {
        p->key = key;
        atomic_store_explicit(&p->has_key, true, memory_order_release);
    }
    pthread_mutex_unlock(&lock);
    return &p->key;
}

void doc_graph_emit(const doc_graph *g, ff_buf *b)
{
    for (int i = 0; i < g->n_slots; i++)
        part_emit(g->slots[i].p, b);
}
