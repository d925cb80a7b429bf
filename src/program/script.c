/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands from a file or a pipe. */
#include "program/script.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fetafix/command_job.h"
#include "fetafix/command_say.h"
#include "program/batch.h"
#include "program/verbs.h"

int script_open_case(ff_context *c, int argc, char **argv)
{
    return argc || c->options->session.path ? batch_open(c, false, argc, argv) : FF_OK;
}

/* Line after line until one fails; *number: the last one read. */
static int run_lines(ff_context *c, FILE *f, int *number)
{
    ff_buf line = {0};
    int code = FF_OK;
    while (!code && !c->quit && ff_line_read(f, &line, number))
        code =
            atomic_load(&ff_interrupted.set) ? ff_fail(FF_ERR_CANCELLED, "interrupted") : ff_command_run(c, line.data);
    ff_buf_finish(&line);
    return code;
}

/* What went wrong is said with its place. */
static int run_file(ff_context *c, FILE *f, const char *path)
{
    int number = 0, code = run_lines(c, f, &number);
    if (code < 0)
        return ff_fail_prefix(code, "%s:%d", path, number);
    if (code > 0)
        ff_note(c, "%s:%d: ended here", path, number);
    return code > 0 ? code : ferror(f) ? ff_fail(FF_ERR_INPUT, "'%s' cannot be read", path) : FF_OK;
}

static int open_script(const char *path, FILE **out)
{
    struct stat info;
    *out = fopen(path, "r");
    if (!*out)
        return ff_fail(FF_ERR_INPUT, "'%s': %s", path, strerror(errno));
    if (fstat(fileno(*out), &info) == 0 && S_ISDIR(info.st_mode)) {
        fclose(*out);
        return ff_fail(FF_ERR_INPUT, "'%s' is a folder", path);
    }
    return FF_OK;
}

/* A file of commands in the case that is open. */
int prompt_script(ff_context *c, int argc, char **argv)
{
    enum { DEEPEST = 16 };
    FILE *f;
    if (c->view)
        return ff_fail(FF_ERR_USAGE, "scripts are for the REPL and the shell: fetafix script FILE SOURCE TARGET ...");
    if (argc != 2)
        return ff_fail(FF_ERR_USAGE, "expected: script FILE");
    if (c->depth == DEEPEST)
        return ff_fail(FF_ERR_USAGE, "scripts call one another more than %d deep", DEEPEST);
    int code = open_script(argv[1], &f);
    if (code)
        return code;
    bool wait = c->wait;
    c->wait = true; /* each line sees what the one before it did */
    c->depth++;
    code = run_file(c, f, argv[1]);
    c->depth--;
    c->wait = wait;
    fclose(f);
    return code;
}

int verb_script(ff_context *c, int argc, char **argv)
{
    if (argc < 1)
        return ff_fail(FF_ERR_USAGE, "expected: fetafix script FILE [SOURCE TARGET --images DIR|LIST]");
    bool standard = strcmp(argv[0], "-") == 0;
    FILE *f = stdin;
    int code = standard ? FF_OK : open_script(argv[0], &f);
    if (code)
        return code;
    code = script_open_case(c, argc - 1, argv + 1);
    if (!code)
        code = run_file(c, f, standard ? "standard input" : argv[0]);
    if (!standard)
        fclose(f);
    return code;
}

int script_answer(ff_context *c)
{
    ff_buf line = {0};
    int number = 0, first = 0;
    while (!c->quit && !atomic_load(&ff_interrupted.set) && ff_line_read(stdin, &line, &number)) {
        int code = ff_command_run(c, line.data);
        if (code < 0)
            c->note(c->sink, ff_error());
        if (!first)
            first = code < 0 ? ff_exit_code(code) : code;
    }
    ff_buf_finish(&line);
    return first;
}
