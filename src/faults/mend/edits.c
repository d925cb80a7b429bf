/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edits that may make a place right, the least first: attributes, constants, their order, operands exchanged, operands
 * read from elsewhere, nodes left out, operators exchanged; at last the Source's nodes in place of the Target's. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "faults/mend/mend.h"

enum { TRIED = 400, PAIRS = MEND_REGION, MOVED = 6 };

typedef struct maker {
    mender *m;
    const mend_state *t;
    const mend_place *p;
    bool (*take)(void *, mend_edit *);
    void *context;
    bool done;
    int tried;
    int n_pairs;
    const ff_node *mine[PAIRS], *theirs[PAIRS];
} maker;

void mend_edit_finish(mend_edit *e)
{
    ff_patch_destroy(e->patch);
    free(e->summary);
    free(e->explanation);
    free(e->what);
    free(e->attribute);
    free(e->source_text);
    free(e->target_text);
    *e = (mend_edit){0};
}

static void offer(maker *k, mend_edit *e)
{
    if (!k->done && k->tried < TRIED && k->m->budget > 0 && ff_patch_length(e->patch) > 0) {
        k->tried++;
        k->done = k->take(k->context, e);
    }
    if (!k->done || e->patch)
        mend_edit_finish(e);
}

static mend_edit start(ff_cause_id cause, const ff_node *source, const ff_node *node)
{
    return (mend_edit){.patch = ff_patch_create(), .cause = cause, .source_node = source, .node = node};
}

static bool is(const ff_node *n, const char *op)
{
    return n && !*n->domain && strcmp(n->op, op) == 0;
}

/* --------------------------------------------------------------------------------- attributes */

/* As it counts in the node's opset; caller frees. */
static char *attr_text(const ff_node *n, const char *name)
{
    const ff_attr *a = ff_node_attr(n, name);
    const struct ff_attr_fact *f = ff_node_attr_fact(n, name);
    if (a) {
        char *full = ff_attr_format(a), *value = strchr(full, '=');
        char *text = ff_strdup(value ? value + 1 : full);
        free(full);
        return text;
    }
    return ff_strdup(f && f->fallback ? f->fallback : "absent");
}

/* Texts of one number that may be written differently. */
static bool same_text(const char *a, const char *b)
{
    char *x, *y;
    double v = strtod(a, &x), w = strtod(b, &y);
    if (x != a && y != b && !*x && !*y)
        return (float)v == (float)w;
    return strcmp(a, b) == 0;
}

static int squeezed_axis(const ff_shape *s, int axis)
{
    int at = 0;
    for (int i = 0; i < axis; i++)
        at += s->dims[i] != 1;
    return s->dims[axis] == 1 ? -1 : at;
}

/* The Source's axis of its operand as the Target counts it; -1: it cannot be told. */
static int64_t mapped_axis(const maker *k, const ff_node *n, const ff_node *p, int64_t axis)
{
    if (!n->n_inputs || !p->n_inputs || !n->inputs[0] || !p->inputs[0])
        return -1;
    const mend_match *match = &k->t->match[n->inputs[0]->id];
    const ff_shape *s = ff_plan_shape(k->m->source->plan, p->inputs[0]),
                   *t = ff_plan_shape(k->t->run->plan, n->inputs[0]);
    mend_layout guess;
    const mend_layout *l = &match->layout;
    if (match->source != p->inputs[0]->id) {
        if (mend_layouts(s, t, &guess, 1) < 1)
            return -1;
        l = &guess;
    }
    axis += axis < 0 ? s->rank : 0;
    if (axis < 0 || axis >= s->rank)
        return -1;
    int at = squeezed_axis(s, (int)axis);
    for (int i = 0; i < t->rank && at >= 0; i++) {
        int own = squeezed_axis(t, i);
        if (own >= 0 && (l->flat ? own : l->perm[own]) == at)
            return i;
    }
    return -1;
}

/* GridSample's modes have other names from opset 20 on. */
static const char *spelt(const ff_node *n, const char *name, const char *text)
{
    static const char *const pairs[][2] = {{"bilinear", "linear"}, {"bicubic", "cubic"}};
    for (size_t i = 0; is(n, "GridSample") && strcmp(name, "mode") == 0 && i < FF_COUNT(pairs); i++)
        if (strcmp(text, pairs[i][0]) == 0 || strcmp(text, pairs[i][1]) == 0)
            return pairs[i][n->opset >= 20];
    return text;
}

