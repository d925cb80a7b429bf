/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages of a checked file to the parts of a document. */
#include <stdlib.h>
#include <string.h>

#include "model/graph/document.h"

#define FIELD(n) ((uint64_t)1 << (n))

enum { ATTR_T = 5, ATTR_G = 6, ATTR_TENSORS = 10, ATTR_GRAPHS = 11, NODE_ATTRIBUTE = 5 };

static ff_attr_type attr_type(const Onnx__AttributeProto *m, const size_t heavy[64])
{
    if (m->has_type && m->type != 0)
        return (int)m->type <= FF_ATTR_GRAPHS && (int)m->type > 0 ? (ff_attr_type)m->type : FF_ATTR_OTHER;
    /* Writers of IR version 1 left the type out. */
    if (heavy[ATTR_T])
        return FF_ATTR_TENSOR;
    if (heavy[ATTR_G])
        return FF_ATTR_GRAPH;
    if (heavy[ATTR_TENSORS])
        return FF_ATTR_TENSORS;
    if (heavy[ATTR_GRAPHS])
        return FF_ATTR_GRAPHS;
    if (m->has_f)
        return FF_ATTR_FLOAT;
    if (m->has_i)
        return FF_ATTR_INT;
    if (m->has_s)
        return FF_ATTR_STRING;
    if (m->n_floats)
        return FF_ATTR_FLOATS;
    if (m->n_ints)
        return FF_ATTR_INTS;
    return m->n_strings ? FF_ATTR_STRINGS : FF_ATTR_OTHER;
}

static char *copy_string(const ProtobufCBinaryData *b)
{
    char *s = ff_alloc(b->len + 1);

    if (b->len)
        memcpy(s, b->data, b->len);
    return s;
}

static void take_plain(doc_attr *a, const Onnx__AttributeProto *m)
{
    switch (a->pub.type) {
    case FF_ATTR_FLOAT:
        a->pub.f = m->f;
        break;
    case FF_ATTR_INT:
        a->pub.i = m->i;
        break;
    case FF_ATTR_STRING:
        a->pub.s = copy_string(&m->s);
        a->pub.s_len = m->s.len;
        break;
    case FF_ATTR_FLOATS: {
        float *v = ff_alloc_array(m->n_floats + 1, sizeof *v);
        for (size_t i = 0; i < m->n_floats; i++)
            v[i] = m->floats[i];
        a->pub.floats = v;
        a->pub.n = m->n_floats;
        break;
    }
    case FF_ATTR_INTS: {
        int64_t *v = ff_alloc_array(m->n_ints + 1, sizeof *v);
        for (size_t i = 0; i < m->n_ints; i++)
            v[i] = m->ints[i];
        a->pub.ints = v;
        a->pub.n = m->n_ints;
        break;
    }
    case FF_ATTR_STRINGS: {
        char **v = ff_alloc_array(m->n_strings + 1, sizeof *v);
        for (size_t i = 0; i < m->n_strings; i++)
            v[i] = copy_string(&m->strings[i]);
        a->pub.strings = (const char *const *)v;
        a->pub.n = m->n_strings;
        break;
    }
    default:
        break;
    }
}

/* The tensors or graphs of an attribute, whichever its type asks for. */
static int take_heavy(reader *r, size_t start, size_t end, const size_t heavy[64], doc_attr *a, bool *intact)
{
    const ff_tensor **tensors = NULL;
    uint32_t field;
    int code = FF_OK;
    wire_field f;

    switch (a->pub.type) {
    case FF_ATTR_TENSOR:
        field = ATTR_T;
        break;
    case FF_ATTR_GRAPH:
        field = ATTR_G;
        break;
    case FF_ATTR_TENSORS:
        field = ATTR_TENSORS;
        break;
    case FF_ATTR_GRAPHS:
        field = ATTR_GRAPHS;
        break;
    default:
        return FF_OK;
    }
    bool single = field == ATTR_T || field == ATTR_G;
    if (single && heavy[field] == 0)
        return ff_fail(FF_ERR_INPUT, "attribute '%s' has no value", a->pub.name);
    if (field == ATTR_TENSORS)
        a->pub.tensors = tensors = ff_alloc_array(heavy[field] + 1, sizeof *tensors);
    else if (field != ATTR_T)
        a->graphs = ff_alloc_array(heavy[field] + 1, sizeof *a->graphs);
    for (size_t at = 0; code == FF_OK && wire_step(r->data + start, end - start, &at, &f);) {
        if (f.number != field)
            continue;
        if (field == ATTR_T || field == ATTR_TENSORS) {
            ff_tensor *t = NULL;
            bool external = false;
            code = read_tensor(r, start + f.body, start + f.end, &t, NULL, NULL, &external);
            *intact &= !external;
            if (code)
                break;
            if (single)
                a->pub.t = t;
            else
                tensors[a->pub.n++] = t;
        } else {
            doc_graph *g = NULL;
            code = read_graph(r, start + f.body, start + f.end, &g);
            if (code)
                break;
            *intact &= g->intact;
            a->graphs[single ? 0 : a->pub.n++] = g;
        }
    }
    return code ? ff_fail_prefix(code, "attribute '%s'", a->pub.name) : FF_OK;
}

