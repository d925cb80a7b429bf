/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pool, cancel tokens, queue, progress, log. */
#include "fetafix/base.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

typedef struct job {
    atomic_int runs[1000];
    atomic_int at_once, workers[8];
    int fail_from, fail_step;
    ff_cancel *cancel;
    int cancel_at;
} job;

static atomic_int entered;

static void enter(void)
{
    atomic_fetch_add(&entered, 1);
}

static int step(void *context, int64_t i, int worker)
{
    job *j = context;
    atomic_fetch_add(&j->runs[i], 1);
    /* No two calls share a worker's number at one time. */
    if (atomic_fetch_add(&j->workers[worker], 1) != 0)
        return ff_fail(FF_ERR_INTERNAL, "worker %d twice", worker);
    if (i % 7 == 0)
        sched_yield();
    atomic_fetch_sub(&j->workers[worker], 1);
    if (j->cancel && i == j->cancel_at)
        atomic_store(&j->cancel->set, true);
    if (j->fail_step && i >= j->fail_from && (i - j->fail_from) % j->fail_step == 0)
        return ff_fail(i % 2 ? FF_ERR_INPUT : FF_ERR_GRAPH, "index %d failed", (int)i);
    return FF_OK;
}

static void every_index_once(void **state)
{
    (void)state;
    for (int threads = 0; threads <= 5; threads++) {
        atomic_store(&entered, 0);
        ff_pool *p = threads ? ff_pool_create(threads, enter) : NULL;
        assert_int_equal(ff_pool_threads(p), threads ? threads : 1);
        for (int round = 0; round < 20; round++) {
            job *j = ff_alloc(sizeof *j);
            assert_int_equal(ff_pool_for(p, 1000, step, j, NULL), FF_OK);
            for (int i = 0; i < 1000; i++)
                assert_int_equal(j->runs[i], 1);
            assert_int_equal(ff_pool_for(p, 0, step, j, NULL), FF_OK);
            free(j);
        }
        ff_pool_destroy(p);
        assert_int_equal(atomic_load(&entered), threads);
    }
    ff_pool *p = ff_pool_create(0, NULL);
    assert_true(ff_pool_threads(p) >= 1);
    ff_pool_destroy(p);
}

static void lowest_failure_wins(void **state)
{
    ff_pool *p = ff_pool_create(4, NULL);
    (void)state;
    for (int round = 0; round < 300; round++) {
        job *j = ff_alloc(sizeof *j);
        j->fail_from = 13 + round;
        j->fail_step = 1 + round % 3;
        int code = ff_pool_for(round % 10 ? p : NULL, 1000, step, j, NULL);
        char *expected = ff_asprintf("index %d failed", j->fail_from);
        assert_int_equal(code, j->fail_from % 2 ? FF_ERR_INPUT : FF_ERR_GRAPH);
        assert_string_equal(ff_error(), expected);
        for (int i = 0; i <= j->fail_from; i++)
            assert_int_equal(j->runs[i], 1);
        assert_int_equal(j->runs[999], 0);
        free(expected);
        free(j);
    }
    ff_pool_destroy(p);
}

static void cancelling(void **state)
{
    ff_pool *p = ff_pool_create(3, NULL);
    (void)state;
    for (int round = 0; round < 50; round++) {
        ff_cancel c = {false};
        ff_task t = {p, &c, NULL};
        job *j = ff_alloc(sizeof *j);
        j->cancel = &c;
        j->cancel_at = 20;
        assert_int_equal(ff_check_cancel(&t), FF_OK);
        assert_int_equal(ff_pool_for(round % 5 ? p : NULL, 1000, step, j, &c), FF_ERR_CANCELLED);
        assert_string_equal(ff_error(), "interrupted");
        assert_true(ff_cancelled(&t));
        assert_int_equal(ff_check_cancel(&t), FF_ERR_CANCELLED);
        assert_int_equal(j->runs[999], 0);
        free(j);
    }
    assert_false(ff_cancelled(NULL));
    assert_int_equal(ff_check_cancel(NULL), FF_OK);
    ff_pool_destroy(p);
}

/* ------------------------------------------------------------------------------------ queue */

static bool readable(const ff_queue *q)
{
    struct pollfd p = {ff_queue_fd(q), POLLIN, 0};
    return poll(&p, 1, 0) == 1;
}

static void queue_in_order(void **state)
{
    ff_queue *q = ff_queue_create();
    (void)state;
    assert_false(readable(q));
    assert_null(ff_queue_try_pop(q));
    intptr_t in = 0, out = 0;
    for (int round = 0; round < 200; round++) {
        for (int k = 0; k < round % 37; k++)
            ff_queue_push(q, (void *)++in);
        assert_int_equal(readable(q), in > out);
        for (int k = 0; k < round % 29 && out < in; k++)
            assert_ptr_equal(ff_queue_try_pop(q), (void *)++out);
        assert_int_equal(readable(q), in > out);
    }
    while (out < in)
        assert_ptr_equal(ff_queue_pop(q, -1), (void *)++out);
    assert_false(readable(q));
    int64_t before = ff_now_ns();
    assert_null(ff_queue_pop(q, 20));
    assert_true(ff_now_ns() - before >= 19 * 1000000);
    ff_queue_push(q, strdup("left over"));
    ff_queue_destroy(q, free);
    ff_queue_destroy(NULL, free);
}

static void *produce(void *q)
{
    for (intptr_t i = 1; i <= 2000; i++)
        ff_queue_push(q, (void *)i);
    return NULL;
}

static void queue_between_threads(void **state)
{
    ff_queue *q = ff_queue_create();
    pthread_t threads[3];
    intptr_t sum = 0;
    (void)state;
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, produce, q);
    for (int i = 0; i < 6000; i++)
        sum += (intptr_t)ff_queue_pop(q, -1);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(sum, 3 * 2000 * 2001 / 2);
    assert_null(ff_queue_try_pop(q));
    ff_queue_destroy(q, NULL);
}

static void progress(void **state)
{
    ff_progress p = {.total = 0};
    (void)state;
    ff_progress_start(&p, "evaluating", 10);
    ff_progress_add(&p, 3);
    ff_progress_add(&p, 4);
    assert_string_equal(atomic_load(&p.stage), "evaluating");
    assert_true(p.done == 7 && p.total == 10 && p.started_ns > 0);
    ff_progress_start(&p, "again", 0);
    assert_true(p.done == 0);
    ff_progress_finish(&p);
    assert_null(atomic_load(&p.stage));
    ff_progress_start(NULL, "nobody looks", 1);
    ff_progress_add(NULL, 1);
    ff_progress_finish(NULL);
}

static void keep_line(void *context, ff_level level, const char *line)
{
    ff_buf_printf(context, "%d:%s;", level, line);
}

static void log_lines(void **state)
{
    ff_buf b = {0};
    (void)state;
    ff_log(FF_LOG_WARN, "nobody listens");
    ff_log_set_sink(keep_line, &b);
    ff_log(FF_LOG_INFO, "two\nlines %d", 2);
    ff_log(FF_LOG_DEBUG, "%s", "");
    ff_log_set_sink(NULL, NULL);
    ff_log(FF_LOG_WARN, "nobody listens");
    assert_string_equal(b.data, "1:two\\nlines 2;0:;");
    ff_buf_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_index_once), cmocka_unit_test(lowest_failure_wins),   cmocka_unit_test(cancelling),
        cmocka_unit_test(queue_in_order),   cmocka_unit_test(queue_between_threads), cmocka_unit_test(progress),
        cmocka_unit_test(log_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
