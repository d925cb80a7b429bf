/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The REPL in a terminal emulator: completion, history, a repair that ends while a line is being
 * typed, Ctrl-C, Ctrl-D. Screens are polled for texts; nothing waits for a time.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "terminal.h"

enum { PATIENCE_MS = 60000 };

#define PRE "size=16x16 scale=127.5 mean=1,1,1"

static char folder[] = "/tmp/fetafix-repl-XXXXXX";

static int make_case(void **state)
{
    (void)state;
    if (!mkdtemp(folder) || chdir(folder) != 0)
        return -1;
    char *command = ff_asprintf("%s .", getenv("MAKE_SMALL_CASE"));
    int code = system(command);
    free(command);
    return code;
}

static int remove_case(void **state)
{
    (void)state;
    char *command = ff_asprintf("rm -rf %s", folder);
    int code = chdir("/") || system(command);
    free(command);
    return code;
}

static terminal *start(const char *session)
{
    static char home[64];
    snprintf(home, sizeof home, "XDG_STATE_HOME=%s/state", folder);
    const char *env[] = {"TERM=xterm", "LC_ALL=C.UTF-8", home, "INPUTRC=/dev/null", "NO_COLOR=1", NULL};
    const char *argv[] = {
        getenv("FETAFIX"), "repl", "source.onnx",  "target.onnx", "--images",  "photos", "--no-config",
        "--source-pre",    PRE,    "--target-pre", PRE,           "--session", session,  NULL};
    terminal *t = terminal_start(argv, 100, 30, env);
    assert_non_null(t);
    assert_true(terminal_wait_for(t, "fetafix>", PATIENCE_MS));
    return t;
}

static void show(terminal *t)
{
    ff_buf screen = {0};
    terminal_capture(t, false, &screen);
    fputs(screen.data, stderr);
    ff_buf_finish(&screen);
}

static void wait_for(terminal *t, const char *text)
{
    if (terminal_wait_for(t, text, PATIENCE_MS))
        return;
    show(t);
    fail_msg("never seen: %s", text);
}

/* The last line of the screen that is not empty. */
static void expect_last_line(terminal *t, const char *expected)
{
    ff_buf screen = {0};
    terminal_settle(t);
    terminal_capture(t, false, &screen);
    size_t end = screen.len;
    while (end && strchr(" \n", screen.data[end - 1]))
        end--;
    screen.data[end] = '\0';
    const char *line = strrchr(screen.data, '\n');
    assert_string_equal(line ? line + 1 : screen.data, expected);
    ff_buf_finish(&screen);
}

static void leave(terminal *t)
{
    terminal_press(t, "C-d");
    int code = terminal_wait_exit(t, PATIENCE_MS);
    if (code != 0)
        show(t);
    assert_int_equal(code, 0);
    assert_true(terminal_modes_kept(t));
    terminal_destroy(t);
}

static void test_complete(void **state)
{
    (void)state;
    terminal *t = start("a.fetafix");
    terminal_press(t, "text:eval Tab");
    wait_for(t, "fetafix> evaluate");
    terminal_press(t, "C-u text:node Tab text:op Tab text:Con Tab");
    wait_for(t, "fetafix> nodes op=Conv");
    terminal_press(t, "text:side=so Tab Enter");
    wait_for(t, "Conv_5");
    expect_last_line(t, "fetafix>");
    terminal_press(t, "text:diff Space text:Conv_3 Space text:pads Enter");
    wait_for(t, "[1,1,1,1]"); /* made by the engine while the prompt is there */
    terminal_press(t, "text:pairs Space text:by Space text:conf Tab");
    wait_for(t, "by confidence");
    terminal_press(t, "C-u text:query Space text:select Space text:coun Tab text:from Space text:equi Tab");
    wait_for(t, "query select count(*) from equivalences");
    terminal_press(
        t, "C-u text:set Space text:form Tab text:js Tab Enter text:pairs Space text:> Space text:photos.t Tab Enter");
    wait_for(t, "'photos.txt' exists; >| overwrites it");
    terminal_press(t, "text:pairs Space text:top Space text:1 Enter");
    wait_for(t, "\"pair\": 0");
    leave(t);
}

