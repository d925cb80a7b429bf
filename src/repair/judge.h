/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the judge share. */
#ifndef REPAIR_JUDGE_H
#define REPAIR_JUDGE_H

#include "fetafix/repair.h"
#include "localize/runners.h"

const ff_shared *judge_shared(const ff_judge *j);
/* Class k of these labels is class k + offset of the Source's. */
int judge_offset(const ff_judge *j, const ff_labels *l);
/* Failures of the model that is judged, rather than of the judge. */
bool judge_is_of_model(int code);
/* `v` of a model that cannot be made or run: the thread's error says why. Every image is wrong. */
void judge_broken(const ff_judge *j, ff_judgement *v);

#endif
