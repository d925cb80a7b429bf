/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands that are a job of the engine: steps, moves in the history, pins. */
#include <string.h>

#include "fetafix/command_job.h"
#include "fetafix/command_place.h"
#include "program/verbs.h"
#include "program/verbs/states.h"
#include "program/verbs/status.h"

int prompt_job(ff_context *c, int argc, char **argv)
{
    (void)argc;
    ff_job_kind kind = ff_job_of_command(argv[0]);
    int code = ff_post_job(c, &(ff_request){.kind = kind});
    if (!code && c->wait && kind == FF_JOB_VALIDATE)
        say_validation(c);
    return code;
}

int prompt_measure(ff_context *c, int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "causal") != 0)
        return ff_fail(FF_ERR_USAGE, "expected: measure [causal], not '%s'", argv[1]);
    return ff_post_job(c, &(ff_request){.kind = FF_JOB_MEASURE, .number = argc > 1});
}

int prompt_move(ff_context *c, int argc, char **argv)
{
    ff_request r = {.kind = strcmp(argv[0], "goto") ? FF_JOB_REDO : FF_JOB_GOTO};
    int code = argc > 1 ? state_number(argv[0], argv[1], &r.number) : FF_OK;
    return code ? code : ff_post_job(c, &r);
}

int prompt_pin(ff_context *c, int argc, char **argv)
{
    (void)argc;
    ff_job_kind kind = !strcmp(argv[0], "pin") ? FF_JOB_PIN : !strcmp(argv[0], "forbid") ? FF_JOB_FORBID : FF_JOB_UNPIN;
    bool done;
    int code = ff_need_localized(c, &done);
    if (code || !done)
        return code;
    const ff_snapshot *s = ff_session_snapshot(c->session);
    const char *source, *target;
    /* A repair may have renamed a node: the engine knows those of the Target as it came. */
    if (ff_place_node(s, "source", argv[1], &source) != FF_OK)
        source = argv[1];
    if (ff_place_node(s, "target", argv[2], &target) != FF_OK)
        target = argv[2];
    code = ff_post_job(c, &(ff_request){.kind = kind, .id = source, .target = target});
    ff_snapshot_unref(s);
    return code;
}
