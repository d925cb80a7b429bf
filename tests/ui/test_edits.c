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
    terminal_expect(made, "wrong 12");
    terminal_expect(made, "engine: idle");
    terminal_expect(made, "Next WB");
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
    terminal_expect_exit(t, code);
    terminal_destroy(t);
    assert_true(is_written("report.json"));
    assert_true(is_written("labels.csv"));
    assert_int_equal(is_written("out.onnx"), model);
}

/* With a session file nothing is lost by leaving, and the question does not say so. */
static void test_leave_session(void **state)
{
    (void)state;
    char *s = in_folder("source.onnx"), *t = in_folder("target.onnx"), *i = in_folder("photos"),
         *file = in_folder("kept.fetafix");
    const char *argv[] = {getenv("FETAFIX"), "explore", s,           t,    "--images",    i,   "--source-pre", PRE,
                          "--target-pre",    PRE,       "--session", file, "--no-config", NULL};
    terminal *made = terminal_start(argv, 100, 30, terminal_env);
    assert_non_null(made);
    terminal_expect(made, "Next WB");
    terminal_press(made, "a");
    terminal_expect(made, "accepted: wrong 12");
    terminal_expect(made, "engine: idle");
    terminal_press(made, "1 q");
    terminal_expect(made, "The session keeps the repairs; no model is written.");
    assert_false(terminal_holds(made, "in no file"));
    terminal_press(made, "y");
    terminal_expect_exit(made, 1);
    terminal_destroy(made);
    free(s);
    free(t);
    free(i);
    free(file);
}

/* Edited in its line, looked at, kept and undone. */
static void test_edit_in_place(void **state)
{
    terminal *t = start();
    terminal_press(t, "1 g j i"); /* to the attributes, which come a bit later: then it says so */
    terminal_expect(t, "i edits the value");
    terminal_press(t, "/ text:pads Enter i");
    terminal_expect(t, ":what-if 0 pads=[1,1,1,1]");
    terminal_press(t, "Backspace Backspace text:0] Enter");
    terminal_expect(t, "What if set pads");
    terminal_expect(t, "wrong 12 \xe2\x86\x92 ");
    terminal_press(t, "K");
    terminal_expect(t, "kept: wrong 12");
    terminal_expect(t, "engine: idle");
    terminal_press(t, "u");
    terminal_expect(t, "undone");
    terminal_expect(t, "engine: idle");
    terminal_press(t, "1");
    leave(t, 1, false);
}

/* The first row of the graph is the preprocessing; its words are edited like attributes. */
static void test_edit_preprocessing(void **state)
{
    terminal *t = start();
    terminal_press(t, "1 g i");
    terminal_expect(t, "Preprocessing of the images");
    terminal_expect(t, "i edits the value");
    terminal_press(t, "/ text:order Enter i");
    terminal_expect(t, ":what-if pre order=rgb");
    terminal_press(t, "Backspace Backspace Backspace text:bgr Enter");
    terminal_expect(t, "What if prepare the Target's pixels with order=bgr");
    terminal_expect(t, "wrong 12 \xe2\x86\x92 ");
    terminal_press(t, "D");
    terminal_expect_gone(t, "What if");
    terminal_press(t, "1");
    leave(t, 1, false);
}

/* x goes from a repair to the images it would put right, and from an image back to the repair. */
static void test_images_of_repair(void **state)
{
    terminal *t = start();
    terminal_press(t, "4 g e");
    terminal_expect(t, "would leave");
    terminal_expect(t, "engine: idle");
    terminal_press(t, "x");
    terminal_expect(t, "of this repair: ");
    terminal_expect(t, "x its repair");
    terminal_expect(t, "would be right");
    terminal_press(t, "x");
    terminal_expect(t, "x its images"); /* in the list of repairs */
    terminal_press(t, "1 a");
    terminal_expect(t, "accepted: wrong 12");
    terminal_expect(t, "engine: idle");
    terminal_press(t, "5 G x");
    terminal_expect(t, "by step 1: ");
    terminal_press(t, "x 9"); /* the finding it repaired */
    terminal_expect(t, "its repair (step 1): wrong 12");
    terminal_press(t, "u");
    terminal_expect(t, "undone");
    terminal_expect(t, "engine: idle");
    terminal_press(t, "1");
    leave(t, 1, false);
}

/* The Source's weights and its activation in the first layer are one and the same. */
static void test_swap_and_inject(void **state)
{
    terminal *t = start();
    terminal_press(t, "1 g j W");
    terminal_expect(t, "What if take the Source's weights");
    terminal_press(t, "I");
    terminal_expect(t, "What if go on from");
    assert_false(terminal_holds(t, "K keep"));
    terminal_press(t, "D");
    terminal_expect_gone(t, "What if");
    leave(t, 1, false);
}

/* Repaired to the end: the files of the command line are there, and the exit code says that it is well. */
static void test_leave_repaired(void **state)
{
    terminal *t = start();
    terminal_press(t, "A");
    terminal_expect(t, "Every label is the Source's");
    terminal_expect(t, "engine: idle");
    leave(t, 0, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leave_session),      cmocka_unit_test(test_edit_in_place),
        cmocka_unit_test(test_edit_preprocessing), cmocka_unit_test(test_images_of_repair),
        cmocka_unit_test(test_swap_and_inject),    cmocka_unit_test(test_leave_repaired),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
