/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "canvas.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ui_canvas_reset(ui_canvas *c, int width, int height)
{
    if (width != c->width || height != c->height) {
        free(c->cells);
        c->cells = ff_alloc_array((size_t)width * (size_t)height + 1, sizeof *c->cells);
        c->width = width;
        c->height = height;
    }
    ui_canvas_clear(c, (ui_rect){0, 0, width, height}, PAPER_NONE);
}

void ui_canvas_finish(ui_canvas *c)
{
    free(c->cells);
    *c = (ui_canvas){0};
}

ui_cell *ui_canvas_at(ui_canvas *c, int x, int y)
{
    if (x < 0 || y < 0 || x >= c->width || y >= c->height)
        return NULL;
    return &c->cells[(size_t)y * (size_t)c->width + (size_t)x];
}

void ui_canvas_clear(ui_canvas *c, ui_rect r, ui_paper paper)
{
    for (int y = r.y; y < r.y + r.height; y++) {
        for (int x = r.x; x < r.x + r.width; x++) {
            ui_cell *cell = ui_canvas_at(c, x, y);
            if (cell)
                *cell = (ui_cell){.c = ' ', .style = {INK_TEXT, paper, 0}};
        }
    }
}

void ui_canvas_paper(ui_canvas *c, ui_rect r, ui_paper paper)
{
    for (int y = r.y; y < r.y + r.height; y++) {
        for (int x = r.x; x < r.x + r.width; x++) {
            ui_cell *cell = ui_canvas_at(c, x, y);
            if (cell)
                cell->style.paper = (uint8_t)paper;
        }
    }
}

/* Adds frame lines to a cell; the character follows from all the lines that meet there. */
static void add_line(ui_canvas *c, int x, int y, int bits, ui_ink ink)
{
    static const uint16_t glyphs[16] = {
        ' ',    0x2502, 0x2500, 0x2514, 0x2502, 0x2502, 0x250c, 0x251c,
        0x2500, 0x2518, 0x2500, 0x2534, 0x2510, 0x2524, 0x252c, 0x253c,
    };
    ui_cell *cell = ui_canvas_at(c, x, y);
    if (!cell)
        return;
    cell->line |= (uint8_t)bits;
    cell->c = glyphs[cell->line];
    cell->mark = 0;
    cell->style = (ui_style){(uint8_t)ink, PAPER_NONE, 0};
}

void ui_canvas_frame(ui_canvas *c, ui_rect r, ui_ink ink)
{
    if (r.width < 2 || r.height < 2)
        return;
    int x1 = r.x + r.width - 1, y1 = r.y + r.height - 1;

    for (int x = r.x; x <= x1; x++) {
        int bits = (x > r.x ? 8 : 0) | (x < x1 ? 2 : 0);
        add_line(c, x, r.y, bits, ink);
        add_line(c, x, y1, bits, ink);
    }
    for (int y = r.y; y <= y1; y++) {
        int bits = (y > r.y ? 1 : 0) | (y < y1 ? 4 : 0);
        add_line(c, r.x, y, bits, ink);
        add_line(c, x1, y, bits, ink);
    }
}

void ui_canvas_text(const ui_canvas *c, int y, int x0, int x1, ff_buf *out, int *columns)
{
    if (y < 0 || y >= c->height)
        return;
    size_t end = out->len; /* after the last character that is not blank */
    for (int x = x0 < 0 ? 0 : x0; x < x1 && x < c->width; x++) {
        const ui_cell *cell = &c->cells[(size_t)y * (size_t)c->width + (size_t)x];
        if (!cell->c)
            continue;
        char bytes[8];
        size_t n = ff_utf8_encode(cell->c, bytes);
        if (cell->mark)
            n += ff_utf8_encode(cell->mark, bytes + n);
        if (columns) {
            for (size_t i = 0; i < n; i++)
                columns[out->len + i] = x;
        }
        ff_buf_add(out, bytes, n);
        if (cell->c != ' ')
            end = out->len;
    }
    if (out->data && end < out->len) {
        out->len = end;
        out->data[end] = '\0';
    }
}

