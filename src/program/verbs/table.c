/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables of the case by their names, and SQL over them. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fetafix/command_job.h"
#include "fetafix/command_views.h"
#include "program/batch.h"
#include "program/verbs.h"

int prompt_table(ff_context *c, int argc, char **argv)
{
    /* Words of the field for a view in an order of its own. */
    static const struct {
        const char *name, *view, *order;
    } others[] = {{"suspects", "layers", "isolated"}, {"history", "states", NULL}};
    const char *view = argv[0], *order = NULL;
    for (size_t i = 0; i < FF_COUNT(others); i++) {
        if (strcmp(others[i].name, argv[0]) == 0) {
            view = others[i].view;
            order = others[i].order;
        }
    }
    bool done = true;
    int code = ff_views_need_localized(view) ? ff_need_localized(c, &done) : ff_need_session(c);
    return code || !done ? code : ff_view_print(c, ff_view_find(view), order, argc, argv);
}

int prompt_query(ff_context *c, int argc, char **argv)
{
    (void)argc;
    bool done = true;
    int code = ff_views_need_localized(argv[1]) ? ff_need_localized(c, &done) : ff_need_session(c);
    return code || !done ? code : ff_view_query(c, argv[1], NULL);
}

int verb_query(ff_context *c, int argc, char **argv)
{
    if (argc != 2)
        return ff_fail(FF_ERR_USAGE, "expected: fetafix query SESSION SQL");
    ff_options o = *c->options;
    o.session.path = argv[0];
    if (access(argv[0], R_OK) != 0)
        return ff_fail(FF_ERR_INPUT, "'%s': %s", argv[0], strerror(errno));
    const ff_options *given = c->options;
    c->options = &o;
    int code = batch_open(c, false, 0, NULL);
    if (!code)
        code = ff_view_query(c, argv[1], NULL);
    batch_close(c);
    c->options = given;
    return code;
}
