/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "examine/layers.h"

#include <stdlib.h>
#include <string.h>

/* Is `op` one of the names in the list? */
static bool listed(const char *list, const char *op)
{
    size_t n = strlen(op);
    for (const char *p = list; p; p = strchr(p, ',')) {
        p += *p == ',';
        p += strspn(p, " ");
        if (strncmp(p, op, n) == 0 && (!p[n] || p[n] == ',' || p[n] == ' '))
            return true;
    }
    return false;
}

/* Of the nodes that stand for one layer, as Reshape and Gemm for a Conv over one pixel, it is the one that computes. */
static bool is_core(const char *list, const ff_cnode *n)
{
    return listed(list, n->op) || (n->primary && listed(list, n->primary->op) && strcmp(n->op, "Reshape") != 0);
}

/* Operators that only the canonical view knows. */
static const char *const canonical_only[] = {"Affine", "Swish", "Clip", "Reshape"};

int ff_core_ops_check(const char *list)
{
    enum { MOST = 1024 };
    const char *names[MOST];
    size_t n = 0;
    const ff_op *op;
    for (int i = 0; (op = ff_op_at(i)) && n < MOST - FF_COUNT(canonical_only); i++)
        names[n++] = op->type;
    for (size_t i = 0; i < FF_COUNT(canonical_only); i++)
        names[n++] = canonical_only[i];
    for (const char *p = list; *p;) {
        size_t len = strcspn(p, ", ");
        char *word = ff_strndup(p, len);
        bool known = len == 0;
        for (size_t i = 0; i < n && !known; i++)
            known = strcmp(names[i], word) == 0;
        const char *near = known ? NULL : ff_nearest(word, names, n);
        int rc = known  ? FF_OK
                 : near ? ff_fail(FF_ERR_USAGE, "'%s' is no operator; did you mean '%s'?", word, near)
                        : ff_fail(FF_ERR_USAGE, "'%s' is no operator", word);
        free(word);
        if (rc != FF_OK)
            return rc;
        p += len + (p[len] != '\0');
    }
    return FF_OK;
}

bool ff_cvalues_alike(const ff_cvalue *a, const ff_cvalue *b)
{
    return a->shape.rank >= 0 && b->shape.rank >= 0 && ff_same_order(&a->shape, &b->shape);
}

static int64_t count_of(const ff_cvalue *v)
{
    int64_t n = 1;
    for (int i = 0; i < v->shape.rank; i++)
        n *= v->shape.dims[i];
    return n;
}

/* Whatever dims come in. */
static bool same_function(const ff_subject *s, const ff_layer *l, const ff_cvalue *source_in,
                          const ff_cvalue *target_in)
{
    ff_key x, y;
    return ff_layout_identity(&l->source->layout) && ff_layout_identity(&source_in->layout) &&
           ff_layout_identity(&l->target->layout) && ff_layout_identity(&target_in->layout) &&
           ff_plan_local_key(s->source.observe, l->source->original, source_in->original, &x) &&
           ff_plan_local_key(s->target.observe, l->target->original, target_in->original, &y) && ff_key_equal(&x, &y);
}

/* What it reads, where it reads one value: that is what can be injected. */
static void take_inputs(ff_layer *l, const ff_subject *s, const ff_cnode *x, const ff_cnode *y)
{
    if (x->n_inputs != 1 || y->n_inputs != 1) {
        l->follows = l->misfit;
        return;
    }
    const ff_cvalue *si = &s->source.canon->values[x->inputs[0]], *ti = &s->target.canon->values[y->inputs[0]];
    bool alike = ff_cvalues_alike(si, ti);
    l->follows = l->misfit && !alike;
    if (!si->original || !ti->original || (l->misfit && alike))
        return;
    l->same = same_function(s, l, si, ti);
    if (alike) {
        l->source_in = si;
        l->target_in = ti;
    }
}

/* Injecting what a layer reads hides the layer that makes it: those two are isolated in different runs. */
static void plan_rounds(ff_layers *l)
{
    for (int i = 0; i < l->count; i++) {
        l->at[i].round = -1;
        if (!l->at[i].target_in || l->at[i].same)
            continue;
        for (int round = 0;; round++) {
            bool free_of = true;
            for (int k = 0; k < i && free_of; k++)
                if (l->at[k].round == round)
                    free_of = l->at[k].target->original != l->at[i].target_in->original;
            if (!free_of)
                continue;
            l->at[i].round = round;
            l->rounds = round + 1 > l->rounds ? round + 1 : l->rounds;
            break;
        }
    }
}

