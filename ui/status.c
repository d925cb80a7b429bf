/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lines around the panes: how far things are, what comes next, what the engine does, the keys. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui.h"

const char *ui_key_of(const char *line)
{
    const ff_binding *b;
    for (int i = 0; (b = ff_binding_at(i)); i++) {
        if (strcmp(b->line, line) == 0)
            return b->key;
    }
    return "";
}

static ui_style bar(ui_ink ink, bool bold)
{
    return (ui_style){(uint8_t)ink, PAPER_BAR, bold ? UI_BOLD : 0};
}

/* The discrepancy of the states on the way here, as a sparkline of at most `cells`. */
static void draw_way(ui *u, ui_pen *p, int cells)
{
    const ff_table *t = u->snap->states;
    int64_t wrong[64];
    int n = 0, most = 1;

    for (int row = ff_table_row_of_int(t, "state", u->snap->state); row >= 0 && n < 64;) {
        int64_t w = ff_table_int_at(t, row, "wrong", -1), parent = ff_table_int_at(t, row, "parent", -1);
        if (w >= 0) {
            wrong[n++] = w;
            most = w > most ? (int)w : most;
        }
        int up = parent >= 0 ? ff_table_row_of_int(t, "state", parent) : -1;
        row = up < row ? up : -1;
    }
    if (n < 2)
        return;
    if (n > cells)
        n = cells;
    while (n-- > 0) {
        double f = (double)wrong[n] / most;
        ui_pen_char(p, bar(f > 0 ? ui_ink_of_heat(f) : INK_GOOD, false), ui_block(f));
    }
    ui_pen_char(p, bar(INK_TEXT, false), ' ');
}

void ui_draw_title(ui *u, ui_rect r)
{
    const ff_snapshot *s = u->snap;
    ui_pen p = ui_pen_at(&u->canvas, r, 0), right = p;
    ff_buf counts = {0};
    char text[64];

    ui_canvas_clear(&u->canvas, r, PAPER_BAR);
    /* Right: the numbers; they come first when room is short. */
    int width = 1;
    if (s->wrong >= 0 && s->initial >= 0 && s->images > 0) {
        ff_buf_printf(&counts, "%d images   wrong ", s->images);
        if (s->initial != s->wrong)
            ff_buf_printf(&counts, "%d \xe2\x86\x92 ", s->initial);
        snprintf(text, sizeof text, "%d (%.1f%%)", s->wrong, 100.0 * s->wrong / s->images);
        int n = ff_table_rows(s->states) > 1 ? 9 : 0;
        width = ff_display_width(counts.data) + ff_display_width(text) + 3 + n;
        right.x = right.right - width > right.left ? right.right - width : right.left;
        ui_pen_text(&right, bar(INK_TEXT, false), counts.data);
        ui_pen_text(&right, bar(s->wrong ? INK_BAD : INK_GOOD, true), text);
        ui_pen_text(&right, bar(INK_TEXT, false), "  ");
        draw_way(u, &right, 8);
    } else if (s->target_error) {
        width = ff_display_width("the Target cannot run ");
        right.x = right.right - width;
        ui_pen_text(&right, bar(INK_BAD, true), "the Target cannot run");
    }
    ff_buf_finish(&counts);
    p.right -= width + 1;
    ui_pen_text(&p, bar(INK_FOCUS, true), " FetaFix ");
    ui_pen_printf(&p, bar(INK_SOURCE, false), " %s", s->source_path ? ff_path_basename(s->source_path) : "");
    ui_pen_text(&p, bar(INK_DIM, false), " \xe2\x86\x92 ");
    ui_pen_text(&p, bar(INK_TARGET, false), s->target_path ? ff_path_basename(s->target_path) : "");
    if (ui_unsaved(u))
        ui_pen_text(&p, bar(INK_WARN, true), " *");
}

/* The edit that is looked at, what it does to the labels, and the keys that end it. */
static void draw_what_if(const ff_snapshot *s, ui_pen *p)
{
    const struct ff_what_if *w = &s->what_if;
    char text[64];
    snprintf(text, sizeof text, "%s%sD drop ", w->keepable ? "K keep" : "", w->keepable ? "  " : "");
    ui_pen_right(p, ui_bold(INK_KEY), text);
    if (w->wrong < 0)
        ui_pen_right(p, ui_bold(INK_BAD), " the Target cannot run  ");
    else {
        snprintf(text, sizeof text, " wrong %d \xe2\x86\x92 %d (+%d -%d)  ", s->wrong, w->wrong, w->fixed, w->broken);
        ui_pen_right(p, ui_bold(w->wrong < s->wrong ? INK_GOOD : w->wrong > s->wrong ? INK_BAD : INK_WARN), text);
    }
    ui_pen_text(p, ui_bold(INK_STRONG), "What if ");
    ui_pen_brief(p, ui_plain(INK_TEXT), w->summary, NULL);
}

