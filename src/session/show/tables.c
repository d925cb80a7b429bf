/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables of a snapshot that tell of findings, repairs, history and images. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/show/tables.h"

static bool wrong_at(const ff_case *c, const ff_labels *l, int i)
{
    return ff_label_wrong(&c->source_labels->at[i], &l->at[i], c->offset);
}

/* ---------------------------------------------------------------------------------- findings */

/* Is a repaired finding essential? All are where minimisation did not tell. */
static bool is_essential(const ff_case *c, const known_finding *k, int64_t state)
{
    bool settled = case_settled(c);
    if (c->stage != CASE_SEARCHED || !c->search || settled)
        return true;
    int n;
    const int *which = ff_search_essential(c->search, &n);
    bool own = case_lists(c->history.states[state].findings, k->id);
    for (int i = 0; i < n; i++) {
        if (which[i] < 0 || which[i] >= c->n_steps || c->step_states[which[i]] != state)
            continue;
        const ff_proposal *step = &c->steps[which[i]];
        /* Gone by another's repair: as essential as that. */
        if (!own)
            return true;
        for (int m = 0; m < step->n_findings; m++) {
            if (strcmp(step->findings[m], k->id) == 0)
                return true;
        }
    }
    return false;
}

/* The state on the path in which a finding was repaired, or -1. */
static int64_t repaired_at(const ff_case *c, const known_finding *k, const int64_t *path, int n)
{
    for (int i = 1; i < n; i++) {
        if (case_lists(c->history.states[path[i]].findings, k->id))
            return path[i];
    }
    if (!c->history.states[path[n - 1]].listed || case_lists(c->history.states[path[n - 1]].open, k->id))
        return -1;
    /* Gone without a step of its own: another repair did it. */
    for (int i = 1; i < n; i++) {
        const case_state *p = &c->history.states[path[i]], *before = &c->history.states[path[i - 1]];
        if (p->listed && !case_lists(p->open, k->id) && case_lists(before->open, k->id))
            return path[i];
    }
    return -1;
}

/* Found where the Target could not run, and gone without a repair of its own as soon as it could: no fault, but what
 * could not be compared. */
static bool came_of_breaking(const ff_case *c, const known_finding *k, int64_t repaired)
{
    const case_state *p = repaired >= 0 ? &c->history.states[repaired] : NULL;
    return p && !p->error && c->history.states[p->parent].error && !case_lists(p->findings, k->id);
}

static bool seen_on(const ff_case *c, const known_finding *k, const int64_t *path, int n)
{
    for (int i = 0; i < n; i++) {
        if (path[i] == k->state || case_lists(c->history.states[path[i]].open, k->id))
            return true;
    }
    return false;
}

/* The last trial of an unrepaired finding in the search's log, or NULL. */
static const decision *last_trial(const ff_case *c, const known_finding *k)
{
    for (int64_t n = c->history.tip; n > 0; n = c->history.decisions[n - 1].previous) {
        const decision *d = &c->history.decisions[n - 1];
        if (!d->subset && case_lists(d->findings, k->id))
            return d;
    }
    return NULL;
}

static bool was_repaired_elsewhere(const ff_case *c, const known_finding *k)
{
    for (int i = 1; i < c->history.n_states; i++) {
        if (case_lists(c->history.states[i].findings, k->id))
            return true;
    }
    return false;
}

ff_table *case_findings(ff_case *c)
{
    ff_table *t = case_table("findings");
    if (!c->history.n_states)
        return t;
    int n = c->history.states[c->history.current].depth + 1;
    int64_t *path = ff_alloc_array((size_t)n, sizeof *path);
    case_path(c, c->history.current, path, n);
    for (int i = 0; i < c->history.n_known; i++) {
        const known_finding *k = &c->history.known[i];
        int64_t state = repaired_at(c, k, path, n);
        if (!seen_on(c, k, path, n) || came_of_breaking(c, k, state))
            continue;
        int row = ff_table_add_row(t), pair = case_pair_of(c, k);
        ff_table_set_text(t, row, "id", k->id);
        ff_table_set_text(t, row, "type", ff_fault_type_name(k->type));
        ff_table_set_text(t, row, "cause", k->cause);
        ff_table_set_text(t, row, "summary", k->summary);
        ff_table_set_text(t, row, "explanation", k->explanation);
        ff_table_set_text(t, row, "source_nodes", k->source_nodes);
        ff_table_set_text(t, row, "target_nodes", k->target_nodes);
        ff_table_set_text(t, row, "details", k->details);
        ff_table_set_real(t, row, "magnitude", k->magnitude);
        ff_buf brief = {0};
        case_brief(k->type, k->cause, k->details, k->magnitude, false, &brief);
        ff_table_set_text(t, row, "brief", brief.data);
        ff_buf_finish(&brief);
        if (pair >= 0) {
            ff_table_set_int(t, row, "pair", pair);
            int layer = case_layer_of(c, pair);
            if (layer)
                ff_table_set_int(t, row, "layer", layer);
        }
        const char *status = "open";
        if (state >= 0) {
            const case_state *p = &c->history.states[state];
            status = "repaired";
            ff_table_set_int(t, row, "step", p->depth);
            ff_table_set_int(t, row, "before", c->history.states[p->parent].wrong);
            ff_table_set_int(t, row, "after", p->wrong);
        } else {
            const decision *d = last_trial(c, k);
            status = d ? "ineffective" : was_repaired_elsewhere(c, k) ? "undone" : "open";
            if (d)
                ff_table_set_int(t, row, "before", d->before);
            if (d && d->after >= 0)
                ff_table_set_int(t, row, "after", d->after);
        }
        ff_table_set_text(t, row, "status", status);
        ff_table_set_bool(t, row, "essential", state >= 0 && is_essential(c, k, state));
    }
    free(path);
    return t;
}

