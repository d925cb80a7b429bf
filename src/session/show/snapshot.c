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

#include "session/show/snapshot.h"
#include "session/show/tables.h"

typedef struct box {
    ff_snapshot s; /* first: the public pointer is the box's */
    atomic_int refs;
    ff_arena *texts;
    uint64_t changes, localizations;
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

/* The search's next single repair, or group. */
static const char *next_proposal(ff_case *c)
{
    ff_trial t;
    if (!c->search || !case_stage_current(c->stage) || c->stage == CASE_SEARCHED || !c->state ||
        !ff_search_next(c->search, c->state->wrong, &t) || t.kind != FF_TRIAL_ADD || (t.n != 1 && !t.group))
        return NULL;
    if (t.group)
        return t.group;
    if (t.indices[0] >= c->proposals->count)
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
    s->loaded = case_stage_loaded(c->stage);
    s->localized = case_stage_localized(c->stage);
    s->searched = c->stage == CASE_SEARCHED;
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
    if (c->history.n_states) {
        const case_state *p = &c->history.states[c->history.current];
        if (!ff_pre_equal(&p->pre, &c->target_pre))
            s->target_pre_repaired = spec(b, &p->pre);
        s->initial = c->history.states[0].wrong;
        s->wrong = p->wrong;
        s->distance = p->distance;
        s->target_error = visible(b, p->error);
        s->state = c->history.current;
    }
    s->validation_images = c->validation.images;
    s->validation_initial = c->validation.initial;
    /* What was counted for another state says nothing of this one. */
    bool fresh = c->validation.state == c->history.current;
    s->validation_wrong = fresh ? c->validation.wrong : -1;
    s->validation_regressed = fresh ? c->validation.regressed : -1;
    s->validation_labelled = fresh ? c->validation.labelled : 0;
    s->validation_source_right = c->validation.source_right;
    s->validation_initial_right = c->validation.initial_right;
    s->validation_right = c->validation.right;
    s->validation_harm = fresh ? visible(b, c->validation.harm) : NULL;
    s->validation_regressed_images = ff_arena_strdup(b->texts, fresh && c->validation.names ? c->validation.names : "");
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
    s->timed_out = c->stage == CASE_TIMED_OUT;
    set_what_if(c, b);
}

static void set_parting(ff_case *c, box *b)
{
    const ff_divergence *d = case_parting(c);
    b->s.parting_pair = -1;
    if (!d || !c->subject || !c->subject->alignment)
        return;
    int layer = d->found && d->pair >= 0 ? case_layer_of(c, d->pair) : 0;
    char *words = case_parting_words(c, c->subject->alignment, d, layer);
    b->s.parting = ff_arena_strdup(b->texts, words);
    b->s.parting_pair = d->found ? d->pair : -1;
    free(words);
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
    s->divergence_source = visible(b, case_parting_label(a->source, p->source));
    s->divergence_target = visible(b, case_parting_label(a->target, p->target));
    s->divergence_until = d->last != d->pair ? visible(b, case_parting_label(a->source, a->pairs[d->last].source)) : "";
    s->divergence_image = ff_arena_strdup(b->texts, ff_dataset_name(c->set, d->image));
    s->divergence_error = d->error;
    s->divergence_runs = d->runs;
    int layer = 0;
    for (int i = 0; c->scores && i < c->scores->count && !layer; i++)
        layer = c->scores->at[i].pair == d->pair ? i + 1 : 0;
    char *text = case_parting_words(c, a, d, layer);
    s->divergence = ff_arena_strdup(b->texts, text);
    free(text);
}

ff_snapshot *case_snapshot(ff_case *c, const ff_snapshot *last)
{
    const box *old = (const box *)last;
    box *b = ff_alloc(sizeof *b);
    atomic_init(&b->refs, 1);
    b->texts = ff_arena_create();
    b->changes = c->changes;
    b->localizations = c->localizations;
    set_numbers(c, b);
    set_divergence(c, b);
    set_parting(c, b);
    ff_snapshot *s = &b->s;
    bool same_state = old && old->changes == c->changes && old->s.loaded == case_stage_loaded(c->stage);
    bool same_lists = same_state && old->localizations == c->localizations;
    s->images_table = same_state ? ff_table_ref(last->images_table) : case_images(c);
    s->pairs = same_lists ? ff_table_ref(last->pairs) : case_pairs(c);
    s->nodes = same_lists ? ff_table_ref(last->nodes) : case_nodes(c, s->pairs);
    s->layers = same_lists ? ff_table_ref(last->layers) : case_layers(c);
    s->equivalences = same_lists ? ff_table_ref(last->equivalences) : case_equivalences(c);
    s->findings = case_findings(c);
    s->proposals = case_proposals(c);
    s->states = case_states(c);
    s->steps = case_steps(c);
    s->log = case_log(c);
    s->pins = case_pins(c);
    return s;
}
