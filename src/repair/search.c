/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is tried next. No model is known here: lists of ids in, trials out. See repair.h for the phases. */
#include "fetafix/repair.h"
#include "repair/minimise.h"

#include <stdlib.h>
#include <string.h>

typedef struct item {
    char *id;
    int n_findings;
    char **findings;
    int group; /* place of the group it belongs to; -1: none */
} item;

/* Fewer repairs of one cause are tried one by one: that says more, and costs little. */
enum { LEAST_GROUP = 8 };

struct ff_search {
    ff_search_options options;
    ff_phase phase;
    int initial; /* wrong images at the start; -1: not told yet */

    int n_items;
    item *items;

    /* Ids, the value says what is meant: any non-NULL. */
    ff_map *accepted; /* taken: never again */
    ff_map *pass;     /* tried in this round */
    ff_map *present;  /* tried on the present state */

    /* Joint and completion: the open items, cut into 2^level pieces, of which `piece` is next. */
    int n_open;
    int *open;
    int level, piece;

    /* Of each single proposal accepted so far: in which phase. */
    int n_steps;
    size_t steps_capacity;
    ff_phase *steps;

    ff_minimise *minimise;
    int n_essential;
    int *essential;

    /* The trial that was handed out last. */
    bool pending;
    ff_trial trial;
    int group; /* whose members it is, when it has trial.group */
    int *indices;
    size_t indices_capacity;
};

static char mark;

static void clear(ff_map **m)
{
    ff_map_destroy(*m, NULL);
    *m = ff_map_create();
}

static void items_free(ff_search *s)
{
    for (int i = 0; i < s->n_items; i++) {
        free(s->items[i].id);
        for (int k = 0; k < s->items[i].n_findings; k++)
            free(s->items[i].findings[k]);
        free(s->items[i].findings);
    }
    free(s->items);
    s->items = NULL;
    s->n_items = 0;
}

ff_search *ff_search_create(const ff_search_options *o)
{
    ff_search *s = ff_alloc(sizeof *s);
    s->options = o ? *o : (ff_search_options){0};
    s->initial = -1;
    s->accepted = ff_map_create();
    s->pass = ff_map_create();
    s->present = ff_map_create();
    return s;
}

void ff_search_destroy(ff_search *s)
{
    if (!s)
        return;
    items_free(s);
    ff_map_destroy(s->accepted, NULL);
    ff_map_destroy(s->pass, NULL);
    ff_map_destroy(s->present, NULL);
    ff_minimise_destroy(s->minimise);
    free(s->open);
    free(s->steps);
    free(s->essential);
    free(s->indices);
    free(s);
}

/* A search for a preprocessing has its own phase, and a group has no edits but its members'. */
static bool is_group(const item *it)
{
    return strncmp(it->id, FF_GROUP, strlen(FF_GROUP)) == 0;
}

static bool is_aside(const item *it)
{
    return strcmp(it->id, FF_SEARCH_PRE) == 0 || is_group(it);
}

/* The first repair of each of a group's findings belongs to it. */
static void find_members(ff_search *s)
{
    ff_map *group_of = ff_map_create(); /* of a finding whose repair was not met yet */
    for (int g = 0; g < s->n_items; g++)
        for (int k = 0; is_group(&s->items[g]) && k < s->items[g].n_findings; k++)
            ff_map_put(group_of, s->items[g].findings[k], &s->items[g]);
    for (int i = 0; i < s->n_items; i++) {
        item *it = &s->items[i];
        const item *group = it->n_findings == 1 && !is_aside(it) ? ff_map_get(group_of, it->findings[0]) : NULL;
        it->group = group ? (int)(group - s->items) : -1;
        if (group)
            ff_map_remove(group_of, it->findings[0]);
    }
    ff_map_destroy(group_of, NULL);
}

void ff_search_set_proposals(ff_search *s, const ff_proposals *p)
{
    items_free(s);
    s->n_items = p->count;
    s->items = ff_alloc_array((size_t)p->count + 1, sizeof *s->items);
    for (int i = 0; i < p->count; i++) {
        item *it = &s->items[i];
        it->id = ff_strdup(p->at[i].id);
        it->n_findings = p->at[i].n_findings;
        it->findings = ff_alloc_array((size_t)it->n_findings + 1, sizeof *it->findings);
        for (int k = 0; k < it->n_findings; k++)
            it->findings[k] = ff_strdup(p->at[i].findings[k]);
    }
    find_members(s);
    s->pending = false;
    free(s->open);
    s->open = NULL;
    s->n_open = s->level = s->piece = 0;
}

