/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edits of one's own: looked at first, then a step or forgotten. */
#ifndef FETAFIX_SESSION_CASE_WHAT_IF_H
#define FETAFIX_SESSION_CASE_WHAT_IF_H

#include "session/history/history.h"

/* An edit of one's own on the present state. */
typedef struct what_if {
    ff_proposal proposal; /* id NULL: none is looked at */
    ff_judgement judgement;
    bool edit; /* false: an injection */
} what_if;

int case_what_if(ff_case *c, int64_t pair, const char *words) FF_MUST_USE;
int case_keep(ff_case *c) FF_MUST_USE;
int case_drop(ff_case *c) FF_MUST_USE;
void case_drop_what_if(ff_case *c);

#endif
