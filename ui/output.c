/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a command printed, when it is more than a line. */
#include <stdlib.h>
#include <string.h>

#include "doc.h"
#include "ui.h"

static void finish(ui_view *v)
{
    if (v->data)
        ui_doc_finish(v->data);
    free(v->data);
    v->data = NULL;
}

static void refresh(ui_view *v)
{
    if (!v->data)
        v->data = ff_alloc(sizeof(ui_doc));
    ui_doc *d = v->data;
    int width = v->list.width > 20 ? v->list.width - 1 : 76;
    const char *s = v->ui->output.data ? v->ui->output.data : "";

    ui_doc_clear(d);
    while (*s) {
        size_t n = strcspn(s, "\n");
        char *line = ff_strndup(s, n), *shown = ff_visible(line);
        if (*shown)
            ui_doc_wrap(d, ui_plain(INK_TEXT), 1, width, shown);
        else
            ui_doc_line(d);
        free(line);
        free(shown);
        s += n + (s[n] == '\n');
    }
    ui_view_rows(v, (int)d->n, NULL);
}

static void draw(ui_view *v, int row, ui_pen *p)
{
    ui_doc_draw(v->data, row, p);
}

const ui_view_class ui_output_class = {
    .title = "Output",
    .keys = "j k scroll  / search  q back",
    .popup = true,
    .text = true,
    .finish = finish,
    .refresh = refresh,
    .draw = draw,
};