void ff_layers_init(ff_layers *l, const ff_subject *s, const char *core_ops)
{
    *l = (ff_layers){.subject = s};
    if (!s->alignment || !s->target.observe)
        return;
    const ff_alignment *a = s->alignment;
    l->at = ff_alloc_array((size_t)a->n_pairs + 1, sizeof *l->at);
    for (int i = 0; i < a->n_pairs; i++) {
        const ff_pair *p = &a->pairs[i];
        if (p->source < 0 || p->target < 0)
            continue;
        const ff_cnode *x = &s->source.canon->nodes[p->source], *y = &s->target.canon->nodes[p->target];
        if (!is_core(core_ops ? core_ops : "Conv,ConvTranspose,Gemm", x))
            continue;
        if (x->n_outputs < 1 || y->n_outputs < 1)
            continue;
        const ff_cvalue *so = &s->source.canon->values[x->outputs[0]], *to = &s->target.canon->values[y->outputs[0]];
        if (!so->original || !to->original)
            continue;
        ff_layer layer = {
            .pair = i, .source = so, .target = to, .elements = count_of(so), .misfit = !ff_cvalues_alike(so, to)};
        take_inputs(&layer, s, x, y);
        l->at[l->count++] = layer;
    }
    plan_rounds(l);
}

void ff_layers_finish(ff_layers *l)
{
    free(l->at);
    l->at = NULL;
    l->count = 0;
}

void ff_activations_init(ff_activations *a, const ff_layers *l, bool target)
{
    size_t n = (size_t)l->count + 1;
    *a = (ff_activations){.layers = l, .target = target, .round = -1, .inject_output = -1, .meet = -1};
    a->out = ff_alloc_array(n, sizeof *a->out);
    a->in = ff_alloc_array(n, sizeof *a->in);
    a->held = ff_alloc_array(n, sizeof *a->held);
}

void ff_activations_clear(ff_activations *a)
{
    for (int i = 0; i < a->layers->count; i++) {
        ff_tensor_unref(a->out[i]);
        ff_tensor_unref(a->in[i]);
        ff_tensor_unref(a->held[i]);
        a->out[i] = a->in[i] = a->held[i] = NULL;
    }
}

void ff_activations_finish(ff_activations *a)
{
    if (!a->layers)
        return;
    ff_activations_clear(a);
    free(a->out);
    free(a->in);
    free(a->held);
    *a = (ff_activations){0};
}

static bool wants(const ff_activations *a, int layer)
{
    if (a->layers->at[layer].misfit || (a->round >= 0 && a->layers->at[layer].round != a->round))
        return false;
    return !a->wanted || a->wanted[layer];
}

static const ff_cvalue *output_of(const ff_activations *a, int layer)
{
    return a->target ? a->layers->at[layer].target : a->layers->at[layer].source;
}

static const ff_cvalue *input_of(const ff_activations *a, int layer)
{
    return a->target ? a->layers->at[layer].target_in : a->layers->at[layer].source_in;
}

static bool ask(void *context, const ff_value *v)
{
    const ff_activations *a = context;
    for (int i = 0; i < a->layers->count; i++) {
        if (!wants(a, i))
            continue;
        if (output_of(a, i)->original == v)
            return true;
        if (a->inputs && a->inputs[i] && input_of(a, i) && input_of(a, i)->original == v)
            return true;
    }
    return false;
}

static int take(const ff_cvalue *v, const ff_tensor *t, ff_tensor **out)
{
    ff_tensor *f, *c;
    int rc = ff_tensor_convert(t, FF_FLOAT, &f);
    if (rc != FF_OK)
        return rc;
    if (ff_layout_identity(&v->layout))
        rc = ff_tensor_reshape(f, v->shape.rank, v->shape.dims, &c); /* a view */
    else
        rc = ff_cvalue_from_original(v, f, &c);
    ff_tensor_unref(f);
    if (rc == FF_OK)
        *out = c;
    return rc;
}

static int give(void *context, const ff_value *v, const ff_tensor *t)
{
    ff_activations *a = context;
    int rc = FF_OK;
    for (int i = 0; i < a->layers->count && rc == FF_OK; i++) {
        if (!wants(a, i))
            continue;
        if (output_of(a, i)->original == v && !a->out[i]) {
            rc = take(output_of(a, i), t, &a->out[i]);
            a->left--;
        }
        if (rc == FF_OK && a->inputs && a->inputs[i] && input_of(a, i) && input_of(a, i)->original == v && !a->in[i])
            rc = take(input_of(a, i), t, &a->in[i]);
    }
    return rc != FF_OK ? rc : a->left == 0 ? FF_STOP : FF_OK;
}

static bool ask_meeting(void *context, const ff_value *v)
{
    const ff_activations *a = context;
    return output_of(a, a->meet)->original == v;
}

static int give_meeting(void *context, const ff_value *v, const ff_tensor *t)
{
    (void)v;
    ff_activations *a = context;
    const ff_tensor *there = a->inject->out[a->meet];
    ff_tensor *here;
    int rc = take(output_of(a, a->meet), t, &here);
    if (rc != FF_OK)
        return rc;
    a->met = there && here->count == there->count &&
             memcmp(here->data, there->data, (size_t)here->count * sizeof(float)) == 0;
    ff_tensor_unref(here);
    return a->met ? FF_STOP : FF_OK;
}

