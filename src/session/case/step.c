/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One step of the repair: judged, committed, told to the search, and only then announced. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/case/case.h"

/* ---------------------------------------------------------------------------------- judgements */

const ff_judgement *case_judged(const ff_case *c, const char *id)
{
    for (int i = 0; i < c->ahead.n; i++) {
        if (strcmp(c->ahead.at[i].id, id) == 0)
            return &c->ahead.at[i].judgement;
    }
    return NULL;
}

void case_forget_judgements(ff_case *c)
{
    for (int i = 0; i < c->ahead.n; i++) {
        free(c->ahead.at[i].id);
        ff_judgement_finish(&c->ahead.at[i].judgement);
    }
    c->ahead.n = 0;
}

void case_take_judgement(ff_case *c, const char *id)
{
    for (int i = 0; i < c->ahead.n; i++) {
        if (strcmp(c->ahead.at[i].id, id) == 0) {
            free(c->ahead.at[i].id);
            c->ahead.at[i] = c->ahead.at[--c->ahead.n];
            return;
        }
    }
}

/* In which phase the search would try it. */
static ff_phase phase_of(const ff_case *c, const ff_proposal *p)
{
    ff_phase now = ff_search_phase(c->search);
    return p->search_pre ? FF_PHASE_PRE : now < FF_PHASE_DONE ? now : FF_PHASE_GREEDY;
}

int case_judge(ff_case *c, int index, bool complete, const ff_task *task)
{
    const ff_proposal *p = &c->proposals->at[index];
    ff_proposal whole;
    int64_t begun = ff_now_ns();
    ff_judgement j;
    int code = ff_proposal_resolve(c->subject, c->proposals, index, &whole);
    if (!code) {
        code = ff_judge_proposal(c->judge, c->state, &whole, complete, task, &j);
        ff_proposal_finish(&whole);
    }
    if (code)
        return code;
    case_count_trial(c, phase_of(c, p), &j, begun);
    for (int i = 0; i < c->ahead.n; i++) {
        if (strcmp(c->ahead.at[i].id, p->id) == 0) {
            ff_judgement_finish(&c->ahead.at[i].judgement);
            c->ahead.at[i].judgement = j;
            return FF_OK;
        }
    }
    if (c->ahead.n == (int)FF_COUNT(c->ahead.at)) {
        free(c->ahead.at[0].id);
        ff_judgement_finish(&c->ahead.at[0].judgement);
        memmove(c->ahead.at, c->ahead.at + 1, sizeof c->ahead.at - sizeof c->ahead.at[0]);
        c->ahead.n--;
    }
    c->ahead.at[c->ahead.n++] = (struct ahead_one){.id = ff_strdup(p->id), .judgement = j};
    return FF_OK;
}

bool case_decided(const ff_case *c, const char *id)
{
    for (int64_t n = c->history.tip; n > 0; n = c->history.decisions[n - 1].previous) {
        const decision *d = &c->history.decisions[n - 1];
        if (d->from == c->history.current && !d->subset && d->ids && strcmp(d->ids, id) == 0)
            return true;
    }
    return false;
}

/* A judgement that was decided upon makes room for another. */
static bool has_room_ahead(ff_case *c)
{
    for (int i = 0; c->ahead.n == (int)FF_COUNT(c->ahead.at) && i < c->ahead.n; i++) {
        if (!case_decided(c, c->ahead.at[i].id))
            continue;
        ff_judgement j = c->ahead.at[i].judgement;
        case_take_judgement(c, c->ahead.at[i].id);
        ff_judgement_finish(&j);
    }
    return c->ahead.n < (int)FF_COUNT(c->ahead.at);
}

bool case_speculate(ff_case *c, ff_cancel *cancel)
{
    if (!case_stage_current(c->stage) || c->stage == CASE_SEARCHED || !c->judge || !has_room_ahead(c))
        return false;
    ff_task task = {.pool = c->task.pool, .cancel = cancel};
    for (int i = 0; i < c->proposals->count; i++) {
        const char *id = c->proposals->at[i].id;
        if (case_judged(c, id) || case_decided(c, id))
            continue;
        return case_judge(c, i, false, &task) == FF_OK;
    }
    return false;
}

/* ------------------------------------------------------------------------------------ decisions */

/* "3,4,9" for steps, ids a line each for proposals. */
char *case_trial_ids(const ff_trial *t, char *const *ids)
{
    ff_buf b = {0};
    for (int i = 0; i < t->n; i++) {
        if (t->kind == FF_TRIAL_SUBSET)
            ff_buf_printf(&b, "%s%d", i ? "," : "", t->indices[i]);
        else
            ff_buf_printf(&b, "%s%s", i ? "\n" : "", ids[t->indices[i]]);
    }
    return ff_buf_steal(&b);
}

