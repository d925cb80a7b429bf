/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How much may be wrong before a verb of a case ends with exit code 1. */
#ifndef FETAFIX_PROGRAM_GATE_H
#define FETAFIX_PROGRAM_GATE_H

#include "fetafix/command.h"

/* "12" or "1.5%"; false: neither. */
bool gate_parse(const char *text, double *value, bool *share);
/* The exit code for so many wrong of all, 0 or 1. What --max-wrong allows is said when it was given. */
int gate_code(ff_context *c, int wrong, int all);

#endif
