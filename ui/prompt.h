/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The line at the bottom in which one types: a command, a search, or the answer to a question. */
#ifndef FF_UI_PROMPT_H
#define FF_UI_PROMPT_H

#include "canvas.h"
#include "input.h"

typedef enum ui_prompt_kind { UI_PROMPT_NONE, UI_PROMPT_COMMAND, UI_PROMPT_SEARCH } ui_prompt_kind;
typedef enum ui_prompt_result { UI_PROMPT_EDITING, UI_PROMPT_CHANGED, UI_PROMPT_DONE, UI_PROMPT_GONE } ui_prompt_result;

typedef struct ui_prompt {
    ui_prompt_kind kind;
    ff_buf text;
    size_t cursor;  /* byte offset */
    char **history; /* of commands, oldest first */
    int n_history, at_history;
    size_t history_capacity;
    char *draft; /* the line typed before going back in history */
    char *history_path;
    char **choices; /* completions of the last word */
    int n_choices, choice;
    size_t word; /* where the last word begins */
} ui_prompt;

/* Reads the history of earlier days from $XDG_STATE_HOME/fetafix/history. */
void ui_prompt_init(ui_prompt *p);
void ui_prompt_finish(ui_prompt *p);
void ui_prompt_open(ui_prompt *p, ui_prompt_kind kind, const char *text);
void ui_prompt_close(ui_prompt *p);
/* `complete` answers a line with the completions of its last word, as ff_command_complete. */
ui_prompt_result ui_prompt_key(ui_prompt *p, const ui_key *k,
                               char **(*complete)(void *context, const char *line, int *n), void *context);
const char *ui_prompt_text(const ui_prompt *p);
void ui_prompt_remember(ui_prompt *p, const char *line);
/* Draws the line; *cursor_x is where the terminal's cursor belongs. */
void ui_prompt_draw(const ui_prompt *p, ui_canvas *c, ui_rect r, int *cursor_x);

#endif
