/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Errors, buffers, UTF-8, widths, visible text, numbers and near words. */
#include "fetafix/base.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void errors(void **state)
{
    (void)state;
    assert_int_equal(ff_fail(FF_ERR_INPUT, "'%s': %d\n", "a\x1b[2J", 7), FF_ERR_INPUT);
    assert_string_equal(ff_error(), "'a\\x1b[2J': 7\\n");
    assert_int_equal(ff_fail_prefix(FF_ERR_GRAPH, "node %d", 3), FF_ERR_GRAPH);
    assert_string_equal(ff_error(), "node 3: 'a\\x1b[2J': 7\\n");
    ff_fail(FF_ERR_INPUT, "again: %s", ff_error()); /* the old one is an argument */
    assert_string_equal(ff_error(), "again: node 3: 'a\\x1b[2J': 7\\n");
    /* A message without end is cut at a character. */
    char *many = ff_alloc(9001);
    for (int i = 0; i < 4500; i++)
        memcpy(many + 2 * i, "\xC3\xA4", 2);
    ff_fail(FF_ERR_INPUT, "x%s", many);
    size_t n = strlen(ff_error());
    assert_true(n < 2048 && n > 2000);
    assert_string_equal(ff_error() + n - 3, "...");
    assert_int_equal((unsigned char)ff_error()[n - 4], 0xA4);
    free(many);
    static const int codes[][2] = {{FF_OK, 0},        {FF_ERR_USAGE, 2},       {FF_ERR_INPUT, 3},
                                   {FF_ERR_GRAPH, 3}, {FF_ERR_UNSUPPORTED, 4}, {FF_ERR_INTERNAL, 5},
                                   {FF_ERR_NOMEM, 5}, {FF_ERR_CANCELLED, 130}, {-99, 5}};
    for (size_t i = 0; i < FF_COUNT(codes); i++)
        assert_int_equal(ff_exit_code(codes[i][0]), codes[i][1]);
}

static void buffers(void **state)
{
    ff_buf b = {0};
    (void)state;
    char *empty = ff_buf_steal(&b);
    assert_string_equal(empty, "");
    free(empty);
    for (int i = 0; i < 1000; i++)
        ff_buf_printf(&b, "%d,", i);
    ff_buf_putc(&b, '!');
    ff_buf_puts(&b, "end");
    assert_int_equal(b.len, strlen(b.data));
    assert_int_equal(b.len, 10 * 2 + 90 * 3 + 900 * 4 + 4);
    ff_buf_clear(&b);
    assert_string_equal(b.data, "");
    ff_buf_add(&b, "a\0b", 3);
    assert_int_equal(b.len, 3);
    ff_buf_finish(&b);
    assert_null(b.data);
    char *s = ff_asprintf("%s-%03d", "x", 7);
    assert_string_equal(s, "x-007");
    free(s);
    assert_null(ff_strdup(NULL));
    s = ff_strndup("abc", 2);
    assert_string_equal(s, "ab");
    free(s);
}

static void utf8(void **state)
{
    static const uint32_t points[] = {0, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF};
    static const char *const broken[] = {
        "\x80",     "\xC0\x80", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80",
        "\xE2\x82", "\xFF"};
    char out[4];
    size_t used;
    (void)state;
    for (size_t i = 0; i < FF_COUNT(points); i++) {
        size_t n = ff_utf8_encode(points[i], out);
        assert_int_equal(ff_utf8_decode(out, n, &used), points[i]);
        assert_int_equal(used, n);
        if (n > 1) {
            assert_int_equal(ff_utf8_decode(out, n - 1, &used), 0xFFFD);
            assert_int_equal(used, 1);
        }
    }
    for (size_t i = 0; i < FF_COUNT(broken); i++) {
        assert_int_equal(ff_utf8_decode(broken[i], strlen(broken[i]), &used), 0xFFFD);
        assert_int_equal(used, 1);
    }
    assert_int_equal(ff_utf8_encode(0xD800, out), 3);
    assert_memory_equal(out, "\xEF\xBF\xBD", 3);
}

