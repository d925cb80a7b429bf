/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the verbs of a case say of it. */
#include "program/verbs/case_text.h"

#include <math.h>
#include <string.h>

#include "fetafix/command_say.h"

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

void case_say_models(ff_context *c, const ff_snapshot *s)
{
    ff_say(c, "Source  %s  (opset %d%s%s)\n", s->source_path, s->source_opset, *s->source_producer ? ", " : "",
           s->source_producer);
    ff_say(c, "Target  %s  (opset %d%s%s)\n", s->target_path, s->target_opset, *s->target_producer ? ", " : "",
           s->target_producer);
}

void case_say_wrong(ff_context *c, const ff_snapshot *s)
{
    ff_say(c, "%s%d of %d %s (%.2f%%)%s\n", paint(c, s->wrong == 0), s->wrong, s->images, s->wrong_words,
           percent(s->wrong, s->images), plain(c));
}

void case_say_wrong_images(ff_context *c, const ff_snapshot *s)
{
    const ff_table *t = s->images_table;
    for (int i = 0; i < ff_table_rows(t); i++) {
        if (!ff_table_int_at(t, i, "wrong", 0))
            continue;
        if (s->verdicts) {
            ff_say(c, "  %s  score %.6g\n", ff_table_text_at(t, i, "name"),
                   ff_table_real(t, i, ff_table_find(t, "score")));
            continue;
        }
        const char *a = ff_table_text_at(t, i, "source_name"), *b = ff_table_text_at(t, i, "target_name");
        if (is_empty(t, i, "target"))
            ff_say(c, "  %s  source %lld%s%s  target cannot run\n", ff_table_text_at(t, i, "name"),
                   (long long)ff_table_int_at(t, i, "source", 0), *a ? " " : "", a);
        else
            ff_say(c, "  %s  source %lld%s%s  target %lld%s%s\n", ff_table_text_at(t, i, "name"),
                   (long long)ff_table_int_at(t, i, "source", 0), *a ? " " : "", a,
                   (long long)ff_table_int_at(t, i, "target", 0), *b ? " " : "", b);
    }
}

void case_say_groups(ff_context *c, const ff_snapshot *s)
{
    const ff_table *t = s->proposals;
    for (int i = 0; i < ff_table_rows(t); i++) {
        if (strncmp(ff_table_text_at(t, i, "id"), "group:", 6) == 0)
            ff_say(c, "  %s: %s\n", ff_table_text_at(t, i, "id"), ff_table_text_at(t, i, "summary"));
    }
}

/* The first of a list of labels, and how many more there are. */
static void say_labels(ff_context *c, const char *side, const char *labels)
{
    int n = *labels != '\0';
    for (const char *p = labels; *p; p++)
        n += *p == '\n';
    if (n > 0)
        ff_say(c, "  %s %.*s", side, (int)strcspn(labels, "\n"), labels);
    if (n > 1)
        ff_say(c, " and %d more", n - 1);
}

static void say_equivalences(ff_context *c, const ff_table *t)
{
    for (int i = 0; i < ff_table_rows(t); i++) {
        double deviation = ff_table_real(t, i, ff_table_find(t, "deviation"));
        ff_say(c, "  =    %s: %s", ff_table_text_at(t, i, "rule"), ff_table_text_at(t, i, "meaning"));
        say_labels(c, "Source", ff_table_text_at(t, i, "source_nodes"));
        say_labels(c, "Target", ff_table_text_at(t, i, "target_nodes"));
        if (deviation > 0)
            ff_say(c, "  (within %.2g)", deviation);
        ff_say(c, "\n");
    }
}

void case_say_divergence(ff_context *c, const ff_snapshot *s)
{
    if (s->divergence)
        ff_say(c, "the models part %s (found in %d runs)\n", s->divergence, s->divergence_runs);
}

void case_say_faults(ff_context *c, const ff_snapshot *s, bool with_status)
{
    const ff_table *t = s->findings;
    int n = ff_table_rows(t), same = ff_table_rows(s->equivalences);
    ff_say(c, "%d fault%s, %d equivalent rewrite%s\n", n, n == 1 ? "" : "s", same, same == 1 ? "" : "s");
    for (int i = 0; i < n; i++) {
        const char *status = ff_table_text_at(t, i, "status");
        if (with_status)
            ff_say(c, "  %-3s  %-11s  %-9s  %s\n", ff_table_text_at(t, i, "type"), status,
                   ff_table_int_at(t, i, "essential", 0) ? "essential" : "", ff_table_text_at(t, i, "summary"));
        else
            ff_say(c, "  %-3s  %s\n", ff_table_text_at(t, i, "type"), ff_table_text_at(t, i, "summary"));
        if (c->verbose)
            ff_say(c, "       %s\n", ff_table_text_at(t, i, "explanation"));
    }
    if (c->verbose || (c->options && c->options->equivalences))
        say_equivalences(c, s->equivalences);
}

