/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The terminal: taken over, painted, given back in the state in which it was found, on every way out.
 * One thread only. curses writes; reading is done by the event loop itself.
 */
#ifndef FF_UI_TERMINAL_H
#define FF_UI_TERMINAL_H

#include "canvas.h"
#include "input.h"

enum { UI_SIG_RESIZE = 1, UI_SIG_STOP = 2, UI_SIG_CONTINUE = 4, UI_SIG_INTERRUPT = 8, UI_SIG_END = 16 };

/* FF_ERR_USAGE when stdin and stdout are no terminal, or one that cannot place the cursor; the
 * message names what to use instead. */
int ui_term_enter(int color) FF_MUST_USE;
void ui_term_leave(void);
/* Leaves, stops the process until it is continued, enters again. */
void ui_term_suspend(void);
/* After something else wrote on the terminal or changed its modes: all is painted anew. */
void ui_term_restart(void);
void ui_term_redraw(void);
/* Asks the terminal for its size and tells curses. */
void ui_term_size(int *width, int *height);
/* Paints what changed since the last time; the cursor is shown at (x, y), or hidden when x < 0. */
void ui_term_paint(const ui_canvas *c, int x, int y);
void ui_term_learn_keys(ui_input *in);
void ui_term_set_mouse(bool on);
bool ui_term_mouse(void);
/* Glyphs beyond ASCII; `auto` follows the locale. */
typedef enum ui_glyphs { UI_GLYPHS_AUTO, UI_GLYPHS_UTF8, UI_GLYPHS_ASCII } ui_glyphs;
void ui_term_set_glyphs(ui_glyphs g);

/* Readable when signals have come. */
int ui_term_signal_fd(void);
/* Takes the signals that came since the last call: a set of UI_SIG_. */
int ui_term_signals(void);

#endif
