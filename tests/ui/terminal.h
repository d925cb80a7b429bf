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
/* Until `is` says so of the screen; false when it never does. It is asked after all that the program writes. */
typedef bool terminal_test(terminal *t, const void *what);
bool terminal_wait(terminal *t, terminal_test *is, const void *what);
/* Until the screen holds the text, or does not any more: else the test fails, and prints the screen. */
void terminal_expect(terminal *t, const char *text);
void terminal_expect_gone(terminal *t, const char *text);
/* Until the program has ended with this exit code, or 128 + signal, and left the modes of a terminal as they were. */
void terminal_expect_exit(terminal *t, int code);
/* Until the screen holds the text, true, or the program has ended, false. */
bool terminal_expect_or_exit(terminal *t, const char *text);
/* Fails the test with the screen, for whoever has to find out why. */
void terminal_fail(terminal *t, const char *why, const char *text);
/* Until nothing is due that the program would do by itself. */
void terminal_settle(terminal *t);
/* Now: for what must not be there, and what may or may not be. */
bool terminal_holds(terminal *t, const char *text);
/* The rows as text. With `styles`, a second part: runs of cells that look alike, a letter a look. */
void terminal_capture(terminal *t, bool styles, ff_buf *out);
bool terminal_colours(const terminal *t);    /* any cell has a colour of its own */
bool terminal_alternate(const terminal *t);  /* the alternate screen is on */
bool terminal_cursor(const terminal *t);     /* it is visible */
bool terminal_modes_kept(const terminal *t); /* termios as before the start */
pid_t terminal_pid(const terminal *t);

#endif