static void test_repair_while_typing(void **state)
{
    (void)state;
    terminal *t = start("b.fetafix");
    terminal_press(t, "text:repair\rstat");
    wait_for(t, "accepted: wrong 12 -> 11");
    wait_for(t, "done");
    expect_last_line(t, "fetafix> stat"); /* the line came through whole, below the news */
    terminal_press(t, "text:us Enter");
    wait_for(t, "of 60 labels differ, 12 at first");
    assert_false(terminal_holds(t, "unknown command"));
    leave(t);
    t = start("b.fetafix"); /* Ctrl-D kept it */
    terminal_press(t, "text:query Space text:select Space text:min(wrong) Space text:as Space text:least Space "
                      "text:from Space text:states Enter");
    wait_for(t, "least");
    wait_for(t, "\n    0");
    leave(t);
}

static void test_history(void **state)
{
    (void)state;
    terminal *t = start("c.fetafix");
    terminal_press(t, "text:explain Space text:PP Enter");
    wait_for(t, "preprocessing differs");
    terminal_press(t, "text:echo Space text:!! Enter");
    wait_for(t, "unknown command 'echo'"); /* `!` means nothing */
    leave(t);
    t = start("c.fetafix");
    terminal_press(t, "Up Up");
    wait_for(t, "fetafix> explain PP");
    terminal_press(t, "Down");
    wait_for(t, "fetafix> echo !!");
    terminal_press(t, "C-u C-r text:ain");
    wait_for(t, "explain PP");
    terminal_press(t, "C-c");
    leave(t);
}

static void test_interrupt(void **state)
{
    (void)state;
    terminal *t = start("d.fetafix");
    terminal_press(t, "text:nonsense C-c");
    wait_for(t, "^C");
    expect_last_line(t, "fetafix>");
    terminal_press(t, "text:status Enter");
    wait_for(t, "state 0: 12 of 60");
    assert_false(terminal_holds(t, "unknown command"));
    /* On an empty line it ends the job, not the program. */
    terminal_press(t, "text:localize\r\003");
    terminal_press(t, "text:explain Space text:WB Enter");
    wait_for(t, "weights and biases differ");
    terminal_press(
        t,
        "text:status Space text:| Space text:cat;kill Space text:-INT Space text:$$ Enter text:help Space text:undo Enter");
    wait_for(t, "go back to the state");
    kill(terminal_pid(t), SIGTERM);
    assert_int_equal(terminal_wait_exit(t, PATIENCE_MS), 130);
    assert_true(terminal_modes_kept(t));
    terminal_destroy(t);
}

/* Lines typed before the engine has done what those above them want: each sees what they lead to. */
static void test_type_ahead(void **state)
{
    (void)state;
    terminal *t = start("e.fetafix");
    terminal_type(t, "findings layer=1\raccept 1\rstates show current,wrong,state\rundo\r"
                     "history show wrong,current,state\rcompare-states 0 1\r");
    wait_for(t, "weight of 'Conv_0' differ");
    wait_for(t, "yes         11      1"); /* states: behind accept */
    wait_for(t, "   12  yes          0"); /* history: behind undo */
    wait_for(t, "edits");                 /* and the comparison, which the engine makes */
    expect_last_line(t, "fetafix>");
    leave(t);
}

/* Tables fit the terminal, and are whole where they go elsewhere. */
static void test_width(void **state)
{
    (void)state;
    terminal *t = start("f.fetafix");
    terminal_type(t, "set | grep source-pre\r");
    wait_for(t, "same as --source-pre, for one model"); /* behind the edge of the screen */
    assert_false(terminal_holds(t, "\u2026"));
    terminal_type(t, "set\r");
    wait_for(t, "say more");
    expect_last_line(t, "fetafix>");
    assert_true(terminal_holds(t, "\u2026"));
    terminal_type(t, "!echo from the $((1+1))nd shell\r");
    wait_for(t, "from the 2nd shell");
    terminal_type(t, "\x1b[200~!echo $((3*3))x\n!echo $((4*4))y\x1b[201~\r"); /* pasted: two lines */
    wait_for(t, "9x");
    wait_for(t, "16y");
    leave(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_complete),  cmocka_unit_test(test_repair_while_typing), cmocka_unit_test(test_history),
        cmocka_unit_test(test_interrupt), cmocka_unit_test(test_type_ahead),          cmocka_unit_test(test_width),
    };
    return cmocka_run_group_tests(tests, make_case, remove_case);
}
