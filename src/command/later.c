/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lines that wait for the engine, where the front end does not. A line may need a job's result itself; and
 * what is typed behind it, or behind an edit that was posted, has to see what that leads to.
 */
#include "command/later.h"

#include <stdlib.h>
#include <string.h>

#include "fetafix/command_job.h"
#include "fetafix/command_say.h"

/* What is waited for: a job's end, or (localized) that the models were compared, which a repair does first. */
typedef struct waiting {
    int64_t job;
    bool localized;
} waiting;

/* Settled: the line has asked for what it waits for itself. */
typedef struct held {
    char *line;
    waiting on;
    bool settled;
} held;

struct ff_later {
    held *at;
    size_t n, capacity;
};

static void hold(ff_context *c, size_t at, const char *line, waiting on, bool settled)
{
    struct ff_later *l = c->later;
    if (!l)
        l = c->later = ff_alloc(sizeof *l);
    ff_grow(&l->at, &l->capacity, l->n + 1, sizeof *l->at);
    memmove(l->at + at + 1, l->at + at, (l->n - at) * sizeof *l->at);
    l->at[at] = (held){ff_strdup(line), on, settled};
    l->n++;
}

static void forget_all(ff_context *c)
{
    for (size_t i = 0; c->later && i < c->later->n; i++)
        free(c->later->at[i].line);
    if (c->later)
        free(c->later->at);
    free(c->later);
    c->later = NULL;
}

static bool is_pending(const ff_context *c, int64_t job)
{
    ff_job_info jobs[64];
    int n = job > 0 && c->session ? ff_session_jobs(c->session, jobs, (int)FF_COUNT(jobs)) : 0;
    for (int i = 0; i < n; i++) {
        if (jobs[i].job == job)
            return true;
    }
    return false;
}

/* Whoever compares the models already is waited for; else a job more. */
static waiting post(ff_context *c, const ff_request *r)
{
    ff_job_info jobs[64];
    bool localized = r->kind == FF_JOB_LOCALIZE;
    int n = localized ? ff_session_jobs(c->session, jobs, (int)FF_COUNT(jobs)) : 0;
    for (int i = 0; i < n; i++) {
        if (ff_job(jobs[i].kind)->localizes)
            return (waiting){jobs[i].job, true};
    }
    return (waiting){ff_session_post(c->session, r), localized};
}

int ff_later_need(ff_context *c, const ff_request *r, bool *done)
{
    *done = c->wait || c->again;
    if (*done) {
        c->answered = ff_session_post(c->session, r);
        return ff_wait(c, c->answered);
    }
    ff_job_kind kind;
    if (ff_session_running(c->session, &kind))
        ff_note(c, "the engine is %s; the answer follows", ff_job_name(kind));
    else if (r->kind == FF_JOB_LOCALIZE)
        ff_note(c, "the models are compared first; the answer follows");
    hold(c, c->resuming || !c->later ? 0 : c->later->n, c->line, post(c, r), true);
    c->asked = true;
    return FF_OK;
}

void later_edited(ff_context *c, int64_t job)
{
    if (!c->wait)
        c->edit_job = job;
}

bool later_holds(ff_context *c, const char *line)
{
    if (c->wait || c->again || c->view)
        return false;
    if (!c->resuming && c->later) {
        hold(c, c->later->n, line, c->later->at[c->later->n - 1].on, false);
        return true;
    }
    if (!is_pending(c, c->edit_job))
        return false;
    hold(c, 0, line, (waiting){.job = c->edit_job}, false);
    return true;
}

bool ff_command_waits(const ff_context *c, int64_t job)
{
    const held *first = c->later ? &c->later->at[0] : NULL;
    if (!first || first->on.job == job || !first->on.localized)
        return first && first->on.job == job;
    const ff_snapshot *s = ff_session_snapshot(c->session);
    bool localized = s->localized;
    ff_snapshot_unref(s);
    return localized;
}

bool later_take(ff_context *c, later_line *out)
{
    struct ff_later *l = c->later;
    if (!l)
        return false;
    held first = l->at[0];
    l->n--;
    memmove(l->at, l->at + 1, l->n * sizeof *l->at);
    *out = (later_line){first.line, first.on.job, first.settled, l->n};
    if (l->n == 0)
        forget_all(c);
    return true;
}

void later_follow(ff_context *c, size_t left)
{
    for (size_t i = 1; c->later && c->later->n > left && i < c->later->n; i++)
        c->later->at[i].on = c->later->at[0].on;
}

void ff_command_forget(ff_context *c)
{
    forget_all(c);
    c->edit_job = 0;
}
