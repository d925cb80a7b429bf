/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/nearest.h"

#include <stdlib.h>
#include <string.h>

#include "fetafix/base.h"

const char *place_nearest(const char *word, const char *const *names, size_t n)
{
    const char *near = ff_nearest(word, names, n), *last = strrchr(word, '/');
    if (near)
        return near;
    /* The end of a name counts, too; of the word, what some name holds. */
    const char **tails = ff_alloc_array(n + 1, sizeof *tails);
    for (size_t i = 0; i < n; i++) {
        const char *slash = strrchr(names[i], '/');
        tails[i] = slash ? slash + 1 : names[i];
    }
    const char *tail = ff_nearest(last ? last + 1 : word, tails, n);
    int alike = 0; /* many names may end in the same way */
    for (size_t i = 0; tail && i < n; i++) {
        if (strcmp(tails[i], tail) == 0) {
            near = alike++ ? NULL : names[i];
        }
    }
    for (size_t i = 0; last && last[1] && !near && i < n; i++)
        near = strcasestr(names[i], last + 1) ? names[i] : NULL;
    free(tails);
    return near;
}
