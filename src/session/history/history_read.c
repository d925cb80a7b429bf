/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The history tree comes back from the session file; whatever does not fit together there is named. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "session/history/stored.h"

static double cell_real(sqlite3_stmt *st, int column)
{
    return sqlite3_column_type(st, column) == SQLITE_NULL ? NAN : sqlite3_column_double(st, column);
}

static int read_point(ff_case *c, sqlite3_stmt *st)
{
    int64_t state = sqlite3_column_int64(st, 0);
    if (state != c->history.n_states)
        return db_damaged(c->db, "a state is missing");
    int64_t parent = sqlite3_column_int64(st, 1);
    if (state == 0 ? parent != -1 : parent < 0 || parent >= state)
        return db_damaged(c->db, "a state comes before the one it was made from");
    case_state p = {.parent = parent, .decision = sqlite3_column_int64(st, 2)};
    p.depth = state ? c->history.states[parent].depth + 1 : 0;
    p.ids = db_text(st, 3);
    p.type = db_text(st, 4);
    p.summary = db_text(st, 5);
    p.findings = db_text(st, 6);
    int code = FF_OK;
    if (sqlite3_column_type(st, 7) != SQLITE_NULL)
        code = ff_patch_parse(sqlite3_column_blob(st, 7), (size_t)sqlite3_column_bytes(st, 7), &p.patch);
    const char *pre = (const char *)sqlite3_column_text(st, 8);
    if (!code)
        code = ff_pre_parse(pre ? pre : "", &p.pre);
    if (code)
        code = db_damaged(c->db, "a state's edits cannot be read");
    int64_t wrong = sqlite3_column_int64(st, 9);
    if (!code && (wrong < 0 || wrong > ff_dataset_count(c->set)))
        code = db_damaged(c->db, "a state counts more wrong images than there are");
    p.wrong = (int)wrong;
    p.distance = cell_real(st, 10);
    const char *hex = (const char *)sqlite3_column_text(st, 11);
    if (!code && (!hex || strlen(hex) != 64))
        code = db_damaged(c->db, "a state has no model");
    if (!code)
        memcpy(p.model_hex, hex, 65);
    p.error = db_text(st, 12);
    if (!code)
        code = stored_labels_read(c, state, &p.labels);
    if (!code && p.error)
        p.labels->error = ff_strdup(p.error);
    if (code) {
        case_state_finish(&p);
        return code;
    }
    ff_grow(&c->history.states, &c->history.states_capacity, (size_t)c->history.n_states + 1, sizeof p);
    c->history.states[c->history.n_states++] = p;
    return FF_OK;
}

static int read_part(ff_case *c, sqlite3_stmt *st)
{
    case_state *p = case_state_at(c, sqlite3_column_int64(st, 0));
    if (!p || sqlite3_column_int64(st, 1) != p->n_parts)
        return db_damaged(c->db, "a part of a step is missing");
    char *type = db_text(st, 3), *findings = db_text(st, 5), *pre = db_text(st, 7);
    ff_proposal part = {.id = db_text(st, 2), .summary = db_text(st, 4), .pair = -1};
    part.type = case_type_of(type);
    case_split_findings(findings, &part);
    int code = FF_OK;
    if (sqlite3_column_type(st, 6) != SQLITE_NULL)
        code = ff_patch_parse(sqlite3_column_blob(st, 6), (size_t)sqlite3_column_bytes(st, 6), &part.patch);
    part.has_pre = pre != NULL;
    if (p->parent >= 0)
        part.pre = part.from = c->history.states[p->parent].pre;
    if (!code && pre)
        code = ff_pre_parse(pre, &part.pre);
    free(type);
    free(findings);
    free(pre);
    if (code || !part.id || !part.summary) {
        ff_proposal_finish(&part);
        return db_damaged(c->db, "a part of a step cannot be read");
    }
    p->parts = ff_realloc_array(p->parts, (size_t)p->n_parts + 1, sizeof part);
    p->parts[p->n_parts++] = part;
    return FF_OK;
}

static int read_decision(ff_case *c, sqlite3_stmt *st)
{
    decision d = {.number = sqlite3_column_int64(st, 0)};
    if (d.number != c->history.n_decisions + 1)
        return db_damaged(c->db, "a decision is missing");
    const char *name = (const char *)sqlite3_column_text(st, 1);
    int o = 0;
    while (o < OUTCOME_COUNT && (!name || strcmp(name, outcome_name((outcome)o)) != 0))
        o++;
    d.from = sqlite3_column_int64(st, 2);
    d.to = sqlite3_column_int64(st, 3);
    d.previous = sqlite3_column_int64(st, 12);
    if (o == OUTCOME_COUNT || d.from < 0 || d.from >= c->history.n_states || d.to < -1 || d.to >= c->history.n_states ||
        d.previous < 0 || d.previous >= d.number)
        return db_damaged(c->db, "a decision makes no sense");
    d.outcome = (outcome)o;
    d.ids = db_text(st, 4);
    d.type = db_text(st, 5);
    d.summary = db_text(st, 6);
    d.findings = db_text(st, 7);
    d.verdict = (int)sqlite3_column_int64(st, 8);
    d.before = (int)sqlite3_column_int64(st, 9);
    d.after = (int)sqlite3_column_int64(st, 10);
    d.phase = db_text(st, 11);
    d.subset = sqlite3_column_int64(st, 13) != 0;
    ff_grow(&c->history.decisions, &c->history.decisions_capacity, (size_t)c->history.n_decisions + 1, sizeof d);
    c->history.decisions[c->history.n_decisions++] = d;
    return FF_OK;
}

