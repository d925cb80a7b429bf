/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The explorer: one session in a terminal. */
#ifndef FF_UI_EXPLORE_H
#define FF_UI_EXPLORE_H

#include "fetafix/command.h"

/*
 * Runs until the user quits; the session stays the caller's. For ff_main(), from the main thread.
 * FF_OK: quit by the user. FF_ERR_USAGE: no terminal that can be drawn on; the message says which
 * command to use instead. FF_ERR_CANCELLED: ended by a signal, or the terminal vanished. Otherwise
 * why the models or images could not be loaded, with its message. The terminal is restored.
 */
int ff_explore(ff_session *s, const ff_options *o);

#endif
