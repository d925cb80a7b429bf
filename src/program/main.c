/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line program: words to a verb, a verb to an exit code. */
#include <errno.h>
#include <gsl/gsl_errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fetafix/command_job.h"
#include "fetafix/command_options.h"
#include "fetafix/command_paths.h"
#include "fetafix/command_say.h"
#include "fetafix/compute.h"
#include "fetafix/program.h"
#include "program/batch.h"
#include "program/libraries.h"
#include "program/options.h"
#include "program/verbs.h"

static void print_out(void *sink, const char *text)
{
    (void)sink;
    fputs(text, stdout);
}

static void print_note(void *sink, const char *text)
{
    (void)sink;
    char *shown = ff_visible(text);
    fflush(stdout); /* where both go to one place, in the order in which they were said */
    fprintf(stderr, "fetafix: %s\n", shown);
    free(shown);
}

static void say_version(ff_context *c)
{
    ff_say(c, "fetafix %s\n", FETAFIX_VERSION);
    ff_say(c, "kernels: %s\nlibraries: %s\n", ff_compute_backend(false), FETAFIX_LIBRARIES);
}

static bool want_color(const ff_options *o)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    if (o->color >= 0)
        return o->color > 0;
    /* Under a launcher output may look like a terminal's and go to a file. */
    return !o->session.team && isatty(STDOUT_FILENO) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

/* The command line with the settings of the configuration file under it. */
static int parse(int argc, char **argv, ff_options *o)
{
    ff_options_init(o);
    int code = options_parse(argc, argv, o);
    if (code || (o->no_config && !o->config) || o->help || o->version)
        return code;
    char *path = o->config ? ff_strdup(o->config) : ff_config_path();
    if (!path)
        return code;
    ff_options_finish(o);
    ff_options_init(o);
    code = options_read_config(o, path);
    if (!code)
        code = options_parse(argc, argv, o);
    free(path);
    return code;
}

/* "fetafix comapre a b": not a model, but nearly a command. */
static int check_default(const ff_options *o)
{
    const char *names[64];
    size_t n = 0;
    const ff_command *c;
    if (!o->n_operands || access(o->operands[0], F_OK) == 0 || strchr(o->operands[0], '/') ||
        strchr(o->operands[0], '.'))
        return FF_OK;
    for (int i = 0; (c = ff_command_at(i)) && n < FF_COUNT(names); i++) {
        if (c->shell)
            names[n++] = c->name;
    }
    c = ff_command_find_at(o->operands[0], FF_AT_PROMPT);
    if (c && (c->where & FF_AT_PROMPT) && strcmp(c->name, o->operands[0]) == 0)
        return ff_fail(FF_ERR_USAGE,
                       "'%s' is typed in `fetafix repl SOURCE TARGET --images DIR|LIST`, or stands "
                       "in a file for `fetafix script`",
                       c->name);
    const char *near = ff_nearest(o->operands[0], names, n);
    return near ? ff_fail(FF_ERR_USAGE, "unknown command '%s'; did you mean '%s'?", o->operands[0], near)
                : ff_fail(FF_ERR_USAGE, "'%s' is neither a command nor a file; see fetafix --help", o->operands[0]);
}

static int help(ff_context *c, const ff_options *o)
{
    if (!o->verb && o->n_operands && access(o->operands[0], F_OK) != 0)
        return ff_verb_help(c, o->n_operands, o->operands);
    ff_buf b = {0};
    if (o->verb)
        ff_help_verb(ff_command_find(o->verb), &b);
    else
        ff_help_program(&b);
    c->print(c->sink, b.data);
    ff_buf_finish(&b);
    return FF_OK;
}

static void drop(void *sink, const char *text)
{
    (void)sink;
    (void)text;
}

/* Under mpirun the processes share a verb's work, and the first of them alone speaks and writes. A verb that
 * cannot be shared is its alone altogether. True: there is nothing to do here. */
static bool join_team(ff_context *c, ff_options *o, ff_team *team)
{
    const ff_command *verb = o->verb ? ff_command_find(o->verb) : NULL;
    bool shares = verb && (verb->where & FF_AT_TEAM);
    if (shares) {
        o->session.team = team;
        o->session.threads = o->session.threads ? o->session.threads : ff_team_threads(team);
    }
    if (ff_team_rank(team) == 0)
        return false;
    c->print = c->note = drop;
    c->quiet = true;
    c->progress = false;
    o->output = o->json = o->labels_csv = o->report = o->patch = o->repro = NULL;
    return !shares;
}

static int dispatch(ff_context *c, ff_options *o)
{
    if (o->help)
        return help(c, o);
    if (o->version) {
        say_version(c);
        return FF_OK;
    }
    if (!o->session.causal && !o->no_causal && o->verb && strcmp(o->verb, "localize") == 0)
        o->session.causal = true;
    const ff_command *row = o->verb ? ff_command_find(o->verb) : NULL;
    /* The bounds of a verb that the prompt has too are the prompt's. */
    if (row && !row->run && row->max_args >= 0 && o->n_operands > row->max_args)
        return ff_fail(FF_ERR_USAGE, "expected: fetafix %s %s", row->name, row->arguments);
    if (row)
        return row->shell(c, o->n_operands, o->operands);
    if (!o->n_operands && !o->session.path) {
        ff_buf b = {0};
        ff_help_program(&b);
        fputs(b.data, stderr);
        ff_buf_finish(&b);
        return ff_fail(FF_ERR_USAGE, "two models are needed");
    }
    int code = check_default(o);
    return code ? code : verb_explore(c, o->n_operands, o->operands);
}

int ff_main(int argc, char **argv, int (*explore)(ff_session *s, const ff_options *o))
{
    setlocale(LC_CTYPE, ""); /* numbers stay in the C locale */
    gsl_set_error_handler_off();
    ff_interrupt_install();
    ff_options o;
    ff_context c = {.options = &o, .wait = true, .print = print_out, .note = print_note, .explore = explore};
    ff_team *team;
    int code = ff_team_join(&team);
    if (code)
        ff_options_init(&o);
    else
        code = parse(argc, argv, &o);
    bool idle = !code && join_team(&c, &o, team);
    if (!code && !idle) {
        c.quiet |= o.quiet;
        c.verbose = o.verbose;
        c.format = o.format;
        c.color = want_color(&o);
        c.terminal = !o.session.team && isatty(STDOUT_FILENO);
        c.progress = !c.quiet && isatty(STDERR_FILENO);
        code = dispatch(&c, &o);
    }
    if (code < 0) {
        fflush(stdout);
        c.note(NULL, code == FF_ERR_CANCELLED ? "interrupted" : ff_error());
    }
    if (c.session)
        batch_close(&c);
    ff_options_finish(&o);
    if ((fflush(stdout) || ferror(stdout)) && errno != EPIPE && code >= 0) {
        print_note(NULL, "standard output cannot be written");
        code = FF_ERR_INPUT;
    }
    code = code > 0 ? code : ff_exit_code(code);
    ff_team_leave(team, code);
    return code;
}
