/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A program of the user's as comparator: PROGRAM [ARG]... SOURCE.npy TARGET.npy prints one number. It is run directly,
 * without a shell, in a process group of its own, with nothing on its standard input.
 */
#include "compare/comparator.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROGRAM, MIN, MAX, TIMEOUT, ARG };
enum { MOST_ANSWER = 64 << 10, TICK_MS = 50 };

extern char **environ;

/* ------------------------------------------------------------------------------------ the two files */

typedef struct exchange {
    char *folder, *source, *target;
} exchange;

static int save(const ff_label *l, const char *path)
{
    ff_tensor *t;
    int code = ff_tensor_create(FF_FLOAT, l->form->at[0].rank, l->form->at[0].dims, &t);
    if (code)
        return code;
    memcpy(t->data, l->output, t->bytes);
    code = ff_tensor_save_npy(t, path, true);
    ff_tensor_unref(t);
    return code;
}

static int exchange_begin(exchange *e, const sample *s)
{
    const char *tmp = getenv("TMPDIR");
    e->folder = ff_path_join(tmp && *tmp ? tmp : "/tmp", "fetafix-XXXXXX");
    if (!mkdtemp(e->folder)) {
        int code = ff_fail(FF_ERR_INPUT, "'%s': %s", e->folder, strerror(errno));
        free(e->folder);
        e->folder = NULL;
        return code;
    }
    e->source = ff_path_join(e->folder, "source.npy");
    e->target = ff_path_join(e->folder, "target.npy");
    int code = save(s->source, e->source);
    return code ? code : save(s->target, e->target);
}

static void exchange_end(exchange *e)
{
    if (!e->folder)
        return;
    unlink(e->source);
    unlink(e->target);
    rmdir(e->folder);
    free(e->source);
    free(e->target);
    free(e->folder);
}

/* ---------------------------------------------------------------------------------- the program */

typedef struct child {
    pid_t pid;
    int out, err; /* our ends of its standard output and error; -1: closed */
    ff_buf answer, complaint;
} child;

static int start(const ff_comparator *c, const exchange *e, child *ch)
{
    int out[2], err[2];
    if (pipe2(out, O_CLOEXEC) != 0)
        return ff_fail(FF_ERR_INTERNAL, "pipe: %s", strerror(errno));
    if (pipe2(err, O_CLOEXEC) != 0) {
        close(out[0]);
        close(out[1]);
        return ff_fail(FF_ERR_INTERNAL, "pipe: %s", strerror(errno));
    }
    char **argv = ff_alloc_array((size_t)c->n_words + 4, sizeof *argv);
    int n = 0;
    argv[n++] = c->text[PROGRAM];
    for (int i = 0; i < c->n_words; i++)
        argv[n++] = c->words[i];
    argv[n++] = e->source;
    argv[n++] = e->target;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, usual;
    sigemptyset(&none);
    sigfillset(&usual);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, err[1], STDERR_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    int rc = posix_spawnp(&ch->pid, argv[0], &files, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    free(argv);
    close(out[1]);
    close(err[1]);
    ch->out = out[0];
    ch->err = err[0];
    if (rc == 0)
        return FF_OK;
    close(out[0]);
    close(err[0]);
    return ff_fail(FF_ERR_INPUT, "comparator '%s' cannot be started: %s", c->text[PROGRAM], strerror(rc));
}

static void take(int *fd, ff_buf *into)
{
    char bytes[4096];
    ssize_t n = read(*fd, bytes, sizeof bytes);
    if (n > 0 && into->len < MOST_ANSWER)
        ff_buf_add(into, bytes, (size_t)n);
    if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) {
        close(*fd);
        *fd = -1;
    }
}

