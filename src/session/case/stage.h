/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How far a case has come. One stage at a time; each but the first holds what the ones above it made.
 *
 *     EMPTY                                nothing is read yet
 *       |  case_load
 *       v
 *     LOADED  <--------------------------+ models, images, labels of both
 *       |  case_refresh                  |
 *       v                                | other pins (pins.c), from any stage below
 *     STALE  <---------------------+-----+ the present state moved: findings, proposals and search are
 *       |  case_replay             |     | those of another one
 *       |                          |     |
 *       |        TOLD  <-----------|-----+ the search took a step (case_decide): it knows the step and wants
 *       |          |  case_replay  |     | the new list only
 *       v          v               |     |
 *     READY  ----------------------+     | everything belongs to the present state
 *       |  case_trial              |     |
 *       +---> TIMED_OUT  ----------+     | as READY; the time limit ended the search
 *       |                          |     |
 *       +---> SEARCHED  -----------+-----+ the search has nothing left to try
 *
 * What fails or is cancelled on the way leaves the stage that it began in.
 */
#ifndef FETAFIX_SESSION_CASE_STAGE_H
#define FETAFIX_SESSION_CASE_STAGE_H

#include <stdbool.h>

typedef enum case_stage {
    CASE_EMPTY,
    CASE_LOADED,
    CASE_STALE,
    CASE_TOLD,
    CASE_READY,
    CASE_TIMED_OUT,
    CASE_SEARCHED
} case_stage;

static inline bool case_stage_loaded(case_stage s)
{
    return s >= CASE_LOADED;
}

/* Some state was localised, if not the present one. */
static inline bool case_stage_localized(case_stage s)
{
    return s >= CASE_STALE;
}

/* Findings, proposals and search are those of the present state. */
static inline bool case_stage_current(case_stage s)
{
    return s >= CASE_READY;
}

#endif
