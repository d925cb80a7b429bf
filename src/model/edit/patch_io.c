/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Patches in binary form (patch.proto). */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "model/edit/patch.h"
#include "model/edit/patch.pb-c.h"

#define VERSION 1

/* protobuf-c's bytes from a buffer, which stays with the message. */
static void take(ProtobufCBinaryData *to, protobuf_c_boolean *has, ff_buf *b)
{
    *has = true;
    to->len = b->len;
    to->data = (uint8_t *)ff_buf_steal(b);
}

static Fetafix__Edit *to_message(const edit *e)
{
    Fetafix__Edit *m = ff_alloc(sizeof *m);
    ff_buf b = {0};

    fetafix__edit__init(m);
    m->has_kind = true;
    m->kind = e->kind;
    m->target = e->target[0] ? ff_strdup(e->target) : NULL;
    m->second = ff_strdup(e->second);
    m->has_index = e->index != 0;
    m->index = e->index;
    if (e->tensor != NULL) {
        tensor_emit(e->tensor, NULL, NULL, &b);
        take(&m->tensor, &m->has_tensor, &b);
    }
    if (e->attr.pub.name != NULL) {
        attr_emit(&e->attr, &b);
        take(&m->attribute, &m->has_attribute, &b);
    }
    if (e->node != NULL) {
        node_emit(&e->node->node, &b);
        take(&m->node, &m->has_node, &b);
    }
    if (e->value.name != NULL) {
        value_emit(&e->value, &b);
        take(&m->value, &m->has_value, &b);
    }
    m->n_name = (size_t)e->n_names;
    m->name = ff_alloc_array(m->n_name + 1, sizeof *m->name);
    for (int i = 0; i < e->n_names; i++)
        m->name[i] = ff_strdup(e->names[i]);
    m->n_removed = (size_t)e->n_out;
    m->removed = ff_alloc_array(m->n_removed + 1, sizeof(Fetafix__Removed *));
    for (int i = 0; i < e->n_out; i++) {
        Fetafix__Removed *r = m->removed[i] = ff_alloc(sizeof *r);
        fetafix__removed__init(r);
        r->has_index = true;
        r->index = (uint32_t)e->out[i].index;
        ff_buf_add(&b, e->out[i].p ? part_key(e->out[i].p) : &e->out[i].key, sizeof(ff_key));
        take(&r->key, &r->has_key, &b);
    }
    m->n_inserted = (size_t)e->n_in;
    m->inserted = ff_alloc_array(m->n_inserted + 1, sizeof(Fetafix__Inserted *));
    for (int i = 0; i < e->n_in; i++) {
        Fetafix__Inserted *r = m->inserted[i] = ff_alloc(sizeof *r);
        fetafix__inserted__init(r);
        r->has_index = r->has_id = true;
        r->index = (uint32_t)e->in[i].index;
        r->id = e->in[i].id;
        part_emit(e->in[i].p, &b);
        take(&r->field, &r->has_field, &b);
    }
    return m;
}

int ff_patch_serialize(const ff_patch *p, char **data, size_t *size)
{
    Fetafix__Patch *m = ff_alloc(sizeof *m);
    ff_buf b = {0};

    fetafix__patch__init(m);
    m->has_version = true;
    m->version = VERSION;
    m->n_edit = p->n;
    m->edit = ff_alloc_array(p->n + 1, sizeof(Fetafix__Edit *));
    for (size_t i = 0; i < p->n; i++)
        m->edit[i] = to_message(p->edits[i]);
    size_t n = fetafix__patch__get_packed_size(m);
    if (n <= INT_MAX)
        wire_put_message(&b, &m->base);
    fetafix__patch__free_unpacked(m, NULL);
    if (n > INT_MAX)
        return ff_fail(FF_ERR_INPUT, "the patch is larger than 2 GiB");
    *size = b.len;
    *data = ff_buf_steal(&b);
    return FF_OK;
}

/* ----------------------------------------------------------------------------------- reading */

/* A reader over an embedded message, checked. */
static int open_blob(reader *r, const ProtobufCMessageDescriptor *d, const ProtobufCBinaryData *b)
{
    static const uint8_t nothing[1];
    const uint8_t *data = b->len ? b->data : nothing;
    int code = wire_scan(d, data, b->len, "malformed patch");

    if (code == FF_OK)
        *r = (reader){.o = origin_create(data, b->len, false), .data = data};
    return code;
}

static void close_blob(reader *r)
{
    origin_seal(r->o);
    origin_unref(r->o);
}

static int read_field(const ProtobufCBinaryData *b, part **out)
{
    doc_graph *g;
    reader r;
    int code = open_blob(&r, &onnx__graph_proto__descriptor, b);

    if (code)
        return code;
    code = read_graph(&r, 0, b->len, &g);
    close_blob(&r);
    if (code)
        return code;
    if (g->n_slots == 1)
        *out = part_ref(g->slots[0].p);
    else
        code = ff_fail(FF_ERR_INPUT, "malformed patch: not one field");
    doc_graph_unref(g);
    return code;
}

