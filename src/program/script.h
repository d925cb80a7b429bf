/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FETAFIX_PROGRAM_SCRIPT_H
#define FETAFIX_PROGRAM_SCRIPT_H

#include "fetafix/command.h"

/* The case that the words behind `script FILE` or `repl` name, if any. */
int script_open_case(ff_context *c, int argc, char **argv) FF_MUST_USE;
/* Lines from a pipe, each answered, wrong ones too. The exit code of the first that failed. */
int script_answer(ff_context *c) FF_MUST_USE;

#endif