char ui_ascii(uint32_t c)
{
    static const struct {
        uint16_t from, to;
        char ascii;
    } map[] = {
        {0x00b7, 0x00b7, '.'}, {0x00b1, 0x00b1, '+'}, {0x00d7, 0x00d7, 'x'}, {0x2013, 0x2014, '-'},
        {0x2022, 0x2022, '*'}, {0x2026, 0x2026, '~'}, {0x2190, 0x2190, '<'}, {0x2191, 0x2191, '^'},
        {0x2192, 0x2192, '>'}, {0x2193, 0x2193, 'v'}, {0x21b6, 0x21b6, '<'}, {0x2212, 0x2212, '-'},
        {0x2248, 0x2248, '~'}, {0x2260, 0x2260, '!'}, {0x2261, 0x2261, '='}, {0x2264, 0x2264, '<'},
        {0x2265, 0x2265, '>'}, {0x250a, 0x250a, ':'}, {0x2500, 0x2500, '-'}, {0x2502, 0x2502, '|'},
        {0x2503, 0x2503, '#'}, {0x250c, 0x253c, '+'}, {0x256d, 0x2570, '+'}, {0x2581, 0x2582, '.'},
        {0x2583, 0x2584, ':'}, {0x2585, 0x2586, '+'}, {0x2587, 0x2588, '#'}, {0x2589, 0x258b, '#'},
        {0x258c, 0x258d, '='}, {0x258e, 0x258f, '-'}, {0x2591, 0x2591, '.'}, {0x25b4, 0x25b4, '^'},
        {0x25b8, 0x25b8, '>'}, {0x25be, 0x25be, 'v'}, {0x25a4, 0x25a4, '%'}, {0x25cb, 0x25cb, 'o'},
        {0x25cf, 0x25cf, '*'}, {0x2605, 0x2605, '*'}, {0x2713, 0x2713, '+'}, {0x2717, 0x2717, 'x'},
        {0x2588, 0x2588, '#'}, {0x2580, 0x2580, '"'}, {0x2595, 0x2595, '|'}, {0x258f, 0x258f, '|'},
        {0x276f, 0x276f, '>'}, {0x21a9, 0x21a9, '<'}, {0x2550, 0x2550, '='},
    };
    if (c < 0x7f)
        return (char)c;
    for (size_t i = 0; i < FF_COUNT(map); i++) {
        if (c >= map[i].from && c <= map[i].to)
            return map[i].ascii;
    }
    return '?';
}

/* ---------------------------------------------------------------------------------------- pen */

ui_pen ui_pen_at(ui_canvas *c, ui_rect r, int row)
{
    bool inside = row >= 0 && row < r.height;
    return (ui_pen){c, r.y + row, r.x, r.x, inside ? r.x + r.width : r.x};
}

int ui_pen_room(const ui_pen *p)
{
    return p->right > p->x ? p->right - p->x : 0;
}

static void put(ui_pen *p, ui_style s, uint32_t c, int width)
{
    ui_cell *cell = ui_canvas_at(p->canvas, p->x, p->y);
    if (cell) {
        if (s.paper == PAPER_NONE)
            s.paper = cell->style.paper;
        *cell = (ui_cell){.c = c, .style = s};
        if (width == 2) {
            ui_cell *half = ui_canvas_at(p->canvas, p->x + 1, p->y);
            if (half)
                *half = (ui_cell){.c = 0, .style = s};
            else
                cell->c = ' ';
        }
    }
    p->x += width;
}

void ui_pen_char(ui_pen *p, ui_style s, uint32_t c)
{
    int width = ff_codepoint_width(c);
    if (width < 0) {
        c = '?';
        width = 1;
    }
    if (width == 0) {
        ui_cell *cell = p->x > p->left ? ui_canvas_at(p->canvas, p->x - 1, p->y) : NULL;
        if (cell && cell->c && !cell->mark)
            cell->mark = c;
        return;
    }
    if (p->x + width <= p->right)
        put(p, s, c, width);
    else
        p->right = p->x; /* a wide character that does not fit ends the row */
}

