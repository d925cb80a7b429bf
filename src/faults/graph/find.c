/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CG: nodes that only one side has, or that are wired otherwise. Seen from the matched nodes behind them: what each
 * reads must correspond. What differs and still gives the same values is an equivalence. */
#include "faults/detect.h"
#include "fetafix/examine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 64 };

typedef struct seen {
    int source, target; /* cvalues already reported */
} seen;

typedef struct comparison {
    ff_detection *d;
    size_t capacity;
    int n_seen;
    seen *seen;
    bool uncomputed; /* values that the Target does not come to compute are compared too */
} comparison;

/* What a node reads in the Source and its counterpart in the Target: by itself, and behind what does not matter. */
typedef struct reading {
    int x, y, source_exit, exit;
} reading;

/* Did the detector of structure speak of it, or that of precision, or that of preprocessing? */
static bool spoken_of(const ff_detection *d, bool source, const ff_cnode *transpose)
{
    if (ff_is_prepared(d, source, transpose->id))
        return true;
    for (int i = 0; !source && strcmp(transpose->op, "Cast") == 0 && i < d->findings->count; i++)
        if (ff_caused_by(&d->findings->at[i], FF_CAUSE_HALF_PRECISION))
            return true;
    if (strcmp(transpose->op, "Cast") == 0 && d->half_source)
        return true;
    if (strcmp(transpose->op, "Transpose") != 0)
        return false;
    for (int i = 0; i < d->findings->count; i++) {
        const ff_hint *h = d->findings->at[i].hint;
        if (d->findings->at[i].type == FF_TSS && h->cvalue >= 0 &&
            (source ? h->source_cnode == transpose->id : h->cvalue == transpose->outputs[0]))
            return true;
    }
    return false;
}

/* Past unmatched nodes that other detectors speak of, or that change no number. */
static int look_through(const ff_detection *d, bool source, int cvalue, bool output)
{
    /* The largest stays the largest. One of another is none that a framework would have: probabilities get lost. */
    static const char *const of_output[] = {"Softmax", "LogSoftmax", NULL};
    const ff_subject *s = d->subject;
    const ff_canon *c = source ? s->source.canon : s->target.canon;
    for (;;) {
        cvalue = ff_region_before_reshapes(s, source, cvalue);
        int node = c->values[cvalue].producer;
        if (node < 0 || ff_region_matched(s, source, node) || c->nodes[node].n_inputs != 1)
            return cvalue;
        const ff_cnode *n = &c->nodes[node];
        int before = c->values[n->inputs[0]].producer;
        bool last = output && ff_any_of(n->op, of_output) && (before < 0 || !ff_any_of(c->nodes[before].op, of_output));
        if (!last && !spoken_of(d, source, n))
            return cvalue;
        cvalue = n->inputs[0];
    }
}

static char *operators(const ff_canon *c, const int *nodes, int n)
{
    ff_buf b = {0};
    for (int i = 0; i < n && i < 6; i++)
        ff_buf_printf(&b, "%s%s", i ? ", " : "", c->nodes[nodes[i]].op);
    if (n > 6)
        ff_buf_printf(&b, " and %d more", n - 6);
    return ff_buf_steal(&b);
}

static json_t *labels(const ff_canon *c, const int *nodes, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++) {
        char *description = ff_cnode_describe(c, &c->nodes[nodes[i]]);
        char *shown = ff_visible(description);
        json_array_append_new(list, json_string(shown));
        free(description);
        free(shown);
    }
    return list;
}

/* Does every node only move elements? Then what differs is their order. */
static bool only_moves(const ff_canon *c, const int *nodes, int n)
{
    static const char *const moves[] = {"Transpose", "Reshape", "Identity", NULL};
    for (int i = 0; i < n; i++)
        if (!ff_any_of(c->nodes[nodes[i]].op, moves))
            return false;
    return n > 0;
}

