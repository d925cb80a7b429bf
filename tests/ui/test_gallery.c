/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The screens of the README, and of samples/README.md, are what the program shows: each block there that begins
 * with the title line is captured anew and compared. FETAFIX_UPDATE_README=1 writes them instead.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "terminal.h"

/* In the order of the two files. `steps`: keys and what the screen shows then, in turn. */
static const struct {
    const char *lesson; /* NULL: the sample in the explorer */
    int width, height;
    const char *steps[9];
} screens[] = {
    {NULL, 110, 34, {"", "Next", "a", "17 \xe2\x86\x92 6", "", "would leave 3 wrong", "", "engine: idle", NULL}},
    {NULL, 110, 34, {"", "Next", "A", "Every label is", "", "engine: idle", "6", "Source  by", NULL}},
    {"weights", 80, 24, {"", "look around", "Enter text:WB Enter", "Still to say", "", "engine: idle", NULL}},
};

static terminal *start(size_t i)
{
    char *samples = ff_asprintf("%s", getenv("SAMPLES"));
    char *source = ff_path_join(samples, "demo/source.onnx"), *target = ff_path_join(samples, "demo/target.onnx");
    char *images = ff_path_join(samples, "images.txt"), *labels = ff_path_join(samples, "labels.txt");
    const char *const explore[] = {
        getenv("FETAFIX"), source,        target,         "--images",    images,        "--labels", labels,
        "--source-pre",    "tf-imagenet", "--target-pre", "tf-imagenet", "--no-config", NULL};
    const char *const teach[] = {getenv("FETAFIX"), "teach", screens[i].lesson, "--no-config", NULL};
    terminal *t =
        terminal_start(screens[i].lesson ? teach : explore, screens[i].width, screens[i].height, terminal_env);
    assert_non_null(t);
    free(samples);
    free(source);
    free(target);
    free(images);
    free(labels);
    return t;
}

/* The screen as an indented block. */
static char *block_of(terminal *t)
{
    ff_buf screen = {0}, block = {0};
    terminal_capture(t, false, &screen);
    for (const char *line = screen.data; *line;) {
        size_t n = strcspn(line, "\n"), kept = n;
        while (kept && line[kept - 1] == ' ')
            kept--;
        ff_buf_printf(&block, "%s%.*s\n", kept ? "    " : "", (int)kept, line);
        line += n + (line[n] == '\n');
    }
    ff_buf_finish(&screen);
    return ff_buf_steal(&block);
}

static bool is_block(terminal *t, const void *expected)
{
    char *block = block_of(t);
    bool same = strcmp(block, expected) == 0;
    free(block);
    return same;
}

/* What the screen becomes: `expected`, or the test fails; without it, what it is when the program rests. */
static char *capture(size_t i, const char *expected)
{
    terminal *t = start(i);
    for (const char *const *s = screens[i].steps; *s; s += 2) {
        terminal_press(t, s[0]);
        terminal_expect(t, s[1]);
    }
    if (!expected) {
        terminal_expect_gone(t, "reading\xe2\x80\xa6"); /* the thumbnail */
        terminal_settle(t);
    } else if (!terminal_wait(t, is_block, expected)) {
        assert_string_equal(block_of(t), expected);
    }
    char *block = block_of(t);
    terminal_destroy(t);
    return block;
}

/* The screens of a file, from number *i on. */
static void check_file(const char *path, size_t *i)
{
    char *text = NULL;
    size_t size;
    ff_buf out = {0};
    assert_int_equal(ff_read_file(path, 1 << 20, &text, &size), FF_OK);
    const char *at = text;
    bool update = getenv("FETAFIX_UPDATE_README") != NULL;
    for (const char *block; (block = strstr(at, "\n     FetaFix  ")); ++*i) {
        const char *end = block + 1;
        if (*i == FF_COUNT(screens))
            fail_msg("%s: screen %zu is not known here", path, *i + 1);
        while (strncmp(end, "    ", 4) == 0) {
            end += strcspn(end, "\n");
            end += *end == '\n';
        }
        char *was = ff_strndup(block + 1, (size_t)(end - block - 1)), *now = capture(*i, update ? NULL : was);
        ff_buf_add(&out, at, (size_t)(block + 1 - at));
        ff_buf_puts(&out, now);
        at = end;
        free(now);
        free(was);
    }
    ff_buf_puts(&out, at);
    if (update)
        assert_int_equal(ff_write_file(path, out.data, out.len, true), FF_OK);
    ff_buf_finish(&out);
    free(text);
}

static void test_readme(void **state)
{
    size_t i = 0;
    check_file(getenv("README"), &i);
    check_file(getenv("SAMPLES_README"), &i);
    assert_int_equal(i, FF_COUNT(screens));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_readme)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
