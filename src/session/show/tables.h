/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FETAFIX_SESSION_SHOW_TABLES_H
#define FETAFIX_SESSION_SHOW_TABLES_H

#include "session/case/case.h"

/* Tables of a snapshot, made new on the engine thread; the caller's. */
ff_table *case_findings(ff_case *c);
ff_table *case_proposals(ff_case *c);
ff_table *case_states(const ff_case *c);
ff_table *case_steps(const ff_case *c);
ff_table *case_images(const ff_case *c);
ff_table *case_equivalences(const ff_case *c);
ff_table *case_log(const ff_case *c);

#endif
