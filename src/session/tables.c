/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Snapshots: everything a front end may show, copied into tables on the engine thread. Tables that
 * did not change since the last snapshot are shared with it.
 */
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/case.h"
#include "session/snapshot.h"

typedef struct box {
    ff_snapshot s; /* first: the public pointer is the box's */
    atomic_int refs;
    ff_arena *texts;
    uint64_t changes, localised;
} box;

ff_snapshot *snapshot_ref(const ff_snapshot *s)
{
    atomic_fetch_add(&((box *)s)->refs, 1);
    return (ff_snapshot *)s;
}

void ff_snapshot_unref(const ff_snapshot *s)
{
    box *b = (box *)s;
    if (!b || atomic_fetch_sub(&b->refs, 1) != 1)
        return;
    const ff_table *const tables[] = {s->pairs,        s->findings,     s->proposals, s->layers, s->states, s->steps,
                                      s->images_table, s->equivalences, s->log,       s->nodes,  s->pins};
    for (size_t i = 0; i < FF_COUNT(tables); i++)
        ff_table_unref(tables[i]);
    ff_arena_destroy(b->texts);
    free(b);
}

static bool wrong_at(const ff_case *c, const ff_labels *l, int i)
{
    return ff_label_wrong(&c->source_labels->at[i], &l->at[i], c->offset);
}

/* ---------------------------------------------------------------------------------- findings */

/* Is a repaired finding essential? All are where minimisation did not tell. */
static bool is_essential(const ff_case *c, const known_finding *k, int64_t state)
{
    bool settled = case_settled(c);
    if (!c->searched || !c->search || settled)
        return true;
    int n;
    const int *which = ff_search_essential(c->search, &n);
    bool own = case_lists(c->points[state].findings, k->id);
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
        if (case_lists(c->points[path[i]].findings, k->id))
            return path[i];
    }
    if (!c->points[path[n - 1]].listed || case_lists(c->points[path[n - 1]].open, k->id))
        return -1;
    /* Gone without a step of its own: another repair did it. */
    for (int i = 1; i < n; i++) {
        const point *p = &c->points[path[i]], *before = &c->points[path[i - 1]];
        if (p->listed && !case_lists(p->open, k->id) && case_lists(before->open, k->id))
            return path[i];
    }
    return -1;
}

/* Found where the Target could not run, and gone without a repair of its own as soon as it could: no fault, but what
 * could not be compared. */
static bool came_of_breaking(const ff_case *c, const known_finding *k, int64_t repaired)
{
    const point *p = repaired >= 0 ? &c->points[repaired] : NULL;
    return p && !p->error && c->points[p->parent].error && !case_lists(p->findings, k->id);
}

static bool seen_on(const ff_case *c, const known_finding *k, const int64_t *path, int n)
{
    for (int i = 0; i < n; i++) {
        if (path[i] == k->state || case_lists(c->points[path[i]].open, k->id))
            return true;
    }
    return false;
}

/* The last trial of an unrepaired finding in the search's log, or NULL. */
static const decision *last_trial(const ff_case *c, const known_finding *k)
{
    for (int64_t n = c->tip; n > 0; n = c->decisions[n - 1].previous) {
        const decision *d = &c->decisions[n - 1];
        if (!d->subset && case_lists(d->findings, k->id))
            return d;
    }
    return NULL;
}

static bool was_repaired_elsewhere(const ff_case *c, const known_finding *k)
{
    for (int i = 1; i < c->n_points; i++) {
        if (case_lists(c->points[i].findings, k->id))
            return true;
    }
    return false;
}

