/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A format of the test's own: a chain of operators of one operand, one a line below "CHAIN elements". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/file/format.h"

#define MAX_LINES 100

static bool is_chain(const uint8_t *data, size_t size)
{
    return size > 6 && memcmp(data, "CHAIN ", 6) == 0;
}

static int read_chain(const format_input *in, ff_model **out)
{
    char *text = ff_strndup((const char *)in->data, in->size), *rest = NULL;
    ff_shape shape = {.dtype = FF_FLOAT, .rank = 1, .dims = {strtol(strtok_r(text, "\n", &rest) + 6, NULL, 10)}};
    const char *x = "x";
    ff_model *empty = NULL;
    ff_patch *p = ff_patch_create();
    char value[16] = "x", next[16];
    int code = ff_model_create("chain", 8, 13, "chain", 1, &x, &shape, &empty);

    char *line = strtok_r(NULL, "\n", &rest);
    for (int i = 0; line && i < MAX_LINES; i++, line = strtok_r(NULL, "\n", &rest)) {
        const char *from = value, *to = next;
        snprintf(next, sizeof next, "v%d", i);
        ff_patch_insert_node(
            p,
            &(ff_node_spec){
                .name = next, .op = line, .domain = "", .n_inputs = 1, .inputs = &from, .n_outputs = 1, .outputs = &to},
            i ? value : NULL);
        strcpy(value, next);
    }
    ff_patch_add_output(p, value, &shape);
    if (code == FF_OK && ff_model_apply(empty, p, out, NULL) != FF_OK)
        code = ff_fail(FF_ERR_INPUT, "not a chain");
    ff_patch_destroy(p);
    ff_model_unref(empty);
    free(text);
    return code;
}

static int can_hold(const ff_model *m)
{
    const ff_graph *g = ff_model_graph(m);

    for (int i = 0; i < g->n_nodes; i++)
        if (g->nodes[i]->n_inputs != 1 || g->nodes[i]->n_attrs != 0)
            return ff_fail(FF_ERR_GRAPH, "node '%s': a chain has no %s", g->nodes[i]->label, g->nodes[i]->op);
    return FF_OK;
}

static int write_chain(const ff_model *m, ff_buf *out)
{
    const ff_graph *g = ff_model_graph(m);

    int code = can_hold(m);
    if (code)
        return code;
    ff_buf_printf(out, "CHAIN %ld\n", (long)g->inputs[0]->declared.dims[0]);
    for (int i = 0; i < g->n_nodes; i++)
        ff_buf_printf(out, "%s\n", g->nodes[i]->op);
    return FF_OK;
}

const ff_format chain_format = {
    .name = "Chain",
    .extensions = {".chain"},
    .keeps_file = true,
    .probe = is_chain,
    .read = read_chain,
    .write = write_chain,
    .can_hold = can_hold,
};
