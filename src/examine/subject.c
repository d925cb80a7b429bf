/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Both sides of a case made ready: plans, canonical views, inputs, labels, alignment. */
#include "fetafix/examine.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MEMORY    ((uint64_t)512 << 20)
#define MOST_OUTPUT_BYTES 256e6

/* The Source and the options outlive the subject that made them: judges and retargeted subjects hold on. */
struct ff_shared {
    atomic_int references;
    const ff_dataset *set;
    ff_side source;
    ff_subject_options options; /* strings and pins copied; labels NULL */
    bool source_soft;
    ff_store *kept;
};

struct ff_subject_private {
    ff_shared *shared;
};

static void side_finish(ff_side *s)
{
    ff_canon_destroy(s->canon);
    ff_plan_unref(s->observe);
    ff_plan_unref(s->score);
    ff_feed_destroy(s->feed);
    ff_labels_destroy(s->labels);
    ff_model_unref(s->model);
    free(s->error);
}

static ff_pin *pins_copy(const ff_pin *pins, int n)
{
    ff_pin *copy = ff_alloc_array((size_t)n + 1, sizeof *copy);
    for (int i = 0; i < n; i++)
        copy[i] = (ff_pin){ff_strdup(pins[i].source), ff_strdup(pins[i].target), pins[i].forbid};
    return copy;
}

static void pins_free(const ff_pin *pins, int n)
{
    for (int i = 0; i < n; i++) {
        free((char *)pins[i].source);
        free((char *)pins[i].target);
    }
    free((ff_pin *)pins);
}

static void options_copy(const ff_subject_options *o, ff_subject_options *out)
{
    *out = o ? *o : (ff_subject_options){0};
    out->source_labels = out->target_labels = NULL;
    out->source_output = ff_strdup(out->source_output);
    out->target_output = ff_strdup(out->target_output);
    if (!out->memory)
        out->memory = DEFAULT_MEMORY;
    out->pins = pins_copy(out->pins, out->n_pins);
}

ff_shared *ff_subject_shared(const ff_subject *s)
{
    atomic_fetch_add(&s->priv->shared->references, 1);
    return s->priv->shared;
}

void ff_shared_unref(ff_shared *h)
{
    if (!h || atomic_fetch_sub(&h->references, 1) > 1)
        return;
    side_finish(&h->source);
    ff_store_destroy(h->kept);
    free((char *)h->options.source_output);
    free((char *)h->options.target_output);
    pins_free(h->options.pins, h->options.n_pins);
    free(h);
}

const ff_side *ff_shared_source(const ff_shared *h)
{
    return &h->source;
}

const ff_subject_options *ff_shared_options(const ff_shared *h)
{
    return &h->options;
}

const ff_dataset *ff_shared_set(const ff_shared *h)
{
    return h->set;
}

const ff_subject_options *ff_subject_options_of(const ff_subject *s)
{
    return &s->priv->shared->options;
}

ff_store *ff_shared_kept(const ff_shared *h, const ff_feed *feed, const ff_plan *p)
{
    return ff_store_for(h->kept, ff_feed_key(feed), p, ff_dataset_count(h->set));
}

bool ff_shared_source_soft(const ff_shared *h)
{
    return h->source_soft;
}

static ff_labels *labels_copy(const ff_labels *l)
{
    ff_labels *copy = ff_labels_create(l->count);
    copy->width = l->width;
    copy->error = ff_strdup(l->error);
    for (int i = 0; i < l->count; i++) {
        copy->at[i] = l->at[i];
        copy->at[i].form = ff_form_copy(l->at[i].form);
        if (l->at[i].output) {
            size_t bytes = (size_t)l->width * sizeof(float);
            copy->at[i].output = ff_alloc(bytes);
            memcpy(copy->at[i].output, l->at[i].output, bytes);
        }
    }
    return copy;
}

static bool has_outputs(const ff_labels *l, ff_keep keep)
{
    for (int i = 0; i < l->count; i++)
        if (!l->at[i].output || (keep == FF_KEEP_FORM && !l->at[i].form))
            return false;
    return true;
}

enum { MOST_OUTPUTS = 64 };

