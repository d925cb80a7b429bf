/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Repairs that can be taken, in the order in which the search would try them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui.h"

enum { ALL, UNTRIED, GROUPS, MODES };

static const ff_table *proposals_of(const ui_view *v)
{
    return ui_proposals(v->ui);
}

static void refresh(ui_view *v)
{
    const ff_table *t = proposals_of(v);
    int n = 0, *order = ff_alloc_array((size_t)ff_table_rows(t) + 1, sizeof *order);
    for (int i = 0; i < ff_table_rows(t); i++) {
        if ((v->mode == UNTRIED && strcmp(ff_table_text_at(t, i, "status"), "untried") != 0) ||
            (v->mode == GROUPS && !ff_table_int_at(t, i, "members", 0)))
            continue;
        order[n++] = i;
    }
    ui_view_rows(v, n, order);
    free(order);
}

/* "L3": the layer it repairs, which tells nodes of one name's ending apart; "≡4": a group of four. */
static void draw_place(const ui_view *v, int row, bool rejected, ui_pen *p)
{
    const ff_table *t = proposals_of(v), *pairs = v->ui->snap->pairs;
    int64_t members = ff_table_int_at(t, row, "members", 0);
    int at = ff_table_row_of_int(pairs, "pair", ff_table_int_at(t, row, "pair", -1));
    int64_t layer = at >= 0 ? ff_table_int_at(pairs, at, "layer", 0) : 0;
    char text[24] = "";
    if (members)
        snprintf(text, sizeof text, "\xe2\x89\xa1%lld", (long long)members);
    else if (layer)
        snprintf(text, sizeof text, "L%lld", (long long)layer);
    ui_pen_field(p, members && !rejected ? ui_bold(INK_KEY) : ui_plain(INK_DIM), 4, text);
}

static void draw(ui_view *v, int row, ui_pen *p)
{
    const ff_table *t = proposals_of(v);
    const char *status = ff_table_text_at(t, row, "status"), *type = ff_table_text_at(t, row, "type");
    const char *id = ff_table_text_at(t, row, "id"), *next = v->ui->snap->next;
    bool rejected = strcmp(status, "rejected") == 0;
    bool evaluated = strcmp(status, "evaluated") == 0;
    int64_t wrong = ff_table_int_at(t, row, "wrong", -1), now = v->ui->snap->wrong;
    char text[48];

    ui_pen_char(p, ui_bold(INK_FOCUS), next && strcmp(next, id) == 0 ? 0x25b8 : ' ');
    ui_pen_char(p,
                ui_bold(rejected    ? INK_WARN
                        : evaluated ? INK_GOOD
                                    : INK_DIM),
                rejected    ? 0x2717
                : evaluated ? 0x2713
                            : 0x25cb);
    ui_pen_char(p, ui_plain(INK_TEXT), ' ');
    ui_pen_field(p, ui_bold(rejected ? INK_DIM : ui_ink_of_type(type)), 4, type);
    if (wrong >= 0 && ff_table_int_at(t, row, "complete", 1)) {
        snprintf(text, sizeof text, " %lld\xe2\x86\x92%lld ", (long long)now, (long long)wrong);
        ui_pen_right(p, ui_plain(wrong < now ? INK_GOOD : INK_WARN), text);
    } else if (*ff_table_text_at(t, row, "verdict")) {
        snprintf(text, sizeof text, " %.40s ", ff_table_text_at(t, row, "verdict"));
        if (ui_pen_room(p) > 44)
            ui_pen_right(p, ui_plain(INK_DIM), text);
    }
    draw_place(v, row, rejected, p);
    ui_pen_brief(p, ui_plain(rejected ? INK_DIM : INK_TEXT), ff_table_text_at(t, row, "summary"), NULL);
}

static void badge(const ui_view *v, ff_buf *out)
{
    if (ff_table_rows(proposals_of(v)))
        ff_buf_printf(out, "%d", ff_table_rows(proposals_of(v)));
}

static void corner(const ui_view *v, ff_buf *out)
{
    static const char *const names[MODES] = {"", "untried only", "groups only"};
    ff_buf_puts(out, names[v->mode]);
}

static const char *empty(const ui_view *v)
{
    if (v->mode != ALL && ff_table_rows(proposals_of(v)))
        return "none of this kind (f: next filter)";
    if (!ui_told(v->ui))
        return "when the question is answered (0)";
    return !v->ui->snap->localized ? "the models were not compared yet" : "no repairs are left to try";
}

static int pair(const ui_view *v, int row)
{
    return ui_place(proposals_of(v), row);
}

static const char *proposal(const ui_view *v, int row)
{
    return ff_table_text_at(proposals_of(v), row, "id");
}

/* Here `split` means the group under the cursor; elsewhere the last step. */
static bool verb(ui_view *v, int argc, char **argv)
{
    int row = ui_view_row(v);
    if (strcmp(argv[0], "filter") == 0 && argc > 1 && strcmp(argv[1], "next") == 0) {
        v->mode = (v->mode + 1) % MODES;
        v->stale = true;
        return true;
    }
    if (strcmp(argv[0], "split") != 0 || argc > 1 || row < 0)
        return false;
    if (ff_table_int_at(proposals_of(v), row, "members", 0)) {
        ui_run_on(v->ui, "split", proposal(v, row));
    } else {
        ui_say(v->ui, INK_INFO, "a single repair: only a group (\xe2\x89\xa1) can be split");
    }
    return true;
}

static void bar(const ui_view *v, ui_pen *p)
{
    if (ui_view_row(v) >= 0 && ff_table_int_at(ui_proposals(v->ui), ui_view_row(v), "members", 0))
        ui_hint(p, "split", "split");
    ui_hint(p, "effect", "its images");
}

const ui_view_class ui_proposals_class = {
    .title = "Repairs",
    .keys = "a accept  r reject  e evaluate  S split a group  f filter",
    .pane = {2, 2, 2},
    .tables = " proposals ",
    .bar = bar,
    .filters = true,
    .refresh = refresh,
    .draw = draw,
    .badge = badge,
    .corner = corner,
    .empty = empty,
    .pair = pair,
    .proposal = proposal,
    .verb = verb,
};