static void say_real(ff_context *c, const ff_table *t, int row, const char *column)
{
    if (is_empty(t, row, column))
        ff_say(c, "  %9s", "-");
    else
        ff_say(c, "  %9.4g", ff_table_real(t, row, ff_table_find(t, column)));
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
    ff_say(c, "  %-8s  ", column);
    for (int i = 0; i < width; i++)
        ff_say(c, "%s",
               isnan(cells[i]) ? "\xc2\xb7" /* other dims: no measure */
               : most > 0      ? bars[(int)(7 * cells[i] / most + (cells[i] > 0 ? 0.5 : 0))]
                               : bars[0]);
    ff_say(c, "  to %.3g\n", most);
}

void case_say_curves(ff_context *c, const ff_table *t)
{
    if (ff_table_rows(t) < 2)
        return;
    ff_say(c, "error along the network, layers 1 to %d\n", ff_table_rows(t));
    say_curve(c, t, "entire");
    say_curve(c, t, "isolated");
}

static int row_of_rank(const ff_table *t, int rank)
{
    for (int i = 0; i < ff_table_rows(t); i++) {
        if (ff_table_int_at(t, i, "rank", 0) == rank)
            return i;
    }
    return -1;
}

void case_say_layers(ff_context *c, const ff_snapshot *s)
{
    const ff_table *t = s->layers;
    int n = ff_table_rows(t), shown = c->verbose ? n : n < 10 ? n : 10;
    if (!n)
        return;
    ff_say(c, "most suspicious layers%s\n", shown < n ? " (ten; --verbose shows all)" : "");
    ff_say(c, "  rank  layer  %9s  %9s  %9s  %9s  %9s  node\n", "isolated", "causal", "entire", "kw", "effect");
    for (int rank = 1; rank <= shown; rank++) {
        int i = row_of_rank(t, rank);
        if (i < 0)
            break;
        ff_say(c, "  %4d  %5lld", rank, (long long)ff_table_int_at(t, i, "layer", 0));
        say_real(c, t, i, "isolated");
        say_real(c, t, i, "causal");
        say_real(c, t, i, "entire");
        say_real(c, t, i, "kw");
        say_real(c, t, i, "effect");
        const char *note = ff_table_text_at(t, i, "note");
        ff_say(c, "  %s%s%s\n", ff_table_text_at(t, i, "source"), *note ? "  " : "", note);
    }
}

void case_say_validation(ff_context *c, const ff_snapshot *s)
{
    if (s->validation_images < 0)
        return;
    ff_say(c, "validation: %d of %d %s, %d at first, %d got worse\n", s->validation_wrong, s->validation_images,
           s->wrong_words, s->validation_initial, s->validation_regressed);
    if (s->validation_labelled)
        ff_say(c, "accuracy on %d of them: Source %.2f%%, Target %.2f%% at first, %.2f%% now\n", s->validation_labelled,
               percent(s->validation_source_right, s->validation_labelled),
               percent(s->validation_initial_right, s->validation_labelled),
               percent(s->validation_right, s->validation_labelled));
    if (s->validation_harm)
        ff_say(c, "%s%s%s\n", paint(c, false), s->validation_harm, plain(c));
}

static int accepted_steps(const ff_snapshot *s)
{
    for (int i = 0; i < ff_table_rows(s->states); i++) {
        if (ff_table_int_at(s->states, i, "current", 0))
            return (int)ff_table_int_at(s->states, i, "step", 0);
    }
    return 0;
}

void case_say_repair(ff_context *c)
{
    const ff_snapshot *s = ff_session_snapshot(c->session);
    int steps = accepted_steps(s);
    case_say_models(c, s);
    ff_say(c, "%swrong %d -> %d of %d %s (%.2f%% -> %.2f%%) in %d step%s%s\n", paint(c, s->wrong == 0), s->initial,
           s->wrong, s->images, s->arrays ? "samples" : "images", percent(s->initial, s->images),
           percent(s->wrong, s->images), steps, steps == 1 ? "" : "s", plain(c));
    case_say_faults(c, s, true);
    if (s->target_pre_repaired)
        ff_say(c, "the Target wants this preprocessing:\n  %s\n", s->target_pre_repaired);
    if (s->timed_out)
        ff_say(c, "the time limit was reached before the search came to its end\n");
    case_say_validation(c, s);
    ff_snapshot_unref(s);
}