/* The one original node that all of these come from, or NULL. */
static const ff_node *one_original(const ff_canon *c, const int *nodes, int n)
{
    const ff_node *one = n ? c->nodes[nodes[0]].primary : NULL;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < c->nodes[nodes[i]].n_origins; k++)
            if (c->nodes[nodes[i]].origins[k] != one)
                return NULL;
    return one;
}

/* The first attribute that two nodes of one operator do not share; caller frees all three. False: they are alike. */
static bool other_attribute(const ff_node *a, const ff_node *b, char **name, char **x, char **y)
{
    for (int side = 0; side < 2; side++) {
        const ff_node *n = side ? b : a;
        for (int i = 0; i < n->n_attrs; i++) {
            const ff_attr *p = ff_node_attr(a, n->attrs[i].name), *q = ff_node_attr(b, n->attrs[i].name);
            *x = p ? ff_attr_format(p) : ff_strdup("the default");
            *y = q ? ff_attr_format(q) : ff_strdup("the default");
            if (strcmp(*x, *y) != 0) {
                *name = ff_strdup(n->attrs[i].name);
                return true;
            }
            free(*x);
            free(*y);
            *x = *y = NULL;
        }
    }
    return false;
}

/* Were nodes among these found to be none of the Source's, by who knows what is behind them? */
static bool passed_by(const ff_detection *d, const int *region, int n)
{
    const ff_canon *c = d->subject->target.canon;
    for (int i = 0; i < d->findings->count; i++) {
        const ff_finding *f = &d->findings->at[i];
        for (int k = 0; k < n && f->hint->bypass; k++)
            if (f->n_target_nodes && ff_canon_of(c, f->target_nodes[0]) == region[k])
                return true;
    }
    return false;
}

