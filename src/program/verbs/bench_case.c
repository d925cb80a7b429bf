/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench SOURCE TARGET: where the time of a repair goes, stage by stage and by what was done. */
#include "program/verbs/bench_case.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fetafix/command_job.h"
#include "fetafix/command_say.h"
#include "program/batch.h"

typedef struct stage {
    const char *name;
    double wall, cpu; /* seconds; of the processor: all threads */
} stage;

enum { LOAD, LOCALISE, SEARCH, STAGES };

typedef struct clocks {
    int64_t wall, cpu;
} clocks;

static clocks now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (clocks){ff_now_ns(), (int64_t)t.tv_sec * 1000000000 + t.tv_nsec};
}

static void end_stage(stage *s, clocks from)
{
    clocks to = now();
    s->wall = (double)(to.wall - from.wall) * 1e-9;
    s->cpu = (double)(to.cpu - from.cpu) * 1e-9;
}

static double less_work(const ff_snapshot *s)
{
    return s->flops > 0 ? s->flops_full / s->flops : 1;
}

static json_t *spent_json(const ff_spent *spent, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        char *what = ff_visible(spent[i].what);
        json_array_append_new(list, json_pack("{s:s, s:s, s:f, s:I}", "activity", spent[i].activity, "what", what, "s",
                                              (double)spent[i].ns * 1e-9, "times", (json_int_t)spent[i].times));
        free(what);
    }
    return list;
}

static int write_json(ff_context *c, const stage *stages, const ff_snapshot *s, const ff_spent *spent, size_t n)
{
    ff_buf text = {0};
    json_t *j =
        json_pack("{s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:i, s:i, s:i, s:f, s:f, s:f, s:f}", "schema", "fetafix-bench/1",
                  "load_s", stages[LOAD].wall, "localize_s", stages[LOCALISE].wall, "repair_s", stages[SEARCH].wall,
                  "load_cpu_s", stages[LOAD].cpu, "localize_cpu_s", stages[LOCALISE].cpu, "repair_cpu_s",
                  stages[SEARCH].cpu, "wrong_initial", s->initial, "wrong_final", s->wrong, "trials",
                  ff_table_rows(s->steps), "operations", s->flops, "operations_of_full_runs", s->flops_full,
                  "times_less_work", less_work(s), "peak_mb", (double)ff_memory_peak() / (1 << 20));
    json_object_set_new(j, "work", ff_work_json(s));
    json_object_set_new(j, "spent", spent_json(spent, n));
    char *dump = json_dumps(j, JSON_REAL_PRECISION(6));
    json_decref(j);
    ff_buf_printf(&text, "%s\n", dump ? dump : "{}");
    free(dump);
    int code = write_text(c, c->options->json, &text, c->options->force);
    ff_buf_finish(&text);
    return code;
}

static void write_lines(ff_context *c, const stage *stages, const ff_snapshot *s, const ff_spent *spent, size_t n)
{
    for (int i = 0; i < STAGES; i++)
        ff_say(c, "%-22s %8.2f s  (%.2f s of processor time)\n", stages[i].name, stages[i].wall, stages[i].cpu);
    ff_say(c, "%-22s %8d    (wrong %d -> %d)\n", "trials", ff_table_rows(s->steps), s->initial, s->wrong);
    ff_say(c, "%-22s %8.2f Gop of %.2f in full runs (%.1f times less)\n", "work of the search", s->flops * 1e-9,
           s->flops_full * 1e-9, less_work(s));
    ff_say(c, "%-22s %8.1f MB\n", "peak", (double)ff_memory_peak() / (1 << 20));
    ff_say(c, "\nby phase\n");
    for (int i = 0; i < s->n_work; i++) {
        const ff_work *w = &s->work[i];
        ff_say(c, "  %-20s %8.2f s  %5d trials  %10.2f Gop of %.2f in full runs\n", w->name, w->seconds, w->trials,
               w->flops * 1e-9, w->flops_full * 1e-9);
        if (w->rejected_flops_full > 0)
            ff_say(c, "  %-20s             %5d rejected, at %.2f%% of a whole evaluation each\n", "", w->rejected,
                   100 * w->rejected_flops / w->rejected_flops_full);
    }
    ff_say(c, "\nover all threads\n");
    for (size_t i = 0; i < n; i++) {
        char *what = ff_visible(spent[i].what);
        ff_say(c, "  %-11s %-20s %8.3f s  %8lld times\n", spent[i].activity, what, (double)spent[i].ns * 1e-9,
               (long long)spent[i].times);
        free(what);
    }
}

int bench_case(ff_context *c, int argc, char **argv)
{
    stage stages[STAGES] = {{.name = "load, decode, label"}, {.name = "localise"}, {.name = "search"}};
    const char *json = c->options->json;
    clocks start = now();
    int code = batch_open(c, false, argc, argv);
    end_stage(&stages[LOAD], start);
    start = now();
    if (!code)
        code = ff_run_job(c, &(ff_request){.kind = FF_JOB_LOCALIZE});
    end_stage(&stages[LOCALISE], start);
    start = now();
    if (!code)
        code = ff_run_job(c, &(ff_request){.kind = FF_JOB_REPAIR});
    end_stage(&stages[SEARCH], start);
    if (code)
        return code;
    ff_spent *spent;
    const ff_snapshot *s = ff_session_snapshot(c->session);
    size_t n = ff_spent_list(&spent);
    if (json)
        code = write_json(c, stages, s, spent, n);
    if (!code && (!json || strcmp(json, "-") != 0))
        write_lines(c, stages, s, spent, n);
    free(spent);
    ff_snapshot_unref(s);
    return code;
}
