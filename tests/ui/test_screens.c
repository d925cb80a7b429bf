/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The explorer in a terminal emulator, over the made-up session: every view at three sizes, with and
 * without colours, against the captures in expected/. FETAFIX_UPDATE_SCREENS=1 writes them anew; look
 * at the difference before keeping it.
 */
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "terminal.h"

enum { PATIENCE_MS = 20000 };

static const char *program(void)
{
    const char *p = getenv("EXPLORER_FAKE");
    assert_non_null(p);
    return p;
}

static const char *const colour[] = {"TERM=screen-256color",
                                     "LC_ALL=C.UTF-8",
                                     "NO_COLOR",
                                     "COLORFGBG",
                                     "FAKE_TICK_MS=0",
                                     "XDG_STATE_HOME=/nonexistent",
                                     NULL};
static const char *const mono[] = {"TERM=screen-256color",
                                   "LC_ALL=C.UTF-8",
                                   "NO_COLOR=1",
                                   "COLORFGBG",
                                   "FAKE_TICK_MS=0",
                                   "XDG_STATE_HOME=/nonexistent",
                                   NULL};
static const char *const ascii[] = {
    "TERM=vt100", "LC_ALL=C", "NO_COLOR", "FAKE_TICK_MS=0", "XDG_STATE_HOME=/nonexistent", NULL};
static const char *const slow[] = {
    "TERM=screen-256color", "LC_ALL=C.UTF-8", "NO_COLOR", "FAKE_TICK_MS=4", "XDG_STATE_HOME=/nonexistent", NULL};

static terminal *start(int columns, int rows, const char *const *env)
{
    const char *argv[] = {program(), NULL};
    terminal *t = terminal_start(argv, columns, rows, env);
    assert_non_null(t);
    return t;
}

static terminal *start_ready(int columns, int rows, const char *const *env)
{
    terminal *t = start(columns, rows, env);
    assert_true(terminal_wait_for(t, "7 findings", PATIENCE_MS));
    terminal_settle(t);
    return t;
}

static void quit(terminal *t, int code)
{
    assert_int_equal(terminal_wait_exit(t, PATIENCE_MS), code);
    assert_true(terminal_modes_kept(t));
    assert_false(terminal_alternate(t));
    assert_true(terminal_cursor(t));
    terminal_destroy(t);
}

/* ------------------------------------------------------------------------------------ captures */

static void compare(const char *name, const ff_buf *got)
{
    char *path = ff_asprintf("%s/%s.txt", getenv("EXPECTED_SCREENS"), name), *wanted;
    size_t size;

    if (getenv("FETAFIX_UPDATE_SCREENS")) {
        assert_int_equal(ff_write_file(path, got->data, got->len, true), FF_OK);
    } else {
        if (ff_read_file(path, 1 << 24, &wanted, &size) != FF_OK)
            fail_msg("%s", ff_error());
        if (size != got->len || memcmp(wanted, got->data, size) != 0) {
            const char *a = wanted, *b = got->data;
            int line = 1;
            while (*a && *a == *b) {
                line += *a == '\n';
                a++;
                b++;
            }
            while (a > wanted && a[-1] != '\n') {
                a--;
                b--;
            }
            fail_msg("%s, line %d:\nexpected %.*s\ngot      %.*s", path, line, (int)strcspn(a, "\n"), a,
                     (int)strcspn(b, "\n"), b);
        }
        free(wanted);
    }
    free(path);
}

static void section(terminal *t, const char *title, bool styles, ff_buf *out)
{
    ff_buf_printf(out, "=== %s\n", title);
    terminal_capture(t, styles, out);
}

/* Walks through all views, before and after repairs. */
static void walk(const char *name, int columns, int rows, const char *const *env, bool styles)
{
    static const struct {
        const char *title, *keys;
    } stops[] = {
        {"start", ""},
        {"graph, unfolded and moved", "1 j j Space j"},
        {"suspicious layers", "2 j"},
        {"sorted by the entire error", "o"},
        {"findings", "3 j"},
        {"details", "Enter"},
        {"details, below", "PgDn"},
        {"repairs", "4"},
        {"help", "?"},
        {"equivalent", "Escape 7"},
        {"a repair taken", "1 a"},
        {"images, wrong", "6 f"},
        {"steps", "5"},
        {"zoomed", "z"},
        {"log", "8"},
        {"undone", "z 5 u"},
        {"activations", "2 g p rest j"},
        {"the next image, by channel", "> o"},
        {"what if", "W"},
        {"kept", "K"},
        {"dropped", "p I D"},
    };
    ff_buf got = {0};
    terminal *t = start_ready(columns, rows, env);

    for (size_t i = 0; i < FF_COUNT(stops); i++) {
        terminal_press(t, stops[i].keys);
        assert_true(terminal_wait_for(t, "engine: idle", PATIENCE_MS));
        assert_true(terminal_wait_gone(t, "reading\xe2\x80\xa6", PATIENCE_MS));
        assert_true(terminal_wait_gone(t, "attributes and weights", PATIENCE_MS)); /* come a bit later */
        terminal_settle(t);
        section(t, stops[i].title, styles, &got);
    }
    assert_int_equal(terminal_colours(t), env == colour);
    compare(name, &got);
    ff_buf_finish(&got);
    terminal_press(t, "Q");
    if (terminal_holds(t, "Quit?"))
        terminal_press(t, "y");
    quit(t, 0);
}