/* A matched node (consumer pair; -1: the output of the graph) reads x in the Source and y in the Target. */
static int differs(comparison *m, int pair, int input, reading r)
{
    ff_detection *d = m->d;
    const ff_subject *s = d->subject;
    const ff_canon *sc = s->source.canon, *tc = s->target.canon;
    int x = r.x, y = r.y;
    for (int i = 0; i < m->n_seen; i++)
        if (m->seen[i].source == x && m->seen[i].target == y)
            return FF_OK;
    ff_grow(&m->seen, &m->capacity, (size_t)m->n_seen + 1, sizeof *m->seen);
    m->seen[m->n_seen++] = (seen){x, y};

    int wanted[MOST], region[MOST];
    int n_wanted = ff_region_nodes(s, true, x, wanted, MOST), n_region = ff_region_nodes(s, false, y, region, MOST);
    if (ff_reduction_found(d, true, wanted, n_wanted) || ff_reduction_found(d, false, region, n_region))
        return FF_OK;
    if (passed_by(d, region, n_region))
        return FF_OK;
    double distance;
    bool taken = false;
    int rc = ff_detect_quantized_activation(d, pair, input, x, y, &taken);
    if (rc != FF_OK || taken)
        return rc;
    rc = ff_region_distance(s, x, y, d->task, &distance);
    if (rc != FF_OK)
        return rc;
    if (distance < FF_SAME_VALUES) {
        ff_same *same = ff_detection_add_same(d, "same-values", "other operators that compute the same", distance);
        same->source_nodes = ff_cnodes_origins(sc, wanted, n_wanted, &same->n_source_nodes);
        same->target_nodes = ff_cnodes_origins(tc, region, n_region, &same->n_target_nodes);
        return FF_OK;
    }

    const ff_pair *p = pair >= 0 ? &s->alignment->pairs[pair] : NULL;
    char *consumer = p ? ff_cnode_label(tc, p->target) : ff_strdup("the output");
    char *label = n_wanted ? ff_cnode_label(sc, wanted[n_wanted - 1])
                  : p      ? ff_cnode_label(sc, p->source)
                           : ff_strdup("output");
    char *what = n_wanted   ? ff_strdup(label)
                 : n_region ? ff_asprintf("%s/input%d", label, input)
                            : ff_asprintf("%s/inputs", label);
    for (int i = 0; i < d->findings->count; i++) /* one node wired otherwise, or one region seen twice, is one fault */
        if ((d->findings->at[i].type == FF_CG || d->findings->at[i].hint->source_exit >= 0) &&
            strcmp(strchr(d->findings->at[i].id, ':') + 1, what) == 0) {
            free(consumer);
            free(label);
            free(what);
            return FF_OK;
        }
    char *has = operators(tc, region, n_region), *needs = operators(sc, wanted, n_wanted);
    ff_cause_id cause = n_wanted && n_region ? FF_CAUSE_OTHER_NODES
                        : n_wanted           ? FF_CAUSE_MISSING_NODES
                        : n_region           ? FF_CAUSE_EXTRA_NODES
                                             : FF_CAUSE_WIRED_OTHERWISE;
    bool order = only_moves(sc, wanted, n_wanted) && only_moves(tc, region, n_region);
    if (order)
        cause = FF_CAUSE_AXES_PERMUTED;
    const ff_node *one = one_original(sc, wanted, n_wanted), *other = one_original(tc, region, n_region);
    char *name = NULL, *of_source = NULL, *of_target = NULL;
    bool attribute = one && other && strcmp(one->op, other->op) == 0 && strcmp(one->op, "Reshape") != 0 &&
                     strcmp(one->op, "Transpose") != 0 && other_attribute(one, other, &name, &of_source, &of_target);
    ff_finding *f = ff_detection_add(d, attribute ? FF_CAUSE_ATTRIBUTE_DIFFERS : cause, what);
    f->pair = pair;
    f->hint->source_exit = r.source_exit;
    f->hint->exit = r.exit;
    f->hint->n_region = n_region;
    f->hint->n_wanted = n_wanted;
    f->hint->target_cnode = p ? p->target : -1;
    f->hint->source_cnode = p ? p->source : -1;
    f->source_nodes = ff_cnodes_origins(sc, wanted, n_wanted, &f->n_source_nodes);
    f->target_nodes = ff_cnodes_origins(tc, region, n_region, &f->n_target_nodes);
    if (!f->n_source_nodes && p) {
        const ff_cnode *n = &sc->nodes[p->source];
        f->source_nodes = ff_nodes_copy(n->origins, n->n_origins);
        f->n_source_nodes = n->n_origins;
    }
    if (!f->n_target_nodes && p) {
        const ff_cnode *n = &tc->nodes[p->target];
        f->target_nodes = ff_nodes_copy(n->origins, n->n_origins);
        f->n_target_nodes = n->n_origins;
    }
    f->summary =
        attribute
            ? ff_asprintf("%s of '%s': %s in the Source, %s in the Target", name, other->label, of_source, of_target)
        : order ? ff_asprintf("the elements that '%s' reads come in another order than in the Source", consumer)
        : n_wanted && n_region ? ff_asprintf("before '%s': %s in the Source, %s in the Target", consumer, needs, has)
        : n_wanted             ? ff_asprintf("%s is missing before '%s'", needs, consumer)
        : n_region             ? ff_asprintf("%s before '%s' is not in the Source", has, consumer)
                               : ff_asprintf("'%s' reads another value than in the Source", consumer);
    f->explanation =
        attribute
            ? ff_asprintf(
                  "'%s' moves the elements to other places than in the Source. The repair puts the Source's node in.",
                  other->label)
        : order
            ? ff_strdup(
                  "Both sides only reshape and transpose here (as for shuffling channels, or for depth into space), but into other "
                  "places: the shape is right, the order is not. The repair puts the Source's nodes in.")
            : ff_asprintf(
                  "The layers on both sides of this place correspond, what lies between them does not compute the same. "
                  "Converters add, drop or rewrite nodes here when the frameworks have no common operator. The repair %s.",
                  n_wanted ? "puts the Source's nodes in"
                           : "makes the reader see the value that corresponds to the Source's");
    json_t *j = json_object();
    if (attribute)
        json_object_set_new(j, "attribute", json_string(name));
    json_object_set_new(j, "source", attribute ? json_string(of_source) : labels(sc, wanted, n_wanted));
    json_object_set_new(j, "target", attribute ? json_string(of_target) : labels(tc, region, n_region));
    free(name);
    free(of_source);
    free(of_target);
    json_object_set_new(j, "distance", ff_json_real(distance));
    ff_finding_set_details(f, j);
    free(consumer);
    free(label);
    free(what);
    free(has);
    free(needs);
    return FF_OK;
}

