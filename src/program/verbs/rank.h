/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FETAFIX_PROGRAM_RANK_H
#define FETAFIX_PROGRAM_RANK_H

#include "fetafix/command.h"

/* compare with several Targets. */
int compare_many(ff_context *c, int argc, char **argv) FF_MUST_USE;

#endif
