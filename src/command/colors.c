/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Colours that the user chose, by what they mean. The explorer's theme asks for them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fetafix/command_say.h"

/* In the order of the explorer's inks (ui/style.h). */
static const ff_color_element elements[FF_COLOR_ELEMENTS] = {
    {"text", "what is not any of the others"},
    {"strong", "names, numbers that matter"},
    {"dim", "equal, equivalent, secondary"},
    {"frame", "lines around the panes"},
    {"focus", "frame of the pane that has the keys"},
    {"key", "a key one can press"},
    {"good", "repaired, right"},
    {"bad", "different, wrong"},
    {"warn", "missing, rejected, needs care"},
    {"info", "notes of the engine"},
    {"source", "the Source"},
    {"target", "the Target"},
    {"pp", "preprocessing"},
    {"id", "input dimensions"},
    {"tss", "tensor shape and structure"},
    {"wb", "weights and biases"},
    {"lh", "layer hyperparameters"},
    {"cg", "computation graph"},
    {"heat0", "harmless layers"},
    {"heat1", "a little suspicious"},
    {"heat2", "suspicious"},
    {"heat3", "very suspicious"},
    {"heat4", "the most suspicious"},
    {"lane", "lines of the graph"},
};

static ff_color chosen[FF_COLOR_ELEMENTS];
static int n_changes;

static const char *const names[] = {
    "black",       "red",          "green",      "yellow",       "blue",          "magenta",     "cyan",
    "white",       "bright-black", "bright-red", "bright-green", "bright-yellow", "bright-blue", "bright-magenta",
    "bright-cyan", "bright-white",
};

const ff_color_element *ff_color_element_at(int i)
{
    return i >= 0 && i < FF_COLOR_ELEMENTS ? &elements[i] : NULL;
}

ff_color ff_color_of(int element)
{
    return chosen[element];
}

int ff_color_changes(void)
{
    return n_changes;
}

/* The nearest of the 6x6x6 cube of 256 colours. */
static int cube_colour(long rgb)
{
    static const int steps[6] = {0, 95, 135, 175, 215, 255};
    int at[3];
    for (int k = 0; k < 3; k++) {
        int v = (int)(rgb >> (16 - 8 * k)) & 255;
        at[k] = 0;
        for (int i = 1; i < 6; i++) {
            if (abs(steps[i] - v) < abs(steps[at[k]] - v))
                at[k] = i;
        }
    }
    return 16 + 36 * at[0] + 6 * at[1] + at[2];
}

static bool parse_colour(const char *word, int *out)
{
    int64_t number;
    for (int i = 0; i < (int)FF_COUNT(names); i++) {
        if (strcmp(names[i], word) == 0) {
            *out = i;
            return true;
        }
    }
    const char *hex = word + (*word == '#'); /* a bare # begins a comment */
    if (strlen(hex) == 6 && strspn(hex, "0123456789abcdefABCDEF") == 6) {
        long rgb = strtol(hex, NULL, 16);
        *out = cube_colour(rgb);
        return true;
    }
    if (!ff_parse_int(word, &number) || number < 0 || number > 255)
        return false;
    *out = (int)number;
    return true;
}

static int find_element(const char *name, int *out)
{
    const char *all[FF_COLOR_ELEMENTS];
    for (int i = 0; i < FF_COLOR_ELEMENTS; i++) {
        all[i] = elements[i].name;
        if (strcmp(elements[i].name, name) == 0) {
            *out = i;
            return FF_OK;
        }
    }
    const char *near = ff_nearest(name, all, FF_COLOR_ELEMENTS);
    return near ? ff_fail(FF_ERR_USAGE, "color: there is no element '%s'; did you mean '%s'?", name, near)
                : ff_fail(FF_ERR_USAGE, "color: there is no element '%s'; `color` lists them", name);
}

int ff_set_color(int n, char **words)
{
    static const struct {
        const char *word;
        unsigned bit;
    } attributes[] = {{"bold", FF_COLOR_BOLD}, {"underline", FF_COLOR_UNDERLINE}, {"reverse", FF_COLOR_REVERSE}};
    int element = 0, code;
    if (n < 2)
        return ff_fail(FF_ERR_USAGE, "expected: color ELEMENT COLOR [bold] [underline] [reverse]");
    if ((code = find_element(words[0], &element)))
        return code;
    ff_color color = {.set = true, .number = -1};
    for (int i = 1; i < n; i++) {
        bool known = i == 1 && (strcmp(words[i], "default") == 0 || parse_colour(words[i], &color.number));
        for (size_t k = 0; k < FF_COUNT(attributes); k++) {
            if (strcmp(attributes[k].word, words[i]) == 0) {
                color.attributes |= attributes[k].bit;
                known = true;
            }
        }
        const char *near = known ? NULL : ff_nearest(words[i], names, FF_COUNT(names));
        if (!known && i > 1)
            return ff_fail(FF_ERR_USAGE, "color: '%s' is none of bold, underline, reverse", words[i]);
        if (near)
            return ff_fail(FF_ERR_USAGE, "color: '%s' is no colour; did you mean '%s'?", words[i], near);
        if (!known)
            return ff_fail(FF_ERR_USAGE, "color: '%s' is no colour: red, bright-blue, default, 0 to 255, ff8800",
                           words[i]);
    }
    chosen[element] = color;
    n_changes++;
    return FF_OK;
}

static const ff_column color_columns[] = {
    {"element", FF_COL_TEXT, "as in `color ELEMENT COLOR`"},
    {"color", FF_COL_TEXT, "empty: the theme's"},
    {"meaning", FF_COL_TEXT, "what is shown in it"},
};

static char *describe(const ff_color *c)
{
    char number[16];
    snprintf(number, sizeof number, "%d", c->number);
    return ff_asprintf("%s%s%s%s",
                       c->number < 0                      ? "default"
                       : c->number < (int)FF_COUNT(names) ? names[c->number]
                                                          : number,
                       c->attributes & FF_COLOR_BOLD ? " bold" : "",
                       c->attributes & FF_COLOR_UNDERLINE ? " underline" : "",
                       c->attributes & FF_COLOR_REVERSE ? " reverse" : "");
}

int ff_prompt_color(ff_context *c, int argc, char **argv)
{
    if (argc > 1)
        return ff_set_color(argc - 1, argv + 1);
    ff_table *t = ff_table_create("colors", color_columns, FF_COUNT(color_columns));
    for (int i = 0; i < FF_COLOR_ELEMENTS; i++) {
        int row = ff_table_add_row(t);
        char *text = chosen[i].set ? describe(&chosen[i]) : NULL;
        ff_table_set_text(t, row, "element", elements[i].name);
        ff_table_set_text(t, row, "color", text);
        ff_table_set_text(t, row, "meaning", elements[i].meaning);
        free(text);
    }
    ff_show_table(c, t, NULL);
    ff_table_unref(t);
    return FF_OK;
}
