/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program itself in a terminal, on the small case: edits of one's own by keys, and what is written when it is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "terminal.h"

enum { PATIENCE_MS = 60000 };
#define PRE "size=16x16 scale=127.5 mean=1,1,1"

static char folder[] = "/tmp/fetafix-edits-XXXXXX";

static int set_up(void **state)
{
    if (!mkdtemp(folder))
        return -1;
    char *command = ff_asprintf("%s %s", getenv("MAKE_SMALL_CASE"), folder);
    int rc = system(command);
    free(command);
    return rc;
}

static int tear_down(void **state)
{
    char *command = ff_asprintf("rm -rf %s", folder);
    int rc = system(command);
    free(command);
    return rc;
}

static char *in_folder(const char *name)
{
    return ff_asprintf("%s/%s", folder, name);
}

static terminal *start(void)
{
    char *s = in_folder("source.onnx"), *t = in_folder("target.onnx"), *i = in_folder("photos");
    char *o = in_folder("out.onnx"), *j = in_folder("report.json"), *l = in_folder("labels.csv");
    const char *argv[] = {getenv("FETAFIX"), "explore",     s,    t, "--images", i, "--source-pre", PRE,
                          "--target-pre",    PRE,           "-o", o, "--json",   j, "--labels-csv", l,
                          "--force",         "--no-config", NULL};
    terminal *made = terminal_start(argv, 100, 30, terminal_env);
    assert_non_null(made);
    char *const texts[] = {s, t, i, o, j, l};
    for (size_t k = 0; k < FF_COUNT(texts); k++)
        free(texts[k]);
    assert_true(terminal_wait_for(made, "wrong 12", PATIENCE_MS));
    assert_true(terminal_wait_for(made, "engine: idle", PATIENCE_MS));
    assert_true(terminal_wait_for(made, "Next WB", PATIENCE_MS));
    return made;
}

static bool is_written(const char *name)
{
    char *path = in_folder(name);
    bool there = access(path, R_OK) == 0;
    unlink(path);
    free(path);
    return there;
}

static void leave(terminal *t, int code, bool model)
{
    terminal_press(t, "q");
    assert_int_equal(terminal_wait_exit(t, PATIENCE_MS), code);
    assert_true(terminal_modes_kept(t));
    terminal_destroy(t);
    assert_true(is_written("report.json"));
    assert_true(is_written("labels.csv"));
    assert_int_equal(is_written("out.onnx"), model);
}

/* Edited in its line, looked at, kept and undone. */
static void test_edit_in_place(void **state)
{
    terminal *t = start();
    terminal_press(t, "1 g j i"); /* to the attributes, which come a bit later: then it says so */
    assert_true(terminal_wait_for(t, "i edits the value", PATIENCE_MS));
    terminal_press(t, "/ text:pads Enter i");
    assert_true(terminal_wait_for(t, ":what-if 0 pads=[1,1,1,1]", PATIENCE_MS));
    terminal_press(t, "Backspace Backspace text:0] Enter");
    assert_true(terminal_wait_for(t, "What if set pads", PATIENCE_MS));
    assert_true(terminal_wait_for(t, "wrong 12 \xe2\x86\x92 ", PATIENCE_MS));
    terminal_press(t, "K");
    assert_true(terminal_wait_for(t, "kept: wrong 12", PATIENCE_MS));
    assert_true(terminal_wait_for(t, "engine: idle", PATIENCE_MS));
    terminal_press(t, "u");
    assert_true(terminal_wait_for(t, "undone", PATIENCE_MS));
    assert_true(terminal_wait_for(t, "engine: idle", PATIENCE_MS));
    terminal_press(t, "1");
    leave(t, 1, false);
}

/* The first row of the graph is the preprocessing; its words are edited like attributes. */
static void test_edit_preprocessing(void **state)
{
    terminal *t = start();
    terminal_press(t, "1 g i");
    assert_true(terminal_wait_for(t, "Preprocessing of the images", PATIENCE_MS));
    assert_true(terminal_wait_for(t, "i edits the value", PATIENCE_MS));
    terminal_press(t, "/ text:order Enter i");
    assert_true(terminal_wait_for(t, ":what-if pre order=rgb", PATIENCE_MS));
    terminal_press(t, "Backspace Backspace Backspace text:bgr Enter");
    assert_true(terminal_wait_for(t, "What if prepare the Target's pixels with order=bgr", PATIENCE_MS));
    assert_true(terminal_wait_for(t, "wrong 12 \xe2\x86\x92 ", PATIENCE_MS));
    terminal_press(t, "D");
    assert_true(terminal_wait_gone(t, "What if", PATIENCE_MS));
    terminal_press(t, "1");
    leave(t, 1, false);
}

/* x goes from a repair to the images it would put right, and from an image back to the repair. */
static void test_images_of_repair(void **state)
{
    terminal *t = start();
    terminal_press(t, "4 g e");
    assert_true(terminal_wait_for(t, "would leave", PATIENCE_MS));
    assert_true(terminal_wait_for(t, "engine: idle", PATIENCE_MS));
    terminal_press(t, "x");
    assert_true(terminal_wait_for(t, "of this repair: ", PATIENCE_MS));
    assert_true(terminal_wait_for(t, "x its repair", PATIENCE_MS));
    assert_true(terminal_wait_for(t, "would be right", PATIENCE_MS));
    terminal_press(t, "x");
    assert_true(terminal_wait_for(t, "x its images", PATIENCE_MS)); /* in the list of repairs */
    terminal_press(t, "1 a");
    assert_true(terminal_wait_for(t, "accepted: wrong 12", PATIENCE_MS));
    assert_true(terminal_wait_for(t, "engine: idle", PATIENCE_MS));
    terminal_press(t, "5 G x");
    assert_true(terminal_wait_for(t, "by step 1: ", PATIENCE_MS));
    terminal_press(t, "x 9"); /* the finding it repaired */
    assert_true(terminal_wait_for(t, "its repair (step 1): wrong 12", PATIENCE_MS));
    terminal_press(t, "u");
    assert_true(terminal_wait_for(t, "undone", PATIENCE_MS));
    assert_true(terminal_wait_for(t, "engine: idle", PATIENCE_MS));
    terminal_press(t, "1");
    leave(t, 1, false);
}

/* The Source's weights and its activation in the first layer are one and the same. */
static void test_swap_and_inject(void **state)
{
    terminal *t = start();
    terminal_press(t, "1 g j W");
    assert_true(terminal_wait_for(t, "What if take the Source's weights", PATIENCE_MS));
    terminal_press(t, "I");
    assert_true(terminal_wait_for(t, "What if go on from", PATIENCE_MS));
    assert_false(terminal_holds(t, "K keep"));
    terminal_press(t, "D");
    assert_true(terminal_wait_gone(t, "What if", PATIENCE_MS));
    leave(t, 1, false);
}

/* Repaired to the end: the files of the command line are there, and the exit code says that it is well. */
static void test_leave_repaired(void **state)
{
    terminal *t = start();
    terminal_press(t, "A");
    assert_true(terminal_wait_for(t, "Every label is the Source's", PATIENCE_MS));
    assert_true(terminal_wait_for(t, "engine: idle", PATIENCE_MS));
    leave(t, 0, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edit_in_place),    cmocka_unit_test(test_edit_preprocessing),
        cmocka_unit_test(test_images_of_repair), cmocka_unit_test(test_swap_and_inject),
        cmocka_unit_test(test_leave_repaired),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
