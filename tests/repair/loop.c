/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ok(call)                                                                                                       \
    do {                                                                                                               \
        if ((call) != FF_OK)                                                                                           \
            fail_msg("%s: %s", #call, ff_error());                                                                     \
    } while (0)

typedef struct loop {
    ff_subject *first, *subject;
    ff_search *search;
    ff_findings *findings;
    ff_proposals *proposals;
    ff_proposal *steps;
    size_t capacity;
    const ff_task *task;
} loop;

static void list(loop *l)
{
    ok(ff_localize(l->subject, l->task, &l->findings, NULL));
    ok(ff_propose(l->subject, l->findings, NULL, &l->proposals));
    ff_search_set_proposals(l->search, l->proposals);
}

static void unlist(loop *l)
{
    ff_findings_destroy(l->findings);
    ff_proposals_destroy(l->proposals);
    if (l->subject != l->first)
        ff_subject_destroy(l->subject);
}

static void advance(loop *l, const ff_trial *t, ff_outcome *o, loop_result *r)
{
    for (int i = 0; i < t->n; i++) {
        ff_grow(&l->steps, &l->capacity, (size_t)r->steps + 1, sizeof *l->steps);
        ff_proposal_copy(&l->proposals->at[t->indices[i]], &l->steps[r->steps++]);
    }
    assert_true(o->judgement.wrong <= r->end->wrong);
    ff_state_destroy(r->end);
    r->end = o->judgement.state;
    o->judgement.state = NULL;
    unlist(l);
    ok(ff_subject_retarget(l->first, r->end->model, &r->end->pre, r->end->labels, l->task, &l->subject));
    assert_int_equal(l->subject->wrong, r->end->wrong);
    list(l);
}

void loop_run(ff_subject *first, const ff_search_options *options, const ff_task *task, loop_result *out)
{
    loop l = {.first = first, .subject = first, .search = ff_search_create(options), .task = task};
    loop_result r = {0};
    ff_state *start;
    ff_trial t;
    ok(ff_judge_create(first, 0, &r.judge));
    ok(ff_judge_state(r.judge, first->target.model, &first->target.pre, task, &start));
    assert_int_equal(start->wrong, first->wrong);
    r.end = ff_state_copy(start);
    list(&l);
    while (ff_search_next(l.search, r.end->wrong, &t)) {
        ff_outcome o;
        ok(ff_trial_run(&t, r.judge, l.subject, start, r.end, l.proposals, l.steps, r.steps, task, &o));
        if (o.judgement.verdict == FF_VERDICT_BROKEN)
            print_message("  broken: %s\n", o.judgement.why);
        ff_search_report(l.search, &t, o.judgement.verdict, o.accepted);
        r.accepted[t.phase] += o.accepted;
        r.raised += t.phase == FF_PHASE_GREEDY && !o.accepted;
        if (o.accepted && t.kind == FF_TRIAL_ADD)
            advance(&l, &t, &o, &r);
        ff_outcome_finish(&o);
    }
    r.left = l.findings->count;
    for (int i = 0; i < r.left; i++)
        print_message("  left: %s\n", l.findings->at[i].summary);
    ff_search_essential(l.search, &r.essential);
    unlist(&l);
    for (int i = 0; i < r.steps; i++)
        ff_proposal_finish(&l.steps[i]);
    free(l.steps);
    ff_search_destroy(l.search);
    ff_state_destroy(start);
    *out = r;
}

void loop_finish(loop_result *r)
{
    ff_state_destroy(r->end);
    ff_judge_destroy(r->judge);
}
