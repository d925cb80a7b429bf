/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The history tree. A decision and the state that it made are one transaction, committed before
 * anything in memory changes: what was announced is on disk, what was not leaves no trace.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/case.h"

static const char *const outcome_names[] = {
    "accepted", "rejected", "broken", "undone", "redone", "went", "essential", "written", "kept",
};
_Static_assert(FF_COUNT(outcome_names) == OUTCOME_COUNT, "a name for each outcome");

const char *outcome_name(outcome o)
{
    return outcome_names[o];
}

void point_finish(point *p)
{
    free(p->ids);
    free(p->type);
    free(p->summary);
    free(p->findings);
    ff_patch_destroy(p->patch);
    for (int i = 0; i < p->n_parts; i++)
        ff_proposal_finish(&p->parts[i]);
    free(p->parts);
    free(p->error);
    ff_labels_destroy(p->labels);
    ff_model_unref(p->model);
    free(p->proposals);
    free(p->proposal_findings);
    free(p->open);
    *p = (point){0};
}

void decision_finish(decision *d)
{
    free(d->ids);
    free(d->type);
    free(d->summary);
    free(d->findings);
    free(d->phase);
    *d = (decision){0};
}

point *case_point(ff_case *c, int64_t state)
{
    return state >= 0 && state < c->n_points ? &c->points[state] : NULL;
}

int case_path(const ff_case *c, int64_t state, int64_t *out, int max)
{
    int n = c->points[state].depth + 1;
    for (int i = n - 1; i >= 0; i--, state = c->points[state].parent) {
        if (i < max)
            out[i] = state;
    }
    return n;
}

int case_point_model(ff_case *c, int64_t state, ff_model **out)
{
    point *p = &c->points[state];
    if (!p->model) {
        ff_model *base, *m;
        int code = case_point_model(c, p->parent, &base);
        if (code)
            return code;
        if (p->patch) {
            code = ff_model_apply(base, p->patch, &m, NULL);
            if (code)
                return ff_fail_prefix(FF_ERR_INPUT, "state %lld of the session", (long long)state);
        } else {
            m = ff_model_ref(base);
        }
        char hex[65];
        ff_key_hex(ff_model_sha256(m), hex);
        if (p->model_hex[0] && strcmp(hex, p->model_hex) != 0) {
            ff_model_unref(m);
            return db_damaged(c->db, "the edits of a state give another model than they did");
        }
        c->points[state].model = m;
        p = &c->points[state];
    }
    *out = p->model;
    return FF_OK;
}

/* ------------------------------------------------------------------------------------- labels */

/* Per image: five classes and the margin, and where labels do not decide the verdict and its score; little-endian as
 * SQLite files are exchanged. */
enum { LABEL_BYTES = 4 * (FF_TOP + 1), VERDICT_BYTES = 8 };

static size_t label_bytes(const ff_case *c)
{
    return ff_comparator_by_label(c->comparator) ? LABEL_BYTES : LABEL_BYTES + VERDICT_BYTES;
}

static void put32(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> (8 * i));
}

static uint32_t get32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put_real(unsigned char *p, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, 4);
    put32(p, bits);
}

static float get_real(const unsigned char *p)
{
    uint32_t bits = get32(p);
    float v;
    memcpy(&v, &bits, 4);
    return v;
}

static int save_labels(const ff_case *c, int64_t owner, const ff_labels *l)
{
    bool verdicts = label_bytes(c) > LABEL_BYTES;
    size_t size = (size_t)l->count * label_bytes(c);
    unsigned char *bytes = ff_alloc(size ? size : 1), *p = bytes;
    for (int i = 0; i < l->count; i++) {
        for (int k = 0; k < FF_TOP; k++, p += 4)
            put32(p, (uint32_t)l->at[i].top[k]);
        put_real(p, l->at[i].margin);
        p += 4;
        if (verdicts) {
            put32(p, (uint32_t)l->at[i].verdict);
            put_real(p + 4, l->at[i].score);
            p += VERDICT_BYTES;
        }
    }
    int code = db_run(c->db, "INSERT OR REPLACE INTO label VALUES(?,?,?)", "iib", owner, l->width, bytes, size);
    free(bytes);
    return code;
}

