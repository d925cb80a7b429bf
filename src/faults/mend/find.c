/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the repairs of the other detectors' findings leave wrong: place after place is mended until every output is right.
 * Only then are the findings replaced: those whose repairs helped stay, the others go, and what was mended is told. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "faults/mend/mend.h"

enum { STEPS = 32 };
/* Elements of all values of a model over the samples, beyond which nothing is tried. */
#define MOST_ELEMENTS 3e7
#define BUDGET        3e11
#define CLOSE         2e-4
#define CLOSE_HALF    2e-2

typedef struct job {
    mender m;
    ff_detection *d;
    ff_proposals *proposals;
    bool *used;        /* by proposal */
    mend_state *state; /* with all that was accepted */
    int n_edits;
    mend_edit edits[STEPS];
    /* while edits of a place are tried */
    const mend_place *place;
    mend_state *better;
} job;

/* --------------------------------------------------------------------------------- what is compared */

static const ff_value *before_softmax(const ff_value *v)
{
    const ff_node *n = v->producer;
    bool soft = n && !*n->domain && (strcmp(n->op, "Softmax") == 0 || strcmp(n->op, "LogSoftmax") == 0);
    return soft ? n->inputs[0] : v;
}

/* Outputs by name, else by place. Where labels decide, a Softmax that one side ends in is passed over. */
static void pair_outputs(mender *m)
{
    const ff_graph *a = ff_model_graph(m->s->source.model), *b = ff_model_graph(m->s->target.model);
    const ff_subject_options *o = ff_subject_options_of(m->s);
    bool labels = ff_comparator_by_label(o->comparator), single = labels || o->target_output || o->source_output;
    for (int i = 0; i < b->n_outputs && m->n_outputs < FF_MOST_OUTPUTS; i++) {
        const ff_value *t = b->outputs[i], *s = i < a->n_outputs ? a->outputs[i] : NULL;
        for (int k = 0; k < a->n_outputs; k++)
            if (strcmp(a->outputs[k]->name, t->name) == 0)
                s = a->outputs[k];
        if (single) {
            const ff_value *x, *y;
            if (ff_model_read_output(m->s->source.model, o->source_output, &x) != FF_OK ||
                ff_model_read_output(m->s->target.model, o->target_output, &y) != FF_OK || t != y)
                continue;
            s = x;
        }
        if (!s)
            continue;
        if (labels && (before_softmax(s) == s) != (before_softmax(t) == t)) {
            s = before_softmax(s);
            t = before_softmax(t);
        }
        m->outputs[m->n_outputs].target = t->name;
        m->outputs[m->n_outputs++].source = s;
    }
}

static void choose_samples(mender *m)
{
    const ff_subject *s = m->s;
    int count = ff_dataset_count(s->set);
    for (int wrong = 1; wrong >= 0; wrong--)
        for (int i = 0; i < count && m->n_samples < MEND_SAMPLES; i++)
            if (ff_label_wrong(&s->source.labels->at[i], &s->target.labels->at[i], s->offset) == wrong)
                m->samples[m->n_samples++] = i;
}

static double elements_of(const ff_plan *p)
{
    const ff_model *m = ff_plan_model(p);
    double sum = 0;
    for (int i = 0; i < ff_model_values(m); i++) {
        const ff_value *v = ff_model_value(m, i);
        const ff_shape *shape = v->graph == ff_model_graph(m) && v->producer ? ff_plan_shape(p, v) : NULL;
        double n = shape && shape->rank >= 0 ? 1 : 0;
        for (int k = 0; shape && k < shape->rank; k++)
            n *= (double)(shape->dims[k] > 0 ? shape->dims[k] : 1);
        sum += n;
    }
    return sum;
}

static bool has_half(const ff_side *side)
{
    const ff_graph *g = ff_model_graph(side->model);
    for (int i = 0; i < g->n_nodes; i++)
        for (int k = 0; k < g->nodes[i]->n_outputs; k++)
            if (g->nodes[i]->outputs[k] &&
                ff_dtype_is_half(ff_plan_shape(side->observe, g->nodes[i]->outputs[k])->dtype))
                return true;
    return false;
}

static bool has_integers(const ff_model *m)
{
    const ff_graph *g = ff_model_graph(m);
    for (int i = 0; i < g->n_nodes; i++)
        if (strstr(g->nodes[i]->op, "QuantizeLinear") || strncmp(g->nodes[i]->op, "QLinear", 7) == 0)
            return true;
    return false;
}

/* --------------------------------------------------------------------------------- steps */

