/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words of a command line and lines of a configuration file into options. */
#include "program/options.h"

#include "program/gate.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fetafix/align.h"
#include "fetafix/command_options.h"

/* --------------------------------------------------------------------------------------- values */

/* `dashes`: "--" on the command line, nothing where it is a setting. */
static int bad_value(const char *dashes, const ff_option *row, const char *value, const char *expected)
{
    return ff_fail(FF_ERR_USAGE, "%s%s: '%s' is not %s", dashes, row->name, value, expected);
}

/* The place of `value` among words separated by |, or -1. */
static int choice(const char *words, const char *value)
{
    size_t n = strlen(value);
    for (int i = 0; *words; i++) {
        size_t len = strcspn(words, "|");
        if (len == n && memcmp(words, value, n) == 0)
            return i;
        words += len + (words[len] == '|');
    }
    return -1;
}

/* The word among words separated by | that was perhaps meant, for the caller to free; NULL: none. */
static char *near_choice(const char *words, const char *value)
{
    enum { MOST = 8 };
    char *list[MOST] = {0};
    const char *names[MOST] = {0};
    for (int i = 0; *words && i < MOST; i++) {
        size_t n = strcspn(words, "|");
        names[i] = list[i] = ff_strndup(words, n);
        words += n + (words[n] == '|');
    }
    char *near = ff_strdup(ff_nearest(value, names, MOST));
    for (int i = 0; i < MOST; i++)
        free(list[i]);
    return near;
}

