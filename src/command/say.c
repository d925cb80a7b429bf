/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines for whoever asked: data to print, notes beside it. */
#include <stdlib.h>
#include <string.h>

#include "fetafix/command_say.h"

static void format_line(void (*out)(void *, const char *), void *sink, const char *format, va_list args)
{
    ff_buf b = {0};
    ff_buf_vprintf(&b, format, args);
    out(sink, b.data ? b.data : "");
    ff_buf_finish(&b);
}

void ff_say(ff_context *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    format_line(c->print, c->sink, format, args);
    va_end(args);
}

void ff_say_paragraphs(ff_context *c, const char *text)
{
    enum { WIDTH = 78 };
    while (*text) {
        size_t n = strcspn(text, "\n"), fits = n;
        char *line = ff_strndup(text, n);
        if (*line != ' ' && *line != '\t') {
            fits = ff_display_prefix(line, WIDTH, &(int){0});
            if (line[fits]) {
                size_t blank = fits;
                while (blank && line[blank] != ' ')
                    blank--;
                fits = blank ? blank : fits ? fits : n;
            }
        }
        ff_say(c, "%.*s\n", (int)fits, line);
        free(line);
        text += fits;
        if (fits < n)
            text += strspn(text, " ");
        else
            text += *text == '\n';
    }
}

void ff_note(ff_context *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (!c->quiet)
        format_line(c->note, c->sink, format, args);
    va_end(args);
}
