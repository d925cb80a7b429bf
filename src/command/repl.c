/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Commands typed, with GNU Readline's callback interface: the terminal and the engine are waited for
 * together, so that what the engine has to say appears above the line that is being typed.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* Readline wants stdio first. */
#include <readline/history.h>
#include <readline/readline.h>

#include "command/batch.h"
#include "command/paths.h"

enum { HISTORY_LINES = 500, TICK_MS = 200 };

static ff_context *typing;  /* Readline's callbacks take no context */
static const char *prompt;
static char *history_path; /* NULL: it is not kept */

/* ------------------------------------------------------------------------------------- completion
 */

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
    rl_completion_append_character = n && strchr("/=", matches[0][n - 1]) ? '\0' : ' ';
    return matches;
}

/* A blank behind a backslash does not end a word. */
static int is_escaped(char *line, int index)
{
    return index > 0 && line[index - 1] == '\\';
}

/* ---------------------------------------------------------------------------------------- history
 */

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
    if (history_path && path_make_folders(history_path))
        write_history(history_path);
}

static void close_history(void)
{
    free(history_path);
    history_path = NULL;
    clear_history();
}

/* ------------------------------------------------------------------------------------- the engine
 */

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

static void run_later(ff_context *c, int64_t job, bool done)
{
    char *line = ff_command_later(c, job);
    if (line && done) {
        begin_above();
        if (ff_command_run_again(c, line) < 0)
            c->note(c->sink, ff_error());
        end_above();
    }
    free(line);
}

static void announce(ff_context *c, const ff_event *e)
{
    bool quiet_kind = e->kind == FF_JOB_DETAIL || e->kind == FF_JOB_LOAD;
    const char *text = NULL;
    if (e->type == FF_EVENT_NOTE || e->type == FF_EVENT_FAILED)
        text = e->message;
    else if (e->type == FF_EVENT_DONE && !quiet_kind)
        text = "done";
    if (text) {
        begin_above();
        say(c, "%s\n", text);
        end_above();
    }
    if (e->type == FF_EVENT_DONE || e->type == FF_EVENT_FAILED)
        run_later(c, e->job, e->type == FF_EVENT_DONE);
}

static void take_events(ff_context *c)
{
    ff_event e;
    while (c->session && ff_session_poll_event(c->session, &e)) {
        announce(c, &e);
        ff_event_finish(&e);
    }
}

/* ---------------------------------------------------------------------------------------- typing
 */

static void take_line(char *line)
{
    ff_context *c = typing;
    if (!line) { /* Ctrl-D */
        c->quit = true;
        say(c, "\n");
        return;
    }
    if (line[strspn(line, " \t")]) {
        remember(line);
        /* Commands print to a terminal in its usual state, and Ctrl-C ends what they wait for. */
        rl_callback_handler_remove();
        interrupt_watch(c->session);
        if (ff_command_run(c, line) < 0)
            c->note(c->sink, ff_error());
        interrupt_watch(NULL);
        atomic_store(&interrupted.set, false);
        fflush(stdout);
        if (!c->quit)
            rl_callback_handler_install(prompt, take_line);
    }
    free(line);
}

/* Ctrl-C drops the line; where there is none, the jobs. */
static void interrupt(ff_context *c)
{
    bool line = rl_end > 0;
    rl_free_undo_list(); /* ending a search through the history would lose it */
    rl_callback_sigcleanup();
    say(c, "^C\n");
    fflush(stdout);
    rl_replace_line("", 1);
    rl_on_new_line();
    rl_redisplay();
    if (!line && c->session)
        ff_session_cancel(c->session, true);
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
    interrupt_watch(NULL); /* Ctrl-C first drops the line */
    open_history();
    rl_callback_handler_install(prompt, take_line);
    while (!c->quit && !code) {
        struct pollfd fds[2] = {
            {.fd = STDIN_FILENO, .events = POLLIN},
            {.fd = c->session ? ff_session_fd(c->session) : -1, .events = POLLIN}};
        int n = poll(fds, 2, TICK_MS);
        if (atomic_exchange(&interrupted.set, false)) {
            if (atomic_load(&interrupt_signal) == SIGTERM)
                code = ff_fail(FF_ERR_CANCELLED, "interrupted");
            else
                interrupt(c);
        }
        if (n <= 0 || code)
            continue;
        if (fds[1].revents & POLLIN)
            take_events(c);
        if (fds[0].revents & (POLLIN | POLLHUP))
            rl_callback_read_char();
    }
    rl_callback_handler_remove();
    close_history();
    return code;
}

int repl_lines(ff_context *c, const char *shown)
{
    return isatty(STDIN_FILENO) ? type_lines(c, shown) : script_answer(c);
}

int verb_repl(ff_context *c, int argc, char **argv)
{
    int code = script_open_case(c, argc, argv);
    return code ? code : repl_lines(c, "fetafix> ");
}