static char *ids_here(const ff_case *c, const ff_trial *t)
{
    char **ids = ff_alloc_array((size_t)c->proposals->count + 1, sizeof *ids);
    for (int i = 0; i < c->proposals->count; i++)
        ids[i] = c->proposals->at[i].id;
    char *text = case_trial_ids(t, ids);
    free(ids);
    return text;
}

void case_make_state(const ff_case *c, const ff_proposal *p, const ff_judgement *j, case_state *out)
{
    const case_state *from = &c->history.states[c->history.current];
    *out = (case_state){
        .parent = c->history.current,
        .depth = from->depth + 1,
        .type = ff_strdup(ff_fault_type_name(p->type)),
        .summary = ff_strdup(p->summary),
        .findings = case_findings_of(p),
        .patch = p->patch ? ff_patch_copy(p->patch) : NULL,
        .pre = from->pre,
        .wrong = j->wrong,
        .distance = j->distance,
        .labels = case_plain_labels(j->state->labels),
        .error = ff_strdup(j->state->labels->error),
        .model = ff_model_ref(j->state->model),
    };
    ff_proposal_pre(p, &out->pre);
    ff_key_hex(ff_model_sha256(out->model), out->model_hex);
}

/* A joint step remembers what it is made of. */
static void add_parts(const ff_case *c, const ff_trial *t, case_state *out)
{
    if (t->n < 2)
        return;
    out->parts = ff_alloc_array((size_t)t->n, sizeof *out->parts);
    for (out->n_parts = 0; out->n_parts < t->n; out->n_parts++)
        ff_proposal_copy(&c->proposals->at[t->indices[out->n_parts]], &out->parts[out->n_parts]);
}

static void announce_decision(ff_case *c, const decision *d, const ff_judgement *j)
{
    char *text;
    if (d->subset)
        text = ff_asprintf("%s: %s", d->phase,
                           d->outcome != OUTCOME_ACCEPTED ? "these steps alone do not suffice"
                           : j && !j->complete ? "labels stay without the other steps, where they are closest"
                                               : "labels stay without the other steps");
    else if (d->outcome == OUTCOME_ACCEPTED)
        text = ff_asprintf("accepted: wrong %d -> %d: %s", d->before, d->after, d->summary);
    else
        text = ff_asprintf("%s: %s%s%s", outcome_name(d->outcome), d->summary, j && j->why && *j->why ? ": " : "",
                           j && j->why ? j->why : "");
    case_note(c, "%s", text);
    if (!d->subset) /* of which there may be dozens: the log has them */
        c->announce(c->context, text);
    free(text);
}

/*
 * The one way in which a trial becomes history. `p` is what was tried (NULL for steps taken away);
 * the judgement has a state when it was accepted.
 */
int case_decide(ff_case *c, const ff_trial *t, const ff_proposal *p, const ff_judgement *j, bool accepted,
                const char *phase)
{
    bool subset = t->kind == FF_TRIAL_SUBSET;
    bool grows = accepted && !subset;
    ff_verdict verdict = j ? j->verdict : FF_VERDICT_WORSE;
    decision d = {
        .previous = c->history.tip,
        .outcome = accepted                               ? OUTCOME_ACCEPTED
                   : j && j->verdict == FF_VERDICT_BROKEN ? OUTCOME_BROKEN
                                                          : OUTCOME_REJECTED,
        .subset = subset,
        .from = c->history.current,
        .to = -1,
        .ids = ids_here(c, t),
        .type = p ? ff_strdup(ff_fault_type_name(p->type)) : NULL,
        .summary = ff_strdup(p ? p->summary : "only some of the steps"),
        .findings = p ? case_findings_of(p) : NULL,
        .verdict = j ? (int)verdict : -1,
        .before = c->history.states[c->history.current].wrong,
        /* How far a rejected one was run depends on what was known already, as after a resumption.
         */
        .after = accepted ? j->wrong : -1,
        .phase = ff_strdup(phase),
    };
    decision told = d; /* case_commit takes the texts over; they live on in c->history.decisions */
    case_state made = {0};
    if (grows) {
        case_make_state(c, p, j, &made);
        add_parts(c, t, &made);
        made.ids = ff_strdup(d.ids);
    }
    int code = case_commit(c, &d, grows ? &made : NULL);
    if (code) {
        decision_finish(&d);
        case_state_finish(&made);
        return code;
    }
    ff_search_report(c->search, t, verdict, accepted);
    announce_decision(c, &told, j);
    if (grows) {
        c->stage = CASE_TOLD;
        code = case_refresh(c);
    }
    c->publish(c->context, accepted);
    return code;
}

