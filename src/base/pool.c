/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A pool of workers that share out the indices of one call at a time. */
#include "fetafix/base.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

/* One call of ff_pool_for. */
typedef struct job {
    ff_pool_fn *fn;
    void *context;
    ff_cancel *cancel;
    int64_t n;
    atomic_llong next;
    atomic_bool stop;
    pthread_mutex_t mutex; /* of the failure below */
    int64_t failed;        /* lowest index that failed, n when none did */
    int code;
    char *message;
} job;

typedef struct worker {
    ff_pool *pool;
    int number;
    pthread_t thread;
} worker;

struct ff_pool {
    pthread_mutex_t mutex;
    pthread_cond_t wake, done;
    void (*enter)(void);
    worker *workers;
    int threads; /* that really run */
    job *job;
    uint64_t call; /* number of the call, so that a worker takes part in each once */
    int busy;
    bool quit;
};

static bool cancelled(const ff_cancel *c)
{
    return c && atomic_load(&c->set);
}

static void keep_failure(job *j, int64_t index, int code)
{
    pthread_mutex_lock(&j->mutex);
    if (index < j->failed) {
        j->failed = index;
        j->code = code;
        free(j->message);
        j->message = ff_strdup(ff_error());
    }
    pthread_mutex_unlock(&j->mutex);
    atomic_store(&j->stop, true);
}

/* Indices are handed out in ascending order and each one handed out is run to its end. So when one
 * fails, all lower ones are run too, and the lowest failure does not depend on timing. */
static void work(job *j, int number)
{
    while (!atomic_load(&j->stop) && !cancelled(j->cancel)) {
        int64_t i = atomic_fetch_add(&j->next, 1);
        if (i >= j->n)
            break;
        int code = j->fn(j->context, i, number);
        if (code != FF_OK)
            keep_failure(j, i, code);
    }
}

static void *worker_main(void *argument)
{
    worker *w = argument;
    ff_pool *p = w->pool;
    uint64_t seen = 0;

    if (p->enter)
        p->enter();
    pthread_mutex_lock(&p->mutex);
    for (;;) {
        while (!p->quit && p->call == seen)
            pthread_cond_wait(&p->wake, &p->mutex);
        if (p->quit)
            break;
        seen = p->call;
        job *j = p->job;
        pthread_mutex_unlock(&p->mutex);
        work(j, w->number);
        pthread_mutex_lock(&p->mutex);
        if (--p->busy == 0)
            pthread_cond_signal(&p->done);
    }
    pthread_mutex_unlock(&p->mutex);
    return NULL;
}

static int usable_cores(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n > 0 ? n : 1;
}

/* Stacks of their own size: the one that new threads get otherwise is the shell's limit for this process. */
int ff_thread_start(pthread_t *out, void *(*run)(void *), void *context)
{
    enum { STACK = 8 << 20 };
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0)
        return ff_fail(FF_ERR_NOMEM, "no thread can be made");
    int failed = pthread_attr_setstacksize(&attributes, STACK) || pthread_create(out, &attributes, run, context);
    pthread_attr_destroy(&attributes);
    return failed ? ff_fail(FF_ERR_NOMEM, "no thread can be made") : FF_OK;
}

/* More would take memory for nothing. */
static int most_threads(int cores)
{
    enum { ALWAYS = 64, PER_CORE = 4 };
    return cores > ALWAYS / PER_CORE ? cores * PER_CORE : ALWAYS;
}

ff_pool *ff_pool_create(int threads, void (*enter)(void))
{
    ff_pool *p = ff_alloc(sizeof *p);
    int cores = usable_cores(), most = most_threads(cores), wanted = threads > 0 ? threads : cores;
    wanted = wanted < most ? wanted : most;
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->wake, NULL);
    pthread_cond_init(&p->done, NULL);
    p->enter = enter;
    p->workers = ff_alloc_array((size_t)wanted, sizeof *p->workers);

    /* Signals belong to the thread that talks to the user. */
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    for (int i = 0; i < wanted; i++) {
        worker *w = &p->workers[i];
        w->pool = p;
        w->number = i;
        /* When the system gives no more threads, those there are do all the work. */
        if (ff_thread_start(&w->thread, worker_main, w) != FF_OK)
            break;
        p->threads++;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return p;
}

void ff_pool_destroy(ff_pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->mutex);
    assert(p->busy == 0);
    p->quit = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->mutex);
    for (int i = 0; i < p->threads; i++)
        pthread_join(p->workers[i].thread, NULL);
    pthread_cond_destroy(&p->wake);
    pthread_cond_destroy(&p->done);
    pthread_mutex_destroy(&p->mutex);
    free(p->workers);
    free(p);
}

int ff_pool_threads(const ff_pool *p)
{
    return p && p->threads > 0 ? p->threads : 1;
}

int ff_pool_for(ff_pool *p, int64_t n, ff_pool_fn *fn, void *context, ff_cancel *cancel)
{
    job j = {.fn = fn, .context = context, .cancel = cancel, .n = n, .failed = n};
    if (n <= 0)
        return FF_OK;
    pthread_mutex_init(&j.mutex, NULL);
    if (p && p->threads > 0) {
        pthread_mutex_lock(&p->mutex);
        assert(p->busy == 0);
        p->job = &j;
        p->busy = p->threads;
        p->call++;
        pthread_cond_broadcast(&p->wake);
        while (p->busy > 0)
            pthread_cond_wait(&p->done, &p->mutex);
        p->job = NULL;
        pthread_mutex_unlock(&p->mutex);
    } else {
        work(&j, 0);
    }
    pthread_mutex_destroy(&j.mutex);
    if (j.failed < n)
        ff_fail(j.code, "%s", j.message);
    else if (atomic_load(&j.next) < n) /* the only other way to leave some out */
        j.code = ff_fail(FF_ERR_CANCELLED, "interrupted");
    free(j.message);
    return j.code;
}

bool ff_cancelled(const ff_task *t)
{
    return t && cancelled(t->cancel);
}

int ff_check_cancel(const ff_task *t)
{
    return ff_cancelled(t) ? ff_fail(FF_ERR_CANCELLED, "interrupted") : FF_OK;
}
