/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The program itself on real conversions, by keys in a terminal: repaired to the last label, written,
 * killed and taken up again. Skipped where the data are not.
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

static const struct {
    const char *folder, *source_pre, *target_pre, *at_first;
} cases[] = {
    {"dev1_pp_torch_to_tf", "size=128x128 scale=255 mean=0.485,0.456,0.406 std=0.229,0.224,0.225 layout=NCHW",
     "size=128x128 scale=127.5 mean=1,1,1 std=1,1,1 layout=NHWC", "wrong 86 (57.3%)"},
    {"dev2_wb_tf_to_tflite", "size=128x128 scale=128 mean=1,1,1 std=1,1,1 layout=NHWC",
     "size=128x128 scale=128 mean=1,1,1 std=1,1,1 layout=NHWC", "wrong 21 (14.0%)"},
};

static char *path_in(const char *folder, const char *name)
{
    const char *data = getenv("FETAFIX_DATA");
    return ff_asprintf("%s/cases/%s/%s", data ? data : getenv("DEFAULT_DATA"), folder, name);
}

static terminal *start(size_t i, const char *session)
{
    char *source = path_in(cases[i].folder, "source.onnx"), *target = path_in(cases[i].folder, "target.onnx");
    char *images = path_in(cases[i].folder, "images.txt");
    const char *argv[] = {getenv("FETAFIX"),
                          source,
                          target,
                          "--images",
                          images,
                          "--source-pre",
                          cases[i].source_pre,
                          "--target-pre",
                          cases[i].target_pre,
                          session ? "--session" : NULL,
                          session,
                          NULL};
    assert_non_null(argv[0]);
    terminal *t = terminal_start(argv, 120, 40, terminal_env);
    assert_non_null(t);
    free(source);
    free(target);
    free(images);
    return t;
}

static void test_repair(void **state)
{
    char folder[] = "/tmp/fetafix-ui-XXXXXX";
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < FF_COUNT(cases); i++) {
        terminal *t = start(i, NULL);
        char *out = ff_asprintf("%s/%s.onnx", folder, cases[i].folder);
        char *keys = ff_asprintf("w C-u text:save Space text:%s Enter", out);
        terminal_expect(t, cases[i].at_first);
        terminal_expect(t, "Next");
        terminal_press(t, "A");
        terminal_expect(t, "0 (0.0%)");
        terminal_expect(t, "Every label is the Source's");
        terminal_expect(t, "engine: idle");
        terminal_press(t, keys);
        terminal_expect_gone(t, "Press w"); /* nothing is unsaved */
        terminal_expect(t, "engine: idle");
        assert_int_equal(access(out, R_OK), 0);
        terminal_press(t, "q");
        terminal_expect_exit(t, 0);
        terminal_destroy(t);
        unlink(out);
        free(out);
        free(keys);
    }
    rmdir(folder);
}

static void test_kill_and_resume(void **state)
{
    char folder[] = "/tmp/fetafix-ui-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char *session = ff_asprintf("%s/case.fetafix", folder);
    terminal *t = start(0, session);

    terminal_expect(t, "Next PP");
    terminal_press(t, "a");
    terminal_expect(t, "wrong 86 \xe2\x86\x92 0 (0.0%)");
    kill(terminal_pid(t), SIGKILL);
    terminal_expect_exit(t, 128 + SIGKILL);
    terminal_destroy(t);

    t = start(0, session);
    terminal_expect(t, "wrong 86 \xe2\x86\x92 0 (0.0%)");
    terminal_expect(t, "Every label is the Source's");
    terminal_press(t, "u");
    terminal_expect(t, "wrong 86 (57.3%)");
    terminal_press(t, "C-r");
    terminal_expect(t, "wrong 86 \xe2\x86\x92 0 (0.0%)");
    terminal_press(t, "q y");
    terminal_expect_exit(t, 0);
    terminal_destroy(t);

    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < FF_COUNT(ends); i++) {
        char *file = ff_asprintf("%s%s", session, ends[i]);
        unlink(file);
        free(file);
    }
    free(session);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_repair),
        cmocka_unit_test(test_kill_and_resume),
    };
    char *source = path_in(cases[0].folder, "source.onnx");
    bool there = access(source, R_OK) == 0;
    free(source);
    if (!there)
        return 77; /* skipped: the real cases are not at hand */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
