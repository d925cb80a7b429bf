/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the process has spent its time on. */
#include "fetafix/base.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ff_spent *rows;
static size_t n_rows, capacity;

void ff_spend(const char *activity, const char *what, int64_t ns, int64_t times)
{
    size_t i = 0;

    pthread_mutex_lock(&lock);
    while (i < n_rows && (strcmp(rows[i].activity, activity) != 0 || strcmp(rows[i].what, what) != 0))
        i++;
    if (i == n_rows) {
        ff_grow(&rows, &capacity, n_rows + 1, sizeof *rows);
        rows[n_rows++] = (ff_spent){.activity = activity, .what = ff_strdup(what)};
    }
    rows[i].ns += ns;
    rows[i].times += times;
    pthread_mutex_unlock(&lock);
}

static int by_time(const void *a, const void *b)
{
    const ff_spent *x = a, *y = b;

    return (x->ns < y->ns) - (x->ns > y->ns);
}

size_t ff_spent_list(ff_spent **out)
{
    pthread_mutex_lock(&lock);
    size_t n = n_rows;
    *out = ff_alloc_array(n, sizeof **out);
    if (n)
        memcpy(*out, rows, n * sizeof *rows);
    pthread_mutex_unlock(&lock);
    if (n)
        qsort(*out, n, sizeof **out, by_time);
    return n;
}
