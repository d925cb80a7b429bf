/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/prompt.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/batch.h"
#include "command/later.h"
#include "command/options.h"
#include "command/page.h"
#include "command/place.h"
#include "command/print.h"
#include "command/views.h"

int need_session(const ff_context *c)
{
    return c->session ? FF_OK : ff_fail(FF_ERR_USAGE, "no case is open: give SOURCE TARGET --images DIR|LIST");
}

/* Jobs that a person does not expect to end at once. */
static bool is_long(ff_job_kind kind)
{
    return kind == FF_JOB_STEP || kind == FF_JOB_REPAIR || kind == FF_JOB_LOCALIZE || kind == FF_JOB_VALIDATE ||
           kind == FF_JOB_MEASURE || kind == FF_JOB_BISECT;
}

/* Where the context waits, the outcome is printed; else events tell it. */
static int post(ff_context *c, const ff_request *r)
{
    int code = need_session(c);
    if (code)
        return code;
    int64_t job = ff_session_post(c->session, r);
    if (!is_long(r->kind))
        later_edited(c, job);
    return c->wait ? batch_wait_saying(c, job) : FF_OK;
}

int need_localized(ff_context *c, bool *done)
{
    int code = need_session(c);
    *done = false;
    if (code)
        return code;
    const ff_snapshot *s = ff_session_snapshot(c->session);
    *done = s->localized || c->again;
    ff_snapshot_unref(s);
    return *done ? FF_OK : later_need(c, &(ff_request){.kind = FF_JOB_LOCALIZE}, done);
}

/* Takes a switch out of the words (behind them: whoever made them frees all); was it there? */
static bool take_word(int *argc, char **argv, const char *word)
{
    int n = 1, end = *argc;
    for (int i = 1; i < end; i++) {
        if (strcmp(argv[i], word) == 0)
            continue;
        char *kept = argv[i];
        argv[i] = argv[n];
        argv[n++] = kept;
    }
    *argc = n;
    return n < end;
}

static bool take_force(int *argc, char **argv)
{
    bool brief = take_word(argc, argv, "-f");
    return take_word(argc, argv, "--force") || brief;
}

int prompt_post(ff_context *c, const ff_request *r)
{
    return post(c, r);
}

int prompt_job(ff_context *c, int argc, char **argv)
{
    static const struct {
        const char *name;
        ff_job_kind kind;
    } jobs[] = {
        {"step", FF_JOB_STEP},         {"repair", FF_JOB_REPAIR},
        {"undo", FF_JOB_UNDO},         {"localize", FF_JOB_LOCALIZE},
        {"validate", FF_JOB_VALIDATE}, {"keep", FF_JOB_KEEP},
        {"drop", FF_JOB_DROP},         {"pre-into-graph", FF_JOB_PRE_INTO_GRAPH},
        {"bisect", FF_JOB_BISECT},
    };
    (void)argc;
    for (size_t i = 0; i < FF_COUNT(jobs); i++) {
        if (strcmp(jobs[i].name, argv[0]) != 0)
            continue;
        int code = post(c, &(ff_request){.kind = jobs[i].kind});
        if (!code && c->wait && jobs[i].kind == FF_JOB_VALIDATE)
            say_validation(c);
        return code;
    }
    return ff_fail(FF_ERR_INTERNAL, "no job '%s'", argv[0]);
}

int prompt_measure(ff_context *c, int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "causal") != 0)
        return ff_fail(FF_ERR_USAGE, "expected: measure [causal], not '%s'", argv[1]);
    return post(c, &(ff_request){.kind = FF_JOB_MEASURE, .number = argc > 1});
}

static int find_repair(ff_context *c, const char *word, char **id)
{
    const ff_snapshot *s = ff_session_snapshot(c->session);
    int row, code = place_repair(s, word, &row);
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
    int row, code = place_repair(s, id, &row), wrong = ff_table_find(t, "wrong");
    if (!code && c->format == FF_FORMAT_TEXT && !ff_table_empty(t, row, wrong))
        say(c, "%s: wrong %s%lld\n", ff_table_text(t, row, ff_table_find(t, "verdict")),
            ff_table_int(t, row, ff_table_find(t, "complete")) ? "" : "at least ",
            (long long)ff_table_int(t, row, wrong));
    ff_snapshot_unref(s);
    if (code || c->format == FF_FORMAT_TEXT)
        return code;
    ff_buf sql = {0};
    ff_buf_puts(&sql, "select number, id, verdict, wrong, complete, fixed, broken from proposals where id = ");
    sql_put_text(&sql, id);
    code = view_query(c, sql.data, NULL);
    ff_buf_finish(&sql);
    return code;
}

