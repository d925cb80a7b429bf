/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Moving in the history tree. Every state was made by a decision at the end of a log; going there
 * takes the search back to the end of that log, so that it goes on as if nothing had come after.
 */
#include <stdlib.h>
#include <string.h>

#include "session/case/case.h"

/* ------------------------------------------------------------------------------------ replay */

typedef struct list {
    char **ids;
    int n;
    ff_proposals heads; /* ids and findings: all that the search keeps of a list */
} list;

static void list_finish(list *l)
{
    for (int i = 0; i < l->n; i++) {
        free(l->ids[i]);
        for (int k = 0; k < l->heads.at[i].n_findings; k++)
            free(l->heads.at[i].findings[k]);
        free(l->heads.at[i].findings);
    }
    free(l->ids);
    free(l->heads.at);
    *l = (list){0};
}

static int split(const char *text, char mark, char ***out)
{
    char **items = NULL;
    int n = 0;
    while (*text) {
        const char *end = strchrnul(text, mark);
        items = ff_realloc_array(items, (size_t)n + 1, sizeof *items);
        items[n++] = ff_strndup(text, (size_t)(end - text));
        text = *end ? end + 1 : end;
    }
    *out = items;
    return n;
}

int case_split_lines(const char *text, char ***out)
{
    return split(text ? text : "", '\n', out);
}

/* The list of a state as it was stored. */
static int read_list(const ff_case *c, int64_t state, list *out)
{
    const case_state *p = &c->history.states[state];
    if (!p->listed)
        return db_damaged(c->db, "a state has no list of repairs");
    char **lines;
    list l = {0};
    l.n = split(p->proposals, '\n', &l.ids);
    int n_lines = split(p->proposal_findings, '\n', &lines);
    l.heads.count = l.n;
    l.heads.at = ff_alloc_array((size_t)l.n + 1, sizeof *l.heads.at);
    for (int i = 0; i < l.n; i++) {
        l.heads.at[i].id = l.ids[i];
        l.heads.at[i].pair = -1;
        if (i < n_lines)
            l.heads.at[i].n_findings = split(lines[i], '\t', &l.heads.at[i].findings);
    }
    for (int i = 0; i < n_lines; i++)
        free(lines[i]);
    free(lines);
    *out = l;
    return FF_OK;
}

static int tell_list(ff_case *c, int64_t state, list *l)
{
    list_finish(l);
    int code = read_list(c, state, l);
    if (!code)
        ff_search_set_proposals(c->search, state == c->history.current ? c->proposals : &l->heads);
    return code;
}

/* Is the trial that the search proposes the one that was decided? */
static bool is_trial(const ff_trial *t, const decision *d, const list *l)
{
    if ((t->kind == FF_TRIAL_SUBSET) != d->subset)
        return false;
    char *ids = case_trial_ids(t, l->ids);
    bool same = strcmp(ids, d->ids ? d->ids : "") == 0;
    free(ids);
    return same;
}

/* False: the lists do not hold what was decided, as where another version of the program made the session. */
static bool tell_decision(ff_case *c, const decision *d, const list *l)
{
    ff_trial t;
    bool accepted = d->outcome == OUTCOME_ACCEPTED;
    ff_verdict v = d->verdict >= 0 ? (ff_verdict)d->verdict : FF_VERDICT_WORSE;
    if (ff_search_next(c->search, c->history.states[d->from].wrong, &t) && is_trial(&t, d, l)) {
        ff_search_report(c->search, &t, v, accepted);
        return true;
    }
    /* By hand, out of turn: ids are in the order of the list. */
    int *indices = ff_alloc_array((size_t)l->n + 1, sizeof *indices), n = 0;
    for (int i = 0; i < l->n && !d->subset; i++) {
        if (case_lists(d->ids, l->ids[i]))
            indices[n++] = i;
    }
    t = (ff_trial){.phase = ff_search_phase(c->search), .n = n, .indices = indices};
    bool told = n > 0 && is_trial(&t, d, l);
    if (told)
        ff_search_report(c->search, &t, v, accepted);
    free(indices);
    return told;
}

/* Other pins came in between: of the way here only the steps that were taken count. */
static void tell_steps(ff_case *c)
{
    for (int i = 0; i < c->n_steps; i++) {
        int first = 0;
        ff_proposals head = {.count = 1, .at = &c->steps[i]};
        ff_trial t = {.phase = ff_search_phase(c->search), .n = 1, .indices = &first};
        ff_search_set_proposals(c->search, &head);
        ff_search_report(c->search, &t, FF_VERDICT_BETTER, true);
    }
    ff_search_set_proposals(c->search, c->proposals);
}

