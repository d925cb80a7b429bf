/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `set`: all settings, one, or a new value for what can change while the program runs. */
#include <stdlib.h>
#include <string.h>

#include "fetafix/command_options.h"
#include "fetafix/command_say.h"
#include "program/options.h"
#include "program/verbs.h"

static const ff_column setting_columns[] = {
    {"name", FF_COL_TEXT, "as in `set NAME VALUE`"},
    {"type", FF_COL_TEXT, "what it takes"},
    {"value", FF_COL_TEXT, "empty: the default"},
    {"default", FF_COL_TEXT, "where nothing is set"},
    {"meaning", FF_COL_TEXT, "one line"},
};

/* All, or the one of this name. */
static void print_settings(ff_context *c, const char *name)
{
    ff_options o = c->options ? *c->options : (ff_options){.color = -1};
    o.format = c->format;
    o.verbose = c->verbose;
    o.quiet = c->quiet;
    ff_table *t = ff_table_create("settings", setting_columns, FF_COUNT(setting_columns));
    const ff_option *row;
    ff_buf value = {0};
    for (int i = 0; (row = ff_option_at(i)); i++) {
        if (!ff_option_is_setting(row) || (name && strcmp(row->name, name) != 0))
            continue;
        int at = ff_table_add_row(t);
        ff_buf_clear(&value);
        ff_buf_puts(&value, "");
        ff_option_print(row, &o, &value);
        ff_table_set_text(t, at, "name", row->name);
        ff_table_set_text(t, at, "type", ff_option_type(row));
        ff_table_set_text(t, at, "value", value.data);
        ff_table_set_text(t, at, "default", ff_option_default(row));
        ff_table_set_text(t, at, "meaning", row->summary);
    }
    ff_show_table(c, t, NULL);
    ff_buf_finish(&value);
    ff_table_unref(t);
}

static int change(ff_context *c, const char *name, const char *value)
{
    ff_options o = {.color = -1, .format = c->format, .verbose = c->verbose, .quiet = c->quiet};
    o.arena = ff_arena_create();
    int code = options_set(&o, name, value); /* says what is wrong with either */
    if (!code && !ff_option_is_live(name))
        code = ff_fail(FF_ERR_USAGE,
                       "'%s' is set when the program starts, as --%s or in the configuration file; "
                       "here: format, verbose, quiet",
                       name, name);
    if (!code) {
        c->format = o.format;
        c->verbose = o.verbose;
        c->quiet = o.quiet;
    }
    ff_arena_destroy(o.arena);
    return code;
}

int prompt_set(ff_context *c, int argc, char **argv)
{
    char *name;
    const char *value;
    if (argc == 1) {
        print_settings(c, NULL);
        return FF_OK;
    }
    int code = options_split_setting(argc - 1, argv + 1, &name, &value);
    const ff_option *row = NULL;
    for (int i = 0; !code && (row = ff_option_at(i)) && strcmp(row->name, name) != 0;)
        i++;
    if (!code && (value || !row || !ff_option_is_setting(row)))
        code = change(c, name, value ? value : "");
    else if (!code)
        print_settings(c, name);
    free(name);
    return code;
}