/* Sets the attribute of n to what p has; false: it cannot be said. `axis`: as an axis of the Target's. */
static bool set_attr(const maker *k, ff_patch *patch, const ff_node *n, const ff_node *p, const char *name, bool mapped)
{
    const struct ff_attr_fact *own = ff_node_attr_fact(n, name), *other = ff_node_attr_fact(p, name);
    const ff_attr *a = ff_node_attr(p, name);
    if (!own)
        return false;
    ff_attr made = a ? *a : (ff_attr){.name = name, .type = own->type};
    if (!a && other && other->fallback && own->type == FF_ATTR_INT)
        made.i = strtoll(other->fallback, NULL, 10);
    else if (!a && other && other->fallback && own->type == FF_ATTR_FLOAT)
        made.f = strtof(other->fallback, NULL);
    else if (!a) {
        if (!ff_node_attr(n, name))
            return false;
        ff_patch_remove_attr(patch, ff_node_address(n), name);
        return true;
    }
    if (made.type == FF_ATTR_STRING && made.s) {
        made.s = spelt(n, name, made.s);
        made.s_len = strlen(made.s);
    }
    int64_t axes[FF_MAX_RANK];
    if (mapped && strcmp(name, "axis") == 0 && (made.i = mapped_axis(k, n, p, made.i)) < 0)
        return false;
    if (mapped && strcmp(name, "axes") == 0) {
        for (size_t i = 0; i < made.n && i < FF_MAX_RANK; i++)
            if ((axes[i] = mapped_axis(k, n, p, made.ints[i])) < 0)
                return false;
        made.ints = axes;
    }
    /* Batch statistics are outputs in training only. */
    if (is(n, "BatchNormalization") && strcmp(name, "training_mode") == 0 && made.i == 0 && n->n_outputs > 1) {
        const char *inputs[8], *output = n->outputs[0]->name;
        ff_attr attrs[FF_RESTATED];
        int n_attrs = 0;
        for (int i = 1; i < n->n_outputs; i++)
            if (n->outputs[i] && (n->outputs[i]->n_users || n->outputs[i]->is_output))
                return false;
        for (int i = 0; i < n->n_attrs && n_attrs < FF_RESTATED; i++)
            if (strcmp(n->attrs[i].name, name) != 0)
                attrs[n_attrs++] = n->attrs[i];
        for (int i = 0; i < n->n_inputs && i < 8; i++)
            inputs[i] = n->inputs[i] ? n->inputs[i]->name : "";
        ff_patch_replace_node(patch, ff_node_address(n),
                              &(ff_node_spec){.name = n->name,
                                              .op = n->op,
                                              .domain = "",
                                              .n_inputs = n->n_inputs < 8 ? n->n_inputs : 8,
                                              .n_outputs = 1,
                                              .n_attrs = n_attrs,
                                              .inputs = inputs,
                                              .outputs = &output,
                                              .attrs = attrs});
        return true;
    }
    ff_patch_set_attr(patch, ff_node_address(n), &made);
    return true;
}

/* Names of attributes in which the two count differently; returns how many. */
static int differing(const maker *k, const ff_node *n, const ff_node *p, const char **names, int max)
{
    const ff_op *op = ff_op_find(n->domain, n->op, n->opset);
    int count = 0;
    for (const struct ff_attr_fact *f = op ? op->attrs : NULL; f && f->name && count < max; f++) {
        char *a = attr_text(p, f->name), *b = attr_text(n, f->name);
        bool axis = strcmp(f->name, "axis") == 0 && f->type == FF_ATTR_INT && n->n_inputs && n->inputs[0] &&
                    !k->t->match[n->inputs[0]->id].layout.flat;
        if (axis || !same_text(spelt(n, f->name, a), b))
            names[count++] = f->name;
        free(a);
        free(b);
    }
    return count;
}

static void describe_attr(mend_edit *e, const ff_node *n, const ff_node *p, const char *name)
{
    char *label = ff_visible(n->label);
    e->attribute = ff_strdup(name);
    e->source_text = attr_text(p, name);
    e->target_text = attr_text(n, name);
    e->summary =
        ff_asprintf("%s of '%s': %s in the Source, %s in the Target", name, label, e->source_text, e->target_text);
    e->explanation =
        ff_asprintf("With the Source's values in front of it, '%s' (%s) gives the Source's result as soon as "
                    "its %s is set as the Source has it. Nothing else is changed.",
                    label, n->op, name);
    e->what = ff_asprintf("%s/%s", label, name);
    free(label);
}

