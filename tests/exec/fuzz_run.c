/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fuzz target: a model from arbitrary bytes is planned in all modes and run on generated input,
 * within little memory and time. It must end in a result or in a one-line error.
 *
 *     clang -fsanitize=fuzzer,address,undefined -DFETAFIX_FUZZER ...    as a libFuzzer target
 *     fuzz_run FILE|FOLDER...    replays files
 *     fuzz_run                   mutates official models, deterministic
 *                                (FETAFIX_FUZZ_ROUNDS: times each)
 * FETAFIX_FUZZ_REFERENCE in the environment: plain C kernels only (what oneDNN makes at run time
 * is invisible to sanitizers).
 */
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "fetafix/exec.h"

#define MEMORY        (UINT64_C(2) << 20)
#define FEED_ELEMENTS (1 << 16) /* of all inputs together: making them costs time, too */
#define MILLISECONDS  500       /* for all plans and runs of one input; then they are cancelled */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ff_cancel cancel;
static timer_t timer;

static void on_timer(union sigval v)
{
    (void)v;
    atomic_store(&cancel.set, true);
}

static void start_timer(long ms)
{
    static bool made;
    struct sigevent e = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_timer};
    struct itimerspec t = {.it_value = {ms / 1000, ms % 1000 * 1000000}};

    if (!made && timer_create(CLOCK_MONOTONIC, &e, &timer) != 0)
        abort();
    made = true;
    atomic_store(&cancel.set, false);
    if (timer_settime(timer, 0, &t, NULL) != 0)
        abort();
}

static void require(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "%s: %s\n", what, ff_error());
        abort();
    }
}

static void require_good_end(int code)
{
    switch (code) {
    case FF_OK:
        return;
    case FF_ERR_INPUT:
    case FF_ERR_GRAPH:
    case FF_ERR_UNSUPPORTED:
    case FF_ERR_NOMEM:
    case FF_ERR_CANCELLED:
        require(ff_error()[0] != '\0', "a failure without words");
        require(strchr(ff_error(), '\n') == NULL, "not a one-line message");
        return;
    default:
        require(false, "not a failure that a model may cause");
    }
}

static ff_tensor *make_feed(const ff_shape *s, uint64_t seed)
{
    ff_rng rng = {seed};
    ff_tensor *t;

    if (ff_tensor_create(s->dtype, s->rank, s->dims, &t) != FF_OK)
        return NULL;
    if (s->dtype == FF_STRING) {
        for (int64_t i = 0; i < t->count; i++)
            ((char **)t->data)[i] = ff_strdup(i % 2 ? "b" : "a");
    } else if (ff_dtype_is_float(s->dtype)) {
        for (int64_t i = 0; i < t->count; i++)
            ff_tensor_set_real(t, i, ff_rng_normal(&rng));
    } else if (s->dtype != FF_COMPLEX64 && s->dtype != FF_COMPLEX128) {
        for (int64_t i = 0; i < t->count; i++)
            ff_tensor_set_int(t, i, (int64_t)ff_rng_below(&rng, 4));
    }
    return t;
}

static int run(const ff_plan *p, ff_tensor **out)
{
    int n = ff_plan_inputs(p), code = FF_OK;
    ff_tensor **feeds = ff_alloc_array((size_t)n + 1, sizeof *feeds);
    ff_hooks hooks = {.cancel = &cancel};
    ff_runner *r = NULL;
    int64_t elements = 0;

    for (int i = 0; i < n && code == FF_OK; i++) {
        const ff_shape *s = ff_plan_input_shape(p, i);
        int64_t count = 1;
        for (int k = 0; k < s->rank && count <= FEED_ELEMENTS; k++)
            count *= s->dims[k] < FEED_ELEMENTS ? s->dims[k] : FEED_ELEMENTS + 1;
        if ((elements += count) > FEED_ELEMENTS) {
            code = ff_fail(FF_ERR_GRAPH, "too much input");
            break;
        }
        feeds[i] = make_feed(s, (uint64_t)i);
        if (!feeds[i])
            code = FF_ERR_GRAPH;
    }
    if (code == FF_OK)
        code = ff_runner_create(p, &r);
    if (code == FF_OK)
        code = ff_run(r, (const ff_tensor *const *)feeds, &hooks, NULL, 0, out);
    ff_runner_destroy(r);
    for (int i = 0; i < n; i++)
        ff_tensor_unref(feeds[i]);
    free(feeds);
    return code;
}

