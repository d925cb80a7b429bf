/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The command table. A command is one row here (or in explorer.c) and one function; help,
 * completion, the prompt, scripts and the shell's verbs follow from the row.
 */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "command/batch.h"
#include "command/explorer.h"
#include "command/prompt.h"

#define CASE "SOURCE TARGET --images DIR|LIST [OPTION]..."

/* Sorted by name. */
static const ff_command commands[] = {
    {"accept", "[REPAIR]... [--force]",
     "take a repair (the next one; --force: even if it does not help)",
     "REPAIR is an id or its number in `proposals`. It is judged first when it was not: a repair "
     "is taken\n"
     "when fewer labels are wrong afterwards. Several, and a group of one cause, are one step: undo takes\n"
     "them back together, `split` takes them apart.",
     "a", FF_AT_PROMPT, 0, -1, prompt_accept, NULL},
    {"apply", "PATCH MODEL -o OUT", "replay an exported repair on the model it was made for", NULL,
     NULL, FF_AT_SHELL, 0, -1, NULL, verb_apply},
    {"bench", "MODEL | " CASE, "milliseconds per image, or where the time of a repair goes", NULL,
     NULL, FF_AT_SHELL, 0, -1, NULL, verb_bench},
    {"compare", CASE, "count the images whose labels differ, without analysis",
     "Exit code 0: no label differs; 1: some do. --verbose lists them.", NULL, FF_AT_SHELL | FF_AT_TEAM,
     0, -1, NULL, verb_compare},
    {"compare-states", "STATE STATE", "two states side by side: counts, labels that changed, edits of one alone",
     NULL, NULL, FF_AT_PROMPT, 2, 2, prompt_compare_states, NULL},
    {"detail", "PAIR", "attributes, origins and weights of a row of the aligned graph", NULL, NULL,
     FF_AT_PROMPT, 1, 1, prompt_detail, NULL},
    {"equivalences", "", "differences that cannot change a result", NULL, NULL, FF_AT_PROMPT, 0, 0,
     prompt_table, NULL},
    {"evaluate", "[REPAIR]", "judge a repair without taking it", NULL, "e", FF_AT_PROMPT, 0, 1,
     prompt_accept, NULL},
    {"explain", "[TYPE]", "a fault type in plain words: PP ID TSS WB LH CG", NULL, NULL,
     FF_AT_SHELL | FF_AT_PROMPT, 0, 1, NULL, verb_explain},
    {"explore", CASE, "the explorer: look, step, undo, save (the default on a terminal)",
     "Without a terminal it does what `repair` does.", NULL, FF_AT_SHELL, 0, -1, NULL,
     verb_explore},
    {"export", "FILE [--script] [--force]", "write the accepted steps as a file for `fetafix apply`",
     "--script: as the commands that take them, for `fetafix script`. `goto` another state first to export that.",
     NULL, FF_AT_PROMPT, 1, 3, prompt_write, NULL},
    {"findings", "", "what differs, and what became of it", NULL, NULL, FF_AT_PROMPT, 0, 0,
     prompt_table, NULL},
    {"goto", "STATE", "go to a state of the history", NULL, NULL, FF_AT_PROMPT, 1, 1, prompt_move,
     NULL},
    {"help", "[COMMAND]", "what there is to type", NULL, NULL, FF_AT_PROMPT, 0, 1, prompt_help,
     NULL},
    {"images", "", "the images and both labels", NULL, NULL, FF_AT_PROMPT, 0, 0, prompt_table,
     NULL},
    {"inspect", "MODEL", "what is in a model", "--verbose lists every node with its attributes.",
     NULL, FF_AT_SHELL, 0, -1, NULL, verb_inspect},
    {"labels", "FILE [--force]", "write both models' five best classes of every image", NULL, NULL,
     FF_AT_PROMPT, 1, 2, prompt_labels, NULL},
    {"layers", "", "scores of the core layers", NULL, NULL, FF_AT_PROMPT, 0, 0, prompt_table, NULL},
    {"localize", CASE, "find what differs, and where the error begins; nothing is changed",
     "Exit code 0: no label differs; 1: some do.", NULL,
     FF_AT_SHELL | FF_AT_PROMPT | FF_AT_TEAM, 0, 0, prompt_job, verb_localize},
    {"log", "", "recent notes of the engine", NULL, NULL, FF_AT_PROMPT, 0, 0, prompt_table, NULL},
    {"matrix", "MODEL... --images DIR|LIST",
     "count the images whose labels differ, for every pair of models",
     "Each model labels the images once. Exit code 0: no label differs; 1: some do.", NULL,
     FF_AT_SHELL, 0, -1, NULL, verb_matrix},
    {"pairs", "", "the aligned graph", NULL, NULL, FF_AT_PROMPT, 0, 0, prompt_table, NULL},
    {"pre-into-graph", "", "write a repaired preprocessing into the graph, at the end", NULL, NULL,
     FF_AT_PROMPT, 0, 0, prompt_job, NULL},
    {"proposals", "", "repairs to try, in order", NULL, NULL, FF_AT_PROMPT, 0, 0, prompt_table,
     NULL},
    {"quit", "", "leave; a session with a file can be taken up again", NULL, "Q", FF_AT_PROMPT, 0,
     0, prompt_quit, NULL},
    {"redo", "[STATE]", "take the undone step again (the youngest, or the one that leads to STATE)",
     NULL, "C-r", FF_AT_PROMPT, 0, 1, prompt_move, NULL},
    {"reject", "[REPAIR]", "set a repair aside (the next one)", NULL, "r", FF_AT_PROMPT, 0, 1,
     prompt_accept, NULL},
    {"repair", CASE " [-o OUT]", "repair to the end, keeping only what lowers the discrepancy",
     "Exit code 0: no label differs any more; 1: some do. A session file (--session) makes it safe "
     "to\n"
     "interrupt or kill: the same command goes on from there and ends in the same model.\n"
     "Under mpirun the processes share the images; what is written is the same to the byte.",
     "A", FF_AT_SHELL | FF_AT_PROMPT | FF_AT_TEAM, 0, 0, prompt_job, verb_repair},
    {"repl", "[SOURCE TARGET --images DIR|LIST]", "type commands", NULL, NULL, FF_AT_SHELL, 0, -1,
     NULL, verb_repl},
    {"report", "[FILE] [--force]", "print or write the report: JSON, or a page where FILE is *.html",
     NULL, NULL, FF_AT_PROMPT, 0, 2, prompt_report, NULL},
    {"run", "MODEL --images DIR|LIST | --input NPY", "labels and outputs of one model",
     "-o OUT writes the outputs as one NPY file.", NULL, FF_AT_SHELL, 0, -1, NULL, verb_run},
    {"save", "FILE [--force]", "write the Target as it is now", NULL, NULL, FF_AT_PROMPT, 1, 2,
     prompt_write, NULL},
    {"script", "FILE [SOURCE TARGET --images DIR|LIST]",
     "commands from a file; - is standard input",
     "Stops at the first command that fails, and says in which line.", NULL, FF_AT_SHELL, 0, -1,
     NULL, verb_script},
    {"set", "[format text|json|csv | verbose yes|no | quiet yes|no]",
     "list all settings, or change one of the prompt's", NULL, NULL, FF_AT_PROMPT, 0, 2, prompt_set,
     NULL},
    {"split", "[GROUP]", "set a group aside for its single repairs, or take the last step's one by one",
     "A group takes all repairs of one cause at once. Without GROUP: the step that led to the present state is\n"
     "undone and its repairs are taken as steps of their own, so that each shows what it brings.",
     NULL, FF_AT_PROMPT, 0, 1, prompt_accept, NULL},
    {"states", "", "the history tree", NULL, NULL, FF_AT_PROMPT, 0, 0, prompt_table, NULL},
    {"status", "", "where the case stands", NULL, NULL, FF_AT_PROMPT, 0, 0, prompt_status, NULL},
    {"step", "", "let the search find one repair that helps", NULL, "s", FF_AT_PROMPT, 0, 0,
     prompt_job, NULL},
    {"steps", "", "all decisions, in order of time", NULL, NULL, FF_AT_PROMPT, 0, 0, prompt_table,
     NULL},
    {"teach", "[LESSON]", "lessons on samples: find the fault, repair it; without a name the list",
     NULL, NULL, FF_AT_SHELL, 0, 1, NULL, verb_teach},
    {"undo", "", "go back to the state before the last step", NULL, "u", FF_AT_PROMPT, 0, 0,
     prompt_job, NULL},
    {"validate", "", "count wrong labels over the validation images", NULL, "v", FF_AT_PROMPT, 0, 0,
     prompt_job, NULL},
};

