/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The picture of the next screen: cells of text with a style, made by the views without knowing the
 * terminal. A pen writes within a stretch of one row and clips; frames that touch are joined.
 */
#ifndef FF_UI_CANVAS_H
#define FF_UI_CANVAS_H

#include "fetafix/base.h"
#include "style.h"

typedef struct ui_cell {
    uint32_t c;    /* code point; 0: the right half of a wide one */
    uint32_t mark; /* one combining code point on top, or 0 */
    ui_style style;
    uint8_t line;    /* frame lines that leave this cell: bits N 1, E 2, S 4, W 8 */
    uint32_t fg, bg; /* colours of a picture: UI_RGB | 0xRRGGBB instead of the style; 0: none */
} ui_cell;
#define UI_RGB 0x1000000u

typedef struct ui_canvas {
    int width, height;
    ui_cell *cells;
} ui_canvas;

typedef struct ui_rect {
    int x, y, width, height;
} ui_rect;

/* Makes the canvas so large and all blank. */
void ui_canvas_reset(ui_canvas *c, int width, int height);
void ui_canvas_finish(ui_canvas *c);
ui_cell *ui_canvas_at(ui_canvas *c, int x, int y); /* NULL outside */
void ui_canvas_clear(ui_canvas *c, ui_rect r, ui_paper paper);
/* Puts a paper behind cells that are there. */
void ui_canvas_paper(ui_canvas *c, ui_rect r, ui_paper paper);
/* Draws the border of r; where it meets other borders they are joined. */
void ui_canvas_frame(ui_canvas *c, ui_rect r, ui_ink ink);
/* The text of a row between two columns, blanks at its end taken off. Appends to out; when `columns`
 * is given, columns[byte offset in out] is the cell's column (room for 4 bytes a cell + 1). */
void ui_canvas_text(const ui_canvas *c, int y, int x0, int x1, ff_buf *out, int *columns);
/* What stands for a code point where only ASCII can be shown. */
char ui_ascii(uint32_t c);

typedef struct ui_pen {
    ui_canvas *canvas;
    int y, x;        /* where the next character goes */
    int left, right; /* first column, and the one after the last */
} ui_pen;

ui_pen ui_pen_at(ui_canvas *c, ui_rect r, int row); /* the row counted within r */
int ui_pen_room(const ui_pen *p);                   /* cells left */
/* Text beyond the right end is cut, with an ellipsis in the last cell. */
void ui_pen_text(ui_pen *p, ui_style s, const char *text);
void ui_pen_printf(ui_pen *p, ui_style s, const char *format, ...) FF_PRINTF(3, 4);
void ui_pen_char(ui_pen *p, ui_style s, uint32_t c);
/* As text, but where room is short the folders of 'quoted/names' go first, then the names; and where that does
 * not do, `instead` is written when it is given. */
void ui_pen_brief(ui_pen *p, ui_style s, const char *text, const char *instead);
/* Exactly `cells` wide: cut or filled with blanks; negative: aligned to the right. */
void ui_pen_field(ui_pen *p, ui_style s, int cells, const char *text);
void ui_pen_to(ui_pen *p, int column); /* forward to a column counted from `left` */
/* At the right end, over what is there; the pen's right end moves before it. */
void ui_pen_right(ui_pen *p, ui_style s, const char *text);
/* A bar of `cells` cells, filled to a fraction, in eighths of a cell. */
void ui_pen_bar(ui_pen *p, ui_style s, int cells, double fraction);
/* One block character, a column of height 0..1. */
uint32_t ui_block(double fraction);
/* "3.1%", ".0312", "1.2e-7": a number in at most six cells. */
void ui_format_real(char out[16], double v);

#endif
