/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "view.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_WIDTH = 240 }; /* a row is so wide when its text is searched */

void ui_view_init(ui_view *v, struct ui *ui, ui_view_id id)
{
    *v = (ui_view){.class = ui_view_classes[id], .ui = ui, .stale = true};
    v->window.free = v->class->text && !v->class->cursor;
}

void ui_view_finish(ui_view *v)
{
    if (v->class && v->class->finish)
        v->class->finish(v);
    free(v->rows);
    free(v->filter);
    *v = (ui_view){0};
}

const char *ui_find_text(const char *text, const char *needle)
{
    bool fold = true;
    for (const char *p = needle; *p; p++)
        fold = fold && !isupper((unsigned char)*p);
    if (!*needle)
        return NULL;
    return fold ? strcasestr(text, needle) : strstr(text, needle);
}

void ui_view_row_text(ui_view *v, int row, ff_buf *out)
{
    static ui_canvas scratch; /* one thread draws */
    ui_canvas_reset(&scratch, TEXT_WIDTH, 1);
    ui_rect r = {0, 0, TEXT_WIDTH, 1};
    ui_pen p = ui_pen_at(&scratch, r, 0);
    v->class->draw(v, row, &p);
    ui_canvas_text(&scratch, 0, 0, TEXT_WIDTH, out, NULL);
}

static bool row_matches(ui_view *v, int row, const char *text)
{
    ff_buf b = {0};
    ui_view_row_text(v, row, &b);
    bool hit = b.data && ui_find_text(b.data, text);
    ff_buf_finish(&b);
    return hit;
}

void ui_view_rows(ui_view *v, int n, const int *order)
{
    ff_grow(&v->rows, &v->capacity, (size_t)n + 1, sizeof *v->rows);
    v->n_rows = 0;
    for (int i = 0; i < n; i++) {
        int row = order ? order[i] : i;
        v->rows[v->n_rows] = row;
        if (!v->filter || row_matches(v, row, v->filter))
            v->n_rows++;
    }
}

typedef struct sorted {
    double key;
    int place, row;
} sorted;

static int by_key(const void *a, const void *b)
{
    const sorted *x = a, *y = b;
    return x->key != y->key ? (x->key > y->key ? -1 : 1) : x->place - y->place;
}

void ui_sort_rows(int *rows, int n, const double *keys)
{
    sorted *s = ff_alloc_array((size_t)n + 1, sizeof *s);
    for (int i = 0; i < n; i++)
        s[i] = (sorted){isnan(keys[rows[i]]) ? -INFINITY : keys[rows[i]], i, rows[i]};
    qsort(s, (size_t)n, sizeof *s, by_key);
    for (int i = 0; i < n; i++)
        rows[i] = s[i].row;
    free(s);
}

int ui_view_row(const ui_view *v)
{
    return v->n_rows > 0 && v->window.cursor < v->n_rows ? v->rows[v->window.cursor] : -1;
}

bool ui_view_select(ui_view *v, int row)
{
    for (int i = 0; i < v->n_rows; i++) {
        if (v->rows[i] == row) {
            ui_window_show(&v->window, i);
            return true;
        }
    }
    return false;
}

void ui_view_update(ui_view *v)
{
    if (!v->stale)
        return;
    int row = ui_view_row(v);
    int offset = v->window.cursor - v->window.top;
    v->stale = false;
    v->class->refresh(v);
    ui_window_resize(&v->window, v->n_rows, v->window.height);
    if (v->turn) {
        v->turn = false;
        ui_view_select(v, v->turn_to);
        return;
    }
    if (v->class->text || row < 0)
        return;
    for (int i = 0; i < v->n_rows; i++) {
        if (v->rows[i] == row) {
            v->window.cursor = i;
            v->window.top = i - offset;
            ui_window_resize(&v->window, v->n_rows, v->window.height);
            break;
        }
    }
}

