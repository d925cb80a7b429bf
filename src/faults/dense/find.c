/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * LH: transA, transB, alpha or beta of a Gemm. The view has all four in the weights, where they would look like other
 * numbers, or in what the layer reads, where they would look like another order; that the stored numbers are the Source's
 * under other attributes tells.
 */
#include "faults/detect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NEAR 1e-5

static bool is_gemm(const ff_node *n)
{
    return n && !*n->domain && strcmp(n->op, "Gemm") == 0;
}

/* Are the wanted numbers [rows][columns] `factor` times the stored ones, which lie so or the other way round? */
static bool is_multiple(const ff_tensor *wanted, const ff_tensor *stored, bool turned, double factor)
{
    int64_t rows = wanted->dims[0], columns = wanted->rank > 1 ? wanted->dims[1] : 1;
    double distance = 0, norm = 0;
    if (stored->rank != 2 || stored->dims[turned] != rows || stored->dims[!turned] != columns)
        return false;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t k = 0; k < columns; k++) {
            double w = ff_tensor_get_real(wanted, i * columns + k);
            double d = factor * ff_tensor_get_real(stored, turned ? k * rows + i : i * columns + k) - w;
            distance += d * d;
            norm += w * w;
        }
    return norm > 0 && distance <= NEAR * NEAR * norm;
}

static bool is_multiple_row(const ff_tensor *wanted, const ff_tensor *stored, double factor)
{
    double distance = 0, norm = 0;
    for (int64_t i = 0; i < wanted->count; i++) {
        double w = ff_tensor_get_real(wanted, i), d = factor * ff_tensor_get_real(stored, i) - w;
        distance += d * d;
        norm += w * w;
    }
    return distance <= NEAR * NEAR * norm;
}

typedef struct attributes {
    int64_t trans[2]; /* A, B */
    double factor[2]; /* alpha, beta */
} attributes;

static attributes attributes_of(const ff_node *gemm)
{
    return (attributes){{ff_node_int(gemm, "transA", 0) != 0, ff_node_int(gemm, "transB", 0) != 0},
                        {ff_node_float(gemm, "alpha", 1), ff_node_float(gemm, "beta", 1)}};
}

/* What the attributes of the Target's node should be for its stored numbers to do as the Source's. A factor is one that
 * somebody would write: one, or the Source's. False: the numbers themselves differ. */
static bool wanted_of(const ff_subject *s, const ff_cnode *a, const ff_cnode *b, attributes *out)
{
    const ff_node *t = b->primary;
    const ff_plan *plan = s->target.canon->plan;
    const ff_cparam *weight = ff_cnode_param(a, "weight"), *bias = ff_cnode_param(a, "bias");
    const ff_tensor *w = t->inputs[1] ? ff_plan_constant(plan, t->inputs[1]) : NULL;
    const ff_shape *x = t->inputs[0] ? ff_plan_shape(plan, t->inputs[0]) : NULL;
    if (!w || !weight || weight->tensor->rank != 2 || !x)
        return false;
    attributes has = attributes_of(t),
               source = is_gemm(a->primary) ? attributes_of(a->primary) : (attributes){{0}, {1, 1}};
    const double alphas[] = {has.factor[0], 1, source.factor[0]}, betas[] = {has.factor[1], 1, source.factor[1]};
    const int64_t turns[] = {has.trans[1], !has.trans[1]};
    *out = has;
    /* What the view makes of the stored numbers has their columns in the Source's order, and alpha and beta in it. */
    const ff_cparam *made = ff_cnode_param(b, "weight"), *sum = ff_cnode_param(b, "bias");
    bool found = false;
    for (size_t k = 0; made && ff_same_dims(made->tensor, weight->tensor) && k < FF_COUNT(alphas) && !found; k++) {
        found = has.factor[0] != 0 && is_multiple(weight->tensor, made->tensor, false, alphas[k] / has.factor[0]);
        out->factor[0] = found ? alphas[k] : has.factor[0];
    }
    for (size_t i = 0; i < FF_COUNT(turns) && !found; i++)
        for (size_t k = 0; k < FF_COUNT(alphas) && !found; k++)
            if (is_multiple(weight->tensor, w, !turns[i], alphas[k])) {
                out->trans[1] = turns[i];
                out->factor[0] = alphas[k];
                found = true;
            }
    int64_t columns = weight->tensor->dims[1];
    if (x->rank == 2 && has.trans[0] && x->dims[1] == columns && x->dims[0] != columns)
        out->trans[0] = 0;
    bool same = false;
    for (size_t k = 0; found && sum && bias && has.factor[1] != 0 && k < FF_COUNT(betas) && !same; k++) {
        same = sum->tensor->count == bias->tensor->count &&
               is_multiple_row(bias->tensor, sum->tensor, betas[k] / has.factor[1]);
        out->factor[1] = same ? betas[k] : has.factor[1];
    }
    const ff_tensor *c = t->n_inputs > 2 && t->inputs[2] ? ff_plan_constant(plan, t->inputs[2]) : NULL;
    for (size_t k = 0; found && c && bias && bias->tensor->count == c->count && !same && k < FF_COUNT(betas); k++)
        if (is_multiple_row(bias->tensor, c, betas[k])) {
            out->factor[1] = betas[k];
            break;
        }
    return found;
}

