/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions about one place of the network or one image. */
#ifndef FETAFIX_PROGRAM_LOOK_H
#define FETAFIX_PROGRAM_LOOK_H

#include "fetafix/command.h"

int prompt_look(ff_context *c, int argc, char **argv); /* detail layer diff weights */
int prompt_why(ff_context *c, int argc, char **argv);

#endif
