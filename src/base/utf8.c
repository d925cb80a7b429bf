/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UTF-8, widths of strings, and text from files made fit to be shown. */
#include "fetafix/base.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define REPLACEMENT 0xFFFD

uint32_t ff_utf8_decode(const char *s, size_t n, size_t *used)
{
    const unsigned char *p = (const unsigned char *)s;
    uint32_t c = p[0], least;
    size_t more;

    *used = 1;
    if (c < 0x80)
        return c;
    if (c >= 0xC2 && c < 0xE0) {
        more = 1, c &= 0x1F, least = 0x80;
    } else if (c >= 0xE0 && c < 0xF0) {
        more = 2, c &= 0x0F, least = 0x800;
    } else if (c >= 0xF0 && c < 0xF5) {
        more = 3, c &= 0x07, least = 0x10000;
    } else {
        return REPLACEMENT;
    }
    if (n < more + 1)
        return REPLACEMENT;
    for (size_t i = 1; i <= more; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return REPLACEMENT;
        c = c << 6 | (p[i] & 0x3F);
    }
    if (c < least || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return REPLACEMENT;
    *used = more + 1;
    return c;
}

size_t ff_utf8_encode(uint32_t c, char out[4])
{
    if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        c = REPLACEMENT;
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

size_t ff_display_prefix(const char *s, int cells, int *used_cells)
{
    size_t at = 0, n = strlen(s);
    int width = 0;
    while (at < n) {
        size_t used;
        int w = ff_codepoint_width(ff_utf8_decode(s + at, n - at, &used));
        if (w < 0)
            w = 0;
        if (w > cells - width)
            break;
        width += w;
        at += used;
    }
    if (used_cells)
        *used_cells = width;
    return at;
}

int ff_display_width(const char *s)
{
    int width;
    ff_display_prefix(s, INT_MAX, &width);
    return width;
}

/* Would this code point change how the text around it is shown? */
static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x61C || c == 0x200E || c == 0x200F ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

static void add_visible(ff_buf *b, const char *s, size_t n)
{
    for (size_t at = 0, used; at < n; at += used) {
        uint32_t c = ff_utf8_decode(s + at, n - at, &used);
        unsigned char byte = (unsigned char)s[at];
        if (c == '\n')
            ff_buf_puts(b, "\\n");
        else if (c == '\t')
            ff_buf_puts(b, "\\t");
        else if (c == '\r')
            ff_buf_puts(b, "\\r");
        else if (used == 1 && (byte >= 0x80 || is_control(byte)))
            ff_buf_printf(b, "\\x%02x", byte);
        else if (is_control(c))
            ff_buf_printf(b, "\\u%04x", (unsigned)c);
        else
            ff_buf_add(b, s + at, used);
    }
}

void ff_buf_visible(ff_buf *b, const char *s)
{
    add_visible(b, s, strlen(s));
}

char *ff_visible_n(const char *s, size_t n)
{
    ff_buf b = {0};
    add_visible(&b, s, n);
    return ff_buf_steal(&b);
}

char *ff_visible(const char *s)
{
    return ff_visible_n(s, strlen(s));
}
