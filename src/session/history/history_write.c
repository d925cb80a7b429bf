/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The history tree goes to the session file. A decision and the state that it made are one transaction, committed
 * before anything in memory changes: what was announced is on disk, what was not leaves no trace.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "session/history/stored.h"

/* A single repair of a joint step: minimisation takes them one by one. */
static int insert_part(ff_case *c, int64_t state, int position, const ff_proposal *p)
{
    char *patch = NULL, *pre = p->has_pre ? ff_pre_print(&p->pre) : NULL;
    size_t size = 0;
    char *findings = case_findings_of(p);
    int code = p->patch ? ff_patch_serialize(p->patch, &patch, &size) : FF_OK;
    if (!code)
        code = db_run(c->db, "INSERT INTO part VALUES(?,?,?,?,?,?,?,?)", "iissssbs", state, (int64_t)position, p->id,
                      ff_fault_type_name(p->type), p->summary, findings, patch, size, pre);
    free(patch);
    free(pre);
    free(findings);
    return code;
}

static int insert_state(ff_case *c, int64_t state, const case_state *p)
{
    char *patch = NULL, *pre = ff_pre_print(&p->pre);
    size_t size = 0;
    int code = p->patch ? ff_patch_serialize(p->patch, &patch, &size) : FF_OK;
    if (!code)
        code = db_run(c->db, "INSERT INTO state VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)", "iiissssbsidss", state, p->parent,
                      p->decision, p->ids, p->type, p->summary, p->findings, patch, size, pre, (int64_t)p->wrong,
                      isfinite(p->distance) ? p->distance : NAN, p->model_hex, p->error);
    if (!code)
        code = stored_labels_save(c, state, p->labels);
    for (int i = 0; !code && i < p->n_parts; i++)
        code = insert_part(c, state, i, &p->parts[i]);
    free(patch);
    free(pre);
    return code;
}

static int set_number(store *db, const char *name, int64_t v)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)v);
    return db_set(db, name, text);
}

static int insert_decision(ff_case *c, const decision *d)
{
    return db_run(c->db, "INSERT INTO decision VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)", "isiissssiiisii", d->number,
                  outcome_name(d->outcome), d->from, d->to, d->ids, d->type, d->summary, d->findings,
                  (int64_t)d->verdict, (int64_t)d->before, (int64_t)d->after, d->phase ? d->phase : "", d->previous,
                  (int64_t)d->subset);
}

/* Where the session stands after the decision. */
static void stand_after(const ff_case *c, const decision *d, int64_t new_state, int64_t *current, int64_t *tip)
{
    bool moves = d->outcome == OUTCOME_UNDONE || d->outcome == OUTCOME_REDONE || d->outcome == OUTCOME_WENT;
    *current = new_state >= 0 ? new_state : moves ? d->to : d->from;
    /* Going to a state takes the search back to where it made that state. */
    *tip = moves ? c->history.states[d->to].decision : d->number;
}

int case_commit(ff_case *c, decision *d, case_state *p)
{
    d->number = c->history.n_decisions + 1;
    int64_t new_state = p ? c->history.n_states : -1, current, tip;
    if (p) {
        p->decision = d->number;
        d->to = new_state;
    }
    stand_after(c, d, new_state, &current, &tip);
    char seconds[40];
    snprintf(seconds, sizeof seconds, "%.3f", c->seconds);
    int code = db_begin(c->db);
    if (!code && p)
        code = insert_state(c, new_state, p);
    if (!code)
        code = insert_decision(c, d);
    if (!code)
        code = set_number(c->db, "state", current);
    if (!code)
        code = set_number(c->db, "tip", tip);
    if (!code)
        code = db_set(c->db, "seconds", seconds);
    if (!code)
        code = db_commit(c->db);
    if (code) {
        db_rollback(c->db);
        return code;
    }
    ff_grow(&c->history.decisions, &c->history.decisions_capacity, (size_t)c->history.n_decisions + 1, sizeof *d);
    c->history.decisions[c->history.n_decisions++] = *d;
    *d = (decision){0};
    if (p) {
        ff_grow(&c->history.states, &c->history.states_capacity, (size_t)c->history.n_states + 1, sizeof *p);
        c->history.states[c->history.n_states++] = *p;
        *p = (case_state){0};
    }
    if (current != c->history.current) {
        c->changes++;
        if (c->stage > CASE_STALE)
            c->stage = CASE_STALE;
    }
    c->history.current = current;
    c->history.tip = tip;
    return FF_OK;
}

int case_save_root(ff_case *c)
{
    int code = db_begin(c->db);
    if (!code)
        code = insert_state(c, 0, &c->history.states[0]);
    if (!code)
        code = set_number(c->db, "state", 0);
    if (!code)
        code = set_number(c->db, "tip", 0);
    if (!code)
        code = db_commit(c->db);
    if (code)
        db_rollback(c->db);
    return code;
}

int case_save_listing(ff_case *c, int64_t state)
{
    const case_state *p = &c->history.states[state];
    return db_run(c->db, "INSERT OR REPLACE INTO listing VALUES(?,?,?,?)", "isss", state, p->proposals,
                  p->proposal_findings, p->open);
}

int case_save_findings(ff_case *c)
{
    int code = FF_OK;
    for (int i = 0; !code && i < c->history.n_known; i++) {
        const known_finding *k = &c->history.known[i];
        if (k->saved)
            continue;
        code = db_run(c->db, "INSERT INTO finding VALUES(?,?,?,?,?,?,?,?,?,?,?,?)", "isissssssdis", (int64_t)i, k->id,
                      k->state, ff_fault_type_name(k->type), k->cause, k->summary, k->explanation, k->source_nodes,
                      k->target_nodes, k->magnitude, (int64_t)k->source, k->details);
        c->history.known[i].saved = !code;
    }
    return code;
}

int case_save_scores(ff_case *c)
{
    int code = db_run(c->db, "DELETE FROM layer", NULL);
    for (int i = 0; !code && c->scores && i < c->scores->count; i++) {
        const ff_layer_score *s = &c->scores->at[i];
        code = db_run(c->db, "INSERT INTO layer VALUES(?,?,?,?,?,?,?,?,?)", "iiidddddi", (int64_t)i, (int64_t)s->pair,
                      (int64_t)s->rank, s->kw, s->effect, s->entire, s->isolated, s->causal, s->elements);
    }
    return code;
}
