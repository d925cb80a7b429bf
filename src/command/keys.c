/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fetafix/command_say.h"
#include "explorer_views.h"

#define OPENS(NAME, name, key, words) {key, "view " #name, words},
/* In the order in which help shows them. */
static const ff_binding bindings[] = {
    {"a", "accept", "accept the repair"},
    {"r", "reject", "reject the repair"},
    {"e", "evaluate", "judge it without taking it"},
    {"S", "split", "split a group of repairs"},
    {"s", "step", "search one repair"},
    {"A", "repair", "repair to the end"},
    {"u", "undo", "undo the last step"},
    {"C-r", "redo", "redo"},
    {"w", "prompt save", "write the Target to a file"},
    {"v", "validate", "count on validation images"},
    {"C-c", "cancel", "cancel the job"},
    {"m", "measure", "score the layers again"},
    {"M", "measure causal", "the same, causal as well"},
    {"b", "bisect", "first error: where the models part"},
    {"x", "effect", "its images, an image's repair"},
    {"J", "jobs", "jobs of the engine"},

    {"i", "edit", "what if: edit an attribute"},
    {"W", "what-if weights", "what if: Source's weights here"},
    {"I", "what-if inject", "what if: Source's activation"},
    {"P", "prompt what-if pre", "what if: preprocessing"},
    {"K", "keep", "keep the what-if as a step"},
    {"D", "drop", "drop the what-if"},

    FF_EXPLORER_VIEWS(OPENS){"H", "hint", "hint for the lesson"},
    {"Tab", "next-pane", "next pane"},
    {"S-Tab", "previous-pane", "previous pane"},
    {"]", "next-tab", "next view of the pane"},
    {"[", "previous-tab", "previous view of the pane"},
    {"z", "zoom", "zoom the pane"},
    {"Enter", "open", "open details"},
    {"Space", "fold", "fold or unfold"},
    {"o", "sort next", "sort by the next column"},
    {"f", "filter next", "next filter"},
    {">", "image next", "next image"},
    {"<", "image previous", "previous image"},
    {"&", "prompt filter text", "filter by a text"},

    {"j", "down", "down"},
    {"Down", "down", "down"},
    {"k", "up", "up"},
    {"Up", "up", "up"},
    {"h", "previous-tab", "previous view of the pane"},
    {"Left", "previous-tab", "previous view of the pane"},
    {"l", "next-tab", "next view of the pane"},
    {"Right", "next-tab", "next view of the pane"},
    {"PgDn", "page-down", "page down"},
    {"C-f", "page-down", "page down"},
    {"PgUp", "page-up", "page up"},
    {"C-b", "page-up", "page up"},
    {"C-d", "half-down", "half a page down"},
    {"C-u", "half-up", "half a page up"},
    {"g", "top", "first row"},
    {"Home", "top", "first row"},
    {"G", "bottom", "last row"},
    {"End", "bottom", "last row"},

    {"/", "search", "search"},
    {"n", "search-next", "next match"},
    {"N", "search-previous", "previous match"},
    {":", "prompt", "type a command"},
    {"?", "keys", "help"},
    {"F1", "keys", "help"},
    {"C-l", "redraw", "redraw"},
    {"C-z", "suspend", "suspend"},
    {"Escape", "back", "back"},
    {"q", "close", "close, quit"},
    {"Q", "quit", "quit"},
};

/* The user's, which go before those above. Replaced lines are kept: one of them may be running. */
enum { OWN_MAX = 200 };
static ff_binding own[OWN_MAX];
static int n_own;

static const ff_binding *own_of(const char *key)
{
    for (int i = n_own - 1; i >= 0; i--) {
        if (strcmp(own[i].key, key) == 0)
            return &own[i];
    }
    return NULL;
}

static bool is_usual(const char *key)
{
    for (size_t i = 0; i < FF_COUNT(bindings); i++) {
        if (strcmp(bindings[i].key, key) == 0)
            return true;
    }
    return false;
}

const ff_binding *ff_binding_at(int i)
{
    if (i < 0)
        return NULL;
    if ((size_t)i < FF_COUNT(bindings)) {
        const ff_binding *mine = own_of(bindings[i].key);
        return mine ? mine : &bindings[i];
    }
    i -= (int)FF_COUNT(bindings);
    for (int k = 0; k < n_own; k++) {
        if (!is_usual(own[k].key) && own_of(own[k].key) == &own[k] && i-- == 0)
            return &own[k];
    }
    return NULL;
}