/* --------------------------------------------------------------------------------- proposals */

static char *describe_edits(const ff_proposal *p)
{
    char *edits = p->patch ? ff_patch_describe(p->patch) : NULL;
    if (!p->has_pre)
        return edits ? edits : ff_strdup("");
    char *pre = ff_pre_print(&p->pre);
    char *text =
        ff_asprintf("%s%spreprocess the Target's images with %s", edits ? edits : "", edits && *edits ? "\n" : "", pre);
    free(pre);
    free(edits);
    return text;
}

/* The images whose verdict changes from one labelling to another: those put right, or made wrong. */
static void set_changed(ff_table *t, int row, const char *column, const ff_case *c, const ff_labels *to, bool right)
{
    const ff_labels *now = c->history.states[c->history.current].labels;
    ff_buf b = {0};
    for (int i = 0; i < c->source_labels->count; i++) {
        if (wrong_at(c, now, i) == right && wrong_at(c, to, i) != right)
            ff_buf_printf(&b, "%s%d", b.len ? "," : "", i);
    }
    ff_table_set_text(t, row, column, b.data);
    ff_buf_finish(&b);
}

ff_table *case_proposals(ff_case *c)
{
    ff_table *t = case_table("proposals");
    for (int i = 0; c->proposals && case_stage_current(c->stage) && i < c->proposals->count; i++) {
        const ff_proposal *p = &c->proposals->at[i];
        const ff_judgement *j = case_judged(c, p->id);
        ff_buf findings = {0};
        for (int k = 0; k < p->n_findings; k++)
            ff_buf_printf(&findings, "%s%s", k ? "\n" : "", p->findings[k]);
        char *edits = describe_edits(p);
        int row = ff_table_add_row(t);
        ff_table_set_int(t, row, "number", row + 1);
        ff_table_set_text(t, row, "id", p->id);
        ff_table_set_text(t, row, "type", ff_fault_type_name(p->type));
        ff_table_set_text(t, row, "summary", p->summary);
        ff_table_set_text(t, row, "findings", findings.data);
        ff_table_set_text(t, row, "patch", edits);
        ff_table_set_text(t, row, "status", case_decided(c, p->id) ? "rejected" : j ? "evaluated" : "untried");
        if (p->n_members)
            ff_table_set_int(t, row, "members", p->n_members);
        if (p->pair >= 0)
            ff_table_set_int(t, row, "pair", p->pair);
        if (j) {
            ff_table_set_text(t, row, "verdict", ff_verdict_name(j->verdict));
            ff_table_set_int(t, row, "wrong", j->wrong);
            ff_table_set_bool(t, row, "complete", j->complete);
            ff_table_set_int(t, row, "fixed", j->fixed);
            ff_table_set_int(t, row, "broken", j->broken);
            if (j->complete && j->state && j->state->labels) {
                set_changed(t, row, "puts_right", c, j->state->labels, true);
                set_changed(t, row, "makes_wrong", c, j->state->labels, false);
            }
        }
        ff_buf_finish(&findings);
        free(edits);
    }
    return t;
}

/* ----------------------------------------------------------------------------------- history */

ff_table *case_states(const ff_case *c)
{
    ff_table *t = case_table("states");
    for (int i = 0; i < c->history.n_states; i++) {
        const case_state *p = &c->history.states[i];
        int row = ff_table_add_row(t);
        ff_table_set_int(t, row, "state", i);
        if (p->parent >= 0)
            ff_table_set_int(t, row, "parent", p->parent);
        ff_table_set_int(t, row, "wrong", p->wrong);
        if (isfinite(p->distance))
            ff_table_set_real(t, row, "distance", p->distance);
        ff_table_set_int(t, row, "step", p->depth);
        ff_table_set_text(t, row, "summary", i ? p->summary : "as it came");
        ff_table_set_bool(t, row, "current", i == c->history.current);
        ff_table_set_text(t, row, "model", p->model_hex);
    }
    return t;
}

