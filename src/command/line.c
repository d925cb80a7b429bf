/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines into words, and the ends of words that are not finished yet. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fetafix/command.h"

static void free_words(char **words, int n)
{
    for (int i = 0; i < n; i++)
        free(words[i]);
    free(words);
}

/* One word at *p, which is moved behind it. *open: inside of a quote at the end of the line. */
static char *take_word(const char **p, bool *open)
{
    ff_buf b = {0};
    const char *s = *p;
    char quote = 0;
    ff_buf_puts(&b, "");
    for (; *s && (quote || (*s != ' ' && *s != '\t')); s++) {
        if (quote == '\'' && *s != '\'')
            ff_buf_putc(&b, *s);
        else if (*s == '\\' && s[1] && quote != '\'')
            ff_buf_putc(&b, *++s);
        else if (quote && *s == quote)
            quote = 0;
        else if (!quote && (*s == '\'' || *s == '"'))
            quote = *s;
        else
            ff_buf_putc(&b, *s);
    }
    *open = quote != 0;
    *p = s;
    return ff_buf_steal(&b);
}

static int split(const char *line, char ***words, int *n, bool *open, bool *at_blank)
{
    char **list = ff_alloc(sizeof *list);
    int count = 0;
    *open = false;
    *at_blank = true;
    for (const char *p = line;;) {
        while (*p == ' ' || *p == '\t')
            p++;
        if (!*p || *p == '#')
            break;
        list = ff_realloc_array(list, (size_t)count + 2, sizeof *list);
        list[count++] = take_word(&p, open);
        *at_blank = *p != '\0';
    }
    list[count] = NULL;
    *words = list;
    *n = count;
    return FF_OK;
}

int ff_line_split(const char *line, char ***words, int *n)
{
    char **list;
    int count;
    bool open, at_blank;
    split(line, &list, &count, &open, &at_blank);
    if (open) {
        free_words(list, count);
        return ff_fail(FF_ERR_USAGE, "a quote is not closed");
    }
    *words = list;
    *n = count;
    return FF_OK;
}

/* ----------------------------------------------------------------------------------- completion */

typedef struct candidates {
    char **at;
    size_t n, capacity;
} candidates;

static void add(candidates *c, const char *prefix, const char *text)
{
    if (strncmp(text, prefix, strlen(prefix)) != 0)
        return;
    ff_grow(&c->at, &c->capacity, c->n + 2, sizeof *c->at);
    c->at[c->n++] = ff_strdup(text);
}

static void add_column(candidates *c, const char *prefix, const ff_table *t, const char *column)
{
    int k = ff_table_find(t, column);
    for (int i = 0; k >= 0 && i < ff_table_rows(t); i++) {
        char number[32];
        const char *text = ff_table_text(t, i, k);
        if (ff_table_column(t, k)->type == FF_COL_INT) {
            snprintf(number, sizeof number, "%lld", (long long)ff_table_int(t, i, k));
            text = number;
        }
        add(c, prefix, text);
    }
}

static void add_files(candidates *c, const char *prefix)
{
    const char *slash = strrchr(prefix, '/');
    char *folder = slash ? ff_strndup(prefix, (size_t)(slash - prefix) + 1) : ff_strdup("");
    DIR *d = opendir(*folder ? folder : ".");
    for (struct dirent *e; d && (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        char *path = ff_asprintf("%s%s%s", folder, e->d_name, e->d_type == DT_DIR ? "/" : "");
        add(c, prefix, path);
        free(path);
    }
    if (d)
        closedir(d);
    free(folder);
}

/* What the arguments of a command are, told from how they are written in the table. */
static void add_arguments(candidates *c, const ff_context *context, const ff_command *command,
                          const char *prefix)
{
    const ff_snapshot *s =
        context && context->session ? ff_session_snapshot(context->session) : NULL;
    const char *a = command->arguments ? command->arguments : "";
    if (s && strstr(a, "REPAIR"))
        add_column(c, prefix, s->proposals, "id");
    if (s && strstr(a, "STATE"))
        add_column(c, prefix, s->states, "state");
    if (strstr(a, "FILE"))
        add_files(c, prefix);
    if (strstr(a, "COMMAND")) {
        const ff_command *row;
        for (int i = 0; (row = ff_command_at(i)); i++)
            add(c, prefix, row->name);
    }
    if (strstr(a, "TYPE")) {
        static const char *const types[] = {"PP", "ID", "TSS", "WB", "LH", "CG"};
        for (size_t i = 0; i < FF_COUNT(types); i++)
            add(c, prefix, types[i]);
    }
    /* Words to choose from: "graph|heat|..." and "--force". */
    for (const char *p = a; *p;) {
        size_t n = strcspn(p, "|[] ");
        if (n && (memchr(a, '|', strlen(a)) || strncmp(p, "--", 2) == 0) &&
            ((*p >= 'a' && *p <= 'z') || *p == '-')) {
            char *word = ff_strndup(p, n);
            add(c, prefix, word);
            free(word);
        }
        p += n + (p[n] != '\0');
    }
    ff_snapshot_unref(s);
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **ff_command_complete(ff_context *context, const char *line, int *n)
{
    candidates c = {0};
    char **words;
    int count;
    bool open, at_blank;
    split(line, &words, &count, &open, &at_blank);
    const char *prefix = at_blank || !count ? "" : words[count - 1];
    int before = count - (*prefix || (count && !at_blank) ? 1 : 0);
    const ff_command *command = before > 0 ? ff_command_find(words[0]) : NULL;
    const ff_command *row;
    if (before == 0) {
        int where = context && context->view ? FF_AT_PROMPT | FF_AT_EXPLORER : FF_AT_PROMPT;
        for (int i = 0; (row = ff_command_at(i)); i++) {
            if (row->where & where)
                add(&c, prefix, row->name);
        }
    } else if (command) {
        add_arguments(&c, context, command, prefix);
    }
    if (c.n)
        qsort(c.at, c.n, sizeof *c.at, compare_text);
    free_words(words, count);
    *n = (int)c.n;
    if (!c.at)
        c.at = ff_alloc(sizeof *c.at);
    return c.at;
}
