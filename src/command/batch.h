/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the verbs of the shell share: a session that is waited for, notes, progress, interruption.
 */
#ifndef FETAFIX_COMMAND_BATCH_H
#define FETAFIX_COMMAND_BATCH_H

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
/* Posts and waits, with progress on a terminal. Ctrl-C ends it with FF_ERR_CANCELLED. */
int batch_run(ff_context *c, const ff_request *r) FF_MUST_USE;
int batch_wait(ff_context *c, int64_t job) FF_MUST_USE;
/* The engine's notes ("accepted: wrong 21 -> 19") are data: what a script or a prompt shows. */
int batch_wait_saying(ff_context *c, int64_t job) FF_MUST_USE;

void say(ff_context *c, const char *format, ...) FF_PRINTF(2, 3); /* data */
/* Paragraphs ('\n' between them), broken into lines of 78 cells; one that begins with a blank stays. */
void say_paragraphs(ff_context *c, const char *text);
void note(ff_context *c, const char *format, ...) FF_PRINTF(2, 3); /* not with --quiet */
/* Writes text to FILE, or prints it when the name is "-". */
int write_text(ff_context *c, const char *path, const ff_buf *text, bool force) FF_MUST_USE;

/* Ctrl-C and SIGTERM: cancel the session's jobs, or this token where there is no session. */
void interrupt_install(void);
void interrupt_watch(ff_session *s); /* NULL: none */
extern ff_cancel interrupted;
extern _Atomic int interrupt_signal; /* the last one, 0: none */

/* script.c: the case that the words behind `script FILE` or `repl` name, if any; and lines from a pipe,
 * each answered, wrong ones too. */
int script_open_case(ff_context *c, int argc, char **argv) FF_MUST_USE;
int script_answer(ff_context *c) FF_MUST_USE;

/* repl.c: lines from the terminal (Readline, with this prompt) or from standard input, until `quit` or the
 * end. What fails is noted. */
int repl_lines(ff_context *c, const char *prompt) FF_MUST_USE;

/* teach.c: does the lesson that is held want this command to wait until its question is answered? Then
 * FF_ERR_USAGE. */
int lesson_allows(const ff_context *c, const ff_command *row) FF_MUST_USE;

/* report.c */
struct json_t;
struct json_t *work_json(const ff_snapshot *s);                               /* a row a phase; a new reference */
char *report_json(const ff_snapshot *s, const ff_options *o, double seconds); /* caller frees */

/* bench_case.c: where the time of a repair goes. */
int bench_case(ff_context *c, int argc, char **argv) FF_MUST_USE;

/* The verbs. */
int verb_compare(ff_context *c, int argc, char **argv);
int verb_localize(ff_context *c, int argc, char **argv);
int verb_repair(ff_context *c, int argc, char **argv);
int verb_explore(ff_context *c, int argc, char **argv);
int verb_run(ff_context *c, int argc, char **argv);
int verb_inspect(ff_context *c, int argc, char **argv);
int verb_apply(ff_context *c, int argc, char **argv);
int verb_borrow(ff_context *c, int argc, char **argv);
int verb_matrix(ff_context *c, int argc, char **argv);
int verb_explain(ff_context *c, int argc, char **argv);
int verb_bench(ff_context *c, int argc, char **argv);
int verb_repl(ff_context *c, int argc, char **argv);
int verb_query(ff_context *c, int argc, char **argv);
int verb_teach(ff_context *c, int argc, char **argv);
int verb_help(ff_context *c, int argc, char **argv);
int verb_script(ff_context *c, int argc, char **argv);

/* Set by ff_main. */
bool batch_has_screen(void); /* a terminal that the explorer can draw on */
extern int (*explorer)(ff_session *s, const ff_options *o);

#endif
