/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>

#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <utmp.h>
#include <unistd.h>
#include <vterm.h>

#include <cmocka.h>

enum {
    PATIENCE_MS = 120000, /* of a machine that is slow, and of sanitizers */
    SILENT_MS = 100,      /* where it cannot be seen what the program does */
    BUSY_MS = 700,        /* a program that counts progress never rests */
    ESCAPE_MS = 25,       /* it waits so long for the rest of a key */
    LOOKS_MAX = 52
};

struct terminal {
    int fd, slave; /* our end; the program's, kept open so that its modes can be read */
    pid_t pid;
    int columns, rows, status;
    bool ended, alternate, cursor;
    struct termios modes;
    VTerm *vt;
    VTermScreen *screen;
};

static int on_property(VTermProp property, VTermValue *value, void *user)
{
    terminal *t = user;
    if (property == VTERM_PROP_ALTSCREEN)
        t->alternate = value->boolean;
    if (property == VTERM_PROP_CURSORVISIBLE)
        t->cursor = value->boolean;
    return 1;
}

const char *const terminal_env[] = {"TERM=screen-256color",
                                    "LC_ALL=C.UTF-8",
                                    "NO_COLOR",
                                    "COLORFGBG",
                                    "XDG_STATE_HOME=/nonexistent",
                                    "XDG_DATA_HOME=/nonexistent",
                                    NULL};

terminal *terminal_start(const char *const *argv, int columns, int rows, const char *const *env)
{
    static const VTermScreenCallbacks callbacks = {.settermprop = on_property};
    terminal *t = ff_alloc(sizeof *t);
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};

    if (openpty(&t->fd, &t->slave, NULL, NULL, &size) != 0) {
        free(t);
        return NULL;
    }
    tcgetattr(t->slave, &t->modes);
    t->columns = columns;
    t->rows = rows;
    t->cursor = true;
    t->pid = fork();
    if (t->pid == 0) {
        close(t->fd);
        login_tty(t->slave);
        for (; env && *env; env++) {
            if (strchr(*env, '='))
                putenv((char *)*env);
            else
                unsetenv(*env);
        }
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    t->vt = vterm_new(rows, columns);
    vterm_set_utf8(t->vt, 1);
    t->screen = vterm_obtain_screen(t->vt);
    vterm_screen_enable_altscreen(t->screen, 1);
    vterm_screen_set_callbacks(t->screen, &callbacks, t);
    vterm_screen_reset(t->screen, 1);
    return t;
}

void terminal_destroy(terminal *t)
{
    if (!t)
        return;
    if (!t->ended) {
        kill(t->pid, SIGKILL);
        waitpid(t->pid, NULL, 0);
    }
    terminal_vanish(t);
    vterm_free(t->vt);
    free(t);
}

void terminal_vanish(terminal *t)
{
    if (t->fd >= 0) {
        close(t->fd);
        close(t->slave);
    }
    t->fd = t->slave = -1;
}

pid_t terminal_pid(const terminal *t)
{
    return t->pid;
}

/* Takes what the program wrote; false when nothing came within `ms`. */
static bool pump(terminal *t, int ms)
{
    char bytes[8192];
    struct pollfd p = {.fd = t->fd, .events = POLLIN};
    if (poll(&p, 1, ms) <= 0)
        return false;
    ssize_t n = read(t->fd, bytes, sizeof bytes);
    if (n <= 0)
        return false;
    vterm_input_write(t->vt, bytes, (size_t)n);
    return true;
}

/* What the program's first thread does. */
typedef enum activity { UNSEEN, WORKS, WAITS } activity;

/* As Linux tells: it waits when it has read all keys and is in poll(); then *timeout is for how long. */
static activity activity_of(const terminal *t, int *timeout)
{
    struct pollfd unread = {.fd = t->slave, .events = POLLIN}; /* poll() takes what is on its way, FIONREAD does not */
    if (poll(&unread, 1, 0) != 0)
        return WORKS;
#ifdef SYS_poll
    char path[48], text[160] = "";
    long number;
    unsigned long long argument;
    snprintf(path, sizeof path, "/proc/%d/syscall", (int)t->pid);
    FILE *f = fopen(path, "r");
    bool seen = f && fgets(text, sizeof text, f);
    if (f)
        fclose(f);
    if (seen && strncmp(text, "running", 7) == 0)
        return WORKS;
    if (seen && sscanf(text, "%ld %*x %*x %llx", &number, &argument) == 2 && number == SYS_poll) {
        *timeout = (int)(unsigned)argument;
        return WAITS;
    }
#endif
    return UNSEEN;
}

/* Until all keys are answered; with `rest` also until nothing is due that it would do by itself. Where it is unseen
 * what the program does, until it has read the keys and is silent for a while. */
