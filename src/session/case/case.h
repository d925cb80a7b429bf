/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One case as the engine thread holds it: models, images, the history tree and the search. Only the
 * engine thread touches it; others see snapshots.
 *
 *     load.c      settings, models, images, labels, resumption
 *     localize.c  subject, findings, scores and proposals of the present state
 *     bisect.c    where the models part
 *     measure.c   layers scored in the present state
 *     step.c      trials: judged, committed, told to the search
 *     hand.c      what a person decides: accept, reject, split
 *     export.c    the way to a state, as a patch or as a script
 *     repro.c     faults as bundles
 *     what_if.c   edits of one's own, looked at before they are kept
 *     move.c      undo, redo, going to a state, and the search replayed there
 *     validate.c  independent images
 *     pins.c      pairs that a person pinned or forbade
 *     work.c      what all of this costs
 *
 * Beside it: history/ states and decisions, in memory and in the store; show/ what front ends see;
 * engine/ the thread and its jobs.
 */
#ifndef FETAFIX_SESSION_CASE_CASE_H
#define FETAFIX_SESSION_CASE_CASE_H

#include "session/case/ahead.h"
#include "session/case/stage.h"
#include "session/case/validation.h"
#include "session/case/what_if.h"
#include "session/history/history.h"
#include "session/history/store.h"

/* Rows of the account of work: what precedes the search, then its phases. */
enum { WORK_LABELS, WORK_ANALYSIS, WORK_SEARCH, WORK_PHASES = WORK_SEARCH + FF_PHASE_DONE };
struct ff_case {
    ff_session_options options; /* texts owned by `texts` */
    ff_arena *texts;
    store *db;
    bool resumed, reloading;

    ff_pool *pool;
    ff_task task; /* pool, the session's cancel token and progress */
    ff_model *source, *target;
    char *source_absolute, *target_absolute;
    ff_pre source_pre, target_pre;
    const char *source_why, *target_why;
    ff_dataset *set;
    ff_names *names;
    ff_pin *pins;
    int n_pins;

    ff_comparator *comparator;                /* NULL until the settings are settled */
    ff_labels *source_labels, *target_labels; /* at first; without outputs but for labels_only */
    ff_subject *first;                        /* the root's subject */
    ff_subject *subject;                      /* the present state's (may be `first`) */
    ff_sames *sames;
    ff_findings *findings; /* of the present state */
    ff_proposals *proposals;
    ff_divergence divergence; /* of the root */
    bool bisected;
    ff_divergence parting; /* of the state `parted_state`, where `parted` */
    bool parted;
    int64_t parted_state;
    ff_layer_scores *scores;   /* of the root; pairs of first->alignment */
    ff_layer_scores *measured; /* of the state `measured_state`; pairs of its alignment; NULL: none was asked for */
    int64_t measured_state;
    case_stage stage;
    int offset;

    history history;

    ff_judge *judge;
    ff_state *start, *state; /* root and present, as the judge wants them */
    ff_search *search;
    ff_proposal *steps;   /* single repairs accepted since the root on the way to the present state */
    int64_t *step_states; /* the state that each of them made */
    int n_steps;
    size_t steps_capacity;
    double seconds; /* spent on searching, earlier runs included */
    ahead ahead;
    ff_work work[WORK_PHASES];
    what_if what_if;

    validation validation;

    ff_buf notes[64]; /* ring */
    int64_t n_notes;

    /* Called after anything that front ends should see; `force` false may be skipped when frequent.
     */
    void (*publish)(void *context, bool force);
    void (*announce)(void *context, const char *message);
    void (*between)(void *context); /* two trials: a moment for who only wants to look */
    void *context;
    uint64_t changes;       /* of the state: tables that depend on it are made anew */
    uint64_t localizations; /* how many there were: what belongs to one is made anew */
};

/* A row of the account opens with zeros; `begun`: ff_now_ns() before the work. */
void case_open_account(ff_case *c);
void case_count_work(ff_case *c, int row, double flops, double flops_full, int64_t begun);
void case_count_trial(ff_case *c, ff_phase phase, const ff_judgement *j, int64_t begun);
void case_note_work(ff_case *c);

ff_case *case_create(const ff_session_options *o);
void case_destroy(ff_case *c);
void case_note(ff_case *c, const char *format, ...) FF_PRINTF(2, 3);

/* load.c */
int case_open_store(ff_case *c) FF_MUST_USE; /* in the caller of ff_session_open */
int case_load(ff_case *c) FF_MUST_USE;
ff_labels *case_plain_labels(const ff_labels *l); /* copy without outputs */

/* show/brief.c: "max 6 -> 3", "weight int8 per tensor 0.8%"; as a note, what most are about goes without saying. Appended */
void case_brief(ff_fault_type type, const char *cause, const char *details, double magnitude, bool note, ff_buf *out);

/* localize.c */
int case_analyse(ff_case *c, const ff_subject *s, bool causal, ff_layer_scores **out) FF_MUST_USE; /* the caller's */
int case_localize(ff_case *c) FF_MUST_USE;
/* Subject, findings and proposals of the present state; judge's base state. */
int case_refresh(ff_case *c) FF_MUST_USE;
/* Some state was localised under the present pins. */
bool case_any_listed(const ff_case *c);
/* Looks the id up in the present list; -1. */
int case_proposal(const ff_case *c, const char *id);

