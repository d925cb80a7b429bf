/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Each lesson walked through by keys, in the explorer at 80x24 and as lines in a terminal that cannot be
 * drawn on: a wrong answer, the right one, the repair, and out again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "terminal.h"

static const char *const dumb[] = {"TERM=dumb", "LC_ALL=C.UTF-8", "XDG_STATE_HOME=/nonexistent",
                                   "XDG_DATA_HOME=/nonexistent", NULL};

static const struct {
    const char *name, *wrong, *reply, *right, *explained;
    bool repair; /* there is something to repair */
} lessons[] = {
    {"dimensions", "TSS", "Not TSS.", "ID", "ID, input dimensions.", true},
    {"equivalences", "12", "Not that.", "none", "None. A batch normalisation", false},
    {"graph", "CG at L8", "Not layer L8.", "CG at L9", "CG, the computation graph.", true},
    {"hyperparameters", "WB", "Not WB.", "LH in stem", "LH, layer hyperparameters.", true},
    {"masking", "WB in L12", "one more layer", "block4.expand", "WB, twice", true},
    {"preprocessing", "WB", "Not WB.", "PP", "PP. A picture's pixels", true},
    {"statistics", "L21", "Not layer L21.", "L3 isolated", "The third layer", true},
    {"structure", "PP", "Not PP.", "TSS", "TSS, tensor shape", true},
    {"weights", "weights", "Still to say", "L15", "WB. Most weights", true},
};

static terminal *start(const char *lesson, const char *const *env, int columns, int rows)
{
    const char *argv[] = {getenv("FETAFIX"), "teach", lesson, "--no-config", NULL};
    assert_non_null(argv[0]);
    terminal *t = terminal_start(argv, columns, rows, env);
    assert_non_null(t);
    return t;
}

static void answer(terminal *t, const char *before, const char *words)
{
    terminal_press(t, before);
    terminal_type(t, words);
    terminal_press(t, "Enter");
}

static void test_explorer(void **state)
{
    for (size_t i = 0; i < FF_COUNT(lessons); i++) {
        terminal *t = start(lessons[i].name, terminal_env, 80, 24);
        terminal_expect(t, "Question");
        terminal_expect(t, "Enter answers, H hints"); /* compared */
        terminal_expect_gone(t, "\xe2\x80\xa6");      /* nothing is cut */
        terminal_press(t, "3");
        terminal_expect(t, "yours to find");
        terminal_press(t, "A"); /* tells nothing yet */
        terminal_expect(t, "comes when the question is answered");
        terminal_press(t, "0");
        answer(t, "Enter", lessons[i].wrong);
        terminal_expect(t, lessons[i].reply);
        assert_false(terminal_holds(t, lessons[i].explained));
        answer(t, "Enter", lessons[i].right);
        terminal_expect(t, lessons[i].explained);
        if (lessons[i].repair) {
            terminal_press(t, "A");
            terminal_expect(t, "0 (0.0%)");
            terminal_expect(t, "Every label is the Source's");
            terminal_expect(t, "engine: idle");
        }
        terminal_press(t, lessons[i].repair ? "q y" : "q");
        terminal_expect_exit(t, 0);
        assert_false(terminal_alternate(t));
        terminal_destroy(t);
    }
}

/* Hints one after the other, then the answer; the lesson shares the screen where there is room. */
static void test_hints(void **state)
{
    terminal *t = start("weights", terminal_env, 120, 40);
    terminal_expect(t, "Enter answers, H hints");
    terminal_expect(t, "Suspicious layers");
    terminal_press(t, "H");
    terminal_expect(t, "What is left of a");
    terminal_press(t, "H H");
    terminal_expect(t, "The answer is: WB, block5.depthwise.");
    terminal_press(t, "q");
    terminal_expect_exit(t, 0);
    terminal_destroy(t);
}

/* A teacher's file, by its path: a row of a table that is too wide goes on below its text. */
static void test_own_file(void **state)
{
    static const char text[] = "title: A lesson of one's own\ncase: wb\nanswer: type WB\nlook: Here is\n\n"
                               "  layers    which go on and on about what is to be seen in them until the line "
                               "does not fit any more\n"
                               "question: Which type?\nhint: none\nexplain: Well.\n";
    char path[] = "/tmp/fetafix-lesson-XXXXXX.lesson";
    int fd = mkstemps(path, 7);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    terminal *t = start(path, terminal_env, 80, 24);
    terminal_expect(t, "Enter answers, H hints");
    terminal_expect(t, "             line does not fit any more ");
    terminal_expect_gone(t, "\xe2\x80\xa6");
    answer(t, "Enter", "WB");
    terminal_expect(t, "Well.");
    terminal_press(t, "q");
    terminal_expect_exit(t, 0);
    terminal_destroy(t);
    unlink(path);
}

/* As lines: C-c drops a line and does not end the lesson, C-d and `quit` do. */
static void test_lines(void **state)
{
    terminal *t = start("weights", dumb, 100, 40);
    terminal_expect(t, "lesson>");
    terminal_press(t, "text:never Space text:typed C-c");
    terminal_expect(t, "^C");
    answer(t, "text:answer Space", "WB in L15");
    terminal_expect(t, "Right.");
    terminal_press(t, "text:repair Enter");
    terminal_expect(t, "accepted: wrong 70 -> 0");
    terminal_press(t, "text:quit Enter");
    terminal_expect_exit(t, 0);
    terminal_destroy(t);

    t = start("equivalences", dumb, 100, 40);
    terminal_expect(t, "lesson>");
    terminal_press(t, "C-d");
    terminal_expect(t, "the question is still open");
    terminal_expect_exit(t, 0);
    terminal_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_explorer),
        cmocka_unit_test(test_hints),
        cmocka_unit_test(test_own_file),
        cmocka_unit_test(test_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
