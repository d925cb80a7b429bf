/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fetafix/command_options.h: the values of the options, for those who parse and print them. */
#ifndef FETAFIX_COMMAND_OPTIONS_H
#define FETAFIX_COMMAND_OPTIONS_H

#include "fetafix/command.h"

/* What a value is: ff_option.kind. */
enum ff_option_kind {
    TEXT,
    SWITCH,
    COUNT,
    SEED,
    SIZE,
    DURATION,
    COLOR,
    FORMAT,
    STRATEGY,
    ANALYSIS,
    YES_NO,
    PIN,
    FORBID,
    GATE, /* N or P% */
};

enum { FF_OPTIONS_MAX = 64 }; /* at most so many there are */

void ff_options_init(ff_options *o);
void ff_options_finish(ff_options *o);
/* Its value, empty for the default. */
void ff_option_print(const ff_option *row, const ff_options *o, ff_buf *out);
/* A setting that `set` changes while the program runs. */
bool ff_option_is_live(const char *name);

#endif
