/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How fast the explorer answers, and what the engine saved. */
#include <stdlib.h>

#include "doc.h"
#include "ui.h"

static void finish(ui_view *v)
{
    if (v->data)
        ui_doc_finish(v->data);
    free(v->data);
    v->data = NULL;
}

static void add(ui_doc *d, const char *name, const char *format, double value)
{
    ui_doc_line(d);
    ui_doc_add(d, ui_plain(INK_DIM), "   %-26s", name);
    char *text = ff_asprintf("%.2f", value);
    ui_doc_field(d, ui_bold(INK_STRONG), -12, text);
    ui_doc_add(d, ui_plain(INK_TEXT), " %s", format);
    free(text);
}

static void refresh(ui_view *v)
{
    if (!v->data)
        v->data = ff_alloc(sizeof(ui_doc));
    ui_doc *d = v->data;
    const ui_latency *l = &v->ui->latency;
    const ff_snapshot *s = v->ui->snap;

    ui_doc_clear(d);
    ui_doc_heading(d, "From key to paint");
    add(d, "keys measured", "", (double)l->count);
    add(d, "half of them within", "ms", ui_latency_at(l, 0.5));
    add(d, "99 of 100 within", "ms", ui_latency_at(l, 0.99));
    add(d, "slowest", "ms", ui_latency_at(l, 1));
    add(d, "paints", "", (double)l->paints);
    add(d, "first paint after start", "ms", (double)l->first_paint_us / 1000);
    ui_doc_heading(d, "Engine");
    if (s->flops_full > 0) {
        add(d, "work of the judgements", "GFLOP", s->flops / 1e9);
        add(d, "whole evaluations", "GFLOP", s->flops_full / 1e9);
        add(d, "share that was needed", "%", 100 * s->flops / s->flops_full);
    }
    add(d, "memory, at most", "MB", (double)ff_memory_peak() / 1e6);
    ui_view_rows(v, (int)d->n, NULL);
}

static void draw(ui_view *v, int row, ui_pen *p)
{
    ui_doc_draw(v->data, row, p);
}

const ui_view_class ui_stats_class = {
    .name = "stats", .title = "Statistics", .keys = "q back", .text = true,
    .finish = finish, .refresh = refresh, .draw = draw,
};