static void plan_and_run(const ff_model *m, bool reference, bool observe)
{
    const ff_graph *g = ff_model_graph(m);
    int n = g->n_outputs < 64 ? g->n_outputs : 64;
    const char *names[64];
    ff_tensor *out[64] = {NULL};
    ff_plan_options o = {.reference = reference,
                         .observe = observe,
                         .n_outputs = n,
                         .outputs = names,
                         .memory_limit = MEMORY,
                         .cancel = &cancel};
    ff_plan *p;

    for (int i = 0; i < n; i++)
        names[i] = g->outputs[i]->name;
    int code = ff_plan_create(m, &o, &p);
    require_good_end(code);
    if (code != FF_OK)
        return;
    require_good_end(run(p, out));
    for (int i = 0; i < n; i++)
        ff_tensor_unref(out[i]);
    ff_plan_unref(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int reference_only = -1;
    ff_model *m;

    if (reference_only < 0)
        reference_only = getenv("FETAFIX_FUZZ_REFERENCE") != NULL;
    start_timer(MILLISECONDS);
    int code = ff_model_parse(data, size, NULL, &m);
    require_good_end(code);
    if (code != FF_OK)
        return 0;
    plan_and_run(m, true, false);
    if (!reference_only) {
        plan_and_run(m, false, false);
        plan_and_run(m, false, true);
    }
    ff_model_unref(m);
    return 0;
}

#ifndef FETAFIX_FUZZER
static void mutate(ff_rng *r, uint8_t *data, size_t *size)
{
    static const uint8_t values[] = {0, 1, 2, 3, 4, 7, 8, 16, 0x7f, 0x80, 0xff};

    for (uint64_t k = 1 + ff_rng_below(r, 4); k > 0 && *size > 0; k--) {
        size_t at = (size_t)ff_rng_below(r, *size);
        switch (ff_rng_below(r, 4)) {
        case 0:
            data[at] ^= (uint8_t)(1u << ff_rng_below(r, 8));
            break;
        case 1:
            data[at] = values[ff_rng_below(r, sizeof values)];
            break;
        case 2: /* a byte from elsewhere */
            data[at] = data[ff_rng_below(r, *size)];
            break;
        default: /* a small number that stays one */
            if (data[at] < 32)
                data[at] = (uint8_t)ff_rng_below(r, 32);
            break;
        }
    }
}

static int replay(const char *path, int rounds, ff_rng *rng)
{
    char *data;
    size_t size;

    if (ff_read_file(path, (uint64_t)1 << 30, &data, &size)) {
        fprintf(stderr, "%s\n", ff_error());
        return -1;
    }
    for (int k = 0; k < (rounds ? rounds : 1); k++) {
        uint8_t *copy = ff_alloc(size ? size : 1); /* its own block, so that overruns are seen */
        memcpy(copy, data, size);
        if (rounds)
            mutate(rng, copy, &size);
        LLVMFuzzerTestOneInput(copy, size);
        free(copy);
    }
    free(data);
    return 1;
}

/* The files of a folder, or `below` in each of its folders. Returns how many, -1 on failure. */
static int replay_folder(const char *folder, const char *below, int rounds)
{
    ff_rng rng = {(uint64_t)rounds};
    struct dirent **entries;
    int n = scandir(folder, &entries, NULL, alphasort), count = 0;

    for (int i = 0; i < n; i++) {
        char *path = below ? ff_asprintf("%s/%s/%s", folder, entries[i]->d_name, below)
                           : ff_path_join(folder, entries[i]->d_name);
        struct stat s;
        if (entries[i]->d_name[0] != '.' && stat(path, &s) == 0 && S_ISREG(s.st_mode) && s.st_size < 1 << 16)
            count += replay(path, rounds, &rng);
        free(path);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return count;
}

int main(int argc, char **argv)
{
    const char *wanted = getenv("FETAFIX_FUZZ_ROUNDS"), *folder = TEST_ONNX "/node";
    int rounds = wanted ? atoi(wanted) : 6, count = 0;
    struct stat s;

    for (int i = 1; i < argc; i++) {
        if (stat(argv[i], &s) != 0)
            return fprintf(stderr, "cannot find '%s'\n", argv[i]), 1;
        int n = S_ISDIR(s.st_mode) ? replay_folder(argv[i], NULL, 0) : replay(argv[i], 0, NULL);
        if (n < 1)
            return fprintf(stderr, "nothing in '%s'\n", argv[i]), 1;
        count += n;
    }
    if (argc < 2) {
        if (stat(folder, &s) != 0)
            return 77; /* skipped: the official models are not installed */
        count = replay_folder(folder, "model.onnx", rounds);
        if (count < 900)
            return fprintf(stderr, "only %d models in '%s'\n", count, folder), 1;
    }
    printf("%d models\n", count);
    return 0;
}
#endif