static const struct {
    const char *name;
    int columns, rows;
    const char *const *env;
    bool styles;
} walks[] = {
    {"80x24", 80, 24, colour, true},       {"80x24-mono", 80, 24, mono, true}, {"120x40", 120, 40, colour, false},
    {"120x40-mono", 120, 40, mono, false}, {"200x50", 200, 50, colour, false}, {"200x50-mono", 200, 50, mono, false},
};

static const char *chosen_walk; /* by the command line */

static void test_walk(void **state)
{
    size_t i = 0;
    while (i < FF_COUNT(walks) && strcmp(walks[i].name, chosen_walk) != 0)
        i++;
    assert_true(i < FF_COUNT(walks));
    walk(walks[i].name, walks[i].columns, walks[i].rows, walks[i].env, walks[i].styles);
}

/* All at once, each in a process of its own: they wait for the screen most of the time. */
static void test_walks(void **state)
{
    pid_t pids[FF_COUNT(walks)];
    for (size_t i = 0; i < FF_COUNT(walks); i++) {
        char *const argv[] = {(char *)"test_screens", (char *)walks[i].name, NULL};
        assert_int_equal(posix_spawn(&pids[i], "/proc/self/exe", NULL, NULL, argv, environ), 0);
    }
    for (size_t i = 0; i < FF_COUNT(walks); i++) {
        int status = 0;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            print_error("the walk %s failed, see above\n", walks[i].name);
        pids[i] = WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
    }
    for (size_t i = 0; i < FF_COUNT(walks); i++)
        assert_int_equal(pids[i], 0);
}

static void test_ascii(void **state)
{
    ff_buf got = {0};
    terminal *t = start_ready(80, 24, ascii);

    section(t, "start", false, &got);
    for (size_t i = 0; i < got.len; i++)
        assert_in_range((unsigned char)got.data[i], '\n', '~');
    compare("80x24-ascii", &got);
    ff_buf_finish(&got);
    terminal_press(t, "q");
    quit(t, 0);
}

/* ------------------------------------------------------------------------------------ behaviour */

static void test_repair_and_quit(void **state)
{
    terminal *t = start_ready(120, 40, colour);

    terminal_press(t, "A");
    assert_true(terminal_wait_for(t, "wrong 21 \xe2\x86\x92 0 (0.0%)", PATIENCE_MS));
    assert_true(terminal_wait_for(t, "Press w to write", PATIENCE_MS));
    terminal_press(t, "q");
    assert_true(terminal_holds(t, "The repairs are in no file yet"));
    terminal_press(t, "j"); /* stays */
    assert_false(terminal_holds(t, "The repairs are in no file yet"));
    terminal_press(t, "w");
    assert_true(terminal_holds(t, ":save repaired.onnx"));
    terminal_press(t, "Enter");
    assert_true(terminal_wait_for(t, "saved 'repaired.onnx'", PATIENCE_MS));
    terminal_press(t, "q"); /* does not ask */
    quit(t, 0);
}

static void test_search_and_filter(void **state)
{
    terminal *t = start_ready(120, 40, colour);

    terminal_press(t, "3 / text:bfloat Enter");
    assert_true(terminal_holds(t, "This WB"));
    terminal_press(t, "Enter");
    assert_true(terminal_wait_for(t, "block_4_project", PATIENCE_MS));
    terminal_press(t, "q 3 / text:nowhere Enter");
    assert_true(terminal_holds(t, "'nowhere' is not in this view"));
    terminal_press(t, "1 & text:dw Enter");
    assert_true(terminal_holds(t, "&dw"));
    assert_false(terminal_holds(t, "Reshape"));
    terminal_press(t, "Escape Escape");
    assert_false(terminal_holds(t, "&dw"));
    terminal_press(t, "/ text:softm Enter"); /* in a folded stretch, or out of sight */
    assert_true(terminal_holds(t, "Softmax"));
    terminal_press(t, "Q");
    quit(t, 0);
}

