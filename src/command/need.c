/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What commands need before they can answer. */
#include "command/later.h"
#include "fetafix/command_job.h"

int ff_need_session(const ff_context *c)
{
    return c->session ? FF_OK : ff_fail(FF_ERR_USAGE, "no case is open: give SOURCE TARGET --images DIR|LIST");
}

/* Where the context waits, the outcome is printed; else events tell it. */
int ff_post_job(ff_context *c, const ff_request *r)
{
    int code = ff_need_session(c);
    if (code)
        return code;
    int64_t job = ff_session_post(c->session, r);
    if (!ff_job(r->kind)->lengthy)
        later_edited(c, job);
    return c->wait ? ff_wait_saying(c, job) : FF_OK;
}

int ff_need_localized(ff_context *c, bool *done)
{
    int code = ff_need_session(c);
    *done = false;
    if (code)
        return code;
    const ff_snapshot *s = ff_session_snapshot(c->session);
    *done = s->localized || c->again;
    ff_snapshot_unref(s);
    return *done ? FF_OK : ff_later_need(c, &(ff_request){.kind = FF_JOB_LOCALIZE}, done);
}