static void widths(void **state)
{
    static const struct {
        uint32_t c;
        int width;
    } known[] = {{'a', 1},    {0, -1},     {0x1B, -1},  {0x9B, -1},  {0xE4, 1},    {0x301, 0},    {0x200B, 0},
                 {0x3042, 2}, {0x4E2D, 2}, {0xAC00, 2}, {0xFF21, 2}, {0xFF71, 1},  {0x1F600, 2},  {0x2588, 1},
                 {0x2502, 1}, {0x2260, 1}, {0x1100, 2}, {0x1160, 0}, {0x20000, 2}, {0x10FFFF, 1}, {0xE0100, 0},
                 {0xFE0F, 0}, {0x231A, 2}, {0x0E31, 0}, {0x303F, 1}, {0x00AD, 1},  {0x1F1E6, 1}};
    int cells;
    (void)state;
    for (size_t i = 0; i < FF_COUNT(known); i++)
        if (ff_codepoint_width(known[i].c) != known[i].width)
            fail_msg("U+%04X is %d cells, not %d", known[i].c, ff_codepoint_width(known[i].c), known[i].width);
    assert_int_equal(ff_display_width("a\xE4\xB8\xAD"
                                      "e\xCC\x81"),
                     4);
    /* A wide character that does not fit whole is left out; combining ones stay with theirs. */
    assert_int_equal(ff_display_prefix("a\xE4\xB8\xAD", 2, &cells), 1);
    assert_int_equal(cells, 1);
    assert_int_equal(ff_display_prefix("e\xCC\x81x", 1, &cells), 3);
    assert_int_equal(cells, 1);
    assert_int_equal(ff_display_prefix("abc", 0, NULL), 0);
    assert_int_equal(ff_display_prefix("", 5, &cells), 0);
}

static void visible(void **state)
{
    static const char *const pairs[][2] = {
        {"plain", "plain"},
        {"a\nb\tc\r", "a\\nb\\tc\\r"},
        {"\x1b[31m\x7f", "\\x1b[31m\\x7f"},
        {"\xC2\x9B"
         "2J",
         "\\u009b2J"},
        {"\xE2\x80\xAE"
         "exe",
         "\\u202eexe"},
        {"\xE2\x81\xA6", "\\u2066"},
        {"back\\slash", "back\\slash"},
        {"bad\xFF\xC3", "bad\\xff\\xc3"},
        {"\xC3\xA4\xE4\xB8\xAD", "\xC3\xA4\xE4\xB8\xAD"},
    };
    (void)state;
    for (size_t i = 0; i < FF_COUNT(pairs); i++) {
        char *s = ff_visible(pairs[i][0]), *again = ff_visible(s);
        assert_string_equal(s, pairs[i][1]);
        assert_string_equal(again, s);
        free(again);
        free(s);
    }
    char *s = ff_visible_n("a\0b", 3);
    assert_string_equal(s, "a\\x00b");
    free(s);
}

