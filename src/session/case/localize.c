/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What differs in the present state, and what could be done about it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "session/case/case.h"

/* --------------------------------------------------------------------------------------- texts */

/* Ids are kept in lists, one a line; a name may hold anything. */
static void make_visible(char **text)
{
    char *v = ff_visible(*text);
    free(*text);
    *text = v;
}

char *case_labels_of(const ff_node *const *nodes, int n)
{
    ff_buf b = {0};
    for (int i = 0; i < n; i++) {
        if (i)
            ff_buf_putc(&b, '\n');
        ff_buf_visible(&b, nodes[i]->label);
    }
    return ff_buf_steal(&b);
}

bool case_lists(const char *lines, const char *id)
{
    size_t n = strlen(id);
    while (lines && *lines) {
        const char *end = strchrnul(lines, '\n');
        if ((size_t)(end - lines) == n && memcmp(lines, id, n) == 0)
            return true;
        lines = *end ? end + 1 : end;
    }
    return false;
}

int case_proposal(const ff_case *c, const char *id)
{
    for (int i = 0; c->proposals && i < c->proposals->count; i++) {
        if (strcmp(c->proposals->at[i].id, id) == 0)
            return i;
    }
    return -1;
}

/* ------------------------------------------------------------------------------------ findings */

static void remember_finding(ff_case *c, const ff_subject *s, const ff_finding *f)
{
    for (int i = 0; i < c->history.n_known; i++) {
        if (strcmp(c->history.known[i].id, f->id) == 0)
            return;
    }
    known_finding k = {
        .id = ff_strdup(f->id),
        .cause = ff_strdup(f->cause->name),
        .summary = ff_strdup(f->summary),
        .explanation = ff_strdup(f->explanation ? f->explanation : ""),
        .source_nodes = case_labels_of(f->source_nodes, f->n_source_nodes),
        .target_nodes = case_labels_of(f->target_nodes, f->n_target_nodes),
        .details = ff_strdup(f->details ? f->details : "{}"),
        .type = f->type,
        .magnitude = f->magnitude,
        .state = c->history.current,
        .source = f->pair >= 0 && s->alignment ? s->alignment->pairs[f->pair].source : -1,
    };
    ff_grow(&c->history.known, &c->history.known_capacity, (size_t)c->history.n_known + 1, sizeof k);
    c->history.known[c->history.n_known++] = k;
}

/* The Source is the same in both alignments. */
ff_layer_scores *case_scores_for(const ff_case *c, const ff_subject *s)
{
    if (!c->scores || !s->alignment || !c->first->alignment)
        return NULL;
    ff_layer_scores *copy = ff_alloc(sizeof *copy);
    copy->at = ff_alloc_array((size_t)c->scores->count + 1, sizeof *copy->at);
    for (int i = 0; i < c->scores->count; i++) {
        ff_layer_score score = c->scores->at[i];
        if (score.pair < 0 || score.pair >= c->first->alignment->n_pairs)
            continue;
        int source = c->first->alignment->pairs[score.pair].source;
        score.pair = source >= 0 ? s->alignment->of_source[source] : -1;
        if (score.pair >= 0)
            copy->at[copy->count++] = score;
    }
    return copy;
}

static char *proposal_ids(const ff_proposals *list)
{
    ff_buf b = {0};
    for (int i = 0; i < list->count; i++) {
        ff_buf_puts(&b, i ? "\n" : "");
        ff_buf_puts(&b, list->at[i].id);
    }
    return ff_buf_steal(&b);
}

static char *proposal_findings(const ff_proposals *list)
{
    ff_buf b = {0};
    for (int i = 0; i < list->count; i++) {
        ff_buf_puts(&b, i ? "\n" : "");
        for (int k = 0; k < list->at[i].n_findings; k++) {
            ff_buf_puts(&b, k ? "\t" : "");
            ff_buf_puts(&b, list->at[i].findings[k]);
        }
    }
    return ff_buf_steal(&b);
}

static char *finding_ids(const ff_findings *list)
{
    ff_buf b = {0};
    for (int i = 0; i < list->count; i++) {
        ff_buf_puts(&b, i ? "\n" : "");
        ff_buf_puts(&b, list->at[i].id);
    }
    return ff_buf_steal(&b);
}

bool case_any_listed(const ff_case *c)
{
    for (int i = 0; i < c->history.n_states; i++)
        if (c->history.states[i].listed)
            return true;
    return false;
}

