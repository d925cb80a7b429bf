/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Suspicious layers: core layers with their scores, sorted by one of them. The scores are those of the Target as it
 * came, until they are measured again: layers whose faults are repaired are dimmed, and the bars measure what is left. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui.h"

static const struct {
    const char *title, *now; /* of the column: as the Target came, as it is now */
} scores[] = {
    {"isolated", "isolated_now"}, {"entire", "entire_now"}, {"causal", "causal_now"}, {"kw", "kw_now"},
    {"layer", "layer"},
};
enum { BY_ISOLATED, BY_ENTIRE, BY_CAUSAL, BY_KW, BY_LAYER };

typedef enum mark { MARK_NONE, MARK_OPEN, MARK_REPAIRED } mark;

typedef struct heat {
    mark *marks; /* by row of the table */
    double most; /* largest score of the layers that are not repaired */
} heat;

static void finish(ui_view *v)
{
    heat *h = v->data;
    if (h)
        free(h->marks);
    free(h);
    v->data = NULL;
}

static const ff_table *layers_of(const ui_view *v)
{
    return v->ui->snap->layers;
}

static bool known(const ui_view *v, const char *column)
{
    for (int i = 0; i < ff_table_rows(layers_of(v)); i++) {
        if (!isnan(ff_table_real_at(layers_of(v), i, column)))
            return true;
    }
    return false;
}

static bool is_measured(const ui_view *v)
{
    return known(v, scores[BY_ENTIRE].now);
}

static const char *column_of(const ui_view *v, int k)
{
    return is_measured(v) ? scores[k].now : scores[k].title;
}

/* The score that the bars show: in the network's own order, the isolated error. */
static int bar_score(const ui_view *v)
{
    return v->sort == BY_LAYER ? BY_ISOLATED : v->sort;
}

/* What has no measure (a layer that makes other dims) is not what the others are measured by. */
static double measured(double x)
{
    return isfinite(x) ? x : 0;
}

#define ROUNDING 1e-5 /* relative errors that the order of additions explains */

static double largest(const ui_view *v, const char *column)
{
    double most = 0;
    for (int i = 0; i < ff_table_rows(layers_of(v)); i++)
        most = fmax(most, measured(ff_table_real_at(layers_of(v), i, column)));
    return most;
}

/* What was found at each layer, and what the bars are measured by. */
static void take_marks(ui_view *v)
{
    heat *h = v->data;
    const ff_table *t = layers_of(v), *findings = ui_findings(v->ui);
    int n = ff_table_rows(t);

    if (!h)
        h = v->data = ff_alloc(sizeof *h);
    free(h->marks);
    h->marks = ff_alloc_array((size_t)n + 1, sizeof *h->marks);
    for (int i = 0; i < ff_table_rows(findings); i++) {
        int row = ff_table_row_of_int(t, "pair", ff_table_int_at(findings, i, "pair", -1));
        bool repaired = strcmp(ff_table_text_at(findings, i, "status"), "repaired") == 0;
        if (row >= 0 && !repaired)
            h->marks[row] = MARK_OPEN;
        else if (row >= 0 && h->marks[row] == MARK_NONE)
            h->marks[row] = MARK_REPAIRED;
    }
    const char *bar = column_of(v, bar_score(v));
    h->most = 0;
    for (int i = 0; i < n; i++) {
        if (h->marks[i] != MARK_REPAIRED)
            h->most = fmax(h->most, measured(ff_table_real_at(t, i, bar)));
    }
    if (h->most <= 0) /* nothing is left: as it was */
        h->most = largest(v, bar);
    if (v->sort != BY_KW && v->sort != BY_CAUSAL)
        h->most = fmax(h->most, ROUNDING); /* nobody is to be alarmed by less */
}

/* A score of a layer, as the columns show it now. What makes other dims is beyond all measure. */
static double score_at(const ui_view *v, int row, int k)
{
    bool beyond =
        (k == BY_ISOLATED || k == BY_ENTIRE) && !is_measured(v) && ff_table_int_at(layers_of(v), row, "own_dims", 0);
    return beyond ? INFINITY : ff_table_real_at(layers_of(v), row, column_of(v, k));
}

/* Of a bar; what is repaired may be beyond the scale. */
static double fraction_of(const ui_view *v, int row)
{
    const heat *h = v->data;
    double x = score_at(v, row, bar_score(v));
    return !(x > 0) ? 0 : x >= h->most ? 1 : x / h->most;
}

static void refresh(ui_view *v)
{
    const ff_table *t = layers_of(v);
    int n = ff_table_rows(t), *order = ff_alloc_array((size_t)n + 1, sizeof *order);
    double *keys = ff_alloc_array((size_t)n + 1, sizeof *keys);

    take_marks(v);
    for (int i = 0; i < n; i++) {
        order[i] = i;
        keys[i] = v->sort == BY_LAYER ? -(double)ff_table_int_at(t, i, "layer", 0) : score_at(v, i, v->sort);
    }
    ui_sort_rows(order, n, keys);
    ui_view_rows(v, n, order);
    free(keys);
    free(order);
}

