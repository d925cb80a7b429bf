/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Images with both labels: which are wrong, and which repair put them right. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pixels.h"
#include "ui.h"

/* From MODES on: put right by step mode - MODES + 1. OF_REPAIR: changed by a repair that was not taken. */
enum { OF_REPAIR = -1, ALL, WRONG, FIXED, WORSE, MODES };
static const char *const mode_names[MODES] = {"all", "wrong now", "put right", "got worse"};

static const ff_table *images_of(const ui_view *v)
{
    return v->ui->snap->images_table;
}

static void finish(ui_view *v)
{
    free(v->data);
    v->data = NULL;
}

/* The row of the repair whose images are shown (v->data is its id), or -1. */
static int repair_row(const ui_view *v)
{
    return v->mode == OF_REPAIR && v->data ? ff_table_row_of_text(ui_proposals(v->ui), "id", v->data) : -1;
}

static bool wrong_at_first(const ff_table *t, int row)
{
    return ff_table_int_at(t, row, "initial", -1) != ff_table_int_at(t, row, "source", -1);
}

static bool belongs(const ff_table *t, int row, int mode)
{
    bool wrong = ff_table_int_at(t, row, "wrong", 0), first = wrong_at_first(t, row);
    if (mode == OF_REPAIR)
        return false;
    if (mode >= MODES)
        return ff_table_int_at(t, row, "fixed_by", 0) == mode - MODES + 1;
    return mode == ALL || (mode == WRONG && wrong) || (mode == FIXED && first && !wrong) ||
           (mode == WORSE && wrong && !first);
}

static void refresh(ui_view *v)
{
    const ff_table *t = images_of(v);
    int n = 0, *order = ff_alloc_array((size_t)ff_table_rows(t) + 1, sizeof *order), repair = repair_row(v);
    if (v->mode == OF_REPAIR && repair < 0)
        v->mode = ALL; /* taken, or of another state */
    const char *right = ff_table_text_at(ui_proposals(v->ui), repair, "puts_right");
    const char *harmed = ff_table_text_at(ui_proposals(v->ui), repair, "makes_wrong");
    for (int i = 0; i < ff_table_rows(t); i++) {
        int64_t image = repair >= 0 ? ff_table_int_at(t, i, "image", -1) : -1;
        if (belongs(t, i, v->mode) || (repair >= 0 && (ui_in_list(right, image) || ui_in_list(harmed, image))))
            order[n++] = i;
    }
    ui_view_rows(v, n, order);
    free(order);
}

/* The cursor's image is the one that is looked at everywhere. */
static void moved(ui_view *v)
{
    int row = ui_view_row(v);
    int image = row >= 0 ? (int)ff_table_int_at(images_of(v), row, "image", -1) : -1;
    if (image < 0 || image == v->ui->image)
        return;
    v->ui->image = image;
    v->ui->views[VIEW_ACTIVATIONS].stale = true;
    ui_want_picture(v->ui);
}

void ui_look_at_image(ui *u, int image)
{
    ui_view *v = &u->views[VIEW_IMAGES];
    u->image = image;
    u->views[VIEW_ACTIVATIONS].stale = true;
    ui_view_update(v);
    ui_view_select(v, ff_table_row_of_int(images_of(v), "image", image));
    ui_want_picture(u);
    u->dirty = true;
}

static void label(const ff_table *t, int row, const char *column, char *out, size_t size)
{
    char name_column[32];
    snprintf(name_column, sizeof name_column, "%s_name", column);
    const char *name = ff_table_text_at(t, row, name_column);
    if (*name)
        snprintf(out, size, "%s", name);
    else
        snprintf(out, size, "%lld", (long long)ff_table_int_at(t, row, column, -1));
}

static void draw(ui_view *v, int row, ui_pen *p)
{
    const ff_table *t = images_of(v);
    bool wrong = ff_table_int_at(t, row, "wrong", 0), first = wrong_at_first(t, row);
    int64_t step = ff_table_int_at(t, row, "fixed_by", 0);
    int width = ui_pen_room(p), name = width / 3 < 12 ? 12 : width / 3 > 40 ? 40 : width / 3;
    char source[128], target[128], text[48];

    label(t, row, "source", source, sizeof source);
    label(t, row, "target", target, sizeof target);
    ui_pen_char(p, ui_plain(INK_TEXT), ' ');
    ui_pen_char(p, ui_bold(wrong ? INK_BAD : first ? INK_GOOD : INK_DIM), wrong ? 0x2717 : first ? 0x2713 : 0x00b7);
    ui_pen_char(p, ui_plain(INK_TEXT), ' ');
    ui_pen_field(p, ui_plain(INK_TEXT), name, ff_table_text_at(t, row, "name"));
    ui_pen_char(p, ui_plain(INK_TEXT), ' ');
    bool asked = repair_row(v) >= 0;
    if (asked)
        snprintf(text, sizeof text, " would be %s ", wrong ? "right" : "wrong");
    else if (step > 0)
        snprintf(text, sizeof text, " step %lld ", (long long)step);
    else
        snprintf(text, sizeof text, "%s", wrong && !first ? " got worse " : "");
    if (*text)
        ui_pen_right(p, ui_plain((asked ? wrong : step > 0) ? INK_GOOD : INK_BAD), text);
    int each = (ui_pen_room(p) - 3) / 2;
    int most = *ff_table_text_at(t, row, "source_name") ? 26 : 6;
    each = each > most ? most : each;
    ui_pen_field(p, ui_plain(wrong ? INK_SOURCE : INK_TEXT), each, source);
    if (wrong) {
        ui_pen_text(p, ui_plain(INK_DIM), " \xe2\x86\x92 ");
        ui_pen_text(p, ui_bold(INK_BAD), target);
    }
}

