/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The aligned graph: Source left, Target right, a row a pair; long stretches without a difference fold. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lanes.h"
#include "ui.h"

enum {
    FOLD = 1 << 24,    /* FOLD + first row: a folded stretch */
    PIXELS = FOLD - 1, /* the row before the first node */
    FOLD_MIN = 3,      /* rows that make a fold worth its line */
};

typedef struct graph {
    ui_lanes lanes;
    int count;
    int *fold_end;  /* of the row at which a foldable stretch begins: the row after it; else 0 */
    int *fold_of;   /* first row of the stretch a row lies in, or -1 */
    bool *open;     /* by first row: unfolded by hand */
    bool *repaired; /* a finding of this pair was repaired */
    int followed;   /* row that another pane speaks of: its stretch is open, -1 */
    bool all_open;
    int height;            /* rows of the window when the stretches were chosen */
    const ff_table *pairs; /* of which all this is */
} graph;

static graph *data_of(ui_view *v)
{
    if (!v->data) {
        graph *g = v->data = ff_alloc(sizeof *g);
        g->followed = -1;
    }
    return v->data;
}

static void clear(graph *g)
{
    ui_lanes_finish(&g->lanes);
    free(g->fold_end);
    free(g->fold_of);
    free(g->open);
    free(g->repaired);
    g->fold_end = g->fold_of = NULL;
    g->open = g->repaired = NULL;
}

static void finish(ui_view *v)
{
    graph *g = v->data;
    if (!g)
        return;
    clear(g);
    free(g);
    v->data = NULL;
}

static const ff_table *pairs_of(const ui_view *v)
{
    return v->ui->snap->pairs;
}

/* ------------------------------------------------------------------------------------ building */

static void build_lanes(graph *g, const ff_table *t)
{
    int **inputs = ff_alloc_array((size_t)g->count + 1, sizeof *inputs);
    int *n_inputs = ff_alloc_array((size_t)g->count + 1, sizeof *n_inputs);
    ff_map *rows = ff_map_create(); /* a pair's number -> row + 1 */
    char key[24];

    for (int i = 0; i < g->count; i++) {
        snprintf(key, sizeof key, "%lld", (long long)ff_table_int_at(t, i, "pair", i));
        ff_map_put(rows, key, (void *)(intptr_t)(i + 1));
    }
    for (int i = 0; i < g->count; i++) {
        const char *s = ff_table_text_at(t, i, "source_inputs");
        size_t capacity = 0;
        while (*s) {
            size_t n = strcspn(s, ",");
            snprintf(key, sizeof key, "%.*s", (int)(n < 20 ? n : 20), s);
            int row = (int)(intptr_t)ff_map_get(rows, key) - 1;
            if (row >= 0 && row < i) {
                ff_grow(&inputs[i], &capacity, (size_t)n_inputs[i] + 1, sizeof **inputs);
                inputs[i][n_inputs[i]++] = row;
            }
            s += n + (s[n] == ',');
        }
    }
    ui_lanes_build(&g->lanes, g->count, (const int *const *)inputs, n_inputs);
    for (int i = 0; i < g->count; i++)
        free(inputs[i]);
    free(inputs);
    free(n_inputs);
    ff_map_destroy(rows, NULL);
}

static bool quiet(const ff_table *t, int row)
{
    const char *status = ff_table_text_at(t, row, "status");
    return (strcmp(status, "equal") == 0 || strcmp(status, "equivalent") == 0) &&
           ff_table_int_at(t, row, "findings", 0) == 0;
}

static bool folds(const graph *g, const ff_table *t, int row)
{
    return quiet(t, row) && !g->repaired[row];
}

/* Chooses the stretches that fold, with so many rows left beside a difference; returns how many rows
 * are to be seen then. */
