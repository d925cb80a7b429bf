/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines for whoever listens. */
#include "fetafix/base.h"

#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static void (*listener)(void *context, ff_level level, const char *line);
static void *listener_context;
static atomic_bool listening; /* spares the formatting when nobody listens */

void ff_log_set_sink(void (*sink)(void *context, ff_level level, const char *line), void *context)
{
    pthread_mutex_lock(&mutex);
    listener = sink;
    listener_context = context;
    atomic_store(&listening, sink != NULL);
    pthread_mutex_unlock(&mutex);
}

void ff_log(ff_level level, const char *format, ...)
{
    if (!atomic_load(&listening))
        return;
    ff_buf text = {0};
    va_list args;
    va_start(args, format);
    ff_buf_vprintf(&text, format, args);
    va_end(args);
    char *line = ff_visible_n(text.data ? text.data : "", text.len);
    pthread_mutex_lock(&mutex);
    if (listener)
        listener(listener_context, level, line);
    pthread_mutex_unlock(&mutex);
    free(line);
    ff_buf_finish(&text);
}
