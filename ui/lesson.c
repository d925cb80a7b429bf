/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lesson that is held: what to look at, what is asked, what was said, and at last the explanation. */
#include <stdlib.h>
#include <string.h>

#include "doc.h"
#include "ui.h"

enum { WIDEST = 92 }; /* longer lines are hard to read */

typedef struct page {
    ui_doc doc;
    char *reply; /* what was said when the page was made: something new is brought into sight */
} page;

static void finish(ui_view *v)
{
    page *g = v->data;
    if (!g)
        return;
    ui_doc_finish(&g->doc);
    free(g->reply);
    free(g);
    v->data = NULL;
}

/* An example or a row of a table, as it is. Where that is too wide, the rest goes on below its text: what stands behind
 * the first gap of two blanks. */
static void add_kept(ui_doc *d, int width, const char *line)
{
    size_t indent = strspn(line, " ");
    const char *gap = strstr(line + indent, "  ");
    if (ff_display_width(line) + 1 > width && gap) {
        indent = (size_t)(gap - line);
        indent += strspn(gap, " ");
    }
    int used, column = 1 + ff_display_width(line) - ff_display_width(line + indent);
    size_t n = ff_display_prefix(line, width - 1, &used);
    if (line[n]) {
        while (n > indent && line[n] != ' ')
            n--;
        n = n > indent ? n : strlen(line);
    }
    ui_doc_line(d);
    ui_doc_add(d, ui_plain(INK_INFO), " %.*s", (int)n, line);
    if (line[n])
        ui_doc_wrap(d, ui_plain(INK_INFO), column, width, line + n + 1);
}

/* Paragraphs, and between them lines that begin with a blank. */
static void add(ui_doc *d, ui_style s, int width, const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "\n");
        char *line = ff_strndup(text, n);
        if (*line == ' ' || !*line) {
            add_kept(d, width, line);
        } else {
            ui_doc_wrap(d, s, 1, width, line);
        }
        free(line);
        text += n + (text[n] == '\n');
    }
}

static void section(ui_doc *d, const char *heading, ui_style s, int width, const char *text)
{
    if (!*text)
        return;
    ui_doc_heading(d, heading);
    add(d, s, width, text);
}

static void fill(ui_doc *d, const ff_lesson *l, int width, int *answer)
{
    bool done = ff_lesson_done(l);
    section(d, ff_lesson_text(l, FF_LESSON_TITLE), ui_plain(INK_TEXT), width, ff_lesson_text(l, FF_LESSON_LOOK));
    section(d, "Question", ui_bold(INK_STRONG), width, ff_lesson_text(l, FF_LESSON_QUESTION));
    *answer = (int)d->n;
    section(d, done ? "Answer" : "So far", ui_bold(done ? INK_GOOD : INK_WARN), width,
            ff_lesson_text(l, FF_LESSON_REPLY));
    if (!done)
        return;
    ui_doc_line(d);
    add(d, ui_plain(INK_TEXT), width, ff_lesson_text(l, FF_LESSON_EXPLAIN));
    ui_doc_line(d);
    add(d, ui_plain(INK_DIM), width,
        "Now repair it: 1 shows the graph, 3 the findings; s takes one step, A "
        "all of them.");
}

static void refresh(ui_view *v)
{
    const ff_lesson *l = v->ui->context.lesson;
    int width = v->list.width > 20 ? v->list.width - 1 : 76, answer = 0;
    page *g = v->data;
    if (!g)
        g = v->data = ff_alloc(sizeof *g);
    ui_doc_clear(&g->doc);
    if (l)
        fill(&g->doc, l, width < WIDEST ? width : WIDEST, &answer);
    ui_view_rows(v, (int)g->doc.n, NULL);
    const char *reply = l ? ff_lesson_text(l, FF_LESSON_REPLY) : "";
    if (strcmp(reply, g->reply ? g->reply : "") != 0) {
        free(g->reply);
        g->reply = ff_strdup(reply);
        ui_window_resize(&v->window, v->n_rows, v->window.height);
        ui_window_select(&v->window, ff_lesson_done(l) ? answer : v->n_rows - 1);
    }
}

static void draw(ui_view *v, int row, ui_pen *p)
{
    const page *g = v->data;
    ui_doc_draw(&g->doc, row, p);
}

static void badge(const ui_view *v, ff_buf *out)
{
    if (ff_lesson_done(v->ui->context.lesson))
        ff_buf_puts(out, "\xe2\x9c\x93");
}

static bool verb(ui_view *v, int argc, char **argv)
{
    (void)argc;
    if (strcmp(argv[0], "open") != 0 || ff_lesson_done(v->ui->context.lesson))
        return false;
    ui_run(v->ui, "prompt answer");
    return true;
}

static void hint(const ui_view *v, ff_buf *out)
{
    if (!ui_told(v->ui))
        ff_buf_printf(out, "1 graph, 2 layers, 6 images: look around. Enter answers, H hints.");
}

static void bar(const ui_view *v, ui_pen *p)
{
    if (!ui_told(v->ui))
        ui_hint(p, "open", "answer");
}

const ui_view_class ui_lesson_class = {
    .alone = 30,
    .title = "Lesson",
    .keys = "Enter answer  H hint  j k scroll",
    .pane = {0, 0, 0},
    .hint = hint,
    .bar = bar,
    .text = true,
    .finish = finish,
    .refresh = refresh,
    .draw = draw,
    .badge = badge,
    .verb = verb,
};
