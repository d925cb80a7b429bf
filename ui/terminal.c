/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "terminal.h"

#include "fetafix/command.h"
#include "paint.h"
#include "theme.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

static struct {
    SCREEN *screen;
    bool active;      /* the terminal is ours at this moment */
    bool utf8, ascii; /* what the locale can; what is drawn */
    bool can_mouse, mouse, can_paste, has_region;
    ui_painter *painter;
    int colours; /* changes of the user's colours that are painted */
    int pipe[2];
} term = {.pipe = {-1, -1}};

/* What a signal handler needs, made beforehand. */
static struct termios saved_modes;
static volatile sig_atomic_t have_modes;
static char restore_text[256];
static volatile sig_atomic_t restore_length;
static atomic_int signals_set;

/* ------------------------------------------------------------------------------------ signals */

static void wake(void)
{
    ssize_t ignored = write(term.pipe[1], "", 1);
    (void)ignored;
}

static void on_signal(int number)
{
    int e = errno;
    int bit = number == SIGWINCH                        ? UI_SIG_RESIZE
              : number == SIGTSTP                       ? UI_SIG_STOP
              : number == SIGCONT                       ? UI_SIG_CONTINUE
              : number == SIGINT                        ? UI_SIG_INTERRUPT
                                                        : UI_SIG_END;
    atomic_fetch_or(&signals_set, bit);
    wake();
    errno = e;
}

/* Async-signal-safe: gives the terminal back with nothing but write() and tcsetattr(). */
static void restore_now(void)
{
    if (restore_length) {
        ssize_t ignored = write(STDOUT_FILENO, restore_text, (size_t)restore_length);
        (void)ignored;
        restore_length = 0;
    }
    if (have_modes)
        tcsetattr(STDIN_FILENO, TCSANOW, &saved_modes);
}

static void on_crash(int number)
{
    restore_now();
    signal(number, SIG_DFL);
    raise(number);
}

static void catch_signal(int number, void (*handler)(int), int flags)
{
    struct sigaction a = {.sa_handler = handler, .sa_flags = flags};
    sigfillset(&a.sa_mask);
    sigaction(number, &a, NULL);
}

static void catch_signals(void)
{
    static const int ours[] = {SIGWINCH, SIGTSTP, SIGCONT, SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    static char stack[16384];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};

    for (size_t i = 0; i < FF_COUNT(ours); i++)
        catch_signal(ours[i], on_signal, SA_RESTART);
    sigaltstack(&alternate, NULL);
    for (size_t i = 0; i < FF_COUNT(crashes); i++)
        catch_signal(crashes[i], on_crash, SA_ONSTACK | SA_RESETHAND);
    signal(SIGPIPE, SIG_IGN);
}

int ui_term_signal_fd(void)
{
    return term.pipe[0];
}

int ui_term_signals(void)
{
    char drain[64];
    while (read(term.pipe[0], drain, sizeof drain) > 0)
        ;
    return atomic_exchange(&signals_set, 0);
}

/* -------------------------------------------------------------------------------------- modes */

static void send_bytes(const char *s, size_t n)
{
    while (n > 0) {
        ssize_t w = write(STDOUT_FILENO, s, n);
        if (w < 0 && errno == EAGAIN)
            poll(&(struct pollfd){.fd = STDOUT_FILENO, .events = POLLOUT}, 1, -1);
        else if (w <= 0 && errno != EINTR)
            return;
        if (w > 0) {
            s += w;
            n -= (size_t)w;
        }
    }
}

static void send(const char *s)
{
    send_bytes(s, strlen(s));
}

#define MOUSE_ON "\x1b[?1000h\x1b[?1006h"
#define MOUSE_OFF "\x1b[?1006l\x1b[?1000l"
#define PASTE_ON "\x1b[?2004h"
#define PASTE_OFF "\x1b[?2004l"

/* Whole-screen scrolling, the cursor where it is. curses sets regions by the size it believes in, which may be old when
 * a window is resized while it is left. */
