/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of a case: model, patch, bundle, report, labels. */
#include <string.h>

#include "fetafix/command_job.h"
#include "program/batch.h"
#include "program/verbs.h"
#include "program/verbs/words.h"

int prompt_write(ff_context *c, int argc, char **argv)
{
    static const struct {
        const char *name;
        ff_job_kind kind;
        int words;
    } writes[] = {{"save", FF_JOB_SAVE, 2}, {"export", FF_JOB_EXPORT, 2}, {"repro", FF_JOB_REPRO, 3}};
    ff_request r = {.force = take_force(&argc, argv)};
    size_t i = 0;
    while (strcmp(argv[0], writes[i].name) != 0)
        i++;
    r.kind = writes[i].kind;
    if (r.kind == FF_JOB_EXPORT && take_word(&argc, argv, "--script"))
        r.kind = FF_JOB_EXPORT_SCRIPT;
    if (argc < 2 || argc > writes[i].words)
        return ff_fail(FF_ERR_USAGE, "expected: %s %s", argv[0], ff_command_find(argv[0])->arguments);
    r.path = argv[1];
    r.id = argc > 2 ? argv[2] : NULL;
    return ff_post_job(c, &r);
}

int prompt_report(ff_context *c, int argc, char **argv)
{
    bool force = take_force(&argc, argv);
    int code = ff_need_session(c);
    if (code)
        return code;
    static const ff_options defaults;
    const ff_snapshot *s = ff_session_snapshot(c->session);
    ff_buf b = {0};
    const ff_options *o = c->options ? c->options : &defaults;
    size_t n = argc > 1 ? strlen(argv[1]) : 0;
    if (n > 5 && strcmp(argv[1] + n - 5, ".html") == 0) {
        ff_report_page(s, &o->session, &b);
    } else {
        b.data = ff_report_json(s, &o->session, o->timing ? 0 : -1);
        b.len = strlen(b.data);
    }
    code = write_text(c, argc > 1 ? argv[1] : "-", &b, force);
    ff_buf_finish(&b);
    ff_snapshot_unref(s);
    return code;
}

int prompt_labels(ff_context *c, int argc, char **argv)
{
    bool force = take_force(&argc, argv);
    int code = ff_need_session(c);
    if (!code && argc != 2)
        code = ff_fail(FF_ERR_USAGE, "expected: labels FILE [--force]");
    return code ? code : ff_post_job(c, &(ff_request){.kind = FF_JOB_LABELS, .path = argv[1], .force = force});
}
