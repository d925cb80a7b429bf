/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A queue of pointers whose eventfd is readable while it is not empty. */
#include "fetafix/base.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct ff_queue {
    pthread_mutex_t mutex;
    pthread_cond_t filled;
    void **items; /* a ring */
    size_t first, count, capacity;
    int fd; /* -1 when the system gave none: the queue works, only nothing polls it */
};

ff_queue *ff_queue_create(void)
{
    ff_queue *q = ff_alloc(sizeof *q);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&q->mutex, NULL);
    pthread_cond_init(&q->filled, &attributes);
    pthread_condattr_destroy(&attributes);
    q->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return q;
}

void ff_queue_destroy(ff_queue *q, void (*free_item)(void *))
{
    if (!q)
        return;
    for (size_t i = 0; i < q->count && free_item; i++)
        free_item(q->items[(q->first + i) % q->capacity]);
    if (q->fd >= 0)
        close(q->fd);
    pthread_cond_destroy(&q->filled);
    pthread_mutex_destroy(&q->mutex);
    free(q->items);
    free(q);
}

void ff_queue_push(ff_queue *q, void *item)
{
    pthread_mutex_lock(&q->mutex);
    if (q->count == q->capacity) {
        size_t room = q->capacity ? 2 * q->capacity : 16;
        void **items = ff_alloc_array(room, sizeof *items);
        for (size_t i = 0; i < q->count; i++)
            items[i] = q->items[(q->first + i) % q->capacity];
        free(q->items);
        q->items = items;
        q->first = 0;
        q->capacity = room;
    }
    q->items[(q->first + q->count) % q->capacity] = item;
    if (q->count++ == 0 && q->fd >= 0)
        (void)eventfd_write(q->fd, 1);
    pthread_cond_signal(&q->filled);
    pthread_mutex_unlock(&q->mutex);
}

/* With the mutex held. */
static void *pop(ff_queue *q)
{
    if (q->count == 0)
        return NULL;
    void *item = q->items[q->first];
    q->first = (q->first + 1) % q->capacity;
    if (--q->count == 0 && q->fd >= 0) {
        eventfd_t drained;
        (void)eventfd_read(q->fd, &drained);
    }
    return item;
}

void *ff_queue_try_pop(ff_queue *q)
{
    pthread_mutex_lock(&q->mutex);
    void *item = pop(q);
    pthread_mutex_unlock(&q->mutex);
    return item;
}

void *ff_queue_take(ff_queue *q, bool (*wanted)(const void *item))
{
    pthread_mutex_lock(&q->mutex);
    size_t at = 0;
    while (at < q->count && !wanted(q->items[(q->first + at) % q->capacity]))
        at++;
    void *item = at < q->count ? q->items[(q->first + at) % q->capacity] : NULL;
    for (size_t i = at; item && i > 0; i--) /* those before it move up */
        q->items[(q->first + i) % q->capacity] = q->items[(q->first + i - 1) % q->capacity];
    if (item)
        pop(q);
    pthread_mutex_unlock(&q->mutex);
    return item;
}

void *ff_queue_pop(ff_queue *q, int64_t timeout_ms)
{
    struct timespec until = {0};
    if (timeout_ms >= 0) {
        int64_t ns = ff_now_ns() + timeout_ms * 1000000;
        until.tv_sec = (time_t)(ns / 1000000000);
        until.tv_nsec = (long)(ns % 1000000000);
    }
    pthread_mutex_lock(&q->mutex);
    while (q->count == 0) {
        if (timeout_ms < 0)
            pthread_cond_wait(&q->filled, &q->mutex);
        else if (pthread_cond_timedwait(&q->filled, &q->mutex, &until) == ETIMEDOUT)
            break;
    }
    void *item = pop(q);
    pthread_mutex_unlock(&q->mutex);
    return item;
}

int ff_queue_fd(const ff_queue *q)
{
    return q->fd;
}
