/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The view in words, look-ups, and data between the original and the canonical form. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fetafix/canon.h"

const ff_cattr *ff_cnode_attr(const ff_cnode *n, const char *name)
{
    for (int i = 0; i < n->n_attrs; i++)
        if (strcmp(n->attrs[i].name, name) == 0)
            return &n->attrs[i];
    return NULL;
}

const ff_cparam *ff_cnode_param(const ff_cnode *n, const char *role)
{
    for (int i = 0; i < n->n_params; i++)
        if (strcmp(n->params[i].role, role) == 0)
            return &n->params[i];
    return NULL;
}

static void put_real(ff_buf *b, double v)
{
    if (isinf(v))
        ff_buf_puts(b, v > 0 ? "inf" : "-inf");
    else
        ff_buf_printf(b, "%.7g", v);
}

char *ff_cattr_format(const ff_cattr *a)
{
    ff_buf b = {0};
    if (a->type == FF_CATTR_TEXT) {
        ff_buf_visible(&b, a->text);
        return ff_buf_steal(&b);
    }
    if (a->n != 1)
        ff_buf_putc(&b, '[');
    for (int i = 0; i < a->n; i++) {
        if (i > 0)
            ff_buf_putc(&b, ',');
        if (a->type == FF_CATTR_INTS)
            ff_buf_printf(&b, "%lld", (long long)a->ints[i]);
        else
            put_real(&b, a->reals[i]);
    }
    if (a->n != 1)
        ff_buf_putc(&b, ']');
    return ff_buf_steal(&b);
}

static bool all_are(const ff_cattr *a, int64_t v)
{
    for (int i = 0; a && i < a->n; i++)
        if (a->ints[i] != v)
            return false;
    return true;
}

static void put_window(ff_buf *b, const ff_cnode *n)
{
    const ff_cattr *k = ff_cnode_attr(n, "kernel_shape"), *s = ff_cnode_attr(n, "strides"),
                   *d = ff_cnode_attr(n, "dilations"), *p = ff_cnode_attr(n, "pads");
    for (int i = 0; k && i < k->n; i++)
        ff_buf_printf(b, "%s%lld", i == 0 ? " " : "x", (long long)k->ints[i]);
    const struct {
        const ff_cattr *a;
        const char *letter;
        int64_t usual;
    } rest[] = {{s, "s", 1}, {d, "d", 1}, {p, "p", 0}};
    for (int i = 0; i < 3; i++) {
        const ff_cattr *a = rest[i].a;
        if (!a || a->n == 0 || all_are(a, rest[i].usual))
            continue;
        ff_buf_printf(b, " %s%lld", rest[i].letter, (long long)a->ints[0]);
        for (int j = 1; j < a->n && !all_are(a, a->ints[0]); j++)
            ff_buf_printf(b, ",%lld", (long long)a->ints[j]);
    }
    const ff_cattr *ceil_mode = ff_cnode_attr(n, "ceil_mode"), *count = ff_cnode_attr(n, "count_include_pad");
    if (ceil_mode && ceil_mode->ints[0])
        ff_buf_puts(b, " ceil");
    if (count && count->ints[0])
        ff_buf_puts(b, " counts pads");
}

/* What everybody calls Relu is a Clip here. */
static bool is_relu(const ff_cattr *min, const ff_cattr *max)
{
    return min && max && min->reals[0] == 0 && isinf(max->reals[0]) && max->reals[0] > 0;
}

char *ff_cnode_describe(const ff_canon *c, const ff_cnode *n)
{
    ff_buf b = {0};
    (void)c;
    if (strcmp(n->op, "Clip") == 0 && is_relu(ff_cnode_attr(n, "min"), ff_cnode_attr(n, "max")))
        return ff_strdup("Relu");
    ff_buf_visible(&b, n->op);
    const ff_cparam *w = ff_cnode_param(n, "weight");
    const ff_cattr *group = ff_cnode_attr(n, "group");
    bool layer = w && w->tensor->rank >= 2;
    if (layer && strcmp(n->op, "ConvTranspose") == 0)
        ff_buf_printf(&b, " %lld", (long long)(w->tensor->dims[1] * (group ? group->ints[0] : 1)));
    else if (layer)
        ff_buf_printf(&b, " %lld", (long long)w->tensor->dims[0]);
    if (group && group->ints[0] > 1) {
        if (layer && w->tensor->dims[1] == 1 && w->tensor->dims[0] == group->ints[0])
            ff_buf_puts(&b, " dw");
        else
            ff_buf_printf(&b, " g%lld", (long long)group->ints[0]);
    }
    if (ff_cnode_attr(n, "kernel_shape")) {
        put_window(&b, n);
        return ff_buf_steal(&b);
    }
    if (strcmp(n->op, "Clip") == 0 && ff_cnode_attr(n, "min") && ff_cnode_attr(n, "max")) {
        ff_buf_putc(&b, ' ');
        put_real(&b, ff_cnode_attr(n, "min")->reals[0]);
        ff_buf_puts(&b, "..");
        put_real(&b, ff_cnode_attr(n, "max")->reals[0]);
        return ff_buf_steal(&b);
    }
    for (int i = 0; i < n->n_attrs; i++) {
        char *text = ff_cattr_format(&n->attrs[i]);
        bool plain = strcmp(n->attrs[i].name, "perm") == 0 || strcmp(n->attrs[i].name, "shape") == 0;
        if (plain)
            ff_buf_printf(&b, " %s", text);
        else
            ff_buf_printf(&b, " %s=%s", n->attrs[i].name, text);
        free(text);
    }
    return ff_buf_steal(&b);
}

int ff_cvalue_from_original(const ff_cvalue *v, const ff_tensor *t, ff_tensor **out)
{
    return ff_layout_apply(&v->layout, t, v->shape.rank, v->shape.dims, out);
}

int ff_cvalue_to_original(const ff_cvalue *v, const ff_shape *original, const ff_tensor *t, ff_tensor **out)
{
    return ff_layout_invert(&v->layout, t, original->rank, original->dims, out);
}

int ff_cparam_to_original(const ff_cparam *p, const ff_tensor *canonical, ff_tensor **out)
{
    int64_t dims[FF_MAX_RANK], count = 1;
    int rank = p->layout.rank;
    for (int i = 0; i < rank; i++)
        count *= dims[i] = p->layout.dims[i];
    if (!p->original || count != canonical->count)
        return ff_fail(FF_ERR_GRAPH, "the %s has no counterpart in the model", p->role);
    if (p->original->initializer) {
        rank = p->original->initializer->rank;
        memcpy(dims, p->original->initializer->dims, sizeof dims);
    } else if (p->original->declared.rank >= 0) {
        rank = p->original->declared.rank;
        memcpy(dims, p->original->declared.dims, sizeof dims);
    }
    return ff_layout_invert(&p->layout, canonical, rank, dims, out);
}
