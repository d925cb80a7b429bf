/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "paint.h"

#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <wchar.h>

enum {
    GAP = 4,      /* cells that are quicker written again than jumped over */
    ERASE = 8,    /* blanks at the end of a row that are worth an erase */
    LONGEST = 96, /* bytes of a capability */
};

/* Attributes and how each is switched on. */
static const struct {
    attr_t attribute;
    const char *name;
    int without_colour; /* its bit of `ncv`: cannot be together with colours */
} attributes[] = {
    {A_STANDOUT, "smso", 1}, {A_UNDERLINE, "smul", 2}, {A_REVERSE, "rev", 4}, {A_DIM, "dim", 16}, {A_BOLD, "bold", 32},
};

struct ui_painter {
    char move[LONGEST], clear[LONGEST], erase[LONGEST], plain[LONGEST], own[LONGEST], ink[LONGEST], paper[LONGEST];
    char show[LONGEST], hide[LONGEST], on[FF_COUNT(attributes)][LONGEST];
    attr_t clashing;  /* attributes that are dropped where there are colours */
    bool corner;      /* the last cell of the last row can be written without scrolling */
    bool ascii;
    ui_canvas shown;  /* what the terminal shows */
    ui_look look;     /* of the next character it is sent */
    int x, y;         /* where that goes; y -1: not known */
    int cursor;       /* 1 visible, 0 hidden, -1 not known */
    ff_buf out;
};

const char *ui_capability(const char *name, char *out, size_t size)
{
    const char *s = tigetstr(name);
    size_t n = 0;
    out[0] = '\0';
    if (!s || s == (char *)-1)
        return out;
    while (*s && n + 1 < size) {
        const char *end = s[0] == '$' && s[1] == '<' ? strchr(s, '>') : NULL;
        if (end)
            s = end + 1;
        else
            out[n++] = *s++;
    }
    out[n] = '\0';
    return out;
}

ui_painter *ui_painter_create(void)
{
    ui_painter *p = ff_alloc(sizeof *p);
    const struct {
        const char *name;
        char *text;
    } wanted[] = {
        {"cup", p->move}, {"clear", p->clear}, {"el", p->erase}, {"sgr0", p->plain}, {"op", p->own},
        {"setaf", p->ink}, {"setab", p->paper}, {"cnorm", p->show}, {"civis", p->hide},
    };
    for (size_t i = 0; i < FF_COUNT(wanted); i++)
        ui_capability(wanted[i].name, wanted[i].text, LONGEST);
    int clash = tigetnum("ncv");
    for (size_t i = 0; i < FF_COUNT(attributes); i++) {
        ui_capability(attributes[i].name, p->on[i], LONGEST);
        if (clash > 0 && (clash & attributes[i].without_colour))
            p->clashing |= attributes[i].attribute;
    }
    p->corner = tigetflag("am") <= 0 || tigetflag("xenl") > 0;
    p->cursor = -1;
    return p;
}

void ui_painter_destroy(ui_painter *p)
{
    if (!p)
        return;
    ui_canvas_finish(&p->shown);
    ff_buf_finish(&p->out);
    free(p);
}

void ui_painter_set_ascii(ui_painter *p, bool ascii)
{
    p->ascii = ascii;
}

void ui_painter_forget(ui_painter *p)
{
    ui_canvas_reset(&p->shown, 0, 0);
    p->cursor = -1;
}

/* --------------------------------------------------------------------------------------- looks */

static void to_plain(ui_painter *p)
{
    ff_buf_puts(&p->out, p->plain);
    p->look = (ui_look){-1, -1, 0};
}

static void colour(ui_painter *p, const char *capability, int layer, int number)
{
    if (number & UI_RGB)
        ff_buf_printf(&p->out, "\x1b[%d;2;%d;%d;%dm", layer, number >> 16 & 255, number >> 8 & 255, number & 255);
    else
        ff_buf_puts(&p->out, tiparm(capability, number));
}

static void take_look(ui_painter *p, ui_look l)
{
    if (l.ink >= 0 || l.paper >= 0)
        l.attributes &= ~p->clashing;
    bool loses = (p->look.ink >= 0 && l.ink < 0) || (p->look.paper >= 0 && l.paper < 0);
    if ((p->look.attributes & ~l.attributes) || (loses && !*p->own)) {
        to_plain(p);
    } else if (loses) {
        ff_buf_puts(&p->out, p->own);
        p->look.ink = p->look.paper = -1;
    }
    for (size_t i = 0; i < FF_COUNT(attributes); i++) {
        if (attributes[i].attribute & l.attributes & ~p->look.attributes)
            ff_buf_puts(&p->out, p->on[i]);
    }
    if (l.ink != p->look.ink)
        colour(p, p->ink, 38, l.ink);
    if (l.paper != p->look.paper)
        colour(p, p->paper, 48, l.paper);
    p->look = l;
}

static ui_look look_of(const ui_cell *cell)
{
    return cell->fg ? ui_theme_pixels_look(cell->fg & 0xffffff, cell->bg & 0xffffff) : ui_theme_look(cell->style);
}