static int read_listing(ff_case *c, sqlite3_stmt *st)
{
    case_state *p = case_state_at(c, sqlite3_column_int64(st, 0));
    if (!p || p->listed)
        return db_damaged(c->db, "a list of repairs belongs to no state");
    p->listed = true;
    p->proposals = db_text(st, 1);
    p->proposal_findings = db_text(st, 2);
    p->open = db_text(st, 3);
    return p->proposals && p->proposal_findings && p->open ? FF_OK : db_damaged(c->db, "a list of repairs is empty");
}

static int read_finding(ff_case *c, sqlite3_stmt *st)
{
    known_finding k = {.saved = true, .id = db_text(st, 1)};
    k.state = sqlite3_column_int64(st, 2);
    const char *type = (const char *)sqlite3_column_text(st, 3);
    int t = 0;
    while (t < FF_FAULT_TYPES && (!type || strcmp(type, ff_fault_type_name(t)) != 0))
        t++;
    if (t == FF_FAULT_TYPES || !k.id) {
        free(k.id);
        return db_damaged(c->db, "a finding has no type");
    }
    k.type = (ff_fault_type)t;
    char **texts[] = {&k.cause, &k.summary, &k.explanation, &k.source_nodes, &k.target_nodes};
    for (int i = 0; i < 5; i++) {
        *texts[i] = db_text(st, 4 + i);
        if (!*texts[i])
            *texts[i] = ff_strdup("");
    }
    k.magnitude = sqlite3_column_double(st, 9);
    k.source = (int)sqlite3_column_int64(st, 10);
    k.details = db_text(st, 11);
    if (!k.details)
        k.details = ff_strdup("{}");
    ff_grow(&c->history.known, &c->history.known_capacity, (size_t)c->history.n_known + 1, sizeof k);
    c->history.known[c->history.n_known++] = k;
    return FF_OK;
}

static int read_score(ff_case *c, sqlite3_stmt *st)
{
    if (!c->scores)
        c->scores = ff_alloc(sizeof *c->scores);
    ff_layer_scores *s = c->scores;
    s->at = ff_realloc_array(s->at, (size_t)s->count + 1, sizeof *s->at);
    s->at[s->count++] = (ff_layer_score){
        .pair = (int)sqlite3_column_int64(st, 1),
        .rank = (int)sqlite3_column_int64(st, 2),
        .kw = cell_real(st, 3),
        .effect = cell_real(st, 4),
        .entire = cell_real(st, 5),
        .isolated = cell_real(st, 6),
        .causal = cell_real(st, 7),
        .elements = sqlite3_column_int64(st, 8),
    };
    return FF_OK;
}

static int each(ff_case *c, const char *sql, int (*take)(ff_case *, sqlite3_stmt *))
{
    sqlite3_stmt *st;
    bool row;
    int code = db_query(c->db, &st, sql, NULL);
    while (!code && !(code = db_next(c->db, &st, &row)) && row) {
        code = take(c, st);
        if (code)
            sqlite3_finalize(st);
    }
    return code;
}

static int get_number(ff_case *c, const char *name, int64_t *out)
{
    char *text;
    int code = db_get(c->db, name, &text);
    if (code)
        return code;
    if (!text || !ff_parse_int(text, out))
        code = db_damaged(c->db, "where it stood is not known");
    free(text);
    return code;
}

int case_read_history(ff_case *c)
{
    int code = each(c, "SELECT * FROM state ORDER BY state", read_point);
    if (!code && c->history.n_states)
        code = each(c, "SELECT * FROM part ORDER BY state, position", read_part);
    if (!code && c->history.n_states)
        code = each(c, "SELECT * FROM decision ORDER BY decision", read_decision);
    if (!code && c->history.n_states)
        code = each(c, "SELECT * FROM listing ORDER BY state", read_listing);
    if (!code)
        code = each(c, "SELECT * FROM finding ORDER BY position", read_finding);
    if (!code)
        code = each(c, "SELECT * FROM layer ORDER BY position", read_score);
    if (code || !c->history.n_states)
        return code;
    char *seconds = NULL;
    if ((code = get_number(c, "state", &c->history.current)) || (code = get_number(c, "tip", &c->history.tip)) ||
        (code = db_get(c->db, "seconds", &seconds)))
        return code;
    if (seconds && (!ff_parse_real(seconds, &c->seconds) || c->seconds < 0))
        c->seconds = 0;
    free(seconds);
    if (c->history.current < 0 || c->history.current >= c->history.n_states || c->history.tip < 0 ||
        c->history.tip > c->history.n_decisions)
        return db_damaged(c->db, "where it stood is not one of its states");
    for (int i = 0; i < c->history.n_states; i++) {
        if (c->history.states[i].decision < 0 || c->history.states[i].decision > c->history.n_decisions)
            return db_damaged(c->db, "a state was made by no decision");
    }
    return FF_OK;
}
