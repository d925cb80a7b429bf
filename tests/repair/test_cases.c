/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Real conversions (../shared/data or $FETAFIX_DATA; skipped without): exactly the faults of case.json are found, and
 * the whole search brings the discrepancy to zero, with outputs that agree. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>

#include "loop.h"

typedef struct expected {
    const char *folder;
    int by_type[FF_FAULT_TYPES];
    int wrong, steps; /* at first; the fewest single repairs that do */
} expected;

static const expected cases[] = {
    {"dev1_pp_torch_to_tf", {[FF_PP] = 1}, 86, 1},
    {"dev2_wb_tf_to_tflite", {[FF_WB] = 52}, 21, 1},
    {"dev3_pp_id_tss_torch_to_keras", {[FF_PP] = 1, [FF_ID] = 1, [FF_TSS] = 1}, 103, 2},
    {"dev4_equivalences_only", {0}, 0, 0},
    {"dev5_cg_lh_tflite_to_keras", {[FF_CG] = 2, [FF_LH] = 2}, 150, 4},
    {"dev6_opset_separate_weights", {[FF_WB] = 54}, 48, 1},
};

static char *data_folder(void)
{
    const char *given = getenv("FETAFIX_DATA");
    char *folder = given ? ff_strdup(given) : ff_path_join(TEST_SOURCE_ROOT, "../shared/data");
    if (access(folder, R_OK) == 0)
        return folder;
    free(folder);
    return NULL;
}