static int read_labels(ff_case *c, int64_t owner, ff_labels **out)
{
    sqlite3_stmt *st;
    bool row;
    int code = db_query(c->db, &st, "SELECT width, labels FROM label WHERE owner=?", "i", owner);
    if (code || (code = db_next(c->db, &st, &row)))
        return code;
    int count = ff_dataset_count(c->set);
    if (!row)
        return db_damaged(c->db, "a state has no labels");
    bool verdicts = label_bytes(c) > LABEL_BYTES;
    if ((size_t)sqlite3_column_bytes(st, 1) != (size_t)count * label_bytes(c)) {
        sqlite3_finalize(st);
        return db_damaged(c->db, "a state has labels of other images");
    }
    const unsigned char *p = sqlite3_column_blob(st, 1);
    ff_labels *l = ff_labels_create(count);
    l->width = sqlite3_column_int64(st, 0);
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < FF_TOP; k++, p += 4)
            l->at[i].top[k] = (int32_t)get32(p);
        l->at[i].margin = get_real(p);
        p += 4;
        if (verdicts) {
            uint32_t verdict = get32(p);
            l->at[i].verdict = verdict == FF_AGREES || verdict == FF_DIFFERS ? (ff_verdict_of)verdict : FF_BY_LABEL;
            l->at[i].score = get_real(p + 4);
            p += VERDICT_BYTES;
        }
    }
    sqlite3_finalize(st);
    *out = l;
    return FF_OK;
}

/* -------------------------------------------------------------------------------------- write */

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

static int insert_point(ff_case *c, int64_t state, const point *p)
{
    char *patch = NULL, *pre = ff_pre_print(&p->pre);
    size_t size = 0;
    int code = p->patch ? ff_patch_serialize(p->patch, &patch, &size) : FF_OK;
    if (!code)
        code = db_run(c->db, "INSERT INTO state VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)", "iiissssbsidss", state, p->parent,
                      p->decision, p->ids, p->type, p->summary, p->findings, patch, size, pre, (int64_t)p->wrong,
                      isfinite(p->distance) ? p->distance : NAN, p->model_hex, p->error);
    if (!code)
        code = save_labels(c, state, p->labels);
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
    *tip = moves ? c->points[d->to].decision : d->number;
}

int case_commit(ff_case *c, decision *d, point *p)
{
    d->number = c->n_decisions + 1;
    int64_t new_state = p ? c->n_points : -1, current, tip;
    if (p) {
        p->decision = d->number;
        d->to = new_state;
    }
    stand_after(c, d, new_state, &current, &tip);
    char seconds[40];
    snprintf(seconds, sizeof seconds, "%.3f", c->seconds);
    int code = db_begin(c->db);
    if (!code && p)
        code = insert_point(c, new_state, p);
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
    ff_grow(&c->decisions, &c->decisions_capacity, (size_t)c->n_decisions + 1, sizeof *d);
    c->decisions[c->n_decisions++] = *d;
    *d = (decision){0};
    if (p) {
        ff_grow(&c->points, &c->points_capacity, (size_t)c->n_points + 1, sizeof *p);
        c->points[c->n_points++] = *p;
        *p = (point){0};
    }
    if (current != c->current) {
        c->changes++;
        c->stale = true;
    }
    c->current = current;
    c->tip = tip;
    return FF_OK;
}

int case_save_root(ff_case *c)
{
    int code = db_begin(c->db);
    if (!code)
        code = insert_point(c, 0, &c->points[0]);
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
    const point *p = &c->points[state];
    return db_run(c->db, "INSERT OR REPLACE INTO listing VALUES(?,?,?,?)", "isss", state, p->proposals,
                  p->proposal_findings, p->open);
}