/* Columns of numbers that fit beside the bar, the sorted one first. */
static int columns_for(const ui_view *v, int width, int out[4])
{
    /* Scores that were not computed have no column. */
    int room = width < 40 ? 1 : width < 54 ? 2 : width < 62 ? 3 : 4, n = 0;
    out[n++] = v->sort == BY_LAYER ? BY_ISOLATED : v->sort;
    for (int k = 0; k < 4 && n < room; k++) {
        if (k != out[0] && (ff_table_rows(layers_of(v)) == 0 || known(v, column_of(v, k))))
            out[n++] = k;
    }
    return n;
}

enum { NUMBER = 9, PLACE = 7 };

static int bar_cells(int width, int numbers)
{
    int cells = (width - PLACE - numbers * NUMBER) / 4;
    return cells < 4 ? 4 : cells > 24 ? 24 : cells;
}

static void draw(ui_view *v, int row, ui_pen *p)
{
    const ff_table *t = layers_of(v), *pairs = v->ui->snap->pairs;
    int width = ui_pen_room(p), shown[4], n = columns_for(v, width, shown);
    const heat *h = v->data;
    double f = fraction_of(v, row);
    int cells = bar_cells(width, n), name = width - PLACE - 1 - cells - n * NUMBER;
    bool repaired = h->marks[row] == MARK_REPAIRED, open = h->marks[row] == MARK_OPEN;
    char text[32];

    ui_pen_char(p, ui_plain(INK_TEXT), ' ');
    ui_pen_char(p, ui_bold(repaired ? INK_GOOD : INK_BAD), repaired ? 0x2713 : open ? 0x2260 : ' ');
    snprintf(text, sizeof text, " L%lld", (long long)ff_table_int_at(t, row, "layer", 0));
    ui_pen_field(p, ui_plain(INK_DIM), 5, text);
    int at = ff_table_row_of_int(pairs, "pair", ff_table_int_at(t, row, "pair", -1));
    const char *summary = at >= 0 ? ff_table_text_at(pairs, at, "source_summary") : "";
    if (name >= 6) {
        ui_pen_field(p, open ? ui_bold(INK_STRONG) : ui_plain(repaired ? INK_DIM : INK_TEXT), name, summary);
        ui_pen_char(p, ui_plain(INK_TEXT), ' ');
    }
    bool apart = !is_measured(v) && *ff_table_text_at(t, row, "note");
    ui_pen_bar(p, ui_plain(repaired ? INK_DIM : ui_ink_of_heat(f)), cells, f);
    for (int i = 0; i < n; i++) {
        double value = score_at(v, row, shown[i]);
        if (!isfinite(value))
            snprintf(text, sizeof text, "%s", apart ? "dims" : "");
        else if (shown[i] == BY_CAUSAL)
            snprintf(text, sizeof text, "%.0f%%", 100 * value);
        else
            ui_format_real(text, value);
        ui_pen_field(p, i || repaired ? ui_plain(INK_DIM) : ui_plain(INK_TEXT), -NUMBER, text);
    }
}

static int head_height(const ui_view *v, int height)
{
    return ff_table_rows(layers_of(v)) == 0 ? 0 : height >= 12 ? 4 : height >= 6 ? 2 : 1;
}

/* Cells of a layer in the sparkline, of which there are `room`. */
static int spark_cells(const ui_view *v, int room)
{
    int n = ff_table_rows(layers_of(v));
    return n >= room || n == 0 ? 1 : room / n > 3 ? 3 : room / n;
}

/* The score along the network, one column a layer (or the worst of several). */
static void spark(ui_view *v, ui_canvas *c, ui_rect r, int rows)
{
    const ff_table *t = layers_of(v);
    int n = ff_table_rows(t), room = r.width - 2, columns = n < room ? n : room;
    const heat *h = v->data;

    if (columns <= 0 || !h)
        return;
    int each = spark_cells(v, room);
    for (int k = 0; k < columns; k++) {
        int from = (int)((int64_t)k * n / columns), to = (int)((int64_t)(k + 1) * n / columns);
        double f = 0;
        bool at = false, repaired = true;
        for (int i = from; i < to; i++) {
            double y = fraction_of(v, i);
            if (y > 0 && h->marks[i] != MARK_REPAIRED)
                repaired = false;
            f = fmax(f, y);
            at = at || ff_table_int_at(t, i, "pair", -1) == v->ui->pair;
        }
        for (int row = 0; row < rows; row++) {
            double part = f * rows - (rows - 1 - row); /* of this cell */
            uint32_t block = part >= 1 ? 0x2588 : part > 0 ? ui_block(part) : row == rows - 1 ? 0x2581 : ' ';
            ui_pen p = ui_pen_at(c, r, row);
            ui_pen_to(&p, 1 + k * each);
            ui_style s = ui_plain(f > 0 && !repaired ? ui_ink_of_heat(f) : INK_DIM);
            if (at)
                s.paper = PAPER_CURSOR_OFF;
            for (int e = 0; e < each - (each > 1); e++)
                ui_pen_char(&p, s, block);
        }
    }
}

