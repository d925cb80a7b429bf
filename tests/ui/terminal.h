/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A program in a terminal emulator (libvterm): keys in, screens out. Polled, never slept on. */
#ifndef TESTS_UI_TERMINAL_H
#define TESTS_UI_TERMINAL_H

#include <stdbool.h>
#include <sys/types.h>

#include "fetafix/base.h"

typedef struct terminal terminal;

/* env: "NAME=VALUE" or "NAME" (taken out), NULL at the end. */
extern const char *const terminal_env[]; /* in colours, and nothing of the user's own */
terminal *terminal_start(const char *const *argv, int columns, int rows, const char *const *env);
void terminal_destroy(terminal *t); /* kills what still runs */
void terminal_vanish(terminal *t);  /* a line that is cut: the program hears SIGHUP and the end of its input */
/* Keys with blanks between: "j", "Enter", "C-c", "S-Tab", "F1", "Space", "click:10,5", "text:abc". Each is answered before
 * the next one is pressed; "rest" waits until all that follows from it has come, too. */
void terminal_press(terminal *t, const char *keys);
/* A text as it is, blanks and all, without Enter. */
void terminal_type(terminal *t, const char *text);
void terminal_resize(terminal *t, int columns, int rows);
/* Until the screen holds the text; false after `ms`. */
bool terminal_wait_for(terminal *t, const char *text, int ms);
/* Until nothing was written for a while. */
void terminal_settle(terminal *t);
/* Until the screen does not hold the text any more. */
bool terminal_wait_gone(terminal *t, const char *text, int ms);
bool terminal_holds(terminal *t, const char *text);
/* The rows as text. With `styles`, a second part: runs of cells that look alike, a letter a look. */
void terminal_capture(terminal *t, bool styles, ff_buf *out);
bool terminal_colours(const terminal *t);    /* any cell has a colour of its own */
bool terminal_alternate(const terminal *t);  /* the alternate screen is on */
bool terminal_cursor(const terminal *t);     /* it is visible */
bool terminal_modes_kept(const terminal *t); /* termios as before the start */
pid_t terminal_pid(const terminal *t);
/* Exit code, or 128 + signal; -1 when it still runs after `ms`. */
int terminal_wait_exit(terminal *t, int ms);

#endif
