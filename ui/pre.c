/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How pixels become input, as words of the two specs: the first row of the graph, and a table on its page. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doc.h"
#include "ui.h"

const char *ui_target_pre(const ff_snapshot *s)
{
    return s->target_pre_repaired ? s->target_pre_repaired : s->target_pre;
}

/* The words of a spec, one after the other: length of the one at *at, 0 at the end. */
static size_t next_word(const char **at)
{
    *at += strspn(*at, " ");
    return strcspn(*at, " ");
}

/* The value of a key in a spec; its length in *n. "" when it is not there. */
static const char *value_of(const char *spec, const char *key, size_t key_length, size_t *n)
{
    for (size_t k; spec && (k = next_word(&spec)) > 0; spec += k) {
        if (k > key_length && memcmp(spec, key, key_length) == 0 && spec[key_length] == '=') {
            *n = k - key_length - 1;
            return spec + key_length + 1;
        }
    }
    *n = 0;
    return "";
}

/* Does a word say something else than the other spec? The layout follows from each model's input. */
static bool differs(const char *word, size_t n, const char *other)
{
    size_t key = 0, length;
    while (key < n && word[key] != '=')
        key++;
    const char *value = value_of(other, word, key, &length);
    return !(key == 6 && memcmp(word, "layout", 6) == 0) &&
           (length != n - key - 1 || memcmp(value, word + key + 1, length) != 0);
}

bool ui_pre_differs(const ff_snapshot *s)
{
    const char *word = s->source_pre ? s->source_pre : "";
    for (size_t k; ui_target_pre(s) && (k = next_word(&word)) > 0; word += k) {
        if (differs(word, k, ui_target_pre(s)))
            return true;
    }
    return false;
}

void ui_pre_words(const char *spec, const char *other, ff_buf *out)
{
    for (int pass = 0; pass < 2; pass++) {
        const char *word = spec;
        for (size_t k; (k = next_word(&word)) > 0; word += k) {
            if (differs(word, k, other) != (pass == 0))
                continue;
            ff_buf_puts(out, out->len ? " " : "");
            ff_buf_add(out, word, k);
        }
    }
}

int ui_doc_pre(ui_doc *d, const ff_snapshot *s, int width)
{
    const char *word = s->source_pre, *target = ui_target_pre(s);
    int value = (width - 20) / 2, n = 0;

    value = value > 40 ? 40 : value;
    if (!word || !target || s->arrays)
        return 0;
    ui_doc_heading(d, "Preprocessing of the images");
    ui_doc_line(d);
    ui_doc_to(d, 15);
    ui_doc_field(d, ui_plain(INK_SOURCE), value, "Source");
    ui_doc_add(d, ui_plain(INK_TEXT), "   ");
    ui_doc_field(d, ui_plain(INK_TARGET), value, "Target");
    for (size_t k; (k = next_word(&word)) > 0; word += k, n++) {
        size_t key = strcspn(word, "="), length;
        bool same = !differs(word, k, target);
        const char *there = value_of(target, word, key, &length);
        char *name = ff_strndup(word, key), *a = ff_strndup(word + key + 1, k - key - 1),
             *b = ff_strndup(there, length);
        ui_doc_line(d);
        ui_doc_add(d, ui_plain(INK_TEXT), "   ");
        ui_doc_field(d, ui_plain(INK_DIM), 12, name);
        ui_doc_field(d, ui_plain(same ? INK_TEXT : INK_STRONG), value, a);
        ui_doc_add(d, same ? ui_plain(INK_DIM) : ui_bold(INK_BAD), same ? " = " : " \xe2\x89\xa0 ");
        ui_doc_field(d, same ? ui_plain(INK_TEXT) : ui_bold(INK_BAD), value, b);
        free(name);
        free(a);
        free(b);
    }
    return n;
}

char *ui_pre_edit(const ff_snapshot *s, int line)
{
    const char *word = s->source_pre;
    for (size_t k; word && (k = next_word(&word)) > 0; word += k) {
        size_t key = strcspn(word, "="), length;
        const char *now = value_of(ui_target_pre(s), word, key, &length);
        if (line-- == 0)
            return ff_asprintf("what-if pre %.*s=%.*s", (int)key, word, (int)length, now);
    }
    return NULL;
}

int ui_pre_first_difference(const ff_snapshot *s)
{
    const char *word = s->source_pre;
    int line = 0;
    for (size_t k; word && (k = next_word(&word)) > 0; word += k, line++) {
        if (differs(word, k, ui_target_pre(s)))
            return line;
    }
    return 0;
}