/* Keeps the list of the present state; the same state always gives the same list. */
static int keep_listing(ff_case *c)
{
    case_state *p = &c->history.states[c->history.current];
    char *ids = proposal_ids(c->proposals);
    if (p->listed && strcmp(p->proposals, ids) == 0) {
        free(ids);
        return FF_OK;
    }
    if (p->listed)
        case_note(c, "the session was made by another version: its list of repairs is made anew");
    free(p->proposals);
    free(p->proposal_findings);
    free(p->open);
    bool first = !case_any_listed(c);
    p->proposals = ids;
    p->proposal_findings = proposal_findings(c->proposals);
    p->open = finding_ids(c->findings);
    p->listed = true;
    int code = db_begin(c->db);
    if (!code)
        code = case_save_findings(c);
    if (!code)
        code = case_save_listing(c, c->history.current);
    /* The first list says that the analysis is done. */
    if (!code && first)
        code = case_save_scores(c);
    if (!code)
        code = db_commit(c->db);
    if (code)
        db_rollback(c->db);
    return code;
}

/* ------------------------------------------------------------------------------------- present */

ff_fault_type case_type_of(const char *name)
{
    for (int t = 0; name && t < FF_FAULT_TYPES; t++) {
        if (strcmp(name, ff_fault_type_name(t)) == 0)
            return (ff_fault_type)t;
    }
    return FF_WB;
}

char *case_findings_of(const ff_proposal *p)
{
    ff_buf b = {0};
    for (int i = 0; i < p->n_findings; i++)
        ff_buf_printf(&b, "%s%s", i ? "\n" : "", p->findings[i]);
    return ff_buf_steal(&b);
}

void case_split_findings(const char *lines, ff_proposal *out)
{
    while (lines && *lines) {
        const char *end = strchrnul(lines, '\n');
        out->findings = ff_realloc_array(out->findings, (size_t)out->n_findings + 1, sizeof(char *));
        out->findings[out->n_findings++] = ff_strndup(lines, (size_t)(end - lines));
        lines = *end ? end + 1 : end;
    }
}

/* The step that made a state, as a proposal again. */
static void step_of(const ff_case *c, const case_state *p, ff_proposal *out)
{
    *out = (ff_proposal){
        .id = ff_strdup(p->ids),
        .type = case_type_of(p->type),
        .summary = ff_strdup(p->summary),
        .patch = p->patch ? ff_patch_copy(p->patch) : NULL,
        .pre = p->pre,
        .from = c->history.states[p->parent].pre,
        .has_pre = !ff_pre_equal(&p->pre, &c->history.states[p->parent].pre),
        .pair = -1,
    };
    case_split_findings(p->findings, out);
}

static void add_step(ff_case *c, int64_t state, const ff_proposal *part)
{
    size_t capacity = c->steps_capacity, n = (size_t)c->n_steps + 1;
    ff_grow(&c->steps, &c->steps_capacity, n, sizeof *c->steps);
    if (c->steps_capacity != capacity)
        c->step_states = ff_realloc_array(c->step_states, c->steps_capacity, sizeof(int64_t));
    if (part)
        ff_proposal_copy(part, &c->steps[c->n_steps]);
    else
        step_of(c, &c->history.states[state], &c->steps[c->n_steps]);
    c->step_states[c->n_steps++] = state;
}

static void collect_steps(ff_case *c)
{
    for (int i = 0; i < c->n_steps; i++)
        ff_proposal_finish(&c->steps[i]);
    c->n_steps = 0;
    int n = c->history.states[c->history.current].depth + 1;
    int64_t *path = ff_alloc_array((size_t)n, sizeof *path);
    case_path(c, c->history.current, path, n);
    for (int i = 1; i < n; i++) {
        const case_state *p = &c->history.states[path[i]];
        if (!p->n_parts)
            add_step(c, path[i], NULL);
        for (int k = 0; k < p->n_parts; k++)
            add_step(c, path[i], &p->parts[k]);
    }
    free(path);
}

static int keep_state(ff_case *c, int64_t number, ff_state *s)
{
    case_state *p = &c->history.states[number];
    if (s->wrong != p->wrong) {
        case_note(c, "state %lld has %d wrong labels, %d were stored (another processor or library)", (long long)number,
                  s->wrong, p->wrong);
        p->wrong = s->wrong;
    }
    if (isnan(p->distance) && isfinite(s->distance)) {
        p->distance = s->distance;
        return db_run(c->db, "UPDATE state SET distance=? WHERE state=?", "di", p->distance, number);
    }
    return FF_OK;
}

