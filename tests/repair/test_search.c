/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The search against worlds without models: which proposals it takes, what it calls essential, and that it can be
 * taken up again by replaying what was decided. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fetafix/repair.h"

enum { MOST = 12, LOG = 4000 };

/* wrong(set of faults that are repaired), as bits. */
typedef struct world {
    int n;
    int (*wrong)(const struct world *w, unsigned repaired);
    unsigned salt;
    bool blind;          /* a share of the images often shows nothing of what is wrong */
    bool second_variant; /* the repair that works is the second of two */
    int grouped;         /* the first faults, of one cause */
} world;

typedef struct entry {
    int kind, n, phase;
    unsigned what;
    bool accepted;
} entry;

typedef struct run {
    const world *w;
    ff_search *search;
    unsigned repaired; /* present state */
    int n_steps;
    unsigned steps[64];
    int n_log;
    entry log[LOG];
} run;

static int count_bits(unsigned v)
{
    int n = 0;
    for (; v; v &= v - 1)
        n++;
    return n;
}

static unsigned fault_of(const ff_proposals *p, int index)
{
    int i;
    assert_int_equal(sscanf(p->at[index].id, "f%d", &i), 1);
    return 1u << i;
}

static ff_proposals *proposals_for(const world *w, unsigned repaired)
{
    ff_proposals *p = ff_alloc(sizeof *p);
    p->at = ff_alloc_array(2 * MOST + 1, sizeof *p->at);
    for (int i = 0; i < w->n; i++) {
        if (repaired & 1u << i)
            continue;
        for (int variant = w->second_variant ? 0 : 1; variant < 2; variant++) {
            ff_proposal *x = &p->at[p->count++];
            x->id = ff_asprintf(variant ? "f%d" : "f%d#other", i);
            x->n_findings = 1;
            x->findings = ff_alloc_array(1, sizeof *x->findings);
            x->findings[0] = ff_asprintf("f%d", i);
        }
    }
    ff_proposal *group = &p->at[p->count];
    group->findings = ff_alloc_array(MOST, sizeof *group->findings);
    for (int i = 0; i < w->grouped; i++)
        if (!(repaired & 1u << i))
            group->findings[group->n_findings++] = ff_asprintf("f%d", i);
    group->id = ff_strdup(FF_GROUP "WB:rounded");
    p->count++;
    return p;
}

static bool is_hidden(const world *w, unsigned repaired, int share)
{
    ff_rng rng = {(w->salt * 4096u + repaired) * 16u + (unsigned)share};
    return ff_rng_below(&rng, 2) == 1;
}

