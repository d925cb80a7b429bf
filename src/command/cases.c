/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare, localize, repair: a case from the shell, from loading to the exit code. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/batch.h"
#include "command/many.h"
#include "command/page.h"

int (*explorer)(ff_session *s, const ff_options *o);

static const char *text(const ff_table *t, int row, const char *column)
{
    return ff_table_text(t, row, ff_table_find(t, column));
}

static int64_t number(const ff_table *t, int row, const char *column)
{
    return ff_table_int(t, row, ff_table_find(t, column));
}

static bool is_empty(const ff_table *t, int row, const char *column)
{
    return ff_table_empty(t, row, ff_table_find(t, column));
}

static double percent(int part, int whole)
{
    return whole ? 100.0 * part / whole : 0;
}

static const char *paint(const ff_context *c, bool good)
{
    return !c->color ? "" : good ? "\033[32m" : "\033[31m";
}

static const char *plain(const ff_context *c)
{
    return c->color ? "\033[0m" : "";
}

/* ------------------------------------------------------------------------------------ the results
 */

static void say_models(ff_context *c, const ff_snapshot *s)
{
    say(c, "Source  %s  (opset %d%s%s)\n", s->source_path, s->source_opset, *s->source_producer ? ", " : "",
        s->source_producer);
    say(c, "Target  %s  (opset %d%s%s)\n", s->target_path, s->target_opset, *s->target_producer ? ", " : "",
        s->target_producer);
}

static void say_wrong(ff_context *c, const ff_snapshot *s)
{
    say(c, "%s%d of %d %s (%.2f%%)%s\n", paint(c, s->wrong == 0), s->wrong, s->images, s->wrong_words,
        percent(s->wrong, s->images), plain(c));
}

static void say_wrong_images(ff_context *c, const ff_snapshot *s)
{
    const ff_table *t = s->images_table;
    for (int i = 0; i < ff_table_rows(t); i++) {
        if (!number(t, i, "wrong"))
            continue;
        if (s->verdicts) {
            say(c, "  %s  score %.6g\n", text(t, i, "name"), ff_table_real(t, i, ff_table_find(t, "score")));
            continue;
        }
        const char *a = text(t, i, "source_name"), *b = text(t, i, "target_name");
        if (is_empty(t, i, "target"))
            say(c, "  %s  source %lld%s%s  target cannot run\n", text(t, i, "name"), (long long)number(t, i, "source"),
                *a ? " " : "", a);
        else
            say(c, "  %s  source %lld%s%s  target %lld%s%s\n", text(t, i, "name"), (long long)number(t, i, "source"),
                *a ? " " : "", a, (long long)number(t, i, "target"), *b ? " " : "", b);
    }
}

static void say_groups(ff_context *c, const ff_snapshot *s)
{
    const ff_table *t = s->proposals;
    for (int i = 0; i < ff_table_rows(t); i++) {
        if (strncmp(text(t, i, "id"), "group:", 6) == 0)
            say(c, "  %s: %s\n", text(t, i, "id"), text(t, i, "summary"));
    }
}

/* The first of a list of labels, and how many more there are. */
static void say_labels(ff_context *c, const char *side, const char *labels)
{
    int n = *labels != '\0';
    for (const char *p = labels; *p; p++)
        n += *p == '\n';
    if (n > 0)
        say(c, "  %s %.*s", side, (int)strcspn(labels, "\n"), labels);
    if (n > 1)
        say(c, " and %d more", n - 1);
}

static void say_equivalences(ff_context *c, const ff_table *t)
{
    for (int i = 0; i < ff_table_rows(t); i++) {
        double deviation = ff_table_real(t, i, ff_table_find(t, "deviation"));
        say(c, "  =    %s: %s", text(t, i, "rule"), text(t, i, "meaning"));
        say_labels(c, "Source", text(t, i, "source_nodes"));
        say_labels(c, "Target", text(t, i, "target_nodes"));
        if (deviation > 0)
            say(c, "  (within %.2g)", deviation);
        say(c, "\n");
    }
}

static void say_divergence(ff_context *c, const ff_snapshot *s)
{
    if (s->divergence)
        say(c, "the models part %s (found in %d runs)\n", s->divergence, s->divergence_runs);
}

