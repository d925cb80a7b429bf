/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the engine does and what waits for it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui.h"

enum { MAX_JOBS = 64 };

typedef struct list {
    ff_job_info at[MAX_JOBS];
    int n;
} list;

static void finish(ui_view *v)
{
    free(v->data);
    v->data = NULL;
}

static void refresh(ui_view *v)
{
    if (!v->data)
        v->data = ff_alloc(sizeof(list));
    list *l = v->data;
    l->n = ff_session_jobs(v->ui->session, l->at, MAX_JOBS);
    ui_view_rows(v, l->n, NULL);
}

static void draw(ui_view *v, int row, ui_pen *p)
{
    const list *l = v->data;
    const ff_job_info *j = &l->at[row];
    char text[32];
    snprintf(text, sizeof text, " %4lld  ", (long long)j->job);
    ui_pen_text(p, ui_plain(INK_DIM), text);
    ui_pen_field(p, j->running ? ui_bold(INK_STRONG) : ui_plain(INK_TEXT), 28, ff_job_name(j->kind));
    ui_pen_text(p, ui_plain(j->running ? INK_GOOD : INK_DIM), j->running ? " runs" : " waits");
    const ff_progress *g = ff_session_progress(v->ui->session);
    const char *stage = atomic_load(&g->stage);
    int64_t done = atomic_load(&g->done), total = atomic_load(&g->total);
    if (j->running && stage) {
        ui_pen_printf(p, ui_plain(INK_TEXT), "   %s", stage);
        if (total > 0)
            ui_pen_printf(p, ui_plain(INK_DIM), "  %lld/%lld", (long long)(done > total ? total : done),
                          (long long)total);
    }
}

static const char *empty(const ui_view *v)
{
    return "the engine rests";
}

static bool verb(ui_view *v, int argc, char **argv)
{
    const list *l = v->data;
    int row = ui_view_row(v);
    if (strcmp(argv[0], "open") != 0 && strcmp(argv[0], "cancel") != 0)
        return false;
    if (!l || row < 0 || row >= l->n)
        return false;
    ff_session_cancel_job(v->ui->session, l->at[row].job);
    ui_say(v->ui, INK_WARN, "cancelling job %lld (%s)", (long long)l->at[row].job, ff_job_name(l->at[row].kind));
    return true;
}

const ui_view_class ui_jobs_class = {
    .title = "Jobs",
    .keys = "Enter cancel the job  q back",
    .popup = true,
    .finish = finish,
    .refresh = refresh,
    .draw = draw,
    .empty = empty,
    .verb = verb,
};