static const ff_command *sorted[FF_COUNT(commands) + 64];
static int n_sorted;
static pthread_once_t sorting = PTHREAD_ONCE_INIT;

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(const ff_command *const *)a)->name, (*(const ff_command *const *)b)->name);
}

static void sort_commands(void)
{
    for (size_t i = 0; i < FF_COUNT(commands); i++)
        sorted[n_sorted++] = &commands[i];
    for (const ff_command *row = ff_explorer_commands; row->name; row++) {
        assert((size_t)n_sorted < FF_COUNT(sorted));
        sorted[n_sorted++] = row;
    }
    qsort(sorted, (size_t)n_sorted, sizeof *sorted, compare_names);
}

/* Rows of both tables in one order. */
const ff_command *ff_command_at(int i)
{
    pthread_once(&sorting, sort_commands);
    return i >= 0 && i < n_sorted ? sorted[i] : NULL;
}

const ff_command *ff_command_find(const char *name)
{
    const ff_command *row, *found = NULL;
    size_t n = strlen(name);
    int matches = 0;
    for (int i = 0; (row = ff_command_at(i)); i++) {
        if (strcmp(row->name, name) == 0)
            return row;
        if (n && strncmp(row->name, name, n) == 0) {
            found = row;
            matches++;
        }
    }
    return matches == 1 ? found : NULL;
}

