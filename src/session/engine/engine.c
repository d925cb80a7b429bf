/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The engine thread: one request after the other, a snapshot after each change, judgements ahead of
 * time while there is nothing else to do.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "session/engine/engine.h"

/* Under the lock. */
static waiting *find_job(ff_session *s, int64_t job)
{
    for (int i = 0; i < s->n_jobs; i++) {
        if (s->jobs[i].info.job == job)
            return &s->jobs[i];
    }
    return NULL;
}

static void forget_job(ff_session *s, int64_t job)
{
    waiting *w = find_job(s, job);
    if (w) {
        size_t after = (size_t)(s->jobs + s->n_jobs - (w + 1));
        memmove(w, w + 1, after * sizeof *w);
        s->n_jobs--;
    }
}

/* Marks the job as running; false: it was dropped while it waited. */
static bool start_job(ff_session *s, int64_t job)
{
    pthread_mutex_lock(&s->lock);
    waiting *w = find_job(s, job);
    bool fine = job > atomic_load(&s->cancel_upto) && !(w && w->dropped);
    if (w)
        w->info.running = true;
    pthread_mutex_unlock(&s->lock);
    return fine;
}

static void finish(ff_session *s, int64_t job, ff_job_kind kind, int code)
{
    const char *message = code ? ff_error() : NULL;
    char *shown = message ? ff_visible(message) : NULL;
    pthread_mutex_lock(&s->lock);
    forget_job(s, job);
    ff_grow(&s->ends, &s->ends_capacity, (size_t)job + 1, sizeof *s->ends);
    if (s->n_ends <= job)
        s->n_ends = job + 1;
    s->ends[job] = (job_end){.ended = true, .code = code, .message = ff_strdup(shown)};
    pthread_cond_broadcast(&s->ended);
    pthread_mutex_unlock(&s->lock);
    engine_emit(s, code ? FF_EVENT_FAILED : FF_EVENT_DONE, kind, job, code, shown);
    free(shown);
}

static void free_request(void *item)
{
    request *q = item;
    free((char *)q->r.id);
    free((char *)q->r.path);
    free((char *)q->r.target);
    if (q->r.errand)
        q->r.errand->destroy(q->r.errand);
    free(q);
}

static void drop_outdated(ff_session *s)
{
    if (s->detail && s->detail_state != s->c->localizations)
        engine_set_detail(s, NULL);
    if (s->picture && s->picture_state != s->c->localizations)
        engine_set_picture(s, NULL);
}

static bool only_looks(const void *item)
{
    const request *q = item;
    return ff_job(q->r.kind)->looks || (q->r.errand && q->r.errand->brief);
}

/* Between two trials of a search nothing is half done: who only looks need not wait for its end. The search goes on
 * being what runs, and what shows its progress. */
static void serve_looks(void *context)
{
    ff_session *s = context;
    request *q;
    drop_outdated(s);
    while (!atomic_load(&s->cancel.set) && (q = ff_queue_take(s->requests, only_looks))) {
        pthread_mutex_lock(&s->lock);
        waiting *w = find_job(s, q->job);
        bool fine = !(w && w->dropped);
        pthread_mutex_unlock(&s->lock);
        s->c->task.progress = NULL;
        int code = fine ? engine_run(s, &q->r) : ff_fail(FF_ERR_CANCELLED, "cancelled");
        s->c->task.progress = &s->progress;
        engine_keep_errand(s, q, code);
        finish(s, q->job, q->r.kind, code);
        free_request(q);
    }
}

static void run_request(ff_session *s, request *q)
{
    int code;
    /* In this order, so that a cancel which sees the job running cannot be cleared afterwards. */
    atomic_store(&s->cancel.set, false);
    atomic_store(&s->running_kind, (int)q->r.kind);
    atomic_store(&s->running, q->job);
    if (!start_job(s, q->job)) {
        code = ff_fail(FF_ERR_CANCELLED, "cancelled");
    } else {
        engine_emit(s, FF_EVENT_STARTED, q->r.kind, q->job, FF_OK, NULL);
        code = engine_run(s, &q->r);
        drop_outdated(s);
    }
    ff_progress_finish(&s->progress);
    char *message = code ? ff_strdup(ff_error()) : NULL;
    if (code && code != FF_ERR_CANCELLED)
        case_note(s->c, "%s", message);
    engine_publish(s, true);
    if (code)
        code = ff_fail(code, "%s", message);
    free(message);
    atomic_store(&s->running, 0);
    engine_keep_errand(s, q, code);
    finish(s, q->job, q->r.kind, code);
}

/* Where a person watches, the threads that compute leave a key's answer the first word on a core; on Linux the
 * priority is the thread's own. */
static void step_back(void)
{
    (void)!setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 5);
}