static void await(terminal *t, bool rest)
{
    int64_t start = ff_now_ns(), heard = start, answered = 0;
    for (int64_t now = start; now - start < PATIENCE_MS * 1000000LL; now = ff_now_ns()) {
        int timeout = 0;
        activity is = activity_of(t, &timeout);
        bool done = is == WAITS && (timeout < 0 || timeout > ESCAPE_MS);
        if (pump(t, done ? 0 : 1)) { /* what it wrote before */
            heard = ff_now_ns();
            continue;
        }
        if (is == WORKS)
            heard = now;
        if (done && (!rest || timeout < 0))
            return;
        if (done && !answered)
            answered = now;
        if (answered && now - answered > BUSY_MS * 1000000LL)
            return;
        if (is == UNSEEN && now - heard > SILENT_MS * 1000000LL)
            return;
    }
}

void terminal_settle(terminal *t)
{
    await(t, true);
}

static void row_text(const terminal *t, int row, ff_buf *out)
{
    size_t end = out->len;
    for (int x = 0; x < t->columns; x++) {
        VTermScreenCell cell;
        vterm_screen_get_cell(t->screen, (VTermPos){row, x}, &cell);
        if (cell.chars[0] == (uint32_t)-1)
            continue;
        for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && (i == 0 || cell.chars[i]); i++) {
            char bytes[4];
            ff_buf_add(out, bytes, ff_utf8_encode(cell.chars[i] ? cell.chars[i] : ' ', bytes));
        }
        if (cell.chars[0] && cell.chars[0] != ' ')
            end = out->len;
    }
    out->len = end;
    out->data[end] = '\0';
    ff_buf_putc(out, '\n');
}

/* What a cell looks like, in words. */
static void look_of(const terminal *t, int row, int x, char out[96])
{
    VTermScreenCell c;
    char fg[32] = "-", bg[32] = "-";
    vterm_screen_get_cell(t->screen, (VTermPos){row, x}, &c);
    if (VTERM_COLOR_IS_INDEXED(&c.fg))
        snprintf(fg, sizeof fg, "%d", c.fg.indexed.idx);
    else if (!VTERM_COLOR_IS_DEFAULT_FG(&c.fg))
        snprintf(fg, sizeof fg, "#%02x%02x%02x", c.fg.rgb.red, c.fg.rgb.green, c.fg.rgb.blue);
    if (VTERM_COLOR_IS_INDEXED(&c.bg))
        snprintf(bg, sizeof bg, "%d", c.bg.indexed.idx);
    else if (!VTERM_COLOR_IS_DEFAULT_BG(&c.bg))
        snprintf(bg, sizeof bg, "#%02x%02x%02x", c.bg.rgb.red, c.bg.rgb.green, c.bg.rgb.blue);
    snprintf(out, 96, "%s on %s%s%s%s", fg, bg, c.attrs.bold ? " bold" : "", c.attrs.underline ? " underline" : "",
             c.attrs.reverse ? " reverse" : "");
}

void terminal_capture(terminal *t, bool styles, ff_buf *out)
{
    char looks[LOOKS_MAX][96];
    int n = 0;

    for (int y = 0; y < t->rows; y++)
        row_text(t, y, out);
    if (!styles)
        return;
    ff_buf_puts(out, "--- looks\n");
    for (int y = 0; y < t->rows; y++) {
        int run = 0, last = -1;
        for (int x = 0; x <= t->columns; x++) {
            int k = -1;
            if (x < t->columns) {
                char look[96];
                look_of(t, y, x, look);
                for (k = 0; k < n && strcmp(looks[k], look) != 0; k++)
                    ;
                if (k == n && n < LOOKS_MAX)
                    strcpy(looks[n++], look);
            }
            if (k != last && run) {
                ff_buf_printf(out, "%d%c", run, last < 26 ? 'a' + last : 'A' + last - 26);
                run = 0;
            }
            last = k;
            run++;
        }
        ff_buf_putc(out, '\n');
    }
    for (int k = 0; k < n; k++)
        ff_buf_printf(out, "%c: %s\n", k < 26 ? 'a' + k : 'A' + k - 26, looks[k]);
}

bool terminal_colours(const terminal *t)
{
    for (int y = 0; y < t->rows; y++) {
        for (int x = 0; x < t->columns; x++) {
            VTermScreenCell c;
            vterm_screen_get_cell(t->screen, (VTermPos){y, x}, &c);
            if (!VTERM_COLOR_IS_DEFAULT_FG(&c.fg) || !VTERM_COLOR_IS_DEFAULT_BG(&c.bg))
                return true;
        }
    }
    return false;
}

bool terminal_holds(terminal *t, const char *text)
{
    ff_buf b = {0};
    terminal_capture(t, false, &b);
    bool found = strstr(b.data, text) != NULL;
    ff_buf_finish(&b);
    return found;
}

