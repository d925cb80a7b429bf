/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tour of the samples (tour.fetafix) typed line by line at the explorer's prompt, comments and all, ends
 * in the session that `fetafix script` makes of it.   test_tour: FETAFIX and SAMPLES are in the environment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "terminal.h"

#define PRE   "tf-imagenet"
#define ARROW " \xe2\x86\x92 "

static char folder[] = "/tmp/fetafix-tour-XXXXXX";

/* The tour's lines in their order, and what each leaves on the screen.
 * NULL: it prints nothing, and the window of what the line before printed is closed. */
static const struct {
    const char *begins, *shows;
} lines[] = {
    {"status", "state 0: 17 of 120 labels differ"},
    {"localize", NULL}, /* the explorer has done so by itself */
    {"findings", "3 Findings"},
    {"query select rule", "batchnorm-fold        21"},
    {"suspects", "block3.depthwise"},
    {"layer 3", "scores"},
    {"diff layer 3", "[1,1,0,0]"},
    {"nodes op=Conv", "int8 per tensor 1.1%"},
    {"images wrong", "images_074_white-cross.png"},
    {"evaluate 1", "would leave 6 wrong"},
    {"accept 1", "wrong 17" ARROW "6 "},
    {"undo", "wrong 17 (14.2%)"},
    {"redo", "wrong 17" ARROW "6 "},
    {"step", "wrong 17" ARROW "3 "},
    {"history", "as it came"},
    {"compare source", "labels that differ from the Source's"},
    {"repair", "Every label is the Source's"},
    {"why image", "put right by step 4"},
    {"findings show", "essential"},
    {"query select count", "\xe2\x94\x82 wrong  "},
    {"status", "state 5: 0 of 120 labels differ"},
};

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char *command = ff_asprintf("rm -rf %s", folder);
    int code = system(command);
    free(command);
    return code;
}

static terminal *start(const char *session)
{
    const char *argv[] = {getenv("FETAFIX"), "explore",    "demo/source.onnx", "demo/target.onnx",
                          "--images",        "images.txt", "--source-pre",     PRE,
                          "--target-pre",    PRE,          "--session",        session,
                          "--no-config",     NULL};
    terminal *t = terminal_start(argv, 160, 50, terminal_env);
    assert_non_null(t);
    terminal_expect(t, "would leave 6 wrong"); /* localised, and the next repair tried */
    terminal_expect(t, "engine: idle");
    return t;
}

static void enter(terminal *t, const char *line)
{
    char *prompt = ff_asprintf(":%s", line);
    terminal_type(t, prompt);
    terminal_expect(t, prompt);
    terminal_press(t, "Enter");
    terminal_expect_gone(t, prompt);
    free(prompt);
}

static void type_tour(terminal *t)
{
    FILE *f = fopen("tour.fetafix", "r");
    char *line = NULL;
    size_t capacity = 0, n = 0;
    assert_non_null(f);
    while (getline(&line, &capacity, f) > 0) {
        line[strcspn(line, "\n")] = '\0';
        if (!*line)
            continue;
        enter(t, line);
        if (*line == '#')
            continue;
        if (n == FF_COUNT(lines) || strncmp(line, lines[n].begins, strlen(lines[n].begins)) != 0)
            fail_msg("this test does not know the line: %s", line);
        if (lines[n].shows)
            terminal_expect(t, lines[n].shows);
        else
            terminal_expect_gone(t, " Output ");
        terminal_expect(t, "engine: idle");
        n++;
    }
    assert_int_equal(n, FF_COUNT(lines));
    free(line);
    fclose(f);
}

/* What the command prints; it must succeed. */
static char *output_of(char *command)
{
    FILE *f = popen(command, "r");
    ff_buf b = {0};
    char bytes[4096];
    assert_non_null(f);
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, f)) > 0;)
        ff_buf_add(&b, bytes, n);
    if (pclose(f) != 0)
        fail_msg("failed: %s", command);
    free(command);
    return b.data;
}

static char *view_of(const char *session, const char *view)
{
    return output_of(ff_asprintf("%s query %s 'select * from %s' --no-config", getenv("FETAFIX"), session, view));
}

static void test_tour(void **state)
{
    static const char *const views[] = {"states", "steps",  "findings", "proposals",
                                        "images", "layers", "pairs",    "equivalences"};
    char *typed = ff_asprintf("%s/typed.fetafix", folder), *script = ff_asprintf("%s/script.fetafix", folder);
    (void)state;
    assert_int_equal(chdir(getenv("SAMPLES")), 0);

    terminal *t = start(typed);
    type_tour(t);
    enter(t, "quit");
    terminal_expect(t, "no model is written. Quit?");
    terminal_press(t, "y");
    terminal_expect_exit(t, 0);
    terminal_destroy(t);

    free(output_of(ff_asprintf("%s script tour.fetafix demo/source.onnx demo/target.onnx --images images.txt "
                               "--source-pre %s --target-pre %s --session %s --no-config --quiet",
                               getenv("FETAFIX"), PRE, PRE, script)));
    for (size_t i = 0; i < FF_COUNT(views); i++) {
        char *a = view_of(typed, views[i]), *b = view_of(script, views[i]);
        if (i == 0)
            assert_non_null(strstr(a, "as it came")); /* not two empty ones */
        assert_string_equal(a, b);
        free(a);
        free(b);
    }
    free(typed);
    free(script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tour)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