int read_attr(reader *r, size_t start, size_t end, doc_attr *out)
{
    const uint8_t *data = r->data + start;
    uint64_t skip = FIELD(ATTR_T) | FIELD(ATTR_G) | FIELD(ATTR_TENSORS) | FIELD(ATTR_GRAPHS);
    size_t heavy[64] = {0};
    bool intact = true;
    wire_field f;
    Onnx__AttributeProto *m = wire_unpack(&onnx__attribute_proto__descriptor, data, end - start, skip);

    if (m == NULL)
        return FF_ERR_INPUT;
    for (size_t at = 0; wire_step(data, end - start, &at, &f);)
        if (f.number < 64)
            heavy[f.number]++;
    doc_attr a = {0};
    a.pub.name = ff_strdup(m->name ? m->name : "");
    a.pub.type = attr_type(m, heavy);
    a.wire_type = m->has_type ? (int32_t)m->type : 0;
    if (m->ref_attr_name != NULL && m->ref_attr_name[0] != '\0')
        a.pub.type = FF_ATTR_OTHER; /* only in bodies of functions */
    take_plain(&a, m);
    int code = take_heavy(r, start, end, heavy, &a, &intact);
    onnx__attribute_proto__free_unpacked(m, NULL);
    if (code) {
        attr_finish(&a);
        return code;
    }
    if (intact)
        a.raw = (span){origin_ref(r->o), start, end};
    *out = a;
    return FF_OK;
}

int read_node(reader *r, size_t start, size_t end, doc_node *n)
{
    const uint8_t *data = r->data + start;
    wire_field f;
    int code = FF_OK;
    size_t attrs = 0;
    Onnx__NodeProto *m = wire_unpack(&onnx__node_proto__descriptor, data, end - start, FIELD(NODE_ATTRIBUTE));

    if (m == NULL)
        return FF_ERR_INPUT;
    n->name = ff_strdup(m->name ? m->name : "");
    n->op = ff_strdup(m->op_type ? m->op_type : "");
    n->domain_written = m->domain != NULL;
    n->long_domain = m->domain && strcmp(m->domain, "ai.onnx") == 0;
    n->domain = ff_strdup(m->domain && !n->long_domain ? m->domain : "");
    n->n_inputs = (int)m->n_input;
    n->n_outputs = (int)m->n_output;
    n->inputs = ff_alloc_array(m->n_input + 1, sizeof *n->inputs);
    n->outputs = ff_alloc_array(m->n_output + 1, sizeof *n->outputs);
    for (size_t i = 0; i < m->n_input; i++)
        n->inputs[i] = ff_strdup(m->input[i]);
    for (size_t i = 0; i < m->n_output; i++)
        n->outputs[i] = ff_strdup(m->output[i]);
    onnx__node_proto__free_unpacked(m, NULL);
    for (size_t at = 0; wire_step(data, end - start, &at, &f);) {
        attrs += f.number == NODE_ATTRIBUTE;
        if (f.number > 7 || f.number == 6)
            ff_buf_add(&n->rest, data + f.start, f.end - f.start);
    }
    n->attrs = ff_alloc_array(attrs + 1, sizeof *n->attrs);
    for (size_t at = 0; code == FF_OK && wire_step(data, end - start, &at, &f);)
        if (f.number == NODE_ATTRIBUTE) {
            code = read_attr(r, start + f.body, start + f.end, &n->attrs[n->n_attrs]);
            n->n_attrs += code == FF_OK;
        }
    if (code == FF_OK && n->n_attrs > 256)
        code = ff_fail(FF_ERR_INPUT, "%d attributes", n->n_attrs);
    if (code == FF_OK && n->op[0] == '\0')
        code = ff_fail(FF_ERR_INPUT, "a node has no operator");
    for (int i = 0; code == FF_OK && i < n->n_attrs; i++)
        for (int j = 0; j < i && code == FF_OK; j++)
            if (strcmp(n->attrs[i].pub.name, n->attrs[j].pub.name) == 0)
                code = ff_fail(FF_ERR_INPUT, "attribute '%s' stands there twice", n->attrs[i].pub.name);
    if (code)
        return ff_fail_prefix(code, "node '%s' (%s)", n->name[0] ? n->name : n->n_outputs ? n->outputs[0] : "", n->op);
    node_complete(n);
    return FF_OK;
}

