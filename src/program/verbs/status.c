/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `status`: where the case stands, in words or as a row. */
#include "program/verbs/status.h"

#include <math.h>
#include <string.h>

#include "fetafix/command_job.h"
#include "fetafix/command_say.h"
#include "program/verbs.h"

void say_validation(ff_context *c)
{
    const ff_snapshot *s = ff_session_snapshot(c->session);
    if (s->validation_images >= 0 && s->validation_wrong >= 0)
        ff_say(c, "validation: %d of %d labels differ, %d at first\n", s->validation_wrong, s->validation_images,
               s->validation_initial);
    ff_snapshot_unref(s);
}

/* What the engine is at; NULL: nothing. */
static const char *work_of(ff_context *c)
{
    ff_job_kind kind;
    if (!ff_session_running(c->session, &kind))
        return NULL;
    const char *stage = atomic_load(&ff_session_progress(c->session)->stage);
    return stage ? stage : ff_job_name(kind);
}

static void say_status(ff_context *c, const ff_snapshot *s)
{
    const char *work = work_of(c);
    ff_say(c, "state %lld: %d of %d %s, %d at first", (long long)s->state, s->wrong, s->images, s->wrong_words,
           s->initial);
    if (isfinite(s->distance))
        ff_say(c, ", distance %.3g", s->distance);
    ff_say(c, "\nSource takes  %s  (%s)\n", s->source_pre, s->source_pre_why);
    ff_say(c, "Target takes  %s  (%s)\n", s->target_pre_repaired ? s->target_pre_repaired : s->target_pre,
           s->target_pre_repaired ? "repaired" : s->target_pre_why);
    if (s->next && ff_lesson_done(c->lesson))
        ff_say(c, "next: %s\n", s->next);
    else if (s->searched)
        ff_say(c, "the search came to its end\n");
    say_validation(c);
    if (work)
        ff_say(c, "the engine works: %s\n", work);
}

static const ff_column status_columns[] = {
    {"state", FF_COL_INT, "present state of the history"},
    {"images", FF_COL_INT, "images that are compared"},
    {"initial", FF_COL_INT, "how many of them were wrong at first"},
    {"wrong", FF_COL_INT, "how many are now"},
    {"distance", FF_COL_REAL, "mean relative distance of the outputs"},
    {"source_pre", FF_COL_TEXT, "what the Source takes"},
    {"target_pre", FF_COL_TEXT, "what the Target takes, after its repair"},
    {"localized", FF_COL_BOOL, "findings and scores are known"},
    {"searched", FF_COL_BOOL, "the search came to its end"},
    {"next", FF_COL_TEXT, "the repair that is tried next"},
    {"validation_images", FF_COL_INT, "independent images"},
    {"validation_wrong", FF_COL_INT, "how many of them are wrong now"},
    {"work", FF_COL_TEXT, "what the engine is at"},
};

static void print_status(ff_context *c, const ff_snapshot *s)
{
    ff_table *t = ff_table_create("status", status_columns, FF_COUNT(status_columns));
    int row = ff_table_add_row(t);
    ff_table_set_int(t, row, "state", s->state);
    ff_table_set_int(t, row, "images", s->images);
    ff_table_set_int(t, row, "initial", s->initial);
    ff_table_set_int(t, row, "wrong", s->wrong);
    ff_table_set_real(t, row, "distance", s->distance);
    ff_table_set_text(t, row, "source_pre", s->source_pre);
    ff_table_set_text(t, row, "target_pre", s->target_pre_repaired ? s->target_pre_repaired : s->target_pre);
    ff_table_set_bool(t, row, "localized", s->localized);
    ff_table_set_bool(t, row, "searched", s->searched);
    ff_table_set_text(t, row, "next", ff_lesson_done(c->lesson) ? s->next : NULL);
    if (s->validation_images >= 0 && s->validation_wrong >= 0) {
        ff_table_set_int(t, row, "validation_images", s->validation_images);
        ff_table_set_int(t, row, "validation_wrong", s->validation_wrong);
    }
    ff_table_set_text(t, row, "work", work_of(c));
    ff_show_table(c, t, NULL);
    ff_table_unref(t);
}

int prompt_status(ff_context *c, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    int code = ff_need_session(c);
    if (code)
        return code;
    const ff_snapshot *s = ff_session_snapshot(c->session);
    (c->format == FF_FORMAT_TEXT ? say_status : print_status)(c, s);
    ff_snapshot_unref(s);
    return FF_OK;
}
