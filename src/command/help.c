/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/views.h"
#include "fetafix/command_say.h"
#include "fetafix/command_views.h"
#include "fetafix/compare.h"

enum { OPTION = 30, NO_END = 0 };

static void add_option(const ff_option *o, ff_buf *out)
{
    char letter[8] = "    ";
    if (o->letter)
        snprintf(letter, sizeof letter, "-%c, ", o->letter);
    char *name = ff_asprintf("%s--%s%s%s", letter, o->name, o->argument ? " " : "", o->argument ? o->argument : "");
    char *text = o->initial ? ff_asprintf("%s (default: %s)", o->summary, o->initial) : ff_strdup(o->summary);
    if (strlen(name) <= OPTION)
        ff_buf_printf(out, "  %-*s ", OPTION, name);
    else
        ff_buf_printf(out, "  %s\n%*s", name, OPTION + 3, "");
    ff_print_wrapped(out, text, OPTION + 3, FF_PRINT_WIDTH);
    free(text);
    free(name);
}

/* Where a verb takes --comparator: what there is. */
static void add_comparators(const ff_command *c, ff_buf *out)
{
    const char *name, *usage, *summary;
    const ff_option *o = NULL;
    for (int i = 0; (o = ff_option_at(i)) && strcmp(o->name, "comparator") != 0;)
        i++;
    if (!o || !ff_option_fits(o, c->name))
        return;
    ff_buf_puts(out, "\nComparators:\n");
    for (int i = 0; (name = ff_comparator_at(i, &usage, &summary)); i++) {
        ff_buf_printf(out, "  %s\n      ", usage);
        ff_print_wrapped(out, summary, 6, FF_PRINT_WIDTH);
    }
}

static void help_command(const ff_command *c, ff_buf *out)
{
    const char *arguments = ff_command_prompt_arguments(c);
    ff_buf_printf(out, "%s%s%s\n    ", c->name, *arguments ? " " : "", arguments);
    ff_print_wrapped(out, c->summary, 4, FF_PRINT_WIDTH);
    if (c->also)
        ff_buf_printf(out, "    also: %s\n", c->also);
    if (c->keys)
        ff_buf_printf(out, "    keys: %s\n", c->keys);
    if (c->help) {
        ff_buf_putc(out, '\n');
        ff_print_wrapped(out, c->help, 0, FF_PRINT_WIDTH);
    }
}

void ff_help_verb(const ff_command *c, ff_buf *out)
{
    ff_buf_printf(out, "Usage: fetafix %s %s\n\n", c->name, c->arguments);
    ff_print_wrapped(out, c->summary, 0, FF_PRINT_WIDTH);
    if (c->help)
        ff_print_wrapped(out, c->help, 0, FF_PRINT_WIDTH);
    ff_buf_puts(out, "\nOptions:\n");
    const ff_option *o;
    for (int i = 0; (o = ff_option_at(i)); i++) {
        if (ff_option_fits(o, c->name))
            add_option(o, out);
    }
    add_comparators(c, out);
    ff_buf_puts(out, "\nExit code: 0 no discrepancy (left), 1 discrepancy, 2 usage, 3 unreadable input,\n"
                     "4 unsupported operator, 5 internal error or out of memory, 130 interrupted.\n");
}

void ff_help_program(ff_buf *out)
{
    ff_buf_puts(out, "Usage: fetafix [COMMAND] ARGUMENT... [OPTION]...\n\n"
                     "Finds out why a converted model (Target) answers differently from the model it\n"
                     "was converted from (Source), shows it, and repairs it: ONNX, TFLite, Keras.\n\n"
                     "  fetafix source.onnx target.onnx --images photos/\n"
                     "  fetafix compare source.onnx target.onnx --images photos/\n"
                     "  fetafix repair source.onnx target.onnx --images photos/ -o repaired.onnx\n\n"
                     "Commands:\n");
    const ff_command *c;
    for (int i = 0; (c = ff_command_at(i)); i++) {
        if (c->shell) {
            ff_buf_printf(out, "  %-10s ", c->name);
            ff_print_wrapped(out, c->summary, 13, FF_PRINT_WIDTH);
        }
    }
    ff_buf_puts(out, "\n`fetafix COMMAND --help` shows a command's options.\n");
}