/* --------------------------------------------------------------------------------------- search */

int case_need_search(ff_case *c)
{
    if (c->options.labels_only || !case_stage_loaded(c->stage))
        return ff_fail(FF_ERR_USAGE, "nothing is loaded that could be repaired");
    return case_localize(c);
}

bool case_settled(const ff_case *c)
{
    int64_t n = c->history.tip;
    while (n && c->history.decisions[n - 1].outcome == OUTCOME_INTO_GRAPH)
        n = c->history.decisions[n - 1].previous;
    return n && c->history.decisions[n - 1].outcome == OUTCOME_ESSENTIAL;
}

/* The end with --minimal: the root with the essential steps, as one state. */
static int keep_essential(ff_case *c)
{
    int n;
    const int *which = ff_search_essential(c->search, &n);
    if (!c->options.minimal || n >= c->n_steps || case_settled(c))
        return FF_OK;
    ff_buf findings = {0}, ids = {0};
    ff_buf_puts(&ids, "");
    case_state p = {.parent = 0, .depth = 1, .pre = c->target_pre, .patch = ff_patch_create()};
    for (int i = 0; i < n; i++) {
        const ff_proposal *step = &c->steps[which[i]];
        if (step->patch)
            ff_patch_append(p.patch, step->patch);
        ff_proposal_pre(step, &p.pre);
        ff_buf_printf(&ids, "%s%s", i ? "\n" : "", step->id);
        for (int k = 0; k < step->n_findings; k++)
            ff_buf_printf(&findings, "%s%s", findings.len ? "\n" : "", step->findings[k]);
    }
    ff_state *s = NULL;
    int code = ff_model_apply(c->target, p.patch, &p.model, NULL);
    if (!code)
        code = ff_judge_state(c->judge, p.model, &p.pre, &c->task, &s);
    decision d = {.previous = c->history.tip, .outcome = OUTCOME_ESSENTIAL, .from = c->history.current, .to = -1};
    if (!code) {
        p.ids = ff_buf_steal(&ids);
        p.type = ff_strdup(n ? ff_fault_type_name(c->steps[which[0]].type) : "WB");
        p.summary = ff_asprintf("keep the %d essential repairs of %d", n, c->n_steps);
        p.findings = ff_buf_steal(&findings);
        p.wrong = s->wrong;
        p.distance = s->distance;
        p.labels = case_plain_labels(s->labels);
        ff_key_hex(ff_model_sha256(p.model), p.model_hex);
        d.ids = ff_strdup(p.ids);
        d.summary = ff_strdup(p.summary);
        d.phase = ff_strdup(ff_phase_name(FF_PHASE_MINIMISE));
        d.verdict = FF_VERDICT_BETTER;
        d.before = c->history.states[c->history.current].wrong;
        d.after = s->wrong;
        code = case_commit(c, &d, &p);
    }
    ff_buf_finish(&findings);
    ff_buf_finish(&ids);
    ff_state_destroy(s);
    decision_finish(&d);
    case_state_finish(&p);
    return code ? code : case_refresh(c);
}

int case_trial(ff_case *c, bool *done, bool *accepted)
{
    ff_trial t;
    *accepted = false;
    *done = !ff_search_next(c->search, c->state->wrong, &t);
    if (*done) {
        int code = keep_essential(c);
        if (!code)
            c->stage = CASE_SEARCHED;
        case_note_work(c);
        return code;
    }
    double limit = c->options.time_limit > 0 ? c->options.time_limit : 7200;
    ff_team_tell(c->task.team, 0, &c->seconds, sizeof c->seconds); /* the first one's clock counts */
    if (c->seconds >= limit) {
        case_note(c, "the time limit of %g s is reached", limit);
        *done = true;
        c->stage = CASE_TIMED_OUT;
        return FF_OK;
    }
    int64_t begun = ff_now_ns();
    const ff_judgement *known = t.phase <= FF_PHASE_PRE && t.kind == FF_TRIAL_ADD && t.n == 1
                                    ? case_judged(c, c->proposals->at[t.indices[0]].id)
                                    : NULL;
    int code;
    if (known) {
        const ff_proposal *p = &c->proposals->at[t.indices[0]];
        ff_proposal copy;
        ff_proposal_copy(p, &copy);
        ff_judgement j = *known;
        /* The list of judgements ahead is dropped as soon as the state moves. */
        case_take_judgement(c, p->id);
        *accepted = j.verdict == FF_VERDICT_BETTER && j.state;
        ff_proposal_settle(&copy, &j);
        code = case_decide(c, &t, &copy, &j, *accepted, ff_phase_name(t.phase));
        ff_judgement_finish(&j);
        ff_proposal_finish(&copy);
    } else {
        ff_outcome o;
        code = ff_trial_run(&t, c->judge, c->subject, c->start, c->state, c->proposals, c->steps, c->n_steps, &c->task,
                            &o);
        c->seconds += (double)(ff_now_ns() - begun) * 1e-9;
        if (code)
            return code;
        case_count_trial(c, t.phase, &o.judgement, begun);
        *accepted = o.accepted;
        code = case_decide(c, &t, t.kind == FF_TRIAL_ADD ? &o.proposal : NULL, &o.judgement, o.accepted,
                           ff_phase_name(t.phase));
        ff_outcome_finish(&o);
    }
    return code;
}

