/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One model over a set of images, for whoever needs no more than that. */
#ifndef FETAFIX_SESSION_EVALUATE_H
#define FETAFIX_SESSION_EVALUATE_H

#include "fetafix/data.h"

/* The plan of a model for images under a spec. A model that takes anything but one image fails with
 * FF_ERR_GRAPH. */
int case_plan(ff_model *m, const char *output, const ff_pre *pre, bool reference,
              ff_plan **out) FF_MUST_USE;
/* Labels of all images. A model that cannot run gives labels with `error`; an operator that is not
 * supported is a failure. memory: bytes for pictures kept. */
int case_label(ff_model *m, const char *output, const ff_pre *pre, const ff_dataset *set,
               bool reference, uint64_t memory, bool keep_outputs, const ff_task *task,
               ff_labels **out) FF_MUST_USE;

#endif
