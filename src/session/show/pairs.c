/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The aligned graph and the core layers as tables. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "session/case/case.h"

int case_pair_of(const ff_case *c, const known_finding *k)
{
    const ff_alignment *a = c->subject ? c->subject->alignment : NULL;
    for (int i = 0; c->findings && a && i < c->findings->count; i++) {
        if (strcmp(c->findings->at[i].id, k->id) == 0)
            return c->findings->at[i].pair;
    }
    if (!a || k->source < 0 || k->source >= a->source->n_nodes)
        return -1;
    return a->of_source[k->source];
}

int case_layer_of(const ff_case *c, int pair)
{
    const ff_alignment *now = c->subject ? c->subject->alignment : NULL;
    const ff_alignment *root = c->first ? c->first->alignment : NULL;
    if (!c->scores || !now || !root || pair < 0 || now->pairs[pair].source < 0)
        return 0;
    int there = root->of_source[now->pairs[pair].source];
    for (int i = 0; i < c->scores->count; i++) {
        if (c->scores->at[i].pair == there)
            return i + 1;
    }
    return 0;
}

/* ------------------------------------------------------------------------------------- columns */

/* The pair that makes a value, seen from one side. */
static int maker(const ff_canon *c, const int *of, int value)
{
    int producer = c->values[value].producer;
    return producer >= 0 ? of[producer] : -1;
}

/* Pairs that a pair reads, in the order of its inputs; the count. */
static int inputs_of(const ff_alignment *a, int pair, int *out, int max)
{
    const ff_pair *p = &a->pairs[pair];
    const ff_canon *c = p->source >= 0 ? a->source : a->target;
    const int *of = p->source >= 0 ? a->of_source : a->of_target;
    const ff_cnode *node = &c->nodes[p->source >= 0 ? p->source : p->target];
    int n = 0;
    for (int i = 0; i < node->n_inputs && n < max; i++) {
        int from = maker(c, of, node->inputs[i]);
        if (from >= 0 && from != pair)
            out[n++] = from;
    }
    return n;
}

/*
 * Columns as a commit graph is drawn: a row goes on in the column of the first row it reads that
 * nobody has continued yet, else it opens the leftmost column that no unfinished row holds.
 */
static int *branch_columns(const ff_alignment *a)
{
    int n = a->n_pairs, in[16];
    int *column = ff_alloc_array((size_t)n + 1, sizeof *column);
    int *last_use = ff_alloc_array((size_t)n + 1, sizeof *last_use);
    int *holder = ff_alloc_array((size_t)n + 1, sizeof *holder); /* row that ends each column */
    bool *continued = ff_alloc_array((size_t)n + 1, sizeof *continued);
    int n_columns = 0;
    for (int i = 0; i < n; i++) {
        int k = inputs_of(a, i, in, 16);
        for (int j = 0; j < k; j++) {
            if (in[j] < i && i > last_use[in[j]])
                last_use[in[j]] = i;
        }
    }
    for (int i = 0; i < n; i++) {
        int k = inputs_of(a, i, in, 16), at = -1;
        for (int j = 0; j < k && at < 0; j++) {
            if (in[j] < i && !continued[in[j]]) {
                at = column[in[j]];
                continued[in[j]] = true;
            }
        }
        for (int j = 0; j < n_columns && at < 0; j++) {
            if (last_use[holder[j]] <= i)
                at = j;
        }
        if (at < 0)
            at = n_columns++;
        column[i] = at;
        holder[at] = i;
    }
    free(last_use);
    free(holder);
    free(continued);
    return column;
}

/* --------------------------------------------------------------------------------------- notes */

static bool covers(const ff_node *const *nodes, int n, const ff_cnode *node)
{
    for (int i = 0; i < n; i++) {
        for (int k = 0; node && k < node->n_origins; k++) {
            if (nodes[i] == node->origins[k])
                return true;
        }
    }
    return false;
}

