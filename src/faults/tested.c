/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Execution decides what is a fault. Both models are run in lockstep over samples and off the data. A finding whose nodes
 * lie in no part that computes otherwise, where all answers are right once those parts are put right, is no fault: an
 * equivalence that was tested, or, where only inputs off the data show it, latent. A part that computes otherwise and of
 * which nothing was said becomes a finding.
 */
#include "faults/detect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Constants that differ stay a fault down to the noise itself: below it they cannot be told from rounding. */
#define WEIGHTS_RATIO 0.4
/* Where the answers agree, a place that is farther off than this is none that corresponds: a rewrite of the view moved a
 * sign or a scale to its other side. Less can be a change of numbers too small for the answers to show. */
#define NO_COUNTERPART 1e-4
/* Weights that were folded otherwise in float32 move what they make by up to 1.3e-6 (over a thousand made-up conversions):
 * a place of which no detector speaks is worth a word from twice that on. */
#define REFOLDED 2.6e-6

typedef struct tested {
    const ff_subject *s;
    const ff_lockstep *l;
    const ff_evidence **source, **target; /* by value id: evidence of the place; NULL: none */
} tested;

/* Only what the graphs themselves say; what is fed and which output is read is of another kind. */
static bool may_be_tested(const ff_finding *f)
{
    /* A Transpose behind the input makes up for how it is fed, which is put in here. */
    bool fed = f->type == FF_TSS && f->hint->cvalue >= 0;
    return f->type >= FF_TSS && !fed && f->n_source_nodes + f->n_target_nodes > 0 && f->hint->n_outputs == 0 &&
           !ff_caused_by(f, FF_CAUSE_CANNOT_RUN) &&
           !ff_caused_by(f, FF_CAUSE_HALF_PRECISION); /* less precise by itself, whatever the samples show */
}

/* The node of the main graph that it is, or is in. */
static const ff_node *outermost(const ff_node *n)
{
    while (n->graph->owner)
        n = n->graph->owner;
    return n;
}

/* In a part that computes otherwise, or right beside one. */
static bool touches(const ff_node *n, const bool *in)
{
    n = outermost(n);
    bool found = in[n->index];
    for (int i = 0; i < n->n_inputs && !found; i++)
        found =
            n->inputs[i] && n->inputs[i]->producer && !n->inputs[i]->graph->owner && in[n->inputs[i]->producer->index];
    for (int i = 0; i < n->n_outputs && !found; i++)
        for (int k = 0; n->outputs[i] && k < n->outputs[i]->n_users && !found; k++)
            found = in[outermost(n->outputs[i]->users[k].node)->index];
    return found;
}

typedef struct verdict {
    double ratio, probed, relative;
    int64_t values;
    const char *probe; /* that showed the most; NULL: none did */
} verdict;

static void take(verdict *v, const ff_evidence *e)
{
    v->ratio = fmax(v->ratio, e->ratio);
    if (e->probed > v->probed) {
        v->probed = e->probed;
        v->probe = e->probe;
    }
    v->relative = fmax(v->relative, e->relative);
    v->values += e->values;
}

/* What was seen at the first places behind the nodes. */
static void look_behind(const ff_graph *g, const ff_evidence *const *at, const ff_node *const *nodes, int n,
                        verdict *out)
{
    bool *reached = ff_alloc_array((size_t)g->n_nodes + 1, sizeof *reached);
    for (int i = 0; i < n; i++)
        reached[outermost(nodes[i])->index] = true;
    for (int i = 0; i < g->n_nodes; i++) {
        const ff_node *x = g->nodes[i];
        for (int k = 0; reached[i] && k < x->n_outputs; k++) {
            const ff_value *v = x->outputs[k];
            if (v && at[v->id]) {
                take(out, at[v->id]);
                continue;
            }
            for (int u = 0; v && u < v->n_users; u++)
                reached[outermost(v->users[u].node)->index] = true;
        }
    }
    free(reached);
}

static const ff_evidence **by_value(const tested *t, bool source)
{
    const ff_subject *s = t->s;
    const ff_evidence **at =
        ff_alloc_array((size_t)ff_model_values(source ? s->source.model : s->target.model) + 1, sizeof *at);
    for (int i = 0; i < t->l->n; i++) {
        const ff_evidence *e = &t->l->at[i];
        if (e->samples)
            at[(source ? s->source.canon->values[e->source].original : s->target.canon->values[i].original)->id] = e;
    }
    return at;
}