static int choose_folds(graph *g, const ff_table *t, int context)
{
    int rows = g->count;

    memset(g->fold_end, 0, (size_t)g->count * sizeof *g->fold_end);
    for (int i = 0; i < g->count; i++)
        g->fold_of[i] = -1;
    for (int i = 0; i < g->count;) {
        int end = i;
        while (end < g->count && folds(g, t, end))
            end++;
        int from = i == 0 ? 0 : i + context, to = end == g->count ? end : end - context;
        if (to - from >= FOLD_MIN) {
            g->fold_end[from] = to;
            for (int k = from; k < to; k++)
                g->fold_of[k] = from;
            rows -= to - from - 1;
        }
        i = end > i ? end : i + 1;
    }
    return rows;
}

static void build(ui_view *v)
{
    graph *g = data_of(v);
    const ff_table *t = pairs_of(v), *findings = v->ui->snap->findings;
    bool *open = g->open;
    int old = g->count;

    g->open = NULL; /* what was opened stays so */
    clear(g);
    g->count = ff_table_rows(t);
    size_t n = (size_t)g->count + 1;
    g->fold_end = ff_alloc_array(n, sizeof *g->fold_end);
    g->fold_of = ff_alloc_array(n, sizeof *g->fold_of);
    g->open = ff_alloc_array(n, sizeof *g->open);
    g->repaired = ff_alloc_array(n, sizeof *g->repaired);
    for (int i = 0; i < g->count && i < old; i++)
        g->open[i] = open[i];
    free(open);
    build_lanes(g, t);
    for (int i = 0; i < ff_table_rows(findings); i++) {
        if (strcmp(ff_table_text_at(findings, i, "status"), "repaired") != 0)
            continue;
        int row = ff_table_row_of_int(t, "pair", ff_table_int_at(findings, i, "pair", -1));
        if (row >= 0)
            g->repaired[row] = true;
    }
    g->height = v->window.height;
    int context = g->count; /* equal rows kept beside a difference: as many as there is room for */
    if (choose_folds(g, t, context) >= g->height)
        context = g->height;
    while (choose_folds(g, t, context) >= g->height && context > 1)
        context--;
}

static bool has_pixels(const ff_snapshot *s)
{
    return s->source_pre && s->target_pre && !s->arrays;
}

static bool is_open(const graph *g, int first)
{
    return g->all_open || g->open[first] || (g->followed >= first && g->followed < g->fold_end[first]);
}

static void refresh(ui_view *v)
{
    graph *g = data_of(v);
    if (g->pairs != pairs_of(v) || g->height != v->window.height) {
        build(v);
        g->pairs = pairs_of(v);
    }
    int *order = ff_alloc_array((size_t)g->count + 2, sizeof *order);
    int n = 0;
    if (has_pixels(v->ui->snap) && g->count && (v->mode == 0 || ui_pre_differs(v->ui->snap)))
        order[n++] = PIXELS;
    for (int i = 0; i < g->count; i++) {
        if (g->fold_end[i] && !is_open(g, i) && !v->filter) {
            order[n++] = FOLD + i;
            i = g->fold_end[i] - 1;
        } else if (!(v->mode == 1 && quiet(pairs_of(v), i))) {
            order[n++] = i;
        }
    }
    ui_view_rows(v, n, order);
    free(order);
}

/* ------------------------------------------------------------------------------------- drawing */

typedef struct look {
    uint32_t glyph;
    ui_ink ink, text;
} look;

/* Before the layers were compared nothing is known of a pair but that it is one. */
static const look unknown = {0x00b7, INK_DIM, INK_TEXT};

static look look_of(const char *status, bool repaired)
{
    if (repaired && (strcmp(status, "equal") == 0 || strcmp(status, "equivalent") == 0))
        return (look){0x2713, INK_GOOD, INK_TEXT};
    if (strcmp(status, "equal") == 0)
        return (look){'=', INK_DIM, INK_TEXT};
    if (strcmp(status, "equivalent") == 0)
        return (look){0x2248, INK_DIM, INK_DIM};
    if (strcmp(status, "source-only") == 0)
        return (look){0x2212, INK_WARN, INK_STRONG};
    if (strcmp(status, "target-only") == 0)
        return (look){'+', INK_WARN, INK_STRONG};
    return (look){0x2260, INK_BAD, INK_STRONG};
}

static int lane_cells(const graph *g, int half)
{
    int cells = 2 * g->lanes.width;
    return cells > half / 3 ? half / 3 : cells;
}

