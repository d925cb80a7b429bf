/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Many small pieces freed at once. */
#include "fetafix/base.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE (32 * 1024)

typedef struct block {
    struct block *next;
    size_t used, size;
    _Alignas(16) char data[];
} block;

struct ff_arena {
    block *first; /* pieces are cut from this one; larger pieces stand behind it alone */
    bool single;  /* FETAFIX_ARENA_DEBUG: a block per piece */
};

ff_arena *ff_arena_create(void)
{
    ff_arena *a = ff_alloc(sizeof *a);
    const char *debug = getenv("FETAFIX_ARENA_DEBUG");
    a->single = debug && *debug;
    return a;
}

void ff_arena_destroy(ff_arena *a)
{
    if (!a)
        return;
    for (block *b = a->first, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(a);
}

static block *block_create(size_t size)
{
    /* An overflowing sum is refused by ff_alloc_array, which then ends the process. */
    block *b = ff_alloc_array(1, size > SIZE_MAX - sizeof *b ? SIZE_MAX : sizeof *b + size);
    b->size = size;
    return b;
}

void *ff_arena_alloc(ff_arena *a, size_t size)
{
    if (a->single) {
        block *b = block_create(size);
        b->next = a->first;
        a->first = b;
        return b->data;
    }
    size_t rounded = size > SIZE_MAX - 32 ? size : (size + 15) & ~(size_t)15;
    if (rounded == 0)
        rounded = 16;
    if (a->first && rounded <= a->first->size - a->first->used) {
        void *p = a->first->data + a->first->used;
        a->first->used += rounded;
        return p;
    }
    if (rounded > BLOCK_SIZE / 4) {
        block *b = block_create(rounded);
        b->used = rounded;
        if (a->first) {
            b->next = a->first->next;
            a->first->next = b;
        } else {
            a->first = b;
        }
        return b->data;
    }
    block *b = block_create(BLOCK_SIZE);
    b->next = a->first;
    b->used = rounded;
    a->first = b;
    return b->data;
}

char *ff_arena_strdup(ff_arena *a, const char *s)
{
    if (!s)
        return NULL;
    size_t n = strlen(s);
    char *copy = ff_arena_alloc(a, n + 1);
    memcpy(copy, s, n);
    return copy;
}

char *ff_arena_printf(ff_arena *a, const char *format, ...)
{
    ff_buf b = {0};
    va_list args;
    va_start(args, format);
    ff_buf_vprintf(&b, format, args);
    va_end(args);
    char *copy = ff_arena_strdup(a, b.data ? b.data : "");
    ff_buf_finish(&b);
    return copy;
}