ff_table *case_steps(const ff_case *c)
{
    ff_table *t = case_table("steps");
    for (int i = 0; i < c->history.n_decisions; i++) {
        const decision *d = &c->history.decisions[i];
        int row = ff_table_add_row(t);
        ff_table_set_int(t, row, "decision", d->number);
        if (d->to >= 0) {
            ff_table_set_int(t, row, "step", c->history.states[d->to].depth);
            ff_table_set_int(t, row, "state", d->to);
        }
        ff_table_set_text(t, row, "proposal", d->ids);
        ff_table_set_text(t, row, "type", d->type);
        ff_table_set_text(t, row, "summary", d->summary);
        ff_table_set_text(t, row, "outcome", outcome_name(d->outcome));
        ff_table_set_int(t, row, "before", d->before);
        if (d->after >= 0)
            ff_table_set_int(t, row, "after", d->after);
        ff_table_set_text(t, row, "phase", d->phase);
        ff_table_set_text(t, row, "findings", d->findings);
    }
    return t;
}

/* ------------------------------------------------------------------------------------ images */

static void set_label(ff_table *t, int row, const ff_case *c, const char *column, const char *name, int label,
                      int offset)
{
    if (label < 0)
        return;
    ff_table_set_int(t, row, column, label);
    if (name && c->names)
        ff_table_set_text(t, row, name, ff_names_at(c->names, label + offset));
}

static void set_top(ff_table *t, int row, const char *column, const ff_label *l)
{
    ff_buf b = {0};
    for (int k = 0; k < FF_TOP && l->top[k] >= 0; k++)
        ff_buf_printf(&b, "%s%d", k ? "," : "", l->top[k]);
    ff_table_set_text(t, row, column, b.data);
    ff_buf_finish(&b);
}

ff_table *case_images(const ff_case *c)
{
    ff_table *t = case_table("images");
    if (!case_stage_loaded(c->stage))
        return t;
    int n = c->history.states[c->history.current].depth + 1;
    int64_t *path = ff_alloc_array((size_t)n, sizeof *path);
    case_path(c, c->history.current, path, n);
    const ff_labels *now = c->history.states[c->history.current].labels, *first = c->history.states[0].labels;
    for (int i = 0; i < c->source_labels->count; i++) {
        const ff_label *s = &c->source_labels->at[i], *l = &now->at[i];
        int row = ff_table_add_row(t);
        ff_table_set_int(t, row, "image", i);
        ff_table_set_text(t, row, "name", ff_dataset_name(c->set, i));
        set_label(t, row, c, "source", "source_name", s->top[0], 0);
        set_label(t, row, c, "target", "target_name", l->top[0], c->offset);
        set_label(t, row, c, "initial", "initial_name", first->at[i].top[0], c->offset);
        ff_table_set_real(t, row, "source_margin", s->margin);
        if (l->top[0] >= 0)
            ff_table_set_real(t, row, "target_margin", l->margin);
        if (l->verdict != FF_BY_LABEL)
            ff_table_set_real(t, row, "score", l->score);
        ff_table_set_bool(t, row, "wrong", wrong_at(c, now, i));
        for (int k = n - 1; k > 0 && !wrong_at(c, c->history.states[path[k]].labels, i); k--) {
            if (wrong_at(c, c->history.states[path[k - 1]].labels, i)) {
                ff_table_set_int(t, row, "fixed_by", k);
                break;
            }
        }
        set_top(t, row, "top_source", s);
        set_top(t, row, "top_target", l);
    }
    free(path);
    return t;
}

/* --------------------------------------------------------------------------------- the others */

ff_table *case_equivalences(const ff_case *c)
{
    ff_table *t = case_table("equivalences");
    for (int i = 0; c->sames && i < c->sames->count; i++) {
        const ff_same *s = &c->sames->at[i];
        int row = ff_table_add_row(t);
        char *source = case_labels_of(s->source_nodes, s->n_source_nodes);
        char *target = case_labels_of(s->target_nodes, s->n_target_nodes);
        ff_table_set_text(t, row, "rule", s->rule);
        ff_table_set_text(t, row, "meaning", s->meaning);
        ff_table_set_text(t, row, "source_nodes", source);
        ff_table_set_text(t, row, "target_nodes", target);
        ff_table_set_real(t, row, "deviation", s->deviation);
        free(source);
        free(target);
    }
    return t;
}

ff_table *case_log(const ff_case *c)
{
    ff_table *t = case_table("log");
    int64_t size = (int64_t)FF_COUNT(c->notes);
    for (int64_t i = c->n_notes > size ? c->n_notes - size : 0; i < c->n_notes; i++)
        ff_table_set_text(t, ff_table_add_row(t), "line", c->notes[i % size].data);
    return t;
}
