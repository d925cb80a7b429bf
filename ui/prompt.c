/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prompt.h"

#include "fetafix/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { HISTORY_MAX = 500, LINE_MAX_BYTES = 4096 };

/* ------------------------------------------------------------------------------------ history */

static void add_history(ui_prompt *p, const char *line, size_t n)
{
    if (n == 0)
        return;
    if (p->n_history > 0) {
        const char *last = p->history[p->n_history - 1];
        if (strlen(last) == n && memcmp(last, line, n) == 0)
            return;
    }
    if (p->n_history == HISTORY_MAX) {
        free(p->history[0]);
        memmove(p->history, p->history + 1, (HISTORY_MAX - 1) * sizeof *p->history);
        p->n_history--;
    }
    ff_grow(&p->history, &p->history_capacity, (size_t)p->n_history + 1, sizeof *p->history);
    p->history[p->n_history++] = ff_strndup(line, n);
}

void ui_prompt_init(ui_prompt *p)
{
    char *data;
    size_t size;

    *p = (ui_prompt){.history_path = ff_history_path()};
    if (!p->history_path || ff_read_file(p->history_path, 1 << 20, &data, &size) != FF_OK)
        return;
    for (char *s = data; *s;) {
        size_t n = strcspn(s, "\n");
        if (n < LINE_MAX_BYTES)
            add_history(p, s, n);
        s += n + (s[n] == '\n');
    }
    free(data);
}

static void save_history(const ui_prompt *p)
{
    ff_buf b = {0};
    for (int i = 0; i < p->n_history; i++)
        ff_buf_printf(&b, "%s\n", p->history[i]);
    /* The folders above it, too. A history that cannot be kept is no reason to complain. */
    for (char *s = p->history_path + 1; (s = strchr(s, '/')); s++) {
        *s = '\0';
        int made = mkdir(p->history_path, 0700);
        *s = '/';
        if (made != 0 && errno != EEXIST)
            break;
    }
    int ignored = ff_write_file(p->history_path, b.data, b.len, true);
    (void)ignored;
    ff_buf_finish(&b);
}

void ui_prompt_remember(ui_prompt *p, const char *line)
{
    int before = p->n_history;
    add_history(p, line, strlen(line));
    if (p->history_path && (p->n_history != before || before == HISTORY_MAX))
        save_history(p);
}

/* ------------------------------------------------------------------------------------ editing */

static void drop_choices(ui_prompt *p)
{
    for (int i = 0; i < p->n_choices; i++)
        free(p->choices[i]);
    free(p->choices);
    p->choices = NULL;
    p->n_choices = 0;
    p->choice = -1;
}

void ui_prompt_finish(ui_prompt *p)
{
    drop_choices(p);
    for (int i = 0; i < p->n_history; i++)
        free(p->history[i]);
    free(p->history);
    free(p->history_path);
    free(p->draft);
    ff_buf_finish(&p->text);
    *p = (ui_prompt){0};
}

const char *ui_prompt_text(const ui_prompt *p)
{
    return p->text.data ? p->text.data : "";
}

static void set_text(ui_prompt *p, const char *text)
{
    char *copy = ff_strdup(text); /* it may be ours */
    ff_buf_clear(&p->text);
    ff_buf_puts(&p->text, copy);
    p->cursor = p->text.len;
    free(copy);
}

void ui_prompt_open(ui_prompt *p, ui_prompt_kind kind, const char *text)
{
    drop_choices(p);
    p->kind = kind;
    p->at_history = p->n_history;
    set_text(p, text);
}

void ui_prompt_close(ui_prompt *p)
{
    drop_choices(p);
    p->kind = UI_PROMPT_NONE;
}

static void erase(ui_prompt *p, size_t from, size_t to)
{
    if (from >= to)
        return;
    memmove(p->text.data + from, p->text.data + to, p->text.len - to + 1);
    p->text.len -= to - from;
    p->cursor = from;
}

static void insert(ui_prompt *p, const char *s, size_t n)
{
    if (p->text.len + n > LINE_MAX_BYTES)
        return;
    char *tail = ff_strdup(ui_prompt_text(p) + p->cursor);
    if (p->text.data) {
        p->text.len = p->cursor;
        p->text.data[p->cursor] = '\0';
    }
    ff_buf_add(&p->text, s, n);
    p->cursor = p->text.len;
    ff_buf_puts(&p->text, tail);
    free(tail);
}

