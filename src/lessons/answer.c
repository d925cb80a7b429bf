/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a reader of a lesson answers, in the forms a person would type: "WB", "it is WB in layer 3",
 * "L3", "block1.depthwise", "/small/block1.depthwise/Conv2D". */
#include "lessons/answer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fetafix/faults.h"

enum { WORDS = 64 };

/* The answer taken apart. */
typedef struct said {
    char *words[WORDS];
    int n;
    bool types[FF_FAULT_TYPES];
    int n_types;
    int layers[WORDS], n_layers;
    const char *unknown, *ambiguous; /* a word that ought to be a layer and is none, or fits several */
    bool negated;
} said;

static bool is_one_of(const char *word, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcasecmp(word, names[i]) == 0)
            return true;
    }
    return false;
}

static void split(const char *text, said *s)
{
    static const char around[] = " \t,;:?!'\"`()[]";
    while (*(text += strspn(text, around)) && s->n < WORDS) {
        size_t n = strcspn(text, " \t,;?!'\"`()[]"), kept = n;
        while (kept > 1 && strchr(".:", text[kept - 1]))
            kept--;
        s->words[s->n++] = ff_strndup(text, kept);
        text += n;
    }
}

/* ------------------------------------------------------------------------------- fault types */

/* The type a word names, or -1. */
static int type_of(const char *word)
{
    static const struct {
        const char *word;
        ff_fault_type type;
    } names[] = {
        {"preprocessing", FF_PP}, {"dimension", FF_ID},      {"dimensions", FF_ID},      {"shape", FF_TSS},
        {"structure", FF_TSS},    {"weight", FF_WB},         {"weights", FF_WB},         {"bias", FF_WB},
        {"biases", FF_WB},        {"hyperparameter", FF_LH}, {"hyperparameters", FF_LH}, {"graph", FF_CG},
    };
    for (int t = 0; t < FF_FAULT_TYPES; t++) {
        if (strcasecmp(word, ff_fault_type_name((ff_fault_type)t)) == 0)
            return t;
    }
    for (size_t i = 0; i < FF_COUNT(names); i++) {
        if (strcasecmp(word, names[i].word) == 0)
            return (int)names[i].type;
    }
    return -1;
}

/* ------------------------------------------------------------------------------------ layers */

static int cell_layer(const ff_table *pairs, int row)
{
    int k = ff_table_find(pairs, "layer");
    return ff_table_empty(pairs, row, k) ? 0 : (int)ff_table_int(pairs, row, k);
}

/* The layer that a name belongs to: 0 none, -1 several. What follows a layer (its activation, its Pad)
 * counts as the layer that carries the name. */
static int layer_named(const ff_table *pairs, const char *word)
{
    int source = ff_table_find(pairs, "source"), target = ff_table_find(pairs, "target"), found = 0;
    int last = 0;
    for (int i = 0; i < ff_table_rows(pairs); i++) {
        int layer = cell_layer(pairs, i);
        last = layer ? layer : last;
        if (!ff_name_holds(ff_table_text(pairs, i, source), word) &&
            !ff_name_holds(ff_table_text(pairs, i, target), word))
            continue;
        if (found && found != last)
            return -1;
        found = last;
    }
    return found;
}

/* Layer 3 of "L3", "l3" or "3"; 0 when the word is no number. */
static int layer_number(const char *word)
{
    int64_t n;
    const char *digits = *word == 'L' || *word == 'l' ? word + 1 : word;
    return isdigit((unsigned char)*digits) && ff_parse_int(digits, &n) && n > 0 && n < 1 << 20 ? (int)n : 0;
}

static bool has_layer(const ff_table *pairs, int layer)
{
    for (int i = 0; i < ff_table_rows(pairs); i++) {
        if (cell_layer(pairs, i) == layer)
            return true;
    }
    return false;
}

static void take_layer(said *s, const ff_table *pairs, const char *word)
{
    int number = layer_number(word), layer = number ? number : layer_named(pairs, word);
    if (layer < 0)
        s->ambiguous = word;
    else if (number && !has_layer(pairs, number))
        s->unknown = word;
    else if (layer > 0)
        s->layers[s->n_layers++] = layer;
    else if (strpbrk(word, "/."))
        s->unknown = word; /* it looks like the name of a node */
}

static void understand(said *s, const ff_table *pairs, bool layers)
{
    static const char *const negations[] = {"not", "no", "isn", "isnt", "never", "neither", "nor", "except"};
    for (int i = 0; i < s->n; i++) {
        int type = type_of(s->words[i]);
        s->negated |= is_one_of(s->words[i], negations, FF_COUNT(negations));
        if (type >= 0) {
            s->n_types += !s->types[type];
            s->types[type] = true;
        } else if (layers) {
            take_layer(s, pairs, s->words[i]);
        }
    }
}

