/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "layout.h"

typedef struct plan {
    int kind; /* UI_PLAN_*, or -1: one pane for all views */
    int count;
} plan;

static const plan single = {-1, 1};
static const plan small = {UI_PLAN_SMALL, 3};
static const plan medium = {UI_PLAN_MEDIUM, 4};
static const plan wide = {UI_PLAN_WIDE, 5};

static void fill(ui_pane *p, const plan *cut, int pane, const int64_t *seen, ui_view_id focus)
{
    p->n_views = 0;
    for (int id = 0; id < VIEW_COUNT; id++) {
        const ui_view_class *class = ui_view_classes[id];
        if (seen[id] >= 0 && !class->popup && (cut->kind < 0 || class->pane[cut->kind] == pane))
            p->views[p->n_views++] = (ui_view_id)id;
    }
    p->shown = p->views[0];
    for (int i = 0; i < p->n_views; i++) {
        if (seen[p->views[i]] > seen[p->shown])
            p->shown = p->views[i];
    }
    for (int i = 0; i < p->n_views; i++) {
        if (p->views[i] == focus)
            p->shown = focus;
    }
}

/* Neighbours share a border: the second begins where the first ends. */
static void split_rows(ui_rect r, int first, ui_rect *top, ui_rect *bottom)
{
    *top = (ui_rect){r.x, r.y, r.width, first};
    *bottom = (ui_rect){r.x, r.y + first - 1, r.width, r.height - first + 1};
}

static void split_columns(ui_rect r, int first, ui_rect *left, ui_rect *right)
{
    *left = (ui_rect){r.x, r.y, first, r.height};
    *right = (ui_rect){r.x + first - 1, r.y, r.width - first + 1, r.height};
}

void ui_layout_make(ui_layout *l, ui_rect body, const int64_t seen[VIEW_COUNT], ui_view_id focus, bool zoomed)
{
    const plan *p = body.width < 76 || body.height < 16    ? &single
                    : body.width < 100 || body.height < 24 ? &small
                    : body.width < 160 || body.height < 30 ? &medium
                                                           : &wide;
    ui_rect rest = {0};

    l->count = p->count;
    for (int i = 0; i < p->count; i++)
        fill(&l->panes[i], p, i, seen, focus);
    if (p == &single) {
        l->panes[0].frame = body;
    } else if (p == &small && body.width >= 100) {
        split_columns(body, body.width * 58 / 100, &l->panes[0].frame, &rest);
        split_rows(rest, rest.height / 2 + 1, &l->panes[1].frame, &l->panes[2].frame);
    } else if (p == &small) {
        split_rows(body, body.height * 58 / 100, &l->panes[0].frame, &rest);
        split_columns(rest, rest.width * 48 / 100, &l->panes[1].frame, &l->panes[2].frame);
    } else if (p == &medium) {
        split_columns(body, body.width * 58 / 100, &l->panes[0].frame, &rest);
        split_rows(rest, rest.height * 38 / 100 + 1, &l->panes[1].frame, &rest);
        split_rows(rest, rest.height / 2 + 1, &l->panes[2].frame, &l->panes[3].frame);
    } else {
        ui_rect middle, right;
        split_columns(body, body.width * 44 / 100, &l->panes[0].frame, &rest);
        split_columns(rest, rest.width / 2, &middle, &right);
        split_rows(middle, middle.height / 2, &l->panes[1].frame, &l->panes[2].frame);
        int steps = right.height * 38 / 100 < 18 ? right.height * 38 / 100 : 18; /* details need the rest */
        split_rows(right, right.height - steps, &l->panes[3].frame, &l->panes[4].frame);
    }
    if (zoomed) {
        int k = ui_layout_pane_of(l, focus);
        if (k >= 0) {
            l->panes[0] = l->panes[k];
            l->panes[0].frame = body;
            l->count = 1;
        }
    }
}

int ui_layout_pane_of(const ui_layout *l, ui_view_id view)
{
    for (int i = 0; i < l->count; i++) {
        for (int k = 0; k < l->panes[i].n_views; k++) {
            if (l->panes[i].views[k] == view)
                return i;
        }
    }
    return -1;
}

int ui_layout_pane_at(const ui_layout *l, int x, int y)
{
    for (int i = 0; i < l->count; i++) {
        ui_rect r = l->panes[i].frame;
        if (x >= r.x && x < r.x + r.width && y >= r.y && y < r.y + r.height)
            return i;
    }
    return -1;
}
