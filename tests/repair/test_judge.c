/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random edits of random networks: what a judge decides and counts, from whatever checkpoints, with
 * any memory, threads and batch of the model, equals what whole runs over all images say, bit for bit.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "fetafix/repair.h"
#include "random_net.h"

enum { IMAGES = 24, NETS = 60, EDITS = 9 };

#define ok(call)                                                                                                       \
    do {                                                                                                               \
        if ((call) != FF_OK)                                                                                           \
            fail_msg("%s: %s", #call, ff_error());                                                                     \
    } while (0)

/* Where it happens: enough to see it again. */
static uint64_t seed;
static int edit;

#define holds(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            fail_msg("seed %llu, edit %d: %s", (unsigned long long)seed, edit, #condition);                            \
    } while (0)

static char folder[] = "/tmp/fetafix-judge-XXXXXX";

static char *picture(int i)
{
    return ff_asprintf("%s/%02d.png", folder, i);
}

static int draw(void **state)
{
    assert_non_null(mkdtemp(folder));
    ff_rng rng = {3};
    for (int i = 0; i < IMAGES; i++) {
        uint8_t rgb[20 * 20 * 3];
        double at[3] = {ff_rng_real(&rng), ff_rng_real(&rng), ff_rng_real(&rng)};
        for (int k = 0; k < 20 * 20 * 3; k++)
            rgb[k] = (uint8_t)(at[k % 3] * 200 + 50 * ff_rng_real(&rng));
        char *path = picture(i);
        ok(ff_image_save_png(&(ff_image){20, 20, rgb}, path, true));
        free(path);
    }
    return 0;
}

static int erase(void **state)
{
    for (int i = 0; i < IMAGES; i++) {
        char *path = picture(i);
        unlink(path);
        free(path);
    }
    return rmdir(folder);
}

/* One network in all its edits, with the labels of whole runs. */
typedef struct family {
    ff_model *source, *edits[EDITS];
    ff_labels *truth[EDITS];
    int wrong[EDITS];
    ff_pre pre;
    const ff_dataset *set;
} family;

static void family_init(family *f, const ff_dataset *set)
{
    ff_rng rng = {seed};
    int64_t batch = seed % 3 ? 1 : 1 + (int64_t)(seed % 4);
    f->set = set;
    f->source = random_net_of(seed, -1, batch);
    const ff_shape *in = &ff_model_graph(f->source)->inputs[0]->declared;
    bool nhwc = in->dims[3] == 3;
    char *spec = ff_asprintf("unit size=%dx%d layout=%s", (int)in->dims[nhwc ? 2 : 3], (int)in->dims[nhwc ? 1 : 2],
                             nhwc ? "NHWC" : "NCHW");
    ok(ff_pre_parse(spec, &f->pre));
    free(spec);
    ff_labels *source;
    ok(ff_label_model(f->source, NULL, &f->pre, set, false, 1 << 20, NULL, false, NULL, &source));
    for (int i = 0; i < EDITS; i++) {
        f->edits[i] = random_net_of(seed, (int)ff_rng_below(&rng, 16), batch);
        ok(ff_label_model(f->edits[i], NULL, &f->pre, set, false, 1 << 20, NULL, false, NULL, &f->truth[i]));
        f->wrong[i] = ff_labels_wrong(source, f->truth[i], 0);
    }
    ff_labels_destroy(source);
}

static void family_finish(family *f)
{
    for (int i = 0; i < EDITS; i++) {
        ff_model_unref(f->edits[i]);
        ff_labels_destroy(f->truth[i]);
    }
    ff_model_unref(f->source);
}

static void check_labels(const ff_labels *got, const ff_labels *want)
{
    holds(got->count == want->count);
    for (int i = 0; i < got->count; i++) {
        holds(memcmp(got->at[i].top, want->at[i].top, sizeof got->at[i].top) == 0);
        holds(memcmp(&got->at[i].margin, &want->at[i].margin, sizeof got->at[i].margin) == 0);
    }
}

/* A judgement of edit k against `limit`; returns images that were spared. */
static int check(const family *f, int k, int limit, bool all_images, const ff_judgement *v)
{
    holds(v->verdict != FF_VERDICT_BROKEN);
    holds(v->flops <= v->flops_full * (1 + 1e-9) || v->flops_full == 0);
    if (v->complete) {
        holds(v->wrong == f->wrong[k]);
        holds(v->state != NULL);
        check_labels(v->state->labels, f->truth[k]);
    } else {
        holds(v->wrong <= f->wrong[k]);
    }
    if (v->verdict == FF_VERDICT_WORSE)
        holds(f->wrong[k] > limit && v->wrong > limit);
    else if (all_images)
        holds(f->wrong[k] <= limit || v->verdict == FF_VERDICT_SAME);
    return v->complete ? 0 : IMAGES - v->images_run;
}

typedef struct tally {
    int judged, rejected, spared, kept;
    double flops, flops_full;
} tally;