#define ok(call)                                                                                                       \
    do {                                                                                                               \
        if ((call) != FF_OK)                                                                                           \
            fail_msg("%s: %s", #call, ff_error());                                                                     \
    } while (0)

static void add_numbers(ff_buf *b, const char *name, const json_t *list)
{
    ff_buf_printf(b, " %s=", name);
    for (size_t i = 0; i < json_array_size(list); i++)
        ff_buf_printf(b, "%s%.9g", i ? "," : "", json_number_value(json_array_get(list, i)));
}

static ff_pre pre_of(const json_t *j)
{
    ff_buf b = {0};
    ff_buf_printf(&b, "size=%lldx%lld resize=bilinear antialias=off crop=none order=%s scale=%.9g",
                  json_integer_value(json_object_get(j, "width")), json_integer_value(json_object_get(j, "height")),
                  strcmp(json_string_value(json_object_get(j, "channel_order")), "BGR") ? "rgb" : "bgr",
                  json_number_value(json_object_get(j, "scale")));
    add_numbers(&b, "mean", json_object_get(j, "mean"));
    add_numbers(&b, "std", json_object_get(j, "std"));
    ff_buf_printf(&b, " layout=%s", json_string_value(json_object_get(j, "layout")));
    ff_pre p;
    ok(ff_pre_parse(b.data, &p));
    ff_buf_finish(&b);
    return p;
}

static void repair(ff_subject *first, const ff_task *task, const expected *e)
{
    loop_result r;
    int faults = 0;
    loop_run(first, NULL, task, &r);
    assert_int_equal(first->wrong, e->wrong);
    assert_int_equal(r.end->wrong, 0);
    assert_int_equal(r.left, 0);
    print_message("  distance %.2g, %d repairs, %d essential\n", r.end->distance, r.steps, r.essential);
    if (!(r.end->distance < 1e-4))
        fail_msg("distance %g", r.end->distance);
    for (int i = 0; i < FF_FAULT_TYPES; i++)
        faults += e->by_type[i];
    assert_true(r.essential <= faults);
    if (!e->by_type
             [FF_WB]) /* weights are rounded everywhere and matter here and there; each of these was put in to matter */
        assert_int_equal(r.essential, r.steps);
    assert_true(r.steps >= e->steps);

    /* What was saved is what was judged. */
    char *data;
    size_t size;
    ff_model *again;
    ff_state *loaded;
    ok(ff_model_serialize(r.end->model, &data, &size));
    ok(ff_model_parse(data, size, NULL, &again));
    ok(ff_judge_state(r.judge, again, &r.end->pre, task, &loaded));
    assert_int_equal(loaded->wrong, 0);
    ff_state_destroy(loaded);
    ff_model_unref(again);
    free(data);
    loop_finish(&r);
}

/* From the wrong spec alone the right one is found. */
static void search_preprocessing(const ff_subject *s, const ff_task *task)
{
    ff_judge *judge;
    ff_state *start;
    ff_judgement v;
    ff_proposal p = {.id = (char *)FF_SEARCH_PRE, .search_pre = true, .pre = s->target.pre, .pair = -1};
    ok(ff_judge_create(s, 0, &judge));
    ok(ff_judge_state(judge, s->target.model, &s->target.pre, task, &start));
    ok(ff_judge_proposal(judge, start, &p, false, task, &v));
    assert_int_equal(v.verdict, FF_VERDICT_BETTER);
    assert_int_equal(v.wrong, 0);
    assert_true(v.distance < 1e-4);
    ff_pre found = v.state->pre;
    assert_int_equal(found.layout, s->target.pre.layout);
    found.layout = s->source.pre.layout;
    assert_true(ff_pre_equal(&found, &s->source.pre));
    ff_judgement_finish(&v);
    /* Under the right spec there is nothing to be found. */
    ff_state *right;
    ff_judgement none;
    found.layout = s->target.pre.layout;
    ok(ff_judge_state(judge, s->target.model, &found, task, &right));
    ok(ff_judge_proposal(judge, right, &p, false, task, &none));
    assert_int_equal(none.verdict, FF_VERDICT_WORSE);
    assert_null(none.state);
    ff_judgement_finish(&none);
    ff_state_destroy(right);
    ff_state_destroy(start);
    ff_judge_destroy(judge);
}

static void run_case(const char *data, const expected *e)
{
    print_message("%s\n", e->folder);
    char *folder = ff_asprintf("%s/cases/%s", data, e->folder);
    char *path[4];
    const char *names[] = {"source.onnx", "target.onnx", "images.txt", "case.json"};
    for (int i = 0; i < 4; i++)
        path[i] = ff_path_join(folder, names[i]);
    json_t *j = json_load_file(path[3], 0, NULL);
    assert_non_null(j);
    ff_pre source_pre = pre_of(json_object_get(j, "source_preprocessing"));
    ff_pre target_pre = pre_of(json_object_get(j, "target_preprocessing"));
    json_decref(j);
    ff_model *source, *target;
    ff_dataset *set;
    ok(ff_model_load(path[0], &source));
    ok(ff_model_load(path[1], &target));
    ok(ff_dataset_open(path[2], 0, &set));
    ff_pool *pool = ff_pool_create(0, NULL);
    ff_task task = {.pool = pool};
    ff_subject *s;
    ok(ff_subject_create(source, &source_pre, target, &target_pre, set, NULL, &task, &s));
    assert_int_equal(s->wrong, e->wrong);

    ff_findings *f;
    ff_sames *sames;
    ok(ff_localize(s, &task, &f, &sames));
    int by_type[FF_FAULT_TYPES] = {0};
    for (int i = 0; i < f->count; i++) {
        by_type[f->at[i].type]++;
        assert_non_null(f->at[i].summary);
        json_t *details = json_loads(f->at[i].details, 0, NULL);
        assert_true(json_is_object(details));
        json_decref(details);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(f->at[i].id, f->at[k].id);
    }
    for (int i = 0; i < FF_FAULT_TYPES; i++)
        assert_int_equal(by_type[i], e->by_type[i]);
    assert_true(sames->count > 0);
    ff_findings_destroy(f);
    ff_sames_destroy(sames);

    repair(s, &task, e);
    if (e->steps == 1 && e->by_type[FF_PP])
        search_preprocessing(s, &task);

    ff_subject_destroy(s);
    ff_pool_destroy(pool);
    ff_dataset_destroy(set);
    ff_model_unref(source);
    ff_model_unref(target);
    for (int i = 0; i < 4; i++)
        free(path[i]);
    free(folder);
}

static void small_cases(void **state)
{
    char *data = data_folder();
    if (!data)
        skip();
    for (size_t i = 0; i < FF_COUNT(cases); i++)
        if (!getenv("FETAFIX_CASE") || strstr(cases[i].folder, getenv("FETAFIX_CASE")))
            run_case(data, &cases[i]);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(small_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
