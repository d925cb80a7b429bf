/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The ends of words that are not finished yet. What an argument may be is told by the capitals in
 * the command's row: a kind of argument is a row of `kinds`.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/line.h"
#include "fetafix/command_options.h"
#include "fetafix/command_views.h"

typedef struct candidates {
    char **at;
    size_t n, capacity;
} candidates;

/* What is known about the word. */
typedef struct typed {
    const ff_command *command;
    char **words; /* the last is being typed */
    int n;
    const char *prefix; /* = words[n - 1] */
    const char *head;   /* put before each candidate: "op=" of "op=Co" */
    const ff_context *context;
    const ff_snapshot *snapshot; /* NULL: no session */
} typed;

/* Blanks are escaped, as they would end the word. */
static void add(candidates *c, const typed *t, const char *text)
{
    if (strncmp(text, t->prefix, strlen(t->prefix)) != 0)
        return;
    ff_buf b = {0};
    ff_buf_puts(&b, t->head);
    for (; *text; text++) {
        if (*text == ' ')
            ff_buf_putc(&b, '\\');
        ff_buf_putc(&b, *text);
    }
    ff_grow(&c->at, &c->capacity, c->n + 2, sizeof *c->at);
    c->at[c->n++] = ff_buf_steal(&b);
}

static void add_column(candidates *c, const typed *t, const ff_table *table, const char *column)
{
    int k = table ? ff_table_find(table, column) : -1;
    for (int i = 0; k >= 0 && i < ff_table_rows(table); i++) {
        if (ff_table_empty(table, i, k))
            continue;
        char number[32];
        const char *text = number;
        switch (ff_table_column(table, k)->type) {
        case FF_COL_TEXT:
            text = ff_table_text(table, i, k);
            break;
        case FF_COL_REAL:
            snprintf(number, sizeof number, "%.9g", ff_table_real(table, i, k));
            break;
        case FF_COL_INT:
            snprintf(number, sizeof number, "%lld", (long long)ff_table_int(table, i, k));
            break;
        case FF_COL_BOOL:
            text = ff_table_int(table, i, k) ? "yes" : "no";
            break;
        }
        if (!strchr(text, '\n'))
            add(c, t, text);
    }
}

/* ------------------------------------------------------------------------------------- kinds */