static void numbers(void **state)
{
    int64_t i = 5;
    double d = 5;
    uint64_t u = 5;
    (void)state;
    assert_true(ff_parse_int("-9223372036854775808", &i) && i == INT64_MIN);
    static const char *const not_ints[] = {"", "-", " 1", "1 ", "9223372036854775808", "0x10", "1.0", "+-1"};
    for (size_t k = 0; k < FF_COUNT(not_ints); k++)
        assert_false(ff_parse_int(not_ints[k], &i));
    assert_true(i == INT64_MIN);
    assert_true(ff_parse_real("-1.5e-3", &d) && d == -0.0015);
    assert_true(ff_parse_real(".5", &d) && d == 0.5);
    static const char *const not_reals[] = {"", ".", "e5", "nan", "inf", "0x1p3", "1e999", "1,5", "1e", "1 "};
    for (size_t k = 0; k < FF_COUNT(not_reals); k++)
        assert_false(ff_parse_real(not_reals[k], &d));
    assert_true(d == 0.5);
    static const struct {
        const char *s;
        uint64_t v;
    } sizes[] = {{"0", 0},
                 {"4096", 4096},
                 {"512M", 512ull << 20},
                 {"2g", 2ull << 30},
                 {"1.5GiB", 3ull << 29},
                 {"1KB", 1024},
                 {"3T", 3ull << 40},
                 {"7B", 7}};
    for (size_t k = 0; k < FF_COUNT(sizes); k++)
        assert_true(ff_parse_size(sizes[k].s, &u) && u == sizes[k].v);
    static const char *const not_sizes[] = {"", "-1", "M", "1X", "1MM", "1 M", "99999999999T", "1e400"};
    for (size_t k = 0; k < FF_COUNT(not_sizes); k++)
        assert_false(ff_parse_size(not_sizes[k], &u));
    static const struct {
        const char *s;
        double v;
    } spans[] = {{"2h", 7200}, {"90s", 90},   {"1h30m", 5400}, {"250ms", 0.25}, {"7200", 7200},
                 {"1.5m", 90}, {"1d", 86400}, {"0", 0},        {"2min", 120}};
    for (size_t k = 0; k < FF_COUNT(spans); k++)
        assert_true(ff_parse_duration(spans[k].s, &d) && d == spans[k].v);
    static const char *const not_spans[] = {"", "-3", "-0", "h", "3x", "1h-3m", "1h 3m", "1h30"};
    for (size_t k = 0; k < FF_COUNT(not_spans); k++)
        if (ff_parse_duration(not_spans[k], &d))
            fail_msg("'%s' is %g seconds", not_spans[k], d);
}

static void near_words(void **state)
{
    static const char *const names[] = {"compare", "localize", "repair", "run", NULL};
    char *long_word = ff_alloc(10001);
    (void)state;
    assert_string_equal(ff_nearest("repiar", names, 5), "repair");
    assert_string_equal(ff_nearest("Localise", names, 5), "localize");
    assert_string_equal(ff_nearest("rn", names, 5), "run");
    assert_null(ff_nearest("xyzzy", names, 5));
    /* What begins like it goes before what is nearer; a word of the same length is not near by that alone. */
    static const char *const words[] = {"version", "pre", "drop", "hint", "quit"};
    assert_string_equal(ff_nearest("vers", words, 5), "version");
    assert_string_equal(ff_nearest("iquit", words, 5), "quit");
    assert_null(ff_nearest("show", words, 5));
    assert_null(ff_nearest("list", words, 5));
    assert_null(ff_nearest("wait", words, 5));
    assert_null(ff_nearest("", names, 5));
    memset(long_word, 'r', 10000);
    assert_null(ff_nearest(long_word, names, 5));
    free(long_word);
}

static void check_brief(const char *text, int cells, const char *expected)
{
    char *got = ff_brief(text, cells, "\u2026", NULL);
    assert_string_equal(got, expected);
    assert_true(ff_display_width(got) <= cells);
    free(got);
}

static void brief(void **state)
{
    (void)state;
    check_brief("short", 5, "short");
    check_brief("a sentence that is long", 10, "a sentenc\u2026");
    check_brief("model/block_1/depthwise/Conv2D", 20, "\u2026/depthwise/Conv2D");
    check_brief("model/block_1/depthwise/Conv2D", 10, "\u2026/Conv2D");
    check_brief("pads of 'net/layer/Conv': [1,1]", 30, "pads of '\u2026layer/Conv': [1,1]");
    check_brief("pads of 'net/layer/Conv': [1,1]", 24, "pads: [1,1]");
    check_brief("replace 'net/layer/Conv' by it", 25, "replace '\u2026Conv' by it");
    check_brief("\u6f22\u5b57\u6f22\u5b57", 5, "\u2026\u6f22\u5b57");
    check_brief("abc", 1, "a");
    check_brief("", 4, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors),  cmocka_unit_test(buffers), cmocka_unit_test(utf8),       cmocka_unit_test(widths),
        cmocka_unit_test(visible), cmocka_unit_test(numbers), cmocka_unit_test(near_words), cmocka_unit_test(brief),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
