/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetafix/command_job.h: what a command needs of the engine: posted, waited for, cancelled by Ctrl-C.
 */
#ifndef FETAFIX_COMMAND_JOB_H
#define FETAFIX_COMMAND_JOB_H

#include "fetafix/command.h"

/* Ctrl-C and SIGTERM: cancel the session's jobs, or this token where there is no session. */
void ff_interrupt_install(void);
void ff_interrupt_watch(ff_session *s); /* NULL: none */
extern ff_cancel ff_interrupted;
extern _Atomic int ff_interrupt_signal; /* the last one, 0: none */

/* Posts and waits, with progress on a terminal. Ctrl-C ends it with FF_ERR_CANCELLED. */
int ff_run_job(ff_context *c, const ff_request *r) FF_MUST_USE;
int ff_wait(ff_context *c, int64_t job) FF_MUST_USE;
/* The engine's notes ("accepted: wrong 21 -> 19") are data: what a script or a prompt shows. */
int ff_wait_saying(ff_context *c, int64_t job) FF_MUST_USE;

/* FF_ERR_USAGE when no case is open. */
int ff_need_session(const ff_context *c) FF_MUST_USE;
/* Findings, layers and repairs are there. As ff_later_need: not *done with FF_OK, the line is run again. */
int ff_need_localized(ff_context *c, bool *done) FF_MUST_USE;
/* Posts a job whose result the command needs. *done: it is there. Otherwise, with FF_OK, the command ends and
 * its line is run again when the job has ended (context.again is set then). */
int ff_later_need(ff_context *c, const ff_request *r, bool *done) FF_MUST_USE;
/* Where the context waits, the outcome is printed; else events tell it. */
int ff_post_job(ff_context *c, const ff_request *r) FF_MUST_USE;

#endif