static int read_splice(edit *e, const Fetafix__Edit *m)
{
    e->out = ff_alloc_array(m->n_removed + 1, sizeof *e->out);
    e->in = ff_alloc_array(m->n_inserted + 1, sizeof *e->in);
    for (size_t i = 0; i < m->n_removed; i++) {
        const Fetafix__Removed *r = m->removed[i];
        if (r->key.len != sizeof(ff_key) || r->index > INT_MAX)
            return ff_fail(FF_ERR_INPUT, "malformed patch");
        e->out[e->n_out].index = (int)r->index;
        memcpy(&e->out[e->n_out++].key, r->key.data, sizeof(ff_key));
    }
    for (size_t i = 0; i < m->n_inserted; i++) {
        const Fetafix__Inserted *r = m->inserted[i];
        struct splice_in in = {(int)r->index, r->id, NULL};
        if (r->index > INT_MAX || r->id < -1)
            return ff_fail(FF_ERR_INPUT, "malformed patch");
        int code = read_field(&r->field, &in.p);
        if (code)
            return code;
        e->in[e->n_in++] = in;
    }
    return FF_OK;
}

/* What each kind cannot be without. */
static bool is_complete(const edit *e)
{
    switch (e->kind) {
    case EDIT_SET_INITIALIZER:
        return e->tensor != NULL;
    case EDIT_SET_ATTR:
        return e->attr.pub.name != NULL;
    case EDIT_REMOVE_ATTR:
    case EDIT_SET_NODE_INPUT:
    case EDIT_REDIRECT:
        return e->second != NULL;
    case EDIT_INSERT_NODE:
    case EDIT_REPLACE_NODE:
        return e->node != NULL;
    case EDIT_SET_INPUT_SHAPE:
    case EDIT_ADD_OUTPUT:
        return e->value.name != NULL;
    default:
        return true;
    }
}

static int read_edit(edit *e, const Fetafix__Edit *m)
{
    int code = FF_OK;
    reader r;

    e->second = ff_strdup(m->second);
    if (e->second == NULL && e->kind == EDIT_SET_NODE_INPUT)
        e->second = ff_strdup("");
    e->index = m->index;
    e->names = ff_alloc_array(m->n_name + 1, sizeof *e->names);
    for (size_t i = 0; i < m->n_name; i++)
        e->names[e->n_names++] = ff_strdup(m->name[i]);
    if (m->has_tensor && code == FF_OK && !(code = open_blob(&r, &onnx__tensor_proto__descriptor, &m->tensor))) {
        bool external;
        code = read_tensor(&r, 0, m->tensor.len, &e->tensor, NULL, NULL, &external);
        close_blob(&r);
    }
    if (m->has_attribute && code == FF_OK &&
        !(code = open_blob(&r, &onnx__attribute_proto__descriptor, &m->attribute))) {
        code = read_attr(&r, 0, m->attribute.len, &e->attr);
        close_blob(&r);
    }
    if (m->has_node && code == FF_OK && !(code = open_blob(&r, &onnx__node_proto__descriptor, &m->node))) {
        e->node = part_create(PART_NODE);
        code = read_node(&r, 0, m->node.len, &e->node->node);
        close_blob(&r);
    }
    if (m->has_value && code == FF_OK && !(code = open_blob(&r, &onnx__value_info_proto__descriptor, &m->value))) {
        code = read_value(r.data, m->value.len, &e->value);
        close_blob(&r);
    }
    if (code == FF_OK)
        code = read_splice(e, m);
    if (code == FF_OK && !is_complete(e))
        code = ff_fail(FF_ERR_INPUT, "malformed patch: an edit is not complete");
    return code;
}

int ff_patch_parse(const void *data, size_t size, ff_patch **out)
{
    int code = wire_scan(&fetafix__patch__descriptor, data, size, "not a patch");

    if (code)
        return code;
    Fetafix__Patch *m = wire_unpack(&fetafix__patch__descriptor, data, size, 0);
    if (m == NULL)
        return FF_ERR_INPUT;
    ff_patch *p = ff_patch_create();
    if (!m->has_version || m->version != VERSION)
        code = ff_fail(FF_ERR_INPUT, "not a patch of a version that is known here");
    for (size_t i = 0; i < m->n_edit && code == FF_OK; i++) {
        const Fetafix__Edit *e = m->edit[i];
        if (e->kind < 1 || e->kind >= EDIT_KINDS)
            code = ff_fail(FF_ERR_INPUT, "malformed patch: edit of the unknown kind %u", e->kind);
        else
            code = read_edit(patch_add(p, (edit_kind)e->kind, e->target), e);
    }
    fetafix__patch__free_unpacked(m, NULL);
    if (code) {
        ff_patch_destroy(p);
        return code;
    }
    *out = p;
    return FF_OK;
}
