/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pairs that a person pinned or forbade. They are part of the case: kept in the store, taken up again
 * with it. When they change, everything that follows from the alignment is made anew; the states and
 * what was decided stay.
 */
#include <stdlib.h>
#include <string.h>

#include "session/case/case.h"

static bool same_pair(const ff_pin *a, const ff_pin *b)
{
    return strcmp(a->source, b->source) == 0 && strcmp(a->target, b->target) == 0;
}

static int find_pin(const ff_case *c, const ff_pin *p)
{
    for (int i = 0; i < c->n_pins; i++)
        if (same_pair(&c->pins[i], p))
            return i;
    return -1;
}

/* Adds the pin, or turns the one of the same pair into it. True: something changed. */
static bool put(ff_case *c, const ff_pin *p)
{
    int i = find_pin(c, p);
    if (i >= 0 && c->pins[i].forbid == p->forbid)
        return false;
    if (i < 0) {
        c->pins = ff_realloc_array(c->pins, (size_t)c->n_pins + 1, sizeof *c->pins);
        i = c->n_pins++;
    }
    c->pins[i] = (ff_pin){ff_arena_strdup(c->texts, p->source), ff_arena_strdup(c->texts, p->target), p->forbid};
    return true;
}

static void take_away(ff_case *c, int i)
{
    memmove(c->pins + i, c->pins + i + 1, (size_t)(c->n_pins - i - 1) * sizeof *c->pins);
    c->n_pins--;
}

/* ----------------------------------------------------------------------------------------- store */

static int read_pins(ff_case *c)
{
    sqlite3_stmt *st;
    bool row;
    int code = db_query(c->db, &st, "SELECT source, target, forbid FROM pin ORDER BY position", NULL);
    while (!code && !(code = db_next(c->db, &st, &row)) && row) {
        char *source = db_text(st, 0), *target = db_text(st, 1);
        if (source && target)
            put(c, &(ff_pin){source, target, sqlite3_column_int64(st, 2) != 0});
        else
            code = db_damaged(c->db, "a pin has no node");
        free(source);
        free(target);
        if (code)
            sqlite3_finalize(st);
    }
    return code;
}

/* What was found under other pins is void; it goes with the same transaction. */
static int write_pins(ff_case *c)
{
    static const char *const tables[] = {"pin", "listing", "layer", "finding"};
    int code = FF_OK;
    for (size_t i = 0; i < FF_COUNT(tables) && !code; i++) {
        char *sql = ff_asprintf("DELETE FROM %s", tables[i]);
        code = db_run(c->db, sql, NULL);
        free(sql);
    }
    for (int i = 0; i < c->n_pins && !code; i++)
        code = db_run(c->db, "INSERT INTO pin VALUES(?,?,?,?)", "issi", (int64_t)i, c->pins[i].source,
                      c->pins[i].target, (int64_t)c->pins[i].forbid);
    return code;
}

int case_collect_pins(ff_case *c, bool *more)
{
    int code = read_pins(c);
    *more = false;
    for (int i = 0; i < c->options.n_pins && !code; i++)
        *more = put(c, &c->options.pins[i]) || *more;
    return code;
}

/* ----------------------------------------------------------------------------------------- change */

/* Findings that a step has repaired belong to the history; the others are looked for again. */
static bool was_repaired(const ff_case *c, const known_finding *k)
{
    for (int i = 1; i < c->history.n_states; i++)
        if (case_lists(c->history.states[i].findings, k->id))
            return true;
    return false;
}

static void forget_findings(ff_case *c)
{
    int n = 0;
    for (int i = 0; i < c->history.n_known; i++) {
        c->history.known[i].saved = false;
        if (was_repaired(c, &c->history.known[i]))
            c->history.known[n++] = c->history.known[i];
        else
            case_known_finish(&c->history.known[i]);
    }
    c->history.n_known = n;
}

