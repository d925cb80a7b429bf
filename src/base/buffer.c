/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Growing strings. */
#include "fetafix/base.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reserve(ff_buf *b, size_t more)
{
    size_t need = b->len + more + 1;
    if (need <= b->capacity)
        return;
    size_t room = b->capacity < 64 ? 64 : b->capacity + b->capacity / 2;
    b->capacity = room < need ? need : room;
    b->data = ff_realloc_array(b->data, b->capacity, 1);
}

void ff_buf_finish(ff_buf *b)
{
    free(b->data);
    *b = (ff_buf){0};
}

void ff_buf_clear(ff_buf *b)
{
    b->len = 0;
    if (b->data)
        b->data[0] = '\0';
}

void ff_buf_add(ff_buf *b, const void *bytes, size_t n)
{
    reserve(b, n);
    if (n)
        memcpy(b->data + b->len, bytes, n);
    b->len += n;
    b->data[b->len] = '\0';
}

void ff_buf_puts(ff_buf *b, const char *s)
{
    ff_buf_add(b, s, strlen(s));
}

void ff_buf_putc(ff_buf *b, char c)
{
    ff_buf_add(b, &c, 1);
}

void ff_buf_vprintf(ff_buf *b, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    assert(n >= 0); /* only a broken format fails */
    reserve(b, (size_t)n);
    vsnprintf(b->data + b->len, (size_t)n + 1, format, again);
    va_end(again);
    b->len += (size_t)n;
}

void ff_buf_printf(ff_buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    ff_buf_vprintf(b, format, args);
    va_end(args);
}

char *ff_buf_steal(ff_buf *b)
{
    char *s = b->data ? b->data : ff_alloc(1);
    *b = (ff_buf){0};
    return s;
}
