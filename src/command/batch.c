/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/batch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fetafix/model.h"

/* --------------------------------------------------------------------------------- interruption */

ff_cancel interrupted;
_Atomic int interrupt_signal;
static _Atomic(ff_session *) watched;

static void on_signal(int number)
{
    atomic_store(&interrupt_signal, number);
    atomic_store(&interrupted.set, true);
    ff_session *s = atomic_load(&watched);
    if (s)
        ff_session_cancel(s, true);
}

void interrupt_install(void)
{
    struct sigaction a = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&a.sa_mask);
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
    /* A reader that goes away (`| head`) is no failure. */
    signal(SIGPIPE, SIG_IGN);
}

void interrupt_watch(ff_session *s)
{
    atomic_store(&watched, s);
}

/* ---------------------------------------------------------------------------------------- output
 */

static void format_line(void (*out)(void *, const char *), void *sink, const char *format, va_list args)
{
    ff_buf b = {0};
    ff_buf_vprintf(&b, format, args);
    out(sink, b.data ? b.data : "");
    ff_buf_finish(&b);
}

void say(ff_context *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    format_line(c->print, c->sink, format, args);
    va_end(args);
}

void say_paragraphs(ff_context *c, const char *text)
{
    enum { WIDTH = 78 };
    while (*text) {
        size_t n = strcspn(text, "\n"), fits = n;
        char *line = ff_strndup(text, n);
        if (*line != ' ' && *line != '\t') {
            fits = ff_display_prefix(line, WIDTH, &(int){0});
            if (line[fits]) {
                size_t blank = fits;
                while (blank && line[blank] != ' ')
                    blank--;
                fits = blank ? blank : fits ? fits : n;
            }
        }
        say(c, "%.*s\n", (int)fits, line);
        free(line);
        text += fits;
        if (fits < n)
            text += strspn(text, " ");
        else
            text += *text == '\n';
    }
}

void note(ff_context *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (!c->quiet)
        format_line(c->note, c->sink, format, args);
    va_end(args);
}

int write_text(ff_context *c, const char *path, const ff_buf *text, bool force)
{
    if (strcmp(path, "-") == 0) {
        c->print(c->sink, text->data ? text->data : "");
        return FF_OK;
    }
    return ff_write_file(path, text->data, text->len, force);
}

static int check_output(const char *path, bool force)
{
    struct stat info;
    if (!path || strcmp(path, "-") == 0)
        return FF_OK;
    if (stat(path, &info) == 0) {
        if (S_ISDIR(info.st_mode))
            return ff_fail(FF_ERR_USAGE, "'%s' is a folder", path);
        return force ? FF_OK : ff_fail(FF_ERR_USAGE, "'%s' exists; --force overwrites it", path);
    }
    char *folder = ff_path_dirname(path);
    int code =
        access(folder, W_OK) ? ff_fail(FF_ERR_USAGE, "'%s' cannot be written: %s", path, strerror(errno)) : FF_OK;
    free(folder);
    return code;
}

/* What is read is not written over, whatever is forced: without it nothing could be compared again. */
static int check_is_no_input(const char *path, const ff_options *o)
{
    struct stat out, in;
    if (!path || stat(path, &out) != 0 || !S_ISREG(out.st_mode))
        return FF_OK;
    for (int i = 0; i < o->n_operands; i++)
        if (stat(o->operands[i], &in) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino)
            return ff_fail(FF_ERR_USAGE, "'%s' is read here: it is not overwritten", path);
    return FF_OK;
}

int batch_load_model(const ff_context *c, const char *path, ff_model **out)
{
    if (!c->target || strcmp(path, "target") != 0)
        return ff_model_load(path, out);
    *out = ff_model_ref(c->target);
    return FF_OK;
}

ff_cancel *batch_cancel(const ff_context *c)
{
    return c->task ? c->task->cancel : &interrupted;
}

int batch_check_outputs(const ff_options *o)
{
    const char *const paths[] = {o->output, o->json, o->labels_csv, o->report, o->patch};
    for (size_t i = 0; i < FF_COUNT(paths); i++) {
        int code = check_is_no_input(paths[i], o);
        if (!code)
            code = check_output(paths[i], o->force);
        if (code)
            return code;
        for (size_t k = 0; k < i; k++) {
            if (paths[i] && paths[k] && strcmp(paths[i], paths[k]) == 0)
                return ff_fail(FF_ERR_USAGE, "'%s' is to be written twice", paths[i]);
        }
    }
    return FF_OK;
}

/* -------------------------------------------------------------------------------------- progress
 */

enum { TICK_MS = 100, BAR = 24 };

