/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All that is known of a job, one row each; fetafix/session.h says what a job's request holds.
 *
 *     JOB(kind, function of run.c, command that asks for just this or NULL, what the engine is doing, ff_job_facts...)
 *
 * jobs.c makes of it what front ends read, run.c what the engine calls; a new job is a row here, its
 * function there and its name in ff_job_kind. A kind without a row does not compile.
 */
#ifndef FETAFIX_SESSION_ENGINE_JOB_LIST_H
#define FETAFIX_SESSION_ENGINE_JOB_LIST_H

#define FF_JOB_ROWS(JOB)                                                                                               \
    JOB(LOAD, run_load, NULL, "loading", .silent = true)                                                               \
    JOB(LOCALIZE, run_localize, "localize", "comparing", .lengthy = true, .localizes = true)                           \
    JOB(EVALUATE, run_evaluate, NULL, "judging a repair")                                                              \
    JOB(ACCEPT, run_accept, NULL, "taking a repair")                                                                   \
    JOB(REJECT, run_reject, NULL, "setting aside")                                                                     \
    JOB(SPLIT, run_split, NULL, "splitting")                                                                           \
    JOB(UNDO, run_undo, "undo", "undoing")                                                                             \
    JOB(REDO, run_redo, NULL, "redoing")                                                                               \
    JOB(GOTO, run_goto, NULL, "going there")                                                                           \
    JOB(STEP, run_step, "step", "searching a repair", .lengthy = true, .localizes = true)                              \
    JOB(REPAIR, run_repair, "repair", "repairing", .lengthy = true, .localizes = true)                                 \
    JOB(SAVE, run_save, NULL, "writing")                                                                               \
    JOB(DETAIL, run_detail, NULL, "reading details", .looks = true, .silent = true)                                    \
    JOB(VALIDATE, run_validate, "validate", "validating", .lengthy = true)                                             \
    JOB(EXPORT, run_export, NULL, "exporting")                                                                         \
    JOB(PRE_INTO_GRAPH, run_pre_into_graph, "pre-into-graph", "writing the preprocessing")                             \
    JOB(EXPORT_SCRIPT, run_export_script, NULL, "exporting")                                                           \
    JOB(REPRO, run_repro, NULL, "writing faults")                                                                      \
    JOB(LABELS, run_labels, NULL, "writing the labels")                                                                \
    JOB(COMPARE, run_compare, NULL, "comparing states")                                                                \
    JOB(PIN, run_pin, NULL, "pairing")                                                                                 \
    JOB(FORBID, run_pin, NULL, "pairing")                                                                              \
    JOB(UNPIN, run_pin, NULL, "pairing")                                                                               \
    JOB(WHAT_IF, run_what_if, NULL, "trying an edit")                                                                  \
    JOB(KEEP, run_keep, "keep", "keeping an edit")                                                                     \
    JOB(DROP, run_drop, "drop", "dropping an edit")                                                                    \
    JOB(PICTURE, run_picture, NULL, "drawing an image", .looks = true, .silent = true)                                 \
    JOB(MEASURE, run_measure, NULL, "scoring the layers", .lengthy = true)                                             \
    JOB(BISECT, run_bisect, "bisect", "bisecting", .lengthy = true)                                                    \
    JOB(ERRAND, run_errand, NULL, "asking models", .silent = true)

/* How many rows there are. */
#define FF_JOB_ONE(...) +1
_Static_assert(0 FF_JOB_ROWS(FF_JOB_ONE) == FF_JOB_KINDS, "a row for each kind of job");

#endif
