/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "program/gate.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fetafix/command_say.h"

bool gate_parse(const char *text, double *value, bool *share)
{
    size_t n = strlen(text);
    int64_t whole;
    *share = n > 0 && text[n - 1] == '%';
    char *number = ff_strndup(text, n - *share), *end = number;
    bool fine;
    if (*share) {
        fine = *number >= '0' && *number <= '9' && !strpbrk(number, "xXeEpP");
        *value = fine ? strtod(number, &end) : 0;
        fine = fine && !*end && *value <= 100;
    } else {
        fine = ff_parse_int(number, &whole) && whole >= 0 && whole <= INT_MAX;
        *value = fine ? (double)whole : 0;
    }
    free(number);
    return fine;
}

int gate_code(ff_context *c, int wrong, int all)
{
    const char *given = c->options ? c->options->max_wrong : NULL;
    double value = 0;
    bool share = false;
    if (!given || !gate_parse(given, &value, &share))
        return wrong == 0 ? 0 : 1;
    /* A share of a whole number of images: 10% of 60 are 6, however 0.1 is rounded. */
    int allowed = share ? (int)floor(value * all / 100 + 1e-9) : (int)value;
    bool passes = wrong <= allowed;
    ff_note(c, "%s: %d of %d wrong, --max-wrong %s allows %d", passes ? "passes" : "fails", wrong, all, given, allowed);
    if (!passes)
        ff_note(c, "would pass at --max-wrong %d, or %.4g%%", wrong, ceil(1e4 * wrong / all) / 100);
    return passes ? 0 : 1;
}
