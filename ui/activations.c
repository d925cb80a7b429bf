/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What both sides make of one image at the chosen pair: a channel of each as a picture, with the difference, and the
 * error of every channel. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pixels.h"
#include "ui.h"

enum { BY_ERROR, BY_CHANNEL };

/* The picture of the present pair and image, or NULL: it is still to come. */
static const ff_picture *picture_of(const ui_view *v)
{
    const ui *u = v->ui;
    return u->picture && u->picture->pair == u->pair && u->picture->image == u->image ? u->picture : NULL;
}

static void refresh(ui_view *v)
{
    const ff_picture *p = picture_of(v);
    int n = p ? p->channels : 0, *order = ff_alloc_array((size_t)n + 1, sizeof *order);
    double *keys = ff_alloc_array((size_t)n + 1, sizeof *keys);
    for (int i = 0; i < n; i++) {
        order[i] = i;
        keys[i] = v->sort == BY_ERROR && p->error ? p->error[i] : 0;
    }
    ui_sort_rows(order, n, keys);
    free(keys);
    ui_view_rows(v, n, order);
    if (n && v->mode != p->pair + 1) { /* another pair (v->mode says which): its worst channel first */
        v->mode = p->pair + 1;
        v->turn = true;
        v->turn_to = order[0];
    }
    free(order);
}

static void draw(ui_view *v, int row, ui_pen *pen)
{
    const ff_picture *p = picture_of(v);
    float most = 0;
    char text[16];
    if (!p || row >= p->channels)
        return;
    ui_pen_printf(pen, ui_plain(INK_TEXT), " channel %-5d", row);
    if (!p->error)
        return;
    for (int i = 0; i < p->channels; i++)
        most = isfinite(p->error[i]) && p->error[i] > most ? p->error[i] : most;
    float e = p->error[row];
    double f = isfinite(e) && most > 0 ? e / most : e > 0;
    ui_format_real(text, e);
    ui_pen_field(pen, ui_plain(e > 0 ? INK_STRONG : INK_DIM), -8, text);
    ui_pen_char(pen, ui_plain(INK_TEXT), ' ');
    int cells = ui_pen_room(pen) - 2;
    if (cells > 2 && f > 0)
        ui_pen_bar(pen, ui_plain(ui_ink_of_heat(f)), cells > 40 ? 40 : cells, f);
}

static int head_height(const ui_view *v, int height)
{
    const ff_picture *p = picture_of(v);
    if (!p || !p->channels || height < 8)
        return 0;
    int wanted = p->rows == 1 ? 5 : height < 20 ? height - 3 : height * 3 / 5, third = (v->list.width - 4) / 3;
    int tall = third > 0 ? third * p->rows / (2 * p->columns) + 4 : wanted; /* no higher than the pictures are */
    return wanted < tall || p->rows == 1 ? wanted : tall < 5 ? 5 : tall;
}

/* Range of a channel on both sides, so that equal brightness is an equal value. */
static void range_of(const ff_picture *p, size_t from, size_t n, float *low, float *high, float *most)
{
    const float *const sides[] = {p->source, p->target};
    *low = INFINITY;
    *high = -INFINITY;
    *most = 0;
    for (int k = 0; k < 2; k++) {
        for (size_t i = from; sides[k] && i < from + n; i++) {
            *low = fminf(*low, sides[k][i]);
            *high = fmaxf(*high, sides[k][i]);
        }
    }
    for (size_t i = from; p->source && p->target && i < from + n; i++) {
        float d = fabsf(p->target[i] - p->source[i]);
        *most = d > *most ? d : *most;
    }
}

