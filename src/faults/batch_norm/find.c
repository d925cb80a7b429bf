/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is folded into the weights of a layer in the view, and is to blame for their difference: the epsilon of a batch
 * normalisation that the Target keeps as a node (LH), or scales and shifts that the Target has lost (CG). */
#include "faults/batch_norm/batch_norm.h"
#include "faults/detect.h"
#include "fetafix/examine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NEAR 2e-5

static bool is(const ff_node *n, const char *op)
{
    return !*n->domain && strcmp(n->op, op) == 0;
}

/* Would the Target's numbers be the Source's with that epsilon? */
static bool explains(const ff_norm *t, double epsilon, const ff_tensor *s_scale, const ff_tensor *t_scale,
                     const ff_tensor *s_shift, const ff_tensor *t_shift)
{
    int64_t channels = t->constants[FF_NORM_VARIANCE]->count, n = t_scale->count / channels;
    const float *a = s_scale->data, *b = t_scale->data, *p = s_shift->data, *q = t_shift->data;
    double distance = 0, norm = 0, off = 0, size = 0;
    for (int64_t c = 0; c < channels; c++) {
        double v = ff_tensor_get_real(t->constants[FF_NORM_VARIANCE], c),
               beta = ff_tensor_get_real(t->constants[FF_NORM_SHIFT], c);
        if (!(v + epsilon > 0))
            return false;
        double f = sqrt((v + t->epsilon) / (v + epsilon)), e = beta + (q[c] - beta) * f - p[c];
        for (int64_t i = c * n; i < (c + 1) * n; i++) {
            distance += (f * b[i] - a[i]) * (f * b[i] - a[i]);
            norm += (double)a[i] * a[i];
        }
        off += e * e;
        size += (double)p[c] * p[c] + beta * beta;
    }
    return distance <= NEAR * NEAR * norm && off <= NEAR * NEAR * (size + 1e-30);
}

/* From the channel that tells most: s / t = sqrt((v + e) / (v + wanted)). */
static double solve(const ff_norm *t, const ff_tensor *s_scale, const ff_tensor *t_scale)
{
    int64_t channels = t->constants[FF_NORM_VARIANCE]->count, n = t_scale->count / channels, best = 0;
    const float *a = s_scale->data, *b = t_scale->data;
    for (int64_t c = 1; c < channels; c++)
        if (ff_tensor_get_real(t->constants[FF_NORM_VARIANCE], c) <
            ff_tensor_get_real(t->constants[FF_NORM_VARIANCE], best))
            best = c;
    double dot = 0, norm = 0, v = ff_tensor_get_real(t->constants[FF_NORM_VARIANCE], best);
    for (int64_t i = best * n; i < (best + 1) * n; i++) {
        dot += (double)a[i] * b[i];
        norm += (double)b[i] * b[i];
    }
    return dot > 0 ? (v + t->epsilon) * norm * norm / (dot * dot) - v : -1;
}

/* The epsilon that the Target's batch normalisation should have; negative: that is not it. */
static double wanted_epsilon(const ff_subject *s, const ff_cnode *a, const ff_cnode *b, ff_norm *t)
{
    const ff_cparam *s_scale, *t_scale, *s_shift, *t_shift;
    ff_norm source;
    if (!ff_norm_of(s->target.canon, b, t) || !ff_norm_params(a, &s_scale, &s_shift) ||
        !ff_norm_params(b, &t_scale, &t_shift) || !ff_same_dims(s_scale->tensor, t_scale->tensor) ||
        !ff_same_dims(s_shift->tensor, t_shift->tensor) ||
        t->constants[FF_NORM_VARIANCE]->count != t_shift->tensor->count ||
        t->constants[FF_NORM_SHIFT]->count != t->constants[FF_NORM_VARIANCE]->count ||
        t_scale->tensor->count % t->constants[FF_NORM_VARIANCE]->count != 0 || t_scale->tensor->count == 0)
        return -1;
    double guesses[] = {-1,
                        (double)1e-5f,
                        (double)1e-3f,
                        (double)1e-4f,
                        (double)1e-6f,
                        (double)2e-5f,
                        (double)1e-2f,
                        0,
                        solve(t, s_scale->tensor, t_scale->tensor)};
    if (ff_norm_of(s->source.canon, a, &source))
        guesses[0] = source.epsilon;
    for (size_t i = 0; i < FF_COUNT(guesses); i++)
        if (guesses[i] >= 0 && guesses[i] != t->epsilon &&
            explains(t, guesses[i], s_scale->tensor, t_scale->tensor, s_shift->tensor, t_shift->tensor))
            return guesses[i];
    return -1;
}