/* A sentence where no repair is next. */
static const char *without_repair(const ui *u, ui_ink *ink)
{
    const ff_snapshot *s = u->snap;
    bool unsaved = ui_unsaved(u);

    *ink = INK_DIM;
    if (!s->loaded)
        return "The models and images are being read. All views can be looked at.";
    if (!s->localized)
        return u->running ? "The layers of both models are being compared." : "Type :localize to compare the layers.";
    *ink = INK_WARN;
    if (s->wrong != 0)
        return "No repair is left to try.";
    *ink = INK_GOOD;
    if (s->verdicts)
        return unsaved ? "\xe2\x9c\x93 Every answer agrees with the Source's. Press w to write the repaired model."
                       : "\xe2\x9c\x93 Every answer agrees with the Source's.";
    if (unsaved)
        return "\xe2\x9c\x93 Every label is the Source's. Press w to write the repaired model.";
    if (u->saved_state == s->state && s->state > 0)
        return "\xe2\x9c\x93 Every label is the Source's, and the repaired model is written.";
    if (ff_table_rows(s->findings) == 0)
        return "\xe2\x9c\x93 Every label is the Source's, and no fault was found: the models are equivalent.";
    return "\xe2\x9c\x93 Every label is the Source's.";
}

/* What the cursor's repair, or the next one, would do; or what to press now. */
void ui_draw_next(ui *u, ui_rect r)
{
    const ff_snapshot *s = u->snap;
    ui_pen p = ui_pen_at(&u->canvas, r, 0);
    const char *id = s->localized ? ui_chosen_proposal(u) : NULL;
    int row = id ? ff_table_row_of_text(s->proposals, "id", id) : -1;
    char text[64];

    ui_pen_char(&p, ui_plain(INK_TEXT), ' ');
    if (s->what_if.summary) {
        draw_what_if(s, &p);
        return;
    }
    if (!ui_told(u)) {
        ui_pen_text(&p, ui_bold(INK_STRONG), "Lesson  ");
        ui_pen_text(&p, ui_plain(INK_TEXT), ff_lesson_text(u->context.lesson, FF_LESSON_TITLE));
        return;
    }
    if (row < 0) {
        ui_ink ink;
        const char *words = without_repair(u, &ink);
        ui_pen_text(&p, ui_plain(ink), words);
        return;
    }
    const ff_table *t = s->proposals;
    const char *type = ff_table_text_at(t, row, "type"), *status = ff_table_text_at(t, row, "status");
    bool next = s->next && strcmp(s->next, id) == 0;
    int64_t wrong = ff_table_int_at(t, row, "wrong", -1);
    ui_pen_printf(&p, ui_bold(INK_STRONG), "%s ", next ? "Next" : "This");
    ui_pen_printf(&p, ui_bold(ui_ink_of_type(type)), "%s ", type);
    if (strcmp(status, "rejected") == 0)
        ui_pen_right(&p, ui_bold(INK_WARN), " \xe2\x9c\x97 did not help ");
    else if (wrong >= 0 && !ff_table_int_at(t, row, "complete", 1))
        ui_pen_right(&p, ui_bold(INK_WARN), " does not help alone ");
    else if (wrong >= 0) {
        snprintf(text, sizeof text, " would leave %lld wrong ", (long long)wrong);
        ui_pen_right(&p, ui_bold(wrong < s->wrong ? INK_GOOD : INK_WARN), text);
    }
    int pair = ff_table_row_of_int(s->pairs, "pair", ff_table_int_at(t, row, "pair", -1));
    int64_t layer = ff_table_int_at(s->pairs, pair, "layer", 0);
    if (layer)
        ui_pen_printf(&p, ui_plain(INK_DIM), "L%lld ", (long long)layer);
    ui_pen_brief(&p, ui_plain(INK_TEXT), ff_table_text_at(t, row, "summary"), NULL);
}

