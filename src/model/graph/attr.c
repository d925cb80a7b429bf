/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Attributes of a node: found by name, read with a default, put in words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fetafix/model.h"

const ff_attr *ff_node_attr(const ff_node *n, const char *name)
{
    for (int i = 0; i < n->n_attrs; i++)
        if (strcmp(n->attrs[i].name, name) == 0)
            return &n->attrs[i];
    return NULL;
}

static const ff_attr *of_type(const ff_node *n, const char *name, ff_attr_type type)
{
    const ff_attr *a = ff_node_attr(n, name);
    return a && a->type == type ? a : NULL;
}

int64_t ff_node_int(const ff_node *n, const char *name, int64_t otherwise)
{
    const ff_attr *a = of_type(n, name, FF_ATTR_INT);
    return a ? a->i : otherwise;
}

float ff_node_float(const ff_node *n, const char *name, float otherwise)
{
    const ff_attr *a = of_type(n, name, FF_ATTR_FLOAT);
    return a ? a->f : otherwise;
}

const char *ff_node_string(const ff_node *n, const char *name, const char *otherwise)
{
    const ff_attr *a = of_type(n, name, FF_ATTR_STRING);
    return a && a->s ? a->s : otherwise;
}

size_t ff_node_ints(const ff_node *n, const char *name, const int64_t **ints)
{
    const ff_attr *a = of_type(n, name, FF_ATTR_INTS);

    *ints = a ? a->ints : NULL;
    return a ? a->n : 0;
}

/* The shortest decimal that reads back as the same float. */
static void put_float(ff_buf *b, float f)
{
    char s[40];

    for (int digits = 1; digits <= 9; digits++) {
        snprintf(s, sizeof s, "%.*g", digits, (double)f);
        if (strtof(s, NULL) == f)
            break;
    }
    ff_buf_puts(b, s);
}

static void put_tensor(ff_buf *b, const ff_tensor *t)
{
    char *s = ff_tensor_describe(t);

    ff_buf_puts(b, s);
    free(s);
    if (t->count < 1 || t->count > 8 || t->dtype == FF_STRING || t->dtype == FF_COMPLEX64 || t->dtype == FF_COMPLEX128)
        return;
    ff_buf_puts(b, "{");
    for (int64_t i = 0; i < t->count; i++) {
        ff_buf_puts(b, i ? "," : "");
        if (ff_dtype_is_float(t->dtype))
            put_float(b, (float)ff_tensor_get_real(t, i));
        else
            ff_buf_printf(b, "%lld", (long long)ff_tensor_get_int(t, i));
    }
    ff_buf_puts(b, "}");
}

static void put_graph(ff_buf *b, const ff_graph *g)
{
    if (g == NULL)
        ff_buf_puts(b, "graph");
    else
        ff_buf_printf(b, "graph of %d node%s", g->n_nodes, g->n_nodes == 1 ? "" : "s");
}

char *ff_attr_format(const ff_attr *a)
{
    ff_buf b = {0};
    bool list = (a->type >= FF_ATTR_FLOATS && a->type <= FF_ATTR_GRAPHS);

    ff_buf_puts(&b, list ? "[" : "");
    for (size_t i = 0; i < (list ? a->n : 1); i++) {
        ff_buf_puts(&b, i ? "," : "");
        switch (a->type) {
        case FF_ATTR_FLOAT:
            put_float(&b, a->f);
            break;
        case FF_ATTR_INT:
            ff_buf_printf(&b, "%lld", (long long)a->i);
            break;
        case FF_ATTR_STRING:
            ff_buf_visible(&b, a->s ? a->s : "");
            break;
        case FF_ATTR_TENSOR:
            put_tensor(&b, a->t);
            break;
        case FF_ATTR_GRAPH:
            put_graph(&b, a->g);
            break;
        case FF_ATTR_FLOATS:
            put_float(&b, a->floats[i]);
            break;
        case FF_ATTR_INTS:
            ff_buf_printf(&b, "%lld", (long long)a->ints[i]);
            break;
        case FF_ATTR_STRINGS:
            ff_buf_visible(&b, a->strings[i]);
            break;
        case FF_ATTR_TENSORS:
            put_tensor(&b, a->tensors[i]);
            break;
        case FF_ATTR_GRAPHS:
            put_graph(&b, a->graphs ? a->graphs[i] : NULL);
            break;
        case FF_ATTR_OTHER:
            ff_buf_puts(&b, "(kept as it is)");
            break;
        }
    }
    ff_buf_puts(&b, list ? "]" : "");
    return ff_buf_steal(&b);
}