/* The output that is read first, then the others: what is compared is the whole graph. */
static int all_outputs(const ff_graph *g, const char *read, const char **names)
{
    int n = 0;
    names[n++] = read;
    for (int i = 0; i < g->n_outputs && n < MOST_OUTPUTS; i++)
        if (strcmp(g->outputs[i]->name, read) != 0)
            names[n++] = g->outputs[i]->name;
    return n;
}

static ff_cancel *cancel_of(const ff_task *task)
{
    return task ? task->cancel : NULL;
}

/* Plans and inputs under the side's preprocessing. FF_ERR_GRAPH: does not run on such an input. */
static int side_plan(ff_side *side, const ff_dataset *set, const char *output, const ff_subject_options *o,
                     const ff_task *task)
{
    const ff_graph *g = ff_model_graph(side->model);
    ff_shape shapes[FF_MOST_INPUTS];
    int rc = ff_feed_shapes(set, &side->pre, side->model, shapes);
    if (rc != FF_OK)
        return rc;
    ff_plan_options p = {.reference = o->reference, .feeds = shapes, .output = output, .cancel = cancel_of(task)};
    rc = ff_plan_create(side->model, &p, &side->score);
    if (rc != FF_OK)
        return rc;
    const char *names[MOST_OUTPUTS];
    p.observe = true;
    p.n_outputs = all_outputs(g, ff_plan_output(side->score, 0)->name, names);
    p.outputs = names;
    rc = ff_plan_create(side->model, &p, &side->observe);
    if (rc == FF_OK)
        rc = ff_feed_create_for(set, &side->pre, side->model, o->memory / 4, &side->feed);
    return rc;
}

/* A plan of the first `n` nodes: its outputs are what they make and do not read themselves. */
static int plan_of_prefix(const ff_side *side, int n, const ff_shape *feed, bool reference, const ff_task *task,
                          ff_plan **out)
{
    const ff_graph *g = ff_model_graph(side->model);
    size_t capacity = 0;
    const char **names = NULL;
    int count = 0;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < g->nodes[i]->n_outputs; k++) {
            const ff_value *v = g->nodes[i]->outputs[k];
            bool read = !v;
            for (int u = 0; v && u < v->n_users && !read; u++)
                read = v->users[u].node->graph != g || v->users[u].node->index < n;
            if (read)
                continue;
            ff_grow(&names, &capacity, (size_t)count + 1, sizeof *names);
            names[count++] = v->name;
        }
    ff_plan_options p = {.reference = reference,
                         .observe = true,
                         .feeds = feed,
                         .n_outputs = count,
                         .outputs = names,
                         .cancel = cancel_of(task)};
    int rc = count ? ff_plan_create(side->model, &p, out) : ff_fail(FF_ERR_GRAPH, "nothing of it can run");
    free(names);
    return rc;
}

/* For comparing a model that does not run: on its own declared input, else on ours up to where it breaks. *out stays
 * NULL when not even the first node works. */
static int plan_as_far_as_it_goes(const ff_side *side, const ff_dataset *set, const char *read, bool reference,
                                  const ff_task *task, ff_plan **out)
{
    const ff_graph *g = ff_model_graph(side->model);
    const char *names[MOST_OUTPUTS];
    ff_plan_options p = {.reference = reference, .observe = true, .outputs = names, .cancel = cancel_of(task)};
    p.n_outputs = all_outputs(g, read, names);
    int rc = ff_plan_create(side->model, &p, out);
    if (rc != FF_ERR_GRAPH)
        return rc;
    ff_shape shapes[FF_MOST_INPUTS];
    bool fits = ff_feed_shapes(set, &side->pre, side->model, shapes) == FF_OK;
    int good = 0, bad = g->n_nodes; /* a prefix of `good` nodes works, one of `bad` does not */
    while (bad - good > 1) {
        int middle = good + (bad - good) / 2;
        ff_plan *plan = NULL;
        rc = plan_of_prefix(side, middle, fits ? shapes : NULL, reference, task, &plan);
        if (rc == FF_OK) {
            ff_plan_unref(*out);
            *out = plan;
            good = middle;
        } else if (rc == FF_ERR_GRAPH) {
            bad = middle;
        } else {
            ff_plan_unref(*out);
            *out = NULL;
            return rc;
        }
    }
    return FF_OK;
}

