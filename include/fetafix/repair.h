/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetafix/repair.h: proposals to decisions. No cause is known here.
 *
 *     ff_judge_proposal(judge, state, proposal, ...)      is it better? exact, and no more run than needed
 *     ff_search_next / ff_search_report                   the order of trying: what next, when to stop
 *
 * The search is a pure function of the case and of the decisions taken so far: it can be stopped and taken up
 * anywhere.
 *
 * The whole loop, as the session runs it:
 *
 *     subject = first = ff_subject_create(...);       judge = ff_judge_create(first, ...)
 *     state = start = ff_judge_state(judge, target, ...)
 *     search = ff_search_create(&options);            ff_search_set_proposals(search, ff_propose(subject))
 *     while (ff_search_next(search, state->wrong, &trial)) {
 *         ff_trial_run(&trial, judge, subject, start, state, proposals, steps, n_steps, task, &outcome)
 *         commit the trial and whether it was accepted
 *         ff_search_report(search, &trial, outcome.judgement.verdict, outcome.accepted)
 *         if (outcome.accepted && trial.kind == FF_TRIAL_ADD) {
 *             append copies of proposals[trial.indices[...]] to steps;  state = outcome.judgement.state
 *             subject = ff_subject_retarget(first, state->model, &state->pre, state->labels, ...)
 *             proposals = ff_propose(its findings);   ff_search_set_proposals(search, proposals)
 *         }
 *     }
 *     ff_search_essential(search, &n)                 steps (and their findings) that are essential
 */
#ifndef FETAFIX_REPAIR_H
#define FETAFIX_REPAIR_H

#include "fetafix/faults.h"

/*
 * The smallest part of the Target that shows a fault, in the layout of the ONNX backend tests:
 *
 *     FOLDER/model.onnx                           from values that correspond to the Source's to the first one that
 *                                                 should, behind the fault
 *     FOLDER/test_data_set_0/input_K.pb           the Source's values there, in the Target's layout
 *     FOLDER/test_data_set_0/output_0.pb          the Source's values behind it: what is expected
 *     FOLDER/repaired.onnx                        the same part with the faults in it repaired, where that gives them
 *     FOLDER/fault.txt                            in words
 *
 * Of the first images, wrong ones before others, it is fed that at which the result is farthest off; it differs by more
 * than the backend tests allow (1e-7 + 1e-3 |expected| somewhere).
 */
typedef struct ff_repro {
    double error, repaired; /* |result - expected| / |expected| (L2); repaired NAN: there is no repaired.onnx */
    int image, n_nodes;
} ff_repro;
/* `all` and `proposals` are what was found and proposed with f. FF_ERR_USAGE with the reason: f cannot be shown by a
 * part of the model (PP, ID; what has no counterpart to be measured by), or a file exists (without `force`). */
int ff_repro_write(const ff_subject *s, const ff_finding *f, const ff_findings *all, const ff_proposals *proposals,
                   const char *folder, bool force, const ff_task *task, ff_repro *out) FF_MUST_USE;

/*
 * A repair as a file: which model it is for, which preprocessing it ends with, and the edits.
 *
 *     FETAFIX-PATCH 1\n   sha256 of the model, in hex\n   spec, or an empty line\n   ff_patch_serialize
 */
typedef struct ff_repair_file {
    ff_key target;
    char *pre; /* NULL: unchanged */
    ff_patch *patch;
} ff_repair_file;
int ff_repair_file_read(const char *path, ff_repair_file *out) FF_MUST_USE;
int ff_repair_file_write(const ff_repair_file *f, const char *path, bool force) FF_MUST_USE;
void ff_repair_file_finish(ff_repair_file *f);

/* A Target as it is at one point of the repair. Immutable. */
typedef struct ff_state {
    ff_model *model;
    ff_pre pre;
    ff_labels *labels; /* over all images, outputs not kept */
    int wrong;
    double distance; /* mean over images of |T - S| / |S| (L2) of the outputs, both as probabilities when
                          one of them ends in a Softmax; INFINITY: cannot run or is not comparable */
    ff_key outputs;  /* what all of this depends on: output key of the plan and key of the feed */
} ff_state;
/* As from a session file; copies, references the model. */
ff_state *ff_state_create(ff_model *m, const ff_pre *pre, const ff_labels *labels, int wrong, double distance,
                          const ff_key *outputs);