#define REGION_OFF "\x1b" "7\x1b[r\x1b" "8"

static void extra_modes(bool on)
{
    if (term.can_mouse && term.mouse)
        send(on ? MOUSE_ON : MOUSE_OFF);
    if (term.can_paste)
        send(on ? PASTE_ON : PASTE_OFF);
}

static void prepare_restore(void)
{
    static const char *const names[] = {"rmkx", "sgr0", "cnorm", "rmcup"};
    char one[64];
    restore_text[0] = '\0';
    if (term.can_mouse)
        strcat(restore_text, MOUSE_OFF);
    if (term.can_paste)
        strcat(restore_text, PASTE_OFF);
    for (size_t i = 0; i < FF_COUNT(names); i++) {
        ui_capability(names[i], one, sizeof one);
        if (strlen(restore_text) + strlen(one) < sizeof restore_text)
            strcat(restore_text, one);
    }
    if (term.has_region && strlen(restore_text) + sizeof REGION_OFF <= sizeof restore_text)
        strcat(restore_text, REGION_OFF);
}

static void end_curses(void)
{
    char text[64];
    extra_modes(false);
    send(ui_capability("cnorm", text, sizeof text));
    endwin();
    if (term.has_region)
        send(REGION_OFF);
    term.active = false;
    restore_length = 0;
}

static void modes(void)
{
    raw();
    noecho();
    nonl();
    keypad(stdscr, TRUE); /* only so that keys send what terminfo says */
    meta(stdscr, TRUE);
    intrflush(stdscr, FALSE);
}

static void begin(void)
{
    term.active = true;
    restore_length = (sig_atomic_t)strlen(restore_text);
    extra_modes(true);
}

static void at_exit(void)
{
    ui_term_leave();
}

int ui_term_enter(int color)
{
    static const char hint[] = "use 'fetafix repair' or 'fetafix compare' instead";
    static bool registered;
    const char *name = getenv("TERM");
    char text[64];
    int error = 0;

    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return ff_fail(FF_ERR_USAGE, "the explorer needs a terminal: %s", hint);
    if (!name || !*name)
        return ff_fail(FF_ERR_USAGE, "TERM is not set, the explorer cannot draw: %s", hint);
    if (setupterm(NULL, STDOUT_FILENO, &error) != OK)
        return ff_fail(FF_ERR_USAGE, "terminal '%s' is not known, the explorer cannot draw: %s", name,
                       hint);
    bool addressable = *ui_capability("cup", text, sizeof text) && *ui_capability("clear", text, sizeof text);
    del_curterm(cur_term); /* newterm() reads it again */
    if (!addressable)
        return ff_fail(FF_ERR_USAGE, "terminal '%s' cannot place the cursor: %s", name, hint);
    if (pipe2(term.pipe, O_CLOEXEC | O_NONBLOCK) != 0)
        return ff_fail(FF_ERR_INTERNAL, "pipe: %s", strerror(errno));

    setlocale(LC_CTYPE, "");
    term.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    term.ascii = !term.utf8;
    have_modes = tcgetattr(STDIN_FILENO, &saved_modes) == 0;
    term.screen = newterm(NULL, stdout, stdin);
    if (!term.screen) {
        close(term.pipe[0]);
        close(term.pipe[1]);
        term.pipe[0] = term.pipe[1] = -1;
        return ff_fail(FF_ERR_USAGE, "terminal '%s' cannot be used: %s", name, hint);
    }
    term.can_mouse = term.mouse = *ui_capability("kmous", text, sizeof text) != '\0';
    term.has_region = strcmp(ui_capability("csr", text, sizeof text), "\x1b[%i%p1%d;%p2%dr") == 0;
    term.can_paste = *ui_capability("BE", text, sizeof text) != '\0';
    ui_theme_set_pixels(!term.ascii);
    prepare_restore();
    catch_signals();
    modes();
    ui_theme_start(color);
    term.painter = ui_painter_create();
    ui_painter_set_ascii(term.painter, term.ascii);
    begin();
    if (!registered)
        atexit(at_exit);
    registered = true;
    return FF_OK;
}

