/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Models that are odd at run time: a batch fixed above one, and a Target that plans well and fails
 * in each run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "small_case.h"

static char folder[] = "/tmp/fetafix-batch-XXXXXX";

static ff_model *load(const char *name)
{
    char *path = ff_path_join(folder, name);
    ff_model *m;

    if (ff_model_load(path, &m))
        fail_msg("%s", ff_error());
    free(path);
    return m;
}

static void save(const ff_model *m, const char *name)
{
    char *path = ff_path_join(folder, name);

    if (ff_model_save(m, path, true))
        fail_msg("%s", ff_error());
    free(path);
}

static ff_labels *label(const ff_model *m, bool reference)
{
    char *path = ff_path_join(folder, "photos.txt");
    ff_dataset *set;
    ff_pre pre;
    ff_labels *l;

    assert_int_equal(ff_pre_parse(SMALL_CASE_PRE, &pre), FF_OK);
    assert_int_equal(ff_dataset_open(path, 0, &set), FF_OK);
    if (ff_label_model(m, NULL, &pre, set, reference, 1 << 24, NULL, true, NULL, &l))
        fail_msg("%s", ff_error());
    ff_dataset_destroy(set);
    free(path);
    return l;
}

/* `fetafix compare` on two models of the folder: its exit code; what it says in *said. */
static int compare(const char *source, const char *target, ff_buf *said)
{
    char *command = ff_asprintf("cd '%s' && '%s' compare %s %s --images photos.txt --source-pre '%s' "
                                "--target-pre '%s' 2>&1",
                                folder, getenv("FETAFIX_PROGRAM"), source, target, SMALL_CASE_PRE, SMALL_CASE_PRE);
    FILE *f = popen(command, "r");
    char line[512];

    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        ff_buf_puts(said, line);
    int status = pclose(f);
    free(command);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_fixed_batch(void **state)
{
    ff_model *m = load("source.onnx"), *three;
    const ff_value *input = ff_model_graph(m)->inputs[0];
    ff_shape shape = input->declared;
    ff_patch *p = ff_patch_create();
    ff_buf said = {0};

    shape.dims[0] = 3;
    ff_patch_set_input_shape(p, input->name, shape.dtype, shape.rank, shape.dims);
    assert_int_equal(ff_model_apply(m, p, &three, NULL), FF_OK);
    for (int reference = 0; reference < 2; reference++) {
        ff_labels *a = label(m, reference), *b = label(three, reference);
        assert_null(b->error);
        assert_int_equal(a->count, b->count);
        assert_int_equal(a->width, b->width);
        assert_int_equal(ff_labels_wrong(a, b, 0), 0);
        for (int i = 0; i < a->count; i++)
            assert_true(a->at[i].top[0] >= 0);
        ff_labels_destroy(a);
        ff_labels_destroy(b);
    }
    save(three, "three.onnx");
    if (compare("source.onnx", "three.onnx", &said) != 0)
        fail_msg("%s", said.data);
    ff_buf_clear(&said);
    /* The disturbed Target is as wrong against one as against the other. */
    assert_int_equal(compare("three.onnx", "target.onnx", &said), 1);
    ff_buf_finish(&said);
    ff_patch_destroy(p);
    ff_model_unref(m);
    ff_model_unref(three);
}

/* Its output is as long as the picture has pixels that are not zero, and then is to be of seven
 * elements: no shape is wrong before a picture is there. */
static void test_fails_in_runs(void **state)
{
    ff_model *m = load("target.onnx"), *bad;
    const char *input = ff_model_graph(m)->inputs[0]->name;
    const char *first[] = {input}, *places[] = {"places"}, *second[] = {"places", "seven"}, *made[] = {"made"},
               *outputs[] = {"made"};
    ff_node_spec find = {"find", "NonZero", "", 1, 1, 0, first, places, NULL},
                 reshape = {"as_seven", "Reshape", "", 2, 1, 0, second, made, NULL};
    ff_shape shape = {.dtype = FF_INT64, .rank = 1, .dims = {7}};
    int64_t one = 1;
    ff_patch *p = ff_patch_create();
    ff_tensor *seven;
    ff_buf said = {0};

    assert_int_equal(ff_tensor_create(FF_INT64, 1, &one, &seven), FF_OK);
    ff_tensor_set_int(seven, 0, 7);
    ff_patch_set_initializer(p, "seven", seven);
    ff_patch_insert_node(p, &find, NULL);
    ff_patch_insert_node(p, &reshape, "places");
    ff_patch_add_output(p, "made", &shape);
    ff_patch_set_outputs(p, 1, outputs);
    if (ff_model_apply(m, p, &bad, NULL) != FF_OK)
        fail_msg("%s", ff_error());
    ff_labels *a = label(m, false), *b = label(bad, false);
    assert_non_null(b->error);
    assert_non_null(strstr(b->error, "as_seven"));
    for (int i = 0; i < b->count; i++)
        assert_int_equal(b->at[i].top[0], -1);
    assert_int_equal(ff_labels_wrong(a, b, 0), a->count);
    ff_labels_destroy(a);
    ff_labels_destroy(b);
    save(bad, "bad.onnx");
    assert_int_equal(compare("source.onnx", "bad.onnx", &said), 1); /* a finding */
    if (!strstr(said.data, "as_seven"))
        fail_msg("%s", said.data);
    ff_buf_clear(&said);
    assert_int_equal(compare("bad.onnx", "target.onnx", &said), 3); /* nothing to compare with */
    assert_non_null(strstr(said.data, "as_seven"));
    ff_buf_finish(&said);
    ff_tensor_unref(seven);
    ff_patch_destroy(p);
    ff_model_unref(m);
    ff_model_unref(bad);
}

static int make_folder(void **state)
{
    return mkdtemp(folder) && small_case_make(folder) == FF_OK ? 0 : -1;
}

static int remove_folder(void **state)
{
    char *command = ff_asprintf("rm -r '%s'", folder);
    int status = system(command);

    free(command);
    return status;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed_batch),
        cmocka_unit_test(test_fails_in_runs),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