/* Does execution say that no sample shows the finding? */
static bool is_unseen(const tested *t, const ff_finding *f, verdict *v)
{
    const ff_subject *s = t->s;
    bool touched = false;
    for (int i = 0; i < f->n_target_nodes && !touched; i++)
        touched = touches(f->target_nodes[i], t->l->in_target);
    for (int i = 0; i < f->n_source_nodes && !touched; i++)
        touched = touches(f->source_nodes[i], t->l->in_source);
    if (touched && !t->l->agree)
        return false;
    verdict near = {0};
    look_behind(ff_model_graph(s->target.model), t->target, f->target_nodes, f->n_target_nodes, &near);
    look_behind(ff_model_graph(s->source.model), t->source, f->source_nodes, f->n_source_nodes, &near);
    if (touched && f->type == FF_WB && near.relative <= NO_COUNTERPART)
        return false;
    if (!touched)
        *v = near;
    for (int i = 0; i < t->l->n_answers; i++)
        take(v, &t->l->answers[i]);
    return v->ratio <= (f->type == FF_WB ? WEIGHTS_RATIO : 1);
}

/* It becomes an equivalence; where only inputs off the data show it, one that says so. */
static void demote(ff_detection *d, int i, const verdict *v)
{
    const ff_finding *f = &d->findings->at[i];
    bool latent = v->probed > 1;
    ff_same *same = ff_detection_add_same(d, latent ? "latent" : "tested",
                                          latent ? "differs off the data only, no sample shows it"
                                                 : "written otherwise, computes the same on samples and off them",
                                          latent ? 0 : v->relative);
    same->probe = latent ? v->probe : NULL;
    same->values = v->values;
    same->source_nodes = ff_nodes_copy(f->source_nodes, same->n_source_nodes = f->n_source_nodes);
    same->target_nodes = ff_nodes_copy(f->target_nodes, same->n_target_nodes = f->n_target_nodes);
    ff_detection_remove(d, i);
}

/* ------------------------------------------------------------------------------ what nobody spoke of */

/* Does one of these nodes of the view come from one of the others, which are the model's? */
static bool meet(const ff_canon *c, const ff_node *const *of, int count, const int *nodes, int n)
{
    for (int j = 0; j < n; j++)
        for (int i = 0; i < c->nodes[nodes[j]].n_origins; i++)
            for (int k = 0; k < count; k++)
                if (c->nodes[nodes[j]].origins[i] == of[k])
                    return true;
    return false;
}

/* Does a finding speak of one of these nodes, or was said of one why it makes no difference? */
static bool spoken_of(const ff_detection *d, const ff_canon *c, bool source, const int *nodes, int n)
{
    for (int i = 0; i < d->findings->count; i++) {
        const ff_finding *f = &d->findings->at[i];
        if (source ? meet(c, f->source_nodes, f->n_source_nodes, nodes, n)
                   : meet(c, f->target_nodes, f->n_target_nodes, nodes, n))
            return true;
    }
    for (int i = 0; i < d->sames->count; i++) {
        const ff_same *e = &d->sames->at[i];
        if (source ? meet(c, e->source_nodes, e->n_source_nodes, nodes, n)
                   : meet(c, e->target_nodes, e->n_target_nodes, nodes, n))
            return true;
    }
    return false;
}

typedef struct walk {
    const ff_canon *c;
    const bool *place; /* by cvalue: it was put in, so that nothing before it counts */
    bool *seen;
    int *nodes, n;
    int entries[FF_REGION_MOST], n_entries; /* places at which it begins */
} walk;

static void add_entry(walk *w, int cvalue)
{
    for (int i = 0; i < w->n_entries; i++)
        if (w->entries[i] == cvalue)
            return;
    if (w->n_entries < FF_REGION_MOST)
        w->entries[w->n_entries++] = cvalue;
}

