/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What front ends know of a job, from its row. */
#include <string.h>

#include "fetafix/session.h"
#include "session/engine/job_list.h"

#define FACTS(kind, function, command_, doing_, ...)                                                                   \
    [FF_JOB_##kind] = {.command = (command_), .doing = (doing_), __VA_ARGS__},
static const ff_job_facts facts[FF_JOB_KINDS] = {FF_JOB_ROWS(FACTS)};

const ff_job_facts *ff_job(ff_job_kind kind)
{
    static const ff_job_facts none = {.doing = "working"};
    return (int)kind >= 0 && kind < FF_JOB_KINDS ? &facts[kind] : &none;
}

const char *ff_job_name(ff_job_kind kind)
{
    return ff_job(kind)->doing;
}

ff_job_kind ff_job_of_command(const char *command)
{
    int kind = 0;
    while (kind < FF_JOB_KINDS && !(facts[kind].command && strcmp(facts[kind].command, command) == 0))
        kind++;
    return (ff_job_kind)kind;
}
