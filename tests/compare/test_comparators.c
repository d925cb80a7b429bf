/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What each comparator calls wrong, its score and its margin, against values worked out by hand or by definition. */
#include "sample.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct judged {
    bool wrong;
    double score, margin, distance;
} judged;

static judged judge(const char *spec, const ff_label *s, ff_label *t, int offset)
{
    ff_comparator *c;
    judged j;
    if (ff_comparator_create(spec, &c))
        fail_msg("%s: %s", spec, ff_error());
    assert_int_equal(ff_compare(c, s, t, offset, "sample", NULL, &j.distance), FF_OK);
    j.wrong = ff_label_wrong(s, t, offset);
    j.score = t->score;
    j.margin = t->margin;
    assert_true(j.margin >= 0);
    ff_comparator_destroy(c);
    return j;
}

static judged judge_shaped(const char *spec, int rank, const int64_t *dims, const float *a, const float *b, int offset)
{
    ff_label s, t;
    make_sample(&s, rank, dims, a);
    make_sample(&t, rank, dims, b);
    judged j = judge(spec, &s, &t, offset);
    ff_label_drop(&s);
    ff_label_drop(&t);
    return j;
}

static judged judge_rows(const char *spec, int64_t n, const float *a, const float *b)
{
    return judge_shaped(spec, 2, (int64_t[]){1, n}, a, b, 0);
}

static void specs_are_read_strictly(void **state)
{
    static const char *const wrong[] = {
        "top-2",
        "",
        "top-k:0",
        "top-k:x",
        "top-k:5,5",
        "top-k:5,k=4",
        "top-k:k=2.5",
        "kendall:2",
        "map",
        "offset:0.5",
        "tolerance:abs=-1",
        "tolerance:abs=1,",
        "tolerance:99/abs=1",
        "tolerance:0/foo=1",
        "cosine:nan",
        "top-1:3",
        "boxes:form=sideways",
        "program:/bin/true",
        "program:/bin/true,min=1,max=2",
        "argmax:min=1,min=1",
    };
    (void)state;
    for (size_t i = 0; i < FF_COUNT(wrong); i++) {
        ff_comparator *c = NULL;
        if (ff_comparator_create(wrong[i], &c) != FF_ERR_USAGE)
            fail_msg("'%s' is taken", wrong[i]);
    }
    ff_comparator *c;
    assert_int_equal(ff_comparator_create("map:/nonexistent/file", &c), FF_ERR_INPUT);
    assert_int_equal(ff_comparator_create(NULL, &c), FF_OK);
    assert_true(ff_comparator_by_label(c) && ff_comparator_by_label(NULL));
    assert_string_equal(ff_comparator_spec(c), "top-1");
    assert_null(ff_comparator_output(c, NULL));
    ff_comparator_destroy(c);
    assert_int_equal(ff_comparator_create("tolerance:abs=1", &c), FF_OK);
    assert_string_equal(ff_comparator_output(c, NULL), FF_EVERY_OUTPUT);
    assert_string_equal(ff_comparator_output(c, "logits"), "logits");
    assert_int_equal(ff_comparator_keep(c, FF_KEEP_NOTHING), FF_KEEP_FORM);
    ff_comparator_destroy(c);
    const char *usage, *summary;
    int n = 0;
    while (ff_comparator_at(n, &usage, &summary)) {
        assert_true(*usage && *summary);
        n++;
    }
    assert_true(n >= 11);
}

static void top_k(void **state)
{
    (void)state;
    const float s[] = {9, 0, 0, 0, 0}, t[] = {5, 8, 7, 6, 1};
    judged j = judge_rows("top-k:4", 5, s, t);
    assert_true(!j.wrong && j.score == 4 && j.margin == 4); /* class 4 would take its place: 5 - 1 */
    j = judge_rows("top-k:3", 5, s, t);
    assert_true(j.wrong && j.score == 4 && j.margin == 1); /* 6 - 5 */
    /* A background class in the Target: class k of it is class k - 1. */
    ff_label a, b;
    make_row(&a, 2, (float[]){0, 1});
    make_row(&b, 3, (float[]){5, 0, 4});
    assert_false(judge("top-k:2", &a, &b, -1).wrong);
    assert_true(judge("top-k:1", &a, &b, -1).wrong);
    ff_label_drop(&a);
    ff_label_drop(&b);
}