static void report_epsilon(ff_detection *d, int pair, const ff_norm *t, double wanted)
{
    const ff_pair *p = &d->subject->alignment->pairs[pair];
    char *label = ff_pair_label(d->subject, pair), *what = ff_asprintf("%s/epsilon", label);
    ff_finding *f = ff_detection_add(d, FF_CAUSE_EPSILON_DIFFERS, what);
    ff_finding_set_nodes(d->subject, f, p->source, p->target);
    f->pair = pair;
    f->hint->node = t->node;
    f->hint->numbers[0] = wanted;
    f->hint->numbers[1] = t->epsilon;
    for (int i = 0; i < 2; i++)
        f->hint->made[i] = (ff_cattr){.name = "epsilon",
                                      .type = FF_CATTR_REALS,
                                      .n = 1,
                                      .reals = &f->hint->numbers[i],
                                      .node = i ? t->node : NULL};
    f->hint->source_attr = &f->hint->made[0];
    f->hint->target_attr = &f->hint->made[1];
    char *node = ff_visible(t->node->label);
    f->summary = ff_asprintf("epsilon of '%s': %.6g in the Source, %.6g in the Target", node, wanted, t->epsilon);
    f->explanation = ff_asprintf(
        "The batch normalisation divides by the root of variance + epsilon. Frameworks have other defaults (1e-3 and 1e-5), "
        "and a converter that does not write it down leaves the other one's. With %.6g all channels come out as the "
        "Source's. The repair sets it.",
        wanted);
    ff_finding_set_difference(f, "epsilon", ff_json_real(wanted), ff_json_real(t->epsilon));
    free(label);
    free(what);
    free(node);
}

/* -------------------------------------------------------------- scales and shifts lost, or put in */

enum { MOST = 16 };

static bool scales_or_shifts(const ff_node *n)
{
    static const char *const ops[] = {"BatchNormalization", "Mul", "Div", "Add", "Sub", "Neg", NULL};
    for (int i = 0; ops[i]; i++)
        if (is(n, ops[i]))
            return true;
    return false;
}

static bool same_constants(const ff_plan *p, const ff_node *x, const ff_plan *q, const ff_node *y)
{
    for (int i = 0; i < x->n_inputs; i++) {
        const ff_tensor *a = x->inputs[i] ? ff_plan_constant(p, x->inputs[i]) : NULL,
                        *b = y->inputs[i] ? ff_plan_constant(q, y->inputs[i]) : NULL;
        if (!a != !b || (a && (a->bytes != b->bytes || memcmp(a->data, b->data, a->bytes) != 0)))
            return false;
    }
    return true;
}

/* A shift by numbers that one of the nodes holds: its bias. */
static bool is_bias_of(const ff_plan *p, const ff_node *x, const ff_plan *q, const ff_cnode *n)
{
    if (!is(x, "Add"))
        return false;
    for (int i = 0; i < x->n_inputs; i++) {
        const ff_tensor *a = ff_plan_constant(p, x->inputs[i]);
        for (int k = 0; a && k < n->n_origins; k++)
            for (int m = 0; m < n->origins[k]->n_inputs; m++) {
                const ff_value *v = n->origins[k]->inputs[m];
                const ff_tensor *b = v ? ff_plan_constant(q, v) : NULL;
                if (b && a->bytes == b->bytes && memcmp(a->data, b->data, a->bytes) == 0)
                    return true;
            }
    }
    return false;
}

