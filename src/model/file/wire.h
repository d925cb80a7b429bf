/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The protobuf wire format, below protobuf-c: walking the fields of one message, checking a whole
 * file before anything is unpacked, and writing fields.
 */
#ifndef FETAFIX_MODEL_WIRE_H
#define FETAFIX_MODEL_WIRE_H

#include <protobuf-c/protobuf-c.h>

#include "fetafix/base.h"

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

/* One field: [start, end) with its tag; its content is [body, end) for WIRE_BYTES, else the raw
 * value. Offsets are within the message that is walked. */
typedef struct wire_field {
    uint32_t number;
    int type;
    size_t start, body, end;
    uint64_t value; /* of a varint */
} wire_field;

/* Walks: *at is 0 at first. Returns 1 with a field, 0 at the end, or a negative error. */
int wire_next(const uint8_t *data, size_t size, size_t *at, wire_field *f);
/* The same for a message that wire_scan() accepted: no errors left. */
bool wire_step(const uint8_t *data, size_t size, size_t *at, wire_field *f);

/* Checks a whole message against its descriptor: lengths in bounds, nesting at most 32, wire types
 * as in the schema, no NUL in strings, singular messages only once, and that the unpacked form
 * cannot be much larger than the file. `what` opens the messages of errors. */
int wire_scan(const ProtobufCMessageDescriptor *d, const uint8_t *data, size_t size, const char *what);

/* Unpacks data without the fields whose number is set in `skip` (numbers below 64). NULL with the
 * error set when protobuf-c refuses it. */
void *wire_unpack(const ProtobufCMessageDescriptor *d, const uint8_t *data, size_t size, uint64_t skip);

void wire_put_varint(ff_buf *b, uint64_t v);
void wire_put_tag(ff_buf *b, uint32_t number, int type);
void wire_put_bytes(ff_buf *b, uint32_t number, const void *data, size_t n);
/* Packs a message and appends its bytes (no tag). */
void wire_put_message(ff_buf *b, const ProtobufCMessage *m);

#endif