/* ------------------------------------------------------------- both top five of the chosen image */

/* The name of a class, if any image of the table tells it. */
static const char *class_name(const ff_table *t, int64_t class)
{
    for (int i = 0; i < ff_table_rows(t); i++) {
        if (ff_table_int_at(t, i, "source", -1) == class && *ff_table_text_at(t, i, "source_name"))
            return ff_table_text_at(t, i, "source_name");
        if (ff_table_int_at(t, i, "target", -1) == class && *ff_table_text_at(t, i, "target_name"))
            return ff_table_text_at(t, i, "target_name");
    }
    return "";
}

/* The k-th number of "12,94,26"; -1 when there are fewer. */
static int64_t top_class(const char *list, int k)
{
    while (k-- > 0) {
        list = strchr(list, ',');
        if (!list)
            return -1;
        list++;
    }
    return *list ? strtoll(list, NULL, 10) : -1;
}

static int head_height(const ui_view *v, int height)
{
    return ff_table_rows(images_of(v)) == 0 || height < 18 ? 0 : height < 30 ? 8 : height < 40 ? 12 : 16;
}

/* The picture at the left, when it is there; returns the cells it takes. */
static int draw_thumb(ui_view *v, ui_canvas *c, ui_rect r)
{
    const ff_picture *p = v->ui->picture;
    if (r.width < 12)
        return 0;
    if (p && p->image == v->ui->image) {
        ui_pixels pixels;
        ui_pixels_of_rgb(&pixels, p->rgb, p->width, p->height);
        r = ui_pixels_draw(&pixels, c, r);
        ui_pixels_finish(&pixels);
        return r.width + 1;
    }
    ui_pen pen = ui_pen_at(c, r, 0);
    ui_pen_text(&pen, ui_plain(INK_DIM), "reading\xe2\x80\xa6");
    return 2 * r.height < r.width ? 2 * r.height + 1 : r.width + 1;
}

/* What became of an image, and the step that did it. */
static void draw_fate(const ui_view *v, int row, ui_pen *p)
{
    const ff_table *t = images_of(v), *states = v->ui->snap->states;
    int64_t step = ff_table_int_at(t, row, "fixed_by", 0);

    if (ff_table_int_at(t, row, "wrong", 0)) {
        ui_pen_text(p, ui_bold(INK_BAD), wrong_at_first(t, row) ? "  \xe2\x9c\x97 wrong" : "  \xe2\x9c\x97 got worse");
        return;
    }
    if (!step)
        return;
    ui_pen_printf(p, ui_plain(INK_GOOD), "  \xe2\x9c\x93 by step %lld", (long long)step);
    for (int i = ff_table_row_of_int(states, "state", v->ui->snap->state); i >= 0;) {
        if (ff_table_int_at(states, i, "step", 0) == step) {
            ui_pen_text(p, ui_plain(INK_DIM), ": ");
            ui_pen_brief(p, ui_plain(INK_DIM), ff_table_text_at(states, i, "summary"), NULL);
            return;
        }
        int up = ff_table_row_of_int(states, "state", ff_table_int_at(states, i, "parent", -1));
        i = up < i ? up : -1;
    }
}

/* The five best classes of one side. */
static void draw_top(ui_view *v, int row, bool target, ui_canvas *c, ui_rect r)
{
    const ff_table *t = images_of(v);
    const char *list = ff_table_text_at(t, row, target ? "top_target" : "top_source");
    double margin = ff_table_real_at(t, row, target ? "target_margin" : "source_margin");
    ui_pen p = ui_pen_at(c, r, 0);
    char number[16];

    ui_format_real(number, margin);
    ui_pen_printf(&p, ui_bold(target ? INK_TARGET : INK_SOURCE), "%s", target ? "Target" : "Source");
    if (!isnan(margin))
        ui_pen_printf(&p, ui_plain(INK_DIM), r.width < 26 ? "  by %s" : "  ahead by %s", number);
    for (int k = 0; k < 5 && k + 1 < r.height; k++) {
        int64_t class = top_class(list, k);
        bool hit = class == ff_table_int_at(t, row, "source", -1);
        if (class < 0)
            continue;
        p = ui_pen_at(c, r, 1 + k);
        ui_pen_printf(&p, ui_plain(INK_DIM), "%d ", k + 1);
        ui_style s = k == 0 ? ui_bold(hit ? INK_GOOD : INK_BAD) : ui_plain(hit ? INK_GOOD : INK_TEXT);
        const char *name = class_name(t, class);
        if (*name)
            ui_pen_printf(&p, s, "%s ", name);
        ui_pen_printf(&p, *name ? ui_plain(INK_DIM) : s, "%lld", (long long)class);
    }
}

