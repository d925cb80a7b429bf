/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/file/tflite/flatbuffer.h"

#include <string.h>

enum { MOST_TEXT = 400 };

uint32_t fb_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint16_t u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

int64_t fb_number(const uint8_t *p, int width)
{
    uint64_t v = 0;
    for (int i = width - 1; i >= 0; i--)
        v = v << 8 | p[i];
    return width == 8 ? (int64_t)v : width == 4 ? (int32_t)v : width == 2 ? (int16_t)v : (int8_t)v;
}

void fb_open(fb_file *f, const uint8_t *data, size_t size)
{
    /* Every byte read some times over: more is no file but a bomb. */
    *f = (fb_file){.data = data, .size = size, .budget = (uint64_t)size * 8 + 65536};
}

static bool inside(const fb_file *f, size_t at, size_t n)
{
    return at <= f->size && n <= f->size - at;
}

static bool spend(fb_file *f, uint64_t n)
{
    if (n > f->budget) {
        f->broken = true;
        return false;
    }
    f->budget -= n;
    return true;
}

static fb_table broken_table(fb_file *f)
{
    f->broken = true;
    return (fb_table){0};
}

static fb_table table_at(fb_file *f, size_t at)
{
    if (!inside(f, at, 4) || !spend(f, 1))
        return broken_table(f);
    int64_t vtable = (int64_t)at - fb_number(f->data + at, 4);
    if (vtable < 0 || !inside(f, (size_t)vtable, 4))
        return broken_table(f);
    fb_table t = {f, at, (size_t)vtable, 0, u16(f->data + vtable + 2)};
    uint16_t length = u16(f->data + vtable);
    if (length < 4 || length % 2 || t.size < 4 || !inside(f, t.vtable, length) || !inside(f, at, t.size))
        return broken_table(f);
    t.fields = (uint16_t)((length - 4) / 2);
    return t;
}

fb_table fb_root(fb_file *f)
{
    return inside(f, 0, 8) ? table_at(f, fb_u32(f->data)) : broken_table(f);
}

size_t fb_field(const fb_table *t, int field, size_t width)
{
    if (t->f == NULL || field >= t->fields)
        return 0;
    uint16_t at = u16(t->f->data + t->vtable + 4 + 2 * (size_t)field);
    if (at == 0)
        return 0;
    if (at < 4 || at + width > t->size) {
        t->f->broken = true;
        return 0;
    }
    return t->at + at;
}

int64_t fb_int(const fb_table *t, int field, int width, int64_t otherwise)
{
    size_t at = fb_field(t, field, (size_t)width);
    return at ? fb_number(t->f->data + at, width) : otherwise;
}

static float real_at(const uint8_t *p)
{
    uint32_t bits = fb_u32(p);
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

float fb_real(const fb_table *t, int field, float otherwise)
{
    size_t at = fb_field(t, field, 4);
    return at ? real_at(t->f->data + at) : otherwise;
}

/* What an offset at a place points to; 0: nothing. */
static size_t follow(fb_file *f, size_t at)
{
    size_t to = at + fb_u32(f->data + at);
    if (to == at || !inside(f, to, 4)) {
        f->broken = true;
        return 0;
    }
    return to;
}

fb_table fb_sub(const fb_table *t, int field)
{
    size_t at = fb_field(t, field, 4), to = at ? follow(t->f, at) : 0;
    return to ? table_at(t->f, to) : (fb_table){0};
}

fb_vector fb_list(const fb_table *t, int field, size_t element)
{
    size_t at = fb_field(t, field, 4), to = at ? follow(t->f, at) : 0;
    if (!to)
        return (fb_vector){0};
    uint64_t n = fb_u32(t->f->data + to);
    if (n * element > t->f->size - to - 4 || !spend(t->f, n)) {
        t->f->broken = true;
        return (fb_vector){0};
    }
    return (fb_vector){t->f, to + 4, (uint32_t)n};
}

fb_table fb_at(const fb_vector *v, uint32_t i)
{
    if (i >= v->n)
        return (fb_table){0};
    size_t to = follow(v->f, v->at + 4 * (size_t)i);
    return to ? table_at(v->f, to) : (fb_table){0};
}

int64_t fb_get(const fb_vector *v, uint32_t i, int width)
{
    return i < v->n ? fb_number(v->f->data + v->at + (size_t)i * (size_t)width, width) : 0;
}

float fb_get_real(const fb_vector *v, uint32_t i)
{
    return i < v->n ? real_at(v->f->data + v->at + 4 * (size_t)i) : 0;
}

const char *fb_text(const fb_table *t, int field, ff_arena *a)
{
    fb_vector v = fb_list(t, field, 1);
    size_t n = v.n < MOST_TEXT ? v.n : MOST_TEXT;
    char *s = ff_arena_alloc(a, n + 1);
    for (size_t i = 0; i < n; i++) {
        uint8_t c = v.f->data[v.at + i];
        s[i] = (char)(c < 0x20 || c >= 0x7f ? '?' : c);
    }
    return s;
}
