/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The small case in a folder of its own, opened and driven: what the tests of sessions share. */
#ifndef FETAFIX_TESTS_SESSION_CASE_H
#define FETAFIX_TESTS_SESSION_CASE_H

#include "fetafix/session.h"

/* For cmocka's groups: the folder is made before the first test and goes after the last. */
int session_case_set_up(void **state);
int session_case_tear_down(void **state);
char *session_case_path(const char *name); /* in the folder; the caller frees */
/* Source, Target, LIST, validation folder and preprocessing of the case; texts live as long as the folder. `file`:
 * the session's, or NULL. */
ff_session_options session_case_options(const char *file);

/* These fail the test where the library fails. */
ff_session *session_case_open(const ff_session_options *o);
int session_case_run(ff_session *s, ff_request r); /* waits; the job's code */
void session_case_do(ff_session *s, ff_job_kind kind);
int session_case_wrong(ff_session *s);
int64_t session_case_state(ff_session *s);

#endif
