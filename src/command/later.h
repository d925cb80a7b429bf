/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a command does when it needs the engine and its front end does not wait. */
#ifndef FETAFIX_COMMAND_LATER_H
#define FETAFIX_COMMAND_LATER_H

#include "command/batch.h"

/* Posts a job whose result the command needs. *done: it is there. Otherwise, with FF_OK, the command ends and
 * its line is run again when the job has ended (context.again is set then). */
int later_need(ff_context *c, const ff_request *r, bool *done) FF_MUST_USE;
/* This job changes the case and is short: lines typed behind it wait for it. */
void later_edited(ff_context *c, int64_t job);
/* True: the line was put behind what is waited for. */
bool later_holds(ff_context *c, const char *line);

#endif