/* --------------------------------------------------------------------------------- the parts */

/* The alternatives of a part, one after the other; false at the end. The caller frees. */
static bool next_word(const char **at, char **word)
{
    *at += strspn(*at, " |");
    if (!**at)
        return false;
    size_t n = strcspn(*at, "|"), kept = n;
    while (kept && (*at)[kept - 1] == ' ')
        kept--;
    *word = ff_strndup(*at, kept);
    *at += n;
    return true;
}

int lesson_part_check(const ff_lesson_part *p)
{
    const char *at = p->words;
    char *word;
    int code = FF_OK, n = 0;
    for (; !code && next_word(&at, &word); n++) {
        if (p->kind == FF_PART_TYPE && type_of(word) < 0)
            code = ff_fail(FF_ERR_INPUT, "'%s' is no fault type: PP ID TSS WB LH CG", word);
        free(word);
    }
    return code ? code : n ? FF_OK : ff_fail(FF_ERR_INPUT, "the answer is empty");
}

static bool part_has_type(const ff_lesson_part *p, int type)
{
    const char *at = p->words;
    bool has = false;
    for (char *word; !has && next_word(&at, &word); free(word))
        has = type_of(word) == type;
    return has;
}

static bool part_has_word(const ff_lesson_part *p, const char *said_word)
{
    const char *at = p->words;
    bool has = false;
    for (char *word; !has && next_word(&at, &word); free(word))
        has = strcasecmp(word, said_word) == 0;
    return has;
}

/* Is this layer among the part's? FF_ERR_INPUT: the part names one that the case does not have. */
static int part_has_layer(const ff_lesson *l, const ff_lesson_part *p, const ff_table *pairs, int layer, bool *has)
{
    const char *at = p->words;
    int code = FF_OK;
    *has = false;
    for (char *word; !code && next_word(&at, &word); free(word)) {
        int meant = layer_named(pairs, word);
        if (meant <= 0)
            code = ff_fail(FF_ERR_INPUT, "%s:%d: %s '%s' in the sample", l->path, p->line,
                           meant ? "more than one layer is called" : "no layer is called", word);
        *has |= meant == layer;
    }
    return code;
}

static bool asks(const ff_lesson *l, ff_part_kind kind)
{
    for (int i = 0; i < l->n_parts; i++) {
        if (l->parts[i].kind == kind)
            return true;
    }
    return false;
}

/* What one may still say. */
static void add_open(const ff_lesson *l, ff_buf *out)
{
    static const char *const open[] = {[FF_PART_TYPE] = "which of the six types it is (PP ID TSS WB LH CG)",
                                       [FF_PART_LAYER] = "the layer (as L3, or its name)",
                                       [FF_PART_WORD] = "the rest of what was asked"};
    int left[FF_COUNT(open)] = {0}, had[FF_COUNT(open)] = {0}, n = 0;
    for (int i = 0; i < l->n_parts; i++)
        (l->parts[i].found ? had : left)[l->parts[i].kind]++;
    for (size_t k = 0; k < FF_COUNT(open); k++) {
        if (!left[k])
            continue;
        ff_buf_puts(out, n++ ? ", and " : "");
        if (k == FF_PART_LAYER && had[k])
            ff_buf_puts(out, left[k] > 1 ? "more layers" : "one more layer");
        else if (k == FF_PART_LAYER && left[k] > 1)
            ff_buf_printf(out, "%d layers (as L3, or their names)", left[k]);
        else
            ff_buf_puts(out, open[k]);
    }
}

/* A word of the answer that is wrong: named in the reply. False: none is. */
static int find_wrong(const ff_lesson *l, const said *s, const ff_table *pairs, ff_buf *reply, bool *wrong)
{
    *wrong = false;
    for (int t = 0; t < FF_FAULT_TYPES && asks(l, FF_PART_TYPE); t++) {
        bool fits = !s->types[t];
        for (int i = 0; i < l->n_parts; i++)
            fits |= l->parts[i].kind == FF_PART_TYPE && part_has_type(&l->parts[i], t);
        if (!fits) {
            ff_buf_printf(reply, "Not %s. ", ff_fault_type_name((ff_fault_type)t));
            *wrong = true;
        }
    }
    for (int k = 0; k < s->n_layers; k++) {
        bool fits = false, has = false;
        for (int i = 0; i < l->n_parts; i++) {
            int code =
                l->parts[i].kind == FF_PART_LAYER ? part_has_layer(l, &l->parts[i], pairs, s->layers[k], &has) : FF_OK;
            if (code)
                return code;
            fits |= l->parts[i].kind == FF_PART_LAYER && has;
        }
        if (!fits) {
            ff_buf_printf(reply, "Not layer L%d. ", s->layers[k]);
            *wrong = true;
        }
    }
    return FF_OK;
}

