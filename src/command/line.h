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
/* The next line of a file of commands, without its end, with those that a backslash at its end goes on in; a
 * comment goes on in none. *number, from 0: the last one read. False: there is none. */
bool line_read(FILE *f, ff_buf *line, int *number);
/* The words of a line that is not finished yet. The last is the one being typed, perhaps empty. */
void line_split_typed(const char *text, char ***words, int *n);
void line_free_words(char **words, int n);

/* redirect.c: runs the words with what they print caught and sent where the line says. */
int line_run_redirected(ff_context *c, const parsed_line *l,
                        int (*run)(ff_context *c, const parsed_line *l)) FF_MUST_USE;
/* `!COMMAND`: to the shell, with the terminal. Not in the explorer. */
int line_run_shell(ff_context *c, const char *command) FF_MUST_USE;

/* table.c: fails with what was perhaps meant by the name of a command. */
int command_unknown(int where, const char *name) FF_MUST_USE;
/* Words that are split already. */
int command_run_words(ff_context *c, int n, char **words) FF_MUST_USE;

#endif
