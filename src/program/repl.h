/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FETAFIX_PROGRAM_REPL_H
#define FETAFIX_PROGRAM_REPL_H

#include "fetafix/command.h"

/* Lines from the terminal (Readline, with this prompt) or from standard input, until `quit` or the
 * end. What fails is noted; of standard input the exit code of the first that failed is returned. */
int repl_lines(ff_context *c, const char *prompt) FF_MUST_USE;

#endif
