/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Verbs of the shell at the prompt. */
#ifndef FETAFIX_PROGRAM_ERRAND_H
#define FETAFIX_PROGRAM_ERRAND_H

#include "fetafix/command.h"

int prompt_errand(ff_context *c, int argc, char **argv); /* apply bench borrow compare inspect matrix run */

#endif
