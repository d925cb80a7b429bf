/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of comparators, and "NAME:KEY=VALUE,..." read by it. */
#include "compare/comparator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const comparator_family *const families[] = {
    &label_comparators, &numeric_comparators, &position_comparators, &box_comparators, &program_comparators,
};

static const comparator_kind *kind_at(int i)
{
    for (size_t f = 0; f < FF_COUNT(families); i -= families[f++]->n)
        if (i < families[f]->n)
            return &families[f]->kinds[i];
    return NULL;
}

const char *ff_comparator_at(int i, const char **usage, const char **summary)
{
    const comparator_kind *k = kind_at(i);
    if (!k)
        return NULL;
    if (usage)
        *usage = k->usage;
    if (summary)
        *summary = k->summary;
    return k->name;
}

static const comparator_kind *find(const char *name, size_t length)
{
    const comparator_kind *k;
    for (int i = 0; (k = kind_at(i)); i++)
        if (strlen(k->name) == length && memcmp(k->name, name, length) == 0)
            return k;
    return NULL;
}

static int unknown(const char *spec)
{
    ff_buf b = {0};
    const char *names[64];
    size_t n = 0;
    const comparator_kind *k;
    for (int i = 0; (k = kind_at(i)) && n < FF_COUNT(names); i++) {
        names[n++] = k->name;
        ff_buf_printf(&b, "%s%s", i ? ", " : "", k->name);
    }
    char *name = ff_strndup(spec, strcspn(spec, ":"));
    const char *near = ff_nearest(name, names, n);
    int code = near ? ff_fail(FF_ERR_USAGE, "no comparator '%s'; did you mean '%s'? (there are %s)", spec, near, b.data)
                    : ff_fail(FF_ERR_USAGE, "no comparator '%s' (there are %s)", spec, b.data);
    free(name);
    ff_buf_finish(&b);
    return code;
}

static int find_parameter(const comparator_kind *k, const char *key)
{
    for (int i = 0; i < MOST_PARAMETERS && k->parameters[i].key; i++)
        if (strcmp(k->parameters[i].key, key) == 0)
            return i;
    return -1;
}

static int read_number(const ff_comparator *c, const parameter *p, const char *text, double *out)
{
    double v;
    if (!ff_parse_real(text, &v))
        return ff_fail(FF_ERR_USAGE, "comparator %s: %s is a number, not '%s'", c->kind->name, p->key, text);
    if (v < p->low || v > p->high || (p->type == PARAMETER_WHOLE && v != floor(v)))
        return ff_fail(FF_ERR_USAGE, "comparator %s: %s=%s is not %s from %g to %g", c->kind->name, p->key, text,
                       p->type == PARAMETER_WHOLE ? "a whole number" : "a number", p->low, p->high);
    *out = v;
    return FF_OK;
}

/* "2/abs=0.5": of output 2 alone. */
static int set_special(ff_comparator *c, const char *key, const char *value)
{
    const char *slash = strchr(key, '/');
    char *number = ff_asprintf("%.*s", (int)(slash - key), key);
    int64_t output;
    int at = find_parameter(c->kind, slash + 1), code = FF_OK;
    double v = 0;
    if (!c->kind->every_output || at < 0 || !ff_parse_int(number, &output) || output < 0 || output >= FF_MOST_OUTPUTS)
        code = ff_fail(FF_ERR_USAGE, "comparator %s has no '%s'", c->kind->name, key);
    else
        code = read_number(c, &c->kind->parameters[at], value, &v);
    free(number);
    if (code)
        return code;
    ff_grow(&c->special, &c->special_room, (size_t)c->n_special + 1, sizeof *c->special);
    c->special[c->n_special].output = (int)output;
    c->special[c->n_special].parameter = at;
    c->special[c->n_special++].number = v;
    return FF_OK;
}

/* KEY=VALUE, or as the first word a VALUE alone. */
static int set(ff_comparator *c, char *word, bool first)
{
    const comparator_kind *k = c->kind;
    char *equals = strchr(word, '=');
    int at = -1;
    if (equals) {
        *equals = '\0';
        at = find_parameter(k, word);
        if (at < 0 && k->every_output && strchr(word, '/'))
            return set_special(c, word, equals + 1);
        if (at >= 0)
            word = equals + 1;
        else
            *equals = '=';
    }
    if (at < 0 && first && k->parameters[0].key)
        at = 0;
    if (at < 0)
        return ff_fail(FF_ERR_USAGE, "comparator %s has no '%s' (%s)", k->name, word, k->usage);
    const parameter *p = &k->parameters[at];
    if (strcmp(p->key, "arg") == 0) {
        ff_grow(&c->words, &c->word_room, (size_t)c->n_words + 1, sizeof *c->words);
        c->words[c->n_words++] = ff_strdup(word);
        return FF_OK;
    }
    if (c->given[at])
        return ff_fail(FF_ERR_USAGE, "comparator %s: %s is given twice", k->name, p->key);
    c->given[at] = true;
    if (p->type != PARAMETER_TEXT)
        return read_number(c, p, word, &c->number[at]);
    c->text[at] = ff_strdup(word);
    return FF_OK;
}

/* Words between commas; a backslash takes the next character as it is. */
static int set_all(ff_comparator *c, const char *text)
{
    char *copy = ff_strdup(text), *from = copy;
    bool first = true, more = true;
    int code = FF_OK;
    while (more && !code) {
        char *to = from, *at = from;
        for (; *at && *at != ','; at++) {
            at += *at == '\\' && at[1];
            *to++ = *at;
        }
        more = *at == ',';
        *to = '\0';
        code = *from ? set(c, from, first) : ff_fail(FF_ERR_USAGE, "comparator %s: an empty word", c->kind->name);
        first = false;
        from = at + 1;
    }
    free(copy);
    return code;
}

int ff_comparator_create(const char *spec, ff_comparator **out)
{
    if (!spec)
        spec = "top-1";
    size_t length = strcspn(spec, ":");
    const comparator_kind *kind = find(spec, length);
    if (!kind)
        return unknown(spec);
    ff_comparator *c = ff_alloc(sizeof *c);
    c->kind = kind;
    c->spec = ff_strdup(spec);
    for (int i = 0; i < MOST_PARAMETERS && kind->parameters[i].key; i++)
        c->number[i] = kind->parameters[i].initial;
    int code = spec[length] ? set_all(c, spec + length + 1) : FF_OK;
    for (int i = 0; i < MOST_PARAMETERS && kind->parameters[i].key && !code; i++)
        if (kind->parameters[i].needed && !c->text[i])
            code =
                ff_fail(FF_ERR_USAGE, "comparator %s needs %s (%s)", kind->name, kind->parameters[i].key, kind->usage);
    if (!code && kind->prepare)
        code = kind->prepare(c);
    if (code) {
        ff_comparator_destroy(c);
        return code;
    }
    *out = c;
    return FF_OK;
}

void ff_comparator_destroy(ff_comparator *c)
{
    if (!c)
        return;
    for (int i = 0; i < MOST_PARAMETERS; i++)
        free(c->text[i]);
    for (int i = 0; i < c->n_words; i++)
        free(c->words[i]);
    free(c->words);
    free(c->special);
    free(c->label_of);
    free(c->spec);
    free(c);
}