static bool continues(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static size_t before(const ui_prompt *p, size_t at)
{
    while (at > 0 && continues(ui_prompt_text(p)[--at]))
        ;
    return at;
}

static size_t after(const ui_prompt *p, size_t at)
{
    if (at < p->text.len)
        at++;
    while (at < p->text.len && continues(ui_prompt_text(p)[at]))
        at++;
    return at;
}

static size_t word_before(const ui_prompt *p, size_t at)
{
    const char *s = ui_prompt_text(p);
    while (at > 0 && s[at - 1] == ' ')
        at--;
    while (at > 0 && s[at - 1] != ' ')
        at--;
    return at;
}

static void walk_history(ui_prompt *p, int step)
{
    int to = p->at_history + step;
    if (p->kind != UI_PROMPT_COMMAND || to < 0 || to > p->n_history)
        return;
    if (p->at_history == p->n_history) {
        free(p->draft);
        p->draft = ff_strdup(ui_prompt_text(p));
    }
    p->at_history = to;
    set_text(p, to < p->n_history ? p->history[to] : p->draft ? p->draft : "");
}

/* The longest beginning that all choices share. */
static size_t common(const ui_prompt *p)
{
    size_t n = strlen(p->choices[0]);
    for (int i = 1; i < p->n_choices; i++) {
        size_t k = 0;
        while (k < n && p->choices[i][k] == p->choices[0][k])
            k++;
        n = k;
    }
    while (n > 0 && continues(p->choices[0][n]))
        n--;
    return n;
}

static void complete_word(ui_prompt *p, int step, char **(*complete)(void *, const char *, int *), void *context)
{
    if (p->kind != UI_PROMPT_COMMAND)
        return;
    if (p->n_choices > 1) { /* pressed again: one after the other */
        p->choice = (p->choice + step + p->n_choices) % p->n_choices;
        erase(p, p->word, p->cursor);
        insert(p, p->choices[p->choice], strlen(p->choices[p->choice]));
        return;
    }
    drop_choices(p);
    char *line = ff_strndup(ui_prompt_text(p), p->cursor);
    p->choices = complete(context, line, &p->n_choices);
    free(line);
    p->word = p->cursor;
    while (p->word > 0 && ui_prompt_text(p)[p->word - 1] != ' ')
        p->word--;
    if (p->n_choices == 0) {
        drop_choices(p);
        return;
    }
    size_t n = common(p);
    if (n >= p->cursor - p->word) {
        erase(p, p->word, p->cursor);
        insert(p, p->choices[0], n);
    }
    if (p->n_choices == 1) {
        if (n > 0 && !strchr("/=>", p->choices[0][n - 1]))
            insert(p, " ", 1);
        drop_choices(p);
    } else {
        p->choice = step > 0 ? -1 : 0;
    }
}

ui_prompt_result ui_prompt_key(ui_prompt *p, const ui_key *k, char **(*complete)(void *, const char *, int *),
                               void *context)
{
    const char *name = k->type == UI_PASTE ? "" : k->name;
    size_t length = p->text.len;

    if (k->type == UI_MOUSE)
        return UI_PROMPT_EDITING;
    if (k->type == UI_KEY && (strcmp(name, "Tab") == 0 || strcmp(name, "S-Tab") == 0)) {
        complete_word(p, strcmp(name, "Tab") == 0 ? 1 : -1, complete, context);
        return UI_PROMPT_EDITING;
    }
    drop_choices(p);
    if (k->type == UI_PASTE) {
        ff_buf visible = {0};
        char *line = ff_strndup(k->text, strcspn(k->text, "\r\n"));
        ff_buf_visible(&visible, line);
        if (visible.data)
            insert(p, visible.data, visible.len);
        ff_buf_finish(&visible);
        free(line);
    } else if (k->codepoint) {
        char bytes[4];
        insert(p, bytes, ff_utf8_encode(k->codepoint, bytes));
    } else if (strcmp(name, "Enter") == 0) {
        return UI_PROMPT_DONE;
    } else if (strcmp(name, "Escape") == 0 || strcmp(name, "C-c") == 0 || strcmp(name, "C-g") == 0) {
        return UI_PROMPT_GONE;
    } else if (strcmp(name, "Backspace") == 0) {
        if (p->text.len == 0)
            return UI_PROMPT_GONE;
        erase(p, before(p, p->cursor), p->cursor);
    } else if (strcmp(name, "Delete") == 0 || strcmp(name, "C-d") == 0) {
        erase(p, p->cursor, after(p, p->cursor));
    } else if (strcmp(name, "Left") == 0 || strcmp(name, "C-b") == 0) {
        p->cursor = before(p, p->cursor);
    } else if (strcmp(name, "Right") == 0 || strcmp(name, "C-f") == 0) {
        p->cursor = after(p, p->cursor);
    } else if (strcmp(name, "Home") == 0 || strcmp(name, "C-a") == 0) {
        p->cursor = 0;
    } else if (strcmp(name, "End") == 0 || strcmp(name, "C-e") == 0) {
        p->cursor = p->text.len;
    } else if (strcmp(name, "C-u") == 0) {
        erase(p, 0, p->cursor);
    } else if (strcmp(name, "C-k") == 0) {
        size_t at = p->cursor;
        erase(p, at, p->text.len);
    } else if (strcmp(name, "C-w") == 0) {
        erase(p, word_before(p, p->cursor), p->cursor);
    } else if (strcmp(name, "M-b") == 0 || strcmp(name, "C-Left") == 0) {
        p->cursor = word_before(p, p->cursor);
    } else if (strcmp(name, "M-f") == 0 || strcmp(name, "C-Right") == 0) {
        while (p->cursor < p->text.len && ui_prompt_text(p)[p->cursor] == ' ')
            p->cursor++;
        while (p->cursor < p->text.len && ui_prompt_text(p)[p->cursor] != ' ')
            p->cursor++;
    } else if (strcmp(name, "Up") == 0 || strcmp(name, "C-p") == 0) {
        walk_history(p, -1);
    } else if (strcmp(name, "Down") == 0 || strcmp(name, "C-n") == 0) {
        walk_history(p, 1);
    }
    return p->text.len != length ? UI_PROMPT_CHANGED : UI_PROMPT_EDITING;
}

void ui_prompt_draw(const ui_prompt *p, ui_canvas *c, ui_rect r, int *cursor_x)
{
    const char *text = ui_prompt_text(p);
    ui_pen pen = ui_pen_at(c, r, 0);
    char *head = ff_strndup(text, p->cursor);
    int room = r.width - 3, cells = ff_display_width(head);
    size_t skip = 0;

    /* A long line slides to the left, so that the cursor stays in sight. */
    while (cells > room && skip < p->cursor) {
        size_t used;
        cells -= ff_codepoint_width(ff_utf8_decode(head + skip, p->cursor - skip, &used));
        skip += used;
    }
    ui_canvas_clear(c, r, PAPER_NONE);
    ui_pen_char(&pen, ui_bold(INK_KEY), p->kind == UI_PROMPT_SEARCH ? '/' : ':');
    ui_pen_text(&pen, ui_plain(INK_STRONG), text + skip);
    *cursor_x = r.x + 1 + cells;
    free(head);

    if (p->n_choices > 1) { /* above the line */
        ui_pen q = ui_pen_at(c, (ui_rect){r.x, r.y - 1, r.width, 1}, 0);
        ui_canvas_clear(c, (ui_rect){r.x, r.y - 1, r.width, 1}, PAPER_BAR);
        int first = 0, width = 0;
        for (int i = 0; i <= p->choice; i++) { /* the chosen one is in sight */
            width += ff_display_width(p->choices[i]) + 2;
            while (width > r.width - 4 && first < i)
                width -= ff_display_width(p->choices[first++]) + 2;
        }
        for (int i = first; i < p->n_choices; i++) {
            ui_style s =
                i == p->choice ? (ui_style){INK_STRONG, PAPER_CURSOR, UI_BOLD} : (ui_style){INK_TEXT, PAPER_BAR, 0};
            ui_pen_printf(&q, s, " %s ", p->choices[i]);
        }
    }
}
