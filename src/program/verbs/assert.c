/* SPDX-License-Identifier: GPL-3.0-or-later */
/* assert: a condition on the case that a pipeline relies on. */
#include <stdlib.h>
#include <string.h>

#include "fetafix/command_job.h"
#include "fetafix/command_say.h"
#include "fetafix/command_views.h"
#include "program/verbs.h"

/* Is what the condition came to true, as SQL has it? Nothing (NULL) is not. */
static bool is_true(const ff_table *t)
{
    if (ff_table_rows(t) == 0 || ff_table_empty(t, 0, 0))
        return false;
    switch (ff_table_column(t, 0)->type) {
    case FF_COL_REAL:
        return ff_table_real(t, 0, 0) != 0;
    case FF_COL_TEXT:
        return strtod(ff_table_text(t, 0, 0), NULL) != 0;
    default:
        return ff_table_int(t, 0, 0) != 0;
    }
}

static int holds(const ff_context *c, const ff_snapshot *s, const char *condition, bool *yes)
{
    ff_buf sql = {0};
    ff_sql_limits limits = ff_view_limits(c);
    ff_sql_result r;
    ff_views v;
    ff_buf_printf(&sql,
                  "select (%s) from (select %d as wrong, %d as initial, %d as images, "
                  "(select count(*) from findings) as faults, "
                  "(select count(*) from findings where status is not 'repaired') as open)",
                  condition, s->wrong, s->initial, s->images);
    ff_views_open(s, &v);
    int code = ff_sql_run(v.at, v.n, sql.data, &limits, &r);
    if (!code) {
        *yes = is_true(r.table);
        ff_sql_finish(&r);
    }
    ff_views_close(&v);
    ff_buf_finish(&sql);
    return code;
}

int prompt_assert(ff_context *c, int argc, char **argv)
{
    (void)argc;
    bool done = true, yes = false;
    const char *condition = argv[1];
    bool compared =
        ff_views_need_localized(condition) || strcasestr(condition, "faults") || strcasestr(condition, "open");
    int code = compared ? ff_need_localized(c, &done) : ff_need_session(c);
    if (code || !done)
        return code;
    const ff_snapshot *s = ff_session_snapshot(c->session);
    code = holds(c, s, condition, &yes);
    if (!code && !yes)
        ff_note(c, "assert: not so: %s (%d of %d wrong, %d at first)", condition, s->wrong, s->images, s->initial);
    ff_snapshot_unref(s);
    return code ? code : yes ? FF_OK : 1;
}