static int set_choice(const char *dashes, const ff_option *row, const char *value, int *out)
{
    *out = choice(row->argument, value);
    if (*out >= 0)
        return FF_OK;
    char *near = near_choice(row->argument, value);
    int code = ff_fail(FF_ERR_USAGE, "%s%s: '%s' is none of %s%s%s%s", dashes, row->name, value, row->argument,
                       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    free(near);
    return code;
}

/* SOURCE_NODE=TARGET_NODE; one more for the list. */
static int add_pin(const char *dashes, const ff_option *row, const char *value, ff_options *o)
{
    const char *cut = strchr(value, '=');
    if (!cut || cut == value || !cut[1])
        return bad_value(dashes, row, value, row->argument);
    int n = o->session.n_pins;
    ff_pin *pins = ff_arena_alloc(o->arena, ((size_t)n + 1) * sizeof *pins);
    if (n > 0)
        memcpy(pins, o->session.pins, (size_t)n * sizeof *pins);
    char *source = ff_arena_strdup(o->arena, value);
    source[cut - value] = '\0';
    pins[n] = (ff_pin){source, cut + 1, row->kind == FORBID};
    o->session.pins = pins;
    o->session.n_pins = n + 1;
    return FF_OK;
}

static int set(const char *dashes, const ff_option *row, const char *value, ff_options *o)
{
    char *at = (char *)o + row->offset;
    int64_t number;
    uint64_t size;
    double seconds;
    int which, code;
    switch ((enum ff_option_kind)row->kind) {
    case TEXT:
        if (!*value)
            return ff_fail(FF_ERR_USAGE, "%s%s: %s is empty", dashes, row->name, row->argument);
        *(const char **)at = value;
        return FF_OK;
    case GATE:
        if (!gate_parse(value, &(double){0}, &(bool){false}))
            return bad_value(dashes, row, value, "a count, or a share as 1.5%");
        *(const char **)at = value;
        return FF_OK;
    case SWITCH:
        which = value ? choice("no|yes|off|on", value) : 1;
        if (which < 0)
            return bad_value(dashes, row, value, "yes or no");
        *(bool *)at = which % 2;
        return FF_OK;
    case COUNT:
        if (!ff_parse_int(value, &number) || number < 1 || number > INT_MAX)
            return bad_value(dashes, row, value, "a whole number from 1");
        *(int *)at = (int)number;
        return FF_OK;
    case SEED:
        if (!ff_parse_int(value, &number) || number < 0)
            return bad_value(dashes, row, value, "a whole number from 0");
        *(uint64_t *)at = (uint64_t)number;
        return FF_OK;
    case SIZE:
        if (!ff_parse_size(value, &size) || size == 0)
            return bad_value(dashes, row, value, "a size, as 512M or 2G");
        *(uint64_t *)at = size;
        return FF_OK;
    case DURATION:
        if (!ff_parse_duration(value, &seconds) || !(seconds > 0))
            return bad_value(dashes, row, value, "a time, as 90s, 15m or 2h");
        *(double *)at = seconds;
        return FF_OK;
    case COLOR:
        if (!(code = set_choice(dashes, row, value, &which)))
            *(int *)at = which - 1;
        return code;
    case FORMAT:
        if (!(code = set_choice(dashes, row, value, &which)))
            *(ff_format *)at = (ff_format)which;
        return code;
    case STRATEGY:
    case ANALYSIS:
        if (!(code = set_choice(dashes, row, value, &which)))
            *(bool *)at = which == 1;
        return code;
    case YES_NO:
        if (!(code = set_choice(dashes, row, value, &which))) {
            *(bool *)at = which == 0;
            o->no_causal = which == 1;
        }
        return code;
    case PIN:
    case FORBID:
        return add_pin(dashes, row, value, o);
    }
    return FF_OK;
}

/* --------------------------------------------------------------------------------- the words */

static const ff_option *find(const char *name, size_t n)
{
    const ff_option *row;
    for (int i = 0; (row = ff_option_at(i)); i++) {
        if (strlen(row->name) == n && memcmp(row->name, name, n) == 0)
            return row;
    }
    return NULL;
}

static const ff_option *find_letter(char letter)
{
    const ff_option *row;
    for (int i = 0; (row = ff_option_at(i)); i++) {
        if (row->letter == letter)
            return row;
    }
    return NULL;
}

/* The option, or the setting, whose name is most like this; NULL: none is. */
static const char *nearest(const char *name, bool settings)
{
    const char *names[FF_OPTIONS_MAX];
    const ff_option *row;
    size_t n = 0;
    for (int i = 0; (row = ff_option_at(i)); i++) {
        if (!settings || ff_option_is_setting(row))
            names[n++] = row->name;
    }
    return ff_nearest(name, names, n);
}

static int unknown(const char *name, size_t n)
{
    char *word = ff_strndup(name, n);
    const char *near = nearest(word, false);
    int code = near ? ff_fail(FF_ERR_USAGE, "unknown option '--%s'; did you mean '--%s'?", word, near)
                    : ff_fail(FF_ERR_USAGE, "unknown option '--%s'; see fetafix --help", word);
    free(word);
    return code;
}

static int take_long(const char *word, int argc, char **argv, int *i, ff_options *o)
{
    size_t n = strcspn(word, "=");
    const ff_option *row = find(word, n);
    const char *value = word[n] ? word + n + 1 : NULL;
    if (!row)
        return unknown(word, n);
    if (!row->argument && value)
        return ff_fail(FF_ERR_USAGE, "--%s takes no value", row->name);
    if (row->argument && !value) {
        if (*i + 1 >= argc)
            return ff_fail(FF_ERR_USAGE, "--%s needs %s", row->name, row->argument);
        value = argv[++*i];
    }
    return set("--", row, value, o);
}

static int take_short(const char *word, int argc, char **argv, int *i, ff_options *o)
{
    for (; *word; word++) {
        const ff_option *row = find_letter(*word);
        if (!row)
            return ff_fail(FF_ERR_USAGE, "unknown option '-%c'; see fetafix --help", *word);
        if (row->argument) {
            const char *value = word[1] ? word + 1 : *i + 1 < argc ? argv[++*i] : NULL;
            return value ? set("--", row, value, o) : ff_fail(FF_ERR_USAGE, "-%c needs %s", *word, row->argument);
        }
        int code = set("--", row, NULL, o);
        if (code)
            return code;
    }
    return FF_OK;
}

/* Options that the verb does not know are refused, so that none is dropped in silence. */
static int check_verb(int argc, char **argv, const char *verb)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const ff_option *row = NULL;
        if (strncmp(argv[i], "--", 2) == 0) {
            size_t n = strcspn(argv[i] + 2, "=");
            row = find(argv[i] + 2, n);
            if (row && !ff_option_fits(row, verb))
                return ff_fail(FF_ERR_USAGE, "--%s does not go with '%s'", row->name, verb);
            if (row && row->argument && !argv[i][2 + n])
                i++;
        } else if (argv[i][0] == '-' && argv[i][1]) {
            for (const char *c = argv[i] + 1; *c; c++) {
                row = find_letter(*c);
                if (row && !ff_option_fits(row, verb))
                    return ff_fail(FF_ERR_USAGE, "-%c does not go with '%s'", *c, verb);
                if (row && row->argument) {
                    i += !c[1];
                    break;
                }
            }
        }
    }
    return FF_OK;
}

