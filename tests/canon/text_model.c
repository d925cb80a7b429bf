/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <ctype.h>
#include <math.h>
#include <stdio.h>

#include "text_model.h"

#define MAX_WORDS 32

static int dims_of(const char *s, int64_t *dims)
{
    int rank = 0;
    if (strcmp(s, "-") == 0)
        return 0;
    for (char *end; rank < FF_MAX_RANK; s = end + 1) {
        dims[rank++] = strtoll(s, &end, 10);
        if (*end != ',')
            break;
    }
    return rank;
}

static int constant(text_builder *b, char **words, int n, ff_dtype type)
{
    int64_t dims[FF_MAX_RANK];
    int rank = dims_of(words[2], dims);
    ff_tensor *t = NULL;
    int code = ff_tensor_create(type, rank, dims, &t);
    if (code)
        return code;
    const char *p = n > 3 ? words[3] : "0";
    bool random = strcmp(p, "random") == 0, positive = strcmp(p, "positive") == 0;
    double v = 0;
    for (int64_t i = 0; i < t->count; i++) {
        if (random) {
            v = ff_rng_normal(&b->rng);
        } else if (positive) {
            v = 0.5 + ff_rng_real(&b->rng);
        } else if (*p) {
            char *end;
            v = strtod(p, &end);
            p = *end == ',' ? end + 1 : "";
        }
        if (type == FF_INT64)
            ff_tensor_set_int(t, i, (int64_t)v);
        else
            ff_tensor_set_real(t, i, v);
    }
    ff_patch_set_initializer(b->patch, words[1], t);
    ff_tensor_unref(t);
    return FF_OK;
}

/* Splits at commas; empty names stay. */
static int names_of(char *s, const char **names)
{
    int n = 0;
    if (*s == 0)
        return 0;
    for (char *comma; n < MAX_WORDS; s = comma + 1) {
        names[n++] = s;
        comma = strchr(s, ',');
        if (!comma)
            break;
        *comma = 0;
    }
    return n;
}

static bool attribute(char *word, ff_attr *a, int64_t *ints, float *reals)
{
    char *value = strchr(word, '=');
    if (!value)
        return false;
    *value++ = 0;
    *a = (ff_attr){.name = word};
    char *end;
    bool list = *value == '[' && (isdigit((unsigned char)value[1]) || value[1] == '-' || value[1] == ']');
    bool real = strchr(value, '.') != NULL || strstr(value, "inf") != NULL || strstr(value, "e-") != NULL;
    if (list) {
        a->type = real ? FF_ATTR_FLOATS : FF_ATTR_INTS;
        for (char *p = value + 1; *p && *p != ']' && a->n < 32;) {
            ints[a->n] = real ? 0 : strtoll(p, &end, 10);
            reals[a->n] = real ? strtof(p, &end) : 0;
            a->n++;
            p = *end == ',' ? end + 1 : end;
        }
        a->ints = ints;
        a->floats = reals;
        return true;
    }
    if (isalpha((unsigned char)*value) && strcmp(value, "inf") != 0) {
        a->type = FF_ATTR_STRING;
        a->s = value;
        a->s_len = strlen(value);
    } else if (real) {
        a->type = FF_ATTR_FLOAT;
        a->f = strtof(value, NULL);
    } else {
        a->type = FF_ATTR_INT;
        a->i = strtoll(value, NULL, 10);
    }
    return true;
}

static int node(text_builder *b, char **words, int n)
{
    const char *inputs[MAX_WORDS], *outputs[MAX_WORDS];
    ff_attr attrs[MAX_WORDS];
    int64_t ints[MAX_WORDS][32];
    float reals[MAX_WORDS][32];
    char *open = n > 2 ? strchr(words[2], '(') : NULL, *close = open ? strchr(open, ')') : NULL;
    if (!close)
        return ff_fail(FF_ERR_USAGE, "'%s' is not a node", words[0]);
    *open = *close = 0;
    char *dot = strrchr(words[2], '.');
    if (dot)
        *dot = 0;
    ff_node_spec spec = {.op = dot ? dot + 1 : words[2],
                         .domain = dot ? words[2] : "",
                         .inputs = inputs,
                         .outputs = outputs,
                         .attrs = attrs};
    spec.n_inputs = names_of(open + 1, inputs);
    spec.n_outputs = names_of(words[0], outputs);
    for (int i = 3; i < n; i++) {
        if (!attribute(words[i], &attrs[spec.n_attrs], ints[i], reals[i]))
            return ff_fail(FF_ERR_USAGE, "'%s' is not an attribute", words[i]);
        spec.n_attrs++;
    }
    spec.name = outputs[0];
    ff_patch_insert_node(b->patch, &spec, NULL);
    return FF_OK;
}

int text_statement(text_builder *b, const char *s)
{
    char *copy = ff_strdup(s), *words[MAX_WORDS], *save = NULL;
    int n = 0, code = FF_OK;
    if (!b->patch)
        b->patch = ff_patch_create();
    for (char *w = strtok_r(copy, " \n\t", &save); w && n < MAX_WORDS; w = strtok_r(NULL, " \n\t", &save))
        words[n++] = w;
    if (n == 0) {
        code = FF_OK;
    } else if (strcmp(words[0], "opset") == 0) {
        b->opset = atoi(words[1]);
    } else if (strcmp(words[0], "input") == 0) {
        ff_shape *shape = &b->shapes[b->n_inputs];
        shape->dtype = FF_FLOAT;
        shape->rank = dims_of(words[2], shape->dims);
        b->inputs[b->n_inputs++] = ff_strdup(words[1]);
    } else if (strcmp(words[0], "float") == 0) {
        code = constant(b, words, n, FF_FLOAT);
    } else if (strcmp(words[0], "int") == 0) {
        code = constant(b, words, n, FF_INT64);
    } else if (strcmp(words[0], "output") == 0) {
        b->outputs[b->n_outputs++] = ff_strdup(words[1]);
    } else {
        code = node(b, words, n);
    }
    free(copy);
    return code;
}

int text_build(text_builder *b, ff_model **out)
{
    ff_model *empty = NULL;
    ff_shape unknown = {.dtype = FF_FLOAT, .rank = -1};
    for (int i = 0; i < b->n_outputs; i++)
        ff_patch_add_output(b->patch, b->outputs[i], &unknown);
    int code = ff_model_create("test", 8, b->opset ? b->opset : 13, "main", b->n_inputs, (const char *const *)b->inputs,
                               b->shapes, &empty);
    if (!code)
        code = ff_model_apply(empty, b->patch, out, NULL);
    ff_model_unref(empty);
    ff_patch_destroy(b->patch);
    for (int i = 0; i < b->n_inputs; i++)
        free(b->inputs[i]);
    for (int i = 0; i < b->n_outputs; i++)
        free(b->outputs[i]);
    *b = (text_builder){0};
    return code;
}

int text_model(const char *text, uint64_t seed, ff_model **out)
{
    text_builder b = {.rng = {seed}};
    char *copy = ff_strdup(text), *save = NULL;
    int code = FF_OK;
    for (char *s = strtok_r(copy, ";", &save); s && !code; s = strtok_r(NULL, ";", &save))
        code = text_statement(&b, s);
    free(copy);
    int built = text_build(&b, out);
    return code ? code : built;
}