/* Would an erased cell look the same? */
static bool is_blank(const ui_cell *cell)
{
    if (cell->c != ' ' || cell->mark || cell->fg)
        return false;
    ui_look l = ui_theme_look(cell->style);
    return l.paper < 0 && !(l.attributes & (A_REVERSE | A_UNDERLINE | A_STANDOUT));
}

/* --------------------------------------------------------------------------------------- cells */

static void go_to(ui_painter *p, int x, int y)
{
    if (x != p->x || y != p->y)
        ff_buf_puts(&p->out, tiparm(p->move, y, x));
    p->x = x;
    p->y = y;
}

/* Did a cell change, or the other half of a wide character? */
static bool differs(const ui_cell *now, const ui_cell *old, int x, int width)
{
    return memcmp(&now[x], &old[x], sizeof *now) != 0 ||
           (x + 1 < width && (now[x + 1].c == 0) != (old[x + 1].c == 0)) ||
           (x > 0 && now[x].c == 0 && now[x - 1].c != old[x - 1].c);
}

static bool is_wide(const ui_cell *row, int x, int width)
{
    return x >= 0 && x + 1 < width && row[x + 1].c == 0 && row[x].c > 0x7e && ff_codepoint_width(row[x].c) == 2;
}

/* One character. Where the C library, and so most terminals, see another width than we do, the columns of the row
 * would shift: a question mark stands for it. What is left of a wide one that was half drawn over is a blank. */
static void put(ui_painter *p, const ui_cell *row, int width)
{
    const ui_cell *cell = &row[p->x];
    char bytes[4];
    uint32_t c = cell->c ? cell->c : ' ';
    int cells = is_wide(row, p->x, width) ? 2 : 1, seen = c > 0x7e ? ff_codepoint_width(c) : 1;
    if (seen != cells)
        c = ' ';
    bool fits = !p->ascii && (c <= 0x7e || wcwidth((wchar_t)c) == seen);
    take_look(p, look_of(cell));
    if (!fits)
        c = p->ascii ? (unsigned char)ui_ascii(c) : '?';
    ff_buf_add(&p->out, bytes, ff_utf8_encode(c, bytes));
    if (fits && cell->mark && wcwidth((wchar_t)cell->mark) == 0)
        ff_buf_add(&p->out, bytes, ff_utf8_encode(cell->mark, bytes));
    if (cells == 2 && !fits)
        ff_buf_putc(&p->out, ' ');
    p->x += cells;
}

static void paint_row(ui_painter *p, const ui_cell *now, const ui_cell *old, int y, int width, int last)
{
    int blanks = width; /* from here on nothing but blanks */
    while (blanks > 0 && is_blank(&now[blanks - 1]))
        blanks--;
    int from = blanks, changed = 0;
    while (from < width && !differs(now, old, from, width))
        from++;
    for (int x = from; x < width; x++)
        changed += differs(now, old, x, width);
    int end = changed >= ERASE && *p->erase ? from : last;

    for (int x = 0; x < end;) {
        if (!differs(now, old, x, width)) {
            x++;
            continue;
        }
        if (is_wide(now, x - 1, width))
            x--;
        while (y == p->y && p->x < x && x - p->x <= GAP)
            put(p, now, width);
        go_to(p, x, y);
        put(p, now, width);
        x = p->x;
        if (p->x >= width)
            p->y = -1; /* at the margin terminals are of several minds */
    }
    if (end == from && from < width) {
        go_to(p, from, y);
        take_look(p, (ui_look){-1, -1, 0});
        ff_buf_puts(&p->out, p->erase);
    }
}

const ff_buf *ui_painter_paint(ui_painter *p, const ui_canvas *c, int width, int height, int x, int y)
{
    ff_buf_clear(&p->out);
    p->y = -1;
    if (width > c->width)
        width = c->width;
    if (height > c->height)
        height = c->height;
    if (p->shown.width != c->width || p->shown.height != c->height) {
        ui_canvas_reset(&p->shown, c->width, c->height);
        to_plain(p);
        ff_buf_puts(&p->out, p->clear);
    }
    if (x < 0 && p->cursor != 0)
        ff_buf_puts(&p->out, p->hide);
    for (int row = 0; row < height; row++) {
        const ui_cell *now = c->cells + (size_t)row * (size_t)c->width;
        ui_cell *old = p->shown.cells + (size_t)row * (size_t)c->width;
        size_t bytes = (size_t)c->width * sizeof *now;
        if (memcmp(now, old, bytes) == 0)
            continue;
        paint_row(p, now, old, row, width, row + 1 < height || p->corner ? width : width - 1);
        memcpy(old, now, bytes);
    }
    if (p->out.len && (p->look.ink >= 0 || p->look.paper >= 0 || p->look.attributes))
        to_plain(p); /* what else writes on the terminal does so in its own colours */
    if (x >= 0) {
        go_to(p, x < width ? x : width - 1, y >= 0 && y < height ? y : height - 1);
        if (p->cursor != 1)
            ff_buf_puts(&p->out, p->show);
    }
    p->cursor = x >= 0;
    return &p->out;
}