static void try_attributes(maker *k, const ff_node *n, const ff_node *p)
{
    const char *names[16];
    int count = differing(k, n, p, names, 16);
    for (int i = 0; i < count && !k->done; i++)
        for (int mapped = 1; mapped >= 0 && !k->done; mapped--) {
            bool axis = strcmp(names[i], "axis") == 0 || strcmp(names[i], "axes") == 0;
            if (mapped && !axis)
                continue;
            mend_edit e = start(FF_CAUSE_ATTRIBUTE_DIFFERS, p, n);
            if (set_attr(k, e.patch, n, p, names[i], mapped)) {
                describe_attr(&e, n, p, names[i]);
                offer(k, &e);
            } else {
                mend_edit_finish(&e);
            }
        }
    if (count < 2 || k->done)
        return;
    mend_edit e = start(FF_CAUSE_ATTRIBUTES_DIFFER, p, n);
    ff_buf list = {0};
    for (int i = 0; i < count; i++)
        if (set_attr(k, e.patch, n, p, names[i], true) || set_attr(k, e.patch, n, p, names[i], false))
            ff_buf_printf(&list, "%s%s", list.len ? ", " : "", names[i]);
    char *label = ff_visible(n->label), *all = ff_buf_steal(&list);
    e.summary = ff_asprintf("%s of '%s' are not the Source's", all ? all : "attributes", label);
    e.explanation = ff_asprintf("'%s' gives the Source's result only when all of these attributes are set.", label);
    e.what = ff_asprintf("%s/attributes", label);
    free(label);
    free(all);
    offer(k, &e);
}

/* --------------------------------------------------------------------------------- constants */

static const ff_tensor *fixed_input(const ff_plan *plan, const ff_node *n, int i)
{
    return i < n->n_inputs && n->inputs[i] ? ff_plan_constant(plan, n->inputs[i]) : NULL;
}

static bool same_constant(const ff_tensor *a, const ff_tensor *b)
{
    if (!a || !b || !ff_same_dims(a, b))
        return a == b;
    for (int64_t i = 0; i < a->count; i++) {
        double x = ff_tensor_get_real(a, i), y = ff_tensor_get_real(b, i);
        if (x != y && !(fabs(x - y) <= 1e-6 * fabs(x)))
            return false;
    }
    return true;
}

/* Forms that the Source's constant may have in the Target. */
static int forms_of(const ff_tensor *wanted, const ff_tensor *old, ff_tensor **out, int max)
{
    ff_shape from = {.rank = wanted->rank}, to = {.rank = old ? old->rank : wanted->rank};
    mend_layout forms[4];
    int n = 0, count;
    memcpy(from.dims, wanted->dims, sizeof from.dims);
    memcpy(to.dims, old ? old->dims : wanted->dims, sizeof to.dims);
    count = mend_layouts(&from, &to, forms, 4);
    for (int i = 0; i < count && n < max; i++)
        n += mend_lay(wanted, &forms[i], &to, &out[n]) == FF_OK;
    if (n == 0)
        out[n++] = ff_tensor_ref(wanted);
    return n;
}

static bool write_fixed(maker *k, ff_patch *patch, const ff_node *n, int i, const ff_tensor *t)
{
    char *stem = ff_asprintf("%s_input_%d_repaired", ff_node_address(n), i);
    int code = ff_write_constant(k->t->run->plan, patch, n, i, t, stem);
    free(stem);
    return code == FF_OK;
}

static char *number_text(const ff_tensor *t)
{
    ff_buf b = {0};
    if (!t)
        return ff_strdup("absent");
    if (t->count > 6)
        return ff_tensor_describe(t);
    for (int64_t i = 0; i < t->count; i++)
        ff_buf_printf(&b, "%s%.7g", i ? "," : "", ff_tensor_get_real(t, i));
    char *text = ff_buf_steal(&b);
    return text ? text : ff_strdup("");
}

/* What an operand is called, for the operators of which that is no attribute any more. */
static char *operand_name(const ff_node *n, int i)
{
    static const struct {
        const char *op, *names[4];
    } known[] = {
        {"TopK", {"X", "k"}},
        {"Clip", {"input", "min", "max"}},
        {"Pad", {"data", "pads", "constant_value", "axes"}},
        {"Slice", {"data", "starts", "ends", "axes"}},
        {"Reshape", {"data", "shape"}},
        {"Gather", {"data", "indices"}},
        {"Tile", {"input", "repeats"}},
        {"Expand", {"input", "shape"}},
        {"Gemm", {"A", "B", "C"}},
        {"Conv", {"X", "weight", "bias"}},
    };
    for (size_t k = 0; k < FF_COUNT(known); k++)
        if (is(n, known[k].op) && i < 4 && known[k].names[i])
            return ff_strdup(known[k].names[i]);
    if (n->n_inputs == 2)
        return ff_strdup("constant");
    return ff_asprintf("operand %d", i);
}

static void describe_constant(mend_edit *e, const ff_node *n, int i, const ff_tensor *s, const ff_tensor *t)
{
    char *label = ff_visible(n->label), *name = operand_name(n, i);
    e->attribute = ff_strdup(name);
    e->source_text = number_text(s);
    e->target_text = number_text(t);
    bool few = (!s || s->count <= 6) && (!t || t->count <= 6);
    e->summary =
        few ? ff_asprintf("%s of '%s': %s in the Source, %s in the Target", name, label, e->source_text, e->target_text)
            : ff_asprintf("%s of '%s' has other numbers than in the Source", name, label);
    e->explanation =
        ff_asprintf("With the Source's numbers in this operand of '%s' (%s) the result is the Source's.", label, n->op);
    e->what = ff_asprintf("%s/%d", label, i);
    free(label);
    free(name);
}

