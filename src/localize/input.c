/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ID: the Target's input has other dimensions than the Source's. Another layout alone is no fault when what follows
 * restores the order; it is one when the order gets lost on the way (TSS finds where), and when a picture does not
 * fit in at all. */
#include "localize/axes.h"
#include "localize/detect.h"
#include "localize/region.h"

#include <stdlib.h>
#include <string.h>

static json_t *json_dims(const ff_shape *s)
{
    json_t *a = json_array();
    for (int i = 0; i < s->rank; i++)
        json_array_append_new(a, json_integer(s->dims[i]));
    return a;
}

static char *print_dims(const ff_shape *s)
{
    ff_buf b = {0};
    ff_buf_putc(&b, '[');
    for (int i = 0; i < s->rank; i++) {
        if (s->dims[i] < 0)
            ff_buf_printf(&b, "%s?", i ? "," : "");
        else
            ff_buf_printf(&b, "%s%lld", i ? "," : "", (long long)s->dims[i]);
    }
    ff_buf_putc(&b, ']');
    return ff_buf_steal(&b);
}

/* The same but for the number of pictures at a time. */
static bool same_but_batch(const ff_shape *a, const ff_shape *b)
{
    ff_shape c = *b;
    if (a->rank < 1 || b->rank != a->rank)
        return false;
    c.dims[0] = a->dims[0];
    return ff_same_axes(a, &c);
}

static bool order_is_lost(const ff_detection *d)
{
    for (int i = 0; i < d->findings->count; i++)
        if (strcmp(d->findings->at[i].cause, "input-axes-permuted") == 0)
            return true;
    return false;
}

/* Does a layer with weights compute on our pictures? Then it is what follows that breaks, not the input. */
static bool a_layer_works(const ff_subject *s)
{
    const ff_canon *c = s->target.canon;
    bool whole = !c || !c->n_outputs || ff_region_computed(s, c->outputs[0]);
    for (int i = 0; !whole && i < c->n_nodes; i++)
        if (c->nodes[i].n_params && ff_region_computed(s, c->nodes[i].outputs[0]))
            return true;
    return false;
}

/* Runs after the detector of structure. */
int ff_detect_input(ff_detection *d)
{
    const ff_subject *s = d->subject;
    const ff_graph *g = ff_model_graph(s->target.model);
    if (g->n_inputs != 1)
        return FF_OK;
    const ff_shape *source = ff_plan_input_shape(s->source.score, 0);
    const ff_shape *target = s->target.score ? ff_plan_input_shape(s->target.score, 0) : &g->inputs[0]->declared;
    if (ff_same_axes(source, target))
        return FF_OK;
    bool unfit = s->target.error && !s->target.feed && !a_layer_works(s);
    bool size = false;
    if (s->target.canon && s->target.canon->n_inputs == 1 && s->source.canon->n_inputs == 1)
        size = !same_but_batch(&s->source.canon->values[s->source.canon->inputs[0]].shape,
                               &s->target.canon->values[s->target.canon->inputs[0]].shape);
    if (!unfit && !size && !order_is_lost(d)) {
        if (same_but_batch(source, target))
            ff_detection_add_same(d, "batch", "the input takes another number of pictures at a time, each by itself",
                                  0);
        return FF_OK;
    }

    char *a = print_dims(source), *b = print_dims(target), *name = ff_visible(g->inputs[0]->name);
    ff_finding *f = ff_detection_add(d, FF_ID,
                                     unfit  ? "input-takes-no-image"
                                     : size ? "input-size"
                                            : "input-layout",
                                     "input");
    f->hint->input = g->inputs[0];
    f->hint->shape = *source;
    f->summary = ff_asprintf("input '%s' is %s where the Source takes %s", name, b, a);
    f->explanation = ff_asprintf(
        "%s Converters that cannot tell the order of the axes declare the input as they guess. The repair gives the "
        "input the Source's dimensions and makes what reads it see the Source's order.",
        unfit  ? "No picture fits in: the axes of height, width and channels are not where any layout has them."
        : size ? "The Target looks at pictures of another size."
               : "The axes are in another order, and what follows the input does not restore it.");
    json_t *j = json_object();
    json_object_set_new(j, "source", json_dims(source));
    json_object_set_new(j, "target", json_dims(target));
    if (s->target.error)
        json_object_set_new(j, "error", json_string(s->target.error));
    ff_finding_set_details(f, j);
    free(a);
    free(b);
    free(name);
    return FF_OK;
}