/* The Source's activation in the Target's layout, made when it is first asked for. */
static const ff_tensor *hold(ff_activations *a, int layer, const ff_cvalue *v, const ff_tensor *canonical)
{
    if (!a->held[layer] && canonical) {
        const ff_shape *shape = ff_plan_shape(a->layers->subject->target.observe, v->original);
        ff_tensor *own, *t;
        if (ff_tensor_reshape(canonical, v->shape.rank, v->shape.dims, &own) != FF_OK)
            return NULL;
        int rc = ff_layout_identity(&v->layout) ? ff_tensor_reshape(own, shape->rank, shape->dims, &t)
                                                : ff_cvalue_to_original(v, shape, own, &t);
        ff_tensor_unref(own);
        if (rc != FF_OK)
            return NULL;
        if (t->dtype != shape->dtype && shape->dtype != FF_UNDEFINED) {
            ff_tensor *converted;
            rc = ff_tensor_convert(t, shape->dtype, &converted);
            ff_tensor_unref(t);
            if (rc != FF_OK)
                return NULL;
            t = converted;
        }
        a->held[layer] = t;
    }
    return a->held[layer];
}

static const ff_tensor *inject(void *context, const ff_value *v)
{
    ff_activations *a = context;
    const ff_layers *l = a->layers;
    if (a->inject_output >= 0 && l->at[a->inject_output].target->original == v)
        return hold(a, a->inject_output, l->at[a->inject_output].target, a->inject->out[a->inject_output]);
    if (a->round >= 0)
        for (int i = 0; i < l->count; i++)
            if (l->at[i].round == a->round && l->at[i].target_in->original == v && wants(a, i))
                return hold(a, i, l->at[i].target_in, a->inject->in[i]);
    return NULL;
}

/* What the model says of the image, with a verdict where labels do not decide. */
static int judge(const ff_subject *s, const ff_side *side, int image, ff_tensor *const *out, const ff_task *task,
                 ff_label *label)
{
    const ff_comparator *c = ff_subject_options_of(s)->comparator;
    int64_t width;
    int rc = ff_label_fill(out, ff_plan_outputs(side->score), ff_feed_repeats(side->feed),
                           ff_comparator_keep(c, FF_KEEP_NOTHING), label, &width);
    if (rc == FF_OK && !ff_comparator_by_label(c))
        rc = ff_compare(c, &s->source.labels->at[image], label, s->offset, ff_dataset_name(s->set, image),
                        task ? task->cancel : NULL, NULL);
    ff_label_drop(label);
    return rc;
}

int ff_activations_run(ff_activations *a, ff_runner *runner, int image, const ff_task *task, ff_label *label)
{
    const ff_subject *s = a->layers->subject;
    ff_feeds feeds;
    int rc = ff_feed_take(a->target ? s->target.feed : s->source.feed, image, &feeds);
    if (rc != FF_OK)
        return rc;
    a->left = 0;
    for (int i = 0; i < a->layers->count; i++)
        a->left += wants(a, i);
    if (label)
        a->left = -1; /* never reached: run to the end */
    bool injecting = a->inject && (a->round >= 0 || a->inject_output >= 0);
    a->met = false;
    bool meeting = label && injecting && a->meet >= 0;
    ff_hooks hooks = {.context = a,
                      .ask = ask,
                      .give = give,
                      .inject = injecting ? inject : NULL,
                      .cancel = task ? task->cancel : NULL};
    if (label) { /* nothing is looked at but the answer, and the layer to meet at */
        hooks.ask = meeting ? ask_meeting : NULL;
        hooks.give = meeting ? give_meeting : NULL;
    }
    /* What enters the network has no node that could be skipped: it is fed instead. */
    const ff_tensor *at[FF_MOST_INPUTS];
    memcpy(at, feeds.at, sizeof at);
    for (int i = 0; injecting && i < feeds.n; i++) {
        const ff_tensor *other = inject(a, ff_model_graph(s->target.model)->inputs[i]);
        at[i] = other ? other : at[i];
    }
    int n = ff_plan_outputs(a->target ? s->target.observe : s->source.observe);
    ff_tensor **out = ff_alloc_array((size_t)n + 1, sizeof *out);
    a->runs++;
    rc = ff_run(runner, at, &hooks, a->store, image, out);
    ff_feeds_drop(&feeds);
    if (rc == FF_STOP)
        rc = FF_OK;
    const ff_side *side = a->target ? &s->target : &s->source;
    if (label && !a->met && rc == FF_OK)
        rc = judge(s, side, image, out, task, label);
    for (int i = 0; i < n; i++)
        ff_tensor_unref(out[i]);
    free(out);
    return rc;
}