/* One item a finding: variants of a repair exclude one another. */
static void collect_open(ff_search *s)
{
    ff_map *covered = ff_map_create();
    free(s->open);
    s->open = ff_alloc_array((size_t)s->n_items + 1, sizeof *s->open);
    s->n_open = 0;
    for (int i = 0; i < s->n_items; i++) {
        const item *it = &s->items[i];
        bool skip = ff_map_get(s->accepted, it->id) != NULL || is_aside(it);
        for (int k = 0; k < it->n_findings; k++)
            skip = skip || ff_map_get(covered, it->findings[k]);
        if (skip)
            continue;
        for (int k = 0; k < it->n_findings; k++)
            ff_map_put(covered, it->findings[k], &mark);
        s->open[s->n_open++] = i;
    }
    ff_map_destroy(covered, NULL);
    s->level = s->piece = 0;
}

static void hand_out(ff_search *s, int kind, const int *indices, int n)
{
    ff_grow(&s->indices, &s->indices_capacity, (size_t)n + 1, sizeof *s->indices);
    if (n)
        memcpy(s->indices, indices, (size_t)n * sizeof *indices);
    s->trial = (ff_trial){.phase = s->phase, .n = n, .indices = s->indices};
    s->trial.kind = kind;
    s->pending = true;
}

/* Was it neither tried in this round nor taken? */
static bool is_due(const ff_search *s, const item *it)
{
    return !ff_map_get(s->pass, it->id) && !ff_map_get(s->accepted, it->id);
}

/* All repairs of one cause that are due, at once; false: too few, or they were tried together already. */
static bool hand_out_group(ff_search *s, int group)
{
    if (s->options.paper || group < 0 || !is_due(s, &s->items[group]))
        return false;
    int *members = ff_alloc_array((size_t)s->n_items, sizeof *members), n = 0;
    for (int i = 0; i < s->n_items; i++)
        if (s->items[i].group == group && is_due(s, &s->items[i]))
            members[n++] = i;
    if (n >= LEAST_GROUP) {
        hand_out(s, FF_TRIAL_ADD, members, n);
        s->group = group;
        s->trial.group = s->items[group].id;
    }
    free(members);
    return n >= LEAST_GROUP;
}

/* The next proposal of the round, or of the next round; false: a round would bring nothing. */
static bool next_single(ff_search *s)
{
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < s->n_items; i++)
            if (!is_aside(&s->items[i]) && is_due(s, &s->items[i])) {
                if (!hand_out_group(s, s->items[i].group))
                    hand_out(s, FF_TRIAL_ADD, &i, 1);
                return true;
            }
        /* What was tried on the present state would fail again. */
        clear(&s->pass);
        for (int i = 0; i < s->n_items; i++)
            if (ff_map_get(s->present, s->items[i].id))
                ff_map_put(s->pass, s->items[i].id, &mark);
    }
    return false;
}

/* The search for a preprocessing, once on each state; false: there is none, or it was made. */
static bool next_search(ff_search *s)
{
    for (int i = 0; i < s->n_items; i++)
        if (strcmp(s->items[i].id, FF_SEARCH_PRE) == 0 && !ff_map_get(s->present, FF_SEARCH_PRE) &&
            !ff_map_get(s->accepted, FF_SEARCH_PRE)) {
            hand_out(s, FF_TRIAL_ADD, &i, 1);
            return true;
        }
    return false;
}

/* The next piece of at least `least` open items; false: none is left. */
static bool next_piece(ff_search *s, int least)
{
    if (!s->open)
        collect_open(s);
    for (;;) {
        int64_t pieces = (int64_t)1 << s->level;
        if (s->n_open < least || pieces > s->n_open)
            return false;
        if (s->piece >= pieces) {
            s->level++;
            s->piece = 0;
            continue;
        }
        int from = (int)(s->n_open * (int64_t)s->piece / pieces);
        int to = (int)(s->n_open * ((int64_t)s->piece + 1) / pieces);
        if (to - from < least) {
            s->piece++;
            continue;
        }
        hand_out(s, FF_TRIAL_ADD, s->open + from, to - from);
        return true;
    }
}

static void enter(ff_search *s, ff_phase phase)
{
    s->phase = phase;
    free(s->open);
    s->open = NULL;
    s->n_open = s->level = s->piece = 0;
}

/* All steps, or none when they did not change the count. */
static void begin_minimise(ff_search *s, int wrong)
{
    enter(s, FF_PHASE_MINIMISE);
    bool *first = ff_alloc_array((size_t)s->n_steps + 1, sizeof *first);
    for (int i = 0; i < s->n_steps; i++)
        first[i] = s->steps[i] == FF_PHASE_COMPLETE;
    s->minimise = ff_minimise_create(wrong < s->initial ? s->n_steps : 0, first);
    free(first);
}

