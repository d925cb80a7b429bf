/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FETAFIX_COMMAND_OPTION_TABLE_H
#define FETAFIX_COMMAND_OPTION_TABLE_H

/* What a value is: ff_option.kind. */
enum option_kind { TEXT, SWITCH, COUNT, SEED, SIZE, DURATION, COLOR, FORMAT, STRATEGY, ANALYSIS, YES_NO, PIN, FORBID };

enum { OPTIONS_MAX = 64 }; /* at most so many there are */

#endif
