/* SPDX-License-Identifier: GPL-3.0-or-later */
/* accept, reject, evaluate, split: what becomes of a proposal. */
#include <stdlib.h>
#include <string.h>

#include "fetafix/command_job.h"
#include "fetafix/command_place.h"
#include "fetafix/command_say.h"
#include "fetafix/command_sql.h"
#include "fetafix/command_views.h"
#include "program/verbs.h"
#include "program/verbs/words.h"

static int find_repair(ff_context *c, const char *word, char **id)
{
    const ff_snapshot *s = ff_session_snapshot(c->session);
    int row, code = ff_place_repair(s, word, &row);
    *id = code ? NULL : ff_strdup(ff_table_text(s->proposals, row, ff_table_find(s->proposals, "id")));
    ff_snapshot_unref(s);
    return code;
}

/* Several, an id a line. */
static int find_repairs(ff_context *c, int argc, char **argv, char **ids)
{
    ff_buf b = {0};
    int code = FF_OK;
    for (int i = 1; !code && i < argc; i++) {
        char *id;
        if (!(code = find_repair(c, argv[i], &id)))
            ff_buf_printf(&b, "%s%s", i > 1 ? "\n" : "", id);
        free(id);
    }
    if (code)
        ff_buf_finish(&b);
    *ids = code ? NULL : ff_buf_steal(&b);
    return code;
}

/* What is known of a repair that was judged: one line, or a row. */
static int print_verdict(ff_context *c, const char *id)
{
    const ff_snapshot *s = ff_session_snapshot(c->session);
    const ff_table *t = s->proposals;
    int row, code = ff_place_repair(s, id, &row), wrong = ff_table_find(t, "wrong");
    if (!code && c->format == FF_FORMAT_TEXT && !ff_table_empty(t, row, wrong))
        ff_say(c, "%s: wrong %s%lld\n", ff_table_text(t, row, ff_table_find(t, "verdict")),
               ff_table_int(t, row, ff_table_find(t, "complete")) ? "" : "at least ",
               (long long)ff_table_int(t, row, wrong));
    ff_snapshot_unref(s);
    if (code || c->format == FF_FORMAT_TEXT)
        return code;
    ff_buf sql = {0};
    ff_buf_puts(&sql, "select number, id, verdict, wrong, complete, fixed, broken from proposals where id = ");
    ff_sql_put_text(&sql, id);
    code = ff_view_query(c, sql.data, NULL);
    ff_buf_finish(&sql);
    return code;
}

static int evaluate(ff_context *c, const char *id)
{
    bool done = c->again;
    int code = done      ? FF_OK
               : c->view ? ff_post_job(c, &(ff_request){.kind = FF_JOB_EVALUATE, .id = (char *)id})
                         : ff_later_need(c, &(ff_request){.kind = FF_JOB_EVALUATE, .id = (char *)id}, &done);
    return !code && done ? print_verdict(c, id) : code;
}

int prompt_accept(ff_context *c, int argc, char **argv)
{
    ff_request r = {.kind = FF_JOB_ACCEPT};
    r.force = take_force(&argc, argv);
    if (strcmp(argv[0], "reject") == 0)
        r.kind = FF_JOB_REJECT;
    else if (strcmp(argv[0], "evaluate") == 0)
        r.kind = FF_JOB_EVALUATE;
    else if (strcmp(argv[0], "split") == 0)
        r.kind = FF_JOB_SPLIT;
    bool done;
    int code = ff_need_localized(c, &done);
    if (code || !done)
        return code;
    char *id = NULL;
    if (argc > 2 && r.kind == FF_JOB_ACCEPT)
        code = find_repairs(c, argc, argv, &id);
    else if (argc > 1)
        code = find_repair(c, argv[1], &id);
    if (code)
        return code;
    if (!id && r.kind == FF_JOB_EVALUATE) {
        const ff_snapshot *s = ff_session_snapshot(c->session);
        id = ff_strdup(s->next);
        ff_snapshot_unref(s);
        if (!id)
            return ff_fail(FF_ERR_USAGE, "there is no next repair to evaluate");
    }
    r.id = id;
    code = r.kind == FF_JOB_EVALUATE ? evaluate(c, id) : ff_post_job(c, &r);
    free(id);
    return code;
}
