/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/options.h"
#include "command/line.h"
#include "command/prompt.h"

#include <limits.h>
#include <stdio.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "fetafix/align.h"

enum kind { TEXT, SWITCH, COUNT, SEED, SIZE, DURATION, COLOR, FORMAT, STRATEGY, ANALYSIS, YES_NO, PIN, FORBID };

#define AT(member) offsetof(ff_options, member)
#define CASE       "compare localize repair explore repl script"
#define RUNS       CASE " run bench matrix query teach" /* what runs a model */
#define REPAIRS    "repair explore repl script"

static const ff_option options[] = {
    {"images", 0, "DIR|LIST", "images: a folder, or a text file with one path a line", CASE " borrow run bench matrix",
     TEXT, AT(session.images)},
    {"source-pre", 0, "SPEC", "the Source's preprocessing: a preset or a spec", CASE " borrow run bench", TEXT,
     AT(session.source_pre), "guessed"},
    {"target-pre", 0, "SPEC", "the Target's preprocessing", CASE " borrow bench", TEXT, AT(session.target_pre),
     "guessed"},
    {"pre", 0, "SPEC", "the same as --source-pre, for one model", "run bench matrix", TEXT, AT(session.source_pre)},
    {"labels", 0, "FILE", "class names, one a line", CASE " run", TEXT, AT(session.labels)},
    {"source-output", 0, "NAME", "the Source's output that is read", CASE, TEXT, AT(session.source_output),
     "the first"},
    {"target-output", 0, "NAME", "the Target's output that is read", CASE, TEXT, AT(session.target_output)},
    {"output", 'o', "OUT", "file to write: the repaired model; for `run` its outputs as NPY",
     "repair borrow explore apply run", TEXT, AT(output)},
    {"json", 0, "FILE|-", "write the report as JSON; -: to standard output",
     "compare localize repair explore run inspect bench matrix", TEXT, AT(json)},
    {"labels-csv", 0, "FILE", "write both models' five best classes of every image", "compare localize repair explore",
     TEXT, AT(labels_csv)},
    {"report", 0, "FILE.html", "write the report as a page", "compare localize repair explore matrix", TEXT,
     AT(report)},
    {"patch", 0, "FILE", "write the repair as a file for `fetafix apply`", "repair borrow explore", TEXT, AT(patch)},
    {"repro", 0, "DIR", "write for each fault the smallest part of the model that shows it", "localize repair explore",
     TEXT, AT(repro)},
    {"session", 0, "FILE", "keep the case in this file and take it up again from there", CASE, TEXT, AT(session.path)},
    {"validate", 0, "DIR|LIST", "independent images, with classes if known: counted, never used to decide", CASE, TEXT,
     AT(session.validate)},
    {"input", 0, "NPY|NPZ", "samples that are no images: arrays named as the inputs, the first axis counts",
     CASE " borrow run matrix", TEXT, AT(input)},
    {"limit", 0, "N", "use the first N images only", CASE " borrow run bench matrix", COUNT, AT(session.limit)},
    {"seed", 0, "N", "of the samples that the analysis draws", CASE, SEED, AT(session.seed)},
    {"threads", 0, "N", "threads", RUNS, COUNT, AT(session.threads), "one per core"},
    {"memory", 0, "SIZE", "memory for kept results, as 2G", RUNS, SIZE, AT(session.memory),
     "a quarter of the machine's"},
    {"time-limit", 0, "TIME", "end the search after this time, as 90s or 2h", CASE, DURATION, AT(session.time_limit),
     "2h"},
    {"rounds", 0, "N", "rounds without a gain before the greedy search ends", REPAIRS, COUNT, AT(session.rounds), "3"},
    {"strategy", 0, "full|paper", "paper: greedy only, as published", REPAIRS, STRATEGY, AT(session.paper_strategy)},
    {"analysis", 0, "exact|paper", "paper: sampled layer analysis, as published", "localize " REPAIRS, ANALYSIS,
     AT(session.paper_analysis)},
    {"causal", 0, "yes|no", "compute the causal column", "localize " REPAIRS, YES_NO, AT(session.causal),
     "for `localize`"},
    {"minimal", 0, NULL, "keep the essential repairs only", REPAIRS, SWITCH, AT(session.minimal)},
    {"keep-quantized", 0, NULL, "the Target is meant to be quantised: its rounding is no fault", "localize " REPAIRS,
     SWITCH, AT(session.keep_quantized)},
    {"pre-into-graph", 0, NULL, "write a repaired preprocessing into the graph, so that the old one stays right",
     "repair", SWITCH, AT(pre_into_graph)},
    {"comparator", 0, "NAME[:ARGS]", "when an answer of the Target is wrong, as tolerance:abs=1e-4",
     CASE " borrow matrix", TEXT, AT(session.comparator), "top-1"},
    {"core-ops", 0, "LIST", "operators that count as layers, as Conv,Gemm,MatMul", "localize " REPAIRS, TEXT,
     AT(session.core_ops)},
    {"pin", 0, "SOURCE_NODE=TARGET_NODE", "these two nodes are a pair; may be given more than once",
     "localize " REPAIRS, PIN, AT(session.pins)},
    {"forbid", 0, "SOURCE_NODE=TARGET_NODE", "these two nodes are never a pair", "localize " REPAIRS, FORBID,
     AT(session.pins)},
    {"equivalences", 0, NULL, "list the differences that cannot change a result", "localize repair", SWITCH,
     AT(equivalences)},
    {"reference", 0, NULL, "plain C kernels for everything", RUNS, SWITCH, AT(session.reference)},
    {"timing", 0, NULL, "put times into the report", "compare localize repair explore", SWITCH, AT(timing)},
    {"format", 0, "text|json|csv", "how tables are printed", "compare run repl script query inspect matrix", FORMAT,
     AT(format)},
    {"force", 'f', NULL, "overwrite files that exist",
     "compare localize repair borrow explore apply run bench inspect matrix", SWITCH, AT(force)},
    {"config", 0, "FILE", "read settings from this file instead of the user's", NULL, TEXT, AT(config)},
    {"no-config", 0, NULL, "do not read the user's configuration file", NULL, SWITCH, AT(no_config)},
    {"color", 0, "auto|never|always", "colours", NULL, COLOR, AT(color)},
    {"quiet", 'q', NULL, "no notes and no progress", NULL, SWITCH, AT(quiet)},
    {"verbose", 'v', NULL, "say more", NULL, SWITCH, AT(verbose)},
    {"help", 'h', NULL, "this help; with a command: that command's", NULL, SWITCH, AT(help)},
    {"version", 'V', NULL, "versions of the program and its libraries", NULL, SWITCH, AT(version)},
};

