/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ID: the Target's input has other dimensions than the Source's. Another layout alone is no fault when what follows
 * restores the order; it is one when the order gets lost on the way (TSS finds where), and when a picture does not
 * fit in at all. */
#include "fetafix/examine.h"
#include "faults/detect.h"

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
    ff_buf_dims(&b, s->rank, s->dims);
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
        if (ff_caused_by(&d->findings->at[i], FF_CAUSE_INPUT_AXES_PERMUTED))
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

/* Frozen to several pictures at a time: who runs the file has to give it so many. One at a time is what the Source does,
 * or can do. */
static bool batch_is_frozen(const ff_shape *source, const ff_shape *target)
{
    return target->rank > 1 && source->rank > 1 && target->dims[0] > 1 && source->dims[0] != target->dims[0];
}

/* Does the Target run on one picture, once its input is declared so? Nodes inside may hold to the batch. */
static bool takes_one(const ff_subject *s, const ff_value *input)
{
    ff_shape one = input->declared;
    one.dims[0] = 1;
    ff_patch *patch = ff_patch_create();
    ff_patch_set_input_shape(patch, input->name, one.dtype, one.rank, one.dims);
    ff_model *m = NULL;
    ff_plan *plan = NULL;
    bool good = ff_model_apply(s->target.model, patch, &m, NULL) == FF_OK &&
                ff_plan_create(m, &(ff_plan_options){.feeds = &one}, &plan) == FF_OK;
    ff_plan_unref(plan);
    ff_model_unref(m);
    ff_patch_destroy(patch);
    return good;
}

static void report_batch(ff_detection *d, const ff_value *input, const ff_shape *source)
{
    const ff_shape *target = &input->declared;
    char *name = ff_visible(input->name);
    ff_finding *f = ff_detection_add(d, FF_CAUSE_INPUT_BATCH, "input");
    f->hint->input = input;
    f->hint->shape = *target;
    f->hint->shape.dims[0] = source->dims[0] < 0 ? -1 : source->dims[0];
    char *wants = source->dims[0] < 0 ? ff_strdup("any number") : ff_asprintf("%lld", (long long)source->dims[0]);
    f->summary = ff_asprintf("input '%s' takes %lld pictures at a time, the Source's %s", name,
                             (long long)target->dims[0], wants);
    f->explanation =
        ff_strdup("The conversion froze the first axis to the batch that it was tried with. No label changes "
                  "by that, but whoever runs the file cannot give it a single picture. The repair declares "
                  "the axis as in the Source.");
    json_t *j = json_object();
    json_object_set_new(j, "source", json_integer(source->dims[0]));
    json_object_set_new(j, "target", json_integer(target->dims[0]));
    ff_finding_set_details(f, j);
    free(wants);
    free(name);
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
    const ff_shape *wanted = &ff_model_graph(s->source.model)->inputs[0]->declared;
    if (!s->target.error && batch_is_frozen(wanted, &g->inputs[0]->declared) && takes_one(s, g->inputs[0])) {
        report_batch(d, g->inputs[0], wanted);
        return FF_OK;
    }
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
    ff_finding *f = ff_detection_add(d,
                                     unfit  ? FF_CAUSE_INPUT_TAKES_NO_IMAGE
                                     : size ? FF_CAUSE_INPUT_SIZE
                                            : FF_CAUSE_INPUT_LAYOUT,
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