static void walk_back(walk *w, int cnode)
{
    if (cnode < 0 || w->seen[cnode] || w->n == FF_REGION_MOST)
        return;
    w->seen[cnode] = true;
    w->nodes[w->n++] = cnode;
    for (int i = 0; i < w->c->nodes[cnode].n_inputs; i++) {
        int input = w->c->nodes[cnode].inputs[i];
        if (w->place[input] || w->c->values[input].producer < 0)
            add_entry(w, input);
        else
            walk_back(w, w->c->values[input].producer);
    }
}

/* The nodes between a cvalue and the places before it, its own producer among them. */
static walk walk_from(const ff_canon *c, const bool *place, int cvalue, int *nodes)
{
    walk w = {.c = c, .place = place, .nodes = nodes};
    w.seen = ff_alloc_array((size_t)c->n_nodes + 1, sizeof *w.seen);
    walk_back(&w, c->values[cvalue].producer);
    free(w.seen);
    return w;
}

/* Do both begin at the same places? Else two nodes were paired that are none, or one reads something else, of which
 * the detector of wiring speaks. */
static bool begin_alike(const ff_lockstep *l, const walk *source, const walk *target)
{
    if (source->n_entries != target->n_entries || target->n_entries == 0)
        return false;
    for (int i = 0; i < target->n_entries; i++) {
        bool found = false;
        for (int k = 0; k < source->n_entries && !found; k++)
            found = l->at[target->entries[i]].source == source->entries[k] && l->at[target->entries[i]].samples > 0;
        if (!found)
            return false;
    }
    return true;
}

static void add_unspoken(ff_detection *d, const ff_lockstep *l, const bool *place[2], int target)
{
    const ff_subject *s = d->subject;
    const ff_canon *sc = s->source.canon, *tc = s->target.canon;
    const ff_evidence *e = &l->at[target];
    int mine[FF_REGION_MOST], theirs[FF_REGION_MOST];
    walk a = walk_from(sc, place[0], e->source, mine), b = walk_from(tc, place[1], target, theirs);
    int producer = tc->values[target].producer, source = sc->values[e->source].producer;
    if (producer < 0 || source < 0 || !begin_alike(l, &a, &b) || spoken_of(d, sc, true, mine, a.n) ||
        spoken_of(d, tc, false, theirs, b.n))
        return;
    int pair = s->alignment->of_target[producer];
    char *label = ff_cnode_label(tc, producer), *what = ff_asprintf("%s/computes", label);
    ff_finding *f = ff_detection_add(d, FF_CAUSE_COMPUTES_OTHERWISE, what);
    f->pair = pair;
    ff_finding_set_nodes(s, f, source, producer);
    f->magnitude = e->relative;
    f->summary = ff_asprintf("'%s' computes something else than in the Source (%.2g%% off)", label, 100 * e->relative);
    f->explanation = ff_asprintf(
        "Fed with the Source's values, '%s' does not give what the Source gives: %.2g%% off over %lld numbers, %.3g times "
        "what rounding explains. The repair puts the Source's node in its place.",
        label, 100 * e->relative, (long long)e->values, e->ratio);
    json_t *j = json_object();
    json_object_set_new(j, "relative", ff_json_real(e->relative));
    json_object_set_new(j, "times_rounding", ff_json_real(e->ratio));
    ff_finding_set_details(f, j);
    free(label);
    free(what);
}

/* Rounding to integers is more than the last bit of a float. */
static bool is_quantized(const ff_subject *s)
{
    const ff_graph *g = ff_model_graph(s->target.model);
    for (int i = 0; i < g->n_nodes; i++)
        if (strstr(g->nodes[i]->op, "Quantize") || strstr(g->nodes[i]->op, "QLinear") ||
            strstr(g->nodes[i]->op, "Integer") || strncmp(g->nodes[i]->op, "QGemm", 5) == 0)
            return true;
    return false;
}

/* A change of the input's meaning makes everything differ by itself: nothing is told apart then. */
static bool input_differs(const ff_detection *d)
{
    for (int i = 0; i < d->findings->count; i++)
        if (d->findings->at[i].type == FF_ID || d->findings->at[i].type == FF_TSS)
            return true;
    return false;
}