static void take_shape(const Onnx__TensorShapeProto *m, doc_value *out)
{
    if (m == NULL || m->n_dim > FF_MAX_RANK)
        return;
    out->shape.rank = (int)m->n_dim;
    for (int i = 0; i < out->shape.rank; i++) {
        const Onnx__TensorShapeProto__Dimension *d = m->dim[i];
        out->shape.dims[i] = -1;
        if (d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE) {
            out->shape.dims[i] = d->dim_value >= 0 ? d->dim_value : -1;
        } else if (d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM) {
            if (out->dim_params == NULL)
                out->dim_params = ff_alloc_array((size_t)m->n_dim, sizeof *out->dim_params);
            out->dim_params[i] = ff_strdup(d->dim_param);
        }
    }
}

int read_value(const uint8_t *data, size_t size, doc_value *out)
{
    Onnx__ValueInfoProto *m = wire_unpack(&onnx__value_info_proto__descriptor, data, size, 0);

    if (m == NULL)
        return FF_ERR_INPUT;
    out->name = ff_strdup(m->name ? m->name : "");
    out->shape.rank = -1;
    if (m->type && m->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE) {
        int32_t t = m->type->tensor_type->elem_type;
        out->shape.dtype = t > 0 && t < FF_DTYPE_COUNT ? (ff_dtype)t : FF_UNDEFINED;
        take_shape(m->type->tensor_type->shape, out);
    }
    onnx__value_info_proto__free_unpacked(m, NULL);
    return FF_OK;
}

static int read_part(reader *r, const wire_field *f, size_t base, doc_graph *g, part *p, bool *intact)
{
    size_t start = base + f->body, end = base + f->end;
    bool external = false;
    int code = FF_OK;

    switch (f->number) {
    case PART_NODE:
        code = read_node(r, start, end, &p->node);
        for (int i = 0; code == FF_OK && i < p->node.n_attrs; i++)
            *intact &= p->node.attrs[i].raw.o != NULL;
        break;
    case PART_INITIALIZER:
        code = read_tensor(r, start, end, &p->init.tensor, &p->init.name, &p->init.rest, &external);
        *intact = !external;
        if (code == FF_OK && p->init.name[0] == '\0')
            code = ff_fail(FF_ERR_INPUT, "an initializer has no name");
        break;
    case PART_SPARSE:
        p->init.sparse = true;
        code = read_sparse(r, start, end, &p->init.tensor, &p->init.name);
        if (code == FF_OK && p->init.name[0] == '\0')
            code = ff_fail(FF_ERR_INPUT, "a sparse initializer has no name");
        break;
    case PART_INPUT:
    case PART_OUTPUT:
    case PART_VALUE_INFO:
        code = read_value(r->data + start, end - start, &p->value);
        if (code == FF_OK && p->value.name[0] == '\0' && f->number != PART_VALUE_INFO)
            code = ff_fail(FF_ERR_INPUT, "a graph %s has no name", f->number == PART_INPUT ? "input" : "output");
        break;
    case PART_NAME:
        p->name = ff_strndup((const char *)r->data + start, end - start);
        free(g->name);
        g->name = ff_strdup(p->name);
        break;
    }
    return code;
}

int read_graph(reader *r, size_t start, size_t end, doc_graph **out)
{
    const uint8_t *data = r->data + start;
    size_t n = 0;
    wire_field f;

    for (size_t at = 0; wire_step(data, end - start, &at, &f);)
        n++;
    if (n > INT32_MAX / 4)
        return ff_fail(FF_ERR_INPUT, "too many nodes");
    doc_graph *g = doc_graph_create((int)n);
    for (size_t at = 0; wire_step(data, end - start, &at, &f);) {
        part *p = part_create(f.number);
        bool intact = true;
        int code = read_part(r, &f, start, g, p, &intact);
        if (code) {
            part_unref(p);
            doc_graph_unref(g);
            return code;
        }
        if (intact)
            p->raw = (span){origin_ref(r->o), start + f.start, start + f.end};
        g->intact &= intact;
        g->slots[g->n_slots++] = (slot){p, -1};
    }
    if (g->name == NULL)
        g->name = ff_strdup("");
    *out = g;
    return FF_OK;
}
