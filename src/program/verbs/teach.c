/* SPDX-License-Identifier: GPL-3.0-or-later */
/* teach: a lesson from its first line to the repaired sample. In the explorer where there is a terminal
 * for it, else as lines. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fetafix/command_job.h"
#include "fetafix/command_say.h"
#include "program/batch.h"
#include "program/repl.h"
#include "program/verbs.h"

/* ---------------------------------------------------------------------------------- the list */

typedef struct listing {
    ff_context *c;
    char *broken; /* what was wrong with the first file that is no lesson */
} listing;

static int take_title(void *context, const char *name, const char *path)
{
    listing *l = context;
    ff_lesson *lesson = NULL;
    char *shown = ff_visible(name);
    if (ff_lesson_load(path, &lesson) == FF_OK)
        ff_say(l->c, "%-16s %s\n", shown, lesson->title);
    else if (l->broken)
        ff_note(l->c, "%s", ff_error());
    else
        l->broken = ff_strdup(ff_error());
    ff_lesson_destroy(lesson);
    free(shown);
    return FF_OK;
}

/* A file that is no lesson does not hide the others. */
static int list_lessons(ff_context *c)
{
    listing l = {.c = c};
    int code = ff_lesson_list(take_title, &l);
    if (!code && l.broken)
        code = ff_fail(FF_ERR_INPUT, "%s", l.broken);
    else if (!code)
        ff_note(c, "begin with one, as: fetafix teach weights");
    free(l.broken);
    return code;
}

/* ------------------------------------------------------------------------------ the commands */

static int need_lesson(const ff_context *c)
{
    return c->lesson ? FF_OK : ff_fail(FF_ERR_USAGE, "no lesson is held; `fetafix teach` in a shell lists them");
}

/* The explorer shows the lesson in a view of its own. */
static bool shown_in_view(ff_context *c)
{
    char view[] = "view", lesson[] = "lesson", *words[] = {view, lesson};
    return c->view && c->view(c->sink, 2, words);
}

static void say_explanation(ff_context *c)
{
    ff_say(c, "\n");
    ff_say_paragraphs(c, c->lesson->explain);
    ff_say(c, "\n");
    ff_say_paragraphs(c, "`repair` repairs it, `status` says where things stand, `quit` ends the lesson.");
}

int prompt_answer(ff_context *c, int argc, char **argv)
{
    ff_buf words = {0}, reply = {0};
    int code = need_lesson(c);
    if (!code && argc < 2)
        code = ff_fail(FF_ERR_USAGE, "answer with a few words, as: answer WB in L3");
    if (code)
        return code;
    for (int i = 1; i < argc; i++)
        ff_buf_printf(&words, "%s%s", i > 1 ? " " : "", argv[i]);
    const ff_snapshot *s = ff_session_snapshot(c->session);
    code = ff_lesson_check(c->lesson, s->pairs, words.data, &reply);
    ff_snapshot_unref(s);
    if (!code && !shown_in_view(c)) {
        ff_say_paragraphs(c, reply.data);
        if (ff_lesson_done(c->lesson))
            say_explanation(c);
    }
    ff_buf_finish(&reply);
    ff_buf_finish(&words);
    return code;
}

int prompt_hint(ff_context *c, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    ff_buf reply = {0};
    int code = need_lesson(c);
    if (code)
        return code;
    ff_lesson_hint(c->lesson, &reply);
    if (!shown_in_view(c))
        ff_say_paragraphs(c, reply.data);
    ff_buf_finish(&reply);
    return FF_OK;
}

int prompt_lesson(ff_context *c, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    int code = need_lesson(c);
    if (code || shown_in_view(c))
        return code;
    const ff_lesson *l = c->lesson;
    ff_say_paragraphs(c, l->title);
    ff_say(c, "\n");
    ff_say_paragraphs(c, l->look);
    ff_say(c, "\n");
    ff_say_paragraphs(c, l->question);
    ff_say(c, "(answer WORDS; hint; lesson shows this again; help lists all commands)\n\n");
    return FF_OK;
}

/* -------------------------------------------------------------------------------- the lesson */

/* The sample's files, opened as its case.json says. */
typedef struct sample {
    char *source, *target, *images, *labels, *notes;
    json_t *known;
} sample;

static int sample_init(const ff_lesson *l, const ff_options *o, sample *m, ff_session_options *so)
{
    *m = (sample){
        .source = ff_lesson_sample_file(l, "source.onnx"),
        .target = ff_lesson_sample_file(l, "target.onnx"),
        .images = ff_lesson_sample_file(l, "images.txt"),
        .labels = ff_lesson_sample_file(l, "labels.txt"),
        .notes = ff_lesson_sample_file(l, "case.json"),
    };
    *so = o->session;
    so->source = m->source;
    so->target = m->target;
    so->images = m->images;
    so->labels = access(m->labels, R_OK) == 0 ? m->labels : NULL;
    if (access(m->source, F_OK) != 0)
        return ff_fail(FF_ERR_INPUT, "'%s': the lesson's sample '%s' is not there", m->source, l->sample);
    if (access(m->notes, F_OK) == 0) {
        json_error_t why;
        m->known = json_load_file(m->notes, JSON_REJECT_DUPLICATES, &why);
        if (!m->known)
            return ff_fail(FF_ERR_INPUT, "%s:%d: %s", m->notes, why.line, why.text);
        so->source_pre = json_string_value(json_object_get(m->known, "source_preprocessing"));
        so->target_pre = json_string_value(json_object_get(m->known, "target_preprocessing"));
    }
    return FF_OK;
}

static void sample_finish(sample *m)
{
    json_decref(m->known);
    free(m->source);
    free(m->target);
    free(m->images);
    free(m->labels);
    free(m->notes);
}

/* As lines: everything is loaded and compared before the reader types. */
static int teach_lines(ff_context *c, const ff_session_options *so)
{
    int code = ff_session_open(so, &c->session);
    if (code)
        return code;
    ff_interrupt_watch(c->session);
    code = ff_wait(c, 1);
    if (!code)
        code = ff_run_job(c, &(ff_request){.kind = FF_JOB_LOCALIZE});
    if (!code && !(code = prompt_lesson(c, 1, NULL)))
        code = repl_lines(c, "lesson> ");
    code = code > 0 ? FF_OK : code; /* a wrong answer is no failure */
    if (!code && atomic_load(&ff_interrupted.set))
        code = ff_fail(FF_ERR_CANCELLED, "interrupted");
    return code;
}

static int teach_screen(ff_context *c, const ff_session_options *so)
{
    ff_options o = *c->options;
    o.lesson = c->lesson;
    int code = ff_session_open(so, &c->session);
    return code ? code : c->explore(c->session, &o);
}

int verb_teach(ff_context *c, int argc, char **argv)
{
    char *path = NULL;
    ff_lesson *lesson = NULL;
    ff_session_options so;
    sample m = {0};
    if (argc == 0)
        return list_lessons(c);
    int code = ff_lesson_find(argv[0], &path);
    if (!code)
        code = ff_lesson_load(path, &lesson);
    if (!code && !(code = sample_init(lesson, c->options, &m, &so))) {
        c->lesson = lesson;
        code = batch_has_screen(c) ? teach_screen(c, &so) : teach_lines(c, &so);
        if (!code && !ff_lesson_done(lesson))
            ff_note(c, "the question is still open");
        batch_close(c); /* the engine reads the sample's names until it ends */
        c->lesson = NULL;
    }
    sample_finish(&m);
    ff_lesson_destroy(lesson);
    free(path);
    return code;
}