static int half_of(const ui_pen *p)
{
    return (p->right - p->left - 1) / 2;
}

static void separator(ui_pen *p, int half, int right)
{
    p->right = right;
    p->x = p->left + half;
    ui_pen_char(p, ui_plain(INK_FRAME), 0x2502);
    ui_pen_char(p, ui_plain(INK_TEXT), ' ');
}

static void draw_fold(ui_view *v, int first, ui_pen *p)
{
    graph *g = v->data;
    const ff_table *t = pairs_of(v);
    int end = g->fold_end[first], half = half_of(p), right = p->right, equivalent = 0;
    unsigned lanes = g->lanes.rows[end - 1].after;
    if (!lanes)
        lanes = g->lanes.rows[first].through;

    for (int i = first; i < end; i++)
        equivalent += strcmp(ff_table_text_at(t, i, "status"), "equivalent") == 0;
    p->right = p->left + half;
    ui_pen_char(p, ui_plain(INK_TEXT), ' ');
    for (int i = 0; i < lane_cells(g, half); i++)
        ui_pen_char(p, ui_plain(INK_LANE), i % 2 == 0 && lanes & 1u << (i / 2) ? 0x250a : ' ');
    ui_pen_printf(p, ui_plain(INK_DIM), v->ui->snap->localized ? "%d equal rows" : "%d rows", end - first);
    separator(p, half, right);
    ui_pen_char(p, ui_plain(INK_DIM), 0x250a);
    if (equivalent)
        ui_pen_printf(p, ui_plain(INK_DIM), " %d of them equivalent rewrites", equivalent);
}

/* What is fed to both sides: the words that differ come first. */
static void draw_pixels(ui_view *v, ui_pen *p)
{
    const ff_snapshot *s = v->ui->snap;
    const char *target = ui_target_pre(s);
    bool same = !ui_pre_differs(s);
    look l = look_of(same ? "equal" : "different", same && s->target_pre_repaired);
    int half = half_of(p), right = p->right;
    ff_buf a = {0}, b = {0};

    ui_pre_words(s->source_pre, target, &a);
    if (same)
        ff_buf_puts(&b, "the same preprocessing");
    else
        ui_pre_words(target, s->source_pre, &b);
    l.text = same ? INK_DIM : INK_STRONG;
    p->right = p->left + half;
    ui_pen_text(p, ui_plain(l.ink), " \xe2\x96\xa4 ");
    ui_pen_text(p, ui_plain(l.text), a.data);
    separator(p, half, right);
    ui_pen_char(p, ui_bold(l.ink), l.glyph);
    ui_pen_char(p, ui_plain(INK_TEXT), ' ');
    ui_pen_text(p, ui_plain(l.text), b.data);
    ff_buf_finish(&a);
    ff_buf_finish(&b);
}

/* The summary and what is to be said of it. Where both do not fit, equal ones matter less than the note: the
 * Source's half says the same; of a summary that differs, every word counts. */
static void draw_target(ui_pen *p, const look *l, const char *summary, const char *note, bool same)
{
    int room = ui_pen_room(p), need = ff_display_width(summary), noted = *note ? ff_display_width(note) + 2 : 0;
    bool matters = l->ink == INK_BAD || l->ink == INK_WARN;
    char word[32];

    if (!same && need + noted > room && strstr(note, " -> ")) { /* the summary tells the values */
        snprintf(word, sizeof word, "%.*s", (int)strcspn(note, " "), note);
        note = word;
        noted = ff_display_width(note) + 2;
    }

    if (need + noted > room)
        need = !same || !matters ? need : room - noted > 5 ? room - noted : 5;
    if (*note && need + noted > room && room - need < 7) {
        ui_pen_text(p, ui_plain(l->text), summary);
        return;
    }
    if (need + noted <= room) {
        char *padded = ff_asprintf(" %s ", note);
        if (*note)
            ui_pen_right(p, ui_plain(l->ink), padded);
        ui_pen_text(p, ui_plain(l->text), summary);
        free(padded);
        return;
    }
    if (need < ff_display_width(summary))
        ui_pen_field(p, ui_plain(l->text), need, summary);
    else
        ui_pen_text(p, ui_plain(l->text), summary);
    ui_pen_char(p, ui_plain(INK_TEXT), ' ');
    ui_pen_text(p, ui_plain(l->ink), note);
}