static bool all_right(const job *j, const mend_state *t)
{
    const ff_subject_options *o = ff_subject_options_of(j->m.s);
    if (t->n_right == j->m.n_outputs)
        return true;
    if (!ff_comparator_by_label(o->comparator) || j->m.s->offset != 0)
        return false;
    for (int i = 0; i < j->m.n_outputs; i++) {
        const ff_value *v = ff_model_find_value(t->run->model, j->m.outputs[i].target);
        for (int k = 0; k < j->m.n_samples; k++) {
            const ff_tensor *a = j->m.source->at[k * j->m.source->n_values + j->m.outputs[i].source->id],
                            *b = v ? t->run->at[k * t->run->n_values + v->id] : NULL;
            ff_label x, y;
            if (!a || !b || a->count != b->count)
                return false;
            ff_label_of(a, &x);
            ff_label_of(b, &y);
            if (x.top[0] != y.top[0])
                return false;
        }
    }
    return true;
}

static bool applied(job *j, const ff_patch *patch, mend_state **out)
{
    ff_model *model;
    if (ff_model_apply(j->state->run->model, patch, &model, NULL) != FF_OK)
        return false;
    bool good = mend_state_create(&j->m, model, out) == FF_OK;
    ff_model_unref(model);
    return good;
}

static void advance(job *j, mend_state *t)
{
    mend_state_destroy(j->state);
    j->state = t;
}

/* Has the patch no new nodes? */
static bool is_small(const job *j, const ff_patch *patch)
{
    ff_model *model;
    const ff_model *now = j->state->run->model;
    if (ff_model_apply(now, patch, &model, NULL) != FF_OK)
        return false;
    const ff_graph *g = ff_model_graph(model);
    bool small = true;
    for (int i = 0; i < g->n_nodes && small; i++)
        small = ff_model_node_by_id(now, g->nodes[i]->id) != NULL;
    ff_model_unref(model);
    return small;
}

static bool usable(const ff_proposal *p)
{
    return p->patch && ff_patch_length(p->patch) > 0 && !p->has_pre && !p->n_members && p->n_findings == 1;
}

/* The next proposal of the others that makes more come right. */
static bool take_proposal(job *j, bool small)
{
    for (int i = 0; i < j->proposals->count; i++) {
        const ff_proposal *p = &j->proposals->at[i];
        mend_state *t;
        if (j->used[i] || !usable(p) || (small && !is_small(j, p->patch)) || !applied(j, p->patch, &t))
            continue;
        if (t->n_right > j->state->n_right || (t->n_right == j->state->n_right && t->n_covered > j->state->n_covered)) {
            for (int k = 0; k < j->proposals->count; k++) /* its variants as well */
                if (j->proposals->at[k].n_findings == 1 && strcmp(j->proposals->at[k].findings[0], p->findings[0]) == 0)
                    j->used[k] = true;
            advance(j, t);
            return true;
        }
        mend_state_destroy(t);
    }
    return false;
}

static bool mends(const job *j, const mend_place *p, const mend_state *t)
{
    const mend_run *r = t->run;
    if (t->n_right < p->n_right || t->n_right < j->state->n_right || t->n_covered < j->state->n_covered)
        return false;
    for (int i = 0; i < p->n_gained; i++) {
        const ff_value *w = ff_model_find_value(r->model, p->gained[i]->name);
        if (w && !mend_holds(&j->m, r, w->id, p->gains[i].source, &p->gains[i].layout))
            return false;
    }
    if (p->n_gained > 0 || p->n_right > j->state->n_right)
        return true;
    const ff_value *site = ff_model_find_value(r->model, p->site->name);
    return site && t->match[site->id].source == p->source->id;
}

static bool take_edit(void *context, mend_edit *e)
{
    job *j = context;
    mend_state *t;
    if (!applied(j, e->patch, &t))
        return false;
    if (!mends(j, j->place, t)) {
        mend_state_destroy(t);
        return false;
    }
    j->better = t;
    e->node = e->node ? ff_model_find_node(j->m.s->target.model, e->node->label) : NULL; /* the state goes */
    j->edits[j->n_edits++] = *e;
    memset(e, 0, sizeof *e);
    return true;
}

static int take_place(job *j, bool *taken)
{
    mend_place p;
    bool found;
    *taken = false;
    j->better = NULL;
    int code = mend_place_find(&j->m, j->state, &p, &found);
    if (found) {
        j->place = &p;
        if (code == FF_OK)
            code = mend_edits(&j->m, j->state, &p, take_edit, j);
        mend_place_finish(&p);
    }
    if (j->better) {
        *taken = true;
        advance(j, j->better);
    }
    return code;
}

/* --------------------------------------------------------------------------------- what is told */

static int pair_of(const ff_subject *s, const ff_node *n)
{
    const ff_canon *c = s->target.canon;
    for (int i = 0; c && s->alignment && n && i < c->n_nodes; i++)
        for (int k = 0; k < c->nodes[i].n_origins; k++)
            if (c->nodes[i].origins[k] == n)
                return s->alignment->of_target[i];
    return -1;
}

