/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/line.h"

#include <stdlib.h>
#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

void ff_line_free_words(char **words, int n)
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
    for (; *s && (quote || !is_blank(*s)); s++) {
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

static void split(const char *text, char ***words, int *n, bool *open, bool *at_blank)
{
    char **list = ff_alloc(sizeof *list);
    int count = 0;
    *open = false;
    *at_blank = true;
    for (const char *p = text;;) {
        while (is_blank(*p))
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
}

int ff_line_split(const char *text, char ***words, int *n)
{
    char **list;
    int count;
    bool open, at_blank;
    split(text, &list, &count, &open, &at_blank);
    if (open) {
        ff_line_free_words(list, count);
        return ff_fail(FF_ERR_USAGE, "a quote is not closed");
    }
    *words = list;
    *n = count;
    return FF_OK;
}

void line_split_typed(const char *text, char ***words, int *n)
{
    bool open, at_blank;
    split(text, words, n, &open, &at_blank);
    if (at_blank) {
        *words = ff_realloc_array(*words, (size_t)*n + 2, sizeof **words);
        (*words)[(*n)++] = ff_strdup("");
        (*words)[*n] = NULL;
    }
}

/*
 * Where the words of a command end: at a comment, `|` or `>`. In SQL, || and > are operators: there
 * a file is written to behind a semicolon only.
 */
static size_t end_of_words(const char *s, bool sql)
{
    char quote = 0;
    bool ended = false;
    for (size_t i = 0; s[i]; i++) {
        bool first = i == 0 || is_blank(s[i - 1]) || ended;
        if (s[i] == '\\' && s[i + 1] && quote != '\'' && !sql)
            i++;
        else if (quote)
            quote = s[i] == quote ? 0 : quote;
        else if (s[i] == '\'' || s[i] == '"')
            quote = s[i];
        else if (s[i] == ';' && sql)
            ended = true;
        else if (s[i] == '|' && sql && s[i + 1] == '|')
            i++;
        else if (s[i] == '|' || (s[i] == '#' && first) || (s[i] == '>' && first && (ended || !sql)))
            return i;
        else if (!is_blank(s[i]))
            ended = false;
    }
    return strlen(s);
}

static int take_target(const char *s, parsed_line *out)
{
    bool open;
    int64_t whole;
    double real;
    if (!*s || *s == '#')
        return FF_OK;
    out->to = *s == '|'                  ? LINE_PIPE
              : strncmp(s, ">|", 2) == 0 ? LINE_OVERWRITE
              : strncmp(s, ">>", 2) == 0 ? LINE_APPEND
                                         : LINE_WRITE;
    s += out->to == LINE_OVERWRITE || out->to == LINE_APPEND ? 2 : 1;
    while (is_blank(*s))
        s++;
    if (out->to == LINE_PIPE) {
        out->target = ff_strdup(s);
        return *s ? FF_OK : ff_fail(FF_ERR_USAGE, "expected: COMMAND | COMMAND of the shell");
    }
    out->target = take_word(&s, &open);
    while (is_blank(*s))
        s++;
    if (open)
        return ff_fail(FF_ERR_USAGE, "a quote is not closed");
    if (!*out->target || (*s && *s != '#'))
        return ff_fail(FF_ERR_USAGE, "expected: COMMAND > FILE");
    if (ff_parse_int(out->target, &whole) || ff_parse_real(out->target, &real))
        return ff_fail(FF_ERR_USAGE,
                       "'%s' is no file to write to; a comparison has no blanks, as "
                       "isolated>0.01",
                       out->target);
    return FF_OK;
}

/* A format of the answer before SQL: "--json ". */
static bool take_switch(const char **text, parsed_line *out)
{
    static const char *const all[] = {"--json", "--csv", "--text", "--format="};
    bool open;
    *text += strspn(*text, " \t");
    for (size_t i = 0; i < FF_COUNT(all); i++) {
        size_t n = strlen(all[i]);
        if (strncmp(*text, all[i], n) == 0 && (all[i][n - 1] == '=' || is_blank((*text)[n]))) {
            out->words = ff_realloc_array(out->words, (size_t)out->n + 2, sizeof *out->words);
            out->words[out->n++] = take_word(text, &open);
            out->words[out->n] = NULL;
            return true;
        }
    }
    return false;
}

/* The rest of the line as one word; quotes around all of it are taken off. */
static int take_text(const char *text, parsed_line *out)
{
    size_t n = strlen(text);
    bool open = false;
    while (n && (is_blank(text[n - 1]) || text[n - 1] == ';'))
        n--;
    if (!n)
        return FF_OK;
    char *rest = ff_strndup(text, n);
    const char *p = rest;
    if (*p == '"') {
        char *word = take_word(&p, &open);
        if (!*p && !open) {
            free(rest);
            rest = word;
        } else {
            free(word);
        }
    }
    out->words = ff_realloc_array(out->words, (size_t)out->n + 2, sizeof *out->words);
    out->words[out->n++] = rest;
    out->words[out->n] = NULL;
    return FF_OK;
}

int line_parse(const char *text, int where, parsed_line *out)
{
    *out = (parsed_line){0};
    while (is_blank(*text))
        text++;
    size_t first = strcspn(text, " \t");
    char *name = ff_strndup(text, first);
    const ff_command *row = ff_command_find_at(name, where);
    free(name);
    bool sql = row && (row->where & FF_TAKES_TEXT);
    /* The explorer's own words have no output, and may hold any sign: `search a|b`. */
    bool whole = row && !(row->where & FF_AT_PROMPT);
    size_t end = whole ? strlen(text) : end_of_words(text, sql);
    char *words = ff_strndup(text, end);
    int code = FF_OK;
    if (sql) {
        const char *rest = words + first;
        out->words = ff_alloc_array(2, sizeof *out->words);
        out->words[out->n++] = ff_strdup(row->name);
        while (take_switch(&rest, out))
            ;
        code = take_text(rest, out);
    } else {
        code = ff_line_split(words, &out->words, &out->n);
    }
    if (!code)
        code = take_target(text + end, out);
    if (!code && out->to != LINE_SHOW && !out->n)
        code = ff_fail(FF_ERR_USAGE, "expected a command before '%.1s'", text + end);
    free(words);
    if (code)
        line_finish(out);
    return code;
}

void line_finish(parsed_line *l)
{
    ff_line_free_words(l->words, l->n);
    free(l->target);
    *l = (parsed_line){0};
}

bool ff_line_read(FILE *f, ff_buf *line, int *number)
{
    static const char mark[] = "\xef\xbb\xbf"; /* what some editors put before a text */
    char *text = NULL;
    size_t capacity = 0;
    bool any = false, more = true;
    ff_buf_clear(line);
    ff_buf_puts(line, "");
    while (more && getline(&text, &capacity, f) >= 0) {
        const char *from = *number == 0 && strncmp(text, mark, strlen(mark)) == 0 ? text + strlen(mark) : text;
        size_t n = strcspn(from, "\r\n"), slashes = 0;
        any = true;
        ++*number;
        while (slashes < n && from[n - slashes - 1] == '\\')
            slashes++;
        more = slashes % 2 && from[strspn(from, " \t")] != '#';
        ff_buf_add(line, from, n - more);
    }
    free(text);
    return any;
}