/* Outputs of classifiers are small; others are not worth gigabytes, unless the comparator needs them. */
static int side_keep(const ff_side *side, ff_keep *keep)
{
    double bytes = 0;
    for (int i = 0; i < ff_plan_outputs(side->score); i++) {
        const ff_shape *shape = ff_plan_shape(side->score, ff_plan_output(side->score, i));
        double n = sizeof(float) * (double)side->labels->count;
        for (int k = 0; k < shape->rank; k++)
            n *= (double)shape->dims[k];
        bytes += n;
    }
    if (*keep == FF_KEEP_FORM && bytes > (double)ff_memory_total() / 4)
        return ff_fail(FF_ERR_INPUT, "the outputs of %d samples take %.1f GB, too much to compare them: --limit N",
                       side->labels->count, bytes / 1e9);
    if (*keep == FF_KEEP_OUTPUT && bytes > MOST_OUTPUT_BYTES)
        *keep = FF_KEEP_NOTHING;
    return FF_OK;
}

static int side_label(ff_side *side, ff_keep keep, const ff_labels *known, const ff_shared *h, const ff_task *task)
{
    const ff_dataset *set = h->set;
    if (known && known->count == ff_dataset_count(set) && (!keep || has_outputs(known, keep))) {
        side->labels = labels_copy(known);
        return FF_OK;
    }
    side->labels = ff_labels_create(ff_dataset_count(set));
    if (side->error) {
        side->labels->error = ff_strdup(side->error);
        for (int i = 0; i < side->labels->count; i++)
            for (int k = 0; k < FF_TOP; k++)
                side->labels->at[i].top[k] = -1;
        return FF_OK;
    }
    int rc = side_keep(side, &keep);
    if (rc != FF_OK)
        return rc;
    ff_runners runners;
    rc = ff_runners_init(&runners, side->score, task);
    if (rc != FF_OK)
        return rc;
    ff_store *kept = ff_shared_kept(h, side->feed, side->score);
    rc = ff_label_run(runners.at, side->feed, NULL, 0, kept, keep, task, side->labels);
    side->flops = ff_runners_flops(&runners);
    side->flops_full = ff_plan_flops(side->score) * ff_dataset_count(set);
    ff_runners_finish(&runners);
    return rc;
}

/* Plans of a side that did not come to be complete are put away. */
static void side_drop_plans(ff_side *side)
{
    ff_feed_destroy(side->feed);
    ff_plan_unref(side->observe);
    ff_plan_unref(side->score);
    side->feed = NULL;
    side->observe = side->score = NULL;
}

static int shared_create(ff_model *model, const ff_pre *pre, const ff_dataset *set, const ff_subject_options *o,
                         const ff_task *task, ff_shared **out)
{
    ff_shared *h = ff_alloc(sizeof *h);
    atomic_init(&h->references, 1);
    h->set = set;
    options_copy(o, &h->options);
    h->source.model = ff_model_ref(model);
    h->source.pre = *pre;
    h->kept = ff_store_create(h->options.memory / 4);
    const ff_value *output;
    int rc = ff_model_read_output(model, h->options.source_output, &output);
    if (rc == FF_OK)
        rc = side_plan(&h->source, set, ff_comparator_output(h->options.comparator, h->options.source_output),
                       &h->options, task);
    if (rc == FF_OK)
        rc = side_label(&h->source, ff_comparator_keep(h->options.comparator, FF_KEEP_OUTPUT),
                        o ? o->source_labels : NULL, h, task);
    if (rc == FF_OK && h->source.labels->error)
        rc = ff_fail(FF_ERR_GRAPH, "%s", h->source.labels->error);
    if (rc == FF_OK)
        rc = ff_canon_create_ends(h->source.observe, &h->source.canon);
    if (rc != FF_OK) {
        ff_shared_unref(h);
        return rc;
    }
    h->source_soft = ff_is_probabilities(output);
    *out = h;
    return FF_OK;
}

/* Pins of nodes that a repair has taken out of the Target mean nothing there. */
static int align(const ff_subject *s, const ff_pin *pins, int n, bool all, ff_alignment **out)
{
    ff_pin *kept = ff_alloc_array((size_t)n + 1, sizeof *kept);
    int n_kept = 0;
    for (int i = 0; i < n; i++)
        if (all || ff_pin_applies(s->target.canon, &pins[i]))
            kept[n_kept++] = pins[i];
    int rc = ff_align(s->source.canon, s->target.canon, kept, n_kept, out);
    free(kept);
    return rc;
}