static void finish(ff_search *s)
{
    s->phase = FF_PHASE_DONE;
    const int *kept = NULL;
    int n = s->n_steps;
    if (s->minimise)
        kept = ff_minimise_kept(s->minimise, &n);
    s->essential = ff_alloc_array((size_t)n + 1, sizeof *s->essential);
    s->n_essential = n;
    for (int i = 0; i < n; i++)
        s->essential[i] = kept ? kept[i] : i;
}

bool ff_search_next(ff_search *s, int wrong, ff_trial *out)
{
    if (s->initial < 0)
        s->initial = wrong;
    while (!s->pending) {
        const int *subset;
        int n, share;
        switch (s->phase) {
        case FF_PHASE_GREEDY:
            if (wrong > 0 && next_single(s))
                break;
            if (s->options.paper)
                finish(s);
            else
                enter(s, wrong > 0 ? FF_PHASE_JOINT : FF_PHASE_COMPLETE);
            break;
        case FF_PHASE_JOINT:
            if (wrong == 0 || !next_piece(s, 2))
                enter(s, FF_PHASE_PRE);
            break;
        case FF_PHASE_PRE:
            if (wrong == 0 || !next_search(s))
                enter(s, FF_PHASE_COMPLETE);
            break;
        case FF_PHASE_COMPLETE:
            if (!next_piece(s, 1))
                begin_minimise(s, wrong);
            break;
        case FF_PHASE_MINIMISE:
            if (ff_minimise_next(s->minimise, &subset, &n, &share)) {
                hand_out(s, FF_TRIAL_SUBSET, subset, n);
                s->trial.share = share;
            } else {
                finish(s);
            }
            break;
        case FF_PHASE_DONE:
            return false;
        }
    }
    *out = s->trial;
    return true;
}

static bool is_pending(const ff_search *s, const ff_trial *t)
{
    return s->pending && t->kind == s->trial.kind && t->n == s->trial.n && t->share == s->trial.share &&
           memcmp(t->indices, s->trial.indices, (size_t)t->n * sizeof *t->indices) == 0;
}

static void add_step(ff_search *s, bool asked)
{
    ff_grow(&s->steps, &s->steps_capacity, (size_t)s->n_steps + 1, sizeof *s->steps);
    s->steps[s->n_steps++] = asked ? s->phase : FF_PHASE_GREEDY;
}

/* What failed singly may help now. */
static void another_state(ff_search *s, bool asked)
{
    clear(&s->present);
    if (s->phase == FF_PHASE_JOINT || s->phase == FF_PHASE_PRE || (!asked && s->phase != FF_PHASE_GREEDY)) {
        ff_minimise_destroy(s->minimise);
        s->minimise = NULL;
        free(s->essential);
        s->essential = NULL;
        clear(&s->pass);
        enter(s, FF_PHASE_GREEDY);
        s->pending = false;
    }
}

void ff_search_report(ff_search *s, const ff_trial *t, ff_verdict v, bool accepted)
{
    (void)v;
    bool asked = is_pending(s, t);
    int tried = t->n == 1 ? t->indices[0] : asked && s->trial.group ? s->group : -1;
    /* A group may be set aside by hand, or a member of it. */
    s->pending = s->pending && !asked && !(t->n == 1 && s->trial.group);
    if (t->kind == FF_TRIAL_SUBSET) {
        if (asked)
            ff_minimise_report(s->minimise, accepted);
        return;
    }
    if (asked && (s->phase == FF_PHASE_JOINT || s->phase == FF_PHASE_COMPLETE))
        s->piece++;
    if (tried >= 0) {
        ff_map_put(s->pass, s->items[tried].id, &mark);
        ff_map_put(s->present, s->items[tried].id, &mark);
    }
    if (!accepted)
        return;
    for (int i = 0; i < t->n; i++) {
        const item *it = &s->items[t->indices[i]];
        ff_map_put(s->accepted, it->id, &mark);
        /* What was searched for is better than the Source's own spec, which goes by the finding's name. */
        for (int k = 0; k < it->n_findings && strcmp(it->id, FF_SEARCH_PRE) == 0; k++)
            ff_map_put(s->accepted, it->findings[k], &mark);
        add_step(s, asked);
    }
    another_state(s, asked);
}

void ff_search_took(ff_search *s)
{
    add_step(s, false);
    another_state(s, false);
}

ff_phase ff_search_phase(const ff_search *s)
{
    return s->phase;
}

const int *ff_search_essential(const ff_search *s, int *n)
{
    *n = s->n_essential;
    return s->essential;
}
