/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FETAFIX_PROGRAM_BENCH_CASE_H
#define FETAFIX_PROGRAM_BENCH_CASE_H

#include "fetafix/command.h"

/* Where the time of a repair goes. */
int bench_case(ff_context *c, int argc, char **argv) FF_MUST_USE;

#endif