/* `replay` > 0: the first that many decisions are taken from `old` and must be what the search asks. */
static void go(run *r, const world *w, const ff_search_options *o, const run *old, int replay)
{
    memset(r, 0, sizeof *r);
    r->w = w;
    r->search = ff_search_create(o);
    ff_proposals *list = proposals_for(w, 0);
    ff_search_set_proposals(r->search, list);
    ff_trial t;
    while (ff_search_next(r->search, w->wrong(w, r->repaired), &t)) {
        assert_true(r->n_log < LOG);
        ff_trial again;
        assert_true(ff_search_next(r->search, w->wrong(w, r->repaired), &again));
        assert_int_equal(again.n, t.n);
        int now = w->wrong(w, r->repaired);
        entry e = {.kind = t.kind, .n = t.n, .phase = t.phase};
        unsigned next = t.kind == FF_TRIAL_ADD ? r->repaired : 0;
        bool useless = false;
        for (int i = 0; i < t.n; i++) {
            unsigned bit = t.kind == FF_TRIAL_ADD ? fault_of(list, t.indices[i]) : r->steps[t.indices[i]];
            bool other = t.kind == FF_TRIAL_ADD && strstr(list->at[t.indices[i]].id, "#other");
            useless = useless || other;
            next |= other ? 0 : bit;
            if (t.kind == FF_TRIAL_SUBSET)
                assert_true(t.indices[i] < r->n_steps);
        }
        e.what = next;
        int after = w->wrong(w, next);
        if (t.phase == FF_PHASE_MINIMISE)
            e.accepted = after <= now || (t.share > 1 && w->blind && is_hidden(w, next, t.share));
        else if (t.phase == FF_PHASE_COMPLETE) /* the distance falls with each fault that is gone */
            e.accepted = after <= now && count_bits(next) > count_bits(r->repaired) && !useless;
        else
            e.accepted = after < now;
        if (r->n_log < replay) {
            const entry *was = &old->log[r->n_log];
            assert_int_equal(e.kind, was->kind);
            assert_int_equal(e.what, was->what);
            assert_int_equal(e.phase, was->phase);
            e.accepted = was->accepted;
        }
        r->log[r->n_log++] = e;
        ff_search_report(r->search, &t, e.accepted ? FF_VERDICT_BETTER : FF_VERDICT_WORSE, e.accepted);
        if (e.accepted && t.kind == FF_TRIAL_ADD) {
            for (int i = 0; i < t.n; i++)
                r->steps[r->n_steps++] = fault_of(list, t.indices[i]);
            r->repaired = next;
            ff_proposals_destroy(list);
            list = proposals_for(w, r->repaired);
            ff_search_set_proposals(r->search, list);
        }
    }
    assert_int_equal(ff_search_phase(r->search), FF_PHASE_DONE);
    ff_proposals_destroy(list);
}

static unsigned essential(const run *r)
{
    int n;
    const int *which = ff_search_essential(r->search, &n);
    unsigned set = 0;
    for (int i = 0; i < n; i++)
        set |= r->steps[which[i]];
    return set;
}

static int tried(const run *r, int phase)
{
    int n = 0;
    for (int i = 0; i < r->n_log; i++)
        n += r->log[i].phase == phase;
    return n;
}

static int independent(const world *w, unsigned repaired)
{
    return 20 - 3 * count_bits(repaired & 0x15) /* the others change no label */;
}

static void takes_what_helps(void **state)
{
    world w = {.n = 6, .wrong = independent};
    run r;
    go(&r, &w, NULL, NULL, 0);
    assert_int_equal(r.repaired, 0x3f); /* completion takes the rest */
    assert_int_equal(essential(&r), 0x15);
    ff_search_destroy(r.search);

    go(&r, &w, &(ff_search_options){.paper = true}, NULL, 0);
    assert_int_equal(r.repaired, 0x15); /* the paper's rule alone */
    assert_int_equal(essential(&r), 0x15);
    assert_int_equal(tried(&r, FF_PHASE_COMPLETE) + tried(&r, FF_PHASE_JOINT) + tried(&r, FF_PHASE_MINIMISE), 0);
    ff_search_destroy(r.search);

    w.second_variant = true;
    go(&r, &w, NULL, NULL, 0);
    assert_int_equal(r.repaired & 0x15, 0x15);
    ff_search_destroy(r.search);
}

static int masked(const world *w, unsigned repaired)
{
    bool a = repaired & 2, b = repaired & 16;
    return a && b ? 0 : a || b ? 9 : 5; /* one without the other is worse */
}

static void finds_what_masks_each_other(void **state)
{
    world w = {.n = 6, .wrong = masked};
    run r;
    go(&r, &w, NULL, NULL, 0);
    assert_int_equal(masked(&w, r.repaired), 0);
    assert_int_equal(essential(&r), 2 | 16);
    ff_search_destroy(r.search);
    go(&r, &w, &(ff_search_options){.paper = true}, NULL, 0);
    assert_int_equal(r.repaired, 0);
    ff_search_destroy(r.search);
}

static int harmful(const world *w, unsigned repaired)
{
    return (repaired & 1 ? 0 : 4) + (repaired & 8 ? 2 : 0); /* number 3 makes it worse */
}

