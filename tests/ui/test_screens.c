/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The explorer in a terminal emulator, over the made-up session: what keys, mouse, signals and sizes do. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "captures.h"
#include "explorer.h"

static void test_repair_and_quit(void **state)
{
    terminal *t = explorer_start_ready(120, 40, explorer_colour);

    terminal_press(t, "A");
    terminal_expect(t, "wrong 21 \xe2\x86\x92 0 (0.0%)");
    terminal_expect(t, "Press w to write");
    terminal_press(t, "q");
    terminal_expect(t, "The repairs are in no file yet");
    terminal_press(t, "j"); /* stays */
    terminal_expect_gone(t, "The repairs are in no file yet");
    static const char *const stay[] = {"q", "Q", "C-c"}; /* as any key but y and w */
    for (size_t i = 0; i < FF_COUNT(stay); i++) {
        terminal_press(t, "q");
        terminal_expect(t, "The repairs are in no file yet");
        terminal_press(t, stay[i]);
        terminal_expect_gone(t, "The repairs are in no file yet");
    }
    terminal_press(t, "w");
    terminal_expect(t, ":save repaired.onnx");
    terminal_press(t, "Enter");
    terminal_expect(t, "saved 'repaired.onnx'");
    terminal_press(t, "q"); /* does not ask */
    explorer_end(t, 0);
}

/* A page about a row is closed, not the program; at the bottom of the pile q leaves. */
static void test_pages_close(void **state)
{
    static const char *const pages[] = {"p", "9"};
    for (size_t i = 0; i < FF_COUNT(pages); i++) {
        terminal *t = explorer_start_ready(80, 24, explorer_colour);
        terminal_press(t, "2 j");
        terminal_expect(t, "q quit");
        terminal_press(t, pages[i]);
        terminal_expect(t, "q back");
        terminal_press(t, "q");
        terminal_expect(t, "q quit");
        terminal_press(t, "q");
        explorer_end(t, 0);
    }
}

static void test_search_and_filter(void **state)
{
    terminal *t = explorer_start_ready(120, 40, explorer_colour);

    terminal_press(t, "3 / text:bfloat Enter");
    terminal_expect(t, "This WB");
    terminal_press(t, "Enter");
    terminal_expect(t, "block_4_project");
    terminal_press(t, "q 3 / text:nowhere Enter");
    terminal_expect(t, "'nowhere' is not in this view");
    terminal_press(t, "1 & text:dw Enter");
    terminal_expect(t, "&dw");
    terminal_expect_gone(t, "Reshape");
    terminal_press(t, "Escape Escape");
    terminal_expect_gone(t, "&dw");
    terminal_press(t, "/ text:softm Enter"); /* in a folded stretch, or out of sight */
    terminal_expect(t, "Softmax");
    terminal_press(t, "Q");
    explorer_end(t, 0);
}

/* After one repair: f goes through the filters of the images to what that step put right, and round. */
static void test_images_of_a_step(void **state)
{
    terminal *t = explorer_start_ready(120, 40, explorer_colour);

    terminal_press(t, "1 a");
    terminal_expect(t, "accepted: wrong");
    terminal_press(t, "6 f f f f");
    terminal_expect(t, "by step 1: 9");
    terminal_expect(t, "photo_0");
    terminal_press(t, "f");
    terminal_expect(t, "all 150");
    terminal_press(t, ": text:filter Space text:step Space text:9 Enter");
    terminal_expect(t, "no image is of this kind");
    terminal_press(t, ": text:filter Space text:step Space text:none Enter");
    terminal_expect(t, "'none' is no number of a step");
    terminal_press(t, "Q y");
    explorer_end(t, 0);
}

