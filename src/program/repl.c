/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Commands typed, with GNU Readline's callback interface: the terminal and the engine are waited for
 * together, so that what the engine has to say appears above the line that is being typed.
 */
#include "program/repl.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* Readline wants stdio first. */
#include <readline/history.h>
#include <readline/readline.h>

#include "fetafix/command_job.h"
#include "fetafix/command_paths.h"
#include "fetafix/command_say.h"
#include "program/script.h"
#include "program/verbs.h"

enum { HISTORY_LINES = 500, TICK_MS = 200 };

static ff_context *typing;  /* Readline's callbacks take no context */
static const char *prompt;  /* "fetafix> " */
static char *shown_prompt;  /* with what the engine is at */
static char *history_path;  /* NULL: it is not kept */
static int64_t saved_state; /* what `save` wrote last */
static bool asked_to_leave; /* by the line before, which was told of what would be lost */

/* -------------------------------------------------------------------------------- completion */

static char *complete_word(const char *text, int state)
{
    static char **found;
    static int n, at;
    (void)text;
    if (state == 0) {
        char *line = ff_strndup(rl_line_buffer, (size_t)rl_point);
        found = ff_command_complete(typing, line, &n);
        at = 0;
        free(line);
    }
    if (at < n)
        return found[at++];
    free(found);
    found = NULL;
    return NULL;
}

static char **complete(const char *text, int start, int end)
{
    (void)start;
    (void)end;
    rl_attempted_completion_over = 1; /* no names of files where none is meant */
    char **matches = rl_completion_matches(text, complete_word);
    size_t n = matches && !matches[1] ? strlen(matches[0]) : 0;
    rl_completion_append_character = n && strchr("/=>", matches[0][n - 1]) ? '\0' : ' ';
    return matches;
}

/* A blank behind a backslash does not end a word. */
static int is_escaped(char *line, int index)
{
    return index > 0 && line[index - 1] == '\\';
}

/* ----------------------------------------------------------------------------------- history */

static void open_history(void)
{
    history_path = ff_history_path();
    using_history();
    stifle_history(HISTORY_LINES);
    if (history_path)
        read_history(history_path);
}

/* A history that cannot be kept is no reason to complain. */
static void remember(const char *line)
{
    HIST_ENTRY *last = history_length ? history_get(history_base + history_length - 1) : NULL;
    if (last && strcmp(last->line, line) == 0)
        return;
    add_history(line);
    if (history_path && ff_make_folders(history_path))
        write_history(history_path);
}

static void close_history(void)
{
    free(history_path);
    history_path = NULL;
    clear_history();
}

/* -------------------------------------------------------------------------------- the engine */

/* The line being typed makes room, and comes back below. */
static void begin_above(void)
{
    rl_clear_visible_line();
    fflush(rl_outstream);
}

static void end_above(void)
{
    fflush(stdout);
    rl_on_new_line();
    rl_redisplay();
}

/* Lines that waited for a job that has ended. */
static void run_later(ff_context *c, int64_t job, bool done)
{
    if (!ff_command_waits(c, job))
        return;
    begin_above();
    while (ff_command_waits(c, job)) {
        if (ff_command_resume(c, done) < 0)
            c->note(c->sink, ff_error());
    }
    end_above();
}

static void announce(ff_context *c, const ff_event *e)
{
    const char *text = NULL;
    char *done = NULL;
    if (e->type == FF_EVENT_NOTE || e->type == FF_EVENT_FAILED)
        text = e->message;
    else if (e->type == FF_EVENT_DONE && !ff_job(e->kind)->silent)
        text = done = ff_asprintf("%s: done", ff_job_name(e->kind));
    if (text) {
        begin_above();
        ff_say(c, "%s\n", text);
        end_above();
    }
    free(done);
    if (e->type == FF_EVENT_DONE && e->kind == FF_JOB_SAVE) {
        const ff_snapshot *s = ff_session_snapshot(c->session);
        saved_state = s->state;
        ff_snapshot_unref(s);
    }
    if (e->type == FF_EVENT_DONE || e->type == FF_EVENT_FAILED)
        run_later(c, e->job, e->type == FF_EVENT_DONE);
    else if (e->type == FF_EVENT_SNAPSHOT)
        run_later(c, -1, true);
}

static void take_events(ff_context *c)
{
    ff_event e;
    while (c->session && ff_session_poll_event(c->session, &e)) {
        announce(c, &e);
        ff_event_finish(&e);
    }
}

/* "fetafix (comparing 3/29)> " while a job runs. */
static char *make_prompt(const ff_context *c)
{
    ff_job_kind kind;
    if (!c->session || !ff_session_running(c->session, &kind))
        return ff_strdup(prompt);
    const ff_progress *p = ff_session_progress(c->session);
    const char *stage = atomic_load(&p->stage);
    long long done = atomic_load(&p->done), total = atomic_load(&p->total);
    size_t n = strcspn(prompt, ">");
    if (!stage || total <= 0)
        return ff_asprintf("%.*s (%s)%s", (int)n, prompt, stage ? stage : ff_job_name(kind), prompt + n);
    return ff_asprintf("%.*s (%s %lld/%lld)%s", (int)n, prompt, stage ? stage : ff_job_name(kind),
                       done < total ? done : total, total, prompt + n);
}

