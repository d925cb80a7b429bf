/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the engine says, and what is asked of it without a key. */
#include <stdlib.h>
#include <string.h>

#include "ui.h"

enum { DETAIL_DELAY_MS = 120 }; /* the cursor has to rest so long before its pair is looked into */

bool ui_unsaved(const ui *u)
{
    const ff_table *t = u->snap->states;
    int row = ff_table_row_of_int(t, "state", u->snap->state);
    if (!u->snap->loaded || row < 0 || ff_table_int_at(t, row, "parent", -1) < 0)
        return false; /* as converted */
    return u->saved_state != u->snap->state;
}

/* The image that says most at first. */
static int first_wrong(const ff_snapshot *s)
{
    for (int i = 0; i < ff_table_rows(s->images_table); i++) {
        if (ff_table_int_at(s->images_table, i, "wrong", 0))
            return (int)ff_table_int_at(s->images_table, i, "image", 0);
    }
    return 0;
}

static void take_snapshot(ui *u)
{
    const ff_snapshot *s = ff_session_snapshot(u->session);
    if (s == u->snap) {
        ff_snapshot_unref(s);
        return;
    }
    bool moved = s->state != u->snap->state || s->localized != u->snap->localized;
    bool first = s->initial >= 0 && u->snap->initial < 0;
    ff_snapshot_unref(u->snap);
    u->snap = s;
    ui_stale(u);
    if (first)
        ui_look_at_image(u, first_wrong(s));
    if (moved || first)
        ui_want_picture(u);
    if (!u->touched && s->localized && s->next && ui_told(u)) { /* where there is something to see */
        int row = ff_table_row_of_text(s->proposals, "id", s->next);
        const char *findings = ff_table_text_at(s->proposals, row, "findings");
        free(u->finding);
        u->finding = ff_strndup(findings, strcspn(findings, ", \n"));
        u->views[VIEW_DETAIL].stale = true;
        ui_look_at(u, ui_place(s->proposals, row));
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
    if (u->values_wanted)
        ui_go_to_values(u);
}

static bool seen(const ui *u, ui_view_id id)
{
    int pane = ui_layout_pane_of(&u->layout, id);
    return pane >= 0 && u->layout.panes[pane].shown == id;
}

/* The pair whose activations the picture is to have, -1: none. */
static int pictured_pair(const ui *u)
{
    return seen(u, VIEW_ACTIVATIONS) && u->pair >= 0 ? u->pair : -1;
}

static void take_picture(ui *u)
{
    const ff_picture *p = ff_session_picture(u->session, pictured_pair(u), u->image);
    if (!p)
        return;
    ff_picture_unref(u->picture);
    u->picture = p;
    u->views[VIEW_ACTIVATIONS].stale = true;
    u->dirty = true;
}

static void done(ui *u, const ff_event *e)
{
    bool ok = e->type == FF_EVENT_DONE;

    if (e->job == u->running) {
        u->running = 0;
        u->interrupts = 0; /* what was pressed at the job is not meant for the program */
    }
    if (e->kind == FF_JOB_DETAIL) {
        u->detail_job = 0;
        take_detail(u);
        ui_run_later(u, e->job, ok);
        u->views[VIEW_DETAIL].stale = true;
        return;
    }
    if (e->kind == FF_JOB_PICTURE) {
        u->picture_job = 0;
        take_picture(u);
        return;
    }
    if (ok && e->kind == FF_JOB_LOAD && !u->snap->localized) {
        ff_session_post(u->session, &(ff_request){.kind = FF_JOB_LOCALIZE});
        ui_note_job(u);
    }
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
    if (ok && e->kind == FF_JOB_SAVE && !(e->message && *e->message)) /* the log names the file */
        ui_say(u, INK_GOOD, "%s", ff_table_text_at(u->snap->log, ff_table_rows(u->snap->log) - 1, "line"));
    if (ok && searched && !(e->message && *e->message))
        ui_say(u, INK_GOOD, "the search is done: wrong %d \xe2\x86\x92 %d", u->snap->initial, u->snap->wrong);
    if (ok && e->kind == FF_JOB_BISECT)
        ui_go_to_parting(u);
    if (e->message && *e->message)
        ui_say(u, ok ? INK_GOOD : e->code == FF_ERR_CANCELLED ? INK_WARN : INK_BAD, "%s", e->message);
    ui_run_later(u, e->job, ok);
}

void ui_note_job(ui *u)
{
    ff_job_info first;
    if (!u->running && ff_session_jobs(u->session, &first, 1) > 0) {
        u->running = first.job;
        u->running_kind = first.kind;
    }
}

void ui_take_events(ui *u)
{
    ff_event e;
    take_snapshot(u);
    while (!u->quit && ff_session_poll_event(u->session, &e)) {
        switch (e.type) {
        case FF_EVENT_STARTED:
            u->views[VIEW_JOBS].stale = true; /* what waited there runs */
            u->running = e.job;
            u->running_kind = e.kind;
            break;
        case FF_EVENT_SNAPSHOT:
            take_snapshot(u);
            break;
        case FF_EVENT_NOTE:
            if (e.message && e.kind != FF_JOB_WHAT_IF) /* that stands above the hints, with the keys that end it */
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
    ui_note_job(u); /* the next one, when one has ended */
}

void ui_want_detail(ui *u)
{
    u->detail_due_ns = ff_now_ns() + DETAIL_DELAY_MS * 1000000LL;
}

void ui_want_picture(ui *u)
{
    u->picture_due_ns = ff_now_ns() + DETAIL_DELAY_MS * 1000000LL;
}

static void picture_tick(ui *u)
{
    if (!u->picture_due_ns || ff_now_ns() < u->picture_due_ns)
        return;
    if (u->picture_job) {
        u->picture_due_ns = ff_now_ns() + DETAIL_DELAY_MS * 1000000LL;
        return;
    }
    u->picture_due_ns = 0;
    if (!u->snap->loaded || (!seen(u, VIEW_ACTIVATIONS) && !seen(u, VIEW_IMAGES)))
        return;
    int pair = pictured_pair(u);
    bool have = u->picture && u->picture->image == u->image && u->picture->pair == pair;
    if (have && (pair < 0 || u->picture_version == u->snap->version))
        return;
    u->picture_version = u->snap->version;
    u->picture_job =
        ff_session_post(u->session, &(ff_request){.kind = FF_JOB_PICTURE, .number = pair, .other = u->image});
}

/* Details are asked for only when they are seen, and one at a time. */
void ui_detail_tick(ui *u)
{
    picture_tick(u);
    if (!u->detail_due_ns || ff_now_ns() < u->detail_due_ns)
        return;
    if (u->detail_job) { /* when that one is done, its event comes by here again */
        u->detail_due_ns = ff_now_ns() + DETAIL_DELAY_MS * 1000000LL;
        return;
    }
    u->detail_due_ns = 0;
    if (!seen(u, VIEW_DETAIL) || u->pair < 0 || !u->snap->loaded)
        return;
    if (u->detail && u->detail->pair == u->pair && u->detail_version == u->snap->version)
        return;
    u->detail_version = u->snap->version;
    u->detail_job = ff_session_post(u->session, &(ff_request){.kind = FF_JOB_DETAIL, .number = u->pair});
}
