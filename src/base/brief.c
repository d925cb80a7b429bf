/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts cut to the cells there are: what tells one name from another stays. */
#include "fetafix/base.h"

#include <string.h>

/* Leaves the last `keep` parts of names between quotes; of one part nothing can be told, so that "weight of
 * 'a/b/Conv2D' differs" becomes "weight differs". */
static void shorten_names(const char *text, int keep, const char *mark, ff_buf *out)
{
    while (*text) {
        const char *end = keep == 1 && strncmp(text, " of '", 5) == 0 ? strchr(text + 5, '\'') : NULL;
        if (end) {
            text = end + 1;
            continue;
        }
        const char *close = *text == '\'' ? strchr(text + 1, '\'') : NULL, *from = text + 1;
        if (!close) {
            ff_buf_putc(out, *text++);
            continue;
        }
        int parts = 0;
        for (const char *c = close - 1; c > text && parts < keep; c--) {
            if (*c == '/' && ++parts == keep)
                from = c + 1;
        }
        ff_buf_putc(out, '\'');
        ff_buf_puts(out, from > text + 1 ? mark : "");
        ff_buf_add(out, from, (size_t)(close + 1 - from));
        text = close + 1;
    }
}

/* The end of a text that fits, from the first border between parts where one is near. */
static const char *tail(const char *text, int cells)
{
    const char *from = text + strlen(text), *border = NULL;
    while (from > text) {
        const char *before = from - 1;
        while (before > text && ((unsigned char)*before & 0xC0) == 0x80)
            before--;
        if (ff_display_width(before) > cells)
            break;
        from = before;
        if (strchr("/.;:", *from))
            border = from;
    }
    return border && ff_display_width(border) * 2 > cells ? border : from;
}

char *ff_brief(const char *text, int cells, const char *mark, bool *fits)
{
    ff_buf b = {0};
    int room = cells - ff_display_width(mark);
    ff_buf_puts(&b, text);
    for (int keep = 3; keep > 0 && ff_display_width(b.data) > cells; keep--) {
        ff_buf_clear(&b);
        ff_buf_puts(&b, "");
        shorten_names(text, keep, mark, &b);
    }
    bool whole = ff_display_width(b.data) <= cells;
    if (fits)
        *fits = whole;
    if (whole)
        return ff_buf_steal(&b);
    ff_buf cut = {0};
    if (room < 1) {
        ff_buf_add(&cut, b.data, ff_display_prefix(b.data, cells, NULL));
    } else if (strchr(text, ' ')) {
        ff_buf_add(&cut, b.data, ff_display_prefix(b.data, room, NULL));
        ff_buf_puts(&cut, mark);
    } else {
        ff_buf_puts(&cut, mark);
        ff_buf_puts(&cut, tail(b.data, room));
    }
    ff_buf_finish(&b);
    return ff_buf_steal(&cut);
}
