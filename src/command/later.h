/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines that wait for the engine where the front end does not. */
#ifndef FETAFIX_COMMAND_LATER_H
#define FETAFIX_COMMAND_LATER_H

#include "fetafix/command.h"

/* This job changes the case and is short: lines typed behind it wait for it. */
void later_edited(ff_context *c, int64_t job);
/* True: the line was put behind what is waited for. */
bool later_holds(ff_context *c, const char *line);

typedef struct later_line {
    char *text;   /* the taker frees it */
    int64_t job;  /* that it waited for */
    bool settled; /* it has asked for that itself */
    size_t left;  /* lines behind it */
} later_line;
/* Takes the first line out; false: none waits. */
bool later_take(ff_context *c, later_line *out);
/* Where that line had to wait for something else, so have the `left` ones behind it. */
void later_follow(ff_context *c, size_t left);

#endif