/* After one repair: f goes through the filters of the images to what that step put right, and round. */
static void test_images_of_a_step(void **state)
{
    terminal *t = start_ready(120, 40, colour);

    terminal_press(t, "1 a");
    assert_true(terminal_wait_for(t, "accepted: wrong", PATIENCE_MS));
    terminal_press(t, "6 f f f f");
    assert_true(terminal_wait_for(t, "by step 1: 9", PATIENCE_MS));
    assert_true(terminal_holds(t, "photo_0"));
    terminal_press(t, "f");
    assert_true(terminal_wait_for(t, "all 150", PATIENCE_MS));
    terminal_press(t, ": text:filter Space text:step Space text:9 Enter");
    assert_true(terminal_wait_for(t, "no image is of this kind", PATIENCE_MS));
    terminal_press(t, ": text:filter Space text:step Space text:none Enter");
    assert_true(terminal_wait_for(t, "'none' is no number of a step", PATIENCE_MS));
    terminal_press(t, "Q y");
    quit(t, 0);
}

/* Findings go along the network, or by type with what concerns the images first. */
static void test_findings_sorted(void **state)
{
    terminal *t = start_ready(120, 40, colour);

    terminal_press(t, "3 g");
    assert_true(terminal_wait_for(t, "Next WB", PATIENCE_MS));
    terminal_press(t, "o g");
    assert_true(terminal_wait_for(t, "by type", PATIENCE_MS));
    assert_true(terminal_wait_for(t, "This PP", PATIENCE_MS));
    terminal_press(t, "o g");
    assert_true(terminal_wait_for(t, "by size", PATIENCE_MS));
    assert_true(terminal_wait_for(t, "This LH", PATIENCE_MS));
    terminal_press(t, "Q");
    quit(t, 0);
}

/* A group is marked, and S sets it aside for its members; a single repair cannot be split. */
static void test_split(void **state)
{
    terminal *t = start_ready(120, 40, colour);

    terminal_press(t, "4 g S");
    assert_true(terminal_wait_for(t, "only a group", PATIENCE_MS));
    terminal_press(t, "f f"); /* groups only */
    assert_true(terminal_wait_for(t,
                                  "\xe2\x97\x8b WB  \xe2\x89\xa1"
                                  "4",
                                  PATIENCE_MS));
    terminal_press(t, "S");
    assert_true(terminal_wait_for(t,
                                  "\xe2\x9c\x97 WB  \xe2\x89\xa1"
                                  "4",
                                  PATIENCE_MS));
    terminal_press(t, "1 S"); /* elsewhere it is the last step */
    assert_true(terminal_wait_for(t, "the step that led here is a single repair", PATIENCE_MS));
    terminal_press(t, "Q");
    quit(t, 0);
}

/* A window too small to draw in: the list under the cursor shrinks unseen, and keys still mean rows that exist. */
static void test_keys_unseen(void **state)
{
    terminal *t = start_ready(120, 40, colour);

    terminal_press(t, "4 G");
    terminal_resize(t, 8, 2);
    terminal_press(t, ": text:accept Space text:R1 Enter");
    for (int i = 0; i < 8; i++) {
        terminal_press(t, "a");
        terminal_settle(t);
    }
    terminal_resize(t, 120, 40);
    assert_true(terminal_wait_for(t, "wrong 21 \xe2\x86\x92 12", PATIENCE_MS));
    terminal_press(t, "Q y");
    quit(t, 0);
}

static void test_mouse(void **state)
{
    terminal *t = start_ready(120, 40, colour);

    terminal_press(t, "click:116,6"); /* the title of a column */
    assert_true(terminal_holds(t, "by causal"));
    terminal_press(t, "click:76,6");
    assert_true(terminal_holds(t, "by layer"));
    terminal_press(t, "click:100,6");
    assert_true(terminal_holds(t, "by isolated"));
    terminal_press(t, "click:90,5 Enter"); /* a bar of the sparkline */
    assert_true(terminal_holds(t, "layer L20"));
    terminal_press(t, "q");
    terminal_press(t, "click:78,19"); /* the second finding */
    assert_true(terminal_holds(t, "This LH"));
    terminal_press(t, "click:78,19"); /* opens what is chosen */
    assert_true(terminal_wait_for(t, "layer hyperparameters differ", PATIENCE_MS));
    terminal_press(t, ": text:mouse Space text:off Enter click:78,17");
    assert_true(terminal_holds(t, "layer hyperparameters differ"));
    terminal_press(t, "Q");
    quit(t, 0);
}

