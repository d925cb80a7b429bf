/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edits of what is around the nodes: initializers, inputs, outputs; what nothing reads goes. */
#include <stdlib.h>
#include <string.h>

#include "model/edit/work.h"

static int find_initializer(const struct work *w, const char *name)
{
    int i = work_find(w, PART_INITIALIZER, name);
    return i >= 0 ? i : work_find(w, PART_SPARSE, name);
}

static part *initializer_part(const char *name, const ff_tensor *t, const part *old)
{
    part *p = part_create(PART_INITIALIZER);

    p->init.name = ff_strdup(name);
    p->init.tensor = ff_tensor_ref(t);
    if (old != NULL && old->init.rest.len)
        ff_buf_add(&p->init.rest, old->init.rest.data, old->init.rest.len);
    return p;
}

int edit_set_initializer(struct work *w, const edit *e)
{
    int at = find_initializer(w, e->target), input = work_find(w, PART_INPUT, e->target);

    if (e->target[0] == '\0')
        return misfit("an initializer needs a name");
    if (at < 0) {
        if (work_producer(w, e->target) >= 0)
            return misfit("'%s' is made by a node", e->target);
        if (input >= 0)
            return misfit("'%s' is a graph input", e->target);
        work_insert(w, work_behind(w, PART_INITIALIZER), initializer_part(e->target, e->tensor, NULL), -1);
        return FF_OK;
    }
    const part *old = w->slots[at].p;
    bool same = old->init.tensor->dtype == e->tensor->dtype && ff_same_dims(old->init.tensor, e->tensor);
    work_replace(w, at, initializer_part(e->target, e->tensor, old));
    if (same)
        return FF_OK;
    work_drop_named(w, PART_VALUE_INFO, e->target);
    /* The declaration beside it (IR before 4). */
    if ((input = work_find(w, PART_INPUT, e->target)) >= 0) {
        doc_value v = {.name = e->target};
        v.shape.dtype = e->tensor->dtype;
        v.shape.rank = e->tensor->rank;
        memcpy(v.shape.dims, e->tensor->dims, sizeof v.shape.dims);
        work_replace(w, input, value_part(PART_INPUT, &v, w->slots[input].p));
    }
    return FF_OK;
}

int edit_remove_initializer(struct work *w, const edit *e)
{
    int at = find_initializer(w, e->target), code;

    if (at < 0)
        return misfit("there is no initializer '%s'", e->target);
    if ((code = work_check_unread(w, e->target)))
        return code;
    work_remove(w, at);
    work_drop_named(w, PART_INPUT, e->target);
    work_drop_named(w, PART_VALUE_INFO, e->target);
    return FF_OK;
}

int edit_set_input_shape(struct work *w, const edit *e)
{
    int at = work_find(w, PART_INPUT, e->target);

    if (at < 0)
        return misfit("there is no graph input '%s'", e->target);
    if (e->value.shape.rank < 0 || e->value.shape.rank > FF_MAX_RANK)
        return misfit("input '%s' needs a shape", e->target);
    work_replace(w, at, value_part(PART_INPUT, &e->value, w->slots[at].p));
    return FF_OK;
}

int edit_set_outputs(struct work *w, const edit *e)
{
    part **chosen = ff_alloc_array((size_t)e->n_names + 1, sizeof *chosen);
    int code = FF_OK, next = 0;

    if (e->n_names < 1)
        code = misfit("a graph needs an output");
    for (int i = 0; i < e->n_names && code == FF_OK; i++) {
        int at = work_find(w, PART_OUTPUT, e->names[i]);
        if (at < 0)
            code = misfit("there is no graph output '%s'", e->names[i]);
        for (int j = 0; j < i && code == FF_OK; j++)
            if (strcmp(e->names[i], e->names[j]) == 0)
                code = misfit("output '%s' stands there twice", e->names[i]);
        if (code == FF_OK)
            chosen[i] = part_ref(w->slots[at].p);
    }
    for (size_t i = 0; i < w->n && code == FF_OK; i++)
        if (w->slots[i].p->field == PART_OUTPUT) {
            if (next < e->n_names)
                work_replace(w, (int)i, part_ref(chosen[next++]));
            else
                work_remove(w, (int)i--);
        }
    for (int i = 0; i < e->n_names; i++)
        part_unref(chosen[i]);
    free(chosen);
    return code;
}

int edit_add_output(struct work *w, const edit *e)
{
    if (work_find(w, PART_OUTPUT, e->target) >= 0)
        return misfit("'%s' is a graph output already", e->target);
    work_insert(w, work_behind(w, PART_OUTPUT), value_part(PART_OUTPUT, &e->value, NULL), -1);
    return FF_OK;
}

/* The names that outputs are computed from, and the outputs: as keys of a table. */
static void find_live(const slot *slots, size_t n, name_table *live)
{
    name_table makers;
    size_t depth = 0, capacity = 0;
    const char **stack = NULL;

    names_init(live, n);
    names_init(&makers, n);
    for (size_t i = 0; i < n; i++)
        for (int j = 0; slots[i].p->field == PART_NODE && j < slots[i].p->node.n_outputs; j++)
            *names_place(&makers, slots[i].p->node.outputs[j]) = slots[i].p;
    for (size_t i = 0; i < n; i++)
        if (slots[i].p->field == PART_OUTPUT) {
            ff_grow(&stack, &capacity, depth + 1, sizeof *stack);
            stack[depth++] = slots[i].p->value.name;
        }
    while (depth > 0) {
        const char *name = stack[--depth];
        void **place = names_place(live, name);
        const part *p = names_get(&makers, name);
        if (*place != NULL)
            continue;
        *place = live;
        for (int i = 0; p && i < p->node.n_inputs + p->node.n_captures; i++) {
            const char *s = i < p->node.n_inputs ? p->node.inputs[i] : p->node.captures[i - p->node.n_inputs];
            if (s[0] != '\0' && names_get(live, s) == NULL) {
                ff_grow(&stack, &capacity, depth + 1, sizeof *stack);
                stack[depth++] = s;
            }
        }
    }
    free(stack);
    names_finish(&makers);
}

static bool any_live(const part *p, const name_table *live)
{
    if (p->field != PART_NODE)
        return names_get(live, part_name(p)) != NULL;
    for (int i = 0; i < p->node.n_outputs; i++)
        if (p->node.outputs[i][0] && names_get(live, p->node.outputs[i]) != NULL)
            return true;
    return false;
}

/* What was dead in the model before the patch is not ours to remove. */
int edit_remove_dead(struct work *w)
{
    name_table now, then;

    find_live(w->slots, w->n, &now);
    find_live(w->m->main->slots, (size_t)w->m->main->n_slots, &then);
    for (size_t i = 0; i < w->n; i++) {
        const part *p = w->slots[i].p;
        uint32_t field = p->field;
        if (field != PART_NODE && field != PART_INITIALIZER && field != PART_SPARSE)
            continue;
        const char *name = part_name(p);
        bool old = ff_model_find_value(w->m, name) != NULL;
        if (any_live(p, &now) || (old && !any_live(p, &then)))
            continue;
        char *copy = ff_strdup(name);
        work_remove(w, (int)i--);
        if (field != PART_NODE) {
            for (size_t j = 0; j <= i && i != SIZE_MAX; j++)
                if (w->slots[j].p->field == PART_INPUT && strcmp(part_name(w->slots[j].p), copy) == 0)
                    i--;
            work_drop_named(w, PART_INPUT, copy);
        }
        free(copy);
    }
    names_finish(&now);
    names_finish(&then);
    return FF_OK;
}
