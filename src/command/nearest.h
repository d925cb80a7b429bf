/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FETAFIX_COMMAND_NEAREST_H
#define FETAFIX_COMMAND_NEAREST_H

#include <stddef.h>

/* The entry of names[] that was meant by a word, or one of its pieces; NULL: none. */
const char *place_nearest(const char *word, const char *const *names, size_t n);

#endif