/* The nodes among those of n that scale or shift what the layer makes, but for those that `other` has as well. */
static int own_scales(const ff_canon *c, const ff_cnode *n, const ff_canon *of_other, const ff_cnode *other,
                      const ff_node **out)
{
    int count = 0;
    for (int i = 0; i < n->n_origins && count < MOST; i++) {
        const ff_node *x = n->origins[i];
        bool shared = x == n->primary || !scales_or_shifts(x) || is_bias_of(c->plan, x, of_other->plan, other);
        for (int k = 0; k < other->n_origins && !shared; k++) {
            const ff_node *y = other->origins[k];
            shared = strcmp(x->op, y->op) == 0 && x->n_inputs == y->n_inputs &&
                     same_constants(c->plan, x, of_other->plan, y);
        }
        if (!shared)
            out[count++] = x;
    }
    return count;
}

static bool only_shifts(const ff_node *const *nodes, int n)
{
    for (int i = 0; i < n; i++)
        if (!is(nodes[i], "Add") && !is(nodes[i], "Sub"))
            return false;
    return true;
}

/* Only one side has the nodes. */
static void report_scales(ff_detection *d, int pair, const ff_cnode *a, const ff_cnode *b, int from, bool lost,
                          const ff_node *const *nodes, int n)
{
    const ff_subject *s = d->subject;
    ff_detection_drop(d, from);
    char *label = ff_pair_label(s, pair), *what = ff_asprintf("%s/scale", label),
         *at = ff_cnode_label(s->target.canon, b->id);
    ff_finding *f = ff_detection_add(d, lost ? FF_CAUSE_MISSING_NODES : FF_CAUSE_EXTRA_NODES, what);
    f->pair = pair;
    f->hint->source_cnode = a->id;
    f->hint->target_cnode = b->id;
    f->hint->source_exit = a->outputs[0];
    f->hint->exit = b->outputs[0];
    *(lost ? &f->hint->n_wanted : &f->hint->n_region) = n;
    f->hint->bypass = !lost;
    f->n_source_nodes = lost ? n : a->n_origins;
    f->n_target_nodes = lost ? b->n_origins : n;
    f->source_nodes = ff_nodes_copy(lost ? nodes : a->origins, f->n_source_nodes);
    f->target_nodes = ff_nodes_copy(lost ? b->origins : nodes, f->n_target_nodes);
    ff_buf ops = {0};
    json_t *j = json_object(), *list = json_array();
    for (int i = 0; i < n; i++) {
        char *shown = ff_visible(nodes[i]->label);
        ff_buf_printf(&ops, "%s%s", i ? ", " : "", nodes[i]->op);
        json_array_append_new(list, json_string(shown));
        free(shown);
    }
    f->summary = ff_asprintf(lost ? "%s at '%s' is missing" : "%s at '%s' is not in the Source", ops.data, at);
    f->explanation =
        ff_asprintf("Both sides store the same weights for '%s', but only the %s scales or shifts what comes "
                    "out of them (or goes in). The repair %s.",
                    at, lost ? "Source" : "Target",
                    lost ? "puts the Source's nodes in place of the Target's" : "takes the nodes out");
    json_object_set_new(j, lost ? "source" : "target", list);
    ff_finding_set_details(f, j);
    ff_buf_finish(&ops);
    free(label);
    free(what);
    free(at);
}

/* Is what multiplies and adds in `f` of the Target, after the layer b, what a has more than b? */
static bool makes_up(const ff_cnode *a, const ff_cnode *b, const ff_cnode *f)
{
    const ff_cparam *weight, *bias, *own_weight, *own_bias, *by, *plus;
    if (!ff_norm_params(a, &weight, &bias) || !ff_norm_params(b, &own_weight, &own_bias) ||
        !ff_norm_params(f, &by, &plus) || !ff_same_dims(weight->tensor, own_weight->tensor) ||
        by->tensor->count != weight->tensor->dims[0] || bias->tensor->count != by->tensor->count ||
        own_bias->tensor->count != by->tensor->count)
        return false;
    int64_t channels = by->tensor->count, n = weight->tensor->count / channels;
    const float *w = weight->tensor->data, *own = own_weight->tensor->data, *k = by->tensor->data;
    double distance = 0, norm = 0;
    for (int64_t i = 0; i < channels * n; i++) {
        double off = (double)k[i / n] * own[i] - w[i];
        distance += off * off;
        norm += (double)w[i] * w[i];
    }
    for (int64_t c = 0; c < channels; c++) {
        double wanted = ((const float *)bias->tensor->data)[c];
        double off =
            (double)k[c] * ((const float *)own_bias->tensor->data)[c] + ((const float *)plus->tensor->data)[c] - wanted;
        distance += off * off;
        norm += wanted * wanted;
    }
    return distance <= NEAR * NEAR * norm;
}