static void test_prompt(void **state)
{
    terminal *t = start_ready(80, 24, colour);

    terminal_press(t, ": text:half Tab");
    assert_true(terminal_holds(t, ":half-"));
    terminal_press(t, "C-u text:nosuchthing Enter");
    assert_true(terminal_holds(t, "nosuchthing"));
    terminal_press(t, ": Up");
    assert_true(terminal_holds(t, ":nosuchthing"));
    terminal_press(t, "Escape : text:stats Enter");
    assert_true(terminal_holds(t, "From key to paint"));
    assert_true(terminal_holds(t, "p99: 99 of 100 within"));
    terminal_press(t, "q ?");
    assert_true(terminal_holds(t, "Help"));
    terminal_press(t, "q q");
    quit(t, 0);
}

static void test_resize_while_busy(void **state)
{
    static const int sizes[][2] = {{120, 40}, {59, 15}, {80, 24}, {1, 1}, {300, 100}, {60, 16}, {2, 50}};
    terminal *t = start_ready(80, 24, slow);
    ff_buf got = {0};

    terminal_press(t, "A");
    assert_true(terminal_wait_for(t, "engine: repairing", PATIENCE_MS));
    for (size_t i = 0; i < FF_COUNT(sizes); i++) {
        terminal_resize(t, sizes[i][0], sizes[i][1]);
        if (sizes[i][0] == 59)
            assert_true(terminal_wait_for(t, "FetaFix needs 60x16 cells, here are 59x15", PATIENCE_MS));
        else if (sizes[i][0] >= 60)
            assert_true(terminal_wait_for(t, "engine:", PATIENCE_MS));
    }
    terminal_resize(t, 80, 24);
    assert_true(terminal_wait_for(t, "Press w to write", PATIENCE_MS));
    assert_true(terminal_wait_for(t, "engine: idle", PATIENCE_MS));
    terminal_settle(t);
    section(t, "repaired while the terminal changed its size", false, &got);
    compare("80x24-resized", &got);
    ff_buf_finish(&got);
    terminal_press(t, "q y");
    quit(t, 0);
}

static void test_cancel(void **state)
{
    terminal *t = start_ready(80, 24, slow);

    terminal_press(t, "A");
    assert_true(terminal_wait_for(t, "engine: repairing", PATIENCE_MS));
    terminal_press(t, "C-c");
    assert_true(terminal_wait_for(t, "cancelled", PATIENCE_MS));
    assert_true(terminal_wait_for(t, "engine: idle", PATIENCE_MS));
    terminal_press(t, "C-c"); /* meant for the job, and too late: the program stays */
    assert_true(terminal_wait_for(t, "no job runs", PATIENCE_MS));
    terminal_press(t, "Q");
    if (terminal_holds(t, "Quit?"))
        terminal_press(t, "y");
    quit(t, 0);
}

static void test_ends(void **state)
{
    static const int signals[] = {SIGTERM, SIGHUP, SIGQUIT};
    static const char *const dumb[] = {"TERM=dumb", NULL}, *const unknown[] = {"TERM=no-such-term", NULL};
    static const char *const fails[] = {"TERM=screen-256color", "LC_ALL=C.UTF-8", "FAKE_TICK_MS=0", "FAKE_LOAD_FAILS=1",
                                        NULL};
    for (size_t i = 0; i < FF_COUNT(signals); i++) {
        terminal *t = start_ready(80, 24, colour);
        kill(terminal_pid(t), signals[i]);
        quit(t, 130);
    }
    terminal *t = start_ready(80, 24, colour); /* a crash gives the terminal back, too */
    kill(terminal_pid(t), SIGSEGV);
    quit(t, 128 + SIGSEGV);

    t = start_ready(80, 24, colour);
    terminal_vanish(t);
    assert_int_equal(terminal_wait_exit(t, PATIENCE_MS), 130);
    terminal_destroy(t);

    t = start(80, 24, dumb);
    assert_int_equal(terminal_wait_exit(t, PATIENCE_MS), 2);
    assert_true(terminal_holds(t, "use 'fetafix repair'"));
    terminal_destroy(t);
    t = start(80, 24, unknown);
    assert_int_equal(terminal_wait_exit(t, PATIENCE_MS), 2);
    terminal_destroy(t);
    t = start(80, 24, fails);
    assert_int_equal(terminal_wait_exit(t, PATIENCE_MS), 3);
    assert_true(terminal_holds(t, "not an ONNX model"));
    assert_true(terminal_modes_kept(t));
    terminal_destroy(t);
}

