/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/prompt.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/batch.h"
#include "command/options.h"
#include "command/page.h"
#include "command/print.h"
#include "command/views.h"

int need_session(const ff_context *c)
{
    return c->session
               ? FF_OK
               : ff_fail(FF_ERR_USAGE, "no case is open: give SOURCE TARGET --images DIR|LIST");
}

/* Where the context waits, the outcome is printed; else events tell it. */
static int post(ff_context *c, const ff_request *r)
{
    int code = need_session(c);
    if (code)
        return code;
    int64_t job = ff_session_post(c->session, r);
    return c->wait ? batch_wait_saying(c, job) : FF_OK;
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

static void say_validation(ff_context *c)
{
    const ff_snapshot *s = ff_session_snapshot(c->session);
    if (s->validation_images >= 0 && s->validation_wrong >= 0)
        say(c, "validation: %d of %d labels differ, %d at first\n", s->validation_wrong,
            s->validation_images, s->validation_initial);
    ff_snapshot_unref(s);
}

int prompt_job(ff_context *c, int argc, char **argv)
{
    static const struct {
        const char *name;
        ff_job_kind kind;
    } jobs[] = {
        {"step", FF_JOB_STEP},         {"repair", FF_JOB_REPAIR},     {"undo", FF_JOB_UNDO},
        {"localize", FF_JOB_LOCALIZE}, {"validate", FF_JOB_VALIDATE},
        {"keep", FF_JOB_KEEP},         {"drop", FF_JOB_DROP},
        {"pre-into-graph", FF_JOB_PRE_INTO_GRAPH},
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

/* A repair by id, or by its place in the list of open repairs, from 1. */
static int find_repair(ff_context *c, const char *word, char **id)
{
    const ff_snapshot *s = ff_session_snapshot(c->session);
    const ff_table *t = s->proposals;
    int k = ff_table_find(t, "id");
    int64_t n;
    const char *found = NULL;
    if (ff_parse_int(word, &n) && n >= 1 && n <= ff_table_rows(t))
        found = ff_table_text(t, (int)n - 1, k);
    for (int i = 0; !found && i < ff_table_rows(t); i++) {
        if (strcmp(ff_table_text(t, i, k), word) == 0)
            found = ff_table_text(t, i, k);
    }
    *id = ff_strdup(found);
    ff_snapshot_unref(s);
    return found ? FF_OK
                 : ff_fail(FF_ERR_USAGE, "there is no open repair '%s'; see `proposals`", word);
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
    int code = need_session(c);
    if (code)
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
    code = post(c, &r);
    if (!code && c->wait && r.kind == FF_JOB_EVALUATE) {
        const ff_snapshot *s = ff_session_snapshot(c->session);
        const ff_table *t = s->proposals;
        for (int i = 0; i < ff_table_rows(t); i++) {
            if (strcmp(ff_table_text(t, i, ff_table_find(t, "id")), id) == 0)
                say(c, "%s: wrong %s%lld\n", ff_table_text(t, i, ff_table_find(t, "verdict")),
                    ff_table_int(t, i, ff_table_find(t, "complete")) ? "" : "at least ",
                    (long long)ff_table_int(t, i, ff_table_find(t, "wrong")));
        }
        ff_snapshot_unref(s);
    }
    free(id);
    return code;
}

int prompt_move(ff_context *c, int argc, char **argv)
{
    ff_request r = {.kind = strcmp(argv[0], "goto") ? FF_JOB_REDO : FF_JOB_GOTO};
    if (argc > 1 && (!ff_parse_int(argv[1], &r.number) || r.number < 0))
        return ff_fail(FF_ERR_USAGE, "%s: '%s' is not the number of a state", argv[0], argv[1]);
    return post(c, &r);
}

int prompt_pin(ff_context *c, int argc, char **argv)
{
    (void)argc;
    ff_job_kind kind = !strcmp(argv[0], "pin")      ? FF_JOB_PIN
                       : !strcmp(argv[0], "forbid") ? FF_JOB_FORBID
                                                    : FF_JOB_UNPIN;
    return post(c, &(ff_request){.kind = kind, .id = argv[1], .target = argv[2]});
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

static void print_section(ff_context *c, const ff_table *t, const char *none)
{
    ff_buf b = {0};
    if (ff_table_rows(t))
        ff_table_print(t, c->format, 0, &b);
    else if (c->format == FF_FORMAT_TEXT)
        ff_buf_printf(&b, "%s\n", none);
    c->print(c->sink, b.data ? b.data : "");
    ff_buf_finish(&b);
}

int prompt_compare_states(ff_context *c, int argc, char **argv)
{
    ff_request r = {.kind = FF_JOB_COMPARE};
    (void)argc;
    for (int i = 1; i <= 2; i++) {
        if (!ff_parse_int(argv[i], i == 1 ? &r.number : &r.other))
            return ff_fail(FF_ERR_USAGE, "%s: '%s' is not the number of a state; see `states`", argv[0], argv[i]);
    }
    int code = post(c, &r);
    if (code || !c->wait)
        return code;
    const ff_comparison *k = ff_session_comparison(c->session);
    if (!k)
        return FF_OK;
    print_section(c, k->states, "");
    print_section(c, k->images, "no label differs");
    print_section(c, k->edits, k->same_model ? "the same model, bit for bit" : "the same edits");
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
    int code = need_session(c);
    for (size_t i = 0; !code && i < FF_COUNT(others); i++) {
        if (strcmp(others[i].name, argv[0]) == 0)
            return view_print(c, view_find(others[i].view), others[i].order, argc, argv);
    }
    return code ? code : view_print(c, view_find(argv[0]), NULL, argc, argv);
}

int prompt_query(ff_context *c, int argc, char **argv)
{
    (void)argc;
    return view_query(c, argv[1], NULL);
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

int prompt_status(ff_context *c, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    int code = need_session(c);
    if (code)
        return code;
    const ff_snapshot *s = ff_session_snapshot(c->session);
    ff_job_kind kind;
    say(c, "state %lld: %d of %d %s, %d at first", (long long)s->state, s->wrong,
        s->images, s->wrong_words, s->initial);
    if (isfinite(s->distance))
        say(c, ", distance %.3g", s->distance);
    say(c, "\nSource takes  %s  (%s)\n", s->source_pre, s->source_pre_why);
    say(c, "Target takes  %s  (%s)\n", s->target_pre_repaired ? s->target_pre_repaired : s->target_pre,
        s->target_pre_repaired ? "repaired" : s->target_pre_why);
    if (s->next && ff_lesson_done(c->lesson))
        say(c, "next: %s\n", s->next);
    else if (s->searched)
        say(c, "the search came to its end\n");
    say_validation(c);
    if (ff_session_running(c->session, &kind)) {
        const char *stage = atomic_load(&ff_session_progress(c->session)->stage);
        say(c, "the engine works%s%s\n", stage ? ": " : "", stage ? stage : "");
    }
    ff_snapshot_unref(s);
    return FF_OK;
}

static const ff_column setting_columns[] = {
    {"name", FF_COL_TEXT, "as in `set NAME VALUE`"},
    {"type", FF_COL_TEXT, "what it takes"},
    {"value", FF_COL_TEXT, "empty: the default"},
    {"default", FF_COL_TEXT, "where nothing is set"},
    {"meaning", FF_COL_TEXT, "one line"},
};

static void print_settings(ff_context *c)
{
    ff_options o = c->options ? *c->options : (ff_options){.color = -1};
    o.format = c->format;
    o.verbose = c->verbose;
    o.quiet = c->quiet;
    ff_table *t = ff_table_create("settings", setting_columns, FF_COUNT(setting_columns));
    const ff_option *row;
    ff_buf b = {0};
    for (int i = 0; (row = ff_option_at(i)); i++) {
        if (!ff_option_is_setting(row))
            continue;
        int at = ff_table_add_row(t);
        ff_buf_clear(&b);
        ff_buf_puts(&b, "");
        option_print(row, &o, &b);
        ff_table_set_text(t, at, "name", row->name);
        ff_table_set_text(t, at, "type", ff_option_type(row));
        ff_table_set_text(t, at, "value", b.data);
        ff_table_set_text(t, at, "default", ff_option_default(row));
        ff_table_set_text(t, at, "meaning", row->summary);
    }
    ff_buf_clear(&b);
    ff_table_print(t, c->format, 0, &b);
    c->print(c->sink, b.data);
    ff_buf_finish(&b);
    ff_table_unref(t);
}

int prompt_set(ff_context *c, int argc, char **argv)
{
    if (argc == 1) {
        print_settings(c);
        return FF_OK;
    }
    ff_options o = {.color = -1, .arena = NULL};
    bool is_format = strcmp(argv[1], "format") == 0;
    if (!is_format && strcmp(argv[1], "verbose") != 0 && strcmp(argv[1], "quiet") != 0)
        return ff_fail(FF_ERR_USAGE,
                       "'%s' is set when the program starts; here: format, verbose, quiet",
                       argv[1]);
    if (argc != 3)
        return ff_fail(FF_ERR_USAGE, "expected: set %s %s", argv[1],
                       is_format ? "text|json|csv" : "yes|no");
    o.arena = ff_arena_create();
    int code = options_set(&o, argv[1], argv[2]);
    if (!code && is_format)
        c->format = o.format;
    else if (!code && argv[1][0] == 'v')
        c->verbose = o.verbose;
    else if (!code)
        c->quiet = o.quiet;
    ff_arena_destroy(o.arena);
    return code;
}

/* A command, a view, or all views. */
static bool help_topic(const char *name, ff_buf *out)
{
    const ff_command *command = ff_command_find(name);
    const ff_view *view = view_find(name);
    if (strcmp(name, "views") == 0) {
        for (int i = 0; (view = ff_view_at(i)); i++)
            view_help(view, out);
        return true;
    }
    if (command)
        help_command(command, out);
    if (command && view)
        ff_buf_putc(out, '\n');
    if (view)
        view_help(view, out);
    return command || view;
}

int prompt_help(ff_context *c, int argc, char **argv)
{
    ff_buf b = {0};
    const ff_command *row;
    if (argc > 1 && !help_topic(argv[1], &b)) {
        ff_buf_finish(&b);
        return ff_fail(FF_ERR_USAGE, "there is no command '%s'", argv[1]);
    }
    for (int i = 0; argc == 1 && (row = ff_command_at(i)); i++) {
        if (!(row->where & (FF_AT_PROMPT | (c->view ? FF_AT_EXPLORER : 0))))
            continue;
        char *usage = ff_asprintf("%s %s", row->name, ff_command_prompt_arguments(row));
        ff_buf_printf(&b, "%-42s %s\n", usage, row->summary);
        free(usage);
    }
    c->print(c->sink, b.data ? b.data : "");
    ff_buf_finish(&b);
    return FF_OK;
}

int prompt_quit(ff_context *c, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    c->quit = true;
    return FF_OK;
}