int ff_subject_pin(ff_subject *s, const ff_pin *pins, int n)
{
    ff_alignment *a = NULL;
    if (!s->target.canon)
        return ff_fail(FF_ERR_USAGE, "the Target cannot be compared: %s",
                       s->target.error ? s->target.error : "it has no canonical view");
    int rc = align(s, pins, n, true, &a);
    if (rc != FF_OK)
        return rc;
    ff_alignment_destroy(s->alignment);
    s->alignment = a;
    ff_subject_options *o = &s->priv->shared->options;
    const ff_pin *copy = pins_copy(pins, n);
    pins_free(o->pins, o->n_pins);
    o->pins = copy;
    o->n_pins = n;
    return FF_OK;
}

/* Takes the reference to `h`; `first`: the Target is the one that the pins are about. */
static int build(ff_shared *h, ff_model *target, const ff_pre *pre, const ff_labels *known, bool first,
                 const ff_task *task, ff_subject **out)
{
    const ff_subject_options *o = &h->options;
    ff_subject *s = ff_alloc(sizeof *s);
    s->priv = ff_alloc(sizeof *s->priv);
    s->priv->shared = h;
    s->set = h->set;
    s->seed = o->seed;
    s->source = h->source;
    s->target.model = ff_model_ref(target);
    s->target.pre = *pre;
    const ff_value *output;
    int rc = ff_model_read_output(target, o->target_output, &output);
    if (rc == FF_OK) {
        rc = side_plan(&s->target, h->set, ff_comparator_output(o->comparator, o->target_output), o, task);
        if (rc == FF_ERR_GRAPH) {
            s->target.error = ff_strdup(ff_error());
            side_drop_plans(&s->target);
            rc = FF_OK;
        }
    }
    if (rc == FF_OK)
        rc = side_label(&s->target, known ? FF_KEEP_NOTHING : ff_comparator_keep(o->comparator, FF_KEEP_OUTPUT), known,
                        h, task);
    if (rc == FF_OK && !s->target.error && s->target.labels->error)
        s->target.error = ff_strdup(s->target.labels->error);
    if (rc == FF_OK) {
        /* One that does not take our pictures may still be sound by itself: enough for comparing. */
        ff_plan *plan = s->target.observe ? ff_plan_ref(s->target.observe) : NULL;
        if (!plan)
            rc = plan_as_far_as_it_goes(&s->target, h->set, output->name, o->reference, task, &plan);
        if (rc == FF_OK && plan)
            rc = ff_canon_create_ends(plan, &s->target.canon);
        ff_plan_unref(plan);
    }
    if (rc == FF_OK && s->target.canon) {
        int64_t start = ff_now_ns();
        rc = align(s, o->pins, o->n_pins, first, &s->alignment);
        ff_spend("analysis", "alignment", ff_now_ns() - start, 1);
    }
    if (rc == FF_OK) {
        s->offset = ff_labels_offset(s->source.labels, s->target.labels);
        if (!known)
            rc = ff_labels_compare(o->comparator, h->set, s->source.labels, s->target.labels, s->offset, NULL, 0, task);
    }
    if (rc != FF_OK) {
        ff_subject_destroy(s);
        return rc;
    }
    s->wrong = ff_labels_wrong(s->source.labels, s->target.labels, s->offset);
    *out = s;
    return FF_OK;
}

int ff_subject_create(ff_model *source, const ff_pre *source_pre, ff_model *target, const ff_pre *target_pre,
                      const ff_dataset *set, const ff_subject_options *o, const ff_task *task, ff_subject **out)
{
    ff_shared *h;
    int rc = shared_create(source, source_pre, set, o, task, &h);
    if (rc != FF_OK)
        return rc;
    return build(h, target, target_pre, o ? o->target_labels : NULL, true, task, out);
}

int ff_subject_retarget(const ff_subject *s, ff_model *target, const ff_pre *target_pre, const ff_labels *labels,
                        const ff_task *task, ff_subject **out)
{
    return build(ff_subject_shared(s), target, target_pre, labels, false, task, out);
}

void ff_subject_destroy(ff_subject *s)
{
    if (!s)
        return;
    ff_alignment_destroy(s->alignment);
    side_finish(&s->target);
    ff_shared_unref(s->priv->shared);
    free(s->priv);
    free(s);
}
