/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line's options: one table, from which parsing, --help, completion and the man page
 * come. */
#ifndef FETAFIX_PROGRAM_OPTIONS_H
#define FETAFIX_PROGRAM_OPTIONS_H

#include "fetafix/command.h"

/* Sorts argv into verb, options and operands. FF_ERR_USAGE names the word and suggests. */
int options_parse(int argc, char **argv, ff_options *o) FF_MUST_USE;
/* One setting by name, as in a configuration file; value NULL: a switch. */
int options_set(ff_options *o, const char *name, const char *value) FF_MUST_USE;
/* NAME; NAME VALUE; NAME=VALUE; NAME = VALUE. *value is borrowed, NULL: none. The caller frees *name. */
int options_split_setting(int n, char **words, char **name, const char **value) FF_MUST_USE;
/* Lines `set NAME [VALUE]`, `bind KEY COMMAND`, `color ELEMENT COLOR`. Read before the command line, which has the last word. */
int options_read_config(ff_options *o, const char *path) FF_MUST_USE;

#endif