/* As after loading: nothing is localised. */
static void forget_localization(ff_case *c)
{
    for (int i = 0; i < c->history.n_states; i++) {
        case_state *p = &c->history.states[i];
        free(p->proposals);
        free(p->proposal_findings);
        free(p->open);
        p->proposals = p->proposal_findings = p->open = NULL;
        p->listed = false;
    }
    forget_findings(c);
    case_forget_judgements(c);
    ff_search_destroy(c->search);
    ff_proposals_destroy(c->proposals);
    ff_findings_destroy(c->findings);
    ff_sames_destroy(c->sames);
    ff_layer_scores_destroy(c->scores);
    c->search = NULL;
    c->proposals = NULL;
    c->findings = NULL;
    c->sames = NULL;
    c->scores = NULL;
    if (c->subject != c->first)
        ff_subject_destroy(c->subject);
    c->subject = NULL;
    c->bisected = c->parted = false;
    if (c->stage > CASE_LOADED)
        c->stage = CASE_LOADED;
    c->localizations++;
    c->changes++;
}

int case_keep_pins(ff_case *c)
{
    int code = db_begin(c->db);
    if (!code)
        code = write_pins(c);
    if (!code)
        code = db_commit(c->db);
    if (code)
        db_rollback(c->db);
    else
        forget_localization(c);
    return code;
}

/* A label as it is shown, or as it is, of a node of the model. */
static const char *label_of(const ff_model *m, const char *word)
{
    const ff_graph *g = ff_model_graph(m);
    const char *found = word;
    for (int i = 0; i < g->n_nodes && found == word; i++) {
        char *shown = ff_visible(g->nodes[i]->label);
        if (strcmp(g->nodes[i]->label, word) != 0 && strcmp(shown, word) == 0)
            found = g->nodes[i]->label;
        free(shown);
    }
    return found;
}

static bool change(ff_case *c, ff_job_kind kind, const ff_pin *p, int *code)
{
    int i = find_pin(c, p);
    if (kind != FF_JOB_UNPIN)
        return put(c, p);
    if (i < 0)
        *code =
            ff_fail(FF_ERR_USAGE, "'%s' and '%s' are neither pinned nor forbidden; see `pins`", p->source, p->target);
    else
        take_away(c, i);
    return i >= 0;
}

int case_pin(ff_case *c, ff_job_kind kind, const char *source, const char *target)
{
    static const char *const words[] = {"pinned", "forbidden", "free again"};
    if (!case_stage_loaded(c->stage) || c->options.labels_only)
        return ff_fail(FF_ERR_USAGE, "nothing is loaded that could be paired");
    const ff_pin p = {label_of(c->source, source), label_of(c->target, target), kind == FF_JOB_FORBID};
    int n = c->n_pins, code = FF_OK;
    ff_pin *before = ff_alloc_array((size_t)n + 1, sizeof *before);
    if (n > 0)
        memcpy(before, c->pins, (size_t)n * sizeof *before);
    if (!change(c, kind, &p, &code) || code)
        goto out;
    if (!(code = db_begin(c->db))) {
        code = write_pins(c);
        if (!code)
            code = ff_subject_pin(c->first, c->pins, c->n_pins);
        if (!code)
            code = db_commit(c->db);
        if (code)
            db_rollback(c->db);
    }
    if (code) {
        c->n_pins = n;
        if (n > 0)
            memcpy(c->pins, before, (size_t)n * sizeof *before);
        goto out;
    }
    bool again = case_stage_localized(c->stage);
    forget_localization(c);
    char *text = ff_asprintf("'%s' and '%s' are %s", p.source, p.target, words[kind - FF_JOB_PIN]);
    case_note(c, "%s", text);
    c->announce(c->context, text);
    free(text);
    c->publish(c->context, true);
    if (again)
        code = case_localize(c);
out:
    free(before);
    return code;
}

/* ----------------------------------------------------------------------------------------- table */

static void set_visible(ff_table *t, int row, const char *column, const char *text)
{
    char *shown = ff_visible(text);
    ff_table_set_text(t, row, column, shown);
    free(shown);
}

ff_table *case_pins(const ff_case *c)
{
    ff_table *t = case_table("pins");
    for (int i = 0; i < c->n_pins; i++) {
        int row = ff_table_add_row(t);
        set_visible(t, row, "source", c->pins[i].source);
        set_visible(t, row, "target", c->pins[i].target);
        ff_table_set_text(t, row, "word", c->pins[i].forbid ? "forbid" : "pin");
    }
    return t;
}