/* ------------------------------------------------------------------------------------ the command */

/* A command, a view, or all views. */
static bool help_topic(const char *name, int where, ff_buf *out)
{
    const ff_command *command = ff_command_find_at(name, where);
    const ff_view *view = ff_view_find(command ? command->name : name);
    if (strcmp(name, "views") == 0) {
        for (int i = 0; (view = ff_view_at(i)); i++)
            view_help(view, out);
        return true;
    }
    if (command && !(command->where & where))
        ff_help_verb(command, out);
    else if (command)
        help_command(command, out);
    if (command && view)
        ff_buf_putc(out, '\n');
    if (view)
        view_help(view, out);
    return command || view;
}

static int no_topic(const char *name)
{
    const char *names[256];
    size_t n = 0;
    for (int i = 0; ff_command_at(i) && n < FF_COUNT(names); i++)
        names[n++] = ff_command_at(i)->name;
    for (int i = 0; ff_view_at(i) && n < FF_COUNT(names); i++)
        names[n++] = ff_view_at(i)->name;
    const char *near = ff_nearest(name, names, n);
    return near ? ff_fail(FF_ERR_USAGE, "there is no command '%s'; did you mean '%s'?", name, near)
                : ff_fail(FF_ERR_USAGE, "there is no command '%s'; see `help`", name);
}

/* Usage and summary in two columns. */
static void add_row(const ff_context *c, const ff_command *row, ff_buf *out)
{
    enum { COLUMN = 32 };
    int width = ff_print_width(c);
    const char *arguments = ff_command_prompt_arguments(row);
    char *usage = ff_asprintf("%s%s%s", row->name, *arguments ? " " : "", arguments);
    bool fits = strlen(usage) < COLUMN;
    ff_buf_printf(out, "%-*s%s", COLUMN, usage, fits ? " " : "");
    if (!fits)
        ff_buf_printf(out, "\n%*s", COLUMN + 1, "");
    ff_print_wrapped(out, row->summary, COLUMN + 1, width > COLUMN + 20 ? width : NO_END);
    free(usage);
}

int ff_prompt_help(ff_context *c, int argc, char **argv)
{
    ff_buf b = {0};
    const ff_command *row;
    int where = ff_context_where(c);
    if (argc > 1 && !help_topic(argv[1], where, &b)) {
        ff_buf_finish(&b);
        return no_topic(argv[1]);
    }
    for (int i = 0; argc == 1 && (row = ff_command_at(i)); i++) {
        if (row->where & where)
            add_row(c, row, &b);
    }
    if (argc == 1)
        ff_buf_puts(&b, "\n`help COMMAND` says more, `help views` what the tables hold. The beginning of a\n"
                        "name will do where no other begins alike. Of the shell: COMMAND | FILTER,\n"
                        "COMMAND > FILE, !COMMAND. --json or --csv: this one answer in that format.\n"
                        "A MODEL is a file, or `source` or `target` (as it is now) of the case; options of these\n"
                        "commands are those of the shell: `matrix --help`. Without images they take the case's.\n");
    c->print(c->sink, b.data ? b.data : "");
    ff_buf_finish(&b);
    return FF_OK;
}

/* fetafix help [COMMAND]: of the shell, else of the prompt. */
int ff_verb_help(ff_context *c, int argc, char **argv)
{
    ff_buf b = {0};
    const ff_command *verb = argc > 0 ? ff_command_find_at(argv[0], FF_AT_SHELL) : NULL;
    if (argc == 0)
        ff_help_program(&b);
    else if (verb && (verb->where & FF_AT_SHELL))
        ff_help_verb(verb, &b);
    else if (!help_topic(argv[0], FF_AT_PROMPT, &b))
        return no_topic(argv[0]);
    c->print(c->sink, b.data);
    ff_buf_finish(&b);
    return FF_OK;
}