/* Rules that were needed to see the two nodes as one thing; NULL when none was. */
static const char *same_rule(const ff_case *c, const ff_cnode *source, const ff_cnode *target)
{
    for (int i = 0; c->sames && i < c->sames->count; i++) {
        const ff_same *s = &c->sames->at[i];
        if (covers(s->source_nodes, s->n_source_nodes, source) || covers(s->target_nodes, s->n_target_nodes, target))
            return s->rule;
    }
    return NULL;
}

/* What was found at a pair, the largest difference first: narrow screens show the beginning alone. */
static int note_findings(const ff_findings *list, int pair, ff_buf *out)
{
    int n = 0;
    for (double below = INFINITY; below >= 0;) {
        double next = -1;
        for (int k = 0; list && k < list->count; k++) {
            const ff_finding *f = &list->at[k];
            double size = f->magnitude > 0 ? f->magnitude : 0;
            if (f->pair != pair)
                continue;
            if (size < below && size > next)
                next = size;
            if (size != below)
                continue;
            ff_buf_puts(out, n++ ? "; " : "");
            case_brief(f->type, f->cause->name, f->details, f->magnitude, true, out);
        }
        below = next;
    }
    return n;
}

static const ff_layer_score *score_of(const ff_layer_scores *scores, int pair)
{
    for (int i = 0; scores && i < scores->count; i++) {
        if (scores->at[i].pair == pair)
            return &scores->at[i];
    }
    return NULL;
}

static void set_side(ff_table *t, int row, const char *label, const char *summary, const ff_canon *c,
                     const ff_cnode *node)
{
    if (!node)
        return;
    char *name = ff_visible(node->primary ? node->primary->label : node->op);
    ff_table_set_text(t, row, label, name);
    free(name);
    if (!summary)
        return;
    char *text = ff_cnode_describe(c, node), *shown = ff_visible(text);
    ff_table_set_text(t, row, summary, shown);
    free(text);
    free(shown);
}

static void set_inputs(ff_table *t, int row, const ff_alignment *a)
{
    int in[64], n = inputs_of(a, row, in, 64);
    ff_buf b = {0};
    for (int i = 0; i < n; i++)
        ff_buf_printf(&b, "%s%d", i ? "," : "", in[i]);
    ff_table_set_text(t, row, "source_inputs", b.data);
    ff_buf_finish(&b);
}

static void set_real(ff_table *t, int row, const char *column, double v)
{
    if (isfinite(v))
        ff_table_set_real(t, row, column, v);
}

/* A softmax of one side, at the end: nothing is missing where the largest value decides. */
static const char *harmless(const ff_case *c, const ff_alignment *a, const ff_pair *p)
{
    const ff_canon *side = p->source >= 0 ? a->source : a->target;
    const ff_cnode *n = &side->nodes[p->source >= 0 ? p->source : p->target];
    if ((strcmp(n->op, "Softmax") != 0 && strcmp(n->op, "LogSoftmax") != 0) || n->n_outputs != 1 ||
        !ff_comparator_by_label(c->comparator))
        return NULL;
    for (int i = 0; i < side->n_outputs; i++) {
        if (side->outputs[i] == n->outputs[0])
            return "changes no label";
    }
    return NULL;
}