static void try_constants(maker *k, const ff_node *n, const ff_node *p)
{
    const ff_plan *source = k->m->source->plan, *target = k->t->run->plan;
    for (int i = 0; i < p->n_inputs && !k->done; i++) {
        const ff_tensor *s = fixed_input(source, p, i), *t = fixed_input(target, n, i);
        ff_tensor *forms[4];
        if (!s || (i < n->n_inputs && n->inputs[i] && !t) || (same_constant(s, t) && s->count < 2))
            continue;
        int count = forms_of(s, t, forms, 4);
        for (int f = 0; f < count; f++) {
            bool whole = t && t->dtype == FF_INT64;
            mend_edit e = start(whole ? FF_CAUSE_ATTRIBUTE_DIFFERS : t ? FF_CAUSE_DIFFERENT : FF_CAUSE_MISSING, p, n);
            if (!k->done && !same_constant(forms[f], t) && write_fixed(k, e.patch, n, i, forms[f])) {
                describe_constant(&e, n, i, s, t);
                offer(k, &e);
            } else {
                mend_edit_finish(&e);
            }
            ff_tensor_unref(forms[f]);
        }
    }
    for (int i = p->n_inputs; i < n->n_inputs && !k->done; i++) { /* one that the Source does not have */
        if (!fixed_input(target, n, i))
            continue;
        mend_edit e = start(FF_CAUSE_ADDED, p, n);
        ff_patch_set_node_input(e.patch, ff_node_address(n), i, "");
        ff_patch_remove_dead(e.patch);
        describe_constant(&e, n, i, NULL, fixed_input(target, n, i));
        offer(k, &e);
    }
}

/* All that differs between nodes of one operator, at once. */
static void try_everything(maker *k, int from, int to)
{
    mend_edit e = start(FF_CAUSE_ATTRIBUTES_DIFFER, k->theirs[to], k->mine[to]);
    const char *names[16];
    for (int at = from; at <= to; at++) {
        const ff_node *n = k->mine[at], *p = k->theirs[at];
        int count = differing(k, n, p, names, 16);
        for (int i = 0; i < count; i++)
            if (!set_attr(k, e.patch, n, p, names[i], true))
                (void)!set_attr(k, e.patch, n, p, names[i], false);
        for (int i = 0; i < p->n_inputs; i++) {
            const ff_tensor *s = fixed_input(k->m->source->plan, p, i), *t = fixed_input(k->t->run->plan, n, i);
            ff_tensor *form;
            if (!s || (i < n->n_inputs && n->inputs[i] && !t) || same_constant(s, t))
                continue;
            if (forms_of(s, t, &form, 1) == 1) {
                (void)!write_fixed(k, e.patch, n, i, form);
                ff_tensor_unref(form);
            }
        }
    }
    char *label = ff_visible(k->mine[to]->label);
    e.summary = ff_asprintf("attributes and constants of '%s' are not the Source's", label);
    e.explanation = ff_asprintf("Several parameters up to '%s' differ from the Source's; together they make the result "
                                "right.",
                                label);
    e.what = ff_asprintf("%s/parameters", label);
    free(label);
    offer(k, &e);
}

/* --------------------------------------------------------------------------------- axes and orders */

static bool next_order(int *at, int n)
{
    int i = n - 2, j = n - 1;
    while (i >= 0 && at[i] >= at[i + 1])
        i--;
    if (i < 0)
        return false;
    while (at[j] <= at[i])
        j--;
    int swap = at[i];
    at[i] = at[j];
    at[j] = swap;
    for (int a = i + 1, b = n - 1; a < b; a++, b--) {
        swap = at[a];
        at[a] = at[b];
        at[b] = swap;
    }
    return true;
}

static void add_list(ff_buf *b, const int64_t *v, int n)
{
    for (int i = 0; i < n; i++)
        ff_buf_printf(b, "%s%lld", i ? "," : "[", (long long)v[i]);
    ff_buf_printf(b, "]");
}

static void describe_order(mend_edit *e, const ff_node *n, const char *name, const int64_t *old, const int64_t *now,
                           int count)
{
    ff_buf a = {0}, b = {0};
    char *label = ff_visible(n->label);
    add_list(&a, old, count);
    add_list(&b, now, count);
    e->attribute = ff_strdup(name);
    e->target_text = ff_buf_steal(&a);
    e->source_text = ff_buf_steal(&b);
    e->summary =
        ff_asprintf("%s of '%s' is %s where the Source's order takes %s", name, label, e->target_text, e->source_text);
    e->explanation = ff_asprintf("'%s' (%s) puts the elements in another order than the Source; with %s %s what reads "
                                 "them gets them as in the Source.",
                                 label, n->op, name, e->source_text);
    e->what = ff_asprintf("%s/%s", label, name);
    free(label);
}

