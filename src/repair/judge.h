/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the judge share. */
#ifndef REPAIR_JUDGE_H
#define REPAIR_JUDGE_H

#include "fetafix/repair.h"
#include "fetafix/examine.h"
#include "repair/known.h"

enum { FEEDS = 4 };

struct ff_judge {
    ff_shared *shared;
    const ff_labels *source;
    const ff_comparator *comparator;
    int offset;
    bool offset_settled; /* the Target ran at first */
    uint64_t memory;
    known_results *known;
    struct {
        ff_feed *feed;
        ff_pre pre;
        int n;
        ff_shape shapes[FF_MOST_INPUTS];
    } feeds[FEEDS]; /* most recently used first */
    /* Activations kept for the base: valid for one feed only. */
    ff_store *store;
    ff_key store_feed, store_base, base;
    ff_plan *store_plan;
    /* By image: the judgement that last broke it; these run first. */
    int64_t *broke, judgements;
};

/* A model under a spec, ready to run. FF_ERR_GRAPH: it cannot. */
typedef struct subject_plan {
    ff_plan *plan;
    ff_feed *feed; /* the judge's */
    ff_key key;
} subject_plan;

/* What is asked about a model. */
typedef struct question {
    const ff_state *base;
    ff_model *model;
    const ff_pre *pre;
    int limit;
    bool complete;
    int share; /* 1: over all images; else over one in so many */
} question;

/* Runs what was asked for and fills in the judgement. */
int judge_evaluate(ff_judge *j, const question *q, const subject_plan *p, const ff_task *task,
                   ff_judgement *v) FF_MUST_USE;
/* The verdict by the wrong ones, unless it is given that nothing changed, and why in words. */
void judge_conclude(ff_judgement *v, int limit, const char *format, ...) FF_PRINTF(3, 4);
/* Images put right and broken, of those that were run. */
void judge_count_moves(const ff_judge *j, const ff_labels *base, const ff_labels *now, int offset, ff_judgement *v);

const ff_shared *judge_shared(const ff_judge *j);
/* Class k of these labels is class k + offset of the Source's. */
int judge_offset(const ff_judge *j, const ff_labels *l);
/* Failures of the model that is judged, rather than of the judge. */
bool judge_is_of_model(int code);
/* `v` of a model that cannot be made or run: the thread's error says why. Every image is wrong. */
void judge_broken(const ff_judge *j, ff_judgement *v);

#endif