/* By the definition: concordant and discordant pairs one by one. */
static double tau_by_pairs(const float *x, const float *y, int n)
{
    double same = 0, other = 0, only_x = 0, only_y = 0;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++) {
            double a = (x[i] > x[k]) - (x[i] < x[k]), b = (y[i] > y[k]) - (y[i] < y[k]);
            same += a * b > 0;
            other += a * b < 0;
            only_x += a == 0 && b != 0;
            only_y += b == 0 && a != 0;
        }
    return (same - other) / sqrt((same + other + only_x) * (same + other + only_y));
}

static void kendall(void **state)
{
    enum { N = 60 };
    (void)state;
    ff_rng r = {7};
    for (int round = 0; round < 50; round++) {
        float x[N], y[N];
        for (int i = 0; i < N; i++) {
            x[i] = (float)ff_rng_below(&r, 12); /* many ties */
            y[i] = (float)ff_rng_below(&r, 2) ? x[i] : (float)ff_rng_below(&r, 30);
        }
        judged j = judge_rows("kendall:0.5", N, x, y);
        double expected = tau_by_pairs(x, y, N);
        assert_true(fabs(j.score - expected) < 1e-6);
        assert_int_equal(j.wrong, expected < 0.5);
    }
    const float up[] = {1, 2, 3, 4, 5}, turned[] = {2, 1, 3, 4, 5};
    assert_false(judge_rows("kendall:0.8", 5, up, turned).wrong); /* 8 of 10, not a hair less */
    assert_true(judge_rows("kendall:1", 4, up, up).score == 1);
    assert_true(fabs(judge_rows("kendall", 4, up, turned).score - 2.0 / 3) < 1e-6);
    assert_true(judge_rows("kendall:1,k=2", 4, up, turned).score == 1); /* the two best stand as they stood */
}

static void labels_are_mapped(void **state)
{
    (void)state;
    char path[] = "/tmp/fetafix-map-XXXXXX";
    static const char text[] = "# target source\n0 2\n2, 0\n";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(ff_write_file(path, text, sizeof text - 1, true), FF_OK);
    char *spec = ff_asprintf("map:%s", path);
    const float first[] = {1, 0, 0}, third[] = {0, 0, 1}, second[] = {0, 1, 0};
    assert_false(judge_rows(spec, 3, first, third).wrong);
    assert_true(judge_rows(spec, 3, first, first).wrong);
    assert_true(judge_rows(spec, 3, second, second).wrong); /* has no counterpart */
    assert_false(judge_rows("offset:-2", 3, first, third).wrong);
    assert_true(judge_rows("offset:1", 3, first, third).wrong);
    static const char *const none[] = {"",       "\n# nothing\n",   "1\n",       "1 2 3\n",
                                       "-1 2\n", "1 99999999999\n", "0 1\n0 2\n"};
    for (size_t i = 0; i < FF_COUNT(none); i++) {
        ff_comparator *c = NULL;
        assert_int_equal(ff_write_file(path, none[i], strlen(none[i]), true), FF_OK);
        assert_int_equal(ff_comparator_create(spec, &c), FF_ERR_INPUT);
    }
    unlink(path);
    free(spec);
}

static void numbers(void **state)
{
    (void)state;
    const float s[] = {1, -2, 0, 100}, t[] = {1.05f, -2, 0.02f, 101};
    judged j = judge_rows("tolerance:abs=0.1,rel=0.01", 4, s, t);
    assert_true(!j.wrong && fabs(j.score - 1 / 1.1) < 1e-4); /* the last one decides: 1 of 0.1 + 1 */
    j = judge_rows("tolerance:abs=0.01,rel=0.01", 4, s, t);
    assert_true(j.wrong && fabs(j.score - 2.5) < 1e-3); /* 0.05 of 0.01 + 0.01 */
    assert_true(judge_rows("tolerance:abs=1e-9,rel=0", 4, s, s).score == 0);
    assert_true(fabs(j.distance - sqrt(0.0025 + 0.0004 + 1) / sqrt(10005)) < 1e-6);
    const float nan[] = {1, -2, NAN, 100};
    assert_true(judge_rows("tolerance:abs=100", 4, s, nan).wrong);
    assert_false(judge_rows("tolerance:abs=100", 4, nan, nan).wrong);

    const float right[] = {1, 0}, up[] = {1, 1};
    j = judge_rows("cosine:0.8", 2, right, up);
    assert_true(j.wrong && fabs(j.score - sqrt(0.5)) < 1e-6 && fabs(j.margin - (0.8 - sqrt(0.5))) < 1e-6);
    assert_false(judge_rows("cosine:0.7", 2, right, up).wrong);
    const float ten[] = {10, 0}, eleven[] = {11, 0};
    j = judge_rows("sqnr:19.9", 2, ten, eleven);
    assert_true(!j.wrong && fabs(j.score - 20) < 1e-5);
    assert_true(judge_rows("sqnr:20.1", 2, ten, eleven).wrong);
    assert_true(judge_rows("sqnr:20.1", 2, ten, ten).score == 300);
}

