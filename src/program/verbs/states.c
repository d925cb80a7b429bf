/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "program/verbs/states.h"

#include "fetafix/command_job.h"
#include "fetafix/command_say.h"

int state_number(const char *command, const char *word, int64_t *out)
{
    return ff_parse_int(word, out) && *out >= 0
               ? FF_OK
               : ff_fail(FF_ERR_USAGE, "%s: '%s' is not the number of a state; see `states`", command, word);
}

int prompt_compare_states(ff_context *c, int argc, char **argv)
{
    ff_request r = {.kind = FF_JOB_COMPARE};
    (void)argc;
    bool done = c->again;
    int code = ff_need_session(c);
    if (!code)
        code = state_number(argv[0], argv[1], &r.number);
    if (!code)
        code = state_number(argv[0], argv[2], &r.other);
    if (!code && !done)
        code = ff_later_need(c, &r, &done);
    const ff_comparison *k = code || !done ? NULL : ff_session_comparison(c->session);
    if (!k)
        return code;
    const ff_named_table all[] = {
        {"states", k->states, NULL},
        {"images", k->images, "no image differs"},
        {"edits", k->edits, k->same_model ? "the same model, bit for bit" : "the same edits"},
    };
    ff_show_tables(c, all, FF_COUNT(all));
    ff_comparison_unref(k);
    return FF_OK;
}
