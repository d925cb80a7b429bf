/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A walk through all views of the explorer over the made-up session, before and after repairs, against the screens in
 * expected/.   test_walks NAME: of which size and colours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "captures.h"
#include "explorer.h"

static const struct {
    const char *name;
    int columns, rows;
    const char *const *env;
    bool styles;
} walks[] = {
    {"80x24", 80, 24, explorer_colour, true},       {"80x24-mono", 80, 24, explorer_mono, true},
    {"120x40", 120, 40, explorer_colour, false},    {"120x40-mono", 120, 40, explorer_mono, false},
    {"200x50", 200, 50, explorer_colour, false},    {"200x50-mono", 200, 50, explorer_mono, false},
    {"80x24-ascii", 80, 24, explorer_ascii, false},
};

static const struct {
    const char *title, *keys;
} stops[] = {
    {"start", ""},
    {"graph, unfolded and moved", "1 j j Space j"},
    {"suspicious layers", "2 j"},
    {"sorted by the entire error", "o"},
    {"findings", "3 j"},
    {"details", "Enter"},
    {"details, below", "PgDn"},
    {"repairs", "4"},
    {"help", "?"},
    {"equivalent", "Escape 7"},
    {"a repair taken", "1 a"},
    {"images, wrong", "6 f"},
    {"steps", "5"},
    {"zoomed", "z"},
    {"log", "8"},
    {"undone", "z 5 u"},
    {"activations", "2 g p"},
    {"the next row", "j"},
    {"the next image, by channel", "> o"},
    {"what if", "W"},
    {"kept", "K"},
    {"injected", "p I"},
    {"dropped", "D"},
};

static const char *chosen; /* by the command line */

static void assert_ascii(terminal *t)
{
    ff_buf text = {0};
    terminal_capture(t, false, &text);
    for (size_t i = 0; i < text.len; i++)
        assert_in_range((unsigned char)text.data[i], '\n', '~');
    ff_buf_finish(&text);
}

static void test_walk(void **state)
{
    size_t w = 0;
    captures c;
    (void)state;
    while (w < FF_COUNT(walks) && strcmp(walks[w].name, chosen) != 0)
        w++;
    assert_true(w < FF_COUNT(walks));
    captures_open(&c, chosen);
    terminal *t = explorer_start_ready(walks[w].columns, walks[w].rows, walks[w].env);
    for (size_t i = 0; i < FF_COUNT(stops); i++) {
        terminal_press(t, stops[i].keys);
        terminal_expect(t, "engine: idle");
        captures_take(&c, t, stops[i].title, walks[w].styles);
        if (walks[w].env == explorer_ascii)
            assert_ascii(t);
    }
    assert_int_equal(terminal_colours(t), walks[w].env == explorer_colour);
    captures_close(&c);
    explorer_leave(t);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_walk)};
    if (argc != 2)
        return 2;
    chosen = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
