/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Patches as lists of edits: made, copied, put in words. */
#include <stdlib.h>
#include <string.h>

#include "model/edit/patch.h"

ff_patch *ff_patch_create(void)
{
    return ff_alloc(sizeof(ff_patch));
}

void edit_unref(edit *e)
{
    if (e == NULL || atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) != 1)
        return;
    free(e->target);
    free(e->second);
    ff_tensor_unref(e->tensor);
    attr_finish(&e->attr);
    part_unref(e->node);
    for (int i = 0; e->value.dim_params != NULL && i < e->value.shape.rank; i++)
        free(e->value.dim_params[i]);
    free(e->value.dim_params);
    free(e->value.name);
    ff_buf_finish(&e->value.rest);
    for (int i = 0; i < e->n_names; i++)
        free(e->names[i]);
    free(e->names);
    for (int i = 0; i < e->n_out; i++)
        part_unref(e->out[i].p);
    free(e->out);
    for (int i = 0; i < e->n_in; i++)
        part_unref(e->in[i].p);
    free(e->in);
    free(e);
}

void ff_patch_destroy(ff_patch *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->n; i++)
        edit_unref(p->edits[i]);
    free(p->edits);
    free(p);
}

void ff_patch_append(ff_patch *p, const ff_patch *more)
{
    size_t n = more->n; /* p and more may be the same */

    ff_grow(&p->edits, &p->capacity, p->n + n, sizeof(edit *));
    for (size_t i = 0; i < n; i++) {
        atomic_fetch_add_explicit(&more->edits[i]->refs, 1, memory_order_relaxed);
        p->edits[p->n++] = more->edits[i];
    }
}

ff_patch *ff_patch_copy(const ff_patch *p)
{
    ff_patch *r = ff_patch_create();

    ff_patch_append(r, p);
    return r;
}

int ff_patch_length(const ff_patch *p)
{
    return (int)p->n;
}

edit *patch_add(ff_patch *p, edit_kind kind, const char *target)
{
    edit *e = ff_alloc(sizeof *e);

    atomic_init(&e->refs, 1);
    e->kind = kind;
    e->target = ff_strdup(target ? target : "");
    e->value.shape.rank = -1;
    ff_grow(&p->edits, &p->capacity, p->n + 1, sizeof(edit *));
    p->edits[p->n++] = e;
    return e;
}

void ff_patch_set_initializer(ff_patch *p, const char *name, const ff_tensor *t)
{
    patch_add(p, EDIT_SET_INITIALIZER, name)->tensor = ff_tensor_ref(t);
}

void ff_patch_remove_initializer(ff_patch *p, const char *name)
{
    patch_add(p, EDIT_REMOVE_INITIALIZER, name);
}

void ff_patch_set_attr(ff_patch *p, const char *node_output, const ff_attr *a)
{
    attr_copy(&patch_add(p, EDIT_SET_ATTR, node_output)->attr, a);
}

void ff_patch_remove_attr(ff_patch *p, const char *node_output, const char *attr)
{
    patch_add(p, EDIT_REMOVE_ATTR, node_output)->second = ff_strdup(attr);
}

void ff_patch_set_node_input(ff_patch *p, const char *node_output, int index, const char *value)
{
    edit *e = patch_add(p, EDIT_SET_NODE_INPUT, node_output);

    e->index = index;
    e->second = ff_strdup(value ? value : "");
}

static char **copy_names(const char *const *names, int n)
{
    char **r = ff_alloc_array((size_t)n + 1, sizeof *r);

    for (int i = 0; i < n; i++)
        r[i] = ff_strdup(names[i] ? names[i] : "");
    return r;
}

static part *from_spec(const ff_node_spec *s)
{
    part *p = part_create(PART_NODE);
    doc_node *n = &p->node;

    n->name = ff_strdup(s->name ? s->name : "");
    n->op = ff_strdup(s->op);
    n->domain = ff_strdup(s->domain && strcmp(s->domain, "ai.onnx") != 0 ? s->domain : "");
    n->n_inputs = s->n_inputs;
    n->n_outputs = s->n_outputs;
    n->inputs = copy_names(s->inputs, s->n_inputs);
    n->outputs = copy_names(s->outputs, s->n_outputs);
    n->attrs = ff_alloc_array((size_t)s->n_attrs + 1, sizeof *n->attrs);
    for (; n->n_attrs < s->n_attrs; n->n_attrs++)
        attr_copy(&n->attrs[n->n_attrs], &s->attrs[n->n_attrs]);
    node_complete(n);
    return p;
}

void ff_patch_insert_node(ff_patch *p, const ff_node_spec *n, const char *after_output)
{
    edit *e = patch_add(p, EDIT_INSERT_NODE, "");

    e->node = from_spec(n);
    e->second = ff_strdup(after_output);
}

void ff_patch_remove_node(ff_patch *p, const char *node_output)
{
    patch_add(p, EDIT_REMOVE_NODE, node_output);
}

void ff_patch_replace_node(ff_patch *p, const char *node_output, const ff_node_spec *n)
{
    patch_add(p, EDIT_REPLACE_NODE, node_output)->node = from_spec(n);
}