/* A Reshape or Transpose in the place whose dims or axes stand in the wrong order. */
static void try_orders(maker *k, const ff_node *n)
{
    const int64_t *perm = NULL;
    const ff_tensor *shape = is(n, "Reshape") ? fixed_input(k->t->run->plan, n, 1) : NULL;
    int count = is(n, "Transpose") ? (int)ff_node_ints(n, "perm", &perm) : shape ? (int)shape->count : 0, at[MOVED];
    int64_t old[MOVED], now[MOVED];
    if (count < 2 || count > MOVED)
        return;
    for (int i = 0; i < count; i++) {
        at[i] = i;
        old[i] = shape ? ff_tensor_get_int(shape, i) : perm[i];
    }
    while (!k->done && k->tried < TRIED && next_order(at, count)) {
        bool same = true;
        for (int i = 0; i < count; i++) {
            now[i] = old[at[i]];
            same = same && now[i] == old[i];
        }
        if (same)
            continue;
        mend_edit e = start(FF_CAUSE_AXES_PERMUTED, NULL, n);
        bool good = true;
        if (shape) {
            ff_tensor *t;
            good = ff_tensor_create(FF_INT64, 1, (const int64_t[]){count}, &t) == FF_OK;
            for (int i = 0; i < count && good; i++)
                ff_tensor_set_int(t, i, now[i]);
            good = good && write_fixed(k, e.patch, n, 1, t);
            ff_tensor_unref(good ? t : NULL);
        } else {
            const ff_attr a = {.name = "perm", .type = FF_ATTR_INTS, .n = (size_t)count, .ints = now};
            ff_patch_set_attr(e.patch, ff_node_address(n), &a);
        }
        if (good) {
            describe_order(&e, n, shape ? "shape" : "perm", old, now, count);
            offer(k, &e);
        } else {
            mend_edit_finish(&e);
        }
    }
}

static bool reduces(const ff_node *n)
{
    return strncmp(n->op, "Reduce", 6) == 0 && !*n->domain;
}

/* Reductions of the place over other axes: the last so many, or one. */
static void try_reductions(maker *k)
{
    const ff_node *first = NULL;
    int n_reduced = 0;
    for (int i = 0; i < k->p->n_target; i++)
        if (reduces(k->p->target_nodes[i]) && k->p->target_nodes[i]->inputs[0]) {
            first = first ? first : k->p->target_nodes[i];
            n_reduced++;
        }
    const ff_shape *shape = first ? ff_plan_shape(k->t->run->plan, first->inputs[0]) : NULL;
    for (int c = 0; shape && shape->rank > 1 && c < 2 * shape->rank && !k->done; c++) {
        int64_t axes[FF_MAX_RANK];
        int count = c < shape->rank ? c + 1 : 1;
        for (int i = 0; i < count; i++)
            axes[i] = c < shape->rank ? i - count : c - shape->rank;
        mend_edit e =
            start(FF_CAUSE_AXIS_DIFFERS, k->p->n_source ? k->p->source_nodes[k->p->n_source - 1] : NULL, first);
        bool good = true;
        for (int i = 0; i < k->p->n_target && good; i++)
            if (reduces(k->p->target_nodes[i]))
                good = ff_write_axes(k->t->run->plan, e.patch, k->p->target_nodes[i], axes, count) == FF_OK;
        ff_buf b = {0};
        add_list(&b, axes, count);
        char *label = ff_visible(first->label), *old = attr_text(first, "axes");
        e.attribute = ff_strdup("axes");
        e.source_text = ff_buf_steal(&b);
        e.target_text = old;
        e.summary = ff_asprintf("axes of '%s'%s: %s in the Target, the Source's result takes %s", label,
                                n_reduced > 1 ? " and the reductions behind it" : "", old, e.source_text);
        e.explanation = ff_asprintf("'%s' reduces over other axes than the Source does there.", label);
        e.what = ff_asprintf("%s/axes", label);
        free(label);
        if (good)
            offer(k, &e);
        else
            mend_edit_finish(&e);
    }
}