static void mark_matches(ui_canvas *c, ui_rect r, int y, const char *needle)
{
    ff_buf text = {0};
    int *columns = ff_alloc_array((size_t)r.width * 8 + 8, sizeof *columns);

    ui_canvas_text(c, y, r.x, r.x + r.width, &text, columns);
    for (const char *s = text.data, *hit; s && (hit = ui_find_text(s, needle)); s = hit + 1) {
        size_t from = (size_t)(hit - text.data);
        for (size_t i = from; i < from + strlen(needle) && i < text.len; i++) {
            ui_cell *cell = ui_canvas_at(c, columns[i], y);
            if (cell)
                cell->style.paper = PAPER_MATCH;
        }
    }
    ff_buf_finish(&text);
    free(columns);
}

static void draw_thumb(const ui_view *v, ui_canvas *c, ui_rect r, bool focused)
{
    int start, length;
    if (!ui_window_thumb(&v->window, &start, &length))
        return;
    for (int i = start; i < start + length; i++) { /* on the frame, right of the rows */
        ui_cell *cell = ui_canvas_at(c, r.x + r.width, r.y + i);
        if (cell && cell->c == 0x2502) {
            cell->c = 0x2503;
            cell->style = ui_plain(focused ? INK_FOCUS : INK_FRAME);
        }
    }
}

void ui_view_draw(ui_view *v, ui_canvas *c, ui_rect r, bool focused, const char *match)
{
    ui_view_update(v);
    int head = v->class->head_height ? v->class->head_height(v, r.height) : 0;
    if (head > 0 && head < r.height) {
        v->class->draw_head(v, c, (ui_rect){r.x, r.y, r.width, head});
        r.y += head;
        r.height -= head;
    } else {
        head = 0;
    }
    bool other = v->window.height != r.height || v->list.width != r.width;
    v->list = r;
    v->head = head;
    if (other && v->class->fits) {
        v->window.height = r.height;
        v->stale = true;
        ui_view_update(v);
    }
    ui_window_resize(&v->window, v->n_rows, r.height);
    if (v->n_rows == 0) {
        const char *text = v->filter         ? "no row holds the filter's text (f: all rows)"
                           : v->class->empty ? v->class->empty(v)
                                             : "nothing here";
        ui_pen p = ui_pen_at(c, r, r.height > 4 ? r.height / 3 : 0);
        int room = ui_pen_room(&p), need = ff_display_width(text);
        ui_pen_to(&p, need < room ? (room - need) / 2 : 0);
        ui_pen_text(&p, ui_plain(INK_DIM), text);
        return;
    }
    for (int i = 0; i < r.height && v->window.top + i < v->n_rows; i++) {
        int at = v->window.top + i;
        ui_pen p = ui_pen_at(c, r, i);
        v->class->draw(v, v->rows[at], &p);
        if (at == v->window.cursor && (v->class->cursor ? focused : !v->class->text))
            ui_canvas_paper(c, (ui_rect){r.x, r.y + i, r.width, 1}, focused ? PAPER_CURSOR : PAPER_CURSOR_OFF);
        if (match)
            mark_matches(c, r, r.y + i, match);
    }
    draw_thumb(v, c, r, focused);
}

bool ui_view_search(ui_view *v, const char *text, int step, bool here)
{
    ui_view_update(v);
    if (v->class->find) {
        int row = v->class->find(v, text, ui_view_row(v), here ? 0 : step);
        return row >= 0 && ui_view_select(v, row);
    }
    if (v->n_rows == 0)
        return false;
    int at = v->window.free ? v->window.top : v->window.cursor;
    for (int i = here ? 0 : 1; i <= v->n_rows; i++) {
        int k = ((at + i * step) % v->n_rows + v->n_rows) % v->n_rows;
        if (row_matches(v, v->rows[k], text)) {
            ui_window_show(&v->window, k);
            if (v->window.free)
                ui_window_select(&v->window, k);
            return true;
        }
    }
    return false;
}
