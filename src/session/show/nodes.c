/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The nodes of both files as they were written, each with the row of the aligned graph it belongs to. */
#include <stdlib.h>
#include <string.h>

#include "session/case/case.h"

static void copy_text(ff_table *t, int row, const char *column, const ff_table *from, int pair, const char *name)
{
    ff_table_set_text(t, row, column, ff_table_text(from, pair, ff_table_find(from, name)));
}

static void add_side(ff_table *t, const ff_table *pairs, int pair, const char *side, const ff_cnode *node)
{
    char *summary = ff_asprintf("%s_summary", side);
    int layer = ff_table_find(pairs, "layer");
    for (int i = 0; node && i < node->n_origins; i++) {
        const ff_node *n = node->origins[i];
        char *label = ff_visible(n->label), *op = ff_visible(n->op);
        int row = ff_table_add_row(t);
        ff_table_set_int(t, row, "pair", pair);
        ff_table_set_text(t, row, "side", side);
        ff_table_set_text(t, row, "node", label);
        ff_table_set_text(t, row, "op", op);
        ff_table_set_text(t, row, "role", n == node->primary ? "primary" : "absorbed");
        if (!ff_table_empty(pairs, pair, layer))
            ff_table_set_int(t, row, "layer", ff_table_int(pairs, pair, layer));
        copy_text(t, row, "status", pairs, pair, "status");
        copy_text(t, row, "summary", pairs, pair, summary);
        copy_text(t, row, "note", pairs, pair, "note");
        free(label);
        free(op);
    }
    free(summary);
}

ff_table *case_nodes(const ff_case *c, const ff_table *pairs)
{
    ff_table *t = case_table("nodes");
    const ff_subject *subject = c->subject ? c->subject : c->first;
    const ff_alignment *a = subject ? subject->alignment : NULL;
    for (int i = 0; a && i < ff_table_rows(pairs); i++) {
        const ff_pair *p = &a->pairs[i];
        add_side(t, pairs, i, "source", p->source >= 0 ? &a->source->nodes[p->source] : NULL);
        add_side(t, pairs, i, "target", p->target >= 0 ? &a->target->nodes[p->target] : NULL);
    }
    return t;
}
