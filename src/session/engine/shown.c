/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the engine says and shows: events, snapshots and what was asked to be looked at. */
#include <stdlib.h>

#include "session/engine/engine.h"

/* --------------------------------------------------------------------------------------- events */

void engine_free_event(void *item)
{
    ff_event_finish(item);
    free(item);
}

void engine_emit(ff_session *s, int type, ff_job_kind kind, int64_t job, int code, const char *message)
{
    ff_event *e = ff_alloc(sizeof *e);
    e->type = type;
    e->kind = kind;
    e->job = job;
    e->code = code;
    e->message = ff_strdup(message);
    ff_queue_push(s->events, e);
}

void ff_event_finish(ff_event *e)
{
    free(e->message);
    e->message = NULL;
}

bool ff_session_poll_event(ff_session *s, ff_event *out)
{
    ff_event *e = ff_queue_try_pop(s->events);
    if (!e)
        return false;
    *out = *e;
    free(e);
    if (out->type == FF_EVENT_SNAPSHOT)
        atomic_store(&s->told, false);
    return true;
}

int ff_session_fd(const ff_session *s)
{
    return ff_queue_fd(s->events);
}

/* ----------------------------------------------------------------------------------- publishing */

/* A search that rejects by the hundred need not draw each. */
enum { PUBLISH_NS = 50 * 1000 * 1000 };

void engine_publish(void *context, bool force)
{
    ff_session *s = context;
    int64_t now = ff_now_ns();
    if (!force && now - s->published_ns < PUBLISH_NS)
        return;
    s->published_ns = now;
    /* Only this thread replaces the pointer, so reading it here needs no lock. */
    ff_snapshot *next = case_snapshot(s->c, s->snapshot);
    next->version = s->snapshot ? s->snapshot->version + 1 : 1;
    pthread_mutex_lock(&s->lock);
    const ff_snapshot *last = s->snapshot;
    s->snapshot = next;
    pthread_mutex_unlock(&s->lock);
    ff_snapshot_unref(last);
    if (!atomic_exchange(&s->told, true))
        engine_emit(s, FF_EVENT_SNAPSHOT, 0, atomic_load(&s->running), FF_OK, NULL);
}

void engine_announce(void *context, const char *message)
{
    ff_session *s = context;
    char *shown = ff_visible(message);
    engine_emit(s, FF_EVENT_NOTE, (ff_job_kind)atomic_load(&s->running_kind), atomic_load(&s->running), FF_OK, shown);
    free(shown);
}

const ff_snapshot *ff_session_snapshot(ff_session *s)
{
    pthread_mutex_lock(&s->lock);
    const ff_snapshot *now = snapshot_ref(s->snapshot);
    pthread_mutex_unlock(&s->lock);
    return now;
}

const ff_detail *ff_session_detail(ff_session *s, int pair)
{
    pthread_mutex_lock(&s->lock);
    const ff_detail *d = s->detail && s->detail->pair == pair ? detail_ref(s->detail) : NULL;
    pthread_mutex_unlock(&s->lock);
    return d;
}

const ff_comparison *ff_session_comparison(ff_session *s)
{
    pthread_mutex_lock(&s->lock);
    const ff_comparison *c = s->comparison ? comparison_ref(s->comparison) : NULL;
    pthread_mutex_unlock(&s->lock);
    return c;
}

void engine_set_detail(ff_session *s, const ff_detail *d)
{
    pthread_mutex_lock(&s->lock);
    const ff_detail *last = s->detail;
    s->detail = d;
    pthread_mutex_unlock(&s->lock);
    ff_detail_unref(last);
}

const ff_picture *ff_session_picture(ff_session *s, int pair, int image)
{
    pthread_mutex_lock(&s->lock);
    bool fits = s->picture && s->picture->pair == pair && s->picture->image == image;
    const ff_picture *p = fits ? picture_ref(s->picture) : NULL;
    pthread_mutex_unlock(&s->lock);
    return p;
}

void engine_set_picture(ff_session *s, const ff_picture *p)
{
    pthread_mutex_lock(&s->lock);
    const ff_picture *last = s->picture;
    s->picture = p;
    pthread_mutex_unlock(&s->lock);
    ff_picture_unref(last);
}

void engine_set_comparison(ff_session *s, const ff_comparison *c)
{
    pthread_mutex_lock(&s->lock);
    const ff_comparison *last = s->comparison;
    s->comparison = c;
    pthread_mutex_unlock(&s->lock);
    ff_comparison_unref(last);
}
