/* SPDX-License-Identifier: GPL-3.0-or-later */
/* COMMAND | SHELL COMMAND, COMMAND > FILE: what a command prints is caught, then sent on. */
#include "command/redirect.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command/line.h"

extern char **environ;

/* Stands in for a context's sink while its output is caught; notes and views still reach it. */
typedef struct catcher {
    ff_buf text;
    ff_context outer;
} catcher;

static void catch_text(void *sink, const char *text)
{
    ff_buf_puts(&((catcher *)sink)->text, text);
}

static void pass_note(void *sink, const char *text)
{
    const ff_context *c = &((catcher *)sink)->outer;
    c->note(c->sink, text);
}

static bool pass_view(void *sink, int argc, char **argv)
{
    const ff_context *c = &((catcher *)sink)->outer;
    return c->view(c->sink, argc, argv);
}

/* Before anything is done: is there a place for the output? */
static int check_target(const ff_context *c, const parsed_line *l)
{
    struct stat info;
    if (l->to == LINE_PIPE)
        return c->view ? ff_fail(FF_ERR_USAGE, "pipes are for the REPL and scripts; here: COMMAND > FILE") : FF_OK;
    if (stat(l->target, &info) != 0)
        return FF_OK;
    if (S_ISDIR(info.st_mode))
        return ff_fail(FF_ERR_USAGE, "'%s' is a folder", l->target);
    return l->to == LINE_WRITE && S_ISREG(info.st_mode)
               ? ff_fail(FF_ERR_USAGE, "'%s' exists; >| overwrites it, >> adds to it", l->target)
               : FF_OK;
}

/* Behind what is there; a device or a pipe takes it as it is. */
static int append(const char *path, const ff_buf *text)
{
    FILE *f = fopen(path, "a");
    bool fine = f && fwrite(text->data, 1, text->len, f) == text->len;
    int error = errno;
    if (f && fclose(f) != 0) {
        fine = false;
        error = errno;
    }
    return fine ? FF_OK : ff_fail(FF_ERR_INPUT, "'%s' cannot be written: %s", path, strerror(error));
}

/* sh -c COMMAND with signals as a program expects them; its standard input is `in`. */
static int start_shell(const char *command, int in, pid_t *out)
{
    char sh[] = "sh", option[] = "-c";
    char *argv[] = {sh, option, (char *)command, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t usual;
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    sigaddset(&usual, SIGINT);
    sigaddset(&usual, SIGTERM);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    int error = posix_spawn(out, "/bin/sh", &files, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return error ? ff_fail(FF_ERR_INTERNAL, "the shell cannot be started: %s", strerror(error)) : FF_OK;
}

/* What a shell's command came to. One that fails in its own way (`grep` that finds nothing) is no failure. */
static int wait_for_shell(const char *command, pid_t child)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFSIGNALED(status) && WTERMSIG(status) != SIGPIPE)
        return ff_fail(FF_ERR_CANCELLED, "interrupted");
    if (WIFEXITED(status) && WEXITSTATUS(status) >= 126)
        return ff_fail(FF_ERR_USAGE, "the shell cannot run '%s'", command);
    return FF_OK;
}

int line_run_shell(ff_context *c, const char *command)
{
    pid_t child;
    command += strspn(command, " \t");
    if (c->view)
        return ff_fail(FF_ERR_USAGE, "the shell is for the REPL and scripts; `suspend` goes back to yours");
    if (!*command)
        return ff_fail(FF_ERR_USAGE, "expected: !COMMAND of the shell");
    /* A script's next lines are no input of the command. */
    int in = isatty(STDIN_FILENO) ? STDIN_FILENO : open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return ff_fail(FF_ERR_INTERNAL, "/dev/null: %s", strerror(errno));
    fflush(stdout);
    int code = start_shell(command, in, &child);
    if (in != STDIN_FILENO)
        close(in);
    return code ? code : wait_for_shell(command, child);
}

/* A filter that has read enough (`head`) is no failure. */
static int feed_shell(const char *command, const ff_buf *text)
{
    int ends[2];
    pid_t child;
    fflush(stdout);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return ff_fail(FF_ERR_INTERNAL, "no pipe: %s", strerror(errno));
    int code = start_shell(command, ends[0], &child);
    close(ends[0]);
    for (size_t done = 0; !code && done < text->len;) {
        ssize_t n = write(ends[1], text->data + done, text->len - done);
        if (n < 0 && errno != EINTR)
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    close(ends[1]);
    return code ? code : wait_for_shell(command, child);
}

static int send_on(const parsed_line *l, const ff_buf *text)
{
    struct stat info;
    switch (l->to) {
    case LINE_PIPE:
        return feed_shell(l->target, text);
    case LINE_APPEND:
        return append(l->target, text);
    default:
        if (stat(l->target, &info) == 0 && !S_ISREG(info.st_mode))
            return append(l->target, text);
        return ff_write_file(l->target, text->data, text->len, l->to == LINE_OVERWRITE);
    }
}

int line_run_redirected(ff_context *c, const parsed_line *l, int (*run)(ff_context *c, const parsed_line *l))
{
    int code = check_target(c, l);
    if (code)
        return code;
    catcher caught = {.outer = *c};
    ff_buf_puts(&caught.text, "");
    c->print = catch_text;
    c->note = pass_note;
    c->view = c->view ? pass_view : NULL;
    c->sink = &caught;
    c->terminal = false;
    c->wait = c->wait || !c->view; /* what is printed later would miss its place */
    c->asked = false;
    code = run(c, l);
    c->print = caught.outer.print;
    c->note = caught.outer.note;
    c->view = caught.outer.view;
    c->sink = caught.outer.sink;
    c->wait = caught.outer.wait;
    c->terminal = caught.outer.terminal;
    if (code >= 0 && !c->asked) { /* else it comes again with its answer */
        int sent = send_on(l, &caught.text);
        code = sent ? sent : code;
    }
    ff_buf_finish(&caught.text);
    return code;
}
