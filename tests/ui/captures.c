/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "captures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool updates(void)
{
    return getenv("FETAFIX_UPDATE_SCREENS") != NULL;
}

void captures_open(captures *c, const char *name)
{
    size_t size;
    *c = (captures){.path = ff_asprintf("%s/%s.txt", getenv("EXPECTED_SCREENS"), name)};
    if (!updates() && ff_read_file(c->path, 1 << 24, &c->expected, &size) != FF_OK)
        fail_msg("%s", ff_error());
    c->at = c->expected;
}

typedef struct section {
    const char *title, *expected;
    size_t size;
    bool styles;
} section;

static char *text_of(terminal *t, const section *s)
{
    ff_buf text = {0};
    ff_buf_printf(&text, "=== %s\n", s->title);
    terminal_capture(t, s->styles, &text);
    return ff_buf_steal(&text);
}

static bool is_section(terminal *t, const void *what)
{
    const section *s = what;
    char *text = text_of(t, s);
    bool same = strlen(text) == s->size && memcmp(text, s->expected, s->size) == 0;
    free(text);
    return same;
}

/* Shows the first line that differs. */
static void fail_at(const captures *c, const char *wanted, const char *got)
{
    int line = 1;
    for (const char *p = c->expected; p < wanted; p++)
        line += *p == '\n';
    for (size_t n; *got; got += n, wanted += n, line++) {
        n = strcspn(got, "\n") + 1;
        if (strncmp(got, wanted, n) != 0)
            fail_msg("%s, line %d:\nexpected %.*s\ngot      %.*s", c->path, line, (int)strcspn(wanted, "\n"), wanted,
                     (int)n - 1, got);
    }
    fail_msg("%s, line %d: there is more on the screen", c->path, line);
}

void captures_take(captures *c, terminal *t, const char *title, bool styles)
{
    section s = {.title = title, .expected = c->at, .styles = styles};
    if (updates()) {
        terminal_expect_gone(t, "reading\xe2\x80\xa6"); /* what comes a bit later */
        terminal_expect_gone(t, "attributes and weights");
        terminal_settle(t);
        char *text = text_of(t, &s);
        ff_buf_puts(&c->taken, text);
        free(text);
        return;
    }
    const char *next = strstr(c->at, "\n=== ");
    s.size = next ? (size_t)(next + 1 - c->at) : strlen(c->at);
    if (!terminal_wait(t, is_section, &s))
        fail_at(c, c->at, text_of(t, &s));
    c->at += s.size;
}

void captures_close(captures *c)
{
    if (updates())
        assert_int_equal(ff_write_file(c->path, c->taken.data, c->taken.len, true), FF_OK);
    else if (*c->at)
        fail_msg("%s has more sections than there are screens", c->path);
    ff_buf_finish(&c->taken);
    free(c->expected);
    free(c->path);
}