int case_save_findings(ff_case *c)
{
    int code = FF_OK;
    for (int i = 0; !code && i < c->n_known; i++) {
        const known_finding *k = &c->known[i];
        if (k->saved)
            continue;
        code = db_run(c->db, "INSERT INTO finding VALUES(?,?,?,?,?,?,?,?,?,?,?,?)", "isissssssdis", (int64_t)i, k->id,
                      k->state, ff_fault_type_name(k->type), k->cause, k->summary, k->explanation, k->source_nodes,
                      k->target_nodes, k->magnitude, (int64_t)k->source, k->details);
        c->known[i].saved = !code;
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

/* --------------------------------------------------------------------------------------- read */

static double cell_real(sqlite3_stmt *st, int column)
{
    return sqlite3_column_type(st, column) == SQLITE_NULL ? NAN : sqlite3_column_double(st, column);
}

static int read_point(ff_case *c, sqlite3_stmt *st)
{
    int64_t state = sqlite3_column_int64(st, 0);
    if (state != c->n_points)
        return db_damaged(c->db, "a state is missing");
    int64_t parent = sqlite3_column_int64(st, 1);
    if (state == 0 ? parent != -1 : parent < 0 || parent >= state)
        return db_damaged(c->db, "a state comes before the one it was made from");
    point p = {.parent = parent, .decision = sqlite3_column_int64(st, 2)};
    p.depth = state ? c->points[parent].depth + 1 : 0;
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
        code = read_labels(c, state, &p.labels);
    if (!code && p.error)
        p.labels->error = ff_strdup(p.error);
    if (code) {
        point_finish(&p);
        return code;
    }
    ff_grow(&c->points, &c->points_capacity, (size_t)c->n_points + 1, sizeof p);
    c->points[c->n_points++] = p;
    return FF_OK;
}

static int read_part(ff_case *c, sqlite3_stmt *st)
{
    point *p = case_point(c, sqlite3_column_int64(st, 0));
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
        part.pre = part.from = c->points[p->parent].pre;
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
    if (d.number != c->n_decisions + 1)
        return db_damaged(c->db, "a decision is missing");
    const char *name = (const char *)sqlite3_column_text(st, 1);
    int o = 0;
    while (o < OUTCOME_COUNT && (!name || strcmp(name, outcome_names[o]) != 0))
        o++;
    d.from = sqlite3_column_int64(st, 2);
    d.to = sqlite3_column_int64(st, 3);
    d.previous = sqlite3_column_int64(st, 12);
    if (o == OUTCOME_COUNT || d.from < 0 || d.from >= c->n_points || d.to < -1 || d.to >= c->n_points ||
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
    ff_grow(&c->decisions, &c->decisions_capacity, (size_t)c->n_decisions + 1, sizeof d);
    c->decisions[c->n_decisions++] = d;
    return FF_OK;
}

static int read_listing(ff_case *c, sqlite3_stmt *st)
{
    point *p = case_point(c, sqlite3_column_int64(st, 0));
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
    ff_grow(&c->known, &c->known_capacity, (size_t)c->n_known + 1, sizeof k);
    c->known[c->n_known++] = k;
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
    if (!code && c->n_points)
        code = each(c, "SELECT * FROM part ORDER BY state, position", read_part);
    if (!code && c->n_points)
        code = each(c, "SELECT * FROM decision ORDER BY decision", read_decision);
    if (!code && c->n_points)
        code = each(c, "SELECT * FROM listing ORDER BY state", read_listing);
    if (!code)
        code = each(c, "SELECT * FROM finding ORDER BY position", read_finding);
    if (!code)
        code = each(c, "SELECT * FROM layer ORDER BY position", read_score);
    if (code || !c->n_points)
        return code;
    char *seconds = NULL;
    if ((code = get_number(c, "state", &c->current)) || (code = get_number(c, "tip", &c->tip)) ||
        (code = db_get(c->db, "seconds", &seconds)))
        return code;
    if (seconds && (!ff_parse_real(seconds, &c->seconds) || c->seconds < 0))
        c->seconds = 0;
    free(seconds);
    if (c->current < 0 || c->current >= c->n_points || c->tip < 0 || c->tip > c->n_decisions)
        return db_damaged(c->db, "where it stood is not one of its states");
    for (int i = 0; i < c->n_points; i++) {
        if (c->points[i].decision < 0 || c->points[i].decision > c->n_decisions)
            return db_damaged(c->db, "a state was made by no decision");
    }
    return FF_OK;
}
