/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Verbs of the shell at the prompt: questions about models by their files, asked from within a case. The engine
 * answers them as it does everything else, so that the line stays free and Ctrl-C or `cancel` ends them. What
 * the case has (images, comparator, preprocessing) they take from it unless told otherwise; the words `source`
 * and `target` are its models, the latter as it is now.
 */
#include "program/errand.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fetafix/command_job.h"
#include "fetafix/command_options.h"
#include "fetafix/command_place.h"
#include "fetafix/command_say.h"
#include "fetafix/model.h"
#include "program/options.h"
#include "program/verbs/look.h"
#include "program/verbs/states.h"

typedef struct errand {
    ff_errand base;
    const ff_command *verb;
    char **words; /* as a command line of the shell */
    int n;
    ff_options options;
    ff_context context; /* of the verb */
    ff_buf out, notes;
} errand;

static void add_out(void *sink, const char *text)
{
    errand *e = sink;
    ff_buf_puts(&e->out, text);
}

static void add_note(void *sink, const char *text)
{
    errand *e = sink;
    ff_buf_printf(&e->notes, "%s\n", text);
}

static int run(ff_errand *base, const ff_task *task, ff_model *target)
{
    errand *e = (errand *)base;
    e->context.task = task;
    e->context.target = target;
    int code = e->verb->shell(&e->context, e->options.n_operands, e->options.operands);
    e->context.task = NULL;
    e->context.target = NULL;
    return code < 0 ? code : FF_OK; /* 1: there is a discrepancy */
}

static void destroy(ff_errand *base)
{
    errand *e = (errand *)base;
    for (int i = 0; i < e->n; i++)
        free(e->words[i]);
    free(e->words);
    ff_options_finish(&e->options);
    ff_buf_finish(&e->out);
    ff_buf_finish(&e->notes);
    free(e);
}

/* ----------------------------------------------------------------------- what the case gives */

/* Options of the command line that are about the case as a whole, or about files that it writes. */
static ff_options usual(const ff_context *c)
{
    ff_options o = {.color = -1};
    if (c->options)
        o = *c->options;
    o.output = o.json = o.labels_csv = o.report = o.patch = o.repro = o.input = o.verb = NULL;
    o.session.images = o.session.validate = o.session.path = NULL;
    o.session.source_output = o.session.target_output = NULL;
    o.session.pins = NULL;
    o.session.n_pins = 0;
    o.session.team = NULL;
    o.force = o.help = false;
    o.words = o.operands = NULL;
    o.n_operands = 0;
    o.lesson = NULL;
    o.arena = ff_arena_create();
    return o;
}

/* "source" and "target": which model of the case. (A file of that name is ./target.) */
static const char *const *model_of(const ff_snapshot *s, const char *word, const char **spec)
{
    bool source = strcmp(word, "source") == 0;
    if (!source && strcmp(word, "target") != 0)
        return NULL;
    *spec = source ? s->source_pre : s->target_pre_repaired ? s->target_pre_repaired : s->target_pre;
    return source ? &s->source_path : &s->target_path;
}

/* With its preprocessing: behind the word where there may be several models, else as the option. */
static void put_model(errand *e, const ff_snapshot *s, int i, bool several)
{
    const char *word = e->options.operands[i], *spec, *const *path = model_of(s, word, &spec);
    if (!path)
        return;
    const char *name = path == &s->source_path ? *path : word;
    if (several && !s->arrays)
        e->options.operands[i] = ff_arena_printf(e->options.arena, "%s@%s", name, spec);
    else
        e->options.operands[i] = ff_arena_strdup(e->options.arena, name);
    if (!several && !e->options.session.source_pre)
        e->options.session.source_pre = ff_arena_strdup(e->options.arena, spec);
}

/* A layer by its number, as the case counts. */
static void put_layer(errand *e, const ff_snapshot *s, int i)
{
    int used, pair;
    if (ff_place_layer(s, 1, &e->options.operands[i], &used, &pair))
        return; /* a block, perhaps */
    const char *node = ff_table_text(s->pairs, pair, ff_table_find(s->pairs, "target"));
    if (node && *node)
        e->options.operands[i] = ff_arena_strdup(e->options.arena, node);
}

/* Where no model is named: the case's. There is room for two words, as a verb and the program's name went before. */
static void name_models(errand *e)
{
    static char source[] = "source", target[] = "target";
    ff_options *o = &e->options;
    bool pairs = strcmp(e->verb->name, "compare") == 0 || strcmp(e->verb->name, "matrix") == 0;
    if (o->n_operands || e->verb->at_prompt[0] != '[')
        return;
    if (pairs)
        o->operands[o->n_operands++] = source;
    o->operands[o->n_operands++] = target;
}