static void try_exchange(maker *k, const ff_node *n)
{
    if (n->n_inputs < 2 || !n->inputs[0] || !n->inputs[1] || n->inputs[0] == n->inputs[1])
        return;
    mend_edit e = start(FF_CAUSE_WIRED_OTHERWISE, k->p->source->producer, n);
    ff_patch_set_node_input(e.patch, ff_node_address(n), 0, n->inputs[1]->name);
    ff_patch_set_node_input(e.patch, ff_node_address(n), 1, n->inputs[0]->name);
    char *label = ff_visible(n->label);
    e.summary = ff_asprintf("the operands of '%s' are exchanged", label);
    e.explanation =
        ff_asprintf("'%s' (%s) gives the Source's result when its first two operands change places.", label, n->op);
    e.what = ff_asprintf("%s/operands", label);
    free(label);
    offer(k, &e);
}

/* --------------------------------------------------------------------------------- nodes */

/* "Add, Relu" of the nodes copied; caller frees. */
static char *ops_of(const ff_node *const *nodes, int n)
{
    ff_buf b = {0};
    for (int i = 0; i < n; i++)
        if (i < 6)
            ff_buf_printf(&b, "%s%s", i ? ", " : "", nodes[i]->op);
    if (n > 6)
        ff_buf_printf(&b, ", ... (%d nodes)", n);
    char *text = ff_buf_steal(&b);
    return text ? text : ff_strdup("nothing");
}

/* An operand is read from where the Source reads it: what is there already, or what is put in between. */
static void try_operand(maker *k, const ff_node *n, const ff_node *p, int i, bool everywhere)
{
    enum { FORMS = 2 };
    const ff_value *x = n->inputs[i], *u = p->inputs[i];
    const ff_shape *own = ff_plan_shape(k->m->source->plan, u);
    mend_layout forms[FORMS];
    int count = mend_layouts(own, ff_plan_shape(k->t->run->plan, x), forms, FORMS);
    bool other = count == 0;
    if (other) {
        forms[0] = (mend_layout){.flat = true};
        count = 1;
    }
    bool *barred = mend_behind(k->t->run->model, n->outputs[0]);
    char *stem = ff_asprintf("%s_repaired", ff_node_address(n));
    for (int f = 0; f < count && !k->done; f++) {
        mend_edit e = start(FF_CAUSE_WIRED_OTHERWISE, p, n);
        mend_job j;
        mend_job_start(&j, k->m, k->t, e.patch, stem, barred);
        const char *name = mend_bring_laid(&j, u, &forms[f], other ? own : ff_plan_shape(k->t->run->plan, x));
        if (name && strcmp(name, x->name) != 0) {
            if (everywhere)
                ff_patch_redirect(e.patch, x->name, name);
            else
                ff_patch_set_node_input(e.patch, ff_node_address(n), i, name);
            ff_patch_remove_dead(e.patch);
            char *label = ff_visible(n->label), *ops = ops_of(j.copied, j.n_copied), *mine = ff_visible(x->name),
                 *seen = ff_visible(name);
            e.what = ff_asprintf("%s/reads %d", label, i);
            if (j.n_copied) {
                e.cause = FF_CAUSE_MISSING_NODES;
                e.summary = ff_asprintf("%s %s missing before '%s'", ops, j.n_copied == 1 ? "is" : "are", label);
                e.explanation =
                    ff_asprintf("The Source has %s in front of what '%s' (%s) corresponds to; put in there, the result "
                                "is the Source's.",
                                ops, label, n->op);
            } else {
                e.summary =
                    ff_asprintf("'%s' reads '%s', the Source there what is '%s' in the Target", label, mine, seen);
                e.explanation = ff_asprintf("Operand %d of '%s' (%s) is wired to another value than in the Source.", i,
                                            label, n->op);
            }
            free(label);
            free(ops);
            free(mine);
            free(seen);
            offer(k, &e);
        } else {
            mend_edit_finish(&e);
        }
        mend_job_finish(&j);
    }
    free(stem);
    free(barred);
}

static void try_operands(maker *k, const ff_node *n, const ff_node *p)
{
    for (int i = 0; i < n->n_inputs && i < p->n_inputs && !k->done; i++) {
        const ff_value *x = n->inputs[i], *u = p->inputs[i];
        if (!x || !u || (k->t->run->fixed[x->id] && k->m->source->fixed[u->id]) ||
            (k->t->match[x->id].source == u->id && k->t->match[x->id].layout.flat))
            continue;
        if (x->n_users > 1)
            try_operand(k, n, p, i, true);
        if (!k->done)
            try_operand(k, n, p, i, false);
    }
}

