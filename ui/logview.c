/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Notes of the engine, the newest last. */
#include "ui.h"

static void refresh(ui_view *v)
{
    int before = v->n_rows;
    bool at_end = v->window.cursor >= before - 1;
    ui_view_rows(v, ff_table_rows(v->ui->snap->log), NULL);
    if (at_end && v->n_rows > before) { /* stays at the end while lines come in */
        ui_window_resize(&v->window, v->n_rows, v->window.height);
        ui_window_select(&v->window, v->n_rows - 1);
    }
}

static void draw(ui_view *v, int row, ui_pen *p)
{
    ui_pen_char(p, ui_plain(INK_TEXT), ' ');
    ui_pen_text(p, ui_plain(INK_TEXT), ui_text(v->ui->snap->log, row, "line"));
}

static const char *empty(const ui_view *v)
{
    return "nothing was noted yet";
}

const ui_view_class ui_log_class = {
    .name = "log",
    .title = "Log",
    .keys = "/ search",
    .refresh = refresh,
    .draw = draw,
    .empty = empty,
};
