/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetafix/faults.h: what a conversion breaks: found in a subject, told in words, and repaired by edits of the Target.
 *
 *     ff_localize(subject, ...)                           findings: every one real, each with cause and nodes
 *     ff_propose(subject, findings, scores, &proposals)   edits of the original Target, in words too
 *
 * A family of faults is one folder of src/faults: find.c, fix.c and what the two share.
 */
#ifndef FETAFIX_FAULTS_H
#define FETAFIX_FAULTS_H

#include "fetafix/examine.h"

typedef enum ff_fault_type { FF_PP, FF_ID, FF_TSS, FF_WB, FF_LH, FF_CG, FF_FAULT_TYPES } ff_fault_type;
const char *ff_fault_type_name(ff_fault_type t);  /* "PP" */
const char *ff_fault_type_text(ff_fault_type t);  /* paragraphs for whoever asks what it is */
const char *ff_fault_type_title(ff_fault_type t); /* "preprocessing differs" */

/* What a finding says was done wrong: a row of the table in src/faults/causes.c. All static. */
struct ff_detection;
struct ff_proposing;
struct ff_finding;
typedef struct ff_cause {
    const char *name;                    /* "int8-per-tensor" */
    ff_fault_type type;                  /* FF_FAULT_TYPES: it is an equivalence, never a finding's */
    const char *text;                    /* in plain words, for whoever asks what it is */
    const char *words, *why;             /* of numbers: "were rounded to float16", and how that comes; else NULL */
    const char *not_repaired;            /* why nothing repairs it; NULL where something does */
    bool may_cancel;                     /* together with others it may change nothing */
    int (*find)(struct ff_detection *d); /* the detector that is there for it; others may find it too */
    int (*fix[3])(struct ff_proposing *p, const struct ff_finding *f); /* in this order; NULL behind the last */
} ff_cause;
const ff_cause *ff_cause_at(int i);               /* NULL behind the last */
const ff_cause *ff_cause_named(const char *name); /* whatever its case; NULL: there is none */

typedef struct ff_finding {
    char *id; /* stable for one fault across re-localisation: "WB:features.2/weight" */
    ff_fault_type type;
    const ff_cause *cause;
    char *summary;     /* one line in plain words, names made visible */
    char *explanation; /* a few sentences: what is wrong, why converters do it, what the repair does */
    int n_source_nodes, n_target_nodes;
    const ff_node **source_nodes, **target_nodes; /* belong to the subject's models */
    int pair;                                     /* of the alignment, or -1 */
    char *details;                                /* a JSON object: the differing values */
    double magnitude;                             /* how large, for sorting: relative distance of weights, else 1 */
    struct ff_hint *hint;                         /* what a strategy needs to know: src/faults/hint.h */
} ff_finding;

typedef struct ff_findings {
    int count;
    ff_finding *at; /* in the paper's order: PP ID TSS, then WB LH CG down the network */
} ff_findings;

/* A difference that cannot change a result, with both sides where it has two. How that is known: proved by a rule, or
 * tested (rule "tested"). Rule "latent": no sample shows it, but inputs off the data do. */
typedef struct ff_same {
    const char *rule, *meaning;
    int n_source_nodes, n_target_nodes;
    const ff_node **source_nodes, **target_nodes;
    double deviation;
    const char *probe; /* of a latent one: the inputs off the data that show it; static, NULL else */
    int64_t values;    /* of one that was tested: numbers compared */
} ff_same;
typedef struct ff_sames {
    int count;
    ff_same *at;
} ff_sames;

int ff_localize(const ff_subject *s, const ff_task *task, ff_findings **out, ff_sames **same) FF_MUST_USE;
void ff_findings_destroy(ff_findings *f);
void ff_sames_destroy(ff_sames *s);

typedef struct ff_proposal {
    char *id; /* finding id(s) and variant: "LH:Conv_3/pads", "PP#caffe" */
    int n_findings;
    char **findings;    /* ids */
    ff_fault_type type; /* of the first */
    char *summary;      /* "replace the weights of 'Conv_3' by the Source's" */
    ff_patch *patch;    /* NULL: no edit of the graph */
    bool has_pre;       /* the Target's preprocessing, `from` when it was proposed, becomes `pre` */
    ff_pre pre, from;
    bool search_pre; /* what is proposed is to search for a better preprocessing, from the Target's and from
                          `pre` on; what was found is in the judgement's state */
    int pair;        /* of the alignment it was made for; -1: none */
    int n_members;   /* a group: several repairs of one cause, offered as one step. Places in the list it stands */
    int *members;    /* in, ascending; it has no edits of its own: ff_proposal_join makes them */
} ff_proposal;
/* The id of the proposal to search: it has a phase of its own. */
#define FF_SEARCH_PRE "search:preprocessing"
#define FF_GROUP      "group:" /* ids of groups begin with this */
typedef struct ff_proposals {
    int count;
    ff_proposal *at;
} ff_proposals;
/* All proposals for the findings of the subject, in the order in which they should be tried: the paper's,
 * WB LH CG down the list of suspicious layers (`scores` may be NULL: order of the network). At the end a search for a
 * preprocessing while labels differ, and a group ("group:WB:int8-per-tensor") for each cause that several findings
 * share. */
int ff_propose(const ff_subject *s, const ff_findings *f, const ff_layer_scores *scores,
               ff_proposals **out) FF_MUST_USE;
void ff_proposals_destroy(ff_proposals *p);
/* One proposal that does several at once; fails with FF_ERR_GRAPH when their edits clash. */
int ff_proposal_join(const ff_subject *s, const ff_proposal *const *parts, int n, ff_proposal *out) FF_MUST_USE;
/* The same of the members of a group in its list; any other proposal is copied. */
int ff_proposal_resolve(const ff_subject *s, const ff_proposals *list, int index, ff_proposal *out) FF_MUST_USE;
void ff_proposal_copy(const ff_proposal *p, ff_proposal *out);
void ff_proposal_finish(ff_proposal *p);
/* The Target's preprocessing after the proposal: what it changed against the one it was proposed for. */
void ff_proposal_pre(const ff_proposal *p, ff_pre *pre);
/* The model after the proposal (a new reference; the same model when it has no patch). */
int ff_proposal_apply(const ff_proposal *p, ff_model *m, ff_model **out) FF_MUST_USE;

/* A person's own edits, as proposals that repair no finding (id "what-if"). FF_ERR_USAGE says what cannot be done.
 * Attribute `name` (as the canonical view has it, else ONNX's) of the pair's Target node becomes `value`: "0,0,1,1",
 * "6", "SAME_UPPER"; one number stands for all. */
int ff_own_attribute(const ff_subject *s, int pair, const char *name, const char *value, ff_proposal *out) FF_MUST_USE;
/* All constants of the pair's Target node become the Source's. */
int ff_own_weights(const ff_subject *s, int pair, ff_proposal *out) FF_MUST_USE;

/* The edits after which the model, fed pictures prepared as `fed`, sees them as `wanted`. FF_ERR_USAGE where the two
 * differ in more than an affine map of each channel and the channels' order, or the input is no RGB float32. */
int ff_pre_into_graph(const ff_model *m, const ff_pre *fed, const ff_pre *wanted, ff_patch **out) FF_MUST_USE;

#endif
