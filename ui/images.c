/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Images with both labels: which are wrong, and which repair put them right. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pixels.h"
#include "ui.h"

/* From MODES on: put right by step mode - MODES + 1. */
enum { ALL, WRONG, FIXED, WORSE, MODES };
static const char *const mode_names[MODES] = {"all", "wrong now", "put right", "got worse"};

static const ff_table *images_of(const ui_view *v)
{
    return v->ui->snap->images_table;
}

static bool wrong_at_first(const ff_table *t, int row)
{
    return ui_int(t, row, "initial", -1) != ui_int(t, row, "source", -1);
}

static bool belongs(const ff_table *t, int row, int mode)
{
    bool wrong = ui_int(t, row, "wrong", 0), first = wrong_at_first(t, row);
    if (mode >= MODES)
        return ui_int(t, row, "fixed_by", 0) == mode - MODES + 1;
    return mode == ALL || (mode == WRONG && wrong) || (mode == FIXED && first && !wrong) ||
           (mode == WORSE && wrong && !first);
}

static void refresh(ui_view *v)
{
    const ff_table *t = images_of(v);
    int n = 0, *order = ff_alloc_array((size_t)ff_table_rows(t) + 1, sizeof *order);
    for (int i = 0; i < ff_table_rows(t); i++) {
        if (belongs(t, i, v->mode))
            order[n++] = i;
    }
    ui_view_rows(v, n, order);
    free(order);
}

/* The cursor's image is the one that is looked at everywhere. */
static void moved(ui_view *v)
{
    int row = ui_view_row(v);
    int image = row >= 0 ? (int)ui_int(images_of(v), row, "image", -1) : -1;
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
    ui_view_select(v, ui_find_int(images_of(v), "image", image));
    ui_want_picture(u);
    u->dirty = true;
}

static void label(const ff_table *t, int row, const char *column, char *out, size_t size)
{
    char name_column[32];
    snprintf(name_column, sizeof name_column, "%s_name", column);
    const char *name = ui_text(t, row, name_column);
    if (*name)
        snprintf(out, size, "%s", name);
    else
        snprintf(out, size, "%lld", (long long)ui_int(t, row, column, -1));
}

static void draw(ui_view *v, int row, ui_pen *p)
{
    const ff_table *t = images_of(v);
    bool wrong = ui_int(t, row, "wrong", 0), first = wrong_at_first(t, row);
    int64_t step = ui_int(t, row, "fixed_by", 0);
    int width = ui_pen_room(p), name = width / 3 < 12 ? 12 : width / 3 > 40 ? 40 : width / 3;
    char source[128], target[128], text[48];

    label(t, row, "source", source, sizeof source);
    label(t, row, "target", target, sizeof target);
    ui_pen_char(p, ui_plain(INK_TEXT), ' ');
    ui_pen_char(p, ui_bold(wrong ? INK_BAD : first ? INK_GOOD : INK_DIM),
                wrong ? 0x2717 : first ? 0x2713 : 0x00b7);
    ui_pen_char(p, ui_plain(INK_TEXT), ' ');
    ui_pen_field(p, ui_plain(INK_TEXT), name, ui_text(t, row, "name"));
    ui_pen_char(p, ui_plain(INK_TEXT), ' ');
    if (step > 0)
        snprintf(text, sizeof text, " step %lld ", (long long)step);
    else
        snprintf(text, sizeof text, "%s", wrong && !first ? " got worse " : "");
    if (*text)
        ui_pen_right(p, ui_plain(step > 0 ? INK_GOOD : INK_BAD), text);
    int each = (ui_pen_room(p) - 3) / 2;
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
        if (ui_int(t, i, "source", -1) == class && *ui_text(t, i, "source_name"))
            return ui_text(t, i, "source_name");
        if (ui_int(t, i, "target", -1) == class && *ui_text(t, i, "target_name"))
            return ui_text(t, i, "target_name");
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
    int room = 2 * r.height < r.width ? 2 * r.height : r.width;
    if (r.width < 12)
        return 0;
    if (p && p->image == v->ui->image) {
        ui_pixels pixels;
        ui_pixels_of_rgb(&pixels, p->rgb, p->width, p->height);
        ui_pixels_draw(&pixels, c, (ui_rect){r.x, r.y, room, r.height});
        ui_pixels_finish(&pixels);
    } else {
        ui_pen pen = ui_pen_at(c, (ui_rect){r.x, r.y, room, 1}, 0);
        ui_pen_text(&pen, ui_plain(INK_DIM), ui_busy(v->ui) ? "when the engine is free" : "reading\xe2\x80\xa6");
    }
    return room + 1;
}

static void draw_head(ui_view *v, ui_canvas *c, ui_rect r)
{
    const ff_table *t = images_of(v);
    int row = ui_view_row(v);
    char margin[16];

    if (row < 0)
        return;
    moved(v);
    int used = draw_thumb(v, c, (ui_rect){r.x + 1, r.y, r.width * 2 / 5, r.height - 1});
    r.x += used;
    r.width -= used;
    int half = r.width / 2;
    ui_pen p = ui_pen_at(c, r, 0);
    ui_pen_printf(&p, ui_bold(INK_STRONG), " %s", ui_text(t, row, "name"));
    for (int side = 0; side < 2; side++) {
        const char *column = side ? "top_target" : "top_source";
        p = ui_pen_at(c, r, 1);
        p.right = side ? p.right : p.left + half - 1;
        ui_pen_to(&p, side * half);
        double m = ui_real(t, row, side ? "target_margin" : "source_margin");
        ui_format_real(margin, m);
        ui_pen_printf(&p, ui_bold(side ? INK_TARGET : INK_SOURCE), " %s", side ? "Target" : "Source");
        if (!isnan(m))
            ui_pen_printf(&p, ui_plain(INK_DIM), half < 27 ? "  by %s" : "  ahead by %s", margin);
        for (int k = 0; k < 5; k++) {
            int64_t class = top_class(ui_text(t, row, column), k);
            if (class < 0)
                continue;
            bool hit = class == ui_int(t, row, "source", -1);
            p = ui_pen_at(c, r, 2 + k);
            p.right = side ? p.right : p.left + half - 1;
            ui_pen_to(&p, side * half);
            ui_pen_printf(&p, ui_plain(INK_DIM), " %d ", k + 1);
            ui_style s = k == 0 ? ui_bold(hit ? INK_GOOD : INK_BAD) : ui_plain(hit ? INK_GOOD : INK_TEXT);
            const char *name = class_name(t, class);
            if (*name)
                ui_pen_printf(&p, s, "%s ", name);
            ui_pen_printf(&p, *name ? ui_plain(INK_DIM) : s, "%lld", (long long)class);
        }
    }
}

static void corner(const ui_view *v, ff_buf *out)
{
    if (v->mode < MODES)
        ff_buf_printf(out, "%s %d", mode_names[v->mode], v->n_rows);
    else
        ff_buf_printf(out, "by step %d: %d", v->mode - MODES + 1, v->n_rows);
}

static const char *empty(const ui_view *v)
{
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
        int64_t step = ui_int(t, i, "fixed_by", 0);
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

const ui_view_class ui_images_class = {
    .name = "images", .title = "Images", .keys = "f all, wrong, put right, worse, by step",
    .filters = true,
    .refresh = refresh, .draw = draw, .head_height = head_height, .draw_head = draw_head,
    .corner = corner, .empty = empty, .verb = verb,
};
