/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a person decides, out of the search's turn. */
#include <stdlib.h>
#include <string.h>

#include "session/case/case.h"

static int find_proposal(ff_case *c, const char *id, int *index)
{
    int code = case_need_search(c);
    if (code)
        return code;
    *index = case_proposal(c, id);
    return *index >= 0 ? FF_OK : ff_fail(FF_ERR_USAGE, "there is no repair '%s'", id);
}

int case_evaluate(ff_case *c, const char *id)
{
    int index, code = find_proposal(c, id, &index);
    if (code || case_judged(c, id))
        return code;
    ff_progress_start(c->task.progress, "evaluating", 0);
    code = case_judge(c, index, false, &c->task);
    ff_progress_finish(c->task.progress);
    c->publish(c->context, true);
    return code;
}

/* -------------------------------------------------------------------------------------- accept */

/* What is to be taken as one step. */
typedef struct choice {
    int n, *indices; /* single proposals, ascending */
    int listed;      /* place in the list of what was asked for, when that is one id; -1: several */
    ff_proposal whole;
} choice;

static void choice_finish(choice *k)
{
    free(k->indices);
    ff_proposal_finish(&k->whole);
}

static void choose(const ff_proposal *p, int index, bool *chosen)
{
    chosen[index] = !p->n_members;
    for (int i = 0; i < p->n_members; i++)
        chosen[p->members[i]] = true;
}

static int make_choice(ff_case *c, char *const *ids, int n_ids, choice *k)
{
    const ff_proposals *list = c->proposals;
    bool *chosen = ff_alloc_array((size_t)list->count + 1, sizeof *chosen);
    int code = FF_OK;
    *k = (choice){.listed = -1, .indices = ff_alloc_array((size_t)list->count + 1, sizeof(int))};
    for (int i = 0; !code && i < n_ids; i++) {
        if (!(code = find_proposal(c, ids[i], &k->listed)))
            choose(&list->at[k->listed], k->listed, chosen);
    }
    for (int i = 0; i < list->count; i++) {
        if (chosen[i])
            k->indices[k->n++] = i;
    }
    if (!code && n_ids == 1) {
        code = ff_proposal_resolve(c->subject, list, k->listed, &k->whole);
    } else if (!code) {
        const ff_proposal **parts = ff_alloc_array((size_t)k->n, sizeof *parts);
        for (int i = 0; i < k->n; i++)
            parts[i] = &list->at[k->indices[i]];
        k->listed = -1;
        code = ff_proposal_join(c->subject, parts, k->n, &k->whole);
        free(parts);
    }
    free(chosen);
    if (code)
        choice_finish(k);
    return code;
}

/* A judgement ahead of time is taken out of its list. */
static int judge_choice(ff_case *c, const choice *k, bool force, ff_judgement *out)
{
    if (k->listed < 0)
        return ff_judge_proposal(c->judge, c->state, &k->whole, force, &c->task, out);
    const char *id = c->proposals->at[k->listed].id;
    const ff_judgement *j = case_judged(c, id);
    if (!j || (force && !j->complete && j->verdict != FF_VERDICT_BROKEN)) {
        int code = case_judge(c, k->listed, force, &c->task);
        if (code)
            return code;
        j = case_judged(c, id);
    }
    if (!j->state || (j->verdict != FF_VERDICT_BETTER && !force))
        return ff_fail(FF_ERR_USAGE, "not accepted, it does not help: %s%s", j->why ? j->why : "",
                       j->state ? " (accept --force takes it)" : "");
    *out = *j;
    case_take_judgement(c, id);
    return FF_OK;
}

static int accept_ids(ff_case *c, char *const *ids, int n_ids, bool force)
{
    choice k;
    ff_judgement j = {0};
    int code = make_choice(c, ids, n_ids, &k);
    if (code)
        return code;
    code = judge_choice(c, &k, force, &j);
    if (!code && (!j.state || (j.verdict != FF_VERDICT_BETTER && !force)))
        code = ff_fail(FF_ERR_USAGE, "not accepted, they do not help together: %s", j.why ? j.why : "");
    if (!code) {
        ff_trial t = {.phase = ff_search_phase(c->search), .kind = FF_TRIAL_ADD, .n = k.n, .indices = k.indices};
        ff_proposal_settle(&k.whole, &j);
        code = case_decide(c, &t, &k.whole, &j, true, "");
    }
    ff_judgement_finish(&j);
    choice_finish(&k);
    return code;
}