const char *ff_command_for_key(const char *key)
{
    const ff_binding *b;
    for (int i = 0; (b = ff_binding_at(i)); i++) {
        if (strcmp(b->key, key) == 0)
            return b->line;
    }
    return NULL;
}

/* A sign, with C- or M- before it, F1 to F12, or a name from the table above. */
static int check_key(const char *key)
{
    static const char *const names[] = {"Enter", "Tab",  "S-Tab", "Space", "Escape", "Backspace", "Delete", "Up",
                                        "Down",  "Left", "Right", "Home",  "End",    "PgUp",      "PgDn",   "Insert"};
    const char *sign = strncmp(key, "C-", 2) == 0 || strncmp(key, "M-", 2) == 0 ? key + 2 : key;
    size_t used;
    int64_t number;
    if (!*sign)
        return ff_fail(FF_ERR_USAGE, "bind: '%s' is no key", key);
    ff_utf8_decode(sign, strlen(sign), &used);
    if (!sign[used] && (unsigned char)*sign > ' ')
        return FF_OK;
    if (*key == 'F' && ff_parse_int(key + 1, &number) && number >= 1 && number <= 12)
        return FF_OK;
    for (size_t i = 0; i < FF_COUNT(names); i++) {
        if (strcmp(names[i], key) == 0)
            return FF_OK;
    }
    const char *near = ff_nearest(key, names, FF_COUNT(names));
    return near ? ff_fail(FF_ERR_USAGE, "bind: '%s' is no key; did you mean '%s'?", key, near)
                : ff_fail(FF_ERR_USAGE, "bind: '%s' is no key, as: x C-x M-x F2 Enter", key);
}

/* The command line of words, quoted where they need it. */
static char *join(int n, char **words)
{
    ff_buf b = {0};
    for (int i = 0; i < n; i++) {
        ff_buf_puts(&b, i ? " " : "");
        bool quote = !*words[i] || strpbrk(words[i], " \t'\"\\\\#|>") != NULL;
        if (!quote) {
            ff_buf_puts(&b, words[i]);
            continue;
        }
        ff_buf_putc(&b, '"');
        for (const char *s = words[i]; *s; s++)
            ff_buf_printf(&b, strchr("\"\\", *s) ? "\\%c" : "%c", *s);
        ff_buf_putc(&b, '"');
    }
    return ff_buf_steal(&b);
}

int ff_bind_key(int n, char **words)
{
    enum { WHERE = FF_AT_PROMPT | FF_AT_EXPLORER };
    if (n < 2)
        return ff_fail(FF_ERR_USAGE, "expected: bind KEY COMMAND");
    /* The command may stand as one word: bind M-s "save out.onnx" */
    size_t length = n == 2 ? strcspn(words[1], " \t") : strlen(words[1]);
    char *name = ff_strndup(words[1], length);
    const ff_command *row = ff_command_find_at(name, WHERE);
    int code = check_key(words[0]);
    if (!code && (!row || !(row->where & WHERE)))
        code = ff_fail_prefix(ff_command_unknown(WHERE, name), "bind");
    free(name);
    if (!code && n_own == OWN_MAX)
        code = ff_fail(FF_ERR_USAGE, "bind: no more than %d keys", OWN_MAX);
    if (code)
        return code;
    char *line = words[1][length] ? ff_strdup(words[1]) : join(n - 1, words + 1);
    own[n_own++] = (ff_binding){ff_strdup(words[0]), line, line};
    return FF_OK;
}

static const ff_column key_columns[] = {
    {"key", FF_COL_TEXT, "as in `bind KEY COMMAND`"},
    {"command", FF_COL_TEXT, "the line it stands for"},
    {"meaning", FF_COL_TEXT, "a few words"},
};

int ff_prompt_bind(ff_context *c, int argc, char **argv)
{
    if (argc > 1)
        return ff_bind_key(argc - 1, argv + 1);
    ff_table *t = ff_table_create("keys", key_columns, FF_COUNT(key_columns));
    const ff_binding *b;
    for (int i = 0; (b = ff_binding_at(i)); i++) {
        int row = ff_table_add_row(t);
        ff_table_set_text(t, row, "key", b->key);
        ff_table_set_text(t, row, "command", b->line);
        ff_table_set_text(t, row, "meaning", b->help);
    }
    ff_show_table(c, t, NULL);
    ff_table_unref(t);
    return FF_OK;
}