/* Until it has ended and closed its outputs. */
static int listen_to(const ff_comparator *c, child *ch, ff_cancel *cancel, int *status)
{
    int64_t end = ff_now_ns() + (int64_t)(c->number[TIMEOUT] * 1e9);
    bool ended = false;
    int code = FF_OK;
    while (!code && !(ended && ch->out < 0 && ch->err < 0)) {
        struct pollfd p[] = {{ch->out, POLLIN, 0}, {ch->err, POLLIN, 0}};
        poll(p, 2, ended ? 1 : TICK_MS);
        if (p[0].revents)
            take(&ch->out, &ch->answer);
        if (p[1].revents)
            take(&ch->err, &ch->complaint);
        bool quiet = !p[0].revents && !p[1].revents;
        if (ended && quiet) /* a grandchild holds the pipe open: not ours to wait for */
            break;
        /* Not reaped yet: as long as it is there, its number is that of its group. */
        siginfo_t info = {0};
        ended = ended || (waitid(P_PID, (id_t)ch->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid);
        if (cancel && atomic_load(&cancel->set))
            code = ff_fail(FF_ERR_CANCELLED, "interrupted");
        else if (!ended && ff_now_ns() > end)
            code = ff_fail(FF_ERR_INPUT, "comparator '%s' gave no answer within %g s", c->text[PROGRAM],
                           c->number[TIMEOUT]);
    }
    kill(-ch->pid, SIGKILL); /* what it left running */
    waitpid(ch->pid, status, 0);
    return code;
}

static int read_answer(const ff_comparator *c, child *ch, int status, double *out)
{
    const char *program = c->text[PROGRAM];
    ff_buf_add(&ch->complaint, "", 1);
    ch->complaint.data[strcspn(ch->complaint.data, "\n")] = '\0';
    char *why = ff_visible(ch->complaint.data);
    int code = FF_OK;
    if (WIFSIGNALED(status)) {
        code = ff_fail(FF_ERR_INPUT, "comparator '%s' was ended by signal %d", program, WTERMSIG(status));
    } else if (WEXITSTATUS(status) != 0) {
        code = ff_fail(FF_ERR_INPUT, "comparator '%s' ended with exit code %d%s%s", program, WEXITSTATUS(status),
                       *why ? ": " : "", why);
    } else {
        ff_buf_add(&ch->answer, "", 1);
        char *text = ch->answer.data + strspn(ch->answer.data, " \t\r\n");
        size_t n = strlen(text);
        while (n && strchr(" \t\r\n", text[n - 1]))
            text[--n] = '\0';
        if (!ff_parse_real(text, out)) {
            text[n < 40 ? n : 40] = '\0';
            char *shown = ff_visible(text);
            code = ff_fail(FF_ERR_INPUT, "comparator '%s' answered '%s', not with a number", program, shown);
            free(shown);
        }
    }
    free(why);
    return code;
}

static int compare_program(const ff_comparator *c, const sample *s, outcome *out)
{
    exchange e = {0};
    child ch = {.out = -1, .err = -1};
    int status = 0;
    double answer = 0;
    int code = exchange_begin(&e, s);
    if (!code)
        code = start(c, &e, &ch);
    if (!code) {
        code = listen_to(c, &ch, s->cancel, &status);
        if (!code)
            code = read_answer(c, &ch, status, &answer);
    }
    if (ch.out >= 0)
        close(ch.out);
    if (ch.err >= 0)
        close(ch.err);
    ff_buf_finish(&ch.answer);
    ff_buf_finish(&ch.complaint);
    exchange_end(&e);
    if (code)
        return code == FF_ERR_CANCELLED ? code : ff_fail_prefix(code, "sample '%s'", s->name);
    out->distance = sample_distance(s);
    if (c->given[MAX]) {
        outcome_at_least(out, -answer, -c->number[MAX]);
        out->score = answer;
    } else {
        outcome_at_least(out, answer, c->number[MIN]);
    }
    return FF_OK;
}

static int check_program(ff_comparator *c)
{
    if (c->given[MIN] == c->given[MAX])
        return ff_fail(FF_ERR_USAGE, "comparator program needs min=NUMBER or max=NUMBER (what its answer must be)");
    return FF_OK;
}

static const comparator_kind kinds[] = {
    {"program", "program:FILE,min=X|max=X[,timeout=SECONDS][,arg=WORD]...",
     "FILE [WORD]... SOURCE.npy TARGET.npy prints a number, which is to be at least (at most) X; without a shell, "
     "within 60 seconds a sample",
     "outputs are judged different", .compare = compare_program, .prepare = check_program,
     .parameters = {{"file", PARAMETER_TEXT, .needed = true},
                    {"min", PARAMETER_REAL, 0, -1e300, 1e300, false},
                    {"max", PARAMETER_REAL, 0, -1e300, 1e300, false},
                    {"timeout", PARAMETER_REAL, 60, 0.01, 86400, false},
                    {"arg", PARAMETER_TEXT, .needed = false}}},
};
const comparator_family program_comparators = {kinds, FF_COUNT(kinds)};
