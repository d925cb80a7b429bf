/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The explorer over fake_session.c: what the screen tests run, and a way to look at it without models. */
#include <stdio.h>

#include "../../ui/explore.h"

int main(void)
{
    ff_options options = {.color = -1};
    ff_session *s;
    if (ff_session_open(&options.session, &s) != FF_OK)
        return 5;
    int code = ff_explore(s, &options);
    if (code != FF_OK)
        fprintf(stderr, "explorer_fake: %s\n", ff_error());
    ff_session_close(s);
    return ff_exit_code(code);
}
