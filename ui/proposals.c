/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Repairs that can be taken, in the order in which the search would try them. */
#include <stdio.h>
#include <string.h>

#include "ui.h"

static const ff_table *proposals_of(const ui_view *v)
{
    return ui_proposals(v->ui);
}

static void refresh(ui_view *v)
{
    ui_view_rows(v, ff_table_rows(proposals_of(v)), NULL);
}

static void draw(ui_view *v, int row, ui_pen *p)
{
    const ff_table *t = proposals_of(v);
    const char *status = ui_text(t, row, "status"), *type = ui_text(t, row, "type");
    const char *id = ui_text(t, row, "id"), *next = v->ui->snap->next;
    bool rejected = strcmp(status, "rejected") == 0;
    bool evaluated = strcmp(status, "evaluated") == 0;
    int64_t wrong = ui_int(t, row, "wrong", -1), now = v->ui->snap->wrong;
    char text[48];

    ui_pen_char(p, ui_bold(INK_FOCUS), next && strcmp(next, id) == 0 ? 0x25b8 : ' ');
    ui_pen_char(p, ui_bold(rejected ? INK_WARN : evaluated ? INK_GOOD : INK_DIM),
                rejected ? 0x2717 : evaluated ? 0x2713 : 0x25cb);
    ui_pen_char(p, ui_plain(INK_TEXT), ' ');
    ui_pen_field(p, ui_bold(rejected ? INK_DIM : ui_ink_of_type(type)), 4, type);
    if (wrong >= 0 && ui_int(t, row, "complete", 1)) {
        snprintf(text, sizeof text, " %lld\xe2\x86\x92%lld ", (long long)now, (long long)wrong);
        ui_pen_right(p, ui_plain(wrong < now ? INK_GOOD : INK_WARN), text);
    } else if (*ui_text(t, row, "verdict")) {
        snprintf(text, sizeof text, " %.40s ", ui_text(t, row, "verdict"));
        if (ui_pen_room(p) > 44)
            ui_pen_right(p, ui_plain(INK_DIM), text);
    }
    ui_pen_brief(p, ui_plain(rejected ? INK_DIM : INK_TEXT), ui_text(t, row, "summary"));
}

static void badge(const ui_view *v, ff_buf *out)
{
    if (ff_table_rows(proposals_of(v)))
        ff_buf_printf(out, "%d", ff_table_rows(proposals_of(v)));
}

static const char *empty(const ui_view *v)
{
    if (!ui_told(v->ui))
        return "when the question is answered (0)";
    return !v->ui->snap->localized ? "the models were not compared yet" : "no repairs are left to try";
}

static int pair(const ui_view *v, int row)
{
    return (int)ui_int(proposals_of(v), row, "pair", -1);
}

static const char *proposal(const ui_view *v, int row)
{
    return ui_text(proposals_of(v), row, "id");
}

const ui_view_class ui_proposals_class = {
    .name = "proposals", .title = "Repairs", .keys = "a accept  r reject  e evaluate  Enter details",
    .refresh = refresh, .draw = draw, .badge = badge, .empty = empty, .pair = pair,
    .proposal = proposal,
};
