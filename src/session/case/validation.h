/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The counts over independent images, in the state that was validated last. */
#ifndef FETAFIX_SESSION_CASE_VALIDATION_H
#define FETAFIX_SESSION_CASE_VALIDATION_H

#include "session/history/history.h"

typedef struct validation {
    ff_dataset *set;                        /* NULL: none is given */
    int images, initial, wrong, regressed;  /* -1: not counted */
    int labelled;                           /* images of which the class is given */
    int source_right, initial_right, right; /* of those */
    char *harm;                             /* in words, or NULL */
    char *names;                            /* of the images that got worse, a line each */
    int64_t state;                          /* that was validated; -1: none */
    ff_labels *source, *first;              /* of the Source, and of the Target as it came */
    ff_store *kept;                         /* what the Source computed on the way */
} validation;

int case_validate(ff_case *c) FF_MUST_USE;

#endif
