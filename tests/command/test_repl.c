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

/* Without a session the repairs are in the memory only. */
static terminal *start(const char *session)
{
    static char home[64];
    snprintf(home, sizeof home, "XDG_STATE_HOME=%s/state", folder);
    const char *env[] = {"TERM=xterm", "LC_ALL=C.UTF-8", home, "INPUTRC=/dev/null", "NO_COLOR=1", NULL};
    const char *argv[] = {getenv("FETAFIX"),
                          "repl",
                          "source.onnx",
                          "target.onnx",
                          "--images",
                          "photos",
                          "--no-config",
                          "--source-pre",
                          PRE,
                          "--target-pre",
                          PRE,
                          session ? "--session" : NULL,
                          session,
                          NULL};
    terminal *t = terminal_start(argv, 100, 30, env);
    assert_non_null(t);
    terminal_expect(t, "fetafix>");
    return t;
}

/* The last line of the screen that is not empty is this one. */
static bool ends_in(terminal *t, const void *expected)
{
    ff_buf screen = {0};
    terminal_capture(t, false, &screen);
    size_t end = screen.len;
    while (end && strchr(" \n", screen.data[end - 1]))
        end--;
    screen.data[end] = '\0';
    const char *line = strrchr(screen.data, '\n');
    bool same = strcmp(line ? line + 1 : screen.data, expected) == 0;
    ff_buf_finish(&screen);
    return same;
}

static void expect_last_line(terminal *t, const char *expected)
{
    if (!terminal_wait(t, ends_in, expected))
        terminal_fail(t, "waited in vain for the last line", expected);
}

/* By Ctrl-D, which a prompt reads: what is typed before it is there, the terminal keeps to itself. */
static void leave(terminal *t)
{
    expect_last_line(t, "fetafix>");
    terminal_press(t, "C-d");
    terminal_expect_exit(t, 0);
    terminal_destroy(t);
}

static void test_complete(void **state)
{
    (void)state;
    terminal *t = start("a.fetafix");
    terminal_press(t, "text:eval Tab");
    terminal_expect(t, "fetafix> evaluate");
    terminal_press(t, "C-u text:node Tab text:op Tab text:Con Tab");
    terminal_expect(t, "fetafix> nodes op=Conv");
    terminal_press(t, "text:side=so Tab Enter");
    terminal_expect(t, "Conv_5");
    expect_last_line(t, "fetafix>");
    terminal_press(t, "text:diff Space text:Conv_3 Space text:pads Enter");
    terminal_expect(t, "[1,1,1,1]"); /* made by the engine while the prompt is there */
    terminal_press(t, "text:pairs Space text:by Space text:conf Tab");
    terminal_expect(t, "by confidence");
    terminal_press(t, "C-u text:query Space text:select Space text:coun Tab text:from Space text:equi Tab");
    terminal_expect(t, "query select count(*) from equivalences");
    terminal_press(
        t, "C-u text:set Space text:form Tab text:js Tab Enter text:pairs Space text:> Space text:photos.t Tab Enter");
    terminal_expect(t, "'photos.txt' exists; >| overwrites it");
    terminal_press(t, "text:pairs Space text:top Space text:1 Enter");
    terminal_expect(t, "\"pair\": 0");
    leave(t);
}

static void test_repair_while_typing(void **state)
{
    (void)state;
    terminal *t = start("b.fetafix");
    terminal_press(t, "text:repair\rstat");
    terminal_expect(t, "accepted: wrong 12 -> 11");
    terminal_expect(t, "done");
    expect_last_line(t, "fetafix> stat"); /* the line came through whole, below the news */
    terminal_press(t, "text:us Enter");
    terminal_expect(t, "of 60 labels differ, 12 at first");
    assert_false(terminal_holds(t, "unknown command"));
    leave(t);
    t = start("b.fetafix"); /* Ctrl-D kept it */
    terminal_press(t, "text:query Space text:select Space text:min(wrong) Space text:as Space text:least Space "
                      "text:from Space text:states Enter");
    terminal_expect(t, "least");
    terminal_expect(t, "\n    0");
    leave(t);
}

/* Leaving would drop what is in no file: it is said once, and done when it is asked for again. */
static void test_unsaved(void **state)
{
    static const char told[] = "The repairs are in no file yet";
    (void)state;
    terminal *t = start(NULL);
    terminal_press(t, "text:quit Enter"); /* nothing was repaired */
    terminal_expect_exit(t, 0);
    terminal_destroy(t);

    t = start(NULL);
    terminal_press(t, "text:step Enter");
    terminal_expect(t, "accepted: wrong 12 -> 11");
    expect_last_line(t, "fetafix>");
    terminal_press(t, "C-d");
    terminal_expect(t, told);
    terminal_press(t, "text:status Enter"); /* another command: leaving is asked for anew */
    terminal_expect(t, "of 60 labels differ, 12 at first");
    expect_last_line(t, "fetafix>");
    terminal_press(t, "C-l");
    expect_last_line(t, "fetafix>");
    terminal_expect_gone(t, told);
    terminal_press(t, "text:quit Enter");
    terminal_expect(t, told);
    terminal_press(t, "text:quit Enter");
    terminal_expect_exit(t, 0);
    terminal_destroy(t);

    t = start(NULL);
    terminal_press(t, "text:step Enter");
    terminal_expect(t, "accepted: wrong 12 -> 11");
    terminal_press(t, "text:save Space text:kept.onnx Enter");
    terminal_expect(t, "writing: done");
    leave(t);
}

