/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A line to its command: words, format of the answer, what waits. */
#include <stdlib.h>
#include <string.h>

#include "command/later.h"
#include "command/line.h"
#include "command/redirect.h"
#include "command/views.h"

/* Takes --text, --json, --csv or --format FORMAT out of the words. */
static int take_format(int *argc, char **argv, ff_format *format)
{
    static const char *const names[] = {"text", "json", "csv"};
    for (int i = 1; i < *argc; i++) {
        const char *word = argv[i], *name = strncmp(word, "--", 2) == 0 ? word + 2 : "";
        int used = 1, found = -1;
        if (strncmp(name, "format=", 7) == 0) {
            name += 7;
        } else if (strcmp(name, "format") == 0 && i + 1 < *argc) {
            name = argv[i + 1];
            used = 2;
        }
        for (int k = 0; k < (int)FF_COUNT(names); k++)
            found = strcmp(names[k], name) == 0 ? k : found;
        if (found < 0 && (used == 2 || name > word + 2))
            return ff_fail(FF_ERR_USAGE, "--format: '%s' is none of text|json|csv", name);
        if (found < 0)
            continue;
        *format = (ff_format)found;
        for (int k = 0; k < used; k++) { /* behind the others: whoever made the words frees them */
            char *taken = argv[i];
            memmove(argv + i, argv + i + 1, (size_t)(*argc - i - 1) * sizeof *argv);
            argv[--*argc] = taken;
        }
        i--;
    }
    return FF_OK;
}

/* What tells the answer, or needs it. */
static int allowed_now(const ff_context *c, const ff_command *row)
{
    static const char *const telling[] = {"accept",    "detail", "evaluate", "export", "findings",
                                          "proposals", "reject", "repair",   "report", "step"};
    for (size_t i = 0; !ff_lesson_done(c->lesson) && i < FF_COUNT(telling); i++) {
        if (strcmp(row->name, telling[i]) == 0)
            return ff_fail(FF_ERR_USAGE, "'%s' comes when the question is answered: `answer`, or `hint`", row->name);
    }
    return FF_OK;
}

static int run_typed(ff_context *c, int n, char **words)
{
    const ff_command *row = ff_command_find_at(words[0], ff_context_where(c));
    char *typed = words[0];
    if (!row)
        return ff_command_unknown(ff_context_where(c), typed);
    const char *arguments = ff_command_prompt_arguments(row);
    if (!(row->where & (FF_AT_PROMPT | FF_AT_EXPLORER)))
        return ff_fail(FF_ERR_USAGE, "'%s' is typed in the shell: fetafix %s %s", row->name, row->name, row->arguments);
    ff_format usual = c->format;
    int code = FF_OK;
    if (row->where & FF_AT_PROMPT)
        code = take_format(&n, words, &c->format);
    if (!code && (n - 1 < row->min_args || (row->max_args >= 0 && n - 1 > row->max_args)))
        code = ff_fail(FF_ERR_USAGE, "expected: %s%s%s", row->name, *arguments ? " " : "", arguments);
    if (!code)
        code = allowed_now(c, row);
    if (!code) {
        words[0] = (char *)row->name; /* a prefix may have been typed */
        ff_format now = c->format;
        code = row->run ? row->run(c, n, words) : row->shell(c, n - 1, words + 1);
        words[0] = typed;
        usual = c->format != now ? c->format : usual; /* `set format` */
    }
    c->format = usual;
    return code;
}

static int run_words(ff_context *c, const parsed_line *l)
{
    return run_typed(c, l->n, l->words);
}

static bool is_at_once(const ff_context *c, const parsed_line *l)
{
    const ff_command *row = l->n > 0 ? ff_command_find_at(l->words[0], ff_context_where(c)) : NULL;
    return !row || (row->where & FF_AT_ONCE);
}

int ff_command_run(ff_context *c, const char *text)
{
    parsed_line l;
    const char *first = text + strspn(text, " \t");
    if (*first == '!')
        return line_run_shell(c, first + 1);
    int code = line_parse(text, ff_context_where(c), &l);
    if (code)
        return code;
    const char *outer = c->line;
    c->line = text;
    if (l.n > 0 && (is_at_once(c, &l) || !later_holds(c, text)))
        code = l.to == LINE_SHOW ? run_words(c, &l) : line_run_redirected(c, &l, run_words);
    c->line = outer;
    line_finish(&l);
    return code;
}

/* The tables there are, or the words behind it when they change nothing. */
int ff_prompt_show(ff_context *c, int argc, char **argv)
{
    if (argc == 1)
        return views_list(c);
    const ff_command *row = ff_command_find_at(argv[1], ff_context_where(c));
    if (row && (row->where & FF_AT_PROMPT) && !(row->where & FF_LOOKS))
        return ff_fail(FF_ERR_USAGE, "'%s' is more than a look; type it alone", row->name);
    return run_typed(c, argc - 1, argv + 1);
}

int ff_command_resume(ff_context *c, bool done)
{
    later_line first;
    int code = FF_OK;
    if (!later_take(c, &first))
        return code;
    if (done || !first.settled) {
        c->resuming = true;
        c->again = first.settled;
        c->answered = first.job;
        code = ff_command_run(c, first.text);
        c->again = false;
        c->resuming = false;
    }
    free(first.text);
    later_follow(c, first.left);
    return code;
}
