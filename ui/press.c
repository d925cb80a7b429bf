/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys: into the prompt while it is open, to the question that is asked, else as the command they are bound to. */
#include <stdlib.h>
#include <string.h>

#include "ui.h"

void ui_search_on(ui *u, int step)
{
    ui_view *v = ui_focused(u);
    if (!u->match || !*u->match)
        ui_say(u, INK_INFO, "nothing was searched yet (/)");
    else if (!ui_view_search(v, u->match, step, false))
        ui_say(u, INK_WARN, "'%s' is not in this view", u->match);
    else
        ui_cursor_moved(u);
}

void ui_set_match(ui *u, const char *text)
{
    free(u->match);
    u->match = *text ? ff_strdup(text) : NULL;
}

void ui_begin_search(ui *u)
{
    ui_view *v = ui_focused(u);
    u->search_from = v->window.free ? v->window.top : v->class->text ? v->window.cursor : ui_view_row(v);
    ui_prompt_open(&u->prompt, UI_PROMPT_SEARCH, "");
}

/* Rows of a list are known by their numbers, lines of a page by their places. */
static void back_to_start(ui *u, ui_view *v)
{
    if (v->class->text || !ui_view_select(v, u->search_from))
        ui_window_select(&v->window, u->search_from);
}

static char **complete(void *context, const char *line, int *n)
{
    ui *u = context;
    return ff_command_complete(&u->context, line, n);
}

static void prompt_key(ui *u, const ui_key *k)
{
    ui_prompt_kind kind = u->prompt.kind;
    ui_view *v = ui_focused(u);
    ui_prompt_result r = ui_prompt_key(&u->prompt, k, complete, u);

    if (kind == UI_PROMPT_SEARCH && r == UI_PROMPT_CHANGED) { /* as one types */
        ui_set_match(u, ui_prompt_text(&u->prompt));
        back_to_start(u, v);
        if (u->match && ui_view_search(v, u->match, 1, true))
            ui_cursor_moved(u);
    } else if (r == UI_PROMPT_GONE) {
        ui_prompt_close(&u->prompt);
        if (kind == UI_PROMPT_SEARCH) {
            ui_set_match(u, "");
            back_to_start(u, v);
            ui_cursor_moved(u);
        }
    } else if (r == UI_PROMPT_DONE) {
        char *line = ff_strdup(ui_prompt_text(&u->prompt));
        ui_prompt_close(&u->prompt);
        if (kind == UI_PROMPT_SEARCH) {
            if (*line && !ui_view_search(v, line, 1, true))
                ui_say(u, INK_WARN, "'%s' is not in this view%s", line,
                       v->class->unread && v->class->unread(v) ? "; part of it is still being read" : "");
        } else if (*line) {
            ui_prompt_remember(&u->prompt, line);
            ui_run(u, line);
        }
        free(line);
    }
}

static void answer(ui *u, const ui_key *k)
{
    static const char *const yes[] = {"y", "Y", NULL};
    ui_question asked = u->question;

    u->question = ASK_NOTHING;
    if (asked == ASK_OVERWRITE && ff_any_of(k->name, yes)) {
        ui_run(u, u->asked_line);
    } else if (asked == ASK_OVERWRITE) {
        u->quit_after_save = false;
        ui_say(u, INK_INFO, "nothing is written");
    } else if (ff_any_of(k->name, yes)) {
        u->quit = true;
    } else if (strcmp(k->name, "w") == 0) {
        u->quit_after_save = true;
        ui_run(u, "prompt save");
    }
}

void ui_key_pressed(ui *u, const ui_key *k)
{
    u->values_wanted = false; /* the cursor is where this key takes it */
    if (u->prompt.kind != UI_PROMPT_NONE) {
        if (strcmp(k->name, "C-l") == 0 || strcmp(k->name, "C-z") == 0)
            ui_run(u, ff_command_for_key(k->name));
        else
            prompt_key(u, k);
        return;
    }
    if (k->type == UI_PASTE)
        return; /* a text pasted by mistake is no sequence of commands */
    free(u->message);
    u->message = NULL;
    if (u->question != ASK_NOTHING) {
        answer(u, k);
        return;
    }
    if (strcmp(k->name, "C-c") != 0)
        u->interrupts = 0;
    u->touched = true;
    const char *line = ff_command_for_key(k->name);
    if (line)
        ui_run(u, line);
    else if (k->name[0])
        ui_say(u, INK_DIM, "%s does nothing here; ? lists the keys", k->name);
}
