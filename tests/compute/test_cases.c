/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_cases FILE: single nodes with known outputs, one after the other; the file tells its format.
 */
#include "fetafix/compute.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 16, INTS = 16 };

typedef struct node_case {
    int line; /* of its first line; 0: none yet */
    char op[64];
    char names[MANY][48], text[MANY][64];
    int64_t ints[MANY][INTS];
    float floats[MANY][INTS];
    ff_attr attrs[MANY];
    ff_node node;
    ff_tensor *in[MANY], *want[MANY];
    int n_want;
} node_case;

static ff_dtype type_of(const char *name)
{
    for (int t = 1; t < FF_DTYPE_COUNT; t++)
        if (!strcmp(ff_dtype_name((ff_dtype)t), name))
            return (ff_dtype)t;
    return FF_UNDEFINED;
}

/* "TYPE DIMS: VALUES" */
static ff_tensor *read_tensor(const char *s)
{
    char type[32], *end;
    int used = 0, rank = 0;
    int64_t dims[FF_MAX_RANK];
    ff_tensor *t;
    if (sscanf(s, "%31s %n", type, &used) < 1)
        return NULL;
    for (s += used; *s != ':' && rank < FF_MAX_RANK; s = *end == ',' ? end + 1 : end) {
        dims[rank++] = strtoll(s, &end, 10);
        if (end == s)
            return NULL;
    }
    if (*s++ != ':' || ff_tensor_create(type_of(type), rank, dims, &t))
        return NULL;
    for (int64_t i = 0; i < t->count; i++, s = end) {
        double v = strtod(s, &end);
        if (end == s) {
            ff_tensor_unref(t);
            return NULL;
        }
        ff_tensor_set_real(t, i, v);
    }
    return t;
}

/* "NAME=TYPE:VALUE,VALUE" */
static bool read_attribute(node_case *c, char *s)
{
    int k = c->node.n_attrs;
    char type[16];
    int used = 0;
    if (k == MANY || sscanf(s, "%47[^=]=%15[^:]:%n", c->names[k], type, &used) < 2 || !used)
        return false;
    ff_attr *a = &c->attrs[k];
    *a = (ff_attr){.name = c->names[k], .ints = c->ints[k], .floats = c->floats[k], .s = c->text[k]};
    s += used;
    a->type = !strcmp(type, "int")      ? FF_ATTR_INT
              : !strcmp(type, "float")  ? FF_ATTR_FLOAT
              : !strcmp(type, "string") ? FF_ATTR_STRING
              : !strcmp(type, "ints")   ? FF_ATTR_INTS
                                        : FF_ATTR_FLOATS;
    snprintf(c->text[k], sizeof c->text[k], "%s", s);
    a->s_len = strlen(a->s);
    a->i = strtoll(s, NULL, 10);
    a->f = strtof(s, NULL);
    for (char *p = strtok(s, ","); p && a->n < INTS && a->type != FF_ATTR_STRING; p = strtok(NULL, ",")) {
        c->ints[k][a->n] = strtoll(p, NULL, 10);
        c->floats[k][a->n++] = strtof(p, NULL);
    }
    c->node.n_attrs++;
    return true;
}

static bool read_case(node_case *c, char *s, int line)
{
    char *save = NULL, *op = strtok_r(s, " ", &save), *opset = strtok_r(NULL, " ", &save);
    memset(c, 0, sizeof *c);
    if (!op || !opset)
        return false;
    snprintf(c->op, sizeof c->op, "%s", op);
    c->line = line;
    c->node = (ff_node){.op = c->op, .domain = "", .label = "node", .opset = atoi(opset), .attrs = c->attrs};
    for (char *a = strtok_r(NULL, " ", &save); a; a = strtok_r(NULL, " ", &save))
        if (!read_attribute(c, a))
            return false;
    return true;
}

static int fail(const node_case *c, const char *what)
{
    printf("FAILED line %d (%s, opset %d): %s\n", c->line, c->op, c->node.opset, what);
    return 1;
}

static int compare(const node_case *c, const ff_tensor *have, const ff_tensor *want, int k)
{
    char what[128];
    if (have->dtype != want->dtype || have->rank != want->rank ||
        memcmp(have->dims, want->dims, (size_t)have->rank * sizeof *have->dims)) {
        char *a = ff_tensor_describe(have), *b = ff_tensor_describe(want);
        snprintf(what, sizeof what, "output %d is %s, not %s", k, a, b);
        free(a);
        free(b);
        return fail(c, what);
    }
    for (int64_t i = 0; i < have->count; i++) {
        double a = ff_tensor_get_real(have, i), b = ff_tensor_get_real(want, i);
        if (fabs(a - b) <= 2e-6 + 2e-5 * fabs(b) || a == b || (isnan(a) && isnan(b)))
            continue;
        snprintf(what, sizeof what, "output %d is %.8g at %lld, not %.8g", k, a, (long long)i, b);
        return fail(c, what);
    }
    return 0;
}

/* Runs a case and drops it. */
static int finish_case(node_case *c, int *passed)
{
    const ff_kernel *k;
    ff_tensor *out[MANY] = {NULL};
    ff_value values[MANY];
    const ff_value *outputs[MANY];
    int failed = 0;
    if (!c->line)
        return 0;
    memset(values, 0, sizeof values);
    for (int i = 0; i < MANY; i++)
        outputs[i] = &values[i];
    c->node.outputs = outputs;
    c->node.n_outputs = c->n_want;
    if (ff_kernel_find(&c->node, &k) ||
        ff_kernel_run(k, &c->node, (const ff_tensor *const *)c->in, c->node.n_inputs, out, c->n_want, NULL))
        failed = fail(c, ff_error());
    for (int i = 0; i < c->n_want && !failed; i++)
        failed = compare(c, out[i], c->want[i], i);
    for (int i = 0; i < MANY; i++) {
        ff_tensor_unref(c->in[i]);
        ff_tensor_unref(c->want[i]);
        ff_tensor_unref(out[i]);
    }
    *passed += !failed;
    c->line = 0;
    return failed;
}

int main(int argc, char **argv)
{
    char *data, *save = NULL;
    size_t size;
    int failed = 0, passed = 0, number = 0;
    node_case c = {.line = 0};
    if (argc != 2 || ff_read_file(argv[1], 1 << 24, &data, &size)) {
        printf("usage: test_cases FILE\n");
        return 2;
    }
    for (char *line = strtok_r(data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        bool fine = true;
        number++;
        if (!strncmp(line, "case ", 5)) {
            failed += finish_case(&c, &passed);
            fine = read_case(&c, line + 5, number);
        } else if (!strcmp(line, "in -") && c.node.n_inputs < MANY) {
            c.node.n_inputs++;
        } else if (!strncmp(line, "in ", 3) && c.node.n_inputs < MANY) {
            fine = (c.in[c.node.n_inputs++] = read_tensor(line + 3)) != NULL;
        } else if (!strncmp(line, "out ", 4) && c.n_want < MANY) {
            fine = (c.want[c.n_want++] = read_tensor(line + 4)) != NULL;
        } else {
            fine = *line == '#';
        }
        if (!fine) {
            printf("FAILED line %d cannot be read\n", number);
            free(data);
            return 1;
        }
    }
    failed += finish_case(&c, &passed);
    printf("%d of %d cases passed\n", passed, passed + failed);
    free(data);
    return failed || !passed ? 1 : 0;
}
