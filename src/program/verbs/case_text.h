/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the verbs of a case say of it. */
#ifndef FETAFIX_PROGRAM_CASE_TEXT_H
#define FETAFIX_PROGRAM_CASE_TEXT_H

#include "fetafix/command.h"

void case_say_models(ff_context *c, const ff_snapshot *s);
void case_say_wrong(ff_context *c, const ff_snapshot *s);
void case_say_wrong_images(ff_context *c, const ff_snapshot *s);
void case_say_groups(ff_context *c, const ff_snapshot *s);
void case_say_divergence(ff_context *c, const ff_snapshot *s);
void case_say_faults(ff_context *c, const ff_snapshot *s, bool with_status);
void case_say_curves(ff_context *c, const ff_table *t);
void case_say_layers(ff_context *c, const ff_snapshot *s);
void case_say_validation(ff_context *c, const ff_snapshot *s);
void case_say_repair(ff_context *c);

#endif