static void test_suspend(void **state)
{
    terminal *t = start_ready(80, 24, colour);

    kill(terminal_pid(t), SIGSTOP); /* as a debugger would, without a word to the program */
    kill(terminal_pid(t), SIGCONT);
    terminal_press(t, "2");
    assert_true(terminal_holds(t, "Suspicious layers"));
    assert_true(terminal_alternate(t));
    /* No shell would continue it here, so the kernel does not stop it: it leaves the terminal and comes back. */
    for (int i = 0; i < 2; i++) {
        kill(terminal_pid(t), SIGTSTP);
        terminal_press(t, "1 2");
        assert_true(terminal_holds(t, "Suspicious layers"));
        assert_true(terminal_alternate(t));
        assert_false(terminal_cursor(t));
    }
    terminal_press(t, "q");
    quit(t, 0);
}

/* The list of jobs: what runs is shown, and Enter cancels it. */
static void test_jobs(void **state)
{
    terminal *t = start_ready(80, 24, slow);

    terminal_press(t, "A");
    assert_true(terminal_wait_for(t, "engine: repairing", PATIENCE_MS));
    terminal_press(t, "J");
    assert_true(terminal_wait_for(t, " runs", PATIENCE_MS));
    terminal_press(t, "Enter");
    assert_true(terminal_wait_for(t, "engine: idle", PATIENCE_MS));
    assert_true(terminal_holds(t, "the engine rests"));
    assert_true(terminal_holds(t, "cancelled"));
    terminal_press(t, "q Q");
    if (terminal_holds(t, "Quit?"))
        terminal_press(t, "y");
    quit(t, 0);
}

/* A file that is there is asked about. */
static void test_overwrite(void **state)
{
    char path[] = "/tmp/fetafix-there-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    terminal *t = start_ready(100, 30, colour);
    char *keys = ff_asprintf(": text:save Space text:%s Enter", path);
    terminal_press(t, "a");
    assert_true(terminal_wait_for(t, "engine: idle", PATIENCE_MS));
    terminal_press(t, keys);
    assert_true(terminal_holds(t, "exists. Overwrite it?"));
    terminal_press(t, "j");
    assert_true(terminal_holds(t, "nothing is written"));
    terminal_press(t, keys);
    terminal_press(t, "y");
    assert_true(terminal_wait_for(t, "saved", PATIENCE_MS));
    terminal_press(t, "q"); /* nothing is left to be asked */
    free(keys);
    unlink(path);
    quit(t, 0);
}

/* `i` while the values are still being read: the cursor goes to them when they come, unless another key came first. */
static void test_values_come_late(void **state)
{
    static const char *const read = "i edits the value", *const unread = "when they are read";
    char path[] = "/tmp/fetafix-hold-XXXXXX", *hold = NULL;
    for (int moved = 0; moved < 2; moved++) {
        strcpy(path + strlen(path) - 6, "XXXXXX");
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        close(fd);
        unlink(path);
        hold = ff_asprintf("FAKE_HOLD=%s", path);
        const char *const held[] = {
            "TERM=screen-256color", "LC_ALL=C.UTF-8", "FAKE_TICK_MS=0", "XDG_STATE_HOME=/nonexistent", hold, NULL};
        terminal *t = start_ready(100, 40, held);
        terminal_press(t, "1 g j j i");
        assert_true(terminal_wait_for(t, unread, PATIENCE_MS));
        if (moved) {
            terminal_press(t, "/ text:max Enter");
            assert_true(terminal_holds(t, "still being read"));
        }
        fd = open(path, O_CREAT | O_WRONLY, 0600);
        assert_true(fd >= 0);
        close(fd);
        assert_true(terminal_wait_for(t, "Attributes", PATIENCE_MS));
        if (moved)
            assert_false(terminal_holds(t, read));
        else
            assert_true(terminal_wait_for(t, read, PATIENCE_MS));
        terminal_press(t, moved ? "i" : "/ text:max Enter i");
        assert_int_equal(terminal_holds(t, ":what-if 1 max"), !moved); /* else it goes there only now */
        assert_int_equal(terminal_holds(t, read), moved);
        terminal_press(t, moved ? "q q q" : "Escape q q q");
        quit(t, 0);
        unlink(path);
        free(hold);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest one[] = {cmocka_unit_test(test_walk)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walks),
        cmocka_unit_test(test_ascii),
        cmocka_unit_test(test_repair_and_quit),
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
    chosen_walk = argc > 1 ? argv[1] : NULL;
    return chosen_walk ? cmocka_run_group_tests(one, NULL, NULL) : cmocka_run_group_tests(tests, NULL, NULL);
}