/* Two outputs, the second of which may be further away. */
static void tolerance_of_one_output(void **state)
{
    (void)state;
    ff_label l[2] = {0};
    const float values[2][2] = {{1, 5}, {1, 6}};
    for (int i = 0; i < 2; i++) {
        ff_tensor *t[2];
        int64_t one = 1, width;
        for (int k = 0; k < 2; k++) {
            assert_int_equal(ff_tensor_create(FF_FLOAT, 1, &one, &t[k]), FF_OK);
            *(float *)t[k]->data = values[i][k];
        }
        assert_int_equal(ff_label_fill(t, 2, 1, FF_KEEP_FORM, &l[i], &width), FF_OK);
        assert_int_equal(width, 2);
        ff_tensor_unref(t[0]);
        ff_tensor_unref(t[1]);
    }
    assert_true(judge("tolerance:abs=0.5,rel=0", &l[0], &l[1], 0).wrong);
    assert_false(judge("tolerance:abs=0.5,rel=0,1/abs=2", &l[0], &l[1], 0).wrong);
    assert_true(judge("tolerance:abs=0.5,rel=0,0/abs=2", &l[0], &l[1], 0).wrong);
    ff_label_drop(&l[0]);
    ff_label_drop(&l[1]);
}

static void shapes_differ(void **state)
{
    static const char *const specs[] = {"tolerance:abs=1e9", "cosine:-1", "sqnr:-300", "argmax:0.1", "boxes:0.1"};
    (void)state;
    ff_label s, t;
    const float zeros[12] = {0};
    make_sample(&s, 3, (int64_t[]){1, 2, 4}, zeros);
    make_sample(&t, 3, (int64_t[]){1, 3, 4}, zeros);
    for (size_t i = 0; i < FF_COUNT(specs); i++) {
        judged j = judge(specs[i], &s, &t, 0);
        if (!j.wrong && strncmp(specs[i], "boxes", 5) != 0)
            fail_msg("%s: shapes that differ agree", specs[i]);
        assert_true(j.distance == INFINITY);
    }
    ff_label none = {.top = {-1}};
    assert_true(judge("cosine:-1", &s, &none, 0).wrong); /* could not run */
    ff_label_drop(&s);
    ff_label_drop(&t);
}

static void classes_by_position(void **state)
{
    (void)state;
    /* [1, 2, 2, 2]: classes along axis 1. */
    const int64_t map[] = {1, 2, 2, 2};
    const float s[] = {1, 1, 0, 0, 0, 0, 1, 1}, t[] = {1, 0.2f, 0, 0, 0, 0.5f, 1, 1};
    judged j = judge_shaped("argmax", 4, map, s, t, 0);
    assert_true(j.wrong && j.score == 0.75);
    j = judge_shaped("argmax:0.7", 4, map, s, t, 0);
    assert_true(!j.wrong && fabs(j.margin - 0.05) < 1e-6);
    j = judge_shaped("argmax", 4, map, t, t, 0);
    assert_true(!j.wrong && fabs(j.margin - 0.3) < 1e-6); /* the weakest position */
    /* The same numbers along another axis are other classes. */
    assert_true(judge_shaped("argmax:axis=2", 4, map, s, t, 0).score == 1);
}