static void say_faults(ff_context *c, const ff_snapshot *s, bool with_status)
{
    const ff_table *t = s->findings;
    int n = ff_table_rows(t), same = ff_table_rows(s->equivalences);
    say(c, "%d fault%s, %d equivalent rewrite%s\n", n, n == 1 ? "" : "s", same, same == 1 ? "" : "s");
    for (int i = 0; i < n; i++) {
        const char *status = text(t, i, "status");
        if (with_status)
            say(c, "  %-3s  %-11s  %-9s  %s\n", text(t, i, "type"), status,
                number(t, i, "essential") ? "essential" : "", text(t, i, "summary"));
        else
            say(c, "  %-3s  %s\n", text(t, i, "type"), text(t, i, "summary"));
        if (c->verbose)
            say(c, "       %s\n", text(t, i, "explanation"));
    }
    if (c->verbose || (c->options && c->options->equivalences))
        say_equivalences(c, s->equivalences);
}

static void say_real(ff_context *c, const ff_table *t, int row, const char *column)
{
    if (is_empty(t, row, column))
        say(c, "  %9s", "-");
    else
        say(c, "  %9.4g", ff_table_real(t, row, ff_table_find(t, column)));
}

enum { CURVE = 64 };

/* A column along the network as one line; where there are more layers than cells, the largest of each share. */
static void say_curve(ff_context *c, const ff_table *t, const char *column)
{
    static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    double cells[CURVE], most = 0;
    int n = ff_table_rows(t), width = n < CURVE ? n : CURVE, k = ff_table_find(t, column), known = 0;
    for (int i = 0; i < width; i++)
        cells[i] = NAN;
    for (int i = 0; i < n; i++) {
        double v = ff_table_empty(t, i, k) ? NAN : ff_table_real(t, i, k), *cell = &cells[(int64_t)i * width / n];
        known += !isnan(v);
        *cell = fmax(*cell, v);
        most = fmax(most, v);
    }
    if (!known)
        return;
    say(c, "  %-8s  ", column);
    for (int i = 0; i < width; i++)
        say(c, "%s",
            isnan(cells[i]) ? "\xc2\xb7" /* other dims: no measure */
            : most > 0      ? bars[(int)(7 * cells[i] / most + (cells[i] > 0 ? 0.5 : 0))]
                            : bars[0]);
    say(c, "  to %.3g\n", most);
}

static void say_curves(ff_context *c, const ff_table *t)
{
    if (ff_table_rows(t) < 2)
        return;
    say(c, "error along the network, layers 1 to %d\n", ff_table_rows(t));
    say_curve(c, t, "entire");
    say_curve(c, t, "isolated");
}

static int row_of_rank(const ff_table *t, int rank)
{
    for (int i = 0; i < ff_table_rows(t); i++) {
        if (number(t, i, "rank") == rank)
            return i;
    }
    return -1;
}

static void say_layers(ff_context *c, const ff_snapshot *s)
{
    const ff_table *t = s->layers;
    int n = ff_table_rows(t), shown = c->verbose ? n : n < 10 ? n : 10;
    if (!n)
        return;
    say(c, "most suspicious layers%s\n", shown < n ? " (ten; --verbose shows all)" : "");
    say(c, "  rank  layer  %9s  %9s  %9s  %9s  %9s  node\n", "isolated", "causal", "entire", "kw", "effect");
    for (int rank = 1; rank <= shown; rank++) {
        int i = row_of_rank(t, rank);
        if (i < 0)
            break;
        say(c, "  %4d  %5lld", rank, (long long)number(t, i, "layer"));
        say_real(c, t, i, "isolated");
        say_real(c, t, i, "causal");
        say_real(c, t, i, "entire");
        say_real(c, t, i, "kw");
        say_real(c, t, i, "effect");
        const char *note = text(t, i, "note");
        say(c, "  %s%s%s\n", text(t, i, "source"), *note ? "  " : "", note);
    }
}

static void say_validation(ff_context *c, const ff_snapshot *s)
{
    if (s->validation_images < 0)
        return;
    say(c, "validation: %d of %d %s, %d at first, %d got worse\n", s->validation_wrong, s->validation_images,
        s->wrong_words, s->validation_initial, s->validation_regressed);
    if (s->validation_labelled)
        say(c, "accuracy on %d of them: Source %.2f%%, Target %.2f%% at first, %.2f%% now\n", s->validation_labelled,
            percent(s->validation_source_right, s->validation_labelled),
            percent(s->validation_initial_right, s->validation_labelled),
            percent(s->validation_right, s->validation_labelled));
    if (s->validation_harm)
        say(c, "%s%s%s\n", paint(c, false), s->validation_harm, plain(c));
}

