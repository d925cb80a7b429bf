/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines whose output goes elsewhere. */
#ifndef FETAFIX_COMMAND_REDIRECT_H
#define FETAFIX_COMMAND_REDIRECT_H

#include "command/line.h"

/* Runs the words with what they print caught and sent where the line says. */
int line_run_redirected(ff_context *c, const parsed_line *l,
                        int (*run)(ff_context *c, const parsed_line *l)) FF_MUST_USE;
/* `!COMMAND`: to the shell, with the terminal. Not in the explorer. */
int line_run_shell(ff_context *c, const char *command) FF_MUST_USE;

#endif