static void draw_head(ui_view *v, ui_canvas *c, ui_rect r)
{
    const ff_picture *p = picture_of(v);
    int channel = ui_view_row(v), third = (r.width - 4) / 3;
    static const char *const titles[] = {"Source", "Target", "difference"};
    char low_text[16], high_text[16], most_text[16];
    float low, high, most;

    if (!p || channel < 0)
        return;
    size_t n = (size_t)p->rows * (size_t)p->columns, from = (size_t)channel * n;
    range_of(p, from, n, &low, &high, &most);
    ui_format_real(low_text, low);
    ui_format_real(high_text, high);
    ui_format_real(most_text, most);
    const ff_table *images = v->ui->snap->images_table;
    ui_pen pen = ui_pen_at(c, r, 0);
    ui_pen_printf(&pen, ui_plain(INK_DIM), " %s",
                  ff_table_text_at(images, ff_table_row_of_int(images, "image", p->image), "name"));
    ui_pen_printf(&pen, ui_plain(INK_DIM), "   channel %d of %d, %dx%d, %s..%s", channel, p->channels, p->columns,
                  p->rows, low_text, high_text);
    for (int k = 0; k < 3; k++) {
        ui_rect at = {r.x + 1 + k * (third + 1), r.y + 2, third, r.height - 3};
        ui_pixels pixels = {0};
        pen = ui_pen_at(c, (ui_rect){at.x, r.y + 1, third, 1}, 0);
        ui_pen_text(&pen, ui_bold(k == 0 ? INK_SOURCE : k == 1 ? INK_TARGET : INK_BAD), titles[k]);
        const float *values = k ? p->target : p->source;
        if (k < 2 && !values)
            ui_pen_text(&pen, ui_plain(INK_WARN), " has none here");
        else if (k == 2 && (!p->source || !p->target))
            continue;
        else if (k == 2 && most > 0)
            ui_pen_printf(&pen, ui_plain(INK_DIM), " \xc2\xb1%s", most_text);
        else if (k == 2)
            ui_pen_text(&pen, ui_plain(INK_DIM), " none");
        if (k < 2 && values)
            ui_pixels_of_values(&pixels, values + from, p->columns, p->rows, low, high);
        else if (k == 2)
            ui_pixels_of_differences(&pixels, p->source + from, p->target + from, p->columns, p->rows, most);
        ui_pixels_draw(&pixels, c, at);
        ui_pixels_finish(&pixels);
    }
}

static void corner(const ui_view *v, ff_buf *out)
{
    const ff_picture *p = picture_of(v);
    if (!p)
        ff_buf_puts(out, v->ui->pair >= 0 && v->ui->snap->loaded ? "reading\xe2\x80\xa6" : "");
    else if (p->error)
        ff_buf_printf(out, "by %s \xe2\x96\xbe", v->sort == BY_ERROR ? "error" : "channel");
}

static const char *empty(const ui_view *v)
{
    return v->ui->pair < 0 ? "choose a layer in another view"
           : picture_of(v) ? "there is no activation here that could be drawn"
                           : "the activations are being read";
}

static int pair_of(const ui_view *v, int row)
{
    return v->ui->pair;
}

static bool verb(ui_view *v, int argc, char **argv)
{
    if (strcmp(argv[0], "open") == 0) {
        ui_run(v->ui, "zoom");
        return true;
    }
    if (strcmp(argv[0], "sort") != 0)
        return false;
    v->sort = v->sort == BY_ERROR ? BY_CHANNEL : BY_ERROR;
    v->stale = true;
    ui_window_select(&v->window, 0);
    v->n_rows = 0; /* the cursor is to be at the top of the new order */
    return true;
}

static void bar(const ui_view *v, ui_pen *p)
{
    (void)v;
    ui_hint(p, "sort next", "sort");
}

const ui_view_class ui_activations_class = {
    .alone = 28,
    .title = "Activations",
    .about = true,
    .keys = "j k channel  < > image  o sort by error  I inject  Enter zoom",
    .pane = {0, 0, 3},
    .pictured = true,
    .led = true,
    .bar = bar,
    .refresh = refresh,
    .draw = draw,
    .head_height = head_height,
    .draw_head = draw_head,
    .corner = corner,
    .empty = empty,
    .pair = pair_of,
    .verb = verb,
};
