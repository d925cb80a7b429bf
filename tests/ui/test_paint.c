/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The painter against a terminal emulator: canvases at random, one after the other, and after each paint the terminal
 * shows every character of the canvas where it belongs. Nothing is sent for what is there already.
 */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <vterm.h>

#include "paint.h"

/* Last: its macros are short words. */
#include <curses.h>
#include <term.h>

enum { WIDTH = 23, HEIGHT = 7, ROUNDS = 400 };

static const char *const terms[] = {"xterm-256color", "screen-256color", "xterm", "linux", "vt100"};

static unsigned next(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* A few texts at random places: plain, wide, with a combining mark, blanks, a picture; some cut each other. */
static void scribble(ui_canvas *c, unsigned *state)
{
    static const char *const texts[] = {"abc", "\xe6\xbc\xa2\xe5\xad\x97", "e\xcc\x81t\xc3\xa9", "      ", "\xe2\x94\x82\xe2\x96\x88", "x"};
    for (unsigned n = next(state) % 5; n > 0; n--) {
        ui_rect r = {(int)(next(state) % WIDTH), (int)(next(state) % HEIGHT), 8, 1};
        if (r.x + r.width > WIDTH)
            r.width = WIDTH - r.x;
        ui_pen p = ui_pen_at(c, r, 0);
        ui_style s = {(uint8_t)(next(state) % INK_COUNT), (uint8_t)(next(state) % PAPER_COUNT), (uint8_t)(next(state) % 8)};
        ui_pen_text(&p, s, texts[next(state) % FF_COUNT(texts)]);
        if (next(state) % 9 == 0) {
            ui_cell *cell = ui_canvas_at(c, (int)(next(state) % WIDTH), r.y);
            *cell = (ui_cell){.c = 0x2580, .fg = UI_RGB | next(state), .bg = UI_RGB | next(state)};
        }
    }
    if (next(state) % 20 == 0)
        ui_canvas_clear(c, (ui_rect){(int)(next(state) % WIDTH), 0, WIDTH, HEIGHT}, PAPER_NONE);
}

/* The character the terminal has to show there; 0: the right half of a wide one. */
static uint32_t wanted(const ui_canvas *c, int x, int y)
{
    const ui_cell *row = c->cells + y * WIDTH, *cell = &row[x];
    if (!cell->c)
        return x > 0 && row[x - 1].c && ff_codepoint_width(row[x - 1].c) == 2 ? 0 : ' ';
    if (ff_codepoint_width(cell->c) == 2 && (x + 1 == WIDTH || row[x + 1].c))
        return ' ';
    return cell->c;
}

static void check(VTermScreen *screen, const ui_canvas *c, bool ascii, const char *term, int round)
{
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            VTermScreenCell cell;
            vterm_screen_get_cell(screen, (VTermPos){y, x}, &cell);
            uint32_t want = wanted(c, x, y), got = cell.chars[0];
            if (want == 0 || got == (uint32_t)-1) {
                if (ascii ? got != ' ' && got != 0 : got != (uint32_t)-1 || want)
                    fail_msg("%s, round %d: half at %d,%d is %x", term, round, x, y, got);
                continue;
            }
            want = ascii ? (unsigned char)ui_ascii(want) : want;
            if (want != (got ? got : ' '))
                fail_msg("%s, round %d: at %d,%d is %x instead of %x", term, round, x, y, got, want);
            const ui_cell *cells = c->cells + y * WIDTH + x;
            unsigned attributes = cells->fg ? 0 : ui_theme_look(cells->style).attributes;
            bool reverse = attributes & (A_REVERSE | A_STANDOUT);
            if (want != ' ')
                assert_int_equal(cell.attrs.bold, (attributes & A_BOLD) != 0);
            assert_int_equal(cell.attrs.reverse, reverse);
        }
    }
}

static void test_random(void **state)
{
    for (size_t i = 0; i < FF_COUNT(terms); i++) {
        int error;
        assert_int_equal(setupterm(terms[i], STDOUT_FILENO, &error), OK);
        ui_theme_start(-1);
        bool ascii = strcmp(terms[i], "vt100") == 0;
        ui_painter *p = ui_painter_create();
        ui_painter_set_ascii(p, ascii);
        VTerm *vt = vterm_new(HEIGHT, WIDTH);
        vterm_set_utf8(vt, 1);
        VTermScreen *screen = vterm_obtain_screen(vt);
        vterm_screen_reset(screen, 1);

        unsigned seed = 7;
        ui_canvas c = {0};
        ui_canvas_reset(&c, WIDTH, HEIGHT);
        for (int round = 0; round < ROUNDS; round++) {
            scribble(&c, &seed);
            if (next(&seed) % 50 == 0)
                ui_painter_forget(p);
            int x = next(&seed) % 4 ? -1 : (int)(next(&seed) % WIDTH), y = (int)(next(&seed) % HEIGHT);
            const ff_buf *out = ui_painter_paint(p, &c, WIDTH, HEIGHT, x, y);
            vterm_input_write(vt, out->data ? out->data : "", out->len);
            check(screen, &c, ascii, terms[i], round);
            VTermPos at;
            vterm_state_get_cursorpos(vterm_obtain_state(vt), &at);
            if (x >= 0)
                assert_true(at.row == y && at.col == x);
            out = ui_painter_paint(p, &c, WIDTH, HEIGHT, -1, -1);
            out = ui_painter_paint(p, &c, WIDTH, HEIGHT, -1, -1);
            assert_int_equal(out->len, 0);
        }
        ui_canvas_finish(&c);
        vterm_free(vt);
        ui_painter_destroy(p);
        del_curterm(cur_term);
    }
}

/* True colours are for pictures, where the terminal says that it has them; else the nearest of its own. */
static void test_true_colour(void **state)
{
    static const struct {
        const char *term, *said, *wanted;
    } cases[] = {
        {"xterm-256color", "truecolor", "\x1b[38;2;16;32;48m"}, {"xterm-256color", "24bit", "\x1b[38;2;16;32;48m"},
        {"xterm-256color", "", "\x1b[38;5;234m"}, {"screen-256color", "truecolor", "\x1b[38;5;234m"},
    };
    unsetenv("TMUX");
    for (size_t i = 0; i < FF_COUNT(cases); i++) {
        int error;
        setenv("TERM", cases[i].term, 1);
        setenv("COLORTERM", cases[i].said, 1);
        assert_int_equal(setupterm(cases[i].term, STDOUT_FILENO, &error), OK);
        ui_theme_start(-1);
        ui_painter *p = ui_painter_create();
        ui_canvas c = {0};
        ui_canvas_reset(&c, 2, 1);
        c.cells[0] = (ui_cell){.c = 0x2580, .fg = UI_RGB | 0x102030, .bg = UI_RGB | 0xffffff};
        const ff_buf *out = ui_painter_paint(p, &c, 2, 1, -1, -1);
        assert_non_null(strstr(out->data, cases[i].wanted));
        ui_canvas_finish(&c);
        ui_painter_destroy(p);
        del_curterm(cur_term);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random), cmocka_unit_test(test_true_colour)};
    setlocale(LC_CTYPE, "C.UTF-8");
    unsetenv("NO_COLOR");
    unsetenv("COLORTERM");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
