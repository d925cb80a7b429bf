/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The functions of the command table's rows: `verb_` as a verb of the shell, `prompt_` at the prompt, in the REPL
 * and in scripts. argv[0] of the latter is the name of the row.
 */
#ifndef FETAFIX_PROGRAM_VERBS_H
#define FETAFIX_PROGRAM_VERBS_H

#include "fetafix/command.h"

int verb_compare(ff_context *c, int argc, char **argv);
int verb_localize(ff_context *c, int argc, char **argv);
int verb_repair(ff_context *c, int argc, char **argv);
int verb_explore(ff_context *c, int argc, char **argv);
int verb_run(ff_context *c, int argc, char **argv);
int verb_inspect(ff_context *c, int argc, char **argv);
int verb_apply(ff_context *c, int argc, char **argv);
int verb_convert(ff_context *c, int argc, char **argv);
int verb_borrow(ff_context *c, int argc, char **argv);
int verb_matrix(ff_context *c, int argc, char **argv);
int verb_explain(ff_context *c, int argc, char **argv);
int verb_bench(ff_context *c, int argc, char **argv);
int verb_repl(ff_context *c, int argc, char **argv);
int verb_query(ff_context *c, int argc, char **argv);
int verb_teach(ff_context *c, int argc, char **argv);
int verb_script(ff_context *c, int argc, char **argv);

int prompt_assert(ff_context *c, int argc, char **argv); /* 1: it does not hold */
int prompt_measure(ff_context *c, int argc, char **argv);
int prompt_job(ff_context *c, int argc, char **argv); /* step repair undo localize validate keep drop */
int prompt_cancel(ff_context *c, int argc, char **argv);
int prompt_jobs(ff_context *c, int argc, char **argv);
int prompt_what_if(ff_context *c, int argc, char **argv);
int prompt_accept(ff_context *c, int argc, char **argv); /* accept reject evaluate split */
int prompt_move(ff_context *c, int argc, char **argv);   /* redo goto */
int prompt_pin(ff_context *c, int argc, char **argv);    /* pin forbid unpin */
int prompt_write(ff_context *c, int argc, char **argv);  /* save export repro */
int prompt_report(ff_context *c, int argc, char **argv);
int prompt_labels(ff_context *c, int argc, char **argv);
int prompt_table(ff_context *c, int argc, char **argv); /* findings layers ... */
int prompt_query(ff_context *c, int argc, char **argv);
int prompt_status(ff_context *c, int argc, char **argv);
int prompt_set(ff_context *c, int argc, char **argv);
int prompt_answer(ff_context *c, int argc, char **argv);
int prompt_hint(ff_context *c, int argc, char **argv);
int prompt_lesson(ff_context *c, int argc, char **argv);
int prompt_script(ff_context *c, int argc, char **argv);
int prompt_quit(ff_context *c, int argc, char **argv);

#endif
