/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FETAFIX_SESSION_SHOW_SNAPSHOT_H
#define FETAFIX_SESSION_SHOW_SNAPSHOT_H

#include "session/case/case.h"

/* On the engine thread: what is known now, one reference. */
ff_snapshot *case_snapshot(ff_case *c, const ff_snapshot *last);
ff_snapshot *snapshot_ref(const ff_snapshot *s);
const ff_detail *detail_ref(const ff_detail *d);
const ff_comparison *comparison_ref(const ff_comparison *c);
const ff_picture *picture_ref(const ff_picture *p);

#endif