static void leaves_what_harms(void **state)
{
    world w = {.n = 7, .wrong = harmful};
    run r;
    go(&r, &w, NULL, NULL, 0);
    assert_int_equal(r.repaired, 0x7f & ~8u);
    assert_int_equal(essential(&r), 1);
    ff_search_destroy(r.search);
}

static int nothing_wrong(const world *w, unsigned repaired)
{
    return 0;
}

static void knows_when_it_is_done(void **state)
{
    world w = {.n = 0, .wrong = nothing_wrong};
    run r;
    go(&r, &w, NULL, NULL, 0);
    assert_int_equal(r.n_log, 0);
    ff_search_destroy(r.search);
    w.n = 3; /* differences that change no label: completion only, nothing essential */
    go(&r, &w, NULL, NULL, 0);
    assert_int_equal(r.repaired, 7);
    assert_int_equal(essential(&r), 0);
    assert_int_equal(tried(&r, FF_PHASE_GREEDY), 0);
    ff_search_destroy(r.search);
}

/* The shared cause is taken whole, then what is left. */
static int all_count(const world *w, unsigned repaired)
{
    (void)w;
    return 20 - count_bits(repaired);
}

/* One of them does harm while the others stay with it. */
static int last_harms(const world *w, unsigned repaired)
{
    return 20 - count_bits(repaired & ~(1u << (w->grouped - 1))) + 12 * (repaired >> (w->grouped - 1) & 1);
}

static void takes_a_shared_cause_whole(void **state)
{
    world w = {.n = 11, .wrong = all_count, .grouped = 9};
    run r;
    go(&r, &w, NULL, NULL, 0);
    assert_int_equal(r.repaired, 0x7ff);
    assert_int_equal(r.log[0].n, 9);
    assert_int_equal(tried(&r, FF_PHASE_GREEDY), 3);
    assert_int_equal(essential(&r), 0x7ff); /* what each does is found out one by one */
    ff_search_destroy(r.search);
    go(&r, &w, &(ff_search_options){.paper = true}, NULL, 0);
    assert_int_equal(tried(&r, FF_PHASE_GREEDY), 11);
    ff_search_destroy(r.search);
    w.grouped = 4; /* so few are tried one by one */
    go(&r, &w, NULL, NULL, 0);
    assert_int_equal(tried(&r, FF_PHASE_GREEDY), 11);
    ff_search_destroy(r.search);
    /* Where the whole does not help, each by itself does. */
    w = (world){.n = 11, .wrong = last_harms, .grouped = 9};
    go(&r, &w, NULL, NULL, 0);
    assert_int_equal(r.log[0].n, 9);
    assert_false(r.log[0].accepted);
    assert_int_equal(r.log[1].n, 1);
    assert_int_equal(r.repaired, 0x6ff);
    ff_search_destroy(r.search);
}

/* A person sets the group aside, or one of its repairs. */
static void group_set_aside_by_hand(void **state)
{
    world w = {.n = 10, .grouped = 10};
    ff_proposals *list = proposals_for(&w, 0);
    ff_search *s = ff_search_create(NULL);
    ff_trial t;
    int third = 2, group = 10;
    ff_search_set_proposals(s, list);
    assert_true(ff_search_next(s, 9, &t));
    assert_int_equal(t.n, 10);
    assert_string_equal(t.group, list->at[group].id);
    ff_search_report(s, &(ff_trial){.n = 1, .indices = &third}, FF_VERDICT_WORSE, false);
    assert_true(ff_search_next(s, 9, &t));
    assert_int_equal(t.n, 9);
    ff_search_report(s, &(ff_trial){.n = 1, .indices = &group}, FF_VERDICT_WORSE, false);
    assert_true(ff_search_next(s, 9, &t));
    assert_int_equal(t.n, 1);
    assert_null(t.group);
    assert_int_equal(t.indices[0], 0);
    ff_search_destroy(s);
    ff_proposals_destroy(list);
}

/* A search for a preprocessing comes when nothing else helps, once on a state, and what failed is tried again on
 * top of what it found. */