static void report_unspoken(ff_detection *d, const ff_lockstep *l)
{
    bool *source = ff_alloc_array((size_t)d->subject->source.canon->n_values + 1, sizeof *source);
    bool *target = ff_alloc_array((size_t)l->n + 1, sizeof *target);
    for (int t = 0; t < l->n; t++)
        if (l->at[t].samples > 0)
            source[l->at[t].source] = target[t] = true;
    for (int i = 0; i < d->subject->source.canon->n_inputs; i++)
        source[d->subject->source.canon->inputs[i]] = true;
    for (int t = 0; t < l->n && !input_differs(d); t++)
        if (l->at[t].samples > 0 && l->at[t].ratio > 1 && l->at[t].relative > REFOLDED)
            add_unspoken(d, l, (const bool *[]){source, target}, t);
    free(source);
    free(target);
}

/* What the runs say of each finding; `unseen` by finding. */
static void judge_findings(const ff_detection *d, const ff_lockstep *l, verdict *verdicts, bool *unseen)
{
    tested t = {.s = d->subject, .l = l};
    t.source = by_value(&t, true);
    t.target = by_value(&t, false);
    for (int i = 0; i < d->findings->count; i++)
        unseen[i] =
            l->complete && may_be_tested(&d->findings->at[i]) && is_unseen(&t, &d->findings->at[i], &verdicts[i]);
    free(t.source);
    free(t.target);
}

/* Before a finding is called latent, more samples are looked at than the few that tell most. */
static int look_again(ff_detection *d, const verdict *verdicts, bool *unseen)
{
    int latent = 0, n = d->findings->count;
    ff_lockstep *l;
    for (int i = 0; i < n; i++)
        latent += unseen[i] && verdicts[i].probed > 1;
    if (!latent)
        return FF_OK;
    int code = ff_lockstep_run(d->subject, FF_LOCKSTEP_MANY, d->task, &l);
    if (code)
        return code;
    verdict *again = ff_alloc_array((size_t)n + 1, sizeof *again);
    bool *still = ff_alloc_array((size_t)n + 1, sizeof *still);
    judge_findings(d, l, again, still);
    for (int i = 0; i < n; i++)
        unseen[i] = unseen[i] && (verdicts[i].probed <= 1 || still[i]);
    free(again);
    free(still);
    ff_lockstep_destroy(l);
    return FF_OK;
}

static int demote_unseen(ff_detection *d, const ff_lockstep *l)
{
    size_t n = (size_t)d->findings->count + 1;
    verdict *verdicts = ff_alloc_array(n, sizeof *verdicts);
    bool *unseen = ff_alloc_array(n, sizeof *unseen);
    judge_findings(d, l, verdicts, unseen);
    int code = look_again(d, verdicts, unseen);
    for (int i = d->findings->count - 1; i >= 0 && code == FF_OK; i--)
        if (unseen[i])
            demote(d, i, &verdicts[i]);
    free(verdicts);
    free(unseen);
    return code;
}

/* Could a finding turn out to be none? Where every one lies in a part that differs, the dearer runs tell nothing more. */
static bool is_open(const ff_detection *d, const ff_lockstep *l)
{
    for (int i = 0; i < d->findings->count; i++) {
        const ff_finding *f = &d->findings->at[i];
        bool touched = false;
        for (int k = 0; k < f->n_target_nodes && !touched; k++)
            touched = touches(f->target_nodes[k], l->in_target);
        for (int k = 0; k < f->n_source_nodes && !touched; k++)
            touched = touches(f->source_nodes[k], l->in_source);
        if (may_be_tested(f) && (l->agree || !touched))
            return true;
    }
    return false;
}

int ff_detect_tested(ff_detection *d)
{
    ff_lockstep *l = NULL;
    if (!ff_lockstep_possible(d->subject))
        return FF_OK;
    int code = ff_lockstep_run(d->subject, FF_LOCKSTEP_PARTS, d->task, &l);
    if (code == FF_OK && !is_quantized(d->subject) && !d->half_source && !l->agree)
        report_unspoken(d, l);
    if (code == FF_OK && is_open(d, l)) {
        ff_lockstep_destroy(l);
        l = NULL;
        code = ff_lockstep_run(d->subject, FF_LOCKSTEP_ALL, d->task, &l);
        if (code == FF_OK)
            code = demote_unseen(d, l);
    }
    ff_lockstep_destroy(l);
    /* What cannot be run is judged by how it is written. */
    return code == FF_ERR_CANCELLED || code == FF_ERR_NOMEM ? code : FF_OK;
}