static void take_from_case(const ff_context *c, errand *e)
{
    ff_options *o = &e->options;
    const ff_snapshot *s = ff_session_snapshot(c->session);
    static const char *const many[] = {"compare", "matrix", "borrow", NULL};
    bool several = ff_any_of(e->verb->name, many);
    if (!o->input && !o->session.images && s->images_path)
        *(s->arrays ? &o->input : &o->session.images) = ff_arena_strdup(o->arena, s->images_path);
    if (!o->session.comparator && s->comparator)
        o->session.comparator = ff_arena_strdup(o->arena, s->comparator);
    name_models(e);
    int models = strcmp(e->verb->name, "borrow") == 0 && o->n_operands > 3 ? 3 : o->n_operands;
    for (int i = 0; i < models; i++)
        put_model(e, s, i, several);
    for (int i = models; i < o->n_operands; i++)
        put_layer(e, s, i);
    ff_snapshot_unref(s);
}

/* ------------------------------------------------------------------------------- the command */

static int create(ff_context *c, int argc, char **argv, errand **out)
{
    static char shell[] = "fetafix";
    errand *e = ff_alloc(sizeof *e);
    *e = (errand){.base = {.run = run, .destroy = destroy}, .verb = ff_command_find(argv[0]), .options = usual(c)};
    e->base.brief = strcmp(argv[0], "inspect") == 0;
    e->words = ff_alloc_array((size_t)argc + 2, sizeof *e->words);
    e->words[e->n++] = ff_strdup(shell);
    for (int i = 0; i < argc; i++)
        e->words[e->n++] = ff_strdup(argv[i]);
    int code = options_parse(e->n, e->words, &e->options);
    if (!code && c->session)
        take_from_case(c, e);
    if (code) {
        destroy(&e->base);
        return code;
    }
    e->context = (ff_context){.options = &e->options,
                              .wait = true,
                              .quiet = c->quiet || e->options.quiet,
                              .verbose = c->verbose || e->options.verbose,
                              .format = c->format,
                              .print = add_out,
                              .note = add_note,
                              .sink = e};
    *out = e;
    return FF_OK;
}

static void deliver(ff_context *c, const errand *e)
{
    for (const char *line = e->notes.data; line && *line;) {
        size_t n = strcspn(line, "\n");
        ff_note(c, "%.*s", (int)n, line);
        line += n + 1;
    }
    c->print(c->sink, e->out.data ? e->out.data : "");
}

/* `inspect NODE` is about the case. */
static bool is_node(const ff_context *c, int argc, char **argv)
{
    const char *spec;
    if (!c->session || argc < 2 || strcmp(argv[0], "inspect") != 0 || argv[1][0] == '-' || access(argv[1], F_OK) == 0)
        return false;
    const ff_snapshot *s = ff_session_snapshot(c->session);
    bool node = !model_of(s, argv[1], &spec) && !ff_path_is_model(argv[1]);
    ff_snapshot_unref(s);
    return node;
}

/* Numbers are those of states. */
static bool are_states(int argc, char **argv)
{
    int64_t number;
    return argc == 3 && strcmp(argv[0], "compare") == 0 && ff_parse_int(argv[1], &number) &&
           ff_parse_int(argv[2], &number);
}

int prompt_errand(ff_context *c, int argc, char **argv)
{
    if (c->session && are_states(argc, argv))
        return prompt_compare_states(c, argc, argv);
    if (is_node(c, argc, argv)) {
        char detail[] = "detail", *typed = argv[0];
        argv[0] = detail;
        int code = prompt_look(c, argc, argv);
        argv[0] = typed;
        return code;
    }
    errand *e = NULL;
    bool done = true;
    int code = FF_OK;
    if (c->again) {
        e = (errand *)ff_session_take_errand(c->session, c->answered);
    } else if (!(code = create(c, argc, argv, &e)) && e->options.help) {
        ff_help_verb(e->verb, &e->out);
    } else if (!code && !c->session) {
        code = run(&e->base, &(ff_task){.cancel = &ff_interrupted}, NULL);
    } else if (!code) {
        ff_request r = {.kind = FF_JOB_ERRAND, .errand = &e->base};
        e = NULL; /* the engine's */
        code = ff_later_need(c, &r, &done);
        if (!code && done)
            e = (errand *)ff_session_take_errand(c->session, c->answered);
    }
    if (e && !code)
        deliver(c, e);
    if (e)
        destroy(&e->base);
    return code;
}
