/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FETAFIX_SESSION_HISTORY_STORED_H
#define FETAFIX_SESSION_HISTORY_STORED_H

#include "session/case/case.h"

/* `owner`: a state, or what else labels belong to in the session file. Read: the caller's. */
int stored_labels_save(const ff_case *c, int64_t owner, const ff_labels *l) FF_MUST_USE;
int stored_labels_read(ff_case *c, int64_t owner, ff_labels **out) FF_MUST_USE;

#endif
