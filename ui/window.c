/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "window.h"

static int clamp(int v, int low, int high)
{
    return v > high ? (high < low ? low : high) : v < low ? low : v;
}

static int last_top(const ui_window *w)
{
    return w->count > w->height ? w->count - w->height : 0;
}

/* Rows kept in sight above and below the cursor. */
static int margin(const ui_window *w)
{
    return w->height >= 9 ? 2 : 0;
}

static void settle(ui_window *w)
{
    w->cursor = clamp(w->cursor, 0, w->count - 1);
    if (!w->free && w->height > 0) {
        int m = margin(w);
        if (w->cursor - m < w->top)
            w->top = w->cursor - m;
        if (w->cursor + m > w->top + w->height - 1)
            w->top = w->cursor + m - w->height + 1;
    }
    w->top = clamp(w->top, 0, last_top(w));
}

void ui_window_resize(ui_window *w, int count, int height)
{
    w->count = count < 0 ? 0 : count;
    w->height = height < 0 ? 0 : height;
    settle(w);
}

void ui_window_move(ui_window *w, int rows)
{
    if (rows > w->count)
        rows = w->count;
    if (rows < -w->count)
        rows = -w->count;
    if (w->free)
        w->top += rows;
    else
        w->cursor += rows;
    settle(w);
}

void ui_window_scroll(ui_window *w, int rows)
{
    w->top = clamp(w->top + rows, 0, last_top(w));
    if (!w->free && w->height > 0) {
        int m = margin(w);
        int low = w->top == 0 ? 0 : w->top + m;
        int high = w->top == last_top(w) ? w->count - 1 : w->top + w->height - 1 - m;
        w->cursor = clamp(w->cursor, low, high);
    }
    settle(w);
}

void ui_window_select(ui_window *w, int row)
{
    if (w->free)
        w->top = row;
    else
        w->cursor = row;
    settle(w);
}

void ui_window_show(ui_window *w, int row)
{
    if (row < w->top || row >= w->top + w->height) {
        w->top = clamp(row - w->height / 2, 0, last_top(w));
    }
    if (!w->free)
        w->cursor = row;
    settle(w);
}

bool ui_window_thumb(const ui_window *w, int *start, int *length)
{
    if (w->count <= w->height || w->height < 2)
        return false;
    long long n = (long long)w->height * w->height / w->count;
    *length = (int)(n < 1 ? 1 : n);
    *start = (int)((long long)w->top * (w->height - *length) / last_top(w));
    return true;
}
