/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/options.h"
#include "fetafix/compare.h"

static void add_option(const ff_option *o, ff_buf *out)
{
    char letter[8] = "    ";
    if (o->letter)
        snprintf(letter, sizeof letter, "-%c, ", o->letter);
    char *name = ff_asprintf("%s--%s%s%s", letter, o->name, o->argument ? " " : "",
                             o->argument ? o->argument : "");
    if (strlen(name) <= 30)
        ff_buf_printf(out, "  %-30s %s", name, o->summary);
    else
        ff_buf_printf(out, "  %s\n  %-30s %s", name, "", o->summary);
    if (o->initial)
        ff_buf_printf(out, " (default: %s)", o->initial);
    ff_buf_putc(out, '\n');
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
    for (int i = 0; (name = ff_comparator_at(i, &usage, &summary)); i++)
        ff_buf_printf(out, "  %s\n      %s\n", usage, summary);
}

void help_command(const ff_command *c, ff_buf *out)
{
    ff_buf_printf(out, "%s %s\n    %s\n", c->name,
                  ff_command_prompt_arguments(c), c->summary);
    if (c->keys)
        ff_buf_printf(out, "    keys: %s\n", c->keys);
    if (c->help)
        ff_buf_printf(out, "\n%s\n", c->help);
}

void help_verb(const ff_command *c, ff_buf *out)
{
    ff_buf_printf(out, "Usage: fetafix %s %s\n\n%s\n", c->name, c->arguments, c->summary);
    if (c->help)
        ff_buf_printf(out, "%s\n", c->help);
    ff_buf_puts(out, "\nOptions:\n");
    const ff_option *o;
    for (int i = 0; (o = ff_option_at(i)); i++) {
        if (ff_option_fits(o, c->name))
            add_option(o, out);
    }
    add_comparators(c, out);
    ff_buf_puts(
        out, "\nExit code: 0 no discrepancy (left), 1 discrepancy, 2 usage, 3 unreadable input,\n"
             "4 unsupported operator, 5 internal error or out of memory, 130 interrupted.\n");
}

void help_program(ff_buf *out)
{
    ff_buf_puts(
        out, "Usage: fetafix [COMMAND] ARGUMENT... [OPTION]...\n\n"
             "Finds out why a converted model (Target) answers differently from the model it was\n"
             "converted from (Source), shows it, and repairs it. Both are ONNX files.\n\n"
             "  fetafix source.onnx target.onnx --images photos/\n"
             "  fetafix compare source.onnx target.onnx --images photos/\n"
             "  fetafix repair source.onnx target.onnx --images photos/ -o repaired.onnx\n\n"
             "Commands:\n");
    const ff_command *c;
    for (int i = 0; (c = ff_command_at(i)); i++) {
        if (c->shell)
            ff_buf_printf(out, "  %-10s %s\n", c->name, c->summary);
    }
    ff_buf_puts(out, "\n`fetafix COMMAND --help` shows a command's options.\n");
}
