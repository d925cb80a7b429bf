/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Switches among the words of a command. */
#include "program/verbs/words.h"

#include <string.h>

/* Takes a switch out of the words (behind them: whoever made them frees all); was it there? */
bool take_word(int *argc, char **argv, const char *word)
{
    int n = 1, end = *argc;
    for (int i = 1; i < end; i++) {
        if (strcmp(argv[i], word) == 0)
            continue;
        char *kept = argv[i];
        argv[i] = argv[n];
        argv[n++] = kept;
    }
    *argc = n;
    return n < end;
}

bool take_force(int *argc, char **argv)
{
    bool brief = take_word(argc, argv, "-f");
    return take_word(argc, argv, "--force") || brief;
}
