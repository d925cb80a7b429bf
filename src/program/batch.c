/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "program/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fetafix/command_job.h"
#include "fetafix/command_say.h"
#include "fetafix/model.h"

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
    return c->task ? c->task->cancel : &ff_interrupted;
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

static void note_guesses(ff_context *c)
{
    const ff_snapshot *s = ff_session_snapshot(c->session);
    if (!s->arrays && strcmp(s->source_pre_why, "given") != 0)
        ff_note(c, "Source: preprocessing guessed (%s): %s", s->source_pre_why, s->source_pre);
    if (!s->arrays && strcmp(s->target_pre_why, "given") != 0)
        ff_note(c, "Target: preprocessing guessed (%s): %s", s->target_pre_why, s->target_pre);
    if (s->target_error)
        ff_note(c, "the Target cannot run, it counts as wrong on every image: %s", s->target_error);
    if (s->offset)
        ff_note(c, "the Target's classes are counted %+d against the Source's", s->offset);
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
    ff_interrupt_watch(c->session);
    if ((code = ff_wait(c, 1)))
        return code;
    if (atomic_load(&ff_interrupted.set))
        return ff_fail(FF_ERR_CANCELLED, "interrupted");
    note_guesses(c);
    return FF_OK;
}

void batch_close(ff_context *c)
{
    ff_interrupt_watch(NULL);
    ff_session_close(c->session);
    c->session = NULL;
}

bool batch_has_screen(const ff_context *c)
{
    const char *term = getenv("TERM");
    return c->explore && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO) && term && strcmp(term, "dumb") != 0;
}
