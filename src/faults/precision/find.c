/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CG: the Target computes in half precision where the Source does not, between Casts or from end to end. That is one
 * decision of the converter and one finding: the Casts at its ends and what is rounded to be stored there are part of
 * it. A weight that is off by more than that rounding is a fault of its own. */
#include "faults/detect.h"

#include <math.h>
#include <string.h>

/* A constant that is rounded, and folded with others that are. */
#define ROUNDED 4e-3

static bool made_half(const ff_plan *p, const ff_value *v)
{
    return v && !ff_plan_constant(p, v) && ff_dtype_is_half(ff_plan_shape(p, v)->dtype);
}

static bool computes_half(const ff_plan *p, const ff_node *n)
{
    for (int i = 0; i < n->n_outputs; i++)
        if (made_half(p, n->outputs[i]))
            return true;
    return false;
}

/* From or to half precision. */
static bool is_border(const ff_plan *p, const ff_node *n)
{
    return strcmp(n->op, "Cast") == 0 && n->n_inputs == 1 && n->inputs[0] && n->n_outputs == 1 && n->outputs[0] &&
           !ff_plan_constant(p, n->outputs[0]) && made_half(p, n->inputs[0]) != made_half(p, n->outputs[0]);
}

static int count(const ff_plan *p)
{
    const ff_graph *g = ff_model_graph(ff_plan_model(p));
    int n = 0;
    for (int i = 0; i < g->n_inputs; i++)
        n += made_half(p, g->inputs[i]);
    for (int i = 0; i < g->n_nodes; i++)
        n += computes_half(p, g->nodes[i]);
    return n;
}

/* Is the finding no more than the rounding of a constant that is stored there? */
static bool is_part(const ff_plan *p, const ff_finding *f)
{
    const ff_hint *h = f->hint;
    const ff_value *v = h->target_param ? h->target_param->original : NULL;
    const ff_tensor *t = v ? ff_plan_constant(p, v) : NULL;
    if (f->type == FF_WB)
        return t && ff_dtype_is_half(t->dtype) && f->magnitude < (t->dtype == FF_FLOAT16 ? ROUNDED : 8 * ROUNDED);
    const ff_cattr *a = h->source_attr, *b = h->target_attr;
    bool close = f->type == FF_LH && a && b && b->node && computes_half(p, b->node) && a->type == FF_CATTR_REALS &&
                 b->type == FF_CATTR_REALS && a->n == b->n;
    for (int i = 0; close && i < a->n; i++)
        close = fabs(a->reals[i] - b->reals[i]) <= ROUNDED * fabs(a->reals[i]);
    return close;
}

/* Constants of a Source in half precision, and those of a Target that it rounds. */
static bool is_rounding_of_source(const ff_subject *s, const ff_finding *f)
{
    const ff_hint *h = f->hint;
    const ff_value *v = h->source_param ? h->source_param->original : NULL;
    const ff_tensor *t = v ? ff_plan_constant(s->source.canon->plan, v) : NULL;
    if (f->type == FF_WB)
        return t && ff_dtype_is_half(t->dtype) && f->magnitude < (t->dtype == FF_FLOAT16 ? ROUNDED : 8 * ROUNDED);
    const ff_cattr *a = h->source_attr, *b = h->target_attr;
    bool close = f->type == FF_LH && a && b && a->node && computes_half(s->source.canon->plan, a->node) &&
                 a->type == FF_CATTR_REALS && b->type == FF_CATTR_REALS && a->n == b->n;
    for (int i = 0; close && i < a->n; i++)
        close = fabs(a->reals[i] - b->reals[i]) <= ROUNDED * fabs(b->reals[i]);
    return close;
}

/* The Target may be more precise than the Source: that is no fault of its. */
static void accept_rounding(ff_detection *d)
{
    d->half_source = true;
    for (int i = d->findings->count - 1; i >= 0; i--) {
        const ff_finding *f = &d->findings->at[i];
        if (!is_rounding_of_source(d->subject, f))
            continue;
        ff_same *same = ff_detection_add_same(
            d, "half-source", "the Source keeps its numbers in half precision, the Target's are the same within that",
            f->magnitude);
        same->source_nodes = ff_nodes_copy(f->source_nodes, same->n_source_nodes = f->n_source_nodes);
        same->target_nodes = ff_nodes_copy(f->target_nodes, same->n_target_nodes = f->n_target_nodes);
        ff_detection_remove(d, i);
    }
}

int ff_detect_precision(ff_detection *d)
{
    enum { MOST = 64 };
    const ff_subject *s = d->subject;
    if (!s->source.canon || !s->target.canon || s->target.error)
        return FF_OK;
    const ff_plan *p = s->target.canon->plan;
    const ff_graph *g = ff_model_graph(s->target.model);
    int n_half = count(p), n = 0;
    if (count(s->source.canon->plan))
        accept_rounding(d);
    if (!n_half || d->half_source)
        return FF_OK;
    for (int i = d->findings->count - 1; i >= 0; i--)
        if (is_part(p, &d->findings->at[i]))
            ff_detection_remove(d, i);
    const ff_node *nodes[MOST], *first = NULL;
    for (int i = 0; i < g->n_nodes; i++) {
        if (is_border(p, g->nodes[i]) && n < MOST)
            nodes[n++] = g->nodes[i];
        first = first || !computes_half(p, g->nodes[i]) ? first : g->nodes[i];
    }
    if (!n && first)
        nodes[n++] = first;
    ff_dtype type = FF_FLOAT16;
    for (int i = 0; first && i < first->n_outputs; i++)
        type = made_half(p, first->outputs[i]) ? ff_plan_shape(p, first->outputs[i])->dtype : type;
    ff_finding *f = ff_detection_add(d, FF_CAUSE_HALF_PRECISION, "precision");
    f->target_nodes = ff_nodes_copy(nodes, f->n_target_nodes = n);
    char *at = ff_visible(nodes[0]->label), *end = ff_visible(nodes[n - 1]->label);
    const char *by = n_half == 1 ? "node of the Target computes" : "nodes of the Target compute";
    f->summary = n > 1 ? ff_asprintf("%d %s in %s, from '%s' to '%s'", n_half, by, ff_dtype_name(type), at, end)
                       : ff_asprintf("%d %s in %s", n_half, by, ff_dtype_name(type));
    f->explanation = ff_asprintf(
        "The Source computes in float32. Converters write %s to halve the file; every result is then rounded to about three "
        "digits, and float16 overflows beyond 65504. The repair makes the Target compute in float32, with the Source's "
        "numbers where its own are their rounding.",
        ff_dtype_name(type));
    json_t *j = json_object();
    json_object_set_new(j, "type", json_string(ff_dtype_name(type)));
    json_object_set_new(j, "nodes", json_integer(n_half));
    ff_finding_set_details(f, j);
    free(at);
    free(end);
    return FF_OK;
}
