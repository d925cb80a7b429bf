/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FETAFIX_PROGRAM_WORDS_H
#define FETAFIX_PROGRAM_WORDS_H

#include <stdbool.h>

/* Takes a switch out of the words (behind them: whoever made them frees all); was it there? */
bool take_word(int *argc, char **argv, const char *word);
bool take_force(int *argc, char **argv);

#endif
