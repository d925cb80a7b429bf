/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a canvas to what a terminal is sent: only what changed since the last time, in one piece, so that a paint is
 * one write() and no half of it is ever seen. What the terminal understands comes from terminfo.
 */
#ifndef FF_UI_PAINT_H
#define FF_UI_PAINT_H

#include "canvas.h"
#include "theme.h"

typedef struct ui_painter ui_painter;

/* For the terminal that setupterm() or newterm() read last; it has `cup` and `clear`. */
ui_painter *ui_painter_create(void);
void ui_painter_destroy(ui_painter *p);
/* Glyphs beyond ASCII are replaced by what is like them. */
void ui_painter_set_ascii(ui_painter *p, bool ascii);
/* What the terminal shows is not known any more: the next paint begins with a cleared screen. */
void ui_painter_forget(ui_painter *p);
/* The bytes for the terminal to show the upper left width x height cells of a canvas and the cursor at (x, y), none
 * when x < 0. They stay until the next call. */
const ff_buf *ui_painter_paint(ui_painter *p, const ui_canvas *c, int width, int height, int x, int y);

/* A terminfo string, without its padding; "" when there is none. */
const char *ui_capability(const char *name, char *out, size_t size);

#endif