static int unknown(const ff_context *c, const char *name)
{
    int where = FF_AT_PROMPT | (c->view ? FF_AT_EXPLORER : 0);
    const char *names[FF_COUNT(commands) + 64];
    size_t n = 0;
    const ff_command *row;
    for (int i = 0; (row = ff_command_at(i)) && n < FF_COUNT(names); i++) {
        if (row->where & where)
            names[n++] = row->name;
    }
    const char *near = ff_nearest(name, names, n);
    return near ? ff_fail(FF_ERR_USAGE, "unknown command '%s'; did you mean '%s'?", name, near)
                : ff_fail(FF_ERR_USAGE, "unknown command '%s'; see `help`", name);
}

int ff_command_run(ff_context *c, const char *line)
{
    char **words;
    int n, code = ff_line_split(line, &words, &n);
    if (code)
        return code;
    if (n > 0) {
        const ff_command *row = ff_command_find(words[0]);
        char *typed = words[0];
        if (!row)
            code = unknown(c, words[0]);
        else if (!(row->where & (FF_AT_PROMPT | FF_AT_EXPLORER)))
            code = ff_fail(FF_ERR_USAGE, "'%s' is typed in the shell: fetafix %s %s", row->name,
                           row->name, row->arguments);
        else if (n - 1 < row->min_args || (row->max_args >= 0 && n - 1 > row->max_args))
            code = ff_fail(FF_ERR_USAGE, "expected: %s%s%s", row->name,
                           row->shell && row->run ? "" : " ",
                           row->shell && row->run ? "" : row->arguments);
        else {
            words[0] = (char *)row->name; /* a prefix may have been typed */
            code = row->run ? row->run(c, n, words) : row->shell(c, n - 1, words + 1);
            words[0] = typed;
        }
    }
    for (int i = 0; i < n; i++)
        free(words[i]);
    free(words);
    return code;
}
