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

#include "fetafix/repair.h"
#include "fetafix/session.h"
#include "session/history/store.h"

/* A node of the history tree. State 0 is the Target as it came. */
typedef struct point {
    int64_t parent;   /* -1: the root */
    int depth;        /* accepted steps since the root */
    int64_t decision; /* that made it; 0: the root */
    char *ids;        /* proposals that made it, newline between; NULL: the root */
    char *type, *summary;
    char *findings;     /* ids that the step repairs, newline between */
    ff_patch *patch;    /* from the parent; NULL: no edit of the graph */
    ff_proposal *parts; /* of a joint step: the single repairs it is made of; else none */
    int n_parts;
    ff_pre pre;
    int wrong;
    double distance;
    char model_hex[65];
    char *error;       /* why the model cannot run, or NULL */
    ff_labels *labels; /* without outputs */
    ff_model *model;   /* made on demand */
    /* What was found here: set when the state was localised. */
    bool listed;
    char *proposals;         /* ids of the list, newline between */
    char *proposal_findings; /* a line for each proposal: its finding ids, blank between */
    char *open;              /* ids of the findings, newline between */
} point;

typedef enum outcome {
    OUTCOME_ACCEPTED,
    OUTCOME_REJECTED,
    OUTCOME_BROKEN,
    OUTCOME_UNDONE,
    OUTCOME_REDONE,
    OUTCOME_WENT,
    OUTCOME_ESSENTIAL,  /* minimisation settled: the state with the essential steps only */
    OUTCOME_INTO_GRAPH, /* the preprocessing was written into the graph */
    OUTCOME_KEPT,       /* an edit of one's own became a step */
    OUTCOME_COUNT
} outcome;
const char *outcome_name(outcome o);

typedef struct decision {
    int64_t number;   /* 1.. */
    int64_t previous; /* in the log of the search it belongs to; 0: the first */
    outcome outcome;
    bool subset;      /* FF_TRIAL_SUBSET: `ids` holds indices of steps */
    int64_t from, to; /* states; to -1: none was made */
    char *ids, *type, *summary, *findings;
    int verdict;       /* ff_verdict; -1: not judged */
    int before, after; /* wrong labels; after -1: unknown */
    char *phase;       /* name, or "" for a person's own */
} decision;

/* A finding as shown, from whatever state it was seen in first. */
typedef struct known_finding {
    char *id, *cause, *summary, *explanation, *source_nodes, *target_nodes, *details;
    ff_fault_type type;
    double magnitude;
    int64_t state;
    int source; /* canonical node of the Source, or -1: where to find its pair in any alignment */
    bool saved;
} known_finding;

/* A judgement made ahead of time, of a proposal on the present state. */
typedef struct ahead {
    char *id;
    ff_judgement judgement;
} ahead;

/* Rows of the account of work: what precedes the search, then its phases. */
enum { WORK_LABELS, WORK_ANALYSIS, WORK_SEARCH, WORK_PHASES = WORK_SEARCH + FF_PHASE_DONE };
/* An edit of one's own on the present state. */
typedef struct what_if {
    ff_proposal proposal; /* id NULL: none is looked at */
    ff_judgement judgement;
    bool edit; /* false: an injection */
} what_if;

typedef struct ff_case {
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
    ff_dataset *set, *validation;
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
    bool loaded, localized, searched;
    int offset;

    point *points;
    int n_points;
    size_t points_capacity;
    decision *decisions;
    int n_decisions;
    size_t decisions_capacity;
    known_finding *known;
    int n_known;
    size_t known_capacity;
    int64_t current; /* state */
    int64_t tip;     /* last decision of the search's log */

    ff_judge *judge;
    ff_state *start, *state; /* root and present, as the judge wants them */
    ff_search *search;
    ff_proposal *steps;   /* single repairs accepted since the root on the way to the present state */
    int64_t *step_states; /* the state that each of them made */
    int n_steps;
    size_t steps_capacity;
    bool stale;        /* the present state changed and what belongs to it was not made yet */
    bool search_waits; /* the search was told of an accepted step and waits for the new list */
    bool timed_out;
    double seconds; /* spent on searching, earlier runs included */
    ahead ahead[8];
    int n_ahead;
    ff_work work[WORK_PHASES];
    what_if what_if;

    int validation_images, validation_initial, validation_wrong, validation_regressed;
    int validation_labelled;                                                 /* images of which the class is given */
    int validation_source_right, validation_initial_right, validation_right; /* of those */
    char *validation_harm;                                                   /* in words, or NULL */
    char *validation_names; /* of the images that got worse, a line each */
    int64_t validation_state;
    ff_labels *validation_source, *validation_first;
    ff_store *validation_kept; /* what the Source computed on the way */

    ff_buf notes[64]; /* ring */
    int64_t n_notes;

    /* Called after anything that front ends should see; `force` false may be skipped when frequent.
     */
    void (*publish)(void *context, bool force);
    void (*announce)(void *context, const char *message);
    void (*between)(void *context); /* two trials: a moment for who only wants to look */
    void *context;
    uint64_t changes;   /* of the state: tables that depend on it are made anew */
    uint64_t localised; /* of the localisation */
} ff_case;

