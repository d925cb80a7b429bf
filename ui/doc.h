/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of styled text, for views that are pages to read rather than lists to choose from. */
#ifndef FF_UI_DOC_H
#define FF_UI_DOC_H

#include "canvas.h"

typedef struct ui_span {
    ui_style style;
    char *text;
} ui_span;

typedef struct ui_line {
    ui_span *spans;
    size_t n, capacity;
} ui_line;

typedef struct ui_doc {
    ui_line *lines;
    size_t n, capacity;
} ui_doc;

void ui_doc_clear(ui_doc *d);
void ui_doc_finish(ui_doc *d);
void ui_doc_line(ui_doc *d);                                                     /* begins a line */
void ui_doc_add(ui_doc *d, ui_style s, const char *format, ...) FF_PRINTF(3, 4); /* to the last line */
void ui_doc_char(ui_doc *d, ui_style s, uint32_t c);
/* Blanks up to a column. */
void ui_doc_to(ui_doc *d, int column);
/* Exactly so many cells, cut or filled; negative: aligned to the right. */
void ui_doc_field(ui_doc *d, ui_style s, int cells, const char *text);
/* A heading, with an empty line before it unless it is the first line. */
void ui_doc_heading(ui_doc *d, const char *text);
/* Text broken into lines of `width` cells, each after `indent` blanks. */
void ui_doc_wrap(ui_doc *d, ui_style s, int indent, int width, const char *text);
/* weights.c: the constants of a pair. */
struct ff_detail;
void ui_doc_weights(ui_doc *d, const struct ff_detail *x, int width);
/* pre.c: both preprocessings, a line a word; returns how many lines, the last of the page so far. */
struct ff_snapshot;
int ui_doc_pre(ui_doc *d, const struct ff_snapshot *s, int width);
void ui_doc_draw(const ui_doc *d, int line, ui_pen *p);

#endif
