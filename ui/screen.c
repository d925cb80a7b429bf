/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Puts the screen together: title, panes, lines at the bottom, prompt. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "terminal.h"
#include "ui.h"

void ui_resized(ui *u, int width, int height)
{
    u->width = width;
    u->height = height;
    for (int i = 0; i < VIEW_COUNT; i++)
        u->views[i].stale = u->views[i].stale || u->views[i].class->text;
    if (u->pair >= 0)
        ui_want_detail(u);
    u->dirty = true;
}

static void draw_tab(ui *u, ui_pen *p, const ui_pane *pane, int k, bool focused)
{
    const ui_view *v = &u->views[pane->views[k]];
    bool shown = pane->views[k] == pane->shown;
    ff_buf badge = {0}, key = {0};
    int from = p->x;

    if (v->class->badge)
        v->class->badge(v, &badge);
    ff_buf_printf(&key, "view %s", ui_view_name(pane->views[k]));
    ui_ink ink = shown ? (focused ? INK_FOCUS : INK_STRONG) : INK_DIM;
    ui_pen_char(p, ui_plain(INK_TEXT), ' ');
    ui_pen_text(p, ui_plain(INK_KEY), ui_key_of(key.data));
    ui_pen_char(p, ui_plain(INK_TEXT), ' ');
    ui_pen_text(p, shown ? ui_bold(ink) : ui_plain(ink), v->class->title);
    if (badge.len)
        ui_pen_printf(p, ui_plain(INK_DIM), " %s", badge.data);
    ui_pen_char(p, ui_plain(INK_TEXT), ' ');
    if (u->n_tabs < (int)FF_COUNT(u->tab_at)) {
        u->tab_at[u->n_tabs] = pane->views[k];
        u->tab_rects[u->n_tabs++] = (ui_rect){from, p->y, p->x - from, 1};
    }
    ff_buf_finish(&badge);
    ff_buf_finish(&key);
}

/* Cells of a tab's text. */
static int tab_width(ui *u, ui_view_id id)
{
    const ui_view *v = &u->views[id];
    ff_buf badge = {0};
    if (v->class->badge)
        v->class->badge(v, &badge);
    int width = ff_display_width(v->class->title) + 4 + (badge.len ? 1 + (int)badge.len : 0);
    ff_buf_finish(&badge);
    return width;
}

static void draw_pane(ui *u, const ui_pane *pane)
{
    ui_rect f = pane->frame, inner = {f.x + 1, f.y + 1, f.width - 2, f.height - 2};
    ui_view *v = &u->views[pane->shown];
    bool focused = u->popup < 0 && pane->shown == u->focus;
    ui_pen p = ui_pen_at(&u->canvas, (ui_rect){f.x + 2, f.y, f.width - 3, 1}, 0);
    ff_buf corner = {0};
    int total = 0;

    if (v->list.width != inner.width && v->class->text) { /* the text is broken anew */
        v->list.width = inner.width;
        v->stale = true;
    }
    ui_canvas_clear(&u->canvas, inner, PAPER_NONE);
    ui_view_draw(v, &u->canvas, inner, focused, u->match);

    for (int i = 0; i < pane->n_views; i++)
        total += tab_width(u, pane->views[i]);
    if (v->filter)
        ff_buf_printf(&corner, "&%s", v->filter);
    else if (v->class->corner)
        v->class->corner(v, &corner);
    /* That some rows are hidden, or out of order, has to be seen: then the other tabs are keys. */
    bool filtered = v->filter || (v->class->filters && (v->mode != 0 || v->sort != 0));
    if (filtered && corner.len)
        total += ff_display_width(corner.data) + 4;
    if (total <= f.width - 4) {
        for (int i = 0; i < pane->n_views; i++)
            draw_tab(u, &p, pane, i, focused);
    } else { /* the one that is shown, and the keys of the others */
        for (int i = 0; i < pane->n_views; i++) {
            if (pane->views[i] == pane->shown) {
                draw_tab(u, &p, pane, i, focused);
                continue;
            }
            char line[48];
            snprintf(line, sizeof line, "view %s", ui_view_name(pane->views[i]));
            if (u->n_tabs < (int)FF_COUNT(u->tab_at)) {
                u->tab_at[u->n_tabs] = pane->views[i];
                u->tab_rects[u->n_tabs++] = (ui_rect){p.x, p.y, 3, 1};
            }
            ui_pen_printf(&p, ui_plain(INK_DIM), " %s ", ui_key_of(line));
        }
    }
    if (corner.len && ui_pen_room(&p) > ff_display_width(corner.data) + 3) {
        char *text = ff_asprintf(" %s ", corner.data);
        p.right--;
        ui_pen_right(&p, ui_plain(INK_DIM), text);
        free(text);
    }
    ff_buf_finish(&corner);
}

