/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FETAFIX_COMMAND_PRINT_H
#define FETAFIX_COMMAND_PRINT_H

#include "fetafix/command.h"

void print_real(ff_buf *out, double v);
/* Some columns, by name with a blank between; NULL: all. */
void print_table(const ff_table *t, const char *columns, ff_format format, int width, ff_buf *out);
void print_json_text(ff_buf *out, const char *s);

#endif
