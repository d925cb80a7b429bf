/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TSS: an input that is normalised channel by channel (a Gather for each, Unsqueeze, Mul and Add, all put together by
 * a Concat) along the axis on which the channels were before the conversion. */
#include "faults/detect.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_STEPS = 8 };

static bool is(const ff_node *n, const char *op)
{
    return n && !*n->domain && strcmp(n->op, op) == 0;
}

static int64_t positive(int64_t axis, int rank)
{
    return axis < 0 ? axis + rank : axis;
}

/* The activation among the inputs of a node that has one, else NULL. */
static const ff_value *only_activation(const ff_plan *p, const ff_node *n)
{
    const ff_value *found = NULL;
    for (int i = 0; i < n->n_inputs; i++) {
        if (!n->inputs[i] || ff_plan_constant(p, n->inputs[i]))
            continue;
        if (found)
            return NULL;
        found = n->inputs[i];
    }
    return found;
}

static bool unsqueeze_axis(const ff_plan *p, const ff_node *n, int64_t *axis)
{
    const int64_t *given;
    const ff_tensor *t = n->n_inputs > 1 && n->inputs[1] ? ff_plan_constant(p, n->inputs[1]) : NULL;
    if (t && t->count == 1 && t->dtype == FF_INT64)
        *axis = ff_tensor_get_int(t, 0);
    else if (n->n_inputs == 1 && ff_node_ints(n, "axes", &given) == 1)
        *axis = given[0];
    else
        return false;
    return true;
}

/* From an input of the Concat back to the Gather of one index; the Unsqueeze on the way is there too. */
static bool find_channel(const ff_plan *p, const ff_value *v, const ff_node **gather, const ff_node **unsqueeze)
{
    *unsqueeze = NULL;
    for (int i = 0; i < MOST_STEPS && v && v->producer; i++) {
        const ff_node *n = v->producer;
        if (is(n, "Gather")) {
            const ff_tensor *index = n->n_inputs == 2 ? ff_plan_constant(p, n->inputs[1]) : NULL;
            *gather = n;
            return *unsqueeze && index && index->count == 1 && index->rank == 0;
        }
        if (is(n, "Unsqueeze") && !*unsqueeze)
            *unsqueeze = n;
        else if (!is(n, "Mul") && !is(n, "Add") && !is(n, "Sub") && !is(n, "Div"))
            return false;
        v = only_activation(p, n);
    }
    return false;
}

/* The only axis that is as long as there are channels; -1: none, or several. */
static int axis_of(const ff_shape *s, int64_t channels)
{
    int found = -1;
    for (int i = 1; i < s->rank; i++) {
        if (s->dims[i] != channels)
            continue;
        if (found >= 0)
            return -1;
        found = i;
    }
    return found;
}

static void examine(ff_detection *d, const ff_node *concat)
{
    const ff_plan *p = d->subject->target.canon->plan;
    const ff_node **nodes = ff_alloc_array((size_t)(2 * concat->n_inputs + 1), sizeof *nodes);
    const ff_value *whole = NULL;
    int n = 0, wanted = -1;
    bool wrong = false;
    for (int i = 0; i < concat->n_inputs; i++) {
        const ff_node *gather, *unsqueeze;
        if (!find_channel(p, concat->inputs[i], &gather, &unsqueeze) || (whole && gather->inputs[0] != whole))
            goto out;
        whole = gather->inputs[0];
        nodes[n++] = gather;
        nodes[n++] = unsqueeze;
    }
    nodes[n++] = concat;
    const ff_shape *s = whole ? ff_plan_shape(p, whole) : NULL;
    s = s && s->rank < 1 ? &whole->declared : s;
    wanted = s ? axis_of(s, concat->n_inputs) : -1;
    for (int i = 0; i < n && wanted >= 0; i++) {
        int64_t axis = ff_node_int(nodes[i], "axis", 0);
        if (is(nodes[i], "Unsqueeze") && !unsqueeze_axis(p, nodes[i], &axis))
            goto out;
        wrong |= positive(axis, s->rank) != wanted;
    }
    if (!wrong)
        goto out;
    char *label = ff_visible(concat->label);
    ff_finding *f = ff_detection_add(d, FF_CAUSE_NORMALISATION_AXIS, "normalisation");
    f->target_nodes = ff_nodes_copy(nodes, n);
    f->n_target_nodes = n;
    f->hint->axis = wanted;
    f->summary =
        ff_asprintf("'%s' and what it joins normalise the input along another axis than that of its %d channels, %d",
                    label, concat->n_inputs, wanted);
    f->explanation = ff_strdup(
        "Each channel of the input is taken out, scaled, shifted and put back by itself. The conversion changed the "
        "layout of the input and kept the axis of the old one, so that rows or columns are taken for channels. The "
        "repair sets the axis of each Gather and Unsqueeze and of the Concat.");
    json_t *j = json_object();
    json_object_set_new(j, "axis", json_integer(wanted));
    ff_finding_set_details(f, j);
    free(label);
out:
    free(nodes);
}

int ff_detect_normalisation(ff_detection *d)
{
    const ff_graph *g = ff_model_graph(d->subject->target.model);
    for (int i = 0; d->subject->target.canon && i < g->n_nodes; i++)
        if (is(g->nodes[i], "Concat") && g->nodes[i]->n_inputs > 1)
            examine(d, g->nodes[i]);
    return FF_OK;
}