/* ---------------------------------------------------------------------------------------- writing
 */

static int write_results(ff_context *c, int64_t begun)
{
    const ff_options *o = c->options;
    int code = FF_OK;
    if (o->json) {
        const ff_snapshot *s = ff_session_snapshot(c->session);
        ff_buf b = {0};
        b.data = report_json(s, o, (double)(ff_now_ns() - begun) * 1e-9);
        b.len = strlen(b.data);
        code = write_text(c, o->json, &b, o->force);
        ff_buf_finish(&b);
        ff_snapshot_unref(s);
    }
    if (!code && o->report) {
        const ff_snapshot *s = ff_session_snapshot(c->session);
        ff_buf b = {0};
        report_page(s, o, &b);
        code = write_text(c, o->report, &b, o->force);
        ff_buf_finish(&b);
        ff_snapshot_unref(s);
    }
    if (!code && o->labels_csv)
        code = ff_session_write_labels(c->session, o->labels_csv, o->force);
    return code;
}

/* The report is data: with `--json -` or `--report -` nothing else goes to standard output. */
static bool speaks(const ff_context *c)
{
    const ff_options *o = c->options;
    return !(o->json && strcmp(o->json, "-") == 0) && !(o->report && strcmp(o->report, "-") == 0);
}

/* Before anything is repaired: what came is what shows the faults. */
static int localize(ff_context *c)
{
    const ff_options *o = c->options;
    int code = batch_run(c, &(ff_request){.kind = FF_JOB_LOCALIZE});
    if (code || !o->repro)
        return code;
    int64_t job = ff_session_post(c->session, &(ff_request){.kind = FF_JOB_REPRO, .path = o->repro, .force = o->force});
    return speaks(c) ? batch_wait_saying(c, job) : batch_wait(c, job);
}

static int validate(ff_context *c)
{
    return c->options->session.validate ? batch_run(c, &(ff_request){.kind = FF_JOB_VALIDATE}) : FF_OK;
}

static int verdict(ff_context *c)
{
    const ff_snapshot *s = ff_session_snapshot(c->session);
    int wrong = s->wrong;
    ff_snapshot_unref(s);
    return wrong == 0 ? 0 : 1;
}

/* ------------------------------------------------------------------------------------------ verbs
 */

int verb_compare(ff_context *c, int argc, char **argv)
{
    if (c->task || argc > 2 || (argc == 2 && c->format != FF_FORMAT_TEXT))
        return compare_many(c, argc, argv);
    int64_t begun = ff_now_ns();
    int code = batch_open(c, true, argc, argv);
    if (!code)
        code = validate(c);
    if (!code && speaks(c)) {
        const ff_snapshot *s = ff_session_snapshot(c->session);
        say_models(c, s);
        say_wrong(c, s);
        if (c->verbose)
            say_wrong_images(c, s);
        say_validation(c, s);
        ff_snapshot_unref(s);
    }
    if (!code)
        code = write_results(c, begun);
    return code ? code : verdict(c);
}

int verb_localize(ff_context *c, int argc, char **argv)
{
    int64_t begun = ff_now_ns();
    int code = batch_open(c, false, argc, argv);
    if (!code)
        code = localize(c);
    if (!code)
        code = validate(c);
    if (!code && speaks(c)) {
        const ff_snapshot *s = ff_session_snapshot(c->session);
        say_models(c, s);
        say_wrong(c, s);
        say_faults(c, s, false);
        say_groups(c, s);
        say_divergence(c, s);
        say_curves(c, s->layers);
        say_layers(c, s);
        say_validation(c, s);
        ff_snapshot_unref(s);
    }
    if (!code)
        code = write_results(c, begun);
    return code ? code : verdict(c);
}

static int accepted_steps(const ff_snapshot *s)
{
    for (int i = 0; i < ff_table_rows(s->states); i++) {
        if (number(s->states, i, "current"))
            return (int)number(s->states, i, "step");
    }
    return 0;
}