/* The Target's node becomes the Source's operator on the same operands. */
static void try_operator(maker *k, const ff_node *n, const ff_node *p)
{
    ff_restated r;
    if (!n || !p || strcmp(n->op, p->op) == 0 || n->n_outputs != 1 || p->n_outputs != 1 || *n->domain || *p->domain ||
        !ff_restate(k->m->source->plan, p, ff_model_opset(k->t->run->model, ""), &r))
        return;
    mend_edit e = start(FF_CAUSE_OTHER_NODES, p, n);
    bool *barred = mend_behind(k->t->run->model, n->outputs[0]);
    char *stem = ff_asprintf("%s_repaired", ff_node_address(n));
    const char *inputs[16] = {0}, *output = n->outputs[0]->name;
    mend_job j;
    mend_job_start(&j, k->m, k->t, e.patch, stem, barred);
    bool good = r.n_inputs <= 16 && r.n_inputs > 0, reads = false;
    for (int i = 0; i < r.n_inputs && good; i++) {
        const ff_value *u = i < p->n_inputs ? p->inputs[i] : NULL;
        const ff_value *x = i < n->n_inputs ? n->inputs[i] : NULL;
        bool mine = u && x && k->t->match[x->id].source == u->id;
        if ((size_t)i < FF_COUNT(r.constants) && r.constants[i]) {
            inputs[i] = mend_fresh(&j, "constant");
            ff_patch_set_initializer(e.patch, inputs[i], r.constants[i]);
        } else if (mine && (k->t->match[x->id].layout.flat || p->n_inputs == 1)) {
            inputs[i] = x->name;
            reads = true;
        } else if (u) {
            good = k->m->source->fixed[u->id] && (inputs[i] = mend_bring(&j, u));
        }
    }
    if (good && reads) {
        ff_patch_replace_node(e.patch, ff_node_address(n),
                              &(ff_node_spec){.name = n->name,
                                              .op = p->op,
                                              .domain = "",
                                              .n_inputs = r.n_inputs,
                                              .n_outputs = 1,
                                              .n_attrs = r.n_attrs,
                                              .inputs = inputs,
                                              .outputs = &output,
                                              .attrs = r.attrs});
        ff_patch_remove_dead(e.patch);
        char *label = ff_visible(n->label);
        e.summary = ff_asprintf("'%s' is %s where the Source has %s", label, n->op, p->op);
        e.explanation = ff_asprintf("On the same operands %s gives the Source's result, %s does not.", p->op, n->op);
        e.what = ff_asprintf("%s/operator", label);
        free(label);
        offer(k, &e);
    } else {
        mend_edit_finish(&e);
    }
    mend_job_finish(&j);
    ff_restated_finish(&r);
    free(stem);
    free(barred);
}

/* The node that makes v goes on under its name, and v is called otherwise; who reads v keeps reading it. */
static bool rename_output(mend_job *j, const ff_value *v, const char *to)
{
    const ff_node *n = v->producer;
    if (!n || n->n_captures)
        return false;
    const char **inputs = ff_alloc_array((size_t)n->n_inputs + 1, sizeof *inputs);
    const char **outputs = ff_alloc_array((size_t)n->n_outputs + 1, sizeof *outputs);
    for (int i = 0; i < n->n_inputs; i++)
        inputs[i] = n->inputs[i] ? n->inputs[i]->name : "";
    for (int i = 0; i < n->n_outputs; i++)
        outputs[i] = !n->outputs[i] ? "" : n->outputs[i] == v ? to : n->outputs[i]->name;
    ff_patch_replace_node(j->patch, ff_node_address(n),
                          &(ff_node_spec){.name = n->name,
                                          .op = n->op,
                                          .domain = n->domain,
                                          .n_inputs = n->n_inputs,
                                          .n_outputs = n->n_outputs,
                                          .n_attrs = n->n_attrs,
                                          .inputs = inputs,
                                          .outputs = outputs,
                                          .attrs = n->attrs});
    ff_patch_redirect(j->patch, v->name, to);
    free(inputs);
    free(outputs);
    return true;
}

