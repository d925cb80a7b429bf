/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the engine does and what waits for it. */
#include <string.h>

#include "fetafix/command_job.h"
#include "fetafix/command_say.h"
#include "program/verbs.h"

static const ff_column job_columns[] = {
    {"job", FF_COL_INT, "its number"},
    {"what", FF_COL_TEXT, "what it does"},
    {"state", FF_COL_TEXT, "runs or waits"},
};

/* In the explorer the cursor may be on a job. */
int prompt_cancel(ff_context *c, int argc, char **argv)
{
    if (c->view)
        return c->view(c->sink, argc, argv) ? FF_OK : ff_fail(FF_ERR_INTERNAL, "nothing cancels here");
    int code = ff_need_session(c);
    if (!code)
        ff_session_cancel(c->session, false);
    return code;
}

int prompt_jobs(ff_context *c, int argc, char **argv)
{
    ff_job_info jobs[64];
    int64_t number;
    int code = ff_need_session(c);
    if (code)
        return code;
    int n = ff_session_jobs(c->session, jobs, (int)FF_COUNT(jobs));
    if (argc > 1) {
        if (argc != 3 || strcmp(argv[1], "cancel") != 0 || !ff_parse_int(argv[2], &number))
            return ff_fail(FF_ERR_USAGE, "expected: jobs [cancel JOB]");
        for (int i = 0; i < n; i++) {
            if (jobs[i].job == number) {
                ff_session_cancel_job(c->session, number);
                return FF_OK;
            }
        }
        return ff_fail(FF_ERR_USAGE, "no job %s runs or waits", argv[2]);
    }
    ff_table *t = ff_table_create("jobs", job_columns, FF_COUNT(job_columns));
    for (int i = 0; i < n; i++) {
        int row = ff_table_add_row(t);
        ff_table_set_int(t, row, "job", jobs[i].job);
        ff_table_set_text(t, row, "what", ff_job_name(jobs[i].kind));
        ff_table_set_text(t, row, "state", jobs[i].running ? "runs" : "waits");
    }
    ff_show_table(c, t, NULL);
    ff_table_unref(t);
    return FF_OK;
}

int prompt_quit(ff_context *c, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    c->quit = true;
    return FF_OK;
}
