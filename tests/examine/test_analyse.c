/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Layer scores of a small network with one faulty layer: isolated points at it, entire and causal at it and what follows,
 * threads and slabs change nothing, the paper's mode depends on its seed alone. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "fetafix/examine.h"
#include "text_model.h"

enum { IMAGES = 40, SIZE = 16 };

#define ok(call)                                                                                                       \
    do {                                                                                                               \
        if ((call) != FF_OK)                                                                                           \
            fail_msg("%s: %s", #call, ff_error());                                                                     \
    } while (0)

static const char source[] = "opset 13; input x 1,3,16,16;"
                             "float w1 8,3,3,3 random; float b1 8 random; float w2 8,8,3,3 random; float b2 8 random;"
                             "float w3 8,8,1,1 random; float b3 8 random; float w4 10,512 random; float b4 10 random;"
                             "c1 = Conv(x,w1,b1) pads=[1,1,1,1] strides=[2,2]; r1 = Relu(c1);"
                             "c2 = Conv(r1,w2,b2) pads=[1,1,1,1];"
                             "c3 = Conv(c2,w3,b3);" /* reads a layer directly: needs a run of its own to be isolated */
                             "a = Add(c3,r1); f = Flatten(a); y = Gemm(f,w4,b4) transB=1; output y";

static ff_model *build(const char *from, const char *to)
{
    ff_buf b = {0};
    const char *at = from ? strstr(source, from) : NULL;
    if (at) {
        ff_buf_add(&b, source, (size_t)(at - source));
        ff_buf_puts(&b, to);
        ff_buf_puts(&b, at + strlen(from));
    } else {
        ff_buf_puts(&b, source);
    }
    ff_model *m;
    ok(text_model(b.data, 3, &m));
    ff_buf_finish(&b);
    return m;
}

static char folder[] = "/tmp/fetafix-analyse-XXXXXX";

static int draw(void **state)
{
    ff_rng rng = {8};
    if (!mkdtemp(folder))
        return -1;
    for (int i = 0; i < IMAGES; i++) {
        uint8_t rgb[SIZE * SIZE * 3];
        for (size_t k = 0; k < sizeof rgb; k++)
            rgb[k] = (uint8_t)ff_rng_below(&rng, 256);
        char *path = ff_asprintf("%s/%02d.png", folder, i);
        ok(ff_image_save_png(&(ff_image){SIZE, SIZE, rgb}, path, true));
        free(path);
    }
    return 0;
}

static int erase(void **state)
{
    for (int i = 0; i < IMAGES; i++) {
        char *path = ff_asprintf("%s/%02d.png", folder, i);
        unlink(path);
        free(path);
    }
    return rmdir(folder);
}

/* c2's weights are off; everything else is the Source's. */
static ff_subject *subject(const ff_dataset *set, const ff_task *task, uint64_t seed)
{
    ff_model *a = build(NULL, NULL),
             *b = build("c2 = Conv(r1,w2,b2)", "float o 1 0.1; v2 = Mul(w2,o); c2 = Conv(r1,v2,b2)");
    ff_pre pre;
    ff_subject *s;
    ok(ff_pre_parse("tf size=16x16", &pre));
    ok(ff_subject_create(a, &pre, b, &pre, set, &(ff_subject_options){.seed = seed}, task, &s));
    ff_model_unref(a);
    ff_model_unref(b);
    assert_true(s->wrong > 8 && s->wrong < IMAGES - 8);
    return s;
}

/* By the plain way: each layer's activation put into whole runs of all images. */
static double plain_causal(const ff_subject *s, int pair, const ff_task *task)
{
    ff_labels *labels;
    int right = 0;
    ok(ff_inject(s, pair, task, &labels));
    for (int i = 0; i < labels->count; i++)
        right += ff_label_wrong(&s->source.labels->at[i], &s->target.labels->at[i], s->offset) &&
                 !ff_label_wrong(&s->source.labels->at[i], &labels->at[i], s->offset);
    ff_labels_destroy(labels);
    return (double)right / s->wrong;
}

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void points_at_the_origin(void **state)
{
    ff_dataset *set;
    ok(ff_dataset_open(folder, 0, &set));
    ff_pool *pool = ff_pool_create(3, NULL);
    ff_task task = {.pool = pool};
    ff_subject *s = subject(set, &task, 1);
    ff_layer_scores *scores, *again;
    ok(ff_analyse(s, &(ff_analysis_options){.causal = true}, &task, &scores));
    assert_int_equal(scores->count, 4); /* c1 c2 c3 y */
    assert_int_equal(scores->at[1].rank, 1);
    for (int i = 0; i < 4; i++) {
        const ff_layer_score *x = &scores->at[i];
        if (i == 1)
            assert_true(x->isolated > 0.7 && x->isolated < 0.95);
        else
            assert_true(x->isolated == 0); /* the same weights */
        assert_true(i == 0 ? x->entire < 1e-6 : x->entire > 0.01);
        assert_true(x->causal == (i == 0 ? 0 : i == 1 || i == 3 ? 1 : x->causal)); /* c3's Add has r1 beside it */
        assert_true(x->causal == plain_causal(s, x->pair, &task));
        assert_true(x->kw >= 0 && x->kw <= 0.95 && x->effect >= 0 && x->effect <= 1);
    }
    assert_true(scores->at[0].kw == 0 && scores->at[0].effect == 0);
    /* One thread and slabs of one tile. */
    ok(ff_analyse(s, &(ff_analysis_options){.causal = true, .memory = 1}, NULL, &again));
    for (int i = 0; i < 4; i++) {
        const ff_layer_score *x = &scores->at[i], *y = &again->at[i];
        assert_true(same(x->kw, y->kw) && same(x->entire, y->entire) && same(x->isolated, y->isolated) &&
                    same(x->causal, y->causal));
        assert_int_equal(x->rank, y->rank);
    }
    ff_layer_scores_destroy(scores);
    ff_layer_scores_destroy(again);
    ok(ff_analyse(s, &(ff_analysis_options){.core_ops = "Gemm"}, &task, &again));
    assert_int_equal(again->count, 1);
    ff_layer_scores_destroy(again);
    ff_subject_destroy(s);
    ff_pool_destroy(pool);
    ff_dataset_destroy(set);
}

/* Its first two layers fill a pass. */
static ff_model *wide(const char *first)
{
    ff_model *m;
    char *text = ff_asprintf("opset 13; input x 1,3,32,32; float w1 7,3,3,3 random; float b1 7 random;"
                             "float w2 16,7,3,3 random; float b2 16 random; float w3 16,16,3,3 random;"
                             "float b3 16 random; float w4 10,1024 random; float b4 10 random;"
                             "%s; p = MaxPool(c1) kernel_shape=[4,4] strides=[4,4];"
                             "c2 = Conv(p,w2,b2) pads=[1,1,1,1]; r2 = Relu(c2);"
                             "c3 = Conv(r2,w3,b3) pads=[1,1,1,1]; r3 = Relu(c3);"
                             "f = Flatten(r3); y = Gemm(f,w4,b4) transB=1; output y",
                             first);
    ok(text_model(text, 3, &m));
    free(text);
    return m;
}

/* Several passes over the images cost no more than one, and say the same: what a pass ends with is where the next one
 * begins. */
static void passes_begin_where_the_last_ended(void **state)
{
    ff_model *a = wide("c1 = Conv(x,w1,b1) pads=[1,1,1,1]"),
             *b = wide("float o 1 0.1; v1 = Mul(w1,o); c1 = Conv(x,v1,b1) pads=[1,1,1,1]");
    ff_dataset *set;
    ff_pre pre;
    ff_subject *s;
    ff_layer_scores *one, *many;
    ok(ff_dataset_open(folder, 0, &set));
    ok(ff_pre_parse("tf size=32x32", &pre));
    ok(ff_subject_create(a, &pre, b, &pre, set, NULL, NULL, &s));
    assert_true(s->wrong > 0 && s->wrong < IMAGES);
    ok(ff_analyse(s, NULL, NULL, &one));
    ok(ff_analyse(s, &(ff_analysis_options){.memory = 2 << 20}, NULL, &many));
    assert_true(many->flops_full > one->flops_full);
    assert_true(many->flops <= 1.001 * one->flops);
    for (int i = 0; i < one->count; i++)
        assert_true(same(one->at[i].kw, many->at[i].kw) && same(one->at[i].effect, many->at[i].effect) &&
                    same(one->at[i].entire, many->at[i].entire) && same(one->at[i].isolated, many->at[i].isolated));
    ff_layer_scores_destroy(one);
    ff_layer_scores_destroy(many);
    ff_subject_destroy(s);
    ff_dataset_destroy(set);
    ff_model_unref(a);
    ff_model_unref(b);
}

static void paper_mode_by_seed(void **state)
{
    ff_dataset *set;
    ok(ff_dataset_open(folder, 0, &set));
    double first[4] = {0};
    bool differs = false;
    for (int round = 0; round < 3; round++) {
        ff_subject *s = subject(set, NULL, round < 2 ? 1 : 99);
        ff_layer_scores *scores;
        ok(ff_analyse(s, &(ff_analysis_options){.paper = true, .sample = 8}, NULL, &scores));
        int ranks = 0;
        for (int i = 0; i < scores->count; i++) {
            ranks += scores->at[i].rank;
            assert_true(isnan(scores->at[i].isolated) && scores->at[i].kw >= 0 && scores->at[i].kw <= 1);
            if (round == 0)
                first[i] = scores->at[i].kw;
            else if (round == 1)
                assert_true(scores->at[i].kw == first[i]);
            else
                differs = differs || scores->at[i].kw != first[i];
        }
        assert_int_equal(ranks, 1 + 2 + 3 + 4);
        ff_layer_scores_destroy(scores);
        ff_subject_destroy(s);
    }
    assert_true(differs);
    ff_dataset_destroy(set);
}

/* The Source against itself with a part rewritten, under two preprocessings. */
static void part_at(const ff_dataset *set, const char *from, const char *to, const char *pre, const char *where,
                    bool many)
{
    ff_model *a = build(NULL, NULL), *b = build(from, to);
    ff_pre source_pre, target_pre;
    ff_subject *s;
    ff_divergence d;
    ok(ff_pre_parse("tf size=16x16", &source_pre));
    ok(ff_pre_parse(pre, &target_pre));
    ok(ff_subject_create(a, &source_pre, b, &target_pre, set, NULL, NULL, &s));
    ok(ff_bisect(s, NULL, &d));
    assert_true(d.found == (where != NULL));
    assert_true(d.runs >= 1 && d.runs <= 1 + 4); /* 8 nodes */
    assert_true(where ? d.error > 1e-4 : d.error == 0);
    if (where && *where) {
        const ff_pair *p = &s->alignment->pairs[d.pair];
        assert_string_equal(s->source.canon->nodes[p->source].primary->outputs[0]->name, where);
        assert_true(many == (d.last != d.pair));
    } else {
        assert_int_equal(d.pair, -1);
    }
    /* The image is the first that is wrong. */
    for (int i = 0; s->wrong && i <= d.image; i++)
        assert_true((s->source.labels->at[i].top[0] == s->target.labels->at[i].top[0]) == (i < d.image));
    ff_subject_destroy(s);
    ff_model_unref(a);
    ff_model_unref(b);
}

static void bisection_finds_where_they_part(void **state)
{
    ff_dataset *set;
    ok(ff_dataset_open(folder, 0, &set));
    const char *same = "tf size=16x16";
    part_at(set, NULL, NULL, same, NULL, false);
    part_at(set, "c1 = Conv(x,w1,b1) pads=[1,1,1,1]", "c1 = Conv(x,w1,b1) pads=[0,0,2,2]", same, "c1", false);
    part_at(set, "c2 = Conv(r1,w2,b2)", "float o 1 0.1; v2 = Mul(w2,o); c2 = Conv(r1,v2,b2)", same, "c2", false);
    part_at(set, "c3 = Conv(c2,w3,b3)", "c3 = Conv(c2,w3)", same, "c3", false);
    part_at(set, "a = Add(c3,r1)", "a = Sub(c3,r1)", same, "a", false);
    part_at(set, "r1 = Relu(c1)", "r1 = Abs(c1)", same, "r1", false);
    part_at(set, "y = Gemm(f,w4,b4)", "float o 1 -1; v4 = Mul(w4,o); y = Gemm(f,v4,b4)", same, "y", false);
    part_at(set, NULL, NULL, "unit size=16x16", "", false);
    /* A node without a counterpart leaves open which of those up to the next comparison it is. */
    part_at(set, "r1 = Relu(c1)", "r1 = Identity(c1)", same, "r1", true);
    /* Two faults: the first of them. */
    part_at(set, "c3 = Conv(c2,w3,b3);", "c3 = Conv(c2,w3); float o 1 3; v4 = Mul(w4,o);", same, "c3", false);
    ff_dataset_destroy(set);
}

/* What a layer computes from its input, whatever came before it. */
static void local_keys(void **state)
{
    static const char front[] =
        "opset 13; input x 1,4,6,6; float w 4,4,3,3 random; float v 4,4,3,3 random; float b 4 random;";
    static const char *const rest[] = {
        "r = Relu(x); c = Conv(r,w,b) pads=[1,1,1,1]; s = Add(c,x); output s",
        ("q = Relu(x); p = Conv(q,v) pads=[1,1,1,1]; r = Relu(p); c = Conv(r,w,b) pads=[1,1,1,1];"
         "s = Add(c,x); output s"),
        "r = Relu(x); c = Conv(r,v,b) pads=[1,1,1,1]; s = Add(c,x); output s",
        "r = Relu(x); c = Conv(r,w) pads=[1,1,1,1]; s = Add(c,x); output s",
    };
    ff_key keys[FF_COUNT(rest)];

    for (size_t i = 0; i < FF_COUNT(rest); i++) {
        ff_model *m;
        ff_plan *p;
        ff_key key;
        char *text = ff_asprintf("%s%s", front, rest[i]);
        assert_int_equal(text_model(text, 3, &m), FF_OK);
        free(text);
        assert_int_equal(ff_plan_create(m, &(ff_plan_options){.observe = true}, &p), FF_OK);
        const ff_value *x = ff_model_find_value(m, "x"), *r = ff_model_find_value(m, "r"),
                       *c = ff_model_find_value(m, "c"), *s = ff_model_find_value(m, "s");
        assert_true(ff_plan_local_key(p, c, r, &keys[i]));
        assert_false(ff_plan_local_key(p, c, x, &key)); /* further away */
        assert_false(ff_plan_local_key(p, s, r, &key)); /* x, too */
        assert_false(ff_plan_local_key(p, x, r, &key)); /* made by nothing */
        ff_plan_unref(p);
        ff_model_unref(m);
    }
    assert_true(ff_key_equal(&keys[0], &keys[1]));
    assert_false(ff_key_equal(&keys[0], &keys[2]));
    assert_false(ff_key_equal(&keys[0], &keys[3]));
}

/* Of layers behind one that makes other dims it is known what they do by themselves, where both sides do the same. */
static void other_dims(void **state)
{
    static const char text[] =
        "opset 13; input x 1,3,16,16; float w1 8,3,3,3 random; float w2 8,8,3,3 random; float w3 8,8,1,1 random;"
        "float v3 8,8,1,1 random; float w4 10,8,1,1 random; c1 = Conv(x,w1) pads=[%s];"
        "c2 = Conv(c1,w2) pads=[1,1,1,1]; c3 = Conv(c2,%s); g = GlobalAveragePool(c3);"
        "c4 = Conv(g,w4); y = Flatten(c4); output y";
    char *source_text = ff_asprintf(text, "1,1,1,1", "w3"), *target_text = ff_asprintf(text, "2,2,2,2", "v3");
    ff_dataset *set;
    ff_model *a, *b;
    ff_pre pre;
    ff_subject *s;
    ff_layer_scores *scores;

    ok(ff_dataset_open(folder, 0, &set));
    ok(text_model(source_text, 3, &a));
    ok(text_model(target_text, 3, &b));
    ok(ff_pre_parse("tf size=16x16", &pre));
    ok(ff_subject_create(a, &pre, b, &pre, set, NULL, NULL, &s));
    ok(ff_analyse(s, NULL, NULL, &scores));
    assert_int_equal(scores->count, 4);
    const ff_layer_score *at = scores->at;
    assert_true(isinf(at[0].entire) && isinf(at[0].isolated) && at[0].rank == 1); /* its own doing */
    assert_true(isnan(at[1].entire) && at[1].isolated == 0);
    assert_true(isnan(at[2].entire) && isnan(at[2].isolated)); /* other weights, on other dims */
    assert_true(at[3].entire > 0 && at[3].isolated == 0);      /* can be compared again */
    ff_layer_scores_destroy(scores);
    ff_subject_destroy(s);
    ff_model_unref(a);
    ff_model_unref(b);
    ff_dataset_destroy(set);
    free(source_text);
    free(target_text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_at_the_origin),
        cmocka_unit_test(bisection_finds_where_they_part),
        cmocka_unit_test(passes_begin_where_the_last_ended),
        cmocka_unit_test(paper_mode_by_seed),
        cmocka_unit_test(local_keys),
        cmocka_unit_test(other_dims),
    };
    return cmocka_run_group_tests(tests, draw, erase);
}