void ff_patch_redirect(ff_patch *p, const char *from, const char *to)
{
    patch_add(p, EDIT_REDIRECT, from)->second = ff_strdup(to);
}

static void set_shape(edit *e, const char *name, ff_dtype t, int rank, const int64_t *dims)
{
    e->value.name = ff_strdup(name);
    e->value.shape.dtype = t;
    e->value.shape.rank = rank;
    for (int i = 0; i < rank; i++)
        e->value.shape.dims[i] = dims[i];
}

void ff_patch_set_input_shape(ff_patch *p, const char *input, ff_dtype t, int rank, const int64_t *dims)
{
    set_shape(patch_add(p, EDIT_SET_INPUT_SHAPE, input), input, t, rank, dims);
}

void ff_patch_set_outputs(ff_patch *p, int n, const char *const *names)
{
    edit *e = patch_add(p, EDIT_SET_OUTPUTS, "");

    e->n_names = n;
    e->names = copy_names(names, n);
}

void ff_patch_add_output(ff_patch *p, const char *value, const ff_shape *s)
{
    edit *e = patch_add(p, EDIT_ADD_OUTPUT, value);

    if (s != NULL)
        set_shape(e, value, s->dtype, s->rank, s->dims);
    else
        set_shape(e, value, FF_UNDEFINED, -1, NULL);
}

void ff_patch_remove_dead(ff_patch *p)
{
    patch_add(p, EDIT_REMOVE_DEAD, "");
}

/* ---------------------------------------------------------------------------------- splices */

struct place {
    const part *p;
    int index;
};

static int by_part(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)((const struct place *)a)->p, y = (uintptr_t)((const struct place *)b)->p;
    return (x > y) - (x < y);
}

/* keep[i]: from[i] stays where it is: the longest run of fields that are on both sides in the same
 * order. */
static void find_kept(const slot *from, int n_from, const slot *to, int n_to, bool *keep_from, bool *keep_to)
{
    struct place *places = ff_alloc_array((size_t)n_to + 1, sizeof *places);
    int *at = ff_alloc_array((size_t)n_from + 1, sizeof *at); /* in `to`; -1: not there */
    int *before = ff_alloc_array((size_t)n_from + 1, sizeof *before);
    int *ends = ff_alloc_array((size_t)n_from + 1, sizeof *ends); /* of runs, by length */
    int length = 0;

    for (int i = 0; i < n_to; i++)
        places[i] = (struct place){to[i].p, i};
    qsort(places, (size_t)n_to, sizeof *places, by_part);
    for (int i = 0; i < n_from; i++) {
        struct place key = {from[i].p, 0};
        const struct place *f = bsearch(&key, places, (size_t)n_to, sizeof key, by_part);
        at[i] = f ? f->index : -1;
        if (at[i] < 0)
            continue;
        int low = 0, high = length;
        while (low < high) {
            int middle = (low + high) / 2;
            if (at[ends[middle]] < at[i])
                low = middle + 1;
            else
                high = middle;
        }
        before[i] = low ? ends[low - 1] : -1;
        ends[low] = i;
        length += low == length;
    }
    for (int i = length ? ends[length - 1] : -1; i >= 0; i = before[i])
        keep_from[i] = keep_to[at[i]] = true;
    free(places);
    free(at);
    free(before);
    free(ends);
}

void patch_add_splice(ff_patch *p, const slot *from, int n_from, const slot *to, int n_to)
{
    bool *keep_from = ff_alloc((size_t)n_from + 1), *keep_to = ff_alloc((size_t)n_to + 1);
    edit *e = patch_add(p, EDIT_SPLICE, "");

    find_kept(from, n_from, to, n_to, keep_from, keep_to);
    e->out = ff_alloc_array((size_t)n_from + 1, sizeof *e->out);
    e->in = ff_alloc_array((size_t)n_to + 1, sizeof *e->in);
    for (int i = 0; i < n_from; i++)
        if (!keep_from[i])
            e->out[e->n_out++] = (struct splice_out){.index = i, .p = part_ref(from[i].p)};
    for (int i = 0; i < n_to; i++)
        if (!keep_to[i])
            e->in[e->n_in++] = (struct splice_in){i, to[i].id, part_ref(to[i].p)};
    free(keep_from);
    free(keep_to);
}

/* ------------------------------------------------------------------------------------ words */

static void put_name(ff_buf *b, const char *name)
{
    ff_buf_putc(b, '\'');
    ff_buf_visible(b, name);
    ff_buf_putc(b, '\'');
}

static void put_part(ff_buf *b, const part *p)
{
    static const struct {
        uint32_t field;
        const char *what;
    } kinds[] = {{PART_NODE, "node"},     {PART_INITIALIZER, "initializer"},      {PART_INPUT, "input"},
                 {PART_OUTPUT, "output"}, {PART_VALUE_INFO, "value information"}, {PART_SPARSE, "initializer"}};
    const char *what = "field";

    for (size_t i = 0; i < FF_COUNT(kinds); i++)
        if (p && kinds[i].field == p->field)
            what = kinds[i].what;
    ff_buf_printf(b, "%s ", what);
    put_name(b, p ? part_name(p) : "?");
}

