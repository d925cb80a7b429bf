/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Allocation: small pieces never fail, large ones may. */
#include "fetafix/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static _Atomic(void (*)(void)) oom_handler;

void ff_set_oom_handler(void (*handler)(void))
{
    atomic_store(&oom_handler, handler);
}

FF_NORETURN static void out_of_memory(void)
{
    /* Taken away first: a handler that allocates must not come back here. */
    void (*handler)(void) = atomic_exchange(&oom_handler, NULL);
    if (handler)
        handler();
    static const char words[] = "fetafix: out of memory\n"; /* needs none itself */
    ssize_t written = write(STDERR_FILENO, words, sizeof words - 1);
    (void)written;
    _exit(5);
}

void *ff_alloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);
    if (!p)
        out_of_memory();
    return p;
}

void *ff_alloc_array(size_t n, size_t size)
{
    void *p = n && size ? calloc(n, size) : calloc(1, 1);
    if (!p)
        out_of_memory();
    return p;
}

void *ff_realloc_array(void *p, size_t n, size_t size)
{
    void *q = n && size ? reallocarray(p, n, size) : realloc(p, 1);
    if (!q)
        out_of_memory();
    return q;
}

char *ff_strdup(const char *s)
{
    return s ? ff_strndup(s, strlen(s)) : NULL;
}

char *ff_strndup(const char *s, size_t n)
{
    if (!s)
        return NULL;
    n = strnlen(s, n);
    char *copy = ff_alloc(n + 1);
    memcpy(copy, s, n);
    return copy;
}

char *ff_asprintf(const char *format, ...)
{
    ff_buf b = {0};
    va_list args;
    va_start(args, format);
    ff_buf_vprintf(&b, format, args);
    va_end(args);
    return ff_buf_steal(&b);
}

void *ff_try_alloc_unset(size_t size)
{
    void *p = NULL;
    size_t need = size ? size : 1;
    /* Linux promises more than it has; filling such a promise would end the process. */
    if (need > ff_memory_total() || posix_memalign(&p, 64, need) != 0) {
        ff_fail(FF_ERR_NOMEM, "out of memory: %zu bytes cannot be had", size);
        return NULL;
    }
    return p;
}

void *ff_try_alloc(size_t size)
{
    void *p = ff_try_alloc_unset(size);
    if (p)
        memset(p, 0, size);
    return p;
}

/* The memory limit of the control group (version 2) this process is in, or UINT64_MAX. */
static uint64_t group_limit(void)
{
    uint64_t limit = UINT64_MAX;
    FILE *f = fopen("/sys/fs/cgroup/memory.max", "re");
    if (f) {
        unsigned long long v;
        if (fscanf(f, "%llu", &v) == 1 && v > 0)
            limit = v;
        fclose(f);
    }
    return limit;
}

uint64_t ff_memory_total(void)
{
    static atomic_ullong cached;
    uint64_t total = atomic_load(&cached);
    if (total == 0) {
        long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
        total = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : UINT64_C(1) << 30;
        uint64_t limit = group_limit();
        if (limit < total)
            total = limit;
        atomic_store(&cached, total);
    }
    return total;
}

uint64_t ff_memory_peak(void)
{
    struct rusage use;
    if (getrusage(RUSAGE_SELF, &use) != 0)
        return 0;
    return (uint64_t)use.ru_maxrss * 1024; /* Linux counts in KiB */
}

void ff_grow(void *pointer_to_pointer, size_t *capacity, size_t need, size_t size)
{
    if (need <= *capacity)
        return;
    size_t room = *capacity < 8 ? 8 : *capacity + *capacity / 2;
    if (room < need)
        room = need;
    void *p;
    memcpy(&p, pointer_to_pointer, sizeof p);
    p = ff_realloc_array(p, room, size);
    memset((char *)p + *capacity * size, 0, (room - *capacity) * size);
    memcpy(pointer_to_pointer, &p, sizeof p);
    *capacity = room;
}