static void draw_popup(ui *u, ui_rect body)
{
    ui_pane pane = {.frame = body, .n_views = 1, .views = {(ui_view_id)u->popup}, .shown = (ui_view_id)u->popup};
    int width = body.width > 124 ? 120 : body.width;
    pane.frame.x += (body.width - width) / 2;
    pane.frame.width = width;
    ui_view_id focus = u->focus;
    int popup = u->popup;

    ui_canvas_clear(&u->canvas, pane.frame, PAPER_NONE);
    ui_canvas_frame(&u->canvas, pane.frame, INK_FOCUS);
    u->popup = -1; /* drawn as the pane that has the keys */
    u->focus = (ui_view_id)popup;
    if (popup == VIEW_KEYS)
        u->focus = VIEW_KEYS;
    u->views[popup].stale = u->views[popup].stale || popup == VIEW_STATS;
    ui_rect inner = {pane.frame.x + 1, pane.frame.y + 1, pane.frame.width - 2, pane.frame.height - 2};
    if (u->views[popup].list.width != inner.width) {
        u->views[popup].list.width = inner.width;
        u->views[popup].stale = true;
    }
    u->focus = focus; /* help speaks of the view below */
    ui_view_update(&u->views[popup]);
    u->focus = (ui_view_id)popup;
    draw_pane(u, &pane);
    u->focus = focus;
    u->popup = popup;
}

static void draw_too_small(ui *u)
{
    char text[80];
    snprintf(text, sizeof text, "FetaFix needs %dx%d cells, here are %dx%d", UI_MIN_WIDTH, UI_MIN_HEIGHT, u->width,
             u->height);
    ui_pen p = ui_pen_at(&u->canvas, (ui_rect){0, 0, u->width, u->height}, u->height / 2);
    int room = ui_pen_room(&p), need = ff_display_width(text);
    ui_pen_to(&p, need < room ? (room - need) / 2 : 0);
    ui_pen_text(&p, ui_plain(INK_TEXT), text);
}

void ui_paint(ui *u)
{
    int w = u->width, h = u->height, cursor_x = -1;

    ui_canvas_reset(&u->canvas, w, h);
    u->n_tabs = 0;
    if (w < UI_MIN_WIDTH || h < UI_MIN_HEIGHT) {
        draw_too_small(u);
        ui_term_paint(&u->canvas, -1, -1);
        return;
    }
    ui_rect body = {0, 1, w, h - 4};
    ui_layout_make(&u->layout, body, u->seen, u->focus, u->zoomed || h < ui_view_classes[u->focus]->alone);
    for (int i = 0; i < u->layout.count; i++)
        ui_canvas_frame(&u->canvas, u->layout.panes[i].frame, INK_FRAME);
    int focused = ui_layout_pane_of(&u->layout, u->focus);
    if (focused >= 0 && u->layout.count > 1 && u->popup < 0)
        ui_canvas_frame(&u->canvas, u->layout.panes[focused].frame, INK_FOCUS);
    for (int i = 0; i < u->layout.count; i++)
        draw_pane(u, &u->layout.panes[i]);
    if (u->popup >= 0)
        draw_popup(u, body);
    ui_draw_title(u, (ui_rect){0, 0, w, 1});
    ui_draw_next(u, (ui_rect){0, h - 3, w, 1});
    ui_draw_status(u, (ui_rect){0, h - 2, w, 1});
    if (u->prompt.kind != UI_PROMPT_NONE)
        ui_prompt_draw(&u->prompt, &u->canvas, (ui_rect){0, h - 1, w, 1}, &cursor_x);
    else
        ui_draw_keys(u, (ui_rect){0, h - 1, w, 1});
    ui_term_paint(&u->canvas, cursor_x, h - 1);
}