/* A row of the account opens with zeros; `begun`: ff_now_ns() before the work. */
void case_open_account(ff_case *c);
void case_count_work(ff_case *c, int row, double flops, double flops_full, int64_t begun);
void case_count_trial(ff_case *c, ff_phase phase, const ff_judgement *j, int64_t begun);
void case_note_work(ff_case *c);

ff_case *case_create(const ff_session_options *o);
void case_destroy(ff_case *c);
void case_known_finish(known_finding *k);
void case_note(ff_case *c, const char *format, ...) FF_PRINTF(2, 3);

/* load.c */
int case_open_store(ff_case *c) FF_MUST_USE; /* in the caller of ff_session_open */
int case_load(ff_case *c) FF_MUST_USE;
ff_labels *case_plain_labels(const ff_labels *l); /* copy without outputs */

/* show/brief.c: "max 6 -> 3", "weight int8 per tensor 0.8%"; as a note, what most are about goes without saying. Appended */
void case_brief(ff_fault_type type, const char *cause, const char *details, double magnitude, bool note, ff_buf *out);

/* history/history.c, history_read.c, history_write.c */
point *case_point(ff_case *c, int64_t state);
int case_point_model(ff_case *c, int64_t state, ff_model **out) FF_MUST_USE; /* borrowed */
/* Writes a new state (and its labels) and the decision in one transaction, then takes them in. */
int case_commit(ff_case *c, decision *d, point *p) FF_MUST_USE;
int case_save_root(ff_case *c) FF_MUST_USE;
int case_save_listing(ff_case *c, int64_t state) FF_MUST_USE;
int case_read_history(ff_case *c) FF_MUST_USE;
void point_finish(point *p);
void decision_finish(decision *d);
int case_path(const ff_case *c, int64_t state, int64_t *out, int max); /* root first; length */
int case_save_findings(ff_case *c) FF_MUST_USE;
int case_save_scores(ff_case *c) FF_MUST_USE;

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
void case_make_point(const ff_case *c, const ff_proposal *p, const ff_judgement *j, point *out);
/* Commits a step that no search proposed, tells of it and makes the lists of its state. Takes the
 * point over. */
int case_commit_step(ff_case *c, outcome how, point *p) FF_MUST_USE;
/* The end with --minimal was made, in the search's log. */
bool case_settled(const ff_case *c);
/* Loaded for repair, and localised. */
int case_need_search(ff_case *c) FF_MUST_USE;
/* Judges a proposal of the present list and keeps the judgement. */
int case_judge(ff_case *c, int index, bool complete, const ff_task *task) FF_MUST_USE;
/* The one way in which a trial becomes history. `p` is what was tried (NULL for steps taken away); the judgement has a
 * state when it was accepted. */
int case_decide(ff_case *c, const ff_trial *t, const ff_proposal *p, const ff_judgement *j, bool accepted,
                const char *phase) FF_MUST_USE;
/* Judges the next proposal that is not judged yet; false: there is none. */
bool case_speculate(ff_case *c, ff_cancel *cancel);
const ff_judgement *case_judged(const ff_case *c, const char *id);
/* Takes a judgement out of the list without freeing it. */
void case_keep_judgement(ff_case *c, const char *id);
bool case_decided(const ff_case *c, const char *id); /* at the present state, in the search's log */
char *case_trial_ids(const ff_trial *t, char *const *ids);
void case_forget_judgements(ff_case *c);

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

/* what_if.c */
int case_what_if(ff_case *c, int64_t pair, const char *words) FF_MUST_USE;
int case_keep(ff_case *c) FF_MUST_USE;
int case_drop(ff_case *c) FF_MUST_USE;
void case_drop_what_if(ff_case *c);

/* validate.c */
int case_validate(ff_case *c) FF_MUST_USE;

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
