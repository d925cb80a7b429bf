/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Killed with SIGKILL again and again while it repairs, and started again: the same bytes in the
 * end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>
/* cmocka wants stddef and setjmp first. */
#include <cmocka.h>

#include "session_case.h"
#include "small_case.h"

typedef struct run {
    const char *source, *target, *images, *pre;
    char *session, *output, *json;
} run;

static pid_t start(const run *r, bool with_session)
{
    const char *argv[32] = {getenv("FETAFIX_PROGRAM"),
                            "repair",
                            r->source,
                            r->target,
                            "--images",
                            r->images,
                            "--source-pre",
                            r->pre,
                            "--target-pre",
                            r->pre,
                            "-q",
                            "-o",
                            r->output,
                            "--json",
                            r->json};
    int n = 15;
    if (with_session) {
        argv[n++] = "--session";
        argv[n++] = r->session;
    }
    assert_non_null(argv[0]);
    pid_t child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDOUT_FILENO);
        execv(argv[0], (char **)argv);
        _exit(127);
    }
    assert_true(child > 0);
    return child;
}

static int finish(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void sleep_ms(int64_t ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static void assert_same_file(const char *a, const char *b)
{
    char *x, *y;
    size_t n, m;
    assert_int_equal(ff_read_file(a, 1 << 30, &x, &n), FF_OK);
    assert_int_equal(ff_read_file(b, 1 << 30, &y, &m), FF_OK);
    size_t same = 0;
    while (same < n && same < m && x[same] == y[same])
        same++;
    if (same < n || same < m) {
        size_t from = same > 150 ? same - 150 : 0;
        fail_msg("%s: %zu and %zu bytes differ from %zu: ...%.300s... against ...%.300s...", b, n, m, same, x + from,
                 y + from);
    }
    free(x);
    free(y);
}

/* Kills at seeded moments up to the time of an undisturbed run, then lets it end. */
static void kill_and_resume(const run *r, int kills, uint64_t seed)
{
    char *output = ff_strdup(r->output), *json = ff_strdup(r->json);
    run undisturbed = *r;
    undisturbed.output = ff_asprintf("%s.whole", output);
    undisturbed.json = ff_asprintf("%s.whole", json);
    int64_t begun = ff_now_ns();
    int whole = finish(start(&undisturbed, false));
    assert_in_range(whole, 0, 1);
    int64_t span = (ff_now_ns() - begun) / 1000000 + 1;
    ff_rng rng = {.state = seed};
    int killed = 0, ended = 0;
    while (killed < kills) {
        pid_t child = start(r, true);
        sleep_ms((int64_t)ff_rng_below(&rng, (uint64_t)span));
        kill(child, SIGKILL);
        bool was_killed = finish(child) == -1;
        killed += was_killed;
        if (access(output, F_OK) == 0)
            unlink(output), unlink(json);
        if (!was_killed) {
            unlink(r->session); /* it came to its end first: anew */
            ended++;
        }
    }
    print_message("killed %d times, ended %d times before; %lld ms undisturbed\n", killed, ended, (long long)span);
    if (access(json, F_OK) == 0)
        unlink(json);
    assert_int_equal(finish(start(r, true)), whole);
    assert_same_file(undisturbed.output, output);
    assert_same_file(undisturbed.json, json);
    free(undisturbed.output);
    free(undisturbed.json);
    free(output);
    free(json);
}

/* As a benchmark there are more: FETAFIX_KILLS. */
static int number_of_kills(int usual)
{
    const char *given = getenv("FETAFIX_KILLS");
    return given ? atoi(given) : usual;
}

static void test_small(void **state)
{
    (void)state;
    char *source = session_case_path("source.onnx"), *target = session_case_path("target.onnx");
    char *images = session_case_path("photos");
    run r = {source,
             target,
             images,
             SMALL_CASE_PRE,
             session_case_path("small.fetafix"),
             session_case_path("small.onnx"),
             session_case_path("small.json")};
    kill_and_resume(&r, number_of_kills(20), 1);
    free(source);
    free(target);
    free(images);
    free(r.session);
    free(r.output);
    free(r.json);
}

static void test_real(void **state)
{
    (void)state;
    const char *root = getenv("FETAFIX_DATA");
    char *at = ff_asprintf("%s/cases/dev2_wb_tf_to_tflite", root ? root : TEST_DATA);
    if (access(at, R_OK) != 0 || getenv("FETAFIX_QUICK")) {
        free(at);
        skip();
    }
    char *source = ff_path_join(at, "source.onnx"), *target = ff_path_join(at, "target.onnx");
    char *images = ff_path_join(at, "images.txt");
    run r = {source,
             target,
             images,
             "size=128x128 resize=bilinear antialias=off crop=none order=rgb scale=128 mean=1,1,1 "
             "std=1,1,1 layout=NHWC",
             session_case_path("real.fetafix"),
             session_case_path("real.onnx"),
             session_case_path("real.json")};
#ifdef __SANITIZE_ADDRESS__
    kill_and_resume(&r, 4, 2); /* slow enough as it is */
#else
    kill_and_resume(&r, number_of_kills(20), 2);
#endif
    free(at);
    free(source);
    free(target);
    free(images);
    free(r.session);
    free(r.output);
    free(r.json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small),
        cmocka_unit_test(test_real),
    };
    return cmocka_run_group_tests_name("kill", tests, session_case_set_up, session_case_tear_down);
}
