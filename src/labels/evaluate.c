/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetafix/labels.h"

#include <stdlib.h>
#include <string.h>

int ff_label_plan(const ff_model *m, const char *output, const ff_pre *pre, const ff_dataset *set, bool reference,
                  const ff_task *task, ff_plan **out)
{
    ff_shape shapes[FF_MOST_INPUTS];
    int code = ff_feed_shapes(set, pre, m, shapes);
    if (code)
        return code;
    ff_plan_options o = {
        .reference = reference, .feeds = shapes, .output = output, .cancel = task ? task->cancel : NULL};
    return ff_plan_create(m, &o, out);
}

static const ff_value *read_output(const ff_model *m, const char *output)
{
    const ff_graph *g = ff_model_graph(m);
    for (int i = 0; i < g->n_outputs; i++)
        if (!output || strcmp(g->outputs[i]->name, output) == 0)
            return g->outputs[i];
    return NULL;
}

static bool is_known(const ff_shape *s, int from)
{
    bool known = s->rank >= 0;
    for (int i = from; i < s->rank; i++)
        known = known && s->dims[i] >= 0;
    return known;
}

bool ff_label_is_classes(const ff_model *m, const char *output, const ff_pre *pre, const ff_dataset *set)
{
    const ff_value *v = read_output(m, output);
    ff_feed *feed;
    if (!v || ff_feed_create_for(set, pre, m, 0, &feed) != FF_OK)
        return true;
    /* The sample is one of a batch where it stands in a first axis that counts such samples. */
    const ff_shape *input = ff_feed_shape(feed);
    int64_t batch = ff_feed_repeats(feed);
    bool counts = ff_dataset_is_pictures(set) || batch > 1 || (input->rank > 0 && input->dims[0] == 1);
    ff_shape s = v->declared;
    ff_feed_destroy(feed);
    ff_plan *plan;
    if (!is_known(&s, counts) && ff_label_plan(m, output, pre, set, true, NULL, &plan) == FF_OK) {
        s = *ff_plan_shape(plan, ff_plan_output(plan, 0));
        ff_plan_unref(plan);
        if (s.rank < 0) /* a list, or as long as the sample makes it */
            return false;
    }
    if (s.dtype != FF_UNDEFINED && !ff_dtype_is_float(s.dtype))
        return false;
    if (!is_known(&s, counts))
        return true;
    int long_axes = 0;
    for (int i = 0; i < s.rank; i++)
        long_axes += s.dims[i] > 1 && !(i == 0 && counts && s.rank > 1 && (s.dims[i] == batch || s.dims[i] < 0));
    return long_axes == 1;
}

/* What makes a model one that "cannot run": everything that is neither our lack nor the user's
 * stop. */
static bool is_models_fault(int code)
{
    return code == FF_ERR_GRAPH;
}

int ff_label_model(const ff_model *m, const char *output, const ff_pre *pre, const ff_dataset *set, bool reference,
                   uint64_t memory, ff_store *kept, ff_keep keep, const ff_task *task, ff_labels **out)
{
    ff_plan *plan = NULL;
    ff_feed *feed = NULL;
    ff_runner **runners = NULL;
    int n = task && task->pool ? ff_pool_threads(task->pool) : 1;
    ff_labels *l = ff_labels_create(ff_dataset_count(set));
    int code = ff_label_plan(m, output, pre, set, reference, task, &plan);
    if (!code)
        code = ff_feed_create_for(set, pre, m, memory, &feed);
    runners = ff_alloc_array((size_t)n, sizeof *runners);
    for (int i = 0; !code && i < n; i++)
        code = ff_runner_create(plan, &runners[i]);
    if (!code)
        code =
            ff_label_run(runners, feed, NULL, 0, ff_store_for(kept, ff_feed_key(feed), plan, l->count), keep, task, l);
    if (code && is_models_fault(code)) {
        l->error = ff_strdup(ff_error());
        for (int i = 0; i < l->count; i++) {
            for (int k = 0; k < FF_TOP; k++)
                l->at[i].top[k] = -1;
        }
        code = FF_OK;
    }
    for (int i = 0; i < n; i++)
        ff_runner_destroy(runners[i]);
    free(runners);
    ff_feed_destroy(feed);
    ff_plan_unref(plan);
    if (code) {
        ff_labels_destroy(l);
        return code;
    }
    *out = l;
    return FF_OK;
}