static bool corresponds(const ff_subject *s, int x, int y)
{
    int at = ff_region_counterpart(s, x);
    return at >= 0 && at == y;
}

/* Where a repair has the choice: what the node itself reads, as long as only Reshapes are behind it and both have it in
 * the same dims; else what was compared. */
static reading exits(const ff_subject *s, reading r)
{
    const ff_cvalue *a = &s->source.canon->values[r.source_exit], *b = &s->target.canon->values[r.exit];
    bool same = a->original && b->original && a->shape.rank == b->shape.rank &&
                memcmp(a->shape.dims, b->shape.dims, (size_t)a->shape.rank * sizeof a->shape.dims[0]) == 0 &&
                ff_region_before_reshapes(s, true, r.source_exit) == r.x &&
                ff_region_before_reshapes(s, false, r.exit) == r.y;
    bool known = ff_region_computed(s, r.exit); /* else the dims that the node wants are the Source's */
    if (!same && known) {
        r.source_exit = r.x;
        r.exit = r.y;
    }
    return r;
}

static int compare_inputs(comparison *m, int pair, const ff_cnode *a, const ff_cnode *b)
{
    static const char *const commutative[] = {"Add", "Mul", "Min", "Max", "Sum", "Mean", NULL};
    const ff_subject *s = m->d->subject;
    int n = a->n_inputs < b->n_inputs ? a->n_inputs : b->n_inputs;
    reading r[MOST];
    if (ff_dense_found(m->d, pair, (const char *const[]){"transA", NULL}))
        return FF_OK;
    if (n > MOST)
        n = MOST;
    for (int i = 0; i < n; i++)
        r[i] = (reading){look_through(m->d, true, a->inputs[i], false), look_through(m->d, false, b->inputs[i], false),
                         a->inputs[i], b->inputs[i]};
    if (ff_any_of(a->op, commutative))
        for (int i = 0; i < n; i++) /* the order does not matter: what corresponds comes first */
            for (int k = i; k < n; k++)
                if (corresponds(s, r[i].x, r[k].y)) {
                    reading t = r[i];
                    r[i].y = r[k].y;
                    r[i].exit = r[k].exit;
                    r[k].y = t.y;
                    r[k].exit = t.exit;
                    break;
                }
    int rc = FF_OK;
    for (int i = 0; i < n && rc == FF_OK; i++)
        if (!corresponds(s, r[i].x, r[i].y) && (m->uncomputed || ff_region_computed(s, r[i].y)))
            rc = differs(m, pair, i, exits(s, r[i]));
    return rc;
}

static bool found(const ff_detection *d)
{
    for (int i = 0; i < d->findings->count; i++)
        if (d->findings->at[i].type != FF_PP)
            return true;
    return false;
}