void ui_term_leave(void)
{
    if (!term.screen)
        return;
    if (term.active)
        end_curses();
    delscreen(term.screen);
    term.screen = NULL;
    if (have_modes)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &saved_modes);
    have_modes = 0;
    ui_painter_destroy(term.painter);
    term.painter = NULL;
}

void ui_term_redraw(void)
{
    ui_painter_forget(term.painter);
}

void ui_term_restart(void)
{
    char text[64];

    reset_prog_mode();
    modes();
    /* The cursor is shown before, as some terminals keep its state with the alternate screen. */
    send(ui_capability("cnorm", text, sizeof text));
    send(ui_capability("smcup", text, sizeof text));
    send(ui_capability("smkx", text, sizeof text));
    begin();
    ui_term_redraw();
}

void ui_term_suspend(void)
{
    end_curses();
    signal(SIGTSTP, SIG_DFL);
    /* The shell stops a whole job; with an orphaned process group nothing stops, and that is right. */
    kill(getpid(), SIGTSTP);
    catch_signals();
    atomic_fetch_and(&signals_set, ~(UI_SIG_STOP | UI_SIG_CONTINUE));
    ui_term_restart();
}

void ui_term_size(int *width, int *height)
{
    struct winsize w;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 && w.ws_row > 0) {
        if (w.ws_col != COLS || w.ws_row != LINES) {
            resizeterm(w.ws_row, w.ws_col);
            ui_term_redraw();
        }
    }
    *width = COLS;
    *height = LINES;
}

void ui_term_set_mouse(bool on)
{
    if (on == term.mouse)
        return;
    if (term.can_mouse)
        send(on ? MOUSE_ON : MOUSE_OFF);
    term.mouse = on;
}

bool ui_term_mouse(void)
{
    return term.can_mouse && term.mouse;
}

void ui_term_set_glyphs(ui_glyphs g)
{
    term.ascii = g == UI_GLYPHS_ASCII || (g == UI_GLYPHS_AUTO && !term.utf8) || !term.utf8;
    ui_painter_set_ascii(term.painter, term.ascii);
    ui_theme_set_pixels(!term.ascii);
    ui_term_redraw();
}

void ui_term_learn_keys(ui_input *in)
{
    static const struct {
        const char *capability, *key;
    } keys[] = {
        {"kcuu1", "Up"}, {"kcud1", "Down"}, {"kcub1", "Left"}, {"kcuf1", "Right"}, {"khome", "Home"},
        {"kend", "End"}, {"kpp", "PgUp"}, {"knp", "PgDn"}, {"kich1", "Insert"}, {"kdch1", "Delete"},
        {"kcbt", "S-Tab"}, {"kf1", "F1"}, {"kf2", "F2"}, {"kf3", "F3"}, {"kf4", "F4"}, {"kf5", "F5"},
        {"kf6", "F6"}, {"kf7", "F7"}, {"kf8", "F8"}, {"kf9", "F9"}, {"kf10", "F10"}, {"kf11", "F11"},
        {"kf12", "F12"},
    };
    char text[64];
    for (size_t i = 0; i < FF_COUNT(keys); i++) {
        ui_capability(keys[i].capability, text, sizeof text);
        if (text[0] == '\x1b' && text[1])
            ui_input_learn(in, text, keys[i].key);
    }
}

void ui_term_paint(const ui_canvas *c, int x, int y)
{
    if (term.colours != ff_color_changes())
        ui_painter_forget(term.painter);
    term.colours = ff_color_changes();
    const ff_buf *bytes = ui_painter_paint(term.painter, c, COLS, LINES, x, y);
    send_bytes(bytes->data, bytes->len);
}
