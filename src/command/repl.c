/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands typed (GNU Readline) or read from a file. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* Readline wants stdio first. */
#include <readline/history.h>
#include <readline/readline.h>

#include "command/batch.h"

static int open_case(ff_context *c, int argc, char **argv)
{
    return argc || c->options->session.path ? batch_open(c, false, argc, argv) : FF_OK;
}

/* ------------------------------------------------------------------------------------------ script
 */

int verb_script(ff_context *c, int argc, char **argv)
{
    if (argc < 1)
        return ff_fail(FF_ERR_USAGE,
                       "expected: fetafix script FILE [SOURCE TARGET --images DIR|LIST]");
    const char *path = argv[0];
    bool standard = strcmp(path, "-") == 0;
    FILE *f = standard ? stdin : fopen(path, "r");
    if (!f)
        return ff_fail(FF_ERR_INPUT, "'%s': %s", path, strerror(errno));
    int code = open_case(c, argc - 1, argv + 1), number = 0;
    char *line = NULL;
    size_t capacity = 0;
    while (!code && !c->quit && getline(&line, &capacity, f) >= 0) {
        line[strcspn(line, "\n")] = '\0';
        number++;
        code = atomic_load(&interrupted.set) ? ff_fail(FF_ERR_CANCELLED, "interrupted")
                                             : ff_command_run(c, line);
        if (code < 0)
            code = ff_fail_prefix(code, "%s:%d", standard ? "standard input" : path, number);
    }
    free(line);
    if (!standard)
        fclose(f);
    return code;
}

/* -------------------------------------------------------------------------------------------- REPL
 */

static ff_context *typing; /* Readline's callbacks take no context */
static const char *prompt;

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
    rl_attempted_completion_over = 1;
    return rl_completion_matches(text, complete_word);
}

/* A line of the engine above the one that is being typed. */
static void print_above(ff_context *c, const char *text)
{
    char *saved = rl_copy_text(0, rl_end);
    int point = rl_point;
    rl_save_prompt();
    rl_replace_line("", 0);
    rl_redisplay();
    say(c, "\r\033[K%s\n", text);
    fflush(stdout);
    rl_restore_prompt();
    rl_replace_line(saved, 0);
    rl_point = point;
    rl_forced_update_display();
    free(saved);
}

static void take_line(char *line)
{
    ff_context *c = typing;
    if (!line) {
        c->quit = true;
        say(c, "\n");
    } else if (*line) {
        add_history(line);
        rl_callback_handler_remove();
        if (ff_command_run(c, line) < 0)
            c->note(c->sink, ff_error());
        fflush(stdout);
        if (!c->quit)
            rl_callback_handler_install(prompt, take_line);
    }
    free(line);
}

static void take_events(ff_context *c)
{
    ff_event e;
    while (c->session && ff_session_poll_event(c->session, &e)) {
        if (e.message && (e.type == FF_EVENT_NOTE || e.type == FF_EVENT_FAILED))
            print_above(c, e.message);
        else if (e.type == FF_EVENT_DONE && e.kind != FF_JOB_DETAIL && e.kind != FF_JOB_LOAD)
            print_above(c, "done");
        ff_event_finish(&e);
    }
}

static void type_lines(ff_context *c, const char *shown)
{
    typing = c;
    prompt = shown;
    c->wait = false; /* the engine works while one types */
    c->progress = false;
    rl_readline_name = "fetafix";
    rl_attempted_completion_function = complete;
    rl_catch_signals = 0;
    rl_callback_handler_install(prompt, take_line);
    while (!c->quit) {
        struct pollfd fds[2] = {
            {.fd = STDIN_FILENO, .events = POLLIN},
            {.fd = c->session ? ff_session_fd(c->session) : -1, .events = POLLIN}};
        int n = poll(fds, 2, 200);
        if (atomic_exchange(&interrupted.set, false)) {
            /* Ctrl-C: the job was cancelled by the handler; the line is dropped. */
            say(c, "^C\n");
            rl_replace_line("", 0);
            rl_point = 0;
            rl_forced_update_display();
        }
        if (n <= 0)
            continue;
        if (fds[1].revents & POLLIN)
            take_events(c);
        if (fds[0].revents & (POLLIN | POLLHUP))
            rl_callback_read_char();
    }
    rl_callback_handler_remove();
}

void repl_lines(ff_context *c, const char *shown)
{
    if (isatty(STDIN_FILENO)) {
        type_lines(c, shown);
        return;
    }
    fflush(stdout);
    char *line = NULL;
    size_t capacity = 0;
    while (!c->quit && !atomic_load(&interrupted.set) && getline(&line, &capacity, stdin) >= 0) {
        line[strcspn(line, "\n")] = '\0';
        int code = ff_command_run(c, line);
        fflush(stdout); /* before what failed, where both go to one place */
        if (code < 0)
            c->note(c->sink, ff_error());
    }
    free(line);
}

int verb_repl(ff_context *c, int argc, char **argv)
{
    int code = open_case(c, argc, argv);
    if (!code)
        repl_lines(c, "fetafix> ");
    return code;
}