/* The judge with its two states: the root and the present. */
static int prepare_judge(ff_case *c)
{
    int code = FF_OK;
    uint64_t memory = ff_session_memory(&c->options);
    if (!c->judge && (code = ff_judge_create(c->first, memory / 2, &c->judge)))
        return code;
    if (!c->start) {
        code = ff_judge_state(c->judge, c->target, &c->target_pre, &c->task, &c->start);
        if (code || (code = keep_state(c, 0, c->start)))
            return code;
    }
    ff_state_destroy(c->state);
    c->state = NULL;
    if (c->history.current == 0) {
        c->state = ff_state_copy(c->start);
        return FF_OK;
    }
    ff_model *m;
    if ((code = case_state_model(c, c->history.current, &m)) ||
        (code = ff_judge_state(c->judge, m, &c->history.states[c->history.current].pre, &c->task, &c->state)))
        return code;
    return keep_state(c, c->history.current, c->state);
}

static int prepare_subject(ff_case *c)
{
    if (c->subject && c->subject != c->first)
        ff_subject_destroy(c->subject);
    c->subject = NULL;
    ff_subject *s = c->first;
    int64_t state = c->history.current;
    /* Nodes that stand for preprocessing are no finding: what it was before they were written is compared. */
    while (state && strcmp(c->history.states[state].ids, "pre-into-graph") == 0)
        state = c->history.states[state].parent;
    if (state != 0) {
        ff_model *m;
        int code = case_state_model(c, state, &m);
        if (!code)
            code = ff_subject_retarget(c->first, m, &c->history.states[state].pre, c->history.states[state].labels,
                                       &c->task, &s);
        if (code)
            return code;
    }
    c->subject = s;
    return FF_OK;
}

int case_refresh(ff_case *c)
{
    ff_findings *findings = NULL;
    ff_sames *sames = NULL;
    ff_proposals *proposals = NULL;
    int64_t start = ff_now_ns();
    int code = prepare_subject(c);
    if (!code)
        code = ff_localize(c->subject, &c->task, &findings, &sames);
    ff_spend("analysis", "findings", ff_now_ns() - start, 1);
    if (code)
        return code;
    for (int i = 0; i < findings->count; i++)
        make_visible(&findings->at[i].id);
    if (!c->bisected && (code = ff_bisect(c->first, &c->task, &c->divergence))) {
        ff_findings_destroy(findings);
        ff_sames_destroy(sames);
        return code;
    }
    c->bisected = true;
    ff_layer_scores *scores = case_scores_for(c, c->subject);
    code = ff_propose(c->subject, findings, scores, &proposals);
    ff_layer_scores_destroy(scores);
    if (code) {
        ff_findings_destroy(findings);
        ff_sames_destroy(sames);
        return code;
    }
    for (int i = 0; i < proposals->count; i++)
        make_visible(&proposals->at[i].id);
    ff_findings_destroy(c->findings);
    ff_sames_destroy(c->sames);
    ff_proposals_destroy(c->proposals);
    c->findings = findings;
    c->sames = sames;
    c->proposals = proposals;
    c->localizations++;
    for (int i = 0; i < findings->count; i++)
        remember_finding(c, c->subject, &findings->at[i]);
    case_forget_judgements(c);
    case_drop_what_if(c);
    collect_steps(c);
    if ((code = keep_listing(c)) || (code = prepare_judge(c)))
        return code;
    if (c->stage < CASE_STALE)
        c->stage = CASE_STALE;
    return case_replay(c);
}

int case_analyse(ff_case *c, const ff_subject *s, bool causal, ff_layer_scores **out)
{
    const ff_analysis_options o = {
        .paper = c->options.paper_analysis,
        .core_ops = c->options.core_ops,
        .causal = causal,
        .memory = ff_session_memory(&c->options),
    };
    int64_t begun = ff_now_ns();
    int code = ff_analyse(s, &o, &c->task, out);
    if (!code)
        case_count_work(c, WORK_ANALYSIS, (*out)->flops, (*out)->flops_full, begun);
    return code;
}

int case_localize(ff_case *c)
{
    if (!case_stage_loaded(c->stage) || c->options.labels_only)
        return ff_fail(FF_ERR_USAGE, "nothing is loaded that could be localised");
    if (case_stage_localized(c->stage))
        return case_stage_current(c->stage) ? FF_OK : case_refresh(c);
    if (!case_any_listed(c) && !c->history.states[0].error && !c->scores) {
        int code = case_analyse(c, c->first, c->options.causal, &c->scores);
        if (code)
            return code;
    }
    int code = case_refresh(c);
    if (!code)
        case_note(c, "%d findings, %d equivalent rewrites", c->findings->count, c->sames->count);
    const ff_pair *p = !code && c->divergence.found && c->divergence.pair >= 0
                           ? &c->first->alignment->pairs[c->divergence.pair]
                           : NULL;
    const ff_node *begins = !p               ? NULL
                            : p->source >= 0 ? c->first->source.canon->nodes[p->source].primary
                                             : c->first->target.canon->nodes[p->target].primary;
    if (begins)
        case_note(c, "the models part at '%s'", begins->label);
    c->publish(c->context, true);
    return code;
}
