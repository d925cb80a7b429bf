/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetafix/repair.h: findings to proposals, proposals to decisions.
 *
 *     ff_propose(subject, finding, &proposal)     edits of the original Target, in words too
 *     ff_judge_create(...) / ff_judge(...)        is it better? exact, and no more run than needed
 *     ff_search_*                                 the order of trying: what next, when to stop
 *
 * A strategy is one file and one row of the table in src/repair/strategies.c. The search is a pure
 * function of the case and of the decisions taken so far: it can be stopped and taken up anywhere.
 */
#ifndef FETAFIX_REPAIR_H
#define FETAFIX_REPAIR_H

#include "fetafix/localize.h"

typedef struct ff_proposal {
    char *id;          /* finding id(s) and variant: "LH:Conv_3/pads", "PP#caffe" */
    int n_findings;
    char **findings;   /* ids */
    ff_fault_type type; /* of the first */
    char *summary;     /* "replace the weights of 'Conv_3' by the Source's" */
    ff_patch *patch;   /* NULL: no edit of the graph */
    bool has_pre;      /* the Target's preprocessing becomes `pre` */
    ff_pre pre;
} ff_proposal;
typedef struct ff_proposals {
    int count;
    ff_proposal *at;
} ff_proposals;
/* All proposals for the findings of the subject, in the order in which they should be tried: the paper's,
 * WB LH CG down the list of suspicious layers (`scores` may be NULL: order of the network). */
int ff_propose(const ff_subject *s, const ff_findings *f, const ff_layer_scores *scores, ff_proposals **out) FF_MUST_USE;
void ff_proposals_destroy(ff_proposals *p);
/* One proposal that does several at once; fails with FF_ERR_GRAPH when their edits clash. */
int ff_proposal_join(const ff_subject *s, const ff_proposal *const *parts, int n, ff_proposal *out) FF_MUST_USE;
void ff_proposal_finish(ff_proposal *p);

/* The state a proposal is judged against. */
typedef struct ff_state {
    ff_model *model;
    ff_pre pre;
    ff_labels *labels; /* over all images */
    int wrong;
    double distance;   /* mean over images of |T - S| / |S| (L2) of the outputs; INFINITY: cannot run */
} ff_state;

typedef enum ff_verdict {
    FF_VERDICT_BETTER,    /* fewer wrong labels: run over every image */
    FF_VERDICT_SAME,      /* provably the same labels (no-op, or counts equal) */
    FF_VERDICT_WORSE,     /* not fewer: stopped as soon as that was certain */
    FF_VERDICT_BROKEN,    /* the edited model cannot run; why in words */
} ff_verdict;

typedef struct ff_judgement {
    ff_verdict verdict;
    int wrong;          /* exact when `complete`, else a lower bound */
    double distance;    /* when complete */
    bool complete;
    int images_run;
    double flops, flops_full; /* really run; what a whole evaluation would have cost */
    char *why;          /* one line */
    ff_state *state;    /* the state after, when complete and the model runs */
} ff_judgement;
void ff_judgement_finish(ff_judgement *j);
void ff_state_destroy(ff_state *s);

/* Judges candidates against a base. Keeps plans, runners, the activations store and feeds. */
typedef struct ff_judge ff_judge;
int ff_judge_create(const ff_labels *source_labels, int offset, const ff_dataset *set, const char *output,
                    bool reference, uint64_t memory, ff_judge **out) FF_MUST_USE;
void ff_judge_destroy(ff_judge *j);
/* Runs a state over every image (labels cached by plan output key and feed key). */
int ff_judge_state(ff_judge *j, ff_model *m, const ff_pre *pre, const ff_task *task, ff_state **out) FF_MUST_USE;
/* Exact early decision against `base`. `complete`: run every image whatever comes. */
int ff_judge_proposal(ff_judge *j, const ff_state *base, const ff_proposal *p, bool complete,
                      const ff_task *task, ff_judgement *out) FF_MUST_USE;

/* Search: what is tried next. Phases: greedy (single findings, rounds), joint (all that is left, then
 * delta debugging), completion (remaining real faults at once), minimise (which were essential). */
typedef enum ff_phase { FF_PHASE_GREEDY, FF_PHASE_JOINT, FF_PHASE_COMPLETE, FF_PHASE_MINIMISE, FF_PHASE_DONE } ff_phase;
typedef struct ff_search_options {
    bool paper;      /* --strategy paper: greedy only */
    bool minimal;    /* keep the essential repairs only */
    int rounds;      /* fruitless rounds before greedy ends; 0: 3 */
    double time_limit; /* seconds; 0: 7200 */
} ff_search_options;
typedef struct ff_search ff_search;
ff_search *ff_search_create(const ff_search_options *o);
void ff_search_destroy(ff_search *s);
/* A new list of proposals for the present state (at the start and after each accepted step). */
void ff_search_set_proposals(ff_search *s, const ff_proposals *p);
/* The next proposal to judge: indices into the list, `n` of them (to be joined when n > 1); n 0: nothing
 * more in this phase and the next, or the search is done. */
int ff_search_next(ff_search *s, const int **indices, ff_phase *phase);
/* Tells the outcome of the proposal with these ids. Same calls, same order: same search. */
void ff_search_report(ff_search *s, const int *indices, int n, ff_verdict v, bool accepted);

#endif
