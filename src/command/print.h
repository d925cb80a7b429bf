/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FETAFIX_COMMAND_PRINT_H
#define FETAFIX_COMMAND_PRINT_H

#include "fetafix/command.h"

void print_real(ff_buf *out, double v);
/* Some columns, by name with a blank between; NULL: all. */
void print_table(const ff_table *t, const char *columns, ff_format format, int width, ff_buf *out);
/* Cells of a line of what the context prints to; 0: it is no terminal, lines have no end. */
int print_width(const ff_context *c);
/* Prints a table in the context's format. */
void show_table(const ff_context *c, const ff_table *t, const char *columns);
typedef struct named_table {
    const char *name;
    const ff_table *table;
    const char *none; /* what stands for it in text when it has no row; NULL: nothing */
} named_table;
/* Tables under one another; in JSON one object with a list each. */
void show_tables(const ff_context *c, const named_table *all, int n);
enum { PRINT_WIDTH = 79 };
/* Text behind a margin that is there already, broken at blanks (a newline is one); width 0: not broken. */
void print_wrapped(ff_buf *out, const char *text, int margin, int width);
void print_json_text(ff_buf *out, const char *s);

#endif
