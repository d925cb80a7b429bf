/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the user's files are, after the XDG base directory specification. The caller frees. The history
 * of lines typed: ff_history_path(). */
#ifndef FETAFIX_COMMAND_PATHS_H
#define FETAFIX_COMMAND_PATHS_H

#include <stdbool.h>

char *ff_config_path(void); /* NULL: there is none */
/* The folders above a file; false when they cannot be made. */
bool ff_make_folders(const char *path);

#endif
