/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bytes of a terminal turned into keys, mouse events and pastes. It never reads by itself and never
 * waits: bytes are fed in, keys are taken out, and the event loop says when the time for the rest of
 * a sequence is over. (curses' own getch() sits in read() until a cut mouse report is complete.)
 */
#ifndef FF_UI_INPUT_H
#define FF_UI_INPUT_H

#include "fetafix/base.h"

typedef enum ui_key_type { UI_KEY, UI_MOUSE, UI_PASTE } ui_key_type;
typedef enum ui_mouse_kind { UI_MOUSE_PRESS, UI_MOUSE_RELEASE, UI_MOUSE_WHEEL_UP, UI_MOUSE_WHEEL_DOWN } ui_mouse_kind;

typedef struct ui_key {
    ui_key_type type;
    char name[16];      /* "j", "C-r", "Down", "S-Tab", "M-x", "F1", "Space" */
    uint32_t codepoint; /* of a key that is text; 0: none */
    ui_mouse_kind mouse;
    int button, x, y; /* x, y from 0 */
    const char *text; /* of a paste; good until the next call */
} ui_key;

typedef struct ui_input ui_input;

ui_input *ui_input_create(void);
void ui_input_destroy(ui_input *in);
/* A sequence of this terminal (from terminfo) and the key it is. Both copied. */
void ui_input_learn(ui_input *in, const char *sequence, const char *name);
void ui_input_feed(ui_input *in, const char *bytes, size_t n);
/* The next key; false when there is none. `late`: no more bytes came within ui_input_wait(), so what
 * is there has to do. */
bool ui_input_next(ui_input *in, ui_key *out, bool late);
/* Milliseconds to wait for the rest of what came; -1: nothing is pending. */
int ui_input_wait(const ui_input *in);

#endif