static ff_table *make_findings(ff_case *c)
{
    ff_table *t = case_table("findings");
    if (!c->n_points)
        return t;
    int n = c->points[c->current].depth + 1;
    int64_t *path = ff_alloc_array((size_t)n, sizeof *path);
    case_path(c, c->current, path, n);
    for (int i = 0; i < c->n_known; i++) {
        const known_finding *k = &c->known[i];
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
            const point *p = &c->points[state];
            status = "repaired";
            ff_table_set_int(t, row, "step", p->depth);
            ff_table_set_int(t, row, "before", c->points[p->parent].wrong);
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
    const ff_labels *now = c->points[c->current].labels;
    ff_buf b = {0};
    for (int i = 0; i < c->source_labels->count; i++) {
        if (wrong_at(c, now, i) == right && wrong_at(c, to, i) != right)
            ff_buf_printf(&b, "%s%d", b.len ? "," : "", i);
    }
    ff_table_set_text(t, row, column, b.data);
    ff_buf_finish(&b);
}

static ff_table *make_proposals(ff_case *c)
{
    ff_table *t = case_table("proposals");
    for (int i = 0; c->proposals && !c->stale && i < c->proposals->count; i++) {
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

static ff_table *make_states(const ff_case *c)
{
    ff_table *t = case_table("states");
    for (int i = 0; i < c->n_points; i++) {
        const point *p = &c->points[i];
        int row = ff_table_add_row(t);
        ff_table_set_int(t, row, "state", i);
        if (p->parent >= 0)
            ff_table_set_int(t, row, "parent", p->parent);
        ff_table_set_int(t, row, "wrong", p->wrong);
        if (isfinite(p->distance))
            ff_table_set_real(t, row, "distance", p->distance);
        ff_table_set_int(t, row, "step", p->depth);
        ff_table_set_text(t, row, "summary", i ? p->summary : "as it came");
        ff_table_set_bool(t, row, "current", i == c->current);
        ff_table_set_text(t, row, "model", p->model_hex);
    }
    return t;
}

static ff_table *make_steps(const ff_case *c)
{
    ff_table *t = case_table("steps");
    for (int i = 0; i < c->n_decisions; i++) {
        const decision *d = &c->decisions[i];
        int row = ff_table_add_row(t);
        ff_table_set_int(t, row, "decision", d->number);
        if (d->to >= 0) {
            ff_table_set_int(t, row, "step", c->points[d->to].depth);
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

static ff_table *make_images(const ff_case *c)
{
    ff_table *t = case_table("images");
    if (!c->loaded)
        return t;
    int n = c->points[c->current].depth + 1;
    int64_t *path = ff_alloc_array((size_t)n, sizeof *path);
    case_path(c, c->current, path, n);
    const ff_labels *now = c->points[c->current].labels, *first = c->points[0].labels;
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
        for (int k = n - 1; k > 0 && !wrong_at(c, c->points[path[k]].labels, i); k--) {
            if (wrong_at(c, c->points[path[k - 1]].labels, i)) {
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

static ff_table *make_equivalences(const ff_case *c)
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

static ff_table *make_log(const ff_case *c)
{
    ff_table *t = case_table("log");
    int64_t size = (int64_t)FF_COUNT(c->notes);
    for (int64_t i = c->n_notes > size ? c->n_notes - size : 0; i < c->n_notes; i++)
        ff_table_set_text(t, ff_table_add_row(t), "line", c->notes[i % size].data);
    return t;
}

/* --------------------------------------------------------------------------------- snapshots */

static const char *visible(box *b, const char *s)
{
    char *v = s ? ff_visible(s) : NULL;
    const char *kept = v ? ff_arena_strdup(b->texts, v) : NULL;
    free(v);
    return kept;
}

static const char *spec(box *b, const ff_pre *p)
{
    char *text = ff_pre_print(p);
    const char *kept = ff_arena_strdup(b->texts, text);
    free(text);
    return kept;
}

static void set_model(box *b, const ff_model *m, const char *path, const char **shown, const char **producer,
                      const char **sha256, int *opset)
{
    char hex[65];
    *shown = visible(b, path ? path : "");
    *producer = visible(b, m ? ff_model_producer(m) : "");
    if (m)
        ff_key_hex(ff_model_sha256(m), hex);
    *sha256 = ff_arena_strdup(b->texts, m ? hex : "");
    *opset = m ? ff_model_opset(m, "") : 0;
}

/* The search's next single repair. */
static const char *next_proposal(ff_case *c)
{
    ff_trial t;
    if (!c->search || c->stale || c->search_waits || c->searched || !c->state ||
        !ff_search_next(c->search, c->state->wrong, &t) || t.kind != FF_TRIAL_ADD || t.n != 1)
        return NULL;
    return c->proposals->at[t.indices[0]].id;
}

static void set_what_if(const ff_case *c, box *b)
{
    const what_if *w = &c->what_if;
    if (!w->proposal.id)
        return;
    b->s.what_if = (struct ff_what_if){
        .summary = visible(b, w->proposal.summary),
        .verdict = visible(b, w->judgement.why ? w->judgement.why : ""),
        .wrong = w->judgement.wrong,
        .fixed = w->judgement.fixed,
        .broken = w->judgement.broken,
        .distance = w->judgement.distance,
        .keepable = w->edit && w->judgement.state && w->judgement.verdict != FF_VERDICT_SAME,
        .pair = w->proposal.pair,
    };
}

static void set_numbers(ff_case *c, box *b)
{
    ff_snapshot *s = &b->s;
    s->loaded = c->loaded;
    s->localized = c->localized;
    s->searched = c->searched;
    set_model(b, c->source, c->options.source, &s->source_path, &s->source_producer, &s->source_sha256,
              &s->source_opset);
    set_model(b, c->target, c->options.target, &s->target_path, &s->target_producer, &s->target_sha256,
              &s->target_opset);
    s->source_pre = c->source_why ? spec(b, &c->source_pre) : "";
    s->target_pre = c->target_why ? spec(b, &c->target_pre) : "";
    s->source_pre_why = c->source_why ? c->source_why : "";
    s->target_pre_why = c->target_why ? c->target_why : "";
    s->images_path = c->options.images ? ff_arena_strdup(b->texts, c->options.images) : NULL;
    s->comparator = visible(b, ff_comparator_spec(c->comparator));
    s->wrong_words = ff_comparator_wrong(c->comparator);
    s->verdicts = !ff_comparator_by_label(c->comparator);
    s->arrays = c->set && !ff_dataset_is_pictures(c->set);
    s->images = c->set ? ff_dataset_count(c->set) : 0;
    s->offset = c->offset;
    s->initial = s->wrong = -1;
    s->distance = NAN;
    if (c->n_points) {
        const point *p = &c->points[c->current];
        if (!ff_pre_equal(&p->pre, &c->target_pre))
            s->target_pre_repaired = spec(b, &p->pre);
        s->initial = c->points[0].wrong;
        s->wrong = p->wrong;
        s->distance = p->distance;
        s->target_error = visible(b, p->error);
        s->state = c->current;
    }
    s->validation_images = c->validation_images;
    s->validation_initial = c->validation_initial;
    /* What was counted for another state says nothing of this one. */
    bool fresh = c->validation_state == c->current;
    s->validation_wrong = fresh ? c->validation_wrong : -1;
    s->validation_regressed = fresh ? c->validation_regressed : -1;
    s->validation_labelled = fresh ? c->validation_labelled : 0;
    s->validation_source_right = c->validation_source_right;
    s->validation_initial_right = c->validation_initial_right;
    s->validation_right = c->validation_right;
    s->validation_harm = fresh ? visible(b, c->validation_harm) : NULL;
    s->validation_regressed_images = ff_arena_strdup(b->texts, fresh && c->validation_names ? c->validation_names : "");
    const char *next = next_proposal(c);
    s->next = next ? ff_arena_strdup(b->texts, next) : NULL;
    ff_work *work = ff_arena_alloc(b->texts, sizeof c->work);
    memcpy(work, c->work, sizeof c->work);
    s->work = work;
    s->n_work = WORK_PHASES;
    for (int i = WORK_SEARCH; i < WORK_PHASES; i++) {
        s->flops += work[i].flops;
        s->flops_full += work[i].flops_full;
    }
    s->seconds = c->seconds;
    s->timed_out = c->timed_out;
    set_what_if(c, b);
}

static const char *node_label(box *b, const ff_canon *c, int node)
{
    return node < 0 ? "" : visible(b, c->nodes[node].primary ? c->nodes[node].primary->label : c->nodes[node].op);
}

static void set_divergence(ff_case *c, box *b)
{
    ff_snapshot *s = &b->s;
    const ff_divergence *d = &c->divergence;
    const ff_alignment *a = c->first ? c->first->alignment : NULL;
    s->divergence_error = NAN;
    if (!c->bisected || !d->found || !a)
        return;
    const ff_pair none = {-1, -1, 0, NULL, false}, *p = d->pair >= 0 ? &a->pairs[d->pair] : &none;
    s->divergence_source = node_label(b, a->source, p->source);
    s->divergence_target = node_label(b, a->target, p->target);
    s->divergence_until = d->last != d->pair ? node_label(b, a->source, a->pairs[d->last].source) : "";
    s->divergence_image = ff_arena_strdup(b->texts, ff_dataset_name(c->set, d->image));
    s->divergence_error = d->error;
    s->divergence_runs = d->runs;
    int layer = 0;
    for (int i = 0; c->scores && i < c->scores->count && !layer; i++)
        layer = c->scores->at[i].pair == d->pair ? i + 1 : 0;
    char number[32] = "";
    if (layer)
        snprintf(number, sizeof number, " (L%d)", layer);
    const char *first = *s->divergence_source ? s->divergence_source : s->divergence_target;
    char *where = d->pair < 0            ? ff_strdup("with the input")
                  : *s->divergence_until ? ff_asprintf("between '%s' and '%s'", first, s->divergence_until)
                                         : ff_asprintf("at '%s'%s", first, number);
    char *text = ff_asprintf("%s: %.3g%% off on '%s'", where, 100 * d->error, s->divergence_image);
    s->divergence = ff_arena_strdup(b->texts, text);
    free(where);
    free(text);
}

ff_snapshot *case_snapshot(ff_case *c, const ff_snapshot *last)
{
    const box *old = (const box *)last;
    box *b = ff_alloc(sizeof *b);
    atomic_init(&b->refs, 1);
    b->texts = ff_arena_create();
    b->changes = c->changes;
    b->localised = c->localised;
    set_numbers(c, b);
    set_divergence(c, b);
    ff_snapshot *s = &b->s;
    bool same_state = old && old->changes == c->changes && old->s.loaded == c->loaded;
    bool same_lists = same_state && old->localised == c->localised;
    s->images_table = same_state ? ff_table_ref(last->images_table) : make_images(c);
    s->pairs = same_lists ? ff_table_ref(last->pairs) : case_pairs(c);
    s->nodes = same_lists ? ff_table_ref(last->nodes) : case_nodes(c, s->pairs);
    s->layers = same_lists ? ff_table_ref(last->layers) : case_layers(c);
    s->equivalences = same_lists ? ff_table_ref(last->equivalences) : make_equivalences(c);
    s->findings = make_findings(c);
    s->proposals = make_proposals(c);
    s->states = make_states(c);
    s->steps = make_steps(c);
    s->log = make_log(c);
    s->pins = case_pins(c);
    return s;
}
