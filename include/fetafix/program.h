/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetafix/program.h: the whole command line program, from its words to its exit code.
 */
#ifndef FETAFIX_PROGRAM_H
#define FETAFIX_PROGRAM_H

#include "fetafix/command.h"

/* `explore` opens the explorer (main passes the ui's). */
int ff_main(int argc, char **argv, int (*explore)(ff_session *s, const ff_options *o));

#endif