int options_parse(int argc, char **argv, ff_options *o)
{
    o->words = o->operands = ff_alloc_array((size_t)argc + 1, sizeof *o->operands);
    bool only_words = false;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        int code = FF_OK;
        if (!only_words && strcmp(word, "--") == 0)
            only_words = true;
        else if (!only_words && strncmp(word, "--", 2) == 0)
            code = take_long(word + 2, argc, argv, &i, o);
        else if (!only_words && word[0] == '-' && word[1])
            code = take_short(word + 1, argc, argv, &i, o);
        else
            o->operands[o->n_operands++] = argv[i];
        if (code)
            return code;
    }
    const ff_command *c = o->n_operands ? ff_command_find(o->operands[0]) : NULL;
    if (c && c->shell && strcmp(c->name, o->operands[0]) == 0) {
        o->verb = c->name;
        o->operands++;
        o->n_operands--;
    }
    return o->verb ? check_verb(argc, argv, o->verb) : FF_OK;
}

static int unknown_setting(const char *name)
{
    const char *near = nearest(name, true);
    return near ? ff_fail(FF_ERR_USAGE, "unknown setting '%s'; did you mean '%s'?", name, near)
                : ff_fail(FF_ERR_USAGE, "unknown setting '%s'; `set` lists them", name);
}

int options_set(ff_options *o, const char *name, const char *value)
{
    const ff_option *row = find(name, strlen(name));
    if (!row)
        return unknown_setting(name);
    if (!ff_option_is_setting(row))
        return ff_fail(FF_ERR_USAGE, "'%s' is an option of the command line, not a setting", name);
    if (row->argument && !value)
        return ff_fail(FF_ERR_USAGE, "'%s' needs %s", row->name, row->argument);
    return set("", row, value ? ff_arena_strdup(o->arena, value) : NULL, o);
}

int options_split_setting(int n, char **words, char **name, const char **value)
{
    char *equals = n > 0 ? strchr(words[0], '=') : NULL;
    bool signs = n == 3 && strcmp(words[1], "=") == 0;
    *name = NULL;
    *value = NULL;
    if (n < 1 || n > 3 || (n == 3 && !signs) || (equals && n > 1))
        return ff_fail(FF_ERR_USAGE, "expected: set NAME VALUE");
    *name = equals ? ff_strndup(words[0], (size_t)(equals - words[0])) : ff_strdup(words[0]);
    if (equals)
        *value = equals + 1;
    else if (n > 1)
        *value = words[n - 1];
    return FF_OK;
}

static int run_config(ff_options *o, int n, char **words)
{
    static const char *const names[] = {"set", "bind", "color"};
    char *name;
    const char *value;
    if (strcmp(words[0], "bind") == 0)
        return ff_bind_key(n - 1, words + 1);
    if (strcmp(words[0], "color") == 0 || strcmp(words[0], "colour") == 0)
        return ff_set_color(n - 1, words + 1);
    if (strcmp(words[0], "set") != 0) {
        const char *near = ff_nearest(words[0], names, FF_COUNT(names));
        return near ? ff_fail(FF_ERR_USAGE, "'%s' is none of set, bind, color; did you mean '%s'?", words[0], near)
                    : ff_fail(FF_ERR_USAGE, "'%s' is none of set, bind, color", words[0]);
    }
    int code = options_split_setting(n - 1, words + 1, &name, &value);
    if (!code)
        code = options_set(o, name, value);
    free(name);
    return code;
}

int options_read_config(ff_options *o, const char *path)
{
    char *text;
    size_t size;
    int code = ff_read_file(path, 1 << 20, &text, &size), number = 0;
    if (code)
        return code;
    FILE *f = size ? fmemopen(text, size, "r") : NULL;
    ff_buf line = {0};
    while (!code && f && ff_line_read(f, &line, &number)) {
        char **words;
        int n = 0;
        code = ff_line_split(line.data, &words, &n);
        if (!code) {
            code = n > 0 ? run_config(o, n, words) : FF_OK;
            ff_line_free_words(words, n);
        }
        if (code)
            code = ff_fail_prefix(code, "%s:%d", path, number);
    }
    ff_buf_finish(&line);
    if (f)
        fclose(f);
    free(text);
    return code;
}
