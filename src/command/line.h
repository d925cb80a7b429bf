/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A line of the prompt: words of a command, and where its output goes. */
#ifndef FETAFIX_COMMAND_LINE_H
#define FETAFIX_COMMAND_LINE_H

#include <stdio.h>

#include "fetafix/command.h"

typedef enum line_to {
    LINE_SHOW,
    LINE_PIPE,      /* | COMMAND of the shell */
    LINE_WRITE,     /* > FILE that does not exist */
    LINE_OVERWRITE, /* >| FILE */
    LINE_APPEND,    /* >> FILE */
} line_to;

typedef struct parsed_line {
    char **words; /* NULL behind the last */
    int n;
    line_to to;
    char *target; /* file, or the shell's command; NULL with LINE_SHOW */
} parsed_line;

/* `where`: of the command that it begins with (FF_AT_...). FF_ERR_USAGE: a quote is not closed, or no file
 * follows `>`. */
int line_parse(const char *text, int where, parsed_line *out) FF_MUST_USE;
void line_finish(parsed_line *l);
/* The words of a line that is not finished yet. The last is the one being typed, perhaps empty. */
void line_split_typed(const char *text, char ***words, int *n);

#endif
