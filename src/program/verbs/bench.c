/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench MODEL: how fast a model runs here. Repairs run images side by side, one thread each, so that is
 * what is measured: time per image over all workers; besides, how long one run takes by itself.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fetafix/command_say.h"
#include "fetafix/compute.h"
#include "fetafix/exec.h"
#include "program/batch.h"
#include "program/verbs.h"
#include "program/verbs/bench_case.h"

enum {
    FEWEST = 5, /* measurements of each kind */
    MOST = 200,
};
#define LATENCY_NS    INT64_C(700000000) /* spent on each kind, when that gives enough of them */
#define THROUGHPUT_NS INT64_C(2000000000)
#define ROUND_NS      INT64_C(150000000) /* one measurement of all workers together */

typedef struct bench {
    ff_model *model;
    ff_plan *plan;
    ff_pool *pool;
    int threads;
    ff_cancel *cancel;
    ff_runner **runners;
    int n_feeds;
    ff_tensor **feeds;
    double load_ms;
    int runs, rounds;
    double latency_ms, best_ms;    /* one run by itself: median, shortest */
    double image_ms, image_cpu_ms; /* all workers: wall and processor time an image, medians */
} bench;

static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, compare);
    return values[n / 2];
}

static int load(ff_context *c, const char *path, bench *b)
{
    const ff_options *o = c->options;
    int64_t begun = ff_now_ns();
    ff_plan_options po = {.reference = o->session.reference, .cancel = batch_cancel(c)};
    int code = batch_load_model(c, path, &b->model);
    if (!code)
        code = ff_plan_create(b->model, &po, &b->plan);
    if (code)
        return code;
    b->pool = ff_pool_create(o->session.threads, ff_exec_enter_thread);
    b->threads = ff_pool_threads(b->pool);
    b->runners = ff_alloc_array((size_t)b->threads, sizeof(ff_runner *));
    for (int i = 0; !code && i < b->threads; i++)
        code = ff_runner_create(b->plan, &b->runners[i]);
    b->n_feeds = ff_plan_inputs(b->plan);
    b->feeds = ff_alloc_array((size_t)b->n_feeds + 1, sizeof(ff_tensor *));
    ff_rng rng = {.state = o->session.seed};
    for (int i = 0; !code && i < b->n_feeds; i++) {
        const ff_shape *s = ff_plan_input_shape(b->plan, i);
        code = ff_tensor_create(s->dtype, s->rank, s->dims, &b->feeds[i]);
        for (int64_t k = 0; !code && ff_dtype_is_float(s->dtype) && k < b->feeds[i]->count; k++)
            ff_tensor_set_real(b->feeds[i], k, 2 * ff_rng_real(&rng) - 1);
    }
    b->load_ms = (double)(ff_now_ns() - begun) * 1e-6;
    return code;
}

static void finish(bench *b)
{
    for (int i = 0; i < b->n_feeds; i++)
        ff_tensor_unref(b->feeds[i]);
    for (int i = 0; i < b->threads; i++)
        ff_runner_destroy(b->runners[i]);
    free(b->feeds);
    free(b->runners);
    ff_pool_destroy(b->pool);
    ff_plan_unref(b->plan);
    ff_model_unref(b->model);
}

static int run_one(void *context, int64_t index, int worker)
{
    bench *b = context;
    int n = ff_plan_outputs(b->plan);
    ff_hooks hooks = {.cancel = b->cancel};
    ff_tensor **out = ff_alloc_array((size_t)n + 1, sizeof *out);
    (void)index;
    int code = ff_run(b->runners[worker], (const ff_tensor *const *)b->feeds, &hooks, NULL, 0, out);
    for (int i = 0; i < n; i++)
        ff_tensor_unref(out[i]);
    free(out);
    return code;
}

/* One worker alone. The first run makes ready what later ones use, and is not counted. */
static int measure_latency(bench *b)
{
    double ms[MOST];
    int64_t first = ff_now_ns();
    int code = run_one(b, 0, 0);
    while (!code && b->runs < MOST && (b->runs < FEWEST || ff_now_ns() - first < LATENCY_NS)) {
        int64_t start = ff_now_ns();
        code = run_one(b, 0, 0);
        ms[b->runs] = (double)(ff_now_ns() - start) * 1e-6;
        b->runs += !code;
    }
    if (!code) {
        b->latency_ms = median(ms, b->runs);
        b->best_ms = ms[0];
    }
    return code;
}

