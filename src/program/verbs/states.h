/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two states of the history side by side. */
#ifndef FETAFIX_PROGRAM_STATES_H
#define FETAFIX_PROGRAM_STATES_H

#include "fetafix/command.h"

/* The number of a state, as a command names it. */
int state_number(const char *command, const char *word, int64_t *out) FF_MUST_USE;
int prompt_compare_states(ff_context *c, int argc, char **argv);

#endif
