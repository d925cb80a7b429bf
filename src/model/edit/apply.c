/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a model and a patch to another model. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "model/edit/work.h"

static bool id_is_free(const struct work *w, int id, int n)
{
    for (size_t i = 0; i < w->n; i++) {
        const slot *s = &w->slots[i];
        if (s->p->field == PART_NODE && id < s->id + 1 + s->p->node.n_inner && s->id < id + n)
            return false;
    }
    return id >= 0;
}

static int find_out(const struct work *w, const struct splice_out *o, int shift)
{
    int hint = o->index - shift;

    if (hint >= 0 && (size_t)hint < w->n && o->p != NULL && w->slots[hint].p == o->p)
        return hint;
    const ff_key *key = o->p ? part_key(o->p) : &o->key;
    if (hint >= 0 && (size_t)hint < w->n && ff_key_equal(part_key(w->slots[hint].p), key))
        return hint;
    for (size_t i = 0; i < w->n; i++)
        if ((o->p && w->slots[i].p == o->p) || ff_key_equal(part_key(w->slots[i].p), key))
            return (int)i;
    return -1;
}

static int edit_splice(struct work *w, const edit *e)
{
    for (int i = 0; i < e->n_out; i++) {
        int at = find_out(w, &e->out[i], i);
        if (at < 0)
            return misfit("a field that is to be taken back is not there any more");
        work_remove(w, at);
    }
    for (int i = 0; i < e->n_in; i++) {
        const struct splice_in *s = &e->in[i];
        int at = (size_t)s->index < w->n ? s->index : (int)w->n, id = -1;
        if (s->p->field == PART_NODE) {
            int n = 1 + s->p->node.n_inner;
            id = s->id;
            if (id > INT_MAX - n || !id_is_free(w, id, n) || id + n > w->next_id) {
                id = w->next_id;
                w->next_id += n;
            }
        }
        work_insert(w, at, part_ref(s->p), id);
    }
    return FF_OK;
}

static int apply_edit(struct work *w, const edit *e)
{
    w->edited |= e->kind != EDIT_SPLICE;
    if (w->next_id > INT_MAX / 2)
        return misfit("too many nodes");
    switch (e->kind) {
    case EDIT_SET_INITIALIZER:
        return edit_set_initializer(w, e);
    case EDIT_REMOVE_INITIALIZER:
        return edit_remove_initializer(w, e);
    case EDIT_SET_ATTR:
        return edit_set_attr(w, e);
    case EDIT_REMOVE_ATTR:
        return edit_remove_attr(w, e);
    case EDIT_SET_NODE_INPUT:
        return edit_set_node_input(w, e);
    case EDIT_INSERT_NODE:
        return edit_insert_node(w, e);
    case EDIT_REMOVE_NODE:
        return edit_remove_node(w, e);
    case EDIT_REPLACE_NODE:
        return edit_replace_node(w, e);
    case EDIT_REDIRECT:
        return edit_redirect(w, e);
    case EDIT_SET_INPUT_SHAPE:
        return edit_set_input_shape(w, e);
    case EDIT_SET_OUTPUTS:
        return edit_set_outputs(w, e);
    case EDIT_ADD_OUTPUT:
        return edit_add_output(w, e);
    case EDIT_REMOVE_DEAD:
        return edit_remove_dead(w);
    default:
        return edit_splice(w, e);
    }
}

int work_build(const struct work *w, ff_model **out)
{
    doc_graph *g = doc_graph_create((int)w->n);

    g->name = ff_strdup(w->m->main->name);
    for (size_t i = 0; i < w->n; i++)
        g->slots[g->n_slots++] = (slot){part_ref(w->slots[i].p), w->slots[i].id};
    int code = model_index(w->m->doc, g, w->next_id, out);
    doc_graph_unref(g);
    return code ? ff_fail_prefix(FF_ERR_GRAPH, "the edited graph is not valid") : FF_OK;
}

/* Nodes that are not the old model's must be what their operator allows. */
static int check_nodes(const struct work *w, const ff_model *r)
{
    for (int i = 0; i < r->graph->n_nodes; i++) {
        const node_impl *n = (const node_impl *)r->graph->nodes[i];
        const node_impl *o = (const node_impl *)ff_model_node_by_id(w->m, n->pub.id);
        if (o != NULL && o->p == n->p)
            continue;
        const ff_node *p = &n->pub;
        const ff_op *op = ff_op_find(p->domain, p->op, p->opset);
        if (op == NULL && (p->domain[0] == '\0' || p->opset == 0) && !(o != NULL && strcmp(o->pub.op, p->op) == 0))
            return misfit("node '%s': operator %s is not known in opset %d", p->label, p->op, p->opset);
        if (op == NULL)
            continue;
        if (p->n_inputs < op->min_inputs || (op->max_inputs >= 0 && p->n_inputs > op->max_inputs))
            return misfit("node '%s': %s does not take %d inputs in opset %d", p->label, p->op, p->n_inputs, p->opset);
        if (p->n_outputs < op->min_outputs || (op->max_outputs >= 0 && p->n_outputs > op->max_outputs))
            return misfit("node '%s': %s does not have %d outputs in opset %d", p->label, p->op, p->n_outputs,
                          p->opset);
        for (int j = 0; j < op->min_inputs; j++)
            if (p->inputs[j] == NULL)
                return misfit("node '%s': input %d of %s is missing", p->label, j, p->op);
        int code = ff_node_check(p, o ? &o->pub : NULL);
        if (code)
            return ff_fail_prefix(code, "node '%s'", p->label);
    }
    return FF_OK;
}

/* Puts the nodes of the file in the order of the graph. */
static void sort_slots(struct work *w, const ff_model *r)
{
    int next = 0;

    for (size_t i = 0; i < w->n; i++)
        if (w->slots[i].p->field == PART_NODE) {
            const node_impl *n = (const node_impl *)r->graph->nodes[next++];
            w->slots[i] = (slot){n->p, n->pub.id};
        }
}

int ff_model_apply(const ff_model *m, const ff_patch *p, ff_model **out, ff_patch **inverse)
{
    struct work w = {.m = m, .next_id = m->next_id};
    ff_model *r = NULL;
    int code = FF_OK;

    ff_grow(&w.slots, &w.capacity, (size_t)m->main->n_slots + 16, sizeof *w.slots);
    for (int i = 0; i < m->main->n_slots; i++)
        w.slots[w.n++] = (slot){part_ref(m->main->slots[i].p), m->main->slots[i].id};
    for (size_t i = 0; i < p->n && code == FF_OK; i++) {
        code = apply_edit(&w, p->edits[i]);
        if (code && p->n > 1)
            code = ff_fail_prefix(code, "edit %zu", i + 1);
    }
    if (code == FF_OK)
        code = work_build(&w, &r);
    if (code == FF_OK && w.edited)
        code = check_nodes(&w, r);
    if (code == FF_OK && w.edited) {
        bool changed = r->reordered;
        if (r->reordered)
            sort_slots(&w, r);
        code = work_drop_untrue(&w, r, &changed);
        if (code == FF_OK && changed) {
            ff_model_unref(r);
            r = NULL;
            code = work_build(&w, &r);
        }
    }
    if (code == FF_OK) {
        if (inverse != NULL) {
            *inverse = ff_patch_create();
            patch_add_splice(*inverse, w.slots, (int)w.n, m->main->slots, m->main->n_slots);
        }
        *out = r;
        r = NULL;
    }
    for (size_t i = 0; i < w.n; i++)
        part_unref(w.slots[i].p);
    free(w.slots);
    ff_model_unref(r);
    return code;
}
