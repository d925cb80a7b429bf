/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of the explorer that need no terminal: scrolling, keys, lanes, text of a canvas, prompt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../ui/canvas.h"
#include "../../ui/input.h"
#include "../../ui/lanes.h"
#include "../../ui/layout.h"
#include "../../ui/latency.h"
#include "../../ui/prompt.h"
#include "../../ui/window.h"

/* -------------------------------------------------------------------------------------- window */

static void test_window(void **state)
{
    ui_window w = {0};
    int start, length;

    ui_window_move(&w, 1); /* an empty list */
    assert_int_equal(w.cursor, 0);
    ui_window_resize(&w, 100, 10);
    ui_window_move(&w, 50);
    assert_int_equal(w.cursor, 50);
    assert_in_range(w.cursor, w.top, w.top + w.height - 1);
    ui_window_move(&w, 1000);
    assert_int_equal(w.cursor, 99);
    assert_int_equal(w.top, 90);
    assert_true(ui_window_thumb(&w, &start, &length));
    assert_int_equal(start + length, 10);
    ui_window_resize(&w, 5, 10); /* the list shrank below the cursor */
    assert_int_equal(w.cursor, 4);
    assert_int_equal(w.top, 0);
    assert_false(ui_window_thumb(&w, &start, &length));
    ui_window_resize(&w, 100, 10);
    ui_window_scroll(&w, 30);
    assert_int_equal(w.top, 30);
    assert_in_range(w.cursor, 30, 39);
    ui_window_show(&w, 80);
    assert_int_equal(w.cursor, 80);
    assert_int_equal(w.top, 75);
    ui_window_resize(&w, 100, 0);
    ui_window_move(&w, -200);
    assert_int_equal(w.cursor, 0);
}

static void test_window_of_text(void **state)
{
    ui_window w = {.free = true};
    ui_window_resize(&w, 30, 10);
    ui_window_move(&w, 5);
    assert_int_equal(w.top, 5);
    ui_window_move(&w, 100);
    assert_int_equal(w.top, 20);
}

/* --------------------------------------------------------------------------------------- input */

static void expect_keys(const char *bytes, size_t n, bool late, const char *wanted)
{
    ui_input *in = ui_input_create();
    ff_buf got = {0};
    ui_key k;

    ui_input_learn(in, "\x1b[[A", "F1"); /* the console's */
    for (size_t i = 0; i < n; i++) {     /* cut at every byte */
        ui_input_feed(in, bytes + i, 1);
        while (ui_input_next(in, &k, false))
            ff_buf_printf(&got, "%s%s", got.len ? " " : "",
                          k.type == UI_PASTE   ? k.text
                          : k.type == UI_MOUSE ? "mouse"
                                               : k.name);
    }
    while (late && ui_input_next(in, &k, true))
        ff_buf_printf(&got, "%s%s", got.len ? " " : "", k.type == UI_PASTE ? k.text : k.name);
    assert_string_equal(got.data ? got.data : "", wanted);
    ff_buf_finish(&got);
    ui_input_destroy(in);
}

#define KEYS(bytes, late, wanted) expect_keys(bytes, sizeof bytes - 1, late, wanted)

static void test_keys(void **state)
{
    KEYS("j\r\t \x7f\x12", false, "j Enter Tab Space Backspace C-r");
    KEYS("\x1b[A\x1bOB\x1b[5~\x1b[H\x1b[Z", false, "Up Down PgUp Home S-Tab");
    KEYS("\x1b[1;5C\x1b[3;2~", false, "C-Right S-Delete");
    KEYS("\x1b", false, ""); /* not yet */
    KEYS("\x1b", true, "Escape");
    KEYS("\x1b\x1b[A", false, "Escape Up");
    KEYS("\x1bx", false, "M-x");
    KEYS("\x1b[[Aq", false, "F1 q");
    KEYS("\x1b[<0;10;5M\x1b[<0;10;5m", false, "mouse mouse");
    KEYS("\x1b[<0;10", true, "");         /* cut: dropped */
    KEYS("\x1b[<0;1\x1b[A", false, "Up"); /* cut by another key */
    KEYS("\x1b[?2026;1$yj", false, "j");  /* an answer of the terminal */
    KEYS("\xc3\xa9\xe6\xb1\x9f", false, "\xc3\xa9 \xe6\xb1\x9f");
    KEYS("\xff\xfe"
         "a",
         true, "a");
    KEYS("\x1b[200~quit\r\n:q\x1b[201~z", false, "quit\r\n:q z");
    KEYS("\x1b[200~never ends", true, "never ends");
}

static void test_mouse_place(void **state)
{
    static const char bytes[] = "\x1b[<65;300;100M\x1b[M !!";
    ui_input *in = ui_input_create();
    ui_key k;

    ui_input_feed(in, bytes, sizeof bytes - 1);
    assert_true(ui_input_next(in, &k, false));
    assert_int_equal(k.mouse, UI_MOUSE_WHEEL_DOWN);
    assert_int_equal(k.x, 299);
    assert_int_equal(k.y, 99);
    assert_true(ui_input_next(in, &k, false));
    assert_int_equal(k.mouse, UI_MOUSE_PRESS);
    assert_int_equal(k.x, 0);
    ui_input_destroy(in);
}