static void draw_progress(ui *u, ui_pen *p)
{
    const ff_progress *g = ff_session_progress(u->session);
    const char *stage = atomic_load(&g->stage);
    int64_t done = atomic_load(&g->done), total = atomic_load(&g->total);
    double seconds = (double)(ff_now_ns() - atomic_load(&g->started_ns)) / 1e9;
    char text[96];
    int cells = ui_pen_room(p) / 5;

    cells = cells > 24 ? 24 : cells < 6 ? 6 : cells;
    snprintf(text, sizeof text, " engine: %s ", ff_job_name(u->running_kind));
    ui_pen_right(p, ui_plain(INK_INFO), text);
    ui_pen_char(p, ui_plain(INK_TEXT), ' ');
    if (!stage)
        return;
    if (total > 0) {
        double f = done >= total ? 1 : (double)done / (double)total;
        ui_pen_char(p, ui_plain(INK_FRAME), 0x2595);
        ui_pen_bar(p, ui_plain(INK_FOCUS), cells, f);
        ui_pen_char(p, ui_plain(INK_FRAME), 0x258f);
        ui_pen_printf(p, ui_plain(INK_TEXT), " %s", stage);
        ui_pen_printf(p, ui_plain(INK_DIM), "  %lld/%lld", (long long)(done > total ? total : done), (long long)total);
        if (done > 0 && done < total && seconds > 0.3) {
            double left = seconds * (double)(total - done) / (double)done;
            if (left < 60)
                ui_pen_printf(p, ui_plain(INK_DIM), "  %.1f s left", left);
            else
                ui_pen_printf(p, ui_plain(INK_DIM), "  %.0f min left", left / 60 + 0.5);
        }
    } else {
        ui_pen_printf(p, ui_plain(INK_TEXT), "%s", stage);
        if (seconds >= 1)
            ui_pen_printf(p, ui_plain(INK_DIM), "  %.0f s", seconds);
    }
}

/* The next repair is not known to be refused. */
static bool helps(const ff_snapshot *s)
{
    int row = ff_table_row_of_text(s->proposals, "id", s->next);
    const char *verdict = ff_table_text_at(s->proposals, row, "verdict");
    return !*verdict || strcmp(verdict, "better") == 0;
}

/* What to press next, wherever the cursor is. */
static const char *general_hint(const ui *u)
{
    const ff_snapshot *s = u->snap;

    if (!ui_told(u))
        return "0 shows the question; Enter there answers it.";
    if (s->what_if.summary)
        return s->what_if.keepable ? "Nothing is changed yet: K makes it a step, D forgets it."
                                   : "A look only: nothing is changed, D forgets it.";
    if (s->next && !helps(s))
        return "s searches a repair that helps, A repairs to the end.";
    if (s->wrong == 0 && ui_unsaved(u))
        return "6 shows the images, 5 how it came about; u goes back a step.";
    if (s->wrong == 0 && ff_table_rows(s->findings) == 0)
        return "7 shows what is written differently and cannot change a result.";
    if (s->next && ff_table_rows(s->states) < 2)
        return "Enter explains a row; a takes this repair, A repairs to the end.";
    if (s->next)
        return "a takes this repair, A repairs to the end, u goes back a step.";
    if (s->wrong > 0)
        return "6 shows the images that are wrong, 2 the layers that differ most.";
    return "";
}

/* A sentence for somebody who is here for the first time. */
static void draw_hint(ui *u, ui_pen *p)
{
    const ff_snapshot *s = u->snap;
    const ui_view *v = ui_focused(u);

    if (u->prompt.kind == UI_PROMPT_COMMAND) {
        const char *line = ui_prompt_text(&u->prompt);
        bool save = strncmp(line, "save ", 5) == 0, what_if = strncmp(line, "what-if ", 8) == 0;
        ui_pen_text(p, ui_plain(INK_DIM),
                    save      ? " Enter writes the model to this file, Escape leaves it."
                    : what_if ? " Enter shows what this does to the labels, Escape leaves it."
                              : " Tab completes, Up brings back earlier lines, Escape leaves.");
        return;
    }
    if (!s->localized || u->popup >= 0)
        return;
    ff_buf own = {0};
    if (v->class->hint)
        v->class->hint(v, &own);
    ui_pen_printf(p, ui_plain(INK_DIM), " %s", own.len ? own.data : general_hint(u));
    ff_buf_finish(&own);
}