static void tell(job *j, mend_edit *e)
{
    const ff_subject *s = j->m.s;
    ff_finding *f = ff_detection_add(j->d, e->cause, e->what ? e->what : "part");
    const ff_node *n = e->node;
    f->summary = ff_strdup(e->summary);
    f->explanation = ff_strdup(e->explanation);
    if (n) {
        f->target_nodes = ff_nodes_copy(&n, 1);
        f->n_target_nodes = 1;
    }
    if (e->source_node) {
        f->source_nodes = ff_nodes_copy(&e->source_node, 1);
        f->n_source_nodes = 1;
    }
    f->pair = pair_of(s, n);
    f->hint->mended = e->patch;
    e->patch = NULL;
    if (e->attribute)
        ff_finding_set_difference(f, e->attribute, json_string(e->source_text), json_string(e->target_text));
    else
        ff_finding_set_details(f, json_object());
}

static void replace_findings(job *j)
{
    for (int i = j->d->findings->count - 1; i >= 0; i--) {
        bool kept = false;
        for (int k = 0; k < j->proposals->count && !kept; k++)
            kept = j->used[k] && strcmp(j->proposals->at[k].findings[0], j->d->findings->at[i].id) == 0;
        if (!kept)
            ff_detection_remove(j->d, i);
    }
    for (int i = 0; i < j->n_edits; i++)
        tell(j, &j->edits[i]);
}

static int mend(job *j)
{
    int code = mend_state_create(&j->m, j->m.s->target.model, &j->state);
    if (code != FF_OK || all_right(j, j->state))
        return code;
    /* Do the repairs that are there suffice? */
    ff_patch *all = ff_patch_create();
    mend_state *joined;
    for (int i = 0; i < j->proposals->count; i++) {
        const ff_proposal *p = &j->proposals->at[i];
        bool variant = i > 0 && p->n_findings == 1 && j->proposals->at[i - 1].n_findings == 1 &&
                       strcmp(j->proposals->at[i - 1].findings[0], p->findings[0]) == 0;
        if (usable(p) && !variant)
            ff_patch_append(all, p->patch);
    }
    bool suffices = false;
    if (ff_patch_length(all) > 0 && applied(j, all, &joined)) {
        suffices = all_right(j, joined);
        mend_state_destroy(joined);
    }
    ff_patch_destroy(all);
    if (suffices)
        return FF_OK;
    for (int step = 0; step < STEPS && code == FF_OK && !all_right(j, j->state) && j->m.budget > 0; step++) {
        bool taken = take_proposal(j, true);
        if (!taken)
            code = take_place(j, &taken);
        if (code == FF_OK && !taken && !take_proposal(j, false))
            return FF_OK;
    }
    if (code == FF_OK && j->n_edits > 0 && all_right(j, j->state))
        replace_findings(j);
    return code;
}

int ff_detect_mend(ff_detection *d)
{
    const ff_subject *s = d->subject;
    const ff_subject_options *o = ff_subject_options_of(s);
    if (s->wrong == 0 || s->target.error || !s->source.observe || !s->target.observe || !s->source.labels ||
        !s->target.labels || o->keep_quantized || has_integers(s->target.model))
        return FF_OK;
    for (int i = 0; i < d->findings->count; i++)
        if (d->findings->at[i].type == FF_PP || d->findings->at[i].type == FF_ID ||
            ff_caused_by(&d->findings->at[i], FF_CAUSE_OUTPUTS_REORDERED) ||
            ff_caused_by(&d->findings->at[i], FF_CAUSE_OUTPUTS_REDUNDANT))
            return FF_OK; /* what comes in or is read differs: first things first */
    job *j = ff_alloc(sizeof *j);
    j->d = d;
    j->m = (mender){.s = s, .task = d->task, .budget = BUDGET, .tolerance = has_half(&s->target) ? CLOSE_HALF : CLOSE};
    choose_samples(&j->m);
    pair_outputs(&j->m);
    double most = fmax(elements_of(s->source.observe), elements_of(s->target.observe));
    while (j->m.n_samples > 1 && most * j->m.n_samples > MOST_ELEMENTS)
        j->m.n_samples--;
    int code = FF_OK;
    if (j->m.n_samples > 0 && j->m.n_outputs > 0 && most <= MOST_ELEMENTS) {
        code = ff_propose(s, d->findings, NULL, &j->proposals);
        if (code == FF_OK)
            code = mend_run_create(&j->m, s->source.model, false, &j->m.source);
        if (code == FF_OK)
            code = mend_run_values(&j->m, j->m.source, false, NULL, NULL, NULL);
        if (code == FF_OK) {
            j->used = ff_alloc_array((size_t)j->proposals->count + 1, sizeof *j->used);
            code = mend(j);
        }
    }
    for (int i = 0; i < j->n_edits; i++)
        mend_edit_finish(&j->edits[i]);
    mend_state_destroy(j->state);
    mend_run_destroy(j->m.source);
    ff_proposals_destroy(j->proposals);
    free(j->used);
    free(j);
    /* What cannot be run or edited is no failure of what was found so far. */
    return code == FF_ERR_CANCELLED || code == FF_ERR_NOMEM ? code : FF_OK;
}