/* Marks the parts that the answer names; how many are new. Several layers may belong to one part ("any of
 * these"), and a layer finds one part at most. */
static int take_parts(ff_lesson *l, const said *s, const ff_table *pairs, int *fresh, bool *again)
{
    int code = FF_OK;
    for (int i = 0; i < l->n_parts && !code; i++) {
        ff_lesson_part *p = &l->parts[i];
        bool named = false, has = false;
        for (int t = 0; t < FF_FAULT_TYPES; t++)
            named |= p->kind == FF_PART_TYPE && s->types[t] && part_has_type(p, t);
        for (int k = 0; k < s->n; k++)
            named |= p->kind == FF_PART_WORD && part_has_word(p, s->words[k]);
        for (int k = 0; p->kind == FF_PART_LAYER && k < s->n_layers && !code; k++) {
            code = part_has_layer(l, p, pairs, s->layers[k], &has);
            named |= has;
        }
        *again |= named && p->found;
        *fresh += named && !p->found;
        p->found |= named && !code;
    }
    return code;
}

/* Where nothing but words is asked for, a number or type that is not among them is wrong. */
static bool wrong_word(const ff_lesson *l, const said *s)
{
    if (asks(l, FF_PART_TYPE) || asks(l, FF_PART_LAYER))
        return false;
    for (int k = 0; k < s->n; k++) {
        bool fits = !isdigit((unsigned char)s->words[k][0]) && type_of(s->words[k]) < 0;
        for (int i = 0; i < l->n_parts; i++)
            fits |= part_has_word(&l->parts[i], s->words[k]);
        if (!fits)
            return true;
    }
    return false;
}

static int judge(ff_lesson *l, const said *s, const ff_table *pairs, ff_buf *reply)
{
    bool wrong = false, again = false;
    bool located = asks(l, FF_PART_TYPE) || asks(l, FF_PART_LAYER);
    int fresh = 0, code;
    if (s->negated && located) {
        ff_buf_puts(reply, "Say what it is rather than what it is not.");
        return FF_OK;
    }
    if (asks(l, FF_PART_TYPE) && s->n_types > 1) {
        ff_buf_puts(reply, "One type at a time: which is it?");
        return FF_OK;
    }
    if ((code = find_wrong(l, s, pairs, reply, &wrong)))
        return code;
    if (wrong || wrong_word(l, s)) {
        ff_buf_printf(reply, "%s%s", wrong ? "" : "Not that. ", l->hints[0]);
        return FF_OK;
    }
    if (s->ambiguous || s->unknown) {
        ff_buf_printf(reply,
                      s->ambiguous ? "'%s' fits several layers; `layers` and `pairs` show their numbers and names."
                                   : "There is no layer '%s'; `layers` and `pairs` show numbers and names.",
                      s->ambiguous ? s->ambiguous : s->unknown);
        return FF_OK;
    }
    if ((code = take_parts(l, s, pairs, &fresh, &again)))
        return code;
    if (ff_lesson_done(l)) {
        ff_buf_puts(reply, "Right.");
    } else if (fresh || again) {
        ff_buf_puts(reply, fresh ? "Yes, as far as that goes. Still to say: " : "You have said that. Still to say: ");
        add_open(l, reply);
        ff_buf_putc(reply, '.');
    } else if (located) {
        ff_buf_puts(reply, "Say ");
        add_open(l, reply);
        ff_buf_putc(reply, '.');
    } else {
        ff_buf_printf(reply, "Not that. %s", l->hints[0]);
    }
    return FF_OK;
}

int ff_lesson_check(ff_lesson *l, const ff_table *pairs, const char *text, ff_buf *reply)
{
    said s = {0};
    split(text, &s);
    understand(&s, pairs, asks(l, FF_PART_LAYER));
    int code = judge(l, &s, pairs, reply);
    for (int i = 0; i < s.n; i++)
        free(s.words[i]);
    if (!code) {
        free(l->reply);
        l->reply = ff_strdup(reply->data);
    }
    return code;
}

void ff_lesson_hint(ff_lesson *l, ff_buf *reply)
{
    if (ff_lesson_done(l)) {
        ff_buf_puts(reply, "The answer is found.");
    } else if (l->hinted < l->n_hints) {
        ff_buf_puts(reply, l->hints[l->hinted++]);
    } else {
        ff_buf_puts(reply, "The answer is:");
        for (int i = 0; i < l->n_parts; i++)
            ff_buf_printf(reply, "%s %s", i ? "," : "", l->parts[i].words);
        ff_buf_putc(reply, '.');
    }
    free(l->reply);
    l->reply = ff_strdup(reply->data);
}