static void say_repair(ff_context *c)
{
    const ff_snapshot *s = ff_session_snapshot(c->session);
    int steps = accepted_steps(s);
    say_models(c, s);
    say(c, "%swrong %d -> %d of %d %s (%.2f%% -> %.2f%%) in %d step%s%s\n", paint(c, s->wrong == 0), s->initial,
        s->wrong, s->images, s->arrays ? "samples" : "images", percent(s->initial, s->images),
        percent(s->wrong, s->images), steps, steps == 1 ? "" : "s", plain(c));
    say_faults(c, s, true);
    if (s->target_pre_repaired)
        say(c, "the Target wants this preprocessing:\n  %s\n", s->target_pre_repaired);
    if (s->timed_out)
        say(c, "the time limit was reached before the search came to its end\n");
    say_validation(c, s);
    ff_snapshot_unref(s);
}

int verb_repair(ff_context *c, int argc, char **argv)
{
    const ff_options *o = c->options;
    int64_t begun = ff_now_ns();
    int code = batch_open(c, false, argc, argv);
    if (!code)
        code = localize(c);
    if (!code)
        code = batch_run(c, &(ff_request){.kind = FF_JOB_REPAIR});
    int into_graph = FF_OK;
    char *why = NULL;
    if (!code && o->pre_into_graph && (into_graph = batch_run(c, &(ff_request){.kind = FF_JOB_PRE_INTO_GRAPH})))
        why = ff_strdup(ff_error());
    if (into_graph && into_graph != FF_ERR_USAGE && into_graph != FF_ERR_GRAPH)
        code = into_graph;
    if (!code)
        code = validate(c);
    if (!code && o->output)
        code = batch_run(c, &(ff_request){.kind = FF_JOB_SAVE, .path = o->output, .force = o->force});
    if (!code && o->patch)
        code = batch_run(c, &(ff_request){.kind = FF_JOB_EXPORT, .path = o->patch, .force = o->force});
    if (!code)
        code = write_results(c, begun);
    if (!code && speaks(c)) {
        say_repair(c);
        if (o->output)
            say(c, "saved %s\n", o->output);
    }
    /* The repair stands, and is written: what is wanted on top of it could not be done. */
    if (!code && into_graph)
        code = ff_fail(into_graph, "--pre-into-graph: %s", why);
    free(why);
    if (code == FF_ERR_CANCELLED && o->session.path)
        note(c, "what was decided so far is in '%s'; the same command goes on from there", o->session.path);
    return code ? code : verdict(c);
}

/* What the command line asked for is written when the explorer was left. That no file was there was
 * checked at the start: one that is there now was written by hand from within. */
static int leave_explorer(ff_context *c, int64_t begun)
{
    ff_options o = *c->options;
    const ff_snapshot *s = ff_session_snapshot(c->session);
    bool loaded = s->loaded, edited = s->state > 0;
    ff_snapshot_unref(s);
    ff_session_cancel(c->session, true);
    if (!loaded)
        return ff_fail(FF_ERR_CANCELLED, "left before the models were loaded");
    interrupt_watch(c->session);
    int code = batch_run(c, &(ff_request){.kind = FF_JOB_LOAD}); /* done when the engine rests */
    o.force = true;
    if (!code && o.output && !edited)
        note(c, "'%s' is not written: nothing was repaired", o.output);
    else if (!code && o.output)
        code = batch_run(c, &(ff_request){.kind = FF_JOB_SAVE, .path = o.output, .force = true});
    const ff_options *given = c->options;
    c->options = &o;
    if (!code)
        code = write_results(c, begun);
    c->options = given;
    return code ? code : verdict(c);
}

bool batch_has_screen(void)
{
    const char *term = getenv("TERM");
    return explorer && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO) && term && strcmp(term, "dumb") != 0;
}

/* With a terminal the explorer, which does its own waiting; without one what `repair` does. */
int verb_explore(ff_context *c, int argc, char **argv)
{
    const ff_options *o = c->options;
    if (!batch_has_screen())
        return verb_repair(c, argc, argv);
    if (argc != 2 && !(argc == 0 && o->session.path))
        return ff_fail(FF_ERR_USAGE, "two models are needed: fetafix SOURCE TARGET --images DIR|LIST");
    ff_session_options so = o->session;
    so.source = argc ? argv[0] : NULL;
    so.target = argc ? argv[1] : NULL;
    so.speculate = true;
    int64_t begun = ff_now_ns();
    int code = batch_check_outputs(o);
    if (!code)
        code = ff_session_open(&so, &c->session);
    if (!code)
        code = explorer(c->session, o);
    return code ? code : leave_explorer(c, begun);
}