/* The prompt says how far the engine is; what is typed stays. Not in the midst of a search in the history. */
static void refresh_prompt(const ff_context *c)
{
    if (c->quit || RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH | RL_STATE_COMPLETING | RL_STATE_MOREINPUT))
        return;
    char *now = make_prompt(c);
    if (shown_prompt && strcmp(now, shown_prompt) == 0) {
        free(now);
        return;
    }
    free(shown_prompt);
    shown_prompt = now;
    begin_above();
    rl_set_prompt(shown_prompt);
    end_above();
}

/* ----------------------------------------------------------------------------------- leaving */

/* Repairs were made that are in no file: neither in the session's, nor as a model. */
static bool is_unsaved(const ff_context *c)
{
    const ff_options *o = c->options;
    if (!c->session || (o && (o->session.path || o->output)))
        return false;
    const ff_snapshot *s = ff_session_snapshot(c->session);
    bool repaired = s->loaded && s->state != 0 && s->state != saved_state;
    ff_snapshot_unref(s);
    return repaired;
}

/* Leaving throws away what is in no file, so it has to be said twice. */
static void leave(ff_context *c)
{
    c->quit = asked_to_leave || !is_unsaved(c);
    asked_to_leave = true;
    if (!c->quit)
        ff_say(c, "The repairs are in no file yet: `save FILE` writes the model. Leave once more to drop them.\n");
}

/* ------------------------------------------------------------------------------------ typing */

/* What was pasted may be several lines in one. */
static void run_pasted(ff_context *c, char *text)
{
    for (char *line = text, *next; line && !c->quit; line = next) {
        next = strpbrk(line, "\r\n");
        if (next)
            *next++ = '\0';
        if (ff_command_run(c, line) < 0)
            c->note(c->sink, ff_error());
    }
}

static void take_line(char *line)
{
    ff_context *c = typing;
    if (!line) { /* Ctrl-D */
        ff_say(c, "\n");
        leave(c);
        if (!c->quit) {
            fflush(stdout);
            rl_callback_handler_install(shown_prompt, take_line);
        }
        return;
    }
    if (line[strspn(line, " \t")]) {
        remember(line);
        /* Commands print to a terminal in its usual state, and Ctrl-C ends what they wait for. */
        rl_callback_handler_remove();
        ff_interrupt_watch(c->session);
        bool again = asked_to_leave;
        run_pasted(c, line);
        asked_to_leave = again && c->quit;
        if (c->quit)
            leave(c);
        ff_interrupt_watch(NULL);
        atomic_store(&ff_interrupted.set, false);
        fflush(stdout);
        if (!c->quit)
            rl_callback_handler_install(shown_prompt, take_line);
    }
    free(line);
}

/* Ctrl-C drops the line; where there is none, the jobs. */
static void interrupt(ff_context *c)
{
    bool line = rl_end > 0;
    rl_free_undo_list(); /* ending a search through the history would lose it */
    rl_callback_sigcleanup();
    rl_point = rl_end;
    rl_redisplay();
    ff_say(c, "^C\n");
    fflush(stdout);
    rl_replace_line("", 1);
    rl_on_new_line();
    rl_redisplay();
    if (!line && c->session) {
        ff_session_cancel(c->session, true);
        ff_command_forget(c); /* what was to come behind it */
    }
}

static int type_lines(ff_context *c, const char *shown)
{
    int code = FF_OK;
    typing = c;
    prompt = shown;
    c->wait = false; /* the engine works while one types */
    c->progress = false;
    rl_readline_name = "fetafix";
    rl_attempted_completion_function = complete;
    rl_completer_word_break_characters = " \t";
    rl_completer_quote_characters = "'\"";
    rl_char_is_quoted_p = is_escaped;
    rl_catch_signals = 0;
    ff_interrupt_watch(NULL); /* Ctrl-C first drops the line */
    open_history();
    shown_prompt = make_prompt(c);
    rl_callback_handler_install(shown_prompt, take_line);
    while (!c->quit && !code) {
        struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                                {.fd = c->session ? ff_session_fd(c->session) : -1, .events = POLLIN}};
        int n = poll(fds, 2, TICK_MS);
        if (atomic_exchange(&ff_interrupted.set, false)) {
            if (atomic_load(&ff_interrupt_signal) == SIGTERM)
                code = ff_fail(FF_ERR_CANCELLED, "interrupted");
            else
                interrupt(c);
        }
        if (n > 0 && !code && (fds[1].revents & POLLIN))
            take_events(c);
        if (n > 0 && !code && (fds[0].revents & (POLLIN | POLLHUP)))
            rl_callback_read_char();
        if (!code)
            refresh_prompt(c);
    }
    rl_callback_handler_remove();
    ff_command_forget(c);
    close_history();
    free(shown_prompt);
    shown_prompt = NULL;
    return code;
}

int repl_lines(ff_context *c, const char *shown)
{
    return isatty(STDIN_FILENO) ? type_lines(c, shown) : script_answer(c);
}

/* For whoever sits before it. */
static void greet(ff_context *c)
{
    const ff_snapshot *s = c->session ? ff_session_snapshot(c->session) : NULL;
    if (s)
        ff_note(c, "%d of %d %s; `help` lists the commands", s->wrong, s->images, s->wrong_words);
    else
        ff_note(c, "no case is open; `help` lists the commands");
    ff_snapshot_unref(s);
}

int verb_repl(ff_context *c, int argc, char **argv)
{
    int code = script_open_case(c, argc, argv);
    if (!code && isatty(STDIN_FILENO))
        greet(c);
    return code ? code : repl_lines(c, "fetafix> ");
}
