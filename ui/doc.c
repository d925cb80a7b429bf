/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "doc.h"

#include <stdlib.h>
#include <string.h>

void ui_doc_clear(ui_doc *d)
{
    for (size_t i = 0; i < d->n; i++) {
        for (size_t k = 0; k < d->lines[i].n; k++)
            free(d->lines[i].spans[k].text);
        free(d->lines[i].spans);
    }
    d->n = 0;
}

void ui_doc_finish(ui_doc *d)
{
    ui_doc_clear(d);
    free(d->lines);
    *d = (ui_doc){0};
}

void ui_doc_line(ui_doc *d)
{
    ff_grow(&d->lines, &d->capacity, d->n + 1, sizeof *d->lines);
    d->lines[d->n++] = (ui_line){0};
}

static void add_text(ui_doc *d, ui_style s, char *owned)
{
    if (d->n == 0)
        ui_doc_line(d);
    ui_line *l = &d->lines[d->n - 1];
    ff_grow(&l->spans, &l->capacity, l->n + 1, sizeof *l->spans);
    l->spans[l->n++] = (ui_span){s, owned};
}

void ui_doc_add(ui_doc *d, ui_style s, const char *format, ...)
{
    ff_buf b = {0};
    va_list args;
    va_start(args, format);
    ff_buf_vprintf(&b, format, args);
    va_end(args);
    add_text(d, s, ff_buf_steal(&b));
}

void ui_doc_char(ui_doc *d, ui_style s, uint32_t c)
{
    char bytes[5] = "";
    bytes[ff_utf8_encode(c, bytes)] = '\0';
    add_text(d, s, ff_strdup(bytes));
}

static int width_of(const ui_doc *d)
{
    int width = 0;
    const ui_line *l = &d->lines[d->n - 1];
    for (size_t i = 0; i < l->n; i++)
        width += ff_display_width(l->spans[i].text);
    return width;
}

void ui_doc_to(ui_doc *d, int column)
{
    int gap = d->n ? column - width_of(d) : 0;
    if (gap > 0)
        ui_doc_add(d, ui_plain(INK_TEXT), "%*s", gap, "");
}

void ui_doc_field(ui_doc *d, ui_style s, int cells, const char *text)
{
    int room = cells < 0 ? -cells : cells, used;
    size_t n = ff_display_prefix(text, room, &used);
    bool cut = text[n] != '\0';
    if (cut)
        n = ff_display_prefix(text, room - 1, &used);
    if (cut)
        ui_doc_add(d, s, "%.*s\xe2\x80\xa6%*s", (int)n, text, room - used - 1, "");
    else if (cells < 0)
        ui_doc_add(d, s, "%*s%s", room - used, "", text);
    else
        ui_doc_add(d, s, "%s%*s", text, room - used, "");
}

void ui_doc_heading(ui_doc *d, const char *text)
{
    if (d->n > 0)
        ui_doc_line(d);
    ui_doc_line(d);
    ui_doc_add(d, ui_bold(INK_FOCUS), " %s", text);
}

void ui_doc_wrap(ui_doc *d, ui_style s, int indent, int width, const char *text)
{
    int room = width - indent < 10 ? 10 : width - indent;
    while (*text) {
        int used;
        size_t n = ff_display_prefix(text, room, &used), end;
        const char *newline = memchr(text, '\n', n);
        if (newline) {
            end = n = (size_t)(newline - text);
        } else if (text[n]) { /* back to the last blank, if there is one */
            end = n;
            while (end > 0 && text[end] != ' ')
                end--;
            if (end == 0)
                end = n ? n : 1;
        } else {
            end = n;
        }
        ui_doc_line(d);
        ui_doc_add(d, s, "%*s%.*s", indent, "", (int)end, text);
        text += end;
        while (*text == ' ')
            text++;
        if (*text == '\n')
            text++;
    }
}

void ui_doc_draw(const ui_doc *d, int line, ui_pen *p)
{
    if (line < 0 || (size_t)line >= d->n)
        return;
    for (size_t i = 0; i < d->lines[line].n; i++)
        ui_pen_text(p, d->lines[line].spans[i].style, d->lines[line].spans[i].text);
}