static void add(ff_detection *d, int pair, const ff_node *t, const char *name, ff_cattr x, ff_cattr y)
{
    const ff_pair *p = &d->subject->alignment->pairs[pair];
    char *label = ff_pair_label(d->subject, pair), *what = ff_asprintf("%s/%s", label, name),
         *node = ff_visible(t->label);
    ff_finding *f = ff_detection_add(d, FF_CAUSE_ATTRIBUTE_DIFFERS, what);
    ff_finding_set_nodes(d->subject, f, p->source, p->target);
    f->pair = pair;
    f->hint->node = t;
    f->hint->made[0] = x;
    f->hint->made[1] = y;
    f->hint->source_attr = &f->hint->made[0];
    f->hint->target_attr = &f->hint->made[1];
    for (int i = 0; i < 2; i++) {
        ff_cattr *m = &f->hint->made[i];
        m->name = name;
        m->n = 1;
        m->node = i ? t : NULL;
        if (m->type == FF_CATTR_INTS)
            m->ints = memcpy(&f->hint->whole[i], m->ints, sizeof *m->ints);
        else
            m->reals = memcpy(&f->hint->numbers[i], m->reals, sizeof *m->reals);
    }
    char *wanted = ff_cattr_format(f->hint->source_attr), *has = ff_cattr_format(f->hint->target_attr);
    f->summary = ff_asprintf("%s of '%s': %s in the Source, %s in the Target", name, node, wanted, has);
    f->explanation =
        ff_asprintf("The numbers that '%s' stores are the Source's, but with %s = %s they are not used as there. "
                    "The repair sets it to %s.",
                    node, name, has, wanted);
    ff_finding_set_difference(f, name, json_string(wanted), json_string(has));
    free(label);
    free(what);
    free(node);
    free(wanted);
    free(has);
}

bool ff_dense_found(const ff_detection *d, int pair, const char *const *names)
{
    for (int i = 0; i < d->findings->count; i++)
        for (const ff_hint *h = d->findings->at[i].pair == pair ? d->findings->at[i].hint : NULL; h; h = h->next)
            if (h->made[0].name && is_gemm(h->node) && ff_any_of(h->made[0].name, names))
                return true;
    return false;
}

int ff_detect_dense(ff_detection *d)
{
    static const char *const trans[] = {"transA", "transB"}, *const factor[] = {"alpha", "beta"};
    const ff_subject *s = d->subject;
    for (int i = 0; s->alignment && i < s->alignment->n_pairs; i++) {
        const ff_pair *p = &s->alignment->pairs[i];
        const ff_cnode *a = p->source >= 0 ? &s->source.canon->nodes[p->source] : NULL;
        const ff_cnode *b = p->target >= 0 ? &s->target.canon->nodes[p->target] : NULL;
        attributes wanted;
        if (!a || !b || strcmp(a->op, "Gemm") != 0 || strcmp(b->op, "Gemm") != 0 || !is_gemm(b->primary) ||
            !wanted_of(s, a, b, &wanted))
            continue;
        attributes has = attributes_of(b->primary);
        int from = d->findings->count;
        for (int k = 0; k < 2; k++) {
            if (wanted.trans[k] != has.trans[k])
                add(d, i, b->primary, trans[k], (ff_cattr){.type = FF_CATTR_INTS, .ints = &wanted.trans[k]},
                    (ff_cattr){.type = FF_CATTR_INTS, .ints = &has.trans[k]});
            if (wanted.factor[k] != has.factor[k])
                add(d, i, b->primary, factor[k], (ff_cattr){.type = FF_CATTR_REALS, .reals = &wanted.factor[k]},
                    (ff_cattr){.type = FF_CATTR_REALS, .reals = &has.factor[k]});
        }
        ff_detection_join_attributes(d, from);
    }
    return FF_OK;
}
