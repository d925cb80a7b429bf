/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A click chooses, a click on what is chosen opens it; the wheel scrolls what it is over. */
#include "terminal.h"
#include "ui.h"

enum { WHEEL_ROWS = 3 };

static bool inside(ui_rect r, int x, int y)
{
    return x >= r.x && x < r.x + r.width && y >= r.y && y < r.y + r.height;
}

static ui_view *view_at(ui *u, const ui_key *k)
{
    if (u->popup >= 0)
        return &u->views[u->popup];
    int pane = ui_layout_pane_at(&u->layout, k->x, k->y);
    return pane >= 0 ? &u->views[u->layout.panes[pane].shown] : NULL;
}

static void click(ui *u, const ui_key *k)
{
    for (int i = 0; i < u->n_tabs; i++) {
        if (inside(u->tab_rects[i], k->x, k->y)) {
            ui_show_view(u, u->tab_at[i], false);
            return;
        }
    }
    ui_view *v = view_at(u, k);
    if (!v)
        return;
    int pane = ui_layout_pane_at(&u->layout, k->x, k->y);
    bool focused = v == ui_focused(u);
    if (!focused && pane >= 0)
        ui_show_view(u, u->layout.panes[pane].shown, false);
    ui_rect head = {v->list.x, v->list.y - v->head, v->list.width, v->head};
    if (v->class->head_click && inside(head, k->x, k->y))
        v->class->head_click(v, k->x - head.x, v->list.y - 1 - k->y);
    if ((v->class->text && !v->class->cursor) || !inside(v->list, k->x, k->y))
        return;
    int row = v->window.top + k->y - v->list.y;
    if (row >= v->n_rows)
        return;
    if (focused && row == v->window.cursor) {
        ui_run(u, "open");
        return;
    }
    ui_window_select(&v->window, row);
    ui_cursor_moved(u);
}

void ui_mouse(ui *u, const ui_key *k)
{
    if (!ui_term_mouse())
        return; /* a report that was on its way when it was switched off */
    if (u->prompt.kind != UI_PROMPT_NONE || u->question != ASK_NOTHING)
        return;
    u->touched = true;
    u->values_wanted = false;
    if (k->mouse == UI_MOUSE_PRESS && k->button == 0) {
        click(u, k);
    } else if (k->mouse == UI_MOUSE_WHEEL_UP || k->mouse == UI_MOUSE_WHEEL_DOWN) {
        ui_view *v = view_at(u, k);
        if (!v)
            return;
        ui_window_scroll(&v->window, k->mouse == UI_MOUSE_WHEEL_UP ? -WHEEL_ROWS : WHEEL_ROWS);
        if (v == ui_focused(u))
            ui_cursor_moved(u);
    }
}