/* Few numbers are written out, of many the shape is told. */
static void put_tensor(const ff_tensor *t, ff_buf *b)
{
    if (t->count > 8 || t->rank > 1 || t->dtype == FF_STRING || ff_dtype_size(t->dtype) > 8) {
        char *s = ff_tensor_describe(t);
        ff_buf_puts(b, s);
        free(s);
        return;
    }
    ff_buf_puts(b, t->rank ? "[" : "");
    for (int64_t i = 0; i < t->count; i++)
        ff_buf_printf(b, "%s%.7g", i ? "," : "", ff_tensor_get_real(t, i));
    ff_buf_puts(b, t->rank ? "]" : "");
}

static void describe(const edit *e, ff_buf *b)
{
    char *s;

    switch (e->kind) {
    case EDIT_SET_INITIALIZER:
        ff_buf_puts(b, "set initializer ");
        put_name(b, e->target);
        ff_buf_puts(b, " to ");
        put_tensor(e->tensor, b);
        break;
    case EDIT_SET_ATTR:
        s = ff_attr_format(&e->attr.pub);
        ff_buf_puts(b, "set ");
        ff_buf_visible(b, e->attr.pub.name);
        ff_buf_puts(b, " of ");
        put_name(b, e->target);
        ff_buf_printf(b, " to %s", s);
        free(s);
        break;
    case EDIT_REMOVE_ATTR:
        ff_buf_puts(b, "remove ");
        ff_buf_visible(b, e->second);
        ff_buf_puts(b, " of ");
        put_name(b, e->target);
        break;
    case EDIT_SET_NODE_INPUT:
        ff_buf_printf(b, "set input %d of ", e->index);
        put_name(b, e->target);
        ff_buf_puts(b, e->second[0] ? " to " : " to nothing");
        if (e->second[0])
            put_name(b, e->second);
        break;
    case EDIT_INSERT_NODE:
    case EDIT_REPLACE_NODE:
        ff_buf_puts(b, e->kind == EDIT_INSERT_NODE ? "insert " : "replace ");
        if (e->kind == EDIT_REPLACE_NODE) {
            put_name(b, e->target);
            ff_buf_puts(b, " by ");
        }
        ff_buf_visible(b, e->node->node.op);
        ff_buf_putc(b, ' ');
        put_name(b, part_name(e->node));
        break;
    case EDIT_REMOVE_INITIALIZER:
    case EDIT_REMOVE_NODE:
        ff_buf_puts(b, e->kind == EDIT_REMOVE_NODE ? "remove " : "remove initializer ");
        put_name(b, e->target);
        break;
    case EDIT_REDIRECT:
        ff_buf_puts(b, "let the readers of ");
        put_name(b, e->target);
        ff_buf_puts(b, " read ");
        put_name(b, e->second);
        break;
    case EDIT_SET_INPUT_SHAPE:
        ff_buf_puts(b, "declare input ");
        put_name(b, e->target);
        ff_buf_printf(b, " as %s", ff_dtype_name(e->value.shape.dtype));
        ff_buf_dims(b, e->value.shape.rank, e->value.shape.dims);
        break;
    case EDIT_SET_OUTPUTS:
        ff_buf_puts(b, "keep the outputs");
        for (int i = 0; i < e->n_names; i++) {
            ff_buf_puts(b, i ? ", " : " ");
            put_name(b, e->names[i]);
        }
        break;
    case EDIT_ADD_OUTPUT:
        ff_buf_puts(b, "add output ");
        put_name(b, e->target);
        break;
    case EDIT_REMOVE_DEAD:
        ff_buf_puts(b, "remove what nothing reads");
        break;
    default:
        ff_buf_puts(b, "put back ");
        for (int i = 0; i < e->n_in && i < 3; i++) {
            ff_buf_puts(b, i ? ", " : "");
            put_part(b, e->in[i].p);
        }
        if (e->n_in == 0)
            ff_buf_puts(b, "nothing");
        if (e->n_in > 3)
            ff_buf_printf(b, " and %d more", e->n_in - 3);
        ff_buf_printf(b, ", take out %d", e->n_out);
        break;
    }
}

char *ff_patch_describe(const ff_patch *p)
{
    ff_buf b = {0};

    for (size_t i = 0; i < p->n; i++) {
        ff_buf_puts(&b, i ? "\n" : "");
        describe(p->edits[i], &b);
    }
    return ff_buf_steal(&b);
}

char *ff_model_fresh_name(const ff_model *m, const char *stem)
{
    char *name = ff_strdup(stem);

    for (int k = 1;; k++) {
        bool taken = names_get(&m->labels, name) != NULL;
        for (size_t i = 0; i < m->n_values && !taken; i++)
            taken = strcmp(m->values[i]->name, name) == 0;
        if (!taken && name[0] != '\0')
            return name;
        free(name);
        name = ff_asprintf("%s_%d", stem, k);
    }
}
