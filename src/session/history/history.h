/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What happened in a case: the tree of its states, the log of decisions that made them, and every finding
 * that was seen. Nothing is taken out again; the store holds the same.
 */
#ifndef FETAFIX_SESSION_HISTORY_HISTORY_H
#define FETAFIX_SESSION_HISTORY_HISTORY_H

#include "fetafix/repair.h"
#include "fetafix/session.h"

typedef struct ff_case ff_case;

/* A node of the history tree. State 0 is the Target as it came. */
typedef struct case_state {
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
} case_state;

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

typedef struct history {
    case_state *states; /* by number */
    int n_states;
    size_t states_capacity;
    decision *decisions; /* number n at n - 1 */
    int n_decisions;
    size_t decisions_capacity;
    known_finding *known;
    int n_known;
    size_t known_capacity;
    int64_t current; /* state */
    int64_t tip;     /* last decision of the search's log */
} history;

/* history.c, history_read.c, history_write.c */
case_state *case_state_at(ff_case *c, int64_t state);
int case_state_model(ff_case *c, int64_t state, ff_model **out) FF_MUST_USE; /* borrowed */
/* Writes a new state (and its labels) and the decision in one transaction, then takes them in. */
int case_commit(ff_case *c, decision *d, case_state *p) FF_MUST_USE;
int case_save_root(ff_case *c) FF_MUST_USE;
int case_save_listing(ff_case *c, int64_t state) FF_MUST_USE;
int case_read_history(ff_case *c) FF_MUST_USE;
void case_state_finish(case_state *p);
void decision_finish(decision *d);
int case_path(const ff_case *c, int64_t state, int64_t *out, int max); /* root first; length */
int case_save_findings(ff_case *c) FF_MUST_USE;
int case_save_scores(ff_case *c) FF_MUST_USE;

void case_known_finish(known_finding *k);

#endif
