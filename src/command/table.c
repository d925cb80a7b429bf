/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands by their names: the rows of the program and those of the explorer in one order. */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "command/explorer.h"

enum { COMMANDS_MAX = 256 };
static const ff_command *sorted[COMMANDS_MAX];
static int n_sorted;
static pthread_once_t sorting = PTHREAD_ONCE_INIT;

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(const ff_command *const *)a)->name, (*(const ff_command *const *)b)->name);
}

static void sort_commands(void)
{
    const ff_command *const tables[] = {ff_commands, ff_explorer_commands};
    for (size_t i = 0; i < FF_COUNT(tables); i++) {
        for (const ff_command *row = tables[i]; row->name; row++) {
            assert(n_sorted < COMMANDS_MAX);
            sorted[n_sorted++] = row;
        }
    }
    qsort(sorted, (size_t)n_sorted, sizeof *sorted, compare_names);
}

/* Rows of both tables in one order. */
const ff_command *ff_command_at(int i)
{
    pthread_once(&sorting, sort_commands);
    return i >= 0 && i < n_sorted ? sorted[i] : NULL;
}

/* Is `name` among words with a blank between? */
static bool is_among(const char *words, const char *name)
{
    size_t n = strlen(name);
    for (const char *s = words; s && n && (s = strstr(s, name)); s += n) {
        if ((s == words || s[-1] == ' ') && (s[n] == ' ' || s[n] == '\0'))
            return true;
    }
    return false;
}

static const ff_command *find_whole(const char *name, int where)
{
    const ff_command *row;
    for (int i = 0; (row = ff_command_at(i)); i++) {
        if ((row->where & where) && (strcmp(row->name, name) == 0 || is_among(row->also, name)))
            return row;
    }
    return NULL;
}

enum { EVERYWHERE = FF_AT_SHELL | FF_AT_PROMPT | FF_AT_EXPLORER };

const ff_command *ff_command_find_at(const char *name, int where)
{
    const ff_command *row = find_whole(name, where), *found = NULL;
    size_t n = strlen(name);
    int matches = 0;
    for (int i = 0; !row && n && ff_command_at(i); i++) {
        const ff_command *at = ff_command_at(i);
        if ((at->where & where) && strncmp(at->name, name, n) == 0) {
            found = at;
            matches++;
        }
    }
    return row ? row : matches == 1 ? found : find_whole(name, EVERYWHERE);
}

const ff_command *ff_command_find(const char *name)
{
    return ff_command_find_at(name, EVERYWHERE);
}

int ff_context_where(const ff_context *c)
{
    return FF_AT_PROMPT | (c && c->view ? FF_AT_EXPLORER : 0);
}

const char *ff_command_prompt_arguments(const ff_command *c)
{
    return c->at_prompt ? c->at_prompt : c->arguments;
}

int ff_command_unknown(int where, const char *name)
{
    const char *names[COMMANDS_MAX];
    size_t n = 0, length = strlen(name);
    ff_buf begins = {0};
    const ff_command *row;
    for (int i = 0; (row = ff_command_at(i)) && n < FF_COUNT(names); i++) {
        if (!(row->where & where))
            continue;
        names[n++] = row->name;
        if (strncmp(row->name, name, length) == 0)
            ff_buf_printf(&begins, "%s%s", begins.len ? ", " : "", row->name);
    }
    const char *near = ff_nearest(name, names, n);
    int code = begins.len ? ff_fail(FF_ERR_USAGE, "'%s' is short for several commands: %s", name, begins.data)
               : near     ? ff_fail(FF_ERR_USAGE, "unknown command '%s'; did you mean '%s'?", name, near)
                          : ff_fail(FF_ERR_USAGE, "unknown command '%s'; see `help`", name);
    ff_buf_finish(&begins);
    return code;
}