/* Findings go along the network, or by type with what concerns the images first. */
static void test_findings_sorted(void **state)
{
    terminal *t = explorer_start_ready(120, 40, explorer_colour);

    terminal_press(t, "3 g");
    terminal_expect(t, "Next WB");
    terminal_press(t, "o g");
    terminal_expect(t, "by type");
    terminal_expect(t, "This PP");
    terminal_press(t, "o g");
    terminal_expect(t, "by size");
    terminal_expect(t, "This LH");
    terminal_press(t, "Q");
    explorer_end(t, 0);
}

/* A group is marked, and S sets it aside for its members; a single repair cannot be split. */
static void test_split(void **state)
{
    terminal *t = explorer_start_ready(120, 40, explorer_colour);

    terminal_press(t, "4 g S");
    terminal_expect(t, "only a group");
    terminal_press(t, "f f"); /* groups only */
    terminal_expect(t, "\xe2\x97\x8b WB  \xe2\x89\xa1"
                       "4");
    terminal_press(t, "S");
    terminal_expect(t, "\xe2\x9c\x97 WB  \xe2\x89\xa1"
                       "4");
    terminal_press(t, "1 S"); /* elsewhere it is the last step */
    terminal_expect(t, "the step that led here is a single repair");
    terminal_press(t, "Q");
    explorer_end(t, 0);
}

/* A window too small to draw in: the list under the cursor shrinks unseen, and keys still mean rows that exist. */
static void test_keys_unseen(void **state)
{
    terminal *t = explorer_start_ready(120, 40, explorer_colour);

    terminal_press(t, "4 G");
    terminal_resize(t, 8, 2);
    terminal_press(t, ": text:accept Space text:R1 Enter");
    for (int i = 0; i < 8; i++) {
        terminal_press(t, "a");
        terminal_settle(t);
    }
    terminal_resize(t, 120, 40);
    terminal_expect(t, "wrong 21 \xe2\x86\x92 12");
    terminal_press(t, "Q y");
    explorer_end(t, 0);
}

static void test_mouse(void **state)
{
    terminal *t = explorer_start_ready(120, 40, explorer_colour);

    terminal_press(t, "click:116,6"); /* the title of a column */
    terminal_expect(t, "by entire");
    terminal_press(t, "click:76,6");
    terminal_expect(t, "by layer");
    terminal_press(t, "click:104,6");
    terminal_expect(t, "by isolated");
    terminal_press(t, "3 b Enter"); /* from any view to the first error */
    terminal_expect(t, "layer L3 ");
    terminal_press(t, "q");
    terminal_press(t, "click:90,5 Enter"); /* a bar of the sparkline */
    terminal_expect(t, "layer L20");
    terminal_press(t, "q");
    terminal_press(t, "click:78,19"); /* the second finding */
    terminal_expect(t, "This LH");
    terminal_press(t, "click:78,19"); /* opens what is chosen */
    terminal_expect(t, "layer hyperparameters differ");
    terminal_press(t, ": text:mouse Space text:off Enter click:78,17");
    terminal_expect(t, "layer hyperparameters differ");
    terminal_press(t, "Q");
    explorer_end(t, 0);
}

static void test_prompt(void **state)
{
    terminal *t = explorer_start_ready(80, 24, explorer_colour);

    terminal_press(t, ": text:half Tab");
    terminal_expect(t, ":half-");
    terminal_press(t, "C-u text:nosuchthing Enter");
    terminal_expect(t, "nosuchthing");
    terminal_press(t, ": Up");
    terminal_expect(t, ":nosuchthing");
    terminal_press(t, "Escape : text:stats Enter");
    terminal_expect(t, "From key to paint");
    terminal_expect(t, "p99: 99 of 100 within");
    terminal_press(t, "q ?");
    terminal_expect(t, "Help");
    terminal_press(t, "q q");
    explorer_end(t, 0);
}

/* A file that is not there yet: the made-up engine waits for it. */
static char hold_path[] = "/tmp/fetafix-hold-XXXXXX";