/* A node that cannot compute anything of what it reads: what it reads has other dims than in the Source. */
static int compare_dims(comparison *m, int pair)
{
    const ff_subject *s = m->d->subject;
    const ff_cnode *a = &s->source.canon->nodes[s->alignment->pairs[pair].source];
    const ff_cnode *b = &s->target.canon->nodes[s->alignment->pairs[pair].target];
    int rc = FF_OK;
    for (int i = 0; i < a->n_inputs && i < b->n_inputs && rc == FF_OK; i++) {
        int x = a->inputs[i], y = b->inputs[i];
        if (ff_region_computed(s, b->outputs[0]) || !ff_region_computed(s, y))
            return FF_OK;
        if (!ff_same_axes(&s->source.canon->values[x].shape, &s->target.canon->values[y].shape))
            rc = differs(m, pair, i, (reading){x, y, x, y});
    }
    return rc;
}

/* Nothing that the Target comes to compute explains why it cannot run: the first place that reads something else does,
 * or all that lies before the output. */
static int explain_error(comparison *m)
{
    const ff_subject *s = m->d->subject;
    const ff_canon *sc = s->source.canon, *tc = s->target.canon;
    int rc = FF_OK;
    m->uncomputed = true;
    for (int i = 0; i < s->alignment->n_pairs && rc == FF_OK && !found(m->d); i++) {
        const ff_pair *p = &s->alignment->pairs[i];
        if (p->source >= 0 && p->target >= 0)
            rc = compare_dims(m, i);
    }
    for (int i = 0; i < s->alignment->n_pairs && rc == FF_OK && !found(m->d); i++) {
        const ff_pair *p = &s->alignment->pairs[i];
        if (p->source >= 0 && p->target >= 0 && ff_region_matched(s, true, p->source))
            rc = compare_inputs(m, i, &sc->nodes[p->source], &tc->nodes[p->target]);
    }
    int outputs[2 * FF_MOST_OUTPUT_PAIRS], n = ff_output_pairs(s, outputs);
    for (int i = 0; i < n && rc == FF_OK && !found(m->d); i++)
        rc = differs(m, -1, 0, (reading){outputs[2 * i], outputs[2 * i + 1], outputs[2 * i], outputs[2 * i + 1]});
    return rc;
}

/* What lies before an output of both. */
static int compare_output(comparison *m, int source, int target)
{
    const ff_subject *s = m->d->subject;
    int x = look_through(m->d, true, source, true), y = look_through(m->d, false, target, true), rc = FF_OK;
    double distance = INFINITY;
    bool apart = x != source && !corresponds(s, x, y); /* its Softmax may be written out */
    if (apart)
        rc = ff_region_distance(s, source, target, m->d->task, &distance);
    if (rc == FF_OK && apart && distance < FF_SAME_VALUES)
        return differs(m, -1, 0, (reading){source, target, source, target});
    if (rc == FF_OK && !corresponds(s, x, y))
        return differs(m, -1, 0, exits(s, (reading){x, y, source, target}));
    return rc;
}

int ff_detect_graph(ff_detection *d)
{
    const ff_subject *s = d->subject;
    if (!s->alignment)
        return FF_OK;
    comparison m = {.d = d};
    int rc = FF_OK;
    for (int i = 0; i < s->alignment->n_pairs && rc == FF_OK; i++) {
        const ff_pair *p = &s->alignment->pairs[i];
        if (p->source >= 0 && p->target >= 0 && ff_region_matched(s, true, p->source))
            rc = compare_inputs(&m, i, &s->source.canon->nodes[p->source], &s->target.canon->nodes[p->target]);
    }
    if (rc == FF_OK && s->target.error && !found(d))
        rc = explain_error(&m);
    /* Other outputs than the Source's are spoken of by the detector of outputs. */
    bool moved = false;
    for (int i = 0; i < d->findings->count; i++)
        moved = moved || ff_caused_by(&d->findings->at[i], FF_CAUSE_OUTPUTS_REORDERED);
    int outputs[2 * FF_MOST_OUTPUT_PAIRS], n = moved || s->target.error ? 0 : ff_output_pairs(s, outputs);
    for (int i = 0; i < n && rc == FF_OK; i++)
        rc = compare_output(&m, outputs[2 * i], outputs[2 * i + 1]);
    free(m.seen);
    return rc;
}