ff_table *case_pairs(ff_case *c)
{
    ff_table *t = case_table("pairs");
    const ff_subject *subject = c->subject ? c->subject : c->first;
    const ff_alignment *a = subject ? subject->alignment : NULL;
    if (!a)
        return t;
    int *column = branch_columns(a);
    ff_layer_scores *scores = c->subject ? case_scores_for(c, subject) : NULL;
    for (int i = 0; i < a->n_pairs; i++) {
        const ff_pair *p = &a->pairs[i];
        const ff_cnode *source = p->source >= 0 ? &a->source->nodes[p->source] : NULL;
        const ff_cnode *target = p->target >= 0 ? &a->target->nodes[p->target] : NULL;
        ff_buf note = {0};
        int row = ff_table_add_row(t), n_findings = note_findings(c->findings, i, &note);
        const char *rule = n_findings ? NULL : same_rule(c, source, target);
        const char *status = n_findings && source && target ? "different"
                             : !source                      ? "target-only"
                             : !target                      ? "source-only"
                             : rule                         ? "equivalent"
                                                            : "equal";
        ff_table_set_int(t, row, "pair", i);
        set_side(t, row, "source", "source_summary", a->source, source);
        set_side(t, row, "target", "target_summary", a->target, target);
        ff_table_set_text(t, row, "op", source ? source->op : target->op);
        ff_table_set_text(t, row, "status", status);
        ff_table_set_text(t, row, "note",
                          n_findings         ? note.data
                          : source && target ? rule
                          : c->findings      ? harmless(c, a, p)
                                             : NULL);
        ff_table_set_int(t, row, "depth", column[i]);
        ff_table_set_real(t, row, "confidence", p->confidence);
        ff_table_set_text(t, row, "reason", source && target ? p->reason : NULL);
        ff_table_set_int(t, row, "findings", n_findings);
        set_inputs(t, row, a);
        int layer = case_layer_of(c, i);
        if (layer)
            ff_table_set_int(t, row, "layer", layer);
        const ff_layer_score *score = score_of(scores, i);
        if (score) {
            set_real(t, row, "error", score->entire);
            set_real(t, row, "isolated", score->isolated);
        }
        ff_buf_finish(&note);
    }
    ff_layer_scores_destroy(scores);
    free(column);
    return t;
}

/* Why the outputs of a layer as it came cannot be compared; NULL: they can. */
static char *apart(const ff_alignment *a, const ff_pair *p, const ff_layer_score *score)
{
    if (isfinite(score->entire) || p->source < 0 || p->target < 0)
        return NULL;
    const ff_cnode *x = &a->source->nodes[p->source], *y = &a->target->nodes[p->target];
    const ff_shape *s = &a->source->values[x->outputs[0]].shape, *t = &a->target->values[y->outputs[0]].shape;
    if (s->rank < 0 || t->rank < 0)
        return NULL;
    ff_buf b = {0};
    ff_buf_dims(&b, s->rank, s->dims);
    ff_buf_puts(&b, " in the Source, ");
    ff_buf_dims(&b, t->rank, t->dims);
    ff_buf_puts(&b, isinf(score->entire) ? " in the Target" : " in the Target, as what arrives here has other dims");
    return ff_buf_steal(&b);
}

ff_table *case_layers(ff_case *c)
{
    ff_table *t = case_table("layers");
    const ff_alignment *root = c->first ? c->first->alignment : NULL;
    const ff_alignment *now = c->subject ? c->subject->alignment : NULL;
    for (int i = 0; c->scores && root && i < c->scores->count; i++) {
        const ff_layer_score *s = &c->scores->at[i];
        if (s->pair < 0 || s->pair >= root->n_pairs)
            continue;
        const ff_pair *p = &root->pairs[s->pair];
        int row = ff_table_add_row(t);
        ff_table_set_int(t, row, "layer", i + 1);
        int pair = now && p->source >= 0 ? now->of_source[p->source] : s->pair;
        if (pair >= 0)
            ff_table_set_int(t, row, "pair", pair);
        set_side(t, row, "source", NULL, root->source, p->source >= 0 ? &root->source->nodes[p->source] : NULL);
        set_side(t, row, "target", NULL, root->target, p->target >= 0 ? &root->target->nodes[p->target] : NULL);
        if (s->rank > 0)
            ff_table_set_int(t, row, "rank", s->rank);
        set_real(t, row, "kw", s->kw);
        set_real(t, row, "effect", s->effect);
        set_real(t, row, "entire", s->entire);
        set_real(t, row, "isolated", s->isolated);
        set_real(t, row, "causal", s->causal);
        char *note = apart(root, p, s);
        ff_table_set_text(t, row, "note", note);
        ff_table_set_bool(t, row, "own_dims", note && isinf(s->entire));
        free(note);
        if ((s = case_measured(c, p->source))) {
            set_real(t, row, "entire_now", s->entire);
            set_real(t, row, "isolated_now", s->isolated);
            set_real(t, row, "causal_now", s->causal);
            set_real(t, row, "kw_now", s->kw);
        }
    }
    return t;
}