static int evaluate(ff_context *c, const char *id)
{
    bool done = c->again;
    int code = done      ? FF_OK
               : c->view ? post(c, &(ff_request){.kind = FF_JOB_EVALUATE, .id = (char *)id})
                         : later_need(c, &(ff_request){.kind = FF_JOB_EVALUATE, .id = (char *)id}, &done);
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
    int code = need_localized(c, &done);
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
    code = r.kind == FF_JOB_EVALUATE ? evaluate(c, id) : post(c, &r);
    free(id);
    return code;
}

static int state_number(const char *command, const char *word, int64_t *out)
{
    return ff_parse_int(word, out) && *out >= 0
               ? FF_OK
               : ff_fail(FF_ERR_USAGE, "%s: '%s' is not the number of a state; see `states`", command, word);
}

int prompt_move(ff_context *c, int argc, char **argv)
{
    ff_request r = {.kind = strcmp(argv[0], "goto") ? FF_JOB_REDO : FF_JOB_GOTO};
    int code = argc > 1 ? state_number(argv[0], argv[1], &r.number) : FF_OK;
    return code ? code : post(c, &r);
}

int prompt_pin(ff_context *c, int argc, char **argv)
{
    (void)argc;
    ff_job_kind kind = !strcmp(argv[0], "pin") ? FF_JOB_PIN : !strcmp(argv[0], "forbid") ? FF_JOB_FORBID : FF_JOB_UNPIN;
    bool done;
    int code = need_localized(c, &done);
    if (code || !done)
        return code;
    const ff_snapshot *s = ff_session_snapshot(c->session);
    const char *source, *target;
    /* A repair may have renamed a node: the engine knows those of the Target as it came. */
    if (place_node(s, "source", argv[1], &source) != FF_OK)
        source = argv[1];
    if (place_node(s, "target", argv[2], &target) != FF_OK)
        target = argv[2];
    code = post(c, &(ff_request){.kind = kind, .id = source, .target = target});
    ff_snapshot_unref(s);
    return code;
}

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
    return post(c, &r);
}

int prompt_compare_states(ff_context *c, int argc, char **argv)
{
    ff_request r = {.kind = FF_JOB_COMPARE};
    (void)argc;
    bool done = c->again;
    int code = need_session(c);
    if (!code)
        code = state_number(argv[0], argv[1], &r.number);
    if (!code)
        code = state_number(argv[0], argv[2], &r.other);
    if (!code && !done)
        code = later_need(c, &r, &done);
    const ff_comparison *k = code || !done ? NULL : ff_session_comparison(c->session);
    if (!k)
        return code;
    const named_table all[] = {
        {"states", k->states, NULL},
        {"images", k->images, "no image differs"},
        {"edits", k->edits, k->same_model ? "the same model, bit for bit" : "the same edits"},
    };
    show_tables(c, all, FF_COUNT(all));
    ff_comparison_unref(k);
    return FF_OK;
}

int prompt_report(ff_context *c, int argc, char **argv)
{
    bool force = take_force(&argc, argv);
    int code = need_session(c);
    if (code)
        return code;
    static const ff_options defaults;
    const ff_snapshot *s = ff_session_snapshot(c->session);
    ff_buf b = {0};
    const ff_options *o = c->options ? c->options : &defaults;
    size_t n = argc > 1 ? strlen(argv[1]) : 0;
    if (n > 5 && strcmp(argv[1] + n - 5, ".html") == 0) {
        report_page(s, o, &b);
    } else {
        b.data = report_json(s, o, 0);
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
    int code = need_session(c);
    if (!code && argc != 2)
        code = ff_fail(FF_ERR_USAGE, "expected: labels FILE [--force]");
    return code ? code : ff_session_write_labels(c->session, argv[1], force);
}

/* ---------------------------------------------------------------------------------------- tables
 */

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
    int code = views_need_localized(view) ? need_localized(c, &done) : need_session(c);
    return code || !done ? code : view_print(c, view_find(view), order, argc, argv);
}

int prompt_query(ff_context *c, int argc, char **argv)
{
    (void)argc;
    bool done = true;
    int code = views_need_localized(argv[1]) ? need_localized(c, &done) : need_session(c);
    return code || !done ? code : view_query(c, argv[1], NULL);
}

int verb_query(ff_context *c, int argc, char **argv)
{
    if (argc != 2)
        return ff_fail(FF_ERR_USAGE, "expected: fetafix query SESSION SQL");
    ff_options o = *c->options;
    o.session.path = argv[0];
    if (access(argv[0], R_OK) != 0)
        return ff_fail(FF_ERR_INPUT, "'%s': %s", argv[0], strerror(errno));
    c->options = &o;
    int code = batch_open(c, false, 0, NULL);
    if (!code)
        code = view_query(c, argv[1], NULL);
    batch_close(c);
    return code;
}

int prompt_quit(ff_context *c, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    c->quit = true;
    return FF_OK;
}
