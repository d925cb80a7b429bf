/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The explorer's rows of the command table: verbs that move about in views and change nothing else. */
#ifndef FETAFIX_COMMAND_EXPLORER_H
#define FETAFIX_COMMAND_EXPLORER_H

#include "fetafix/command.h"

/* Ends with a row whose name is NULL. Their `run` hands the words to context.view. */
extern const ff_command ff_explorer_commands[];

#endif
