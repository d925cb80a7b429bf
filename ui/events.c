/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the engine says, and what is asked of it without a key. */
#include <stdlib.h>
#include <string.h>

#include "ui.h"

enum { DETAIL_DELAY_MS = 120 }; /* the cursor has to rest so long before its pair is looked into */

bool ui_unsaved(const ui *u)
{
    const ff_table *t = u->snap->states;
    int row = ui_find_int(t, "state", u->snap->state);
    if (!u->snap->loaded || row < 0 || ui_int(t, row, "parent", -1) < 0)
        return false; /* as converted */
    return u->saved_state != u->snap->state;
}

static void take_snapshot(ui *u)
{
    const ff_snapshot *s = ff_session_snapshot(u->session);
    if (s == u->snap) {
        ff_snapshot_unref(s);
        return;
    }
    bool moved = s->state != u->snap->state || s->localized != u->snap->localized;
    ff_snapshot_unref(u->snap);
    u->snap = s;
    ui_stale(u);
    if (!u->touched && s->localized && s->next && ui_told(u)) { /* where there is something to see */
        int row = ui_find_id(s->proposals, "id", s->next);
        const char *findings = ui_text(s->proposals, row, "findings");
        free(u->finding);
        u->finding = ff_strndup(findings, strcspn(findings, ", \n"));
        u->views[VIEW_DETAIL].stale = true;
        ui_look_at(u, (int)ui_int(s->proposals, row, "pair", -1));
    } else if (moved && u->pair >= 0) {
        ui_want_detail(u);
    }
}

static void take_detail(ui *u)
{
    if (u->pair < 0)
        return;
    const ff_detail *d = ff_session_detail(u->session, u->pair);
    if (!d)
        return;
    if (u->detail)
        ff_detail_unref(u->detail);
    u->detail = d;
    u->views[VIEW_DETAIL].stale = true;
    u->dirty = true;
}

static void done(ui *u, const ff_event *e)
{
    bool ok = e->type == FF_EVENT_DONE;

    if (e->job == u->running)
        u->running = 0;
    if (e->kind == FF_JOB_DETAIL) {
        u->detail_job = 0;
        take_detail(u);
        ui_run_later(u, e->job);
        u->views[VIEW_DETAIL].stale = true;
        return;
    }
    if (ok && e->kind == FF_JOB_LOAD && !u->snap->localized)
        ff_session_post(u->session, &(ff_request){.kind = FF_JOB_LOCALIZE});
    if (!ok && e->kind == FF_JOB_LOAD) { /* nothing to look at: say why where it can be read */
        u->quit = true;
        u->code = e->code;
        u->failure = ff_strdup(e->message);
        return;
    }
    if (ok && e->kind == FF_JOB_SAVE) {
        u->saved_state = u->snap->state;
        if (u->quit_after_save)
            u->quit = true;
    }
    u->quit_after_save = false;
    bool searched = e->kind == FF_JOB_REPAIR || e->kind == FF_JOB_STEP;
    if (ok && e->kind == FF_JOB_SAVE && !(e->message && *e->message))
        ui_say(u, INK_GOOD, "the Target is written");
    if (ok && searched && !(e->message && *e->message))
        ui_say(u, INK_GOOD, "the search is done: wrong %d \xe2\x86\x92 %d", u->snap->initial, u->snap->wrong);
    if (e->message && *e->message)
        ui_say(u, ok ? INK_GOOD : e->code == FF_ERR_CANCELLED ? INK_WARN : INK_BAD, "%s", e->message);
}

void ui_take_events(ui *u)
{
    ff_event e;
    take_snapshot(u);
    while (!u->quit && ff_session_poll_event(u->session, &e)) {
        switch (e.type) {
        case FF_EVENT_STARTED:
            u->running = e.job;
            u->running_kind = e.kind;
            break;
        case FF_EVENT_SNAPSHOT:
            take_snapshot(u);
            break;
        case FF_EVENT_NOTE:
            if (e.message)
                ui_say(u, INK_INFO, "%s", e.message);
            break;
        case FF_EVENT_DONE:
        case FF_EVENT_FAILED:
            take_snapshot(u);
            done(u, &e);
            break;
        }
        u->dirty = true;
        ff_event_finish(&e);
    }
}

void ui_want_detail(ui *u)
{
    u->detail_due_ns = ff_now_ns() + DETAIL_DELAY_MS * 1000000LL;
}

/* Details are asked for only when they are seen, and one at a time. */
void ui_detail_tick(ui *u)
{
    if (!u->detail_due_ns || ff_now_ns() < u->detail_due_ns)
        return;
    int pane = ui_layout_pane_of(&u->layout, VIEW_DETAIL);
    bool seen = pane >= 0 && u->layout.panes[pane].shown == VIEW_DETAIL;
    if (u->detail_job) { /* when that one is done, its event comes by here again */
        u->detail_due_ns = ff_now_ns() + DETAIL_DELAY_MS * 1000000LL;
        return;
    }
    u->detail_due_ns = 0;
    if (!seen || u->pair < 0 || !u->snap->loaded)
        return;
    if (u->detail && u->detail->pair == u->pair && u->detail_version == u->snap->version)
        return;
    u->detail_version = u->snap->version;
    u->detail_job = ff_session_post(u->session, &(ff_request){.kind = FF_JOB_DETAIL, .number = u->pair});
}