static void test_history(void **state)
{
    (void)state;
    terminal *t = start("c.fetafix");
    terminal_press(t, "text:explain Space text:PP Enter");
    terminal_expect(t, "preprocessing differs");
    terminal_press(t, "text:echo Space text:!! Enter");
    terminal_expect(t, "unknown command 'echo'"); /* `!` means nothing */
    leave(t);
    t = start("c.fetafix");
    terminal_press(t, "Up Up");
    terminal_expect(t, "fetafix> explain PP");
    terminal_press(t, "Down");
    terminal_expect(t, "fetafix> echo !!");
    terminal_press(t, "C-u C-r text:ain");
    terminal_expect(t, "explain PP");
    terminal_press(t, "C-c");
    leave(t);
}

static void test_interrupt(void **state)
{
    (void)state;
    terminal *t = start("d.fetafix");
    terminal_press(t, "text:nonsense C-c");
    terminal_expect(t, "^C");
    expect_last_line(t, "fetafix>");
    terminal_press(t, "text:status Enter");
    terminal_expect(t, "state 0: 12 of 60");
    assert_false(terminal_holds(t, "unknown command"));
    /* On an empty line it ends the job, not the program. */
    terminal_press(t, "text:localize\r\003");
    terminal_press(t, "text:explain Space text:WB Enter");
    terminal_expect(t, "weights and biases differ");
    terminal_press(
        t,
        "text:status Space text:| Space text:cat;kill Space text:-INT Space text:$$ Enter text:help Space text:undo Enter");
    terminal_expect(t, "go back to the state");
    kill(terminal_pid(t), SIGTERM);
    terminal_expect_exit(t, 130);
    terminal_destroy(t);
}

/* Lines typed before the engine has done what those above them want: each sees what they lead to. */
static void test_type_ahead(void **state)
{
    (void)state;
    terminal *t = start("e.fetafix");
    terminal_type(t, "findings layer=1\raccept 1\rstates show current,wrong,state\rundo\r"
                     "history show wrong,current,state\rcompare-states 0 1\r");
    terminal_expect(t, "weight of 'Conv_0' differ");
    terminal_expect(t, "yes         11      1"); /* states: behind accept */
    terminal_expect(t, "   12  yes          0"); /* history: behind undo */
    terminal_expect(t, "edits");                 /* and the comparison, which the engine makes */
    expect_last_line(t, "fetafix>");
    leave(t);
}

/* Models are asked by the engine while a line is being typed. */
static void test_ask_models(void **state)
{
    (void)state;
    terminal *t = start("g.fetafix");
    terminal_type(t, "matrix\rcompare source tar");
    terminal_expect(t, "    2  12   0  target");
    terminal_expect(t, "fetafix> compare source tar");
    terminal_press(t, "Tab Enter");
    terminal_expect(t, "   1     12       20");
    leave(t);
}

/* Tables fit the terminal, and are whole where they go elsewhere. */
static void test_width(void **state)
{
    (void)state;
    terminal *t = start("f.fetafix");
    terminal_type(t, "set | grep source-pre\r");
    terminal_expect(t, "same as --source-pre, for one model"); /* behind the edge of the screen */
    assert_false(terminal_holds(t, "\u2026"));
    terminal_type(t, "set\r");
    terminal_expect(t, "say more");
    expect_last_line(t, "fetafix>");
    terminal_expect(t, "\u2026");
    terminal_type(t, "!echo from the $((1+1))nd shell\r");
    terminal_expect(t, "from the 2nd shell");
    terminal_type(t, "\x1b[200~!echo $((3*3))x\n!echo $((4*4))y\x1b[201~\r"); /* pasted: two lines */
    terminal_expect(t, "9x");
    terminal_expect(t, "16y");
    leave(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_complete), cmocka_unit_test(test_repair_while_typing), cmocka_unit_test(test_unsaved),
        cmocka_unit_test(test_history),  cmocka_unit_test(test_interrupt),           cmocka_unit_test(test_type_ahead),
        cmocka_unit_test(test_width),    cmocka_unit_test(test_ask_models),
    };
    return cmocka_run_group_tests(tests, make_case, remove_case);
}
