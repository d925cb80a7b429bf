/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "model/file/wire.h"

#define MAX_DEPTH 32

static bool read_varint(const uint8_t *data, size_t size, size_t *at, uint64_t *v)
{
    uint64_t r = 0;

    for (int shift = 0; shift < 70; shift += 7) {
        if (*at >= size)
            return false;
        uint8_t c = data[(*at)++];
        r |= shift < 64 ? (uint64_t)(c & 127) << shift : 0;
        if (c < 128) {
            *v = r;
            return true;
        }
    }
    return false;
}

int wire_next(const uint8_t *data, size_t size, size_t *at, wire_field *f)
{
    uint64_t tag, length;
    size_t p = *at;

    if (p >= size)
        return 0;
    f->start = p;
    if (!read_varint(data, size, &p, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
        return ff_fail(FF_ERR_INPUT, "malformed field at byte %zu", *at);
    f->number = (uint32_t)(tag >> 3);
    f->type = (int)(tag & 7);
    f->body = p;
    f->value = 0;
    switch (f->type) {
    case WIRE_VARINT:
        if (!read_varint(data, size, &p, &f->value))
            return ff_fail(FF_ERR_INPUT, "truncated number at byte %zu", f->start);
        break;
    case WIRE_FIXED64:
    case WIRE_FIXED32:
        length = f->type == WIRE_FIXED64 ? 8 : 4;
        if (size - p < length)
            return ff_fail(FF_ERR_INPUT, "truncated number at byte %zu", f->start);
        p += (size_t)length;
        break;
    case WIRE_BYTES:
        if (!read_varint(data, size, &p, &length) || length > size - p)
            return ff_fail(FF_ERR_INPUT, "truncated: field %u is longer than what is left", f->number);
        f->body = p;
        p += (size_t)length;
        break;
    default:
        return ff_fail(FF_ERR_INPUT, "field %u has the unknown wire type %d", f->number, f->type);
    }
    f->end = *at = p;
    return 1;
}

bool wire_step(const uint8_t *data, size_t size, size_t *at, wire_field *f)
{
    return wire_next(data, size, at, f) > 0;
}

/* What unpacking would cost: protobuf-c allocates a struct for each message, an array element for
 * each repeated value and a block for each string, however short they are in the file. */
struct scan {
    uint64_t estimate, limit;
};

static int wire_type_of(ProtobufCType t)
{
    switch (t) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return WIRE_BYTES;
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return WIRE_FIXED32;
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return WIRE_FIXED64;
    default:
        return WIRE_VARINT;
    }
}

static int scan_packed(struct scan *s, const ProtobufCFieldDescriptor *fd, const uint8_t *data, size_t size)
{
    int type = wire_type_of(fd->type);
    uint64_t v;

    if (type == WIRE_VARINT) {
        for (size_t at = 0; at < size; s->estimate += 8)
            if (!read_varint(data, size, &at, &v))
                return ff_fail(FF_ERR_INPUT, "truncated number in '%s'", fd->name);
        return FF_OK;
    }
    if (size % (type == WIRE_FIXED32 ? 4 : 8) != 0)
        return ff_fail(FF_ERR_INPUT, "the length of '%s' is not a whole number of elements", fd->name);
    s->estimate += size;
    return FF_OK;
}

static int scan_message(struct scan *s, const ProtobufCMessageDescriptor *d, const uint8_t *data, size_t size,
                        int depth)
{
    size_t at = 0;
    uint64_t seen = 0;
    wire_field f;
    int more, code;

    if (depth > MAX_DEPTH)
        return ff_fail(FF_ERR_INPUT, "nested deeper than %d messages", MAX_DEPTH);
    s->estimate += d->sizeof_message + 32;
    while ((more = wire_next(data, size, &at, &f)) > 0) {
        const ProtobufCFieldDescriptor *fd = protobuf_c_message_descriptor_get_field(d, f.number);
        s->estimate += fd && fd->type == PROTOBUF_C_TYPE_BYTES ? 48 : 32 + f.end - f.start;
        if (s->estimate > s->limit)
            return ff_fail(FF_ERR_INPUT, "would take far more memory than its size explains");
        if (fd == NULL)
            continue;
        int type = wire_type_of(fd->type);
        if (f.type == WIRE_BYTES && type != WIRE_BYTES && fd->label == PROTOBUF_C_LABEL_REPEATED) {
            code = scan_packed(s, fd, data + f.body, f.end - f.body);
            if (code)
                return code;
            continue;
        }
        if (f.type != type)
            return ff_fail(FF_ERR_INPUT, "field '%s' of %s has the wrong wire type", fd->name, d->short_name);
        if (fd->type == PROTOBUF_C_TYPE_STRING && memchr(data + f.body, '\0', f.end - f.body) != NULL)
            return ff_fail(FF_ERR_INPUT, "field '%s' of %s holds a NUL byte", fd->name, d->short_name);
        if (fd->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        if (fd->label != PROTOBUF_C_LABEL_REPEATED && f.number < 64) {
            if (seen >> f.number & 1)
                return ff_fail(FF_ERR_INPUT, "field '%s' of %s stands there twice", fd->name, d->short_name);
            seen |= (uint64_t)1 << f.number;
        }
        code = scan_message(s, fd->descriptor, data + f.body, f.end - f.body, depth + 1);
        if (code)
            return code;
    }
    return more;
}

int wire_scan(const ProtobufCMessageDescriptor *d, const uint8_t *data, size_t size, const char *what)
{
    struct scan s = {.limit = ((uint64_t)64 << 20) + 24 * (uint64_t)size};
    int code = scan_message(&s, d, data, size, 1);

    return code ? ff_fail_prefix(code, "%s", what) : FF_OK;
}

void *wire_unpack(const ProtobufCMessageDescriptor *d, const uint8_t *data, size_t size, uint64_t skip)
{
    ff_buf light = {0};
    wire_field f;
    bool copied = false;

    for (size_t at = 0; skip && wire_step(data, size, &at, &f);)
        if (f.number < 64 && (skip >> f.number & 1)) {
            copied = true;
            break;
        }
    if (copied) {
        for (size_t at = 0; wire_step(data, size, &at, &f);)
            if (f.number >= 64 || !(skip >> f.number & 1))
                ff_buf_add(&light, data + f.start, f.end - f.start);
        data = (const uint8_t *)light.data;
        size = light.len;
    }
    static const uint8_t nothing[1];
    void *m = protobuf_c_message_unpack(d, NULL, size, size ? data : nothing);
    ff_buf_finish(&light);
    if (m == NULL)
        ff_fail(FF_ERR_INPUT, "malformed %s", d->short_name);
    return m;
}

void wire_put_varint(ff_buf *b, uint64_t v)
{
    while (v > 127) {
        ff_buf_putc(b, (char)(v | 128));
        v >>= 7;
    }
    ff_buf_putc(b, (char)v);
}

void wire_put_tag(ff_buf *b, uint32_t number, int type)
{
    wire_put_varint(b, (uint64_t)number << 3 | (unsigned)type);
}

void wire_put_bytes(ff_buf *b, uint32_t number, const void *data, size_t n)
{
    wire_put_tag(b, number, WIRE_BYTES);
    wire_put_varint(b, n);
    ff_buf_add(b, data, n);
}

void wire_put_message(ff_buf *b, const ProtobufCMessage *m)
{
    size_t n = protobuf_c_message_get_packed_size(m);
    uint8_t *bytes = ff_alloc(n + 1);

    protobuf_c_message_pack(m, bytes);
    ff_buf_add(b, bytes, n);
    free(bytes);
}