static void searches_preprocessing_late(void **state)
{
    char *finding[] = {(char *)"f"};
    ff_proposal at[] = {{.id = (char *)FF_SEARCH_PRE, .n_findings = 1, .findings = finding},
                        {.id = (char *)"plain", .n_findings = 1, .findings = finding}};
    ff_proposals list = {2, at};
    ff_search *s = ff_search_create(NULL);
    ff_trial t;
    ff_search_set_proposals(s, &list);
    assert_true(ff_search_next(s, 5, &t));
    assert_int_equal(t.phase, FF_PHASE_GREEDY);
    assert_int_equal(t.indices[0], 1);
    ff_search_report(s, &t, FF_VERDICT_WORSE, false);
    assert_true(ff_search_next(s, 5, &t));
    assert_int_equal(t.phase, FF_PHASE_PRE);
    assert_int_equal(t.indices[0], 0);
    ff_search_report(s, &t, FF_VERDICT_BETTER, true);
    ff_search_set_proposals(s, &list);
    assert_true(ff_search_next(s, 2, &t));
    assert_int_equal(t.phase, FF_PHASE_GREEDY);
    assert_int_equal(t.indices[0], 1);
    ff_search_report(s, &t, FF_VERDICT_WORSE, false);
    assert_true(ff_search_next(s, 2, &t));
    assert_int_equal(t.phase, FF_PHASE_COMPLETE);
    assert_int_equal(t.n, 1);
    assert_int_equal(t.indices[0], 1);
    ff_search_destroy(s);
    /* The paper's behaviour does without. */
    s = ff_search_create(&(ff_search_options){.paper = true});
    ff_search_set_proposals(s, &list);
    assert_true(ff_search_next(s, 5, &t));
    ff_search_report(s, &t, FF_VERDICT_WORSE, false);
    assert_false(ff_search_next(s, 5, &t));
    ff_search_destroy(s);
}

/* Any function of the set, the same for the same set. */
static int arbitrary(const world *w, unsigned repaired)
{
    ff_rng rng = {w->salt * 4096u + repaired};
    return (int)ff_rng_below(&rng, 12);
}

static void minimal_and_resumable(void **state)
{
    run *a = ff_alloc(sizeof *a), *b = ff_alloc(sizeof *b);
    for (unsigned salt = 1; salt <= 150; salt++) {
        world w = {.n = 1 + (int)(salt % 10), .wrong = arbitrary, .salt = salt, .blind = salt % 3 == 0};
        w.grouped = salt % 4 == 1 ? w.n : 0;
        go(a, &w, NULL, NULL, 0);
        /* What is called essential does as well, and no single one of it can be spared. */
        unsigned set = essential(a);
        int goal = arbitrary(&w, a->repaired);
        assert_true(goal <= arbitrary(&w, 0));
        if (goal < arbitrary(&w, 0)) {
            assert_true(arbitrary(&w, set) <= goal);
            for (int i = 0; i < w.n && count_bits(set) > 1; i++)
                if (set & 1u << i)
                    assert_true(arbitrary(&w, set & ~(1u << i)) > goal);
        } else {
            assert_int_equal(set, 0);
        }
        /* Killed after any number of decisions and taken up again. */
        int cut = (int)(salt % (unsigned)(a->n_log + 1));
        go(b, &w, NULL, a, cut);
        assert_int_equal(b->n_log, a->n_log);
        assert_int_equal(b->repaired, a->repaired);
        assert_int_equal(essential(b), set);
        assert_memory_equal(b->log, a->log, (size_t)a->n_log * sizeof *a->log);
        ff_search_destroy(a->search);
        ff_search_destroy(b->search);
    }
    free(a);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(searches_preprocessing_late), cmocka_unit_test(takes_what_helps),
        cmocka_unit_test(finds_what_masks_each_other), cmocka_unit_test(leaves_what_harms),
        cmocka_unit_test(knows_when_it_is_done),       cmocka_unit_test(minimal_and_resumable),
        cmocka_unit_test(takes_a_shared_cause_whole),  cmocka_unit_test(group_set_aside_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
