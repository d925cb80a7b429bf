/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which views are seen, and which has the keys. */
#include <stdlib.h>
#include <string.h>

#include "ui.h"

ui_view *ui_focused(ui *u)
{
    return &u->views[u->popup >= 0 ? (ui_view_id)u->popup : u->focus];
}

void ui_show_view(ui *u, ui_view_id id, bool remember)
{
    const ui_view_class *class = ui_view_classes[id];
    if (class->popup) {
        u->popup = id;
        u->views[id].stale = true;
        return;
    }
    if (id == VIEW_LESSON && !u->context.lesson) {
        ui_say(u, INK_INFO, "no lesson is held; `fetafix teach` in a shell lists them");
        return;
    }
    u->popup = -1;
    if (id == VIEW_LESSON)
        ui_stale(u); /* an answer lets the other views tell more */
    if (remember && u->focus != id) {
        if (u->n_back == (int)FF_COUNT(u->back)) {
            memmove(u->back, u->back + 1, sizeof u->back - sizeof u->back[0]);
            u->n_back--;
        }
        u->back[u->n_back++] = u->focus;
    }
    u->focus = id;
    u->seen[id] = ++u->clock;
    if (class->details) {
        u->views[id].stale = true;
        ui_want_detail(u);
        u->detail_due_ns = ff_now_ns(); /* asked for by hand: at once */
    }
    if (class->pictured) {
        u->views[id].stale = true;
        ui_want_picture(u);
        u->picture_due_ns = ff_now_ns();
    }
    u->dirty = true;
}

void ui_next_pane(ui *u, int step)
{
    if (!u->zoomed && u->height < ui_view_classes[u->focus]->alone) {
        ui_show_view(u, VIEW_GRAPH, false); /* it has the screen to itself: back to the panes */
        u->n_back = 0;
        return;
    }
    int pane = ui_layout_pane_of(&u->layout, u->focus);
    if (u->zoomed || u->layout.count < 2)
        return;
    pane = (pane + step + u->layout.count) % u->layout.count;
    ui_show_view(u, u->layout.panes[pane].shown, false);
    u->n_back = 0;
}

void ui_next_tab(ui *u, int step)
{
    int pane = ui_layout_pane_of(&u->layout, u->focus);
    if (pane < 0)
        return;
    const ui_pane *p = &u->layout.panes[pane];
    for (int i = 0; i < p->n_views; i++) {
        if (p->views[i] == u->focus) {
            ui_show_view(u, p->views[(i + step + p->n_views) % p->n_views], false);
            return;
        }
    }
}

bool ui_close_one(ui *u)
{
    ui_view *v = ui_focused(u);
    u->dirty = true;
    if (u->popup >= 0)
        u->popup = -1;
    else if (u->n_back > 0)
        ui_show_view(u, u->back[--u->n_back], false);
    else if (u->zoomed)
        u->zoomed = false;
    else if (v->filter) {
        free(v->filter);
        v->filter = NULL;
        v->stale = true;
    } else
        return false;
    return true;
}
