/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * FlatBuffers in memory, read where they lie. Nothing here fails: what points out of the file, or would have more read
 * than the file can honestly say, reads as absent and leaves `broken` set for the reader to look at in the end.
 */
#ifndef FETAFIX_MODEL_TFLITE_FLATBUFFER_H
#define FETAFIX_MODEL_TFLITE_FLATBUFFER_H

#include "fetafix/base.h"

typedef struct fb_file {
    const uint8_t *data;
    size_t size;
    uint64_t budget; /* elements that may still be read: vectors can be shared by many tables */
    bool broken;
} fb_file;

typedef struct fb_table {
    fb_file *f; /* NULL: absent */
    size_t at, vtable;
    uint16_t fields, size; /* of the inline part, in bytes */
} fb_table;

typedef struct fb_vector {
    fb_file *f; /* NULL: absent */
    size_t at;  /* of the first element */
    uint32_t n;
} fb_vector;

void fb_open(fb_file *f, const uint8_t *data, size_t size);
fb_table fb_root(fb_file *f);
/* Where the field stands; 0: absent, then its default holds. */
size_t fb_field(const fb_table *t, int field, size_t width);
int64_t fb_int(const fb_table *t, int field, int width, int64_t otherwise); /* signed, of 1, 2, 4 or 8 bytes */
float fb_real(const fb_table *t, int field, float otherwise);
fb_table fb_sub(const fb_table *t, int field);
fb_vector fb_list(const fb_table *t, int field, size_t element); /* element: bytes of one; of a table's offset 4 */
fb_table fb_at(const fb_vector *v, uint32_t i);                  /* of a vector of tables */
int64_t fb_get(const fb_vector *v, uint32_t i, int width);
float fb_get_real(const fb_vector *v, uint32_t i);
/* A copy in the arena, with '?' for what cannot be shown; "" absent. */
const char *fb_text(const fb_table *t, int field, ff_arena *a);
/* The little-endian number at a place of the file that was checked. */
uint32_t fb_u32(const uint8_t *p);
int64_t fb_number(const uint8_t *p, int width);

#endif
