/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which views are seen, and where. The body of the screen is cut into panes; a pane holds several
 * views as tabs and shows the one that was looked at last. Larger terminals have more panes, so that
 * the same views need fewer tabs.
 */
#ifndef FF_UI_LAYOUT_H
#define FF_UI_LAYOUT_H

#include "canvas.h"
#include "view.h"

enum { UI_PANES_MAX = 5, UI_MIN_WIDTH = 60, UI_MIN_HEIGHT = 16 };

typedef struct ui_pane {
    ui_rect frame;                /* with its border, which it shares with its neighbours */
    ui_view_id views[VIEW_COUNT]; /* its tabs */
    int n_views;
    ui_view_id shown;
} ui_pane;

typedef struct ui_layout {
    ui_pane panes[UI_PANES_MAX];
    int count;
} ui_layout;

/* `seen[view]` grows with every look at a view: the largest of a pane's views is shown; one below 0 has no
 * tab. With `zoomed`
 * the pane of `focus` takes the whole body. */
void ui_layout_make(ui_layout *l, ui_rect body, const int64_t seen[VIEW_COUNT], ui_view_id focus, bool zoomed);
/* The pane that has a view among its tabs, or -1. */
int ui_layout_pane_of(const ui_layout *l, ui_view_id view);
int ui_layout_pane_at(const ui_layout *l, int x, int y);

#endif