static void *engine(void *context)
{
    ff_session *s = context;
    if (s->c->options.speculate)
        step_back();
    for (;;) {
        request *q = ff_queue_try_pop(s->requests);
        if (!q && s->c->options.speculate && !atomic_load(&s->closing)) {
            atomic_store(&s->speculation.set, false);
            q = ff_queue_try_pop(s->requests);
            if (!q && case_speculate(s->c, &s->speculation)) {
                engine_publish(s, true);
                continue;
            }
        }
        if (!q)
            q = ff_queue_pop(s->requests, -1);
        if (!q)
            continue;
        if (atomic_load(&s->closing)) {
            free_request(q);
            break;
        }
        run_request(s, q);
        free_request(q);
    }
    return NULL;
}

int64_t ff_session_post(ff_session *s, const ff_request *r)
{
    request *q = ff_alloc(sizeof *q);
    q->r = *r;
    q->r.id = ff_strdup(r->id);
    q->r.path = ff_strdup(r->path);
    q->r.target = ff_strdup(r->target);
    pthread_mutex_lock(&s->lock); /* so that the queue is in the order of the numbers */
    int64_t job = q->job = atomic_fetch_add(&s->posted, 1) + 1;
    ff_queue_push(s->requests, q);
    ff_grow(&s->jobs, &s->jobs_capacity, (size_t)s->n_jobs + 1, sizeof *s->jobs);
    s->jobs[s->n_jobs++] = (waiting){.info = {.job = job, .kind = r->kind}};
    pthread_mutex_unlock(&s->lock);
    atomic_store(&s->speculation.set, true);
    return job;
}

void ff_session_cancel(ff_session *s, bool all)
{
    if (all)
        atomic_store(&s->cancel_upto, atomic_load(&s->posted));
    if (all || atomic_load(&s->running))
        atomic_store(&s->cancel.set, true);
}

int ff_session_jobs(ff_session *s, ff_job_info *out, int max)
{
    pthread_mutex_lock(&s->lock);
    int n = s->n_jobs < max ? s->n_jobs : max;
    for (int i = 0; i < n; i++)
        out[i] = s->jobs[i].info;
    pthread_mutex_unlock(&s->lock);
    return n;
}

void ff_session_cancel_job(ff_session *s, int64_t job)
{
    pthread_mutex_lock(&s->lock);
    waiting *w = find_job(s, job);
    if (w && w->info.running)
        atomic_store(&s->cancel.set, true);
    else if (w)
        w->dropped = true;
    pthread_mutex_unlock(&s->lock);
}

int ff_session_wait(ff_session *s, int64_t job)
{
    pthread_mutex_lock(&s->lock);
    while (s->n_ends <= job || !s->ends[job].ended)
        pthread_cond_wait(&s->ended, &s->lock);
    int code = s->ends[job].code;
    char *message = ff_strdup(s->ends[job].message);
    pthread_mutex_unlock(&s->lock);
    if (code)
        code = ff_fail(code, "%s", message ? message : "");
    free(message);
    return code;
}

const ff_progress *ff_session_progress(const ff_session *s)
{
    return &s->progress;
}

int64_t ff_session_running(const ff_session *s, ff_job_kind *kind)
{
    int64_t job = atomic_load(&s->running);
    if (job && kind)
        *kind = (ff_job_kind)atomic_load(&s->running_kind);
    return job;
}

/* --------------------------------------------------------------------------------- open, close */

int ff_session_open(const ff_session_options *o, ff_session **out)
{
    ff_case *c = case_create(o);
    int code = case_open_store(c);
    if (code) {
        case_destroy(c);
        return code;
    }
    ff_session *s = ff_alloc(sizeof *s);
    s->c = c;
    s->requests = ff_queue_create();
    s->events = ff_queue_create();
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->ended, NULL);
    c->pool = ff_pool_create(o->threads, o->speculate ? step_back : NULL);
    c->task = (ff_task){.pool = c->pool, .cancel = &s->cancel, .progress = &s->progress, .team = o->team};
    c->publish = engine_publish;
    c->announce = engine_announce;
    c->between = serve_looks;
    c->context = s;
    engine_publish(s, true);
    if ((code = ff_thread_start(&s->thread, engine, s))) {
        atomic_store(&s->closing, true);
        s->thread = 0;
        ff_session_close(s);
        return code;
    }
    ff_session_post(s, &(ff_request){.kind = FF_JOB_LOAD});
    *out = s;
    return FF_OK;
}

void ff_session_close(ff_session *s)
{
    if (!s)
        return;
    if (!atomic_load(&s->closing)) {
        atomic_store(&s->closing, true);
        ff_session_cancel(s, true);
        ff_session_post(s, &(ff_request){.kind = FF_JOB_KINDS}); /* wakes the thread */
        pthread_join(s->thread, NULL);
    }
    case_destroy(s->c);
    ff_queue_destroy(s->requests, free_request);
    ff_queue_destroy(s->events, engine_free_event);
    for (int64_t i = 0; i < s->n_ends; i++)
        free(s->ends[i].message);
    free(s->ends);
    engine_drop_errands(s);
    ff_snapshot_unref(s->snapshot);
    ff_detail_unref(s->detail);
    ff_comparison_unref(s->comparison);
    ff_picture_unref(s->picture);
    free(s->jobs);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->ended);
    free(s);
}