static void judge_family(const family *f, int threads, uint64_t memory, tally *t)
{
    ff_pool *pool = ff_pool_create(threads, NULL);
    ff_task task = {.pool = pool};
    ff_rng rng = {seed * 7 + (uint64_t)threads};
    ff_subject *s;
    ff_judge *j;
    ff_state *base;
    ok(ff_subject_create(f->source, &f->pre, f->edits[0], &f->pre, f->set, NULL, &task, &s));
    ok(ff_judge_create(s, memory, &j));
    ok(ff_judge_state(j, f->edits[0], &f->pre, &task, &base));
    edit = 0;
    check_labels(base->labels, f->truth[0]);
    for (int k = 1; k < EDITS; k++) {
        ff_judgement v;
        edit = k;
        bool hardest = ff_rng_below(&rng, 3) == 0, complete = ff_rng_below(&rng, 4) == 0;
        int limit = ff_rng_below(&rng, 2) ? base->wrong - 1 : (int)ff_rng_below(&rng, IMAGES);
        limit = limit < 0 ? 0 : limit;
        if (hardest)
            ok(ff_judge_hardest(j, base, f->edits[k], &f->pre, limit, 1 << ff_rng_below(&rng, 4), &task, &v));
        else
            ok(ff_judge_model(j, base, f->edits[k], &f->pre, limit, complete, &task, &v));
        t->spared += check(f, k, limit, !hardest, &v);
        t->judged++;
        t->rejected += v.verdict == FF_VERDICT_WORSE;
        t->flops += v.flops;
        t->flops_full += v.flops_full;
        if (v.verdict == FF_VERDICT_BETTER && v.state) { /* goes on from there */
            ff_state_destroy(base);
            base = v.state;
            v.state = NULL;
            t->kept++;
        }
        ff_judgement_finish(&v);
    }
    ff_state_destroy(base);
    ff_judge_destroy(j);
    ff_subject_destroy(s);
    ff_pool_destroy(pool);
}

static void equals_whole_runs(void **state)
{
    static const uint64_t memories[] = {1, 20000, 400000, 1 << 26};
    ff_dataset *set;
    tally t = {0};
    ok(ff_dataset_open(folder, 0, &set));
    for (seed = 1; seed <= NETS; seed++) {
        family f;
        family_init(&f, set);
        for (int threads = 1; threads <= 2; threads++)
            judge_family(&f, threads, memories[(seed + (uint64_t)threads) % FF_COUNT(memories)], &t);
        family_finish(&f);
    }
    ff_dataset_destroy(set);
    print_message("seeds 1 to %d: %d judgements, %d rejected, %d images spared, %d steps kept, %.1f%% of the work\n",
                  NETS, t.judged, t.rejected, t.spared, t.kept, 100 * t.flops / t.flops_full);
    /* All of it was put to the test. */
    assert_true(t.judged > 500 && t.rejected > 50 && t.kept > 50 && t.spared > 500);
    assert_true(t.flops < 0.95 * t.flops_full);
}

/* Nothing that takes long goes on after a stop, and what was stopped can be asked again. */
static void stops(void **state)
{
    ff_cancel cancel = {false};
    ff_progress progress = {.total = 0};
    ff_task task = {.cancel = &cancel, .progress = &progress}, fine = {0};
    ff_dataset *set;
    ff_subject *s, *other;
    ff_judge *j;
    ff_state *base;
    ff_judgement v;
    family f;
    ok(ff_dataset_open(folder, 0, &set));
    seed = 4;
    family_init(&f, set);
    ok(ff_subject_create(f.source, &f.pre, f.edits[0], &f.pre, set, NULL, &task, &s));
    ok(ff_judge_create(s, 1 << 20, &j));
    ok(ff_judge_state(j, f.edits[0], &f.pre, &task, &base));
    atomic_store(&cancel.set, true);
    for (int k = 1; k < EDITS; k++) {
        ff_labels *labels;
        ff_plan *plan;
        ff_plan_options o = {.cancel = &cancel};
        assert_int_equal(ff_plan_create(f.edits[k], &o, &plan), FF_ERR_CANCELLED);
        assert_int_equal(ff_judge_model(j, base, f.edits[k], &f.pre, IMAGES, true, &task, &v), FF_ERR_CANCELLED);
        assert_int_equal(ff_judge_hardest(j, base, f.edits[k], &f.pre, 0, 2, &task, &v), FF_ERR_CANCELLED);
        assert_int_equal(ff_subject_create(f.source, &f.pre, f.edits[k], &f.pre, set, NULL, &task, &other),
                         FF_ERR_CANCELLED);
        assert_int_equal(ff_label_model(f.edits[k], NULL, &f.pre, set, false, 0, NULL, false, &task, &labels),
                         FF_ERR_CANCELLED);
        const ff_proposal search = {.search_pre = true, .pre = f.pre};
        assert_int_equal(ff_judge_proposal(j, base, &search, false, &task, &v), FF_ERR_CANCELLED);
        ok(ff_judge_model(j, base, f.edits[k], &f.pre, IMAGES, true, &fine, &v));
        edit = k;
        check(&f, k, IMAGES, true, &v);
        ff_judgement_finish(&v);
    }
    ff_state_destroy(base);
    ff_judge_destroy(j);
    ff_subject_destroy(s);
    family_finish(&f);
    ff_dataset_destroy(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(equals_whole_runs), cmocka_unit_test(stops)};
    return cmocka_run_group_tests(tests, draw, erase);
}
