/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Work in a process of its own: what a library does over a hostile file ends there. */
#include "fetafix/base.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUT_OF_MEMORY = 55 }; /* how a child ends that has none left */

/* What comes first through the pipe; the message and the bytes follow. */
typedef struct header {
    int32_t code;
    uint32_t message;
    uint64_t bytes;
} header;

static bool write_all(int fd, const void *data, size_t n)
{
    const char *p = data;
    while (n > 0) {
        ssize_t got = write(fd, p, n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        p += got;
        n -= (size_t)got;
    }
    return true;
}

/* Fewer bytes than asked for: the other end is gone. */
static size_t read_all(int fd, void *data, size_t n)
{
    size_t done = 0;
    while (done < n) {
        ssize_t got = read(fd, (char *)data + done, n - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        done += (size_t)got;
    }
    return done;
}

static void limit(int resource, rlim_t to)
{
    struct rlimit r;
    if (getrlimit(resource, &r) == 0 && (r.rlim_cur == RLIM_INFINITY || r.rlim_cur > to)) {
        r.rlim_cur = to;
        setrlimit(resource, &r);
    }
}

#ifndef __SANITIZE_ADDRESS__
/* Bytes of address space that are in use already. */
static uint64_t mapped(void)
{
    unsigned long long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f) {
        if (fscanf(f, "%llu", &pages) != 1)
            pages = 0;
        fclose(f);
    }
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}
#endif

static void out_of_memory(void)
{
    _exit(OUT_OF_MEMORY);
}

static void FF_NORETURN child(int fd, ff_isolated *fn, void *context, const ff_isolate_limits *limits)
{
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGXCPU};
    for (size_t i = 0; i < FF_COUNT(fatal); i++)
        signal(fatal[i], SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, (rlim_t)(limits->seconds + 1));
#ifndef __SANITIZE_ADDRESS__ /* whose shadow is larger than any limit */
    limit(RLIMIT_AS, (rlim_t)(mapped() + limits->memory));
#endif
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
    }
    ff_set_oom_handler(out_of_memory);
    ff_buf out = {0};
    int code = fn(context, &out);
    const char *message = code ? ff_error() : "";
    header h = {code, (uint32_t)strlen(message), code ? 0 : out.len};
    if (!write_all(fd, &h, sizeof h) || !write_all(fd, message, h.message) || !write_all(fd, out.data, h.bytes))
        _exit(1);
    _exit(0);
}

/* What the child said, or why it said nothing. */
static int receive(int fd, const ff_isolate_limits *limits, ff_buf *out, bool *whole)
{
    header h;
    *whole = false;
    if (read_all(fd, &h, sizeof h) != sizeof h || h.message > 65536 || h.bytes > limits->memory)
        return FF_OK;
    char *message = ff_alloc(h.message + 1);
    char *bytes = ff_try_alloc_unset(h.bytes + 1);
    int code = bytes ? FF_OK : FF_ERR_NOMEM;
    if (code == FF_OK && read_all(fd, message, h.message) == h.message && read_all(fd, bytes, h.bytes) == h.bytes) {
        *whole = true;
        ff_buf_add(out, bytes, h.bytes);
        if (h.code)
            code = ff_fail(h.code, "%s", message);
    }
    free(bytes);
    free(message);
    return code;
}

int ff_isolate(ff_isolated *fn, void *context, const ff_isolate_limits *limits, ff_buf *out)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return ff_fail(FF_ERR_INTERNAL, "no pipe to another process: %s", strerror(errno));
    pid_t pid = fork();
    if (pid < 0) {
        int why = errno;
        close(ends[0]);
        close(ends[1]);
        return ff_fail(why == ENOMEM ? FF_ERR_NOMEM : FF_ERR_INTERNAL, "no other process: %s", strerror(why));
    }
    if (pid == 0) {
        close(ends[0]);
        child(ends[1], fn, context, limits);
    }
    close(ends[1]);
    bool whole;
    int code = receive(ends[0], limits, out, &whole);
    close(ends[0]);
    if (!whole)
        kill(pid, SIGKILL);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (whole || code)
        return code;
    if (WIFEXITED(status) && WEXITSTATUS(status) == OUT_OF_MEMORY)
        return ff_fail(FF_ERR_NOMEM, "out of memory");
    return ff_fail(FF_ERR_INPUT, "damaged: its library gave up over it");
}