static void draw(ui_view *v, int row, ui_pen *p)
{
    if (row >= FOLD) {
        draw_fold(v, row - FOLD, p);
        return;
    }
    if (row == PIXELS) {
        draw_pixels(v, p);
        return;
    }
    graph *g = v->data;
    const ff_table *t = pairs_of(v);
    const char *status = ff_table_text_at(t, row, "status"), *note = ff_table_text_at(t, row, "note");
    bool known = v->ui->snap->localized || strcmp(status, "equal") != 0;
    look l = known ? look_of(status, g->repaired[row]) : unknown;
    int half = half_of(p), right = p->right;
    int64_t layer = ff_table_int_at(t, row, "layer", 0);
    bool source_only = strcmp(status, "source-only") == 0;
    bool target_only = strcmp(status, "target-only") == 0;
    if ((source_only || target_only) && *note && !ff_table_int_at(t, row, "findings", 0)) /* it does no harm */
        l.ink = l.text = INK_DIM;
    uint32_t node = target_only ? 0x2502 : layer ? 0x25cf : 0x25cb;
    char text[32];

    p->right = p->left + half;
    ui_pen_char(p, ui_plain(INK_TEXT), ' ');
    const ui_lane_row *lanes = &g->lanes.rows[row];
    for (int i = 0; i < lane_cells(g, half); i++) {
        ui_ink ink = i == 2 * lanes->own && !target_only ? (l.text == INK_DIM ? INK_DIM : l.ink) : INK_LANE;
        if (ink == INK_DIM && layer)
            ink = INK_LANE;
        ui_pen_char(p, ui_plain(ink), ui_lanes_at(lanes, i, node));
    }
    if (layer) {
        snprintf(text, sizeof text, " L%lld ", (long long)layer);
        ui_pen_right(p, ui_plain(INK_DIM), text);
    }
    if (!target_only)
        ui_pen_text(p, ui_plain(l.text), ff_table_text_at(t, row, "source_summary"));
    separator(p, half, right);
    ui_pen_char(p, ui_bold(l.ink), l.glyph);
    ui_pen_char(p, ui_plain(INK_TEXT), ' ');
    if (source_only) {
        ui_pen_text(p, ui_plain(INK_WARN), *note ? note : "missing");
        return;
    }
    const char *summary = ff_table_text_at(t, row, "target_summary");
    draw_target(p, &l, summary, target_only && !*note ? "not in the Source" : note,
                strcmp(summary, ff_table_text_at(t, row, "source_summary")) == 0);
}

static int head_height(const ui_view *v, int height)
{
    return height >= 8 ? 1 : 0;
}

static void draw_head(ui_view *v, ui_canvas *c, ui_rect r)
{
    const ff_snapshot *s = v->ui->snap;
    ui_pen p = ui_pen_at(c, r, 0);
    int half = half_of(&p), right = p.right;

    p.right = p.left + half;
    ui_pen_text(&p, ui_bold(INK_SOURCE), " Source");
    if (s->source_producer && *s->source_producer)
        ui_pen_printf(&p, ui_plain(INK_DIM), "  %s", s->source_producer);
    if (s->source_opset)
        ui_pen_printf(&p, ui_plain(INK_DIM), "  opset %d", s->source_opset);
    separator(&p, half, right);
    ui_pen_text(&p, ui_bold(INK_TARGET), "Target");
    if (s->target_producer && *s->target_producer)
        ui_pen_printf(&p, ui_plain(INK_DIM), "  %s", s->target_producer);
    if (s->target_opset)
        ui_pen_printf(&p, ui_plain(INK_DIM), "  opset %d", s->target_opset);
}

static void corner(const ui_view *v, ff_buf *out)
{
    const ff_table *t = pairs_of(v);
    int different = 0;
    for (int i = 0; i < ff_table_rows(t); i++)
        different += !quiet(t, i);
    if (ff_table_rows(t) && v->ui->snap->localized)
        ff_buf_printf(out, "%d of %d differ%s", different, ff_table_rows(t), v->mode ? ", others hidden" : "");
}

