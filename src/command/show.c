/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables in the format and the width of whoever asks. */
#include <sys/ioctl.h>
#include <unistd.h>

#include "fetafix/command_say.h"

int ff_print_width(const ff_context *c)
{
    struct winsize size;
    if (!c->terminal || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
        return 0;
    return size.ws_col > c->margin ? size.ws_col - c->margin : 0;
}

void ff_show_table(const ff_context *c, const ff_table *t, const char *columns)
{
    ff_buf b = {0};
    ff_print_table(t, columns, c->format, ff_print_width(c), &b);
    c->print(c->sink, b.data);
    ff_buf_finish(&b);
}

static void print_json_tables(const ff_named_table *all, int n, ff_buf *out)
{
    for (int i = 0; i < n; i++) {
        ff_buf_printf(out, "%s\"%s\": ", i ? ",\n" : "{", all[i].name);
        ff_print_table(all[i].table, NULL, FF_FORMAT_JSON, 0, out);
        out->data[--out->len] = '\0'; /* the newline behind it */
    }
    ff_buf_puts(out, "}\n");
}

void ff_show_tables(const ff_context *c, const ff_named_table *all, int n)
{
    ff_buf b = {0};
    ff_buf_puts(&b, "");
    if (c->format == FF_FORMAT_JSON && n > 1)
        print_json_tables(all, n, &b);
    for (int i = 0; i < n && !(c->format == FF_FORMAT_JSON && n > 1); i++) {
        bool text = c->format == FF_FORMAT_TEXT, empty = ff_table_rows(all[i].table) == 0;
        if (empty && n > 1 && !all[i].none)
            continue;
        if (n > 1)
            ff_buf_printf(&b, "%s%s%s\n", b.len ? "\n" : "", c->format == FF_FORMAT_CSV ? "#" : "", all[i].name);
        if (empty && text && all[i].none)
            ff_buf_printf(&b, "%s\n", all[i].none);
        else
            ff_print_table(all[i].table, NULL, c->format, ff_print_width(c), &b);
    }
    c->print(c->sink, b.data);
    ff_buf_finish(&b);
}
