/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands of the prompt, the REPL and scripts. */
#ifndef FETAFIX_COMMAND_PROMPT_H
#define FETAFIX_COMMAND_PROMPT_H

#include "fetafix/command.h"

/* FF_ERR_USAGE when no case is open. */
int need_session(const ff_context *c) FF_MUST_USE;
/* Findings, layers and repairs are there. As later_need: not *done with FF_OK, the line is run again. */
int need_localized(ff_context *c, bool *done) FF_MUST_USE;
/* Where the context waits, the outcome is printed; else events tell it. */
int prompt_post(ff_context *c, const ff_request *r) FF_MUST_USE;

int prompt_measure(ff_context *c, int argc, char **argv);
int prompt_job(ff_context *c, int argc, char **argv); /* step repair undo localize validate keep drop */
int prompt_cancel(ff_context *c, int argc, char **argv);
int prompt_jobs(ff_context *c, int argc, char **argv);
int prompt_what_if(ff_context *c, int argc, char **argv);
int prompt_accept(ff_context *c, int argc, char **argv); /* accept reject evaluate split */
int prompt_move(ff_context *c, int argc, char **argv);   /* redo goto */
int prompt_pin(ff_context *c, int argc, char **argv);    /* pin forbid unpin */
int prompt_write(ff_context *c, int argc, char **argv);  /* save export repro */
int prompt_compare_states(ff_context *c, int argc, char **argv);
int prompt_report(ff_context *c, int argc, char **argv);
int prompt_labels(ff_context *c, int argc, char **argv);
int prompt_table(ff_context *c, int argc, char **argv); /* findings layers ... */
int prompt_query(ff_context *c, int argc, char **argv);
void say_validation(ff_context *c);
/* A setting that `set` changes while the program runs. */
bool setting_is_live(const char *name);
int prompt_status(ff_context *c, int argc, char **argv);
int prompt_set(ff_context *c, int argc, char **argv);
int prompt_answer(ff_context *c, int argc, char **argv);
int prompt_hint(ff_context *c, int argc, char **argv);
int prompt_lesson(ff_context *c, int argc, char **argv);
int prompt_bind(ff_context *c, int argc, char **argv);
int prompt_color(ff_context *c, int argc, char **argv);
int prompt_show(ff_context *c, int argc, char **argv);
int prompt_script(ff_context *c, int argc, char **argv);
int prompt_help(ff_context *c, int argc, char **argv);
int prompt_quit(ff_context *c, int argc, char **argv);

/* `bind` and `color` of a configuration file: the words behind them. */
int keys_bind(int n, char **words) FF_MUST_USE;
int colors_set(int n, char **words) FF_MUST_USE;

#endif
