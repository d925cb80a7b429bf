/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Images that no decision looks at: does the repair hold beyond those it was made with? Where it is written what is in
 * them, also how often each model is right. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "session/case/case.h"

static bool wrong_at(const ff_labels *source, const ff_labels *target, int offset, int i)
{
    return ff_label_wrong(&source->at[i], &target->at[i], offset);
}

static int count_wrong(const ff_case *c, const ff_labels *l)
{
    int n = 0;
    for (int i = 0; i < l->count; i++)
        n += wrong_at(c->validation.source, l, c->offset, i);
    return n;
}

/* With verdicts where it is a Target: the Source is there by then. */
static int label(ff_case *c, ff_model *m, const char *output, const ff_pre *pre, ff_labels **out)
{
    uint64_t memory = ff_session_memory(&c->options) / 8;
    if (!c->validation.kept)
        c->validation.kept = ff_store_create(memory);
    int code =
        ff_label_model(m, ff_comparator_output(c->comparator, output), pre, c->validation.set, c->options.reference,
                       memory, c->validation.kept, ff_comparator_keep(c->comparator, FF_KEEP_NOTHING), &c->task, out);
    return code || !c->validation.source ? code
                                         : ff_labels_compare(c->comparator, c->validation.set, c->validation.source,
                                                             *out, c->offset, NULL, 0, &c->task);
}

/* ------------------------------------------------------------------------------------- ground truth */

/* A class is a number, or a name out of --labels, counted as the Source counts. *out NULL: none is given. */
static int read_truth(ff_case *c, int **out)
{
    int count = ff_dataset_count(c->validation.set), given = 0;
    int *truth = ff_alloc_array((size_t)count + 1, sizeof *truth);
    for (int i = 0; i < count; i++) {
        const char *word = ff_dataset_truth(c->validation.set, i);
        int64_t number;
        truth[i] = -1;
        if (!word)
            continue;
        given++;
        if (ff_parse_int(word, &number) && number >= 0 && number <= INT_MAX)
            truth[i] = (int)number;
        else if ((truth[i] = ff_names_find(c->names, word)) < 0) {
            free(truth);
            return ff_fail(FF_ERR_INPUT, "--validate: '%s' is said to be '%s', which is no number%s",
                           ff_dataset_name(c->validation.set, i), word,
                           c->names ? " and no class of --labels" : "; --labels FILE names the classes");
        }
    }
    c->validation.labelled = given;
    if (!given) {
        free(truth);
        truth = NULL;
    }
    *out = truth;
    return FF_OK;
}

static int count_right(const int *truth, const ff_labels *l, int offset)
{
    int n = 0;
    for (int i = 0; truth && i < l->count; i++)
        n += truth[i] >= 0 && l->at[i].top[0] >= 0 && l->at[i].top[0] + offset == truth[i];
    return n;
}

/* --------------------------------------------------------------------------------------------- harm */

/* Which step of the way did most of it? *state -1: none raised the count by itself. */
static int worst_step(ff_case *c, int64_t *state, int *before, int *after)
{
    int n = c->history.states[c->history.current].depth + 1, last = count_wrong(c, c->validation.first), code = FF_OK;
    int64_t *way = ff_alloc_array((size_t)n, sizeof *way);
    case_path(c, c->history.current, way, n);
    *state = -1;
    *before = *after = 0;
    for (int i = 1; i < n && !code; i++) {
        ff_model *m;
        ff_labels *l = NULL;
        code = case_state_model(c, way[i], &m);
        if (!code)
            code = label(c, m, c->options.target_output, &c->history.states[way[i]].pre, &l);
        if (!code) {
            int now = count_wrong(c, l);
            if (now - last > *after - *before) {
                *state = way[i];
                *before = last;
                *after = now;
            }
            last = now;
        }
        ff_labels_destroy(l);
    }
    free(way);
    return code;
}

/* What helps the images that decide and harms the others is fitted to those. */
static int look_for_harm(ff_case *c)
{
    free(c->validation.harm);
    c->validation.harm = NULL;
    bool more_wrong = c->validation.wrong > c->validation.initial;
    bool less_right = c->validation.right < c->validation.initial_right;
    if (!more_wrong && !less_right)
        return FF_OK;
    int64_t state;
    int before, after, code = worst_step(c, &state, &before, &after);
    if (code)
        return code;
    ff_buf b = {0};
    ff_buf_printf(&b, "the repair leaves %d wrong of %d on the images and harms the validation images: ",
                  c->history.states[c->history.current].wrong, c->history.states[0].wrong);
    if (more_wrong)
        ff_buf_printf(&b, "%d wrong, %d at first", c->validation.wrong, c->validation.initial);
    else
        ff_buf_printf(&b, "%d right, %d at first", c->validation.right, c->validation.initial_right);
    if (state > 0)
        ff_buf_printf(&b, "; most by step %d (%d -> %d wrong): %s", c->history.states[state].depth, before, after,
                      c->history.states[state].summary);
    c->validation.harm = ff_buf_steal(&b);
    case_note(c, "%s", c->validation.harm);
    c->announce(c->context, c->validation.harm);
    return FF_OK;
}

/* ------------------------------------------------------------------------------------------ validate */

static void count(ff_case *c, const ff_labels *present, const int *truth)
{
    ff_buf names = {0};
    c->validation.regressed = 0;
    for (int i = 0; i < present->count; i++) {
        if (wrong_at(c->validation.source, c->validation.first, c->offset, i) ||
            !wrong_at(c->validation.source, present, c->offset, i))
            continue;
        c->validation.regressed++;
        ff_buf_printf(&names, "%s%s", names.len ? "\n" : "", ff_dataset_name(c->validation.set, i));
    }
    free(c->validation.names);
    c->validation.names = ff_buf_steal(&names);
    c->validation.initial = count_wrong(c, c->validation.first);
    c->validation.wrong = count_wrong(c, present);
    c->validation.source_right = count_right(truth, c->validation.source, 0);
    c->validation.initial_right = count_right(truth, c->validation.first, c->offset);
    c->validation.right = count_right(truth, present, c->offset);
    c->validation.images = present->count;
}

int case_validate(ff_case *c)
{
    if (!c->validation.set)
        return ff_fail(FF_ERR_USAGE, "no validation images are given (--validate DIR|LIST)");
    if (!case_stage_loaded(c->stage))
        return ff_fail(FF_ERR_USAGE, "nothing is loaded");
    if (c->validation.state == c->history.current)
        return FF_OK;
    const ff_session_options *o = &c->options;
    ff_model *m;
    ff_labels *now = NULL;
    int *truth = NULL, code = read_truth(c, &truth);
    if (code)
        return code;
    if (!c->validation.source)
        code = label(c, c->source, o->source_output, &c->source_pre, &c->validation.source);
    if (!code && !c->validation.first)
        code = label(c, c->target, o->target_output, &c->target_pre, &c->validation.first);
    if (!code)
        code = case_state_model(c, c->history.current, &m);
    if (!code && c->history.current != 0)
        code = label(c, m, o->target_output, &c->history.states[c->history.current].pre, &now);
    if (!code) {
        count(c, now ? now : c->validation.first, truth);
        case_note(c, "validation: %d of %d wrong, %d at first, %d got worse", c->validation.wrong, c->validation.images,
                  c->validation.initial, c->validation.regressed);
        code = look_for_harm(c);
    }
    if (!code) {
        c->validation.state = c->history.current;
        c->publish(c->context, true);
    }
    free(truth);
    ff_labels_destroy(now);
    return code;
}
