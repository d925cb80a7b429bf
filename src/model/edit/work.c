/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fields of a graph while it is edited. */
#include <stdlib.h>
#include <string.h>

#include "model/edit/work.h"

void work_insert(struct work *w, int at, part *p, int id)
{
    ff_grow(&w->slots, &w->capacity, w->n + 1, sizeof *w->slots);
    memmove(w->slots + at + 1, w->slots + at, (w->n - (size_t)at) * sizeof *w->slots);
    w->slots[at] = (slot){p, id};
    w->n++;
}

void work_remove(struct work *w, int at)
{
    part_unref(w->slots[at].p);
    memmove(w->slots + at, w->slots + at + 1, (w->n - (size_t)at - 1) * sizeof *w->slots);
    w->n--;
}

void work_replace(struct work *w, int at, part *p)
{
    part_unref(w->slots[at].p);
    w->slots[at].p = p;
}

int work_find(const struct work *w, uint32_t field, const char *name)
{
    for (size_t i = 0; name[0] != '\0' && i < w->n; i++)
        if (w->slots[i].p->field == field && strcmp(part_name(w->slots[i].p), name) == 0)
            return (int)i;
    return -1;
}

/* Where a new field of a kind goes: behind the last of its kind, else at the end. */
int work_behind(const struct work *w, uint32_t field)
{
    for (size_t i = w->n; i > 0; i--)
        if (w->slots[i - 1].p->field == field)
            return (int)i;
    return (int)w->n;
}

int work_find_node(const struct work *w, const char *output, int *at)
{
    *at = work_find(w, PART_NODE, output);
    return *at >= 0 ? FF_OK : misfit("no node makes '%s' as its first output", output);
}

/* The slot of the node that makes a value, by any of its outputs; -1: none. */
int work_producer(const struct work *w, const char *name)
{
    for (size_t i = 0; name[0] != '\0' && i < w->n; i++)
        if (w->slots[i].p->field == PART_NODE)
            for (int j = 0; j < w->slots[i].p->node.n_outputs; j++)
                if (strcmp(w->slots[i].p->node.outputs[j], name) == 0)
                    return (int)i;
    return -1;
}

bool doc_node_reads(const doc_node *n, const char *name)
{
    for (int i = 0; i < n->n_inputs; i++)
        if (strcmp(n->inputs[i], name) == 0)
            return true;
    for (int i = 0; i < n->n_captures; i++)
        if (strcmp(n->captures[i], name) == 0)
            return true;
    return false;
}

int work_check_unread(const struct work *w, const char *name)
{
    for (size_t i = 0; i < w->n; i++) {
        const part *p = w->slots[i].p;
        if (p->field == PART_NODE && doc_node_reads(&p->node, name))
            return misfit("'%s' is still read by node '%s'", name, part_name(p));
        if (p->field == PART_OUTPUT && strcmp(p->value.name, name) == 0)
            return misfit("'%s' is a graph output", name);
    }
    return FF_OK;
}

void work_drop_named(struct work *w, uint32_t field, const char *name)
{
    int at;

    while ((at = work_find(w, field, name)) >= 0)
        work_remove(w, at);
}

part *value_part(uint32_t field, const doc_value *v, const part *old)
{
    part *p = part_create(field);
    doc_value *r = &p->value;
    bool same_rank = old && old->value.shape.rank == v->shape.rank;

    r->name = ff_strdup(v->name);
    r->shape = v->shape;
    for (int i = 0; i < v->shape.rank; i++) {
        if (v->shape.dims[i] >= 0)
            continue;
        if (r->dim_params == NULL)
            r->dim_params = ff_alloc_array((size_t)v->shape.rank, sizeof *r->dim_params);
        const char *kept = same_rank && old->value.dim_params ? old->value.dim_params[i] : NULL;
        if (kept != NULL || !same_rank || old->value.shape.dims[i] >= 0)
            r->dim_params[i] = ff_strdup(kept ? kept : "N");
    }
    if (old != NULL) { /* documentation, metadata and what else the field held */
        ff_buf b = {0};
        wire_field f, g;
        part_emit(old, &b);
        const uint8_t *data = (const uint8_t *)b.data;
        size_t at = 0;
        if (wire_step(data, b.len, &at, &f))
            for (at = f.body; wire_step(data, f.end, &at, &g);)
                if (g.number >= 3)
                    ff_buf_add(&r->rest, data + g.start, g.end - g.start);
        ff_buf_finish(&b);
    }
    return p;
}