/* step.c */
int case_trial(ff_case *c, bool *done, bool *accepted) FF_MUST_USE;
int case_step(ff_case *c) FF_MUST_USE;
int case_repair(ff_case *c) FF_MUST_USE;
int case_pre_into_graph(ff_case *c) FF_MUST_USE;
/* The state that a judged proposal leads to, without `ids`. */
void case_make_state(const ff_case *c, const ff_proposal *p, const ff_judgement *j, case_state *out);
/* Commits a step that no search proposed, tells of it and makes the lists of its state. Takes the
 * state over. */
int case_commit_step(ff_case *c, outcome how, case_state *p) FF_MUST_USE;
/* The end with --minimal was made, in the search's log. */
bool case_settled(const ff_case *c);
/* Loaded for repair, and localised. */
int case_need_search(ff_case *c) FF_MUST_USE;
/* The one way in which a trial becomes history. `p` is what was tried (NULL for steps taken away); the judgement has a
 * state when it was accepted. */
int case_decide(ff_case *c, const ff_trial *t, const ff_proposal *p, const ff_judgement *j, bool accepted,
                const char *phase) FF_MUST_USE;
bool case_decided(const ff_case *c, const char *id); /* at the present state, in the search's log */
char *case_trial_ids(const ff_trial *t, char *const *ids);

/* hand.c */
int case_evaluate(ff_case *c, const char *id) FF_MUST_USE;
/* `ids`: one a line, taken as one step; a group stands for its members. NULL or empty: what the search would try. */
int case_accept(ff_case *c, const char *ids, bool force) FF_MUST_USE;
int case_reject(ff_case *c, const char *id) FF_MUST_USE;
/* A group that is proposed is set aside, so that its members are left. Without an id the present state's step, when it
 * took several repairs at once, is taken again one by one. */
int case_split(ff_case *c, const char *id) FF_MUST_USE;

/* show/compare.c */
int case_compare(ff_case *c, int64_t a, int64_t b, const struct ff_comparison **out) FF_MUST_USE;

/* export.c */
int case_export_patch(ff_case *c, const char *path, bool force) FF_MUST_USE;
int case_export_script(ff_case *c, const char *path, bool force) FF_MUST_USE;

/* repro.c */
int case_repro(ff_case *c, const char *folder, const char *id, bool force) FF_MUST_USE;

/* move.c */
int case_undo(ff_case *c) FF_MUST_USE;
int case_redo(ff_case *c, int64_t number) FF_MUST_USE;
int case_goto(ff_case *c, int64_t number) FF_MUST_USE;
/* Makes the search anew and tells it the log that ends in `tip`. */
int case_replay(ff_case *c) FF_MUST_USE;

/* show/nodes.c: a row each, in the order of `pairs`, which is the table of the same state */
ff_table *case_nodes(const ff_case *c, const ff_table *pairs);

/* show/columns.c: an empty table of ff_session_columns() */
ff_table *case_table(const char *name);

/* pins.c */
/* Those of the store and those asked for; *more: some of these are not in the store. */
int case_collect_pins(ff_case *c, bool *more) FF_MUST_USE;
/* Stores them; what was localised without them is forgotten. */
int case_keep_pins(ff_case *c) FF_MUST_USE;
/* FF_JOB_PIN, FF_JOB_FORBID, FF_JOB_UNPIN. */
int case_pin(ff_case *c, ff_job_kind kind, const char *source, const char *target) FF_MUST_USE;
ff_table *case_pins(const ff_case *c);

/* show/pairs.c */
ff_table *case_pairs(ff_case *c);
ff_table *case_layers(ff_case *c);
int case_pair_of(const ff_case *c, const known_finding *k); /* in the present alignment; -1 */
int case_layer_of(const ff_case *c, int pair);              /* 1..; 0: no core layer */
/* "a\nb" into its lines; the caller frees each and the array. Returns how many. */
int case_split_lines(const char *text, char ***out);
/* bisect.c: of the present state; NULL: not known yet. Words with the pairs of `a`; a label is "" where there is none */
int case_bisect(ff_case *c) FF_MUST_USE;
const ff_divergence *case_parting(const ff_case *c);
char *case_parting_words(const ff_case *c, const ff_alignment *a, const ff_divergence *d, int layer);
const char *case_parting_label(const ff_canon *c, int node);
/* measure.c: scores of the present state; those that were asked for last, by a node of the Source; NULL: none */
int case_measure(ff_case *c, bool causal) FF_MUST_USE;
const ff_layer_score *case_measured(const ff_case *c, int source);

/* localize.c: the root's scores with the pairs of another alignment; NULL: none. The caller
 * destroys. */
ff_layer_scores *case_scores_for(const ff_case *c, const ff_subject *s);
/* show/detail.c */
int case_detail(ff_case *c, int pair, const struct ff_detail **out) FF_MUST_USE;

/* show/picture.c */
int case_picture(ff_case *c, int64_t pair, int image, const struct ff_picture **out) FF_MUST_USE;

/* Texts of proposals in the store. */
ff_fault_type case_type_of(const char *name);
char *case_findings_of(const ff_proposal *p);
void case_split_findings(const char *lines, ff_proposal *out);
/* A line per item; text as in the files. */
char *case_labels_of(const ff_node *const *nodes, int n);
bool case_lists(const char *lines, const char *id);

#endif
