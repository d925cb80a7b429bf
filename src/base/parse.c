/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers, sizes and durations as people type them, and the word they may have meant. */
#include "fetafix/base.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool ff_any_of(const char *word, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(word, *list) == 0)
            return true;
    return false;
}

bool ff_parse_int(const char *s, int64_t *out)
{
    const char *digits = *s == '-' || *s == '+' ? s + 1 : s;
    if (!isdigit((unsigned char)*digits))
        return false;
    char *end;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    if (errno || *end)
        return false;
    *out = v;
    return true;
}

static locale_t c_locale;

static void make_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* A decimal number at s; *end is behind it. The decimal point is '.', whatever the user's locale. */
static bool read_real(const char *s, const char **end, double *out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const char *p = *s == '-' || *s == '+' ? s + 1 : s;
    bool digits = false;
    for (; isdigit((unsigned char)*p); p++)
        digits = true;
    if (*p == '.')
        for (p++; isdigit((unsigned char)*p); p++)
            digits = true;
    if (!digits)
        return false;
    if (*p == 'e' || *p == 'E') {
        const char *e = p + 1;
        if (*e == '-' || *e == '+')
            e++;
        if (isdigit((unsigned char)*e)) {
            while (isdigit((unsigned char)*e))
                e++;
            p = e;
        }
    }
    /* What was scanned is copied, so that strtod sees neither hexadecimal nor a longer number. */
    char *copy = ff_strndup(s, (size_t)(p - s));
    pthread_once(&once, make_locale);
    double v = strtod_l(copy, NULL, c_locale);
    free(copy);
    if (!isfinite(v))
        return false;
    *end = p;
    *out = v;
    return true;
}

bool ff_parse_real(const char *s, double *out)
{
    const char *end;
    double v;
    if (!read_real(s, &end, &v) || *end)
        return false;
    *out = v;
    return true;
}

bool ff_parse_size(const char *s, uint64_t *out)
{
    static const char *const letters = "KMGT";
    const char *end;
    double v;
    if (!isdigit((unsigned char)*s) || !read_real(s, &end, &v))
        return false;
    const char *letter = *end ? strchr(letters, toupper((unsigned char)*end)) : NULL;
    if (letter) {
        for (const char *l = letters; l <= letter; l++)
            v *= 1024;
        end++;
        if (*end == 'i')
            end++;
    }
    if (*end == 'B' || *end == 'b')
        end++;
    if (*end || v >= 18446744073709551616.0)
        return false;
    *out = (uint64_t)v;
    return true;
}

bool ff_parse_duration(const char *s, double *out)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = {{"ms", 1e-3}, {"d", 86400}, {"h", 3600}, {"min", 60}, {"m", 60}, {"s", 1}};
    double total = 0;
    if (ff_parse_real(s, &total)) {
        if (total < 0 || *s == '-')
            return false;
        *out = total;
        return true;
    }
    total = 0;
    do {
        double v;
        const char *end;
        if (!isdigit((unsigned char)*s) || !read_real(s, &end, &v))
            return false;
        size_t i = 0;
        while (i < FF_COUNT(units) && strncmp(end, units[i].name, strlen(units[i].name)) != 0)
            i++;
        if (i == FF_COUNT(units))
            return false;
        total += v * units[i].seconds;
        s = end + strlen(units[i].name);
    } while (*s);
    if (!isfinite(total))
        return false;
    *out = total;
    return true;
}

#define LONGEST_WORD 64

/* Edit distance (Levenshtein's, and two neighbours swapped count once); case does not matter. */
static int distance(const char *a, const char *b)
{
    int n = (int)strlen(a), m = (int)strlen(b);
    int rows[3][LONGEST_WORD + 1];
    int *before = rows[0], *above = rows[1], *row = rows[2];
    for (int j = 0; j <= m; j++)
        above[j] = j;
    for (int i = 1; i <= n; i++) {
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
            int best = above[j - 1] + (x != y);
            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) && y == tolower((unsigned char)a[i - 2]) &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
        }
        int *spare = before;
        before = above, above = row, row = spare;
    }
    return above[m];
}

/* How many slips may lie between a word of n letters and the one that was meant. A first letter is seldom
 * missed: "show" is no "drop". */
static int bound(size_t n, bool same_first)
{
    return n <= 2 ? 1 : same_first ? 1 + (int)n / 3 : 1 + (int)n / 8;
}

const char *ff_nearest(const char *s, const char *const *names, size_t n)
{
    size_t len = strlen(s);
    if (len == 0 || len > LONGEST_WORD)
        return NULL;
    const char *nearest = NULL;
    int least = (int)len; /* a word with every letter replaced is not near */
    for (size_t i = 0; i < n; i++) {
        if (!names[i] || strlen(names[i]) > LONGEST_WORD)
            continue;
        bool begins = len > 1 && strncasecmp(names[i], s, len) == 0;
        int d = begins ? 0 : distance(s, names[i]);
        if (d < least && d <= bound(len, tolower((unsigned char)*s) == tolower((unsigned char)*names[i]))) {
            least = d;
            nearest = names[i];
        }
    }
    return nearest;
}