static judged judge_tokens(const char *spec, int n, const float *a, const float *b)
{
    ff_label l[2] = {0};
    for (int i = 0; i < 2; i++) {
        ff_tensor *t;
        int64_t width;
        assert_int_equal(ff_tensor_create(FF_INT64, 2, (int64_t[]){1, n}, &t), FF_OK);
        for (int k = 0; k < n; k++)
            ((int64_t *)t->data)[k] = (int64_t)(i ? b : a)[k];
        assert_int_equal(ff_label_fill(&t, 1, 1, FF_KEEP_FORM, &l[i], &width), FF_OK);
        ff_tensor_unref(t);
    }
    judged j = judge(spec, &l[0], &l[1], 0);
    ff_label_drop(&l[0]);
    ff_label_drop(&l[1]);
    return j;
}

static void sequences(void **state)
{
    (void)state;
    const float a[] = {5, 6, 7, 8, 9, 2, 0, 0}, b[] = {5, 6, 7, 8, 1, 2, 0, 3};
    /* Groups of 1 to 4 that match, of 8, 7, 6, 5: 7 (not the 1 and the 3, but a has only one... counted), smoothed. */
    judged j = judge_tokens("bleu:0.9", 8, a, b);
    double expected = exp((log(6.0 / 8) + log(5.0 / 8) + log(3.0 / 7) + log(2.0 / 6)) / 4);
    if (fabs(j.score - expected) > 1e-6)
        fail_msg("BLEU %g, expected %g", j.score, expected);
    assert_true(j.wrong);
    assert_true(judge_tokens("bleu:1", 8, a, a).score == 1);
    assert_true(judge_tokens("bleu:1,end=8", 8, a, b).score == 1); /* equal before the end */
    /* A shorter candidate is punished: e^(1 - 8/4), all groups match. */
    j = judge_tokens("bleu:0.1,end=1", 8, a, b);
    assert_true(fabs(j.score - exp(1 - 8.0 / 4)) < 1e-6);
    const float other[] = {90, 91, 92, 93, 94, 95, 96, 97};
    assert_true(judge_tokens("bleu:0.1", 8, a, other).score == 0);
}

static void detections(void **state)
{
    (void)state;
    const int64_t rows[] = {1, 3, 6};
    const float s[] = {0, 0, 10, 10, 0.9f, 1, 20, 20, 30, 30, 0.8f, 2, 50, 50, 60, 60, 0.1f, 3};
    float t[18];
    memcpy(t, s, sizeof t);
    t[2] = 9; /* overlap 0.9 */
    judged j = judge_shaped("boxes:1", 3, rows, s, t, 0);
    assert_true(!j.wrong && j.score == 1);
    assert_true(judge_shaped("boxes:1,iou=0.95", 3, rows, s, t, 0).wrong);
    t[5] = 2; /* another class */
    j = judge_shaped("boxes:0.6", 3, rows, s, t, 0);
    assert_true(j.wrong && j.score == 0.5);
    t[16] = 0.7f; /* a third detection: 1 match, 2 + 3 boxes */
    assert_true(fabs(judge_shaped("boxes:0.3", 3, rows, s, t, 0).score - 0.4) < 1e-6);
    /* One box cannot be found twice. */
    const float twice[] = {0, 0, 10, 10, 0.9f, 1, 0, 0, 10, 10, 0.8f, 1, 0, 0, 0, 0, 0, 0};
    assert_true(fabs(judge_shaped("boxes:0.3", 3, rows, s, twice, 0).score - 0.5) < 1e-6);
    const float empty[18] = {0};
    assert_true(judge_shaped("boxes:1", 3, rows, empty, empty, 0).score == 1);
    /* Centre and size: the same boxes, read in another way. */
    const float centre[] = {5, 5, 10, 10, 0.9f, 1, 25, 25, 10, 10, 0.8f, 2, 0, 0, 1, 1, 0, 0};
    assert_true(judge_shaped("boxes:1,form=centre", 3, rows, centre, centre, 0).score == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(specs_are_read_strictly),
        cmocka_unit_test(top_k),
        cmocka_unit_test(kendall),
        cmocka_unit_test(labels_are_mapped),
        cmocka_unit_test(numbers),
        cmocka_unit_test(tolerance_of_one_output),
        cmocka_unit_test(shapes_differ),
        cmocka_unit_test(classes_by_position),
        cmocka_unit_test(sequences),
        cmocka_unit_test(detections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
