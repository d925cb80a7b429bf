/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The options there are: a row each, and what can be told of one. */

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fetafix/command_options.h"
#include "fetafix/compare.h"
#include "fetafix/images.h"

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
     "repair borrow explore apply convert run", TEXT, AT(output)},
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
    {"max-wrong", 0, "N|P%", "exit code 0 while no more than N, or P% of the images, are wrong",
     "compare localize repair explore", GATE, AT(max_wrong), "0"},
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
     "compare localize repair borrow explore apply convert run bench inspect matrix", SWITCH, AT(force)},
    {"config", 0, "FILE", "read settings from this file instead of the user's", NULL, TEXT, AT(config)},
    {"no-config", 0, NULL, "do not read the user's configuration file", NULL, SWITCH, AT(no_config)},
    {"color", 0, "auto|never|always", "colours", NULL, COLOR, AT(color)},
    {"quiet", 'q', NULL, "no notes and no progress", NULL, SWITCH, AT(quiet)},
    {"verbose", 'v', NULL, "say more", NULL, SWITCH, AT(verbose)},
    {"help", 'h', NULL, "this help; with a command: that command's", NULL, SWITCH, AT(help)},
    {"version", 'V', NULL, "versions of the program and its libraries", NULL, SWITCH, AT(version)},
};

static_assert(FF_COUNT(options) <= FF_OPTIONS_MAX, "OPTIONS_MAX is too small");

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
    switch ((enum ff_option_kind)row->kind) {
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
    case GATE:
    case PIN:
    case FORBID:
        break;
    }
    return "text";
}

static void add_choice(ff_buf *b, const char *word, size_t n)
{
    ff_buf_puts(b, b->len ? " " : "");
    ff_buf_add(b, word, n);
}

char *ff_option_choices(const ff_option *row)
{
    const char *argument = row->argument ? row->argument : "", *name, *other;
    ff_buf b = {0};
    if (argument[0] >= 'a' && argument[0] <= 'z' && strchr(argument, '|')) {
        for (const char *p = argument; *p; p += *p == '|') {
            size_t n = strcspn(p, "|");
            add_choice(&b, p, n);
            p += n;
        }
    } else if (strcmp(argument, "SPEC") == 0) {
        for (int i = 0; (name = ff_pre_preset_at(i, &other)); i++)
            add_choice(&b, name, strlen(name));
    } else if (strncmp(argument, "NAME[:", 6) == 0) {
        for (int i = 0; (name = ff_comparator_at(i, &other, &other)); i++)
            add_choice(&b, name, strlen(name));
    }
    return b.len ? ff_buf_steal(&b) : NULL;
}

bool ff_option_is_file(const ff_option *row)
{
    static const char *const files[] = {"FILE", "DIR", "OUT", "NPY"};
    for (size_t i = 0; row->argument && i < FF_COUNT(files); i++) {
        if (strncmp(row->argument, files[i], strlen(files[i])) == 0)
            return true;
    }
    return false;
}

const char *ff_option_default(const ff_option *row)
{
    switch ((enum ff_option_kind)row->kind) {
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

void ff_option_print(const ff_option *row, const ff_options *o, ff_buf *out)
{
    const char *at = (const char *)o + row->offset;
    switch ((enum ff_option_kind)row->kind) {
    case GATE:
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

void ff_options_init(ff_options *o)
{
    *o = (ff_options){.color = -1};
    o->arena = ff_arena_create();
}

void ff_options_finish(ff_options *o)
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

bool ff_option_is_live(const char *name)
{
    static const char *const live[] = {"format", "verbose", "quiet"};
    for (size_t i = 0; i < FF_COUNT(live); i++) {
        if (strcmp(live[i], name) == 0)
            return true;
    }
    return false;
}
