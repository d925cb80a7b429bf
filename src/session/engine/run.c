/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What each job does: a function a job, from its request to the part of the case that does it. */
#include "session/engine/engine.h"
#include "session/engine/job_list.h"

/* ------------------------------------------------------------------------------------ the search */

static int run_load(ff_session *s, const ff_request *r)
{
    (void)r;
    return case_stage_loaded(s->c->stage) ? FF_OK : case_load(s->c);
}

static int run_localize(ff_session *s, const ff_request *r)
{
    (void)r;
    return case_localize(s->c);
}

static int run_evaluate(ff_session *s, const ff_request *r)
{
    return case_evaluate(s->c, r->id ? r->id : "");
}

static int run_accept(ff_session *s, const ff_request *r)
{
    return case_accept(s->c, r->id, r->force);
}

static int run_reject(ff_session *s, const ff_request *r)
{
    return case_reject(s->c, r->id);
}

static int run_split(ff_session *s, const ff_request *r)
{
    return case_split(s->c, r->id);
}

static int run_step(ff_session *s, const ff_request *r)
{
    (void)r;
    return case_step(s->c);
}

static int run_repair(ff_session *s, const ff_request *r)
{
    (void)r;
    return case_repair(s->c);
}

static int run_pre_into_graph(ff_session *s, const ff_request *r)
{
    (void)r;
    return case_pre_into_graph(s->c);
}

static int run_pin(ff_session *s, const ff_request *r)
{
    return case_pin(s->c, r->kind, r->id ? r->id : "", r->target ? r->target : "");
}

/* ------------------------------------------------------------------------------------- the history */

static int run_undo(ff_session *s, const ff_request *r)
{
    (void)r;
    return case_undo(s->c);
}

static int run_redo(ff_session *s, const ff_request *r)
{
    return case_redo(s->c, r->number);
}

static int run_goto(ff_session *s, const ff_request *r)
{
    return case_goto(s->c, r->number);
}

static int run_what_if(ff_session *s, const ff_request *r)
{
    return case_what_if(s->c, r->number, r->id);
}

static int run_keep(ff_session *s, const ff_request *r)
{
    (void)r;
    return case_keep(s->c);
}

static int run_drop(ff_session *s, const ff_request *r)
{
    (void)r;
    return case_drop(s->c);
}

/* ------------------------------------------------------------------------------------------- files */

static int run_save(ff_session *s, const ff_request *r)
{
    ff_case *c = s->c;
    if (!r->path || !*r->path)
        return ff_fail(FF_ERR_USAGE, "save needs a file name");
    if (!c->history.n_states)
        return ff_fail(FF_ERR_USAGE, "nothing is loaded that could be saved");
    ff_model *m;
    int code = case_state_model(c, c->history.current, &m);
    if (!code)
        code = ff_model_save(m, r->path, r->force);
    if (!code)
        case_note(c, "saved '%s'", r->path);
    return code;
}

static int run_export(ff_session *s, const ff_request *r)
{
    return case_export_patch(s->c, r->path, r->force);
}

static int run_export_script(ff_session *s, const ff_request *r)
{
    return case_export_script(s->c, r->path, r->force);
}

static int run_repro(ff_session *s, const ff_request *r)
{
    return case_repro(s->c, r->path, r->id, r->force);
}

static int run_labels(ff_session *s, const ff_request *r)
{
    const ff_case *c = s->c;
    if (!case_stage_loaded(c->stage))
        return ff_fail(FF_ERR_USAGE, "nothing is loaded");
    if (!r->path || !*r->path)
        return ff_fail(FF_ERR_USAGE, "labels needs a file name");
    return ff_labels_write_csv(c->set, c->source_labels, c->history.states[c->history.current].labels, r->path,
                               r->force);
}

/* ------------------------------------------------------------------------------------------- looks */

static int run_detail(ff_session *s, const ff_request *r)
{
    const ff_detail *d;
    int code = case_detail(s->c, r->number < 0 || r->number > INT32_MAX ? -1 : (int)r->number, &d);
    if (code)
        return code;
    s->detail_state = s->c->localizations;
    engine_set_detail(s, d);
    engine_publish(s, true);
    return FF_OK;
}

static int run_picture(ff_session *s, const ff_request *r)
{
    const ff_picture *p;
    int code = case_picture(s->c, r->number, r->other, &p);
    if (code)
        return code;
    s->picture_state = s->c->localizations;
    engine_set_picture(s, p);
    return FF_OK;
}

static int run_compare(ff_session *s, const ff_request *r)
{
    const ff_comparison *made;
    int code = case_compare(s->c, r->number, r->other, &made);
    if (!code)
        engine_set_comparison(s, made);
    return code;
}

static int run_measure(ff_session *s, const ff_request *r)
{
    return case_measure(s->c, r->number != 0);
}

static int run_bisect(ff_session *s, const ff_request *r)
{
    (void)r;
    return case_bisect(s->c);
}

static int run_validate(ff_session *s, const ff_request *r)
{
    (void)r;
    return case_validate(s->c);
}

static int run_errand(ff_session *s, const ff_request *r)
{
    return engine_run_errand(s, r->errand);
}

int engine_run(ff_session *s, const ff_request *r)
{
#define FUNCTION(kind, function, ...) [FF_JOB_##kind] = (function),
    static int (*const functions[FF_JOB_KINDS])(ff_session *, const ff_request *) = {FF_JOB_ROWS(FUNCTION)};
    if ((int)r->kind < 0 || r->kind >= FF_JOB_KINDS)
        return ff_fail(FF_ERR_USAGE, "there is no such job");
    return functions[r->kind](s, r);
}
