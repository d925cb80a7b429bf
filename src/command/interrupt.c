/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ctrl-C and SIGTERM. */
#include <signal.h>

#include "fetafix/command_job.h"

ff_cancel ff_interrupted;
_Atomic int ff_interrupt_signal;
static _Atomic(ff_session *) watched;

static void on_signal(int number)
{
    atomic_store(&ff_interrupt_signal, number);
    atomic_store(&ff_interrupted.set, true);
    ff_session *s = atomic_load(&watched);
    if (s)
        ff_session_cancel(s, true);
}

void ff_interrupt_install(void)
{
    struct sigaction a = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&a.sa_mask);
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
    /* A reader that goes away (`| head`) is no failure. */
    signal(SIGPIPE, SIG_IGN);
}

void ff_interrupt_watch(ff_session *s)
{
    atomic_store(&watched, s);
}