static void add_files(candidates *c, const typed *t)
{
    const char *slash = strrchr(t->prefix, '/');
    char *folder = slash ? ff_strndup(t->prefix, (size_t)(slash - t->prefix) + 1) : ff_strdup("");
    DIR *d = opendir(*folder ? folder : ".");
    for (struct dirent *e; d && (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        char *path = ff_asprintf("%s%s%s", folder, e->d_name, e->d_type == DT_DIR ? "/" : "");
        add(c, t, path);
        free(path);
    }
    if (d)
        closedir(d);
    free(folder);
}

static void add_commands(candidates *c, const typed *t)
{
    int where = t->context && t->context->view ? FF_AT_PROMPT | FF_AT_EXPLORER : FF_AT_PROMPT;
    const ff_command *row;
    for (int i = 0; (row = ff_command_at(i)); i++) {
        if (row->where & where)
            add(c, t, row->name);
    }
}

static void add_types(candidates *c, const typed *t)
{
    static const char *const types[] = {"PP", "ID", "TSS", "WB", "LH", "CG"};
    for (size_t i = 0; i < FF_COUNT(types); i++)
        add(c, t, types[i]);
}

static void add_repairs(candidates *c, const typed *t)
{
    if (t->snapshot)
        add_column(c, t, t->snapshot->proposals, "id");
}

static void add_states(candidates *c, const typed *t)
{
    if (t->snapshot)
        add_column(c, t, t->snapshot->states, "state");
}

static void add_images(candidates *c, const typed *t)
{
    if (t->n == 2)
        add(c, t, "image");
    else if (t->snapshot)
        add_column(c, t, t->snapshot->images_table, "name");
}

static void add_layers(candidates *c, const typed *t)
{
    if (t->snapshot)
        add_column(c, t, t->snapshot->layers, "layer");
}

static void add_nodes(candidates *c, const typed *t)
{
    if (t->n == 2)
        add(c, t, "layer");
    if (t->n == 3 && strcmp(t->words[1], "layer") == 0)
        add_layers(c, t);
    else if (t->n == 2 && t->snapshot)
        add_column(c, t, t->snapshot->nodes, "node");
}

/* `compared`: with the sign that asks for a value. */
static void add_view_columns(candidates *c, const typed *t, const ff_view *v, bool compared)
{
    int n;
    const ff_column *columns = ff_view_columns(v, &n);
    for (int i = 0; i < n; i++) {
        char *word = ff_asprintf("%s%s", columns[i].name, !compared ? "" : columns[i].type == FF_COL_REAL ? ">" : "=");
        add(c, t, word);
        free(word);
    }
}

/* Values of a column, as "op=Co". */
static void add_values(candidates *c, const typed *t, const ff_view *v, size_t name)
{
    if (!t->snapshot)
        return;
    char *column = ff_strndup(t->prefix, name);
    size_t sign = strspn(t->prefix + name, "=!<>~");
    char *head = ff_strndup(t->prefix, name + sign);
    typed value = *t;
    value.head = head;
    value.prefix = t->prefix + name + sign;
    ff_views all;
    ff_views_open(t->snapshot, &all);
    for (int i = 0; i < all.n; i++) {
        if (strcmp(all.at[i].name, v->name) == 0)
            add_column(c, &value, all.at[i].table, column);
    }
    ff_views_close(&all);
    free(head);
    free(column);
}

static void add_filters(candidates *c, const typed *t)
{
    static const char *const words[] = {"by", "top", "show"};
    const ff_view *v = ff_view_find(t->command->name);
    const char *before = t->n > 2 ? t->words[t->n - 2] : "";
    size_t name = strcspn(t->prefix, "=!<>~");
    if (!v)
        v = ff_view_find("layers"); /* suspects */
    if (strcmp(before, "by") == 0 || strcmp(before, "show") == 0) {
        add_view_columns(c, t, v, false);
        return;
    }
    if (t->prefix[name]) {
        add_values(c, t, v, name);
        return;
    }
    for (size_t i = 0; i < FF_COUNT(words); i++)
        add(c, t, words[i]);
    if (strcmp(v->name, "nodes") == 0 || strcmp(v->name, "pairs") == 0)
        add(c, t, "differs");
    add_view_columns(c, t, v, true);
}

/* In SQL a name may stand behind a bracket, a comma or a point. */
static void add_sql(candidates *c, const typed *t)
{
    static const char *const words[] = {"select", "from", "where", "group", "order",    "by",   "limit", "join",
                                        "on",     "and",  "or",    "not",   "count(*)", "desc", "as"};
    typed name = *t;
    size_t at = strlen(t->prefix);
    while (at > 0 && !strchr(",(.=<>", t->prefix[at - 1]))
        at--;
    char *head = ff_strndup(t->prefix, at);
    name.head = head;
    name.prefix = t->prefix + at;
    for (size_t i = 0; at == 0 && i < FF_COUNT(words); i++)
        add(c, &name, words[i]);
    const ff_view *v;
    for (int i = 0; (v = ff_view_at(i)); i++) {
        if (at == 0)
            add(c, &name, v->name);
        add_view_columns(c, &name, v, false);
    }
    free(head);
}

static void add_settings(candidates *c, const typed *t)
{
    const ff_option *row;
    for (int i = 0; (row = ff_option_at(i)); i++) {
        if (!ff_option_is_live(row->name))
            continue;
        if (t->n == 2)
            add(c, t, row->name);
        else if (t->n == 3 && strcmp(row->name, t->words[1]) == 0)
            for (const char *p = ff_option_type(row); *p; p += *p == '|') {
                size_t n = strcspn(p, "|");
                char *word = ff_strndup(p, n);
                if (strchr(ff_option_type(row), '|'))
                    add(c, t, word);
                free(word);
                p += n;
            }
    }
}

static void add_topics(candidates *c, const typed *t)
{
    const ff_view *v;
    add_commands(c, t);
    add(c, t, "views");
    for (int i = 0; (v = ff_view_at(i)); i++)
        add(c, t, v->name);
}

/* Models by their files, or the case's by name. */
static void add_models(candidates *c, const typed *t)
{
    if (t->snapshot) {
        add(c, t, "source");
        add(c, t, "target");
    }
    add_files(c, t);
}

static const ff_option *option_named(const char *word)
{
    const ff_option *row = NULL;
    if (strncmp(word, "--", 2) != 0)
        return NULL;
    for (int i = 0; (row = ff_option_at(i)) && strcmp(row->name, word + 2) != 0;)
        i++;
    return row;
}

/* Of a verb of the shell. */
static void add_options(candidates *c, const typed *t)
{
    const ff_option *row;
    for (int i = 0; t->prefix[0] == '-' && (row = ff_option_at(i)); i++) {
        if (!ff_option_fits(row, t->command->name))
            continue;
        char *word = ff_asprintf("--%s", row->name);
        add(c, t, word);
        free(word);
    }
}

/* What may stand behind an option that takes a value; false: there is none before the word. */
static bool add_option_value(candidates *c, const typed *t)
{
    const ff_option *row = t->n > 2 ? option_named(t->words[t->n - 2]) : NULL;
    if (!row || !row->argument || !ff_option_fits(row, t->command->name))
        return false;
    char *choices = ff_option_choices(row);
    for (char *save, *word = choices ? strtok_r(choices, " ", &save) : NULL; word; word = strtok_r(NULL, " ", &save))
        add(c, t, word);
    free(choices);
    if (ff_option_is_file(row))
        add_files(c, t);
    return true;
}

static void add_elements(candidates *c, const typed *t)
{
    const ff_color_element *e;
    for (int i = 0; t->n == 2 && (e = ff_color_element_at(i)); i++)
        add(c, t, e->name);
}

static const struct {
    const char *argument;
    void (*add)(candidates *c, const typed *t);
} kinds[] = {
    {"REPAIR", add_repairs},   {"STATE", add_states},   {"FILE", add_files},     {"COMMAND", add_commands},
    {"TOPIC", add_topics},     {"TYPE", add_types},     {"NODE", add_nodes},     {"IMAGE", add_images},
    {"NUMBER", add_layers},    {"FILTER", add_filters}, {"SQL", add_sql},        {"SETTING", add_settings},
    {"ELEMENT", add_elements}, {"MODEL", add_models},   {"SIBLING", add_models}, {"PATCH", add_files},
    {"OPTION", add_options},
};

/* Words to choose from: "graph|heat|...", "[causal]" and "--force". */
static void add_choices(candidates *c, const typed *t)
{
    const char *a = ff_command_prompt_arguments(t->command);
    for (const char *p = a; *p;) {
        size_t n = strcspn(p, "|[] ");
        bool choice = (p > a && strchr("|[", p[-1])) || p[n] == '|';
        if (n && (choice || strncmp(p, "--", 2) == 0) && ((*p >= 'a' && *p <= 'z') || *p == '-')) {
            char *word = ff_strndup(p, n);
            add(c, t, word);
            free(word);
        }
        p += n + (p[n] != '\0');
    }
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted, each once. */
static void settle(candidates *c)
{
    size_t kept = 0;
    if (c->n)
        qsort(c->at, c->n, sizeof *c->at, compare_text);
    for (size_t i = 0; i < c->n; i++) {
        if (kept && strcmp(c->at[kept - 1], c->at[i]) == 0)
            free(c->at[i]);
        else
            c->at[kept++] = c->at[i];
    }
    c->n = kept;
}

/* `nodes > fi`: the word is a file, whatever the command. */
static bool is_target(const typed *t)
{
    const char *before = t->n > 1 ? t->words[t->n - 2] : "";
    return strcmp(before, ">") == 0 || strcmp(before, ">|") == 0 || strcmp(before, ">>") == 0;
}

char **ff_command_complete(ff_context *context, const char *line, int *n)
{
    candidates c = {0};
    typed t = {.context = context, .head = ""};
    line_split_typed(line, &t.words, &t.n);
    t.prefix = t.words[t.n - 1];
    t.snapshot = context && context->session ? ff_session_snapshot(context->session) : NULL;
    t.command = t.n > 1 ? ff_command_find_at(t.words[0], ff_context_where(context)) : NULL;
    if (t.n == 1) {
        add_commands(&c, &t);
    } else if (t.command && is_target(&t)) {
        add_files(&c, &t);
    } else if (t.command && t.command->shell && t.command->run && add_option_value(&c, &t)) {
        ; /* that is all */
    } else if (t.command) {
        const char *arguments = ff_command_prompt_arguments(t.command);
        for (size_t i = 0; i < FF_COUNT(kinds); i++) {
            if (strstr(arguments, kinds[i].argument))
                kinds[i].add(&c, &t);
        }
        add_choices(&c, &t);
    }
    settle(&c);
    ff_snapshot_unref(t.snapshot);
    ff_line_free_words(t.words, t.n);
    *n = (int)c.n;
    if (!c.at)
        c.at = ff_alloc(sizeof *c.at);
    return c.at;
}