static terminal *start_held(int columns, int rows, const char *variable)
{
    static char hold[64];
    static const char *const env[] = {"TERM=screen-256color",
                                      "LC_ALL=C.UTF-8",
                                      "NO_COLOR",
                                      "FAKE_TICK_MS=0",
                                      "XDG_STATE_HOME=/nonexistent",
                                      hold,
                                      NULL};
    strcpy(hold_path + strlen(hold_path) - 6, "XXXXXX");
    int fd = mkstemp(hold_path);
    assert_true(fd >= 0);
    close(fd);
    unlink(hold_path);
    snprintf(hold, sizeof hold, "%s=%s", variable, hold_path);
    return explorer_start_ready(columns, rows, env);
}

static void release(void)
{
    int fd = open(hold_path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static void test_resize_while_busy(void **state)
{
    static const int sizes[][2] = {{120, 40}, {59, 15}, {80, 24}, {1, 1}, {300, 100}, {60, 16}, {2, 50}};
    terminal *t = start_held(80, 24, "FAKE_HOLD_REPAIR");
    captures c;

    captures_open(&c, "80x24-resized");
    terminal_press(t, "A");
    terminal_expect(t, "engine: repairing");
    for (size_t i = 0; i < FF_COUNT(sizes); i++) {
        terminal_resize(t, sizes[i][0], sizes[i][1]);
        if (sizes[i][0] == 59)
            terminal_expect(t, "FetaFix needs 60x16 cells, here are 59x15");
        else if (sizes[i][0] >= 60)
            terminal_expect(t, "engine: repairing");
    }
    terminal_resize(t, 80, 24);
    release();
    terminal_expect(t, "Press w to write");
    terminal_expect(t, "engine: idle");
    terminal_press(t, "2 g 3 g 1 g"); /* how far lists have moved depends on which sizes the program came to see */
    captures_take(&c, t, "repaired while the terminal changed its size", false);
    captures_close(&c);
    unlink(hold_path);
    explorer_leave(t);
}

static void test_cancel(void **state)
{
    terminal *t = start_held(80, 24, "FAKE_HOLD_REPAIR");

    terminal_press(t, "A");
    terminal_expect(t, "engine: repairing");
    terminal_press(t, "C-c");
    terminal_expect(t, "cancelled");
    terminal_expect(t, "engine: idle");
    terminal_press(t, "C-c"); /* meant for the job, and too late: the program stays */
    terminal_expect(t, "no job runs");
    explorer_leave(t);
}

/* The list of jobs: what runs is shown, and Enter cancels it. */
static void test_jobs(void **state)
{
    terminal *t = start_held(80, 24, "FAKE_HOLD_REPAIR");

    terminal_press(t, "A");
    terminal_expect(t, "engine: repairing");
    terminal_press(t, "J");
    terminal_expect(t, " runs");
    terminal_press(t, "Enter");
    terminal_expect(t, "engine: idle");
    terminal_expect(t, "the engine rests");
    terminal_expect(t, "cancelled");
    terminal_press(t, "q");
    explorer_leave(t);
}

static void test_ends(void **state)
{
    static const int signals[] = {SIGTERM, SIGHUP, SIGQUIT};
    static const char *const dumb[] = {"TERM=dumb", NULL}, *const unknown[] = {"TERM=no-such-term", NULL};
    static const char *const fails[] = {"TERM=screen-256color", "LC_ALL=C.UTF-8", "FAKE_TICK_MS=0", "FAKE_LOAD_FAILS=1",
                                        NULL};
    for (size_t i = 0; i < FF_COUNT(signals); i++) {
        terminal *t = explorer_start_ready(80, 24, explorer_colour);
        kill(terminal_pid(t), signals[i]);
        explorer_end(t, 130);
    }
    terminal *t = explorer_start_ready(80, 24, explorer_colour); /* a crash gives the terminal back, too */
    kill(terminal_pid(t), SIGSEGV);
    explorer_end(t, 128 + SIGSEGV);

    t = explorer_start_ready(80, 24, explorer_colour);
    terminal_vanish(t);
    terminal_expect_exit(t, 130);
    terminal_destroy(t);

    t = explorer_start(80, 24, dumb);
    terminal_expect_exit(t, 2);
    terminal_expect(t, "use 'fetafix repair'");
    terminal_destroy(t);
    t = explorer_start(80, 24, unknown);
    terminal_expect_exit(t, 2);
    terminal_destroy(t);
    t = explorer_start(80, 24, fails);
    terminal_expect_exit(t, 3);
    terminal_expect(t, "not an ONNX model");
    assert_true(terminal_modes_kept(t));
    terminal_destroy(t);
}

static void test_suspend(void **state)
{
    terminal *t = explorer_start_ready(80, 24, explorer_colour);

    kill(terminal_pid(t), SIGSTOP); /* as a debugger would, without a word to the program */
    kill(terminal_pid(t), SIGCONT);
    terminal_press(t, "2");
    terminal_expect(t, "Suspicious layers");
    assert_true(terminal_alternate(t));
    /* No shell would continue it here, so the kernel does not stop it: it leaves the terminal and comes back. */
    for (int i = 0; i < 2; i++) {
        kill(terminal_pid(t), SIGTSTP);
        terminal_press(t, "1 2");
        terminal_expect(t, "Suspicious layers");
        assert_true(terminal_alternate(t));
        assert_false(terminal_cursor(t));
    }
    terminal_press(t, "q");
    explorer_end(t, 0);
}

/* A file that is there is asked about. */
static void test_overwrite(void **state)
{
    char path[] = "/tmp/fetafix-there-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    terminal *t = explorer_start_ready(100, 30, explorer_colour);
    char *keys = ff_asprintf(": text:save Space text:%s Enter", path);
    terminal_press(t, "a");
    terminal_expect(t, "engine: idle");
    terminal_press(t, keys);
    terminal_expect(t, "exists. Overwrite it?");
    terminal_press(t, "j");
    terminal_expect(t, "nothing is written");
    terminal_press(t, keys);
    terminal_press(t, "y");
    terminal_expect(t, "saved");
    terminal_press(t, "q"); /* nothing is left to be asked */
    free(keys);
    unlink(path);
    explorer_end(t, 0);
}

/* `i` while the values are still being read: the cursor goes to them when they come, unless another key came first. */
static void test_values_come_late(void **state)
{
    static const char *const read = "i edits the value", *const unread = "when they are read";
    for (int moved = 0; moved < 2; moved++) {
        terminal *t = start_held(100, 40, "FAKE_HOLD_DETAILS");
        terminal_press(t, "1 g j j i");
        terminal_expect(t, unread);
        if (moved) {
            terminal_press(t, "/ text:max Enter");
            terminal_expect(t, "still being read");
        }
        release();
        terminal_expect(t, "Attributes");
        if (moved) {
            assert_false(terminal_holds(t, read));
            terminal_press(t, "i");
            terminal_expect(t, read); /* it goes there only now */
            assert_false(terminal_holds(t, ":what-if 1 max"));
            terminal_press(t, "q q q");
        } else {
            terminal_expect(t, read);
            terminal_press(t, "/ text:max Enter i");
            terminal_expect(t, ":what-if 1 max");
            terminal_press(t, "Escape q q q");
        }
        explorer_end(t, 0);
        unlink(hold_path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_repair_and_quit),
        cmocka_unit_test(test_pages_close),
        cmocka_unit_test(test_search_and_filter),
        cmocka_unit_test(test_images_of_a_step),
        cmocka_unit_test(test_findings_sorted),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_keys_unseen),
        cmocka_unit_test(test_mouse),
        cmocka_unit_test(test_prompt),
        cmocka_unit_test(test_values_come_late),
        cmocka_unit_test(test_overwrite),
        cmocka_unit_test(test_resize_while_busy),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_jobs),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_suspend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