ff_state *ff_state_copy(const ff_state *s); /* shares the model */
void ff_state_destroy(ff_state *s);

typedef enum ff_verdict {
    FF_VERDICT_BETTER, /* within the limit: run over every image (or known) */
    FF_VERDICT_SAME,   /* provably the same outputs on every image: nothing was run */
    FF_VERDICT_WORSE,  /* above the limit: stopped as soon as that was certain */
    FF_VERDICT_BROKEN, /* the edited model cannot be made or cannot run; `why` in words */
} ff_verdict;
const char *ff_verdict_name(ff_verdict v); /* "better", "same", "worse", "broken" */

typedef struct ff_judgement {
    ff_verdict verdict;
    int wrong;       /* exact when `complete`, else a lower bound */
    double distance; /* when complete */
    bool complete;
    int fixed, broken; /* images put right and made wrong against the base, of those run */
    int images_run;
    double flops, flops_full; /* really run; what a whole evaluation would have cost */
    char *why;                /* one line */
    ff_state *state;          /* the state after, when complete and the model runs; may be taken (set to NULL) */
} ff_judgement;
void ff_judgement_finish(ff_judgement *j);
/* What was searched for is known: its spec becomes the proposal's, in words too. Nothing for the others. */
void ff_proposal_settle(ff_proposal *p, const ff_judgement *j);

/* Judges candidates against a base. Keeps plans, runners, the activations store, feeds and the labels of
 * every state it met. Used by one thread at a time; its work is shared out over task->pool. */
typedef struct ff_judge ff_judge;
/* Keeps a reference to what the subject has of the Source; the subject itself may go. */
int ff_judge_create(const ff_subject *s, uint64_t memory, ff_judge **out) FF_MUST_USE;
void ff_judge_destroy(ff_judge *j);
/* Runs a state over every image, and makes it the one whose activations are worth keeping. A model that
 * cannot run is a state too (every image wrong). */
int ff_judge_state(ff_judge *j, ff_model *m, const ff_pre *pre, const ff_task *task, ff_state **out) FF_MUST_USE;
/* Exact early decision: is the count of wrong images of the model at most `limit`? Images that are wrong in
 * `base` run first, then the others by smallest margin there; it ends as soon as limit + 1 wrong images
 * were seen. `complete`: every image is run whatever comes. Failures of the model itself are
 * FF_VERDICT_BROKEN, not a code. */
int ff_judge_model(ff_judge *j, const ff_state *base, ff_model *m, const ff_pre *pre, int limit, bool complete,
                   const ff_task *task, ff_judgement *out) FF_MUST_USE;
/* The same over the hardest images alone, one in `share` (16 at least): those that are wrong in `base`, then by
 * smallest margin there. FF_VERDICT_WORSE is certain for all images; FF_VERDICT_BETTER says nothing of those that were
 * not run (`complete` is false), and makes the activations of this model the ones worth keeping: it is for a chain of
 * candidates, each cut from the one before, the last of which is then judged on every image. */
int ff_judge_hardest(ff_judge *j, const ff_state *base, ff_model *m, const ff_pre *pre, int limit, int share,
                     const ff_task *task, ff_judgement *out) FF_MUST_USE;
/* How many may be wrong after a step from `base`: fewer than there (the paper's rule), but for one that cannot run at
 * all, which is worse than any that does. */
int ff_judge_limit(const ff_state *base);
/* Judges by that rule. */
int ff_judge_proposal(ff_judge *j, const ff_state *base, const ff_proposal *p, bool complete, const ff_task *task,
                      ff_judgement *out) FF_MUST_USE;

/* ------------------------------------------------------------------------------------ search */

