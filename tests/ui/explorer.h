/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The explorer over the made-up session (EXPLORER_FAKE in the environment), started and left. */
#ifndef TESTS_UI_EXPLORER_H
#define TESTS_UI_EXPLORER_H

#include "terminal.h"

/* Environments: 256 colours, none, and a terminal that has neither colours nor Unicode. */
extern const char *const explorer_colour[], *const explorer_mono[], *const explorer_ascii[];

terminal *explorer_start(int columns, int rows, const char *const *env);
/* And the models are loaded and compared. */
terminal *explorer_start_ready(int columns, int rows, const char *const *env);
/* The terminal is given back as it was. */
void explorer_end(terminal *t, int code);
/* By Q, whether it asks for what is unsaved or not. */
void explorer_leave(terminal *t);

#endif