static void draw_progress(ff_context *c)
{
    const ff_progress *p = ff_session_progress(c->session);
    const char *stage = atomic_load(&p->stage);
    long long done = atomic_load(&p->done), total = atomic_load(&p->total);
    const ff_snapshot *s = ff_session_snapshot(c->session);
    ff_buf line = {0};
    ff_buf_puts(&line, "\r\033[K");
    if (stage && total > 0) {
        int filled = (int)(BAR * (done < total ? done : total) / total);
        ff_buf_printf(&line, "%s [%.*s%.*s] %lld/%lld", stage, filled, "########################", BAR - filled,
                      "........................", done, total);
    } else {
        ff_buf_puts(&line, stage ? stage : "working");
    }
    if (s->wrong >= 0 && s->wrong != s->initial)
        ff_buf_printf(&line, "   wrong %d -> %d", s->initial, s->wrong);
    else if (s->wrong >= 0)
        ff_buf_printf(&line, "   wrong %d", s->wrong);
    ff_snapshot_unref(s);
    fputs(line.data, stderr);
    fflush(stderr);
    ff_buf_finish(&line);
}

static void clear_progress(void)
{
    fputs("\r\033[K", stderr);
    fflush(stderr);
}

static int wait_for(ff_context *c, int64_t job, bool saying)
{
    bool ended = false, drawn = false;
    while (!ended) {
        struct pollfd fd = {.fd = ff_session_fd(c->session), .events = POLLIN};
        poll(&fd, 1, c->progress ? TICK_MS : -1);
        ff_event e;
        while (!ended && ff_session_poll_event(c->session, &e)) {
            ended = e.job == job && (e.type == FF_EVENT_DONE || e.type == FF_EVENT_FAILED);
            if (e.type == FF_EVENT_NOTE && (saying || c->verbose)) {
                if (drawn)
                    clear_progress();
                if (saying && c->format == FF_FORMAT_TEXT) /* JSON and CSV are data only */
                    say(c, "%s\n", e.message);
                else
                    note(c, "%s", e.message);
            }
            ff_event_finish(&e);
        }
        if (!ended && c->progress) {
            draw_progress(c);
            drawn = true;
        }
    }
    if (drawn)
        clear_progress();
    return ff_session_wait(c->session, job);
}

int batch_wait(ff_context *c, int64_t job)
{
    return wait_for(c, job, false);
}

int batch_wait_saying(ff_context *c, int64_t job)
{
    return wait_for(c, job, true);
}

int batch_run(ff_context *c, const ff_request *r)
{
    if (atomic_load(&interrupted.set))
        return ff_fail(FF_ERR_CANCELLED, "interrupted");
    return batch_wait(c, ff_session_post(c->session, r));
}

/* ------------------------------------------------------------------------------------------ open
 */

static void note_guesses(ff_context *c)
{
    const ff_snapshot *s = ff_session_snapshot(c->session);
    if (!s->arrays && strcmp(s->source_pre_why, "given") != 0)
        note(c, "Source: preprocessing guessed (%s): %s", s->source_pre_why, s->source_pre);
    if (!s->arrays && strcmp(s->target_pre_why, "given") != 0)
        note(c, "Target: preprocessing guessed (%s): %s", s->target_pre_why, s->target_pre);
    if (s->target_error)
        note(c, "the Target cannot run, it counts as wrong on every image: %s", s->target_error);
    if (s->offset)
        note(c, "the Target's classes are counted %+d against the Source's", s->offset);
    ff_snapshot_unref(s);
}

int batch_open(ff_context *c, bool labels_only, int argc, char **argv)
{
    const ff_options *o = c->options;
    ff_session_options so = o->session;
    if (argc != 2 && !(argc == 0 && so.path))
        return ff_fail(FF_ERR_USAGE, "two models are needed: fetafix %s SOURCE TARGET --images DIR|LIST",
                       o->verb ? o->verb : "explore");
    so.source = argc ? argv[0] : NULL;
    so.target = argc ? argv[1] : NULL;
    so.labels_only = labels_only;
    if (o->input && so.images)
        return ff_fail(FF_ERR_USAGE, "--images and --input are both given");
    so.images = o->input ? o->input : so.images;
    struct stat info;
    if (!so.images && !(so.path && stat(so.path, &info) == 0 && info.st_size > 0))
        return ff_fail(FF_ERR_USAGE, "no images are given (--images DIR|LIST, or --input NPZ)");
    int code = batch_check_outputs(o);
    if (code || (code = ff_session_open(&so, &c->session)))
        return code;
    interrupt_watch(c->session);
    if ((code = batch_wait(c, 1)))
        return code;
    if (atomic_load(&interrupted.set))
        return ff_fail(FF_ERR_CANCELLED, "interrupted");
    note_guesses(c);
    return FF_OK;
}

void batch_close(ff_context *c)
{
    interrupt_watch(NULL);
    ff_session_close(c->session);
    c->session = NULL;
}
