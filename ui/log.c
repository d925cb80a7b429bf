/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Notes of the engine, the newest last; what is longer than a line goes on below it. */
#include <stdlib.h>

#include "doc.h"
#include "ui.h"

typedef struct notes {
    ui_doc doc;
    bool *begins; /* by line: a note begins here */
    size_t capacity;
} notes;

static void finish(ui_view *v)
{
    notes *n = v->data;
    if (n) {
        ui_doc_finish(&n->doc);
        free(n->begins);
    }
    free(n);
    v->data = NULL;
}

static void refresh(ui_view *v)
{
    if (!v->data)
        v->data = ff_alloc(sizeof(notes));
    notes *n = v->data;
    const ff_table *t = v->ui->snap->log;
    int before = v->n_rows, width = v->list.width > 20 ? v->list.width - 1 : 76;
    bool at_end = v->window.cursor >= before - 1;

    ui_doc_clear(&n->doc);
    for (int i = 0; i < ff_table_rows(t); i++) {
        size_t first = n->doc.n;
        ui_doc_wrap(&n->doc, ui_plain(INK_TEXT), 3, width, ff_table_text_at(t, i, "line"));
        ff_grow(&n->begins, &n->capacity, n->doc.n + 1, sizeof *n->begins);
        for (size_t k = first; k < n->doc.n; k++)
            n->begins[k] = k == first;
    }
    ui_view_rows(v, (int)n->doc.n, NULL);
    if (at_end && v->n_rows > before) { /* stays at the end while lines come in */
        ui_window_resize(&v->window, v->n_rows, v->window.height);
        ui_window_select(&v->window, v->n_rows - 1);
    }
}

static void draw(ui_view *v, int row, ui_pen *p)
{
    const notes *n = v->data;
    ui_pen mark = *p;
    ui_doc_draw(&n->doc, row, p);
    ui_pen_to(&mark, 1);
    ui_pen_char(&mark, ui_plain(INK_DIM), n->begins[row] ? 0xb7 : ' ');
}

static const char *empty(const ui_view *v)
{
    return "nothing was noted yet";
}

const ui_view_class ui_log_class = {
    .title = "Log",
    .keys = "/ search",
    .pane = {2, 3, 4},
    .tables = " log ",
    .fits = true,
    .finish = finish,
    .refresh = refresh,
    .draw = draw,
    .empty = empty,
};
