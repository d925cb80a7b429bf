/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From one view to what belongs to it in the others: the panes follow a cursor; `effect` goes from a repair to the
 * images it puts right, and from an image to the repair that does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui.h"

static void follow(ui *u, const ui_view *leader, int pair)
{
    for (int i = 0; pair != -1 && i < VIEW_COUNT; i++) {
        ui_view *v = &u->views[i];
        if (v != leader && v->class->follow) {
            ui_view_update(v);
            v->class->follow(v, pair);
        }
    }
}

static void set_finding(ui *u, const char *id)
{
    char *copy = id ? ff_strdup(id) : NULL;
    free(u->finding);
    u->finding = copy;
}

void ui_look_at(ui *u, int pair)
{
    if (pair == -1)
        return;
    u->pair = pair;
    u->views[VIEW_DETAIL].stale = true;
    ui_want_detail(u);
    ui_want_picture(u);
    follow(u, NULL, pair);
}

void ui_cursor_moved(ui *u)
{
    ui_view *v = ui_focused(u);

    u->dirty = true;
    if (v->class->text || !v->class->pair || v->class->led)
        return;
    ui_view_update(v);
    int row = ui_view_row(v), pair = row >= 0 ? v->class->pair(v, row) : -1;
    if (!v->class->finding || row >= 0)
        set_finding(u, v->class->finding ? v->class->finding(v, row) : NULL);
    if (pair == -1 && v->class->folds)
        return;
    if (pair != u->pair) {
        u->pair = pair;
        u->views[VIEW_DETAIL].stale = true;
        ui_window_select(&u->views[VIEW_DETAIL].window, 0);
        if (pair >= 0)
            ui_want_detail(u);
        ui_want_picture(u);
    }
    follow(u, v, pair);
}

/* -------------------------------------------------------------------------- where they part */

void ui_go_to_parting(ui *u)
{
    const ff_snapshot *s = u->snap;
    if (!s->parting)
        return;
    if (s->parting_pair >= 0) {
        set_finding(u, NULL);
        ui_show_view(u, VIEW_GRAPH, true);
        ui_look_at(u, s->parting_pair);
    }
    ui_say(u, INK_INFO, "the models part %s", s->parting);
}

/* ------------------------------------------------------------------------ images of a repair */

bool ui_in_list(const char *list, int64_t number)
{
    while (*list) {
        char *end;
        if (strtoll(list, &end, 10) == number)
            return true;
        list = end + (*end == ',');
        if (end == list && !*end)
            break;
    }
    return false;
}

/* The finding that the cursor speaks of: the one under it, or the first at its place that is `repaired` or not. */
static int finding_here(const ui *u)
{
    const ff_table *t = ui_findings(u);
    int found = u->finding ? ff_table_row_of_text(t, "id", u->finding) : -1;
    for (int i = 0; found < 0 && u->pair != -1 && i < ff_table_rows(t); i++) {
        if (ui_place(t, i) == u->pair)
            found = i;
    }
    return found;
}

static void show_images(ui *u, const char *how, const char *what)
{
    char *words[] = {(char *)"filter", (char *)how, (char *)what};
    ui_view *v = &u->views[VIEW_IMAGES];
    ui_show_view(u, VIEW_IMAGES, true);
    v->class->verb(v, 3, words);
    ui_view_update(v);
    ui_window_select(&v->window, 0);
}

static void images_of_step(ui *u, int64_t step)
{
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)step);
    show_images(u, "step", number);
}

static void images_of_repair(ui *u, const char *id)
{
    const ff_table *t = ui_proposals(u);
    char *kept = ff_strdup(id); /* of a snapshot that may go */
    bool judged = *ff_table_text_at(t, ff_table_row_of_text(t, "id", id), "verdict");
    show_images(u, "repair", kept);
    if (!judged)
        ui_run_on(u, "evaluate", kept);
    free(kept);
}

static bool show_repair(ui *u, int row)
{
    ui_view *v = &u->views[VIEW_PROPOSALS];
    if (row < 0)
        return false;
    v->mode = 0; /* whatever its filter */
    v->stale = true;
    ui_show_view(u, VIEW_PROPOSALS, true);
    ui_view_update(v);
    ui_view_select(v, row);
    ui_cursor_moved(u);
    return true;
}

/* From an image: to the finding whose repair put it right, or to a repair that would. */
static void repair_of_image(ui *u, int row)
{
    const ff_table *images = u->snap->images_table, *findings = ui_findings(u), *t = ui_proposals(u);
    int64_t step = ff_table_int_at(images, row, "fixed_by", 0), image = ff_table_int_at(images, row, "image", -1);

    for (int i = 0; step && i < ff_table_rows(findings); i++) {
        if (ff_table_int_at(findings, i, "step", 0) == step) {
            u->views[VIEW_FINDINGS].mode = 0;
            u->views[VIEW_FINDINGS].stale = true;
            ui_show_view(u, VIEW_FINDINGS, true);
            ui_view_update(&u->views[VIEW_FINDINGS]);
            ui_view_select(&u->views[VIEW_FINDINGS], i);
            ui_cursor_moved(u);
            return;
        }
    }
    for (int i = 0; !step && i < ff_table_rows(t); i++) {
        if (ui_in_list(ff_table_text_at(t, i, "puts_right"), image) && show_repair(u, i))
            return;
    }
    ui_say(u, INK_INFO,
           ff_table_int_at(images, row, "wrong", 0) ? "no repair that was judged alone puts this image right"
                                                    : "this image was right from the start");
}

void ui_effect_of_image(ui *u, int row, const char *repair)
{
    if (row >= 0)
        repair_of_image(u, row);
    else
        show_repair(u, repair ? ff_table_row_of_text(ui_proposals(u), "id", repair) : -1);
}

void ui_effect(ui *u)
{
    ui_view *v = ui_focused(u);
    int row = ui_view_row(v);

    if (v->class->effect) {
        v->class->effect(v);
        return;
    }
    int64_t step = v->class->step && row >= 0 ? v->class->step(v, row) : 0;
    const char *chosen = v->class->proposal && row >= 0 ? v->class->proposal(v, row) : NULL;
    int finding = chosen || v->class->step ? -1 : finding_here(u);
    if (finding >= 0 && !step)
        step = ff_table_int_at(ui_findings(u), finding, "step", 0);
    if (finding >= 0 && !step) {
        int i = ui_proposal_of(u, ff_table_text_at(ui_findings(u), finding, "id"));
        chosen = i >= 0 ? ff_table_text_at(ui_proposals(u), i, "id") : NULL;
    }
    if (step)
        images_of_step(u, step);
    else if (chosen && *chosen)
        images_of_repair(u, chosen);
    else
        ui_say(u, INK_INFO, "no repair belongs to this row");
}