/* Phases: greedy (single proposals, in rounds; a cause that many share is tried as a whole before its repairs are),
 * joint (several at once where faults mask one another, halved until something helps), preprocessing (a search for a
 * better spec, where the Source's did not do; it comes late, since a spec can be found that hides other faults),
 * completion (all real faults left, at once, else in halves), minimise (which of the steps were essential). */
typedef enum ff_phase {
    FF_PHASE_GREEDY,
    FF_PHASE_JOINT,
    FF_PHASE_PRE,
    FF_PHASE_COMPLETE,
    FF_PHASE_MINIMISE,
    FF_PHASE_DONE
} ff_phase;
const char *ff_phase_name(ff_phase p); /* "greedy", "joint", "preprocessing", "completion", "minimise", "done" */
typedef struct ff_search_options {
    bool paper;   /* --strategy paper: greedy only */
    bool minimal; /* keep the essential repairs only */
    int rounds;   /* fruitless rounds before greedy ends; 0: 3. A fruitless round would be followed by
                        identical ones, so they are counted, not run */
} ff_search_options;

typedef struct ff_trial {
    ff_phase phase;
    enum {
        FF_TRIAL_ADD,    /* proposals `indices` of the present list on top of the present state */
        FF_TRIAL_SUBSET, /* of all single proposals accepted so far those at `indices`, from the start */
    } kind;
    int n;
    const int *indices; /* ascending; belongs to the search, until the next call */
    const char *group;  /* id of the group that these are, or are left of; NULL: none. As long as indices */
    int share;          /* FF_TRIAL_SUBSET: judged on the hardest image in so many; 1 (or 0): on all of them */
} ff_trial;

typedef struct ff_outcome {
    bool accepted;
    ff_judgement judgement;
    ff_proposal proposal; /* what was tried: the single or joined proposal (FF_TRIAL_ADD) */
} ff_outcome;
void ff_outcome_finish(ff_outcome *o);

/* Joins, judges and decides. `steps` are the single proposals accepted since `start`, in order (a joint step
 * counts as its n proposals; indices of FF_TRIAL_SUBSET are places in this list). Accepted:
 * greedy and joint: fewer wrong; completion: not more wrong and no larger distance (but for rounding); minimise: not more
 * wrong than `state`. */
int ff_trial_run(const ff_trial *t, ff_judge *j, const ff_subject *s, const ff_state *start, const ff_state *state,
                 const ff_proposals *proposals, const ff_proposal *steps, int n_steps, const ff_task *task,
                 ff_outcome *out) FF_MUST_USE;

typedef struct ff_search ff_search;
ff_search *ff_search_create(const ff_search_options *o);
void ff_search_destroy(ff_search *s);
/* The list of proposals for the present state: at the start and after each accepted FF_TRIAL_ADD. The
 * search remembers by id what was tried; nothing else of the list is kept but ids and findings. */
void ff_search_set_proposals(ff_search *s, const ff_proposals *p);
/* The next trial, given how many images are wrong in the present state; false: the search is done. Asking
 * twice without a report gives the same trial. */
bool ff_search_next(ff_search *s, int wrong, ff_trial *out);
/* Tells the outcome of a trial; of a single proposal of the list also without having been asked (a user
 * who accepts or rejects by hand). After an accepted FF_TRIAL_ADD, ff_search_set_proposals must follow. Same
 * calls in the same order: same search, so a session replays its decisions to resume. */
void ff_search_report(ff_search *s, const ff_trial *t, ff_verdict v, bool accepted);
/* Tells that a step was taken which is none of the list: a person's own edit. As after an accepted FF_TRIAL_ADD,
 * ff_search_set_proposals must follow. */
void ff_search_took(ff_search *s);
ff_phase ff_search_phase(const ff_search *s);
/* After FF_PHASE_DONE: places of the accepted single proposals that are essential (all of them when
 * minimisation did not run). With `minimal`, the final state is the start with these alone (an accepted
 * FF_TRIAL_SUBSET showed that they do). */
const int *ff_search_essential(const ff_search *s, int *n);

#endif