/* Whether it has ended. */
static bool has_ended(terminal *t, const void *unused)
{
    int status;
    (void)unused;
    if (!t->ended && waitpid(t->pid, &status, WNOHANG) == t->pid) {
        t->ended = true;
        t->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return t->ended;
}

bool terminal_wait(terminal *t, terminal_test *is, const void *what)
{
    int64_t end = ff_now_ns() + PATIENCE_MS * 1000000LL;
    while (!is(t, what) && ff_now_ns() < end) {
        if (!pump(t, 50) && has_ended(t, NULL)) {
            while (pump(t, 50)) /* its last words */
                ;
            break;
        }
    }
    return is(t, what);
}

static bool holds(terminal *t, const void *text)
{
    return terminal_holds(t, text);
}

static bool holds_not(terminal *t, const void *text)
{
    return !terminal_holds(t, text);
}

void terminal_fail(terminal *t, const char *why, const char *text)
{
    ff_buf b = {0};
    terminal_capture(t, false, &b);
    fprintf(stderr, "%s", b.data); /* too long for fail_msg() */
    ff_buf_finish(&b);
    fail_msg("%s: %s", why, text);
}

void terminal_expect(terminal *t, const char *text)
{
    if (!terminal_wait(t, holds, text))
        terminal_fail(t, "waited in vain for", text);
}

void terminal_expect_gone(terminal *t, const char *text)
{
    if (!terminal_wait(t, holds_not, text))
        terminal_fail(t, "does not go away", text);
}

bool terminal_alternate(const terminal *t)
{
    return t->alternate;
}

bool terminal_cursor(const terminal *t)
{
    return t->cursor;
}

bool terminal_modes_kept(const terminal *t)
{
    struct termios now;
    return tcgetattr(t->slave, &now) == 0 && now.c_iflag == t->modes.c_iflag && now.c_oflag == t->modes.c_oflag &&
           now.c_lflag == t->modes.c_lflag;
}

void terminal_resize(terminal *t, int columns, int rows)
{
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    t->columns = columns;
    t->rows = rows;
    vterm_set_size(t->vt, rows, columns);
    ioctl(t->fd, TIOCSWINSZ, &size); /* the kernel sends SIGWINCH */
}

static void press(terminal *t, const char *key)
{
    static const struct {
        const char *name, *bytes;
    } keys[] = {
        {"Enter", "\r"},     {"Tab", "\t"},       {"Escape", "\x1b"},  {"Space", " "},      {"Backspace", "\x7f"},
        {"Up", "\x1bOA"},    {"Down", "\x1bOB"},  {"Right", "\x1bOC"}, {"Left", "\x1bOD"},  {"PgUp", "\x1b[5~"},
        {"PgDn", "\x1b[6~"}, {"Home", "\x1b[1~"}, {"End", "\x1b[4~"},  {"S-Tab", "\x1b[Z"}, {"F1", "\x1bOP"},
    };
    char bytes[64];
    int x, y;

    snprintf(bytes, sizeof bytes, "%s", strncmp(key, "text:", 5) == 0 ? key + 5 : key);
    for (size_t i = 0; i < FF_COUNT(keys); i++) {
        if (strcmp(keys[i].name, key) == 0)
            snprintf(bytes, sizeof bytes, "%s", keys[i].bytes);
    }
    if (strncmp(key, "C-", 2) == 0 && key[2])
        snprintf(bytes, sizeof bytes, "%c", key[2] & 31);
    if (sscanf(key, "click:%d,%d", &x, &y) == 2)
        snprintf(bytes, sizeof bytes, "\x1b[<0;%d;%dM\x1b[<0;%d;%dm", x, y, x, y);
    ssize_t ignored = write(t->fd, bytes, strlen(bytes));
    (void)ignored;
}

void terminal_press(terminal *t, const char *keys)
{
    char *copy = ff_strdup(keys), *save = NULL;
    for (char *k = strtok_r(copy, " ", &save); k; k = strtok_r(NULL, " ", &save)) {
        bool rest = strcmp(k, "rest") == 0;
        if (!rest)
            press(t, k);
        await(t, rest);
    }
    free(copy);
}

void terminal_type(terminal *t, const char *text)
{
    ssize_t ignored = write(t->fd, text, strlen(text));
    (void)ignored;
    await(t, false);
}

void terminal_expect_exit(terminal *t, int code)
{
    if (!terminal_wait(t, has_ended, NULL))
        terminal_fail(t, "waited in vain for", "its end");
    while (pump(t, 50))
        ;
    if (t->status != code) {
        char *status = ff_asprintf("%d, not %d", t->status, code);
        terminal_fail(t, "its exit code is", status);
    }
    if (t->fd >= 0 && code != 128 + SIGKILL)
        assert_true(terminal_modes_kept(t));
}

static bool has_ended_or_holds(terminal *t, const void *text)
{
    return has_ended(t, NULL) || terminal_holds(t, text);
}

bool terminal_expect_or_exit(terminal *t, const char *text)
{
    if (!terminal_wait(t, has_ended_or_holds, text))
        terminal_fail(t, "waited in vain for its end or", text);
    return !t->ended;
}
