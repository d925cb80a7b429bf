/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetafix/command_say.h: what a command says: data, notes, tables.
 */
#ifndef FETAFIX_COMMAND_SAY_H
#define FETAFIX_COMMAND_SAY_H

#include "fetafix/command.h"

void ff_say(ff_context *c, const char *format, ...) FF_PRINTF(2, 3); /* data */
/* Paragraphs ('\n' between them), broken into lines of 78 cells; one that begins with a blank stays. */
void ff_say_paragraphs(ff_context *c, const char *text);
void ff_note(ff_context *c, const char *format, ...) FF_PRINTF(2, 3); /* not with --quiet */

/* Cells of a line of what the context prints to; 0: it is no terminal, lines have no end. */
int ff_print_width(const ff_context *c);
/* Prints a table in the context's format. */
void ff_show_table(const ff_context *c, const ff_table *t, const char *columns);
typedef struct ff_named_table {
    const char *name;
    const ff_table *table;
    const char *none; /* what stands for it in text when it has no row; NULL: nothing */
} ff_named_table;
/* Tables under one another; in JSON one object with a list each. */
void ff_show_tables(const ff_context *c, const ff_named_table *all, int n);

#endif
