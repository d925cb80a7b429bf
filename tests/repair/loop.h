/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The whole search on a subject, as a session runs it (fetafix/repair.h), for tests that need no session. */
#ifndef FETAFIX_TESTS_REPAIR_LOOP_H
#define FETAFIX_TESTS_REPAIR_LOOP_H

#include "fetafix/repair.h"

typedef struct loop_result {
    ff_state *end;
    ff_judge *judge;
    int left;                    /* findings that are left */
    int steps, essential;        /* single repairs accepted; of these, essential */
    int accepted[FF_PHASE_DONE]; /* trials by phase */
    int raised;                  /* single repairs that were judged worse or no better in the greedy phase */
} loop_result;

/* Fails the test where the library fails. An accepted step never raises the count, and each state's count is the
 * same when it is taken for a subject. */
void loop_run(ff_subject *first, const ff_search_options *o, const ff_task *task, loop_result *out);
void loop_finish(loop_result *r);

#endif
