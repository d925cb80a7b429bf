/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Waiting for a job, with progress on a terminal. */
#include <poll.h>
#include <stdio.h>

#include "fetafix/command_job.h"
#include "fetafix/command_say.h"

enum { TICK_MS = 100, BAR = 24 };

static void draw_progress(ff_context *c)
{
    const ff_progress *p = ff_session_progress(c->session);
    const char *stage = atomic_load(&p->stage);
    long long done = atomic_load(&p->done), total = atomic_load(&p->total);
    const ff_snapshot *s = ff_session_snapshot(c->session);
    ff_buf line = {0};
    ff_buf_puts(&line, "\r\033[K");
    if (stage && total > 0) {
        int filled = (int)(BAR * (done < total ? done : total) / total);
        ff_buf_printf(&line, "%s [%.*s%.*s] %lld/%lld", stage, filled, "########################", BAR - filled,
                      "........................", done, total);
    } else {
        ff_buf_puts(&line, stage ? stage : "working");
    }
    if (s->wrong >= 0 && s->wrong != s->initial)
        ff_buf_printf(&line, "   wrong %d -> %d", s->initial, s->wrong);
    else if (s->wrong >= 0)
        ff_buf_printf(&line, "   wrong %d", s->wrong);
    ff_snapshot_unref(s);
    fputs(line.data, stderr);
    fflush(stderr);
    ff_buf_finish(&line);
}

static void clear_progress(void)
{
    fputs("\r\033[K", stderr);
    fflush(stderr);
}

static int wait_for(ff_context *c, int64_t job, bool saying)
{
    bool ended = false, drawn = false;
    while (!ended) {
        struct pollfd fd = {.fd = ff_session_fd(c->session), .events = POLLIN};
        poll(&fd, 1, c->progress ? TICK_MS : -1);
        ff_event e;
        while (!ended && ff_session_poll_event(c->session, &e)) {
            ended = e.job == job && (e.type == FF_EVENT_DONE || e.type == FF_EVENT_FAILED);
            if (e.type == FF_EVENT_NOTE && (saying || c->verbose)) {
                if (drawn)
                    clear_progress();
                if (saying && c->format == FF_FORMAT_TEXT) /* JSON and CSV are data only */
                    ff_say(c, "%s\n", e.message);
                else
                    ff_note(c, "%s", e.message);
            }
            ff_event_finish(&e);
        }
        if (!ended && c->progress) {
            draw_progress(c);
            drawn = true;
        }
    }
    if (drawn)
        clear_progress();
    return ff_session_wait(c->session, job);
}

int ff_wait(ff_context *c, int64_t job)
{
    return wait_for(c, job, false);
}

int ff_wait_saying(ff_context *c, int64_t job)
{
    return wait_for(c, job, true);
}

int ff_run_job(ff_context *c, const ff_request *r)
{
    if (atomic_load(&ff_interrupted.set))
        return ff_fail(FF_ERR_CANCELLED, "interrupted");
    return ff_wait(c, ff_session_post(c->session, r));
}
