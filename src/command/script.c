/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands from a file or a pipe. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/batch.h"

int script_open_case(ff_context *c, int argc, char **argv)
{
    return argc || c->options->session.path ? batch_open(c, false, argc, argv) : FF_OK;
}

/* Line after line until one fails; *number: the last one read. */
static int run_lines(ff_context *c, FILE *f, int *number)
{
    char *line = NULL;
    size_t capacity = 0;
    int code = FF_OK;
    while (code >= 0 && !c->quit && getline(&line, &capacity, f) >= 0) {
        line[strcspn(line, "\r\n")] = '\0';
        ++*number;
        code = atomic_load(&interrupted.set) ? ff_fail(FF_ERR_CANCELLED, "interrupted")
                                             : ff_command_run(c, line);
    }
    free(line);
    return code < 0 ? code : FF_OK;
}

int verb_script(ff_context *c, int argc, char **argv)
{
    if (argc < 1)
        return ff_fail(FF_ERR_USAGE,
                       "expected: fetafix script FILE [SOURCE TARGET --images DIR|LIST]");
    const char *path = argv[0];
    bool standard = strcmp(path, "-") == 0;
    FILE *f = standard ? stdin : fopen(path, "r");
    if (!f)
        return ff_fail(FF_ERR_INPUT, "'%s': %s", path, strerror(errno));
    int number = 0, code = script_open_case(c, argc - 1, argv + 1);
    if (!code) {
        code = run_lines(c, f, &number);
        if (code)
            code = ff_fail_prefix(code, "%s:%d", standard ? "standard input" : path, number);
        else if (ferror(f))
            code = ff_fail(FF_ERR_INPUT, "'%s' cannot be read", path);
    }
    if (!standard)
        fclose(f);
    return code;
}

int script_answer(ff_context *c)
{
    char *line = NULL;
    size_t capacity = 0;
    while (!c->quit && !atomic_load(&interrupted.set) && getline(&line, &capacity, stdin) >= 0) {
        line[strcspn(line, "\r\n")] = '\0';
        if (ff_command_run(c, line) < 0)
            c->note(c->sink, ff_error());
    }
    free(line);
    return FF_OK;
}
