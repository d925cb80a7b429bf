/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Declarations of shapes (value_info, outputs) after an edit. */
#include <stdlib.h>
#include <string.h>

#include "model/edit/work.h"

/* tainted[value id of r]: its shape may be another than in the old model. */
static bool find_tainted(const struct work *w, const ff_model *r, bool *tainted)
{
    bool any = false;

    for (size_t i = 0; i < r->n_values; i++) {
        const ff_value *v = r->values[i];
        if (v->graph != r->graph || v->producer != NULL)
            continue;
        const ff_value *o = ff_model_find_value(w->m, v->name);
        tainted[i] = o == NULL || o->producer != NULL || !ff_same_shape(&v->declared, &o->declared);
    }
    for (int i = 0; i < r->graph->n_nodes; i++) {
        const node_impl *n = (const node_impl *)r->graph->nodes[i];
        const node_impl *o = (const node_impl *)ff_model_node_by_id(w->m, n->pub.id);
        bool t = o == NULL || o->p != n->p;
        for (int j = 0; j < n->pub.n_inputs && !t; j++)
            t = n->pub.inputs[j] && tainted[n->pub.inputs[j]->id];
        for (int j = 0; j < n->pub.n_captures && !t; j++)
            t = tainted[n->pub.captures[j]->id];
        for (int j = 0; j < n->pub.n_outputs; j++)
            if (t && n->pub.outputs[j])
                any = tainted[n->pub.outputs[j]->id] = true;
    }
    return any;
}

static bool agrees(const ff_shape *declared, const ff_shape *inferred)
{
    if (inferred->rank < 0 || declared->rank < 0)
        return false;
    if (declared->rank != inferred->rank || declared->dtype != inferred->dtype)
        return false;
    for (int i = 0; i < declared->rank; i++)
        if (declared->dims[i] >= 0 && declared->dims[i] != inferred->dims[i])
            return false;
    return true;
}

static bool contradicts(const ff_shape *declared, const ff_shape *inferred)
{
    if (inferred->rank < 0 || declared->rank < 0)
        return false;
    if (declared->rank != inferred->rank || declared->dtype != inferred->dtype)
        return true;
    for (int i = 0; i < declared->rank; i++)
        if (declared->dims[i] >= 0 && inferred->dims[i] >= 0 && declared->dims[i] != inferred->dims[i])
            return true;
    return false;
}

/* Whether a TensorAnnotation is about a tensor of the old model that is gone, or names one as its
 * scale or zero point. */
static bool annotates_gone(const struct work *w, const ff_model *r, const part *p)
{
    enum { TENSOR_NAME = 1, PARAMETERS = 2, ENTRY_VALUE = 2 };
    ff_buf b = {0};
    wire_field f, inner, entry;
    bool gone = false;

    part_emit(p, &b);
    const uint8_t *data = (const uint8_t *)b.data;
    size_t start = 0;
    if (!wire_step(data, b.len, &start, &f))
        f = (wire_field){0};
    for (size_t at = f.body; at < f.end && wire_step(data, f.end, &at, &inner);) {
        size_t from = 0, to = 0;
        if (inner.number == TENSOR_NAME) {
            from = inner.body;
            to = inner.end;
        }
        for (size_t k = inner.body;
             inner.number == PARAMETERS && k < inner.end && wire_step(data, inner.end, &k, &entry);)
            if (entry.number == ENTRY_VALUE) {
                from = entry.body;
                to = entry.end;
            }
        char *name = ff_strndup((const char *)data + from, to - from);
        gone |= name[0] != '\0' && ff_model_find_value(r, name) == NULL && ff_model_find_value(w->m, name) != NULL;
        free(name);
    }
    ff_buf_finish(&b);
    return gone;
}

/* Drops the declarations of shapes that the edits made untrue (or that cannot be shown to be true
 * any more). *changed: the slots are others now. */
int work_drop_untrue(struct work *w, const ff_model *r, bool *changed)
{
    bool *tainted = ff_alloc(r->n_values + 1);
    ff_shape *shapes = NULL;
    int code = FF_OK;

    for (size_t i = 0; i < w->n; i++) { /* of values that are gone */
        const part *p = w->slots[i].p;
        if ((p->field == PART_VALUE_INFO && ff_model_find_value(r, p->value.name) == NULL &&
             ff_model_find_value(w->m, p->value.name) != NULL) ||
            (p->field == PART_QUANTIZATION && annotates_gone(w, r, p))) {
            work_remove(w, (int)i--);
            *changed = true;
        }
    }
    if (!find_tainted(w, r, tainted))
        goto done;
    /* What the tainted values were declared as must not help to infer them. */
    struct work bare = {.m = w->m, .next_id = w->next_id};
    ff_model *b = NULL;
    for (size_t i = 0; i < w->n; i++) {
        const part *p = w->slots[i].p;
        const ff_value *v = p->field == PART_VALUE_INFO ? ff_model_find_value(r, p->value.name) : NULL;
        if (p->field == PART_OUTPUT)
            v = ff_model_find_value(r, p->value.name);
        if (v != NULL && tainted[v->id] && v->producer != NULL) {
            if (p->field == PART_VALUE_INFO)
                continue;
            doc_value unknown = {.name = p->value.name, .shape = {.rank = -1}};
            work_insert(&bare, (int)bare.n, value_part(PART_OUTPUT, &unknown, NULL), -1);
            continue;
        }
        work_insert(&bare, (int)bare.n, part_ref(w->slots[i].p), w->slots[i].id);
    }
    code = work_build(&bare, &b);
    if (code == FF_OK) {
        shapes = ff_alloc_array(b->n_values + 1, sizeof *shapes);
        if (ff_model_infer(b, NULL, shapes) != FF_OK) /* it cannot run; nothing is known */
            for (size_t i = 0; i < b->n_values; i++)
                shapes[i] = (ff_shape){.rank = -1};
    }
    for (size_t i = 0; i < w->n && code == FF_OK; i++) {
        part *p = w->slots[i].p;
        if (p->field != PART_VALUE_INFO && p->field != PART_OUTPUT)
            continue;
        const ff_value *v = ff_model_find_value(r, p->value.name);
        const ff_value *in_bare = ff_model_find_value(b, p->value.name);
        if (v == NULL || in_bare == NULL || !tainted[v->id] || v->producer == NULL)
            continue;
        if (p->field == PART_VALUE_INFO && !agrees(&p->value.shape, &shapes[in_bare->id])) {
            work_remove(w, (int)i--);
            *changed = true;
        } else if (p->field == PART_OUTPUT && contradicts(&p->value.shape, &shapes[in_bare->id])) {
            doc_value d = {.name = p->value.name, .shape = shapes[in_bare->id]};
            work_replace(w, (int)i, value_part(PART_OUTPUT, &d, p));
            *changed = true;
        }
    }
    for (size_t i = 0; i < bare.n; i++)
        part_unref(bare.slots[i].p);
    free(bare.slots);
    ff_model_unref(b);
done:
    free(shapes);
    free(tainted);
    return code;
}