/* The scales that seem to be lost are there, behind nodes that the Source does not have: those are the fault. */
static bool report_between(ff_detection *d, int pair, const ff_cnode *a, const ff_cnode *b, int from)
{
    const ff_subject *s = d->subject;
    const ff_canon *c = s->target.canon;
    const ff_cnode *n = b;
    if (b->n_outputs < 1)
        return false;
    const ff_node *between[MOST];
    ff_buf ops = {0};
    int count = 0;
    for (bool more = true; more;) {
        const ff_cvalue *v = &c->values[n->outputs[0]];
        n = v->n_users == 1 ? &c->nodes[v->users[0]] : NULL;
        more = n && n->n_inputs == 1 && n->n_outputs == 1 && !ff_region_matched(s, false, n->id) &&
               strcmp(n->op, "Affine") != 0 && count + n->n_origins <= MOST;
        for (int i = 0; more && i < n->n_origins; i++) {
            ff_buf_printf(&ops, "%s%s", count ? ", " : "", n->origins[i]->op);
            between[count++] = n->origins[i];
        }
    }
    bool found = n && count && strcmp(n->op, "Affine") == 0 && !ff_region_matched(s, false, n->id) && makes_up(a, b, n);
    if (found) {
        ff_detection_drop(d, from);
        char *label = ff_pair_label(s, pair), *what = ff_asprintf("%s/between", label), *at = ff_cnode_label(c, b->id);
        ff_finding *f = ff_detection_add(d, FF_CAUSE_EXTRA_NODES, what);
        f->pair = pair;
        f->hint->source_cnode = a->id;
        f->hint->target_cnode = b->id;
        f->hint->source_exit = a->outputs[0];
        f->hint->exit = b->outputs[0];
        f->hint->n_region = count;
        f->hint->bypass = true;
        f->source_nodes = ff_nodes_copy(a->origins, f->n_source_nodes = a->n_origins);
        f->target_nodes = ff_nodes_copy(between, f->n_target_nodes = count);
        f->summary = ff_asprintf("%s behind '%s' is not in the Source", ops.data, at);
        f->explanation =
            ff_asprintf("Between '%s' and the batch normalisation behind it the Target computes something that "
                        "the Source does not. The repair takes the nodes out.",
                        at);
        free(label);
        free(what);
        free(at);
    }
    ff_buf_finish(&ops);
    return found;
}

static void compare_scales(ff_detection *d, int pair, const ff_cnode *a, const ff_cnode *b, int from)
{
    const ff_canon *sc = d->subject->source.canon, *tc = d->subject->target.canon;
    const ff_node *lost[MOST], *added[MOST];
    int n_lost = own_scales(sc, a, tc, b, lost), n_added = own_scales(tc, b, sc, a, added);
    if (only_shifts(lost, n_lost) && only_shifts(added, n_added))
        return; /* a bias */
    if (n_lost && !n_added)
        report_scales(d, pair, a, b, from, true, lost, n_lost);
    else if (n_added && !n_lost)
        report_scales(d, pair, a, b, from, false, added, n_added);
}

int ff_detect_norm(ff_detection *d, int pair, int from)
{
    const ff_subject *s = d->subject;
    const ff_pair *p = &s->alignment->pairs[pair];
    const ff_cnode *a = &s->source.canon->nodes[p->source], *b = &s->target.canon->nodes[p->target];
    const ff_cparam *x = ff_cnode_param(a, "weight"), *y = ff_cnode_param(b, "weight");
    ff_norm t;
    double wanted = wanted_epsilon(s, a, b, &t);
    if (wanted >= 0) {
        ff_detection_drop(d, from);
        report_epsilon(d, pair, &t, wanted);
    } else if (report_between(d, pair, a, b, from)) {
        return FF_OK;
    } else if (x && y && a->n_outputs > 0 && b->n_outputs > 0 && ff_norm_same_stored(s, x, y)) {
        compare_scales(d, pair, a, b, from);
    }
    return d->findings->count > from ? ff_detect_statistics(d, pair, from) : FF_OK;
}
