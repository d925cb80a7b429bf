/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A preprocessing moved into the graph. With z = (p[c']/s - m)/d what is fed and y = (p[c]/S - M)/D what is wanted of
 * the same pixels p, y = z * (s d / (S D)) + (s m / S - M)/D, channel c' being c or, in the other order, 2 - c: a
 * Gather over the channels, a Mul and an Add behind the input, each only where it does something.
 */
#include "fetafix/faults.h"

#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 3 };

/* The axis of the channels in what the model is fed; -1: there is none. */
static int channel_axis(const ff_pre *pre, const ff_shape *s)
{
    if (s->rank != 4)
        return -1;
    bool last = pre->layout == FF_LAYOUT_NHWC ||
                (pre->layout == FF_LAYOUT_AUTO && s->dims[3] == CHANNELS && s->dims[1] != CHANNELS);
    int axis = last ? 3 : 1;
    return s->dims[axis] == CHANNELS ? axis : -1;
}

/* What no node can make up for. */
static bool same_pixels(const ff_pre *a, const ff_pre *b)
{
    ff_pre c = *b;
    c.bgr = a->bgr;
    c.scale = a->scale;
    for (int i = 0; i < CHANNELS; i++) {
        c.mean[i] = a->mean[i];
        c.std[i] = a->std[i];
    }
    return a->layout == b->layout && ff_pre_equal(a, &c);
}

/* Adds a node that reads *value and the constant, and makes it the value. */
static void chain(const ff_model *m, ff_patch *p, const char *op, const ff_attr *attr, ff_tensor *constant,
                  const char *input, char **value)
{
    char *stem = ff_asprintf("%s_%s", input, op);
    char *name = ff_model_fresh_name(m, stem);
    char *with = ff_asprintf("%s_constant", name), *constant_name = ff_model_fresh_name(m, with);
    ff_patch_set_initializer(p, constant_name, constant);
    ff_node_spec n = {.name = name,
                      .op = op,
                      .domain = "",
                      .n_inputs = 2,
                      .n_outputs = 1,
                      .n_attrs = attr ? 1 : 0,
                      .inputs = (const char *const[]){*value, constant_name},
                      .outputs = (const char *const[]){name},
                      .attrs = attr};
    ff_patch_insert_node(p, &n, NULL);
    free(*value);
    *value = name;
    free(stem);
    free(with);
    free(constant_name);
    ff_tensor_unref(constant);
}

static int make_constant(ff_dtype type, int axis, const void *values, size_t size, ff_tensor **out)
{
    const int64_t dims[] = {CHANNELS, 1, 1};
    int rc = ff_tensor_create(type, axis == 1 ? 3 : 1, dims, out);
    if (rc == FF_OK)
        memcpy((*out)->data, values, size);
    return rc;
}

int ff_pre_into_graph(const ff_model *m, const ff_pre *fed, const ff_pre *wanted, ff_patch **out)
{
    const ff_graph *g = ff_model_graph(m);
    ff_shape shape;
    if (g->n_inputs != 1)
        return ff_fail(FF_ERR_USAGE, "the preprocessing cannot be written into the graph: it has %d inputs",
                       g->n_inputs);
    if (!same_pixels(fed, wanted))
        return ff_fail(FF_ERR_USAGE, "the preprocessing cannot be written into the graph: it differs in more than "
                                     "scale, mean, deviation and channel order");
    int rc = ff_pre_input_shape(fed, &g->inputs[0]->declared, &shape);
    if (rc != FF_OK)
        return rc;
    int axis = channel_axis(fed, &shape);
    if (axis < 0 || shape.dtype != FF_FLOAT)
        return ff_fail(FF_ERR_USAGE, "the preprocessing cannot be written into the graph: its input is not a "
                                     "float32 picture of three channels");

    float factor[CHANNELS], term[CHANNELS];
    bool turned = fed->bgr != wanted->bgr, scaled = false, shifted = false;
    for (int c = 0; c < CHANNELS; c++) {
        int from = turned ? CHANNELS - 1 - c : c;
        factor[c] = (float)(fed->scale * fed->std[from] / (wanted->scale * wanted->std[c]));
        term[c] = (float)((fed->scale * fed->mean[from] / wanted->scale - wanted->mean[c]) / wanted->std[c]);
        scaled = scaled || factor[c] != 1;
        shifted = shifted || term[c] != 0;
    }
    ff_patch *p = ff_patch_create();
    const char *input = g->inputs[0]->name;
    char *value = ff_strdup(input);
    ff_tensor *t;
    if (turned) {
        const int64_t order[] = {2, 1, 0}, n = CHANNELS;
        const ff_attr a = {.name = "axis", .type = FF_ATTR_INT, .i = axis};
        if ((rc = ff_tensor_create(FF_INT64, 1, &n, &t)) != FF_OK)
            goto out;
        memcpy(t->data, order, sizeof order);
        chain(m, p, "Gather", &a, t, input, &value);
    }
    if (scaled) {
        if ((rc = make_constant(FF_FLOAT, axis, factor, sizeof factor, &t)) != FF_OK)
            goto out;
        chain(m, p, "Mul", NULL, t, input, &value);
    }
    if (shifted) {
        if ((rc = make_constant(FF_FLOAT, axis, term, sizeof term, &t)) != FF_OK)
            goto out;
        chain(m, p, "Add", NULL, t, input, &value);
    }
    if (ff_patch_length(p) > 0)
        ff_patch_redirect(p, input, value);
out:
    free(value);
    if (rc != FF_OK) {
        ff_patch_destroy(p);
        return rc;
    }
    *out = p;
    return FF_OK;
}
