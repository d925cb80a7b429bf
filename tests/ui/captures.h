/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Screens against those in expected/: a file of sections, each begins with "=== title". With FETAFIX_UPDATE_SCREENS=1 they
 * are written anew; look at the difference before keeping it.
 */
#ifndef TESTS_UI_CAPTURES_H
#define TESTS_UI_CAPTURES_H

#include "terminal.h"

typedef struct captures {
    char *path, *expected, *at; /* at: the section that comes next */
    ff_buf taken;
} captures;

void captures_open(captures *c, const char *name);
/* The screen becomes the next section, or the test fails. */
void captures_take(captures *c, terminal *t, const char *title, bool styles);
/* That was all. */
void captures_close(captures *c);

#endif
