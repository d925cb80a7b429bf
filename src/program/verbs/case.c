/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare, localize, repair, explore: a case from the shell, from loading to the exit code. */
#include <stdlib.h>
#include <string.h>

#include "fetafix/command_job.h"
#include "fetafix/command_say.h"
#include "program/batch.h"
#include "program/gate.h"
#include "program/verbs.h"
#include "program/verbs/case_text.h"
#include "program/verbs/rank.h"

static int write_results(ff_context *c, int64_t begun)
{
    const ff_options *o = c->options;
    int code = FF_OK;
    if (o->json) {
        const ff_snapshot *s = ff_session_snapshot(c->session);
        ff_buf b = {0};
        b.data = ff_report_json(s, &o->session, o->timing ? (double)(ff_now_ns() - begun) * 1e-9 : -1);
        b.len = strlen(b.data);
        code = write_text(c, o->json, &b, o->force);
        ff_buf_finish(&b);
        ff_snapshot_unref(s);
    }
    if (!code && o->report) {
        const ff_snapshot *s = ff_session_snapshot(c->session);
        ff_buf b = {0};
        ff_report_page(s, &o->session, &b);
        code = write_text(c, o->report, &b, o->force);
        ff_buf_finish(&b);
        ff_snapshot_unref(s);
    }
    if (!code && o->labels_csv)
        code = ff_run_job(c, &(ff_request){.kind = FF_JOB_LABELS, .path = o->labels_csv, .force = o->force});
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
    int code = ff_run_job(c, &(ff_request){.kind = FF_JOB_LOCALIZE});
    if (code || !o->repro)
        return code;
    int64_t job = ff_session_post(c->session, &(ff_request){.kind = FF_JOB_REPRO, .path = o->repro, .force = o->force});
    return speaks(c) ? ff_wait_saying(c, job) : ff_wait(c, job);
}

static int validate(ff_context *c)
{
    return c->options->session.validate ? ff_run_job(c, &(ff_request){.kind = FF_JOB_VALIDATE}) : FF_OK;
}

static int verdict(ff_context *c)
{
    const ff_snapshot *s = ff_session_snapshot(c->session);
    int wrong = s->wrong, images = s->images;
    ff_snapshot_unref(s);
    return gate_code(c, wrong, images);
}

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
        case_say_models(c, s);
        case_say_wrong(c, s);
        if (c->verbose)
            case_say_wrong_images(c, s);
        case_say_validation(c, s);
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
        case_say_models(c, s);
        case_say_wrong(c, s);
        case_say_faults(c, s, false);
        case_say_groups(c, s);
        case_say_divergence(c, s);
        case_say_curves(c, s->layers);
        case_say_layers(c, s);
        case_say_validation(c, s);
        ff_snapshot_unref(s);
    }
    if (!code)
        code = write_results(c, begun);
    return code ? code : verdict(c);
}

int verb_repair(ff_context *c, int argc, char **argv)
{
    const ff_options *o = c->options;
    int64_t begun = ff_now_ns();
    int code = batch_open(c, false, argc, argv);
    if (!code)
        code = localize(c);
    if (!code)
        code = ff_run_job(c, &(ff_request){.kind = FF_JOB_REPAIR});
    int into_graph = FF_OK;
    char *why = NULL;
    if (!code && o->pre_into_graph && (into_graph = ff_run_job(c, &(ff_request){.kind = FF_JOB_PRE_INTO_GRAPH})))
        why = ff_strdup(ff_error());
    if (into_graph && into_graph != FF_ERR_USAGE && into_graph != FF_ERR_GRAPH)
        code = into_graph;
    if (!code)
        code = validate(c);
    if (!code && o->output)
        code = ff_run_job(c, &(ff_request){.kind = FF_JOB_SAVE, .path = o->output, .force = o->force});
    if (!code && o->patch)
        code = ff_run_job(c, &(ff_request){.kind = FF_JOB_EXPORT, .path = o->patch, .force = o->force});
    if (!code)
        code = write_results(c, begun);
    if (!code && speaks(c)) {
        case_say_repair(c);
        if (o->output)
            ff_say(c, "saved %s\n", o->output);
    }
    /* The repair stands, and is written: what is wanted on top of it could not be done. */
    if (!code && into_graph)
        code = ff_fail(into_graph, "--pre-into-graph: %s", why);
    free(why);
    if (code == FF_ERR_CANCELLED && o->session.path)
        ff_note(c, "what was decided so far is in '%s'; the same command goes on from there", o->session.path);
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
    ff_interrupt_watch(c->session);
    int code = ff_run_job(c, &(ff_request){.kind = FF_JOB_LOAD}); /* done when the engine rests */
    o.force = true;
    if (!code && o.output && !edited)
        ff_note(c, "'%s' is not written: nothing was repaired", o.output);
    else if (!code && o.output)
        code = ff_run_job(c, &(ff_request){.kind = FF_JOB_SAVE, .path = o.output, .force = true});
    const ff_options *given = c->options;
    c->options = &o;
    if (!code)
        code = write_results(c, begun);
    c->options = given;
    return code ? code : verdict(c);
}

/* With a terminal the explorer, which does its own waiting; without one what `repair` does. */
int verb_explore(ff_context *c, int argc, char **argv)
{
    const ff_options *o = c->options;
    if (!batch_has_screen(c))
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
        code = c->explore(c->session, o);
    return code ? code : leave_explorer(c, begun);
}
