/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One pair looked into by hand: what both sides make of an image there, and what the Target would answer if it went on
 * with the Source's activation. */
#include <stdlib.h>

#include "examine/layers.h"

static const ff_cvalue *output_of(const ff_canon *c, int node)
{
    if (node < 0 || c->nodes[node].n_outputs < 1)
        return NULL;
    const ff_cvalue *v = &c->values[c->nodes[node].outputs[0]];
    return v->original ? v : NULL;
}

/* The output of the pair as the only layer that is watched. */
static int one_layer(const ff_subject *s, int pair, ff_layer *layer, ff_layers *out)
{
    const ff_alignment *a = s->alignment;
    if (!a)
        return ff_fail(FF_ERR_USAGE, "the models are not aligned");
    if (pair < 0 || pair >= a->n_pairs)
        return ff_fail(FF_ERR_USAGE, "there is no pair %d", pair);
    *layer = (ff_layer){.pair = pair, .round = -1};
    layer->source = output_of(a->source, a->pairs[pair].source);
    layer->target = output_of(a->target, a->pairs[pair].target);
    *out = (ff_layers){.subject = s, .count = 1, .at = layer};
    return FF_OK;
}

static int watch(const ff_layers *l, bool target, int image, const ff_task *task, ff_tensor **out)
{
    const ff_side *side = target ? &l->subject->target : &l->subject->source;
    ff_runner *runner;
    *out = NULL;
    if (!(target ? l->at->target : l->at->source) || !side->observe)
        return FF_OK;
    int rc = ff_runner_create(side->observe, &runner);
    if (rc != FF_OK)
        return rc;
    ff_activations a;
    ff_activations_init(&a, l, target);
    rc = ff_activations_run(&a, runner, image, task, NULL);
    if (rc == FF_OK) {
        *out = a.out[0];
        a.out[0] = NULL;
    }
    ff_activations_finish(&a);
    ff_runner_destroy(runner);
    return rc;
}

int ff_probe(const ff_subject *s, int pair, int image, const ff_task *task, ff_tensor **source, ff_tensor **target)
{
    ff_layer layer;
    ff_layers l;
    int rc = one_layer(s, pair, &layer, &l);
    if (rc == FF_OK && (image < 0 || image >= ff_dataset_count(s->set)))
        rc = ff_fail(FF_ERR_USAGE, "there is no image %d", image);
    if (rc != FF_OK)
        return rc;
    ff_tensor *a = NULL, *b = NULL;
    rc = watch(&l, false, image, task, &a);
    if (rc == FF_OK)
        rc = watch(&l, true, image, task, &b);
    if (rc != FF_OK) {
        ff_tensor_unref(a);
        return rc;
    }
    *source = a;
    *target = b;
    return FF_OK;
}

/* ------------------------------------------------------------------------------------- injection */

typedef struct injection {
    const ff_layers *layers;
    const ff_task *task;
    ff_runners source, target;
    ff_labels *labels;
} injection;

static int inject_image(void *context, int64_t index, int worker)
{
    injection *j = context;
    ff_activations a, b;
    ff_activations_init(&a, j->layers, false);
    ff_activations_init(&b, j->layers, true);
    b.inject = &a;
    b.inject_output = 0;
    int rc = ff_activations_run(&a, j->source.at[worker], (int)index, j->task, NULL);
    if (rc == FF_OK)
        rc = ff_activations_run(&b, j->target.at[worker], (int)index, j->task, &j->labels->at[index]);
    ff_activations_finish(&a);
    ff_activations_finish(&b);
    if (rc == FF_OK && j->task->progress)
        ff_progress_add(j->task->progress, 1);
    return rc;
}

int ff_inject(const ff_subject *s, int pair, const ff_task *task, ff_labels **out)
{
    ff_layer layer;
    ff_layers l;
    int rc = one_layer(s, pair, &layer, &l);
    if (rc != FF_OK)
        return rc;
    if (!layer.source || !layer.target || !s->target.observe)
        return ff_fail(FF_ERR_USAGE, "there is no activation there that both sides have");
    if (!ff_cvalues_alike(layer.source, layer.target))
        return ff_fail(FF_ERR_USAGE, "the activations have other dimensions there");
    int n = ff_dataset_count(s->set);
    injection j = {.layers = &l, .task = task, .labels = ff_labels_create(n)};
    rc = ff_runners_init(&j.source, s->source.observe, task);
    if (rc == FF_OK)
        rc = ff_runners_init(&j.target, s->target.observe, task);
    if (rc == FF_OK) {
        if (task->progress)
            ff_progress_start(task->progress, "injecting", n);
        rc = ff_pool_for(task->pool, n, inject_image, &j, task->cancel);
        if (task->progress)
            ff_progress_finish(task->progress);
    }
    ff_runners_finish(&j.source);
    ff_runners_finish(&j.target);
    if (rc != FF_OK) {
        ff_labels_destroy(j.labels);
        return rc;
    }
    *out = j.labels;
    return FF_OK;
}