static void test_noise(void **state)
{
    ui_input *in = ui_input_create();
    ff_rng rng = {42};
    ui_key k;

    for (int i = 0; i < 20000; i++) {
        char bytes[16];
        size_t n = 1 + ff_rng_below(&rng, sizeof bytes);
        for (size_t j = 0; j < n; j++)
            bytes[j] = "\x1b[<O0;9M~Am\xc3 j200"[ff_rng_below(&rng, 17)];
        ui_input_feed(in, bytes, n);
        while (ui_input_next(in, &k, false))
            assert_true(k.type != UI_KEY || strlen(k.name) < sizeof k.name);
    }
    while (ui_input_next(in, &k, true))
        ;
    assert_false(ui_input_next(in, &k, true));
    ui_input_destroy(in);
}

/* --------------------------------------------------------------------------------------- lanes */

static void expect_lanes(int n, const int (*edges)[2], int n_edges, const char *const *wanted)
{
    int lists[16][4], counts[16] = {0};
    const int *inputs[16];
    ui_lanes l = {0};

    for (int i = 0; i < n_edges; i++)
        lists[edges[i][1]][counts[edges[i][1]]++] = edges[i][0];
    for (int i = 0; i < n; i++)
        inputs[i] = lists[i];
    ui_lanes_build(&l, n, inputs, counts);
    for (int i = 0; i < n; i++) {
        ff_buf b = {0};
        for (int c = 0; c < 2 * l.width; c++) {
            char bytes[4];
            ff_buf_add(&b, bytes, ff_utf8_encode(ui_lanes_at(&l.rows[i], c, 'o'), bytes));
        }
        while (b.len && b.data[b.len - 1] == ' ')
            b.data[--b.len] = '\0';
        assert_string_equal(b.data, wanted[i]);
        ff_buf_finish(&b);
    }
    ui_lanes_finish(&l);
}

static void test_lanes(void **state)
{
    static const int chain[][2] = {{0, 1}, {1, 2}};
    expect_lanes(3, chain, 2, (const char *const[]){"o", "o", "o"});

    static const int residual[][2] = {{0, 1}, {1, 2}, {0, 3}, {2, 3}};
    expect_lanes(4, residual, 4, (const char *const[]){"o", "├─o", "│ o", "o─╯"});

    static const int inception[][2] = {{0, 1}, {0, 2}, {0, 3}, {1, 4}, {2, 4}, {3, 4}};
    expect_lanes(5, inception, 6, (const char *const[]){"o", "├─o", "├─┼─o", "o │ │", "o─┴─╯"});

    static const int twice[][2] = {{0, 1}, {0, 1}}; /* x + x */
    expect_lanes(2, twice, 2, (const char *const[]){"o", "o"});
}

/* -------------------------------------------------------------------------------------- canvas */

static void expect_row(ui_canvas *c, int y, const char *wanted)
{
    ff_buf b = {0};
    ui_canvas_text(c, y, 0, c->width, &b, NULL);
    assert_string_equal(b.data ? b.data : "", wanted);
    ff_buf_finish(&b);
}

static void test_canvas(void **state)
{
    ui_canvas c = {0};
    ui_canvas_reset(&c, 20, 5);
    ui_canvas_frame(&c, (ui_rect){0, 0, 10, 5}, INK_FRAME);
    ui_canvas_frame(&c, (ui_rect){9, 0, 11, 3}, INK_FRAME);
    ui_canvas_frame(&c, (ui_rect){9, 2, 11, 3}, INK_FRAME);
    expect_row(&c, 0, "┌────────┬─────────┐");
    expect_row(&c, 2, "│        ├─────────┤");
    expect_row(&c, 4, "└────────┴─────────┘");

    ui_pen p = ui_pen_at(&c, (ui_rect){1, 1, 8, 1}, 0);
    ui_pen_text(&p, ui_plain(INK_TEXT), "longer than that");
    expect_row(&c, 1, "│longer …│         │");
    p = ui_pen_at(&c, (ui_rect){10, 1, 9, 1}, 0);
    ui_pen_text(&p, ui_plain(INK_TEXT), "江戸江戸江戸"); /* two cells each: the fifth does not fit */
    expect_row(&c, 1, "│longer …│江戸江戸…│");
    p = ui_pen_at(&c, (ui_rect){1, 3, 8, 1}, 0);
    ui_pen_field(&p, ui_plain(INK_TEXT), -5, "7");
    ui_pen_field(&p, ui_plain(INK_TEXT), 3, "abcd");
    expect_row(&c, 3, "│    7ab…│         │");
    p = ui_pen_at(&c, (ui_rect){10, 3, 4, 1}, 0);
    ui_pen_bar(&p, ui_plain(INK_TEXT), 4, 0.5 + 1.0 / 32);
    expect_row(&c, 3, "│    7ab…│██▏      │");
    p = ui_pen_at(&c, (ui_rect){0, 0, 20, 5}, 77); /* outside: nothing happens */
    ui_pen_text(&p, ui_plain(INK_TEXT), "x");
    ui_canvas_finish(&c);
}

