/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stands in for the command layer until it is there. */
#include <stdlib.h>
#include <string.h>

#include "command/explorer.h"

static int post(ff_context *c, ff_job_kind kind, const char *id, int64_t n)
{
    ff_session_post(c->session, &(ff_request){.kind = kind, .id = id, .number = n, .path = id});
    return FF_OK;
}

const ff_command *ff_command_at(int i)
{
    return ff_explorer_commands[i].name ? &ff_explorer_commands[i] : NULL;
}

char **ff_command_complete(ff_context *c, const char *line, int *n)
{
    const char *w = strrchr(line, ' ');
    w = w ? w + 1 : line;
    char **out = ff_alloc_array(64, sizeof *out);
    *n = 0;
    for (int i = 0; ff_explorer_commands[i].name; i++) {
        if (strncmp(ff_explorer_commands[i].name, w, strlen(w)) == 0)
            out[(*n)++] = ff_strdup(ff_explorer_commands[i].name);
    }
    return out;
}

int ff_command_run(ff_context *c, const char *line)
{
    static const char *const names[] = {"evaluate", "accept", "reject", "undo", "redo", "goto",
                                        "step", "repair", "save", "validate"};
    static const ff_job_kind kinds[] = {FF_JOB_EVALUATE, FF_JOB_ACCEPT, FF_JOB_REJECT, FF_JOB_UNDO,
                                        FF_JOB_REDO, FF_JOB_GOTO, FF_JOB_STEP, FF_JOB_REPAIR,
                                        FF_JOB_SAVE, FF_JOB_VALIDATE};
    char *copy = ff_strdup(line), *argv[16], *save = NULL;
    int argc = 0, code = FF_ERR_USAGE;
    for (char *w = strtok_r(copy, " ", &save); w && argc < 16; w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    if (argc && c->view(c->sink, argc, argv)) {
        code = FF_OK;
    } else {
        for (size_t i = 0; argc && i < FF_COUNT(names); i++) {
            if (strcmp(names[i], argv[0]) == 0)
                code = post(c, kinds[i], argc > 1 ? argv[1] : NULL, argc > 1 ? atoi(argv[1]) : 0);
        }
        if (code != FF_OK)
            ff_fail(code, "there is no command '%s'", argc ? argv[0] : "");
    }
    free(copy);
    return code;
}