/* The Source's nodes stand in for what makes the site. */
static void transplant(maker *k)
{
    const mend_place *p = k->p;
    const ff_shape *shape = ff_plan_shape(k->t->run->plan, p->site),
                   *own = ff_plan_shape(k->m->source->plan, p->source);
    const ff_node *n = p->site->producer;
    bool extra = p->n_source == 0, other = mend_layouts(own, shape, &(mend_layout){0}, 1) < 1;
    mend_edit e = start(p->behind ? FF_CAUSE_MISSING_NODES
                        : extra   ? FF_CAUSE_EXTRA_NODES
                                  : FF_CAUSE_OTHER_NODES,
                        p->n_source ? p->source_nodes[p->n_source - 1] : p->source->producer, n);
    bool *barred = p->behind ? NULL : mend_behind(k->t->run->model, p->site);
    char *stem = ff_asprintf("%s_repaired", p->site->name);
    mend_job j;
    mend_job_start(&j, k->m, k->t, e.patch, stem, barred);
    const char *name = NULL;
    bool good = true;
    if (p->site->is_output) {
        const char *aside = mend_fresh(&j, "before");
        good = rename_output(&j, p->site, aside);
        if (p->behind) {
            j.renamed = p->site;
            j.renamed_to = aside;
        }
        if (p->layout.flat && ff_same_axes(own, shape)) {
            j.last = p->source;
            j.last_name = p->site->name;
        }
    }
    if (good)
        name = mend_bring_laid(&j, p->source, &p->layout, other ? own : shape);
    good = name != NULL;
    if (good && p->site->is_output && strcmp(name, p->site->name) != 0)
        ff_patch_insert_node(e.patch,
                             &(ff_node_spec){.name = p->site->name,
                                             .op = "Identity",
                                             .domain = "",
                                             .n_inputs = 1,
                                             .n_outputs = 1,
                                             .inputs = &name,
                                             .outputs = (const char *const *)&p->site->name},
                             NULL);
    else if (good && !p->site->is_output)
        ff_patch_redirect(e.patch, p->site->name, name);
    if (good) {
        if (!p->behind)
            ff_patch_remove_dead(e.patch);
        char *theirs = ops_of(p->source_nodes, p->n_source), *mine = ops_of(p->target_nodes, p->n_target);
        char *label = ff_visible(n ? n->label : p->site->name);
        if (p->behind)
            e.summary =
                ff_asprintf("%s %s missing behind '%s', at the output", theirs, p->n_source == 1 ? "is" : "are", label);
        else if (extra)
            e.summary = ff_asprintf("'%s' (%s) is not in the Source", label, mine);
        else
            e.summary = ff_asprintf("%s up to '%s', where the Source has %s", mine, label, theirs);
        e.explanation =
            ff_asprintf("Run alone on the Source's values this part of the Target gives another result. %s",
                        extra ? "Without it, what reads it gets what the Source has there."
                              : "The repair computes it as the Source does, in the Target's types, layout and opset.");
        e.what = ff_asprintf("%s/part", label);
        free(theirs);
        free(mine);
        free(label);
        offer(k, &e);
    } else {
        mend_edit_finish(&e);
    }
    mend_job_finish(&j);
    free(stem);
    free(barred);
}

/* Nodes of one operator on both sides of the place, counted from its end. */
static void pair_up(maker *k)
{
    const mend_place *p = k->p;
    bool used[MEND_REGION] = {false};
    for (int i = p->n_target - 1; i >= 0; i--)
        for (int j = p->n_source - 1; j >= 0; j--)
            if (!used[j] && strcmp(p->target_nodes[i]->op, p->source_nodes[j]->op) == 0 &&
                strcmp(p->target_nodes[i]->domain, p->source_nodes[j]->domain) == 0) {
                used[j] = true;
                k->mine[k->n_pairs] = p->target_nodes[i];
                k->theirs[k->n_pairs++] = p->source_nodes[j];
                break;
            }
    for (int i = 0; i < k->n_pairs / 2; i++) { /* in the order of the graph */
        const ff_node *n = k->mine[i], *s = k->theirs[i];
        k->mine[i] = k->mine[k->n_pairs - 1 - i];
        k->theirs[i] = k->theirs[k->n_pairs - 1 - i];
        k->mine[k->n_pairs - 1 - i] = n;
        k->theirs[k->n_pairs - 1 - i] = s;
    }
}

int mend_edits(mender *m, const mend_state *t, const mend_place *p, bool (*take)(void *, mend_edit *), void *context)
{
    maker k = {.m = m, .t = t, .p = p, .take = take, .context = context};
    pair_up(&k);
    for (int i = 0; i < k.n_pairs && !k.done; i++)
        try_attributes(&k, k.mine[i], k.theirs[i]);
    for (int i = 0; i < k.n_pairs && !k.done; i++)
        try_constants(&k, k.mine[i], k.theirs[i]);
    if (!k.done)
        try_reductions(&k);
    for (int i = 0; i < p->n_target && !k.done; i++)
        try_exchange(&k, p->target_nodes[i]);
    for (int i = 0; i < k.n_pairs && !k.done; i++)
        try_everything(&k, i, i);
    if (k.n_pairs > 1 && !k.done)
        try_everything(&k, 0, k.n_pairs - 1);
    for (int i = 0; i < k.n_pairs && !k.done; i++)
        try_operands(&k, k.mine[i], k.theirs[i]);
    if (!k.done && p->site->producer && p->source->producer && p->n_target == 1 && p->n_source == 1)
        try_operator(&k, p->site->producer, p->source->producer);
    if (!k.done && p->n_source == 0)
        transplant(&k);
    for (int i = 0; i < p->n_target && !k.done && p->n_target <= 8; i++)
        try_orders(&k, p->target_nodes[i]);
    k.tried = k.tried < TRIED ? k.tried : TRIED - 1;
    if (!k.done && p->n_source > 0)
        transplant(&k);
    return ff_check_cancel(m->task);
}
