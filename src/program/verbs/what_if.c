/* SPDX-License-Identifier: GPL-3.0-or-later */
/* what-if: an edit of one's own, looked at before it is kept. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fetafix/command_job.h"
#include "fetafix/command_place.h"
#include "fetafix/command_say.h"
#include "program/verbs.h"

static char *join(int n, char **words)
{
    ff_buf b = {0};
    for (int i = 0; i < n; i++)
        ff_buf_printf(&b, "%s%s", i ? " " : "", words[i]);
    return ff_buf_steal(&b);
}

static int show(ff_context *c)
{
    const ff_snapshot *s = ff_session_snapshot(c->session);
    const struct ff_what_if *w = &s->what_if;
    if (!w->summary) {
        ff_say(c, "no what-if is looked at\n");
    } else {
        ff_say(c, "what if: %s\n", w->summary);
        if (w->wrong < 0)
            ff_say(c, "the Target cannot run: %s\n", w->verdict);
        else
            ff_say(c, "wrong %d -> %d: %d put right, %d made wrong%s\n", s->wrong, w->wrong, w->fixed, w->broken,
                   w->keepable ? "; `keep` or `drop`" : "");
    }
    ff_snapshot_unref(s);
    return FF_OK;
}

/* The words as a request: text in *id for the caller to free. */
static int parse(ff_context *c, int argc, char **argv, ff_request *r, char **id)
{
    r->kind = FF_JOB_WHAT_IF;
    if (strcmp(argv[1], "pre") == 0) {
        if (argc < 3)
            return ff_fail(FF_ERR_USAGE, "expected: what-if pre KEY=VALUE..., or a preset");
        r->number = -1;
        *id = join(argc - 2, argv + 2);
        return FF_OK;
    }
    bool swap = strcmp(argv[1], "weights") == 0 || strcmp(argv[1], "inject") == 0;
    int from = swap ? 2 : 1;
    const ff_snapshot *s = ff_session_snapshot(c->session);
    int used = 0, pair = -1;
    int code = argc > from ? ff_place_pair(s, argc - from, argv + from, &used, &pair)
                           : ff_fail(FF_ERR_USAGE, "expected: what-if %s NODE", argv[1]);
    ff_snapshot_unref(s);
    if (code)
        return code;
    r->number = pair;
    int rest = argc - from - used;
    if (swap ? rest != 0 : rest < 1 || !strchr(argv[from + used], '='))
        return ff_fail(FF_ERR_USAGE, swap ? "expected: what-if %s NODE" : "expected: what-if NODE ATTRIBUTE=VALUE",
                       argv[1]);
    *id = swap ? ff_strdup(argv[1]) : join(rest, argv + from + used);
    return FF_OK;
}

int prompt_what_if(ff_context *c, int argc, char **argv)
{
    int code = ff_need_session(c);
    if (code || argc == 1)
        return code ? code : show(c);
    bool done; /* rows and layers are numbered when the models were compared */
    if ((code = ff_need_localized(c, &done)) || !done)
        return code;
    ff_request r = {0};
    char *id = NULL;
    code = parse(c, argc, argv, &r, &id);
    r.id = id;
    if (!code)
        code = ff_post_job(c, &r);
    free(id);
    return code;
}
