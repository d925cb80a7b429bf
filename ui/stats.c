/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How fast the explorer answers, and what the engine saved. */
#include <stdlib.h>
#include <string.h>

#include "doc.h"
#include "ui.h"

static void finish(ui_view *v)
{
    if (v->data)
        ui_doc_finish(v->data);
    free(v->data);
    v->data = NULL;
}

static void add(ui_doc *d, const char *name, const char *text, const char *unit)
{
    ui_doc_line(d);
    ui_doc_add(d, ui_plain(INK_DIM), "   %-32s", name);
    ui_doc_field(d, ui_bold(INK_STRONG), -12, text);
    ui_doc_add(d, ui_plain(INK_TEXT), " %s", unit);
}

static void add_real(ui_doc *d, const char *name, double value, const char *unit)
{
    char *text = ff_asprintf("%.2f", value);
    add(d, name, text, unit);
    free(text);
}

static void add_count(ui_doc *d, const char *name, int64_t value)
{
    char *text = ff_asprintf("%lld", (long long)value);
    add(d, name, text, "");
    free(text);
}

/* Repairs whose effect is known before anybody asks for it. */
static int judged_ahead(const ff_table *proposals)
{
    int n = 0;
    for (int i = 0; i < ff_table_rows(proposals); i++)
        n += strcmp(ff_table_text_at(proposals, i, "status"), "evaluated") == 0;
    return n;
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
    add_count(d, "keys measured", l->count);
    add_real(d, "p50: half of them within", ui_latency_at(l, 0.5), "ms");
    add_real(d, "p99: 99 of 100 within", ui_latency_at(l, 0.99), "ms");
    add_real(d, "max: the slowest", ui_latency_at(l, 1), "ms");
    add_count(d, "paints", l->paints);
    add_real(d, "first paint after start", (double)l->first_paint_us / 1000, "ms");
    ui_doc_heading(d, "Engine");
    if (s->localized)
        add_count(d, "repairs judged ahead of a key", judged_ahead(s->proposals));
    if (s->flops_full > 0) {
        add_real(d, "work of the judgements", s->flops / 1e9, "GFLOP");
        add_real(d, "whole evaluations", s->flops_full / 1e9, "GFLOP");
        add_real(d, "share that was needed", 100 * s->flops / s->flops_full, "%");
    }
    add_real(d, "memory, at most", (double)ff_memory_peak() / 1e6, "MB");
    ui_view_rows(v, (int)d->n, NULL);
}

static void draw(ui_view *v, int row, ui_pen *p)
{
    ui_doc_draw(v->data, row, p);
}

const ui_view_class ui_stats_class = {
    .title = "Statistics",
    .keys = "q back",
    .popup = true,
    .text = true,
    .finish = finish,
    .refresh = refresh,
    .draw = draw,
};