static void draw_head(ui_view *v, ui_canvas *c, ui_rect r)
{
    const ff_table *t = images_of(v);
    int row = ui_view_row(v);

    if (row < 0)
        return;
    moved(v);
    int used = draw_thumb(v, c, (ui_rect){r.x + 1, r.y, r.width * 2 / 5, r.height - 1}) + 1;
    r = (ui_rect){r.x + used + 1, r.y, r.width - used - 1, r.height};
    ui_pen p = ui_pen_at(c, r, 0);
    ui_pen_text(&p, ui_bold(INK_STRONG), ff_table_text_at(t, row, "name"));
    draw_fate(v, row, &p);
    int half = r.width / 2 < 40 ? r.width / 2 : 40;
    draw_top(v, row, false, c, (ui_rect){r.x, r.y + 1, half - 1, r.height - 1});
    draw_top(v, row, true, c, (ui_rect){r.x + half, r.y + 1, half - 1, r.height - 1});
}

static void corner(const ui_view *v, ff_buf *out)
{
    if (v->mode == OF_REPAIR)
        ff_buf_printf(out, "of this repair: %d", v->n_rows);
    else if (v->mode < MODES)
        ff_buf_printf(out, "%s %d", mode_names[v->mode], v->n_rows);
    else
        ff_buf_printf(out, "by step %d: %d", v->mode - MODES + 1, v->n_rows);
}

static const char *empty(const ui_view *v)
{
    int repair = repair_row(v);
    if (repair >= 0 && ui_busy(v->ui))
        return "the repair is being judged";
    if (repair >= 0)
        return ff_table_int_at(ui_proposals(v->ui), repair, "complete", 0)
                   ? "taken alone, this repair changes no label (f: all)"
                   : "taken alone, this repair puts too few right (f: all)";
    return v->ui->snap->loaded ? "no image is of this kind (f: next filter)" : "loading the images";
}

/* The filter after this one: steps that put no image right are passed over. */
static int next_mode(const ui_view *v)
{
    const ff_table *t = images_of(v);
    int64_t next = INT64_MAX;
    if (v->mode < WORSE)
        return v->mode + 1;
    for (int i = 0; i < ff_table_rows(t); i++) {
        int64_t step = ff_table_int_at(t, i, "fixed_by", 0);
        if (step > v->mode - MODES + 1 && step < next && step <= INT_MAX - MODES)
            next = step;
    }
    return next == INT64_MAX ? ALL : MODES + (int)next - 1;
}

static void filter_step(ui_view *v, const char *word)
{
    int64_t step;
    if (!ff_parse_int(word, &step) || step < 1 || step > INT_MAX - MODES) {
        ui_say(v->ui, INK_BAD, "'%s' is no number of a step", word);
        return;
    }
    v->mode = MODES + (int)step - 1;
    v->stale = true;
}

static bool verb(ui_view *v, int argc, char **argv)
{
    if (strcmp(argv[0], "open") == 0) {
        ui_run(v->ui, "zoom");
        return true;
    }
    if (strcmp(argv[0], "filter") != 0 || argc < 2)
        return false;
    if (strcmp(argv[1], "repair") == 0 && argc == 3) {
        char *id = ff_strdup(argv[2]);
        finish(v);
        v->data = id;
        v->mode = OF_REPAIR;
        v->stale = true;
        return true;
    }
    if (strcmp(argv[1], "step") == 0 && argc == 3) {
        filter_step(v, argv[2]);
        return true;
    }
    if (strcmp(argv[1], "next") != 0)
        return false;
    v->mode = next_mode(v);
    v->stale = true;
    return true;
}

static void effect(ui_view *v)
{
    ui_effect_of_image(v->ui, ui_view_row(v), v->data);
}

static void bar(const ui_view *v, ui_pen *p)
{
    (void)v;
    ui_hint(p, "effect", "its repair");
}

const ui_view_class ui_images_class = {
    .alone = 28,
    .title = "Images",
    .keys = "f all, wrong, put right, worse, by step  x the repair that puts it right",
    .pane = {0, 0, 0},
    .tables = " images ",
    .pictured = true,
    .effect = effect,
    .bar = bar,
    .filters = true,
    .finish = finish,
    .refresh = refresh,
    .draw = draw,
    .head_height = head_height,
    .draw_head = draw_head,
    .corner = corner,
    .empty = empty,
    .verb = verb,
};
