/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Judgements made ahead of time, of proposals on the present state: forgotten as soon as it moves. */
#ifndef FETAFIX_SESSION_CASE_AHEAD_H
#define FETAFIX_SESSION_CASE_AHEAD_H

#include "session/history/history.h"

enum { AHEAD_MAX = 8 };

typedef struct ahead {
    struct ahead_one {
        char *id; /* of the proposal */
        ff_judgement judgement;
    } at[AHEAD_MAX];
    int n;
} ahead;

/* Judges proposal `index` of the present list and keeps the judgement. */
int case_judge(ff_case *c, int index, bool complete, const ff_task *task) FF_MUST_USE;
/* Judges the next proposal that is not judged yet; false: there is none. */
bool case_speculate(ff_case *c, ff_cancel *cancel);
const ff_judgement *case_judged(const ff_case *c, const char *id);
/* Takes a judgement out of the list without freeing it. */
void case_take_judgement(ff_case *c, const char *id);
void case_forget_judgements(ff_case *c);

#endif
