/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "fetafix/base.h"

static bool is_border(char c)
{
    return c == '\0' || strchr("/.;:", c);
}

bool ff_name_holds(const char *name, const char *word)
{
    size_t n = strlen(word);
    for (const char *s = name; n && *s; s++) {
        if (strncasecmp(s, word, n) == 0 && (s == name || is_border(s[-1]) || is_border(*word)) && is_border(s[n]))
            return true;
    }
    return false;
}
