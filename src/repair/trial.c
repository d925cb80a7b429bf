/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A trial of the search carried out: joined, applied, judged, decided. */
#include "fetafix/repair.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Outputs that are nearer than this are the same but for the order of operations, which an edit may change. */
#define ROUNDED 1e-5

static bool acceptable(ff_phase phase, const ff_state *state, const ff_judgement *v)
{
    if (phase == FF_PHASE_MINIMISE)
        return v->verdict == FF_VERDICT_BETTER || v->verdict == FF_VERDICT_SAME;
    if (v->verdict == FF_VERDICT_BROKEN || !v->complete)
        return false;
    switch (phase) {
    case FF_PHASE_COMPLETE:
        return v->wrong < state->wrong || (v->wrong == state->wrong && v->distance <= fmax(state->distance, ROUNDED));
    default:
        return v->wrong <= ff_judge_limit(state);
    }
}

/* A whole group goes by the group's own words. */
static void name_group(const ff_trial *t, const ff_proposals *list, ff_proposal *joined)
{
    for (int i = 0; t->group && i < list->count; i++) {
        const ff_proposal *p = &list->at[i];
        if (strcmp(p->id, t->group) == 0 && p->n_members == t->n) {
            free(joined->summary);
            joined->summary = ff_strdup(p->summary);
        }
    }
}

static int add(const ff_trial *t, ff_judge *j, const ff_subject *s, const ff_state *state,
               const ff_proposals *proposals, const ff_task *task, ff_outcome *o)
{
    const ff_proposal **parts = ff_alloc_array((size_t)t->n + 1, sizeof *parts);
    for (int i = 0; i < t->n; i++)
        parts[i] = &proposals->at[t->indices[i]];
    int rc = FF_OK;
    if (t->n == 1)
        ff_proposal_copy(parts[0], &o->proposal);
    else
        rc = ff_proposal_join(s, parts, t->n, &o->proposal);
    free(parts);
    if (rc == FF_ERR_GRAPH) {
        o->judgement = (ff_judgement){
            .verdict = FF_VERDICT_BROKEN, .why = ff_strdup(ff_error()), .distance = NAN, .wrong = state->labels->count};
        return FF_OK;
    }
    if (rc != FF_OK)
        return rc;
    name_group(t, proposals, &o->proposal);
    if (t->phase != FF_PHASE_COMPLETE)
        return ff_judge_proposal(j, state, &o->proposal, false, task, &o->judgement);
    ff_model *m;
    rc = ff_proposal_apply(&o->proposal, state->model, &m);
    if (rc == FF_ERR_GRAPH || rc == FF_ERR_UNSUPPORTED) {
        o->judgement = (ff_judgement){
            .verdict = FF_VERDICT_BROKEN, .why = ff_strdup(ff_error()), .distance = NAN, .wrong = state->labels->count};
        return FF_OK;
    }
    if (rc != FF_OK)
        return rc;
    ff_pre pre = state->pre;
    ff_proposal_pre(&o->proposal, &pre);
    rc = ff_judge_model(j, state, m, &pre, state->wrong, false, task, &o->judgement);
    ff_model_unref(m);
    return rc;
}

static int subset(const ff_trial *t, ff_judge *j, const ff_state *start, const ff_state *state,
                  const ff_proposal *steps, int n_steps, const ff_task *task, ff_outcome *o)
{
    ff_model *m = NULL;
    ff_patch *all = ff_patch_create();
    ff_pre pre = start->pre;
    int rc = FF_OK;
    for (int i = 0; i < t->n && rc == FF_OK; i++) {
        if (t->indices[i] >= n_steps) {
            rc = ff_fail(FF_ERR_INTERNAL, "step %d of %d", t->indices[i], n_steps);
            break;
        }
        const ff_proposal *p = &steps[t->indices[i]];
        if (p->patch)
            ff_patch_append(all, p->patch);
        ff_proposal_pre(p, &pre);
    }
    if (rc == FF_OK)
        rc = ff_model_apply(start->model, all, &m, NULL);
    ff_patch_destroy(all);
    if (rc == FF_ERR_GRAPH || rc == FF_ERR_UNSUPPORTED) {
        o->judgement = (ff_judgement){
            .verdict = FF_VERDICT_BROKEN, .why = ff_strdup(ff_error()), .distance = NAN, .wrong = state->labels->count};
        rc = FF_OK;
    } else if (rc == FF_OK) {
        rc = ff_judge_hardest(j, state, m, &pre, state->wrong, t->share, task, &o->judgement);
    }
    ff_model_unref(m);
    return rc;
}

int ff_trial_run(const ff_trial *t, ff_judge *j, const ff_subject *s, const ff_state *start, const ff_state *state,
                 const ff_proposals *proposals, const ff_proposal *steps, int n_steps, const ff_task *task,
                 ff_outcome *out)
{
    ff_outcome o = {0};
    int rc = t->kind == FF_TRIAL_SUBSET ? subset(t, j, start, state, steps, n_steps, task, &o)
                                        : add(t, j, s, state, proposals, task, &o);
    if (rc != FF_OK) {
        ff_outcome_finish(&o);
        return rc;
    }
    o.accepted = acceptable(t->phase, state, &o.judgement);
    ff_proposal_settle(&o.proposal, &o.judgement);
    *out = o;
    return FF_OK;
}