int case_commit_step(ff_case *c, outcome how, case_state *p)
{
    decision d = {
        .previous = c->history.tip,
        .outcome = how,
        .from = c->history.current,
        .to = -1,
        .ids = ff_strdup(p->ids),
        .type = ff_strdup(p->type),
        .summary = ff_strdup(p->summary),
        .findings = ff_strdup(p->findings),
        .verdict = FF_VERDICT_BETTER,
        .before = c->history.states[c->history.current].wrong,
        .after = p->wrong,
        .phase = ff_strdup(""),
    };
    char *text = ff_asprintf("%s: wrong %d -> %d: %s", outcome_name(how), d.before, d.after, d.summary);
    int code = case_commit(c, &d, p);
    if (code) {
        decision_finish(&d);
        case_state_finish(p);
    } else {
        case_note(c, "%s", text);
        c->announce(c->context, text);
        code = case_refresh(c);
    }
    free(text);
    c->publish(c->context, true);
    return code;
}

/* What was judged under the new preprocessing is judged again, as nodes under the old one. */
static int commit_into_graph(ff_case *c, ff_patch *patch, ff_state *s)
{
    char *spec = ff_pre_print(&c->history.states[c->history.current].pre);
    ff_proposal step = {
        .type = FF_PP,
        .summary = ff_asprintf("write the preprocessing into the graph: %s", spec),
        .patch = patch,
        .has_pre = true,
        .pre = c->target_pre,
        .from = c->history.states[c->history.current].pre,
    };
    const ff_judgement j = {.wrong = s->wrong, .distance = s->distance, .state = s};
    case_state p;
    case_make_state(c, &step, &j, &p);
    p.ids = ff_strdup("pre-into-graph");
    free(step.summary);
    free(spec);
    return case_commit_step(c, OUTCOME_INTO_GRAPH, &p);
}

int case_pre_into_graph(ff_case *c)
{
    int code = case_need_search(c);
    if (code)
        return code;
    if (ff_pre_equal(&c->history.states[c->history.current].pre, &c->target_pre) &&
        c->history.states[c->history.current].pre.layout == c->target_pre.layout)
        return FF_OK; /* what the Target is fed was not changed */
    if (c->stage != CASE_SEARCHED)
        return ff_fail(FF_ERR_USAGE, "the preprocessing is written into the graph at the end: repair first");
    ff_patch *patch = NULL;
    ff_model *m = NULL;
    ff_state *s = NULL;
    code = ff_pre_into_graph(c->state->model, &c->target_pre, &c->state->pre, &patch);
    if (!code)
        code = ff_model_apply(c->state->model, patch, &m, NULL);
    if (!code)
        code = ff_judge_state(c->judge, m, &c->target_pre, &c->task, &s);
    if (!code && s->wrong > c->state->wrong)
        code = ff_fail(FF_ERR_USAGE, "with the preprocessing in the graph %d %s instead of %d: not written", s->wrong,
                       ff_comparator_wrong(c->comparator), c->state->wrong);
    if (!code)
        code = commit_into_graph(c, patch, s);
    ff_state_destroy(s);
    ff_model_unref(m);
    ff_patch_destroy(patch);
    return code;
}

/* On with the search: to its end, or to the next step. */
static int search_on(ff_case *c, bool one)
{
    bool done = false, accepted = false;
    int code = case_need_search(c);
    while (!code && !done && !(one && accepted)) {
        c->between(c->context);
        code = ff_check_cancel(&c->task);
        if (!code)
            code = case_trial(c, &done, &accepted);
    }
    return code;
}

int case_step(ff_case *c)
{
    return search_on(c, true);
}

int case_repair(ff_case *c)
{
    int code = search_on(c, false);
    c->publish(c->context, true);
    return code;
}
