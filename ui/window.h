/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which part of a list is seen and where the cursor is. Knows nothing of drawing. */
#ifndef FF_UI_WINDOW_H
#define FF_UI_WINDOW_H

#include <stdbool.h>

typedef struct ui_window {
    int count;  /* rows of the list */
    int height; /* rows that can be seen */
    int top;    /* first row seen */
    int cursor; /* 0..count-1; 0 when the list is empty */
    bool free;  /* no cursor to be seen: moving scrolls (texts) */
} ui_window;

/* New sizes; the cursor stays within the list and in sight. */
void ui_window_resize(ui_window *w, int count, int height);
/* Rows down (or up when negative), stopping at the ends. */
void ui_window_move(ui_window *w, int rows);
/* Scrolls without moving the cursor more than needed to keep it in sight: the mouse wheel. */
void ui_window_scroll(ui_window *w, int rows);
void ui_window_select(ui_window *w, int row);
/* The same, but when the row was out of sight it comes to the middle. */
void ui_window_show(ui_window *w, int row);
/* Place and length (in rows of the window) of a scroll bar's thumb; false when all is in sight. */
bool ui_window_thumb(const ui_window *w, int *start, int *length);

#endif
