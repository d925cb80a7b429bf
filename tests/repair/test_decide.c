/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The early decision equals the full count, whatever the order, the limit and the size of a wave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "repair/decide.h"

typedef struct world {
    const ff_labels *source, *candidate;
    int runs;
    bool *ran;
} world;

static int run(void *context, const int *images, int n)
{
    world *w = context;
    for (int i = 0; i < n; i++) {
        assert_false(w->ran[images[i]]);
        w->ran[images[i]] = true;
        w->runs++;
    }
    return FF_OK;
}

static bool wrong_at(void *context, int image)
{
    world *w = context;
    assert_true(w->ran[image]);
    return ff_decide_wrong(w->source, &w->candidate->at[image], image, 0);
}

static ff_labels *random_labels(ff_rng *rng, int n, uint64_t classes)
{
    ff_labels *l = ff_labels_create(n);
    for (int i = 0; i < n; i++) {
        l->at[i].top[0] = (int)ff_rng_below(rng, classes);
        l->at[i].margin = (float)ff_rng_below(rng, 8);
    }
    return l;
}

static void equals_full_count(void **state)
{
    ff_rng rng = {1};
    for (int round = 0; round < 3000; round++) {
        int n = 1 + (int)ff_rng_below(&rng, 40);
        uint64_t classes = 1 + ff_rng_below(&rng, 4);
        ff_labels *source = random_labels(&rng, n, classes), *base = random_labels(&rng, n, classes),
                  *next = random_labels(&rng, n, classes);
        if (ff_rng_below(&rng, 5) == 0)
            next->at[ff_rng_below(&rng, (uint64_t)n)].top[0] = -1;
        int before = 0, after = 0, order[40];
        for (int i = 0; i < n; i++) {
            before += ff_decide_wrong(source, &base->at[i], i, 0);
            after += ff_decide_wrong(source, &next->at[i], i, 0);
        }
        ff_decide_order(source, base, 0, order);
        bool seen[40] = {0};
        for (int i = 0; i < n; i++) {
            assert_false(seen[order[i]]);
            seen[order[i]] = true;
            /* wrong ones first, the others by margin */
            bool wrong = ff_decide_wrong(source, &base->at[order[i]], order[i], 0);
            assert_true(wrong == (i < before));
            if (i > before)
                assert_true(base->at[order[i - 1]].margin <= base->at[order[i]].margin);
        }
        int64_t last[40];
        int again[40];
        for (int i = 0; i < n; i++)
            last[i] = (int64_t)ff_rng_below(&rng, 3);
        memcpy(again, order, sizeof order);
        ff_decide_recent_first(last, again, n);
        for (int i = 0, k = 0; i < n; i++) { /* a permutation, ordered by `last`, then as before */
            assert_true(i == 0 || last[again[i - 1]] >= last[again[i]]);
            for (k = i > 0 && last[again[i - 1]] == last[again[i]] ? k : 0; order[k] != again[i]; k++)
                assert_true(k < n - 1);
        }
        int limit = ff_rng_below(&rng, 2) ? before - 1 : (int)ff_rng_below(&rng, (uint64_t)n + 1);
        ff_decision first = {0};
        for (int wave = 1; wave < 9; wave += 3) {
            bool ran[40] = {0};
            world w = {source, next, 0, ran};
            ff_decision d;
            assert_int_equal(
                ff_decide(order, n, limit, (ff_wave){wave, wave == 1 ? 0 : wave % 5}, run, wrong_at, &w, &d), FF_OK);
            if (limit >= 0) {
                assert_true((d.wrong <= limit) == (after <= limit));
                if (d.wrong <= limit) {
                    assert_true(d.complete);
                    assert_int_equal(d.wrong, after);
                }
            }
            if (wave == 1) {
                first = d;
                assert_int_equal(w.runs, d.run);
            }
            assert_int_equal(d.run, first.run);
            assert_int_equal(d.wrong, first.wrong);
        }
        /* Nothing put right: rejected when the wrong ones have run, not later. */
        if (limit == before - 1 && before > 0 && first.wrong > limit)
            assert_true(first.run >= before);
        ff_labels_destroy(source);
        ff_labels_destroy(base);
        ff_labels_destroy(next);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(equals_full_count)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