const ff_option *ff_option_at(int i)
{
    return i >= 0 && (size_t)i < FF_COUNT(options) ? &options[i] : NULL;
}

/* What belongs to one run only is no setting: files to write, and what ends the program at once. */
bool ff_option_is_setting(const ff_option *row)
{
    static const char *const others[] = {"output", "json",   "labels-csv", "report",  "patch",
                                         "repro",  "pin",    "forbid",     "session", "input",
                                         "force",  "config", "no-config",  "help",    "version"};
    for (size_t i = 0; i < FF_COUNT(others); i++) {
        if (strcmp(row->name, others[i]) == 0)
            return false;
    }
    return true;
}

const char *ff_option_type(const ff_option *row)
{
    switch ((enum kind)row->kind) {
    case SWITCH:
        return "yes|no";
    case COUNT:
    case SEED:
        return "number";
    case SIZE:
        return "size";
    case DURATION:
        return "time";
    case COLOR:
    case FORMAT:
    case STRATEGY:
    case ANALYSIS:
    case YES_NO:
        return row->argument;
    case TEXT:
    case PIN:
    case FORBID:
        break;
    }
    return "text";
}

const char *ff_option_default(const ff_option *row)
{
    switch ((enum kind)row->kind) {
    case SWITCH:
        return "no";
    case COLOR:
        return "auto";
    case FORMAT:
        return "text";
    case STRATEGY:
        return "full";
    case ANALYSIS:
        return "exact";
    case SEED:
        return "0";
    default:
        return row->initial ? row->initial : "none";
    }
}