static const char *empty(const ui_view *v)
{
    return !v->ui->snap->loaded ? "loading the models" : v->mode ? "nothing differs (f: all rows)" : "no aligned nodes";
}

/* -------------------------------------------------------------------------------------- moving */

static int pair(const ui_view *v, int row)
{
    if (row == PIXELS)
        return UI_PIXELS;
    return row < FOLD ? (int)ff_table_int_at(pairs_of(v), row, "pair", -1) : -1;
}

static bool follow(ui_view *v, int number)
{
    graph *g = data_of(v);
    int row = number == UI_PIXELS ? PIXELS : ff_table_row_of_int(pairs_of(v), "pair", number);
    if (row == PIXELS)
        return ui_view_select(v, row);
    if (row < 0)
        return false;
    int shown = ui_view_row(v);
    if (shown == row)
        return true;
    int before = g->followed;
    g->followed = row;
    if (before != row)
        v->stale = true;
    ui_view_update(v);
    return ui_view_select(v, row);
}

static bool toggle(ui_view *v)
{
    graph *g = data_of(v);
    int row = ui_view_row(v);
    if (row < 0 || row == PIXELS)
        return true;
    int first = row >= FOLD ? row - FOLD : g->fold_of[row];
    if (first < 0)
        return true;
    bool opened = !is_open(g, first);
    g->all_open = false;
    g->open[first] = opened;
    g->followed = -1;
    v->stale = true;
    ui_view_update(v);
    ui_view_select(v, opened ? first : FOLD + first);
    return true;
}

static bool verb(ui_view *v, int argc, char **argv)
{
    graph *g = data_of(v);
    int row = ui_view_row(v);

    if (strcmp(argv[0], "open") == 0 && row >= FOLD)
        return toggle(v);
    if (strcmp(argv[0], "filter") == 0 && argc > 1 && strcmp(argv[1], "next") == 0) {
        v->mode = !v->mode;
        v->stale = true;
        return true;
    }
    if (strcmp(argv[0], "fold") != 0)
        return false;
    if (argc == 1)
        return toggle(v);
    if (strcmp(argv[1], "all") != 0 && strcmp(argv[1], "none") != 0)
        return false;
    g->all_open = strcmp(argv[1], "none") == 0;
    g->followed = -1;
    memset(g->open, 0, (size_t)g->count * sizeof *g->open);
    v->stale = true;
    return true;
}

static int find(ui_view *v, const char *text, int from, int step)
{
    graph *g = data_of(v);
    int at = from == PIXELS ? (step < 0 ? g->count - 1 : 0)
             : from >= FOLD ? (step < 0 ? from - FOLD : g->fold_end[from - FOLD] - 1)
                            : from;
    for (int i = step && from != PIXELS ? 1 : 0; i <= g->count && g->count > 0; i++) {
        int row = ((at + i * (step < 0 ? -1 : 1)) % g->count + g->count) % g->count;
        ff_buf b = {0};
        ui_view_row_text(v, row, &b);
        bool hit = b.data && ui_find_text(b.data, text);
        ff_buf_finish(&b);
        if (hit) {
            g->followed = row;
            v->stale = true;
            ui_view_update(v);
            return row;
        }
    }
    return -1;
}

static void bar_more(const ui_view *v, ui_pen *p)
{
    ui_bar_bisect(v, p);
    ui_hint(p, "fold", "fold");
}

const ui_view_class ui_graph_class = {
    .title = "Graph",
    .keys = "Enter details  Space fold  f differences only",
    .pane = {0, 0, 0},
    .tables = " pairs ",
    .folds = true,
    .bar_more = bar_more,
    .filters = true,
    .fits = true,
    .finish = finish,
    .refresh = refresh,
    .draw = draw,
    .head_height = head_height,
    .draw_head = draw_head,
    .corner = corner,
    .empty = empty,
    .pair = pair,
    .follow = follow,
    .verb = verb,
    .find = find,
};