int case_accept(ff_case *c, const char *ids, bool force)
{
    int code = case_need_search(c);
    if (code)
        return code;
    char **lines;
    int n = case_split_lines(ids, &lines);
    ff_trial t;
    bool done, accepted;
    if (n > 0) {
        code = accept_ids(c, lines, n, force);
    } else if (!ff_search_next(c->search, c->state->wrong, &t)) {
        code = ff_fail(FF_ERR_USAGE, "there is nothing left to accept");
    } else if (t.kind != FF_TRIAL_ADD || t.n != 1) {
        code = case_trial(c, &done, &accepted);
    } else {
        char *id = c->proposals->at[t.indices[0]].id;
        code = accept_ids(c, &id, 1, force);
    }
    for (int i = 0; i < n; i++)
        free(lines[i]);
    free(lines);
    return code;
}

/* ------------------------------------------------------------------------------- reject, split */

int case_reject(ff_case *c, const char *id)
{
    int code = case_need_search(c), index;
    ff_trial t;
    if (code)
        return code;
    if (id && *id) {
        if ((code = find_proposal(c, id, &index)))
            return code;
        t = (ff_trial){.phase = ff_search_phase(c->search), .kind = FF_TRIAL_ADD, .n = 1, .indices = &index};
    } else if (!ff_search_next(c->search, c->state->wrong, &t)) {
        return ff_fail(FF_ERR_USAGE, "there is nothing left to reject");
    }
    if (t.kind == FF_TRIAL_SUBSET)
        return case_decide(c, &t, NULL, NULL, false, ff_phase_name(t.phase));
    const ff_proposal *p = &c->proposals->at[t.indices[0]];
    return case_decide(c, &t, p, t.n == 1 ? case_judged(c, p->id) : NULL, false,
                       t.n == 1 ? "" : ff_phase_name(t.phase));
}

/* Those that can be taken alone, in their order; then what is left of them, at once. */
static int take_singly(ff_case *c, char **ids, int n)
{
    int code = FF_OK;
    bool *taken = ff_alloc_array((size_t)n + 1, sizeof *taken);
    ff_buf rest = {0};
    for (int i = 0; !code && i < n; i++) {
        if (case_proposal(c, ids[i]) < 0)
            continue; /* another part did it as well */
        code = accept_ids(c, &ids[i], 1, true);
        taken[i] = !code;
        if (code == FF_ERR_USAGE)
            code = FF_OK; /* it cannot run without another part */
    }
    for (int i = 0; i < n; i++) {
        if (!taken[i] && case_proposal(c, ids[i]) >= 0)
            ff_buf_printf(&rest, "%s%s", rest.len ? "\n" : "", ids[i]);
    }
    if (!code && rest.len)
        code = case_accept(c, rest.data, true);
    ff_buf_finish(&rest);
    free(taken);
    return code;
}

int case_split(ff_case *c, const char *id)
{
    int code = case_need_search(c), index;
    if (code)
        return code;
    if (id && *id) {
        if ((code = find_proposal(c, id, &index)))
            return code;
        return c->proposals->at[index].n_members ? case_reject(c, id)
                                                 : ff_fail(FF_ERR_USAGE, "'%s' is a single repair", id);
    }
    const case_state *p = &c->history.states[c->history.current];
    if (p->n_parts < 2)
        return ff_fail(FF_ERR_USAGE, "the step that led here is a single repair");
    int n = p->n_parts;
    char **ids = ff_alloc_array((size_t)n, sizeof *ids);
    for (int i = 0; i < n; i++)
        ids[i] = ff_strdup(p->parts[i].id);
    code = case_undo(c);
    if (!code)
        code = take_singly(c, ids, n);
    for (int i = 0; i < n; i++)
        free(ids[i]);
    free(ids);
    return code;
}
