/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rewrites that cannot change a result: shown, so that nobody has to wonder about them. */
#include <stdlib.h>
#include <string.h>

#include "ui.h"

static const ff_table *rows_of(const ui_view *v)
{
    return v->ui->snap->equivalences;
}

/* The pair that each row is about: that of the first node it names. */
typedef struct places {
    int *pairs;
    const ff_table *rows; /* of which they are */
    const ff_table *graph;
} places;

static void finish(ui_view *v)
{
    places *p = v->data;
    if (p)
        free(p->pairs);
    free(p);
    v->data = NULL;
}

/* Nodes by side and name -> 1 + pair. */
static ff_map *map_nodes(const ff_table *nodes)
{
    ff_map *map = ff_map_create();
    for (int i = 0; i < ff_table_rows(nodes); i++) {
        int64_t pair = ff_table_int_at(nodes, i, "pair", -1);
        char *key = ff_asprintf("%.1s%s", ff_table_text_at(nodes, i, "side"), ff_table_text_at(nodes, i, "node"));
        if (pair >= 0 && !ff_map_get(map, key))
            ff_map_put(map, key, (void *)(intptr_t)(pair + 1));
        free(key);
    }
    return map;
}

static int pair_named(const ff_map *map, const char *side, const char *labels)
{
    char *key = ff_asprintf("%s%.*s", side, (int)strcspn(labels, "\n"), labels);
    int pair = (int)(intptr_t)ff_map_get(map, key) - 1;
    free(key);
    return pair;
}

static void refresh(ui_view *v)
{
    const ff_table *t = rows_of(v);
    places *p = v->data;
    int n = ff_table_rows(t);

    if (!p)
        p = v->data = ff_alloc(sizeof *p);
    if (p->rows != t || p->graph != v->ui->snap->nodes) {
        ff_map *map = map_nodes(v->ui->snap->nodes);
        free(p->pairs);
        p->pairs = ff_alloc_array((size_t)n + 1, sizeof *p->pairs);
        p->rows = t;
        p->graph = v->ui->snap->nodes;
        for (int i = 0; i < n; i++) {
            p->pairs[i] = pair_named(map, "t", ff_table_text_at(t, i, "target_nodes"));
            if (p->pairs[i] < 0)
                p->pairs[i] = pair_named(map, "s", ff_table_text_at(t, i, "source_nodes"));
        }
        ff_map_destroy(map, NULL);
    }
    ui_view_rows(v, n, NULL);
}

static int pair(const ui_view *v, int row)
{
    const places *p = v->data;
    return p && row < ff_table_rows(p->rows) ? p->pairs[row] : -1;
}

static bool follow(ui_view *v, int number)
{
    int row = ui_view_row(v);
    if (row >= 0 && pair(v, row) == number)
        return true;
    for (row = 0; row < ff_table_rows(rows_of(v)); row++) {
        if (pair(v, row) == number)
            return ui_view_select(v, row);
    }
    return false;
}

/* Labels of several nodes come one a line. A path ends in what tells nodes apart, so its head is left out. */
static void draw_nodes(ui_pen *p, ui_ink ink, int cells, const char *labels)
{
    char *line = ff_strdup(labels);
    for (char *s = line; *s; s++) {
        if (*s == '\n')
            *s = ',';
    }
    int over = ff_display_width(line) - cells;
    char *tail = line;
    while (over >= 0 && cells > 1 && *tail) { /* a cell for the mark */
        int before = ff_display_width(tail);
        do
            tail++;
        while (((unsigned char)*tail & 0xc0) == 0x80);
        over -= before - ff_display_width(tail);
    }
    char *text = ff_asprintf("%s%s", tail > line ? "\xe2\x80\xa6" : "", tail);
    ui_pen_field(p, ui_plain(ink), cells, text);
    free(text);
    free(line);
}

static void draw(ui_view *v, int row, ui_pen *p)
{
    const ff_table *t = rows_of(v);
    const char *meaning = ff_table_text_at(t, row, "meaning");
    int width = ui_pen_room(p), rule = width / 4 < 14 ? 14 : width / 4 > 20 ? 20 : width / 4;

    ui_pen_text(p, ui_plain(INK_DIM), " \xe2\x89\x88 ");
    ui_pen_field(p, ui_plain(INK_INFO), rule, ff_table_text_at(t, row, "rule"));
    ui_pen_char(p, ui_plain(INK_TEXT), ' ');
    if (width < 90) {
        const char *target = ff_table_text_at(t, row, "target_nodes");
        int nodes = ui_pen_room(p) < 46 ? ui_pen_room(p) : ui_pen_room(p) / 2;
        draw_nodes(p, INK_TEXT, nodes, *target ? target : ff_table_text_at(t, row, "source_nodes"));
        ui_pen_char(p, ui_plain(INK_TEXT), ' ');
        ui_pen_text(p, ui_plain(INK_DIM), meaning);
        return;
    }
    int rest = ui_pen_room(p);
    ui_pen_field(p, ui_plain(INK_TEXT), rest * 11 / 20, meaning);
    ui_pen_char(p, ui_plain(INK_TEXT), ' ');
    draw_nodes(p, INK_DIM, rest * 9 / 40, ff_table_text_at(t, row, "source_nodes"));
    ui_pen_char(p, ui_plain(INK_TEXT), ' ');
    draw_nodes(p, INK_DIM, ui_pen_room(p), ff_table_text_at(t, row, "target_nodes"));
}

static void badge(const ui_view *v, ff_buf *out)
{
    if (ff_table_rows(rows_of(v)))
        ff_buf_printf(out, "%d", ff_table_rows(rows_of(v)));
}

static const char *empty(const ui_view *v)
{
    return v->ui->snap->localized ? "no rewrites: the graphs are written alike" : "the models were not compared yet";
}

const ui_view_class ui_equivalences_class = {
    .title = "Equivalent",
    .keys = "Enter details  / search",
    .pane = {2, 2, 2},
    .tables = " equivalences ",
    .pair = pair,
    .follow = follow,
    .finish = finish,
    .refresh = refresh,
    .draw = draw,
    .badge = badge,
    .empty = empty,
};