/* Writes what fits in `limit` cells, with an ellipsis where something was cut. */
static void put_text(ui_pen *p, ui_style s, const char *text, int limit)
{
    if (limit <= 0)
        return;
    size_t bytes = strlen(text);
    bool cut = false;
    int cells;
    size_t fits = ff_display_prefix(text, limit, &cells);
    if (fits < bytes) {
        cut = true;
        fits = ff_display_prefix(text, limit - 1, &cells);
    }
    int right = p->right;
    for (size_t i = 0; i < fits;) {
        size_t used;
        uint32_t c = ff_utf8_decode(text + i, fits - i, &used);
        ui_pen_char(p, s, c);
        i += used;
    }
    p->right = right;
    if (cut)
        ui_pen_char(p, s, 0x2026);
}

void ui_pen_text(ui_pen *p, ui_style s, const char *text)
{
    put_text(p, s, text, ui_pen_room(p));
}

void ui_pen_brief(ui_pen *p, ui_style s, const char *text, const char *instead)
{
    bool fits;
    char *brief = ff_brief(text, ui_pen_room(p), "\u2026", &fits);
    ui_pen_text(p, s, !fits && instead && *instead ? instead : brief);
    free(brief);
}

void ui_pen_printf(ui_pen *p, ui_style s, const char *format, ...)
{
    ff_buf b = {0};
    va_list args;
    va_start(args, format);
    ff_buf_vprintf(&b, format, args);
    va_end(args);
    ui_pen_text(p, s, b.data ? b.data : "");
    ff_buf_finish(&b);
}

void ui_pen_field(ui_pen *p, ui_style s, int cells, const char *text)
{
    int width = cells < 0 ? -cells : cells;
    if (width > ui_pen_room(p))
        width = ui_pen_room(p);
    int end = p->x + width;
    if (cells < 0) {
        int need = ff_display_width(text);
        while (p->x < end - need)
            put(p, s, ' ', 1);
    }
    put_text(p, s, text, end - p->x);
    while (p->x < end)
        put(p, s, ' ', 1);
}

void ui_pen_to(ui_pen *p, int column)
{
    int x = p->left + column;
    if (x > p->right)
        x = p->right;
    if (x > p->x)
        p->x = x;
}

void ui_pen_right(ui_pen *p, ui_style s, const char *text)
{
    int width = ff_display_width(text);
    if (width > p->right - p->left)
        return;
    ui_pen q = *p;
    q.x = p->right - width;
    ui_pen_text(&q, s, text);
    p->right -= width;
    if (p->x > p->right)
        p->x = p->right;
}

void ui_pen_bar(ui_pen *p, ui_style s, int cells, double fraction)
{
    if (!(fraction > 0))
        fraction = 0;
    if (fraction > 1)
        fraction = 1;
    int eighths = (int)lround(fraction * cells * 8);
    if (eighths == 0 && fraction > 0.004)
        eighths = 1;
    for (int i = 0; i < cells; i++) {
        int part = eighths - 8 * i;
        uint32_t c = part >= 8 ? 0x2588 : part <= 0 ? ' ' : (uint32_t)(0x2590 - part);
        ui_pen_char(p, s, c);
    }
}

uint32_t ui_block(double fraction)
{
    if (!(fraction > 0))
        return 0x2581;
    int level = (int)ceil(fraction * 8);
    return 0x2580 + (uint32_t)(level < 1 ? 1 : level > 8 ? 8 : level);
}

void ui_format_real(char out[16], double v)
{
    double a = fabs(v);
    if (isnan(v))
        snprintf(out, 16, "-");
    else if (v == 0)
        snprintf(out, 16, "0");
    else if (a < 1e-4 || a >= 1e5)
        snprintf(out, 16, "%.1e", v);
    else if (a < 1)
        snprintf(out, 16, "%.4f", v);
    else
        snprintf(out, 16, "%.4g", v);
    /* 1.0e-07 is shorter as 1.0e-7 */
    char *e = strchr(out, 'e');
    if (e && (e[1] == '-' || e[1] == '+') && e[2] == '0' && e[3])
        memmove(e + 2, e + 3, strlen(e + 3) + 1);
}