/* *ended: the search has nothing left to try behind it. */
static int tell_log(ff_case *c, bool *follows, bool *ended)
{
    int n = 0, code;
    *follows = true;
    int64_t *log = ff_alloc_array((size_t)c->history.n_decisions + 1, sizeof *log);
    for (int64_t k = c->history.tip; k > 0; k = c->history.decisions[k - 1].previous)
        log[n++] = k;
    list l = {0};
    code = tell_list(c, 0, &l);
    for (int i = n - 1; !code && *follows && i >= 0; i--) {
        const decision *d = &c->history.decisions[log[i] - 1];
        if (d->outcome == OUTCOME_ESSENTIAL || d->outcome == OUTCOME_INTO_GRAPH)
            continue;
        if (d->outcome == OUTCOME_KEPT) {
            ff_search_took(c->search);
            code = tell_list(c, d->to, &l);
            continue;
        }
        *follows = tell_decision(c, d, &l);
        if (*follows && d->outcome == OUTCOME_ACCEPTED && !d->subset)
            code = tell_list(c, d->to, &l);
    }
    list_finish(&l);
    free(log);
    if (!code && *follows && n) {
        ff_trial t;
        *ended = !ff_search_next(c->search, c->history.states[c->history.current].wrong, &t);
    }
    return code;
}

/* Can the log that ends in `tip` be followed: has every state on it its list? */
static bool log_is_whole(const ff_case *c)
{
    bool whole = c->history.states[0].listed;
    for (int64_t k = c->history.tip; k > 0 && whole; k = c->history.decisions[k - 1].previous) {
        const decision *d = &c->history.decisions[k - 1];
        if (d->outcome == OUTCOME_ACCEPTED && !d->subset)
            whole = c->history.states[d->to].listed;
    }
    return whole;
}

static void begin_search(ff_case *c)
{
    const ff_search_options o = {
        .paper = c->options.paper_strategy,
        .minimal = c->options.minimal,
        .rounds = c->options.rounds,
    };
    ff_search_destroy(c->search);
    c->search = ff_search_create(&o);
    c->stage = CASE_STALE;
}

int case_replay(ff_case *c)
{
    if (c->stage == CASE_TOLD) {
        c->stage = CASE_READY;
        ff_search_set_proposals(c->search, c->proposals);
        return FF_OK;
    }
    begin_search(c);
    bool follows = false, ended = false;
    if (log_is_whole(c)) {
        int code = tell_log(c, &follows, &ended);
        if (code) { /* its list is not that of the case */
            ff_search_destroy(c->search);
            c->search = NULL;
            return code;
        }
        if (!follows) {
            case_note(c,
                      "the session was made by another version: its %d steps are taken up, what else was tried is not",
                      c->n_steps);
            begin_search(c);
        }
    }
    if (!follows)
        tell_steps(c);
    c->stage = ended && follows ? CASE_SEARCHED : CASE_READY;
    return FF_OK;
}

/* ------------------------------------------------------------------------------------- moves */

static int move(ff_case *c, outcome how, int64_t to)
{
    const case_state *from = &c->history.states[c->history.current], *at = &c->history.states[to];
    const case_state *step = how == OUTCOME_UNDONE ? from : at;
    decision d = {
        .previous = c->history.tip,
        .outcome = how,
        .from = c->history.current,
        .to = to,
        .ids = ff_strdup(step->ids),
        .type = ff_strdup(step->type),
        .summary = how == OUTCOME_WENT ? ff_asprintf("to state %lld", (long long)to) : ff_strdup(step->summary),
        .findings = ff_strdup(step->findings),
        .verdict = -1,
        .before = from->wrong,
        .after = at->wrong,
        .phase = ff_strdup(""),
    };
    char *text = ff_asprintf("%s: wrong %d -> %d: %s", outcome_name(how), d.before, d.after, d.summary);
    int code = case_commit(c, &d, NULL);
    decision_finish(&d);
    if (!code) {
        case_note(c, "%s", text);
        c->announce(c->context, text);
        c->publish(c->context, true); /* the state at once, the lists when they are made */
        code = case_refresh(c);
        c->publish(c->context, true);
    }
    free(text);
    return code;
}

static int need_history(const ff_case *c)
{
    return case_stage_localized(c->stage) ? FF_OK
                                          : ff_fail(FF_ERR_USAGE, "nothing was localised yet, there is no history");
}

int case_undo(ff_case *c)
{
    int code = need_history(c);
    if (code)
        return code;
    if (c->history.current == 0)
        return ff_fail(FF_ERR_USAGE, "nothing to undo: this is the Target as it came");
    return move(c, OUTCOME_UNDONE, c->history.states[c->history.current].parent);
}

int case_redo(ff_case *c, int64_t number)
{
    int code = need_history(c);
    if (code)
        return code;
    for (int64_t i = c->history.n_states - 1; i > 0; i--) {
        if (c->history.states[i].parent == c->history.current && (number <= 0 || number == i))
            return move(c, OUTCOME_REDONE, i);
    }
    return ff_fail(FF_ERR_USAGE, "nothing to redo");
}

int case_goto(ff_case *c, int64_t number)
{
    int code = need_history(c);
    if (code)
        return code;
    if (!case_state_at(c, number))
        return ff_fail(FF_ERR_USAGE, "there is no state %lld", (long long)number);
    return number == c->history.current ? FF_OK : move(c, OUTCOME_WENT, number);
}