/* The word of "a|b|c" at a place. */
static void put_choice(const char *words, int at, ff_buf *out)
{
    for (; at > 0; at--)
        words += strcspn(words, "|") + 1;
    ff_buf_printf(out, "%.*s", (int)strcspn(words, "|"), words);
}

void option_print(const ff_option *row, const ff_options *o, ff_buf *out)
{
    const char *at = (const char *)o + row->offset;
    switch ((enum kind)row->kind) {
    case TEXT:
        ff_buf_puts(out, *(const char *const *)at ? *(const char *const *)at : "");
        break;
    case SWITCH:
        ff_buf_puts(out, *(const bool *)at ? "yes" : "no");
        break;
    case COUNT:
        if (*(const int *)at)
            ff_buf_printf(out, "%d", *(const int *)at);
        break;
    case SEED:
    case SIZE:
        if (row->kind == SEED || *(const uint64_t *)at)
            ff_buf_printf(out, "%llu", (unsigned long long)*(const uint64_t *)at);
        break;
    case DURATION:
        if (*(const double *)at > 0)
            ff_buf_printf(out, "%gs", *(const double *)at);
        break;
    case COLOR:
        put_choice(row->argument, *(const int *)at + 1, out);
        break;
    case FORMAT:
        put_choice(row->argument, (int)*(const ff_format *)at, out);
        break;
    case STRATEGY:
    case ANALYSIS:
        put_choice(row->argument, *(const bool *)at, out);
        break;
    case YES_NO:
        ff_buf_puts(out, *(const bool *)at ? "yes" : o->no_causal ? "no" : "");
        break;
    case PIN:
    case FORBID: /* no settings */
        break;
    }
}

void options_init(ff_options *o)
{
    *o = (ff_options){.color = -1};
    o->arena = ff_arena_create();
}

void options_finish(ff_options *o)
{
    ff_arena_destroy(o->arena);
    free(o->words);
    o->arena = NULL;
    o->words = o->operands = NULL;
}

bool ff_option_fits(const ff_option *row, const char *verb)
{
    if (!row->verbs || !verb)
        return true;
    size_t n = strlen(verb);
    for (const char *s = row->verbs; (s = strstr(s, verb)); s += n) {
        if ((s == row->verbs || s[-1] == ' ') && (s[n] == ' ' || s[n] == '\0'))
            return true;
    }
    return false;
}

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
    switch ((enum kind)row->kind) {
    case TEXT:
        if (!*value)
            return ff_fail(FF_ERR_USAGE, "%s%s: %s is empty", dashes, row->name, row->argument);
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

/* ------------------------------------------------------------------------------------- the words
 */

static const ff_option *find(const char *name, size_t n)
{
    for (size_t i = 0; i < FF_COUNT(options); i++) {
        if (strlen(options[i].name) == n && memcmp(options[i].name, name, n) == 0)
            return &options[i];
    }
    return NULL;
}

static int unknown(const char *name, size_t n)
{
    const char *names[FF_COUNT(options)];
    for (size_t i = 0; i < FF_COUNT(options); i++)
        names[i] = options[i].name;
    char *word = ff_strndup(name, n);
    const char *near = ff_nearest(word, names, FF_COUNT(names));
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
        const ff_option *row = NULL;
        for (size_t k = 0; k < FF_COUNT(options); k++) {
            if (options[k].letter == *word)
                row = &options[k];
        }
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
                row = NULL;
                for (size_t k = 0; k < FF_COUNT(options); k++) {
                    if (options[k].letter == *c)
                        row = &options[k];
                }
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
    const char *names[FF_COUNT(options)];
    size_t n = 0;
    for (size_t i = 0; i < FF_COUNT(options); i++) {
        if (ff_option_is_setting(&options[i]))
            names[n++] = options[i].name;
    }
    const char *near = ff_nearest(name, names, n);
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
        return keys_bind(n - 1, words + 1);
    if (strcmp(words[0], "color") == 0 || strcmp(words[0], "colour") == 0)
        return colors_set(n - 1, words + 1);
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
    while (!code && f && line_read(f, &line, &number)) {
        char **words;
        int n = 0;
        code = ff_line_split(line.data, &words, &n);
        if (!code) {
            code = n > 0 ? run_config(o, n, words) : FF_OK;
            line_free_words(words, n);
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