static void test_numbers(void **state)
{
    static const struct {
        double v;
        const char *text;
    } rows[] = {{0, "0"}, {0.0312, "0.0312"}, {1.2e-7, "1.2e-7"}, {12.5, "12.5"}, {-3, "-3"}};
    for (size_t i = 0; i < FF_COUNT(rows); i++) {
        char text[16];
        ui_format_real(text, rows[i].v);
        assert_string_equal(text, rows[i].text);
    }
}

/* -------------------------------------------------------------------------------------- layout */

/* Panes cover the body, overlap in borders only, and every view has its place. */
static void test_layout(void **state)
{
    static const int sizes[][2] = {{60, 12}, {80, 20}, {100, 20}, {120, 36}, {200, 46}, {300, 96}};
    int64_t seen[VIEW_COUNT] = {0};

    for (size_t i = 0; i < FF_COUNT(sizes); i++) {
        ui_layout l;
        int w = sizes[i][0], h = sizes[i][1];
        ui_layout_make(&l, (ui_rect){0, 1, w, h}, seen, VIEW_GRAPH, false);
        for (int y = 1; y < 1 + h; y++) {
            for (int x = 0; x < w; x++) {
                int inside = 0;
                for (int k = 0; k < l.count; k++) {
                    ui_rect r = l.panes[k].frame;
                    inside += x > r.x && x < r.x + r.width - 1 && y > r.y && y < r.y + r.height - 1;
                }
                assert_in_range(inside, 0, 1);
                assert_true(ui_layout_pane_at(&l, x, y) >= 0);
            }
        }
        for (int v = 0; v < VIEW_COUNT; v++)
            assert_int_equal(ui_layout_pane_of(&l, (ui_view_id)v) >= 0, !ui_view_classes[v]->popup);
        ui_layout_make(&l, (ui_rect){0, 1, w, h}, seen, VIEW_HEAT, true);
        assert_int_equal(l.count, 1);
        assert_int_equal(l.panes[0].shown, VIEW_HEAT);
    }
}

/* -------------------------------------------------------------------------------------- prompt */

static char **offer(void *context, const char *line, int *n)
{
    char **out = ff_alloc_array(2, sizeof *out);
    *n = 2;
    out[0] = ff_strdup("steps");
    out[1] = ff_strdup("stepwise");
    return out;
}

static void type(ui_prompt *p, const char *name)
{
    ui_key k = {.type = UI_KEY};
    snprintf(k.name, sizeof k.name, "%s", name);
    size_t used;
    uint32_t c = ff_utf8_decode(name, strlen(name), &used);
    if (used == strlen(name))
        k.codepoint = c;
    ui_prompt_key(p, &k, offer, NULL);
}

static void test_prompt(void **state)
{
    ui_prompt p;
    setenv("XDG_STATE_HOME", "/nonexistent", 1);
    ui_prompt_init(&p);
    ui_prompt_open(&p, UI_PROMPT_COMMAND, "ab");
    type(&p, "\xc3\xa9");
    type(&p, "Left");
    type(&p, "x");
    assert_string_equal(ui_prompt_text(&p), "abx\xc3\xa9");
    type(&p, "End");
    type(&p, "Backspace");
    assert_string_equal(ui_prompt_text(&p), "abx");
    type(&p, "C-u");
    assert_string_equal(ui_prompt_text(&p), "");
    type(&p, "s");
    type(&p, "Tab"); /* what both share, then one after the other */
    assert_string_equal(ui_prompt_text(&p), "step");
    type(&p, "Tab");
    assert_string_equal(ui_prompt_text(&p), "steps");
    type(&p, "Tab");
    assert_string_equal(ui_prompt_text(&p), "stepwise");
    ui_prompt_remember(&p, "first");
    ui_prompt_remember(&p, "second");
    ui_prompt_open(&p, UI_PROMPT_COMMAND, "draft");
    type(&p, "Up");
    type(&p, "Up");
    assert_string_equal(ui_prompt_text(&p), "first");
    type(&p, "Down");
    type(&p, "Down");
    assert_string_equal(ui_prompt_text(&p), "draft");
    type(&p, "C-w");
    assert_string_equal(ui_prompt_text(&p), "");
    ui_prompt_finish(&p);
}

static void test_latency(void **state)
{
    ui_latency l = {0};
    assert_true(ui_latency_at(&l, 0.99) == 0);
    for (int i = 1; i <= 100; i++) {
        l.us[l.count++] = i * 1000;
    }
    assert_true(ui_latency_at(&l, 0.99) == 99);
    assert_true(ui_latency_at(&l, 1) == 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_window),      cmocka_unit_test(test_window_of_text), cmocka_unit_test(test_keys),
        cmocka_unit_test(test_mouse_place), cmocka_unit_test(test_noise),          cmocka_unit_test(test_lanes),
        cmocka_unit_test(test_canvas),      cmocka_unit_test(test_numbers),        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_prompt),      cmocka_unit_test(test_latency),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