/* All workers, in rounds of some images for each. */
static int measure_throughput(bench *b)
{
    double wall[MOST], cpu[MOST], each = (double)ROUND_NS * 1e-6 / b->best_ms;
    int64_t images = (int64_t)b->threads * (each < 2 ? 2 : each > 1000 ? 1000 : (int64_t)each);
    int code = ff_pool_for(b->pool, b->threads, run_one, b, b->cancel); /* not counted */
    int64_t first = ff_now_ns();
    while (!code && b->rounds < MOST && (b->rounds < FEWEST || ff_now_ns() - first < THROUGHPUT_NS)) {
        int64_t start = ff_now_ns(), cpu_start = cpu_ns();
        code = ff_pool_for(b->pool, images, run_one, b, b->cancel);
        wall[b->rounds] = (double)(ff_now_ns() - start) * 1e-6 / (double)images;
        cpu[b->rounds] = (double)(cpu_ns() - cpu_start) * 1e-6 / (double)images;
        b->rounds += !code;
    }
    if (!code) {
        b->image_ms = median(wall, b->rounds);
        b->image_cpu_ms = median(cpu, b->rounds);
    }
    return code;
}

static int write_json(ff_context *c, const bench *b, double peak)
{
    const ff_options *o = c->options;
    ff_buf text = {0};
    json_t *j = json_pack("{s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:i, s:i, s:i, s:f, s:s}", "schema", "fetafix-bench/1",
                          "run_ms_per_image", b->image_ms, "cpu_ms_per_image", b->image_cpu_ms, "latency_ms",
                          b->latency_ms, "best_ms", b->best_ms, "load_ms", b->load_ms, "peak_mb", peak, "threads",
                          b->threads, "rounds", b->rounds, "runs", b->runs, "operations", ff_plan_flops(b->plan),
                          "backend", ff_compute_backend(o->session.reference));
    char *dump = json_dumps(j, JSON_REAL_PRECISION(6));
    json_decref(j);
    ff_buf_printf(&text, "%s\n", dump ? dump : "{}");
    free(dump);
    int code = write_text(c, o->json, &text, o->force);
    ff_buf_finish(&text);
    return code;
}

typedef struct profile {
    ff_context *c;
    long runs;
} profile;

static void say_operator(void *context, const char *op, long calls, double ms)
{
    profile *p = context;
    char *shown = ff_visible(op);
    ff_say(p->c, "  %9.3f ms  %5ld  %s\n", ms / (double)p->runs, calls / p->runs, shown);
    free(shown);
}

static void write_lines(ff_context *c, bench *b, double peak)
{
    ff_say(c, "run   %9.3f ms per image on %d thread%s (%.3f ms of processor time; median of %d)\n", b->image_ms,
           b->threads, b->threads == 1 ? "" : "s", b->image_cpu_ms, b->rounds);
    ff_say(c, "alone %9.3f ms for one run (median of %d; best %.3f)\n", b->latency_ms, b->runs, b->best_ms);
    ff_say(c, "load  %9.1f ms\npeak  %9.1f MB\n", b->load_ms, peak);
    if (c->verbose) {
        ff_runner *r;
        if (ff_runner_create(b->plan, &r))
            return;
        ff_runner_destroy(b->runners[0]);
        b->runners[0] = r;
        for (int i = 0; i < FEWEST; i++)
            if (run_one(b, 0, 0))
                return;
        ff_runner_profile(r, say_operator, &(profile){c, FEWEST});
    }
}

static int bench_model(ff_context *c, const char *path)
{
    bench b = {.cancel = batch_cancel(c)};
    int code = load(c, path, &b);
    if (!code && !(code = measure_latency(&b)))
        code = measure_throughput(&b);
    if (!code) {
        const char *json = c->options->json;
        double peak = (double)ff_memory_peak() / (1 << 20);
        if (json)
            code = write_json(c, &b, peak);
        if (!code && (!json || strcmp(json, "-") != 0))
            write_lines(c, &b, peak);
    }
    finish(&b);
    return code;
}

int verb_bench(ff_context *c, int argc, char **argv)
{
    int code = batch_check_outputs(c->options);
    if (code)
        return code;
    if (argc == 2 && c->task)
        return ff_fail(FF_ERR_USAGE, "a repair is timed from the shell: fetafix bench SOURCE TARGET --images DIR|LIST");
    if (argc == 2)
        return bench_case(c, argc, argv);
    if (argc != 1)
        return ff_fail(FF_ERR_USAGE, "expected: fetafix bench MODEL, or SOURCE TARGET --images ...");
    return bench_model(c, argv[0]);
}