/* The Target is not as it came any more. */
static bool moved(const ui_view *v)
{
    const ff_snapshot *s = v->ui->snap;
    return ff_table_int_at(s->states, ff_table_row_of_int(s->states, "state", s->state), "parent", -1) >= 0;
}

static void draw_head(ui_view *v, ui_canvas *c, ui_rect r)
{
    int shown[4], n = columns_for(v, r.width, shown);
    if (r.height > 1)
        spark(v, c, (ui_rect){r.x, r.y, r.width, r.height - 1}, r.height - 1);
    ui_pen p = ui_pen_at(c, r, r.height - 1);
    const char *of = is_measured(v) ? " now" : moved(v) ? " as it came" : "";
    ui_pen_text(&p, ui_plain(INK_DIM), "   layer");
    if (11 + (int)strlen(of) < r.width - n * NUMBER)
        ui_pen_text(&p, ui_plain(INK_INFO), of);
    ui_pen_to(&p, r.width - n * NUMBER);
    for (int i = 0; i < n; i++)
        ui_pen_field(&p, i ? ui_plain(INK_DIM) : ui_bold(INK_TEXT), -NUMBER, scores[shown[i]].title);
}

static void corner(const ui_view *v, ff_buf *out)
{
    ff_buf_printf(out, "by %s \xe2\x96\xbe", scores[v->sort].title);
}

static const char *empty(const ui_view *v)
{
    return v->ui->snap->loaded ? "the layers were not compared yet" : "loading the models";
}

static int pair(const ui_view *v, int row)
{
    return (int)ff_table_int_at(layers_of(v), row, "pair", -1);
}

static bool follow(ui_view *v, int number)
{
    int row = ff_table_row_of_int(layers_of(v), "pair", number);
    return row >= 0 && ui_view_select(v, row);
}

static void sort_by(ui_view *v, int chosen)
{
    v->sort = chosen;
    v->stale = true;
    ui_view_update(v);
    ui_window_select(&v->window, 0);
}

static bool verb(ui_view *v, int argc, char **argv)
{
    if (strcmp(argv[0], "sort") != 0)
        return false;
    int chosen = -1;
    for (size_t k = 0; argc > 1 && k < FF_COUNT(scores); k++) {
        if (strcmp(argv[1], scores[k].title) == 0)
            chosen = (int)k;
    }
    if (argc == 1 || strcmp(argv[1], "next") == 0) { /* a column without values is passed over */
        chosen = v->sort;
        do {
            chosen = (chosen + 1) % (int)FF_COUNT(scores);
        } while (chosen < BY_LAYER && chosen != BY_ISOLATED && largest(v, column_of(v, chosen)) <= 0);
    }
    if (chosen < 0)
        ui_say(v->ui, INK_BAD, "sort by isolated, entire, causal, kw or layer");
    else
        sort_by(v, chosen);
    return true;
}

/* A title sorts by its column, the word "layer" by the network; a bar of the sparkline chooses its layer. */
static void head_click(ui_view *v, int x, int y)
{
    int shown[4], n = columns_for(v, v->list.width, shown), from = v->list.width - n * NUMBER;
    const ff_table *t = layers_of(v);
    int rows = ff_table_rows(t), room = v->list.width - 2, columns = rows < room ? rows : room,
        each = spark_cells(v, room);
    int column = (x - 1) / each;
    if (y == 0 && x >= from)
        sort_by(v, shown[(x - from) / NUMBER < n ? (x - from) / NUMBER : n - 1]);
    else if (y == 0)
        sort_by(v, BY_LAYER);
    else if (x >= 1 && column < columns && ui_view_select(v, (int)((int64_t)column * rows / columns)))
        ui_cursor_moved(v->ui);
}

/* Of a layer without scores: why. */
static void hint(const ui_view *v, ff_buf *out)
{
    int layer = ui_view_row(v);
    const char *note = layer >= 0 && ui_told(v->ui) ? ff_table_text_at(v->ui->snap->layers, layer, "note") : "";
    if (*note)
        ff_buf_printf(out, "Not compared: %s", note);
}

static void bar(const ui_view *v, ui_pen *p)
{
    (void)v;
    ui_hint(p, "sort next", "sort");
}

const ui_view_class ui_heat_class = {
    .title = "Suspicious layers",
    .keys = "Enter details  o sort  m score again  M causal",
    .pane = {1, 1, 1},
    .tables = " layers ",
    .hint = hint,
    .bar = bar,
    .bar_more = ui_bar_bisect,
    .finish = finish,
    .refresh = refresh,
    .draw = draw,
    .head_height = head_height,
    .draw_head = draw_head,
    .head_click = head_click,
    .corner = corner,
    .empty = empty,
    .pair = pair,
    .follow = follow,
    .verb = verb,
};
