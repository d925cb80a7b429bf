/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "terminal.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "theme.h"

static struct {
    SCREEN *screen;
    bool active;      /* the terminal is ours at this moment */
    bool utf8, ascii; /* what the locale can; what is drawn */
    bool can_mouse, mouse, can_paste, has_region;
    ui_canvas painted; /* what the terminal shows */
    cchar_t *row;
    int row_size;
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
    int bit = number == SIGWINCH  ? UI_SIG_RESIZE
              : number == SIGTSTP ? UI_SIG_STOP
              : number == SIGCONT ? UI_SIG_CONTINUE
              : number == SIGINT  ? UI_SIG_INTERRUPT
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

/* A terminfo string, without its padding; "" when there is none. */
static const char *capability(const char *name, char *out, size_t size)
{
    const char *s = tigetstr(name);
    size_t n = 0;
    out[0] = '\0';
    if (!s || s == (char *)-1)
        return out;
    while (*s && n + 1 < size) {
        if (s[0] == '$' && s[1] == '<') {
            const char *end = strchr(s, '>');
            if (end) {
                s = end + 1;
                continue;
            }
        }
        out[n++] = *s++;
    }
    out[n] = '\0';
    return out;
}

static void send(const char *s)
{
    size_t n = strlen(s);
    while (n > 0) {
        ssize_t w = write(STDOUT_FILENO, s, n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            return;
        s += w;
        n -= (size_t)w;
    }
}

#define MOUSE_ON  "\x1b[?1000h\x1b[?1006h"
#define MOUSE_OFF "\x1b[?1006l\x1b[?1000l"
#define PASTE_ON  "\x1b[?2004h"
#define PASTE_OFF "\x1b[?2004l"

/* Whole-screen scrolling, the cursor where it is. curses sets regions by the size it believes in, which may be old when
 * a window is resized while it is left. */
#define REGION_OFF                                                                                                     \
    "\x1b"                                                                                                             \
    "7\x1b[r\x1b"                                                                                                      \
    "8"

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
        capability(names[i], one, sizeof one);
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
    curs_set(1);
    endwin();
    send(capability("cnorm", text, sizeof text)); /* curses may think that it is visible already */
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
    typeahead(-1); /* a screen is painted whole, also while keys wait */
    leaveok(stdscr, FALSE);
    scrollok(stdscr, FALSE);
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
        return ff_fail(FF_ERR_USAGE, "terminal '%s' is not known, the explorer cannot draw: %s", name, hint);
    bool addressable = *capability("cup", text, sizeof text) != '\0';
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
    term.can_mouse = term.mouse = *capability("kmous", text, sizeof text) != '\0';
    term.has_region = strcmp(capability("csr", text, sizeof text), "\x1b[%i%p1%d;%p2%dr") == 0;
    term.can_paste = *capability("BE", text, sizeof text) != '\0';
    ui_theme_set_pixels(!term.ascii);
    prepare_restore();
    catch_signals();
    modes();
    ui_theme_start(color);
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
    ui_canvas_finish(&term.painted);
    free(term.row);
    term.row = NULL;
    term.row_size = 0;
}

void ui_term_redraw(void)
{
    clearok(curscr, TRUE);
    ui_canvas_reset(&term.painted, 0, 0);
}

void ui_term_restart(void)
{
    char text[64];

    reset_prog_mode();
    modes();
    curs_set(1); /* some terminals keep its state with the alternate screen */
    send(capability("cnorm", text, sizeof text));
    send(capability("smcup", text, sizeof text));
    send(capability("smkx", text, sizeof text));
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
    reset_prog_mode();
    modes(); /* endwin() took back what keypad() had told the terminal */
    begin();
    ui_term_redraw(); /* the next refresh() enters curses again */
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
    ui_theme_set_pixels(!term.ascii);
    ui_term_redraw();
}

void ui_term_learn_keys(ui_input *in)
{
    static const struct {
        const char *capability, *key;
    } keys[] = {
        {"kcuu1", "Up"},   {"kcud1", "Down"}, {"kcub1", "Left"}, {"kcuf1", "Right"},  {"khome", "Home"},
        {"kend", "End"},   {"kpp", "PgUp"},   {"knp", "PgDn"},   {"kich1", "Insert"}, {"kdch1", "Delete"},
        {"kcbt", "S-Tab"}, {"kf1", "F1"},     {"kf2", "F2"},     {"kf3", "F3"},       {"kf4", "F4"},
        {"kf5", "F5"},     {"kf6", "F6"},     {"kf7", "F7"},     {"kf8", "F8"},       {"kf9", "F9"},
        {"kf10", "F10"},   {"kf11", "F11"},   {"kf12", "F12"},
    };
    char text[64];
    for (size_t i = 0; i < FF_COUNT(keys); i++) {
        capability(keys[i].capability, text, sizeof text);
        if (text[0] == '\x1b' && text[1])
            ui_input_learn(in, text, keys[i].key);
    }
}

/* ----------------------------------------------------------------------------------- painting */

/* One cell for curses. Where the C library sees another width than we do, the columns of the row
 * would shift: a question mark stands for such a character. */
static void convert(const ui_cell *cell, cchar_t *out)
{
    wchar_t text[3] = {(wchar_t)cell->c, 0, 0};
    int pair = 0;
    attr_t attributes = ui_theme_attributes(cell->style, &pair);

    if (cell->fg) {
        pair = ui_theme_pixel_pair(cell->fg & 0xffffff, cell->bg & 0xffffff);
        attributes = 0;
    }

    if (term.ascii) {
        text[0] = (wchar_t)ui_ascii(cell->c);
    } else if (cell->c > 0x7e) {
        if (wcwidth((wchar_t)cell->c) != ff_codepoint_width(cell->c))
            text[0] = L'?';
        else if (cell->mark && wcwidth((wchar_t)cell->mark) == 0)
            text[1] = (wchar_t)cell->mark;
    }
    setcchar(out, text, attributes, (short)pair, &pair);
}

void ui_term_paint(const ui_canvas *c, int x, int y)
{
    int width = c->width < COLS ? c->width : COLS;
    int height = c->height < LINES ? c->height : LINES;
    bool all = term.painted.width != c->width || term.painted.height != c->height;

    if (all)
        ui_canvas_reset(&term.painted, c->width, c->height);
    if (term.row_size < width * 2 + 2) {
        term.row_size = width * 2 + 2;
        term.row = ff_realloc_array(term.row, (size_t)term.row_size, sizeof *term.row);
    }
    for (int row = 0; row < height; row++) {
        const ui_cell *cells = c->cells + (size_t)row * (size_t)c->width;
        ui_cell *old = term.painted.cells + (size_t)row * (size_t)c->width;
        size_t bytes = (size_t)c->width * sizeof *cells;
        if (!all && memcmp(cells, old, bytes) == 0)
            continue;
        memcpy(old, cells, bytes);
        int n = 0;
        for (int i = 0; i < width; i++) {
            if (!cells[i].c)
                continue;
            convert(&cells[i], &term.row[n++]);
            bool wide = i + 1 < width && cells[i + 1].c == 0;
            wchar_t text[CCHARW_MAX + 1];
            attr_t attributes;
            short pair;
            int extended;
            if (wide && getcchar(&term.row[n - 1], text, &attributes, &pair, &extended) == OK &&
                wcwidth(text[0]) == 1) {
                ui_cell blank = {.c = ' ', .style = cells[i].style};
                convert(&blank, &term.row[n++]);
            }
        }
        mvadd_wchnstr(row, 0, term.row, n);
    }
    curs_set(x >= 0);
    move(y >= 0 && y < height ? y : height - 1, x >= 0 && x < width ? x : width - 1);
    refresh();
}
