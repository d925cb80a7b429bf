/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include "session_case.h"
#include "small_case.h"

static char folder[] = "/tmp/fetafix-session-XXXXXX";
static char *source, *target, *photos, *validation;

char *session_case_path(const char *name)
{
    return ff_path_join(folder, name);
}

int session_case_set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    source = session_case_path("source.onnx");
    target = session_case_path("target.onnx");
    photos = session_case_path("photos.txt");
    validation = session_case_path("validation");
    if (small_case_make(folder)) {
        fprintf(stderr, "%s\n", ff_error());
        return -1;
    }
    return 0;
}

int session_case_tear_down(void **state)
{
    (void)state;
    char *command = ff_asprintf("rm -rf %s", folder);
    int rc = system(command);
    free(command);
    free(source);
    free(target);
    free(photos);
    free(validation);
    return rc;
}

ff_session_options session_case_options(const char *file)
{
    return (ff_session_options){
        .source = source,
        .target = target,
        .images = photos,
        .validate = validation,
        .source_pre = SMALL_CASE_PRE,
        .target_pre = SMALL_CASE_PRE,
        .path = file,
    };
}

ff_session *session_case_open(const ff_session_options *o)
{
    ff_session *s;
    if (ff_session_open(o, &s))
        fail_msg("%s", ff_error());
    if (ff_session_wait(s, 1))
        fail_msg("%s", ff_error());
    return s;
}

int session_case_run(ff_session *s, ff_request r)
{
    return ff_session_wait(s, ff_session_post(s, &r));
}

void session_case_do(ff_session *s, ff_job_kind kind)
{
    if (session_case_run(s, (ff_request){.kind = kind}))
        fail_msg("%s", ff_error());
}

int session_case_wrong(ff_session *s)
{
    const ff_snapshot *now = ff_session_snapshot(s);
    int wrong = now->wrong;
    ff_snapshot_unref(now);
    return wrong;
}

int64_t session_case_state(ff_session *s)
{
    const ff_snapshot *now = ff_session_snapshot(s);
    int64_t state = now->state;
    ff_snapshot_unref(now);
    return state;
}
