/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "explorer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

const char *const explorer_colour[] = {"TERM=screen-256color",
                                       "LC_ALL=C.UTF-8",
                                       "NO_COLOR",
                                       "COLORFGBG",
                                       "FAKE_TICK_MS=0",
                                       "XDG_STATE_HOME=/nonexistent",
                                       NULL};
const char *const explorer_mono[] = {"TERM=screen-256color",
                                     "LC_ALL=C.UTF-8",
                                     "NO_COLOR=1",
                                     "COLORFGBG",
                                     "FAKE_TICK_MS=0",
                                     "XDG_STATE_HOME=/nonexistent",
                                     NULL};
const char *const explorer_ascii[] = {
    "TERM=vt100", "LC_ALL=C", "NO_COLOR", "FAKE_TICK_MS=0", "XDG_STATE_HOME=/nonexistent", NULL};

terminal *explorer_start(int columns, int rows, const char *const *env)
{
    const char *argv[] = {getenv("EXPLORER_FAKE"), NULL};
    assert_non_null(argv[0]);
    terminal *t = terminal_start(argv, columns, rows, env);
    assert_non_null(t);
    return t;
}

terminal *explorer_start_ready(int columns, int rows, const char *const *env)
{
    terminal *t = explorer_start(columns, rows, env);
    terminal_expect(t, "7 findings");
    terminal_expect(t, "engine: idle");
    terminal_settle(t);
    return t;
}

void explorer_end(terminal *t, int code)
{
    terminal_expect_exit(t, code);
    assert_false(terminal_alternate(t));
    assert_true(terminal_cursor(t));
    terminal_destroy(t);
}

void explorer_leave(terminal *t)
{
    terminal_press(t, "Q");
    if (terminal_expect_or_exit(t, "Quit?"))
        terminal_press(t, "y");
    explorer_end(t, 0);
}
