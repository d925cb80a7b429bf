/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions about one place of the network or one image. */
#ifndef FETAFIX_COMMAND_LOOK_H
#define FETAFIX_COMMAND_LOOK_H

#include "fetafix/command.h"

/* The pair that words name: "layer 12", "L12", "pair 3", "3", or a node's name or a part of it that only
 * one pair has. *used: how many words that took. FF_ERR_USAGE suggests the nearest node. */
int look_place(const ff_snapshot *s, int n, char **words, int *used, int *pair) FF_MUST_USE;

int prompt_look(ff_context *c, int argc, char **argv); /* detail layer diff weights */
int prompt_why(ff_context *c, int argc, char **argv);

#endif
