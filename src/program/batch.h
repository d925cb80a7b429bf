/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the verbs of the shell share: models, files that are written, a case from its operands and options. */
#ifndef FETAFIX_PROGRAM_BATCH_H
#define FETAFIX_PROGRAM_BATCH_H

#include "fetafix/command.h"

/* The model of a file; under `task` the word `target` is the case's Target as it is now. */
int batch_load_model(const ff_context *c, const char *path, ff_model **out) FF_MUST_USE;
/* What cancels a verb: Ctrl-C, or under `task` what cancels that. */
ff_cancel *batch_cancel(const ff_context *c);
/* Refuses files that exist before any work is done (unless --force), and folders that do not. */
int batch_check_outputs(const ff_options *o) FF_MUST_USE;
/* Opens the case that operands and options name, and waits until it is loaded. The session is the
 * context's; batch_close ends it. */
int batch_open(ff_context *c, bool labels_only, int argc, char **argv) FF_MUST_USE;
void batch_close(ff_context *c);
/* Writes text to FILE, or prints it when the name is "-". */
int write_text(ff_context *c, const char *path, const ff_buf *text, bool force) FF_MUST_USE;
bool batch_has_screen(const ff_context *c); /* a terminal that the explorer can draw on */

#endif