void ui_draw_status(ui *u, ui_rect r)
{
    ui_pen p = ui_pen_at(&u->canvas, r, 0);

    if (u->question == ASK_OVERWRITE) {
        ui_pen_printf(&p, ui_bold(INK_WARN), " '%s' exists. Overwrite it?  ", u->asked_file);
        ui_pen_text(&p, ui_bold(INK_KEY), "y");
        ui_pen_text(&p, ui_plain(INK_TEXT), " yes  ");
        ui_pen_text(&p, ui_plain(INK_DIM), "another key: no");
        return;
    }
    if (u->question == ASK_QUIT) {
        ui_pen_text(&p, ui_bold(INK_WARN),
                    u->options && u->options->session.path
                        ? " The session keeps the repairs; no model is written. Quit?  "
                        : " The repairs are in no file yet. Quit?  ");
        ui_pen_text(&p, ui_bold(INK_KEY), "y");
        ui_pen_text(&p, ui_plain(INK_TEXT), " quit  ");
        ui_pen_text(&p, ui_bold(INK_KEY), "w");
        ui_pen_text(&p, ui_plain(INK_TEXT), " write, then quit  ");
        ui_pen_text(&p, ui_plain(INK_DIM), "another key: stay");
        return;
    }
    if (ui_busy(u)) {
        draw_progress(u, &p);
        if (u->message)
            ui_pen_printf(&p, ui_plain(u->message_ink), "   %s", u->message);
        return;
    }
    ui_pen_right(&p, ui_plain(INK_DIM), " engine: idle ");
    if (u->message)
        ui_pen_printf(&p, ui_plain(u->message_ink), " %s", u->message);
    else
        draw_hint(u, &p);
}

/* One key and what it does, if there is room for both. */
void ui_hint(ui_pen *p, const char *line, const char *what)
{
    const char *key = ui_key_of(line);
    if (!*key || ui_pen_room(p) < ff_display_width(key) + ff_display_width(what) + 3)
        return;
    ui_pen_printf(p, bar(INK_KEY, true), " %s", key);
    ui_pen_printf(p, bar(INK_TEXT, false), " %s ", what);
}

void ui_bar_bisect(const ui_view *v, ui_pen *p)
{
    if (v->ui->snap->localized)
        ui_hint(p, "bisect", "first error");
}

void ui_draw_keys(ui *u, ui_rect r)
{
    const ff_snapshot *s = u->snap;
    ui_pen p = ui_pen_at(&u->canvas, r, 0), right = p;
    ui_view *v = ui_focused(u);

    ui_canvas_clear(&u->canvas, r, PAPER_BAR);
    const char *leave = u->popup >= 0 || u->n_back ? "back" : "quit";
    right.x = right.right - 16;
    ui_hint(&right, "close", leave);
    ui_hint(&right, "keys", "help");
    p.right -= 17;
    if (u->popup >= 0) {
        ui_hint(&p, "down", "down");
        ui_hint(&p, "up", "up");
        ui_hint(&p, "search", "search");
        return;
    }
    if (ui_busy(u))
        ui_hint(&p, "cancel", "cancel");
    if (s->localized && ui_chosen_proposal(u)) {
        ui_hint(&p, "accept", "accept");
        ui_hint(&p, "reject", "reject");
        ui_hint(&p, "repair", "all");
    }
    if (s->localized && ff_table_rows(s->states) > 1) {
        ui_hint(&p, "undo", "undo");
        if (ui_unsaved(u))
            ui_hint(&p, "prompt save", "write");
    }
    if (!v->class->text)
        ui_hint(&p, "open", v->class->opens ? v->class->opens : "details");
    if (!ui_told(u)) {
        if (v != &u->views[VIEW_LESSON])
            ui_hint(&p, "view lesson", "question");
        ui_hint(&p, "hint", "hint");
    }
    if (v->class->bar)
        v->class->bar(v, &p);
    ui_hint(&p, "next-pane", "pane");
    if (v->class->bar_more)
        v->class->bar_more(v, &p);
    if (v->class->filters)
        ui_hint(&p, "filter next", "filter");
    ui_hint(&p, "zoom", "zoom");
    if (s->localized && ui_chosen_proposal(u))
        ui_hint(&p, "step", "search one");
    ui_hint(&p, "search", "search");
    ui_hint(&p, "prompt", "command");
}
